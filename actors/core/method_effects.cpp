// The table of what methods do.
#include "actors/core/method_effects.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace muster {

namespace {

constexpr auto reads = method_effect::reads;
constexpr auto changes = method_effect::changes;

// allocateIds changes: what it gives is gone for others.
constexpr method_entry entries[] = {
  {"allocateIds", changes},
  {"registerImport", changes},
  {"describeCollection", reads},
  {"listCollections", reads},
  {"dropCollection", changes},
  {"loadCollection", changes},
  {"releaseCollection", changes},
  {"showLoadCollections", reads},
  {"getLoadSegmentInfo", reads},
  {"getReplicas", reads},
  {"getShardLeaders", reads},
  {"getStatus", reads},
  {"listActors", reads},
  {"createResourceGroup", changes},
  {"updateResourceGroups", changes},
  {"dropResourceGroup", changes},
  {"listResourceGroups", reads},
  {"describeResourceGroup", reads},
  {"transferNode", changes},
  {"transferReplica", changes},
  {"updateLoadConfig", changes},
  {"loadPartitions", changes},
  {"releasePartitions", changes},
  {"syncNewCreatedPartition", changes},
  {"createPartition", changes},
  {"dropPartition", changes},
  {"showLoadPartitions", reads},
  {"getPartitionStates", reads},
  {"listLoadedSegments", reads},
  {"listCheckers", reads},
  {"activateChecker", changes},
  {"deactivateChecker", changes},
  {"listQueryNode", reads},
  {"getQueryNodeDistribution", reads},
  {"checkQueryNodeDistribution", reads},
  {"suspendBalance", changes},
  {"resumeBalance", changes},
  {"checkBalanceStatus", reads},
  {"suspendNode", changes},
  {"resumeNode", changes},
  {"showConfigurations", reads},
  {"alterConfiguration", changes},
  {"getComponentStates", reads},
  {"checkHealth", reads},
  {"loadBalance", changes},
  {"transferSegment", changes},
  {"transferChannel", changes},
  {"listSegments", reads},
  {"createIndex", changes},
  {"dropIndex", changes},
  {"compact", changes},
  {"createDatabase", changes},
  {"alterDatabase", changes},
  {"dropDatabase", changes},
  {"describeDatabase", reads},
  {"listDatabases", reads},
  {"getMetrics", reads},
  {"listEvents", reads},
  {"explain", reads},
  {"whatIf", reads},
  {"listTasks", reads},
  {"tapActor", changes}, // it may begin by restarting the actor
  {"restartActor", changes},
  {"setLogLevel", changes},
  {"readJournal", reads},
  {"overview", reads},
  {"placementMap", reads},
};

} // namespace

std::span<const method_entry> method_entries() {
  return entries;
}

bool only_reads(schema::ClientRequest::Which method) {
  const auto arm = static_cast<std::size_t>(method); // 0: of no kind
  return arm > 0 && arm <= std::size(entries) && entries[arm - 1].effect == reads;
}

bool only_reads(std::string_view method) {
  const auto i = std::find_if(std::begin(entries), std::end(entries), [&](const auto& e) { return e.name == method; });
  return i != std::end(entries) && i->effect == reads;
}

} // namespace muster
