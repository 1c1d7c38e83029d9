// A publication as bytes and back, for records that are replayed: what travels by reference between actors is written out.
#pragma once

#include "actors/core/publication.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// `frames`: the header, its chunks, then the chunks of each shared view. `about`: what is touched, loads of nodes, and of which kind
/// and key the chunks of views are; numbers of 64 bits, little endian.
struct publication_bytes {
  std::vector<std::string> frames;
  std::string about;
};

/// Bytes that `write` would give to frames. Cost: the chunks, not their rows.
std::size_t recorded_bytes(const publication& p);

publication_bytes write(const publication& p);

/// malformed_frame.
result<publication> read_publication(const std::vector<std::string_view>& frames, std::string_view about);

} // namespace muster
