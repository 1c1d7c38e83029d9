// Rules of the counters of actors. probe.cpp needs no CAF; it is taken in here so that the unit tests stay free of it.
#include "actors/runtime/probe.cpp"
#include "actors/runtime/tap.cpp"

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

tapped_message message(const char* type, std::size_t bytes = 100, std::int64_t at = 0) {
  tapped_message m;
  m.type = type;
  m.bytes = bytes;
  m.at = at;
  return m;
}

std::string types(const std::vector<tapped_message>& all) {
  std::string out;
  for (const auto& m : all)
    out += m.type + " ";
  return out;
}

TEST(tap_rules, what_comes_faster_than_the_rate_or_is_too_much_is_counted_and_left_out) {
  tap t{{}, 3};
  for (int i = 0; i < 5; ++i)
    t.put(message("a", 100, ms));
  EXPECT_EQ(types(t.read(0, 10, 10'000)), "a a a ");
  EXPECT_EQ(t.left_out(), 2u);
  t.put(message("b", 100, 400 * ms));
  EXPECT_EQ(types(t.read(3, 10, 10'000)), "b ") << "a third of a second later there is room for one";
  t.put(message("c", limits::tap_reply_bytes + 1, 5'000 * ms));
  EXPECT_EQ(types(t.read(4, 10, 10'000)), "") << "no answer could hold it";
  EXPECT_EQ(t.left_out(), 3u);
}

TEST(tap_rules, it_holds_a_bounded_number_of_bytes_until_they_are_read) {
  tap t{{}, 10'000};
  const auto half = limits::tap_bytes / 2;
  for (std::size_t held = 0; held < limits::tap_bytes; held += limits::tap_reply_bytes)
    t.put(message("a", limits::tap_reply_bytes));
  t.put(message("b", half));
  EXPECT_EQ(t.left_out(), 1u);
  const auto first = t.read(0, 1'000, limits::tap_reply_bytes);
  ASSERT_FALSE(first.empty());
  t.read(first.back().number, 0, 0);
  t.put(message("c", 100));
  EXPECT_EQ(t.left_out(), 1u) << "what was read makes room";
}

TEST(tap_rules, only_the_types_asked_for_are_kept_and_each_reading_goes_on_where_the_last_one_ended) {
  tap t{{"a"}, 100};
  for (const char* type : {"a", "b", "a", "a"})
    t.put(message(type));
  auto first = t.read(0, 2, 10'000);
  EXPECT_EQ(types(first), "a a ");
  EXPECT_EQ(types(t.read(first.back().number, 10, 10'000)), "a ");
  EXPECT_EQ(t.left_out(), 0u) << "what nobody asked for is not left out";
}

TEST(tap_rules, a_successor_takes_over_the_taps_and_what_was_before_it_can_be_of_no_interest) {
  probe_registry all;
  auto first = all.enrol(1, "checker", "kind", "owner");
  auto t = std::make_shared<tap>(std::set<std::string>{}, 100);
  t->await_restart();
  first->add_tap(t);
  EXPECT_TRUE(first->tapped());
  t->put(message("old"));
  auto second = all.enrol(2, "checker", "kind", "owner");
  EXPECT_FALSE(first->tapped());
  EXPECT_TRUE(second->tapped());
  t->put(message("new"));
  EXPECT_EQ(types(t->read(0, 10, 10'000)), "new ");
  second->remove_tap(t.get());
  EXPECT_FALSE(second->tapped());
  EXPECT_TRUE(second->taps()->empty());
}

} // namespace
} // namespace muster
