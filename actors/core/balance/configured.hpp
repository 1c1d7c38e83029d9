// What the table of settings says of balance.
#pragma once

#include "actors/core/balance/policy.hpp"
#include "actors/core/settings.hpp"
#include "messages/msg.hpp"
#include "messages/schema/state.capnp.h"

#include <string>
#include <utility>
#include <vector>

namespace muster {

/// Cost: none to speak of.
balance_settings balance_settings_of(const settings& s);

/// The same from values in a message; those that the table refuses keep their defaults.
balance_settings balance_settings_of(capnp::List<schema::SettingValue>::Reader values);

/// What of a table is not as it comes, for a message.
std::vector<std::pair<std::string, std::string>> given_settings(const setting_table& table);

} // namespace muster
