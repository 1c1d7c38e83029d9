// Files by path, their types, and what their pages may do.
#include "actors/core/http_site.hpp"

#include <algorithm>
#include <array>

namespace muster {

namespace {

constexpr std::string_view start_page = "index.html";

/// Scripts, styles and requests of this door alone; nothing inline, nobody's frame, no form that goes elsewhere.
constexpr const char* policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

const char* type_of(std::string_view path) {
  struct known_type {
    std::string_view ending;
    const char* type;
  };
  constexpr std::array types{known_type{".html", "text/html; charset=utf-8"}, known_type{".css", "text/css; charset=utf-8"},
                             known_type{".js", "text/javascript; charset=utf-8"}, known_type{".svg", "image/svg+xml"}};
  for (const auto& t : types)
    if (path.ends_with(t.ending))
      return t.type;
  return "application/octet-stream";
}

} // namespace

bool is_site_path(std::string_view path) {
  return path == "/" || path.starts_with(site_prefix);
}

http_answer site_answer(std::span<const site_file> files, std::string_view path) {
  const auto name = path == "/" ? start_page : path.substr(site_prefix.size());
  const auto file = std::find_if(files.begin(), files.end(), [&](const site_file& f) { return f.path == name; });
  if (file == files.end())
    return error_answer(404, {ec::file_not_found, "there is no page at \"" + std::string{path.substr(0, 128)} + "\"; the console is at /"});
  return {200,
          type_of(name),
          {{"Content-Security-Policy", policy}, {"Referrer-Policy", "no-referrer"}, {"Cross-Origin-Opener-Policy", "same-origin"}},
          std::string{file->body}};
}

} // namespace muster
