// Settings: what is accepted, what is refused with the nearest that would do, which origin counts.
#include "actors/core/settings.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace muster {
namespace {

using origin = setting_origin;

std::string shown(const setting_table& t, const char* key) {
  return t.value(*find_setting(key));
}

TEST(settings, every_default_is_accepted_by_its_own_bounds_and_gives_the_defaults_of_the_rules) {
  setting_table t;
  for (const auto& spec : setting_specs()) {
    auto kept = t.set(spec.key, spec.fallback, origin::file);
    ASSERT_TRUE(kept) << kept.error().text;
    EXPECT_EQ(*find_setting(spec.key)->key.data(), *spec.key.data());
  }
  EXPECT_EQ(t.values(), settings{});
}

TEST(settings, keys_are_unique_in_any_letter_case) {
  for (const auto& spec : setting_specs())
    EXPECT_EQ(find_setting(spec.key), &spec) << spec.key;
}

TEST(settings, an_unknown_key_is_refused_with_the_nearest_one) {
  setting_table t;
  auto refused = t.set("queryCoord.balanser", "x", origin::flag);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::parameter_invalid);
  EXPECT_NE(refused.error().text.find("did you mean \"queryCoord.balancer\""), std::string::npos)
    << refused.error().text;
  EXPECT_EQ(nearest_setting("node_gone_m"), "node_gone_ms");
  EXPECT_EQ(nearest_setting("loadTimeoutSecond"), "queryCoord.loadTimeoutSeconds");
}

TEST(settings, a_wrong_value_is_refused_with_what_would_do_and_changes_nothing) {
  setting_table t;
  const auto refused = [&](const char* key, const char* value, const char* part) {
    auto answer = t.set(key, value, origin::runtime);
    ASSERT_FALSE(answer) << key << " = " << value;
    EXPECT_EQ(answer.error().code, ec::parameter_invalid);
    EXPECT_NE(answer.error().text.find(part), std::string::npos) << answer.error().text;
  };
  refused("queryCoord.balancer", "ScoreBalancer", "the nearest is ScoreBasedBalancer");
  refused("queryCoord.autoBalance", "maybe", "give true or false");
  refused("node_gone_ms", "5", "from 100 ms to 3600000 ms; the nearest is 100");
  refused("node_gone_ms", "1500.5", "a whole number");
  refused("node_gone_ms", "", "give a whole number");
  refused("node_gone_ms", "1500ms", "give a whole number");
  refused("queryCoord.globalRowCountFactor", "nan", "give a number");
  refused("queryCoord.globalRowCountFactor", "-1", "the nearest is 0");
  EXPECT_EQ(t.values(), settings{});
}

TEST(settings, the_more_binding_origin_counts_and_taking_it_back_uncovers_the_next) {
  setting_table t;
  ASSERT_TRUE(t.set("queryCoord.taskExecutionCap", "10", origin::runtime));
  ASSERT_TRUE(t.set("queryCoord.taskExecutionCap", "20", origin::file));
  ASSERT_TRUE(t.set("queryCoord.taskExecutionCap", "30", origin::environment));
  EXPECT_EQ(t.values().task_execution_cap, 10);
  EXPECT_EQ(t.origin(*find_setting("queryCoord.taskExecutionCap")), origin::runtime);
  EXPECT_TRUE(t.reset("queryCoord.taskExecutionCap", origin::runtime));
  EXPECT_FALSE(t.reset("queryCoord.taskExecutionCap", origin::runtime));
  EXPECT_EQ(t.values().task_execution_cap, 30);
  EXPECT_TRUE(t.reset("queryCoord.taskExecutionCap", origin::environment));
  EXPECT_TRUE(t.reset("queryCoord.taskExecutionCap", origin::file));
  EXPECT_EQ(t.values().task_execution_cap, 256);
  EXPECT_EQ(t.origin(*find_setting("queryCoord.taskExecutionCap")), origin::fallback);
}

// The model's P01: the older name is a fallback for the newer one.
TEST(settings, the_older_batch_size_counts_until_the_newer_one_is_given) {
  setting_table t;
  ASSERT_TRUE(t.set("queryCoord.collectionBalanceSegmentBatchSize", "7", origin::file));
  EXPECT_EQ(t.values().balance_segment_batch_size, 7);
  ASSERT_TRUE(t.set("queryCoord.balanceSegmentBatchSize", "9", origin::file));
  EXPECT_EQ(t.values().balance_segment_batch_size, 9);
}

TEST(settings, units_reach_the_rules_as_times) {
  setting_table t;
  ASSERT_TRUE(t.set("queryCoord.loadTimeoutSeconds", "3", origin::file));
  ASSERT_TRUE(t.set("queryCoord.updateCollectionLoadStatusInterval", "2", origin::file));
  ASSERT_TRUE(t.set("node_gone_ms", "2500", origin::file));
  EXPECT_EQ(t.values().load_timeout, std::chrono::seconds{3});
  EXPECT_EQ(t.values().update_collection_load_status_interval, std::chrono::minutes{2});
  EXPECT_EQ(t.values().node_gone, std::chrono::milliseconds{2500});
}

TEST(settings, a_list_is_kept_without_blanks_and_a_choice_in_the_words_of_the_table) {
  setting_table t;
  auto groups = t.set("queryCoord.clusterLevelLoadResourceGroups", " a, b ,,c ", origin::file);
  ASSERT_TRUE(groups);
  EXPECT_EQ(*groups, "a,b,c");
  EXPECT_EQ(t.values().cluster_level_load_resource_groups, (std::vector<std::string>{"a", "b", "c"}));
  ASSERT_TRUE(t.set("QUERYCOORD.BALANCETRIGGERORDER", "bycollectionid", origin::file));
  EXPECT_EQ(shown(t, "queryCoord.balanceTriggerOrder"), "ByCollectionID");
}

TEST(settings, poll_intervals_of_the_model_are_accepted_and_named_as_ignored) {
  setting_table t;
  ASSERT_TRUE(t.set("queryCoord.checkSegmentInterval", "500", origin::file));
  ASSERT_TRUE(t.set("node_gone_ms", "2000", origin::file));
  const auto ignored = t.ignored();
  ASSERT_EQ(ignored.size(), 1u);
  EXPECT_EQ(ignored[0]->key, "queryCoord.checkSegmentInterval");
  EXPECT_EQ(to_string(ignored[0]->use), "ignored: driven by change");
}

TEST(settings, a_key_has_one_variable_of_the_environment) {
  EXPECT_EQ(setting_variable("queryCoord.balancer"), "MUSTER_QUERYCOORD_BALANCER");
  EXPECT_EQ(setting_variable("node_gone_ms"), "MUSTER_NODE_GONE_MS");
}

} // namespace
} // namespace muster
