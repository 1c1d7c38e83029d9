// How the inner actors of a query node are made; start_node puts them together.
#pragma once

#include "actors/core/node_shard.hpp"
#include "actors/node/interfaces.hpp"
#include "actors/node/node.hpp"

#include <caf/actor_system.hpp>

#include <cstdint>
#include <memory>
#include <vector>

namespace muster {

/// What the actors of a node ask each other.
struct node_parts {
  segment_store_actor store;
  std::vector<segment_reader_actor> readers;
  peer_exchange_actor exchange;
  shard_door_actor door;
  wire_actor wire;
};

segment_loader_actor spawn_segment_loader(caf::actor_system& system, std::shared_ptr<segment_engine> engine,
                                          segment_store_actor store);

segment_reader_actor spawn_segment_reader(caf::actor_system& system, std::shared_ptr<segment_engine> engine);

/// The store makes its loaders itself; they end with it.
segment_store_actor spawn_segment_store(caf::actor_system& system, std::shared_ptr<segment_engine> engine);

/// `parts.exchange` and `parts.door` are not used.
peer_exchange_actor spawn_peer_exchange(caf::actor_system& system, std::uint64_t incarnation, node_parts parts);

shard_door_actor spawn_search_door(caf::actor_system& system);

/// The agent makes the delegators; they end with it. It dials at its first `start_atom`.
node_agent_actor spawn_node_agent(caf::actor_system& system, node_config config, node_parts parts);

/// Leads `key` on node `self`; reports to `agent` until it is dropped.
shard_delegator_actor spawn_shard_delegator(caf::actor_system& system, shard_key key, node_id self,
                                            node_agent_actor agent, node_parts parts);

} // namespace muster
