// Planted bugs, switched on one at a time by the simulator to prove that its checks can fail.
#pragma once

namespace muster::plant {

enum class bug {
  none,
  answer_before_commit,      ///< metadata answers before the journal has the rows
  release_before_view,       ///< a delegator lets a worker release what it still routes to
  promote_one_behind,        ///< target_observer promotes while one shard lacks a segment
  stale_incarnation_report,  ///< distribution applies a report of an earlier start of the node
  stale_premise_task,        ///< task_scheduler does not look at a task's premise again before its steps
  dedupe_cancels_move,       ///< a proposal takes the place of a move whose order is at a node
  slot_deadlock,             ///< a channel task that finds segments lacking waits for them with the slot that they need
  replica_change_resets_progress, ///< other replicas make a loaded collection loading again
  recovery_stops_at_bad_record,   ///< what comes in the journal behind a record that cannot be read is not recovered
  undo_forgets_replica,           ///< the record of a load that is given up at a start stays, with its replicas
  delta_leak,                ///< task_scheduler does not give back the load of a failed task
};

inline bug active = bug::none;

} // namespace muster::plant
