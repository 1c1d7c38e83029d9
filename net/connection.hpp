// One TCP connection that speaks Cap'n Proto RPC and tells at once, and once, how it ended. No CAF.
#pragma once

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/timer.h>

#include <string>
#include <string_view>

namespace muster::net {

/// How a connection ended.
struct end_reason {
  std::string text;
  bool protocol_error = false; ///< The other side sent bytes that are no Cap'n Proto RPC.
};

/// A message stream that notes the first failure or end of file, before the RPC system has digested it.
class watched_stream final : public capnp::MessageStream {
public:
  explicit watched_stream(kj::Own<kj::AsyncIoStream> stream);

  /// Resolves when the connection is of no more use. To be called once.
  kj::Promise<void> ended() {
    return kj::mv(ended_.promise);
  }

  const end_reason& why() const {
    return why_;
  }

  kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>> tryReadMessage(kj::ArrayPtr<kj::AutoCloseFd> fd_space,
                                                                    capnp::ReaderOptions options,
                                                                    kj::ArrayPtr<capnp::word> scratch) override;
  kj::Promise<void> writeMessage(kj::ArrayPtr<const int> fds,
                                 kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) override;
  kj::Promise<void>
  writeMessages(kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) override;
  kj::Maybe<int> getSendBufferSize() override;
  kj::Promise<void> end() override;

private:
  void note(std::string text, bool protocol_error);
  void note(const kj::Exception& e);
  kj::Promise<void> noting(kj::Promise<void> written);

  kj::Own<kj::AsyncIoStream> stream_;
  capnp::AsyncIoMessageStream inner_;
  kj::PromiseFulfillerPair<void> ended_ = kj::newPromiseAndFulfiller<void>();
  end_reason why_{"the connection was given up"};
};

/// A connection with its RPC system. Must not be destroyed from inside one of its own calls.
class connection {
public:
  /// A side that dialled.
  explicit connection(kj::Own<kj::AsyncIoStream> stream);
  /// A side that accepted and offers `service`.
  connection(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client service);

  /// What the other side offers.
  capnp::Capability::Client bootstrap();

  /// Resolves when the connection is of no more use (within one turn of the loop of EOF or reset). To be called once.
  kj::Promise<void> ended();

  const end_reason& why() const {
    return stream_.why();
  }

  /// True while messages wait to be handed to the system.
  bool unwritten() {
    return network_.getCurrentQueueCount() > 0;
  }

private:
  connection(kj::Own<kj::AsyncIoStream> stream, capnp::rpc::twoparty::Side side,
             kj::Maybe<capnp::Capability::Client> service);

  watched_stream stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> system_;
};

/// Connects within limits::dial_timeout; fails with a kj::Exception.
kj::Promise<kj::Own<kj::AsyncIoStream>> dial(kj::Network& network, kj::Timer& timer, std::string address);

/// True when a failed dial says that nobody listens there: that process has ended.
bool is_refused(const kj::Exception& e);

/// The one line of an exception that people can use.
std::string text_of(const kj::Exception& e);

/// Nanoseconds on this process's steady clock.
std::int64_t steady_ns();

} // namespace muster::net
