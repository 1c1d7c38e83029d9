// Rules for the nodes of replicas.
#include "actors/core/replica_rules.hpp"

#include <algorithm>
#include <set>

namespace muster {

void assign_nodes(std::vector<replica_row>& replicas, std::vector<std::int64_t> nodes) {
  if (replicas.empty())
    return;
  std::sort(nodes.begin(), nodes.end());
  for (auto node : nodes) {
    auto least = std::min_element(replicas.begin(), replicas.end(), [](const replica_row& a, const replica_row& b) {
      const auto left = a.nodes.size();
      const auto right = b.nodes.size();
      return std::tie(left, a.id) < std::tie(right, b.id);
    });
    least->nodes.push_back(node);
  }
}

std::vector<replica_assignment> check_replicas(const situation& s, const touched_map& touched, bool all) {
  std::vector<replica_assignment> result;
  const auto look = [&](const collection_view& view) {
    if (!view.desired)
      return;
    const auto& desired = *view.desired;
    auto replicas = desired.replicas;
    std::set<std::int64_t> taken;
    for (auto& r : replicas) {
      std::erase_if(r.nodes, [&](std::int64_t id) {
        const auto* n = s.node(id);
        return n != nullptr && n->gone();
      });
      std::erase_if(r.read_only_nodes, [&](std::int64_t id) {
        const auto* n = s.node(id);
        return n != nullptr && n->gone();
      });
      taken.insert(r.nodes.begin(), r.nodes.end());
      taken.insert(r.read_only_nodes.begin(), r.read_only_nodes.end());
    }
    std::vector<std::int64_t> free;
    for (const auto& [id, n] : s.nodes())
      if (n.connected() && n.known && !n.stopping && !taken.contains(id))
        free.push_back(id);
    assign_nodes(replicas, std::move(free));
    replica_assignment a;
    a.collection = desired.id;
    a.revision = desired.revision;
    for (std::size_t i = 0; i < replicas.size(); ++i)
      if (!(replicas[i] == desired.replicas[i]))
        a.replicas.push_back(replicas[i]);
    if (!a.replicas.empty())
      result.push_back(std::move(a));
  };
  if (all) {
    for (const auto& [id, view] : s.collections())
      look(view);
  } else {
    for (const auto& [id, ids] : touched)
      if (const auto* view = s.collection(id); view != nullptr && ids.whole)
        look(*view);
  }
  return result;
}

} // namespace muster
