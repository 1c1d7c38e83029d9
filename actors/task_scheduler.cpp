// Publications and proposals in, the numbered situation and steps out.
#include "actors/task_scheduler.hpp"

#include "actors/core/chunk_store.hpp"
#include "actors/core/task_table.hpp"
#include "actors/runtime/publisher.hpp"

namespace muster {

namespace {

const std::set<schema::ChunkKind>& all_kinds() {
  using schema::ChunkKind;
  static const std::set<ChunkKind> kinds{ChunkKind::NODES,      ChunkKind::COLLECTION, ChunkKind::TARGET_HEAD,
                                         ChunkKind::TARGET_SEGMENTS, ChunkKind::DELEGATORS, ChunkKind::COPIES,
                                         ChunkKind::VIEWS,      ChunkKind::TASKS,      ChunkKind::DELTAS,
                                         ChunkKind::FAILURES};
  return kinds;
}

struct scheduler_shell : shell<task_scheduler_actor, scheduler_shell> {
  scheduler_shell(self_pointer ptr) : shell(ptr, "task_scheduler", "task_scheduler", "supervisor"), tasks(0) {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    tasks.changed(view.apply(p), view);
    pending.merge(p);
    tasks.reported(view.changed_nodes(), view, now());
    schedule();
    return acknowledge(*this, p);
  }

  void subscribe(const subscribe_atom&, const subscriber_actor& who) {
    out->subscribe(who);
  }

  void propose(const m<schema::Proposals>& proposals) {
    auto batch = proposals.read();
    for (auto r : batch.getProposals()) {
      const auto p = read(r);
      const auto why = tasks.admit(batch.getProposer(), p, batch.getSituation(), view, now());
      if (why != reason::none)
        debug("refused ", capnp_name(p.kind), " of ", p.channel, p.segment != 0 ? " segment " : "",
              p.segment != 0 ? std::to_string(p.segment) : "", " in collection ", p.collection, ": ", to_string(why));
    }
    schedule();
  }

  void results(const m<schema::StepResults>& results) {
    for (auto r : results->getResults()) {
      std::vector<awaited_report> marks;
      for (auto k : r.getMarks())
        marks.push_back({k.getNode(), k.getIncarnation(), k.getSeq()});
      const auto why = to_failure(r.getStatus());
      if (why.code != ec::ok)
        info("task ", r.getTask(), " failed on node ", results->getNode(), ": ", to_string(why.code), ": ", why.text);
      tasks.answered(r.getTask(), why, std::move(marks), view, now());
    }
    schedule();
  }

  void attach(const attach_atom&, const std::int64_t& node, const task_executor_actor& executor) {
    executors[node] = executor;
  }

  void flush(const flush_atom&) {
    flushing = false;
    dispatch();
    publish();
    arm();
  }

  void tick(const tick_atom&) {
    ticking = false;
    cancel(tasks.on_time(now()));
    schedule();
  }

  void dispatch() {
    std::map<std::int64_t, std::vector<std::int64_t>> due;
    for (const auto& order : tasks.dispatch(view, now()))
      due[order.node].push_back(order.task);
    for (const auto& [node, ids] : due) {
      auto executor = executors.find(node);
      if (executor == executors.end()) {
        for (auto id : ids)
          tasks.answered(id, failure{ec::node_not_found, "node " + std::to_string(node) + " has no session"}, {}, view, now());
        continue;
      }
      send(executor->second, make<schema::StepBatch>(
                               [&](schema::StepBatch::Builder b) {
                                 auto orders = b.initOrders(static_cast<unsigned>(ids.size()));
                                 for (unsigned i = 0; i < ids.size(); ++i)
                                   tasks.write_order(ids[i], view, orders[i]);
                               },
                               epoch));
    }
  }

  void publish() {
    auto own = tasks.take_changes(number + 1);
    if (!own.empty()) {
      auto p = own.take(number + 1, epoch, now());
      view.apply(p);
      pending.merge(p);
    }
    if (pending.empty())
      return;
    auto p = pending.take(++number, epoch, now());
    stood.apply(p);
    out->publish(p);
    tasks.forget_floors(out->acknowledged());
  }

  void cancel(const std::vector<due_order>& orders) {
    std::map<std::int64_t, std::vector<std::int64_t>> by_node;
    for (const auto& o : orders)
      by_node[o.node].push_back(o.task);
    for (const auto& [node, ids] : by_node) {
      if (auto executor = executors.find(node); executor != executors.end())
        send(executor->second, make<schema::OrderCancel>([&](auto b) {
               auto list = b.initTasks(static_cast<unsigned>(ids.size()));
               for (unsigned i = 0; i < ids.size(); ++i)
                 list.set(i, ids[i]);
             }));
    }
  }

  void schedule() {
    if (!flushing) {
      flushing = true;
      send(task_scheduler_actor{self}, flush_atom::value);
    }
  }

  /// One timer for the nearest deadline or back-off; none when there is neither.
  void arm() {
    const auto next = tasks.next_time();
    if (!next || (ticking && armed_for <= *next))
      return;
    ticking = true;
    armed_for = *next;
    const auto wait = std::chrono::nanoseconds{std::max<std::int64_t>(*next - now(), 0)};
    send_later(std::chrono::duration_cast<std::chrono::milliseconds>(wait) + std::chrono::milliseconds{1}, tick_atom::value);
  }

  static const char* capnp_name(schema::TaskKind kind) {
    auto e = capnp::Schema::from<schema::TaskKind>().getEnumerants();
    return e[static_cast<unsigned>(kind)].getProto().getName().cStr();
  }

  situation view;
  task_table tasks;
  chunk_store stood;
  change_set pending;
  std::unique_ptr<publisher<scheduler_shell>> out;
  std::map<std::int64_t, task_executor_actor> executors;
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
  bool flushing = false;
  bool ticking = false;
  std::int64_t armed_for = 0;
};

task_scheduler_actor::behavior_type scheduler_behavior(task_scheduler_actor::stateful_pointer<scheduler_shell> self,
                                                       std::uint64_t epoch) {
  auto& s = self->state;
  s.epoch = epoch;
  s.tasks = task_table{epoch};
  s.out = std::make_unique<publisher<scheduler_shell>>(s, epoch, [&s] { return s.stood.whole(all_kinds()); });
  return {
    s.on(&scheduler_shell::hear),    s.on(&scheduler_shell::subscribe), s.on(&scheduler_shell::propose),
    s.on(&scheduler_shell::results), s.on(&scheduler_shell::attach),    s.on(&scheduler_shell::flush),
    s.on(&scheduler_shell::tick),
  };
}

} // namespace

task_scheduler_actor spawn_task_scheduler(caf::actor_system& system, std::uint64_t epoch) {
  return system.spawn(scheduler_behavior, epoch);
}

} // namespace muster
