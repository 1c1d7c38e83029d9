// What leader_checker concludes: routes that a delegator lacks or should forget, delegators that serve an old version.
#pragma once

#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace muster {

/// Remembers segments whose routes are not as they should be. Cost of a check: what was touched plus what is open there.
class leader_rules {
public:
  std::vector<proposal> check(const situation& s, const touched_map& touched);

  std::size_t open() const;

private:
  struct unsettled {
    std::set<std::int64_t> segments;
    std::map<std::pair<std::int64_t, std::string>, std::int64_t> leaders; ///< (replica, channel) -> node
  };

  bool check_segment(const situation& s, const collection_view& view, std::int64_t segment,
                     std::set<std::pair<std::int64_t, std::string>>& uncovered, std::vector<proposal>& out) const;

  std::map<std::int64_t, unsettled> open_;
  std::set<std::int64_t> cut_; ///< Collections with proposals over the limit; due with the next check.
};

} // namespace muster
