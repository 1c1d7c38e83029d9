# What clients may ask of a coordinator: requests and replies paired by name, their unions, the RPC interface.
@0xb3c1a7d04e5f6a12;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("muster::schema");
using import "common.capnp".Header;
using import "common.capnp".Status;
using import "common.capnp".Property;
using import "inspect.capnp".ListEventsRequest;
using import "inspect.capnp".ListEventsReply;
using import "inspect.capnp".ExplainRequest;
using import "inspect.capnp".ExplainReply;
using import "inspect.capnp".WhatIfRequest;
using import "inspect.capnp".WhatIfReply;
using import "inspect.capnp".PlacementMapRequest;
using import "inspect.capnp".PlacementMapReply;
using import "inspect.capnp".ListTasksRequest;
using import "inspect.capnp".ListTasksReply;
using import "inspect.capnp".TapActorRequest;
using import "inspect.capnp".TapActorReply;
using import "inspect.capnp".RestartActorRequest;
using import "inspect.capnp".RestartActorReply;
using import "inspect.capnp".SetLogLevelRequest;
using import "inspect.capnp".SetLogLevelReply;
using import "inspect.capnp".ReadJournalRequest;
using import "inspect.capnp".ReadJournalReply;

# Every method may also be refused with service_not_ready (the coordinator is not Healthy; GetComponentStates answers in every
# state), too_many_requests, deadline_exceeded, connection_lost and journal_failed (methods that change something). What else a
# method may give is listed at its request as "Errors".

# -- the catalogue ------------------------------------------------------------

struct AllocateIdsRequest {
  # Ids for an import, from the durable allocator; never given twice.
  # Errors: parameter_invalid (none, or more than can be given at once).
  header @0 :Header;
  count @1 :UInt32; # how many
}
struct AllocateIdsReply {
  status @0 :Status;
  first @1 :Int64; # the others follow without a gap
  count @2 :UInt32; # as asked for
}

struct CatalogueSegment {
  id @0 :Int64; # given by AllocateIds
  partitionId @1 :Int64; # of its partition
  channel @2 :Text; # one of those of its collection
  rows @3 :Int64; # at most 4,000,000
  bytes @4 :Int64; # of all its files
  file @5 :Text; # path below the store: COLLECTION ID/ID.segment
  indexKind @6 :Text; # "brute_force" (none), "hnsw"
}

struct RegisterImportRequest {
  # Makes built segment files part of a collection, all or nothing. Not append: the name must be new. `muster import` builds the
  # files.
  # Errors: database_not_found, collection_already_exists, collection_not_found, parameter_invalid (metric, dimension, shards,
  # segments or files that cannot be used).
  header @0 :Header;
  database @1 :Text; # empty: "default"
  name @2 :Text; # of the collection, without its database
  append @3 :Bool; # to one that is there, which keeps its channels and properties
  collectionId @4 :Int64;        # allocated by the caller; for an append that of the collection
  metric @5 :Text; # "l2", "cosine", "ip"
  dimension @6 :UInt32; # numbers in a vector, at most 32,768
  hasNames @7 :Bool; # rows have a text name
  channels @8 :List(Text); # one a shard, 1 to 64
  partition @9 :Text;            # empty: "_default"
  partitionId @10 :Int64;        # allocated by the caller; used when the partition is new
  defaultPartitionId @11 :Int64; # allocated by the caller; used when the collection is new
  segments @12 :List(CatalogueSegment); # with their files in place, at most 100,000
  properties @13 :List(Property); # of a new collection; collection.replica.number and collection.resource_groups count for its
                                  # loads
  more @14 :List(RegisterImportRequest); # further new collections, each without `more`: all of them become durable at once, or none
}
struct RegisterImportReply {
  status @0 :Status;
  collectionId @1 :Int64; # its id
  targetVersion @2 :Int64; # next target that contains the import; 0 when the collection is not loaded
}

struct CollectionDescription {
  id @0 :Int64; # its id
  database @1 :Text; # its database
  name @2 :Text; # its name, without its database
  metric @3 :Text; # "l2", "cosine", "ip"
  dimension @4 :UInt32; # numbers in a vector
  hasNames @5 :Bool; # rows have a text name
  channels @6 :List(Text); # one a shard
  partitions @7 :List(Partition); # "_default" is always there
  rows @8 :Int64; # of all segments
  segments @9 :Int64; # how many
  bytes @10 :Int64; # of all files
  properties @11 :List(Property); # by key
  loadStatus @12 :Text; # "released", "loading", "loaded"
  struct Partition {
    id @0 :Int64; # its id
    name @1 :Text; # its name
  }
}
struct DescribeCollectionRequest {
  # What the catalogue has of a collection, and whether it is loaded.
  # Errors: collection_not_found, database_not_found.
  header @0 :Header;
  collection @1 :Text; # its name
}
struct DescribeCollectionReply {
  status @0 :Status;
  collection @1 :CollectionDescription; # as the catalogue has it
}
struct ListCollectionsRequest {
  # All collections of the catalogue, of all databases, by name.
  # Errors: none of its own.
  header @0 :Header;
}
struct ListCollectionsReply {
  status @0 :Status;
  collections @1 :List(CollectionDescription); # by name
}
struct DropCollectionRequest {
  # Takes a collection that is not loaded from the catalogue, with its files.
  # Errors: collection_not_found, database_not_found, collection_loaded (loaded, or being loaded).
  header @0 :Header;
  collection @1 :Text; # its name
}
struct DropCollectionReply {
  status @0 :Status;
}

struct ListSegmentsRequest {
  # The segments that the catalogue has of a collection, by id, page by page.
  # Errors: collection_not_found.
  header @0 :Header;
  collection @1 :Text; # its name
  after @2 :Int64;             # only those with a higher id: `nextAfter` of the page before; 0: from the first
}
struct ListSegmentsReply {
  status @0 :Status;
  collectionId @1 :Int64; # its id
  segments @2 :List(CatalogueSegment); # at most 4,000
  nextAfter @3 :Int64;         # 0: that was all
}
struct CreateIndexRequest {
  # Index files were built beside these segments (`muster create-index` does that): the catalogue names them from now on, all or none,
  # and copies that are loaded load them while they are searched.
  # Errors: collection_not_found, parameter_missing (no segment named), parameter_invalid (no index of this kind), segment_not_found
  # (one was compacted or dropped meanwhile).
  header @0 :Header;
  collection @1 :Text; # its name
  segments @2 :List(CatalogueSegment); # id, bytes of all its files, and indexKind: "hnsw"
}
struct CreateIndexReply {
  status @0 :Status;
  collectionId @1 :Int64; # its id
}
struct DropIndexRequest {
  # The catalogue no longer names indexes of these segments, all or none; copies that are loaded drop them and are searched row by
  # row. Whoever asks deletes the index files afterwards (`muster drop-index` does that).
  # Errors: collection_not_found, index_not_found (none of them has one), segment_not_found.
  header @0 :Header;
  collection @1 :Text; # its name
  segments @2 :List(CatalogueSegment); # id, and bytes of the files that stay
}
struct DropIndexReply {
  status @0 :Status;
  collectionId @1 :Int64; # its id
}
struct CompactRequest {
  # New segments take the place of old ones with the same rows, all or nothing (`muster compact` builds them). When it is loaded, the
  # next target has the new ones, and the old ones leave with its promotion; their files are deleted when no target names them and no
  # node holds them any more.
  # Errors: collection_not_found, parameter_missing (no segment named), segment_not_found (one to be replaced is not there any more),
  # parameter_invalid (not the same rows of each partition and channel, or a new segment that cannot be used).
  header @0 :Header;
  collection @1 :Text; # its name
  replaced @2 :List(Int64); # ids of old segments
  segments @3 :List(CatalogueSegment); # with their partitionId
}
struct CompactReply {
  status @0 :Status;
  collectionId @1 :Int64; # its id
  targetVersion @2 :Int64;     # next target without the old segments; 0 when the collection is not loaded
}

# -- databases ------------------------------------------------------------------

struct DatabaseDescription {
  name @0 :Text; # its name
  properties @1 :List(Property); # by key
  collections @2 :UInt32;      # how many it has
}
struct CreateDatabaseRequest {
  # A database: a space of names for collections, with defaults for their loads. The properties database.replica.number and
  # database.resource_groups (names, separated by commas) count for a load that names neither, of a collection that does not either.
  # Its collections are called DATABASE/COLLECTION in all requests.
  # Errors: database_invalid_name (1 to 255 of A-Z a-z 0-9 . _ -), database_num_limit_exceeded, parameter_invalid (it is there
  # already, or a property that cannot be used).
  header @0 :Header;
  database @1 :Text; # its name
  properties @2 :List(Property); # none: as the cluster says
}
struct CreateDatabaseReply {
  status @0 :Status;
}
struct AlterDatabaseRequest {
  # Sets properties of a database, and takes others away; those not named stay. What is loaded stays as it is loaded.
  # Errors: database_not_found, parameter_missing (nothing to change), parameter_invalid (a property that cannot be used).
  header @0 :Header;
  database @1 :Text; # its name
  properties @2 :List(Property); # to be set
  deletedKeys @3 :List(Text); # to be taken away; one that is not there is ignored
}
struct AlterDatabaseReply {
  status @0 :Status;
}
struct DropDatabaseRequest {
  # An empty database.
  # Errors: database_not_found, parameter_invalid ("default", or it has collections).
  header @0 :Header;
  database @1 :Text; # its name
}
struct DropDatabaseReply {
  status @0 :Status;
}
struct DescribeDatabaseRequest {
  # Errors: database_not_found.
  header @0 :Header;
  database @1 :Text; # its name
}
struct DescribeDatabaseReply {
  status @0 :Status;
  database @1 :DatabaseDescription; # as it is now
}
struct ListDatabasesRequest {
  # All databases of the catalogue.
  # Errors: none of its own.
  header @0 :Header;
}
struct ListDatabasesReply {
  status @0 :Status;
  databases @1 :List(DatabaseDescription); # by name; "default" is always there
}

# -- load and release ---------------------------------------------------------

struct LoadCollectionRequest {
  # Loads a collection, and answers when it can be searched. Loaded as asked for already: ok; with other replicas: they change while
  # it is served.
  # Errors: collection_not_found, database_not_found, parameter_invalid (more replicas than may be, groups neither one nor one for
  # each replica, nothing imported), resource_group_not_found, resource_group_node_not_enough, collection_not_loaded (a refresh of
  # what is not loaded; or released or given up meanwhile, with what it waited for).
  header @0 :Header;
  collection @1 :Text; # its name
  replicaNumber @2 :UInt32;   # 0: as the collection, its database or the cluster say, else 1
  resourceGroups @3 :List(Text); # none: likewise, else the default group
  refresh @4 :Bool;           # of a loaded collection: look for new data now; nothing else is considered
  loadFields @5 :List(Text);  # kept and shown; a query node may load less because of it
  lowPriority @6 :Bool;       # segments that are new to its users load behind everything else
}
struct LoadCollectionReply {
  status @0 :Status;
  collectionId @1 :Int64; # its id
}
struct ReleaseCollectionRequest {
  # No longer serves a collection; answers when no node holds anything of it. Not loaded: ok.
  # Errors: collection_not_found.
  header @0 :Header;
  collection @1 :Text; # its name
}
struct ReleaseCollectionReply {
  status @0 :Status;
}
struct LoadPartitionsRequest {
  # Loads some partitions of a collection, or more of them. None named: nothing happens.
  # Errors: collection_not_found, partition_not_found, parameter_invalid (other replicas or groups than the collection has),
  # resource_group_not_found, resource_group_node_not_enough.
  header @0 :Header;
  collection @1 :Text; # its name
  partitions @2 :List(Text); # names or ids
  replicaNumber @3 :UInt32; # as in LoadCollection
  resourceGroups @4 :List(Text); # as in LoadCollection
  refresh @5 :Bool;            # of the whole collection, as in LoadCollection
  loadFields @6 :List(Text); # as in LoadCollection
  lowPriority @7 :Bool; # as in LoadCollection
}
struct LoadPartitionsReply {
  status @0 :Status;
  collectionId @1 :Int64; # its id
}
struct ReleasePartitionsRequest {
  # The others stay readable throughout; without any left the collection is released. Those that are not loaded are ignored.
  # Errors: parameter_invalid (none named), collection_not_found, partition_not_found.
  header @0 :Header;
  collection @1 :Text; # its name
  partitions @2 :List(Text); # names or ids
}
struct ReleasePartitionsReply {
  status @0 :Status;
}
struct SyncNewCreatedPartitionRequest {
  # A partition was created: part of what is loaded from now on if the whole collection is. Answered when the target has it.
  # Not loaded, or partition by partition: ok.
  # Errors: partition_not_found.
  header @0 :Header;
  collection @1 :Text; # its name
  partition @2 :Text; # its name or id
}
struct SyncNewCreatedPartitionReply {
  status @0 :Status;
}
struct CreatePartitionRequest {
  # An empty partition in the catalogue; the same name again: ok.
  # Errors: collection_not_found, parameter_missing.
  header @0 :Header;
  collection @1 :Text; # its name
  partition @2 :Text; # its name
  partitionId @3 :Int64;       # given by the coordinator
}
struct CreatePartitionReply {
  status @0 :Status;
  partitionId @1 :Int64; # its id
}
struct DropPartitionRequest {
  # Takes a partition with its segments from the catalogue.
  # Errors: collection_not_found, partition_not_found, parameter_invalid ("_default", or the partition is loaded).
  header @0 :Header;
  collection @1 :Text; # its name
  partition @2 :Text; # its name
}
struct DropPartitionReply {
  status @0 :Status;
}

# -- reads --------------------------------------------------------------------

struct ShowLoadCollectionsRequest {
  # How far collections are loaded, and by how many replicas.
  # Errors: collection_not_loaded (one that is named).
  header @0 :Header;
  collections @1 :List(Text); # empty: all
}
struct LoadedCollection {
  id @0 :Int64; # its id
  name @1 :Text; # its name
  percentage @2 :UInt32; # found on nodes of what was asked for; 100: all is loaded
  status @3 :Text;            # "loading", "loaded"
  replicaNumber @4 :UInt32; # that it should have
  serviceableReplicas @5 :UInt32; # that can be searched
  currentVersion @6 :Int64; # of the target that is searched; 0: none yet
  nextVersion @7 :Int64; # of the target that is coming; 0: none
  segments @8 :UInt32;        # of the current target, else the next
  rows @9 :Int64; # of those segments
  waitsFor @10 :Text;         # the first thing that keeps it from being whole; empty when it is
  refreshProgress @11 :UInt32; # 100: no newer target is on its way; else 0
  loadType @12 :Text;         # "collection" (all partitions, also later ones) or "partition"
  loadFields @13 :List(Text); # as asked for; empty: all
  userSpecifiedReplicas @14 :Bool; # the number of replicas was asked for, and is not the cluster's
  queryable @15 :Bool;        # every channel has a leader that can be searched now
}
struct ShowLoadPartitionsRequest {
  # Errors: collection_not_loaded, partition_not_loaded (with what failed last).
  header @0 :Header;
  collection @1 :Text; # its name
  partitions @2 :List(Text);  # empty: all that are loaded
}
struct LoadedPartition {
  id @0 :Int64; # its id
  percentage @1 :UInt32; # found on nodes; 100: all is loaded
  status @2 :Text;            # "loading", "loaded"
  refreshProgress @3 :UInt32; # of the collection
  name @4 :Text; # its name
}
struct ShowLoadPartitionsReply {
  status @0 :Status;
  partitions @1 :List(LoadedPartition); # those asked for, or all that are loaded
}
struct GetPartitionStatesRequest {
  # Errors: collection_not_loaded, partition_not_loaded.
  header @0 :Header;
  collection @1 :Text; # its name
  partitions @2 :List(Text);  # empty: all that are loaded
}
struct GetPartitionStatesReply {
  status @0 :Status;
  states @1 :List(State); # those asked for, or all that are loaded
  struct State {
    partitionId @0 :Int64; # its id
    state @1 :Text;           # "InMemory", "PartialInMemory"
    name @2 :Text; # its name
  }
}
struct ListLoadedSegmentsRequest {
  # Whoever deletes files of segments must leave these: all that a target names or a node holds.
  # Errors: none of its own.
  header @0 :Header;
}
struct ListLoadedSegmentsReply {
  status @0 :Status;
  segments @1 :List(Int64);   # by id, each once
}
struct ShowLoadCollectionsReply {
  status @0 :Status;
  collections @1 :List(LoadedCollection); # those asked for, or all by id
}

struct GetLoadSegmentInfoRequest {
  # Errors: collection_not_loaded, segment_not_loaded (one of `segments` is held by no node).
  header @0 :Header;
  collection @1 :Text; # its name
  segments @2 :List(Int64);   # empty: those of the current target that a node holds
}
struct LoadedSegment {
  id @0 :Int64; # its id
  partitionId @1 :Int64; # its partition
  channel @2 :Text; # its channel
  rows @3 :Int64; # how many
  bytes @4 :Int64; # of its files
  index @5 :Text; # "brute_force", "hnsw"
  nodes @6 :List(Int64); # ids of those that hold it
}
struct GetLoadSegmentInfoReply {
  status @0 :Status;
  segments @1 :List(LoadedSegment); # by id
}

struct GetReplicasRequest {
  # The replicas of a loaded collection: their nodes, and who leads their shards.
  # Errors: collection_not_loaded.
  header @0 :Header;
  collection @1 :Text; # its name
  withShardNodes @2 :Bool;     # each shard names all nodes of its replica that hold something of the collection
}
struct ReplicaInfo {
  id @0 :Int64; # its id
  collectionId @1 :Int64; # its id
  resourceGroup @2 :Text; # where its nodes are from
  nodes @3 :List(Int64); # ids of those that may be given more
  readOnlyNodes @4 :List(Int64); # ids of those that it leaves
  shards @5 :List(Shard); # one a channel
  outbound @6 :List(Outbound); # read-only nodes that are members of other groups by now
  struct Shard {
    channel @0 :Text; # its channel
    leader @1 :Int64; # id of its node; 0: none
    leaderAddress @2 :Text; # HOST:PORT for searches
    serviceable @3 :Bool; # it can be searched now
    nodes @4 :List(Int64);     # the leader, or as withShardNodes asks
  }
  struct Outbound {
    resourceGroup @0 :Text; # name
    nodes @1 :UInt32; # how many
  }
}
struct GetReplicasReply {
  status @0 :Status;
  replicas @1 :List(ReplicaInfo); # by id
}

struct ShardLeader {
  replica @0 :Int64; # id
  node @1 :Int64; # id
  address @2 :Text; # HOST:PORT for searches
  servedVersion @3 :Int64; # of the target that it serves
  serviceable @4 :Bool; # it can be searched now
}
struct CollectionRoutes {
  # The shard leaders of a collection. `removed`: it is no longer loaded.
  collectionId @0 :Int64; # its id
  name @1 :Text; # its name
  removed @2 :Bool; # no longer loaded; nothing else is said
  targetVersion @3 :Int64; # of the target that is searched
  metric @4 :Text; # "l2", "cosine", "ip"
  dimension @5 :UInt32; # numbers in a vector
  shards @6 :List(Shard); # one a channel
  struct Shard {
    channel @0 :Text; # its channel
    leaders @1 :List(ShardLeader); # serviceable ones only, by replica
  }
  status @7 :Status;            # of one of many
}
struct GetShardLeadersRequest {
  # Errors: collection_not_loaded, collection_not_fully_loaded, collection_on_recovering (no target is current), channel_not_available
  # (a channel without a leader, unless unserviceable ones are asked for).
  header @0 :Header;
  collection @1 :Text; # its name
  collections @2 :List(Text);      # many in one call; each has a status of its own
  withUnserviceableShards @3 :Bool; # name channels without a leader that can be searched too, instead of failing
}
struct GetShardLeadersReply {
  status @0 :Status;
  routes @1 :CollectionRoutes; # of `collection`
  all @2 :List(CollectionRoutes);  # of `collections`, in their order
}
struct WatchShardLeadersRequest {
  # Every change of routes, pushed: the first update is whole, later ones have what changed. It ends when the handle is dropped.
  # Errors: none of its own.
  header @0 :Header;
  collections @1 :List(Text); # empty: all
}
struct RouteUpdate {
  # Versioned change of routes; the first one of a watch is whole.
  header @0 :Header;
  version @1 :UInt64; # grows with each update of a watch
  whole @2 :Bool; # what is not named is not loaded
  collections @3 :List(CollectionRoutes); # that changed, each whole
}

struct NodeInfo {
  id @0 :Int64; # its id
  name @1 :Text; # its name
  address @2 :Text; # HOST:PORT for searches
  state @3 :Text;     # "connected", "suspect", "gone", "unknown"
  segments @4 :UInt32; # that it holds
  rows @5 :Int64; # of them
  channels @6 :UInt32; # that it leads
  memoryMb @7 :UInt32; # MiB that it offers
  labels @8 :List(Property); # by key
  incarnation @9 :UInt64; # number of its start
}
struct TaskInfo {
  id @0 :Int64; # its id
  kind @1 :Text; # what is done
  collectionId @2 :Int64; # for which collection
  replica @3 :Int64; # for which replica
  channel @4 :Text; # of which channel
  segment @5 :Int64; # 0: of a channel
  node @6 :Int64; # where
  source @7 :Int64; # where from; 0: it is no move
  reason @8 :Text; # why it was proposed
  state @9 :Text;     # "waiting", "running"
}
struct GetStatusRequest {
  # The cluster in one answer: nodes, loaded collections, tasks.
  # Errors: parameter_invalid (no such part).
  header @0 :Header;
  parts @1 :List(Text); # only these of "nodes", "collections", "tasks"; empty: all of it
}
struct GetStatusReply {
  status @0 :Status;
  state @1 :Text;      # "Healthy"; in another state it is refused, see GetComponentStates
  epoch @2 :UInt64; # number of starts of this coordinator
  nodes @3 :List(NodeInfo); # by id; those that are gone for a while too
  collections @4 :List(LoadedCollection); # that are loaded or being loaded
  tasks @5 :List(TaskInfo);  # at most 1,000
  version @6 :Text; # of the program
}

struct OverviewRequest {
  # The cluster in figures, and what is not as it should be. Costs the nodes and what it names, however many collections there are.
  # Errors: none of its own.
  header @0 :Header;
}
struct OverviewReply {
  status @0 :Status;
  nodes @1 :List(NodeCount); # by state; states that no node is in are left out
  collections @2 :UInt32; # that are loaded or being loaded
  loading @3 :UInt32; # that are being loaded
  notServed @4 :UInt32; # that cannot be searched
  tasks @5 :UInt32; # in flight
  segments @6 :Int64; # copies that nodes hold
  rows @7 :Int64; # of those copies
  channels @8 :Int64; # that nodes lead, one for each replica
  unfinished @9 :List(LoadedCollection); # that are being loaded or cannot be searched, by id, at most 100
  struct NodeCount {
    state @0 :Text; # "connected", "suspect", "gone", "unknown"
    count @1 :UInt32; # nodes in it
  }
}

struct ActorReport {
  name @0 :Text; # its name
  kind @1 :Text; # shared by those that do the same
  owner @2 :Text; # who restarts it, or ends with it
  queued @3 :UInt64; # messages that wait
  oldestMs @4 :UInt64; # ms that the oldest has waited
  handled @5 :UInt64; # messages since its start
  handledByType @6 :List(Count); # by type of message
  handlerP50Us @7 :UInt64; # us of half of the messages at most
  handlerP99Us @8 :UInt64; # us of 99 of 100 messages at most
  handlerMaxUs @9 :UInt64; # us of the slowest
  restarts @10 :UInt32; # how many
  lastFailure @11 :Text; # empty: none
  waitingFor @12 :Text; # empty: nothing
  state @13 :Text; # "running", "ended"
  handlerTotalUs @15 :UInt64; # us that it has spent in handlers since its start: its share of the processor
  failures @16 :UInt32; # how often it ended by a failure
  counters @14 :List(Count);   # what the actor counts of its own: proposals, defects found, ...
  struct Count {
    type @0 :Text; # what
    count @1 :UInt64; # how many
  }
}
struct ListActorsRequest {
  # What the actors of the coordinator do: queues, times, failures.
  # Errors: parameter_invalid (no actor has this name).
  header @0 :Header;
  name @1 :Text; # empty: all
}
struct ListActorsReply {
  status @0 :Status;
  actors @1 :List(ActorReport); # by name
}

# -- operations -----------------------------------------------------------------

struct CheckerInfo {
  name @0 :Text;               # "segment_checker"; its number says the same: 1 channel, 2 segment, 3 balance, 4 index, 5 leader
  active @1 :Bool; # it may propose
  found @2 :Bool;              # false: no checker has this name or number
  number @3 :UInt32; # as above
}
struct ListCheckersRequest {
  # The checkers and whether they may propose.
  # Errors: none of its own; an unknown one has found: false.
  header @0 :Header;
  checkers @1 :List(Text);     # by name or number; empty: all
}
struct ListCheckersReply {
  status @0 :Status;
  checkers @1 :List(CheckerInfo); # by number
}
struct ActivateCheckerRequest {
  # It proposes again, after a look at everything. Durable.
  # Errors: parameter_invalid (no such checker), journal_failed.
  header @0 :Header;
  checker @1 :Text;            # name or number
}
struct ActivateCheckerReply {
  status @0 :Status;
}
struct DeactivateCheckerRequest {
  # It proposes nothing until it is activated again, also after a new start; its tasks in flight go on.
  # Errors: as ActivateChecker.
  header @0 :Header;
  checker @1 :Text; # name or number
}
struct DeactivateCheckerReply {
  status @0 :Status;
}
struct LoadBalanceRequest {
  # Moves segments of a loaded collection off one node, to other read-write nodes of the same replica. Answered when they have moved.
  # Errors: collection_not_loaded, collection_not_fully_loaded, parameter_invalid (not exactly one source), node_not_found (no node of
  # the replica), node_offline (not connected or stopping, or no other node), segment_not_found (not on the source).
  header @0 :Header;
  collectionId @1 :Int64;       # 0: that of the name
  sources @2 :List(Int64);      # exactly one node
  destinations @3 :List(Int64); # empty: all read-write nodes of the replica but the source
  segments @4 :List(Int64);     # empty: all of the collection on the source; those that the current target does not name stay
  collection @5 :Text; # its name
}
struct LoadBalanceReply {
  status @0 :Status;
  moves @1 :UInt32;             # segments that were to move
}
struct TransferSegmentRequest {
  # Moves one segment, or all, off a node to one or all of the other read-write nodes of its replicas. Answered when it has begun.
  # Errors: node_not_found, node_offline (not connected or stopping, or no other node), segment_not_found (not on the source),
  # parameter_invalid (a copy).
  header @0 :Header;
  segment @1 :Int64;            # unless transferAll
  source @2 :Int64; # id of the node
  destination @3 :Int64;        # unless toAllNodes
  transferAll @4 :Bool; # every segment of the node
  toAllNodes @5 :Bool; # spread over the others
  copyMode @6 :Bool;            # refused: a replica has each segment once
}
struct TransferSegmentReply {
  status @0 :Status;
  moves @1 :UInt32; # how many began
}
struct TransferChannelRequest {
  # Moves the lead of one channel, or of all, off a node to one or all of the others. Answered when it has begun.
  # Errors: node_not_found, node_offline (not connected or stopping, or no other node), channel_not_found (not led by the source),
  # parameter_invalid (a copy).
  header @0 :Header;
  channel @1 :Text;             # unless transferAll
  source @2 :Int64; # id of the node
  destination @3 :Int64;        # unless toAllNodes
  transferAll @4 :Bool; # every channel of the node
  toAllNodes @5 :Bool; # spread over the others
  copyMode @6 :Bool;            # refused: a replica has one leader of a channel
}
struct TransferChannelReply {
  status @0 :Status;
  moves @1 :UInt32; # how many began
}

# -- resource groups and replicas ------------------------------------------------

struct ResourceGroupConfig {
  requests @0 :Int64;              # nodes it should have; those missing are taken from other groups
  limits @1 :Int64;                # nodes it may have; those beyond are given to other groups; at least `requests`
  transferFrom @2 :List(Text);     # groups asked first when nodes are missing
  transferTo @3 :List(Text);       # groups given to first when nodes are redundant
  labels @4 :List(Property);       # a member must carry all of these labels; empty: any node may be a member
}
struct NamedResourceGroup {
  name @0 :Text; # its name
  config @1 :ResourceGroupConfig; # whole
}
struct CreateResourceGroupRequest {
  # A new resource group. Nodes come to it afterwards, as its config asks for. The same name and config again: ok.
  # Errors: parameter_missing, resource_group_already_exist, resource_group_reach_limit, resource_group_illegal_config,
  # resource_group_service_available.
  header @0 :Header;
  name @1 :Text; # of the new group
  config @2 :ResourceGroupConfig;  # absent: requests 0, limits 0
}
struct CreateResourceGroupReply {
  status @0 :Status;
}
struct UpdateResourceGroupsRequest {
  # New configs for groups that exist, all or none. Nodes move afterwards. Without groups: ok.
  # Errors: resource_group_not_found, resource_group_illegal_config, resource_group_service_available.
  header @0 :Header;
  groups @1 :List(NamedResourceGroup); # each with its whole new config
}
struct UpdateResourceGroupsReply {
  status @0 :Status;
}
struct DropResourceGroupRequest {
  # Its nodes go to other groups first. An unknown name: ok.
  # Errors: parameter_invalid (replicas still in it, the default group, limits not 0, named by another group's transfer lists),
  # resource_group_service_available.
  header @0 :Header;
  name @1 :Text; # of the group
}
struct DropResourceGroupReply {
  status @0 :Status;
}
struct ListResourceGroupsRequest {
  # The names of all resource groups.
  # Errors: none of its own.
  header @0 :Header;
}
struct ListResourceGroupsReply {
  status @0 :Status;
  names @1 :List(Text);            # by name, the default group too
}
struct DescribeResourceGroupRequest {
  # Errors: resource_group_not_found.
  header @0 :Header;
  name @1 :Text; # of the group
}
struct ResourceGroupInfo {
  name @0 :Text; # its name
  capacity @1 :Int64;              # requests; 1,000,000 for the default group
  config @2 :ResourceGroupConfig; # as set
  nodes @3 :List(Node);            # its members
  availableNodes @4 :Int64;        # members that are connected
  replicas @5 :List(Count);        # replicas in the group
  outgoing @6 :List(Count);        # read-only nodes of replicas in the group that are no members of it
  incoming @7 :List(Count);        # members that are read-only nodes of replicas in other groups
  struct Node {
    id @0 :Int64; # its id
    name @1 :Text; # its name
    address @2 :Text; # HOST:PORT for searches
    state @3 :Text;                # "connected", "suspect", "gone", "unknown"
  }
  struct Count {
    collectionId @0 :Int64; # its id
    collection @1 :Text; # its name
    count @2 :Int64; # how many
  }
}
struct DescribeResourceGroupReply {
  status @0 :Status;
  group @1 :ResourceGroupInfo; # as it is now
}
struct TransferNodeRequest {
  # Changes the configs of both groups so that `count` nodes move, which happens afterwards.
  # Errors: parameter_invalid (the same group, count below 1), resource_group_not_found, resource_group_node_not_enough,
  # resource_group_service_available.
  header @0 :Header;
  source @1 :Text; # name of the group that gives
  target @2 :Text; # name of the group that takes
  count @3 :Int64; # nodes
}
struct TransferNodeReply {
  status @0 :Status;
}
struct TransferReplicaRequest {
  # Puts `count` replicas of a collection, the oldest first, into another group. They are served throughout: the nodes of the new
  # group take over what those of the old one hold.
  # Errors: resource_group_not_found, parameter_invalid (the same group, count below 1, fewer replicas in `source`). Also:
  # collection_not_loaded.
  header @0 :Header;
  source @1 :Text; # name of the group that gives
  target @2 :Text; # name of the group that takes
  collection @3 :Text; # its name
  count @4 :Int64; # replicas
}
struct TransferReplicaReply {
  status @0 :Status;
}
struct UpdateLoadConfigRequest {
  # Another number of replicas, or other groups, for loaded collections while they are served. Collections that are not loaded are
  # left out.
  # Errors: parameter_invalid (more replicas than may be, groups neither one nor one for each replica), resource_group_not_found.
  header @0 :Header;
  collections @1 :List(Text); # their names
  replicaNumber @2 :UInt32;        # 0: as it is
  resourceGroups @3 :List(Text);   # none: as they are
}
struct UpdateLoadConfigReply {
  status @0 :Status;
}

struct ListQueryNodeRequest {
  # The query nodes that are not gone.
  # Errors: none of its own.
  header @0 :Header;
}
struct ListQueryNodeReply {
  status @0 :Status;
  nodes @1 :List(Node); # by id
  struct Node {
    id @0 :Int64; # its id
    address @1 :Text; # HOST:PORT for searches
    state @2 :Text;            # "Normal", "Stopping"
    name @3 :Text; # its name
    suspended @4 :Bool; # kept out of resource groups by hand
    lastHeard @5 :Int64;       # when its last frame came, nanoseconds since 1970; 0: not since the coordinator started
  }
}
struct GetQueryNodeDistributionRequest {
  # Errors: node_not_found.
  header @0 :Header;
  node @1 :Int64; # its id
}
struct GetQueryNodeDistributionReply {
  status @0 :Status;
  node @1 :Int64; # its id
  channels @2 :List(Text);     # that it leads
  segments @3 :List(Int64);    # that it holds
}
struct CheckQueryNodeDistributionRequest {
  # Whether everything on `source` that a target names is on `target` too.
  # Errors: node_not_found, channel_not_found, segment_lack.
  header @0 :Header;
  source @1 :Int64; # id of a node
  target @2 :Int64; # id of the other node
}
struct CheckQueryNodeDistributionReply {
  status @0 :Status;
}
struct SuspendBalanceRequest {
  # No moves are proposed any more, not even off stopping nodes, until it is resumed. Durable.
  # Errors: none of its own.
  header @0 :Header;
}
struct SuspendBalanceReply {
  status @0 :Status;
}
struct ResumeBalanceRequest {
  # Moves are proposed again. Durable.
  # Errors: none of its own.
  header @0 :Header;
}
struct ResumeBalanceReply {
  status @0 :Status;
}
struct CheckBalanceStatusRequest {
  # Whether moves are proposed.
  # Errors: none of its own.
  header @0 :Header;
}
struct CheckBalanceStatusReply {
  status @0 :Status;
  active @1 :Bool; # moves are proposed
}
struct SuspendNodeRequest {
  # Takes a node from its resource group and keeps it out: replicas leave it, step by step. Durable.
  # Errors: node_not_found.
  header @0 :Header;
  node @1 :Int64; # its id
}
struct SuspendNodeReply {
  status @0 :Status;
}
struct ResumeNodeRequest {
  # The node may be a member of a resource group again.
  # Errors: node_not_found.
  header @0 :Header;
  node @1 :Int64; # its id
}
struct ResumeNodeReply {
  status @0 :Status;
}

# -- settings and states ----------------------------------------------------------

struct ShowConfigurationsRequest {
  # Settings: what they mean, what they are and where that was said.
  # Errors: none of its own.
  header @0 :Header;
  pattern @1 :Text;            # part of a key, letters of any case; empty: all
}
struct ConfigurationInfo {
  key @0 :Text; # its name
  value @1 :Text; # that counts
  fallback @2 :Text;           # what counts when nothing is set
  unit @3 :Text; # of value and fallback
  origin @4 :Text;             # "default", "file", "environment", "flag", "run time"
  use @5 :Text;                # "active", "at start", "ignored: driven by change", ...
  meaning @6 :Text; # in one line
}
struct ShowConfigurationsReply {
  status @0 :Status;
  configurations @1 :List(ConfigurationInfo); # by key
}
struct AlterConfigurationRequest {
  # Sets a setting at run time, durably; it counts more than file, environment and flags.
  # Errors: parameter_invalid (an unknown key, with the nearest one; a value out of its bounds, with them), journal_failed.
  header @0 :Header;
  key @1 :Text; # as ShowConfigurations names it
  value @2 :Text; # in the unit that it has there
  reset @3 :Bool;              # take back what was set at run time
}
struct AlterConfigurationReply {
  status @0 :Status;
  configuration @1 :ConfigurationInfo; # as it is now
}
struct GetComponentStatesRequest {
  # The state of the coordinator and of each query node.
  # Errors: none of its own.
  header @0 :Header;
}
struct GetComponentStatesReply {
  status @0 :Status;
  components @1 :List(Component); # the coordinator first
  struct Component {
    name @0 :Text; # "coordinator", or the name of the node
    role @1 :Text;             # "querycoord", "querynode"
    state @2 :Text;            # "Initializing", "Healthy", "Stopping", "ReadOnly", "Abnormal"
    node @3 :Int64; # its id; 0: the coordinator
  }
}
struct CheckHealthRequest {
  # Whether all processes are well, and what is loaded and cannot be searched.
  # Errors: none of its own.
  header @0 :Header;
}
struct CheckHealthReply {
  # `healthy` is about the processes; what is loaded and cannot be searched is named beside it.
  status @0 :Status;
  healthy @1 :Bool; # every process is
  reasons @2 :List(Text); # why not
  notQueryable @3 :List(Text); # at most 100 collections and why
}

struct GetMetricsRequest {
  # What the coordinator knows, as JSON.
  # Errors: parameter_invalid (no JSON object, no or an unknown type, `in` neither qc nor qn).
  header @0 :Header;
  request @1 :Text;            # a JSON object: `req_type` or `metric_type` is system_info, tasks_all, dist, qc_target, replica,
                               # resource_group, segments or channels; also collection_id, target_scope (1 current), in (qc, qn)
}
struct GetMetricsReply {
  status @0 :Status;
  response @1 :Text;           # JSON; 64-bit numbers are written as strings
  componentName @2 :Text;      # "querycoord"
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
    createResourceGroup @15 :CreateResourceGroupRequest;
    updateResourceGroups @16 :UpdateResourceGroupsRequest;
    dropResourceGroup @17 :DropResourceGroupRequest;
    listResourceGroups @18 :ListResourceGroupsRequest;
    describeResourceGroup @19 :DescribeResourceGroupRequest;
    transferNode @20 :TransferNodeRequest;
    transferReplica @21 :TransferReplicaRequest;
    updateLoadConfig @22 :UpdateLoadConfigRequest;
    loadPartitions @23 :LoadPartitionsRequest;
    releasePartitions @24 :ReleasePartitionsRequest;
    syncNewCreatedPartition @25 :SyncNewCreatedPartitionRequest;
    createPartition @26 :CreatePartitionRequest;
    dropPartition @27 :DropPartitionRequest;
    showLoadPartitions @28 :ShowLoadPartitionsRequest;
    getPartitionStates @29 :GetPartitionStatesRequest;
    listLoadedSegments @30 :ListLoadedSegmentsRequest;
    listCheckers @31 :ListCheckersRequest;
    activateChecker @32 :ActivateCheckerRequest;
    deactivateChecker @33 :DeactivateCheckerRequest;
    listQueryNode @34 :ListQueryNodeRequest;
    getQueryNodeDistribution @35 :GetQueryNodeDistributionRequest;
    checkQueryNodeDistribution @36 :CheckQueryNodeDistributionRequest;
    suspendBalance @37 :SuspendBalanceRequest;
    resumeBalance @38 :ResumeBalanceRequest;
    checkBalanceStatus @39 :CheckBalanceStatusRequest;
    suspendNode @40 :SuspendNodeRequest;
    resumeNode @41 :ResumeNodeRequest;
    showConfigurations @42 :ShowConfigurationsRequest;
    alterConfiguration @43 :AlterConfigurationRequest;
    getComponentStates @44 :GetComponentStatesRequest;
    checkHealth @45 :CheckHealthRequest;
    loadBalance @46 :LoadBalanceRequest;
    transferSegment @47 :TransferSegmentRequest;
    transferChannel @48 :TransferChannelRequest;
    listSegments @49 :ListSegmentsRequest;
    createIndex @50 :CreateIndexRequest;
    dropIndex @51 :DropIndexRequest;
    compact @52 :CompactRequest;
    createDatabase @53 :CreateDatabaseRequest;
    alterDatabase @54 :AlterDatabaseRequest;
    dropDatabase @55 :DropDatabaseRequest;
    describeDatabase @56 :DescribeDatabaseRequest;
    listDatabases @57 :ListDatabasesRequest;
    getMetrics @58 :GetMetricsRequest;
    listEvents @59 :ListEventsRequest;
    explain @60 :ExplainRequest;
    whatIf @61 :WhatIfRequest;
    listTasks @62 :ListTasksRequest;
    tapActor @63 :TapActorRequest;
    restartActor @64 :RestartActorRequest;
    setLogLevel @65 :SetLogLevelRequest;
    readJournal @66 :ReadJournalRequest;
    overview @67 :OverviewRequest;
    placementMap @68 :PlacementMapRequest;
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
    createResourceGroup @16 :CreateResourceGroupReply;
    updateResourceGroups @17 :UpdateResourceGroupsReply;
    dropResourceGroup @18 :DropResourceGroupReply;
    listResourceGroups @19 :ListResourceGroupsReply;
    describeResourceGroup @20 :DescribeResourceGroupReply;
    transferNode @21 :TransferNodeReply;
    transferReplica @22 :TransferReplicaReply;
    updateLoadConfig @23 :UpdateLoadConfigReply;
    loadPartitions @24 :LoadPartitionsReply;
    releasePartitions @25 :ReleasePartitionsReply;
    syncNewCreatedPartition @26 :SyncNewCreatedPartitionReply;
    createPartition @27 :CreatePartitionReply;
    dropPartition @28 :DropPartitionReply;
    showLoadPartitions @29 :ShowLoadPartitionsReply;
    getPartitionStates @30 :GetPartitionStatesReply;
    listLoadedSegments @31 :ListLoadedSegmentsReply;
    listCheckers @32 :ListCheckersReply;
    activateChecker @33 :ActivateCheckerReply;
    deactivateChecker @34 :DeactivateCheckerReply;
    listQueryNode @35 :ListQueryNodeReply;
    getQueryNodeDistribution @36 :GetQueryNodeDistributionReply;
    checkQueryNodeDistribution @37 :CheckQueryNodeDistributionReply;
    suspendBalance @38 :SuspendBalanceReply;
    resumeBalance @39 :ResumeBalanceReply;
    checkBalanceStatus @40 :CheckBalanceStatusReply;
    suspendNode @41 :SuspendNodeReply;
    resumeNode @42 :ResumeNodeReply;
    showConfigurations @43 :ShowConfigurationsReply;
    alterConfiguration @44 :AlterConfigurationReply;
    getComponentStates @45 :GetComponentStatesReply;
    checkHealth @46 :CheckHealthReply;
    loadBalance @47 :LoadBalanceReply;
    transferSegment @48 :TransferSegmentReply;
    transferChannel @49 :TransferChannelReply;
    listSegments @50 :ListSegmentsReply;
    createIndex @51 :CreateIndexReply;
    dropIndex @52 :DropIndexReply;
    compact @53 :CompactReply;
    createDatabase @54 :CreateDatabaseReply;
    alterDatabase @55 :AlterDatabaseReply;
    dropDatabase @56 :DropDatabaseReply;
    describeDatabase @57 :DescribeDatabaseReply;
    listDatabases @58 :ListDatabasesReply;
    getMetrics @59 :GetMetricsReply;
    listEvents @60 :ListEventsReply;
    explain @61 :ExplainReply;
    whatIf @62 :WhatIfReply;
    listTasks @63 :ListTasksReply;
    tapActor @64 :TapActorReply;
    restartActor @65 :RestartActorReply;
    setLogLevel @66 :SetLogLevelReply;
    readJournal @67 :ReadJournalReply;
    overview @68 :OverviewReply;
    placementMap @69 :PlacementMapReply;
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
  createResourceGroup @15 CreateResourceGroupRequest -> CreateResourceGroupReply;
  updateResourceGroups @16 UpdateResourceGroupsRequest -> UpdateResourceGroupsReply;
  dropResourceGroup @17 DropResourceGroupRequest -> DropResourceGroupReply;
  listResourceGroups @18 ListResourceGroupsRequest -> ListResourceGroupsReply;
  describeResourceGroup @19 DescribeResourceGroupRequest -> DescribeResourceGroupReply;
  transferNode @20 TransferNodeRequest -> TransferNodeReply;
  transferReplica @21 TransferReplicaRequest -> TransferReplicaReply;
  updateLoadConfig @22 UpdateLoadConfigRequest -> UpdateLoadConfigReply;
  loadPartitions @23 LoadPartitionsRequest -> LoadPartitionsReply;
  releasePartitions @24 ReleasePartitionsRequest -> ReleasePartitionsReply;
  syncNewCreatedPartition @25 SyncNewCreatedPartitionRequest -> SyncNewCreatedPartitionReply;
  createPartition @26 CreatePartitionRequest -> CreatePartitionReply;
  dropPartition @27 DropPartitionRequest -> DropPartitionReply;
  showLoadPartitions @28 ShowLoadPartitionsRequest -> ShowLoadPartitionsReply;
  getPartitionStates @29 GetPartitionStatesRequest -> GetPartitionStatesReply;
  listLoadedSegments @30 ListLoadedSegmentsRequest -> ListLoadedSegmentsReply;
  listCheckers @31 ListCheckersRequest -> ListCheckersReply;
  activateChecker @32 ActivateCheckerRequest -> ActivateCheckerReply;
  deactivateChecker @33 DeactivateCheckerRequest -> DeactivateCheckerReply;
  listQueryNode @34 ListQueryNodeRequest -> ListQueryNodeReply;
  getQueryNodeDistribution @35 GetQueryNodeDistributionRequest -> GetQueryNodeDistributionReply;
  checkQueryNodeDistribution @36 CheckQueryNodeDistributionRequest -> CheckQueryNodeDistributionReply;
  suspendBalance @37 SuspendBalanceRequest -> SuspendBalanceReply;
  resumeBalance @38 ResumeBalanceRequest -> ResumeBalanceReply;
  checkBalanceStatus @39 CheckBalanceStatusRequest -> CheckBalanceStatusReply;
  suspendNode @40 SuspendNodeRequest -> SuspendNodeReply;
  resumeNode @41 ResumeNodeRequest -> ResumeNodeReply;
  showConfigurations @42 ShowConfigurationsRequest -> ShowConfigurationsReply;
  alterConfiguration @43 AlterConfigurationRequest -> AlterConfigurationReply;
  getComponentStates @44 GetComponentStatesRequest -> GetComponentStatesReply;
  checkHealth @45 CheckHealthRequest -> CheckHealthReply;
  loadBalance @46 LoadBalanceRequest -> LoadBalanceReply;
  transferSegment @47 TransferSegmentRequest -> TransferSegmentReply;
  transferChannel @48 TransferChannelRequest -> TransferChannelReply;
  listSegments @49 ListSegmentsRequest -> ListSegmentsReply;
  createIndex @50 CreateIndexRequest -> CreateIndexReply;
  dropIndex @51 DropIndexRequest -> DropIndexReply;
  compact @52 CompactRequest -> CompactReply;
  createDatabase @53 CreateDatabaseRequest -> CreateDatabaseReply;
  alterDatabase @54 AlterDatabaseRequest -> AlterDatabaseReply;
  dropDatabase @55 DropDatabaseRequest -> DropDatabaseReply;
  describeDatabase @56 DescribeDatabaseRequest -> DescribeDatabaseReply;
  listDatabases @57 ListDatabasesRequest -> ListDatabasesReply;
  getMetrics @58 GetMetricsRequest -> GetMetricsReply;
  listEvents @59 ListEventsRequest -> ListEventsReply;
  explain @60 ExplainRequest -> ExplainReply;
  whatIf @61 WhatIfRequest -> WhatIfReply;
  listTasks @62 ListTasksRequest -> ListTasksReply;
  tapActor @63 TapActorRequest -> TapActorReply;
  restartActor @64 RestartActorRequest -> RestartActorReply;
  setLogLevel @65 SetLogLevelRequest -> SetLogLevelReply;
  readJournal @66 ReadJournalRequest -> ReadJournalReply;
  overview @67 OverviewRequest -> OverviewReply;
  placementMap @68 PlacementMapRequest -> PlacementMapReply;
}
