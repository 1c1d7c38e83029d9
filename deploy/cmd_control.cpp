// `pause`, `resume`, `drain`, `set`, `settings`: what an operator switches; each is durable.
#include "deploy/commands.hpp"

#include <iostream>

namespace muster::cli {

namespace {

std::string text(capnp::Text::Reader t) {
  return std::string{view(t)};
}

template <class Reply>
int said(const command_context& c, const msg<Reply>& reply, const std::string& what) {
  std::cout << (c.json ? reply_json(capnp::toDynamic(reply.read())) + "\n" : paragraph("", what));
  return done;
}

int pause(command_context& c, arguments& a) {
  if (const auto what = a.word("what to pause"); what != "checker")
    throw command_error{usage, "only checkers can be paused: pause checker NAME"};
  const auto name = a.word("the name of a checker");
  a.end();
  return said(c, c.coordinator.ask<schema::DeactivateCheckerRequest>([&](auto b) { b.setChecker(name); }),
              name + " proposes nothing until `resume checker " + name + "`, over restarts too");
}

int resume(command_context& c, arguments& a) {
  const auto what = a.word("what to resume");
  if (what != "checker" && what != "node")
    throw command_error{usage, "checkers and nodes can be resumed: resume checker NAME, resume node NAME"};
  const auto name = a.word("the name of a " + what);
  a.end();
  if (what == "checker")
    return said(c, c.coordinator.ask<schema::ActivateCheckerRequest>([&](auto b) { b.setChecker(name); }), name + " proposes again");
  const auto id = node_id(c.coordinator, name);
  return said(c, c.coordinator.ask<schema::ResumeNodeRequest>([&](auto b) { b.setNode(id); }),
              name + " may be a member of a resource group again");
}

int drain(command_context& c, arguments& a) {
  if (const auto what = a.word("what to drain"); what != "node")
    throw command_error{usage, "only nodes can be drained: drain node NAME"};
  const auto name = a.word("the name of a node");
  a.end();
  const auto id = node_id(c.coordinator, name);
  return said(c, c.coordinator.ask<schema::SuspendNodeRequest>([&](auto b) { b.setNode(id); }),
              name + " is taken from its resource group, and replicas leave it step by step, until `resume node " + name + "`");
}

int set(command_context& c, arguments& a) {
  const bool reset = a.flag("--reset");
  const auto key = a.word("the key of a setting");
  const auto value = reset ? std::string{} : a.word("the value (or --reset)");
  a.end();
  return said(c, c.coordinator.ask<schema::AlterConfigurationRequest>([&](auto b) {
    b.setKey(key);
    b.setValue(value);
    b.setReset(reset);
  }),
              reset ? key + " is what it was before it was set at run time" : key + " is " + value + ", durably");
}

int settings(command_context& c, arguments& a) {
  const auto pattern = a.word_or("");
  a.end();
  const auto reply = c.coordinator.ask<schema::ShowConfigurationsRequest>([&](auto b) { b.setPattern(pattern); });
  if (c.json) {
    std::cout << reply_json(capnp::toDynamic(reply.read())) << '\n';
    return done;
  }
  table t{{"SETTING", "VALUE", "ORIGIN", "USE"}};
  for (auto s : reply->getConfigurations())
    t.row({text(s.getKey()), text(s.getValue()) + (s.getUnit().size() > 0 ? " " + text(s.getUnit()) : ""), text(s.getOrigin()),
           text(s.getUse())});
  print(c, t.empty() ? "no setting has \"" + pattern + "\" in its key\n" : t.str());
  if (reply->getConfigurations().size() == 1)
    print(c, text(reply->getConfigurations()[0].getMeaning()) + "\n");
  return done;
}

} // namespace

void add_control_commands(std::vector<inside_command>& to) {
  to.push_back({"pause", "pause checker NAME", "Keep a checker from proposing, over restarts too", "pause checker balance_checker",
                {noun::kind_of_switch, noun::checker}, &pause});
  to.push_back({"resume", "resume checker|node NAME", "Let a checker propose again, or a node into its resource group",
                "resume checker balance_checker", {noun::kind_of_switch, noun::any_of_subject}, &resume});
  to.push_back({"drain", "drain node NAME", "Take a node from its resource group, so that replicas leave it step by step",
                "drain node node-2", {noun::kind_of_switch, noun::node}, &drain});
  to.push_back({"set", "set KEY VALUE | set KEY --reset", "Set a setting at run time, durably", "set queryCoord.balancer RoundRobinBalancer",
                {noun::setting}, &set});
  to.push_back({"settings", "settings [PATTERN]", "Show settings, what they are and where that was said", "settings balance",
                {noun::setting}, &settings});
}

} // namespace muster::cli
