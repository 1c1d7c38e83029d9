// What channel_checker concludes: channels that a replica lacks, delegators that nobody needs.
#pragma once

#include "actors/core/anti_entropy.hpp"
#include "actors/core/placing.hpp"
#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace muster {

/// Looks at all channels of each touched collection (they are few) and remembers where something was to be done, so that the slow
/// walk can tell what no change told. Cost of a check: delegators and channels of the touched collections; a lacking channel costs
/// its segments once, because one order brings them all.
class channel_rules {
public:
  /// At most some more than limits::proposals_per_batch proposals; collections that this cuts off come with the next check.
  std::vector<proposal> check(const situation& s, const touched_map& touched);

  /// True when the limit cut something off.
  bool more() const {
    return !cut_.empty();
  }

  /// See anti_entropy.hpp. Cost: the collection's delegators and channels, whatever the number of its segments.
  std::optional<std::int64_t> sweep(const situation& s, std::int64_t collection, std::int64_t from, std::size_t most,
                                    sweep_findings& found);

  /// Collections whose channels were not as they should be when they were last looked at.
  std::size_t open() const {
    return open_.size();
  }

  /// How nodes are chosen from now on.
  void configure(const balance_settings& settings, const situation&) {
    settings_ = settings;
  }

private:
  balance_settings settings_;
  std::set<std::int64_t> open_;
  std::set<std::int64_t> cut_;
};

} // namespace muster
