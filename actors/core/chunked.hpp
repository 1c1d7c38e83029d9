// A table of rows by segment id, cut into chunks; what changed is published chunk by chunk.
#pragma once

#include "messages/limits.hpp"
#include "messages/msg.hpp"
#include "messages/schema/state.capnp.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <type_traits>
#include <vector>

namespace muster {

/// `Row` has `std::int64_t segment`, is ordered by operator<, segment first, and read_rows(chunk, rows) reads it from its message.
/// Rows of one segment stay in one chunk. A chunk's key is the lowest segment id it may hold and never changes; the first key is 0.
/// Finding, putting and erasing cost the log of the chunks plus one chunk. A chunk that was flushed as a message is kept as that
/// message alone, which its readers hold anyway, until it is looked into again.
template <class Row, std::size_t MostRows = limits::chunk_segments>
class chunked {
public:
  using message = msg<schema::Chunk>;

  /// Inserts, or replaces the row that is neither less nor greater. True: the table changed.
  bool put(const Row& row) {
    auto c = chunk_for(row.segment);
    auto& rows = open(c->first, c->second);
    auto i = std::lower_bound(rows.begin(), rows.end(), row);
    if (i != rows.end() && !(row < *i)) {
      if (*i == row)
        return false;
      *i = row;
      changed(c);
      return true;
    }
    ++size_;
    // Ids that come in order fill chunk after chunk; halving the last one would leave all of them half empty.
    if (rows.size() >= MostRows && i == rows.end() && std::next(c) == chunks_.end()
        && rows.back().segment < row.segment) {
      c = chunks_.try_emplace(row.segment).first;
      c->second.rows.push_back(row);
      changed(c);
      return true;
    }
    rows.insert(i, row);
    changed(c);
    split(c);
    return true;
  }

  /// Removes the row that is neither less nor greater than `row`. True: it was there.
  bool erase(const Row& row) {
    auto c = chunks_.upper_bound(row.segment);
    if (c == chunks_.begin())
      return false;
    --c;
    auto& rows = open(c->first, c->second);
    auto i = std::lower_bound(rows.begin(), rows.end(), row);
    if (i == rows.end() || row < *i)
      return false;
    rows.erase(i);
    --size_;
    if (rows.empty()) {
      dirty_.erase(c->first);
      opened_.erase(c->first);
      removed_.insert(c->first);
      chunks_.erase(c);
    } else {
      changed(c);
    }
    return true;
  }

  /// The row that is neither less nor greater than `row`, or null; valid until the table changes or is flushed.
  const Row* find(const Row& row) const {
    auto c = containing(row.segment);
    if (c == chunks_.end())
      return nullptr;
    const auto& rows = open(c->first, c->second);
    auto i = std::lower_bound(rows.begin(), rows.end(), row);
    return i == rows.end() || row < *i ? nullptr : &*i;
  }

  /// Calls `f(row)` for all rows of one segment.
  template <class F>
  void each_of(std::int64_t segment, F&& f) const {
    auto c = containing(segment);
    if (c == chunks_.end())
      return;
    const auto& rows = open(c->first, c->second);
    auto i = std::partition_point(rows.begin(), rows.end(), [&](const Row& r) { return r.segment < segment; });
    for (; i != rows.end() && i->segment == segment; ++i)
      f(*i);
  }

  /// Calls `f(row)` for all rows, by order.
  template <class F>
  void each(F&& f) const {
    std::vector<Row> read;
    for (const auto& [key, c] : chunks_)
      for (const auto& row : rows_of(c, read))
        f(row);
  }

  std::size_t size() const {
    return size_;
  }

  bool empty() const {
    return size_ == 0;
  }

  /// Hands out what changed since the last flush: `put(key, rows)` and `remove(key)`. When `put` returns the message that it made of
  /// the rows, the table keeps that in their place.
  template <class Put, class Remove>
  void flush(Put&& put, Remove&& remove) {
    for (auto key : removed_)
      if (!chunks_.contains(key))
        remove(key);
    for (auto key : dirty_)
      if (auto i = chunks_.find(key); i != chunks_.end()) {
        if constexpr (std::is_void_v<std::invoke_result_t<Put&, std::int64_t, const std::vector<Row>&>>)
          put(key, i->second.rows);
        else
          i->second.sealed = put(key, i->second.rows);
      }
    for (const auto* keys : {&dirty_, &opened_})
      for (auto key : *keys)
        if (auto i = chunks_.find(key); i != chunks_.end() && !i->second.sealed.empty())
          i->second.rows = std::vector<Row>{}; // with its room
    removed_.clear();
    dirty_.clear();
    opened_.clear();
  }

  /// Calls `f(key, message)` for all chunks, for a whole publication; `encode(rows)` makes the messages of those that changed.
  template <class Encode, class F>
  void each_chunk(Encode&& encode, F&& f) const {
    for (const auto& [key, c] : chunks_)
      f(key, c.sealed.empty() ? encode(c.rows) : c.sealed);
  }

  /// The keys of all chunks.
  template <class F>
  void each_key(F&& f) const {
    for (const auto& [key, c] : chunks_)
      f(key);
  }

  /// All chunks, each read.
  std::map<std::int64_t, std::vector<Row>> chunks() const {
    std::map<std::int64_t, std::vector<Row>> all;
    std::vector<Row> read;
    for (const auto& [key, c] : chunks_)
      all[key] = rows_of(c, read);
    return all;
  }

  /// Puts back a chunk as it was published (recovery); nothing is dirty afterwards.
  void restore(std::int64_t key, std::vector<Row> rows) {
    size_ += rows.size();
    chunks_[key].rows = std::move(rows);
  }

  /// The same, as the message that it was.
  void restore(std::int64_t key, message chunk) {
    std::vector<Row> rows;
    read_rows(chunk, rows);
    if (rows.empty())
      return;
    size_ += rows.size();
    chunks_[key].sealed = std::move(chunk);
  }

private:
  struct chunk {
    mutable std::vector<Row> rows; ///< Empty: they are in `sealed` alone.
    message sealed;                ///< Empty: they changed since the last flush.
  };
  using chunk_map = std::map<std::int64_t, chunk>;

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

  std::vector<Row>& open(std::int64_t key, const chunk& c) const {
    if (c.rows.empty() && !c.sealed.empty()) {
      read_rows(c.sealed, c.rows);
      opened_.insert(key);
    }
    return c.rows;
  }

  static const std::vector<Row>& rows_of(const chunk& c, std::vector<Row>& read) {
    if (!c.rows.empty())
      return c.rows;
    read.clear();
    read_rows(c.sealed, read);
    return read;
  }

  void changed(typename chunk_map::iterator c) {
    c->second.sealed = message{};
    dirty_.insert(c->first);
  }

  void split(typename chunk_map::iterator c) {
    auto& rows = c->second.rows;
    if (rows.size() <= MostRows)
      return;
    auto middle = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() / 2);
    while (middle != rows.end() && middle->segment == std::prev(middle)->segment)
      ++middle;
    if (middle == rows.end())
      return;
    const auto upper = chunks_.try_emplace(middle->segment).first;
    upper->second.rows.assign(middle, rows.end());
    rows = std::vector<Row>(rows.begin(), middle); // without the room of the other half
    changed(upper);
  }

  chunk_map chunks_;
  std::set<std::int64_t> dirty_;
  std::set<std::int64_t> removed_;
  mutable std::set<std::int64_t> opened_; ///< Read, perhaps not changed.
  std::size_t size_ = 0;
};

} // namespace muster
