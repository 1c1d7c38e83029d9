// The simulator's own random numbers: integers only, the same on every machine and library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace muster::sim {

/// splitmix64: every seed is good, every state a seed.
class prng {
public:
  explicit prng(std::uint64_t seed) : state_(seed) {
    // nop
  }

  std::uint64_t next() {
    auto z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  /// 0 to n - 1; the bias of the remainder does not matter here.
  std::uint64_t below(std::uint64_t n) {
    return n < 2 ? 0 : next() % n;
  }

  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
  }

  bool chance(std::uint64_t in, std::uint64_t of) {
    return below(of) < in;
  }

  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

private:
  std::uint64_t state_;
};

} // namespace muster::sim
