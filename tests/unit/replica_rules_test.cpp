// Rules of replica_observer: which nodes belong to which replica.
#include "actors/core/replica_rules.hpp"
#include "tests/unit/dice.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using list = std::vector<std::int64_t>;

TEST(replica_assignment_rules, nodes_are_spread_evenly_and_the_same_way_each_time) {
  std::vector<replica_row> r{{101, "", {}, {}}, {102, "", {}, {}}};
  assign_nodes(r, {4, 1, 3, 2, 5});
  EXPECT_EQ(r[0].nodes, (list{1, 3, 5}));
  EXPECT_EQ(r[1].nodes, (list{2, 4}));
  assign_nodes(r, {6});
  EXPECT_EQ(r[1].nodes, (list{2, 4, 6})) << "the smaller replica first";
  std::vector<replica_row> none;
  assign_nodes(none, {1});
}

TEST(replica_observer_rules, a_gone_node_leaves_its_replica) {
  // S03
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  w.gone(2);
  const auto touched = w.whole();
  const auto out = check_replicas(w.view, touched, false);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].collection, 7);
  EXPECT_EQ(out[0].revision, 1u);
  EXPECT_EQ(out[0].replicas.at(0).nodes, list{1});
}

TEST(replica_observer_rules, a_suspect_or_unknown_node_stays) {
  world w;
  w.usable({1, 2, 3}).loaded(7, {{1, 2, 3}});
  w.suspect(2).unknown(3);
  const auto touched = w.whole();
  EXPECT_TRUE(check_replicas(w.view, touched, true).empty());
}

TEST(replica_observer_rules, a_new_node_joins_a_replica_of_every_collection_once_it_has_reported) {
  // S01, T-SRV-03
  world w;
  w.usable({1, 2, 3}).loaded(7, {{1}, {2}});
  w.loaded(8, {{1, 2}});
  w.unknown(3);
  auto touched = w.whole();
  EXPECT_TRUE(check_replicas(w.view, touched, true).empty());
  w.nodes.at(3).known = true;
  touched = w.publish({});
  const auto out = check_replicas(w.view, touched, true);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].replicas.at(0).id, 101);
  EXPECT_EQ(out[0].replicas.at(0).nodes, (list{1, 3}));
  EXPECT_EQ(out[0].replicas.size(), 1u) << "only what changes";
  EXPECT_EQ(out[1].replicas.at(0).nodes, (list{1, 2, 3}));
}

TEST(replica_observer_rules, a_stopping_node_joins_none) {
  world w;
  w.usable({1, 2}).loaded(7, {{1}});
  w.nodes.at(2).stopping = true;
  const auto touched = w.whole();
  EXPECT_TRUE(check_replicas(w.view, touched, true).empty());
}

TEST(replica_observer_rules, a_node_of_one_replica_is_never_taken_for_another) {
  // I-RM-01, I-RM-04
  world w;
  w.usable({1, 2, 3}).loaded(7, {{1, 2, 3}, {}});
  const auto touched = w.whole();
  EXPECT_TRUE(check_replicas(w.view, touched, true).empty());
}

TEST(replica_observer_rules, without_a_usable_node_only_wholly_touched_collections_are_looked_at) {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  w.whole();
  w.nodes.at(2).liveness = schema::NodeLiveness::GONE; // as if some other change hid it
  touched_map shards;
  shards[7];
  w.publish(shards);
  EXPECT_TRUE(check_replicas(w.view, shards, false).empty());
  shards[7].whole = true;
  EXPECT_EQ(check_replicas(w.view, shards, false).size(), 1u);
}

TEST(replica_observer_rules, from_any_random_start_every_usable_node_ends_in_exactly_one_replica) {
  // T-RM-03 with one group, T-JOB-22
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    dice d{seed};
    world w;
    list ids;
    for (std::int64_t n = 1; n <= d.from(1, 12); ++n)
      ids.push_back(n);
    w.usable(ids);
    std::vector<list> replicas(static_cast<std::size_t>(d.from(1, 4)));
    for (auto n : ids)
      if (d.one_in(2))
        replicas[static_cast<std::size_t>(d.below(static_cast<std::int64_t>(replicas.size())))].push_back(n);
    for (auto n : ids)
      if (d.one_in(5))
        w.gone(n);
    w.loaded(7, replicas);
    const auto touched = w.whole();
    for (const auto& a : check_replicas(w.view, touched, true))
      for (const auto& r : a.replicas)
        for (auto& mine : w.collections[7].desired->replicas)
          if (mine.id == r.id)
            mine = r;
    std::map<std::int64_t, int> seen;
    for (const auto& r : w.collections[7].desired->replicas)
      for (auto n : r.nodes)
        ++seen[n];
    for (auto n : ids)
      EXPECT_EQ(seen[n], w.nodes.at(n).gone() ? 0 : 1) << "seed " << seed << " node " << n;
    const auto again = w.whole();
    EXPECT_TRUE(check_replicas(w.view, again, true).empty()) << "seed " << seed;
  }
}

} // namespace
} // namespace muster
