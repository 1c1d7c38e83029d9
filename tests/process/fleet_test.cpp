// Guards the fleet: simulated nodes over the real wire, and collections without vectors for them.
#include "tests/process/processes.hpp"
#include "tests/support/paths.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace muster::test {
namespace {

std::vector<std::string> fleet_of(const cluster& c, int nodes, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{"fleet", "--nodes", std::to_string(nodes), "--join", c.address()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// How often a text occurs.
std::size_t count(const std::string& in, const std::string& text) {
  std::size_t n = 0;
  for (auto at = in.find(text); at != std::string::npos; at = in.find(text, at + 1))
    ++n;
  return n;
}

/// Segments that the nodes of a status say they hold, summed.
std::int64_t held(const std::string& status) {
  const std::string name = R"("segments":)";
  const auto end = status.find(R"("collections":)");
  std::int64_t sum = 0;
  for (auto at = status.find(name); at < end; at = status.find(name, at + 1))
    sum += std::stoll(status.substr(at + name.size()));
  return sum;
}

TEST(fleet, a_small_fleet_serves_synthetic_collections_and_ends_cleanly) {
  cluster c;
  c.start_coordinator();
  process fleet{MUSTER_BINARY, fleet_of(c, 10)};
  ASSERT_TRUE(fleet.await_output("10 simulated nodes", seconds{20})) << fleet.err();
  c.must({"wait", "--nodes", "10", "--timeout-s", "20"});
  c.must({"import", "--synthetic", "20x5"});
  EXPECT_NE(c.must({"load", "--all"}).find("loaded 20 collections"), std::string::npos);
  EXPECT_TRUE(c.whole());
  EXPECT_EQ(count(c.must({"collections", "--json"}), R"("status":"loaded")"), 20u);
  EXPECT_NE(c.must({"collections"}).find("synthetic-00020"), std::string::npos);
  const auto search = c.muster({"search", "synthetic-00001", "--vector-file", c.vectors(1, 1, 128), "--deadline-ms", "500"});
  EXPECT_NE(search.code, 0);
  EXPECT_NE(search.err.find("simulated node"), std::string::npos) << search.err;
  fleet.signal(SIGINT);
  ASSERT_TRUE(fleet.await_end(seconds{20}));
  EXPECT_EQ(fleet.code(), 0) << fleet.err();
  EXPECT_NE(fleet.out().find("held 100 segments and led 20 shards"), std::string::npos) << fleet.out();
}

TEST(fleet, one_that_refuses_and_lies_still_ends_whole) {
  cluster c;
  c.start_coordinator();
  process fleet{MUSTER_BINARY, fleet_of(c, 10, {"--refuse", "0.2", "--lie", "0.2", "--load-ms", "2", "--json"})};
  ASSERT_TRUE(fleet.await_output("10 simulated nodes", seconds{20})) << fleet.err();
  c.must({"wait", "--nodes", "10", "--timeout-s", "20"});
  c.must({"import", "--synthetic", "20x5"});
  c.must({"load", "--all", "--timeout-s", "60"}, seconds{90});
  // Whole, without a surplus copy, and nothing left to do.
  auto since = std::chrono::steady_clock::now();
  EXPECT_TRUE(eventually(seconds{60}, [&] {
    const auto status = c.must({"status", "--json"});
    const bool whole
      = count(status, R"("waits_for":"")") == 20 && status.find(R"("tasks":[])") != std::string::npos && held(status) == 100;
    // A segment that was made up may stand in for one that was forgotten while orders for both, refused, wait to be tried again.
    const auto now = std::chrono::steady_clock::now();
    since = whole ? since : now;
    return now - since > seconds{4};
  })) << c.must({"status"});
  EXPECT_TRUE(c.whole());
  fleet.signal(SIGTERM);
  ASSERT_TRUE(fleet.await_end(seconds{20}));
  EXPECT_EQ(fleet.out().find(R"("refused":0,)"), std::string::npos) << fleet.out();
  EXPECT_EQ(fleet.out().find(R"("lies":0,)"), std::string::npos) << fleet.out();
  EXPECT_NE(fleet.out().find(R"("segments":100,"shards":20)"), std::string::npos) << fleet.out();
}

TEST(fleet, ends_by_itself_when_told) {
  cluster c;
  c.start_coordinator();
  const auto o = run_muster(fleet_of(c, 3, {"--stop-after", "0.5"}), seconds{30});
  EXPECT_EQ(o.code, 0) << o.err;
  EXPECT_NE(o.out.find("fleet of 3 nodes ended"), std::string::npos) << o.out;
}

TEST(fleet, a_real_node_says_why_it_cannot_load_a_synthetic_segment) {
  cluster c{1};
  c.must({"import", "--synthetic", "1x1", "invented"});
  const auto o = c.muster({"load", "invented-00001", "--timeout-s", "2"});
  EXPECT_EQ(o.code, 1);
  EXPECT_TRUE(eventually(seconds{20}, [&] {
    return c.node("node-1").err().find("only muster fleet can load it") != std::string::npos;
  })) << c.node("node-1").err();
}

TEST(fleet, wrong_usage_is_refused_in_one_line) {
  for (auto& arguments : std::vector<std::vector<std::string>>{
           {"fleet"},
           {"fleet", "--nodes", "10"},
           {"fleet", "--nodes", "0", "--join", "127.0.0.1:1"},
           {"fleet", "--nodes", "5000", "--join", "127.0.0.1:1"},
           {"fleet", "--nodes", "10", "--join", "nowhere"},
           {"fleet", "--nodes", "10", "--join", "127.0.0.1:1", "--refuse", "2"},
           {"fleet", "--nodes", "10", "--join", "127.0.0.1:1", "--lie", "1"},
           {"fleet", "--nodes", "10", "--join", "127.0.0.1:1", "--name", "a b"},
           {"import", "--synthetic", "10"},
           {"import", "--synthetic", "0x5"},
           {"import", "--synthetic", "5x0"},
           {"import", "--synthetic", "5x5x5"},
           {"import", "--synthetic", "5x100001"},
           {"import", "--synthetic", "5x5", "--append"},
           {"import", "--synthetic", "5x5", "a b"},
           {"import"},
           {"load"},
           {"load", "x", "--all"},
           {"release"}}) {
    const auto o = run_muster(arguments);
    std::string line;
    for (auto& a : arguments)
      line += a + ' ';
    EXPECT_EQ(o.code, 2) << line << o.err;
    EXPECT_EQ(count(o.err, "\n"), 1u) << line << o.err;
  }
  EXPECT_EQ(run_muster({"fleet", "--help"}).code, 0);
}

} // namespace
} // namespace muster::test
