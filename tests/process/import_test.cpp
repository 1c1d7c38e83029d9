// Guards imports: all or nothing, whatever ends them, and every bad input refused with its place.
#include "persistence/npy.hpp"
#include "tests/process/processes.hpp"
#include "tests/support/paths.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace muster::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> big_import(cluster& c) {
  return {"import",         "big",    "--vectors",     c.vectors(20'000, 3, 32),
          "--metric",       "l2",     "--shards",      "2",
          "--segment-rows", "1000",   "--coordinator", c.address(),
          "--store",        c.store()};
}

bool has_segment_files(const std::string& store) {
  for (auto& entry : fs::recursive_directory_iterator{store})
    if (entry.is_regular_file())
      return true;
  return false;
}

TEST(importing, killed_midway_shows_nothing_and_a_second_run_works) {
  cluster c{1};
  process first{MUSTER_BINARY, big_import(c)};
  ASSERT_TRUE(eventually(seconds{30}, [&] { return has_segment_files(c.store()) || !first.running(); }));
  ASSERT_TRUE(first.running()) << first.err();
  first.kill();
  EXPECT_EQ(c.must({"collections", "--json"}), "[]\n");
  EXPECT_EQ(run_muster(big_import(c)).code, 0);
  c.must({"load", "big"});
  EXPECT_EQ(ids_in(c.must({"search", "big", "--vector-file", c.vectors(100, 4, 32), "-k", "20", "--json"})).size(),
            2'000u);
}

TEST(importing, interrupted_midway_leaves_no_file_either) {
  cluster c{1};
  process first{MUSTER_BINARY, big_import(c)};
  ASSERT_TRUE(eventually(seconds{30}, [&] { return has_segment_files(c.store()) || !first.running(); }));
  first.signal(SIGINT);
  ASSERT_TRUE(first.await_end(seconds{10}));
  EXPECT_EQ(first.code(), 1);
  EXPECT_NE(first.err().find("interrupted"), std::string::npos) << first.err();
  EXPECT_FALSE(has_segment_files(c.store()));
  EXPECT_EQ(c.must({"collections", "--json"}), "[]\n");
}

TEST(importing, names_are_found_and_come_back_with_hits) {
  cluster c{1};
  std::ofstream{c.path() + "/names"} << "north\neast\n";
  ASSERT_TRUE(write_npy(c.path() + "/two.npy", 2, std::vector<float>{0, 1, 1, 0}));
  c.must({"import", "compass", "--vectors", c.path() + "/two.npy", "--ids", c.path() + "/names", "--metric", "cosine"});
  c.must({"load", "compass"});
  EXPECT_EQ(c.must({"search", "compass", "--like", "east", "-k", "2", "--json"}),
            "[{\"query\":0,\"hits\":[{\"id\":1,\"distance\":0,\"name\":\"east\"},{\"id\":0,\"distance\":1,\"name\":"
            "\"north\"}]}]\n");
  const auto unknown = c.muster({"search", "compass", "--like", "west"});
  EXPECT_EQ(unknown.code, 1);
  EXPECT_NE(unknown.err.find("west"), std::string::npos) << unknown.err;
}

// One line with the text, exit code 1, nothing registered.
void expect_refused(cluster& c, std::vector<std::string> arguments, const std::string& text, int code = 1) {
  SCOPED_TRACE(text);
  arguments.insert(arguments.begin(), {"import", "bad"});
  const auto o = c.muster(arguments);
  EXPECT_EQ(o.code, code) << o.err;
  EXPECT_NE(o.err.find(text), std::string::npos) << o.err;
  EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << "one line: " << o.err;
  EXPECT_EQ(c.must({"collections", "--json"}).find("\"bad\""), std::string::npos);
}

TEST(importing, bad_input_is_refused_in_one_line_and_changes_nothing) {
  cluster c;
  c.start_coordinator();
  const auto file = [&](const std::string& name, const std::vector<float>& values) {
    EXPECT_TRUE(write_npy(c.path() + "/" + name, 2, values));
    return c.path() + "/" + name;
  };
  expect_refused(c, {"--vectors", c.path() + "/absent.npy", "--metric", "l2"}, "absent.npy");
  std::ofstream{c.path() + "/text.npy"} << "these are words, no numbers";
  expect_refused(c, {"--vectors", c.path() + "/text.npy", "--metric", "l2"}, "text.npy");
  const auto cut = file("cut.npy", {1, 2, 3, 4});
  fs::resize_file(cut, fs::file_size(cut) - 3);
  expect_refused(c, {"--vectors", cut, "--metric", "l2"}, "cut.npy");
  expect_refused(c, {"--vectors", file("nan.npy", {1, 2, NAN, 4}), "--metric", "l2"}, "nan.npy");
  expect_refused(c, {"--vectors", file("zero.npy", {1, 2, 0, 0}), "--metric", "cosine"}, "row 1");
  std::ofstream{c.path() + "/one-name"} << "lonely\n";
  expect_refused(c, {"--vectors", file("ok.npy", {1, 2, 3, 4}), "--ids", c.path() + "/one-name", "--metric", "l2"},
                 "one-name");
  expect_refused(c, {"--vectors", file("ok.npy", {1, 2, 3, 4})}, "--metric", 2);
  expect_refused(c, {"--vectors", file("ok.npy", {1, 2, 3, 4}), "--metric", "manhattan"}, "manhattan", 2);
  expect_refused(c, {"--vectors", file("ok.npy", {1, 2, 3, 4}), "--metric", "l2", "--append"}, "collection_not_found");
  EXPECT_FALSE(has_segment_files(c.store()));
}

TEST(importing, a_dropped_collection_leaves_nothing_in_the_store) {
  cluster c;
  c.start_coordinator();
  c.import_small("kept", 100);
  const auto before = std::distance(fs::recursive_directory_iterator{c.store()}, {});
  c.import_small("small", 100);
  c.must({"drop", "small"});
  EXPECT_EQ(std::distance(fs::recursive_directory_iterator{c.store()}, {}), before);
}

TEST(importing, append_must_fit_the_collection) {
  cluster c;
  c.start_coordinator();
  c.import_small("small", 100);
  const auto other = c.muster({"import", "small", "--vectors", c.vectors(10, 1, 4), "--append"});
  EXPECT_EQ(other.code, 1);
  EXPECT_NE(other.err.find("dimensions"), std::string::npos) << other.err;
  EXPECT_EQ(c.muster({"import", "small", "--vectors", c.vectors(10), "--append", "--metric", "ip"}).code, 1);
  EXPECT_EQ(c.muster({"import", "small", "--vectors", c.vectors(10), "--append", "--shards", "3"}).code, 1);
  const auto again = c.muster({"import", "small", "--vectors", c.vectors(10), "--metric", "l2"});
  EXPECT_EQ(again.code, 1);
  EXPECT_NE(again.err.find("collection_already_exists"), std::string::npos) << again.err;
  EXPECT_NE(c.must({"collections", "--json"}).find("\"rows\":100"), std::string::npos);
}

} // namespace
} // namespace muster::test
