// Rules for leader views and served versions.
#include "actors/core/leader_rules.hpp"

#include "actors/core/segment_rules.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <utility>

namespace muster {

namespace {

proposal sync(const collection_row& desired, const replica_row& replica, const std::string& channel, std::int64_t leader,
              std::int64_t segment, reason why) {
  proposal p;
  p.kind = schema::TaskKind::SYNC_VIEW;
  p.priority = schema::TaskPriority::LOW;
  p.collection = desired.id;
  p.replica = replica.id;
  p.channel = channel;
  p.segment = segment;
  p.node = leader;
  p.why = why;
  return p;
}

bool serving_shard(const collection_view& view, std::int64_t replica, const std::string& channel) {
  const auto* t = view.task_on(replica, channel);
  return t != nullptr && t->kind == schema::TaskKind::SERVE_SHARD;
}

} // namespace

std::vector<proposal> leader_rules::check(const situation& s, const touched_map& touched) {
  std::vector<proposal> out;
  auto due = touched;
  for (auto id : std::exchange(cut_, {}))
    due[id];
  for (const auto& [id, ids] : due) {
    const auto* view = s.collection(id);
    if (view == nullptr || !view->desired || !view->head) {
      open_.erase(id);
      continue;
    }
    auto& mine = open_[id];
    bool whole = ids.whole;
    // Another leader has another view: every segment of its channel must be looked at.
    std::map<std::pair<std::int64_t, std::string>, std::int64_t> leaders;
    for (const auto& replica : view->desired->replicas)
      for (const auto& channel : view->head->channels)
        if (const auto* d = view->leader(replica, channel))
          leaders[{replica.id, channel}] = d->node;
    if (leaders != mine.leaders) {
      whole = true;
      mine.leaders = leaders;
    }
    auto segments = ids.segments;
    if (whole) {
      mine.segments.clear();
      view->each_target([&](const target_row& t) { segments.insert(t.segment); });
      view->each_view([&](const view_row& v) { segments.insert(v.segment); });
    }
    segments.insert(mine.segments.begin(), mine.segments.end());
    std::set<std::pair<std::int64_t, std::string>> uncovered;
    for (auto segment : segments)
      if (check_segment(s, *view, segment, uncovered, out))
        mine.segments.insert(segment);
      else
        mine.segments.erase(segment);
    // Which version each delegator serves. The node itself refuses a version that its view does not cover.
    const auto version = view->head->readable();
    for (const auto& replica : view->desired->replicas) {
      if (!s.all_known(replica))
        continue;
      for (const auto& channel : view->head->channels) {
        const auto* leader = view->leader(replica, channel);
        if (leader == nullptr || leader->served >= version || !s.usable(leader->node)
            || uncovered.contains({replica.id, channel}) || view->task_on(replica.id, channel) != nullptr)
          continue;
        proposal p;
        p.kind = schema::TaskKind::SYNC_TARGET;
        p.priority = schema::TaskPriority::HIGH;
        p.collection = id;
        p.replica = replica.id;
        p.channel = channel;
        p.node = leader->node;
        p.target_version = version;
        p.why = reason::target_behind;
        out.push_back(std::move(p));
      }
    }
  }
  for (std::size_t i = limits::proposals_per_batch; i < out.size(); ++i)
    cut_.insert(out[i].collection);
  if (out.size() > limits::proposals_per_batch)
    out.resize(limits::proposals_per_batch);
  return out;
}

bool leader_rules::check_segment(const situation& s, const collection_view& view, std::int64_t segment,
                                 std::set<std::pair<std::int64_t, std::string>>& uncovered,
                                 std::vector<proposal>& out) const {
  const auto& desired = *view.desired;
  const auto& head = *view.head;
  const auto target = view.target_of(segment);
  const bool want = target && (target->in(head.current) || target->in(head.next));
  bool open = false;
  for (const auto& replica : desired.replicas) {
    const bool known = s.all_known(replica);
    if (want) {
      const auto& channel = head.channels.at(target->channel);
      const auto* leader = view.leader(replica, channel);
      if (leader == nullptr)
        continue;
      const auto worker = view.worker_of(segment, leader->node);
      const copy_row* newest = nullptr;
      bool held = false;
      const auto copies = view.copies_of(segment);
      for (const auto& c : copies) {
        if (!replica.contains(c.node))
          continue;
        held = held || c.node == worker;
        if (s.usable(c.node) && (newest == nullptr || c.version > newest->version))
          newest = &c;
      }
      if (worker != 0 && held)
        continue;
      open = true;
      if (target->in(head.readable()))
        uncovered.insert({replica.id, channel});
      if (!known || newest == nullptr || !s.usable(leader->node) || view.task_on(replica.id, segment) != nullptr
          || serving_shard(view, replica.id, channel))
        continue;
      auto p = sync(desired, replica, channel, leader->node, segment, reason::view_lacking);
      p.assignments.emplace_back(segment, newest->node);
      out.push_back(std::move(p));
      continue;
    }
    for (const auto& v : view.views_of(segment)) {
      if (!replica.contains(v.leader))
        continue;
      open = true;
      const auto copies = view.copies_of(segment);
      const bool held = std::any_of(copies.begin(), copies.end(), [&](const copy_row& c) { return replica.contains(c.node); });
      const auto channel = channel_of(view, segment, v.leader);
      if (channel.empty()) {
        // Its target row is long gone. The node knows which of its shards routes it, and needs it no more.
        if (!known || !s.usable(v.leader) || may_serve_dropped(view, replica) || view.task_on(replica.id, segment) != nullptr)
          continue;
        auto p = sync(desired, replica, channel, v.leader, segment, reason::view_dangling);
        p.removed.push_back(segment);
        out.push_back(std::move(p));
        continue;
      }
      const auto* leader = view.leader(replica, channel);
      // With a copy still there, segment_checker's release through the leader forgets the route too.
      if (!known || held || leader == nullptr || leader->node != v.leader || leader->served < head.current
          || !s.usable(v.leader) || view.task_on(replica.id, segment) != nullptr)
        continue;
      auto p = sync(desired, replica, channel, v.leader, segment, reason::view_dangling);
      p.removed.push_back(segment);
      out.push_back(std::move(p));
    }
  }
  return open;
}

std::size_t leader_rules::open() const {
  std::size_t n = 0;
  for (const auto& [id, mine] : open_)
    n += mine.segments.size();
  return n;
}

} // namespace muster
