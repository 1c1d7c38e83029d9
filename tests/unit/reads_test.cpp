// Rules of reads of partitions, segments and nodes, of health and of settings.
#include "actors/core/reads.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

#include <set>

namespace muster {
namespace {

using request = schema::ClientRequest;
using list = std::vector<std::int64_t>;

const partition_names two{{1, "_default"}, {2, "old"}};

/// Two replicas {1, 2} and {3, 4}, channels a and b, segments 11 and 12 of partition 1, 13 and 14 of partition 2, all whole.
world small() {
  world w;
  w.usable({1, 2, 3, 4}).loaded(7, {{1, 2}, {3, 4}}, 2);
  for (std::int64_t s : {11, 12, 13, 14})
    w.segment(7, s, 100, static_cast<std::uint16_t>(s % 2));
  for (std::int64_t s : {11, 12, 13, 14})
    w.collections[7].target.at(s).partition = s < 13 ? 1 : 2;
  w.collections[7].desired->partitions = {1, 2};
  w.collections[7].head->partitions = {1, 2};
  w.settle(7);
  w.whole();
  return w;
}

const collection_view& seven(const world& w) {
  return *w.view.collection(7);
}

template <class Fill>
msg<schema::ClientReply> ask(const world& w, Fill fill) {
  auto r = build<request>([&](request::Builder b) { fill(b); });
  EXPECT_TRUE(is_read(r->which()));
  return build<schema::ClientReply>([&](schema::ClientReply::Builder b) { write_read(w.view, r.read(), b); });
}

msg<schema::ShowLoadPartitionsReply> show(const world& w, const list& asked = {}) {
  return build<schema::ShowLoadPartitionsReply>(
    [&](schema::ShowLoadPartitionsReply::Builder b) { write_partitions(seven(w), two, asked, b); });
}

msg<schema::CheckQueryNodeDistributionReply> compare(const world& w, std::int64_t source, std::int64_t target) {
  auto m = ask(w, [&](auto b) {
    auto c = b.initCheckQueryNodeDistribution();
    c.setSource(source);
    c.setTarget(target);
  });
  return copy<schema::CheckQueryNodeDistributionReply>(m->getCheckQueryNodeDistribution());
}

TEST(read_rules, partitions_are_meant_by_name_or_id_each_once) {
  const auto find = [](const std::vector<std::string>& texts) {
    auto m = build<schema::ShowLoadPartitionsRequest>([&](schema::ShowLoadPartitionsRequest::Builder b) {
      auto p = b.initPartitions(static_cast<unsigned>(texts.size()));
      for (unsigned i = 0; i < texts.size(); ++i)
        p.set(i, texts[i]);
    });
    return find_partitions(two, m->getPartitions(), "c");
  };
  EXPECT_EQ(*find({"old", "1", "old"}), (list{2, 1}));
  EXPECT_TRUE(find({})->empty());
  const auto none = find({"old", "new"});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ec::partition_not_found);
  EXPECT_NE(none.error().text.find("new"), std::string::npos);
}

TEST(read_rules, loaded_partitions_are_listed_all_or_those_asked_for) {
  // T-SVC-03, T-SVC-18, I-SVC-05
  const auto w = small();
  const auto all = show(w);
  ASSERT_EQ(all->getPartitions().size(), 2u);
  EXPECT_EQ(view(all->getPartitions()[1].getName()), "old");
  EXPECT_EQ(all->getPartitions()[1].getPercentage(), 100u);
  EXPECT_EQ(show(w, {2})->getPartitions().size(), 1u);
  const auto states = build<schema::GetPartitionStatesReply>(
    [&](schema::GetPartitionStatesReply::Builder b) { write_partition_states(seven(w), two, {}, b); });
  ASSERT_EQ(states->getStates().size(), 2u);
  EXPECT_EQ(view(states->getStates()[0].getState()), "InMemory");
}

TEST(read_rules, a_partition_that_is_not_loaded_is_refused_with_what_failed_last) {
  auto w = small();
  w.collections[7].desired->partitions = {1};
  w.whole();
  const auto m = show(w, {2});
  EXPECT_EQ(m->getStatus().getCode(), static_cast<int>(ec::partition_not_loaded));
  EXPECT_EQ(m->getPartitions().size(), 0u);
}

TEST(read_rules, the_percentage_of_a_partition_is_what_is_found_of_it_and_100_only_when_it_is_loaded) {
  // T-COL-01, T-COL-09: channels and segments found over those that all replicas should have.
  auto w = small();
  auto& c = w.collections[7];
  c.desired->loading_partitions = {2};
  c.head->next = 6;
  for (std::int64_t s : {13, 14})
    c.target.at(s).from = 6;
  w.whole();
  EXPECT_EQ(partition_percentage(seven(w), 1), 100u);
  EXPECT_EQ(partition_percentage(seven(w), 2), 99u) << "all is found, but its target is not current";
  EXPECT_EQ(view(show(w, {2})->getPartitions()[0].getStatus()), "loading");
  std::erase_if(c.views, [](const view_row& v) { return v.segment == 13; });
  w.whole();
  EXPECT_EQ(partition_percentage(seven(w), 2), 75u) << "two channels and one of two segments in both replicas: 6 of 8";
}

TEST(read_rules, a_refresh_is_over_when_no_newer_target_is_on_its_way) {
  // T-SVC-16, T-SVC-17
  auto w = small();
  EXPECT_EQ(refresh_progress(seven(w)), 100u);
  w.collections[7].head->next = 6;
  w.whole();
  EXPECT_EQ(refresh_progress(seven(w)), 0u);
}

TEST(read_rules, segments_that_a_target_names_or_a_node_holds_are_loaded_for_who_deletes_files) {
  auto w = small();
  w.copy(7, 99, 1); // in no target
  w.collections[7].target.at(14).to = 5; // current is 5: dropped
  for (std::int64_t n : {1, 2, 3, 4})
    std::erase_if(w.collections[7].copies, [&](const copy_row& c) { return c.segment == 14 && c.node == n; });
  w.whole();
  const auto m = ask(w, [](auto b) { b.initListLoadedSegments(); });
  list ids;
  for (auto s : m->getListLoadedSegments().getSegments())
    ids.push_back(s);
  EXPECT_EQ(ids, (list{11, 12, 13, 99}));
}

TEST(read_rules, nodes_of_the_cluster_are_listed_with_their_state) {
  // T-OPS-02
  auto w = small();
  w.nodes.at(2).stopping = true;
  w.gone(4);
  w.whole();
  const auto heard = build<schema::NodesHeardReply>([](schema::NodesHeardReply::Builder b) {
    auto one = b.initNodes(1)[0];
    one.setId(2);
    one.setAt(1'640'995'200'000'000'000);
  });
  const auto m = build<schema::ListQueryNodeReply>(
    [&](schema::ListQueryNodeReply::Builder b) { write_nodes(w.view, heard.read(), b); });
  const auto nodes = m->getNodes();
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[0].getLastHeard(), 0);
  EXPECT_EQ(nodes[1].getLastHeard(), 1'640'995'200'000'000'000);
  EXPECT_EQ(view(nodes[0].getState()), "Normal");
  EXPECT_EQ(view(nodes[1].getState()), "Stopping");
}

TEST(read_rules, the_distribution_of_a_node_is_what_it_leads_and_holds) {
  // T-OPS-03
  const auto w = small();
  const auto unknown = ask(w, [](auto b) { b.initGetQueryNodeDistribution().setNode(9); });
  EXPECT_EQ(unknown->getGetQueryNodeDistribution().getStatus().getCode(), static_cast<int>(ec::node_not_found));
  std::set<std::int64_t> both;
  std::set<std::string> led;
  for (std::int64_t n : {1, 2}) {
    const auto m = ask(w, [&](auto b) { b.initGetQueryNodeDistribution().setNode(n); });
    EXPECT_EQ(m->getGetQueryNodeDistribution().getNode(), n);
    for (auto s : m->getGetQueryNodeDistribution().getSegments())
      EXPECT_TRUE(both.insert(s).second) << "a replica has each segment once";
    for (auto c : m->getGetQueryNodeDistribution().getChannels())
      led.insert(std::string{view(c)});
  }
  EXPECT_EQ(both, (std::set<std::int64_t>{11, 12, 13, 14}));
  EXPECT_EQ(led, (std::set<std::string>{"a", "b"}));
}

TEST(read_rules, a_node_has_what_another_has_or_the_first_thing_that_it_lacks_is_named) {
  // T-OPS-04
  auto w = small();
  EXPECT_EQ(compare(w, 1, 1)->getStatus().getCode(), 0);
  EXPECT_EQ(compare(w, 1, 9)->getStatus().getCode(), static_cast<int>(ec::node_not_found));
  EXPECT_EQ(compare(w, 9, 1)->getStatus().getCode(), static_cast<int>(ec::node_not_found));
  EXPECT_NE(compare(w, 1, 2)->getStatus().getCode(), 0);
  w.collections[7].delegators.clear();
  w.collections[7].copies.clear();
  w.collections[7].views.clear();
  w.copy(7, 11, 1).copy(7, 99, 1).copy(7, 12, 2);
  w.whole();
  EXPECT_EQ(compare(w, 1, 2)->getStatus().getCode(), static_cast<int>(ec::segment_lack));
  w.copy(7, 11, 2);
  w.whole();
  EXPECT_EQ(compare(w, 1, 2)->getStatus().getCode(), 0) << "no target names 99";
}

TEST(read_rules, health_is_about_processes_and_what_cannot_be_searched_is_named_beside_it) {
  // T-SVC-29, H-09
  auto w = small();
  auto m = ask(w, [](auto b) { b.initCheckHealth(); });
  EXPECT_TRUE(m->getCheckHealth().getHealthy());
  EXPECT_EQ(m->getCheckHealth().getNotQueryable().size(), 0u);
  w.collections[7].delegators.clear();
  w.whole();
  m = ask(w, [](auto b) { b.initCheckHealth(); });
  EXPECT_TRUE(m->getCheckHealth().getHealthy());
  ASSERT_EQ(m->getCheckHealth().getNotQueryable().size(), 1u);
  EXPECT_NE(view(m->getCheckHealth().getNotQueryable()[0]).find("c7"), std::string_view::npos);
  w.nodes.at(3).liveness = schema::NodeLiveness::SUSPECT;
  w.whole();
  m = ask(w, [](auto b) { b.initCheckHealth(); });
  EXPECT_FALSE(m->getCheckHealth().getHealthy());
  EXPECT_NE(view(m->getCheckHealth().getReasons()[0]).find("n3"), std::string_view::npos);
}

TEST(read_rules, components_are_the_coordinator_and_every_node_that_is_not_gone) {
  auto w = small();
  w.gone(4);
  w.whole();
  const auto m = build<schema::GetComponentStatesReply>(
    [&](schema::GetComponentStatesReply::Builder b) { write_states(w.view, "Stopping", b); });
  const auto c = m->getComponents();
  ASSERT_EQ(c.size(), 4u);
  EXPECT_EQ(view(c[0].getState()), "Stopping");
  EXPECT_EQ(view(c[0].getRole()), "querycoord");
  EXPECT_EQ(view(c[1].getState()), "Healthy");
}

TEST(read_rules, settings_are_found_by_any_part_of_their_key_in_letters_of_any_case) {
  // T-SVC-26
  setting_table given;
  ASSERT_TRUE(given.set("queryCoord.autoBalance", "false", setting_origin::file));
  const auto table = with_switches(given, {{}, {{"queryCoord.autoBalance", "true"}, {"of.a.newer.version", "1"}}, {}});
  const auto show_all = [&](const char* pattern) {
    return build<schema::ShowConfigurationsReply>(
      [&](schema::ShowConfigurationsReply::Builder b) { write_configurations(table, pattern, b); });
  };
  EXPECT_EQ(show_all("")->getConfigurations().size(), setting_specs().size());
  const auto one = show_all("COORD.AUTOBALANCECHANNEL");
  ASSERT_EQ(one->getConfigurations().size(), 1u);
  EXPECT_EQ(view(one->getConfigurations()[0].getOrigin()), "default");
  const auto some = show_all("autobalance");
  for (auto c : some->getConfigurations())
    if (view(c.getKey()) == "queryCoord.autoBalance") {
      EXPECT_EQ(view(c.getValue()), "true");
      EXPECT_EQ(view(c.getOrigin()), "run time");
    }
  EXPECT_EQ(show_all("nothing like it")->getConfigurations().size(), 0u);
}

} // namespace
} // namespace muster
