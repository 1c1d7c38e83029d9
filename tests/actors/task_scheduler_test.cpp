// The scheduler as its callers see it: tasks by hand, waits for them, their list, one batch a node.
#include "actors/task_scheduler.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/unit/situation_builder.hpp"

#include <map>
#include <vector>

namespace muster {
namespace {

using namespace std::chrono_literals;

struct scheduler_rules : actor_fixture {
  scheduler_rules() {
    scheduler = own(spawn_task_scheduler(system, 1));
    w.usable({1, 2, 3}).loaded(7, {{1, 2, 3}});
    w.segment(7, 11).segment(7, 12).settle(7);
    for (std::int64_t node : {1, 2, 3})
      join(node);
    publish();
  }

  void join(std::int64_t node) {
    auto handle = own(system.spawn([this, node](task_executor_actor::pointer) -> task_executor_actor::behavior_type {
      return {
        [this, node](const m<schema::StepBatch>& b) { batches.emplace_back(node, b); },
        [this](const m<schema::OrderCancel>& c) {
          for (auto t : c->getTasks())
            cancelled.push_back(t);
        },
        [](const m<schema::OrderResults>&) {},
        [](const m<schema::SessionDetach>&) {},
        [](attach_atom, const node_session_actor&) {},
        [](flush_atom) {},
        [](tick_atom) {},
      };
    }));
    tell(scheduler, attach_atom::value, node, handle);
  }

  /// The truths as they are now, as metadata and distribution would send them.
  void publish() {
    tell(scheduler, w.publication_of_all());
  }

  proposal move(std::int64_t segment, std::int64_t from, std::int64_t to) {
    proposal p;
    p.kind = schema::TaskKind::MOVE_SEGMENT;
    p.priority = schema::TaskPriority::NORMAL;
    p.collection = 7;
    p.replica = 101;
    p.channel = "a";
    p.segment = segment;
    p.source = from;
    p.node = to;
    return p;
  }

  std::shared_ptr<asked<schema::RunTasksReply>> run_tasks(const std::vector<proposal>& proposals, bool wait = true) {
    return ask<schema::RunTasksReply>(scheduler, build<schema::RunTasksRequest>([&](auto b) {
                                        b.setProposer(schema::Proposer::MANUAL);
                                        b.setWait(wait);
                                        auto list = b.initProposals(static_cast<unsigned>(proposals.size()));
                                        for (unsigned i = 0; i < list.size(); ++i)
                                          write(list[i], proposals[i]);
                                      }));
  }

  void answer(std::int64_t task, ec code = ec::ok) {
    tell(scheduler, build<schema::StepResults>([&](auto b) {
           auto r = b.initResults(1)[0];
           r.setTask(task);
           set_status(r.initStatus(), code, "said so");
         }));
  }

  /// Where a segment of collection 7 is.
  std::int64_t worker_of(std::int64_t segment) {
    for (const auto& c : w.collections[7].copies)
      if (c.segment == segment)
        return c.node;
    return 0;
  }

  std::int64_t last_task() {
    return batches.back().second->getOrders()[0].getTask();
  }

  world w;
  task_scheduler_actor scheduler;
  std::vector<std::pair<std::int64_t, m<schema::StepBatch>>> batches;
  std::vector<std::int64_t> cancelled;
};

TEST_F(scheduler_rules, a_move_by_hand_is_answered_when_its_last_step_is_done) {
  auto reply = run_tasks({move(12, 2, 3)});
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].first, 1) << "the leader";
  w.copy(7, 12, 3).route(7, 12, 1, 3);
  publish();
  answer(last_task());
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_TRUE(batches[1].second->getOrders()[0].isReleaseSegment());
  EXPECT_FALSE(reply->reply) << "not before it is done";
  answer(last_task());
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ((**reply).getStatus().getCode(), 0);
  EXPECT_EQ((**reply).getOutcomes()[0].getStatus(), schema::TaskStatus::SUCCEEDED);
}

TEST_F(scheduler_rules, a_move_by_hand_that_is_refused_or_fails_says_why) {
  auto refused = run_tasks({move(12, 1, 3)});
  ASSERT_TRUE(refused->reply);
  EXPECT_EQ((**refused).getStatus().getCode(), static_cast<int>(ec::stale_premise));
  EXPECT_EQ((**refused).getOutcomes()[0].getTask(), 0);
  EXPECT_EQ((**refused).getOutcomes()[0].getReason(), static_cast<int>(reason::premise_gone));
  auto failed = run_tasks({move(12, 2, 3), move(11, 1, 2)});
  ASSERT_EQ(batches.size(), 1u) << "one batch a node and flush";
  ASSERT_EQ(batches[0].second->getOrders().size(), 2u);
  const auto task_of = [&](std::int64_t segment) {
    for (auto o : batches[0].second->getOrders())
      if (o.isLoadSegment() && o.getLoadSegment().getSource().getSegment() == segment)
        return o.getTask();
    return std::int64_t{0};
  };
  answer(task_of(12), ec::io_corrupt);
  EXPECT_FALSE(failed->reply) << "the other one still runs";
  answer(task_of(11), ec::connection_lost);
  ASSERT_TRUE(failed->reply);
  EXPECT_EQ((**failed).getOutcomes()[0].getReason(), static_cast<int>(reason::order_failed));
  EXPECT_EQ((**failed).getOutcomes()[1].getReason(), static_cast<int>(reason::order_unknown));
  EXPECT_NE((**failed).getStatus().getCode(), 0);
}

TEST_F(scheduler_rules, who_does_not_wait_is_answered_at_once_and_who_waits_too_long_at_the_deadline) {
  auto quick = run_tasks({move(12, 2, 3)}, false);
  ASSERT_TRUE(quick->reply);
  EXPECT_NE((**quick).getOutcomes()[0].getTask(), 0);
  EXPECT_EQ((**quick).getOutcomes()[0].getStatus(), schema::TaskStatus::STARTED);
  auto slow = ask<schema::RunTasksReply>(scheduler, build<schema::RunTasksRequest>([&](auto b) {
                                           b.setProposer(schema::Proposer::MANUAL);
                                           b.setWait(true);
                                           b.initHeader().setEnqueuedAt(1);
                                           b.getHeader().setDeadline(1 + 2'000'000'000);
                                           write(b.initProposals(1)[0], move(11, 1, 2));
                                         }));
  EXPECT_FALSE(slow->reply);
  advance(2'100ms, 100ms);
  ASSERT_TRUE(slow->reply);
  EXPECT_EQ((**slow).getStatus().getCode(), static_cast<int>(ec::deadline_exceeded));
  EXPECT_EQ((**slow).getOutcomes()[0].getStatus(), schema::TaskStatus::STARTED) << "it still runs";
}

TEST_F(scheduler_rules, an_order_that_is_never_answered_ends_and_its_executor_is_told) {
  // Q1
  run_tasks({move(12, 2, 3)}, false);
  const auto task = last_task();
  advance(limits::order_timeout * 5 / 4 + 100ms, 500ms);
  EXPECT_EQ(cancelled, std::vector<std::int64_t>{task});
  auto list = ask<schema::TaskRecordsReply>(scheduler, build<schema::TaskRecordsRequest>([](auto) {}));
  ASSERT_TRUE(list->reply);
  ASSERT_EQ((**list).getTasks().size(), 1u);
  EXPECT_EQ((**list).getTasks()[0].getStatus(), schema::TaskStatus::FAILED);
  EXPECT_EQ((**list).getTasks()[0].getEnd(), static_cast<int>(reason::order_unknown));
}

TEST_F(scheduler_rules, live_tasks_are_listed_with_what_they_do) {
  run_tasks({move(12, 2, 3)}, false);
  auto list = ask<schema::TaskRecordsReply>(scheduler, build<schema::TaskRecordsRequest>([](auto b) { b.setCollection(7); }));
  ASSERT_TRUE(list->reply);
  ASSERT_EQ((**list).getTasks().size(), 1u);
  auto t = (**list).getTasks()[0];
  EXPECT_EQ(t.getProposer(), schema::Proposer::MANUAL);
  EXPECT_EQ(t.getKind(), schema::TaskKind::MOVE_SEGMENT);
  EXPECT_EQ(t.getStatus(), schema::TaskStatus::STARTED);
  EXPECT_EQ(t.getSegment(), 12);
  EXPECT_EQ(t.getSource(), 2);
  EXPECT_EQ(t.getNode(), 3);
}

TEST_F(scheduler_rules, tasks_of_a_node_that_is_gone_end_and_executors_of_others_are_told) {
  auto reply = run_tasks({move(12, 2, 3)});
  const auto task = last_task();
  w.gone(3);
  publish();
  EXPECT_EQ(cancelled, std::vector<std::int64_t>{task});
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ((**reply).getOutcomes()[0].getReason(), static_cast<int>(reason::node_lost));
}

TEST_F(scheduler_rules, load_balance_is_answered_when_its_segments_have_moved) {
  // T-SVC-20, T-SVC-21
  const auto source = worker_of(11);
  auto reply = ask<schema::LoadBalanceReply>(scheduler, build<schema::LoadBalanceRequest>([&](auto b) {
                                               b.setCollectionId(7);
                                               b.initSources(1).set(0, source);
                                               b.initSegments(1).set(0, 11);
                                             }));
  EXPECT_FALSE(reply->reply);
  ASSERT_FALSE(batches.empty());
  const auto order = batches.back().second->getOrders()[0];
  EXPECT_EQ(order.getLoadSegment().getSource().getSegment(), 11);
  EXPECT_NE(order.getLoadSegment().getWorker().getNode(), source);
  answer(last_task(), ec::internal);
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ((**reply).getStatus().getCode(), static_cast<std::uint16_t>(ec::internal));
  EXPECT_NE(view((**reply).getStatus().getReason()).find("said so"), std::string_view::npos); // T-SVC-24
  EXPECT_EQ((**reply).getMoves(), 1u);
}

TEST_F(scheduler_rules, moves_by_hand_are_refused_with_what_to_do) {
  // T-SVC-23, T-SVC-25, T-OPS-07
  auto reply = ask<schema::LoadBalanceReply>(scheduler, build<schema::LoadBalanceRequest>([](auto b) { b.setCollectionId(7); }));
  ASSERT_TRUE(reply->reply);
  EXPECT_EQ((**reply).getStatus().getCode(), static_cast<std::uint16_t>(ec::parameter_invalid));
  auto transfer = ask<schema::TransferSegmentReply>(scheduler, build<schema::TransferSegmentRequest>([](auto b) {
                                                      b.setSource(77);
                                                      b.setTransferAll(true);
                                                    }));
  ASSERT_TRUE(transfer->reply);
  EXPECT_EQ((**transfer).getStatus().getCode(), static_cast<std::uint16_t>(ec::node_offline));
  EXPECT_TRUE(batches.empty());
}

TEST_F(scheduler_rules, transfers_are_answered_when_they_have_begun) {
  const auto from = w.collections[7].delegators.front().node;
  auto channel = ask<schema::TransferChannelReply>(scheduler, build<schema::TransferChannelRequest>([&](auto b) {
                                                     b.setChannel("a");
                                                     b.setSource(from);
                                                     b.setToAllNodes(true);
                                                   }));
  ASSERT_TRUE(channel->reply);
  EXPECT_EQ((**channel).getStatus().getCode(), 0) << view((**channel).getStatus().getReason()).data();
  EXPECT_EQ((**channel).getMoves(), 1u);
  ASSERT_EQ(batches.size(), 1u);
}

} // namespace
} // namespace muster
