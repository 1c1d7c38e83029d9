// RPC servers of a coordinator and of a node: copy, ask, fill in.
#include "net/service.hpp"

#include "actors/runtime/shell.hpp"
#include "net/methods.hpp"

namespace muster::net {

namespace {

std::int64_t now_of(hub& h) {
  return detail::nanoseconds(h.system.clock().now());
}

/// Dropping it ends the watch.
class watch_handle final : public schema::WatchHandle::Server {
public:
  watch_handle(hub& h, std::uint64_t watch) : hub_(h), watch_(watch) {
    // nop
  }

  ~watch_handle() noexcept(false) {
    hub_.end_watch(watch_);
  }

private:
  hub& hub_;
  std::uint64_t watch_;
};

class coordinator_service final : public schema::Coordinator::Server {
public:
  coordinator_service(hub& h, std::uint64_t connection) : hub_(h), connection_(connection) {
    // nop
  }

protected:
#define MUSTER_SERVE(lower, Upper, most)                                                                               \
  kj::Promise<void> lower(Upper##Context context) override {                                                           \
    return ask<schema::Upper##Request>(context);                                                                       \
  }
  MUSTER_CLIENT_METHODS(MUSTER_SERVE)
#undef MUSTER_SERVE

  kj::Promise<void> watchShardLeaders(WatchShardLeadersContext context) override {
    auto params = context.getParams();
    const auto watch = hub_.watch(connection_, params.getRequest(), params.getWatcher());
    context.getResults().setHandle(kj::heap<watch_handle>(hub_, watch));
    return kj::READY_NOW;
  }

  kj::Promise<void> joinNode(JoinNodeContext context) override {
    context.getResults().setToCoordinator(hub_.links.accept(connection_, context.getParams().getToNode(), false));
    return kj::READY_NOW;
  }

private:
  template <class Request, class Context>
  kj::Promise<void> ask(Context context) {
    using method = client_method<Request>;
    context.allowCancellation();
    auto params = context.getParams();
    const auto header = params.getHeader();
    const auto left = time_left(header, method::longest);
    const auto now = now_of(hub_);
    auto request = build<schema::ClientRequest>(
      [&](schema::ClientRequest::Builder b) {
        set_header(b.initHeader(), header, now, left);
        method::put(b, params);
        set_header(method::arm(b).getHeader(), header, now, left);
      },
      params.totalSize().wordCount + 32);
    context.releaseParams();
    return hub_.ask(request).then([context](result<msg<schema::ClientReply>>&& answer) mutable {
      if (answer && method::is_in(answer->read())) {
        context.setResults(method::arm(answer->read()));
        return;
      }
      // Refused before its handler: the status goes where the handler's would be.
      auto results = context.getResults();
      if (!answer)
        set_status(results.initStatus(), answer.error());
      else if (answer->read().getStatus().getCode() != 0)
        results.setStatus(answer->read().getStatus());
      else
        set_status(results.initStatus(), ec::internal, std::string{"the answer to "} + method::name + " was another's");
    });
  }

  hub& hub_;
  std::uint64_t connection_;
};

class node_service final : public schema::QueryNode::Server {
public:
  node_service(hub& h, std::uint64_t connection) : hub_(h), connection_(connection) {
    // nop
  }

protected:
  kj::Promise<void> search(SearchContext context) override {
    context.allowCancellation();
    auto params = context.getParams();
    const auto header = params.getHeader();
    const auto left = time_left(header, limits::search_timeout);
    auto request = build<schema::SearchRequest>(
      [&](schema::SearchRequest::Builder b) {
        set_header(b.initHeader(), header, now_of(hub_), left);
        b.setCollection(params.getCollection());
        b.setChannel(params.getChannel());
        b.setVectors(params.getVectors());
        b.setDimension(params.getDimension());
        b.setK(params.getK());
        b.setName(params.getName());
      },
      params.totalSize().wordCount + 16);
    context.releaseParams();
    return hub_.ask(request).then([context](result<msg<schema::SearchReply>>&& answer) mutable {
      if (answer)
        context.setResults(answer->read());
      else
        set_status(context.getResults().initStatus(), answer.error());
    });
  }

  kj::Promise<void> openPeer(OpenPeerContext context) override {
    context.getResults().setToNode(hub_.links.accept(connection_, context.getParams().getToCaller(), true));
    return kj::READY_NOW;
  }

private:
  hub& hub_;
  std::uint64_t connection_;
};

} // namespace

capnp::Capability::Client make_coordinator_service(hub& h, std::uint64_t connection) {
  return kj::heap<coordinator_service>(h, connection);
}

capnp::Capability::Client make_node_service(hub& h, std::uint64_t connection) {
  return kj::heap<node_service>(h, connection);
}

} // namespace muster::net
