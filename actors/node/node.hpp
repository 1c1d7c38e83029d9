// A query node as a group of actors over a wire and a segment engine; the same in a process, a test and the simulator.
#pragma once

#include "actors/interfaces.hpp"
#include "persistence/segment_engine.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace muster {

struct node_config {
  std::string name;
  std::string address;      ///< Where peers and clients reach this node.
  std::string coordinator;  ///< Where the coordinator listens.
  std::uint64_t incarnation = 0; ///< Of this start; from the clock in a process, from the seed in the simulator.
  std::uint32_t memory_mb = 0;
  std::uint32_t cpus = 0; ///< 0: not said.
  std::vector<std::pair<std::string, std::string>> labels;
  std::shared_ptr<segment_engine> engine;
  std::function<void()> on_drained; ///< Called once, from an actor, when a node that is drained is empty.
};

/// The actors of one node. The starter owns it: `stop` ends them in order.
struct node_actors {
  search_door_actor door;             ///< Searches of clients.
  link_owner_actor coordinator_links; ///< Events of the link to the coordinator.
  link_owner_actor peer_links;        ///< Events of links between nodes.
  std::vector<caf::strong_actor_ptr> owned; ///< Everything started, in the order in which it is stopped.

  caf::strong_actor_ptr agent; ///< One of them.

  /// Has the coordinator move everything away; `on_drained` says when that is done. Everything is served meanwhile.
  void drain();

  /// Ends all actors; does not wait.
  void stop();
};

/// Starts a node. It dials the coordinator by itself through `wire` and again whenever the link breaks. Blocking parts
/// (loads, searches) get threads of their own when the actor system's configuration says so.
node_actors start_node(caf::actor_system& system, const node_config& config, const wire_actor& wire);

} // namespace muster
