// Balance: which collection is due, plans kept and cut into batches.
#include "actors/core/balance_rules.hpp"

#include "actors/core/balance_view.hpp"
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
  plans_.clear();
  for (const auto& [id, view] : s.collections())
    if (view.desired) {
      uneven_.insert(id);
      waiting_.insert(id);
    }
}

std::vector<proposal> balance_rules::check(const situation& s, const touched_map& touched) {
  std::set<std::int64_t> due = std::exchange(waiting_, {});
  for (const auto& [id, ids] : touched) {
    const auto* view = s.collection(id);
    auto& moves = moves_[id];
    in_flight_ -= moves;
    moves = view == nullptr ? 0 : static_cast<std::size_t>(std::count_if(view->tasks.begin(), view->tasks.end(), is_move));
    in_flight_ += moves;
    if (moves == 0)
      moves_.erase(id);
    if (view == nullptr || !view->desired || !view->head) {
      uneven_.erase(id);
      current_.erase(id);
      due.erase(id);
      plans_.erase(plans_.lower_bound({id, 0}), plans_.lower_bound({id + 1, 0}));
      continue;
    }
    if (ids.whole || current_[id] != view->head->current) {
      current_[id] = view->head->current;
      uneven_.insert(id);
    }
    due.insert(id);
  }
  // Leaving nodes first; then the order that is set.
  struct entry {
    bool drains;
    std::int64_t rows;
    std::int64_t id;
  };
  std::vector<entry> order;
  for (auto id : due) {
    const auto* view = s.collection(id);
    if (!uneven_.contains(id) || view == nullptr || !view->desired || !view->head)
      continue;
    if (std::any_of(view->tasks.begin(), view->tasks.end(), [](const task_row& t) { return moves_load(t.kind); }))
      continue; // it is touched again when they end
    const bool drains = settings_.stopping_balance
                        && std::any_of(view->desired->replicas.begin(), view->desired->replicas.end(),
                                       [&](const auto& r) { return to_be_drained(s, *view, r); });
    order.push_back({drains, settings_.order == balance_order::by_row_count ? view->head->current_rows : 0, id});
  }
  std::sort(order.begin(), order.end(), [](const entry& a, const entry& b) {
    return std::tuple{!a.drains, -a.rows, a.id} < std::tuple{!b.drains, -b.rows, b.id};
  });
  given_.clear();
  std::vector<proposal> out;
  for (const auto& e : order) {
    const bool alone = !settings_.multiple_collections && !e.drains && in_flight_ + out.size() > 0;
    if (in_flight_ + out.size() >= limits::balance_moves_in_flight || out.size() >= limits::proposals_per_batch || alone)
      waiting_.insert(e.id); // its turn comes when some have ended
    else
      check_collection(s, e.id, out);
  }
  return out;
}

balance_rules::premise balance_rules::premise_of(const situation& s, const collection_view& view, const replica_row& replica) {
  premise p;
  p.current = view.head->current;
  p.next = view.head->next;
  for (const auto* list : {&replica.nodes, &replica.read_only_nodes})
    for (auto n : *list)
      p.nodes.emplace_back(n, (list == &replica.nodes ? 4 : 0) + (s.usable(n) ? 2 : 0) + (s.reachable(n) ? 1 : 0));
  return p;
}

void balance_rules::check_collection(const situation& s, std::int64_t id, std::vector<proposal>& out) {
  const auto& view = *s.collection(id);
  bool settled = true;
  for (const auto& replica : view.desired->replicas) {
    if (!s.all_known(replica)) {
      settled = false;
      continue;
    }
    const bool drains = settings_.stopping_balance && to_be_drained(s, view, replica);
    if (!drains && (view.desired->status != schema::LoadStatus::LOADED || view.head->next != 0)) {
      settled = false; // Q32: this one waits, the others do not
      continue;
    }
    auto& mine = plans_[{id, replica.id}];
    const auto now = premise_of(s, view, replica);
    const auto holds = [&] {
      return mine.rests_on == now && !mine.moves.empty() && still_so(s, view, replica, mine.moves.front());
    };
    if (!holds()) {
      mine.rests_on = now;
      mine.moves.clear();
      make(s, view, replica, mine);
    }
    std::size_t segments = 0;
    std::size_t channels = 0;
    while (!mine.moves.empty()) {
      const auto& p = mine.moves.front();
      const bool drain = p.why == reason::node_leaving;
      const bool channel = p.kind == schema::TaskKind::MOVE_SHARD;
      auto& count = channel ? channels : segments;
      const auto batch = drain ? limits::balance_drain_batch : channel ? settings_.channel_batch : settings_.segment_batch;
      const auto load = s.load(p.node);
      // A new node is filled as fast as it loads, not faster; a batch begun is not cut in the total.
      const auto at_node = given_[p.node] + static_cast<std::size_t>(std::max<std::int64_t>(0, load.segments_in_flight));
      if (count >= batch || (!channel && at_node >= limits::balance_moves_to_node))
        break;
      if (still_so(s, view, replica, p)) {
        ++count;
        ++given_[p.node];
        out.push_back(p);
      }
      mine.moves.pop_front();
    }
    if (!mine.moves.empty() && segments + channels == 0)
      waiting_.insert(id); // a full destination
    if (mine.moves.empty() && segments + channels == 0)
      plans_.erase({id, replica.id});
    else
      settled = false;
  }
  if (settled)
    uneven_.erase(id);
}

void balance_rules::make(const situation& s, const collection_view& view, const replica_row& replica, plan& out) const {
  const auto cluster = balance_view_of(s, view, replica, settings_);
  for (const auto& m : plan_balance(cluster, settings_, limits::balance_planned_moves)) {
    const auto& g = cluster.groups[m.group];
    proposal p;
    p.kind = m.channel ? schema::TaskKind::MOVE_SHARD : schema::TaskKind::MOVE_SEGMENT;
    p.priority = m.channel ? schema::TaskPriority::HIGH : schema::TaskPriority::LOW;
    p.collection = view.desired->id;
    p.replica = replica.id;
    p.channel = view.head->channels.at(m.channel ? g.channels[m.item].channel : g.segments[m.item].channel);
    p.segment = m.channel ? 0 : g.segments[m.item].id;
    p.node = cluster.nodes[m.to].id;
    p.source = cluster.nodes[m.from].id;
    p.why = m.drain ? reason::node_leaving : m.channel ? reason::channels_uneven : reason::rows_uneven;
    p.choice = m.why;
    out.moves.push_back(std::move(p));
  }
}

bool balance_rules::still_so(const situation& s, const collection_view& view, const replica_row& replica,
                             const proposal& p) const {
  const auto* leader = view.leader(replica, p.channel);
  if (leader == nullptr || !s.usable(p.node) || !s.reachable(p.source))
    return false;
  if (p.kind == schema::TaskKind::MOVE_SHARD)
    return leader->node == p.source;
  return view.worker_of(p.segment, leader->node) == p.source;
}

} // namespace muster
