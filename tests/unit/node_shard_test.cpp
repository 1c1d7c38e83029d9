// Rules of a delegator's view: loads, fences, the switch of versions, searches in flight.
#include "actors/core/node_shard.hpp"
#include "actors/core/plant.hpp"
#include "messages/limits.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

constexpr node_id me{1};
constexpr node_id worker{2};
constexpr node_id other{3};

segment_id seg(std::int64_t id) {
  return segment_id{id};
}

placed_segment put(std::int64_t id, node_id where) {
  return {{seg(id), collection_id{7}, partition_id{1}, 10, "f"}, where};
}

struct node_shard_rules : ::testing::Test {
  node_shard shard{{collection_id{7}, "c-v0", replica_id{9}}, me};
  std::int64_t task = 0;

  node_shard_rules() {
    shard.name_worker(worker, "b:1");
    shard.name_worker(other, "c:1");
  }

  ~node_shard_rules() override {
    plant::active = plant::bug::none;
  }

  order_token next() {
    return {task_id{++task}, link_id{1}};
  }

  /// Serves segments 1 and 2 of version 5: 1 here, 2 at `worker`.
  void serve_two() {
    shard.serve(next(), 100, 5, {put(1, me), put(2, worker)});
    auto act = shard.take();
    shard.reachable(worker, true);
    for (const auto& load : act.loads)
      shard.load_done(load.call, std::nullopt, {load.worker, 1, 4});
    ASSERT_TRUE(shard.serviceable());
    shard.take();
  }

  /// The single answer of what follows.
  shard_actions::answer answer() {
    auto act = shard.take();
    EXPECT_EQ(act.answers.size(), 1u);
    return act.answers.empty() ? shard_actions::answer{} : act.answers.front();
  }

  ec code_of_answer() {
    auto a = answer();
    return a.why ? a.why->code : ec::ok;
  }
};

TEST_F(node_shard_rules, serve_loads_what_is_lacking_and_answers_once_with_the_marks_of_the_workers) {
  shard.serve(next(), 100, 5, {put(1, me), put(2, worker)});
  auto act = shard.take();
  ASSERT_EQ(act.loads.size(), 2u);
  EXPECT_TRUE(act.answers.empty());
  EXPECT_TRUE(act.peers_changed);
  ASSERT_TRUE(act.changed);
  EXPECT_TRUE(act.changed->whole);
  EXPECT_FALSE(act.changed->serviceable);
  EXPECT_EQ(shard.peers(), (std::vector<std::pair<node_id, std::string>>{{worker, "b:1"}}));
  shard.reachable(worker, true);
  shard.load_done(act.loads[0].call, std::nullopt, {me, 8, 3});
  EXPECT_TRUE(shard.take().answers.empty());
  shard.load_done(act.loads[1].call, std::nullopt, {worker, 9, 4});
  act = shard.take();
  ASSERT_EQ(act.answers.size(), 1u);
  EXPECT_FALSE(act.answers[0].why);
  ASSERT_EQ(act.answers[0].marks.size(), 2u);
  EXPECT_EQ(act.answers[0].marks[1].node, worker);
  EXPECT_EQ(act.answers[0].marks[1].incarnation, 9u);
  EXPECT_EQ(act.answers[0].marks[1].seq, 4u);
  ASSERT_TRUE(act.changed);
  EXPECT_TRUE(act.changed->serviceable);
  EXPECT_EQ(act.changed->served, 5);
  EXPECT_EQ(act.changed->set, (std::vector<std::pair<segment_id, node_id>>{{seg(2), worker}}));
}

TEST_F(node_shard_rules, a_shard_without_segments_serves_at_once) {
  shard.serve(next(), 100, 5, {});
  EXPECT_EQ(code_of_answer(), ec::ok);
  EXPECT_TRUE(shard.serviceable());
  EXPECT_TRUE(shard.begin_search());
}

TEST_F(node_shard_rules, a_repeated_serve_of_a_shard_that_serves_is_answered_at_once_and_loads_nothing) {
  serve_two();
  shard.serve(next(), 100, 5, {put(1, me), put(2, worker)});
  auto act = shard.take();
  EXPECT_TRUE(act.loads.empty());
  ASSERT_EQ(act.answers.size(), 1u);
  EXPECT_FALSE(act.answers[0].why);
}

TEST_F(node_shard_rules, a_repeated_serve_joins_the_loads_in_flight) {
  shard.serve(next(), 100, 5, {put(1, me)});
  auto first = shard.take();
  shard.serve(next(), 100, 5, {put(1, me)});
  EXPECT_TRUE(shard.take().loads.empty());
  shard.load_done(first.loads[0].call, std::nullopt, {me, 1, 1});
  EXPECT_EQ(shard.take().answers.size(), 2u);
}

TEST_F(node_shard_rules, a_failed_load_fails_the_serve_but_keeps_the_rest_and_the_wanted_version) {
  shard.serve(next(), 100, 5, {put(1, me), put(2, worker)});
  auto act = shard.take();
  shard.reachable(worker, true);
  shard.load_done(act.loads[0].call, std::nullopt, {me, 1, 1});
  shard.load_done(act.loads[1].call, failure{ec::io_corrupt, "bad"}, {});
  EXPECT_EQ(code_of_answer(), ec::io_corrupt);
  EXPECT_EQ(shard.route(seg(1)), me);
  EXPECT_FALSE(shard.serviceable());
  // The repair of the last lacking segment completes the view: the shard switches by itself.
  shard.load(next(), 101, put(2, me));
  act = shard.take();
  ASSERT_EQ(act.loads.size(), 1u);
  shard.load_done(act.loads[0].call, std::nullopt, {me, 1, 2});
  EXPECT_EQ(code_of_answer(), ec::ok);
  EXPECT_EQ(shard.served(), 5);
  EXPECT_TRUE(shard.serviceable());
}

TEST_F(node_shard_rules, sync_view_completes_a_wanted_version_too) {
  shard.serve(next(), 100, 5, {put(1, me)});
  auto act = shard.take();
  shard.load_done(act.loads[0].call, failure{ec::io_failed, "bad"}, {});
  shard.take();
  shard.sync_view(next(), {{seg(1), me}}, {});
  EXPECT_EQ(code_of_answer(), ec::ok);
  EXPECT_EQ(shard.served(), 5);
}

TEST_F(node_shard_rules, serve_does_not_succeed_while_a_worker_of_its_version_cannot_be_reached) {
  shard.serve(next(), 100, 5, {put(2, worker)});
  auto act = shard.take();
  shard.load_done(act.loads[0].call, std::nullopt, {worker, 1, 1});
  EXPECT_EQ(code_of_answer(), ec::segment_lack);
  shard.reachable(worker, true);
  EXPECT_EQ(shard.served(), 5);
}

TEST_F(node_shard_rules, load_of_a_served_segment_elsewhere_moves_the_route_when_it_is_there) {
  serve_two();
  shard.load(next(), 200, put(2, other));
  auto act = shard.take();
  ASSERT_EQ(act.loads.size(), 1u);
  EXPECT_EQ(act.loads[0].version, 200);
  EXPECT_EQ(shard.route(seg(2)), worker);
  EXPECT_TRUE(shard.serviceable());
  shard.reachable(other, true);
  shard.load_done(act.loads[0].call, std::nullopt, {other, 1, 1});
  EXPECT_EQ(shard.route(seg(2)), other);
  EXPECT_TRUE(shard.serviceable());
  EXPECT_EQ(code_of_answer(), ec::ok);
  EXPECT_EQ(shard.peers().size(), 1u);
}

TEST_F(node_shard_rules, an_older_load_that_ends_later_does_not_take_the_route_back) {
  shard.load(next(), 1, put(1, worker));
  auto first = shard.take();
  shard.load(next(), 2, put(1, other));
  auto second = shard.take();
  shard.load_done(second.loads[0].call, std::nullopt, {other, 1, 1});
  shard.load_done(first.loads[0].call, std::nullopt, {worker, 1, 1});
  EXPECT_EQ(shard.route(seg(1)), other);
  EXPECT_EQ(shard.take().answers.size(), 2u);
}

TEST_F(node_shard_rules, release_is_fenced_while_the_served_version_is_routed_there) {
  serve_two();
  shard.release(next(), seg(2), worker);
  auto act = shard.take();
  EXPECT_TRUE(act.releases.empty());
  ASSERT_EQ(act.answers.size(), 1u);
  EXPECT_EQ(act.answers[0].why->code, ec::fenced);
  EXPECT_EQ(shard.route(seg(2)), worker);
}

TEST_F(node_shard_rules, release_is_fenced_while_the_wanted_version_needs_it_or_it_is_being_loaded) {
  shard.serve(next(), 100, 5, {put(1, me), put(2, worker)});
  auto act = shard.take();
  shard.load_done(act.loads[0].call, std::nullopt, {me, 1, 1});
  shard.take();
  shard.release(next(), seg(1), me);
  EXPECT_EQ(code_of_answer(), ec::fenced);
  shard.release(next(), seg(2), worker);
  EXPECT_EQ(code_of_answer(), ec::fenced);
}

TEST_F(node_shard_rules, release_of_a_copy_that_is_not_routed_leaves_the_view_alone) {
  serve_two();
  shard.release(next(), seg(2), other);
  auto act = shard.take();
  ASSERT_EQ(act.releases.size(), 1u);
  EXPECT_EQ(act.releases[0].worker, other);
  EXPECT_TRUE(act.peers_changed);
  EXPECT_EQ(shard.route(seg(2)), worker);
  shard.release_done(act.releases[0].call, std::nullopt, {other, 3, 6});
  auto a = answer();
  EXPECT_FALSE(a.why);
  ASSERT_EQ(a.marks.size(), 1u);
  EXPECT_EQ(a.marks[0].seq, 6u);
}

TEST_F(node_shard_rules, a_worker_is_told_to_release_only_when_older_searches_have_ended) {
  serve_two();
  auto search = shard.begin_search();
  ASSERT_TRUE(search);
  shard.sync_target(next(), 6, {seg(1)});
  shard.release(next(), seg(2), worker);
  auto act = shard.take();
  EXPECT_TRUE(act.releases.empty());
  EXPECT_FALSE(shard.route(seg(2)));
  auto later = shard.begin_search();
  ASSERT_TRUE(later);
  shard.end_search(search->first);
  EXPECT_EQ(shard.take().releases.size(), 1u);
  shard.end_search(later->first);
  EXPECT_TRUE(shard.take().releases.empty());
}

TEST_F(node_shard_rules, the_planted_bug_tells_the_worker_before_the_view) {
  plant::active = plant::bug::release_before_view;
  serve_two();
  shard.release(next(), seg(2), worker);
  auto act = shard.take();
  ASSERT_EQ(act.releases.size(), 1u);
  EXPECT_EQ(shard.route(seg(2)), worker);
  shard.release_done(act.releases[0].call, std::nullopt, {worker, 1, 2});
  EXPECT_FALSE(shard.route(seg(2)));
  EXPECT_EQ(code_of_answer(), ec::ok);
}

TEST_F(node_shard_rules, sync_view_ignores_segments_that_are_being_loaded) {
  shard.load(next(), 1, put(1, worker));
  auto act = shard.take();
  shard.sync_view(next(), {{seg(1), other}, {seg(2), other}}, {});
  EXPECT_EQ(code_of_answer(), ec::ok);
  EXPECT_FALSE(shard.route(seg(1)));
  EXPECT_EQ(shard.route(seg(2)), other);
}

TEST_F(node_shard_rules, sync_view_that_would_forget_a_served_segment_changes_nothing) {
  serve_two();
  shard.sync_view(next(), {{seg(3), other}}, {seg(4), seg(2)});
  EXPECT_EQ(code_of_answer(), ec::fenced);
  EXPECT_FALSE(shard.route(seg(3)));
  EXPECT_EQ(shard.route(seg(2)), worker);
  shard.sync_view(next(), {{seg(3), other}}, {seg(4)});
  auto act = shard.take();
  ASSERT_TRUE(act.changed);
  EXPECT_EQ(act.changed->set.size(), 1u);
}

TEST_F(node_shard_rules, sync_target_names_the_first_lacking_segment_and_changes_nothing) {
  serve_two();
  shard.sync_target(next(), 6, {seg(1), seg(8), seg(9)});
  auto a = answer();
  ASSERT_TRUE(a.why);
  EXPECT_EQ(a.why->code, ec::segment_lack);
  EXPECT_NE(a.why->text.find("segment 8"), std::string::npos) << a.why->text;
  EXPECT_EQ(shard.served(), 5);
}

TEST_F(node_shard_rules, sync_target_does_not_switch_to_a_worker_that_cannot_be_reached) {
  serve_two();
  shard.sync_view(next(), {{seg(3), other}}, {});
  shard.take();
  shard.sync_target(next(), 6, {seg(1), seg(3)});
  EXPECT_EQ(code_of_answer(), ec::segment_lack);
  EXPECT_TRUE(shard.serviceable());
  shard.reachable(other, true);
  shard.sync_target(next(), 6, {seg(1), seg(3)});
  EXPECT_EQ(code_of_answer(), ec::ok);
  EXPECT_EQ(shard.served(), 6);
}

TEST_F(node_shard_rules, an_older_target_is_ignored) {
  serve_two();
  shard.sync_target(next(), 4, {seg(99)});
  EXPECT_EQ(code_of_answer(), ec::ok);
  EXPECT_EQ(shard.served(), 5);
}

TEST_F(node_shard_rules, a_search_in_flight_keeps_the_plan_of_the_version_it_began_with) {
  serve_two();
  auto search = shard.begin_search();
  shard.sync_target(next(), 6, {seg(1)});
  EXPECT_EQ(search->second->version, 5);
  EXPECT_EQ(search->second->parts.size(), 2u);
  auto later = shard.begin_search();
  EXPECT_EQ(later->second->version, 6);
  ASSERT_EQ(later->second->parts.size(), 1u);
  EXPECT_EQ(later->second->parts[0].first, me);
}

TEST_F(node_shard_rules, a_search_is_refused_with_the_segment_that_is_lacking) {
  auto none = shard.begin_search();
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ec::channel_not_available);
  serve_two();
  shard.restarted(worker);
  shard.reachable(worker, true);
  auto lack = shard.begin_search();
  ASSERT_FALSE(lack);
  EXPECT_EQ(lack.error().code, ec::segment_lack);
  shard.load(next(), 1, put(2, worker));
  lack = shard.begin_search();
  EXPECT_EQ(lack.error().text, "channel c-v0: segment 2 is being loaded");
}

TEST_F(node_shard_rules, more_searches_than_the_limit_are_refused) {
  serve_two();
  for (std::size_t i = 0; i < limits::searches_per_delegator; ++i)
    ASSERT_TRUE(shard.begin_search());
  auto refused = shard.begin_search();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::too_many_requests);
}

TEST_F(node_shard_rules, reachability_of_a_worker_is_reported_as_serviceable_at_once) {
  serve_two();
  shard.reachable(worker, false);
  auto act = shard.take();
  ASSERT_TRUE(act.changed);
  EXPECT_FALSE(act.changed->serviceable);
  EXPECT_TRUE(act.changed->removed.empty());
  auto refused = shard.begin_search();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::channel_not_available);
  shard.reachable(worker, true);
  act = shard.take();
  ASSERT_TRUE(act.changed);
  EXPECT_TRUE(act.changed->serviceable);
}

TEST_F(node_shard_rules, a_worker_that_started_anew_loses_its_routes) {
  serve_two();
  shard.restarted(worker);
  auto act = shard.take();
  ASSERT_TRUE(act.changed);
  EXPECT_EQ(act.changed->removed, std::vector<segment_id>{seg(2)});
  EXPECT_FALSE(act.changed->serviceable);
}

TEST_F(node_shard_rules, a_worker_that_lacks_a_segment_loses_the_routes_older_than_the_search) {
  serve_two();
  auto search = shard.begin_search();
  shard.load(next(), 1, put(2, worker));
  auto act = shard.take();
  shard.load_done(act.loads[0].call, std::nullopt, {worker, 1, 1});
  shard.worker_lacks(search->first, worker, {seg(2)});
  EXPECT_TRUE(shard.serviceable());
  auto again = shard.begin_search();
  shard.worker_lacks(again->first, worker, {seg(2)});
  EXPECT_FALSE(shard.serviceable());
  EXPECT_FALSE(shard.route(seg(2)));
}

TEST_F(node_shard_rules, drop_of_an_older_version_changes_nothing) {
  serve_two();
  shard.drop(next(), 99);
  auto act = shard.take();
  ASSERT_EQ(act.answers.size(), 1u);
  EXPECT_FALSE(act.answers[0].why);
  EXPECT_FALSE(act.ended);
  EXPECT_TRUE(shard.serviceable());
}

TEST_F(node_shard_rules, drop_waits_for_searches_and_refuses_everything_else) {
  serve_two();
  auto search = shard.begin_search();
  shard.drop(next(), 100);
  auto act = shard.take();
  EXPECT_FALSE(act.ended);
  EXPECT_TRUE(act.answers.empty());
  EXPECT_EQ(shard.begin_search().error().code, ec::channel_not_found);
  shard.serve(next(), 200, 6, {});
  EXPECT_EQ(code_of_answer(), ec::channel_not_available);
  shard.end_search(search->first);
  act = shard.take();
  EXPECT_TRUE(act.ended);
  ASSERT_EQ(act.answers.size(), 1u);
  EXPECT_FALSE(act.answers[0].why);
}

TEST_F(node_shard_rules, drop_cancels_the_orders_that_wait) {
  shard.serve(next(), 100, 5, {put(1, me)});
  shard.take();
  shard.drop(next(), 100);
  auto act = shard.take();
  EXPECT_TRUE(act.ended);
  ASSERT_EQ(act.answers.size(), 2u);
  EXPECT_EQ(act.answers[0].why->code, ec::cancelled);
  EXPECT_FALSE(act.answers[1].why);
}

TEST_F(node_shard_rules, nothing_is_reported_when_nothing_changed) {
  serve_two();
  shard.sync_view(next(), {{seg(2), worker}}, {});
  auto act = shard.take();
  EXPECT_FALSE(act.changed);
  EXPECT_FALSE(act.peers_changed);
}

TEST_F(node_shard_rules, a_move_of_the_shard_to_a_newer_version_keeps_what_is_loaded) {
  serve_two();
  shard.serve(next(), 101, 6, {put(1, me), put(2, worker), put(3, me)});
  auto act = shard.take();
  ASSERT_EQ(act.loads.size(), 1u);
  EXPECT_EQ(act.loads[0].source.segment, seg(3));
  EXPECT_EQ(shard.served(), 5);
  EXPECT_TRUE(shard.serviceable());
  shard.load_done(act.loads[0].call, std::nullopt, {me, 1, 1});
  EXPECT_EQ(shard.served(), 6);
}

TEST_F(node_shard_rules, an_order_of_several_loads_says_how_far_it_is_when_it_is_further) {
  shard.serve(next(), 100, 5, {put(1, me), put(2, worker), put(3, worker)});
  const auto act = shard.take();
  EXPECT_TRUE(shard.take_progress().empty());
  shard.load_done(act.loads.at(0).call, std::nullopt, {act.loads.at(0).worker, 1, 4});
  const auto further = shard.take_progress();
  ASSERT_EQ(further.size(), 1u);
  EXPECT_EQ(further[0].task, task_id{1});
  EXPECT_EQ(further[0].done, 1u);
  EXPECT_EQ(further[0].total, 3u);
  EXPECT_TRUE(shard.take_progress().empty());
  for (std::size_t i = 1; i < 3; ++i)
    shard.load_done(act.loads.at(i).call, std::nullopt, {act.loads.at(i).worker, 1, 4});
  EXPECT_TRUE(shard.take_progress().empty()) << "it is answered";
}

TEST_F(node_shard_rules, newer_partition_statistics_are_used_and_reported_older_ones_ignored) {
  serve_two();
  shard.sync_stats({{1, 101}, {2, 5}});
  shard.sync_view(next(), {}, {});
  auto act = shard.take();
  ASSERT_TRUE(act.changed);
  EXPECT_EQ(act.changed->stats, (std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 101}, {2, 5}}));
  shard.sync_stats({{1, 100}});
  shard.sync_view(next(), {}, {});
  EXPECT_FALSE(shard.take().changed);
}

} // namespace
} // namespace muster
