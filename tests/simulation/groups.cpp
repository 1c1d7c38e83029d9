// Someone who changes resource groups and replicas while everything else goes on, and the check that such changes come true.
#include "tests/simulation/trace.hpp"
#include "tests/simulation/world.hpp"

#include "actors/core/group_requests.hpp"

#include <algorithm>

namespace muster::sim {

namespace {

const std::string fallback{default_group};

template <class Init>
void put_names(const std::vector<std::string>& names, Init&& init) {
  auto list = init(static_cast<unsigned>(names.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    list.set(i, names[i]);
}

/// Why a change of groups was not done; empty: it was.
std::string refused(const std::string& bytes) {
  auto r = parse<schema::ClientReply>(bytes);
  if (!r)
    return "no answer";
  auto status = (*r)->getStatus();
  if (status.getCode() == 0 && (*r)->isUpdateResourceGroups())
    status = (*r)->getUpdateResourceGroups().getStatus();
  else if (status.getCode() == 0 && (*r)->isDropResourceGroup())
    status = (*r)->getDropResourceGroup().getStatus();
  else if (status.getCode() == 0 && (*r)->isUpdateLoadConfig())
    status = (*r)->getUpdateLoadConfig().getStatus();
  return std::string{view(status.getReason())};
}

} // namespace

std::string world::some_group() {
  return grouping_.chance(1, 3) ? fallback : "rg" + std::to_string(grouping_.between(1, 2));
}

std::vector<std::string> world::some_groups(int replicas) {
  if (!options_.groups || grouping_.chance(2, 3))
    return {};
  std::vector<std::string> names(grouping_.chance(1, 2) ? 1 : static_cast<std::size_t>(replicas));
  for (auto& name : names)
    name = some_group();
  return names;
}

void world::change_groups() {
  if (!disturbed_)
    return;
  after(grouping_.between(options_.groups_every / 2, options_.groups_every * 3 / 2), [this] { change_groups(); });
  const auto config = [&](schema::ResourceGroupConfig::Builder b) {
    b.setRequests(grouping_.between(0, options_.nodes));
    b.setLimits(b.getRequests() + grouping_.between(0, 1));
    if (grouping_.chance(1, 4))
      put_names({some_group()}, [&](unsigned n) { return b.initTransferFrom(n); });
    if (grouping_.chance(1, 4))
      put_names({some_group()}, [&](unsigned n) { return b.initTransferTo(n); });
  };
  const auto name = known_.empty() ? std::string{"c1"} : *std::next(known_.begin(), static_cast<std::ptrdiff_t>(grouping_.below(known_.size())));
  std::string what;
  auto bytes = request(
    [&](schema::ClientRequest::Builder b) {
      switch (grouping_.below(9)) {
        case 0:
        case 1: {
          auto r = b.initCreateResourceGroup();
          const auto group = some_group();
          r.setName(group);
          if (grouping_.chance(2, 3))
            config(r.initConfig());
          what = "creates " + group;
          break;
        }
        case 2: {
          auto g = b.initUpdateResourceGroups().initGroups(1)[0];
          const auto group = some_group();
          g.setName(group);
          config(g.initConfig());
          what = "configures " + group;
          break;
        }
        case 3: {
          const auto group = some_group();
          b.initDropResourceGroup().setName(group);
          what = "drops " + group;
          break;
        }
        case 4: {
          auto r = b.initTransferNode();
          const auto source = some_group();
          const auto target = some_group();
          r.setSource(source);
          r.setTarget(target);
          r.setCount(1);
          what = "transfers a node from " + source + " to " + target;
          break;
        }
        case 5: {
          auto r = b.initTransferReplica();
          const auto source = some_group();
          const auto target = some_group();
          r.setSource(source);
          r.setTarget(target);
          r.setCollection(name);
          r.setCount(1);
          what = "transfers a replica of " + name + " from " + source + " to " + target;
          break;
        }
        case 6:
          b.initDescribeResourceGroup().setName(some_group());
          what = "describes a group";
          break;
        case 7: {
          auto r = b.initGetReplicas();
          r.setCollection(name);
          r.setWithShardNodes(true);
          what = "reads replicas of " + name;
          break;
        }
        default: {
          auto r = b.initUpdateLoadConfig();
          put_names({name}, [&](unsigned n) { return r.initCollections(n); });
          const auto replicas = static_cast<int>(grouping_.between(1, options_.replicas));
          r.setReplicaNumber(static_cast<std::uint32_t>(replicas));
          put_names(some_groups(replicas), [&](unsigned n) { return r.initResourceGroups(n); });
          what = "changes replicas of " + name + " to " + std::to_string(replicas);
          break;
        }
      }
    },
    2 * s);
  trace("client ", what);
  ask(0, std::move(bytes), 2 * s, options_.duplicates && grouping_.chance(1, 4), {}, [](const std::string&) {});
}

/// After healing: every replica comes to a group that can serve it. Half of the time they stay where they are and the groups are
/// made to fit, if there are nodes enough; else all come back to the default group and the others are dropped.
std::string world::groups_unsettled() {
  if (!options_.groups)
    return {};
  if (putting_back_)
    return "resource groups are being put back";
  std::map<std::string, std::int64_t> needed;
  std::vector<std::string> away;
  for (const auto& [id, c] : seen_->collections())
    if (c.desired) {
      std::map<std::string, std::int64_t> mine;
      for (const auto& r : c.desired->replicas)
        ++mine[std::string{r.group()}];
      for (const auto& [group, count] : mine)
        needed[group] = std::max(needed[group], count);
      if (mine.size() > 1 || !mine.contains(fallback))
        away.push_back(c.desired->name);
    }
  std::int64_t sum = 0;
  for (const auto& [group, count] : needed)
    sum += count;
  groups_stay_ = groups_stay_ && sum <= options_.nodes;
  const auto try_this = [&](const std::string& what, const std::function<void(schema::ClientRequest::Builder)>& fill) {
    putting_back_ = true;
    trace("client ", what);
    ask(0, request(fill, 10 * s), 10 * s, false, {}, [this, what](const std::string& reply) {
      putting_back_ = false;
      if (auto why = refused(reply); !why.empty())
        trace("client ", what, ": ", why);
    });
    return "resource groups are being put back: client " + what;
  };
  if (!groups_stay_ && !away.empty())
    return try_this("brings all replicas to the default group", [&](schema::ClientRequest::Builder b) {
      auto r = b.initUpdateLoadConfig();
      put_names(away, [&](unsigned n) { return r.initCollections(n); });
      put_names({fallback}, [&](unsigned n) { return r.initResourceGroups(n); });
    });
  group_configs wanted;
  for (const auto& [name, row] : seen_->groups()) {
    auto& config = wanted[name];
    config.requests = groups_stay_ ? needed[name] : 0;
    config.limits = name == fallback ? default_group_limits : config.requests;
    if (config == row.config)
      wanted.erase(name);
  }
  if (!wanted.empty())
    return try_this("makes all groups fit", [&](schema::ClientRequest::Builder b) {
      auto r = b.initUpdateResourceGroups();
      auto list = r.initGroups(static_cast<unsigned>(wanted.size()));
      unsigned i = 0;
      for (const auto& [name, config] : wanted) {
        list[i].setName(name);
        write(list[i++].initConfig(), config);
      }
    });
  if (!groups_stay_)
    for (const auto& [name, row] : seen_->groups())
      if (name != fallback)
        return try_this("drops " + name, [&](schema::ClientRequest::Builder b) { b.initDropResourceGroup().setName(name); });
  return {};
}

/// Every node is where the configs want it, and every replica has nodes of its own group alone.
std::string world::groups_wrong() const {
  std::map<std::int64_t, int> members;
  for (const auto& [name, row] : seen_->groups())
    for (auto node : row.nodes)
      ++members[node];
  for (const auto& p : processes_)
    if (!p->coordinator() && members[p->node] != 1)
      return p->name + " is a member of " + std::to_string(members[p->node]) + " resource groups";
  const auto plan = plan_groups(seen_->groups(), nodes_for_groups(*seen_), true);
  if (!plan.moves.empty())
    return "node " + std::to_string(plan.moves.front().node) + " should go from " + plan.moves.front().from + " to "
           + plan.moves.front().to;
  if (!plan.lacking.empty())
    return "resource group " + plan.lacking.front() + " lacks nodes";
  for (const auto& [id, c] : seen_->collections())
    if (c.desired)
      for (const auto& r : c.desired->replicas) {
        if (!r.read_only_nodes.empty())
          return "node " + std::to_string(r.read_only_nodes.front()) + " of replica " + std::to_string(r.id) + " is still drained";
        for (auto node : r.nodes)
          if (const auto* group = seen_->group_of(node); group == nullptr || group->name != r.group())
            return "replica " + std::to_string(r.id) + " has node " + std::to_string(node) + ", which is not in its group";
      }
  return {};
}

} // namespace muster::sim
