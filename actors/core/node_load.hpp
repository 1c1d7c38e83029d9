// What a node carries, summed over all collections, with what is in flight towards it.
#pragma once

#include <cstdint>

namespace muster {

struct node_load {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::int64_t segments = 0;
  std::int64_t channels = 0;
  std::int64_t rows_in_flight = 0;
  std::int64_t segments_in_flight = 0;
  std::int64_t channels_in_flight = 0;
  std::uint32_t failing = 0; ///< Orders that it failed in a row.

  std::int64_t all_rows() const {
    return rows + rows_in_flight;
  }

  std::int64_t all_channels() const {
    return channels + channels_in_flight;
  }
};

} // namespace muster
