// The whole cluster as a client can see it: nodes, loaded collections, their replicas and segments, and whether all is
// whole.
#pragma once

#include "deploy/session.hpp"

#include <map>
#include <string>
#include <vector>

namespace muster::cli {

struct collection_overview {
  schema::LoadedCollection::Reader loaded; ///< Inside overview::status.
  msg<schema::GetReplicasReply> replicas;
  msg<schema::GetLoadSegmentInfoReply> segments;
  std::string lacks; ///< The first thing that keeps it from being whole; empty: it is.

  /// Every replica has a serviceable leader for each shard, and each segment on a connected node of its own.
  bool whole() const {
    return lacks.empty();
  }
};

struct overview {
  msg<schema::GetStatusReply> status;
  std::vector<collection_overview> collections; ///< By name.
  std::map<std::int64_t, std::string> node_names;

  std::string node_name(std::int64_t id) const;
  /// True while a node of this name is connected.
  bool connected(const std::string& name) const;
};

/// std::any_of for Cap'n Proto lists, whose iterators the standard does not take.
template <class List, class Test>
bool any_of(const List& list, Test test) {
  for (auto each : list)
    if (test(each))
      return true;
  return false;
}

/// Asks for all of it. A collection released in between is left out.
result<overview> look(session& s);

/// The same for one collection alone. collection_not_loaded.
result<overview> look(session& s, const std::string& collection);

} // namespace muster::cli
