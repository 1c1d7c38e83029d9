# What people ask of a coordinator to see inside it: why something is as it is, what happened, what would happen, who does what.
@0xb3c1a7d04e5f6a17;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("muster::schema");
using import "common.capnp".Header;
using import "common.capnp".Status;
using import "common.capnp".Property;

# -- introspection ----------------------------------------------------------------

struct Decision {
  # Why a task was begun: the rule, and how the nodes compared. Scores are weighted load over capacity before it goes there; 1 is the
  # mean node.
  rule @0 :Text; # a reason of core/reason.hpp: "segment_lacking"
  winner @1 :Int64; # the node chosen
  score @2 :Float64; # of the winner
  runnerUp @3 :Int64; # the next best node; 0: there was none
  runnerUpScore @4 :Float64; # of the runner-up
  sourceScore @5 :Float64; # of the node that a move leaves
  gain @6 :Float64; # by how much the potential falls; 0 for loads and drains
  situation @7 :UInt64; # number of the situation it rests on: desired, target and actual as of then
  targetVersion @8 :Int64; # of the target it rests on
  candidates @9 :List(NodeVerdict); # of the last 10,000 decisions, if asked for: every node of the replica
}

struct NodeVerdict {
  # What a rule says of one node.
  node @0 :Int64; # its id
  name @1 :Text; # its name
  verdict @2 :Text; # "chosen", "accepted", "holds_copy", "node_unavailable", "outside_replica", "outside_channel", "memory_full", "failing"
  score @3 :Float64; # weighted load over capacity; lower is better
  text @4 :Text; # the numbers, for people
}

enum EventKind {
  invalid @0;
  taskAdmitted @1; # a proposal became a task; has a decision
  taskEnded @2; # text: why, and the error of a failed one
  nodeJoined @3; # it can be given work
  nodeSuspect @4; # silent, or its link broke
  nodeGone @5; # given up
  nodeStopping @6; # it asked to leave
  nodeRefused @7; # it wanted to join and may not
  collectionLoading @8; # somebody asked for it, or for more of it
  collectionLoaded @9; # it can be searched
  collectionReleased @10; # nobody wants it any more
  loadGivenUp @11; # nothing moved for too long
  targetPulled @12; # a next target
  targetPromoted @13; # next is current
  pullFailed @14; # the data source did not answer
  pullRecovered @15; # it answers again
  leaderServes @16; # a leader of a channel can be searched
  leaderLost @17; # it cannot any more
  groupChanged @18; # a resource group: its config or its nodes
  replicaChanged @19; # nodes of a replica
  checkerSwitched @20; # off or on
  settingChanged @21; # at run time
  nodeSuspended @22; # kept out of resource groups
  nodeResumed @23; # no longer
  journalFailed @24; # a commit was refused
  journalRecovered @25; # commits succeed again
  actorFailed @26; # it ended by a failure
  actorRestarted @27; # in its place another began
  requestReceived @28; # that changes something
  requestAnswered @29; # text: how
}

struct Event {
  # One thing that happened. What it is not about is 0 or empty.
  number @0 :UInt64; # in order, without gaps; those of a later start of the coordinator are higher
  at @1 :Int64; # nanoseconds since 1970
  kind @2 :EventKind; # what
  collection @3 :Int64; # its id
  replica @4 :Int64; # its id
  segment @5 :Int64; # its id
  channel @6 :Text; # its name
  node @7 :Int64; # its id
  source @8 :Int64; # the node that a move leaves
  task @9 :Int64; # its id
  taskKind @10 :Text; # "load_segment"
  outcome @11 :Text; # of an end: a reason of core/reason.hpp, "done"
  tookUs @12 :Int64; # of an end or answer: microseconds since it began
  traceId @13 :UInt64; # joins a request, its tasks and the work of nodes; 0: none
  text @14 :Text; # for people
  decision @15 :Decision; # of an admitted task
  waitedUs @16 :Int64; # of an ended task: microseconds until its first order left
  workedUs @17 :Int64; # of an ended task: microseconds from then until its node answered
}

struct ListEventsRequest {
  # What happened, the oldest first: all of it, or the timeline of one segment, channel, replica, collection, node or task.
  # Errors: parameter_invalid (no such kind of subject, a subject that is not known by this name).
  header @0 :Header;
  subject @1 :Text; # "segment", "channel", "replica", "collection", "node", "task", "trace"; empty: everything
  name @2 :Text; # its id or name
  after @3 :UInt64; # only events with a higher number; 0: the last ones
  limit @4 :UInt32; # at most so many, 0: 100, never more than 10,000
  waitMs @5 :UInt32; # while there is none, wait so long for one, at most 30,000
  withCandidates @6 :Bool; # decisions name all nodes that were compared, as far as that is still known
}
struct ListEventsReply {
  status @0 :Status;
  events @1 :List(Event); # by number
  next @2 :UInt64; # `after` of the next question
  lost @3 :UInt64; # events that were forgotten, or never noted because too many came at once, since the coordinator started
}

struct ExplainRequest {
  # Why something is not as it should be, or why it is where it is, and what would change that.
  # Errors: parameter_invalid (no such kind of subject; a task that is not known any more), parameter_missing (no name),
  # segment_not_found, channel_not_found, replica_not_found, collection_not_found, node_not_found.
  header @0 :Header;
  subject @1 :Text; # "segment", "channel", "replica", "collection", "node", "task"
  name @2 :Text; # its id or name
  collection @3 :Text; # of a segment, if several have it; else empty
}
struct ExplainReply {
  status @0 :Status;
  explanation @1 :Explanation; # what is known now
}
struct Explanation {
  subject @0 :Text; # "segment 42 of collection photos"
  served @1 :Bool; # it is as it should be
  desired @2 :Text; # what should be, for people
  actual @3 :Text; # what is, for people
  cause @4 :Text; # the first condition that is not met, of a closed list (core/explanation.hpp); "none"
  causeText @5 :Text; # the same for people, with the numbers
  replica @6 :Int64; # where the cause was found; 0: not in a replica
  sinceMs @7 :Int64; # how long the cause has been there; -1: not known
  unblockedBy @8 :Text; # the event that would unblock it, of a closed list; "nothing" when it is as it should be
  unblockText @9 :Text; # the same for people: what to do, or what to wait for
  nodes @10 :List(NodeVerdict); # what the rules say of each node now
  conditions @11 :List(Condition); # all that was looked at, in order, up to the cause
  whyHere @12 :Text; # of something in place: the decision that put it there
  wouldMove @13 :Text; # of something in place: what would move it
  situation @14 :UInt64; # number of the situation that this was read from
  elsewhere @15 :List(Text); # the same for other replicas or entities that are not as they should be, a line each, at most 20
  struct Condition {
    name @0 :Text; # of the closed list
    met @1 :Bool; # false: the cause
    text @2 :Text; # what was found
  }
}

struct WhatIfRequest {
  # What Muster would do if nodes came or went, or settings were others. Nothing is touched.
  # Errors: collection_not_loaded, node_not_found (to be removed), parameter_invalid (a setting that there is not, too many nodes).
  header @0 :Header;
  collection @1 :Text; # empty: all that are loaded
  addNodes @2 :UInt32; # so many that are like the mean node, in each replica of the collections
  removeNodes @3 :List(Text); # by name or id
  settings @4 :List(Property); # of balance: queryCoord.balancer and its weights
  moves @5 :UInt32; # how many moves to name at most; 0: 100
}
struct WhatIfReply {
  status @0 :Status;
  before @1 :Float64; # the potential of rows now, under the settings asked for
  after @2 :Float64; # when all moves are done
  total @3 :UInt32; # moves there would be
  rows @4 :Int64; # that they would move
  moves @5 :List(Move); # the first of them, in order
  nodes @6 :List(Load); # of each node, before and after
  unplaced @7 :UInt32; # segments and channels for which there would be no node
  collections @8 :UInt32; # looked at
  struct Move {
    collection @0 :Text; # its name
    replica @1 :Int64; # its id
    segment @2 :Int64; # 0: a channel
    channel @3 :Text; # empty: a segment
    source @4 :Text; # node it leaves
    node @5 :Text; # node it goes to
    rows @6 :Int64; # of the segment
    gain @7 :Float64; # by how much the potential falls
  }
  struct Load {
    node @0 :Text; # its name; "new 1" for one that was added
    rowsBefore @1 :Int64; # of the collections looked at
    rowsAfter @2 :Int64; # when all moves are done
    segmentsBefore @3 :Int64; # of the collections looked at
    segmentsAfter @4 :Int64; # when all moves are done
    channelsBefore @5 :Int64; # that it leads
    channelsAfter @6 :Int64; # when all moves are done
  }
}

struct PlacementMapRequest {
  # How much of which collections is on which node: a map of nodes by neighbouring collections; or all that one node has.
  # Errors: parameter_invalid (no such measure), node_not_found.
  header @0 :Header;
  measure @1 :Text; # "rows", "memory", "replica"; empty: "rows"
  after @2 :Int64; # only collections with a higher id; 0: from the first
  count @3 :UInt32; # of so many collections; 0: of all
  columns @4 :UInt32; # at most so many, 0: 1,000, never more than 2,000, and fewer when there are many nodes
  node @5 :Int64; # what this node has of each collection, instead of a map; 0: a map
}
struct PlacementMapReply {
  status @0 :Status;
  nodes @1 :List(Line); # the lines of the map: nodes that are not gone, by id
  columns @2 :List(Column); # of the map: collections by id, as many in each but the last
  least @3 :Float64; # of rows and bytes: where the colours of the map begin, at or below its smallest number
  most @4 :Float64; # the largest number in the map: rows, bytes or a replica
  holdings @5 :List(Holding); # of one node, by id, at most 10,000
  next @6 :Int64; # `after` of the next question; 0: that was all
  situation @7 :UInt64; # number of the situation that this was read from
  struct Line {
    node @0 :Int64; # its id
    name @1 :Text; # its name
    state @2 :Text; # "connected", "suspect", "unknown"
    cells @3 :Text; # base64 of a byte b for each column. 0: nothing. Of rows and bytes: 1: something without any; else about
    # least * (most / least) ^ ((b - 2) / 253). Of replicas: it is in the b-th of the collection; 255: in various ones or none
  }
  struct Column {
    first @0 :Int64; # id of the first collection
    last @1 :Int64; # id of the last one
    firstName @2 :Text; # its name
    lastName @3 :Text; # its name
    count @4 :UInt32; # collections in it
  }
  struct Holding {
    collection @0 :Int64; # its id
    name @1 :Text; # its name; empty when nobody wants it any more
    rows @2 :Int64; # of the segments
    bytes @3 :Int64; # of the segments, as the node says
    segments @4 :UInt32; # that it holds
    channels @5 :UInt32; # that it leads
    replica @6 :Int64; # its id; 0: the node is in no replica of it
    replicaNumber @7 :UInt32; # 1 for the first replica of the collection; 0: in none
  }
}

struct TaskEntry {
  # A task, in flight or of late.
  id @0 :Int64; # its id
  kind @1 :Text; # "load_segment"
  priority @2 :Text; # "low", "normal", "high"
  proposer @3 :Text; # "segment_checker"
  collection @4 :Int64; # its id
  replica @5 :Int64; # its id
  channel @6 :Text; # of a channel's task
  segment @7 :Int64; # of a segment's task
  node @8 :Int64; # where it acts, or where a move goes
  source @9 :Int64; # that a move leaves
  reason @10 :Text; # why it was proposed
  status @11 :Text; # "started", "succeeded", "canceled", "failed"
  step @12 :UInt32; # the one it is in, from 0
  end @13 :Text; # why it ended; empty: it has not
  error @14 :Text; # of a failed one, as its node said
  ageMs @15 :Int64; # since it was admitted
  tookMs @16 :Int64; # from admission to end; 0: it has not ended
}
struct ListTasksRequest {
  # Tasks in flight and those that ended of late, the newest first.
  # Errors: collection_not_loaded.
  header @0 :Header;
  collection @1 :Text; # empty: of all
  limit @2 :UInt32; # at most so many, 0: 1,000
}
struct ListTasksReply {
  status @0 :Status;
  tasks @1 :List(TaskEntry); # the newest first
}

struct TapActorRequest {
  # The messages into and out of one actor from now on, each as JSON. The first question begins; ask again with `next`. A tap that
  # nobody asks ends after 10 s. It never holds the actor up: what comes faster than the limit is counted and left out.
  # Errors: parameter_invalid (no actor has this name), too_many_requests (too many taps).
  header @0 :Header;
  actor @1 :Text; # its name
  types @2 :List(Text); # only these types of message; empty: all
  after @3 :UInt64; # 0: begin; else `next` of the answer before
  waitMs @4 :UInt32; # while there is none, wait so long for one, at most 10,000
  perSecond @5 :UInt32; # at most so many; 0: 100, never more than 10,000
  frames @6 :Bool; # give the bytes too, for `muster replay`
  restart @7 :Bool; # begin by restarting the actor, so that the record holds all it knows; only where that is harmless
}
struct TapActorReply {
  status @0 :Status;
  messages @1 :List(TappedMessage); # in order
  next @2 :UInt64; # `after` of the next question
  leftOut @3 :UInt64; # messages over the limit, since the tap began
}
struct TappedMessage {
  at @0 :Int64; # nanoseconds since 1970
  out @1 :Bool; # it was sent; else it was received
  type @2 :Text; # of the schema: "Proposals", "publication"
  peer @3 :Text; # to whom it was sent, if known
  json @4 :Text; # its content
  bytes @5 :UInt64; # of its content
  frames @6 :List(Data); # with frames: the message; of a publication the header, then its chunks
  touched @7 :Data; # with frames: of a publication, what it is about
}

struct RestartActorRequest {
  # Ends an actor that loses nothing by it and starts it anew, as when it fails.
  # Errors: parameter_invalid (no actor has this name, or its end would end the process).
  header @0 :Header;
  name @1 :Text; # its name
}
struct RestartActorReply {
  status @0 :Status;
}

struct SetLogLevelRequest {
  # From which severity on a part of the coordinator logs; until it ends. Without a level: nothing changes.
  # Errors: parameter_invalid (no such level).
  header @0 :Header;
  channel @1 :Text; # kind of actor: "segment_checker"; empty: all that have none of their own
  level @2 :Text; # "debug", "info", "warn", "error", "off"; "default": as all others; empty: only tell
}
struct SetLogLevelReply {
  status @0 :Status;
  levels @1 :List(Property); # all that are set: channel, level; channel "" is the default
}

struct ReadJournalRequest {
  # Records of the journal by number, each as JSON.
  # Errors: parameter_invalid (too many).
  header @0 :Header;
  after @1 :UInt64; # only records with a higher number; 0: the last ones
  limit @2 :UInt32; # at most so many, 0: 20, never more than 1,000
}
struct ReadJournalReply {
  status @0 :Status;
  records @1 :List(JournalRecord); # by number
  last @2 :UInt64; # number of the newest record that is durable
}
struct JournalRecord {
  seq @0 :UInt64; # its number
  epoch @1 :UInt64; # of the coordinator that wrote it
  kind @2 :Text; # "collection", "target_head", ...
  key @3 :Text; # what it is of
  json @4 :Text; # its content; empty: removed
}
