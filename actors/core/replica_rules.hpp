// What replica_observer concludes: which nodes belong to which replica; and how replicas are spread over resource groups.
#pragma once

#include "actors/core/resource_groups.hpp"
#include "actors/core/situation.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace muster {

/// Members of resource groups that replicas of one collection may use, by id: those that can be given work, and those that
/// a replica uses already. A node is in at most one group.
using member_map = std::map<std::string, std::vector<std::int64_t>, std::less<>>;

/// One replica against the members of its group.
struct replica_share {
  std::int64_t id = 0;
  std::vector<std::int64_t> kept;        ///< Read-write and in the group.
  std::vector<std::int64_t> foreign;     ///< Read-write, but no member any more: to be drained.
  std::vector<std::int64_t> recoverable; ///< Read-only, but a member (again).
  std::size_t expected = 0;              ///< So many read-write nodes are its share.

  /// Nodes that it lacks even when the recoverable ones are taken back.
  std::size_t wants() const;
  /// Read-write nodes beyond its share.
  std::size_t surplus() const;
};

/// How the members of one group are shared among the replicas in it, by id.
struct group_share {
  std::vector<std::int64_t> free; ///< Members that no replica of the collection uses.
  std::vector<replica_share> replicas;
};
using share_map = std::map<std::string, group_share, std::less<>>;

/// Shares differ by at most one node within a group; the larger ones go to the replicas that have most, so that as few nodes as
/// possible move. Fails (and nothing is to be changed) when groups overlap or a replica's group is not in `members`.
/// Cost: members and nodes of the collection.
result<share_map> share_nodes(const std::vector<replica_row>& replicas, const member_map& members);

/// Brings the node lists of one collection's replicas to their shares: foreign and surplus nodes become read-only (those of the
/// least `cost` first, ties to the larger id), recoverable ones read-write again, free ones are dealt one by one.
/// A node that any replica uses is never given to another: it is drained and dropped first. Fails like share_nodes.
failure redistribute(std::vector<replica_row>& replicas, const member_map& members,
                     const std::function<std::int64_t(std::int64_t node)>& cost);

/// Replicas that wait for each other's nodes exchange their groups: one without a read-write node, all of whose group's nodes are still
/// used by another such replica, and so on round a circle. Nothing could be drained first, and nothing has to be: replicas of a
/// collection are as good as each other, so each takes the group that its nodes are in, and no segment moves. As many replicas as
/// before are in each group. True: some did; the nodes are to be redistributed once more. Cost: as redistribute.
bool exchange_groups(std::vector<replica_row>& replicas, const member_map& members);

/// The group of each of `count` replicas: none named: the default group, one: all in it, `count`: one each.
/// `count_nodes`: a group with fewer usable members than replicas is refused (resource_group_node_not_enough).
result<std::vector<std::string>> assign_groups(const std::vector<std::string>& groups, std::size_t count,
                                               const group_map& known, const member_map& members, bool count_nodes);

/// How replicas change when others are wanted.
struct regrouping {
  std::vector<std::pair<std::int64_t, std::string>> moved; ///< replica, its new group
  std::vector<std::int64_t> removed;
  std::vector<std::string> spawned; ///< The group of each new replica.

  bool empty() const {
    return moved.empty() && removed.empty() && spawned.empty();
  }
};

/// `wanted` has the group of each replica wanted. Replicas that are surplus in their group move to where one is missing before
/// any is spawned. Removed are first those that do not serve, then the youngest; a replica that serves stays when none of
/// those that would be left does, so that no read fails.
regrouping regroup(const std::vector<replica_row>& replicas, const std::vector<std::string>& wanted,
                   const std::set<std::int64_t>& serving);

/// Which replicas of a collection go when `count` are to be moved between groups, the oldest first; or why not.
result<std::vector<std::int64_t>> transfer_replicas(const std::vector<replica_row>& replicas, const group_map& groups,
                                                    const std::string& source, const std::string& target,
                                                    std::int64_t count);

/// Node lists of channels for policies that give channels nodes of their own (channel-exclusive mode): with at least `factor`
/// read-write nodes a channel they are shared evenly and as they are now as far as possible, otherwise all lists are empty.
/// Nodes in one list are in no other. Without registered channels nothing happens. factor 0: the mode is off.
void spread_channels(std::map<std::string, std::vector<std::int64_t>>& lists, const std::vector<std::int64_t>& read_write,
                     std::size_t factor);

/// New node lists for the replicas of one collection.
struct replica_assignment {
  std::int64_t collection = 0;
  std::uint64_t revision = 0;
  std::vector<replica_row> replicas; ///< Only those that change.
};

/// Members of groups that replicas of a collection may use, for the groups that its replicas are in. A read-write node that is
/// in no group counts as a member of its replica's.
member_map members_for(const situation& s, const std::vector<replica_row>& replicas);

/// For the touched collections and those with a replica in `groups` (a member changed or became usable): gone nodes leave their
/// replicas, read-only ones that hold nothing of the collection (and are no task's destination) too, then the nodes are
/// redistributed; where replicas wait for each other's nodes, they exchange their groups. A replica whose group is unknown keeps its collection as it is. Cost: replicas of those collections and
/// members of their groups.
/// `seen`, by collection: with which revision it was looked at. With the same, and none of its nodes gone or to be drained, a touch says
/// nothing about its replicas.
std::vector<replica_assignment> check_replicas(const situation& s, const touched_map& touched,
                                               const std::set<std::string>& groups,
                                               std::map<std::int64_t, std::uint64_t>& seen);

} // namespace muster
