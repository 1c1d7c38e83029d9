// The chunks of one table by their keys, in leaves that its copies share: a change copies one leaf, not the table.
#pragma once

#include "messages/msg.hpp"
#include "messages/schema/state.capnp.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace muster {

/// Finding costs the log of the chunks; putting and erasing one leaf; a copy a reference for each leaf of 32 to 64 chunks.
class chunk_spine {
public:
  using chunk = msg<schema::Chunk>;
  using entry = std::pair<std::int64_t, chunk>;
  using leaf = std::vector<entry>;

  class const_iterator {
  public:
    const_iterator(const chunk_spine* spine, std::size_t leaf, std::size_t index) : spine_(spine), leaf_(leaf), index_(index) {
      // nop
    }

    const entry& operator*() const {
      return (*spine_->leaves_[leaf_])[index_];
    }

    const entry* operator->() const {
      return &**this;
    }

    const_iterator& operator++() {
      if (++index_ == spine_->leaves_[leaf_]->size()) {
        ++leaf_;
        index_ = 0;
      }
      return *this;
    }

    friend bool operator==(const const_iterator&, const const_iterator&) = default;

  private:
    const chunk_spine* spine_;
    std::size_t leaf_;
    std::size_t index_;
  };

  const_iterator begin() const {
    return {this, 0, 0};
  }

  const_iterator end() const {
    return {this, leaves_.size(), 0};
  }

  /// The chunk that holds a segment if any does, which is the last whose key is not greater; else the first chunk.
  const_iterator from(std::int64_t segment) const {
    const auto l = leaf_for(segment);
    if (l == leaves_.size())
      return end();
    const auto& rows = *leaves_[l];
    auto i = std::upper_bound(rows.begin(), rows.end(), segment, [](std::int64_t s, const entry& e) { return s < e.first; });
    return {this, l, i == rows.begin() ? 0 : static_cast<std::size_t>(i - rows.begin()) - 1};
  }

  /// The chunk that holds a segment if any does, or null.
  const chunk* containing(std::int64_t segment) const {
    const auto i = from(segment);
    return i == end() || segment < i->first ? nullptr : &i->second;
  }

  /// The chunk with this very key, or an empty one.
  chunk at(std::int64_t key) const {
    const auto i = from(key);
    return i == end() || i->first != key ? chunk{} : i->second;
  }

  void put(std::int64_t key, chunk c) {
    if (leaves_.empty()) {
      leaves_.push_back(std::make_shared<leaf>(leaf{{key, std::move(c)}}));
      return;
    }
    const auto l = leaf_for(key);
    auto fresh = *leaves_[l];
    auto i = std::lower_bound(fresh.begin(), fresh.end(), key, [](const entry& e, std::int64_t k) { return e.first < k; });
    if (i != fresh.end() && i->first == key)
      i->second = std::move(c);
    else
      fresh.emplace(i, key, std::move(c));
    if (fresh.size() > leaf_chunks) {
      const auto middle = fresh.begin() + static_cast<std::ptrdiff_t>(fresh.size() / 2);
      leaves_.insert(leaves_.begin() + static_cast<std::ptrdiff_t>(l) + 1,
                     std::make_shared<leaf>(std::make_move_iterator(middle), std::make_move_iterator(fresh.end())));
      fresh.erase(middle, fresh.end());
    }
    fresh.shrink_to_fit();
    leaves_[l] = std::make_shared<leaf>(std::move(fresh));
  }

  void erase(std::int64_t key) {
    const auto l = leaf_for(key);
    if (l == leaves_.size())
      return;
    auto fresh = *leaves_[l];
    if (std::erase_if(fresh, [&](const entry& e) { return e.first == key; }) == 0)
      return;
    if (fresh.empty())
      leaves_.erase(leaves_.begin() + static_cast<std::ptrdiff_t>(l));
    else
      leaves_[l] = std::make_shared<leaf>(std::move(fresh));
  }

  bool empty() const {
    return leaves_.empty();
  }

  void clear() {
    leaves_.clear();
  }

private:
  static constexpr std::size_t leaf_chunks = 64;

  /// The last leaf that does not begin behind `key`; the first one when all do.
  std::size_t leaf_for(std::int64_t key) const {
    auto i = std::upper_bound(leaves_.begin(), leaves_.end(), key,
                              [](std::int64_t k, const std::shared_ptr<const leaf>& l) { return k < l->front().first; });
    return i == leaves_.begin() ? 0 : static_cast<std::size_t>(i - leaves_.begin()) - 1;
  }

  std::vector<std::shared_ptr<const leaf>> leaves_; ///< None is empty.
};

} // namespace muster
