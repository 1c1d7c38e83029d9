// Choosing nodes for loads: where an item adds least to the potential of the policy, counting what was planned before
// in the same round.
#pragma once

#include "actors/core/balance/choice.hpp"
#include "actors/core/balance/cluster.hpp"
#include "actors/core/balance/policy.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace muster {

/// One round of choices over the nodes of a cluster; each choice counts for the ones after it, of whatever replica.
/// Ties go to the node that comes first.
class balance_assignment {
public:
  struct candidate {
    std::uint32_t node = 0; ///< Index into the cluster's nodes.
    double own = 0;         ///< Rows or channels of the collection there, in flight counted, planned not.
    bool last = false;      ///< Only when no other node is left: it fails what it is given.
  };

  balance_assignment(std::vector<balance_node> nodes, const balance_settings& settings);

  /// One more node; returns its index. So who chooses among few of many nodes need not name all.
  std::uint32_t add(const balance_node& node);

  /// The following placements are for this replica of a collection; `candidates` are its usable read-write nodes, by
  /// node. Cost: the candidates.
  void enter(std::int64_t collection, std::int64_t replica, const std::vector<candidate>& candidates, bool channels);
  bool entered(std::int64_t collection, std::int64_t replica, bool channels) const {
    return entered_ && collection_ == collection && replica_ == replica && channels_ == channels;
  }

  /// The index of the node that takes it, counted there; -1: there is no candidate. Cost: the candidates, a few
  /// nanoseconds each.
  std::int64_t place(std::int64_t rows, std::int64_t bytes);

  /// What the last placement rested on.
  balance_choice last() const;

  /// The level of a candidate of those entered, by its place among them: what is compared, before the next item goes there.
  double level(std::size_t candidate) const;

  const balance_node& node(std::uint32_t index) const {
    return nodes_[index];
  }

private:
  void leave();

  std::vector<balance_node> nodes_; ///< With what was planned.
  balance_settings settings_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::pair<std::uint32_t, double>>>
    planned_; ///< Segments' own, by replica.
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::pair<std::uint32_t, double>>> planned_channels_;

  bool entered_ = false;
  bool channels_ = false;
  std::int64_t collection_ = 0;
  std::int64_t replica_ = 0;
  double both_ = 1;
  std::vector<std::uint32_t> at_; ///< Of the candidates: node, level, half the weight of a row, own planned.
  std::vector<double> level_;
  std::vector<double> half_;
  std::vector<double> own_;
  std::size_t winner_ = 0;
  std::size_t runner_up_ = 0; ///< The same as winner_: there was none.
  double winner_level_ = 0;
};

} // namespace muster
