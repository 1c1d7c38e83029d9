// What is known about each actor without asking it: counted at every send and around every handler.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace muster {

class tap;
using tap_list = std::vector<std::shared_ptr<tap>>;

/// A report of one actor at one moment. Times in microseconds unless named otherwise.
struct probe_report {
  std::string name;
  std::string kind;
  std::string owner;
  std::uint64_t queued = 0;
  std::uint64_t oldest_ms = 0;
  std::uint64_t handled = 0;
  std::vector<std::pair<std::string, std::uint64_t>> handled_by_type;
  std::uint64_t handler_p50_us = 0;
  std::uint64_t handler_p99_us = 0;
  std::uint64_t handler_max_us = 0;
  std::uint64_t handler_total_us = 0; ///< Since its start: its share of the processor.
  std::uint32_t failures = 0;
  std::uint32_t restarts = 0;
  std::string last_failure;
  std::string waiting_for;
  std::string state; ///< "running" or "ended"
  std::vector<std::pair<std::string, std::uint64_t>> counters; ///< What the actor counts of its own, by name.
};

/// The counters of one actor. Written by senders (`sent`) and by the actor itself; read by anyone, also when it is stuck.
class probe {
public:
  probe(std::string name, std::string kind, std::string owner);

  const std::string& name() const {
    return name_;
  }

  const std::string& kind() const {
    return kind_;
  }

  /// True while somebody wants to see the messages of this actor: one load.
  bool tapped() const {
    return tapped_.load(std::memory_order_relaxed);
  }

  /// Who does; never null.
  std::shared_ptr<const tap_list> taps() const;
  void add_tap(std::shared_ptr<tap> t);
  void remove_tap(const tap* t);

  /// A message was put into the mailbox at `now_ns`.
  void sent(std::int64_t now_ns);
  /// A handler for a message of `type` (a string with static life) begins, and ends.
  void begin(const char* type, std::int64_t now_ns);
  void end(std::int64_t took_ns);
  void failed(std::string text);
  /// It asked the actor with this id, and waits for the answer; it came, or will not come.
  void asked(std::uint64_t whom) {
    open_.fetch_add(1, std::memory_order_relaxed);
    asked_.store(whom, std::memory_order_relaxed);
  }
  void answered() {
    open_.fetch_sub(1, std::memory_order_relaxed);
  }
  /// Answers that it waits for, and whom it asked last.
  std::pair<std::uint32_t, std::uint64_t> open() const {
    return {open_.load(std::memory_order_relaxed), asked_.load(std::memory_order_relaxed)};
  }
  void waits_for(std::string text);
  /// The actor's own counters: adds to one, or sets it. `what` is a string with static life.
  void count(const char* what, std::uint64_t more);
  void set(const char* what, std::uint64_t value);
  void ended();
  /// This one takes the place of another: it counts the restart, and is seen by who taps, from its first message on.
  void restarted(probe& predecessor);

  probe_report report(std::int64_t now_ns) const;
  std::size_t queued() const;

private:
  mutable std::mutex mutex_;
  std::string name_;
  std::string kind_;
  std::string owner_;
  std::deque<std::int64_t> queue_; ///< Times of arrival, at most `max_times`; beyond that only counted.
  std::uint64_t untimed_ = 0;
  std::uint64_t handled_ = 0;
  std::map<const char*, std::uint64_t, std::less<>> by_type_;
  std::array<std::uint64_t, 40> times_{}; ///< Handler times: bucket i holds those below 2^i ns.
  std::int64_t max_ns_ = 0;
  std::int64_t total_ns_ = 0;
  std::uint32_t failures_ = 0;
  std::atomic<std::uint32_t> open_{0};
  std::atomic<std::uint64_t> asked_{0};
  std::uint32_t restarts_ = 0;
  std::string last_failure_;
  std::map<std::string_view, std::uint64_t> counters_;
  std::string waiting_for_;
  bool ended_ = false;
  std::atomic<bool> tapped_ = false;
  std::shared_ptr<const tap_list> taps_;
};

/// The probes of one actor system, by actor id. A probe of an ended actor is forgotten when another of its name enrols.
class probe_registry {
public:
  std::shared_ptr<probe> enrol(std::uint64_t actor, std::string name, std::string kind, std::string owner);
  void retire(std::uint64_t actor);
  /// A message to `actor` was sent.
  void sent(std::uint64_t actor, std::int64_t now_ns);
  /// All reports, by name; `name` empty: all. Cost: one pass over the actors of the process.
  std::vector<probe_report> reports(std::string_view name, std::int64_t now_ns) const;
  std::size_t size() const;
  /// Messages that wait for an actor; 0 for one that is not known.
  std::size_t queued(std::uint64_t actor) const;

  /// The probe of the actor of this name, also of one that has ended; or null.
  std::shared_ptr<probe> named(std::string_view name) const;
  /// The name of an actor; empty: not one of this process, or ended.
  std::string name_of(std::uint64_t actor) const;
  /// Taps the next actor that enrols under this name, from its first message on.
  void expect(const std::string& name, std::shared_ptr<tap> t);

private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<probe>> by_actor_;
  std::map<std::string, std::shared_ptr<tap>> expected_;
  std::map<std::string, std::shared_ptr<probe>, std::less<>> by_name_;
};

} // namespace muster
