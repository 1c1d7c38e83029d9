// The route_publisher actor: shard leaders, versioned, pushed to whoever watches.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/actor_system.hpp>

namespace muster {

/// Spawns route_publisher. A watcher has one unanswered update at a time; the next carries the union of what changed since.
route_publisher_actor spawn_route_publisher(caf::actor_system& system);

} // namespace muster
