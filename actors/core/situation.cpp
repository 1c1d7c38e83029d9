// Applying publications to a situation and reading it.
#include "actors/core/situation.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace muster {

namespace {

using chunk_map = std::map<std::int64_t, msg<schema::Chunk>>;

const msg<schema::Chunk>* chunk_with(const chunk_map& chunks, std::int64_t segment) {
  auto i = chunks.upper_bound(segment);
  return i == chunks.begin() ? nullptr : &std::prev(i)->second;
}

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

const std::set<std::int64_t> no_ids;

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
  auto* chunk = chunk_with(targets_, segment);
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
  if (auto* chunk = chunk_with(copies_, segment)) {
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
  if (auto* chunk = chunk_with(views_, segment)) {
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

namespace {

/// Goes over the rows of all chunks of one kind, by segment.
template <class GetList>
class row_cursor {
public:
  using list_type = decltype(std::declval<GetList>()(std::declval<schema::Chunk::Reader>()));

  row_cursor(const chunk_map& chunks, std::int64_t from, GetList get, std::int64_t (*key)(const list_type&, unsigned))
    : chunks_(chunks), get_(get), key_(key) {
    chunk_ = chunks_.upper_bound(from);
    if (chunk_ != chunks_.begin())
      --chunk_;
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

  const chunk_map& chunks_;
  GetList get_;
  std::int64_t (*key_)(const list_type&, unsigned);
  chunk_map::const_iterator chunk_;
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
  static const chunk_map none;
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
  for (const auto& d : delegators) {
    if (d.replica != replica.id || d.channel != channel || !replica.contains(d.node))
      continue;
    if (best == nullptr || std::tie(d.serviceable, d.version) > std::tie(best->serviceable, best->version))
      best = &d;
  }
  return best;
}

const task_row* collection_view::task_with(std::int64_t id) const {
  auto i = std::lower_bound(tasks.begin(), tasks.end(), id, [](const task_row& t, std::int64_t x) { return t.id < x; });
  return i == tasks.end() || i->id != id ? nullptr : &*i;
}

const task_row* collection_view::task_on(std::int64_t replica, std::int64_t segment) const {
  auto i = task_on_segment_.find({replica, segment});
  return i == task_on_segment_.end() ? nullptr : task_with(i->second);
}

const task_row* collection_view::task_on(std::int64_t replica, const std::string& channel) const {
  auto i = task_on_channel_.find({replica, channel});
  return i == task_on_channel_.end() ? nullptr : task_with(i->second);
}

void collection_view::put_tasks(std::int64_t chunk, std::vector<task_row> rows) {
  auto& members = task_chunks_[chunk];
  const std::set<std::int64_t> old(members.begin(), members.end());
  members.clear();
  if (!old.empty()) {
    const auto first = std::lower_bound(tasks.begin(), tasks.end(), *old.begin(),
                                        [](const task_row& t, std::int64_t x) { return t.id < x; });
    const auto last = std::upper_bound(first, tasks.end(), *old.rbegin(),
                                       [](std::int64_t x, const task_row& t) { return x < t.id; });
    const auto kept = std::remove_if(first, last, [&](const task_row& t) {
      if (!old.contains(t.id))
        return false;
      if (is_channel_task(t.kind)) {
        if (auto i = task_on_channel_.find({t.replica, t.channel}); i != task_on_channel_.end() && i->second == t.id)
          task_on_channel_.erase(i);
      } else if (auto i = task_on_segment_.find({t.replica, t.segment}); i != task_on_segment_.end() && i->second == t.id) {
        task_on_segment_.erase(i);
      }
      return true;
    });
    tasks.erase(kept, last);
  }
  for (const auto& t : rows) {
    members.push_back(t.id);
    if (is_channel_task(t.kind))
      task_on_channel_[{t.replica, t.channel}] = t.id;
    else
      task_on_segment_[{t.replica, t.segment}] = t.id;
  }
  const auto by_id = [](const task_row& a, const task_row& b) { return a.id < b.id; };
  std::sort(rows.begin(), rows.end(), by_id);
  const auto middle = static_cast<std::ptrdiff_t>(tasks.size());
  const bool behind = tasks.empty() || rows.empty() || tasks.back().id < rows.front().id;
  tasks.insert(tasks.end(), std::make_move_iterator(rows.begin()), std::make_move_iterator(rows.end()));
  if (!behind)
    std::inplace_merge(tasks.begin(), tasks.begin() + middle, tasks.end(), by_id);
  if (members.empty())
    task_chunks_.erase(chunk);
}

void collection_view::each_channel_task(const std::function<void(const task_row&)>& f) const {
  for (const auto& [key, id] : task_on_channel_)
    if (const auto* t = task_with(id))
      f(*t);
}

std::map<std::int64_t, std::int64_t> collection_view::workers_of(std::int64_t leader) const {
  std::map<std::int64_t, std::int64_t> result;
  for (auto i = routed_.lower_bound({leader, 0}); i != routed_.end() && i->first.first == leader; ++i)
    result[i->first.second] = i->second;
  return result;
}

node_holding collection_view::on(std::int64_t node) const {
  auto i = holdings_.find(node);
  return i == holdings_.end() ? node_holding{} : i->second;
}

void collection_view::hold(std::int64_t node, std::int64_t rows, std::int64_t segments, std::int64_t channels) {
  auto i = holdings_.try_emplace(node).first;
  i->second.rows += rows;
  i->second.segments += segments;
  i->second.channels += channels;
  if (!i->second.any())
    holdings_.erase(i);
}

void collection_view::count_views(const msg<schema::Chunk>& chunk, int sign) {
  if (chunk.empty())
    return;
  for (auto v : chunk->getViews().getViews()) {
    view_count_ += static_cast<std::size_t>(static_cast<std::int64_t>(sign));
    auto i = routed_.try_emplace({v.getLeader(), v.getWorker()}).first;
    i->second += sign;
    if (i->second == 0)
      routed_.erase(i);
  }
}

bool collection_view::unused() const {
  return !desired && !head && delegators.empty() && tasks.empty() && failures.empty() && targets_.empty()
          && copies_.empty() && views_.empty();
}

// -- situation ------------------------------------------------------------------

touched_map situation::apply(const publication& p) {
  touched_map touched;
  auto header = p.header.read();
  changed_nodes_.clear();
  changed_groups_.clear();
  const bool whole = header.getWhole();
  if (whole) {
    std::set<schema::ChunkKind> kinds;
    for (auto kind : header.getKinds())
      kinds.insert(kind);
    for (const auto& [id, view] : collections_)
      touched[id].whole = true;
    forget(kinds);
  }
  for (auto ref : header.getRemoved())
    remove(ref.getKind(), ref.getCollection(), ref.getKey());
  std::size_t i = 0;
  for (auto ref : header.getChunks())
    put(ref.getKind(), ref.getCollection(), ref.getKey(), p.chunks[i++], touched);
  for (auto t : header.getTouched()) {
    touched_ids ids;
    ids.whole = t.getWhole();
    for (auto s : t.getSegments())
      ids.segments.insert(s);
    touched[t.getCollection()].add(ids);
  }
  for (auto n : header.getNodesTouched())
    changed_nodes_.insert(n);
  if (whole)
    for (const auto& [id, view] : collections_)
      touched[id].whole = true;
  for (const auto& [id, ids] : touched) {
    auto c = collections_.find(id);
    if (c != collections_.end() && c->second.unused())
      collections_.erase(c);
  }
  number_ = header.getNumber();
  epoch_ = std::max<std::uint64_t>(epoch_, header.getHeader().getEpoch());
  return touched;
}

void situation::put(schema::ChunkKind kind, std::int64_t collection, std::int64_t key, const msg<schema::Chunk>& chunk,
                    touched_map& touched) {
  auto reader = chunk.read();
  switch (kind) {
    case schema::ChunkKind::NODES: {
      std::vector<node_row> rows;
      for (auto r : reader.getNodes().getNodes())
        rows.push_back(read(r));
      set_nodes(key, std::move(rows), touched);
      break;
    }
    case schema::ChunkKind::COLLECTION:
      set_desired(collection, read(reader.getCollection()));
      break;
    case schema::ChunkKind::TARGET_HEAD:
      collections_[collection].head = read(reader.getTargetHead());
      break;
    case schema::ChunkKind::TARGET_SEGMENTS: {
      auto& slot = collections_[collection].targets_[key];
      count_targets(slot, -1);
      slot = chunk;
      count_targets(slot, 1);
      break;
    }
    case schema::ChunkKind::DELEGATORS: {
      std::vector<delegator_row> rows;
      for (auto r : reader.getDelegators().getDelegators())
        rows.push_back(read(r));
      set_delegators(collection, std::move(rows));
      break;
    }
    case schema::ChunkKind::COPIES: {
      auto& view = collections_[collection];
      auto& slot = view.copies_[key];
      count_copies(view, slot, -1);
      slot = chunk;
      count_copies(view, slot, 1);
      break;
    }
    case schema::ChunkKind::VIEWS: {
      auto& view = collections_[collection];
      auto& slot = view.views_[key];
      view.count_views(slot, -1);
      slot = chunk;
      view.count_views(slot, 1);
      break;
    }
    case schema::ChunkKind::TASKS: {
      std::vector<task_row> rows;
      for (auto r : reader.getTasks().getTasks())
        rows.push_back(read(r));
      collections_[collection].put_tasks(key, std::move(rows));
      break;
    }
    case schema::ChunkKind::FAILURES: {
      auto& failures = collections_[collection].failures;
      failures.clear();
      for (auto f : reader.getFailures().getFailures())
        failures.push_back({static_cast<ec>(f.getCode()), f.getCount(), std::string{muster::view(f.getText())}, f.getAt()});
      break;
    }
    case schema::ChunkKind::DELTAS:
      forget_in_flight();
      for (auto d : reader.getDeltas().getNodes()) {
        auto& load = loads_[d.getNode()];
        load.rows_in_flight = d.getRows();
        load.segments_in_flight = d.getSegments();
        load.channels_in_flight = d.getChannels();
        load.failing = d.getFailing();
        in_flight_.insert(d.getNode());
      }
      break;
    case schema::ChunkKind::RESOURCE_GROUP:
      set_group(key, read(reader.getResourceGroup()));
      break;
    case schema::ChunkKind::SWITCHES:
      switches_ = read(reader.getSwitches());
      break;
    case schema::ChunkKind::INVALID:
      break;
  }
}

void situation::remove(schema::ChunkKind kind, std::int64_t collection, std::int64_t key) {
  auto i = collections_.find(collection);
  if (kind == schema::ChunkKind::NODES) {
    touched_map ignored;
    set_nodes(key, {}, ignored);
    return;
  }
  if (kind == schema::ChunkKind::RESOURCE_GROUP) {
    set_group(key, std::nullopt);
    return;
  }
  if (i == collections_.end())
    return;
  auto& view = i->second;
  switch (kind) {
    case schema::ChunkKind::COLLECTION:
      set_desired(collection, std::nullopt);
      break;
    case schema::ChunkKind::TARGET_HEAD:
      view.head.reset();
      break;
    case schema::ChunkKind::TARGET_SEGMENTS:
      if (auto c = view.targets_.find(key); c != view.targets_.end()) {
        count_targets(c->second, -1);
        view.targets_.erase(c);
      }
      break;
    case schema::ChunkKind::DELEGATORS:
      set_delegators(collection, {});
      break;
    case schema::ChunkKind::COPIES:
      if (auto c = view.copies_.find(key); c != view.copies_.end()) {
        count_copies(view, c->second, -1);
        view.copies_.erase(c);
      }
      break;
    case schema::ChunkKind::VIEWS:
      if (auto c = view.views_.find(key); c != view.views_.end()) {
        view.count_views(c->second, -1);
        view.views_.erase(c);
      }
      break;
    case schema::ChunkKind::TASKS:
      view.put_tasks(key, {});
      break;
    case schema::ChunkKind::FAILURES:
      view.failures.clear();
      break;
    default:
      break;
  }
}

void situation::forget(const std::set<schema::ChunkKind>& kinds) {
  for (auto& [id, view] : collections_) {
    if (kinds.contains(schema::ChunkKind::COLLECTION))
      set_desired(id, std::nullopt);
    if (kinds.contains(schema::ChunkKind::TARGET_HEAD))
      view.head.reset();
    if (kinds.contains(schema::ChunkKind::TARGET_SEGMENTS)) {
      for (const auto& [key, chunk] : view.targets_)
        count_targets(chunk, -1);
      view.targets_.clear();
    }
    if (kinds.contains(schema::ChunkKind::DELEGATORS))
      set_delegators(id, {});
    if (kinds.contains(schema::ChunkKind::COPIES)) {
      for (const auto& [key, chunk] : view.copies_)
        count_copies(view, chunk, -1);
      view.copies_.clear();
    }
    if (kinds.contains(schema::ChunkKind::VIEWS)) {
      view.views_.clear();
      view.view_count_ = 0;
      view.routed_.clear();
    }
    if (kinds.contains(schema::ChunkKind::TASKS)) {
      view.tasks.clear();
      view.task_chunks_.clear();
      view.task_on_segment_.clear();
      view.task_on_channel_.clear();
    }
    if (kinds.contains(schema::ChunkKind::FAILURES))
      view.failures.clear();
  }
  std::erase_if(collections_, [](const auto& entry) { return entry.second.unused(); });
  if (kinds.contains(schema::ChunkKind::NODES)) {
    nodes_.clear();
    node_chunks_.clear();
  }
  if (kinds.contains(schema::ChunkKind::RESOURCE_GROUP))
    while (!group_names_.empty())
      set_group(group_names_.begin()->first, std::nullopt);
  if (kinds.contains(schema::ChunkKind::SWITCHES))
    switches_ = {};
  if (kinds.contains(schema::ChunkKind::DELTAS))
    forget_in_flight();
}

void situation::forget_in_flight() {
  for (auto node : in_flight_) {
    auto& load = loads_[node];
    load.rows_in_flight = load.segments_in_flight = load.channels_in_flight = 0;
    load.failing = 0;
  }
  in_flight_.clear();
}

void situation::count_targets(const msg<schema::Chunk>& chunk, int sign) {
  if (!chunk.empty())
    target_rows_ += static_cast<std::size_t>(sign * static_cast<std::int64_t>(chunk.read().getTargetSegments().getSegments().size()));
}

void situation::count_copies(collection_view& view, const msg<schema::Chunk>& chunk, int sign) {
  if (chunk.empty())
    return;
  for (auto c : chunk.read().getCopies().getCopies()) {
    auto& load = loads_[c.getNode()];
    load.rows += sign * c.getRows();
    load.bytes += sign * c.getBytes();
    load.segments += sign;
    view.hold(c.getNode(), sign * c.getRows(), sign, 0);
  }
}

void situation::set_desired(std::int64_t collection, std::optional<collection_row> row) {
  auto& view = collections_[collection];
  if (view.desired)
    for (const auto& r : view.desired->replicas) {
      if (auto g = collections_in_group_.find(r.group()); g != collections_in_group_.end())
        g->second.erase(collection);
      for (const auto* list : {&r.nodes, &r.read_only_nodes})
        for (auto n : *list)
          collections_of_node_[n].erase(collection);
    }
  view.desired = std::move(row);
  if (view.desired)
    for (const auto& r : view.desired->replicas) {
      collections_in_group_[std::string{r.group()}].insert(collection);
      for (const auto* list : {&r.nodes, &r.read_only_nodes})
        for (auto n : *list)
          collections_of_node_[n].insert(collection);
    }
}

void situation::set_delegators(std::int64_t collection, std::vector<delegator_row> rows) {
  auto& view = collections_[collection];
  for (const auto& d : view.delegators) {
    --loads_[d.node].channels;
    view.hold(d.node, 0, 0, -1);
  }
  view.delegators = std::move(rows);
  for (const auto& d : view.delegators) {
    ++loads_[d.node].channels;
    view.hold(d.node, 0, 0, 1);
  }
}

void situation::set_group(std::int64_t key, std::optional<group_row> row) {
  if (auto i = group_names_.find(key); i != group_names_.end()) {
    if (auto old = groups_.find(i->second); old != groups_.end()) {
      for (auto id : old->second.nodes)
        if (auto g = group_of_node_.find(id); g != group_of_node_.end() && g->second == i->second)
          group_of_node_.erase(g);
      changed_groups_.insert(i->second);
      groups_.erase(old);
    }
    group_names_.erase(i);
  }
  if (!row)
    return;
  group_names_[key] = row->name;
  changed_groups_.insert(row->name);
  for (auto id : row->nodes)
    group_of_node_[id] = row->name;
  auto name = row->name;
  groups_[name] = std::move(*row);
}

const group_row* situation::group_of(std::int64_t node) const {
  auto i = group_of_node_.find(node);
  auto g = i == group_of_node_.end() ? groups_.end() : groups_.find(i->second);
  return g == groups_.end() ? nullptr : &g->second;
}

std::uint64_t situation::groups_revision() const {
  auto i = groups_.find(std::string{default_group});
  return i == groups_.end() ? 0 : i->second.revision;
}

const std::set<std::int64_t>& situation::collections_in(const std::string& group) const {
  auto i = collections_in_group_.find(group);
  return i == collections_in_group_.end() ? no_ids : i->second;
}

void situation::set_nodes(std::int64_t key, std::vector<node_row> rows, touched_map& touched) {
  auto& members = node_chunks_[key];
  std::set<std::int64_t> left(members.begin(), members.end());
  members.clear();
  for (auto& row : rows) {
    const auto id = row.id;
    members.push_back(id);
    left.erase(id);
    auto& mine = nodes_[id];
    const bool conclusions = mine.known != row.known || mine.gone() != row.gone() || mine.stopping != row.stopping
                             || mine.incarnation != row.incarnation;
    const bool routes = mine.liveness != row.liveness || mine.address != row.address;
    mine = std::move(row);
    if (conclusions || routes)
      for (auto c : collections_of(id)) {
        auto& t = touched[c];
        if (conclusions) {
          t.whole = true;
          t.segments.clear();
        }
      }
  }
  for (auto id : left)
    nodes_.erase(id);
}

const collection_view* situation::collection(std::int64_t id) const {
  auto i = collections_.find(id);
  return i == collections_.end() ? nullptr : &i->second;
}

const node_row* situation::node(std::int64_t id) const {
  auto i = nodes_.find(id);
  return i == nodes_.end() ? nullptr : &i->second;
}

node_load situation::load(std::int64_t node) const {
  auto i = loads_.find(node);
  return i == loads_.end() ? node_load{} : i->second;
}

bool situation::all_known(const replica_row& replica) const {
  for (const auto* list : {&replica.nodes, &replica.read_only_nodes})
    for (auto id : *list) {
      auto* n = node(id);
      if (n == nullptr || !(n->known || n->gone()))
        return false;
    }
  return true;
}

bool situation::usable(std::int64_t id) const {
  auto* n = node(id);
  return n != nullptr && n->connected() && n->known && !n->stopping;
}

bool situation::reachable(std::int64_t id) const {
  auto* n = node(id);
  return n != nullptr && n->connected() && n->known;
}

bool situation::connected(std::int64_t id) const {
  auto* n = node(id);
  return n != nullptr && n->connected();
}

const std::set<std::int64_t>& situation::collections_of(std::int64_t node) const {
  auto i = collections_of_node_.find(node);
  return i == collections_of_node_.end() ? no_ids : i->second;
}

} // namespace muster
