// The routes as a client knows them: pushed by the coordinator, kept while it is away. No CAF.
#pragma once

#include "messages/msg.hpp"
#include "messages/schema/client.capnp.h"
#include "net/connection.hpp"

#include <kj/async-io.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace muster::net {

/// Watches shard leaders over a connection of its own.
class route_watch {
public:
  route_watch(kj::Network& network, kj::Timer& timer, std::string coordinator);

  /// Starts, once; goes on until destroyed.
  void start();

  msg<schema::CollectionRoutes> routes(const std::string& collection) const;

  /// Addresses of the leaders to ask: those of the routes or, when they name none any more, the last they named. A
  /// coordinator that was away withdraws nodes that it has not heard of yet; they know themselves whether they can answer.
  std::vector<std::string> leaders(const std::string& collection, const std::string& channel) const;

  /// True when some collection's routes name this address of a node.
  bool names(const std::string& address) const;

  bool live() const {
    return live_;
  }

  /// Grows with each change that may give a search another chance.
  std::uint64_t changes() const {
    return changes_;
  }

  /// Grows with each update from the coordinator.
  std::uint64_t updates() const {
    return updates_;
  }

  /// Resolves with the next change.
  kj::Promise<void> changed();

  /// Something else changed that a search may wait for (a node is reachable again).
  void wake();

  void apply(schema::RouteUpdate::Reader update);

  std::function<void()> hook;

private:
  kj::Promise<void> run();
  kj::Promise<void> watch_once();

  kj::Network& network_;
  kj::Timer& timer_;
  std::string coordinator_;
  std::map<std::string, msg<schema::CollectionRoutes>> routes_;
  std::map<std::string, std::map<std::string, std::vector<std::string>>> leaders_; ///< By collection and channel.
  std::uint64_t changes_ = 0;
  std::uint64_t updates_ = 0;
  std::vector<kj::Own<kj::PromiseFulfiller<void>>> waiting_;
  bool live_ = false;
  bool started_ = false;
  kj::Own<connection> rpc_;
  kj::Maybe<schema::WatchHandle::Client> handle_;
  kj::Promise<void> running_ = nullptr;
};

} // namespace muster::net
