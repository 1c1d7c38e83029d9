// A table of tasks over a small world, and the proposals that its tests make.
#pragma once

#include "actors/core/task_table.hpp"
#include "messages/limits.hpp"
#include "tests/unit/situation_builder.hpp"

namespace muster::task_tests {

using schema::Proposer;
using schema::TaskKind;
using schema::TaskPriority;

constexpr std::int64_t ms(std::int64_t n) {
  return n * 1'000'000;
}

constexpr auto order_ns = ms(limits::order_timeout.count());

/// A table of tasks over a world: nodes 1, 2, 3 serve collection 7, segments 11 (on 1) and 12 (on 2); node 1 leads "a".
struct desk {
  world w;
  task_table tasks{1};
  std::int64_t now = ms(1'000);
  std::uint64_t number = 1;
  std::int64_t last = 0; ///< The task that the last admission made; 0: none.

  desk() {
    w.usable({1, 2, 3}).loaded(7, {{1, 2, 3}});
    w.segment(7, 11).segment(7, 12).settle(7);
    w.whole();
  }

  reason admit(const proposal& p, std::uint64_t seen = 0) {
    const auto made = tasks.admit(Proposer::SEGMENT_CHECKER, p, seen == 0 ? number : seen, w.view, now);
    last = made.task;
    return made.why;
  }

  std::vector<due_order> dispatch() {
    return tasks.dispatch(w.view, now);
  }

  /// Publishes what the table has to say, as task_scheduler does.
  touched_map publish() {
    w.whole();
    auto set = tasks.take_changes(++number);
    touched_map touched = set.touched();
    for (auto& [id, c] : w.collections)
      c.tasks.clear();
    w.publish(touched, std::move(set));
    return touched;
  }

  void answer(std::int64_t task, ec code = ec::ok, std::vector<awaited_report> marks = {}) {
    tasks.answered(task, failure{code, "said so"}, std::move(marks), w.view, now);
  }

  void report(std::int64_t node, std::uint64_t seq) {
    w.nodes.at(node).report_seq = seq;
    w.whole();
    tasks.reported({node}, w.view, now);
  }

  node_load load(std::int64_t node) {
    publish();
    return w.view.load(node);
  }
};

inline proposal load_13(std::int64_t node = 3) {
  proposal p;
  p.kind = TaskKind::LOAD_SEGMENT;
  p.collection = 7;
  p.replica = 101;
  p.channel = "a";
  p.segment = 13;
  p.node = node;
  p.why = reason::segment_lacking;
  return p;
}

/// A desk on which segment 13 (30 rows) is lacking.
struct lacking : desk {
  lacking() {
    w.segment(7, 13, 30);
    w.whole();
  }
};

inline proposal move_12() {
  auto p = load_13(3);
  p.kind = TaskKind::MOVE_SEGMENT;
  p.segment = 12;
  p.source = 2;
  p.priority = TaskPriority::LOW;
  return p;
}

inline proposal drop(const std::string& channel, std::int64_t node, std::int64_t replica, std::int64_t version) {
  proposal p;
  p.kind = TaskKind::DROP_SHARD;
  p.collection = 7;
  p.replica = replica;
  p.channel = channel;
  p.node = node;
  p.version = version;
  return p;
}

inline proposal release(std::int64_t segment, std::int64_t node, std::int64_t replica = 101, const std::string& channel = "a") {
  auto p = load_13(node);
  p.kind = TaskKind::RELEASE_SEGMENT;
  p.replica = replica;
  p.segment = segment;
  p.channel = channel;
  return p;
}

} // namespace muster::task_tests
