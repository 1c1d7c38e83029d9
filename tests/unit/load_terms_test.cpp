// Rules of what a load or release asks for.
#include "actors/core/load_terms.hpp"
#include "messages/msg.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using texts = std::vector<std::string>;

template <class Fill>
result<load_terms> terms(Fill fill) {
  return terms_of(build<schema::ClientRequest>(fill).read());
}

using properties = std::vector<std::pair<std::string, std::string>>;

void put(const properties& from, capnp::List<schema::Property>::Builder to) {
  for (unsigned i = 0; i < from.size(); ++i) {
    to[i].setKey(from[i].first);
    to[i].setValue(from[i].second);
  }
}

/// Properties as a list that lives long enough.
msg<schema::DataCollection> with(const std::vector<std::pair<std::string, std::string>>& properties) {
  return build<schema::DataCollection>([&](schema::DataCollection::Builder b) {
    auto list = b.initProperties(static_cast<unsigned>(properties.size()));
    for (unsigned i = 0; i < properties.size(); ++i) {
      list[i].setKey(properties[i].first);
      list[i].setValue(properties[i].second);
    }
  });
}

load_terms decided(load_terms t, const std::vector<std::pair<std::string, std::string>>& properties, const settings& cluster = {}) {
  decide(t, with(properties).read(), cluster);
  return t;
}

TEST(load_terms, who_says_how_many_replicas_specified_them) {
  // T-SVC-05, T-SVC-06, T-SVC-12
  const auto asked = [](std::uint32_t n, bool partitions) {
    return terms([&](schema::ClientRequest::Builder b) {
      partitions ? b.initLoadPartitions().setReplicaNumber(n) : b.initLoadCollection().setReplicaNumber(n);
    })->user_specified;
  };
  EXPECT_FALSE(asked(0, false));
  EXPECT_TRUE(asked(2, false));
  EXPECT_FALSE(asked(0, true));
  EXPECT_TRUE(asked(3, true));
}

TEST(load_terms, what_is_left_open_comes_from_the_collection_then_from_the_cluster_each_for_itself) {
  settings cluster;
  cluster.cluster_level_load_replica_number = 3;
  cluster.cluster_level_load_resource_groups = {"rg1", "rg2", "rg3"};
  auto t = decided({}, {{"collection.replica.number", "2"}, {"collection.resource_groups", " a , b,"}}, cluster);
  EXPECT_EQ(t.replica_number, 2u);
  EXPECT_EQ(t.groups, (texts{"a", "b"}));
  EXPECT_FALSE(t.user_specified);
  t = decided({}, {{"collection.replica.number", "2"}}, cluster);
  EXPECT_EQ(t.replica_number, 2u);
  EXPECT_EQ(t.groups, cluster.cluster_level_load_resource_groups);
  t = decided({}, {}, cluster);
  EXPECT_EQ(t.replica_number, 3u);
  t = decided({}, {});
  EXPECT_EQ(t.replica_number, 0u) << "one, where it is placed";
  EXPECT_TRUE(t.groups.empty());
}

TEST(load_terms, what_the_collection_leaves_open_its_database_says) {
  // T-BRK-04
  const auto decided_by = [](const properties& collection, const properties& database, const settings& cluster) {
    const auto m = build<schema::DataCollection>([&](schema::DataCollection::Builder b) {
      put(collection, b.initProperties(static_cast<unsigned>(collection.size())));
      put(database, b.initDatabaseProperties(static_cast<unsigned>(database.size())));
    });
    load_terms t;
    decide(t, m.read(), cluster);
    return t;
  };
  settings cluster;
  cluster.cluster_level_load_replica_number = 4;
  cluster.cluster_level_load_resource_groups = {"rg9"};
  auto t = decided_by({}, {{"database.replica.number", "3"}, {"database.resource_groups", "rg1,rg2"}}, cluster);
  EXPECT_EQ(t.replica_number, 3u);
  EXPECT_EQ(t.groups, (texts{"rg1", "rg2"}));
  t = decided_by({{"collection.replica.number", "2"}}, {{"database.replica.number", "3"}, {"database.resource_groups", "rg1"}}, cluster);
  EXPECT_EQ(t.replica_number, 2u);
  EXPECT_EQ(t.groups, texts{"rg1"});
  t = decided_by({}, {}, cluster);
  EXPECT_EQ(t.replica_number, 4u);
  EXPECT_EQ(t.groups, texts{"rg9"});
  // The keys of one level mean nothing at the other, and what is no number counts as missing.
  t = decided_by({{"database.replica.number", "3"}}, {{"collection.replica.number", "3"}}, {});
  EXPECT_EQ(t.replica_number, 0u);
  t = decided_by({}, {{"database.replica.number", "three"}, {"database.resource_groups", " , "}}, cluster);
  EXPECT_EQ(t.replica_number, 4u);
  EXPECT_EQ(t.groups, texts{"rg9"});
}

TEST(load_terms, properties_that_a_database_cannot_have_are_named) {
  const auto flaw = [](const char* value) {
    const auto m = with({{"database.replica.number", value}, {"note", "any"}});
    return flaw_of_database_properties(m->getProperties());
  };
  EXPECT_EQ(flaw("2"), "");
  EXPECT_EQ(flaw("0"), "");
  for (const char* bad : {"-1", "two", "", "4000000000"})
    EXPECT_NE(flaw(bad).find("database.replica.number"), std::string::npos) << bad;
}

TEST(load_terms, the_default_database_need_not_be_named) {
  const auto t = terms([](schema::ClientRequest::Builder b) { b.initLoadCollection().setCollection("default/words"); });
  EXPECT_EQ(t->collection, "words") << "loads are serial by name";
}

TEST(load_terms, a_number_that_is_none_counts_as_missing) {
  for (const char* bad : {"-1", "0", "two", "2x", ""})
    EXPECT_EQ(decided({}, {{"collection.replica.number", bad}}).replica_number, 0u) << bad;
}

TEST(load_terms, what_the_request_says_is_left_alone) {
  load_terms t;
  t.groups = {"rg9"};
  EXPECT_EQ(decided(t, {{"collection.replica.number", "2"}}).replica_number, 0u) << "groups were given";
  t = {};
  t.replica_number = 1;
  EXPECT_EQ(decided(t, {{"collection.replica.number", "2"}}).replica_number, 1u);
  t = {};
  t.kind = job_kind::RELEASE_COLLECTION;
  EXPECT_EQ(decided(t, {{"collection.replica.number", "2"}}).replica_number, 0u);
}

TEST(load_terms, what_can_never_be_carried_out_is_refused) {
  const auto none = terms([](schema::ClientRequest::Builder b) { b.initReleasePartitions().setCollection("c"); });
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ec::parameter_invalid);
  const auto many = terms([](schema::ClientRequest::Builder b) { b.initLoadCollection().setReplicaNumber(65); });
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, ec::parameter_invalid);
}

TEST(load_terms, each_job_is_answered_in_its_own_arm) {
  using request = schema::ClientRequest;
  for (auto which : {request::LOAD_COLLECTION, request::LOAD_PARTITIONS, request::RELEASE_COLLECTION, request::RELEASE_PARTITIONS,
                     request::SYNC_NEW_CREATED_PARTITION}) {
    EXPECT_TRUE(is_job(which));
    auto r = build<schema::ClientReply>(
      [&](schema::ClientReply::Builder b) { write_job_reply(which, {ec::collection_not_found, "x"}, 7, b); });
    EXPECT_NE(r->which(), schema::ClientReply::INVALID);
    EXPECT_EQ(r->getStatus().getCode(), 0);
  }
  EXPECT_FALSE(is_job(request::GET_STATUS));
}

} // namespace
} // namespace muster
