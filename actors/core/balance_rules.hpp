// What balance_checker concludes: moves that lower the spread of a collection's rows over the nodes of a replica.
#pragma once

#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace muster {

/// The potential of a replica is the sum of the squares of its nodes' rows. A move from the fullest node that can give to the emptiest is
/// proposed only if it lowers that by more than the hysteresis, so no sequence of moves can cycle. Before all else, what
/// read-only nodes hold moves to the read-write node with the fewest rows. Remembers which collections may be uneven; cost of a
/// check: the copies of those among the touched that have no task in flight.
class balance_rules {
public:
  std::vector<proposal> check(const situation& s, const touched_map& touched);

private:
  void check_replica(const situation& s, const collection_view& view, const replica_row& replica,
                     std::vector<proposal>& out) const;

  std::set<std::int64_t> uneven_;
  std::map<std::int64_t, std::int64_t> current_;
};

/// Sum of squares, in units that cannot overflow for 2^31 rows a node and 4,096 nodes.
double row_potential(const std::map<std::int64_t, std::int64_t>& rows_by_node);

} // namespace muster
