// The names of causes and of what unblocks, and an explanation as a message.
#include "actors/core/explanation.hpp"

#include <array>

namespace muster {

namespace {

constexpr std::array cause_names{
  "none",           "journal_failed",       "load_given_up",        "load_refused",         "not_asked_for",      "not_in_target",   "data_source_down",
  "target_coming",  "no_node_in_group",     "group_limits_full",    "no_replica_in_group", "replica_without_node", "node_not_reported",
  "node_suspect",   "node_gone",            "node_stopping",        "node_suspended",     "name_taken",      "checker_off",
  "balance_off",    "segment_file_missing", "segment_file_damaged", "node_refuses",       "load_failed",     "task_limit",
  "task_waiting",   "task_running",         "leader_missing",       "segment_not_placed", "leader_behind",   "leader_incomplete"};
static_assert(cause_names.size() == static_cast<std::size_t>(cause::leader_incomplete) + 1);

constexpr std::array unblocking_names{
  "nothing",           "load_request",   "journal_writable", "data_source_answers", "target_loaded",      "node_joins_group",
  "group_limits_raised", "node_reports", "node_heard_again", "node_emptied",        "node_resumed",       "other_node_stopped",
  "checker_activated", "balance_resumed", "file_restored",   "node_accepts",        "tasks_end",          "order_answered",
  "checker_looks"};
static_assert(unblocking_names.size() == static_cast<std::size_t>(unblocking::checker_looks) + 1);

} // namespace

std::string_view to_string(cause c) {
  return cause_names.at(static_cast<std::size_t>(c));
}

std::string_view to_string(unblocking u) {
  return unblocking_names.at(static_cast<std::size_t>(u));
}

namespace {

void write(schema::NodeVerdict::Builder out, const node_verdict& v) {
  out.setNode(v.node);
  out.setName(v.name);
  out.setVerdict(v.verdict);
  out.setScore(v.score);
  out.setText(v.text);
}

} // namespace

void write(capnp::List<schema::NodeVerdict>::Builder out, const std::vector<node_verdict>& nodes) {
  for (unsigned i = 0; i < nodes.size(); ++i)
    write(out[i], nodes[i]);
}

void write(schema::Explanation::Builder out, const explanation& e, const explain_facts& facts) {
  out.setSubject(e.subject);
  out.setServed(e.served);
  out.setDesired(e.desired);
  out.setActual(e.actual);
  out.setCause(std::string{to_string(e.why)});
  out.setCauseText(e.text);
  out.setReplica(e.replica);
  out.setSinceMs(e.since == 0 ? -1 : (facts.now - e.since) / 1'000'000);
  out.setUnblockedBy(std::string{to_string(e.unblocked_by)});
  out.setUnblockText(e.unblock_text);
  write(out.initNodes(static_cast<unsigned>(e.nodes.size())), e.nodes);
  auto conditions = out.initConditions(static_cast<unsigned>(e.conditions.size()));
  for (unsigned i = 0; i < e.conditions.size(); ++i) {
    conditions[i].setName(std::string{to_string(e.conditions[i].name)});
    conditions[i].setMet(e.conditions[i].met);
    conditions[i].setText(e.conditions[i].text);
  }
  out.setWhyHere(e.why_here);
  out.setWouldMove(e.would_move);
  out.setSituation(facts.view.number());
  auto others = out.initElsewhere(static_cast<unsigned>(e.elsewhere.size()));
  for (unsigned i = 0; i < e.elsewhere.size(); ++i)
    others.set(i, e.elsewhere[i]);
}

} // namespace muster
