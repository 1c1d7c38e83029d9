// Every actor interface of Muster, one comment a handler: the map of the program.
#pragma once

#include "actors/core/publication.hpp"
#include "actors/inspect.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/common.capnp.h"
#include "messages/schema/http.capnp.h"
#include "messages/schema/node.capnp.h"
#include "messages/schema/state.capnp.h"

#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <string>
#include <vector>

// One line a message that passes between actors; the only list of them.
#define MUSTER_MESSAGES(X)                                                                                             \
  X(Ack)                                                                                                               \
  X(ClientRequest)                                                                                                     \
  X(ClientReply)                                                                                                       \
  X(GetShardLeadersRequest)                                                                                            \
  X(GetShardLeadersReply)                                                                                              \
  X(WatchShardLeadersRequest)                                                                                          \
  X(RouteUpdate)                                                                                                       \
  X(ListActorsRequest)                                                                                                 \
  X(ListActorsReply)                                                                                                   \
  X(ListEventsRequest)                                                                                                 \
  X(ListEventsReply)                                                                                                   \
  X(ExplainRequest)                                                                                                    \
  X(ExplainReply)                                                                                                      \
  X(WhatIfRequest)                                                                                                     \
  X(WhatIfReply)                                                                                                       \
  X(OverviewRequest)                                                                                                   \
  X(OverviewReply)                                                                                                     \
  X(PlacementMapRequest)                                                                                               \
  X(PlacementMapReply)                                                                                                 \
  X(ListTasksRequest)                                                                                                  \
  X(ListTasksReply)                                                                                                    \
  X(TapActorRequest)                                                                                                   \
  X(TapActorReply)                                                                                                     \
  X(RestartActorRequest)                                                                                               \
  X(RestartActorReply)                                                                                                 \
  X(SetLogLevelRequest)                                                                                                \
  X(SetLogLevelReply)                                                                                                  \
  X(ReadJournalRequest)                                                                                                \
  X(ReadJournalReply)                                                                                                  \
  X(NodeFrame)                                                                                                         \
  X(Orders)                                                                                                            \
  X(OrderResults)                                                                                                      \
  X(SearchRequest)                                                                                                     \
  X(SearchReply)                                                                                                       \
  X(WorkerSearch)                                                                                                      \
  X(WorkerLoad)                                                                                                        \
  X(WorkerLoadReply)                                                                                                   \
  X(WorkerRelease)                                                                                                     \
  X(WorkerReleaseReply)                                                                                                \
  X(PeerRequest)                                                                                                       \
  X(PeerReply)                                                                                                         \
  X(Chunk)                                                                                                             \
  X(PublicationHeader)                                                                                                 \
  X(TaskRecordsRequest)                                                                                                \
  X(TaskRecordsReply)                                                                                                  \
  X(RunTasksRequest)                                                                                                   \
  X(RunTasksReply)                                                                                                     \
  X(Proposals)                                                                                                         \
  X(Commit)                                                                                                            \
  X(CommitReply)                                                                                                       \
  X(JournalAppend)                                                                                                     \
  X(JournalDurable)                                                                                                    \
  X(JournalFailed)                                                                                                     \
  X(JournalReplayRequest)                                                                                              \
  X(JournalReplayReply)                                                                                                \
  X(DataRequest)                                                                                                       \
  X(DataReply)                                                                                                         \
  X(DataChanged)                                                                                                       \
  X(TargetRequest)                                                                                                     \
  X(TargetReply)                                                                                                       \
  X(RefreshRequest)                                                                                                    \
  X(RefreshReply)                                                                                                      \
  X(CheckerState)                                                                                                      \
  X(ListCheckersRequest)                                                                                               \
  X(ListCheckersReply)                                                                                                 \
  X(ActivateCheckerRequest)                                                                                            \
  X(ActivateCheckerReply)                                                                                              \
  X(DeactivateCheckerRequest)                                                                                          \
  X(DeactivateCheckerReply)                                                                                            \
  X(LoadBalanceRequest)                                                                                                \
  X(LoadBalanceReply)                                                                                                  \
  X(TransferSegmentRequest)                                                                                            \
  X(TransferSegmentReply)                                                                                              \
  X(TransferChannelRequest)                                                                                            \
  X(TransferChannelReply)                                                                                              \
  X(RuleSettings)                                                                                                      \
  X(AwaitRequest)                                                                                                      \
  X(AwaitReply)                                                                                                        \
  X(TaskNews)                                                                                                          \
  X(Notices)                                                                                                          \
  X(RunJob)                                                                                                            \
  X(JobReply)                                                                                                          \
  X(NodeChange)                                                                                                        \
  X(NodeReport)                                                                                                        \
  X(StepBatch)                                                                                                         \
  X(StepResults)                                                                                                       \
  X(OrderCancel)                                                                                                       \
  X(SessionAttach)                                                                                                     \
  X(NodesHeardRequest)                                                                                                 \
  X(NodesHeardReply)                                                                                                   \
  X(SessionDetach)                                                                                                     \
  X(LinkCommand)                                                                                                       \
  X(LinkEvent)                                                                                                         \
  X(HttpRequest)                                                                                                       \
  X(HttpReply)

namespace muster {

template <class T>
using m = msg<T>;

template <class Request>
using takes = caf::reacts_to<m<Request>>;

template <class Request, class Reply>
using answers = typename caf::replies_to<m<Request>>::template with<m<Reply>>;

} // namespace muster

// -- type ids -----------------------------------------------------------------

CAF_BEGIN_TYPE_ID_BLOCK(muster, caf::first_custom_type_id)

#define MUSTER_TYPE_ID(Name) CAF_ADD_TYPE_ID(muster, (muster::msg<muster::schema::Name>))
MUSTER_MESSAGES(MUSTER_TYPE_ID)
#undef MUSTER_TYPE_ID
CAF_ADD_TYPE_ID(muster, (muster::publication))

// Signals without data.
CAF_ADD_ATOM(muster, muster, flush_atom, "flush")
CAF_ADD_ATOM(muster, muster, tick_atom, "tick")
CAF_ADD_ATOM(muster, muster, subscribe_atom, "subscribe")
CAF_ADD_ATOM(muster, muster, attach_atom, "attach")
CAF_ADD_ATOM(muster, muster, detach_atom, "detach")
CAF_ADD_ATOM(muster, muster, start_atom, "start")
CAF_ADD_ATOM(muster, muster, stop_atom, "stop")

CAF_END_TYPE_ID_BLOCK(muster)

namespace muster {

// -- edges --------------------------------------------------------------------

/// The WIRE interface: links to other processes. Implemented by net, by the local cluster and by the simulator.
using wire_actor = caf::typed_actor<
  // Opens, writes to or closes a link; frames of one link arrive in order, a broken link loses an unknown tail.
  takes<schema::LinkCommand>>;

/// The LINK OWNER interface: who hears of the links of one kind (node links at a coordinator; coordinator or peer links at a node).
using link_owner_actor = caf::typed_actor<
  // A link was opened, carried a frame, or closed. Exactly one `closed` ends each link that was asked for or opened.
  takes<schema::LinkEvent>>;

/// The ROUTE SUBSCRIBER interface: one watcher of shard leaders.
using route_subscriber_actor = caf::typed_actor<
  // A versioned change of routes; the answer allows the next one.
  answers<schema::RouteUpdate, schema::Ack>>;

// -- publications -------------------------------------------------------------

/// The SUBSCRIBER interface: who holds a copy of published truths.
using subscriber_actor = caf::typed_actor<
  // Applies the change; the answer allows the next one.
  caf::replies_to<publication>::with<m<schema::Ack>>>;

/// The PUBLISHER interface.
using publisher_actor = caf::typed_actor<
  // From now on the subscriber gets everything once, then each change; one unanswered publication at a time.
  caf::reacts_to<subscribe_atom, subscriber_actor>>;

// -- coordinator: durable state -----------------------------------------------

/// The JOURNAL CLIENT interface (metadata).
using journal_client_actor = caf::typed_actor<
  // All rows up to this seq are durable.
  takes<schema::JournalDurable>,
  // An append failed; definite: nothing of it is on disk.
  takes<schema::JournalFailed>>;

/// The JOURNAL interface: detached, blocks on disk, joins all queued appends into one commit.
using journal_actor = caf::typed_actor<
  // Who hears of durability; once, before the first append.
  caf::reacts_to<attach_atom, journal_client_actor>,
  // Appends rows in the order of their seq; answered to the client by JournalDurable or JournalFailed.
  takes<schema::JournalAppend>,
  // A page of the recovered entries.
  answers<schema::JournalReplayRequest, schema::JournalReplayReply>,
  // Records by number, for people.
  answers<schema::ReadJournalRequest, schema::ReadJournalReply>,
  // Commits what is queued (sent by the journal to itself).
  caf::reacts_to<flush_atom>>;

/// The METADATA interface: the desired state and the targets; their only writer.
using metadata_actor = journal_client_actor::extend<
  // Decides, applies, journals; answered when durable or refused.
  answers<schema::Commit, schema::CommitReply>,
  // Publishes collections, target heads and target segments.
  caf::reacts_to<subscribe_atom, subscriber_actor>>;

/// The DATA SOURCE interface: what data exists; detached, page by page.
using data_source_actor = caf::typed_actor<
  // Describes a collection by name, lists a page of its segments, or deletes files of replaced ones.
  answers<schema::DataRequest, schema::DataReply>,
  // The catalogue's own requests: imports, collections, partitions, indexes, compaction, databases.
  answers<schema::ClientRequest, schema::ClientReply>>;

// -- coordinator: requests ----------------------------------------------------

/// The SUPERVISOR interface: watches all actors; restarts those that lose nothing, ends the process for the others.
using supervisor_actor = caf::typed_actor<
  // Ends all actors in the reverse of their start order, then itself.
  caf::reacts_to<stop_atom>,
  // Ends one that loses nothing by it, and begins it anew; answered when the new one is there.
  answers<schema::RestartActorRequest, schema::RestartActorReply>>;

/// The GATEWAY interface: every request of a client enters here.
using gateway_actor = subscriber_actor::extend<
  // Who restarts actors; once, when all of them are there.
  caf::reacts_to<attach_atom, supervisor_actor>,
  // Validates, checks state, admits, sees to the deadline.
  answers<schema::ClientRequest, schema::ClientReply>,
  // Refuses everything from now on (orderly stop).
  caf::reacts_to<stop_atom>>;

/// The HTTP DESK interface: what is asked over HTTP, as requests to the gateway; answers as JSON and text.
using http_desk_actor = subscriber_actor::extend<
  // A request whole, or the next part of one; answered with what to write, or with what to find first.
  answers<schema::HttpRequest, schema::HttpReply>>;

/// The JOB interface: one load or release; short-lived, serial per collection.
using job_actor = caf::typed_actor<
  // Runs the job; answered once, then the actor ends.
  answers<schema::RunJob, schema::JobReply>>;

// -- coordinator: checkers ----------------------------------------------------

/// The CHECKER interface: compares and proposes.
using checker_actor = subscriber_actor::extend<
  // Whether it may propose, and by which settings; answered when that holds.
  answers<schema::CheckerState, schema::Ack>,
  // One slice of the slow walk over everything (sent to itself).
  caf::reacts_to<tick_atom>,
  // Goes on with what a limit cut off, or with what waits for the next turn (sent to itself).
  caf::reacts_to<flush_atom>>;

/// The CHECKER CONTROLLER interface: which checkers are active, and by which settings they place and move.
using checker_controller_actor = subscriber_actor::extend<
  // A checker started (again) under this name; it is told whether it is active.
  caf::reacts_to<attach_atom, std::string, checker_actor>,
  // All checkers, or those named.
  answers<schema::ListCheckersRequest, schema::ListCheckersReply>,
  // Switches one on or off until the next publication of switches says otherwise; answered when it holds.
  answers<schema::ActivateCheckerRequest, schema::ActivateCheckerReply>,
  answers<schema::DeactivateCheckerRequest, schema::DeactivateCheckerReply>,
  // The settings in force from now on; answered when every checker and the scheduler have them.
  answers<schema::RuleSettings, schema::Ack>>;

// -- coordinator: observers ---------------------------------------------------

/// The TARGET OBSERVER interface: concludes next targets and promotions.
using target_observer_actor = subscriber_actor::extend<
  // What would be the first target of a collection; commits nothing.
  answers<schema::TargetRequest, schema::TargetReply>,
  // Pulls a loaded collection's data now; answered when the next target is durable or, if asked for, when it is current. Always
  // answered: also when the collection is released, the pull fails, or the deadline passes.
  answers<schema::RefreshRequest, schema::RefreshReply>,
  // The data source has other segments for this collection.
  takes<schema::DataChanged>,
  // Looks at deadlines, pulls that failed and next targets that stay (sent to itself while there are any).
  caf::reacts_to<tick_atom>>;

/// The COLLECTION OBSERVER interface: load progress, readiness, and who waits for them.
using collection_observer_actor = subscriber_actor::extend<
  // Answered when the condition holds or the deadline has passed.
  answers<schema::AwaitRequest, schema::AwaitReply>,
  // Looks at deadlines (sent to itself while somebody waits).
  caf::reacts_to<tick_atom>>;

// -- coordinator: the loop ----------------------------------------------------

/// The DISTRIBUTION interface: which node holds what.
using distribution_actor = caf::typed_actor<
  // A node joined, left, was suspected, or is back.
  takes<schema::NodeChange>,
  // What changed on a node.
  takes<schema::NodeReport>,
  // Publishes nodes, copies, views and delegators.
  caf::reacts_to<subscribe_atom, subscriber_actor>,
  // Publishes what changed (sent to itself).
  caf::reacts_to<flush_atom>>;

/// The NODE SESSION interface, one a node: orders out, reports and results in.
using node_session_actor = caf::typed_actor<
  // The node said hello on a link.
  takes<schema::SessionAttach>,
  // The link is gone.
  takes<schema::SessionDetach>,
  // A frame of the node.
  takes<schema::NodeFrame>,
  // Orders to write (from task_executor).
  takes<schema::Orders>>;

/// The TASK EXECUTOR interface, one a node: batches steps into orders.
using task_executor_actor = caf::typed_actor<
  // Steps that are due for this node.
  takes<schema::StepBatch>,
  // Tasks that ended otherwise; their steps no longer matter.
  takes<schema::OrderCancel>,
  // What became of orders (from node_session).
  takes<schema::OrderResults>,
  // The link is lost: outstanding orders have an unknown outcome, new ones fail at once.
  takes<schema::SessionDetach>,
  // The node can be given orders, which go to this session.
  caf::reacts_to<attach_atom, node_session_actor>,
  // Sends what is due (sent to itself).
  caf::reacts_to<flush_atom>,
  // Looks at deadlines (sent to itself while orders are outstanding).
  caf::reacts_to<tick_atom>>;

/// The TASK SCHEDULER interface: the situation, and every task.
using task_scheduler_actor = subscriber_actor::extend<
  // Publishes the situation.
  caf::reacts_to<subscribe_atom, subscriber_actor>,
  // What a checker would have done.
  takes<schema::Proposals>,
  // What became of steps, and how far they are (from a task_executor).
  takes<schema::StepResults>,
  // Admits tasks now, by hand; answered when they ended if the caller waits.
  answers<schema::RunTasksRequest, schema::RunTasksReply>,
  // Moves that somebody asks for; the first is answered when they have ended, the others when they have begun.
  answers<schema::LoadBalanceRequest, schema::LoadBalanceReply>,
  answers<schema::TransferSegmentRequest, schema::TransferSegmentReply>,
  answers<schema::TransferChannelRequest, schema::TransferChannelReply>,
  // How such moves choose nodes from now on.
  answers<schema::RuleSettings, schema::Ack>,
  // Tasks, live and of late.
  answers<schema::TaskRecordsRequest, schema::TaskRecordsReply>,
  // The executor of a node: from now on its steps go there.
  caf::reacts_to<attach_atom, std::int64_t, task_executor_actor>,
  // Publishes and dispatches (sent to itself).
  caf::reacts_to<flush_atom>,
  // Looks at deadlines and back-offs (sent to itself while there are any).
  caf::reacts_to<tick_atom>>;

/// The NODE MANAGER interface: who is in the cluster; the one heartbeat timer.
using node_manager_actor = link_owner_actor::extend<
  // One burst of beats (sent to itself).
  caf::reacts_to<tick_atom>,
  // Looks at who was silent, after what is queued was heard (sent to itself).
  caf::reacts_to<flush_atom>,
  // When each node was last heard.
  answers<schema::NodesHeardRequest, schema::NodesHeardReply>>;

/// The ROUTE PUBLISHER interface: shard leaders, versioned, pushed.
using route_publisher_actor = subscriber_actor::extend<
  // Starts a watch; it ends when the subscriber does.
  caf::reacts_to<m<schema::WatchShardLeadersRequest>, route_subscriber_actor>,
  // The routes of one collection.
  answers<schema::GetShardLeadersRequest, schema::GetShardLeadersReply>,
  // Answers who waits for a situation that did not come (sent to itself).
  caf::reacts_to<tick_atom>>;

/// The INSPECTOR interface: the reports of all actors, what happened, and why things are as they are.
using inspector_actor = subscriber_actor::extend<
  // Reports of all actors, or of one.
  answers<schema::ListActorsRequest, schema::ListActorsReply>,
  // What happened to tasks; the answer allows the next batch.
  answers<schema::TaskNews, schema::Ack>,
  // What happened beside tasks.
  takes<schema::Notices>,
  // Events of all or of one subject; waits for one if asked to.
  answers<schema::ListEventsRequest, schema::ListEventsReply>,
  // Why a subject is as it is.
  answers<schema::ExplainRequest, schema::ExplainReply>,
  // What would be done if nodes or settings were others.
  answers<schema::WhatIfRequest, schema::WhatIfReply>,
  // The cluster in figures, and what is not as it should be.
  answers<schema::OverviewRequest, schema::OverviewReply>,
  // How much of which collections is on which node.
  answers<schema::PlacementMapRequest, schema::PlacementMapReply>,
  // Answers who has waited long enough for events (sent to itself while somebody waits).
  caf::reacts_to<tick_atom>,
  // Answers who waits for events that are there (sent to itself).
  caf::reacts_to<flush_atom>,
  // Takes the next publication after a pause (sent to itself).
  caf::reacts_to<start_atom>>;

/// The TAP DESK interface: what goes into and out of other actors, as messages and as JSON.
using tap_desk_actor = caf::typed_actor<
  // Begins a tap, or gives what it has seen since; answered at the latest when the request's wait is over.
  answers<schema::TapActorRequest, schema::TapActorReply>,
  // Who restarts actors; once, when all of them are there.
  caf::reacts_to<attach_atom, supervisor_actor>,
  // Looks at who waits, and ends taps that nobody asks (sent to itself while there are any).
  caf::reacts_to<tick_atom>>;

// -- query node: the doors (its inner actors are in actors/node/interfaces.hpp) -----

/// The SEARCH DOOR interface of a node.
using search_door_actor = caf::typed_actor<
  // Searches the shard that this node leads for the request's channel.
  answers<schema::SearchRequest, schema::SearchReply>>;

} // namespace muster

// -- handles that travel in messages ------------------------------------------

CAF_BEGIN_TYPE_ID_BLOCK(muster_handles, caf::id_block::muster::end)

CAF_ADD_TYPE_ID(muster_handles, (muster::journal_client_actor))
CAF_ADD_TYPE_ID(muster_handles, (muster::subscriber_actor))
CAF_ADD_TYPE_ID(muster_handles, (muster::node_session_actor))
CAF_ADD_TYPE_ID(muster_handles, (muster::task_executor_actor))
CAF_ADD_TYPE_ID(muster_handles, (muster::route_subscriber_actor))
CAF_ADD_TYPE_ID(muster_handles, (muster::checker_actor))
CAF_ADD_TYPE_ID(muster_handles, (muster::supervisor_actor))

CAF_END_TYPE_ID_BLOCK(muster_handles)
