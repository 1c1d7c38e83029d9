// How many seeds a property test runs through: some in the normal run, many in ./deploy/test nightly.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace muster {

/// `normal`, or `nightly` when the environment has MUSTER_NIGHTLY=1.
inline std::uint64_t seeds(std::uint64_t normal, std::uint64_t nightly = 100'000) {
  const char* set = std::getenv("MUSTER_NIGHTLY");
  return set != nullptr && set[0] == '1' ? nightly : normal;
}

} // namespace muster
