// The channel_checker actor.
#include "actors/checker_shell.hpp"
#include "actors/core/channel_rules.hpp"

namespace muster {

namespace {

struct rules : channel_rules {
  static constexpr const char* name = "channel_checker";
  static constexpr auto proposer = schema::Proposer::CHANNEL_CHECKER;
};

} // namespace

checker_actor spawn_channel_checker(caf::actor_system& system, task_scheduler_actor scheduler, checker_options options) {
  return system.spawn(checker_behavior<rules>, std::move(scheduler), options);
}

} // namespace muster
