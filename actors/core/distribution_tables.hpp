// The actual state: which node holds which copy, leads which shard and routes where, as reported.
#pragma once

#include "actors/core/change_set.hpp"
#include "actors/core/chunked.hpp"
#include "actors/core/rows.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// The tables of distribution. Changes collect until `take_changes`.
class distribution_tables {
public:
  /// What node_manager says of a node. A node that is gone loses everything it held; one that came back as another
  /// incarnation is unknown until its full report. Cost: a gone node's collections, otherwise constant.
  void set_node(const node_row& node);

  /// A report. One of another incarnation than node_manager named, or an incremental one before the full one, is ignored.
  /// Cost: what the report names; a full one: also what the node held before.
  void report(std::int64_t node, std::uint64_t incarnation, schema::Report::Reader report);

  /// What changed since the last call.
  change_set take_changes();

  /// Everything, for a new subscriber.
  change_set whole() const;

private:
  using delegator_key = std::pair<std::int64_t, std::string>; ///< collection, channel

  struct shard {
    delegator_row row;
    id_set view; ///< Segments that it routes.
  };

  struct held {
    node_row row;
    std::size_t ordinal = 0;
    std::set<std::int64_t> collections; ///< That have copies here.
    std::set<std::int64_t> collections_before; ///< Those of them from before the full report.
    std::map<delegator_key, shard> shards;
    bool in_full = false; ///< Between the first and the last page of a full report.
    std::map<std::int64_t, std::set<std::int64_t>> full_copies; ///< Seen in those pages.
    std::set<delegator_key> full_shards;
  };

  struct tables {
    chunked<copy_row, limits::chunk_copies> copies;
    chunked<view_row, limits::chunk_copies> views;
    std::set<std::pair<std::string, std::int64_t>> delegators; ///< channel, node
    bool dirty = false;  ///< In `dirty_`.
    touched_ids touched; ///< Since the last take_changes, of copies and views.
  };

  void mark(std::int64_t collection, tables& mine, std::int64_t segment);
  void put_copy(held& node, schema::CopyReport::Reader copy);
  void erase_copy(held& node, std::int64_t collection, std::int64_t segment);
  void put_delegator(held& node, schema::DelegatorReport::Reader report);
  void erase_delegator(held& node, const delegator_key& key);
  void finish_full(held& node);
  void clear(held& node);
  msg<schema::Chunk> delegators_chunk(std::int64_t collection) const;
  msg<schema::Chunk> nodes_chunk(std::size_t chunk) const;

  std::map<std::int64_t, held> nodes_;
  std::vector<std::int64_t> by_ordinal_;
  std::map<std::int64_t, tables> collections_;
  change_set changes_;
  std::set<std::int64_t> dirty_;           ///< Collections with changed copies or views.
  std::set<std::int64_t> dirty_delegators_;
  std::set<std::size_t> dirty_nodes_;      ///< Chunks of nodes.
};

/// The kinds of chunks that distribution publishes.
const std::set<schema::ChunkKind>& distribution_kinds();

} // namespace muster
