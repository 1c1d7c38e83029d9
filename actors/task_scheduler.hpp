// The task_scheduler actor: the one merge point of desired, target, actual and the tasks in flight.
#pragma once

#include "actors/core/task_queue.hpp"
#include "actors/interfaces.hpp"
#include "actors/runtime/shared_tally.hpp"

#include <caf/actor_system.hpp>

#include <cstdint>

namespace muster {

/// Spawns task_scheduler. Metadata and distribution are to be told to publish to it. Its loss ends the process: orders in flight
/// would have no owner. It counts its tasks in `tally`, if there is one.
task_scheduler_actor spawn_task_scheduler(caf::actor_system& system, std::uint64_t epoch,
                                          const task_limits& limits = task_limits::standard(), tally_ptr tally = {});

} // namespace muster
