// Rules of target_observer: how next differs from what is there, and when next may become current.
#include "actors/core/target_rules.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using ready = std::vector<std::pair<std::int64_t, std::int64_t>>;

/// Collection 7 with current 5 of segments 11, 12 and next 6 that adds 13; all routed but 13. Two replicas of two nodes.
world small() {
  world w;
  w.usable({1, 2, 3, 4}).loaded(7, {{1, 2}, {3, 4}});
  w.collections[7].head->next = 6;
  w.segment(7, 11).segment(7, 12).settle(7);
  w.segment(7, 13, 100, 0, 6);
  return w;
}

world& route_13(world& w) {
  return w.copy(7, 13, 2).route(7, 13, 1, 2).copy(7, 13, 4).route(7, 13, 3, 4);
}

ready check(world& w) {
  promotion_rules rules;
  return rules.check(w.view, w.whole());
}

TEST(target_differences, only_what_differs_from_the_newest_target_is_named) {
  world w;
  w.loaded(7, {{1}});
  w.segment(7, 11).segment(7, 12).segment(7, 10, 1, 0, 3, 5);
  w.whole();
  target_row a{11, 1, 0, 0, 1, 1, 0};
  target_row b{13, 1, 0, 0, 1, 1, 0};
  auto d = difference(*w.view.collection(7), {a, b});
  ASSERT_EQ(d.added.size(), 1u);
  EXPECT_EQ(d.added[0].segment, 13);
  EXPECT_EQ(d.dropped, std::vector<std::int64_t>{12}) << "10 was dropped before";
  target_row c{12, 1, 0, 0, 1, 1, 0};
  EXPECT_TRUE(difference(*w.view.collection(7), {a, c}).empty());
  // One that was dropped before is wanted again.
  target_row again{10, 1, 0, 0, 1, 1, 0};
  EXPECT_EQ(difference(*w.view.collection(7), {a, c, again}).added.size(), 1u);
  // With a next, that is what counts.
  w.collections[7].head->next = 6;
  w.segment(7, 13, 100, 0, 6);
  w.whole();
  EXPECT_TRUE(difference(*w.view.collection(7), {a, b, c}).empty());
}

TEST(target_differences, other_indexes_of_segments_that_stay_are_named_and_make_it_differ) {
  world w;
  w.loaded(7, {{1}});
  w.segment(7, 11).segment(7, 12);
  w.whole();
  target_row a{11, 1, 0, 0, 1, 1, 0};
  target_row b{12, 1, 0, 0, 1, 1, 0};
  EXPECT_TRUE(difference(*w.view.collection(7), {a, b}).empty());
  b.indexes = 4;
  auto d = difference(*w.view.collection(7), {a, b});
  EXPECT_TRUE(d.added.empty() && d.dropped.empty());
  ASSERT_EQ(d.indexed.size(), 1u);
  EXPECT_EQ(d.indexed[0].segment, 12);
  EXPECT_EQ(d.indexes, 4u);
  EXPECT_TRUE(d.indexes_changed);
  w.collections[7].head->indexes = 4;
  w.whole();
  EXPECT_FALSE(difference(*w.view.collection(7), {a, b}).indexes_changed);
  EXPECT_TRUE(difference(*w.view.collection(7), {a}).indexes_changed) << "the last segment with an index went";
}

TEST(promotion_rule, next_becomes_current_when_every_replica_routes_all_of_it) {
  auto w = small();
  EXPECT_EQ(check(w), ready{});
  w.copy(7, 13, 2).route(7, 13, 1, 2);
  EXPECT_EQ(check(w), ready{}) << "one replica is not all";
  route_13(w);
  EXPECT_EQ(check(w), (ready{{7, 6}}));
}

TEST(promotion_rule, what_is_lacking_is_counted_per_segment_and_replica) {
  auto w = small();
  promotion_rules rules;
  rules.check(w.view, w.whole());
  EXPECT_EQ(rules.lacking(7), 2u);
  w.copy(7, 13, 2).route(7, 13, 1, 2);
  rules.check(w.view, w.publish_segments(7, {13}));
  EXPECT_EQ(rules.lacking(7), 1u);
  route_13(w);
  EXPECT_EQ(rules.check(w.view, w.publish_segments(7, {13})), (ready{{7, 6}}));
  EXPECT_EQ(rules.lacking(7), 0u);
}

TEST(promotion_rule, a_channel_without_a_usable_leader_keeps_next_waiting) {
  auto w = small();
  route_13(w).unlead(7, "a", 3);
  EXPECT_EQ(check(w), ready{});
  w.lead(7, "a", 3, 102);
  w.nodes.at(3).stopping = true;
  EXPECT_EQ(check(w), ready{});
}

TEST(promotion_rule, a_route_to_a_worker_that_is_cut_off_does_not_count_until_it_is_back) {
  // T-NODE-07
  auto w = small();
  route_13(w);
  w.nodes.at(4).liveness = schema::NodeLiveness::SUSPECT;
  promotion_rules rules;
  EXPECT_EQ(rules.check(w.view, w.whole()), ready{});
  w.nodes.at(4).liveness = schema::NodeLiveness::CONNECTED;
  EXPECT_EQ(rules.check(w.view, w.publish({})), (ready{{7, 6}}));
}

TEST(promotion_rule, unknown_is_not_empty) {
  auto w = small();
  route_13(w).unknown(2);
  EXPECT_EQ(check(w), ready{});
}

TEST(promotion_rule, a_replica_whose_nodes_are_all_gone_is_not_waited_for_but_one_must_be_there) {
  auto w = small();
  route_13(w).gone(3).gone(4);
  EXPECT_EQ(check(w), (ready{{7, 6}}));
  w.gone(1).gone(2);
  EXPECT_EQ(check(w), ready{});
}

TEST(promotion_rule, another_leader_must_route_everything_itself) {
  auto w = small();
  route_13(w);
  promotion_rules rules;
  ASSERT_EQ(rules.check(w.view, w.whole()).size(), 1u);
  w.lead(7, "a", 2, 101, 0, 9, true).unlead(7, "a", 1);
  EXPECT_EQ(rules.check(w.view, w.publish_shards(7)), ready{});
  EXPECT_EQ(rules.lacking(7), 3u);
}

TEST(promotion_rule, without_a_next_there_is_nothing_to_promote) {
  auto w = small();
  route_13(w);
  w.collections[7].head->next = 0;
  EXPECT_EQ(check(w), ready{});
  w.collections[7].head->next = 6;
  w.collections[7].desired.reset();
  EXPECT_EQ(check(w), ready{});
}

TEST(promotion_rule, a_next_without_segments_needs_only_its_leaders) {
  world w;
  w.usable({1}).loaded(7, {{1}});
  w.collections[7].head->current = 0;
  w.collections[7].head->next = 6;
  EXPECT_EQ(check(w), ready{});
  w.lead(7, "a", 1, 101, 0, 1, false);
  EXPECT_EQ(check(w), (ready{{7, 6}}));
}

} // namespace
} // namespace muster
