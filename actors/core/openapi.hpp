// The OpenAPI description of the HTTP door, made from the schemas and the table of routes.
#pragma once

#include <string>
#include <string_view>

namespace muster {

/// OpenAPI 3.1 as JSON. Names, types and what is always there come from the Cap'n Proto schemas. Cost: all schemas; to be kept.
std::string openapi_json(std::string_view version);

} // namespace muster
