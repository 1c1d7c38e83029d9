// HTTP connections on the loop: read, ask, write.
#include "net/http_door.hpp"

#include "actors/runtime/shell.hpp"
#include "net/hub.hpp"

#include <kj/debug.h>

#include <cerrno>
#include <sys/socket.h>

namespace muster::net {

namespace {

constexpr std::string_view channel = "http";

kj::Duration as_kj(std::chrono::milliseconds t) {
  return static_cast<std::int64_t>(t.count()) * kj::MILLISECONDS;
}

kj::StringPtr phrase(unsigned status) {
  switch (status) {
  case 200:
    return "OK";
  case 400:
    return "Bad Request";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 413:
    return "Payload Too Large";
  case 415:
    return "Unsupported Media Type";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 504:
    return "Gateway Timeout";
  default:
    return status < 500 ? "Refused"_kj : "Internal Server Error"_kj;
  }
}

kj::String refusal_body(ec code, kj::StringPtr reason) {
  const auto name = to_string(code);
  return kj::str("{\"code\":", static_cast<unsigned>(code), ",\"name\":\"", kj::StringPtr{name.data(), name.size()},
                 "\",\"reason\":\"", reason, "\",\"retriable\":", is_retriable(code), "}");
}

kj::StringPtr header(const kj::HttpHeaders& headers, kj::HttpHeaderId id) {
  KJ_IF_MAYBE (value, headers.get(id))
    return *value;
  return "";
}

void common_headers(kj::HttpHeaders& headers) {
  headers.add("Cache-Control"_kj, "no-store"_kj);
  headers.add("X-Content-Type-Options"_kj, "nosniff"_kj);
}

} // namespace

/// A request on its way to the desk, with its own copies: kj's are gone once the body is read.
struct http_door::asked {
  explicit asked(std::size_t& all) : all_bytes(all) {
    // nop
  }

  ~asked() {
    all_bytes -= counted;
  }

  asked(const asked&) = delete;
  asked& operator=(const asked&) = delete;

  std::size_t& all_bytes; ///< Of all bodies.
  std::size_t counted = 0;
  kj::String verb;
  kj::String target;
  kj::String host;
  kj::String origin;
  kj::String site;
  kj::String content_type;
  kj::String last_event;
  kj::Vector<kj::byte> body;
};

/// What kj asks for the requests of one connection.
class http_door::connection final : public kj::HttpService {
public:
  connection(http_door& door, kj::AsyncIoStream& stream) : door_(door), stream_(stream) {
    // nop
  }

  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers, kj::AsyncInputStream& body,
                            Response& response) override {
    return door_.request(method, url, headers, body, {stream_, response});
  }

private:
  http_door& door_;
  kj::AsyncIoStream& stream_;
};

http_door::http_door(hub& h, kj::Own<kj::ConnectionReceiver> receiver, std::string coordinator, const http_limits& most)
  : hub_(h), receiver_(kj::mv(receiver)), coordinator_(std::move(coordinator)), most_(most), rate_(most.requests_per_second),
    port_(static_cast<std::uint16_t>(receiver_->getPort())), origin_(table_builder_.add("Origin")),
    site_(table_builder_.add("Sec-Fetch-Site")), last_event_(table_builder_.add("Last-Event-ID")),
    table_(table_builder_.build()), tasks_(kj::heap<kj::TaskSet>(static_cast<kj::TaskSet::ErrorHandler&>(*this))) {
  kj::HttpServerSettings settings;
  settings.headerTimeout = as_kj(limits::http_header_timeout);
  settings.pipelineTimeout = as_kj(limits::http_idle_timeout);
  settings.errorHandler = static_cast<kj::HttpServerErrorHandler&>(*this);
  server_ = kj::heap<kj::HttpServer>(
    hub_.timer, *table_,
    [this](kj::AsyncIoStream& stream) -> kj::Own<kj::HttpService> { return kj::heap<connection>(*this, stream); }, settings);
  tasks_->add(accept());
}

http_door::~http_door() noexcept(false) {
  tasks_ = nullptr;
}

// -- connections --------------------------------------------------------------

kj::Promise<void> http_door::accept() {
  return receiver_->accept()
    .then(
      [this](kj::Own<kj::AsyncIoStream>&& stream) -> kj::Promise<void> {
        if (connections_ >= most_.connections)
          tasks_->add(turn_away(kj::mv(stream)));
        else
          serve(kj::mv(stream));
        return kj::READY_NOW;
      },
      [this](kj::Exception&& e) -> kj::Promise<void> {
        log::warn(channel, "cannot accept a connection: ", text_of(e));
        return hub_.timer.afterDelay(as_kj(limits::accept_pause));
      })
    .then([this] { return accept(); });
}

void http_door::serve(kj::Own<kj::AsyncIoStream> stream) {
  ++connections_;
  tasks_->add(server_->listenHttp(kj::mv(stream)).catch_([](kj::Exception&& e) {
    log::debug(channel, "a connection ended: ", text_of(e));
  }).attach(kj::defer([this] { --connections_; })));
}

kj::Promise<void> http_door::turn_away(kj::Own<kj::AsyncIoStream> stream) {
  auto body = refusal_body(ec::too_many_requests, "this door has all the connections it may have; close some, or try again later");
  auto text = kj::str("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Type: application/json\r\n"
                      "Content-Length: ", body.size(), "\r\n\r\n", body);
  auto& to = *stream;
  auto written = to.write(text.begin(), text.size());
  return written.attach(kj::mv(text))
    .then([&to] { to.shutdownWrite(); })
    // Who is cut off while he writes would not see the answer.
    .then([this] { return hub_.timer.afterDelay(as_kj(limits::accept_pause)); })
    .attach(kj::mv(stream));
}

// -- requests -----------------------------------------------------------------

kj::Promise<void> http_door::request(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                                     kj::AsyncInputStream& body, exchange with) {
  auto& response = with.response;
  const auto now = hub_.timer.now() - kj::origin<kj::TimePoint>();
  if (!rate_.take(std::chrono::nanoseconds{now / kj::NANOSECONDS}))
    return refuse(response, 429, ec::too_many_requests, "this door has answered as many requests this second as it may; try again in a second");
  std::size_t size = url.size();
  headers.forEach([&](kj::StringPtr name, kj::StringPtr value) { size += name.size() + value.size() + 4; });
  if (size > most_.header_bytes)
    return refuse(response, 431, ec::parameter_invalid, kj::str("path and headers have ", size, " bytes, and ", most_.header_bytes, " is the most"));
  KJ_IF_MAYBE (length, body.tryGetLength())
    if (*length > most_.body_bytes)
      return refuse(response, 413, ec::parameter_invalid, kj::str("the body has ", *length, " bytes, and ", most_.body_bytes, " is the most"));
  auto call = kj::heap<asked>(bodies_bytes_);
  call->verb = kj::str(method);
  call->target = kj::str(url);
  call->host = kj::str(header(headers, kj::HttpHeaderId::HOST));
  call->origin = kj::str(header(headers, origin_));
  call->site = kj::str(header(headers, site_));
  call->content_type = kj::str(header(headers, kj::HttpHeaderId::CONTENT_TYPE));
  call->last_event = kj::str(header(headers, last_event_));
  auto& x = *call;
  auto late = hub_.timer.afterDelay(as_kj(limits::http_body_timeout)).then([] { return body_end::late; });
  return read_body(body, x)
    .exclusiveJoin(kj::mv(late))
    .then([this, &x, with](body_end how) -> kj::Promise<void> {
      if (how == body_end::late)
        return refuse(with.response, 408, ec::deadline_exceeded, "the body did not come in time; send it again, faster");
      if (how == body_end::too_many)
        return refuse(with.response, 429, ec::too_many_requests, "the bodies of all requests at work have as many bytes as they may; try again later");
      if (how == body_end::too_large)
        return refuse(with.response, 413, ec::parameter_invalid, kj::str("the body has more than ", most_.body_bytes, " bytes, which is the most"));
      auto question = build<schema::HttpRequest>(
        [&](schema::HttpRequest::Builder b) {
          b.initHeader().setEnqueuedAt(detail::nanoseconds(hub_.system.clock().now()));
          auto c = b.initCall();
          c.setVerb(x.verb);
          c.setTarget(x.target);
          c.setHost(x.host);
          c.setOrigin(x.origin);
          c.setSite(x.site);
          c.setContentType(x.content_type);
          c.setLastEventId(x.last_event);
          c.setBody(x.body.asPtr());
          c.setPort(port_);
        },
        (x.body.size() + x.target.size()) / 8 + 256);
      return hub_.ask(question).then([this, with](reply&& got) { return respond(with, kj::mv(got)); });
    })
    .attach(kj::mv(call));
}

kj::Promise<http_door::body_end> http_door::read_body(kj::AsyncInputStream& body, asked& to) {
  constexpr std::size_t piece = 16u << 10;
  const auto had = to.body.size();
  if (had > most_.body_bytes)
    return body_end::too_large;
  to.body.resize(had + piece);
  return body.tryRead(to.body.begin() + had, 1, piece).then([this, &body, &to, had](std::size_t got) -> kj::Promise<body_end> {
    to.body.resize(had + got);
    to.counted += got;
    bodies_bytes_ += got;
    if (got == 0)
      return body_end::whole;
    if (bodies_bytes_ > most_.bodies_bytes)
      return body_end::too_many;
    return read_body(body, to);
  });
}

kj::Promise<void> http_door::respond(exchange with, reply&& got) {
  auto& response = with.response;
  if (!got) {
    const auto code = got.error().code;
    log::warn(channel, "a request has no answer: ", got.error().text);
    if (code == ec::too_many_requests)
      return refuse(response, 429, code, "more requests are in flight than may be; try again later");
    if (code == ec::deadline_exceeded)
      return refuse(response, 504, code, "no answer before the deadline; the outcome is unknown");
    return refuse(response, 503, ec::stopping, "the coordinator is ending");
  }
  auto message = kj::mv(*got);
  const auto r = message.read();
  switch (r.which()) {
  case schema::HttpReply::ANSWER:
    return write(response, r.getAnswer()).attach(kj::heap(kj::mv(message)));
  case schema::HttpReply::SEARCH:
    return search(with, r.getSearch());
  case schema::HttpReply::EVENTS:
    return stream(with, kj::mv(message));
  }
  return refuse(response, 500, ec::internal, "an answer of no kind that is known");
}

// -- answers ------------------------------------------------------------------

kj::Promise<void> http_door::in_time(kj::Promise<void> written) {
  return written.exclusiveJoin(hub_.timer.afterDelay(as_kj(limits::http_write_timeout)).then([]() -> kj::Promise<void> {
    return KJ_EXCEPTION(DISCONNECTED, "the client does not take its answer");
  }));
}

kj::Promise<void> http_door::write(Response& response, schema::HttpAnswer::Reader answer) {
  kj::HttpHeaders headers{*table_};
  headers.set(kj::HttpHeaderId::CONTENT_TYPE, answer.getContentType());
  common_headers(headers);
  for (auto h : answer.getHeaders())
    headers.add(h.getKey(), h.getValue());
  const auto body = answer.getBody();
  auto out = response.send(answer.getStatus(), phrase(answer.getStatus()), headers, body.size());
  if (body.size() == 0)
    return kj::READY_NOW;
  return in_time(out->write(body.begin(), body.size())).attach(kj::mv(out));
}

kj::Promise<void> http_door::refuse(Response& response, unsigned status, ec code, kj::StringPtr reason) {
  kj::HttpHeaders headers{*table_};
  headers.set(kj::HttpHeaderId::CONTENT_TYPE, "application/json"_kj);
  common_headers(headers);
  if (status == 429 || status == 503)
    headers.add("Retry-After"_kj, "1"_kj);
  auto body = refusal_body(code, reason);
  auto out = response.send(status, phrase(status), headers, body.size());
  auto written = in_time(out->write(body.begin(), body.size()));
  return written.attach(kj::mv(out), kj::mv(body));
}

// -- searches -----------------------------------------------------------------

kj::Promise<void> http_door::search(exchange with, schema::HttpSearchRequest::Reader asked) {
  if (searches_ >= most_.searches)
    return refuse(with.response, 429, ec::too_many_requests, "as many searches are in flight here as may be; try again later");
  if (client_.get() == nullptr)
    client_ = kj::heap<client>(hub_.network, hub_.timer, coordinator_);
  search_query query;
  query.collection = std::string{view(asked.getCollection())};
  query.name = std::string{view(asked.getName())};
  const auto vectors = asked.getVectors();
  query.dimension = vectors.size() == 0 ? 0 : vectors[0].size();
  query.vectors.reserve(std::size_t{vectors.size()} * query.dimension);
  for (auto v : vectors)
    for (auto x : v)
      query.vectors.push_back(x);
  query.k = asked.getK() == 0 ? 10 : asked.getK();
  query.deadline = asked.getDeadlineMs() == 0 ? limits::http_search_deadline : std::chrono::milliseconds{asked.getDeadlineMs()};
  ++searches_;
  return client_->search(std::move(query))
    .attach(kj::defer([this] { --searches_; }))
    .then([this](search_result&& found) {
      std::size_t words = 256;
      for (auto& hits : found.queries)
        words += hits.size() * 8 + 8;
      for (auto& row : found.rows)
        words += row.vector.size() / 2 + row.name.size() / 8 + 16;
      auto question = build<schema::HttpRequest>(
        [&](schema::HttpRequest::Builder b) {
          b.initHeader().setEnqueuedAt(detail::nanoseconds(hub_.system.clock().now()));
          auto out = b.initFound();
          set_status(out.initStatus(), found.why);
          auto queries = out.initQueries(static_cast<unsigned>(found.queries.size()));
          for (unsigned q = 0; q < queries.size(); ++q) {
            auto hits = queries[q].initHits(static_cast<unsigned>(found.queries[q].size()));
            for (unsigned i = 0; i < hits.size(); ++i) {
              const auto& hit = found.queries[q][i];
              hits[i].setId(hit.id);
              hits[i].setDistance(hit.distance);
              if (!hit.name.empty())
                hits[i].setName(hit.name);
            }
          }
          auto rows = out.initRows(static_cast<unsigned>(found.rows.size()));
          for (unsigned i = 0; i < rows.size(); ++i) {
            rows[i].setId(found.rows[i].id);
            rows[i].setName(found.rows[i].name);
            rows[i].setVector(kj::arrayPtr(found.rows[i].vector.data(), found.rows[i].vector.size()));
          }
          auto served = out.initServed(static_cast<unsigned>(found.served_versions.size()));
          unsigned at = 0;
          for (auto& [name, version] : found.served_versions) {
            served[at].setChannel(name);
            served[at++].setVersion(version);
          }
          out.setRetries(found.retries);
        },
        words);
      return hub_.ask(question);
    })
    .then([this, with](reply&& got) { return respond(with, kj::mv(got)); });
}

// -- streams ------------------------------------------------------------------

kj::Promise<void> http_door::stream(exchange with, msg<schema::HttpReply> first) {
  if (streams_ >= most_.streams)
    return refuse(with.response, 429, ec::too_many_requests, "as many streams of events are open as may be; close one, or try again later");
  ++streams_;
  kj::HttpHeaders headers{*table_};
  headers.set(kj::HttpHeaderId::CONTENT_TYPE, "text/event-stream"_kj);
  common_headers(headers);
  auto out = with.response.send(200, phrase(200), headers);
  auto& to = *out;
  return write_events(to, kj::mv(first)).exclusiveJoin(until_gone(with.stream)).attach(kj::mv(out), kj::defer([this] { --streams_; }));
}

kj::Promise<void> http_door::until_gone(kj::AsyncIoStream& stream) {
  return hub_.timer.afterDelay(as_kj(limits::http_peer_check)).then([this, &stream]() -> kj::Promise<void> {
    KJ_IF_MAYBE (fd, stream.getFd()) {
      char byte = 0;
      const auto got = ::recv(*fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        return KJ_EXCEPTION(DISCONNECTED, "the client of a stream has gone");
    }
    return until_gone(stream);
  });
}

kj::Promise<void> http_door::write_events(kj::AsyncOutputStream& out, msg<schema::HttpReply> part) {
  const auto last = part->getEvents().getLast();
  const auto text = part->getEvents().getText();
  auto written = text.size() == 0 ? out.write(": nothing happened\n\n", 20) : out.write(text.begin(), text.size());
  return in_time(written.attach(kj::heap(kj::mv(part))))
    .then([this, last] {
      return hub_.ask(build<schema::HttpRequest>([&](schema::HttpRequest::Builder b) {
        b.initHeader().setEnqueuedAt(detail::nanoseconds(hub_.system.clock().now()));
        b.initMore().setAfter(last);
      }));
    })
    .then([this, &out](reply&& got) -> kj::Promise<void> {
      if (!got || !got->read().isEvents())
        return kj::READY_NOW; // The client comes again, with the number of the last event.
      return write_events(out, kj::mv(*got));
    });
}

// -- errors -------------------------------------------------------------------

kj::Promise<void> http_door::handleClientProtocolError(kj::HttpHeaders::ProtocolError wrong, Response& response) {
  log::debug(channel, "a request that is no HTTP: ", wrong.description.cStr());
  return refuse(response, wrong.statusCode, ec::parameter_invalid, "the request is no HTTP/1.1 that can be read");
}

kj::Promise<void> http_door::handleApplicationError(kj::Exception e, kj::Maybe<Response&> response) {
  if (e.getType() == kj::Exception::Type::DISCONNECTED)
    return kj::READY_NOW;
  // kj reads headers up to 128 KiB, and fails beyond.
  if (text_of(e).find("headers too large") != std::string::npos) {
    KJ_IF_MAYBE (r, response)
      return refuse(*r, 431, ec::parameter_invalid, kj::str("path and headers have more than ", most_.header_bytes, " bytes, which is the most"));
    return kj::READY_NOW;
  }
  log::warn(channel, "a request failed: ", text_of(e));
  KJ_IF_MAYBE (r, response)
    return refuse(*r, 500, ec::internal, "the request failed inside the coordinator; its log says more");
  return kj::READY_NOW;
}

void http_door::taskFailed(kj::Exception&& e) {
  log::warn(channel, "a task of the HTTP door failed: ", text_of(e));
}

} // namespace muster::net
