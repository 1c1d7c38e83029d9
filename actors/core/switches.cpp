// Switches of operators.
#include "actors/core/switches.hpp"

#include "actors/core/reads.hpp"
#include "messages/status.hpp"

namespace muster {

namespace {

using Request = schema::ClientRequest;

constexpr auto balance_checker = "balance_checker";

} // namespace

const checker_entry* find_checker(std::string_view asked) {
  for (const auto& c : checker_entries)
    if (asked == c.name || asked == std::to_string(c.number))
      return &c;
  return nullptr;
}

failure unknown_checker(std::string_view asked) {
  return {ec::parameter_invalid, "no checker is named " + std::string{asked}
                                   + "; there are segment_checker, channel_checker, leader_checker, index_checker and balance_checker"};
}

bool is_switch(Request::Which which) {
  switch (which) {
    case Request::ACTIVATE_CHECKER:
    case Request::DEACTIVATE_CHECKER:
    case Request::SUSPEND_BALANCE:
    case Request::RESUME_BALANCE:
    case Request::SUSPEND_NODE:
    case Request::RESUME_NODE:
    case Request::ALTER_CONFIGURATION:
      return true;
    default:
      return false;
  }
}

result<msg<schema::CommitSwitch>> switch_of(Request::Reader request, const setting_table& now) {
  if (request.isAlterConfiguration()) {
    const auto a = request.getAlterConfiguration();
    const auto* spec = find_setting(view(a.getKey()));
    auto tried = now;
    auto kept = tried.set(view(a.getKey()), a.getReset() && spec != nullptr ? spec->fallback : view(a.getValue()),
                          setting_origin::runtime);
    if (!kept)
      return kept.error();
    const std::string key{spec->key};
    return build<schema::CommitSwitch>([&](schema::CommitSwitch::Builder b) {
      if (a.getReset()) {
        b.setResetSetting(key);
        return;
      }
      auto s = b.initSetting();
      s.setKey(key);
      s.setValue(*kept);
    });
  }
  if (request.isSuspendNode() || request.isResumeNode())
    return build<schema::CommitSwitch>([&](auto b) {
      request.isSuspendNode() ? b.setSuspendNode(request.getSuspendNode().getNode())
                              : b.setResumeNode(request.getResumeNode().getNode());
    });
  std::string_view asked = balance_checker;
  if (request.isActivateChecker())
    asked = view(request.getActivateChecker().getChecker());
  else if (request.isDeactivateChecker())
    asked = view(request.getDeactivateChecker().getChecker());
  const auto* checker = find_checker(asked);
  if (checker == nullptr)
    return unknown_checker(asked);
  const bool on = request.isActivateChecker() || request.isResumeBalance();
  return build<schema::CommitSwitch>([&](auto b) { on ? b.setCheckerOn(checker->name) : b.setCheckerOff(checker->name); });
}

void write_switch_reply(Request::Reader request, const failure& why, setting_table now, schema::ClientReply::Builder out) {
  switch (request.which()) {
    case Request::ACTIVATE_CHECKER:
      return set_status(out.initActivateChecker().initStatus(), why);
    case Request::DEACTIVATE_CHECKER:
      return set_status(out.initDeactivateChecker().initStatus(), why);
    case Request::SUSPEND_BALANCE:
      return set_status(out.initSuspendBalance().initStatus(), why);
    case Request::RESUME_BALANCE:
      return set_status(out.initResumeBalance().initStatus(), why);
    case Request::SUSPEND_NODE:
      return set_status(out.initSuspendNode().initStatus(), why);
    case Request::RESUME_NODE:
      return set_status(out.initResumeNode().initStatus(), why);
    case Request::ALTER_CONFIGURATION: {
      auto r = out.initAlterConfiguration();
      set_status(r.initStatus(), why);
      if (why.code != ec::ok)
        return;
      const auto a = request.getAlterConfiguration();
      const auto* spec = find_setting(view(a.getKey()));
      if (a.getReset())
        now.reset(spec->key, setting_origin::runtime);
      else
        static_cast<void>(now.set(spec->key, view(a.getValue()), setting_origin::runtime));
      return write_configuration(now, *spec, r.initConfiguration());
    }
    default:
      return set_status(out.initStatus(), why);
  }
}

} // namespace muster
