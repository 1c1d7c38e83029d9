// One command's connection to a coordinator: the client library, waited for.
#pragma once

#include "deploy/cli.hpp"
#include "net/client.hpp"
#include "net/methods.hpp"

#include <chrono>
#include <kj/async-io.h>
#include <string>

namespace muster::cli {

/// True when a change that failed so may have come about nevertheless: files that it names must stay.
inline bool outcome_unknown(const failure& why) {
  return why.code == ec::connection_lost || why.code == ec::deadline_exceeded || why.code == ec::io_failed || why.code == ec::internal;
}

/// Trace ids of the requests of this process that change something: they join a request, its tasks and the work of nodes.
class request_traces {
public:
  /// Of every such request from now on; 0: a new one for each.
  void give(std::uint64_t id) {
    given_ = id;
  }

  /// Tells each id on stderr.
  void tell() {
    told_ = true;
  }

  std::uint64_t next();

  /// Of the last such request; 0: there was none.
  std::uint64_t last() const {
    return last_;
  }

private:
  std::uint64_t given_ = 0;
  std::uint64_t last_ = 0;
  bool told_ = false;
};

request_traces& traces();

/// True for methods that change something: those that wait for the journal.
template <class Request>
constexpr bool changes_something = net::client_method<Request>::longest >= limits::commit_timeout;

/// Owns an event loop; one a thread.
class session {
public:
  explicit session(const std::string& coordinator, client_options options = {});

  /// Sends a request and waits; `fill` gets the request's builder. A refusal by the coordinator is a failure too.
  /// Without a deadline the method's longest time counts.
  template <class Request, class Fill>
  result<msg<typename net::client_method<Request>::reply>> call(Fill&& fill, std::chrono::milliseconds deadline = {}) {
    using method = net::client_method<Request>;
    auto request = build<schema::ClientRequest>([&](schema::ClientRequest::Builder b) {
      if (deadline.count() > 0)
        b.getHeader().setDeadline(
            std::chrono::nanoseconds{deadline}.count()); // enqueuedAt is 0: only the difference counts
      if constexpr (changes_something<Request>)
        b.getHeader().setTraceId(traces().next());
      arm<Request>(b, fill);
    });
    auto reply = client_.call(request).wait(io_.waitScope);
    if (!reply)
      return reply.error();
    const auto status = status_of(reply->read());
    if (status.getCode() != 0)
      return failure{static_cast<ec>(status.getCode()), std::string{view(status.getReason())}};
    if (!method::is_in(reply->read()))
      return failure{ec::internal, "the coordinator gave the answer of another request"};
    return copy<typename method::reply>(method::arm(reply->read()));
  }

  /// The same; a failure ends the command.
  template <class Request, class Fill>
  msg<typename net::client_method<Request>::reply> ask(Fill&& fill, std::chrono::milliseconds deadline = {}) {
    return value_or_end(call<Request>(std::forward<Fill>(fill), deadline));
  }

  template <class Request>
  msg<typename net::client_method<Request>::reply> ask() {
    return ask<Request>([](auto) {});
  }

  /// Waits for a promise of the client.
  template <class T>
  T wait(kj::Promise<T> promise) {
    return promise.wait(io_.waitScope);
  }

  client& api() {
    return client_;
  }

  kj::AsyncIoContext& io() {
    return io_;
  }

private:
  template <class Request, class Fill>
  static void arm(schema::ClientRequest::Builder to, Fill& fill) {
    capnp::MallocMessageBuilder one;
    auto request = one.initRoot<Request>();
    fill(request);
    net::client_method<Request>::put(to, request.asReader());
  }

  kj::AsyncIoContext io_;
  client client_;
};

} // namespace muster::cli
