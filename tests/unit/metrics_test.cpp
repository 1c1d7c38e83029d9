// Rules of metrics in JSON: which requests there are, and what each answers.
#include "actors/core/metrics.hpp"
#include "messages/limits.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

#include <set>

namespace muster {
namespace {

/// Two replicas {1, 2} and {3, 4}, channels a and b, segments 11 to 14, all whole.
world small() {
  world w;
  w.usable({1, 2, 3, 4}).loaded(7, {{1, 2}, {3, 4}}, 2);
  for (std::int64_t s : {11, 12, 13, 14})
    w.segment(7, s, 100, static_cast<std::uint16_t>(s % 2));
  w.settle(7);
  w.whole();
  return w;
}

cluster_facts facts() {
  cluster_facts f;
  f.epoch = 3;
  f.version = "0.1.0";
  f.last_heard[1] = 1'640'995'200'000'000'000;
  return f;
}

/// The answer to a request, written and read again, under "answer".
json ask(const world& w, const std::string& request) {
  const auto what = read_metrics_request(request);
  EXPECT_TRUE(what) << (what ? "" : what.error().text);
  if (!what)
    return {};
  const auto found = metrics_json(w.view, *what, facts(), {});
  EXPECT_TRUE(found) << (found ? "" : found.error().text);
  auto again = json::read_object(R"({"answer":)" + found->text() + "}");
  EXPECT_TRUE(again);
  return *again->find("answer");
}

std::size_t size(const json& list) {
  return list.as_array()->size();
}

const json& at(const json& list, std::size_t i) {
  return list.as_array()->at(i);
}

std::string text(const json& object, const char* name) {
  const auto* found = object.find(name);
  return found == nullptr || found->as_text() == nullptr ? std::string{} : *found->as_text();
}

ec refused(const std::string& request) {
  const auto what = read_metrics_request(request);
  EXPECT_FALSE(what) << request;
  return what ? ec::ok : what.error().code;
}

TEST(json_text, is_read_back_as_it_was_written_whatever_the_letters) {
  const json written{json::object{{"a \"quoted\" \\ name\n", "tab\t \x01 und Stra\xc3\x9f""e"},
                                  {"list", json::array{json{true}, json{}, json::small(-3), json{0.5}}},
                                  {"large", json::text_of(9'007'199'254'740'993)},
                                  {"nothing", json::object{}}}};
  const auto read = json::read_object(written.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text(), written.text());
  EXPECT_EQ(text(*read, "large"), "9007199254740993");
  EXPECT_EQ(text(*read, "a \"quoted\" \\ name\n"), "tab\t \x01 und Stra\xc3\x9f""e");
}

TEST(json_text, what_is_no_object_is_refused_with_the_reason) {
  for (const char* bad : {"", "{", "[]", "1", "{\"a\":}", "{\"a\":1", "nonsense"}) {
    const auto read = json::read_object(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, ec::parameter_invalid);
  }
  EXPECT_FALSE(json::read_object(std::string(10'000, '[')));
}

TEST(metrics_requests, name_their_type_by_either_key_and_what_there_is_not_is_refused) {
  EXPECT_EQ(read_metrics_request(R"({"metric_type":"dist"})")->type, metrics_type::dist);
  EXPECT_EQ(read_metrics_request(R"({"req_type":"replica","metric_type":"dist"})")->type, metrics_type::replica);
  EXPECT_EQ(read_metrics_request(R"({"metric_type":"dist","collection_id":7})")->collection, 7);
  EXPECT_EQ(read_metrics_request(R"({"metric_type":"dist","collection_id":"7"})")->collection, 7) << "as in a query string";
  EXPECT_TRUE(read_metrics_request(R"({"metric_type":"qc_target"})")->current);
  EXPECT_FALSE(read_metrics_request(R"({"metric_type":"qc_target","target_scope":2})")->current);
  EXPECT_EQ(refused("{}"), ec::parameter_invalid);
  EXPECT_EQ(refused("no json"), ec::parameter_invalid);
  EXPECT_EQ(refused(R"({"metric_type":"weather"})"), ec::parameter_invalid);
  EXPECT_EQ(refused(R"({"metric_type":3})"), ec::parameter_invalid);
  EXPECT_EQ(refused(R"({"metric_type":"dist","collection_id":"x"})"), ec::parameter_invalid);
  EXPECT_EQ(refused(R"({"metric_type":"segments","in":"invalid"})"), ec::parameter_invalid);
  EXPECT_EQ(refused(R"({"metric_type":")" + std::string(limits::metrics_request_bytes, 'x') + R"("})"), ec::parameter_invalid);
}

TEST(metrics, channels_are_those_that_nodes_lead) {
  // T-MET-01
  world w;
  w.usable({1}).loaded(7, {{1}}, 2);
  w.settle(7);
  w.whole();
  const auto all = ask(w, R"({"metric_type":"channels"})");
  ASSERT_EQ(size(all), 2u);
  EXPECT_EQ(text(at(all, 0), "name"), "a");
  EXPECT_EQ(text(at(all, 1), "name"), "b");
  EXPECT_EQ(text(at(all, 0), "node_id"), "1");
}

TEST(metrics, segments_of_nodes_and_of_the_coordinator_are_told_apart_by_in) {
  // T-MET-02, T-MET-03
  auto w = small();
  w.usable({5}).loaded(8, {{5}});
  w.segment(8, 21);
  w.settle(8);
  w.whole();
  for (const char* in : {"", R"(,"in":"qn")"}) {
    const auto all = ask(w, std::string{R"({"metric_type":"segments")"} + in + "}");
    EXPECT_EQ(size(all), 9u) << "each copy";
    EXPECT_EQ(text(at(all, 0), "loaded_insert_row_count"), "100");
  }
  const auto own = ask(w, R"({"metric_type":"segments","in":"qc","collection_id":8})");
  ASSERT_EQ(size(own), 1u);
  EXPECT_EQ(text(at(own, 0), "segment_id"), "21");
  EXPECT_EQ(text(at(own, 0), "collection_id"), "8");
  EXPECT_EQ(text(at(own, 0), "channel"), "a");
  EXPECT_EQ(text(at(own, 0), "loaded_insert_row_count"), "");
}

TEST(metrics, system_info_names_the_coordinator_and_each_node_with_when_it_was_last_heard) {
  // T-MET-04: also of nodes that say nothing of their hardware
  auto w = small();
  w.suspect(2);
  w.gone(4);
  w.whole();
  const auto info = ask(w, R"({"metric_type":"system_info"})");
  const auto& cluster = *info.find("cluster");
  EXPECT_EQ(text(*cluster.find("self"), "name"), "querycoord3");
  EXPECT_EQ(text(*cluster.find("self"), "type"), "querycoord");
  EXPECT_EQ(text(*info.find("connections"), "name"), "querycoord3");
  const auto& nodes = *cluster.find("connected_nodes");
  ASSERT_EQ(size(nodes), 3u) << "one is gone";
  EXPECT_EQ(text(at(nodes, 0), "last_heartbeat_timestamp"), "1640995200000000000");
  EXPECT_EQ(text(*at(nodes, 0).find("hardware_infos"), "ip"), "host1:1");
  EXPECT_EQ(text(at(nodes, 0), "error_reason"), "");
  EXPECT_NE(text(at(nodes, 1), "error_reason"), "") << "it is silent";
}

TEST(metrics, replicas_carry_their_database_groups_and_nodes) {
  // T-MET-05
  auto w = small();
  w.collections[7].desired->database = "films";
  w.collections[7].desired->replicas[1].read_only_nodes = {4};
  w.collections[7].desired->replicas[1].nodes = {3};
  w.whole();
  auto all = ask(w, R"({"metric_type":"replica"})");
  ASSERT_EQ(size(all), 2u);
  EXPECT_EQ(text(at(all, 0), "ID"), "101");
  EXPECT_EQ(text(at(all, 0), "collectionID"), "7");
  EXPECT_EQ(text(at(all, 0), "database"), "films");
  EXPECT_EQ(text(at(all, 0), "resource_group"), default_group);
  EXPECT_EQ(size(*at(all, 1).find("rw_nodes")), 1u) << "H-15: read-only ones are no read-write ones";
  EXPECT_EQ(size(*at(all, 1).find("ro_nodes")), 1u);
  w.collections[7].desired->database.clear();
  w.whole();
  all = ask(w, R"({"metric_type":"replica"})");
  EXPECT_EQ(text(at(all, 0), "database"), "");
}

TEST(metrics, resource_groups_list_name_members_and_config) {
  // T-MET-07
  auto w = small();
  w.group("rg", {3, 4}, 1, 2);
  w.groups["rg"].config.labels = {{"disk", "ssd"}};
  w.groups["rg"].config.transfer_from = {std::string{default_group}};
  w.whole();
  const auto all = ask(w, R"({"metric_type":"resource_group"})");
  ASSERT_EQ(size(all), 2u);
  std::set<std::string> names;
  for (std::size_t i = 0; i < 2; ++i) {
    names.insert(text(at(all, i), "name"));
    EXPECT_EQ(size(*at(all, i).find("nodes")), 2u);
  }
  EXPECT_EQ(names, (std::set<std::string>{std::string{default_group}, "rg"}));
  const auto& rg = text(at(all, 0), "name") == "rg" ? at(all, 0) : at(all, 1);
  EXPECT_EQ(*rg.find("cfg")->find("requests")->find("node_num")->as_number(), 1);
  EXPECT_EQ(size(*rg.find("cfg")->find("node_filter")->find("node_labels")), 1u);
}

TEST(metrics, a_target_is_shown_in_its_scope_and_not_at_all_when_there_is_none) {
  // T-TGT-07: whichever of current and next there is
  for (const bool has_current : {false, true})
    for (const bool has_next : {false, true}) {
      world w;
      w.usable({1}).loaded(7, {{1}});
      w.segment(7, 11, 100, 0, 5, 6).segment(7, 12, 100, 0, 6);
      w.collections[7].head->current = has_current ? 5 : 0;
      w.collections[7].head->next = has_next ? 6 : 0;
      w.whole();
      const auto current = ask(w, R"({"metric_type":"qc_target","collection_id":7})");
      const auto next = ask(w, R"({"metric_type":"qc_target","collection_id":7,"target_scope":2})");
      ASSERT_EQ(size(current), has_current ? 1u : 0u);
      ASSERT_EQ(size(next), has_next ? 1u : 0u);
      if (has_current)
        EXPECT_EQ(text(at(*at(current, 0).find("segments"), 0), "segment_id"), "11");
      if (has_next)
        EXPECT_EQ(text(at(*at(next, 0).find("segments"), 0), "segment_id"), "12");
      EXPECT_EQ(w.view.collection(7)->head->readable(), has_current ? 5 : has_next ? 6 : 0);
    }
}

TEST(metrics, the_distribution_names_what_leaders_route_where) {
  auto w = small();
  const auto all = ask(w, R"({"metric_type":"dist","collection_id":7})");
  EXPECT_EQ(size(*all.find("segments")), 8u);
  EXPECT_EQ(size(*all.find("dm_channels")), 4u);
  const auto& views = *all.find("leader_views");
  ASSERT_EQ(size(views), 4u);
  std::size_t routed = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    routed += size(*at(views, i).find("sealed_segments"));
    EXPECT_EQ(text(at(views, i), "target_version"), "5");
    EXPECT_EQ(text(at(views, i), "unserviceable_error"), "");
  }
  EXPECT_EQ(routed, 8u);
  EXPECT_EQ(size(*ask(w, R"({"metric_type":"dist","collection_id":9})").find("segments")), 0u);
}

TEST(metrics, tasks_say_what_they_do_and_why) {
  const auto tasks = build<schema::TaskRecordsReply>([](schema::TaskRecordsReply::Builder b) {
    auto t = b.initTasks(1)[0];
    t.setId(5);
    t.setKind(schema::TaskKind::MOVE_SEGMENT);
    t.setPriority(schema::TaskPriority::LOW);
    t.setCollection(7);
    t.setReplica(101);
    t.setSegment(11);
    t.setNode(2);
    t.setSource(1);
    t.setStatus(schema::TaskStatus::STARTED);
  });
  const auto all = tasks_json(tasks.read());
  ASSERT_EQ(size(all), 1u);
  EXPECT_EQ(text(at(all, 0), "task_type"), "moveSegment");
  EXPECT_EQ(text(at(all, 0), "task_status"), "started");
  EXPECT_EQ(*at(*at(all, 0).find("actions"), 0).as_text(), "moveSegment segment 11 on node 2 from node 1");
}

TEST(metrics, an_answer_that_would_name_too_much_is_refused_with_advice) {
  world w;
  w.usable({1}).loaded(7, {{1}});
  for (std::int64_t s = 1; s <= static_cast<std::int64_t>(limits::metrics_objects) + 1; ++s)
    w.segment(7, s, 1);
  w.whole();
  const auto what = read_metrics_request(R"({"metric_type":"qc_target"})");
  const auto found = metrics_json(w.view, *what, facts(), {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ec::parameter_invalid);
  EXPECT_NE(found.error().text.find("collection_id"), std::string::npos);
}

} // namespace
} // namespace muster
