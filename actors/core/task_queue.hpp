// Tasks that wait for a slot of the node that works on them, and who gets the next one.
#pragma once

#include "actors/core/task.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace muster {

/// How many orders nodes work on at a time.
struct task_limits {
  double parallelism_factor; ///< Loads: CPUs times this, rounded up.
  std::size_t execution_cap; ///< Everything else, and loads of nodes that do not say how many CPUs they have.
  std::size_t running;       ///< In the whole cluster.
  std::size_t in_flight;     ///< Waiting or running, in the whole cluster.
  std::size_t waiting_per_node;

  static task_limits standard();

  std::size_t cap(task_pool pool, std::uint32_t cpus) const;
};

/// Waiting tasks by node and pool. Costs: log of the tasks of one node, log of the nodes with waiting tasks.
class task_queue {
public:
  struct place {
    std::int64_t node = 0;
    task_pool pool = task_pool::others;
    schema::TaskPriority priority = schema::TaskPriority::LOW;
  };

  explicit task_queue(const task_limits& limits) : limits_(limits) {
    // nop
  }

  /// How many CPUs a node has; 0: unknown.
  void set_cpus(std::int64_t node, std::uint32_t cpus);

  /// True when a node has as many waiting tasks of that priority as it may have.
  bool full(std::int64_t node, schema::TaskPriority priority) const;

  /// `since`: when it began to wait, in nanoseconds.
  void add(std::int64_t task, const place& at, std::int64_t since);
  void remove(std::int64_t task, const place& at, std::int64_t since);

  /// The next task that a free slot can take, and takes it: nodes in turn; in a node the most urgent, then the oldest, but every
  /// second slot goes to one of lower priority that has waited limits::low_priority_wait, the one that waited longest.
  std::optional<std::int64_t> next(std::int64_t now);
  /// A slot that `next` took is free again.
  void free(const place& at);

  std::size_t waiting() const {
    return waiting_;
  }
  std::size_t running() const {
    return running_;
  }
  /// Of one node, in all pools.
  std::size_t running(std::int64_t node) const;

private:
  using entry = std::pair<std::int64_t, std::int64_t>; ///< since, task
  using waiting_set = std::set<entry>;

  struct lane {
    std::array<waiting_set, 3> waiting; ///< By priority.
    std::size_t running = 0;
    bool urgent_last = false; ///< The last slot went to the most urgent although another one had waited long.

    bool idle() const {
      return running == 0 && waiting[0].empty() && waiting[1].empty() && waiting[2].empty();
    }
  };
  using lane_key = std::pair<std::int64_t, task_pool>;

  bool open(const lane_key& key, const lane& l) const;
  void settle(const lane_key& key);
  std::pair<std::size_t, entry> pick(lane& l, std::int64_t now) const;

  task_limits limits_;
  std::map<lane_key, lane> lanes_;
  std::set<lane_key> ready_; ///< Lanes with a waiting task and a free slot.
  lane_key last_{};
  std::map<std::int64_t, std::uint32_t> cpus_;
  std::map<std::int64_t, std::array<std::size_t, 3>> waiting_at_; ///< By node and priority.
  std::size_t waiting_ = 0;
  std::size_t running_ = 0;
};

} // namespace muster
