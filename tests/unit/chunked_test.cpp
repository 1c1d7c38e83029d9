// Rules of the chunked table: where rows go, when a chunk splits, what a flush hands out.
#include "actors/core/chunked.hpp"
#include "actors/core/rows.hpp"
#include "tests/unit/dice.hpp"

#include <gtest/gtest.h>

#include <map>

namespace muster {
namespace {

copy_row at(std::int64_t segment, std::int64_t node = 1, std::int64_t version = 1) {
  return {segment, node, version, 10, 100, 1};
}

/// What a subscriber holds who applies every flush.
struct mirror {
  std::map<std::int64_t, std::vector<copy_row>> chunks;

  void take(chunked<copy_row>& table) {
    table.flush([&](std::int64_t key, const std::vector<copy_row>& rows) { chunks[key] = rows; },
                [&](std::int64_t key) { chunks.erase(key); });
  }

  /// The same for a table that keeps the messages.
  void take_sealed(chunked<copy_row>& table) {
    table.flush(
      [&](std::int64_t key, const std::vector<copy_row>& rows) {
        chunks[key] = rows;
        return chunk_of(7, rows);
      },
      [&](std::int64_t key) { chunks.erase(key); });
  }
};

TEST(chunked_table, ids_in_order_fill_their_chunks) {
  chunked<copy_row> table;
  for (std::int64_t s = 1; s <= 1'000; ++s)
    table.put(at(s));
  EXPECT_EQ(table.chunks().size(), 1'000 / limits::chunk_segments + 1);
}

TEST(chunked_table, a_chunk_is_full_at_the_limit_and_splits_with_the_next_row) {
  chunked<copy_row> table;
  for (std::size_t i = 1; i <= limits::chunk_segments; ++i)
    EXPECT_TRUE(table.put(at(static_cast<std::int64_t>(i))));
  EXPECT_EQ(table.chunks().size(), 1u);
  EXPECT_TRUE(table.put(at(static_cast<std::int64_t>(limits::chunk_segments) + 1)));
  ASSERT_EQ(table.chunks().size(), 2u);
  EXPECT_EQ(table.size(), limits::chunk_segments + 1);
  EXPECT_EQ(table.chunks().begin()->first, 0);
  const auto chunks = table.chunks();
  const auto& upper = *chunks.rbegin();
  EXPECT_EQ(upper.first, upper.second.front().segment);
}

TEST(chunked_table, rows_of_one_segment_stay_together) {
  chunked<copy_row> table;
  for (std::int64_t node = 1; node <= 300; ++node)
    table.put(at(5, node));
  EXPECT_EQ(table.chunks().size(), 1u); // over the limit, but there is nowhere to cut
  for (std::int64_t s = 1; s <= 9; ++s)
    table.put(at(s));
  std::size_t found = 0;
  table.each_of(5, [&](const copy_row&) { ++found; });
  EXPECT_EQ(found, 300u);
  for (const auto& [key, rows] : table.chunks())
    for (const auto& r : rows)
      EXPECT_GE(r.segment, key);
}

TEST(chunked_table, the_same_row_again_is_no_change) {
  chunked<copy_row> table;
  EXPECT_TRUE(table.put(at(5)));
  mirror m;
  m.take(table);
  EXPECT_FALSE(table.put(at(5)));
  int handed = 0;
  table.flush([&](auto, const auto&) { ++handed; }, [&](auto) { ++handed; });
  EXPECT_EQ(handed, 0);
  EXPECT_TRUE(table.put(at(5, 1, 2)));
  EXPECT_EQ(table.size(), 1u);
  EXPECT_EQ(table.find(at(5))->version, 2);
}

TEST(chunked_table, an_emptied_chunk_is_removed_once_and_erasing_what_is_not_there_changes_nothing) {
  chunked<copy_row> table;
  EXPECT_FALSE(table.erase(at(1)));
  table.put(at(1));
  mirror m;
  m.take(table);
  EXPECT_TRUE(table.erase(at(1)));
  EXPECT_FALSE(table.erase(at(1)));
  EXPECT_TRUE(table.empty());
  std::vector<std::int64_t> removed;
  table.flush([](auto, const auto&) { FAIL(); }, [&](std::int64_t key) { removed.push_back(key); });
  EXPECT_EQ(removed, std::vector<std::int64_t>{0});
}

TEST(chunked_table, erasing_below_the_first_chunk_makes_no_empty_chunk) {
  chunked<copy_row> table;
  for (std::int64_t s = 1; s <= 200; ++s)
    table.put(at(s));
  const auto upper = table.chunks().rbegin()->first;
  ASSERT_GT(upper, 0);
  for (std::int64_t s = 1; s < upper; ++s)
    EXPECT_TRUE(table.erase(at(s)));
  EXPECT_EQ(table.chunks().begin()->first, upper);
  EXPECT_FALSE(table.erase(at(1)));
  EXPECT_EQ(table.chunks().begin()->first, upper) << "an empty chunk would be published and never removed";
}

TEST(chunked_table, random_changes_agree_with_a_plain_map_and_its_flushes_with_the_table) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    dice d{seed};
    chunked<copy_row> table;
    std::map<std::pair<std::int64_t, std::int64_t>, copy_row> plain;
    mirror m;
    const auto range = d.from(2, 900);
    for (int i = 0; i < 3000; ++i) {
      const auto row = at(d.from(1, range), d.from(1, 3), d.from(1, 2));
      const auto key = std::make_pair(row.segment, row.node);
      if (d.below(100) < (i < 1500 ? 70 : 25)) {
        const bool change = !plain.contains(key) || !(plain.at(key) == row);
        EXPECT_EQ(table.put(row), change);
        plain[key] = row;
      } else {
        EXPECT_EQ(table.erase(row), plain.erase(key) == 1);
      }
      if (d.one_in(40))
        seed % 2 == 0 ? m.take(table) : m.take_sealed(table);
    }
    seed % 2 == 0 ? m.take(table) : m.take_sealed(table);
    ASSERT_EQ(table.size(), plain.size());
    ASSERT_EQ(m.chunks, table.chunks());
    auto i = plain.begin();
    table.each([&](const copy_row& r) { EXPECT_EQ(r, (i++)->second); });
    for (const auto& [key, row] : plain)
      ASSERT_TRUE(table.find(row) != nullptr && *table.find(row) == row);
    chunked<copy_row> back;
    for (const auto& [key, rows] : table.chunks()) {
      ASSERT_FALSE(rows.empty());
      back.restore(key, rows);
    }
    EXPECT_EQ(back.size(), table.size());
    back.flush([](auto, const auto&) { FAIL() << "restored rows are not changes"; }, [](auto) { FAIL(); });
  }
}

} // namespace
} // namespace muster
