// What segment_checker concludes: segments that a replica lacks, copies and growing segments that nobody needs.
#pragma once

#include "actors/core/anti_entropy.hpp"
#include "actors/core/due_collections.hpp"
#include "actors/core/placing.hpp"
#include "actors/core/proposal.hpp"
#include "actors/core/shard_context.hpp"
#include "actors/core/situation.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace muster {

/// Remembers the segments that are not as they should be, so that a change of their shards is looked at again without a walk.
/// Cost of a check: what was touched; plus, when the shards of a touched collection changed, what is open there.
class segment_rules {
public:
  /// At most limits::proposals_per_batch proposals; what that cuts off comes with the next check, other collections first.
  std::vector<proposal> check(const situation& s, const touched_map& touched);

  /// See anti_entropy.hpp. Cost: some 100 ns a segment that is as it should be.
  std::optional<std::int64_t> sweep(const situation& s, std::int64_t collection, std::int64_t from, std::size_t most,
                                    sweep_findings& found);

  /// True when the limit cut something off.
  bool more() const {
    return !cut_.empty();
  }

  /// Segments known to be lacking, surplus or repeated, over all collections.
  std::size_t open() const {
    return open_count_;
  }

  /// How nodes are chosen from now on.
  void configure(const balance_settings& settings, const situation&) {
    settings_ = settings;
  }

private:
  struct unsettled {
    std::set<std::int64_t> segments;
    std::vector<std::int64_t> pending; ///< Not looked at yet: the limit cut them off.
    shard_state shards;                ///< What the conclusions about `segments` rested on.
  };

  void check_collection(const situation& s, std::int64_t id, const touched_ids& ids, placing& places,
                        std::vector<proposal>& out);
  void look_at(const situation& s, std::int64_t id, const touched_ids& ids, placing& places, std::vector<proposal>& out);
  std::optional<std::int64_t> walk(const situation& s, std::int64_t collection, std::int64_t from, std::size_t most,
                                   sweep_findings& found);
  std::size_t open_in(std::int64_t collection) const;
  /// True: the segment is not as it should be.
  bool check_segment(const situation& s, std::int64_t collection, const collection_view& view, const shard_context* shards,
                     std::int64_t segment, placing& places, std::vector<proposal>& out) const;

  balance_settings settings_;
  std::map<std::int64_t, unsettled> open_;
  std::size_t open_count_ = 0; ///< Segments in all of them.
  cut_off_collections cut_; ///< Those with something pending.
};

/// The channel of a segment whose routes must change at `leader`: from its target row, or the only one the node leads. Empty: unknown.
std::string channel_of(const collection_view& view, std::int64_t segment, std::int64_t leader);

/// True while some shard of the replica may still be served at, or set up for, a target older than the current one. Then a
/// segment that no target names any more may be in use although no reported view has it yet.
/// Cost: the collection's delegators and tasks.
bool may_serve_dropped(const collection_view& view, const replica_row& replica);

/// True when a delegator of the replica may still need a copy of a segment of `channel` that no target names: it serves an older
/// version, or is being set up; also when none is there to say. Channel empty (nobody knows it): as may_serve_dropped.
bool in_use(const collection_view& view, const replica_row& replica, const std::string& channel);

} // namespace muster
