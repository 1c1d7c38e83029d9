// The door for searches: hands each to the delegator of its channel.
#include "actors/node/parts.hpp"
#include "actors/runtime/shell.hpp"

#include <algorithm>
#include <map>

namespace muster {

namespace {

struct door_shell : shell<shard_door_actor, door_shell> {
  using key = std::pair<std::int64_t, std::string>;

  door_shell(self_pointer ptr) : shell(ptr, "search_door", "search_door", "node") {
    // nop
  }

  caf::result<m<schema::SearchReply>> search(const m<schema::SearchRequest>& request) {
    auto i = leaders.find(key{request->getCollection(), view(request->getChannel())});
    if (i == leaders.end())
      return make<schema::SearchReply>([&](auto b) {
        set_status(b.initStatus(), ec::channel_not_found,
                   "channel " + std::string{view(request->getChannel())} + " has no leader here");
      });
    // Of several replicas the oldest: a younger one takes over when it is dropped.
    const auto& to = i->second.front();
    probes_of(self->system()).sent(to.id(), now());
    return self->delegate(to, request);
  }

  void attach(const attach_atom&, const std::int64_t& collection, const std::string& channel,
              const shard_delegator_actor& who) {
    leaders[key{collection, channel}].push_back(who);
  }

  void detach(const detach_atom&, const std::int64_t& collection, const std::string& channel,
              const shard_delegator_actor& who) {
    auto i = leaders.find(key{collection, channel});
    if (i == leaders.end())
      return;
    std::erase(i->second, who);
    if (i->second.empty())
      leaders.erase(i);
  }

  std::map<key, std::vector<shard_delegator_actor>> leaders;
};

shard_door_actor::behavior_type door_behavior(shard_door_actor::stateful_pointer<door_shell> self) {
  auto& s = self->state;
  return {s.on(&door_shell::search), s.on(&door_shell::attach), s.on(&door_shell::detach)};
}

} // namespace

shard_door_actor spawn_search_door(caf::actor_system& system) {
  return system.spawn(door_behavior);
}

} // namespace muster
