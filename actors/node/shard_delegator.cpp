// Leads one shard: gives orders to core/node_shard, carries out what follows, scatters searches and gathers the parts.
#include "actors/core/node_search.hpp"
#include "actors/node/call_window.hpp"
#include "actors/node/parts.hpp"
#include "actors/runtime/shell.hpp"

#include <caf/typed_response_promise.hpp>

namespace muster {

namespace {

report_mark to_mark(schema::Mark::Reader mark) {
  return {node_id{mark.getNode()}, mark.getIncarnation(), mark.getSeq()};
}

std::optional<failure> to_why(schema::Status::Reader status) {
  auto why = to_failure(status);
  return why.code == ec::ok ? std::nullopt : std::optional{std::move(why)};
}

placed_segment to_placed(schema::SegmentSource::Reader s, node_id worker, bool low_priority = false) {
  return {{segment_id{s.getSegment()}, collection_id{s.getCollection()}, partition_id{s.getPartition()}, s.getRows(),
           std::string{view(s.getFile())}, low_priority},
          worker};
}

struct delegator_shell : shell<shard_delegator_actor, delegator_shell> {
  using promise = caf::typed_response_promise<m<schema::SearchReply>>;

  /// A search whose parts are being gathered.
  struct gathering {
    std::uint64_t number = 0;
    std::shared_ptr<const scatter_plan> plan;
    m<schema::SearchRequest> request;
    std::size_t open = 0;
    bool failed = false;
    std::vector<m<schema::SearchReply>> parts;
    promise answer;
  };

  delegator_shell(self_pointer ptr)
    : shell(ptr, "shard_delegator#" + std::to_string(ptr->id()), "shard_delegator", "node_agent") {
    // nop
  }

  // -- orders -------------------------------------------------------------------

  void order(const m<schema::ShardOrder>& message) {
    auto o = message->getOrder();
    trace = o.getTraceId();
    const order_token token{task_id{o.getTask()}, link_id{message->getLink()}};
    switch (o.which()) {
      case schema::Order::SERVE_SHARD:
        serve(token, o.getServeShard());
        break;
      case schema::Order::LOAD_SEGMENT: {
        auto load = o.getLoadSegment();
        shard->load(token, load.getVersion(), to_placed(load.getSource(), known(load.getWorker()),
                                                         load.getPriority() == schema::LoadPriority::LOW));
        break;
      }
      case schema::Order::RELEASE_SEGMENT: {
        auto release = o.getReleaseSegment();
        shard->release(token, segment_id{release.getSegment()}, known(release.getWorker()));
        break;
      }
      case schema::Order::DROP_SHARD:
        shard->drop(token, o.getDropShard().getVersion());
        break;
      case schema::Order::SYNC_VIEW:
        sync_view(token, o.getSyncView());
        break;
      case schema::Order::SYNC_TARGET: {
        auto sync = o.getSyncTarget();
        std::vector<segment_id> segments;
        for (auto segment : sync.getSegments())
          segments.push_back(segment_id{segment});
        shard->sync_target(token, sync.getTargetVersion(), std::move(segments));
        break;
      }
      default:
        warn("an order for channel ", shard->key().channel, " of a kind this version does not know");
    }
    settle();
  }

  node_id known(schema::Worker::Reader worker) {
    const node_id id{worker.getNode()};
    shard->name_worker(id, std::string{view(worker.getAddress())});
    return id;
  }

  std::vector<node_id> all_known(capnp::List<schema::Worker>::Reader workers) {
    std::vector<node_id> result;
    for (auto worker : workers)
      result.push_back(known(worker));
    return result;
  }

  void serve(order_token token, schema::ServeShard::Reader o) {
    const auto workers = all_known(o.getWorkers());
    std::vector<placed_segment> placed;
    for (auto p : o.getSegments())
      if (p.getWorker() < workers.size())
        placed.push_back(to_placed(p.getSource(), workers[p.getWorker()]));
    shard->serve(token, o.getVersion(), o.getTargetVersion(), std::move(placed));
  }

  void sync_view(order_token token, schema::SyncView::Reader o) {
    const auto workers = all_known(o.getWorkers());
    std::vector<std::pair<segment_id, node_id>> set;
    for (auto p : o.getSet())
      if (p.getWorker() < workers.size())
        set.emplace_back(segment_id{p.getSource().getSegment()}, workers[p.getWorker()]);
    std::vector<segment_id> removed;
    for (auto segment : o.getRemoved())
      removed.push_back(segment_id{segment});
    std::vector<std::pair<std::int64_t, std::int64_t>> stats;
    for (auto v : o.getPartitionStats())
      stats.emplace_back(v.getPartition(), v.getVersion());
    shard->sync_stats(stats);
    shard->sync_view(token, set, removed);
  }

  void peer(const m<schema::PeerState>& state) {
    const node_id worker{state->getWorker().getNode()};
    if (state->getRestarted())
      shard->restarted(worker);
    shard->reachable(worker, state->getReachable());
    settle();
  }

  /// Not earlier than the agent says: orders that are under way still get their answers.
  void stop(const stop_atom&) {
    self->quit();
  }

  // -- what follows -----------------------------------------------------------------

  /// Carries out what the core decided. Called last in every handler and continuation.
  void settle() {
    auto act = shard->take();
    meter().waits_for(shard->serviceable() ? std::string{}
                                           : "channel " + shard->key().channel + ": " + shard->waits_for());
    if (act.peers_changed || act.ended)
      name_peers(act.ended);
    std::vector<shard_actions::progress> further;
    if (now() - progress_told >= std::chrono::nanoseconds{limits::order_progress}.count()) {
      progress_told = now();
      further = shard->take_progress();
    }
    if (act.changed || act.ended || !act.answers.empty() || !further.empty())
      report(act, further);
    if (act.ended)
      return info("channel ", shard->key().channel, " is no longer led here");
    for (auto& load : act.loads)
      if (const auto call = load.call; !loads.submit([this, load = std::move(load)] { start(load); }))
        shard->load_done(call, failure{ec::too_many_requests, "too many loads wait at this leader; try later"}, {});
    for (const auto& release : act.releases)
      start(release);
  }

  void name_peers(bool none) {
    const auto peers = none ? decltype(shard->peers()){} : shard->peers();
    send(parts.exchange, make<schema::NamePeers>([&](auto b) {
           auto list = b.initWorkers(static_cast<unsigned>(peers.size()));
           for (unsigned i = 0; i < list.size(); ++i) {
             list[i].setNode(peers[i].first.value);
             list[i].setAddress(peers[i].second);
           }
         }),
         peer_listener_actor{self});
  }

  void report(const shard_actions& act, const std::vector<shard_actions::progress>& further) {
    send(agent, make<schema::ShardReport>([&](auto b) {
           b.setDropped(act.ended);
           b.setChanged(act.changed.has_value());
           auto d = b.initDelegator();
           d.setChannel(shard->key().channel);
           d.setCollection(shard->key().collection.value);
           d.setReplica(shard->key().replica.value);
           if (act.changed) {
             d.setVersion(act.changed->version);
             d.setServedVersion(act.changed->served);
             d.setServiceable(act.changed->serviceable);
             d.setWholeView(act.changed->whole);
             auto set = d.initView(static_cast<unsigned>(act.changed->set.size()));
             for (unsigned i = 0; i < set.size(); ++i) {
               set[i].setSegment(act.changed->set[i].first.value);
               set[i].setWorker(act.changed->set[i].second.value);
             }
             auto removed = d.initRemoved(static_cast<unsigned>(act.changed->removed.size()));
             for (unsigned i = 0; i < removed.size(); ++i)
               removed.set(i, act.changed->removed[i].value);
             auto stats = d.initPartitionStats(static_cast<unsigned>(act.changed->stats.size()));
             for (unsigned i = 0; i < stats.size(); ++i) {
               stats[i].setPartition(act.changed->stats[i].first);
               stats[i].setVersion(act.changed->stats[i].second);
             }
           }
           auto progress = b.initProgress(static_cast<unsigned>(further.size()));
           for (unsigned i = 0; i < progress.size(); ++i) {
             progress[i].setTask(further[i].task.value);
             progress[i].setDone(further[i].done);
             progress[i].setTotal(further[i].total);
           }
           auto results = b.initResults(static_cast<unsigned>(act.answers.size()));
           for (unsigned i = 0; i < results.size(); ++i)
             fill(results[i], act.answers[i]);
         }));
  }

  void fill(schema::ShardReport::LinkedResult::Builder b, const shard_actions::answer& a) {
    b.setLink(a.token.link.value);
    auto r = b.initResult();
    r.setTask(a.token.task.value);
    set_status(r.initStatus(), a.why.value_or(failure{ec::ok, ""}));
    if (a.why)
      debug("channel ", shard->key().channel, " refused task ", to_string(a.token.task), ": ", a.why->text);
    auto marks = r.initMarks(static_cast<unsigned>(a.marks.size()));
    for (unsigned i = 0; i < marks.size(); ++i) {
      marks[i].setNode(a.marks[i].node.value);
      marks[i].setIncarnation(a.marks[i].incarnation);
      marks[i].setSeq(a.marks[i].seq);
    }
  }

  void start(const shard_actions::load& load) {
    const auto call = load.call;
    auto fill = [&](schema::WorkerLoad::Builder b) {
      b.setVersion(load.version);
      b.setPriority(load.source.low_priority ? schema::LoadPriority::LOW : schema::LoadPriority::HIGH);
      auto s = b.initSource();
      s.setSegment(load.source.segment.value);
      s.setCollection(load.source.collection.value);
      s.setPartition(load.source.partition.value);
      s.setRows(load.source.rows);
      s.setFile(load.source.file);
    };
    auto done = [this, call](const std::optional<failure>& why, report_mark mark) {
      loads.done();
      shard->load_done(call, why, mark);
      settle();
    };
    auto bad = [done](const failure& why) { done(why, {}); };
    if (load.worker == me)
      return request<m<schema::WorkerLoadReply>>(
        parts.store, limits::peer_load_timeout, make<schema::WorkerLoad>(fill, 0, trace),
        [done](const m<schema::WorkerLoadReply>& r) { done(to_why(r->getStatus()), to_mark(r->getMark())); }, bad);
    ask_peer(
      load.worker, limits::peer_load_timeout,
      [&](auto b) {
        auto order = b.initLoad();
        order.initHeader().setTraceId(trace);
        fill(order);
      },
      [done](auto r) { done(to_why(r.getLoad().getStatus()), to_mark(r.getLoad().getMark())); }, bad,
      schema::PeerReply::LOAD);
  }

  void start(const shard_actions::release& release) {
    const auto call = release.call;
    auto fill = [&](schema::WorkerRelease::Builder b) {
      b.setCollection(shard->key().collection.value);
      b.setSegment(release.segment.value);
    };
    auto done = [this, call](const std::optional<failure>& why, report_mark mark) {
      shard->release_done(call, why, mark);
      settle();
    };
    auto bad = [done](const failure& why) { done(why, {}); };
    if (release.worker == me)
      return request<m<schema::WorkerReleaseReply>>(
        parts.store, limits::peer_load_timeout, make<schema::WorkerRelease>(fill),
        [done](const m<schema::WorkerReleaseReply>& r) { done(to_why(r->getStatus()), to_mark(r->getMark())); }, bad);
    ask_peer(
      release.worker, limits::peer_load_timeout, [&](auto b) { fill(b.initRelease()); },
      [done](auto r) { done(to_why(r.getRelease().getStatus()), to_mark(r.getRelease().getMark())); }, bad,
      schema::PeerReply::RELEASE);
  }

  /// Calls another node; `ok` only gets replies of the arm asked for.
  template <class Fill, class Ok, class Bad>
  void ask_peer(node_id to, std::chrono::milliseconds timeout, Fill fill, Ok ok, Bad bad,
                schema::PeerReply::Which arm) {
    auto question = make<schema::PeerRequest>(
      [&](auto b) {
        b.setTo(to.value);
        fill(b);
      },
      0, 0, timeout);
    request<m<schema::PeerReply>>(
      parts.exchange, timeout, question,
      [ok, bad, arm](const m<schema::PeerReply>& reply) {
        if (reply->which() == arm)
          ok(reply.read());
        else if (reply->isFailed())
          bad(to_failure(reply->getFailed()));
        else
          bad(failure{ec::malformed_frame, "a node gave an answer of another kind"});
      },
      bad);
  }

  // -- searches -----------------------------------------------------------------

  caf::result<m<schema::SearchReply>> search(const m<schema::SearchRequest>& request) {
    if (auto queries = check_search(request.read()); !queries)
      return refuse(queries.error());
    auto admitted = shard->begin_search();
    if (!admitted)
      return refuse(admitted.error());
    auto g = std::make_shared<gathering>();
    g->number = admitted->first;
    g->plan = admitted->second;
    g->request = request;
    g->open = g->plan->parts.size();
    if (g->open == 0) {
      auto reply = merge(*g);
      shard->end_search(g->number);
      settle();
      return reply;
    }
    g->answer = self->make_response_promise<m<schema::SearchReply>>();
    const auto timeout = time_left(request->getHeader(), limits::search_timeout);
    for (const auto& [worker, segments] : g->plan->parts)
      scatter(g, worker, segments, timeout);
    return g->answer;
  }

  void scatter(const std::shared_ptr<gathering>& g, node_id worker, const std::vector<segment_id>& segments,
               std::chrono::milliseconds timeout) {
    auto fill = [&](schema::WorkerSearch::Builder b) {
      b.setRequest(g->request.read());
      auto list = b.initSegments(static_cast<unsigned>(segments.size()));
      for (unsigned i = 0; i < list.size(); ++i)
        list.set(i, segments[i].value);
    };
    // `segments` lives in the plan, and so as long as `g`.
    auto bad = [this, g, worker, &segments](const failure& why) { part_failed(*g, worker, segments, why); };
    if (worker == me) {
      const auto& reader = parts.readers[next_reader++ % parts.readers.size()];
      return request<m<schema::SearchReply>>(
        reader, timeout, make<schema::WorkerSearch>(fill, 0, g->request->getHeader().getTraceId(), timeout),
        [this, g, bad](const m<schema::SearchReply>& reply) {
          if (auto why = to_why(reply->getStatus()))
            return bad(*why);
          part_done(*g, reply);
        },
        bad);
    }
    ask_peer(
      worker, timeout, [&](auto b) { fill(b.initSearch()); },
      [this, g, bad](schema::PeerReply::Reader reply) {
        if (auto why = to_why(reply.getSearch().getStatus()))
          return bad(*why);
        part_done(*g, copy<schema::SearchReply>(reply.getSearch()));
      },
      bad, schema::PeerReply::SEARCH);
  }

  void part_done(gathering& g, m<schema::SearchReply> part) {
    g.parts.push_back(std::move(part));
    close_part(g);
  }

  /// The first failing part answers the search; the others are still awaited, because releases wait for them.
  void part_failed(gathering& g, node_id worker, const std::vector<segment_id>& segments, const failure& why) {
    if (why.code == ec::segment_not_loaded || why.code == ec::node_not_match)
      shard->worker_lacks(g.number, worker, segments);
    if (!g.failed)
      g.answer.deliver(
        refuse({why.code, "channel " + shard->key().channel + ", node " + to_string(worker) + ": " + why.text}));
    g.failed = true;
    close_part(g);
  }

  void close_part(gathering& g) {
    if (--g.open > 0)
      return settle();
    if (!g.failed)
      g.answer.deliver(merge(g));
    shard->end_search(g.number);
    settle();
  }

  m<schema::SearchReply> merge(const gathering& g) {
    result<unit> outcome{unit{}};
    auto reply = make<schema::SearchReply>(
      [&](auto b) {
        b.setServedVersion(g.plan->version);
        b.setReplica(shard->key().replica.value);
        outcome = merge_search(g.request.read(), g.parts, b);
      },
      0, g.request->getHeader().getTraceId());
    return outcome ? reply : refuse(outcome.error());
  }

  m<schema::SearchReply> refuse(const failure& why) const {
    return make<schema::SearchReply>([&](auto b) {
      set_status(b.initStatus(), why);
      b.setReplica(shard->key().replica.value);
    });
  }

  node_id me;
  std::uint64_t trace = 0; ///< Of the order that came last.
  std::int64_t progress_told = 0;
  std::unique_ptr<node_shard> shard;
  node_agent_actor agent;
  node_parts parts;
  call_window loads{limits::delegator_loads, limits::loads_waiting};
  std::size_t next_reader = 0;
};

shard_delegator_actor::behavior_type delegator_behavior(shard_delegator_actor::stateful_pointer<delegator_shell> self,
                                                        shard_key key, node_id me, node_agent_actor agent,
                                                        node_parts parts) {
  auto& s = self->state;
  s.me = me;
  s.shard = std::make_unique<node_shard>(std::move(key), me);
  s.agent = std::move(agent);
  s.parts = std::move(parts);
  return {s.on(&delegator_shell::peer), s.on(&delegator_shell::order), s.on(&delegator_shell::search),
          s.on(&delegator_shell::stop)};
}

} // namespace

shard_delegator_actor spawn_shard_delegator(caf::actor_system& system, shard_key key, node_id self,
                                            node_agent_actor agent, node_parts parts) {
  return system.spawn(delegator_behavior, std::move(key), self, std::move(agent), std::move(parts));
}

} // namespace muster
