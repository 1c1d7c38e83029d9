// Choosing the node for a load: the usable node of a replica with the fewest rows, counting what is in flight and planned.
#pragma once

#include "actors/core/situation.hpp"

#include <cstdint>
#include <map>
#include <set>

namespace muster {

/// One round of choices: each choice counts for the ones after it. Nodes that failed limits::node_failures
/// orders in a row come last. Deterministic: ties go to the lower node id.
class placing {
public:
  explicit placing(const situation& s) : situation_(s) {
    // nop
  }

  /// The usable read-write node with the fewest rows; 0: none. Counts `rows` there. Cost: the replica's nodes.
  std::int64_t place_segment(const replica_row& replica, std::int64_t rows);

  /// The usable read-write node with the fewest channels, then rows, but for `except`; 0: none. Counts the channel there.
  std::int64_t place_channel(const replica_row& replica, const std::set<std::int64_t>& except = {});

private:
  const situation& situation_;
  std::map<std::int64_t, std::int64_t> rows_;
  std::map<std::int64_t, std::int64_t> channels_;
};

} // namespace muster
