// The HTTP door of a coordinator: bytes between sockets and the http_desk, with limits on both.
#pragma once

#include "messages/schema/http.capnp.h"
#include "net/client.hpp"
#include "net/http_limits.hpp"
#include "net/rate_limit.hpp"

#include <kj/async-io.h>
#include <kj/compat/http.h>

#include <cstdint>
#include <string>

namespace muster::net {

class hub;

/// Serves one listener. What a request means is the desk's to say; the door refuses only what is too much: 408, 413, 429, 431, 503.
class http_door final : private kj::HttpServerErrorHandler, private kj::TaskSet::ErrorHandler {
public:
  /// `coordinator`: where native clients connect, for searches, which go to the nodes directly.
  http_door(hub& h, kj::Own<kj::ConnectionReceiver> receiver, std::string coordinator, const http_limits& most = {});
  ~http_door() noexcept(false);

private:
  struct asked;
  class connection;
  using Response = kj::HttpService::Response;

  /// A request that is being answered, and the connection it came by.
  struct exchange {
    kj::AsyncIoStream& stream;
    Response& response;
  };
  using reply = result<msg<schema::HttpReply>>;

  kj::Promise<void> accept();
  void serve(kj::Own<kj::AsyncIoStream> stream);
  kj::Promise<void> turn_away(kj::Own<kj::AsyncIoStream> stream);

  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers, kj::AsyncInputStream& body,
                            exchange with);
  enum class body_end { whole, too_large, too_many, late };
  kj::Promise<body_end> read_body(kj::AsyncInputStream& body, asked& to);
  kj::Promise<void> respond(exchange with, reply&& got);
  kj::Promise<void> write(Response& response, schema::HttpAnswer::Reader answer);
  kj::Promise<void> search(exchange with, schema::HttpSearchRequest::Reader asked);
  kj::Promise<void> stream(exchange with, msg<schema::HttpReply> first);
  kj::Promise<void> write_events(kj::AsyncOutputStream& out, msg<schema::HttpReply> part);
  /// Fails when the client has closed the connection. kj would find out by the next write alone.
  kj::Promise<void> until_gone(kj::AsyncIoStream& stream);
  /// An answer of the door itself. `reason` is plain text without quotes.
  kj::Promise<void> refuse(Response& response, unsigned status, ec code, kj::StringPtr reason);
  /// Fails when the client does not take it in time.
  kj::Promise<void> in_time(kj::Promise<void> written);

  kj::Promise<void> handleClientProtocolError(kj::HttpHeaders::ProtocolError wrong, Response& response) override;
  kj::Promise<void> handleApplicationError(kj::Exception e, kj::Maybe<Response&> response) override;
  void taskFailed(kj::Exception&& e) override;

  hub& hub_;
  kj::Own<kj::ConnectionReceiver> receiver_;
  std::string coordinator_;
  http_limits most_;
  rate_limit rate_;
  std::uint16_t port_;
  std::size_t connections_ = 0;
  std::size_t bodies_bytes_ = 0;
  std::size_t searches_ = 0;
  std::size_t streams_ = 0;
  kj::Own<client> client_; ///< Made for the first search.
  kj::HttpHeaderTable::Builder table_builder_;
  kj::HttpHeaderId origin_;
  kj::HttpHeaderId site_;
  kj::HttpHeaderId last_event_;
  kj::Own<kj::HttpHeaderTable> table_;
  kj::Own<kj::HttpServer> server_;
  kj::Own<kj::TaskSet> tasks_; ///< Ends first.
};

} // namespace muster::net
