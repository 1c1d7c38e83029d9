# What clients may ask of a coordinator: requests and replies paired by name, their unions, the RPC interface.
@0xb3c1a7d04e5f6a12;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("muster::schema");
using import "common.capnp".Header;
using import "common.capnp".Status;
using import "common.capnp".Property;

# -- the catalogue ------------------------------------------------------------

struct AllocateIdsRequest {
  # Ids for an import, from the durable allocator; never given twice.
  header @0 :Header;
  count @1 :UInt32;
}
struct AllocateIdsReply {
  status @0 :Status;
  first @1 :Int64;
  count @2 :UInt32;
}

struct CatalogueSegment {
  id @0 :Int64;
  partitionId @1 :Int64;
  channel @2 :Text;
  rows @3 :Int64;
  bytes @4 :Int64;
  file @5 :Text;
  indexKind @6 :Text;
}

struct RegisterImportRequest {
  # Makes built segment files part of a collection, all or nothing. Not append: the name must be new.
  header @0 :Header;
  database @1 :Text;
  name @2 :Text;
  append @3 :Bool;
  collectionId @4 :Int64;        # allocated by the caller; for an append that of the collection
  metric @5 :Text;
  dimension @6 :UInt32;
  hasNames @7 :Bool;
  channels @8 :List(Text);
  partition @9 :Text;            # empty: "_default"
  partitionId @10 :Int64;        # allocated by the caller; used when the partition is new
  defaultPartitionId @11 :Int64; # allocated by the caller; used when the collection is new
  segments @12 :List(CatalogueSegment);
  properties @13 :List(Property);
  more @14 :List(RegisterImportRequest); # further new collections, each without `more`: all of them become durable at once, or none
}
struct RegisterImportReply {
  status @0 :Status;
  collectionId @1 :Int64;
  targetVersion @2 :Int64; # next target that contains the import; 0 when the collection is not loaded
}

struct CollectionDescription {
  id @0 :Int64;
  database @1 :Text;
  name @2 :Text;
  metric @3 :Text;
  dimension @4 :UInt32;
  hasNames @5 :Bool;
  channels @6 :List(Text);
  partitions @7 :List(Partition);
  rows @8 :Int64;
  segments @9 :Int64;
  bytes @10 :Int64;
  properties @11 :List(Property);
  loadStatus @12 :Text; # "released", "loading", "loaded"
  struct Partition {
    id @0 :Int64;
    name @1 :Text;
  }
}
struct DescribeCollectionRequest {
  header @0 :Header;
  collection @1 :Text;
}
struct DescribeCollectionReply {
  status @0 :Status;
  collection @1 :CollectionDescription;
}
struct ListCollectionsRequest {
  header @0 :Header;
}
struct ListCollectionsReply {
  status @0 :Status;
  collections @1 :List(CollectionDescription);
}
struct DropCollectionRequest {
  header @0 :Header;
  collection @1 :Text;
}
struct DropCollectionReply {
  status @0 :Status;
}

# -- load and release ---------------------------------------------------------

struct LoadCollectionRequest {
  header @0 :Header;
  collection @1 :Text;
  replicaNumber @2 :UInt32;   # 0: 1
  resourceGroups @3 :List(Text);
}
struct LoadCollectionReply {
  status @0 :Status;
  collectionId @1 :Int64;
}
struct ReleaseCollectionRequest {
  header @0 :Header;
  collection @1 :Text;
}
struct ReleaseCollectionReply {
  status @0 :Status;
}

# -- reads --------------------------------------------------------------------

struct ShowLoadCollectionsRequest {
  header @0 :Header;
  collections @1 :List(Text); # empty: all
}
struct LoadedCollection {
  id @0 :Int64;
  name @1 :Text;
  percentage @2 :UInt32;
  status @3 :Text;            # "loading", "loaded"
  replicaNumber @4 :UInt32;
  serviceableReplicas @5 :UInt32;
  currentVersion @6 :Int64;
  nextVersion @7 :Int64;
  segments @8 :UInt32;        # of the current target, else the next
  rows @9 :Int64;
  waitsFor @10 :Text;         # the first thing that keeps it from being whole; empty when it is
}
struct ShowLoadCollectionsReply {
  status @0 :Status;
  collections @1 :List(LoadedCollection);
}

struct GetLoadSegmentInfoRequest {
  header @0 :Header;
  collection @1 :Text;
}
struct LoadedSegment {
  id @0 :Int64;
  partitionId @1 :Int64;
  channel @2 :Text;
  rows @3 :Int64;
  bytes @4 :Int64;
  index @5 :Text;
  nodes @6 :List(Int64);
}
struct GetLoadSegmentInfoReply {
  status @0 :Status;
  segments @1 :List(LoadedSegment);
}

struct GetReplicasRequest {
  header @0 :Header;
  collection @1 :Text;
}
struct ReplicaInfo {
  id @0 :Int64;
  collectionId @1 :Int64;
  resourceGroup @2 :Text;
  nodes @3 :List(Int64);
  readOnlyNodes @4 :List(Int64);
  shards @5 :List(Shard);
  struct Shard {
    channel @0 :Text;
    leader @1 :Int64;
    leaderAddress @2 :Text;
    serviceable @3 :Bool;
  }
}
struct GetReplicasReply {
  status @0 :Status;
  replicas @1 :List(ReplicaInfo);
}

struct ShardLeader {
  replica @0 :Int64;
  node @1 :Int64;
  address @2 :Text;
  servedVersion @3 :Int64;
}
struct CollectionRoutes {
  # The shard leaders of a collection. `removed`: it is no longer loaded.
  collectionId @0 :Int64;
  name @1 :Text;
  removed @2 :Bool;
  targetVersion @3 :Int64;
  metric @4 :Text;
  dimension @5 :UInt32;
  shards @6 :List(Shard);
  struct Shard {
    channel @0 :Text;
    leaders @1 :List(ShardLeader); # serviceable ones only, by replica
  }
}
struct GetShardLeadersRequest {
  header @0 :Header;
  collection @1 :Text;
}
struct GetShardLeadersReply {
  status @0 :Status;
  routes @1 :CollectionRoutes;
}
struct WatchShardLeadersRequest {
  header @0 :Header;
  collections @1 :List(Text); # empty: all
}
struct RouteUpdate {
  # Versioned change of routes; the first one of a watch is whole.
  header @0 :Header;
  version @1 :UInt64;
  whole @2 :Bool;
  collections @3 :List(CollectionRoutes);
}

struct NodeInfo {
  id @0 :Int64;
  name @1 :Text;
  address @2 :Text;
  state @3 :Text;     # "connected", "suspect", "gone", "unknown"
  segments @4 :UInt32;
  rows @5 :Int64;
  channels @6 :UInt32;
  memoryMb @7 :UInt32;
  labels @8 :List(Property);
  incarnation @9 :UInt64;
}
struct TaskInfo {
  id @0 :Int64;
  kind @1 :Text;
  collectionId @2 :Int64;
  replica @3 :Int64;
  channel @4 :Text;
  segment @5 :Int64;
  node @6 :Int64;
  source @7 :Int64;
  reason @8 :Text;
  state @9 :Text;     # "waiting", "running"
}
struct GetStatusRequest {
  header @0 :Header;
}
struct GetStatusReply {
  status @0 :Status;
  state @1 :Text;      # "Initializing", "Healthy", "Stopping", "ReadOnly"
  epoch @2 :UInt64;
  nodes @3 :List(NodeInfo);
  collections @4 :List(LoadedCollection);
  tasks @5 :List(TaskInfo);  # at most 1,000
  version @6 :Text;
}

struct ActorReport {
  name @0 :Text;
  kind @1 :Text;
  owner @2 :Text;
  queued @3 :UInt64;
  oldestMs @4 :UInt64;
  handled @5 :UInt64;
  handledByType @6 :List(Count);
  handlerP50Us @7 :UInt64;
  handlerP99Us @8 :UInt64;
  handlerMaxUs @9 :UInt64;
  restarts @10 :UInt32;
  lastFailure @11 :Text;
  waitingFor @12 :Text;
  state @13 :Text;
  counters @14 :List(Count);   # what the actor counts of its own: proposals, defects found, ...
  struct Count {
    type @0 :Text;
    count @1 :UInt64;
  }
}
struct ListActorsRequest {
  header @0 :Header;
  name @1 :Text; # empty: all
}
struct ListActorsReply {
  status @0 :Status;
  actors @1 :List(ActorReport);
}

# -- operations -----------------------------------------------------------------

struct CheckerInfo {
  name @0 :Text;               # "segment_checker"; its number says the same: 1 channel, 2 segment, 3 balance, 4 index, 5 leader
  active @1 :Bool;
  found @2 :Bool;              # false: no checker has this name or number
  number @3 :UInt32;
}
struct ListCheckersRequest {
  header @0 :Header;
  checkers @1 :List(Text);     # by name or number; empty: all
}
struct ListCheckersReply {
  status @0 :Status;
  checkers @1 :List(CheckerInfo);
}
struct ActivateCheckerRequest {
  # It proposes again, after a look at everything. Not durable: a new start of the coordinator has all checkers active.
  header @0 :Header;
  checker @1 :Text;            # name or number
}
struct ActivateCheckerReply {
  status @0 :Status;
}
struct DeactivateCheckerRequest {
  # It proposes nothing until it is activated again; its tasks in flight go on.
  header @0 :Header;
  checker @1 :Text;
}
struct DeactivateCheckerReply {
  status @0 :Status;
}

# -- one door for all requests ------------------------------------------------

struct ClientRequest {
  header @0 :Header;
  union {
    invalid @1 :Void;
    allocateIds @2 :AllocateIdsRequest;
    registerImport @3 :RegisterImportRequest;
    describeCollection @4 :DescribeCollectionRequest;
    listCollections @5 :ListCollectionsRequest;
    dropCollection @6 :DropCollectionRequest;
    loadCollection @7 :LoadCollectionRequest;
    releaseCollection @8 :ReleaseCollectionRequest;
    showLoadCollections @9 :ShowLoadCollectionsRequest;
    getLoadSegmentInfo @10 :GetLoadSegmentInfoRequest;
    getReplicas @11 :GetReplicasRequest;
    getShardLeaders @12 :GetShardLeadersRequest;
    getStatus @13 :GetStatusRequest;
    listActors @14 :ListActorsRequest;
  }
}

struct ClientReply {
  # The same arm as the request; `invalid` with `status` set when the request never reached its handler.
  header @0 :Header;
  status @1 :Status;
  union {
    invalid @2 :Void;
    allocateIds @3 :AllocateIdsReply;
    registerImport @4 :RegisterImportReply;
    describeCollection @5 :DescribeCollectionReply;
    listCollections @6 :ListCollectionsReply;
    dropCollection @7 :DropCollectionReply;
    loadCollection @8 :LoadCollectionReply;
    releaseCollection @9 :ReleaseCollectionReply;
    showLoadCollections @10 :ShowLoadCollectionsReply;
    getLoadSegmentInfo @11 :GetLoadSegmentInfoReply;
    getReplicas @12 :GetReplicasReply;
    getShardLeaders @13 :GetShardLeadersReply;
    getStatus @14 :GetStatusReply;
    listActors @15 :ListActorsReply;
  }
}

interface FrameSink {
  # One direction of a link: frames in order. Dropping the capability closes the link.
  frame @0 (bytes :Data) -> stream;
}

interface RouteWatcher {
  routesChanged @0 (update :RouteUpdate) -> ();
}

interface WatchHandle {
  # Dropping it ends the watch.
}

interface Coordinator {
  allocateIds @0 AllocateIdsRequest -> AllocateIdsReply;
  registerImport @1 RegisterImportRequest -> RegisterImportReply;
  describeCollection @2 DescribeCollectionRequest -> DescribeCollectionReply;
  listCollections @3 ListCollectionsRequest -> ListCollectionsReply;
  dropCollection @4 DropCollectionRequest -> DropCollectionReply;
  loadCollection @5 LoadCollectionRequest -> LoadCollectionReply;
  releaseCollection @6 ReleaseCollectionRequest -> ReleaseCollectionReply;
  showLoadCollections @7 ShowLoadCollectionsRequest -> ShowLoadCollectionsReply;
  getLoadSegmentInfo @8 GetLoadSegmentInfoRequest -> GetLoadSegmentInfoReply;
  getReplicas @9 GetReplicasRequest -> GetReplicasReply;
  getShardLeaders @10 GetShardLeadersRequest -> GetShardLeadersReply;
  getStatus @11 GetStatusRequest -> GetStatusReply;
  listActors @12 ListActorsRequest -> ListActorsReply;
  watchShardLeaders @13 (request :WatchShardLeadersRequest, watcher :RouteWatcher) -> (handle :WatchHandle);
  joinNode @14 (toNode :FrameSink) -> (toCoordinator :FrameSink);
}
