// Fakes for the tests of net: link owners that record, a gateway, a route publisher and search doors that do as told.
#pragma once

#include "actors/runtime/shell.hpp"
#include "net/bridge.hpp"
#include "net/client.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace muster::test {

inline constexpr std::chrono::seconds patience{10};

/// Values that another thread produces; a test waits for one.
template <class T>
class log_of {
public:
  void add(T x) {
    std::lock_guard guard{mutex_};
    all_.push_back(std::move(x));
    changed_.notify_all();
  }

  /// True once `holds(all)` does.
  bool wait(std::function<bool(const std::vector<T>&)> holds) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return holds(all_); });
  }

  std::vector<T> all() {
    std::lock_guard guard{mutex_};
    return all_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> all_;
};

struct event {
  enum kind_t { opened, frame, closed } kind;
  std::int64_t link;
  std::string text; ///< Of a frame, or the reason.
  bool flag;        ///< inbound or ended
};

using event_log = std::shared_ptr<log_of<event>>;

inline std::size_t count(const std::vector<event>& all, event::kind_t kind) {
  return std::count_if(all.begin(), all.end(), [&](auto& e) { return e.kind == kind; });
}

inline msg<schema::LinkCommand> open_link(std::int64_t link, const std::string& address, bool peer) {
  return build<schema::LinkCommand>([&](auto b) {
    auto o = b.initOpen();
    o.setLink(link);
    o.setAddress(address.c_str());
    o.setPeer(peer);
  });
}

inline msg<schema::LinkCommand> write_link(std::int64_t link, const std::string& text) {
  return build<schema::LinkCommand>(
    [&](auto b) {
      auto f = b.initFrame();
      f.setLink(link);
      f.setBytes({reinterpret_cast<const kj::byte*>(text.data()), text.size()});
    },
    text.size() / 8 + 32);
}

inline msg<schema::LinkCommand> close_link(std::int64_t link) {
  return build<schema::LinkCommand>([&](auto b) { b.setClose(link); });
}

/// Records events; with a wire it also writes each frame back.
inline link_owner_actor::behavior_type owner(link_owner_actor::pointer self, event_log log, wire_actor echo) {
  return {[=](const msg<schema::LinkEvent>& e) {
    auto x = e.read();
    if (x.isOpened())
      log->add({event::opened, x.getOpened().getLink(), "", x.getOpened().getInbound()});
    if (x.isClosed())
      log->add({event::closed, x.getClosed().getLink(), std::string{view(x.getClosed().getReason())},
                x.getClosed().getEnded()});
    if (x.isFrame()) {
      auto bytes = x.getFrame().getBytes();
      std::string text{reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
      if (echo)
        self->send(echo, write_link(x.getFrame().getLink(), text));
      log->add({event::frame, x.getFrame().getLink(), std::move(text), false});
    }
  }};
}

using gateway_function = std::function<msg<schema::ClientReply>(const msg<schema::ClientRequest>&)>;

inline gateway_actor::behavior_type gateway(gateway_actor::pointer, gateway_function answer) {
  return {[](const publication&) { return msg<schema::Ack>{}; }, [](attach_atom, const supervisor_actor&) {},
          [=](const msg<schema::ClientRequest>& r) { return answer(r); }, [](stop_atom) {}};
}

using subscriber_log = std::shared_ptr<log_of<route_subscriber_actor>>;

inline route_publisher_actor::behavior_type publisher(route_publisher_actor::pointer, subscriber_log log) {
  return {[](const publication&) { return msg<schema::Ack>{}; },
          [=](const msg<schema::WatchShardLeadersRequest>&, const route_subscriber_actor& s) { log->add(s); },
          [](const msg<schema::GetShardLeadersRequest>&) { return msg<schema::GetShardLeadersReply>{}; }, [](tick_atom) {}};
}

/// An empty reply: the door hangs.
using door_function = std::function<msg<schema::SearchReply>(const msg<schema::SearchRequest>&)>;

struct door_state {
  std::vector<caf::typed_response_promise<msg<schema::SearchReply>>> hanging;
};

inline search_door_actor::behavior_type door(search_door_actor::stateful_pointer<door_state> self, door_function answer) {
  return {[=](const msg<schema::SearchRequest>& r) {
    auto promise = self->make_response_promise<msg<schema::SearchReply>>();
    if (auto reply = answer(r); !reply.empty())
      promise.deliver(reply);
    else
      self->state.hanging.push_back(promise);
    return promise;
  }};
}

inline msg<schema::SearchReply> hits(std::int64_t version, std::vector<std::pair<std::int64_t, float>> found) {
  return build<schema::SearchReply>([&](auto b) {
    b.setServedVersion(version);
    auto list = b.initQueries(1)[0].initHits(found.size());
    for (unsigned i = 0; i < found.size(); ++i) {
      list[i].setId(found[i].first);
      list[i].setDistance(found[i].second);
    }
  });
}

struct channel_leaders {
  std::string channel;
  std::vector<std::string> addresses;
};

inline msg<schema::RouteUpdate> routes_of(std::string collection, std::vector<channel_leaders> shards, std::uint64_t version = 1) {
  return build<schema::RouteUpdate>([&](auto b) {
    b.setVersion(version);
    b.setWhole(true);
    auto c = b.initCollections(1)[0];
    c.setCollectionId(7);
    c.setName(collection.c_str());
    auto list = c.initShards(shards.size());
    for (unsigned i = 0; i < shards.size(); ++i) {
      list[i].setChannel(shards[i].channel.c_str());
      auto leaders = list[i].initLeaders(shards[i].addresses.size());
      for (unsigned j = 0; j < shards[i].addresses.size(); ++j)
        leaders[j].setAddress(shards[i].addresses[j].c_str());
    }
  });
}

/// An actor system; ends the fakes it started, after the bridges have gone.
struct world {
  system_config config;
  caf::actor_system system{config};
  std::vector<caf::strong_actor_ptr> actors;

  ~world() {
    for (auto& a : actors)
      caf::anon_send_exit(caf::actor_cast<caf::actor>(a), caf::exit_reason::user_shutdown);
  }

  template <class... Ts>
  auto spawn(Ts&&... xs) {
    auto a = system.spawn(std::forward<Ts>(xs)...);
    actors.push_back(caf::actor_cast<caf::strong_actor_ptr>(a));
    return a;
  }
};

} // namespace muster::test
