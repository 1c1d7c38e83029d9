// Guards searches while nodes die, come back, and data is added: none fails, none misses a segment.
#include "tests/process/processes.hpp"
#include "tests/support/paths.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>

namespace muster::test {
namespace {

TEST(failover, node_killed_with_two_replicas_fails_no_search) {
  cluster c{4};
  c.import_small("small");
  c.must({"load", "small", "--replicas", "2"});
  auto prober = c.start_probe("small");
  for (auto* name : {"node-1", "node-2"}) {
    c.node(name).kill();
    ASSERT_TRUE(c.whole(name));
  }
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
  EXPECT_LE(found.worst_ms, 500) << found.text;
  EXPECT_GT(found.sent, 100);
}

TEST(failover, node_that_is_drained_before_it_ends_fails_no_search_with_one_replica) {
  cluster c{2};
  c.start_node("node-3", {"--drain-s", "30"});
  c.must({"wait", "--nodes", "3", "--timeout-s", "20"});
  c.import_small("small");
  c.must({"load", "small"});
  auto prober = c.start_probe("small");
  c.node("node-3").signal(SIGTERM);
  ASSERT_TRUE(c.node("node-3").await_end(seconds{25})) << c.must({"status"});
  EXPECT_EQ(c.node("node-3").code(), 0) << c.node("node-3").err();
  EXPECT_TRUE(c.whole("node-3"));
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
}

// Whichever nodes go: in the end one is left, and a node of the other replica must be given to the one that lost both.
TEST(failover, replica_that_lost_all_its_nodes_gets_another) {
  cluster c{4};
  c.import_small("small");
  c.must({"load", "small", "--replicas", "2"});
  auto prober = c.start_probe("small");
  for (auto* name : {"node-1", "node-3"})
    c.node(name).kill();
  EXPECT_TRUE(c.whole("node-3")) << c.must({"status"});
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
}

TEST(failover, node_that_returns_under_its_name_is_used_again) {
  cluster c{2};
  c.import_small("small");
  c.must({"load", "small", "--replicas", "2"});
  auto prober = c.start_probe("small");
  c.node("node-2").kill();
  c.start_node("node-2");
  c.must({"wait", "--nodes", "2", "--timeout-s", "20"});
  ASSERT_TRUE(c.whole());
  c.node("node-1").kill();
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
  EXPECT_EQ(c.muster({"search", "small", "--vector-file", c.vectors(5)}).code, 0);
}

TEST(failover, stopped_node_loses_its_routes_and_no_search_fails) {
  cluster c{2};
  c.import_small("small");
  c.must({"load", "small", "--replicas", "2"});
  auto prober = c.start_probe("small");
  c.node("node-1").signal(SIGSTOP);
  EXPECT_TRUE(eventually(seconds{5}, [&] { return c.must({"status"}).find("suspect") != std::string::npos; }));
  c.node("node-1").signal(SIGCONT);
  ASSERT_TRUE(c.whole());
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
  EXPECT_LE(found.worst_ms, 500) << found.text;
}

// Shorter than node_gone_ms: what a node held before its silence is taken as it is. The files are away, so that a load
// could not but fail.
TEST(failover, node_that_was_silent_for_less_than_its_limit_loads_nothing_again) {
  cluster c;
  std::ofstream{c.path() + "/muster.yaml"} << "node_gone_ms: 60000\n";
  c.start_coordinator({"--config", c.path() + "/muster.yaml"});
  c.start_node("node-1");
  c.start_node("node-2");
  c.must({"wait", "--nodes", "2", "--timeout-s", "20"});
  c.import_small("small");
  c.must({"load", "small", "--replicas", "2"});
  const auto before = c.must({"search", "small", "--vector-file", c.vectors(5), "--json"});
  std::filesystem::rename(c.store(), c.store() + "-away");
  auto prober = c.start_probe("small");
  c.node("node-1").signal(SIGSTOP);
  EXPECT_TRUE(eventually(seconds{10}, [&] { return c.must({"status"}).find("suspect") != std::string::npos; }));
  c.node("node-1").signal(SIGCONT);
  ASSERT_TRUE(c.whole());
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
  EXPECT_EQ(c.coordinator().err().find("file_not_found"), std::string::npos) << c.coordinator().err();
  c.node("node-2").kill();
  EXPECT_TRUE(eventually(seconds{10}, [&] {
    return c.muster({"search", "small", "--vector-file", c.vectors(5), "--json"}).out == before;
  })) << "node-1 serves what it held";
}

// With a single replica there is nobody else: a search fails at its deadline or before, and says why, until the
// segments are back.
TEST(failover, single_replica_fails_fast_with_the_reason_and_comes_back) {
  cluster c{2};
  c.import_small("small");
  c.must({"load", "small"});
  c.node("node-1").kill();
  c.node("node-2").kill();
  const auto o = c.muster({"search", "small", "--vector-file", c.vectors(5), "--deadline-ms", "500"}, seconds{10});
  EXPECT_EQ(o.code, 1);
  EXPECT_NE(o.err.find("no leader"), std::string::npos) << o.err;
  c.start_node("node-1");
  EXPECT_TRUE(eventually(seconds{20}, [&] {
    return c.muster({"search", "small", "--vector-file", c.vectors(5), "--deadline-ms", "500"}).code == 0;
  }));
}

TEST(failover, append_to_a_loaded_collection_switches_without_a_gap) {
  cluster c{2};
  c.import_small("small", 200);
  c.must({"load", "small", "--replicas", "2"});
  auto prober = c.start_probe("small");
  const auto made = c.must({"import", "small", "--vectors", c.vectors(100, 2), "--append", "--segment-rows", "50"});
  EXPECT_NE(made.find("row ids 200 to 299"), std::string::npos) << made;
  // The nearest row of a new vector is that row itself, as soon as the switch was made.
  EXPECT_TRUE(eventually(seconds{20}, [&] {
    const auto ids = ids_in(c.must({"search", "small", "--vector-file", c.vectors(100, 2), "-k", "1", "--json"}));
    return ids.size() == 100 && ids.front() == 200 && ids.back() == 299;
  }));
  ASSERT_TRUE(c.whole());
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
  std::set<std::string> targets;
  for (auto at = found.text.find("target "); at != std::string::npos; at = found.text.find("target ", at + 1))
    targets.insert(found.text.substr(at, found.text.find(" whole", at) - at));
  EXPECT_EQ(targets.size(), 2u) << "the switch happened under the prober: " << found.text;
}

TEST(failover, joining_node_takes_a_share_and_no_search_fails) {
  cluster c{2};
  c.import_small("small", 800);
  c.must({"load", "small"});
  auto prober = c.start_probe("small");
  c.start_node("node-3");
  EXPECT_TRUE(eventually(seconds{30}, [&] {
    return c.must({"status", "--json"}).find(R"("nodes":["node-3"])") != std::string::npos;
  })) << c.must({"status"});
  ASSERT_TRUE(c.whole());
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
}

TEST(failover, name_of_a_live_node_is_refused) {
  cluster c{1};
  process second{MUSTER_BINARY,
                 {"node", "--name", "node-1", "--join", c.address(), "--listen", "127.0.0.1:0", "--data",
                  c.path() + "/other", "--store", c.store()}};
  EXPECT_TRUE(eventually(seconds{10}, [&] {
    return second.err().find("refuses this node") != std::string::npos || !second.running();
  })) << second.err();
  EXPECT_NE(second.err().find("node-1"), std::string::npos) << second.err();
  EXPECT_TRUE(c.node("node-1").running());
  EXPECT_EQ(c.muster({"wait", "--nodes", "1", "--timeout-s", "5"}).code, 0);
}

} // namespace
} // namespace muster::test
