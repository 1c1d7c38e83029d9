// A fleet of simulated query nodes as one actor: what operators size their coordinators with, and what the benchmarks load.
#pragma once

#include "actors/core/fleet_nodes.hpp"
#include "actors/interfaces.hpp"

#include <caf/actor_system.hpp>

#include <functional>
#include <string>

namespace muster {

/// The FLEET interface: owner of all links between the fleet's nodes and the coordinator.
using fleet_actor = link_owner_actor::extend<
  // Does what is due (sent to itself).
  caf::reacts_to<tick_atom>,
  // Writes what follows from the events before it (sent to itself).
  caf::reacts_to<flush_atom>>;

/// Starts the fleet; it dials the coordinator through `wire`. At user_shutdown each node says that it leaves;
/// `on_end` then hears what the fleet has done, from the actor's thread.
fleet_actor spawn_fleet(caf::actor_system& system, fleet_settings settings, std::string coordinator, wire_actor wire,
                        std::function<void(const fleet_counts&)> on_end);

/// A door that refuses every search: a simulated node holds no vectors.
search_door_actor spawn_fleet_door(caf::actor_system& system);

} // namespace muster
