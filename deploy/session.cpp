// Construction of a command's connection.
#include "deploy/session.hpp"

#include "net/address.hpp"

#include <algorithm>
#include <iostream>
#include <random>

namespace muster::cli {

namespace {

const std::string& checked(const std::string& address) {
  if (auto split = net::split_address(address); !split)
    throw command_error{usage, "--coordinator: " + split.error().text};
  return address;
}

} // namespace

request_traces& traces() {
  static request_traces instance;
  return instance;
}

std::uint64_t request_traces::next() {
  static std::mt19937_64 numbers{(std::uint64_t{std::random_device{}()} << 32) | std::random_device{}()};
  // Positive also where it is taken for a signed number.
  last_ = given_ != 0 ? given_ : std::max<std::uint64_t>(numbers() >> 1, 1);
  if (told_)
    std::cerr << "trace " << last_ << '\n';
  return last_;
}

session::session(const std::string& coordinator, client_options options)
    : io_(kj::setupAsyncIo()),
      client_(io_.provider->getNetwork(), io_.provider->getTimer(), checked(coordinator), options) {
  // nop
}

} // namespace muster::cli
