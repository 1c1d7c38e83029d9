// Commits against the desired state and the targets.
#include "actors/core/metadata_tables.hpp"

#include <algorithm>

namespace muster {

namespace {

using schema::ChunkKind;

failure refuse(ec code, std::string text) {
  return failure{code, std::move(text)};
}

commit_outcome refused(ec code, std::string text) {
  commit_outcome out;
  out.why = refuse(code, std::move(text));
  return out;
}

template <class T>
std::string bytes_of(const msg<T>& m) {
  return std::string{m.bytes()};
}

std::string number_payload(std::uint64_t number) {
  return bytes_of(build<schema::Ack>([&](schema::Ack::Builder b) { b.setNumber(number); }));
}

} // namespace

const std::set<ChunkKind>& metadata_kinds() {
  static const std::set<ChunkKind> kinds{ChunkKind::COLLECTION, ChunkKind::TARGET_HEAD, ChunkKind::TARGET_SEGMENTS,
                                         ChunkKind::RESOURCE_GROUP, ChunkKind::SWITCHES};
  return kinds;
}

// -- a start --------------------------------------------------------------

commit_outcome metadata_tables::start_epoch(std::uint32_t recover_limit) {
  commit_outcome out;
  recount(out, recover_limit);
  ++epoch_;
  out.value = static_cast<std::int64_t>(epoch_);
  out.rows.push_back({record_kind::epoch, "epoch", number_payload(epoch_)});
  return out;
}

change_set metadata_tables::whole() const {
  change_set all;
  all.make_whole(metadata_kinds());
  for (const auto& [id, e] : collections_) {
    if (e.desired)
      all.put({ChunkKind::COLLECTION, id, 0}, chunk_of(*e.desired));
    if (e.head)
      all.put({ChunkKind::TARGET_HEAD, id, 0}, chunk_of(*e.head));
    e.segments.each_chunk([&, c = id](const auto& rows) { return chunk_of(c, rows); },
                          [&, c = id](std::int64_t key, msg<schema::Chunk> chunk) {
                            all.put({ChunkKind::TARGET_SEGMENTS, c, key}, std::move(chunk));
                          });
    all.touch_whole(id);
  }
  for (const auto& [name, row] : groups_)
    all.put({ChunkKind::RESOURCE_GROUP, 0, row.id}, chunk_of(row));
  all.put({ChunkKind::SWITCHES, 0, 0}, chunk_of(switches_));
  return all;
}

// -- commits --------------------------------------------------------------------

commit_outcome metadata_tables::decide(schema::Commit::Reader commit) {
  switch (commit.which()) {
    case schema::Commit::LOAD:
      return load(commit.getLoad());
    case schema::Commit::RELEASE:
      return release(commit.getRelease().getCollection());
    case schema::Commit::NEXT:
      return next(commit.getNext());
    case schema::Commit::PROMOTION:
      return promote(commit.getPromotion());
    case schema::Commit::REPLICAS:
      return replicas(commit.getReplicas());
    case schema::Commit::NODE:
      return node(commit.getNode());
    case schema::Commit::ALLOCATE:
      return allocate(commit.getAllocate());
    case schema::Commit::RELEASE_PARTITIONS:
      return release_partitions(commit.getReleasePartitions());
    case schema::Commit::REPLICA_GROUPS:
      return replica_groups(commit.getReplicaGroups());
    case schema::Commit::GROUPS:
      return change_groups(commit.getGroups());
    case schema::Commit::CHANGE:
      return change_switch(commit.getChange());
    case schema::Commit::INVALID:
      break;
  }
  return refused(ec::parameter_invalid, "a commit of no kind that this version knows");
}

std::int64_t metadata_tables::take_ids(commit_outcome& out, std::int64_t count) {
  const auto first = next_id_;
  next_id_ += count;
  out.rows.push_back({record_kind::allocator, "ids", number_payload(static_cast<std::uint64_t>(next_id_))});
  return first;
}

void metadata_tables::put_collection(commit_outcome& out, const collection_row& row) const {
  auto chunk = chunk_of(row);
  out.rows.push_back({record_kind::collection, std::to_string(row.id), bytes_of(chunk)});
  out.changes.put({ChunkKind::COLLECTION, row.id, 0}, std::move(chunk));
}

void metadata_tables::put_head(commit_outcome& out, const head_row& row) const {
  auto chunk = chunk_of(row);
  out.rows.push_back({record_kind::target_head, std::to_string(row.collection), bytes_of(chunk)});
  out.changes.put({ChunkKind::TARGET_HEAD, row.collection, 0}, std::move(chunk));
}

void metadata_tables::put_segments(commit_outcome& out, std::int64_t collection, chunked<target_row>& table) const {
  const auto name = [&](std::int64_t key) { return std::to_string(collection) + "/" + std::to_string(key); };
  table.flush(
    [&](std::int64_t key, const std::vector<target_row>& rows) {
      auto chunk = chunk_of(collection, rows);
      out.rows.push_back({record_kind::target_segments, name(key), bytes_of(chunk)});
      out.changes.put({ChunkKind::TARGET_SEGMENTS, collection, key}, chunk);
      return chunk;
    },
    [&](std::int64_t key) {
      out.rows.push_back({record_kind::target_segments, name(key), std::nullopt});
      out.changes.remove({ChunkKind::TARGET_SEGMENTS, collection, key});
    });
}

commit_outcome metadata_tables::load(schema::CommitLoad::Reader commit) {
  auto row = muster::read(commit.getCollection());
  if (auto i = collections_.find(row.id); i != collections_.end() && i->second.desired) {
    const auto& there = *i->second.desired;
    if (there.replica_number != row.replica_number)
      return refused(ec::parameter_invalid, "collection " + there.name + " is loaded with "
                                              + std::to_string(there.replica_number) + " replicas, not "
                                              + std::to_string(row.replica_number) + "; release it first");
    return load_more(i->second, row, commit);
  }
  if (row.id <= 0 || row.replicas.empty() || row.replicas.size() != row.replica_number)
    return refused(ec::parameter_invalid, "a load of collection " + std::to_string(row.id) + " without its replicas");
  for (const auto& r : row.replicas)
    if (!groups_.contains(std::string{r.group()}))
      return refused(ec::resource_group_not_found, "there is no resource group " + std::string{r.group()}
                                                     + " (any more); list-resource-groups shows those there are");
  commit_outcome out;
  clear_set_aside(out, row.id);
  auto head = muster::read(commit.getHead());
  // Replica ids and the version come from the one allocator, so that both grow over releases and restarts.
  const auto first = take_ids(out, static_cast<std::int64_t>(row.replicas.size()) + 1);
  for (std::size_t i = 0; i < row.replicas.size(); ++i)
    row.replicas[i].id = first + static_cast<std::int64_t>(i);
  const auto version = first + static_cast<std::int64_t>(row.replicas.size());
  row.status = schema::LoadStatus::LOADING;
  row.revision = 1;
  head.collection = row.id;
  head.current = 0;
  head.next = version;
  head.current_segments = 0;
  head.current_rows = 0;
  head.next_segments = commit.getSegments().size();
  head.next_rows = 0;
  auto& e = collections_[row.id];
  for (auto s : commit.getSegments()) {
    auto t = muster::read(s);
    t.from = version;
    t.to = 0;
    head.next_rows += t.rows;
    e.segments.put(t);
  }
  put_collection(out, row);
  put_head(out, head);
  put_segments(out, row.id, e.segments);
  out.changes.touch_whole(row.id);
  out.value = version;
  e.desired = std::move(row);
  e.head = std::move(head);
  return out;
}

commit_outcome metadata_tables::release(std::int64_t collection) {
  commit_outcome out;
  clear_set_aside(out, collection);
  auto i = collections_.find(collection);
  if (i == collections_.end())
    return out;
  out.rows.push_back({record_kind::collection, std::to_string(collection), std::nullopt});
  out.changes.remove({ChunkKind::COLLECTION, collection, 0});
  out.rows.push_back({record_kind::target_head, std::to_string(collection), std::nullopt});
  out.changes.remove({ChunkKind::TARGET_HEAD, collection, 0});
  i->second.segments.each_key([&](std::int64_t key) {
    out.rows.push_back(
      {record_kind::target_segments, std::to_string(collection) + "/" + std::to_string(key), std::nullopt});
    out.changes.remove({ChunkKind::TARGET_SEGMENTS, collection, key});
  });
  out.changes.touch_whole(collection);
  collections_.erase(i);
  return out;
}

commit_outcome metadata_tables::next(schema::CommitNext::Reader commit) {
  const auto id = commit.getCollection();
  auto i = collections_.find(id);
  if (i == collections_.end())
    return refused(ec::collection_not_loaded, "collection " + std::to_string(id) + " is not loaded");
  auto& e = i->second;
  auto& head = *e.head;
  if (head.current != commit.getCurrent())
    return refused(ec::stale_premise, "the current target of collection " + std::to_string(id) + " is "
                                        + std::to_string(head.current) + ", not "
                                        + std::to_string(commit.getCurrent()));
  commit_outcome out;
  const auto version = take_ids(out, 1);
  if (head.next == 0) {
    head.next_segments = head.current_segments;
    head.next_rows = head.current_rows;
  }
  for (auto s : commit.getAdded()) {
    add_to_next(e, version, muster::read(s), out.changes);
  }
  for (auto s : commit.getDropped())
    drop_from_next(e, version, s, out.changes);
  // Indexes are no part of what a version is: a segment has them in all versions that it is in.
  for (auto s : commit.getIndexed()) {
    target_row key;
    key.segment = s.getSegment();
    if (const auto* there = e.segments.find(key); there != nullptr && there->to == 0) {
      auto t = *there;
      t.indexes = s.getIndexes();
      t.bytes = s.getBytes();
      e.segments.put(t);
      out.changes.touch(id, t.segment);
    }
  }
  if (commit.getIndexesKnown()) {
    head.indexes = commit.getIndexes();
    head.indexes_known = true;
  }
  if (commit.getChannels().size() > 0) {
    head.next_channels.clear();
    for (auto c : commit.getChannels())
      head.next_channels.push_back(muster::read(c));
  } else if (head.next == 0) {
    head.next_channels = head.current_channels;
  }
  head.next = version;
  put_head(out, head);
  put_segments(out, id, e.segments);
  out.changes.touch(id);
  out.value = version;
  return out;
}

/// `version` is the one that next is about to become; its counts are those of the next before it.
void metadata_tables::drop_from_next(entry& e, std::int64_t version, std::int64_t segment, change_set& changes) {
  auto& head = *e.head;
  target_row key;
  key.segment = segment;
  auto* there = e.segments.find(key);
  if (there == nullptr || there->to != 0)
    return;
  auto t = *there;
  --head.next_segments;
  head.next_rows -= t.rows;
  if (t.from > head.current) {
    e.segments.erase(t);
  } else {
    t.to = version;
    e.segments.put(t);
    e.dropping.insert(segment);
  }
  changes.touch(head.collection, segment);
}

commit_outcome metadata_tables::release_partitions(schema::CommitReleasePartitions::Reader commit) {
  const auto id = commit.getCollection();
  auto i = collections_.find(id);
  commit_outcome out;
  if (i == collections_.end())
    return out;
  auto& e = i->second;
  auto& row = *e.desired;
  if (commit.getRevision() != 0 && commit.getRevision() != row.revision)
    return refused(ec::stale_premise, "collection " + row.name + " changed meanwhile");
  std::set<std::int64_t> leaving;
  for (auto p : commit.getPartitions())
    leaving.insert(p);
  const auto leaves = [&](std::int64_t p) { return leaving.contains(p); };
  // A whole collection has partitions that came later without being asked for by name: from now on they are, so they stay.
  auto partitions = row.partitions;
  std::vector<std::int64_t> segments;
  e.segments.each([&](const target_row& t) {
    if (t.to == 0 && leaves(t.partition))
      segments.push_back(t.segment);
    if (t.to == 0 && row.whole_collection && std::find(partitions.begin(), partitions.end(), t.partition) == partitions.end())
      partitions.push_back(t.partition);
  });
  if (std::none_of(partitions.begin(), partitions.end(), leaves))
    return out;
  if (std::all_of(partitions.begin(), partitions.end(), leaves))
    return release(id);
  auto& head = *e.head;
  for (auto p : partitions)
    if (std::find(row.partitions.begin(), row.partitions.end(), p) == row.partitions.end()) {
      row.partitions.push_back(p);
      if (std::find(head.partitions.begin(), head.partitions.end(), p) == head.partitions.end())
        head.partitions.push_back(p);
    }
  const auto version = take_ids(out, 1);
  if (head.next == 0) {
    head.next_segments = head.current_segments;
    head.next_rows = head.current_rows;
    head.next_channels = head.current_channels;
  }
  for (auto s : segments)
    drop_from_next(e, version, s, out.changes);
  head.next = version;
  std::erase_if(head.partitions, leaves);
  std::erase_if(row.partitions, leaves);
  std::erase_if(row.loading_partitions, leaves);
  row.whole_collection = false; // what comes later to the collection is no longer wanted unasked
  ++row.revision;
  put_collection(out, row);
  put_head(out, head);
  put_segments(out, id, e.segments);
  out.changes.touch(id);
  out.value = version;
  return out;
}

commit_outcome metadata_tables::promote(schema::CommitPromotion::Reader commit) {
  const auto id = commit.getCollection();
  auto i = collections_.find(id);
  if (i == collections_.end())
    return refused(ec::collection_not_loaded, "collection " + std::to_string(id) + " is not loaded");
  auto& e = i->second;
  auto& head = *e.head;
  if (head.next == 0 || head.next != commit.getNext())
    return refused(ec::stale_premise, "the next target of collection " + std::to_string(id) + " is "
                                        + std::to_string(head.next) + ", not " + std::to_string(commit.getNext()));
  if (commit.getRevision() != 0 && commit.getRevision() != e.desired->revision)
    return refused(ec::stale_premise, "collection " + e.desired->name + " changed meanwhile");
  commit_outcome out;
  head.current = head.next;
  head.next = 0;
  head.current_segments = head.next_segments;
  head.current_rows = head.next_rows;
  head.next_segments = 0;
  head.next_rows = 0;
  head.current_channels = std::exchange(head.next_channels, {});
  // Rows that this promotion drops stay one more generation: whoever releases their copies must know their channel.
  for (auto s : e.dropped) {
    target_row key;
    key.segment = s;
    if (auto* there = e.segments.find(key); there != nullptr && there->to != 0 && !e.dropping.contains(s))
      e.segments.erase(key);
  }
  e.dropped = std::exchange(e.dropping, {});
  for (auto s : e.dropped)
    out.changes.touch(id, s);
  put_head(out, head);
  put_segments(out, id, e.segments);
  if (e.desired->status != schema::LoadStatus::LOADED || !e.desired->loading_partitions.empty()) {
    e.desired->status = schema::LoadStatus::LOADED;
    e.desired->loading_partitions.clear(); // they were committed with their segments in next, which is current now
    e.desired->recover_times = 0;
    ++e.desired->revision;
    put_collection(out, *e.desired);
  }
  out.changes.touch(id);
  out.value = head.current;
  return out;
}

commit_outcome metadata_tables::replicas(schema::CommitReplicas::Reader commit) {
  commit_outcome out;
  for (auto entry : commit.getEntries()) {
    auto i = collections_.find(entry.getCollection());
    // Entries are independent: one that came too late is left out, its observer sees the newer revision anyway.
    if (i == collections_.end() || i->second.desired->revision != entry.getRevision())
      continue;
    auto& row = *i->second.desired;
    for (auto r : entry.getReplicas())
      for (auto& mine : row.replicas)
        if (mine.id == r.getId())
          mine = muster::read(r);
    ++row.revision;
    put_collection(out, row);
    out.changes.touch_whole(row.id);
    ++out.value;
  }
  return out;
}

commit_outcome metadata_tables::node(schema::NodeRecord::Reader record) {
  node_row row;
  row.name = std::string{view(record.getName())};
  row.address = std::string{view(record.getAddress())};
  row.liveness = schema::NodeLiveness::UNKNOWN;
  if (row.name.empty())
    return refused(ec::parameter_missing, "a node without a name wants to join");
  commit_outcome out;
  auto i = node_by_name_.find(row.name);
  if (i != node_by_name_.end()) {
    row.id = i->second;
    if (nodes_[row.id].address == row.address) {
      out.value = row.id;
      return out;
    }
  } else {
    if (nodes_.size() >= limits::nodes)
      return refused(ec::too_many_requests, "the cluster has its limit of " + std::to_string(limits::nodes) + " nodes");
    row.id = take_ids(out, 1);
  }
  out.value = row.id;
  put_node(out, row);
  node_by_name_[row.name] = row.id;
  nodes_[row.id] = std::move(row);
  return out;
}

commit_outcome metadata_tables::allocate(std::uint32_t count) {
  if (count == 0 || count > limits::import_segments + 16)
    return refused(ec::parameter_invalid, "asked for " + std::to_string(count) + " ids; between 1 and "
                                            + std::to_string(limits::import_segments + 16) + " can be had at once");
  commit_outcome out;
  out.value = take_ids(out, count);
  return out;
}

} // namespace muster
