// One change of a copy on its way through the cores: the report, the merged situation, a reader's situation, all rules.
#pragma once

#include "actors/core/balance_rules.hpp"
#include "actors/core/channel_rules.hpp"
#include "actors/core/distribution_tables.hpp"
#include "actors/core/index_rules.hpp"
#include "actors/core/leader_rules.hpp"
#include "actors/core/progress_rules.hpp"
#include "actors/core/segment_rules.hpp"
#include "actors/core/target_rules.hpp"

#include <cstddef>
#include <cstdint>

namespace muster::bench {

/// A cluster at rest in the cores alone, without actors: everything is loaded and led.
class delta_chain {
public:
  /// Each collection has one replica on all nodes, one channel and `segments` segments. Cost: all of them.
  delta_chain(std::int64_t nodes, std::int64_t collections, std::int64_t segments);

  /// The node that holds the next copy reports that it has another version, and everybody hears of it.
  void change();

private:
  void hear(publication p);
  void check(const touched_map& touched);

  std::int64_t nodes_;
  std::int64_t collections_;
  std::int64_t segments_;
  distribution_tables distribution_;
  situation merged_;
  situation reader_;
  segment_rules segment_;
  leader_rules leader_;
  index_rules index_;
  channel_rules channel_;
  balance_rules balance_;
  promotion_rules promotion_;
  progress_rules progress_;
  std::uint64_t number_ = 0;
  std::uint64_t seq_ = 1;
  std::int64_t changed_ = 0;
};

} // namespace muster::bench
