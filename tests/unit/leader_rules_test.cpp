// Rules of leader_checker: routes that a delegator lacks or should forget, delegators that serve an old version.
#include "actors/core/leader_rules.hpp"
#include "messages/limits.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using schema::TaskKind;
using schema::TaskPriority;
using placed = std::vector<std::pair<std::int64_t, std::int64_t>>;

world small() {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  w.segment(7, 11).segment(7, 12).settle(7);
  return w;
}

std::vector<proposal> check(world& w) {
  leader_rules rules;
  return rules.check(w.view, w.whole());
}

TEST(leader_checker_rules, a_leader_that_routes_all_gives_nothing) {
  auto w = small();
  leader_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  EXPECT_EQ(rules.open(), 0u);
}

TEST(leader_checker_rules, a_copy_that_the_leader_does_not_route_is_set) {
  // C29
  auto w = small();
  w.route(7, 12, 1, 0);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::SYNC_VIEW);
  EXPECT_EQ(out[0].priority, TaskPriority::LOW);
  EXPECT_EQ(out[0].why, reason::view_lacking);
  EXPECT_EQ(out[0].node, 1);
  EXPECT_EQ(out[0].assignments, (placed{{12, 2}}));
}

TEST(leader_checker_rules, a_route_to_where_no_copy_is_goes_to_the_copy) {
  // C30
  auto w = small();
  w.route(7, 12, 1, 1);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].assignments, (placed{{12, 2}}));
}

TEST(leader_checker_rules, of_several_copies_the_newest_is_routed) {
  auto w = small();
  w.usable({3}).route(7, 12, 1, 0);
  w.collections[7].desired->replicas[0].nodes.push_back(3);
  w.copy(7, 12, 3, 9);
  EXPECT_EQ(check(w).at(0).assignments, (placed{{12, 3}}));
}

TEST(leader_checker_rules, only_segments_of_the_target_are_set) {
  // C32
  auto w = small();
  w.copy(7, 99, 2);
  EXPECT_TRUE(check(w).empty());
}

TEST(leader_checker_rules, each_replica_has_its_own_leader) {
  // C33
  world w;
  w.usable({1, 2, 3, 4}).loaded(7, {{1, 2}, {3, 4}});
  w.segment(7, 11).settle(7);
  w.route(7, 11, 1, 0);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].replica, 101);
  EXPECT_EQ(out[0].node, 1);
}

TEST(leader_checker_rules, a_copy_in_another_replica_is_no_copy) {
  world w;
  w.usable({1, 2}).loaded(7, {{1}, {2}});
  w.segment(7, 11).settle(7);
  w.uncopy(7, 11, 1);
  leader_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  EXPECT_EQ(rules.open(), 1u);
}

TEST(leader_checker_rules, a_route_to_what_is_in_no_target_and_nowhere_loaded_is_forgotten) {
  // C34, C35
  auto w = small();
  w.route(7, 99, 1, 2);
  auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].why, reason::view_dangling);
  EXPECT_EQ(out[0].node, 1);
  EXPECT_EQ(out[0].removed, std::vector<std::int64_t>{99});
  EXPECT_TRUE(out[0].assignments.empty());
  w.copy(7, 99, 2);
  EXPECT_TRUE(check(w).empty()) << "its release forgets the route too";
}

TEST(leader_checker_rules, a_route_whose_channel_nobody_knows_any_more_is_forgotten_by_whichever_shard_has_it) {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}}, 2);
  w.segment(7, 11).segment(7, 12, 100, 1).settle(7);
  w.unlead(7, "b", 2).route(7, 12, 2, 0).lead(7, "b", 1).route(7, 12, 1, 2);
  w.route(7, 99, 1, 2).copy(7, 99, 2);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::SYNC_VIEW);
  EXPECT_EQ(out[0].why, reason::view_dangling);
  EXPECT_EQ(out[0].channel, "");
  EXPECT_EQ(out[0].node, 1);
  EXPECT_EQ(out[0].removed, std::vector<std::int64_t>{99});
  w.lead(7, "b", 1, 101, 4);
  for (const auto& p : check(w))
    EXPECT_NE(p.why, reason::view_dangling) << "the older target may need it";
}

TEST(leader_checker_rules, a_delegator_of_an_older_version_forgets_nothing) {
  auto w = small();
  w.route(7, 99, 1, 2).lead(7, "a", 1, 101, 4);
  for (const auto& p : check(w))
    EXPECT_NE(p.why, reason::view_dangling);
}

TEST(leader_checker_rules, a_delegator_behind_the_target_is_told_once_its_view_covers_it) {
  auto w = small();
  w.lead(7, "a", 1, 101, 4);
  auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::SYNC_TARGET);
  EXPECT_EQ(out[0].why, reason::target_behind);
  EXPECT_EQ(out[0].priority, TaskPriority::HIGH);
  EXPECT_EQ(out[0].target_version, 5);
  w.route(7, 12, 1, 0);
  out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::SYNC_VIEW) << "first the route";
}

TEST(leader_checker_rules, next_is_not_served_while_there_is_a_current) {
  auto w = small();
  w.collections[7].head->next = 6;
  EXPECT_TRUE(check(w).empty());
}

TEST(leader_checker_rules, tasks_in_flight_and_unknown_nodes_are_waited_for) {
  auto w = small();
  w.route(7, 12, 1, 0);
  w.collections[7].tasks = {a_task(TaskKind::LOAD_SEGMENT, 101, 12)};
  EXPECT_TRUE(check(w).empty());
  w.collections[7].tasks = {a_task(TaskKind::SERVE_SHARD, 101, 0)};
  EXPECT_TRUE(check(w).empty());
  w.collections[7].tasks.clear();
  w.unknown(2);
  EXPECT_TRUE(check(w).empty());
  w.nodes.at(2).known = true;
  w.lead(7, "a", 1, 101, 4);
  w.collections[7].tasks = {a_task(TaskKind::SYNC_TARGET, 101, 0)};
  for (const auto& p : check(w))
    EXPECT_NE(p.kind, TaskKind::SYNC_TARGET);
}

TEST(leader_checker_rules, a_leader_that_cannot_be_given_work_gets_none) {
  // C31 in spirit.
  auto w = small();
  w.route(7, 12, 1, 0);
  w.nodes.at(1).stopping = true;
  EXPECT_TRUE(check(w).empty());
}

TEST(leader_checker_rules, a_leader_on_a_read_only_node_is_told_no_routes_but_may_serve_a_newer_version) {
  // C31
  auto w = small();
  auto& replica = w.collections[7].desired->replicas[0];
  replica.nodes = {2};
  replica.read_only_nodes = {1};
  w.route(7, 12, 1, 0);
  EXPECT_TRUE(check(w).empty());
  w.route(7, 12, 1, 2).lead(7, "a", 1, 101, 4);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::SYNC_TARGET);
}

TEST(leader_checker_rules, only_what_is_in_no_target_is_forgotten) {
  // C35
  auto w = small();
  w.uncopy(7, 12, 2).route(7, 99, 1, 2);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].removed, std::vector<std::int64_t>{99}) << "12 is in the target and will be loaded again";
}

TEST(leader_checker_rules, newer_statistics_of_partitions_are_told_to_the_leader_at_once) {
  // C36
  auto w = small();
  w.collections[7].head->partition_stats = {{20, 101}, {21, 7}};
  w.collections[7].delegators[0].partition_stats = {{20, 100}, {21, 7}};
  auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::SYNC_STATS);
  EXPECT_EQ(out[0].why, reason::stats_behind);
  EXPECT_EQ(out[0].priority, TaskPriority::LOW);
  EXPECT_EQ(out[0].node, 1);
  EXPECT_EQ(out[0].partition_stats, (std::vector<partition_version>{{20, 101}}));
  w.collections[7].delegators[0].partition_stats.clear();
  EXPECT_EQ(check(w).at(0).partition_stats.size(), 2u) << "one that knows none lacks all";
  w.collections[7].tasks = {a_task(TaskKind::SYNC_STATS, 101, 0)};
  EXPECT_TRUE(check(w).empty());
  w.collections[7].tasks.clear();
  auto& replica = w.collections[7].desired->replicas[0];
  replica.nodes = {2};
  replica.read_only_nodes = {1};
  EXPECT_TRUE(check(w).empty()) << "a read-only leader is left alone";
}

TEST(leader_checker_rules, a_version_is_not_told_while_any_of_its_segments_is_uncovered_also_after_many_changes) {
  auto w = small();
  leader_rules rules;
  w.lead(7, "a", 1, 101, 4).uncopy(7, 12, 2).uncopy(7, 11, 1);
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  w.copy(7, 12, 2);
  EXPECT_TRUE(rules.check(w.view, w.publish_segments(7, {12})).empty()) << "11 is uncovered still";
  w.copy(7, 11, 1);
  const auto out = rules.check(w.view, w.publish_segments(7, {11}));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::SYNC_TARGET);
  EXPECT_EQ(rules.open(), 0u);
}

TEST(leader_checker_rules, the_slow_walk_finds_a_route_that_no_change_told) {
  auto w = small();
  leader_rules rules;
  rules.check(w.view, w.whole());
  w.route(7, 12, 1, 0).route(7, 99, 1, 2);
  w.publish_shards(7);
  sweep_cursor cursor;
  auto found = cursor.slice(rules, w.view, 1000);
  EXPECT_EQ(found.defects, 2u);
  EXPECT_EQ(found.proposals.size(), 2u);
  EXPECT_EQ(cursor.slice(rules, w.view, 1000).defects, 0u);
  EXPECT_EQ(rules.open(), 2u);
}

TEST(leader_checker_rules, another_leader_makes_every_segment_looked_at) {
  auto w = small();
  leader_rules rules;
  rules.check(w.view, w.whole());
  w.unlead(7, "a", 1).lead(7, "a", 2, 101, 5, 2);
  const auto out = rules.check(w.view, w.publish_shards(7));
  EXPECT_EQ(out.size(), 2u) << "the new one has an empty view";
}

TEST(leader_checker_rules, what_the_limit_of_proposals_cut_off_follows_with_the_next_check) {
  world w;
  w.usable({1});
  const auto half = static_cast<std::int64_t>(limits::proposals_per_batch / 2 + 1);
  for (std::int64_t c : {7, 8, 9}) {
    w.loaded(c, {{1}});
    w.lead(c, "a", 1);
    for (std::int64_t s = 1; s <= half; ++s) {
      w.segment(c, c * 10'000 + s).copy(c, c * 10'000 + s, 1);
    }
  }
  leader_rules rules;
  std::size_t set = 0;
  auto out = rules.check(w.view, w.whole());
  EXPECT_EQ(out.size(), limits::proposals_per_batch);
  for (int round = 0; round < 4; ++round) {
    touched_map t;
    for (const auto& p : out) {
      ++set;
      w.route(p.collection, p.segment, 1, 1);
      t[p.collection].add(p.segment);
    }
    out = rules.check(w.view, w.publish(t));
  }
  EXPECT_EQ(set, static_cast<std::size_t>(3 * half));
  EXPECT_EQ(rules.open(), 0u);
}

} // namespace
} // namespace muster
