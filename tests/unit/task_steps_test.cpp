// Rules of tasks in flight: steps, confirmation by reports, ends, and deltas that are always given back.
#include "tests/unit/dice.hpp"
#include "tests/unit/task_desk.hpp"

#include <gtest/gtest.h>

namespace muster::task_tests {
namespace {

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
  ASSERT_EQ(later.admit(Proposer::SEGMENT_CHECKER, load_13(), 1, d.w.view, d.now).why, reason::none);
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

TEST(task_ends, a_task_ends_at_once_when_a_node_that_it_acts_on_is_gone_also_the_leader_that_it_went_through) {
  // T29, Q25, I-T8
  for (std::int64_t lost : {1, 3}) {
    lacking d;
    ASSERT_EQ(d.admit(load_13()), reason::none);
    ASSERT_EQ(d.dispatch().size(), 1u);
    d.w.gone(lost);
    d.w.whole();
    const auto cancelled = d.tasks.reported({lost}, d.w.view, d.now);
    ASSERT_EQ(cancelled.size(), 1u) << "its executor is told";
    EXPECT_EQ(cancelled[0].node, 1);
    EXPECT_EQ(d.tasks.size(), 0u);
    EXPECT_EQ(d.tasks.records(7, d.now).at(0).end, reason::node_lost);
  }
  desk d;
  d.w.segment(7, 12, 100, 0, 1, 5);
  d.w.whole();
  ASSERT_EQ(d.admit(release(12, 2)), reason::none);
  d.w.gone(2);
  d.w.whole();
  EXPECT_TRUE(d.tasks.reported({2}, d.w.view, d.now).empty()) << "it waited";
  EXPECT_EQ(d.tasks.size(), 0u);
}

TEST(task_ends, a_task_that_finds_no_slot_in_time_ends_and_its_proposer_is_told) {
  lacking d;
  auto l = task_limits::standard();
  l.running = 0;
  d.tasks = task_table{1, l};
  ASSERT_EQ(d.admit(load_13()), reason::none);
  EXPECT_TRUE(d.dispatch().empty());
  d.publish();
  EXPECT_EQ(d.tasks.next_time(), d.now + ms(limits::task_waiting_timeout.count()));
  d.now += ms(limits::task_waiting_timeout.count());
  EXPECT_TRUE(d.tasks.on_time(d.now).empty()) << "no executor knows of it";
  EXPECT_EQ(d.tasks.size(), 0u);
  EXPECT_TRUE(d.publish().at(7).segments.contains(13));
  EXPECT_EQ(d.tasks.records(7, d.now).at(0).end, reason::waited_too_long);
}

TEST(task_ends, a_node_that_says_how_far_it_is_has_its_deadline_anew_and_one_that_repeats_itself_has_not) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  const auto task = d.dispatch().at(0).task;
  const auto patience = order_ns + order_ns / 4;
  d.now += patience - 1;
  d.tasks.progressed(task, 3, 10, d.now);
  d.publish();
  EXPECT_EQ(d.w.view.collection(7)->tasks.at(0).done, 3u);
  EXPECT_EQ(d.w.view.collection(7)->tasks.at(0).total, 10u);
  d.now += patience - 1;
  EXPECT_TRUE(d.tasks.on_time(d.now).empty());
  d.tasks.progressed(task, 3, 10, d.now);
  d.now += 1;
  EXPECT_EQ(d.tasks.on_time(d.now).size(), 1u);
}

TEST(task_ends, a_node_that_says_done_while_its_own_report_says_otherwise_has_failed) {
  // A node that lies: E-rules, and I-E4, the task fails before the step counts.
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.answer(d.dispatch().at(0).task, ec::ok, {{3, 1, 2}});
  d.report(3, 2); // without the copy
  EXPECT_EQ(d.tasks.size(), 0u);
  EXPECT_EQ(d.tasks.records(7, d.now).at(0).end, reason::effect_missing);
  EXPECT_EQ(d.admit(load_13()), reason::stale_proposal);
  d.publish();
  EXPECT_EQ(d.admit(load_13()), reason::backing_off);
  EXPECT_EQ(d.w.view.load(3).failing, 1u);
}

TEST(task_ends, a_node_that_fails_is_shown_to_who_places_and_one_that_is_busy_is_not) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.answer(d.dispatch().at(0).task, ec::too_many_requests);
  d.publish();
  EXPECT_EQ(d.w.view.load(3).failing, 0u);
  EXPECT_TRUE(d.w.view.collection(7)->failures.empty());
  EXPECT_EQ(d.tasks.records(7, d.now).at(0).end, reason::order_refused);
  d.now += order_ns;
  d.tasks.on_time(d.now);
  for (std::uint32_t i = 1; i <= limits::node_failures; ++i) {
    d.publish();
    ASSERT_EQ(d.admit(load_13()), reason::none) << i;
    d.answer(d.dispatch().at(0).task, ec::io_failed);
    d.publish();
    EXPECT_EQ(d.w.view.load(3).failing, i);
    d.now += ms(1'000);
    d.tasks.on_time(d.now);
  }
  ASSERT_EQ(d.w.view.collection(7)->failures.size(), 1u);
  EXPECT_EQ(d.w.view.collection(7)->failures[0].count, limits::node_failures);
  d.w.collections.at(7).desired.reset();
  d.tasks.changed(d.w.whole(), d.w.view);
  d.publish();
  EXPECT_TRUE(d.w.view.collection(7)->failures.empty()) << "released: forgotten";
}

TEST(task_ends, live_and_late_tasks_are_listed_the_newest_first_within_bounds) {
  // T26, I-T3
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.w.lead(7, "a", 2, 101, 5, 0);
  d.w.whole();
  ASSERT_EQ(d.admit(drop("a", 2, 101, 0)), reason::none);
  auto list = d.tasks.records(0, d.now);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_GT(list[0].id, list[1].id);
  EXPECT_EQ(list[0].kind, TaskKind::DROP_SHARD);
  EXPECT_EQ(list[0].status, schema::TaskStatus::STARTED);
  EXPECT_TRUE(d.tasks.records(99, d.now).empty());
  for (const auto& o : d.dispatch())
    d.answer(o.task, ec::io_failed);
  list = d.tasks.records(7, d.now);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].status, schema::TaskStatus::FAILED);
  EXPECT_EQ(list[0].error, "said so");
  EXPECT_TRUE(d.tasks.records(7, d.now + ms(limits::recent_tasks_age.count())).empty());
  task_history h;
  for (std::size_t i = 0; i < limits::recent_tasks + 9; ++i)
    h.add({});
  EXPECT_EQ(h.records().size(), limits::recent_tasks);
}

TEST(task_ends, who_waits_for_a_task_hears_its_end_once) {
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  const auto task = d.last;
  d.tasks.watch(task);
  d.tasks.watch(99);
  EXPECT_TRUE(d.tasks.take_ended().empty());
  d.answer(d.dispatch().at(0).task, ec::io_failed);
  const auto ended = d.tasks.take_ended();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].id, task);
  EXPECT_EQ(ended[0].end, reason::order_failed);
  EXPECT_EQ(ended[0].error, "said so");
  EXPECT_TRUE(d.tasks.take_ended().empty());
}

TEST(task_ends, an_executor_that_cancels_leaves_the_task_to_end_as_unknown) {
  // T11
  lacking d;
  ASSERT_EQ(d.admit(load_13()), reason::none);
  d.answer(d.dispatch().at(0).task, ec::connection_lost);
  EXPECT_EQ(d.tasks.size(), 0u);
  EXPECT_EQ(d.tasks.records(7, d.now).at(0).end, reason::order_unknown);
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
  EXPECT_EQ(d.tasks.in_flight(3, 7), (task_load{100, 1, 0}));
  EXPECT_EQ(d.tasks.in_flight(3, 0), (task_load{100, 1, 0}));
  EXPECT_EQ(d.tasks.in_flight(0, 7), (task_load{0, 0, 0})) << "a move adds nothing in all";
  EXPECT_EQ(d.tasks.in_flight(3, 8), (task_load{}));
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
          p.kind = static_cast<TaskKind>(d.from(1, 12));
          p.priority = static_cast<TaskPriority>(d.below(3));
          p.collection = 7;
          p.replica = d.one_in(8) ? 0 : d.from(101, 102);
          p.channel = d.one_in(2) ? "a" : "b";
          p.segment = d.from(11, 32);
          p.node = d.from(1, 6);
          p.source = d.from(1, 6);
          p.target_version = 5;
          p.version = 99;
          p.indexes = 4;
          p.partition_stats = {{1, d.from(1, 9)}};
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
          if (k.last != 0 && d.one_in(5))
            k.tasks.watch(k.last);
          break;
        }
        case 4:
          for (const auto& o : k.dispatch()) {
            running.push_back(o.task);
            if (d.one_in(4))
              k.tasks.progressed(o.task, static_cast<std::uint32_t>(d.from(1, 5)), 5, k.now);
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
        const auto held = k.tasks.held();
        ASSERT_EQ(held.keys, held.tasks) << "seed " << seed;
        ASSERT_LE(held.waiting + held.running, held.tasks) << "seed " << seed;
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
    k.tasks.forget_floors(k.number);
    k.tasks.take_ended();
    const auto held = k.tasks.held();
    for (auto n : {held.tasks, held.keys, held.waiting, held.running, held.confirming, held.deadlines, held.loads, held.floors,
                   held.starved, held.watched, held.tied})
      ASSERT_EQ(n, 0u) << "seed " << seed;
    ASSERT_LE(held.failures, limits::remembered_failures);
    ASSERT_LE(k.tasks.records(0, k.now).size(), limits::recent_tasks);
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
} // namespace muster::task_tests
