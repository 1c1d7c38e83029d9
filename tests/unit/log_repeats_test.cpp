// Rules of log lines that repeat without change.
#include "actors/runtime/log_repeats.hpp"

#include <gtest/gtest.h>

namespace muster::log {
namespace {

constexpr std::int64_t second = 1'000'000'000;

struct log_repeats : testing::Test {
  /// What is written for one line: what is due first, "-" when the line itself is not.
  std::string write(std::string_view text, std::int64_t at, std::string_view channel = "gateway") {
    bool fresh = false;
    std::string out;
    for (const auto& line : all.note(1, channel, text, at, fresh))
      out += line.channel + ": " + line.text + "; ";
    return out + (fresh ? std::string{text} : "-");
  }

  repeats all;
};

TEST_F(log_repeats, a_line_that_comes_again_is_counted_and_told_of_when_its_time_is_over) {
  EXPECT_EQ(write("full", 0), "full");
  EXPECT_EQ(write("full", 1 * second), "-");
  EXPECT_EQ(write("full", 2 * second), "-");
  EXPECT_EQ(write("other", 3 * second), "other") << "the time of the first is not over";
  EXPECT_EQ(write("third", 31 * second), "gateway: full (repeated 2 times); third");
  EXPECT_EQ(write("full", 32 * second), "full") << "after its time it is news again";
}

TEST_F(log_repeats, the_same_words_of_another_part_are_another_line) {
  EXPECT_EQ(write("full", 0, "gateway"), "full");
  EXPECT_EQ(write("full", 0, "metadata"), "full");
  EXPECT_EQ(write("full", 0, "metadata"), "-");
}

TEST_F(log_repeats, of_more_lines_than_are_remembered_the_oldest_is_forgotten_and_its_repetitions_told) {
  EXPECT_EQ(write("first", 0), "first");
  EXPECT_EQ(write("first", 0), "-");
  std::string told;
  for (std::size_t i = 0; i < limits::log_remembered; ++i)
    told += write("line " + std::to_string(i), 1) + "\n";
  EXPECT_NE(told.find("first (repeated 1 time)"), std::string::npos);
  EXPECT_EQ(write("first", 2), "first");
}

TEST_F(log_repeats, the_end_tells_what_was_not_told) {
  write("full", 0);
  write("full", 0);
  const auto rest = all.finish();
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].text, "full (repeated 1 time)");
  EXPECT_TRUE(all.finish().empty());
}

} // namespace
} // namespace muster::log
