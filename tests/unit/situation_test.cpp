// Rules of the situation: what a publication changes, what it is about, and what readers may conclude from it.
#include "tests/unit/dice.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using schema::ChunkKind;
using schema::TaskKind;

/// Two nodes, one replica, two segments led by node 1.
world small() {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  w.segment(7, 11).segment(7, 12).settle(7);
  return w;
}

TEST(situation_rules, reads_the_three_truths_of_a_collection) {
  auto w = small();
  const auto touched = w.whole();
  EXPECT_TRUE(touched.at(7).whole);
  const auto* c = w.view.collection(7);
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->desired->name, "c7");
  EXPECT_EQ(c->target_of(11)->rows, 100);
  EXPECT_FALSE(c->target_of(13));
  EXPECT_EQ(c->copies_of(11).size(), 1u);
  EXPECT_EQ(c->worker_of(12, 1), 2);
  EXPECT_EQ(c->worker_of(12, 2), 0);
  EXPECT_EQ(c->view_count(), 2u);
  EXPECT_TRUE(c->held());
  EXPECT_EQ(w.view.collection(8), nullptr);
  EXPECT_EQ(w.view.number(), 1u);
}

TEST(situation_rules, a_node_is_usable_only_connected_known_and_not_stopping) {
  world w;
  w.usable({1, 2, 3, 4, 5});
  w.suspect(2).unknown(3).gone(4);
  w.nodes.at(5).stopping = true;
  w.whole();
  EXPECT_TRUE(w.view.usable(1));
  for (std::int64_t id : {2, 3, 4, 5, 6})
    EXPECT_FALSE(w.view.usable(id)) << id;
  EXPECT_TRUE(w.view.connected(3));
  EXPECT_FALSE(w.view.connected(2));
}

TEST(situation_rules, unknown_is_not_empty) {
  auto w = small();
  w.whole();
  const auto& replica = w.view.collection(7)->desired->replicas[0];
  EXPECT_TRUE(w.view.all_known(replica));
  w.unknown(2);
  w.whole();
  EXPECT_FALSE(w.view.all_known(w.view.collection(7)->desired->replicas[0]));
  w.gone(2);
  w.whole();
  EXPECT_TRUE(w.view.all_known(w.view.collection(7)->desired->replicas[0])) << "a gone node is known to hold nothing";
  w.collections[7].desired->replicas[0].nodes.push_back(99);
  w.whole();
  EXPECT_FALSE(w.view.all_known(w.view.collection(7)->desired->replicas[0])) << "a node never heard of is unknown";
  w.collections[7].desired->replicas[0].nodes.pop_back();
  w.usable({3});
  w.unknown(3);
  w.collections[7].desired->replicas[0].read_only_nodes.push_back(3);
  w.whole();
  EXPECT_FALSE(w.view.all_known(w.view.collection(7)->desired->replicas[0])) << "read-only nodes count";
}

TEST(situation_rules, the_leader_is_serviceable_before_not_then_of_the_higher_version) {
  // D13 without the streaming node.
  world w;
  w.usable({1, 2, 9}).loaded(7, {{1, 2}});
  const auto leader = [&] {
    w.whole();
    const auto* c = w.view.collection(7);
    const auto* d = c->leader(c->desired->replicas[0], "a");
    return d == nullptr ? 0 : d->node;
  };
  EXPECT_EQ(leader(), 0);
  w.lead(7, "a", 1, 101, 0, 1, false).lead(7, "a", 2, 101, 0, 2, false);
  EXPECT_EQ(leader(), 2);
  w.lead(7, "a", 1, 101, 5, 1, true);
  EXPECT_EQ(leader(), 1);
  w.lead(7, "a", 2, 101, 5, 2, true);
  EXPECT_EQ(leader(), 2);
  w.unlead(7, "a", 1).unlead(7, "a", 2);
  w.lead(7, "a", 9, 101).lead(7, "b", 1, 101).lead(7, "a", 2, 102);
  EXPECT_EQ(leader(), 0) << "another channel, another replica, a node outside";
}

TEST(situation_rules, a_changed_node_touches_its_collections_wholly_when_conclusions_change_else_their_shards) {
  auto w = small();
  w.usable({3}).loaded(8, {{3}});
  w.whole();
  w.nodes.at(2).address = "elsewhere:1";
  auto t = w.publish({});
  ASSERT_TRUE(t.contains(7));
  EXPECT_FALSE(t.at(7).whole);
  EXPECT_FALSE(t.contains(8));
  w.unknown(2);
  t = w.publish({});
  EXPECT_TRUE(t.at(7).whole);
  EXPECT_FALSE(t.contains(8));
  w.nodes.at(2).report_seq = 99;
  t = w.publish({});
  EXPECT_FALSE(t.contains(7)) << "a new report says for itself what it touches";
  EXPECT_EQ(w.view.collections_of(2), std::set<std::int64_t>{7});
}

TEST(situation_rules, a_collection_nobody_knows_anything_of_is_forgotten) {
  auto w = small();
  w.whole();
  w.collections[7] = {};
  w.whole();
  EXPECT_EQ(w.view.collection(7), nullptr);
  EXPECT_EQ(w.view.load(1).segments, 0);
  EXPECT_EQ(w.view.load(1).channels, 0);
  EXPECT_TRUE(w.view.collections_of(1).empty());
}

TEST(situation_rules, a_released_collection_stays_while_a_node_holds_something) {
  auto w = small();
  w.whole();
  auto& c = w.collections[7];
  c.desired.reset();
  c.head.reset();
  c.target.clear();
  w.whole();
  ASSERT_NE(w.view.collection(7), nullptr);
  EXPECT_TRUE(w.view.collection(7)->held());
  c.copies.clear();
  c.views.clear();
  c.delegators.clear();
  w.whole();
  EXPECT_EQ(w.view.collection(7), nullptr);
}

TEST(situation_rules, a_whole_publication_of_some_kinds_forgets_these_and_keeps_the_rest) {
  auto w = small();
  w.whole();
  change_set set;
  set.make_whole({ChunkKind::COPIES, ChunkKind::VIEWS, ChunkKind::DELEGATORS, ChunkKind::NODES});
  const auto touched = w.view.apply(set.take(2, 1, 1));
  EXPECT_TRUE(touched.at(7).whole);
  const auto* c = w.view.collection(7);
  ASSERT_NE(c, nullptr);
  EXPECT_TRUE(c->desired.has_value());
  EXPECT_TRUE(c->copies_of(11).empty());
  EXPECT_EQ(c->view_count(), 0u);
  EXPECT_TRUE(c->workers_of(1).empty());
  EXPECT_FALSE(c->held());
  EXPECT_EQ(w.view.load(1).rows, 0);
  EXPECT_EQ(w.view.load(1).channels, 0);
  EXPECT_TRUE(w.view.nodes().empty());
  EXPECT_FALSE(w.view.all_known(c->desired->replicas[0]));
}

TEST(situation_rules, a_whole_publication_without_deltas_forgets_the_load_in_flight) {
  auto w = small();
  change_set deltas;
  deltas.put({ChunkKind::DELTAS, 0, 0}, build<schema::Chunk>([](schema::Chunk::Builder b) {
               auto d = b.initDeltas().initNodes(1)[0];
               d.setNode(1);
               d.setRows(50);
               d.setSegments(1);
             }));
  w.publish({}, std::move(deltas));
  EXPECT_EQ(w.view.load(1).rows_in_flight, 50);
  change_set set;
  set.make_whole({ChunkKind::DELTAS, ChunkKind::TASKS});
  w.view.apply(set.take(9, 1, 1));
  EXPECT_EQ(w.view.load(1).rows_in_flight, 0);
  EXPECT_EQ(w.view.load(1).segments_in_flight, 0);
}

TEST(situation_rules, tasks_are_found_by_segment_or_by_channel_never_across) {
  auto w = small();
  w.collections[7].tasks = {a_task(TaskKind::LOAD_SEGMENT, 101, 11, "a"), a_task(TaskKind::SERVE_SHARD, 101, 0, "b")};
  w.whole();
  const auto* c = w.view.collection(7);
  EXPECT_NE(c->task_on(101, 11), nullptr);
  EXPECT_EQ(c->task_on(101, 12), nullptr);
  EXPECT_EQ(c->task_on(102, 11), nullptr);
  EXPECT_NE(c->task_on(101, "b"), nullptr);
  EXPECT_EQ(c->task_on(101, "a"), nullptr) << "a segment task holds no channel";
}

TEST(situation_rules, loads_and_routed_workers_agree_with_a_count_over_random_changes) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    dice d{seed};
    world w;
    w.usable({1, 2, 3, 4});
    for (std::int64_t c = 1; c <= 3; ++c)
      w.loaded(c, {{1, 2}, {3, 4}});
    for (int round = 0; round < 30; ++round) {
      for (int i = 0; i < 10; ++i) {
        const auto c = d.from(1, 3);
        const auto s = d.from(1, 20);
        const auto n = d.from(1, 4);
        switch (d.below(5)) {
          case 0:
            w.copy(c, s, n, d.from(1, 9));
            break;
          case 1:
            w.uncopy(c, s, n);
            break;
          case 2:
            w.route(c, s, n, d.below(5));
            break;
          case 3:
            w.lead(c, "a", n, n <= 2 ? 101 : 102);
            break;
          default:
            w.unlead(c, "a", n);
        }
      }
      w.whole();
      std::map<std::int64_t, node_load> loads;
      for (const auto& [id, c] : w.collections) {
        std::map<std::int64_t, std::map<std::int64_t, std::int64_t>> workers;
        for (const auto& x : c.copies) {
          loads[x.node].rows += x.rows;
          ++loads[x.node].segments;
        }
        for (const auto& x : c.delegators)
          ++loads[x.node].channels;
        for (const auto& v : c.views)
          ++workers[v.leader][v.worker];
        for (std::int64_t n = 1; n <= 4; ++n)
          ASSERT_EQ(w.view.collection(id)->workers_of(n), workers[n]) << "seed " << seed;
        ASSERT_EQ(w.view.collection(id)->view_count(), c.views.size());
      }
      for (std::int64_t n = 1; n <= 4; ++n) {
        ASSERT_EQ(w.view.load(n).rows, loads[n].rows) << "seed " << seed;
        ASSERT_EQ(w.view.load(n).segments, loads[n].segments) << "seed " << seed;
        ASSERT_EQ(w.view.load(n).channels, loads[n].channels) << "seed " << seed;
      }
    }
  }
}

TEST(situation_rules, a_node_of_two_collections_is_found_for_both) {
  // T-RM-09: two replicas of one collection never share a node
  auto w = small();
  w.loaded(8, {{1}, {2}});
  w.whole();
  EXPECT_EQ(w.view.collections_of(2), (std::set<std::int64_t>{7, 8}));
  EXPECT_EQ(w.view.collection(8)->desired->replica_of(2)->id, 102);
}

} // namespace
} // namespace muster
