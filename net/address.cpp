// Splitting and checking of addresses.
#include "net/address.hpp"

#include <arpa/inet.h>

#include <charconv>

namespace muster::net {

result<host_port> split_address(std::string_view address) {
  auto bad = [&](const char* why) {
    return failure{ec::address_unusable, "\"" + std::string{address} + "\" is no address: " + why
                                           + "; write HOST:PORT, for example 127.0.0.1:19530"};
  };
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos)
    return bad("it has no port");
  host_port r;
  r.host = std::string{address.substr(0, colon)};
  if (r.host.empty())
    return bad("it has no host");
  if (r.host.find(':') != std::string::npos && !(r.host.front() == '[' && r.host.back() == ']'))
    return bad("an IPv6 host needs brackets");
  const auto digits = address.substr(colon + 1);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), r.port);
  if (error != std::errc{} || end != digits.data() + digits.size())
    return bad("its port is no number from 0 to 65535");
  return r;
}

result<host_port> loopback_address(std::string_view address) {
  auto r = split_address(address);
  if (!r)
    return r;
  if (r->host == "localhost")
    r->host = "127.0.0.1";
  in_addr v4{};
  const bool is_v4 = inet_pton(AF_INET, r->host.c_str(), &v4) == 1;
  if (r->host == "[::1]" || (is_v4 && (ntohl(v4.s_addr) >> 24) == 127))
    return r;
  return failure{ec::address_unusable,
                 "cannot listen on " + std::string{address}
                   + ": only loopback (127.0.0.0/8, [::1], localhost) is allowed, because there is no encryption and "
                     "no login yet; put a tunnel in front of it"};
}

} // namespace muster::net
