// Guards the placement map: what is added up into which cell, what a byte of it stands for, and that it stays small.
#include "actors/core/placement_map.hpp"

#include "messages/limits.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>
#include <kj/encoding.h>

#include <cmath>
#include <functional>
#include <limits>

namespace muster {
namespace {

/// Three collections of two segments each on the nodes 1 to 3; the second has two replicas.
class placement_map : public testing::Test {
public:
  placement_map() {
    w.usable({1, 2, 3});
    w.loaded(1, {{1, 2}});
    w.segment(1, 11, 1'000).segment(1, 12, 10).settle(1);
    w.loaded(2, {{1}, {3}});
    w.segment(2, 21, 100).segment(2, 22, 100).settle(2);
    w.loaded(3, {{2, 3}});
    w.segment(3, 31, 5).segment(3, 32, 7).settle(3);
    w.whole();
  }

  msg<schema::PlacementMapReply> ask(const std::function<void(schema::PlacementMapRequest::Builder)>& fill = [](auto) {}) {
    const auto request = build<schema::PlacementMapRequest>(fill);
    return build<schema::PlacementMapReply>([&](schema::PlacementMapReply::Builder b) { write_placement_map(w.view, request.read(), b); });
  }

  static std::vector<int> cells(const msg<schema::PlacementMapReply>& map, unsigned line) {
    std::vector<int> out;
    for (auto byte : kj::decodeBase64(map->getNodes()[line].getCells().asArray()))
      out.push_back(byte);
    return out;
  }

  world w;
};

TEST_F(placement_map, each_line_has_what_its_node_holds_of_each_collection) {
  const auto map = ask();
  ASSERT_EQ(map->getNodes().size(), 3u);
  ASSERT_EQ(map->getColumns().size(), 3u);
  EXPECT_EQ(map->getMost(), 1'000);
  EXPECT_EQ(map->getLeast(), 5);
  const auto at = [&](double rows) { return static_cast<int>(map_level(rows, 5, 1'000)); };
  EXPECT_EQ(cells(map, 0), (std::vector<int>{255, at(200), 0}));
  EXPECT_EQ(cells(map, 1), (std::vector<int>{at(10), 0, at(5)}));
  EXPECT_EQ(cells(map, 2), (std::vector<int>{0, at(200), at(7)}));
  EXPECT_EQ(map->getNodes()[1].getName(), "n2");
  EXPECT_EQ(map->getColumns()[1].getFirstName(), "c2");
}

TEST_F(placement_map, neighbouring_collections_share_a_column_and_none_is_lost) {
  const auto map = ask([](auto b) { b.setColumns(2); });
  ASSERT_EQ(map->getColumns().size(), 2u);
  EXPECT_EQ(map->getColumns()[0].getCount(), 2u);
  EXPECT_EQ(map->getColumns()[0].getLastName(), "c2");
  EXPECT_EQ(map->getColumns()[1].getCount(), 1u);
  EXPECT_EQ(map->getMost(), 1'200);
  EXPECT_EQ(cells(map, 0), (std::vector<int>{255, 0}));
}

TEST_F(placement_map, a_part_of_the_collections_can_be_asked_for) {
  const auto map = ask([](auto b) {
    b.setAfter(1);
    b.setCount(1);
  });
  ASSERT_EQ(map->getColumns().size(), 1u);
  EXPECT_EQ(map->getColumns()[0].getFirst(), 2);
  EXPECT_EQ(map->getColumns()[0].getLast(), 2);
  for (std::int64_t last : {std::int64_t{3}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(ask([&](auto b) { b.setAfter(last); })->getColumns().size(), 0u);
    EXPECT_EQ(ask([&](auto b) {
                b.setAfter(last);
                b.setNode(3);
              })->getHoldings().size(),
              0u);
  }
}

TEST_F(placement_map, replicas_are_told_by_their_number_and_various_ones_as_such) {
  const auto map = ask([](auto b) { b.setMeasure("replica"); });
  EXPECT_EQ(cells(map, 0), (std::vector<int>{1, 1, 0}));
  EXPECT_EQ(cells(map, 2), (std::vector<int>{0, 2, 1}));
  EXPECT_EQ(map->getMost(), 2);
  const auto one = ask([](auto b) {
    b.setMeasure("replica");
    b.setColumns(1);
  });
  EXPECT_EQ(cells(one, 0), std::vector<int>{1});
  EXPECT_EQ(cells(one, 2), std::vector<int>{255});
}

TEST_F(placement_map, what_a_node_holds_outside_of_all_replicas_is_not_shown_as_nothing) {
  w.copy(2, 21, 2);
  w.whole();
  const auto map = ask([](auto b) { b.setMeasure("replica"); });
  EXPECT_EQ(cells(map, 1), (std::vector<int>{1, 255, 1}));
  EXPECT_EQ(map->getMost(), 2);
  EXPECT_EQ(map->getLeast(), 0);
}

TEST_F(placement_map, memory_is_what_nodes_say_that_copies_take) {
  EXPECT_EQ(ask([](auto b) { b.setMeasure("memory"); })->getMost(), 8'000);
}

TEST_F(placement_map, a_gone_node_has_no_line) {
  w.gone(3);
  w.whole();
  EXPECT_EQ(ask()->getNodes().size(), 2u);
}

TEST_F(placement_map, of_one_node_all_that_it_has_is_named) {
  const auto of = ask([](auto b) { b.setNode(3); });
  ASSERT_EQ(of->getHoldings().size(), 2u);
  const auto second = of->getHoldings()[0];
  EXPECT_EQ(second.getCollection(), 2);
  EXPECT_EQ(second.getName(), "c2");
  EXPECT_EQ(second.getRows(), 200);
  EXPECT_EQ(second.getBytes(), 1'600);
  EXPECT_EQ(second.getSegments(), 2u);
  EXPECT_EQ(second.getChannels(), 1u);
  EXPECT_EQ(second.getReplica(), 102);
  EXPECT_EQ(second.getReplicaNumber(), 2u);
  EXPECT_EQ(of->getNext(), 0);
}

TEST_F(placement_map, what_a_copy_took_is_given_back_when_it_goes) {
  for (std::int64_t s : {21, 22})
    w.uncopy(2, s, 3);
  w.unlead(2, "a", 3);
  w.whole();
  EXPECT_EQ(w.view.collection(2)->on(3).bytes, 0);
  EXPECT_EQ(ask([](auto b) { b.setNode(3); })->getHoldings().size(), 1u);
}

TEST_F(placement_map, no_such_measure_or_node_is_refused_with_what_there_is) {
  const auto measure = ask([](auto b) { b.setMeasure("weight"); });
  EXPECT_EQ(measure->getStatus().getCode(), static_cast<unsigned>(ec::parameter_invalid));
  EXPECT_NE(view(measure->getStatus().getReason()).find("rows, memory or replica"), std::string_view::npos);
  EXPECT_EQ(ask([](auto b) { b.setNode(9); })->getStatus().getCode(), static_cast<unsigned>(ec::node_not_found));
}

TEST_F(placement_map, what_differs_by_little_looks_alike) {
  const auto map = ask([](auto b) {
    b.setAfter(1);
    b.setCount(1);
  });
  EXPECT_EQ(map->getMost(), 200);
  EXPECT_EQ(map->getLeast(), 20);
}

TEST(placement_map_levels, equal_steps_are_equal_factors_and_only_nothing_is_zero) {
  EXPECT_EQ(map_level(0, 10, 100), 1);
  EXPECT_EQ(map_level(10, 10, 100), 2);
  EXPECT_EQ(map_level(100, 10, 100), 255);
  EXPECT_EQ(map_value(1, 10, 100), 0);
  for (double value : {3.0, 70.0, 4'000.0, 900'000.0}) {
    const auto back = map_value(map_level(value, 2, 1e6), 2, 1e6);
    EXPECT_NEAR(std::log(back), std::log(value), std::log(1e6 / 2) / 253 / 2 + 1e-9) << value;
  }
}

TEST(placement_map_size, with_many_nodes_columns_become_fewer_so_that_the_cells_stay_bounded) {
  world w;
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 1; i <= 3'000; ++i)
    ids.push_back(i);
  w.usable(ids);
  for (std::int64_t c = 1; c <= 1'200; ++c)
    w.loaded(c, {{c}});
  w.whole();
  const auto request = build<schema::PlacementMapRequest>([](auto b) { b.setColumns(2'000); });
  const auto map = build<schema::PlacementMapReply>([&](schema::PlacementMapReply::Builder b) { write_placement_map(w.view, request.read(), b); });
  EXPECT_LE(map->getNodes().size() * map->getColumns().size(), limits::map_cells);
  std::size_t collections = 0;
  for (auto column : map->getColumns())
    collections += column.getCount();
  EXPECT_EQ(collections, 1'200u);
}

} // namespace
} // namespace muster
