// Which checkers are active: told to each when it starts and when somebody switches it.
#include "actors/checkers.hpp"
#include "actors/core/balance/configured.hpp"
#include "actors/core/reads.hpp"
#include "actors/core/switches.hpp"
#include "actors/runtime/publisher.hpp"
#include "actors/runtime/shell.hpp"

#include <caf/typed_response_promise.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

namespace {

struct controller_shell : shell<checker_controller_actor, controller_shell> {
  struct checker {
    const char* name = nullptr;
    std::uint32_t number = 0; ///< The model's.
    bool active = true;
    checker_actor actor{};
  };

  explicit controller_shell(self_pointer ptr) : shell(ptr, "checker_controller", "checker_controller", "supervisor") {
    // nop
  }

  /// What operators switched, as it is durable. Cost: the chunks of the publication.
  m<schema::Ack> hear(const publication& p) {
    std::size_t i = 0;
    for (auto ref : p.header->getChunks()) {
      if (ref.getKind() == schema::ChunkKind::SWITCHES)
        switched(read(p.chunks[i]->getSwitches()));
      ++i;
    }
    return acknowledge(*this, p);
  }

  void attach(const attach_atom&, const std::string& name, const checker_actor& actor) {
    auto* c = find(name);
    if (c == nullptr)
      return;
    c->actor = actor;
    tell(*c, [] {}, [this, name](const failure& why) { warn(name, " could not be told its state: ", why.text); });
  }

  m<schema::ListCheckersReply> list(const m<schema::ListCheckersRequest>& request) {
    return make<schema::ListCheckersReply>([&](schema::ListCheckersReply::Builder b) {
      const auto asked = request->getCheckers();
      auto out = b.initCheckers(asked.size() == 0 ? static_cast<unsigned>(checkers.size()) : asked.size());
      for (unsigned i = 0; i < out.size(); ++i) {
        const auto* c = asked.size() == 0 ? &checkers[i] : find(view(asked[i]));
        if (c == nullptr) {
          out[i].setName(asked[i]);
          continue;
        }
        out[i].setName(c->name);
        out[i].setNumber(c->number);
        out[i].setActive(c->active);
        out[i].setFound(true);
      }
    });
  }

  caf::result<m<schema::ActivateCheckerReply>> activate(const m<schema::ActivateCheckerRequest>& request) {
    return change<schema::ActivateCheckerReply>(view(request->getChecker()), true);
  }

  caf::result<m<schema::DeactivateCheckerReply>> deactivate(const m<schema::DeactivateCheckerRequest>& request) {
    return change<schema::DeactivateCheckerReply>(view(request->getChecker()), false);
  }

  caf::result<m<schema::Ack>> configure(const m<schema::RuleSettings>& values) {
    std::vector<std::pair<std::string, std::string>> now;
    for (auto v : values->getValues())
      now.emplace_back(view(v.getKey()), view(v.getValue()));
    auto answer = self->make_response_promise<m<schema::Ack>>();
    apply(std::move(now), [this, answer]() mutable { answer.deliver(make<schema::Ack>([](auto) {})); });
    return answer;
  }

  /// Tells these settings to all who place and move; `then` is called when all have them or could not be told.
  void apply(std::vector<std::pair<std::string, std::string>> now, std::function<void()> then) {
    settings = std::move(now);
    auto open = std::make_shared<std::size_t>(1);
    auto told = [open, then = std::move(then)] {
      if (--*open == 0)
        then();
    };
    for (const auto& c : checkers)
      if (c.actor) {
        ++*open;
        tell(c, told, [this, told, name = c.name](const failure& why) mutable {
          warn(name, " could not be told its settings: ", why.text); // one that restarts is told anyway
          told();
        });
      }
    tell_scheduler(told);
  }

  /// How moves by hand choose nodes.
  template <class Told>
  void tell_scheduler(Told told) {
    if (!scheduler)
      return told();
    request<m<schema::Ack>>(
      scheduler, limits::read_timeout,
      make<schema::RuleSettings>([&](auto b) { write(b.initValues(static_cast<unsigned>(settings.size()))); }),
      [told](const m<schema::Ack>&) mutable { told(); },
      [this, told](const failure& why) mutable {
        warn("task_scheduler could not be told its settings: ", why.text);
        told();
      });
  }

  task_scheduler_actor scheduler;
  setting_table given; ///< For this start.
  std::vector<std::pair<std::string, std::string>> settings; ///< Key and value of those that are not as they come.

private:
  void switched(const switches_row& now) {
    for (auto& c : checkers)
      if (const bool active = !now.inactive_checkers.contains(c.name); active != c.active) {
        c.active = active;
        info(c.name, active ? " is active again" : " is switched off");
        if (c.actor)
          tell(c, [] {}, [this, name = c.name](const failure& why) { warn(name, " could not be told its state: ", why.text); });
      }
    if (now.settings == settings_switched)
      return;
    settings_switched = now.settings;
    info("settings changed at run time: ", now.settings.size(), " are set");
    apply(given_settings(with_switches(given, now)), [] {});
  }

  checker* find(std::string_view name) {
    for (auto& c : checkers)
      if (name == c.name || name == std::to_string(c.number))
        return &c;
    return nullptr;
  }

  template <class Reply>
  caf::result<m<Reply>> change(std::string_view name, bool active) {
    const auto reply = [this](const failure& why) {
      return make<Reply>([&](typename Reply::Builder b) { set_status(b.initStatus(), why); });
    };
    auto* c = find(name);
    if (c == nullptr)
      return reply(unknown_checker(name));
    c->active = active;
    if (!c->actor)
      return reply(failure{ec::ok, {}}); // it is told when it is here
    auto answer = self->make_response_promise<m<Reply>>();
    tell(
      *c, [answer, reply]() mutable { answer.deliver(reply(failure{ec::ok, {}})); },
      [answer, reply](const failure& why) mutable { answer.deliver(reply(why)); });
    return answer;
  }

  template <class Ok, class Bad>
  void tell(const checker& c, Ok ok, Bad bad) {
    auto state = make<schema::CheckerState>([&](auto b) {
      b.setActive(c.active);
      write(b.initSettings(static_cast<unsigned>(settings.size())));
    });
    request<m<schema::Ack>>(
      c.actor, limits::read_timeout, state, [ok](const m<schema::Ack>&) mutable { ok(); }, bad);
  }

  void write(capnp::List<schema::SettingValue>::Builder list) {
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setKey(settings[i].first);
      list[i].setValue(settings[i].second);
    }
  }

  static std::array<checker, 5> all() {
    std::array<checker, 5> result{};
    for (std::size_t i = 0; i < result.size(); ++i)
      result[i] = {checker_entries[i].name, checker_entries[i].number};
    return result;
  }

  std::array<checker, 5> checkers = all();
  std::map<std::string, std::string> settings_switched;
};

checker_controller_actor::behavior_type controller_behavior(
  checker_controller_actor::stateful_pointer<controller_shell> self, const task_scheduler_actor& scheduler,
  const setting_table& settings) {
  auto& s = self->state;
  s.scheduler = scheduler;
  s.given = settings;
  s.settings = given_settings(settings);
  s.tell_scheduler([] {});
  return {
    s.on(&controller_shell::hear),
    s.on(&controller_shell::attach),
    s.on(&controller_shell::list),
    s.on(&controller_shell::activate),
    s.on(&controller_shell::deactivate),
    s.on(&controller_shell::configure),
  };
}

} // namespace

checker_controller_actor spawn_checker_controller(caf::actor_system& system, task_scheduler_actor scheduler,
                                                  const setting_table& settings) {
  return system.spawn(controller_behavior, std::move(scheduler), settings);
}

} // namespace muster
