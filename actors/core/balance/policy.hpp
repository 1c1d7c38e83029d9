// The policies of balance and all their parameters, with the defaults of the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace muster {

/// What a placement is judged by. All run over one engine (planner.hpp); they differ in the potential that it lowers.
enum class balance_policy : std::uint8_t {
  round_robin = 1, ///< numbers of segments and channels; places and drains, never moves for evenness
  row_count = 2,   ///< rows of the collection and of all collections, alike
  score = 3, ///< rows of the collection, those of all weighted by a factor; shares by memory; overhead of delegators
  multi_target = 4,        ///< a weighted cost of rows and numbers, of the replica and of the cluster
  channel_level_score = 5, ///< score, with nodes of its own for each channel where there are enough
};

/// The model's name of a policy: "ScoreBasedBalancer", ...
std::string_view to_string(balance_policy p);

/// The policy of a name; an unknown one is score.
balance_policy balance_policy_of(std::string_view name);

enum class balance_order : std::uint8_t { by_row_count = 1, by_collection_id = 2 };

/// "ByRowCount" or "ByCollectionID" in any letter case; anything else is by_row_count.
balance_order balance_order_of(std::string_view name);

/// Everything that may be set. Batches count what is proposed for one collection at a time; a batch of n gives n.
struct balance_settings {
  balance_policy policy = balance_policy::score;
  balance_order order = balance_order::by_row_count;
  bool auto_balance = true;         ///< Moves for evenness at all.
  bool auto_balance_channel = true; ///< Moves of channels for evenness.
  bool stopping_balance = true;     ///< Drains.
  bool multiple_collections = true; ///< Collections may be balanced at the same time.

  double global_row_count_factor = 0.1;             ///< Weight of all collections' rows against the collection's own.
  double unbalance_toleration_factor = 0.05;        ///< Gaps up to this share of the mean level are left alone.
  double reverse_unbalance_toleration_factor = 1.3; ///< A gap that a move turns round must shrink by this factor.
  double delegator_memory_overload_factor = 0.1;    ///< What leading a channel weighs, in shares of a node.
  double collection_channel_count_factor = 10;      ///< Weight of the collection's own channels against others'.

  double row_count_factor = 0.4; ///< multi_target: rows of the replica, numbers of the replica, numbers of all.
  double segment_count_factor = 0.4;
  double global_segment_count_factor = 0.1;
  double balance_cost_threshold = 0.001; ///< multi_target: a move must lower the cost by as much.
  std::size_t row_count_max_steps = 50;  ///< multi_target: moves of one plan, together.
  std::size_t segment_count_max_steps = 50;
  std::size_t random_max_steps = 10;

  std::size_t segment_batch = 5;
  std::size_t channel_batch = 1;
  std::size_t channel_exclusive_node_factor =
    4;                       ///< channel_level_score: nodes for each channel from which on it gets its own.
  double memory_limit = 0.9; ///< Share of a node's memory that moves may fill.

  friend bool operator==(const balance_settings&, const balance_settings&) = default;
};

/// Weights of a quadratic potential: of the group's own load and of all load on a node.
struct load_weights {
  double own = 1;
  double all = 0;

  double both() const {
    return own + all;
  }
};

/// For multi_target: those of the quadratic potential that places and drains.
load_weights segment_weights(const balance_settings& s);
load_weights channel_weights(const balance_settings& s);

} // namespace muster
