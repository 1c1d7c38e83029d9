// Partitions in metadata: which are loaded, and what their release leaves.
#include "actors/core/metadata_tables.hpp"
#include "actors/core/situation.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace muster {
namespace {

using list = std::vector<std::int64_t>;

/// Collection 7 with partitions 20 (segments 1, 2) and 21 (segment 3), loaded.
struct partitioned {
  metadata_tables tables;
  situation view;
  std::uint64_t number = 0;

  partitioned() {
    commit(build<schema::Commit>([](schema::Commit::Builder b) {
      auto l = b.initLoad();
      auto c = l.initCollection();
      c.setId(7);
      c.setName("c7");
      c.setReplicaNumber(1);
      c.setWholeCollection(true);
      c.initReplicas(1);
      auto p = c.initPartitions(2);
      p.set(0, 20);
      p.set(1, 21);
      auto head = l.initHead();
      head.initChannels(1).set(0, "a");
      auto hp = head.initPartitions(2);
      hp.set(0, 20);
      hp.set(1, 21);
      auto s = l.initSegments(3);
      for (unsigned i = 0; i < 3; ++i) {
        s[i].setId(i + 1);
        s[i].setPartition(i < 2 ? 20 : 21);
        s[i].setRows(100);
      }
    }));
  }

  commit_outcome commit(const msg<schema::Commit>& m) {
    auto out = tables.decide(m.read());
    rows = out.rows.size();
    if (!out.changes.empty())
      view.apply(out.changes.take(++number, 1, 0));
    return out;
  }

  commit_outcome promote() {
    const auto next = head().next;
    return commit(build<schema::Commit>([&](schema::Commit::Builder b) {
      b.initPromotion().setCollection(7);
      b.getPromotion().setNext(next);
    }));
  }

  commit_outcome release(const list& partitions, std::uint64_t revision = 0) {
    return commit(build<schema::Commit>([&](schema::Commit::Builder b) {
      auto r = b.initReleasePartitions();
      r.setCollection(7);
      r.setRevision(revision);
      auto p = r.initPartitions(static_cast<unsigned>(partitions.size()));
      for (unsigned i = 0; i < partitions.size(); ++i)
        p.set(i, partitions[i]);
    }));
  }

  /// Of these partitions; 22 has the segments 4 and 5.
  commit_outcome load(const list& partitions, bool whole = false, bool specified = false) {
    return commit(build<schema::Commit>([&](schema::Commit::Builder b) {
      auto l = b.initLoad();
      auto c = l.initCollection();
      c.setId(7);
      c.setReplicaNumber(1);
      c.setWholeCollection(whole);
      c.setUserSpecifiedReplicas(specified);
      auto p = c.initPartitions(static_cast<unsigned>(partitions.size()));
      for (unsigned i = 0; i < partitions.size(); ++i)
        p.set(i, partitions[i]);
      auto s = l.initSegments(5);
      for (unsigned i = 0; i < 5; ++i) {
        s[i].setId(i + 1);
        s[i].setPartition(i < 2 ? 20 : i < 3 ? 21 : 22);
        s[i].setRows(100);
      }
    }));
  }

  const head_row& head() const {
    return *view.collection(7)->head;
  }

  const collection_row& desired() const {
    return *view.collection(7)->desired;
  }

  std::set<std::int64_t> in(std::int64_t version) const {
    std::set<std::int64_t> result;
    view.collection(7)->each_target([&](const target_row& t) {
      if (t.in(version))
        result.insert(t.segment);
    });
    return result;
  }

  std::size_t rows = 0;
};

TEST(metadata_partitions, a_released_partition_leaves_next_and_current_follows_by_promotion) {
  // I-O6
  partitioned k;
  k.promote();
  const auto current = k.head().current;
  ASSERT_EQ(k.release({21}).why.code, ec::ok);
  EXPECT_EQ(k.desired().partitions, list{20});
  EXPECT_EQ(k.head().partitions, list{20});
  EXPECT_FALSE(k.desired().whole_collection);
  EXPECT_EQ(k.in(current), (std::set<std::int64_t>{1, 2, 3})) << "searches go on until the promotion";
  EXPECT_GT(k.head().next, current);
  EXPECT_EQ(k.in(k.head().next), (std::set<std::int64_t>{1, 2}));
  EXPECT_EQ(k.head().next_rows, 200);
  k.promote();
  EXPECT_EQ(k.in(k.head().current), (std::set<std::int64_t>{1, 2}));
}

// Found by the simulator (seed 2154): a promotion was concluded while a replica had no node, and committed when it had some again.
TEST(metadata_partitions, a_promotion_concluded_from_other_replicas_is_refused) {
  partitioned k;
  const auto promote_from = [&](std::uint64_t revision) {
    const auto next = k.head().next;
    return k.commit(build<schema::Commit>([&](schema::Commit::Builder b) {
      auto p = b.initPromotion();
      p.setCollection(7);
      p.setNext(next);
      p.setRevision(revision);
    })).why.code;
  };
  EXPECT_EQ(promote_from(k.desired().revision + 1), ec::stale_premise);
  EXPECT_EQ(k.head().current, 0);
  EXPECT_EQ(promote_from(k.desired().revision), ec::ok);
  EXPECT_NE(k.head().current, 0);
}

TEST(metadata_partitions, the_last_partitions_take_the_collection_with_them) {
  partitioned k;
  ASSERT_EQ(k.release({20, 21}).why.code, ec::ok);
  EXPECT_EQ(k.view.collection(7), nullptr);
}

TEST(metadata_partitions, releasing_what_is_not_there_changes_nothing) {
  partitioned k;
  ASSERT_EQ(k.release({99}).why.code, ec::ok);
  EXPECT_EQ(k.rows, 0u);
  EXPECT_EQ(k.desired().partitions, (list{20, 21}));
  ASSERT_EQ(k.release({20, 21}).why.code, ec::ok);
  ASSERT_EQ(k.release({20}).why.code, ec::ok);
  EXPECT_EQ(k.rows, 0u);
}

TEST(metadata_partitions, what_came_later_to_a_whole_collection_stays_when_another_partition_is_released) {
  partitioned k;
  k.promote();
  k.commit(build<schema::Commit>([&](schema::Commit::Builder b) {
    auto n = b.initNext();
    n.setCollection(7);
    n.setCurrent(k.head().current);
    auto s = n.initAdded(1)[0];
    s.setId(4);
    s.setPartition(22);
  }));
  k.promote();
  ASSERT_EQ(k.desired().partitions, (list{20, 21}));
  ASSERT_EQ(k.release({20}).why.code, ec::ok);
  EXPECT_EQ(k.desired().partitions, (list{21, 22}));
  k.promote();
  EXPECT_EQ(k.in(k.head().current), (std::set<std::int64_t>{3, 4}));
  ASSERT_EQ(k.release({22}).why.code, ec::ok) << "by its own name too";
  EXPECT_EQ(k.desired().partitions, (list{21}));
}

TEST(metadata_partitions, a_release_concluded_from_an_older_state_is_refused) {
  partitioned k;
  const auto revision = k.desired().revision;
  k.promote();
  EXPECT_EQ(k.release({21}, revision).why.code, ec::stale_premise);
  EXPECT_EQ(k.release({21}, k.desired().revision).why.code, ec::ok);
}

TEST(metadata_partitions, a_partition_counts_as_loaded_once_a_promotion_contains_it) {
  // I-O2
  partitioned k;
  EXPECT_FALSE(k.desired().partition_loaded(20));
  EXPECT_TRUE(k.desired().wants_partition(20));
  k.promote();
  EXPECT_TRUE(k.desired().partition_loaded(20));
  EXPECT_FALSE(k.desired().partition_loaded(22));
  auto row = k.desired();
  row.loading_partitions = {21};
  EXPECT_TRUE(row.partition_loaded(20));
  EXPECT_FALSE(row.partition_loaded(21));
}

TEST(metadata_partitions, a_partition_released_during_the_first_load_is_not_waited_for) {
  // O05: what is loaded stays, what never came goes.
  partitioned k;
  ASSERT_EQ(k.release({21}).why.code, ec::ok);
  EXPECT_EQ(k.in(k.head().next), (std::set<std::int64_t>{1, 2}));
  EXPECT_EQ(k.head().current, 0);
  k.promote();
  EXPECT_EQ(k.desired().status, schema::LoadStatus::LOADED);
  EXPECT_EQ(k.head().current_segments, 2u);
}

TEST(metadata_partitions, what_a_target_says_of_channels_moves_with_the_promotion) {
  partitioned k;
  k.promote();
  const auto current = k.head().current;
  k.commit(build<schema::Commit>([&](schema::Commit::Builder b) {
    auto n = b.initNext();
    n.setCollection(7);
    n.setCurrent(current);
    auto c = n.initChannels(1)[0];
    c.setSeekPosition(10);
    c.initGrowing(1).set(0, 4);
  }));
  EXPECT_TRUE(k.head().current_channels.empty());
  ASSERT_EQ(k.head().next_channels.size(), 1u);
  k.promote();
  EXPECT_TRUE(k.head().next_channels.empty());
  EXPECT_EQ(k.head().current_channels.at(0), (channel_target{10, {4}, {}}));
  k.release({21});
  EXPECT_EQ(k.head().next_channels.at(0).seek, 10) << "another next knows no less";
}

TEST(metadata_partitions, more_partitions_come_into_next_and_are_loaded_with_its_promotion) {
  // T-JOB-07, T-JOB-09: what is loaded stays readable meanwhile (H-16 decided).
  partitioned k;
  k.promote();
  const auto current = k.head().current;
  ASSERT_EQ(k.load({21, 22}).why.code, ec::ok);
  EXPECT_EQ(k.desired().status, schema::LoadStatus::LOADED);
  EXPECT_EQ(k.desired().partitions, (list{20, 21, 22}));
  EXPECT_FALSE(k.desired().partition_loaded(22));
  EXPECT_TRUE(k.desired().partition_loaded(20));
  EXPECT_EQ(k.in(current), (std::set<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(k.in(k.head().next), (std::set<std::int64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(k.head().next_rows, 500);
  k.promote();
  EXPECT_TRUE(k.desired().partition_loaded(22));
  EXPECT_EQ(k.head().partitions, (list{20, 21, 22}));
}

TEST(metadata_partitions, loading_what_is_loaded_changes_nothing) {
  // T-JOB-02, T-JOB-03, T-SVC-07, T-SVC-10, I-SVC-01
  partitioned k;
  k.promote();
  const auto revision = k.desired().revision;
  ASSERT_EQ(k.load({20, 21}).why.code, ec::ok);
  EXPECT_EQ(k.rows, 0u);
  ASSERT_EQ(k.load({20, 21}, true).why.code, ec::ok);
  EXPECT_EQ(k.rows, 0u);
  EXPECT_EQ(k.desired().revision, revision);
}

TEST(metadata_partitions, a_partition_that_was_released_comes_back_with_what_was_not_gone_yet) {
  partitioned k;
  k.promote();
  ASSERT_EQ(k.release({21}).why.code, ec::ok);
  ASSERT_EQ(k.load({21}).why.code, ec::ok);
  const auto current = k.head().current;
  EXPECT_EQ(k.in(current), (std::set<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(k.in(k.head().next), (std::set<std::int64_t>{1, 2, 3}));
  k.promote();
  EXPECT_EQ(k.in(k.head().current), (std::set<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(k.desired().partitions, (list{20, 21}));
}

TEST(metadata_partitions, loading_the_whole_collection_wants_later_partitions_too) {
  // H-17 decided: a collection that was loaded partition by partition becomes whole when the whole is asked for.
  partitioned k;
  k.promote();
  ASSERT_EQ(k.release({21}).why.code, ec::ok);
  k.promote();
  ASSERT_FALSE(k.desired().whole_collection);
  ASSERT_EQ(k.load({20}, true).why.code, ec::ok);
  EXPECT_TRUE(k.desired().whole_collection);
}

TEST(metadata_partitions, asking_for_a_number_of_replicas_is_remembered_and_never_forgotten) {
  // T-JOB-19
  partitioned k;
  k.promote();
  EXPECT_FALSE(k.desired().user_specified_replicas);
  ASSERT_EQ(k.load({22}, false, true).why.code, ec::ok);
  EXPECT_TRUE(k.desired().user_specified_replicas);
  ASSERT_EQ(k.load({20}, false, false).why.code, ec::ok);
  EXPECT_TRUE(k.desired().user_specified_replicas);
}

TEST(metadata_partitions, many_are_released_in_one_call_and_none_of_them_remains) {
  // T-KV-03, I-COL-05
  partitioned p;
  list many;
  for (std::int64_t i = 100; i < 250; ++i)
    many.push_back(i);
  p.load(many);
  EXPECT_EQ(p.desired().partitions.size(), 152u);
  for (auto i : many)
    EXPECT_TRUE(p.desired().wants_partition(i));
  p.release(many);
  EXPECT_EQ(p.desired().partitions, (list{20, 21}));
}

} // namespace
} // namespace muster
