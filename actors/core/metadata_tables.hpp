// The desired state and the targets: how each commit is decided and applied, and what of it goes to the journal.
#pragma once

#include "actors/core/change_set.hpp"
#include "actors/core/chunked.hpp"
#include "actors/core/resource_groups.hpp"
#include "actors/core/rows.hpp"
#include "messages/limits.hpp"
#include "messages/records.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster {

/// A put or delete for the journal; seq and epoch are given by the shell.
struct journal_change {
  record_kind kind = record_kind::epoch;
  std::string key;
  std::optional<std::string> payload;
};

/// What a commit came to. `why.code` ok: `rows` must be durable before `value` is answered and `changes` are published.
struct commit_outcome {
  failure why{ec::ok, {}};
  std::int64_t value = 0;
  std::vector<journal_change> rows;
  change_set changes;
};

/// The tables of metadata. Deciding never fails half-way: a refused commit changes nothing.
class metadata_tables {
public:
  /// Takes over what the journal holds. A record that cannot be read is reported in the result and left out; a collection of which
  /// one is missing or does not fit the others is set aside as a whole: half of it would be searched as if it were all. Its records
  /// stay in the journal until it is loaded or released again.
  std::vector<std::string> restore(const std::vector<journal_entry>& entries);

  /// Decides and applies. Cost: what the commit names (a release: the collection's chunks).
  commit_outcome decide(schema::Commit::Reader commit);

  /// A new epoch, higher than any before. What was loading is counted once more; what came to the limit of starts is given up
  /// (a collection, or the partitions that it was still loading), and the next one is looked at all the same. Cost: the collections.
  commit_outcome start_epoch(std::uint32_t recover_limit = limits::collection_recover_times);

  /// What is switched off, and settings that were given at run time.
  const switches_row& switches() const {
    return switches_;
  }

  std::uint64_t epoch() const {
    return epoch_;
  }

  /// Everything, for a new subscriber. Cost: all chunks, each made anew.
  change_set whole() const;

  /// Nodes that ever joined, by id.
  const std::map<std::int64_t, node_row>& nodes() const {
    return nodes_;
  }

  /// Resource groups with their members; the default group is always there.
  const group_map& groups() const {
    return groups_;
  }

  std::size_t collections() const {
    return collections_.size();
  }

private:
  struct entry {
    std::optional<collection_row> desired;
    std::optional<head_row> head;
    chunked<target_row> segments;
    std::set<std::int64_t> dropping; ///< Segments that next no longer has.
    std::set<std::int64_t> dropped;  ///< Segments that current no longer has; their rows go with the next promotion.
  };

  static std::string incomplete(const entry& e, std::uint32_t in_current, std::uint32_t in_next);
  void clear_set_aside(commit_outcome& out, std::int64_t collection);
  commit_outcome load(schema::CommitLoad::Reader commit);
  commit_outcome load_more(entry& e, const collection_row& wanted, schema::CommitLoad::Reader commit);
  void add_to_next(entry& e, std::int64_t version, target_row segment, change_set& changes);
  void recount(commit_outcome& out, std::uint32_t limit);
  commit_outcome change_switch(schema::CommitSwitch::Reader commit);
  commit_outcome release(std::int64_t collection);
  commit_outcome next(schema::CommitNext::Reader commit);
  commit_outcome release_partitions(schema::CommitReleasePartitions::Reader commit);
  void drop_from_next(entry& e, std::int64_t version, std::int64_t segment, change_set& changes);
  commit_outcome promote(schema::CommitPromotion::Reader commit);
  commit_outcome replicas(schema::CommitReplicas::Reader commit);
  commit_outcome node(schema::NodeRecord::Reader record);
  commit_outcome replica_groups(schema::CommitReplicaGroups::Reader commit);
  commit_outcome change_groups(schema::CommitGroups::Reader commit);
  failure configure(group_map& groups, schema::CommitGroups::Reader commit, std::set<std::string>& changed);
  failure drop_group(group_map& groups, const std::string& name, std::set<std::int64_t>& moved) const;
  failure restore_group(const journal_entry& e);
  void put_node(commit_outcome& out, const node_row& row) const;
  void join_groups();
  commit_outcome allocate(std::uint32_t count);

  void put_collection(commit_outcome& out, const collection_row& row) const;
  void put_head(commit_outcome& out, const head_row& row) const;
  void put_segments(commit_outcome& out, std::int64_t collection, chunked<target_row>& table) const;
  std::int64_t take_ids(commit_outcome& out, std::int64_t count);

  std::map<std::int64_t, entry> collections_;
  std::map<std::int64_t, std::vector<std::string>> set_aside_; ///< Collection -> journal keys of what is left of its target.
  switches_row switches_;
  std::map<std::int64_t, node_row> nodes_;
  std::map<std::string, std::int64_t> node_by_name_;
  group_map groups_{{std::string{default_group}, default_group_row()}};
  std::map<std::int64_t, std::string> group_of_node_;
  std::int64_t next_id_ = 1;
  std::uint64_t epoch_ = 0;
};

/// The kinds of chunks that metadata publishes.
const std::set<schema::ChunkKind>& metadata_kinds();

} // namespace muster
