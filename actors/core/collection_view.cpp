// Reading the tables of one collection.
#include "actors/core/collection_view.hpp"

#include "actors/core/chunk_difference.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

namespace muster {

namespace {

/// The first index of a list whose segment is not less than `segment`.
template <class List, class Key>
unsigned lower(List list, std::int64_t segment, Key key) {
  unsigned low = 0;
  unsigned high = list.size();
  while (low < high) {
    const auto middle = (low + high) / 2;
    if (key(list[middle]) < segment)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

} // namespace

bool is_channel_task(schema::TaskKind kind) {
  switch (kind) {
    case schema::TaskKind::SERVE_SHARD:
    case schema::TaskKind::DROP_SHARD:
    case schema::TaskKind::MOVE_SHARD:
    case schema::TaskKind::SYNC_TARGET:
    case schema::TaskKind::SYNC_STATS:
      return true;
    default:
      return false;
  }
}

bool sets_up_shard(schema::TaskKind kind) {
  return kind == schema::TaskKind::SERVE_SHARD || kind == schema::TaskKind::MOVE_SHARD;
}

// -- collection_view ------------------------------------------------------------

std::optional<target_row> collection_view::target_of(std::int64_t segment) const {
  const auto* chunk = targets_.containing(segment);
  if (chunk == nullptr)
    return std::nullopt;
  auto list = chunk->read().getTargetSegments().getSegments();
  auto i = lower(list, segment, [](auto r) { return r.getId(); });
  if (i == list.size() || list[i].getId() != segment)
    return std::nullopt;
  return read(list[i]);
}

std::vector<copy_row> collection_view::copies_of(std::int64_t segment) const {
  std::vector<copy_row> result;
  if (const auto* chunk = copies_.containing(segment)) {
    auto list = chunk->read().getCopies().getCopies();
    for (auto i = lower(list, segment, [](auto r) { return r.getSegment(); }); i < list.size(); ++i) {
      if (list[i].getSegment() != segment)
        break;
      result.push_back(read(list[i]));
    }
  }
  return result;
}

std::vector<view_row> collection_view::views_of(std::int64_t segment) const {
  std::vector<view_row> result;
  if (const auto* chunk = views_.containing(segment)) {
    auto list = chunk->read().getViews().getViews();
    for (auto i = lower(list, segment, [](auto r) { return r.getSegment(); }); i < list.size(); ++i) {
      if (list[i].getSegment() != segment)
        break;
      result.push_back(read(list[i]));
    }
  }
  return result;
}

std::int64_t collection_view::worker_of(std::int64_t segment, std::int64_t leader) const {
  for (const auto& v : views_of(segment))
    if (v.leader == leader)
      return v.worker;
  return 0;
}

void collection_view::each_target(const std::function<void(const target_row&)>& f) const {
  for (const auto& [key, chunk] : targets_)
    for (auto r : chunk.read().getTargetSegments().getSegments())
      f(read(r));
}

void collection_view::each_copy(const std::function<void(const copy_row&)>& f) const {
  for (const auto& [key, chunk] : copies_)
    for (auto r : chunk.read().getCopies().getCopies())
      f(read(r));
}

void collection_view::each_view(const std::function<void(const view_row&)>& f) const {
  for (const auto& [key, chunk] : views_)
    for (auto r : chunk.read().getViews().getViews())
      f(read(r));
}

void collection_view::each_chunk(const std::function<void(schema::ChunkKind, std::int64_t, const msg<schema::Chunk>&)>& f) const {
  for (const auto& [key, chunk] : targets_)
    f(schema::ChunkKind::TARGET_SEGMENTS, key, chunk);
  for (const auto& [key, chunk] : copies_)
    f(schema::ChunkKind::COPIES, key, chunk);
  for (const auto& [key, chunk] : views_)
    f(schema::ChunkKind::VIEWS, key, chunk);
}

namespace {

/// Goes over the rows of all chunks of one kind, by segment.
template <class GetList>
class row_cursor {
public:
  using list_type = decltype(std::declval<GetList>()(std::declval<schema::Chunk::Reader>()));

  row_cursor(const chunk_spine& chunks, std::int64_t from, GetList get, std::int64_t (*key)(const list_type&, unsigned))
    : chunks_(chunks), get_(get), key_(key), chunk_(chunks.from(from)) {
    open();
    while (valid_ && segment() < from)
      step();
  }

  bool valid() const {
    return valid_;
  }

  std::int64_t segment() const {
    return key_(list_, index_);
  }

  auto row() const {
    return list_[index_];
  }

  void step() {
    if (++index_ < list_.size())
      return;
    ++chunk_;
    open();
  }

private:
  void open() {
    valid_ = false;
    for (; chunk_ != chunks_.end(); ++chunk_) {
      list_ = get_(chunk_->second.read());
      index_ = 0;
      if (list_.size() > 0) {
        valid_ = true;
        return;
      }
    }
  }

  const chunk_spine& chunks_;
  GetList get_;
  std::int64_t (*key_)(const list_type&, unsigned);
  chunk_spine::const_iterator chunk_;
  list_type list_;
  unsigned index_ = 0;
  bool valid_ = false;
};

using target_list = capnp::List<schema::TargetSegment>::Reader;
using copy_list = capnp::List<schema::Copy>::Reader;
using view_list = capnp::List<schema::View>::Reader;

} // namespace

std::optional<std::int64_t> collection_view::walk(std::int64_t from, std::size_t most, bool views,
                                                  const std::function<void(const walked_segment&)>& f) const {
  static const chunk_spine none;
  row_cursor targets{targets_, from, [](schema::Chunk::Reader c) { return c.getTargetSegments().getSegments(); },
                     +[](const target_list& l, unsigned i) { return l[i].getId(); }};
  row_cursor copies{copies_, from, [](schema::Chunk::Reader c) { return c.getCopies().getCopies(); },
                    +[](const copy_list& l, unsigned i) { return l[i].getSegment(); }};
  row_cursor routes{views ? views_ : none, from, [](schema::Chunk::Reader c) { return c.getViews().getViews(); },
                    +[](const view_list& l, unsigned i) { return l[i].getSegment(); }};
  target_row target;
  std::vector<copy_row> copy_rows;
  std::vector<view_row> view_rows;
  while (targets.valid() || copies.valid() || routes.valid()) {
    auto segment = std::numeric_limits<std::int64_t>::max();
    if (targets.valid())
      segment = std::min(segment, targets.segment());
    if (copies.valid())
      segment = std::min(segment, copies.segment());
    if (routes.valid())
      segment = std::min(segment, routes.segment());
    if (most-- == 0)
      return segment;
    copy_rows.clear();
    view_rows.clear();
    bool named = false;
    for (; targets.valid() && targets.segment() == segment; targets.step()) {
      target = read(targets.row());
      named = true;
    }
    for (; copies.valid() && copies.segment() == segment; copies.step())
      copy_rows.push_back(read(copies.row()));
    for (; routes.valid() && routes.segment() == segment; routes.step())
      view_rows.push_back(read(routes.row()));
    f({segment, named ? &target : nullptr, copy_rows, view_rows});
  }
  return std::nullopt;
}

const delegator_row* collection_view::leader(const replica_row& replica, const std::string& channel) const {
  const delegator_row* best = nullptr;
  // Of two that can be searched the one that may stay: where a node became read-only again, the newest may be the one that leaves.
  const auto rank = [&](const delegator_row& d) {
    return std::tuple{d.serviceable, !replica.drains(d.node), d.version};
  };
  for (const auto& d : delegators) {
    if (d.replica != replica.id || d.channel != channel || !replica.contains(d.node))
      continue;
    if (best == nullptr || rank(d) > rank(*best))
      best = &d;
  }
  return best;
}

std::map<std::int64_t, std::int64_t> collection_view::workers_of(std::int64_t leader) const {
  std::map<std::int64_t, std::int64_t> result;
  for (auto i = routed_->lower_bound({leader, 0}); i != routed_->end() && i->first.first == leader; ++i)
    result[i->first.second] = i->second;
  return result;
}

node_holding collection_view::on(std::int64_t node) const {
  auto i = holdings_->find(node);
  return i == holdings_->end() ? node_holding{} : i->second;
}

void collection_view::hold(std::int64_t node, const node_holding& more) {
  auto& all = holdings_.edit();
  auto& mine = all[node];
  mine.rows += more.rows;
  mine.bytes += more.bytes;
  mine.segments += more.segments;
  mine.channels += more.channels;
  if (!mine.any())
    all.erase(node);
}

void collection_view::count_views(const msg<schema::Chunk>& before, const msg<schema::Chunk>& after) {
  each_difference(
    before.read().getViews().getViews(), after.read().getViews().getViews(),
    [](auto v) { return std::pair{v.getSegment(), v.getLeader()}; },
    [](auto a, auto b) { return a.getWorker() == b.getWorker(); },
    [&](auto v, int sign) {
      view_count_ += static_cast<std::size_t>(static_cast<std::int64_t>(sign));
      const auto key = std::pair{v.getLeader(), v.getWorker()};
      auto& all = routed_.edit();
      auto& mine = all[key];
      mine += sign;
      if (mine == 0)
        all.erase(key);
    });
}

bool collection_view::unused() const {
  return !desired && !head && delegators.empty() && tasks.empty() && failures.empty() && targets_.empty()
          && copies_.empty() && views_.empty();
}

// -- tasks ------------------------------------------------------------------------

const std::vector<task_row>& task_rows::none() {
  static const std::vector<task_row> empty;
  return empty;
}

task_rows::part& task_rows::edit() {
  if (!own_) {
    part_ = part_ ? std::make_shared<part>(*part_) : std::make_shared<part>();
    own_ = true;
  }
  return *part_;
}

const task_row* task_rows::with(std::int64_t id) const {
  const auto& all = rows();
  auto i = std::lower_bound(all.begin(), all.end(), id, [](const task_row& t, std::int64_t x) { return t.id < x; });
  return i == all.end() || i->id != id ? nullptr : &*i;
}

const task_row* task_rows::on(std::int64_t replica, std::int64_t segment) const {
  if (!part_)
    return nullptr;
  auto i = part_->on_segment.find({replica, segment});
  return i == part_->on_segment.end() ? nullptr : with(i->second);
}

const task_row* task_rows::on(std::int64_t replica, const std::string& channel) const {
  if (!part_)
    return nullptr;
  auto i = part_->on_channel.find({replica, channel});
  return i == part_->on_channel.end() ? nullptr : with(i->second);
}

void task_rows::each_channel_task(const std::function<void(const task_row&)>& f) const {
  if (part_)
    for (const auto& [key, id] : part_->on_channel)
      if (const auto* t = with(id))
        f(*t);
}

void task_rows::clear() {
  part_ = nullptr;
  own_ = false;
}

void task_rows::put(std::int64_t chunk, std::vector<task_row> fresh) {
  if (fresh.empty() && (!part_ || part_->chunks.find(chunk) == part_->chunks.end()))
    return;
  auto& p = edit();
  auto& all = p.rows;
  auto& members = p.chunks[chunk];
  const std::set<std::int64_t> old(members.begin(), members.end());
  members.clear();
  if (!old.empty()) {
    const auto first = std::lower_bound(all.begin(), all.end(), *old.begin(),
                                        [](const task_row& t, std::int64_t x) { return t.id < x; });
    const auto last = std::upper_bound(first, all.end(), *old.rbegin(),
                                       [](std::int64_t x, const task_row& t) { return x < t.id; });
    const auto kept = std::remove_if(first, last, [&](const task_row& t) {
      if (!old.contains(t.id))
        return false;
      if (is_channel_task(t.kind)) {
        if (auto i = p.on_channel.find({t.replica, t.channel}); i != p.on_channel.end() && i->second == t.id)
          p.on_channel.erase(i);
      } else if (auto i = p.on_segment.find({t.replica, t.segment}); i != p.on_segment.end() && i->second == t.id) {
        p.on_segment.erase({t.replica, t.segment});
      }
      return true;
    });
    all.erase(kept, last);
  }
  for (const auto& t : fresh) {
    members.push_back(t.id);
    if (is_channel_task(t.kind))
      p.on_channel[{t.replica, t.channel}] = t.id;
    else
      p.on_segment[{t.replica, t.segment}] = t.id;
  }
  if (members.empty())
    p.chunks.erase(chunk);
  const auto by_id = [](const task_row& a, const task_row& b) { return a.id < b.id; };
  std::sort(fresh.begin(), fresh.end(), by_id);
  const auto middle = static_cast<std::ptrdiff_t>(all.size());
  const bool behind = all.empty() || fresh.empty() || all.back().id < fresh.front().id;
  all.insert(all.end(), std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
  if (!behind)
    std::inplace_merge(all.begin(), all.begin() + middle, all.end(), by_id);
  if (all.empty())
    clear();
}

} // namespace muster
