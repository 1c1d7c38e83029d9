// `muster openapi`: what a coordinator answers over HTTP, as an OpenAPI description.
#include "actors/core/openapi.hpp"
#include "deploy/cli.hpp"
#include "messages/version.hpp"

#include <iostream>

namespace muster::cli {

void add_openapi(CLI::App& app, command& chosen) {
  auto& sub = add_command(app, "openapi", "Print the OpenAPI description of the HTTP door, as GET /openapi.json does");
  sub.callback([&chosen] {
    chosen = [] {
      std::cout << openapi_json(program_version) << '\n';
      return done;
    };
  });
}

} // namespace muster::cli
