// `muster status`, `wait`: watching a cluster.
#include "deploy/cli.hpp"
#include "deploy/output.hpp"
#include "deploy/overview.hpp"

#include <algorithm>
#include <iostream>

namespace muster::cli {

namespace {

struct options {
  std::string coordinator = "127.0.0.1:7700";
  std::string name;
  std::string without;
  double timeout_s = 30;
  std::int64_t nodes = 0;
  bool json = false;
};

double epoch_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// -- status -------------------------------------------------------------------

std::string labels_text(schema::NodeInfo::Reader node) {
  std::string out;
  for (auto label : node.getLabels())
    out += (out.empty() ? "" : ",") + std::string{view(label.getKey())} + "=" + std::string{view(label.getValue())};
  return out;
}

void print_placement(const overview& all, const collection_overview& c) {
  std::cout << "\nplacement of " << view(c.loaded.getName()) << "\n";
  table t{{"REPLICA", "NODE", "SEGMENTS", "ROWS", "LEADS"}};
  for (auto replica : c.replicas->getReplicas()) {
    for (auto node : replica.getNodes()) {
      std::int64_t segments = 0;
      std::int64_t rows = 0;
      for (auto segment : c.segments->getSegments()) {
        if (!any_of(segment.getNodes(), [&](auto id) { return id == node; }))
          continue;
        ++segments;
        rows += segment.getRows();
      }
      std::string leads;
      for (auto shard : replica.getShards())
        if (shard.getLeader() == node)
          leads += (leads.empty() ? "" : ", ") + std::string{view(shard.getChannel())}
                   + (shard.getServiceable() ? "" : " (not serviceable)");
      t.row({std::to_string(replica.getId()), all.node_name(node), with_commas(segments), with_commas(rows), leads});
    }
  }
  std::cout << t.str(2);
}

void print_text(const overview& all, const std::string& coordinator) {
  const auto status = all.status.read();
  std::cout << "coordinator " << coordinator << ": " << view(status.getState()) << ", epoch " << status.getEpoch()
            << ", version " << view(status.getVersion()) << "\n\n";
  table nodes{{"NODE", "ID", "STATE", "ADDRESS", "SEGMENTS", "ROWS", "LEADS", "LABELS"}};
  for (auto node : status.getNodes())
    nodes.row({std::string{view(node.getName())}, std::to_string(node.getId()), std::string{view(node.getState())},
               std::string{view(node.getAddress())}, with_commas(node.getSegments()), with_commas(node.getRows()),
               std::to_string(node.getChannels()), labels_text(node)});
  std::cout << (nodes.empty() ? "no nodes; start one with muster node\n" : nodes.str()) << '\n';
  table collections{{"COLLECTION", "STATUS", "LOADED", "REPLICAS", "SEGMENTS", "ROWS", "TARGET", "WAITS FOR"}};
  for (auto& c : all.collections) {
    const auto waits = view(c.loaded.getWaitsFor());
    collections.row(
        {std::string{view(c.loaded.getName())}, std::string{view(c.loaded.getStatus())},
         std::to_string(c.loaded.getPercentage()) + "%",
         std::to_string(c.loaded.getServiceableReplicas()) + " of " + std::to_string(c.loaded.getReplicaNumber()),
         with_commas(c.loaded.getSegments()), with_commas(c.loaded.getRows()),
         std::to_string(c.loaded.getCurrentVersion()),
         !waits.empty() ? std::string{waits}
         : c.whole()    ? "nothing, it is whole"
                        : c.lacks});
  }
  std::cout << (collections.empty() ? "nothing is loaded; muster collections lists what can be\n" : collections.str());
  for (auto& c : all.collections)
    print_placement(all, c);
  if (status.getTasks().size() > 0) {
    std::cout << "\ntasks\n";
    table tasks{{"TASK", "KIND", "STATE", "COLLECTION", "REPLICA", "SEGMENT", "CHANNEL", "TO", "FROM", "REASON"}};
    for (auto task : status.getTasks())
      tasks.row({std::to_string(task.getId()), std::string{view(task.getKind())}, std::string{view(task.getState())},
                 std::to_string(task.getCollectionId()), std::to_string(task.getReplica()),
                 task.getSegment() == 0 ? "" : std::to_string(task.getSegment()), std::string{view(task.getChannel())},
                 task.getNode() == 0 ? "" : all.node_name(task.getNode()),
                 task.getSource() == 0 ? "" : all.node_name(task.getSource()), std::string{view(task.getReason())}});
    std::cout << tasks.str(2);
  }
}

void write_nodes(json_writer& w, const std::string& key, capnp::List<std::int64_t>::Reader ids, const overview& all) {
  w.key(key).open('[');
  for (auto id : ids)
    w.text(all.node_name(id));
  w.close(']');
}

void write_collection(json_writer& w, const collection_overview& c, const overview& all) {
  w.open('{')
      .field("id", c.loaded.getId())
      .field("name", view(c.loaded.getName()))
      .field("status", view(c.loaded.getStatus()))
      .field("percentage", c.loaded.getPercentage())
      .field("replicas_wanted", c.loaded.getReplicaNumber())
      .field("replicas_serviceable", c.loaded.getServiceableReplicas())
      .field("current_version", c.loaded.getCurrentVersion())
      .field("next_version", c.loaded.getNextVersion())
      .field("rows", c.loaded.getRows())
      .field("waits_for", view(c.loaded.getWaitsFor()))
      .field("whole", c.whole())
      .field("lacks", c.lacks);
  w.key("replicas").open('[');
  for (auto replica : c.replicas->getReplicas()) {
    w.open('{').field("id", replica.getId()).field("resource_group", view(replica.getResourceGroup()));
    write_nodes(w, "nodes", replica.getNodes(), all);
    write_nodes(w, "read_only_nodes", replica.getReadOnlyNodes(), all);
    w.key("shards").open('[');
    for (auto shard : replica.getShards())
      w.open('{')
          .field("channel", view(shard.getChannel()))
          .field("leader", shard.getLeader() == 0 ? std::string{} : all.node_name(shard.getLeader()))
          .field("address", view(shard.getLeaderAddress()))
          .field("serviceable", shard.getServiceable())
          .close('}');
    w.close(']').close('}');
  }
  w.close(']').key("segments").open('[');
  for (auto segment : c.segments->getSegments()) {
    w.open('{')
        .field("id", segment.getId())
        .field("partition", segment.getPartitionId())
        .field("channel", view(segment.getChannel()))
        .field("rows", segment.getRows())
        .field("bytes", segment.getBytes())
        .field("index", view(segment.getIndex()));
    write_nodes(w, "nodes", segment.getNodes(), all);
    w.close('}');
  }
  w.close(']').close('}');
}

std::string as_json(const overview& all) {
  const auto status = all.status.read();
  const bool whole = std::all_of(all.collections.begin(), all.collections.end(), [](auto& c) { return c.whole(); });
  json_writer w;
  w.open('{')
      .field("state", view(status.getState()))
      .field("epoch", status.getEpoch())
      .field("version", view(status.getVersion()))
      .field("whole", whole);
  w.key("nodes").open('[');
  for (auto node : status.getNodes()) {
    w.open('{')
        .field("id", node.getId())
        .field("name", view(node.getName()))
        .field("address", view(node.getAddress()))
        .field("state", view(node.getState()))
        .field("segments", node.getSegments())
        .field("rows", node.getRows())
        .field("channels", node.getChannels())
        .field("memory_mb", node.getMemoryMb())
        .field("incarnation", std::to_string(node.getIncarnation()));
    w.key("labels").open('{');
    for (auto label : node.getLabels())
      w.field(view(label.getKey()), view(label.getValue()));
    w.close('}').close('}');
  }
  w.close(']').key("collections").open('[');
  for (auto& c : all.collections)
    write_collection(w, c, all);
  w.close(']').key("tasks").open('[');
  for (auto task : status.getTasks())
    w.open('{')
        .field("id", task.getId())
        .field("kind", view(task.getKind()))
        .field("state", view(task.getState()))
        .field("collection", task.getCollectionId())
        .field("replica", task.getReplica())
        .field("channel", view(task.getChannel()))
        .field("segment", task.getSegment())
        .field("node", task.getNode())
        .field("source", task.getSource())
        .field("reason", view(task.getReason()))
        .close('}');
  return w.close(']').close('}').str();
}

int status(const options& o) {
  session s{o.coordinator};
  const auto all = value_or_end(look(s));
  if (o.json)
    std::cout << as_json(all) << '\n';
  else
    print_text(all, o.coordinator);
  return done;
}

// -- wait ---------------------------------------------------------------------

int wait_until_whole(const options& o) {
  session s{o.coordinator};
  const auto until = epoch_ms() + o.timeout_s * 1000;
  for (;;) {
    auto seen = o.name.empty() ? look(s) : look(s, o.name);
    std::string lacks;
    if (!seen
        && (seen.error().code == ec::connection_lost || seen.error().code == ec::collection_not_loaded
            || seen.error().code == ec::service_not_ready)) {
      lacks = seen.error().text;
    } else if (!seen) {
      throw command_error{seen.error()};
    } else {
      std::int64_t connected = 0;
      for (auto node : seen->status->getNodes())
        connected += node.getState() == "connected";
      if (connected < o.nodes)
        lacks = "only " + counted(connected, "node") + " of " + std::to_string(o.nodes) + " connected";
      if (!o.without.empty() && seen->connected(o.without))
        lacks = "node " + o.without + " is still connected";
      for (auto& c : seen->collections)
        if (lacks.empty() && !c.whole())
          lacks = "collection " + std::string{view(c.loaded.getName())} + ": " + c.lacks;
    }
    const auto now = epoch_ms();
    if (lacks.empty()) {
      if (o.json)
        std::cout << json_writer{}.open('{').field("whole", true).key("at_ms").raw(fixed(now, 3)).close('}').str()
                  << '\n';
      else
        std::cout << "whole at_ms " << fixed(now, 3) << '\n';
      return done;
    }
    if (now >= until)
      throw command_error{failed, "not whole after " + fixed(o.timeout_s, 1) + " s: " + lacks};
    s.wait(s.io().provider->getTimer().afterDelay(5 * kj::MILLISECONDS));
  }
}

} // namespace

void add_status_commands(CLI::App& app, command& chosen) {
  auto o = std::make_shared<options>();
  auto& looking = add_command(app, "status", "Show nodes, loaded collections, what they wait for, and what is where");
  add_coordinator_option(looking, o->coordinator);
  add_json_option(looking, o->json);
  looking.callback([o, &chosen] { chosen = [o] { return status(*o); }; });

  auto& waiting = add_command(app, "wait", "Wait until every replica of what is loaded is whole again");
  waiting.add_option("name", o->name, "This collection alone; none: all that are loaded")->type_name("NAME");
  waiting.add_option("--without", o->without, "And until the node of this name is no longer connected")
      ->type_name("NODE");
  waiting.add_option("--nodes", o->nodes, "And until so many nodes are connected")
      ->type_name("N")
      ->check(between(std::int64_t{0}, std::int64_t{limits::nodes}));
  waiting.add_option("--timeout-s", o->timeout_s, "Longest wait")
      ->type_name("S")
      ->check(between(0.001, 3600.0))
      ->capture_default_str();
  add_coordinator_option(waiting, o->coordinator);
  add_json_option(waiting, o->json);
  waiting.callback([o, &chosen] { chosen = [o] { return wait_until_whole(*o); }; });
}

} // namespace muster::cli
