// Guards answers against the loss of power: a slow disk under the coordinator forgets at SIGKILL all that was not
// synced.
#include "tests/process/processes.hpp"
#include "tests/support/paths.hpp"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <set>

namespace muster::test {
namespace {

namespace fs = std::filesystem;

// What preload/slow_sync.cpp wrote down before each write: takes the writes back that no sync followed, newest first.
int undo_unsynced(const std::string& folder) {
  int undone = 0;
  std::vector<fs::path> logs;
  for (auto& entry : fs::directory_iterator{folder}) {
    if (entry.path().extension() == ".undo")
      logs.push_back(entry.path());
    if (entry.path().string().ends_with("-shm"))
      fs::remove(entry.path()); // Memory: it does not outlive the machine.
  }
  for (auto& log : logs) {
    std::ifstream in{log, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    struct record {
      std::uint64_t size_before, at, length;
    };
    std::vector<std::pair<record, std::string>> records;
    for (std::size_t i = 0; i + sizeof(record) <= bytes.size();) {
      record head;
      bytes.copy(reinterpret_cast<char*>(&head), sizeof head, i);
      i += sizeof head;
      if (i + head.length > bytes.size())
        break; // The record was cut off by SIGKILL: its write did not begin.
      records.emplace_back(head, bytes.substr(i, head.length));
      i += head.length;
    }
    auto file = log;
    file.replace_extension();
    for (auto r = records.rbegin(); r != records.rend() && fs::exists(file); ++r, ++undone) {
      {
        std::fstream out{file, std::ios::in | std::ios::out | std::ios::binary};
        out.seekp(static_cast<std::streamoff>(r->first.at));
        out.write(r->second.data(), static_cast<std::streamsize>(r->second.size()));
      }
      fs::resize_file(file, r->first.size_before);
    }
    fs::remove(log);
  }
  return undone;
}

class power : public testing::Test {
protected:
  void start(int sync_ms) {
    c.start_coordinator({}, {{"LD_PRELOAD", MUSTER_SLOW_SYNC},
                             {"ASAN_OPTIONS", "verify_asan_link_order=0"},
                             {"MUSTER_SLOW_SYNC_FOLDER", fs::canonical(c.path()).string() + "/coordinator"},
                             {"MUSTER_SLOW_SYNC_MS", std::to_string(sync_ms)}});
  }

  // As a power cut does it.
  void cut_and_start(int sync_ms) {
    c.coordinator().kill();
    undone += undo_unsynced(c.path() + "/coordinator");
    start(sync_ms);
    ASSERT_TRUE(eventually(seconds{10}, [&] { return c.muster({"collections"}).code == 0; }));
  }

  /// True while the disk holds something that no sync followed yet: what a cut now would take.
  bool unsynced() const {
    for (auto& entry : fs::directory_iterator{c.path() + "/coordinator"})
      if (entry.path().extension() == ".undo")
        return true;
    return false;
  }

  std::string status_of(const std::string& name) {
    const auto list = c.must({"collections", "--json"});
    const std::string key = R"("name":")" + name + R"(","status":")";
    const auto at = list.find(key);
    return at == std::string::npos ? "absent"
                                   : list.substr(at + key.size(), list.find('"', at + key.size()) - at - key.size());
  }

  cluster c;
  int undone = 0;
};

TEST_F(power, answers_are_on_disk_before_they_are_given) {
  start(30);
  c.start_node("node-1");
  c.import_small("small", 100);
  cut_and_start(30);
  EXPECT_EQ(status_of("small"), "released");
  for (int round = 0; round < 3; ++round) {
    c.must({"wait", "--nodes", "1"});
    c.must({"load", "small"});
    cut_and_start(30);
    EXPECT_NE(status_of("small"), "released");
    EXPECT_TRUE(eventually(seconds{20}, [&] { return c.muster({"wait", "small", "--timeout-s", "5"}).code == 0; }));
    c.must({"release", "small"});
    cut_and_start(30);
    EXPECT_EQ(status_of("small"), "released");
  }
}

TEST_F(power, a_load_that_was_cut_is_there_wholly_or_not_at_all) {
  constexpr int sync_ms = 50; // Long enough for the kill to come while a write that was seen is not synced.
  start(sync_ms);
  c.start_node("node-1");
  c.import_small("small", 100);
  // A load is two commits: the cut comes in the first, between them, in the second.
  for (int writes : {1, 2, 3, 1, 3}) {
    c.must({"wait", "--nodes", "1"});
    process load{MUSTER_BINARY, {"load", "small", "--coordinator", c.address()}};
    for (int seen = 1; seen <= writes; ++seen)
      ASSERT_TRUE(eventually(seconds{20}, [&] { return unsynced() == (seen % 2 == 1) || !load.running(); }));
    cut_and_start(sync_ms);
    const auto status = status_of("small");
    EXPECT_NE(status, "absent");
    if (status != "released") {
      EXPECT_TRUE(eventually(seconds{20}, [&] { return c.muster({"wait", "small", "--timeout-s", "5"}).code == 0; }));
    }
    c.must({"release", "small"});
  }
  EXPECT_GT(undone, 0) << "no cut met a write that was not synced: the test shows nothing";
}

// Many loads at once, the power gone as soon as the first is answered: each that was answered by then is there again.
TEST_F(power, cut_under_load_keeps_every_answered_load) {
  start(30);
  c.start_node("node-1");
  c.start_node("node-2");
  c.must({"wait", "--nodes", "2"});
  std::vector<std::string> names;
  for (int i = 0; i < 8; ++i)
    c.import_small(names.emplace_back("small-" + std::to_string(i)), 100);
  std::size_t answered = 0;
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<process>> loads;
    for (auto& name : names)
      loads.push_back(std::make_unique<process>(
        MUSTER_BINARY, std::vector<std::string>{"load", name, "--replicas", "2", "--coordinator", c.address()}));
    // Best while others write; the last of them must not have ended before that is seen.
    ASSERT_TRUE(eventually(seconds{30}, [&] {
      const auto ended = std::count_if(loads.begin(), loads.end(), [](auto& load) { return !load->running(); });
      return (ended > 0 && unsynced()) || ended == std::ssize(loads);
    }));
    c.coordinator().kill();
    std::set<std::string> kept;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (loads[i]->await_end(seconds{20}) && loads[i]->code() == 0)
        kept.insert(names[i]);
    EXPECT_FALSE(kept.empty());
    answered += kept.size();
    cut_and_start(30);
    for (auto& name : kept) {
      EXPECT_NE(status_of(name), "released") << name << " was answered";
      EXPECT_TRUE(eventually(seconds{20}, [&] { return c.muster({"wait", name, "--timeout-s", "5"}).code == 0; }));
    }
    c.must({"wait", "--nodes", "2"});
    for (auto& name : names)
      c.must({"release", name});
  }
  EXPECT_GT(undone, 0) << "no cut met a write that was not synced: the test shows nothing";
  EXPECT_GE(answered, 3u);
}

} // namespace
} // namespace muster::test
