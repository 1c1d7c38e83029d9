// Restart in place, or end the process.
#include "actors/supervisor.hpp"

#include "actors/runtime/shell.hpp"

#include <deque>

namespace muster {

namespace {

struct supervisor_shell : shell<supervisor_actor, supervisor_shell> {
  explicit supervisor_shell(self_pointer ptr) : shell(ptr, "supervisor", "supervisor", "main") {
    // nop
  }

  void start(std::vector<supervised> all, std::function<void(std::string)> fatal) {
    actors = std::move(all);
    on_fatal = std::move(fatal);
    self->set_down_handler([this](const caf::down_msg& down) { lost(down); });
    for (const auto& a : actors)
      self->monitor(a.actor);
  }

  /// Ends in this start are no failures. Doors first, so that nothing new comes in; the truths last.
  void stop(const stop_atom&) {
    stopping = true;
    for (auto a = actors.rbegin(); a != actors.rend(); ++a)
      self->send_exit(a->actor, caf::exit_reason::user_shutdown);
    self->quit();
  }

  void lost(const caf::down_msg& down) {
    if (stopping)
      return;
    for (auto& a : actors) {
      if (a.actor->address() != down.source)
        continue;
      const auto reason = self->system().render(down.reason);
      if (!a.restart) {
        error(a.name, " ended: ", reason, "; ending the process so that a restart replays the journal");
        stopping = true;
        on_fatal("muster coordinator: the actor " + a.name + " ended (" + reason
                 + "); ending now, start it again to replay");
        return;
      }
      const auto t = now();
      const auto window = std::chrono::nanoseconds{limits::restart_window}.count();
      while (!restarts.empty() && restarts.front() + window < t)
        restarts.pop_front();
      restarts.push_back(t);
      if (restarts.size() > limits::restarts) {
        error("more than ", limits::restarts, " restarts in ", limits::restart_window.count(), " ms, the last of ", a.name);
        stopping = true;
        on_fatal("muster coordinator: actors fail again and again, the last was " + a.name + "; ending now");
        return;
      }
      warn(a.name, " ended: ", reason, "; restarting it");
      a.actor = a.restart();
      self->monitor(a.actor);
      notice(schema::EventKind::ACTOR_RESTARTED, [&](schema::Event::Builder e) { e.setText(a.name + " ended: " + reason); });
      return;
    }
  }

  std::vector<supervised> actors;
  std::function<void(std::string)> on_fatal;
  std::deque<std::int64_t> restarts;
  bool stopping = false;
};

supervisor_actor::behavior_type supervisor_behavior(supervisor_actor::stateful_pointer<supervisor_shell> self,
                                                    std::shared_ptr<std::vector<supervised>> actors,
                                                    const std::function<void(std::string)>& on_fatal) {
  self->state.start(std::move(*actors), on_fatal);
  return {self->state.on(&supervisor_shell::stop)};
}

} // namespace

supervisor_actor spawn_supervisor(caf::actor_system& system, std::vector<supervised> actors,
                                  std::function<void(std::string)> on_fatal) {
  return system.spawn(supervisor_behavior, std::make_shared<std::vector<supervised>>(std::move(actors)),
                      std::move(on_fatal));
}

} // namespace muster
