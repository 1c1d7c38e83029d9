// Rules of balance: which collection is due, plans in batches, drains before evenness.
#include "actors/core/balance_rules.hpp"
#include "messages/limits.hpp"
#include "tests/unit/dice.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using schema::TaskKind;
using schema::TaskPriority;

std::vector<proposal> check(world& w) {
  balance_rules rules;
  return rules.check(w.view, w.whole());
}

/// Collection 7 on one replica; `rows[i]` are the segments of node i + 1. Node 1 leads.
world cluster(const std::vector<std::vector<std::int64_t>>& rows) {
  world w;
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < rows.size(); ++i)
    ids.push_back(static_cast<std::int64_t>(i) + 1);
  w.usable(ids).loaded(7, {ids});
  w.lead(7, "a", 1);
  std::int64_t segment = 0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (auto r : rows[i]) {
      w.segment(7, ++segment, r);
      w.copy(7, segment, ids[i]).route(7, segment, 1, ids[i]);
    }
  return w;
}

TEST(balance_by_rows, an_empty_node_gets_segments_from_the_fullest) {
  auto w = cluster({{100, 100, 100, 100}, {}});
  const auto out = check(w);
  ASSERT_EQ(out.size(), 2u);
  for (const auto& p : out) {
    EXPECT_EQ(p.kind, TaskKind::MOVE_SEGMENT);
    EXPECT_EQ(p.priority, TaskPriority::LOW);
    EXPECT_EQ(p.why, reason::rows_uneven);
    EXPECT_EQ(p.source, 1);
    EXPECT_EQ(p.node, 2);
    EXPECT_EQ(p.channel, "a");
  }
  EXPECT_NE(out[0].segment, out[1].segment);
}

TEST(balance_by_rows, what_cannot_get_better_stays) {
  // B29: one segment that would only change sides. B23: even already.
  for (auto rows : std::vector<std::vector<std::vector<std::int64_t>>>{{{1000}, {}}, {{10, 20}, {30}}, {{0, 0, 0}, {}}, {{50}}}) {
    auto w = cluster(rows);
    EXPECT_TRUE(check(w).empty());
  }
}

TEST(balance_by_rows, a_move_must_leave_a_tenth_of_the_gap) {
  auto w = cluster({{80, 20}, {}});
  ASSERT_EQ(check(w).size(), 1u);
  // Node 1 leads the channel, which weighs a tenth of a node's share beside the rows.
  auto v = cluster({{99, 1}, {}});
  EXPECT_TRUE(check(v).empty()) << "99 would leave less than a tenth, and 1 would not close one";
}

TEST(balance_by_rows, one_huge_segment_does_not_keep_the_other_nodes_uneven) {
  auto w = cluster({{1000}, {100, 100, 100, 100}, {}});
  const auto out = check(w);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].source, 2);
  EXPECT_EQ(out[0].node, 3);
}

TEST(balance_by_rows, a_batch_is_proposed_at_a_time_and_the_plan_goes_on_when_it_has_ended) {
  // B30: the model gives one more than its batch (Q12)
  auto w = cluster({std::vector<std::int64_t>(20, 100), {}});
  balance_rules rules;
  auto out = rules.check(w.view, w.whole());
  ASSERT_EQ(out.size(), balance_settings{}.segment_batch);
  std::size_t moves = 0;
  for (int rounds = 0; !out.empty() && rounds < 20; ++rounds) {
    std::set<std::int64_t> touched;
    for (const auto& p : out) {
      w.uncopy(7, p.segment, p.source).copy(7, p.segment, p.node).route(7, p.segment, 1, p.node);
      touched.insert(p.segment);
      ++moves;
    }
    out = rules.check(w.view, w.publish_segments(7, touched));
  }
  EXPECT_GE(moves, 9u);
  EXPECT_LE(moves, 11u);
}

TEST(balance_by_rows, a_leaving_node_is_emptied_in_bulk_once_another_leads_its_channels) {
  // B08, B09, B14, Q8: channel_checker sets up the new leader
  auto w = cluster({std::vector<std::int64_t>(400, 10), {}, {}});
  auto& r = w.collections[7].desired->replicas[0];
  r.nodes = {2, 3};
  r.read_only_nodes = {1};
  balance_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  w.unlead(7, "a", 1).lead(7, "a", 2);
  for (std::int64_t s = 1; s <= 400; ++s)
    w.route(7, s, 1, 0).route(7, s, 2, 1);
  const auto out = rules.check(w.view, w.publish_shards(7));
  ASSERT_GT(out.size(), balance_settings{}.segment_batch) << "a drain goes in bulk";
  std::map<std::int64_t, std::size_t> got;
  for (const auto& p : out) {
    EXPECT_EQ(p.source, 1);
    EXPECT_EQ(p.why, reason::node_read_only);
    EXPECT_NE(p.choice.runner_up, 0) << "it says what else there was";
    ++got[p.node];
  }
  EXPECT_EQ(got.size(), 2u);
  for (const auto& [node, n] : got)
    EXPECT_LE(n, limits::balance_moves_to_node);
}

TEST(balance_by_rows, a_leaving_node_is_emptied_also_to_the_only_one_that_is_left_and_while_a_target_is_coming) {
  auto w = cluster({{100, 100}, {50, 60}});
  auto& c = w.collections[7];
  c.desired->replicas[0].nodes = {1};
  c.desired->replicas[0].read_only_nodes = {2};
  c.head->next = 6;
  EXPECT_EQ(check(w).size(), 2u);
}

TEST(balance_by_rows, channels_are_balanced_before_segments) {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}}, 2);
  w.lead(7, "a", 1).lead(7, "b", 1);
  for (std::int64_t s = 1; s <= 4; ++s) {
    w.segment(7, s, 100, static_cast<std::uint16_t>(s % 2));
    w.copy(7, s, 1).route(7, s, 1, 1);
  }
  balance_rules rules;
  const auto out = rules.check(w.view, w.whole());
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::MOVE_SHARD);
  EXPECT_EQ(out[0].priority, TaskPriority::HIGH);
  EXPECT_EQ(out[0].why, reason::channels_uneven);
  EXPECT_EQ(out[0].source, 1);
  EXPECT_EQ(out[0].node, 2);
  const auto channel = out[0].channel;
  w.unlead(7, channel, 1).lead(7, channel, 2);
  for (std::int64_t s = 1; s <= 4; ++s)
    if ((s % 2 == 0) == (channel == "a"))
      w.route(7, s, 1, 0).route(7, s, 2, 1);
  for (const auto& p : rules.check(w.view, w.publish_shards(7)))
    EXPECT_EQ(p.kind, TaskKind::MOVE_SEGMENT);
}

TEST(balance_by_rows, a_channel_does_not_move_to_where_another_delegator_of_it_still_is) {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}}, 2);
  w.lead(7, "a", 1).lead(7, "b", 1);
  w.lead(7, "a", 2, 999).lead(7, "b", 2, 999);
  EXPECT_TRUE(check(w).empty());
}

TEST(balance_by_rows, plans_of_several_collections_count_each_other) {
  // By rows of all collections alike, either of the two segments may go to the empty node, but not both: they would have to come back.
  world w;
  w.usable({1, 2});
  for (std::int64_t c : {7, 8}) {
    w.loaded(c, {{1, 2}}).desired->id = c;
    w.lead(c, "a", 1);
    w.segment(c, c * 10, 100);
    w.copy(c, c * 10, 1).route(c, c * 10, 1, 1);
  }
  balance_settings s;
  s.policy = balance_policy::row_count;
  s.auto_balance_channel = false;
  balance_rules rules{s};
  auto out = rules.check(w.view, w.whole());
  ASSERT_EQ(out.size(), 1u);
  const auto moved = out[0];
  task_row t = a_task(TaskKind::MOVE_SEGMENT, moved.replica, moved.segment);
  t.node = moved.node;
  t.source = moved.source;
  t.rows = 100;
  w.collections[moved.collection].tasks = {t};
  change_set in_flight; // as the scheduler publishes it beside its tasks
  in_flight.put({schema::ChunkKind::DELTAS, 0, 0}, build<schema::Chunk>([&](schema::Chunk::Builder b) {
                  auto list = b.initDeltas().initNodes(2);
                  for (unsigned i = 0; i < 2; ++i) {
                    list[i].setNode(i + 1);
                    list[i].setRows(moved.node == i + 1 ? 100 : -100);
                    list[i].setSegments(moved.node == i + 1 ? 1 : -1);
                  }
                }));
  touched_map both;
  both[7].whole = both[8].whole = true;
  EXPECT_TRUE(rules.check(w.view, w.publish(both, std::move(in_flight))).empty()) << "in flight";
  w.copy(moved.collection, moved.segment, moved.node).route(moved.collection, moved.segment, 1, moved.node);
  EXPECT_TRUE(rules.check(w.view, w.publish(both)).empty()) << "there, and counted as in flight as well";
  change_set ended;
  ended.put({schema::ChunkKind::DELTAS, 0, 0}, build<schema::Chunk>([](schema::Chunk::Builder b) { b.initDeltas(); }));
  w.collections[moved.collection].tasks.clear();
  w.uncopy(moved.collection, moved.segment, moved.source).copy(moved.collection, moved.segment, moved.node);
  w.route(moved.collection, moved.segment, 1, moved.node);
  EXPECT_TRUE(rules.check(w.view, w.publish(both, std::move(ended))).empty()) << "done";
}

TEST(balance_by_rows, many_collections_take_turns_the_largest_first_or_by_id) {
  world w;
  w.usable({1, 2});
  for (std::int64_t c : {7, 8}) {
    auto& truth = w.loaded(c, {{1, 2}});
    truth.head->current_rows = c == 8 ? 400 : 200;
    w.lead(c, "a", 1);
    for (std::int64_t s = 1; s <= 2; ++s) {
      w.segment(c, c * 10 + s, c == 8 ? 200 : 100);
      w.copy(c, c * 10 + s, 1).route(c, c * 10 + s, 1, 1);
    }
  }
  const auto touched = w.whole();
  balance_settings s;
  s.auto_balance_channel = false;
  s.multiple_collections = false;
  balance_rules by_rows{s};
  auto out = by_rows.check(w.view, touched);
  ASSERT_FALSE(out.empty());
  for (const auto& p : out)
    EXPECT_EQ(p.collection, 8);
  EXPECT_TRUE(by_rows.check(w.view, {}).empty()) << "the other waits until these have ended";
  s.order = balance_order::by_collection_id;
  balance_rules by_id{s};
  out = by_id.check(w.view, touched);
  ASSERT_FALSE(out.empty());
  for (const auto& p : out)
    EXPECT_EQ(p.collection, 7);
}

TEST(balance_by_rows, a_new_policy_looks_at_everything_again) {
  auto w = cluster({{100, 100}, {}});
  balance_settings s;
  s.policy = balance_policy::round_robin;
  balance_rules rules{s};
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  rules.configure(balance_settings{}, w.view);
  EXPECT_EQ(rules.check(w.view, {}).size(), 1u);
}

TEST(balance_by_rows, a_collection_whose_target_is_not_ready_keeps_nobody_else) {
  // Q32
  auto w = cluster({{100, 100}, {}});
  w.loaded(6, {{1, 2}});
  w.collections[6].desired->status = schema::LoadStatus::LOADING;
  EXPECT_EQ(check(w).size(), 1u);
}

TEST(balance_by_rows, nothing_moves_while_tasks_are_in_flight_or_a_target_is_coming_or_it_is_loading) {
  auto w = cluster({{100, 100}, {}});
  w.collections[7].tasks = {a_task(TaskKind::LOAD_SEGMENT, 101, 1)};
  EXPECT_TRUE(check(w).empty());
  w.collections[7].tasks.clear();
  w.collections[7].head->next = 6;
  EXPECT_TRUE(check(w).empty());
  w.collections[7].head->next = 0;
  w.collections[7].desired->status = schema::LoadStatus::LOADING;
  EXPECT_TRUE(check(w).empty());
  w.collections[7].desired->status = schema::LoadStatus::LOADED;
  w.unknown(2);
  EXPECT_TRUE(check(w).empty());
  w.nodes.at(2).known = true;
  EXPECT_FALSE(check(w).empty());
}

TEST(balance_by_rows, nothing_moves_to_a_node_that_cannot_be_given_work_or_is_read_only) {
  // B07, I-B3, I-B4
  auto w = cluster({{100, 100}, {}});
  w.nodes.at(2).stopping = true;
  EXPECT_TRUE(check(w).empty());
  w.nodes.at(1).stopping = true;
  EXPECT_TRUE(check(w).empty());
  w.nodes.at(1).stopping = w.nodes.at(2).stopping = false;
  auto& r = w.collections[7].desired->replicas[0];
  r.nodes = {1};
  r.read_only_nodes = {2};
  EXPECT_TRUE(check(w).empty());
}

TEST(balance_by_rows, only_what_its_leader_routes_there_and_is_in_the_current_target_moves) {
  auto w = cluster({{100, 100}, {}});
  w.route(7, 1, 1, 0);
  auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].segment, 2);
  w.collections[7].target.at(2).to = 5;
  EXPECT_TRUE(check(w).empty());
}

TEST(balance_by_rows, what_is_uneven_is_looked_at_again_when_its_tasks_are_done) {
  auto w = cluster({std::vector<std::int64_t>(40, 10), {}});
  balance_rules rules;
  ASSERT_FALSE(rules.check(w.view, w.whole()).empty());
  w.collections[7].tasks = {a_task(TaskKind::MOVE_SEGMENT, 101, 1)};
  EXPECT_TRUE(rules.check(w.view, w.publish_segments(7, {1})).empty());
  w.collections[7].tasks.clear();
  EXPECT_FALSE(rules.check(w.view, w.publish_segments(7, {1})).empty());
}

TEST(balance_by_rows, from_any_random_cluster_the_batches_end) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    dice d{seed};
    std::vector<std::vector<std::int64_t>> rows(static_cast<std::size_t>(d.from(1, 8)));
    const auto largest = d.one_in(3) ? 1 : d.one_in(2) ? 20 : 1'000'000;
    for (auto n = d.below(60); n > 0; --n)
      rows[static_cast<std::size_t>(d.below(d.one_in(2) ? 1 : static_cast<std::int64_t>(rows.size())))].push_back(
        d.from(d.one_in(10) ? 0 : 1, largest));
    auto w = cluster(rows);
    balance_rules rules;
    auto touched = w.whole();
    int rounds = 0;
    for (;; ++rounds) {
      ASSERT_LT(rounds, 400) << "seed " << seed << ": the moves do not end";
      const auto out = rules.check(w.view, touched);
      if (out.empty())
        break;
      std::set<std::int64_t> once;
      for (const auto& p : out) {
        // I-B1, I-B2
        ASSERT_NE(p.node, p.source);
        ASSERT_TRUE(once.insert(p.segment).second) << "seed " << seed;
        w.uncopy(7, p.segment, p.source).copy(7, p.segment, p.node).route(7, p.segment, 1, p.node);
      }
      touched = w.publish_segments(7, once);
    }
  }
}

TEST(balance_by_rows, replicas_are_balanced_each_for_itself) {
  // I-B5
  world w;
  w.usable({1, 2, 3, 4}).loaded(7, {{1, 2}, {3, 4}});
  w.lead(7, "a", 1, 101).lead(7, "a", 3, 102);
  for (std::int64_t s = 1; s <= 4; ++s) {
    w.segment(7, s, 10);
    w.copy(7, s, 1).route(7, s, 1, 1).copy(7, s, 3).route(7, s, 3, 3);
  }
  const auto out = check(w);
  ASSERT_EQ(out.size(), 4u);
  for (const auto& p : out)
    EXPECT_EQ(p.node, p.replica == 101 ? 2 : 4);
}

TEST(balance_by_rows, tasks_of_one_collection_do_not_keep_another_from_being_balanced) {
  // C20
  auto w = cluster({{100, 100}, {}});
  w.loaded(6, {{1, 2}});
  w.collections[6].tasks = {a_task(TaskKind::LOAD_SEGMENT, 101, 99)};
  EXPECT_EQ(check(w).size(), 1u);
}

TEST(balance_by_rows, nothing_moves_for_evenness_while_that_is_off_or_a_node_leaves) {
  // C26, I-C6
  auto w = cluster({{100, 100, 100, 100}, {}, {50}});
  balance_rules off;
  auto s = balance_settings{};
  s.auto_balance = false;
  w.whole();
  off.configure(s, w.view);
  EXPECT_TRUE(off.check(w.view, w.whole()).empty());
  w.collections[7].desired->replicas[0].nodes = {1, 2};
  w.collections[7].desired->replicas[0].read_only_nodes = {3};
  const auto draining = check(w);
  ASSERT_FALSE(draining.empty()) << "a node that leaves is emptied all the same";
  for (const auto& p : draining)
    EXPECT_EQ(p.source, 3) << "and nothing else moves meanwhile";
}

} // namespace
} // namespace muster
