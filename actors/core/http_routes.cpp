// The table of paths, and the checks in front of it.
#include "actors/core/http_routes.hpp"

#include "actors/core/http_site.hpp"
#include "actors/core/method_effects.hpp"
#include "messages/schema_json.hpp"

#include <algorithm>
#include <charconv>
#include <cctype>
#include <map>
#include <optional>

namespace muster {

namespace {

using values = std::vector<std::pair<std::string, std::string>>;
using type = http_parameter::type;

constexpr std::string_view methods_prefix = "/v1/";

http_parameter collection_parameter() {
  return {"collection", "name or id of a collection; without it all", type::text};
}

std::vector<http_route> make_routes() {
  const auto all = collection_parameter();
  const http_parameter node{"node_id", "id of the node", type::number, true, "node"};
  const http_parameter source{"source_node_id", "id of the node", type::number, true, "source"};
  const http_parameter target{"target_node_id", "id of the other node; without it all of its replicas", type::number, false, "destination"};
  const http_parameter copy{"copy_mode", "true: the source keeps it too, which is refused", type::boolean, false, "copyMode"};
  const http_parameter checker{"checker_id", "its number or name", type::text, true, "checker"};
  const auto get = "GET";
  const auto post = "POST";
  const auto both = "GET, POST"; // the model does not tell them apart; what changes something is POST here
  const auto debug = http_need::debug;
  const auto method = http_need::method;
  return {
    {"/", get, http_need::page, "The console in the browser; its other files are below /console/"},
    {"/openapi.json", get, http_need::openapi, "This description"},
    {"/healthz", get, http_need::health, "Whether the process answers"},
    {"/readyz", get, http_need::readiness, "Whether requests can be served: 200, else 503 with the reasons"},
    {"/metrics", get, http_need::metrics, "Figures in the text format of Prometheus"},
    {"/events", get, http_need::events, "What happens, as server-sent events", "", http_shape::reply, "",
     {{"after", "number of the last event that is known; Last-Event-ID counts more", type::number}}},
    {"/debug/distribution", get, debug, "Segments, channels and leader views as nodes reported them", "dist", http_shape::reply, "", {all}},
    {"/debug/targets", get, debug, "Segments and channels of targets", "qc_target", http_shape::reply, "",
     {all, {"scope", "current (default) or next", type::text}}},
    {"/debug/replicas", get, debug, "Replicas and their nodes", "replica", http_shape::reply, "", {all}},
    {"/debug/resource_groups", get, debug, "Resource groups and their nodes", "resource_group"},
    {"/debug/tasks", get, debug, "Tasks, live and of late", "tasks_all", http_shape::reply, "", {all}},
    {"/debug/segments", get, debug, "Copies of segments", "segments", http_shape::reply, "",
     {all, {"in", "qn (default): as nodes report them; qc: as the coordinator sees them", type::text}}},
    {"/debug/channels", get, debug, "Channels and their delegators", "channels", http_shape::reply, "", {all}},
    {"/debug/actors", get, method, "What the actors of the coordinator do", "listActors", http_shape::actors, "",
     {{"name", "of one actor; without it all", type::text, false, "name"}}},
    {"/management/querycoord/balance/suspend", post, method, "No moves are proposed any more", "suspendBalance", http_shape::ok, "suspend balance"},
    {"/management/querycoord/balance/resume", post, method, "Moves are proposed again", "resumeBalance", http_shape::ok, "resume balance"},
    {"/management/querycoord/balance/status", both, method, "Whether moves are proposed", "checkBalanceStatus", http_shape::balance,
     "check balance status"},
    {"/management/querycoord/transfer/segment", post, method, "Moves one segment, or without one all, off a node", "transferSegment",
     http_shape::ok, "transfer segment",
     {source, target, {"segment_id", "id of the segment; without it all of the node", type::number, false, "segment"}, copy}},
    {"/management/querycoord/transfer/channel", post, method, "Moves one channel, or without one all, off a node", "transferChannel",
     http_shape::ok, "transfer channel",
     {source, target, {"channel_name", "name of the channel; without it all of the node", type::text, false, "channel"}, copy}},
    {"/management/querycoord/node/suspend", post, method, "Takes a node from its resource group and keeps it out", "suspendNode",
     http_shape::ok, "suspend node", {node}},
    {"/management/querycoord/node/resume", post, method, "Lets a node into resource groups again", "resumeNode", http_shape::ok,
     "resume node", {node}},
    {"/management/querycoord/node/list", both, method, "The query nodes", "listQueryNode", http_shape::nodes, "list query node"},
    {"/management/querycoord/distribution/get", both, method, "What a node leads and holds", "getQueryNodeDistribution",
     http_shape::distribution, "get query node distribution", {node}},
    {"/management/querycoord/distribution/check", both, method, "Whether all on one node that a target names is on another too",
     "checkQueryNodeDistribution", http_shape::ok, "check whether query node has same distribution",
     {source, {"target_node_id", "id of the other node", type::number, true, "target"}}},
    {"/management/querycoord/checkers/list", both, method, "The checkers (not one of the model's paths)", "listCheckers",
     http_shape::reply, "list checkers"},
    {"/management/querycoord/checkers/activate", post, method, "Switches a checker on (not one of the model's paths)",
     "activateChecker", http_shape::ok, "activate checker", {checker}},
    {"/management/querycoord/checkers/deactivate", post, method, "Switches a checker off (not one of the model's paths)",
     "deactivateChecker", http_shape::ok, "deactivate checker", {checker}},
  };
}

http_plan done(http_answer answer) {
  http_plan plan;
  plan.answer = std::move(answer);
  return plan;
}

http_plan refuse(unsigned status, ec code, std::string text) {
  return done(error_answer(status, {code, std::move(text)}));
}

http_plan wrong_verb(std::string_view path, std::string_view allowed) {
  auto plan = refuse(405, ec::parameter_invalid, std::string{path.substr(0, 128)} + " answers to " + std::string{allowed} + " only");
  std::string allow{allowed};
  if (allow.starts_with("GET"))
    allow = allow == "GET" ? "GET, HEAD" : "GET, HEAD, POST";
  plan.answer.headers.emplace_back("Allow", std::move(allow));
  return plan;
}

bool lower_equal(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

/// The type alone: parameters such as a charset do not count.
bool is_type(std::string_view header, std::string_view wanted) {
  header = header.substr(0, header.find(';'));
  while (!header.empty() && header.back() == ' ')
    header.remove_suffix(1);
  return lower_equal(header, wanted);
}

std::optional<std::string> decoded(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      unsigned byte = 0;
      if (i + 2 >= text.size())
        return std::nullopt;
      const auto* end = text.data() + i + 3;
      if (const auto [at, error] = std::from_chars(text.data() + i + 1, end, byte, 16); error != std::errc{} || at != end || byte == 0)
        return std::nullopt;
      out += static_cast<char>(byte);
      i += 2;
    }
  }
  return out;
}

/// False: no query or form.
bool read_values(std::string_view text, values& to) {
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (part.empty())
      continue;
    const auto equals = part.find('=');
    auto name = decoded(part.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional<std::string>{""} : decoded(part.substr(equals + 1), true);
    if (!name || !value)
      return false;
    to.emplace_back(std::move(*name), std::move(*value));
  }
  return true;
}

bool is_number(std::string_view text) {
  std::int64_t n = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc{} && at == text.data() + text.size() && n >= 0;
}

/// A parameter as the field of a request; empty text: it is wrong in the way that `why` says.
std::optional<json> field_of(const http_parameter& p, const std::string& value, std::string& why) {
  switch (p.kind) {
    case type::number:
      if (is_number(value))
        return json{value};
      why = std::string{p.name} + " is \"" + value.substr(0, 64) + "\"; give a number";
      return std::nullopt;
    case type::boolean:
      if (lower_equal(value, "true") || value == "1")
        return json{true};
      if (lower_equal(value, "false") || value == "0")
        return json{false};
      why = std::string{p.name} + " is \"" + value.substr(0, 64) + "\"; give true or false";
      return std::nullopt;
    default:
      return json{value};
  }
}

/// Fills parameters and collection of a plan; the reason when a parameter is wrong, missing or unknown.
std::string read_parameters(const http_route& route, const values& given, http_plan& plan) {
  std::map<std::string, std::string> by_name;
  for (const auto& [name, value] : given) {
    const auto known = std::find_if(route.parameters.begin(), route.parameters.end(),
                                    [&name = name](const auto& p) { return p.name == name; });
    if (known == route.parameters.end()) {
      if (!route.action.empty())
        continue; // the model ignores them
      std::string all;
      for (const auto& p : route.parameters)
        all += (all.empty() ? "" : ", ") + std::string{p.name};
      return "there is no parameter \"" + name.substr(0, 64) + "\"; "
             + (all.empty() ? std::string{route.path} + " takes none" : "there are " + all);
    }
    by_name[name] = value;
  }
  json::object fields;
  if (route.need == http_need::debug)
    fields.emplace_back("metric_type", std::string{route.method});
  for (const auto& p : route.parameters) {
    const auto i = by_name.find(std::string{p.name});
    if (i == by_name.end() || i->second.empty()) {
      if (p.needed)
        return std::string{p.name} + " is missing: " + std::string{p.meaning};
      // The model's way to say "all".
      if (p.field == "destination")
        fields.emplace_back("toAllNodes", true);
      if (p.field == "segment" || p.field == "channel")
        fields.emplace_back("transferAll", true);
      continue;
    }
    std::string why;
    auto value = field_of(p, i->second, why);
    if (!value)
      return why;
    if (!p.field.empty())
      fields.emplace_back(std::string{p.field}, std::move(*value));
    else if (p.name == "collection")
      plan.collection = i->second;
    else if (p.name == "after")
      std::from_chars(i->second.data(), i->second.data() + i->second.size(), plan.after);
    else if (p.name == "in")
      fields.emplace_back("in", i->second);
    else if (i->second == "current" || i->second == "next")
      fields.emplace_back("target_scope", json::small(i->second == "current" ? 1 : 2));
    else
      return std::string{p.name} + " is \"" + i->second.substr(0, 64) + "\"; give current or next";
  }
  plan.parameters = json{std::move(fields)}.text();
  return {};
}

constexpr const char* read_only_text = "this door only reads (--read-only); ask another one to change something";

/// Refuses who must not ask; nothing when it is fine.
std::optional<http_plan> refuse_stranger(const http_call& call) {
  const auto here = "127.0.0.1:" + std::to_string(call.port);
  if (!is_own_host(call.host, call.port))
    return refuse(403, ec::forbidden, "the host \"" + std::string{call.host.substr(0, 128)}
                                        + "\" is not this door; ask it as " + here + " or localhost:" + std::to_string(call.port));
  constexpr std::string_view scheme = "http://";
  if (!call.origin.empty() && !(call.origin.starts_with(scheme) && is_own_host(call.origin.substr(scheme.size()), call.port)))
    return refuse(403, ec::forbidden, "pages of \"" + std::string{call.origin.substr(0, 128)} + "\" may not ask here; only those of http://"
                                        + here);
  if (call.verb != "GET" && call.verb != "HEAD" && (call.site == "cross-site" || call.site == "same-site"))
    return refuse(403, ec::forbidden, "pages of other sites may not ask here; only those of http://" + here);
  return std::nullopt;
}

http_plan plan_of_method(const http_call& call, std::string_view name, bool read_only) {
  const bool search = lower_equal(name, "search");
  const auto method = search ? std::string{"search"} : find_method(name);
  if (method.empty()) {
    auto why = no_such_method(name);
    return refuse(404, why.code, why.text + "; /openapi.json describes them all");
  }
  if (call.verb != "POST")
    return wrong_verb(call.target.substr(0, call.target.find('?')), "POST");
  if (!is_type(call.content_type, json_type))
    return refuse(415, ec::parameter_invalid,
                  "the body is of type \"" + std::string{call.content_type.substr(0, 128)} + "\"; send JSON with Content-Type: application/json");
  if (read_only && !search && !only_reads(method))
    return refuse(403, ec::forbidden, method + " changes something, and " + read_only_text);
  http_plan plan;
  plan.need = search ? http_need::search : http_need::method;
  plan.method = method;
  plan.parameters = std::string{call.body};
  return plan;
}

std::string nearest_path(std::string_view path) {
  // The one that shares the longest beginning.
  std::string best = "/openapi.json";
  std::size_t longest = 1;
  for (const auto& r : http_routes()) {
    const auto known = r.path;
    const auto common = static_cast<std::size_t>(
      std::mismatch(path.begin(), path.end(), known.begin(), known.end()).first - path.begin());
    if (common > longest) {
      longest = common;
      best = known;
    }
  }
  return best;
}

} // namespace

std::span<const http_route> http_routes() {
  static const auto routes = make_routes();
  return routes;
}

unsigned http_status(ec code) {
  switch (code) {
    case ec::ok:
      return 200;
    case ec::collection_not_found:
    case ec::partition_not_found:
    case ec::resource_group_not_found:
    case ec::replica_not_found:
    case ec::channel_not_found:
    case ec::segment_not_found:
    case ec::index_not_found:
    case ec::database_not_found:
    case ec::node_not_found:
    case ec::file_not_found:
      return 404;
    case ec::collection_not_loaded:
    case ec::collection_not_fully_loaded:
    case ec::collection_already_exists:
    case ec::collection_loaded:
    case ec::collection_on_recovering:
    case ec::partition_not_loaded:
    case ec::resource_group_already_exist:
    case ec::resource_group_reach_limit:
    case ec::resource_group_node_not_enough:
    case ec::segment_not_loaded:
    case ec::segment_lack:
    case ec::database_num_limit_exceeded:
    case ec::node_offline:
    case ec::node_not_match:
    case ec::old_session_exists:
    case ec::stale_epoch:
    case ec::stale_premise:
    case ec::fenced:
    case ec::cancelled:
      return 409;
    case ec::resource_group_illegal_config:
    case ec::database_invalid_name:
    case ec::parameter_invalid:
    case ec::parameter_missing:
    case ec::malformed_frame:
      return 400;
    case ec::forbidden:
      return 403;
    case ec::too_many_requests:
      return 429;
    case ec::service_not_ready:
    case ec::memory_limit_exceeded:
    case ec::resource_group_service_available:
    case ec::channel_not_available:
    case ec::connection_lost:
    case ec::journal_failed:
    case ec::stopping:
      return 503;
    case ec::deadline_exceeded:
      return 504;
    case ec::internal:
    case ec::io_failed:
    case ec::io_corrupt:
    case ec::newer_version:
    case ec::address_unusable:
      return 500;
  }
  return 500;
}

http_answer json_answer(std::string body) {
  return {200, std::string{json_type}, {}, std::move(body)};
}

http_answer error_answer(unsigned status, const failure& why) {
  http_answer out = json_answer(json{json::object{{"code", json::small(static_cast<std::int64_t>(why.code))},
                                                  {"name", std::string{to_string(why.code)}},
                                                  {"reason", why.text},
                                                  {"retriable", is_retriable(why.code)}}}
                                  .text());
  out.status = status;
  if (status == 429)
    out.headers.emplace_back("Retry-After", "1");
  return out;
}

http_answer error_answer(const failure& why) {
  return error_answer(http_status(why.code), why);
}

http_answer failed_answer(const http_plan& plan, const failure& why) {
  if (plan.action.empty())
    return error_answer(why);
  // As the model answers: the code of Muster is beside it.
  auto out = json_answer(json{json::object{{"msg", "failed to " + plan.action + ", " + why.text},
                                           {"code", json::small(static_cast<std::int64_t>(why.code))},
                                           {"name", std::string{to_string(why.code)}}}}
                           .text());
  out.status = 500;
  return out;
}

bool is_own_host(std::string_view host, std::uint16_t port) {
  const auto end = host.rfind(':');
  if (end == std::string_view::npos || (host.front() == '[' && host.back() == ']'))
    return false; // No port is port 80, and the door is elsewhere.
  unsigned given = 0;
  const auto digits = host.substr(end + 1);
  const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), given);
  if (error != std::errc{} || at != digits.data() + digits.size() || given != port)
    return false;
  const auto name = host.substr(0, end);
  if (lower_equal(name, "localhost") || name == "[::1]")
    return true;
  // An address of 127.0.0.0/8, and no name that begins like one.
  if (!name.starts_with("127."))
    return false;
  std::size_t dots = 0;
  for (std::size_t from = 0; from <= name.size(); ++dots) {
    const auto stop = std::min(name.find('.', from), name.size());
    unsigned part = 0;
    const auto [last, wrong] = std::from_chars(name.data() + from, name.data() + stop, part);
    if (wrong != std::errc{} || last != name.data() + stop || part > 255)
      return false;
    from = stop + 1;
  }
  return dots == 4;
}

http_plan plan_of(const http_call& call, bool read_only, std::string_view last_event) {
  if (auto refused = refuse_stranger(call))
    return std::move(*refused);
  const auto query_at = call.target.find('?');
  const auto path = decoded(call.target.substr(0, query_at), false);
  values given;
  if (!path || !path->starts_with('/')
      || (query_at != std::string_view::npos && !read_values(call.target.substr(query_at + 1), given)))
    return refuse(400, ec::parameter_invalid, "the path or query cannot be read; write it as /PATH?NAME=VALUE, with %XX for what is no letter");
  if (path->starts_with(methods_prefix))
    return plan_of_method(call, std::string_view{*path}.substr(methods_prefix.size()), read_only);
  if (is_site_path(*path)) {
    if (call.verb != "GET" && call.verb != "HEAD")
      return wrong_verb(*path, "GET");
    http_plan plan;
    plan.need = http_need::page;
    plan.parameters = *path;
    return plan;
  }
  const auto routes = http_routes();
  const auto route = std::find_if(routes.begin(), routes.end(), [&](const auto& r) { return *path == r.path; });
  if (route == routes.end())
    return refuse(404, ec::parameter_invalid, "there is nothing at \"" + path->substr(0, 128) + "\"; the nearest is " + nearest_path(*path)
                                                + ", methods are at /v1/METHOD, and /openapi.json describes them all");
  const auto verb = call.verb == "HEAD" ? std::string_view{"GET"} : call.verb;
  if (route->verbs.find(verb) == std::string_view::npos || verb.size() < 3)
    return wrong_verb(*path, route->verbs);
  http_plan plan;
  plan.need = route->need;
  plan.shape = route->shape;
  plan.action = route->action;
  if (route->need == http_need::method) {
    plan.method = route->method;
    if (read_only && !only_reads(plan.method))
      return refuse(403, ec::forbidden, *path + " changes something, and " + read_only_text);
  }
  if (verb == "POST" && !call.body.empty()) {
    if (!is_type(call.content_type, "application/x-www-form-urlencoded"))
      return refuse(415, ec::parameter_invalid, "the body is of type \"" + std::string{call.content_type.substr(0, 128)}
                                                  + "\"; give the parameters in the query, or as application/x-www-form-urlencoded");
    if (!read_values(call.body, given))
      return refuse(400, ec::parameter_invalid, "the body is no form; write it as NAME=VALUE&NAME=VALUE");
  }
  if (auto wrong = read_parameters(*route, given, plan); !wrong.empty()) {
    auto answer = failed_answer(plan, {ec::parameter_invalid, wrong});
    answer.status = 400;
    return done(std::move(answer));
  }
  if (plan.need == http_need::events && !last_event.empty()) {
    if (!is_number(last_event))
      return refuse(400, ec::parameter_invalid, "Last-Event-ID is no number; send the id of an event of this stream, or none");
    std::from_chars(last_event.data(), last_event.data() + last_event.size(), plan.after);
  }
  return plan;
}

} // namespace muster
