// Rules for leader views, served versions and partition statistics.
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

/// Read-only members are being drained: nothing more is routed by them, the next leader gets a whole view. What they route in vain
/// they still forget, since copies wait for that.
bool read_write(const replica_row& replica, std::int64_t node) {
  return std::find(replica.nodes.begin(), replica.nodes.end(), node) != replica.nodes.end();
}

/// Statistics that are newer than what the leader uses.
std::vector<partition_version> newer_stats(const head_row& head, const delegator_row& leader) {
  std::vector<partition_version> newer;
  for (const auto& wanted : head.partition_stats) {
    const auto used = std::find_if(leader.partition_stats.begin(), leader.partition_stats.end(),
                                   [&](const partition_version& v) { return v.partition == wanted.partition; });
    if (used == leader.partition_stats.end() ? wanted.version > 0 : used->version < wanted.version)
      newer.push_back(wanted);
  }
  return newer;
}

bool in_flight(const collection_view& view, schema::TaskKind kind, std::int64_t replica, const std::string& channel) {
  return std::any_of(view.tasks.begin(), view.tasks.end(), [&](const task_row& t) {
    return t.kind == kind && t.replica == replica && t.channel == channel;
  });
}

} // namespace

std::vector<proposal> leader_rules::check(const situation& s, const touched_map& touched) {
  std::vector<proposal> out;
  cut_.each_due(touched, [&](std::int64_t id, const touched_ids& ids) { check_collection(s, id, ids, out); });
  return out;
}

/// Keeps the count of what is open in step.
void leader_rules::check_collection(const situation& s, std::int64_t id, const touched_ids& ids,
                                    std::vector<proposal>& out) {
  const auto before = open_in(id);
  look_at(s, id, ids, out);
  open_count_ += open_in(id) - before;
}

std::size_t leader_rules::open_in(std::int64_t id) const {
  auto i = open_.find(id);
  return i == open_.end() ? 0 : i->second.segments.size();
}

void leader_rules::look_at(const situation& s, std::int64_t id, const touched_ids& ids,
                           std::vector<proposal>& out) {
  const auto* view = s.collection(id);
  if (view == nullptr || !view->desired || !view->head) {
    open_.erase(id);
    return;
  }
  if (nothing_known(s, *view->desired))
    return;
  const auto& desired = *view->desired;
  const auto& head = *view->head;
  auto& mine = open_[id];
  const shard_context shards{s, *view};
  bool whole = ids.whole;
  // Another leader has another view: every segment of its channel must be looked at.
  std::vector<std::int64_t> leaders;
  leaders.reserve(desired.replicas.size() * (1 + head.channels.size()));
  for (std::size_t r = 0; r < desired.replicas.size(); ++r) {
    leaders.push_back(desired.replicas[r].id);
    for (std::size_t c = 0; c < head.channels.size(); ++c) {
      const auto* d = shards.at(r, c).leader;
      leaders.push_back(d == nullptr ? 0 : d->node);
    }
  }
  if (leaders != mine.leaders) {
    whole = true;
    mine.leaders = std::move(leaders);
  }
  std::vector<std::int64_t> due = std::exchange(mine.pending, {});
  due.insert(due.end(), ids.segments.begin(), ids.segments.end());
  const auto reopen = [&] {
    for (const auto& [segment, uncovered] : mine.segments)
      due.push_back(segment);
  };
  if (whole) {
    mine.segments.clear();
    mine.uncovered.clear();
    view->each_target([&](const target_row& t) { due.push_back(t.segment); });
    view->each_view([&](const view_row& v) { due.push_back(v.segment); });
  } else if (!mine.segments.empty()) {
    if (auto now = shard_state_of(s, *view); now != mine.shards) {
      reopen();
      mine.shards = std::move(now);
    }
  }
  std::sort(due.begin(), due.end());
  due.erase(std::unique(due.begin(), due.end()), due.end());
  const bool none_open = mine.segments.empty();
  for (auto i = due.begin(); i != due.end(); ++i) {
    if (out.size() >= limits::proposals_per_batch) {
      mine.pending.assign(i, due.end());
      cut_.add(id);
      break;
    }
    std::vector<shard_index> uncovered;
    const bool open = check_segment(s, *view, shards, *i, uncovered, out);
    note(mine, *i, open, std::move(uncovered));
  }
  if (!mine.segments.empty() && (none_open || whole))
    mine.shards = shard_state_of(s, *view);
  if (!mine.pending.empty())
    return; // what is not looked at may be uncovered
  const auto version = head.readable();
  for (std::size_t r = 0; r < desired.replicas.size(); ++r) {
    const auto& replica = desired.replicas[r];
    if (!shards.known(r))
      continue;
    for (std::size_t c = 0; c < head.channels.size(); ++c) {
      const auto& shard = shards.at(r, c);
      const auto& channel = head.channels[c];
      if (!shard.usable)
        continue;
      // Which version it serves. The node itself refuses a version that its view does not cover.
      if (shard.leader->served < version && !mine.uncovered.contains({r, c})
          && view->task_on(replica.id, channel) == nullptr) {
        proposal p;
        p.kind = schema::TaskKind::SYNC_TARGET;
        p.priority = schema::TaskPriority::HIGH;
        p.collection = id;
        p.replica = replica.id;
        p.channel = channel;
        p.node = shard.leader->node;
        p.target_version = version;
        p.why = reason::target_behind;
        out.push_back(std::move(p));
      }
      if (head.partition_stats.empty() || shard.serving || !read_write(replica, shard.leader->node))
        continue;
      if (auto newer = newer_stats(head, *shard.leader);
          !newer.empty() && !in_flight(*view, schema::TaskKind::SYNC_STATS, replica.id, channel)) {
        auto p = sync(desired, replica, channel, shard.leader->node, 0, reason::stats_behind);
        p.kind = schema::TaskKind::SYNC_STATS;
        p.partition_stats = std::move(newer);
        out.push_back(std::move(p));
      }
    }
  }
}

void leader_rules::note(unsettled& mine, std::int64_t segment, bool open, std::vector<shard_index> uncovered) const {
  if (auto i = mine.segments.find(segment); i != mine.segments.end()) {
    for (const auto& shard : i->second)
      if (auto u = mine.uncovered.find(shard); u != mine.uncovered.end() && --u->second == 0)
        mine.uncovered.erase(u);
    mine.segments.erase(i);
  }
  if (!open)
    return;
  for (const auto& shard : uncovered)
    ++mine.uncovered[shard];
  mine.segments[segment] = std::move(uncovered);
}

bool leader_rules::check_segment(const situation& s, const collection_view& view, const shard_context& shards,
                                 std::int64_t segment, std::vector<shard_index>& uncovered,
                                 std::vector<proposal>& out) const {
  const auto& desired = *view.desired;
  const auto& head = *view.head;
  const auto target = view.target_of(segment);
  const bool want = target && (target->in(head.current) || target->in(head.next));
  const auto copies = view.copies_of(segment);
  const auto views = view.views_of(segment);
  bool open = false;
  for (std::size_t r = 0; r < desired.replicas.size(); ++r) {
    const auto& replica = desired.replicas[r];
    if (want) {
      const auto& shard = shards.at(r, target->channel);
      const auto* leader = shard.leader;
      if (leader == nullptr)
        continue;
      const auto& channel = head.channels.at(target->channel);
      std::int64_t worker = 0;
      for (const auto& v : views)
        if (v.leader == leader->node)
          worker = v.worker;
      const copy_row* newest = nullptr;
      bool held = false;
      for (const auto& c : copies) {
        if (!replica.contains(c.node))
          continue;
        held = held || c.node == worker;
        if (s.reachable(c.node) && (newest == nullptr || c.version > newest->version))
          newest = &c;
      }
      if (worker != 0 && held)
        continue;
      open = true;
      if (target->in(head.readable()))
        uncovered.emplace_back(r, target->channel);
      if (!shards.known(r) || newest == nullptr || !shard.usable || !read_write(replica, leader->node) || shard.serving
          || view.task_on(replica.id, segment) != nullptr)
        continue;
      auto p = sync(desired, replica, channel, leader->node, segment, reason::view_lacking);
      p.assignments.emplace_back(segment, newest->node);
      out.push_back(std::move(p));
      continue;
    }
    for (const auto& v : views) {
      if (!replica.contains(v.leader))
        continue;
      open = true;
      const bool held = std::any_of(copies.begin(), copies.end(), [&](const copy_row& c) { return replica.contains(c.node); });
      const auto channel = channel_of(view, segment, v.leader);
      if (channel.empty()) {
        // Its target row is long gone. The node knows which of its shards routes it, and needs it no more.
        if (!shards.known(r) || !s.usable(v.leader) || may_serve_dropped(view, replica)
            || view.task_on(replica.id, segment) != nullptr)
          continue;
        auto p = sync(desired, replica, channel, v.leader, segment, reason::view_dangling);
        p.removed.push_back(segment);
        out.push_back(std::move(p));
        continue;
      }
      const auto* leader = view.leader(replica, channel);
      // With a copy still there, segment_checker's release through the leader forgets the route too.
      if (!shards.known(r) || held || leader == nullptr || leader->node != v.leader || leader->served < head.current
          || !s.usable(v.leader) || view.task_on(replica.id, segment) != nullptr)
        continue;
      auto p = sync(desired, replica, channel, v.leader, segment, reason::view_dangling);
      p.removed.push_back(segment);
      out.push_back(std::move(p));
    }
  }
  return open;
}

std::optional<std::int64_t> leader_rules::sweep(const situation& s, std::int64_t collection, std::int64_t from,
                                                std::size_t most, sweep_findings& found) {
  const auto before = open_in(collection);
  const auto next = walk(s, collection, from, most, found);
  open_count_ += open_in(collection) - before;
  return next;
}

std::optional<std::int64_t> leader_rules::walk(const situation& s, std::int64_t collection, std::int64_t from,
                                               std::size_t most, sweep_findings& found) {
  const auto& view = *s.collection(collection);
  if (!view.desired || !view.head || nothing_known(s, *view.desired))
    return std::nullopt;
  const auto& desired = *view.desired;
  const auto& head = *view.head;
  const shard_context shards{s, view};
  std::vector<std::int64_t> suspects;
  const auto next = view.walk(from, most, true, [&](const walked_segment& w) {
    ++found.looked;
    const bool want = w.target != nullptr && (w.target->in(head.current) || w.target->in(head.next));
    if (!want) {
      if (!w.views.empty())
        suspects.push_back(w.segment);
      return;
    }
    for (std::size_t r = 0; r < desired.replicas.size(); ++r) {
      const auto* leader = shards.at(r, w.target->channel).leader;
      if (leader == nullptr)
        continue;
      const auto route = std::find_if(w.views.begin(), w.views.end(), [&](const view_row& v) { return v.leader == leader->node; });
      if (route == w.views.end() || std::none_of(w.copies.begin(), w.copies.end(), [&](const copy_row& c) {
            return c.node == route->worker;
          })) {
        suspects.push_back(w.segment);
        return;
      }
    }
  });
  if (suspects.empty())
    return next;
  const auto before = open_.find(collection);
  const bool fresh = before == open_.end() || before->second.segments.empty();
  auto& mine = open_[collection];
  for (auto segment : suspects) {
    const bool expected = mine.segments.contains(segment)
                          || std::binary_search(mine.pending.begin(), mine.pending.end(), segment);
    std::vector<shard_index> uncovered;
    const bool open = check_segment(s, view, shards, segment, uncovered, found.proposals);
    if (open && !expected) {
      ++found.defects;
      note(mine, segment, true, std::move(uncovered));
    }
  }
  if (fresh && !mine.segments.empty())
    mine.shards = shard_state_of(s, view);
  return next;
}

} // namespace muster
