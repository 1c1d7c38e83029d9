// Closed lists: every number has a name of its own, and what is frozen stays as it is.
#include "actors/core/names.hpp"
#include "actors/core/reason.hpp"
#include "messages/error.hpp"
#include "messages/records.hpp"
#include "tests/support/paths.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace muster {
namespace {

/// The entries `name = number` of the enum in a header of this repository.
std::map<std::string, int> listed_in(const std::string& path) {
  std::ifstream in{std::string{MUSTER_SOURCE_DIR} + "/" + path};
  std::map<std::string, int> result;
  const std::regex entry{R"(^\s+([a-z_]+) = (\d+),.*)"};
  std::smatch m;
  for (std::string line; std::getline(in, line);)
    if (std::regex_match(line, m, entry))
      result[m[1]] = std::stoi(m[2]);
  return result;
}

template <class Enum>
void expect_named(const std::string& path, std::size_t at_least, std::string_view unknown) {
  const auto listed = listed_in(path);
  ASSERT_GE(listed.size(), at_least);
  std::set<int> numbers;
  std::set<std::string> names;
  for (const auto& [name, number] : listed) {
    EXPECT_TRUE(numbers.insert(number).second) << "a number is given once: " << number;
    EXPECT_EQ(to_string(static_cast<Enum>(number)), name);
    EXPECT_TRUE(names.insert(std::string{to_string(static_cast<Enum>(number))}).second);
  }
  EXPECT_EQ(to_string(static_cast<Enum>(9'999)), unknown);
}

TEST(closed_lists, every_error_has_its_own_name) {
  expect_named<ec>("messages/error.hpp", 40, "unknown_error");
}

TEST(closed_lists, every_reason_has_its_own_name) {
  expect_named<reason>("actors/core/reason.hpp", 26, "unknown");
}

TEST(closed_lists, every_record_kind_has_its_own_name) {
  expect_named<record_kind>("messages/records.hpp", 7, "unknown");
}

TEST(closed_lists, numbers_of_the_model_and_of_released_versions_are_frozen) {
  EXPECT_EQ(static_cast<int>(ec::service_not_ready), 1);
  EXPECT_EQ(static_cast<int>(ec::collection_not_found), 100);
  EXPECT_EQ(static_cast<int>(ec::collection_not_loaded), 101);
  EXPECT_EQ(static_cast<int>(ec::resource_group_not_found), 300);
  EXPECT_EQ(static_cast<int>(ec::replica_not_found), 400);
  EXPECT_EQ(static_cast<int>(ec::channel_not_found), 500);
  EXPECT_EQ(static_cast<int>(ec::segment_not_found), 600);
  EXPECT_EQ(static_cast<int>(ec::index_not_found), 700);
  EXPECT_EQ(static_cast<int>(ec::database_not_found), 800);
  EXPECT_EQ(static_cast<int>(ec::node_not_found), 901);
  EXPECT_EQ(static_cast<int>(ec::parameter_invalid), 1100);
  EXPECT_EQ(static_cast<int>(ec::deadline_exceeded), 10001);
  EXPECT_EQ(static_cast<int>(reason::done), 200);
  EXPECT_EQ(static_cast<int>(record_kind::setting), 7);
}

TEST(closed_lists, of_every_error_it_is_said_whether_a_retry_can_help) {
  std::set<std::string_view> helps;
  int last = -1;
  for (const auto& e : error_entries()) {
    EXPECT_GT(static_cast<int>(e.code), last) << "by number, each once";
    last = static_cast<int>(e.code);
    EXPECT_EQ(to_string(e.code), e.name);
    EXPECT_EQ(is_retriable(e.code), e.retriable);
    if (e.retriable)
      helps.insert(e.name);
  }
  EXPECT_EQ(error_entries().size(), listed_in("messages/error.hpp").size());
  EXPECT_EQ(helps, (std::set<std::string_view>{"service_not_ready", "too_many_requests", "collection_not_fully_loaded",
                                               "collection_on_recovering", "resource_group_service_available",
                                               "channel_not_available", "stale_premise", "connection_lost"}));
  EXPECT_FALSE(is_retriable(static_cast<ec>(9'999)));
}

TEST(names, of_what_the_schemas_number_are_spelled_in_one_way) {
  EXPECT_EQ(schema_name(schema::TaskKind::LOAD_SEGMENT), "loadSegment");
  EXPECT_EQ(plain_name_of(schema::TaskKind::LOAD_SEGMENT), "load_segment");
  EXPECT_EQ(plain_name_of(schema::Proposer::MANUAL), "manual");
  EXPECT_EQ(schema_name(static_cast<schema::TaskKind>(999)), "999");
  EXPECT_STREQ(liveness_name(schema::NodeLiveness::GONE), "gone");
  EXPECT_STREQ(liveness_name(schema::NodeLiveness::INVALID), "unknown");
}

} // namespace
} // namespace muster
