// The list of error codes: names, and whether a retry can help.
#include "messages/error.hpp"

#include <algorithm>

namespace muster {

namespace {

constexpr error_entry entries[] = {
  {ec::ok, "ok", false},
  {ec::service_not_ready, "service_not_ready", true},
  {ec::too_many_requests, "too_many_requests", true},
  {ec::memory_limit_exceeded, "memory_limit_exceeded", false},
  {ec::internal, "internal", false},
  {ec::collection_not_found, "collection_not_found", false},
  {ec::collection_not_loaded, "collection_not_loaded", false},
  {ec::collection_not_fully_loaded, "collection_not_fully_loaded", true},
  {ec::collection_already_exists, "collection_already_exists", false},
  {ec::collection_loaded, "collection_loaded", false},
  {ec::collection_on_recovering, "collection_on_recovering", true},
  {ec::partition_not_found, "partition_not_found", false},
  {ec::partition_not_loaded, "partition_not_loaded", false},
  {ec::resource_group_not_found, "resource_group_not_found", false},
  {ec::resource_group_already_exist, "resource_group_already_exist", false},
  {ec::resource_group_reach_limit, "resource_group_reach_limit", false},
  {ec::resource_group_illegal_config, "resource_group_illegal_config", false},
  {ec::resource_group_node_not_enough, "resource_group_node_not_enough", false},
  {ec::resource_group_service_available, "resource_group_service_available", true},
  {ec::replica_not_found, "replica_not_found", false},
  {ec::channel_not_found, "channel_not_found", false},
  {ec::channel_not_available, "channel_not_available", true},
  {ec::segment_not_found, "segment_not_found", false},
  {ec::segment_not_loaded, "segment_not_loaded", false},
  {ec::segment_lack, "segment_lack", false},
  {ec::index_not_found, "index_not_found", false},
  {ec::database_not_found, "database_not_found", false},
  {ec::database_num_limit_exceeded, "database_num_limit_exceeded", false},
  {ec::database_invalid_name, "database_invalid_name", false},
  {ec::node_not_found, "node_not_found", false},
  {ec::node_offline, "node_offline", false},
  {ec::node_not_match, "node_not_match", false},
  {ec::io_failed, "io_failed", false},
  {ec::io_corrupt, "io_corrupt", false},
  {ec::parameter_invalid, "parameter_invalid", false},
  {ec::parameter_missing, "parameter_missing", false},
  {ec::old_session_exists, "old_session_exists", false},
  {ec::deadline_exceeded, "deadline_exceeded", false},
  {ec::stale_epoch, "stale_epoch", false},
  {ec::stale_premise, "stale_premise", true},
  {ec::fenced, "fenced", false},
  {ec::malformed_frame, "malformed_frame", false},
  {ec::connection_lost, "connection_lost", true},
  {ec::newer_version, "newer_version", false},
  {ec::journal_failed, "journal_failed", false},
  {ec::file_not_found, "file_not_found", false},
  {ec::address_unusable, "address_unusable", false},
  {ec::stopping, "stopping", false},
  {ec::cancelled, "cancelled", false},
  {ec::forbidden, "forbidden", false},
};

const error_entry* find(ec code) {
  const auto* i = std::lower_bound(std::begin(entries), std::end(entries), code,
                                   [](const error_entry& e, ec c) { return e.code < c; });
  return i == std::end(entries) || i->code != code ? nullptr : i;
}

} // namespace

std::span<const error_entry> error_entries() {
  return entries;
}

std::string_view to_string(ec code) {
  const auto* entry = find(code);
  return entry == nullptr ? std::string_view{"unknown_error"} : entry->name;
}

bool is_retriable(ec code) {
  const auto* entry = find(code);
  return entry != nullptr && entry->retriable;
}

} // namespace muster
