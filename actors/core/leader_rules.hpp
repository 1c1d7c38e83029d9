// What leader_checker concludes: routes that a delegator lacks or should forget, delegators that serve an old version or use old
// statistics.
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

/// Remembers segments whose routes are not as they should be. Cost of a check: what was touched, the shards of the touched
/// collections; plus, when those shards changed, what is open there; another leader: the collection.
class leader_rules {
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

  std::size_t open() const {
    return open_count_;
  }

private:
  using shard_index = std::pair<std::size_t, std::size_t>; ///< Replica, channel.

  struct unsettled {
    /// Open segments, with the shards whose leader does not cover one that the readable version needs.
    std::map<std::int64_t, std::vector<shard_index>> segments;
    std::map<shard_index, std::size_t> uncovered; ///< How many segments of each shard.
    std::vector<std::int64_t> pending;            ///< Not looked at yet: the limit cut them off.
    std::vector<std::int64_t> leaders; ///< The replica's id, then the node that leads each channel; 0: none.
    shard_state shards;
  };

  void check_collection(const situation& s, std::int64_t id, const touched_ids& ids, std::vector<proposal>& out);
  void look_at(const situation& s, std::int64_t id, const touched_ids& ids, std::vector<proposal>& out);
  std::optional<std::int64_t> walk(const situation& s, std::int64_t collection, std::int64_t from, std::size_t most,
                                   sweep_findings& found);
  std::size_t open_in(std::int64_t collection) const;
  bool check_segment(const situation& s, const collection_view& view, const shard_context& shards, std::int64_t segment,
                     std::vector<shard_index>& uncovered, std::vector<proposal>& out) const;
  void note(unsettled& mine, std::int64_t segment, bool open, std::vector<shard_index> uncovered) const;

  std::map<std::int64_t, unsettled> open_;
  std::size_t open_count_ = 0; ///< Segments in all of them.
  cut_off_collections cut_; ///< Those with something pending.
};

} // namespace muster
