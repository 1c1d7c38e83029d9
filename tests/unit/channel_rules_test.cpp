// Rules of channel_checker: channels that a replica lacks, delegators that nobody needs.
#include "actors/core/channel_rules.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using schema::TaskKind;
using schema::TaskPriority;

std::vector<proposal> check(world& w) {
  const auto touched = w.whole();
  return check_channels(w.view, touched);
}

world small(int channels = 1) {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}}, channels);
  w.segment(7, 11).segment(7, 12).settle(7);
  return w;
}

TEST(channel_checker_rules, a_collection_that_is_led_gives_nothing) {
  auto w = small(2);
  EXPECT_TRUE(check(w).empty());
}

TEST(channel_checker_rules, a_lacking_channel_is_one_order_with_every_segment_of_it) {
  // C03
  auto w = small(2);
  w.segment(7, 13, 100, 1).segment(7, 14, 100, 0, 6);
  w.unlead(7, "a", 1);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::SERVE_SHARD);
  EXPECT_EQ(out[0].priority, TaskPriority::HIGH);
  EXPECT_EQ(out[0].why, reason::channel_lacking);
  EXPECT_EQ(out[0].replica, 101);
  EXPECT_EQ(out[0].channel, "a");
  EXPECT_EQ(out[0].node, 1) << "node 2 leads b";
  EXPECT_EQ(out[0].target_version, 5);
  // Copies that are there are used where they are; 13 is of another channel, 14 in no readable version.
  EXPECT_EQ(out[0].assignments, (std::vector<std::pair<std::int64_t, std::int64_t>>{{11, 1}, {12, 2}}));
}

TEST(channel_checker_rules, a_node_that_still_leads_the_channel_for_a_replica_of_old_is_not_chosen) {
  auto w = small();
  w.lead(7, "a", 1, 99);
  auto out = check(w);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].kind, TaskKind::DROP_SHARD);
  EXPECT_EQ(out[1].kind, TaskKind::SERVE_SHARD);
  EXPECT_EQ(out[1].node, 2);
  w.lead(7, "a", 2, 98);
  out = check(w);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].kind, TaskKind::DROP_SHARD);
  EXPECT_EQ(out[1].kind, TaskKind::DROP_SHARD) << "both are taken";
}

TEST(channel_checker_rules, a_channel_led_by_a_drained_node_gets_a_leader_on_another_first) {
  auto w = small();
  auto& replica = w.collections[7].desired->replicas[0];
  replica.nodes = {2};
  replica.read_only_nodes = {1};
  auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::SERVE_SHARD);
  EXPECT_EQ(out[0].why, reason::node_read_only);
  EXPECT_EQ(out[0].node, 2);
  EXPECT_EQ(out[0].assignments, (std::vector<std::pair<std::int64_t, std::int64_t>>{{11, 1}, {12, 2}}))
      << "what the drained node holds is served from there until it moves";
  w.lead(7, "a", 2, 101, 5, 2);
  out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::DROP_SHARD);
  EXPECT_EQ(out[0].node, 1);
}

TEST(channel_checker_rules, the_first_order_serves_next_while_there_is_no_current) {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  w.collections[7].head->current = 0;
  w.collections[7].head->next = 9;
  w.segment(7, 11, 100, 0, 9).segment(7, 12, 100, 0, 9);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].target_version, 9);
  ASSERT_EQ(out[0].assignments.size(), 2u);
  EXPECT_NE(out[0].assignments[0].second, out[0].assignments[1].second) << "spread over the nodes";
}

TEST(channel_checker_rules, unknown_is_not_empty) {
  auto w = small();
  w.unlead(7, "a", 1).unknown(2);
  EXPECT_TRUE(check(w).empty());
  w.gone(2);
  EXPECT_EQ(check(w).size(), 1u);
}

TEST(channel_checker_rules, a_task_on_the_channel_is_waited_for) {
  auto w = small();
  w.unlead(7, "a", 1);
  w.collections[7].tasks = {a_task(TaskKind::SERVE_SHARD, 101, 0)};
  EXPECT_TRUE(check(w).empty());
  w.collections[7].tasks = {a_task(TaskKind::LOAD_SEGMENT, 101, 11)};
  EXPECT_EQ(check(w).size(), 1u);
}

TEST(channel_checker_rules, without_a_usable_node_nothing_is_proposed) {
  auto w = small();
  w.unlead(7, "a", 1);
  w.nodes.at(1).stopping = w.nodes.at(2).stopping = true;
  EXPECT_TRUE(check(w).empty());
}

TEST(channel_checker_rules, a_delegator_of_a_channel_in_no_target_is_dropped) {
  // C04
  auto w = small();
  w.lead(7, "y", 1, 101, 5, 3);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::DROP_SHARD);
  EXPECT_EQ(out[0].why, reason::channel_not_in_target);
  EXPECT_EQ(out[0].channel, "y");
  EXPECT_EQ(out[0].version, 3);
}

TEST(channel_checker_rules, the_older_of_two_delegators_goes_once_the_newer_is_serviceable) {
  // C05
  auto w = small();
  w.lead(7, "a", 2, 101, 0, 2, false);
  EXPECT_TRUE(check(w).empty());
  w.lead(7, "a", 2, 101, 5, 2, true);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].why, reason::channel_repeated);
  EXPECT_EQ(out[0].node, 1);
  EXPECT_EQ(out[0].version, 1);
}

TEST(channel_checker_rules, a_delegator_outside_its_replica_is_dropped) {
  // C06
  auto w = small();
  w.usable({9}).lead(7, "a", 9);
  auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].why, reason::channel_foreign);
  EXPECT_EQ(out[0].replica, 0);
  EXPECT_EQ(out[0].node, 9);
  w.unlead(7, "a", 9).lead(7, "a", 2, 102);
  out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].node, 2) << "of a replica that the node does not belong to";
}

TEST(channel_checker_rules, delegators_of_a_released_collection_are_dropped_where_nodes_are_usable) {
  auto w = small(2);
  w.collections[7].desired.reset();
  EXPECT_EQ(check(w).size(), 2u);
  w.suspect(2);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].why, reason::channel_released);
  EXPECT_EQ(out[0].node, 1);
}

} // namespace
} // namespace muster
