// Tasks against the situation: may a step start, who gets its order, what load it adds, did its effect show.
#pragma once

#include "actors/core/reason.hpp"
#include "actors/core/situation.hpp"
#include "actors/core/task.hpp"

#include <cstdint>
#include <map>

namespace muster {

/// Whether a step still makes sense: none, or why not; `done` when there is nothing left to do. `leader`: that an earlier step
/// went through; 0: none yet. Cost: log of the collection, and what an order of the kind names.
reason premise_of(const proposal& p, std::uint8_t step, std::int64_t leader, const situation& s);

/// The node that gets the order of a step: the leader for what changes its routes, otherwise the node that holds or shall hold.
/// 0: there is no leader.
std::int64_t order_node(const proposal& p, std::uint8_t step, const situation& s);

/// The load that a task brings to nodes, all steps together, by node. Cost: what the proposal names.
std::map<std::int64_t, task_load> load_of(const proposal& p, std::int64_t rows, const situation& s);

/// What the situation says of a step whose order was answered and whose reports are all in.
enum class effect {
  shown,
  awaited, ///< It needs another report: the new leader of a moved shard cannot be searched yet.
  missing, ///< The node's own report contradicts its answer.
};
effect effect_of(const proposal& p, std::uint8_t step, std::int64_t task, const situation& s);

/// The segments of a channel in the version that a fresh leader shall serve, each with the worker that the present leader routes
/// to, or another that holds it; worker 0: none. Cost: the collection.
std::vector<std::pair<std::int64_t, std::int64_t>> present_workers(const collection_view& view, const replica_row& replica,
                                                                   const std::string& channel);

} // namespace muster
