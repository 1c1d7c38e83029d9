// Plans over all groups of a cluster, and the potential that they lower.
#include "actors/core/balance/planner.hpp"

#include "actors/core/balance/layer.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <queue>
#include <tuple>

namespace muster {

std::string_view to_string(balance_verdict v) {
  switch (v) {
    case balance_verdict::accepted:
      return "accepted";
    case balance_verdict::node_unavailable:
      return "node_unavailable";
    case balance_verdict::outside_replica:
      return "outside_replica";
    case balance_verdict::outside_channel:
      return "outside_channel";
    case balance_verdict::holds_copy:
      return "holds_copy";
    case balance_verdict::memory_full:
      return "memory_full";
  }
  return "unknown";
}

std::vector<std::vector<std::uint32_t>> exclusive_nodes(const std::vector<std::uint32_t>& writers, std::size_t channels,
                                                        std::size_t factor) {
  std::vector<std::vector<std::uint32_t>> result;
  if (channels == 0 || factor == 0 || writers.size() < channels * factor)
    return result;
  result.resize(channels);
  for (std::size_t i = 0; i < writers.size(); ++i)
    result[i % channels].push_back(writers[i]);
  return result;
}

void apply(balance_cluster& c, const balance_move& m) {
  auto& g = c.groups.at(m.group);
  auto& from = c.nodes.at(m.from);
  auto& to = c.nodes.at(m.to);
  if (m.channel) {
    g.channels.at(m.item).node = m.to;
    --from.channels;
    ++to.channels;
    return;
  }
  auto& x = g.segments.at(m.item);
  x.node = m.to;
  from.rows -= x.rows;
  to.rows += x.rows;
  --from.segments;
  ++to.segments;
  from.bytes -= x.bytes;
  to.bytes += x.bytes;
}

namespace {

/// A layer's own part of the potential.
double own_potential(const balance_cluster& c, const balance_settings& s, const shared_loads& shared,
                     const balance_group& g, bool channels) {
  if (!channels && s.policy == balance_policy::multi_target) {
    std::vector<double> rows;
    std::vector<double> counts;
    for (auto w : g.writers)
      if (c.nodes[w].usable) {
        double r = 0;
        double n = 0;
        for (const auto& x : g.segments)
          if (x.node == w) {
            r += static_cast<double>(x.rows);
            ++n;
          }
        for (const auto& [node, other] : g.other_rows)
          if (node == w)
            r += static_cast<double>(other);
        rows.push_back(r);
        counts.push_back(n);
      }
    return s.row_count_factor * spread_cost(rows) + s.segment_count_factor * spread_cost(counts);
  }
  const auto weight = channels ? channel_weights(s) : segment_weights(s);
  std::vector<double> own(c.nodes.size(), 0);
  if (channels) {
    for (const auto& x : g.channels)
      own[x.node] += 1;
  } else {
    double rows = 0;
    for (const auto& x : g.segments) {
      own[x.node] += s.policy == balance_policy::round_robin ? 1.0 : static_cast<double>(x.rows);
      rows += static_cast<double>(x.rows);
    }
    for (const auto& [node, r] : g.other_rows) {
      if (s.policy != balance_policy::round_robin)
        own[node] += static_cast<double>(r);
      rows += static_cast<double>(r);
    }
    if (s.policy == balance_policy::score || s.policy == balance_policy::channel_level_score) {
      double capacity = 0;
      for (auto w : g.writers)
        if (c.nodes[w].usable)
          capacity += shared.capacity[w];
      for (const auto& x : g.channels)
        if (c.nodes[x.node].usable && std::binary_search(g.writers.begin(), g.writers.end(), x.node))
          own[x.node] +=
            s.delegator_memory_overload_factor * rows * weight.both() * shared.capacity[x.node] / capacity / weight.own;
    }
  }
  double sum = 0;
  for (std::size_t i = 0; i < own.size(); ++i)
    sum += weight.own * own[i] * own[i] / shared.capacity[i];
  return sum;
}

class planning {
public:
  planning(const balance_cluster& c, const balance_settings& s) : cluster_(c), settings_(s) {
    // nop
  }

  /// Channels first: segments planned around channels that are about to move would move twice.
  std::vector<balance_move> run(std::size_t most) const {
    auto moves = layer_moves(true, most);
    return moves.empty() ? layer_moves(false, most) : moves;
  }

private:
  using layers = std::vector<std::unique_ptr<group_layer>>;

  layers make(shared_loads& shared, bool channels) const {
    layers result;
    for (const auto& g : cluster_.groups)
      result.push_back(std::make_unique<group_layer>(shared, g, settings_, channels));
    return result;
  }

  std::vector<balance_move> layer_moves(bool channels, std::size_t most) const {
    shared_loads shared{cluster_, settings_};
    auto all = make(shared, channels);
    std::size_t moves = 0;
    if (settings_.stopping_balance)
      for (auto& layer : all)
        moves += layer->drain().size();
    for (auto& layer : all)
      layer->measure();
    const bool evens = settings_.auto_balance && settings_.policy != balance_policy::round_robin
                       && (!channels || settings_.auto_balance_channel);
    if (evens) {
      if (!even_out(all, moves, most)) {
        const auto raw = places(all);
        bool shorter = false;
        for (bool again = true; again;) {
          again = false;
          for (auto& layer : all)
            again = layer->shorten() || layer->shorten_exactly() || again;
          if (again)
            even_out(all, moves, most);
          shorter = shorter || again;
        }
        std::vector<balance_move> out;
        if (shorter && replay(places(all), channels, out))
          return out;
        out.clear();
        replay(raw, channels, out);
        return out;
      }
    }
    std::vector<balance_move> out;
    replay(places(all), channels, out);
    return out;
  }

  struct place {
    std::uint32_t turn;
    std::uint32_t group;
    std::uint32_t item;
    std::uint32_t to;
  };

  /// Where items are that are no longer where they started, by group in the order in which they got there.
  static std::vector<place> places(const layers& all) {
    std::vector<place> result;
    for (std::uint32_t g = 0; g < all.size(); ++g)
      for (std::uint32_t i = 0; i < all[g]->items().size(); ++i)
        if (const auto& x = all[g]->items()[i]; x.at != x.start)
          result.push_back({x.turn, g, i, static_cast<std::uint32_t>(x.at)});
    std::sort(result.begin(), result.end(), [](const place& a, const place& b) {
      return std::tie(a.turn, a.group, a.item) < std::tie(b.turn, b.group, b.item);
    });
    return result;
  }

  /// Always the move with the largest gain of all groups. True: `most` was reached.
  static bool even_out(layers& all, std::size_t& moves, std::size_t most) {
    using entry = std::pair<double, std::size_t>;
    for (bool moved = true; moved;) {
      moved = false;
      std::priority_queue<entry> queue;
      for (std::size_t g = 0; g < all.size(); ++g)
        if (const auto step = all[g]->best())
          queue.emplace(step->gain, g);
      while (!queue.empty()) {
        const auto g = queue.top().second;
        queue.pop();
        const auto step = all[g]->best(); // others may have moved since
        if (!step)
          continue;
        if (queue.empty() || step->gain >= queue.top().first) {
          if (moves >= most)
            return true;
          all[g]->put(step->item, static_cast<std::int32_t>(step->to));
          ++moves;
          moved = true;
        }
        if (const auto next = all[g]->best())
          queue.emplace(next->gain, g);
      }
      if (all.size() == 1)
        break;
    }
    return false;
  }

  /// The way from the start to where items shall be: drains first, then each item when its move is worth it. False:
  /// some is never worth it, and left out.
  bool replay(const std::vector<place>& wanted, bool channels, std::vector<balance_move>& out) const {
    if (wanted.empty())
      return true;
    shared_loads shared{cluster_, settings_};
    auto all = make(shared, channels);
    const auto take = [&](const place& w, bool drain) {
      auto& layer = *all[w.group];
      const auto& x = layer.items()[w.item];
      balance_move m;
      m.group = w.group;
      m.channel = channels;
      m.drain = drain;
      m.item = w.item;
      m.from = x.at < 0 ? x.origin : layer.node(static_cast<std::size_t>(x.at));
      m.to = layer.node(w.to);
      m.why = explain(layer, w.item, w.to);
      m.why.gain = drain ? 0 : layer.gain_of(w.item, w.to);
      layer.put(w.item, static_cast<std::int32_t>(w.to));
      out.push_back(m);
    };
    auto left = wanted;
    std::erase_if(left, [&](const place& w) {
      if (!all[w.group]->misplaced(w.item))
        return false;
      take(w, true);
      return true;
    });
    for (auto& layer : all)
      layer->measure();
    for (bool moved = true; moved && !left.empty();) {
      moved = false;
      std::erase_if(left, [&](const place& w) {
        if (!all[w.group]->worth(w.item, w.to))
          return false;
        take(w, false);
        return moved = true;
      });
    }
    return left.empty();
  }

  balance_choice explain(const group_layer& layer, std::uint32_t item, std::uint32_t to) const {
    balance_choice c;
    const auto& x = layer.items()[item];
    c.source_score = x.at < 0 ? 0 : layer.level(static_cast<std::size_t>(x.at));
    c.score = layer.level(to);
    for (std::size_t i = 0; i < layer.size(); ++i) {
      if (i == to || layer.verdict(item, static_cast<std::uint32_t>(i)) != balance_verdict::accepted)
        continue;
      const auto level = layer.level(i);
      if (c.runner_up == 0 || level < c.runner_up_score) {
        c.runner_up = cluster_.nodes[layer.node(i)].id;
        c.runner_up_score = level;
      }
    }
    return c;
  }

  const balance_cluster& cluster_;
  const balance_settings& settings_;
};

} // namespace

balance_potential potential_of(const balance_cluster& c, const balance_settings& s) {
  const shared_loads shared{c, s};
  balance_potential p;
  for (const auto& g : c.groups) {
    const auto misplaced = [&](std::uint32_t node, std::uint16_t channel) {
      if (!c.nodes[node].usable || !std::binary_search(g.writers.begin(), g.writers.end(), node))
        return true;
      return s.policy == balance_policy::channel_level_score && channel < g.exclusive.size()
             && !std::binary_search(g.exclusive[channel].begin(), g.exclusive[channel].end(), node);
    };
    for (const auto& x : g.channels)
      p.channels_misplaced += misplaced(x.node, x.channel) ? 1 : 0;
    for (const auto& x : g.segments)
      p.segments_misplaced += misplaced(x.node, x.channel) ? 1 : 0;
    p.channels += own_potential(c, s, shared, g, true);
    p.segments += own_potential(c, s, shared, g, false);
  }
  const auto channel = channel_weights(s);
  const auto segment = segment_weights(s);
  const bool spread = s.policy == balance_policy::multi_target;
  std::vector<double> rows;
  std::vector<double> counts;
  for (std::size_t i = 0; i < c.nodes.size(); ++i) {
    p.channels += channel.all * shared.channels[i] * shared.channels[i] / shared.capacity[i];
    if (!spread)
      p.segments += segment.all * shared.rows[i] * shared.rows[i] / shared.capacity[i];
    if (c.nodes[i].usable) {
      rows.push_back(shared.rows[i]);
      counts.push_back(shared.counts[i]);
    }
  }
  if (spread)
    p.segments += s.global_row_count_factor * spread_cost(rows) + s.global_segment_count_factor * spread_cost(counts);
  return p;
}

std::vector<balance_move> plan_balance(const balance_cluster& c, const balance_settings& s, std::size_t most) {
  return planning{c, s}.run(most);
}

std::vector<node_score> scores_of(const balance_cluster& c, const balance_settings& s, std::uint32_t group,
                                  bool channel, std::uint32_t item) {
  shared_loads shared{c, s};
  const auto& g = c.groups.at(group);
  const group_layer layer{shared, g, s, channel};
  std::vector<node_score> result;
  std::size_t local = 0;
  for (std::uint32_t i = 0; i < c.nodes.size(); ++i) {
    node_score n{c.nodes[i].id, balance_verdict::accepted, 0};
    if (local < layer.size() && layer.node(local) == i) {
      n.verdict = layer.verdict(item, static_cast<std::uint32_t>(local));
      n.score = layer.level(local);
      ++local;
    } else {
      n.verdict = c.nodes[i].usable ? balance_verdict::outside_replica : balance_verdict::node_unavailable;
    }
    result.push_back(n);
  }
  return result;
}

} // namespace muster
