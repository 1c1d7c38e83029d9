// The shard that an order is for, for whoever stands in for a node.
#pragma once

#include "actors/core/node_book.hpp"
#include "messages/schema/node.capnp.h"

#include <optional>

namespace muster {

/// Nothing for an order to the node itself, or one of a kind that this version does not know.
std::optional<shard_key> shard_of(schema::Order::Reader order);

} // namespace muster
