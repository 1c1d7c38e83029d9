// The node's side of its link to the coordinator: says hello, routes orders, reports what changed and then answers.
#include "actors/core/node_book.hpp"
#include "actors/core/order_shard.hpp"
#include "actors/node/call_window.hpp"
#include "actors/node/parts.hpp"
#include "actors/runtime/shell.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace muster {

namespace {

struct agent_shell : shell<node_agent_actor, agent_shell> {
  agent_shell(self_pointer ptr) : shell(ptr, "node_agent", "node_agent", "node") {
    // nop
  }

  // -- the link -------------------------------------------------------------------

  void dial(const start_atom&) {
    if (link != 0)
      return;
    link = next_link;
    next_link += 4;
    last_heard = now();
    meter().waits_for("the coordinator at " + config.coordinator);
    send(parts.wire, make<schema::LinkCommand>([&](auto b) {
           auto open = b.initOpen();
           open.setLink(link);
           open.setAddress(config.coordinator);
         }));
    arm();
  }

  void event(const m<schema::LinkEvent>& e) {
    if (e->isOpened() && e->getOpened().getLink() == link)
      hello();
    else if (e->isFrame() && e->getFrame().getLink() == link)
      frame(e->getFrame().getBytes());
    else if (e->isClosed() && e->getClosed().getLink() == link)
      lost(std::string{view(e->getClosed().getReason())}, limits::redial);
  }

  void hello() {
    last_heard = now();
    write([&](auto b) {
      auto h = b.initHello();
      h.setName(config.name);
      h.setAddress(config.address);
      h.setIncarnation(config.incarnation);
      h.setHighestEpoch(highest_epoch);
      h.setMemoryMb(config.memory_mb);
      h.setCpus(config.cpus);
      h.setDraining(draining);
      auto labels = h.initLabels(static_cast<unsigned>(config.labels.size()));
      for (unsigned i = 0; i < labels.size(); ++i) {
        labels[i].setKey(config.labels[i].first);
        labels[i].setValue(config.labels[i].second);
      }
    });
  }

  /// Nothing else changes with the link: delegators go on searching.
  void lost(const std::string& why, std::chrono::milliseconds wait) {
    if (std::exchange(welcomed, false))
      warn("the connection to the coordinator was lost: ", why);
    link = 0;
    results.clear();
    progress.clear();
    meter().waits_for("the coordinator at " + config.coordinator + ": " + why);
    send_later(wait, start_atom::value);
  }

  void hang_up(const std::string& why, std::chrono::milliseconds wait) {
    send(parts.wire, make<schema::LinkCommand>([&](auto b) { b.setClose(link); }));
    lost(why, wait);
  }

  void tick(const tick_atom&) {
    ticking = false;
    if (link != 0 && now() - last_heard >= std::chrono::nanoseconds{limits::coordinator_silence}.count())
      hang_up("it is silent", limits::redial);
    arm();
  }

  void arm() {
    if (ticking || link == 0)
      return;
    ticking = true;
    send_later(limits::silence_check, tick_atom::value);
  }

  void frame(capnp::Data::Reader bytes) {
    last_heard = now();
    auto parsed = parse<schema::CoordinatorFrame>(bytes);
    if (!parsed)
      return hang_up("it sent what is no message of Muster: " + parsed.error().text, limits::redial_refused);
    auto f = parsed->read();
    if (f.isPing())
      write([&](auto b) { b.setPong(f.getPing()); });
    else if (f.isWelcome())
      welcome(f.getWelcome());
    else if (f.isRefused())
      refused(f.getRefused());
    else if (f.isOrders() && welcomed)
      obey(f.getOrders());
  }

  void welcome(schema::CoordinatorFrame::Welcome::Reader w) {
    const node_id id{w.getNode()};
    if (me && me != id) {
      error("the coordinator says that this is node ", to_string(id), ", it was node ", to_string(me),
            " before; leading nothing now");
      while (!delegators.empty())
        forget(delegators.begin()->first);
    }
    me = id;
    welcomed = true;
    warned = false;
    highest_epoch = std::max(highest_epoch, w.getEpoch());
    meter().waits_for("");
    info("joined as node ", to_string(me), " at ", config.coordinator, ", epoch ", w.getEpoch());
    send(parts.exchange, attach_atom::value, me.value);
    write_pages(book.take_all());
    if (draining)
      write([](auto b) { b.setDraining(); });
    schedule();
  }

  // -- the end ----------------------------------------------------------------------

  /// Serves on; the coordinator moves everything away, as it tells all others to route elsewhere first.
  void drain(const stop_atom&) {
    if (std::exchange(draining, true))
      return;
    info("is to stop: waiting until nothing is here any more");
    if (welcomed)
      write([](auto b) { b.setDraining(); });
    schedule();
  }

  void look_drained() {
    if (!draining || drained || !welcomed || !delegators.empty() || !book.copies().empty() || book.pending())
      return;
    drained = true;
    info("is empty");
    if (config.on_drained)
      config.on_drained();
  }

  void refused(schema::Status::Reader why) {
    if (!std::exchange(warned, true))
      warn("the coordinator at ", config.coordinator, " refuses this node: ", view(why.getReason()), "; trying again");
    hang_up("it refuses this node: " + std::string{view(why.getReason())}, limits::redial_refused);
  }

  // -- orders -----------------------------------------------------------------------

  void obey(schema::Orders::Reader orders) {
    const auto epoch = orders.getHeader().getEpoch();
    std::optional<failure> why;
    if (epoch < highest_epoch)
      why = failure{ec::stale_epoch, "an order of epoch " + std::to_string(epoch) + "; this node obeys epoch "
                                       + std::to_string(highest_epoch)};
    else if (node_id{orders.getNode()} != me)
      why = failure{ec::node_not_match,
                    "this is node " + to_string(me) + ", not node " + std::to_string(orders.getNode())};
    else
      highest_epoch = epoch;
    for (auto order : orders.getOrders()) {
      if (why)
        answer(order.getTask(), *why);
      else
        route(order);
    }
  }

  /// What is made for an order carries its trace, and so do lines of the log about it.
  void route(schema::Order::Reader order) {
    const log::trace_scope trace{order.getTraceId()};
    debug("is ordered: task ", order.getTask());
    auto key = shard_of(order);
    if (!key) {
      if (order.isReleaseSegment())
        release(order);
      else if (order.isLoadSegment())
        load(order);
      else if (order.isDropIndex())
        drop_index(order);
      else
        answer(order.getTask(), {ec::parameter_invalid, "an order of a kind this node does not know"});
      return;
    }
    // The coordinator no longer knows which shard a segment belongs to that no target names: whoever routes it forgets it.
    if (order.isSyncView() && key->channel.empty()) {
      const auto removed = order.getSyncView().getRemoved();
      key = removed.size() == 1 ? book.router_of(key->collection, key->replica, segment_id{removed[0]}) : std::nullopt;
      if (!key)
        return answer(order.getTask(), {ec::ok, ""});
    }
    auto i = delegators.find(*key);
    if (i == delegators.end() && order.isServeShard()) {
      // One leader of a channel on a node, or reports of the two could not be told apart.
      const auto other = delegators.lower_bound({key->collection, key->channel, replica_id{}});
      if (other != delegators.end() && other->first.collection == key->collection && other->first.channel == key->channel)
        return answer(order.getTask(), {ec::channel_not_available,
                                        "channel " + key->channel + " is still led here for replica "
                                          + to_string(other->first.replica) + "; it has to be dropped first"});
      auto made = spawn_shard_delegator(self->system(), *key, me, self, parts);
      self->link_to(made);
      send(parts.door, attach_atom::value, key->collection.value, key->channel, made);
      i = delegators.emplace(*key, std::move(made)).first;
    }
    if (i != delegators.end())
      send(i->second, make<schema::ShardOrder>([&](auto b) {
             b.setLink(link);
             b.setOrder(order);
           }, 0, order.getTraceId()));
    else if (order.isDropShard())
      answer(order.getTask(), {ec::ok, ""});
    else
      answer(order.getTask(), {ec::channel_not_found, "channel " + key->channel + " has no leader here"});
  }

  /// A release without a channel: nobody here leads the shard, the copy itself is to go.
  void release(schema::Order::Reader order) {
    auto o = order.getReleaseSegment();
    const auto task = order.getTask();
    if (const node_id at{o.getWorker().getNode()}; o.hasWorker() && at != me)
      return answer(task, {ec::node_not_match, "this is node " + to_string(me) + ", not node " + to_string(at)});
    auto message = make<schema::WorkerRelease>([&](auto b) {
      b.setCollection(o.getCollection());
      b.setSegment(o.getSegment());
    });
    ask_store<schema::WorkerReleaseReply>(task, message);
  }

  /// A load without a channel changes indexes or statistics of a copy that is here, and no route.
  void load(schema::Order::Reader order) {
    auto o = order.getLoadSegment();
    if (o.getScope() != schema::LoadScope::INDEX && o.getScope() != schema::LoadScope::STATS)
      return answer(order.getTask(), {ec::parameter_invalid, "a whole segment is loaded through the leader of its channel"});
    if (const node_id at{o.getWorker().getNode()}; at != me)
      return answer(order.getTask(), {ec::node_not_match, "this is node " + to_string(me) + ", not node " + to_string(at)});
    ask_store<schema::WorkerLoadReply>(order.getTask(), make<schema::WorkerLoad>([&](auto b) {
      b.setSource(o.getSource());
      b.setVersion(o.getVersion());
      b.setScope(o.getScope());
      b.setIndexes(o.getIndexes());
      b.setPriority(schema::LoadPriority::LOW);
    }, 0, order.getTraceId()));
  }

  void drop_index(schema::Order::Reader order) {
    auto o = order.getDropIndex();
    ask_store<schema::WorkerLoadReply>(order.getTask(), make<schema::WorkerLoad>([&](auto b) {
      b.initSource().setSegment(o.getSegment());
      b.setScope(schema::LoadScope::INDEX);
      b.setIndexes(o.getIndexes());
      b.setDrop(true);
    }, 0, order.getTraceId()));
  }

  /// Has the store do what an order to this node itself says; so many at a time, others wait.
  template <class Reply, class Message>
  void ask_store(std::int64_t task, const Message& message) {
    const auto from = link;
    auto ask = [this, task, from, message] {
      request<m<Reply>>(
        parts.store, limits::peer_load_timeout, message,
        [this, task, from](const m<Reply>& r) {
          finish(task, from, to_failure(r->getStatus()));
          own_orders.done();
        },
        [this, task, from](const failure& why) {
          finish(task, from, why);
          own_orders.done();
        });
    };
    if (!own_orders.submit(std::move(ask)))
      answer(task, {ec::too_many_requests, "too many orders wait at this node; try again later"});
  }

  // -- reports ----------------------------------------------------------------------

  caf::result<m<schema::NoteReply>> note(const m<schema::NoteCopies>& message) {
    for (auto key : message->getRemoved())
      book.remove_copy(segment_id{key.getSegment()});
    for (auto c : message->getCopies())
      book.put_copy({segment_id{c.getSegment()}, collection_id{c.getCollection()}, partition_id{c.getPartition()},
                     c.getVersion(), c.getRows(), c.getBytes(), c.getIndex(), c.getIndexes(), c.getStats()});
    noted();
    return make<schema::NoteReply>([&](auto b) { own_mark(b.initMark()); });
  }

  void changed(const m<schema::ShardReport>& message) {
    auto d = message->getDelegator();
    const shard_key key{collection_id{d.getCollection()}, std::string{view(d.getChannel())},
                        replica_id{d.getReplica()}};
    // One that was forgotten meanwhile changes nothing, but its answers count.
    const auto i = delegators.find(key);
    const auto leads = i != delegators.end() && self->current_sender() == i->second;
    if (leads && message->getChanged()) {
      shard_actions::report state{d.getWholeView(), d.getVersion(), d.getServedVersion(), d.getServiceable(), {}, {}, {}};
      for (auto v : d.getPartitionStats())
        state.stats.emplace_back(v.getPartition(), v.getVersion());
      for (auto v : d.getView())
        state.set.emplace_back(segment_id{v.getSegment()}, node_id{v.getWorker()});
      for (auto segment : d.getRemoved())
        state.removed.push_back(segment_id{segment});
      book.put_delegator(key, state);
    }
    if (leads && message->getDropped())
      forget(key);
    noted();
    for (auto r : message->getResults())
      if (r.getLink() == link)
        results.push_back(with_own_mark(r.getResult()));
    for (auto p : message->getProgress())
      progress[p.getTask()] = {p.getDone(), p.getTotal()};
    schedule();
  }

  void forget(const shard_key& key) {
    auto node = delegators.extract(key);
    if (node.empty())
      return;
    send(parts.door, detach_atom::value, key.collection.value, key.channel, node.mapped());
    self->unlink_from(node.mapped());
    send(node.mapped(), stop_atom::value);
    book.remove_delegator(key);
    schedule();
  }

  /// A delegator ended by itself; everyone else who ends takes the agent along.
  void exited(const caf::exit_msg& exit) {
    for (const auto& [key, who] : delegators)
      if (who == exit.source) {
        error("the leader of channel ", key.channel, " ended unexpectedly");
        return forget(shard_key{key});
      }
    if (!exit.reason)
      return;
    if (link != 0 && exit.reason == caf::exit_reason::user_shutdown)
      write([](auto b) { b.setLeaving(); });
    self->quit(exit.reason);
  }

  /// After each change: a report that is full goes out now, so that the mark names the one that contains the change.
  void noted() {
    if (book.page_is_full())
      write_changes();
    schedule();
  }

  void schedule() {
    if (!std::exchange(flushing, true))
      send(node_agent_actor{self}, flush_atom::value);
  }

  /// The report first, then the answers that rest on it.
  void flush(const flush_atom&) {
    flushing = false;
    write_changes();
    const auto all = std::exchange(results, {});
    for (std::size_t from = 0; from < all.size(); from += limits::results_per_frame) {
      const auto count = std::min(limits::results_per_frame, all.size() - from);
      write([&](auto b) {
        auto list = b.initResults().initResults(static_cast<unsigned>(count));
        for (unsigned i = 0; i < count; ++i)
          list.setWithCaveats(i, all[from + i].read());
      });
    }
    write_progress();
    look_drained();
  }

  /// How far orders are that are not done; the coordinator knows which of them it still waits for.
  void write_progress() {
    const auto further = std::exchange(progress, {});
    if (further.empty() || !welcomed)
      return;
    write([&](auto b) {
      auto list = b.initResults().initProgress(static_cast<unsigned>(further.size()));
      unsigned i = 0;
      for (const auto& [task, p] : further) {
        list[i].setTask(task);
        list[i].setDone(p.first);
        list[i++].setTotal(p.second);
      }
    });
  }

  void write_changes() {
    if (welcomed)
      write_pages(book.take_changes());
    else
      book.skip();
  }

  void write_pages(const std::vector<report_page>& pages) {
    for (const auto& page : pages)
      write([&](auto b) { page.write(b.initReport()); });
  }

  template <class Fill>
  void write(Fill fill) {
    const auto bytes = make<schema::NodeFrame>(fill, highest_epoch);
    send(parts.wire, make<schema::LinkCommand>([&](auto b) {
           auto f = b.initFrame();
           f.setLink(link);
           f.setBytes(as_data(bytes));
         }));
  }

  // -- answers ------------------------------------------------------------------------

  void own_mark(schema::Mark::Builder b) const {
    b.setNode(me.value);
    b.setIncarnation(config.incarnation);
    b.setSeq(book.mark());
  }

  /// The answer to an order that came over `from`; one of an older link is awaited no more.
  void finish(std::int64_t task, std::int64_t from, const failure& why) {
    if (from == link && link != 0)
      answer(task, why);
  }

  void answer(std::int64_t task, const failure& why) {
    results.push_back(build<schema::OrderResult>([&](auto b) {
      b.setTask(task);
      set_status(b.initStatus(), why);
      own_mark(b.initMarks(1)[0]);
    }));
    schedule();
  }

  /// The same result; its mark for this node is the report that is written before it.
  m<schema::OrderResult> with_own_mark(schema::OrderResult::Reader r) const {
    return build<schema::OrderResult>([&](auto b) {
      b.setTask(r.getTask());
      b.setStatus(r.getStatus());
      std::vector<schema::Mark::Reader> others;
      for (auto mark : r.getMarks())
        if (node_id{mark.getNode()} != me)
          others.push_back(mark);
      auto marks = b.initMarks(static_cast<unsigned>(others.size()) + 1);
      own_mark(marks[0]);
      for (unsigned i = 0; i < others.size(); ++i)
        marks.setWithCaveats(i + 1, others[i]);
    });
  }

  node_config config;
  node_parts parts;
  node_id me;
  std::uint64_t highest_epoch = 0;
  std::int64_t link = 0;      ///< 0: none, and none is being dialled.
  std::int64_t next_link = 1; ///< 1, 5, 9, …; peer_exchange has 3, 7, 11, ….
  bool welcomed = false;
  bool draining = false;
  bool drained = false; ///< And said so.
  bool warned = false;
  std::int64_t last_heard = 0;
  bool ticking = false;
  bool flushing = false;
  node_book book{limits::report_entries};
  std::map<shard_key, shard_delegator_actor> delegators;
  std::vector<m<schema::OrderResult>> results; ///< For the current link.
  std::map<std::int64_t, std::pair<std::uint32_t, std::uint32_t>> progress; ///< Task -> done, total.
  call_window own_orders{limits::delegator_loads, limits::loads_waiting};
};

node_agent_actor::behavior_type agent_behavior(node_agent_actor::stateful_pointer<agent_shell> self, node_config config,
                                               node_parts parts) {
  auto& s = self->state;
  s.config = std::move(config);
  s.parts = std::move(parts);
  self->set_exit_handler([&s](const caf::exit_msg& exit) { s.exited(exit); });
  return {s.on(&agent_shell::event), s.on(&agent_shell::note), s.on(&agent_shell::changed), s.on(&agent_shell::flush),
          s.on(&agent_shell::tick),  s.on(&agent_shell::dial),
          s.on(&agent_shell::drain)};
}

} // namespace

node_agent_actor spawn_node_agent(caf::actor_system& system, node_config config, node_parts parts) {
  return system.spawn(agent_behavior, std::move(config), std::move(parts));
}

} // namespace muster
