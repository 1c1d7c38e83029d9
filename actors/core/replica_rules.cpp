// Rules for the nodes of replicas.
#include "actors/core/replica_rules.hpp"

#include <algorithm>
#include <tuple>

namespace muster {

namespace {

bool in(const std::vector<std::int64_t>& sorted, std::int64_t id) {
  return std::binary_search(sorted.begin(), sorted.end(), id);
}

std::map<std::string, std::size_t> count_names(const std::vector<std::string>& names) {
  std::map<std::string, std::size_t> counts;
  for (const auto& name : names)
    ++counts[name];
  return counts;
}

failure no_group(const std::string& name) {
  return {ec::resource_group_not_found, "there is no resource group " + name + "; list-resource-groups shows those there are"};
}

} // namespace

// -- nodes of replicas ------------------------------------------------------------

std::size_t replica_share::wants() const {
  const auto have = kept.size() + recoverable.size();
  return have < expected ? expected - have : 0;
}

std::size_t replica_share::surplus() const {
  return kept.size() > expected ? kept.size() - expected : 0;
}

result<share_map> share_nodes(const std::vector<replica_row>& replicas, const member_map& members) {
  share_map shares;
  std::map<std::int64_t, std::string_view> user; ///< node -> group of the replica that uses it
  std::set<std::int64_t> seen;
  for (const auto& [name, list] : members)
    for (auto id : list)
      if (!seen.insert(id).second)
        return failure{ec::internal, "node " + std::to_string(id) + " is in two resource groups"};
  for (const auto& r : replicas) {
    const auto group = members.find(r.group());
    if (group == members.end())
      return no_group(std::string{r.group()});
    replica_share share;
    share.id = r.id;
    for (auto id : r.nodes)
      (in(group->second, id) ? share.kept : share.foreign).push_back(id);
    for (auto id : r.read_only_nodes)
      if (in(group->second, id))
        share.recoverable.push_back(id);
    for (const auto* list : {&r.nodes, &r.read_only_nodes})
      for (auto id : *list)
        user[id] = group->first;
    shares[group->first].replicas.push_back(std::move(share));
  }
  for (auto& [name, share] : shares) {
    std::size_t usable = 0;
    for (auto id : members.find(name)->second) {
      const auto used = user.find(id);
      if (used == user.end())
        share.free.push_back(id);
      usable += used == user.end() || used->second == name;
    }
    std::vector<replica_share*> order;
    for (auto& r : share.replicas) {
      r.expected = usable / share.replicas.size();
      order.push_back(&r);
    }
    const auto rank = [](const replica_share* r) {
      return std::tuple{r->kept.size() + r->recoverable.size(), r->id};
    };
    std::sort(order.begin(), order.end(), [&](auto* a, auto* b) { return rank(a) > rank(b); });
    for (std::size_t i = 0; i < usable % share.replicas.size(); ++i)
      ++order[i]->expected;
    std::sort(share.replicas.begin(), share.replicas.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  }
  return shares;
}

failure redistribute(std::vector<replica_row>& replicas, const member_map& members,
                     const std::function<std::int64_t(std::int64_t node)>& cost) {
  auto shares = share_nodes(replicas, members);
  if (!shares)
    return shares.error();
  std::map<std::int64_t, replica_row*> by_id;
  for (auto& r : replicas)
    by_id[r.id] = &r;
  for (auto& [name, share] : *shares) {
    for (auto& r : share.replicas) {
      auto& row = *by_id.at(r.id);
      row.make_read_only(r.foreign);
      // Cheapest to drain first; of equals the larger id, the one that probably came last.
      std::sort(r.kept.begin(), r.kept.end(), [&](std::int64_t a, std::int64_t b) {
        return std::tuple{cost(a), b} < std::tuple{cost(b), a};
      });
      row.make_read_only({r.kept.begin(), r.kept.begin() + static_cast<std::ptrdiff_t>(r.surplus())});
      if (r.kept.size() < r.expected) {
        const auto back = std::min(r.expected - r.kept.size(), r.recoverable.size());
        // Most on them first: that is what need not be moved.
        std::sort(r.recoverable.begin(), r.recoverable.end(), [&](std::int64_t a, std::int64_t b) {
          return std::tuple{-cost(a), a} < std::tuple{-cost(b), b};
        });
        row.make_read_write({r.recoverable.begin(), r.recoverable.begin() + static_cast<std::ptrdiff_t>(back)});
      }
    }
    auto next = share.free.begin();
    for (bool dealt = true; dealt && next != share.free.end();) {
      dealt = false;
      for (auto& r : share.replicas) {
        auto& row = *by_id.at(r.id);
        if (row.nodes.size() >= r.expected || next == share.free.end())
          continue;
        row.make_read_write({*next++});
        dealt = true;
      }
    }
  }
  return {ec::ok, {}};
}

bool exchange_groups(std::vector<replica_row>& replicas, const member_map& members) {
  // Who waits for whom: a replica without a node for one that holds a node of its group in vain.
  const auto waits = [](const replica_row& r) { return r.nodes.empty() && !r.read_only_nodes.empty(); };
  const auto holder = [&](const replica_row& r) -> replica_row* {
    const auto group = members.find(r.group());
    for (auto& other : replicas)
      if (&other != &r && waits(other) && other.group() != r.group() && group != members.end()
          && std::any_of(other.read_only_nodes.begin(), other.read_only_nodes.end(), [&](auto n) { return in(group->second, n); }))
        return &other;
    return nullptr;
  };
  bool any = false;
  for (auto& first : replicas) {
    std::vector<replica_row*> way;
    for (auto* at = waits(first) ? &first : nullptr; at != nullptr; at = holder(*at)) {
      const auto seen = std::find(way.begin(), way.end(), at);
      if (seen == way.end()) {
        way.push_back(at);
        continue;
      }
      // From `at` on it is a circle: each but the first takes the group of the one before it, whose nodes it has.
      const auto last = way.back()->resource_group;
      for (auto i = std::prev(way.end()); i != seen; --i)
        (*i)->resource_group = (*std::prev(i))->resource_group;
      (*seen)->resource_group = last;
      any = true;
      break;
    }
    if (any)
      break; // the rest is seen when this has become true
  }
  return any;
}

// -- replicas of groups -------------------------------------------------------------

result<std::vector<std::string>> assign_groups(const std::vector<std::string>& groups, std::size_t count,
                                               const group_map& known, const member_map& members, bool count_nodes) {
  if (groups.size() > 1 && groups.size() != count)
    return failure{ec::parameter_invalid, std::to_string(groups.size()) + " resource groups for " + std::to_string(count)
                                            + " replicas; name none, one for all, or one for each"};
  std::vector<std::string> chosen(count, groups.empty() ? std::string{default_group} : groups.front());
  if (groups.size() > 1)
    chosen = groups;
  for (const auto& [name, replicas] : count_names(chosen)) {
    if (!known.contains(name))
      return no_group(name);
    const auto list = members.find(name);
    const auto nodes = list == members.end() ? 0 : list->second.size();
    if (count_nodes && nodes < replicas)
      return failure{ec::resource_group_node_not_enough, "resource group " + name + " has " + std::to_string(nodes)
                                                           + " nodes for " + std::to_string(replicas)
                                                           + " replicas; start more nodes, transfer some, or ask for fewer"};
  }
  return chosen;
}

regrouping regroup(const std::vector<replica_row>& replicas, const std::vector<std::string>& wanted,
                   const std::set<std::int64_t>& serving) {
  regrouping out;
  auto open = count_names(wanted);
  // Who is worth keeping comes first: those that serve, then the oldest.
  std::vector<const replica_row*> order;
  for (const auto& r : replicas)
    order.push_back(&r);
  std::sort(order.begin(), order.end(), [&](auto* a, auto* b) {
    return std::tuple{!serving.contains(a->id), a->id} < std::tuple{!serving.contains(b->id), b->id};
  });
  std::vector<const replica_row*> candidates;
  std::vector<const replica_row*> stay;
  for (const auto* r : order) {
    auto& places = open[std::string{r->group()}];
    if (places > 0) {
      --places;
      stay.push_back(r);
    } else {
      candidates.push_back(r);
    }
  }
  const auto surplus = replicas.size() > wanted.size() ? replicas.size() - wanted.size() : 0;
  std::vector<const replica_row*> going(candidates.end() - static_cast<std::ptrdiff_t>(surplus), candidates.end());
  candidates.resize(candidates.size() - surplus);
  const auto serves = [&](const replica_row* r) { return serving.contains(r->id); };
  if (std::none_of(stay.begin(), stay.end(), serves) && std::none_of(candidates.begin(), candidates.end(), serves))
    if (auto saved = std::find_if(going.begin(), going.end(), serves); saved != going.end() && !stay.empty()) {
      // It takes the place of one that serves nobody yet: its nodes go on serving until those of the new group can.
      ++open[std::string{stay.back()->group()}];
      candidates.push_back(*saved);
      *saved = stay.back();
      stay.pop_back();
    }
  for (const auto* r : going)
    out.removed.push_back(r->id);
  for (auto& [name, places] : open)
    for (; places > 0; --places) {
      if (candidates.empty()) {
        out.spawned.push_back(name);
        continue;
      }
      out.moved.emplace_back(candidates.front()->id, name);
      candidates.erase(candidates.begin());
    }
  std::sort(out.removed.begin(), out.removed.end());
  return out;
}

result<std::vector<std::int64_t>> transfer_replicas(const std::vector<replica_row>& replicas, const group_map& groups,
                                                    const std::string& source, const std::string& target,
                                                    std::int64_t count) {
  if (!groups.contains(source) || !groups.contains(target))
    return no_group(groups.contains(source) ? target : source);
  if (source == target)
    return failure{ec::parameter_invalid, "source and target are the same resource group, " + source};
  if (count <= 0)
    return failure{ec::parameter_invalid,
                   "asked to transfer " + std::to_string(count) + " replicas; at least 1 is needed"};
  std::vector<std::int64_t> found;
  for (const auto& r : replicas)
    if (r.group() == source)
      found.push_back(r.id);
  std::sort(found.begin(), found.end());
  if (static_cast<std::int64_t>(found.size()) < count)
    return failure{ec::parameter_invalid, "resource group " + source + " has " + std::to_string(found.size())
                                            + " replicas of the collection, not the " + std::to_string(count)
                                            + " to transfer"};
  found.resize(static_cast<std::size_t>(count));
  return found;
}

void spread_channels(std::map<std::string, std::vector<std::int64_t>>& lists, const std::vector<std::int64_t>& read_write,
                     std::size_t factor) {
  if (lists.empty())
    return;
  const std::set<std::int64_t> there(read_write.begin(), read_write.end());
  auto free = there;
  for (auto& [channel, nodes] : lists) {
    std::erase_if(nodes, [&](std::int64_t id) { return free.erase(id) == 0; });
    if (factor == 0 || there.size() < lists.size() * factor)
      nodes.clear();
  }
  if (factor == 0 || there.size() < lists.size() * factor)
    return;
  std::vector<std::vector<std::int64_t>*> order;
  for (auto& [channel, nodes] : lists)
    order.push_back(&nodes);
  std::stable_sort(order.begin(), order.end(), [](auto* a, auto* b) { return a->size() > b->size(); });
  const auto share = [&](std::size_t i) {
    return there.size() / lists.size() + (i < there.size() % lists.size() ? 1 : 0);
  };
  for (std::size_t i = 0; i < order.size(); ++i)
    for (; order[i]->size() > share(i); order[i]->pop_back())
      free.insert(order[i]->back());
  for (std::size_t i = 0; i < order.size(); ++i)
    for (; order[i]->size() < share(i); free.erase(free.begin()))
      order[i]->push_back(*free.begin());
}

// -- the observer ---------------------------------------------------------------------

namespace {

bool gone(const situation& s, std::int64_t id) {
  const auto* n = s.node(id);
  return n != nullptr && n->gone();
}

/// True when a read-only node has nothing of the collection any more, and will get nothing.
bool drained(const situation& s, const collection_view& view, std::int64_t id) {
  const auto* n = s.node(id);
  if (n == nullptr || !n->known || view.on(id).any())
    return false;
  return std::none_of(view.tasks.begin(), view.tasks.end(),
                      [&](const task_row& t) { return t.node == id || t.source == id; });
}

} // namespace

member_map members_for(const situation& s, const std::vector<replica_row>& replicas) {
  std::set<std::int64_t> used;
  member_map members;
  for (const auto& r : replicas) {
    used.insert(r.nodes.begin(), r.nodes.end());
    used.insert(r.read_only_nodes.begin(), r.read_only_nodes.end());
    if (s.groups().contains(std::string{r.group()}))
      members[std::string{r.group()}];
  }
  const auto leaving = [&](std::int64_t id) {
    const auto* n = s.node(id);
    return (n != nullptr && (n->stopping || n->gone())) || s.switches().suspended_nodes.contains(id);
  };
  for (auto& [name, list] : members)
    for (auto id : s.groups().at(name).nodes)
      if (!leaving(id) && (used.contains(id) || s.usable(id)))
        list.push_back(id);
  // A node in no group (after a start nobody may have told of it yet) is about to be given one: until then it stays.
  for (const auto& r : replicas)
    if (auto list = members.find(r.group()); list != members.end())
      for (auto id : r.nodes)
        if (!leaving(id) && s.group_of(id) == nullptr)
          list->second.push_back(id);
  for (auto& [name, list] : members)
    std::sort(list.begin(), list.end());
  return members;
}

std::vector<replica_assignment> check_replicas(const situation& s, const touched_map& touched,
                                               const std::set<std::string>& groups,
                                               std::map<std::int64_t, std::uint64_t>& seen) {
  std::vector<replica_assignment> result;
  std::set<std::int64_t> looked_at;
  std::map<std::string, std::vector<std::int64_t>, std::less<>> staying; ///< Members that do not leave, by group; when first asked for.
  const auto members_staying = [&](std::string_view name) -> const std::vector<std::int64_t>& {
    auto i = staying.find(name);
    if (i == staying.end()) {
      i = staying.emplace(name, std::vector<std::int64_t>{}).first;
      if (auto g = s.groups().find(i->first); g != s.groups().end())
        for (auto node : g->second.nodes)
          if (const auto* n = s.node(node); n == nullptr || !(n->stopping || n->gone()))
            i->second.push_back(node);
      std::sort(i->second.begin(), i->second.end());
    }
    return i->second;
  };
  // Mostly a replica has its group to itself, and all of it.
  const auto as_it_should_be = [&](const collection_row& c) {
    std::set<std::string_view> used;
    return std::all_of(c.replicas.begin(), c.replicas.end(), [&](const replica_row& r) {
      return r.read_only_nodes.empty() && r.channel_nodes.empty() && used.insert(r.group()).second && r.nodes == members_staying(r.group());
    });
  };
  const auto look = [&](std::int64_t id) {
    const auto* view = s.collection(id);
    if (view == nullptr || !view->desired || as_it_should_be(*view->desired) || !looked_at.insert(id).second)
      return;
    const auto& desired = *view->desired;
    auto replicas = desired.replicas;
    for (auto& r : replicas) {
      std::erase_if(r.nodes, [&](std::int64_t node) { return gone(s, node); });
      std::erase_if(r.read_only_nodes, [&](std::int64_t node) { return gone(s, node) || drained(s, *view, node); });
    }
    // Its failure means that a group is unknown; nodes that are gone or drained leave nevertheless.
    const auto members = members_for(s, replicas);
    const auto rows = [&](std::int64_t node) { return view->on(node).rows; };
    static_cast<void>(redistribute(replicas, members, rows));
    if (exchange_groups(replicas, members))
      static_cast<void>(redistribute(replicas, members, rows));
    replica_assignment a;
    a.collection = desired.id;
    a.revision = desired.revision;
    for (std::size_t i = 0; i < replicas.size(); ++i)
      if (!(replicas[i] == desired.replicas[i]))
        a.replicas.push_back(replicas[i]);
    if (!a.replicas.empty())
      result.push_back(std::move(a));
  };
  const auto has_gone = [&](const collection_row& c) {
    return std::any_of(c.replicas.begin(), c.replicas.end(), [&](const replica_row& r) {
      const auto of = [&](std::int64_t node) { return gone(s, node); };
      return std::any_of(r.nodes.begin(), r.nodes.end(), of) || std::any_of(r.read_only_nodes.begin(), r.read_only_nodes.end(), of);
    });
  };
  for (const auto& [id, ids] : touched) {
    const auto* view = s.collection(id);
    if (view == nullptr || !view->desired) {
      seen.erase(id);
    } else if (view->desired->draining()) {
      look(id);
    } else if (ids.whole) {
      auto [i, fresh] = seen.try_emplace(id, view->desired->revision);
      if (fresh || std::exchange(i->second, view->desired->revision) != view->desired->revision || has_gone(*view->desired))
        look(id);
    }
  }
  for (const auto& group : groups)
    for (auto id : s.collections_in(group))
      look(id);
  return result;
}

} // namespace muster
