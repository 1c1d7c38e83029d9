// Tasks in flight: slots, orders, answers, reports, ends.
#include "actors/core/task_table.hpp"

#include "actors/core/plant.hpp"
#include "actors/core/task_orders.hpp"
#include "actors/core/task_rules.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace muster {

namespace {

using schema::TaskKind;

constexpr std::int64_t nanoseconds(limits::milliseconds d) {
  return std::chrono::nanoseconds{d}.count();
}

/// The executor's own deadline comes first: it knows the node.
constexpr std::int64_t order_patience = nanoseconds(limits::order_timeout) + nanoseconds(limits::order_timeout) / 4;

/// How a task ends whose order was answered with this.
reason end_of(ec code) {
  switch (code) {
    case ec::connection_lost:
    case ec::deadline_exceeded:
      return reason::order_unknown;
    case ec::too_many_requests:
    case ec::service_not_ready:
    case ec::fenced:
    case ec::stale_premise:
    case ec::stale_epoch:
    case ec::stopping:
    case ec::cancelled:
    case ec::segment_lack:
    case ec::channel_not_available:
    case ec::channel_not_found:
      return reason::order_refused;
    default:
      return reason::order_failed;
  }
}

} // namespace

task_table::task_table(std::uint64_t epoch, const task_limits& limits)
  : epoch_(epoch), limits_(limits), next_id_(static_cast<std::int64_t>(epoch << 32) + 1), queue_(limits) {
  // nop
}

// -- steps ------------------------------------------------------------------------

task_queue::place task_table::place_of(const task& t) const {
  const auto pool = plant::active == plant::bug::slot_deadlock ? task_pool::loads : pool_of(t.what.kind);
  return {working_node(t.what, t.step), pool, t.what.priority};
}

void task_table::enqueue(task& t, std::int64_t now) {
  t.at = phase::waiting;
  queue_.add(t.id, place_of(t), t.admitted_at);
  set_deadline(t, now + nanoseconds(limits::task_waiting_timeout));
  mark_dirty(t);
}

void task_table::leave_queue(task& t) {
  if (t.at == phase::waiting)
    queue_.remove(t.id, place_of(t), t.admitted_at);
  else if (t.at == phase::running)
    queue_.free(place_of(t));
}

std::vector<due_order> task_table::dispatch(const situation& s, std::int64_t now) {
  std::vector<due_order> due;
  while (auto id = queue_.next(now)) {
    auto& t = tasks_.at(*id);
    t.at = phase::running;
    auto why = premise_of(t.what, t.step, t.leader, s);
    if (why == reason::none && t.step == 0 && on_the_move(t.what, s))
      why = reason::premise_gone;
    if (plant::active == plant::bug::stale_premise_task && why == reason::premise_gone)
      why = reason::none;
    const auto node = order_node(t.what, t.step, s);
    if (why == reason::none && node == 0)
      why = reason::replica_unserved;
    if (why != reason::none) {
      finish(*id, why, now);
      continue;
    }
    t.order_node = node;
    if (t.step == 0 && pool_of(t.what.kind) == task_pool::loads)
      t.leader = node;
    tie(t, node);
    set_deadline(t, now + order_patience);
    if (t.ordered_at == 0)
      t.ordered_at = now;
    mark_dirty(t);
    due.push_back({node, *id});
  }
  return due;
}

void task_table::write_order(std::int64_t id, const situation& s, schema::Order::Builder out) const {
  const auto& t = tasks_.at(id);
  muster::write_order(t.what, t.step, id, s, out);
}

void task_table::answered(std::int64_t id, const failure& why, std::vector<awaited_report> marks, const situation& s,
                          std::int64_t now) {
  auto i = tasks_.find(id);
  if (i == tasks_.end() || i->second.at != phase::running)
    return;
  auto& t = i->second;
  t.answered_at = now;
  if (why.code != ec::ok) {
    fail(t, why, end_of(why.code), now);
    return;
  }
  if (plant::active == plant::bug::slot_deadlock && t.what.kind == TaskKind::SERVE_SHARD) {
    set_deadline(t, 0); // it waits for its segments
    return;
  }
  leave_queue(t);
  t.at = phase::confirming;
  t.marks = std::move(marks);
  confirm(t);
  set_deadline(t, now + nanoseconds(limits::order_timeout));
  advance(t, s, now);
}

void task_table::progressed(std::int64_t id, std::uint32_t done, std::uint32_t total, std::int64_t now) {
  auto i = tasks_.find(id);
  if (i == tasks_.end() || i->second.at != phase::running)
    return;
  auto& t = i->second;
  if (t.total != 0 && done <= t.done)
    return; // a node that says the same again is not further
  t.done = done;
  t.total = total;
  set_deadline(t, now + order_patience);
  dirty_.insert({t.what.collection, id >> 6});
}

void task_table::confirm(task& t) {
  for (const auto& m : t.marks)
    confirming_[m.node].insert(t.id);
  confirming_[working_node(t.what, t.step)].insert(t.id);
}

void task_table::unconfirm(task& t) {
  const auto forget = [&](std::int64_t node) {
    auto i = confirming_.find(node);
    if (i == confirming_.end())
      return;
    i->second.erase(t.id);
    if (i->second.empty())
      confirming_.erase(i);
  };
  for (const auto& m : t.marks)
    forget(m.node);
  forget(working_node(t.what, t.step));
  t.marks.clear();
}

bool task_table::visible(const task& t, const situation& s) const {
  return std::all_of(t.marks.begin(), t.marks.end(), [&](const awaited_report& m) {
    const auto* n = s.node(m.node);
    if (n == nullptr || n->gone() || n->incarnation > m.incarnation)
      return true; // what it said then no longer matters
    return n->incarnation == m.incarnation && n->known && n->report_seq >= m.seq;
  });
}

void task_table::advance(task& t, const situation& s, std::int64_t now) {
  if (t.at != phase::confirming || !visible(t, s))
    return;
  const bool reborn = std::any_of(t.marks.begin(), t.marks.end(), [&](const awaited_report& m) {
    const auto* n = s.node(m.node);
    return n == nullptr || n->incarnation != m.incarnation;
  });
  const auto shown = reborn || t.marks.empty() ? effect::shown : effect_of(t.what, t.step, t.id, s);
  if (shown == effect::awaited)
    return;
  if (shown == effect::missing) {
    fail(t, {ec::internal, "node " + std::to_string(working_node(t.what, t.step)) + " said done, but its report does not show it"},
         reason::effect_missing, now);
    return;
  }
  unconfirm(t);
  failures_.forget_node(working_node(t.what, t.step));
  if (t.step + 1 < steps_of(t.what.kind)) {
    ++t.step;
    t.done = t.total = 0;
    enqueue(t, now);
    return;
  }
  finish(t.id, reason::done, now);
}

std::vector<due_order> task_table::reported(const std::set<std::int64_t>& nodes, const situation& s, std::int64_t now) {
  std::vector<due_order> cancelled;
  for (auto node : nodes) {
    const auto* n = s.node(node);
    queue_.set_cpus(node, n == nullptr ? 0 : n->cpus);
    if (n == nullptr || n->gone()) {
      failures_.forget_node(node);
      if (auto i = tied_.find(node); i != tied_.end()) {
        const auto ids = i->second;
        for (auto id : ids) {
          const auto& t = tasks_.at(id);
          if (t.at == phase::running)
            cancelled.push_back({t.order_node, id});
          finish(id, reason::node_lost, now);
        }
      }
    }
    if (auto i = confirming_.find(node); i != confirming_.end()) {
      const auto ids = i->second;
      for (auto id : ids)
        if (auto t = tasks_.find(id); t != tasks_.end())
          advance(t->second, s, now);
    }
  }
  if (plant::active == plant::bug::slot_deadlock)
    end_covered(s, now);
  return cancelled;
}

void task_table::end_covered(const situation& s, std::int64_t now) {
  std::vector<std::int64_t> covered;
  for (const auto& [id, t] : tasks_) {
    const auto* view = s.collection(t.what.collection);
    if (t.at != phase::running || t.deadline != 0 || view == nullptr)
      continue;
    if (std::all_of(t.what.assignments.begin(), t.what.assignments.end(),
                    [&](const auto& a) { return view->worker_of(a.first, t.what.node) != 0; }))
      covered.push_back(id);
  }
  for (auto id : covered)
    finish(id, reason::done, now);
}

void task_table::changed(const touched_map& collections, const situation& s) {
  for (const auto& [id, ids] : collections) {
    const auto* view = s.collection(id);
    if (view == nullptr || !view->desired)
      failures_.forget(id);
  }
}

// -- ends ---------------------------------------------------------------------------

void task_table::fail(task& t, const failure& why, reason end, std::int64_t now) {
  if (end == reason::order_failed || end == reason::effect_missing || why.code == ec::deadline_exceeded)
    failures_.node_failed(working_node(t.what, t.step), now);
  if (end != reason::order_refused)
    failures_.remember(t.what.collection, why, now);
  finish(t.id, end, now, why);
}

void task_table::remember_end(const task& t, reason why, const failure& error, std::int64_t now) {
  switch (why) {
    case reason::done:
      failures_.succeeded({t.key, t.what.kind});
      break;
    case reason::order_failed:
    case reason::order_unknown:
    case reason::order_refused:
    case reason::effect_missing:
      if (auto forgotten = failures_.failed({t.key, t.what.kind}, now))
        touch(*forgotten);
      break;
    default:
      break;
  }
  auto r = record_of(t);
  r.status = status_of(why);
  r.end = why;
  r.error = error.text;
  r.ended_at = now;
  task_news news;
  news.kind = schema::EventKind::TASK_ENDED;
  news.task = r;
  if (error.code != ec::ok)
    news.task.error = std::string{to_string(error.code)} + ": " + error.text;
  news.at = now;
  if (t.ordered_at != 0)
    news.waited_us = (t.ordered_at - t.admitted_at) / 1'000;
  if (t.answered_at != 0)
    news.worked_us = (t.answered_at - t.ordered_at) / 1'000;
  tell(std::move(news));
  tally_.end(t.what.kind, r.status, now - t.admitted_at);
  history_.add(std::move(r));
  history_.expire(now);
  if (watched_.erase(t.id) > 0)
    ended_tasks_.push_back({t.id, why, error.text});
}

void task_table::finish(std::int64_t id, reason why, std::int64_t now, const failure& error) {
  auto i = tasks_.find(id);
  auto& t = i->second;
  leave_queue(t);
  unconfirm(t);
  const bool failed = status_of(why) == schema::TaskStatus::FAILED;
  if (!(plant::active == plant::bug::delta_leak && failed))
    apply(t, -1);
  set_deadline(t, 0);
  for (auto node : t.tied) {
    auto n = tied_.find(node);
    n->second.erase(id);
    if (n->second.empty())
      tied_.erase(n);
  }
  remember_end(t, why, error, now);
  by_key_.erase(t.key);
  --by_priority_[static_cast<std::size_t>(t.what.priority)];
  ended_.insert(t.key);
  touch(t.key);
  mark_dirty(t);
  auto c = chunks_.find(t.what.collection);
  auto chunk = c->second.find(id >> 6);
  chunk->second.erase(id);
  if (chunk->second.empty())
    c->second.erase(chunk);
  if (c->second.empty())
    chunks_.erase(c);
  tasks_.erase(i);
  if (!starved_.empty() && tasks_.size() < limits_.in_flight - limits_.in_flight / 10) {
    for (auto collection : starved_)
      changes_.touch_whole(collection);
    starved_.clear();
  }
}

void task_table::tie(task& t, std::int64_t node) {
  if (t.tied.insert(node).second)
    tied_[node].insert(t.id);
}

void task_table::set_deadline(task& t, std::int64_t when) {
  if (t.deadline != 0)
    deadlines_.erase({t.deadline, t.id});
  t.deadline = when;
  if (when != 0)
    deadlines_.insert({when, t.id});
}

void task_table::touch(const task_key& key) {
  changes_.touch(key.collection);
  if (key.segment != 0)
    changes_.touch(key.collection, key.segment);
}

void task_table::mark_dirty(const task& t) {
  dirty_.insert({t.what.collection, t.id >> 6});
  dirty_collections_.insert(t.what.collection);
}

std::vector<due_order> task_table::on_time(std::int64_t now) {
  std::vector<due_order> cancelled;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    auto& t = tasks_.at(deadlines_.begin()->second);
    if (t.at == phase::waiting) {
      finish(t.id, reason::waited_too_long, now);
      continue;
    }
    cancelled.push_back({t.order_node, t.id});
    fail(t, {ec::deadline_exceeded, "node " + std::to_string(t.order_node) + " did not answer or report in time"},
         reason::order_unknown, now);
  }
  for (const auto& key : failures_.wake(now))
    touch(key);
  return cancelled;
}

std::optional<std::int64_t> task_table::next_time() const {
  auto next = failures_.next_time();
  if (!deadlines_.empty() && (!next || deadlines_.begin()->first < *next))
    next = deadlines_.begin()->first;
  return next;
}

} // namespace muster
