// The rules that every journal follows, whatever its storage: what may be appended, and how rows become a state again.
#pragma once

#include "persistence/journal.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// Why `rows` may not follow `last_seq` (gap, too many, too large), for people; empty when they may.
std::string reason_to_refuse(const std::vector<journal_row>& rows, std::uint64_t last_seq);

/// A row as it was read, with the checksum that stands beside it.
struct stored_row {
  journal_row row;
  std::uint64_t checksum = 0;

  bool intact() const {
    return row_checksum(row) == checksum;
  }
};

/// What is to be said about a damaged row.
bad_record checksum_damage(const journal_row& row);
/// What is to be said about rows `from` to `to`, which are not there.
bad_record gap_damage(std::uint64_t from, std::uint64_t to);

/// Turns snapshot rows and then log rows into a state. A damaged row is reported and left out, so the previous good
/// value of its key stands.
class replay {
public:
  explicit replay(std::uint64_t folded_seq);

  void add_snapshot(stored_row read);
  /// In order of seq.
  void add_log(stored_row read);
  void add_damage(bad_record what);

  journal_state finish() &&;

private:
  std::map<std::pair<record_kind, std::string>, journal_row> live_;
  std::vector<bad_record> bad_;
  std::uint64_t in_order_; ///< The newest row that was in its place.
  std::uint64_t highest_; ///< The highest seq ever seen, damaged rows included: the next one must not collide.
};

} // namespace muster
