// Construction of a command's connection.
#include "deploy/session.hpp"

#include "net/address.hpp"

namespace muster::cli {

namespace {

const std::string& checked(const std::string& address) {
  if (auto split = net::split_address(address); !split)
    throw command_error{usage, "--coordinator: " + split.error().text};
  return address;
}

} // namespace

session::session(const std::string& coordinator, client_options options)
    : io_(kj::setupAsyncIo()),
      client_(io_.provider->getNetwork(), io_.provider->getTimer(), checked(coordinator), options) {
  // nop
}

} // namespace muster::cli
