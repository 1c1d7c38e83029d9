// Kinds of tasks.
#include "actors/core/task.hpp"

#include "actors/core/situation.hpp"

namespace muster {

using schema::TaskKind;

task_key key_of(const proposal& p) {
  task_key key;
  key.collection = p.collection;
  key.replica = p.replica;
  if (p.replica == 0)
    key.node = p.node;
  if (is_channel_task(p.kind))
    key.channel = p.channel;
  else
    key.segment = p.segment;
  return key;
}

task_pool pool_of(TaskKind kind) {
  switch (kind) {
    case TaskKind::LOAD_SEGMENT:
    case TaskKind::MOVE_SEGMENT:
    case TaskKind::UPDATE_INDEX:
    case TaskKind::UPDATE_STATS:
      return task_pool::loads;
    default:
      return is_channel_task(kind) ? task_pool::channels : task_pool::others;
  }
}

std::uint8_t steps_of(TaskKind kind) {
  return kind == TaskKind::MOVE_SEGMENT || kind == TaskKind::MOVE_SHARD ? 2 : 1;
}

std::int64_t working_node(const proposal& p, std::uint8_t step) {
  return step > 0 ? p.source : p.node;
}

bool well_formed(const proposal& p) {
  if (p.collection == 0 || p.node == 0)
    return false;
  switch (p.kind) {
    case TaskKind::SERVE_SHARD:
    case TaskKind::SYNC_TARGET:
      return p.replica != 0 && !p.channel.empty() && p.target_version > 0;
    case TaskKind::DROP_SHARD:
      return !p.channel.empty();
    case TaskKind::MOVE_SHARD:
      return p.replica != 0 && !p.channel.empty() && p.source != 0 && p.source != p.node;
    case TaskKind::SYNC_STATS:
      return p.replica != 0 && !p.channel.empty() && !p.partition_stats.empty();
    case TaskKind::LOAD_SEGMENT:
      return p.replica != 0 && p.segment != 0 && !p.channel.empty();
    case TaskKind::MOVE_SEGMENT:
      return p.replica != 0 && p.segment != 0 && !p.channel.empty() && p.source != 0 && p.source != p.node;
    case TaskKind::RELEASE_SEGMENT:
      return p.segment != 0;
    case TaskKind::SYNC_VIEW:
      return p.replica != 0 && p.segment != 0 && p.assignments.size() + p.removed.size() > 0;
    case TaskKind::UPDATE_INDEX:
    case TaskKind::UPDATE_STATS:
    case TaskKind::DROP_INDEX:
      return p.replica != 0 && p.segment != 0 && p.indexes != 0;
    default:
      return false;
  }
}

} // namespace muster
