// The console in the browser (deploy/web), compiled into the program.
#pragma once

#include "actors/core/http_site.hpp"

#include <span>
#include <vector>

namespace muster::cli {

/// All files, by path; they are there as long as the process.
std::span<const site_file> site();

} // namespace muster::cli
