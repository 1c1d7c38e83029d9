// A publication: a numbered change of one or more truths, as a header and the chunks it replaces, shared by reference.
#pragma once

#include "actors/core/node_load.hpp"
#include "actors/core/touched.hpp"
#include "messages/msg.hpp"
#include "messages/schema/state.capnp.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace muster {

class collection_view;

/// `chunks[i]` belongs to `header.chunks[i]`. A copy copies references.
/// Who merges the truths decodes each chunk of a collection once and publishes, in its place, the immutable view of the whole
/// collection that its many subscribers share; of what nodes carry, those that changed.
struct publication {
  msg<schema::PublicationHeader> header;
  std::vector<msg<schema::Chunk>> chunks;
  std::shared_ptr<const touched_map> touched; ///< What it is about, shared by all who read it; null: nothing.
  std::vector<std::pair<std::int64_t, std::shared_ptr<const collection_view>>> views; ///< Null: nothing is known of it any more.
  std::vector<std::pair<std::int64_t, node_load>> loads;
  std::int64_t target_segments = -1; ///< In all collections, when `views` are there; -1: not told.
  std::shared_ptr<const id_set> unheard; ///< Nodes that replicas name and no chunk of nodes has; null: not told.
};

} // namespace muster
