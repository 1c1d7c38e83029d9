// The queue into the event-loop thread.
#include "net/loop_queue.hpp"

namespace muster::net {

bool loop_queue::post(loop_job job) {
  std::lock_guard guard{mutex_};
  if (closed_)
    return false;
  jobs_.push_back(std::move(job));
  if (asleep_) {
    asleep_ = false;
    sleeper_->fulfill();
  }
  return true;
}

std::vector<loop_job> loop_queue::take() {
  std::vector<loop_job> jobs;
  std::lock_guard guard{mutex_};
  jobs.swap(jobs_);
  return jobs;
}

kj::Promise<void> loop_queue::ready() {
  std::lock_guard guard{mutex_};
  if (!jobs_.empty() || closed_)
    return kj::evalLater([] {});
  auto pair = kj::newPromiseAndCrossThreadFulfiller<void>();
  sleeper_ = kj::mv(pair.fulfiller);
  asleep_ = true;
  return kj::mv(pair.promise);
}

void loop_queue::close() {
  std::vector<loop_job> jobs;
  std::lock_guard guard{mutex_};
  closed_ = true;
  asleep_ = false;
  sleeper_ = nullptr;
  jobs.swap(jobs_);
}

} // namespace muster::net
