// Rules for channels: lacking, repeated, not in target, foreign, released.
#include "actors/core/channel_rules.hpp"

#include <algorithm>

namespace muster {

namespace {

proposal drop(std::int64_t collection, std::int64_t replica, const delegator_row& d, reason why,
              schema::TaskPriority priority) {
  proposal p;
  p.kind = schema::TaskKind::DROP_SHARD;
  p.priority = priority;
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
  p.node = places.place_channel(view, replica, index);
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
  std::vector<wanted_segment> lacking;
  view.each_target([&](const target_row& t) {
    if (t.channel != index || !t.in(version))
      return;
    std::int64_t worker = 0;
    for (const auto& c : view.copies_of(t.segment))
      if (replica.contains(c.node) && s.usable(c.node)) {
        worker = c.node;
        break;
      }
    if (worker != 0)
      p.assignments.emplace_back(t.segment, worker);
    else
      lacking.push_back({t.segment, t.rows, t.bytes, t.channel, 0});
  });
  places.place_segments(view, replica, lacking);
  for (const auto& x : lacking)
    p.assignments.emplace_back(x.segment, x.node);
  std::sort(p.assignments.begin(), p.assignments.end());
  return p;
}

void check_desired(const situation& s, const collection_view& view, placing& places, std::vector<proposal>& out) {
  const auto& desired = *view.desired;
  if (!view.head)
    return;
  const auto& channels = view.head->channels;
  for (const auto& d : view.delegators) {
    const auto* home = desired.replica_of(d.node);
    if (!s.usable(d.node))
      continue;
    if (home == nullptr || home->id != d.replica)
      out.push_back(drop(desired.id, 0, d, reason::channel_foreign, schema::TaskPriority::NORMAL));
    else if (std::find(channels.begin(), channels.end(), d.channel) == channels.end())
      out.push_back(drop(desired.id, home->id, d, reason::channel_not_in_target, schema::TaskPriority::NORMAL));
  }
  for (const auto& replica : desired.replicas) {
    if (!s.all_known(replica))
      continue;
    for (std::uint16_t i = 0; i < channels.size(); ++i) {
      const auto& channel = channels[i];
      if (view.task_on(replica.id, channel) != nullptr)
        continue;
      const auto* leader = view.leader(replica, channel);
      if (leader == nullptr) {
        if (auto p = serve(s, view, replica, channel, i, places); p.node != 0)
          out.push_back(std::move(p));
        continue;
      }
      for (const auto& d : view.delegators)
        if (d.channel == channel && d.replica == replica.id && d.node != leader->node && d.version < leader->version
            && replica.contains(d.node) && s.usable(d.node)) {
          out.push_back(drop(desired.id, replica.id, d, reason::channel_repeated, schema::TaskPriority::HIGH));
          break;
        }
    }
  }
}

} // namespace

std::vector<proposal> check_channels(const situation& s, const touched_map& touched) {
  std::vector<proposal> out;
  placing places{s};
  for (const auto& [id, ids] : touched) {
    const auto* view = s.collection(id);
    if (view == nullptr)
      continue;
    if (view->desired) {
      check_desired(s, *view, places, out);
      continue;
    }
    for (const auto& d : view->delegators)
      if (s.usable(d.node))
        out.push_back(drop(id, 0, d, reason::channel_released, schema::TaskPriority::NORMAL));
  }
  return out;
}

} // namespace muster
