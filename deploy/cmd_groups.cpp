// `muster create-resource-group`, `transfer-node`, `update-load-config`, `get-replicas`, ...: resource groups and replicas.
#include "deploy/cli.hpp"
#include "deploy/output.hpp"
#include "deploy/session.hpp"
#include "messages/limits.hpp"

#include <iostream>
#include <vector>

namespace muster::cli {

namespace {

struct options {
  std::string coordinator = "127.0.0.1:7700";
  std::string name;
  std::string source;
  std::string target;
  std::vector<std::string> names;
  std::vector<std::string> groups;
  std::vector<std::string> labels;
  std::vector<std::string> transfer_from;
  std::vector<std::string> transfer_to;
  std::int64_t requests = 0;
  std::int64_t limits = 0;
  std::int64_t count = 1;
  std::uint32_t replicas = 0;
  bool shard_nodes = false;
  bool json = false;
};

/// What a change came to: one line, or {"done":VERB,...} with what it was about.
int print_done(const options& o, const std::string& verb, const std::string& what) {
  if (o.json)
    std::cout << json_writer{}.open('{').field("done", verb).field("about", what).close('}').str() << '\n';
  else
    std::cout << verb << ' ' << what << '\n';
  return done;
}

template <class Init>
void put_texts(const std::vector<std::string>& from, Init&& init) {
  auto list = init(static_cast<unsigned>(from.size()));
  for (unsigned i = 0; i < from.size(); ++i)
    list.set(i, from[i]);
}

void put_config(const options& o, schema::ResourceGroupConfig::Builder b) {
  b.setRequests(o.requests);
  b.setLimits(std::max(o.limits, o.requests));
  put_texts(o.transfer_from, [&](unsigned n) { return b.initTransferFrom(n); });
  put_texts(o.transfer_to, [&](unsigned n) { return b.initTransferTo(n); });
  auto labels = b.initLabels(static_cast<unsigned>(o.labels.size()));
  for (unsigned i = 0; i < o.labels.size(); ++i) {
    const auto equals = o.labels[i].find('=');
    if (equals == std::string::npos || equals == 0)
      throw command_error{usage, "the label \"" + o.labels[i] + "\" is not of the form KEY=VALUE"};
    labels[i].setKey(o.labels[i].substr(0, equals));
    labels[i].setValue(o.labels[i].substr(equals + 1));
  }
}

// -- changes ----------------------------------------------------------------------

int create(const options& o) {
  session s{o.coordinator};
  s.ask<schema::CreateResourceGroupRequest>([&](auto b) {
    b.setName(o.name);
    put_config(o, b.initConfig());
  });
  return print_done(o, "created", "resource group " + o.name);
}

int update(const options& o) {
  session s{o.coordinator};
  s.ask<schema::UpdateResourceGroupsRequest>([&](auto b) {
    auto g = b.initGroups(1)[0];
    g.setName(o.name);
    put_config(o, g.initConfig());
  });
  return print_done(o, "updated", "resource group " + o.name);
}

int drop(const options& o) {
  session s{o.coordinator};
  s.ask<schema::DropResourceGroupRequest>([&](auto b) { b.setName(o.name); });
  return print_done(o, "dropped", "resource group " + o.name);
}

int transfer_node(const options& o) {
  session s{o.coordinator};
  s.ask<schema::TransferNodeRequest>([&](auto b) {
    b.setSource(o.source);
    b.setTarget(o.target);
    b.setCount(o.count);
  });
  return print_done(o, "transferring", counted(o.count, "node") + " from " + o.source + " to " + o.target);
}

int transfer_replica(const options& o) {
  session s{o.coordinator};
  s.ask<schema::TransferReplicaRequest>([&](auto b) {
    b.setSource(o.source);
    b.setTarget(o.target);
    b.setCollection(o.name);
    b.setCount(o.count);
  });
  return print_done(o, "transferring",
                    counted(o.count, "replica") + " of " + o.name + " from " + o.source + " to " + o.target);
}

int update_load_config(const options& o) {
  session s{o.coordinator};
  s.ask<schema::UpdateLoadConfigRequest>([&](auto b) {
    put_texts(o.names, [&](unsigned n) { return b.initCollections(n); });
    b.setReplicaNumber(o.replicas);
    put_texts(o.groups, [&](unsigned n) { return b.initResourceGroups(n); });
  });
  std::string names;
  for (const auto& name : o.names)
    names += (names.empty() ? "" : ", ") + name;
  return print_done(o, "updated", names);
}

// -- reads ------------------------------------------------------------------------

template <class Texts>
void json_texts(json_writer& w, const char* name, Texts texts) {
  w.key(name).open('[');
  for (auto t : texts)
    w.text(view(t));
  w.close(']');
}

template <class Ids>
void json_ids(json_writer& w, const char* name, Ids ids) {
  w.key(name).open('[');
  for (auto id : ids)
    w.number(static_cast<std::int64_t>(id));
  w.close(']');
}

template <class Counts>
void json_counts(json_writer& w, const char* name, Counts counts) {
  w.key(name).open('{');
  for (auto c : counts)
    w.field(view(c.getCollection()), c.getCount());
  w.close('}');
}

template <class Counts>
std::string counts_text(Counts counts) {
  std::string result;
  for (auto c : counts)
    result += (result.empty() ? "" : ", ") + std::string{view(c.getCollection())} + " " + std::to_string(c.getCount());
  return result.empty() ? "none" : result;
}

template <class Texts>
std::string texts_text(Texts texts) {
  std::string result;
  for (auto t : texts)
    result += (result.empty() ? "" : ", ") + std::string{view(t)};
  return result.empty() ? "none" : result;
}

template <class Ids>
std::string ids_text(Ids ids) {
  std::string result;
  for (auto id : ids)
    result += (result.empty() ? "" : ",") + std::to_string(id);
  return result.empty() ? "-" : result;
}

int list_groups(const options& o) {
  session s{o.coordinator};
  const auto reply = s.ask<schema::ListResourceGroupsRequest>();
  json_writer w;
  w.open('[');
  for (auto name : reply->getNames()) {
    w.text(view(name));
    if (!o.json)
      std::cout << view(name) << '\n';
  }
  if (o.json)
    std::cout << w.close(']').str() << '\n';
  return done;
}

int describe(const options& o) {
  session s{o.coordinator};
  const auto reply = s.ask<schema::DescribeResourceGroupRequest>([&](auto b) { b.setName(o.name); });
  auto g = reply->getGroup();
  auto config = g.getConfig();
  if (o.json) {
    json_writer w;
    w.open('{').field("name", view(g.getName())).field("capacity", g.getCapacity());
    w.key("config").open('{').field("requests", config.getRequests()).field("limits", config.getLimits());
    json_texts(w, "transfer_from", config.getTransferFrom());
    json_texts(w, "transfer_to", config.getTransferTo());
    w.key("labels").open('{');
    for (auto label : config.getLabels())
      w.field(view(label.getKey()), view(label.getValue()));
    w.close('}').close('}').field("available_nodes", g.getAvailableNodes()).key("nodes").open('[');
    for (auto n : g.getNodes())
      w.open('{')
          .field("id", n.getId())
          .field("name", view(n.getName()))
          .field("address", view(n.getAddress()))
          .field("state", view(n.getState()))
          .close('}');
    w.close(']');
    json_counts(w, "replicas", g.getReplicas());
    json_counts(w, "outgoing", g.getOutgoing());
    json_counts(w, "incoming", g.getIncoming());
    std::cout << w.close('}').str() << '\n';
    return done;
  }
  std::string labels;
  for (auto label : config.getLabels())
    labels += (labels.empty() ? "" : ", ") + std::string{view(label.getKey())} + "=" + std::string{view(label.getValue())};
  std::cout << view(g.getName()) << ": requests " << config.getRequests() << ", limits " << config.getLimits()
            << ", capacity " << g.getCapacity() << ", " << counted(g.getAvailableNodes(), "node") << " available\n"
            << "  transfer from  " << texts_text(config.getTransferFrom()) << '\n'
            << "  transfer to    " << texts_text(config.getTransferTo()) << '\n'
            << "  labels         " << (labels.empty() ? "any" : labels) << '\n'
            << "  replicas       " << counts_text(g.getReplicas()) << '\n'
            << "  outgoing       " << counts_text(g.getOutgoing()) << '\n'
            << "  incoming       " << counts_text(g.getIncoming()) << '\n';
  table t{{"NODE", "NAME", "ADDRESS", "STATE"}};
  for (auto n : g.getNodes())
    t.row({std::to_string(n.getId()), std::string{view(n.getName())}, std::string{view(n.getAddress())},
           std::string{view(n.getState())}});
  std::cout << (t.empty() ? "  no nodes\n" : t.str(2));
  return done;
}

int replicas(const options& o) {
  session s{o.coordinator};
  const auto reply = s.ask<schema::GetReplicasRequest>([&](auto b) {
    b.setCollection(o.name);
    b.setWithShardNodes(o.shard_nodes);
  });
  if (o.json) {
    json_writer w;
    w.open('[');
    for (auto r : reply->getReplicas()) {
      w.open('{').field("id", r.getId()).field("collection", r.getCollectionId()).field("resource_group", view(r.getResourceGroup()));
      json_ids(w, "nodes", r.getNodes());
      json_ids(w, "read_only_nodes", r.getReadOnlyNodes());
      w.key("outbound").open('{');
      for (auto x : r.getOutbound())
        w.field(view(x.getResourceGroup()), x.getNodes());
      w.close('}').key("shards").open('[');
      for (auto shard : r.getShards()) {
        w.open('{')
            .field("channel", view(shard.getChannel()))
            .field("leader", shard.getLeader())
            .field("leader_address", view(shard.getLeaderAddress()))
            .field("serviceable", shard.getServiceable());
        json_ids(w, "nodes", shard.getNodes());
        w.close('}');
      }
      w.close(']').close('}');
    }
    std::cout << w.close(']').str() << '\n';
    return done;
  }
  table t{{"REPLICA", "GROUP", "NODES", "DRAINED", "SHARD", "LEADER", "SERVES", "SHARD NODES"}};
  for (auto r : reply->getReplicas()) {
    if (r.getShards().size() == 0)
      t.row({std::to_string(r.getId()), std::string{view(r.getResourceGroup())}, ids_text(r.getNodes()),
             ids_text(r.getReadOnlyNodes()), "-", "-", "-", "-"});
    for (auto shard : r.getShards())
      t.row({std::to_string(r.getId()), std::string{view(r.getResourceGroup())}, ids_text(r.getNodes()),
             ids_text(r.getReadOnlyNodes()), std::string{view(shard.getChannel())}, std::to_string(shard.getLeader()),
             shard.getServiceable() ? "yes" : "no", ids_text(shard.getNodes())});
  }
  std::cout << (t.empty() ? "no replicas\n" : t.str());
  return done;
}

void add_config_options(CLI::App& sub, options& o) {
  sub.add_option("--requests", o.requests, "Nodes it should have; taken from other groups when missing")
      ->type_name("N")
      ->capture_default_str();
  sub.add_option("--limits", o.limits, "Nodes it may have, at least the requests; those beyond go to other groups")
      ->type_name("N")
      ->capture_default_str();
  sub.add_option("--transfer-from", o.transfer_from, "Groups asked first when nodes are missing")->type_name("GROUP");
  sub.add_option("--transfer-to", o.transfer_to, "Groups given to first when there are too many")->type_name("GROUP");
  sub.add_option("--label", o.labels, "Only nodes with this label (again: with all of them)")->type_name("KEY=VALUE");
}

} // namespace

void add_group_commands(CLI::App& app, command& chosen) {
  const auto add = [&](const char* name, const char* description, int (*run)(const options&)) {
    auto o = std::make_shared<options>();
    auto& sub = add_command(app, name, description);
    sub.callback([o, run, &chosen] { chosen = [o, run] { return run(*o); }; });
    return std::pair<CLI::App&, options&>{sub, *o};
  };
  const auto named = [](CLI::App& sub, options& o) {
    sub.add_option("name", o.name, "The resource group")->type_name("NAME")->required();
  };
  const auto common = [](CLI::App& sub, options& o) {
    add_coordinator_option(sub, o.coordinator);
    add_json_option(sub, o.json);
  };
  const auto between_groups = [](CLI::App& sub, options& o) {
    sub.add_option("source", o.source, "The resource group that gives")->type_name("SOURCE")->required();
    sub.add_option("target", o.target, "The resource group that gets")->type_name("TARGET")->required();
  };
  {
    auto [sub, o] = add("create-resource-group", "Make a resource group; nodes come to it as it requests them", create);
    named(sub, o);
    add_config_options(sub, o);
    common(sub, o);
  }
  {
    auto [sub, o] = add("update-resource-groups", "Give a resource group this config instead of the one it has", update);
    named(sub, o);
    add_config_options(sub, o);
    common(sub, o);
  }
  {
    auto [sub, o] = add("drop-resource-group", "Drop a resource group whose limits are 0; its nodes go to others", drop);
    named(sub, o);
    common(sub, o);
  }
  {
    auto [sub, o] = add("list-resource-groups", "List the names of all resource groups", list_groups);
    common(sub, o);
  }
  {
    auto [sub, o] = add("describe-resource-group", "Show a resource group: config, nodes, replicas", describe);
    named(sub, o);
    common(sub, o);
  }
  {
    auto [sub, o] = add("transfer-node", "Change two groups' configs so that nodes go from one to the other", transfer_node);
    between_groups(sub, o);
    sub.add_option("--count", o.count, "So many nodes")->type_name("N")->capture_default_str();
    common(sub, o);
  }
  {
    auto [sub, o] = add("transfer-replica", "Put replicas of a collection into another group while they serve", transfer_replica);
    between_groups(sub, o);
    sub.add_option("collection", o.name, "The collection")->type_name("NAME")->required();
    sub.add_option("--count", o.count, "So many replicas")->type_name("N")->capture_default_str();
    common(sub, o);
  }
  {
    auto [sub, o] = add("update-load-config", "Change replica number and groups of loaded collections while they serve",
                        update_load_config);
    sub.add_option("collections", o.names, "The collections")->type_name("NAME")->required();
    sub.add_option("--replicas", o.replicas, "So many replicas; 0: as it is")
        ->type_name("N")
        ->check(between(0u, static_cast<unsigned>(limits::replicas)))
        ->capture_default_str();
    sub.add_option("--resource-group", o.groups, "The group of all replicas, or (again) of each")->type_name("GROUP");
    common(sub, o);
  }
  {
    auto [sub, o] = add("get-replicas", "Show the replicas of a collection: groups, nodes, shard leaders", replicas);
    sub.add_option("collection", o.name, "The collection")->type_name("NAME")->required();
    sub.add_flag("--with-shard-nodes", o.shard_nodes, "Name all nodes that hold something, not the leaders alone");
    common(sub, o);
  }
}

} // namespace muster::cli
