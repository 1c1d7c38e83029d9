// Unions of publications.
#include "actors/core/change_set.hpp"

#include "messages/limits.hpp"

#include <iterator>

namespace muster {

bool of_collection(schema::ChunkKind kind) {
  switch (kind) {
    case schema::ChunkKind::COLLECTION:
    case schema::ChunkKind::TARGET_HEAD:
    case schema::ChunkKind::TARGET_SEGMENTS:
    case schema::ChunkKind::DELEGATORS:
    case schema::ChunkKind::COPIES:
    case schema::ChunkKind::VIEWS:
    case schema::ChunkKind::TASKS:
    case schema::ChunkKind::FAILURES:
      return true;
    default:
      return false;
  }
}

void touched_ids::add(std::int64_t segment) {
  if (whole)
    return;
  segments.insert(segment);
  if (segments.size() > limits::touched_segments) {
    whole = true;
    segments.clear();
  }
}

void touched_ids::add(const touched_ids& other) {
  if (whole)
    return;
  if (!other.whole)
    segments.insert(other.segments);
  if (other.whole || segments.size() > limits::touched_segments) {
    whole = true;
    segments.clear();
  }
}

void change_set::put(chunk_key key, msg<schema::Chunk> chunk) {
  chunks_[key] = std::move(chunk);
}

void change_set::remove(chunk_key key) {
  chunks_[key] = std::nullopt;
}

void change_set::touch(std::int64_t collection) {
  touched_[collection];
}

void change_set::touch(std::int64_t collection, std::int64_t segment) {
  touched_[collection].add(segment);
}

void change_set::touch_whole(std::int64_t collection) {
  auto& t = touched_[collection];
  t.whole = true;
  t.segments.clear();
}

void change_set::touch_node(std::int64_t node) {
  nodes_.insert(node);
}

void change_set::touch(std::int64_t collection, const touched_ids& ids) {
  touched_[collection].add(ids);
}

void change_set::touch(const touched_map& collections) {
  if (touched_.empty())
    touched_ = collections;
  else
    for (const auto& [id, ids] : collections)
      touched_[id].add(ids);
}

void change_set::put_view(std::int64_t collection, std::shared_ptr<const collection_view> view) {
  views_[collection] = std::move(view);
}

void change_set::put_load(std::int64_t node, const node_load& load) {
  loads_[node] = load;
}

void change_set::put_unheard(std::shared_ptr<const id_set> nodes) {
  unheard_ = std::move(nodes);
}

void change_set::put_target_segments(std::size_t all) {
  target_segments_ = static_cast<std::int64_t>(all);
}

void change_set::make_whole(const std::set<schema::ChunkKind>& kinds) {
  std::erase_if(chunks_, [&](const auto& entry) { return kinds.contains(entry.first.kind); });
  whole_kinds_.insert(kinds.begin(), kinds.end());
}

void change_set::merge(const publication& later) {
  auto header = later.header.read();
  if (header.getWhole()) {
    std::set<schema::ChunkKind> kinds;
    for (auto kind : header.getKinds())
      kinds.insert(kind);
    make_whole(kinds);
  }
  for (auto ref : header.getRemoved())
    remove(chunk_key{ref.getKind(), ref.getCollection(), ref.getKey()});
  std::size_t i = 0;
  for (auto ref : header.getChunks())
    put(chunk_key{ref.getKind(), ref.getCollection(), ref.getKey()}, later.chunks[i++]);
  if (later.touched)
    touch(*later.touched);
  for (auto n : header.getNodesTouched())
    nodes_.insert(n);
  for (const auto& [id, view] : later.views)
    views_[id] = view;
  for (const auto& [id, load] : later.loads)
    loads_[id] = load;
  if (later.unheard)
    unheard_ = later.unheard;
  if (later.target_segments >= 0)
    target_segments_ = later.target_segments;
}

void change_set::merge_nodes(const publication& later) {
  auto header = later.header.read();
  if (header.getWhole()) {
    std::set<schema::ChunkKind> kinds;
    for (auto kind : header.getKinds())
      if (!of_collection(kind))
        kinds.insert(kind);
    if (!kinds.empty())
      make_whole(kinds);
  }
  for (auto ref : header.getRemoved())
    if (ref.getCollection() == 0)
      remove(chunk_key{ref.getKind(), ref.getCollection(), ref.getKey()});
  std::size_t i = 0;
  for (auto ref : header.getChunks()) {
    const auto& chunk = later.chunks[i++];
    if (ref.getCollection() == 0)
      put(chunk_key{ref.getKind(), ref.getCollection(), ref.getKey()}, chunk);
  }
  for (auto n : header.getNodesTouched())
    nodes_.insert(n);
}

bool change_set::empty() const {
  return chunks_.empty() && touched_.empty() && nodes_.empty() && whole_kinds_.empty() && views_.empty() && loads_.empty();
}

void change_set::clear() {
  chunks_.clear();
  touched_.clear();
  nodes_.clear();
  whole_kinds_.clear();
  views_.clear();
  loads_.clear();
  unheard_ = nullptr;
  target_segments_ = -1;
}

publication change_set::take(std::uint64_t number, std::uint64_t epoch, std::int64_t now_ns) {
  publication result;
  result.views.assign(std::make_move_iterator(views_.begin()), std::make_move_iterator(views_.end()));
  result.loads.assign(loads_.begin(), loads_.end());
  result.unheard = unheard_;
  result.target_segments = target_segments_;
  if (!touched_.empty())
    result.touched = std::make_shared<const touched_map>(std::move(touched_));
  std::size_t removed = 0;
  std::size_t words = 64 + nodes_.size();
  for (const auto& [key, chunk] : chunks_) {
    if (chunk)
      result.chunks.push_back(*chunk);
    else
      ++removed;
    words += 4;
  }
  result.header = build<schema::PublicationHeader>(
    [&](schema::PublicationHeader::Builder b) {
      auto h = b.initHeader();
      h.setEpoch(epoch);
      h.setEnqueuedAt(now_ns);
      b.setNumber(number);
      b.setWhole(!whole_kinds_.empty());
      auto kinds = b.initKinds(static_cast<unsigned>(whole_kinds_.size()));
      unsigned k = 0;
      for (auto kind : whole_kinds_)
        kinds.set(k++, kind);
      auto puts = b.initChunks(static_cast<unsigned>(chunks_.size() - removed));
      auto gone = b.initRemoved(static_cast<unsigned>(removed));
      unsigned p = 0;
      unsigned g = 0;
      for (const auto& [key, chunk] : chunks_) {
        auto ref = chunk ? puts[p++] : gone[g++];
        ref.setKind(key.kind);
        ref.setCollection(key.collection);
        ref.setKey(key.key);
      }
      auto nodes = b.initNodesTouched(static_cast<unsigned>(nodes_.size()));
      unsigned n = 0;
      for (auto id : nodes_)
        nodes.set(n++, id);
    },
    words);
  clear();
  return result;
}

} // namespace muster
