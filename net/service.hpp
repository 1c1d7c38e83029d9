// The RPC interfaces that a process offers, one object a connection: Coordinator and QueryNode.
#pragma once

#include "net/hub.hpp"

namespace muster::net {

/// Interface Coordinator for one connection: methods to the gateway, watches to the route publisher, joinNode to links.
capnp::Capability::Client make_coordinator_service(hub& h, std::uint64_t connection);

/// Interface QueryNode for one connection: search goes to the search door, openPeer to links.
capnp::Capability::Client make_node_service(hub& h, std::uint64_t connection);

} // namespace muster::net
