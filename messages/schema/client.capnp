# What clients may ask of a coordinator: requests and replies paired by name, their unions, the RPC interface.
@0xb3c1a7d04e5f6a12;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("muster::schema");
using import "common.capnp".Header;
using import "common.capnp".Status;
using import "common.capnp".Property;

# Every method may also be refused with service_not_ready (the coordinator is not Healthy; GetComponentStates answers in every
# state), too_many_requests, deadline_exceeded, connection_lost and journal_failed (methods that change something). What else a
# method may give is listed at its request as "Errors".

# -- the catalogue ------------------------------------------------------------

struct AllocateIdsRequest {
  # Ids for an import, from the durable allocator; never given twice.
  # Errors: parameter_invalid (none, or too many at a time).
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
  # Errors: collection_already_exists, collection_not_found (append), parameter_invalid (what cannot be a collection or a file of
  # the store).
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
  # Errors: collection_not_found.
  header @0 :Header;
  collection @1 :Text;
}
struct DescribeCollectionReply {
  status @0 :Status;
  collection @1 :CollectionDescription;
}
struct ListCollectionsRequest {
  # Errors: none of its own.
  header @0 :Header;
}
struct ListCollectionsReply {
  status @0 :Status;
  collections @1 :List(CollectionDescription);
}
struct DropCollectionRequest {
  # Errors: collection_not_found, collection_loaded.
  header @0 :Header;
  collection @1 :Text;
}
struct DropCollectionReply {
  status @0 :Status;
}

# -- load and release ---------------------------------------------------------

struct LoadCollectionRequest {
  # Answered when every partition can be searched; the same again: ok. Errors: collection_not_found, collection_not_loaded
  # (refresh), parameter_invalid (too many replicas, groups neither one nor one for each replica, nothing imported),
  # resource_group_not_found, resource_group_node_not_enough.
  header @0 :Header;
  collection @1 :Text;
  replicaNumber @2 :UInt32;   # 0: as the collection, its database or the cluster say, else 1
  resourceGroups @3 :List(Text); # none: likewise, else the default group
  refresh @4 :Bool;           # of a loaded collection: look for new data now; nothing else is considered
  loadFields @5 :List(Text);  # kept and shown; a query node may load less because of it
  lowPriority @6 :Bool;       # segments that are new to its users load behind everything else
}
struct LoadCollectionReply {
  status @0 :Status;
  collectionId @1 :Int64;
}
struct ReleaseCollectionRequest {
  # Answered when no node holds anything of it; of what is not loaded: ok. Errors: none of its own.
  header @0 :Header;
  collection @1 :Text;
}
struct ReleaseCollectionReply {
  status @0 :Status;
}
struct LoadPartitionsRequest {
  # Loads some partitions of a collection, or more of them. None named: nothing happens. Errors: collection_not_found,
  # partition_not_found, parameter_invalid (other replicas or groups than the collection has),
  # resource_group_not_found, resource_group_node_not_enough.
  header @0 :Header;
  collection @1 :Text;
  partitions @2 :List(Text);
  replicaNumber @3 :UInt32;
  resourceGroups @4 :List(Text);
  refresh @5 :Bool;            # of the whole collection, as in LoadCollection
  loadFields @6 :List(Text);
  lowPriority @7 :Bool;
}
struct LoadPartitionsReply {
  status @0 :Status;
  collectionId @1 :Int64;
}
struct ReleasePartitionsRequest {
  # The others stay readable throughout; without any left the collection is released. Those that are not loaded are ignored.
  # Errors: parameter_invalid (none named), collection_not_found, partition_not_found.
  header @0 :Header;
  collection @1 :Text;
  partitions @2 :List(Text);
}
struct ReleasePartitionsReply {
  status @0 :Status;
}
struct SyncNewCreatedPartitionRequest {
  # A partition was created: part of what is loaded from now on if the whole collection is. Answered when the target has it.
  # Errors: collection_not_found, partition_not_found.
  header @0 :Header;
  collection @1 :Text;
  partition @2 :Text;
}
struct SyncNewCreatedPartitionReply {
  status @0 :Status;
}
struct CreatePartitionRequest {
  # An empty partition in the catalogue; the same name again: ok. Errors: collection_not_found, parameter_missing.
  header @0 :Header;
  collection @1 :Text;
  partition @2 :Text;
  partitionId @3 :Int64;       # given by the coordinator
}
struct CreatePartitionReply {
  status @0 :Status;
  partitionId @1 :Int64;
}
struct DropPartitionRequest {
  # Takes a partition with its segments from the catalogue. Errors: collection_not_found, partition_not_found,
  # parameter_invalid ("_default", or the partition is loaded).
  header @0 :Header;
  collection @1 :Text;
  partition @2 :Text;
}
struct DropPartitionReply {
  status @0 :Status;
}

# -- reads --------------------------------------------------------------------

struct ShowLoadCollectionsRequest {
  # Errors: collection_not_loaded (one that is named).
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
  refreshProgress @11 :UInt32; # 100: no newer target is on its way; else 0
  loadType @12 :Text;         # "collection" (all partitions, also later ones) or "partition"
  loadFields @13 :List(Text);
  userSpecifiedReplicas @14 :Bool; # the number of replicas was asked for, and is not the cluster's
  queryable @15 :Bool;        # every channel has a leader that can be searched now
}
struct ShowLoadPartitionsRequest {
  # Errors: collection_not_loaded, partition_not_loaded (with what failed last).
  header @0 :Header;
  collection @1 :Text;
  partitions @2 :List(Text);  # empty: all that are loaded
}
struct LoadedPartition {
  id @0 :Int64;
  percentage @1 :UInt32;
  status @2 :Text;            # "loading", "loaded"
  refreshProgress @3 :UInt32; # of the collection
  name @4 :Text;
}
struct ShowLoadPartitionsReply {
  status @0 :Status;
  partitions @1 :List(LoadedPartition);
}
struct GetPartitionStatesRequest {
  # Errors: collection_not_loaded, partition_not_loaded.
  header @0 :Header;
  collection @1 :Text;
  partitions @2 :List(Text);  # empty: all that are loaded
}
struct GetPartitionStatesReply {
  status @0 :Status;
  states @1 :List(State);
  struct State {
    partitionId @0 :Int64;
    state @1 :Text;           # "InMemory", "PartialInMemory"
    name @2 :Text;
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
  collections @1 :List(LoadedCollection);
}

struct GetLoadSegmentInfoRequest {
  # Errors: collection_not_loaded, segment_not_loaded (one of `segments` is held by no node).
  header @0 :Header;
  collection @1 :Text;
  segments @2 :List(Int64);   # empty: those of the current target that a node holds
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
  # Errors: collection_not_loaded.
  header @0 :Header;
  collection @1 :Text;
  withShardNodes @2 :Bool;     # each shard names all nodes of its replica that hold something of the collection
}
struct ReplicaInfo {
  id @0 :Int64;
  collectionId @1 :Int64;
  resourceGroup @2 :Text;
  nodes @3 :List(Int64);
  readOnlyNodes @4 :List(Int64);
  shards @5 :List(Shard);
  outbound @6 :List(Outbound); # read-only nodes that are members of other groups by now
  struct Shard {
    channel @0 :Text;
    leader @1 :Int64;
    leaderAddress @2 :Text;
    serviceable @3 :Bool;
    nodes @4 :List(Int64);     # the leader, or as withShardNodes asks
  }
  struct Outbound {
    resourceGroup @0 :Text;
    nodes @1 :UInt32;
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
  serviceable @4 :Bool;
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
  status @7 :Status;            # of one of many
}
struct GetShardLeadersRequest {
  # Errors: collection_not_loaded, collection_not_fully_loaded, collection_on_recovering (no target is current),
  # channel_not_available (a channel without a leader, unless unserviceable ones are asked for).
  header @0 :Header;
  collection @1 :Text;
  collections @2 :List(Text);      # many in one call; each has a status of its own
  withUnserviceableShards @3 :Bool;
}
struct GetShardLeadersReply {
  status @0 :Status;
  routes @1 :CollectionRoutes;
  all @2 :List(CollectionRoutes);  # of `collections`, in their order
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
  # Errors: none of its own.
  header @0 :Header;
}
struct GetStatusReply {
  status @0 :Status;
  state @1 :Text;      # "Healthy"; in another state it is refused, see GetComponentStates
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
  # Errors: parameter_invalid (no actor has this name).
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
  # Errors: none of its own; an unknown checker is listed as not found.
  header @0 :Header;
  checkers @1 :List(Text);     # by name or number; empty: all
}
struct ListCheckersReply {
  status @0 :Status;
  checkers @1 :List(CheckerInfo);
}
struct ActivateCheckerRequest {
  # It proposes again, after a look at everything. Durable. Errors: parameter_invalid (no such checker), journal_failed.
  header @0 :Header;
  checker @1 :Text;            # name or number
}
struct ActivateCheckerReply {
  status @0 :Status;
}
struct DeactivateCheckerRequest {
  # It proposes nothing until it is activated again, also after a new start; its tasks in flight go on. Errors: as ActivateChecker.
  header @0 :Header;
  checker @1 :Text;
}
struct DeactivateCheckerReply {
  status @0 :Status;
}
struct LoadBalanceRequest {
  # Moves segments of a loaded collection off one node, to other read-write nodes of the same replica. Answered when they have moved.
  # Errors: parameter_invalid (not one source), collection_not_loaded (by name), collection_not_fully_loaded, node_not_found (of no
  # replica, or a destination of another one), node_offline, segment_not_found.
  header @0 :Header;
  collectionId @1 :Int64;       # 0: that of the name
  sources @2 :List(Int64);      # exactly one node
  destinations @3 :List(Int64); # empty: all read-write nodes of the replica but the source
  segments @4 :List(Int64);     # empty: all of the collection on the source; those that the current target does not name stay
  collection @5 :Text;
}
struct LoadBalanceReply {
  status @0 :Status;
  moves @1 :UInt32;             # segments that were to move
}
struct TransferSegmentRequest {
  # Moves one segment, or all, off a node to one or all of the other read-write nodes of its replicas. Answered when it has begun.
  # Errors: node_offline (source or destination is not up, or there is no other), node_not_found (of another replica),
  # segment_not_found, parameter_invalid (copyMode).
  header @0 :Header;
  segment @1 :Int64;            # unless transferAll
  source @2 :Int64;
  destination @3 :Int64;        # unless toAllNodes
  transferAll @4 :Bool;
  toAllNodes @5 :Bool;
  copyMode @6 :Bool;            # refused: a replica has each segment once
}
struct TransferSegmentReply {
  status @0 :Status;
  moves @1 :UInt32;
}
struct TransferChannelRequest {
  # The same for the lead of a channel, or of all.
  # Errors: as TransferSegment, with channel_not_found.
  header @0 :Header;
  channel @1 :Text;             # unless transferAll
  source @2 :Int64;
  destination @3 :Int64;        # unless toAllNodes
  transferAll @4 :Bool;
  toAllNodes @5 :Bool;
  copyMode @6 :Bool;            # refused: a replica has one leader of a channel
}
struct TransferChannelReply {
  status @0 :Status;
  moves @1 :UInt32;
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
  name @0 :Text;
  config @1 :ResourceGroupConfig;
}
struct CreateResourceGroupRequest {
  # A new resource group. Nodes come to it afterwards, as its config asks for. The same name and config again: ok.
  # Errors: parameter_missing, resource_group_already_exist, resource_group_reach_limit, resource_group_illegal_config,
  # resource_group_service_available.
  header @0 :Header;
  name @1 :Text;
  config @2 :ResourceGroupConfig;  # absent: requests 0, limits 0
}
struct CreateResourceGroupReply {
  status @0 :Status;
}
struct UpdateResourceGroupsRequest {
  # New configs for groups that exist, all or none. Nodes move afterwards. Without groups: ok.
  # Errors: resource_group_not_found, resource_group_illegal_config, resource_group_service_available.
  header @0 :Header;
  groups @1 :List(NamedResourceGroup);
}
struct UpdateResourceGroupsReply {
  status @0 :Status;
}
struct DropResourceGroupRequest {
  # Its nodes go to other groups first. An unknown name: ok. Errors: parameter_invalid (replicas still in it, the default group,
  # limits not 0, named by another group's transfer lists), resource_group_service_available.
  header @0 :Header;
  name @1 :Text;
}
struct DropResourceGroupReply {
  status @0 :Status;
}
struct ListResourceGroupsRequest {
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
  name @1 :Text;
}
struct ResourceGroupInfo {
  name @0 :Text;
  capacity @1 :Int64;              # requests; 1,000,000 for the default group
  config @2 :ResourceGroupConfig;
  nodes @3 :List(Node);            # its members
  availableNodes @4 :Int64;        # members that are connected
  replicas @5 :List(Count);        # replicas in the group
  outgoing @6 :List(Count);        # read-only nodes of replicas in the group that are no members of it
  incoming @7 :List(Count);        # members that are read-only nodes of replicas in other groups
  struct Node {
    id @0 :Int64;
    name @1 :Text;
    address @2 :Text;
    state @3 :Text;                # "connected", "suspect", "gone", "unknown"
  }
  struct Count {
    collectionId @0 :Int64;
    collection @1 :Text;
    count @2 :Int64;
  }
}
struct DescribeResourceGroupReply {
  status @0 :Status;
  group @1 :ResourceGroupInfo;
}
struct TransferNodeRequest {
  # Changes the configs of both groups so that `count` nodes move, which happens afterwards.
  # Errors: parameter_invalid (the same group, count below 1), resource_group_not_found, resource_group_node_not_enough,
  # resource_group_service_available.
  header @0 :Header;
  source @1 :Text;
  target @2 :Text;
  count @3 :Int64;
}
struct TransferNodeReply {
  status @0 :Status;
}
struct TransferReplicaRequest {
  # Puts `count` replicas of a collection, the oldest first, into another group. They are served throughout: the nodes of the new
  # group take over what those of the old one hold. Errors: resource_group_not_found, parameter_invalid (the same group,
  # count below 1, fewer replicas in `source`).
  # Also: collection_not_loaded.
  header @0 :Header;
  source @1 :Text;
  target @2 :Text;
  collection @3 :Text;
  count @4 :Int64;
}
struct TransferReplicaReply {
  status @0 :Status;
}
struct UpdateLoadConfigRequest {
  # Another number of replicas, or other groups, for loaded collections while they are served. Collections that are not loaded
  # are left out. Errors: parameter_invalid (more replicas than may be, groups neither one nor one for each replica),
  # resource_group_not_found.
  header @0 :Header;
  collections @1 :List(Text);
  replicaNumber @2 :UInt32;        # 0: as it is
  resourceGroups @3 :List(Text);   # none: as they are
}
struct UpdateLoadConfigReply {
  status @0 :Status;
}

struct ListQueryNodeRequest {
  # Errors: none of its own.
  header @0 :Header;
}
struct ListQueryNodeReply {
  status @0 :Status;
  nodes @1 :List(Node);
  struct Node {
    id @0 :Int64;
    address @1 :Text;
    state @2 :Text;            # "Normal", "Stopping"
    name @3 :Text;
    suspended @4 :Bool;
    lastHeard @5 :Int64;       # when its last frame came, nanoseconds since 1970; 0: not since the coordinator started
  }
}
struct GetQueryNodeDistributionRequest {
  # Errors: node_not_found.
  header @0 :Header;
  node @1 :Int64;
}
struct GetQueryNodeDistributionReply {
  status @0 :Status;
  node @1 :Int64;
  channels @2 :List(Text);     # that it leads
  segments @3 :List(Int64);    # that it holds
}
struct CheckQueryNodeDistributionRequest {
  # Whether everything on `source` that a target names is on `target` too. Errors: node_not_found, channel_not_found, segment_lack.
  header @0 :Header;
  source @1 :Int64;
  target @2 :Int64;
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
  # Errors: none of its own.
  header @0 :Header;
}
struct ResumeBalanceReply {
  status @0 :Status;
}
struct CheckBalanceStatusRequest {
  # Errors: none of its own.
  header @0 :Header;
}
struct CheckBalanceStatusReply {
  status @0 :Status;
  active @1 :Bool;
}
struct SuspendNodeRequest {
  # Takes a node from its resource group and keeps it out: replicas leave it, step by step. Durable. Errors: node_not_found.
  header @0 :Header;
  node @1 :Int64;
}
struct SuspendNodeReply {
  status @0 :Status;
}
struct ResumeNodeRequest {
  # The node may be a member of a resource group again. Errors: node_not_found.
  header @0 :Header;
  node @1 :Int64;
}
struct ResumeNodeReply {
  status @0 :Status;
}

# -- settings and states ----------------------------------------------------------

struct ShowConfigurationsRequest {
  # Errors: none of its own; a pattern that fits nothing: none.
  header @0 :Header;
  pattern @1 :Text;            # part of a key, letters of any case; empty: all
}
struct ConfigurationInfo {
  key @0 :Text;
  value @1 :Text;
  fallback @2 :Text;           # what counts when nothing is set
  unit @3 :Text;
  origin @4 :Text;             # "default", "file", "environment", "flag", "run time"
  use @5 :Text;                # "active", "at start", "ignored: driven by change", ...
  meaning @6 :Text;
}
struct ShowConfigurationsReply {
  status @0 :Status;
  configurations @1 :List(ConfigurationInfo); # by key
}
struct AlterConfigurationRequest {
  # Sets a setting at run time, durably; it counts more than file, environment and flags. Errors: parameter_invalid (an unknown key,
  # with the nearest one; a value out of its bounds, with them), journal_failed.
  header @0 :Header;
  key @1 :Text;
  value @2 :Text;
  reset @3 :Bool;              # take back what was set at run time
}
struct AlterConfigurationReply {
  status @0 :Status;
  configuration @1 :ConfigurationInfo; # as it is now
}
struct GetComponentStatesRequest {
  # Answered in every state. Errors: none of its own.
  header @0 :Header;
}
struct GetComponentStatesReply {
  status @0 :Status;
  components @1 :List(Component);
  struct Component {
    name @0 :Text;
    role @1 :Text;             # "querycoord", "querynode"
    state @2 :Text;            # "Initializing", "Healthy", "Stopping", "ReadOnly", "Abnormal"
    node @3 :Int64;
  }
}
struct CheckHealthRequest {
  # Errors: none of its own.
  header @0 :Header;
}
struct CheckHealthReply {
  # `healthy` is about the processes; what is loaded and cannot be searched is named beside it.
  status @0 :Status;
  healthy @1 :Bool;
  reasons @2 :List(Text);
  notQueryable @3 :List(Text); # at most 100 collections and why
}

struct GetMetricsRequest {
  # What the coordinator knows, as JSON. Errors: parameter_invalid (no JSON object, no or an unknown type, `in` neither qc nor qn).
  header @0 :Header;
  request @1 :Text;            # a JSON object: `req_type` or `metric_type` is system_info, tasks_all, dist, qc_target, replica,
                               # resource_group, segments or channels; also collection_id, target_scope (1 current), in (qc, qn)
}
struct GetMetricsReply {
  status @0 :Status;
  response @1 :Text;           # JSON; 64-bit numbers are written as strings
  componentName @2 :Text;
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
    getMetrics @49 :GetMetricsRequest;
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
    getMetrics @50 :GetMetricsReply;
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
  getMetrics @49 GetMetricsRequest -> GetMetricsReply;
}
