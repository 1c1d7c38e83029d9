// Applying publications to a situation and reading it.
#include "actors/core/situation.hpp"

#include "actors/core/chunk_difference.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace muster {

namespace {

const id_set no_ids;

/// The nodes of all replicas, sorted.
std::vector<std::int64_t> members_of(const collection_row* row) {
  std::vector<std::int64_t> all;
  if (row != nullptr)
    for (const auto& r : row->replicas)
      for (const auto* list : {&r.nodes, &r.read_only_nodes})
        all.insert(all.end(), list->begin(), list->end());
  std::sort(all.begin(), all.end());
  return all;
}

bool reported(const node_row& n) {
  return n.known || n.gone();
}

} // namespace

// -- views that are shared -----------------------------------------------------------

collection_view& situation::edit(std::int64_t collection) {
  auto& e = collections_.rows_[collection];
  if (!e.view)
    e.view = std::make_shared<collection_view>();
  else if (!e.own)
    e.view = std::make_shared<collection_view>(*e.view);
  e.own = true;
  if (remembers_)
    changed_views_.insert(collection);
  return *e.view;
}

collection_view* situation::edit_known(std::int64_t collection) {
  return collections_.rows_.contains(collection) ? &edit(collection) : nullptr;
}

collection_map::table::iterator situation::forget_collection(collection_map::table::iterator i) {
  if (remembers_)
    changed_views_.insert(i->first);
  return collections_.rows_.erase(i);
}

node_load& situation::edit_load(std::int64_t node) {
  if (remembers_)
    changed_loads_.insert(node);
  return loads_[node];
}

void situation::take_views(change_set& to) {
  for (auto id : std::exchange(changed_views_, {})) {
    auto i = collections_.rows_.find(id);
    if (i == collections_.rows_.end()) {
      to.put_view(id, nullptr);
      continue;
    }
    i->second.own = false;
    i->second.view->tasks.share();
    to.put_view(id, i->second.view);
  }
  for (auto node : std::exchange(changed_loads_, {}))
    to.put_load(node, loads_[node]);
  to.put_unheard(std::make_shared<const id_set>(unheard_));
  to.put_target_segments(target_rows_);
}

void situation::all_views(change_set& to) {
  for (auto& [id, e] : collections_.rows_) {
    if (std::exchange(e.own, false))
      e.view->tasks.share();
    to.put_view(id, e.view);
    to.touch_whole(id);
  }
  for (const auto& [node, load] : loads_)
    to.put_load(node, load);
  to.put_unheard(std::make_shared<const id_set>(unheard_));
  to.put_target_segments(target_rows_);
}

void situation::set_view(std::int64_t collection, std::shared_ptr<const collection_view> view) {
  if (!view && !collections_.rows_.contains(collection))
    return;
  const auto i = collections_.rows_.try_emplace(collection).first;
  const auto* before = i->second.view.get();
  const bool found_otherwise = by_name_ || in_group_;
  if (found_otherwise && !(before != nullptr && view && before->desired.same(view->desired)))
    named_changes(collection, before != nullptr && before->desired ? &*before->desired : nullptr,
                  view && view->desired ? &*view->desired : nullptr);
  if (!view) {
    collections_.rows_.erase(i);
    return;
  }
  // Never changed in place: it is not its own.
  i->second = {std::const_pointer_cast<collection_view>(std::move(view)), false};
}

/// Keeps what is found by name or by group in step with the desired rows.
void situation::named_changes(std::int64_t collection, const collection_row* before, const collection_row* after) {
  if (in_group_) {
    if (before != nullptr)
      for (const auto& r : before->replicas)
        if (auto g = in_group_->find(r.group()); g != in_group_->end())
          g->second.erase(collection);
    if (after != nullptr)
      for (const auto& r : after->replicas)
        (*in_group_)[std::string{r.group()}].insert(collection);
  }
  if (!by_name_ || (before != nullptr && after != nullptr && before->name == after->name))
    return;
  if (before != nullptr)
    if (auto i = by_name_->find(before->name); i != by_name_->end() && i->second == collection)
      by_name_->erase(i);
  if (after != nullptr)
    (*by_name_)[after->name] = collection;
}

// -- applying --------------------------------------------------------------------------

const touched_map& situation::apply(const publication& p) {
  touched_map more; // than the publication says
  auto header = p.header.read();
  changed_nodes_.clear();
  changed_groups_.clear();
  const bool whole = header.getWhole();
  if (whole) {
    std::set<schema::ChunkKind> kinds;
    for (auto kind : header.getKinds())
      kinds.insert(kind);
    for (const auto& [id, view] : collections())
      more[id].whole = true;
    forget(kinds);
  }
  // Before the chunks: what they say of load in flight may be newer.
  for (const auto& [node, load] : p.loads)
    loads_[node] = load;
  for (auto ref : header.getRemoved())
    remove(ref.getKind(), ref.getCollection(), ref.getKey());
  std::size_t i = 0;
  for (auto ref : header.getChunks())
    put(ref.getKind(), ref.getCollection(), ref.getKey(), p.chunks[i++], more);
  for (const auto& [id, view] : p.views)
    set_view(id, view);
  if (p.target_segments >= 0)
    target_rows_ = static_cast<std::size_t>(p.target_segments);
  if (p.unheard)
    unheard_ = *p.unheard;
  for (auto n : header.getNodesTouched())
    changed_nodes_.insert(n);
  if (whole)
    for (const auto& [id, view] : collections())
      more[id].whole = true;
  // Only chunks can leave a view with nothing in it; who is given views is told that they are gone.
  const auto drop_unused = [&](auto refs) {
    for (auto ref : refs)
      if (auto c = collections_.rows_.find(ref.getCollection());
          c != collections_.rows_.end() && c->second.view->unused())
        forget_collection(c);
  };
  drop_unused(header.getRemoved());
  drop_unused(header.getChunks());
  number_ = header.getNumber();
  epoch_ = std::max<std::uint64_t>(epoch_, header.getHeader().getEpoch());
  touched_ = p.touched;
  if (!more.empty() || !touched_) {
    if (p.touched)
      for (const auto& [id, ids] : *p.touched)
        more[id].add(ids);
    touched_ = std::make_shared<const touched_map>(std::move(more));
  }
  return *touched_;
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
      edit(collection).head = read(reader.getTargetHead());
      break;
    case schema::ChunkKind::TARGET_SEGMENTS:
      put_targets(edit(collection), key, chunk);
      break;
    case schema::ChunkKind::DELEGATORS: {
      std::vector<delegator_row> rows;
      for (auto r : reader.getDelegators().getDelegators())
        rows.push_back(read(r));
      set_delegators(collection, std::move(rows));
      break;
    }
    case schema::ChunkKind::COPIES:
      put_copies(edit(collection), key, chunk);
      break;
    case schema::ChunkKind::VIEWS:
      put_views(edit(collection), key, chunk);
      break;
    case schema::ChunkKind::TASKS: {
      std::vector<task_row> rows;
      for (auto r : reader.getTasks().getTasks())
        rows.push_back(read(r));
      edit(collection).tasks.put(key, std::move(rows));
      break;
    }
    case schema::ChunkKind::FAILURES: {
      std::vector<load_failure> failures;
      for (auto f : reader.getFailures().getFailures())
        failures.push_back({static_cast<ec>(f.getCode()), f.getCount(), std::string{muster::view(f.getText())}, f.getAt()});
      edit(collection).failures = std::move(failures);
      break;
    }
    case schema::ChunkKind::DELTAS:
      forget_in_flight();
      for (auto d : reader.getDeltas().getNodes()) {
        auto& load = edit_load(d.getNode());
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
  if (kind == schema::ChunkKind::NODES) {
    touched_map ignored;
    set_nodes(key, {}, ignored);
    return;
  }
  if (kind == schema::ChunkKind::RESOURCE_GROUP) {
    set_group(key, std::nullopt);
    return;
  }
  auto* view = edit_known(collection);
  if (view == nullptr)
    return;
  switch (kind) {
    case schema::ChunkKind::COLLECTION:
      set_desired(collection, std::nullopt);
      break;
    case schema::ChunkKind::TARGET_HEAD:
      view->head.reset();
      break;
    case schema::ChunkKind::TARGET_SEGMENTS:
      put_targets(*view, key, {});
      break;
    case schema::ChunkKind::DELEGATORS:
      set_delegators(collection, {});
      break;
    case schema::ChunkKind::COPIES:
      put_copies(*view, key, {});
      break;
    case schema::ChunkKind::VIEWS:
      put_views(*view, key, {});
      break;
    case schema::ChunkKind::TASKS:
      view->tasks.put(key, {});
      break;
    case schema::ChunkKind::FAILURES:
      view->failures = {};
      break;
    default:
      break;
  }
}

void situation::forget(const std::set<schema::ChunkKind>& kinds) {
  const auto about_collections = std::count_if(kinds.begin(), kinds.end(), of_collection);
  if (about_collections == 8) {
    forget_collections();
  } else if (about_collections > 0) {
    forget_parts(kinds);
  }
  if (kinds.contains(schema::ChunkKind::NODES)) {
    nodes_.clear();
    node_chunks_.clear();
    unreported_.clear();
    for (const auto& [id, named] : collections_of_node_)
      look_at_report(id);
    ++node_changes_;
  }
  if (kinds.contains(schema::ChunkKind::RESOURCE_GROUP))
    while (!group_names_.empty())
      set_group(group_names_.begin()->first, std::nullopt);
  if (kinds.contains(schema::ChunkKind::SWITCHES))
    switches_ = {};
  if (kinds.contains(schema::ChunkKind::DELTAS))
    forget_in_flight();
}

void situation::forget_collections() {
  if (remembers_)
    for (const auto& [id, e] : collections_.rows_)
      changed_views_.insert(id);
  collections_.rows_.clear();
  target_rows_ = 0;
  by_name_.reset();
  in_group_.reset();
  for (auto& [node, load] : loads_)
    load.rows = load.bytes = load.segments = load.channels = 0;
  const auto named = std::exchange(collections_of_node_, {});
  for (const auto& [id, collections] : named)
    look_at_report(id);
}

void situation::forget_parts(const std::set<schema::ChunkKind>& kinds) {
  for (auto i = collections_.rows_.begin(); i != collections_.rows_.end();) {
    const auto id = i->first;
    auto& view = edit(id);
    if (kinds.contains(schema::ChunkKind::COLLECTION))
      set_desired(id, std::nullopt);
    if (kinds.contains(schema::ChunkKind::TARGET_HEAD))
      view.head.reset();
    if (kinds.contains(schema::ChunkKind::TARGET_SEGMENTS)) {
      target_rows_ -= std::exchange(view.target_count_, 0);
      view.targets_.clear();
    }
    if (kinds.contains(schema::ChunkKind::DELEGATORS))
      set_delegators(id, {});
    if (kinds.contains(schema::ChunkKind::COPIES)) {
      for (const auto& [key, chunk] : view.copies_)
        count_copies(view, chunk, {});
      view.copies_.clear();
    }
    if (kinds.contains(schema::ChunkKind::VIEWS)) {
      view.views_.clear();
      view.view_count_ = 0;
      view.routed_.clear();
    }
    if (kinds.contains(schema::ChunkKind::TASKS))
      view.tasks.clear();
    if (kinds.contains(schema::ChunkKind::FAILURES))
      view.failures = {};
    i = view.unused() ? forget_collection(i) : std::next(i);
  }
}

void situation::forget_in_flight() {
  for (auto node : in_flight_) {
    auto& load = edit_load(node);
    load.rows_in_flight = load.segments_in_flight = load.channels_in_flight = 0;
    load.failing = 0;
  }
  in_flight_.clear();
}

/// An empty chunk removes.
void situation::put_targets(collection_view& view, std::int64_t key, msg<schema::Chunk> chunk) {
  const auto count = [](const msg<schema::Chunk>& c) -> std::size_t {
    return c.empty() ? 0 : c.read().getTargetSegments().getSegments().size();
  };
  const auto before = count(view.targets_.at(key));
  const auto after = count(chunk);
  view.target_count_ += after - before;
  target_rows_ += after - before;
  if (chunk.empty())
    view.targets_.erase(key);
  else
    view.targets_.put(key, std::move(chunk));
}

void situation::put_copies(collection_view& view, std::int64_t key, msg<schema::Chunk> chunk) {
  count_copies(view, view.copies_.at(key), chunk);
  if (chunk.empty())
    view.copies_.erase(key);
  else
    view.copies_.put(key, std::move(chunk));
}

void situation::put_views(collection_view& view, std::int64_t key, msg<schema::Chunk> chunk) {
  view.count_views(view.views_.at(key), chunk);
  if (chunk.empty())
    view.views_.erase(key);
  else
    view.views_.put(key, std::move(chunk));
}

void situation::count_copies(collection_view& view, const msg<schema::Chunk>& before, const msg<schema::Chunk>& after) {
  each_difference(
    before.read().getCopies().getCopies(), after.read().getCopies().getCopies(),
    [](auto c) { return std::pair{c.getSegment(), c.getNode()}; },
    [](auto a, auto b) { return a.getRows() == b.getRows() && a.getBytes() == b.getBytes(); },
    [&](auto c, int sign) {
      auto& load = edit_load(c.getNode());
      load.rows += sign * c.getRows();
      load.bytes += sign * c.getBytes();
      load.segments += sign;
      view.hold(c.getNode(), {.rows = sign * c.getRows(), .bytes = sign * c.getBytes(), .segments = sign});
    });
}

void situation::set_desired(std::int64_t collection, std::optional<collection_row> row) {
  auto& view = edit(collection);
  const auto* old = view.desired ? &*view.desired : nullptr;
  named_changes(collection, old, row ? &*row : nullptr);
  const auto before = members_of(old);
  const auto after = members_of(row ? &*row : nullptr);
  view.desired = std::move(row);
  // Most changes of a collection leave its nodes as they are.
  if (before == after)
    return;
  std::vector<std::int64_t> changed;
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(changed));
  for (auto n : changed) {
    auto& mine = collections_of_node_[n];
    mine.erase(collection);
    if (mine.empty())
      collections_of_node_.erase(n);
    look_at_report(n);
  }
  changed.clear();
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(changed));
  for (auto n : changed) {
    collections_of_node_[n].insert(collection);
    look_at_report(n);
  }
}

void situation::set_delegators(std::int64_t collection, std::vector<delegator_row> rows) {
  auto& view = edit(collection);
  for (const auto& d : view.delegators) {
    --edit_load(d.node).channels;
    view.hold(d.node, {.channels = -1});
  }
  view.delegators = std::move(rows);
  for (const auto& d : view.delegators) {
    ++edit_load(d.node).channels;
    view.hold(d.node, {.channels = 1});
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
  static const std::set<std::int64_t> none;
  if (!in_group_) {
    in_group_ = std::make_unique<group_table>();
    for (const auto& [id, view] : collections())
      if (view.desired)
        for (const auto& r : view.desired->replicas)
          (*in_group_)[std::string{r.group()}].insert(id);
  }
  auto i = in_group_->find(group);
  return i == in_group_->end() ? none : i->second;
}

/// Keeps the nodes that have not reported in step with one node.
void situation::look_at_report(std::int64_t id) {
  const auto* n = node(id);
  if (n != nullptr && !reported(*n))
    unreported_.insert(id);
  else
    unreported_.erase(id);
  if (n == nullptr && collections_of_node_.contains(id))
    unheard_.insert(id);
  else
    unheard_.erase(id);
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
    look_at_report(id);
    if (conclusions || routes)
      ++node_changes_;
    if (conclusions || routes) {
      // Both are in order: a node of ten thousand collections costs one walk, not as many searches.
      auto at = touched.begin();
      for (auto c : collections_of(id)) {
        while (at != touched.end() && at->first < c)
          ++at;
        if (at == touched.end() || at->first != c)
          at = touched.emplace_hint(at, c, touched_ids{});
        if (conclusions) {
          at->second.whole = true;
          at->second.segments.clear();
        }
      }
    }
  }
  for (auto id : left) {
    nodes_.erase(id);
    look_at_report(id);
    ++node_changes_;
  }
}

const collection_view* situation::collection(std::int64_t id) const {
  auto i = collections_.rows_.find(id);
  return i == collections_.rows_.end() ? nullptr : i->second.view.get();
}

const collection_view* situation::named(std::string_view name) const {
  if (!by_name_) {
    by_name_ = std::make_unique<name_table>();
    for (const auto& [id, view] : collections())
      if (view.desired)
        (*by_name_)[view.desired->name] = id;
  }
  auto i = by_name_->find(std::string{name});
  return i == by_name_->end() ? nullptr : collection(i->second);
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
  const auto of_replica = [&](std::int64_t id) { return replica.contains(id); };
  return std::none_of(unreported_.begin(), unreported_.end(), of_replica)
         && std::none_of(unheard_.begin(), unheard_.end(), of_replica);
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

const id_set& situation::collections_of(std::int64_t node) const {
  auto i = collections_of_node_.find(node);
  return i == collections_of_node_.end() ? no_ids : i->second;
}

} // namespace muster
