// Ordered tables in one block of memory: for the many small ones that a tree would make five times as large.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace muster {

/// A map as a sorted vector. Finding costs the log of the entries; inserting and erasing move those behind, but nothing when
/// keys come in order.
template <class Key, class Value>
class flat_map {
public:
  using entry = std::pair<Key, Value>;
  using iterator = typename std::vector<entry>::iterator;
  using const_iterator = typename std::vector<entry>::const_iterator;

  /// The value of a key; a fresh one when there was none.
  Value& operator[](const Key& key) {
    auto i = lower_bound(key);
    if (i == entries_.end() || key < i->first)
      i = entries_.emplace(i, key, Value{});
    return i->second;
  }

  iterator find(const Key& key) {
    auto i = lower_bound(key);
    return i == entries_.end() || key < i->first ? entries_.end() : i;
  }

  const_iterator find(const Key& key) const {
    auto i = lower_bound(key);
    return i == entries_.end() || key < i->first ? entries_.end() : i;
  }

  const_iterator lower_bound(const Key& key) const {
    return std::lower_bound(entries_.begin(), entries_.end(), key, before);
  }

  void erase(const Key& key) {
    if (auto i = find(key); i != entries_.end())
      entries_.erase(i);
  }

  const_iterator begin() const {
    return entries_.begin();
  }

  const_iterator end() const {
    return entries_.end();
  }

  bool empty() const {
    return entries_.empty();
  }

  std::size_t size() const {
    return entries_.size();
  }

  void clear() {
    entries_ = {};
  }

private:
  static bool before(const entry& a, const Key& b) {
    return a.first < b;
  }

  iterator lower_bound(const Key& key) {
    if (entries_.empty() || entries_.back().first < key)
      return entries_.end();
    return std::lower_bound(entries_.begin(), entries_.end(), key, before);
  }

  std::vector<entry> entries_;
};

/// A set of ids as a sorted vector, with the same costs.
class id_set {
public:
  id_set() = default;

  id_set(std::initializer_list<std::int64_t> ids) {
    for (auto id : ids)
      insert(id);
  }

  void insert(std::int64_t id) {
    if (ids_.empty() || ids_.back() < id) {
      ids_.push_back(id);
      return;
    }
    auto i = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (*i != id)
      ids_.insert(i, id);
  }

  void erase(std::int64_t id) {
    auto i = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (i != ids_.end() && *i == id)
      ids_.erase(i);
  }

  bool contains(std::int64_t id) const {
    return std::binary_search(ids_.begin(), ids_.end(), id);
  }

  auto begin() const {
    return ids_.begin();
  }

  auto end() const {
    return ids_.end();
  }

  bool empty() const {
    return ids_.empty();
  }

  std::size_t size() const {
    return ids_.size();
  }

  friend bool operator==(const id_set&, const id_set&) = default;

private:
  std::vector<std::int64_t> ids_;
};

} // namespace muster
