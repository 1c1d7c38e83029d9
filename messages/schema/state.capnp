# What actors of one coordinator tell each other: the three truths in chunks, publications, proposals, commits, links.
@0xb3c1a7d04e5f6a14;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("muster::schema");
using import "common.capnp".Header;
using import "common.capnp".Status;
using import "common.capnp".Mark;
using import "common.capnp".Property;
using import "node.capnp".Order;
using import "node.capnp".Report;
using import "node.capnp".GrowingSegment;
using import "node.capnp".LoadPriority;
using import "node.capnp".OrderProgress;
using import "node.capnp".PartitionVersion;
using import "client.capnp".CatalogueSegment;
using import "client.capnp".ResourceGroupConfig;
using import "inspect.capnp".Event;
using import "inspect.capnp".EventKind;

# -- desired ------------------------------------------------------------------

enum LoadStatus {
  invalid @0;
  loading @1;
  loaded @2;
}

struct ResourceGroupState {
  # A resource group. Journaled without its nodes: the record of each node names its group.
  id @0 :Int64;                   # 0: the default group
  name @1 :Text;
  config @2 :ResourceGroupConfig;
  nodes @3 :List(Int64);          # by id
  capacity @4 :Int64;             # what a record has that is older than configs
  revision @5 :UInt64;            # in the default group: grows with each change of any group
}

struct SwitchState {
  # What operators switched off, and settings they gave at run time. Journaled, one record each.
  inactiveCheckers @0 :List(Text);
  settings @1 :List(Property);
  suspendedNodes @2 :List(Int64); # kept out of resource groups; by id
}
struct CommitSwitch {
  # One of them: a checker by name, a setting by key, a node by id (which must be known).
  union {
    invalid @0 :Void;
    checkerOff @1 :Text;
    checkerOn @2 :Text;
    setting @3 :Property;
    resetSetting @4 :Text;
    suspendNode @5 :Int64;
    resumeNode @6 :Int64;
  }
}

struct ReplicaState {
  id @0 :Int64;
  resourceGroup @1 :Text;
  nodes @2 :List(Int64);          # read-write
  readOnlyNodes @3 :List(Int64);  # being drained
  loadPriority @4 :LoadPriority;  # of segments that are new to its users; what was readable before loads with high
  channelNodes @5 :List(ChannelNodes); # channel-exclusive mode: a channel without nodes of its own has an empty list
  struct ChannelNodes {
    channel @0 :Text;
    nodes @1 :List(Int64);
  }
}

struct CollectionState {
  # One desired collection. Journaled as it is.
  id @0 :Int64;
  database @1 :Text;
  name @2 :Text;
  status @3 :LoadStatus;
  replicaNumber @4 :UInt32;
  partitions @5 :List(Int64);
  replicas @6 :List(ReplicaState);
  metric @7 :Text;
  dimension @8 :UInt32;
  wholeCollection @9 :Bool;       # load type: all partitions, also later ones
  revision @10 :UInt64;           # grows with each commit that touches it
  loadingPartitions @11 :List(Int64); # asked for, not in current yet; while `status` is loading that goes for all of them
  loadFields @12 :List(Text);
  userSpecifiedReplicas @13 :Bool; # the number of replicas was asked for: the cluster's does not change it
  recoverTimes @14 :UInt32;       # starts of the coordinator while it was loading
  traceId @15 :UInt64;            # of the request that last asked for it, or for more of it; 0: none
}

struct NodeRecord {
  # A node that ever joined. Journaled, so that its id is the same after any restart.
  id @0 :Int64;
  name @1 :Text;
  address @2 :Text;
  resourceGroup @3 :Text;         # empty: in none (yet)
}

# -- target -------------------------------------------------------------------

struct ChannelTarget {
  # What a target says of one channel, beside its sealed segments.
  seekPosition @0 :Int64;         # rows before it are in sealed segments
  growing @1 :List(Int64);        # segments that its delegators hold themselves
  dropped @2 :List(Int64);        # segments that are no longer needed in any form
}

struct TargetHead {
  # A segment is in version v when fromVersion <= v and (toVersion = 0 or v < toVersion).
  collection @0 :Int64;
  current @1 :Int64;              # 0: none yet
  next @2 :Int64;                 # 0: none
  channels @3 :List(Text);
  partitions @4 :List(Int64);
  folder @5 :Text;                # of the segment files below the store: <folder>/<segment>.segment
  currentSegments @6 :UInt32;
  currentRows @7 :Int64;
  nextSegments @8 :UInt32;
  nextRows @9 :Int64;
  partitionStats @10 :List(PartitionVersion); # newest statistics of partitions; leaders are told of newer ones
  currentChannels @11 :List(ChannelTarget); # of current, by index of `channels`; may be shorter: nothing is known
  nextChannels @12 :List(ChannelTarget);    # of next
  indexes @13 :UInt64;            # bit i: the collection has an index with id i (1 to 63)
  stats @14 :UInt64;              # bit i: field i has statistics that copies should load
  indexesKnown @15 :Bool;         # `indexes` is all there are; false (records of old): nobody said, so no index is surplus
}

struct TargetSegment {
  id @0 :Int64;
  partition @1 :Int64;
  fromVersion @2 :Int64;
  toVersion @3 :Int64;
  rows @4 :Int64;
  bytes @5 :Int64;
  channel @6 :UInt16;             # index into the head's channels
  indexes @7 :UInt64;             # bit i: there is a file of the index with id i (1 to 63) to load
  stats @8 :UInt64;               # bit i: there is a file of the statistics of field i
}

struct TargetSegments {
  collection @0 :Int64;
  segments @1 :List(TargetSegment); # by id
}

# -- actual -------------------------------------------------------------------

enum NodeLiveness {
  invalid @0;
  unknown @1;    # in the journal, not heard of since this coordinator started
  connected @2;
  suspect @3;    # connection lost or silent
  gone @4;
}

struct NodeState {
  id @0 :Int64;
  name @1 :Text;
  address @2 :Text;
  liveness @3 :NodeLiveness;
  incarnation @4 :UInt64;
  reportSeq @5 :UInt64;           # of the newest report that the tables contain
  known @6 :Bool;                 # a full report of this incarnation is in the tables
  stopping @7 :Bool;
  memoryMb @8 :UInt32;
  labels @9 :List(Property);
  cpus @10 :UInt32;               # 0: unknown
}

struct NodeStates {
  nodes @0 :List(NodeState);      # by id
}

struct Copy {
  segment @0 :Int64;
  node @1 :Int64;
  version @2 :Int64;
  rows @3 :Int64;
  bytes @4 :Int64;
  index @5 :UInt8;
  indexes @6 :UInt64;             # bit i: the index with id i (1 to 63) is loaded
  stats @7 :UInt64;               # bit i: the statistics of field i are loaded
}
struct Copies {
  collection @0 :Int64;
  copies @1 :List(Copy);          # by segment, node
}

struct View {
  segment @0 :Int64;
  leader @1 :Int64;
  worker @2 :Int64;
}
struct Views {
  collection @0 :Int64;
  views @1 :List(View);           # by segment, leader
}

struct Delegator {
  channel @0 :Text;
  node @1 :Int64;
  replica @2 :Int64;
  version @3 :Int64;
  servedVersion @4 :Int64;
  serviceable @5 :Bool;
  partitionStats @6 :List(PartitionVersion); # by partition
  growing @7 :List(GrowingSegment); # by id
}
struct Delegators {
  collection @0 :Int64;
  delegators @1 :List(Delegator); # by channel, node
}

# -- tasks --------------------------------------------------------------------

enum TaskKind {
  invalid @0;
  serveShard @1;
  dropShard @2;
  loadSegment @3;
  releaseSegment @4;
  moveSegment @5;
  moveShard @6;
  syncView @7;
  syncTarget @8;
  updateIndex @9;   # load indexes that a copy lacks
  updateStats @10;  # load field statistics that a copy lacks
  dropIndex @11;    # unload indexes
  syncStats @12;    # tell a leader newer partition statistics
  releaseGrowing @13; # a leader forgets a growing segment of its own
}

enum TaskPriority {
  low @0;
  normal @1;
  high @2;
}

enum Proposer {
  invalid @0;
  segmentChecker @1;
  channelChecker @2;
  leaderChecker @3;
  balanceChecker @4;
  indexChecker @5;
  manual @6;        # by hand: LoadBalance, TransferSegment, TransferChannel
}

struct Assignment {
  segment @0 :Int64;
  worker @1 :Int64;
}

struct Task {
  id @0 :Int64;
  kind @1 :TaskKind;
  priority @2 :TaskPriority;
  proposer @3 :Proposer;
  replica @4 :Int64;
  channel @5 :Text;
  segment @6 :Int64;
  node @7 :Int64;                 # destination, or where the step acts
  source @8 :Int64;               # of a move
  reason @9 :UInt16;              # core/reason.hpp
  running @10 :Bool;
  step @11 :UInt8;
  rows @12 :Int64;
  done @13 :UInt32;               # of a running step, as its node says; total 0: it did not say
  total @14 :UInt32;
  admittedAt @15 :Int64;          # nanoseconds on the coordinator's steady clock
}
struct Tasks {
  collection @0 :Int64;
  tasks @1 :List(Task);           # by id
}

struct NodeDelta {
  # Work in flight towards (or, negative, away from) a node.
  node @0 :Int64;
  rows @1 :Int64;
  segments @2 :Int32;
  channels @3 :Int32;
  failing @4 :UInt32;             # orders that it failed or refused in a row; placing avoids it above a limit
}
struct Deltas {
  nodes @0 :List(NodeDelta);      # by node; those of zero are left out
}

struct Choice {
  # Scores are weighted load over capacity, before the item goes there.
  sourceScore @0 :Float64;
  score @1 :Float64;              # of the node that was chosen
  runnerUp @2 :Int64;             # the next best node; 0: there was none
  runnerUpScore @3 :Float64;
  gain @4 :Float64;               # by how much the potential falls; 0 for loads and drains
}

struct Proposal {
  kind @0 :TaskKind;
  priority @1 :TaskPriority;
  collection @2 :Int64;
  replica @3 :Int64;              # 0: belongs to no replica
  channel @4 :Text;
  segment @5 :Int64;
  node @6 :Int64;
  source @7 :Int64;
  reason @8 :UInt16;
  targetVersion @9 :Int64;
  version @10 :Int64;             # of the delegator meant, for dropShard
  assignments @11 :List(Assignment); # serveShard: every segment and its worker; syncView: what to set
  removed @12 :List(Int64);       # syncView: what to forget
  indexes @13 :UInt64;            # updateIndex, dropIndex: index ids; updateStats: fields; bit i: id i
  partitionStats @14 :List(PartitionVersion); # syncStats
  loadPriority @15 :LoadPriority;
  choice @16 :Choice;             # why this node, where one was chosen
}
struct Proposals {
  header @0 :Header;
  proposer @1 :Proposer;
  situation @2 :UInt64;           # number of the situation they rest on
  proposals @3 :List(Proposal);
}

enum TaskStatus {
  invalid @0;
  started @1;
  succeeded @2;
  canceled @3;    # its premise went, it was replaced, its node was lost: nothing failed
  failed @4;
}

struct TaskRecord {
  # A task, live or of late, for people.
  id @0 :Int64;
  kind @1 :TaskKind;
  priority @2 :TaskPriority;
  proposer @3 :Proposer;
  collection @4 :Int64;
  replica @5 :Int64;
  channel @6 :Text;
  segment @7 :Int64;
  node @8 :Int64;
  source @9 :Int64;
  reason @10 :UInt16;             # why it was proposed: core/reason.hpp
  status @11 :TaskStatus;
  step @12 :UInt8;
  end @13 :UInt16;                # why it ended: core/reason.hpp; 0: it has not
  error @14 :Text;                # of a failed one, as its node said
  ageMs @15 :Int64;               # since it was admitted
  tookMs @16 :Int64;              # from admission to end; 0: it has not ended
}
struct TaskRecordsRequest {
  header @0 :Header;
  collection @1 :Int64;           # 0: all
}
struct TaskRecordsReply {
  header @0 :Header;
  status @1 :Status;
  tasks @2 :List(TaskRecord);     # newest first
}

struct TaskNews {
  # task_scheduler to inspector: tasks that began, went on and ended, in order. One unanswered at a time.
  header @0 :Header;
  changes @1 :List(Change);
  lost @2 :UInt64;                # changes that were left out because too many came at once
  struct Change {
    kind @0 :EventKind;           # taskAdmitted, taskEnded
    task @1 :TaskRecord;
    choice @2 :Choice;            # of taskAdmitted
    situation @3 :UInt64;         # of taskAdmitted: what it rests on
    targetVersion @4 :Int64;      # of taskAdmitted
    at @5 :Int64;                 # nanoseconds on the coordinator's steady clock
    tookUs @6 :Int64;             # of taskEnded: since taskAdmitted
    traceId @7 :UInt64;
    waitedUs @8 :Int64;           # of taskEnded: until its first order left
    workedUs @9 :Int64;           # of taskEnded: from then until its node answered last
  }
}
struct Notices {
  # Any actor to inspector: what happened beside tasks. `number` and `at` are the inspector's to give.
  header @0 :Header;
  events @1 :List(Event);
}

struct RunTasksRequest {
  # task_scheduler: admit these now and, if asked to, answer when all have ended or the deadline has passed.
  header @0 :Header;
  proposer @1 :Proposer;
  proposals @2 :List(Proposal);
  wait @3 :Bool;
  situation @4 :UInt64;           # number of the situation they rest on; 0: the scheduler's own
}
struct RunTasksReply {
  # An outcome for each proposal, in order. The status is that of the first that was refused or failed.
  header @0 :Header;
  status @1 :Status;
  outcomes @2 :List(Outcome);
  struct Outcome {
    task @0 :Int64;               # 0: refused
    reason @1 :UInt16;            # core/reason.hpp: why refused or how it ended; 0: it still runs
    status @2 :TaskStatus;
    error @3 :Text;
  }
}

struct LoadFailures {
  # What failed for a collection since it was asked for, by error code, the most frequent first.
  collection @0 :Int64;
  failures @1 :List(Entry);
  struct Entry {
    code @0 :UInt16;
    count @1 :UInt32;
    text @2 :Text;                # the last one
    at @3 :Int64;                 # nanoseconds on the coordinator's steady clock
  }
}

struct CheckerState {
  # The controller of checkers to a checker: whether it may propose, and by which settings. Answered when done.
  header @0 :Header;
  active @1 :Bool;
  settings @2 :List(SettingValue);
}

struct SettingValue {
  key @0 :Text;                   # core/settings.hpp
  value @1 :Text;                 # checked by whoever was given it
}
struct RuleSettings {
  # To the controller of checkers, and from it to who places and moves: the settings in force that are not as they come. All at once:
  # what is not named has its default again.
  header @0 :Header;
  values @1 :List(SettingValue);
}

# -- publications -------------------------------------------------------------

enum ChunkKind {
  invalid @0;
  nodes @1;
  collection @2;
  targetHead @3;
  targetSegments @4;
  delegators @5;
  copies @6;
  views @7;
  tasks @8;
  deltas @9;
  failures @10;
  resourceGroup @11;
  switches @12;
}

struct Chunk {
  # One piece of one truth; replaced as a whole, shared by reference among all who hold it.
  union {
    invalid @0 :Void;
    nodes @1 :NodeStates;
    collection @2 :CollectionState;
    targetHead @3 :TargetHead;
    targetSegments @4 :TargetSegments;
    delegators @5 :Delegators;
    copies @6 :Copies;
    views @7 :Views;
    tasks @8 :Tasks;
    deltas @9 :Deltas;
    failures @10 :LoadFailures;
    resourceGroup @11 :ResourceGroupState;
    switches @12 :SwitchState;
  }
}

struct ChunkRef {
  # `key` is the lowest id the chunk may hold; it holds up to the next chunk's key.
  kind @0 :ChunkKind;
  collection @1 :Int64;           # 0 for nodes
  key @2 :Int64;
}

struct PublicationHeader {
  # Travels with one Chunk message for each entry of `chunks`, in that order, within one process: which collections and segments it
  # is about stands beside it, shared by all who read it.
  header @0 :Header;
  number @1 :UInt64;
  whole @2 :Bool;                 # forget everything of `kinds` before it
  chunks @3 :List(ChunkRef);
  removed @4 :List(ChunkRef);
  nodesTouched @5 :List(Int64);
  kinds @6 :List(ChunkKind);      # of a whole publication: what its publisher owns
}

# -- commits: conclusions that become durable ----------------------------------

struct CommitLoad {
  # A collection to be served, with its first target; all or nothing.
  collection @0 :CollectionState; # replicas without nodes: metadata assigns ids and nodes
  head @1 :TargetHead;
  segments @2 :List(TargetSegment);
}
struct CommitRelease {
  collection @0 :Int64;
}
struct CommitNext {
  # A next target as a change to what is there: added get fromVersion, dropped get toVersion of the new version.
  collection @0 :Int64;
  current @1 :Int64;              # premise
  added @2 :List(TargetSegment);
  dropped @3 :List(Int64);
  channels @4 :List(ChannelTarget); # of next; empty: as before
  indexed @5 :List(IndexedSegment); # segments of the newest target that have other index files than it says; no new version for them
  indexes @6 :UInt64;             # bit i: the collection has an index with id i
  indexesKnown @7 :Bool;          # `indexes` is all there are; false: nobody said, it is as before
  struct IndexedSegment {
    segment @0 :Int64;
    indexes @1 :UInt64;           # bit i: there is a file of the index with id i
    bytes @2 :Int64;              # of all its files
  }
}
struct CommitReleasePartitions {
  # These partitions are no longer desired; without any left the collection goes. Next loses their segments (a new version),
  # current follows by promotion.
  collection @0 :Int64;
  partitions @1 :List(Int64);
  revision @2 :UInt64;            # premise; 0: whatever it is
}
struct CommitPromotion {
  # next becomes current; the first promotion of a loading collection also makes it loaded.
  collection @0 :Int64;
  next @1 :Int64;                 # premise
  revision @2 :UInt64;            # premise, of the collection: its replicas are those that were looked at; 0: whatever it is
}
struct CommitReplicas {
  # New node lists of replicas.
  entries @0 :List(Entry);
  struct Entry {
    collection @0 :Int64;
    revision @1 :UInt64;          # premise
    replicas @2 :List(ReplicaState);
  }
}
struct CommitReplicaGroups {
  # A collection's replicas as they shall be: other number, other groups. Its status does not change.
  collection @0 :Int64;
  revision @1 :UInt64;            # premise
  replicas @2 :List(ReplicaState); # all of them; id 0: a new one
}
struct CommitGroups {
  # Changes of resource groups, all or nothing, in this order. Configs move no node.
  revision @0 :UInt64;            # premise; 0: whatever it is
  create @1 :Bool;                # the groups of `configs` are new (the same again: nothing changes); else they must exist
  configs @2 :List(ResourceGroupState); # name and config alone
  moves @3 :List(Move);           # a node that is not in `from` any more is left out
  drop @4 :Text;                  # empty: none
  struct Move {
    node @0 :Int64;
    from @1 :Text;                # empty: none
    to @2 :Text;
  }
}
struct Commit {
  header @0 :Header;
  union {
    invalid @1 :Void;
    load @2 :CommitLoad;
    release @3 :CommitRelease;
    next @4 :CommitNext;
    promotion @5 :CommitPromotion;
    replicas @6 :CommitReplicas;
    node @7 :NodeRecord;          # id 0: find or give one by name
    allocate @8 :UInt32;          # so many ids
    releasePartitions @9 :CommitReleasePartitions;
    replicaGroups @10 :CommitReplicaGroups;
    groups @11 :CommitGroups;
    change @12 :CommitSwitch;
  }
}
struct CommitReply {
  # Sent when the commit is durable, or refused.
  header @0 :Header;
  status @1 :Status;
  value @2 :Int64;                # next: its version; node: its id; allocate: the first id
}

# -- the journal ---------------------------------------------------------------

struct JournalRow {
  seq @0 :UInt64;
  kind @1 :UInt16;
  key @2 :Text;
  put @3 :Bool;                   # false: delete
  payload @4 :Data;
}
struct JournalAppend {
  header @0 :Header;
  rows @1 :List(JournalRow);
}
struct JournalDurable {
  header @0 :Header;
  upToSeq @1 :UInt64;
}
struct JournalFailed {
  header @0 :Header;
  definite @1 :Bool;              # false: outcome unknown, the process must end
  text @2 :Text;
}
struct JournalReplayRequest {
  header @0 :Header;
  after @1 :UInt32;               # index of the first entry wanted
}
struct JournalReplayReply {
  header @0 :Header;
  lastSeq @1 :UInt64;
  entries @2 :List(JournalRow);
  done @3 :Bool;
  bad @4 :List(Text);
}

# -- the data source ------------------------------------------------------------

struct DataRequest {
  header @0 :Header;
  union {
    invalid @1 :Void;
    describe @2 :Text;            # by name
    segments @3 :SegmentsOf;
    dropped @4 :Int64;            # a page of segments whose files are still to be deleted, with a higher id than this
    deleteFiles @5 :List(Int64);  # of such segments: nobody needs them any more
  }
  struct SegmentsOf {
    collection @0 :Int64;
    after @1 :Int64;
  }
}
struct DataReply {
  header @0 :Header;
  status @1 :Status;
  union {
    invalid @2 :Void;
    collection @3 :DataCollection;
    segments @4 :Page;
    dropped @5 :DroppedPage;      # deleteFiles: what is left of them because its files could not be deleted
  }
  struct Page {
    segments @0 :List(CatalogueSegment);
    nextAfter @1 :Int64;          # 0: that was all
  }
  struct DroppedPage {
    segments @0 :List(Dropped);
    nextAfter @1 :Int64;          # 0: that was all
  }
  struct Dropped {
    id @0 :Int64;
    collection @1 :Int64;
  }
}
struct DataCollection {
  id @0 :Int64;
  database @1 :Text;
  name @2 :Text;                  # as requests call it: DATABASE/NAME, or NAME in "default"
  metric @3 :Text;
  dimension @4 :UInt32;
  channels @5 :List(Text);
  partitions @6 :List(Int64);
  folder @7 :Text;
  partitionNames @8 :List(Text);  # in the order of `partitions`
  properties @9 :List(Property);
  databaseProperties @10 :List(Property);
}
struct DataChanged {
  # The segments of a collection changed in the data source.
  header @0 :Header;
  collection @1 :Int64;
}

struct TargetRequest {
  # target_observer: pull the data of a collection and say what its target would be (for a load).
  header @0 :Header;
  collection @1 :Int64;
  channels @2 :List(Text);
}
struct TargetReply {
  header @0 :Header;
  status @1 :Status;
  segments @2 :List(TargetSegment);
}

struct RefreshRequest {
  # target_observer: pull again now; answered with the next version committed (or the current one if nothing changed).
  header @0 :Header;
  collection @1 :Int64;
  untilCurrent @2 :Bool;          # answered when that version, or a later one, is current
}
struct RefreshReply {
  header @0 :Header;
  status @1 :Status;
  version @2 :Int64;
}

struct AwaitRequest {
  # collection_observer: answer when the collection is in this condition or the deadline has passed.
  header @0 :Header;
  collection @1 :Int64;
  condition @2 :Condition;
  partitions @3 :List(Int64);
  enum Condition {
    invalid @0;
    loaded @1;      # status loaded, nothing of it in loading any more, every channel led
    released @2;    # not desired and no node holds anything of it
    partitionsReleased @3; # `partitions` are not desired, no target that is served names any of them, and no node holds any
  }
}
struct AwaitReply {
  header @0 :Header;
  status @1 :Status;
}

struct RunJob {
  # gateway to load_job or release_job; answered with a ClientReply.
  header @0 :Header;
  collection @1 :Text;
  replicaNumber @2 :UInt32;
  nodes @3 :List(Int64);          # of older senders
  replicas @4 :List(ReplicaState); # load: their groups and first nodes
  kind @5 :Kind;
  partitions @6 :List(Text);      # by name, of those kinds that name some
  loadFields @7 :List(Text);
  userSpecifiedReplicas @8 :Bool;
  enum Kind {
    loadCollection @0;
    releaseCollection @1;
    loadPartitions @2;
    releasePartitions @3;
    syncNewCreatedPartition @4;
  }
}
struct JobReply {
  header @0 :Header;
  status @1 :Status;
  collectionId @2 :Int64;
}

# -- nodes and links -------------------------------------------------------------

struct NodeChange {
  # node_manager to distribution: who is in the cluster and how it is.
  header @0 :Header;
  node @1 :NodeState;             # reportSeq and known are distribution's own and ignored
}
struct NodeReport {
  # node_session to distribution.
  header @0 :Header;
  node @1 :Int64;
  incarnation @2 :UInt64;
  report @3 :Report;
}
struct StepBatch {
  # task_scheduler to a node's task_executor.
  header @0 :Header;
  orders @1 :List(Order);
}
struct StepResults {
  # task_executor to task_scheduler.
  header @0 :Header;
  node @1 :Int64;
  results @2 :List(StepResult);
  progress @3 :List(OrderProgress);
}
struct StepResult {
  task @0 :Int64;
  status @1 :Status;
  marks @2 :List(Mark);
}
struct OrderCancel {
  # task_scheduler to task_executor: the task ended; free what it holds.
  header @0 :Header;
  tasks @1 :List(Int64);
}

struct SessionAttach {
  # node_manager to a node's node_session: the node said hello on this link.
  header @0 :Header;
  node @1 :Int64;
  link @2 :Int64;
  incarnation @3 :UInt64;
}
struct NodesHeardRequest {
  # node_manager: when each node was last heard.
  header @0 :Header;
}
struct NodesHeardReply {
  header @0 :Header;
  nodes @1 :List(Node);           # by id; those not heard since the start are left out
  struct Node {
    id @0 :Int64;
    at @1 :Int64;                 # nanoseconds since 1970
  }
}
struct SessionDetach {
  # The link is gone; node_session tells its task_executor too.
  header @0 :Header;
  node @1 :Int64;
  link @2 :Int64;
  reason @3 :Text;
}

struct LinkCommand {
  # To the wire.
  header @0 :Header;
  union {
    invalid @1 :Void;
    open @2 :Open;
    frame @3 :Frame;
    close @4 :Int64;
    broadcast @5 :Broadcast;
  }
  struct Open {
    link @0 :Int64;               # chosen by the caller; odd numbers, the wire's own (inbound) are even
    address @1 :Text;
    peer @2 :Bool;                # to a node; false: to a coordinator
  }
  struct Frame {
    link @0 :Int64;
    bytes @1 :Data;
  }
  struct Broadcast {
    links @0 :List(Int64);
    bytes @1 :Data;
  }
}
struct LinkEvent {
  # From the wire to the owner of links of its kind.
  header @0 :Header;
  union {
    invalid @1 :Void;
    opened @2 :Opened;
    frame @3 :Frame;
    closed @4 :Closed;
  }
  struct Opened {
    link @0 :Int64;
    inbound @1 :Bool;
  }
  struct Frame {
    link @0 :Int64;
    bytes @1 :Data;
  }
  struct Closed {
    link @0 :Int64;
    reason @1 :Text;
    ended @2 :Bool;               # the other process is known to have ended (connection refused)
  }
}
