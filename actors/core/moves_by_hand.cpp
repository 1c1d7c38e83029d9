// The checks of the model in its order, and its gaps closed: the source is no destination, nothing crosses replicas.
#include "actors/core/moves_by_hand.hpp"

#include "actors/core/placing.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace muster {

std::string_view to_string(hand_refusal r) {
  switch (r) {
    case hand_refusal::none:
      return "none";
    case hand_refusal::source_missing:
      return "source_missing";
    case hand_refusal::collection_not_loaded:
      return "collection_not_loaded";
    case hand_refusal::source_outside_replica:
      return "source_outside_replica";
    case hand_refusal::source_unavailable:
      return "source_unavailable";
    case hand_refusal::destination_outside_replica:
      return "destination_outside_replica";
    case hand_refusal::destination_unavailable:
      return "destination_unavailable";
    case hand_refusal::segment_not_on_source:
      return "segment_not_on_source";
    case hand_refusal::channel_not_on_source:
      return "channel_not_on_source";
    case hand_refusal::no_destination:
      return "no_destination";
    case hand_refusal::copies_not_supported:
      return "copies_not_supported";
  }
  return "unknown";
}

failure failure_of(const hand_plan& plan) {
  const auto id = std::to_string(plan.about);
  switch (plan.why) {
    case hand_refusal::none:
      return {ec::ok, {}};
    case hand_refusal::source_missing:
      return {ec::parameter_invalid, "a move was asked for with " + id + " source nodes; name exactly one"};
    case hand_refusal::collection_not_loaded:
      return {ec::collection_not_fully_loaded,
              "collection " + id + " is not loaded, so its segments cannot be moved; load it and wait until it is"};
    case hand_refusal::source_outside_replica:
      return {ec::node_not_found, "node " + id + " is of no replica of the collection; GetReplicas names those that are"};
    case hand_refusal::source_unavailable:
      return {ec::node_offline, "source node " + id + " is unknown, not connected or stopping; name one that is up"};
    case hand_refusal::destination_outside_replica:
      return {ec::node_not_found, "destination node " + id
                                    + " is no read-write node of the source's replica; GetReplicas names those that are"};
    case hand_refusal::destination_unavailable:
      return {ec::node_offline, "destination node " + id + " is unknown, not connected or stopping; name one that is up"};
    case hand_refusal::segment_not_on_source:
      return {ec::segment_not_found, "segment " + id + " is not on the source node; GetLoadSegmentInfo says where it is"};
    case hand_refusal::channel_not_on_source:
      return {ec::channel_not_found, "node " + id + " does not lead channel " + plan.channel
                                       + "; GetShardLeaders says who does"};
    case hand_refusal::no_destination:
      return {ec::node_offline, "beside node " + id + " its replica has no node that could take anything; start one more"};
    case hand_refusal::copies_not_supported:
      return {ec::parameter_invalid,
              "a copy beside node " + id + " was asked for, but a replica has everything once; load more replicas instead"};
  }
  return {ec::internal, "unknown refusal"};
}

namespace {

hand_plan refuse(hand_refusal why, std::int64_t about, std::string channel = {}) {
  hand_plan p;
  p.why = why;
  p.about = about;
  p.channel = std::move(channel);
  return p;
}

bool names(const std::vector<std::int64_t>& list, std::int64_t id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

/// The read-write nodes of the replica that can take something, without the source.
std::vector<std::int64_t> takers(const situation& s, const replica_row& replica, std::int64_t source) {
  std::vector<std::int64_t> result;
  for (auto n : replica.nodes)
    if (n != source && s.usable(n))
      result.push_back(n);
  return result;
}

proposal move_of(const collection_view& view, const replica_row& replica, std::int64_t source, std::int64_t node) {
  proposal p;
  p.collection = view.desired->id;
  p.replica = replica.id;
  p.source = source;
  p.node = node;
  p.why = reason::moved_by_hand;
  return p;
}

/// Moves segments to where they add least; those that no target names are passed over.
void move_segments(const collection_view& view, replica_row replica, std::int64_t source,
                   std::vector<std::int64_t> destinations, const std::vector<std::int64_t>& segments, placing& places,
                   std::vector<proposal>& out) {
  replica.nodes = std::move(destinations);
  std::vector<wanted_segment> wanted;
  for (auto id : segments)
    if (const auto t = view.target_of(id); t && view.head && t->in(view.head->current))
      wanted.push_back({id, t->rows, t->bytes, t->channel, 0});
  places.place_segments(view, replica, wanted);
  for (const auto& x : wanted) {
    if (x.node == 0)
      continue;
    auto p = move_of(view, replica, source, x.node);
    p.kind = schema::TaskKind::MOVE_SEGMENT;
    p.priority = schema::TaskPriority::NORMAL;
    p.load_priority = replica.load_priority;
    p.segment = x.segment;
    p.channel = view.head->channels.at(x.channel);
    out.push_back(std::move(p));
  }
}

std::vector<std::int64_t> segments_on(const collection_view& view, std::int64_t node) {
  std::vector<std::int64_t> result;
  view.each_copy([&](const copy_row& c) {
    if (c.node == node)
      result.push_back(c.segment);
  });
  return result;
}

bool holds(const collection_view& view, std::int64_t segment, std::int64_t node) {
  const auto copies = view.copies_of(segment);
  return std::any_of(copies.begin(), copies.end(), [&](const copy_row& c) { return c.node == node; });
}

/// Destinations of a transfer in one replica; nothing: it has none of the wanted.
std::optional<std::vector<std::int64_t>> destinations_of(const situation& s, const replica_row& replica, const transfer& ask) {
  if (ask.to_all_nodes)
    return takers(s, replica, ask.source);
  if (!names(replica.nodes, ask.destination))
    return std::nullopt;
  if (ask.destination == ask.source)
    return std::vector<std::int64_t>{};
  return std::vector<std::int64_t>{ask.destination};
}

std::optional<hand_plan> refused(const situation& s, const transfer& ask) {
  if (!s.usable(ask.source))
    return refuse(hand_refusal::source_unavailable, ask.source);
  if (!ask.to_all_nodes && !s.usable(ask.destination))
    return refuse(hand_refusal::destination_unavailable, ask.destination);
  if (ask.copy)
    return refuse(hand_refusal::copies_not_supported, ask.source);
  return std::nullopt;
}

} // namespace

hand_plan plan_load_balance(const situation& s, const load_balance& ask, const balance_settings& settings) {
  if (ask.sources.size() != 1)
    return refuse(hand_refusal::source_missing, static_cast<std::int64_t>(ask.sources.size()));
  const auto source = ask.sources.front();
  const auto* view = s.collection(ask.collection);
  if (view == nullptr || !view->desired || !view->head || view->desired->status != schema::LoadStatus::LOADED)
    return refuse(hand_refusal::collection_not_loaded, ask.collection);
  const auto* replica = view->desired->replica_of(source);
  if (replica == nullptr)
    return refuse(hand_refusal::source_outside_replica, source);
  if (!s.usable(source))
    return refuse(hand_refusal::source_unavailable, source);
  for (auto d : ask.destinations)
    if (!names(replica->nodes, d))
      return refuse(hand_refusal::destination_outside_replica, d);
  for (auto d : ask.destinations)
    if (!s.usable(d))
      return refuse(hand_refusal::destination_unavailable, d);
  auto destinations = ask.destinations.empty() ? takers(s, *replica, source) : ask.destinations;
  std::erase(destinations, source);
  if (destinations.empty())
    return refuse(hand_refusal::no_destination, source);
  for (auto id : ask.segments)
    if (!holds(*view, id, source))
      return refuse(hand_refusal::segment_not_on_source, id);
  hand_plan plan;
  placing places{s, settings};
  move_segments(*view, *replica, source, destinations, ask.segments.empty() ? segments_on(*view, source) : ask.segments,
                places, plan.moves);
  return plan;
}

hand_plan plan_transfer_segment(const situation& s, const transfer& ask, const balance_settings& settings) {
  if (auto no = refused(s, ask))
    return *no;
  hand_plan plan;
  placing places{s, settings};
  bool found = ask.all;
  bool member = false;   // the source is in some replica
  bool reachable = false; // and that one has a destination
  for (auto id : s.collections_of(ask.source)) {
    const auto* view = s.collection(id);
    if (view == nullptr || !view->desired || !view->head)
      continue;
    const auto* replica = view->desired->replica_of(ask.source);
    if (replica == nullptr)
      continue;
    member = true;
    if (!ask.all && !holds(*view, ask.segment, ask.source))
      continue;
    found = true;
    const auto destinations = destinations_of(s, *replica, ask);
    if (!destinations)
      continue;
    reachable = true;
    if (destinations->empty()) {
      if (!ask.all)
        return refuse(hand_refusal::no_destination, ask.source);
      continue;
    }
    move_segments(*view, *replica, ask.source, *destinations,
                  ask.all ? segments_on(*view, ask.source) : std::vector<std::int64_t>{ask.segment}, places, plan.moves);
  }
  if (!found && member)
    return refuse(hand_refusal::segment_not_on_source, ask.segment);
  if (member && !reachable)
    return refuse(hand_refusal::destination_outside_replica, ask.destination);
  return plan;
}

hand_plan plan_transfer_channel(const situation& s, const transfer& ask, const balance_settings& settings) {
  if (auto no = refused(s, ask))
    return *no;
  hand_plan plan;
  placing places{s, settings};
  bool found = ask.all;
  bool member = false;
  bool reachable = false;
  for (auto id : s.collections_of(ask.source)) {
    const auto* view = s.collection(id);
    if (view == nullptr || !view->desired || !view->head)
      continue;
    const auto* replica = view->desired->replica_of(ask.source);
    if (replica == nullptr)
      continue;
    member = true;
    const auto destinations = destinations_of(s, *replica, ask);
    for (const auto& d : view->delegators) {
      if (d.node != ask.source || d.replica != replica->id || (!ask.all && d.channel != ask.channel))
        continue;
      found = true;
      const auto& channels = view->head->channels;
      const auto index = std::find(channels.begin(), channels.end(), d.channel) - channels.begin();
      if (!destinations || static_cast<std::size_t>(index) == channels.size())
        continue;
      reachable = true;
      auto narrow = *replica;
      narrow.nodes = *destinations;
      std::set<std::int64_t> leads; // a node leads a channel once
      for (const auto& other : view->delegators)
        if (other.channel == d.channel)
          leads.insert(other.node);
      const auto node = places.place_channel(*view, narrow, static_cast<std::uint16_t>(index), leads);
      if (node == 0) {
        if (!ask.all)
          return refuse(hand_refusal::no_destination, ask.source);
        continue;
      }
      auto p = move_of(*view, *replica, ask.source, node);
      p.kind = schema::TaskKind::MOVE_SHARD;
      p.priority = schema::TaskPriority::HIGH;
      p.channel = d.channel;
      p.choice = places.last();
      plan.moves.push_back(std::move(p));
    }
    reachable = reachable || (ask.all && destinations.has_value());
  }
  if (!found && member)
    return refuse(hand_refusal::channel_not_on_source, ask.source, ask.channel);
  if (member && !reachable)
    return refuse(hand_refusal::destination_outside_replica, ask.destination);
  return plan;
}

} // namespace muster
