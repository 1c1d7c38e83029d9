// What other threads ask of the event-loop thread: a queue with one wake-up for many jobs.
#pragma once

#include <kj/async.h>

#include <functional>
#include <mutex>
#include <vector>

namespace muster::net {

class hub;

/// A job runs on the loop thread, with the hub that is alive there.
using loop_job = std::function<void(hub&)>;

/// Filled by any thread, emptied by the loop. It outlives the loop: what comes later is dropped.
class loop_queue {
public:
  /// Adds a job; never blocks for longer than a push. False when the loop has ended.
  bool post(loop_job job);

  // -- the loop's side --------------------------------------------------------

  /// All jobs that are there.
  std::vector<loop_job> take();
  /// Resolves when there are jobs; the wake-up is armed by the call.
  kj::Promise<void> ready();
  /// Drops all jobs, now and later.
  void close();

private:
  std::mutex mutex_;
  std::vector<loop_job> jobs_;
  kj::Own<kj::CrossThreadPromiseFulfiller<void>> sleeper_;
  bool asleep_ = false;
  bool closed_ = false;
};

} // namespace muster::net
