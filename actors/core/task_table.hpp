// Every task in flight: admission, steps, confirmation by reports, ends, and the load that is on its way.
#pragma once

#include "actors/core/failure_memory.hpp"
#include "actors/core/figures.hpp"
#include "actors/core/situation.hpp"
#include "actors/core/task.hpp"
#include "actors/core/task_history.hpp"
#include "actors/core/task_queue.hpp"
#include "messages/result.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// An order that is due, for the executor of `node`.
struct due_order {
  std::int64_t node = 0;
  std::int64_t task = 0;
};

/// The begin or end of a task, for who keeps the log of what happened.
struct task_news {
  schema::EventKind kind = schema::EventKind::INVALID; ///< taskAdmitted or taskEnded.
  task_record task; ///< `error`, where there is one, begins with the name of its code.
  balance_choice choice;
  std::uint64_t situation = 0;
  std::int64_t target_version = 0;
  std::int64_t at = 0;
  std::int64_t waited_us = 0;
  std::int64_t worked_us = 0;
};

void write(schema::TaskNews::Change::Builder out, const task_news& news, const situation& s);

/// How a task that someone waits for ended.
struct ended_task {
  std::int64_t id = 0;
  reason end = reason::none;
  std::string error;
};

/// The tasks of one coordinator start. Times are nanoseconds of any one steady clock. What each task holds (its key, a place in the
/// queue or a slot, its load, its deadline, its reports awaited) is given back at its one end, whatever ends it.
class task_table {
public:
  explicit task_table(std::uint64_t epoch = 0, const task_limits& limits = task_limits::standard());

  // -- admission (task_admission.cpp) -----------------------------------------------

  struct admission {
    reason why = reason::none; ///< none: it is a task now.
    std::int64_t task = 0;
  };

  /// Takes a proposal that rests on situation `number`. Cost: log of the tasks in flight, and its premise.
  admission admit(schema::Proposer proposer, const proposal& p, std::uint64_t number, const situation& s, std::int64_t now);

  // -- steps ------------------------------------------------------------------------

  /// Gives free slots to waiting tasks whose premise still holds; the premise gone, a task ends. Returns what to send. Cost: log of
  /// what waits for each task that starts or ends; tasks without a free slot cost nothing.
  std::vector<due_order> dispatch(const situation& s, std::int64_t now);

  /// Writes the order of a task's current step. The task was just returned by dispatch, the situation is the same.
  void write_order(std::int64_t task, const situation& s, schema::Order::Builder out) const;

  /// An executor's answer. Unknown tasks are ignored.
  void answered(std::int64_t task, const failure& why, std::vector<awaited_report> marks, const situation& s, std::int64_t now);

  /// A node says how far it is with an order, whose deadline starts anew if it is further than before.
  void progressed(std::int64_t task, std::uint32_t done, std::uint32_t total, std::int64_t now);

  /// Looks at tasks that wait for reports of these nodes, and ends those that act on a node that is gone. Returns tasks whose executors
  /// should forget them. Cost: those tasks.
  std::vector<due_order> reported(const std::set<std::int64_t>& nodes, const situation& s, std::int64_t now);

  /// Forgets the failures of collections that are no longer desired. Cost: the collections named.
  void changed(const touched_map& collections, const situation& s);

  /// Ends what is overdue, wakes what backed off. Returns tasks whose executors should forget them.
  std::vector<due_order> on_time(std::int64_t now);

  /// The next time at which on_time has something to do.
  std::optional<std::int64_t> next_time() const;

  // -- publication (task_publication.cpp) ---------------------------------------------

  /// Task chunks, deltas, failures and touched ids since the last call. `number`: of the publication they go into.
  change_set take_changes(std::uint64_t number);

  /// Subscribers have all handled publications up to here: older floors are forgotten.
  void forget_floors(std::uint64_t acknowledged);

  /// The load in flight towards a node for a collection; 0: of all nodes, all collections. Cost: log, with a 0 what is in flight.
  task_load in_flight(std::int64_t node, std::int64_t collection) const;

  /// Tasks, live and of late, newest first; collection 0: all. Cost: the tasks.
  std::vector<task_record> records(std::int64_t collection, std::int64_t now);

  /// Someone waits for the end of this task: it will be in `take_ended`.
  void watch(std::int64_t task);
  std::vector<ended_task> take_ended() {
    return std::exchange(ended_tasks_, {});
  }

  /// Up to `most` of what began and ended since, in order; at most limits::task_news_waiting are kept, those beyond are counted as lost.
  std::vector<task_news> take_news(std::size_t most);
  std::uint64_t news_lost() const {
    return news_lost_;
  }

  /// What began and ended since the start.
  const task_tally& tally() const {
    return tally_;
  }

  // -- for tests and for who asks how full it is ---------------------------------------

  std::size_t size() const {
    return tasks_.size();
  }

  struct holdings {
    std::size_t tasks = 0;
    std::size_t keys = 0;
    std::size_t waiting = 0;
    std::size_t running = 0;
    std::size_t confirming = 0;
    std::size_t deadlines = 0;
    std::size_t loads = 0;
    std::size_t floors = 0;
    std::size_t failures = 0;
    std::size_t starved = 0;
    std::size_t watched = 0;
    std::size_t tied = 0; ///< Nodes with tasks.
  };
  holdings held() const;

private:
  enum class phase { waiting, running, confirming };

  struct task {
    std::int64_t id = 0;
    proposal what;
    schema::Proposer proposer = schema::Proposer::INVALID;
    task_key key;
    phase at = phase::waiting;
    std::uint8_t step = 0;
    std::int64_t rows = 0;
    std::int64_t admitted_at = 0;
    std::int64_t ordered_at = 0;  ///< First; 0: not yet.
    std::int64_t answered_at = 0; ///< Last.
    std::int64_t leader = 0; ///< That a load went through.
    std::int64_t order_node = 0;
    std::int64_t deadline = 0;
    std::uint32_t done = 0;
    std::uint32_t total = 0;
    std::vector<awaited_report> marks;
    std::map<std::int64_t, task_load> load;
    std::set<std::int64_t> tied; ///< Nodes whose loss ends it.
  };

  task_queue::place place_of(const task& t) const;
  reason refusal(const task_key& key, const proposal& p, std::uint64_t number, std::int64_t now);
  bool crowded(const proposal& p) const;
  bool on_the_move(const proposal& p, const situation& s) const;
  void make(std::int64_t id, schema::Proposer proposer, const proposal& p, const task_key& key, const situation& s,
            std::int64_t now);
  void enqueue(task& t, std::int64_t now);
  void leave_queue(task& t);
  void confirm(task& t);
  void unconfirm(task& t);
  void tie(task& t, std::int64_t node);
  void apply(const task& t, int sign);
  bool visible(const task& t, const situation& s) const;
  void advance(task& t, const situation& s, std::int64_t now);
  void end_covered(const situation& s, std::int64_t now); ///< Of a planted bug.
  void fail(task& t, const failure& why, reason end, std::int64_t now);
  void finish(std::int64_t id, reason why, std::int64_t now, const failure& error = {ec::ok, {}});
  void remember_end(const task& t, reason why, const failure& error, std::int64_t now);
  void tell(task_news news);
  void set_deadline(task& t, std::int64_t when);
  void touch(const task_key& key);
  void mark_dirty(const task& t);
  task_row row_of(const task& t) const;
  task_record record_of(const task& t) const;

  std::uint64_t epoch_;
  task_limits limits_;
  std::int64_t next_id_;
  std::map<std::int64_t, task> tasks_;
  std::map<task_key, std::int64_t> by_key_;
  task_queue queue_;
  std::array<std::size_t, 3> by_priority_{};
  std::map<std::int64_t, std::set<std::int64_t>> confirming_; ///< Tasks by the node whose report they await.
  std::map<std::int64_t, std::set<std::int64_t>> tied_;       ///< Tasks by the nodes whose loss ends them.
  std::set<std::pair<std::int64_t, std::int64_t>> deadlines_; ///< (time, id)
  failure_memory failures_;
  std::map<task_key, std::uint64_t> floors_; ///< Number of the publication that shows the end.
  std::set<std::pair<std::uint64_t, task_key>> floors_by_number_;
  std::set<task_key> ended_; ///< Since the last publication.
  std::map<std::pair<std::int64_t, std::int64_t>, task_load> loads_; ///< (node, collection)
  std::map<std::int64_t, task_load> node_loads_;
  bool loads_changed_ = false;
  std::set<std::pair<std::int64_t, std::int64_t>> dirty_; ///< (collection, chunk of tasks)
  std::set<std::int64_t> dirty_collections_;              ///< Whose checkers must look again.
  std::map<std::int64_t, std::map<std::int64_t, std::set<std::int64_t>>> chunks_; ///< Tasks by collection and chunk.
  std::set<std::int64_t> starved_; ///< Collections that were refused for lack of room.
  std::set<std::int64_t> watched_;
  std::vector<ended_task> ended_tasks_;
  task_history history_;
  std::deque<task_news> news_; ///< Not taken yet.
  std::uint64_t news_lost_ = 0;
  task_tally tally_;
  change_set changes_;
};

} // namespace muster
