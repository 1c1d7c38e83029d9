// What a step says to its node: proposals against the situation, written as orders.
#pragma once

#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"

#include <cstdint>

namespace muster {

/// Writes the order of a step whose premise just held in this situation. Cost: what the order names; sync_target and move_shard
/// name every segment of their channel.
void write_order(const proposal& p, std::uint8_t step, std::int64_t task, const situation& s, schema::Order::Builder out);

} // namespace muster
