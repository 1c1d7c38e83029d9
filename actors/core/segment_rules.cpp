// Rules for segments: lacking, repeated, not in target, foreign, released.
#include "actors/core/segment_rules.hpp"

#include "actors/core/plant.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <utility>

namespace muster {

namespace {

bool wanted(const collection_view& view, const std::optional<target_row>& target) {
  return target && view.head && (target->in(view.head->current) || target->in(view.head->next));
}

proposal release(std::int64_t collection, std::int64_t replica, std::string channel,
                 const copy_row& copy, reason why, schema::TaskPriority priority) {
  proposal p;
  p.kind = schema::TaskKind::RELEASE_SEGMENT;
  p.priority = priority;
  p.collection = collection;
  p.replica = replica;
  p.channel = std::move(channel);
  p.segment = copy.segment;
  p.node = copy.node;
  p.why = why;
  return p;
}

/// True when some leader routes the segment to this node.
bool routed_to(const collection_view& view, std::int64_t segment, std::int64_t node) {
  for (const auto& v : view.views_of(segment))
    if (v.worker == node)
      return true;
  return false;
}

} // namespace

std::string channel_of(const collection_view& view, std::int64_t segment, std::int64_t leader) {
  if (auto t = view.target_of(segment); t && view.head && t->channel < view.head->channels.size())
    return view.head->channels[t->channel];
  std::string only;
  for (const auto& d : view.delegators) {
    if (d.node != leader)
      continue;
    if (!only.empty())
      return {};
    only = d.channel;
  }
  return only;
}

bool may_serve_dropped(const collection_view& view, const replica_row& replica) {
  const auto current = view.head ? view.head->current : 0;
  return std::any_of(view.delegators.begin(), view.delegators.end(),
                     [&](const delegator_row& d) { return d.replica == replica.id && d.served < current; })
         || std::any_of(view.tasks.begin(), view.tasks.end(), [&](const task_row& t) {
              return t.replica == replica.id && (t.kind == schema::TaskKind::SERVE_SHARD || t.kind == schema::TaskKind::MOVE_SHARD);
            });
}

std::vector<proposal> segment_rules::check(const situation& s, const touched_map& touched) {
  std::vector<proposal> out;
  placing places{s};
  auto due = touched;
  for (auto id : std::exchange(cut_, {}))
    due[id];
  for (const auto& [id, ids] : due) {
    const auto* view = s.collection(id);
    if (view == nullptr) {
      open_.erase(id);
      continue;
    }
    if (out.size() >= limits::proposals_per_batch && !touched.contains(id)) {
      cut_.insert(id);
      continue;
    }
    auto segments = ids.segments;
    if (ids.whole) {
      view->each_target([&](const target_row& t) { segments.insert(t.segment); });
      view->each_copy([&](const copy_row& c) { segments.insert(c.segment); });
    }
    auto& open = open_[id];
    segments.insert(open.begin(), open.end());
    for (auto segment : segments) {
      if (out.size() >= limits::proposals_per_batch) {
        cut_.insert(id);
        open.insert(segment);
      } else if (check_segment(s, id, *view, segment, places, out)) {
        open.insert(segment);
      } else {
        open.erase(segment);
      }
    }
    if (open.empty())
      open_.erase(id);
  }
  return out;
}

bool segment_rules::check_segment(const situation& s, std::int64_t collection, const collection_view& view,
                                  std::int64_t segment, placing& places,
                                  std::vector<proposal>& out) const {
  const auto copies = view.copies_of(segment);
  bool open = false;
  if (!view.desired) {
    for (const auto& c : copies) {
      open = true;
      if (s.usable(c.node))
        out.push_back(release(collection, 0, {}, c, reason::segment_released, schema::TaskPriority::NORMAL));
    }
    return open;
  }
  const auto& desired = *view.desired;
  const auto target = view.target_of(segment);
  for (const auto& c : copies) {
    if (desired.replica_of(c.node) != nullptr)
      continue;
    open = true;
    // A leader may have had it loaded there and not yet said so: its order is still in flight then.
    const bool awaited = std::any_of(view.tasks.begin(), view.tasks.end(), [&](const task_row& t) {
      return t.segment == segment || t.kind == schema::TaskKind::SERVE_SHARD;
    });
    if (s.usable(c.node) && !awaited && !routed_to(view, segment, c.node))
      out.push_back(release(desired.id, 0, {}, c, reason::segment_foreign, schema::TaskPriority::NORMAL));
  }
  const bool want = wanted(view, target);
  for (const auto& replica : desired.replicas) {
    std::vector<copy_row> here;
    std::copy_if(copies.begin(), copies.end(), std::back_inserter(here),
                 [&](const copy_row& c) { return replica.contains(c.node); });
    if (want ? here.size() == 1 : here.empty())
      continue;
    open = true;
    if (!s.all_known(replica) || view.task_on(replica.id, segment) != nullptr)
      continue;
    if (want && here.empty()) {
      const auto& channel = view.head->channels.at(target->channel);
      // While the shard is being set up, its own order brings the segments.
      if (const auto* t = view.task_on(replica.id, channel);
          t != nullptr && t->kind == schema::TaskKind::SERVE_SHARD && plant::active != plant::bug::slot_deadlock)
        continue;
      const auto* leader = view.leader(replica, channel);
      if (leader == nullptr || !s.usable(leader->node))
        continue;
      const auto node = places.place_segment(replica, target->rows);
      if (node == 0)
        continue;
      proposal p;
      p.kind = schema::TaskKind::LOAD_SEGMENT;
      p.priority = schema::TaskPriority::NORMAL;
      p.collection = desired.id;
      p.replica = replica.id;
      p.channel = channel;
      p.segment = segment;
      p.node = node;
      p.why = reason::segment_lacking;
      out.push_back(std::move(p));
      continue;
    }
    if (want) {
      const auto& channel = view.head->channels.at(target->channel);
      const auto* leader = view.leader(replica, channel);
      if (leader == nullptr || !s.usable(leader->node))
        continue;
      const auto worker = view.worker_of(segment, leader->node);
      const bool serving = std::any_of(here.begin(), here.end(), [&](const copy_row& c) { return c.node == worker; });
      if (!serving)
        continue; // leader_checker sees to the route first
      if (const auto* t = view.task_on(replica.id, channel); t != nullptr && t->kind == schema::TaskKind::SERVE_SHARD)
        continue; // a second leader is being set up and may come to route to either
      for (const auto& c : here)
        if (c.node != worker && s.usable(c.node) && !routed_to(view, segment, c.node)) {
          out.push_back(release(desired.id, replica.id, channel, c, reason::segment_repeated,
                                schema::TaskPriority::LOW));
          break; // one task a segment and replica at a time
        }
      continue;
    }
    for (const auto& c : here) {
      // A delegator that still serves an older version may need it.
      std::string channel;
      bool needed = false;
      for (const auto& v : view.views_of(segment)) {
        if (!replica.contains(v.leader))
          continue;
        channel = channel_of(view, segment, v.leader);
        for (const auto& d : view.delegators)
          if (d.node == v.leader && (channel.empty() || d.channel == channel) && view.head && d.served < view.head->current)
            needed = true;
        if (channel.empty())
          needed = true; // leader_checker has the route forgotten first
      }
      if (channel.empty())
        channel = channel_of(view, segment, 0);
      if (channel.empty() && may_serve_dropped(view, replica))
        needed = true;
      if (needed || !s.usable(c.node))
        continue;
      if (!channel.empty()) {
        const auto* leader = view.leader(replica, channel);
        if (leader == nullptr || !s.usable(leader->node))
          continue;
      }
      out.push_back(release(desired.id, replica.id, channel, c, reason::segment_not_in_target,
                            schema::TaskPriority::NORMAL));
      break;
    }
  }
  return open;
}

std::size_t segment_rules::open() const {
  std::size_t n = 0;
  for (const auto& [id, segments] : open_)
    n += segments.size();
  return n;
}

} // namespace muster
