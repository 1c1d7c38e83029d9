// The actors that face query nodes: one manager, and a session with its executor for each node.
#pragma once

#include "actors/core/rows.hpp"
#include "actors/interfaces.hpp"
#include "messages/limits.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace muster {

/// What a node's session and executor talk to.
struct node_peers {
  std::uint64_t epoch = 0;
  wire_actor wire;
  distribution_actor distribution;
  task_scheduler_actor scheduler;
};

/// Spawns the executor of a node: at most limits::orders_in_flight_per_node orders on the wire, the rest waits in order. It holds
/// no durable state; outstanding orders of a lost one time out in task_scheduler.
task_executor_actor spawn_task_executor(caf::actor_system& system, std::int64_t node, const node_peers& peers);

/// Spawns the session of a node: frames of its newest link only.
node_session_actor spawn_node_session(caf::actor_system& system, std::int64_t node, const node_peers& peers,
                                      task_executor_actor executor);

struct node_manager_start {
  node_peers peers;
  metadata_actor metadata;
  std::vector<node_row> known; ///< Nodes of the journal: unknown until they come back or node_gone has passed.
  std::chrono::milliseconds node_gone = limits::node_gone;
};

/// Spawns the manager: the owner of all inbound node links, the one heartbeat timer. Its loss ends the process.
node_manager_actor spawn_node_manager(caf::actor_system& system, node_manager_start start);

} // namespace muster
