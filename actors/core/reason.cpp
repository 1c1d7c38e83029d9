// Names of reasons.
#include "actors/core/reason.hpp"

namespace muster {

std::string_view to_string(reason r) {
  switch (r) {
    case reason::none:
      return "none";
    case reason::channel_lacking:
      return "channel_lacking";
    case reason::channel_released:
      return "channel_released";
    case reason::channel_not_in_target:
      return "channel_not_in_target";
    case reason::channel_repeated:
      return "channel_repeated";
    case reason::channel_foreign:
      return "channel_foreign";
    case reason::segment_lacking:
      return "segment_lacking";
    case reason::segment_released:
      return "segment_released";
    case reason::segment_not_in_target:
      return "segment_not_in_target";
    case reason::segment_repeated:
      return "segment_repeated";
    case reason::segment_foreign:
      return "segment_foreign";
    case reason::view_lacking:
      return "view_lacking";
    case reason::view_dangling:
      return "view_dangling";
    case reason::target_behind:
      return "target_behind";
    case reason::rows_uneven:
      return "rows_uneven";
    case reason::channels_uneven:
      return "channels_uneven";
    case reason::moved_by_hand:
      return "moved_by_hand";
    case reason::node_leaves:
      return "node_leaves";
    case reason::node_joins:
      return "node_joins";
    case reason::group_missing:
      return "group_missing";
    case reason::group_redundant:
      return "group_redundant";
    case reason::group_dropped:
      return "group_dropped";
    case reason::node_read_only:
      return "node_read_only";
    case reason::growing_dropped:
      return "growing_dropped";
    case reason::growing_sealed:
      return "growing_sealed";
    case reason::stats_behind:
      return "stats_behind";
    case reason::index_lacking:
      return "index_lacking";
    case reason::stats_lacking:
      return "stats_lacking";
    case reason::index_surplus:
      return "index_surplus";
    case reason::key_taken:
      return "key_taken";
    case reason::stale_proposal:
      return "stale_proposal";
    case reason::premise_gone:
      return "premise_gone";
    case reason::backing_off:
      return "backing_off";
    case reason::task_limit:
      return "task_limit";
    case reason::not_known_yet:
      return "not_known_yet";
    case reason::done:
      return "done";
    case reason::replaced:
      return "replaced";
    case reason::order_failed:
      return "order_failed";
    case reason::order_unknown:
      return "order_unknown";
    case reason::node_lost:
      return "node_lost";
    case reason::proposal_malformed:
      return "proposal_malformed";
    case reason::replica_unserved:
      return "replica_unserved";
    case reason::leader_changed:
      return "leader_changed";
    case reason::waited_too_long:
      return "waited_too_long";
    case reason::effect_missing:
      return "effect_missing";
    case reason::order_refused:
      return "order_refused";
  }
  return "unknown";
}

} // namespace muster
