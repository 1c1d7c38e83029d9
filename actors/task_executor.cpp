// Steps of one node, batched into orders.
#include "actors/nodes.hpp"
#include "actors/runtime/shell.hpp"

#include <deque>
#include <map>
#include <set>

namespace muster {

namespace {

struct executor_shell : shell<task_executor_actor, executor_shell> {
  explicit executor_shell(self_pointer ptr) : shell(ptr) {
    // nop
  }

  void steps(const m<schema::StepBatch>& batch) {
    const auto count = batch->getOrders().size();
    for (unsigned i = 0; i < count; ++i)
      waiting.push_back({batch, i});
    schedule();
  }

  void cancel(const m<schema::OrderCancel>& cancelled) {
    for (auto task : cancelled->getTasks())
      forget(task);
    schedule();
  }

  /// Of orders that this node was given and has not answered yet; what else a node says changes nothing.
  void results(const m<schema::OrderResults>& results) {
    report(results->getResults(), results->getProgress());
    schedule();
  }

  void attach(const attach_atom&, const node_session_actor& to) {
    session = to;
    schedule();
  }

  void detach(const m<schema::SessionDetach>& why) {
    session = node_session_actor{};
    std::vector<std::int64_t> lost;
    for (const auto& [task, o] : outstanding)
      lost.push_back(task);
    fail(lost, ec::connection_lost, std::string{view(why->getReason())});
    schedule();
  }

  void flush(const flush_atom&) {
    flushing = false;
    meter().set("outstanding", outstanding.size());
    meter().set("waiting", waiting.size());
    if (!session) {
      std::vector<std::int64_t> refused;
      for (const auto& [batch, index] : waiting)
        refused.push_back(batch->getOrders()[index].getTask());
      waiting.clear();
      fail(refused, ec::connection_lost, "node " + std::to_string(node) + " is not connected");
      return;
    }
    std::vector<std::pair<m<schema::StepBatch>, unsigned>> due;
    while (!waiting.empty() && outstanding.size() < limits::orders_in_flight_per_node) {
      auto& [batch, index] = waiting.front();
      outstanding.emplace(batch->getOrders()[index].getTask(), order{deadline(), 0});
      due.push_back(std::move(waiting.front()));
      waiting.pop_front();
    }
    if (due.empty())
      return;
    send(session, make<schema::Orders>(
                    [&](schema::Orders::Builder b) {
                      b.setNode(node);
                      auto list = b.initOrders(static_cast<unsigned>(due.size()));
                      for (unsigned i = 0; i < due.size(); ++i)
                        list.setWithCaveats(i, due[i].first->getOrders()[due[i].second]);
                    },
                    epoch));
    arm();
  }

  void tick(const tick_atom&) {
    ticking = false;
    std::vector<std::int64_t> late;
    for (const auto& [task, o] : outstanding)
      if (o.deadline <= now())
        late.push_back(task);
    fail(late, ec::deadline_exceeded,
         "node " + std::to_string(node) + " did not answer an order in " + std::to_string(limits::order_timeout.count()) + " ms");
    arm();
    schedule();
  }

private:
  struct order {
    std::int64_t deadline = 0;
    std::uint32_t done = 0; ///< As the node said last.
  };

  /// Of an order that is sent now, or whose node is further than before.
  std::int64_t deadline() const {
    return now() + std::chrono::nanoseconds{limits::order_timeout}.count();
  }

  template <class Results, class Progress>
  void report(Results results, Progress progress) {
    std::vector<schema::OrderResult::Reader> mine;
    for (auto r : results)
      if (outstanding.erase(r.getTask()) > 0)
        mine.push_back(r);
      else
        debug("node ", node, " answered task ", r.getTask(), ", which it was not given or which ended");
    std::vector<schema::OrderProgress::Reader> further;
    for (auto p : progress)
      if (auto o = outstanding.find(p.getTask()); o != outstanding.end() && p.getDone() > o->second.done) {
        o->second = {deadline(), p.getDone()};
        further.push_back(p);
      }
    if (mine.empty() && further.empty())
      return;
    send(scheduler, make<schema::StepResults>(
                      [&](schema::StepResults::Builder b) {
                        b.setNode(node);
                        auto list = b.initResults(static_cast<unsigned>(mine.size()));
                        for (unsigned i = 0; i < mine.size(); ++i) {
                          list[i].setTask(mine[i].getTask());
                          list[i].setStatus(mine[i].getStatus());
                          list[i].setMarks(mine[i].getMarks());
                        }
                        auto on = b.initProgress(static_cast<unsigned>(further.size()));
                        for (unsigned i = 0; i < further.size(); ++i)
                          on.setWithCaveats(i, further[i]);
                      },
                      epoch));
  }

  void fail(const std::vector<std::int64_t>& tasks, ec code, const std::string& text) {
    if (tasks.empty())
      return;
    for (auto task : tasks)
      outstanding.erase(task);
    send(scheduler, make<schema::StepResults>(
                      [&](schema::StepResults::Builder b) {
                        b.setNode(node);
                        auto list = b.initResults(static_cast<unsigned>(tasks.size()));
                        for (unsigned i = 0; i < tasks.size(); ++i) {
                          list[i].setTask(tasks[i]);
                          set_status(list[i].initStatus(), code, text);
                        }
                      },
                      epoch));
  }

  void forget(std::int64_t task) {
    outstanding.erase(task);
    std::erase_if(waiting, [&](const auto& w) { return w.first->getOrders()[w.second].getTask() == task; });
  }

  void schedule() {
    if (!flushing) {
      flushing = true;
      send(task_executor_actor{self}, flush_atom::value);
    }
  }

  /// Deadlines are coarse: looked at every quarter of the order timeout while something is outstanding.
  void arm() {
    if (ticking || outstanding.empty())
      return;
    ticking = true;
    send_later(limits::order_timeout / 4, tick_atom::value);
  }

public:
  std::int64_t node = 0;
  std::uint64_t epoch = 0;
  task_scheduler_actor scheduler;

private:
  node_session_actor session;
  std::deque<std::pair<m<schema::StepBatch>, unsigned>> waiting;
  std::map<std::int64_t, order> outstanding; ///< By task.
  bool flushing = false;
  bool ticking = false;
};

task_executor_actor::behavior_type executor_behavior(task_executor_actor::stateful_pointer<executor_shell> self,
                                                     std::int64_t node, const node_peers& peers) {
  auto& s = self->state;
  s.enrol("task_executor/" + std::to_string(node), "task_executor", "node_manager");
  s.node = node;
  s.epoch = peers.epoch;
  s.scheduler = peers.scheduler;
  return {
    s.on(&executor_shell::steps),  s.on(&executor_shell::cancel), s.on(&executor_shell::results),
    s.on(&executor_shell::detach), s.on(&executor_shell::attach), s.on(&executor_shell::flush),
    s.on(&executor_shell::tick),
  };
}

} // namespace

task_executor_actor spawn_task_executor(caf::actor_system& system, std::int64_t node, const node_peers& peers) {
  return system.spawn(executor_behavior, node, peers);
}

} // namespace muster
