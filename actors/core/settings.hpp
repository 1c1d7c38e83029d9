// Every setting of a coordinator: its name, type, unit, default and bounds, and the values in force with where they came from.
#pragma once

#include "messages/limits.hpp"
#include "messages/result.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// The values that the rules read. A field is what its setting says now; the defaults are the model's where it has one.
struct settings {
  std::string balancer = "ScoreBasedBalancer";
  bool auto_balance = true;
  bool auto_balance_channel = true;
  bool enable_stopping_balance = true;
  bool enable_balance_on_multiple_collections = true;
  std::string balance_trigger_order = "ByRowCount";
  std::int64_t balance_segment_batch_size = 5;
  std::int64_t balance_channel_batch_size = 1;
  double global_row_count_factor = 0.1;
  double score_unbalance_toleration_factor = 0.05;
  double reverse_unbalance_toleration_factor = 1.3;
  double delegator_memory_overload_factor = 0.1;
  double collection_channel_count_factor = 10;
  double row_count_factor = 0.4;
  double segment_count_factor = 0.4;
  double global_segment_count_factor = 0.1;
  std::int64_t row_count_max_steps = 50;
  std::int64_t segment_count_max_steps = 50;
  std::int64_t random_max_steps = 10;
  double balance_cost_threshold = 0.001;
  std::int64_t channel_exclusive_node_factor = 4;
  std::int64_t task_execution_cap = 256;
  double query_node_task_parallelism_factor = 1;
  std::chrono::milliseconds segment_task_timeout{120'000};
  std::chrono::milliseconds channel_task_timeout{60'000};
  std::chrono::milliseconds load_timeout{600'000};
  std::int64_t collection_recover_times = 3;
  std::chrono::milliseconds update_collection_load_status_interval{300'000};
  std::chrono::milliseconds broker_timeout{5'000};
  bool enable_resource_group_auto_recover = true;
  std::int64_t cluster_level_load_replica_number = 0;      ///< 0: not set
  std::vector<std::string> cluster_level_load_resource_groups; ///< empty: not set
  std::int64_t max_resource_groups = 1'024;
  std::chrono::milliseconds node_gone = limits::node_gone;

  friend bool operator==(const settings&, const settings&) = default;
};

enum class setting_type { boolean, integer, number, text, choice, list };

/// What setting a value does.
enum class setting_use {
  at_once,          ///< The rules read it; a change at run time counts from the next decision on.
  at_start,         ///< Read once when the coordinator starts.
  driven_by_change, ///< A poll interval of the model; Muster acts when something changed, so there is nothing to set.
  unused_in_model,  ///< The model reads it nowhere either.
  other_part,       ///< Belongs to a part of the model that Muster does not have.
  later_version,    ///< Known, and without effect in this version.
};

/// Where a value came from, least binding first: a change at run time is journaled and outlives restarts.
enum class setting_origin { fallback, file, environment, flag, runtime };

struct setting_spec {
  std::string_view key;  ///< As in the model's configuration, from `queryCoord.` on, or Muster's own.
  setting_type type;
  std::string_view unit; ///< "ms", "s", ...; empty: none
  std::string_view fallback;
  double lowest;
  double highest;
  std::string_view choices; ///< Comma separated, for a choice.
  setting_use use;
  std::string_view meaning;
};

/// All of them, by key.
std::span<const setting_spec> setting_specs();

/// The spec of a key, letters of any case; null: unknown.
const setting_spec* find_setting(std::string_view key);

/// The word for it in listings: "active", "at start", "ignored: driven by change", ...
std::string_view to_string(setting_use use);
/// "default", "file", "environment", "flag", "run time".
std::string_view to_string(setting_origin origin);

/// The known key that differs in the fewest letters. Cost: all keys; for error messages.
std::string_view nearest_setting(std::string_view key);

/// The environment variable that sets a key: MUSTER_ and the key in capitals, a dot becomes an underscore.
std::string setting_variable(std::string_view key);

/// The values in force. Refuses whatever a rule could not work with, naming the nearest that would do.
class setting_table {
public:
  /// Sets a value. parameter_invalid: unknown key (with the nearest one) or a value outside of its bounds (with them).
  /// Returns the value as it is kept, trimmed and in the words of the table.
  result<std::string> set(std::string_view key, std::string_view value, setting_origin origin);

  /// Takes back what `origin` set; the next less binding value counts again. True when there was one.
  bool reset(std::string_view key, setting_origin origin);

  /// The value in force, as text in the setting's unit.
  std::string value(const setting_spec& spec) const;
  setting_origin origin(const setting_spec& spec) const;

  /// What the rules read.
  const settings& values() const {
    return values_;
  }

  /// Settings that were given a value but are without effect; each is worth one warning at the start.
  std::vector<const setting_spec*> ignored() const;

private:
  void derive();

  std::map<std::string_view, std::map<setting_origin, std::string>> given_; ///< by the spec's key
  settings values_;
};

} // namespace muster
