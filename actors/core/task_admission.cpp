// Who becomes a task, who is refused and why.
#include "actors/core/plant.hpp"
#include "actors/core/task_rules.hpp"
#include "actors/core/task_table.hpp"

namespace muster {

using schema::TaskKind;

namespace {

/// True for tasks after which a node no longer holds a segment.
bool takes_away(TaskKind kind) {
  return kind == TaskKind::MOVE_SEGMENT || kind == TaskKind::RELEASE_SEGMENT;
}

} // namespace

/// Beside a leader that still serves, a second one is set up from where the segments are: nothing may be going from there.
/// Cost: the tasks of the collection, for these two kinds only.
bool task_table::on_the_move(const proposal& p, const situation& s) const {
  if (p.kind != TaskKind::SERVE_SHARD && p.kind != TaskKind::MOVE_SHARD)
    return false;
  const auto* view = s.collection(p.collection);
  const auto* replica = view != nullptr && view->desired ? view->desired->replica(p.replica) : nullptr;
  const auto all = chunks_.find(p.collection);
  if (replica == nullptr || view->leader(*replica, p.channel) == nullptr || all == chunks_.end())
    return false;
  for (const auto& [chunk, ids] : all->second)
    for (auto id : ids) {
      const auto& other = tasks_.at(id).what;
      if (other.replica == p.replica && other.channel == p.channel && takes_away(other.kind))
        return true;
    }
  return false;
}

/// Why a proposal whose premise has not been looked at yet is refused.
reason task_table::refusal(const task_key& key, const proposal& p, std::uint64_t number, std::int64_t now) {
  auto floor = floors_.find(key);
  if (ended_.contains(key) || (floor != floors_.end() && number < floor->second)) {
    touch(key);
    return reason::stale_proposal;
  }
  if (failures_.backs_off({key, p.kind}, now))
    return reason::backing_off; // its wake marks the key dirty
  if (!is_channel_task(p.kind) && p.replica != 0 && !p.channel.empty()) {
    task_key shard;
    shard.collection = p.collection;
    shard.replica = p.replica;
    shard.channel = p.channel;
    if (auto i = by_key_.find(shard); i != by_key_.end()) {
      const auto& t = tasks_.at(i->second);
      const bool waits_for_this = plant::active == plant::bug::slot_deadlock && t.deadline == 0;
      if (t.what.kind == TaskKind::SERVE_SHARD && !waits_for_this)
        return reason::key_taken; // its order brings the segments
      if (t.what.kind == TaskKind::MOVE_SHARD && takes_away(p.kind))
        return reason::key_taken; // the second leader may come to route there
    }
  }
  return reason::none;
}

bool task_table::crowded(const proposal& p) const {
  return tasks_.size() >= limits_.in_flight
         || by_priority_[static_cast<std::size_t>(p.priority)] >= limits_.in_flight - limits_.in_flight / 10
         || queue_.full(working_node(p, 0), p.priority);
}

task_table::admission task_table::admit(schema::Proposer proposer, const proposal& p, std::uint64_t number, const situation& s,
                                        std::int64_t now) {
  if (!well_formed(p) || static_cast<std::size_t>(p.priority) >= by_priority_.size())
    return {reason::proposal_malformed, 0};
  const auto key = key_of(p);
  std::int64_t replaced = 0;
  if (auto i = by_key_.find(key); i != by_key_.end()) {
    const auto& old = tasks_.at(i->second);
    const bool planted = plant::active == plant::bug::dedupe_cancels_move && old.what.kind == TaskKind::MOVE_SEGMENT;
    if (!planted && (old.at != phase::waiting || old.step != 0 || p.priority <= old.what.priority)) // half done, or as urgent
      return {reason::key_taken, 0};
    replaced = old.id;
  }
  if (auto why = refusal(key, p, number, now); why != reason::none)
    return {why, 0};
  if (auto why = premise_of(p, 0, 0, s); why != reason::none)
    return {why == reason::done ? reason::premise_gone : why, 0};
  if (on_the_move(p, s))
    return {reason::premise_gone, 0};
  if (replaced != 0) {
    finish(replaced, reason::replaced, now);
    ended_.erase(key); // it changed nothing, so its end makes no proposal stale
  } else if (crowded(p)) {
    starved_.insert(p.collection);
    return {reason::task_limit, 0};
  }
  const auto id = next_id_++;
  make(id, proposer, p, key, s, now);
  task_news news;
  news.kind = schema::EventKind::TASK_ADMITTED;
  news.task = record_of(tasks_.at(id));
  news.choice = p.choice;
  news.situation = std::min(number, s.number());
  news.target_version = p.target_version;
  news.at = now;
  tell(std::move(news));
  return {reason::none, id};
}

void task_table::make(std::int64_t id, schema::Proposer proposer, const proposal& p, const task_key& key, const situation& s,
                      std::int64_t now) {
  auto& t = tasks_[id];
  t.id = id;
  t.what = p;
  t.proposer = proposer;
  t.key = key;
  t.admitted_at = now;
  if (const auto* view = s.collection(p.collection); view != nullptr && p.segment != 0)
    if (auto row = view->target_of(p.segment))
      t.rows = row->rows;
  t.load = load_of(p, t.rows, s);
  apply(t, 1);
  by_key_[key] = id;
  ++by_priority_[static_cast<std::size_t>(p.priority)];
  chunks_[p.collection][id >> 6].insert(id);
  tally_.begin(p.kind);
  tie(t, p.node);
  if (p.source != 0)
    tie(t, p.source);
  enqueue(t, now);
}

void task_table::apply(const task& t, int sign) {
  for (const auto& [node, load] : t.load) {
    const auto change = sign > 0 ? load : -load;
    const auto add = [&](auto& table, const auto& at) {
      auto i = table.try_emplace(at).first;
      i->second += change;
      if (i->second == task_load{})
        table.erase(i);
    };
    add(loads_, std::pair{node, t.what.collection});
    add(node_loads_, node);
    loads_changed_ = true;
  }
}

} // namespace muster
