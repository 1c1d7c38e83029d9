// Rules of slots and turns: limits a node and in total, urgency, and that nobody starves.
#include "actors/core/task_queue.hpp"

#include "messages/limits.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace muster {
namespace {

using schema::TaskPriority;

constexpr std::int64_t ms = 1'000'000;

task_queue::place at(std::int64_t node, task_pool pool = task_pool::others, TaskPriority p = TaskPriority::NORMAL) {
  return {node, pool, p};
}

std::size_t taken(task_queue& q, std::int64_t now = 0) {
  std::size_t n = 0;
  while (q.next(now))
    ++n;
  return n;
}

TEST(task_queue_rules, of_257_steps_for_one_node_256_start_and_one_waits) {
  // E10
  task_queue q{task_limits::standard()};
  for (std::int64_t id = 1; id <= 257; ++id)
    q.add(id, at(1), 0);
  EXPECT_EQ(taken(q), 256u);
  EXPECT_EQ(q.waiting(), 1u);
  q.free(at(1));
  EXPECT_EQ(taken(q), 1u);
  EXPECT_EQ(q.waiting(), 0u);
}

TEST(task_queue_rules, loads_of_a_node_are_capped_at_its_cpus_times_the_factor_rounded_up) {
  // Q2
  auto l = task_limits::standard();
  l.parallelism_factor = 1.5;
  EXPECT_EQ(l.cap(task_pool::loads, 3), 5u);
  EXPECT_EQ(l.cap(task_pool::loads, 0), limits::task_execution_cap) << "a node that does not say";
  EXPECT_EQ(l.cap(task_pool::others, 3), limits::task_execution_cap);
  l.parallelism_factor = 0.01;
  EXPECT_EQ(l.cap(task_pool::loads, 1), 1u);
  l.parallelism_factor = 1;
  task_queue q{l};
  for (std::int64_t id = 1; id <= 9; ++id)
    q.add(id, at(1, task_pool::loads), 0);
  q.set_cpus(1, 4);
  EXPECT_EQ(taken(q), 4u);
  q.set_cpus(1, 6);
  EXPECT_EQ(taken(q), 2u) << "what becomes known later counts at once";
}

TEST(task_queue_rules, what_waits_for_one_node_does_not_hold_up_another) {
  // Q33
  task_queue q{task_limits::standard()};
  q.set_cpus(1, 1);
  for (std::int64_t id = 1; id <= 100; ++id)
    q.add(id, at(1, task_pool::loads), 0);
  taken(q);
  q.add(200, at(2, task_pool::loads), 0);
  EXPECT_EQ(q.next(0), 200);
}

TEST(task_queue_rules, channels_and_loads_of_a_node_have_slots_of_their_own) {
  // A channel that waits for segments never holds the slot that those segments need.
  auto l = task_limits::standard();
  l.execution_cap = 1;
  task_queue q{l};
  q.add(1, at(1, task_pool::channels, TaskPriority::HIGH), 0);
  q.add(2, at(1, task_pool::channels, TaskPriority::HIGH), 0);
  q.add(3, at(1, task_pool::loads), 0);
  EXPECT_EQ(taken(q), 2u);
  EXPECT_EQ(q.running(1), 2u);
}

TEST(task_queue_rules, the_whole_cluster_has_a_limit_of_running_tasks_and_nodes_take_turns) {
  auto l = task_limits::standard();
  l.running = 4;
  task_queue q{l};
  for (std::int64_t id = 1; id <= 20; ++id)
    q.add(id, at(1 + id % 4), 0);
  std::vector<std::int64_t> nodes;
  while (auto id = q.next(0))
    nodes.push_back(1 + *id % 4);
  std::sort(nodes.begin(), nodes.end());
  EXPECT_EQ(nodes, (std::vector<std::int64_t>{1, 2, 3, 4}));
}

TEST(task_queue_rules, a_node_has_a_limit_of_waiting_tasks_and_no_priority_takes_all_of_it) {
  auto l = task_limits::standard();
  l.waiting_per_node = 10;
  task_queue q{l};
  std::int64_t id = 0;
  while (!q.full(1, TaskPriority::HIGH))
    q.add(++id, at(1, task_pool::others, TaskPriority::HIGH), 0);
  EXPECT_EQ(id, 9);
  EXPECT_FALSE(q.full(1, TaskPriority::LOW));
  q.add(++id, at(1, task_pool::others, TaskPriority::LOW), 0);
  EXPECT_TRUE(q.full(1, TaskPriority::LOW));
  EXPECT_FALSE(q.full(2, TaskPriority::HIGH));
}

TEST(task_queue_rules, a_flood_of_high_priority_keeps_a_low_task_waiting_for_the_named_time_and_two_slots_at_most) {
  auto l = task_limits::standard();
  l.execution_cap = 1;
  task_queue q{l};
  constexpr std::int64_t step = 10 * ms; // how long a slot is taken
  q.add(1'000'000, at(1, task_pool::others, TaskPriority::LOW), 0);
  std::int64_t id = 0;
  std::int64_t now = 0;
  for (;; now += step) {
    for (int i = 0; i < 3; ++i) // three come for each that goes
      q.add(++id, at(1, task_pool::others, TaskPriority::HIGH), now);
    const auto got = q.next(now);
    ASSERT_TRUE(got);
    if (*got == 1'000'000)
      break;
    ASSERT_LE(now, 10'000 * ms) << "it starves";
    q.free(at(1));
  }
  EXPECT_GE(now, limits::low_priority_wait.count() * ms) << "until then the urgent ones go first";
  EXPECT_LE(now, limits::low_priority_wait.count() * ms + 2 * step);
}

TEST(task_queue_rules, many_that_waited_long_take_every_second_slot_and_the_urgent_ones_the_others) {
  auto l = task_limits::standard();
  l.execution_cap = 1;
  task_queue q{l};
  for (std::int64_t id = 1; id <= 50; ++id) {
    q.add(id, at(1, task_pool::others, TaskPriority::LOW), 0);
    q.add(1'000 + id, at(1, task_pool::others, TaskPriority::HIGH), 0);
  }
  std::size_t low = 0;
  for (int i = 0; i < 40; ++i) {
    low += *q.next(limits::low_priority_wait.count() * ms) < 1'000 ? 1 : 0;
    q.free(at(1));
  }
  EXPECT_EQ(low, 20u);
}

TEST(task_queue_rules, removing_and_freeing_leave_nothing_behind) {
  task_queue q{task_limits::standard()};
  q.add(1, at(1), 5);
  q.remove(1, at(1), 5);
  q.remove(1, at(1), 5);
  EXPECT_EQ(q.waiting(), 0u);
  EXPECT_FALSE(q.next(0));
  q.free(at(1));
  EXPECT_EQ(q.running(), 0u);
}

} // namespace
} // namespace muster
