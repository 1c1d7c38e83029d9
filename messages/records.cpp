// Names of record kinds.
#include "messages/records.hpp"

namespace muster {

std::string_view to_string(record_kind kind) {
  switch (kind) {
    case record_kind::epoch:
      return "epoch";
    case record_kind::allocator:
      return "allocator";
    case record_kind::node:
      return "node";
    case record_kind::collection:
      return "collection";
    case record_kind::target_head:
      return "target_head";
    case record_kind::target_segments:
      return "target_segments";
    case record_kind::setting:
      return "setting";
    case record_kind::resource_group:
      return "resource_group";
    case record_kind::checker:
      return "checker";
    case record_kind::suspended_node:
      return "suspended_node";
  }
  return "unknown";
}

} // namespace muster
