// The observers: they hear the situation and conclude what becomes desired state or an answer.
#pragma once

#include "actors/interfaces.hpp"
#include "messages/limits.hpp"

#include <caf/actor_system.hpp>

#include <chrono>

namespace muster {

/// Spawns replica_observer: gone nodes leave their replicas, free ones join. Restarted in place: it holds nothing durable.
subscriber_actor spawn_replica_observer(caf::actor_system& system, metadata_actor metadata);

/// Spawns resource_observer: nodes join, leave and change resource groups as the configs ask for. Restarted in place: it holds
/// nothing durable.
subscriber_actor spawn_resource_observer(caf::actor_system& system, metadata_actor metadata);

/// Spawns target_observer: pulls data when it changed (and once for each loaded collection after a start), commits next targets
/// and promotions. Its loss ends the process, since others hold its handle.
target_observer_actor spawn_target_observer(caf::actor_system& system, metadata_actor metadata, data_source_actor data);

/// Spawns collection_observer: follows loads, answers who waits for a collection to be loaded or released, and gives up (with undo of
/// what is not loaded) loads in which nothing moved for `load_timeout`. Its loss ends the process.
collection_observer_actor spawn_collection_observer(caf::actor_system& system, metadata_actor metadata,
                                                    std::chrono::milliseconds load_timeout = limits::load_timeout);

} // namespace muster
