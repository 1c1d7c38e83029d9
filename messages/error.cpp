// Names of the error codes.
#include "messages/error.hpp"

namespace muster {

std::string_view to_string(ec code) {
  switch (code) {
    case ec::ok:
      return "ok";
    case ec::service_not_ready:
      return "service_not_ready";
    case ec::too_many_requests:
      return "too_many_requests";
    case ec::memory_limit_exceeded:
      return "memory_limit_exceeded";
    case ec::internal:
      return "internal";
    case ec::collection_not_found:
      return "collection_not_found";
    case ec::collection_not_loaded:
      return "collection_not_loaded";
    case ec::collection_not_fully_loaded:
      return "collection_not_fully_loaded";
    case ec::collection_already_exists:
      return "collection_already_exists";
    case ec::collection_loaded:
      return "collection_loaded";
    case ec::collection_on_recovering:
      return "collection_on_recovering";
    case ec::partition_not_found:
      return "partition_not_found";
    case ec::partition_not_loaded:
      return "partition_not_loaded";
    case ec::resource_group_not_found:
      return "resource_group_not_found";
    case ec::resource_group_already_exist:
      return "resource_group_already_exist";
    case ec::resource_group_reach_limit:
      return "resource_group_reach_limit";
    case ec::resource_group_illegal_config:
      return "resource_group_illegal_config";
    case ec::resource_group_node_not_enough:
      return "resource_group_node_not_enough";
    case ec::resource_group_service_available:
      return "resource_group_service_available";
    case ec::replica_not_found:
      return "replica_not_found";
    case ec::channel_not_found:
      return "channel_not_found";
    case ec::channel_not_available:
      return "channel_not_available";
    case ec::segment_not_found:
      return "segment_not_found";
    case ec::segment_not_loaded:
      return "segment_not_loaded";
    case ec::segment_lack:
      return "segment_lack";
    case ec::node_not_found:
      return "node_not_found";
    case ec::node_offline:
      return "node_offline";
    case ec::node_not_match:
      return "node_not_match";
    case ec::io_failed:
      return "io_failed";
    case ec::io_corrupt:
      return "io_corrupt";
    case ec::parameter_invalid:
      return "parameter_invalid";
    case ec::parameter_missing:
      return "parameter_missing";
    case ec::old_session_exists:
      return "old_session_exists";
    case ec::deadline_exceeded:
      return "deadline_exceeded";
    case ec::stale_epoch:
      return "stale_epoch";
    case ec::stale_premise:
      return "stale_premise";
    case ec::fenced:
      return "fenced";
    case ec::malformed_frame:
      return "malformed_frame";
    case ec::connection_lost:
      return "connection_lost";
    case ec::newer_version:
      return "newer_version";
    case ec::journal_failed:
      return "journal_failed";
    case ec::file_not_found:
      return "file_not_found";
    case ec::address_unusable:
      return "address_unusable";
    case ec::stopping:
      return "stopping";
    case ec::cancelled:
      return "cancelled";
  }
  return "unknown_error";
}

} // namespace muster
