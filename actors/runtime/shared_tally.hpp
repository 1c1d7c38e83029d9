// The counts of a coordinator, written by the actors that know and read by http_desk.
#pragma once

#include "actors/core/figures.hpp"

#include <memory>
#include <mutex>

namespace muster {

class shared_tally {
public:
  template <class F>
  void change(F&& f) {
    std::lock_guard guard{mutex_};
    f(tally_);
  }

  coordinator_tally read() const {
    std::lock_guard guard{mutex_};
    return tally_;
  }

private:
  mutable std::mutex mutex_;
  coordinator_tally tally_;
};

using tally_ptr = std::shared_ptr<shared_tally>;

} // namespace muster
