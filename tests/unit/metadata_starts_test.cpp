// What a start of the coordinator finds in the journal: loads that were not finished, and what operators switched.
#include "actors/core/metadata_tables.hpp"
#include "actors/core/situation.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace muster {
namespace {

/// A journal in memory, and metadata over it that can start anew.
struct restarted {
  std::map<std::pair<record_kind, std::string>, std::string> disk;
  metadata_tables tables;

  commit_outcome keep(commit_outcome out) {
    for (const auto& row : out.rows) {
      if (row.payload)
        disk[{row.kind, row.key}] = *row.payload;
      else
        disk.erase({row.kind, row.key});
    }
    return out;
  }

  std::vector<std::string> start(std::uint32_t limit = 3) {
    tables = {};
    std::vector<journal_entry> entries;
    for (const auto& [key, payload] : disk)
      entries.push_back({key.first, key.second, payload});
    auto bad = tables.restore(entries);
    keep(tables.start_epoch(limit));
    return bad;
  }

  template <class Fill>
  commit_outcome commit(Fill fill) {
    return keep(tables.decide(build<schema::Commit>(fill).read()));
  }

  void load(std::int64_t id) {
    commit([&](schema::Commit::Builder b) {
      auto l = b.initLoad();
      auto c = l.initCollection();
      c.setId(id);
      c.setName("c" + std::to_string(id));
      c.setReplicaNumber(1);
      c.setWholeCollection(true);
      c.initReplicas(1);
      c.initPartitions(1).set(0, 10 * id);
      l.initHead().initChannels(1).set(0, "a");
      auto s = l.initSegments(1);
      s[0].setId(100 * id);
      s[0].setPartition(10 * id);
      s[0].setRows(1);
    });
  }

  void promote(std::int64_t id) {
    const auto next = view().collection(id)->head->next;
    commit([&](schema::Commit::Builder b) {
      b.initPromotion().setCollection(id);
      b.getPromotion().setNext(next);
    });
  }

  situation view() const {
    situation s;
    s.apply(tables.whole().take(1, 1, 0));
    return s;
  }

  std::set<std::int64_t> desired() const {
    std::set<std::int64_t> ids;
    const auto s = view();
    for (const auto& [id, c] : s.collections())
      if (c.desired)
        ids.insert(id);
    return ids;
  }
};

TEST(metadata_starts, a_load_that_was_not_finished_is_counted_at_each_start_and_given_up_beyond_the_limit) {
  // T-COL-07, T-COL-08, I-COL-03
  restarted k;
  k.start();
  k.load(7);
  for (std::uint32_t times = 1; times <= 3; ++times) {
    k.start();
    ASSERT_EQ(k.desired(), std::set<std::int64_t>{7});
    EXPECT_EQ(k.view().collection(7)->desired->recover_times, times);
  }
  k.start();
  EXPECT_EQ(k.desired(), std::set<std::int64_t>{});
  k.start();
  EXPECT_EQ(k.desired(), std::set<std::int64_t>{}) << "it stays gone";
}

TEST(metadata_starts, what_is_given_up_keeps_no_other_collection_from_being_looked_at) {
  // H-20, H-21
  restarted k;
  k.start();
  k.load(7);
  k.load(8);
  k.load(9);
  k.promote(8);
  k.start(0);
  EXPECT_EQ(k.desired(), std::set<std::int64_t>{8});
}

TEST(metadata_starts, what_is_loaded_is_counted_never_and_from_the_start_again) {
  // I-COL-01, I-COL-02, I-COL-03
  restarted k;
  k.start();
  k.load(7);
  k.start();
  k.promote(7);
  for (int i = 0; i < 5; ++i) {
    k.start();
    ASSERT_EQ(k.desired(), std::set<std::int64_t>{7});
    EXPECT_EQ(k.view().collection(7)->desired->recover_times, 0u);
    EXPECT_EQ(k.view().collection(7)->desired->status, schema::LoadStatus::LOADED);
  }
}

TEST(metadata_starts, partitions_beyond_the_limit_go_and_the_collection_stays) {
  // H-21
  restarted k;
  k.start();
  k.load(7);
  k.promote(7);
  k.commit([&](schema::Commit::Builder b) {
    auto l = b.initLoad();
    auto c = l.initCollection();
    c.setId(7);
    c.setReplicaNumber(1);
    c.initPartitions(1).set(0, 71);
    auto s = l.initSegments(1);
    s[0].setId(701);
    s[0].setPartition(71);
  });
  k.start(1);
  EXPECT_EQ(k.view().collection(7)->desired->recover_times, 1u);
  EXPECT_TRUE(k.view().collection(7)->desired->wants_partition(71));
  k.start(1);
  ASSERT_EQ(k.desired(), std::set<std::int64_t>{7});
  EXPECT_FALSE(k.view().collection(7)->desired->wants_partition(71));
  EXPECT_TRUE(k.view().collection(7)->desired->partition_loaded(70));
}

TEST(metadata_starts, switches_are_journaled_and_there_again) {
  // H-28, H-33 as Muster decides them
  restarted k;
  k.start();
  const auto change = [&](auto fill) { k.commit([&](schema::Commit::Builder b) { fill(b.initChange()); }); };
  change([](auto c) { c.setCheckerOff("balance_checker"); });
  change([](auto c) { c.setCheckerOff("index_checker"); });
  change([](auto c) { c.setCheckerOn("index_checker"); });
  const auto set = [&](const char* key, const char* value) {
    change([&](auto c) {
      auto s = c.initSetting();
      s.setKey(key);
      s.setValue(value);
    });
  };
  set("queryCoord.balancer", "RoundRobinBalancer");
  set("queryCoord.autoBalance", "false");
  set("queryCoord.autoBalance", "true");
  change([](auto c) { c.setResetSetting("queryCoord.autoBalance"); });
  k.start();
  const switches_row expected{{"balance_checker"}, {{"queryCoord.balancer", "RoundRobinBalancer"}}, {}};
  EXPECT_EQ(k.tables.switches(), expected);
  EXPECT_EQ(k.view().switches(), expected);
}

TEST(metadata_starts, a_switch_that_is_so_already_writes_nothing) {
  restarted k;
  k.start();
  const auto off = [&] { return k.commit([&](schema::Commit::Builder b) { b.initChange().setCheckerOff("index_checker"); }); };
  EXPECT_EQ(off().rows.size(), 1u);
  EXPECT_TRUE(off().rows.empty());
  EXPECT_EQ(k.commit([](schema::Commit::Builder b) { b.initChange().setResetSetting("x"); }).rows.size(), 0u);
  EXPECT_EQ(k.commit([](schema::Commit::Builder b) { b.initChange(); }).why.code, ec::parameter_invalid);
}

TEST(metadata_starts, a_suspended_node_stays_suspended_until_it_is_resumed) {
  // H-12 decided: it is an intent, and durable.
  restarted k;
  k.start();
  const auto node = k.commit([](schema::Commit::Builder b) { b.initNode().setName("n1"); }).value;
  ASSERT_EQ(k.commit([&](schema::Commit::Builder b) { b.initChange().setSuspendNode(node); }).why.code, ec::ok);
  k.start();
  EXPECT_TRUE(k.view().switches().suspended_nodes.contains(node));
  ASSERT_EQ(k.commit([&](schema::Commit::Builder b) { b.initChange().setResumeNode(node); }).why.code, ec::ok);
  k.start();
  EXPECT_TRUE(k.view().switches().suspended_nodes.empty());
  EXPECT_EQ(k.commit([&](schema::Commit::Builder b) { b.initChange().setSuspendNode(99); }).why.code, ec::node_not_found);
}

} // namespace
} // namespace muster
