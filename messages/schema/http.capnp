# What the HTTP door and the actor behind it tell each other (it never leaves the process), and what searches look like over HTTP.
@0xb3c1a7d04e5f6a16;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("muster::schema");
using import "common.capnp".Header;
using import "common.capnp".Status;
using import "common.capnp".Property;

struct HttpRequest {
  # Of the door: a request as it came; later, what the door found or wants more of on behalf of one.
  header @0 :Header;
  union {
    call @1 :HttpCall;
    found @2 :HttpSearchReply; # of a search that the answer before had asked for
    more @3 :HttpMore; # the next part of a stream
  }
}

struct HttpReply {
  header @0 :Header;
  union {
    answer @1 :HttpAnswer; # the door writes it, and that was the request
    search @2 :HttpSearchRequest; # the door searches, then asks again with what it found
    events @3 :HttpEvents; # the door writes them as they are, then asks for more, until the client goes
  }
}

struct HttpCall {
  # A request whole; headers that were not sent are empty.
  verb @0 :Text; # "GET"
  target @1 :Text; # path and query as sent
  host @2 :Text;
  origin @3 :Text;
  site @4 :Text; # Sec-Fetch-Site
  contentType @5 :Text;
  lastEventId @6 :Text;
  body @7 :Data;
  port @8 :UInt16; # that the door listens on
}

struct HttpAnswer {
  status @0 :UInt16; # 200
  contentType @1 :Text;
  headers @2 :List(Property); # further ones
  body @3 :Data;
}

struct HttpMore {
  after @0 :UInt64; # number of the last event that was told
}

struct HttpEvents {
  text @0 :Data; # server-sent events, whole; empty: nothing happened
  last @1 :UInt64; # number of the last one, or that asked with
}

struct HttpSearchRequest {
  # The nearest rows of a loaded collection for each vector; or, with `name`, all rows of that name.
  header @0 :Header;
  collection @1 :Text; # its name
  vectors @2 :List(List(Float32)); # of the dimension of the collection, at most 1,024
  k @3 :UInt32; # rows for each vector, at most 16,384; 0: 10
  name @4 :Text; # instead of vectors
  deadlineMs @5 :UInt32; # at most 60,000; 0: 5,000
}
struct HttpSearchReply {
  status @0 :Status;
  queries @1 :List(Hits); # one for each vector
  rows @2 :List(Row); # by id; of a look-up by name
  served @3 :List(Served); # by channel: the target version that the answer is complete for
  retries @4 :UInt32; # further attempts that were made
  struct Hits {
    hits @0 :List(Hit); # nearest first
  }
  struct Hit {
    id @0 :Int64;
    distance @1 :Float32;
    name @2 :Text; # of the row; empty when the collection has no names
  }
  struct Row {
    id @0 :Int64;
    name @1 :Text;
    vector @2 :List(Float32);
  }
  struct Served {
    channel @0 :Text;
    version @1 :Int64;
  }
}
