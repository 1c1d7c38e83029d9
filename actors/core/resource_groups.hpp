// Resource groups: which nodes belong together, what a group lacks or has too many of, and who gives a node to whom.
#pragma once

#include "actors/core/reason.hpp"
#include "actors/core/rows.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// Groups by name.
using group_map = std::map<std::string, group_row>;
using group_configs = std::map<std::string, group_config>;

/// What the rules must know of a node. A node that is not listed is not in the cluster.
struct group_node {
  bool here = false;    ///< Connected and not stopping: may be given to a group.
  bool leaving = false; ///< Stopping or gone: leaves its group.
  std::int64_t rows = 0; ///< What it carries: the lightest node is moved first, there is least to drain.
  std::vector<std::pair<std::string, std::string>> labels; ///< Only read when `here`.
};
using group_nodes = std::map<std::int64_t, group_node>;

/// How a group stands to its config. N counts the members that pass its label filter.
struct group_quantities {
  std::int64_t count = 0;     ///< N
  std::int64_t dirty = 0;     ///< Members that its filter does not accept.
  std::int64_t missing = 0;   ///< max(requests - N, 0)
  std::int64_t oversized = 0; ///< max(N - requests, 0) + dirty
  std::int64_t room = 0;      ///< max(limits - N, 0)
  std::int64_t redundant = 0; ///< max(N - limits, 0) + dirty

  bool meets_requirement() const {
    return missing == 0 && redundant == 0;
  }
};

/// One node changes its group. `from` or `to` empty: it was in none, or leaves.
struct group_move {
  std::int64_t node = 0;
  std::string from;
  std::string to;
  reason why = reason::none;

  friend bool operator==(const group_move&, const group_move&) = default;
};

/// What should happen to the groups, as single moves in order, and what cannot be had.
struct group_plan {
  std::vector<group_move> moves;
  std::vector<std::string> lacking; ///< Groups that miss nodes which nobody can give.
  bool all_full = false;            ///< The default group is over its limits and no other has room.
};

/// The default group as it is before anybody changed it. Its revision is 1: 0 means that metadata has not told yet.
group_row default_group_row();

/// True when a node with these labels passes the group's filter; the default group accepts every node.
bool accepts(const group_row& group, const std::vector<std::pair<std::string, std::string>>& labels);

/// Cost: the members.
group_quantities quantities(const group_row& group, const group_nodes& nodes);

/// The node that `giver` offers to `taker`: the lightest dirty one that it accepts; else, when the giver has more than it
/// requests, its lightest that it accepts; ties to the larger id. 0: none. Cost: the members.
std::int64_t offered(const group_row& giver, const group_row& taker, const group_nodes& nodes);

/// ok, or why a config of that name cannot be used: resource_group_illegal_config.
failure check_config(std::string_view name, const group_config& config, const group_map& groups);

/// ok when the group may be dropped (unknown ones too); its nodes and the replicas in it are not looked at.
failure check_drop(std::string_view name, const group_map& groups);

/// The configs of both groups after `count` nodes are to go from one to the other.
result<group_configs> transfer_configs(const group_map& groups, const std::string& source, const std::string& target,
                                       std::int64_t count);

/// Brings the groups to what their configs ask for: leaving nodes go, nodes of no group are assigned, then (if `recover`)
/// groups that miss nodes take them one by one and groups with redundant ones give them away, until nothing is left to do.
/// The same input gives the same moves: groups by name, nodes by what they carry, then the larger id. It ends: a move never
/// makes a group miss a node, and lowers, in this order, what is missing, what is redundant outside the default group, or
/// what is redundant in it. Cost: nodes, and for each move the groups.
group_plan plan_groups(const group_map& groups, const group_nodes& nodes, bool recover);

/// Where the nodes of a group go that is about to be dropped; leaving ones go nowhere. Cost: as plan_groups.
std::vector<group_move> plan_drop(const group_map& groups, const group_nodes& nodes, const std::string& name);

} // namespace muster
