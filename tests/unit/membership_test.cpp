// Rules of membership: who may join, when silence becomes suspicion and suspicion certainty.
#include "actors/core/membership.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using schema::NodeLiveness;
using std::chrono::milliseconds;

constexpr std::int64_t ms(std::int64_t n) {
  return n * 1'000'000;
}

constexpr auto start = ms(1'000);
constexpr auto silent = ms(limits::suspect_after.count());
constexpr auto lost_for = ms(limits::node_gone.count());

node_row who(std::int64_t id, const std::string& name, std::uint64_t incarnation = 1) {
  node_row n;
  n.id = id;
  n.name = name;
  n.address = name + ":1";
  n.incarnation = incarnation;
  return n;
}

membership fresh(std::vector<node_row> journaled = {}) {
  return membership{std::move(journaled), limits::node_gone, start};
}

std::int64_t join(membership& m, const node_row& n, std::int64_t link, std::int64_t now) {
  std::int64_t old_link = -1;
  const auto row = m.joined(n, link, now, old_link);
  EXPECT_EQ(row.liveness, NodeLiveness::CONNECTED);
  return old_link;
}

TEST(membership_rules, a_node_that_joined_is_connected_and_its_link_is_beaten_on) {
  auto m = fresh();
  EXPECT_EQ(m.may_join("a", 1).code, ec::ok);
  EXPECT_EQ(join(m, who(1, "a"), 11, start), 0);
  EXPECT_TRUE(m.find(1)->connected());
  EXPECT_EQ(m.links(), std::vector<std::int64_t>{11});
  EXPECT_EQ(m.node_of(11), 1);
  EXPECT_EQ(m.node_of(12), 0);
  EXPECT_EQ(m.find(2), nullptr);
  EXPECT_FALSE(m.next_gone());
}

TEST(membership_rules, silence_makes_suspect_and_further_silence_gone) {
  auto m = fresh();
  join(m, who(1, "a"), 11, start);
  EXPECT_TRUE(m.beat(start + silent - 1).empty());
  auto changed = m.beat(start + silent);
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(changed[0].liveness, NodeLiveness::SUSPECT);
  EXPECT_EQ(m.next_gone(), start + silent + lost_for);
  EXPECT_TRUE(m.beat(start + silent + lost_for - 1).empty());
  changed = m.beat(start + silent + lost_for);
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_TRUE(changed[0].gone());
  EXPECT_FALSE(m.next_gone());
  EXPECT_TRUE(m.beat(start + ms(100'000)).empty()) << "said once";
}

TEST(membership_rules, what_is_heard_in_time_keeps_or_makes_it_connected) {
  auto m = fresh();
  join(m, who(1, "a"), 11, start);
  EXPECT_FALSE(m.heard(11, start + ms(500)));
  EXPECT_TRUE(m.beat(start + silent).empty());
  ASSERT_EQ(m.beat(start + ms(500) + silent).size(), 1u);
  const auto back = m.heard(11, start + ms(600) + silent);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->connected());
  EXPECT_FALSE(m.next_gone());
  EXPECT_FALSE(m.heard(99, start));
}

TEST(membership_rules, one_that_hung_until_it_was_gone_is_asked_for_another_link_as_soon_as_it_is_heard) {
  auto m = fresh();
  join(m, who(1, "a"), 11, start);
  m.beat(start + silent);
  ASSERT_EQ(m.beat(start + silent + lost_for).size(), 1u);
  const auto back = m.heard(11, start + silent + lost_for + ms(1));
  ASSERT_TRUE(back) << "its link held, so it would never dial again by itself";
  EXPECT_TRUE(back->gone());
  EXPECT_FALSE(m.lost(11, false, start + silent + lost_for + ms(2))) << "nobody is told twice";
  EXPECT_EQ(join(m, who(1, "a"), 12, start + silent + lost_for + ms(3)), 0);
}

TEST(membership_rules, a_lost_link_makes_suspect_at_once_and_gone_only_after_its_time) {
  auto m = fresh();
  join(m, who(1, "a"), 11, start);
  const auto row = m.lost(11, false, start + ms(5));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->liveness, NodeLiveness::SUSPECT);
  EXPECT_TRUE(m.links().empty());
  EXPECT_TRUE(m.beat(start + ms(5) + lost_for - 1).empty());
  EXPECT_TRUE(m.beat(start + ms(5) + lost_for).at(0).gone());
}

TEST(membership_rules, the_time_runs_from_the_first_suspicion) {
  auto m = fresh();
  join(m, who(1, "a"), 11, start);
  ASSERT_EQ(m.beat(start + silent).size(), 1u);
  EXPECT_FALSE(m.lost(11, false, start + silent + ms(700))) << "suspect before and after";
  EXPECT_EQ(m.next_gone(), start + silent + lost_for);
}

TEST(membership_rules, one_that_is_heard_on_its_old_link_after_it_was_given_up_needs_a_new_link) {
  auto m = fresh();
  join(m, who(1, "a", 5), 11, start);
  m.beat(start + silent);
  ASSERT_TRUE(m.beat(start + silent + lost_for).at(0).gone());
  const auto row = m.heard(11, start + silent + lost_for + ms(100));
  ASSERT_TRUE(row);
  EXPECT_TRUE(row->gone());
  EXPECT_FALSE(m.lost(11, false, start + silent + lost_for + ms(101)));
  join(m, who(1, "a", 5), 12, start + silent + lost_for + ms(200));
  EXPECT_TRUE(m.find(1)->connected());
}

TEST(membership_rules, one_that_is_drained_stays_connected_and_says_so_once) {
  auto m = fresh();
  join(m, who(1, "a", 5), 11, start);
  const auto row = m.draining(11);
  ASSERT_TRUE(row);
  EXPECT_TRUE(row->stopping);
  EXPECT_TRUE(row->connected());
  EXPECT_FALSE(m.draining(11));
  EXPECT_FALSE(m.draining(99));
  EXPECT_TRUE(m.find(1)->stopping);
  m.leaving(11, start);
  join(m, who(1, "a", 6), 12, start);
  EXPECT_FALSE(m.find(1)->stopping) << "its next start is a new one";
}

TEST(membership_rules, a_process_known_to_have_ended_or_leaving_is_gone_at_once) {
  auto m = fresh();
  join(m, who(1, "a"), 11, start);
  join(m, who(2, "b"), 12, start);
  EXPECT_TRUE(m.lost(11, true, start)->gone());
  EXPECT_TRUE(m.leaving(12, start)->gone());
  EXPECT_FALSE(m.lost(12, false, start)) << "its link is known no more";
  EXPECT_FALSE(m.next_gone());
}

TEST(membership_rules, back_in_time_on_a_new_link_is_connected_and_the_old_link_counts_no_more) {
  auto m = fresh();
  join(m, who(1, "a", 5), 11, start);
  m.lost(11, false, start + ms(5));
  EXPECT_EQ(m.may_join("a", 5).code, ec::ok);
  EXPECT_EQ(join(m, who(1, "a", 5), 12, start + ms(200)), 0);
  EXPECT_TRUE(m.beat(start + ms(200) + silent - 1).empty());
  EXPECT_TRUE(m.find(1)->connected());
  // The same process dials again before its old link is known to be lost.
  EXPECT_EQ(m.may_join("a", 5).code, ec::ok);
  EXPECT_EQ(join(m, who(1, "a", 5), 13, start + ms(300)), 12);
  EXPECT_FALSE(m.lost(12, true, start + ms(301))) << "the loss of an old link says nothing";
  EXPECT_TRUE(m.find(1)->connected());
  EXPECT_EQ(m.links(), std::vector<std::int64_t>{13});
}

TEST(membership_rules, the_name_of_a_live_node_is_refused_with_what_to_do) {
  auto m = fresh();
  join(m, who(1, "a", 5), 11, start);
  for (std::uint64_t incarnation : {4, 6}) {
    const auto why = m.may_join("a", incarnation);
    EXPECT_EQ(why.code, ec::old_session_exists);
    EXPECT_NE(why.text.find("a:1"), std::string::npos);
    EXPECT_NE(why.text.find("--name"), std::string::npos);
  }
}

TEST(membership_rules, a_lower_incarnation_than_the_newest_is_refused_for_ever) {
  auto m = fresh();
  join(m, who(1, "a", 5), 11, start);
  m.lost(11, true, start);
  EXPECT_EQ(m.may_join("a", 4).code, ec::stale_epoch);
  EXPECT_EQ(m.may_join("a", 5).code, ec::ok);
  EXPECT_EQ(m.may_join("a", 6).code, ec::ok);
}

TEST(membership_rules, journaled_nodes_are_unknown_and_gone_when_they_do_not_come) {
  auto m = fresh({who(1, "a"), who(2, "b")});
  EXPECT_EQ(m.find(1)->liveness, NodeLiveness::UNKNOWN);
  EXPECT_EQ(m.may_join("a", 1).code, ec::ok);
  join(m, who(1, "a", 7), 11, start + ms(10));
  EXPECT_EQ(m.next_gone(), start + lost_for);
  const auto changed = m.beat(start + lost_for);
  ASSERT_EQ(changed.size(), 2u) << "1 has been silent meanwhile, 2 never came";
  EXPECT_EQ(changed[0].liveness, NodeLiveness::SUSPECT);
  EXPECT_TRUE(changed[1].gone());
}

TEST(membership_rules, what_was_held_up_here_is_nobodys_silence) {
  auto m = fresh({who(1, "a"), who(2, "b")});
  join(m, who(1, "a"), 11, start);
  m.stood_still(ms(3'000));
  EXPECT_TRUE(m.beat(start + ms(3'000)).empty()) << "neither is 1 silent, nor has the time of 2 run";
  EXPECT_EQ(m.next_gone(), start + ms(3'000) + lost_for);
  const auto changed = m.beat(start + ms(3'000) + lost_for);
  ASSERT_EQ(changed.size(), 2u);
  EXPECT_EQ(changed[0].liveness, NodeLiveness::SUSPECT);
  EXPECT_TRUE(changed[1].gone());
}

TEST(membership_rules, who_asks_to_join_is_not_given_up_meanwhile) {
  auto m = fresh({who(1, "a"), who(2, "b")});
  m.said_hello("a", start + lost_for - 1);
  m.said_hello("stranger", start);
  const auto changed = m.beat(start + lost_for);
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(changed[0].id, 2);
  EXPECT_EQ(m.beat(start + 2 * lost_for - 1).size(), 1u) << "its record did not come";
}

TEST(membership_rules, a_clock_that_starts_at_zero_is_a_clock) {
  membership m{{who(1, "a")}, limits::node_gone, 0};
  ASSERT_TRUE(m.next_gone());
  ASSERT_EQ(m.beat(lost_for).size(), 1u);
}

TEST(membership_rules, when_a_node_was_last_heard_is_the_time_of_its_newest_frame) {
  // D05, M01
  constexpr std::int64_t new_year = 1'640'995'200'000'000'000; // 2022-01-01T00:00:00Z
  auto m = fresh({who(2, "b")});
  EXPECT_EQ(m.last_heard(1), 0);
  join(m, who(1, "a"), 11, start);
  EXPECT_EQ(m.last_heard(1), start);
  m.heard(11, new_year);
  EXPECT_EQ(m.last_heard(1), new_year);
  m.beat(new_year + silent);
  EXPECT_EQ(m.last_heard(1), new_year) << "silence is nothing heard";
  EXPECT_EQ(m.last_heard(2), 0) << "not since the start";
  EXPECT_EQ(m.all_heard(), (std::vector<std::pair<std::int64_t, std::int64_t>>{{1, new_year}}));
}

TEST(membership_rules, what_comes_of_a_node_that_nobody_knows_changes_nothing) {
  // T-SRV-12
  auto m = fresh();
  join(m, who(1, "a"), 11, start);
  EXPECT_FALSE(m.heard(99, start + 1));
  EXPECT_FALSE(m.draining(99));
  EXPECT_FALSE(m.leaving(99, start + 1));
  EXPECT_FALSE(m.lost(99, true, start + 1));
  EXPECT_EQ(m.last_heard(1), start);
  EXPECT_TRUE(m.find(1)->connected());
}

} // namespace
} // namespace muster
