// What segment_checker concludes: segments that a replica lacks, copies that nobody needs.
#pragma once

#include "actors/core/placing.hpp"
#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace muster {

/// Remembers the segments that are not as they should be, so that a change of their shards is looked at again without a walk.
/// Cost of a check: what was touched plus what is open in the touched collections.
class segment_rules {
public:
  std::vector<proposal> check(const situation& s, const touched_map& touched);

  /// Segments known to be lacking, surplus or repeated, over all collections.
  std::size_t open() const;

private:
  /// True: the segment is not as it should be.
  bool check_segment(const situation& s, std::int64_t collection, const collection_view& view, std::int64_t segment,
                     placing& places, std::vector<proposal>& out) const;

  std::map<std::int64_t, std::set<std::int64_t>> open_;
  std::set<std::int64_t> cut_; ///< Collections that the limit of proposals kept from being looked at; due with the next check.
};

/// The channel of a segment whose routes must change at `leader`: from its target row, or the only one the node leads. Empty: unknown.
std::string channel_of(const collection_view& view, std::int64_t segment, std::int64_t leader);

/// True while some shard of the replica may still be served at, or set up for, a target older than the current one. Then a
/// segment that no target names any more may be in use although no reported view has it yet.
/// Cost: the collection's delegators and tasks.
bool may_serve_dropped(const collection_view& view, const replica_row& replica);

} // namespace muster
