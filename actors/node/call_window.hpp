// A bound on calls in flight: what exceeds it waits in order, up to a second bound.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <utility>

namespace muster {

class call_window {
public:
  call_window(std::size_t at_once, std::size_t waiting) : at_once_(at_once), most_waiting_(waiting) {
    // nop
  }

  /// Starts the call now or when others are done; false: too many wait. Each started call ends with one `done`.
  bool submit(std::function<void()> call) {
    if (in_flight_ >= at_once_) {
      if (waiting_.size() >= most_waiting_)
        return false;
      waiting_.push_back(std::move(call));
      return true;
    }
    ++in_flight_;
    call();
    return true;
  }

  /// A call ended: the next one starts. May be called by a call that fails while it is started.
  void done() {
    --in_flight_;
    if (starting_)
      return;
    starting_ = true;
    while (in_flight_ < at_once_ && !waiting_.empty()) {
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      ++in_flight_;
      next();
    }
    starting_ = false;
  }

  std::size_t in_flight() const {
    return in_flight_;
  }

private:
  std::size_t at_once_;
  std::size_t most_waiting_;
  std::size_t in_flight_ = 0;
  bool starting_ = false;
  std::deque<std::function<void()>> waiting_;
};

} // namespace muster
