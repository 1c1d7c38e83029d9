// Nodes of replicas, kept in step with who is in the cluster and in which resource group.
#include "actors/core/replica_rules.hpp"
#include "actors/observers.hpp"
#include "actors/runtime/publisher.hpp"

namespace muster {

namespace {

struct replica_shell : shell<subscriber_actor, replica_shell> {
  explicit replica_shell(self_pointer ptr) : shell(ptr, "replica_observer", "replica_observer", "supervisor") {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    const auto& touched = view.apply(p);
    auto groups = view.changed_groups();
    // A node that became usable may join the replicas in its group; one that is gone is in the touched collections.
    for (auto id : view.changed_nodes()) {
      if (!view.usable(id))
        known.erase(id);
      else if (known.insert(id).second)
        if (const auto* group = view.group_of(id))
          groups.insert(group->name);
    }
    // One that comes to another group than it was in may still be used by the replicas of that one.
    for (const auto& name : view.changed_groups())
      if (const auto group = view.groups().find(name); group != view.groups().end())
        for (auto id : group->second.nodes)
          if (auto& last = last_group[id]; last != name)
            if (const auto before = std::exchange(last, name); !before.empty())
              groups.insert(before);
    if (std::exchange(anew, false)) {
      seen.clear();
      for (const auto& [name, row] : view.groups())
        groups.insert(name);
    }
    conclude(check_replicas(view, touched, groups, seen));
    return acknowledge(*this, p);
  }

  void conclude(const std::vector<replica_assignment>& changes) {
    if (changes.empty())
      return;
    auto commit = make<schema::Commit>(
      [&](schema::Commit::Builder b) {
        auto entries = b.initReplicas().initEntries(static_cast<unsigned>(changes.size()));
        for (unsigned i = 0; i < changes.size(); ++i) {
          entries[i].setCollection(changes[i].collection);
          entries[i].setRevision(changes[i].revision);
          auto list = entries[i].initReplicas(static_cast<unsigned>(changes[i].replicas.size()));
          for (unsigned k = 0; k < changes[i].replicas.size(); ++k)
            write(list[k], changes[i].replicas[k]);
        }
      },
      view.epoch());
    // A node that comes or goes may change every collection: that is one piece of news.
    const bool many = changes.size() > limits::replica_news;
    if (many)
      info("nodes of the replicas of ", changes.size(), " collections change");
    for (const auto& c : changes)
      for (const auto& r : c.replicas) {
        const auto text = [&](auto say) {
          say("collection ", c.collection, " replica ", r.id, " in ", r.group(), " now has ", r.nodes.size(), " nodes and ",
              r.read_only_nodes.size(), " that are drained");
        };
        if (many)
          text([&](const auto&... parts) { debug(parts...); });
        else
          text([&](const auto&... parts) { info(parts...); });
      }
    request<m<schema::CommitReply>>(
      metadata, limits::commit_timeout, commit,
      [this](const m<schema::CommitReply>& reply) {
        if (auto why = to_failure(reply->getStatus()); why.code != ec::ok)
          retry(why);
      },
      [this](const failure& why) { retry(why); });
  }

  /// Not durable: look at everything again with the next publication.
  void retry(const failure& why) {
    warn("new nodes of replicas were not committed: ", why.text);
    anew = true;
  }

  situation view;
  metadata_actor metadata;
  std::set<std::int64_t> known; ///< Usable nodes.
  std::map<std::int64_t, std::uint64_t> seen;
  std::map<std::int64_t, std::string> last_group; ///< Of nodes that are, or were, in one.
  bool anew = false;
};

subscriber_actor::behavior_type replica_behavior(subscriber_actor::stateful_pointer<replica_shell> self,
                                                 const metadata_actor& metadata) {
  self->state.metadata = metadata;
  return {self->state.on(&replica_shell::hear)};
}

} // namespace

subscriber_actor spawn_replica_observer(caf::actor_system& system, metadata_actor metadata) {
  return system.spawn(replica_behavior, std::move(metadata));
}

} // namespace muster
