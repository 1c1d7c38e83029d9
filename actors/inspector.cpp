// Reports of actors, read from their probes: an actor that is stuck is reported too.
#include "actors/gateway.hpp"
#include "actors/runtime/shell.hpp"

namespace muster {

namespace {

struct inspector_shell : shell<inspector_actor, inspector_shell> {
  explicit inspector_shell(self_pointer ptr) : shell(ptr, "inspector", "inspector", "supervisor") {
    // nop
  }

  m<schema::ListActorsReply> list(const m<schema::ListActorsRequest>& request) {
    const auto reports = probes_of(self->system()).reports(view(request->getName()), now());
    return make<schema::ListActorsReply>([&](schema::ListActorsReply::Builder b) {
      if (reports.empty()) {
        set_status(b.initStatus(), ec::parameter_invalid,
                   "no actor is named " + std::string{view(request->getName())} + "; `muster actors` lists them all");
        return;
      }
      auto out = b.initActors(static_cast<unsigned>(reports.size()));
      for (unsigned i = 0; i < reports.size(); ++i) {
        const auto& r = reports[i];
        out[i].setName(r.name);
        out[i].setKind(r.kind);
        out[i].setOwner(r.owner);
        out[i].setQueued(r.queued);
        out[i].setOldestMs(r.oldest_ms);
        out[i].setHandled(r.handled);
        auto types = out[i].initHandledByType(static_cast<unsigned>(r.handled_by_type.size()));
        for (unsigned k = 0; k < r.handled_by_type.size(); ++k) {
          types[k].setType(r.handled_by_type[k].first);
          types[k].setCount(r.handled_by_type[k].second);
        }
        out[i].setHandlerP50Us(r.handler_p50_us);
        out[i].setHandlerP99Us(r.handler_p99_us);
        out[i].setHandlerMaxUs(r.handler_max_us);
        out[i].setRestarts(r.restarts);
        out[i].setLastFailure(r.last_failure);
        out[i].setWaitingFor(r.waiting_for);
        out[i].setState(r.state);
        auto counters = out[i].initCounters(static_cast<unsigned>(r.counters.size()));
        for (unsigned k = 0; k < r.counters.size(); ++k) {
          counters[k].setType(r.counters[k].first);
          counters[k].setCount(r.counters[k].second);
        }
      }
    });
  }
};

inspector_actor::behavior_type inspector_behavior(inspector_actor::stateful_pointer<inspector_shell> self) {
  return {self->state.on(&inspector_shell::list)};
}

} // namespace

inspector_actor spawn_inspector(caf::actor_system& system) {
  return system.spawn(inspector_behavior);
}

} // namespace muster
