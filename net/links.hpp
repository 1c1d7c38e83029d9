// Links: ordered frames in both directions over a connection of their own; each ends with exactly one `closed`.
#pragma once

#include "actors/interfaces.hpp"

#include <capnp/schema.h>
#include <kj/async-io.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace muster::net {

class hub;

/// All links of the process. A link has its connection for itself: when one goes, the other goes.
class link_table {
public:
  explicit link_table(hub& h) : hub_(h) {
    // nop
  }

  void own(link_owner_actor main_links, link_owner_actor peer_links);

  /// Does what an actor asked for. Frames to a link that is gone are dropped.
  void execute(const msg<schema::LinkCommand>& command);

  /// An inbound link on `connection`; `other` takes what we write, the result what the other side writes. Throws a
  /// kj::Exception when nobody here takes links of that kind.
  schema::FrameSink::Client accept(std::uint64_t connection, schema::FrameSink::Client other, bool peer);

  /// The other side wrote a frame. False when the link is gone.
  bool received(std::int64_t link, kj::ArrayPtr<const kj::byte> bytes);
  /// The other side let go of its end.
  void released(std::int64_t link);
  void connection_ended(std::uint64_t connection, const std::string& reason);
  /// Closes all; each owner hears it.
  void stop();
  bool empty() const {
    return links_.empty();
  }

private:
  struct frame {
    msg<schema::LinkCommand> command; ///< Keeps the bytes.
    kj::ArrayPtr<const kj::byte> bytes;
  };

  struct link {
    bool peer = false;
    bool opened = false;  ///< The owner knows it as open.
    bool closed = false;  ///< The owner has heard `closed`; what is queued still goes out.
    bool writing = false;
    std::uint64_t connection = 0;
    kj::Maybe<schema::FrameSink::Client> sink;
    std::deque<frame> queue;
    std::size_t queued_bytes = 0;
  };

  link* find(std::int64_t id);
  void open(schema::LinkCommand::Open::Reader what);
  void connected(std::int64_t id, kj::Own<kj::AsyncIoStream> stream);
  void established(std::int64_t id, schema::FrameSink::Client sink);
  void write(std::int64_t id, const msg<schema::LinkCommand>& command, kj::ArrayPtr<const kj::byte> bytes);
  void pump(std::int64_t id);
  void close(std::int64_t id);
  /// The link is of no more use: its owner hears it and its connection goes.
  void lost(std::int64_t id, const std::string& reason, bool ended = false);
  /// Drops a closed link whose last frame is out; its connection goes with the other side's end or after the linger.
  void drained(std::int64_t id);

  const link_owner_actor& owner(const link& l) const {
    return l.peer ? peer_links_ : main_links_;
  }

  void tell_opened(std::int64_t id, link& l, bool inbound);
  void tell_closed(std::int64_t id, link& l, const std::string& reason, bool ended);

  hub& hub_;
  link_owner_actor main_links_;
  link_owner_actor peer_links_;
  std::int64_t last_inbound_ = 0;
  std::unordered_map<std::int64_t, link> links_;
};

} // namespace muster::net
