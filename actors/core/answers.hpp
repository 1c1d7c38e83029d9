// Reads answered from a situation: what is loaded, where, served by whom, and what a collection still waits for.
#pragma once

#include "actors/core/situation.hpp"
#include "messages/schema/client.capnp.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// What requests call a collection of the default database when they name that too, without it.
constexpr std::string_view plain_name(std::string_view name) {
  constexpr std::string_view prefix = "default/";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

/// The desired collection of that name, or null. Cost: the desired collections.
const collection_view* find_loaded(const situation& s, std::string_view name);

/// The first thing that keeps a loaded collection from being whole, for people; empty: every replica serves the current target.
std::string waits_for(const situation& s, const collection_view& view);

/// Replicas that serve every channel now.
std::uint32_t serviceable_replicas(const situation& s, const collection_view& view);

/// True when every channel has a leader that can be searched now.
bool searchable(const situation& s, const collection_view& view);

/// True when this leader's view can be searched now: serviceable, connected, and all its workers connected.
bool can_serve(const situation& s, const collection_view& view, const delegator_row& leader);

/// True when these partitions are not desired, the served target names none of them, and no node holds a segment of theirs.
/// Cost: the collection.
bool partitions_gone(const collection_view& view, const std::vector<std::int64_t>& partitions);

/// The shard leaders of a collection as clients get them; `removed` when it is not readable. With `all` also those leaders that
/// cannot be searched now.
void write_routes(const situation& s, std::int64_t collection, schema::CollectionRoutes::Builder out, bool all = false);

/// The same for who asks by name: why they cannot be had (see GetShardLeadersRequest), in which case `out` may be left as it is.
failure write_leaders(const situation& s, std::string_view name, bool all, schema::CollectionRoutes::Builder out);

void write_loaded(const situation& s, const collection_view& view, schema::LoadedCollection::Builder out);
/// `all_nodes`: shards name every node of the replica that holds something of the collection, not its leader alone.
void write_replicas(const situation& s, const collection_view& view, schema::GetReplicasReply::Builder out, bool all_nodes);

/// Segments of the current target (next while there is none) with the nodes that hold them; or those asked for, whatever
/// names them: segment_not_loaded when nobody holds one. Cost: the collection; those asked for.
void write_segments(const collection_view& view, capnp::List<std::int64_t>::Reader asked,
                    schema::GetLoadSegmentInfoReply::Builder out);

/// Nodes, collections, and at most 1,000 tasks; only the `parts` asked for, parameter_invalid for one that there is not. Cost: those
/// parts; of collections and tasks all collections.
void write_status(const situation& s, capnp::List<capnp::Text>::Reader parts, schema::GetStatusReply::Builder out);

} // namespace muster
