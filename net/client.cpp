// Calls of the client library, typed and as JSON.
#include "net/client.hpp"

#include "net/methods.hpp"
#include "net/remote.hpp"
#include "net/route_watch.hpp"
#include "net/searcher.hpp"

#include <capnp/compat/json.h>
#include <capnp/dynamic.h>

#include <algorithm>
#include <cctype>
#include <numeric>

namespace muster {

namespace {

using call_result = result<msg<schema::ClientReply>>;

kj::Duration as_kj(std::chrono::milliseconds t) {
  return static_cast<std::int64_t>(t.count()) * kj::MILLISECONDS;
}

/// How many letters have to change to make one word of the other.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto above = row[j];
      const std::size_t change = std::tolower(a[i - 1]) == std::tolower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + change});
      diagonal = above;
    }
  }
  return row[b.size()];
}

/// The message of a failed requirement in Cap'n Proto's JSON codec without the C++ in it.
std::string what_is_wrong(std::string text) {
  const std::string field = "field.getName() = ";
  if (text.starts_with("expected "))
    if (const auto end = text.find("; "); end != std::string::npos)
      text.erase(0, end + 2);
  if (const auto at = text.find(field); at != std::string::npos)
    text.erase(at, field.size());
  return text;
}

failure unknown_method(const std::string& method) {
  auto names = client::methods();
  std::stable_sort(names.begin(), names.end(),
                   [&](auto& a, auto& b) { return edit_distance(a, method) < edit_distance(b, method); });
  return {ec::parameter_invalid, "the coordinator has no method \"" + method + "\"; the nearest are " + names[0] + ", "
                                   + names[1] + " and " + names[2]};
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
#define MUSTER_NAME(lower, Upper, most) #lower,
  return {MUSTER_CLIENT_METHODS(MUSTER_NAME)};
#undef MUSTER_NAME
}

kj::Promise<result<std::string>> client::call_json(std::string method, std::string json) {
  using text_result = result<std::string>;
  auto name = method;
  if (!name.empty())
    name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
  auto known = methods();
  if (std::find(known.begin(), known.end(), name) == known.end())
    return text_result{unknown_method(method)};
  if (json.find_first_not_of(" \t\r\n") == std::string::npos)
    json = "{}";
  msg<schema::ClientRequest> request;
  // An arm of ClientRequest has the name of its method, and so has the arm of the reply.
  KJ_IF_MAYBE (e, kj::runCatchingExceptions([&] {
                 capnp::MallocMessageBuilder message;
                 auto root = message.initRoot<schema::ClientRequest>();
                 capnp::DynamicStruct::Builder dynamic = capnp::toDynamic(root);
                 auto arm = dynamic.init(name).as<capnp::DynamicStruct>();
                 capnp::JsonCodec codec;
                 codec.setRejectUnknownFields(true);
                 codec.decode(kj::arrayPtr(json.data(), json.size()), arm);
                 request = copy<schema::ClientRequest>(root.asReader());
               }))
    return text_result{failure{ec::parameter_invalid, "the parameters of " + name + " are no fitting JSON: "
                                                        + what_is_wrong(net::text_of(*e))
                                                        + "; see messages/schema/client.capnp"}};
  return call(std::move(request)).then([name](call_result&& reply) -> text_result {
    if (!reply)
      return reply.error();
    capnp::JsonCodec codec;
    codec.setPrettyPrint(true);
    capnp::DynamicStruct::Reader dynamic = capnp::toDynamic(reply->read());
    return std::string{codec.encode(dynamic.get(name).as<capnp::DynamicStruct>()).cStr()};
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
