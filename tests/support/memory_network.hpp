// Links between processes that share one actor system: the wire of tests and benchmarks, with the rules of the real one.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/actor_system.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace muster {

/// All endpoints of one test. Thread-safe. Frames of a link keep their order; each side of a link hears exactly one `closed`.
class memory_network {
public:
  explicit memory_network(caf::actor_system& system) : system_(system) {
    // nop
  }

  /// The wire of the endpoint at `address`. `main_links` hears links between coordinator and node, `peer_links` between nodes.
  wire_actor wire(const std::string& address);
  void own_links(const std::string& address, link_owner_actor main_links, link_owner_actor peer_links);

  /// The endpoint is gone: its links close, later dials are refused as by a process that has ended.
  void kill(const std::string& address);

  /// Carries out a command of the endpoint at `from`.
  void command(const std::string& from, schema::LinkCommand::Reader command);

private:
  struct side {
    std::string endpoint;
    std::int64_t link = 0;
    bool peer = false;
    friend auto operator<=>(const side&, const side&) = default;
  };

  struct endpoint {
    bool alive = true;
    link_owner_actor main_links;
    link_owner_actor peer_links;
    std::map<std::int64_t, side> links; ///< Own link -> other side.
  };

  void opened(const side& to, bool inbound);
  void frame(const std::string& from, std::int64_t link, capnp::Data::Reader bytes);
  void close(const std::string& from, std::int64_t link, const std::string& reason);
  void closed(const side& to, const std::string& reason, bool ended);
  template <class Fill>
  void tell(const side& to, Fill&& fill);

  caf::actor_system& system_;
  std::mutex mutex_;
  std::map<std::string, endpoint> endpoints_;
  std::int64_t next_inbound_ = 2;
};

} // namespace muster
