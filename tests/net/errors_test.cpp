// Every method with each error it can give, asked over the wire of a real coordinator in this process.
#include "actors/core/json.hpp"
#include "net/bridge.hpp"
#include "net/client.hpp"
#include "tests/support/local_cluster.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <set>

namespace muster {
namespace {

constexpr auto fine = "ok";

/// One request and how its status is to be named. `{n1}` and the like stand for ids, see errors::fill.
struct row {
  const char* method;
  const char* request;
  const char* expected;
};

// In this cluster: nodes n1, n2; the partition _default of "words" loaded, with one replica, its partition "later" not; "whole"
// loaded; "raw" only imported; "empty" without segments; group "spare" without nodes. A method without an error of its own has a
// row that succeeds.
const row table[] = {
  {"allocateIds", R"({"count":0})", "parameter_invalid"},
  {"allocateIds", R"({"count":4000000000})", "parameter_invalid"},
  {"registerImport", R"({"name":"words","collectionId":"900001","metric":"l2","dimension":1,"channels":["x"]})",
   "collection_already_exists"},
  {"registerImport", R"({"name":"absent","append":true,"collectionId":"900001","metric":"l2","dimension":1})", "collection_not_found"},
  {"registerImport", R"({"database":"nowhere","name":"new","collectionId":"900001","metric":"l2","dimension":1,"channels":["x"]})",
   "database_not_found"},
  {"registerImport", R"({"name":"","collectionId":"900001","metric":"l2","dimension":1,"channels":["x"]})", "parameter_invalid"},
  {"describeCollection", R"({"collection":"absent"})", "collection_not_found"},
  {"listCollections", "{}", fine},
  {"dropCollection", R"({"collection":"absent"})", "collection_not_found"},
  {"dropCollection", R"({"collection":"words"})", "collection_loaded"},
  {"loadCollection", R"({"collection":"absent"})", "collection_not_found"},
  {"loadCollection", R"({"collection":"raw","refresh":true})", "collection_not_loaded"},
  {"loadCollection", R"({"collection":"raw","replicaNumber":65})", "parameter_invalid"},
  {"loadCollection", R"({"collection":"empty"})", "parameter_invalid"},
  {"loadCollection", R"({"collection":"raw","replicaNumber":3,"resourceGroups":["a","b"]})", "parameter_invalid"},
  {"loadCollection", R"({"collection":"raw","resourceGroups":["nowhere"]})", "resource_group_not_found"},
  {"loadCollection", R"({"collection":"raw","resourceGroups":["spare"]})", "resource_group_node_not_enough"},
  {"loadCollection", R"({"collection":"whole"})", fine},
  {"releaseCollection", R"({"collection":"absent"})", "collection_not_found"},
  {"releaseCollection", R"({"collection":"raw"})", fine},
  {"showLoadCollections", R"({"collections":["raw"]})", "collection_not_loaded"},
  {"getLoadSegmentInfo", R"({"collection":"raw"})", "collection_not_loaded"},
  {"getLoadSegmentInfo", R"({"collection":"words","segments":["424242"]})", "segment_not_loaded"},
  {"getReplicas", R"({"collection":"raw"})", "collection_not_loaded"},
  {"getShardLeaders", R"({"collection":"raw"})", "collection_not_loaded"},
  {"getStatus", "{}", fine},
  {"listActors", R"({"name":"nobody"})", "parameter_invalid"},
  {"createResourceGroup", R"({"name":""})", "parameter_missing"},
  {"createResourceGroup", R"({"name":"spare","config":{"requests":"1","limits":"1"}})", "resource_group_already_exist"},
  {"createResourceGroup", R"({"name":"new","config":{"requests":"2","limits":"1"}})", "resource_group_illegal_config"},
  {"updateResourceGroups", R"({"groups":[{"name":"nowhere","config":{}}]})", "resource_group_not_found"},
  {"updateResourceGroups", R"({"groups":[{"name":"spare","config":{"requests":"-1"}}]})", "resource_group_illegal_config"},
  {"dropResourceGroup", R"({"name":"__default_resource_group"})", "parameter_invalid"},
  {"dropResourceGroup", R"({"name":"nowhere"})", fine},
  {"listResourceGroups", "{}", fine},
  {"describeResourceGroup", R"({"name":"nowhere"})", "resource_group_not_found"},
  {"transferNode", R"({"source":"spare","target":"spare","count":"1"})", "parameter_invalid"},
  {"transferNode", R"({"source":"__default_resource_group","target":"spare","count":"0"})", "parameter_invalid"},
  {"transferNode", R"({"source":"nowhere","target":"spare","count":"1"})", "resource_group_not_found"},
  {"transferNode", R"({"source":"spare","target":"__default_resource_group","count":"1"})", "resource_group_node_not_enough"},
  {"transferReplica", R"({"source":"nowhere","target":"spare","collection":"words","count":"1"})", "resource_group_not_found"},
  {"transferReplica", R"({"source":"spare","target":"spare","collection":"words","count":"1"})", "parameter_invalid"},
  {"transferReplica", R"({"source":"__default_resource_group","target":"spare","collection":"words","count":"2"})",
   "parameter_invalid"},
  {"updateLoadConfig", R"({"collections":["words"],"replicaNumber":65})", "parameter_invalid"},
  {"updateLoadConfig", R"({"collections":["words"],"replicaNumber":3,"resourceGroups":["a","b"]})", "parameter_invalid"},
  {"updateLoadConfig", R"({"collections":["words"],"resourceGroups":["nowhere"]})", "resource_group_not_found"},
  {"updateLoadConfig", R"({"collections":["raw"],"replicaNumber":2})", fine},
  {"loadPartitions", R"({"collection":"absent","partitions":["_default"]})", "collection_not_found"},
  {"loadPartitions", R"({"collection":"raw","partitions":["absent"]})", "partition_not_found"},
  {"loadPartitions", R"({"collection":"words","partitions":["_default"],"replicaNumber":2})", "parameter_invalid"},
  {"loadPartitions", R"({"collection":"raw","partitions":["_default"],"resourceGroups":["nowhere"]})", "resource_group_not_found"},
  {"loadPartitions", R"({"collection":"raw","partitions":["_default"],"resourceGroups":["spare"]})",
   "resource_group_node_not_enough"},
  {"releasePartitions", R"({"collection":"words"})", "parameter_invalid"},
  {"releasePartitions", R"({"collection":"absent","partitions":["_default"]})", "collection_not_found"},
  {"releasePartitions", R"({"collection":"words","partitions":["absent"]})", "partition_not_found"},
  {"syncNewCreatedPartition", R"({"collection":"whole","partition":"absent"})", "partition_not_found"},
  {"syncNewCreatedPartition", R"({"collection":"absent","partition":"p"})", fine},
  {"createPartition", R"({"collection":"absent","partition":"p"})", "collection_not_found"},
  {"createPartition", R"({"collection":"raw"})", "parameter_missing"},
  {"dropPartition", R"({"collection":"absent","partition":"p"})", "collection_not_found"},
  {"dropPartition", R"({"collection":"raw","partition":"absent"})", "partition_not_found"},
  {"dropPartition", R"({"collection":"words","partition":"_default"})", "parameter_invalid"},
  {"showLoadPartitions", R"({"collection":"raw"})", "collection_not_loaded"},
  {"showLoadPartitions", R"({"collection":"absent"})", "collection_not_found"},
  {"showLoadPartitions", R"({"collection":"words","partitions":["later"]})", "partition_not_loaded"},
  {"showLoadPartitions", R"({"collection":"words","partitions":["absent"]})", "partition_not_found"},
  {"getPartitionStates", R"({"collection":"raw"})", "collection_not_loaded"},
  {"getPartitionStates", R"({"collection":"words","partitions":["later"]})", "partition_not_loaded"},
  {"listLoadedSegments", "{}", fine},
  {"listCheckers", R"({"checkers":["nobody"]})", fine},
  {"activateChecker", R"({"checker":"nobody"})", "parameter_invalid"},
  {"deactivateChecker", R"({"checker":"nobody"})", "parameter_invalid"},
  {"listQueryNode", "{}", fine},
  {"getQueryNodeDistribution", R"({"node":"424242"})", "node_not_found"},
  {"checkQueryNodeDistribution", R"({"source":"424242","target":"{n1}"})", "node_not_found"},
  {"checkQueryNodeDistribution", R"({"source":"{leader}","target":"{other}"})", "channel_not_found"},
  {"suspendBalance", "{}", fine},
  {"resumeBalance", "{}", fine},
  {"checkBalanceStatus", "{}", fine},
  {"suspendNode", R"({"node":"424242"})", "node_not_found"},
  {"resumeNode", R"({"node":"424242"})", "node_not_found"},
  {"showConfigurations", R"({"pattern":"nothing like this"})", fine},
  {"alterConfiguration", R"({"key":"queryCoord.balancr","value":"x"})", "parameter_invalid"},
  {"alterConfiguration", R"({"key":"node_gone_ms","value":"-1"})", "parameter_invalid"},
  {"getComponentStates", "{}", fine},
  {"checkHealth", "{}", fine},
  {"loadBalance", R"({"collection":"words"})", "parameter_invalid"},
  {"loadBalance", R"({"collection":"raw","sources":["{n1}"]})", "collection_not_loaded"},
  {"loadBalance", R"({"collectionId":"424242","sources":["{n1}"]})", "collection_not_fully_loaded"},
  {"loadBalance", R"({"collection":"words","sources":["424242"]})", "node_not_found"},
  {"loadBalance", R"({"collection":"words","sources":["{n1}"],"destinations":["424242"]})", "node_not_found"},
  {"loadBalance", R"({"collection":"words","sources":["{n1}"],"destinations":["{n1}"]})", "node_offline"},
  {"loadBalance", R"({"collection":"words","sources":["{n1}"],"segments":["424242"]})", "segment_not_found"},
  {"transferSegment", R"({"source":"424242","transferAll":true,"toAllNodes":true})", "node_offline"},
  {"transferSegment", R"({"source":"{n1}","destination":"424242","transferAll":true})", "node_offline"},
  {"transferSegment", R"({"source":"{n1}","segment":"424242","toAllNodes":true})", "segment_not_found"},
  {"transferSegment", R"({"source":"{n1}","segment":"1","toAllNodes":true,"copyMode":true})", "parameter_invalid"},
  {"transferChannel", R"({"source":"424242","transferAll":true,"toAllNodes":true})", "node_offline"},
  {"transferChannel", R"({"source":"{n1}","channel":"absent","toAllNodes":true})", "channel_not_found"},
  {"transferChannel", R"({"source":"{n1}","channel":"a","toAllNodes":true,"copyMode":true})", "parameter_invalid"},
  {"listSegments", R"({"collection":"absent"})", "collection_not_found"},
  {"createIndex", R"({"collection":"absent","segments":[{"id":"1","indexKind":"hnsw"}]})", "collection_not_found"},
  {"createIndex", R"({"collection":"raw"})", "parameter_missing"},
  {"createIndex", R"({"collection":"raw","segments":[{"id":"1","indexKind":"magic"}]})", "parameter_invalid"},
  {"createIndex", R"({"collection":"raw","segments":[{"id":"424242","indexKind":"hnsw"}]})", "segment_not_found"},
  {"dropIndex", R"({"collection":"absent","segments":[{"id":"1"}]})", "collection_not_found"},
  {"dropIndex", R"({"collection":"raw","segments":[{"id":"424242"}]})", "segment_not_found"},
  {"dropIndex", R"({"collection":"raw"})", "index_not_found"},
  {"compact", R"({"collection":"absent","replaced":["1"]})", "collection_not_found"},
  {"compact", R"({"collection":"raw"})", "parameter_missing"},
  {"compact", R"({"collection":"raw","replaced":["424242"],"segments":[{"id":"900002","rows":"1","file":"{raw}/900002.segment","indexKind":"brute_force"}]})", "segment_not_found"},
  {"createDatabase", R"({"database":"no spaces"})", "database_invalid_name"},
  {"createDatabase", R"({"database":"default"})", "parameter_invalid"},
  {"createDatabase", R"({"database":"shop","properties":[{"key":"database.replica.number","value":"many"}]})", "parameter_invalid"},
  {"createDatabase", R"({"database":"shop"})", fine},
  {"alterDatabase", R"({"database":"nowhere","deletedKeys":["x"]})", "database_not_found"},
  {"alterDatabase", R"({"database":"shop"})", "parameter_missing"},
  {"alterDatabase", R"({"database":"shop","properties":[{"key":"database.replica.number","value":"many"}]})", "parameter_invalid"},
  {"dropDatabase", R"({"database":"nowhere"})", "database_not_found"},
  {"dropDatabase", R"({"database":"default"})", "parameter_invalid"},
  {"describeDatabase", R"({"database":"nowhere"})", "database_not_found"},
  {"listDatabases", "{}", fine},
  {"getMetrics", "{}", "parameter_invalid"},
  {"getMetrics", R"({"request":"{\"metric_type\":\"weather\"}"})", "parameter_invalid"},
  {"getMetrics", R"({"request":"{\"metric_type\":\"segments\",\"in\":\"invalid\"}"})", "parameter_invalid"},
  {"getMetrics", R"({"request":"{\"metric_type\":\"tasks_all\"}"})", fine},
  {"listEvents", R"({"subject":"weather"})", "parameter_invalid"},
  {"listEvents", R"({"subject":"segment","name":"eleven"})", "parameter_invalid"},
  {"listEvents", R"({"subject":"collection","name":"words"})", fine},
  {"explain", R"({"subject":"weather","name":"1"})", "parameter_invalid"},
  {"explain", R"({"subject":"task","name":"1"})", "parameter_invalid"},
  {"explain", R"({"subject":"segment"})", "parameter_missing"},
  {"explain", R"({"subject":"segment","name":"1099511627776000"})", "segment_not_found"},
  {"explain", R"({"subject":"segment","name":"1","collection":"nowhere"})", "collection_not_found"},
  {"explain", R"({"subject":"channel","name":"nowhere"})", "channel_not_found"},
  {"explain", R"({"subject":"replica","name":"1099511627776000"})", "replica_not_found"},
  {"explain", R"({"subject":"node","name":"nobody"})", "node_not_found"},
  {"explain", R"({"subject":"collection","name":"words"})", fine},
  {"whatIf", R"({"collection":"raw"})", "collection_not_loaded"},
  {"whatIf", R"({"removeNodes":["nobody"]})", "node_not_found"},
  {"whatIf", R"({"addNodes":1000000})", "parameter_invalid"},
  {"whatIf", R"({"settings":[{"key":"queryCoord.balancr","value":"x"}]})", "parameter_invalid"},
  {"whatIf", R"({"addNodes":1})", fine},
  {"overview", "{}", fine},
  {"placementMap", R"({"measure":"weight"})", "parameter_invalid"},
  {"placementMap", R"({"node":"1099511627776000"})", "node_not_found"},
  {"placementMap", R"({"measure":"memory"})", fine},
  {"getStatus", R"({"parts":["nodes","weather"]})", "parameter_invalid"},
  {"listTasks", R"({"collection":"raw"})", "collection_not_loaded"},
  {"listTasks", R"({"collection":"words"})", fine},
  {"tapActor", R"({"actor":"nobody"})", "parameter_invalid"},
  {"tapActor", R"({"actor":""})", "parameter_invalid"},
  {"tapActor", R"({"actor":"metadata","restart":true})", "parameter_invalid"},
  {"tapActor", R"({"actor":"metadata","after":"1099511627776000"})", "parameter_invalid"},
  {"restartActor", R"({"name":"nobody"})", "parameter_invalid"},
  {"restartActor", R"({"name":"metadata"})", "parameter_invalid"},
  {"restartActor", R"({"name":"index_checker"})", fine},
  {"setLogLevel", R"({"level":"loud"})", "parameter_invalid"},
  {"setLogLevel", R"({"channel":"nobody","level":"debug"})", "parameter_invalid"},
  {"setLogLevel", "{}", fine},
  {"readJournal", R"({"limit":1001})", "parameter_invalid"},
  {"readJournal", "{}", fine},
};

/// A journal in memory that refuses writes while it is told to.
struct full_disk : journal {
  result<journal_state> recover() override {
    return inner->recover();
  }
  append_result append(const std::vector<journal_row>& rows) override {
    if (refuses)
      return {append_outcome::refused, "the disk is full"};
    return inner->append(rows);
  }
  bool fold() override {
    return inner->fold();
  }
  result<std::vector<journal_row>> read(std::uint64_t after, std::size_t most, std::size_t bytes) override {
    return inner->read(after, most, bytes);
  }

  std::uint64_t last_seq() const override {
    return inner->last_seq();
  }

  std::string describe() const override {
    return inner->describe();
  }

  std::unique_ptr<journal> inner = make_memory_journal(std::make_shared<memory_disk>());
  std::atomic<bool> refuses = false;
};

/// A coordinator with two nodes, and a client on its port.
class errors : public testing::Test {
protected:
  errors() : disk(std::make_shared<full_disk>()) {
    cluster = std::make_unique<local_cluster>(local_cluster_options{.nodes = 2, .journal = disk});
    edge = std::make_unique<bridge>(cluster->system());
    auto address = edge->listen_coordinator("127.0.0.1:0", cluster->coordinator().gateway, cluster->coordinator().routes);
    EXPECT_TRUE(address) << (address ? "" : address.error().text);
    door = std::make_unique<client>(io.provider->getNetwork(), io.provider->getTimer(), *address);
  }

  ~errors() noexcept override {
    door = nullptr;
    edge = nullptr;
    cluster = nullptr;
  }

  /// The reply as JSON.
  json ask(const std::string& method, const std::string& request) {
    auto answer = io.provider->getTimer()
                    .timeoutAfter(30 * kj::SECONDS, door->call_json(method, fill(request)))
                    .wait(io.waitScope);
    EXPECT_TRUE(answer) << method << " " << request << ": " << (answer ? "" : answer.error().text)
                        << " (I-SVC-07: no method fails as a transport)";
    auto read = answer ? json::read_object(*answer) : result<json>{json{}};
    EXPECT_TRUE(read);
    return read ? *read : json{};
  }

  /// The name of its status, "ok" when it has none.
  static std::string status(const json& reply, std::string* reason = nullptr) {
    const auto* s = reply.find("status");
    const auto* name = s == nullptr ? nullptr : s->find("name");
    if (reason != nullptr && s != nullptr && s->find("reason") != nullptr)
      *reason = *s->find("reason")->as_text();
    return name == nullptr || name->as_text()->empty() ? fine : *name->as_text();
  }

  void expect(const row& r) {
    std::string reason;
    const auto got = status(ask(r.method, r.request), &reason);
    EXPECT_EQ(got, r.expected) << r.method << " " << r.request << ": " << reason;
    if (got != fine) {
      EXPECT_GT(reason.size(), 15u) << r.method << ": an error says what is wrong and what to do";
      EXPECT_EQ(reason.find('\n'), std::string::npos) << reason;
    }
  }

  std::string fill(std::string request) const {
    for (const auto& [name, value] : ids)
      for (auto at = request.find(name); at != std::string::npos; at = request.find(name))
        request.replace(at, name.size(), value);
    return request;
  }

  void make_cluster() {
    const auto list = ask("listQueryNode", "{}");
    const auto* nodes = list.find("nodes");
    ASSERT_NE(nodes, nullptr);
    ASSERT_EQ(nodes->as_array()->size(), 2u);
    for (const auto& n : *nodes->as_array()) {
      ids["{" + *n.find("name")->as_text() + "}"] = *n.find("id")->as_text();
      EXPECT_NE(*n.find("lastHeard")->as_text(), "0");
    }
    ids["{raw}"] = std::to_string(cluster->import("raw", 2, 10));
    cluster->import("empty", 0, 10);
    cluster->import("words", 4, 10);
    cluster->import("whole", 2, 10);
    ASSERT_EQ(status(ask("loadCollection", R"({"collection":"whole"})")), fine);
    ASSERT_EQ(status(ask("createResourceGroup", R"({"name":"spare"})")), fine);
    ASSERT_EQ(status(ask("loadPartitions", R"({"collection":"words","partitions":["_default"]})")), fine);
    ASSERT_EQ(status(ask("createPartition", R"({"collection":"words","partition":"later"})")), fine);
    const auto replicas = ask("getReplicas", R"({"collection":"words"})");
    const auto leader = *replicas.find("replicas")->as_array()->at(0).find("shards")->as_array()->at(0).find("leader")->as_text();
    ids["{leader}"] = leader;
    ids["{other}"] = leader == ids.at("{n1}") ? ids.at("{n2}") : ids.at("{n1}");
  }

  std::shared_ptr<full_disk> disk;
  kj::AsyncIoContext io = kj::setupAsyncIo();
  std::unique_ptr<local_cluster> cluster;
  std::unique_ptr<bridge> edge;
  std::unique_ptr<client> door;
  std::map<std::string, std::string> ids;
};

TEST_F(errors, of_each_method_come_as_its_description_says) {
  // I-SVC-07, T-COL-02
  make_cluster();
  for (const auto& r : table)
    expect(r);
}

TEST(error_table, has_a_row_for_every_method) {
  std::set<std::string> in_table;
  for (const auto& r : table)
    in_table.insert(r.method);
  std::set<std::string> there;
  for (const auto& m : client::methods())
    there.insert(m);
  EXPECT_EQ(in_table, there);
}

TEST_F(errors, what_the_disk_refuses_is_told_and_has_not_happened) {
  // T-JOB-15, T-JOB-21, T-RM-01, T-KV-06
  make_cluster();
  disk->refuses = true;
  for (const row r : {row{"allocateIds", R"({"count":1})", "journal_failed"},
                      row{"loadCollection", R"({"collection":"raw"})", "journal_failed"},
                      row{"loadPartitions", R"({"collection":"raw","partitions":["_default"]})", "journal_failed"},
                      row{"releasePartitions", R"({"collection":"words","partitions":["_default"]})", "journal_failed"},
                      row{"suspendBalance", "{}", "journal_failed"},
                      row{"updateResourceGroups", R"({"groups":[{"name":"spare","config":{"requests":"1","limits":"1"}}]})",
                          "resource_group_service_available"},
                      row{"deactivateChecker", R"({"checker":"1"})", "journal_failed"},
                      row{"suspendNode", R"({"node":"{n1}"})", "journal_failed"},
                      row{"alterConfiguration", R"({"key":"node_gone_ms","value":"5000"})", "journal_failed"},
                      row{"releaseCollection", R"({"collection":"words"})", "journal_failed"},
                      row{"createResourceGroup", R"({"name":"more"})", "resource_group_service_available"},
                      row{"updateLoadConfig", R"({"collections":["words"],"replicaNumber":2})", "journal_failed"}})
    expect(r);
  EXPECT_EQ(status(ask("getReplicas", R"({"collection":"raw"})")), "collection_not_loaded");
  EXPECT_EQ(ask("getReplicas", R"({"collection":"words"})").find("replicas")->as_array()->size(), 1u);
  EXPECT_EQ(ask("listResourceGroups", "{}").find("names")->as_array()->size(), 2u);
  disk->refuses = false;
  expect({"loadCollection", R"({"collection":"raw"})", fine});
  expect({"releaseCollection", R"({"collection":"words"})", fine});
}

TEST_F(errors, more_taps_than_the_limit_are_refused) {
  make_cluster();
  // One that nobody asks for a while makes room: so many that no machine is too slow.
  std::size_t begun = 0;
  while (begun < 100 * limits::taps && status(ask("tapActor", R"({"actor":"distribution"})")) == fine)
    ++begun;
  EXPECT_GE(begun, limits::taps);
  EXPECT_LT(begun, 100 * limits::taps);
  expect({"tapActor", R"({"actor":"metadata"})", "too_many_requests"});
}

TEST_F(errors, a_channel_whose_leaders_are_gone_is_not_available_and_shown_when_asked_for) {
  make_cluster();
  cluster->kill_node("n1");
  cluster->kill_node("n2");
  cluster->await_status([](auto s) {
    bool some = false;
    for (auto n : s.getNodes())
      some = some || view(n.getState()) == "connected";
    return !some;
  });
  std::string got = fine;
  for (int i = 0; i < 10'000 && got == fine; ++i) // what the gateway has heard is on its way to route_publisher
    got = status(ask("getShardLeaders", R"({"collection":"words"})"));
  EXPECT_EQ(got, "channel_not_available");
  expect({"getShardLeaders", R"({"collection":"words","withUnserviceableShards":true})", fine});
  expect({"loadCollection", R"({"collection":"raw"})", "resource_group_node_not_enough"});
}

TEST_F(errors, as_many_resource_groups_as_there_may_be_and_no_more) {
  for (std::size_t i = 1; i < limits::resource_groups; ++i)
    ASSERT_EQ(status(ask("createResourceGroup", R"({"name":"g)" + std::to_string(i) + R"("})")), fine) << i;
  expect({"createResourceGroup", R"({"name":"one more"})", "resource_group_reach_limit"});
}

TEST_F(errors, a_transfer_asked_for_twice_and_a_load_with_its_fields_in_another_order_succeed) {
  // T-OPS-11, T-JOB-06
  make_cluster();
  for (int i = 0; i < 2; ++i)
    expect({"transferSegment", R"({"source":"{n1}","destination":"{n2}","transferAll":true})", fine});
  for (const char* fields : {R"(["100","101","102"])", R"(["102","100","101"])", R"(["100"])", "[]"})
    expect({"loadCollection", (R"({"collection":"raw","loadFields":)" + std::string{fields} + "}").c_str(), fine});
}

} // namespace
} // namespace muster
