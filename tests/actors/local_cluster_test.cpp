// The whole loop in one process: load, search, release, append, loss of a node, restart of the coordinator.
#include "tests/support/local_cluster.hpp"

#include "persistence/memory_engine.hpp"

#include <gtest/gtest.h>

#include <set>

namespace muster {
namespace {

/// Everything that the shard leaders of a collection answer, by segment.
std::set<std::int64_t> segments_found(local_cluster& cluster, const std::string& name) {
  auto reply = cluster.ask(
    build<schema::ClientRequest>([&](auto b) { b.initGetShardLeaders().setCollection(name); }));
  std::set<std::int64_t> found;
  auto routes = reply->getGetShardLeaders().getRoutes();
  EXPECT_EQ(reply->getGetShardLeaders().getStatus().getCode(), 0)
    << reply->getGetShardLeaders().getStatus().getReason().cStr();
  for (auto shard : routes.getShards()) {
    EXPECT_GT(shard.getLeaders().size(), 0u);
    for (auto leader : shard.getLeaders()) {
      auto answer = cluster.search(std::string{view(leader.getAddress())}, build<schema::SearchRequest>([&](auto b) {
        b.setCollection(routes.getCollectionId());
        b.setChannel(shard.getChannel());
        b.initVectors(1).set(0, 0.0f);
        b.setDimension(1);
        b.setK(10'000);
      }));
      EXPECT_EQ(answer->getStatus().getCode(), 0) << answer->getStatus().getReason().cStr();
      for (auto q : answer->getQueries())
        for (auto hit : q.getHits())
          found.insert(hit.getId() / memory_engine_id_stride);
    }
  }
  return found;
}

bool whole(schema::GetStatusReply::Reader s, std::size_t collections = 1) {
  if (s.getCollections().size() != collections)
    return false;
  for (auto c : s.getCollections())
    if (c.getWaitsFor().size() > 0)
      return false;
  return s.getTasks().size() == 0;
}

std::string reason_of(const msg<schema::ClientReply>& reply) {
  return std::string{view(reply->getStatus().getReason())} + std::string{view(reply->getLoadCollection().getStatus().getReason())};
}

TEST(local_cluster, answers_a_load_when_every_segment_can_be_searched) {
  local_cluster cluster{{.nodes = 3}};
  cluster.import("words", 8, 10, 2);
  auto loaded = cluster.load("words");
  ASSERT_EQ(loaded->getLoadCollection().getStatus().getCode(), 0) << reason_of(loaded);
  EXPECT_EQ(segments_found(cluster, "words").size(), 8u);
}

TEST(local_cluster, releases_everything_before_it_answers) {
  local_cluster cluster{{.nodes = 2}};
  cluster.import("words", 4, 10, 2);
  cluster.load("words");
  auto released = cluster.release("words");
  ASSERT_EQ(released->getReleaseCollection().getStatus().getCode(), 0);
  const auto status = cluster.status();
  for (auto n : status->getNodes()) {
    EXPECT_EQ(n.getSegments(), 0u);
    EXPECT_EQ(n.getChannels(), 0u);
  }
}

TEST(local_cluster, refuses_more_replicas_than_nodes) {
  local_cluster cluster{{.nodes = 1}};
  cluster.import("words", 2, 10);
  auto loaded = cluster.load("words", 2);
  EXPECT_EQ(loaded->getLoadCollection().getStatus().getCode(), static_cast<int>(ec::resource_group_node_not_enough));
  EXPECT_EQ(cluster.status()->getCollections().size(), 0u) << "a load that failed leaves nothing (I-JOB-03)";
}

TEST(local_cluster, serves_appended_segments_after_the_switch) {
  local_cluster cluster{{.nodes = 2}};
  cluster.import("words", 4, 10, 2);
  ASSERT_EQ(cluster.load("words")->getLoadCollection().getStatus().getCode(), 0);
  cluster.import("words", 3, 10, 2, true);
  cluster.await_status([](auto s) { return whole(s) && s.getCollections()[0].getSegments() == 7; });
  EXPECT_EQ(segments_found(cluster, "words").size(), 7u);
}

TEST(local_cluster, is_whole_again_after_the_loss_of_a_node) {
  local_cluster cluster{{.nodes = 4, .node_gone = std::chrono::milliseconds{100}}};
  cluster.import("words", 8, 10, 2);
  ASSERT_EQ(cluster.load("words", 2)->getLoadCollection().getStatus().getCode(), 0);
  cluster.kill_node("n2");
  auto s = cluster.await_status([](auto s) {
    bool gone = false;
    for (auto n : s.getNodes())
      gone = gone || view(n.getState()) == "gone";
    return gone && whole(s);
  });
  EXPECT_TRUE(whole(s.read())) << s->getCollections()[0].getWaitsFor().cStr();
  EXPECT_EQ(segments_found(cluster, "words").size(), 8u);
}

TEST(local_cluster, spreads_rows_when_a_node_joins) {
  local_cluster cluster{{.nodes = 1}};
  cluster.import("words", 8, 10, 2);
  ASSERT_EQ(cluster.load("words")->getLoadCollection().getStatus().getCode(), 0);
  cluster.add_node();
  auto s = cluster.await_status([](auto s) {
    std::size_t filled = 0;
    for (auto n : s.getNodes())
      filled += n.getSegments() == 4;
    return filled == 2 && whole(s);
  });
  for (auto n : s->getNodes())
    EXPECT_EQ(n.getSegments(), 4u);
  EXPECT_EQ(segments_found(cluster, "words").size(), 8u);
}

TEST(local_cluster, keeps_a_load_over_a_restart_of_the_coordinator_and_reloads_nothing) {
  local_cluster cluster{{.nodes = 2}};
  cluster.import("words", 6, 10, 2);
  ASSERT_EQ(cluster.load("words")->getLoadCollection().getStatus().getCode(), 0);
  auto versions = [&] {
    std::set<std::string> all;
    auto info = cluster.ask(
      build<schema::ClientRequest>([&](auto b) { b.initGetLoadSegmentInfo().setCollection("words"); }));
    for (auto s : info->getGetLoadSegmentInfo().getSegments())
      for (auto n : s.getNodes())
        all.insert(std::to_string(s.getId()) + "@" + std::to_string(n));
    return all;
  };
  const auto before = versions();
  cluster.restart_coordinator();
  auto s = cluster.await_status([](auto s) { return whole(s); });
  EXPECT_TRUE(whole(s.read()));
  EXPECT_EQ(versions(), before);
  EXPECT_EQ(segments_found(cluster, "words").size(), 6u);
}

} // namespace
} // namespace muster
