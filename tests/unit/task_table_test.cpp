// Rules of the task table: admission, premises, steps, confirmation by reports, ends, and deltas that are always given back.
#include "actors/core/task_table.hpp"
#include "messages/limits.hpp"
#include "tests/unit/dice.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using schema::Proposer;
using schema::TaskKind;
using schema::TaskPriority;

constexpr std::int64_t ms(std::int64_t n) {
  return n * 1'000'000;
}

constexpr auto order_ns = ms(limits::order_timeout.count());

/// A table of tasks over a world: nodes 1, 2, 3 serve collection 7, segments 11 (on 1) and 12 (on 2); node 1 leads "a".
struct desk {
  world w;
  task_table tasks{1};
  std::int64_t now = ms(1'000);
  std::uint64_t number = 1;

  desk() {
    w.usable({1, 2, 3}).loaded(7, {{1, 2, 3}});
    w.segment(7, 11).segment(7, 12).settle(7);
    w.whole();
  }

  reason admit(const proposal& p, std::uint64_t seen = 0) {
    return tasks.admit(Proposer::SEGMENT_CHECKER, p, seen == 0 ? number : seen, w.view, now);
  }

  std::vector<due_order> dispatch() {
    return tasks.dispatch(w.view, now);
  }

  /// Publishes what the table has to say, as task_scheduler does.
  touched_map publish() {
    w.whole();
    auto set = tasks.take_changes(++number);
    touched_map touched = set.touched();
    for (auto& [id, c] : w.collections)
      c.tasks.clear();
    w.publish(touched, std::move(set));
    return touched;
  }

  void answer(std::int64_t task, ec code = ec::ok, std::vector<report_mark> marks = {}) {
    tasks.answered(task, failure{code, "said so"}, std::move(marks), w.view, now);
  }

  void report(std::int64_t node, std::uint64_t seq) {
    w.nodes.at(node).report_seq = seq;
    w.whole();
    tasks.reported({node}, w.view, now);
  }

  node_load load(std::int64_t node) {
    publish();
    return w.view.load(node);
  }
};

proposal load_13(std::int64_t node = 3) {
  proposal p;
  p.kind = TaskKind::LOAD_SEGMENT;
  p.collection = 7;
  p.replica = 101;
  p.channel = "a";
  p.segment = 13;
  p.node = node;
  p.why = reason::segment_lacking;
  return p;
}

/// A desk on which segment 13 (30 rows) is lacking.
struct lacking : desk {
  lacking() {
    w.segment(7, 13, 30);
    w.whole();
  }
};

proposal move_12() {
  auto p = load_13(3);
  p.kind = TaskKind::MOVE_SEGMENT;
  p.segment = 12;
  p.source = 2;
  p.priority = TaskPriority::LOW;
  return p;
}

proposal drop(const std::string& channel, std::int64_t node, std::int64_t replica, std::int64_t version) {
  proposal p;
  p.kind = TaskKind::DROP_SHARD;
  p.collection = 7;
  p.replica = replica;
  p.channel = channel;
  p.node = node;
  p.version = version;
  return p;
}

proposal release(std::int64_t segment, std::int64_t node, std::int64_t replica = 101, const std::string& channel = "a") {
  auto p = load_13(node);
  p.kind = TaskKind::RELEASE_SEGMENT;
  p.replica = replica;
  p.segment = segment;
  p.channel = channel;
  return p;
}

// -- admission ----------------------------------------------------------------------

TEST(task_admission, one_task_per_segment_and_replica_whoever_proposes) {
  // I-T1, I-T7
  lacking d;
  EXPECT_EQ(d.admit(load_13()), reason::none);
  EXPECT_EQ(d.admit(load_13(2)), reason::key_taken);
  EXPECT_EQ(d.tasks.admit(Proposer::BALANCE_CHECKER, load_13(2), d.number, d.w.view, d.now), reason::key_taken);
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
  const auto many = static_cast<std::int64_t>(limits::tasks_in_flight);
  for (std::int64_t s = 1000; s <= 1000 + many; ++s)
    d.w.segment(7, s, 1);
  d.w.whole();
  auto p = load_13();
  for (std::int64_t s = 1000; s < 1000 + many; ++s) {
    p.segment = s;
    ASSERT_EQ(d.admit(p), reason::none);
  }
  p.segment = 1000 + many;
  EXPECT_EQ(d.admit(p), reason::task_limit);
  d.publish();
  std::size_t ended = 0;
  bool told = false;
  for (const auto& o : d.dispatch()) {
    d.answer(o.task);
    if (++ended % 500 == 0 && (told = d.tasks.take_changes(++d.number).touched().at(7).whole))
      break;
  }
  EXPECT_TRUE(told);
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
  EXPECT_EQ(refused([](desk& d, proposal&) { d.w.unlead(7, "a", 1); }), reason::premise_gone);
  EXPECT_EQ(refused([](desk& d, proposal&) { d.w.collections[7].desired.reset(); }), reason::premise_gone);
  EXPECT_EQ(refused([](desk& d, proposal&) { d.w.collections[7].head.reset(); }), reason::premise_gone);
  EXPECT_EQ(refused([](desk& d, proposal&) {
              auto& r = d.w.collections[7].desired->replicas[0];
              r.nodes = {1, 2};
              r.read_only_nodes = {3};
            }),
            reason::premise_gone)
    << "nothing is loaded on a read-only node";
  EXPECT_EQ(refused([](desk&, proposal& p) { p.kind = TaskKind::INVALID; }), reason::premise_gone);
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
  EXPECT_EQ(d.admit(p), reason::premise_gone);
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
  EXPECT_EQ(d.admit(p), reason::none);
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

// -- steps --------------------------------------------------------------------------

TEST(task_steps, the_most_urgent_go_first_then_the_oldest) {
  desk d;
  for (std::int64_t s : {21, 22, 23})
    d.w.segment(7, s, 1);
  d.w.whole();
  auto p = load_13();
  std::vector<TaskPriority> priorities{TaskPriority::LOW, TaskPriority::HIGH, TaskPriority::HIGH};
  for (int i = 0; i < 3; ++i) {
    p.segment = 21 + i;
    p.priority = priorities[static_cast<std::size_t>(i)];
    ASSERT_EQ(d.admit(p), reason::none);
  }
  const auto due = d.dispatch();
  ASSERT_EQ(due.size(), 3u);
  EXPECT_LT(due[0].task, due[1].task);
  EXPECT_LT(due[2].task, due[0].task) << "the low one was the oldest";
  EXPECT_TRUE(d.dispatch().empty());
}

TEST(task_steps, loads_go_through_the_leader_and_foreign_releases_to_the_holder) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.w.usable({9}).copy(7, 12, 9);
  d.w.whole();
  ASSERT_EQ(d.admit(release(12, 9, 0, "")), reason::none);
  std::set<std::int64_t> to;
  for (const auto& o : d.dispatch())
    to.insert(o.node);
  EXPECT_EQ(to, (std::set<std::int64_t>{1, 9}));
}

TEST(task_steps, a_task_ends_when_the_report_that_its_reply_named_is_visible_not_when_the_call_returns) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  const auto task = d.dispatch().at(0).task;
  d.answer(task, ec::ok, {{3, 1, 8}, {1, 1, 4}});
  EXPECT_EQ(d.tasks.size(), 1u);
  d.report(3, 7);
  d.report(1, 4);
  EXPECT_EQ(d.tasks.size(), 1u);
  d.report(3, 8);
  EXPECT_EQ(d.tasks.size(), 0u);
}

TEST(task_steps, a_report_of_a_node_that_is_gone_or_was_born_again_is_not_waited_for) {
  for (int how = 0; how < 3; ++how) {
    lacking d;
    ASSERT_EQ(d.admit(load_13()), reason::none);
    d.answer(d.dispatch().at(0).task, ec::ok, {{3, 1, 8}});
    if (how == 0)
      d.w.gone(3);
    else if (how == 1)
      d.w.nodes.at(3).incarnation = 2;
    else
      d.w.unknown(3).nodes.at(3).report_seq = 9;
    d.w.whole();
    d.tasks.reported({3}, d.w.view, d.now);
    EXPECT_EQ(d.tasks.size(), how == 2 ? 1u : 0u) << how;
  }
}

TEST(task_steps, a_report_of_a_start_that_is_not_known_yet_is_waited_for) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.answer(d.dispatch().at(0).task, ec::ok, {{3, 2, 1}}); // its leader met the new process before we did
  EXPECT_EQ(d.tasks.size(), 1u);
  d.w.nodes.at(3).incarnation = 2;
  d.report(3, 1);
  EXPECT_EQ(d.tasks.size(), 0u);
}

TEST(task_steps, a_move_loads_at_the_destination_then_releases_at_the_source) {
  // T09, I-T5, I-T9
  desk d;
  ASSERT_EQ(d.admit(move_12()), reason::none);
  auto due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].node, 1);
  auto order = build<schema::Order>([&](schema::Order::Builder b) { d.tasks.write_order(due[0].task, d.w.view, b); });
  ASSERT_TRUE(order.read().isLoadSegment());
  EXPECT_EQ(order.read().getLoadSegment().getWorker().getNode(), 3);
  EXPECT_EQ(order.read().getLoadSegment().getWorker().getAddress().cStr(), std::string{"host3:1"});
  EXPECT_EQ(order.read().getLoadSegment().getSource().getFile().cStr(), std::string{"f7/12.segment"});
  d.w.copy(7, 12, 3).route(7, 12, 1, 3);
  d.w.whole();
  d.answer(due[0].task, ec::ok, {{3, 1, 2}, {1, 1, 2}});
  d.report(3, 2);
  EXPECT_TRUE(d.dispatch().empty()) << "the leader's report is not there yet";
  d.report(1, 2);
  due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  order = build<schema::Order>([&](schema::Order::Builder b) { d.tasks.write_order(due[0].task, d.w.view, b); });
  ASSERT_TRUE(order.read().isReleaseSegment());
  EXPECT_EQ(order.read().getReleaseSegment().getWorker().getNode(), 2);
  EXPECT_EQ(order.read().getReleaseSegment().getChannel().cStr(), std::string{"a"});
  d.answer(due[0].task);
  EXPECT_EQ(d.tasks.size(), 0u);
}

TEST(task_steps, a_move_whose_leader_still_routes_to_the_source_releases_nothing) {
  desk d;
  ASSERT_EQ(d.admit(move_12()), reason::none);
  const auto task = d.dispatch().at(0).task;
  d.w.copy(7, 12, 3);
  d.w.whole();
  d.answer(task);
  EXPECT_TRUE(d.dispatch().empty());
  EXPECT_EQ(d.tasks.size(), 0u);
}

TEST(task_steps, a_move_half_done_is_not_replaced) {
  desk d;
  ASSERT_EQ(d.admit(move_12()), reason::none);
  const auto task = d.dispatch().at(0).task;
  d.w.copy(7, 12, 3).route(7, 12, 1, 3);
  d.w.whole();
  d.answer(task);
  auto p = release(12, 2);
  p.priority = TaskPriority::HIGH;
  EXPECT_EQ(d.admit(p), reason::key_taken);
}

TEST(task_steps, a_move_whose_source_does_not_hold_or_serve_the_segment_is_refused) {
  // T10
  desk d;
  auto p = move_12();
  p.source = 1;
  EXPECT_EQ(d.admit(p), reason::premise_gone);
  d.w.route(7, 12, 1, 0);
  d.w.whole();
  EXPECT_EQ(d.admit(move_12()), reason::premise_gone);
}

TEST(task_steps, one_order_serves_a_shard_with_every_segment_and_each_worker_once) {
  desk d;
  d.w.unlead(7, "a", 1).segment(7, 13, 30);
  d.w.whole();
  auto p = load_13(2);
  p.kind = TaskKind::SERVE_SHARD;
  p.segment = 0;
  p.target_version = 5;
  p.assignments = {{11, 1}, {12, 2}, {13, 1}};
  ASSERT_EQ(d.admit(p), reason::none);
  EXPECT_EQ(d.load(1).rows_in_flight, 30) << "what is there already is no load";
  EXPECT_EQ(d.load(2).channels_in_flight, 1);
  const auto due = d.dispatch();
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].node, 2);
  auto order = build<schema::Order>([&](schema::Order::Builder b) { d.tasks.write_order(due[0].task, d.w.view, b); });
  auto s = order.read().getServeShard();
  EXPECT_EQ(s.getWorkers().size(), 2u);
  ASSERT_EQ(s.getSegments().size(), 3u);
  for (auto x : s.getSegments()) {
    const auto worker = s.getWorkers()[x.getWorker()].getNode();
    EXPECT_EQ(worker, x.getSource().getSegment() == 12 ? 2 : 1);
  }
  EXPECT_EQ(s.getTargetVersion(), 5);
  EXPECT_EQ(s.getDimension(), 4u);
  EXPECT_EQ(s.getVersion(), due[0].task);
}

TEST(task_steps, task_ids_of_a_later_start_are_higher) {
  desk d;
  task_table later{2};
  d.w.segment(7, 13);
  d.w.whole();
  ASSERT_EQ(d.admit(load_13()), reason::none);
  ASSERT_EQ(later.admit(Proposer::SEGMENT_CHECKER, load_13(), 1, d.w.view, d.now), reason::none);
  EXPECT_GT(later.dispatch(d.w.view, d.now).at(0).task, d.dispatch().at(0).task);
}

// -- ends ---------------------------------------------------------------------------

TEST(task_ends, a_failed_key_backs_off_doubling_and_wakes_its_proposer) {
  lacking d;
  auto wait = ms(limits::retry_first.count());
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(d.admit(load_13()), reason::none) << i;
    d.answer(d.dispatch().at(0).task, ec::io_failed);
    d.publish();
    EXPECT_EQ(d.admit(load_13()), reason::backing_off);
    d.now += wait - 1;
    EXPECT_EQ(d.admit(load_13()), reason::backing_off);
    EXPECT_EQ(d.tasks.next_time(), d.now + 1);
    d.publish();
    d.now += 1;
    EXPECT_TRUE(d.tasks.on_time(d.now).empty());
    EXPECT_TRUE(d.publish().at(7).segments.contains(13)) << "no lost wake-up";
    wait = std::min(wait * 2, ms(limits::retry_longest.count()));
  }
  EXPECT_EQ(wait, ms(limits::retry_longest.count()));
}

TEST(task_ends, a_success_or_a_quiet_time_forgets_earlier_failures) {
  lacking d;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(d.admit(load_13()), reason::none);
    d.answer(d.dispatch().at(0).task, ec::io_failed);
    d.publish();
    d.now += ms(limits::retry_longest.count());
    while (d.tasks.next_time() && *d.tasks.next_time() <= d.now)
      d.tasks.on_time(d.now);
  }
  EXPECT_FALSE(d.tasks.next_time());
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.answer(d.dispatch().at(0).task, ec::io_failed);
  EXPECT_EQ(*d.tasks.next_time(), d.now + ms(limits::retry_first.count()));
}

TEST(task_ends, an_order_without_an_answer_ends_at_its_deadline_and_its_executor_is_told) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  const auto due = d.dispatch().at(0);
  EXPECT_TRUE(d.tasks.on_time(d.now + order_ns).empty()) << "the executor knows first";
  const auto cancelled = d.tasks.on_time(d.now + order_ns + order_ns / 4);
  ASSERT_EQ(cancelled.size(), 1u);
  EXPECT_EQ(cancelled[0].task, due.task);
  EXPECT_EQ(cancelled[0].node, 1);
  EXPECT_EQ(d.tasks.size(), 0u);
  d.answer(due.task, ec::ok, {{3, 1, 9}}); // too late: ignored
  EXPECT_EQ(d.tasks.size(), 0u);
}

TEST(task_ends, a_report_that_never_comes_ends_the_wait_for_it) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.answer(d.dispatch().at(0).task, ec::ok, {{3, 1, 99}});
  EXPECT_EQ(d.tasks.on_time(d.now + order_ns).size(), 1u);
  EXPECT_EQ(d.tasks.size(), 0u);
}

TEST(task_ends, answers_for_unknown_or_waiting_tasks_are_ignored) {
  lacking d;
  d.answer(12345);
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.answer((std::int64_t{1} << 32) + 1, ec::io_failed);
  EXPECT_EQ(d.tasks.size(), 1u);
}

// -- deltas -------------------------------------------------------------------------

TEST(task_deltas, what_is_in_flight_is_counted_at_each_node_and_given_back) {
  // T21 in part, I-T4
  desk d;
  ASSERT_EQ(d.admit(move_12()), reason::none);
  EXPECT_EQ(d.load(3).rows_in_flight, 100);
  EXPECT_EQ(d.load(3).segments_in_flight, 1);
  EXPECT_EQ(d.load(2).rows_in_flight, -100);
  EXPECT_EQ(d.load(2).all_rows(), 0);
  d.answer(d.dispatch().at(0).task, ec::io_failed);
  EXPECT_EQ(d.load(3).rows_in_flight, 0);
  EXPECT_EQ(d.load(2).rows_in_flight, 0);
  EXPECT_EQ(d.load(2).segments_in_flight, 0);
}

TEST(task_deltas, are_zero_when_no_task_is_live_after_any_random_history_and_keys_stay_unique) {
  // I-T1, I-T2, I-T4, T29: a property over admissions, answers, failures, reports, losses and time.
  std::size_t admitted = 0;
  std::size_t moved_on = 0;
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    dice d{seed};
    desk k;
    k.w.usable({1, 2, 3, 4, 5, 6});
    k.w.loaded(7, {{1, 2, 3}, {4, 5, 6}}, 2);
    for (std::int64_t s = 11; s <= 30; ++s)
      k.w.segment(7, s, d.from(1, 100), static_cast<std::uint16_t>(s % 2));
    k.w.settle(7);
    k.w.whole();
    std::vector<std::int64_t> running;
    for (int i = 0; i < 250; ++i) {
      switch (d.below(10)) {
        case 0:
        case 1:
        case 2:
        case 3: {
          proposal p;
          p.kind = static_cast<TaskKind>(d.from(1, 8));
          p.priority = static_cast<TaskPriority>(d.below(3));
          p.collection = 7;
          p.replica = d.one_in(8) ? 0 : d.from(101, 102);
          p.channel = d.one_in(2) ? "a" : "b";
          p.segment = d.from(11, 32);
          p.node = d.from(1, 6);
          p.source = d.from(1, 6);
          p.target_version = 5;
          p.version = 99;
          // Mostly proposals that a checker could have made a moment ago, some that none would make.
          if (!d.one_in(10)) {
            p.channel = p.segment % 2 == 0 ? "a" : "b";
            p.node = p.replica == 102 ? d.from(4, 6) : d.from(1, 3);
            const auto& copies = k.w.collections[7].copies;
            for (const auto& c : copies)
              if (c.segment == p.segment && (c.node <= 3) == (p.replica != 102)) {
                p.source = c.node;
                if (p.kind == TaskKind::RELEASE_SEGMENT || p.kind == TaskKind::SYNC_VIEW)
                  p.node = c.node;
              }
          }
          if (p.kind == TaskKind::SYNC_VIEW || p.kind == TaskKind::SERVE_SHARD)
            p.assignments = {{p.segment, p.kind == TaskKind::SYNC_VIEW ? p.node : d.from(1, 6)}};
          if (p.kind == TaskKind::SYNC_VIEW)
            for (const auto& x : k.w.collections[7].delegators)
              if (x.channel == p.channel && x.replica == p.replica)
                p.node = x.node;
          admitted += k.admit(p, k.number - static_cast<std::uint64_t>(d.below(2))) == reason::none ? 1 : 0;
          break;
        }
        case 4:
          for (const auto& o : k.dispatch()) {
            running.push_back(o.task);
            build<schema::Order>([&](schema::Order::Builder b) { k.tasks.write_order(o.task, k.w.view, b); });
          }
          break;
        case 5:
        case 6:
          if (!running.empty()) {
            const auto at = static_cast<std::size_t>(d.below(static_cast<std::int64_t>(running.size())));
            static constexpr ec codes[] = {ec::ok, ec::ok, ec::io_failed, ec::connection_lost, ec::deadline_exceeded};
            const auto before = k.tasks.size();
            k.answer(running[at], codes[d.below(5)],
                     {{d.from(1, 6), d.one_in(5) ? 2u : 1u, static_cast<std::uint64_t>(d.from(1, 9))}});
            moved_on += before == k.tasks.size() ? 1 : 0;
            running.erase(running.begin() + static_cast<std::ptrdiff_t>(at));
          }
          break;
        case 7: {
          const auto n = d.from(1, 6);
          auto& row = k.w.nodes.at(n);
          switch (d.below(12)) {
            case 0:
              k.w.suspect(n);
              break;
            case 1:
              if (d.one_in(4))
                k.w.gone(n);
              break;
            case 2:
              row.incarnation = static_cast<std::uint64_t>(d.from(1, 2));
              break;
            default:
              k.w.usable({1, 2, 3, 4, 5, 6});
              k.w.nodes.at(n).report_seq = static_cast<std::uint64_t>(d.from(1, 9));
          }
          k.w.whole();
          k.tasks.reported({n}, k.w.view, k.now);
          break;
        }
        case 8: {
          const auto s = d.from(11, 32);
          const auto n = d.from(1, 6);
          if (d.one_in(2))
            k.w.copy(7, s, n);
          else
            k.w.uncopy(7, s, n);
          k.w.route(7, s, d.one_in(2) ? 1 : 2, d.below(7));
          if (d.one_in(8))
            k.w.unlead(7, d.one_in(2) ? "a" : "b", n);
          if (d.one_in(3))
            k.w.settle(7);
          k.w.whole();
          break;
        }
        default:
          k.now += ms(d.from(1, 20'000));
          k.tasks.on_time(k.now);
          k.publish();
      }
      // One task per key, each shown once.
      if (d.one_in(10)) {
        k.publish();
        std::set<std::tuple<std::int64_t, std::int64_t, std::string, std::int64_t>> keys;
        const auto* view = k.w.view.collection(7);
        for (const auto& t : view->tasks) {
          const bool channel = is_channel_task(t.kind);
          ASSERT_TRUE(keys
                        .insert({t.replica, channel ? 0 : t.segment, channel ? t.channel : "", t.replica == 0 ? t.node : 0})
                        .second)
            << "seed " << seed;
        }
        ASSERT_EQ(view->tasks.size(), k.tasks.size()) << "seed " << seed;
      }
    }
    // Everything that still waits or runs comes to its end by time alone.
    for (int i = 0; i < 4; ++i) {
      k.dispatch();
      k.now += 2 * order_ns;
      k.tasks.on_time(k.now);
    }
    k.publish();
    ASSERT_EQ(k.tasks.size(), 0u) << "seed " << seed;
    EXPECT_TRUE(k.w.view.collection(7)->tasks.empty());
    for (std::int64_t n = 1; n <= 6; ++n) {
      ASSERT_EQ(k.w.view.load(n).rows_in_flight, 0) << "seed " << seed << " node " << n;
      ASSERT_EQ(k.w.view.load(n).segments_in_flight, 0) << "seed " << seed << " node " << n;
      ASSERT_EQ(k.w.view.load(n).channels_in_flight, 0) << "seed " << seed << " node " << n;
    }
  }
  EXPECT_GT(admitted, 500u) << "the histories are not about anything";
  EXPECT_GT(moved_on, 50u);
}

} // namespace
} // namespace muster
