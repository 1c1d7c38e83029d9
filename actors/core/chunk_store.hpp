// All chunks that were ever published and still stand, by reference: what a new subscriber is given.
#pragma once

#include "actors/core/change_set.hpp"

#include <map>
#include <set>

namespace muster {

/// Cost of apply: the chunks in the publication. Of whole: all chunks. Views that a publication shares are not kept here.
class chunk_store {
public:
  void apply(const publication& p) {
    auto header = p.header.read();
    if (header.getWhole()) {
      std::set<schema::ChunkKind> kinds;
      for (auto kind : header.getKinds())
        kinds.insert(kind);
      std::erase_if(chunks_, [&](const auto& entry) { return kinds.contains(entry.first.kind); });
    }
    for (auto ref : header.getRemoved())
      chunks_.erase(chunk_key{ref.getKind(), ref.getCollection(), ref.getKey()});
    std::size_t i = 0;
    for (auto ref : header.getChunks())
      chunks_[chunk_key{ref.getKind(), ref.getCollection(), ref.getKey()}] = p.chunks[i++];
  }

  /// All of it, as the whole of these kinds.
  change_set whole(const std::set<schema::ChunkKind>& kinds) const {
    using schema::ChunkKind;
    change_set all;
    all.make_whole(kinds);
    for (const auto& [key, chunk] : chunks_) {
      all.put(key, chunk);
      if (key.collection != 0)
        all.touch_whole(key.collection);
      if (key.kind == ChunkKind::NODES)
        for (auto n : chunk->getNodes().getNodes())
          all.touch_node(n.getId());
    }
    return all;
  }

private:
  std::map<chunk_key, msg<schema::Chunk>> chunks_;
};

} // namespace muster
