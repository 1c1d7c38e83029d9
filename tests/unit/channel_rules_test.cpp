// Rules of channel_checker: channels that a replica lacks, delegators that nobody needs.
#include "actors/core/channel_rules.hpp"
#include "actors/core/segment_rules.hpp"
#include "messages/limits.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace muster {
namespace {

using schema::TaskKind;
using schema::TaskPriority;

std::vector<proposal> check(world& w) {
  const auto touched = w.whole();
  channel_rules rules;
  return rules.check(w.view, touched);
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

TEST(channel_checker_rules, what_a_failed_order_left_on_every_node_makes_room_for_the_next_one) {
  // Seed 1343: both nodes that could take over from the drained one had half of a leader each, and it was never dropped.
  auto w = small();
  w.usable({3});
  auto& replica = w.collections[7].desired->replicas[0];
  replica.nodes = {2, 3};
  replica.read_only_nodes = {1};
  w.lead(7, "a", 2, 101, 0, 5, false);
  auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::SERVE_SHARD);
  EXPECT_EQ(out[0].node, 3) << "a free node first";
  w.lead(7, "a", 3, 101, 0, 6, false);
  w.collections[7].tasks = {a_task(TaskKind::SERVE_SHARD, 101, 0)};
  EXPECT_TRUE(check(w).empty()) << "it may still become whole";
  w.collections[7].tasks.clear();
  out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::DROP_SHARD);
  EXPECT_EQ(out[0].node, 2);
  EXPECT_EQ(out[0].version, 5);
}

TEST(channel_checker_rules, of_two_leaders_the_one_on_a_node_that_leaves_again_goes) {
  // Seed 2590: the newer one was set up on a node that then became the one to be drained, and neither went.
  auto w = small();
  auto& replica = w.collections[7].desired->replicas[0];
  replica.nodes = {1};
  replica.read_only_nodes = {2};
  w.lead(7, "a", 2, 101, 5, 9);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::DROP_SHARD);
  EXPECT_EQ(out[0].node, 2);
  EXPECT_EQ(out[0].version, 9);
  w.lead(7, "a", 1, 101, 0, 1, false);
  const auto none = check(w);
  EXPECT_TRUE(std::none_of(none.begin(), none.end(), [](const proposal& p) { return p.node == 2; }))
    << "the only one that can be searched stays";
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
  w.collections[7].tasks = {a_task(TaskKind::MOVE_SHARD, 101, 0)};
  EXPECT_TRUE(check(w).empty()); // it is being completed
  w.collections[7].tasks.clear();
  w.lead(7, "a", 2, 101, 5, 2, true);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].why, reason::channel_repeated);
  EXPECT_EQ(out[0].node, 1);
  EXPECT_EQ(out[0].version, 1);
}

TEST(channel_checker_rules, what_is_left_of_a_move_that_failed_goes_while_the_leader_stays) {
  // Simulator seed 969: nobody completed the second leader, whose view kept a second copy of each segment.
  auto w = small();
  w.lead(7, "a", 2, 101, 0, 2, false);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].why, reason::channel_repeated);
  EXPECT_EQ(out[0].node, 2);
  EXPECT_EQ(out[0].version, 2);
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

TEST(channel_checker_rules, without_a_target_only_what_is_outside_its_replica_goes) {
  // C06
  world w;
  w.usable({1, 2}).loaded(7, {{1}});
  w.collections[7].head.reset();
  w.lead(7, "x", 1).lead(7, "x", 2, 101, 0, 2);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::DROP_SHARD);
  EXPECT_EQ(out[0].node, 2);
  EXPECT_EQ(out[0].channel, "x");
  EXPECT_EQ(out[0].replica, 0);
}

TEST(channel_checker_rules, every_channel_task_is_of_high_priority) {
  // Q9
  auto w = small(2);
  w.usable({9});
  w.lead(7, "a", 9).lead(7, "y", 1).lead(7, "a", 2, 101, 5, 2).unlead(7, "b", 2);
  w.loaded(8, {{1}});
  w.lead(8, "a", 1);
  w.collections[8].desired.reset();
  const auto out = check(w);
  std::set<reason> seen;
  for (const auto& p : out) {
    seen.insert(p.why);
    EXPECT_EQ(p.priority, TaskPriority::HIGH) << to_string(p.why);
  }
  EXPECT_EQ(seen, (std::set<reason>{reason::channel_lacking, reason::channel_released, reason::channel_not_in_target,
                                    reason::channel_repeated, reason::channel_foreign}));
}

TEST(channel_checker_rules, a_first_load_takes_the_priority_of_its_replica_and_a_lost_shard_comes_back_with_high) {
  auto w = small();
  w.collections[7].desired->replicas[0].load_priority = schema::LoadPriority::LOW;
  w.unlead(7, "a", 1);
  EXPECT_EQ(check(w).at(0).load_priority, schema::LoadPriority::HIGH);
  w.collections[7].head->next = 5;
  w.collections[7].head->current = 0;
  EXPECT_EQ(check(w).at(0).load_priority, schema::LoadPriority::LOW);
}

TEST(channel_checker_rules, what_the_limit_of_proposals_cut_off_follows_with_the_next_check) {
  world w;
  w.usable({1});
  const auto many = static_cast<std::int64_t>(limits::proposals_per_batch + 10);
  for (std::int64_t c = 1; c <= many; ++c)
    w.loaded(c, {{1}});
  channel_rules rules;
  EXPECT_EQ(rules.check(w.view, w.whole()).size(), limits::proposals_per_batch);
  EXPECT_TRUE(rules.more());
  EXPECT_EQ(rules.check(w.view, {}).size(), 10u);
  EXPECT_FALSE(rules.more());
}

TEST(channel_checker_rules, channels_before_segments) {
  // C02: a channel that nobody leads and a foreign one: first the channel is assigned; once it is led, its segment.
  world w;
  w.usable({1, 2}).loaded(7, {{1}});
  w.segment(7, 11).lead(7, "y", 2);
  segment_rules segments;
  auto out = check(w);
  EXPECT_EQ(std::count_if(out.begin(), out.end(), [](const proposal& p) { return p.why == reason::channel_lacking; }), 1);
  EXPECT_EQ(std::count_if(out.begin(), out.end(), [](const proposal& p) { return p.why == reason::channel_foreign; }), 1);
  EXPECT_TRUE(segments.check(w.view, w.whole()).empty());
  w.lead(7, "a", 1);
  const auto loads = segments.check(w.view, w.publish_shards(7));
  ASSERT_EQ(loads.size(), 1u);
  EXPECT_EQ(loads[0].segment, 11);
}

TEST(channel_checker_rules, the_slow_walk_finds_a_channel_that_no_change_told) {
  auto w = small();
  channel_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  w.unlead(7, "a", 1);
  w.publish_shards(7);
  sweep_cursor cursor;
  const auto found = cursor.slice(rules, w.view, 1000);
  EXPECT_EQ(found.defects, 1u);
  EXPECT_EQ(found.proposals.size(), 1u);
  EXPECT_TRUE(found.round_done);
  EXPECT_EQ(cursor.slice(rules, w.view, 1000).defects, 0u);
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
