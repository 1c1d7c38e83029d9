// Reports in, publications of the actual state out.
#include "actors/distribution.hpp"

#include "actors/core/distribution_tables.hpp"
#include "actors/runtime/publisher.hpp"

namespace muster {

namespace {

struct distribution_shell : shell<distribution_actor, distribution_shell> {
  distribution_shell(self_pointer ptr) : shell(ptr, "distribution", "distribution", "supervisor") {
    // nop
  }

  void node_changed(const m<schema::NodeChange>& change) {
    tables.set_node(read(change->getNode()));
    schedule();
  }

  void report(const m<schema::NodeReport>& report) {
    auto r = report.read();
    tables.report(r.getNode(), r.getIncarnation(), r.getReport());
    schedule();
  }

  void subscribe(const subscribe_atom&, const subscriber_actor& who) {
    publish();
    out->subscribe(who);
  }

  void flush(const flush_atom&) {
    flushing = false;
    publish();
  }

  void publish() {
    auto changes = tables.take_changes();
    if (!changes.empty())
      out->publish(changes.take(++number, epoch, now()));
  }

  /// All reports that are queued before the flush join its publication.
  void schedule() {
    if (!flushing) {
      flushing = true;
      send(distribution_actor{self}, flush_atom::value);
    }
  }

  distribution_tables tables;
  std::unique_ptr<publisher<distribution_shell>> out;
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;
  bool flushing = false;
};

distribution_actor::behavior_type distribution_behavior(distribution_actor::stateful_pointer<distribution_shell> self,
                                                        std::uint64_t epoch) {
  auto& s = self->state;
  s.epoch = epoch;
  s.out = std::make_unique<publisher<distribution_shell>>(s, epoch, [&s] { return s.tables.whole(); });
  return {
    s.on(&distribution_shell::node_changed),
    s.on(&distribution_shell::report),
    s.on(&distribution_shell::subscribe),
    s.on(&distribution_shell::flush),
  };
}

} // namespace

distribution_actor spawn_distribution(caf::actor_system& system, std::uint64_t epoch) {
  return system.spawn(distribution_behavior, epoch);
}

} // namespace muster
