// The balance_checker actor.
#include "actors/checker_shell.hpp"
#include "actors/core/balance_rules.hpp"

namespace muster {

namespace {

struct rules : balance_rules {
  static constexpr const char* name = "balance_checker";
  static constexpr auto proposer = schema::Proposer::BALANCE_CHECKER;
  static constexpr bool at_once = true; // the largest collection first, whichever that is
};

} // namespace

checker_actor spawn_balance_checker(caf::actor_system& system, task_scheduler_actor scheduler, checker_options options) {
  return system.spawn(checker_behavior<rules>, std::move(scheduler), options);
}

} // namespace muster
