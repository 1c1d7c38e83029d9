// `nodes`, `replicas`, `groups`, `tasks`, `journal`, `snapshot`: what there is, as tables.
#include "deploy/commands.hpp"

#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>

namespace muster::cli {

namespace {

std::string text(capnp::Text::Reader t) {
  return std::string{view(t)};
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

int nodes(command_context& c, arguments& a) {
  a.end();
  const auto status = c.coordinator.ask<schema::GetStatusRequest>();
  const auto listed = c.coordinator.ask<schema::ListQueryNodeRequest>();
  struct more {
    bool suspended = false;
    std::string state;
    std::int64_t heard = 0;
  };
  std::map<std::int64_t, more> known;
  for (auto n : listed->getNodes())
    known[n.getId()] = {n.getSuspended(), text(n.getState()), n.getLastHeard()};
  if (c.json) {
    json_writer w;
    w.open('[');
    for (auto n : status->getNodes()) {
      const auto& m = known[n.getId()];
      w.open('{')
          .field("id", n.getId())
          .field("name", view(n.getName()))
          .field("address", view(n.getAddress()))
          .field("state", view(n.getState()))
          .field("stopping", m.state == "Stopping")
          .field("drained", m.suspended)
          .field("segments", n.getSegments())
          .field("rows", n.getRows())
          .field("channels", n.getChannels())
          .field("last_heard", std::to_string(m.heard))
          .close('}');
    }
    std::cout << w.close(']').str() << '\n';
    return done;
  }
  table t{{"NODE", "ID", "STATE", "HEARD", "SEGMENTS", "ROWS", "LEADS", "ADDRESS"}};
  for (auto n : status->getNodes()) {
    const auto& m = known[n.getId()];
    auto state = text(n.getState());
    if (m.state == "Stopping")
      state += ", stopping";
    if (m.suspended)
      state += ", drained";
    t.row({text(n.getName()), std::to_string(n.getId()), state, m.heard == 0 ? "never" : duration_text((now_ns() - m.heard) / 1'000'000) + " ago",
           with_commas(n.getSegments()), with_commas(n.getRows()), std::to_string(n.getChannels()), text(n.getAddress())});
  }
  print(c, t.empty() ? "no nodes; start one with muster node\n" : t.str());
  return done;
}

int replicas(command_context& c, arguments& a) {
  const auto only = a.word_or("");
  a.end();
  const auto names = names_of(c.coordinator);
  std::vector<std::string> collections;
  if (!only.empty())
    collections.push_back(only);
  else
    for (const auto& [id, name] : names.collections)
      collections.push_back(name);
  table t{{"REPLICA", "COLLECTION", "GROUP", "NODES", "LEAVES", "CHANNELS", "SERVED"}};
  std::string json;
  for (const auto& name : collections) {
    const auto reply = c.coordinator.call<schema::GetReplicasRequest>([&](auto b) { b.setCollection(name); });
    if (!reply && only.empty() && reply.error().code == ec::collection_not_loaded)
      continue; // released meanwhile
    if (!reply)
      throw command_error{reply.error()};
    for (auto r : reply.value()->getReplicas()) {
      json += (json.empty() ? "" : ",") + reply_json(capnp::toDynamic(r));
      std::size_t served = 0;
      for (auto shard : r.getShards())
        served += shard.getServiceable() ? 1 : 0;
      std::string members;
      for (auto n : r.getNodes())
        members += (members.empty() ? "" : " ") + names.node(n);
      std::string leaves;
      for (auto n : r.getReadOnlyNodes())
        leaves += (leaves.empty() ? "" : " ") + names.node(n);
      t.row({std::to_string(r.getId()), name, text(r.getResourceGroup()), members, leaves, std::to_string(r.getShards().size()),
             std::to_string(served) + " of " + std::to_string(r.getShards().size())});
    }
  }
  if (c.json)
    std::cout << '[' << json << "]\n";
  else
    print(c, t.empty() ? "no replicas: nothing is loaded\n" : t.str());
  return done;
}

int groups(command_context& c, arguments& a) {
  a.end();
  const auto list = c.coordinator.ask<schema::ListResourceGroupsRequest>();
  table t{{"GROUP", "REQUESTS", "LIMITS", "NODES", "CONNECTED", "REPLICAS", "MEMBERS"}};
  std::string json;
  for (auto name : list->getNames()) {
    const auto reply = c.coordinator.call<schema::DescribeResourceGroupRequest>([&](auto b) { b.setName(name); });
    if (!reply)
      continue; // dropped meanwhile
    const auto g = reply.value()->getGroup();
    json += (json.empty() ? "" : ",") + reply_json(capnp::toDynamic(g));
    std::int64_t replicas = 0;
    for (auto r : g.getReplicas())
      replicas += r.getCount();
    std::string members;
    for (auto n : g.getNodes())
      members += (members.empty() ? "" : " ") + text(n.getName());
    t.row({text(g.getName()), std::to_string(g.getConfig().getRequests()), std::to_string(g.getConfig().getLimits()),
           std::to_string(g.getNodes().size()), std::to_string(g.getAvailableNodes()), std::to_string(replicas), members});
  }
  if (c.json)
    std::cout << '[' << json << "]\n";
  else
    print(c, t.str());
  return done;
}

int tasks(command_context& c, arguments& a) {
  const auto limit = a.number("--limit", 40, 1, 100'000);
  const auto collection = a.word_or("");
  a.end();
  const auto reply = c.coordinator.ask<schema::ListTasksRequest>([&](auto b) {
    b.setCollection(collection);
    b.setLimit(static_cast<std::uint32_t>(limit));
  });
  if (c.json) {
    std::cout << reply_json(capnp::toDynamic(reply.read())) << '\n';
    return done;
  }
  const auto names = names_of(c.coordinator);
  table t{{"TASK", "KIND", "OF", "NODE", "STATUS", "AGE", "WHY, AND HOW IT ENDED"}};
  for (auto task : reply->getTasks()) {
    const auto what = task.getSegment() != 0 ? std::to_string(task.getSegment()) : text(task.getChannel());
    auto node = task.getSource() != 0 ? names.node(task.getSource()) + ">" + names.node(task.getNode()) : names.node(task.getNode());
    auto why = text(task.getReason());
    if (task.getEnd().size() > 0)
      why += "; " + text(task.getEnd());
    if (task.getError().size() > 0)
      why += ": " + text(task.getError());
    t.row({std::to_string(task.getId()), text(task.getKind()), what, node, text(task.getStatus()), duration_text(task.getAgeMs()), why});
  }
  print(c, t.empty() ? "no tasks, in flight or of late\n" : t.str());
  return done;
}

int journal_tail(command_context& c, arguments& a) {
  if (const auto what = a.word("what to do with the journal"); what != "tail")
    throw command_error{usage, "its end can be read: journal tail"};
  const auto limit = a.number("-n", 20, 1, static_cast<std::int64_t>(limits::journal_records_most));
  const bool follow = a.flag("-f");
  auto after = static_cast<std::uint64_t>(a.number("--after", 0, 0, INT64_MAX));
  a.end();
  if (follow)
    hold_interrupts();
  for (bool first = true;; first = false) {
    const auto reply = c.coordinator.ask<schema::ReadJournalRequest>([&](auto b) {
      b.setAfter(after);
      b.setLimit(static_cast<std::uint32_t>(limit));
    });
    if (c.json && !follow) {
      std::cout << reply_json(capnp::toDynamic(reply.read())) << '\n';
      return done;
    }
    for (auto r : reply->getRecords()) {
      after = r.getSeq();
      if (c.json)
        std::cout << reply_json(capnp::toDynamic(r)) << '\n' << std::flush;
      else
        print(c, std::to_string(r.getSeq()) + " epoch " + std::to_string(r.getEpoch()) + " " + text(r.getKind()) + " " + text(r.getKey()) + " "
                   + (r.getJson().size() > 0 ? text(r.getJson()) : "removed") + "\n");
    }
    if (first && after == 0)
      after = reply->getLast();
    if (!follow)
      break;
    for (int i = 0; i < 10 && !was_interrupted(); ++i)
      c.coordinator.wait(c.coordinator.io().provider->getTimer().afterDelay(50 * kj::MILLISECONDS));
    if (was_interrupted())
      break;
  }
  if (follow)
    release_interrupts();
  return done;
}

/// One answer as a member of the file; a refusal is a member too.
template <class Request, class Fill>
void take(command_context& c, json_writer& w, const char* name, Fill&& fill) {
  const auto reply = c.coordinator.call<Request>(fill);
  w.key(name);
  if (reply)
    w.raw(reply_json(capnp::toDynamic(reply.value().read())));
  else if (reply.error().code == ec::connection_lost)
    throw command_error{reply.error()};
  else
    w.open('{').field("error", std::string{to_string(reply.error().code)} + ": " + reply.error().text).close('}');
}

int snapshot(command_context& c, arguments& a) {
  auto path = a.word("a file");
  if (path == "to")
    path = a.word("a file");
  a.end();
  std::ofstream out(path, std::ios::trunc);
  if (!out)
    throw command_error{failed, "writing " + path + ": " + std::strerror(errno) + "; name a file that can be written"};
  const auto nothing = [](auto) {};
  const auto status = c.coordinator.ask<schema::GetStatusRequest>();
  json_writer w;
  w.open('{').field("muster_snapshot", 1).field("taken_at", std::to_string(now_ns())).field("coordinator", c.address);
  w.key("status").raw(reply_json(capnp::toDynamic(status.read())));
  take<schema::GetComponentStatesRequest>(c, w, "components", nothing);
  take<schema::CheckHealthRequest>(c, w, "health", nothing);
  take<schema::ListQueryNodeRequest>(c, w, "nodes", nothing);
  take<schema::ListActorsRequest>(c, w, "actors", nothing);
  take<schema::ListCheckersRequest>(c, w, "checkers", nothing);
  take<schema::ShowConfigurationsRequest>(c, w, "settings", nothing);
  take<schema::ListTasksRequest>(c, w, "tasks", nothing);
  take<schema::ListEventsRequest>(c, w, "events", [](auto b) { b.setLimit(10'000); });
  take<schema::ReadJournalRequest>(c, w, "journal", nothing);
  take<schema::SetLogLevelRequest>(c, w, "log_levels", nothing);
  for (const auto& [key, what] : std::initializer_list<std::pair<const char*, const char*>>{
           {"targets", R"({"metric_type":"qc_target"})"}, {"distribution", R"({"metric_type":"dist"})"},
           {"placement", R"({"metric_type":"replica"})"}}) {
    const auto reply = c.coordinator.call<schema::GetMetricsRequest>([&, request = what](auto b) { b.setRequest(request); });
    w.key(key);
    if (reply)
      w.raw(view(reply.value()->getResponse()));
    else
      w.open('{').field("error", reply.error().text).close('}');
  }
  w.key("replicas").open('[');
  for (auto collection : status->getCollections())
    if (const auto reply = c.coordinator.call<schema::GetReplicasRequest>([&](auto b) { b.setCollection(collection.getName()); }))
      for (auto r : reply.value()->getReplicas())
        w.raw(reply_json(capnp::toDynamic(r)));
  w.close(']').key("groups").open('[');
  if (const auto list = c.coordinator.call<schema::ListResourceGroupsRequest>(nothing))
    for (auto name : list.value()->getNames())
      if (const auto reply = c.coordinator.call<schema::DescribeResourceGroupRequest>([&](auto b) { b.setName(name); }))
        w.raw(reply_json(capnp::toDynamic(reply.value()->getGroup())));
  out << w.close(']').close('}').str() << '\n';
  out.close();
  if (!out)
    throw command_error{failed, "writing " + path + ": the disk did not take all of it; free space and try again"};
  const auto bytes = static_cast<std::int64_t>(w.str().size());
  if (c.json)
    std::cout << json_writer{}.open('{').field("file", path).field("bytes", bytes).close('}').str() << '\n';
  else
    std::cout << "wrote " << as_bytes_text(bytes) << " to " << path << '\n';
  return done;
}

} // namespace

void add_cluster_commands(std::vector<inside_command>& to) {
  to.push_back({"nodes", "nodes", "Show the query nodes: state, when they were last heard, what they hold", "nodes", {}, &nodes});
  to.push_back({"replicas", "replicas [COLLECTION]", "Show replicas: group, nodes, how many channels are served", "replicas words", {noun::collection}, &replicas});
  to.push_back({"groups", "groups", "Show resource groups: config, members, replicas in them", "groups", {}, &groups});
  to.push_back({"tasks", "tasks [COLLECTION] [--limit N]", "Show tasks, in flight and of late, the newest first", "tasks words", {noun::collection}, &tasks});
  to.push_back({"journal", "journal tail [-n N] [-f] [--after NUMBER]", "Show the last records of the journal; -f goes on until Ctrl-C",
                "journal tail -n 5", {noun::kind_of_switch}, &journal_tail});
  to.push_back({"snapshot", "snapshot to FILE", "Write all that is known into one JSON file, for a report of a bug", "snapshot to cluster.json",
                {noun::kind_of_switch, noun::file}, &snapshot});
}

} // namespace muster::cli
