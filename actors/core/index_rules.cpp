// Rules for indexes and field statistics.
#include "actors/core/index_rules.hpp"

#include "messages/limits.hpp"

#include <algorithm>

namespace muster {

namespace {

/// What is to be done for one copy; nothing: it is as it should be, or waits for files to be made.
struct index_work {
  schema::TaskKind kind = schema::TaskKind::INVALID;
  std::uint64_t ids = 0;
  reason why = reason::none;
};

index_work work_for(const head_row& head, const target_row& target, const copy_row& copy) {
  const auto lacking = head.indexes & ~copy.indexes;
  if (const auto ready = lacking & target.indexes; ready != 0)
    return {schema::TaskKind::UPDATE_INDEX, ready, reason::index_lacking};
  // Statistics are loaded once the indexes are there.
  if (const auto ready = head.stats & ~copy.stats & target.stats; lacking == 0 && ready != 0)
    return {schema::TaskKind::UPDATE_STATS, ready, reason::stats_lacking};
  if (const auto surplus = copy.indexes & ~head.indexes; surplus != 0 && head.indexes_known)
    return {schema::TaskKind::DROP_INDEX, surplus, reason::index_surplus};
  return {};
}

/// Read-only members are being drained: nothing is loaded for what leaves.
bool read_write(const replica_row& replica, std::int64_t node) {
  return std::find(replica.nodes.begin(), replica.nodes.end(), node) != replica.nodes.end();
}

bool wanted(const head_row& head, const target_row& target) {
  return target.in(head.current) || target.in(head.next);
}

} // namespace

std::vector<proposal> index_rules::check(const situation& s, const touched_map& touched) {
  std::vector<proposal> out;
  cut_.each_due(touched, [&](std::int64_t id, const touched_ids& ids) { check_collection(s, id, ids, out); });
  return out;
}

/// Keeps the count of what is open in step.
void index_rules::check_collection(const situation& s, std::int64_t id, const touched_ids& ids, std::vector<proposal>& out) {
  const auto before = open_in(id);
  look_at(s, id, ids, out);
  open_count_ += open_in(id) - before;
}

std::size_t index_rules::open_in(std::int64_t id) const {
  auto i = open_.find(id);
  return i == open_.end() ? 0 : i->second.segments.size();
}

void index_rules::look_at(const situation& s, std::int64_t id, const touched_ids& ids, std::vector<proposal>& out) {
  const auto* view = s.collection(id);
  if (view == nullptr || !view->desired || !view->head) {
    open_.erase(id);
    return;
  }
  if (nothing_known(s, *view->desired))
    return;
  const auto& head = *view->head;
  auto& mine = open_[id];
  std::vector<std::int64_t> due = std::exchange(mine.pending, {});
  due.insert(due.end(), ids.segments.begin(), ids.segments.end());
  const bool none_open = mine.segments.empty();
  if (!none_open) {
    if (auto now = shard_state_of(s, *view); ids.whole || now != mine.shards) {
      due.insert(due.end(), mine.segments.begin(), mine.segments.end());
      mine.shards = std::move(now);
    }
  }
  if (ids.whole || mine.indexes != head.indexes || mine.stats != head.stats)
    view->each_copy([&](const copy_row& c) { due.push_back(c.segment); });
  mine.indexes = head.indexes;
  mine.stats = head.stats;
  std::sort(due.begin(), due.end());
  due.erase(std::unique(due.begin(), due.end()), due.end());
  for (auto i = due.begin(); i != due.end(); ++i) {
    if (out.size() >= limits::proposals_per_batch) {
      mine.pending.assign(i, due.end());
      cut_.add(id);
      break;
    }
    if (check_segment(s, *view, *i, out))
      mine.segments.insert(*i);
    else
      mine.segments.erase(*i);
  }
  if (none_open && !mine.segments.empty())
    mine.shards = shard_state_of(s, *view);
  if (mine.indexes == 0 && mine.stats == 0 && mine.segments.empty() && mine.pending.empty())
    open_.erase(id);
}

bool index_rules::check_segment(const situation& s, const collection_view& view, std::int64_t segment,
                                std::vector<proposal>& out) const {
  const auto copies = view.copies_of(segment);
  // Most collections and copies have neither: then there is nothing to do, whatever the target says.
  if (view.head->indexes == 0 && view.head->stats == 0
      && std::all_of(copies.begin(), copies.end(), [](const copy_row& c) { return c.indexes == 0; }))
    return false;
  const auto target = view.target_of(segment);
  if (!target || !wanted(*view.head, *target) || target->channel >= view.head->channels.size())
    return false;
  bool open = false;
  for (const auto& replica : view.desired->replicas)
    for (const auto& c : copies) {
      if (!read_write(replica, c.node))
        continue;
      const auto work = work_for(*view.head, *target, c);
      if (work.ids == 0)
        continue;
      open = true;
      if (!s.usable(c.node) || view.task_on(replica.id, segment) != nullptr)
        break;
      proposal p;
      p.kind = work.kind;
      p.priority = schema::TaskPriority::LOW;
      p.collection = view.desired->id;
      p.replica = replica.id;
      p.channel = view.head->channels[target->channel];
      p.segment = segment;
      p.node = c.node;
      p.why = work.why;
      p.indexes = work.ids;
      p.load_priority = schema::LoadPriority::LOW;
      out.push_back(std::move(p));
      break; // one task a segment and replica at a time
    }
  return open;
}

std::optional<std::int64_t> index_rules::sweep(const situation& s, std::int64_t collection, std::int64_t from,
                                               std::size_t most, sweep_findings& found) {
  const auto before = open_in(collection);
  const auto next = walk(s, collection, from, most, found);
  open_count_ += open_in(collection) - before;
  return next;
}

std::optional<std::int64_t> index_rules::walk(const situation& s, std::int64_t collection, std::int64_t from,
                                              std::size_t most, sweep_findings& found) {
  const auto& view = *s.collection(collection);
  if (!view.desired || !view.head || nothing_known(s, *view.desired))
    return std::nullopt;
  const auto& head = *view.head;
  std::vector<std::int64_t> suspects;
  const auto next = view.walk(from, most, false, [&](const walked_segment& w) {
    ++found.looked;
    if (w.target != nullptr && wanted(head, *w.target)
        && std::any_of(w.copies.begin(), w.copies.end(), [&](const copy_row& c) { return work_for(head, *w.target, c).ids != 0; }))
      suspects.push_back(w.segment);
  });
  for (auto segment : suspects) {
    const auto mine = open_.find(collection);
    const bool expected = mine != open_.end()
                          && (mine->second.segments.contains(segment)
                              || std::binary_search(mine->second.pending.begin(), mine->second.pending.end(), segment));
    if (check_segment(s, view, segment, found.proposals) && !expected) {
      ++found.defects;
      open_[collection].segments.insert(segment);
    }
  }
  return next;
}

} // namespace muster
