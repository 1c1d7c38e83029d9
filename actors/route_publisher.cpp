// Routes of collections, computed when touched, pushed when different.
#include "actors/route_publisher.hpp"

#include "actors/core/answers.hpp"
#include "actors/core/route_table.hpp"
#include "actors/runtime/publisher.hpp"

#include <caf/typed_response_promise.hpp>

#include <set>
#include <utility>
#include <vector>

namespace muster {

namespace {

struct route_shell : shell<route_publisher_actor, route_shell> {
  explicit route_shell(self_pointer ptr) : shell(ptr, "route_publisher", "route_publisher", "supervisor") {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    for (const auto& [id, ids] : view.apply(p))
      if (on_other_grounds(id))
        table.put(id, build<schema::CollectionRoutes>([&](auto b) { write_routes(view, id, b); }));
    if (const auto before = table.version(); table.publish() != before) {
      for (auto i = watchers.begin(); i != watchers.end();) {
        const auto id = i->first;
        ++i;
        push(id);
      }
    }
    answer_waiting(false);
    return acknowledge(*this, p);
  }

  void watch(const m<schema::WatchShardLeadersRequest>& request, const route_subscriber_actor& who) {
    if (watchers.size() >= limits::route_watchers) {
      warn("refused a watch of shard leaders: there are ", limits::route_watchers, " already");
      self->send_exit(who, caf::exit_reason::user_shutdown);
      return;
    }
    const auto id = ++last;
    auto& w = watchers[id];
    meter().set("watchers", watchers.size());
    w.handle = who;
    w.whole = true;
    for (auto name : request->getCollections())
      w.names.insert(std::string{muster::view(name)});
    push(id);
  }

  caf::result<m<schema::GetShardLeadersReply>> leaders(const m<schema::GetShardLeadersRequest>& request) {
    if (request->getHeader().getSituation() <= view.number() || waiting.size() >= limits::route_waits)
      return answer(request);
    if (waiting.empty())
      send_later(limits::route_wait, tick_atom::value);
    waiting.emplace_back(request, self->make_response_promise<m<schema::GetShardLeadersReply>>());
    return waiting.back().second;
  }

  /// Some wait for a situation that may never come: the publisher of situations began anew.
  void tick(const tick_atom&) {
    answer_waiting(true);
  }

private:
  void answer_waiting(bool all) {
    std::erase_if(waiting, [&](auto& w) {
      if (!all && w.first->getHeader().getSituation() > view.number())
        return false;
      fulfil(w.second, answer(w.first));
      return true;
    });
  }

  m<schema::GetShardLeadersReply> answer(const m<schema::GetShardLeadersRequest>& request) {
    const bool all = request->getWithUnserviceableShards();
    const auto names = request->getCollections();
    return make<schema::GetShardLeadersReply>([&](schema::GetShardLeadersReply::Builder b) {
      if (names.size() == 0)
        return set_status(b.initStatus(), write_leaders(view, muster::view(request->getCollection()), all, b.initRoutes()));
      auto list = b.initAll(names.size());
      for (unsigned i = 0; i < names.size(); ++i) {
        const auto why = write_leaders(view, muster::view(names[i]), all, list[i]);
        if (list[i].getName().size() == 0)
          list[i].setName(names[i]);
        set_status(list[i].initStatus(), why);
      }
    });
  }

  struct watcher {
    route_subscriber_actor handle;
    std::set<std::string> names; ///< Empty: all.
    std::uint64_t told = 0; ///< The version up to which it was told.
    bool whole = false;
    bool busy = false;
  };

  /// True when what the routes of a collection rest on is not what it was. Cost: constant.
  bool on_other_grounds(std::int64_t id) {
    const auto* now = view.collection(id);
    if (now == nullptr) {
      rest_on.erase(id);
      return true;
    }
    auto& known = rest_on[id];
    if (known.second == view.node_changes() && known.first.same(now->grounds_of_routes()))
      return false;
    known = {now->grounds_of_routes(), view.node_changes()};
    return true;
  }

  void push(std::uint64_t id) {
    auto& w = watchers.at(id);
    if (w.busy || (!w.whole && w.told == table.version()))
      return;
    auto changes = w.whole ? std::nullopt : table.changes_after(w.told);
    const bool whole = !changes;
    if (whole)
      changes = table.all();
    w.whole = false;
    w.told = table.version();
    std::vector<m<schema::CollectionRoutes>> chosen;
    for (auto& r : *changes)
      if (w.names.empty() || w.names.contains(std::string{muster::view(r->getName())}))
        chosen.push_back(std::move(r));
    if (chosen.empty() && !whole)
      return;
    auto update = make<schema::RouteUpdate>([&](schema::RouteUpdate::Builder b) {
      b.setVersion(table.version());
      b.setWhole(whole);
      auto list = b.initCollections(static_cast<unsigned>(chosen.size()));
      for (unsigned i = 0; i < chosen.size(); ++i)
        list.setWithCaveats(i, chosen[i].read());
    }, view.epoch());
    w.busy = true;
    request<m<schema::Ack>>(
      w.handle, limits::publication_timeout, update,
      [this, id](const m<schema::Ack>&) {
        if (auto i = watchers.find(id); i != watchers.end()) {
          i->second.busy = false;
          push(id);
        }
      },
      [this, id](const failure& why) {
        auto i = watchers.find(id);
        if (i == watchers.end())
          return;
        if (why.code == ec::too_many_requests) {
          // More watchers than requests may be open: this one is tried again with the next change.
          i->second.busy = false;
          i->second.whole = true;
          return;
        }
        debug("a watch of shard leaders ended: ", why.text);
        watchers.erase(i);
        meter().set("watchers", watchers.size());
      });
  }

  situation view;
  route_table table;
  std::map<std::int64_t, std::pair<route_grounds, std::uint64_t>> rest_on; ///< With the changes of nodes there had been.
  std::map<std::uint64_t, watcher> watchers;
  std::vector<std::pair<m<schema::GetShardLeadersRequest>, caf::typed_response_promise<m<schema::GetShardLeadersReply>>>> waiting;
  std::uint64_t last = 0;
};

route_publisher_actor::behavior_type route_behavior(route_publisher_actor::stateful_pointer<route_shell> self) {
  auto& s = self->state;
  return {s.on(&route_shell::hear), s.on(&route_shell::watch), s.on(&route_shell::leaders), s.on(&route_shell::tick)};
}

} // namespace

route_publisher_actor spawn_route_publisher(caf::actor_system& system) {
  // Who searches must not wait behind what the cores have to think about.
  if (detach_blocking(system))
    return system.spawn<caf::detached>(route_behavior);
  return system.spawn(route_behavior);
}

} // namespace muster
