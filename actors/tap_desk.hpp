// The tap desk: what goes into and out of other actors, for who asks.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/actor_system.hpp>

#include <cstdint>

namespace muster {

/// Spawns the tap desk: begins and ends taps (limits::taps, limits::tap_lease) and makes JSON of what they hold, outside of the tapped
/// actor. Its loss ends the process.
tap_desk_actor spawn_tap_desk(caf::actor_system& system, std::uint64_t epoch);

} // namespace muster
