// What a checker would have done, with its reason: plain data on its way to task_scheduler.
#pragma once

#include "actors/core/balance/choice.hpp"
#include "actors/core/reason.hpp"
#include "actors/core/rows.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace muster {

struct proposal {
  schema::TaskKind kind = schema::TaskKind::INVALID;
  schema::TaskPriority priority = schema::TaskPriority::NORMAL;
  std::int64_t collection = 0;
  std::int64_t replica = 0; ///< 0: belongs to no replica.
  std::string channel;
  std::int64_t segment = 0;
  std::int64_t node = 0;   ///< Where it acts: the destination of a load or move, the holder of what is released or dropped.
  std::int64_t source = 0; ///< Of a move.
  muster::reason why = reason::none;
  std::int64_t target_version = 0;
  std::int64_t version = 0; ///< Of the delegator meant, for drop_shard.
  std::vector<std::pair<std::int64_t, std::int64_t>> assignments; ///< segment, worker
  std::vector<std::int64_t> removed;
  std::uint64_t indexes = 0; ///< Of update_index and drop_index: index ids; of update_stats: fields; bit i: id i.
  std::vector<partition_version> partition_stats; ///< Of sync_stats.
  schema::LoadPriority load_priority = schema::LoadPriority::HIGH;
  balance_choice choice; ///< Of `node`, where one was chosen.

  friend bool operator==(const proposal&, const proposal&) = default;
};

proposal read(schema::Proposal::Reader r);
void write(schema::Proposal::Builder b, const proposal& p);

balance_choice read(schema::Choice::Reader r);
void write(schema::Choice::Builder b, const balance_choice& c);

} // namespace muster
