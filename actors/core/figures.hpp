// What is counted for /metrics where it happens: tasks by kind, loads and releases.
#pragma once

#include "messages/schema/state.capnp.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace muster {

/// How often a value was at most each of some bounds. `bounds` has static life, ascending, at most 15.
class histogram {
public:
  explicit constexpr histogram(std::span<const double> bounds) : bounds_(bounds) {
    // nop
  }

  void observe(double value) {
    const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
    ++counts_[static_cast<std::size_t>(at)];
    sum_ += value;
  }

  std::span<const double> bounds() const {
    return bounds_;
  }

  /// Of bucket i alone; the last is that beyond all bounds.
  std::uint64_t count(std::size_t bucket) const {
    return counts_[bucket];
  }

  double sum() const {
    return sum_;
  }

  void add(const histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i)
      counts_[i] += other.counts_[i];
    sum_ += other.sum_;
  }

private:
  std::span<const double> bounds_;
  std::array<std::uint64_t, 16> counts_{};
  double sum_ = 0;
};

// The model's buckets, in milliseconds.
inline constexpr std::array task_bounds{1.0,      100.0,    500.0,    1'000.0,     5'000.0,     10'000.0,    20'000.0,    50'000.0,
                                        100'000.0, 250'000.0, 500'000.0, 1'000'000.0, 3'600'000.0, 5'000'000.0, 10'000'000.0};
inline constexpr std::array load_bounds{0.0,      500.0,    1'000.0,  2'000.0,   5'000.0,   10'000.0,
                                        20'000.0, 50'000.0, 60'000.0, 300'000.0, 600'000.0, 1'800'000.0};
inline constexpr std::array release_bounds{0.0, 5.0, 10.0, 20.0, 40.0, 100.0, 200.0, 400.0, 1'000.0, 10'000.0};

/// Tasks of one kind.
struct kind_tally {
  std::uint64_t begun = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t canceled = 0;
  histogram took_ms{task_bounds}; ///< Of all that ended.

  std::uint64_t in_flight() const {
    return begun - succeeded - failed - canceled;
  }
};

struct task_tally {
  std::array<kind_tally, 16> kinds; ///< By TaskKind.

  void begin(schema::TaskKind kind) {
    ++of(kind).begun;
  }

  void end(schema::TaskKind kind, schema::TaskStatus status, std::int64_t took_ns) {
    auto& k = of(kind);
    switch (status) {
      case schema::TaskStatus::SUCCEEDED:
        ++k.succeeded;
        break;
      case schema::TaskStatus::FAILED:
        ++k.failed;
        break;
      default:
        ++k.canceled;
        break;
    }
    k.took_ms.observe(static_cast<double>(took_ns) / 1e6);
  }

  kind_tally& of(schema::TaskKind kind) {
    return kinds[std::min<std::size_t>(static_cast<std::size_t>(kind), kinds.size() - 1)];
  }
};

/// Loads, or releases.
struct request_tally {
  explicit constexpr request_tally(std::span<const double> bounds) : took_ms(bounds) {
    // nop
  }

  std::uint64_t total = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  histogram took_ms; ///< Of those that succeeded.

  void end(bool ok, std::int64_t took_ns) {
    ++(ok ? succeeded : failed);
    if (ok)
      took_ms.observe(static_cast<double>(took_ns) / 1e6);
  }
};

/// All that is counted in a coordinator.
struct coordinator_tally {
  task_tally tasks;
  request_tally loads{load_bounds};
  request_tally releases{release_bounds};
};

} // namespace muster
