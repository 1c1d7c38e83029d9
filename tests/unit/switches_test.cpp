// Rules of what operators switch.
#include "actors/core/switches.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

template <class Fill>
msg<schema::ClientRequest> ask(Fill fill) {
  return build<schema::ClientRequest>([&](schema::ClientRequest::Builder b) { fill(b); });
}

msg<schema::ClientRequest> alter(const char* key, const char* value, bool reset = false) {
  return ask([&](auto b) {
    auto a = b.initAlterConfiguration();
    a.setKey(key);
    a.setValue(value);
    a.setReset(reset);
  });
}

TEST(switch_rules, a_checker_is_meant_by_its_name_or_the_number_of_the_model) {
  EXPECT_STREQ(find_checker("3")->name, "balance_checker");
  EXPECT_EQ(find_checker("leader_checker")->number, 5u);
  EXPECT_EQ(find_checker("6"), nullptr);
  auto off = switch_of(ask([](auto b) { b.initDeactivateChecker().setChecker("1"); }).read(), {});
  ASSERT_TRUE(off);
  EXPECT_EQ(view((*off)->getCheckerOff()), "channel_checker");
  auto on = switch_of(ask([](auto b) { b.initActivateChecker().setChecker("index_checker"); }).read(), {});
  ASSERT_TRUE(on);
  EXPECT_EQ(view((*on)->getCheckerOn()), "index_checker");
  auto none = switch_of(ask([](auto b) { b.initActivateChecker().setChecker("9"); }).read(), {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ec::parameter_invalid);
}

TEST(switch_rules, balance_is_suspended_as_its_checker_is_switched_off) {
  // T-OPS-05
  EXPECT_EQ(view((*switch_of(ask([](auto b) { b.initSuspendBalance(); }).read(), {}))->getCheckerOff()), "balance_checker");
  EXPECT_EQ(view((*switch_of(ask([](auto b) { b.initResumeBalance(); }).read(), {}))->getCheckerOn()), "balance_checker");
}

TEST(switch_rules, a_setting_is_committed_under_its_own_key_with_the_value_as_it_is_kept) {
  auto s = switch_of(alter("QUERYCOORD.BALANCER", "roundrobinbalancer").read(), {});
  ASSERT_TRUE(s) << s.error().text;
  ASSERT_TRUE((*s)->isSetting());
  EXPECT_EQ(view((*s)->getSetting().getKey()), "queryCoord.balancer");
  EXPECT_EQ(view((*s)->getSetting().getValue()), "RoundRobinBalancer");
  auto back = switch_of(alter("queryCoord.balancer", "", true).read(), {});
  ASSERT_TRUE(back);
  EXPECT_EQ(view((*back)->getResetSetting()), "queryCoord.balancer");
}

TEST(switch_rules, a_wrong_key_or_value_is_refused_with_what_would_do) {
  const auto key = switch_of(alter("queryCoord.balancr", "x").read(), {});
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ec::parameter_invalid);
  EXPECT_NE(key.error().text.find("queryCoord.balancer"), std::string::npos) << key.error().text;
  const auto value = switch_of(alter("queryCoord.balancer", "Best").read(), {});
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, ec::parameter_invalid);
  const auto reset = switch_of(alter("nothing", "", true).read(), {});
  ASSERT_FALSE(reset);
}

TEST(switch_rules, the_reply_shows_the_setting_as_it_is_now_and_where_it_came_from) {
  setting_table given;
  ASSERT_TRUE(given.set("queryCoord.autoBalance", "false", setting_origin::file));
  const auto r = alter("queryCoord.autoBalance", "true");
  auto m = build<schema::ClientReply>([&](schema::ClientReply::Builder b) { write_switch_reply(r.read(), {ec::ok, {}}, given, b); });
  const auto c = m->getAlterConfiguration().getConfiguration();
  EXPECT_EQ(view(c.getValue()), "true");
  EXPECT_EQ(view(c.getOrigin()), "run time");
  ASSERT_TRUE(given.set("queryCoord.autoBalance", "true", setting_origin::runtime));
  const auto back = alter("queryCoord.autoBalance", "", true);
  m = build<schema::ClientReply>([&](schema::ClientReply::Builder b) { write_switch_reply(back.read(), {ec::ok, {}}, given, b); });
  EXPECT_EQ(view(m->getAlterConfiguration().getConfiguration().getValue()), "false");
  EXPECT_EQ(view(m->getAlterConfiguration().getConfiguration().getOrigin()), "file");
}

} // namespace
} // namespace muster
