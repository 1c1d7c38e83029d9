// What target_observer concludes: how the next target differs from what is there, and when next may become current.
#pragma once

#include "actors/core/situation.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// A next target as a change against what the collection's target tables hold.
struct target_difference {
  std::vector<target_row> added;
  std::vector<std::int64_t> dropped;
  std::vector<target_row> indexed; ///< Segments that stay, with other index files.
  std::uint64_t indexes = 0;       ///< Bit i: the collection has an index i, as the data source says.
  bool indexes_changed = false;    ///< The head says otherwise.

  bool empty() const {
    return added.empty() && dropped.empty() && indexed.empty() && !indexes_changed;
  }
};

/// Compares what the data source has now with the newest target (next, else current). Cost: the collection.
target_difference difference(const collection_view& view, const std::vector<target_row>& wanted);

/// How many loads of the collection failed of late because a segment is no longer in the store: its target is older than its data.
/// Cost: the kinds of failures, bounded.
std::uint32_t loads_that_found_nothing(const collection_view& view);

/// When next may become current: every replica that has nodes leads every channel, and those leaders route every segment of next
/// to a connected worker. Replicas are counted, not delegators. Remembers what is lacking: the cost of a check is what was touched;
/// when a node was lost or came back also what is lacking; another leader or another next: the collection.
class promotion_rules {
public:
  /// Collections whose next target may be promoted now, with its version.
  std::vector<std::pair<std::int64_t, std::int64_t>> check(const situation& s, const touched_map& touched);

  /// How many (segment, replica) pairs of next are not routed yet.
  std::size_t lacking(std::int64_t collection) const;

private:
  struct progress {
    std::int64_t version = 0;
    std::set<std::pair<std::int64_t, std::int64_t>> lacking; ///< segment, replica
    std::map<std::pair<std::int64_t, std::string>, std::int64_t> leaders;
  };

  std::map<std::int64_t, progress> collections_;
  std::map<std::int64_t, bool> connected_; ///< Of each node, at the last check.
};

} // namespace muster
