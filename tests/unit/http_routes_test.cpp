// Guards what is asked over HTTP: who is let in, what paths mean, and which status an error has.
#include "actors/core/method_effects.hpp"
#include "actors/core/http_replies.hpp"
#include "actors/core/http_routes.hpp"
#include "actors/core/http_site.hpp"
#include "messages/schema_json.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace muster {
namespace {

http_call call(std::string_view verb, std::string_view target, std::string_view body = {}) {
  http_call c;
  c.verb = verb;
  c.target = target;
  c.host = "127.0.0.1:7780";
  c.port = 7780;
  c.body = body;
  if (verb == "POST" && target.starts_with("/v1/"))
    c.content_type = json_type;
  return c;
}

http_plan plan(std::string_view verb, std::string_view target, std::string_view body = {}) {
  return plan_of(call(verb, target, body), false);
}

unsigned refused(const http_plan& p) {
  EXPECT_EQ(p.need, http_need::answer);
  return p.answer.status;
}

std::string header(const http_plan& p, const std::string& name) {
  for (const auto& [key, value] : p.answer.headers)
    if (key == name)
      return value;
  return {};
}

TEST(method_effects, every_method_says_whether_it_changes_something) {
  std::vector<std::string> named;
  for (const auto& e : method_entries())
    named.emplace_back(e.name);
  EXPECT_EQ(named, method_names()) << "a new method needs its line in actors/core/method_effects.cpp";
}

TEST(method_effects, arm_and_name_of_a_method_say_the_same) {
  std::size_t arms = 0;
  for (auto field : capnp::Schema::from<schema::ClientRequest>().getUnionFields()) {
    const auto arm = field.getProto().getDiscriminantValue();
    if (arm == 0)
      continue;
    const std::string name = field.getProto().getName().cStr();
    EXPECT_EQ(only_reads(static_cast<schema::ClientRequest::Which>(arm)), only_reads(name)) << name;
    ++arms;
  }
  EXPECT_EQ(arms, method_entries().size());
  EXPECT_FALSE(only_reads(schema::ClientRequest::INVALID));
  EXPECT_FALSE(only_reads(static_cast<schema::ClientRequest::Which>(60'000)));
}

TEST(method_effects, an_unknown_method_counts_as_one_that_changes_something) {
  EXPECT_TRUE(only_reads("getStatus"));
  EXPECT_FALSE(only_reads("loadCollection"));
  EXPECT_FALSE(only_reads("getStatusOfLater"));
}

TEST(http_routes, methods_are_found_by_their_name) {
  const auto p = plan("POST", "/v1/LoadCollection", R"({"collection":"a"})");
  EXPECT_EQ(p.need, http_need::method);
  EXPECT_EQ(p.method, "loadCollection");
  EXPECT_EQ(p.parameters, R"({"collection":"a"})");
  for (const auto& m : method_names())
    EXPECT_EQ(plan("POST", "/v1/" + m).method, m);
  EXPECT_EQ(plan("POST", "/v1/Search").need, http_need::search);
}

TEST(http_routes, an_unknown_method_is_404_and_names_the_nearest) {
  const auto p = plan("POST", "/v1/LoadColection");
  EXPECT_EQ(refused(p), 404);
  EXPECT_NE(p.answer.body.find("loadCollection"), std::string::npos) << p.answer.body;
}

TEST(http_routes, another_verb_is_405_with_those_that_are_allowed) {
  const auto p = plan("GET", "/v1/GetStatus");
  EXPECT_EQ(refused(p), 405);
  EXPECT_EQ(header(p, "Allow"), "POST");
  const auto q = plan("DELETE", "/healthz");
  EXPECT_EQ(refused(q), 405);
  EXPECT_EQ(header(q, "Allow"), "GET, HEAD");
  EXPECT_EQ(refused(plan("GET", "/management/querycoord/balance/suspend")), 405) << "what changes something is no GET";
  EXPECT_EQ(plan("HEAD", "/healthz").need, http_need::health);
}

TEST(http_routes, a_method_takes_json_only) {
  auto c = call("POST", "/v1/GetStatus", "{}");
  c.content_type = "application/json; charset=utf-8";
  EXPECT_EQ(plan_of(c, false).need, http_need::method);
  for (const auto* other : {"", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"}) {
    c.content_type = other;
    EXPECT_EQ(refused(plan_of(c, false)), 415) << other;
  }
}

TEST(http_routes, only_loopback_names_with_the_port_are_this_door) {
  for (const auto* own : {"127.0.0.1:7780", "localhost:7780", "LOCALHOST:7780", "[::1]:7780", "127.1.2.3:7780"})
    EXPECT_TRUE(is_own_host(own, 7780)) << own;
  for (const auto* foreign : {"", "127.0.0.1", "127.0.0.1:7781", "evil.example:7780", "127.0.0.1.evil.example:7780", "127.0.0:7780",
                              "localhost", "localhost.:7780", "[::1]", "10.0.0.1:7780", "127.0.0.256:7780", ":7780", "127.0.0.1:"})
    EXPECT_FALSE(is_own_host(foreign, 7780)) << foreign;
  auto c = call("GET", "/healthz");
  c.host = "evil.example:7780";
  EXPECT_EQ(refused(plan_of(c, false)), 403) << "a name that was bound to loopback by somebody else";
}

TEST(http_routes, pages_of_other_origins_are_refused) {
  auto c = call("POST", "/v1/GetStatus", "{}");
  for (const auto* own : {"http://127.0.0.1:7780", "http://localhost:7780"}) {
    c.origin = own;
    EXPECT_EQ(plan_of(c, false).need, http_need::method) << own;
  }
  for (const auto* foreign : {"null", "http://evil.example", "https://127.0.0.1:7780", "http://127.0.0.1:3000", "http://localhost"}) {
    c.origin = foreign;
    EXPECT_EQ(refused(plan_of(c, false)), 403) << foreign;
  }
  c.origin = {};
  c.site = "cross-site";
  EXPECT_EQ(refused(plan_of(c, false)), 403);
  c.site = "same-origin";
  EXPECT_EQ(plan_of(c, false).need, http_need::method);
}

TEST(http_routes, a_door_that_only_reads_refuses_every_change) {
  std::size_t changes = 0;
  for (const auto& e : method_entries()) {
    const auto p = plan_of(call("POST", "/v1/" + std::string{e.name}), true);
    if (e.effect == method_effect::reads) {
      EXPECT_EQ(p.need, http_need::method) << e.name;
    } else {
      EXPECT_EQ(refused(p), 403) << e.name;
      EXPECT_NE(p.answer.body.find("--read-only"), std::string::npos) << p.answer.body;
      ++changes;
    }
  }
  EXPECT_GT(changes, 20u);
  for (const auto& r : http_routes())
    if (r.need == http_need::method && !only_reads(r.method)) {
      EXPECT_EQ(refused(plan_of(call("POST", r.path), true)), 403) << r.path;
      EXPECT_EQ(r.verbs, "POST") << r.path;
    }
  EXPECT_EQ(plan_of(call("POST", "/v1/Search"), true).need, http_need::search);
}

TEST(http_routes, each_route_of_a_method_names_one_that_is_there) {
  std::set<std::string_view> paths;
  for (const auto& r : http_routes()) {
    EXPECT_TRUE(paths.insert(r.path).second) << r.path;
    EXPECT_FALSE(r.meaning.empty()) << r.path;
    if (r.need == http_need::method) {
      EXPECT_EQ(find_method(r.method), r.method) << r.path;
    }
  }
}

TEST(http_routes, parameters_become_fields_of_the_request) {
  const auto move = plan("POST", "/management/querycoord/transfer/segment?source_node_id=1&target_node_id=2&segment_id=77");
  EXPECT_EQ(move.method, "transferSegment");
  EXPECT_EQ(move.parameters, R"({"source":"1","destination":"2","segment":"77"})");
  const auto all = plan("POST", "/management/querycoord/transfer/channel?source_node_id=1");
  EXPECT_EQ(all.parameters, R"({"source":"1","toAllNodes":true,"transferAll":true})") << "absent means all, as in the model";
  auto form = call("POST", "/management/querycoord/node/suspend", "node_id=3");
  form.content_type = "application/x-www-form-urlencoded";
  EXPECT_EQ(plan_of(form, false).parameters, R"({"node":"3"})");
  form.content_type = json_type;
  EXPECT_EQ(refused(plan_of(form, false)), 415);
  // Each of them is a request that can be read.
  for (const auto* target : {"/management/querycoord/transfer/segment?source_node_id=1&copy_mode=true",
                             "/management/querycoord/checkers/activate?checker_id=3", "/management/querycoord/node/resume?node_id=9",
                             "/management/querycoord/distribution/check?source_node_id=1&target_node_id=2"}) {
    const auto p = plan("POST", target);
    ASSERT_EQ(p.need, http_need::method) << target << p.answer.body;
    EXPECT_TRUE(read_request(p.method, p.parameters)) << target;
  }
}

TEST(http_routes, wrong_parameters_of_the_model_are_told_as_the_model_does) {
  for (const auto* target : {"/management/querycoord/node/suspend", "/management/querycoord/node/suspend?node_id=x",
                             "/management/querycoord/transfer/segment?source_node_id=1&copy_mode=maybe"}) {
    const auto p = plan("POST", target);
    EXPECT_EQ(refused(p), 400) << target;
    EXPECT_EQ(p.answer.body.find(R"({"msg":"failed to )"), 0u) << p.answer.body;
  }
}

TEST(http_routes, a_parameter_that_nobody_knows_is_refused_where_it_would_change_the_answer) {
  const auto p = plan("GET", "/debug/segments?colection=a");
  EXPECT_EQ(refused(p), 400);
  EXPECT_NE(p.answer.body.find("collection, in"), std::string::npos) << p.answer.body;
  EXPECT_EQ(refused(plan("GET", "/debug/targets?scope=last")), 400);
  EXPECT_EQ(refused(plan("GET", "/healthz?x=1")), 400);
  EXPECT_EQ(refused(plan("GET", "/debug/segments?collection=%zz")), 400);
  EXPECT_EQ(refused(plan("GET", "healthz")), 400);
}

TEST(http_routes, debug_asks_for_metrics_of_one_collection_or_all) {
  const auto p = plan("GET", "/debug/segments?collection=db%2Fa+b&in=qc");
  EXPECT_EQ(p.need, http_need::debug);
  EXPECT_EQ(p.collection, "db/a b");
  EXPECT_EQ(metrics_parameters(p, 5), R"({"request":"{\"metric_type\":\"segments\",\"in\":\"qc\",\"collection_id\":\"5\"}"})");
  const auto next = plan("GET", "/debug/targets?scope=next");
  EXPECT_EQ(metrics_parameters(next, 0), R"({"request":"{\"metric_type\":\"qc_target\",\"target_scope\":2}"})");
}

TEST(http_routes, a_path_that_is_not_there_is_404_with_the_nearest) {
  const auto p = plan("GET", "/debug/segment");
  EXPECT_EQ(refused(p), 404);
  EXPECT_NE(p.answer.body.find("/debug/segments"), std::string::npos) << p.answer.body;
}

TEST(http_routes, each_error_has_a_status_of_its_kind) {
  for (const auto& e : error_entries()) {
    const auto status = http_status(e.code);
    EXPECT_TRUE(e.code == ec::ok ? status == 200 : status >= 400 && status < 600) << e.name;
    EXPECT_TRUE(!e.name.ends_with("_not_found") || status == 404) << e.name;
    EXPECT_TRUE(!e.name.starts_with("parameter_") || status == 400) << e.name;
    EXPECT_TRUE(!e.retriable || status != 400) << e.name << ": who may try again has asked well";
  }
  EXPECT_EQ(http_status(ec::too_many_requests), 429u);
  EXPECT_EQ(error_answer({ec::too_many_requests, "x"}).headers.at(0).first, "Retry-After");
}

TEST(http_search, a_search_is_checked_before_it_is_sent) {
  const auto code = [](std::string_view json) {
    auto r = read_search(json);
    return r ? ec::ok : r.error().code;
  };
  EXPECT_EQ(code(R"({"collection":"a","vectors":[[1,2],[3,4]],"k":5})"), ec::ok);
  EXPECT_EQ(code(R"({"collection":"a","name":"x"})"), ec::ok);
  EXPECT_EQ(code(R"({"vectors":[[1]]})"), ec::parameter_missing);
  EXPECT_EQ(code(R"({"collection":"a"})"), ec::parameter_missing);
  EXPECT_EQ(code(R"({"collection":"a","name":"x","vectors":[[1]]})"), ec::parameter_invalid);
  EXPECT_EQ(code(R"({"collection":"a","vectors":[[1,2],[3]]})"), ec::parameter_invalid);
  EXPECT_EQ(code(R"({"collection":"a","vectors":[[]]})"), ec::parameter_invalid);
  EXPECT_EQ(code(R"({"collection":"a","vectors":[[1]],"k":16385})"), ec::parameter_invalid);
  EXPECT_EQ(code(R"({"collection":"a","vectors":[[1]],"deadlineMs":60001})"), ec::parameter_invalid);
  EXPECT_EQ(code(R"({"collection":"a","vectors":"x"})"), ec::parameter_invalid);
  EXPECT_EQ(code("[1"), ec::parameter_invalid);
}

TEST(http_replies, a_failure_inside_a_reply_is_an_error_of_the_answer) {
  const auto p = plan("POST", "/v1/DropCollection", "{}");
  const auto failed = build<schema::ClientReply>([](schema::ClientReply::Builder b) {
    auto s = b.initDropCollection().initStatus();
    s.setCode(static_cast<std::uint16_t>(ec::collection_loaded));
    s.setReason("it is \"loaded\"");
  });
  const auto a = reply_answer(p, failed.read());
  EXPECT_EQ(a.status, 409u);
  EXPECT_EQ(a.body, R"({"code":105,"name":"collection_loaded","reason":"it is \"loaded\"","retriable":false})");
  const auto other = build<schema::ClientReply>([](schema::ClientReply::Builder b) { b.initGetStatus(); });
  EXPECT_EQ(reply_answer(p, other.read()).status, 500u);
}

TEST(http_events, each_event_is_one_block_with_its_number_as_id) {
  const auto reply = build<schema::ListEventsReply>([](schema::ListEventsReply::Builder b) {
    auto list = b.initEvents(2);
    list[0].setNumber(41);
    list[0].setText("two\nlines");
    list[1].setNumber(42);
  });
  const auto text = events_text(reply.read());
  EXPECT_EQ(text.find("id: 41\ndata: {"), 0u) << text;
  EXPECT_NE(text.find("two\\nlines"), std::string::npos) << "a line break would end the data: " << text;
  EXPECT_NE(text.find("}\n\nid: 42\ndata: {"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("}\n\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6);
  EXPECT_TRUE(events_text({}).empty());
}

TEST(http_events, a_stream_goes_on_behind_the_last_event_that_the_client_has) {
  EXPECT_EQ(plan_of(call("GET", "/events"), false).after, 0u);
  EXPECT_EQ(plan_of(call("GET", "/events?after=7"), false).after, 7u);
  EXPECT_EQ(plan_of(call("GET", "/events?after=7"), false, "9").after, 9u);
  EXPECT_EQ(refused(plan_of(call("GET", "/events"), false, "x")), 400);
  EXPECT_TRUE(read_request("listEvents", events_parameters(18'000'000'000'000'000'000ull, 15'000)));
}

TEST(http_site, pages_are_at_the_root_and_below_console_and_only_read) {
  EXPECT_EQ(plan("GET", "/").need, http_need::page);
  EXPECT_EQ(plan("GET", "/console/pages/nodes.js?x=1").parameters, "/console/pages/nodes.js");
  EXPECT_EQ(plan("HEAD", "/").need, http_need::page);
  const auto posted = plan("POST", "/");
  EXPECT_EQ(refused(posted), 405);
  EXPECT_EQ(header(posted, "Allow"), "GET, HEAD");
  auto stranger = call("GET", "/");
  stranger.host = "evil.example:7780";
  EXPECT_EQ(refused(plan_of(stranger, false)), 403) << "a name that was made to point here must not get the page";
}

TEST(http_site, a_file_has_its_type_and_may_ask_and_run_nothing_of_others) {
  const std::vector<site_file> files{{"app.js", "1"}, {"index.html", "<p>"}, {"pages/x.css", "p"}, {"icon.svg", "<svg/>"}};
  const auto page = site_answer(files, "/");
  EXPECT_EQ(page.status, 200u);
  EXPECT_EQ(page.body, "<p>");
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_NE(std::find(page.headers.begin(), page.headers.end(),
                      std::pair<std::string, std::string>{"Content-Security-Policy",
                                                          "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"}),
            page.headers.end());
  EXPECT_EQ(site_answer(files, "/console/app.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(site_answer(files, "/console/pages/x.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(site_answer(files, "/console/icon.svg").content_type, "image/svg+xml");
  for (const char* none : {"/console/", "/console/x.css", "/console/../app.js", "/console/pages"})
    EXPECT_EQ(site_answer(files, none).status, 404u) << none;
  EXPECT_EQ(site_answer({}, "/").status, 404u) << "a program without the pages says so";
}

} // namespace
} // namespace muster
