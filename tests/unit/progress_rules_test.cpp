// Rules of load progress: what counts as found, when a percentage moves, and what a load without progress loses.
#include "actors/core/progress_rules.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using list = std::vector<std::int64_t>;

constexpr std::int64_t second = 1'000'000'000;

/// Collection 7 is being loaded with these partitions, one channel, next 5.
world loading(const std::vector<std::vector<std::int64_t>>& replicas, const list& partitions) {
  world w;
  for (const auto& r : replicas)
    w.usable(r);
  w.loaded(7, replicas);
  auto& c = w.collections[7];
  c.desired->status = schema::LoadStatus::LOADING;
  c.desired->partitions = partitions;
  c.head->current = 0;
  c.head->next = 5;
  return w;
}

world& in_partition(world& w, std::int64_t segment, std::int64_t partition) {
  w.segment(7, segment);
  w.collections[7].target.at(segment).partition = partition;
  return w;
}

std::uint32_t percent_of(const progress_rules& rules, std::int64_t partition) {
  for (const auto& p : rules.partitions(7))
    if (p.partition == partition)
      return p.percent;
  return 1000;
}

TEST(load_progress, counts_channels_and_segments_of_all_replicas) {
  // O06: 1 channel and 4 segments, 2 replicas, 5 of 10 found.
  auto w = loading({{1}, {2}}, {20});
  for (std::int64_t s = 11; s < 15; ++s)
    in_partition(w, s, 20).route(7, s, 1, 1);
  w.lead(7, "a", 1, 101, 0);
  progress_rules rules;
  rules.check(w.view, w.whole(), 0);
  EXPECT_EQ(percent_of(rules, 20), 50u);
  EXPECT_EQ(rules.percent(7), 50u);
}

TEST(load_progress, two_delegators_of_one_replica_count_once) {
  // Q20
  auto w = loading({{1, 2}, {3}}, {20});
  in_partition(w, 11, 20).route(7, 11, 1, 1).route(7, 11, 2, 1);
  w.lead(7, "a", 1, 101, 0).lead(7, "a", 2, 101, 0, 2);
  progress_rules rules;
  rules.check(w.view, w.whole(), 0);
  EXPECT_EQ(percent_of(rules, 20), 50u);
}

TEST(load_progress, everything_found_is_not_loaded_before_the_promotion) {
  // O07, I-O2
  auto w = loading({{1}}, {20});
  in_partition(w, 11, 20).route(7, 11, 1, 1).lead(7, "a", 1, 101, 0);
  progress_rules rules;
  rules.check(w.view, w.whole(), 0);
  EXPECT_EQ(percent_of(rules, 20), 99u);
  EXPECT_TRUE(rules.partitions(7).at(0).complete);
  EXPECT_EQ(rules.loading(), 1u);
  w.collections[7].head->current = std::exchange(w.collections[7].head->next, 0);
  w.collections[7].desired->status = schema::LoadStatus::LOADED;
  rules.check(w.view, w.publish_shards(7), 0);
  EXPECT_EQ(rules.loading(), 0u) << "what is loaded costs nothing";
  EXPECT_EQ(rules.percent(7), std::nullopt);
}

TEST(load_progress, the_mean_of_the_partitions_is_that_of_the_collection) {
  auto w = loading({{1}}, {20, 21});
  in_partition(w, 11, 20).route(7, 11, 1, 1);
  in_partition(w, 12, 21).lead(7, "a", 1, 101, 0);
  progress_rules rules;
  rules.check(w.view, w.whole(), 0);
  EXPECT_EQ(percent_of(rules, 20), 99u);
  EXPECT_EQ(percent_of(rules, 21), 50u);
  EXPECT_EQ(rules.percent(7), 74u);
}

TEST(load_progress, moves_once_for_the_channel_while_no_segment_comes) {
  // O03: 999 segments, none routed.
  auto w = loading({{1}}, {20});
  for (std::int64_t s = 1; s <= 999; ++s)
    in_partition(w, s, 20);
  progress_rules rules;
  rules.check(w.view, w.whole(), 1 * second);
  EXPECT_EQ(rules.last_progress(7), 1 * second);
  w.lead(7, "a", 1, 101, 0);
  rules.check(w.view, w.publish_shards(7), 2 * second);
  EXPECT_EQ(rules.last_progress(7), 2 * second);
  for (int i = 3; i < 9; ++i) {
    w.copy(7, i, 1);
    rules.check(w.view, w.publish_segments(7, {i}), i * second);
  }
  EXPECT_EQ(rules.last_progress(7), 2 * second);
  EXPECT_EQ(percent_of(rules, 20), 0u);
  EXPECT_EQ(rules.loading(), 1u);
}

TEST(load_progress, a_percentage_is_set_only_when_more_is_found_than_at_the_last_look) {
  // I-O3
  auto w = loading({{1}}, {20});
  for (std::int64_t s = 11; s < 14; ++s)
    in_partition(w, s, 20).route(7, s, 1, 1);
  progress_rules rules;
  rules.check(w.view, w.whole(), 0);
  EXPECT_EQ(percent_of(rules, 20), 75u);
  w.route(7, 11, 1, 0).route(7, 12, 1, 0);
  rules.check(w.view, w.publish_segments(7, {11, 12}), 1);
  EXPECT_EQ(percent_of(rules, 20), 75u) << "a fall is remembered, not told";
  EXPECT_EQ(rules.last_progress(7), 0);
  w.route(7, 11, 1, 1);
  rules.check(w.view, w.publish_segments(7, {11}), 2);
  EXPECT_EQ(percent_of(rules, 20), 50u) << "growth against what was last seen";
  EXPECT_EQ(rules.last_progress(7), 2);
}

TEST(load_progress, without_any_for_the_timeout_a_load_is_given_up) {
  // O02
  auto w = loading({{1}}, {20, 21});
  in_partition(w, 11, 20);
  in_partition(w, 12, 21);
  progress_rules rules;
  rules.check(w.view, w.whole(), 1 * second);
  EXPECT_EQ(rules.next_time(3 * second), 4 * second);
  EXPECT_TRUE(rules.give_up(w.view, 4 * second - 1, 3 * second).empty());
  const auto out = rules.give_up(w.view, 4 * second, 3 * second);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].collection, 7);
  EXPECT_EQ(out[0].revision, 1u);
  EXPECT_EQ(out[0].partitions, (list{20, 21})) << "all of it: the collection goes";
  EXPECT_TRUE(rules.give_up(w.view, 4 * second, 3 * second).empty()) << "named once";
  EXPECT_EQ(rules.next_time(3 * second), 7 * second) << "and again, should the conclusion be refused";
  w.collections.erase(7);
  rules.check(w.view, w.publish_shards(7), 5 * second);
  EXPECT_EQ(rules.next_time(3 * second), std::nullopt);
}

TEST(load_progress, the_timeout_is_measured_from_the_last_progress) {
  auto w = loading({{1}}, {20});
  in_partition(w, 11, 20);
  in_partition(w, 12, 20);
  progress_rules rules;
  rules.check(w.view, w.whole(), 0);
  w.route(7, 11, 1, 1);
  rules.check(w.view, w.publish_segments(7, {11}), 2 * second);
  EXPECT_TRUE(rules.give_up(w.view, 4 * second, 3 * second).empty());
  EXPECT_EQ(rules.give_up(w.view, 5 * second, 3 * second).size(), 1u);
}

TEST(load_progress, what_is_loaded_or_complete_is_not_taken_back) {
  // O05, Q21
  auto w = loading({{1}}, {10, 11});
  in_partition(w, 1, 10).route(7, 1, 1, 1).lead(7, "a", 1, 101, 0);
  in_partition(w, 2, 11);
  progress_rules rules;
  rules.check(w.view, w.whole(), 0);
  auto out = rules.give_up(w.view, 3 * second, 3 * second);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].partitions, list{11});
  // A later load of partition 11 beside the loaded 10.
  auto& c = w.collections[7];
  c.head->current = 5;
  c.desired->status = schema::LoadStatus::LOADED;
  c.desired->loading_partitions = {11};
  w.route(7, 1, 1, 0);
  rules.check(w.view, w.whole(), 10 * second);
  out = rules.give_up(w.view, 20 * second, 3 * second);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].partitions, list{11}) << "10 is loaded, though its leader is lost";
}

TEST(load_progress, another_target_counts_anew_and_keeps_what_was_observed) {
  auto w = loading({{1}}, {20});
  in_partition(w, 11, 20).route(7, 11, 1, 1).lead(7, "a", 1, 101, 0);
  in_partition(w, 12, 20);
  progress_rules rules;
  rules.check(w.view, w.whole(), 0);
  EXPECT_EQ(percent_of(rules, 20), 66u);
  w.collections[7].head->next = 6;
  w.segment(7, 13, 100, 0, 6);
  w.collections[7].target.at(13).partition = 20;
  rules.check(w.view, w.publish_shards(7), 1 * second);
  EXPECT_EQ(rules.last_progress(7), 0) << "more to be found is not more found";
  w.route(7, 12, 1, 1);
  rules.check(w.view, w.publish_segments(7, {12}), 2 * second);
  EXPECT_EQ(percent_of(rules, 20), 75u);
  EXPECT_EQ(rules.last_progress(7), 2 * second);
}

} // namespace
} // namespace muster
