// The loop's side of the bridge: listeners, connections, calls, watches; all by number, re-checked at each use.
#pragma once

#include "net/connection.hpp"
#include "net/doors.hpp"
#include "net/http_door.hpp"
#include "net/links.hpp"

#include <kj/async-io.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

namespace muster::net {

/// RPC calls that wait for an actor. An answer to a call that is no longer wanted is dropped.
template <class Reply>
class waiting_calls {
public:
  /// A new call: its number and the promise of its answer.
  std::pair<std::uint64_t, kj::Promise<result<msg<Reply>>>> open() {
    auto pair = kj::newPromiseAndFulfiller<result<msg<Reply>>>();
    calls_.emplace(++last_, kj::mv(pair.fulfiller));
    return {last_, kj::mv(pair.promise)};
  }

  void answer(std::uint64_t call, result<msg<Reply>> reply) {
    auto i = calls_.find(call);
    if (i == calls_.end())
      return;
    auto fulfiller = kj::mv(i->second);
    calls_.erase(i);
    fulfiller->fulfill(std::move(reply));
  }

private:
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, kj::Own<kj::PromiseFulfiller<result<msg<Reply>>>>> calls_;
};

/// Everything that lives on the loop thread.
class hub final : public kj::TaskSet::ErrorHandler {
public:
  /// Makes the bootstrap capability for an accepted connection.
  using service_maker = std::function<capnp::Capability::Client(hub&, std::uint64_t connection)>;

  hub(caf::actor_system& system, kj::AsyncIoProvider& io, queue_ptr queue);
  ~hub();
  hub(const hub&) = delete;
  hub& operator=(const hub&) = delete;

  /// Runs jobs; resolves after `stop`.
  kj::Promise<void> run();
  /// Closes all links and lets what is queued go out, for limits::link_linger at most.
  void stop();

  // -- listening --------------------------------------------------------------

  void listen(std::string address, service_maker service, std::function<void(result<std::string>)> done);

  /// The same for HTTP; searches go to the nodes by the routes of `coordinator`.
  void listen_http(std::string address, std::string coordinator, http_limits most, std::function<void(result<std::string>)> done);

  // -- connections ------------------------------------------------------------

  /// Takes over a connected stream; `make` builds the connection once its number is known.
  std::uint64_t adopt(std::function<kj::Own<connection>(std::uint64_t)> make, bool inbound);
  connection* find(std::uint64_t id);
  /// Cuts a connection in a later turn, so it may be called from inside one of its calls.
  void drop_later(std::uint64_t id);
  /// Runs something that may fail on the loop; a failure is logged.
  void add_task(kj::Promise<void>&& task);
  bool stopping() const {
    return stopping_;
  }

  // -- calls into actors ------------------------------------------------------

  kj::Promise<result<msg<schema::ClientReply>>> ask(const msg<schema::ClientRequest>& request);
  kj::Promise<result<msg<schema::SearchReply>>> ask(const msg<schema::SearchRequest>& request);
  kj::Promise<result<msg<schema::HttpReply>>> ask(const msg<schema::HttpRequest>& request);
  waiting_calls<schema::ClientReply> client_calls;
  waiting_calls<schema::SearchReply> search_calls;
  waiting_calls<schema::HttpReply> http_calls;
  client_door_actor client_door;
  search_door_door_actor search_door;
  http_desk_door_actor http_desk;
  route_publisher_actor routes;

  // -- watches ----------------------------------------------------------------

  std::uint64_t watch(std::uint64_t connection, schema::WatchShardLeadersRequest::Reader request,
                      schema::RouteWatcher::Client watcher);
  void routes_changed(std::uint64_t watch, const msg<schema::RouteUpdate>& update);
  /// The watcher let go, or its connection ended.
  void end_watch(std::uint64_t watch);
  /// The relay ended by itself: the watcher learns it by the loss of its connection and comes back.
  void relay_ended(std::uint64_t watch);

  caf::actor_system& system;
  kj::Network& network;
  kj::Timer& timer;
  link_table links;

private:
  struct entry {
    kj::Own<connection> rpc;
    bool inbound = false;
  };

  struct watch_entry {
    std::uint64_t connection;
    schema::RouteWatcher::Client watcher;
    route_relay_actor relay;
  };

  kj::Promise<void> serve_queue();
  /// Stops when all that was written is with the system, or it is too late.
  kj::Promise<void> drain(kj::TimePoint until);
  kj::Promise<void> accept(kj::ConnectionReceiver& receiver, const service_maker& service);
  /// Binds an address, and `use`s what was bound; `done` hears the address, or why not.
  void bind(std::string address, std::function<void(kj::Own<kj::ConnectionReceiver>)> use, std::function<void(result<std::string>)> done);
  void ended(std::uint64_t id);
  void taskFailed(kj::Exception&& e) override;

  queue_ptr queue_;
  bool stopping_ = false;
  kj::PromiseFulfillerPair<void> stopped_ = kj::newPromiseAndFulfiller<void>();
  std::uint64_t last_connection_ = 0;
  std::uint64_t last_watch_ = 0;
  std::size_t inbound_ = 0;
  std::unordered_map<std::uint64_t, entry> connections_;
  std::unordered_map<std::uint64_t, watch_entry> watches_;
  kj::Own<http_door> http_door_;
  kj::Own<kj::TaskSet> tasks_;
};

} // namespace muster::net
