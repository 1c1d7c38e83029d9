// Rules of the table behind pushed routes: changes since a version, and how much of what is gone is remembered.
#include "actors/core/route_table.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace muster {
namespace {

msg<schema::CollectionRoutes> routes(std::int64_t id, std::int64_t version) {
  return build<schema::CollectionRoutes>([&](schema::CollectionRoutes::Builder b) {
    b.setCollectionId(id);
    b.setName("c" + std::to_string(id));
    b.setTargetVersion(version);
    b.setRemoved(version == 0);
  });
}

/// One round of changes.
void round(route_table& t, std::vector<std::pair<std::int64_t, std::int64_t>> changes) {
  for (auto [id, version] : changes)
    t.put(id, routes(id, version));
  t.publish();
}

std::vector<std::string> names(const std::vector<msg<schema::CollectionRoutes>>& list) {
  std::vector<std::string> out;
  for (const auto& r : list)
    out.push_back((r->getRemoved() ? "-" : "") + std::string{view(r->getName())});
  return out;
}

using list = std::vector<std::string>;

TEST(route_table_rules, who_knows_a_version_is_told_what_changed_since_each_once) {
  route_table t;
  round(t, {{1, 5}, {2, 5}});
  EXPECT_EQ(t.version(), 1u);
  round(t, {{1, 6}});
  round(t, {{3, 5}, {1, 7}});
  EXPECT_EQ(names(*t.changes_after(1)), (list{"c1", "c3"}));
  EXPECT_EQ(names(*t.changes_after(2)), (list{"c1", "c3"}));
  EXPECT_EQ(names(*t.changes_after(3)), list{});
  EXPECT_EQ(names(t.all()), (list{"c1", "c2", "c3"}));
}

TEST(route_table_rules, what_is_the_same_is_no_change) {
  route_table t;
  round(t, {{1, 5}});
  EXPECT_FALSE(t.put(1, routes(1, 5)));
  EXPECT_FALSE(t.put(2, routes(2, 0))) << "nobody was ever told of it";
  EXPECT_EQ(t.publish(), 1u);
}

TEST(route_table_rules, what_is_gone_is_told_by_name_until_too_much_is_gone_and_then_everything_is_told_anew) {
  route_table t{2};
  round(t, {{1, 5}, {2, 5}, {3, 5}, {4, 5}});
  round(t, {{1, 0}});
  round(t, {{2, 0}});
  EXPECT_EQ(names(*t.changes_after(1)), (list{"-c1", "-c2"}));
  round(t, {{3, 0}});
  EXPECT_EQ(t.gone(), 2u);
  EXPECT_FALSE(t.changes_after(1)) << "the table has forgotten that 1 is gone";
  EXPECT_EQ(names(*t.changes_after(2)), (list{"-c2", "-c3"})) << "who knew that 1 is gone needs no more";
  EXPECT_EQ(names(t.all()), list{"c4"});
}

TEST(route_table_rules, more_gone_in_one_round_than_is_remembered_is_told_whole) {
  route_table t{2};
  round(t, {{1, 5}, {2, 5}, {3, 5}});
  round(t, {{1, 0}, {2, 0}, {3, 0}});
  EXPECT_FALSE(t.changes_after(1));
  EXPECT_EQ(names(*t.changes_after(2)), list{});
}

TEST(route_table_rules, what_came_back_is_gone_no_more) {
  route_table t{1};
  round(t, {{1, 5}, {2, 5}});
  round(t, {{1, 0}});
  round(t, {{1, 6}});
  EXPECT_EQ(t.gone(), 0u);
  round(t, {{2, 0}});
  EXPECT_EQ(names(*t.changes_after(1)), (list{"c1", "-c2"}));
}

TEST(route_table_rules, loading_and_releasing_for_ever_keeps_a_limited_memory) {
  route_table t{10};
  for (std::int64_t id = 1; id <= 1'000; ++id)
    round(t, {{id, 5}, {id - 1, 0}});
  EXPECT_EQ(t.gone(), 10u);
  EXPECT_EQ(t.all().size(), 1u);
  EXPECT_EQ(t.changes_after(t.version() - 1)->size(), 2u);
}

} // namespace
} // namespace muster
