// Balance: which collection is due, plans kept and cut into batches.
#include "actors/core/balance_rules.hpp"

#include "actors/core/balance_view.hpp"
#include "actors/core/task_rules.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace muster {

namespace {

bool is_move(const task_row& t) {
  return t.kind == schema::TaskKind::MOVE_SEGMENT || t.kind == schema::TaskKind::MOVE_SHARD;
}

} // namespace

void balance_rules::configure(const balance_settings& settings, const situation& s) {
  if (settings_ == settings)
    return;
  settings_ = settings;
  for (auto& [key, p] : plans_)
    drop(p);
  plans_.clear();
  for (const auto& [id, view] : s.collections())
    if (view.desired) {
      uneven_.insert(id);
      waiting_.insert(id);
    }
}

// -- what is on its way -------------------------------------------------------------

void balance_rules::add(std::int64_t node, const load_ahead& load, int sign) {
  auto i = ahead_.try_emplace(node).first;
  i->second.rows += sign * load.rows;
  i->second.bytes += sign * load.bytes;
  i->second.segments += sign * load.segments;
  i->second.channels += sign * load.channels;
  if (i->second == load_ahead{})
    ahead_.erase(i);
}

void balance_rules::count(const move& m, int sign) {
  load_ahead load;
  if (m.what.kind == schema::TaskKind::MOVE_SHARD)
    load.channels = 1;
  else
    load = {m.rows, m.bytes, 1, 0};
  add(m.what.node, load, sign);
  add(m.what.source, load, -sign);
}

void balance_rules::drop(plan& p) {
  for (const auto& m : p.moves)
    count(m, -1);
  p.moves.clear();
}

template <class F>
void balance_rules::drop_plans(std::int64_t id, F gone) {
  for (auto i = plans_.lower_bound({id, 0}); i != plans_.end() && i->first.first == id;)
    if (gone(i->first.second)) {
      drop(i->second);
      i = plans_.erase(i);
    } else {
      ++i;
    }
}

void balance_rules::forget(std::int64_t id) {
  uneven_.erase(id);
  current_.erase(id);
  drop_plans(id, [](std::int64_t) { return true; });
}

/// Takes from the collection's tasks what became of the moves that were proposed for it: they are tasks by now, or were refused.
void balance_rules::follow(const situation& s, std::int64_t id) {
  auto i = moving_.find(id);
  if (i == moving_.end())
    return;
  auto& mine = i->second;
  for (const auto& m : mine.proposed)
    count(m, -1);
  for (const auto& [node, load] : mine.counted_twice)
    add(node, load, -1);
  in_flight_ -= mine.proposed.size() + mine.tasks;
  mine = {};
  if (const auto* view = s.collection(id))
    for (const auto& t : view->tasks) {
      if (!is_move(t))
        continue;
      ++mine.tasks;
      if (t.kind != schema::TaskKind::MOVE_SEGMENT)
        continue;
      bool there = false;
      bool left = true;
      for (const auto& c : view->copies_of(t.segment)) {
        there = there || c.node == t.node;
        left = left && c.node != t.source;
      }
      if (there)
        mine.counted_twice.push_back({t.node, {-t.rows, 0, -1, 0}});
      if (left)
        mine.counted_twice.push_back({t.source, {t.rows, 0, 1, 0}});
    }
  for (const auto& [node, load] : mine.counted_twice)
    add(node, load, 1);
  in_flight_ += mine.tasks;
  if (mine.tasks == 0)
    moving_.erase(i);
}

// -- who is due ---------------------------------------------------------------------

bool balance_rules::due(const situation& s, const collection_view& view, const replica_row& replica) const {
  if (settings_.stopping_balance && to_be_drained(s, view, replica))
    return true;
  return view.desired->status == schema::LoadStatus::LOADED && view.head->next == 0;
}

std::vector<proposal> balance_rules::check(const situation& s, const touched_map& touched) {
  auto candidates = std::exchange(waiting_, {});
  for (const auto& [id, ids] : touched) {
    follow(s, id);
    const auto* view = s.collection(id);
    if (view == nullptr || !view->desired || !view->head) {
      forget(id);
      continue;
    }
    if (ids.whole || current_[id] != view->head->current) {
      current_[id] = view->head->current;
      uneven_.insert(id);
    }
    candidates.insert(id);
  }
  // Leaving nodes first; then the order that is set.
  struct entry {
    bool drains;
    std::int64_t rows;
    std::int64_t id;
  };
  std::vector<entry> order;
  for (auto id : candidates) {
    const auto* view = s.collection(id);
    if (!uneven_.contains(id) || view == nullptr || !view->desired || !view->head)
      continue;
    const auto& replicas = view->desired->replicas;
    // A plan that cannot be gone on with must not count for others.
    drop_plans(id, [&](std::int64_t r) {
      const auto* replica = view->desired->replica(r);
      return replica == nullptr || !due(s, *view, *replica);
    });
    if (std::none_of(replicas.begin(), replicas.end(), [&](const auto& r) { return due(s, *view, r); })
        || std::any_of(view->tasks.begin(), view->tasks.end(), [](const task_row& t) { return moves_load(t.kind); }))
      continue; // it is touched again when that changes
    const bool drains = settings_.stopping_balance && std::any_of(replicas.begin(), replicas.end(), [&](const auto& r) {
                          return to_be_drained(s, *view, r);
                        });
    order.push_back({drains, settings_.order == balance_order::by_row_count ? view->head->current_rows : 0, id});
  }
  std::sort(order.begin(), order.end(), [](const entry& a, const entry& b) {
    return std::tuple{!a.drains, -a.rows, a.id} < std::tuple{!b.drains, -b.rows, b.id};
  });
  given_.clear();
  std::vector<proposal> out;
  std::size_t looked_at = 0;
  cut_ = false;
  for (const auto& e : order) {
    if (looked_at == limits::balance_collections) {
      cut_ = true;
      waiting_.insert(e.id);
      continue;
    }
    const bool alone = !settings_.multiple_collections && !e.drains && in_flight_ > 0;
    if (in_flight_ >= limits::balance_moves_in_flight || out.size() >= limits::proposals_per_batch || alone)
      waiting_.insert(e.id); // its turn comes when some have ended
    else {
      ++looked_at;
      check_collection(s, e.id, out);
    }
  }
  return out;
}

void balance_rules::check_collection(const situation& s, std::int64_t id, std::vector<proposal>& out) {
  const auto& view = *s.collection(id);
  bool settled = true;
  for (const auto& replica : view.desired->replicas) {
    // Until the last of a leaving node has gone there may be more to do, and one that is not ready waits while others do not (Q32).
    settled = settled && replica.read_only_nodes.empty() && !to_be_drained(s, view, replica);
    if (s.all_known(replica) && due(s, view, replica))
      check_replica(s, view, replica, settled, out);
    else
      settled = false;
  }
  if (settled)
    uneven_.erase(id);
}

void balance_rules::check_replica(const situation& s, const collection_view& view, const replica_row& replica, bool& settled,
                                  std::vector<proposal>& out) {
  const auto id = view.desired->id;
  auto& mine = plans_[{id, replica.id}];
  const auto now = premise_of(s, view, replica);
  if (mine.rests_on != now || mine.moves.empty() || !still_so(s, view, replica, mine.moves.front().what)) {
    drop(mine);
    mine.rests_on = now;
    make(s, view, replica, mine);
  }
  std::size_t segments = 0;
  std::size_t channels = 0;
  bool full = false;
  while (!mine.moves.empty() && !full) {
    const auto& m = mine.moves.front();
    const bool channel = m.what.kind == schema::TaskKind::MOVE_SHARD;
    auto& given = channel ? channels : segments;
    const auto batch = m.drain ? limits::balance_drain_batch : channel ? settings_.channel_batch : settings_.segment_batch;
    // A new node is filled as fast as it loads, not faster; a batch begun is not cut in the total.
    const auto at_node = given_[m.what.node]
                         + static_cast<std::size_t>(std::max<std::int64_t>(0, s.load(m.what.node).segments_in_flight));
    full = given >= batch || (!channel && at_node >= limits::balance_moves_to_node);
    if (full)
      break;
    settled = false;
    if (still_so(s, view, replica, m.what)) {
      ++given;
      ++given_[m.what.node];
      ++in_flight_;
      out.push_back(m.what);
      moving_[id].proposed.push_back(m); // counted on until it is seen
    } else {
      count(m, -1);
    }
    mine.moves.pop_front();
  }
  if (full)
    settled = false;
  if (full && segments + channels == 0)
    waiting_.insert(id); // a full destination
  if (mine.moves.empty() && segments + channels == 0)
    plans_.erase({id, replica.id});
}

// -- plans --------------------------------------------------------------------------

balance_rules::premise balance_rules::premise_of(const situation& s, const collection_view& view, const replica_row& replica) {
  premise p;
  p.current = view.head->current;
  p.next = view.head->next;
  for (const auto* list : {&replica.nodes, &replica.read_only_nodes})
    for (auto n : *list)
      p.nodes.emplace_back(n, (list == &replica.nodes ? 4 : 0) + (s.usable(n) ? 2 : 0) + (s.reachable(n) ? 1 : 0));
  return p;
}

void balance_rules::make(const situation& s, const collection_view& view, const replica_row& replica, plan& out) {
  auto cluster = balance_view_of(s, view, replica, settings_);
  for (auto& n : cluster.nodes)
    if (const auto i = ahead_.find(n.id); i != ahead_.end()) {
      n.rows += i->second.rows;
      n.bytes += i->second.bytes;
      n.segments += i->second.segments;
      n.channels += i->second.channels;
    }
  auto settings = settings_;
  // Evenness can wait until a leaving node is empty, and until another one leads what it led: its segments count then.
  if (settings.stopping_balance && to_be_drained(s, view, replica))
    settings.auto_balance = false;
  for (const auto& channel : view.head->channels)
    if (const auto* leader = view.leader(replica, channel); leader == nullptr || !s.usable(leader->node)
        || std::find(replica.nodes.begin(), replica.nodes.end(), leader->node) == replica.nodes.end())
      settings.auto_balance = false;
  for (const auto& m : plan_balance(cluster, settings, limits::balance_planned_moves)) {
    const auto& g = cluster.groups[m.group];
    move x;
    auto& p = x.what;
    p.kind = m.channel ? schema::TaskKind::MOVE_SHARD : schema::TaskKind::MOVE_SEGMENT;
    p.priority = m.channel ? schema::TaskPriority::HIGH : schema::TaskPriority::LOW;
    p.collection = view.desired->id;
    p.replica = replica.id;
    p.channel = view.head->channels.at(m.channel ? g.channels[m.item].channel : g.segments[m.item].channel);
    p.node = cluster.nodes[m.to].id;
    p.source = cluster.nodes[m.from].id;
    p.why = m.drain ? reason::node_read_only : m.channel ? reason::channels_uneven : reason::rows_uneven;
    p.choice = m.why;
    if (!m.channel) {
      p.segment = g.segments[m.item].id;
      x.rows = g.segments[m.item].rows;
      x.bytes = g.segments[m.item].bytes;
    }
    x.drain = m.drain;
    count(x, 1);
    out.moves.push_back(std::move(x));
  }
}

/// Whether a move would be admitted as things stand.
bool balance_rules::still_so(const situation& s, const collection_view& view, const replica_row& replica,
                             const proposal& p) {
  const auto* leader = view.leader(replica, p.channel);
  if (leader == nullptr || !s.reachable(leader->node) || !s.usable(p.node) || !s.reachable(p.source))
    return false;
  if (p.kind == schema::TaskKind::MOVE_SEGMENT)
    return view.worker_of(p.segment, leader->node) == p.source;
  // A node leads a channel once, and the new leader's view is made of where the segments are.
  if (leader->node != p.source || std::any_of(view.delegators.begin(), view.delegators.end(), [&](const delegator_row& d) {
        return d.channel == p.channel && d.node == p.node;
      }))
    return false;
  const auto workers = present_workers(view, replica, p.channel);
  return std::all_of(workers.begin(), workers.end(), [&](const auto& w) { return s.reachable(w.second); });
}

} // namespace muster
