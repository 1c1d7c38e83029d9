// After healing everything asked for must come true, and then there must be rest.
#include "tests/simulation/trace.hpp"
#include "tests/simulation/world.hpp"

#include "actors/core/answers.hpp"

#include <algorithm>

namespace muster::sim {

namespace {

/// Time for the cluster to become whole after the last fault: an order's deadline, its confirmation, and back-offs.
constexpr std::int64_t patience = 120 * s;
/// So long nothing may move before it counts as rest: more than the longest back-off, after which a task that failed
/// while there were faults is tried again.
constexpr std::int64_t rest = 12 * s;

} // namespace

void world::settle() {
  // Whatever is still under way from before (restarts, requests) ends first.
  for (const auto& p : processes_)
    if (!p->up || p->stopping || p->crash_after > 0) {
      if (now_ - healed_at_ > patience)
        fail(verdict::liveness, p->name + " is not up after healing");
      return;
    }
  for (const auto& p : processes_)
    for (auto [actor, until] : p->held)
      if (until > now_)
        return;
  if (settling_ == settling::draining) {
    if (last_drained_->draining)
      return;
    healed_at_ = now_; // it left and has come back: everything is to become whole once more
    settling_ = settling::waiting;
  }
  if (settling_ == settling::waiting) {
    last_unsettled_ = unsettled();
    if (last_unsettled_.empty()) {
      settling_ = settling::searching;
      final_searches();
    } else if (now_ - healed_at_ > patience) {
      fail(verdict::liveness, "after " + std::to_string(patience / s) + " s without faults: " + last_unsettled_);
    }
    return;
  }
  if (settling_ == settling::quiet) {
    if (last_movement_ > settled_at_ && now_ - healed_at_ < patience)
      settling_ = settling::waiting; // a move that had failed; whether moves ever end is seen by then
    else if (auto why = unsettled(); !why.empty())
      fail(verdict::liveness, "it was as it should be, and without any cause no longer is: " + why);
    else if (last_movement_ > settled_at_)
      fail(verdict::liveness, "everything is as it should be, but orders go on");
    else if (now_ - settled_at_ > rest && options_.drain_last && last_drained_ == nullptr && can_do_without_one()) {
      last_drained_ = processes_[static_cast<std::size_t>(hands_.between(1, options_.nodes))].get();
      settling_ = settling::draining;
      healed_at_ = now_;
      drain_node(*last_drained_, patience);
    } else if (now_ - settled_at_ > rest)
      settling_ = settling::done;
  }
}

/// True when every replica has a node left without any one of them. Groups that must have nodes are another matter: which of them
/// could give one is what the rules of groups decide.
bool world::can_do_without_one() {
  for (const auto& [name, row] : seen_->groups())
    if (!row.is_default() && !row.nodes.empty())
      return false;
  for (const auto& [id, c] : seen_->collections())
    if (c.desired && c.desired->replica_number >= static_cast<std::uint32_t>(options_.nodes))
      return false;
  return options_.nodes > 1;
}

std::string world::unsettled() {
  if (seen_ == nullptr)
    return "the coordinator has published nothing";
  for (const auto& p : processes_)
    if (!p->coordinator() && !seen_->usable(p->node))
      return p->name + " is not usable for the coordinator";
  // A link that one end believes in and the other does not is found by beats; until then the coordinator cannot know.
  for (const auto& [id, c] : connections_)
    if (c.broken && c.accepted && !c.peer)
      for (const auto& e : c.ends)
        if (!e.closed && processes_[static_cast<std::size_t>(e.process)]->generation == e.generation)
          return processes_[static_cast<std::size_t>(e.process)]->name + " has not heard that a link broke";
  if (auto why = switches_unsettled(); !why.empty())
    return why;
  if (auto why = groups_unsettled(); !why.empty())
    return why;
  // Asked for again, so that every collection has a certain fate.
  for (const auto& [name, promise] : model_.promises) {
    if (promise.open > 0)
      return "a request for " + name + " is open";
    if (!promise.certain) {
      if (promise.open == 0)
        change(name, random_.chance(2, 3), static_cast<int>(random_.between(1, options_.replicas)), 60 * s, [](bool) {});
      return "the fate of " + name + " is not certain";
    }
  }
  for (const auto& [id, c] : calls_)
    if (!c.answered || c.copies > 0)
      return c.answered ? "a request is at work for ever" : "a client waits for an answer";
  if (auto why = groups_wrong(); !why.empty())
    return why;
  for (const auto& [name, id] : model_.ids) {
    auto promise = model_.promises.find(name);
    const bool wanted = promise != model_.promises.end() && promise->second.loaded;
    const auto* c = seen_->collection(id);
    if (!wanted) {
      if (c != nullptr && c->desired)
        return name + " was released but is desired";
      if (c != nullptr && c->held())
        return name + " was released but nodes hold some of it";
      for (const auto& p : processes_)
        if (p->engine)
          for (auto [segment, collection] : p->engine->here)
            if (collection == id)
              return name + " was released but " + p->name + " holds segment " + std::to_string(segment);
      if (routes_.contains(name))
        return name + " was released but the client has routes of it";
      continue;
    }
    if (c == nullptr || !c->desired || !c->head)
      return name + " was loaded but is not desired";
    if (auto why = waits_for(*seen_, *c); !why.empty())
      return name + ": " + why;
    // Everything imported (of the partitions that are loaded) is in the target, and nodes hold it and nothing else.
    std::set<std::int64_t> should;
    for (const auto& [segment, row] : data_->segments[collection_id{id}])
      if (c->desired->whole_collection || c->desired->wants_partition(row.partition.value))
        should.insert(segment.value);
    std::set<std::int64_t> target;
    c->each_target([&](const target_row& t) {
      if (t.in(c->head->current))
        target.insert(t.segment);
    });
    if (should != target)
      return name + ": its target has " + std::to_string(target.size()) + " segments, its data "
             + std::to_string(should.size());
    std::map<std::int64_t, int> copies;
    for (const auto& p : processes_)
      if (p->engine)
        for (auto [segment, collection] : p->engine->here)
          if (collection == id) {
            if (!target.contains(segment))
              return name + ": " + p->name + " holds segment " + std::to_string(segment) + ", which no target names";
            ++copies[segment];
          }
    for (auto segment : target)
      if (copies[segment] != static_cast<int>(c->desired->replica_number))
        return name + ": segment " + std::to_string(segment) + " is held " + std::to_string(copies[segment])
               + " times, not " + std::to_string(c->desired->replica_number);
    auto r = routes_.find(name);
    if (r == routes_.end())
      return name + " has no routes at the client";
    for (auto shard : r->second->getShards())
      if (shard.getLeaders().size() != c->desired->replica_number)
        return name + ": channel " + std::string{view(shard.getChannel())} + " has "
               + std::to_string(shard.getLeaders().size()) + " leaders in the routes, not "
               + std::to_string(c->desired->replica_number);
    for (auto shard : r->second->getShards())
      for (auto leader : shard.getLeaders())
        if (const std::string channel{view(shard.getChannel())};
            std::none_of(c->desired->replicas.begin(), c->desired->replicas.end(), [&](const replica_row& r) {
              const auto* d = c->leader(r, channel);
              return d != nullptr && d->node == leader.getNode();
            }))
          return name + ": a route of channel " + channel + " leads to node " + std::to_string(leader.getNode()) + ", which no longer leads it";
    for (auto shard : r->second->getShards())
      for (auto leader : shard.getLeaders())
        if (leader.getServedVersion() != c->head->current)
          return name + ": a route leads to target " + std::to_string(leader.getServedVersion()) + ", not "
                 + std::to_string(c->head->current);
  }
  for (const auto& [id, c] : seen_->collections())
    if (!c.tasks.empty())
      return std::to_string(c.tasks.size()) + " tasks are in flight for collection " + std::to_string(id);
  return {};
}

void world::final_searches() {
  trace("all is as it should be; now every leader is searched");
  settled_at_ = now_;
  for (const auto& [name, routes] : routes_)
    for (auto shard : routes->getShards())
      for (auto leader : shard.getLeaders()) {
        ++final_open_;
        const std::string channel{view(shard.getChannel())};
        search(name, channel, leader.getNode(), std::string{view(leader.getAddress())},
               [this, channel](bool ok, const std::string& why) {
                 if (!ok)
                   fail(verdict::liveness, "everything is as it should be, but a search of " + channel + " fails: " + why);
                 if (--final_open_ == 0)
                   settling_ = settling::quiet;
               });
      }
  if (final_open_ == 0)
    settling_ = settling::quiet;
}

} // namespace muster::sim
