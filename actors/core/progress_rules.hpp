// How far loads are, by partition and collection, and which of them are given up because nothing moves any more.
#pragma once

#include "actors/core/situation.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace muster {

/// Partitions of a load that made no progress for too long. Never one that is loaded, or whose segments are all routed.
struct abandoned_load {
  std::int64_t collection = 0;
  std::uint64_t revision = 0; ///< Of the collection, the premise.
  std::vector<std::int64_t> partitions;
};

/// Follows the loads that are not finished; what is loaded costs nothing. What is found of a partition is, over all replicas, channels
/// with a delegator and segments that one routes. Cost of a check: what was touched; another target: the collection.
/// Times are nanoseconds of any one steady clock.
class progress_rules {
public:
  struct partition_progress {
    std::int64_t partition = 0;
    std::uint32_t percent = 0; ///< Set when more was found than at the last look, so it may fall behind but never runs ahead.
    bool complete = false;     ///< Everything of it is found in every replica.
  };

  void check(const situation& s, const touched_map& touched, std::int64_t now);

  /// Loads without progress since `now - timeout`. Each is named once; it counts as moved now, so that a refused conclusion is
  /// drawn again one timeout later.
  std::vector<abandoned_load> give_up(const situation& s, std::int64_t now, std::int64_t timeout);

  /// When give_up may have something to say.
  std::optional<std::int64_t> next_time(std::int64_t timeout) const;

  /// Loads that are not finished.
  std::size_t loading() const {
    return loads_.size();
  }

  /// Of an unfinished load, by partition; empty for any other.
  std::vector<partition_progress> partitions(std::int64_t collection) const;

  /// floor(mean of its partitions); nothing for a load that is finished or unknown.
  std::optional<std::uint32_t> percent(std::int64_t collection) const;

  /// When something was last found of an unfinished load; 0: none.
  std::int64_t last_progress(std::int64_t collection) const;

private:
  struct counts {
    std::size_t wanted = 0;   ///< Segments in the newest target.
    std::size_t found = 0;    ///< Of them, over all replicas.
    std::size_t observed = 0; ///< Found with channels, at the last look.
    std::uint32_t percent = 0;
  };

  struct found_segment {
    std::int64_t partition = 0;
    std::size_t replicas = 0; ///< That route it.
  };

  struct load {
    std::int64_t version = 0;
    std::uint64_t revision = 0;
    std::size_t replicas = 0;
    std::size_t channels = 0;
    std::size_t channels_found = 0; ///< Over all replicas.
    std::map<std::int64_t, counts> partitions;
    std::map<std::int64_t, found_segment> segments;
    std::int64_t last_progress = 0;
  };

  void look(const collection_view& view, load& mine, std::int64_t segment) const;
  void settle(const collection_view& view, std::int64_t id, load& mine, std::int64_t now);
  void move(std::int64_t id, load& mine, std::int64_t now);
  void forget(std::int64_t id);

  std::map<std::int64_t, load> loads_;
  std::set<std::pair<std::int64_t, std::int64_t>> by_progress_; ///< Last progress, collection.
};

} // namespace muster
