// Where the inspector of a process can be told what happened, for actors that were spawned before it or outlive it.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/actor_cast.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>

namespace muster {

/// Shared by all actors of a process. Empty while there is no inspector; a restarted one takes the place of its predecessor.
class inspector_link {
public:
  void set(const inspector_actor& who) {
    std::lock_guard guard{mutex_};
    who_ = caf::actor_cast<caf::weak_actor_ptr>(who);
  }

  /// Null when there is none (any more).
  inspector_actor get() const {
    std::lock_guard guard{mutex_};
    return caf::actor_cast<inspector_actor>(who_);
  }

  /// Number of the next event: an inspector that is started anew goes on with it.
  void told(std::uint64_t next) {
    next_.store(next, std::memory_order_relaxed);
  }
  std::uint64_t next() const {
    return next_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<std::uint64_t> next_{0};
  mutable std::mutex mutex_;
  caf::weak_actor_ptr who_;
};

} // namespace muster
