// The typed client methods of interface Coordinator, one line each, and what they have in common.
#pragma once

#include "messages/limits.hpp"
#include "messages/msg.hpp"
#include "messages/schema/client.capnp.h"

#include <chrono>
#include <cstdint>

// name, Name, the longest it may take. In the order of their arms in ClientRequest.
#define MUSTER_CLIENT_METHODS(X)                                                                                       \
  X(allocateIds, AllocateIds, limits::commit_timeout)                                                                  \
  X(registerImport, RegisterImport, limits::commit_timeout)                                                            \
  X(describeCollection, DescribeCollection, limits::read_timeout)                                                      \
  X(listCollections, ListCollections, limits::read_timeout)                                                            \
  X(dropCollection, DropCollection, limits::commit_timeout)                                                            \
  X(loadCollection, LoadCollection, limits::job_timeout)                                                               \
  X(releaseCollection, ReleaseCollection, limits::job_timeout)                                                         \
  X(showLoadCollections, ShowLoadCollections, limits::read_timeout)                                                    \
  X(getLoadSegmentInfo, GetLoadSegmentInfo, limits::read_timeout)                                                      \
  X(getReplicas, GetReplicas, limits::read_timeout)                                                                    \
  X(getShardLeaders, GetShardLeaders, limits::read_timeout)                                                            \
  X(getStatus, GetStatus, limits::read_timeout)                                                                        \
  X(listActors, ListActors, limits::read_timeout)                                                                      \
  X(createResourceGroup, CreateResourceGroup, limits::commit_timeout)                                                  \
  X(updateResourceGroups, UpdateResourceGroups, limits::commit_timeout)                                                \
  X(dropResourceGroup, DropResourceGroup, limits::commit_timeout)                                                      \
  X(listResourceGroups, ListResourceGroups, limits::read_timeout)                                                      \
  X(describeResourceGroup, DescribeResourceGroup, limits::read_timeout)                                                \
  X(transferNode, TransferNode, limits::commit_timeout)                                                                \
  X(transferReplica, TransferReplica, limits::commit_timeout)                                                          \
  X(updateLoadConfig, UpdateLoadConfig, limits::commit_timeout)                                                        \
  X(loadPartitions, LoadPartitions, limits::job_timeout)                                                               \
  X(releasePartitions, ReleasePartitions, limits::job_timeout)                                                         \
  X(syncNewCreatedPartition, SyncNewCreatedPartition, limits::job_timeout)                                             \
  X(createPartition, CreatePartition, limits::commit_timeout)                                                          \
  X(dropPartition, DropPartition, limits::commit_timeout)                                                              \
  X(showLoadPartitions, ShowLoadPartitions, limits::read_timeout)                                                      \
  X(getPartitionStates, GetPartitionStates, limits::read_timeout)                                                      \
  X(listLoadedSegments, ListLoadedSegments, limits::read_timeout)                                                      \
  X(listCheckers, ListCheckers, limits::read_timeout)                                                                  \
  X(activateChecker, ActivateChecker, limits::commit_timeout)                                                          \
  X(deactivateChecker, DeactivateChecker, limits::commit_timeout)                                                      \
  X(listQueryNode, ListQueryNode, limits::read_timeout)                                                                \
  X(getQueryNodeDistribution, GetQueryNodeDistribution, limits::read_timeout)                                          \
  X(checkQueryNodeDistribution, CheckQueryNodeDistribution, limits::read_timeout)                                      \
  X(suspendBalance, SuspendBalance, limits::commit_timeout)                                                            \
  X(resumeBalance, ResumeBalance, limits::commit_timeout)                                                              \
  X(checkBalanceStatus, CheckBalanceStatus, limits::read_timeout)                                                      \
  X(suspendNode, SuspendNode, limits::commit_timeout)                                                                  \
  X(resumeNode, ResumeNode, limits::commit_timeout)                                                                    \
  X(showConfigurations, ShowConfigurations, limits::read_timeout)                                                      \
  X(alterConfiguration, AlterConfiguration, limits::commit_timeout)                                                    \
  X(getComponentStates, GetComponentStates, limits::read_timeout)                                                      \
  X(checkHealth, CheckHealth, limits::read_timeout)                                                                    \
  X(loadBalance, LoadBalance, limits::job_timeout)                                                                     \
  X(transferSegment, TransferSegment, limits::commit_timeout)                                                          \
  X(transferChannel, TransferChannel, limits::commit_timeout)                                                          \
  X(listSegments, ListSegments, limits::read_timeout)                                                                  \
  X(createIndex, CreateIndex, limits::commit_timeout)                                                                  \
  X(dropIndex, DropIndex, limits::commit_timeout)                                                                      \
  X(compact, Compact, limits::commit_timeout)                                                                          \
  X(createDatabase, CreateDatabase, limits::commit_timeout)                                                            \
  X(alterDatabase, AlterDatabase, limits::commit_timeout)                                                              \
  X(dropDatabase, DropDatabase, limits::commit_timeout)                                                                \
  X(describeDatabase, DescribeDatabase, limits::read_timeout)                                                          \
  X(listDatabases, ListDatabases, limits::read_timeout)                                                                \
  X(getMetrics, GetMetrics, limits::read_timeout)                                                                      \
  X(listEvents, ListEvents, limits::inspect_timeout)                                                                   \
  X(explain, Explain, limits::read_timeout)                                                                            \
  X(whatIf, WhatIf, limits::inspect_timeout)                                                                           \
  X(listTasks, ListTasks, limits::read_timeout)                                                                        \
  X(tapActor, TapActor, limits::inspect_timeout)                                                                       \
  X(restartActor, RestartActor, limits::commit_timeout)                                                                \
  X(setLogLevel, SetLogLevel, limits::read_timeout)                                                                    \
  X(readJournal, ReadJournal, limits::read_timeout)                                                                    \
  X(overview, Overview, limits::read_timeout)                                                                          \
  X(placementMap, PlacementMap, limits::inspect_timeout)

namespace muster::net {

/// Places of the methods in the list above: one less than their arm in ClientRequest.
enum class method_ordinal : std::uint16_t {
#define MUSTER_ORDINAL(name, Name, limit) name,
  MUSTER_CLIENT_METHODS(MUSTER_ORDINAL)
#undef MUSTER_ORDINAL
};

/// The ordinal of a method in interface Coordinator: watchShardLeaders and joinNode, which are no arms, came in between.
constexpr std::uint16_t rpc_ordinal(method_ordinal place) {
  const auto number = static_cast<std::uint16_t>(place);
  return number <= static_cast<std::uint16_t>(method_ordinal::listActors) ? number : number + 2;
}

/// What is known of the method whose parameters are `Request`.
template <class Request>
struct client_method;

#define MUSTER_CLIENT_METHOD(lower, Upper, most)                                                                       \
  template <>                                                                                                          \
  struct client_method<schema::Upper##Request> {                                                                       \
    using reply = schema::Upper##Reply;                                                                                \
    static constexpr const char* name = #lower;                                                                        \
    static constexpr std::uint16_t ordinal = rpc_ordinal(method_ordinal::lower);                                       \
    static constexpr std::chrono::milliseconds longest = most;                                                         \
    static void put(schema::ClientRequest::Builder to, schema::Upper##Request::Reader x) {                             \
      to.set##Upper(x);                                                                                                \
    }                                                                                                                  \
    static schema::Upper##Request::Builder arm(schema::ClientRequest::Builder in) {                                    \
      return in.get##Upper();                                                                                          \
    }                                                                                                                  \
    static schema::Upper##Request::Reader arm(schema::ClientRequest::Reader in) {                                      \
      return in.get##Upper();                                                                                          \
    }                                                                                                                  \
    static bool is_in(schema::ClientReply::Reader in) {                                                                \
      return in.is##Upper();                                                                                           \
    }                                                                                                                  \
    static reply::Reader arm(schema::ClientReply::Reader in) {                                                         \
      return in.get##Upper();                                                                                          \
    }                                                                                                                  \
    static void put_reply(schema::ClientReply::Builder to, reply::Reader x) {                                          \
      to.set##Upper(x);                                                                                                \
    }                                                                                                                  \
  };
MUSTER_CLIENT_METHODS(MUSTER_CLIENT_METHOD)
#undef MUSTER_CLIENT_METHOD

/// Calls `f.template operator()<Request>()` for the arm of a request; false for `invalid` or an unknown arm.
template <class F>
bool visit_method(schema::ClientRequest::Which which, F&& f) {
  switch (static_cast<int>(which) - 1) {
#define MUSTER_VISIT(lower, Upper, most)                                                                               \
  case static_cast<int>(method_ordinal::lower):                                                                        \
    f.template operator()<schema::Upper##Request>();                                                                   \
    return true;
    MUSTER_CLIENT_METHODS(MUSTER_VISIT)
#undef MUSTER_VISIT
  default:
    return false;
  }
}

/// The header of a request as the receiver sees it: on its own clock, with at most `left` to go.
inline void set_header(schema::Header::Builder to, schema::Header::Reader from, std::int64_t now,
                       std::chrono::nanoseconds left) {
  to.setEpoch(from.getEpoch());
  to.setTraceId(from.getTraceId());
  to.setEnqueuedAt(now);
  to.setDeadline(now + left.count());
}

} // namespace muster::net
