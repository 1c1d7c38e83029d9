// A coordinator as a group of actors over a wire, a journal and a catalogue; the same in a process, in a test, in the simulator.
#pragma once

#include "actors/core/settings.hpp"
#include "actors/core/task_queue.hpp"
#include "actors/http_desk.hpp"
#include "actors/interfaces.hpp"
#include "messages/limits.hpp"
#include "persistence/catalogue.hpp"
#include "persistence/journal.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace muster {

struct coordinator_config {
  std::shared_ptr<muster::journal> journal;     ///< Opened; used by the journal actor alone.
  std::shared_ptr<muster::catalogue> catalogue; ///< Opened; used by the data_source actor alone.
  std::string store;                            ///< Folder of the segment files; empty: there are none (simulator).
  std::chrono::milliseconds node_gone = limits::node_gone;
  setting_table settings;                       ///< By which segments and channels are placed and moved.
  task_limits tasks = task_limits::standard();
  std::chrono::milliseconds load_timeout = limits::load_timeout; ///< Without progress.
  std::chrono::milliseconds sweep_round = limits::sweep_round; ///< Of a checker's slow walk over everything.
  std::optional<http_desk_options> http;        ///< There is an HTTP door, which asks the http_desk.
  std::function<void(std::string)> on_fatal;    ///< Called once, from an actor, when the process must end; text for people.
};

/// The actors of one coordinator. The starter owns it: `stop` ends them in order.
struct coordinator_actors {
  gateway_actor gateway;
  http_desk_actor http; ///< None without coordinator_config::http.
  route_publisher_actor routes;
  link_owner_actor node_links; ///< Events of inbound links of nodes.
  std::uint64_t epoch = 0;
  task_scheduler_actor scheduler; ///< Publishes the situation; for tests and introspection.
  checker_controller_actor checkers;
  distribution_actor distribution; ///< Takes reports; for tests and benchmarks.
  supervisor_actor supervisor;

  /// Ends all actors in order, doors first, the journal last; does not wait.
  void stop();
};

/// Starts a coordinator: recovers from the journal (blocking), makes a higher epoch durable, then starts the loop. Fails when the
/// journal cannot be read or written; damaged records are logged and left out.
result<coordinator_actors> start_coordinator(caf::actor_system& system, const coordinator_config& config, const wire_actor& wire);

} // namespace muster
