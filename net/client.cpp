// Calls of the client library, typed and as JSON.
#include "net/client.hpp"

#include "messages/schema_json.hpp"
#include "net/methods.hpp"
#include "net/remote.hpp"
#include "net/route_watch.hpp"
#include "net/searcher.hpp"

namespace muster {

namespace {

using call_result = result<msg<schema::ClientReply>>;

kj::Duration as_kj(std::chrono::milliseconds t) {
  return static_cast<std::int64_t>(t.count()) * kj::MILLISECONDS;
}

} // namespace

schema::Status::Reader status_of(schema::ClientReply::Reader reply) {
  switch (reply.which()) {
#define MUSTER_STATUS(lower, Upper, most)                                                                              \
  case static_cast<schema::ClientReply::Which>(static_cast<int>(net::method_ordinal::lower) + 1):                      \
    return reply.get##Upper().getStatus();
    MUSTER_CLIENT_METHODS(MUSTER_STATUS)
#undef MUSTER_STATUS
  default:
    return reply.getStatus();
  }
}

class client::implementation {
public:
  implementation(kj::Network& network, kj::Timer& timer, std::string coordinator, client_options options)
    : timer_(timer), coordinator_(coordinator), options_(options), remote_(network, timer, coordinator),
      watch(network, timer, coordinator), searches(network, timer, watch, options, coordinator) {
    // nop
  }

  template <class Request>
  kj::Promise<call_result> send(const msg<schema::ClientRequest>& request) {
    using method = net::client_method<Request>;
    const auto all = request.read();
    const auto arm = method::arm(all);
    const auto header = all.getHeader().getDeadline() != 0 ? all.getHeader() : arm.getHeader();
    auto left = options_.call_deadline.count() > 0 ? options_.call_deadline : method::longest;
    if (header.getDeadline() != 0) {
      const std::chrono::nanoseconds given{header.getDeadline() - header.getEnqueuedAt()};
      left = std::clamp(std::chrono::duration_cast<std::chrono::milliseconds>(given), std::chrono::milliseconds{1},
                        method::longest);
    }
    const auto trace = all.getHeader().getTraceId() != 0 ? all.getHeader().getTraceId() : arm.getHeader().getTraceId();
    auto outcome = remote_.get().then(
      [this, request, left, trace](capnp::Capability::Client&& cap) -> kj::Promise<call_result> {
        auto question = method::arm(request.read());
        auto size = question.totalSize();
        size.wordCount += 16;
        auto call = cap.typelessRequest(capnp::typeId<schema::Coordinator>(), method::ordinal, size);
        call.template setAs<Request>(question);
        auto to = call.template getAs<Request>().getHeader();
        const auto now = net::steady_ns();
        to.setTraceId(trace);
        to.setEnqueuedAt(now);
        to.setDeadline(now + std::chrono::nanoseconds{left}.count());
        return call.send().then(
          [](capnp::Response<capnp::AnyPointer>&& response) -> call_result {
            auto reply = response.getAs<typename method::reply>();
            return build<schema::ClientReply>([&](schema::ClientReply::Builder b) { method::put_reply(b, reply); },
                                              reply.totalSize().wordCount + 32);
          },
          [this](kj::Exception&& e) -> call_result { return call_failed(e); });
      },
      [this](kj::Exception&& e) -> kj::Promise<call_result> {
        return call_result{failure{ec::connection_lost,
                                   "cannot reach a coordinator at " + coordinator_ + ": " + net::text_of(e)
                                     + ". Is it running? Start it, or name another address"}};
      });
    // Later than what the coordinator's own edge adds, so that an answer with a reason wins.
    auto late = timer_.afterDelay(as_kj(left + 2 * limits::reply_slack)).then([this]() -> call_result {
      return failure{ec::deadline_exceeded, std::string{method::name} + " was not answered by " + coordinator_
                                              + " before its deadline; its outcome is unknown"};
    });
    return outcome.exclusiveJoin(kj::mv(late));
  }

  call_result call_failed(const kj::Exception& e) const {
    switch (e.getType()) {
    case kj::Exception::Type::DISCONNECTED:
      return failure{ec::connection_lost, "the connection to the coordinator at " + coordinator_
                                            + " was lost; the outcome of the request is unknown: " + net::text_of(e)};
    case kj::Exception::Type::UNIMPLEMENTED:
      return failure{ec::parameter_invalid, "the process at " + coordinator_ + " does not know this request; is it a "
                                            "coordinator of this version?"};
    default:
      return failure{ec::internal, "the coordinator at " + coordinator_ + " failed: " + net::text_of(e)};
    }
  }

  kj::Promise<call_result> call(const msg<schema::ClientRequest>& request) {
    kj::Maybe<kj::Promise<call_result>> sent;
    net::visit_method(request.read().which(), [&]<class Request>() { sent = send<Request>(request); });
    KJ_IF_MAYBE (promise, sent)
      return canceler.wrap(kj::mv(*promise));
    return call_result{failure{ec::parameter_invalid, "a request without content"}};
  }

private:
  kj::Timer& timer_;
  std::string coordinator_;
  client_options options_;
  net::remote remote_;

public:
  net::route_watch watch;
  net::searcher searches;
  kj::Canceler canceler; ///< Last, so that nothing given out runs into what is being destroyed.
};

client::client(kj::Network& network, kj::Timer& timer, std::string coordinator, client_options options)
  : impl_(kj::heap<implementation>(network, timer, std::move(coordinator), options)) {
  // nop
}

client::~client() = default;

kj::Promise<call_result> client::call(msg<schema::ClientRequest> request) {
  return impl_->call(request);
}

std::vector<std::string> client::methods() {
  return method_names();
}

kj::Promise<result<std::string>> client::call_json(std::string method, std::string json) {
  using text_result = result<std::string>;
  const auto name = find_method(method);
  if (name.empty())
    return text_result{no_such_method(method)};
  auto request = read_request(name, json);
  if (!request)
    return text_result{request.error()};
  return call(std::move(*request)).then([name](call_result&& reply) -> text_result {
    if (!reply)
      return reply.error();
    return write_json(capnp::toDynamic(reply->read()).get(name).as<capnp::DynamicStruct>(), true);
  });
}

void client::start_watch() {
  impl_->watch.start();
}

msg<schema::CollectionRoutes> client::routes(const std::string& collection) const {
  return impl_->watch.routes(collection);
}

bool client::routes_live() const {
  return impl_->watch.live();
}

void client::on_routes(std::function<void()> hook) {
  impl_->watch.hook = std::move(hook);
}

kj::Promise<search_result> client::search(search_query query) {
  return impl_->canceler.wrap(impl_->searches.search(std::move(query)));
}

kj::Promise<result<std::vector<named_row>>> client::find(std::string collection, std::string name) {
  using rows_result = result<std::vector<named_row>>;
  if (name.empty())
    return rows_result{failure{ec::parameter_missing, "a look-up needs a name"}};
  search_query query;
  query.collection = std::move(collection);
  query.name = std::move(name);
  return search(std::move(query)).then([](search_result&& r) -> rows_result {
    if (!r.ok())
      return r.why;
    return std::move(r.rows);
  });
}

} // namespace muster
