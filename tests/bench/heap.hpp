// What the heap of a benchmark's process has given out, by whichever allocator it was linked with.
#pragma once

#ifdef MUSTER_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

#include <cstddef>
#include <cstdint>
#include <malloc.h>
#include <stdexcept>

namespace muster::bench {

/// Bytes.
inline std::size_t heap_in_use() {
#ifdef MUSTER_JEMALLOC
  std::uint64_t epoch = 1; // written: the numbers are refreshed
  std::size_t bytes = 0;
  std::size_t length = sizeof(bytes);
  if (mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch)) != 0
      || mallctl("stats.allocated", &bytes, &length, nullptr, 0) != 0)
    throw std::runtime_error("jemalloc does not tell what is allocated");
  return bytes;
#else
  malloc_trim(0);
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

} // namespace muster::bench
