// Rules of reads: who may be searched, how far a load is, and the first thing a collection waits for.
#include "actors/core/answers.hpp"
#include "actors/core/reason.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using schema::TaskKind;

/// Two replicas {1, 2} and {3, 4}, channels a and b, four segments, all whole.
world small() {
  world w;
  w.usable({1, 2, 3, 4}).loaded(7, {{1, 2}, {3, 4}}, 2);
  for (std::int64_t s : {11, 12, 13, 14})
    w.segment(7, s, 100, static_cast<std::uint16_t>(s % 2));
  w.collections[7].head->current_segments = 4;
  w.collections[7].head->current_rows = 400;
  w.settle(7);
  w.whole();
  return w;
}

const collection_view& seven(const world& w) {
  return *w.view.collection(7);
}

msg<schema::CollectionRoutes> routes(const world& w, std::int64_t id = 7) {
  return build<schema::CollectionRoutes>([&](schema::CollectionRoutes::Builder b) { write_routes(w.view, id, b); });
}

msg<schema::LoadedCollection> loaded(const world& w) {
  return build<schema::LoadedCollection>([&](schema::LoadedCollection::Builder b) { write_loaded(w.view, seven(w), b); });
}

TEST(answer_rules, a_whole_collection_waits_for_nothing) {
  auto w = small();
  EXPECT_EQ(waits_for(w.view, seven(w)), "");
  EXPECT_EQ(serviceable_replicas(w.view, seven(w)), 2u);
  EXPECT_TRUE(searchable(w.view, seven(w)));
  EXPECT_EQ(find_loaded(w.view, "c7"), &seven(w));
  EXPECT_EQ(find_loaded(w.view, "other"), nullptr);
}

TEST(answer_rules, the_first_unmet_condition_is_named) {
  const auto says = [](auto&& spoil) {
    auto w = small();
    spoil(w);
    w.whole();
    return waits_for(w.view, seven(w));
  };
  EXPECT_EQ(says([](world& w) { w.collections[7].desired.reset(); }), "it is not loaded");
  EXPECT_EQ(says([](world& w) { w.gone(1).gone(2); }), "replica 101 has no node that can be given work");
  EXPECT_EQ(says([](world& w) { w.unknown(2); }), "replica 101 waits for the report of node n2");
  EXPECT_EQ(says([](world& w) { w.unlead(7, "b", 4); }), "channel b has no leader in replica 102");
  EXPECT_EQ(says([](world& w) { w.lead(7, "a", 1, 101, 4); }), "channel a in replica 101 serves target 4, not 5");
  EXPECT_EQ(says([](world& w) { w.lead(7, "a", 1, 101, 5, 1, false); }),
            "channel a in replica 101 has a leader on node n1 that lacks segments");
  EXPECT_EQ(says([](world& w) { w.collections[7].head->next = 6; }), "target 6 is being loaded");
  EXPECT_EQ(says([](world& w) { w.collections[7].tasks = {a_task(TaskKind::LOAD_SEGMENT, 101, 11)}; }),
            "1 tasks are in flight");
}

TEST(answer_rules, what_failed_last_is_said_while_something_is_waited_for) {
  auto w = small();
  const auto fail = [&](std::int64_t first_at, std::int64_t second_at) {
    change_set set;
    set.put({schema::ChunkKind::FAILURES, 7, 0}, build<schema::Chunk>([&](schema::Chunk::Builder b) {
              auto list = b.initFailures().initFailures(2);
              list[0].setText("x.segment is missing");
              list[0].setAt(first_at);
              list[1].setText("no memory");
              list[1].setAt(second_at);
            }));
    w.publish({}, std::move(set));
  };
  fail(2, 1);
  EXPECT_EQ(waits_for(w.view, seven(w)), "") << "it is whole again";
  w.collections[7].head->next = 6;
  w.whole();
  EXPECT_EQ(waits_for(w.view, seven(w)), "target 6 is being loaded; what failed last: x.segment is missing");
  fail(2, 3);
  EXPECT_EQ(waits_for(w.view, seven(w)), "target 6 is being loaded; what failed last: no memory");
}

TEST(answer_rules, a_leader_with_a_worker_that_is_cut_off_cannot_be_searched) {
  auto w = small();
  w.suspect(2);
  w.whole();
  EXPECT_EQ(serviceable_replicas(w.view, seven(w)), 1u);
  EXPECT_TRUE(searchable(w.view, seven(w))) << "the other replica can";
  w.suspect(4);
  w.whole();
  EXPECT_EQ(serviceable_replicas(w.view, seven(w)), 0u);
  EXPECT_FALSE(searchable(w.view, seven(w)));
}

TEST(answer_rules, routes_name_one_leader_per_channel_and_replica_and_only_those_that_can_serve) {
  // T-SVC-30
  auto w = small();
  auto r = routes(w);
  ASSERT_EQ(r->getShards().size(), 2u);
  for (auto s : r->getShards()) {
    ASSERT_EQ(s.getLeaders().size(), 2u);
    EXPECT_EQ(s.getLeaders()[0].getReplica(), 101);
    EXPECT_EQ(s.getLeaders()[1].getReplica(), 102);
  }
  EXPECT_EQ(view(r->getShards()[0].getLeaders()[0].getAddress()), "host1:1");
  EXPECT_EQ(r->getTargetVersion(), 5);
  w.lead(7, "a", 3, 102, 5, 1, false);
  w.whole();
  r = routes(w);
  ASSERT_EQ(r->getShards()[0].getLeaders().size(), 1u);
  EXPECT_EQ(r->getShards()[0].getLeaders()[0].getNode(), 1);
}

TEST(answer_rules, a_collection_that_cannot_be_read_is_removed_from_the_routes) {
  auto w = small();
  EXPECT_TRUE(routes(w, 8)->getRemoved());
  w.collections[7].head->current = 0;
  w.whole();
  EXPECT_TRUE(routes(w)->getRemoved());
  EXPECT_EQ(view(routes(w)->getName()), "c7");
}

TEST(answer_rules, progress_is_channels_and_segments_found_over_those_of_all_replicas) {
  // O06: 1 channel and 4 segments, 2 replicas, 5 of 10 found.
  world w;
  w.usable({1, 2}).loaded(7, {{1}, {2}});
  w.collections[7].desired->status = schema::LoadStatus::LOADING;
  w.collections[7].head->current = 0;
  w.collections[7].head->next = 5;
  w.collections[7].head->next_segments = 4;
  w.lead(7, "a", 1, 101, 0);
  for (std::int64_t s : {11, 12, 13, 14}) {
    w.segment(7, s);
    w.route(7, s, 1, 1);
  }
  w.whole();
  EXPECT_EQ(loaded(w)->getPercentage(), 50u);
  EXPECT_EQ(view(loaded(w)->getStatus()), "loading");
  EXPECT_EQ(loaded(w)->getSegments(), 4u);
}

TEST(answer_rules, it_is_100_percent_only_when_it_can_be_searched) {
  auto w = small();
  EXPECT_EQ(loaded(w)->getPercentage(), 100u);
  EXPECT_EQ(loaded(w)->getRows(), 400);
  w.collections[7].desired->status = schema::LoadStatus::LOADING;
  w.whole();
  EXPECT_EQ(loaded(w)->getPercentage(), 99u);
  w.collections[7].desired->status = schema::LoadStatus::LOADED;
  w.suspect(1).suspect(3);
  w.whole();
  EXPECT_LT(loaded(w)->getPercentage(), 100u);
}

TEST(answer_rules, replicas_name_their_nodes_and_the_leader_of_each_shard) {
  // T-SVC-27
  auto w = small();
  w.collections[7].desired->replicas[1].read_only_nodes = {2};
  w.unlead(7, "b", 4);
  w.whole();
  auto m = build<schema::GetReplicasReply>([&](schema::GetReplicasReply::Builder b) { write_replicas(w.view, seven(w), b, false); });
  ASSERT_EQ(m->getReplicas().size(), 2u);
  EXPECT_EQ(m->getReplicas()[0].getNodes().size(), 2u);
  EXPECT_EQ(m->getReplicas()[1].getReadOnlyNodes()[0], 2);
  EXPECT_EQ(m->getReplicas()[0].getShards()[1].getLeader(), 2);
  EXPECT_TRUE(m->getReplicas()[0].getShards()[1].getServiceable());
  EXPECT_EQ(m->getReplicas()[1].getShards()[1].getLeader(), 0);
}

TEST(answer_rules, segments_of_next_are_invisible_while_there_is_a_current) {
  // I-SVC-04
  auto w = small();
  w.collections[7].head->next = 6;
  w.segment(7, 15, 1, 0, 6);
  w.collections[7].target.at(14).to = 6;
  w.whole();
  auto m = build<schema::GetLoadSegmentInfoReply>(
    [&](schema::GetLoadSegmentInfoReply::Builder b) { write_segments(seven(w), {}, b); });
  std::set<std::int64_t> ids;
  for (auto s : m->getSegments()) {
    ids.insert(s.getId());
    EXPECT_EQ(s.getNodes().size(), 2u);
  }
  EXPECT_EQ(ids, (std::set<std::int64_t>{11, 12, 13, 14}));
}

TEST(answer_rules, status_names_every_node_with_its_load_and_tasks_with_their_reason) {
  auto w = small();
  w.gone(4);
  auto t = a_task(TaskKind::LOAD_SEGMENT, 101, 11);
  t.reason = static_cast<std::uint16_t>(reason::segment_lacking);
  w.collections[7].tasks = {t};
  w.whole();
  auto m = build<schema::GetStatusReply>([&](schema::GetStatusReply::Builder b) { write_status(w.view, {}, b); });
  ASSERT_EQ(m->getNodes().size(), 4u);
  EXPECT_EQ(view(m->getNodes()[0].getState()), "connected");
  EXPECT_EQ(m->getNodes()[0].getRows(), 200);
  EXPECT_EQ(view(m->getNodes()[3].getState()), "gone");
  EXPECT_EQ(m->getNodes()[3].getSegments(), 0u);
  ASSERT_EQ(m->getTasks().size(), 1u);
  EXPECT_EQ(view(m->getTasks()[0].getReason()), "segment_lacking");
  EXPECT_EQ(view(m->getTasks()[0].getKind()), "loadSegment");
  EXPECT_EQ(view(m->getTasks()[0].getState()), "waiting");
}

TEST(answer_rules, status_has_only_the_parts_that_are_asked_for) {
  auto w = small();
  w.whole();
  const auto of = [&](const std::vector<const char*>& parts) {
    const auto request = build<schema::GetStatusRequest>([&](schema::GetStatusRequest::Builder b) {
      auto list = b.initParts(static_cast<unsigned>(parts.size()));
      for (unsigned i = 0; i < parts.size(); ++i)
        list.set(i, parts[i]);
    });
    return build<schema::GetStatusReply>([&](schema::GetStatusReply::Builder b) { write_status(w.view, request->getParts(), b); });
  };
  EXPECT_EQ(of({})->getNodes().size(), 4u);
  EXPECT_EQ(of({"nodes"})->getNodes().size(), 4u);
  EXPECT_EQ(of({"nodes"})->getCollections().size(), 0u);
  EXPECT_EQ(of({"collections"})->getCollections().size(), 1u);
  EXPECT_EQ(of({"collections"})->getNodes().size(), 0u);
  const auto wrong = of({"nodes", "weather"});
  EXPECT_EQ(wrong->getStatus().getCode(), static_cast<unsigned>(ec::parameter_invalid));
  EXPECT_NE(view(wrong->getStatus().getReason()).find("\"weather\""), std::string_view::npos);
  EXPECT_EQ(wrong->getNodes().size(), 0u);
}

TEST(answer_rules, a_channel_without_a_leader_is_refused_unless_it_is_asked_for) {
  // I-SVC-03
  auto w = small();
  w.collections[7].delegators.clear();
  w.whole();
  for (const bool all : {false, true}) {
    failure why;
    const auto routes = build<schema::CollectionRoutes>(
      [&](schema::CollectionRoutes::Builder b) { why = write_leaders(w.view, "c7", all, b); });
    EXPECT_EQ(why.code, all ? ec::ok : ec::channel_not_available) << why.text;
    if (all)
      EXPECT_GT(routes->getShards().size(), 0u);
  }
}

TEST(answer_rules, leaders_of_what_is_being_loaded_or_has_no_target_yet_are_refused) {
  const auto why_of = [](const world& w) {
    failure why;
    build<schema::CollectionRoutes>([&](schema::CollectionRoutes::Builder b) { why = write_leaders(w.view, "c7", false, b); });
    return why.code;
  };
  auto w = small();
  w.whole();
  EXPECT_EQ(why_of(w), ec::ok);
  w.collections[7].desired->status = schema::LoadStatus::LOADING;
  w.whole();
  EXPECT_EQ(why_of(w), ec::collection_not_fully_loaded);
  w.collections[7].desired->status = schema::LoadStatus::LOADED;
  w.collections[7].head->current = 0;
  w.whole();
  EXPECT_EQ(why_of(w), ec::collection_on_recovering);
}

} // namespace
} // namespace muster
