// A query node as seen from its doors: the link to the coordinator, orders, reports, peers, searches; in virtual time.
#include "actors/node/call_window.hpp"
#include "tests/actors/node_rig.hpp"

namespace muster {
namespace {

using namespace node_rig;

using node_rules = rig;

// -- the link -------------------------------------------------------------------

TEST_F(node_rules, hello_is_the_first_frame_and_the_welcome_is_answered_by_a_full_report) {
  auto& a = boot("a", 42);
  ASSERT_EQ(a.frames.size(), 1u);
  ASSERT_TRUE(a.frames[0]->isHello());
  EXPECT_EQ(a.frames[0]->getHello().getIncarnation(), 42u);
  welcome(a, 1);
  ASSERT_EQ(a.frames.size(), 2u);
  auto report = a.frames[1]->getReport();
  EXPECT_TRUE(report.getFull() && report.getComplete());
  EXPECT_EQ(report.getSeq(), 1u);
}

TEST_F(node_rules, a_ping_is_answered_at_once) {
  auto& a = join("a", 1);
  say(a, [](auto f) { f.setPing(77); });
  ASSERT_TRUE(a.frames.back()->isPong());
  EXPECT_EQ(a.frames.back()->getPong(), 77u);
}

TEST_F(node_rules, a_lost_link_is_dialled_again_and_the_numbers_of_reports_go_on) {
  auto& a = join("a", 1);
  EXPECT_EQ(code(a, serve(a, 1, {{3, 1, "a"}})), ec::ok);
  const auto seq = reports(a).back().getSeq();
  cut(a);
  settle();
  EXPECT_EQ(segments_of(*search(a, 0, 10)), std::set<std::int64_t>{3});
  pass(limits::redial + 20ms);
  ASSERT_NE(a.link, 0);
  EXPECT_TRUE(a.frames.back()->isHello());
  EXPECT_EQ(a.frames.back()->getHello().getHighestEpoch(), 5u);
  welcome(a, 1, 6);
  auto full = reports(a).back();
  EXPECT_TRUE(full.getFull());
  EXPECT_GT(full.getSeq(), seq);
  ASSERT_EQ(full.getDelegators().size(), 1u);
  EXPECT_TRUE(full.getDelegators()[0].getWholeView());
  EXPECT_TRUE(full.getDelegators()[0].getServiceable());
  EXPECT_EQ(full.getCopies().size(), 1u);
}

TEST_F(node_rules, a_refused_node_waits_longer_before_it_dials_again) {
  auto& a = boot("a");
  say(a, [](auto f) { set_status(f.initRefused(), ec::old_session_exists, "another node has this name"); });
  const auto dials = a.dials;
  pass(limits::redial * 3);
  EXPECT_EQ(a.dials, dials);
  pass(limits::redial_refused);
  EXPECT_EQ(a.dials, dials + 1);
}

TEST_F(node_rules, a_coordinator_that_refuses_connections_is_dialled_until_it_is_there) {
  coordinator_up = false;
  auto& a = boot("a");
  pass(limits::redial * 5 + 50ms);
  EXPECT_GE(a.dials, 4);
  EXPECT_LE(a.dials, 7);
  coordinator_up = true;
  pass(limits::redial * 2);
  EXPECT_TRUE(a.frames.at(0)->isHello());
}

TEST_F(node_rules, a_silent_coordinator_is_dialled_anew) {
  auto& a = join("a", 1);
  const auto dials = a.dials;
  for (int i = 0; i < 10; ++i) {
    pass(1s);
    say(a, [](auto f) { f.setPing(1); });
  }
  EXPECT_EQ(a.dials, dials);
  pass(limits::coordinator_silence + limits::silence_check + limits::redial + 100ms);
  EXPECT_EQ(a.dials, dials + 1);
}

TEST_F(node_rules, an_orderly_stop_says_leaving) {
  auto& a = join("a", 1);
  a.node.stop();
  settle();
  EXPECT_TRUE(a.frames.back()->isLeaving());
}

// -- orders -----------------------------------------------------------------------

TEST_F(node_rules, serve_shard_loads_serves_and_answers_once_behind_the_report_it_names) {
  auto& a = join("a", 1, 42);
  const auto task = serve(a, 1, {{3, 1, "a"}, {4, 1, "a"}, {5, 1, "a"}});
  EXPECT_EQ(code(a, task), ec::ok);
  auto marks = outcome(a, task)->getMarks();
  ASSERT_EQ(marks.size(), 1u);
  EXPECT_EQ(marks[0].getNode(), 1);
  EXPECT_EQ(marks[0].getIncarnation(), 42u);
  // The report with that number comes first, and up to it everything is said.
  std::set<std::int64_t> copies;
  bool serviceable = false;
  std::uint64_t seen = 0;
  for (const auto& frame : a.frames) {
    if (frame->isResults())
      break;
    if (!frame->isReport())
      continue;
    EXPECT_EQ(frame->getReport().getSeq(), ++seen);
    for (auto c : frame->getReport().getCopies())
      copies.insert(c.getSegment());
    for (auto d : frame->getReport().getDelegators())
      serviceable = d.getServiceable();
  }
  EXPECT_EQ(seen, marks[0].getSeq());
  EXPECT_EQ(copies, (std::set<std::int64_t>{3, 4, 5}));
  EXPECT_TRUE(serviceable);
  auto found = search(a, 0, 2);
  ASSERT_TRUE(found->reply);
  EXPECT_EQ((**found).getServedVersion(), 1);
  EXPECT_EQ((**found).getReplica(), 9);
  ASSERT_EQ((**found).getQueries()[0].getHits().size(), 2u);
  EXPECT_EQ((**found).getQueries()[0].getHits()[0].getId(), 3 * memory_engine_id_stride);
  EXPECT_EQ(segments_of(*search(a, 0, 100)), (std::set<std::int64_t>{3, 4, 5}));
}

TEST_F(node_rules, orders_of_a_lower_epoch_are_refused_one_by_one) {
  auto& a = join("a", 1);
  EXPECT_EQ(code(a, serve(a, 1, {}, 1, 100, 6)), ec::ok);
  EXPECT_EQ(code(a, serve(a, 1, {}, 2, 101, 5)), ec::stale_epoch);
  EXPECT_EQ(led(a).getServedVersion(), 1);
}

TEST_F(node_rules, orders_for_another_node_are_refused) {
  auto& a = join("a", 1);
  EXPECT_EQ(code(a, serve(a, 2, {})), ec::node_not_match);
}

TEST_F(node_rules, orders_for_a_shard_that_is_not_led_here_are_refused_but_a_drop_is_ok) {
  auto& a = join("a", 1);
  EXPECT_EQ(code(a, release(a, 1, 3, 1, "c-v0")), ec::channel_not_found);
  EXPECT_EQ(code(a, target(a, 1, 2, {})), ec::channel_not_found);
  EXPECT_EQ(code(a, drop(a, 1, 100)), ec::ok);
}

TEST_F(node_rules, one_that_is_drained_says_so_serves_on_and_says_when_it_is_empty) {
  auto& a = join("a", 1);
  EXPECT_EQ(code(a, serve(a, 1, {{3, 1, "a"}})), ec::ok);
  a.node.drain();
  settle();
  ASSERT_TRUE(a.frames.back()->isDraining());
  EXPECT_EQ(*a.drained, 0);
  EXPECT_EQ(segments_of(*search(a, 0, 10)), std::set<std::int64_t>{3});
  cut(a);
  settle();
  pass(limits::redial + 20ms);
  ASSERT_TRUE(a.frames.back()->isHello());
  EXPECT_TRUE(a.frames.back()->getHello().getDraining());
  welcome(a, 1);
  EXPECT_EQ(code(a, drop(a, 1, 100)), ec::ok);
  EXPECT_EQ(*a.drained, 0) << "the copy is still here";
  EXPECT_EQ(code(a, release(a, 1, 3, 1, "")), ec::ok);
  EXPECT_EQ(*a.drained, 1);
}

TEST_F(node_rules, an_empty_one_that_is_drained_says_so_at_once_but_not_before_it_has_joined) {
  auto& a = boot("a");
  a.node.drain();
  settle();
  EXPECT_EQ(*a.drained, 0) << "nobody would drain it";
  welcome(a, 1);
  EXPECT_EQ(*a.drained, 1);
}

TEST_F(node_rules, a_failed_load_fails_the_order_and_leaves_the_other_copies) {
  auto& a = join("a", 1);
  a.engine->bad = {segment_id{4}};
  const auto task = serve(a, 1, {{3, 1, "a"}, {4, 1, "a"}});
  EXPECT_EQ(code(a, task), ec::io_corrupt);
  EXPECT_FALSE(led(a).getServiceable());
  auto found = search(a, 0, 1);
  EXPECT_EQ(code(*found), ec::channel_not_available);
  a.engine->bad.clear();
  EXPECT_EQ(code(a, serve(a, 1, {{3, 1, "a"}, {4, 1, "a"}})), ec::ok);
  EXPECT_EQ(a.engine->loads, 3);
  EXPECT_EQ(segments_of(*search(a, 0, 100)), (std::set<std::int64_t>{3, 4}));
}

TEST_F(node_rules, a_served_copy_is_kept_and_one_that_is_not_is_released_after_the_view_forgot_it) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}, {4, 1, "a"}});
  EXPECT_EQ(code(a, release(a, 1, 4, 1, "c-v0")), ec::fenced);
  EXPECT_TRUE(a.engine->released.empty());
  EXPECT_EQ(code(a, target(a, 1, 2, {3})), ec::ok);
  EXPECT_EQ(code(a, release(a, 1, 4, 1, "c-v0")), ec::ok);
  EXPECT_EQ(a.engine->released, std::vector<segment_id>{segment_id{4}});
  bool removed = false;
  for (auto r : reports(a))
    removed |= r.getRemovedCopies().size() > 0;
  EXPECT_TRUE(removed);
  EXPECT_EQ(segments_of(*search(a, 0, 100)), std::set<std::int64_t>{3});
}

TEST_F(node_rules, a_release_without_a_channel_goes_to_the_copy_itself) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}});
  EXPECT_EQ(code(a, drop(a, 1, 100)), ec::ok);
  EXPECT_EQ(code(a, release(a, 1, 3, 1, "")), ec::ok);
  EXPECT_EQ(code(a, release(a, 1, 3, 1, "")), ec::ok);
  EXPECT_EQ(a.engine->released.size(), 1u);
}

TEST_F(node_rules, a_dropped_shard_is_gone_from_door_and_reports_and_can_be_led_again) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}});
  EXPECT_EQ(code(a, drop(a, 1, 99)), ec::ok);
  EXPECT_EQ(code(*search(a, 0, 1)), ec::ok);
  EXPECT_EQ(code(a, drop(a, 1, 100)), ec::ok);
  auto found = search(a, 0, 1);
  EXPECT_EQ(code(*found), ec::channel_not_found);
  EXPECT_EQ(std::string{view((**found).getStatus().getReason())}, "channel c-v0 has no leader here");
  bool removed = false;
  for (auto r : reports(a))
    removed |= r.getRemovedDelegators().size() > 0;
  EXPECT_TRUE(removed);
  EXPECT_EQ(code(a, serve(a, 1, {{3, 1, "a"}}, 2, 101)), ec::ok);
  EXPECT_EQ(a.engine->loads, 1);
  EXPECT_EQ(code(*search(a, 0, 1)), ec::ok);
}

TEST_F(node_rules, a_channel_is_led_once_on_a_node_also_when_another_replica_of_it_comes) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}});
  const auto other = [&] {
    return order(a, 1, [&](auto o) {
      auto s = o.initServeShard();
      s.setCollection(7);
      s.setReplica(10);
      s.setChannel("c-v0");
      s.setVersion(200);
      s.setTargetVersion(1);
    });
  };
  EXPECT_EQ(code(a, other()), ec::channel_not_available);
  EXPECT_EQ(code(a, drop(a, 1, 100)), ec::ok);
  EXPECT_EQ(code(a, other()), ec::ok);
}

TEST_F(node_rules, a_route_whose_channel_the_coordinator_does_not_know_is_forgotten_by_the_shard_that_has_it) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}, {4, 1, "a"}});
  const auto forget = [&](std::int64_t segment) {
    return order(a, 1, [&](auto o) {
      auto s = o.initSyncView();
      s.setCollection(7);
      s.setReplica(9);
      s.initRemoved(1).set(0, segment);
    });
  };
  EXPECT_EQ(code(a, forget(4)), ec::fenced) << "it is served";
  EXPECT_EQ(code(a, target(a, 1, 2, {3})), ec::ok);
  EXPECT_EQ(code(a, forget(4)), ec::ok);
  EXPECT_EQ(led(a).getRemoved().size(), 1u);
  EXPECT_EQ(code(a, forget(4)), ec::ok) << "nobody routes it";
}

TEST_F(node_rules, results_of_orders_of_an_older_link_are_not_sent) {
  auto& b = join("b", 2);
  auto& a = join("a", 1);
  down.insert("b");
  cut_peers(b);
  settle();
  // The load waits for a peer that is being dialled: it fails, but the link it came over is gone by then.
  const auto task = ++tasks;
  carried(a.node.coordinator_links, a.link, as_data(build<schema::CoordinatorFrame>([&](auto f) {
            auto orders = f.initOrders();
            orders.initHeader().setEpoch(5);
            orders.setNode(1);
            auto o = orders.initOrders(1)[0];
            o.setTask(task);
            auto s = o.initServeShard();
            s.setCollection(7);
            s.setChannel("c-v0");
            s.setReplica(9);
            s.setVersion(1);
            s.setTargetVersion(1);
            s.initWorkers(1)[0].setNode(2);
            s.getWorkers()[0].setAddress("b");
            s.initSegments(1)[0].initSource().setSegment(3);
          })));
  closed(a.node.coordinator_links, a.link);
  a.link = 0;
  settle();
  pass(1s);
  welcome(a, 1);
  EXPECT_FALSE(outcome(a, task));
  EXPECT_EQ(reports(a).back().getDelegators().size(), 1u);
}

// -- workers ------------------------------------------------------------------------

TEST_F(node_rules, a_shard_is_loaded_and_searched_through_workers_and_names_their_reports) {
  join("b", 2, 17);
  auto& a = join("a", 1);
  const auto task = serve(a, 1, {{3, 1, "a"}, {4, 2, "b"}, {5, 2, "b"}});
  EXPECT_EQ(code(a, task), ec::ok);
  auto marks = outcome(a, task)->getMarks();
  ASSERT_EQ(marks.size(), 2u);
  EXPECT_EQ(marks[1].getNode(), 2);
  EXPECT_EQ(marks[1].getIncarnation(), 17u);
  auto last = reports(boxes["b"]).back();
  EXPECT_EQ(marks[1].getSeq(), last.getSeq());
  EXPECT_EQ(boxes["b"].engine->loads, 2);
  auto found = search(a, 0, 100);
  EXPECT_EQ(segments_of(*found), (std::set<std::int64_t>{3, 4, 5}));
  EXPECT_EQ((**found).getQueries()[0].getHits().size(), 9u);
}

TEST_F(node_rules, a_lost_worker_makes_the_shard_unserviceable_at_once_and_the_same_one_heals_it) {
  auto& b = join("b", 2);
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}, {4, 2, "b"}});
  ASSERT_TRUE(led(a).getServiceable());
  down.insert("b");
  cut_peers(b);
  settle();
  EXPECT_FALSE(led(a).getServiceable());
  EXPECT_EQ(code(*search(a, 0, 1)), ec::channel_not_available);
  down.clear();
  pass(limits::peer_redial * 3);
  EXPECT_TRUE(led(a).getServiceable());
  EXPECT_EQ(segments_of(*search(a, 0, 100)), (std::set<std::int64_t>{3, 4}));
}

TEST_F(node_rules, a_worker_that_comes_back_as_another_incarnation_lost_its_segments) {
  auto& b = join("b", 2, 17);
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}, {4, 2, "b"}});
  b.node.stop();
  cut_peers(b);
  settle();
  join("b", 2, 18);
  pass(limits::peer_redial * 3);
  EXPECT_FALSE(led(a).getServiceable());
  ASSERT_EQ(led(a).getRemoved().size(), 1u);
  EXPECT_EQ(led(a).getRemoved()[0], 4);
  EXPECT_EQ(code(*search(a, 0, 1)), ec::segment_lack);
  // The coordinator repairs it.
  const auto task = order(a, 1, [&](auto o) {
    auto l = o.initLoadSegment();
    l.setCollection(7);
    l.setReplica(9);
    l.setChannel("c-v0");
    l.setVersion(200);
    l.initSource().setSegment(4);
    l.getSource().setRows(3);
    l.initWorker().setNode(2);
    l.getWorker().setAddress("b");
  });
  EXPECT_EQ(code(a, task), ec::ok);
  EXPECT_TRUE(led(a).getServiceable());
  EXPECT_EQ(segments_of(*search(a, 0, 100)), (std::set<std::int64_t>{3, 4}));
}

TEST_F(node_rules, a_worker_that_lacks_a_segment_fails_the_search_and_invalidates_the_route) {
  auto& b = join("b", 2);
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}, {4, 2, "b"}});
  b.engine->inner->release(segment_id{4});
  EXPECT_EQ(code(*search(a, 0, 100)), ec::segment_not_loaded);
  EXPECT_FALSE(led(a).getServiceable());
  ASSERT_EQ(led(a).getRemoved().size(), 1u);
  EXPECT_EQ(code(*search(a, 0, 100)), ec::segment_lack);
}

TEST_F(node_rules, a_call_for_another_node_id_is_refused_by_the_worker) {
  join("b", 2);
  auto& a = join("a", 1);
  const auto task = serve(a, 1, {{4, 3, "b"}});
  EXPECT_EQ(code(a, task), ec::node_not_match);
  EXPECT_EQ(boxes["b"].engine->loads, 0);
}

TEST_F(node_rules, a_worker_that_cannot_be_reached_fails_the_order_at_once) {
  auto& a = join("a", 1);
  const auto task = serve(a, 1, {{4, 2, "nowhere"}});
  EXPECT_EQ(code(a, task), ec::connection_lost);
}

TEST_F(node_rules, a_thousand_segments_of_one_order_pass_through_the_windows) {
  join("b", 2);
  auto& a = join("a", 1);
  std::vector<place> places;
  for (std::int64_t i = 1; i <= 1'000; ++i)
    places.push_back(i % 2 == 0 ? place{i, 1, "a"} : place{i, 2, "b"});
  EXPECT_EQ(code(a, serve(a, 1, places)), ec::ok);
  EXPECT_EQ(boxes["b"].engine->loads, 500);
  EXPECT_EQ(segments_of(*search(a, 0, 10'000)).size(), 1'000u);
}

TEST_F(node_rules, malformed_searches_are_refused_before_anyone_works) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}});
  EXPECT_EQ(code(*search(a, 0, 0)), ec::parameter_invalid);
}

TEST_F(node_rules, a_new_node_id_ends_all_delegators_of_the_old_one) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}});
  cut(a);
  pass(limits::redial * 2);
  welcome(a, 8, 9);
  EXPECT_EQ(reports(a).back().getDelegators().size(), 0u);
  EXPECT_EQ(reports(a).back().getCopies().size(), 1u);
  EXPECT_EQ(code(*search(a, 0, 1)), ec::channel_not_found);
}

// -- the window -----------------------------------------------------------------------

TEST(call_window_rules, calls_beyond_the_window_wait_in_order_and_beyond_that_are_refused) {
  call_window window{2, 1};
  std::vector<int> started;
  EXPECT_TRUE(window.submit([&] { started.push_back(1); }));
  EXPECT_TRUE(window.submit([&] { started.push_back(2); }));
  EXPECT_TRUE(window.submit([&] { started.push_back(3); }));
  EXPECT_FALSE(window.submit([&] { started.push_back(4); }));
  EXPECT_EQ(started, (std::vector<int>{1, 2}));
  window.done();
  EXPECT_EQ(started, (std::vector<int>{1, 2, 3}));
  window.done();
  window.done();
  EXPECT_EQ(window.in_flight(), 0u);
}

TEST(call_window_rules, calls_that_fail_while_they_are_started_do_not_nest) {
  call_window window{1, 100'000};
  int failed = 0;
  window.submit([] {});
  for (int i = 0; i < 100'000; ++i)
    window.submit([&] {
      ++failed;
      window.done();
    });
  window.done();
  EXPECT_EQ(failed, 100'000);
  EXPECT_EQ(window.in_flight(), 0u);
}

// -- indexes, statistics, progress --------------------------------------------------

TEST_F(node_rules, indexes_are_loaded_and_dropped_and_statistics_loaded_by_orders_without_a_channel) {
  auto& a = join("a", 1);
  ASSERT_EQ(code(a, serve(a, 1, {{3, 1, "a"}})), ec::ok);
  const auto held = [&] {
    schema::CopyReport::Reader last;
    for (auto r : reports(a))
      for (auto c : r.getCopies())
        last = c;
    return last;
  };
  EXPECT_EQ(held().getIndexes(), 4u);
  const auto drop_index = [&](std::int64_t segment) {
    return order(a, 1, [&](auto o) {
      auto d = o.initDropIndex();
      d.setCollection(7);
      d.setSegment(segment);
      d.setIndexes(4);
    });
  };
  EXPECT_EQ(code(a, drop_index(3)), ec::ok);
  EXPECT_EQ(held().getIndexes(), 0u);
  EXPECT_EQ(segments_of(*search(a, 0, 10)), std::set<std::int64_t>{3}) << "searches go on without it";
  const auto update = [&](schema::LoadScope scope, std::int64_t node) {
    return order(a, 1, [&](auto o) {
      auto l = o.initLoadSegment();
      l.setCollection(7);
      l.initSource().setSegment(3);
      l.getSource().setFile("f");
      l.initWorker().setNode(node);
      l.setScope(scope);
      l.setIndexes(4);
    });
  };
  EXPECT_EQ(code(a, update(schema::LoadScope::INDEX, 1)), ec::ok);
  EXPECT_EQ(held().getIndexes(), 4u);
  EXPECT_EQ(code(a, update(schema::LoadScope::STATS, 1)), ec::ok);
  EXPECT_EQ(held().getStats(), 4u);
  EXPECT_EQ(code(a, update(schema::LoadScope::INDEX, 2)), ec::node_not_match);
  EXPECT_EQ(code(a, update(schema::LoadScope::FULL, 1)), ec::parameter_invalid) << "a whole load needs its leader";
  EXPECT_EQ(code(a, drop_index(99)), ec::segment_not_loaded);
}

TEST_F(node_rules, partition_statistics_reach_the_leader_and_its_report) {
  auto& a = join("a", 1);
  ASSERT_EQ(code(a, serve(a, 1, {{3, 1, "a"}})), ec::ok);
  const auto task = order(a, 1, [&](auto o) {
    auto s = o.initSyncView();
    s.setCollection(7);
    s.setReplica(9);
    s.setChannel("c-v0");
    auto v = s.initPartitionStats(1)[0];
    v.setPartition(4);
    v.setVersion(101);
  });
  EXPECT_EQ(code(a, task), ec::ok);
  ASSERT_EQ(led(a).getPartitionStats().size(), 1u);
  EXPECT_EQ(led(a).getPartitionStats()[0].getVersion(), 101);
  cut(a);
  settle();
  pass(limits::redial + 20ms);
  welcome(a, 1, 6);
  ASSERT_EQ(led(a).getPartitionStats().size(), 1u) << "also in the full report";
}

} // namespace
} // namespace muster
