// The files of the console in the browser, as the HTTP door answers with them.
#pragma once

#include "actors/core/http_routes.hpp"

#include <span>
#include <string_view>

namespace muster {

/// One file, for as long as the process lives.
struct site_file {
  std::string_view path; ///< "app.js", "pages/nodes.js"
  std::string_view body;
};

/// Where the files are, but for index.html, which is at "/".
inline constexpr std::string_view site_prefix = "/console/";

/// True when the path is for site_answer.
bool is_site_path(std::string_view path);

/// The file at a path, with the headers that keep it from asking or running anything that is not of this door; 404 with the reason.
/// Cost: the files there are.
http_answer site_answer(std::span<const site_file> files, std::string_view path);

} // namespace muster
