// The channel_checker actor.
#include "actors/checker_shell.hpp"
#include "actors/core/channel_rules.hpp"

namespace muster {

namespace {

struct rules {
  static constexpr const char* name = "channel_checker";
  static constexpr auto proposer = schema::Proposer::CHANNEL_CHECKER;

  std::vector<proposal> check(const situation& s, const touched_map& touched) {
    return check_channels(s, touched);
  }
};

} // namespace

subscriber_actor spawn_channel_checker(caf::actor_system& system, task_scheduler_actor scheduler) {
  return system.spawn(checker_behavior<rules>, std::move(scheduler));
}

} // namespace muster
