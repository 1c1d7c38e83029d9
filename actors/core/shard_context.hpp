// What conclusions about the segments of one collection rest on beside the segments themselves.
#pragma once

#include "actors/core/situation.hpp"

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace muster {

/// Leaders, known replicas and shards that are being set up, looked up once for many segments of one collection. Lives no
/// longer than the situation stands still. Cost to make: delegators times shards, and the nodes of the replicas.
class shard_context {
public:
  struct shard {
    const delegator_row* leader = nullptr;
    bool usable = false;  ///< The leader's node can be given work.
    bool serving = false; ///< A task that sets up a leader is in flight: its own order brings the segments.
  };

  /// `view` must be desired.
  shard_context(const situation& s, const collection_view& view);

  /// True when lack and surplus in the replica (by index) may be concluded.
  bool known(std::size_t replica) const {
    return known_[replica];
  }

  /// True when a task that sets up a leader of the collection is in flight.
  bool serving() const {
    return serving_;
  }

  /// A shard by the indexes of replica and channel; an empty one for a channel that the target has not.
  const shard& at(std::size_t replica, std::size_t channel) const;

private:
  std::size_t channels_ = 0;
  std::vector<bool> known_;
  std::vector<shard> shards_;
  bool serving_ = false;
  shard none_;
};

/// True when every replica has nodes that have not reported yet: nothing can be concluded about any segment. When that ends, the
/// collection is touched wholly. Cost: mostly one node a replica.
bool nothing_known(const situation& s, const collection_row& desired);

/// All of that, to compare: while it is equal, only a touched segment can be concluded about otherwise than before.
struct shard_state {
  std::int64_t current = 0;
  std::int64_t next = 0;
  std::uint64_t revision = 0;
  shared_list<delegator_row> delegators;
  std::vector<std::tuple<std::int64_t, std::string, schema::TaskKind>> channel_tasks; ///< Replica, channel.
  std::uint64_t node_changes = 0; ///< Of all nodes: they are rare.

  friend bool operator==(const shard_state&, const shard_state&) = default;
};

/// Cost: delegators and channel tasks of the collection.
shard_state shard_state_of(const situation& s, const collection_view& view);

} // namespace muster
