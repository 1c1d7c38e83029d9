// The checkers: each hears the situation, applies its rules to what was touched and proposes tasks.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/actor_system.hpp>

namespace muster {

/// Each spawns one checker that proposes to `scheduler`. They hold no durable state: restarted, they are given the whole
/// situation again, and a proposal made twice is refused as key_taken.
subscriber_actor spawn_segment_checker(caf::actor_system& system, task_scheduler_actor scheduler);
subscriber_actor spawn_channel_checker(caf::actor_system& system, task_scheduler_actor scheduler);
subscriber_actor spawn_leader_checker(caf::actor_system& system, task_scheduler_actor scheduler);
subscriber_actor spawn_balance_checker(caf::actor_system& system, task_scheduler_actor scheduler);

} // namespace muster
