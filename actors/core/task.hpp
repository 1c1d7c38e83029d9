// What a task is: the key that it occupies, the load that it adds, its steps and where its work is done.
#pragma once

#include "actors/core/proposal.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace muster {

/// What at most one task at a time works on: a segment or a channel of a replica, or of a node when it belongs to none.
struct task_key {
  std::int64_t collection = 0;
  std::int64_t replica = 0;
  std::int64_t node = 0; ///< Only when replica is 0.
  std::int64_t segment = 0;
  std::string channel; ///< Only for channel tasks.

  friend auto operator<=>(const task_key&, const task_key&) = default;
};

task_key key_of(const proposal& p);

/// A report of a node that shows the effect of an order.
struct awaited_report {
  std::int64_t node = 0;
  std::uint64_t incarnation = 0;
  std::uint64_t seq = 0;
};

/// Work on its way to a node, or (negative) away from it.
struct task_load {
  std::int64_t rows = 0;
  std::int32_t segments = 0;
  std::int32_t channels = 0;

  task_load& operator+=(const task_load& other) {
    rows += other.rows;
    segments += other.segments;
    channels += other.channels;
    return *this;
  }

  task_load operator-() const {
    return {-rows, -segments, -channels};
  }

  friend bool operator==(const task_load&, const task_load&) = default;
};

/// Slots of a node are counted apart for these, so that a channel never holds what the loads of its segments need.
enum class task_pool : std::uint8_t { loads, channels, others };
inline constexpr std::size_t task_pools = 3;

task_pool pool_of(schema::TaskKind kind);

/// How many steps a task of this kind has: two for moves, otherwise one.
std::uint8_t steps_of(schema::TaskKind kind);

/// The node where the work of a step is done (not the leader that passes it on): whose slot it takes.
std::int64_t working_node(const proposal& p, std::uint8_t step);

/// True when a proposal has all that its kind needs; otherwise it is refused as malformed.
bool well_formed(const proposal& p);

} // namespace muster
