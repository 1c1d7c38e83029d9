// The plain rows behind the truths, laid out for the work, and their way to and from chunks.
#pragma once

#include "actors/core/publication.hpp"
#include "messages/error.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace muster {

/// A segment of a target; in version v when from <= v and (to = 0 or v < to).
struct target_row {
  std::int64_t segment = 0;
  std::int64_t partition = 0;
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::uint16_t channel = 0;
  std::uint64_t indexes = 0; ///< Bit i: there is a file of the collection's index i to load.
  std::uint64_t stats = 0;   ///< Bit i: there is a file of the statistics of field i.

  bool in(std::int64_t version) const {
    return version > 0 && from <= version && (to == 0 || version < to);
  }

  friend bool operator==(const target_row&, const target_row&) = default;
  friend bool operator<(const target_row& a, const target_row& b) {
    return a.segment < b.segment;
  }
};

/// A segment that a node holds.
struct copy_row {
  std::int64_t segment = 0;
  std::int64_t node = 0;
  std::int64_t version = 0;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::uint8_t index = 0;
  std::uint64_t indexes = 0; ///< Bit i: the index with id i is loaded.
  std::uint64_t stats = 0;   ///< Bit i: the statistics of field i are loaded.

  friend bool operator==(const copy_row&, const copy_row&) = default;
  friend bool operator<(const copy_row& a, const copy_row& b) {
    return std::tie(a.segment, a.node) < std::tie(b.segment, b.node);
  }
};

/// A leader's route to a segment.
struct view_row {
  std::int64_t segment = 0;
  std::int64_t leader = 0;
  std::int64_t worker = 0;

  friend bool operator==(const view_row&, const view_row&) = default;
  friend bool operator<(const view_row& a, const view_row& b) {
    return std::tie(a.segment, a.leader) < std::tie(b.segment, b.leader);
  }
};

/// Which version of a partition's statistics.
struct partition_version {
  std::int64_t partition = 0;
  std::int64_t version = 0;

  friend auto operator<=>(const partition_version&, const partition_version&) = default;
};

/// Rows that a delegator holds itself until they come as a sealed segment.
struct growing_row {
  std::int64_t segment = 0;
  std::int64_t start = 0; ///< Position in the channel of its first row.
  std::int64_t rows = 0;

  friend bool operator==(const growing_row&, const growing_row&) = default;
};

struct delegator_row {
  std::string channel;
  std::int64_t node = 0;
  std::int64_t replica = 0;
  std::int64_t version = 0;
  std::int64_t served = 0;
  bool serviceable = false;
  std::vector<partition_version> partition_stats = {}; ///< By partition.
  std::vector<growing_row> growing{}; ///< By segment.

  friend bool operator==(const delegator_row&, const delegator_row&) = default;
  friend bool operator<(const delegator_row& a, const delegator_row& b) {
    return std::tie(a.channel, a.node) < std::tie(b.channel, b.node);
  }
};

/// The group of every node that is in no other; it always exists.
inline constexpr std::string_view default_group = "__default_resource_group";
/// The limits that the default group has until somebody changes them.
inline constexpr std::int64_t default_group_limits = 1'000'000;

/// How many nodes a resource group wants and may have, and from where.
struct group_config {
  std::int64_t requests = 0;
  std::int64_t limits = 0;
  std::vector<std::string> transfer_from; ///< Asked first when nodes are missing.
  std::vector<std::string> transfer_to;   ///< Given to first when nodes are redundant.
  std::vector<std::pair<std::string, std::string>> labels; ///< A member must carry all of them with these values.

  friend bool operator==(const group_config&, const group_config&) = default;
};

struct group_row {
  std::string name;
  group_config config;
  std::vector<std::int64_t> nodes; ///< Members, by id.
  std::int64_t id = 0;             ///< 0: the default group.
  std::uint64_t revision = 0;      ///< Of the default group: grows with each change of any group.

  bool is_default() const {
    return name == default_group;
  }

  friend bool operator==(const group_row&, const group_row&) = default;
};

/// What operators switched at run time.
struct switches_row {
  std::set<std::string> inactive_checkers;
  std::map<std::string, std::string> settings; ///< By key; checked before they were committed.
  std::set<std::int64_t> suspended_nodes;      ///< Kept out of resource groups.

  friend bool operator==(const switches_row&, const switches_row&) = default;
};

struct replica_row {
  std::int64_t id = 0;
  std::string resource_group;
  std::vector<std::int64_t> nodes;
  std::vector<std::int64_t> read_only_nodes;
  schema::LoadPriority load_priority = schema::LoadPriority::HIGH; ///< Of segments that are new to users.
  std::map<std::string, std::vector<std::int64_t>> channel_nodes; ///< Channel-exclusive mode; see spread_channels.

  /// True when the node belongs to the replica, read-write or read-only.
  bool contains(std::int64_t node) const;
  /// True when the node is read-only: what it has goes elsewhere.
  bool drains(std::int64_t node) const;
  /// The group that its nodes come from; a record without one means the default group.
  std::string_view group() const;
  /// Nodes take new data (again): they leave the read-only ones.
  void make_read_write(const std::vector<std::int64_t>& ids);
  /// Nodes are drained: they leave the read-write ones.
  void make_read_only(const std::vector<std::int64_t>& ids);
  /// Nodes are no longer part of it.
  void remove(const std::vector<std::int64_t>& ids);
  friend bool operator==(const replica_row&, const replica_row&) = default;
};

/// A desired collection.
struct collection_row {
  std::int64_t id = 0;
  std::string database;
  std::string name;
  schema::LoadStatus status = schema::LoadStatus::INVALID;
  std::uint32_t replica_number = 0;
  std::vector<std::int64_t> partitions;
  std::vector<replica_row> replicas;
  std::string metric;
  std::uint32_t dimension = 0;
  bool whole_collection = true;
  std::uint64_t revision = 0;
  std::vector<std::int64_t> loading_partitions; ///< Not in current yet; while status is LOADING that goes for all of them.
  std::vector<std::string> load_fields;         ///< As asked for; empty: all.
  bool user_specified_replicas = false;         ///< The number of replicas was asked for: the cluster's does not change it.
  std::uint32_t recover_times = 0;              ///< Starts of the coordinator while something of it was loading.
  std::uint64_t trace_id = 0;                   ///< Of the request that last asked for it, or for more of it; 0: none.

  /// True when the partition is desired, and part of current.
  bool partition_loaded(std::int64_t partition) const;
  bool wants_partition(std::int64_t partition) const;
  const replica_row* replica(std::int64_t replica_id) const;
  /// True when some replica has a node that is being drained.
  bool draining() const;
  /// The replica that a node belongs to, or null. A node is in at most one.
  const replica_row* replica_of(std::int64_t node) const;
};

/// What a target says of one channel, beside its sealed segments.
struct channel_target {
  std::int64_t seek = 0;             ///< Rows before this position are in sealed segments.
  std::vector<std::int64_t> growing; ///< Segments that its delegators hold themselves.
  std::vector<std::int64_t> dropped; ///< Segments that are no longer needed in any form.

  friend bool operator==(const channel_target&, const channel_target&) = default;
};

struct head_row {
  std::int64_t collection = 0;
  std::int64_t current = 0;
  std::int64_t next = 0;
  std::vector<std::string> channels;
  std::vector<std::int64_t> partitions;
  std::string folder;
  std::uint32_t current_segments = 0;
  std::int64_t current_rows = 0;
  std::uint32_t next_segments = 0;
  std::int64_t next_rows = 0;
  std::vector<partition_version> partition_stats; ///< The newest; by partition.
  std::vector<channel_target> current_channels; ///< By index of `channels`; shorter: nothing is known of the rest.
  std::vector<channel_target> next_channels;
  std::uint64_t indexes = 0; ///< Bit i: the collection has an index i.
  std::uint64_t stats = 0;   ///< Bit i: field i has statistics that copies should load.
  bool indexes_known = false; ///< `indexes` is all there are; otherwise nobody said, and no index is surplus.

  /// The version that a fresh delegator should serve: current, or next while there is no current.
  std::int64_t readable() const {
    return current > 0 ? current : next;
  }
};

struct node_row {
  std::int64_t id = 0;
  std::string name;
  std::string address;
  schema::NodeLiveness liveness = schema::NodeLiveness::INVALID;
  std::uint64_t incarnation = 0;
  std::uint64_t report_seq = 0;
  bool known = false;
  bool stopping = false;
  std::uint32_t memory_mb = 0;
  std::vector<std::pair<std::string, std::string>> labels;
  std::uint32_t cpus = 0; ///< 0: unknown.

  bool connected() const {
    return liveness == schema::NodeLiveness::CONNECTED;
  }

  bool gone() const {
    return liveness == schema::NodeLiveness::GONE;
  }

  friend bool operator==(const node_row&, const node_row&) = default;
};

/// What failed for a collection, by error code.
struct load_failure {
  ec code = ec::ok;
  std::uint32_t count = 0;
  std::string text; ///< The last one.
  std::int64_t at = 0;
};

struct task_row {
  std::int64_t id = 0;
  schema::TaskKind kind = schema::TaskKind::INVALID;
  schema::TaskPriority priority = schema::TaskPriority::LOW;
  schema::Proposer proposer = schema::Proposer::INVALID;
  std::int64_t replica = 0;
  std::string channel;
  std::int64_t segment = 0;
  std::int64_t node = 0;
  std::int64_t source = 0;
  std::uint16_t reason = 0;
  bool running = false;
  std::uint8_t step = 0;
  std::int64_t rows = 0;
  std::uint32_t done = 0; ///< Of a running step, as its node says.
  std::uint32_t total = 0; ///< 0: it did not say.
  std::int64_t admitted_at = 0;
};

std::vector<partition_version> read(capnp::List<schema::PartitionVersion>::Reader list);
void write(capnp::List<schema::PartitionVersion>::Builder list, const std::vector<partition_version>& rows);
target_row read(schema::TargetSegment::Reader r);
void write(schema::TargetSegment::Builder b, const target_row& row);
copy_row read(schema::Copy::Reader r);
view_row read(schema::View::Reader r);
delegator_row read(schema::Delegator::Reader r);
growing_row read(schema::GrowingSegment::Reader r);
channel_target read(schema::ChannelTarget::Reader r);
void write(schema::ChannelTarget::Builder b, const channel_target& row);
collection_row read(schema::CollectionState::Reader r);
void write(schema::CollectionState::Builder b, const collection_row& row);
head_row read(schema::TargetHead::Reader r);
void write(schema::TargetHead::Builder b, const head_row& row);
node_row read(schema::NodeState::Reader r);
void write(schema::NodeState::Builder b, const node_row& row);
task_row read(schema::Task::Reader r);
group_config read(schema::ResourceGroupConfig::Reader r);
void write(schema::ResourceGroupConfig::Builder b, const group_config& config);
/// A record without a config, as old ones are: its capacity is what it requests and may have (the default group: may have).
group_row read(schema::ResourceGroupState::Reader r);
void write(schema::ResourceGroupState::Builder b, const group_row& row);
replica_row read(schema::ReplicaState::Reader r);
void write(schema::ReplicaState::Builder b, const replica_row& row);

/// The rows of a chunk of their kind.
void read_rows(const msg<schema::Chunk>& chunk, std::vector<target_row>& rows);
void read_rows(const msg<schema::Chunk>& chunk, std::vector<copy_row>& rows);
void read_rows(const msg<schema::Chunk>& chunk, std::vector<view_row>& rows);

msg<schema::Chunk> chunk_of(std::int64_t collection, const std::vector<target_row>& rows);
msg<schema::Chunk> chunk_of(std::int64_t collection, const std::vector<copy_row>& rows);
msg<schema::Chunk> chunk_of(std::int64_t collection, const std::vector<view_row>& rows);
msg<schema::Chunk> chunk_of(std::int64_t collection, const std::vector<delegator_row>& rows);
msg<schema::Chunk> chunk_of(const collection_row& row);
msg<schema::Chunk> chunk_of(const head_row& row);
msg<schema::Chunk> chunk_of(const group_row& row);
msg<schema::Chunk> chunk_of(const switches_row& row);
switches_row read(schema::SwitchState::Reader r);
msg<schema::Chunk> chunk_of(const std::vector<node_row>& rows);
msg<schema::Chunk> chunk_of(std::int64_t collection, const std::vector<task_row>& rows);

} // namespace muster
