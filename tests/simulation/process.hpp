// One simulated process: an actor system of its own, a wire that only carries bytes, and a port for clients.
#pragma once

#include "actors/coordinator.hpp"
#include "actors/core/situation.hpp"
#include "actors/node/node.hpp"
#include "actors/runtime/system.hpp"
#include "tests/simulation/model.hpp"
#include "tests/simulation/storage.hpp"

#include <caf/actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace muster::sim {

/// What actors of a process do to the world outside of it. Called while one of its jobs runs.
class outside {
public:
  virtual ~outside() = default;
  virtual void command(int process, const msg<schema::LinkCommand>& what) = 0;
  virtual void answer(int process, std::uint64_t call, std::string bytes) = 0;
  virtual void routes(int process, std::string bytes) = 0;
  virtual void published(int process, const situation& now) = 0;
  virtual void actor_is_slow(int process, bool disk) = 0;
  virtual void fatal(int process, const std::string& text) = 0;
  virtual void committed(int process, const std::vector<journal_row>& rows) = 0;
  virtual void disk_failed(int process, append_outcome how) = 0;
  virtual void power_fails(int process) = 0;
  virtual void drained(int process) = 0;
  virtual void released(int process, segment_id segment) = 0;
};

struct process {
  process(int number, std::string process_name) : index(number), name(std::move(process_name)), address("host" + std::to_string(number)) {
    // nop
  }

  bool coordinator() const {
    return index == 0;
  }

  int index;
  std::string name;
  std::string address;
  bool up = false;
  bool powered = true;   ///< False: nothing answers at its address.
  bool paused = false;
  bool stopping = false; ///< Orderly stop under way.
  bool draining = false; ///< Asked to stop once it is empty.
  std::uint64_t generation = 0;
  std::int64_t started_at = 0;
  std::int64_t clock_ahead = 0; ///< Its clock minus the world's.
  std::int64_t last_inbound = 0;
  int crash_after = -1;         ///< Jobs until it crashes; negative: never.
  bool crash_powers_off = false;
  std::int64_t restart_after = -1; ///< Once it has ended; negative: only healing starts it again.
  bool failed_by_disk = false;
  std::int64_t stalled_until = 0; ///< Until then its actors are held at random.
  std::int64_t sessions_stalled_until = 0; ///< Until then its node sessions are held.
  std::map<std::uint64_t, std::int64_t> held; ///< Actor -> until when it does not run.
  std::map<std::uint64_t, bool> slow;         ///< Actors that wait for a disk (true) or load segments (false).
  std::vector<std::function<void()>> inbox;   ///< What arrived while it was paused.

  std::int64_t node = 0;         ///< Its id, once welcomed by a coordinator; kept over restarts.
  std::uint64_t incarnation = 0;
  std::int64_t linked_at = -1;   ///< Since when its link to the coordinator stands; -1: there is none.
  reported_node reports;
  std::shared_ptr<sim_engine> engine;
  std::shared_ptr<const store_faults> store; ///< Of a node; null: none ever.
  task_limits tasks = task_limits::standard(); ///< Of a coordinator.
  setting_table settings;                      ///< Of the coordinator.
  std::uint32_t cpus = 0;                      ///< That a node says it has.
  std::map<std::uint64_t, std::set<std::int64_t>> ever; ///< Incarnation -> segments that it ever held.

  life alive;
  std::unique_ptr<system_config> config;
  std::unique_ptr<caf::actor_system> system;
  caf::scheduler::test_coordinator* scheduler = nullptr;
  wire_actor wire;
  caf::actor port;
  caf::strong_actor_ptr watcher; ///< Of shard leaders, for the client.
  subscriber_actor reader;
  coordinator_actors coordinator_parts;
  node_actors node_parts;
};

/// Makes the actor system with wire and port. The process is up afterwards.
void begin(process& p, outside& world, std::int64_t now, std::int64_t clock_ahead);
/// Starts the coordinator; false: the journal refused the new epoch.
bool start_coordinator_in(process& p, outside& world, std::shared_ptr<memory_disk> disk, std::shared_ptr<disk_faults> faults,
                          prng& random, std::shared_ptr<sim_data> data);
void start_node_in(process& p, outside& world, const std::string& coordinator_address);
void call_coordinator(process& p, std::uint64_t call, const std::string& bytes);
void call_node(process& p, std::uint64_t call, const std::string& bytes);
/// Starts the client's watch of shard leaders anew.
void watch_routes(process& p, outside& world);
void acknowledge_routes(process& p);
void hear(process& p, bool peer, const msg<schema::LinkEvent>& event);

/// Ends all actors and the system. Returns what went wrong: actors that failed or that do not end; empty: nothing.
std::string end(process& p);

} // namespace muster::sim
