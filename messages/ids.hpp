// Strong integer identifiers: one type a noun, so that a node can never be passed where a segment is meant.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace muster {

/// A 64-bit identifier of one kind of entity. Zero means "none"; real identifiers start at 1.
template <class Tag>
struct strong_id {
  std::int64_t value = 0;

  constexpr strong_id() = default;
  constexpr explicit strong_id(std::int64_t v) : value(v) {
    // nop
  }

  /// True when this names an entity.
  constexpr explicit operator bool() const {
    return value != 0;
  }

  friend constexpr auto operator<=>(strong_id, strong_id) = default;

  friend std::string to_string(strong_id id) {
    return std::to_string(id.value);
  }
};

using collection_id = strong_id<struct collection_tag>;
using partition_id = strong_id<struct partition_tag>;
using replica_id = strong_id<struct replica_tag>;
using segment_id = strong_id<struct segment_tag>;
using node_id = strong_id<struct node_tag>;
using task_id = strong_id<struct task_tag>;
using link_id = strong_id<struct link_tag>;

/// A version of a collection's target; grows by one with each next target.
using target_version = std::int64_t;

/// A start of a coordinator; journaled, strictly growing. Nodes refuse orders of a lower one.
using epoch_number = std::uint64_t;

} // namespace muster

template <class Tag>
struct std::hash<muster::strong_id<Tag>> {
  std::size_t operator()(muster::strong_id<Tag> id) const noexcept {
    return std::hash<std::int64_t>{}(id.value);
  }
};
