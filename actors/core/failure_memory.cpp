// Back-off, and failures by collection.
#include "actors/core/failure_memory.hpp"

#include "messages/limits.hpp"

#include <algorithm>

namespace muster {

namespace {

constexpr std::int64_t nanoseconds(limits::milliseconds d) {
  return std::chrono::nanoseconds{d}.count();
}

} // namespace

std::optional<task_key> failure_memory::failed(const key& k, std::int64_t now) {
  std::optional<task_key> forgotten;
  if (!keys_.contains(k) && keys_.size() >= limits::remembered_failures) {
    const auto oldest = *due_.begin();
    forgotten = oldest.second.first;
    due_.erase(due_.begin());
    keys_.erase(oldest.second);
  }
  auto [i, fresh] = keys_.try_emplace(k);
  auto& r = i->second;
  if (!fresh)
    due_.erase({r.due(), k});
  r.wait = fresh ? nanoseconds(limits::retry_first) : std::min(r.wait * 2, nanoseconds(limits::retry_longest));
  r.not_before = now + r.wait;
  r.waking = true;
  due_.insert({r.due(), k});
  return forgotten;
}

void failure_memory::succeeded(const key& k) {
  auto i = keys_.find(k);
  if (i == keys_.end())
    return;
  due_.erase({i->second.due(), k});
  keys_.erase(i);
}

bool failure_memory::backs_off(const key& k, std::int64_t now) const {
  auto i = keys_.find(k);
  return i != keys_.end() && now < i->second.not_before;
}

std::vector<task_key> failure_memory::wake(std::int64_t now) {
  std::vector<task_key> woken;
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto k = due_.begin()->second;
    due_.erase(due_.begin());
    auto i = keys_.find(k);
    if (!i->second.waking) {
      keys_.erase(i);
      continue;
    }
    woken.push_back(k.first);
    // The count stays for as long again, so that the next failure waits longer; then it is forgotten.
    i->second.waking = false;
    due_.insert({i->second.due(), k});
  }
  while (!nodes_due_.empty() && nodes_due_.begin()->first <= now)
    forget_node(std::int64_t{nodes_due_.begin()->second});
  return woken;
}

std::optional<std::int64_t> failure_memory::next_time() const {
  std::optional<std::int64_t> next;
  if (!due_.empty())
    next = due_.begin()->first;
  if (!nodes_due_.empty() && (!next || nodes_due_.begin()->first < *next))
    next = nodes_due_.begin()->first;
  return next;
}

void failure_memory::node_failed(std::int64_t node, std::int64_t now) {
  auto& [count, until] = nodes_[node];
  nodes_due_.erase({until, node});
  ++count;
  until = now + nanoseconds(limits::retry_longest);
  nodes_due_.insert({until, node});
  nodes_changed_ = true;
}

void failure_memory::forget_node(std::int64_t node) {
  auto i = nodes_.find(node);
  if (i == nodes_.end())
    return;
  nodes_due_.erase({i->second.second, node});
  nodes_.erase(i);
  nodes_changed_ = true;
}

std::map<std::int64_t, std::uint32_t> failure_memory::failing_nodes() const {
  std::map<std::int64_t, std::uint32_t> result;
  for (const auto& [node, f] : nodes_)
    result[node] = f.first;
  return result;
}

void failure_memory::remember(std::int64_t collection, const failure& why, std::int64_t now) {
  if (why.code == ec::ok || why.code == ec::channel_not_found || why.code == ec::too_many_requests)
    return;
  if (!collections_.contains(collection) && collections_.size() >= limits::failed_collections)
    forget(collections_.begin()->first); // the collection that was made first
  auto& mine = collections_[collection];
  if (!mine.contains(why.code) && mine.size() >= limits::failure_codes)
    return;
  auto& f = mine[why.code];
  f.code = why.code;
  ++f.count;
  f.text = why.text;
  f.at = now;
  changed_.insert(collection);
}

std::vector<load_failure> failure_memory::of(std::int64_t collection, std::int64_t now) const {
  std::vector<load_failure> result;
  if (auto i = collections_.find(collection); i != collections_.end())
    for (const auto& [code, f] : i->second)
      if (now - f.at < nanoseconds(limits::load_failures_age))
        result.push_back(f);
  std::stable_sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  return result;
}

void failure_memory::forget(std::int64_t collection) {
  if (collections_.erase(collection) > 0)
    changed_.insert(collection);
}

void failure_memory::expire(std::int64_t now) {
  for (auto i = collections_.begin(); i != collections_.end();) {
    const auto before = i->second.size();
    std::erase_if(i->second, [&](const auto& f) { return now - f.second.at >= nanoseconds(limits::load_failures_age); });
    if (i->second.size() != before)
      changed_.insert(i->first);
    i = i->second.empty() ? collections_.erase(i) : std::next(i);
  }
}

void failure_memory::take_changes(change_set& into) {
  for (auto collection : changed_) {
    const chunk_key key{schema::ChunkKind::FAILURES, collection, 0};
    into.touch(collection);
    auto i = collections_.find(collection);
    if (i == collections_.end()) {
      into.remove(key);
      continue;
    }
    std::vector<load_failure> sorted;
    for (const auto& [code, f] : i->second)
      sorted.push_back(f);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
    into.put(key, build<schema::Chunk>([&](schema::Chunk::Builder b) {
               auto all = b.initFailures();
               all.setCollection(collection);
               auto list = all.initFailures(static_cast<unsigned>(sorted.size()));
               for (unsigned k = 0; k < sorted.size(); ++k) {
                 list[k].setCode(static_cast<std::uint16_t>(sorted[k].code));
                 list[k].setCount(sorted[k].count);
                 list[k].setText(sorted[k].text);
                 list[k].setAt(sorted[k].at);
               }
             }));
  }
  changed_.clear();
}

} // namespace muster
