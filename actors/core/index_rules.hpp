// What index_checker concludes: indexes and statistics that a copy lacks though their files are there, indexes that it has in vain.
#pragma once

#include "actors/core/anti_entropy.hpp"
#include "actors/core/due_collections.hpp"
#include "actors/core/proposal.hpp"
#include "actors/core/shard_context.hpp"
#include "actors/core/situation.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace muster {

/// Which indexes a collection has, and for which of them a segment has files, comes with the target; which a copy has, with its node's
/// report: nothing is asked. Cost of a check: what was touched; when nodes
/// or shards of a touched collection changed also what is open there; when its indexes did, its copies.
class index_rules {
public:
  /// At most limits::proposals_per_batch proposals; what that cuts off comes with the next check.
  std::vector<proposal> check(const situation& s, const touched_map& touched);

  /// See anti_entropy.hpp. Cost: some 100 ns a segment that is as it should be.
  std::optional<std::int64_t> sweep(const situation& s, std::int64_t collection, std::int64_t from, std::size_t most,
                                    sweep_findings& found);

  /// True when the limit cut something off.
  bool more() const {
    return !cut_.empty();
  }

  /// Segments with a copy for which something is to be done.
  std::size_t open() const {
    return open_count_;
  }

private:
  struct unsettled {
    std::uint64_t indexes = 0; ///< What the collection had at the last check.
    std::uint64_t stats = 0;
    std::set<std::int64_t> segments;
    std::vector<std::int64_t> pending; ///< Not looked at yet: the limit cut them off.
    shard_state shards;                ///< What the conclusions about `segments` rested on.
  };

  void check_collection(const situation& s, std::int64_t id, const touched_ids& ids, std::vector<proposal>& out);
  void look_at(const situation& s, std::int64_t id, const touched_ids& ids, std::vector<proposal>& out);
  std::optional<std::int64_t> walk(const situation& s, std::int64_t collection, std::int64_t from, std::size_t most,
                                   sweep_findings& found);
  std::size_t open_in(std::int64_t collection) const;
  bool check_segment(const situation& s, const collection_view& view, std::int64_t segment, std::vector<proposal>& out) const;

  std::map<std::int64_t, unsettled> open_; ///< Collections with an index, statistics, or something open.
  std::size_t open_count_ = 0; ///< Segments in all of them.
  cut_off_collections cut_; ///< Those with something pending.
};

} // namespace muster
