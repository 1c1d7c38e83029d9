// The client library against a real bridge with fake actors behind it.
#include "tests/net/fakes.hpp"

#include <chrono>
#include <iostream>

using namespace muster;
using namespace muster::test;

namespace {

std::int64_t us_since(std::chrono::steady_clock::time_point t) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - t).count();
}

struct client_test : testing::Test, world {
  subscriber_log subscribers = std::make_shared<log_of<route_subscriber_actor>>();
  std::vector<std::unique_ptr<bridge>> bridges;
  kj::AsyncIoContext io = kj::setupAsyncIo();

  ~client_test() noexcept override {
    // nop
  }

  bridge& fresh() {
    return *bridges.emplace_back(std::make_unique<bridge>(system));
  }

  std::string coordinator(gateway_function answer = {}, std::string address = "127.0.0.1:0") {
    if (!answer)
      answer = [](auto& r) {
        return build<schema::ClientReply>([&](auto b) {
          if (r->isGetStatus())
            b.initGetStatus().setState("Healthy");
          else if (r->isDescribeCollection())
            b.initDescribeCollection().initCollection().setName(r->getDescribeCollection().getCollection());
          else
            set_status(b.initStatus(), ec::service_not_ready, "not yet");
        });
      };
    auto r = fresh().listen_coordinator(address, spawn(gateway, answer), spawn(publisher, subscribers));
    EXPECT_TRUE(r) << r.error().text;
    return r ? *r : "";
  }

  std::string node(door_function answer) {
    auto r = fresh().listen_node("127.0.0.1:0", spawn(door, answer));
    EXPECT_TRUE(r);
    return r ? *r : "";
  }

  std::unique_ptr<client> connect(const std::string& address) {
    return std::make_unique<client>(io.provider->getNetwork(), io.provider->getTimer(), address);
  }

  template <class T>
  T wait(kj::Promise<T> promise) {
    return io.provider->getTimer().timeoutAfter(10 * kj::SECONDS, kj::mv(promise)).wait(io.waitScope);
  }

  /// Publishes to the n-th watch; the answer must come.
  void publish(msg<schema::RouteUpdate> update, std::size_t n = 1) {
    ASSERT_TRUE(subscribers->wait([&](auto& all) { return all.size() >= n; }));
    auto s = subscribers->all()[n - 1];
    acked = false;
    spawn([this, s, update](caf::event_based_actor* self) {
      self->request(s, patience, update).then([this](const msg<schema::Ack>&) { acked = true; }, [](const caf::error&) {});
    });
  }

  std::atomic<bool> acked = false;

  /// A client with these routes.
  std::unique_ptr<client> with_routes(std::vector<channel_leaders> shards) {
    auto c = connect(coordinator());
    bool arrived = false;
    c->on_routes([&] { arrived = true; });
    c->start_watch();
    pump_until([&] { return !subscribers->all().empty(); });
    publish(routes_of("films", std::move(shards)));
    pump_until([&] { return arrived; });
    c->on_routes({});
    return c;
  }

  void pump_until(std::function<bool()> holds) {
    auto& timer = io.provider->getTimer();
    const auto end = timer.now() + 10 * kj::SECONDS;
    while (!holds() && timer.now() < end)
      timer.afterDelay(1 * kj::MILLISECONDS).wait(io.waitScope);
    ASSERT_TRUE(holds());
  }

  static search_query query(std::chrono::milliseconds deadline = std::chrono::milliseconds{3000}) {
    search_query q;
    q.collection = "films";
    q.vectors = {1, 2};
    q.dimension = 2;
    q.k = 3;
    q.deadline = deadline;
    return q;
  }
};

} // namespace

// -- calls --------------------------------------------------------------------

TEST_F(client_test, a_call_carries_trace_and_what_is_left_and_brings_the_arm_back) {
  std::atomic<std::int64_t> left = 0;
  std::atomic<std::uint64_t> trace = 0;
  auto address = coordinator([&](auto& r) {
    left = r->getHeader().getDeadline() - r->getHeader().getEnqueuedAt();
    trace = r->getDescribeCollection().getHeader().getTraceId();
    return build<schema::ClientReply>([](auto b) { b.initDescribeCollection().initCollection().setId(42); });
  });
  auto c = connect(address);
  auto reply = wait(c->call(build<schema::ClientRequest>([](auto b) {
    auto h = b.initHeader();
    h.setTraceId(99);
    h.setEnqueuedAt(1'000'000);
    h.setDeadline(2'001'000'000);
    b.initDescribeCollection().setCollection("films");
  })));
  ASSERT_TRUE(reply) << reply.error().text;
  EXPECT_EQ(reply->read().getDescribeCollection().getCollection().getId(), 42);
  EXPECT_EQ(status_of(reply->read()).getCode(), 0);
  EXPECT_EQ(trace, 99u);
  EXPECT_EQ(left, 2'000'000'000);
}

TEST_F(client_test, a_request_refused_before_its_handler_has_the_status_in_its_arm) {
  auto c = connect(coordinator());
  auto reply = wait(c->call(build<schema::ClientRequest>([](auto b) { b.initLoadCollection().setCollection("films"); })));
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->read().isLoadCollection());
  EXPECT_EQ(status_of(reply->read()).getCode(), static_cast<int>(ec::service_not_ready));
  EXPECT_EQ(view(status_of(reply->read()).getReason()), "not yet");
}

TEST_F(client_test, nobody_at_the_address_is_said_clearly) {
  auto address = coordinator();
  bridges.clear();
  auto c = connect(address);
  auto reply = wait(c->call(build<schema::ClientRequest>([](auto b) { b.initGetStatus(); })));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ec::connection_lost);
  EXPECT_EQ(reply.error().text.find("cannot reach a coordinator at " + address + ": "), 0u) << reply.error().text;
  EXPECT_NE(reply.error().text.find("Is it running?"), std::string::npos);
}

TEST_F(client_test, a_call_comes_through_after_the_coordinator_came_back) {
  auto address = coordinator();
  auto c = connect(address);
  auto status = build<schema::ClientRequest>([](auto b) { b.initGetStatus(); });
  ASSERT_TRUE(wait(c->call(status)));
  bridges.clear();
  EXPECT_FALSE(wait(c->call(status)));
  coordinator({}, address);
  EXPECT_TRUE(wait(c->call(status)));
}

TEST_F(client_test, json_in_and_out) {
  auto c = connect(coordinator());
  auto reply = wait(c->call_json("DescribeCollection", R"({"collection": "films"})"));
  ASSERT_TRUE(reply) << reply.error().text;
  EXPECT_NE(reply->find("\"name\": \"films\""), std::string::npos) << *reply;
  reply = wait(c->call_json("getStatus", ""));
  ASSERT_TRUE(reply);
  EXPECT_NE(reply->find("Healthy"), std::string::npos);
}

TEST_F(client_test, bad_json_and_unknown_methods_are_refused_here) {
  auto c = connect("127.0.0.1:1");
  auto reply = wait(c->call_json("lodCollection", "{}"));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, ec::parameter_invalid);
  EXPECT_NE(reply.error().text.find("loadCollection"), std::string::npos) << reply.error().text;
  for (auto json : {"{", "[]", "{\"colection\": \"x\"}", "{\"collection\": [1]}", "7", "nonsense"}) {
    auto bad = wait(c->call_json("describeCollection", json));
    ASSERT_FALSE(bad) << json;
    EXPECT_EQ(bad.error().code, ec::parameter_invalid) << json << ": " << bad.error().text;
  }
}

TEST_F(client_test, a_gateway_call_takes_a_fraction_of_a_millisecond) {
  auto c = connect(coordinator());
  auto status = build<schema::ClientRequest>([](auto b) { b.initGetStatus(); });
  ASSERT_TRUE(wait(c->call(status)));
  std::vector<std::int64_t> took;
  for (int i = 0; i < 2000; ++i) {
    auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(c->call(status).wait(io.waitScope));
    took.push_back(us_since(begin));
  }
  std::sort(took.begin(), took.end());
  std::cout << "round trip: p50 " << took[1000] << " us, p99 " << took[1980] << " us, max " << took[1999] << " us\n";
  EXPECT_LT(took[1000], 20'000);
}

// -- routes -------------------------------------------------------------------

TEST_F(client_test, routes_arrive_are_acknowledged_and_outlive_the_coordinator) {
  auto address = coordinator();
  auto c = connect(address);
  c->start_watch();
  pump_until([&] { return !subscribers->all().empty(); });
  publish(routes_of("films", {{"c0", {"127.0.0.1:1"}}}));
  pump_until([&] { return acked.load(); });
  EXPECT_EQ(c->routes("films")->getCollectionId(), 7);
  EXPECT_TRUE(c->routes_live());
  bridges.clear();
  pump_until([&] { return !c->routes_live(); });
  EXPECT_EQ(c->routes("films")->getCollectionId(), 7);
  coordinator({}, address);
  pump_until([&] { return subscribers->all().size() >= 2; });
  publish(routes_of("series", {{"c0", {}}}), 2);
  pump_until([&] { return acked.load(); });
  EXPECT_TRUE(c->routes("films").empty());
  EXPECT_FALSE(c->routes("series").empty());
}

TEST_F(client_test, a_watch_ends_with_its_connection) {
  auto c = connect(coordinator());
  c->start_watch();
  pump_until([&] { return !subscribers->all().empty(); });
  log_of<bool> down;
  auto watched = subscribers->all()[0];
  spawn([&, watched](caf::event_based_actor* self) -> caf::behavior {
    self->set_down_handler([&](const caf::down_msg&) { down.add(true); });
    self->monitor(watched);
    return {[](int) {}};
  });
  c.reset();
  EXPECT_TRUE(down.wait([](auto& all) { return !all.empty(); }));
}

// -- searches -----------------------------------------------------------------

TEST_F(client_test, a_search_merges_channels_by_distance_then_id) {
  auto a = node([](auto&) { return hits(4, {{1, 0.5F}, {3, 0.7F}, {5, 0.9F}}); });
  auto b = node([](auto&) { return hits(5, {{4, 0.1F}, {2, 0.7F}}); });
  auto c = with_routes({{"c0", {a}}, {"c1", {b}}});
  auto r = wait(c->search(query()));
  ASSERT_TRUE(r.ok()) << r.why.text;
  ASSERT_EQ(r.queries.size(), 1u);
  ASSERT_EQ(r.queries[0].size(), 3u);
  EXPECT_EQ(r.queries[0][0].id, 4);
  EXPECT_EQ(r.queries[0][1].id, 1);
  EXPECT_EQ(r.queries[0][2].id, 2);
  EXPECT_EQ(r.served_versions["c0"], 4);
  EXPECT_EQ(r.served_versions["c1"], 5);
  EXPECT_EQ(r.retries, 0u);
}

TEST_F(client_test, a_failing_replica_is_replaced_by_another) {
  auto bad = node([](auto&) {
    return build<schema::SearchReply>([](auto b) { set_status(b.initStatus(), ec::channel_not_available, "view broken"); });
  });
  auto good = node([](auto&) { return hits(4, {{1, 0.5F}}); });
  auto c = with_routes({{"c0", {bad, good}}});
  std::uint32_t retries = 0;
  for (int i = 0; i < 4; ++i) {
    auto r = wait(c->search(query()));
    ASSERT_TRUE(r.ok()) << r.why.text;
    retries += r.retries;
  }
  EXPECT_EQ(retries, 2u);
}

TEST_F(client_test, a_hanging_replica_is_hedged) {
  auto hangs = node([](auto&) { return msg<schema::SearchReply>{}; });
  auto good = node([](auto&) { return hits(4, {{1, 0.5F}}); });
  auto c = with_routes({{"c0", {hangs, good}}});
  for (int i = 0; i < 2; ++i) {
    auto begin = std::chrono::steady_clock::now();
    auto r = wait(c->search(query()));
    ASSERT_TRUE(r.ok()) << r.why.text;
    EXPECT_LT(us_since(begin), 2'000'000);
  }
}

TEST_F(client_test, a_lost_node_fails_its_calls_at_once_and_another_replica_answers) {
  std::atomic<int> asked = 0;
  auto good = node([](auto&) { return hits(4, {{1, 0.5F}}); });
  auto dies = node([&](auto&) {
    ++asked;
    return msg<schema::SearchReply>{};
  });
  auto c = with_routes({{"c0", {dies, good}}});
  auto search = c->search(query());
  pump_until([&] { return asked > 0; });
  // The fixture made three bridges: good, dies, coordinator.
  bridges[1].reset();
  auto r = wait(kj::mv(search));
  EXPECT_TRUE(r.ok()) << r.why.text;
  // From now on the dead one is not asked any more.
  for (int i = 0; i < 5; ++i) {
    r = wait(c->search(query()));
    ASSERT_TRUE(r.ok()) << r.why.text;
    EXPECT_EQ(r.retries, 0u);
  }
}

TEST_F(client_test, a_channel_without_leader_is_waited_for_and_then_named) {
  auto good = node([](auto&) { return hits(4, {{1, 0.5F}}); });
  auto c = with_routes({{"c0", {good}}, {"c1", {}}});
  auto r = wait(c->search(query(std::chrono::milliseconds{100})));
  ASSERT_FALSE(r.ok());
  EXPECT_EQ(r.why.code, ec::channel_not_available);
  EXPECT_NE(r.why.text.find("c1"), std::string::npos);
  EXPECT_TRUE(r.queries.empty());
  auto search = c->search(query());
  publish(routes_of("films", {{"c0", {good}}, {"c1", {good}}}, 2));
  r = wait(kj::mv(search));
  EXPECT_TRUE(r.ok()) << r.why.text;
}

// A coordinator that was away for long has not heard of its nodes yet: they are asked all the same.
TEST_F(client_test, a_channel_that_lost_its_last_leader_is_asked_for_where_it_was) {
  auto a = node([](auto&) { return hits(4, {{1, 0.5F}}); });
  auto b = node([](auto&) { return hits(4, {{2, 0.5F}}); });
  auto c = with_routes({{"c0", {a}}});
  bool arrived = false;
  c->on_routes([&] { arrived = true; });
  publish(routes_of("films", {{"c0", {}}}));
  pump_until([&] { return arrived; });
  auto r = wait(c->search(query()));
  ASSERT_TRUE(r.ok()) << r.why.text;
  EXPECT_EQ(r.queries.at(0).at(0).id, 1);
  arrived = false;
  publish(routes_of("films", {{"c0", {b}}}));
  pump_until([&] { return arrived; });
  r = wait(c->search(query()));
  ASSERT_TRUE(r.ok()) << r.why.text;
  EXPECT_EQ(r.queries.at(0).at(0).id, 2) << "only while there is no other";
}

TEST_F(client_test, a_definite_refusal_is_not_retried) {
  std::atomic<int> asked = 0;
  auto refuse = [&](auto&) {
    ++asked;
    return build<schema::SearchReply>([](auto b) { set_status(b.initStatus(), ec::parameter_invalid, "wrong dimension"); });
  };
  auto c = with_routes({{"c0", {node(refuse), node(refuse)}}});
  auto r = wait(c->search(query()));
  EXPECT_EQ(r.why.code, ec::parameter_invalid);
  EXPECT_EQ(r.why.text, "wrong dimension");
  EXPECT_EQ(asked, 1);
}

TEST_F(client_test, a_search_without_routes_says_so_at_its_deadline) {
  auto c = connect("127.0.0.1:1");
  auto r = wait(c->search(query(std::chrono::milliseconds{50})));
  EXPECT_EQ(r.why.code, ec::connection_lost);
  EXPECT_NE(r.why.text.find("127.0.0.1:1"), std::string::npos) << r.why.text;
  auto d = with_routes({{"c0", {}}});
  auto q = query(std::chrono::milliseconds{50});
  q.collection = "unheard";
  EXPECT_EQ(wait(d->search(q)).why.code, ec::collection_not_loaded);
}

TEST_F(client_test, rows_are_found_by_name) {
  auto n = node([](auto& r) {
    return build<schema::SearchReply>([&](auto b) {
      auto row = b.initRows(1)[0];
      row.setName(r->getName());
      row.setId(r->getChannel() == "c0" ? 9 : 3);
      row.setVector({1.0F, 2.5F});
    });
  });
  auto c = with_routes({{"c0", {n}}, {"c1", {n}}});
  auto rows = wait(c->find("films", "Alien"));
  ASSERT_TRUE(rows) << rows.error().text;
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[0].id, 3);
  EXPECT_EQ((*rows)[1].vector[1], 2.5F);
}

TEST_F(client_test, a_client_may_go_while_it_is_asked) {
  auto hangs = node([](auto&) { return msg<schema::SearchReply>{}; });
  auto c = with_routes({{"c0", {hangs}}});
  auto search = c->search(query());
  auto call = c->call(build<schema::ClientRequest>([](auto b) { b.initGetStatus(); }));
  search.poll(io.waitScope);
  c.reset();
  EXPECT_ANY_THROW(wait(kj::mv(search)));
}
