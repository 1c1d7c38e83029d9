// From the situation to the engine of assignment and back.
#include "actors/core/placing.hpp"

#include "messages/limits.hpp"

#include <algorithm>

namespace muster {

balance_node balance_node_of(const situation& s, std::int64_t id) {
  balance_node n;
  n.id = id;
  n.usable = s.usable(id);
  if (const auto* row = s.node(id))
    n.memory_mb = row->memory_mb;
  const auto load = s.load(id);
  n.rows = load.all_rows();
  n.segments = load.segments + load.segments_in_flight;
  n.channels = load.all_channels();
  n.bytes = load.bytes;
  return n;
}

std::map<std::int64_t, std::int64_t> rows_in_flight(const collection_view& view) {
  std::map<std::int64_t, std::int64_t> rows;
  for (const auto& t : view.tasks)
    switch (t.kind) {
      case schema::TaskKind::MOVE_SEGMENT:
        rows[t.source] -= t.rows;
        [[fallthrough]];
      case schema::TaskKind::LOAD_SEGMENT:
        rows[t.node] += t.rows;
        break;
      case schema::TaskKind::RELEASE_SEGMENT:
        rows[t.node] -= t.rows;
        break;
      default:
        break;
    }
  return rows;
}

std::vector<std::int64_t> nodes_of_channel(const replica_row& replica, std::size_t channels, std::uint16_t channel,
                                           const balance_settings& settings) {
  auto nodes = replica.nodes;
  std::sort(nodes.begin(), nodes.end());
  if (settings.policy != balance_policy::channel_level_score || channel >= channels)
    return nodes;
  std::vector<std::uint32_t> all(nodes.size());
  for (std::uint32_t i = 0; i < all.size(); ++i)
    all[i] = i;
  const auto own = exclusive_nodes(all, channels, settings.channel_exclusive_node_factor);
  if (own.empty())
    return nodes;
  std::vector<std::int64_t> result;
  for (auto i : own[channel])
    result.push_back(nodes[i]);
  return result;
}

std::uint32_t placing::index_of(std::int64_t node) {
  if (!engine_)
    engine_.emplace(std::vector<balance_node>{}, settings_);
  const auto [i, fresh] = index_.try_emplace(node);
  if (fresh)
    i->second = engine_->add(balance_node_of(situation_, node));
  return i->second;
}

std::vector<std::int64_t> placing::takers(const collection_view& view, const replica_row& replica, std::uint16_t channel,
                                          const std::set<std::int64_t>& except) const {
  const auto usable = [&](std::vector<std::int64_t> nodes) {
    std::erase_if(nodes, [&](std::int64_t n) { return !situation_.usable(n) || except.contains(n); });
    return nodes;
  };
  auto nodes = usable(nodes_of_channel(replica, view.head ? view.head->channels.size() : 0, channel, settings_));
  if (!nodes.empty() || settings_.policy != balance_policy::channel_level_score)
    return nodes;
  // Rather on a node of another channel than nowhere; balance brings it home.
  nodes = usable(replica.nodes);
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

void placing::enter_segments(const collection_view& view, const replica_row& replica, std::uint16_t channel) {
  const auto id = view.desired ? view.desired->id : 0;
  const bool exclusive = settings_.policy == balance_policy::channel_level_score;
  if (engine_ && engine_->entered(id, replica.id, false) && (!exclusive || channel_ == channel))
    return;
  channel_ = channel;
  const auto in_flight = rows_in_flight(view);
  std::vector<balance_assignment::candidate> candidates;
  for (auto node : takers(view, replica, channel, {})) {
    balance_assignment::candidate c;
    c.node = index_of(node);
    c.own = static_cast<double>(view.on(node).rows);
    if (const auto i = in_flight.find(node); i != in_flight.end())
      c.own += static_cast<double>(i->second);
    // A node that fails what it is given would otherwise stay the emptiest and be given everything again.
    c.last = situation_.load(node).failing >= limits::node_failures;
    candidates.push_back(c);
  }
  if (!engine_)
    engine_.emplace(std::vector<balance_node>{}, settings_);
  engine_->enter(id, replica.id, candidates, false);
}

void placing::enter_channels(const collection_view& view, const replica_row& replica, std::uint16_t channel,
                             const std::set<std::int64_t>& except) {
  auto nodes = takers(view, replica, channel, except);
  std::stable_sort(nodes.begin(), nodes.end(), [&](std::int64_t a, std::int64_t b) {
    return engine_->node(index_of(a)).rows < engine_->node(index_of(b)).rows;
  });
  std::map<std::int64_t, std::int64_t> in_flight;
  view.each_channel_task([&](const task_row& t) {
    if (sets_up_shard(t.kind))
      ++in_flight[t.node];
    if (t.kind == schema::TaskKind::MOVE_SHARD)
      --in_flight[t.source];
  });
  std::vector<balance_assignment::candidate> candidates;
  for (auto node : nodes) {
    balance_assignment::candidate c;
    c.node = index_of(node);
    c.own = static_cast<double>(view.on(node).channels + in_flight[node]);
    c.last = situation_.load(node).failing >= limits::node_failures;
    candidates.push_back(c);
  }
  if (!engine_)
    engine_.emplace(std::vector<balance_node>{}, settings_);
  engine_->enter(view.desired ? view.desired->id : 0, replica.id, candidates, true);
}

void placing::place_segments(const collection_view& view, const replica_row& replica, std::vector<wanted_segment>& segments) {
  std::stable_sort(segments.begin(), segments.end(), [](const auto& a, const auto& b) { return a.rows > b.rows; });
  for (auto& x : segments)
    x.node = place_segment(view, replica, x.rows, x.bytes, x.channel);
}

std::int64_t placing::place_segment(const collection_view& view, const replica_row& replica, std::int64_t rows,
                                    std::int64_t bytes, std::uint16_t channel) {
  enter_segments(view, replica, channel);
  const auto node = engine_->place(rows, bytes);
  return node < 0 ? 0 : engine_->node(static_cast<std::uint32_t>(node)).id;
}

std::int64_t placing::place_channel(const collection_view& view, const replica_row& replica, std::uint16_t channel,
                                    const std::set<std::int64_t>& except) {
  enter_channels(view, replica, channel, except);
  const auto node = engine_->place(0, 0);
  return node < 0 ? 0 : engine_->node(static_cast<std::uint32_t>(node)).id;
}

} // namespace muster
