// How often something may happen: so many times a second, with as many at once after a pause.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace muster::net {

/// A bucket that fills with time. Times are those of any clock that does not go back.
class rate_limit {
public:
  using time = std::chrono::nanoseconds;

  explicit rate_limit(std::size_t a_second) : a_second_(static_cast<double>(a_second)), left_(a_second_) {
    // nop
  }

  /// True when one more may happen now.
  bool take(time now) {
    const auto passed = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    left_ = std::min(a_second_, left_ + std::max(passed, 0.0) * a_second_);
    if (left_ < 1)
      return false;
    left_ -= 1;
    return true;
  }

private:
  double a_second_;
  double left_;
  time last_{};
};

} // namespace muster::net
