// The closed list of error codes that leave Muster; numbers below 10,000 are the model's own, frozen.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace muster {

/// Every failure a caller can see. A number is given once and never reused.
enum class ec : std::uint16_t {
  /// No error.
  ok = 0,
  /// The process is not (yet, or any more) able to answer this.
  service_not_ready = 1,
  /// More requests in flight than the named limit; try again later.
  too_many_requests = 2,
  /// The nodes cannot hold what was asked for.
  memory_limit_exceeded = 3,
  /// A bug or a broken premise inside Muster.
  internal = 5,
  /// The collection is not in the catalogue.
  collection_not_found = 100,
  /// The collection is not loaded.
  collection_not_loaded = 101,
  /// The collection is being loaded.
  collection_not_fully_loaded = 103,
  /// A collection of that name is already there.
  collection_already_exists = 104,
  /// The collection is loaded and must be released first.
  collection_loaded = 105,
  /// The collection's target is being rebuilt.
  collection_on_recovering = 106,
  /// The partition is not in the catalogue.
  partition_not_found = 200,
  /// The partition is not loaded.
  partition_not_loaded = 201,
  /// The resource group is unknown.
  resource_group_not_found = 300,
  /// A resource group of that name is already there, with another config.
  resource_group_already_exist = 301,
  /// There are as many resource groups as there may be.
  resource_group_reach_limit = 302,
  /// A resource group's config cannot be used.
  resource_group_illegal_config = 303,
  /// A resource group has fewer nodes than replicas were asked for.
  resource_group_node_not_enough = 304,
  /// The journal refused to write a change of resource groups (the model's name); nothing has changed.
  resource_group_service_available = 305,
  /// The replica is unknown.
  replica_not_found = 400,
  /// The channel is unknown here.
  channel_not_found = 500,
  /// The channel has no serviceable leader.
  channel_not_available = 503,
  /// The segment is unknown.
  segment_not_found = 600,
  /// The segment is not loaded here.
  segment_not_loaded = 601,
  /// A segment that the target names is not in the leader's view.
  segment_lack = 602,
  /// There is no such index.
  index_not_found = 700,
  /// The database is not in the catalogue.
  database_not_found = 800,
  /// There are as many databases as there may be.
  database_num_limit_exceeded = 801,
  /// A name that no database can have.
  database_invalid_name = 802,
  /// The node is unknown.
  node_not_found = 901,
  /// The node is offline.
  node_offline = 902,
  /// The receiver is another node than the one addressed.
  node_not_match = 904,
  /// A file or key could not be read.
  io_failed = 1000,
  /// A file or record is damaged.
  io_corrupt = 1001,
  /// A parameter has a value that cannot be used.
  parameter_invalid = 1100,
  /// A parameter is missing.
  parameter_missing = 1101,
  /// Another live process uses this name or folder.
  old_session_exists = 3001,

  /// The request's deadline passed before an answer was there.
  deadline_exceeded = 10001,
  /// An order or request of an older coordinator start.
  stale_epoch = 10010,
  /// A request whose premise no longer holds.
  stale_premise = 10011,
  /// A delegator was asked to drop or skip something that its view still needs.
  fenced = 10012,
  /// Bytes that are no message of Muster.
  malformed_frame = 10013,
  /// The connection to the other side was lost; the outcome is unknown.
  connection_lost = 10014,
  /// A file or folder written by a newer version of Muster.
  newer_version = 10015,
  /// The disk refused a write; the coordinator serves reads only.
  journal_failed = 10016,
  /// A file is missing.
  file_not_found = 10017,
  /// The address cannot be listened on.
  address_unusable = 10018,
  /// The receiver is stopping.
  stopping = 10019,
  /// The caller ended the request.
  cancelled = 10020,
  /// Not from there, or not through this door: it only reads, or is asked on behalf of a foreign page.
  forbidden = 10030,
};

/// One line of the closed list.
struct error_entry {
  ec code = ec::ok;
  std::string_view name;  ///< As printed for people and in JSON.
  bool retriable = false; ///< The same request may succeed later without anybody doing anything else.
};

/// All of them, by number.
std::span<const error_entry> error_entries();

/// The stable name of a code; "unknown_error" for a number not in the list.
std::string_view to_string(ec code);

/// True when the same request may succeed later without anybody doing anything else; false for a number not in the list.
bool is_retriable(ec code);

} // namespace muster
