// The segment_checker actor.
#include "actors/checker_shell.hpp"
#include "actors/core/segment_rules.hpp"

namespace muster {

namespace {

struct rules : segment_rules {
  static constexpr const char* name = "segment_checker";
  static constexpr auto proposer = schema::Proposer::SEGMENT_CHECKER;
};

} // namespace

checker_actor spawn_segment_checker(caf::actor_system& system, task_scheduler_actor scheduler, checker_options options) {
  return system.spawn(checker_behavior<rules>, std::move(scheduler), options);
}

} // namespace muster
