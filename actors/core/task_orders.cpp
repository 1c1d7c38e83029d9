// Orders, kind by kind.
#include "actors/core/task_orders.hpp"

#include "actors/core/plant.hpp"
#include "actors/core/task_rules.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace muster {

namespace {

using schema::TaskKind;
using assignments = std::vector<std::pair<std::int64_t, std::int64_t>>;

struct order_writer {
  const proposal& p;
  const situation& s;
  const collection_view& view;

  void source(schema::SegmentSource::Builder b, std::int64_t segment) const {
    b.setSegment(segment);
    b.setCollection(p.collection);
    if (auto row = view.target_of(segment)) {
      b.setPartition(row->partition);
      b.setRows(row->rows);
    }
    b.setFile((view.head ? view.head->folder : std::string{}) + "/" + std::to_string(segment) + ".segment");
  }

  void worker(schema::Worker::Builder b, std::int64_t node) const {
    b.setNode(node);
    if (const auto* n = s.node(node))
      b.setAddress(n->address);
  }

  template <class Order>
  void shard(Order b) const {
    b.setCollection(p.collection);
    b.setReplica(p.replica);
    b.setChannel(p.channel);
  }

  /// Every worker once, the segments by index into that list.
  template <class Workers, class Segments>
  void placed(const assignments& all, Workers workers, Segments segments) const {
    std::map<std::int64_t, std::uint16_t> index;
    for (const auto& [segment, node] : all)
      index.emplace(node, 0);
    auto list = workers(static_cast<unsigned>(index.size()));
    std::uint16_t i = 0;
    for (auto& [node, at] : index) {
      at = i;
      worker(list[i++], node);
    }
    auto out = segments(static_cast<unsigned>(all.size()));
    for (unsigned k = 0; k < all.size(); ++k) {
      source(out[k].initSource(), all[k].first);
      out[k].setWorker(index.at(all[k].second));
    }
  }

  void serve(schema::ServeShard::Builder b, std::int64_t version, std::int64_t target, const assignments& all) const {
    shard(b);
    b.setVersion(version);
    b.setTargetVersion(target);
    b.setDimension(view.desired ? view.desired->dimension : 0);
    placed(all, [&](unsigned n) { return b.initWorkers(n); }, [&](unsigned n) { return b.initSegments(n); });
  }

  void drop(schema::DropShard::Builder b, std::int64_t node, std::int64_t version) const {
    shard(b);
    for (const auto& d : view.delegators)
      if (d.node == node && d.channel == p.channel)
        b.setReplica(d.replica);
    b.setVersion(version);
  }

  void release(schema::ReleaseSegment::Builder b, std::int64_t node) const {
    shard(b);
    if (p.replica == 0)
      b.setChannel("");
    b.setSegment(p.segment);
    worker(b.initWorker(), node);
  }

  void load(schema::LoadSegment::Builder b, std::int64_t version) const {
    shard(b);
    source(b.initSource(), p.segment);
    worker(b.initWorker(), p.node);
    b.setVersion(version);
    b.setPriority(p.load_priority);
  }

  /// What changes no route goes to the holder itself.
  void update(schema::LoadSegment::Builder b, std::int64_t version, schema::LoadScope scope) const {
    load(b, version);
    b.setChannel("");
    b.setScope(scope);
    b.setIndexes(p.indexes);
  }

  void sync_view(schema::SyncView::Builder b) const {
    shard(b);
    placed(p.assignments, [&](unsigned n) { return b.initWorkers(n); }, [&](unsigned n) { return b.initSet(n); });
    auto removed = b.initRemoved(static_cast<unsigned>(p.removed.size()));
    for (unsigned i = 0; i < p.removed.size(); ++i)
      removed.set(i, p.removed[i]);
    write(b.initPartitionStats(static_cast<unsigned>(p.partition_stats.size())), p.partition_stats);
  }

  void sync_target(schema::SyncTarget::Builder b) const {
    shard(b);
    b.setTargetVersion(p.target_version);
    std::vector<std::int64_t> segments;
    const auto& channels = view.head->channels;
    const auto index = std::find(channels.begin(), channels.end(), p.channel) - channels.begin();
    view.each_target([&](const target_row& row) {
      if (row.channel == index && row.in(p.target_version))
        segments.push_back(row.segment);
    });
    auto list = b.initSegments(static_cast<unsigned>(segments.size()));
    for (unsigned i = 0; i < segments.size(); ++i)
      list.set(i, segments[i]);
  }
};

} // namespace

void write_order(const proposal& p, std::uint8_t step, std::int64_t task, const situation& s, schema::Order::Builder out) {
  out.setTask(task);
  const auto* view = s.collection(p.collection);
  if (view == nullptr)
    return;
  if (view->desired)
    out.setTraceId(view->desired->trace_id);
  const order_writer w{p, s, *view};
  switch (p.kind) {
    case TaskKind::SERVE_SHARD:
      if (plant::active == plant::bug::slot_deadlock)
        w.serve(out.initServeShard(), task, 0, {}); // its segments come as tasks of their own
      else
        w.serve(out.initServeShard(), task, p.target_version, p.assignments);
      break;
    case TaskKind::DROP_SHARD:
      w.drop(out.initDropShard(), p.node, p.version);
      break;
    case TaskKind::MOVE_SHARD:
      if (step > 0) {
        w.drop(out.initDropShard(), p.source, task - 1); // every delegator that is older than this task's own
      } else if (view->desired && view->head) {
        if (const auto* replica = view->desired->replica(p.replica))
          w.serve(out.initServeShard(), task, view->head->readable(), present_workers(*view, *replica, p.channel));
      }
      break;
    case TaskKind::MOVE_SEGMENT:
      if (step > 0)
        w.release(out.initReleaseSegment(), p.source);
      else
        w.load(out.initLoadSegment(), task);
      break;
    case TaskKind::LOAD_SEGMENT:
      w.load(out.initLoadSegment(), task);
      break;
    case TaskKind::RELEASE_SEGMENT:
      w.release(out.initReleaseSegment(), p.node);
      break;
    case TaskKind::SYNC_VIEW:
    case TaskKind::SYNC_STATS:
      w.sync_view(out.initSyncView());
      break;
    case TaskKind::SYNC_TARGET:
      if (view->head)
        w.sync_target(out.initSyncTarget());
      break;
    case TaskKind::UPDATE_INDEX:
      w.update(out.initLoadSegment(), task, schema::LoadScope::INDEX);
      break;
    case TaskKind::UPDATE_STATS:
      w.update(out.initLoadSegment(), task, schema::LoadScope::STATS);
      break;
    case TaskKind::DROP_INDEX: {
      auto b = out.initDropIndex();
      b.setCollection(p.collection);
      b.setSegment(p.segment);
      b.setIndexes(p.indexes);
      break;
    }
    default:
      break;
  }
}

} // namespace muster
