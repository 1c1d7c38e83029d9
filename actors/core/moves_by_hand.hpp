// Moves that somebody asks for: LoadBalance, TransferSegment, TransferChannel, as proposals or as a refusal with its reason.
#pragma once

#include "actors/core/balance/policy.hpp"
#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// Why a move by hand is refused; the closed list.
enum class hand_refusal : std::uint8_t {
  none = 0,
  source_missing = 1,             ///< not exactly one source
  collection_not_loaded = 2,      ///< unknown, or not loaded to the end
  source_outside_replica = 3,     ///< no replica of the collection has the source
  source_unavailable = 4,         ///< unknown, not connected, not fully reported or stopping
  destination_outside_replica = 5,
  destination_unavailable = 6,
  segment_not_on_source = 7,
  channel_not_on_source = 8,
  no_destination = 9,             ///< beside the source there is no node that could take it
  copies_not_supported = 10,      ///< a replica has each segment and channel once
};

std::string_view to_string(hand_refusal r);

/// Move segments of a collection off a node.
struct load_balance {
  std::int64_t collection = 0;
  std::vector<std::int64_t> sources;      ///< Exactly one.
  std::vector<std::int64_t> destinations; ///< Empty: all read-write nodes of the source's replica.
  std::vector<std::int64_t> segments;     ///< Empty: all of the collection on the source.
};

/// Move a segment (or channel), or all of them, off a node.
struct transfer {
  std::int64_t source = 0;
  std::int64_t destination = 0;  ///< Unless `to_all_nodes`.
  bool to_all_nodes = false;
  bool all = false;              ///< Everything on the source; else `segment` or `channel`.
  std::int64_t segment = 0;
  std::string channel;
  bool copy = false;
};

struct hand_plan {
  hand_refusal why = hand_refusal::none;
  std::int64_t about = 0; ///< The node, segment or collection that the refusal is about.
  std::string channel;    ///< The channel that it is about.
  std::vector<proposal> moves; ///< All of them or, when refused, none.
};

/// The refusal of a plan as users see it; ok for one that is not refused.
failure failure_of(const hand_plan& plan);

/// Explicit segments that the current target does not name are passed over. Nodes are chosen by the policy; the source is never one of
/// them. Cost: the collection's copies.
hand_plan plan_load_balance(const situation& s, const load_balance& ask, const balance_settings& settings = {});

/// In every replica that has the source. A destination outside the replica of a named object is refused; with `all`, replicas that do not
/// have the destination are passed over, unless none has it. Cost: the copies of the collections on the source.
hand_plan plan_transfer_segment(const situation& s, const transfer& ask, const balance_settings& settings = {});
hand_plan plan_transfer_channel(const situation& s, const transfer& ask, const balance_settings& settings = {});

} // namespace muster
