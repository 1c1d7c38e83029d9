// Loads go where they add least, counting what is planned in the same round; verified by a check of its own.
#include "actors/core/placing.hpp"
#include "messages/limits.hpp"
#include "tests/unit/dice.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

#include <set>

namespace muster {
namespace {

balance_settings policy(balance_policy p) {
  balance_settings s;
  s.policy = p;
  return s;
}

/// Collection 1 on nodes 1 to n, with these rows on each.
world carrying(const std::vector<std::vector<std::int64_t>>& rows) {
  world w;
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < rows.size(); ++i)
    ids.push_back(static_cast<std::int64_t>(i) + 1);
  w.usable(ids).loaded(1, {ids});
  w.lead(1, "a", 1);
  std::int64_t segment = 0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (auto r : rows[i]) {
      w.segment(1, ++segment, r);
      w.copy(1, segment, ids[i]);
    }
  return w;
}

/// Where segments of these rows go, in the order of the list.
std::vector<std::int64_t> place(world& w, std::int64_t collection, const std::vector<std::int64_t>& rows,
                                const balance_settings& s, placing* places = nullptr) {
  w.whole();
  placing own{w.view, s};
  auto& p = places != nullptr ? *places : own;
  std::vector<wanted_segment> wanted;
  for (std::size_t i = 0; i < rows.size(); ++i)
    wanted.push_back({static_cast<std::int64_t>(i), rows[i], rows[i] * 8, 0, 0});
  const auto* view = w.view.collection(collection);
  p.place_segments(*view, view->desired->replicas.front(), wanted);
  std::sort(wanted.begin(), wanted.end(), [](const auto& a, const auto& b) { return a.segment < b.segment; });
  std::vector<std::int64_t> nodes;
  for (const auto& x : wanted)
    nodes.push_back(x.node);
  return nodes;
}

using list = std::vector<std::int64_t>;

TEST(placing, the_largest_first_to_the_least_loaded) {
  // B03: node 4 is stopping
  auto w = carrying({{}, {20}, {30}, {}});
  w.nodes.at(4).stopping = true;
  for (auto p : {balance_policy::row_count, balance_policy::score})
    EXPECT_EQ(place(w, 1, {5, 10, 15}, policy(p)), (list{2, 1, 1}));
}

TEST(placing, by_numbers_the_emptiest_gets_all_until_it_is_even) {
  // B01: the model deals in turn (2, 1, 2) and ends with 101 and 202 of 302; by the potential all go to the emptier: 103 and 200.
  auto w = carrying({std::vector<std::int64_t>(10, 1), std::vector<std::int64_t>(20, 1), {}});
  w.nodes.at(3).stopping = true;
  const auto nodes = place(w, 1, {1, 2, 3}, policy(balance_policy::round_robin));
  EXPECT_EQ(nodes, (list{1, 1, 1}));
  EXPECT_LT(13 * 13 + 20 * 20, 11 * 11 + 22 * 22);
}

TEST(placing, on_an_empty_cluster_each_node_gets_one) {
  // B18
  auto w = carrying({{}, {}, {}});
  const auto nodes = place(w, 1, {5, 10, 15}, policy(balance_policy::score));
  EXPECT_EQ(std::set<std::int64_t>(nodes.begin(), nodes.end()).size(), 3u);
}

TEST(placing, rows_of_other_collections_count_a_tenth) {
  // B19
  auto w = carrying({{10}, {20}, {30}});
  w.loaded(2, {{1, 2, 3}});
  std::int64_t segment = 100;
  for (auto [node, rows] : {std::pair{1, 300}, std::pair{2, 180}, std::pair{3, 20}}) {
    w.segment(2, ++segment, rows);
    w.copy(2, segment, node);
  }
  EXPECT_EQ(place(w, 1, {15, 10, 5}, policy(balance_policy::score)), (list{3, 2, 1}));
}

TEST(placing, what_was_planned_a_moment_ago_counts) {
  // B20, Q10: the model does not see its own first assignment and sends the second one to the same nodes.
  auto w = carrying({{10}, {20}, {40}});
  w.loaded(2, {{1, 2, 3}});
  w.whole();
  placing places{w.view, policy(balance_policy::score)};
  EXPECT_EQ(place(w, 1, {60, 50}, policy(balance_policy::score), &places), (list{1, 2}));
  EXPECT_EQ(place(w, 2, {15, 10}, policy(balance_policy::score), &places), (list{3, 1}));
  // Rows by node after it: 80, 70, 55 instead of 85, 80, 40.
  EXPECT_LT(80 * 80 + 70 * 70 + 55 * 55, 85 * 85 + 80 * 80 + 40 * 40);
}

TEST(placing, rows_in_flight_count) {
  auto w = carrying({{100}, {100}});
  task_row t = a_task(schema::TaskKind::LOAD_SEGMENT, 101, 77);
  t.node = 1;
  t.rows = 50;
  w.collections[1].tasks = {t};
  EXPECT_EQ(place(w, 1, {10, 10}, policy(balance_policy::score)), (list{2, 2}));
}

TEST(placing, growing_rows_count_like_others) {
  // B16, B21: 50 growing rows at node 1 beside 20 or 100 on each
  for (auto [p, each] : {std::pair{balance_policy::row_count, 20}, std::pair{balance_policy::score, 100}}) {
    std::vector<balance_node> nodes(2);
    nodes[0].rows = each + 50;
    nodes[1].rows = each;
    balance_assignment a{nodes, policy(p)};
    a.enter(1, 101, {{0, each + 50.0, false}, {1, each + 0.0, false}}, false);
    EXPECT_EQ(a.place(10, 0), 1);
    EXPECT_EQ(a.place(10, 0), 1);
  }
}

TEST(placing, a_node_with_more_memory_takes_more_and_a_full_one_none_while_others_have_room) {
  auto w = carrying({{}, {}});
  w.nodes.at(1).memory_mb = 1024;
  w.nodes.at(2).memory_mb = 3072;
  const auto nodes = place(w, 1, {10, 10, 10, 10}, policy(balance_policy::score));
  EXPECT_EQ(std::count(nodes.begin(), nodes.end(), 2), 3);
  w.nodes.at(2).memory_mb = 1; // 8 MB do not fit
  EXPECT_EQ(place(w, 1, {1'000'000}, policy(balance_policy::score)), list{1});
  w.nodes.at(1).memory_mb = 1;
  EXPECT_NE(place(w, 1, {1'000'000}, policy(balance_policy::score)), list{0}) << "rather full than unreadable";
}

TEST(placing, nothing_goes_to_nodes_that_cannot_be_given_work) {
  auto w = carrying({{}, {}});
  w.nodes.at(1).stopping = true;
  w.unknown(2);
  EXPECT_EQ(place(w, 1, {10}, policy(balance_policy::score)), list{0});
}

TEST(placing, channels_planned_in_one_round_see_each_other) {
  // Q10
  world w;
  w.usable({1, 2, 3}).loaded(1, {{1, 2, 3}}, 3);
  w.loaded(2, {{1, 2, 3}}, 3);
  w.whole();
  placing places{w.view};
  std::map<std::int64_t, int> got;
  for (std::int64_t c : {1, 2})
    for (std::uint16_t i = 0; i < 3; ++i)
      ++got[places.place_channel(*w.view.collection(c), w.view.collection(c)->desired->replicas.front(), i)];
  EXPECT_EQ(got, (std::map<std::int64_t, int>{{1, 2}, {2, 2}, {3, 2}}));
}

TEST(placing, random_loads_stand_up_to_a_check_of_their_own) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    dice d{seed};
    world w;
    std::vector<std::int64_t> ids;
    for (std::int64_t i = 1; i <= d.from(2, 9); ++i)
      ids.push_back(i);
    w.usable(ids).loaded(1, {ids});
    std::map<std::int64_t, std::int64_t> rows;
    for (auto id : ids)
      rows[id] = 0;
    std::vector<std::int64_t> sizes;
    for (auto n = d.from(1, 60); n > 0; --n)
      sizes.push_back(d.from(1, 1'000));
    const auto nodes = place(w, 1, sizes, policy(balance_policy::score));
    ASSERT_EQ(nodes.size(), sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      ASSERT_TRUE(rows.contains(nodes[i]));
      rows[nodes[i]] += sizes[i];
    }
    // No single move would shrink the gap that it crosses by more than the hysteresis.
    const auto [least, most] = std::minmax_element(rows.begin(), rows.end(), [](auto a, auto b) { return a.second < b.second; });
    const auto smallest = *std::min_element(sizes.begin(), sizes.end());
    EXPECT_LE(most->second - least->second, *std::max_element(sizes.begin(), sizes.end())) << "seed " << seed;
    EXPECT_GT(smallest, 0);
  }
}

} // namespace
} // namespace muster
