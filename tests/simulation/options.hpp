// What a seed draws: the cluster, the workload, and which faults occur at all.
#pragma once

#include "tests/simulation/prng.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace muster::sim {

inline constexpr std::int64_t us = 1'000;
inline constexpr std::int64_t ms = 1'000'000;
inline constexpr std::int64_t s = 1'000'000'000;

enum class fault {
  cut,              ///< a link breaks; both ends hear of it, an unknown tail is lost
  half_cut,         ///< a link breaks; one end does not hear of it before it writes
  isolate,          ///< one process is cut off from all others
  one_way,          ///< nothing arrives from one process at another
  clog,             ///< what is sent from one process to another waits
  node_crash,       ///< SIGKILL; connections end
  node_power,       ///< the machine is gone; nobody is told
  node_bounce,      ///< a crash and a restart within milliseconds, at some message
  node_pause,       ///< SIGSTOP
  node_leave,       ///< orderly stop
  coordinator_crash,
  coordinator_power,
  coordinator_pause,
  coordinator_leave,
  stall,            ///< some actors of a process do not run for a while
  disk_refuses,
  disk_unknown,
  disk_cut,         ///< power fails while a commit is written
};

const char* to_string(fault f);
const std::vector<fault>& all_faults();

struct options {
  std::uint64_t seed = 0;
  int nodes = 1;
  int late_nodes = 0; ///< Of `nodes`: these join while the workload runs.
  int collections = 1;
  int shards = 1;
  int replicas = 1;      ///< At most; each load draws.
  int segments = 1;      ///< At most, in one import and shard.
  int rows = 1;          ///< At most, in a segment.
  std::int64_t latency_least = 50 * us;
  std::int64_t latency_most = 1 * ms;
  std::int64_t load_time = 0;   ///< Most time that the load of a segment takes.
  std::int64_t disk_time = 0;   ///< Most time that a commit takes.
  std::int64_t duration = 2 * s; ///< Of workload and faults.
  std::int64_t operations_every = 50 * ms;
  std::int64_t searches_every = 10 * ms;
  std::int64_t faults_every = 0; ///< 0: none.
  std::vector<fault> faults;
  bool duplicates = false; ///< Requests of clients may arrive twice.
  bool compaction = false; ///< An append may replace older segments.
  bool crash_on_answer = false;
  bool ghosts = false;     ///< Orders of an earlier epoch arrive again.
  bool tight = false;      ///< Every node works on one order of a kind at a time, so that tasks wait for each other.
  std::string balancer = "ScoreBasedBalancer"; ///< The policy that places and moves.
  std::string second_balancer; ///< Takes its place while the workload runs; empty: none does.
  int exclusive_factor = 4;    ///< Nodes for each channel from which on channels have nodes of their own.
  bool drain_last = false;     ///< After everything has come to rest a node is drained and comes back.
  bool by_hand = false;    ///< Someone moves segments and channels by hand.
  std::int64_t hands_every = 50 * ms;
  bool groups = false;     ///< Someone changes resource groups and replicas.
  std::int64_t groups_every = 50 * ms;
  bool partitions = false; ///< Someone creates, loads, releases and drops partitions, and asks for refreshes.
  std::int64_t partitions_every = 50 * ms;
  bool switches = false;   ///< Someone switches checkers, balance and nodes off and on.
  std::int64_t switches_every = 50 * ms;
  bool bad_records = false; ///< Starts of the coordinator find records in the journal that nobody can read.
  int recover_times = 3;    ///< Starts that a load may live through.

  std::string describe() const;

  bool has(fault f) const {
    return std::find(faults.begin(), faults.end(), f) != faults.end();
  }
};

options draw(std::uint64_t seed);
/// A small quiet cluster, for explanations.
options draw_explained(std::uint64_t seed);

} // namespace muster::sim
