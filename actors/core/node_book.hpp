// What a node reports: its copies and delegators, what of them the next report must contain, the numbers of reports.
#pragma once

#include "actors/core/node_shard.hpp"
#include "messages/ids.hpp"
#include "messages/schema/node.capnp.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace muster {

struct reported_copy {
  segment_id segment;
  collection_id collection;
  partition_id partition;
  std::int64_t version = 0;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::uint8_t index = 0;
  std::uint64_t indexes = 0; ///< Bit i: the index with id i is loaded.
  std::uint64_t stats = 0;   ///< Bit i: the statistics of field i are loaded.
};

/// One report frame: everything in it belongs to `seq`.
struct report_page {
  struct delegator {
    shard_key key;
    shard_actions::report state;
  };
  std::uint64_t seq = 0;
  bool full = false;
  bool complete = false;
  std::vector<delegator> delegators;
  std::vector<shard_key> removed_delegators;
  std::vector<reported_copy> copies;
  std::vector<std::pair<segment_id, collection_id>> removed_copies;

  void write(schema::Report::Builder to) const;
};

/// The book of one node incarnation. Sequence numbers grow by one with each page, whatever the connection; while there
/// is none, `skip` counts as if the report had been written, and the full report that opens the next connection has all.
class node_book {
public:
  /// `entries_per_page`: limits::report_entries but for tests.
  explicit node_book(std::size_t entries_per_page);

  void put_copy(const reported_copy& copy);
  void remove_copy(segment_id segment);
  /// Applies a delegator's change (`state.whole`: replaces all that is known of it).
  void put_delegator(const shard_key& key, const shard_actions::report& state);
  void remove_delegator(const shard_key& key);

  /// True when something waits for the next report.
  bool pending() const;
  /// True when the next report is as large as a page may be: write it before noting more, so that marks stay exact.
  bool page_is_full() const;
  /// The report that will contain (or the newest that contains) all that was noted so far.
  std::uint64_t mark() const {
    return seq_ + (pending() ? 1 : 0);
  }
  /// The newest report written or skipped.
  std::uint64_t last_seq() const {
    return seq_;
  }

  /// What changed since the last report, as pages; empty when nothing did.
  std::vector<report_page> take_changes();
  /// Everything, as pages; the first is `full`, the last is `complete`.
  std::vector<report_page> take_all();
  /// The same in two: what leads, then what is held, with what was noted in between reported by the next take_changes. Between the
  /// two, marks are not exact.
  std::vector<report_page> take_shards();
  std::vector<report_page> take_copies();
  /// Nobody is there to write to: what is pending counts as reported.
  void skip();

  /// The shard of a replica that routes a segment, as far as it was noted. Cost: the replica's delegators here.
  std::optional<shard_key> router_of(collection_id collection, replica_id replica, segment_id segment) const;

  const std::map<segment_id, reported_copy>& copies() const {
    return copies_;
  }

private:
  struct delegator {
    shard_actions::report state; ///< Without its lists.
    std::map<segment_id, node_id> view;
  };
  struct dirty_delegator {
    bool whole = false;
    std::set<segment_id> segments;
  };
  class pager;

  std::size_t pending_entries() const;
  void forget_pending();
  void add_shards(pager& out) const;
  void add_copies(pager& out) const;

  std::size_t page_entries_;
  std::uint64_t seq_ = 0;
  std::map<segment_id, reported_copy> copies_;
  std::map<shard_key, delegator> delegators_;
  std::map<segment_id, collection_id> dirty_copies_;
  std::map<shard_key, dirty_delegator> dirty_delegators_;
  std::size_t dirty_segments_ = 0; ///< In all dirty delegators, those of whole views counted in full.
};

} // namespace muster
