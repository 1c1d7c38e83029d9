// The slow walk over everything: slices, rounds, pace; and the walk over the segments of one collection.
#include "actors/core/anti_entropy.hpp"
#include "tests/unit/dice.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace muster {
namespace {

/// Counts how often each segment is looked at.
struct counting_rules {
  std::map<std::pair<std::int64_t, std::int64_t>, int> seen;

  std::optional<std::int64_t> sweep(const situation& s, std::int64_t collection, std::int64_t from, std::size_t most,
                                    sweep_findings& found) {
    return s.collection(collection)->walk(from, most, true, [&](const walked_segment& w) {
      ++found.looked;
      ++seen[{collection, w.segment}];
    });
  }
};

TEST(anti_entropy, a_round_looks_at_each_segment_once_whatever_the_slice) {
  world w;
  w.usable({1, 2});
  std::size_t segments = 0;
  for (std::int64_t c = 1; c <= 5; ++c) {
    w.loaded(c, {{1, 2}});
    for (std::int64_t s = 1; s <= 7 * (c - 1); ++s, ++segments)
      w.segment(c, 100 * c + s);
    w.settle(c);
  }
  w.whole();
  EXPECT_EQ(w.view.entities(), segments + 5);
  for (std::size_t most = 1; most < 40; ++most) {
    counting_rules rules;
    sweep_cursor cursor;
    sweep_findings found;
    int slices = 0;
    do {
      found = cursor.slice(rules, w.view, most);
      EXPECT_LE(found.looked, most);
      ASSERT_LT(++slices, 1000);
    } while (!found.round_done);
    EXPECT_EQ(rules.seen.size(), segments) << most;
    for (const auto& [key, n] : rules.seen)
      EXPECT_EQ(n, 1);
  }
}

TEST(anti_entropy, collections_that_come_and_go_do_not_stop_the_round) {
  world w;
  w.usable({1});
  for (std::int64_t c = 1; c <= 3; ++c) {
    w.loaded(c, {{1}});
    for (std::int64_t s = 1; s <= 10; ++s)
      w.segment(c, 100 * c + s);
  }
  w.whole();
  counting_rules rules;
  sweep_cursor cursor;
  cursor.slice(rules, w.view, 15); // in the middle of the second
  w.collections.erase(2);
  w.whole();
  ASSERT_EQ(w.view.collection(2), nullptr);
  while (!cursor.slice(rules, w.view, 15).round_done) {
    // nop
  }
  for (std::int64_t s = 1; s <= 10; ++s)
    EXPECT_EQ((rules.seen[{3, 300 + s}]), 1);
}

TEST(anti_entropy, the_pace_makes_a_round_of_the_wanted_length) {
  using std::chrono::milliseconds;
  EXPECT_EQ(sweep_interval(0, 1000, milliseconds{300'000}), milliseconds{300'000});
  EXPECT_EQ(sweep_interval(999, 1000, milliseconds{300'000}), milliseconds{300'000});
  EXPECT_EQ(sweep_interval(1'009'000, 1000, milliseconds{300'000}), milliseconds{297});
  EXPECT_EQ(sweep_interval(1'000'000'000, 1000, milliseconds{300'000}), milliseconds{1});
}

TEST(collection_walk, joins_targets_copies_and_views_by_segment) {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  w.segment(7, 11).copy(7, 11, 1).copy(7, 11, 2).route(7, 11, 1, 2);
  w.copy(7, 5, 1).route(7, 30, 1, 1);
  w.whole();
  std::map<std::int64_t, std::string> seen;
  const auto end = w.view.collection(7)->walk(0, 100, true, [&](const walked_segment& s) {
    seen[s.segment] = std::string{s.target != nullptr ? "t" : "-"} + std::to_string(s.copies.size())
                      + std::to_string(s.views.size());
  });
  EXPECT_FALSE(end);
  EXPECT_EQ(seen, (std::map<std::int64_t, std::string>{{5, "-10"}, {11, "t21"}, {30, "-01"}}));
  std::set<std::int64_t> ids;
  EXPECT_EQ(w.view.collection(7)->walk(6, 1, false, [&](const walked_segment& s) { ids.insert(s.segment); }), std::nullopt);
  EXPECT_EQ(ids, std::set<std::int64_t>{11});
  EXPECT_EQ(w.view.collection(7)->walk(0, 1, true, [](const walked_segment&) {}), 11);
}

TEST(collection_tasks, are_found_by_segment_and_by_channel) {
  world w;
  w.usable({1}).loaded(7, {{1}});
  dice d{1};
  auto& tasks = w.collections[7].tasks;
  for (std::int64_t s = 200; s > 0; --s)
    tasks.push_back(a_task(schema::TaskKind::LOAD_SEGMENT, 101 + s % 2, s));
  tasks.push_back(a_task(schema::TaskKind::SERVE_SHARD, 102, 0, "b"));
  w.whole();
  const auto& view = *w.view.collection(7);
  for (int i = 0; i < 500; ++i) {
    const auto replica = d.from(101, 103);
    const auto s = d.from(0, 210);
    const auto* t = view.task_on(replica, s);
    ASSERT_EQ(t != nullptr, s > 0 && s <= 200 && replica == 101 + s % 2);
    if (t != nullptr) {
      EXPECT_EQ(t->segment, s);
    }
  }
  EXPECT_NE(view.task_on(102, "b"), nullptr);
  EXPECT_EQ(view.task_on(101, "b"), nullptr);
  w.collections[7].tasks.clear();
  w.publish_shards(7);
  EXPECT_EQ(view.task_on(102, "b"), nullptr);
  EXPECT_EQ(view.task_on(101, std::int64_t{2}), nullptr);
}

} // namespace
} // namespace muster
