// Guards searches while replicas change their number and their resource group: none fails.
#include "tests/process/processes.hpp"

#include <gtest/gtest.h>

namespace muster::test {
namespace {

std::int64_t count_of(const std::string& text, const std::string& part) {
  std::int64_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++n;
  return n;
}

/// True when each of so many replicas is whole, without a node that is still being drained.
bool settled(cluster& c, const std::string& collection, int replicas) {
  return eventually(seconds{30}, [&] {
    const auto now = c.must({"get-replicas", collection, "--json"});
    return count_of(now, R"("resource_group":)") == replicas && count_of(now, R"("read_only_nodes":[])") == replicas
           && count_of(now, R"("serviceable":true)") == 2 * replicas; // two shards each
  }) && c.whole();
}

bool has_nodes(cluster& c, const std::string& group, int nodes) {
  return eventually(seconds{20}, [&] {
    return c.must({"describe-resource-group", group, "--json"}).find("\"available_nodes\":" + std::to_string(nodes) + ",")
           != std::string::npos;
  });
}

TEST(replica_changes, number_up_and_down_fails_no_search) {
  cluster c{2};
  c.import_small("small");
  c.must({"load", "small"});
  auto prober = c.start_probe("small");
  for (int round = 0; round < 3; ++round) {
    c.must({"update-load-config", "small", "--replicas", "2"});
    EXPECT_TRUE(settled(c, "small", 2)) << c.must({"get-replicas", "small"}) << c.must({"status"});
    c.must({"update-load-config", "small", "--replicas", "1"});
    EXPECT_TRUE(settled(c, "small", 1)) << c.must({"get-replicas", "small"}) << c.must({"status"});
  }
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
  EXPECT_GT(found.sent, 100);
}

TEST(replica_changes, load_with_another_number_is_such_a_change) {
  // 2.2, step 5 of LoadCollection
  cluster c{2};
  c.import_small("small");
  c.must({"load", "small"});
  auto prober = c.start_probe("small");
  c.must({"load", "small", "--replicas", "2"});
  EXPECT_TRUE(settled(c, "small", 2)) << c.must({"get-replicas", "small"});
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
}

TEST(replica_changes, replica_moved_between_groups_fails_no_search) {
  // T-SVC-35, T-SVC-39
  cluster c{3};
  c.import_small("small");
  c.must({"load", "small"});
  c.must({"create-resource-group", "rg1"});
  auto prober = c.start_probe("small");
  c.must({"transfer-node", "__default_resource_group", "rg1", "--count", "1"});
  ASSERT_TRUE(has_nodes(c, "rg1", 1)) << c.must({"describe-resource-group", "rg1"});
  EXPECT_TRUE(settled(c, "small", 1)) << c.must({"get-replicas", "small"});
  c.must({"transfer-replica", "__default_resource_group", "rg1", "small"});
  EXPECT_TRUE(settled(c, "small", 1)) << c.must({"get-replicas", "small"}) << c.must({"status"});
  EXPECT_NE(c.must({"describe-resource-group", "rg1"}).find("replicas       small 1"), std::string::npos);
  c.must({"transfer-replica", "rg1", "__default_resource_group", "small"});
  EXPECT_TRUE(settled(c, "small", 1)) << c.must({"get-replicas", "small"}) << c.must({"status"});
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
  EXPECT_GT(found.sent, 100);
}

TEST(resource_groups, all_collections_are_loaded_into_the_group_that_is_named) {
  cluster c{2};
  c.import_small("one");
  c.import_small("two");
  c.must({"create-resource-group", "rg1"});
  c.must({"transfer-node", "__default_resource_group", "rg1", "--count", "1"});
  ASSERT_TRUE(has_nodes(c, "rg1", 1)) << c.must({"describe-resource-group", "rg1"});
  c.must({"load", "--all", "--resource-group", "rg1"});
  EXPECT_NE(c.must({"describe-resource-group", "rg1"}).find("replicas       one 1, two 1"), std::string::npos)
    << c.must({"describe-resource-group", "rg1"});
}

TEST(resource_groups, survive_a_killed_coordinator_with_their_nodes) {
  // T-RM-04, H-27
  cluster c;
  c.start_coordinator();
  c.start_node("node-1");
  c.start_node("node-2");
  c.must({"wait", "--nodes", "2", "--timeout-s", "20"});
  c.must({"create-resource-group", "rg1", "--requests", "1", "--limits", "1"});
  ASSERT_TRUE(has_nodes(c, "rg1", 1));
  const auto nodes_of = [&](const std::string& group) {
    const auto text = c.must({"describe-resource-group", group});
    return text.find("node-1") != std::string::npos ? 1 : text.find("node-2") != std::string::npos ? 2 : 0;
  };
  const auto before = nodes_of("rg1");
  c.coordinator().kill();
  c.start_coordinator();
  c.must({"wait", "--nodes", "2", "--timeout-s", "20"});
  EXPECT_TRUE(has_nodes(c, "rg1", 1));
  EXPECT_EQ(nodes_of("rg1"), before);
  EXPECT_EQ(c.must({"list-resource-groups", "--json"}), "[\"__default_resource_group\",\"rg1\"]\n");
}

TEST(resource_groups, say_what_cannot_be_done_by_number_and_name) {
  cluster c{1};
  const auto fails = [&](const std::vector<std::string>& arguments, const std::string& code) {
    const auto o = c.muster(arguments);
    EXPECT_EQ(o.code, 1) << arguments.front();
    EXPECT_NE(o.err.find(code), std::string::npos) << o.err;
  };
  fails({"describe-resource-group", "rg1"}, "resource_group_not_found (300)");
  c.must({"create-resource-group", "rg1", "--requests", "1", "--limits", "2"});
  fails({"create-resource-group", "rg1"}, "resource_group_already_exist (301)");
  fails({"create-resource-group", "rg2", "--transfer-from", "rg9"}, "resource_group_illegal_config (303)");
  fails({"create-resource-group", ""}, "parameter_missing (1101)");
  fails({"update-resource-groups", "rg9"}, "resource_group_not_found (300)");
  fails({"drop-resource-group", "rg1"}, "parameter_invalid (1100)");
  fails({"drop-resource-group", "__default_resource_group"}, "parameter_invalid (1100)");
  fails({"transfer-node", "rg1", "rg1"}, "parameter_invalid (1100)");
  fails({"transfer-node", "rg9", "rg1"}, "resource_group_not_found (300)");
  fails({"transfer-node", "rg1", "__default_resource_group", "--count", "5"}, "resource_group_node_not_enough (304)");
  fails({"transfer-replica", "rg1", "rg9", "nothing"}, "resource_group_not_found (300)");
  fails({"transfer-replica", "__default_resource_group", "rg1", "nothing"}, "parameter_invalid (1100)");
  fails({"get-replicas", "nothing"}, "collection_not_loaded (101)");
  c.import_small("small");
  fails({"load", "small", "--resource-group", "rg9"}, "resource_group_not_found (300)");
  fails({"load", "small", "--replicas", "2"}, "resource_group_node_not_enough (304)");
  c.must({"update-resource-groups", "rg1"});
  ASSERT_TRUE(has_nodes(c, "__default_resource_group", 1)) << "its node came back";
  c.must({"load", "small"});
  fails({"update-load-config", "small", "--resource-group", "rg9"}, "resource_group_not_found (300)");
  c.must({"update-load-config", "nothing", "--replicas", "2"});
  c.must({"drop-resource-group", "rg1"});
  EXPECT_EQ(c.must({"list-resource-groups"}), "__default_resource_group\n");
}

} // namespace
} // namespace muster::test
