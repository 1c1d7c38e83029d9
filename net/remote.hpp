// A process that a client talks to: dialled when needed, dialled again after a loss. No CAF.
#pragma once

#include "net/connection.hpp"

#include <kj/async-io.h>

#include <functional>
#include <string>

namespace muster::net {

/// One connection at a time to one address.
class remote final : private kj::TaskSet::ErrorHandler {
public:
  remote(kj::Network& network, kj::Timer& timer, std::string address, std::function<void()> on_lost = {});
  ~remote();

  /// What the other side offers, now or after dialling; fails with a kj::Exception when the dial does.
  kj::Promise<capnp::Capability::Client> get();

  bool connected() const {
    return rpc_.get() != nullptr;
  }

  const std::string& address() const {
    return address_;
  }

private:
  void taskFailed(kj::Exception&&) override {
    // Each task reports to who waits for it.
  }

  kj::Network& network_;
  kj::Timer& timer_;
  std::string address_;
  std::function<void()> on_lost_;
  kj::Own<connection> rpc_;
  kj::Maybe<kj::ForkedPromise<void>> dialling_;
  kj::TaskSet tasks_;
};

} // namespace muster::net
