// Choices of nodes.
#include "actors/core/placing.hpp"

#include "messages/limits.hpp"

#include <tuple>

namespace muster {

std::int64_t placing::place_segment(const replica_row& replica, std::int64_t rows) {
  std::int64_t best = 0;
  std::tuple<bool, std::int64_t, std::int64_t> least;
  for (auto id : replica.nodes) {
    if (!situation_.usable(id))
      continue;
    const auto load = situation_.load(id);
    // A node that fails what it is given would otherwise stay the emptiest and be given everything again.
    const std::tuple carried{load.failing >= limits::node_failures, load.all_rows() + rows_[id], id};
    if (best == 0 || carried < least) {
      best = id;
      least = carried;
    }
  }
  if (best != 0)
    rows_[best] += rows;
  return best;
}

std::int64_t placing::place_channel(const replica_row& replica, const std::set<std::int64_t>& except) {
  std::int64_t best = 0;
  std::tuple<bool, std::int64_t, std::int64_t, std::int64_t> least;
  for (auto id : replica.nodes) {
    if (!situation_.usable(id) || except.contains(id))
      continue;
    const auto load = situation_.load(id);
    const std::tuple carried{load.failing >= limits::node_failures, load.all_channels() + channels_[id],
                             load.all_rows() + rows_[id], id};
    if (best == 0 || carried < least) {
      best = id;
      least = carried;
    }
  }
  if (best != 0)
    ++channels_[best];
  return best;
}

} // namespace muster
