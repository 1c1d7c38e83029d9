// The situation: desired, target, actual and the tasks in flight, merged and numbered; what every checker and observer reads.
#pragma once

#include "actors/core/change_set.hpp"
#include "actors/core/collection_view.hpp"
#include "actors/core/rows.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace muster {

/// The collections of a situation by id, read like a map from id to view.
class collection_map {
public:
  struct entry {
    std::shared_ptr<collection_view> view;
    bool own = true; ///< Nobody else reads this view: it may be changed in place.
  };
  using table = std::map<std::int64_t, entry>;
  using value_type = std::pair<std::int64_t, const collection_view&>;

  class const_iterator {
  public:
    struct arrow {
      value_type value;
      const value_type* operator->() const {
        return &value;
      }
    };

    const_iterator(table::const_iterator at) : at_(at) {
      // nop
    }

    value_type operator*() const {
      return {at_->first, *at_->second.view};
    }

    arrow operator->() const {
      return {**this};
    }

    const_iterator& operator++() {
      ++at_;
      return *this;
    }

    friend bool operator==(const const_iterator&, const const_iterator&) = default;

  private:
    table::const_iterator at_;
  };

  const_iterator begin() const {
    return rows_.begin();
  }

  const_iterator end() const {
    return rows_.end();
  }

  const_iterator lower_bound(std::int64_t id) const {
    return rows_.lower_bound(id);
  }

  std::size_t size() const {
    return rows_.size();
  }

  bool empty() const {
    return rows_.empty();
  }

  bool contains(std::int64_t id) const {
    return rows_.contains(id);
  }

private:
  friend class situation;
  table rows_;
};

/// One actor's situation. Whoever merges the truths applies chunks: that costs the rows of those chunks, and once for each collection
/// after `take_views` a copy of its view, which shares all but what changes. All others apply the views that it publishes: that
/// costs the collections named. Readers never copy segment tables.
class situation {
public:
  situation() = default;
  situation(const situation&) = delete;
  situation& operator=(const situation&) = delete;
  situation(situation&&) = default;
  situation& operator=(situation&&) = default;

  /// Takes over a publication; returns what it is about, with the collections of changed nodes added: valid until the next call.
  const touched_map& apply(const publication& p);

  /// From now on what changes is remembered for take_views.
  void remember_changes() {
    remembers_ = true;
  }

  /// Puts into `to` all that changed since the last call, to be shared. Cost: those collections and nodes.
  void take_views(change_set& to);

  /// Puts everything there is into `to`, to be shared. Cost: all collections and nodes.
  void all_views(change_set& to);

  std::uint64_t number() const {
    return number_;
  }

  std::uint64_t epoch() const {
    return epoch_;
  }

  /// All collections that anything is known of, by id.
  const collection_map& collections() const {
    return collections_;
  }

  /// Target segments and collections there are, for who walks over them in slices.
  std::size_t entities() const {
    return target_rows_ + collections_.size();
  }

  /// One collection, or null.
  const collection_view* collection(std::int64_t id) const;

  /// The desired collection of that name, or null. Cost: constant, but for the first call.
  const collection_view* named(std::string_view name) const;

  const std::map<std::int64_t, node_row>& nodes() const {
    return nodes_;
  }

  /// One node, or null.
  const node_row* node(std::int64_t id) const;

  /// What a node carries; zeros for an unknown one.
  node_load load(std::int64_t node) const;

  /// True when every node of the replica has reported or is gone, so that lack and surplus may be concluded. Cost: the nodes that
  /// have not, in the whole cluster.
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

  /// Collections with a replica in the group. Cost: constant, but for the first call.
  const std::set<std::int64_t>& collections_in(const std::string& group) const;

  /// Grows whenever conclusions about any node may be others than before: it was known, connected, stopping, gone, or is so now.
  std::uint64_t node_changes() const {
    return node_changes_;
  }

  /// Collections whose replicas contain the node. Only whoever merges the truths knows.
  const id_set& collections_of(std::int64_t node) const;

private:
  using name_table = std::unordered_map<std::string, std::int64_t>;
  using group_table = std::map<std::string, std::set<std::int64_t>, std::less<>>;

  collection_view& edit(std::int64_t collection);
  collection_view* edit_known(std::int64_t collection);
  collection_map::table::iterator forget_collection(collection_map::table::iterator i);
  void set_view(std::int64_t collection, std::shared_ptr<const collection_view> view);
  void named_changes(std::int64_t collection, const collection_row* before, const collection_row* after);
  node_load& edit_load(std::int64_t node);
  void put(schema::ChunkKind kind, std::int64_t collection, std::int64_t key, const msg<schema::Chunk>& chunk,
           touched_map& touched);
  void remove(schema::ChunkKind kind, std::int64_t collection, std::int64_t key);
  void forget(const std::set<schema::ChunkKind>& kinds);
  void forget_collections();
  void forget_parts(const std::set<schema::ChunkKind>& kinds);
  void forget_in_flight();
  void put_targets(collection_view& view, std::int64_t key, msg<schema::Chunk> chunk);
  void put_copies(collection_view& view, std::int64_t key, msg<schema::Chunk> chunk);
  void put_views(collection_view& view, std::int64_t key, msg<schema::Chunk> chunk);
  void count_copies(collection_view& view, const msg<schema::Chunk>& before, const msg<schema::Chunk>& after);
  void set_desired(std::int64_t collection, std::optional<collection_row> row);
  void set_delegators(std::int64_t collection, std::vector<delegator_row> rows);
  void set_group(std::int64_t key, std::optional<group_row> row);
  void set_nodes(std::int64_t key, std::vector<node_row> rows, touched_map& touched);
  void look_at_report(std::int64_t node);

  std::uint64_t number_ = 0;
  std::uint64_t epoch_ = 0;
  std::shared_ptr<const touched_map> touched_; ///< By the last applied publication.
  switches_row switches_;
  collection_map collections_;
  std::map<std::int64_t, node_row> nodes_;
  std::size_t target_rows_ = 0;
  std::map<std::int64_t, node_load> loads_;
  std::set<std::int64_t> in_flight_; ///< Nodes with load in flight, or failing.
  std::map<std::int64_t, id_set> collections_of_node_;
  id_set unreported_; ///< Nodes that have neither reported nor gone.
  id_set unheard_;    ///< Nodes that a replica names and no chunk has.
  std::map<std::string, group_row> groups_;
  std::map<std::int64_t, std::string> group_names_; ///< By key of their chunk.
  std::map<std::int64_t, std::string> group_of_node_;
  std::set<std::string> changed_groups_;
  mutable std::unique_ptr<group_table> in_group_; ///< Collections by the groups of their replicas; made when first asked for.
  std::map<std::int64_t, std::vector<std::int64_t>> node_chunks_;
  std::set<std::int64_t> changed_nodes_;
  std::uint64_t node_changes_ = 0;
  mutable std::unique_ptr<name_table> by_name_; ///< Desired collections; made when first asked for.
  bool remembers_ = false;
  std::set<std::int64_t> changed_views_;
  std::set<std::int64_t> changed_loads_;
};

} // namespace muster
