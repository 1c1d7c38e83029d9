// What a publisher has to say, and what one subscriber has not heard yet: chunks by reference and what they touch.
#pragma once

#include "actors/core/publication.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace muster {

struct chunk_key {
  schema::ChunkKind kind = schema::ChunkKind::INVALID;
  std::int64_t collection = 0;
  std::int64_t key = 0;

  friend auto operator<=>(const chunk_key&, const chunk_key&) = default;
};

/// True for chunks that are about one collection.
bool of_collection(schema::ChunkKind kind);

/// A union of changes. Adding the same chunk twice keeps the newer; its size is bounded by the number of chunks.
class change_set {
public:
  void put(chunk_key key, msg<schema::Chunk> chunk);
  void remove(chunk_key key);
  void touch(std::int64_t collection);
  void touch(std::int64_t collection, std::int64_t segment);
  void touch_whole(std::int64_t collection);
  void touch_node(std::int64_t node);
  void touch(std::int64_t collection, const touched_ids& ids);
  void touch(const touched_map& collections);
  /// A collection as it is from now on, in place of its chunks; null: it is gone.
  void put_view(std::int64_t collection, std::shared_ptr<const collection_view> view);
  void put_load(std::int64_t node, const node_load& load);
  void put_unheard(std::shared_ptr<const id_set> nodes);
  void put_target_segments(std::size_t all);
  /// From here on this is everything of these kinds.
  void make_whole(const std::set<schema::ChunkKind>& kinds);

  /// Adds a publication made later than all this.
  void merge(const publication& later);
  /// Of such a publication, only the chunks that belong to no collection, and the nodes it names.
  void merge_nodes(const publication& later);

  bool empty() const;
  void clear();

  const touched_map& touched() const {
    return touched_;
  }

  /// The publication of all this; the set is empty afterwards. Cost: the chunks in it.
  publication take(std::uint64_t number, std::uint64_t epoch, std::int64_t now_ns);

private:
  std::map<chunk_key, std::optional<msg<schema::Chunk>>> chunks_;
  touched_map touched_;
  std::set<std::int64_t> nodes_;
  std::set<schema::ChunkKind> whole_kinds_;
  std::map<std::int64_t, std::shared_ptr<const collection_view>> views_;
  std::map<std::int64_t, node_load> loads_;
  std::shared_ptr<const id_set> unheard_;
  std::int64_t target_segments_ = -1;
};

} // namespace muster
