// A subcommand for each client method that has none of its own: its options are the fields of its request, its table those of the
// reply.
#include "deploy/cli.hpp"
#include "deploy/output.hpp"
#include "deploy/session.hpp"
#include "messages/status.hpp"

#include <capnp/compat/json.h>
#include <capnp/dynamic.h>
#include <cctype>
#include <charconv>
#include <iostream>
#include <map>
#include <utility>
#include <vector>

namespace muster::cli {

namespace {

struct described {
  const char* method;
  const char* meaning;
};

// Each reads: what it does, for somebody who looks for it in the list of commands.
constexpr described methods[] = {
    {"loadPartitions", "Load partitions of a collection, or more of them"},
    {"releasePartitions", "Release partitions; the others stay readable"},
    {"syncNewCreatedPartition", "Make a partition that was created part of what is loaded"},
    {"createPartition", "Make an empty partition in the catalogue"},
    {"dropPartition", "Take a partition with its segments from the catalogue"},
    {"listSegments", "List the segments of a collection in the catalogue"},
    {"createDatabase", "Make a database; its properties are defaults of loads"},
    {"alterDatabase", "Set properties of a database, or delete some"},
    {"dropDatabase", "Take an empty database from the catalogue"},
    {"describeDatabase", "Show a database and its properties"},
    {"listDatabases", "List the databases"},
    {"showLoadCollections", "Show loaded collections: how far, by how many replicas"},
    {"showLoadPartitions", "Show how far partitions are loaded"},
    {"getPartitionStates", "Show whether partitions are in memory"},
    {"getLoadSegmentInfo", "Show loaded segments and the nodes that hold them"},
    {"listLoadedSegments", "List segments whose files must not be deleted"},
    {"getShardLeaders", "Show who leads the channels of a collection, or of many"},
    {"listCheckers", "List the checkers and whether they are active"},
    {"activateChecker", "Let a checker propose again"},
    {"deactivateChecker", "Keep a checker from proposing, over restarts too"},
    {"listQueryNode", "List the query nodes and their state"},
    {"getQueryNodeDistribution", "Show what a node leads and holds"},
    {"checkQueryNodeDistribution", "Check that a node has all that another one has"},
    {"suspendBalance", "Stop proposing moves, over restarts too"},
    {"resumeBalance", "Propose moves again"},
    {"checkBalanceStatus", "Show whether moves are proposed"},
    {"suspendNode", "Take a node from its resource group and keep it out, over restarts too"},
    {"resumeNode", "Let a node into resource groups again"},
    {"loadBalance", "Move segments of a collection off a node, and wait for it"},
    {"transferSegment", "Move a segment, or all, off a node"},
    {"transferChannel", "Move the lead of a channel, or of all, off a node"},
    {"showConfigurations", "Show settings, what they mean and where they come from"},
    {"alterConfiguration", "Set a setting at run time, durably"},
    {"getComponentStates", "Show the state of the coordinator and of each node"},
    {"getMetrics", "Show what the coordinator knows, as JSON"},
    {"checkHealth", "Show whether all processes are well, and what cannot be searched"},
};

/// camelCase as kebab-case.
std::string kebab(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (std::isupper(static_cast<unsigned char>(c)) && !out.empty())
      out += '-';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

std::string name_of(capnp::StructSchema::Field field) {
  return field.getProto().getName().cStr();
}

bool is_list(capnp::StructSchema::Field field) {
  return field.getType().isList();
}

struct options {
  std::string coordinator = "127.0.0.1:7700";
  std::map<std::string, std::string> scalars;
  std::map<std::string, std::vector<std::string>> lists;
  std::map<std::string, bool> flags;
  bool json = false;
};

// -- the request ----------------------------------------------------------------

std::int64_t number(const std::string& field, const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    throw command_error{usage, kebab(field) + " is \"" + text + "\", which is no whole number"};
  return value;
}

capnp::DynamicValue::Reader value_of(const std::string& field, capnp::Type type, const std::string& text) {
  if (type.isText())
    return capnp::DynamicValue::Reader{capnp::Text::Reader{text.c_str(), text.size()}};
  return capnp::DynamicValue::Reader{number(field, text)};
}

void set_property(capnp::DynamicStruct::Builder to, const std::string& field, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw command_error{usage, kebab(field) + " has \"" + text + "\"; write KEY=VALUE"};
  to.set("key", capnp::Text::Reader{text.substr(0, equals).c_str()});
  to.set("value", capnp::Text::Reader{text.substr(equals + 1).c_str()});
}

void fill(capnp::DynamicStruct::Builder arm, const options& o) {
  for (auto field : arm.getSchema().getFields()) {
    const auto name = name_of(field);
    if (auto i = o.flags.find(name); i != o.flags.end() && i->second)
      arm.set(field, true);
    if (auto i = o.scalars.find(name); i != o.scalars.end() && !i->second.empty())
      arm.set(field, value_of(name, field.getType(), i->second));
    if (auto i = o.lists.find(name); i != o.lists.end() && !i->second.empty()) {
      auto list = arm.init(field, static_cast<unsigned>(i->second.size())).as<capnp::DynamicList>();
      for (unsigned k = 0; k < list.size(); ++k)
        if (field.getType().asList().getElementType().isStruct())
          set_property(list[k].as<capnp::DynamicStruct>(), name, i->second[k]);
        else
          list.set(k, value_of(name, field.getType().asList().getElementType(), i->second[k]));
    }
  }
}

// -- the reply ------------------------------------------------------------------

std::string cell(capnp::DynamicValue::Reader value);

std::string joined(capnp::DynamicList::Reader list) {
  std::string out;
  for (auto item : list)
    out += (out.empty() ? "" : ", ") + cell(item);
  return out;
}

std::string cell(capnp::DynamicValue::Reader value) {
  switch (value.getType()) {
    case capnp::DynamicValue::BOOL:
      return value.as<bool>() ? "yes" : "no";
    case capnp::DynamicValue::INT:
      return std::to_string(value.as<std::int64_t>());
    case capnp::DynamicValue::UINT:
      return std::to_string(value.as<std::uint64_t>());
    case capnp::DynamicValue::FLOAT:
      return fixed(value.as<double>(), 3);
    case capnp::DynamicValue::TEXT:
      return std::string{view(value.as<capnp::Text>())};
    case capnp::DynamicValue::LIST:
      return joined(value.as<capnp::DynamicList>());
    case capnp::DynamicValue::STRUCT: {
      std::string out;
      auto s = value.as<capnp::DynamicStruct>();
      for (auto field : s.getSchema().getFields())
        out += (out.empty() ? "" : " ") + cell(s.get(field));
      return out;
    }
    default:
      return {};
  }
}

bool of_structs(capnp::StructSchema::Field field) {
  return is_list(field) && field.getType().asList().getElementType().isStruct();
}

std::string as_table(capnp::DynamicList::Reader list) {
  const auto schema = list.getSchema().getStructElementType();
  std::vector<std::string> headings;
  for (auto field : schema.getFields())
    headings.push_back(kebab(name_of(field)));
  table t{headings};
  for (auto item : list) {
    std::vector<std::string> cells;
    auto row = item.as<capnp::DynamicStruct>();
    for (auto field : schema.getFields())
      cells.push_back(cell(row.get(field)));
    t.row(std::move(cells));
  }
  return t.str();
}

/// Lines for single values, then a table for each list of structures. Empty: the reply says no more than that it is done.
std::string as_text(capnp::DynamicStruct::Reader reply) {
  std::string lines;
  std::string tables;
  for (auto field : reply.getSchema().getFields()) {
    const auto name = name_of(field);
    if (name == "status" || name == "header" || !reply.has(field, capnp::HasMode::NON_NULL))
      continue;
    if (of_structs(field)) {
      auto list = reply.get(field).as<capnp::DynamicList>();
      tables += list.size() == 0 ? "no " + kebab(name) + "\n" : as_table(list);
    } else if (field.getType().isStruct()) {
      lines += as_text(reply.get(field).as<capnp::DynamicStruct>());
    } else {
      lines += kebab(name) + ": " + cell(reply.get(field)) + "\n";
    }
  }
  return lines + tables;
}

int run(const std::string& method, const options& o) {
  session s{o.coordinator};
  auto request = build<schema::ClientRequest>([&](schema::ClientRequest::Builder b) {
    fill(capnp::DynamicStruct::Builder{capnp::toDynamic(b)}.init(method).as<capnp::DynamicStruct>(), o);
    bool changes = false;
    net::visit_method(b.which(), [&]<class Request>() { changes = changes_something<Request>; });
    if (changes)
      b.getHeader().setTraceId(traces().next());
  });
  const auto reply = value_or_end(s.wait(s.api().call(std::move(request))));
  capnp::DynamicStruct::Reader whole = capnp::toDynamic(reply.read());
  if (auto why = to_failure(reply->getStatus()); why.code != ec::ok)
    throw command_error{why};
  auto arm = whole.get(method).as<capnp::DynamicStruct>();
  if (o.json) {
    capnp::JsonCodec codec;
    std::cout << codec.encode(arm).cStr() << '\n';
  } else if (auto why = to_failure(arm.get("status").as<schema::Status>()); why.code == ec::ok) {
    const auto text = as_text(arm);
    std::cout << (text.empty() ? "done\n" : text);
  }
  if (auto why = to_failure(arm.get("status").as<schema::Status>()); why.code != ec::ok)
    throw command_error{why};
  return done;
}

// -- the command line -------------------------------------------------------------

/// What the command line gives without the name of an option: the leading single values, then the first list.
std::vector<std::string> places_of(capnp::StructSchema request) {
  std::vector<std::string> places;
  for (auto field : request.getFields()) {
    const auto name = name_of(field);
    if (name == "header")
      continue;
    if (is_list(field)) {
      places.push_back(name);
      break;
    }
    if (field.getType().isBool() || name == "partitionId" || name == "replicaNumber")
      break;
    places.push_back(name);
  }
  return places;
}

void with_lists(CLI::App& sub, const std::string& flag, std::vector<std::string>& values, bool properties) {
  auto* option = sub.add_option(flag, values);
  if (properties)
    option->type_name("KEY=VALUE");
  else
    option->delimiter(',');
}

void add_method(CLI::App& app, command& chosen, const std::string& command_name, const described& d) {
  auto o = std::make_shared<options>();
  auto& sub = add_command(app, command_name, d.meaning);
  const auto request = capnp::Schema::from<schema::ClientRequest>().getFieldByName(d.method).getType().asStruct();
  const auto places = places_of(request);
  for (auto field : request.getFields()) {
    const auto name = name_of(field);
    if (name == "header" || name == "partitionId") // given by the coordinator
      continue;
    const bool placed = std::find(places.begin(), places.end(), name) != places.end();
    const auto flag = (placed ? kebab(name) + "," : std::string{}) + "--" + kebab(name);
    if (field.getType().isBool())
      sub.add_flag("--" + kebab(name), o->flags[name]);
    else if (is_list(field))
      // Properties are one an option or word: their values may be lists.
      with_lists(sub, flag, o->lists[name], field.getType().asList().getElementType().isStruct());
    else
      sub.add_option(flag, o->scalars[name]);
  }
  add_coordinator_option(sub, o->coordinator);
  add_json_option(sub, o->json);
  sub.footer("\nIts fields and errors: " + std::string{d.method} + " in messages/schema/client.capnp.");
  sub.callback([o, &chosen, method = std::string{d.method}] { chosen = [o, method] { return run(method, *o); }; });
}

} // namespace

void add_method_commands(CLI::App& app, command& chosen) {
  for (const auto& d : methods)
    add_method(app, chosen, kebab(d.method), d);
  auto& partition
    = add_command(app, "partition", "partition create NAME PARTITION, partition drop NAME PARTITION: the same as create-partition and "
                                    "drop-partition");
  partition.require_subcommand(1);
  for (const auto& d : methods)
    for (const auto& [method, name] : {std::pair{"createPartition", "create"}, {"dropPartition", "drop"}})
      if (std::string_view{method} == d.method)
        add_method(partition, chosen, name, d);
}

} // namespace muster::cli
