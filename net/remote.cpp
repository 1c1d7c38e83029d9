// Dialling and redialling of one process.
#include "net/remote.hpp"

namespace muster::net {

remote::remote(kj::Network& network, kj::Timer& timer, std::string address, std::function<void()> on_lost)
  : network_(network), timer_(timer), address_(std::move(address)), on_lost_(std::move(on_lost)), tasks_(*this) {
  // nop
}

remote::~remote() = default;

kj::Promise<capnp::Capability::Client> remote::get() {
  if (rpc_.get() != nullptr)
    return rpc_->bootstrap();
  if (dialling_ == nullptr) {
    auto dialled = dial(network_, timer_, address_)
                     .then([this](kj::Own<kj::AsyncIoStream>&& stream) {
                       rpc_ = kj::heap<connection>(kj::mv(stream));
                       tasks_.add(rpc_->ended().then([this] {
                         // Destroying it fails all calls on it at once.
                         auto gone = kj::mv(rpc_);
                         gone = nullptr;
                         if (on_lost_)
                           on_lost_();
                       }));
                     });
    dialling_ = dialled.fork();
    // Once it is decided either way the next `get` looks anew.
    tasks_.add(KJ_ASSERT_NONNULL(dialling_).addBranch().then([this] { dialling_ = nullptr; },
                                                             [this](kj::Exception&&) { dialling_ = nullptr; }));
  }
  return KJ_ASSERT_NONNULL(dialling_).addBranch().then([this]() -> kj::Promise<capnp::Capability::Client> {
    if (rpc_.get() == nullptr)
      return KJ_EXCEPTION(DISCONNECTED, "the connection was lost again at once");
    return rpc_->bootstrap();
  });
}

} // namespace muster::net
