// Progress of loads, counted as it changes.
#include "actors/core/progress_rules.hpp"

#include <algorithm>

namespace muster {

namespace {

bool unfinished(const collection_view* view) {
  return view != nullptr && view->desired && view->head
         && (view->desired->status != schema::LoadStatus::LOADED || !view->desired->loading_partitions.empty());
}

std::int64_t newest(const head_row& head) {
  return head.next != 0 ? head.next : head.current;
}

} // namespace

void progress_rules::check(const situation& s, const touched_map& touched, std::int64_t now) {
  for (const auto& [id, ids] : touched) {
    const auto* view = s.collection(id);
    if (!unfinished(view)) {
      forget(id);
      continue;
    }
    const auto& desired = *view->desired;
    const auto& head = *view->head;
    auto [i, fresh] = loads_.try_emplace(id);
    auto& mine = i->second;
    if (fresh)
      move(id, mine, now);
    const bool whole = fresh || ids.whole || mine.version != newest(head) || mine.revision != desired.revision;
    mine.version = newest(head);
    mine.revision = desired.revision;
    mine.replicas = desired.replicas.size();
    mine.channels = head.channels.size();
    if (whole) {
      // What was observed of a partition goes on through another target.
      std::map<std::int64_t, counts> partitions;
      for (auto p : desired.partitions)
        if (auto old = mine.partitions.find(p); old != mine.partitions.end())
          partitions[p] = {0, 0, old->second.observed, old->second.percent};
        else
          partitions[p] = {};
      mine.partitions = std::move(partitions);
      mine.segments.clear();
      view->each_target([&](const target_row& t) { look(*view, mine, t.segment); });
    } else {
      for (auto segment : ids.segments)
        look(*view, mine, segment);
    }
    settle(*view, id, mine, now);
  }
}

void progress_rules::look(const collection_view& view, load& mine, std::int64_t segment) const {
  if (auto i = mine.segments.find(segment); i != mine.segments.end()) {
    if (auto p = mine.partitions.find(i->second.partition); p != mine.partitions.end()) {
      --p->second.wanted;
      p->second.found -= i->second.replicas;
    }
    mine.segments.erase(i);
  }
  const auto target = view.target_of(segment);
  if (!target || !target->in(mine.version))
    return;
  const auto p = mine.partitions.find(target->partition);
  if (p == mine.partitions.end())
    return;
  std::size_t replicas = 0;
  const auto views = view.views_of(segment);
  for (const auto& r : view.desired->replicas)
    replicas += std::any_of(views.begin(), views.end(), [&](const view_row& v) { return r.contains(v.leader); }) ? 1 : 0;
  ++p->second.wanted;
  p->second.found += replicas;
  mine.segments[segment] = {target->partition, replicas};
}

void progress_rules::settle(const collection_view& view, std::int64_t id, load& mine, std::int64_t now) {
  mine.channels_found = 0;
  for (const auto& channel : view.head->channels)
    for (const auto& r : view.desired->replicas)
      mine.channels_found += std::any_of(view.delegators.begin(), view.delegators.end(), [&](const delegator_row& d) {
        return d.channel == channel && d.replica == r.id && r.contains(d.node);
      });
  bool grew = false;
  for (auto& [partition, c] : mine.partitions) {
    const auto found = c.found + mine.channels_found;
    const auto all = (c.wanted + mine.channels) * mine.replicas;
    const bool more = found > c.observed;
    c.observed = found;
    if (view.desired->partition_loaded(partition)) {
      c.percent = 100;
      continue;
    }
    if (!more || all == 0)
      continue;
    grew = true;
    // All there is is not loaded yet: that it becomes with the promotion of this target.
    c.percent = std::min(static_cast<std::uint32_t>(found * 100 / all), 99u);
  }
  if (grew)
    move(id, mine, now);
}

void progress_rules::move(std::int64_t id, load& mine, std::int64_t now) {
  by_progress_.erase({mine.last_progress, id});
  mine.last_progress = now;
  by_progress_.insert({now, id});
}

void progress_rules::forget(std::int64_t id) {
  auto i = loads_.find(id);
  if (i == loads_.end())
    return;
  by_progress_.erase({i->second.last_progress, id});
  loads_.erase(i);
}

std::vector<abandoned_load> progress_rules::give_up(const situation& s, std::int64_t now, std::int64_t timeout) {
  std::vector<abandoned_load> result;
  while (!by_progress_.empty() && by_progress_.begin()->first + timeout <= now) {
    const auto id = by_progress_.begin()->second;
    auto& mine = loads_.at(id);
    move(id, mine, now);
    const auto* view = s.collection(id);
    if (!unfinished(view))
      continue;
    abandoned_load a{id, view->desired->revision, {}};
    for (const auto& p : partitions(id))
      if (!p.complete && !view->desired->partition_loaded(p.partition))
        a.partitions.push_back(p.partition);
    if (!a.partitions.empty())
      result.push_back(std::move(a));
  }
  return result;
}

std::optional<std::int64_t> progress_rules::next_time(std::int64_t timeout) const {
  if (by_progress_.empty())
    return std::nullopt;
  return by_progress_.begin()->first + timeout;
}

std::vector<progress_rules::partition_progress> progress_rules::partitions(std::int64_t collection) const {
  std::vector<partition_progress> result;
  const auto i = loads_.find(collection);
  if (i == loads_.end())
    return result;
  const auto& mine = i->second;
  for (const auto& [partition, c] : mine.partitions)
    result.push_back({partition, c.percent, c.found + mine.channels_found == (c.wanted + mine.channels) * mine.replicas});
  return result;
}

std::optional<std::uint32_t> progress_rules::percent(std::int64_t collection) const {
  const auto i = loads_.find(collection);
  if (i == loads_.end() || i->second.partitions.empty())
    return std::nullopt;
  std::uint64_t sum = 0;
  for (const auto& [partition, c] : i->second.partitions)
    sum += c.percent;
  return static_cast<std::uint32_t>(sum / i->second.partitions.size());
}

std::int64_t progress_rules::last_progress(std::int64_t collection) const {
  const auto i = loads_.find(collection);
  return i == loads_.end() ? 0 : i->second.last_progress;
}

} // namespace muster
