// The shell around fleet_nodes: link events in, frames out, one timer.
#include "actors/node/fleet.hpp"

#include "actors/runtime/shell.hpp"

#include <optional>

namespace muster {

namespace {

struct fleet_shell : shell<fleet_actor, fleet_shell> {
  fleet_shell(self_pointer ptr) : shell(ptr, "fleet", "fleet", "node") {
    // nop
  }

  void event(const m<schema::LinkEvent>& event) {
    auto e = event.read();
    if (e.isOpened())
      nodes->opened(e.getOpened().getLink(), now());
    else if (e.isFrame())
      nodes->frame(e.getFrame().getLink(), e.getFrame().getBytes(), now());
    else if (e.isClosed())
      nodes->closed(e.getClosed().getLink(), std::string{view(e.getClosed().getReason())}, now());
    // What is queued before the flush joins its reports.
    if (!std::exchange(flushing, true))
      send(fleet_actor{self}, flush_atom::value);
  }

  void flush(const flush_atom&) {
    flushing = false;
    carry_out();
  }

  void tick(const tick_atom&) {
    ticking = false;
    nodes->on_time(now());
    carry_out();
  }

  void exited(const caf::exit_msg& exit) {
    if (exit.reason == caf::exit_reason::user_shutdown) {
      nodes->leave();
      carry_out();
    }
    on_end(nodes->counts());
    self->quit(exit.reason);
  }

  void carry_out() {
    auto act = nodes->take(now());
    for (const auto& note : act.notes)
      info(note);
    for (auto link : act.dials)
      send(wire, make<schema::LinkCommand>([&](auto b) {
             auto open = b.initOpen();
             open.setLink(link);
             open.setAddress(coordinator);
           }));
    for (const auto& [link, frame] : act.frames)
      send(wire, make<schema::LinkCommand>([&, l = link, &f = frame](auto b) {
             auto out = b.initFrame();
             out.setLink(l);
             out.setBytes(as_data(f));
           }));
    for (auto link : act.closes)
      send(wire, make<schema::LinkCommand>([&](auto b) { b.setClose(link); }));
    if (act.more && !std::exchange(flushing, true))
      send(fleet_actor{self}, flush_atom::value);
    arm();
  }

  void arm() {
    const auto next = nodes->next_time();
    if (ticking && armed_for <= next)
      return;
    ticking = true;
    armed_for = next;
    const auto wait = std::chrono::nanoseconds{std::max<std::int64_t>(next - now(), 0)};
    send_later(std::chrono::duration_cast<std::chrono::milliseconds>(wait) + std::chrono::milliseconds{1},
               tick_atom::value);
  }

  std::unique_ptr<fleet_nodes> nodes;
  std::string coordinator;
  wire_actor wire;
  std::function<void(const fleet_counts&)> on_end;
  bool flushing = false;
  bool ticking = false;
  std::int64_t armed_for = 0;
};

fleet_actor::behavior_type fleet_behavior(fleet_actor::stateful_pointer<fleet_shell> self,
                                          const fleet_settings& settings, const std::string& coordinator,
                                          const wire_actor& wire,
                                          const std::function<void(const fleet_counts&)>& on_end) {
  auto& s = self->state;
  s.nodes = std::make_unique<fleet_nodes>(settings, s.now());
  s.coordinator = coordinator;
  s.wire = wire;
  s.on_end = on_end;
  self->set_exit_handler([&s](const caf::exit_msg& exit) { s.exited(exit); });
  s.arm();
  return {s.on(&fleet_shell::event), s.on(&fleet_shell::tick), s.on(&fleet_shell::flush)};
}

struct fleet_door_shell : shell<search_door_actor, fleet_door_shell> {
  fleet_door_shell(self_pointer ptr) : shell(ptr, "search_door", "search_door", "node") {
    // nop
  }

  m<schema::SearchReply> search(const m<schema::SearchRequest>&) {
    return make<schema::SearchReply>([&](auto b) {
      set_status(b.initStatus(), ec::segment_not_loaded,
                 "this is a simulated node of muster fleet, it holds no vectors; search a cluster of real nodes");
    });
  }
};

search_door_actor::behavior_type fleet_door_behavior(search_door_actor::stateful_pointer<fleet_door_shell> self) {
  return {self->state.on(&fleet_door_shell::search)};
}

} // namespace

fleet_actor spawn_fleet(caf::actor_system& system, fleet_settings settings, std::string coordinator, wire_actor wire,
                        std::function<void(const fleet_counts&)> on_end) {
  return system.spawn(fleet_behavior, std::move(settings), std::move(coordinator), std::move(wire), std::move(on_end));
}

search_door_actor spawn_fleet_door(caf::actor_system& system) {
  return system.spawn(fleet_door_behavior);
}

} // namespace muster
