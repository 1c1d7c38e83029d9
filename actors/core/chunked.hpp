// A table of rows by segment id, cut into chunks of at most limits::chunk_segments rows; what changed is published chunk by chunk.
#pragma once

#include "messages/limits.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace muster {

/// `Row` has `std::int64_t segment` and is ordered by operator<, segment first. Rows of one segment stay in one chunk.
/// A chunk's key is the lowest segment id it may hold and never changes; the first key is 0.
/// Finding, putting and erasing cost the log of the chunks plus one chunk.
template <class Row>
class chunked {
public:
  /// Inserts, or replaces the row that is neither less nor greater. True: the table changed.
  bool put(const Row& row) {
    auto& rows = chunk_for(row.segment)->second;
    const auto key = chunk_for(row.segment)->first;
    auto i = std::lower_bound(rows.begin(), rows.end(), row);
    if (i != rows.end() && !(row < *i)) {
      if (*i == row)
        return false;
      *i = row;
      dirty_.insert(key);
      return true;
    }
    rows.insert(i, row);
    ++size_;
    dirty_.insert(key);
    split(key);
    return true;
  }

  /// Removes the row that is neither less nor greater than `row`. True: it was there.
  bool erase(const Row& row) {
    auto c = chunks_.upper_bound(row.segment);
    if (c == chunks_.begin())
      return false;
    --c;
    auto& rows = c->second;
    auto i = std::lower_bound(rows.begin(), rows.end(), row);
    if (i == rows.end() || row < *i)
      return false;
    rows.erase(i);
    --size_;
    if (rows.empty()) {
      dirty_.erase(c->first);
      removed_.insert(c->first);
      chunks_.erase(c);
    } else {
      dirty_.insert(c->first);
    }
    return true;
  }

  /// The row that is neither less nor greater than `row`, or null.
  const Row* find(const Row& row) const {
    auto c = containing(row.segment);
    if (c == chunks_.end())
      return nullptr;
    auto i = std::lower_bound(c->second.begin(), c->second.end(), row);
    return i == c->second.end() || row < *i ? nullptr : &*i;
  }

  /// Calls `f(row)` for all rows of one segment.
  template <class F>
  void each_of(std::int64_t segment, F&& f) const {
    auto c = containing(segment);
    if (c == chunks_.end())
      return;
    auto i = std::partition_point(c->second.begin(), c->second.end(), [&](const Row& r) { return r.segment < segment; });
    for (; i != c->second.end() && i->segment == segment; ++i)
      f(*i);
  }

  /// Calls `f(row)` for all rows, by order.
  template <class F>
  void each(F&& f) const {
    for (const auto& [key, rows] : chunks_)
      for (const auto& row : rows)
        f(row);
  }

  std::size_t size() const {
    return size_;
  }

  bool empty() const {
    return size_ == 0;
  }

  /// Hands out what changed since the last flush: `put(key, rows)` and `remove(key)`.
  template <class Put, class Remove>
  void flush(Put&& put, Remove&& remove) {
    for (auto key : removed_)
      if (!chunks_.contains(key))
        remove(key);
    for (auto key : dirty_)
      if (auto i = chunks_.find(key); i != chunks_.end())
        put(key, i->second);
    removed_.clear();
    dirty_.clear();
  }

  /// All chunks, for a whole publication.
  const std::map<std::int64_t, std::vector<Row>>& chunks() const {
    return chunks_;
  }

  /// Puts back a chunk as it was published (recovery); nothing is dirty afterwards.
  void restore(std::int64_t key, std::vector<Row> rows) {
    size_ += rows.size();
    chunks_[key] = std::move(rows);
  }

private:
  using chunk_map = std::map<std::int64_t, std::vector<Row>>;

  typename chunk_map::const_iterator containing(std::int64_t segment) const {
    auto i = chunks_.upper_bound(segment);
    return i == chunks_.begin() ? chunks_.end() : std::prev(i);
  }

  typename chunk_map::iterator chunk_for(std::int64_t segment) {
    auto i = chunks_.upper_bound(segment);
    if (i == chunks_.begin())
      return chunks_.try_emplace(0).first;
    return std::prev(i);
  }

  void split(std::int64_t key) {
    auto& rows = chunks_.find(key)->second;
    if (rows.size() <= limits::chunk_segments)
      return;
    auto middle = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 2);
    while (middle != rows.end() && middle->segment == std::prev(middle)->segment)
      ++middle;
    if (middle == rows.end())
      return;
    const auto upper = middle->segment;
    auto& fresh = chunks_[upper];
    fresh.assign(middle, rows.end());
    rows.erase(middle, rows.end());
    dirty_.insert(upper);
  }

  chunk_map chunks_;
  std::set<std::int64_t> dirty_;
  std::set<std::int64_t> removed_;
  std::size_t size_ = 0;
};

} // namespace muster
