// Rules for targets.
#include "actors/core/target_rules.hpp"

#include "actors/core/plant.hpp"

#include <utility>

namespace muster {

namespace {

bool has_nodes(const situation& s, const replica_row& replica) {
  for (auto id : replica.nodes)
    if (const auto* n = s.node(id); n != nullptr && !n->gone())
      return true;
  return false;
}

} // namespace

target_difference difference(const collection_view& view, const std::vector<target_row>& wanted) {
  target_difference d;
  const auto version = view.head ? (view.head->next != 0 ? view.head->next : view.head->current) : 0;
  // Partitions that nobody wants are no part of the target, unless the whole collection is wanted with all that comes to it.
  const bool some = view.desired && !view.desired->whole_collection;
  std::set<std::int64_t> named;
  for (const auto& t : wanted) {
    d.indexes |= t.indexes;
    if (some && !view.desired->wants_partition(t.partition))
      continue;
    named.insert(t.segment);
    auto there = view.target_of(t.segment);
    if (!there || !there->in(version))
      d.added.push_back(t);
    else if (there->indexes != t.indexes)
      d.indexed.push_back(t);
  }
  view.each_target([&](const target_row& t) {
    if (t.in(version) && !named.contains(t.segment))
      d.dropped.push_back(t.segment);
  });
  d.indexes_changed = view.head && view.head->indexes != d.indexes;
  return d;
}

std::uint32_t loads_that_found_nothing(const collection_view& view) {
  std::uint32_t n = 0;
  for (const auto& f : view.failures)
    if (f.code == ec::segment_not_found || f.code == ec::file_not_found)
      n += f.count;
  return n;
}

std::vector<std::pair<std::int64_t, std::int64_t>> promotion_rules::check(const situation& s, const touched_map& touched) {
  std::vector<std::pair<std::int64_t, std::int64_t>> ready;
  // A worker that was cut off may be back without any change of routes, and the other way round.
  bool flipped = false;
  for (auto node : s.changed_nodes())
    if (const bool now = s.connected(node); std::exchange(connected_[node], now) != now)
      flipped = true;
  static const touched_ids nothing;
  std::map<std::int64_t, const touched_ids*> due;
  if (flipped)
    for (const auto& [id, mine] : collections_)
      due[id] = &nothing;
  for (const auto& [id, ids] : touched)
    due[id] = &ids;
  for (const auto& [id, named] : due) {
    const auto& ids = *named;
    const auto* view = s.collection(id);
    if (view == nullptr || !view->desired || !view->head || view->head->next == 0) {
      collections_.erase(id);
      continue;
    }
    const auto& desired = *view->desired;
    const auto& head = *view->head;
    auto& mine = collections_[id];
    bool whole = ids.whole || flipped || mine.version != head.next;
    mine.version = head.next;
    bool led = true;
    bool any = false;
    std::map<std::pair<std::int64_t, std::string>, std::int64_t> leaders;
    for (const auto& replica : desired.replicas) {
      if (!has_nodes(s, replica))
        continue;
      any = true;
      if (!s.all_known(replica))
        led = false;
      for (const auto& channel : head.channels) {
        const auto* d = view->leader(replica, channel);
        if (d == nullptr || !s.usable(d->node))
          led = false;
        else
          leaders[{replica.id, channel}] = d->node;
      }
    }
    if (leaders != mine.leaders) {
      whole = true;
      mine.leaders = std::move(leaders);
    }
    const auto look = [&](std::int64_t segment) {
      const auto t = view->target_of(segment);
      for (const auto& replica : desired.replicas) {
        bool routed = true;
        if (t && t->in(head.next) && has_nodes(s, replica)) {
          const auto leader = mine.leaders.find({replica.id, head.channels.at(t->channel)});
          const auto worker = leader == mine.leaders.end() ? 0 : view->worker_of(segment, leader->second);
          routed = worker != 0 && s.connected(worker);
        }
        if (routed)
          mine.lacking.erase({segment, replica.id});
        else
          mine.lacking.insert({segment, replica.id});
      }
    };
    if (whole) {
      mine.lacking.clear();
      view->each_target([&](const target_row& t) { look(t.segment); });
    } else {
      for (auto segment : ids.segments)
        look(segment);
    }
    const std::size_t allowed = plant::active == plant::bug::promote_one_behind ? 1 : 0;
    if (any && led && mine.lacking.size() <= allowed)
      ready.emplace_back(id, head.next);
  }
  return ready;
}

std::size_t promotion_rules::lacking(std::int64_t collection) const {
  auto i = collections_.find(collection);
  return i == collections_.end() ? 0 : i->second.lacking.size();
}

} // namespace muster
