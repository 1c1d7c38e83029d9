// Routes by version.
#include "actors/core/route_table.hpp"

#include <algorithm>

namespace muster {

bool route_table::put(std::int64_t collection, routes fresh) {
  auto i = entries_.find(collection);
  const bool removed = fresh->getRemoved();
  if (removed) {
    if (i == entries_.end() || i->second.value->getRemoved())
      return false;
    // Watchers know it by name.
    fresh = build<schema::CollectionRoutes>([&](schema::CollectionRoutes::Builder b) {
      b.setCollectionId(collection);
      b.setName(i->second.value->getName());
      b.setRemoved(true);
    });
  } else if (i != entries_.end() && i->second.value.bytes() == fresh.bytes()) {
    return false;
  }
  dirty_ = true;
  auto& e = i == entries_.end() ? entries_[collection] : i->second;
  by_change_.erase({e.changed, collection});
  gone_.erase({e.changed, collection});
  e.changed = version_ + 1;
  e.value = std::move(fresh);
  by_change_.insert({e.changed, collection});
  if (!removed)
    return true;
  gone_.insert({e.changed, collection});
  if (gone_.size() > most_) {
    const auto oldest = *gone_.begin();
    gone_.erase(gone_.begin());
    by_change_.erase(oldest);
    entries_.erase(oldest.second);
    forgotten_ = std::max(forgotten_, oldest.first);
  }
  return true;
}

std::uint64_t route_table::publish() {
  if (std::exchange(dirty_, false))
    ++version_;
  return version_;
}

std::optional<std::vector<route_table::routes>> route_table::changes_after(std::uint64_t since) const {
  if (since < forgotten_)
    return std::nullopt;
  std::vector<routes> changed;
  for (auto i = by_change_.lower_bound({since + 1, 0}); i != by_change_.end() && i->first <= version_; ++i)
    changed.push_back(entries_.at(i->second).value);
  return changed;
}

std::vector<route_table::routes> route_table::all() const {
  std::vector<routes> there;
  for (const auto& [id, e] : entries_)
    if (!e.value->getRemoved())
      there.push_back(e.value);
  return there;
}

} // namespace muster
