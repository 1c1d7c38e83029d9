// The swarm: no two seeds look alike.
#include "tests/simulation/options.hpp"

#include <algorithm>
#include <sstream>

namespace muster::sim {

const char* to_string(fault f) {
  switch (f) {
    case fault::cut:
      return "cut";
    case fault::half_cut:
      return "half_cut";
    case fault::isolate:
      return "isolate";
    case fault::one_way:
      return "one_way";
    case fault::clog:
      return "clog";
    case fault::node_crash:
      return "node_crash";
    case fault::node_power:
      return "node_power";
    case fault::node_bounce:
      return "node_bounce";
    case fault::node_pause:
      return "node_pause";
    case fault::node_leave:
      return "node_leave";
    case fault::coordinator_crash:
      return "coordinator_crash";
    case fault::coordinator_power:
      return "coordinator_power";
    case fault::coordinator_pause:
      return "coordinator_pause";
    case fault::coordinator_leave:
      return "coordinator_leave";
    case fault::stall:
      return "stall";
    case fault::disk_refuses:
      return "disk_refuses";
    case fault::disk_unknown:
      return "disk_unknown";
    case fault::disk_cut:
      return "disk_cut";
  }
  return "?";
}

const std::vector<fault>& all_faults() {
  static const std::vector<fault> all{
    fault::cut,           fault::half_cut,          fault::isolate,           fault::one_way,
    fault::clog,          fault::node_crash,        fault::node_power,        fault::node_bounce,
    fault::node_pause,    fault::node_leave,        fault::coordinator_crash, fault::coordinator_power,
    fault::coordinator_pause, fault::coordinator_leave, fault::stall,         fault::disk_refuses,
    fault::disk_unknown,  fault::disk_cut};
  return all;
}

options draw(std::uint64_t seed) {
  prng r{seed * 0x2545f4914f6cdd1dull + 77};
  options o;
  o.seed = seed;
  o.nodes = static_cast<int>(r.between(1, 5));
  o.late_nodes = r.chance(1, 2) ? static_cast<int>(r.below(static_cast<std::uint64_t>(o.nodes))) : 0;
  o.collections = static_cast<int>(r.between(1, 3));
  o.shards = static_cast<int>(r.between(1, 3));
  o.replicas = static_cast<int>(r.between(1, std::min(3, o.nodes)));
  o.segments = static_cast<int>(r.between(1, 5));
  o.rows = static_cast<int>(r.between(1, 4));
  o.latency_least = r.between(20, 200) * us;
  o.latency_most = o.latency_least + r.pick(std::vector<std::int64_t>{0, 100 * us, 1 * ms, 5 * ms});
  o.load_time = r.pick(std::vector<std::int64_t>{0, 0, 2 * ms, 20 * ms, 100 * ms});
  o.disk_time = r.pick(std::vector<std::int64_t>{0, 500 * us, 2 * ms, 10 * ms});
  o.duration = r.between(600, 2500) * ms;
  o.operations_every = r.between(15, 120) * ms;
  o.searches_every = r.between(4, 25) * ms;
  o.duplicates = r.chance(1, 3);
  o.compaction = r.chance(1, 2);
  o.crash_on_answer = r.chance(1, 3);
  o.ghosts = r.chance(1, 3);
  if (!r.chance(1, 10)) {
    o.faults_every = r.pick(std::vector<std::int64_t>{40 * ms, 100 * ms, 250 * ms, 600 * ms});
    for (auto f : all_faults())
      if (r.chance(1, 3))
        o.faults.push_back(f);
  }
  if (o.faults.empty()) {
    o.faults_every = 0;
    o.crash_on_answer = false;
    o.ghosts = false;
  }
  o.tight = r.chance(1, 3);
  o.by_hand = r.chance(1, 2);
  o.hands_every = r.between(5, 60) * ms;
  o.groups = r.chance(1, 2);
  o.groups_every = r.between(15, 200) * ms;
  const std::vector<std::string> balancers{"RoundRobinBalancer", "RowCountBasedBalancer", "ScoreBasedBalancer",
                                           "MultipleTargetBalancer", "ChannelLevelScoreBalancer"};
  o.balancer = r.pick(balancers);
  if (r.chance(1, 4))
    o.second_balancer = r.pick(balancers);
  o.drain_last = r.chance(1, 4);
  // Long enough that nodes which were not disturbed can be counted on while others are.
  if (r.chance(1, 8))
    o.duration = r.between(4'000, 8'000) * ms;
  o.exclusive_factor = static_cast<int>(r.between(1, 3));
  o.partitions = r.chance(1, 2);
  o.partitions_every = r.between(15, 200) * ms;
  o.switches = r.chance(1, 3);
  o.switches_every = r.between(15, 300) * ms;
  o.bad_records = o.faults_every > 0 && r.chance(1, 4);
  o.recover_times = r.chance(1, 3) ? 1 : 3;
  return o;
}

std::string options::describe() const {
  std::ostringstream out;
  out << "seed " << seed << ": nodes " << nodes << " (late " << late_nodes << ") collections " << collections
      << " shards " << shards << " replicas " << replicas << " segments " << segments << " rows " << rows << " latency_us "
      << latency_least / us << ".." << latency_most / us << " load_us " << load_time / us << " disk_us " << disk_time / us
      << " duration_ms " << duration / ms << " operations_ms " << operations_every / ms << " searches_ms "
      << searches_every / ms << (duplicates ? " duplicates" : "") << (compaction ? " compaction" : "")
      << (crash_on_answer ? " crash_on_answer" : "") << (ghosts ? " ghosts" : "") << (tight ? " tight" : "") << (by_hand ? " by_hand" : "")
      << (groups ? " groups" : "") << (partitions ? " partitions" : "") << (switches ? " switches" : "")
      << (bad_records ? " bad_records" : "") << " recover_times " << recover_times << (drain_last ? " drain_last" : "") << ' ' << balancer
      << (second_balancer.empty() ? "" : " then " + second_balancer) << " exclusive_factor " << exclusive_factor << " faults_ms " << faults_every / ms;
  for (auto f : faults)
    out << ' ' << to_string(f);
  return out.str();
}

} // namespace muster::sim
