// What the table tells others: chunks of tasks, load in flight, failures, records.
#include "actors/core/task_table.hpp"

#include "messages/limits.hpp"

#include <algorithm>

namespace muster {

namespace {

/// Tasks of a collection are published in chunks of 64 consecutive ids, so that one that changed does not carry all others along.
constexpr std::int64_t first_of(std::int64_t chunk) {
  return chunk << 6;
}

} // namespace

task_row task_table::row_of(const task& t) const {
  task_row row;
  row.id = t.id;
  row.kind = t.what.kind;
  row.priority = t.what.priority;
  row.proposer = t.proposer;
  row.replica = t.what.replica;
  row.channel = t.what.channel;
  row.segment = is_channel_task(t.what.kind) ? 0 : t.what.segment;
  row.node = t.what.node;
  row.source = t.what.source;
  row.reason = static_cast<std::uint16_t>(t.what.why);
  row.running = t.at != phase::waiting;
  row.step = t.step;
  row.rows = t.rows;
  row.done = t.done;
  row.total = t.total;
  row.admitted_at = t.admitted_at;
  return row;
}

task_record task_table::record_of(const task& t) const {
  task_record r;
  r.id = t.id;
  r.proposer = t.proposer;
  r.kind = t.what.kind;
  r.priority = t.what.priority;
  r.collection = t.what.collection;
  r.replica = t.what.replica;
  r.channel = t.what.channel;
  r.segment = t.what.segment;
  r.node = t.what.node;
  r.source = t.what.source;
  r.why = t.what.why;
  r.step = t.step;
  r.admitted_at = t.admitted_at;
  return r;
}

change_set task_table::take_changes(std::uint64_t number) {
  for (const auto& key : ended_) {
    auto [i, fresh] = floors_.try_emplace(key, number);
    if (!fresh) {
      floors_by_number_.erase({i->second, key});
      i->second = number;
    }
    floors_by_number_.insert({number, key});
  }
  ended_.clear();
  for (const auto& [collection, chunk] : dirty_) {
    const chunk_key key{schema::ChunkKind::TASKS, collection, first_of(chunk)};
    const auto c = chunks_.find(collection);
    const auto ids = c == chunks_.end() ? nullptr : [&] {
      auto i = c->second.find(chunk);
      return i == c->second.end() ? nullptr : &i->second;
    }();
    if (ids == nullptr) {
      changes_.remove(key);
      continue;
    }
    std::vector<task_row> rows;
    for (auto id : *ids)
      rows.push_back(row_of(tasks_.at(id)));
    changes_.put(key, chunk_of(collection, rows));
  }
  dirty_.clear();
  for (auto collection : dirty_collections_)
    changes_.touch(collection);
  dirty_collections_.clear();
  failures_.take_changes(changes_);
  if (failures_.take_nodes_changed() || loads_changed_) {
    loads_changed_ = false;
    const auto failing = failures_.failing_nodes();
    auto all = node_loads_;
    for (const auto& [node, count] : failing)
      all.try_emplace(node);
    changes_.put({schema::ChunkKind::DELTAS, 0, 0}, build<schema::Chunk>([&](schema::Chunk::Builder b) {
                   auto list = b.initDeltas().initNodes(static_cast<unsigned>(all.size()));
                   unsigned i = 0;
                   for (const auto& [node, load] : all) {
                     auto out = list[i++];
                     out.setNode(node);
                     out.setRows(load.rows);
                     out.setSegments(load.segments);
                     out.setChannels(load.channels);
                     if (auto f = failing.find(node); f != failing.end())
                       out.setFailing(f->second);
                   }
                 }));
  }
  return std::exchange(changes_, change_set{});
}

void task_table::forget_floors(std::uint64_t acknowledged) {
  while (!floors_by_number_.empty() && floors_by_number_.begin()->first <= acknowledged) {
    floors_.erase(floors_by_number_.begin()->second);
    floors_by_number_.erase(floors_by_number_.begin());
  }
}

task_load task_table::in_flight(std::int64_t node, std::int64_t collection) const {
  task_load sum;
  if (node != 0 && collection != 0) {
    if (auto i = loads_.find({node, collection}); i != loads_.end())
      sum = i->second;
  } else if (node != 0) {
    if (auto i = node_loads_.find(node); i != node_loads_.end())
      sum = i->second;
  } else {
    for (const auto& [key, load] : loads_)
      if (collection == 0 || key.second == collection)
        sum += load;
  }
  return sum;
}

std::vector<task_record> task_table::records(std::int64_t collection, std::int64_t now) {
  history_.expire(now);
  std::vector<task_record> all;
  for (const auto& [id, t] : tasks_)
    if (collection == 0 || t.what.collection == collection)
      all.push_back(record_of(t));
  for (const auto& r : history_.records())
    if (collection == 0 || r.collection == collection)
      all.push_back(r);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id > b.id; });
  return all;
}

void write(schema::TaskNews::Change::Builder out, const task_news& news, const situation& s) {
  out.setKind(news.kind);
  write(out.initTask(), news.task, news.at);
  if (news.kind == schema::EventKind::TASK_ADMITTED) {
    write(out.initChoice(), news.choice);
    out.setSituation(news.situation);
    const auto* view = s.collection(news.task.collection);
    out.setTargetVersion(news.target_version != 0 || view == nullptr || !view->head ? news.target_version
                         : view->head->next != 0                                     ? view->head->next
                                                                                     : view->head->current);
  } else {
    out.setTookUs((news.at - news.task.admitted_at) / 1'000);
    out.setWaitedUs(news.waited_us);
    out.setWorkedUs(news.worked_us);
  }
  if (const auto* view = s.collection(news.task.collection); view != nullptr && view->desired)
    out.setTraceId(view->desired->trace_id);
  out.setAt(news.at);
}

void task_table::tell(task_news news) {
  if (news_.size() >= limits::task_news_waiting) {
    ++news_lost_;
    return;
  }
  news_.push_back(std::move(news));
}

std::vector<task_news> task_table::take_news(std::size_t most) {
  const auto end = news_.begin() + static_cast<std::ptrdiff_t>(std::min(most, news_.size()));
  std::vector<task_news> taken(std::make_move_iterator(news_.begin()), std::make_move_iterator(end));
  news_.erase(news_.begin(), end);
  return taken;
}

void task_table::watch(std::int64_t id) {
  if (tasks_.contains(id))
    watched_.insert(id);
}

task_table::holdings task_table::held() const {
  holdings h;
  h.tasks = tasks_.size();
  h.keys = by_key_.size();
  h.waiting = queue_.waiting();
  h.running = queue_.running();
  h.confirming = confirming_.size();
  h.deadlines = deadlines_.size();
  h.loads = loads_.size() + node_loads_.size();
  h.floors = floors_.size() + floors_by_number_.size() + ended_.size();
  h.failures = failures_.keys();
  h.starved = starved_.size();
  h.watched = watched_.size();
  h.tied = tied_.size();
  return h;
}

} // namespace muster
