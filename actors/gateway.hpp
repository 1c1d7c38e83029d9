// The gateway actor, and the short-lived jobs behind it.
#pragma once

#include "actors/core/settings.hpp"
#include "actors/interfaces.hpp"
#include "actors/runtime/shared_tally.hpp"

#include <caf/actor_system.hpp>

#include <cstdint>

namespace muster {

struct gateway_peers {
  std::uint64_t epoch = 0;
  metadata_actor metadata;
  data_source_actor data;
  target_observer_actor targets;
  collection_observer_actor collections;
  route_publisher_actor routes;
  checker_controller_actor checkers;
  task_scheduler_actor scheduler;
  node_manager_actor nodes;
  journal_actor journal;
  tap_desk_actor taps;
  setting_table settings; ///< Given for this start.
  tally_ptr tally;        ///< Where loads and releases are counted; null: nowhere.
};

/// Spawns the gateway: validation, admission (limits::client_requests), jobs serial per collection, reads from its own situation.
/// Its loss ends the process: requests in flight would have no owner.
gateway_actor spawn_gateway(caf::actor_system& system, gateway_peers peers);

/// Spawns a load: describe, first target, one commit, wait until it can be searched. Undo is not needed: before the commit nothing
/// is kept, after it the collection is desired.
job_actor spawn_load_job(caf::actor_system& system, const gateway_peers& peers);

/// Spawns a release: one commit, then wait until no node holds anything of the collection.
job_actor spawn_release_job(caf::actor_system& system, const gateway_peers& peers);

} // namespace muster
