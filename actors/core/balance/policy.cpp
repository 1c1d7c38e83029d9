// Names and weights of the policies.
#include "actors/core/balance/policy.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace muster {

std::string_view to_string(balance_policy p) {
  switch (p) {
    case balance_policy::round_robin:
      return "RoundRobinBalancer";
    case balance_policy::row_count:
      return "RowCountBasedBalancer";
    case balance_policy::score:
      return "ScoreBasedBalancer";
    case balance_policy::multi_target:
      return "MultipleTargetBalancer";
    case balance_policy::channel_level_score:
      return "ChannelLevelScoreBalancer";
  }
  return "ScoreBasedBalancer";
}

balance_policy balance_policy_of(std::string_view name) {
  for (auto p : {balance_policy::round_robin, balance_policy::row_count, balance_policy::multi_target,
                 balance_policy::channel_level_score})
    if (name == to_string(p))
      return p;
  return balance_policy::score;
}

balance_order balance_order_of(std::string_view name) {
  std::string lower{name};
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower == "bycollectionid" ? balance_order::by_collection_id : balance_order::by_row_count;
}

load_weights segment_weights(const balance_settings& s) {
  switch (s.policy) {
    case balance_policy::round_robin:
    case balance_policy::row_count:
      return {1, 1};
    default:
      return {1, std::max(0.0, s.global_row_count_factor)};
  }
}

load_weights channel_weights(const balance_settings& s) {
  switch (s.policy) {
    case balance_policy::round_robin:
    case balance_policy::row_count:
      return {1, 1};
    default: // a channel weighs `factor` beside its own kind and 1 beside others
      return {std::max(1.0, s.collection_channel_count_factor) - 1, 1};
  }
}

} // namespace muster
