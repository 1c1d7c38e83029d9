// Links without sockets.
#include "tests/support/memory_network.hpp"

#include "actors/runtime/shell.hpp"

namespace muster {

namespace {

struct wire_shell : shell<wire_actor, wire_shell> {
  explicit wire_shell(self_pointer ptr) : shell(ptr) {
    // nop
  }

  void command(const m<schema::LinkCommand>& c) {
    network->command(address, c.read());
  }

  memory_network* network = nullptr;
  std::string address;
};

wire_actor::behavior_type wire_behavior(wire_actor::stateful_pointer<wire_shell> self, memory_network* network,
                                        const std::string& address) {
  auto& s = self->state;
  s.enrol("wire/" + address, "wire", "test");
  s.network = network;
  s.address = address;
  return {s.on(&wire_shell::command)};
}

} // namespace

wire_actor memory_network::wire(const std::string& address) {
  {
    std::lock_guard guard{mutex_};
    endpoints_[address].alive = true;
  }
  return system_.spawn(wire_behavior, this, address);
}

void memory_network::own_links(const std::string& address, link_owner_actor main_links, link_owner_actor peer_links) {
  std::lock_guard guard{mutex_};
  endpoints_[address].main_links = std::move(main_links);
  endpoints_[address].peer_links = std::move(peer_links);
}

void memory_network::kill(const std::string& address) {
  std::lock_guard guard{mutex_};
  auto& e = endpoints_[address];
  e.alive = false;
  e.main_links = link_owner_actor{};
  e.peer_links = link_owner_actor{};
  const auto links = e.links;
  e.links.clear();
  for (const auto& [link, other] : links) {
    endpoints_[other.endpoint].links.erase(other.link);
    closed(other, "connection reset", false);
  }
}

void memory_network::command(const std::string& from, schema::LinkCommand::Reader command) {
  std::lock_guard guard{mutex_};
  switch (command.which()) {
    case schema::LinkCommand::OPEN: {
      auto open = command.getOpen();
      const side mine{from, open.getLink(), open.getPeer()};
      const std::string to{view(open.getAddress())};
      auto i = endpoints_.find(to);
      const bool there = i != endpoints_.end() && i->second.alive && endpoints_[from].alive
                         && (open.getPeer() ? i->second.peer_links : i->second.main_links);
      if (!there) {
        closed(mine, "connection to " + to + " refused", true);
        return;
      }
      const side other{to, next_inbound_, open.getPeer()};
      next_inbound_ += 2;
      endpoints_[from].links[mine.link] = other;
      i->second.links[other.link] = mine;
      opened(other, true);
      opened(mine, false);
      break;
    }
    case schema::LinkCommand::FRAME:
      frame(from, command.getFrame().getLink(), command.getFrame().getBytes());
      break;
    case schema::LinkCommand::BROADCAST:
      for (auto link : command.getBroadcast().getLinks())
        frame(from, link, command.getBroadcast().getBytes());
      break;
    case schema::LinkCommand::CLOSE:
      close(from, command.getClose(), "closed");
      break;
    case schema::LinkCommand::INVALID:
      break;
  }
}

void memory_network::frame(const std::string& from, std::int64_t link, capnp::Data::Reader bytes) {
  auto& links = endpoints_[from].links;
  auto i = links.find(link);
  if (i == links.end())
    return;
  tell(i->second, [&](schema::LinkEvent::Builder b) {
    auto f = b.initFrame();
    f.setLink(i->second.link);
    f.setBytes(bytes);
  });
}

void memory_network::close(const std::string& from, std::int64_t link, const std::string& reason) {
  auto& links = endpoints_[from].links;
  auto i = links.find(link);
  if (i == links.end())
    return;
  const auto other = i->second;
  const side mine{from, link, other.peer};
  links.erase(i);
  endpoints_[other.endpoint].links.erase(other.link);
  closed(other, reason, false);
  closed(mine, reason, false);
}

void memory_network::opened(const side& to, bool inbound) {
  tell(to, [&](schema::LinkEvent::Builder b) {
    auto o = b.initOpened();
    o.setLink(to.link);
    o.setInbound(inbound);
  });
}

void memory_network::closed(const side& to, const std::string& reason, bool ended) {
  tell(to, [&](schema::LinkEvent::Builder b) {
    auto c = b.initClosed();
    c.setLink(to.link);
    c.setReason(reason);
    c.setEnded(ended);
  });
}

template <class Fill>
void memory_network::tell(const side& to, Fill&& fill) {
  const auto& e = endpoints_[to.endpoint];
  const auto& owner = to.peer ? e.peer_links : e.main_links;
  if (owner)
    post(system_, owner, build<schema::LinkEvent>(fill));
}

} // namespace muster
