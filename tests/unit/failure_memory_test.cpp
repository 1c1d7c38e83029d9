// Rules of what is remembered of failures, and for how long.
#include "actors/core/failure_memory.hpp"

#include "messages/limits.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t hour = 3'600'000 * ms;

failure_memory::key key_of(std::int64_t segment) {
  task_key k;
  k.collection = 7;
  k.replica = 101;
  k.segment = segment;
  return {k, schema::TaskKind::LOAD_SEGMENT};
}

TEST(failure_memory_rules, no_error_and_what_passes_by_itself_store_nothing) {
  // T-FLC-01
  failure_memory m;
  m.remember(7, {ec::ok, ""}, 0);
  m.remember(7, {ec::channel_not_found, "x"}, 0);
  m.remember(7, {ec::too_many_requests, "x"}, 0);
  EXPECT_TRUE(m.of(7, 0).empty());
}

TEST(failure_memory_rules, the_most_frequent_error_comes_first_with_its_last_text) {
  failure_memory m;
  m.remember(7, {ec::io_failed, "a"}, 1);
  m.remember(7, {ec::io_corrupt, "b"}, 2);
  m.remember(7, {ec::io_corrupt, "c"}, 3);
  const auto f = m.of(7, 3);
  ASSERT_EQ(f.size(), 2u);
  EXPECT_EQ(f[0].code, ec::io_corrupt);
  EXPECT_EQ(f[0].count, 2u);
  EXPECT_EQ(f[0].text, "c");
  EXPECT_TRUE(m.of(8, 3).empty());
}

TEST(failure_memory_rules, a_failure_of_two_days_ago_is_gone_when_the_rest_expires) {
  // T-FLC-03
  failure_memory m;
  m.remember(7, {ec::io_failed, "old"}, 0);
  m.remember(8, {ec::io_failed, "new"}, 47 * hour);
  m.expire(48 * hour);
  EXPECT_TRUE(m.of(7, 48 * hour).empty());
  EXPECT_EQ(m.of(8, 48 * hour).size(), 1u);
  m.forget(8);
  EXPECT_TRUE(m.of(8, 48 * hour).empty());
}

TEST(failure_memory_rules, what_is_remembered_is_bounded_in_every_direction) {
  failure_memory m;
  for (std::int64_t c = 1; c <= static_cast<std::int64_t>(limits::failed_collections) + 5; ++c)
    m.remember(c, {ec::io_failed, "x"}, c);
  EXPECT_TRUE(m.of(1, 0).empty());
  EXPECT_FALSE(m.of(6, 0).empty());
  for (int code = 1000; code < 1100; ++code)
    m.remember(9, {static_cast<ec>(code), "x"}, 0);
  EXPECT_EQ(m.of(9, 0).size(), limits::failure_codes);
  std::size_t forgotten = 0;
  for (std::int64_t s = 1; s <= static_cast<std::int64_t>(limits::remembered_failures) + 5; ++s)
    forgotten += m.failed(key_of(s), s) ? 1 : 0;
  EXPECT_EQ(m.keys(), limits::remembered_failures);
  EXPECT_EQ(forgotten, 5u) << "the proposers of those are told";
}

TEST(failure_memory_rules, a_key_backs_off_twice_as_long_each_time_and_wakes_once) {
  failure_memory m;
  std::int64_t now = 0;
  auto wait = limits::retry_first.count() * ms;
  for (int i = 0; i < 9; ++i) {
    m.failed(key_of(1), now);
    EXPECT_TRUE(m.backs_off(key_of(1), now + wait - 1));
    EXPECT_EQ(m.next_time(), now + wait);
    EXPECT_TRUE(m.wake(now + wait - 1).empty());
    now += wait;
    EXPECT_EQ(m.wake(now).size(), 1u);
    EXPECT_FALSE(m.backs_off(key_of(1), now));
    EXPECT_TRUE(m.wake(now).empty());
    wait = std::min(2 * wait, limits::retry_longest.count() * ms);
  }
  m.succeeded(key_of(1));
  EXPECT_EQ(m.keys(), 0u);
  EXPECT_FALSE(m.next_time());
}

TEST(failure_memory_rules, a_node_that_fails_is_remembered_until_it_succeeds_or_some_time_has_passed) {
  failure_memory m;
  m.node_failed(3, 0);
  m.node_failed(3, 1);
  EXPECT_TRUE(m.take_nodes_changed());
  EXPECT_EQ(m.failing_nodes().at(3), 2u);
  m.forget_node(3);
  EXPECT_TRUE(m.failing_nodes().empty());
  m.node_failed(3, 0);
  EXPECT_EQ(m.next_time(), limits::retry_longest.count() * ms);
  m.wake(limits::retry_longest.count() * ms);
  EXPECT_TRUE(m.failing_nodes().empty());
  EXPECT_FALSE(m.next_time());
}

TEST(failure_memory_rules, changes_are_published_by_collection_and_taken_away_when_they_are_forgotten) {
  failure_memory m;
  m.remember(7, {ec::io_failed, "x"}, 1);
  change_set set;
  m.take_changes(set);
  EXPECT_TRUE(set.touched().contains(7));
  auto p = set.take(1, 1, 0);
  ASSERT_EQ(p.chunks.size(), 1u);
  EXPECT_EQ(p.chunks[0]->getFailures().getFailures()[0].getCode(), static_cast<int>(ec::io_failed));
  m.forget(7);
  m.take_changes(set);
  p = set.take(2, 1, 0);
  EXPECT_EQ(p.header->getRemoved().size(), 1u);
}

} // namespace
} // namespace muster
