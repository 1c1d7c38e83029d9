// What a new situation shows that the one before did not, as events; and since when things stand as they do.
#pragma once

#include "actors/core/event_log.hpp"
#include "actors/core/situation.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

namespace muster {

/// Belongs to who holds the situation. Cost of a look: the collections touched, nodes and groups changed; what shares its parts with the
/// situation before costs a few comparisons. Memory: a small record for each collection, node and switch.
class change_watch {
public:
  /// The events of this change. The first situation with resource groups is what was recovered: it is remembered and gives none.
  std::vector<log_event> look(const situation& s, const touched_map& touched, std::int64_t now);

  // Since when, on the clock of `look`; 0: not known, it was so at the start.

  /// A node has been as alive as it is.
  std::int64_t node_since(std::int64_t id) const;
  /// A collection has been searchable, or not.
  std::int64_t served_since(std::int64_t id) const;
  /// A collection has been asked for, or its target has been what it is; whichever is later.
  std::int64_t wanted_since(std::int64_t id) const;
  std::int64_t checker_since(std::string_view checker) const;
  std::int64_t group_since(std::string_view group) const;
  std::int64_t suspended_since(std::int64_t id) const;
  std::int64_t setting_since(std::string_view key) const;

  // Where something is, so that who asks for it by its id need not look into every collection.

  /// Collections that may have the segment, in a target or as a copy. Cost: a nanosecond a collection.
  std::vector<std::int64_t> collections_around(std::int64_t segment) const;
  /// The desired collection of a replica, or of a channel; 0: none.
  std::int64_t collection_of_replica(std::int64_t replica) const;
  std::int64_t collection_of_channel(std::string_view channel) const;
  /// How many replicas have the node, read-write or being drained.
  std::size_t replicas_with(std::int64_t node) const;

  /// Tasks in flight, of all collections.
  std::size_t tasks() const {
    return tasks_;
  }

  /// Collections that are being loaded; that cannot be searched.
  const std::set<std::int64_t>& loading() const {
    return loading_;
  }
  const std::set<std::int64_t>& unserved() const {
    return unserved_;
  }
  /// Collections that are loaded or being loaded.
  std::size_t collections() const {
    return collections_.size();
  }

private:
  /// Replica, index of the channel, node.
  using leader = std::tuple<std::int64_t, std::uint32_t, std::int64_t>;

  struct collection {
    route_grounds grounds;
    std::vector<leader> serving; ///< Sorted.
    bool served = false;
    std::int64_t served_since = 0;
    std::int64_t wanted_since = 0;
    std::size_t range = 0; ///< Its place in `ranges_`.
  };

  /// Ids of the segments of a collection are somewhere in here; it only grows while the collection is there.
  struct segment_range {
    std::int64_t low = 0;
    std::int64_t high = -1;
    std::int64_t collection = 0;
  };

  struct node {
    node_row row;
    std::int64_t since = 0;
  };

  void look_at_node(const situation& s, std::int64_t id, std::int64_t now);
  void look_at_collection(const situation& s, std::int64_t id, const touched_ids& ids, std::int64_t now);
  void look_at_desired(std::int64_t id, collection& mine, const shared_value<collection_row>& row, std::int64_t now);
  void look_at_target(std::int64_t id, collection& mine, const shared_value<head_row>& head, std::int64_t now);
  void look_at_leaders(const situation& s, std::int64_t id, const collection_view& view, collection& mine, std::int64_t now);
  void look_at_groups(const situation& s, std::int64_t now);
  void look_at_switches(const situation& s, std::int64_t now);
  void widen(const collection_view& view, collection& mine, const touched_ids& ids);
  void list(std::int64_t id, const collection_row* before, const collection_row* after);
  void list(std::int64_t id, const head_row* before, const head_row* after);
  void forget(std::map<std::int64_t, collection>::iterator i);
  log_event& event(schema::EventKind kind, std::int64_t now);

  bool primed_ = false;
  std::uint64_t node_changes_ = 0; ///< Of the situation that was looked at last.
  std::vector<log_event> events_;
  std::map<std::int64_t, collection> collections_;
  std::set<std::int64_t> loading_;
  std::set<std::int64_t> unserved_;
  std::vector<segment_range> ranges_;
  std::unordered_map<std::int64_t, std::int64_t> of_replica_;
  std::unordered_map<std::size_t, std::int64_t> of_channel_; ///< By hash of the name; who finds it compares the name.
  std::unordered_map<std::int64_t, std::size_t> replicas_with_;
  std::unordered_map<std::int64_t, std::size_t> tasks_of_; ///< By collection; those that are not zero.
  std::size_t tasks_ = 0;
  std::map<std::int64_t, node> nodes_;
  std::map<std::string, group_row, std::less<>> groups_;
  switches_row switches_;
  std::map<std::string, std::int64_t, std::less<>> checker_since_;
  std::map<std::string, std::int64_t, std::less<>> group_since_;
  std::map<std::string, std::int64_t, std::less<>> setting_since_;
  std::map<std::int64_t, std::int64_t> suspended_since_;
};

} // namespace muster
