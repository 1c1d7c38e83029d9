// Which segments are here: hands loads to the loaders, has every change noted by the agent before it answers.
#include "actors/core/node_segments.hpp"
#include "actors/node/parts.hpp"
#include "actors/runtime/shell.hpp"

#include <caf/typed_response_promise.hpp>

#include <map>

namespace muster {

namespace {

struct store_shell : shell<segment_store_actor, store_shell> {
  using load_promise = caf::typed_response_promise<m<schema::WorkerLoadReply>>;
  using release_promise = caf::typed_response_promise<m<schema::WorkerReleaseReply>>;

  store_shell(self_pointer ptr) : shell(ptr, "segment_store", "segment_store", "node") {
    // nop
  }

  void attach(const attach_atom&, const node_agent_actor& who) {
    agent = who;
  }

  caf::result<m<schema::WorkerLoadReply>> load(const m<schema::WorkerLoad>& order) {
    auto promise = self->make_response_promise<m<schema::WorkerLoadReply>>();
    loads.emplace(++next, promise);
    auto s = order->getSource();
    if (const auto trace = order->getHeader().getTraceId())
      traces[s.getSegment()] = trace;
    const load_source source{segment_id{s.getSegment()}, collection_id{s.getCollection()}, partition_id{s.getPartition()},
                             s.getRows(), std::string{view(s.getFile())}, order->getPriority() == schema::LoadPriority::LOW};
    using what = segment_update::what;
    if (order->getScope() == schema::LoadScope::INDEX)
      table.update(next, source, {order->getDrop() ? what::drop_indexes : what::load_indexes, order->getIndexes()});
    else if (order->getScope() == schema::LoadScope::STATS)
      table.update(next, source, {what::load_stats, order->getIndexes()});
    else
      table.load(next, source, order->getVersion());
    settle();
    return promise;
  }

  caf::result<m<schema::WorkerReleaseReply>> release(const m<schema::WorkerRelease>& order) {
    auto promise = self->make_response_promise<m<schema::WorkerReleaseReply>>();
    releases.emplace(++next, promise);
    table.release(next, segment_id{order->getSegment()});
    settle();
    return promise;
  }

  void done(const m<schema::LoadDone>& done) {
    if (auto from = caf::actor_cast<segment_loader_actor>(self->current_sender()))
      idle.push_back(from);
    auto why = to_failure(done->getStatus());
    table.done(segment_id{done->getSegment()}, why.code == ec::ok ? std::nullopt : std::optional{why},
               {done->getRows(), done->getBytes(), done->getIndex(), done->getIndexes(), done->getStats()});
    settle();
  }

  /// Does what the table decided. Failures are answered now, successes when what they changed is noted.
  void settle() {
    auto act = table.take();
    for (auto segment : act.releases)
      engine->release(segment);
    for (const auto& start : act.starts) {
      auto loader = idle.back();
      idle.pop_back();
      const auto trace = traces.extract(start.source.segment.value);
      send(loader, make<schema::WorkerLoad>([&](auto b) {
             auto s = b.initSource();
             s.setSegment(start.source.segment.value);
             s.setCollection(start.source.collection.value);
             s.setPartition(start.source.partition.value);
             s.setRows(start.source.rows);
             s.setFile(start.source.file);
             if (!start.update)
               return;
             b.setScope(start.update->kind == segment_update::what::load_stats ? schema::LoadScope::STATS
                                                                               : schema::LoadScope::INDEX);
             b.setIndexes(start.update->ids);
             b.setDrop(start.update->kind == segment_update::what::drop_indexes);
           }, 0, trace ? trace.mapped() : 0));
    }
    for (auto segment : act.removed)
      unnoted[segment] = std::nullopt;
    for (const auto& copy : act.copies)
      unnoted[copy.segment] = copy;
    for (const auto& a : act.answers) {
      if (a.why)
        answer(a.who, *a.why, {});
      else
        unanswered.push_back(a.who);
    }
    note();
  }

  /// One note is under way at a time; what comes meanwhile goes with the next one.
  void note() {
    if (noting || unanswered.empty())
      return;
    noting = true;
    auto message = make<schema::NoteCopies>([&](auto b) {
      unsigned present = 0;
      for (const auto& [segment, copy] : unnoted)
        present += copy ? 1 : 0;
      auto copies = b.initCopies(present);
      auto removed = b.initRemoved(static_cast<unsigned>(unnoted.size()) - present);
      unsigned i = 0;
      unsigned k = 0;
      for (const auto& [segment, copy] : unnoted) {
        if (!copy) {
          removed[k++].setSegment(segment.value);
          continue;
        }
        auto c = copies[i++];
        c.setSegment(segment.value);
        c.setCollection(copy->collection.value);
        c.setPartition(copy->partition.value);
        c.setVersion(copy->version);
        c.setRows(copy->rows);
        c.setBytes(copy->bytes);
        c.setIndex(copy->index);
        c.setIndexes(copy->indexes);
        c.setStats(copy->stats);
      }
    });
    unnoted.clear();
    const auto batch = std::make_shared<const std::vector<std::uint64_t>>(std::exchange(unanswered, {}));
    request<m<schema::NoteReply>>(
      agent, limits::note_timeout, message,
      [this, batch](const m<schema::NoteReply>& reply) {
        for (auto who : *batch)
          answer(who, {ec::ok, ""}, reply->getMark());
        noted();
      },
      [this, batch](const failure& why) {
        for (auto who : *batch)
          answer(who, {why.code, "the change could not be noted for the coordinator: " + why.text}, {});
        noted();
      });
  }

  void noted() {
    noting = false;
    note();
  }

  void answer(std::uint64_t who, const failure& why, schema::Mark::Reader mark) {
    auto fill = [&](auto b) {
      set_status(b.initStatus(), why);
      b.setMark(mark);
    };
    if (auto l = loads.extract(who); !l.empty())
      l.mapped().deliver(make<schema::WorkerLoadReply>(fill));
    else if (auto r = releases.extract(who); !r.empty())
      r.mapped().deliver(make<schema::WorkerReleaseReply>(fill));
  }

  std::shared_ptr<segment_engine> engine;
  node_agent_actor agent;
  node_segments table{limits::loads_at_once, limits::loads_waiting};
  std::vector<segment_loader_actor> idle;
  std::uint64_t next = 0;
  std::map<std::int64_t, std::uint64_t> traces; ///< Of loads that have not begun, by segment; those without one are not there.
  std::map<std::uint64_t, load_promise> loads;
  std::map<std::uint64_t, release_promise> releases;
  std::map<segment_id, std::optional<reported_copy>> unnoted;
  std::vector<std::uint64_t> unanswered;
  bool noting = false;
};

segment_store_actor::behavior_type store_behavior(segment_store_actor::stateful_pointer<store_shell> self,
                                                  std::shared_ptr<segment_engine> engine) {
  auto& s = self->state;
  s.engine = std::move(engine);
  for (std::size_t i = 0; i < limits::loads_at_once; ++i) {
    s.idle.push_back(spawn_segment_loader(self->system(), s.engine, self));
    self->link_to(s.idle.back());
  }
  return {s.on(&store_shell::load), s.on(&store_shell::release), s.on(&store_shell::done), s.on(&store_shell::attach)};
}

} // namespace

segment_store_actor spawn_segment_store(caf::actor_system& system, std::shared_ptr<segment_engine> engine) {
  return system.spawn(store_behavior, std::move(engine));
}

} // namespace muster
