// Why a node was chosen: the numbers that travel with a proposal.
#pragma once

#include <cstdint>

namespace muster {

/// What a choice rested on. Scores are levels: weighted load over capacity (1: the mean node), before the item goes
/// there.
struct balance_choice {
  double source_score = 0;
  double score = 0;           ///< Of the destination.
  std::int64_t runner_up = 0; ///< The next best node that was allowed; 0: there was none.
  double runner_up_score = 0;
  double gain = 0; ///< By how much the potential falls; 0 for loads and drains.

  friend bool operator==(const balance_choice&, const balance_choice&) = default;
};

} // namespace muster
