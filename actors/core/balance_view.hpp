// A replica of the situation as balance sees it.
#pragma once

#include "actors/core/balance/cluster.hpp"
#include "actors/core/balance/policy.hpp"
#include "actors/core/situation.hpp"

namespace muster {

/// One group over the nodes of the replica, sorted by id; channels by their index in the target. Movable is what is in a target, once in the
/// replica, routed to by its leader, which stays where it is, and without a task. Cost: the collection's copies.
balance_cluster balance_view_of(const situation& s, const collection_view& view, const replica_row& replica,
                                const balance_settings& settings);

/// True when something is on a node that the replica is to leave: read-only, or stopping. Cost: the replica's nodes.
bool to_be_drained(const situation& s, const collection_view& view, const replica_row& replica);

/// True for tasks that move load: while one is in flight, no plan is made for its collection.
bool moves_load(schema::TaskKind kind);

} // namespace muster
