// Rules of resource groups.
#include "actors/core/resource_groups.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace muster {

namespace {

/// Members by what they carry, then the larger id.
struct lighter {
  using key = std::pair<std::int64_t, std::int64_t>; ///< rows, node

  bool operator()(const key& a, const key& b) const {
    return std::tie(a.first, b.second) < std::tie(b.first, a.second);
  }
};
using by_weight = std::set<lighter::key, lighter>;

const std::vector<std::pair<std::string, std::string>> no_labels;

/// A group while moves are planned.
class standing {
public:
  standing(const group_row& row, const group_nodes& nodes) : name(row.name), config(&row.config), row_(&row), nodes_(&nodes) {
    for (auto id : row.nodes)
      put(id);
  }

  void put(std::int64_t id) {
    const auto n = nodes_->find(id);
    // A member that is silent is not judged by labels that nobody has told yet: it stays and counts.
    if (n == nodes_->end() || !n->second.here)
      silent_.insert(id);
    else
      (accepts(*row_, n->second.labels) ? clean_ : dirty_).insert({n->second.rows, id});
  }

  void take(std::int64_t id) {
    const auto n = nodes_->find(id);
    const lighter::key key{n == nodes_->end() ? 0 : n->second.rows, id};
    if (clean_.erase(key) == 0 && dirty_.erase(key) == 0)
      silent_.erase(id);
  }

  group_quantities now() const {
    group_quantities q;
    q.count = static_cast<std::int64_t>(clean_.size() + silent_.size());
    q.dirty = static_cast<std::int64_t>(dirty_.size());
    q.missing = std::max<std::int64_t>(config->requests - q.count, 0);
    q.oversized = std::max<std::int64_t>(q.count - config->requests, 0) + q.dirty;
    q.room = std::max<std::int64_t>(config->limits - q.count, 0);
    q.redundant = std::max<std::int64_t>(q.count - config->limits, 0) + q.dirty;
    return q;
  }

  bool takes(std::int64_t id) const {
    const auto n = nodes_->find(id);
    return accepts(*row_, n == nodes_->end() ? no_labels : n->second.labels);
  }

  std::int64_t offer(const standing& taker) const {
    for (const auto& [rows, id] : dirty_)
      if (taker.takes(id))
        return id;
    if (now().count > config->requests)
      for (const auto& [rows, id] : clean_)
        if (taker.takes(id))
          return id;
    return 0;
  }

  /// The lightest node that it must give away: a dirty one first. 0: none that is here.
  std::int64_t lightest() const {
    if (!dirty_.empty())
      return dirty_.begin()->second;
    return clean_.empty() ? 0 : clean_.begin()->second;
  }

  std::string name;
  const group_config* config;

private:
  const group_row* row_;
  const group_nodes* nodes_;
  by_weight clean_;
  by_weight dirty_;
  std::set<std::int64_t> silent_;
};

bool named(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

class planner {
public:
  planner(const group_map& groups, const group_nodes& nodes) : nodes_(nodes) {
    for (const auto& [name, row] : groups) {
      groups_.emplace(name, standing{row, nodes});
      for (auto id : row.nodes)
        home_[id] = name;
    }
  }

  void leave() {
    for (const auto& [id, n] : nodes_)
      if (n.leaving)
        if (auto i = home_.find(id); i != home_.end())
          move(id, i->second, {}, reason::node_leaves);
  }

  void assign_incoming() {
    for (const auto& [id, n] : nodes_)
      if (n.here && !home_.contains(id))
        move(id, {}, place(id), reason::node_joins);
  }

  void recover() {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto& [name, group] : groups_) {
        const auto q = group.now();
        if (q.missing > 0)
          moved = take_missing(group) || moved;
        else if (q.redundant > 0)
          moved = give_redundant(group, reason::group_redundant) || moved;
      }
    }
  }

  /// Empties a group whose config allows nothing; silent nodes too, to where every node is accepted.
  void empty(const std::string& name, const std::vector<std::int64_t>& members) {
    give_redundant(groups_.at(name), reason::group_dropped);
    for (auto id : members)
      if (auto i = home_.find(id); i != home_.end() && i->second == name)
        move(id, name, std::string{default_group}, reason::group_dropped);
  }

  group_plan result() && {
    for (const auto& [name, group] : groups_)
      if (group.now().missing > 0)
        plan_.lacking.push_back(name);
    if (auto i = groups_.find(std::string{default_group}); i != groups_.end())
      plan_.all_full = i->second.now().redundant > 0;
    return std::move(plan_);
  }

private:
  /// The accepting group that misses most, else the one with most room, else the default group.
  std::string place(std::int64_t id) const {
    std::tuple<std::int64_t, std::int64_t> best{0, 0};
    std::string chosen{default_group};
    for (const auto& [name, group] : groups_) {
      const auto q = group.now();
      if (const std::tuple score{q.missing, q.room}; score > best && group.takes(id)) {
        best = score;
        chosen = name;
      }
    }
    return chosen;
  }

  /// What is redundant elsewhere first, then who the config names, then who has most over its requests.
  bool take_missing(standing& group) {
    bool moved = false;
    while (group.now().missing > 0) {
      std::tuple<std::int64_t, bool, std::int64_t> best{0, false, 0};
      std::int64_t node = 0;
      std::string source;
      for (const auto& [name, other] : groups_) {
        if (name == group.name)
          continue;
        const auto q = other.now();
        const std::tuple score{q.redundant, named(group.config->transfer_from, name), q.oversized};
        if (q.oversized <= 0 || score <= best)
          continue;
        if (const auto offer = other.offer(group); offer != 0) {
          best = score;
          node = offer;
          source = name;
        }
      }
      if (node == 0)
        break;
      move(node, source, group.name, reason::group_missing);
      moved = true;
    }
    return moved;
  }

  /// To who misses most first, then who the config names, then who has most room; the default group takes the rest.
  bool give_redundant(standing& group, reason why) {
    bool moved = false;
    while (group.now().redundant > 0) {
      std::tuple<std::int64_t, bool, std::int64_t> best{0, false, 0};
      std::int64_t node = 0;
      std::string target;
      for (const auto& [name, other] : groups_) {
        if (name == group.name)
          continue;
        const auto q = other.now();
        const std::tuple score{q.missing, named(group.config->transfer_to, name), q.room};
        if (q.room <= 0 || score <= best)
          continue;
        if (const auto offer = group.offer(other); offer != 0) {
          best = score;
          node = offer;
          target = name;
        }
      }
      if (node == 0 && group.name != default_group) {
        node = group.lightest();
        target = default_group;
      }
      if (node == 0)
        break;
      move(node, group.name, target, why);
      moved = true;
    }
    return moved;
  }

  void move(std::int64_t id, std::string from, const std::string& to, reason why) {
    if (!from.empty())
      groups_.at(from).take(id);
    if (to.empty()) {
      home_.erase(id);
    } else {
      groups_.at(to).put(id);
      home_[id] = to;
    }
    plan_.moves.push_back({id, std::move(from), to, why});
  }

  const group_nodes& nodes_;
  std::map<std::string, standing> groups_;
  std::map<std::int64_t, std::string> home_;
  group_plan plan_;
};

failure illegal(std::string_view name, const std::string& why) {
  return {ec::resource_group_illegal_config, "the config of resource group " + std::string{name} + " cannot be used: " + why};
}

failure unknown(const std::string& name) {
  return {ec::resource_group_not_found, "there is no resource group " + name + "; list-resource-groups shows those there are"};
}

} // namespace

group_row default_group_row() {
  return {std::string{default_group}, {0, default_group_limits, {}, {}, {}}, {}, 0, 1};
}

bool accepts(const group_row& group, const std::vector<std::pair<std::string, std::string>>& labels) {
  if (group.is_default())
    return true;
  return std::all_of(group.config.labels.begin(), group.config.labels.end(), [&](const auto& wanted) {
    return std::find(labels.begin(), labels.end(), wanted) != labels.end();
  });
}

group_quantities quantities(const group_row& group, const group_nodes& nodes) {
  return standing{group, nodes}.now();
}

std::int64_t offered(const group_row& giver, const group_row& taker, const group_nodes& nodes) {
  return standing{giver, nodes}.offer(standing{taker, nodes});
}

failure check_config(std::string_view name, const group_config& config, const group_map& groups) {
  if (config.requests < 0 || config.limits < 0)
    return illegal(name, "requests and limits must not be negative");
  if (config.limits < config.requests)
    return illegal(name, "limits " + std::to_string(config.limits) + " is below requests "
                           + std::to_string(config.requests));
  for (const auto* list : {&config.transfer_from, &config.transfer_to})
    for (const auto& other : *list) {
      if (other == name)
        return illegal(name, "it names itself in its transfer lists");
      if (!groups.contains(other))
        return illegal(name, "its transfer lists name the group " + other + ", which does not exist; create it first");
    }
  return {ec::ok, {}};
}

failure check_drop(std::string_view name, const group_map& groups) {
  const auto refuse = [&](const std::string& why) {
    return failure{ec::parameter_invalid, "resource group " + std::string{name} + " cannot be dropped: " + why};
  };
  if (name == default_group)
    return refuse("it is the default group");
  const auto i = groups.find(std::string{name});
  if (i == groups.end())
    return {ec::ok, {}};
  if (i->second.config.limits != 0)
    return refuse("its limits are " + std::to_string(i->second.config.limits) + "; set requests and limits to 0 first");
  for (const auto& [other, row] : groups)
    if (named(row.config.transfer_from, i->first) || named(row.config.transfer_to, i->first))
      return refuse("group " + other + " names it in its transfer lists; update that first");
  return {ec::ok, {}};
}

result<group_configs> transfer_configs(const group_map& groups, const std::string& source, const std::string& target,
                                       std::int64_t count) {
  if (source == target)
    return failure{ec::parameter_invalid, "source and target are the same resource group, " + source};
  if (count <= 0)
    return failure{ec::parameter_invalid, "asked to transfer " + std::to_string(count) + " nodes; at least 1 is needed"};
  const auto from = groups.find(source);
  const auto to = groups.find(target);
  if (from == groups.end() || to == groups.end())
    return unknown(from == groups.end() ? source : target);
  if (static_cast<std::int64_t>(from->second.nodes.size()) < count)
    return failure{ec::resource_group_node_not_enough, "resource group " + source + " has "
                                                         + std::to_string(from->second.nodes.size()) + " nodes, not the "
                                                         + std::to_string(count) + " to transfer"};
  group_configs out;
  auto& giver = out[source] = from->second.config;
  giver.requests = std::max<std::int64_t>(giver.requests - count, 0);
  if (source != default_group)
    giver.limits = std::max(giver.limits - count, giver.requests);
  auto& taker = out[target] = to->second.config;
  taker.requests += count;
  taker.limits = std::max(taker.limits, taker.requests);
  return out;
}

group_plan plan_groups(const group_map& groups, const group_nodes& nodes, bool recover) {
  planner p{groups, nodes};
  p.leave();
  p.assign_incoming();
  if (recover)
    p.recover();
  return std::move(p).result();
}

std::vector<group_move> plan_drop(const group_map& groups, const group_nodes& nodes, const std::string& name) {
  auto without = groups;
  auto& row = without.at(name);
  row.config.requests = row.config.limits = 0;
  row.config.labels.clear();
  planner p{without, nodes};
  p.leave();
  p.empty(name, row.nodes);
  auto moves = std::move(p).result().moves;
  std::erase_if(moves, [&](const group_move& m) { return m.from != name; });
  return moves;
}

} // namespace muster
