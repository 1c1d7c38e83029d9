// The situation: desired, target, actual and the tasks in flight, merged and numbered; what every checker and observer reads.
#pragma once

#include "actors/core/change_set.hpp"
#include "actors/core/rows.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster {

/// What a node carries, summed over all collections, with what is in flight towards it.
struct node_load {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::int64_t segments = 0;
  std::int64_t channels = 0;
  std::int64_t rows_in_flight = 0;
  std::int64_t segments_in_flight = 0;
  std::int64_t channels_in_flight = 0;
  std::uint32_t failing = 0; ///< Orders that it failed in a row.

  std::int64_t all_rows() const {
    return rows + rows_in_flight;
  }

  std::int64_t all_channels() const {
    return channels + channels_in_flight;
  }
};

/// What a node has of one collection.
struct node_holding {
  std::int64_t rows = 0;
  std::int64_t segments = 0;
  std::int64_t channels = 0;

  bool any() const {
    return segments != 0 || channels != 0;
  }
};

/// One segment as `collection_view::walk` shows it; valid during the call.
struct walked_segment {
  std::int64_t segment = 0;
  const target_row* target = nullptr; ///< Null: no target ever named it, as far as anybody remembers.
  const std::vector<copy_row>& copies; ///< By node.
  const std::vector<view_row>& views;  ///< By leader.
};

/// Everything about one collection. Segment tables stay in their shared chunks; small things are decoded.
class collection_view {
public:
  std::optional<collection_row> desired;
  std::optional<head_row> head;
  std::vector<delegator_row> delegators;
  std::vector<task_row> tasks; ///< In flight, by id.
  std::vector<load_failure> failures; ///< Of late, the most frequent first.

  /// The target row of a segment. Cost: log of the chunks, log of a chunk.
  std::optional<target_row> target_of(std::int64_t segment) const;
  /// Copies of a segment, by node.
  std::vector<copy_row> copies_of(std::int64_t segment) const;
  /// Which leaders route to it, by leader.
  std::vector<view_row> views_of(std::int64_t segment) const;
  /// The worker that `leader` routes a segment to; 0: none.
  std::int64_t worker_of(std::int64_t segment, std::int64_t leader) const;

  /// All rows, by segment. Cost: the collection.
  void each_target(const std::function<void(const target_row&)>& f) const;
  void each_copy(const std::function<void(const copy_row&)>& f) const;
  void each_view(const std::function<void(const view_row&)>& f) const;

  /// Calls `f` for up to `most` segments from the id `from` on that a target, a copy or (with `views`) a view names, by id. Where to
  /// go on, or nothing at the end. Cost: those segments.
  std::optional<std::int64_t> walk(std::int64_t from, std::size_t most, bool views,
                                   const std::function<void(const walked_segment&)>& f) const;

  /// The delegator that leads `channel` in a replica: serviceable before not, then the higher version. Null: none.
  const delegator_row* leader(const replica_row& replica, const std::string& channel) const;
  /// A task in flight on the segment in the replica, or on the channel, or null. Cost: log of the tasks.
  const task_row* task_on(std::int64_t replica, std::int64_t segment) const;
  const task_row* task_on(std::int64_t replica, const std::string& channel) const;
  void each_channel_task(const std::function<void(const task_row&)>& f) const;

  /// What a node has of this collection. Cost: log of the nodes.
  node_holding on(std::int64_t node) const;

  /// True when some node still holds a copy or leads a channel of it.
  bool held() const {
    return !copies_.empty() || !delegators.empty();
  }

  std::size_t view_count() const {
    return view_count_;
  }

  /// The workers that a leader routes some segment of this collection to, with how many. Cost: the replica's nodes.
  std::map<std::int64_t, std::int64_t> workers_of(std::int64_t leader) const;

private:
  friend class situation;

  using chunk_map = std::map<std::int64_t, msg<schema::Chunk>>;

  bool unused() const;

  chunk_map targets_;
  chunk_map copies_;
  chunk_map views_;
  std::size_t view_count_ = 0;
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> routed_; ///< (leader, worker) -> segments
  std::map<std::int64_t, node_holding> holdings_; ///< Those that are not zero.

  void put_tasks(std::int64_t chunk, std::vector<task_row> rows);
  const task_row* task_with(std::int64_t id) const;

  std::map<std::int64_t, std::vector<std::int64_t>> task_chunks_; ///< Ids.
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> task_on_segment_; ///< (replica, segment) -> id
  std::map<std::pair<std::int64_t, std::string>, std::int64_t> task_on_channel_;

  void count_views(const msg<schema::Chunk>& chunk, int sign);
  void hold(std::int64_t node, std::int64_t rows, std::int64_t segments, std::int64_t channels);
};

/// One actor's situation. Applying a publication costs the chunks in it; readers never copy segment tables.
class situation {
public:
  /// Takes over a publication; returns what it is about, with the collections of changed nodes added.
  touched_map apply(const publication& p);

  std::uint64_t number() const {
    return number_;
  }

  std::uint64_t epoch() const {
    return epoch_;
  }

  /// All collections that anything is known of, by id.
  const std::map<std::int64_t, collection_view>& collections() const {
    return collections_;
  }

  /// Target segments and collections there are, for who walks over them in slices.
  std::size_t entities() const {
    return target_rows_ + collections_.size();
  }

  /// One collection, or null.
  const collection_view* collection(std::int64_t id) const;

  const std::map<std::int64_t, node_row>& nodes() const {
    return nodes_;
  }

  /// One node, or null.
  const node_row* node(std::int64_t id) const;

  /// What a node carries; zeros for an unknown one.
  node_load load(std::int64_t node) const;

  /// True when every node of the replica has reported or is gone, so that lack and surplus may be concluded.
  bool all_known(const replica_row& replica) const;
  /// True when the node can be given work: connected, fully reported, not stopping.
  bool usable(std::int64_t node) const;
  /// True when what the node holds can be used and taken from it: as usable, but it may be stopping.
  bool reachable(std::int64_t node) const;
  bool connected(std::int64_t node) const;

  /// Nodes that the last applied publication named as changed.
  const std::set<std::int64_t>& changed_nodes() const {
    return changed_nodes_;
  }

  /// Resource groups, by name. Empty until metadata has told.
  const std::map<std::string, group_row>& groups() const {
    return groups_;
  }

  /// What operators switched.
  const switches_row& switches() const {
    return switches_;
  }

  /// The group that a node is a member of, or null. Cost: log of the nodes.
  const group_row* group_of(std::int64_t node) const;

  /// Of the groups as a whole: what a change of them names as its premise. 0: not told yet.
  std::uint64_t groups_revision() const;

  /// Groups that the last applied publication changed, dropped ones too.
  const std::set<std::string>& changed_groups() const {
    return changed_groups_;
  }

  /// Collections with a replica in the group.
  const std::set<std::int64_t>& collections_in(const std::string& group) const;

  /// Collections whose replicas contain the node.
  const std::set<std::int64_t>& collections_of(std::int64_t node) const;

private:
  void put(schema::ChunkKind kind, std::int64_t collection, std::int64_t key, const msg<schema::Chunk>& chunk,
           touched_map& touched);
  void remove(schema::ChunkKind kind, std::int64_t collection, std::int64_t key);
  void forget(const std::set<schema::ChunkKind>& kinds);
  void forget_in_flight();
  void count_copies(collection_view& view, const msg<schema::Chunk>& chunk, int sign);
  void count_targets(const msg<schema::Chunk>& chunk, int sign);
  void set_desired(std::int64_t collection, std::optional<collection_row> row);
  void set_delegators(std::int64_t collection, std::vector<delegator_row> rows);
  void set_group(std::int64_t key, std::optional<group_row> row);
  void set_nodes(std::int64_t key, std::vector<node_row> rows, touched_map& touched);

  std::uint64_t number_ = 0;
  std::uint64_t epoch_ = 0;
  switches_row switches_;
  std::map<std::int64_t, collection_view> collections_;
  std::map<std::int64_t, node_row> nodes_;
  std::size_t target_rows_ = 0;
  std::map<std::int64_t, node_load> loads_;
  std::set<std::int64_t> in_flight_; ///< Nodes with load in flight, or failing.
  std::map<std::int64_t, std::set<std::int64_t>> collections_of_node_;
  std::map<std::string, group_row> groups_;
  std::map<std::int64_t, std::string> group_names_; ///< By key of their chunk.
  std::map<std::int64_t, std::string> group_of_node_;
  std::set<std::string> changed_groups_;
  std::map<std::string, std::set<std::int64_t>, std::less<>> collections_in_group_;
  std::map<std::int64_t, std::vector<std::int64_t>> node_chunks_;
  std::set<std::int64_t> changed_nodes_;
};

/// True when a task of this kind is keyed by its channel, not by a segment.
bool is_channel_task(schema::TaskKind kind);

/// True when a task of this kind sets up a leader of its channel, whose own order brings the segments.
bool sets_up_shard(schema::TaskKind kind);

} // namespace muster
