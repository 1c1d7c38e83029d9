// The one KJ event-loop thread of a process: links and RPC outside, actors inside.
#pragma once

#include "actors/interfaces.hpp"
#include "messages/result.hpp"
#include "net/http_limits.hpp"

#include <caf/actor_system.hpp>

#include <memory>
#include <string>
#include <thread>

namespace muster {

namespace net {
class loop_queue;
} // namespace net

/// Carries links, client requests, route watches and searches between sockets and actors. Its thread only moves bytes.
/// All methods may be called from any thread that is not an actor's. Destroy it before the actor system.
class bridge {
public:
  explicit bridge(caf::actor_system& system);

  /// Ends all links (each owner hears `closed`), connections and the bridge's own actors, then the thread.
  ~bridge();

  bridge(const bridge&) = delete;
  bridge& operator=(const bridge&) = delete;

  /// Where actors send LinkCommands.
  wire_actor wire() const {
    return wire_;
  }

  /// Who hears LinkEvents: `main_links` those between coordinator and node, `peer_links` those between nodes. A link
  /// for which nobody listens is refused. Call before listening.
  void own_links(link_owner_actor main_links, link_owner_actor peer_links);

  /// Offers interface Coordinator. Loopback only; port 0: any. Returns the address bound.
  result<std::string> listen_coordinator(const std::string& address, gateway_actor gateway,
                                         route_publisher_actor routes);

  /// Offers HTTP. Loopback only; port 0: any. `coordinator`: what listen_coordinator returned, for searches. Returns the address bound.
  result<std::string> listen_http(const std::string& address, http_desk_actor desk, const std::string& coordinator,
                                  const net::http_limits& most = {});

  /// Offers interface QueryNode. Loopback only; port 0: any. Returns the address bound.
  result<std::string> listen_node(const std::string& address, search_door_actor door);

private:
  caf::actor_system& system_;
  std::shared_ptr<net::loop_queue> queue_;
  wire_actor wire_;
  std::thread thread_;
};

} // namespace muster
