// Guards `muster import` before it registers: every bad input is refused with its place, and rows are cut evenly over
// the shards.
#include "messages/limits.hpp"
#include "persistence/import_builder.hpp"
#include "persistence/npy.hpp"
#include "persistence/segment_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <unistd.h>
#include <utility>

namespace muster {
namespace {

namespace fs = std::filesystem;

class import_builder : public testing::Test {
protected:
  void SetUp() override {
    auto pattern = (fs::temp_directory_path() / "muster-import-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }

  void TearDown() override {
    fs::remove_all(folder_);
  }

  // A plan over `rows` rows of two dimensions, row i being (i + 1, 1), with its vectors on disk.
  import_plan plan_for(std::size_t rows) {
    std::vector<float> values;
    for (std::size_t i = 0; i < rows; ++i)
      values.insert(values.end(), {static_cast<float>(i + 1), 1});
    return plan_of(values);
  }

  import_plan plan_of(const std::vector<float>& values) {
    import_plan plan;
    plan.vectors_path = folder_ + "/vectors.npy";
    plan.segment_rows = 4;
    EXPECT_TRUE(write_npy(plan.vectors_path, 2, values));
    return plan;
  }

  std::string put_names(const std::string& text) {
    auto path = folder_ + "/names.txt";
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    return path;
  }

  static void expect_failure(const import_plan& plan, ec code, const std::string& part) {
    auto got = prepare_import(plan);
    ASSERT_FALSE(got) << part;
    EXPECT_EQ(got.error().code, code) << got.error().text;
    EXPECT_NE(got.error().text.find(part), std::string::npos) << got.error().text;
  }

  static std::vector<segment_id> ids_from(std::int64_t first, std::size_t count) {
    std::vector<segment_id> ids;
    for (std::size_t i = 0; i < count; ++i)
      ids.emplace_back(first + static_cast<std::int64_t>(i));
    return ids;
  }

  std::string folder_;
};

TEST_F(import_builder, cuts_rows_into_segments_dealt_to_the_shards_in_turn) {
  auto plan = plan_for(22);
  plan.shards = 3;
  plan.first_row_id = 100;
  std::string names;
  for (int i = 0; i < 22; ++i)
    names += "n" + std::to_string(i) + "\n";
  plan.names_path = put_names(names);
  auto prepared = prepare_import(plan);
  ASSERT_TRUE(prepared) << prepared.error().text;
  EXPECT_EQ(prepared->dimension(), 2u);
  ASSERT_EQ(prepared->segment_count(), 6u);
  std::vector<std::string> channels{"c-v0", "c-v1", "c-v2"};
  std::vector<std::pair<std::size_t, std::size_t>> progress;
  auto made = build_segments(*prepared, folder_, "c1", ids_from(50, 6), channels,
                             [&](std::size_t done, std::size_t total) { progress.emplace_back(done, total); });
  ASSERT_TRUE(made) << made.error().text;
  ASSERT_EQ(made->size(), 6u);
  std::int64_t row = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    auto& segment = (*made)[i];
    EXPECT_EQ(segment.id, segment_id{50 + static_cast<std::int64_t>(i)});
    EXPECT_EQ(segment.channel, channels[i % 3]);
    EXPECT_EQ(segment.rows, i == 5 ? 2 : 4);
    EXPECT_EQ(progress[i], std::make_pair(i + 1, std::size_t{6}));
    auto contents = read_segment(folder_, segment.file);
    ASSERT_TRUE(contents) << contents.error().text;
    for (std::size_t j = 0; j < contents->rows(); ++j, ++row) {
      EXPECT_EQ(contents->ids[j], 100 + row);
      EXPECT_EQ(contents->vector(j)[0], static_cast<float>(row + 1));
      EXPECT_EQ(contents->name(j), "n" + std::to_string(row));
    }
  }
  EXPECT_EQ(row, 22);
}

TEST_F(import_builder, refuses_shards_outside_their_limits) {
  auto plan = plan_for(4);
  for (std::size_t shards : {std::size_t{0}, limits::shards + 1}) {
    plan.shards = shards;
    expect_failure(plan, ec::parameter_invalid, "1 to 64");
  }
}

TEST_F(import_builder, refuses_segment_rows_outside_their_limits) {
  auto plan = plan_for(4);
  for (std::size_t rows : {std::size_t{0}, limits::segment_rows + 1}) {
    plan.segment_rows = rows;
    expect_failure(plan, ec::parameter_invalid, "rows a segment");
  }
}

TEST_F(import_builder, refuses_row_ids_that_are_negative_or_overflow) {
  auto plan = plan_for(4);
  plan.first_row_id = -1;
  expect_failure(plan, ec::parameter_invalid, "negative");
  plan.first_row_id = std::numeric_limits<std::int64_t>::max() - 3;
  expect_failure(plan, ec::parameter_invalid, "start lower");
}

TEST_F(import_builder, refuses_more_segments_than_one_import_may_register) {
  auto plan = plan_for(limits::import_segments + 1);
  plan.segment_rows = 1;
  expect_failure(plan, ec::parameter_invalid, "append");
}

TEST_F(import_builder, passes_on_what_is_wrong_with_the_vectors) {
  auto plan = plan_for(4);
  plan.vectors_path = folder_ + "/nothing.npy";
  expect_failure(plan, ec::file_not_found, plan.vectors_path);
  plan = plan_of({1, 2, 3, std::numeric_limits<float>::quiet_NaN()});
  expect_failure(plan, ec::parameter_invalid, "row 1");
}

TEST_F(import_builder, refuses_a_zero_vector_under_cosine_only) {
  auto plan = plan_of({1, 2, 0, 1, 0, 0});
  plan.metric = metric_kind::cosine;
  expect_failure(plan, ec::parameter_invalid, "row 2");
  plan.metric = metric_kind::l2;
  EXPECT_TRUE(prepare_import(plan));
}

TEST_F(import_builder, refuses_another_number_of_names_than_rows) {
  auto plan = plan_for(2);
  for (auto text : {"", "one\n", "one\ntwo\nthree\n"}) {
    plan.names_path = put_names(text);
    expect_failure(plan, ec::parameter_invalid, "2 rows");
  }
}

TEST_F(import_builder, names_the_line_of_an_unusable_name) {
  auto plan = plan_for(2);
  plan.names_path = put_names("one\n\n");
  expect_failure(plan, ec::parameter_invalid, "line 2 is empty");
  plan.names_path = put_names(std::string("one\nt\0o\n", 8));
  expect_failure(plan, ec::parameter_invalid, "line 2 holds a zero byte");
  plan.names_path = put_names("one\n" + std::string(import_name_bytes + 1, 'x') + "\n");
  expect_failure(plan, ec::parameter_invalid, "line 2 has 65537 bytes");
}

TEST_F(import_builder, refuses_names_that_are_not_there_or_no_file) {
  auto plan = plan_for(2);
  plan.names_path = folder_ + "/nothing.txt";
  expect_failure(plan, ec::file_not_found, "nothing.txt");
  plan.names_path = folder_;
  expect_failure(plan, ec::parameter_invalid, "is not a file");
}

TEST_F(import_builder, reads_names_with_windows_line_ends_and_without_a_last_newline) {
  auto plan = plan_for(2);
  plan.names_path = put_names("one\r\ntwo");
  auto prepared = prepare_import(plan);
  ASSERT_TRUE(prepared) << prepared.error().text;
  EXPECT_EQ(prepared->names, (std::vector<std::string>{"one", "two"}));
}

TEST_F(import_builder, needs_one_id_a_segment_and_one_channel_a_shard) {
  auto prepared = prepare_import(plan_for(9));
  ASSERT_TRUE(prepared);
  ASSERT_EQ(prepared->segment_count(), 3u);
  std::vector<std::string> one{"c-v0"};
  std::vector<std::string> two{"c-v0", "c-v1"};
  EXPECT_FALSE(build_segments(*prepared, folder_, "c1", ids_from(1, 2), one, {}));
  EXPECT_FALSE(build_segments(*prepared, folder_, "c1", ids_from(1, 3), two, {}));
  EXPECT_TRUE(build_segments(*prepared, folder_, "c1", ids_from(1, 3), one, {}));
}

TEST_F(import_builder, a_failure_in_the_middle_leaves_no_segment) {
  auto prepared = prepare_import(plan_for(9));
  ASSERT_TRUE(prepared);
  fs::create_directories(folder_ + "/c1/3.segment");
  std::vector<std::string> channels{"c-v0"};
  auto made = build_segments(*prepared, folder_, "c1", ids_from(1, 3), channels, {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ec::io_failed);
  for (auto& entry : fs::directory_iterator(folder_ + "/c1"))
    EXPECT_FALSE(entry.is_regular_file()) << entry.path();
}

} // namespace
} // namespace muster
