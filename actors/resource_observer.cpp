// Nodes of resource groups, kept as their configs ask for while nodes come, go and tell other labels.
#include "actors/core/group_requests.hpp"
#include "actors/observers.hpp"
#include "actors/runtime/publisher.hpp"

#include <tuple>

namespace muster {

namespace {

struct resource_shell : shell<subscriber_actor, resource_shell> {
  explicit resource_shell(self_pointer ptr) : shell(ptr, "resource_observer", "resource_observer", "supervisor") {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    view.apply(p);
    due = due || !view.changed_groups().empty();
    for (auto id : view.changed_nodes())
      due = differs(id) || due;
    if (view.switches().suspended_nodes != suspended) {
      suspended = view.switches().suspended_nodes;
      due = true;
    }
    look();
    return acknowledge(*this, p);
  }

private:
  using facts = std::tuple<bool, bool, std::vector<std::pair<std::string, std::string>>>; ///< connected, leaving, labels

  /// A report of what a node holds is no reason to look at all groups.
  bool differs(std::int64_t id) {
    const auto* n = view.node(id);
    if (n == nullptr)
      return seen.erase(id) > 0;
    facts now{n->connected(), n->gone() || n->stopping, n->labels};
    auto& then = seen[id];
    if (then == now)
      return false;
    then = std::move(now);
    return true;
  }

  /// Cost: groups and nodes, once for each change of them.
  void look() {
    // What was committed last must be in the situation before anything is concluded from it.
    const auto revision = view.groups_revision();
    if (!due || committing || revision == 0 || revision < committed || revision == refused)
      return;
    due = false;
    const auto plan = plan_groups(view.groups(), nodes_for_groups(view), true);
    say(plan);
    if (plan.moves.empty())
      return;
    committing = true;
    request<m<schema::CommitReply>>(
      metadata, limits::commit_timeout, commit_of(plan, revision, view.epoch()),
      [this, revision](const m<schema::CommitReply>& reply) {
        auto why = to_failure(reply->getStatus());
        if (why.code == ec::ok)
          committed = static_cast<std::uint64_t>(reply->getValue());
        else if (why.code == ec::stale_premise)
          refused = revision; // the change that came first is on its way, or here already
        ended(why);
      },
      [this](const failure& why) { ended(why); });
  }

  /// After a write that was refused the next publication is looked at: metadata sends all anew.
  void ended(const failure& why) {
    committing = false;
    due = true;
    if (why.code == ec::ok || why.code == ec::stale_premise)
      look();
    else
      warn("nodes of resource groups were not committed: ", why.text);
  }

  void say(const group_plan& plan) {
    for (const auto& move : plan.moves)
      info("node ", move.node, " goes from ", move.from.empty() ? "no group" : move.from, " to ",
           move.to.empty() ? "no group" : move.to, ": ", to_string(move.why));
    if (plan.lacking != lacking)
      for (const auto& name : plan.lacking)
        warn("resource group ", name, " has fewer nodes than it requests, and no other has any to give");
    lacking = plan.lacking;
    if (plan.all_full && !full)
      warn("more nodes than the limits of all resource groups allow; the default group keeps them");
    full = plan.all_full;
  }

public:
  metadata_actor metadata;

private:
  situation view;
  std::set<std::int64_t> suspended;
  std::map<std::int64_t, facts> seen;
  std::vector<std::string> lacking;
  std::uint64_t committed = 0;
  std::uint64_t refused = 0;
  bool full = false;
  bool committing = false;
  bool due = true;
};

subscriber_actor::behavior_type resource_behavior(subscriber_actor::stateful_pointer<resource_shell> self,
                                                  const metadata_actor& metadata) {
  self->state.metadata = metadata;
  return {self->state.on(&resource_shell::hear)};
}

} // namespace

subscriber_actor spawn_resource_observer(caf::actor_system& system, metadata_actor metadata) {
  return system.spawn(resource_behavior, std::move(metadata));
}

} // namespace muster
