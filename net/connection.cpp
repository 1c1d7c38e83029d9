// The stream that notes its end, and dialling.
#include "net/connection.hpp"

#include "messages/limits.hpp"

#include <kj/debug.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace muster::net {

namespace {

void no_delay(kj::AsyncIoStream& stream) {
  // Small frames must not wait for acknowledgements. Not every stream is a TCP socket: then there is nothing to set.
  int one = 1;
  kj::runCatchingExceptions([&] { stream.setsockopt(IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); });
}

capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  // Twice: a message is read once for its header and once to be copied.
  options.traversalLimitInWords = 2 * (limits::frame_bytes / sizeof(capnp::word)) + limits::parse_slack_words;
  options.nestingLimit = limits::parse_nesting;
  return options;
}

} // namespace

watched_stream::watched_stream(kj::Own<kj::AsyncIoStream> stream) : stream_(kj::mv(stream)), inner_(*stream_) {
  no_delay(*stream_);
}

kj::Promise<kj::Maybe<capnp::MessageReaderAndFds>>
watched_stream::tryReadMessage(kj::ArrayPtr<kj::AutoCloseFd> fd_space, capnp::ReaderOptions options,
                               kj::ArrayPtr<capnp::word> scratch) {
  using read_result = kj::Maybe<capnp::MessageReaderAndFds>;
  // The stream may fail with a broken promise as well as with an exception: both must be noted.
  return kj::evalNow([&] { return inner_.tryReadMessage(fd_space, options, scratch); })
    .then(
      [this](read_result&& r) -> kj::Promise<read_result> {
        if (r == nullptr)
          note("the other side closed the connection", false);
        return kj::mv(r);
      },
      [this](kj::Exception&& e) -> kj::Promise<read_result> {
        note(e);
        return kj::mv(e);
      });
}

kj::Promise<void> watched_stream::writeMessage(kj::ArrayPtr<const int> fds,
                                               kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
  return noting(kj::evalNow([&] { return inner_.writeMessage(fds, segments); }));
}

kj::Promise<void>
watched_stream::writeMessages(kj::ArrayPtr<kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>>> messages) {
  return noting(kj::evalNow([&] { return inner_.writeMessages(messages); }));
}

kj::Promise<void> watched_stream::noting(kj::Promise<void> written) {
  return written.catch_([this](kj::Exception&& e) -> kj::Promise<void> {
    note(e);
    return kj::mv(e);
  });
}

kj::Maybe<int> watched_stream::getSendBufferSize() {
  return inner_.getSendBufferSize();
}

kj::Promise<void> watched_stream::end() {
  // Only the RPC system calls this, when it gives a connection up: its abort message is written by now.
  note("the other side broke the protocol or gave up", true);
  return inner_.end();
}

void watched_stream::note(std::string text, bool protocol_error) {
  if (!ended_.fulfiller->isWaiting())
    return;
  why_ = {std::move(text), protocol_error};
  ended_.fulfiller->fulfill();
}

void watched_stream::note(const kj::Exception& e) {
  const bool broken = e.getType() == kj::Exception::Type::DISCONNECTED;
  note(broken ? "the connection broke: " + text_of(e) : "no Cap'n Proto RPC: " + text_of(e), !broken);
}

connection::connection(kj::Own<kj::AsyncIoStream> stream)
  : connection(kj::mv(stream), capnp::rpc::twoparty::Side::CLIENT, nullptr) {
  // nop
}

connection::connection(kj::Own<kj::AsyncIoStream> stream, capnp::Capability::Client service)
  : connection(kj::mv(stream), capnp::rpc::twoparty::Side::SERVER, kj::Maybe<capnp::Capability::Client>(service)) {
  // nop
}

connection::connection(kj::Own<kj::AsyncIoStream> stream, capnp::rpc::twoparty::Side side,
                       kj::Maybe<capnp::Capability::Client> service)
  : stream_(kj::mv(stream)), network_(stream_, side, reader_options()), system_(network_, kj::mv(service)) {
  system_.setFlowLimit(2 * (limits::frame_bytes / sizeof(capnp::word)));
}

kj::Promise<void> connection::ended() {
  // The RPC system may also give the connection up without a word to the stream.
  return stream_.ended().exclusiveJoin(network_.onDisconnect());
}

capnp::Capability::Client connection::bootstrap() {
  capnp::MallocMessageBuilder message{4};
  auto vat = message.getRoot<capnp::rpc::twoparty::VatId>();
  vat.setSide(capnp::rpc::twoparty::Side::SERVER);
  return system_.bootstrap(vat);
}

kj::Promise<kj::Own<kj::AsyncIoStream>> dial(kj::Network& network, kj::Timer& timer, std::string address) {
  auto connected = kj::evalNow([&] { return network.parseAddress(address.c_str()); })
                     .then([](kj::Own<kj::NetworkAddress>&& where) {
                       auto stream = where->connect();
                       return stream.attach(kj::mv(where));
                     });
  const auto longest = static_cast<std::int64_t>(limits::dial_timeout.count()) * kj::MILLISECONDS;
  return timer.timeoutAfter(longest, kj::mv(connected));
}

bool is_refused(const kj::Exception& e) {
  return std::strstr(e.getDescription().cStr(), std::strerror(ECONNREFUSED)) != nullptr;
}

std::string text_of(const kj::Exception& e) {
  std::string text = e.getDescription().cStr();
  if (auto line = text.find('\n'); line != std::string::npos)
    text.resize(line);
  return text;
}

std::int64_t steady_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

} // namespace muster::net
