// The watch of shard leaders and its table.
#include "net/route_watch.hpp"

#include "messages/limits.hpp"

namespace muster::net {

namespace {

class watcher final : public schema::RouteWatcher::Server {
public:
  explicit watcher(route_watch& table) : table_(table) {
    // nop
  }

protected:
  kj::Promise<void> routesChanged(RoutesChangedContext context) override {
    table_.apply(context.getParams().getUpdate());
    return kj::READY_NOW;
  }

private:
  route_watch& table_;
};

} // namespace

route_watch::route_watch(kj::Network& network, kj::Timer& timer, std::string coordinator)
  : network_(network), timer_(timer), coordinator_(std::move(coordinator)) {
  // nop
}

void route_watch::start() {
  if (started_)
    return;
  started_ = true;
  running_ = run().eagerlyEvaluate(nullptr);
}

msg<schema::CollectionRoutes> route_watch::routes(const std::string& collection) const {
  auto i = routes_.find(collection);
  return i == routes_.end() ? msg<schema::CollectionRoutes>{} : i->second;
}

bool route_watch::names(const std::string& address) const {
  for (auto& [name, routes] : routes_)
    for (auto shard : routes.read().getShards())
      for (auto leader : shard.getLeaders())
        if (view(leader.getAddress()) == address)
          return true;
  return false;
}

kj::Promise<void> route_watch::changed() {
  auto pair = kj::newPromiseAndFulfiller<void>();
  // Those whose search has ended in the meantime no longer wait.
  std::erase_if(waiting_, [](auto& w) { return !w->isWaiting(); });
  waiting_.push_back(kj::mv(pair.fulfiller));
  return kj::mv(pair.promise);
}

void route_watch::wake() {
  ++changes_;
  auto waiting = std::move(waiting_);
  waiting_.clear();
  for (auto& w : waiting)
    w->fulfill();
}

void route_watch::apply(schema::RouteUpdate::Reader update) {
  if (update.getWhole())
    routes_.clear();
  for (auto c : update.getCollections()) {
    std::string name{view(c.getName())};
    if (c.getRemoved())
      routes_.erase(name);
    else
      routes_[name] = copy<schema::CollectionRoutes>(c);
  }
  live_ = true;
  ++updates_;
  wake();
  if (hook)
    hook();
}

kj::Promise<void> route_watch::run() {
  return kj::evalNow([this] { return watch_once(); })
    .catch_([](kj::Exception&&) {
      // The coordinator is away; what is known stays.
    })
    .then([this] {
      live_ = false;
      handle_ = nullptr;
      rpc_ = nullptr;
      return timer_.afterDelay(static_cast<std::int64_t>(limits::redial.count()) * kj::MILLISECONDS);
    })
    .then([this] { return run(); });
}

kj::Promise<void> route_watch::watch_once() {
  return dial(network_, timer_, coordinator_).then([this](kj::Own<kj::AsyncIoStream>&& stream) {
    rpc_ = kj::heap<connection>(kj::mv(stream));
    auto request = rpc_->bootstrap().castAs<schema::Coordinator>().watchShardLeadersRequest();
    request.initRequest();
    request.setWatcher(kj::heap<watcher>(*this));
    auto accepted = request.send().then([this](auto&& reply) -> kj::Promise<void> {
      handle_ = reply.getHandle();
      return kj::NEVER_DONE;
    });
    return rpc_->ended().exclusiveJoin(kj::mv(accepted));
  });
}

} // namespace muster::net
