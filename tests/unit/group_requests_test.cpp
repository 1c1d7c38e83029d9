// Requests about resource groups and replicas: what they commit on a situation, and how reads are answered.
#include "actors/core/answers.hpp"
#include "actors/core/group_requests.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using list = std::vector<std::int64_t>;
using Request = schema::ClientRequest;

const std::string by_default{default_group};

template <class Fill>
msg<Request> request(Fill&& fill) {
  return build<Request>([&](Request::Builder b) { fill(b); });
}

/// A whole collection 7 on nodes 1 and 2 (one replica each), three segments, two channels.
world two_replicas() {
  world w;
  w.usable({1, 2, 3, 4}).loaded(7, {{1}, {2}}, 2);
  for (std::int64_t s = 11; s <= 13; ++s)
    w.segment(7, s, 100, static_cast<std::uint16_t>(s % 2));
  w.settle(7);
  return w;
}

msg<Request> update_of(std::uint32_t replicas, const std::vector<std::string>& groups) {
  return request([&](Request::Builder b) {
    auto u = b.initUpdateLoadConfig();
    u.initCollections(1).set(0, "c7");
    u.setReplicaNumber(replicas);
    auto names = u.initResourceGroups(static_cast<unsigned>(groups.size()));
    for (unsigned i = 0; i < groups.size(); ++i)
      names.set(i, groups[i]);
  });
}

std::vector<replica_row> replicas_in(const msg<schema::Commit>& c) {
  std::vector<replica_row> result;
  for (auto r : c->getReplicaGroups().getReplicas())
    result.push_back(read(r));
  return result;
}

TEST(group_requests, describe_counts_replicas_and_the_nodes_between_groups) {
  // T-SVC-33, T-SVC-34
  world w;
  w.usable({11, 12, 13, 14}).loaded(7, {{11}, {14}});
  w.group("rg11", {11, 12}, 2, 2).group("rg12", {13, 14}, 2, 2);
  auto& r = w.collections[7].desired->replicas;
  r[0].resource_group = "rg11";
  r[0].read_only_nodes = {13};
  auto second = w.collections[7];
  second.desired->id = 8;
  second.desired->name = "c8";
  second.desired->replicas[0].id = 201;
  second.desired->replicas[0].resource_group = "rg12";
  second.desired->replicas[0].nodes = {14};
  second.desired->replicas[0].read_only_nodes = {12};
  second.desired->replicas.resize(1);
  second.head->collection = 8;
  w.collections[8] = second;
  w.collections[7].desired->replicas.resize(1);
  w.whole();
  const auto m = build<schema::DescribeResourceGroupReply>(
    [&](schema::DescribeResourceGroupReply::Builder b) { write_group(w.view, "rg11", b); });
  EXPECT_EQ(m->getStatus().getCode(), 0);
  auto g = m->getGroup();
  EXPECT_EQ(g.getCapacity(), 2);
  EXPECT_EQ(g.getAvailableNodes(), 2);
  ASSERT_EQ(g.getNodes().size(), 2u);
  EXPECT_STREQ(g.getNodes()[0].getAddress().cStr(), "host11:1");
  const auto only = [](auto counts) {
    EXPECT_EQ(counts.size(), 1u);
    return counts.size() == 1 ? std::pair{counts[0].getCollectionId(), counts[0].getCount()} : std::pair<std::int64_t, std::int64_t>{};
  };
  EXPECT_EQ(only(g.getReplicas()), (std::pair<std::int64_t, std::int64_t>{7, 1}));
  EXPECT_EQ(only(g.getOutgoing()), (std::pair<std::int64_t, std::int64_t>{7, 1}));
  EXPECT_EQ(only(g.getIncoming()), (std::pair<std::int64_t, std::int64_t>{8, 1}));
  const auto none = build<schema::DescribeResourceGroupReply>(
    [&](schema::DescribeResourceGroupReply::Builder b) { write_group(w.view, "rg1", b); });
  EXPECT_EQ(none->getStatus().getCode(), static_cast<int>(ec::resource_group_not_found));
  const auto rest = build<schema::DescribeResourceGroupReply>(
    [&](schema::DescribeResourceGroupReply::Builder b) { write_group(w.view, by_default, b); });
  EXPECT_EQ(rest->getGroup().getCapacity(), default_group_limits);
}

TEST(group_requests, get_replicas_names_nodes_on_their_way_out_and_who_holds_something) {
  // T-SVC-27, T-SVC-28, H-15
  auto w = two_replicas();
  w.group("rg1", {3});
  auto& r = w.collections[7].desired->replicas;
  r[0].read_only_nodes = {3};
  w.copy(7, 11, 3);
  replica_row empty;
  empty.id = 103;
  r.push_back(empty);
  w.whole();
  const auto m = build<schema::GetReplicasReply>(
    [&](schema::GetReplicasReply::Builder b) { write_replicas(w.view, *w.view.collection(7), b, true); });
  ASSERT_EQ(m->getReplicas().size(), 3u);
  auto first = m->getReplicas()[0];
  EXPECT_EQ(first.getNodes().size(), 1u);
  EXPECT_EQ(first.getReadOnlyNodes().size(), 1u) << "not mixed with those that take new data";
  ASSERT_EQ(first.getOutbound().size(), 1u);
  EXPECT_STREQ(first.getOutbound()[0].getResourceGroup().cStr(), "rg1");
  EXPECT_EQ(first.getOutbound()[0].getNodes(), 1u);
  for (auto shard : first.getShards()) {
    std::set<std::int64_t> distinct;
    for (auto n : shard.getNodes())
      distinct.insert(n);
    EXPECT_EQ(distinct, (std::set<std::int64_t>{1, 3}));
    EXPECT_EQ(shard.getNodes().size(), 2u);
  }
  EXPECT_EQ(m->getReplicas()[2].getNodes().size(), 0u);
  const auto leaders = build<schema::GetReplicasReply>(
    [&](schema::GetReplicasReply::Builder b) { write_replicas(w.view, *w.view.collection(7), b, false); });
  EXPECT_EQ(leaders->getReplicas()[0].getShards()[0].getNodes().size(), 1u);
}

TEST(group_requests, a_first_load_gets_groups_and_nodes_or_waits_for_a_node_without_a_group) {
  // T-JOB-04, T-JOB-16
  world w;
  w.usable({1, 2, 3}).group("rg1", {1, 2}).group("rg2", {});
  w.whole();
  auto made = first_replicas(w.view, {"rg1"}, 2);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)[0].nodes.size(), 1u);
  EXPECT_EQ((*made)[1].resource_group, "rg1");
  EXPECT_EQ(first_replicas(w.view, {}, 1)->at(0).nodes, list{3});
  EXPECT_EQ(first_replicas(w.view, {"rg2"}, 1).error().code, ec::resource_group_node_not_enough);
  EXPECT_EQ(first_replicas(w.view, {"rg1"}, 3).error().code, ec::resource_group_node_not_enough);
  EXPECT_EQ(first_replicas(w.view, {"rg9"}, 1).error().code, ec::resource_group_not_found);
  EXPECT_EQ(first_replicas(w.view, {"rg1", "rg2"}, 3).error().code, ec::parameter_invalid);
  EXPECT_FALSE(node_awaits_group(w.view));
  w.unknown(1);
  w.whole();
  EXPECT_EQ(first_replicas(w.view, {"rg1"}, 2).error().code, ec::resource_group_node_not_enough)
    << "a node that has not reported cannot be counted on";
}

TEST(group_requests, more_replicas_are_new_ones_and_those_that_serve_stay) {
  // T-JOB-02
  auto w = two_replicas();
  w.whole();
  auto commits = group_commits(w.view, update_of(3, {}).read());
  ASSERT_TRUE(commits);
  ASSERT_EQ(commits->size(), 1u);
  auto c = commits->front()->getReplicaGroups();
  EXPECT_EQ(c.getCollection(), 7);
  EXPECT_EQ(c.getRevision(), 1u);
  const auto r = replicas_in(commits->front());
  ASSERT_EQ(r.size(), 3u);
  EXPECT_EQ(r[0].id, 101);
  EXPECT_EQ(r[0].nodes.front(), 1);
  EXPECT_EQ(r[1].id, 102);
  EXPECT_EQ(r[2].id, 0);
  EXPECT_EQ(r[2].nodes.size(), 1u) << "free nodes at once";
  EXPECT_EQ(r[2].load_priority, schema::LoadPriority::LOW);
  EXPECT_TRUE(group_commits(w.view, update_of(2, {}).read())->empty()) << "as it is: nothing to do";
  EXPECT_TRUE(group_commits(w.view, update_of(0, {by_default}).read())->empty());
  EXPECT_FALSE(wants_other_replicas(*w.view.collection(7)->desired, 2, {by_default}));
  EXPECT_TRUE(wants_other_replicas(*w.view.collection(7)->desired, 1, {}));
  EXPECT_TRUE(wants_other_replicas(*w.view.collection(7)->desired, 0, {"rg1"}));
}

TEST(group_requests, fewer_replicas_never_give_up_the_one_that_serves) {
  auto w = two_replicas();
  w.whole();
  auto left = replicas_in(group_commits(w.view, update_of(1, {}).read())->front());
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].id, 101);
  w.lead(7, "a", 1, 101, 5, 1, false);
  w.whole();
  left = replicas_in(group_commits(w.view, update_of(1, {}).read())->front());
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].id, 102);
}

TEST(group_requests, other_groups_move_replicas_whose_nodes_go_on_serving) {
  auto w = two_replicas();
  w.group("rg1", {3, 4});
  w.whole();
  const auto r = replicas_in(group_commits(w.view, update_of(0, {"rg1"}).read())->front());
  ASSERT_EQ(r.size(), 2u);
  for (const auto& x : r) {
    EXPECT_EQ(x.resource_group, "rg1");
    EXPECT_EQ(x.nodes.size(), 1u);
    EXPECT_EQ(x.read_only_nodes.size(), 1u);
  }
}

TEST(group_requests, an_update_of_replicas_says_what_it_cannot_do) {
  auto w = two_replicas();
  w.group("rg1", {3});
  w.whole();
  const auto code = [&](std::uint32_t n, const std::vector<std::string>& groups) {
    const auto out = group_commits(w.view, update_of(n, groups).read());
    return out ? ec::ok : out.error().code;
  };
  EXPECT_EQ(code(65, {}), ec::parameter_invalid);
  EXPECT_EQ(code(3, {"rg1", by_default}), ec::parameter_invalid);
  EXPECT_EQ(code(2, {"rg9"}), ec::resource_group_not_found);
  w.collections[7].desired->replicas[1].resource_group = "rg1";
  w.whole();
  EXPECT_EQ(code(3, {}), ec::parameter_invalid) << "in which of its groups?";
  const auto unloaded = request([&](Request::Builder b) { b.initUpdateLoadConfig().initCollections(1).set(0, "nothing"); });
  EXPECT_TRUE(group_commits(w.view, unloaded.read())->empty());
}

TEST(group_requests, transfer_of_replicas_changes_groups_and_nodes_in_one_commit) {
  // T-SVC-38, T-SVC-39, H-11
  auto w = two_replicas();
  w.group("rg1", {3, 4});
  w.whole();
  const auto transfer = [&](const std::string& from, const std::string& to, const std::string& collection, std::int64_t n) {
    return group_commits(w.view, request([&](Request::Builder b) {
                                   auto t = b.initTransferReplica();
                                   t.setSource(from);
                                   t.setTarget(to);
                                   t.setCollection(collection);
                                   t.setCount(n);
                                 }).read());
  };
  auto out = transfer(by_default, "rg1", "c7", 1);
  ASSERT_TRUE(out);
  const auto r = replicas_in(out->front());
  EXPECT_EQ(r[0].resource_group, "rg1");
  EXPECT_EQ(r[0].nodes, (list{3, 4}));
  EXPECT_EQ(r[0].read_only_nodes, list{1});
  EXPECT_EQ(r[1].group(), default_group);
  EXPECT_EQ(transfer(by_default, "rg1", "nothing", 1).error().code, ec::parameter_invalid);
  EXPECT_EQ(transfer(by_default, "rg9", "c7", 1).error().code, ec::resource_group_not_found);
  EXPECT_EQ(transfer("rg1", by_default, "c7", 1).error().code, ec::parameter_invalid);
}

TEST(group_requests, changes_of_groups_become_one_commit_each) {
  world w;
  w.usable({1, 2}).group("rg1", {1}).group("rg2", {});
  w.groups_revision = 42;
  w.whole();
  auto created = group_commits(w.view, request([](Request::Builder b) {
                                         b.initCreateResourceGroup().setName("rg3");
                                         b.getCreateResourceGroup().initConfig().setLimits(4);
                                       }).read());
  ASSERT_TRUE(created);
  EXPECT_TRUE(created->front()->getGroups().getCreate());
  EXPECT_EQ(created->front()->getGroups().getConfigs()[0].getConfig().getLimits(), 4);
  EXPECT_TRUE(group_commits(w.view, request([](Request::Builder b) { b.initUpdateResourceGroups(); }).read())->empty());
  auto dropped = group_commits(w.view, request([](Request::Builder b) { b.initDropResourceGroup().setName("rg1"); }).read());
  ASSERT_TRUE(dropped);
  auto g = dropped->front()->getGroups();
  EXPECT_EQ(g.getRevision(), 42u);
  EXPECT_STREQ(g.getDrop().cStr(), "rg1");
  ASSERT_EQ(g.getMoves().size(), 1u);
  EXPECT_EQ(view(g.getMoves()[0].getTo()), default_group);
  EXPECT_TRUE(group_commits(w.view, request([](Request::Builder b) { b.initDropResourceGroup().setName("no"); }).read())->empty());
  auto transferred = group_commits(w.view, request([](Request::Builder b) {
                                             auto t = b.initTransferNode();
                                             t.setSource("__default_resource_group");
                                             t.setTarget("rg2");
                                             t.setCount(1);
                                           }).read());
  ASSERT_TRUE(transferred);
  EXPECT_EQ(transferred->front()->getGroups().getConfigs().size(), 2u);
  EXPECT_EQ(transferred->front()->getGroups().getRevision(), 42u);
}

TEST(group_requests, a_reply_is_in_the_arm_of_its_request_and_names_a_refused_write_as_the_model_does) {
  const failure full{ec::journal_failed, "the disk is full"};
  EXPECT_EQ(group_reply(Request::CREATE_RESOURCE_GROUP, full)->getCreateResourceGroup().getStatus().getCode(), 305);
  EXPECT_TRUE(group_reply(Request::CREATE_RESOURCE_GROUP, full)->getCreateResourceGroup().getStatus().getRetriable());
  EXPECT_EQ(group_reply(Request::UPDATE_RESOURCE_GROUPS, full)->getUpdateResourceGroups().getStatus().getCode(), 305);
  EXPECT_EQ(group_reply(Request::DROP_RESOURCE_GROUP, full)->getDropResourceGroup().getStatus().getCode(), 305);
  EXPECT_EQ(group_reply(Request::TRANSFER_NODE, full)->getTransferNode().getStatus().getCode(), 305);
  EXPECT_EQ(group_reply(Request::TRANSFER_REPLICA, full)->getTransferReplica().getStatus().getCode(),
            static_cast<int>(ec::journal_failed));
  EXPECT_EQ(group_reply(Request::UPDATE_LOAD_CONFIG, {ec::ok, {}})->getUpdateLoadConfig().getStatus().getCode(), 0);
}

TEST(group_requests, facts_about_nodes_are_those_of_the_situation) {
  world w;
  w.usable({1, 2, 3, 4});
  w.nodes.at(1).labels = {{"zone", "a"}};
  w.nodes.at(2).stopping = true;
  w.suspect(3);
  w.gone(4);
  w.whole();
  const auto facts = nodes_for_groups(w.view);
  EXPECT_TRUE(facts.at(1).here);
  EXPECT_EQ(facts.at(1).labels.size(), 1u);
  EXPECT_TRUE(facts.at(2).leaving);
  EXPECT_FALSE(facts.at(2).here);
  EXPECT_FALSE(facts.at(3).here) << "silent: neither given away nor put out";
  EXPECT_FALSE(facts.at(3).leaving);
  EXPECT_TRUE(facts.at(4).leaving);
}

TEST(group_requests, the_clusters_load_settings_are_for_collections_whose_replicas_nobody_specified) {
  // T-SRV-09
  auto w = two_replicas();
  w.loaded(8, {{3}});
  w.collections[7].desired->user_specified_replicas = true;
  w.whole();
  settings cluster;
  EXPECT_FALSE(cluster_load_config(w.view, cluster)) << "they say nothing";
  cluster.cluster_level_load_replica_number = 2;
  cluster.cluster_level_load_resource_groups = {by_default};
  const auto update = cluster_load_config(w.view, cluster);
  ASSERT_TRUE(update);
  const auto u = (*update)->getUpdateLoadConfig();
  ASSERT_EQ(u.getCollections().size(), 1u);
  EXPECT_EQ(view(u.getCollections()[0]), "c8");
  EXPECT_EQ(u.getReplicaNumber(), 2u);
  EXPECT_EQ(u.getResourceGroups().size(), 1u);
  w.collections[8].desired->user_specified_replicas = true;
  w.whole();
  EXPECT_FALSE(cluster_load_config(w.view, cluster));
}

} // namespace
} // namespace muster
