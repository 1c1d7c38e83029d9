// The table of settings, and how a text becomes a value.
#include "actors/core/settings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

namespace muster {

namespace {

using type = setting_type;
using use = setting_use;

constexpr double most = 1e12;

constexpr setting_spec flag(std::string_view key, std::string_view fallback, use u, std::string_view meaning) {
  return {key, type::boolean, "", fallback, 0, 0, "", u, meaning};
}

constexpr setting_spec whole(std::string_view key, std::string_view fallback, std::string_view unit, double lowest,
                             double highest, use u, std::string_view meaning) {
  return {key, type::integer, unit, fallback, lowest, highest, "", u, meaning};
}

constexpr setting_spec real(std::string_view key, std::string_view fallback, double lowest, double highest, use u,
                            std::string_view meaning) {
  return {key, type::number, "", fallback, lowest, highest, "", u, meaning};
}

constexpr setting_spec poll(std::string_view key, std::string_view fallback, std::string_view unit) {
  return {key, type::number, unit, fallback, 0, most, "", use::driven_by_change, "a poll interval of the model"};
}

constexpr setting_spec unused(std::string_view key, std::string_view fallback, std::string_view unit = "") {
  return {key, type::text, unit, fallback, 0, 0, "", use::unused_in_model, "read nowhere in the model either"};
}

constexpr setting_spec foreign(std::string_view key, std::string_view fallback, std::string_view instead) {
  return {key, type::text, "", fallback, 0, 0, "", use::other_part, instead};
}

constexpr auto balancers = "RoundRobinBalancer,RowCountBasedBalancer,ScoreBasedBalancer,MultipleTargetBalancer,"
                           "ChannelLevelScoreBalancer";

// A setting becomes at_once with the rule that reads it; until then whoever sets it is told that it has no effect yet.
constexpr std::array specs{
    flag("queryCoord.autoBalance", "true", use::at_once, "whether loaded collections are balanced"),
    flag("queryCoord.autoBalanceChannel", "true", use::at_once, "whether channels are balanced too"),
    flag("queryCoord.autoHandoff", "true", use::unused_in_model, "read nowhere in the model either"),
    poll("queryCoord.autoBalanceInterval", "3000", "ms"),
    real("queryCoord.balanceCostThreshold", "0.001", 0, 1, use::at_once, "multi target: the least gain of a move"),
    unused("queryCoord.balanceIntervalSeconds", "60", "s"),
    whole("queryCoord.balanceChannelBatchSize", "1", "", 1, 10'000, use::at_once, "channel moves of one plan"),
    whole("queryCoord.balanceSegmentBatchSize", "5", "", 1, 10'000, use::at_once, "segment moves of one plan"),
    setting_spec{"queryCoord.balanceTriggerOrder", type::choice, "", "ByRowCount", 0, 0, "ByRowCount,ByCollectionID", use::at_once,
     "which collection is balanced first"},
    setting_spec{"queryCoord.balancer", type::choice, "", "ScoreBasedBalancer", 0, 0, balancers, use::at_once,
     "the policy that places and moves"},
    whole("queryCoord.brokerTimeout", "5000", "ms", 1, 3'600'000, use::later_version, "deadline of a request to the data source"),
    whole("queryCoord.channelExclusiveNodeFactor", "4", "", 1, 4'096, use::at_once,
          "nodes for each channel from which channels get nodes of their own"),
    whole("queryCoord.channelTaskTimeout", "60000", "ms", 1, 3'600'000, use::later_version, "deadline of a channel task"),
    poll("queryCoord.checkAutoBalanceConfigInterval", "10", "s"),
    poll("queryCoord.checkBalanceInterval", "300", "ms"),
    poll("queryCoord.checkChannelInterval", "1000", "ms"),
    poll("queryCoord.checkExecutedFlagInterval", "100", "ms"),
    poll("queryCoord.checkHandoffInterval", "5000", "ms"),
    poll("queryCoord.checkHealthInterval", "3000", "ms"),
    unused("queryCoord.checkHealthRPCTimeout", "2000", "ms"),
    poll("queryCoord.checkIndexInterval", "10000", "ms"),
    poll("queryCoord.checkInterval", "1000", "ms"),
    poll("queryCoord.checkNodeInReplicaInterval", "60", "s"),
    poll("queryCoord.checkNodeSessionInterval", "60", "s"),
    poll("queryCoord.checkResourceGroupInterval", "10", "s"),
    poll("queryCoord.checkSegmentInterval", "1000", "ms"),
    whole("queryCoord.clusterLevelLoadReplicaNumber", "0", "", 0, limits::replicas, use::at_once,
          "replicas of a load that names none; 0: one"),
    setting_spec{"queryCoord.clusterLevelLoadResourceGroups", type::list, "", "", 0, 0, "", use::at_once,
     "resource groups of a load that names none"},
    whole("queryCoord.collectionBalanceChannelBatchSize", "1", "", 1, 10'000, use::at_once,
          "counts where balanceChannelBatchSize is not set"),
    whole("queryCoord.collectionBalanceSegmentBatchSize", "5", "", 1, 10'000, use::at_once,
          "counts where balanceSegmentBatchSize is not set"),
    real("queryCoord.collectionChannelCountFactor", "10", 1, 1e6, use::at_once,
         "weight of a channel of the collection itself; 1: like any other"),
    poll("queryCoord.collectionObserverInterval", "200", "ms"),
    whole("queryCoord.collectionRecoverTimes", "3", "", 0, 1'000, use::at_start,
          "restarts that a collection outlives while it is loading"),
    real("queryCoord.delegatorMemoryOverloadFactor", "0.1", 0, 100, use::at_once,
         "share of a node that one delegator reserves"),
    poll("queryCoord.distPullInterval", "500", "ms"),
    poll("queryCoord.distRequestTimeout", "5000", "ms"),
    foreign("queryCoord.enableActiveStandby", "false", "muster coordinator --standby"),
    flag("queryCoord.enableBalanceOnMultipleCollections", "true", use::at_once,
         "whether one plan may move segments of several collections"),
    flag("queryCoord.enableRGAutoRecover", "true", use::later_version, "whether resource groups take nodes by themselves"),
    flag("queryCoord.enableStoppingBalance", "true", use::at_once, "whether nodes that stop are drained"),
    real("queryCoord.globalRowCountFactor", "0.1", 0, 100, use::at_once, "weight of the rows of other collections"),
    real("queryCoord.globalSegmentCountFactor", "0.1", 0, 100, use::at_once,
         "multi target: weight of the segments of other collections"),
    unused("queryCoord.gracefulStopTimeout", "5", "s"),
    foreign("queryCoord.grpc.clientMaxRecvSize", "536870912", "there is no gRPC here"),
    foreign("queryCoord.grpc.clientMaxSendSize", "268435456", "there is no gRPC here"),
    foreign("queryCoord.grpc.serverMaxRecvSize", "268435456", "there is no gRPC here"),
    foreign("queryCoord.grpc.serverMaxSendSize", "536870912", "there is no gRPC here"),
    unused("queryCoord.growingRowCountWeight", "4.0"),
    poll("queryCoord.heatbeatWarningLag", "5000", "ms"),
    unused("queryCoord.heartbeatAvailableInterval", "10000", "ms"),
    foreign("queryCoord.ip", "", "muster coordinator --listen"),
    poll("queryCoord.leaderViewUpdateInterval", "1", "s"),
    whole("queryCoord.loadTimeoutSeconds", "600", "s", 1, 86'400, use::at_start,
          "a load without progress for so long is given up"),
    unused("queryCoord.memoryUsageMaxDifferencePercentage", "30"),
    poll("queryCoord.NextTargetSurviveTime", "300", "s"),
    poll("queryCoord.observerTaskParallel", "16", ""),
    unused("queryCoord.overloadedMemoryThresholdPercentage", "90"),
    foreign("queryCoord.port", "19531", "muster coordinator --listen"),
    real("queryCoord.queryNodeTaskParallelismFactor", "1", 0.01, 1'000, use::later_version,
         "orders of a node at a time for each of its processors"),
    whole("queryCoord.randomMaxSteps", "10", "", 0, 10'000, use::later_version, "multi target: random steps"),
    real("queryCoord.reverseUnBalanceTolerationFactor", "1.3", 1, 1'000, use::at_once,
         "how far a move may tip the balance the other way"),
    real("queryCoord.rowCountFactor", "0.4", 0, 100, use::at_once, "multi target: weight of the rows"),
    whole("queryCoord.rowCountMaxSteps", "50", "", 0, 10'000, use::later_version, "multi target: steps by rows"),
    real("queryCoord.scoreUnbalanceTolerationFactor", "0.05", 0, 100, use::at_once,
         "difference of scores that is no reason to move"),
    real("queryCoord.segmentCountFactor", "0.4", 0, 100, use::at_once, "multi target: weight of the segments"),
    whole("queryCoord.segmentCountMaxSteps", "50", "", 0, 10'000, use::later_version, "multi target: steps by segments"),
    whole("queryCoord.segmentTaskTimeout", "120000", "ms", 1, 3'600'000, use::later_version, "deadline of a segment task"),
    unused("queryCoord.task.retryinterval", "10000000000", "ns"),
    unused("queryCoord.task.retrynum", "5"),
    whole("queryCoord.taskExecutionCap", "256", "", 1, 1'000'000, use::later_version,
          "orders of a node at a time while its processors are unknown"),
    unused("queryCoord.taskMergeCap", "1"),
    whole("queryCoord.updateCollectionLoadStatusInterval", "5", "min", 1, 1'440, use::later_version,
          "how long CheckHealth forgives a collection that makes no progress"),
    poll("queryCoord.UpdateNextTargetInterval", "10", "s"),
    whole("node_gone_ms", "1500", "ms", 100, 3'600'000, use::at_start,
          "how long the segments of a silent node are kept for it"),
    whole("quotaAndLimits.limits.maxResourceGroupNumOfQueryNode", "1024", "", 1, 100'000, use::later_version,
          "resource groups, the default one included"),
};

char lower(char c) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  const auto blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  return first == text.npos ? std::string_view{} : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::vector<std::string> parts(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (const auto part = trimmed(text.substr(0, comma)); !part.empty())
      out.emplace_back(part);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

/// Levenshtein's distance, letters of any case.
std::size_t letters_apart(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto changed = diagonal + (lower(a[i]) == lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// A spec's last word, so that "balanser" is near to "queryCoord.balancer".
std::size_t distance(std::string_view key, std::string_view known) {
  const auto dot = known.rfind('.');
  const auto last = dot == known.npos ? known : known.substr(dot + 1);
  return std::min(letters_apart(key, known), letters_apart(key, last));
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::string plain(double value) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return error == std::errc{} ? std::string{buffer.data(), end} : std::to_string(value);
}

/// The value as it is kept; the failure's text says what would do.
result<std::string> accepted(const setting_spec& spec, std::string_view given) {
  const auto value = trimmed(given);
  const auto refuse = [&](const std::string& what) {
    return failure{ec::parameter_invalid, std::string{spec.key} + " cannot be \"" + std::string{value} + "\": " + what};
  };
  const auto unit = spec.unit.empty() ? std::string{} : " " + std::string{spec.unit};
  switch (spec.type) {
    case type::boolean:
      for (auto yes : {"true", "on", "yes", "1"})
        if (same(value, yes))
          return std::string{"true"};
      for (auto no : {"false", "off", "no", "0"})
        if (same(value, no))
          return std::string{"false"};
      return refuse("give true or false");
    case type::integer:
    case type::number: {
      const bool is_whole = spec.type == type::integer;
      const auto bounds = std::string{is_whole ? "a whole number" : "a number"} + " from " + plain(spec.lowest) + unit
                          + " to " + plain(spec.highest) + unit;
      const auto number = number_of(value);
      if (!number)
        return refuse("give " + bounds);
      if (is_whole && *number != std::floor(*number))
        return refuse("give " + bounds + "; the nearest is "
                      + plain(std::clamp(std::round(*number), spec.lowest, spec.highest)));
      if (*number < spec.lowest || *number > spec.highest)
        return refuse("give " + bounds + "; the nearest is " + plain(std::clamp(*number, spec.lowest, spec.highest)));
      return plain(*number);
    }
    case type::choice: {
      const auto choices = parts(spec.choices);
      for (const auto& c : choices)
        if (same(value, c))
          return c;
      const auto nearest = std::min_element(choices.begin(), choices.end(), [&](const auto& a, const auto& b) {
        return letters_apart(value, a) < letters_apart(value, b);
      });
      std::string all;
      for (const auto& c : choices)
        all += (all.empty() ? "" : ", ") + c;
      return refuse("give one of " + all + "; the nearest is " + *nearest);
    }
    case type::list: {
      std::string kept;
      for (const auto& part : parts(value))
        kept += (kept.empty() ? "" : ",") + part;
      return kept;
    }
    case type::text:
      break;
  }
  return std::string{value};
}

} // namespace

std::span<const setting_spec> setting_specs() {
  return specs;
}

const setting_spec* find_setting(std::string_view key) {
  const auto found = std::find_if(specs.begin(), specs.end(), [&](const auto& s) { return same(s.key, key); });
  return found == specs.end() ? nullptr : &*found;
}

std::string_view nearest_setting(std::string_view key) {
  return std::min_element(specs.begin(), specs.end(), [&](const auto& a, const auto& b) {
           return distance(key, a.key) < distance(key, b.key);
         })->key;
}

std::string setting_variable(std::string_view key) {
  std::string out = "MUSTER_";
  for (char c : key)
    out += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string_view to_string(setting_use u) {
  switch (u) {
    case use::at_once:
      return "active";
    case use::at_start:
      return "active from the next start on";
    case use::driven_by_change:
      return "ignored: driven by change";
    case use::unused_in_model:
      return "ignored: the model does not read it either";
    case use::other_part:
      return "ignored: belongs to a part that Muster does not have";
    case use::later_version:
      break;
  }
  return "ignored: not in this version";
}

std::string_view to_string(setting_origin origin) {
  switch (origin) {
    case setting_origin::file:
      return "file";
    case setting_origin::environment:
      return "environment";
    case setting_origin::flag:
      return "flag";
    case setting_origin::runtime:
      return "run time";
    case setting_origin::fallback:
      break;
  }
  return "default";
}

result<std::string> setting_table::set(std::string_view key, std::string_view value, setting_origin origin) {
  const auto* spec = find_setting(key);
  if (spec == nullptr)
    return failure{ec::parameter_invalid, "unknown setting \"" + std::string{key} + "\"; did you mean \""
                                            + std::string{nearest_setting(key)} + "\"?"};
  auto kept = accepted(*spec, value);
  if (kept) {
    given_[spec->key][origin] = *kept;
    derive();
  }
  return kept;
}

bool setting_table::reset(std::string_view key, setting_origin origin) {
  const auto* spec = find_setting(key);
  const auto given = spec == nullptr ? given_.end() : given_.find(spec->key);
  if (given == given_.end() || given->second.erase(origin) == 0)
    return false;
  if (given->second.empty())
    given_.erase(given);
  derive();
  return true;
}

std::string setting_table::value(const setting_spec& spec) const {
  const auto given = given_.find(spec.key);
  return given == given_.end() ? std::string{spec.fallback} : given->second.rbegin()->second;
}

setting_origin setting_table::origin(const setting_spec& spec) const {
  const auto given = given_.find(spec.key);
  return given == given_.end() ? setting_origin::fallback : given->second.rbegin()->first;
}

std::vector<const setting_spec*> setting_table::ignored() const {
  std::vector<const setting_spec*> out;
  for (const auto& spec : specs)
    if (spec.use != use::at_once && spec.use != use::at_start && given_.contains(spec.key))
      out.push_back(&spec);
  return out;
}

void setting_table::derive() {
  const auto text = [&](std::string_view key) { return value(*find_setting(key)); };
  const auto is = [&](std::string_view key) { return text(key) == "true"; };
  const auto number = [&](std::string_view key) { return number_of(text(key)).value_or(0); };
  const auto count = [&](std::string_view key) { return static_cast<std::int64_t>(number(key)); };
  const auto time = [&](std::string_view key, std::int64_t unit_ms) {
    return std::chrono::milliseconds{count(key) * unit_ms};
  };
  // The older name counts where the newer one is not given.
  const auto either = [&](std::string_view key, std::string_view older) {
    return count(given_.contains(find_setting(key)->key) ? key : older);
  };
  settings v;
  v.balancer = text("queryCoord.balancer");
  v.auto_balance = is("queryCoord.autoBalance");
  v.auto_balance_channel = is("queryCoord.autoBalanceChannel");
  v.enable_stopping_balance = is("queryCoord.enableStoppingBalance");
  v.enable_balance_on_multiple_collections = is("queryCoord.enableBalanceOnMultipleCollections");
  v.balance_trigger_order = text("queryCoord.balanceTriggerOrder");
  v.balance_segment_batch_size =
    either("queryCoord.balanceSegmentBatchSize", "queryCoord.collectionBalanceSegmentBatchSize");
  v.balance_channel_batch_size =
    either("queryCoord.balanceChannelBatchSize", "queryCoord.collectionBalanceChannelBatchSize");
  v.global_row_count_factor = number("queryCoord.globalRowCountFactor");
  v.score_unbalance_toleration_factor = number("queryCoord.scoreUnbalanceTolerationFactor");
  v.reverse_unbalance_toleration_factor = number("queryCoord.reverseUnBalanceTolerationFactor");
  v.delegator_memory_overload_factor = number("queryCoord.delegatorMemoryOverloadFactor");
  v.collection_channel_count_factor = number("queryCoord.collectionChannelCountFactor");
  v.row_count_factor = number("queryCoord.rowCountFactor");
  v.segment_count_factor = number("queryCoord.segmentCountFactor");
  v.global_segment_count_factor = number("queryCoord.globalSegmentCountFactor");
  v.row_count_max_steps = count("queryCoord.rowCountMaxSteps");
  v.segment_count_max_steps = count("queryCoord.segmentCountMaxSteps");
  v.random_max_steps = count("queryCoord.randomMaxSteps");
  v.balance_cost_threshold = number("queryCoord.balanceCostThreshold");
  v.channel_exclusive_node_factor = count("queryCoord.channelExclusiveNodeFactor");
  v.task_execution_cap = count("queryCoord.taskExecutionCap");
  v.query_node_task_parallelism_factor = number("queryCoord.queryNodeTaskParallelismFactor");
  v.segment_task_timeout = time("queryCoord.segmentTaskTimeout", 1);
  v.channel_task_timeout = time("queryCoord.channelTaskTimeout", 1);
  v.load_timeout = time("queryCoord.loadTimeoutSeconds", 1'000);
  v.collection_recover_times = count("queryCoord.collectionRecoverTimes");
  v.update_collection_load_status_interval = time("queryCoord.updateCollectionLoadStatusInterval", 60'000);
  v.broker_timeout = time("queryCoord.brokerTimeout", 1);
  v.enable_resource_group_auto_recover = is("queryCoord.enableRGAutoRecover");
  v.cluster_level_load_replica_number = count("queryCoord.clusterLevelLoadReplicaNumber");
  v.cluster_level_load_resource_groups = parts(text("queryCoord.clusterLevelLoadResourceGroups"));
  v.max_resource_groups = count("quotaAndLimits.limits.maxResourceGroupNumOfQueryNode");
  v.node_gone = time("node_gone_ms", 1);
  values_ = std::move(v);
}

} // namespace muster
