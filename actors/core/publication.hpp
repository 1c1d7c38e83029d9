// A publication: a numbered change of one or more truths, as a header and the chunks it replaces, shared by reference.
#pragma once

#include "messages/msg.hpp"
#include "messages/schema/state.capnp.h"

#include <vector>

namespace muster {

/// `chunks[i]` belongs to `header.chunks[i]`. All bytes; a copy copies references.
struct publication {
  msg<schema::PublicationHeader> header;
  std::vector<msg<schema::Chunk>> chunks;
};

} // namespace muster
