// Placing and draining at full size, with checks of the results that share nothing with the code under test.
#pragma once

#include "actors/core/placing.hpp"
#include "tests/unit/situation_builder.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace muster::bench {

/// Collections in 2 replicas, one on the odd and one on the even nodes, to be placed by score with every hard constraint through the
/// entry of segment_checker.
class placing_case {
public:
  placing_case(std::int64_t collections, std::int64_t segments, std::int64_t nodes);

  void place();

  /// Each once in each replica, on a node of that replica, and as even as the largest segment allows, by collection and in all.
  /// Throws std::runtime_error otherwise.
  void verify() const;

  std::size_t placed() const;

private:
  world w_;
  std::int64_t collections_;
  std::vector<std::vector<std::int64_t>> halves_;
  std::vector<std::vector<std::vector<wanted_segment>>> wanted_; ///< By replica, then by collection.
};

/// A node that stops with 10,000 segments of 400 collections, every collection on four nodes.
class drain_case {
public:
  static constexpr std::size_t moves = 10'000;

  drain_case();

  /// How many moves off the node the plans of all collections have.
  std::size_t plan() const;

private:
  world w_;
  touched_map touched_;
};

} // namespace muster::bench
