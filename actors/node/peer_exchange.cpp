// All links between this node and others: keeps those that delegators need, calls over them, serves the calls of others.
#include "actors/node/call_window.hpp"
#include "actors/node/parts.hpp"
#include "actors/runtime/shell.hpp"

#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace muster {

namespace {

/// Outbound links carry our calls and their replies; inbound links carry the calls of others and our replies.
struct exchange_shell : shell<peer_exchange_actor, exchange_shell> {
  using promise = caf::typed_response_promise<m<schema::PeerReply>>;

  struct call {
    node_id to;
    m<schema::PeerRequest> request;
    promise answer;
    std::int64_t deadline = 0;
    bool windowed = false; ///< Holds a slot of `calls_out`.
    bool written = false;
  };

  struct peer {
    std::string address;
    std::int64_t link = 0;         ///< 0: waits for the next dialling.
    bool ready = false;            ///< The peer said hello on it.
    std::uint64_t incarnation = 0; ///< Of its last hello.
    std::set<std::uint64_t> calls;
    bool leaving = false; ///< Nobody needs it any more, but calls on it are open.
  };

  struct listener {
    peer_listener_actor who;
    std::set<node_id> workers;
  };

  exchange_shell(self_pointer ptr) : shell(ptr, "peer_exchange", "peer_exchange", "node") {
    // nop
  }

  // -- who is needed ----------------------------------------------------------------

  void identify(const attach_atom&, const std::int64_t& id) {
    me = node_id{id};
  }

  void name_peers(const m<schema::NamePeers>& message, const peer_listener_actor& who) {
    auto& l = listeners[who.id()];
    if (!l.who) {
      l.who = who;
      self->monitor(who);
    }
    const auto before = std::exchange(l.workers, {});
    for (auto worker : message->getWorkers()) {
      const node_id id{worker.getNode()};
      l.workers.insert(id);
      auto& p = peers[id];
      if (const auto address = view(worker.getAddress()); p.address != address) {
        if (p.link != 0)
          hang_up(id, "it moved to " + std::string{address});
        p.address = address;
        dial(id);
      }
      if (p.ready && before.count(id) == 0)
        tell(l, id, true, false);
    }
    if (l.workers.empty())
      forget_listener(who.id());
    forget_unneeded();
  }

  void forget_listener(std::uint64_t id) {
    auto node = listeners.extract(id);
    if (!node.empty())
      self->demonitor(node.mapped().who.address());
  }

  void lost_listener(const caf::actor_addr& who) {
    listeners.erase(who.id());
    forget_unneeded();
  }

  void forget_unneeded() {
    std::set<node_id> needed;
    for (const auto& [id, l] : listeners)
      needed.insert(l.workers.begin(), l.workers.end());
    std::vector<node_id> gone;
    for (auto& [id, p] : peers) {
      // Searches that began while it was needed are let finish; a load must not arrive once nobody waits for it.
      p.leaving = needed.count(id) == 0 && !p.calls.empty()
                  && std::all_of(p.calls.begin(), p.calls.end(),
                                 [&](std::uint64_t number) { return calls.at(number).request->isSearch(); });
      if (needed.count(id) == 0 && !p.leaving)
        gone.push_back(id);
    }
    for (auto id : gone) {
      if (peers[id].link != 0)
        hang_up(id, "nobody needs it any more");
      peers.erase(id);
    }
  }

  void tell(const listener& to, node_id worker, bool reachable, bool restarted) {
    send(to.who, make<schema::PeerState>([&](auto b) {
           b.initWorker().setNode(worker.value);
           b.setReachable(reachable);
           b.setRestarted(restarted);
         }));
  }

  void tell_all(node_id worker, bool reachable, bool restarted) {
    for (const auto& [id, l] : listeners)
      if (l.workers.count(worker) > 0)
        tell(l, worker, reachable, restarted);
  }

  // -- links ----------------------------------------------------------------------

  void dial(node_id id) {
    auto& p = peers[id];
    p.link = next_link;
    next_link += 4;
    outbound[p.link] = id;
    send(wire, make<schema::LinkCommand>([&](auto b) {
           auto open = b.initOpen();
           open.setLink(p.link);
           open.setAddress(p.address);
           open.setPeer(true);
         }));
  }

  void redial(const flush_atom&) {
    redialling = false;
    for (const auto& [id, p] : peers)
      if (p.link == 0)
        dial(id);
  }

  /// Ends a link that was opened from here.
  void hang_up(node_id id, const std::string& why) {
    const auto link = peers[id].link;
    outbound.erase(link);
    send(wire, make<schema::LinkCommand>([&](auto b) { b.setClose(link); }));
    link_lost(id, why);
  }

  /// The listeners hear of it before their calls fail.
  void link_lost(node_id id, const std::string& why) {
    auto& p = peers[id];
    p.link = 0;
    if (std::exchange(p.ready, false))
      tell_all(id, false, false);
    for (auto number : std::exchange(p.calls, {}))
      fail(number, {ec::connection_lost,
                    "the connection to node " + to_string(id) + " (" + p.address + ") was lost: " + why});
    if (!redialling) {
      redialling = true;
      send_later(limits::peer_redial, flush_atom::value);
    }
  }

  void event(const m<schema::LinkEvent>& e) {
    if (e->isOpened()) {
      const auto link = e->getOpened().getLink();
      if (e->getOpened().getInbound())
        inbound.insert(link);
      else if (outbound.count(link) == 0)
        return;
      write(link, [&](auto b) { b.setHello(incarnation); });
    } else if (e->isFrame()) {
      frame(e->getFrame().getLink(), e->getFrame().getBytes());
    } else if (e->isClosed()) {
      const auto link = e->getClosed().getLink();
      inbound.erase(link);
      if (auto node = outbound.extract(link); !node.empty())
        link_lost(node.mapped(), std::string{view(e->getClosed().getReason())});
    }
  }

  void frame(std::int64_t link, capnp::Data::Reader bytes) {
    const auto out = outbound.find(link);
    if (out == outbound.end() && inbound.count(link) == 0)
      return;
    auto parsed = parse<schema::PeerFrame>(bytes);
    if (!parsed) {
      warn("a peer link carried ", parsed.error().text, "; closing it");
      if (out != outbound.end())
        return hang_up(out->second, "it sent what is no message of Muster");
      inbound.erase(link);
      send(wire, make<schema::LinkCommand>([&](auto b) { b.setClose(link); }));
      return;
    }
    auto f = parsed->read();
    if (out != outbound.end() && f.isHello())
      hello(out->second, f.getHello());
    else if (out != outbound.end() && f.isReply())
      replied(f.getReply());
    else if (out == outbound.end() && f.isRequest())
      serve(link, f.getRequest());
  }

  void hello(node_id id, std::uint64_t theirs) {
    auto& p = peers[id];
    const auto restarted = p.incarnation != 0 && p.incarnation != theirs;
    p.incarnation = theirs;
    p.ready = true;
    if (restarted)
      info("node ", to_string(id), " started anew: its segments are gone");
    tell_all(id, true, restarted);
    for (auto number : std::set<std::uint64_t>{p.calls})
      write_call(number);
  }

  template <class Fill>
  void write(std::int64_t link, Fill fill) {
    const auto bytes = make<schema::PeerFrame>(fill);
    send(wire, make<schema::LinkCommand>([&](auto b) {
           auto f = b.initFrame();
           f.setLink(link);
           f.setBytes(as_data(bytes));
         }));
  }

  // -- calls to others ----------------------------------------------------------------

  caf::result<m<schema::PeerReply>> ask(const m<schema::PeerRequest>& request) {
    const auto search = request->isSearch();
    if (search && calls.size() >= limits::peer_calls)
      return failed({ec::too_many_requests,
                     std::to_string(calls.size()) + " calls to other nodes are in flight; try again"});
    auto answer = self->make_response_promise<m<schema::PeerReply>>();
    const auto timeout = time_left(request->getHeader(), search ? limits::search_timeout : limits::peer_load_timeout);
    const auto deadline = now() + std::chrono::nanoseconds{timeout}.count();
    if (search)
      begin(request, answer, deadline, false);
    else if (!calls_out.submit([this, request, answer, deadline] { begin(request, answer, deadline, true); }))
      answer.deliver(failed({ec::too_many_requests, "too many loads for other nodes wait here; try again later"}));
    return answer;
  }

  void begin(const m<schema::PeerRequest>& request, promise answer, std::int64_t deadline, bool windowed) {
    const auto number = ++next_call;
    const node_id to{request->getTo()};
    calls.emplace(number, call{to, request, std::move(answer), deadline, windowed});
    deadlines.emplace(deadline, number);
    auto i = peers.find(to);
    if (deadline <= now())
      return fail(number,
                  {ec::deadline_exceeded, "no link to node " + to_string(to) + " was free before the deadline"});
    if (i == peers.end() || i->second.link == 0)
      return fail(number, {ec::connection_lost, "node " + to_string(to) + " cannot be reached"});
    i->second.calls.insert(number);
    if (i->second.ready)
      write_call(number);
    arm();
  }

  void write_call(std::uint64_t number) {
    auto& c = calls.at(number);
    if (std::exchange(c.written, true))
      return;
    const auto left = std::chrono::nanoseconds{std::max<std::int64_t>(c.deadline - now(), 1)};
    write(peers.at(c.to).link, [&](auto b) {
      b.setRequest(c.request.read());
      auto r = b.getRequest();
      r.setCall(number);
      stamp(r.getHeader(), c.request->getHeader().getEpoch(), left, c.request->getHeader().getTraceId());
      if (r.isSearch())
        stamp(r.getSearch().getHeader(), 0, left, c.request->getHeader().getTraceId());
    });
  }

  void replied(schema::PeerReply::Reader reply) {
    const auto c = calls.find(reply.getCall());
    const auto from = c == calls.end() ? peers.end() : peers.find(c->second.to);
    finish(reply.getCall(), copy<schema::PeerReply>(reply));
    if (from != peers.end() && from->second.leaving && from->second.calls.empty())
      forget_unneeded();
  }

  void fail(std::uint64_t number, const failure& why) {
    finish(number, failed(why));
  }

  m<schema::PeerReply> failed(const failure& why) const {
    return make<schema::PeerReply>([&](auto b) { set_status(b.initFailed(), why); });
  }

  void finish(std::uint64_t number, const m<schema::PeerReply>& reply) {
    auto node = calls.extract(number);
    if (node.empty())
      return;
    auto& c = node.mapped();
    deadlines.erase({c.deadline, number});
    if (auto i = peers.find(c.to); i != peers.end())
      i->second.calls.erase(number);
    c.answer.deliver(reply);
    if (c.windowed)
      calls_out.done();
  }

  void tick(const tick_atom&) {
    ticking = false;
    const auto t = now();
    while (!deadlines.empty() && deadlines.begin()->first <= t)
      fail(deadlines.begin()->second, {ec::deadline_exceeded, "the other node did not answer before the deadline"});
    if (std::any_of(peers.begin(), peers.end(), [](const auto& p) { return p.second.leaving; }))
      forget_unneeded();
    arm();
  }

  void arm() {
    if (ticking || deadlines.empty())
      return;
    ticking = true;
    send_later(limits::peer_check, tick_atom::value);
  }

  // -- calls of others ----------------------------------------------------------------

  void serve(std::int64_t link, schema::PeerRequest::Reader r) {
    const auto number = r.getCall();
    if (node_id{r.getTo()} != me)
      return refuse(link, number,
                    {ec::node_not_match, "this is node " + to_string(me) + ", not node " + std::to_string(r.getTo())});
    if (r.isSearch())
      return serve_search(link, number, copy<schema::WorkerSearch>(r.getSearch()));
    std::function<void()> work;
    if (r.isLoad())
      work = [this, link, number, order = copy<schema::WorkerLoad>(r.getLoad())] {
        pass_on<schema::WorkerLoadReply>(link, number, order, [](auto b, auto reply) { b.setLoad(reply); });
      };
    else if (r.isRelease())
      work = [this, link, number, order = copy<schema::WorkerRelease>(r.getRelease())] {
        pass_on<schema::WorkerReleaseReply>(link, number, order, [](auto b, auto reply) { b.setRelease(reply); });
      };
    else
      return refuse(link, number, {ec::parameter_invalid, "a call of a kind this node does not know"});
    if (!calls_in.submit(std::move(work)))
      refuse(link, number, {ec::too_many_requests, "too many loads wait at this node; try again later"});
  }

  template <class Reply, class Order, class Fill>
  void pass_on(std::int64_t link, std::uint64_t number, const Order& order, Fill fill) {
    request<m<Reply>>(
      parts.store, limits::peer_load_timeout, order,
      [this, link, number, fill](const m<Reply>& reply) {
        answer(link, number, [&](auto b) { fill(b, reply.read()); });
        calls_in.done();
      },
      [this, link, number](const failure& why) {
        refuse(link, number, why);
        calls_in.done();
      });
  }

  void serve_search(std::int64_t link, std::uint64_t number, const m<schema::WorkerSearch>& work) {
    if (searches_in >= limits::peer_searches)
      return refuse(link, number,
                    {ec::too_many_requests, std::to_string(searches_in) + " searches of other nodes run here"});
    ++searches_in;
    const auto& reader = parts.readers[next_reader++ % parts.readers.size()];
    request<m<schema::SearchReply>>(
      reader, time_left(work->getHeader(), limits::search_timeout), work,
      [this, link, number](const m<schema::SearchReply>& reply) {
        --searches_in;
        answer(link, number, [&](auto b) { b.setSearch(reply.read()); });
      },
      [this, link, number](const failure& why) {
        --searches_in;
        refuse(link, number, why);
      });
  }

  void refuse(std::int64_t link, std::uint64_t number, const failure& why) {
    answer(link, number, [&](auto b) { set_status(b.initFailed(), why); });
  }

  template <class Fill>
  void answer(std::int64_t link, std::uint64_t number, Fill fill) {
    if (inbound.count(link) == 0)
      return; // The caller knows that its link is lost.
    write(link, [&](auto b) {
      auto reply = b.initReply();
      reply.setCall(number);
      fill(reply);
    });
  }

  node_id me;
  std::uint64_t incarnation = 0;
  node_parts parts;
  wire_actor wire;
  std::map<std::uint64_t, listener> listeners; ///< By actor id.
  std::map<node_id, peer> peers;
  std::map<std::int64_t, node_id> outbound;
  std::set<std::int64_t> inbound;
  std::int64_t next_link = 3; ///< 3, 7, 11, …; the agent has 1, 5, 9, ….
  bool redialling = false;
  std::map<std::uint64_t, call> calls;
  std::set<std::pair<std::int64_t, std::uint64_t>> deadlines;
  std::uint64_t next_call = 0;
  bool ticking = false;
  call_window calls_out{limits::peer_loads, limits::peer_loads_waiting};
  call_window calls_in{limits::peer_loads, limits::peer_loads_waiting};
  std::size_t searches_in = 0;
  std::size_t next_reader = 0;
};

peer_exchange_actor::behavior_type exchange_behavior(peer_exchange_actor::stateful_pointer<exchange_shell> self,
                                                     std::uint64_t incarnation, node_parts parts) {
  auto& s = self->state;
  s.incarnation = incarnation;
  s.wire = parts.wire;
  s.parts = std::move(parts);
  self->set_down_handler([&s](const caf::down_msg& down) { s.lost_listener(down.source); });
  return {s.on(&exchange_shell::event), s.on(&exchange_shell::identify), s.on(&exchange_shell::name_peers),
          s.on(&exchange_shell::ask),   s.on(&exchange_shell::redial),   s.on(&exchange_shell::tick)};
}

} // namespace

peer_exchange_actor spawn_peer_exchange(caf::actor_system& system, std::uint64_t incarnation, node_parts parts) {
  return system.spawn(exchange_behavior, incarnation, std::move(parts));
}

} // namespace muster
