// What balance looks at: nodes and, for each replica of a collection, where its segments and channels are. Plain data.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

/// Why a node may not be given an item; the closed list of hard constraints.
enum class balance_verdict : std::uint8_t {
  accepted = 0,
  node_unavailable = 1, ///< not connected, not fully reported, or stopping
  outside_replica = 2,  ///< no read-write node of the replica
  outside_channel = 3,  ///< the channel has nodes of its own and this is none of them
  holds_copy = 4,       ///< it has the item already
  memory_full = 5,      ///< its memory is known and would be filled beyond the limit
};

std::string_view to_string(balance_verdict v);

struct balance_node {
  std::int64_t id = 0;
  bool usable = true;   ///< Connected, fully reported, not stopping.
  double memory_mb = 0; ///< 0: unknown; counts as the mean of the known ones.
  std::int64_t rows =
    0; ///< Of all collections, with what is in flight. These four count everything, the groups' items too.
  std::int64_t segments = 0;
  std::int64_t channels = 0;
  std::int64_t bytes = 0;
};

/// Nodes are named by their index in the cluster.
struct balance_segment {
  std::int64_t id = 0;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::uint16_t channel = 0;
  std::uint32_t node = 0;
  bool movable = true; ///< In a target, one copy in the replica, routed to, no task on it.
};

struct balance_channel {
  std::uint16_t channel = 0;
  std::uint32_t node = 0;
  bool movable = true; ///< One delegator in the replica, no task on it.
};

/// A replica of a collection.
struct balance_group {
  std::int64_t collection = 0;
  std::int64_t replica = 0;
  std::vector<std::uint32_t> writers; ///< Read-write nodes, sorted. What is on any other node is to be drained.
  std::vector<balance_segment> segments;
  std::vector<balance_channel> channels;
  std::vector<std::pair<std::uint32_t, std::int64_t>>
    other_rows; ///< Rows of the collection by node that are no item: in flight, growing.
  std::vector<std::vector<std::uint32_t>>
    exclusive; ///< By channel: its nodes, sorted; empty: all writers serve all channels.
};

struct balance_cluster {
  std::vector<balance_node> nodes;
  std::vector<balance_group> groups;
};

/// Nodes for each of `channels` channels out of `writers`, in turn; empty when there are fewer than `factor` for each.
std::vector<std::vector<std::uint32_t>> exclusive_nodes(const std::vector<std::uint32_t>& writers, std::size_t channels,
                                                        std::size_t factor);

} // namespace muster
