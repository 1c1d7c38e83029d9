// Rules of index_checker: indexes and statistics that a copy lacks, indexes that it has in vain.
#include "actors/core/index_rules.hpp"
#include "messages/limits.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using schema::TaskKind;
using schema::TaskPriority;

constexpr std::uint64_t bit(unsigned i) {
  return 1ull << i;
}

/// Nodes 1 and 2 serve collection 7 with segments 11 (on 1) and 12 (on 2); it has index 3, which both have.
world small() {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  w.segment(7, 11).segment(7, 12).settle(7);
  auto& c = w.collections[7];
  c.head->indexes = bit(3);
  c.head->indexes_known = true;
  for (auto& [id, t] : c.target)
    t.indexes = bit(3);
  return w;
}

/// Says what the copy of a segment on a node has.
world& has(world& w, std::int64_t segment, std::int64_t node, std::uint64_t indexes, std::uint64_t stats = 0) {
  auto& copies = w.collections[7].copies;
  auto row = *copies.find(copy_row{segment, node});
  copies.erase(row);
  row.indexes = indexes;
  row.stats = stats;
  copies.insert(row);
  return w;
}

world whole() {
  auto w = small();
  has(w, 11, 1, bit(3));
  has(w, 12, 2, bit(3));
  return w;
}

std::vector<proposal> check(world& w) {
  index_rules rules;
  return rules.check(w.view, w.whole());
}

TEST(index_checker_rules, copies_with_every_index_give_nothing) {
  auto w = whole();
  index_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  EXPECT_EQ(rules.open(), 0u);
}

TEST(index_checker_rules, a_new_index_is_loaded_where_its_file_is_there) {
  // C40
  auto w = whole();
  w.collections[7].head->indexes = bit(3) | bit(4);
  w.collections[7].target.at(12).indexes = bit(3) | bit(4);
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::UPDATE_INDEX);
  EXPECT_EQ(out[0].priority, TaskPriority::LOW);
  EXPECT_EQ(out[0].why, reason::index_lacking);
  EXPECT_EQ(out[0].segment, 12);
  EXPECT_EQ(out[0].node, 2);
  EXPECT_EQ(out[0].replica, 101);
  EXPECT_EQ(out[0].channel, "a");
  EXPECT_EQ(out[0].indexes, bit(4));
}

TEST(index_checker_rules, without_a_file_or_with_that_of_another_index_there_is_nothing_to_load) {
  // C38. C39: the data source said nothing of the segment, because it could not; nothing is concluded from that.
  auto w = small();
  w.collections[7].target.at(11).indexes = 0;
  w.collections[7].target.at(12).indexes = bit(5);
  index_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  EXPECT_EQ(rules.open(), 0u);
}

TEST(index_checker_rules, the_file_of_an_index_makes_its_segment_looked_at) {
  auto w = whole();
  w.collections[7].head->indexes = bit(3) | bit(4);
  index_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  w.collections[7].target.at(11).indexes |= bit(4);
  const auto out = rules.check(w.view, w.publish_segments(7, {11}));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].segment, 11);
}

TEST(index_checker_rules, another_list_of_indexes_makes_every_copy_looked_at_whatever_was_touched) {
  auto w = whole();
  for (auto& [id, t] : w.collections[7].target)
    t.indexes = bit(3) | bit(4);
  index_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  w.collections[7].head->indexes = bit(3) | bit(4);
  EXPECT_EQ(rules.check(w.view, w.publish_shards(7)).size(), 2u);
  w.collections[7].head->indexes = 0;
  EXPECT_EQ(rules.check(w.view, w.publish_shards(7)).size(), 2u) << "both have index 3 in vain";
}

TEST(index_checker_rules, statistics_are_loaded_once_the_indexes_are_there) {
  // C41, C42
  auto w = whole();
  auto& c = w.collections[7];
  c.head->stats = bit(10);
  c.target.at(12).stats = bit(10);
  auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::UPDATE_STATS);
  EXPECT_EQ(out[0].why, reason::stats_lacking);
  EXPECT_EQ(out[0].segment, 12);
  EXPECT_EQ(out[0].indexes, bit(10));
  has(w, 12, 2, 0);
  c.target.at(12).indexes = 0;
  EXPECT_TRUE(check(w).empty()) << "its index is missing and not made yet";
  has(w, 12, 2, bit(3), bit(10));
  EXPECT_TRUE(check(w).empty());
}

TEST(index_checker_rules, on_read_only_nodes_nothing_is_loaded) {
  // C41
  auto w = small();
  auto& replica = w.collections[7].desired->replicas[0];
  replica.read_only_nodes = std::exchange(replica.nodes, {});
  EXPECT_TRUE(check(w).empty());
}

TEST(index_checker_rules, an_index_that_the_collection_no_longer_has_is_dropped) {
  auto w = whole();
  has(w, 11, 1, bit(3) | bit(9));
  const auto out = check(w);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].kind, TaskKind::DROP_INDEX);
  EXPECT_EQ(out[0].why, reason::index_surplus);
  EXPECT_EQ(out[0].indexes, bit(9));
  EXPECT_EQ(out[0].node, 1);
}

TEST(index_checker_rules, where_nobody_said_which_indexes_there_are_none_is_surplus) {
  auto w = whole();
  w.collections[7].head->indexes = 0;
  w.collections[7].head->indexes_known = false; // a record that is older than indexes
  EXPECT_TRUE(check(w).empty());
}

TEST(index_checker_rules, tasks_in_flight_and_unusable_nodes_are_waited_for) {
  auto w = small();
  w.collections[7].tasks = {a_task(TaskKind::MOVE_SEGMENT, 101, 11)};
  w.suspect(2);
  index_rules rules;
  EXPECT_TRUE(rules.check(w.view, w.whole()).empty());
  EXPECT_EQ(rules.open(), 0u) << "nothing is concluded while the replica is not known";
  w.nodes.at(2).liveness = schema::NodeLiveness::CONNECTED;
  w.nodes.at(2).known = true;
  EXPECT_EQ(rules.check(w.view, w.publish({})).size(), 1u);
  EXPECT_EQ(rules.open(), 2u) << "one waits for the task";
}

TEST(index_checker_rules, of_several_copies_in_a_replica_one_is_seen_to_at_a_time) {
  auto w = small();
  w.copy(7, 11, 2);
  w.collections[7].target.erase(12);
  w.uncopy(7, 12, 2);
  EXPECT_EQ(check(w).size(), 1u);
}

TEST(index_checker_rules, what_the_limit_of_proposals_cut_off_follows_with_the_next_check) {
  world w;
  w.usable({1}).loaded(7, {{1}});
  const auto many = static_cast<std::int64_t>(limits::proposals_per_batch + 10);
  for (std::int64_t s = 1; s <= many; ++s) {
    w.segment(7, s).copy(7, s, 1);
    w.collections[7].target.at(s).indexes = bit(3);
  }
  w.collections[7].head->indexes = bit(3);
  index_rules rules;
  EXPECT_EQ(rules.check(w.view, w.whole()).size(), limits::proposals_per_batch);
  EXPECT_TRUE(rules.more());
  EXPECT_EQ(rules.check(w.view, {}).size(), 10u);
  EXPECT_FALSE(rules.more());
}

TEST(index_checker_rules, the_slow_walk_finds_what_no_change_told) {
  auto w = whole();
  index_rules rules;
  rules.check(w.view, w.whole());
  has(w, 12, 2, 0);
  w.publish_shards(7);
  sweep_cursor cursor;
  const auto found = cursor.slice(rules, w.view, 1000);
  EXPECT_EQ(found.defects, 1u);
  EXPECT_EQ(found.proposals.size(), 1u);
  EXPECT_EQ(cursor.slice(rules, w.view, 1000).defects, 0u);
}

} // namespace
} // namespace muster
