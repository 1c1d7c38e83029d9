// A coordinator as a group of actors over a wire, a journal and a catalogue; the same in a process, in a test, in the simulator.
#pragma once

#include "actors/interfaces.hpp"
#include "messages/limits.hpp"
#include "persistence/catalogue.hpp"
#include "persistence/journal.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace muster {

struct coordinator_config {
  std::shared_ptr<muster::journal> journal;     ///< Opened; used by the journal actor alone.
  std::shared_ptr<muster::catalogue> catalogue; ///< Opened; used by the data_source actor alone.
  std::string store;                            ///< Folder of the segment files; empty: there are none (simulator).
  std::chrono::milliseconds node_gone = limits::node_gone;
  std::function<void(std::string)> on_fatal;    ///< Called once, from an actor, when the process must end; text for people.
};

/// The actors of one coordinator. The starter owns it: `stop` ends them in order.
struct coordinator_actors {
  gateway_actor gateway;
  route_publisher_actor routes;
  link_owner_actor node_links; ///< Events of inbound links of nodes.
  caf::strong_actor_ptr supervisor;
  std::vector<caf::strong_actor_ptr> owned; ///< Everything started, in the order in which it is stopped.

  /// Ends all actors in order; does not wait.
  void stop();
};

/// Starts a coordinator: recovery, a higher epoch in the journal, then the loop. Requests are refused (service_not_ready)
/// until it is healthy.
coordinator_actors start_coordinator(caf::actor_system& system, const coordinator_config& config, const wire_actor& wire);

} // namespace muster
