// Rules of each kind of task: what it needs, to whom its order goes, what it says, when it is done.
#include "tests/unit/task_desk.hpp"

#include "actors/core/task_rules.hpp"

#include <gtest/gtest.h>

namespace muster::task_tests {
namespace {

proposal of_kind(TaskKind kind) {
  auto p = load_13();
  p.kind = kind;
  return p;
}

msg<schema::Order> order_of(desk& d, std::int64_t task) {
  return build<schema::Order>([&](schema::Order::Builder b) { d.tasks.write_order(task, d.w.view, b); });
}

proposal move_shard(std::int64_t to = 2, std::int64_t from = 1) {
  auto p = of_kind(TaskKind::MOVE_SHARD);
  p.segment = 0;
  p.node = to;
  p.source = from;
  p.priority = TaskPriority::HIGH;
  return p;
}

// -- well-formed ----------------------------------------------------------------------

TEST(task_kinds, a_proposal_that_lacks_what_its_kind_needs_is_refused_as_malformed) {
  // T17
  lacking d;
  for (int kind = 0; kind <= 12; ++kind) {
    auto p = of_kind(static_cast<TaskKind>(kind));
    p.segment = 0;
    p.channel.clear();
    EXPECT_EQ(d.admit(p), reason::proposal_malformed) << "no action, neither a segment nor a channel: kind " << kind;
  }
  auto p = load_13();
  p.collection = 0;
  EXPECT_EQ(d.admit(p), reason::proposal_malformed);
  p = load_13(0);
  EXPECT_EQ(d.admit(p), reason::proposal_malformed) << "a task without a node";
  p = move_12();
  p.source = p.node;
  EXPECT_EQ(d.admit(p), reason::proposal_malformed);
  p = of_kind(TaskKind::UPDATE_INDEX);
  EXPECT_EQ(d.admit(p), reason::proposal_malformed) << "which index?";
  EXPECT_EQ(d.tasks.size(), 0u);
}

TEST(task_kinds, a_node_that_nobody_knows_gets_no_task) {
  // T18
  lacking d;
  EXPECT_EQ(d.admit(load_13(-1)), reason::premise_gone);
}

// -- loads ----------------------------------------------------------------------------

TEST(task_kinds, a_load_goes_to_the_leader_which_is_told_the_worker_and_the_version_is_the_task) {
  // E01, I-E2, I-E3
  lacking d;
  auto p = load_13();
  p.load_priority = schema::LoadPriority::LOW;
  ASSERT_EQ(d.admit(p), reason::none);
  const auto due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].node, 1) << "the leader, not the worker";
  const auto order = order_of(d, due[0].task);
  const auto load = order->getLoadSegment();
  EXPECT_EQ(load.getCollection(), 7);
  EXPECT_EQ(load.getReplica(), 101);
  EXPECT_EQ(load.getWorker().getNode(), 3);
  EXPECT_EQ(load.getVersion(), due[0].task);
  EXPECT_EQ(load.getScope(), schema::LoadScope::FULL);
  EXPECT_EQ(load.getPriority(), schema::LoadPriority::LOW);
}

TEST(task_kinds, a_load_without_a_leader_in_the_replica_is_refused_for_that) {
  lacking d;
  d.w.unlead(7, "a", 1);
  d.w.whole();
  EXPECT_EQ(d.admit(load_13()), reason::replica_unserved);
}

TEST(task_kinds, a_load_to_a_stopping_node_is_refused_and_one_that_waited_ends) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.w.nodes.at(3).stopping = true;
  d.w.whole();
  EXPECT_TRUE(d.dispatch().empty());
  EXPECT_EQ(d.tasks.size(), 0u);
  d.publish();
  EXPECT_EQ(d.admit(load_13()), reason::premise_gone);
}

TEST(task_kinds, of_two_loads_the_one_whose_segment_left_the_targets_ends_and_the_other_goes_on) {
  // T12
  lacking d;
  d.w.segment(7, 14, 10);
  d.w.whole();
  auto p = load_13();
  ASSERT_EQ(d.admit(p), reason::none);
  const auto first = d.last;
  p.segment = 14;
  ASSERT_EQ(d.admit(p), reason::none);
  const auto second = d.last;
  d.w.collections.at(7).target.erase(13);
  d.w.whole();
  const auto due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].task, second);
  for (const auto& r : d.tasks.records(7, d.now))
    if (r.id == first) {
      EXPECT_EQ(r.status, schema::TaskStatus::CANCELED);
    }
}

// -- releases -------------------------------------------------------------------------

TEST(task_kinds, a_release_in_a_collection_that_nobody_wants_goes_to_the_holder_itself) {
  // T07, E05
  desk d;
  d.w.collections.at(7).desired.reset();
  d.w.whole();
  ASSERT_EQ(d.admit(release(12, 2, 0, "")), reason::none);
  const auto due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].node, 2);
  EXPECT_EQ(order_of(d, due[0].task)->getReleaseSegment().getChannel().size(), 0u);
  d.w.uncopy(7, 12, 2);
  d.w.whole();
  d.answer(due[0].task, ec::ok, {{2, 1, 2}});
  d.report(2, 2);
  EXPECT_EQ(d.tasks.size(), 0u);
  EXPECT_EQ(d.tasks.records(7, d.now).at(0).status, schema::TaskStatus::SUCCEEDED);
}

TEST(task_kinds, a_release_through_a_leader_that_is_missing_is_refused) {
  // E04
  desk d;
  d.w.unlead(7, "a", 1).segment(7, 12, 100, 0, 1, 5); // no longer in the target
  d.w.whole();
  EXPECT_EQ(d.admit(release(12, 2)), reason::premise_gone);
}

TEST(task_kinds, what_a_stopping_node_holds_can_be_released) {
  desk d;
  d.w.nodes.at(2).stopping = true;
  d.w.segment(7, 12, 100, 0, 1, 5);
  d.w.whole();
  EXPECT_EQ(d.admit(release(12, 2)), reason::none);
}

// -- moves ----------------------------------------------------------------------------

TEST(task_kinds, a_move_remembers_the_leader_that_it_loaded_through_and_ends_when_another_leads) {
  // T24, T25, E03
  desk d;
  d.w.segment(7, 12);
  ASSERT_EQ(d.admit(move_12()), reason::none);
  const auto task = d.dispatch().at(0).task;
  d.w.copy(7, 12, 3).route(7, 12, 1, 3);
  d.w.lead(7, "a", 2, 101, 5, 9).route(7, 12, 2, 3); // a newer leader, on another node
  d.w.whole();
  d.answer(task);
  EXPECT_TRUE(d.dispatch().empty()) << "no release is sent";
  const auto r = d.tasks.records(7, d.now).at(0);
  EXPECT_EQ(r.end, reason::leader_changed);
  EXPECT_EQ(r.status, schema::TaskStatus::FAILED);
}

TEST(task_kinds, a_move_whose_destination_begins_to_stop_releases_nothing) {
  // T28
  desk d;
  ASSERT_EQ(d.admit(move_12()), reason::none);
  const auto task = d.dispatch().at(0).task;
  d.w.copy(7, 12, 3).route(7, 12, 1, 3);
  d.w.nodes.at(3).stopping = true;
  d.w.whole();
  d.answer(task);
  EXPECT_TRUE(d.dispatch().empty());
  EXPECT_EQ(d.tasks.records(7, d.now).at(0).status, schema::TaskStatus::CANCELED);
}

TEST(task_kinds, a_move_whose_source_lost_the_segment_is_done_when_it_is_loaded) {
  desk d;
  ASSERT_EQ(d.admit(move_12()), reason::none);
  const auto task = d.dispatch().at(0).task;
  d.w.copy(7, 12, 3).route(7, 12, 1, 3).uncopy(7, 12, 2);
  d.w.whole();
  d.answer(task);
  EXPECT_TRUE(d.dispatch().empty());
  EXPECT_EQ(d.tasks.records(7, d.now).at(0).end, reason::done);
}

TEST(task_kinds, a_shard_moves_in_two_steps_and_the_first_ends_when_the_destination_leads) {
  // T19, T20, I-T5, I-T9
  desk d;
  ASSERT_EQ(d.admit(move_shard()), reason::none);
  EXPECT_EQ(d.load(2).channels_in_flight, 1);
  EXPECT_EQ(d.load(1).channels_in_flight, -1);
  auto due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].node, 2);
  const auto task = due[0].task;
  auto order = order_of(d, task);
  ASSERT_TRUE(order->isServeShard());
  EXPECT_EQ(order->getServeShard().getSegments().size(), 2u) << "every segment, where it is now";
  EXPECT_EQ(order->getServeShard().getTargetVersion(), 5);
  // Its node has the channel, but cannot be searched yet: the old leader still leads.
  d.w.lead(7, "a", 2, 101, 0, task, false);
  d.w.whole();
  d.answer(task, ec::ok, {{2, 1, 2}});
  d.report(2, 2);
  EXPECT_TRUE(d.dispatch().empty());
  EXPECT_EQ(d.tasks.size(), 1u);
  d.w.lead(7, "a", 2, 101, 5, task, true);
  d.report(2, 3);
  due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].node, 1);
  order = order_of(d, task);
  ASSERT_TRUE(order->isDropShard());
  EXPECT_LT(order->getDropShard().getVersion(), task);
  EXPECT_GE(order->getDropShard().getVersion(), 1);
  d.w.unlead(7, "a", 1);
  d.w.whole();
  d.answer(task, ec::ok, {{1, 1, 2}});
  d.report(1, 2);
  EXPECT_EQ(d.tasks.size(), 0u);
  EXPECT_EQ(d.tasks.records(7, d.now).at(0).end, reason::done);
  EXPECT_EQ(d.load(2).channels_in_flight, 0);
  EXPECT_EQ(d.load(1).channels_in_flight, 0);
}

TEST(task_kinds, a_shard_is_not_moved_when_a_segment_of_it_is_nowhere_or_the_source_does_not_lead) {
  lacking d;
  EXPECT_EQ(d.admit(move_shard()), reason::premise_gone) << "segment 13 is lacking";
  desk e;
  EXPECT_EQ(e.admit(move_shard(2, 3)), reason::premise_gone);
  e.w.lead(7, "a", 2, 101, 5, 0);
  e.w.whole();
  EXPECT_EQ(e.admit(move_shard()), reason::premise_gone) << "the destination has the channel already";
}

TEST(task_kinds, a_shard_that_never_becomes_searchable_at_its_destination_ends_at_the_deadline) {
  desk d;
  ASSERT_EQ(d.admit(move_shard()), reason::none);
  const auto task = d.dispatch().at(0).task;
  d.w.lead(7, "a", 2, 101, 0, task, false);
  d.w.whole();
  d.answer(task, ec::ok, {{2, 1, 1}});
  EXPECT_EQ(d.tasks.size(), 1u);
  EXPECT_EQ(d.tasks.held().running, 0u) << "a wait holds no slot";
  d.tasks.on_time(d.now + order_ns);
  EXPECT_EQ(d.tasks.size(), 0u);
}

// -- channels -------------------------------------------------------------------------

TEST(task_kinds, a_channel_that_a_node_of_the_replica_leads_already_is_not_served_again) {
  // T02
  desk d;
  auto p = of_kind(TaskKind::SERVE_SHARD);
  p.segment = 0;
  p.target_version = 5;
  EXPECT_EQ(d.admit(p), reason::premise_gone);
}

TEST(task_kinds, channels_are_ordered_at_the_next_dispatch_and_done_when_their_node_reports_them) {
  // T01
  desk d;
  d.w.loaded(8, {{1, 2, 3}}, 2);
  d.w.whole();
  auto p = of_kind(TaskKind::SERVE_SHARD);
  p.collection = 8;
  p.segment = 0;
  p.target_version = 5;
  ASSERT_EQ(d.admit(p), reason::none);
  p.channel = "b";
  ASSERT_EQ(d.admit(p), reason::none);
  EXPECT_EQ(d.tasks.held().waiting, 2u);
  EXPECT_EQ(d.tasks.held().running, 0u);
  const auto due = d.dispatch();
  ASSERT_EQ(due.size(), 2u);
  EXPECT_EQ(d.tasks.held().running, 2u);
  for (const auto& o : due) {
    EXPECT_EQ(o.node, 3);
    d.answer(o.task, ec::ok, {{3, 1, 2}});
  }
  d.w.lead(8, "a", 3, 101, 5, due[0].task).lead(8, "b", 3, 101, 5, due[1].task);
  d.report(3, 2);
  EXPECT_EQ(d.tasks.size(), 0u);
  for (const auto& r : d.tasks.records(8, d.now))
    EXPECT_EQ(r.status, schema::TaskStatus::SUCCEEDED);
}

TEST(task_kinds, a_drop_of_a_channel_that_is_not_there_needs_no_order) {
  // T03
  desk d;
  d.w.lead(7, "a", 2, 101, 5, 0);
  d.w.whole();
  EXPECT_EQ(d.admit(drop("b", 2, 101, 0)), reason::premise_gone);
  ASSERT_EQ(d.admit(drop("a", 2, 101, 0)), reason::none);
  d.w.unlead(7, "a", 2);
  d.w.whole();
  EXPECT_TRUE(d.dispatch().empty());
  EXPECT_EQ(d.tasks.size(), 0u);
}

TEST(task_kinds, a_waiting_channel_task_is_replaced_by_a_more_urgent_one_only) {
  // T13
  desk d;
  d.w.lead(7, "a", 2, 101, 5, 0);
  d.w.whole();
  auto p = drop("a", 2, 101, 0);
  p.priority = TaskPriority::NORMAL;
  ASSERT_EQ(d.admit(p), reason::none);
  const auto first = d.last;
  EXPECT_EQ(d.admit(p), reason::key_taken);
  p.priority = TaskPriority::LOW;
  EXPECT_EQ(d.admit(p), reason::key_taken);
  p.priority = TaskPriority::HIGH;
  EXPECT_EQ(d.admit(p), reason::none);
  EXPECT_EQ(d.tasks.size(), 1u);
  for (const auto& r : d.tasks.records(7, d.now))
    if (r.id == first) {
      EXPECT_EQ(r.status, schema::TaskStatus::CANCELED); // I-T6
      EXPECT_EQ(r.end, reason::replaced);
    }
}

TEST(task_kinds, a_more_urgent_move_is_checked_like_any_other_before_it_replaces) {
  // Q7
  desk d;
  d.w.copy(7, 12, 3).route(7, 12, 1, 3);
  d.w.whole();
  ASSERT_EQ(d.admit(release(12, 2)), reason::none);
  auto p = move_12();
  p.source = 1; // holds nothing
  p.priority = TaskPriority::HIGH;
  EXPECT_EQ(d.admit(p), reason::premise_gone);
  EXPECT_EQ(d.tasks.size(), 1u);
}

// -- leaders --------------------------------------------------------------------------

TEST(task_kinds, a_view_is_set_and_removed_by_one_order_to_the_leader) {
  // T15, T16
  desk d;
  auto p = of_kind(TaskKind::SYNC_VIEW);
  p.segment = 12;
  p.node = 1;
  p.assignments = {{12, 2}};
  ASSERT_EQ(d.admit(p), reason::none);
  auto due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].node, 1);
  EXPECT_EQ(order_of(d, due[0].task)->getSyncView().getSet().size(), 1u);
  d.answer(due[0].task);
  EXPECT_EQ(d.tasks.size(), 0u);
  d.publish();
  d.w.collections.at(7).target.erase(12);
  d.w.whole();
  p.assignments.clear();
  p.removed = {12};
  ASSERT_EQ(d.admit(p), reason::none);
  due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(order_of(d, due[0].task)->getSyncView().getRemoved()[0], 12);
  d.answer(due[0].task);
  EXPECT_EQ(d.tasks.size(), 0u);
}

TEST(task_kinds, a_load_replaces_a_less_urgent_leader_task_that_waits) {
  // T27
  lacking d;
  d.w.copy(7, 13, 2);
  d.w.whole();
  auto p = of_kind(TaskKind::SYNC_VIEW);
  p.node = 1;
  p.priority = TaskPriority::LOW;
  p.assignments = {{13, 2}};
  ASSERT_EQ(d.admit(p), reason::none);
  auto load = load_13();
  load.priority = TaskPriority::NORMAL;
  EXPECT_EQ(d.admit(load), reason::none);
  const auto due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_TRUE(order_of(d, due[0].task)->isLoadSegment());
}

TEST(task_kinds, newer_partition_statistics_go_to_the_leader_and_older_ones_nowhere) {
  desk d;
  auto p = of_kind(TaskKind::SYNC_STATS);
  p.segment = 0;
  p.node = 1;
  p.partition_stats = {{1, 101}};
  ASSERT_EQ(d.admit(p), reason::none);
  const auto due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  const auto order = order_of(d, due[0].task);
  ASSERT_EQ(order->getSyncView().getPartitionStats().size(), 1u);
  EXPECT_EQ(order->getSyncView().getPartitionStats()[0].getVersion(), 101);
  EXPECT_EQ(order->getSyncView().getSet().size(), 0u);
  d.answer(due[0].task);
  d.publish();
  d.w.collections.at(7).delegators.at(0).partition_stats = {{1, 101}};
  d.w.whole();
  EXPECT_EQ(d.admit(p), reason::premise_gone);
}

// -- indexes --------------------------------------------------------------------------

struct indexed : desk {
  void hold(std::uint64_t indexes, std::uint64_t stats = 0) {
    auto& copies = w.collections.at(7).copies;
    auto c = *copies.find(copy_row{12, 2, 0, 0, 0, 0});
    copies.erase(c);
    c.indexes = indexes;
    c.stats = stats;
    copies.insert(c);
    w.whole();
  }
  proposal change(TaskKind kind, std::uint64_t ids) {
    auto p = of_kind(kind);
    p.segment = 12;
    p.node = 2;
    p.indexes = ids;
    p.priority = TaskPriority::LOW;
    return p;
  }
};

TEST(task_kinds, indexes_and_statistics_are_loaded_and_dropped_at_the_holder_with_their_own_scope) {
  // E08
  indexed d;
  ASSERT_EQ(d.admit(d.change(TaskKind::UPDATE_INDEX, 4)), reason::none);
  auto due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].node, 2);
  auto order = order_of(d, due[0].task);
  EXPECT_EQ(order->getLoadSegment().getScope(), schema::LoadScope::INDEX);
  EXPECT_EQ(order->getLoadSegment().getIndexes(), 4u);
  EXPECT_EQ(order->getLoadSegment().getChannel().size(), 0u) << "no route changes";
  d.hold(4);
  d.answer(due[0].task, ec::ok, {{2, 1, 2}});
  d.report(2, 2);
  EXPECT_EQ(d.tasks.size(), 0u);
  d.publish();
  EXPECT_EQ(d.admit(d.change(TaskKind::UPDATE_INDEX, 4)), reason::premise_gone) << "it is there";
  ASSERT_EQ(d.admit(d.change(TaskKind::UPDATE_STATS, 2)), reason::none);
  due = d.dispatch();
  EXPECT_EQ(order_of(d, due.at(0).task)->getLoadSegment().getScope(), schema::LoadScope::STATS);
  d.hold(4, 2);
  d.answer(due[0].task, ec::ok, {{2, 1, 3}});
  d.report(2, 3);
  d.publish();
  ASSERT_EQ(d.admit(d.change(TaskKind::DROP_INDEX, 4)), reason::none);
  due = d.dispatch();
  EXPECT_EQ(order_of(d, due.at(0).task)->getDropIndex().getIndexes(), 4u);
  d.hold(0, 2);
  d.answer(due[0].task, ec::ok, {{2, 1, 4}});
  d.report(2, 4);
  d.publish();
  EXPECT_EQ(d.admit(d.change(TaskKind::DROP_INDEX, 4)), reason::premise_gone) << "it is gone";
}

TEST(task_kinds, a_segment_without_an_index_is_loaded_all_the_same) {
  // I-E5, T05
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  const auto due = d.dispatch();
  EXPECT_EQ(order_of(d, due.at(0).task)->getLoadSegment().getIndexes(), 0u);
  d.w.copy(7, 13, 3);
  d.w.whole();
  d.answer(due[0].task, ec::ok, {{3, 1, 2}});
  d.report(3, 2);
  EXPECT_EQ(d.tasks.records(7, d.now).at(0).end, reason::done);
}

TEST(task_kinds, dropping_an_index_takes_the_segments_key_ends_with_its_node_and_not_on_a_stopping_one) {
  // Q6
  indexed d;
  d.hold(4);
  ASSERT_EQ(d.admit(d.change(TaskKind::DROP_INDEX, 4)), reason::none);
  EXPECT_EQ(d.admit(d.change(TaskKind::DROP_INDEX, 4)), reason::key_taken) << "one at a time";
  ASSERT_EQ(d.dispatch().size(), 1u);
  d.w.gone(2);
  d.w.whole();
  EXPECT_EQ(d.tasks.reported({2}, d.w.view, d.now).size(), 1u) << "its executor is told";
  EXPECT_EQ(d.tasks.size(), 0u);
  indexed e;
  e.hold(4);
  e.w.nodes.at(2).stopping = true;
  e.w.whole();
  EXPECT_EQ(e.admit(e.change(TaskKind::DROP_INDEX, 4)), reason::premise_gone);
}

} // namespace
} // namespace muster::task_tests
