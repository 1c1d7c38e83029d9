// The worked cases of the model's balancers, policy by policy: loads before, plans after.
#include "tests/unit/balance_clusters.hpp"

#include <gtest/gtest.h>

#include <set>

namespace muster {
namespace {

using enum balance_policy;

/// "rows: from->to" of each move in order; channels as "channel c".
std::vector<std::string> plan(const balance_cluster& c, const balance_settings& s) {
  std::vector<std::string> out;
  for (const auto& m : plan_balance(c, s)) {
    const auto& g = c.groups[m.group];
    const auto what =
      m.channel ? "channel " + std::to_string(g.channels[m.item].channel) : std::to_string(g.segments[m.item].rows);
    out.push_back(what + ": " + std::to_string(c.nodes[m.from].id) + "->" + std::to_string(c.nodes[m.to].id));
  }
  return out;
}

std::vector<std::string> plan(const cluster_builder& b, balance_policy p) {
  return plan(b.cluster, settings_of(p));
}

using list = std::vector<std::string>;

void make(balance_cluster& c, const balance_settings& s) {
  for (const auto& m : plan_balance(c, s))
    apply(c, m);
}

/// One score of the group on each writer, before anything moves.
std::vector<double> scores(const balance_cluster& c, const balance_settings& s, std::uint32_t group = 0) {
  std::vector<double> out;
  for (const auto& n : scores_of(c, s, group, false, 0))
    out.push_back(n.score);
  return out;
}

// -- row count ----------------------------------------------------------------------

TEST(balance_row_count, what_cannot_get_more_even_stays) {
  // B05: a segment that is there twice does not move; B06; B12: nodes of others do not count
  EXPECT_EQ(
    plan(cluster_builder{2}.group(1, {1, 2}).rows(1, {20}, 0, false).rows(2, {20}, 0, false).rows(2, {40}), row_count),
    list{});
  EXPECT_EQ(plan(cluster_builder{3}.group(1, {1, 2, 3}).rows(1, {40}).rows(2, {10, 40}).rows(3, {10, 40}), row_count),
            list{});
  cluster_builder b{3};
  b.group(1, {1, 2}).rows(1, {30}).rows(2, {20, 30});
  b.group(2, {3}).rows(3, {30});
  EXPECT_EQ(plan(b, row_count), list{});
}

TEST(balance_row_count, nothing_moves_to_stopping_nodes) {
  // B07
  cluster_builder b{2};
  b.group(1, {1, 2}).rows(1, {10, 10}).channel(1);
  b.node(1).usable = b.node(2).usable = false;
  for (auto p : all_policies)
    EXPECT_EQ(plan(b, p), list{}) << to_string(p);
}

TEST(balance_row_count, a_leaving_node_gives_its_channels_first_then_its_segments) {
  // B08, B09; B14: the same when it has left the resource group but runs
  for (bool stopping : {true, false})
    for (auto p : {row_count, score, multi_target, round_robin}) {
      cluster_builder b{3};
      b.group(1, stopping ? std::vector<std::int64_t>{1, 2, 3} : std::vector<std::int64_t>{1, 2});
      b.rows(1, {10}).rows(2, {50}).rows(3, {10, 10}).channel(2, 2).channel(3, 3);
      b.node(3).usable = !stopping;
      EXPECT_EQ(plan(b, p), list{"channel 3: 3->1"}) << to_string(p);
      if (p == round_robin || p == multi_target)
        continue;
      make(b.cluster, settings_of(p));
      EXPECT_EQ(plan(b, p), (list{"10: 3->1", "10: 3->1"})) << to_string(p);
    }
}

TEST(balance_row_count, channels_are_spread_unless_that_is_off) {
  // B10, B11
  cluster_builder two{3};
  two.group(1, {2, 3}).channel(2, 2).channel(2, 3);
  EXPECT_EQ(plan(two, row_count).size(), 1u);
  auto off = settings_of(row_count);
  off.auto_balance_channel = false;
  EXPECT_EQ(plan(two.cluster, off), list{});
  EXPECT_EQ(
    plan(cluster_builder{3}.group(1, {1, 2, 3}).channel(1, 0).channel(1, 1).channel(2, 2).channel(3, 3), row_count),
    list{});
  EXPECT_EQ(plan(cluster_builder{3}.group(1, {1, 2, 3}).channel(1, 0).channel(1, 1), row_count).size(), 1u);
}

TEST(balance_row_count, what_is_in_no_target_does_not_move) {
  // B15
  for (auto p : all_policies)
    EXPECT_EQ(plan(cluster_builder{2}.group(1, {1, 2}).rows(1, {10, 10, 10, 10}, 0, false), p), list{}) << to_string(p);
}

TEST(balance_row_count, each_replica_for_itself_and_channels_before_segments) {
  // B17, B32, I-B5, I-B6
  for (auto p : {row_count, score}) {
    cluster_builder b{4};
    for (std::int64_t r = 0; r < 2; ++r)
      b.group(1, {1 + 2 * r, 2 + 2 * r}, 101 + r).rows(1 + 2 * r, {30, 30}).channel(1 + 2 * r, 0).channel(1 + 2 * r, 1);
    auto moves = plan_balance(b.cluster, settings_of(p));
    ASSERT_EQ(moves.size(), 2u) << to_string(p);
    for (const auto& m : moves) {
      EXPECT_TRUE(m.channel);
      apply(b.cluster, m);
    }
    EXPECT_EQ(plan(b, p), (list{"30: 1->2", "30: 3->4"})) << to_string(p);
  }
}

// -- score --------------------------------------------------------------------------

TEST(balance_score, scores_are_those_of_the_model) {
  // B19: own rows and a tenth of all rows
  cluster_builder b{3};
  b.group(1, {1, 2, 3}).rows(1, {10}).rows(2, {20}).rows(3, {30});
  b.group(2, {1, 2, 3}).rows(1, {300}).rows(2, {180}).rows(3, {20});
  EXPECT_EQ(scores(b.cluster, settings_of(score)), (std::vector<double>{41, 40, 35}));
}

TEST(balance_score, the_segment_that_evens_out_best_moves) {
  // B22
  auto moves =
    plan_balance(cluster_builder{2}.group(1, {1, 2}).rows(1, {10}).rows(2, {20, 30}).cluster, settings_of(score));
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_DOUBLE_EQ(moves[0].why.source_score, 55);
  EXPECT_DOUBLE_EQ(moves[0].why.score, 11);
  EXPECT_EQ(plan(cluster_builder{2}.group(1, {1, 2}).rows(1, {10}).rows(2, {20, 30}), score), list{"20: 2->1"});
}

TEST(balance_score, what_is_even_or_would_only_change_sides_stays) {
  // B23, B29
  EXPECT_EQ(plan(cluster_builder{2}.group(1, {1, 2}).rows(1, {10, 20}).rows(2, {30}), score), list{});
  EXPECT_EQ(plan(cluster_builder{2}.group(1, {1, 2}).rows(1, {1000}), score), list{});
}

TEST(balance_score, load_in_flight_counts) {
  // B24: 30 on their way to node 1; node 3 has one segment that is in no target
  cluster_builder b{3};
  b.group(1, {1, 2, 3}).rows(1, {10}).other(1, 30).rows(2, {10}).rows(3, {20}).rows(3, {30}, 0, false);
  auto s = settings_of(score);
  EXPECT_EQ(scores(b.cluster, s), (std::vector<double>{44, 11, 55}));
  EXPECT_EQ(plan(b, score), list{"20: 3->2"});
}

TEST(balance_score, collections_see_each_others_rows) {
  // B25
  cluster_builder b{3};
  b.group(1, {1, 2, 3}).rows(1, {20}).rows(2, {20});
  b.group(2, {1, 2, 3}).rows(1, {20}, 0, false).rows(2, {30}, 0, false);
  EXPECT_EQ(plan(b, score), list{"20: 2->3"});
  make(b.cluster, settings_of(score));
  for (auto& x : b.cluster.groups[1].segments)
    x.movable = true;
  EXPECT_EQ(plan(b, score), list{});
}

TEST(balance_score, a_node_with_more_memory_carries_more) {
  // B26
  cluster_builder b{2};
  b.group(1, {1, 2}).rows(1, {10}).rows(2, {10, 20, 20});
  b.node(1).memory_mb = b.node(2).memory_mb = 1024;
  EXPECT_EQ(plan(b, score), list{"20: 2->1"});
  b.node(2).memory_mb = 2048;
  EXPECT_EQ(plan(b, score), list{"10: 2->1"});
}

TEST(balance_score, leading_a_channel_counts_as_much_as_is_set) {
  // B27: 10 growing rows at the delegator on node 1
  cluster_builder b{2};
  b.group(1, {1, 2}).rows(1, {10}).other(1, 10).channel(1).rows(2, {10, 10, 10, 10});
  auto s = settings_of(score);
  s.delegator_memory_overload_factor = 0;
  EXPECT_EQ(plan(b.cluster, s), list{"10: 2->1"});
  s.delegator_memory_overload_factor = 1;
  EXPECT_EQ(plan(b.cluster, s), list{});
  s.delegator_memory_overload_factor = 2;
  EXPECT_EQ(plan(b.cluster, s), list{"10: 1->2"});
}

TEST(balance_score, empty_nodes_get_one_each) {
  // B28
  EXPECT_EQ(plan(cluster_builder{3}.group(1, {1, 2, 3}).rows(1, {10, 10, 10}), score), (list{"10: 1->2", "10: 1->3"}));
}

TEST(balance_score, a_stopping_node_is_emptied_the_largest_first_to_where_it_adds_least) {
  // B31, I-B3, I-B4
  cluster_builder b{3};
  b.group(1, {1, 2, 3}).rows(1, {10, 20}).rows(2, {30});
  b.node(1).usable = false;
  EXPECT_EQ(plan(b, score), (list{"20: 1->3", "10: 1->3"}));
  b.node(2).usable = b.node(3).usable = false;
  EXPECT_EQ(plan(b, score), list{});
  cluster_builder outbound{3};
  outbound.group(1, {}).rows(1, {10, 20}).rows(2, {30});
  EXPECT_EQ(plan(outbound, score), list{});
}

TEST(balance_score, drains_can_be_switched_off) {
  cluster_builder b{2};
  b.group(1, {2}).rows(1, {10, 20});
  auto s = settings_of(score);
  s.stopping_balance = false;
  EXPECT_EQ(plan(b.cluster, s), list{});
}

TEST(balance_score, channels_of_many_collections_spread) {
  // B33: ten collections with a channel each on node 1, node 2 is new
  cluster_builder one{1};
  for (std::int64_t c = 1; c <= 10; ++c)
    one.group(c, {1}).channel(1);
  EXPECT_EQ(plan(one, score), list{});
  cluster_builder b{2};
  for (std::int64_t c = 1; c <= 10; ++c)
    b.group(c, {1, 2}).channel(1);
  auto s = settings_of(score);
  for (std::uint32_t c = 0; c < 10; ++c) { // collection by collection, as they are visited
    balance_cluster only = b.cluster;
    only.groups = {b.cluster.groups[c]};
    auto moves = plan_balance(only, s);
    EXPECT_EQ(moves.size(), c < 4 ? 1u : 0u)
      << "after " << c << " have moved (at 5 and 5, and at 6 and 4, it is not worth it)";
    for (auto m : moves) {
      m.group = c;
      apply(b.cluster, m);
    }
  }
}

TEST(balance_score, channels_of_one_collection_spread_by_memory) {
  // B34: with room for all of them in one batch
  cluster_builder b{2};
  b.group(1, {1, 2});
  for (std::uint16_t c = 0; c < 5; ++c)
    b.channel(1, c);
  EXPECT_EQ(plan(b, score).size(), 2u);
  b.node(1).memory_mb = 1024;
  EXPECT_EQ(plan(b, score).size(), 2u) << "an unknown memory counts as the mean of the known ones";
  b.node(2).memory_mb = 4096;
  EXPECT_EQ(plan(b, score).size(), 4u);
}

TEST(balance_score, own_channels_weigh_more_than_others) {
  // B35: collection i is entirely on node i
  cluster_builder b{3};
  for (std::int64_t c = 1; c <= 3; ++c) {
    b.group(c, {1, 2, 3});
    for (std::uint16_t i = 0; i < 3; ++i)
      b.channel(c, i);
  }
  for (std::uint32_t c = 0; c < 3; ++c) {
    balance_cluster only = b.cluster;
    only.groups = {b.cluster.groups[c]};
    auto moves = plan_balance(only, settings_of(score));
    ASSERT_EQ(moves.size(), 2u);
    EXPECT_NE(moves[0].to, moves[1].to);
    for (auto m : moves) {
      m.group = c;
      apply(b.cluster, m);
    }
    only.groups = {b.cluster.groups[c]};
    only.nodes = b.cluster.nodes;
    EXPECT_TRUE(plan_balance(only, settings_of(score)).empty());
  }
}

TEST(balance_score, channels_of_a_stopping_node_go_to_both_others_alike) {
  // B36
  cluster_builder b{3};
  for (std::int64_t c = 1; c <= 10; ++c)
    b.group(c, {1, 2, 3}).channel(1);
  b.node(1).usable = false;
  std::map<std::uint32_t, int> got;
  int n = 0;
  for (const auto& m : plan_balance(b.cluster, settings_of(score))) {
    EXPECT_TRUE(m.channel && m.drain);
    ++got[m.to];
    if (++n % 2 == 0) {
      EXPECT_EQ(got[1], got[2]);
    }
  }
  EXPECT_EQ(n, 10);
}

TEST(balance_score, three_channels_go_to_three_nodes) {
  // B37; the model needs a batch of 1 for these 2 (Q12: one too many)
  EXPECT_EQ(plan(cluster_builder{3}.group(1, {1, 2, 3}).channel(1, 0).channel(1, 1).channel(1, 2), score).size(), 2u);
}

TEST(balance_score, a_plan_explains_itself) {
  cluster_builder b{4};
  b.group(1, {1, 2, 3}).rows(1, {10, 10, 10, 10}).rows(2, {10});
  b.node(4).usable = false;
  const auto moves = plan_balance(b.cluster, settings_of(score));
  ASSERT_FALSE(moves.empty());
  EXPECT_EQ(b.cluster.nodes[moves[0].to].id, 3);
  EXPECT_DOUBLE_EQ(moves[0].why.source_score, 44);
  EXPECT_DOUBLE_EQ(moves[0].why.score, 0);
  EXPECT_EQ(moves[0].why.runner_up, 2);
  EXPECT_DOUBLE_EQ(moves[0].why.runner_up_score, 11);
  EXPECT_DOUBLE_EQ(moves[0].why.gain, 2 * 10 * (44 - 11));
  const auto all = scores_of(b.cluster, settings_of(score), 0, false, 0);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].verdict, balance_verdict::holds_copy);
  EXPECT_EQ(all[1].verdict, balance_verdict::accepted);
  EXPECT_EQ(all[3].verdict, balance_verdict::node_unavailable);
}

TEST(balance_score, no_move_fills_a_node_beyond_its_memory) {
  cluster_builder b{3};
  b.group(1, {1, 2, 3}).rows(1, {1'000'000, 1'000'000, 1'000'000});
  b.node(2).memory_mb = 1; // 8,000,000 bytes do not fit
  for (const auto& m : plan_balance(b.cluster, settings_of(score)))
    EXPECT_EQ(b.cluster.nodes[m.to].id, 3);
  EXPECT_EQ(scores_of(b.cluster, settings_of(score), 0, false, 0)[1].verdict, balance_verdict::memory_full);
}

TEST(balance_score, crumbs_beside_a_segment_that_cannot_move_stay) {
  // 9 of 100 would not close a tenth of the gap; 20 of 120 do, and as well as moving the 100.
  EXPECT_EQ(plan(cluster_builder{2}.group(1, {1, 2}).rows(1, {91, 9}), score), list{});
  EXPECT_EQ(plan(cluster_builder{2}.group(1, {1, 2}).rows(1, {100, 20}), score), list{"20: 1->2"});
}

// -- channel level score --------------------------------------------------------------

/// Two channels with two of four nodes each: channel 0 has nodes 1 and 3, channel 1 nodes 2 and 4.
cluster_builder exclusive() {
  cluster_builder b{4};
  b.group(1, {1, 2, 3, 4});
  b.cluster.groups[0].exclusive = exclusive_nodes(b.cluster.groups[0].writers, 2, 2);
  return b;
}

TEST(balance_channel_level_score, what_is_on_a_node_of_another_channel_goes_home) {
  // B38, B39
  auto b = exclusive().channel(1, 0).channel(3, 1).rows(3, {10}, 1);
  const auto first = plan_balance(b.cluster, settings_of(channel_level_score));
  ASSERT_EQ(first.size(), 1u);
  EXPECT_TRUE(first[0].channel);
  EXPECT_EQ(first[0].to % 2, 1u);
  auto c = exclusive().channel(1, 0).channel(2, 1).rows(3, {10}, 1);
  const auto moves = plan_balance(c.cluster, settings_of(channel_level_score));
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_FALSE(moves[0].channel);
  EXPECT_EQ(moves[0].to % 2, 1u);
}

TEST(balance_channel_level_score, segments_spread_over_their_channels_nodes) {
  // B41
  const auto b = exclusive().channel(1, 0).channel(2, 1).rows(1, {10, 10}, 0).rows(2, {10, 10}, 1);
  EXPECT_EQ(plan(b, channel_level_score), (list{"10: 2->4", "10: 1->3"}));
}

TEST(balance_channel_level_score, without_nodes_for_each_channel_it_is_score) {
  // B42: B22, B23, B25, B31
  EXPECT_TRUE(exclusive_nodes({0, 1, 2}, 2, 2).empty());
  EXPECT_EQ(plan(cluster_builder{2}.group(1, {1, 2}).rows(1, {10}).rows(2, {20, 30}), channel_level_score),
            list{"20: 2->1"});
  EXPECT_EQ(plan(cluster_builder{2}.group(1, {1, 2}).rows(1, {10, 20}).rows(2, {30}), channel_level_score), list{});
  cluster_builder b{3};
  b.group(1, {1, 2, 3}).rows(1, {10, 20}).rows(2, {30});
  b.node(1).usable = false;
  EXPECT_EQ(plan(b, channel_level_score), (list{"20: 1->3", "10: 1->3"}));
}

TEST(balance_channel_level_score, a_node_is_named_once) {
  // Q30: nodes to leave are neither appended to shared lists nor repeated
  auto b = exclusive().channel(1, 0).channel(2, 1).rows(3, {10, 10, 10}, 1);
  std::set<std::uint32_t> items;
  for (const auto& m : plan_balance(b.cluster, settings_of(channel_level_score)))
    EXPECT_TRUE(items.insert(m.item).second);
  EXPECT_EQ(items.size(), 3u);
  EXPECT_EQ(b.cluster.groups[0].writers.size(), 4u);
}

// -- multi target -----------------------------------------------------------------------

TEST(balance_multi_target, costs_are_those_of_the_model) {
  // B43
  EXPECT_DOUBLE_EQ(spread_cost({}), 0);
  EXPECT_DOUBLE_EQ(spread_cost({30, 0}), 1);
  EXPECT_DOUBLE_EQ(spread_cost({30, 30}), 0);
  EXPECT_DOUBLE_EQ(spread_cost({30, 20, 10}), 0.25);
  EXPECT_DOUBLE_EQ(spread_cost({30}), 0);
  EXPECT_DOUBLE_EQ(spread_cost({10, 0}), 1);
  EXPECT_DOUBLE_EQ(spread_cost({10, 10}), 0);
}

TEST(balance_multi_target, applying_a_move_moves_the_segment_and_its_load) {
  // B44
  cluster_builder b{2};
  b.group(1, {1, 2}).rows(1, {7}).rows(2, {5});
  balance_move m;
  m.from = 0;
  m.to = 1;
  apply(b.cluster, m);
  EXPECT_EQ(b.cluster.groups[0].segments[0].node, 1u);
  EXPECT_EQ(b.node(1).rows, 0);
  EXPECT_EQ(b.node(2).rows, 12);
  EXPECT_EQ(b.node(2).segments, 2);
}

TEST(balance_multi_target, one_segment_of_two_goes_over) {
  // B46
  cluster_builder b{2};
  b.group(1, {1, 2}).rows(1, {10, 10});
  const auto moves = plan_balance(b.cluster, settings_of(multi_target));
  ASSERT_EQ(moves.size(), 1u);
  EXPECT_EQ(b.cluster.groups[moves[0].group].replica, 101) << "Q16: a plan knows its replica";
  apply(b.cluster, moves[0]);
  EXPECT_DOUBLE_EQ(potential_of(b.cluster, settings_of(multi_target)).segments, 0);
  EXPECT_EQ(plan(cluster_builder{2}.group(1, {1, 2}).rows(1, {10}).rows(2, {10}), multi_target), list{});
}

TEST(balance_multi_target, no_segment_twice_and_none_to_where_it_is) {
  // B45: two moves of one segment are one; B48; I-B1, I-B2
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    dice d{seed};
    cluster_builder b{10};
    b.group(1, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
    for (std::int64_t n = 1; n <= 10; ++n)
      for (auto k = d.below(100); k > 0; --k)
        b.rows(n, {d.from(1, 100)});
    std::set<std::uint32_t> once;
    for (const auto& m : plan_balance(b.cluster, settings_of(multi_target))) {
      EXPECT_TRUE(once.insert(m.item).second);
      EXPECT_NE(m.from, m.to);
    }
  }
}

// -- round robin, names -----------------------------------------------------------------

TEST(balance_round_robin, it_drains_but_never_moves_for_evenness) {
  EXPECT_EQ(
    plan(cluster_builder{2}.group(1, {1, 2}).rows(1, {10, 10, 10, 10}).channel(1, 0).channel(1, 1), round_robin),
    list{});
  EXPECT_EQ(plan(cluster_builder{3}.group(1, {2, 3}).rows(1, {10, 10}), round_robin), (list{"10: 1->2", "10: 1->3"}));
}

TEST(balance, equal_scores_may_go_anywhere_and_end) {
  // I-B8
  EXPECT_EQ(plan(cluster_builder{3}.group(1, {1, 2, 3}).rows(1, {0, 0, 0}), score), list{});
}

TEST(balance, names_are_the_models) {
  // P02
  for (auto p : all_policies)
    EXPECT_EQ(balance_policy_of(to_string(p)), p);
  EXPECT_EQ(balance_policy_of("CleverBalancer"), score);
  EXPECT_EQ(balance_policy_of(""), score);
  EXPECT_EQ(to_string(score), "ScoreBasedBalancer");
  EXPECT_EQ(balance_order_of("byCOLLECTIONid"), balance_order::by_collection_id);
  EXPECT_EQ(balance_order_of("ByRowCount"), balance_order::by_row_count);
  EXPECT_EQ(balance_order_of(""), balance_order::by_row_count);
  EXPECT_EQ(balance_order_of("anything"), balance_order::by_row_count);
}

} // namespace
} // namespace muster
