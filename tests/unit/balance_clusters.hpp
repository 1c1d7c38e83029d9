// Clusters for tests of balance: by hand and at random, and the fewest moves that any planner could do with.
#pragma once

#include "actors/core/balance/planner.hpp"
#include "tests/unit/dice.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// Settings of a policy, as it comes.
inline balance_settings settings_of(balance_policy p) {
  balance_settings s;
  s.policy = p;
  return s;
}

constexpr balance_policy all_policies[] = {balance_policy::round_robin, balance_policy::row_count,
                                           balance_policy::score, balance_policy::multi_target,
                                           balance_policy::channel_level_score};

/// Builds a cluster in the terms of the worked cases; nodes are named by their ids, which start at 1 and have no gaps.
class cluster_builder {
public:
  balance_cluster cluster;

  explicit cluster_builder(std::size_t nodes) {
    for (std::size_t i = 1; i <= nodes; ++i) {
      balance_node n;
      n.id = static_cast<std::int64_t>(i);
      cluster.nodes.push_back(n);
    }
  }

  balance_node& node(std::int64_t id) {
    return cluster.nodes.at(static_cast<std::size_t>(id - 1));
  }

  /// A replica with these read-write nodes; the following calls are about it.
  cluster_builder& group(std::int64_t collection, const std::vector<std::int64_t>& writers, std::int64_t replica = 0) {
    balance_group g;
    g.collection = collection;
    g.replica = replica != 0 ? replica : 100 * collection + 1;
    for (auto w : writers)
      g.writers.push_back(static_cast<std::uint32_t>(w - 1));
    cluster.groups.push_back(g);
    return *this;
  }

  /// One segment on the node for each number of rows; ids count up from 1 in the whole cluster.
  cluster_builder& rows(std::int64_t node_id, const std::vector<std::int64_t>& rows, std::uint16_t channel = 0,
                        bool movable = true) {
    for (auto r : rows) {
      balance_segment x;
      x.id = ++last_;
      x.rows = r;
      x.bytes = r * 8;
      x.channel = channel;
      x.node = static_cast<std::uint32_t>(node_id - 1);
      x.movable = movable;
      cluster.groups.back().segments.push_back(x);
      auto& n = node(node_id);
      n.rows += r;
      n.bytes += r * 8;
      ++n.segments;
    }
    return *this;
  }

  cluster_builder& channel(std::int64_t node_id, std::uint16_t channel = 0, bool movable = true) {
    cluster.groups.back().channels.push_back({channel, static_cast<std::uint32_t>(node_id - 1), movable});
    ++node(node_id).channels;
    return *this;
  }

  /// Rows of the collection on the node that are no segment: growing or in flight.
  cluster_builder& other(std::int64_t node_id, std::int64_t rows) {
    cluster.groups.back().other_rows.emplace_back(static_cast<std::uint32_t>(node_id - 1), rows);
    node(node_id).rows += rows;
    return *this;
  }

private:
  std::int64_t last_ = 0;
};

inline std::uint32_t any_of(dice& d, const std::vector<std::uint32_t>& list) {
  return list[static_cast<std::size_t>(d.below(static_cast<std::int64_t>(list.size())))];
}

/// Policies, sizes, shapes and starts of all kinds. `small`: few enough items for fewest_moves.
inline std::pair<balance_cluster, balance_settings> random_cluster(std::uint64_t seed, bool small) {
  dice d{seed};
  balance_settings s = settings_of(all_policies[d.below(5)]);
  if (d.one_in(4))
    s.global_row_count_factor = static_cast<double>(d.below(11)) / 10;
  if (d.one_in(4))
    s.delegator_memory_overload_factor = static_cast<double>(d.below(11)) / 10;
  s.channel_exclusive_node_factor = static_cast<std::size_t>(d.from(1, 3));
  const bool large = !small && d.one_in(40); // two replicas over 25 nodes with 706 uneven segments, among others
  const auto nodes = static_cast<std::size_t>(small ? d.from(2, 4) : large ? 25 : d.from(1, 10));
  cluster_builder b{nodes};
  const bool memory = d.one_in(3);
  for (auto& n : b.cluster.nodes) {
    if (memory && !d.one_in(10))
      n.memory_mb = static_cast<double>(1024 << d.below(3));
    n.usable = !d.one_in(8);
  }
  const auto collections = small || large ? 1 : d.from(1, 4);
  if (small && d.one_in(2)) // other collections, which stay where they are: balance_checker plans one replica at a time
    for (auto& n : b.cluster.nodes)
      n.rows = d.below(1000);
  auto budget = small ? d.from(3, 9) : large ? 706 : d.from(0, 90);
  for (std::int64_t collection = 1; collection <= collections; ++collection) {
    const auto replicas = large ? 2 : !small && nodes >= 4 && d.one_in(3) ? 2 : 1;
    std::vector<std::vector<std::uint32_t>> members(static_cast<std::size_t>(replicas));
    for (std::uint32_t i = 0; i < nodes; ++i)
      members[i % static_cast<std::size_t>(replicas)].push_back(i);
    const auto shape = d.below(5);
    const auto sizes = [&]() -> std::int64_t {
      switch (shape) {
        case 0:
          return 1;
        case 1:
          return d.from(1, 20);
        case 2:
          return d.from(0, 1'000'000);
        case 3:
          return d.one_in(8) ? d.from(1'000'000, 4'000'000) : d.from(1, 1'000);
        default:
          return 100;
      }
    };
    std::vector<std::int64_t> segments;
    for (auto n = collection == collections ? budget : d.below(budget + 1); n > 0; --n, --budget)
      segments.push_back(sizes());
    const auto channels = static_cast<std::uint16_t>(d.from(1, small ? 2 : 4));
    for (const auto& mine : members) {
      std::vector<std::int64_t> writers;
      for (auto i : mine)
        if (!d.one_in(6))
          writers.push_back(static_cast<std::int64_t>(i) + 1);
      b.group(collection, writers, collection * 100 + 1 + (&mine - members.data()));
      auto& g = b.cluster.groups.back();
      if (s.policy == balance_policy::channel_level_score)
        g.exclusive = exclusive_nodes(g.writers, channels, s.channel_exclusive_node_factor);
      const auto start = d.below(3); // all on one node, on two, anywhere
      const auto place = [&] {
        const auto spread = start == 0 ? std::size_t{1} : start == 1 ? std::size_t{2} : mine.size();
        return static_cast<std::int64_t>(
                 mine[static_cast<std::size_t>(d.below(static_cast<std::int64_t>(std::min(spread, mine.size()))))])
               + 1;
      };
      for (std::uint16_t i = 0; i < channels; ++i)
        b.channel(place(), i, !d.one_in(20));
      for (auto r : segments)
        b.rows(place(), {r}, static_cast<std::uint16_t>(d.below(channels)), !d.one_in(20));
      if (d.one_in(5))
        b.other(static_cast<std::int64_t>(mine.front()) + 1, d.below(1'000));
    }
  }
  return {std::move(b.cluster), s};
}

/// The least number of moves of one kind to any placement that is feasible (every item that moved is where it may be)
/// and whose potential is in no part above `goal`, found by trying all. Channels and segments are counted one after the
/// other, as they are balanced: a channel may not be sent round for the sake of segments.
class fewest_moves {
public:
  fewest_moves(const balance_cluster& c, const balance_settings& s, bool channels) : cluster_(c), settings_(s) {
    for (std::uint32_t g = 0; g < c.groups.size(); ++g) {
      for (std::uint32_t i = 0; channels && i < c.groups[g].channels.size(); ++i)
        if (c.groups[g].channels[i].movable)
          items_.push_back({g, true, i});
      for (std::uint32_t i = 0; !channels && i < c.groups[g].segments.size(); ++i)
        if (c.groups[g].segments[i].movable)
          items_.push_back({g, false, i});
    }
    channels_ = channels;
  }

  std::size_t items() const {
    return items_.size();
  }

  /// Below `limit`; nothing: there is none.
  std::optional<std::size_t> below(std::size_t limit, const balance_potential& goal) {
    goal_ = goal;
    for (std::size_t k = 0; k < limit; ++k)
      if (search(0, k))
        return k;
    return std::nullopt;
  }

private:
  struct item {
    std::uint32_t group;
    bool channel;
    std::uint32_t index;
  };

  bool reached(const balance_potential& p) const {
    const auto equal = [](double a, double b) {
      return std::abs(a - b) <= 1e-12 * std::max({1.0, std::abs(a), std::abs(b)});
    };
    if (channels_)
      return p.channels_misplaced <= goal_.channels_misplaced
             && (p.channels < goal_.channels || equal(p.channels, goal_.channels));
    return p.segments_misplaced <= goal_.segments_misplaced
           && (p.segments < goal_.segments || equal(p.segments, goal_.segments));
  }

  bool search(std::size_t from, std::size_t k) {
    if (k == 0)
      return reached(potential_of(cluster_, settings_));
    for (std::size_t i = from; i + k <= items_.size(); ++i) {
      const auto& x = items_[i];
      auto& g = cluster_.groups[x.group];
      const auto home = x.channel ? g.channels[x.index].node : g.segments[x.index].node;
      const auto channel = x.channel ? g.channels[x.index].channel : g.segments[x.index].channel;
      for (auto w : g.writers) {
        if (w == home || !cluster_.nodes[w].usable)
          continue;
        if (settings_.policy == balance_policy::channel_level_score && channel < g.exclusive.size()
            && !std::binary_search(g.exclusive[channel].begin(), g.exclusive[channel].end(), w))
          continue;
        balance_move m;
        m.group = x.group;
        m.channel = x.channel;
        m.item = x.index;
        m.from = home;
        m.to = w;
        apply(cluster_, m);
        const bool found = search(i + 1, k - 1);
        std::swap(m.from, m.to);
        apply(cluster_, m);
        if (found)
          return true;
      }
    }
    return false;
  }

  balance_cluster cluster_;
  const balance_settings& settings_;
  bool channels_ = false;
  std::vector<item> items_;
  balance_potential goal_;
};

} // namespace muster
