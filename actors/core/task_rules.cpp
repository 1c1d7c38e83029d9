// Premises, order nodes, loads and effects of tasks.
#include "actors/core/task_rules.hpp"

#include "actors/core/segment_rules.hpp"

#include <algorithm>

namespace muster {

namespace {

using schema::TaskKind;

bool holds(const collection_view& view, std::int64_t segment, std::int64_t node) {
  const auto copies = view.copies_of(segment);
  return std::any_of(copies.begin(), copies.end(), [&](const copy_row& c) { return c.node == node; });
}

const delegator_row* delegator_at(const collection_view& view, const std::string& channel, std::int64_t node) {
  for (const auto& d : view.delegators)
    if (d.node == node && d.channel == channel)
      return &d;
  return nullptr;
}

/// What belongs to no replica goes from a node that is in none.
reason premise_outside(const proposal& p, const situation& s, const collection_view& view) {
  if (!s.reachable(p.node))
    return reason::premise_gone;
  const auto* home = view.desired ? view.desired->replica_of(p.node) : nullptr;
  if (p.kind == TaskKind::DROP_SHARD) {
    const auto* d = delegator_at(view, p.channel, p.node);
    if (d == nullptr || d->version > p.version)
      return reason::premise_gone;
    return home != nullptr && home->id == d->replica ? reason::premise_gone : reason::none;
  }
  if (p.kind != TaskKind::RELEASE_SEGMENT || home != nullptr || !holds(view, p.segment, p.node))
    return reason::premise_gone;
  return reason::none;
}

/// One replica of a desired collection, and what the premises of tasks on it ask.
struct replica_facts {
  const proposal& p;
  const situation& s;
  const collection_view& view;
  const replica_row& replica;
  const delegator_row* leader;
  std::optional<target_row> target;

  bool led() const {
    return leader != nullptr && s.reachable(leader->node);
  }
  bool wanted() const {
    return target && (target->in(view.head->current) || target->in(view.head->next));
  }
  bool writable(std::int64_t node) const {
    return std::find(replica.nodes.begin(), replica.nodes.end(), node) != replica.nodes.end() && s.usable(node);
  }
  bool held(std::int64_t node) const {
    return holds(view, p.segment, node);
  }
  std::int64_t routed() const {
    return leader == nullptr ? 0 : view.worker_of(p.segment, leader->node);
  }
  bool routed_by_some(std::int64_t node) const {
    const auto views = view.views_of(p.segment);
    return std::any_of(views.begin(), views.end(),
                       [&](const view_row& v) { return v.worker == node && replica.contains(v.leader); });
  }
  reason when(bool holds) const {
    return holds ? reason::none : reason::premise_gone;
  }

  reason serve() const {
    const bool led_for_long = leader != nullptr && !replica.drains(leader->node);
    return when(!led_for_long && writable(p.node) && p.target_version == view.head->readable()
                && delegator_at(view, p.channel, p.node) == nullptr
                && std::all_of(p.assignments.begin(), p.assignments.end(), [&](const auto& a) {
                     return s.usable(a.second) || (s.reachable(a.second) && holds(view, a.first, a.second));
                   }));
  }

  reason drop() const {
    const auto* d = delegator_at(view, p.channel, p.node);
    return when(d != nullptr && d->version <= p.version && s.reachable(p.node) && (leader == nullptr || leader->node != p.node));
  }

  reason load() const {
    if (leader == nullptr)
      return reason::replica_unserved;
    return when(led() && wanted() && writable(p.node));
  }

  reason move(std::uint8_t step, std::int64_t loaded_through) const {
    if (leader == nullptr)
      return reason::replica_unserved;
    if (step == 0)
      return when(led() && wanted() && writable(p.node) && s.reachable(p.source) && held(p.source) && routed() == p.source);
    if (leader->node != loaded_through && loaded_through != 0)
      return reason::leader_changed;
    if (!held(p.source))
      return reason::done;
    return when(led() && writable(p.node) && s.reachable(p.source) && held(p.node) && routed() == p.node
                && !routed_by_some(p.source));
  }

  reason move_shard(std::uint8_t step) const {
    if (step == 0) {
      if (leader == nullptr)
        return reason::replica_unserved;
      if (leader->node != p.source || !led() || !writable(p.node) || delegator_at(view, p.channel, p.node) != nullptr)
        return reason::premise_gone;
      const auto workers = present_workers(view, replica, p.channel);
      return when(std::all_of(workers.begin(), workers.end(), [&](const auto& w) { return s.reachable(w.second); }));
    }
    if (delegator_at(view, p.channel, p.source) == nullptr)
      return reason::done;
    return when(leader != nullptr && leader->node == p.node && leader->serviceable && s.reachable(p.source));
  }

  reason release() const {
    if (!held(p.node) || !s.reachable(p.node) || (!p.channel.empty() && !led()))
      return reason::premise_gone;
    if (!wanted()) // without a channel no leader fences it, so none may route to it or be about to
      return when(!p.channel.empty() || (view.views_of(p.segment).empty() && !may_serve_dropped(view, replica)));
    // A surplus copy goes only when the leader routes to another one that is there.
    const auto worker = led() ? routed() : 0;
    return when(worker != 0 && worker != p.node && held(worker) && !routed_by_some(p.node));
  }

  reason sync_view() const {
    bool good = led() && leader->node == p.node;
    if (p.channel.empty())
      good = s.reachable(p.node) && replica.contains(p.node) && p.assignments.empty() && !may_serve_dropped(view, replica);
    for (const auto& [segment, worker] : p.assignments)
      good = good && wanted() && holds(view, segment, worker) && s.reachable(worker);
    for (auto segment : p.removed)
      good = good && !wanted() && view.worker_of(segment, p.node) != 0;
    return when(good);
  }

  reason sync_target() const {
    return when(led() && leader->node == p.node && leader->served < p.target_version
                && p.target_version == view.head->readable());
  }

  reason sync_stats() const {
    if (!led() || leader->node != p.node)
      return reason::premise_gone;
    for (const auto& wanted : p.partition_stats) {
      const auto& used = leader->partition_stats;
      if (std::none_of(used.begin(), used.end(), [&](const partition_version& v) {
            return v.partition == wanted.partition && v.version >= wanted.version;
          }))
        return reason::none;
    }
    return reason::premise_gone;
  }

  reason update() const {
    for (const auto& c : view.copies_of(p.segment))
      if (c.node == p.node) {
        const auto has = p.kind == TaskKind::UPDATE_STATS ? c.stats : c.indexes;
        if (p.kind == TaskKind::DROP_INDEX)
          return when(s.usable(p.node) && (has & p.indexes) != 0);
        return when(s.usable(p.node) && wanted() && (has & p.indexes) != p.indexes);
      }
    return reason::premise_gone;
  }
};

} // namespace

reason premise_of(const proposal& p, std::uint8_t step, std::int64_t leader, const situation& s) {
  const auto* view = s.collection(p.collection);
  if (view == nullptr)
    return reason::premise_gone;
  if (p.replica == 0)
    return premise_outside(p, s, *view);
  if (!view->desired || !view->head)
    return reason::premise_gone;
  const auto* replica = view->desired->replica(p.replica);
  if (replica == nullptr)
    return reason::premise_gone;
  if (!s.all_known(*replica))
    return reason::not_known_yet;
  const replica_facts facts{p, s, *view, *replica, view->leader(*replica, p.channel), view->target_of(p.segment)};
  switch (p.kind) {
    case TaskKind::SERVE_SHARD:
      return facts.serve();
    case TaskKind::DROP_SHARD:
      return facts.drop();
    case TaskKind::MOVE_SHARD:
      return facts.move_shard(step);
    case TaskKind::LOAD_SEGMENT:
      return facts.load();
    case TaskKind::MOVE_SEGMENT:
      return facts.move(step, leader);
    case TaskKind::RELEASE_SEGMENT:
      return facts.release();
    case TaskKind::SYNC_VIEW:
      return facts.sync_view();
    case TaskKind::SYNC_TARGET:
      return facts.sync_target();
    case TaskKind::SYNC_STATS:
      return facts.sync_stats();
    case TaskKind::UPDATE_INDEX:
    case TaskKind::UPDATE_STATS:
    case TaskKind::DROP_INDEX:
      return facts.update();
    default:
      return reason::proposal_malformed;
  }
}

std::int64_t order_node(const proposal& p, std::uint8_t step, const situation& s) {
  switch (p.kind) {
    case TaskKind::LOAD_SEGMENT:
    case TaskKind::MOVE_SEGMENT:
      break;
    case TaskKind::RELEASE_SEGMENT:
      if (p.replica == 0 || p.channel.empty())
        return p.node;
      break;
    default:
      return working_node(p, step);
  }
  const auto* view = s.collection(p.collection);
  const auto* replica = view != nullptr && view->desired ? view->desired->replica(p.replica) : nullptr;
  const auto* leader = replica != nullptr ? view->leader(*replica, p.channel) : nullptr;
  return leader != nullptr ? leader->node : 0;
}

std::map<std::int64_t, task_load> load_of(const proposal& p, std::int64_t rows, const situation& s) {
  std::map<std::int64_t, task_load> load;
  switch (p.kind) {
    case TaskKind::LOAD_SEGMENT:
      load[p.node] = {rows, 1, 0};
      break;
    case TaskKind::MOVE_SEGMENT:
      load[p.node] = {rows, 1, 0};
      load[p.source] = {-rows, -1, 0};
      break;
    case TaskKind::RELEASE_SEGMENT:
      load[p.node] = {-rows, -1, 0};
      break;
    case TaskKind::DROP_SHARD:
      load[p.node] = {0, 0, -1};
      break;
    case TaskKind::MOVE_SHARD:
      load[p.node] = {0, 0, 1};
      load[p.source] = {0, 0, -1};
      break;
    case TaskKind::SERVE_SHARD: {
      const auto* view = s.collection(p.collection);
      for (const auto& [segment, worker] : p.assignments) {
        if (holds(*view, segment, worker))
          continue;
        auto row = view->target_of(segment);
        load[worker] += {row ? row->rows : 0, 1, 0};
      }
      load[p.node] += {0, 0, 1};
      break;
    }
    default:
      break;
  }
  return load;
}

effect effect_of(const proposal& p, std::uint8_t step, std::int64_t task, const situation& s) {
  const auto* view = s.collection(p.collection);
  const auto node = working_node(p, step);
  const auto when = [](bool there) { return there ? effect::shown : effect::missing; };
  if (!s.reachable(node)) // it can say nothing now; what is so will be seen
    return effect::shown;
  switch (p.kind) {
    case TaskKind::LOAD_SEGMENT:
      return when(view != nullptr && holds(*view, p.segment, node));
    case TaskKind::MOVE_SEGMENT:
      return when((view != nullptr && holds(*view, p.segment, node)) == (step == 0));
    case TaskKind::RELEASE_SEGMENT:
      return when(view == nullptr || !holds(*view, p.segment, node));
    case TaskKind::SERVE_SHARD: {
      const auto* d = view == nullptr ? nullptr : delegator_at(*view, p.channel, node);
      return when(d != nullptr && d->version >= task);
    }
    case TaskKind::DROP_SHARD: {
      const auto* d = view == nullptr ? nullptr : delegator_at(*view, p.channel, node);
      return when(d == nullptr || d->version > p.version);
    }
    case TaskKind::MOVE_SHARD: {
      const auto* d = view == nullptr ? nullptr : delegator_at(*view, p.channel, node);
      if (step > 0)
        return when(d == nullptr || d->version > task);
      if (d == nullptr || d->version < task)
        return effect::missing;
      const auto* replica = view->desired ? view->desired->replica(p.replica) : nullptr;
      const auto* leader = replica == nullptr ? nullptr : view->leader(*replica, p.channel);
      // Where it has to leave again the one it came from goes on: the second step has lost its premise.
      return d->serviceable && (leader == d || (replica != nullptr && replica->drains(node))) ? effect::shown : effect::awaited;
    }
    case TaskKind::UPDATE_INDEX:
    case TaskKind::UPDATE_STATS:
    case TaskKind::DROP_INDEX:
      if (view != nullptr)
        for (const auto& c : view->copies_of(p.segment))
          if (c.node == node) {
            const auto has = (p.kind == TaskKind::UPDATE_STATS ? c.stats : c.indexes) & p.indexes;
            return when(p.kind == TaskKind::DROP_INDEX ? has == 0 : has == p.indexes);
          }
      return effect::shown; // the copy itself went meanwhile
    default:
      return effect::shown;
  }
}

std::vector<std::pair<std::int64_t, std::int64_t>> present_workers(const collection_view& view, const replica_row& replica,
                                                                   const std::string& channel) {
  std::vector<std::pair<std::int64_t, std::int64_t>> result;
  const auto& channels = view.head->channels;
  const auto index = std::find(channels.begin(), channels.end(), channel) - channels.begin();
  const auto* leader = view.leader(replica, channel);
  view.each_target([&](const target_row& t) {
    if (t.channel != index || !t.in(view.head->readable()))
      return;
    auto worker = leader == nullptr ? 0 : view.worker_of(t.segment, leader->node);
    if (worker == 0 || !holds(view, t.segment, worker)) {
      worker = 0;
      for (const auto& c : view.copies_of(t.segment))
        if (replica.contains(c.node))
          worker = c.node;
    }
    result.emplace_back(t.segment, worker);
  });
  return result;
}

} // namespace muster
