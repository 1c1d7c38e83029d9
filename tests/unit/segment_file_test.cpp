// Guards the files of segments: what was written comes back, and nothing damaged or half-written is ever taken for a
// segment.
#include "messages/limits.hpp"
#include "persistence/checksum.hpp"
#include "persistence/segment_engine.hpp"
#include "persistence/segment_file.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <limits>
#include <random>
#include <unistd.h>

namespace muster {
namespace {

namespace fs = std::filesystem;

class segment_file : public testing::Test {
protected:
  void SetUp() override {
    auto pattern = (fs::temp_directory_path() / "muster-segment-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    store_ = pattern;
  }

  void TearDown() override {
    fs::remove_all(store_);
  }

  static segment_rows some_rows(std::size_t count, std::uint32_t dimension, bool named) {
    std::mt19937 random(7);
    std::uniform_real_distribution<float> value(-1, 1);
    segment_rows rows;
    for (std::size_t i = 0; i < count; ++i) {
      rows.ids.push_back(1000 + static_cast<std::int64_t>(i));
      for (std::uint32_t j = 0; j < dimension; ++j)
        rows.vectors.push_back(value(random));
      if (named)
        rows.names.push_back("word" + std::to_string(i));
    }
    return rows;
  }

  catalogue_segment put(const segment_rows& rows, std::uint32_t dimension, metric_kind metric = metric_kind::cosine) {
    auto made = write_segment(store_, "c7/p1", segment_id{42}, metric, dimension, rows);
    EXPECT_TRUE(made) << made.error().text;
    return made ? *made : catalogue_segment{};
  }

  fs::path path() const {
    return fs::path(store_) / "c7/p1/42.segment";
  }

  fs::path index_path() const {
    return fs::path(store_) / "c7/p1/42.hnsw";
  }

  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  static void replace(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  void expect_failure(ec code, const std::string& part, const std::string& about) {
    auto got = read_segment(store_, "c7/p1/42.segment");
    ASSERT_FALSE(got) << about;
    EXPECT_EQ(got.error().code, code) << about << ": " << got.error().text;
    EXPECT_NE(got.error().text.find(part), std::string::npos) << about << ": " << got.error().text;
  }

  std::size_t files_left() const {
    std::size_t count = 0;
    for (auto& entry : fs::recursive_directory_iterator(store_))
      count += entry.is_regular_file();
    return count;
  }

  std::string store_;
};

TEST_F(segment_file, checksums_are_frozen) {
  EXPECT_EQ(checksum64("", 0), 0x113d2544f3d25ee2u);
  EXPECT_EQ(checksum64("muster", 6), 0x62c341fc59463b0u);
  EXPECT_EQ(checksum64("0123456789abcdef", 16), 0x20235d98ae1eadb7u);
  EXPECT_EQ(checksum64("0123456789abcdef", 16, 1), 0x17cb1dd14c182462u);
  EXPECT_NE(checksum64("a\0", 2), checksum64("a", 1));
}

TEST_F(segment_file, comes_back_as_written_with_names_and_without) {
  for (bool named : {true, false}) {
    auto rows = some_rows(5, 3, named);
    auto made = put(rows, 3);
    EXPECT_EQ(made.id, segment_id{42});
    EXPECT_EQ(made.rows, 5);
    EXPECT_EQ(made.file, "c7/p1/42.segment");
    EXPECT_EQ(made.index, index_kind::brute_force);
    EXPECT_EQ(made.bytes, static_cast<std::int64_t>(fs::file_size(path())));
    auto got = read_segment(store_, made.file);
    ASSERT_TRUE(got) << got.error().text;
    EXPECT_EQ(got->id, segment_id{42});
    EXPECT_EQ(got->metric, metric_kind::cosine);
    EXPECT_EQ(got->dimension, 3u);
    EXPECT_EQ(got->ids, rows.ids);
    EXPECT_EQ(got->vectors, rows.vectors);
    for (std::size_t i = 0; i < rows.ids.size(); ++i)
      EXPECT_EQ(got->name(i), named ? rows.names[i] : "");
    EXPECT_EQ(files_left(), 1u);
  }
}

TEST_F(segment_file, gets_an_index_beside_it_from_the_limit_on) {
  auto below = put(some_rows(limits::hnsw_rows - 1, 4, false), 4);
  EXPECT_EQ(below.index, index_kind::brute_force);
  EXPECT_FALSE(fs::exists(index_path()));
  auto made = put(some_rows(limits::hnsw_rows, 4, true), 4);
  EXPECT_EQ(made.index, index_kind::hnsw);
  EXPECT_EQ(made.bytes, static_cast<std::int64_t>(fs::file_size(path()) + fs::file_size(index_path())));
  auto got = read_segment(store_, made.file);
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->index_path, index_path().string());
  EXPECT_EQ(files_left(), 2u);
}

TEST_F(segment_file, an_index_is_added_and_dropped_and_the_rest_stays_as_it_was) {
  const auto made = put(some_rows(limits::hnsw_rows, 4, true), 4);
  const auto with = content(path());
  const auto index = content(index_path());
  auto dropped = drop_index(store_, made.file);
  ASSERT_TRUE(dropped) << dropped.error().text;
  EXPECT_EQ(dropped->index, index_kind::brute_force);
  EXPECT_EQ(dropped->bytes, static_cast<std::int64_t>(fs::file_size(path())));
  EXPECT_EQ(dropped->index_bytes, 0);
  auto without = read_segment(store_, made.file);
  ASSERT_TRUE(without) << without.error().text;
  EXPECT_EQ(without->name(7), "word7");
  EXPECT_EQ(files_left(), 1u);
  auto added = add_index(store_, made.file);
  ASSERT_TRUE(added) << added.error().text;
  EXPECT_EQ(added->bytes + added->index_bytes, made.bytes);
  EXPECT_EQ(content(path()), with);
  EXPECT_EQ(content(index_path()), index);
  EXPECT_EQ(describe_segment(store_, made.file)->index, index_kind::hnsw);
  EXPECT_TRUE(add_index(store_, made.file)) << "again: nothing to do";
  EXPECT_EQ(files_left(), 2u);
}

TEST_F(segment_file, an_index_that_an_interrupted_drop_left_is_taken_away_by_the_next) {
  const auto made = put(some_rows(limits::hnsw_rows, 4, false), 4);
  const auto index = content(index_path());
  ASSERT_TRUE(drop_index(store_, made.file));
  replace(index_path(), index);
  EXPECT_TRUE(read_segment(store_, made.file)) << "nobody names it";
  ASSERT_TRUE(drop_index(store_, made.file));
  EXPECT_FALSE(fs::exists(index_path()));
}

TEST_F(segment_file, indexes_of_no_or_damaged_segments_are_refused) {
  EXPECT_EQ(add_index(store_, "c7/p1/42.segment").error().code, ec::file_not_found);
  EXPECT_EQ(drop_index(store_, "../42.segment").error().code, ec::parameter_invalid);
  const auto made = put(some_rows(5, 4, false), 4);
  auto bytes = content(path());
  bytes[40] = static_cast<char>(bytes[40] ^ 1);
  replace(path(), bytes);
  EXPECT_EQ(add_index(store_, made.file).error().code, ec::io_corrupt);
  EXPECT_EQ(describe_segment(store_, made.file).error().code, ec::io_corrupt);
  EXPECT_EQ(files_left(), 1u);
}

TEST_F(segment_file, whoever_writes_a_segment_may_say_that_it_gets_no_index) {
  auto made = write_segment(store_, "c7/p1", segment_id{42}, metric_kind::l2, 4, some_rows(limits::hnsw_rows, 4, false),
                            index_kind::brute_force);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->index, index_kind::brute_force);
  EXPECT_EQ(files_left(), 1u);
}

TEST_F(segment_file, equal_rows_give_equal_files) {
  auto rows = some_rows(limits::hnsw_rows, 4, true);
  put(rows, 4);
  auto segment = content(path());
  auto index = content(index_path());
  put(rows, 4);
  EXPECT_EQ(content(path()), segment);
  EXPECT_EQ(content(index_path()), index);
}

TEST_F(segment_file, any_flipped_byte_is_found) {
  put(some_rows(3, 2, true), 2);
  auto whole = content(path());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (char bits : {'\x01', '\x80', '\xff'}) {
      auto bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ bits);
      replace(path(), bytes);
      expect_failure(ec::io_corrupt, path().string(), "byte " + std::to_string(at));
    }
  }
}

TEST_F(segment_file, any_truncation_and_surplus_is_found) {
  put(some_rows(3, 2, true), 2);
  auto whole = content(path());
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    replace(path(), whole.substr(0, bytes));
    expect_failure(ec::io_corrupt, path().string(), std::to_string(bytes) + " bytes");
  }
  replace(path(), whole + '\0');
  expect_failure(ec::io_corrupt, path().string(), "surplus");
}

TEST_F(segment_file, a_damaged_index_is_found) {
  put(some_rows(limits::hnsw_rows, 4, false), 4);
  auto whole = content(index_path());
  for (std::size_t at = 0; at < whole.size(); at += whole.size() / 97) {
    auto bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    replace(index_path(), bytes);
    expect_failure(ec::io_corrupt, index_path().string(), "byte " + std::to_string(at));
  }
  replace(index_path(), whole.substr(0, whole.size() - 1));
  expect_failure(ec::io_corrupt, index_path().string(), "truncated");
  replace(index_path(), whole);
  EXPECT_TRUE(read_segment(store_, "c7/p1/42.segment"));
}

TEST_F(segment_file, a_missing_file_or_index_is_told_by_name) {
  expect_failure(ec::file_not_found, path().string(), "nothing there");
  put(some_rows(limits::hnsw_rows, 4, false), 4);
  fs::remove(index_path());
  expect_failure(ec::file_not_found, index_path().string(), "no index");
}

TEST_F(segment_file, a_newer_version_is_told_from_damage) {
  put(some_rows(3, 2, true), 2);
  auto bytes = content(path());
  bytes[8] = 2;
  auto checksum = checksum64(bytes.data(), 16);
  std::memcpy(bytes.data() + 16, &checksum, sizeof checksum);
  replace(path(), bytes);
  expect_failure(ec::newer_version, path().string(), "version 2");
}

TEST_F(segment_file, leftovers_of_a_crash_are_ignored_and_overwritten) {
  auto rows = some_rows(limits::hnsw_rows, 4, true);
  fs::create_directories(path().parent_path());
  replace(path().string() + ".tmp", "half a segment");
  replace(index_path().string() + ".tmp", std::string(1 << 20, 'x'));
  expect_failure(ec::file_not_found, path().string(), "a temporary file is no segment");
  auto made = put(rows, 4);
  auto got = read_segment(store_, made.file);
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->vectors, rows.vectors);
  EXPECT_EQ(files_left(), 2u);
}

TEST_F(segment_file, an_index_without_its_segment_is_no_segment) {
  put(some_rows(limits::hnsw_rows, 4, false), 4);
  fs::remove(path());
  expect_failure(ec::file_not_found, path().string(), "crash between both renames");
}

TEST_F(segment_file, rows_that_cannot_be_searched_are_not_written) {
  auto expect_refused = [this](const segment_rows& rows, std::uint32_t dimension, const std::string& part) {
    auto got = write_segment(store_, "c7", segment_id{42}, metric_kind::cosine, dimension, rows);
    ASSERT_FALSE(got) << part;
    EXPECT_EQ(got.error().code, ec::parameter_invalid);
    EXPECT_NE(got.error().text.find(part), std::string::npos) << got.error().text;
  };
  expect_refused({}, 2, "0 rows");
  expect_refused(some_rows(3, 2, false), 0, "0 dimensions");
  expect_refused(some_rows(3, 2, false), 3, "6 values");
  auto rows = some_rows(3, 2, true);
  rows.names.pop_back();
  expect_refused(rows, 2, "2 names");
  rows = some_rows(3, 2, false);
  rows.vectors[3] = std::numeric_limits<float>::quiet_NaN();
  expect_refused(rows, 2, "row 1");
  rows.vectors[2] = rows.vectors[3] = 0;
  expect_refused(rows, 2, "row 1");
  EXPECT_EQ(files_left(), 0u);
}

TEST_F(segment_file, a_path_never_leaves_the_store) {
  for (auto relative : {"", "/etc", "../elsewhere", "c7/../../elsewhere"}) {
    auto written = write_segment(store_, relative, segment_id{42}, metric_kind::l2, 2, some_rows(3, 2, false));
    ASSERT_FALSE(written) << relative;
    EXPECT_EQ(written.error().code, ec::parameter_invalid);
    auto read = read_segment(store_, relative);
    ASSERT_FALSE(read) << relative;
    EXPECT_EQ(read.error().code, ec::parameter_invalid);
    auto removed = remove_segment(store_, relative);
    ASSERT_FALSE(removed) << relative;
    EXPECT_EQ(removed.error().code, ec::parameter_invalid);
  }
}

TEST_F(segment_file, a_failed_write_leaves_nothing) {
  fs::create_directories(path());
  auto got = write_segment(store_, "c7/p1", segment_id{42}, metric_kind::l2, 4, some_rows(limits::hnsw_rows, 4, false));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ec::io_failed);
  EXPECT_EQ(files_left(), 0u);
}

TEST_F(segment_file, removing_takes_the_index_too_and_may_be_repeated) {
  auto made = put(some_rows(limits::hnsw_rows, 4, false), 4);
  ASSERT_TRUE(remove_segment(store_, made.file));
  EXPECT_EQ(files_left(), 0u);
  EXPECT_TRUE(remove_segment(store_, made.file));
}

} // namespace
} // namespace muster
