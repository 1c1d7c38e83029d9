// The supervisor actor: what happens when an actor ends.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/actor_system.hpp>

#include <functional>
#include <string>
#include <vector>

namespace muster {

/// One actor under supervision. `restart` empty: its loss ends the process (crash-only, then replay). Otherwise it is called to
/// spawn and wire a successor, at most limits::restarts times in limits::restart_window.
struct supervised {
  std::string name;
  caf::strong_actor_ptr actor;
  std::function<caf::strong_actor_ptr()> restart;
  std::string loss; ///< Of one that does not restart: what would be lost, for people.
};

/// Spawns the supervisor over `actors`, in the order in which they were started. `on_fatal` gets one line for people.
supervisor_actor spawn_supervisor(caf::actor_system& system, std::vector<supervised> actors,
                                  std::function<void(std::string)> on_fatal);

} // namespace muster
