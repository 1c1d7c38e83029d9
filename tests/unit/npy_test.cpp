// Guards the .npy reader: what it accepts, and one clear failure for each kind of bad file.
#include "messages/limits.hpp"
#include "persistence/npy.hpp"
#include "tests/support/paths.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <unistd.h>

namespace muster {
namespace {

class npy : public testing::Test {
protected:
  void SetUp() override {
    auto pattern = (std::filesystem::temp_directory_path() / "muster-npy-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }

  void TearDown() override {
    std::filesystem::remove_all(folder_);
  }

  std::string path() const {
    return folder_ + "/matrix.npy";
  }

  // A file of that version and dictionary with `data` behind.
  void put(const std::string& dictionary, const std::string& data, int version = 1) {
    auto text = dictionary + "\n";
    std::ofstream out(path(), std::ios::binary);
    out << "\x93NUMPY" << static_cast<char>(version) << '\0';
    std::uint32_t length = static_cast<std::uint32_t>(text.size());
    out.write(reinterpret_cast<const char*>(&length), version == 1 ? 2 : 4);
    out << text << data;
  }

  template <class T>
  static std::string bytes_of(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
  }

  static std::string dictionary(const std::string& type, const std::string& shape,
                                const std::string& fortran = "False") {
    return "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
  }

  template <class Result>
  void expect_failure(const Result& got, ec code, const std::string& part) {
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, code) << got.error().text;
    EXPECT_NE(got.error().text.find(part), std::string::npos) << got.error().text;
    EXPECT_EQ(got.error().text.rfind(path(), 0), 0u) << got.error().text;
    EXPECT_EQ(got.error().text.find('\n'), std::string::npos);
  }

  std::string folder_;
};

TEST_F(npy, reads_back_the_floats_it_wrote) {
  std::vector<float> values{1, 2.5f, -3, 4, 5, 6};
  ASSERT_TRUE(write_npy(path(), 3, values));
  auto got = read_npy_floats(path());
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->rows, 2u);
  EXPECT_EQ(got->columns, 3u);
  EXPECT_EQ(got->values, values);
  EXPECT_EQ(got->row(1)[0], 4);
}

TEST_F(npy, reads_back_the_integers_it_wrote) {
  std::vector<std::int64_t> values{1, -2, std::numeric_limits<std::int64_t>::max(), 4};
  ASSERT_TRUE(write_npy(path(), 2, values));
  auto got = read_npy_integers(path());
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->values, values);
}

TEST_F(npy, reads_version_2) {
  put(dictionary("<f4", "(1, 2)"), bytes_of<float>({7, 8}), 2);
  auto got = read_npy_floats(path());
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->values, (std::vector<float>{7, 8}));
}

TEST_F(npy, converts_float64) {
  put(dictionary("<f8", "(2, 1)"), bytes_of<double>({0.5, -1.25}));
  auto got = read_npy_floats(path());
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->values, (std::vector<float>{0.5f, -1.25f}));
}

TEST_F(npy, refuses_a_float64_too_large_for_float32) {
  put(dictionary("<f8", "(2, 1)"), bytes_of<double>({0.5, 1e300}));
  expect_failure(read_npy_floats(path()), ec::parameter_invalid, "row 1");
}

TEST_F(npy, names_a_missing_file) {
  expect_failure(read_npy_floats(path()), ec::file_not_found, "no such file");
}

TEST_F(npy, refuses_a_folder) {
  std::filesystem::create_directory(path());
  expect_failure(read_npy_floats(path()), ec::parameter_invalid, "not a file");
}

TEST_F(npy, refuses_what_is_no_npy_file) {
  std::ofstream(path()) << "word 0.1 0.2 0.3\n";
  expect_failure(read_npy_floats(path()), ec::parameter_invalid, "not a .npy file");
  std::ofstream(path(), std::ios::trunc).flush();
  expect_failure(read_npy_floats(path()), ec::parameter_invalid, "not a .npy file");
}

TEST_F(npy, refuses_an_unknown_version) {
  put(dictionary("<f4", "(1, 1)"), bytes_of<float>({7}), 3);
  expect_failure(read_npy_floats(path()), ec::parameter_invalid, "version 3");
}

TEST_F(npy, refuses_a_damaged_dictionary) {
  for (auto text : {"{}", "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1, 1), }", "{'descr': '<f4",
                    "{'descr': '<f4', 'fortran_order': False, 'shape': (1, x), }",
                    "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1"}) {
    put(text, bytes_of<float>({7}));
    expect_failure(read_npy_floats(path()), ec::parameter_invalid, "cannot be understood");
  }
}

TEST_F(npy, tells_expected_and_actual_bytes_of_a_truncated_file_at_any_length) {
  ASSERT_TRUE(write_npy(path(), 2, std::vector<float>{1, 2, 3, 4}));
  auto whole = std::filesystem::file_size(path());
  for (auto bytes = whole - 1; bytes >= 6; --bytes) {
    std::filesystem::resize_file(path(), bytes);
    expect_failure(read_npy_floats(path()), ec::io_corrupt, std::to_string(bytes) + " found");
  }
  expect_failure(read_npy_floats(path()), ec::io_corrupt, "expected");
}

TEST_F(npy, refuses_surplus_bytes) {
  put(dictionary("<f4", "(1, 1)"), bytes_of<float>({7, 8}));
  expect_failure(read_npy_floats(path()), ec::io_corrupt, "too long");
}

TEST_F(npy, refuses_other_types) {
  for (auto type : {"<i4", ">f4", "<f2", "|S3"}) {
    put(dictionary(type, "(1, 1)"), "12345678");
    expect_failure(read_npy_floats(path()), ec::parameter_invalid, type);
    expect_failure(read_npy_integers(path()), ec::parameter_invalid, type);
  }
  put("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1, 1), }", "1234");
  expect_failure(read_npy_floats(path()), ec::parameter_invalid, "structured");
}

TEST_F(npy, refuses_fortran_order) {
  put(dictionary("<f4", "(1, 1)", "True"), bytes_of<float>({7}));
  expect_failure(read_npy_floats(path()), ec::parameter_invalid, "Fortran");
}

TEST_F(npy, refuses_other_ranks) {
  for (auto shape : {"()", "(2,)", "(2, 1, 1)"}) {
    put(dictionary("<f4", shape), bytes_of<float>({7, 8}));
    expect_failure(read_npy_floats(path()), ec::parameter_invalid, "a matrix (rows, columns) is needed");
  }
}

TEST_F(npy, refuses_zero_rows) {
  put(dictionary("<f4", "(0, 3)"), "");
  expect_failure(read_npy_floats(path()), ec::parameter_invalid, "zero rows");
}

TEST_F(npy, refuses_zero_columns_and_too_many) {
  put(dictionary("<f4", "(1, 0)"), "");
  expect_failure(read_npy_floats(path()), ec::parameter_invalid, "0 columns");
  ASSERT_TRUE(write_npy(path(), limits::dimensions + 1, std::vector<float>(limits::dimensions + 1)));
  expect_failure(read_npy_floats(path()), ec::parameter_invalid, std::to_string(limits::dimensions));
}

TEST_F(npy, refuses_a_shape_that_overflows) {
  put(dictionary("<f4", "(9223372036854775807, 32768)"), "");
  expect_failure(read_npy_floats(path()), ec::parameter_invalid, "no file can hold");
}

TEST_F(npy, names_the_row_of_nan_and_infinity) {
  for (auto bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    ASSERT_TRUE(write_npy(path(), 2, std::vector<float>{1, 2, 3, 4, 5, bad}));
    expect_failure(read_npy_floats(path()), ec::parameter_invalid, "row 2");
  }
}

TEST_F(npy, reads_what_numpy_wrote) {
  auto base = std::string(MUSTER_SOURCE_DIR) + "/../shared/data/glove-40k-100d/";
  if (!std::filesystem::exists(base + "queries.npy"))
    GTEST_SKIP() << "no real data at " << base;
  auto queries = read_npy_floats(base + "queries.npy");
  ASSERT_TRUE(queries) << queries.error().text;
  EXPECT_EQ(queries->rows, 200u);
  EXPECT_EQ(queries->columns, 100u);
  auto truth = read_npy_integers(base + "groundtruth-cosine-top10.npy");
  ASSERT_TRUE(truth) << truth.error().text;
  EXPECT_EQ(truth->columns, 10u);
}

TEST_F(npy, refuses_to_write_values_that_are_no_whole_rows) {
  expect_failure(write_npy(path(), 2, std::vector<float>{1, 2, 3}), ec::parameter_invalid, "whole rows");
}

} // namespace
} // namespace muster
