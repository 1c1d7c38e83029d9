// What replica_observer concludes: which nodes belong to which replica (one default resource group of all nodes).
#pragma once

#include "actors/core/situation.hpp"

#include <cstdint>
#include <vector>

namespace muster {

/// New node lists for the replicas of one collection.
struct replica_assignment {
  std::int64_t collection = 0;
  std::uint64_t revision = 0;
  std::vector<replica_row> replicas; ///< Only those that change.
};

/// Spreads `nodes` over replicas: each goes to the replica with the fewest, ties to the lower replica id, nodes by id.
void assign_nodes(std::vector<replica_row>& replicas, std::vector<std::int64_t> nodes);

/// For the touched collections, and for all when a node became usable: gone nodes leave their replicas, free ones join.
/// A node that serves one replica is never taken for another. Cost: replicas and nodes of those collections.
std::vector<replica_assignment> check_replicas(const situation& s, const touched_map& touched, bool all);

} // namespace muster
