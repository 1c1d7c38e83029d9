// Which checkers are active: told to each when it starts and when somebody switches it.
#include "actors/checkers.hpp"
#include "actors/runtime/shell.hpp"

#include <caf/typed_response_promise.hpp>

#include <array>
#include <optional>
#include <string_view>

namespace muster {

namespace {

struct controller_shell : shell<checker_controller_actor, controller_shell> {
  struct checker {
    const char* name;
    std::uint32_t number; ///< The model's.
    bool active = true;
    checker_actor actor{};
  };

  explicit controller_shell(self_pointer ptr) : shell(ptr, "checker_controller", "checker_controller", "supervisor") {
    // nop
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

private:
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
      return reply(failure{ec::parameter_invalid, "no checker is named " + std::string{name}
                                                    + "; there are segment_checker, channel_checker, leader_checker, "
                                                      "index_checker and balance_checker"});
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
    auto state = make<schema::CheckerState>([&](auto b) { b.setActive(c.active); });
    request<m<schema::Ack>>(
      c.actor, limits::read_timeout, state, [ok](const m<schema::Ack>&) mutable { ok(); }, bad);
  }

  std::array<checker, 5> checkers{{{"channel_checker", 1},
                                   {"segment_checker", 2},
                                   {"balance_checker", 3},
                                   {"index_checker", 4},
                                   {"leader_checker", 5}}};
};

checker_controller_actor::behavior_type controller_behavior(
  checker_controller_actor::stateful_pointer<controller_shell> self) {
  auto& s = self->state;
  return {
    s.on(&controller_shell::attach),
    s.on(&controller_shell::list),
    s.on(&controller_shell::activate),
    s.on(&controller_shell::deactivate),
  };
}

} // namespace

checker_controller_actor spawn_checker_controller(caf::actor_system& system) {
  return system.spawn(controller_behavior);
}

} // namespace muster
