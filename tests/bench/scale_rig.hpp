// A coordinator with simulated nodes in one process, somebody who hears its situation, and the clocks of the figures.
#pragma once

#include "actors/core/situation.hpp"
#include "actors/runtime/shell.hpp"
#include "tests/support/local_cluster.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace muster::bench {

using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point begin);

/// Processor time of this process so far, in microseconds: other processes do not count.
double cpu_us();

double percentile(std::vector<double> values, double p);

/// The collection that was imported as the i-th.
std::string name_of(std::size_t i);

/// What the follower of the situation and the measuring thread share.
struct watch {
  std::mutex mutex;
  std::condition_variable changed;
  situation view;

  template <class Good>
  void await(Good good, std::chrono::seconds patience = std::chrono::seconds{60}) {
    std::unique_lock lock{mutex};
    if (!changed.wait_for(lock, patience, [&] { return good(view); }))
      throw std::runtime_error("what was to be measured did not come to an end");
  }
};

/// Real threads and time. What goes wrong is a std::runtime_error.
struct rig {
  explicit rig(std::size_t nodes, std::shared_ptr<journal> disk = nullptr);
  ~rig();

  void import(std::size_t first, std::size_t count, std::size_t segments);

  /// Loads them, several at a time.
  void load(std::size_t first, std::size_t count);

  /// Waits until no actor has anything queued and none handled anything for a while.
  void quiet();

  std::unique_ptr<local_cluster> cluster;
  std::shared_ptr<watch> seen;
  subscriber_actor follower;
  std::vector<std::int64_t> ids;
};

/// The reports of all nodes that every copy has `version` now, at most `entries` a report.
std::vector<msg<schema::NodeReport>> changed_copies(rig& r, std::int64_t version, std::size_t entries, std::uint64_t& seq);

} // namespace muster::bench
