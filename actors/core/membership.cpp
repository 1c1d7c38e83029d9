// Liveness of members.
#include "actors/core/membership.hpp"

#include <utility>

namespace muster {

namespace {

using schema::NodeLiveness;

} // namespace

membership::membership(std::vector<node_row> journaled, std::chrono::nanoseconds gone_after, std::int64_t now)
  : gone_after_(gone_after.count()) {
  for (auto& row : journaled) {
    row.liveness = NodeLiveness::UNKNOWN;
    by_name_[row.name] = row.id;
    auto& who = members_[row.id];
    who.suspect_at = now;
    who.row = std::move(row);
  }
}

failure membership::may_join(const std::string& name, std::uint64_t incarnation) const {
  auto i = by_name_.find(name);
  if (i == by_name_.end())
    return {ec::ok, {}};
  const auto& who = members_.at(i->second);
  if (who.row.connected() && who.row.incarnation != incarnation)
    return {ec::old_session_exists, "a node named " + name + " is already connected from " + who.row.address
                                      + "; choose another --name or stop that process first"};
  if (incarnation < who.row.incarnation)
    return {ec::stale_epoch, "a newer start of node " + name + " has joined before; this one is to end"};
  return {ec::ok, {}};
}

node_row membership::joined(const node_row& who, std::int64_t link, std::int64_t now, std::int64_t& old_link) {
  auto& mine = members_[who.id];
  old_link = mine.link;
  by_link_.erase(mine.link);
  by_name_[who.name] = who.id;
  mine.row = who;
  mine.row.liveness = NodeLiveness::CONNECTED;
  mine.link = link;
  mine.heard_at = now;
  mine.suspect_at.reset();
  by_link_[link] = who.id;
  return mine.row;
}

node_row& membership::suspect(member& who, std::int64_t now) {
  who.row.liveness = NodeLiveness::SUSPECT;
  who.suspect_at = now;
  return who.row;
}

std::optional<node_row> membership::lost(std::int64_t link, bool ended, std::int64_t now) {
  auto i = by_link_.find(link);
  if (i == by_link_.end())
    return std::nullopt;
  auto& who = members_.at(i->second);
  by_link_.erase(i);
  who.link = 0;
  if (who.row.gone())
    return std::nullopt;
  if (ended) {
    who.row.liveness = NodeLiveness::GONE;
    who.suspect_at.reset();
    return who.row;
  }
  // Silence that came before the loss counts: the time runs from the first suspicion.
  if (who.row.liveness == NodeLiveness::SUSPECT)
    return std::nullopt;
  return suspect(who, now);
}

std::optional<node_row> membership::heard(std::int64_t link, std::int64_t now) {
  auto i = by_link_.find(link);
  if (i == by_link_.end())
    return std::nullopt;
  auto& who = members_.at(i->second);
  who.heard_at = now;
  if (who.row.gone()) // its link outlived its time; only a new one brings it back
    return who.row;
  if (who.row.liveness != NodeLiveness::SUSPECT)
    return std::nullopt;
  who.row.liveness = NodeLiveness::CONNECTED;
  who.suspect_at.reset();
  return who.row;
}

void membership::said_hello(const std::string& name, std::int64_t now) {
  auto i = by_name_.find(name);
  if (i == by_name_.end())
    return;
  if (auto& who = members_.at(i->second); who.suspect_at)
    who.suspect_at = now;
}

void membership::stood_still(std::int64_t nanoseconds) {
  for (auto& [id, who] : members_) {
    who.heard_at += nanoseconds;
    if (who.suspect_at)
      *who.suspect_at += nanoseconds;
  }
}

std::optional<node_row> membership::draining(std::int64_t link) {
  auto i = by_link_.find(link);
  if (i == by_link_.end())
    return std::nullopt;
  auto& row = members_.at(i->second).row;
  if (std::exchange(row.stopping, true))
    return std::nullopt;
  return row;
}

std::optional<node_row> membership::leaving(std::int64_t link, std::int64_t now) {
  return lost(link, true, now);
}

std::vector<node_row> membership::beat(std::int64_t now) {
  std::vector<node_row> changed;
  for (auto& [id, who] : members_) {
    if (who.row.connected() && now - who.heard_at >= std::chrono::nanoseconds{limits::suspect_after}.count())
      changed.push_back(suspect(who, now));
    else if (who.suspect_at && now - *who.suspect_at >= gone_after_) {
      who.row.liveness = NodeLiveness::GONE;
      who.suspect_at.reset();
      changed.push_back(who.row);
    }
  }
  return changed;
}

std::vector<std::int64_t> membership::links() const {
  std::vector<std::int64_t> result;
  for (const auto& [link, node] : by_link_)
    result.push_back(link);
  return result;
}

std::int64_t membership::node_of(std::int64_t link) const {
  auto i = by_link_.find(link);
  return i == by_link_.end() ? 0 : i->second;
}

const node_row* membership::find(std::int64_t node) const {
  auto i = members_.find(node);
  return i == members_.end() ? nullptr : &i->second.row;
}

std::int64_t membership::last_heard(std::int64_t node) const {
  auto i = members_.find(node);
  return i == members_.end() ? 0 : i->second.heard_at;
}

std::vector<std::pair<std::int64_t, std::int64_t>> membership::all_heard() const {
  std::vector<std::pair<std::int64_t, std::int64_t>> all;
  for (const auto& [id, who] : members_)
    if (who.heard_at != 0)
      all.emplace_back(id, who.heard_at);
  return all;
}

std::optional<std::int64_t> membership::next_gone() const {
  std::optional<std::int64_t> next;
  for (const auto& [id, who] : members_)
    if (who.suspect_at && (!next || *who.suspect_at + gone_after_ < *next))
      next = *who.suspect_at + gone_after_;
  return next;
}

} // namespace muster
