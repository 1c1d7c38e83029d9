// The interfaces of the query node's inner actors, one comment a handler; the doors are in actors/interfaces.hpp.
#pragma once

#include "actors/interfaces.hpp"
#include "messages/schema/node_internal.capnp.h"

#include <cstdint>
#include <string>

// One line a message that passes only between the actors of one node.
#define MUSTER_NODE_MESSAGES(X)                                                                                        \
  X(NoteCopies)                                                                                                        \
  X(NoteReply)                                                                                                         \
  X(ShardOrder)                                                                                                        \
  X(ShardReport)                                                                                                       \
  X(LoadDone)                                                                                                          \
  X(NamePeers)                                                                                                         \
  X(PeerState)

namespace muster {

/// The SEGMENT LOADER interface: one load at a time; detached, it blocks on disk and CPU.
using segment_loader_actor = caf::typed_actor<
  // Loads one segment; the store hears of its end by LoadDone.
  takes<schema::WorkerLoad>>;

/// The SEGMENT READER interface: one search at a time; detached, it blocks on CPU.
using segment_reader_actor = caf::typed_actor<
  // Searches exactly the named segments of this node.
  answers<schema::WorkerSearch, schema::SearchReply>>;

/// The NODE AGENT interface: the link to the coordinator; orders in, reports and results out.
using node_agent_actor = link_owner_actor::extend<
  // Notes changed copies for the next report.
  answers<schema::NoteCopies, schema::NoteReply>,
  // Notes a changed delegator for the next report and answers orders after it.
  takes<schema::ShardReport>,
  // Writes the report and the answers behind it (sent to itself).
  caf::reacts_to<flush_atom>,
  // Looks whether the coordinator is silent (sent to itself while there is a link).
  caf::reacts_to<tick_atom>,
  // Dials the coordinator (sent to itself after a wait).
  caf::reacts_to<start_atom>,
  // The node is to stop: it has the coordinator drain it, and says when it is empty.
  caf::reacts_to<stop_atom>>;

/// The SEGMENT STORE interface: which segments are here.
using segment_store_actor = caf::typed_actor<
  // Loads a segment, or joins the load of it; or changes indexes or statistics of one that is here; answered when that is done
  // and noted for the next report.
  answers<schema::WorkerLoad, schema::WorkerLoadReply>,
  // Drops a segment; unknown: ok.
  answers<schema::WorkerRelease, schema::WorkerReleaseReply>,
  // A load ended (from a segment_loader).
  takes<schema::LoadDone>,
  // Who notes what changes here; once, before anything else.
  caf::reacts_to<attach_atom, node_agent_actor>>;

/// The PEER LISTENER interface: who hears whether workers can be reached.
using peer_listener_actor = caf::typed_actor<
  // A worker became reachable, unreachable, or lost its segments.
  takes<schema::PeerState>>;

/// The PEER EXCHANGE interface: all links between this node and others.
using peer_exchange_actor = link_owner_actor::extend<
  // The id of this node; calls for another one are refused.
  caf::reacts_to<attach_atom, std::int64_t>,
  // The workers that the listener needs from now on: dialled, kept, and told about.
  caf::reacts_to<m<schema::NamePeers>, peer_listener_actor>,
  // Calls the node `to` (`call` is set by the exchange); waits for a link that is being dialled.
  answers<schema::PeerRequest, schema::PeerReply>,
  // Dials again what is closed (sent to itself after a wait).
  caf::reacts_to<flush_atom>,
  // Looks at deadlines (sent to itself while calls are outstanding).
  caf::reacts_to<tick_atom>>;

/// The SHARD DELEGATOR interface, one a led channel: its view, its target, its searches.
using shard_delegator_actor = peer_listener_actor::extend<
  // An order of the coordinator; the agent hears of its end by ShardReport.
  takes<schema::ShardOrder>,
  // Searches all segments of the served version.
  answers<schema::SearchRequest, schema::SearchReply>,
  // Ends, behind everything that was sent before (from the agent, which has forgotten it).
  caf::reacts_to<stop_atom>>;

/// The SHARD DOOR interface: the search door as the agent sees it.
using shard_door_actor = search_door_actor::extend<
  // The delegator leads the channel of the collection here.
  caf::reacts_to<attach_atom, std::int64_t, std::string, shard_delegator_actor>,
  // It no longer does.
  caf::reacts_to<detach_atom, std::int64_t, std::string, shard_delegator_actor>>;

} // namespace muster

CAF_BEGIN_TYPE_ID_BLOCK(muster_node, caf::id_block::muster_handles::end)

#define MUSTER_NODE_TYPE_ID(Name) CAF_ADD_TYPE_ID(muster_node, (muster::msg<muster::schema::Name>))
MUSTER_NODE_MESSAGES(MUSTER_NODE_TYPE_ID)
#undef MUSTER_NODE_TYPE_ID
CAF_ADD_TYPE_ID(muster_node, (muster::peer_listener_actor))
CAF_ADD_TYPE_ID(muster_node, (muster::shard_delegator_actor))
CAF_ADD_TYPE_ID(muster_node, (muster::node_agent_actor))

CAF_END_TYPE_ID_BLOCK(muster_node)
