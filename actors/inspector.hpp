// The actor that people ask: reports, events, explanations, what-ifs.
#pragma once

#include "actors/core/settings.hpp"
#include "actors/interfaces.hpp"

#include <caf/actor_system.hpp>

#include <cstddef>
#include <cstdint>

namespace muster {

struct inspector_start {
  setting_table settings;     ///< As given for this start; what is set at run time comes with the situation.
  std::size_t task_limit = 0; ///< Tasks there may be in flight.
  std::uint64_t epoch = 0;    ///< Events of a later start have higher numbers, so that who asks for what came since misses nothing.
};

/// It registers itself with the process (runtime/inspector_link.hpp), is to be subscribed to task_scheduler, and hears of tasks from it.
/// When it is lost, so is the log; it begins anew.
inspector_actor spawn_inspector(caf::actor_system& system, inspector_start start);

} // namespace muster
