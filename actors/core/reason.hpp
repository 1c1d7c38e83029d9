// The closed list of reasons for proposals, refusals and ends of tasks; numbers are frozen.
#pragma once

#include <cstdint>
#include <string_view>

namespace muster {

enum class reason : std::uint16_t {
  none = 0,

  // -- why something is proposed
  channel_lacking = 1,        ///< a channel of the target has no delegator in the replica
  channel_released = 2,       ///< a delegator of a collection that nobody wants
  channel_not_in_target = 3,  ///< a delegator of a channel that is in no target
  channel_repeated = 4,       ///< two delegators of one channel in one replica
  channel_foreign = 5,        ///< a delegator on a node that is in no replica of the collection
  segment_lacking = 6,        ///< a segment of the target is on no node of the replica
  segment_released = 7,       ///< a copy of a collection that nobody wants
  segment_not_in_target = 8,  ///< a copy of a segment that no target names and no delegator needs
  segment_repeated = 9,       ///< two copies in one replica
  segment_foreign = 10,       ///< a copy on a node that is in no replica of the collection
  view_lacking = 11,          ///< a copy is there but its leader does not route to it
  view_dangling = 12,         ///< a leader routes to what is in no target and nowhere loaded
  target_behind = 13,         ///< a delegator serves an older version than the current target
  rows_uneven = 14,           ///< moving lowers the spread of rows over the replica's nodes
  node_read_only = 15,        ///< its node is drained: it must leave the replica, or the nodes that its channel has for itself
  moved_by_hand = 17,         ///< somebody asked for it
  channels_uneven = 18,       ///< moving lowers the spread of channels over the replica's nodes

  // -- why a node changes its resource group or its place in a replica
  node_leaves = 60,           ///< it is stopping or gone
  node_joins = 61,            ///< it is in no group
  group_missing = 62,         ///< its new group has fewer nodes than it requests
  group_redundant = 63,       ///< its old group has more nodes than its limits, or does not accept it
  group_dropped = 64,         ///< its old group is dropped
  growing_dropped = 30,       ///< a delegator holds a growing segment that the target says is dropped
  growing_sealed = 31,        ///< a delegator holds a growing segment whose rows are in sealed ones by now
  stats_behind = 32,          ///< a leader uses older statistics of partitions than there are
  index_lacking = 33,         ///< a copy lacks an index whose file is there
  stats_lacking = 34,         ///< a copy lacks statistics of a field whose file is there
  index_surplus = 35,         ///< a copy has an index that the collection no longer has

  // -- why a proposal is refused
  key_taken = 100,            ///< a task on the same segment or channel of the replica is in flight
  stale_proposal = 101,       ///< it rests on a situation older than the end of the last task on its key
  premise_gone = 102,         ///< what it rests on is no longer so
  backing_off = 103,          ///< its key failed a moment ago
  task_limit = 104,           ///< the named limit of tasks in flight is reached
  not_known_yet = 105,        ///< some node of the replica has not reported since it joined
  proposal_malformed = 106,   ///< it lacks what its kind needs
  replica_unserved = 107,     ///< no delegator leads the channel in the replica, so nobody could route to the segment

  // -- how a task ended
  done = 200,
  replaced = 201,
  order_failed = 202,
  order_unknown = 203,        ///< link lost or deadline passed; nobody can say
  node_lost = 204,            ///< a node that it acts on is gone
  leader_changed = 205,       ///< the leader that it loaded through leads no longer
  waited_too_long = 206,      ///< no slot became free before its deadline
  effect_missing = 207,       ///< its node said done, but the node's own report does not show it
  order_refused = 208,        ///< its node is busy, stopping or fenced; nothing was done
};

/// The stable name of a reason.
std::string_view to_string(reason r);

} // namespace muster
