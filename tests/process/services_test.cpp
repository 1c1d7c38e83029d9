// Guards the services of a coordinator as operators reach them: one command a method, and what was switched stays switched.
#include "tests/process/processes.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <sstream>

namespace muster::test {
namespace {

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Collection "words": 200 rows in _default, 100 in the partition old, 50 a segment.
void import_words(cluster& c) {
  c.must({"import", "words", "--vectors", c.vectors(200), "--metric", "l2", "--shards", "2", "--segment-rows", "50"});
  c.must({"import", "words", "--vectors", c.vectors(100, 2), "--metric", "l2", "--append", "--partition", "old",
          "--segment-rows", "50"});
}

/// Rows in the segments of the current target.
std::int64_t rows_served(cluster& c) {
  const auto json = c.must({"get-load-segment-info", "words", "--json"});
  std::int64_t sum = 0;
  const std::string name = R"("rows":")"; // capnp-json writes 64-bit numbers as text
  for (auto at = json.find(name); at != std::string::npos; at = json.find(name, at + 1))
    sum += std::stoll(json.substr(at + name.size()));
  return sum;
}

TEST(services, partitions_are_loaded_and_released_one_by_one_and_the_others_stay_readable) {
  // T-SVC-11, T-SVC-14, T-JOB-09, T-JOB-13, I-JOB-04, I-JOB-05
  cluster c{2};
  import_words(c);
  c.must({"load-partitions", "words", "_default"});
  EXPECT_EQ(rows_served(c), 200);
  EXPECT_TRUE(says(c.muster({"show-load-partitions", "words", "old"}).err, "partition_not_loaded"));
  auto prober = c.start_probe("words");
  c.must({"load-partitions", "words", "old"});
  EXPECT_EQ(rows_served(c), 300);
  const auto shown = c.must({"show-load-partitions", "words"});
  EXPECT_TRUE(says(shown, "old") && says(shown, "_default") && says(shown, "100")) << shown;
  EXPECT_TRUE(says(c.must({"get-partition-states", "words"}), "InMemory"));
  c.must({"release-partitions", "words", "_default"});
  EXPECT_EQ(rows_served(c), 100);
  c.must({"release-partitions", "words", "_default"}); // again: nothing to do
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
  c.must({"release-partitions", "words", "old"});
  EXPECT_TRUE(says(c.muster({"show-load-partitions", "words"}).err, "collection_not_loaded"));
  c.must({"release", "words"}); // T-JOB-11: again is fine
}

TEST(services, requests_about_partitions_are_refused_with_the_reason) {
  cluster c{2};
  import_words(c);
  EXPECT_TRUE(says(c.muster({"load-partitions", "words", "new"}).err, "partition_not_found"));
  EXPECT_TRUE(says(c.muster({"release-partitions", "words"}).err, "parameter_invalid"));
  EXPECT_TRUE(says(c.muster({"load-partitions", "absent", "old"}).err, "collection_not_found"));
  EXPECT_TRUE(says(c.muster({"call", "loadCollection", R"({"collection":"words","refresh":true})"}).err, "collection_not_loaded"));
  // T-JOB-18
  c.must({"sync-new-created-partition", "words", "old"});
  EXPECT_TRUE(says(c.muster({"show-load-partitions", "words"}).err, "collection_not_loaded"));
  c.must({"load-partitions", "words", "old"});
  c.must({"sync-new-created-partition", "words", "_default"});
  EXPECT_FALSE(says(c.must({"show-load-partitions", "words"}), "_default")) << "it is loaded partition by partition";
  // T-SVC-08, T-SVC-09, I-SVC-02
  EXPECT_TRUE(says(c.muster({"load-partitions", "words", "_default", "--replica-number", "2"}).err, "parameter_invalid"));
  EXPECT_TRUE(says(c.muster({"drop-partition", "words", "old"}).err, "release it first"));
  c.must({"release-partitions", "words", "old"});
  c.must({"drop-partition", "words", "old"});
  EXPECT_TRUE(says(c.muster({"drop-partition", "words", "old"}).err, "partition_not_found"));
  EXPECT_TRUE(says(c.muster({"drop-partition", "words", "_default"}).err, "parameter_invalid"));
}

TEST(services, a_partition_created_later_is_part_of_what_is_loaded_when_the_whole_collection_is) {
  cluster c{2};
  import_words(c);
  c.must({"load", "words"});
  c.must({"partition", "create", "words", "new"});
  c.must({"sync-new-created-partition", "words", "new"});
  EXPECT_TRUE(says(c.must({"show-load-partitions", "words"}), "new"));
  c.must({"import", "words", "--vectors", c.vectors(50, 3), "--metric", "l2", "--append", "--partition", "new",
          "--segment-rows", "50"});
  EXPECT_TRUE(eventually(seconds{20}, [&] { return rows_served(c) == 350; }));
}

TEST(services, what_operators_switched_stays_so_after_sigkill) {
  // T-OPS-05, T-OPS-06, H-28, H-33
  cluster c{2};
  c.must({"suspend-balance"});
  c.must({"deactivate-checker", "index_checker"});
  EXPECT_TRUE(says(c.must({"alter-configuration", "queryCoord.balancer", "RoundRobinBalancer"}), "run time"));
  const auto nodes = c.must({"list-query-node", "--json"});
  const auto id = nodes.substr(nodes.find(R"("id":")") + 6, nodes.find('"', nodes.find(R"("id":")") + 6) - nodes.find(R"("id":")") - 6);
  c.must({"suspend-node", id});
  EXPECT_TRUE(says(c.muster({"suspend-node", "999999"}).err, "node_not_found"));
  const auto available = [&](int n) {
    return eventually(seconds{20}, [&] {
      return says(c.must({"describe-resource-group", "__default_resource_group", "--json"}),
                  "\"available_nodes\":" + std::to_string(n) + ",");
    });
  };
  EXPECT_TRUE(available(1));
  c.must({"alter-configuration", "node_gone_ms", "2345"});
  c.coordinator().kill();
  c.start_coordinator();
  ASSERT_TRUE(eventually(seconds{20}, [&] { return c.muster({"list-query-node"}).code == 0; }));
  EXPECT_TRUE(says(c.coordinator().err(), "node_gone_ms 2345")) << c.coordinator().err();
  EXPECT_TRUE(says(c.must({"check-balance-status"}), "no"));
  EXPECT_TRUE(says(c.must({"show-configurations", "queryCoord.balancer"}), "RoundRobinBalancer"));
  EXPECT_TRUE(eventually(seconds{20}, [&] {
    return says(c.must({"list-checkers", "index_checker", "--json"}), R"("active":false)");
  })) << c.must({"list-checkers"});
  c.must({"resume-balance"});
  c.must({"activate-checker", "4"});
  c.must({"resume-node", id});
  EXPECT_TRUE(available(2));
  EXPECT_TRUE(says(c.must({"check-balance-status"}), "yes"));
  EXPECT_TRUE(says(c.must({"alter-configuration", "queryCoord.balancer", "--reset"}), "default"));
  EXPECT_TRUE(says(c.muster({"alter-configuration", "queryCoord.balancr", "x"}).err, "queryCoord.balancer"));
}

TEST(services, segments_and_channels_are_moved_by_hand) {
  cluster c{2};
  c.import_small("small");
  c.must({"load", "small"});
  const auto nodes = c.must({"list-query-node", "--json"});
  std::vector<std::string> ids;
  for (auto at = nodes.find(R"("id":")"); at != std::string::npos; at = nodes.find(R"("id":")", at + 1))
    ids.push_back(nodes.substr(at + 6, nodes.find('"', at + 6) - at - 6));
  ASSERT_EQ(ids.size(), 2u);
  c.must({"suspend-balance"}); // or it is evened out again
  auto prober = c.start_probe("small");
  c.must({"call", "loadBalance", R"({"collection":"small","sources":[")" + ids[0] + R"("]})"});
  EXPECT_FALSE(says(c.must({"get-query-node-distribution", ids[0], "--json"}), R"("segments":["1)"));
  c.must({"transfer-channel", "", ids[0], ids[1], "--transfer-all"});
  EXPECT_TRUE(eventually(seconds{20}, [&] {
    return says(c.must({"get-query-node-distribution", ids[0]}), "small") == false;
  })) << c.must({"get-query-node-distribution", ids[0]});
  c.must({"check-query-node-distribution", ids[0], ids[1]});
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
}

TEST(services, reads_answer_for_people_and_for_programs) {
  cluster c{2};
  c.import_small("small");
  c.must({"load", "small"});
  EXPECT_TRUE(says(c.must({"check-health"}), "healthy: yes"));
  EXPECT_TRUE(says(c.must({"get-component-states"}), "querynode"));
  EXPECT_TRUE(says(c.must({"show-load-collections"}), "small"));
  EXPECT_TRUE(says(c.must({"get-shard-leaders", "small", "--json"}), R"("serviceable":true)"));
  EXPECT_TRUE(says(c.must({"call", "getShardLeaders", R"({"collections":["small","absent"]})"}), "collection_not_loaded"));
  EXPECT_TRUE(says(c.must({"list-loaded-segments", "--json"}), R"("segments":[)"));
  EXPECT_TRUE(says(c.muster({"get-load-segment-info", "small", "999999"}).err, "segment_not_loaded"));
  c.must({"call", "loadCollection", R"({"collection":"small","refresh":true})"});
}

TEST(services, every_method_has_a_command) {
  // Those with a shorter name of their own, and those of which one is a part of another.
  const std::set<std::string> shorter{"allocateIds", "registerImport", "describeCollection", "listCollections", "dropCollection",
                                      "loadCollection", "releaseCollection", "getStatus", "listActors"};
  auto help = run_muster({"call", "--help"}).out;
  const auto from = help.find("One of ");
  ASSERT_NE(from, std::string::npos) << help;
  std::string names;
  for (char ch : help.substr(from + 7))
    names += std::isalpha(static_cast<unsigned char>(ch)) ? ch : ' ';
  std::istringstream words{names};
  std::size_t seen = 0;
  for (std::string name; words >> name && name != "json" && name != "JSON";) {
    ++seen;
    if (shorter.contains(name))
      continue;
    std::string kebab;
    for (char ch : name)
      kebab += std::isupper(static_cast<unsigned char>(ch)) ? std::string{'-', static_cast<char>(std::tolower(ch))} : std::string{ch};
    EXPECT_EQ(run_muster({kebab, "--help"}).code, 0) << kebab;
  }
  EXPECT_GT(seen, 40u);
}

} // namespace
} // namespace muster::test
