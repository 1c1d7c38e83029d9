// Where a coordinator's settings come from at its start: a YAML file, the environment, flags.
#pragma once

#include "actors/core/settings.hpp"
#include "messages/result.hpp"

#include <string>
#include <vector>

namespace muster::cli {

/// Reads a YAML file into the table. Keys may be nested ("queryCoord:" and below it "balancer:") or dotted. Settings of the
/// model's other parts (top-level names that Muster does not know, such as "etcd:") are refused like any unknown key.
/// file_not_found, io_failed, parameter_invalid with the line and, for an unknown key, the nearest one.
result<unit> read_settings_file(const std::string& path, setting_table& into);

/// Takes each known setting's variable, such as MUSTER_QUERYCOORD_BALANCER, from the environment.
result<unit> read_settings_environment(setting_table& into);

/// Takes "KEY=VALUE" flags.
result<unit> read_settings_flags(const std::vector<std::string>& flags, setting_table& into);

} // namespace muster::cli
