// A node's executor and session: one frame a flush, windows, deadlines, and nodes that refuse, are slow or lie.
#include "actors/nodes.hpp"
#include "tests/support/actor_fixture.hpp"

#include <vector>

namespace muster {
namespace {

using namespace std::chrono_literals;

struct executor_rules : actor_fixture {
  /// A scheduler that keeps what it is told.
  struct heard {
    std::vector<m<schema::StepResults>> results;
  };

  task_scheduler_actor stand_in_scheduler() {
    return own(system.spawn([all = told](task_scheduler_actor::pointer) -> task_scheduler_actor::behavior_type {
      return {
        [](const publication&) { return m<schema::Ack>{}; },
        [](subscribe_atom, const subscriber_actor&) {},
        [](const m<schema::Proposals>&) {},
        [all](const m<schema::StepResults>& r) { all->results.push_back(r); },
        [](const m<schema::RunTasksRequest>&) { return m<schema::RunTasksReply>{}; },
        [](const m<schema::LoadBalanceRequest>&) { return m<schema::LoadBalanceReply>{}; },
        [](const m<schema::TransferSegmentRequest>&) { return m<schema::TransferSegmentReply>{}; },
        [](const m<schema::TransferChannelRequest>&) { return m<schema::TransferChannelReply>{}; },
        [](const m<schema::RuleSettings>&) { return m<schema::Ack>{}; },
        [](const m<schema::TaskRecordsRequest>&) { return m<schema::TaskRecordsReply>{}; },
        [](attach_atom, std::int64_t, const task_executor_actor&) {},
        [](flush_atom) {},
        [](tick_atom) {},
      };
    }));
  }

  executor_rules() {
    wire = collect<schema::LinkCommand>();
    distribution = own(system.spawn([all = reports](distribution_actor::pointer) -> distribution_actor::behavior_type {
      return {
        [](const m<schema::NodeChange>&) {},
        [all](const m<schema::NodeReport>& r) { all->push_back(r); },
        [](subscribe_atom, const subscriber_actor&) {},
        [](flush_atom) {},
      };
    }));
    node_peers peers{7, wire.handle, distribution, stand_in_scheduler()};
    executor = own(spawn_task_executor(system, 3, peers));
    session = own(spawn_node_session(system, 3, peers, executor));
  }

  void attach(std::int64_t link = 5, std::uint64_t incarnation = 1) {
    tell(session, build<schema::SessionAttach>([&](auto b) {
           b.setNode(3);
           b.setLink(link);
           b.setIncarnation(incarnation);
         }));
  }

  template <class Fill>
  void say(Fill fill) {
    tell(session, build<schema::NodeFrame>(fill));
  }

  void report_all() {
    say([](auto f) {
      auto r = f.initReport();
      r.setSeq(1);
      r.setFull(true);
      r.setComplete(true);
    });
  }

  void due(const std::vector<std::int64_t>& tasks) {
    tell(executor, build<schema::StepBatch>([&](auto b) {
           auto list = b.initOrders(static_cast<unsigned>(tasks.size()));
           for (unsigned i = 0; i < list.size(); ++i) {
             list[i].setTask(tasks[i]);
             list[i].initDropIndex().setSegment(tasks[i]);
           }
         }));
  }

  void answer(std::int64_t task, ec code = ec::ok) {
    say([&](auto f) {
      auto r = f.initResults().initResults(1)[0];
      r.setTask(task);
      set_status(r.initStatus(), code, "said so");
      r.initMarks(1)[0].setNode(3);
    });
  }

  void progress(std::int64_t task, std::uint32_t done) {
    say([&](auto f) {
      auto p = f.initResults().initProgress(1)[0];
      p.setTask(task);
      p.setDone(done);
      p.setTotal(100);
    });
  }

  /// The frames with orders that went over the wire.
  std::vector<m<schema::CoordinatorFrame>> frames() {
    std::vector<m<schema::CoordinatorFrame>> result;
    for (std::size_t i = 0; i < wire.size(); ++i)
      if (wire[i].isFrame())
        if (auto f = parse<schema::CoordinatorFrame>(wire[i].getFrame().getBytes()); f && f->read().isOrders())
          result.push_back(*f);
    return result;
  }

  std::size_t ordered() {
    std::size_t n = 0;
    for (const auto& f : frames())
      n += f->getOrders().getOrders().size();
    return n;
  }

  /// Task -> code, of all results so far; a task answered twice fails the test.
  std::map<std::int64_t, ec> ends() {
    std::map<std::int64_t, ec> result;
    for (const auto& r : told->results)
      for (auto x : r->getResults())
        EXPECT_TRUE(result.emplace(x.getTask(), static_cast<ec>(x.getStatus().getCode())).second) << x.getTask();
    return result;
  }

  std::shared_ptr<heard> told = std::make_shared<heard>();
  std::shared_ptr<std::vector<m<schema::NodeReport>>> reports = std::make_shared<std::vector<m<schema::NodeReport>>>();
  collector<schema::LinkCommand> wire;
  distribution_actor distribution;
  task_executor_actor executor;
  node_session_actor session;
};

TEST_F(executor_rules, all_that_is_due_for_a_node_at_a_flush_goes_in_one_frame_with_the_epoch) {
  attach();
  report_all();
  caf::anon_send(executor, build<schema::StepBatch>([](auto b) { b.initOrders(1)[0].setTask(1); }));
  due({2, 3, 4});
  ASSERT_EQ(frames().size(), 1u);
  EXPECT_EQ(frames()[0]->getOrders().getOrders().size(), 4u);
  EXPECT_EQ(frames()[0]->getOrders().getHeader().getEpoch(), 7u);
  EXPECT_EQ(frames()[0]->getOrders().getNode(), 3);
}

TEST_F(executor_rules, orders_before_the_full_report_fail_and_later_ones_go) {
  attach();
  due({1});
  EXPECT_EQ(ends().at(1), ec::connection_lost);
  report_all();
  due({2});
  EXPECT_EQ(ordered(), 1u);
}

TEST_F(executor_rules, what_exceeds_the_window_of_a_node_waits_until_orders_are_answered) {
  attach();
  report_all();
  std::vector<std::int64_t> many;
  for (std::size_t i = 1; i <= limits::orders_in_flight_per_node + 3; ++i)
    many.push_back(static_cast<std::int64_t>(i));
  due(many);
  EXPECT_EQ(ordered(), limits::orders_in_flight_per_node);
  answer(1);
  answer(2);
  EXPECT_EQ(ordered(), limits::orders_in_flight_per_node + 2);
}

TEST_F(executor_rules, an_answer_is_passed_on_unchanged) {
  // E07
  attach();
  report_all();
  due({1});
  answer(1, ec::internal);
  ASSERT_EQ(told->results.size(), 1u);
  auto r = told->results[0]->getResults()[0];
  EXPECT_EQ(r.getStatus().getCode(), static_cast<int>(ec::internal));
  EXPECT_EQ(view(r.getStatus().getReason()), "said so");
  EXPECT_EQ(r.getMarks().size(), 1u);
  EXPECT_EQ(told->results[0]->getNode(), 3);
}

TEST_F(executor_rules, a_node_that_answers_what_it_was_not_given_or_twice_changes_nothing) {
  attach();
  report_all();
  due({1});
  answer(99);
  answer(1);
  answer(1, ec::io_failed);
  progress(1, 50);
  progress(99, 50);
  EXPECT_EQ(ends(), (std::map<std::int64_t, ec>{{1, ec::ok}}));
  EXPECT_EQ(told->results.size(), 1u);
}

TEST_F(executor_rules, a_node_that_does_not_answer_in_time_has_failed_and_its_late_answer_is_ignored) {
  attach();
  report_all();
  due({1});
  advance(limits::order_timeout + limits::order_timeout / 4 + 10ms, 1'000ms);
  EXPECT_EQ(ends().at(1), ec::deadline_exceeded);
  answer(1);
  EXPECT_EQ(ends().size(), 1u);
}

TEST_F(executor_rules, a_slow_node_that_is_further_each_time_is_waited_for_one_that_stands_still_is_not) {
  attach();
  report_all();
  due({1, 2});
  for (std::uint32_t i = 1; i <= 4; ++i) {
    advance(limits::order_timeout * 3 / 4, 1'000ms);
    progress(1, i * 10);
    progress(2, 10);
  }
  EXPECT_EQ(ends(), (std::map<std::int64_t, ec>{{2, ec::deadline_exceeded}}));
  std::uint32_t last = 0;
  for (const auto& r : told->results)
    for (auto p : r->getProgress())
      if (p.getTask() == 1)
        last = p.getDone();
  EXPECT_EQ(last, 40u) << "it streams back";
  answer(1);
  EXPECT_EQ(ends().at(1), ec::ok);
}

TEST_F(executor_rules, with_the_link_the_outcome_of_its_orders_is_lost_and_waiting_ones_fail) {
  // A hanging or lost node keeps neither key nor slot: Q1.
  attach();
  report_all();
  due({1});
  tell(session, build<schema::SessionDetach>([](auto b) {
         b.setNode(3);
         b.setLink(5);
         b.setReason("cut");
       }));
  EXPECT_EQ(ends().at(1), ec::connection_lost);
  due({2});
  EXPECT_EQ(ends().at(2), ec::connection_lost);
  attach(7);
  answer(1); // of before
  report_all();
  due({3});
  answer(3);
  EXPECT_EQ(ends().at(3), ec::ok);
  EXPECT_EQ(ends().size(), 3u);
}

TEST_F(executor_rules, a_cancelled_order_is_forgotten_and_frees_its_place) {
  attach();
  report_all();
  std::vector<std::int64_t> many;
  for (std::size_t i = 1; i <= limits::orders_in_flight_per_node + 1; ++i)
    many.push_back(static_cast<std::int64_t>(i));
  due(many);
  tell(executor, build<schema::OrderCancel>([](auto b) { b.initTasks(1).set(0, 1); }));
  EXPECT_EQ(ordered(), limits::orders_in_flight_per_node + 1);
  answer(1);
  EXPECT_TRUE(ends().empty());
}

TEST_F(executor_rules, reports_go_on_with_the_incarnation_of_the_link_and_frames_of_no_link_nowhere) {
  report_all();
  EXPECT_TRUE(reports->empty());
  attach(5, 42);
  report_all();
  ASSERT_EQ(reports->size(), 1u);
  EXPECT_EQ((*reports)[0]->getIncarnation(), 42u);
  EXPECT_EQ((*reports)[0]->getNode(), 3);
}

} // namespace
} // namespace muster
