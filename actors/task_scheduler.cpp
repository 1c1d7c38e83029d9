// Publications and proposals in, the numbered situation and steps out.
#include "actors/task_scheduler.hpp"

#include "actors/core/balance/configured.hpp"
#include "actors/core/chunk_store.hpp"
#include "actors/core/moves_by_hand.hpp"
#include "actors/core/names.hpp"
#include "actors/core/task_table.hpp"
#include "actors/runtime/publisher.hpp"

#include <caf/typed_response_promise.hpp>

#include <functional>
#include <limits>

namespace muster {

namespace {

const std::set<schema::ChunkKind>& all_kinds() {
  using schema::ChunkKind;
  static const std::set<ChunkKind> kinds{ChunkKind::NODES,      ChunkKind::COLLECTION, ChunkKind::TARGET_HEAD,
                                         ChunkKind::TARGET_SEGMENTS, ChunkKind::DELEGATORS, ChunkKind::COPIES,
                                         ChunkKind::VIEWS,      ChunkKind::TASKS,      ChunkKind::DELTAS,
                                         ChunkKind::FAILURES,   ChunkKind::RESOURCE_GROUP, ChunkKind::SWITCHES};
  return kinds;
}

struct scheduler_shell : shell<task_scheduler_actor, scheduler_shell> {
  /// A request that waits for its tasks.
  struct wait {
    std::vector<ended_task> outcomes; ///< id 0: refused; end none: it still runs.
    std::size_t open = 0;
    std::int64_t deadline = 0;
    std::function<void(m<schema::RunTasksReply>)> answer;
  };

  scheduler_shell(self_pointer ptr) : shell(ptr, "task_scheduler", "task_scheduler", "supervisor"), tasks(0) {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    const auto& touched = view.apply(p);
    pending.merge_nodes(p);
    pending.touch(touched);
    tasks.changed(touched, view);
    cancel(tasks.reported(view.changed_nodes(), view, now()));
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
      const auto why = tasks.admit(batch.getProposer(), p, batch.getSituation(), view, now()).why;
      if (why != reason::none)
        debug("refused ", plain_name_of(p.kind), " of ", p.channel, p.segment != 0 ? " segment " : "",
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
    for (auto p : results->getProgress())
      tasks.progressed(p.getTask(), p.getDone(), p.getTotal(), now());
    schedule();
  }

  // -- tasks by hand, and their list ----------------------------------------------------

  caf::result<m<schema::RunTasksReply>> run(const m<schema::RunTasksRequest>& request) {
    std::vector<proposal> proposals;
    for (auto r : request->getProposals())
      proposals.push_back(read(r));
    const auto seen = request->getSituation() == 0 ? std::numeric_limits<std::uint64_t>::max() : request->getSituation();
    auto promise = self->make_response_promise<m<schema::RunTasksReply>>();
    admit(request->getProposer(), proposals, seen, request->getWait(), request->getHeader(),
          [promise](m<schema::RunTasksReply> reply) mutable { promise.deliver(std::move(reply)); });
    return promise;
  }

  /// Admits all; `answer` is called when all have ended, or at once if nobody waits or nothing was admitted.
  void admit(schema::Proposer proposer, const std::vector<proposal>& proposals, std::uint64_t seen, bool waits_for_them,
             schema::Header::Reader header, std::function<void(m<schema::RunTasksReply>)> answer) {
    wait w;
    for (const auto& p : proposals) {
      const auto made = tasks.admit(proposer, p, seen, view, now());
      w.outcomes.push_back({made.task, made.why, {}});
      w.open += made.task != 0 ? 1 : 0;
    }
    schedule();
    if (w.open == 0 || !waits_for_them)
      return answer(outcome(w, {ec::ok, ""}));
    if (waits.size() >= limits::task_waits)
      return answer(outcome(w, {ec::too_many_requests,
                                std::to_string(waits.size())
                                  + " requests wait for their tasks; these run, look at them with ListTasks"}));
    const auto id = next_wait++;
    for (const auto& o : w.outcomes)
      if (o.id != 0) {
        tasks.watch(o.id);
        waits_of[o.id] = id;
      }
    w.deadline = now() + std::chrono::nanoseconds{time_left(header, limits::task_wait_timeout)}.count();
    w.answer = std::move(answer);
    wait_deadlines.insert({w.deadline, id});
    waits.emplace(id, std::move(w));
  }

  // -- moves by hand --------------------------------------------------------------------

  caf::result<m<schema::LoadBalanceReply>> load_balance(const m<schema::LoadBalanceRequest>& r) {
    const auto ids = [](capnp::List<std::int64_t>::Reader list) {
      std::vector<std::int64_t> out;
      for (auto id : list)
        out.push_back(id);
      return out;
    };
    return move<schema::LoadBalanceReply>(
      plan_load_balance(view, {r->getCollectionId(), ids(r->getSources()), ids(r->getDestinations()), ids(r->getSegments())},
                        balance),
      true, r->getHeader());
  }

  caf::result<m<schema::TransferSegmentReply>> transfer_segment(const m<schema::TransferSegmentRequest>& r) {
    auto ask = transfer_of(r);
    ask.segment = r->getSegment();
    return move<schema::TransferSegmentReply>(plan_transfer_segment(view, ask, balance), false, r->getHeader());
  }

  caf::result<m<schema::TransferChannelReply>> transfer_channel(const m<schema::TransferChannelRequest>& r) {
    auto ask = transfer_of(r);
    ask.channel = muster::view(r->getChannel());
    return move<schema::TransferChannelReply>(plan_transfer_channel(view, ask, balance), false, r->getHeader());
  }

  template <class Request>
  static transfer transfer_of(const m<Request>& r) {
    transfer t;
    t.source = r->getSource();
    t.destination = r->getDestination();
    t.all = r->getTransferAll();
    t.to_all_nodes = r->getToAllNodes();
    t.copy = r->getCopyMode();
    return t;
  }

  template <class Reply>
  caf::result<m<Reply>> move(const hand_plan& plan, bool waits_for_them, schema::Header::Reader header) {
    auto fresh = plan.moves;
    // Asked for again while it is under way: it is as asked for.
    if (!waits_for_them)
      std::erase_if(fresh, [this](const proposal& p) { return under_way(p); });
    const auto moves = static_cast<std::uint32_t>(fresh.size());
    const auto reply = [this, moves](const failure& why) {
      return make<Reply>([&](typename Reply::Builder b) {
        set_status(b.initStatus(), why);
        b.setMoves(moves);
      });
    };
    if (plan.why != hand_refusal::none || moves == 0)
      return reply(failure_of(plan));
    auto promise = self->make_response_promise<m<Reply>>();
    admit(schema::Proposer::MANUAL, fresh, std::numeric_limits<std::uint64_t>::max(), waits_for_them, header,
          [promise, reply](const m<schema::RunTasksReply>& done) mutable {
            promise.deliver(reply(to_failure(done->getStatus())));
          });
    return promise;
  }

  /// True when the same move is in flight.
  bool under_way(const proposal& p) const {
    const auto* c = view.collection(p.collection);
    if (c == nullptr)
      return false;
    const auto* t = is_channel_task(p.kind) ? c->task_on(p.replica, p.channel) : c->task_on(p.replica, p.segment);
    return t != nullptr && t->kind == p.kind && t->source == p.source;
  }

  m<schema::Ack> configure(const m<schema::RuleSettings>& values) {
    balance = balance_settings_of(values->getValues());
    return make<schema::Ack>([](auto) {});
  }

  m<schema::TaskRecordsReply> list(const m<schema::TaskRecordsRequest>& request) {
    const auto records = tasks.records(request->getCollection(), now());
    return make<schema::TaskRecordsReply>([&](schema::TaskRecordsReply::Builder b) {
      set_status(b.initStatus(), ec::ok, "");
      auto list = b.initTasks(static_cast<unsigned>(records.size()));
      for (unsigned i = 0; i < records.size(); ++i)
        write(list[i], records[i], now());
    });
  }

  void attach(const attach_atom&, const std::int64_t& node, const task_executor_actor& executor) {
    executors[node] = executor;
  }

  void flush(const flush_atom&) {
    flushing = false;
    dispatch();
    settle_waits();
    publish();
    tell_news();
    meter().set("tasks", tasks.size());
    meter().set("situation", number);
    arm();
  }

  void tick(const tick_atom&) {
    ticking = false;
    cancel(tasks.on_time(now()));
    schedule();
  }

  void dispatch() {
    std::map<std::int64_t, std::vector<std::int64_t>> due;
    // A task that cannot be sent gives its slot to another.
    for (auto orders = tasks.dispatch(view, now()); !orders.empty(); orders = tasks.dispatch(view, now()))
      for (const auto& order : orders) {
        if (executors.contains(order.node))
          due[order.node].push_back(order.task);
        else
          tasks.answered(order.task, failure{ec::connection_lost, "node " + std::to_string(order.node) + " has no session"}, {},
                         view, now());
      }
    for (const auto& [node, ids] : due) {
      auto executor = executors.find(node);
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
    if (tally)
      tally->change([this](coordinator_tally& t) { t.tasks = tasks.tally(); });
    auto own = tasks.take_changes(number + 1);
    if (!own.empty()) {
      auto p = own.take(number + 1, epoch, now());
      const auto& touched = view.apply(p);
      pending.merge_nodes(p);
      pending.touch(touched);
    }
    view.take_views(pending);
    if (pending.empty())
      return;
    auto p = pending.take(++number, epoch, now());
    stood.apply(p);
    out->publish(p);
    tasks.forget_floors(out->acknowledged());
  }

  /// Begins and ends of tasks, for the log; one batch unanswered at a time.
  void tell_news() {
    const auto to = telling ? inspector_actor{} : inspector();
    if (!to)
      return;
    const auto news = tasks.take_news(limits::task_news);
    if (news.empty())
      return;
    telling = true;
    const auto begin = std::chrono::steady_clock::now();
    auto batch = make<schema::TaskNews>(
      [&](schema::TaskNews::Builder b) {
        b.setLost(tasks.news_lost());
        auto list = b.initChanges(static_cast<unsigned>(news.size()));
        for (unsigned i = 0; i < news.size(); ++i)
          write(list[i], news[i], view);
      },
      epoch);
    meter().count("telling_ns", static_cast<std::uint64_t>((std::chrono::steady_clock::now() - begin).count()));
    const auto told = [this] {
      telling = false;
      tell_news();
    };
    request<m<schema::Ack>>(
      to, limits::read_timeout, batch, [told](const m<schema::Ack>&) { told(); },
      [told](const failure&) { told(); }); // lost with the inspector; the next one begins anew
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

  void settle_waits() {
    for (auto& ended : tasks.take_ended()) {
      auto at = waits_of.extract(ended.id);
      auto i = at.empty() ? waits.end() : waits.find(at.mapped());
      if (i == waits.end())
        continue;
      for (auto& o : i->second.outcomes)
        if (o.id == ended.id)
          o = std::move(ended);
      if (--i->second.open == 0)
        answer_wait(i->first, {ec::ok, ""});
    }
    while (!wait_deadlines.empty() && wait_deadlines.begin()->first <= now())
      answer_wait(wait_deadlines.begin()->second,
                  {ec::deadline_exceeded, "some of the tasks still run; look at them with ListTasks"});
  }

  void answer_wait(std::uint64_t id, const failure& why) {
    auto w = waits.extract(id);
    wait_deadlines.erase({w.mapped().deadline, id});
    for (const auto& o : w.mapped().outcomes)
      waits_of.erase(o.id);
    w.mapped().answer(outcome(w.mapped(), why));
  }

  /// The status is `why`, or that of the first proposal that was refused or whose task did not succeed.
  m<schema::RunTasksReply> outcome(const wait& w, failure why) {
    for (const auto& o : w.outcomes) {
      const auto status = status_of(o.end);
      if (why.code != ec::ok || status == schema::TaskStatus::STARTED || status == schema::TaskStatus::SUCCEEDED)
        continue;
      why = {o.id == 0 ? ec::stale_premise : ec::internal,
             (o.id == 0 ? std::string{"refused: "} : "task " + std::to_string(o.id) + " ended: ") + std::string{to_string(o.end)}
               + (o.error.empty() ? "" : ": " + o.error)};
    }
    return make<schema::RunTasksReply>([&](schema::RunTasksReply::Builder b) {
      set_status(b.initStatus(), why);
      auto list = b.initOutcomes(static_cast<unsigned>(w.outcomes.size()));
      for (unsigned i = 0; i < w.outcomes.size(); ++i) {
        list[i].setTask(w.outcomes[i].id);
        list[i].setReason(static_cast<std::uint16_t>(w.outcomes[i].end));
        list[i].setStatus(status_of(w.outcomes[i].end));
        list[i].setError(w.outcomes[i].error);
      }
    });
  }

  /// One timer for the nearest deadline or back-off; none when there is neither.
  void arm() {
    auto next = tasks.next_time();
    if (!wait_deadlines.empty() && (!next || wait_deadlines.begin()->first < *next))
      next = wait_deadlines.begin()->first;
    if (!next || (ticking && armed_for <= *next))
      return;
    ticking = true;
    armed_for = *next;
    const auto wait = std::chrono::nanoseconds{std::max<std::int64_t>(*next - now(), 0)};
    send_later(std::chrono::duration_cast<std::chrono::milliseconds>(wait) + std::chrono::milliseconds{1}, tick_atom::value);
  }

  std::map<std::uint64_t, wait> waits;
  std::map<std::int64_t, std::uint64_t> waits_of; ///< Task -> wait.
  std::set<std::pair<std::int64_t, std::uint64_t>> wait_deadlines;
  std::uint64_t next_wait = 1;
  situation view;
  balance_settings balance; ///< How moves by hand choose nodes.
  task_table tasks;
  chunk_store stood; ///< What was published of no collection.
  change_set pending;
  std::unique_ptr<publisher<scheduler_shell>> out;
  std::map<std::int64_t, task_executor_actor> executors;
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
  tally_ptr tally; ///< For /metrics; null: nobody asks.
  bool flushing = false;
  bool telling = false; ///< News are on their way to inspector.
  bool ticking = false;
  std::int64_t armed_for = 0;
};

task_scheduler_actor::behavior_type scheduler_behavior(task_scheduler_actor::stateful_pointer<scheduler_shell> self,
                                                       std::uint64_t epoch, const task_limits& limits,
                                                       const tally_ptr& tally) {
  auto& s = self->state;
  s.epoch = epoch;
  s.tally = tally;
  s.tasks = task_table{epoch, limits};
  s.out = std::make_unique<publisher<scheduler_shell>>(s, epoch, [&s] {
    auto all = s.stood.whole(all_kinds());
    s.view.all_views(all);
    return all;
  });
  s.view.remember_changes();
  return {
    s.on(&scheduler_shell::hear),    s.on(&scheduler_shell::subscribe), s.on(&scheduler_shell::propose),
    s.on(&scheduler_shell::results), s.on(&scheduler_shell::attach),    s.on(&scheduler_shell::flush),
    s.on(&scheduler_shell::tick),    s.on(&scheduler_shell::run),       s.on(&scheduler_shell::list),
    s.on(&scheduler_shell::load_balance),     s.on(&scheduler_shell::transfer_segment),
    s.on(&scheduler_shell::transfer_channel), s.on(&scheduler_shell::configure),
  };
}

} // namespace

task_scheduler_actor spawn_task_scheduler(caf::actor_system& system, std::uint64_t epoch, const task_limits& limits,
                                          tally_ptr tally) {
  return system.spawn(scheduler_behavior, epoch, limits, std::move(tally));
}

} // namespace muster
