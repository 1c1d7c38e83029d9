// The watch of shard leaders and its table.
#include "net/route_watch.hpp"

#include "messages/limits.hpp"

#include <algorithm>

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
  for (auto& [name, channels] : leaders_)
    for (auto& [channel, addresses] : channels)
      if (std::find(addresses.begin(), addresses.end(), address) != addresses.end())
        return true;
  return false;
}

std::vector<std::string> route_watch::leaders(const std::string& collection, const std::string& channel) const {
  auto channels = leaders_.find(collection);
  if (channels == leaders_.end())
    return {};
  auto addresses = channels->second.find(channel);
  return addresses == channels->second.end() ? std::vector<std::string>{} : addresses->second;
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
    if (c.getRemoved()) {
      routes_.erase(name);
      continue;
    }
    routes_[name] = copy<schema::CollectionRoutes>(c);
    auto& last = leaders_[name];
    std::map<std::string, std::vector<std::string>> channels;
    for (auto shard : c.getShards()) {
      std::string channel{view(shard.getChannel())};
      auto& addresses = channels[channel];
      for (auto leader : shard.getLeaders())
        addresses.emplace_back(view(leader.getAddress()));
      if (addresses.empty())
        addresses = std::move(last[channel]);
    }
    last = std::move(channels);
  }
  std::erase_if(leaders_, [&](auto& entry) { return !routes_.contains(entry.first); });
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
