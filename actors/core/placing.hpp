// Choosing the nodes for loads: the policy's engine of assignment over the situation, counting what is in flight and planned.
#pragma once

#include "actors/core/balance/assignment.hpp"
#include "actors/core/balance/policy.hpp"
#include "actors/core/situation.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace muster {

/// A segment that wants a node.
struct wanted_segment {
  std::int64_t segment = 0;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::uint16_t channel = 0; ///< Index of its channel in the target.
  std::int64_t node = 0;     ///< Out: its node; 0: none can take it.
};

/// One round of choices: each choice counts for the ones after it, across shards, replicas and collections. Hard constraints: read-write
/// nodes of the replica, usable, of the channel where channels have nodes of their own (while one of these can be used), with memory
/// left (if any has). Nodes that failed limits::node_failures orders in a row come last. Deterministic: ties go to the lower node id.
class placing {
public:
  explicit placing(const situation& s, const balance_settings& settings = {}) : situation_(s), settings_(settings) {
    // nop
  }

  /// Gives every segment of one replica its node, the largest first. Cost: sorts them, then the replica's nodes for each (a few
  /// nanoseconds a node); the tasks of the collection once.
  void place_segments(const collection_view& view, const replica_row& replica, std::vector<wanted_segment>& segments);

  /// The node for one segment; 0: none can take it.
  std::int64_t place_segment(const collection_view& view, const replica_row& replica, std::int64_t rows,
                             std::int64_t bytes = 0, std::uint16_t channel = 0);

  /// What the last choice rested on.
  balance_choice last() const {
    return engine_ ? engine_->last() : balance_choice{};
  }

  /// The node for one channel (its index in the target) but for `except`; 0: none. Counts the channel there. Ties go to the node with
  /// fewer rows, then to the lower id.
  std::int64_t place_channel(const collection_view& view, const replica_row& replica, std::uint16_t channel = 0,
                             const std::set<std::int64_t>& except = {});

private:
  std::uint32_t index_of(std::int64_t node);
  void enter_segments(const collection_view& view, const replica_row& replica, std::uint16_t channel);
  void enter_channels(const collection_view& view, const replica_row& replica, std::uint16_t channel,
                      const std::set<std::int64_t>& except);
  std::vector<std::int64_t> takers(const collection_view& view, const replica_row& replica, std::uint16_t channel,
                                   const std::set<std::int64_t>& except) const;

  const situation& situation_;
  balance_settings settings_;
  std::optional<balance_assignment> engine_;
  std::map<std::int64_t, std::uint32_t> index_;
  std::int64_t channel_ = -1; ///< Whose nodes are entered.
};

/// The nodes that a replica's channel may use: the read-write ones, or the channel's own under channel_level_score.
std::vector<std::int64_t> nodes_of_channel(const replica_row& replica, std::size_t channels, std::uint16_t channel,
                                           const balance_settings& settings);

/// A node as balance sees it.
balance_node balance_node_of(const situation& s, std::int64_t node);

/// Rows of a collection in flight towards a node, less those that leave it.
std::map<std::int64_t, std::int64_t> rows_in_flight(const collection_view& view);

} // namespace muster
