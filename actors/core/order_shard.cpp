// Shards of orders.
#include "actors/core/order_shard.hpp"

#include "messages/msg.hpp"

#include <string>

namespace muster {

std::optional<shard_key> shard_of(schema::Order::Reader order) {
  auto key = [](auto o) {
    return std::optional{
      shard_key{collection_id{o.getCollection()}, std::string{view(o.getChannel())}, replica_id{o.getReplica()}}};
  };
  switch (order.which()) {
    case schema::Order::SERVE_SHARD:
      return key(order.getServeShard());
    case schema::Order::LOAD_SEGMENT:
      if (order.getLoadSegment().getChannel().size() == 0)
        return std::nullopt;
      return key(order.getLoadSegment());
    case schema::Order::RELEASE_SEGMENT:
      if (order.getReleaseSegment().getChannel().size() == 0)
        return std::nullopt;
      return key(order.getReleaseSegment());
    case schema::Order::DROP_SHARD:
      return key(order.getDropShard());
    case schema::Order::SYNC_VIEW:
      return key(order.getSyncView());
    case schema::Order::SYNC_TARGET:
      return key(order.getSyncTarget());
    default:
      return std::nullopt;
  }
}

} // namespace muster
