// A small seeded random source for property tests: the same seed gives the same draws on every standard library.
#pragma once

#include <cstdint>

namespace muster {

/// splitmix64.
class dice {
public:
  explicit dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {
    // nop
  }

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ull;
    auto z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  /// One of 0 .. n - 1.
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(n));
  }

  /// One of first .. last.
  std::int64_t from(std::int64_t first, std::int64_t last) {
    return first + below(last - first + 1);
  }

  bool one_in(std::int64_t n) {
    return below(n) == 0;
  }

private:
  std::uint64_t state_;
};

} // namespace muster
