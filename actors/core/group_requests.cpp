// Requests about resource groups and replicas.
#include "actors/core/group_requests.hpp"

#include "actors/core/names.hpp"

#include "actors/core/answers.hpp"
#include "messages/limits.hpp"
#include "messages/status.hpp"

#include <algorithm>
#include <limits>

namespace muster {

namespace {

using Request = schema::ClientRequest;
using commits = std::vector<msg<schema::Commit>>;

std::string text(capnp::Text::Reader t) {
  return std::string{view(t)};
}

std::vector<std::string> texts(capnp::List<capnp::Text>::Reader list) {
  std::vector<std::string> result;
  for (auto t : list)
    result.push_back(text(t));
  return result;
}

template <class Fill>
msg<schema::Commit> commit_with(const situation& s, Fill&& fill) {
  return build<schema::Commit>([&](schema::Commit::Builder b) {
    b.initHeader().setEpoch(s.epoch());
    fill(b);
  });
}

msg<schema::Commit> configure(const situation& s, bool create, std::uint64_t revision, const group_configs& configs) {
  return commit_with(s, [&](schema::Commit::Builder b) {
    auto g = b.initGroups();
    g.setCreate(create);
    g.setRevision(revision);
    auto list = g.initConfigs(static_cast<unsigned>(configs.size()));
    unsigned i = 0;
    for (const auto& [name, config] : configs) {
      list[i].setName(name);
      write(list[i].initConfig(), config);
      ++i;
    }
  });
}

void write_moves(schema::CommitGroups::Builder b, const std::vector<group_move>& moves) {
  const auto count = std::min(moves.size(), limits::group_moves);
  auto list = b.initMoves(static_cast<unsigned>(count));
  for (unsigned i = 0; i < count; ++i) {
    list[i].setNode(moves[i].node);
    list[i].setFrom(moves[i].from);
    list[i].setTo(moves[i].to);
  }
}

result<commits> drop(const situation& s, const std::string& name) {
  if (!s.groups().contains(name))
    return commits{};
  if (auto why = check_drop(name, s.groups()); why.code != ec::ok)
    return why;
  const auto moves = plan_drop(s.groups(), nodes_for_groups(s), name);
  return commits{commit_with(s, [&](schema::Commit::Builder b) {
    auto g = b.initGroups();
    g.setRevision(s.groups_revision());
    write_moves(g, moves);
    g.setDrop(name);
  })};
}

/// The commit that makes these the replicas of a collection, with their nodes shared anew; id 0: a new one.
msg<schema::Commit> replicas_commit(const situation& s, const collection_view& view, std::vector<replica_row> replicas) {
  // New ones need ids of their own while nodes are shared; metadata gives the real ones.
  auto fresh = std::numeric_limits<std::int64_t>::max() - static_cast<std::int64_t>(limits::replicas);
  const auto first_fresh = fresh;
  for (auto& r : replicas)
    if (r.id == 0)
      r.id = fresh++;
  // Fails only for a group that is unknown, which the callers have refused.
  static_cast<void>(
    redistribute(replicas, members_for(s, replicas), [&](std::int64_t node) { return view.on(node).rows; }));
  return commit_with(s, [&](schema::Commit::Builder b) {
    auto c = b.initReplicaGroups();
    c.setCollection(view.desired->id);
    c.setRevision(view.desired->revision);
    auto list = c.initReplicas(static_cast<unsigned>(replicas.size()));
    for (unsigned i = 0; i < replicas.size(); ++i) {
      write(list[i], replicas[i]);
      if (replicas[i].id >= first_fresh)
        list[i].setId(0);
    }
  });
}

std::set<std::int64_t> serving(const situation& s, const collection_view& view) {
  std::set<std::int64_t> result;
  if (!view.head)
    return result;
  for (const auto& r : view.desired->replicas)
    if (std::all_of(view.head->channels.begin(), view.head->channels.end(), [&](const std::string& channel) {
          const auto* leader = view.leader(r, channel);
          return leader != nullptr && can_serve(s, view, *leader);
        }))
      result.insert(r.id);
  return result;
}

std::vector<std::string> groups_in_use(const collection_row& desired) {
  std::vector<std::string> groups;
  for (const auto& r : desired.replicas)
    groups.emplace_back(r.group());
  return groups;
}

result<commits> transfer_replicas(const situation& s, schema::TransferReplicaRequest::Reader r) {
  const auto name = text(r.getCollection());
  const auto* view = find_loaded(s, name);
  auto replicas = view == nullptr ? std::vector<replica_row>{} : view->desired->replicas;
  const auto target = text(r.getTarget());
  auto moving = transfer_replicas(replicas, s.groups(), text(r.getSource()), target, r.getCount());
  if (!moving)
    return moving.error();
  for (auto& replica : replicas)
    if (std::find(moving->begin(), moving->end(), replica.id) != moving->end())
      replica.resource_group = target;
  return commits{replicas_commit(s, *view, std::move(replicas))};
}

result<commits> update_load_config(const situation& s, schema::UpdateLoadConfigRequest::Reader r) {
  commits out;
  const auto asked = texts(r.getResourceGroups());
  if (r.getReplicaNumber() > limits::replicas)
    return failure{ec::parameter_invalid, "asked for " + std::to_string(r.getReplicaNumber()) + " replicas; at most "
                                            + std::to_string(limits::replicas) + " can be had"};
  for (auto name : r.getCollections()) {
    const auto* view = find_loaded(s, muster::view(name));
    if (view == nullptr)
      continue;
    const auto& desired = *view->desired;
    const std::size_t count = r.getReplicaNumber() != 0 ? r.getReplicaNumber() : desired.replicas.size();
    auto groups = asked;
    if (groups.empty()) {
      groups = groups_in_use(desired);
      if (groups.size() != count && std::set<std::string>(groups.begin(), groups.end()).size() == 1)
        groups.resize(1);
      if (groups.size() > 1 && groups.size() != count)
        return failure{ec::parameter_invalid, "the replicas of collection " + desired.name
                                                + " are in several resource groups; name the groups of the "
                                                + std::to_string(count) + " it shall have"};
    }
    auto wanted = assign_groups(groups, count, s.groups(), {}, false);
    if (!wanted)
      return wanted.error();
    const auto change = regroup(desired.replicas, *wanted, serving(s, *view));
    if (change.empty())
      continue;
    auto replicas = desired.replicas;
    for (const auto& [id, group] : change.moved)
      for (auto& x : replicas)
        if (x.id == id)
          x.resource_group = group;
    std::erase_if(replicas, [&](const replica_row& x) {
      return std::find(change.removed.begin(), change.removed.end(), x.id) != change.removed.end();
    });
    for (const auto& group : change.spawned) {
      replica_row fresh;
      fresh.resource_group = group;
      fresh.load_priority = schema::LoadPriority::LOW; // its users are served already
      replicas.push_back(std::move(fresh));
    }
    out.push_back(replicas_commit(s, *view, std::move(replicas)));
  }
  return out;
}

using counts = std::map<std::int64_t, std::int64_t>; ///< collection -> how many

template <class Init>
void write_counts(const situation& s, const counts& from, Init&& init) {
  auto list = init(static_cast<unsigned>(from.size()));
  unsigned i = 0;
  for (const auto& [id, n] : from) {
    list[i].setCollectionId(id);
    list[i].setCollection(s.collection(id)->desired->name);
    list[i].setCount(n);
    ++i;
  }
}

} // namespace

group_nodes nodes_for_groups(const situation& s) {
  group_nodes result;
  for (const auto& [id, n] : s.nodes()) {
    auto& g = result[id];
    g.leaving = n.gone() || n.stopping || s.switches().suspended_nodes.contains(id);
    g.here = n.connected() && !g.leaving;
    g.rows = s.load(id).rows;
    if (g.here)
      g.labels = n.labels;
  }
  return result;
}

msg<schema::Commit> commit_of(const group_plan& plan, std::uint64_t revision, std::uint64_t epoch) {
  return build<schema::Commit>([&](schema::Commit::Builder b) {
    b.initHeader().setEpoch(epoch);
    auto g = b.initGroups();
    g.setRevision(revision);
    write_moves(g, plan.moves);
  });
}

bool changes_groups(Request::Which which) {
  switch (which) {
    case Request::CREATE_RESOURCE_GROUP:
    case Request::UPDATE_RESOURCE_GROUPS:
    case Request::DROP_RESOURCE_GROUP:
    case Request::TRANSFER_NODE:
    case Request::TRANSFER_REPLICA:
    case Request::UPDATE_LOAD_CONFIG:
      return true;
    default:
      return false;
  }
}

result<commits> group_commits(const situation& s, Request::Reader request) {
  switch (request.which()) {
    case Request::CREATE_RESOURCE_GROUP: {
      auto r = request.getCreateResourceGroup();
      return commits{configure(s, true, 0, {{text(r.getName()), read(r.getConfig())}})};
    }
    case Request::UPDATE_RESOURCE_GROUPS: {
      group_configs configs;
      for (auto g : request.getUpdateResourceGroups().getGroups())
        configs[text(g.getName())] = read(g.getConfig());
      return configs.empty() ? commits{} : commits{configure(s, false, 0, configs)};
    }
    case Request::DROP_RESOURCE_GROUP:
      return drop(s, text(request.getDropResourceGroup().getName()));
    case Request::TRANSFER_NODE: {
      auto r = request.getTransferNode();
      auto configs = transfer_configs(s.groups(), text(r.getSource()), text(r.getTarget()), r.getCount());
      if (!configs)
        return configs.error();
      return commits{configure(s, false, s.groups_revision(), *configs)};
    }
    case Request::TRANSFER_REPLICA:
      return transfer_replicas(s, request.getTransferReplica());
    case Request::UPDATE_LOAD_CONFIG:
      return update_load_config(s, request.getUpdateLoadConfig());
    default:
      return failure{ec::parameter_invalid, "a request of no kind that this version knows"};
  }
}

std::optional<msg<schema::ClientRequest>> cluster_load_config(const situation& s, const settings& cluster) {
  const auto count = cluster.cluster_level_load_replica_number;
  const auto& groups = cluster.cluster_level_load_resource_groups;
  if (count <= 0 && groups.empty())
    return std::nullopt;
  std::vector<const collection_row*> chosen;
  for (const auto& [id, view] : s.collections())
    if (view.desired && !view.desired->user_specified_replicas)
      chosen.push_back(&*view.desired);
  if (chosen.empty())
    return std::nullopt;
  return build<schema::ClientRequest>([&](schema::ClientRequest::Builder b) {
    auto u = b.initUpdateLoadConfig();
    u.setReplicaNumber(static_cast<std::uint32_t>(std::max<std::int64_t>(count, 0)));
    auto names = u.initCollections(static_cast<unsigned>(chosen.size()));
    for (unsigned i = 0; i < chosen.size(); ++i)
      names.set(i, chosen[i]->name);
    auto list = u.initResourceGroups(static_cast<unsigned>(groups.size()));
    for (unsigned i = 0; i < groups.size(); ++i)
      list.set(i, groups[i]);
  });
}

msg<schema::ClientReply> group_reply(Request::Which which, const failure& why) {
  auto said = why;
  if (why.code == ec::journal_failed)
    said.code = ec::resource_group_service_available;
  return build<schema::ClientReply>([&](schema::ClientReply::Builder b) {
    switch (which) {
      case Request::CREATE_RESOURCE_GROUP:
        set_status(b.initCreateResourceGroup().initStatus(), said);
        break;
      case Request::UPDATE_RESOURCE_GROUPS:
        set_status(b.initUpdateResourceGroups().initStatus(), said);
        break;
      case Request::DROP_RESOURCE_GROUP:
        set_status(b.initDropResourceGroup().initStatus(), said);
        break;
      case Request::TRANSFER_NODE:
        set_status(b.initTransferNode().initStatus(), said);
        break;
      case Request::TRANSFER_REPLICA:
        set_status(b.initTransferReplica().initStatus(), why);
        break;
      case Request::UPDATE_LOAD_CONFIG:
        set_status(b.initUpdateLoadConfig().initStatus(), why);
        break;
      default:
        set_status(b.initStatus(), why);
        break;
    }
  });
}

result<std::vector<replica_row>> first_replicas(const situation& s, const std::vector<std::string>& groups,
                                                std::size_t count) {
  std::vector<replica_row> named(std::max<std::size_t>(groups.size(), 1));
  for (std::size_t i = 0; i < groups.size(); ++i)
    named[i].resource_group = groups[i];
  const auto members = members_for(s, named);
  auto chosen = assign_groups(groups, count, s.groups(), members, true);
  if (!chosen)
    return chosen.error();
  std::vector<replica_row> replicas(count);
  for (std::size_t i = 0; i < count; ++i) {
    replicas[i].id = static_cast<std::int64_t>(i) + 1;
    replicas[i].resource_group = (*chosen)[i];
  }
  if (auto why = redistribute(replicas, members, [](std::int64_t) { return 0; }); why.code != ec::ok)
    return why;
  return replicas;
}

bool wants_other_replicas(const collection_row& desired, std::uint32_t count, const std::vector<std::string>& groups) {
  const auto have = groups_in_use(desired);
  return (count != 0 && count != have.size())
         || (!groups.empty()
             && std::set<std::string>(groups.begin(), groups.end()) != std::set<std::string>(have.begin(), have.end()));
}

bool node_awaits_group(const situation& s) {
  return std::any_of(s.nodes().begin(), s.nodes().end(),
                     [&](const auto& n) { return s.usable(n.first) && s.group_of(n.first) == nullptr; });
}

void write_group_names(const situation& s, schema::ListResourceGroupsReply::Builder out) {
  auto names = out.initNames(static_cast<unsigned>(s.groups().size()));
  unsigned i = 0;
  for (const auto& [name, row] : s.groups())
    names.set(i++, name);
}

void write_group(const situation& s, std::string_view name, schema::DescribeResourceGroupReply::Builder out) {
  const auto found = s.groups().find(std::string{name});
  if (found == s.groups().end()) {
    set_status(out.initStatus(),
               {ec::resource_group_not_found,
                "there is no resource group " + std::string{name} + "; list-resource-groups shows those there are"});
    return;
  }
  const auto& row = found->second;
  auto g = out.initGroup();
  g.setName(row.name);
  g.setCapacity(row.is_default() ? default_group_limits : row.config.requests);
  write(g.initConfig(), row.config);
  auto nodes = g.initNodes(static_cast<unsigned>(row.nodes.size()));
  std::int64_t available = 0;
  counts replicas;
  counts outgoing;
  counts incoming;
  const std::set<std::int64_t> members(row.nodes.begin(), row.nodes.end());
  std::set<std::int64_t> foreign; // collections that use a member for a replica of another group, perhaps
  for (unsigned i = 0; i < row.nodes.size(); ++i) {
    nodes[i].setId(row.nodes[i]);
    nodes[i].setState("unknown");
    for (auto c : s.collections_of(row.nodes[i]))
      foreign.insert(c);
    const auto* n = s.node(row.nodes[i]);
    if (n == nullptr)
      continue;
    nodes[i].setName(n->name);
    nodes[i].setAddress(n->address);
    nodes[i].setState(liveness_name(n->liveness));
    available += n->connected();
  }
  g.setAvailableNodes(available);
  for (auto id : s.collections_in(row.name))
    for (const auto& r : s.collection(id)->desired->replicas)
      if (r.group() == row.name) {
        ++replicas[id];
        for (auto node : r.read_only_nodes)
          if (!members.contains(node))
            ++outgoing[id];
      }
  for (auto id : foreign)
    for (const auto& r : s.collection(id)->desired->replicas)
      if (r.group() != row.name)
        for (auto node : r.read_only_nodes)
          if (members.contains(node))
            ++incoming[id];
  write_counts(s, replicas, [&](unsigned n) { return g.initReplicas(n); });
  write_counts(s, outgoing, [&](unsigned n) { return g.initOutgoing(n); });
  write_counts(s, incoming, [&](unsigned n) { return g.initIncoming(n); });
}

} // namespace muster
