// Balance by row count.
#include "actors/core/balance_rules.hpp"

#include "messages/limits.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace muster {

double row_potential(const std::map<std::int64_t, std::int64_t>& rows_by_node) {
  double sum = 0;
  for (const auto& [node, rows] : rows_by_node)
    sum += static_cast<double>(rows) * static_cast<double>(rows);
  return sum;
}

std::vector<proposal> balance_rules::check(const situation& s, const touched_map& touched) {
  std::vector<proposal> out;
  for (const auto& [id, ids] : touched) {
    const auto* view = s.collection(id);
    if (view == nullptr || !view->desired || !view->head) {
      uneven_.erase(id);
      current_.erase(id);
      continue;
    }
    if (ids.whole || current_[id] != view->head->current) {
      current_[id] = view->head->current;
      uneven_.insert(id);
    }
    if (!uneven_.contains(id) || !view->tasks.empty() || view->desired->status != schema::LoadStatus::LOADED
        || view->head->next != 0)
      continue;
    const auto before = out.size();
    bool settled = true;
    for (const auto& replica : view->desired->replicas) {
      settled = settled && replica.read_only_nodes.empty();
      if (!s.all_known(replica)) {
        settled = false;
        continue;
      }
      check_replica(s, *view, replica, out);
    }
    if (settled && out.size() == before)
      uneven_.erase(id);
  }
  return out;
}

void balance_rules::check_replica(const situation& s, const collection_view& view, const replica_row& replica,
                                  std::vector<proposal>& out) const {
  std::map<std::int64_t, std::int64_t> rows;
  std::map<std::int64_t, std::vector<copy_row>> held;
  for (auto id : replica.nodes)
    if (s.usable(id))
      rows[id] = 0;
  if (rows.size() + replica.read_only_nodes.size() < 2 || rows.empty())
    return;
  const std::set<std::int64_t> drained(replica.read_only_nodes.begin(), replica.read_only_nodes.end());
  view.each_copy([&](const copy_row& c) {
    if (auto n = rows.find(c.node); n != rows.end())
      n->second += c.rows;
    else if (!drained.contains(c.node) || !s.usable(c.node))
      return;
    // Only what its leader routes to that very node can be moved, and a leader that is drained goes first itself.
    auto t = view.target_of(c.segment);
    if (!t || !t->in(view.head->current))
      return;
    const auto* leader = view.leader(replica, view.head->channels.at(t->channel));
    if (leader != nullptr && s.usable(leader->node) && !drained.contains(leader->node)
        && view.worker_of(c.segment, leader->node) == c.node)
      held[c.node].push_back(c);
  });
  const auto by_rows = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto move = [&](const copy_row& c, std::int64_t to, reason why) {
    proposal p;
    p.kind = schema::TaskKind::MOVE_SEGMENT;
    p.priority = schema::TaskPriority::LOW;
    p.collection = view.desired->id;
    p.replica = replica.id;
    p.channel = view.head->channels.at(view.target_of(c.segment)->channel);
    p.segment = c.segment;
    p.node = to;
    p.source = c.node;
    p.why = why;
    out.push_back(std::move(p));
  };
  std::size_t moves = 0;
  // What is drained comes before what is uneven.
  for (auto node : drained)
    for (const auto& c : held[node]) {
      if (moves++ >= limits::balance_moves_in_flight)
        return;
      const auto emptiest = std::min_element(rows.begin(), rows.end(), by_rows);
      emptiest->second += c.rows;
      move(c, emptiest->first, reason::node_read_only);
    }
  for (; moves < limits::balance_moves_in_flight; ++moves) {
    const auto emptiest = std::min_element(rows.begin(), rows.end(), by_rows);
    // The fullest node that has something fit to move gives: one huge segment must not keep its neighbours uneven.
    std::vector<std::pair<std::int64_t, std::int64_t>> donors; // rows, node
    for (const auto& [node, carried] : rows)
      donors.emplace_back(-carried, node);
    std::sort(donors.begin(), donors.end());
    // Moving r rows lowers the potential by 2 r (gap - r); hysteresis: r must leave at least a tenth of the gap.
    const copy_row* best = nullptr;
    auto fullest = rows.end();
    for (auto d = donors.begin(); d != donors.end() && best == nullptr; ++d) {
      fullest = rows.find(d->second);
      const auto gap = fullest->second - emptiest->second;
      for (const auto& c : held[fullest->first])
        if (c.rows > 0 && c.rows * 10 <= gap * 9
            && (best == nullptr || std::abs(2 * c.rows - gap) < std::abs(2 * best->rows - gap)))
          best = &c;
    }
    if (best == nullptr)
      return;
    move(*best, emptiest->first, reason::rows_uneven);
    const auto moved = best->segment;
    fullest->second -= best->rows;
    emptiest->second += best->rows;
    auto& from = held[fullest->first];
    std::erase_if(from, [&](const copy_row& c) { return c.segment == moved; });
  }
}

} // namespace muster
