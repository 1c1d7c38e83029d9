// The conditions of a channel and of a segment, in order.
#include "actors/core/explain_shard.hpp"

#include "actors/core/answers.hpp"
#include "actors/core/balance/assignment.hpp"
#include "actors/core/balance/configured.hpp"
#include "actors/core/names.hpp"
#include "actors/core/placing.hpp"
#include "actors/core/task_history.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace muster {

namespace {

/// Failures in a row of what would bring an item, the newest first.
struct failures_in_row {
  std::size_t count = 0;
  std::int64_t since = 0;
  std::int64_t node = 0;
  reason outcome = reason::none;
  std::string text;
};

/// How far back a row of failures is followed.
constexpr std::size_t events_looked_at = 64;

bool brings(schema::TaskKind kind) {
  return kind == schema::TaskKind::SERVE_SHARD || kind == schema::TaskKind::LOAD_SEGMENT || kind == schema::TaskKind::MOVE_SHARD
         || kind == schema::TaskKind::SYNC_VIEW || kind == schema::TaskKind::SYNC_TARGET;
}

failures_in_row failures_of(const explain_facts& f, std::int64_t replica, std::int64_t segment, const std::string& channel) {
  failures_in_row row;
  std::size_t seen = 0;
  const auto look = [&](const log_event& e) {
    if (++seen > events_looked_at)
      return false;
    if (e.kind != schema::EventKind::TASK_ENDED || e.replica != replica || !brings(e.task_kind))
      return true;
    const auto status = status_of(e.outcome);
    if (status == schema::TaskStatus::SUCCEEDED)
      return false;
    if (status != schema::TaskStatus::FAILED)
      return true;
    if (row.count++ == 0) {
      row.node = e.node;
      row.outcome = e.outcome;
      row.text = e.text;
    }
    row.since = e.at;
    return true;
  };
  if (segment != 0)
    f.log.backward_of_segment(segment, look);
  else
    f.log.backward_of_channel(channel, look);
  return row;
}

/// The condition that such failures mean: by the name of the error that their text begins with.
cause cause_of(const failures_in_row& row) {
  if (row.text.starts_with("file_not_found"))
    return cause::segment_file_missing;
  if (row.text.starts_with("io_corrupt"))
    return cause::segment_file_damaged;
  if (row.outcome == reason::order_refused || row.text.starts_with("too_many_requests") || row.text.starts_with("memory_limit_exceeded")
      || row.text.starts_with("stopping"))
    return cause::node_refuses;
  return cause::load_failed;
}

/// The condition that the last attempts did not fail. True: they did not.
bool explain_failures(ladder& l, const failures_in_row& row) {
  if (row.count == 0)
    return l.check(cause::load_failed, true, "nothing failed of late");
  const auto what = cause_of(row);
  l.check(what, false,
          "the last " + std::string{row.count == 1 ? "attempt" : std::to_string(row.count) + " attempts"} + " failed, at last on "
            + l.node(row.node) + ": " + row.text);
  switch (what) {
    case cause::segment_file_missing:
      return l.blocked(unblocking::file_restored, "put the file back where the error names it, or import the segment again; it is tried"
                                                  " again by itself", row.since);
    case cause::segment_file_damaged:
      return l.blocked(unblocking::file_restored, "restore the file from where it was made, or compact or import anew; it is tried again"
                                                  " by itself", row.since);
    case cause::node_refuses:
      return l.blocked(unblocking::node_accepts, "let the node take orders again, or add another one; it is tried again by itself", row.since);
    default:
      return l.blocked(unblocking::node_accepts, "mend what the error names, or add another node; it is tried again by itself", row.since);
  }
}

bool explain_checker(ladder& l, const char* checker) {
  const auto& f = l.facts();
  if (!f.view.switches().inactive_checkers.contains(checker))
    return l.check(cause::checker_off, true, std::string{checker} + " is active");
  l.check(cause::checker_off, false, std::string{checker} + " is switched off, and it is the one that would see to this");
  return l.blocked(unblocking::checker_activated, "activate " + std::string{checker} + " (muster resume checker " + checker + ")",
                   f.watch.checker_since(checker));
}

/// A task in flight that brings it is the cause; never true.
bool explain_task(ladder& l, const task_row& t) {
  const auto about = "task " + std::to_string(t.id) + " (" + plain_name_of(t.kind) + ") ";
  if (!t.running) {
    l.check(cause::task_waiting, false, about + "waits for a slot of " + l.node(t.node));
    return l.blocked(unblocking::tasks_end, "wait until other tasks of that node end; queryNodeTaskParallelismFactor and taskExecutionCap"
                                            " set how many it may have", t.admitted_at);
  }
  l.check(cause::task_running, false, about + "is at work on " + l.node(t.node)
                                        + (t.total > 0 ? ", " + std::to_string(t.done) + " of " + std::to_string(t.total) + " done" : ""));
  return l.blocked(unblocking::order_answered, "wait for the node; the task has a deadline", t.admitted_at);
}

bool explain_limit(ladder& l) {
  const auto limit = l.facts().problems.task_limit;
  const auto tasks = l.facts().watch.tasks();
  if (limit == 0 || tasks < limit - limit / 10)
    return l.check(cause::task_limit, true, std::to_string(tasks) + " tasks are in flight");
  l.check(cause::task_limit, false, std::to_string(tasks) + " tasks are in flight, of " + std::to_string(limit) + " there may be");
  return l.blocked(unblocking::tasks_end, "wait until tasks end; the checkers are woken then");
}

bool explain_target(ladder& l, const collection_view& view, std::int64_t id) {
  const auto& f = l.facts();
  if (view.head && view.head->readable() != 0)
    return l.check(cause::target_coming, true, "its target is version " + std::to_string(view.head->readable()));
  if (const auto i = f.problems.pulls.find(id); i != f.problems.pulls.end()) {
    l.check(cause::data_source_down, false, "what data it has could not be asked: " + i->second.text);
    return l.blocked(unblocking::data_source_answers, "make the data source answer; it is asked again by itself", i->second.since);
  }
  l.check(cause::target_coming, false, "it has no target yet");
  return l.blocked(unblocking::target_loaded, "wait for the data source", f.watch.wanted_since(id));
}

bool explain_nodes(ladder& l, const replica_row& replica) {
  const auto& f = l.facts();
  const auto& s = f.view;
  const auto group = s.groups().find(std::string{replica.group()});
  const auto name = "resource group " + std::string{replica.group()};
  if (replica.nodes.empty()) {
    const auto members = group == s.groups().end() ? std::vector<std::int64_t>{} : group->second.nodes;
    const bool usable = std::any_of(members.begin(), members.end(), [&](auto id) { return s.usable(id); });
    if (usable) {
      l.check(cause::no_node_in_group, true, name + " has nodes");
      l.check(cause::replica_without_node, false, "the nodes of " + name + " are with other replicas of the collection, or on their way");
      return l.blocked(unblocking::node_joins_group, "add a node to the group, or load fewer replicas", f.watch.group_since(replica.group()));
    }
    for (auto id : s.switches().suspended_nodes)
      if (s.connected(id)) {
        l.check(cause::node_suspended, false, name + " has no node, and " + l.node(id) + " is kept out of groups");
        return l.blocked(unblocking::node_resumed, "resume the node (muster resume node), or start another one", f.watch.suspended_since(id));
      }
    l.check(cause::no_node_in_group, false, name + " has no node that could serve it");
    std::int64_t since = f.watch.group_since(replica.group());
    for (auto id : members)
      since = std::max(since, f.watch.node_since(id));
    return l.blocked(unblocking::node_joins_group, "start a node, or move one to the group (muster transfer-node)", since);
  }
  l.check(cause::no_node_in_group, true, name + " has nodes");
  if (std::none_of(replica.nodes.begin(), replica.nodes.end(), [&](auto id) { return s.usable(id); })) {
    for (auto id : replica.nodes) {
      const auto* n = s.node(id);
      const auto since = f.watch.node_since(id);
      if (n == nullptr || (!n->known && !n->gone() && n->liveness != schema::NodeLiveness::SUSPECT)) {
        l.check(cause::node_not_reported, false, l.node(id) + " has not said what it has since this coordinator started");
        return l.blocked(unblocking::node_reports, "wait for it, or start it again; it is given up after node_gone_ms", since);
      }
      if (n->liveness == schema::NodeLiveness::SUSPECT) {
        l.check(cause::node_suspect, false, l.node(id) + " is silent or its link broke");
        return l.blocked(unblocking::node_heard_again, "wait until it is heard again, or given up after node_gone_ms", since);
      }
      if (n->stopping) {
        l.check(cause::node_stopping, false, l.node(id) + " is to end and takes nothing new");
        return l.blocked(unblocking::node_joins_group, "start another node", since);
      }
    }
    l.check(cause::no_node_in_group, false, "all nodes of the replica are gone");
    std::int64_t since = 0;
    for (auto id : replica.nodes)
      since = std::max(since, f.watch.node_since(id));
    return l.blocked(unblocking::node_joins_group, "start a node", since);
  }
  for (auto id : replica.nodes)
    if (const auto* n = s.node(id); n == nullptr || !(n->known || n->gone())) {
      const bool silent = n != nullptr && n->liveness == schema::NodeLiveness::SUSPECT;
      l.check(silent ? cause::node_suspect : cause::node_not_reported, false,
              l.node(id) + (silent ? " is silent or its link broke" : " has not said what it has") + ", so nobody knows what is lacking");
      return l.blocked(silent ? unblocking::node_heard_again : unblocking::node_reports,
                       "wait for it; it is given up after node_gone_ms", f.watch.node_since(id));
    }
  return l.check(cause::node_not_reported, true, "every node of the replica has said what it has");
}

/// Why a leader that is there cannot be searched, when that is a node's fault.
bool explain_leader_nodes(ladder& l, const collection_view& view, const delegator_row& leader) {
  const auto& s = l.facts().view;
  std::int64_t silent = s.connected(leader.node) ? 0 : leader.node;
  if (silent == 0)
    for (const auto& [worker, count] : view.workers_of(leader.node))
      if (!s.connected(worker))
        silent = worker;
  if (silent == 0)
    return l.check(cause::node_suspect, true, "the leader and all its workers are connected");
  const auto* n = s.node(silent);
  const bool gone = n != nullptr && n->gone();
  // What a lost node had is set up elsewhere, by whoever is not switched off.
  if (gone && !explain_checker(l, silent == leader.node ? "channel_checker" : "segment_checker"))
    return false;
  l.check(gone ? cause::node_gone : cause::node_suspect, false,
          l.node(silent) + (silent == leader.node ? ", which leads the channel, " : ", which the leader routes to, ")
            + (gone ? "is gone" : "is silent or its link broke"));
  return l.blocked(gone ? unblocking::checker_looks : unblocking::node_heard_again,
                   gone ? "what it had is set up elsewhere" : "wait until it is heard again, or given up after node_gone_ms",
                   l.facts().watch.node_since(silent));
}

/// The leader is told by leader_checker; what keeps it from that.
bool explain_behind(ladder& l, const replica_row& replica, std::int64_t segment, const std::string& channel, std::int64_t leader,
                    std::string what, std::int64_t since) {
  const auto& f = l.facts();
  if (f.view.switches().inactive_checkers.contains("leader_checker")) {
    l.check(cause::leader_behind, false, what + "; leader_checker, which would tell it, is switched off");
    return l.blocked(unblocking::checker_activated, "activate leader_checker (muster resume checker leader_checker)",
                     std::max(since, f.watch.checker_since("leader_checker")));
  }
  const auto row = failures_of(f, replica.id, segment, channel);
  if (row.count > 0)
    what += "; it was told " + std::to_string(row.count) + " times in vain: " + row.text;
  l.check(cause::leader_behind, false, what);
  return l.blocked(unblocking::order_answered, "wait until " + l.node(leader) + " takes the order; it is told again by itself",
                   row.count > 0 ? row.since : since);
}

} // namespace

std::string count_of(std::size_t n, const char* what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::optional<std::int64_t> id_of(std::string_view text) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size() || id <= 0)
    return std::nullopt;
  return id;
}

std::string four_digits(double x) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x, std::chars_format::general, 4).ptr;
  return {text.data(), end};
}

bool ladder::check(cause name, bool met, const std::string& text) {
  out_.conditions.push_back({name, met, text});
  if (!met) {
    out_.why = name;
    out_.text = text;
  }
  return met;
}

bool ladder::blocked(unblocking by, std::string what_to_do, std::int64_t since) {
  out_.unblocked_by = by;
  out_.unblock_text = std::move(what_to_do);
  out_.since = since;
  return false;
}

std::string ladder::node(std::int64_t id) const {
  const auto* n = facts_.view.node(id);
  return (n == nullptr || n->name.empty() ? "node" : n->name) + " (" + std::to_string(id) + ")";
}

bool explain_ground(ladder& l, const collection_view& view, const replica_row& replica) {
  const auto& f = l.facts();
  if (f.problems.journal && view.desired->status == schema::LoadStatus::LOADING) {
    l.check(cause::journal_failed, false, "no change can be made durable: " + f.problems.journal->text);
    return l.blocked(unblocking::journal_writable, "free space or make the data folder of the coordinator writable", f.problems.journal->since);
  }
  l.check(cause::journal_failed, true, "changes become durable");
  return explain_target(l, view, view.desired->id) && explain_nodes(l, replica);
}

bool explain_channel(ladder& l, const collection_view& view, const replica_row& replica, std::uint16_t channel) {
  const auto& f = l.facts();
  if (!explain_ground(l, view, replica))
    return false;
  const auto& name = view.head->channels.at(channel);
  const auto* leader = view.leader(replica, name);
  if (leader == nullptr) {
    const auto row = failures_of(f, replica.id, 0, name);
    if (!explain_failures(l, row))
      return false;
    if (const auto* t = view.task_on(replica.id, name); t != nullptr)
      return explain_task(l, *t);
    if (!explain_checker(l, "channel_checker") || !explain_limit(l))
      return false;
    l.check(cause::leader_missing, false, "no node leads channel " + name + " in replica " + std::to_string(replica.id) + " yet");
    return l.blocked(unblocking::checker_looks, "wait for channel_checker, which looks at what changed within moments");
  }
  l.check(cause::leader_missing, true, l.node(leader->node) + " leads channel " + name);
  if (!explain_leader_nodes(l, view, *leader))
    return false;
  if (leader->served <= 0) { // it is there, and has never had all that it is to serve
    if (!explain_failures(l, failures_of(f, replica.id, 0, name)))
      return false;
    if (const auto* t = view.task_on(replica.id, name); t != nullptr)
      return explain_task(l, *t);
  }
  if (leader->served <= 0 || leader->served < view.head->current) {
    return explain_behind(l, replica, 0, name, leader->node,
                          l.node(leader->node) + " serves target " + std::to_string(leader->served) + " of channel " + name + ", current is "
                            + std::to_string(view.head->current),
                          f.watch.wanted_since(view.desired->id));
  }
  l.check(cause::leader_behind, true, "it serves target " + std::to_string(leader->served));
  if (!leader->serviceable) {
    l.check(cause::leader_incomplete, false, l.node(leader->node) + " says that its view of channel " + name + " lacks something");
    return l.blocked(unblocking::target_loaded, "explain the segments of the channel", f.watch.served_since(view.desired->id));
  }
  return l.check(cause::leader_incomplete, true, "it can be searched");
}

bool explain_segment(ladder& l, const collection_view& view, const replica_row& replica, const target_row& segment) {
  const auto& f = l.facts();
  if (!explain_ground(l, view, replica))
    return false;
  const auto& channel = view.head->channels.at(segment.channel);
  const auto* leader = view.leader(replica, channel);
  if (leader == nullptr)
    return explain_channel(l, view, replica, segment.channel);
  const auto worker = view.worker_of(segment.segment, leader->node);
  if (worker == 0) {
    const auto copies = view.copies_of(segment.segment);
    const auto copy = std::find_if(copies.begin(), copies.end(), [&](const copy_row& c) { return replica.contains(c.node); });
    const auto* t = view.task_on(replica.id, segment.segment);
    if (t == nullptr)
      if (const auto* of_channel = view.task_on(replica.id, channel); of_channel != nullptr && sets_up_shard(of_channel->kind))
        t = of_channel;
    if (copy == copies.end()) {
      if (!explain_failures(l, failures_of(f, replica.id, segment.segment, {})))
        return false;
      if (t != nullptr)
        return explain_task(l, *t);
      if (!explain_checker(l, "segment_checker") || !explain_limit(l))
        return false;
      l.check(cause::segment_not_placed, false, "no node of the replica has it, and no task brings it yet");
      return l.blocked(unblocking::checker_looks, "wait for segment_checker, which looks at what changed within moments");
    }
    l.check(cause::segment_not_placed, true, l.node(copy->node) + " has it");
    if (t != nullptr)
      return explain_task(l, *t);
    return explain_behind(l, replica, segment.segment, channel, leader->node,
                          l.node(copy->node) + " has it, but " + l.node(leader->node) + ", which leads channel " + channel
                            + ", does not route to it",
                          f.watch.wanted_since(view.desired->id));
  }
  l.check(cause::segment_not_placed, true, l.node(worker) + " has it, and " + l.node(leader->node) + " routes there");
  return explain_channel(l, view, replica, segment.channel);
}

// -- verdicts -------------------------------------------------------------------------

std::vector<node_verdict> verdicts_of(const situation& s, const collection_view& view, const replica_row& replica, std::uint16_t channel,
                                      const target_row* segment, const balance_settings& settings) {
  std::set<std::int64_t> all(replica.nodes.begin(), replica.nodes.end());
  all.insert(replica.read_only_nodes.begin(), replica.read_only_nodes.end());
  if (const auto group = s.groups().find(std::string{replica.group()}); group != s.groups().end())
    all.insert(group->second.nodes.begin(), group->second.nodes.end());
  const auto channels = view.head ? view.head->channels.size() : 0;
  const auto of_channel = nodes_of_channel(replica, channels, channel, settings);
  std::set<std::int64_t> holders;
  if (segment != nullptr)
    for (const auto& c : view.copies_of(segment->segment))
      holders.insert(c.node);
  else if (channel < channels)
    for (const auto& d : view.delegators)
      if (d.channel == view.head->channels[channel])
        holders.insert(d.node);
  const auto in_flight = rows_in_flight(view);
  balance_assignment engine{{}, settings};
  std::vector<balance_assignment::candidate> candidates;
  std::vector<std::size_t> place;
  std::vector<node_verdict> out;
  for (auto id : all) {
    auto& v = out.emplace_back();
    v.node = id;
    const auto* row = s.node(id);
    v.name = row != nullptr ? row->name : std::to_string(id);
    const auto load = s.load(id);
    const auto own = view.on(id);
    const auto coming = in_flight.find(id);
    const auto own_rows = own.rows + (coming == in_flight.end() ? 0 : coming->second);
    v.text = segment != nullptr ? std::to_string(own_rows) + " rows of the collection, " + std::to_string(load.all_rows()) + " of all"
                                : "leads " + std::to_string(own.channels) + " of its channels, " + std::to_string(load.all_channels()) + " of all";
    const auto is_in = [&](const std::vector<std::int64_t>& list) { return std::find(list.begin(), list.end(), id) != list.end(); };
    const auto memory = row != nullptr ? static_cast<double>(row->memory_mb) * 1024 * 1024 : 0.0;
    auto verdict = balance_verdict::accepted;
    if (!is_in(replica.nodes)) {
      verdict = balance_verdict::outside_replica;
      v.text = replica.drains(id) ? "it is being drained" : "the replica does not have it";
    } else if (!s.usable(id)) {
      verdict = balance_verdict::node_unavailable;
      v.text = row == nullptr || row->gone() ? "it is gone" : row->stopping ? "it is to end" : !row->connected() ? "it is silent" : "it has not reported";
    } else if (!is_in(of_channel)) {
      verdict = balance_verdict::outside_channel;
      v.text = "the channel has nodes of its own";
    } else if (holders.contains(id)) {
      verdict = balance_verdict::holds_copy;
    } else if (segment != nullptr && memory > 0 && segment->bytes > 0
               && static_cast<double>(load.bytes + segment->bytes) > memory * settings.memory_limit) {
      verdict = balance_verdict::memory_full;
      v.text = std::to_string(load.bytes >> 20) + " of " + std::to_string(row->memory_mb) + " MiB are taken, "
               + std::to_string(segment->bytes >> 20) + " more are over " + four_digits(settings.memory_limit);
    }
    v.verdict = std::string{to_string(verdict)};
    if (is_in(replica.nodes) && s.usable(id)) {
      balance_assignment::candidate c;
      c.node = engine.add(balance_node_of(s, id));
      c.own = segment != nullptr ? static_cast<double>(own_rows) : static_cast<double>(own.channels);
      c.last = load.failing >= limits::node_failures;
      if (c.last && verdict == balance_verdict::accepted) {
        v.verdict = "failing";
        v.text = "it failed the last " + std::to_string(load.failing) + " orders";
      }
      candidates.push_back(c);
      place.push_back(out.size() - 1);
    }
  }
  engine.enter(view.desired ? view.desired->id : 0, replica.id, candidates, segment == nullptr);
  node_verdict* best = nullptr;
  for (std::size_t i = 0; i < place.size(); ++i) {
    auto& v = out[place[i]];
    v.score = engine.level(i);
    if (v.verdict == "accepted" && (best == nullptr || v.score < best->score))
      best = &v;
  }
  if (best != nullptr && holders.empty())
    best->verdict = "chosen";
  return out;
}

// -- decisions ------------------------------------------------------------------------

std::string text_of(const explain_facts& facts, const log_event& d) {
  explanation none;
  const ladder l{facts, none};
  auto text = "task " + std::to_string(d.task) + " (" + plain_name_of(d.task_kind) + ", " + std::string{to_string(d.rule)} + ", situation "
              + std::to_string(d.situation) + ") chose " + l.node(d.node);
  if (d.choice.score != 0 || d.choice.runner_up != 0)
    text += " with score " + four_digits(d.choice.score);
  if (d.choice.runner_up != 0)
    text += " before " + l.node(d.choice.runner_up) + " with " + four_digits(d.choice.runner_up_score);
  if (d.source != 0)
    text += "; it left " + l.node(d.source) + (d.choice.source_score != 0 ? " with " + four_digits(d.choice.source_score) : "");
  if (d.choice.gain != 0)
    text += "; the potential fell by " + four_digits(d.choice.gain);
  return text;
}

std::string why_here(const explain_facts& facts, std::int64_t segment, const std::string& channel, std::int64_t replica,
                     std::int64_t node) {
  std::string text;
  const auto look = [&](const log_event& e) {
    if (e.kind != schema::EventKind::TASK_ADMITTED || e.replica != replica || e.node != node)
      return true;
    switch (e.task_kind) {
      case schema::TaskKind::SERVE_SHARD:
      case schema::TaskKind::MOVE_SHARD:
      case schema::TaskKind::LOAD_SEGMENT:
      case schema::TaskKind::MOVE_SEGMENT:
        text = text_of(facts, e);
        return false;
      default:
        return true;
    }
  };
  if (segment != 0)
    facts.log.backward_of_segment(segment, look);
  if (text.empty())
    facts.log.backward_of_channel(channel, [&](const log_event& e) {
      if (segment == 0)
        return look(e);
      // The first load of a channel brings its segments; which worker it named is in the order, not in the log.
      if (e.kind != schema::EventKind::TASK_ADMITTED || e.replica != replica || e.task_kind != schema::TaskKind::SERVE_SHARD)
        return true;
      text = "it came with " + text_of(facts, e) + " as the leader, whose order brought all segments of channel " + channel;
      return false;
    });
  return text;
}

} // namespace muster
