// Bodies in, bodies out.
#include "actors/core/http_replies.hpp"

#include "messages/limits.hpp"
#include "messages/schema_json.hpp"
#include "messages/status.hpp"

namespace muster {

namespace {

failure invalid(std::string text) {
  return {ec::parameter_invalid, std::move(text)};
}

http_answer shown(json::object fields) {
  return json_answer(json{std::move(fields)}.text());
}

} // namespace

result<msg<schema::HttpSearchRequest>> read_search(std::string_view json) {
  capnp::MallocMessageBuilder message;
  auto q = message.initRoot<schema::HttpSearchRequest>();
  if (auto read = read_json(json, q, "the parameters of search"); !read)
    return read.error();
  if (q.getCollection().size() == 0)
    return failure{ec::parameter_missing, "search names no collection; give {\"collection\":NAME,\"vectors\":[[..]]}"};
  const auto vectors = q.asReader().getVectors();
  if ((vectors.size() == 0) == (q.getName().size() == 0))
    return failure{vectors.size() == 0 ? ec::parameter_missing : ec::parameter_invalid, "give either vectors or a name to search for"};
  if (vectors.size() > limits::search_queries)
    return invalid("search has " + std::to_string(vectors.size()) + " vectors, and " + std::to_string(limits::search_queries)
                   + " is the most; ask in several requests");
  for (auto v : vectors)
    if (v.size() == 0 || v.size() != vectors[0].size())
      return invalid("the vectors of a search must all have the dimension of the collection");
  if (q.getK() > limits::search_k)
    return invalid("k is " + std::to_string(q.getK()) + ", and " + std::to_string(limits::search_k) + " is the most");
  if (q.getDeadlineMs() > limits::search_timeout.count())
    return invalid("deadlineMs is " + std::to_string(q.getDeadlineMs()) + ", and " + std::to_string(limits::search_timeout.count())
                   + " is the most");
  return copy<schema::HttpSearchRequest>(q.asReader());
}

http_answer search_answer(schema::HttpSearchReply::Reader found) {
  if (found.getStatus().getCode() != 0)
    return error_answer(to_failure(found.getStatus()));
  return json_answer(write_json(found));
}

http_answer reply_answer(const http_plan& plan, schema::ClientReply::Reader reply) {
  const auto arm = read_reply(plan.method, reply);
  if (!arm)
    return failed_answer(plan, arm.error());
  if (plan.need == http_need::debug)
    return json_answer(std::string{view(reply.getGetMetrics().getResponse())});
  switch (plan.shape) {
    case http_shape::reply:
      return json_answer(write_json(*arm));
    case http_shape::actors: {
      std::string list;
      for (auto a : reply.getListActors().getActors())
        list += (list.empty() ? "" : ",") + write_json(a);
      return json_answer("[" + list + "]");
    }
    case http_shape::ok:
      return shown({{"msg", "OK"}});
    case http_shape::balance:
      return shown({{"msg", "OK"}, {"status", reply.getCheckBalanceStatus().getActive() ? "active" : "suspended"}});
    case http_shape::nodes: {
      json::array nodes;
      for (auto n : reply.getListQueryNode().getNodes())
        nodes.push_back(json::object{{"ID", json::small(n.getId())},
                                     {"address", std::string{view(n.getAddress())}},
                                     {"state", n.getSuspended() ? "Suspended" : std::string{view(n.getState())}}});
      return shown({{"nodeInfos", std::move(nodes)}});
    }
    case http_shape::distribution: {
      json::array channels, segments;
      for (auto c : reply.getGetQueryNodeDistribution().getChannels())
        channels.push_back(std::string{view(c)});
      for (auto s : reply.getGetQueryNodeDistribution().getSegments())
        segments.push_back(json::small(s));
      return shown({{"channel_names", std::move(channels)}, {"sealed_segmentIDs", std::move(segments)}});
    }
  }
  return error_answer({ec::internal, "no shape for the reply of " + plan.method});
}

std::string events_text(schema::ListEventsReply::Reader events) {
  std::string out;
  // JSON in one line has no line break of its own, and what is in a text is escaped.
  for (auto e : events.getEvents())
    out += "id: " + std::to_string(e.getNumber()) + "\ndata: " + write_json(e) + "\n\n";
  return out;
}

std::string events_parameters(std::uint64_t after, std::int64_t wait_ms) {
  return json{json::object{{"after", std::to_string(after)},
                           {"limit", json::small(static_cast<std::int64_t>(limits::http_events))},
                           {"waitMs", json::small(wait_ms)}}}
    .text();
}

std::string metrics_parameters(const http_plan& plan, std::int64_t collection) {
  json::object fields;
  if (auto given = json::read_object(plan.parameters))
    fields = *given->as_object();
  if (collection != 0)
    fields.emplace_back("collection_id", json::text_of(collection));
  return json{json::object{{"request", json{std::move(fields)}.text()}}}.text();
}

} // namespace muster
