// What failed a moment ago: keys that wait before they are tried again, nodes to avoid, what to tell who asks for a collection.
#pragma once

#include "actors/core/change_set.hpp"
#include "actors/core/rows.hpp"
#include "actors/core/task.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// Every part of it is bounded by a named limit; costs are logarithmic in that. Times as in task_table.
class failure_memory {
public:
  using key = std::pair<task_key, schema::TaskKind>;

  // -- keys: from limits::retry_first, doubling up to limits::retry_longest ----------

  /// Returns a key that was forgotten to make room (limits::remembered_failures), so that its proposer can be told.
  std::optional<task_key> failed(const key& k, std::int64_t now);
  void succeeded(const key& k);
  bool backs_off(const key& k, std::int64_t now) const;
  /// Keys whose wait is over by now; a key whose wait was over for twice as long is forgotten, and so are nodes in time.
  std::vector<task_key> wake(std::int64_t now);
  std::optional<std::int64_t> next_time() const;
  std::size_t keys() const {
    return keys_.size();
  }

  // -- nodes: forgotten after a success, or limits::retry_longest after the last failure ----

  void node_failed(std::int64_t node, std::int64_t now);
  void forget_node(std::int64_t node);
  /// Orders in a row that nodes failed.
  std::map<std::int64_t, std::uint32_t> failing_nodes() const;
  /// True when they are others than at the last call.
  bool take_nodes_changed() {
    return std::exchange(nodes_changed_, false);
  }

  // -- collections --------------------------------------------------------------------

  /// No error stores nothing; neither do channel_not_found and too_many_requests, which pass by themselves.
  void remember(std::int64_t collection, const failure& why, std::int64_t now);
  /// The most frequent one first.
  std::vector<load_failure> of(std::int64_t collection, std::int64_t now) const;
  void forget(std::int64_t collection);
  /// Drops what is older than limits::load_failures_age. Cost: collections that failed.
  void expire(std::int64_t now);
  /// Chunks of collections whose failures changed since the last call; none left: removed.
  void take_changes(change_set& into);

private:
  struct record {
    std::int64_t not_before = 0;
    std::int64_t wait = 0;
    bool waking = true; ///< Its key is still to be woken at not_before; else it is forgotten 2 waits later.

    std::int64_t due() const {
      return waking ? not_before : not_before + 2 * wait;
    }
  };

  std::map<key, record> keys_;
  std::set<std::pair<std::int64_t, key>> due_;
  std::map<std::int64_t, std::pair<std::uint32_t, std::int64_t>> nodes_; ///< Failures in a row, when to forget them.
  std::set<std::pair<std::int64_t, std::int64_t>> nodes_due_;
  bool nodes_changed_ = false;
  std::map<std::int64_t, std::map<ec, load_failure>> collections_;
  std::set<std::int64_t> changed_;
};

} // namespace muster
