// Addresses as people write them: HOST:PORT, and which of them may be listened on.
#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace muster::net {

/// An address in two parts; an IPv6 host keeps its brackets.
struct host_port {
  std::string host;
  std::uint16_t port = 0;
};

/// Splits HOST:PORT; the port is needed.
result<host_port> split_address(std::string_view address);

/// The address to listen on, with "localhost" as 127.0.0.1. Anything but loopback is refused: no TLS, no roles yet.
result<host_port> loopback_address(std::string_view address);

inline std::string to_string(const host_port& x) {
  return x.host + ":" + std::to_string(x.port);
}

} // namespace muster::net
