// What the table of settings says of balance.
#pragma once

#include "actors/core/balance/policy.hpp"
#include "actors/core/settings.hpp"

namespace muster {

balance_settings balance_settings_of(const settings& s);

} // namespace muster
