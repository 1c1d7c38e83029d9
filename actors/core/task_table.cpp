// Tasks: admission, steps, ends.
#include "actors/core/task_table.hpp"

#include "actors/core/plant.hpp"
#include "actors/core/segment_rules.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace muster {

namespace {

using schema::TaskKind;

constexpr std::int64_t nanoseconds(limits::milliseconds d) {
  return std::chrono::nanoseconds{d}.count();
}

int urgency(schema::TaskPriority p) {
  return -static_cast<int>(p);
}

} // namespace

task_key key_of(const proposal& p) {
  task_key key;
  key.collection = p.collection;
  key.replica = p.replica;
  if (p.replica == 0)
    key.node = p.node;
  if (is_channel_task(p.kind))
    key.channel = p.channel;
  else
    key.segment = p.segment;
  return key;
}

// -- admission ------------------------------------------------------------------

reason task_table::admit(schema::Proposer proposer, const proposal& p, std::uint64_t number, const situation& s,
                         std::int64_t now) {
  const auto key = key_of(p);
  const auto replaced = by_key_.contains(key) ? by_key_.at(key) : 0;
  if (const auto* old = replaced != 0 ? &tasks_.at(replaced) : nullptr)
    if (old->at != phase::waiting || old->step != 0 || p.priority <= old->what.priority) // half done, or as urgent
      return reason::key_taken;
  if (auto i = floors_.find(key); i != floors_.end() && number < i->second) {
    touch(key);
    return reason::stale_proposal;
  }
  if (ended_.contains(key)) {
    touch(key);
    return reason::stale_proposal;
  }
  if (auto i = failures_.find({key, p.kind}); i != failures_.end() && now < i->second.not_before)
    return reason::backing_off; // its wake marks the key dirty
  if (!is_channel_task(p.kind) && p.replica != 0 && !p.channel.empty()) {
    task_key shard;
    shard.collection = p.collection;
    shard.replica = p.replica;
    shard.channel = p.channel;
    if (auto i = by_key_.find(shard); i != by_key_.end() && tasks_.at(i->second).what.kind == TaskKind::SERVE_SHARD)
      return reason::key_taken;
  }
  if (auto why = premise(p, 0, s); why != reason::none)
    return why;
  if (replaced != 0) {
    finish(replaced, reason::replaced, now);
    ended_.erase(key); // it changed nothing, so its end makes no proposal stale
  } else if (tasks_.size() >= limits::tasks_in_flight) {
    starved_.insert(p.collection);
    return reason::task_limit;
  }
  task t;
  t.id = next_id_++;
  t.what = p;
  t.proposer = proposer;
  t.key = key;
  if (const auto* view = s.collection(p.collection))
    if (auto row = view->target_of(p.segment))
      t.rows = row->rows;
  count(t, s);
  apply(t.load, 1);
  by_key_[key] = t.id;
  waiting_.insert({urgency(p.priority), t.id});
  by_collection_[p.collection].insert(t.id);
  dirty_.insert(p.collection);
  tasks_.emplace(t.id, std::move(t));
  return reason::none;
}

reason task_table::premise(const proposal& p, std::uint8_t step, const situation& s) const {
  const auto* view = s.collection(p.collection);
  if (view == nullptr)
    return reason::premise_gone;
  const auto held = [&](std::int64_t segment, std::int64_t node) {
    const auto copies = view->copies_of(segment);
    return std::any_of(copies.begin(), copies.end(), [&](const copy_row& c) { return c.node == node; });
  };
  if (p.replica == 0) {
    if (!s.usable(p.node))
      return reason::premise_gone;
    if (p.kind == TaskKind::DROP_SHARD) {
      for (const auto& d : view->delegators)
        if (d.channel == p.channel && d.node == p.node && d.version <= p.version) {
          const auto* home = view->desired ? view->desired->replica_of(p.node) : nullptr;
          return home != nullptr && home->id == d.replica ? reason::premise_gone : reason::none;
        }
      return reason::premise_gone;
    }
    if (p.kind != TaskKind::RELEASE_SEGMENT || !held(p.segment, p.node))
      return reason::premise_gone;
    return view->desired && view->desired->replica_of(p.node) != nullptr ? reason::premise_gone : reason::none;
  }
  if (!view->desired || !view->head)
    return reason::premise_gone;
  const auto* replica = view->desired->replica(p.replica);
  if (replica == nullptr)
    return reason::premise_gone;
  if (!s.all_known(*replica))
    return reason::not_known_yet;
  const auto* leader = view->leader(*replica, p.channel);
  const auto led = leader != nullptr && s.usable(leader->node);
  const auto target = view->target_of(p.segment);
  const bool wanted = target && (target->in(view->head->current) || target->in(view->head->next));
  const auto writable = [&](std::int64_t node) {
    return std::find(replica->nodes.begin(), replica->nodes.end(), node) != replica->nodes.end() && s.usable(node);
  };
  const auto drained = [&](std::int64_t node) {
    const auto& list = replica->read_only_nodes;
    return std::find(list.begin(), list.end(), node) != list.end();
  };
  // Beside a leader that still serves, a second one is set up from where the segments are: nothing may be going from there.
  const auto on_the_move = [&] {
    const auto mine = by_collection_.find(p.collection);
    return mine != by_collection_.end() && std::any_of(mine->second.begin(), mine->second.end(), [&](std::int64_t id) {
             const auto& other = tasks_.at(id).what;
             return other.replica == p.replica && other.channel == p.channel
                    && (other.kind == TaskKind::MOVE_SEGMENT || other.kind == TaskKind::RELEASE_SEGMENT);
           });
  };
  const auto routed_by_some = [&](std::int64_t node) {
    const auto views = view->views_of(p.segment);
    return std::any_of(views.begin(), views.end(),
                       [&](const view_row& v) { return v.worker == node && replica->contains(v.leader); });
  };
  bool holds = false;
  switch (p.kind) {
    case TaskKind::SERVE_SHARD:
      holds = (leader == nullptr || (drained(leader->node) && !on_the_move())) && writable(p.node)
              && p.target_version == view->head->readable()
              && std::none_of(view->delegators.begin(), view->delegators.end(),
                              [&](const delegator_row& d) { return d.channel == p.channel && d.node == p.node; })
              && std::all_of(p.assignments.begin(), p.assignments.end(), [&](const auto& a) { return s.usable(a.second); });
      break;
    case TaskKind::DROP_SHARD:
      holds = std::any_of(view->delegators.begin(), view->delegators.end(), [&](const delegator_row& d) {
        return d.channel == p.channel && d.node == p.node && d.version <= p.version
               && (leader == nullptr || leader->node != p.node);
      });
      break;
    case TaskKind::LOAD_SEGMENT:
      holds = led && wanted && writable(p.node);
      break;
    case TaskKind::MOVE_SEGMENT:
      if (step == 0)
        holds = led && wanted && writable(p.node) && held(p.segment, p.source)
                && view->worker_of(p.segment, leader->node) == p.source;
      else
        holds = led && held(p.segment, p.source) && !routed_by_some(p.source);
      break;
    case TaskKind::RELEASE_SEGMENT: {
      if (!held(p.segment, p.node) || !s.usable(p.node) || (!p.channel.empty() && !led))
        break;
      if (!wanted) {
        // Without a channel no leader fences it, so none may route to it or be about to.
        holds = !p.channel.empty() || (view->views_of(p.segment).empty() && !may_serve_dropped(*view, *replica));
        break;
      }
      // A surplus copy goes only when the leader routes to another one that is there.
      const auto worker = led ? view->worker_of(p.segment, leader->node) : 0;
      holds = worker != 0 && worker != p.node && held(p.segment, worker) && !routed_by_some(p.node);
      break;
    }
    case TaskKind::SYNC_VIEW:
      if (p.channel.empty())
        holds = s.usable(p.node) && replica->contains(p.node) && p.assignments.empty() && !may_serve_dropped(*view, *replica);
      else
        holds = led && leader->node == p.node;
      for (const auto& [segment, worker] : p.assignments)
        holds = holds && wanted && held(segment, worker) && s.usable(worker);
      for (auto segment : p.removed)
        holds = holds && !wanted && view->worker_of(segment, p.node) != 0;
      break;
    case TaskKind::SYNC_TARGET:
      holds = led && leader->node == p.node && leader->served < p.target_version
              && p.target_version == view->head->readable();
      break;
    default:
      break;
  }
  return holds ? reason::none : reason::premise_gone;
}

void task_table::count(task& t, const situation& s) {
  const auto& p = t.what;
  switch (p.kind) {
    case TaskKind::LOAD_SEGMENT:
      t.load[p.node] = {t.rows, 1, 0};
      break;
    case TaskKind::MOVE_SEGMENT:
      t.load[p.node] = {t.rows, 1, 0};
      t.load[p.source] = {-t.rows, -1, 0};
      break;
    case TaskKind::RELEASE_SEGMENT:
      t.load[p.node] = {-t.rows, -1, 0};
      break;
    case TaskKind::DROP_SHARD:
      t.load[p.node] = {0, 0, -1};
      break;
    case TaskKind::SERVE_SHARD: {
      const auto* view = s.collection(p.collection);
      for (const auto& [segment, worker] : p.assignments) {
        const auto copies = view->copies_of(segment);
        if (std::any_of(copies.begin(), copies.end(), [&](const copy_row& c) { return c.node == worker; }))
          continue;
        auto row = view->target_of(segment);
        t.load[worker].rows += row ? row->rows : 0;
        ++t.load[worker].segments;
      }
      ++t.load[p.node].channels;
      break;
    }
    default:
      break;
  }
}

void task_table::apply(const std::map<std::int64_t, delta>& load, int sign) {
  for (const auto& [node, d] : load) {
    auto& mine = deltas_[node];
    mine.rows += sign * d.rows;
    mine.segments += sign * d.segments;
    mine.channels += sign * d.channels;
    if (mine == delta{})
      deltas_.erase(node);
    deltas_changed_ = true;
  }
}

// -- steps ------------------------------------------------------------------------

std::int64_t task_table::executor_of(const proposal& p, std::uint8_t, const situation& s) const {
  switch (p.kind) {
    case TaskKind::LOAD_SEGMENT:
    case TaskKind::MOVE_SEGMENT:
      break;
    case TaskKind::RELEASE_SEGMENT:
      if (p.replica == 0 || p.channel.empty())
        return p.node;
      break;
    default:
      return p.node;
  }
  const auto* view = s.collection(p.collection);
  const auto* replica = view != nullptr && view->desired ? view->desired->replica(p.replica) : nullptr;
  const auto* leader = replica != nullptr ? view->leader(*replica, p.channel) : nullptr;
  return leader != nullptr ? leader->node : 0;
}

std::vector<due_order> task_table::dispatch(const situation& s, std::int64_t now) {
  std::vector<due_order> due;
  while (!waiting_.empty()) {
    const auto id = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    auto& t = tasks_.at(id);
    if (auto why = premise(t.what, t.step, s); why != reason::none) {
      finish(id, why, now);
      continue;
    }
    t.at = phase::running;
    t.order_node = executor_of(t.what, t.step, s);
    set_deadline(t, now + nanoseconds(limits::order_timeout) + nanoseconds(limits::order_timeout) / 4);
    dirty_.insert(t.what.collection);
    due.push_back({t.order_node, id});
  }
  return due;
}

void task_table::write_order(std::int64_t id, const situation& s, schema::Order::Builder out) const {
  const auto& t = tasks_.at(id);
  const auto& p = t.what;
  const auto* view = s.collection(p.collection);
  out.setTask(id);
  const auto address = [&](std::int64_t node) { return s.node(node) != nullptr ? s.node(node)->address : std::string{}; };
  const auto source = [&](schema::SegmentSource::Builder b, std::int64_t segment) {
    b.setSegment(segment);
    b.setCollection(p.collection);
    if (auto row = view->target_of(segment)) {
      b.setPartition(row->partition);
      b.setRows(row->rows);
    }
    b.setFile((view->head ? view->head->folder : std::string{}) + "/" + std::to_string(segment) + ".segment");
  };
  const auto worker = [&](schema::Worker::Builder b, std::int64_t node) {
    b.setNode(node);
    b.setAddress(address(node));
  };
  const auto shard = [&](auto b) {
    b.setCollection(p.collection);
    b.setReplica(p.replica);
    b.setChannel(p.channel);
  };
  const auto placed = [&](auto workers, auto segments) {
    std::map<std::int64_t, std::uint16_t> index;
    for (const auto& [segment, node] : p.assignments)
      index.emplace(node, 0);
    auto list = workers(static_cast<unsigned>(index.size()));
    std::uint16_t i = 0;
    for (auto& [node, at] : index) {
      at = i;
      worker(list[i++], node);
    }
    auto all = segments(static_cast<unsigned>(p.assignments.size()));
    for (unsigned k = 0; k < p.assignments.size(); ++k) {
      source(all[k].initSource(), p.assignments[k].first);
      all[k].setWorker(index.at(p.assignments[k].second));
    }
  };
  const auto release = [&](std::int64_t node) {
    auto b = out.initReleaseSegment();
    shard(b);
    if (p.replica == 0)
      b.setChannel("");
    b.setSegment(p.segment);
    worker(b.initWorker(), node);
  };
  switch (p.kind) {
    case TaskKind::SERVE_SHARD: {
      auto b = out.initServeShard();
      shard(b);
      b.setVersion(id);
      b.setTargetVersion(p.target_version);
      b.setDimension(view->desired ? view->desired->dimension : 0);
      placed([&](unsigned n) { return b.initWorkers(n); }, [&](unsigned n) { return b.initSegments(n); });
      break;
    }
    case TaskKind::DROP_SHARD: {
      auto b = out.initDropShard();
      shard(b);
      for (const auto& d : view->delegators)
        if (d.node == p.node && d.channel == p.channel)
          b.setReplica(d.replica);
      b.setVersion(p.version);
      break;
    }
    case TaskKind::MOVE_SEGMENT:
      if (t.step == 1) {
        release(p.source);
        break;
      }
      [[fallthrough]];
    case TaskKind::LOAD_SEGMENT: {
      auto b = out.initLoadSegment();
      shard(b);
      source(b.initSource(), p.segment);
      worker(b.initWorker(), p.node);
      b.setVersion(id);
      break;
    }
    case TaskKind::RELEASE_SEGMENT:
      release(p.node);
      break;
    case TaskKind::SYNC_VIEW: {
      auto b = out.initSyncView();
      shard(b);
      placed([&](unsigned n) { return b.initWorkers(n); }, [&](unsigned n) { return b.initSet(n); });
      auto removed = b.initRemoved(static_cast<unsigned>(p.removed.size()));
      for (unsigned i = 0; i < p.removed.size(); ++i)
        removed.set(i, p.removed[i]);
      break;
    }
    case TaskKind::SYNC_TARGET: {
      auto b = out.initSyncTarget();
      shard(b);
      b.setTargetVersion(p.target_version);
      std::vector<std::int64_t> segments;
      const auto& channels = view->head->channels;
      const auto index = static_cast<std::uint16_t>(std::find(channels.begin(), channels.end(), p.channel) - channels.begin());
      view->each_target([&](const target_row& row) {
        if (row.channel == index && row.in(p.target_version))
          segments.push_back(row.segment);
      });
      auto list = b.initSegments(static_cast<unsigned>(segments.size()));
      for (unsigned i = 0; i < segments.size(); ++i)
        list.set(i, segments[i]);
      break;
    }
    default:
      break;
  }
}

void task_table::answered(std::int64_t id, const failure& why, std::vector<awaited_report> marks, const situation& s,
                          std::int64_t now) {
  auto i = tasks_.find(id);
  if (i == tasks_.end() || i->second.at != phase::running)
    return;
  auto& t = i->second;
  if (why.code != ec::ok) {
    const bool unknown = why.code == ec::connection_lost || why.code == ec::deadline_exceeded;
    remember_for_people(t.what.collection, why, now);
    finish(id, unknown ? reason::order_unknown : reason::order_failed, now);
    return;
  }
  t.at = phase::confirming;
  t.marks = std::move(marks);
  for (const auto& m : t.marks)
    confirming_[m.node].insert(id);
  set_deadline(t, now + nanoseconds(limits::order_timeout));
  advance(t, s, now);
}

bool task_table::visible(const task& t, const situation& s) const {
  return std::all_of(t.marks.begin(), t.marks.end(), [&](const awaited_report& m) {
    const auto* n = s.node(m.node);
    if (n == nullptr || n->gone() || n->incarnation > m.incarnation)
      return true; // what it said then no longer matters
    return n->incarnation == m.incarnation && n->known && n->report_seq >= m.seq;
  });
}

void task_table::advance(task& t, const situation& s, std::int64_t now) {
  if (t.at != phase::confirming || !visible(t, s))
    return;
  for (const auto& m : t.marks)
    confirming_[m.node].erase(t.id);
  t.marks.clear();
  if (t.what.kind == TaskKind::MOVE_SEGMENT && t.step == 0) {
    t.step = 1;
    t.at = phase::waiting;
    waiting_.insert({urgency(t.what.priority), t.id});
    set_deadline(t, 0);
    dirty_.insert(t.what.collection);
    return;
  }
  finish(t.id, reason::done, now);
}

void task_table::reported(const std::set<std::int64_t>& nodes, const situation& s, std::int64_t now) {
  for (auto node : nodes) {
    auto i = confirming_.find(node);
    if (i == confirming_.end())
      continue;
    const auto ids = i->second;
    for (auto id : ids)
      if (auto t = tasks_.find(id); t != tasks_.end())
        advance(t->second, s, now);
    if (i = confirming_.find(node); i != confirming_.end() && i->second.empty())
      confirming_.erase(i);
  }
}

// -- ends ---------------------------------------------------------------------------

void task_table::finish(std::int64_t id, reason why, std::int64_t now) {
  auto i = tasks_.find(id);
  auto& t = i->second;
  const bool failed = why == reason::order_failed || why == reason::order_unknown;
  if (!(plant::active == plant::bug::delta_leak && failed))
    apply(t.load, -1);
  if (failed)
    remember_failure(t, now);
  else if (why == reason::done)
    forget_failure({t.key, t.what.kind});
  waiting_.erase({urgency(t.what.priority), id});
  for (const auto& m : t.marks)
    if (auto c = confirming_.find(m.node); c != confirming_.end())
      c->second.erase(id);
  set_deadline(t, 0);
  by_key_.erase(t.key);
  ended_.insert(t.key);
  touch(t.key);
  auto c = by_collection_.find(t.what.collection);
  c->second.erase(id);
  if (c->second.empty())
    by_collection_.erase(c);
  dirty_.insert(t.what.collection);
  tasks_.erase(i);
  if (!starved_.empty() && tasks_.size() < limits::tasks_in_flight - limits::tasks_in_flight / 10) {
    for (auto collection : starved_)
      changes_.touch_whole(collection);
    starved_.clear();
  }
}

void task_table::set_deadline(task& t, std::int64_t when) {
  if (t.deadline != 0)
    deadlines_.erase({t.deadline, t.id});
  t.deadline = when;
  if (when != 0)
    deadlines_.insert({when, t.id});
}

void task_table::remember_failure(const task& t, std::int64_t now) {
  const failure_key key{t.key, t.what.kind};
  if (!failures_.contains(key) && failures_.size() >= limits::remembered_failures && !wakes_.empty()) {
    failures_.erase(wakes_.begin()->second);
    touch(wakes_.begin()->second.first);
    wakes_.erase(wakes_.begin());
  }
  auto& record = failures_[key];
  wakes_.erase({record.waking ? record.not_before : record.not_before + 2 * record.wait, key});
  record.wait = record.wait == 0 ? nanoseconds(limits::retry_first)
                                 : std::min(record.wait * 2, nanoseconds(limits::retry_longest));
  record.not_before = now + record.wait;
  record.waking = true;
  wakes_.insert({record.not_before, key});
}

void task_table::forget_failure(const failure_key& key) {
  auto i = failures_.find(key);
  if (i == failures_.end())
    return;
  wakes_.erase({i->second.waking ? i->second.not_before : i->second.not_before + 2 * i->second.wait, key});
  failures_.erase(i);
}

void task_table::remember_for_people(std::int64_t collection, const failure& why, std::int64_t now) {
  // These pass by themselves.
  if (why.code == ec::channel_not_found || why.code == ec::too_many_requests)
    return;
  if (!load_failures_.contains(collection) && load_failures_.size() >= limits::remembered_failures)
    return;
  auto& f = load_failures_[collection][why.code];
  f.code = why.code;
  ++f.count;
  f.text = why.text;
  f.at = now;
  load_failures_changed_.insert(collection);
}

void task_table::changed(const touched_map& collections, const situation& s) {
  if (load_failures_.empty())
    return;
  for (const auto& [id, ids] : collections) {
    const auto* view = s.collection(id);
    if ((view == nullptr || !view->desired) && load_failures_.erase(id) > 0)
      load_failures_changed_.insert(id);
  }
}

void task_table::touch(const task_key& key) {
  changes_.touch(key.collection);
  if (key.segment != 0)
    changes_.touch(key.collection, key.segment);
}

std::vector<due_order> task_table::on_time(std::int64_t now) {
  std::vector<due_order> cancelled;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto id = deadlines_.begin()->second;
    cancelled.push_back({tasks_.at(id).order_node, id});
    finish(id, reason::order_unknown, now);
  }
  while (!wakes_.empty() && wakes_.begin()->first <= now) {
    auto [when, key] = *wakes_.begin();
    wakes_.erase(wakes_.begin());
    auto i = failures_.find(key);
    if (i == failures_.end())
      continue;
    if (i->second.waking) {
      touch(key.first);
      // The count stays for as long again, so that the next failure waits longer; then it is forgotten.
      i->second.waking = false;
      wakes_.insert({when + 2 * i->second.wait, key});
    } else {
      failures_.erase(i);
    }
  }
  return cancelled;
}

std::optional<std::int64_t> task_table::next_time() const {
  std::optional<std::int64_t> next;
  if (!deadlines_.empty())
    next = deadlines_.begin()->first;
  if (!wakes_.empty() && (!next || wakes_.begin()->first < *next))
    next = wakes_.begin()->first;
  return next;
}

// -- publication ----------------------------------------------------------------------

change_set task_table::take_changes(std::uint64_t number) {
  for (const auto& key : ended_)
    floors_[key] = number;
  ended_.clear();
  for (auto collection : dirty_) {
    auto i = by_collection_.find(collection);
    changes_.touch(collection);
    if (i == by_collection_.end()) {
      changes_.remove({schema::ChunkKind::TASKS, collection, 0});
      continue;
    }
    std::vector<task_row> rows;
    for (auto id : i->second) {
      const auto& t = tasks_.at(id);
      task_row row;
      row.id = id;
      row.kind = t.what.kind;
      row.priority = t.what.priority;
      row.proposer = t.proposer;
      row.replica = t.what.replica;
      row.channel = t.what.channel;
      row.segment = t.what.segment;
      row.node = t.what.node;
      row.source = t.what.source;
      row.reason = static_cast<std::uint16_t>(t.what.why);
      row.running = t.at != phase::waiting;
      row.step = t.step;
      row.rows = t.rows;
      rows.push_back(std::move(row));
    }
    changes_.put({schema::ChunkKind::TASKS, collection, 0}, chunk_of(collection, rows));
  }
  dirty_.clear();
  for (auto collection : std::exchange(load_failures_changed_, {})) {
    changes_.touch(collection);
    auto i = load_failures_.find(collection);
    if (i == load_failures_.end()) {
      changes_.remove({schema::ChunkKind::FAILURES, collection, 0});
      continue;
    }
    std::vector<load_failure> sorted;
    for (const auto& [code, f] : i->second)
      sorted.push_back(f);
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
    changes_.put({schema::ChunkKind::FAILURES, collection, 0}, build<schema::Chunk>([&](schema::Chunk::Builder b) {
                   auto all = b.initFailures();
                   all.setCollection(collection);
                   auto list = all.initFailures(static_cast<unsigned>(sorted.size()));
                   for (unsigned k = 0; k < sorted.size(); ++k) {
                     list[k].setCode(static_cast<std::uint16_t>(sorted[k].code));
                     list[k].setCount(sorted[k].count);
                     list[k].setText(sorted[k].text);
                     list[k].setAt(sorted[k].at);
                   }
                 }));
  }
  if (deltas_changed_) {
    deltas_changed_ = false;
    changes_.put({schema::ChunkKind::DELTAS, 0, 0}, build<schema::Chunk>([&](schema::Chunk::Builder b) {
                   auto list = b.initDeltas().initNodes(static_cast<unsigned>(deltas_.size()));
                   unsigned i = 0;
                   for (const auto& [node, d] : deltas_) {
                     list[i].setNode(node);
                     list[i].setRows(d.rows);
                     list[i].setSegments(d.segments);
                     list[i].setChannels(d.channels);
                     ++i;
                   }
                 }));
  }
  return std::exchange(changes_, change_set{});
}

void task_table::forget_floors(std::uint64_t acknowledged) {
  std::erase_if(floors_, [&](const auto& entry) { return entry.second <= acknowledged; });
}

} // namespace muster
