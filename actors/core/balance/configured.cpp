// From the values of settings to the parameters of the policies.
#include "actors/core/balance/configured.hpp"

#include <algorithm>

namespace muster {

balance_settings balance_settings_of(const settings& s) {
  balance_settings b;
  b.policy = balance_policy_of(s.balancer);
  b.order = balance_order_of(s.balance_trigger_order);
  b.auto_balance = s.auto_balance;
  b.auto_balance_channel = s.auto_balance_channel;
  b.stopping_balance = s.enable_stopping_balance;
  b.multiple_collections = s.enable_balance_on_multiple_collections;
  b.global_row_count_factor = s.global_row_count_factor;
  b.unbalance_toleration_factor = s.score_unbalance_toleration_factor;
  b.reverse_unbalance_toleration_factor = s.reverse_unbalance_toleration_factor;
  b.delegator_memory_overload_factor = s.delegator_memory_overload_factor;
  b.collection_channel_count_factor = s.collection_channel_count_factor;
  b.row_count_factor = s.row_count_factor;
  b.segment_count_factor = s.segment_count_factor;
  b.global_segment_count_factor = s.global_segment_count_factor;
  b.balance_cost_threshold = std::max(s.balance_cost_threshold, 1e-9); // a move without gain could be made for ever
  const auto count = [](std::int64_t n) { return static_cast<std::size_t>(n > 0 ? n : 0); };
  b.row_count_max_steps = count(s.row_count_max_steps);
  b.segment_count_max_steps = count(s.segment_count_max_steps);
  b.random_max_steps = count(s.random_max_steps);
  b.segment_batch = count(s.balance_segment_batch_size);
  b.channel_batch = count(s.balance_channel_batch_size);
  b.channel_exclusive_node_factor = count(s.channel_exclusive_node_factor);
  return b;
}

balance_settings balance_settings_of(capnp::List<schema::SettingValue>::Reader values) {
  setting_table table;
  for (auto v : values) {
    // Whoever was given the value has checked it.
    [[maybe_unused]] const auto kept = table.set(view(v.getKey()), view(v.getValue()), setting_origin::runtime);
  }
  return balance_settings_of(table.values());
}

std::vector<std::pair<std::string, std::string>> given_settings(const setting_table& table) {
  std::vector<std::pair<std::string, std::string>> given;
  for (const auto& spec : setting_specs())
    if (table.origin(spec) != setting_origin::fallback)
      given.emplace_back(spec.key, table.value(spec));
  return given;
}

} // namespace muster
