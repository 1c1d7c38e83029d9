// The checkers: each hears the situation, applies its rules to what was touched and proposes tasks. Their controller.
#pragma once

#include "actors/core/settings.hpp"
#include "actors/interfaces.hpp"
#include "messages/limits.hpp"

#include <caf/actor_system.hpp>

#include <chrono>

namespace muster {

struct checker_options {
  std::chrono::milliseconds sweep_round = limits::sweep_round; ///< Time of one slow walk over everything.
};

/// Each spawns one checker that proposes to `scheduler`. They hold no durable state: restarted, they are given the whole
/// situation again, and a proposal made twice is refused as key_taken. Inactive until the controller says otherwise.
checker_actor spawn_segment_checker(caf::actor_system& system, task_scheduler_actor scheduler, checker_options options = {});
checker_actor spawn_channel_checker(caf::actor_system& system, task_scheduler_actor scheduler, checker_options options = {});
checker_actor spawn_leader_checker(caf::actor_system& system, task_scheduler_actor scheduler, checker_options options = {});
checker_actor spawn_index_checker(caf::actor_system& system, task_scheduler_actor scheduler, checker_options options = {});
checker_actor spawn_balance_checker(caf::actor_system& system, task_scheduler_actor scheduler, checker_options options = {});

/// Spawns the controller that switches them; its loss ends the process. Each checker, also a restarted one, is attached to it under
/// its name before it is subscribed. All are active at a start; switched off they stay so until activated or the process ends. It tells them and `scheduler`
/// the settings too, at first those of the table.
checker_controller_actor spawn_checker_controller(caf::actor_system& system, task_scheduler_actor scheduler = {},
                                                  const setting_table& settings = {});

} // namespace muster
