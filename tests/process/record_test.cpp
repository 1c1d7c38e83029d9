// A record of a live actor is played to another of its kind, which sends the same; what was changed in it is named.
#include "tests/process/processes.hpp"
#include "tests/support/paths.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>
#include <vector>

namespace muster::test {
namespace {

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

void write(const std::string& path, const std::vector<std::string>& lines) {
  std::ofstream out(path);
  for (const auto& line : lines)
    out << line << '\n';
}

struct records : testing::Test {
  /// Records an actor while a collection is loaded, grows and is released.
  std::string record(const std::string& actor) {
    const auto path = c.path() + "/" + actor + ".record";
    process recorder{MUSTER_BINARY, {"record", actor, path, "--coordinator", c.address()}};
    EXPECT_TRUE(eventually(seconds{20}, [&] { return lines_of(path).size() > 1 || !recorder.running(); })) << recorder.err();
    c.must({"load", name});
    EXPECT_TRUE(c.whole());
    c.must({"import", name, "--vectors", c.vectors(100, 5), "--metric", "l2", "--append", "--segment-rows", "50"});
    rows += 100;
    const auto all = "\"rows\":\"" + std::to_string(rows) + "\"";
    EXPECT_TRUE(eventually(seconds{20}, [&] { return says(c.must({"show-load-collections", name, "--json"}), all); }));
    c.must({"release", name});
    recorder.signal(SIGINT);
    EXPECT_TRUE(recorder.await_end(seconds{20}));
    EXPECT_EQ(recorder.code(), 0) << recorder.err();
    EXPECT_TRUE(says(recorder.out(), "recorded ")) << recorder.out() << recorder.err();
    return path;
  }

  cluster c{2};
  std::string name = "words";
  int rows = 400;
};

TEST_F(records, of_every_actor_that_restarts_are_replayed_and_it_sends_the_same) {
  c.import_small(name, 400);
  for (const char* actor : {"segment_checker", "channel_checker", "leader_checker", "balance_checker", "index_checker", "replica_observer",
                            "resource_observer"}) {
    const auto path = record(actor);
    const auto replayed = run_muster({"replay", path});
    EXPECT_EQ(replayed.code, 0) << actor << ": " << replayed.out << replayed.err;
    EXPECT_TRUE(says(replayed.out, "it sends the same")) << actor << ": " << replayed.out;
    EXPECT_FALSE(says(replayed.out, "note:")) << actor << ": " << replayed.out;
  }
  // What those that are not restarted send now is compared as well, but what they knew before is missing.
  for (const char* actor : {"route_publisher", "collection_observer"}) {
    const auto path = c.path() + "/" + actor + ".record";
    c.must({"record", actor, path, "--seconds", "0.5", "--no-restart"});
    const auto replayed = run_muster({"replay", path});
    EXPECT_TRUE(says(replayed.out, "does not begin with the actor")) << replayed.out << replayed.err;
  }
}

TEST_F(records, that_were_changed_differ_and_the_difference_is_named) {
  c.import_small(name, 400);
  const auto path = record("channel_checker");
  const auto whole = lines_of(path);
  std::vector<std::size_t> proposals;
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (says(whole[i], R"("type":"Proposals")"))
      proposals.push_back(i);
  ASSERT_GE(proposals.size(), 2u) << "loading and releasing is proposed";
  auto changed = whole;
  const auto frames = [](const std::string& line) { return line.find(R"("json")"); };
  changed[proposals[0]] = whole[proposals[0]].substr(0, frames(whole[proposals[0]])) + whole[proposals.back()].substr(frames(whole[proposals.back()]));
  write(path + ".changed", changed);
  const auto other = run_muster({"replay", path + ".changed"});
  EXPECT_EQ(other.code, 1) << other.out << other.err;
  EXPECT_TRUE(says(other.out, "line " + std::to_string(proposals[0] + 1) + ": Proposals differs: ")) << other.out;
  EXPECT_TRUE(says(other.out, "was recorded, ")) << other.out;
  const auto json = run_muster({"replay", path + ".changed", "--json"});
  EXPECT_TRUE(says(json.out, R"("different":1)")) << json.out;
  // One that is not there is missed, too.
  auto shorter = whole;
  shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(proposals[0]));
  shorter.pop_back();
  write(path + ".shorter", shorter);
  const auto more = run_muster({"replay", path + ".shorter"});
  EXPECT_EQ(more.code, 1) << more.out << more.err;
  EXPECT_TRUE(says(more.out, "nothing was recorded, Proposals is sent now")) << more.out;
  EXPECT_TRUE(says(more.out, "note: the record was cut off")) << more.out;
}

TEST(record_files, that_are_none_are_refused_with_the_line) {
  temp_folder folder;
  const auto path = folder.path() + "/r";
  const auto refused = [&](const std::vector<std::string>& lines) {
    write(path, lines);
    const auto o = run_muster({"replay", path});
    EXPECT_EQ(o.code, 1) << o.out;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << "one line: " << o.err;
    return o.err;
  };
  EXPECT_TRUE(says(run_muster({"replay", folder.path() + "/absent"}).err, "No such file"));
  EXPECT_TRUE(says(refused({}), "it is empty"));
  EXPECT_TRUE(says(refused({"hello"}), "line 1 is no JSON object"));
  EXPECT_TRUE(says(refused({"{}"}), "line 1 is not the beginning of a record"));
  EXPECT_TRUE(says(refused({R"({"muster_record":2})"}), "another form"));
  const std::string header = R"({"muster_record":1,"version":"0.1.0","actor":"a","kind":"segment_checker","epoch":"1","clock_offset_ns":"0"})";
  EXPECT_TRUE(says(refused({header, R"({"type":"Ack"})"}), "line 2 has no time"));
  EXPECT_TRUE(says(refused({header, R"({"at":"1","type":"Ack","frames":["?"]})"}), "base64"));
  EXPECT_TRUE(says(refused({header, R"({"at":"1","type":"CheckerState","frames":["AAAA"]})"}), "line 2, CheckerState"));
  EXPECT_TRUE(says(refused({header, R"({"at":"1","type":"Nothing"})"}), "knows no message Nothing"));
  EXPECT_TRUE(says(refused({header, R"({"end":true,"messages":"3","left_out":"0"})"}), "says that there are 3 messages"));
  EXPECT_TRUE(says(refused({R"({"muster_record":1,"version":"0.1.0","actor":"a","kind":"metadata","epoch":"1","clock_offset_ns":"0"})"}),
                   "cannot be replayed"));
}

} // namespace
} // namespace muster::test
