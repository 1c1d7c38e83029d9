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
/// dropped when what it rests on changes. Leaving nodes come before evenness, channels before segments, collections take turns. A plan
/// counts every move of the plans before it, whether proposed yet or not: so plans of many collections lower one potential in turn and
/// cannot undo each other. Cost of a check: the touched collections; for those that may be uneven and are at rest their copies once a
/// plan; the tasks of those that have moves in flight.
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

  /// True when the limit of collections planned in one check was reached: some wait for another.
  bool more() const {
    return cut_;
  }

private:
  /// What a plan rests on; equal: it still holds.
  struct premise {
    std::int64_t current = 0;
    std::int64_t next = 0;
    std::vector<std::pair<std::int64_t, int>> nodes; ///< Of the replica, with their state.
    friend bool operator==(const premise&, const premise&) = default;
  };

  struct move {
    proposal what;
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
    bool drain = false;
  };

  struct plan {
    premise rests_on;
    std::deque<move> moves; ///< Still to be proposed.
  };

  /// What the loads of nodes will be beyond what the situation says.
  struct load_ahead {
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
    std::int64_t segments = 0;
    std::int64_t channels = 0;
    friend bool operator==(const load_ahead&, const load_ahead&) = default;
  };

  /// A collection whose moves are on their way.
  struct moving {
    std::vector<move> proposed; ///< Not seen as tasks yet.
    std::size_t tasks = 0;      ///< Seen.
    std::vector<std::pair<std::int64_t, load_ahead>> counted_twice; ///< Of these: what the situation counts as there and in flight.
  };

  static premise premise_of(const situation& s, const collection_view& view, const replica_row& replica);
  static bool still_so(const situation& s, const collection_view& view, const replica_row& replica, const proposal& p);
  bool due(const situation& s, const collection_view& view, const replica_row& replica) const;
  void follow(const situation& s, std::int64_t id);
  void forget(std::int64_t id);
  void make(const situation& s, const collection_view& view, const replica_row& replica, plan& out);
  void drop(plan& p);
  /// Those of the collection's replicas for which `gone` holds.
  template <class F>
  void drop_plans(std::int64_t id, F gone);
  void check_collection(const situation& s, std::int64_t id, std::vector<proposal>& out);
  void check_replica(const situation& s, const collection_view& view, const replica_row& replica, bool& settled,
                     std::vector<proposal>& out);
  void count(const move& m, int sign);
  void add(std::int64_t node, const load_ahead& load, int sign);

  balance_settings settings_;
  std::set<std::int64_t> uneven_;                ///< Collections that may be.
  std::set<std::int64_t> waiting_;               ///< Of these, those that a limit kept from proposing.
  std::map<std::int64_t, std::int64_t> current_; ///< The target that was looked at, by collection.
  std::map<std::int64_t, moving> moving_;
  bool cut_ = false;
  std::size_t in_flight_ = 0;                    ///< Moves proposed or seen, over all collections.
  std::map<std::int64_t, std::size_t> given_;    ///< Moves proposed to a node in this check.
  std::map<std::int64_t, load_ahead> ahead_;     ///< By node; those that are not zero.
  std::map<std::pair<std::int64_t, std::int64_t>, plan> plans_; ///< By collection and replica.
};

} // namespace muster
