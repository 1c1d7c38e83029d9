// Rows keep every field on their way through chunks, and say what they promise.
#include "actors/core/proposal.hpp"
#include "actors/core/rows.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(row_rules, a_target_row_is_in_the_versions_from_its_first_to_before_its_last) {
  target_row t{1, 1, 5, 0, 10, 100, 0};
  EXPECT_FALSE(t.in(4));
  EXPECT_TRUE(t.in(5));
  EXPECT_TRUE(t.in(1'000'000));
  t.to = 8;
  EXPECT_TRUE(t.in(7));
  EXPECT_FALSE(t.in(8));
  t.from = 0;
  EXPECT_FALSE(t.in(0)) << "version 0 is no version";
}

TEST(row_rules, a_fresh_delegator_reads_current_and_next_only_while_there_is_no_current) {
  head_row h;
  EXPECT_EQ(h.readable(), 0);
  h.next = 4;
  EXPECT_EQ(h.readable(), 4);
  h.current = 3;
  EXPECT_EQ(h.readable(), 3);
}

TEST(row_rules, a_replica_contains_its_read_only_nodes_too) {
  collection_row c;
  c.replicas.resize(2);
  c.replicas[0].id = 101;
  c.replicas[0].nodes = {1, 2};
  c.replicas[0].read_only_nodes = {3};
  c.replicas[1].id = 102;
  c.replicas[1].nodes = {4};
  EXPECT_TRUE(c.replicas[0].contains(3));
  EXPECT_EQ(c.replica_of(3)->id, 101);
  EXPECT_EQ(c.replica_of(4)->id, 102);
  EXPECT_EQ(c.replica_of(5), nullptr);
  EXPECT_EQ(c.replica(102)->nodes.front(), 4);
  EXPECT_EQ(c.replica(103), nullptr);
}

TEST(row_rules, segment_rows_come_back_from_their_chunk) {
  const std::vector<target_row> targets{{1, 2, 3, 4, 5, 6, 7, 6, 1ull << 63}, {8, 0, 1, 0, 2, 3, 65535}};
  std::vector<target_row> read_targets;
  auto t = chunk_of(9, targets);
  EXPECT_EQ(t.read().getTargetSegments().getCollection(), 9);
  for (auto r : t.read().getTargetSegments().getSegments())
    read_targets.push_back(read(r));
  EXPECT_EQ(read_targets, targets);
  const std::vector<copy_row> copies{{1, 2, 3, 4, 5, 255}};
  auto c = chunk_of(9, copies);
  EXPECT_EQ(read(c.read().getCopies().getCopies()[0]), copies[0]);
  const std::vector<view_row> views{{1, 2, 3}};
  auto v = chunk_of(9, views);
  EXPECT_EQ(read(v.read().getViews().getViews()[0]), views[0]);
  const std::vector<delegator_row> delegators{{"by-dev_0", 2, 3, 4, 5, true, {{6, 7}}, {{8, 9, 10}, {11, 12, 13}}}};
  auto d = chunk_of(9, delegators);
  EXPECT_EQ(read(d.read().getDelegators().getDelegators()[0]), delegators[0]);
}

TEST(row_rules, collections_heads_nodes_and_tasks_come_back_from_their_chunk) {
  collection_row c;
  c.id = 1;
  c.database = "db";
  c.name = "words";
  c.status = schema::LoadStatus::LOADING;
  c.replica_number = 2;
  c.partitions = {4, 5};
  c.replicas = {{101, "rg", {1, 2}, {3}, schema::LoadPriority::LOW, {{"c0", {1}}, {"c1", {}}}}};
  c.loading_partitions = {5};
  c.metric = "cosine";
  c.dimension = 100;
  c.whole_collection = false;
  c.revision = 77;
  const auto cc = read(chunk_of(c).read().getCollection());
  EXPECT_EQ(cc.replicas, c.replicas);
  EXPECT_EQ(cc.loading_partitions, c.loading_partitions);
  EXPECT_EQ(std::tie(cc.id, cc.database, cc.name, cc.status, cc.replica_number, cc.partitions, cc.metric, cc.dimension,
                     cc.whole_collection, cc.revision),
            std::tie(c.id, c.database, c.name, c.status, c.replica_number, c.partitions, c.metric, c.dimension,
                     c.whole_collection, c.revision));
  head_row h{1, 2, 3, {"a", "b"}, {4, 5}, "folder", 6, 7, 8, 9, {{4, 7}}, {{10, {1}, {2, 3}}}, {{11, {}, {}}, {12, {4}, {}}}, 6, 8, true};
  const auto hh = read(chunk_of(h).read().getTargetHead());
  EXPECT_EQ(std::tie(hh.collection, hh.current, hh.next, hh.channels, hh.partitions, hh.folder, hh.current_segments,
                     hh.current_rows, hh.next_segments, hh.next_rows),
            std::tie(h.collection, h.current, h.next, h.channels, h.partitions, h.folder, h.current_segments,
                     h.current_rows, h.next_segments, h.next_rows));
  EXPECT_EQ(std::tie(hh.partition_stats, hh.current_channels, hh.next_channels, hh.indexes, hh.stats, hh.indexes_known),
            std::tie(h.partition_stats, h.current_channels, h.next_channels, h.indexes, h.stats, h.indexes_known));
  node_row n;
  n.id = 3;
  n.name = "n3";
  n.address = "127.0.0.1:1";
  n.liveness = schema::NodeLiveness::SUSPECT;
  n.incarnation = 9;
  n.report_seq = 10;
  n.known = true;
  n.stopping = true;
  n.memory_mb = 11;
  n.labels = {{"zone", "a"}};
  EXPECT_EQ(read(chunk_of(std::vector<node_row>{n}).read().getNodes().getNodes()[0]), n);
  task_row t;
  t.id = 1;
  t.kind = schema::TaskKind::MOVE_SEGMENT;
  t.priority = schema::TaskPriority::HIGH;
  t.proposer = schema::Proposer::BALANCE_CHECKER;
  t.replica = 2;
  t.channel = "a";
  t.segment = 3;
  t.node = 4;
  t.source = 5;
  t.reason = 14;
  t.running = true;
  t.step = 1;
  t.rows = 6;
  const auto tt = read(chunk_of(9, std::vector<task_row>{t}).read().getTasks().getTasks()[0]);
  EXPECT_EQ(std::tie(tt.id, tt.kind, tt.priority, tt.proposer, tt.replica, tt.channel, tt.segment, tt.node, tt.source,
                     tt.reason, tt.running, tt.step, tt.rows),
            std::tie(t.id, t.kind, t.priority, t.proposer, t.replica, t.channel, t.segment, t.node, t.source, t.reason,
                     t.running, t.step, t.rows));
}

TEST(row_rules, a_proposal_comes_back_from_its_message) {
  proposal p;
  p.kind = schema::TaskKind::SERVE_SHARD;
  p.priority = schema::TaskPriority::HIGH;
  p.collection = 1;
  p.replica = 2;
  p.channel = "a";
  p.segment = 3;
  p.node = 4;
  p.source = 5;
  p.why = reason::channel_lacking;
  p.target_version = 6;
  p.version = 7;
  p.assignments = {{8, 9}, {10, 11}};
  p.removed = {12};
  auto m = build<schema::Proposals>([&](schema::Proposals::Builder b) { write(b.initProposals(1)[0], p); });
  EXPECT_EQ(read(m.read().getProposals()[0]), p);
}

} // namespace
} // namespace muster
