// The bridge's own actors.
#include "net/doors.hpp"

#include "actors/runtime/shell.hpp"
#include "net/hub.hpp"

namespace muster::net {

namespace {

// -- wire ---------------------------------------------------------------------

struct wire_state : shell<wire_actor, wire_state> {
  explicit wire_state(self_pointer ptr) : shell(ptr, "wire", "wire", "bridge") {
    // nop
  }

  void command(const msg<schema::LinkCommand>& what) {
    queue->post([what](hub& h) { h.links.execute(what); });
  }

  queue_ptr queue;
};

wire_actor::behavior_type wire(wire_actor::stateful_pointer<wire_state> self, queue_ptr queue) {
  self->state.queue = std::move(queue);
  return {self->state.on(&wire_state::command)};
}

// -- doors --------------------------------------------------------------------

inline constexpr std::chrono::milliseconds longest(const schema::ClientRequest*) {
  return limits::job_timeout;
}

inline constexpr std::chrono::milliseconds longest(const schema::SearchRequest*) {
  return limits::search_timeout;
}

/// Behind the desk, which knows what a request may take.
inline constexpr std::chrono::milliseconds longest(const schema::HttpRequest*) {
  return limits::job_timeout + 2 * limits::reply_slack;
}

inline constexpr const char* name_of(const schema::ClientRequest*) {
  return "client_door";
}

inline constexpr const char* name_of(const schema::SearchRequest*) {
  return "node_door";
}

inline constexpr const char* name_of(const schema::HttpRequest*) {
  return "http_door";
}

inline void answer(hub& h, std::uint64_t call, result<msg<schema::HttpReply>> reply) {
  h.http_calls.answer(call, std::move(reply));
}

inline void answer(hub& h, std::uint64_t call, result<msg<schema::ClientReply>> reply) {
  h.client_calls.answer(call, std::move(reply));
}

inline void answer(hub& h, std::uint64_t call, result<msg<schema::SearchReply>> reply) {
  h.search_calls.answer(call, std::move(reply));
}

template <class Request, class Reply, class Target>
struct door_state : shell<door_actor<Request>, door_state<Request, Reply, Target>> {
  using super = shell<door_actor<Request>, door_state<Request, Reply, Target>>;

  explicit door_state(typename super::self_pointer ptr)
    : super(ptr, name_of(static_cast<Request*>(nullptr)), "door", "bridge") {
    // nop
  }

  void ask(const std::uint64_t& call, const msg<Request>& question) {
    const auto left = time_left(question->getHeader(), longest(static_cast<Request*>(nullptr)));
    this->template request<msg<Reply>>(
      target, left + limits::reply_slack, question, [this, call](const msg<Reply>& reply) { tell(call, reply); },
      [this, call](failure why) { tell(call, std::move(why)); });
  }

  void tell(std::uint64_t call, result<msg<Reply>> reply) {
    queue->post([call, reply = std::move(reply)](hub& h) mutable { answer(h, call, std::move(reply)); });
  }

  queue_ptr queue;
  Target target;
};

template <class Request, class Reply, class Target>
typename door_actor<Request>::behavior_type
door(typename door_actor<Request>::template stateful_pointer<door_state<Request, Reply, Target>> self, queue_ptr queue,
     Target target) {
  using state = door_state<Request, Reply, Target>;
  self->state.queue = std::move(queue);
  self->state.target = std::move(target);
  return {self->state.on(&state::ask)};
}

// -- route relay --------------------------------------------------------------

struct relay_state : shell<route_relay_actor, relay_state> {
  explicit relay_state(self_pointer ptr)
    : shell(ptr, "route_relay#" + std::to_string(ptr->id()), "route_relay", "bridge") {
    // nop
  }

  ~relay_state() {
    if (queue)
      queue->post([w = watch](hub& h) { h.relay_ended(w); });
  }

  caf::typed_response_promise<msg<schema::Ack>> update(const msg<schema::RouteUpdate>& what) {
    // One update is open at a time; a publisher that did not wait gets its earlier answer now.
    if (waiting.pending())
      waiting.deliver(msg<schema::Ack>{});
    waiting = self->make_response_promise<msg<schema::Ack>>();
    queue->post([w = watch, what](hub& h) { h.routes_changed(w, what); });
    return waiting;
  }

  void arrived(const msg<schema::Ack>& ack) {
    if (waiting.pending())
      waiting.deliver(ack);
  }

  queue_ptr queue;
  std::uint64_t watch = 0;
  caf::typed_response_promise<msg<schema::Ack>> waiting;
};

route_relay_actor::behavior_type relay(route_relay_actor::stateful_pointer<relay_state> self, queue_ptr queue,
                                       std::uint64_t watch, const route_publisher_actor& publisher) {
  self->state.queue = std::move(queue);
  self->state.watch = watch;
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  self->monitor(publisher);
  return {self->state.on(&relay_state::update), self->state.on(&relay_state::arrived)};
}

} // namespace

wire_actor spawn_wire(caf::actor_system& system, queue_ptr queue) {
  return system.spawn(wire, std::move(queue));
}

client_door_actor spawn_client_door(caf::actor_system& system, queue_ptr queue, gateway_actor gateway) {
  return system.spawn(door<schema::ClientRequest, schema::ClientReply, gateway_actor>, std::move(queue),
                      std::move(gateway));
}

search_door_door_actor spawn_search_door(caf::actor_system& system, queue_ptr queue, search_door_actor target) {
  return system.spawn(door<schema::SearchRequest, schema::SearchReply, search_door_actor>, std::move(queue),
                      std::move(target));
}

http_desk_door_actor spawn_http_door(caf::actor_system& system, queue_ptr queue, http_desk_actor desk) {
  return system.spawn(door<schema::HttpRequest, schema::HttpReply, http_desk_actor>, std::move(queue), std::move(desk));
}

route_relay_actor spawn_route_relay(caf::actor_system& system, queue_ptr queue, std::uint64_t watch,
                                    const route_publisher_actor& publisher) {
  return system.spawn(relay, std::move(queue), watch, publisher);
}

} // namespace muster::net
