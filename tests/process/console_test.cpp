// `muster console` as a person uses it, in a real terminal; and each of its commands as one of its own, with JSON.
#include "actors/core/json.hpp"
#include "tests/process/terminal.hpp"
#include "tests/support/paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

namespace muster::test {
namespace {

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The widest line, in columns.
std::size_t width_of(const std::string& screen) {
  std::size_t most = 0;
  std::istringstream lines(screen);
  for (std::string line; std::getline(lines, line);)
    most = std::max(most, static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; })));
  return most;
}

/// Waits until an empty prompt stands at the end: what is typed from then on is a line of its own.
testing::AssertionResult prompts(terminal& t) {
  std::string last;
  const bool there = eventually(seconds{10}, [&] {
    last = t.screen();
    last.erase(last.find_last_not_of(" \n") + 1);
    return last.ends_with("\nmuster>");
  });
  return there ? testing::AssertionSuccess() : testing::AssertionFailure() << "no prompt stands at the end of:\n" << last;
}

class console : public testing::Test {
protected:
  console() {
    c.import_small("words", 200);
    c.must({"load", "words"});
  }

  std::string command() const {
    return std::string{MUSTER_BINARY} + " console --coordinator " + c.address();
  }

  cluster c{2};
};

TEST_F(console, completes_commands_and_names_with_tab) {
  terminal t{c.path(), command()};
  ASSERT_TRUE(t.shows("muster>"));
  t.type("timel");
  t.key("Tab");
  ASSERT_TRUE(t.shows("muster> timeline"));
  t.type("coll");
  t.key("Tab");
  ASSERT_TRUE(t.shows("muster> timeline collection"));
  t.type("wo");
  t.key("Tab");
  EXPECT_TRUE(t.shows("muster> timeline collection words"));
  t.key("C-c");
  ASSERT_TRUE(prompts(t));
  t.type("actor task_s");
  t.key("Tab");
  EXPECT_TRUE(t.shows("muster> actor task_scheduler"));
  t.key("Enter");
  EXPECT_TRUE(t.shows("waits for"));
  t.type("drain node node-");
  t.key("Tab");
  t.key("Tab");
  EXPECT_TRUE(t.shows("node-1")) << "several: they are listed";
  EXPECT_TRUE(t.shows("node-2"));
  t.key("C-c");
  ASSERT_TRUE(prompts(t));
  t.line("quit");
  EXPECT_TRUE(t.ended());
}

TEST_F(console, remembers_lines_over_its_end) {
  {
    terminal t{c.path(), command()};
    ASSERT_TRUE(t.shows("muster>"));
    t.line("nodes");
    ASSERT_TRUE(t.shows("HEARD"));
    t.line("groups");
    ASSERT_TRUE(t.shows("__default_resource_group"));
    t.key("Up");
    t.key("Up");
    t.key("Enter");
    EXPECT_TRUE(eventually(seconds{10}, [&] {
      const auto screen = t.screen();
      return screen.find("HEARD") != screen.rfind("HEARD");
    })) << "the line before the last one runs again: " << t.screen();
    ASSERT_TRUE(prompts(t));
    t.key("C-d");
    EXPECT_TRUE(t.ended()) << "Ctrl-D ends it";
  }
  std::ifstream history(c.path() + "/.muster_history");
  EXPECT_TRUE(history.good());
  terminal t{c.path(), command()};
  ASSERT_TRUE(t.shows("muster>"));
  t.key("Up");
  EXPECT_TRUE(t.shows("muster> nodes"));
}

TEST_F(console, helps_with_an_example_and_says_how_a_wrong_line_is_meant) {
  terminal t{c.path(), command()};
  ASSERT_TRUE(t.shows("muster>"));
  t.line("help tap");
  EXPECT_TRUE(t.shows("example:    tap segment_checker --type Proposals"));
  t.line("tap");
  EXPECT_TRUE(t.shows("the name of an actor is missing; usage: tap ACTOR"));
  t.line("clear-everything");
  EXPECT_TRUE(t.shows("there is no such command"));
  t.key("C-l");
  t.line("load words");
  EXPECT_TRUE(t.shows("loaded")) << "every other command of muster works too";
  t.line("help load");
  EXPECT_TRUE(t.shows("On how many sets of nodes"));
  t.line("explain collection words");
  EXPECT_TRUE(t.shows("as it should be"));
  EXPECT_LE(width_of(t.screen()), 80u);
}

TEST_F(console, draws_top_in_80_columns_and_obeys_its_keys) {
  terminal t{c.path(), command()};
  ASSERT_TRUE(t.shows("muster>"));
  t.line("top");
  ASSERT_TRUE(t.shows("s sort: rate"));
  ASSERT_TRUE(t.shows("nodes 2/2"));
  ASSERT_TRUE(t.shows("msg/s"));
  EXPECT_TRUE(t.shows("node-1"));
  EXPECT_LE(width_of(t.screen()), 80u);
  t.key("s");
  EXPECT_TRUE(t.shows("s sort: queued"));
  t.key("f");
  t.type("checker");
  t.key("Enter");
  EXPECT_TRUE(t.shows("f filter: checker"));
  EXPECT_TRUE(t.shows("segment_checker"));
  EXPECT_TRUE(t.hides("node_manager"));
  t.key("p");
  EXPECT_TRUE(t.shows("PAUSED"));
  t.key("p");
  EXPECT_TRUE(t.hides("PAUSED"));
  t.key("q");
  EXPECT_TRUE(t.hides("s sort:"));
  EXPECT_TRUE(t.shows("muster>"));
  t.line("top");
  ASSERT_TRUE(t.shows("s sort:"));
  t.key("C-c");
  EXPECT_TRUE(t.hides("s sort:")) << "Ctrl-C ends it as well, and not the console";
  ASSERT_TRUE(prompts(t));
  t.line("help quit-not");
  EXPECT_TRUE(t.shows("there is no command quit-not"));
}

TEST_F(console, ctrl_c_ends_what_runs_or_the_line_and_not_the_console) {
  terminal t{c.path(), command()};
  ASSERT_TRUE(t.shows("muster>"));
  t.type("half a line");
  ASSERT_TRUE(t.shows("half a line"));
  t.key("C-c");
  ASSERT_TRUE(prompts(t));
  t.line("help nodes");
  EXPECT_TRUE(t.shows("example:    nodes"));
  t.line("tap node_manager");
  ASSERT_TRUE(t.shows(" > LinkCommand to wire")); // and so on, until somebody presses it
  t.key("C-c");
  ASSERT_TRUE(prompts(t));
  t.line("help groups");
  EXPECT_TRUE(t.shows("example:    groups"));
}

TEST_F(console, says_that_the_coordinator_is_gone_and_goes_on_with_the_next_one) {
  terminal t{c.path(), command()};
  ASSERT_TRUE(t.shows("epoch 1"));
  c.coordinator().kill();
  t.line("nodes");
  ASSERT_TRUE(t.shows("does not answer; waiting for it"));
  c.start_coordinator();
  ASSERT_TRUE(t.shows("started anew, epoch 2", seconds{20}));
  t.line("help nodes");
  EXPECT_TRUE(t.shows("example:    nodes"));
  t.line("nodes");
  EXPECT_TRUE(t.shows("HEARD"));
  // One that nobody waits for.
  c.coordinator().kill();
  t.line("groups");
  ASSERT_TRUE(t.shows("waiting for it"));
  t.key("C-c");
  t.line("quit");
  EXPECT_TRUE(t.ended());
}

TEST_F(console, reads_commands_from_a_file_too) {
  process p{"/bin/sh", {"-c", "printf 'nodes --json\\n# a comment\\nexplode\\nhelp tap\\n' | " + command()}};
  ASSERT_TRUE(p.await_end(seconds{20}));
  EXPECT_TRUE(says(p.out(), R"("name":"node-1")")) << p.out();
  EXPECT_TRUE(says(p.out(), "example:    tap")) << "one that fails does not end it: " << p.out();
  EXPECT_EQ(p.code(), 2) << "but the exit code tells";
  EXPECT_FALSE(says(p.out(), "\033")) << "no terminal, no escapes";
}

TEST_F(console, has_every_command_as_one_of_its_own_with_json) {
  const auto json_of = [&](std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const auto text = c.must(arguments);
    const auto read = json::read_object("{\"value\":" + text + "}");
    EXPECT_TRUE(read) << arguments[0] << ": " << text << (read ? "" : read.error().text);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << arguments[0] << ": one document, one line";
    return text;
  };
  EXPECT_TRUE(says(json_of({"actors"}), R"("name":"segment_checker")"));
  EXPECT_TRUE(says(json_of({"actor", "metadata"}), R"("handled_by_type")"));
  EXPECT_TRUE(says(json_of({"nodes"}), R"("last_heard")"));
  EXPECT_TRUE(says(json_of({"replicas", "words"}), R"("shards")"));
  EXPECT_TRUE(says(json_of({"groups"}), "__default_resource_group"));
  EXPECT_TRUE(says(json_of({"tasks", "words"}), R"("kind":"serve_shard")"));
  EXPECT_TRUE(says(json_of({"journal", "tail", "-n", "3"}), R"("records")"));
  EXPECT_TRUE(says(json_of({"settings", "balancer"}), "queryCoord.balancer"));
  EXPECT_TRUE(says(json_of({"log-level", "segment_checker", "debug"}), "segment_checker"));
  EXPECT_TRUE(says(json_of({"log-level", "segment_checker", "default"}), "levels"));
  EXPECT_TRUE(says(json_of({"pause", "checker", "index_checker"}), "{"));
  EXPECT_TRUE(says(json_of({"resume", "checker", "index_checker"}), "{"));
  EXPECT_TRUE(says(json_of({"restart", "actor", "index_checker"}), "{"));
  EXPECT_TRUE(says(json_of({"drain", "node", "node-2"}), "{"));
  EXPECT_TRUE(says(json_of({"nodes"}), R"("drained":true)"));
  EXPECT_TRUE(says(json_of({"resume", "node", "node-2"}), "{"));
  EXPECT_TRUE(says(json_of({"set", "queryCoord.balancer", "RoundRobinBalancer"}), "{"));
  EXPECT_TRUE(says(json_of({"set", "queryCoord.balancer", "--reset"}), "{"));
  EXPECT_TRUE(says(json_of({"top", "--filter", "checker"}), R"("per_second")"));
  EXPECT_TRUE(says(json_of({"explain", "collection", "words"}), R"("served":true)"));
  EXPECT_TRUE(says(json_of({"events", "-n", "5"}), R"("events")"));
  EXPECT_TRUE(says(json_of({"timeline", "collection", "words"}), "collectionLoaded"));
  EXPECT_TRUE(says(json_of({"why-moved", "1"}), "[]"));
  EXPECT_TRUE(says(json_of({"what-if", "words", "--add-nodes", "1"}), R"("before")"));
  EXPECT_TRUE(says(json_of({"overview"}), R"("notServed":0)"));
  EXPECT_TRUE(says(json_of({"placement"}), R"("cells")"));
  EXPECT_TRUE(says(json_of({"placement", "node-1"}), R"("holdings":[{"collection")"));
  EXPECT_TRUE(says(json_of({"snapshot", "to", c.path() + "/snapshot.json"}), R"("bytes")"));
  std::ifstream file(c.path() + "/snapshot.json");
  std::string snapshot;
  std::getline(file, snapshot);
  const auto read = json::read_object(snapshot);
  ASSERT_TRUE(read) << read.error().text;
  for (const char* part : {"status", "replicas", "targets", "distribution", "actors", "events", "settings", "journal", "groups", "tasks"})
    EXPECT_NE(read->find(part), nullptr) << part;
}

TEST_F(console, commands_fit_into_a_terminal_and_are_plain_text_elsewhere) {
  terminal t{c.path(), std::string{MUSTER_BINARY} + " actors --coordinator " + c.address() + "; sleep 60"};
  ASSERT_TRUE(t.shows("task_scheduler"));
  EXPECT_LE(width_of(t.screen()), 80u);
  const auto tree = c.must({"actors"});
  EXPECT_TRUE(says(tree, "- segment_checker")) << "the supervisor restarts it: " << tree;
  EXPECT_FALSE(says(tree, "\033"));
  const auto sorted = c.must({"actors", "--sort", "handled"});
  EXPECT_FALSE(says(sorted, "- segment_checker"));
  EXPECT_EQ(c.muster({"actors", "--sort", "beauty"}).code, 2);
  EXPECT_EQ(c.muster({"explain", "weather", "x"}).code, 2);
  const auto once = c.must({"top"});
  EXPECT_TRUE(says(once, "node-1")) << once;
}

TEST_F(console, a_trace_joins_a_request_its_tasks_and_the_log_of_the_nodes) {
  c.must({"release", "words"});
  c.must({"load", "words", "--trace-id", "4711"});
  std::string shown;
  EXPECT_TRUE(eventually(seconds{10}, [&] {
    shown = c.muster({"trace", "4711"}).out;
    return says(shown, "task_ended serve_shard") && says(shown, "request_answered");
  })) << shown;
  EXPECT_TRUE(says(shown, "request_received")) << shown;
  EXPECT_TRUE(says(shown, "task_admitted serve_shard")) << shown;
  EXPECT_FALSE(says(shown, "release_segment")) << "those of another request: " << shown;
  EXPECT_EQ(c.muster({"trace", "12"}).code, 1);
  std::size_t lines = 0;
  for (const char* node : {"node-1", "node-2"}) {
    std::ifstream log(c.path() + "/" + node + "/muster-" + node + ".log");
    for (std::string line; std::getline(log, line);)
      lines += says(line, "[trace 4711]") ? 1 : 0;
  }
  EXPECT_GT(lines, 0u) << "nodes log the work of a request with its trace";
}

TEST_F(console, a_request_tells_its_trace_when_asked) {
  const auto o = c.muster({"release", "words", "--verbose", "--trace-id", "4711"});
  EXPECT_EQ(o.code, 0) << o.err;
  EXPECT_TRUE(says(o.err, "trace 4711")) << o.err;
  const auto json = c.must({"load", "words", "--json"});
  EXPECT_TRUE(says(json, R"("trace_id":")")) << json;
  EXPECT_FALSE(says(json, R"("trace_id":"0")")) << "a new one";
}

TEST(logs, are_json_lines_when_asked_for) {
  cluster c;
  c.start_coordinator({"--log-format", "json"});
  std::ifstream file(c.path() + "/coordinator/muster.log");
  const auto err = c.coordinator().err();
  std::istringstream lines(err);
  std::size_t n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    const auto read = json::read_object(line);
    ASSERT_TRUE(read) << line;
    for (const char* part : {"at", "level", "channel", "text"})
      EXPECT_NE(read->find(part), nullptr) << line;
  }
  EXPECT_GT(n, 0u);
}

} // namespace
} // namespace muster::test
