// Restart in place, or end the process.
#include "actors/supervisor.hpp"

#include "actors/runtime/shell.hpp"

#include <algorithm>
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

  using reply = schema::RestartActorReply;

  /// The one that takes its place is there before the old one is told to end: what is answered holds.
  m<reply> restart(const m<schema::RestartActorRequest>& request) {
    const auto name = std::string{view(request->getName())};
    const auto a = std::find_if(actors.begin(), actors.end(), [&](const auto& each) { return each.name == name; });
    if (a == actors.end())
      return refuse(ec::parameter_invalid,
                    probes_of(self->system()).named(name) == nullptr
                      ? "no actor is named " + name + "; `muster actors` lists them all"
                      : name + " serves one request, node or connection and is not restarted by itself; " + restartable());
    if (!a->restart)
      return refuse(ec::parameter_invalid, "restarting " + name + " would end the process: " + a->loss + "; " + restartable());
    forget_old_restarts();
    if (restarts.size() >= limits::restarts)
      return refuse(ec::too_many_requests, "there were " + std::to_string(restarts.size()) + " restarts in the last "
                                             + std::to_string(limits::restart_window.count() / 1000)
                                             + " s already, and one more would end the process; try again later");
    restarts.push_back(now());
    warn(name, " is restarted because somebody asked for it");
    self->demonitor(a->actor->address());
    self->send_exit(a->actor, caf::exit_reason::user_shutdown);
    begin(*a);
    notice(schema::EventKind::ACTOR_RESTARTED, [&](schema::Event::Builder e) { e.setText(name + " was restarted because somebody asked for it"); });
    return make<reply>([](auto) {});
  }

  m<reply> refuse(ec code, const std::string& text) {
    return make<reply>([&](auto b) { set_status(b.initStatus(), code, text); });
  }

  std::string restartable() const {
    std::string list;
    for (const auto& a : actors)
      if (a.restart)
        list += (list.empty() ? "" : ", ") + a.name;
    return "these can be restarted: " + list;
  }

  void begin(supervised& a) {
    a.actor = a.restart();
    self->monitor(a.actor);
  }

  void forget_old_restarts() {
    const auto window = std::chrono::nanoseconds{limits::restart_window}.count();
    while (!restarts.empty() && restarts.front() + window < now())
      restarts.pop_front();
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
      forget_old_restarts();
      restarts.push_back(now());
      if (restarts.size() > limits::restarts) {
        error("more than ", limits::restarts, " restarts in ", limits::restart_window.count(), " ms, the last of ", a.name);
        stopping = true;
        on_fatal("muster coordinator: actors fail again and again, the last was " + a.name + "; ending now");
        return;
      }
      warn(a.name, " ended: ", reason, "; restarting it");
      begin(a);
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
  return {self->state.on(&supervisor_shell::stop), self->state.on(&supervisor_shell::restart)};
}

} // namespace

supervisor_actor spawn_supervisor(caf::actor_system& system, std::vector<supervised> actors,
                                  std::function<void(std::string)> on_fatal) {
  return system.spawn(supervisor_behavior, std::make_shared<std::vector<supervised>>(std::move(actors)),
                      std::move(on_fatal));
}

} // namespace muster
