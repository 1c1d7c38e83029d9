// Links as net/ makes them: in order, exactly one end each, a break loses an unknown tail; ways that are slow or blocked.
#include "tests/simulation/trace.hpp"
#include "tests/simulation/world.hpp"

#include <kj/string.h>

#include <algorithm>

namespace muster::sim {

namespace {

template <class Fill>
msg<schema::LinkEvent> link_event(Fill&& fill) {
  return build<schema::LinkEvent>([&](schema::LinkEvent::Builder b) { fill(b); });
}

std::string_view text_of(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

} // namespace

// -- ways -------------------------------------------------------------------------

std::int64_t world::latency() {
  return random_.between(options_.latency_least, options_.latency_most);
}

bool world::blocked(int from, int to) const {
  auto i = blocks_.find({from, to});
  return i != blocks_.end() && i->second > 0;
}

void world::travel(int from, int to, std::function<void()> what) {
  after(latency(), [this, from, to, what = std::move(what)]() mutable { travel_again(from, to, std::move(what)); });
}

void world::travel_again(int from, int to, std::function<void()> what) {
  if (blocked(from, to))
    blocked_.push_back({{from, to}, std::move(what)});
  else
    what();
}

void world::block(int from, int to, std::int64_t time) {
  ++blocks_[{from, to}];
  after(time, [this, from, to] {
    if (auto& n = blocks_[{from, to}]; n > 0 && --n == 0)
      release_blocked();
  });
}

void world::release_blocked() {
  auto waiting = std::exchange(blocked_, {});
  for (auto& [way, what] : waiting) {
    if (blocked(way.first, way.second))
      blocked_.push_back({way, std::move(what)});
    else
      travel(way.first, way.second, std::move(what));
  }
}

// -- links ------------------------------------------------------------------------

world::connection* world::link_of(const process& p, std::int64_t link, int& side) {
  auto i = by_end_.find({p.index, link});
  if (i == by_end_.end())
    return nullptr;
  auto c = connections_.find(i->second);
  if (c == connections_.end())
    return nullptr;
  side = c->second.ends[0].process == p.index && c->second.ends[0].link == link ? 0 : 1;
  return &c->second;
}

void world::command(int index, const msg<schema::LinkCommand>& what) {
  auto& p = *processes_[static_cast<std::size_t>(index)];
  auto c = what.read();
  switch (c.which()) {
    case schema::LinkCommand::OPEN:
      open_link(p, c.getOpen().getLink(), std::string{view(c.getOpen().getAddress())}, c.getOpen().getPeer());
      break;
    case schema::LinkCommand::FRAME:
      send_frame(p, c.getFrame().getLink(), text_of(c.getFrame().getBytes()));
      break;
    case schema::LinkCommand::CLOSE:
      close_link(p, c.getClose());
      break;
    case schema::LinkCommand::BROADCAST:
      for (auto link : c.getBroadcast().getLinks())
        send_frame(p, link, text_of(c.getBroadcast().getBytes()));
      break;
    case schema::LinkCommand::INVALID:
      fail(verdict::safety, p.name + " gave the wire a command without content");
      break;
  }
}

void world::open_link(process& p, std::int64_t link, std::string address, bool peer) {
  if (link % 2 == 0 || by_end_.contains({p.index, link})) {
    fail(verdict::safety, p.name + " opens link " + std::to_string(link) + ", which is even or in use");
    return;
  }
  process* target = nullptr;
  for (auto& q : processes_)
    if (q->address == address)
      target = q.get();
  if (target == nullptr) {
    fail(verdict::safety, p.name + " dials " + address + ", where nothing ever was");
    return;
  }
  const auto id = next_connection_++;
  auto& c = connections_[id];
  c.peer = peer;
  c.ends[0] = {p.index, p.generation, link, false};
  c.ends[1].process = target->index;
  by_end_[{p.index, link}] = id;
  trace(p.name, " dials ", target->name, peer ? " as a peer" : "", ", link ", link);
  travel(p.index, target->index, [this, id, to = target->index] { arrive_dial(id, to); });
  after(2 * s, [this, id] {
    auto i = connections_.find(id);
    if (i == connections_.end() || i->second.ends[0].closed)
      return;
    // Established: the first thing on the way back was delivered.
    if (i->second.accepted && (i->second.queue[0].empty() || i->second.queue[0].front().kind != item::opened))
      return;
    i->second.broken = true;
    tell(i->second.ends[0], i->second.peer, {item::closed, {}, "no answer in time", false, now_});
  });
}

void world::arrive_dial(std::uint64_t id, int target) {
  auto i = connections_.find(id);
  if (i == connections_.end() || i->second.ends[0].closed)
    return;
  auto& p = *processes_[static_cast<std::size_t>(target)];
  if (!p.up) {
    if (!p.powered)
      return; // the dial times out
    i->second.broken = true;
    travel(target, i->second.ends[0].process, [this, id] {
      if (auto c = connections_.find(id); c != connections_.end())
        tell(c->second.ends[0], c->second.peer, {item::closed, {}, "connection refused", true, now_});
    });
    return;
  }
  inside(p, p.generation, [this, id, &p] {
    auto c = connections_.find(id);
    if (c == connections_.end() || c->second.ends[0].closed || c->second.broken)
      return;
    auto& mine = c->second.ends[1];
    mine = {p.index, p.generation, p.last_inbound += 2, false};
    c->second.accepted = true;
    by_end_[{p.index, mine.link}] = id;
    tell(mine, c->second.peer, {item::opened, {}, "in", false, now_});
    push(id, 0, {item::opened, {}, "", false, 0});
  });
}

void world::send_frame(process& p, std::int64_t link, std::string_view bytes) {
  int side = 0;
  auto* c = link_of(p, link, side);
  if (c == nullptr || c->ends[side].closed || !c->accepted)
    return;
  look_at_frame(p, *c, side, bytes);
  const auto id = by_end_.at({p.index, link});
  if (c->broken) {
    // Its first write tells it: the other side knows nothing of this connection any more.
    travel(p.index, c->ends[1 - side].process, [this, id, side] {
      auto i = connections_.find(id);
      if (i == connections_.end())
        return;
      const auto& other = *processes_[static_cast<std::size_t>(i->second.ends[1 - side].process)];
      if (!other.up && !other.powered)
        return;
      travel(other.index, i->second.ends[side].process, [this, id, side] {
        if (auto j = connections_.find(id); j != connections_.end())
          tell(j->second.ends[side], j->second.peer, {item::closed, {}, "reset by the other side", false, now_});
      });
    });
    return;
  }
  push(id, 1 - side, {item::frame, std::string{bytes}, "", false, 0});
}

void world::close_link(process& p, std::int64_t link) {
  int side = 0;
  auto* c = link_of(p, link, side);
  if (c == nullptr || c->ends[side].closed)
    return;
  const auto id = by_end_.at({p.index, link});
  const bool other = c->accepted && !c->broken;
  tell(c->ends[side], c->peer, {item::closed, {}, "closed from this side", false, now_});
  if (other)
    push(id, 1 - side, {item::closed, {}, "the other side closed the link", false, 0});
}

void world::push(std::uint64_t id, int towards, item what) {
  auto& c = connections_.at(id);
  auto& q = c.queue[towards];
  what.at = now_ + latency();
  if (!q.empty())
    what.at = std::max(what.at, q.back().at);
  const auto wait = what.at - now_;
  q.push_back(std::move(what));
  const auto from = c.ends[1 - towards].process;
  const auto to = c.ends[towards].process;
  after(wait, [this, id, towards, from, to] { travel_again(from, to, [this, id, towards] { deliver(id, towards); }); });
}

/// One delivery a queued item; whichever comes first takes the head, so order holds whatever the ways do.
void world::deliver(std::uint64_t id, int towards) {
  auto i = connections_.find(id);
  if (i == connections_.end() || i->second.queue[towards].empty())
    return;
  auto what = std::move(i->second.queue[towards].front());
  i->second.queue[towards].pop_front();
  auto& e = i->second.ends[towards];
  if (e.closed && what.kind == item::frame) {
    // Nobody is there: the sender hears it.
    travel(e.process, i->second.ends[1 - towards].process, [this, id, towards] {
      if (auto c = connections_.find(id); c != connections_.end()) {
        c->second.broken = true;
        tell(c->second.ends[1 - towards], c->second.peer, {item::closed, {}, "reset by the other side", false, now_});
      }
    });
    return;
  }
  tell(e, i->second.peer, what);
}

void world::tell(endpoint& e, bool peer, const item& what) {
  if (e.closed || e.process < 0)
    return;
  auto& p = *processes_[static_cast<std::size_t>(e.process)];
  if (what.kind == item::closed)
    e.closed = true;
  if (!p.up || p.generation != e.generation)
    return;
  if (what.kind == item::closed) {
    by_end_.erase({e.process, e.link});
    if (!peer && !p.coordinator())
      p.linked_at = -1;
    if (!peer && !p.coordinator())
      p.reports.told = false;
    trace(p.name, " link ", e.link, " closed: ", what.reason);
  }
  if (what.kind == item::frame)
    mix(what.bytes);
  inside(p, e.generation, [this, &p, link = e.link, peer, what] {
    if (what.kind == item::frame && !p.coordinator())
      look_at_order(p, what.bytes, peer);
    hear(p, peer, link_event([&](schema::LinkEvent::Builder b) {
           switch (what.kind) {
             case item::opened: {
               auto o = b.initOpened();
               o.setLink(link);
               o.setInbound(link % 2 == 0);
               break;
             }
             case item::frame: {
               auto f = b.initFrame();
               f.setLink(link);
               f.setBytes({reinterpret_cast<const kj::byte*>(what.bytes.data()), what.bytes.size()});
               break;
             }
             case item::closed: {
               auto closed = b.initClosed();
               closed.setLink(link);
               closed.setReason(what.reason);
               closed.setEnded(what.ended);
               break;
             }
           }
         }));
  });
}

// -- breaks -----------------------------------------------------------------------

void world::lose_tail(connection& c, int towards) {
  auto& q = c.queue[towards];
  q.resize(random_.below(q.size() + 1));
}

void world::cut(std::uint64_t id, bool both) {
  auto& c = connections_.at(id);
  if (!c.accepted || c.broken)
    return;
  const auto first = static_cast<int>(random_.below(2));
  trace("cut link ", c.ends[0].link, " of ", processes_[static_cast<std::size_t>(c.ends[0].process)]->name, " to ",
        processes_[static_cast<std::size_t>(c.ends[1].process)]->name, both ? "" : ", one end does not hear of it");
  for (int side : {first, 1 - first}) {
    lose_tail(c, side);
    if (both || side == first)
      push(id, side, {item::closed, {}, "the link broke", false, 0});
  }
  c.broken = true;
}

/// All links of a process that ends. Silent: its machine is gone, nobody hears anything.
void world::end_links(process& p, bool silent) {
  for (auto i = by_end_.lower_bound({p.index, 0}); i != by_end_.end() && i->first.first == p.index; i = by_end_.erase(i)) {
    auto found = connections_.find(i->second);
    if (found == connections_.end())
      continue;
    auto& c = found->second;
    const auto side = c.ends[0].process == p.index && c.ends[0].link == i->first.second ? 0 : 1;
    c.ends[side].closed = true;
    c.queue[side].clear();
    if (!c.accepted || c.broken)
      continue;
    if (!p.stopping)
      lose_tail(c, 1 - side);
    if (!silent)
      push(found->first, 1 - side, {item::closed, {}, "the other side closed the link", false, 0});
    c.broken = true;
  }
  for (auto i = connections_.begin(); i != connections_.end();)
    i = i->second.ends[0].closed && (!i->second.accepted || i->second.ends[1].closed) ? connections_.erase(i) : std::next(i);
}

// -- what is seen on the way --------------------------------------------------------

/// A frame leaves a process.
void world::look_at_frame(process& p, connection& c, int, std::string_view bytes) {
  if (c.peer)
    return;
  if (p.coordinator()) {
    auto f = parse<schema::CoordinatorFrame>(bytes);
    if (!f)
      return;
    if ((*f)->isOrders()) {
      last_movement_ = now_;
      const auto epoch = (*f)->getOrders().getHeader().getEpoch();
      look_at_keys(c, (*f)->getOrders());
      if (old_orders_.empty() || random_.chance(1, 8)) {
        old_orders_ = std::string{bytes};
        old_orders_epoch_ = epoch;
      }
      if (sink_ != nullptr)
        for (auto o : (*f)->getOrders().getOrders())
          trace("order ", o.getTask(), " to node ", (*f)->getOrders().getNode(), ": ", kj::str(o).cStr());
    }
    return;
  }
  auto f = parse<schema::NodeFrame>(bytes);
  if (!f)
    return;
  if ((*f)->isReport()) {
    if (sink_ != nullptr)
      trace(p.name, " reports ", kj::str((*f)->getReport()).cStr());
    model_.reported(p.reports, (*f)->getReport());
    if ((*f)->getReport().getFull() && disturbed_ && options_.has(fault::node_bounce) && random_.chance(1, 3)) {
      // The moment at which one start of a node may be taken for another, most of all when its session is slower than
      // the news that there is another start.
      crash_soon(p, false, random_.between(50 * us, 3 * ms));
      p.crash_after = static_cast<int>(random_.between(1, 6));
      if (random_.chance(1, 2))
        processes_[0]->stalled_until = now_ + 30 * ms;
      else
        processes_[0]->sessions_stalled_until = now_ + 5 * ms + 4 * options_.latency_most;
    }
  } else if ((*f)->isResults()) {
    auto& obeyed = obeyed_[{p.index, p.generation}];
    for (auto r : (*f)->getResults().getResults()) {
      if (sink_ != nullptr)
        trace(p.name, " answers ", kj::str(r).cStr());
      std::erase_if(open_orders_, [&](const auto& o) { return o.second.task == r.getTask(); });
      const auto epoch = static_cast<std::uint64_t>(r.getTask()) >> 32;
      if (r.getStatus().getCode() != 0)
        continue;
      if (epoch < obeyed)
        fail(verdict::safety, p.name + " obeyed task " + std::to_string(r.getTask()) + " of epoch " + std::to_string(epoch)
                                + " after it had obeyed epoch " + std::to_string(obeyed));
      obeyed = std::max(obeyed, epoch);
    }
  }
}

/// A frame arrives at a node.
void world::look_at_order(process& p, std::string_view bytes, bool peer) {
  if (peer)
    return;
  auto f = parse<schema::CoordinatorFrame>(bytes);
  if (!f || !(*f)->isWelcome())
    return;
  const auto id = (*f)->getWelcome().getNode();
  if (p.node != 0 && p.node != id)
    fail(verdict::safety, p.name + " was node " + std::to_string(p.node) + " and now is node " + std::to_string(id));
  for (const auto& q : processes_)
    if (q.get() != &p && q->node == id)
      fail(verdict::safety, p.name + " is node " + std::to_string(id) + ", but so is " + q->name);
  p.node = id;
  p.linked_at = now_;
}

} // namespace muster::sim
