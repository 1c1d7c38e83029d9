# What the actors of one query node tell each other; never leaves its process.
@0xb3c1a7d04e5f6a15;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("muster::schema");
using import "common.capnp".Header;
using import "common.capnp".Status;
using import "common.capnp".Mark;
using import "node.capnp".CopyReport;
using import "node.capnp".DelegatorReport;
using import "node.capnp".Order;
using import "node.capnp".OrderProgress;
using import "node.capnp".OrderResult;
using import "node.capnp".Report;
using import "node.capnp".Worker;

struct NoteCopies {
  # segment_store to node_agent: copies that came, changed or went; they belong into the next report.
  header @0 :Header;
  copies @1 :List(CopyReport);
  removed @2 :List(Report.CopyKey);
}
struct NoteReply {
  # The report that will contain (or already contained) what was noted.
  header @0 :Header;
  mark @1 :Mark;
}

struct ShardOrder {
  # node_agent to a shard_delegator: one order, and the link on which its answer is awaited.
  header @0 :Header;
  link @1 :Int64;
  order @2 :Order;
}
struct ShardReport {
  # shard_delegator to node_agent: what changed, and the orders that are done with it.
  header @0 :Header;
  changed @1 :Bool;          # `delegator` says something new
  delegator @2 :DelegatorReport;
  results @3 :List(LinkedResult);
  dropped @4 :Bool;          # the delegator ends
  progress @5 :List(OrderProgress);
  struct LinkedResult {
    link @0 :Int64;
    result @1 :OrderResult;  # its marks lack the one of the report that carries `delegator`
  }
}

struct LoadDone {
  # segment_loader to segment_store: how the load of a WorkerLoad ended.
  header @0 :Header;
  segment @1 :Int64;
  status @2 :Status;
  rows @3 :Int64;
  bytes @4 :Int64;
  index @5 :UInt8;
  indexes @6 :UInt64;        # those loaded now
  stats @7 :UInt64;
}

struct NamePeers {
  # shard_delegator to peer_exchange: all the workers on other nodes that it needs; empty: none any more.
  header @0 :Header;
  workers @1 :List(Worker);
}
struct PeerState {
  # peer_exchange to shard_delegator: whether a worker can be reached.
  header @0 :Header;
  worker @1 :Worker;
  reachable @2 :Bool;
  restarted @3 :Bool;        # another incarnation than before: it lost its segments
}
