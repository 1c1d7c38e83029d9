// Cutting what a node has to say into report pages.
#include "actors/core/node_book.hpp"

#include "messages/limits.hpp"

#include <algorithm>

namespace muster {

void report_page::write(schema::Report::Builder to) const {
  to.setSeq(seq);
  to.setFull(full);
  to.setComplete(complete);
  auto put_key = [](auto b, const shard_key& key) {
    b.setChannel(capnp::Text::Reader{key.channel.data(), key.channel.size()});
    b.setCollection(key.collection.value);
    b.setReplica(key.replica.value);
  };
  if (!copies.empty()) {
    auto list = to.initCopies(static_cast<unsigned>(copies.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      auto b = list[i];
      const auto& c = copies[i];
      b.setSegment(c.segment.value);
      b.setCollection(c.collection.value);
      b.setPartition(c.partition.value);
      b.setVersion(c.version);
      b.setRows(c.rows);
      b.setBytes(c.bytes);
      b.setIndex(c.index);
      b.setIndexes(c.indexes);
      b.setStats(c.stats);
    }
  }
  if (!removed_copies.empty()) {
    auto list = to.initRemovedCopies(static_cast<unsigned>(removed_copies.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setSegment(removed_copies[i].first.value);
      list[i].setCollection(removed_copies[i].second.value);
    }
  }
  if (!delegators.empty()) {
    auto list = to.initDelegators(static_cast<unsigned>(delegators.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      auto b = list[i];
      const auto& d = delegators[i];
      put_key(b, d.key);
      b.setVersion(d.state.version);
      b.setServedVersion(d.state.served);
      b.setServiceable(d.state.serviceable);
      b.setWholeView(d.state.whole);
      auto stats = b.initPartitionStats(static_cast<unsigned>(d.state.stats.size()));
      for (unsigned k = 0; k < stats.size(); ++k) {
        stats[k].setPartition(d.state.stats[k].first);
        stats[k].setVersion(d.state.stats[k].second);
      }
      auto view = b.initView(static_cast<unsigned>(d.state.set.size()));
      for (unsigned k = 0; k < view.size(); ++k) {
        view[k].setSegment(d.state.set[k].first.value);
        view[k].setWorker(d.state.set[k].second.value);
      }
      auto removed = b.initRemoved(static_cast<unsigned>(d.state.removed.size()));
      for (unsigned k = 0; k < removed.size(); ++k)
        removed.set(k, d.state.removed[k].value);
    }
  }
  if (!removed_delegators.empty()) {
    auto list = to.initRemovedDelegators(static_cast<unsigned>(removed_delegators.size()));
    for (unsigned i = 0; i < list.size(); ++i)
      put_key(list[i], removed_delegators[i]);
  }
}

/// Fills pages; opens the next one when an entry does not fit.
class node_book::pager {
public:
  pager(std::size_t limit, std::uint64_t& seq, bool full) : limit_(limit), seq_(seq), full_(full) {
    // nop
  }

  report_page& page(std::size_t entries) {
    if (pages_.empty() || (used_ + entries > limit_ && used_ > 0)) {
      pages_.emplace_back();
      pages_.back().seq = ++seq_;
      pages_.back().full = full_ && pages_.size() == 1;
      used_ = 0;
    }
    used_ += entries;
    return pages_.back();
  }

  /// A delegator whose changes may need several pages; only its first piece is whole.
  void add(const shard_key& key, const shard_actions::report& head,
           const std::vector<std::pair<segment_id, node_id>>& set, const std::vector<segment_id>& removed) {
    auto* piece = &open(key, head);
    for (const auto& x : set)
      next(piece, key, head).set.push_back(x);
    for (const auto& x : removed)
      next(piece, key, head).removed.push_back(x);
  }

  /// At least one page.
  std::vector<report_page> finish(bool complete) {
    page(0);
    pages_.back().complete = complete;
    return std::move(pages_);
  }

  std::vector<report_page> finish() {
    return std::move(pages_);
  }

private:
  shard_actions::report& open(const shard_key& key, const shard_actions::report& head) {
    auto& list = page(1).delegators;
    list.push_back({key, {head.whole, head.version, head.served, head.serviceable, {}, {}, head.stats}});
    return list.back().state;
  }

  shard_actions::report& next(shard_actions::report*& piece, const shard_key& key, const shard_actions::report& head) {
    if (used_ + 1 > limit_) {
      auto rest = head;
      rest.whole = false;
      piece = &open(key, rest);
    }
    ++used_;
    return *piece;
  }

  std::size_t limit_;
  std::uint64_t& seq_;
  bool full_;
  std::size_t used_ = 0;
  std::vector<report_page> pages_;
};

node_book::node_book(std::size_t entries_per_page) : page_entries_(std::max<std::size_t>(entries_per_page, 2)) {
  // nop
}

void node_book::put_copy(const reported_copy& copy) {
  copies_[copy.segment] = copy;
  dirty_copies_[copy.segment] = copy.collection;
}

void node_book::remove_copy(segment_id segment) {
  auto i = copies_.find(segment);
  if (i == copies_.end())
    return;
  dirty_copies_[segment] = i->second.collection;
  copies_.erase(i);
}

void node_book::put_delegator(const shard_key& key, const shard_actions::report& state) {
  auto& d = delegators_[key];
  auto& dirty = dirty_delegators_[key];
  dirty_segments_ -= dirty.whole ? d.view.size() : dirty.segments.size();
  if (state.whole)
    d.view.clear();
  for (auto [segment, worker] : state.set)
    d.view[segment] = worker;
  for (auto segment : state.removed)
    d.view.erase(segment);
  d.state = {false, state.version, state.served, state.serviceable, {}, {}, state.stats};
  dirty.whole |= state.whole;
  if (dirty.whole) {
    dirty.segments.clear();
  } else {
    for (const auto& [segment, worker] : state.set)
      dirty.segments.insert(segment);
    dirty.segments.insert(state.removed.begin(), state.removed.end());
  }
  dirty_segments_ += dirty.whole ? d.view.size() : dirty.segments.size();
}

void node_book::remove_delegator(const shard_key& key) {
  auto i = delegators_.find(key);
  if (i == delegators_.end())
    return;
  auto& dirty = dirty_delegators_[key];
  dirty_segments_ -= dirty.whole ? i->second.view.size() : dirty.segments.size();
  // Should it be made again before the next report, that report has its whole view.
  dirty = {};
  delegators_.erase(i);
}

std::size_t node_book::pending_entries() const {
  return dirty_copies_.size() + dirty_delegators_.size() + dirty_segments_;
}

std::optional<shard_key> node_book::router_of(collection_id collection, replica_id replica, segment_id segment) const {
  for (auto i = delegators_.lower_bound({collection, {}, replica_id{}});
       i != delegators_.end() && i->first.collection == collection; ++i)
    if (i->first.replica == replica && i->second.view.contains(segment))
      return i->first;
  return std::nullopt;
}

bool node_book::pending() const {
  return pending_entries() > 0;
}

bool node_book::page_is_full() const {
  return pending_entries() >= page_entries_;
}

void node_book::forget_pending() {
  dirty_copies_.clear();
  dirty_delegators_.clear();
  dirty_segments_ = 0;
}

std::vector<report_page> node_book::take_changes() {
  if (!pending())
    return {};
  pager out{page_entries_, seq_, false};
  for (const auto& [key, dirty] : dirty_delegators_) {
    auto i = delegators_.find(key);
    if (i == delegators_.end()) {
      out.page(1).removed_delegators.push_back(key);
      continue;
    }
    auto head = i->second.state;
    head.whole = dirty.whole;
    std::vector<std::pair<segment_id, node_id>> set;
    std::vector<segment_id> removed;
    if (dirty.whole) {
      set.assign(i->second.view.begin(), i->second.view.end());
    } else {
      for (auto segment : dirty.segments) {
        if (auto v = i->second.view.find(segment); v != i->second.view.end())
          set.emplace_back(segment, v->second);
        else
          removed.push_back(segment);
      }
    }
    out.add(key, head, set, removed);
  }
  for (auto [segment, collection] : dirty_copies_) {
    auto& page = out.page(1);
    if (auto i = copies_.find(segment); i != copies_.end())
      page.copies.push_back(i->second);
    else
      page.removed_copies.emplace_back(segment, collection);
  }
  forget_pending();
  return out.finish();
}

std::vector<report_page> node_book::take_all() {
  forget_pending();
  pager out{page_entries_, seq_, true};
  add_shards(out);
  add_copies(out);
  return out.finish(true);
}

std::vector<report_page> node_book::take_shards() {
  forget_pending();
  pager out{page_entries_, seq_, true};
  add_shards(out);
  return out.finish(false);
}

std::vector<report_page> node_book::take_copies() {
  pager out{page_entries_, seq_, false};
  add_copies(out);
  return out.finish(true);
}

void node_book::add_shards(pager& out) const {
  for (const auto& [key, d] : delegators_) {
    auto head = d.state;
    head.whole = true;
    out.add(key, head, {d.view.begin(), d.view.end()}, {});
  }
}

void node_book::add_copies(pager& out) const {
  for (const auto& [segment, copy] : copies_)
    out.page(1).copies.push_back(copy);
}

void node_book::skip() {
  seq_ = mark();
  forget_pending();
}

} // namespace muster
