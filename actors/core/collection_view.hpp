// Everything about one collection, as the situation shows it: small things decoded, segment tables in their shared chunks.
#pragma once

#include "actors/core/chunk_spine.hpp"
#include "actors/core/flat_map.hpp"
#include "actors/core/rows.hpp"
#include "actors/core/shared_value.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// What a node has of one collection.
struct node_holding {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
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

/// The tasks in flight on one collection, by id, and who works on what. Copies share their rows until one of them changes.
class task_rows {
public:
  task_rows() = default;
  task_rows(const task_rows& other) : part_(other.part_) {
    // nop
  }
  task_rows& operator=(const task_rows&) = delete;

  const std::vector<task_row>& rows() const {
    return part_ ? part_->rows : none();
  }

  operator const std::vector<task_row>&() const {
    return rows();
  }

  auto begin() const {
    return rows().begin();
  }

  auto end() const {
    return rows().end();
  }

  std::size_t size() const {
    return rows().size();
  }

  bool empty() const {
    return rows().empty();
  }

  const task_row& operator[](std::size_t i) const {
    return rows()[i];
  }

  const task_row& at(std::size_t i) const {
    return rows().at(i);
  }

  const task_row& front() const {
    return rows().front();
  }

  const task_row& back() const {
    return rows().back();
  }

  /// The task with this id, or null.
  const task_row* with(std::int64_t id) const;
  const task_row* on(std::int64_t replica, std::int64_t segment) const;
  const task_row* on(std::int64_t replica, const std::string& channel) const;
  void each_channel_task(const std::function<void(const task_row&)>& f) const;

  /// Replaces what the chunk held. Cost: log of the tasks and the moves behind them; after a copy was made: all of them once.
  void put(std::int64_t chunk, std::vector<task_row> rows);
  void clear();
  /// A copy of this may be read elsewhere from now on: the next change begins with a copy.
  void share() {
    own_ = false;
  }

private:
  struct part {
    std::vector<task_row> rows; ///< By id.
    flat_map<std::int64_t, std::vector<std::int64_t>> chunks; ///< Ids.
    flat_map<std::pair<std::int64_t, std::int64_t>, std::int64_t> on_segment; ///< (replica, segment) -> id
    std::map<std::pair<std::int64_t, std::string>, std::int64_t> on_channel;
  };

  static const std::vector<task_row>& none();
  part& edit();

  std::shared_ptr<part> part_;
  bool own_ = false;
};

/// (leader, worker) -> segments
using routed_segments = flat_map<std::pair<std::int64_t, std::int64_t>, std::int64_t>;

/// What the routes of a collection rest on, to compare.
struct route_grounds {
  shared_value<collection_row> desired;
  shared_value<head_row> head;
  shared_list<delegator_row> delegators;
  copied_on_change<routed_segments> routed;

  bool same(const route_grounds& other) const {
    return desired.same(other.desired) && head.same(other.head) && delegators.same(other.delegators) && routed.same(other.routed);
  }
};

/// Everything about one collection. A copy shares nearly all of it: leaves of chunks, decoded rows, tasks.
class collection_view {
public:
  shared_value<collection_row> desired;
  shared_value<head_row> head;
  shared_list<delegator_row> delegators;
  task_rows tasks; ///< In flight, by id.
  shared_list<load_failure> failures; ///< Of late, the most frequent first.

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

  /// All chunks of segments by kind and key: those of the target, copies, views. Cost: their number.
  void each_chunk(const std::function<void(schema::ChunkKind, std::int64_t, const msg<schema::Chunk>&)>& f) const;

  /// Calls `f` for up to `most` segments from the id `from` on that a target, a copy or (with `views`) a view names, by id. Where to
  /// go on, or nothing at the end. Cost: those segments.
  std::optional<std::int64_t> walk(std::int64_t from, std::size_t most, bool views,
                                   const std::function<void(const walked_segment&)>& f) const;

  /// The delegator that leads `channel` in a replica: serviceable before not, then the higher version. Null: none.
  const delegator_row* leader(const replica_row& replica, const std::string& channel) const;
  /// A task in flight on the segment in the replica, or on the channel, or null. Cost: log of the tasks.
  const task_row* task_on(std::int64_t replica, std::int64_t segment) const {
    return tasks.on(replica, segment);
  }
  const task_row* task_on(std::int64_t replica, const std::string& channel) const {
    return tasks.on(replica, channel);
  }
  void each_channel_task(const std::function<void(const task_row&)>& f) const {
    tasks.each_channel_task(f);
  }

  /// What a node has of this collection. Cost: log of the nodes.
  node_holding on(std::int64_t node) const;
  /// Calls `f(node, holding)` for each node that has something of it, by node. Cost: those nodes.
  template <class F>
  void each_holding(F&& f) const {
    for (const auto& [node, holding] : *holdings_)
      f(node, holding);
  }

  /// True when some node still holds a copy or leads a channel of it.
  bool held() const {
    return !copies_.empty() || !delegators.empty();
  }

  std::size_t view_count() const {
    return view_count_;
  }

  std::size_t target_count() const {
    return target_count_;
  }

  /// What its routes rest on, beside the nodes.
  route_grounds grounds_of_routes() const {
    return {desired, head, delegators, routed_};
  }

  /// The workers that a leader routes some segment of this collection to, with how many. Cost: the replica's nodes.
  std::map<std::int64_t, std::int64_t> workers_of(std::int64_t leader) const;

  /// True when `f(worker)` is true for each of them. Cost: the same, without a table.
  template <class F>
  bool all_workers_of(std::int64_t leader, F&& f) const {
    for (auto i = routed_->lower_bound({leader, 0}); i != routed_->end() && i->first.first == leader; ++i)
      if (!f(i->first.second))
        return false;
    return true;
  }

private:
  friend class situation;

  bool unused() const;
  /// Both count what is in one chunk alone; an empty chunk has no rows.
  void count_views(const msg<schema::Chunk>& before, const msg<schema::Chunk>& after);
  void hold(std::int64_t node, const node_holding& more);

  chunk_spine targets_;
  chunk_spine copies_;
  chunk_spine views_;
  std::size_t target_count_ = 0;
  std::size_t view_count_ = 0;
  copied_on_change<routed_segments> routed_;
  copied_on_change<flat_map<std::int64_t, node_holding>> holdings_; ///< Those that are not zero.
};

/// True when a task of this kind is keyed by its channel, not by a segment.
bool is_channel_task(schema::TaskKind kind);

/// True when a task of this kind sets up a leader of its channel, whose own order brings the segments.
bool sets_up_shard(schema::TaskKind kind);

} // namespace muster
