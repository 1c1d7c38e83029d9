// What balance_checker concludes: moves that drain leaving nodes and even out the others, by the policy that is set.
#pragma once

#include "actors/core/balance/planner.hpp"
#include "actors/core/balance/policy.hpp"
#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace muster {

/// Plans are made for a whole replica and proposed in batches, the next when the tasks of the one before have ended; a plan is
/// dropped when what it rests on changes. Leaving nodes come before evenness, channels before segments, collections
/// take turns. Cost of a check: the tasks of the touched collections, and for those that may be uneven and are at rest their copies
/// once a plan.
class balance_rules {
public:
  explicit balance_rules(const balance_settings& settings = {}) : settings_(settings) {
    // nop
  }

  /// Other settings from now on; every collection may be uneven by them. Cost: the collections.
  void configure(const balance_settings& settings, const situation& s);

  const balance_settings& settings() const {
    return settings_;
  }

  std::vector<proposal> check(const situation& s, const touched_map& touched);

private:
  /// What a plan rests on; equal: it still holds.
  struct premise {
    std::int64_t current = 0;
    std::int64_t next = 0;
    std::vector<std::pair<std::int64_t, int>> nodes; ///< Of the replica, with their state.
    friend bool operator==(const premise&, const premise&) = default;
  };

  struct plan {
    premise rests_on;
    std::deque<proposal> moves; ///< Still to be proposed.
  };

  static premise premise_of(const situation& s, const collection_view& view, const replica_row& replica);
  void make(const situation& s, const collection_view& view, const replica_row& replica, plan& out) const;
  void check_collection(const situation& s, std::int64_t id, std::vector<proposal>& out);
  bool still_so(const situation& s, const collection_view& view, const replica_row& replica, const proposal& p) const;

  balance_settings settings_;
  std::set<std::int64_t> uneven_;                ///< Collections that may be.
  std::set<std::int64_t> waiting_;               ///< Of these, those that a limit kept from proposing.
  std::map<std::int64_t, std::int64_t> current_; ///< The target that was looked at, by collection.
  std::map<std::int64_t, std::size_t> moves_;    ///< Moves in flight, by collection.
  std::size_t in_flight_ = 0;
  std::map<std::int64_t, std::size_t> given_;    ///< Moves proposed to a node in this check.
  std::map<std::pair<std::int64_t, std::int64_t>, plan> plans_; ///< By collection and replica.
};

} // namespace muster
