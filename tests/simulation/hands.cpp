// Moves by hand, and the check that no two tasks have orders on one segment of a replica at nodes at a time.
#include "tests/simulation/trace.hpp"
#include "tests/simulation/world.hpp"

#include "actors/core/balance/configured.hpp"
#include "actors/core/proposal.hpp"
#include "actors/runtime/shell.hpp"

#include <algorithm>

namespace muster::sim {

namespace {

template <class T>
const T& one_of(const std::vector<T>& all, prng& random) {
  return all[static_cast<std::size_t>(random.below(all.size()))];
}

} // namespace

/// As someone who looks at the cluster and types: half of the time what was moved a moment ago, to yet another place.
void world::move_by_hand() {
  if (!disturbed_)
    return;
  after(hands_.between(options_.hands_every / 2, options_.hands_every * 3 / 2), [this] { move_by_hand(); });
  auto& coordinator = *processes_[0];
  if (seen_ == nullptr || !coordinator.up || coordinator.paused || coordinator.stopping)
    return;
  std::vector<proposal> choices;
  for (const auto& [id, c] : seen_->collections()) {
    if (!c.desired || !c.head)
      continue;
    for (const auto& replica : c.desired->replicas) {
      for (const auto& channel : c.head->channels) {
        const auto* leader = c.leader(replica, channel);
        for (auto to : replica.nodes) {
          if (leader == nullptr || to == leader->node)
            continue;
          proposal p;
          p.kind = schema::TaskKind::MOVE_SHARD;
          p.priority = schema::TaskPriority::HIGH;
          p.collection = id;
          p.replica = replica.id;
          p.channel = channel;
          p.source = leader->node;
          p.node = to;
          if (hands_.chance(1, 4))
            choices.push_back(p);
          p.kind = schema::TaskKind::MOVE_SEGMENT;
          p.priority = hands_.chance(1, 2) ? schema::TaskPriority::NORMAL : schema::TaskPriority::HIGH;
          c.each_target([&](const target_row& t) {
            p.segment = t.segment;
            p.source = c.worker_of(t.segment, leader->node);
            if (c.head->channels.at(t.channel) != channel || p.source == 0 || p.source == to)
              return;
            choices.push_back(p);
            if (std::tuple{p.collection, p.replica, p.segment} == last_moved_)
              for (int i = 0; i < 5; ++i)
                choices.push_back(p);
          });
        }
      }
    }
  }
  if (hands_.chance(1, 4))
    return transfer_by_hand();
  if (choices.empty())
    return;
  const auto& p = one_of(choices, hands_);
  last_moved_ = {p.collection, p.replica, p.segment};
  trace("by hand: ", p.segment != 0 ? "segment " + std::to_string(p.segment) : "channel " + p.channel, " from node ", p.source,
        " to node ", p.node);
  post(*coordinator.system, coordinator.coordinator_parts.scheduler, build<schema::RunTasksRequest>([&](auto b) {
         b.setProposer(schema::Proposer::MANUAL);
         b.setWait(hands_.chance(1, 2));
         b.setSituation(seen_->number());
         write(b.initProposals(1)[0], p);
       }));
}

/// The same by the requests for it, which choose the nodes themselves.
void world::transfer_by_hand() {
  std::vector<std::int64_t> nodes;
  for (const auto& [id, n] : seen_->nodes())
    nodes.push_back(id);
  if (nodes.empty())
    return;
  const auto source = one_of(nodes, hands_);
  const auto destination = one_of(nodes, hands_);
  const auto to_all = hands_.chance(1, 2);
  const auto& scheduler = processes_[0]->coordinator_parts.scheduler;
  const auto fill = [&](auto b) {
    b.setSource(source);
    b.setDestination(destination);
    b.setToAllNodes(to_all);
    b.setTransferAll(true);
  };
  switch (hands_.below(3)) {
    case 0:
      trace("by hand: segments from node ", source, to_all ? "" : " to node " + std::to_string(destination));
      post(*processes_[0]->system, scheduler, build<schema::TransferSegmentRequest>(fill));
      break;
    case 1:
      trace("by hand: channels from node ", source, to_all ? "" : " to node " + std::to_string(destination));
      post(*processes_[0]->system, scheduler, build<schema::TransferChannelRequest>(fill));
      break;
    default: {
      std::vector<std::int64_t> collections;
      for (const auto& [id, c] : seen_->collections())
        collections.push_back(id);
      if (collections.empty())
        return;
      const auto collection = one_of(collections, hands_);
      trace("by hand: balance collection ", collection, " from node ", source);
      post(*processes_[0]->system, scheduler, build<schema::LoadBalanceRequest>([&](auto b) {
             b.setCollectionId(collection);
             b.initSources(1).set(0, source);
           }));
    }
  }
}

/// Another policy from now on, also for the starts of the coordinator that are to come.
void world::change_policy() {
  auto& coordinator = *processes_[0];
  if (!coordinator.settings.set("queryCoord.balancer", options_.second_balancer, setting_origin::runtime))
    return fail(verdict::crash, "the table refuses " + options_.second_balancer);
  if (!coordinator.up || coordinator.paused || coordinator.stopping)
    return;
  trace("policy: ", options_.second_balancer);
  const auto given = given_settings(coordinator.settings);
  post(*coordinator.system, coordinator.coordinator_parts.checkers, build<schema::RuleSettings>([&](auto b) {
         auto list = b.initValues(static_cast<unsigned>(given.size()));
         for (unsigned i = 0; i < list.size(); ++i) {
           list[i].setKey(given[i].first);
           list[i].setValue(given[i].second);
         }
       }));
}

/// I-T1, at the nodes: while an order of one task on a segment of a replica is unanswered, none of another task leaves, unless the
/// first one's outcome cannot be known any more.
void world::look_at_keys(const connection& c, schema::Orders::Reader orders) {
  const auto id = [&] {
    for (const auto& [number, other] : connections_)
      if (&other == &c)
        return number;
    return std::uint64_t{0};
  }();
  const auto alive = [&](const open_order& o) {
    auto i = connections_.find(o.connection);
    if (i == connections_.end() || i->second.broken || i->second.ends[0].closed || i->second.ends[1].closed)
      return false;
    return now_ - o.at < 20 * s && can_count_on(o.node) && (o.worker == 0 || can_count_on(o.worker))
           && (o.source == 0 || can_count_on(o.source));
  };
  for (auto order : orders.getOrders()) {
    const auto look = [&](auto what, std::int64_t segment, std::int64_t worker) {
      const std::tuple key{what.getCollection(), what.getReplica(), segment};
      if (what.getReplica() == 0)
        return;
      std::int64_t source = 0;
      if (const auto* view = seen_ == nullptr ? nullptr : seen_->collection(what.getCollection()))
        if (const auto* t = view->task_on(what.getReplica(), segment); t != nullptr && t->id == order.getTask())
          source = t->source;
      const open_order mine{order.getTask(), orders.getNode(), worker, source, now_, id};
      if (auto i = open_orders_.find(key); i != open_orders_.end() && i->second.task != mine.task
                                           && (i->second.task >> 32) == (mine.task >> 32) && alive(i->second))
        fail(verdict::safety, "task " + std::to_string(mine.task) + " works on segment " + std::to_string(segment)
                                + " of replica " + std::to_string(what.getReplica()) + " while an order of task "
                                + std::to_string(i->second.task) + " on it is at node " + std::to_string(i->second.node));
      open_orders_[key] = mine;
    };
    if (order.isLoadSegment())
      look(order.getLoadSegment(), order.getLoadSegment().getSource().getSegment(), order.getLoadSegment().getWorker().getNode());
    else if (order.isReleaseSegment())
      look(order.getReleaseSegment(), order.getReleaseSegment().getSegment(), order.getReleaseSegment().getWorker().getNode());
  }
}

} // namespace muster::sim
