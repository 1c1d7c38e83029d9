// One record for each thing that may change, compared with what the situation says now.
#include "actors/core/change_watch.hpp"

#include "actors/core/answers.hpp"

#include <algorithm>
#include <functional>

namespace muster {

namespace {

using schema::EventKind;

template <class Map, class Key>
std::int64_t value_of(const Map& map, const Key& key) {
  const auto i = map.find(key);
  return i == map.end() ? 0 : i->second;
}

/// How alive a node is, for the question whether that changed: 1 joined, 2 stopping, 3 suspect, 4 gone, 0 not heard yet.
int liveness_of(const node_row& n) {
  if (n.gone())
    return 4;
  if (n.liveness == schema::NodeLiveness::SUSPECT)
    return 3;
  if (!n.connected() || !n.known)
    return 0;
  return n.stopping ? 2 : 1;
}

EventKind event_of(int liveness) {
  constexpr EventKind kinds[] = {EventKind::INVALID, EventKind::NODE_JOINED, EventKind::NODE_STOPPING, EventKind::NODE_SUSPECT,
                                 EventKind::NODE_GONE};
  return kinds[liveness];
}

std::string list_of(const std::vector<std::int64_t>& ids) {
  std::string out;
  for (auto id : ids)
    out += (out.empty() ? "" : ", ") + std::to_string(id);
  return out.empty() ? "none" : out;
}

std::string text_of(const replica_row& r) {
  return "nodes " + list_of(r.nodes) + (r.read_only_nodes.empty() ? "" : "; being drained: " + list_of(r.read_only_nodes));
}

} // namespace

log_event& change_watch::event(EventKind kind, std::int64_t now) {
  auto& e = events_.emplace_back();
  e.kind = kind;
  e.at = now;
  return e;
}

std::vector<log_event> change_watch::look(const situation& s, const touched_map& touched, std::int64_t now) {
  events_.clear();
  for (auto id : s.changed_nodes())
    look_at_node(s, id, now);
  look_at_groups(s, now);
  look_at_switches(s, now);
  for (const auto& [id, ids] : touched)
    look_at_collection(s, id, ids, now);
  node_changes_ = s.node_changes();
  if (!primed_) {
    events_.clear();
    primed_ = !s.groups().empty();
  }
  return std::move(events_);
}

void change_watch::look_at_node(const situation& s, std::int64_t id, std::int64_t now) {
  const auto* row = s.node(id);
  if (row == nullptr)
    return;
  auto [i, fresh] = nodes_.try_emplace(id);
  auto& mine = i->second;
  const auto before = fresh ? 0 : liveness_of(mine.row);
  const auto after = liveness_of(*row);
  if (before != after || (after == 1 && mine.row.incarnation != row->incarnation)) {
    mine.since = primed_ ? now : 0;
    if (after != 0) {
      auto& e = event(event_of(after), now);
      e.node = id;
      e.text = row->name + " at " + row->address;
    }
  }
  mine.row = *row;
}

void change_watch::look_at_groups(const situation& s, std::int64_t now) {
  for (const auto& name : s.changed_groups()) {
    const auto found = s.groups().find(name);
    const auto mine = groups_.find(name);
    if (found == s.groups().end()) {
      if (mine != groups_.end()) {
        event(EventKind::GROUP_CHANGED, now).text = name + ": dropped";
        groups_.erase(mine);
        group_since_.erase(name);
      }
      continue;
    }
    const auto& row = found->second;
    if (mine == groups_.end() || mine->second.nodes != row.nodes || !(mine->second.config == row.config)) {
      event(EventKind::GROUP_CHANGED, now).text = name + ": nodes " + list_of(row.nodes) + "; requests "
                                                  + std::to_string(row.config.requests) + ", limits "
                                                  + std::to_string(row.config.limits);
      if (primed_)
        group_since_[name] = now;
    }
    groups_[name] = row;
  }
}

void change_watch::look_at_switches(const situation& s, std::int64_t now) {
  const auto& after = s.switches();
  if (after == switches_)
    return;
  const auto note = [&](EventKind kind, const std::string& text, auto& times, const auto& key) {
    auto& e = event(kind, now);
    e.text = text;
    if (primed_)
      times[key] = now;
    return &e;
  };
  for (const auto& name : after.inactive_checkers)
    if (!switches_.inactive_checkers.contains(name))
      note(EventKind::CHECKER_SWITCHED, name + " off", checker_since_, name);
  for (const auto& name : switches_.inactive_checkers)
    if (!after.inactive_checkers.contains(name))
      note(EventKind::CHECKER_SWITCHED, name + " on", checker_since_, name);
  for (const auto& [key, value] : after.settings)
    if (const auto i = switches_.settings.find(key); i == switches_.settings.end() || i->second != value)
      note(EventKind::SETTING_CHANGED, key + " = " + value, setting_since_, key);
  for (const auto& [key, value] : switches_.settings)
    if (!after.settings.contains(key))
      note(EventKind::SETTING_CHANGED, key + " as it was given at the start", setting_since_, key);
  for (auto id : after.suspended_nodes)
    if (!switches_.suspended_nodes.contains(id))
      note(EventKind::NODE_SUSPENDED, "", suspended_since_, id)->node = id;
  for (auto id : switches_.suspended_nodes)
    if (!after.suspended_nodes.contains(id))
      note(EventKind::NODE_RESUMED, "", suspended_since_, id)->node = id;
  switches_ = after;
}

void change_watch::look_at_collection(const situation& s, std::int64_t id, const touched_ids& ids, std::int64_t now) {
  const auto* view = s.collection(id);
  if (const auto tasks = view == nullptr ? 0 : view->tasks.size(); tasks != 0 || tasks_of_.contains(id)) {
    auto& mine = tasks_of_[id];
    tasks_ = tasks_ - mine + tasks;
    mine = tasks;
    if (tasks == 0)
      tasks_of_.erase(id);
  }
  if (view == nullptr || !view->desired) {
    if (const auto i = collections_.find(id); i != collections_.end()) {
      if (i->second.grounds.desired) {
        auto& e = event(EventKind::COLLECTION_RELEASED, now);
        e.collection = id;
        e.text = i->second.grounds.desired->name;
      }
      forget(i);
    }
    return;
  }
  const auto [place, fresh] = collections_.try_emplace(id);
  auto& mine = place->second;
  if (fresh) {
    mine.range = ranges_.size();
    ranges_.push_back({0, -1, id});
  }
  widen(*view, mine, ids);
  const auto grounds = view->grounds_of_routes();
  if (!mine.grounds.desired.same(grounds.desired))
    list(id, mine.grounds.desired ? &*mine.grounds.desired : nullptr, &*grounds.desired);
  if (!mine.grounds.head.same(grounds.head))
    list(id, mine.grounds.head ? &*mine.grounds.head : nullptr, grounds.head ? &*grounds.head : nullptr);
  if (!mine.grounds.desired.same(grounds.desired))
    look_at_desired(id, mine, grounds.desired, now);
  if (!mine.grounds.head.same(grounds.head) && grounds.head)
    look_at_target(id, mine, grounds.head, now);
  if (!mine.grounds.same(grounds) || s.node_changes() != node_changes_)
    look_at_leaders(s, id, *view, mine, now);
  mine.grounds = grounds;
  const auto put = [id](std::set<std::int64_t>& to, bool in) { in ? static_cast<void>(to.insert(id)) : static_cast<void>(to.erase(id)); };
  put(loading_, grounds.desired->status != schema::LoadStatus::LOADED);
  put(unserved_, !mine.served);
}

void change_watch::widen(const collection_view& view, collection& mine, const touched_ids& ids) {
  auto& range = ranges_[mine.range];
  const auto add = [&](std::int64_t segment) {
    if (range.low > range.high)
      range.low = range.high = segment;
    range.low = std::min(range.low, segment);
    range.high = std::max(range.high, segment);
  };
  if (ids.whole)
    view.each_target([&](const target_row& t) { add(t.segment); });
  for (auto segment : ids.segments)
    add(segment);
}

void change_watch::list(std::int64_t id, const collection_row* before, const collection_row* after) {
  const auto count = [&](const collection_row& row, bool there) {
    for (const auto& r : row.replicas)
      for (const auto* nodes : {&r.nodes, &r.read_only_nodes})
        for (auto n : *nodes)
          if (there)
            ++replicas_with_[n];
          else if (const auto i = replicas_with_.find(n); i != replicas_with_.end() && --i->second == 0)
            replicas_with_.erase(i);
  };
  if (before != nullptr) {
    count(*before, false);
    for (const auto& r : before->replicas)
      of_replica_.erase(r.id);
  }
  if (after != nullptr) {
    count(*after, true);
    for (const auto& r : after->replicas)
      of_replica_[r.id] = id;
  }
}

void change_watch::list(std::int64_t id, const head_row* before, const head_row* after) {
  constexpr std::hash<std::string_view> hash;
  if (before != nullptr && after != nullptr && before->channels == after->channels)
    return;
  if (before != nullptr)
    for (const auto& c : before->channels)
      of_channel_.erase(hash(c));
  if (after != nullptr)
    for (const auto& c : after->channels)
      of_channel_[hash(c)] = id;
}

void change_watch::forget(std::map<std::int64_t, collection>::iterator i) {
  auto& gone = i->second;
  if (gone.grounds.desired)
    list(i->first, &*gone.grounds.desired, nullptr);
  if (gone.grounds.head)
    list(i->first, &*gone.grounds.head, nullptr);
  ranges_[gone.range] = ranges_.back();
  collections_.at(ranges_[gone.range].collection).range = gone.range;
  ranges_.pop_back();
  loading_.erase(i->first);
  unserved_.erase(i->first);
  collections_.erase(i);
}

std::vector<std::int64_t> change_watch::collections_around(std::int64_t segment) const {
  std::vector<std::int64_t> found;
  for (const auto& r : ranges_)
    if (r.low <= segment && segment <= r.high)
      found.push_back(r.collection);
  return found;
}

std::int64_t change_watch::collection_of_replica(std::int64_t replica) const {
  return value_of(of_replica_, replica);
}

std::int64_t change_watch::collection_of_channel(std::string_view channel) const {
  return value_of(of_channel_, std::hash<std::string_view>{}(channel));
}

std::size_t change_watch::replicas_with(std::int64_t id) const {
  const auto i = replicas_with_.find(id);
  return i == replicas_with_.end() ? 0 : i->second;
}

void change_watch::look_at_desired(std::int64_t id, collection& mine, const shared_value<collection_row>& row, std::int64_t now) {
  const auto& before = mine.grounds.desired;
  const auto waits = [](const collection_row& r) {
    return r.status == schema::LoadStatus::LOADING || !r.loading_partitions.empty();
  };
  const bool was_waiting = before && waits(*before);
  if (waits(*row) && !was_waiting) {
    auto& e = event(EventKind::COLLECTION_LOADING, now);
    e.collection = id;
    e.text = row->name + ": " + std::to_string(row->replica_number) + (row->replica_number == 1 ? " replica" : " replicas");
    mine.wanted_since = primed_ ? now : 0;
  } else if (!waits(*row) && (was_waiting || !before)) {
    auto& e = event(EventKind::COLLECTION_LOADED, now);
    e.collection = id;
    e.text = row->name;
  }
  for (const auto& r : row->replicas) {
    const auto* old = before ? before->replica(r.id) : nullptr;
    if (old != nullptr && old->nodes == r.nodes && old->read_only_nodes == r.read_only_nodes && old->group() == r.group())
      continue;
    auto& e = event(EventKind::REPLICA_CHANGED, now);
    e.collection = id;
    e.replica = r.id;
    e.text = text_of(r) + ", of " + std::string{r.group()};
  }
  if (before)
    for (const auto& r : before->replicas)
      if (row->replica(r.id) == nullptr) {
        auto& e = event(EventKind::REPLICA_CHANGED, now);
        e.collection = id;
        e.replica = r.id;
        e.text = "gone";
      }
}

void change_watch::look_at_target(std::int64_t id, collection& mine, const shared_value<head_row>& head, std::int64_t now) {
  const auto current = mine.grounds.head ? mine.grounds.head->current : 0;
  const auto next = mine.grounds.head ? mine.grounds.head->next : 0;
  const auto note = [&](EventKind kind, std::int64_t version, std::uint32_t segments, std::int64_t rows) {
    auto& e = event(kind, now);
    e.collection = id;
    e.target_version = version;
    e.text = "target " + std::to_string(version) + ": " + std::to_string(segments) + " segments, " + std::to_string(rows) + " rows";
    mine.wanted_since = primed_ ? now : 0;
  };
  if (head->next != 0 && head->next != next)
    note(EventKind::TARGET_PULLED, head->next, head->next_segments, head->next_rows);
  if (head->current != 0 && head->current != current)
    note(EventKind::TARGET_PROMOTED, head->current, head->current_segments, head->current_rows);
}

void change_watch::look_at_leaders(const situation& s, std::int64_t id, const collection_view& view, collection& mine,
                                   std::int64_t now) {
  std::vector<leader> serving;
  const auto channels = view.head ? view.head->channels.size() : 0;
  for (const auto& r : view.desired->replicas)
    for (std::uint32_t i = 0; i < channels; ++i)
      if (const auto* d = view.leader(r, view.head->channels[i]); d != nullptr && can_serve(s, view, *d))
        serving.emplace_back(r.id, i, d->node);
  std::sort(serving.begin(), serving.end());
  const auto tell = [&](EventKind kind, const leader& l) {
    auto& e = event(kind, now);
    e.collection = id;
    e.replica = std::get<0>(l);
    if (std::get<1>(l) < channels)
      e.channel = view.head->channels[std::get<1>(l)];
    e.node = std::get<2>(l);
  };
  if (serving != mine.serving) {
    for (const auto& l : mine.serving)
      if (!std::binary_search(serving.begin(), serving.end(), l))
        tell(EventKind::LEADER_LOST, l);
    for (const auto& l : serving)
      if (!std::binary_search(mine.serving.begin(), mine.serving.end(), l))
        tell(EventKind::LEADER_SERVES, l);
    mine.serving = std::move(serving);
  }
  if (const bool now_served = searchable(s, view); now_served != mine.served) {
    mine.served = now_served;
    mine.served_since = primed_ ? now : 0;
  }
}

std::int64_t change_watch::node_since(std::int64_t id) const {
  const auto i = nodes_.find(id);
  return i == nodes_.end() ? 0 : i->second.since;
}

std::int64_t change_watch::served_since(std::int64_t id) const {
  const auto i = collections_.find(id);
  return i == collections_.end() ? 0 : i->second.served_since;
}

std::int64_t change_watch::wanted_since(std::int64_t id) const {
  const auto i = collections_.find(id);
  return i == collections_.end() ? 0 : i->second.wanted_since;
}

std::int64_t change_watch::checker_since(std::string_view checker) const {
  return value_of(checker_since_, checker);
}

std::int64_t change_watch::group_since(std::string_view group) const {
  return value_of(group_since_, group);
}

std::int64_t change_watch::suspended_since(std::int64_t id) const {
  return value_of(suspended_since_, id);
}

std::int64_t change_watch::setting_since(std::string_view key) const {
  return value_of(setting_since_, key);
}

} // namespace muster
