# What every message shares: the header, the status of a reply, marks.
@0xb3c1a7d04e5f6a11;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("muster::schema");

struct Header {
  # The first field of every message.
  epoch @0 :UInt64;      # start of the coordinator on whose behalf this is sent; 0 = none
  deadline @1 :Int64;    # nanoseconds on the clock of `enqueuedAt`; 0 = none
  traceId @2 :UInt64;    # joins a request, its tasks and the work of nodes; 0 = none
  enqueuedAt @3 :Int64;  # nanoseconds on the sender's steady clock; deadline - enqueuedAt is what is left
  situation @4 :UInt64;  # publication that the asker has seen: what answers must have seen it too; 0 = any
}

struct Status {
  # How a request ended. `code` 0 is success; the numbers and names are those of messages/error.hpp.
  code @0 :UInt16;
  name @1 :Text;
  reason @2 :Text;   # one line for people
  retriable @3 :Bool;
}

struct Mark {
  # A point in the reports of a node: everything up to report `seq` of this incarnation.
  node @0 :Int64;
  incarnation @1 :UInt64;
  seq @2 :UInt64;
}

struct Property {
  key @0 :Text;
  value @1 :Text;
}

struct Ack {
  # The answer to what needs no answer but must be known to have been handled.
  header @0 :Header;
  number @1 :UInt64;
}
