// What an HTTP door may be filled with.
#pragma once

#include "messages/limits.hpp"

#include <cstddef>

namespace muster::net {

/// As messages/limits.hpp says; tests give less.
struct http_limits {
  std::size_t body_bytes = limits::http_body_bytes;
  std::size_t bodies_bytes = 8 * limits::http_body_bytes; ///< Of all requests that are being read or answered; more: 429.
  std::size_t header_bytes = limits::http_header_bytes;
  std::size_t connections = limits::http_connections;
  std::size_t requests_per_second = limits::http_requests_per_second;
  std::size_t searches = limits::http_searches;
  std::size_t streams = limits::http_streams;
};

} // namespace muster::net
