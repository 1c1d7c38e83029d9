# Between coordinator and node, node and node, client and node: frames, orders, reports, searches.
@0xb3c1a7d04e5f6a13;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("muster::schema");
using import "common.capnp".Header;
using import "common.capnp".Status;
using import "common.capnp".Mark;
using import "common.capnp".Property;
using import "client.capnp".FrameSink;

# -- node to coordinator ------------------------------------------------------

struct Hello {
  # The first frame of a node on each connection.
  name @0 :Text;
  address @1 :Text;          # where it listens for peers and clients
  incarnation @2 :UInt64;    # of this process start; never used twice by a name
  highestEpoch @3 :UInt64;   # highest coordinator epoch it has obeyed
  memoryMb @4 :UInt32;
  labels @5 :List(Property);
  cpus @6 :UInt32;           # 0: it does not say
  draining @7 :Bool;         # it was asked to stop, see NodeFrame
}

struct PartitionVersion {
  # Which version of a partition's statistics.
  partition @0 :Int64;
  version @1 :Int64;
}

struct CopyReport {
  segment @0 :Int64;
  collection @1 :Int64;
  partition @2 :Int64;
  version @3 :Int64;
  rows @4 :Int64;
  bytes @5 :Int64;
  index @6 :UInt8;           # index_kind
  indexes @7 :UInt64;        # bit i: the index with id i (1 to 63) is loaded
  stats @8 :UInt64;          # bit i: the statistics of field i are loaded
}

struct ViewEntry {
  segment @0 :Int64;
  worker @1 :Int64;
}

struct GrowingSegment {
  # Rows that a delegator holds itself until they come as a sealed segment.
  id @0 :Int64;
  startPosition @1 :Int64;   # position in the channel of its first row
  rows @2 :Int64;
}

struct DelegatorReport {
  channel @0 :Text;
  collection @1 :Int64;
  replica @2 :Int64;
  version @3 :Int64;         # of the order that made it
  servedVersion @4 :Int64;   # 0: none yet
  serviceable @5 :Bool;      # its view answers servedVersion now
  wholeView @6 :Bool;        # `view` is all of it; otherwise changes
  view @7 :List(ViewEntry);
  removed @8 :List(Int64);
  partitionStats @9 :List(PartitionVersion); # all that it uses, by partition
  growing @10 :List(GrowingSegment); # all of them, by id
}

struct DelegatorKey {
  channel @0 :Text;
  collection @1 :Int64;
  replica @2 :Int64;
}

struct Report {
  # What changed on a node. Sequence numbers grow over the life of an incarnation, whatever the connection.
  # The first report of a connection is full: first page `full`, last page `complete`; later ones are both false.
  seq @0 :UInt64;
  full @1 :Bool;
  complete @2 :Bool;
  copies @3 :List(CopyReport);
  removedCopies @4 :List(CopyKey);
  delegators @5 :List(DelegatorReport);
  removedDelegators @6 :List(DelegatorKey);
  struct CopyKey {
    segment @0 :Int64;
    collection @1 :Int64;
  }
}

struct OrderResult {
  task @0 :Int64;
  status @1 :Status;
  marks @2 :List(Mark);      # the reports that show the effect
}
struct OrderProgress {
  # An order that takes long is still being worked on: so much of it is done.
  task @0 :Int64;
  done @1 :UInt32;
  total @2 :UInt32;
}
struct OrderResults {
  header @0 :Header;
  results @1 :List(OrderResult);
  progress @2 :List(OrderProgress); # of orders that are not in `results`
}

struct NodeFrame {
  header @0 :Header;
  union {
    invalid @1 :Void;
    hello @2 :Hello;
    report @3 :Report;
    results @4 :OrderResults;
    pong @5 :UInt64;
    leaving @6 :Void;        # orderly stop: the process ends now
    draining @7 :Void;       # it was asked to stop: it is given nothing more, serves until it is empty, and leaves then
  }
}

# -- coordinator to node ------------------------------------------------------

struct Worker {
  node @0 :Int64;
  address @1 :Text;
}

struct SegmentSource {
  segment @0 :Int64;
  collection @1 :Int64;
  partition @2 :Int64;
  rows @3 :Int64;
  file @4 :Text;             # below the store
}

enum LoadScope {
  full @0;
  delta @1;
  index @2;                  # only the named indexes of a segment that is here
  stats @3;                  # only the named statistics
}

enum LoadPriority {
  high @0;
  low @1;                    # behind all loads of high priority at the worker
}

struct PlacedSegment {
  source @0 :SegmentSource;
  worker @1 :UInt16;         # index into the order's workers
}

struct ServeShard {
  # Lead this channel: load what is lacking through the workers, switch to the target when the view is complete.
  collection @0 :Int64;
  replica @1 :Int64;
  channel @2 :Text;
  version @3 :Int64;
  targetVersion @4 :Int64;
  workers @5 :List(Worker);
  segments @6 :List(PlacedSegment);
  dimension @7 :UInt32;
}

struct LoadSegment {
  # With a channel: to its leader, which lets `worker` load the segment, then routes to it. Without (scopes index and stats,
  # which change no route): to the holder itself.
  collection @0 :Int64;
  replica @1 :Int64;
  channel @2 :Text;
  source @3 :SegmentSource;
  worker @4 :Worker;
  version @5 :Int64;
  scope @6 :LoadScope;
  indexes @7 :UInt64;        # scope index: index ids, scope stats: fields; bit i: id i
  priority @8 :LoadPriority;
}

struct DropIndex {
  # To the holder: unload these indexes of a segment; searches go on without them.
  collection @0 :Int64;
  segment @1 :Int64;
  indexes @2 :UInt64;
}

struct ReleaseSegment {
  # With a channel: to its leader, which refuses while it needs that copy, then tells the worker. Without: to the worker itself.
  collection @0 :Int64;
  replica @1 :Int64;
  channel @2 :Text;
  segment @3 :Int64;
  worker @4 :Worker;
  growing @5 :Bool;          # the growing segment that the leader itself holds; no worker
}

struct DropShard {
  collection @0 :Int64;
  replica @1 :Int64;
  channel @2 :Text;
  version @3 :Int64;         # of the delegator meant; a newer one is left alone
}

struct SyncView {
  # To the leader: route these segments to these workers (they hold them), and forget the removed ones (no target names them).
  collection @0 :Int64;
  replica @1 :Int64;
  channel @2 :Text;
  workers @3 :List(Worker);
  set @4 :List(PlacedSegment);
  removed @5 :List(Int64);
  partitionStats @6 :List(PartitionVersion); # use these from now on; older than in use: ignored
}

struct SyncTarget {
  # To the leader: serve this version from now on; refused when the view lacks one of its segments.
  collection @0 :Int64;
  replica @1 :Int64;
  channel @2 :Text;
  targetVersion @3 :Int64;
  segments @4 :List(Int64);  # of this channel in that version
}

struct Order {
  task @0 :Int64;
  union {
    invalid @1 :Void;
    serveShard @2 :ServeShard;
    loadSegment @3 :LoadSegment;
    releaseSegment @4 :ReleaseSegment;
    dropShard @5 :DropShard;
    syncView @6 :SyncView;
    syncTarget @7 :SyncTarget;
    dropIndex @9 :DropIndex;
  }
  traceId @8 :UInt64; # of the request behind it; 0: none
}

struct Orders {
  # All that is due for a node at one flush. `header.epoch` fences it.
  header @0 :Header;
  node @1 :Int64;
  orders @2 :List(Order);
}

struct CoordinatorFrame {
  header @0 :Header;
  union {
    invalid @1 :Void;
    welcome @2 :Welcome;
    refused @3 :Status;
    orders @4 :Orders;
    ping @5 :UInt64;
  }
  struct Welcome {
    node @0 :Int64;
    epoch @1 :UInt64;
  }
}

# -- searches -----------------------------------------------------------------

struct SearchRequest {
  # To the delegator of a channel.
  header @0 :Header;
  collection @1 :Int64;
  channel @2 :Text;
  vectors @3 :List(Float32); # queries x dimension
  dimension @4 :UInt32;
  k @5 :UInt32;
  name @6 :Text;             # not empty: find rows of that name instead of searching
}

struct Hit {
  id @0 :Int64;
  distance @1 :Float32;
  name @2 :Text;
}

struct QueryHits {
  hits @0 :List(Hit);
}

struct NamedRow {
  name @0 :Text;
  id @1 :Int64;
  vector @2 :List(Float32);
}

struct SearchReply {
  header @0 :Header;
  status @1 :Status;
  servedVersion @2 :Int64;   # the target version that this answer is complete for
  queries @3 :List(QueryHits);
  rows @4 :List(NamedRow);
  replica @5 :Int64;
}

struct WorkerSearch {
  # From a delegator to a worker: search exactly these segments.
  header @0 :Header;
  segments @1 :List(Int64);
  request @2 :SearchRequest;
}

# -- node to node -------------------------------------------------------------

struct WorkerLoad {
  header @0 :Header;
  source @1 :SegmentSource;
  version @2 :Int64;
  scope @3 :LoadScope;
  indexes @4 :UInt64;        # scopes index and stats
  priority @5 :LoadPriority;
  drop @6 :Bool;             # scope index: unload them instead
}
struct WorkerLoadReply {
  header @0 :Header;
  status @1 :Status;
  mark @2 :Mark;
}
struct WorkerRelease {
  header @0 :Header;
  collection @1 :Int64;
  segment @2 :Int64;
}
struct WorkerReleaseReply {
  header @0 :Header;
  status @1 :Status;
  mark @2 :Mark;
}

struct PeerRequest {
  header @0 :Header;
  call @1 :UInt64;
  to @2 :Int64;              # node id; another one refuses (node_not_match)
  union {
    invalid @3 :Void;
    load @4 :WorkerLoad;
    release @5 :WorkerRelease;
    search @6 :WorkerSearch;
  }
}

struct PeerReply {
  header @0 :Header;
  call @1 :UInt64;
  union {
    invalid @2 :Void;
    load @3 :WorkerLoadReply;
    release @4 :WorkerReleaseReply;
    search @5 :SearchReply;
    failed @6 :Status;
  }
}

struct PeerFrame {
  header @0 :Header;
  union {
    invalid @1 :Void;
    request @2 :PeerRequest;
    reply @3 :PeerReply;
    hello @4 :UInt64;        # incarnation of the sender, both ways, first
  }
}

interface QueryNode {
  search @0 SearchRequest -> SearchReply;
  openPeer @1 (toCaller :FrameSink) -> (toNode :FrameSink);
}
