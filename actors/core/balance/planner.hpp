// The engine of balance: the moves that lower a policy's potential, and why each.
#pragma once

#include "actors/core/balance/choice.hpp"
#include "actors/core/balance/cluster.hpp"
#include "actors/core/balance/policy.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace muster {

/// How far a placement is from what a policy wants; less is better, compared from the top. One function for the whole
/// cluster: whatever replica a move belongs to, it lowers this.
struct balance_potential {
  std::int64_t channels_misplaced = 0; ///< On nodes that they must leave.
  std::int64_t segments_misplaced = 0;
  double channels = 0;
  double segments = 0;

  friend std::partial_ordering operator<=>(const balance_potential&, const balance_potential&) = default;
};

balance_potential potential_of(const balance_cluster& c, const balance_settings& s);

struct balance_move {
  std::uint32_t group = 0;
  bool channel = false;
  bool drain = false;     ///< Off a node that the item must leave.
  std::uint32_t item = 0; ///< Index into the group's channels or segments.
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  balance_choice why;
};

/// The moves that policy `s` wants, in an order in which the potential falls strictly with each, drains first, no item
/// twice. While channels are to move there are none of segments: they come when it is planned again. Made to the end, a
/// plan leaves nothing to plan of its kind. About `most` moves at most, beside drains. Cost: the items of the groups,
/// sorted once a node, then for each move the nodes of its replica.
std::vector<balance_move> plan_balance(const balance_cluster& c, const balance_settings& s,
                                       std::size_t most = SIZE_MAX);

/// Puts the item of a move where it belongs after it, in all sums.
void apply(balance_cluster& c, const balance_move& m);

struct node_score {
  std::int64_t node = 0;
  balance_verdict verdict = balance_verdict::accepted;
  double score = 0;
};

/// Every node's verdict and score for one item: the whole list behind a choice. Cost: the nodes and the group.
std::vector<node_score> scores_of(const balance_cluster& c, const balance_settings& s, std::uint32_t group,
                                  bool channel, std::uint32_t item);

/// The share of evenness that is missing: 0 as even as whole numbers can be, 1 all on one node (multi_target).
double spread_cost(const std::vector<double>& loads);

} // namespace muster
