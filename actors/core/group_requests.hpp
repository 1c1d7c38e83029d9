// Requests about resource groups and replicas: what each commits on a situation, and how reads of them are answered.
#pragma once

#include "actors/core/replica_rules.hpp"
#include "actors/core/settings.hpp"
#include "messages/schema/client.capnp.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// What the rules of resource groups must know of the nodes. Cost: the nodes.
group_nodes nodes_for_groups(const situation& s);

/// The commit of a plan's first limits::group_moves moves.
msg<schema::Commit> commit_of(const group_plan& plan, std::uint64_t revision, std::uint64_t epoch);

/// A request that changes groups or replicas, see group_commits.
bool changes_groups(schema::ClientRequest::Which which);

/// Commits that carry a change out on this situation, one after the other (none: there is nothing to do), or why not. When one
/// is refused with stale_premise, plan again on a newer situation. Cost: groups and nodes; replicas of the collections named.
result<std::vector<msg<schema::Commit>>> group_commits(const situation& s, schema::ClientRequest::Reader request);

/// The reply of a change, in the arm of its request. A write that the journal refused has the code that the model gives it.
msg<schema::ClientReply> group_reply(schema::ClientRequest::Which which, const failure& why);

/// Replicas for a first load, with their groups and nodes and the ids 1, 2, ...; or why not.
result<std::vector<replica_row>> first_replicas(const situation& s, const std::vector<std::string>& groups,
                                                std::size_t count);

/// True when a loaded collection has another number of replicas (0: any) or other groups (none: any) than asked for.
bool wants_other_replicas(const collection_row& desired, std::uint32_t count, const std::vector<std::string>& groups);

/// The change that brings loaded collections to the number of replicas and the groups that the cluster's settings name; only those
/// whose number nobody asked for. Nothing: the settings say nothing, or there is no such collection. Cost: the collections.
std::optional<msg<schema::ClientRequest>> cluster_load_config(const situation& s, const settings& cluster);

/// True while a node that can be given work is in no group yet: who lacks nodes may wait for it.
bool node_awaits_group(const situation& s);

void write_group_names(const situation& s, schema::ListResourceGroupsReply::Builder out);
void write_group(const situation& s, std::string_view name, schema::DescribeResourceGroupReply::Builder out);

} // namespace muster
