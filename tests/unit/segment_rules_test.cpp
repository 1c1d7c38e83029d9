// Rules of segment_checker: what is lacking, repeated, surplus, foreign or released, and when nothing may be concluded.
#include "actors/core/segment_rules.hpp"
#include "messages/limits.hpp"
#include "tests/unit/dice.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster {
namespace {

using schema::TaskKind;
using schema::TaskPriority;

/// Nodes 1 and 2 serve collection 7 with segments 11 (on 1) and 12 (on 2); node 1 leads.
world small() {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  w.segment(7, 11).segment(7, 12).settle(7);
  return w;
}

std::vector<proposal> check(world& w) {
  segment_rules rules;
  return rules.check(w.view, w.whole());
}

TEST(segment_checker_rules, a_collection_as_it_should_be_gives_nothing) {
  auto w = small();
  segment_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  EXPECT_EQ(rules.open(), 0u);
}

TEST(segment_checker_rules, a_lacking_segment_is_loaded_on_the_emptiest_node) {
  // C07
  auto w = small();
  w.segment(7, 13, 10);
  w.collections[7].target.at(11).rows = 500;
  w.copy(7, 11, 1);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::LOAD_SEGMENT);
  EXPECT_EQ(out[0].priority, TaskPriority::NORMAL);
  EXPECT_EQ(out[0].why, reason::segment_lacking);
  EXPECT_EQ(out[0].replica, 101);
  EXPECT_EQ(out[0].channel, "a");
  EXPECT_EQ(out[0].segment, 13);
  EXPECT_EQ(out[0].node, 2);
}

TEST(segment_checker_rules, a_segment_of_next_is_lacking_too) {
  auto w = small();
  w.collections[7].head->next = 6;
  w.segment(7, 13, 10, 0, 6);
  ASSERT_EQ(check(w).size(), 1u);
  w.collections[7].head->next = 0;
  EXPECT_TRUE(check(w).empty());
}

TEST(segment_checker_rules, each_replica_lacks_for_itself) {
  world w;
  w.usable({1, 2}).loaded(7, {{1}, {2}});
  w.segment(7, 11).settle(7);
  w.uncopy(7, 11, 2);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].replica, 102);
  EXPECT_EQ(out[0].node, 2);
}

TEST(segment_checker_rules, without_a_usable_leader_nothing_is_loaded) {
  // C08, I-C1
  auto w = small();
  w.segment(7, 13);
  w.unlead(7, "a", 1);
  EXPECT_TRUE(check(w).empty());
  w.lead(7, "a", 1);
  w.nodes.at(1).stopping = true;
  EXPECT_TRUE(check(w).empty());
}

TEST(segment_checker_rules, unknown_is_not_empty) {
  auto w = small();
  w.uncopy(7, 12, 2).unknown(2);
  segment_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  EXPECT_EQ(rules.open(), 0u);
  sweep_findings found;
  EXPECT_EQ(rules.sweep(w.view, 7, 0, 100, found), std::nullopt);
  EXPECT_EQ(found.defects, 0u) << "what was not looked at because it is unknown is no defect";
  w.nodes.at(2).known = true;
  EXPECT_EQ(rules.check(w.view, w.publish({})).size(), 1u) << "the report alone makes it look again";
  EXPECT_EQ(rules.open(), 1u);
}

TEST(segment_checker_rules, a_task_on_the_segment_or_the_setting_up_of_its_shard_is_waited_for) {
  auto w = small();
  w.uncopy(7, 12, 2);
  w.collections[7].tasks = {a_task(TaskKind::LOAD_SEGMENT, 101, 12)};
  EXPECT_TRUE(check(w).empty());
  w.collections[7].tasks = {a_task(TaskKind::SERVE_SHARD, 101, 0)};
  EXPECT_TRUE(check(w).empty());
  w.collections[7].tasks = {a_task(TaskKind::SYNC_TARGET, 101, 0)};
  EXPECT_EQ(check(w).size(), 1u);
}

TEST(segment_checker_rules, of_two_copies_the_one_that_is_not_routed_goes) {
  // I-C3
  auto w = small();
  w.copy(7, 12, 1);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::RELEASE_SEGMENT);
  EXPECT_EQ(out[0].priority, TaskPriority::LOW);
  EXPECT_EQ(out[0].why, reason::segment_repeated);
  EXPECT_EQ(out[0].node, 1);
  EXPECT_EQ(out[0].channel, "a") << "through the leader";
}

TEST(segment_checker_rules, while_no_copy_is_routed_none_goes) {
  // C17: routing to where no copy is leaves both.
  auto w = small();
  w.copy(7, 12, 1).route(7, 12, 1, 0);
  EXPECT_TRUE(check(w).empty());
  w.usable({3}).route(7, 12, 1, 3);
  EXPECT_TRUE(check(w).empty());
}

TEST(segment_checker_rules, a_copy_in_no_target_is_released_through_its_leader) {
  // C09
  auto w = small();
  w.copy(7, 99, 2).route(7, 99, 1, 2);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].why, reason::segment_not_in_target);
  EXPECT_EQ(out[0].priority, TaskPriority::NORMAL);
  EXPECT_EQ(out[0].node, 2);
  EXPECT_EQ(out[0].channel, "a");
}

TEST(segment_checker_rules, a_copy_that_a_delegator_of_an_older_version_may_need_stays) {
  // I-C2, the middle of C18
  auto w = small();
  w.copy(7, 99, 2).route(7, 99, 1, 2).lead(7, "a", 1, 101, 4);
  EXPECT_TRUE(check(w).empty());
  w.lead(7, "a", 1, 101, 5);
  EXPECT_EQ(check(w).size(), 1u);
}

TEST(segment_checker_rules, a_copy_that_nobody_routes_and_whose_channel_is_unknown_is_released_directly) {
  auto w = small();
  w.copy(7, 99, 2);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].channel, "");
  EXPECT_EQ(out[0].replica, 101);
}

TEST(segment_checker_rules, a_copy_of_unknown_channel_stays_while_a_shard_may_be_served_at_an_older_target) {
  // Its leader may have had it loaded and not yet said that it routes to it.
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}}, 2);
  w.segment(7, 11).segment(7, 12, 100, 1).settle(7);
  w.copy(7, 99, 2);
  ASSERT_EQ(check(w).size(), 1u);
  w.lead(7, "b", 2, 101, 4);
  EXPECT_TRUE(check(w).empty());
  w.lead(7, "b", 2, 101, 5);
  task_row t;
  t.kind = TaskKind::SERVE_SHARD;
  t.replica = 101;
  t.channel = "b";
  w.collections[7].tasks.push_back(t);
  EXPECT_TRUE(check(w).empty());
}

TEST(segment_checker_rules, a_foreign_copy_stays_while_an_order_that_may_have_made_it_is_in_flight) {
  auto w = small();
  w.usable({9}).copy(7, 11, 9);
  ASSERT_EQ(check(w).size(), 1u);
  task_row t;
  t.kind = TaskKind::LOAD_SEGMENT;
  t.replica = 101;
  t.segment = 11;
  w.collections[7].tasks.push_back(t);
  EXPECT_TRUE(check(w).empty());
}

TEST(segment_checker_rules, a_copy_outside_every_replica_goes_unless_somebody_routes_to_it) {
  // C11
  auto w = small();
  w.usable({9}).copy(7, 12, 9);
  auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].why, reason::segment_foreign);
  EXPECT_EQ(out[0].replica, 0);
  EXPECT_EQ(out[0].node, 9);
  w.route(7, 12, 1, 9);
  for (const auto& p : check(w))
    EXPECT_NE(p.node, 9);
}

TEST(segment_checker_rules, everything_of_a_released_collection_goes_from_every_usable_node) {
  // C15
  auto w = small();
  w.collections[7].desired.reset();
  w.collections[7].head.reset();
  auto out = check(w);
  ASSERT_EQ(out.size(), 2u);
  for (const auto& p : out) {
    EXPECT_EQ(p.why, reason::segment_released);
    EXPECT_EQ(p.replica, 0);
  }
  w.suspect(2);
  EXPECT_EQ(check(w).size(), 1u);
}

TEST(segment_checker_rules, a_copy_that_any_delegator_of_the_replica_routes_to_stays) {
  // C17: with a second delegator that routes to the other copy neither may go; without, the one that is not routed goes.
  auto w = small();
  w.copy(7, 12, 1);
  w.lead(7, "a", 2, 101, 5, 0).route(7, 12, 2, 1);
  EXPECT_TRUE(check(w).empty());
  w.route(7, 12, 2, 2);
  ASSERT_EQ(check(w).size(), 1u);
  EXPECT_EQ(check(w)[0].node, 1);
  w.unlead(7, "a", 1).unlead(7, "a", 2);
  EXPECT_TRUE(check(w).empty()) << "no delegator, no release";
}

TEST(segment_checker_rules, what_no_target_names_stays_in_use_while_a_delegator_may_serve_an_older_version) {
  // C18, I-C2. The row of 99 is remembered for one generation, so that its channel is known.
  auto w = small();
  w.segment(7, 99, 100, 0, 3, 5).copy(7, 99, 2);
  const auto releases = [&] {
    std::vector<std::int64_t> out;
    for (const auto& p : check(w))
      if (p.why == reason::segment_not_in_target)
        out.push_back(p.segment);
    return out;
  };
  using ids = std::vector<std::int64_t>;
  EXPECT_EQ(releases(), ids{99}) << "the version is equal";
  w.lead(7, "a", 1, 101, 4);
  EXPECT_EQ(releases(), ids{}) << "behind";
  w.lead(7, "a", 1, 101, 0);
  EXPECT_EQ(releases(), ids{99}) << "never synced";
  w.lead(7, "a", 2, 101, 4, 0);
  EXPECT_EQ(releases(), ids{}) << "one of two is behind";
  w.unlead(7, "a", 1).unlead(7, "a", 2);
  EXPECT_EQ(releases(), ids{}) << "no delegator";
  w.lead(7, "a", 1);
  w.collections[7].tasks = {a_task(TaskKind::SERVE_SHARD, 101, 0)};
  EXPECT_EQ(releases(), ids{}) << "a shard that is being set up may name it";
}

TEST(segment_checker_rules, without_a_target_nothing_is_surplus) {
  // I-C4 in Muster's terms: what the target is must be known. Unlike in the model there is no next while nothing changes.
  auto w = small();
  w.collections[7].head.reset();
  w.collections[7].target.clear();
  EXPECT_TRUE(check(w).empty());
}

TEST(segment_checker_rules, what_could_be_read_before_loads_with_high_priority) {
  // C16. Muster loads what current lacks also while there is no next; the model always has one.
  world w;
  w.usable({1}).loaded(7, {{1}});
  w.collections[7].desired->replicas[0].load_priority = schema::LoadPriority::LOW;
  w.segment(7, 1).segment(7, 2, 100, 0, 6);
  w.collections[7].head->next = 6;
  w.lead(7, "a", 1);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].segment, 1);
  EXPECT_EQ(out[0].load_priority, schema::LoadPriority::HIGH);
  EXPECT_EQ(out[1].segment, 2);
  EXPECT_EQ(out[1].load_priority, schema::LoadPriority::LOW);
}

/// Current seeks to 10; node 1 leads and holds growing 2, 3 (before) and 4 (after it).
world growing_world() {
  auto w = small();
  w.collections[7].head->current_channels = {{10, {}, {}}};
  w.collections[7].delegators[0].growing = {{2, 2, 5}, {3, 3, 5}, {4, 11, 5}};
  return w;
}

std::vector<std::int64_t> growing_released(world& w) {
  std::vector<std::int64_t> out;
  for (const auto& p : check(w))
    if (p.kind == TaskKind::RELEASE_GROWING) {
      EXPECT_EQ(p.node, 1);
      EXPECT_EQ(p.replica, 101);
      EXPECT_EQ(p.channel, "a");
      EXPECT_EQ(p.priority, TaskPriority::NORMAL);
      out.push_back(p.segment);
    }
  return out;
}

TEST(segment_checker_rules, a_growing_segment_that_starts_before_the_seek_position_is_released) {
  // C12
  auto w = growing_world();
  EXPECT_EQ(growing_released(w), (std::vector<std::int64_t>{2, 3}));
  w.collections[7].head->current_channels[0].growing = {2};
  EXPECT_EQ(growing_released(w), (std::vector<std::int64_t>{3})) << "still growing in current";
  w.collections[7].head->next = 6;
  w.collections[7].head->next_channels = {{10, {3}, {}}};
  EXPECT_EQ(growing_released(w), (std::vector<std::int64_t>{})) << "still growing in next";
}

TEST(segment_checker_rules, a_growing_segment_that_the_target_drops_is_released_wherever_it_starts) {
  // C13
  auto w = growing_world();
  w.collections[7].head->current_channels[0].dropped = {4};
  const auto out = check(w);
  EXPECT_EQ(growing_released(w), (std::vector<std::int64_t>{2, 3, 4}));
  EXPECT_EQ(out[2].why, reason::growing_dropped);
  EXPECT_EQ(out[0].why, reason::growing_sealed);
}

TEST(segment_checker_rules, growing_segments_go_only_from_a_delegator_that_serves_exactly_current) {
  // C14
  auto w = growing_world();
  w.collections[7].delegators[0].served = 4;
  EXPECT_TRUE(growing_released(w).empty());
  w.collections[7].delegators[0].served = 5;
  EXPECT_EQ(growing_released(w).size(), 2u);
  w.collections[7].head->current_channels.clear();
  EXPECT_TRUE(growing_released(w).empty()) << "nothing is known of the channel";
}

TEST(segment_checker_rules, a_task_on_a_growing_segment_is_waited_for) {
  auto w = growing_world();
  w.collections[7].tasks = {a_task(TaskKind::RELEASE_GROWING, 101, 2)};
  EXPECT_EQ(growing_released(w), (std::vector<std::int64_t>{3}));
}

TEST(segment_checker_rules, what_is_open_is_not_looked_at_again_while_its_shards_stand_still) {
  auto w = small();
  w.segment(7, 13).segment(7, 14);
  segment_rules rules;
  EXPECT_EQ(rules.check(w.view, w.whole()).size(), 2u);
  EXPECT_EQ(rules.open(), 2u);
  EXPECT_EQ(rules.check(w.view, w.publish_segments(7, {13})).size(), 1u) << "only what was touched";
  EXPECT_TRUE(rules.check(w.view, w.publish_shards(7)).empty()) << "nothing of the shards changed";
  w.collections[7].delegators[0].version = 9;
  EXPECT_EQ(rules.check(w.view, w.publish_shards(7)).size(), 2u);
}

TEST(segment_checker_rules, a_large_collection_does_not_keep_others_waiting) {
  world w;
  w.usable({1});
  const auto many = static_cast<std::int64_t>(3 * limits::proposals_per_batch);
  for (std::int64_t c : {7, 8}) {
    w.loaded(c, {{1}});
    w.lead(c, "a", 1);
  }
  for (std::int64_t s = 1; s <= many; ++s)
    w.segment(7, 70'000 + s);
  w.segment(8, 81);
  segment_rules rules;
  EXPECT_EQ(rules.check(w.view, w.whole()).size(), limits::proposals_per_batch);
  EXPECT_TRUE(rules.more());
  const auto out = rules.check(w.view, {});
  EXPECT_EQ(out.size(), limits::proposals_per_batch);
  EXPECT_EQ(std::count_if(out.begin(), out.end(), [](const proposal& p) { return p.collection == 8; }), 1);
}

TEST(segment_checker_rules, the_slow_walk_finds_what_no_change_told_and_counts_it_once) {
  auto w = small();
  segment_rules rules;
  rules.check(w.view, w.whole());
  w.uncopy(7, 12, 2).copy(7, 99, 1).route(7, 99, 1, 1);
  w.usable({9}).copy(7, 11, 9);
  w.publish_shards(7); // the rules are not told
  sweep_cursor cursor;
  auto found = cursor.slice(rules, w.view, 1000);
  EXPECT_TRUE(found.round_done);
  EXPECT_EQ(found.defects, 3u);
  EXPECT_EQ(found.proposals.size(), 3u);
  EXPECT_EQ(rules.open(), 3u);
  found = cursor.slice(rules, w.view, 1000);
  EXPECT_EQ(found.defects, 0u) << "known by now";
  EXPECT_EQ(found.proposals.size(), 3u) << "and proposed again, should a refusal have been lost";
}

TEST(segment_checker_rules, the_slow_walk_finds_nothing_where_changes_told_everything) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    dice d{seed};
    world w;
    w.usable({1, 2, 3});
    w.loaded(7, {{1, 2}, {3}});
    for (std::int64_t s = 11; s < 40; ++s)
      w.segment(7, s, 100, 0, 5, d.one_in(5) ? 6 : 0);
    w.settle(7);
    segment_rules rules;
    rules.check(w.view, w.whole());
    sweep_cursor cursor;
    for (int step = 0; step < 30; ++step) {
      const auto s = d.from(11, 45);
      switch (d.below(6)) {
        case 0:
          w.copy(7, s, d.from(1, 3));
          break;
        case 1:
          w.uncopy(7, s, d.from(1, 3));
          break;
        case 2:
          w.route(7, s, 1, d.below(3));
          break;
        case 3:
          w.lead(7, "a", 1, 101, d.from(4, 5));
          break;
        case 4:
          w.collections[7].tasks = {a_task(TaskKind::LOAD_SEGMENT, 101, s)};
          break;
        default:
          w.nodes.at(d.from(1, 3)).known = d.one_in(2);
      }
      rules.check(w.view, w.publish_segments(7, {s}));
      EXPECT_EQ(cursor.slice(rules, w.view, static_cast<std::size_t>(d.from(1, 40))).defects, 0u) << seed;
    }
  }
}

TEST(segment_checker_rules, what_is_open_is_looked_at_again_when_a_shard_changes) {
  auto w = small();
  w.segment(7, 13).unlead(7, "a", 1);
  segment_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  EXPECT_EQ(rules.open(), 1u);
  w.lead(7, "a", 1);
  EXPECT_EQ(rules.check(w.view, w.publish_shards(7)).size(), 1u);
  w.copy(7, 13, 1).route(7, 13, 1, 1);
  EXPECT_TRUE(rules.check(w.view, w.publish_segments(7, {13})).empty());
  EXPECT_EQ(rules.open(), 0u);
}

TEST(segment_checker_rules, what_the_limit_of_proposals_cut_off_follows_with_the_next_check) {
  world w;
  w.usable({1});
  const auto half = static_cast<std::int64_t>(limits::proposals_per_batch / 2 + 1);
  for (std::int64_t c : {7, 8, 9}) {
    w.loaded(c, {{1}});
    w.lead(c, "a", 1);
    for (std::int64_t s = 1; s <= half; ++s)
      w.segment(c, c * 10'000 + s);
  }
  segment_rules rules;
  std::set<std::int64_t> proposed;
  auto out = rules.check(w.view, w.whole());
  EXPECT_EQ(out.size(), limits::proposals_per_batch);
  for (int round = 0; round < 4; ++round) {
    for (const auto& p : out) {
      proposed.insert(p.segment);
      w.copy(p.collection, p.segment, p.node).route(p.collection, p.segment, 1, p.node);
    }
    // Only what was proposed changes: collections beyond the limit are touched by nobody.
    touched_map t;
    for (const auto& p : out)
      t[p.collection].add(p.segment);
    out = rules.check(w.view, w.publish(t));
  }
  EXPECT_EQ(proposed.size(), static_cast<std::size_t>(3 * half));
  EXPECT_EQ(rules.open(), 0u);
}

TEST(placing_rules, each_choice_counts_for_the_next_and_ties_go_to_the_lower_id) {
  // B03 in spirit: the node with the fewest rows first, counting what was just placed.
  world w;
  w.usable({1, 2, 3, 4}).loaded(7, {{1, 2, 3, 4}});
  w.segment(7, 11, 20).segment(7, 12, 30).copy(7, 11, 2).copy(7, 12, 3);
  w.nodes.at(4).stopping = true;
  w.whole();
  const auto& view = *w.view.collection(7);
  const auto& replica = view.desired->replicas[0];
  placing places{w.view};
  EXPECT_EQ(places.place_segment(view, replica, 15), 1);
  EXPECT_EQ(places.place_segment(view, replica, 10), 1);
  EXPECT_EQ(places.place_segment(view, replica, 5), 2);
  EXPECT_EQ(places.place_channel(view, replica), 1) << "25 rows each: the lower id";
  placing fresh{w.view};
  EXPECT_EQ(fresh.place_channel(view, replica), 1);
  EXPECT_EQ(fresh.place_channel(view, replica), 2);
  EXPECT_EQ(fresh.place_channel(view, replica), 3);
  EXPECT_EQ(fresh.place_channel(view, replica), 1);
  replica_row none;
  none.nodes = {4};
  EXPECT_EQ(fresh.place_segment(view, none, 1), 0) << "no usable node";
  EXPECT_EQ(fresh.place_channel(view, none), 0);
}

TEST(placing_rules, load_in_flight_counts) {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  change_set deltas;
  deltas.put({schema::ChunkKind::DELTAS, 0, 0}, build<schema::Chunk>([](schema::Chunk::Builder b) {
               auto d = b.initDeltas().initNodes(1)[0];
               d.setNode(1);
               d.setRows(5);
               d.setChannels(1);
             }));
  w.publish({}, std::move(deltas));
  placing places{w.view};
  const auto& view = *w.view.collection(7);
  const auto& replica = view.desired->replicas[0];
  EXPECT_EQ(places.place_channel(view, replica), 2) << "a channel is on its way to node 1";
  EXPECT_EQ(places.place_channel(view, replica), 1) << "the collection's own channels weigh more than that one";
  EXPECT_EQ(places.place_segment(view, replica, 5), 2) << "rows are on their way to node 1";
  EXPECT_EQ(places.place_segment(view, replica, 1), 1) << "5 rows each: the lower id";
}

TEST(placing_rules, a_channel_goes_to_none_of_the_nodes_that_lead_it) {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  w.whole();
  const auto& view = *w.view.collection(7);
  placing places{w.view};
  EXPECT_EQ(places.place_channel(view, view.desired->replicas[0], 0, {1}), 2);
  EXPECT_EQ(places.place_channel(view, view.desired->replicas[0], 0, {1, 2}), 0);
}

} // namespace
} // namespace muster
