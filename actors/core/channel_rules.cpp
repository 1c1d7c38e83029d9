// Rules for channels: lacking, repeated, not in target, foreign, released.
#include "actors/core/channel_rules.hpp"

#include "messages/limits.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace muster {

namespace {

/// Channel tasks are few and decide what can be searched: all are of high priority.
proposal drop(std::int64_t collection, std::int64_t replica, const delegator_row& d, reason why) {
  proposal p;
  p.kind = schema::TaskKind::DROP_SHARD;
  p.priority = schema::TaskPriority::HIGH;
  p.collection = collection;
  p.replica = replica;
  p.channel = d.channel;
  p.node = d.node;
  p.version = d.version;
  p.why = why;
  return p;
}

/// One order that makes a node lead a channel: every segment of the version it shall serve, with its worker.
proposal serve(const situation& s, const collection_view& view, const replica_row& replica, const std::string& channel,
               std::uint16_t index, placing& places) {
  proposal p;
  const auto version = view.head->readable();
  // A node leads a channel once: where the leader of a replica of old still ends its searches, no other can begin.
  std::set<std::int64_t> taken;
  for (const auto& d : view.delegators)
    if (d.channel == channel)
      taken.insert(d.node);
  p.node = places.place_channel(view, replica, index, taken);
  if (p.node == 0)
    return p;
  p.choice = places.last();
  p.kind = schema::TaskKind::SERVE_SHARD;
  p.priority = schema::TaskPriority::HIGH;
  p.collection = view.desired->id;
  p.replica = replica.id;
  p.channel = channel;
  p.target_version = version;
  p.why = reason::channel_lacking;
  // What users could read before comes back first.
  p.load_priority = view.head->current != 0 ? schema::LoadPriority::HIGH : replica.load_priority;
  std::vector<wanted_segment> lacking;
  view.each_target([&](const target_row& t) {
    if (t.channel != index || !t.in(version))
      return;
    std::int64_t worker = 0;
    for (const auto& c : view.copies_of(t.segment))
      if (replica.contains(c.node) && s.reachable(c.node) && (worker == 0 || (!s.usable(worker) && s.usable(c.node))))
        worker = c.node; // one that stops is emptied later
    if (worker != 0)
      p.assignments.emplace_back(t.segment, worker);
    else
      lacking.push_back({t.segment, t.rows, t.bytes, t.channel, 0});
  });
  if (!lacking.empty()) {
    places.place_segments(view, replica, lacking);
    for (const auto& x : lacking)
      p.assignments.emplace_back(x.segment, x.node);
    std::sort(p.assignments.begin(), p.assignments.end());
  }
  return p;
}

void check_desired(const situation& s, const collection_view& view, placing& places, std::vector<proposal>& out) {
  const auto& desired = *view.desired;
  for (const auto& d : view.delegators) {
    const auto* home = desired.replica_of(d.node);
    if (s.reachable(d.node) && (home == nullptr || home->id != d.replica))
      out.push_back(drop(desired.id, 0, d, reason::channel_foreign));
  }
  if (!view.head)
    return;
  const auto& channels = view.head->channels;
  for (const auto& d : view.delegators) {
    const auto* home = desired.replica_of(d.node);
    if (home != nullptr && home->id == d.replica && s.reachable(d.node)
        && std::find(channels.begin(), channels.end(), d.channel) == channels.end())
      out.push_back(drop(desired.id, home->id, d, reason::channel_not_in_target));
  }
  for (const auto& replica : desired.replicas) {
    if (!s.all_known(replica))
      continue;
    for (std::uint16_t i = 0; i < channels.size(); ++i) {
      const auto& channel = channels[i];
      if (view.task_on(replica.id, channel) != nullptr)
        continue;
      const auto* leader = view.leader(replica, channel);
      const bool leaves = leader != nullptr && replica.drains(leader->node);
      // The new leader's view is made of where the segments are: nothing of the channel may be on the move.
      if (leaves && std::any_of(view.tasks.begin(), view.tasks.end(), [&](const task_row& t) {
            return t.replica == replica.id && t.channel == channel;
          }))
        continue;
      if (leader == nullptr || leaves) {
        if (auto p = serve(s, view, replica, channel, i, places); p.node != 0) {
          if (leaves)
            p.why = reason::node_read_only;
          out.push_back(std::move(p));
        } else if (leaves) {
          // Every node may be taken by what is left of an order that failed: nobody completes a second leader, so it makes room.
          for (const auto& d : view.delegators)
            if (d.channel == channel && d.replica == replica.id && d.node != leader->node && !d.serviceable
                && replica.contains(d.node) && s.usable(d.node)) {
              out.push_back(drop(desired.id, replica.id, d, reason::channel_repeated));
              break;
            }
        }
        continue;
      }
      // A newer one that lacks something is what is left of an order that failed: no task completes it, and the leader stays.
      for (const auto& d : view.delegators)
        if (d.channel == channel && d.replica == replica.id && d.node != leader->node
            && (d.version < leader->version || replica.drains(d.node) || (leader->serviceable && !d.serviceable)) && replica.contains(d.node) && s.reachable(d.node)) {
          out.push_back(drop(desired.id, replica.id, d, reason::channel_repeated));
          break;
        }
    }
  }
}

/// True: something is to be done (perhaps not now).
bool check_collection(const situation& s, std::int64_t id, placing& places, std::vector<proposal>& out) {
  const auto* view = s.collection(id);
  if (view == nullptr)
    return false;
  const auto before = out.size();
  if (view->desired) {
    check_desired(s, *view, places, out);
  } else {
    for (const auto& d : view->delegators)
      if (s.reachable(d.node))
        out.push_back(drop(id, 0, d, reason::channel_released));
  }
  return out.size() > before;
}

} // namespace

std::vector<proposal> channel_rules::check(const situation& s, const touched_map& touched) {
  std::vector<proposal> out;
  placing places{s, settings_};
  auto due = std::exchange(cut_, {});
  for (const auto& [id, ids] : touched)
    due.insert(id);
  for (auto id : due)
    if (out.size() >= limits::proposals_per_batch)
      cut_.insert(id);
    else if (check_collection(s, id, places, out))
      open_.insert(id);
    else
      open_.erase(id);
  return out;
}

std::optional<std::int64_t> channel_rules::sweep(const situation& s, std::int64_t collection, std::int64_t, std::size_t,
                                                 sweep_findings& found) {
  placing places{s, settings_};
  if (check_collection(s, collection, places, found.proposals) && !cut_.contains(collection)
      && open_.insert(collection).second)
    ++found.defects;
  return std::nullopt;
}

} // namespace muster
