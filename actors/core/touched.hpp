// What a publication is about: the collections that changed, and which of their segments.
#pragma once

#include "actors/core/flat_map.hpp"

#include <cstdint>
#include <map>

namespace muster {

/// Which segments of a collection a change is about. Neither whole nor any segment: its shards (delegators, nodes) changed.
struct touched_ids {
  bool whole = false;
  id_set segments;

  /// More than limits::touched_segments make it whole.
  void add(std::int64_t segment);
  void add(const touched_ids& other);

  friend bool operator==(const touched_ids&, const touched_ids&) = default;
};

/// By collection.
using touched_map = std::map<std::int64_t, touched_ids>;

} // namespace muster
