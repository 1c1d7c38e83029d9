// Kinds of durable records and the form in which recovery hands them over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

/// What a row is about. Numbers are frozen.
enum class record_kind : std::uint16_t {
  epoch = 1,
  allocator = 2,
  node = 3,
  collection = 4,
  target_head = 5,
  target_segments = 6,
  setting = 7,
  resource_group = 8,
  checker = 9,        ///< One that is switched off.
  suspended_node = 10,
};

/// A row of the recovered state: the newest put of its (kind, key) that no delete followed.
struct journal_entry {
  record_kind kind = record_kind::epoch;
  std::string key;
  std::string payload;
};

/// The stable name of a kind; "unknown" for a number not in the list.
std::string_view to_string(record_kind kind);

} // namespace muster
