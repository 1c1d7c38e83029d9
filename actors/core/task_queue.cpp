// Lanes, slots and turns.
#include "actors/core/task_queue.hpp"

#include "messages/limits.hpp"

#include <algorithm>
#include <cmath>

namespace muster {

namespace {

/// The share of a limit that one priority may take.
constexpr std::size_t share(std::size_t limit) {
  return limit - limit / 10;
}

std::size_t index_of(schema::TaskPriority p) {
  return std::min<std::size_t>(static_cast<std::size_t>(p), 2);
}

} // namespace

task_limits task_limits::standard() {
  return {limits::task_parallelism_factor, limits::task_execution_cap, limits::tasks_running, limits::tasks_in_flight,
          limits::tasks_waiting_per_node};
}

std::size_t task_limits::cap(task_pool pool, std::uint32_t cpus) const {
  if (pool != task_pool::loads || cpus == 0)
    return execution_cap;
  return std::max<std::size_t>(static_cast<std::size_t>(std::ceil(cpus * parallelism_factor)), 1);
}

void task_queue::set_cpus(std::int64_t node, std::uint32_t cpus) {
  if (cpus == 0)
    cpus_.erase(node);
  else
    cpus_[node] = cpus;
  settle({node, task_pool::loads});
}

bool task_queue::full(std::int64_t node, schema::TaskPriority priority) const {
  auto i = waiting_at_.find(node);
  if (i == waiting_at_.end())
    return false;
  const auto& by = i->second;
  return by[index_of(priority)] >= share(limits_.waiting_per_node) || by[0] + by[1] + by[2] >= limits_.waiting_per_node;
}

void task_queue::add(std::int64_t task, const place& at, std::int64_t since) {
  const lane_key key{at.node, at.pool};
  lanes_[key].waiting[index_of(at.priority)].insert({since, task});
  ++waiting_at_[at.node][index_of(at.priority)];
  ++waiting_;
  settle(key);
}

void task_queue::remove(std::int64_t task, const place& at, std::int64_t since) {
  const lane_key key{at.node, at.pool};
  auto i = lanes_.find(key);
  if (i == lanes_.end() || i->second.waiting[index_of(at.priority)].erase({since, task}) == 0)
    return;
  --waiting_;
  auto w = waiting_at_.find(at.node);
  --w->second[index_of(at.priority)];
  if (w->second == std::array<std::size_t, 3>{})
    waiting_at_.erase(w);
  settle(key);
}

std::pair<std::size_t, task_queue::entry> task_queue::pick(lane& l, std::int64_t now) const {
  const std::size_t urgent = !l.waiting[2].empty() ? 2 : !l.waiting[1].empty() ? 1 : 0;
  std::optional<std::size_t> overdue;
  for (std::size_t p = 0; p < urgent; ++p)
    if (!l.waiting[p].empty() && (!overdue || *l.waiting[p].begin() < *l.waiting[*overdue].begin()))
      overdue = p;
  if (overdue && now - l.waiting[*overdue].begin()->first < std::chrono::nanoseconds{limits::low_priority_wait}.count())
    overdue.reset();
  const auto chosen = overdue && l.urgent_last ? *overdue : urgent;
  l.urgent_last = overdue && chosen == urgent;
  return {chosen, *l.waiting[chosen].begin()};
}

std::optional<std::int64_t> task_queue::next(std::int64_t now) {
  if (ready_.empty() || running_ >= limits_.running)
    return std::nullopt;
  auto r = ready_.upper_bound(last_);
  if (r == ready_.end())
    r = ready_.begin();
  const auto key = last_ = *r;
  auto& l = lanes_.at(key);
  const auto [priority, chosen] = pick(l, now);
  ++l.running;
  ++running_;
  remove(chosen.second, {key.first, key.second, static_cast<schema::TaskPriority>(priority)}, chosen.first);
  return chosen.second;
}

void task_queue::free(const place& at) {
  const lane_key key{at.node, at.pool};
  auto i = lanes_.find(key);
  if (i == lanes_.end() || i->second.running == 0)
    return;
  --i->second.running;
  --running_;
  settle(key);
}

std::size_t task_queue::running(std::int64_t node) const {
  std::size_t sum = 0;
  for (auto i = lanes_.lower_bound({node, task_pool::loads}); i != lanes_.end() && i->first.first == node; ++i)
    sum += i->second.running;
  return sum;
}

bool task_queue::open(const lane_key& key, const lane& l) const {
  if (l.waiting[0].empty() && l.waiting[1].empty() && l.waiting[2].empty())
    return false;
  auto c = cpus_.find(key.first);
  return l.running < limits_.cap(key.second, c == cpus_.end() ? 0 : c->second);
}

void task_queue::settle(const lane_key& key) {
  auto i = lanes_.find(key);
  if (i == lanes_.end())
    return;
  if (open(key, i->second))
    ready_.insert(key);
  else
    ready_.erase(key);
  if (i->second.idle())
    lanes_.erase(i);
}

} // namespace muster
