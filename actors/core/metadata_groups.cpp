// Commits against resource groups and the groups of replicas: all or nothing, and durable with the records of the nodes moved.
#include "actors/core/metadata_tables.hpp"
#include "actors/core/plant.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace muster {

namespace {

commit_outcome refused(ec code, std::string text) {
  commit_outcome out;
  out.why = {code, std::move(text)};
  return out;
}

failure unknown_group(const std::string& name) {
  return {ec::resource_group_not_found, "there is no resource group " + name + "; list-resource-groups shows those there are"};
}

void leave(group_map& groups, const std::string& name, std::int64_t node) {
  if (auto i = groups.find(name); i != groups.end())
    std::erase(i->second.nodes, node);
}

void join(group_row& group, std::int64_t node) {
  group.nodes.insert(std::lower_bound(group.nodes.begin(), group.nodes.end(), node), node);
}

} // namespace

// -- recovery -------------------------------------------------------------------

failure metadata_tables::restore_group(const journal_entry& e) {
  auto m = parse<schema::Chunk>(e.payload);
  if (!m)
    return m.error();
  if (!m->read().isResourceGroup() || m->read().getResourceGroup().getName() != kj::StringPtr{e.key.c_str()})
    return {ec::io_corrupt, "a payload of another kind"};
  auto row = muster::read(m->read().getResourceGroup());
  next_id_ = std::max(next_id_, row.id + 1);
  row.nodes.clear();
  if (row.is_default()) // 0 would mean that nobody has told yet
    row.revision = std::max(row.revision, default_group_row().revision);
  auto name = row.name;
  groups_[name] = std::move(row);
  return {ec::ok, {}};
}

/// The records of nodes name their groups. One whose group's record is damaged is in none: it is assigned anew.
void metadata_tables::join_groups() {
  std::erase_if(group_of_node_, [&](const auto& entry) {
    return !nodes_.contains(entry.first) || !groups_.contains(entry.second);
  });
  for (const auto& [node, name] : group_of_node_)
    join(groups_.at(name), node);
}

// -- commits --------------------------------------------------------------------

void metadata_tables::put_node(commit_outcome& out, const node_row& row) const {
  auto record = build<schema::NodeRecord>([&](schema::NodeRecord::Builder b) {
    b.setId(row.id);
    b.setName(row.name);
    b.setAddress(row.address);
    if (auto i = group_of_node_.find(row.id); i != group_of_node_.end())
      b.setResourceGroup(i->second);
  });
  out.rows.push_back({record_kind::node, row.name, std::string{record.bytes()}});
}

failure metadata_tables::configure(group_map& groups, schema::CommitGroups::Reader commit,
                                   std::set<std::string>& changed) {
  for (auto c : commit.getConfigs()) {
    const auto row = muster::read(c);
    if (row.name.empty())
      return {ec::parameter_missing, "a resource group needs a name"};
    auto there = groups.find(row.name);
    if (commit.getCreate() && there != groups.end()) {
      if (there->second.config == row.config)
        continue;
      return {ec::resource_group_already_exist, "resource group " + row.name
                                                  + " is already there with another config; update or drop it"};
    }
    if (!commit.getCreate() && there == groups.end())
      return unknown_group(row.name);
    if (commit.getCreate() && groups.size() >= limits::resource_groups)
      return {ec::resource_group_reach_limit, "there are " + std::to_string(limits::resource_groups)
                                                + " resource groups, as many as there may be; drop one first"};
    if (auto why = check_config(row.name, row.config, groups); why.code != ec::ok)
      return why;
    if (commit.getCreate()) {
      auto& made = groups[row.name];
      made.name = row.name;
      made.config = row.config;
    } else if (there->second.config == row.config) {
      continue;
    } else {
      there->second.config = row.config;
    }
    changed.insert(row.name);
  }
  return {ec::ok, {}};
}

failure metadata_tables::drop_group(group_map& groups, const std::string& name, std::set<std::int64_t>& moved) const {
  if (auto why = check_drop(name, groups); why.code != ec::ok)
    return why;
  for (const auto& [id, e] : collections_)
    for (const auto& r : e.desired->replicas)
      if (r.group() == name)
        return {ec::parameter_invalid, "resource group " + name + " cannot be dropped: replica " + std::to_string(r.id)
                                         + " of collection " + e.desired->name + " is in it; transfer or release it first"};
  for (auto id : groups.at(name).nodes)
    moved.insert(id);
  groups.erase(name);
  return {ec::ok, {}};
}

/// Cost: groups and their members; a drop also the replicas of all collections.
commit_outcome metadata_tables::change_groups(schema::CommitGroups::Reader commit) {
  const std::string fallback{default_group};
  const auto revision = groups_.at(fallback).revision;
  if (commit.getRevision() != 0 && commit.getRevision() != revision)
    return refused(ec::stale_premise, "resource groups changed meanwhile");
  auto groups = groups_;
  auto homes = group_of_node_;
  std::set<std::string> configured;
  std::set<std::string> changed;
  std::set<std::int64_t> moved;
  if (auto why = configure(groups, commit, configured); why.code != ec::ok)
    return refused(why.code, why.text);
  for (auto m : commit.getMoves()) {
    const auto node = m.getNode();
    const std::string from{view(m.getFrom())};
    const std::string to{view(m.getTo())};
    auto home = homes.find(node);
    if (from == to || !nodes_.contains(node) || (home == homes.end() ? std::string{} : home->second) != from
        || (!to.empty() && !groups.contains(to)))
      continue;
    leave(groups, from, node);
    if (to.empty()) {
      homes.erase(node);
    } else {
      join(groups.at(to), node);
      homes[node] = to;
    }
    moved.insert(node);
    for (const auto& name : {from, to})
      if (!name.empty())
        changed.insert(name);
  }
  const std::string dropped{view(commit.getDrop())};
  std::int64_t dropped_id = 0;
  if (auto i = groups.find(dropped); i != groups.end() || dropped == fallback) {
    dropped_id = i->second.id;
    if (auto why = drop_group(groups, dropped, moved); why.code != ec::ok)
      return refused(why.code, why.text);
    std::erase_if(homes, [&](const auto& entry) { return entry.second == dropped; });
    configured.erase(dropped);
  }
  commit_outcome out;
  out.value = static_cast<std::int64_t>(revision);
  if (configured.empty() && moved.empty() && dropped_id == 0)
    return out;
  for (const auto& name : configured)
    if (auto& row = groups.at(name); row.id == 0 && name != fallback)
      row.id = take_ids(out, 1);
  groups_ = std::move(groups);
  group_of_node_ = std::move(homes);
  // The record of the default group carries the number of the change, so that no number is ever given to two of them.
  out.value = static_cast<std::int64_t>(++groups_.at(fallback).revision);
  configured.insert(fallback);
  changed.insert(configured.begin(), configured.end());
  for (const auto& name : configured)
    if (auto i = groups_.find(name); i != groups_.end()) {
      auto row = i->second;
      row.nodes.clear();
      out.rows.push_back({record_kind::resource_group, name, std::string{chunk_of(row).bytes()}});
    }
  for (auto id : moved)
    put_node(out, nodes_.at(id));
  if (dropped_id != 0) {
    out.rows.push_back({record_kind::resource_group, dropped, std::nullopt});
    out.changes.remove({schema::ChunkKind::RESOURCE_GROUP, 0, dropped_id});
  }
  for (const auto& name : changed)
    if (auto i = groups_.find(name); i != groups_.end())
      out.changes.put({schema::ChunkKind::RESOURCE_GROUP, 0, i->second.id}, chunk_of(i->second));
  return out;
}

commit_outcome metadata_tables::replica_groups(schema::CommitReplicaGroups::Reader commit) {
  const auto id = commit.getCollection();
  auto i = collections_.find(id);
  if (i == collections_.end())
    return refused(ec::collection_not_loaded, "collection " + std::to_string(id) + " is not loaded");
  auto& row = *i->second.desired;
  if (commit.getRevision() != row.revision)
    return refused(ec::stale_premise, "collection " + row.name + " changed meanwhile");
  const auto count = commit.getReplicas().size();
  if (count == 0 || count > limits::replicas)
    return refused(ec::parameter_invalid, "asked for " + std::to_string(count) + " replicas; between 1 and "
                                            + std::to_string(limits::replicas) + " can be had");
  std::vector<replica_row> replicas;
  std::set<std::int64_t> seen;
  std::int64_t fresh = 0;
  for (auto r : commit.getReplicas()) {
    auto replica = muster::read(r);
    if (!groups_.contains(std::string{replica.group()})) {
      const auto why = unknown_group(std::string{replica.group()});
      return refused(why.code, why.text);
    }
    if (replica.id == 0)
      ++fresh;
    else if (row.replica(replica.id) == nullptr || !seen.insert(replica.id).second)
      return refused(ec::replica_not_found, "collection " + row.name + " has no replica " + std::to_string(replica.id)
                                              + ", or it is named twice");
    replicas.push_back(std::move(replica));
  }
  commit_outcome out;
  out.value = id;
  if (fresh > 0) {
    auto next = take_ids(out, fresh);
    for (auto& r : replicas)
      if (r.id == 0)
        r.id = next++;
  }
  row.replicas = std::move(replicas);
  row.replica_number = count;
  if (plant::active == plant::bug::replica_change_resets_progress)
    row.status = schema::LoadStatus::LOADING;
  ++row.revision;
  put_collection(out, row);
  out.changes.touch_whole(id);
  return out;
}

} // namespace muster
