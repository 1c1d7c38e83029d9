// What operators switch at run time: checkers, balance, settings. Checked here, then committed, then told.
#pragma once

#include "actors/core/settings.hpp"
#include "messages/msg.hpp"
#include "messages/result.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/state.capnp.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

struct checker_entry {
  const char* name;
  std::uint32_t number; ///< The model's.
};

inline constexpr std::array<checker_entry, 5> checker_entries{{{"channel_checker", 1},
                                                               {"segment_checker", 2},
                                                               {"balance_checker", 3},
                                                               {"index_checker", 4},
                                                               {"leader_checker", 5}}};

/// The checker that a name or number means, or null.
const checker_entry* find_checker(std::string_view asked);

/// What to answer when there is none.
failure unknown_checker(std::string_view asked);

/// True for ActivateChecker, DeactivateChecker, SuspendBalance, ResumeBalance, SuspendNode, ResumeNode and AlterConfiguration.
bool is_switch(schema::ClientRequest::Which which);

/// What such a request commits, with these settings in force; parameter_invalid for an unknown checker or key, or a bad value.
result<msg<schema::CommitSwitch>> switch_of(schema::ClientRequest::Reader request, const setting_table& now);

/// The reply of such a request, in its arm. `now`: the settings before it.
void write_switch_reply(schema::ClientRequest::Reader request, const failure& why, setting_table now,
                        schema::ClientReply::Builder out);

} // namespace muster
