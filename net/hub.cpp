// Listeners, connections, calls and watches of the loop thread.
#include "net/hub.hpp"

#include "actors/runtime/shell.hpp"
#include "net/address.hpp"

#include <kj/debug.h>

namespace muster::net {

namespace {

constexpr std::string_view channel = "net";

kj::Duration as_kj(std::chrono::milliseconds t) {
  return static_cast<std::int64_t>(t.count()) * kj::MILLISECONDS;
}

} // namespace

hub::hub(caf::actor_system& sys, kj::AsyncIoProvider& io, queue_ptr queue)
  : system(sys), network(io.getNetwork()), timer(io.getTimer()), links(*this), queue_(std::move(queue)),
    tasks_(kj::heap<kj::TaskSet>(*this)) {
  // nop
}

hub::~hub() {
  stopping_ = true;
  http_door_ = nullptr;
  tasks_ = nullptr;
  links.stop();
  // What is destroyed with a connection (watch handles, frame sinks) calls back: the tables are taken out first.
  auto connections = std::move(connections_);
  connections_.clear();
  connections.clear();
  auto watches = std::move(watches_);
  watches_.clear();
  for (auto& [id, w] : watches)
    caf::anon_send_exit(w.relay, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(client_door, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(search_door, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(http_desk, caf::exit_reason::user_shutdown);
}

kj::Promise<void> hub::run() {
  tasks_->add(serve_queue());
  return kj::mv(stopped_.promise);
}

void hub::stop() {
  links.stop();
  add_task(drain(timer.now() + as_kj(limits::link_linger)));
}

kj::Promise<void> hub::drain(kj::TimePoint until) {
  bool busy = !links.empty();
  for (auto& [id, e] : connections_)
    busy = busy || e.rpc->unwritten();
  if (!busy || timer.now() >= until) {
    stopped_.fulfiller->fulfill();
    return kj::READY_NOW;
  }
  return timer.afterDelay(1 * kj::MILLISECONDS).then([this, until] { return drain(until); });
}

kj::Promise<void> hub::serve_queue() {
  for (auto& job : queue_->take()) {
    KJ_IF_MAYBE (e, kj::runCatchingExceptions([&] { job(*this); }))
      log::error(channel, "a job of the event loop failed: ", text_of(*e));
  }
  return queue_->ready().then([this] { return serve_queue(); });
}

void hub::add_task(kj::Promise<void>&& task) {
  if (tasks_.get() != nullptr)
    tasks_->add(kj::mv(task));
}

void hub::taskFailed(kj::Exception&& e) {
  log::warn(channel, "a task of the event loop failed: ", text_of(e));
}

// -- listening ----------------------------------------------------------------

void hub::bind(std::string address, std::function<void(kj::Own<kj::ConnectionReceiver>)> use,
               std::function<void(result<std::string>)> done) {
  auto parsed = kj::evalNow([&] { return network.parseAddress(address.c_str()); });
  auto bound = parsed.then([address, use = std::move(use), done](kj::Own<kj::NetworkAddress>&& where) {
    auto receiver = where->listen();
    auto parts = split_address(address);
    parts->port = static_cast<std::uint16_t>(receiver->getPort());
    use(kj::mv(receiver));
    log::info(channel, "listens on ", to_string(*parts));
    done(to_string(*parts));
  });
  add_task(bound.catch_([address, done](kj::Exception&& e) {
    std::string text = "cannot listen on " + address + ": " + text_of(e);
    if (text.find("in use") != std::string::npos)
      text = "cannot listen on " + address + ": another process listens there; stop it or choose another port";
    done(failure{ec::address_unusable, std::move(text)});
  }));
}

void hub::listen(std::string address, service_maker service, std::function<void(result<std::string>)> done) {
  bind(
    std::move(address),
    [this, service = std::move(service)](kj::Own<kj::ConnectionReceiver> receiver) {
      auto maker = kj::heap<service_maker>(service);
      auto& r = *receiver;
      auto& m = *maker;
      tasks_->add(accept(r, m).attach(kj::mv(receiver), kj::mv(maker)));
    },
    std::move(done));
}

void hub::listen_http(std::string address, std::string coordinator, http_limits most,
                      std::function<void(result<std::string>)> done) {
  bind(
    std::move(address),
    [this, coordinator = std::move(coordinator), most](kj::Own<kj::ConnectionReceiver> receiver) {
      http_door_ = kj::heap<http_door>(*this, kj::mv(receiver), coordinator, most);
    },
    std::move(done));
}

kj::Promise<void> hub::accept(kj::ConnectionReceiver& receiver, const service_maker& service) {
  return receiver.accept()
    .then(
      [this, &service](kj::Own<kj::AsyncIoStream>&& stream) -> kj::Promise<void> {
        if (inbound_ >= limits::connections) {
          log::warn(channel, "closed a new connection: ", inbound_, " are open, which is the limit");
          return kj::READY_NOW;
        }
        adopt([&](std::uint64_t id) { return kj::heap<connection>(kj::mv(stream), service(*this, id)); }, true);
        return kj::READY_NOW;
      },
      [this](kj::Exception&& e) -> kj::Promise<void> {
        log::warn(channel, "cannot accept a connection: ", text_of(e));
        return timer.afterDelay(as_kj(limits::accept_pause));
      })
    .then([this, &receiver, &service] { return accept(receiver, service); });
}

// -- connections --------------------------------------------------------------

std::uint64_t hub::adopt(std::function<kj::Own<connection>(std::uint64_t)> make, bool inbound) {
  const auto id = ++last_connection_;
  auto rpc = make(id);
  add_task(rpc->ended().then([this, id] { ended(id); }));
  connections_.emplace(id, entry{kj::mv(rpc), inbound});
  inbound_ += inbound ? 1 : 0;
  return id;
}

connection* hub::find(std::uint64_t id) {
  auto i = connections_.find(id);
  return i == connections_.end() ? nullptr : i->second.rpc.get();
}

void hub::ended(std::uint64_t id) {
  auto* rpc = find(id);
  if (rpc == nullptr)
    return;
  const auto& why = rpc->why();
  if (why.protocol_error)
    log::warn(channel, "connection ", id, " closed: ", why.text);
  else
    log::debug(channel, "connection ", id, " ended: ", why.text);
  links.connection_ended(id, why.text);
  drop_later(id);
}

void hub::drop_later(std::uint64_t id) {
  if (stopping_)
    return;
  add_task(kj::evalLater([this, id] {
    auto i = connections_.find(id);
    if (i == connections_.end())
      return;
    auto gone = kj::mv(i->second);
    connections_.erase(i);
    inbound_ -= gone.inbound ? 1 : 0;
    links.connection_ended(id, "the connection was closed");
  }));
}

// -- calls into actors --------------------------------------------------------

kj::Promise<result<msg<schema::ClientReply>>> hub::ask(const msg<schema::ClientRequest>& request) {
  auto [call, answer] = client_calls.open();
  post(system, client_door, call, request);
  return kj::mv(answer);
}

kj::Promise<result<msg<schema::SearchReply>>> hub::ask(const msg<schema::SearchRequest>& request) {
  auto [call, answer] = search_calls.open();
  post(system, search_door, call, request);
  return kj::mv(answer);
}

kj::Promise<result<msg<schema::HttpReply>>> hub::ask(const msg<schema::HttpRequest>& request) {
  auto [call, answer] = http_calls.open();
  post(system, http_desk, call, request);
  return kj::mv(answer);
}

// -- watches ------------------------------------------------------------------

std::uint64_t hub::watch(std::uint64_t connection, schema::WatchShardLeadersRequest::Reader request,
                         schema::RouteWatcher::Client watcher) {
  const auto id = ++last_watch_;
  auto relay = spawn_route_relay(system, queue_, id, routes);
  auto question = copy<schema::WatchShardLeadersRequest>(request);
  watches_.emplace(id, watch_entry{connection, kj::mv(watcher), relay});
  post(system, routes, std::move(question), route_subscriber_actor{relay});
  return id;
}

void hub::routes_changed(std::uint64_t watch, const msg<schema::RouteUpdate>& update) {
  auto i = watches_.find(watch);
  if (i == watches_.end())
    return;
  auto request = i->second.watcher.routesChangedRequest(update->totalSize());
  request.setUpdate(update.read());
  const auto version = update->getVersion();
  add_task(request.send().ignoreResult().then(
    [this, watch, version] {
      auto w = watches_.find(watch);
      if (w == watches_.end())
        return;
      post(system, w->second.relay, build<schema::Ack>([&](schema::Ack::Builder b) {
             b.initHeader().setEnqueuedAt(detail::nanoseconds(system.clock().now()));
             b.setNumber(version);
           }));
    },
    [this, watch](kj::Exception&& e) {
      auto w = watches_.find(watch);
      if (w == watches_.end())
        return;
      log::debug(channel, "watch ", watch, " ends: its watcher failed: ", text_of(e));
      drop_later(w->second.connection);
    }));
}

void hub::end_watch(std::uint64_t watch) {
  auto i = watches_.find(watch);
  if (i == watches_.end())
    return;
  auto gone = std::move(i->second);
  watches_.erase(i);
  caf::anon_send_exit(gone.relay, caf::exit_reason::user_shutdown);
}

void hub::relay_ended(std::uint64_t watch) {
  auto i = watches_.find(watch);
  if (i == watches_.end())
    return;
  log::debug(channel, "watch ", watch, " was ended by its publisher");
  drop_later(i->second.connection);
}

} // namespace muster::net
