// Every task in flight: admission, steps, confirmation by reports, failures with back-off, and the load that is on its way.
#pragma once

#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"
#include "messages/result.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// What at most one task at a time works on: a segment or a channel of a replica, or of a node when it belongs to none.
struct task_key {
  std::int64_t collection = 0;
  std::int64_t replica = 0;
  std::int64_t node = 0; ///< Only when replica is 0.
  std::int64_t segment = 0;
  std::string channel; ///< Only for channel tasks.

  friend auto operator<=>(const task_key&, const task_key&) = default;
};

task_key key_of(const proposal& p);

/// A point in a node's reports.
struct awaited_report {
  std::int64_t node = 0;
  std::uint64_t incarnation = 0;
  std::uint64_t seq = 0;
};

/// An order that is due, for the executor of `node`.
struct due_order {
  std::int64_t node = 0;
  std::int64_t task = 0;
};

/// The tasks of one coordinator start. Times are nanoseconds of any one steady clock.
class task_table {
public:
  explicit task_table(std::uint64_t epoch = 0) : epoch_(epoch), next_id_(static_cast<std::int64_t>(epoch << 32) + 1) {
    // nop
  }

  /// Takes a proposal that rests on situation `number`. reason::none: it is a task now. Cost: log of the tasks in flight.
  reason admit(schema::Proposer proposer, const proposal& p, std::uint64_t number, const situation& s, std::int64_t now);

  /// Moves waiting tasks whose premise still holds to running, most urgent first; the rest ends. Returns what to send.
  std::vector<due_order> dispatch(const situation& s, std::int64_t now);

  /// Writes the order of a task's current step. The task was just returned by dispatch, the situation is the same.
  void write_order(std::int64_t task, const situation& s, schema::Order::Builder out) const;

  /// An executor's answer. Unknown tasks are ignored.
  void answered(std::int64_t task, const failure& why, std::vector<awaited_report> marks, const situation& s, std::int64_t now);

  /// Forgets the failures of collections that are no longer desired. Cost: the collections named.
  void changed(const touched_map& collections, const situation& s);

  /// Looks at tasks that wait for reports of these nodes. Cost: those tasks.
  void reported(const std::set<std::int64_t>& nodes, const situation& s, std::int64_t now);

  /// Ends what is overdue, wakes what backed off. Returns tasks whose executors should forget them.
  std::vector<due_order> on_time(std::int64_t now);

  /// The next time at which on_time has something to do.
  std::optional<std::int64_t> next_time() const;

  /// Task chunks, deltas and touched ids since the last call. `number`: of the publication they go into.
  change_set take_changes(std::uint64_t number);

  /// Subscribers have all handled publications up to here: older floors are forgotten.
  void forget_floors(std::uint64_t acknowledged);

  std::size_t size() const {
    return tasks_.size();
  }

private:
  enum class phase { waiting, running, confirming };

  struct delta {
    std::int64_t rows = 0;
    std::int32_t segments = 0;
    std::int32_t channels = 0;
    friend bool operator==(const delta&, const delta&) = default;
  };

  struct task {
    std::int64_t id = 0;
    proposal what;
    schema::Proposer proposer = schema::Proposer::INVALID;
    task_key key;
    phase at = phase::waiting;
    std::uint8_t step = 0;
    std::int64_t rows = 0;
    std::int64_t order_node = 0;
    std::int64_t deadline = 0;
    std::vector<awaited_report> marks;
    std::map<std::int64_t, delta> load;
  };

  struct failure_record {
    std::int64_t not_before = 0;
    std::int64_t wait = 0;
    bool waking = true; ///< Its key is still to be marked dirty at not_before; else it is forgotten 2 waits later.
  };

  using failure_key = std::pair<task_key, schema::TaskKind>;

  reason premise(const proposal& p, std::uint8_t step, const situation& s) const;
  std::int64_t executor_of(const proposal& p, std::uint8_t step, const situation& s) const;
  void count(task& t, const situation& s);
  void apply(const std::map<std::int64_t, delta>& load, int sign);
  bool visible(const task& t, const situation& s) const;
  void advance(task& t, const situation& s, std::int64_t now);
  void finish(std::int64_t id, reason why, std::int64_t now);
  void set_deadline(task& t, std::int64_t when);
  void remember_failure(const task& t, std::int64_t now);
  void forget_failure(const failure_key& key);
  void remember_for_people(std::int64_t collection, const failure& why, std::int64_t now);
  void touch(const task_key& key);

  std::uint64_t epoch_;
  std::int64_t next_id_;
  std::map<std::int64_t, task> tasks_;
  std::map<task_key, std::int64_t> by_key_;
  std::set<std::pair<int, std::int64_t>> waiting_; ///< (urgency, id)
  std::map<std::int64_t, std::set<std::int64_t>> confirming_; ///< by node
  std::map<std::int64_t, std::set<std::int64_t>> by_collection_;
  std::set<std::pair<std::int64_t, std::int64_t>> deadlines_; ///< (time, id)
  std::map<failure_key, failure_record> failures_;
  std::set<std::pair<std::int64_t, failure_key>> wakes_;
  std::map<std::int64_t, std::map<ec, load_failure>> load_failures_; ///< By collection.
  std::set<std::int64_t> load_failures_changed_;
  std::map<task_key, std::uint64_t> floors_; ///< 0: ends with the next publication
  std::set<task_key> ended_;
  std::map<std::int64_t, delta> deltas_;
  bool deltas_changed_ = false;
  std::set<std::int64_t> dirty_;
  std::set<std::int64_t> starved_;
  change_set changes_;
};

} // namespace muster
