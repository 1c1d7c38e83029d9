// The configuration file of a coordinator: few settings, each checked, unknown ones refused.
#pragma once

#include "messages/limits.hpp"
#include "messages/result.hpp"

#include <chrono>
#include <string>

namespace muster::cli {

struct settings {
  std::chrono::milliseconds node_gone = limits::node_gone; ///< node_gone_ms
};

/// Reads a YAML file. file_not_found, io_failed, parameter_invalid with the line and, for an unknown key, the nearest
/// one.
result<settings> read_settings(const std::string& path);

} // namespace muster::cli
