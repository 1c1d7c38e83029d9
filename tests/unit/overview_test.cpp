// Guards the overview: its figures, and that it names exactly what is not as it should be.
#include "actors/core/inspection.hpp"

#include "messages/limits.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

class overview : public testing::Test {
public:
  overview() {
    w.usable({1, 2, 3});
    for (std::int64_t c : {1, 2, 3}) {
      w.loaded(c, {{1, 2}});
      w.segment(c, c * 10 + 1).segment(c, c * 10 + 2).settle(c);
    }
  }

  msg<schema::OverviewReply> look() {
    now += 1'000'000;
    inspected.hear(w.view, w.whole(), now);
    return build<schema::OverviewReply>([&](schema::OverviewReply::Builder b) { inspected.overview(w.view, b); });
  }

  static std::vector<std::int64_t> unfinished(const msg<schema::OverviewReply>& of) {
    std::vector<std::int64_t> out;
    for (auto c : of->getUnfinished())
      out.push_back(c.getId());
    return out;
  }

  world w;
  inspection inspected;
  std::int64_t now = 0;
};

TEST_F(overview, counts_nodes_by_state_collections_and_what_nodes_hold) {
  w.suspect(3);
  const auto of = look();
  ASSERT_EQ(of->getNodes().size(), 2u);
  EXPECT_EQ(of->getNodes()[0].getState(), "connected");
  EXPECT_EQ(of->getNodes()[0].getCount(), 2u);
  EXPECT_EQ(of->getNodes()[1].getState(), "suspect");
  EXPECT_EQ(of->getNodes()[1].getCount(), 1u);
  EXPECT_EQ(of->getCollections(), 3u);
  EXPECT_EQ(of->getSegments(), 6);
  EXPECT_EQ(of->getRows(), 600);
  EXPECT_EQ(of->getChannels(), 3);
  EXPECT_EQ(of->getLoading(), 0u);
  EXPECT_EQ(of->getNotServed(), 0u);
  EXPECT_EQ(of->getUnfinished().size(), 0u);
}

TEST_F(overview, names_what_is_being_loaded_or_cannot_be_searched_once_and_until_it_is_well) {
  w.collections[1].desired->status = schema::LoadStatus::LOADING;
  w.unlead(1, "a", 1);
  w.lead(3, "a", 1, 101, 5, 1, false);
  auto of = look();
  EXPECT_EQ(of->getLoading(), 1u);
  EXPECT_EQ(of->getNotServed(), 2u);
  EXPECT_EQ(unfinished(of), (std::vector<std::int64_t>{1, 3}));
  EXPECT_NE(of->getUnfinished()[0].getWaitsFor().size(), 0u);
  w.collections[1].desired->status = schema::LoadStatus::LOADED;
  w.lead(1, "a", 1);
  of = look();
  EXPECT_EQ(unfinished(of), std::vector<std::int64_t>{3});
  w.collections.erase(3);
  w.view = {};
  inspected = inspection{};
  EXPECT_EQ(unfinished(look()), std::vector<std::int64_t>{});
}

TEST_F(overview, a_released_collection_is_no_longer_named) {
  w.lead(2, "a", 1, 101, 5, 1, false);
  EXPECT_EQ(unfinished(look()), std::vector<std::int64_t>{2});
  w.collections[2].desired.reset();
  const auto of = look();
  EXPECT_EQ(of->getCollections(), 2u);
  EXPECT_EQ(of->getNotServed(), 0u);
  EXPECT_EQ(unfinished(of), std::vector<std::int64_t>{});
}

TEST_F(overview, names_no_more_than_a_limit_and_counts_them_all) {
  for (std::int64_t c = 10; c < 10 + 2 * static_cast<std::int64_t>(limits::overview_unfinished); ++c)
    w.loaded(c, {{1}});
  const auto of = look();
  EXPECT_EQ(of->getUnfinished().size(), limits::overview_unfinished);
  EXPECT_EQ(of->getNotServed(), 2 * limits::overview_unfinished);
  EXPECT_EQ(of->getUnfinished()[0].getId(), 10);
}

} // namespace
} // namespace muster
