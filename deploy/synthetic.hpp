// Collections that exist in the catalogue only: what a fleet of simulated nodes serves.
#pragma once

#include <cstdint>
#include <string>

namespace muster::cli {

struct synthetic_options {
  std::string coordinator;
  std::string shape;              ///< "COLLECTIONSxSEGMENTS".
  std::string name = "synthetic"; ///< Collection i is "<name>-<i>", with leading zeros.
  std::size_t shards = 1;
  std::size_t segment_rows = 100'000;
  std::uint64_t seed = 1;
  bool json = false;
};

/// The two numbers of a shape; ends the command with its usage when there are none, or they are out of bounds.
std::pair<std::size_t, std::size_t> read_shape(const std::string& text);

/// Registers the collections in batches and prints what was made; returns the exit code.
int import_synthetic(const synthetic_options& o);

} // namespace muster::cli
