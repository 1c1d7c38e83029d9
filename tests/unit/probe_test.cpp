// Rules of the counters of actors. probe.cpp needs no CAF; it is taken in here so that the unit tests stay free of it.
#include "actors/runtime/probe.cpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

constexpr std::int64_t ms = 1'000'000;

TEST(probe_rules, what_waits_is_counted_with_the_age_of_the_oldest) {
  probe p{"a", "kind", "owner"};
  p.sent(10 * ms);
  p.sent(40 * ms);
  auto r = p.report(50 * ms);
  EXPECT_EQ(r.queued, 2u);
  EXPECT_EQ(r.oldest_ms, 40u);
  p.begin("ping", 50 * ms);
  p.end(1'000);
  r = p.report(50 * ms);
  EXPECT_EQ(r.queued, 1u);
  EXPECT_EQ(r.oldest_ms, 10u);
  EXPECT_EQ(r.handled, 1u);
  ASSERT_EQ(r.handled_by_type.size(), 1u);
  EXPECT_EQ(r.handled_by_type[0], (std::pair<std::string, std::uint64_t>{"ping", 1}));
}

TEST(probe_rules, times_of_arrival_are_bounded_and_the_count_stays_right) {
  probe p{"a", "kind", "owner"};
  for (int i = 0; i < 10'000; ++i)
    p.sent(i);
  EXPECT_EQ(p.report(0).queued, 10'000u);
  for (int i = 0; i < 10'000; ++i)
    p.begin("x", 0);
  EXPECT_EQ(p.report(0).queued, 0u);
  p.begin("x", 0); // a message that nobody counted
  EXPECT_EQ(p.report(0).queued, 0u);
}

TEST(probe_rules, percentiles_are_never_above_the_maximum) {
  probe p{"a", "kind", "owner"};
  EXPECT_EQ(p.report(0).handler_p99_us, 0u);
  for (int i = 0; i < 98; ++i)
    p.end(10'000);
  p.end(5 * ms);
  p.end(70 * ms);
  const auto r = p.report(0);
  EXPECT_LE(r.handler_p50_us, 17u);
  EXPECT_GE(r.handler_p50_us, 10u);
  EXPECT_GE(r.handler_p99_us, 5'000u);
  EXPECT_LE(r.handler_p99_us, r.handler_max_us);
  EXPECT_EQ(r.handler_max_us, 70'000u);
}

TEST(probe_rules, a_successor_counts_the_restart_and_keeps_the_last_failure) {
  probe_registry all;
  auto first = all.enrol(1, "checker", "kind", "owner");
  first->failed("it broke");
  all.retire(1);
  EXPECT_EQ(all.reports("checker", 0).at(0).state, "ended");
  auto second = all.enrol(2, "checker", "kind", "owner");
  const auto r = all.reports("checker", 0);
  ASSERT_EQ(r.size(), 1u);
  EXPECT_EQ(r[0].restarts, 1u);
  EXPECT_EQ(r[0].last_failure, "it broke");
  EXPECT_EQ(r[0].state, "running");
}

TEST(probe_rules, short_lived_actors_do_not_pile_up) {
  probe_registry all;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    all.enrol(i, "load_job#" + std::to_string(i), "load_job", "gateway");
    all.retire(i);
  }
  EXPECT_EQ(all.size(), 0u);
  EXPECT_TRUE(all.reports("", 0).empty());
}

TEST(probe_rules, messages_to_nobody_known_are_ignored) {
  probe_registry all;
  all.sent(77, 1);
  all.retire(77);
  auto p = all.enrol(1, "a", "k", "o");
  all.sent(1, 5 * ms);
  EXPECT_EQ(all.reports("a", 9 * ms).at(0).oldest_ms, 4u);
  EXPECT_TRUE(all.reports("b", 0).empty());
}

} // namespace
} // namespace muster
