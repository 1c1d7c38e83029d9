// Schemas by reflection for requests and replies of methods, by hand for what has the model's shapes.
#include "actors/core/openapi.hpp"

#include "actors/core/method_effects.hpp"
#include "actors/core/http_routes.hpp"
#include "messages/limits.hpp"
#include "messages/schema/http.capnp.h"
#include "messages/schema_json.hpp"

#include <capnp/schema.h>

#include <cctype>
#include <map>
#include <set>

namespace muster {

namespace {

using object = json::object;
using array = json::array;

constexpr const char* whole_number = "^-?[0-9]+$";

json text() {
  return object{{"type", "string"}};
}

/// 64 bits do not fit into a JSON number.
json number_text() {
  return object{{"type", "string"}, {"pattern", whole_number}};
}

json integer() {
  return object{{"type", "integer"}};
}

json boolean() {
  return object{{"type", "boolean"}};
}

json list_of(json items) {
  return object{{"type", "array"}, {"items", std::move(items)}};
}

json reference(const std::string& component) {
  return object{{"$ref", "#/components/schemas/" + component}};
}

json any_of(json a, json b) {
  return object{{"anyOf", array{std::move(a), std::move(b)}}};
}

/// An object with these members and no others; a name that ends with '?' may be missing.
json shape(std::vector<std::pair<std::string, json>> members) {
  object properties;
  array required;
  for (auto& [name, schema] : members) {
    const bool optional = name.ends_with('?');
    const auto key = optional ? name.substr(0, name.size() - 1) : name;
    if (!optional)
      required.push_back(key);
    properties.emplace_back(key, std::move(schema));
  }
  object out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty())
    out.emplace_back("required", std::move(required));
  out.emplace_back("additionalProperties", false);
  return out;
}

// -- from the schemas -----------------------------------------------------------

/// The name without its file: "ReplicaInfo.Shard".
std::string name_of(capnp::Schema schema) {
  const std::string full = schema.getProto().getDisplayName().cStr();
  const auto colon = full.rfind(':');
  return colon == std::string::npos ? full : full.substr(colon + 1);
}

/// Structs by name, with all they lead to.
using structs = std::map<std::string, capnp::StructSchema>;

void collect(capnp::StructSchema schema, structs& to);

void collect(capnp::Type type, structs& to) {
  if (type.isList())
    collect(type.asList().getElementType(), to);
  else if (type.isStruct())
    collect(type.asStruct(), to);
}

void collect(capnp::StructSchema schema, structs& to) {
  if (!to.emplace(name_of(schema), schema).second)
    return;
  for (auto field : schema.getFields())
    collect(field.getType(), to);
}

json integer_between(const char* low, const char* high) {
  // Written as text and read back, so that no bound is rounded.
  const auto read = json::read_object(std::string{R"({"type":"integer","minimum":)"} + low + R"(,"maximum":)" + high + "}");
  return read ? *read : integer();
}

/// `asked`: as it may come in a request; else as it is in replies.
json schema_of(capnp::Type type, bool asked) {
  switch (type.which()) {
    case capnp::schema::Type::VOID:
      return object{{"type", "null"}};
    case capnp::schema::Type::BOOL:
      return boolean();
    case capnp::schema::Type::INT8:
      return integer_between("-128", "127");
    case capnp::schema::Type::INT16:
      return integer_between("-32768", "32767");
    case capnp::schema::Type::INT32:
      return integer_between("-2147483648", "2147483647");
    case capnp::schema::Type::UINT8:
      return integer_between("0", "255");
    case capnp::schema::Type::UINT16:
      return integer_between("0", "65535");
    case capnp::schema::Type::UINT32:
      return integer_between("0", "4294967295");
    case capnp::schema::Type::INT64:
    case capnp::schema::Type::UINT64:
      return asked ? any_of(number_text(), integer()) : number_text();
    case capnp::schema::Type::FLOAT32:
    case capnp::schema::Type::FLOAT64:
      return any_of(object{{"type", "number"}}, object{{"enum", array{"NaN", "Infinity", "-Infinity"}}});
    case capnp::schema::Type::TEXT:
      return text();
    case capnp::schema::Type::DATA:
      return list_of(integer_between("0", "255"));
    case capnp::schema::Type::ENUM: {
      array names;
      for (auto e : type.asEnum().getEnumerants())
        names.push_back(e.getProto().getName().cStr());
      return object{{"type", "string"}, {"enum", std::move(names)}};
    }
    case capnp::schema::Type::LIST:
      return list_of(schema_of(type.asList().getElementType(), asked));
    case capnp::schema::Type::STRUCT:
      return reference(name_of(type.asStruct()));
    default:
      return object{};
  }
}

json component(capnp::StructSchema schema, bool asked) {
  std::vector<std::pair<std::string, json>> members;
  for (auto field : schema.getFields()) {
    const auto type = field.getType();
    const bool pointer = type.isText() || type.isData() || type.isList() || (type.isStruct() && !field.getProto().isGroup());
    const bool in_union = field.getProto().getDiscriminantValue() != capnp::schema::Field::NO_DISCRIMINANT;
    const std::string name = field.getProto().getName().cStr();
    members.emplace_back(asked || pointer || in_union ? name + "?" : name, schema_of(type, asked));
  }
  return shape(std::move(members));
}

// -- by hand ----------------------------------------------------------------------

void add_shapes(std::map<std::string, json>& to) {
  const auto key_value = shape({{"key", text()}, {"value", text()}});
  const auto nodes = list_of(integer());
  const auto segment_ids = list_of(number_text());
  const auto held = list_of(shape({{"segment_id", number_text()}, {"node_id", integer()}}));
  const auto group_names = list_of(shape({{"resource_group", text()}}));
  const auto node_number = shape({{"node_num", integer()}});
  to["Error"] = shape({{"code", integer()}, {"name", text()}, {"reason", text()}, {"retriable", boolean()}});
  to["ModelError"] = shape({{"msg", text()}, {"code", integer()}, {"name", text()}});
  to["Health"] = shape({{"state", text()}, {"epoch", number_text()}, {"version", text()}, {"readOnly", boolean()}});
  to["Readiness"] = shape({{"ready", boolean()}, {"state", text()}, {"reasons", list_of(text())}});
  to["debug.segment"] = shape({{"segment_id", number_text()},
                               {"collection_id", number_text()},
                               {"partition_id?", number_text()},
                               {"channel?", text()},
                               {"num_of_rows", number_text()},
                               {"state", text()},
                               {"node_id", integer()},
                               {"index_fields?", list_of(shape({{"index_id", number_text()}, {"is_loaded", boolean()}}))},
                               {"mem_size", number_text()},
                               {"loaded_insert_row_count?", number_text()},
                               {"resource_group?", text()}});
  to["debug.leader_view"] = shape({{"leader_id", number_text()},
                                   {"collection_id", number_text()},
                                   {"node_id", integer()},
                                   {"channel", text()},
                                   {"version", number_text()},
                                   {"sealed_segments?", held},
                                   {"growing_segments?", held},
                                   {"target_version", number_text()},
                                   {"num_of_growing_rows", number_text()},
                                   {"unserviceable_error?", text()}});
  to["debug.distribution"] = shape({{"segments", list_of(reference("debug.segment"))},
                                    {"dm_channels", list_of(shape({{"node_id", integer()},
                                                                   {"version", number_text()},
                                                                   {"collection_id", number_text()},
                                                                   {"channel_name", text()}}))},
                                    {"leader_views", list_of(reference("debug.leader_view"))}});
  to["debug.target"] = shape({{"collection_id", number_text()},
                              {"segments?", list_of(shape({{"segment_id", number_text()},
                                                           {"collection_id", number_text()},
                                                           {"partition_id", number_text()},
                                                           {"channel?", text()},
                                                           {"num_of_rows", number_text()},
                                                           {"mem_size", number_text()}}))},
                              {"dm_channels?", list_of(shape({{"collection_id", number_text()},
                                                              {"channel_name", text()},
                                                              {"flushed_segment_ids?", segment_ids},
                                                              {"unflushed_segment_ids?", segment_ids},
                                                              {"dropped_segment_ids?", segment_ids}}))}});
  to["debug.replica"] = shape({{"ID", number_text()},
                               {"collectionID", number_text()},
                               {"database?", text()},
                               {"rw_nodes?", nodes},
                               {"ro_nodes?", nodes},
                               {"resource_group", text()},
                               {"channel_to_rw_nodes", object{{"type", "object"}, {"additionalProperties", nodes}}}});
  to["debug.resource_group"] = shape({{"name", text()},
                                      {"nodes?", nodes},
                                      {"cfg", shape({{"requests", node_number},
                                                     {"limits", node_number},
                                                     {"transfer_from?", group_names},
                                                     {"transfer_to?", group_names},
                                                     {"node_filter?", shape({{"node_labels", list_of(key_value)}})}})}});
  to["debug.task"] = shape({{"task_name", text()},
                            {"collection_id", number_text()},
                            {"replica_id", number_text()},
                            {"task_type", text()},
                            {"task_status", text()},
                            {"priority", text()},
                            {"actions", list_of(text())},
                            {"step", integer()},
                            {"reason?", text()}});
  to["debug.channel"] = shape({{"name", text()}, {"watch_state", text()}, {"node_id", number_text()}, {"collection_id", number_text()}});
  to["model.ok"] = shape({{"msg", object{{"const", "OK"}}}});
  to["model.balance"] = shape({{"msg", object{{"const", "OK"}}}, {"status", object{{"enum", array{"active", "suspended"}}}}});
  to["model.nodes"] = shape({{"nodeInfos", list_of(shape({{"ID", integer()}, {"address", text()}, {"state", text()}}))}});
  to["model.distribution"] = shape({{"channel_names", list_of(text())}, {"sealed_segmentIDs", nodes}});
}

/// What a path answers with 200.
json answer_of(const http_route& r) {
  static const std::map<std::string_view, const char*> of_debug{
    {"dist", "debug.distribution"},        {"qc_target", "debug.target"}, {"replica", "debug.replica"},
    {"resource_group", "debug.resource_group"}, {"tasks_all", "debug.task"},   {"segments", "debug.segment"},
    {"channels", "debug.channel"}};
  switch (r.need) {
    case http_need::debug: {
      auto of = reference(of_debug.at(r.method));
      return r.method == "dist" ? of : list_of(std::move(of));
    }
    case http_need::health:
      return reference("Health");
    case http_need::readiness:
      return reference("Readiness");
    case http_need::openapi:
      return object{{"type", "object"}};
    case http_need::method:
      break;
    default:
      return text();
  }
  switch (r.shape) {
    case http_shape::actors:
      return list_of(reference("ActorReport"));
    case http_shape::ok:
      return reference("model.ok");
    case http_shape::balance:
      return reference("model.balance");
    case http_shape::nodes:
      return reference("model.nodes");
    case http_shape::distribution:
      return reference("model.distribution");
    default: {
      auto name = std::string{r.method} + "Reply";
      name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
      return reference(name);
    }
  }
}

std::string type_of(const http_route& r) {
  switch (r.need) {
    case http_need::metrics:
      return "text/plain";
    case http_need::events:
      return "text/event-stream";
    case http_need::page:
      return "text/html";
    default:
      return std::string{json_type};
  }
}

json content(std::string type, json schema) {
  return object{{std::move(type), object{{"schema", std::move(schema)}}}};
}

json response(const char* description, json body) {
  return object{{"description", description}, {"content", std::move(body)}};
}

object responses(std::string type, json schema, json refused) {
  const std::string json_text{json_type};
  return {{"200", response("Done", content(std::move(type), std::move(schema)))},
          {"4XX", response("Refused; nothing has changed", content(json_text, refused))},
          {"5XX", response("Not done, or not known to be done", content(json_text, refused))}};
}

json operation(const http_route& r, std::string_view verb) {
  array parameters;
  for (const auto& p : r.parameters) {
    json schema = p.kind == http_parameter::type::number    ? number_text()
                  : p.kind == http_parameter::type::boolean ? object{{"enum", array{"true", "false", "1", "0"}}}
                                                            : text();
    parameters.push_back(object{{"name", std::string{p.name}},
                                {"in", "query"},
                                {"required", p.needed},
                                {"description", std::string{p.meaning}},
                                {"schema", std::move(schema)}});
  }
  const bool model = !r.action.empty();
  auto answers = responses(type_of(r), answer_of(r), model ? any_of(reference("ModelError"), reference("Error")) : reference("Error"));
  if (r.need == http_need::readiness)
    answers.emplace_back("503", response("Not ready, and why",
                                         content(std::string{json_type}, any_of(reference("Readiness"), reference("Error")))));
  object out{{"summary", std::string{r.meaning}}};
  if (verb == "POST" && !parameters.empty())
    out.emplace_back("description", "The parameters may also come as a form (application/x-www-form-urlencoded).");
  if (!parameters.empty())
    out.emplace_back("parameters", std::move(parameters));
  out.emplace_back("responses", std::move(answers));
  return out;
}

json method_operation(const std::string& name, const std::string& request, const std::string& reply, bool changes) {
  object out{{"operationId", name},
             {"tags", array{changes ? "changes" : "reads"}},
             {"requestBody", object{{"required", true}, {"content", content(std::string{json_type}, reference(request))}}},
             {"responses", responses(std::string{json_type}, reference(reply), reference("Error"))}};
  return out;
}

} // namespace

std::string openapi_json(std::string_view version) {
  std::map<std::string, json> components;
  object paths;
  structs asked, replied;
  auto requests = capnp::Schema::from<schema::ClientRequest>();
  auto replies = capnp::Schema::from<schema::ClientReply>();
  for (const auto& method : method_names()) {
    const auto request = requests.getFieldByName(method).getType().asStruct();
    const auto reply = replies.getFieldByName(method).getType().asStruct();
    collect(request, asked);
    collect(reply, replied);
    auto name = method;
    name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
    paths.emplace_back("/v1/" + name, object{{"post", method_operation(name, name_of(request), name_of(reply), !only_reads(method))}});
  }
  const auto search = capnp::Schema::from<schema::HttpSearchRequest>();
  const auto found = capnp::Schema::from<schema::HttpSearchReply>();
  collect(search, asked);
  collect(found, replied);
  paths.emplace_back("/v1/Search", object{{"post", method_operation("Search", name_of(search), name_of(found), false)}});
  for (const auto& [name, s] : replied)
    components[name] = component(s, false);
  // What is in requests too has what is common to both.
  for (const auto& [name, s] : asked)
    components[name] = component(s, true);
  add_shapes(components);
  for (const auto& r : http_routes()) {
    object verbs;
    for (const auto* verb : {"GET", "POST"})
      if (r.verbs.find(verb) != std::string_view::npos)
        verbs.emplace_back(verb == std::string_view{"GET"} ? "get" : "post", operation(r, verb));
    paths.emplace_back(std::string{r.path}, std::move(verbs));
  }
  object schemas;
  for (auto& [name, s] : components)
    schemas.emplace_back(name, std::move(s));
  const auto bytes = std::to_string(limits::http_body_bytes);
  return json{object{
                {"openapi", "3.1.0"},
                {"info", object{{"title", "Muster"},
                                {"version", std::string{version}},
                                {"description", "What a coordinator answers over HTTP. A method of interface Coordinator is POST /v1/NAME with "
                                                "its request as JSON, whose members may all be left out; 64-bit numbers are strings. A body "
                                                "may have "
                                                  + bytes + " bytes. What each method means is in deploy/REFERENCE.md."}}},
                {"tags", array{object{{"name", "reads"}, {"description", "Changes nothing"}},
                               object{{"name", "changes"}, {"description", "Refused by a door that only reads"}}}},
                {"paths", std::move(paths)},
                {"components", object{{"schemas", std::move(schemas)}}}}}
    .text();
}

} // namespace muster
