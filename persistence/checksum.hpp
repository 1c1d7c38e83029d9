// The 64-bit checksum of Muster's own files: short, a word at a time, and frozen because files on disk carry it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace muster {

/// A checksum of `size` bytes at `data`; `seed` chains blocks: the checksum of the block before, 0 for the first. Each
/// step is a bijection of the running value, so a change inside one word is always found; others are missed once in
/// 2^64. It protects against damage, not against forgery. Frozen: a test holds its values.
inline std::uint64_t checksum64(const void* data, std::size_t size, std::uint64_t seed = 0) {
  constexpr std::uint64_t spread = 0x9e3779b97f4a7c15u;
  auto mix = [](std::uint64_t h, std::uint64_t word) {
    h = (h ^ word) * spread;
    return h ^ (h >> 32);
  };
  auto at = static_cast<const unsigned char*>(data);
  auto h = mix(seed ^ spread, size);
  for (; size >= sizeof(std::uint64_t); size -= sizeof(std::uint64_t), at += sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    h = mix(h, word);
  }
  if (size > 0) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, size);
    h = mix(h, word);
  }
  return mix(h, spread);
}

} // namespace muster
