// The table of links: dialling, accepting, writing within bounds, closing once.
#include "net/links.hpp"

#include "actors/runtime/shell.hpp"
#include "net/hub.hpp"

#include <kj/debug.h>

#include <vector>

namespace muster::net {

namespace {

constexpr std::string_view channel = "net";

kj::Duration as_kj(std::chrono::milliseconds t) {
  return static_cast<std::int64_t>(t.count()) * kj::MILLISECONDS;
}

/// Our end of a link: the other side writes here, and lets go of it to close.
class frame_sink final : public schema::FrameSink::Server {
public:
  frame_sink(hub& h, std::int64_t link) : hub_(h), link_(link) {
    // nop
  }

  ~frame_sink() noexcept(false) {
    hub_.links.released(link_);
  }

protected:
  kj::Promise<void> frame(FrameContext context) override {
    if (!hub_.links.received(link_, context.getParams().getBytes()))
      return KJ_EXCEPTION(DISCONNECTED, "the link is closed");
    return kj::READY_NOW;
  }

private:
  hub& hub_;
  std::int64_t link_;
};

template <class Fill>
msg<schema::LinkEvent> make_event(caf::actor_system& system, std::size_t words, Fill&& fill) {
  return build<schema::LinkEvent>(
    [&](schema::LinkEvent::Builder b) {
      b.initHeader().setEnqueuedAt(detail::nanoseconds(system.clock().now()));
      fill(b);
    },
    words);
}

kj::ArrayPtr<const kj::byte> bytes_of(capnp::Data::Reader data) {
  return {data.begin(), data.size()};
}

} // namespace

void link_table::own(link_owner_actor main_links, link_owner_actor peer_links) {
  main_links_ = std::move(main_links);
  peer_links_ = std::move(peer_links);
}

link_table::link* link_table::find(std::int64_t id) {
  auto i = links_.find(id);
  return i == links_.end() ? nullptr : &i->second;
}

void link_table::execute(const msg<schema::LinkCommand>& command) {
  auto c = command.read();
  switch (c.which()) {
  case schema::LinkCommand::OPEN:
    return open(c.getOpen());
  case schema::LinkCommand::FRAME:
    return write(c.getFrame().getLink(), command, bytes_of(c.getFrame().getBytes()));
  case schema::LinkCommand::CLOSE:
    return close(c.getClose());
  case schema::LinkCommand::BROADCAST: {
    auto bytes = bytes_of(c.getBroadcast().getBytes());
    for (auto id : c.getBroadcast().getLinks())
      write(id, command, bytes);
    return;
  }
  default:
    log::error(channel, "a link command without content");
  }
}

// -- opening ------------------------------------------------------------------

void link_table::open(schema::LinkCommand::Open::Reader what) {
  const auto id = what.getLink();
  if (id % 2 == 0 || find(id) != nullptr) {
    log::error(channel, "link ", id, " cannot be opened: its number is even or in use");
    return;
  }
  links_[id].peer = what.getPeer();
  auto dialled = dial(hub_.network, hub_.timer, std::string{view(what.getAddress())});
  hub_.add_task(dialled.then([this, id](kj::Own<kj::AsyncIoStream>&& stream) { connected(id, kj::mv(stream)); },
                             [this, id](kj::Exception&& e) { lost(id, text_of(e), is_refused(e)); }));
}

void link_table::connected(std::int64_t id, kj::Own<kj::AsyncIoStream> stream) {
  auto* l = find(id);
  if (l == nullptr || l->connection != 0)
    return;
  l->connection = hub_.adopt([&](std::uint64_t) { return kj::heap<connection>(kj::mv(stream)); }, false);
  auto service = hub_.find(l->connection)->bootstrap();
  schema::FrameSink::Client ours = kj::heap<frame_sink>(hub_, id);
  // The answer is the other end. A frame may overtake it: then the link counts as open before it can be written to.
  auto end = [&]() -> kj::Promise<schema::FrameSink::Client> {
    if (l->peer) {
      auto request = service.castAs<schema::QueryNode>().openPeerRequest();
      request.setToCaller(kj::mv(ours));
      return request.send().then([](auto&& reply) { return reply.getToNode(); });
    }
    auto request = service.castAs<schema::Coordinator>().joinNodeRequest();
    request.setToNode(kj::mv(ours));
    return request.send().then([](auto&& reply) { return reply.getToCoordinator(); });
  }();
  hub_.add_task(hub_.timer.timeoutAfter(as_kj(limits::dial_timeout), kj::mv(end))
                  .then([this, id](schema::FrameSink::Client&& sink) { established(id, kj::mv(sink)); },
                        [this, id](kj::Exception&& e) { lost(id, "the other side refuses the link: " + text_of(e)); }));
}

void link_table::established(std::int64_t id, schema::FrameSink::Client sink) {
  auto* l = find(id);
  if (l == nullptr)
    return;
  l->sink = kj::mv(sink);
  if (!l->opened && !l->closed)
    tell_opened(id, *l, false);
  pump(id);
}

schema::FrameSink::Client link_table::accept(std::uint64_t connection, schema::FrameSink::Client other, bool peer) {
  if (!(peer ? peer_links_ : main_links_))
    kj::throwFatalException(KJ_EXCEPTION(FAILED, "this process takes no links of that kind"));
  const auto id = last_inbound_ += 2;
  auto& l = links_[id];
  l.peer = peer;
  l.connection = connection;
  l.sink = kj::mv(other);
  tell_opened(id, l, true);
  return kj::heap<frame_sink>(hub_, id);
}

// -- frames -------------------------------------------------------------------

bool link_table::received(std::int64_t id, kj::ArrayPtr<const kj::byte> bytes) {
  auto* l = find(id);
  if (l == nullptr || l->closed)
    return false;
  if (bytes.size() > limits::frame_bytes) {
    lost(id, "a frame of " + std::to_string(bytes.size()) + " bytes is over the limit of "
               + std::to_string(limits::frame_bytes));
    return false;
  }
  if (!l->opened)
    tell_opened(id, *l, false);
  post(hub_.system, owner(*l), make_event(hub_.system, bytes.size() / 8 + 32, [&](schema::LinkEvent::Builder b) {
         auto f = b.initFrame();
         f.setLink(id);
         f.setBytes({bytes.begin(), bytes.size()});
       }));
  return true;
}

void link_table::write(std::int64_t id, const msg<schema::LinkCommand>& command, kj::ArrayPtr<const kj::byte> bytes) {
  auto* l = find(id);
  if (l == nullptr || l->closed)
    return;
  if (bytes.size() > limits::frame_bytes || l->queued_bytes + bytes.size() > limits::link_queued_bytes) {
    const bool large = bytes.size() > limits::frame_bytes;
    lost(id, large ? "a frame of " + std::to_string(bytes.size()) + " bytes was to be sent, which is over the limit"
                   : "the other side does not read: " + std::to_string(l->queued_bytes) + " bytes wait for it");
    return;
  }
  l->queue.push_back({command, bytes});
  l->queued_bytes += bytes.size();
  pump(id);
}

void link_table::pump(std::int64_t id) {
  auto* l = find(id);
  if (l == nullptr || l->writing)
    return;
  if (l->queue.empty()) {
    if (l->closed)
      drained(id);
    return;
  }
  KJ_IF_MAYBE (sink, l->sink) {
    auto next = std::move(l->queue.front());
    l->queue.pop_front();
    l->queued_bytes -= next.bytes.size();
    l->writing = true;
    auto request = sink->frameRequest(capnp::MessageSize{next.bytes.size() / 8 + 16, 0});
    request.setBytes({next.bytes.begin(), next.bytes.size()});
    hub_.add_task(request.send().then(
      [this, id] {
        if (auto* again = find(id); again != nullptr) {
          again->writing = false;
          pump(id);
        }
      },
      [this, id](kj::Exception&& e) { lost(id, "the link broke: " + text_of(e)); }));
  }
}

// -- closing ------------------------------------------------------------------

void link_table::close(std::int64_t id) {
  auto* l = find(id);
  if (l == nullptr || l->closed)
    return;
  tell_closed(id, *l, "closed from this side", false);
  if (l->connection == 0) {
    // Still dialling: the continuation finds it gone.
    links_.erase(id);
    return;
  }
  hub_.add_task(hub_.timer.afterDelay(as_kj(limits::link_linger)).then([this, id, c = l->connection] {
    links_.erase(id);
    hub_.drop_later(c);
  }));
  pump(id);
}

void link_table::drained(std::int64_t id) {
  links_.erase(id);
}

void link_table::lost(std::int64_t id, const std::string& reason, bool ended) {
  auto* l = find(id);
  if (l == nullptr)
    return;
  tell_closed(id, *l, reason, ended);
  const auto connection = l->connection;
  links_.erase(id);
  if (connection != 0)
    hub_.drop_later(connection);
}

void link_table::released(std::int64_t id) {
  if (hub_.stopping())
    return;
  hub_.add_task(kj::evalLater([this, id] {
    // A link that never was open learns the reason from the answer to its request.
    if (auto* l = find(id); l != nullptr && l->opened)
      lost(id, "the other side closed the link");
  }));
}

void link_table::connection_ended(std::uint64_t connection, const std::string& reason) {
  std::vector<std::int64_t> mine;
  for (auto& [id, l] : links_)
    if (l.connection == connection)
      mine.push_back(id);
  for (auto id : mine)
    lost(id, reason);
}

void link_table::stop() {
  std::vector<std::int64_t> all;
  for (auto& [id, l] : links_)
    all.push_back(id);
  for (auto id : all) {
    if (hub_.stopping()) {
      tell_closed(id, links_[id], "this process stops", false);
      links_.erase(id);
    } else {
      close(id);
    }
  }
}

void link_table::tell_opened(std::int64_t id, link& l, bool inbound) {
  l.opened = true;
  if (owner(l))
    post(hub_.system, owner(l), make_event(hub_.system, 0, [&](schema::LinkEvent::Builder b) {
           auto o = b.initOpened();
           o.setLink(id);
           o.setInbound(inbound);
         }));
}

void link_table::tell_closed(std::int64_t id, link& l, const std::string& reason, bool ended) {
  if (l.closed)
    return;
  l.closed = true;
  log::debug(channel, "link ", id, " closed: ", reason);
  if (owner(l))
    post(hub_.system, owner(l), make_event(hub_.system, 0, [&](schema::LinkEvent::Builder b) {
           auto c = b.initClosed();
           c.setLink(id);
           c.setReason(reason.c_str());
           c.setEnded(ended);
         }));
}

} // namespace muster::net
