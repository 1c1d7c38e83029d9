// What channel_checker concludes: channels that a replica lacks, delegators that nobody needs.
#pragma once

#include "actors/core/placing.hpp"
#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"

#include <vector>

namespace muster {

/// Looks at all channels of each touched collection (they are few). Cost: delegators and channels of the touched collections; a
/// lacking channel costs its segments once, because one order brings them all.
std::vector<proposal> check_channels(const situation& s, const touched_map& touched);

} // namespace muster
