// The leader_checker actor.
#include "actors/checker_shell.hpp"
#include "actors/core/leader_rules.hpp"

namespace muster {

namespace {

struct rules : leader_rules {
  static constexpr const char* name = "leader_checker";
  static constexpr auto proposer = schema::Proposer::LEADER_CHECKER;
};

} // namespace

checker_actor spawn_leader_checker(caf::actor_system& system, task_scheduler_actor scheduler, checker_options options) {
  return system.spawn(checker_behavior<rules>, std::move(scheduler), options);
}

} // namespace muster
