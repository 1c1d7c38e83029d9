// The checkers as actors: switched off and on through their controller, walking over everything slowly, counted in the reports.
#include "actors/checkers.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using std::chrono::seconds;

class checkers : public actor_fixture {
protected:
  checkers() : proposals(std::make_shared<std::vector<m<schema::Proposals>>>()),
               settings(std::make_shared<std::vector<m<schema::RuleSettings>>>()) {
    // Stands in for task_scheduler: keeps proposals, and settings that it is told.
    auto kept = proposals;
    auto heard = settings;
    scheduler = own(system.spawn([kept, heard]() -> task_scheduler_actor::behavior_type {
      return {
        [](const publication&) { return m<schema::Ack>{}; },
        [](subscribe_atom, const subscriber_actor&) {},
        [kept](const m<schema::Proposals>& p) { kept->push_back(p); },
        [](const m<schema::StepResults>&) {},
        [](const m<schema::RunTasksRequest>&) { return m<schema::RunTasksReply>{}; },
        [](const m<schema::LoadBalanceRequest>&) { return m<schema::LoadBalanceReply>{}; },
        [](const m<schema::TransferSegmentRequest>&) { return m<schema::TransferSegmentReply>{}; },
        [](const m<schema::TransferChannelRequest>&) { return m<schema::TransferChannelReply>{}; },
        [heard](const m<schema::RuleSettings>& s) {
          heard->push_back(s);
          return m<schema::Ack>{};
        },
        [](const m<schema::TaskRecordsRequest>&) { return m<schema::TaskRecordsReply>{}; },
        [](attach_atom, std::int64_t, const task_executor_actor&) {},
        [](flush_atom) {},
        [](tick_atom) {},
      };
    }));
    controller = own(spawn_checker_controller(system, scheduler));
    // Collection 7 lacks segment 12.
    w.usable({1, 2}).loaded(7, {{1, 2}});
    w.segment(7, 11).settle(7);
    w.segment(7, 12);
  }

  checker_actor start(std::chrono::milliseconds round = limits::sweep_round) {
    auto c = own(spawn_segment_checker(system, scheduler, {round}));
    tell(controller, attach_atom::value, std::string{"segment_checker"}, c);
    return c;
  }

  void publish(const checker_actor& to, bool whole = true) {
    touched_map t;
    for (const auto& [id, c] : w.collections)
      t[id].whole = whole;
    tell(to, w.publication_of(t));
  }

  std::size_t take() {
    std::size_t n = 0;
    for (const auto& p : *proposals)
      n += p->getProposals().size();
    proposals->clear();
    return n;
  }

  template <class Request, class Reply>
  std::uint16_t change(const char* name) {
    auto r = ask<Reply>(controller, build<Request>([&](auto b) { b.setChecker(name); }));
    return (**r).getStatus().getCode();
  }

  std::uint16_t activate(const char* name) {
    return change<schema::ActivateCheckerRequest, schema::ActivateCheckerReply>(name);
  }

  std::uint16_t deactivate(const char* name) {
    return change<schema::DeactivateCheckerRequest, schema::DeactivateCheckerReply>(name);
  }

  std::uint64_t counted(const char* what) {
    for (const auto& r : probes_of(system).reports("segment_checker", 0))
      for (const auto& [name, n] : r.counters)
        if (name == what)
          return n;
    return 0;
  }

  world w;
  std::shared_ptr<std::vector<m<schema::Proposals>>> proposals;
  std::shared_ptr<std::vector<m<schema::RuleSettings>>> settings;
  task_scheduler_actor scheduler;
  checker_controller_actor controller;
};

TEST_F(checkers, a_deactivated_one_proposes_nothing_and_again_after_activation) {
  // C07, I-C8
  auto c = start();
  publish(c);
  EXPECT_EQ(take(), 1u);
  EXPECT_EQ(deactivate("segment_checker"), 0);
  publish(c);
  EXPECT_EQ(take(), 0u);
  EXPECT_EQ(deactivate("2"), 0) << "its number does as well, and a second time does no harm";
  EXPECT_EQ(activate("segment_checker"), 0);
  EXPECT_EQ(take(), 1u) << "it looks at everything at once";
  EXPECT_EQ(activate("segment_checker"), 0);
  EXPECT_EQ(take(), 0u);
}

TEST_F(checkers, one_that_restarts_stays_switched_off) {
  start();
  EXPECT_EQ(deactivate("segment_checker"), 0);
  auto again = start();
  publish(again);
  EXPECT_EQ(take(), 0u);
  EXPECT_EQ(activate("segment_checker"), 0);
  EXPECT_EQ(take(), 1u);
}

TEST_F(checkers, other_settings_count_at_once_for_all_who_place_and_move_and_for_those_who_restart) {
  // P01
  w.collections.erase(7);
  w.loaded(8, {{1, 2}});
  w.lead(8, "a", 1);
  for (std::int64_t s : {21, 22, 23, 24}) {
    w.segment(8, s);
    w.copy(8, s, 1).route(8, s, 1, 1);
  }
  const auto set = [&](std::vector<std::pair<std::string, std::string>> values) {
    ask<schema::Ack>(controller, build<schema::RuleSettings>([&](auto b) {
                       auto list = b.initValues(static_cast<unsigned>(values.size()));
                       for (unsigned i = 0; i < list.size(); ++i) {
                         list[i].setKey(values[i].first);
                         list[i].setValue(values[i].second);
                       }
                     }));
  };
  set({{"queryCoord.balancer", "RoundRobinBalancer"}});
  ASSERT_FALSE(settings->empty());
  EXPECT_EQ(view(settings->back()->getValues()[0].getValue()), "RoundRobinBalancer");
  const auto spawn = [&] {
    auto c = own(spawn_balance_checker(system, scheduler));
    tell(controller, attach_atom::value, std::string{"balance_checker"}, c);
    publish(c);
    return c;
  };
  auto c = spawn();
  EXPECT_EQ(take(), 0u) << "this policy never moves for evenness";
  set({});
  EXPECT_EQ(take(), 2u) << "the one that it comes with does";
  set({{"queryCoord.autoBalance", "false"}});
  c = spawn();
  EXPECT_EQ(take(), 0u);
}

TEST_F(checkers, one_that_was_told_nothing_yet_proposes_nothing) {
  auto c = own(spawn_segment_checker(system, scheduler));
  publish(c);
  EXPECT_EQ(take(), 0u);
  tell(controller, attach_atom::value, std::string{"segment_checker"}, c);
  EXPECT_EQ(take(), 1u);
}

TEST_F(checkers, are_listed_with_their_state_and_unknown_ones_are_said_to_be) {
  // T-OPS-01
  auto all = ask<schema::ListCheckersReply>(controller, build<schema::ListCheckersRequest>([](auto) {}));
  ASSERT_EQ((**all).getCheckers().size(), 5u);
  for (auto c : (**all).getCheckers()) {
    EXPECT_TRUE(c.getFound());
    EXPECT_TRUE(c.getActive());
  }
  EXPECT_EQ(deactivate("channel_checker"), 0);
  auto some = ask<schema::ListCheckersReply>(controller, build<schema::ListCheckersRequest>([](auto b) {
                                               auto names = b.initCheckers(3);
                                               names.set(0, "1");
                                               names.set(1, "leader_checker");
                                               names.set(2, "9");
                                             }));
  auto list = (**some).getCheckers();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(view(list[0].getName()), "channel_checker");
  EXPECT_FALSE(list[0].getActive());
  EXPECT_TRUE(list[1].getActive());
  EXPECT_EQ(list[1].getNumber(), 5u);
  EXPECT_FALSE(list[2].getFound());
  EXPECT_EQ(activate("channel_checker"), 0);
  EXPECT_EQ(activate("9"), static_cast<std::uint16_t>(ec::parameter_invalid));
}

TEST_F(checkers, the_slow_walk_goes_on_by_itself_and_counts_what_no_change_told) {
  auto c = start(seconds{10});
  w.copy(7, 12, 1).route(7, 12, 1, 1);
  publish(c);
  EXPECT_EQ(take(), 0u);
  w.uncopy(7, 12, 1);
  tell(c, w.publication_of({})); // a change that touches nothing: what must never be
  EXPECT_EQ(take(), 0u);
  advance(seconds{11}, std::chrono::milliseconds{100});
  EXPECT_EQ(take(), 1u);
  EXPECT_EQ(counted("defects"), 1u);
  EXPECT_EQ(counted("open"), 1u);
  advance(seconds{40}, std::chrono::milliseconds{100});
  EXPECT_EQ(counted("defects"), 1u) << "the same is no other defect";
  EXPECT_EQ(counted("rounds"), 5u);
  EXPECT_EQ(counted("swept"), 5 * 3u);
}

} // namespace
} // namespace muster
