// The index_checker actor.
#include "actors/checker_shell.hpp"
#include "actors/core/index_rules.hpp"

namespace muster {

namespace {

struct rules : index_rules {
  static constexpr const char* name = "index_checker";
  static constexpr auto proposer = schema::Proposer::INDEX_CHECKER;
};

} // namespace

checker_actor spawn_index_checker(caf::actor_system& system, task_scheduler_actor scheduler, checker_options options) {
  return system.spawn(checker_behavior<rules>, std::move(scheduler), options);
}

} // namespace muster
