// Rules of the task table: who is admitted, who is refused and why.
#include "tests/unit/task_desk.hpp"

#include <gtest/gtest.h>

namespace muster::task_tests {
namespace {

// -- admission ----------------------------------------------------------------------

TEST(task_admission, one_task_per_segment_and_replica_whoever_proposes) {
  // I-T1, I-T7
  lacking d;
  EXPECT_EQ(d.admit(load_13()), reason::none);
  EXPECT_EQ(d.admit(load_13(2)), reason::key_taken);
  EXPECT_EQ(d.tasks.admit(Proposer::BALANCE_CHECKER, load_13(2), d.number, d.w.view, d.now).why, reason::key_taken);
  EXPECT_EQ(d.tasks.size(), 1u);
}

TEST(task_admission, replicas_and_channels_have_keys_of_their_own) {
  auto a = load_13();
  auto b = a;
  b.replica = 102;
  EXPECT_NE(key_of(a), key_of(b));
  auto c = a;
  c.kind = TaskKind::SERVE_SHARD;
  EXPECT_NE(key_of(a), key_of(c));
  a.replica = b.replica = 0;
  b.node = 9;
  EXPECT_NE(key_of(a), key_of(b)) << "without a replica the node is part of the key";
}

TEST(task_admission, a_waiting_task_is_replaced_by_a_more_urgent_one_only) {
  // T14, I-T6, I-T7
  lacking d;
  auto p = load_13();
  p.priority = TaskPriority::NORMAL;
  ASSERT_EQ(d.admit(p), reason::none);
  p.priority = TaskPriority::LOW;
  EXPECT_EQ(d.admit(p), reason::key_taken);
  p.priority = TaskPriority::NORMAL;
  EXPECT_EQ(d.admit(p), reason::key_taken);
  p.priority = TaskPriority::HIGH;
  p.node = 2;
  EXPECT_EQ(d.admit(p), reason::none);
  EXPECT_EQ(d.tasks.size(), 1u);
  EXPECT_EQ(d.load(2).rows_in_flight, 30);
  EXPECT_EQ(d.load(3).rows_in_flight, 0);
}

TEST(task_admission, a_task_for_a_route_never_replaces_one_for_its_segment) {
  // I-C5: leader_checker proposes with the lowest priority.
  lacking d;
  auto p = load_13();
  p.priority = TaskPriority::LOW;
  ASSERT_EQ(d.admit(p), reason::none);
  auto route = load_13(2);
  route.kind = TaskKind::SYNC_VIEW;
  route.priority = TaskPriority::LOW;
  route.removed = {13};
  EXPECT_EQ(d.admit(route), reason::key_taken);
  EXPECT_EQ(d.tasks.size(), 1u);
}

TEST(task_admission, a_more_urgent_proposal_that_is_refused_itself_replaces_nothing) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  auto p = load_13(99);
  p.priority = TaskPriority::HIGH;
  EXPECT_EQ(d.admit(p), reason::premise_gone);
  EXPECT_EQ(d.tasks.size(), 1u);
}

TEST(task_admission, a_running_task_is_never_replaced) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  ASSERT_EQ(d.dispatch().size(), 1u);
  auto p = load_13(2);
  p.priority = TaskPriority::HIGH;
  EXPECT_EQ(d.admit(p), reason::key_taken);
}

TEST(task_admission, a_proposal_older_than_the_end_of_the_last_task_on_its_key_is_refused_and_its_proposer_told) {
  lacking d;
  const auto seen = d.number;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.answer(d.dispatch().at(0).task);
  EXPECT_EQ(d.admit(load_13(), seen), reason::stale_proposal) << "its end is not published yet";
  d.publish();
  EXPECT_EQ(d.admit(load_13(), seen), reason::stale_proposal);
  EXPECT_TRUE(d.publish().at(7).segments.contains(13)) << "no lost wake-up";
  EXPECT_EQ(d.admit(load_13(), d.number), reason::none);
}

TEST(task_admission, floors_are_forgotten_when_all_subscribers_are_past_them) {
  lacking d;
  const auto seen = d.number;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.answer(d.dispatch().at(0).task);
  d.publish();
  d.tasks.forget_floors(d.number - 1);
  EXPECT_EQ(d.admit(load_13(), seen), reason::stale_proposal);
  d.tasks.forget_floors(d.number);
  EXPECT_EQ(d.admit(load_13(), seen), reason::none);
}

TEST(task_admission, unknown_is_not_empty) {
  lacking d;
  d.w.unknown(2);
  d.w.whole();
  EXPECT_EQ(d.admit(load_13()), reason::not_known_yet);
}

TEST(task_admission, segments_of_a_shard_that_is_being_set_up_are_its_orders_business) {
  lacking d;
  d.w.unlead(7, "a", 1);
  d.w.whole();
  auto p = load_13();
  p.kind = TaskKind::SERVE_SHARD;
  p.segment = 0;
  p.target_version = 5;
  p.assignments = {{11, 1}, {13, 3}};
  ASSERT_EQ(d.admit(p), reason::none);
  EXPECT_EQ(d.admit(load_13()), reason::key_taken);
}

TEST(task_admission, the_limit_of_tasks_is_kept_and_whoever_starved_is_told_when_there_is_room) {
  desk d;
  auto l = task_limits::standard();
  l.in_flight = 100;
  d.tasks = task_table{1, l};
  for (std::int64_t s = 1000; s <= 1200; ++s)
    d.w.segment(7, s, 1);
  d.w.whole();
  auto p = load_13();
  const auto fill = [&](TaskPriority priority) {
    p.priority = priority;
    std::size_t made = 0;
    for (;; ++p.segment, ++made)
      if (const auto why = d.admit(p); why != reason::none) {
        EXPECT_EQ(why, reason::task_limit);
        return made;
      }
  };
  p.segment = 1000;
  EXPECT_EQ(fill(TaskPriority::HIGH), 90u) << "a flood of one priority leaves room for the others";
  EXPECT_EQ(fill(TaskPriority::LOW), 10u);
  EXPECT_EQ(d.tasks.size(), 100u);
  d.publish();
  std::size_t ended = 0;
  bool told = false;
  for (const auto& o : d.dispatch()) {
    d.answer(o.task);
    ++ended;
    if (auto touched = d.publish(); touched.contains(7) && touched.at(7).whole) {
      told = true;
      break;
    }
  }
  EXPECT_TRUE(told);
  EXPECT_LE(ended, 11u);
}

TEST(task_admission, of_many_that_wait_for_one_node_the_ones_beyond_its_limit_are_refused) {
  desk d;
  auto l = task_limits::standard();
  l.waiting_per_node = 10;
  d.tasks = task_table{1, l};
  auto p = load_13();
  for (p.segment = 1000; p.segment < 1020; ++p.segment)
    d.w.segment(7, p.segment, 1);
  d.w.whole();
  std::size_t made = 0;
  for (p.segment = 1000; p.segment < 1020; ++p.segment)
    made += d.admit(p) == reason::none ? 1 : 0;
  EXPECT_EQ(made, 9u);
  p.node = 2;
  p.segment = 1015;
  EXPECT_EQ(d.admit(p), reason::none) << "another node has room";
}

// -- premises -----------------------------------------------------------------------

TEST(task_premises, a_load_needs_a_leader_a_wanted_segment_and_a_node_to_write_to) {
  // T12, T18
  const auto refused = [](auto&& spoil) {
    lacking d;
    auto p = load_13();
    spoil(d, p);
    d.w.whole();
    return d.admit(p);
  };
  EXPECT_EQ(refused([](desk&, proposal&) {}), reason::none);
  EXPECT_EQ(refused([](desk&, proposal& p) { p.node = 99; }), reason::premise_gone);
  EXPECT_EQ(refused([](desk&, proposal& p) { p.segment = 77; }), reason::premise_gone);
  EXPECT_EQ(refused([](desk&, proposal& p) { p.replica = 102; }), reason::premise_gone);
  EXPECT_EQ(refused([](desk&, proposal& p) { p.collection = 8; }), reason::premise_gone);
  EXPECT_EQ(refused([](desk& d, proposal&) { d.w.nodes.at(3).stopping = true; }), reason::premise_gone);
  EXPECT_EQ(refused([](desk& d, proposal&) { d.w.unlead(7, "a", 1); }), reason::replica_unserved);
  EXPECT_EQ(refused([](desk& d, proposal&) { d.w.collections[7].desired.reset(); }), reason::premise_gone);
  EXPECT_EQ(refused([](desk& d, proposal&) { d.w.collections[7].head.reset(); }), reason::premise_gone);
  EXPECT_EQ(refused([](desk& d, proposal&) {
              auto& r = d.w.collections[7].desired->replicas[0];
              r.nodes = {1, 2};
              r.read_only_nodes = {3};
            }),
            reason::premise_gone)
    << "nothing is loaded on a read-only node";
  EXPECT_EQ(refused([](desk&, proposal& p) { p.kind = TaskKind::INVALID; }), reason::proposal_malformed);
}

TEST(task_premises, the_last_routed_copy_is_never_released) {
  desk d;
  EXPECT_EQ(d.admit(release(12, 2)), reason::premise_gone);
  d.w.copy(7, 12, 3);
  d.w.whole();
  EXPECT_EQ(d.admit(release(12, 2)), reason::premise_gone) << "the one the leader routes to";
  EXPECT_EQ(d.admit(release(12, 3)), reason::none);
  d.w.route(7, 12, 1, 0);
  d.w.whole();
  desk e;
  e.w.copy(7, 12, 3).route(7, 12, 1, 0);
  e.w.whole();
  EXPECT_EQ(e.admit(release(12, 3)), reason::premise_gone) << "while none is routed both stay";
}

TEST(task_premises, what_no_target_names_may_go_through_its_leader_only) {
  desk d;
  d.w.copy(7, 99, 2);
  d.w.whole();
  EXPECT_EQ(d.admit(release(99, 3)), reason::premise_gone) << "node 3 does not hold it";
  EXPECT_EQ(d.admit(release(99, 2, 101, "zz")), reason::premise_gone) << "that channel has no leader";
  EXPECT_EQ(d.admit(release(99, 2)), reason::none);
}

TEST(task_premises, work_that_belongs_to_no_replica_is_refused_for_a_node_that_is_in_one) {
  desk d;
  d.w.usable({9}).copy(7, 12, 9).lead(7, "a", 9, 101, 5, 4);
  d.w.whole();
  EXPECT_EQ(d.admit(release(12, 2, 0, "")), reason::premise_gone);
  EXPECT_EQ(d.admit(release(12, 9, 0, "")), reason::none);
  EXPECT_EQ(d.admit(drop("a", 1, 0, 1)), reason::premise_gone);
  EXPECT_EQ(d.admit(drop("a", 9, 0, 3)), reason::premise_gone) << "a newer delegator than the one meant";
  EXPECT_EQ(d.admit(drop("a", 9, 0, 4)), reason::none);
  auto p = load_13(9);
  p.replica = 0;
  EXPECT_EQ(d.admit(p), reason::proposal_malformed);
}

TEST(task_premises, a_shard_is_set_up_only_while_it_has_no_leader_at_the_version_to_serve) {
  desk d;
  auto p = load_13();
  p.kind = TaskKind::SERVE_SHARD;
  p.segment = 0;
  p.target_version = 5;
  p.assignments = {{11, 1}};
  EXPECT_EQ(d.admit(p), reason::premise_gone);
  d.w.unlead(7, "a", 1);
  d.w.whole();
  p.target_version = 4;
  EXPECT_EQ(d.admit(p), reason::premise_gone);
  p.target_version = 5;
  p.assignments = {{11, 0}};
  EXPECT_EQ(d.admit(p), reason::premise_gone) << "a segment without a worker";
  p.assignments = {{11, 1}};
  d.w.lead(7, "a", p.node, 99);
  d.w.whole();
  EXPECT_EQ(d.admit(p), reason::premise_gone) << "the node leads the channel for a replica of old";
  d.w.unlead(7, "a", p.node);
  d.w.whole();
  EXPECT_EQ(d.admit(p), reason::none);
}

TEST(task_premises, what_no_leader_fences_is_released_or_forgotten_only_when_no_shard_may_need_it) {
  desk d;
  d.w.copy(7, 99, 2).route(7, 99, 1, 2);
  d.w.whole();
  auto p = load_13(1);
  p.kind = TaskKind::SYNC_VIEW;
  p.channel.clear();
  p.segment = 99;
  p.removed = {99};
  EXPECT_EQ(d.admit(release(99, 2, 101, "")), reason::premise_gone) << "it is routed";
  d.w.lead(7, "a", 1, 101, 4);
  d.w.whole();
  EXPECT_EQ(d.admit(p), reason::premise_gone) << "an older target is served";
  d.w.lead(7, "a", 1, 101, 5);
  d.w.whole();
  EXPECT_EQ(d.admit(p), reason::none);
  d.answer(d.dispatch().at(0).task);
  d.publish();
  d.w.route(7, 99, 1, 0);
  d.w.whole();
  EXPECT_EQ(d.admit(release(99, 2, 101, "")), reason::none);
}

TEST(task_premises, a_shard_is_set_up_beside_a_leader_that_is_drained) {
  desk d;
  auto p = load_13();
  p.kind = TaskKind::SERVE_SHARD;
  p.segment = 0;
  p.target_version = 5;
  p.assignments = {{11, 1}, {12, 2}};
  EXPECT_EQ(d.admit(p), reason::premise_gone);
  auto& replica = d.w.collections[7].desired->replicas[0];
  replica.nodes = {2, 3};
  replica.read_only_nodes = {1};
  d.w.whole();
  EXPECT_EQ(d.admit(p), reason::none);
}

TEST(task_failures, are_published_until_the_collection_is_no_longer_desired) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.answer(d.dispatch().at(0).task, ec::file_not_found);
  d.publish();
  const auto& failures = d.w.view.collection(7)->failures;
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(failures[0].code, ec::file_not_found);
  EXPECT_EQ(failures[0].count, 1u);
  EXPECT_EQ(failures[0].text, "said so");
  d.tasks.changed(d.w.whole(), d.w.view);
  d.publish();
  EXPECT_EQ(failures.size(), 1u) << "a change alone forgets nothing";
  d.w.collections[7].desired.reset();
  d.tasks.changed(d.w.whole(), d.w.view);
  d.publish();
  EXPECT_TRUE(failures.empty());
}

TEST(task_premises, while_a_second_leader_is_set_up_nothing_of_its_channel_goes_and_the_other_way_round) {
  desk d;
  auto shard = load_13();
  shard.kind = TaskKind::SERVE_SHARD;
  shard.segment = 0;
  shard.target_version = 5;
  shard.assignments = {{11, 1}, {12, 2}};
  auto& replica = d.w.collections[7].desired->replicas[0];
  replica.nodes = {2, 3};
  replica.read_only_nodes = {1};
  d.w.whole();
  ASSERT_EQ(d.admit(shard), reason::none);
  EXPECT_EQ(d.admit(move_12()), reason::key_taken);
  d.w.copy(7, 11, 2);
  d.w.whole();
  EXPECT_EQ(d.admit(release(11, 2)), reason::key_taken);

  desk e;
  auto& other = e.w.collections[7].desired->replicas[0];
  other.nodes = {2, 3};
  other.read_only_nodes = {1};
  e.w.whole();
  ASSERT_EQ(e.admit(move_12()), reason::none);
  EXPECT_EQ(e.admit(shard), reason::premise_gone);
}

TEST(task_premises, a_copy_that_any_leader_of_its_replica_routes_to_is_not_released) {
  desk d;
  d.w.copy(7, 11, 2).lead(7, "a", 3, 101, 5, 0).route(7, 11, 3, 2);
  d.w.whole();
  EXPECT_EQ(d.admit(release(11, 2)), reason::premise_gone);
  d.w.route(7, 11, 3, 1);
  d.w.whole();
  EXPECT_EQ(d.admit(release(11, 2)), reason::none);
}

TEST(task_premises, the_leader_itself_is_never_dropped_as_repeated) {
  desk d;
  EXPECT_EQ(d.admit(drop("a", 1, 101, 1)), reason::premise_gone);
  d.w.lead(7, "a", 2, 101, 5, 2);
  d.w.whole();
  EXPECT_EQ(d.admit(drop("a", 2, 101, 2)), reason::premise_gone);
  EXPECT_EQ(d.admit(drop("a", 1, 101, 1)), reason::none);
}

TEST(task_premises, views_and_versions_are_set_at_the_leader_as_it_is) {
  desk d;
  proposal p = load_13(1);
  p.kind = TaskKind::SYNC_VIEW;
  p.segment = 12;
  p.assignments = {{12, 3}};
  EXPECT_EQ(d.admit(p), reason::premise_gone) << "node 3 does not hold it";
  p.assignments = {{12, 2}};
  p.node = 2;
  EXPECT_EQ(d.admit(p), reason::premise_gone) << "node 2 does not lead";
  p.node = 1;
  EXPECT_EQ(d.admit(p), reason::none);
  proposal f = p;
  f.segment = 11;
  f.assignments.clear();
  f.removed = {11};
  EXPECT_EQ(d.admit(f), reason::premise_gone) << "a wanted segment is not forgotten";
  proposal t = p;
  t.kind = TaskKind::SYNC_TARGET;
  t.target_version = 5;
  EXPECT_EQ(d.admit(t), reason::premise_gone) << "it serves 5 already";
  d.w.lead(7, "a", 1, 101, 4);
  d.w.whole();
  EXPECT_EQ(d.admit(t), reason::none);
}

TEST(task_premises, a_premise_is_checked_again_before_each_step) {
  // I-T8
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.w.suspect(3);
  d.w.whole();
  EXPECT_TRUE(d.dispatch().empty());
  EXPECT_EQ(d.tasks.size(), 0u);
  EXPECT_TRUE(d.publish().at(7).segments.contains(13));
  EXPECT_EQ(d.load(3).rows_in_flight, 0);
}

} // namespace
} // namespace muster::task_tests
