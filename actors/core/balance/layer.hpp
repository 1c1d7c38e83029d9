// One kind of item (channels or segments) of one replica during planning: loads, items by node, the best next move.
#pragma once

#include "actors/core/balance/cluster.hpp"
#include "actors/core/balance/planner.hpp"
#include "actors/core/balance/policy.hpp"

#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

namespace muster {

/// Loads of all collections by node, which the layers of all groups share and change.
struct shared_loads {
  std::vector<double> capacity; ///< By node; the mean of the known memories is 1.
  std::vector<double> rows;     ///< For round_robin: numbers.
  std::vector<double> counts;
  std::vector<double> channels;
  std::vector<double> bytes;
  std::vector<double> bytes_limit; ///< 0: none.
  std::vector<bool> usable;

  shared_loads(const balance_cluster& c, const balance_settings& s);
};

/// A load as multi_target sees it: the terms of spread_cost that a move changes.
struct spread_metric {
  double mean = 0;
  double scale = 0; ///< Weight over (worst - best); 0: nothing can get better.

  spread_metric() = default;
  spread_metric(double weight, double total, std::size_t nodes);
  /// The change of the cost when `v` goes from a node with `from` to one with `to`.
  double change(double from, double to, double v) const;
};

/// Cost: items once; each question about moves the nodes of the replica.
class group_layer {
public:
  struct item {
    std::int64_t value = 0; ///< Rows; 1 for channels and numbers.
    std::int64_t bytes = 0;
    std::uint16_t cls = 0; ///< Channel, where channels have nodes of their own; else 0.
    bool movable = false;
    std::int32_t start = -1; ///< Local index of the writer; -1: on another node.
    std::int32_t at = -1;
    std::uint32_t origin = 0; ///< Node at the start.
    std::uint32_t turn = 0;   ///< Counts puts of the layer: when it was put last.
  };

  struct step {
    std::uint32_t item = 0;
    std::uint32_t to = 0; ///< Local index.
    double gain = 0;
  };

  group_layer(shared_loads& shared, const balance_group& group, const balance_settings& settings, bool channels);

  std::uint32_t node(std::size_t local) const {
    return writers_[local];
  }

  std::size_t size() const {
    return writers_.size();
  }

  const std::vector<item>& items() const {
    return items_;
  }

  /// True when the item is where it must not stay.
  bool misplaced(std::uint32_t item) const;
  /// Puts every misplaced movable item where it adds least, the largest first; those without an allowed node stay.
  /// Returns the steps.
  std::vector<step> drain();
  /// Takes the means of multi_target anew; due after drains of any group.
  void measure();
  /// The allowed node where the item adds least; nothing: none is allowed.
  std::optional<std::uint32_t> cheapest(std::uint32_t item) const;
  /// The move that lowers the potential most, of those that lower it by more than the hysteresis; with `any`, of all
  /// that lower it.
  std::optional<step> best(bool any = false);
  /// By how much putting the item there lowers the potential.
  double gain_of(std::uint32_t item, std::uint32_t to) const;
  /// Whether a move lowers it by more than the hysteresis.
  bool worth(std::uint32_t item, std::uint32_t to) const;
  void put(std::uint32_t item, std::int32_t to);
  /// Makes fewer moves out of those that are worth their potential. True: something changed.
  bool shorten();
  /// The same by trying all placements with fewer moves, as long as these are few: first with what is drained where it is, then with
  /// that elsewhere too. Only such as can be reached by moves that are worth it each. True: something changed.
  bool shorten_exactly();
  balance_verdict verdict(std::uint32_t item, std::uint32_t to) const;
  double level(std::size_t local) const;

private:
  using row = std::tuple<std::int64_t, bool,
                         std::uint32_t>; ///< value, at its start, item: what has moved already moves on for nothing

  row row_of(std::uint32_t item) const;

  std::vector<double>& all() {
    return channels_ ? shared_.channels : shared_.rows;
  }
  const std::vector<double>& all() const {
    return channels_ ? shared_.channels : shared_.rows;
  }
  bool allowed(std::uint16_t cls, std::size_t local) const {
    return exclusive_.empty() || exclusive_[cls][local];
  }
  struct search;
  bool try_moves(search& s, std::size_t from, std::size_t left, double gain);
  bool try_drains(search& s, const std::vector<std::uint32_t>& free, std::size_t next, std::size_t left, double gain);
  bool orderly(const search& s);
  void list_items();
  void listed(std::uint32_t item, std::int32_t at, bool there);
  std::optional<step> best_quadratic(bool any);
  std::optional<step> best_spread(bool any);
  double spread_gain(std::uint32_t item, std::uint32_t from, std::uint32_t to) const;
  /// By how much of the gap the items small enough to be worth it could close it, all together.
  double closable(std::uint32_t from, std::uint32_t to, double gap) const;
  void offer(std::uint32_t from, std::uint32_t to, std::uint16_t cls, double gap, bool any, step& best) const;

  shared_loads& shared_;
  const balance_settings& settings_;
  bool channels_ = false;
  bool spread_ = false; ///< Judged by the costs of multi_target.
  load_weights weight_;
  std::vector<std::uint32_t> writers_;
  std::vector<double> capacity_;
  std::vector<double> own_;                  ///< With the overhead of delegators.
  std::vector<double> counts_;               ///< multi_target: numbers.
  std::vector<std::vector<bool>> exclusive_; ///< By channel and writer.
  std::vector<item> items_;
  std::uint32_t turns_ = 0;
  std::vector<std::vector<std::vector<row>>>
    lists_;                    ///< By writer and class, movable items of some value, sorted; empty: not made yet.
  std::vector<double> listed_; ///< Sum of the values in them, by writer.
  spread_metric own_rows_, own_counts_, all_rows_, all_counts_;
};

} // namespace muster
