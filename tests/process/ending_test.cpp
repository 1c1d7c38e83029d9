// Guards orderly ends: Ctrl-C ends every process with code 0 and leaves the folder usable.
#include "tests/process/processes.hpp"
#include "tests/support/paths.hpp"

#include <csignal>
#include <filesystem>
#include <gtest/gtest.h>

namespace muster::test {
namespace {

TEST(ending, ctrl_c_ends_coordinator_and_nodes_in_order) {
  cluster c{2};
  c.import_small("small");
  c.must({"load", "small", "--replicas", "2"});
  for (auto number : {SIGINT, SIGTERM}) {
    auto& node = c.node(number == SIGINT ? "node-1" : "node-2");
    node.signal(number);
    ASSERT_TRUE(node.await_end(seconds{10})) << node.err();
    EXPECT_EQ(node.code(), 0) << node.err();
  }
  c.coordinator().signal(SIGINT);
  ASSERT_TRUE(c.coordinator().await_end(seconds{10})) << c.coordinator().err();
  EXPECT_EQ(c.coordinator().code(), 0) << c.coordinator().err();
  c.start_coordinator();
  c.start_node("node-1");
  c.start_node("node-2");
  EXPECT_TRUE(eventually(seconds{20}, [&] { return c.muster({"wait", "small", "--timeout-s", "1"}).code == 0; }));
}

TEST(ending, a_coordinator_can_end_while_clients_wait) {
  cluster c{1};
  c.import_small("small");
  process waiting{MUSTER_BINARY, {"load", "small", "--replicas", "1", "--coordinator", c.address()}};
  c.coordinator().signal(SIGTERM);
  EXPECT_TRUE(c.coordinator().await_end(seconds{10})) << c.coordinator().err();
  EXPECT_EQ(c.coordinator().code(), 0);
  EXPECT_TRUE(waiting.await_end(seconds{10}));
}

TEST(ending, prober_ends_with_its_input_and_writes_its_report) {
  cluster c{1};
  c.import_small("small");
  c.must({"load", "small"});
  const auto report = c.path() + "/report";
  process p{"/bin/sh",
            {"-c",
             "sleep 0.5 | exec \"$0\" probe small --vector-file \"$1\" --until-stdin-closes --report \"$2\" "
             "--coordinator \"$3\"",
             MUSTER_BINARY, c.vectors(5), report, c.address()}};
  ASSERT_TRUE(p.await_end(seconds{20})) << p.err();
  EXPECT_EQ(p.code(), 0) << p.err();
  EXPECT_GT(std::filesystem::file_size(report), 0u);
}

} // namespace
} // namespace muster::test
