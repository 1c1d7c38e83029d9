// From chunks to plain items.
#include "actors/core/balance_view.hpp"

#include "actors/core/placing.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace muster {

bool moves_load(schema::TaskKind kind) {
  switch (kind) {
    case schema::TaskKind::SERVE_SHARD:
    case schema::TaskKind::DROP_SHARD:
    case schema::TaskKind::MOVE_SHARD:
    case schema::TaskKind::LOAD_SEGMENT:
    case schema::TaskKind::RELEASE_SEGMENT:
    case schema::TaskKind::MOVE_SEGMENT:
      return true;
    default:
      return false;
  }
}

bool to_be_drained(const situation& s, const collection_view& view, const replica_row& replica) {
  const auto holds = [&](std::int64_t node) {
    const auto here = view.on(node);
    return s.reachable(node) && (here.segments > 0 || here.channels > 0);
  };
  return std::any_of(replica.read_only_nodes.begin(), replica.read_only_nodes.end(), holds)
         || std::any_of(replica.nodes.begin(), replica.nodes.end(), [&](auto n) { return !s.usable(n) && holds(n); });
}

balance_cluster balance_view_of(const situation& s, const collection_view& view, const replica_row& replica,
                                const balance_settings& settings) {
  balance_cluster c;
  std::vector<std::int64_t> ids = replica.nodes;
  ids.insert(ids.end(), replica.read_only_nodes.begin(), replica.read_only_nodes.end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::map<std::int64_t, std::uint32_t> index;
  for (auto id : ids) {
    index[id] = static_cast<std::uint32_t>(c.nodes.size());
    c.nodes.push_back(balance_node_of(s, id));
  }
  auto& g = c.groups.emplace_back();
  g.collection = view.desired->id;
  g.replica = replica.id;
  for (auto id : replica.nodes)
    g.writers.push_back(index.at(id));
  std::sort(g.writers.begin(), g.writers.end());
  const auto& channels = view.head->channels;
  if (settings.policy == balance_policy::channel_level_score)
    g.exclusive = exclusive_nodes(g.writers, channels.size(), settings.channel_exclusive_node_factor);

  std::vector<const delegator_row*> leaders(channels.size(), nullptr);
  for (std::uint16_t i = 0; i < channels.size(); ++i) {
    leaders[i] = view.leader(replica, channels[i]);
    std::size_t delegators = 0;
    for (const auto& d : view.delegators)
      delegators += d.channel == channels[i] && d.replica == replica.id && index.contains(d.node) ? 1 : 0;
    if (leaders[i] == nullptr)
      continue;
    balance_channel x;
    x.channel = i;
    x.node = index.at(leaders[i]->node);
    // A leader that is drained, or cannot be given work, goes first itself: channel_checker sets up another one.
    const bool stays = s.usable(leaders[i]->node) && std::binary_search(g.writers.begin(), g.writers.end(), x.node);
    x.movable = stays && delegators == 1 && leaders[i]->serviceable && view.task_on(replica.id, channels[i]) == nullptr;
    g.channels.push_back(x);
    if (!stays)
      leaders[i] = nullptr;
  }
  std::set<std::int64_t> busy;
  for (const auto& t : view.tasks)
    if (t.replica == replica.id && !is_channel_task(t.kind))
      busy.insert(t.segment);
  view.each_copy([&](const copy_row& copy) {
    const auto node = index.find(copy.node);
    if (node == index.end())
      return;
    balance_segment x;
    x.id = copy.segment;
    x.rows = copy.rows;
    x.bytes = copy.bytes;
    x.node = node->second;
    x.movable = false;
    const auto t = view.target_of(copy.segment);
    if (t && t->channel < channels.size()) {
      x.channel = t->channel;
      const auto* leader = leaders[t->channel];
      // Only what its leader routes to that very node can be moved.
      x.movable = (t->in(view.head->current) || t->in(view.head->next)) && leader != nullptr && !busy.contains(copy.segment)
                  && s.reachable(copy.node) && view.worker_of(copy.segment, leader->node) == copy.node;
    }
    // Copies come by segment: a second one in the replica makes both stay.
    if (!g.segments.empty() && g.segments.back().id == x.id)
      g.segments.back().movable = x.movable = false;
    g.segments.push_back(x);
  });
  for (const auto& [id, rows] : rows_in_flight(view))
    if (const auto i = index.find(id); i != index.end())
      g.other_rows.emplace_back(i->second, rows);
  return c;
}

} // namespace muster
