// The routes of all collections as watchers are told of them: what changed since which version, with a limited memory of what is gone.
#pragma once

#include "messages/limits.hpp"
#include "messages/msg.hpp"
#include "messages/schema/client.capnp.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

/// Versions grow by one with each round of changes. Collections that are gone leave a tombstone, at most `tombstones` of them: who
/// knows no version as new as the newest forgotten one is told everything anew.
class route_table {
public:
  using routes = msg<schema::CollectionRoutes>;

  explicit route_table(std::size_t tombstones = limits::route_tombstones) : most_(tombstones) {
    // nop
  }

  /// Takes the routes of a collection (`removed`: gone) as part of the next version. True when they differ. Cost: log of the table.
  bool put(std::int64_t collection, routes fresh);

  /// Ends the round: what was put since the last one is of this version.
  std::uint64_t publish();

  std::uint64_t version() const {
    return version_;
  }

  /// What changed after `since`, gone ones too, in the order of the changes; nothing when that is no longer known. Cost: the changes.
  std::optional<std::vector<routes>> changes_after(std::uint64_t since) const;

  /// All that are there, by id.
  std::vector<routes> all() const;

  /// Tombstones that are kept.
  std::size_t gone() const {
    return gone_.size();
  }

private:
  struct entry {
    routes value;
    std::uint64_t changed = 0;
  };

  std::map<std::int64_t, entry> entries_;
  std::set<std::pair<std::uint64_t, std::int64_t>> by_change_; ///< (version, collection)
  std::set<std::pair<std::uint64_t, std::int64_t>> gone_;      ///< Tombstones among them.
  std::uint64_t version_ = 0;
  std::uint64_t forgotten_ = 0; ///< The version of the newest tombstone that was given up.
  bool dirty_ = false;
  std::size_t most_;
};

} // namespace muster
