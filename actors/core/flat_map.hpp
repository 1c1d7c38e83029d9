// Ordered tables in one block of memory: for the many small ones that a tree would make five times as large.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

namespace muster {

/// A map as a sorted vector. Finding costs the log of the entries; inserting and erasing move those behind, but nothing when
/// keys come in order. A copy is one block.
template <class Key, class Value>
class flat_map {
public:
  using entry = std::pair<Key, Value>;
  using iterator = typename std::vector<entry>::iterator;
  using const_iterator = typename std::vector<entry>::const_iterator;

  /// The value of a key; a fresh one when there was none.
  Value& operator[](const Key& key) {
    auto i = lower(key);
    if (i == entries_.end() || key < i->first)
      i = entries_.emplace(i, key, Value{});
    return i->second;
  }

  iterator find(const Key& key) {
    auto i = lower(key);
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
    entries_ = std::vector<entry>{};
  }

private:
  static bool before(const entry& a, const Key& b) {
    return a.first < b;
  }

  iterator lower(const Key& key) {
    if (entries_.empty() || entries_.back().first < key)
      return entries_.end();
    return std::lower_bound(entries_.begin(), entries_.end(), key, before);
  }

  std::vector<entry> entries_;
};

/// A set of ids as a sorted vector, with the same costs.
class id_set {
public:
  using const_iterator = std::vector<std::int64_t>::const_iterator;

  id_set() = default;

  id_set(std::initializer_list<std::int64_t> ids) {
    for (auto id : ids)
      insert(id);
  }

  id_set(const std::set<std::int64_t>& ids) : ids_(ids.begin(), ids.end()) {
    // nop
  }

  /// True: it was not there.
  bool insert(std::int64_t id) {
    if (ids_.empty() || ids_.back() < id) {
      ids_.push_back(id);
      return true;
    }
    auto i = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (*i == id)
      return false;
    ids_.insert(i, id);
    return true;
  }

  /// All ids of another one. Cost: both.
  void insert(const id_set& other) {
    if (ids_.empty() || other.empty() || ids_.back() < other.ids_.front()) {
      ids_.insert(ids_.end(), other.ids_.begin(), other.ids_.end());
      return;
    }
    std::vector<std::int64_t> all;
    all.reserve(ids_.size() + other.ids_.size());
    std::set_union(ids_.begin(), ids_.end(), other.ids_.begin(), other.ids_.end(), std::back_inserter(all));
    ids_ = std::move(all);
  }

  std::size_t erase(std::int64_t id) {
    auto i = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (i == ids_.end() || *i != id)
      return 0;
    ids_.erase(i);
    return 1;
  }

  bool contains(std::int64_t id) const {
    return std::binary_search(ids_.begin(), ids_.end(), id);
  }

  const_iterator begin() const {
    return ids_.begin();
  }

  const_iterator end() const {
    return ids_.end();
  }

  bool empty() const {
    return ids_.empty();
  }

  std::size_t size() const {
    return ids_.size();
  }

  void clear() {
    ids_ = std::vector<std::int64_t>{};
  }

  void reserve(std::size_t n) {
    ids_.reserve(n);
  }

  friend bool operator==(const id_set&, const id_set&) = default;
  friend bool operator==(const id_set& a, const std::set<std::int64_t>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

private:
  std::vector<std::int64_t> ids_;
};

} // namespace muster
