// LoadBalance, TransferSegment and TransferChannel: what they propose and what they refuse.
#include "actors/core/moves_by_hand.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

/// Collection 7: replica 101 on nodes 1 to 3, replica 102 on 4 and 5; segments 1 to 4 on nodes 1 and 4, channels "a" there.
world two_replicas() {
  world w;
  w.usable({1, 2, 3, 4, 5, 9}).loaded(7, {{1, 2, 3}, {4, 5}});
  w.lead(7, "a", 1, 101).lead(7, "a", 4, 102);
  for (std::int64_t s = 1; s <= 4; ++s) {
    w.segment(7, s, 10);
    w.copy(7, s, 1).route(7, s, 1, 1).copy(7, s, 4).route(7, s, 4, 4);
  }
  w.whole();
  return w;
}

load_balance ask(std::vector<std::int64_t> sources, std::vector<std::int64_t> destinations = {},
                 std::vector<std::int64_t> segments = {}, std::int64_t collection = 7) {
  return {collection, std::move(sources), std::move(destinations), std::move(segments)};
}

TEST(moves_by_hand, load_balance_moves_all_or_the_named_segments_inside_the_replica) {
  // T-SVC-21, H-10: never to the source
  const auto w = two_replicas();
  auto plan = plan_load_balance(w.view, ask({1}));
  EXPECT_EQ(plan.why, hand_refusal::none);
  ASSERT_EQ(plan.moves.size(), 4u);
  for (const auto& p : plan.moves) {
    EXPECT_EQ(p.kind, schema::TaskKind::MOVE_SEGMENT);
    EXPECT_EQ(p.priority, schema::TaskPriority::NORMAL);
    EXPECT_EQ(p.replica, 101);
    EXPECT_EQ(p.source, 1);
    EXPECT_TRUE(p.node == 2 || p.node == 3);
    EXPECT_EQ(p.channel, "a");
    EXPECT_EQ(p.why, reason::moved_by_hand);
  }
  plan = plan_load_balance(w.view, ask({1}, {3}, {2}));
  ASSERT_EQ(plan.moves.size(), 1u);
  EXPECT_EQ(plan.moves[0].segment, 2);
  EXPECT_EQ(plan.moves[0].node, 3);
}

TEST(moves_by_hand, load_balance_refuses_with_its_reason) {
  // T-SVC-23, T-SVC-25
  auto w = two_replicas();
  const auto why = [&](const load_balance& a) { return plan_load_balance(w.view, a).why; };
  EXPECT_EQ(why(ask({})), hand_refusal::source_missing);
  EXPECT_EQ(why(ask({1, 2})), hand_refusal::source_missing);
  EXPECT_EQ(why(ask({1}, {}, {}, 8)), hand_refusal::collection_not_loaded);
  EXPECT_EQ(why(ask({9})), hand_refusal::source_outside_replica);
  EXPECT_EQ(why(ask({1}, {4})), hand_refusal::destination_outside_replica);
  EXPECT_EQ(why(ask({1}, {1})), hand_refusal::no_destination);
  EXPECT_EQ(why(ask({2}, {}, {1})), hand_refusal::segment_not_on_source);
  w.nodes.at(3).stopping = true;
  w.whole();
  EXPECT_EQ(why(ask({1}, {3})), hand_refusal::destination_unavailable);
  EXPECT_EQ(why(ask({3})), hand_refusal::source_unavailable);
  w.collections[7].desired->status = schema::LoadStatus::LOADING;
  w.whole();
  EXPECT_EQ(why(ask({1})), hand_refusal::collection_not_loaded);
}

TEST(moves_by_hand, segments_that_no_target_names_are_passed_over) {
  auto w = two_replicas();
  w.collections[7].target.at(2).to = 5;
  w.whole();
  EXPECT_EQ(plan_load_balance(w.view, ask({1}, {}, {1, 2})).moves.size(), 1u);
}

TEST(moves_by_hand, transfer_segment_stays_in_the_replica_of_the_source) {
  // T-OPS-07, H-13, H-14
  auto w = two_replicas();
  transfer t;
  t.source = 1;
  t.destination = 2;
  t.segment = 3;
  auto plan = plan_transfer_segment(w.view, t);
  ASSERT_EQ(plan.moves.size(), 1u);
  EXPECT_EQ(plan.moves[0].node, 2);
  t.destination = 5;
  EXPECT_EQ(plan_transfer_segment(w.view, t).why, hand_refusal::destination_outside_replica);
  EXPECT_EQ(plan_transfer_segment(w.view, t).about, 5);
  t.destination = 2;
  t.segment = 99;
  EXPECT_EQ(plan_transfer_segment(w.view, t).why, hand_refusal::segment_not_on_source);
  t.all = true;
  EXPECT_EQ(plan_transfer_segment(w.view, t).moves.size(), 4u);
  t.to_all_nodes = true;
  plan = plan_transfer_segment(w.view, t);
  std::map<std::int64_t, int> got;
  for (const auto& p : plan.moves)
    ++got[p.node];
  EXPECT_EQ(got, (std::map<std::int64_t, int>{{2, 2}, {3, 2}}));
  t.copy = true;
  EXPECT_EQ(plan_transfer_segment(w.view, t).why, hand_refusal::copies_not_supported);
  t.copy = false;
  t.to_all_nodes = false;
  t.destination = 77;
  EXPECT_EQ(plan_transfer_segment(w.view, t).why, hand_refusal::destination_unavailable);
  t.source = 77;
  EXPECT_EQ(plan_transfer_segment(w.view, t).why, hand_refusal::source_unavailable);
}

TEST(moves_by_hand, a_named_segment_is_found_whatever_else_is_on_the_node) {
  // H-14: other collections on the source have nothing to say
  auto w = two_replicas();
  w.loaded(8, {{1, 2}});
  w.lead(8, "a", 1);
  w.segment(8, 50, 10);
  w.copy(8, 50, 1).route(8, 50, 1, 1);
  w.whole();
  transfer t;
  t.source = 1;
  t.destination = 2;
  t.segment = 50;
  const auto plan = plan_transfer_segment(w.view, t);
  ASSERT_EQ(plan.moves.size(), 1u);
  EXPECT_EQ(plan.moves[0].collection, 8);
}

TEST(moves_by_hand, from_a_node_of_no_replica_there_is_nothing_to_move) {
  const auto w = two_replicas();
  transfer t;
  t.source = 9;
  t.destination = 2;
  t.segment = 1;
  EXPECT_EQ(plan_transfer_segment(w.view, t).why, hand_refusal::none);
  EXPECT_TRUE(plan_transfer_segment(w.view, t).moves.empty());
  EXPECT_TRUE(plan_transfer_channel(w.view, t).moves.empty());
}

TEST(moves_by_hand, transfer_channel_moves_the_lead) {
  const auto w = two_replicas();
  transfer t;
  t.source = 1;
  t.destination = 3;
  t.channel = "a";
  auto plan = plan_transfer_channel(w.view, t);
  ASSERT_EQ(plan.moves.size(), 1u);
  EXPECT_EQ(plan.moves[0].kind, schema::TaskKind::MOVE_SHARD);
  EXPECT_EQ(plan.moves[0].priority, schema::TaskPriority::HIGH);
  EXPECT_EQ(plan.moves[0].node, 3);
  t.channel = "b";
  EXPECT_EQ(plan_transfer_channel(w.view, t).why, hand_refusal::channel_not_on_source);
  t.channel = "a";
  t.destination = 4;
  EXPECT_EQ(plan_transfer_channel(w.view, t).why, hand_refusal::destination_outside_replica);
}

} // namespace
} // namespace muster
