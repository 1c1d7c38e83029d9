// One request for each of many collections, several in flight.
#pragma once

#include "messages/msg.hpp"
#include "messages/schema/client.capnp.h"

#include <functional>
#include <string>

namespace muster::cli {

struct many_requests {
  std::string coordinator;
  std::string status; ///< Of the collections that are meant; a load in the middle ("loading") is never meant.
  std::string verb;   ///< What was done to them, for people.
  std::size_t in_flight = 32;
  bool json = false;
  std::function<msg<schema::ClientRequest>(const std::string& name)> request;
};

/// Sends them, by name, and prints how many there were and how long one took. Returns the exit code: failed when one was
/// refused (the first refusals are told on stderr).
int ask_for_all(const many_requests& todo);

} // namespace muster::cli
