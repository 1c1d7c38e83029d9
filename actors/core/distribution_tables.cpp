// Reports applied to the tables of who holds what.
#include "actors/core/distribution_tables.hpp"

#include "actors/core/plant.hpp"

namespace muster {

namespace {

using schema::ChunkKind;

/// One, so that a report changes the row of its node alone.
constexpr std::size_t nodes_per_chunk = 1;

} // namespace

const std::set<ChunkKind>& distribution_kinds() {
  static const std::set<ChunkKind> kinds{ChunkKind::NODES, ChunkKind::DELEGATORS, ChunkKind::COPIES, ChunkKind::VIEWS};
  return kinds;
}

void distribution_tables::set_node(const node_row& node) {
  auto [i, fresh] = nodes_.try_emplace(node.id);
  auto& mine = i->second;
  if (fresh) {
    mine.ordinal = by_ordinal_.size();
    by_ordinal_.push_back(node.id);
  }
  const bool reborn = mine.row.incarnation != node.incarnation;
  auto row = node;
  row.report_seq = reborn ? 0 : mine.row.report_seq;
  // While a link is down the node may change unseen, so what is here is stale until the full report of the next link.
  row.known = !reborn && mine.row.known && node.connected();
  if (node.liveness != schema::NodeLiveness::CONNECTED)
    mine.in_full = false;
  mine.row = std::move(row);
  if (mine.row.gone())
    clear(mine);
  dirty_nodes_.insert(mine.ordinal / nodes_per_chunk);
  changes_.touch_node(node.id);
}

void distribution_tables::report(std::int64_t node, std::uint64_t incarnation, schema::Report::Reader report) {
  auto i = nodes_.find(node);
  if (i == nodes_.end() || i->second.row.gone())
    return;
  auto& mine = i->second;
  if (mine.row.incarnation != incarnation && plant::active != plant::bug::stale_incarnation_report)
    return;
  if (report.getFull()) {
    mine.in_full = true;
    mine.full_copies.clear();
    mine.full_shards.clear();
    mine.collections_before = mine.collections;
  } else if (!mine.in_full && !mine.row.known && plant::active != plant::bug::stale_incarnation_report) {
    return;
  }
  for (auto key : report.getRemovedCopies())
    erase_copy(mine, key.getCollection(), key.getSegment());
  for (auto key : report.getRemovedDelegators())
    erase_delegator(mine, {key.getCollection(), std::string{view(key.getChannel())}});
  for (auto d : report.getDelegators()) {
    put_delegator(mine, d);
    if (mine.in_full)
      mine.full_shards.insert({d.getCollection(), std::string{view(d.getChannel())}});
  }
  for (auto c : report.getCopies()) {
    put_copy(mine, c);
    if (mine.in_full)
      mine.full_copies[c.getCollection()].insert(c.getSegment());
  }
  if (mine.in_full && report.getComplete())
    finish_full(mine);
  mine.row.report_seq = std::max<std::uint64_t>(mine.row.report_seq, report.getSeq());
  dirty_nodes_.insert(mine.ordinal / nodes_per_chunk);
  changes_.touch_node(node);
}

void distribution_tables::put_copy(held& node, schema::CopyReport::Reader copy) {
  const auto collection = copy.getCollection();
  copy_row row{copy.getSegment(), node.row.id, copy.getVersion(), copy.getRows(), copy.getBytes(), copy.getIndex(),
               copy.getIndexes(), copy.getStats()};
  auto& mine = collections_[collection];
  const auto before = mine.copies.size();
  if (!mine.copies.put(row))
    return;
  mark(collection, mine, row.segment);
  if (mine.copies.size() != before)
    node.collections.insert(collection);
}

void distribution_tables::mark(std::int64_t collection, tables& mine, std::int64_t segment) {
  if (!std::exchange(mine.dirty, true))
    dirty_.insert(collection);
  mine.touched.add(segment);
}

void distribution_tables::erase_copy(held& node, std::int64_t collection, std::int64_t segment) {
  auto i = collections_.find(collection);
  if (i == collections_.end())
    return;
  copy_row key;
  key.segment = segment;
  key.node = node.row.id;
  if (i->second.copies.erase(key))
    mark(collection, i->second, segment);
}

void distribution_tables::put_delegator(held& node, schema::DelegatorReport::Reader report) {
  const auto collection = report.getCollection();
  const delegator_key key{collection, std::string{view(report.getChannel())}};
  auto& mine = collections_[collection];
  auto& s = node.shards[key];
  delegator_row row{key.second,           node.row.id,                report.getReplica(),
                    report.getVersion(), report.getServedVersion(), report.getServiceable(),
                    read(report.getPartitionStats()), {}};
  for (auto g : report.getGrowing())
    row.growing.push_back(muster::read(g));
  mine.delegators.insert({key.second, node.row.id});
  if (!(s.row == row)) {
    s.row = row;
    dirty_delegators_.insert(collection);
    changes_.touch(collection);
  }
  const auto forget = [&](std::int64_t segment) {
    if (mine.views.erase(view_row{segment, node.row.id, 0}))
      mark(collection, mine, segment);
  };
  if (report.getWholeView()) {
    id_set named;
    for (auto v : report.getView())
      named.insert(v.getSegment());
    for (auto segment : s.view)
      if (!named.contains(segment))
        forget(segment);
    s.view = std::move(named);
  }
  for (auto segment : report.getRemoved()) {
    forget(segment);
    s.view.erase(segment);
  }
  for (auto v : report.getView()) {
    s.view.insert(v.getSegment());
    if (mine.views.put(view_row{v.getSegment(), node.row.id, v.getWorker()}))
      mark(collection, mine, v.getSegment());
  }
}

void distribution_tables::erase_delegator(held& node, const delegator_key& key) {
  auto s = node.shards.find(key);
  if (s == node.shards.end())
    return;
  auto& mine = collections_[key.first];
  for (auto segment : s->second.view)
    if (mine.views.erase(view_row{segment, node.row.id, 0}))
      mark(key.first, mine, segment);
  mine.delegators.erase({key.second, node.row.id});
  node.shards.erase(s);
  dirty_delegators_.insert(key.first);
  changes_.touch(key.first);
}

void distribution_tables::finish_full(held& node) {
  const auto shards = node.shards;
  for (const auto& [key, s] : shards)
    if (!node.full_shards.contains(key))
      erase_delegator(node, key);
  // What came with this report alone is whole as it is.
  for (auto collection : std::exchange(node.collections_before, {})) {
    const auto& seen = node.full_copies[collection];
    std::vector<std::int64_t> stale;
    collections_[collection].copies.each([&](const copy_row& c) {
      if (c.node == node.row.id && !seen.contains(c.segment))
        stale.push_back(c.segment);
    });
    for (auto segment : stale)
      erase_copy(node, collection, segment);
    if (seen.empty())
      node.collections.erase(collection);
  }
  node.in_full = false;
  node.full_copies.clear();
  node.full_shards.clear();
  node.row.known = true;
  // Whatever waited for this node can be done now, also where its report says nothing new.
  for (auto collection : node.collections)
    changes_.touch(collection);
  for (const auto& [key, s] : node.shards)
    changes_.touch(key.first);
}

void distribution_tables::clear(held& node) {
  node.in_full = true;
  node.full_copies.clear();
  node.full_shards.clear();
  node.collections_before = node.collections;
  finish_full(node);
  node.row.known = false;
}

msg<schema::Chunk> distribution_tables::delegators_chunk(std::int64_t collection) const {
  std::vector<delegator_row> rows;
  if (auto i = collections_.find(collection); i != collections_.end())
    for (const auto& [channel, node] : i->second.delegators)
      rows.push_back(nodes_.at(node).shards.at({collection, channel}).row);
  return chunk_of(collection, rows);
}

msg<schema::Chunk> distribution_tables::nodes_chunk(std::size_t chunk) const {
  std::vector<node_row> rows;
  for (auto i = chunk * nodes_per_chunk; i < std::min(by_ordinal_.size(), (chunk + 1) * nodes_per_chunk); ++i)
    rows.push_back(nodes_.at(by_ordinal_[i]).row);
  return chunk_of(rows);
}

change_set distribution_tables::take_changes() {
  for (auto chunk : dirty_nodes_)
    changes_.put({ChunkKind::NODES, 0, static_cast<std::int64_t>(chunk)}, nodes_chunk(chunk));
  for (auto collection : dirty_) {
    auto& mine = collections_[collection];
    mine.dirty = false;
    changes_.touch(collection, std::exchange(mine.touched, {}));
    mine.copies.flush(
      [&](std::int64_t key, const std::vector<copy_row>& rows) {
        auto chunk = chunk_of(collection, rows);
        changes_.put({ChunkKind::COPIES, collection, key}, chunk);
        return chunk;
      },
      [&](std::int64_t key) { changes_.remove({ChunkKind::COPIES, collection, key}); });
    mine.views.flush(
      [&](std::int64_t key, const std::vector<view_row>& rows) {
        auto chunk = chunk_of(collection, rows);
        changes_.put({ChunkKind::VIEWS, collection, key}, chunk);
        return chunk;
      },
      [&](std::int64_t key) { changes_.remove({ChunkKind::VIEWS, collection, key}); });
  }
  for (auto collection : dirty_delegators_) {
    if (collections_[collection].delegators.empty())
      changes_.remove({ChunkKind::DELEGATORS, collection, 0});
    else
      changes_.put({ChunkKind::DELEGATORS, collection, 0}, delegators_chunk(collection));
  }
  for (const auto* set : {&dirty_, &dirty_delegators_})
    for (auto collection : *set)
      if (auto i = collections_.find(collection); i != collections_.end() && i->second.copies.empty()
                                                  && i->second.views.empty() && i->second.delegators.empty())
        collections_.erase(i);
  dirty_.clear();
  dirty_delegators_.clear();
  dirty_nodes_.clear();
  return std::exchange(changes_, change_set{});
}

change_set distribution_tables::whole() const {
  change_set all;
  all.make_whole(distribution_kinds());
  for (std::size_t chunk = 0; chunk * nodes_per_chunk < by_ordinal_.size(); ++chunk)
    all.put({ChunkKind::NODES, 0, static_cast<std::int64_t>(chunk)}, nodes_chunk(chunk));
  for (const auto& [collection, mine] : collections_) {
    const auto encode = [c = collection](const auto& rows) { return chunk_of(c, rows); };
    mine.copies.each_chunk(encode, [&, c = collection](std::int64_t key, msg<schema::Chunk> chunk) {
      all.put({ChunkKind::COPIES, c, key}, std::move(chunk));
    });
    mine.views.each_chunk(encode, [&, c = collection](std::int64_t key, msg<schema::Chunk> chunk) {
      all.put({ChunkKind::VIEWS, c, key}, std::move(chunk));
    });
    if (!mine.delegators.empty())
      all.put({ChunkKind::DELEGATORS, collection, 0}, delegators_chunk(collection));
    all.touch_whole(collection);
  }
  for (const auto& [id, node] : nodes_)
    all.touch_node(id);
  return all;
}

} // namespace muster
