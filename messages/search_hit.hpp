// What searches find: the same rows in the engine of a node and in the hands of a client.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace muster {

/// One answer; smaller distance is nearer for every metric (ip: minus the inner product).
struct search_hit {
  std::int64_t id = 0;
  float distance = 0;
  std::string name; ///< Empty when the collection has no names.

  /// Nearest first, ties to the lower id: the order in which all merges happen.
  friend bool operator<(const search_hit& a, const search_hit& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.id < b.id;
  }
};

/// A row found by name.
struct named_row {
  std::string name;
  std::int64_t id = 0;
  std::vector<float> vector; ///< As imported (not normalised).
};

} // namespace muster
