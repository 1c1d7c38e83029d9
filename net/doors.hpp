// The bridge's own actors: they turn messages of CAF into jobs of the event loop and back.
#pragma once

#include "actors/interfaces.hpp"
#include "messages/result.hpp"
#include "net/loop_queue.hpp"

#include <capnp/schema.h>
#include <caf/actor_system.hpp>

#include <cstdint>
#include <memory>

namespace muster::net {

/// The DOOR interface: asks an actor on behalf of an RPC; the answer goes to the loop under the call's number.
template <class Request>
using door_actor = caf::typed_actor<
  // Ask this.
  caf::reacts_to<std::uint64_t, m<Request>>>;

using client_door_actor = door_actor<schema::ClientRequest>;
using search_door_door_actor = door_actor<schema::SearchRequest>;
using http_desk_door_actor = door_actor<schema::HttpRequest>;

/// The ROUTE RELAY interface: one watch; its update is answered when the watcher's RPC has returned.
using route_relay_actor = route_subscriber_actor::extend<
  // The watcher has it.
  caf::reacts_to<m<schema::Ack>>>;

using queue_ptr = std::shared_ptr<loop_queue>;

/// Posts LinkCommands into the loop.
wire_actor spawn_wire(caf::actor_system& system, queue_ptr queue);

client_door_actor spawn_client_door(caf::actor_system& system, queue_ptr queue, gateway_actor gateway);

search_door_door_actor spawn_search_door(caf::actor_system& system, queue_ptr queue, search_door_actor door);

http_desk_door_actor spawn_http_door(caf::actor_system& system, queue_ptr queue, http_desk_actor desk);

/// Ends itself when the publisher ends; tells the loop when it ends for any reason.
route_relay_actor spawn_route_relay(caf::actor_system& system, queue_ptr queue, std::uint64_t watch,
                                    const route_publisher_actor& publisher);

} // namespace muster::net
