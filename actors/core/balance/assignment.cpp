// A scan over contiguous levels for each placement.
#include "actors/core/balance/assignment.hpp"

#include <algorithm>
#include <limits>

namespace muster {

namespace {

/// Added to the level of nodes that are taken only when there is no other.
constexpr double behind_all = 1e18;

} // namespace

balance_assignment::balance_assignment(std::vector<balance_node> nodes, const balance_settings& settings)
  : nodes_(std::move(nodes)), settings_(settings) {
  // nop
}

std::uint32_t balance_assignment::add(const balance_node& node) {
  nodes_.push_back(node);
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

void balance_assignment::leave() {
  if (!entered_)
    return;
  auto& planned = (channels_ ? planned_channels_ : planned_)[{collection_, replica_}];
  planned.clear();
  for (std::size_t i = 0; i < at_.size(); ++i)
    if (own_[i] != 0)
      planned.emplace_back(at_[i], own_[i]);
}

void balance_assignment::enter(std::int64_t collection, std::int64_t replica, const std::vector<candidate>& candidates,
                               bool channels) {
  leave();
  entered_ = true;
  channels_ = channels;
  collection_ = collection;
  replica_ = replica;
  const auto weight = channels ? channel_weights(settings_) : segment_weights(settings_);
  both_ = weight.both();
  double known = 0;
  double sum = 0;
  for (const auto& c : candidates)
    if (nodes_[c.node].memory_mb > 0) {
      sum += nodes_[c.node].memory_mb;
      ++known;
    }
  const bool weighs = settings_.policy != balance_policy::round_robin && settings_.policy != balance_policy::row_count;
  at_.clear();
  level_.clear();
  half_.clear();
  own_.clear();
  const auto& all_planned = channels ? planned_channels_ : planned_;
  const auto planned = all_planned.find({collection, replica});
  for (const auto& c : candidates) {
    double own = 0;
    if (planned != all_planned.end())
      for (const auto& [node, value] : planned->second)
        if (node == c.node)
          own = value;
    const auto& n = nodes_[c.node];
    const auto capacity = weighs && n.memory_mb > 0 ? n.memory_mb / (sum / known) : 1;
    const auto all = static_cast<double>(channels                                          ? n.channels
                                         : settings_.policy == balance_policy::round_robin ? n.segments
                                                                                           : n.rows);
    at_.push_back(c.node);
    own_.push_back(own);
    level_.push_back((weight.own * (c.own + own) + weight.all * all) / capacity + (c.last ? behind_all : 0));
    half_.push_back(both_ / (2 * capacity));
  }
}

double balance_assignment::level(std::size_t candidate) const {
  const auto x = level_.at(candidate);
  return x >= behind_all ? x - behind_all : x;
}

balance_choice balance_assignment::last() const {
  balance_choice c;
  c.score = winner_level_ >= behind_all ? winner_level_ - behind_all : winner_level_;
  if (runner_up_ != winner_) {
    c.runner_up = nodes_[at_[runner_up_]].id;
    c.runner_up_score = level_[runner_up_] >= behind_all ? level_[runner_up_] - behind_all : level_[runner_up_];
  }
  return c;
}

std::int64_t balance_assignment::place(std::int64_t rows, std::int64_t bytes) {
  if (at_.empty())
    return -1;
  const auto value = static_cast<double>(channels_ || settings_.policy == balance_policy::round_robin ? 1 : rows);
  const auto fits = [&](std::size_t i) {
    const auto& n = nodes_[at_[i]];
    return bytes <= 0 || n.memory_mb <= 0
           || static_cast<double>(n.bytes + bytes) <= n.memory_mb * 1024 * 1024 * settings_.memory_limit;
  };
  std::size_t best = 0;
  double least = level_[0] + half_[0] * value;
  double second = std::numeric_limits<double>::infinity();
  runner_up_ = 0;
  for (std::size_t i = 1; i < at_.size(); ++i) {
    const auto cost = level_[i] + half_[i] * value;
    if (cost < least) {
      second = least;
      runner_up_ = best;
      least = cost;
      best = i;
    } else if (cost < second) {
      second = cost;
      runner_up_ = i;
    }
  }
  if (!fits(best)) {
    // Rather a node that is too full than a segment that cannot be read.
    least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < at_.size(); ++i)
      if (const auto cost = level_[i] + half_[i] * value; cost < least && fits(i)) {
        least = cost;
        best = i;
      }
  }
  winner_ = best;
  winner_level_ = level_[best];
  level_[best] += 2 * half_[best] * value;
  own_[best] += value;
  auto& n = nodes_[at_[best]];
  if (channels_) {
    ++n.channels;
  } else {
    n.rows += rows;
    n.bytes += bytes;
    ++n.segments;
  }
  return at_[best];
}

} // namespace muster
