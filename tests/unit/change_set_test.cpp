// Rules of change sets: a union of publications says what the last of them says, in bounded size.
#include "actors/core/change_set.hpp"
#include "actors/core/chunk_store.hpp"
#include "actors/core/rows.hpp"
#include "messages/limits.hpp"
#include "tests/unit/dice.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using schema::ChunkKind;

msg<schema::Chunk> a_chunk(std::int64_t collection, std::int64_t mark) {
  return chunk_of(collection, std::vector<copy_row>{{mark, 1, 1, 1, 1, 1}});
}

std::int64_t mark_of(const msg<schema::Chunk>& chunk) {
  return chunk.read().getCopies().getCopies()[0].getSegment();
}

/// The chunks of a store, by key, as marks.
std::map<chunk_key, std::int64_t> content(const chunk_store& store) {
  std::map<chunk_key, std::int64_t> result;
  auto p = store.whole({ChunkKind::COPIES, ChunkKind::VIEWS}).take(1, 1, 1);
  std::size_t i = 0;
  for (auto ref : p.header.read().getChunks())
    result[{ref.getKind(), ref.getCollection(), ref.getKey()}] = mark_of(p.chunks[i++]);
  return result;
}

TEST(touched_rules, ids_up_to_the_limit_are_listed_and_one_more_makes_the_collection_whole) {
  touched_ids ids;
  for (std::size_t i = 1; i <= limits::touched_segments; ++i)
    ids.add(static_cast<std::int64_t>(i));
  EXPECT_FALSE(ids.whole);
  ids.add(1);
  EXPECT_FALSE(ids.whole);
  ids.add(static_cast<std::int64_t>(limits::touched_segments) + 1);
  EXPECT_TRUE(ids.whole);
  EXPECT_TRUE(ids.segments.empty());
  ids.add(5);
  EXPECT_TRUE(ids.segments.empty());
}

TEST(touched_rules, whole_swallows_ids_in_either_order) {
  touched_ids some;
  some.add(3);
  touched_ids all;
  all.whole = true;
  auto a = some;
  a.add(all);
  EXPECT_TRUE(a.whole);
  EXPECT_TRUE(a.segments.empty());
  auto b = all;
  b.add(some);
  EXPECT_TRUE(b.whole);
  EXPECT_TRUE(b.segments.empty());
}

TEST(change_set_rules, the_header_names_every_chunk_removal_and_touch_and_taking_empties_the_set) {
  change_set set;
  EXPECT_TRUE(set.empty());
  set.put({ChunkKind::COPIES, 7, 0}, a_chunk(7, 1));
  set.remove({ChunkKind::VIEWS, 7, 128});
  set.touch(7, 11);
  set.touch(8);
  set.touch_whole(9);
  set.touch_node(3);
  auto p = set.take(42, 6, 1000);
  EXPECT_TRUE(set.empty());
  auto h = p.header.read();
  EXPECT_EQ(h.getNumber(), 42u);
  EXPECT_EQ(h.getHeader().getEpoch(), 6u);
  EXPECT_EQ(h.getHeader().getEnqueuedAt(), 1000);
  EXPECT_FALSE(h.getWhole());
  ASSERT_EQ(h.getChunks().size(), 1u);
  ASSERT_EQ(p.chunks.size(), 1u);
  EXPECT_EQ(h.getChunks()[0].getCollection(), 7);
  ASSERT_EQ(h.getRemoved().size(), 1u);
  EXPECT_EQ(h.getRemoved()[0].getKey(), 128);
  ASSERT_TRUE(p.touched);
  EXPECT_EQ(*p.touched, (touched_map{{7, {false, {11}}}, {8, {}}, {9, {true, {}}}}));
  EXPECT_EQ(h.getNodesTouched()[0], 3);
}

TEST(change_set_rules, chunks_pass_by_reference) {
  auto chunk = a_chunk(7, 1);
  change_set set;
  set.put({ChunkKind::COPIES, 7, 0}, chunk);
  auto p = set.take(1, 1, 1);
  EXPECT_TRUE(p.chunks[0].same_block(chunk));
  change_set later;
  later.merge(p);
  EXPECT_TRUE(later.take(2, 1, 1).chunks[0].same_block(chunk));
}

TEST(change_set_rules, the_newer_of_two_puts_wins_and_a_removal_undoes_a_put) {
  change_set set;
  set.put({ChunkKind::COPIES, 7, 0}, a_chunk(7, 1));
  set.put({ChunkKind::COPIES, 7, 0}, a_chunk(7, 2));
  auto p = set.take(1, 1, 1);
  ASSERT_EQ(p.chunks.size(), 1u);
  EXPECT_EQ(mark_of(p.chunks[0]), 2);
  change_set gone;
  gone.remove({ChunkKind::COPIES, 7, 0});
  set.merge(p);
  set.merge(gone.take(2, 1, 1));
  auto q = set.take(3, 1, 1);
  EXPECT_TRUE(q.chunks.empty());
  EXPECT_EQ(q.header.read().getRemoved().size(), 1u);
}

TEST(change_set_rules, a_later_whole_of_a_kind_forgets_earlier_chunks_of_that_kind_only) {
  change_set set;
  set.put({ChunkKind::COPIES, 7, 0}, a_chunk(7, 1));
  set.put({ChunkKind::VIEWS, 7, 0}, a_chunk(7, 2));
  set.touch(7, 5);
  change_set later;
  later.make_whole({ChunkKind::COPIES});
  later.put({ChunkKind::COPIES, 8, 0}, a_chunk(8, 3));
  set.merge(later.take(1, 1, 1));
  auto p = set.take(2, 1, 1);
  auto h = p.header.read();
  EXPECT_TRUE(h.getWhole());
  ASSERT_EQ(h.getKinds().size(), 1u);
  EXPECT_EQ(h.getKinds()[0], ChunkKind::COPIES);
  ASSERT_EQ(h.getChunks().size(), 2u);
  EXPECT_EQ(*p.touched, (touched_map{{7, {false, {5}}}}));
}

TEST(change_set_rules, any_grouping_of_random_publications_leaves_a_subscriber_with_the_same_chunks) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    dice d{seed};
    std::vector<publication> sent;
    const auto n = d.from(1, 20);
    for (int i = 0; i < n; ++i) {
      change_set set;
      if (d.one_in(6))
        set.make_whole(d.one_in(2) ? std::set{ChunkKind::COPIES} : std::set{ChunkKind::COPIES, ChunkKind::VIEWS});
      for (auto k = d.from(0, 5); k > 0; --k) {
        const chunk_key key{d.one_in(2) ? ChunkKind::COPIES : ChunkKind::VIEWS, d.from(1, 3), d.below(2) * 100};
        if (d.one_in(3))
          set.remove(key);
        else
          set.put(key, a_chunk(key.collection, d.from(1, 1'000'000)));
      }
      sent.push_back(set.take(static_cast<std::uint64_t>(i) + 1, 1, 1));
    }
    chunk_store each;
    for (const auto& p : sent)
      each.apply(p);
    chunk_store grouped;
    change_set pending;
    for (const auto& p : sent) {
      pending.merge(p);
      if (d.one_in(3))
        grouped.apply(pending.take(1, 1, 1));
    }
    grouped.apply(pending.take(1, 1, 1));
    ASSERT_EQ(content(grouped), content(each)) << "seed " << seed;
  }
}

TEST(chunk_store_rules, the_whole_names_all_that_stands_and_touches_it_wholly) {
  chunk_store store;
  change_set set;
  set.put({ChunkKind::COPIES, 7, 0}, a_chunk(7, 1));
  set.put({ChunkKind::COPIES, 8, 0}, a_chunk(8, 2));
  node_row n;
  n.id = 3;
  set.put({ChunkKind::NODES, 0, 0}, chunk_of(std::vector<node_row>{n}));
  store.apply(set.take(1, 1, 1));
  set.remove({ChunkKind::COPIES, 8, 0});
  store.apply(set.take(2, 1, 1));
  auto all = store.whole({ChunkKind::COPIES, ChunkKind::NODES});
  EXPECT_TRUE(all.touched().at(7).whole);
  EXPECT_FALSE(all.touched().contains(8));
  auto p = all.take(3, 1, 1);
  EXPECT_EQ(p.chunks.size(), 2u);
  EXPECT_EQ(p.header.read().getNodesTouched()[0], 3);
}

} // namespace
} // namespace muster
