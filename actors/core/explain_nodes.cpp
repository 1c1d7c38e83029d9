// Explanations of nodes and tasks.
#include "actors/core/explain_shard.hpp"

#include "actors/core/balance/configured.hpp"
#include "actors/core/balance/planner.hpp"
#include "actors/core/balance_view.hpp"
#include "actors/core/reason.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace muster {

namespace {

// -- nodes --------------------------------------------------------------------------------

/// Collections for which it is planned whether a node would be filled.
constexpr std::size_t planned_for_node = 32;

/// Cost: with balance on none; else plans for the first replicas that have the node.
bool explain_balance(ladder& l, std::int64_t node) {
  const auto& f = l.facts();
  auto settings = balance_settings_of(f.settings.values());
  const bool checker = f.view.switches().inactive_checkers.contains("balance_checker");
  if (settings.auto_balance && !checker)
    return l.check(cause::balance_off, true, "moves for evenness are on");
  settings.auto_balance = true;
  std::size_t moves = 0;
  std::size_t looked = 0;
  for (const auto& [id, view] : f.view.collections()) {
    const auto* replica = view.desired ? view.desired->replica_of(node) : nullptr;
    if (replica == nullptr || !view.head || view.head->current == 0)
      continue;
    if (++looked > planned_for_node)
      break;
    const auto cluster = balance_view_of(f.view, view, *replica, settings);
    for (const auto& m : plan_balance(cluster, settings, limits::balance_planned_moves))
      moves += cluster.nodes[m.to].id == node ? 1 : 0;
  }
  if (moves == 0)
    return l.check(cause::balance_off, true, "moves for evenness are off, and none would go to this node");
  l.check(cause::balance_off, false, std::to_string(moves) + " moves for evenness would go to this node, and "
                                       + (checker ? "balance_checker" : "queryCoord.autoBalance") + " is switched off");
  return l.blocked(unblocking::balance_resumed,
                   checker ? "resume balance (muster resume-balance), which activates balance_checker" : "set queryCoord.autoBalance to true",
                   checker ? f.watch.checker_since("balance_checker") : f.watch.setting_since("queryCoord.autoBalance"));
}

/// A node that no replica has: what would give it something to do.
bool explain_unused(ladder& l, const node_row& n) {
  const auto& f = l.facts();
  const auto& s = f.view;
  const auto* home = s.group_of(n.id);
  for (const auto& [name, group] : s.groups()) {
    if (home != nullptr && home->name == name)
      continue;
    const auto size = static_cast<std::int64_t>(group.nodes.size());
    if (group.is_default() || size < group.config.limits || s.collections_in(name).empty())
      continue;
    l.check(cause::group_limits_full, false, "resource group " + name + " has " + std::to_string(size) + " nodes of at most "
                                               + std::to_string(group.config.limits) + ", so this one stays in "
                                               + (home == nullptr ? "none" : home->name));
    return l.blocked(unblocking::group_limits_raised, "raise the limits of the group (muster update-resource-groups), or load a collection"
                                                      " into the node's group", f.watch.group_since(name));
  }
  l.check(cause::no_replica_in_group, false, home == nullptr ? "it is in no resource group"
                                                             : "no replica of a loaded collection uses nodes of resource group " + home->name);
  return l.blocked(unblocking::load_request, "load a collection into its group, or move the node to a group that is used",
                   home == nullptr ? 0 : f.watch.group_since(home->name));
}

bool explain_node(ladder& l, const node_row& n) {
  const auto& f = l.facts();
  const auto since = f.watch.node_since(n.id);
  if (const auto i = f.problems.refused.find(n.name); i != f.problems.refused.end()
      && f.now - i->second.last < std::chrono::nanoseconds{limits::refused_node_remembered}.count()) {
    l.check(cause::name_taken, false, "another process wants to join under this name and may not: " + i->second.text);
    return l.blocked(unblocking::other_node_stopped, "give one of them another --name, or stop it", i->second.since);
  }
  if (n.gone()) {
    l.check(cause::node_gone, false, "its process ended, or it was silent for longer than node_gone_ms");
    return l.blocked(unblocking::node_heard_again, "start it again under the same name", since);
  }
  if (n.liveness == schema::NodeLiveness::SUSPECT) {
    l.check(cause::node_suspect, false, "it is silent or its link broke");
    return l.blocked(unblocking::node_heard_again, "look at its process and the network to it; it is given up after node_gone_ms", since);
  }
  if (!n.connected() || !n.known) {
    l.check(cause::node_not_reported, false, "it has not said what it has since this coordinator started");
    return l.blocked(unblocking::node_reports, "wait for it, or start it again", since);
  }
  l.check(cause::node_suspect, true, "it is connected and has said what it has");
  if (n.stopping) {
    l.check(cause::node_stopping, false, "it is to end: what it has moves to other nodes first");
    return l.blocked(unblocking::node_emptied, "wait until it is empty", since);
  }
  if (f.view.switches().suspended_nodes.contains(n.id)) {
    l.check(cause::node_suspended, false, "somebody keeps it out of resource groups");
    return l.blocked(unblocking::node_resumed, "resume it (muster resume node " + n.name + ")", f.watch.suspended_since(n.id));
  }
  if (f.view.load(n.id).failing >= limits::node_failures) {
    l.check(cause::node_refuses, false, "it failed or refused the last " + std::to_string(f.view.load(n.id).failing)
                                          + " orders, so new loads go to other nodes");
    return l.blocked(unblocking::node_accepts, "look at its log; it is tried again by itself");
  }
  l.check(cause::node_refuses, true, "it takes orders");
  return f.watch.replicas_with(n.id) == 0 ? explain_unused(l, n) : explain_balance(l, n.id);
}

} // namespace

result<explanation> explain_node(const explain_facts& f, std::string_view asked) {
  const node_row* row = nullptr;
  for (const auto& [id, n] : f.view.nodes())
    if (n.name == asked)
      row = &n;
  if (const auto id = id_of(asked); row == nullptr && id)
    row = f.view.node(*id);
  explanation e;
  e.subject = "node " + std::string{asked};
  ladder l{f, e};
  if (row == nullptr) {
    const auto i = f.problems.refused.find(asked);
    if (i == f.problems.refused.end())
      return failure{ec::node_not_found, "no node is named " + std::string{asked} + " or has this id; muster nodes lists them"};
    e.desired = "a member of the cluster";
    e.actual = "refused";
    l.check(cause::node_refuses, false, i->second.text);
    l.blocked(unblocking::other_node_stopped, "mend what the refusal names; it dials again by itself", i->second.since);
    return e;
  }
  e.subject = "node " + row->name + " (" + std::to_string(row->id) + ")";
  const auto load = f.view.load(row->id);
  const auto* group = f.view.group_of(row->id);
  e.desired = "serves " + count_of(f.watch.replicas_with(row->id), "replica") + ", in resource group " + (group == nullptr ? "none" : group->name);
  e.actual = count_of(static_cast<std::size_t>(load.segments), "segment") + ", " + count_of(static_cast<std::size_t>(load.rows), "row") + ", leads "
             + count_of(static_cast<std::size_t>(load.channels), "channel");
  e.served = explain_node(l, *row);
  if (e.served)
    e.unblock_text = "nothing: it is as it should be";
  return e;
}

// -- tasks --------------------------------------------------------------------------------

result<explanation> explain_task(const explain_facts& f, std::string_view asked) {
  const auto id = id_of(asked);
  std::optional<log_event> begun;
  std::optional<log_event> ended;
  if (id)
    f.log.backward(f.log.next(), [&](const log_event& e) {
      if (e.task != *id)
        return true;
      if (e.kind == schema::EventKind::TASK_ENDED)
        ended = e;
      else if (e.kind == schema::EventKind::TASK_ADMITTED)
        begun = e;
      return !begun;
    });
  if (!begun)
    return failure{ec::parameter_invalid, "no task " + std::string{asked} + " is remembered; muster tasks lists those in flight and of late"};
  explanation e;
  e.subject = "task " + std::to_string(*id);
  e.replica = begun->replica;
  e.desired = text_of(f, *begun);
  ladder l{f, e};
  const auto* view = f.view.collection(begun->collection);
  const auto* row = view == nullptr ? nullptr : view->tasks.with(*id);
  if (ended || row == nullptr) {
    e.served = true;
    e.actual = !ended ? "it has ended" : "it ended after " + std::to_string(ended->took_us / 1000) + " ms: " + std::string{to_string(ended->outcome)}
                                           + (ended->text.empty() ? "" : ": " + ended->text);
    e.unblock_text = "nothing: it has ended";
    return e;
  }
  e.actual = row->running ? "step " + std::to_string(row->step + 1) + " is at work" : "it waits";
  explanation none;
  const ladder names{f, none};
  if (!row->running) {
    const auto load = f.view.load(row->node);
    l.check(cause::task_waiting, false, "it waits for a slot of " + names.node(row->node) + ", which has "
                                          + std::to_string(load.segments_in_flight) + " segments in flight");
    l.blocked(unblocking::tasks_end, "wait until other tasks of that node end", row->admitted_at);
  } else {
    l.check(cause::task_running, false, "its order is at " + names.node(row->node)
                                          + (row->total > 0 ? ", " + std::to_string(row->done) + " of " + std::to_string(row->total) + " done" : ""));
    l.blocked(unblocking::order_answered, "wait for the node; the task has a deadline", row->admitted_at);
  }
  return e;
}

} // namespace muster
