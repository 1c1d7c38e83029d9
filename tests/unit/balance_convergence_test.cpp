// Balance ends: on random clusters of all kinds every move lowers the potential, nothing comes back, and hardly a move
// is too much.
#include "tests/unit/balance_clusters.hpp"
#include "tests/unit/nightly.hpp"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

namespace muster {
namespace {

const auto runs = seeds(2'000);

struct outcome {
  balance_cluster end;
  std::size_t channel_moves = 0;
  std::size_t segment_moves = 0;
};

/// Makes one plan after the other until there is none, and holds each move against the rules.
outcome settle(const balance_cluster& start, const balance_settings& s, std::uint64_t seed) {
  outcome o{start, 0, 0};
  auto before = potential_of(o.end, s);
  std::set<std::tuple<std::uint32_t, bool, std::uint32_t, std::uint32_t>> been;
  for (int plans = 0;; ++plans) {
    if (plans == 100) {
      ADD_FAILURE() << "seed " << seed << ": the plans do not end";
      return o;
    }
    const auto plan = plan_balance(o.end, s);
    if (plan.empty())
      return o;
    std::set<std::tuple<std::uint32_t, bool, std::uint32_t>> once;
    for (const auto& m : plan) {
      const auto& g = o.end.groups[m.group];
      EXPECT_NE(m.from, m.to) << "seed " << seed;                                       // I-B1
      EXPECT_TRUE(once.insert({m.group, m.channel, m.item}).second) << "seed " << seed; // I-B2
      EXPECT_EQ(m.channel, plan.front().channel) << "seed " << seed;                    // I-B6
      EXPECT_TRUE(o.end.nodes[m.to].usable && std::binary_search(g.writers.begin(), g.writers.end(), m.to))
        << "seed " << seed; // I-B3, I-B4, I-B5
      EXPECT_TRUE(m.channel ? g.channels[m.item].movable : g.segments[m.item].movable) << "seed " << seed;
      been.insert({m.group, m.channel, m.item, m.from});
      EXPECT_FALSE(been.contains({m.group, m.channel, m.item, m.to})) << "seed " << seed << ": back where it was";
      apply(o.end, m);
      const auto after = potential_of(o.end, s);
      EXPECT_LT(after, before) << "seed " << seed;
      before = after;
      ++(m.channel ? o.channel_moves : o.segment_moves);
      if (::testing::Test::HasFailure())
        return o;
    }
  }
}

TEST(balance, from_any_start_the_potential_falls_with_each_move_nothing_returns_and_the_moves_end) {
  // I-B1 to I-B7
  std::size_t moves = 0;
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    const auto [start, s] = random_cluster(seed, false);
    const auto o = settle(start, s, seed);
    if (HasFailure())
      return;
    moves += o.channel_moves + o.segment_moves;
    // What may leave has left, if there is anywhere to go.
    for (const auto& g : o.end.groups) {
      const bool room = std::any_of(g.writers.begin(), g.writers.end(), [&](auto w) { return o.end.nodes[w].usable; });
      if (room && g.exclusive.empty())
        for (const auto& x : g.segments) {
          EXPECT_TRUE(!x.movable
                      || (o.end.nodes[x.node].usable && std::binary_search(g.writers.begin(), g.writers.end(), x.node)))
            << "seed " << seed;
        }
    }
  }
  EXPECT_GT(moves, 10 * runs) << "the clusters are no test";
}

TEST(balance, hardly_a_move_is_too_much) {
  // Planned replica by replica, as balance_checker does it, against all placements there are.
  std::size_t ours = 0;
  std::size_t least = 0;
  std::size_t solved = 0;
  const auto look = [&](std::uint64_t seed) {
    const auto [start, s] = random_cluster(seed, true);
    const auto o = settle(start, s, seed);
    // The channels where we put them, the segments where they were.
    auto between = start;
    for (std::uint32_t g = 0; g < between.groups.size(); ++g)
      for (std::uint32_t i = 0; i < between.groups[g].channels.size(); ++i) {
        balance_move m;
        m.group = g;
        m.channel = true;
        m.item = i;
        m.from = between.groups[g].channels[i].node;
        m.to = o.end.groups[g].channels[i].node;
        apply(between, m);
      }
    fewest_moves channels{start, s, true};
    fewest_moves segments{between, s, false};
    if (segments.items() > 10 || o.segment_moves > 7)
      return;
    const auto goal = potential_of(o.end, s);
    const auto need = channels.below(o.channel_moves, goal).value_or(o.channel_moves)
                      + segments.below(o.segment_moves, goal).value_or(o.segment_moves);
    const auto made = o.channel_moves + o.segment_moves;
    ++solved;
    ours += made;
    least += need;
    EXPECT_LE(static_cast<double>(made), std::max(1.10 * static_cast<double>(need), static_cast<double>(need) + 1))
      << "seed " << seed;
  };
  for (std::uint64_t seed : {11'894, 13'761}) // what is drained goes elsewhere, and so do fewer of the others
    look(seed);
  for (std::uint64_t seed = 1; seed <= runs && !HasFailure(); ++seed)
    look(seed);
  RecordProperty("moves", static_cast<int>(ours));
  RecordProperty("least", static_cast<int>(least));
  EXPECT_GT(solved, runs / 2);
  EXPECT_LE(static_cast<double>(ours), 1.05 * static_cast<double>(least));
}

TEST(balance, two_replicas_over_twenty_five_nodes_with_706_uneven_segments_end_even) {
  dice d{706};
  cluster_builder b{25};
  for (std::int64_t replica = 0; replica < 2; ++replica) {
    std::vector<std::int64_t> writers;
    for (std::int64_t n = 1 + replica; n <= 25; n += 2)
      writers.push_back(n);
    b.group(1, writers, 101 + replica);
    for (int i = 0; i < 706; ++i)
      b.rows(writers[static_cast<std::size_t>(d.below(3))], {d.from(1, 1'000'000)}); // all on three of the nodes
  }
  const auto s = settings_of(balance_policy::score);
  const auto o = settle(b.cluster, s, 706);
  for (const auto& g : o.end.groups) {
    std::map<std::uint32_t, std::int64_t> rows;
    for (auto w : g.writers)
      rows[w] = 0;
    std::int64_t total = 0;
    for (const auto& x : g.segments) {
      rows[x.node] += x.rows;
      total += x.rows;
    }
    const auto mean = total / static_cast<std::int64_t>(rows.size());
    for (const auto& [node, r] : rows)
      EXPECT_NEAR(static_cast<double>(r), static_cast<double>(mean), 0.05 * static_cast<double>(mean)) << node;
  }
  EXPECT_LE(o.segment_moves, 2u * 706);
}

TEST(balance, a_plan_cut_short_goes_on_to_the_same_evenness) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    auto [c, s] = random_cluster(seed, false);
    for (int rounds = 0; rounds < 2'000; ++rounds) {
      const auto plan = plan_balance(c, s, 3);
      if (plan.empty())
        break;
      auto before = potential_of(c, s);
      for (const auto& m : plan) {
        apply(c, m);
        const auto after = potential_of(c, s);
        ASSERT_LT(after, before) << "seed " << seed;
        before = after;
      }
    }
    EXPECT_TRUE(plan_balance(c, s).empty()) << "seed " << seed;
  }
}

} // namespace
} // namespace muster
