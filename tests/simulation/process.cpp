// Actors at the edge of a process, its start and its end.
#include "tests/simulation/process.hpp"

#include "actors/runtime/shell.hpp"

#include <caf/all.hpp>

namespace muster::sim {

namespace {

wire_actor::behavior_type wire_behavior(wire_actor::pointer, outside* world, int index, life alive) {
  return {[=](const m<schema::LinkCommand>& what) {
    if (*alive)
      world->command(index, what);
  }};
}

/// Asks the doors on behalf of clients; the answers leave as bytes. No deadline of its own: a request is at work until the
/// door has answered, whatever its client waits for; and a door that never answers is found after healing.
caf::behavior port_behavior(caf::event_based_actor* self, outside* world, int index, life alive, process* p) {
  const auto done = [=](std::uint64_t call, std::string bytes) {
    if (*alive)
      world->answer(index, call, std::move(bytes));
  };
  return {
    [=](std::uint64_t call, const m<schema::ClientRequest>& request) {
      self->request(p->coordinator_parts.gateway, caf::infinite, request)
        .then([=](const m<schema::ClientReply>& reply) { done(call, std::string{reply.bytes()}); },
              [=](const caf::error&) { done(call, {}); });
    },
    [=](std::uint64_t call, const m<schema::SearchRequest>& request) {
      self->request(p->node_parts.door, caf::infinite, request)
        .then([=](const m<schema::SearchReply>& reply) { done(call, std::string{reply.bytes()}); },
              [=](const caf::error&) { done(call, {}); });
    },
  };
}

struct watcher_state {
  caf::typed_response_promise<m<schema::Ack>> waiting;
};

using watcher_actor = route_subscriber_actor::extend<caf::reacts_to<flush_atom>>;

watcher_actor::behavior_type watcher_behavior(watcher_actor::stateful_pointer<watcher_state> self, outside* world, int index,
                                              life alive) {
  return {[=](const m<schema::RouteUpdate>& update) -> caf::result<m<schema::Ack>> {
            self->state.waiting = self->make_response_promise<m<schema::Ack>>();
            if (*alive)
              world->routes(index, std::string{update.bytes()});
            return self->state.waiting;
          },
          [=](flush_atom) {
            if (self->state.waiting.pending())
              self->state.waiting.deliver(m<schema::Ack>{});
          }};
}

struct reader_state {
  situation view;
};

subscriber_actor::behavior_type reader_behavior(subscriber_actor::stateful_pointer<reader_state> self, outside* world,
                                                int index, life alive) {
  return {[=](const publication& p) {
    self->state.view.apply(p);
    if (*alive)
      world->published(index, self->state.view);
    return build<schema::Ack>([&](auto b) { b.setNumber(p.header->getNumber()); });
  }};
}

void drain(process& p, int& budget) {
  while (p.scheduler->has_job() && budget-- > 0)
    p.scheduler->run_once();
}

} // namespace

void begin(process& p, outside& world, std::int64_t now, std::int64_t clock_ahead) {
  ++p.generation;
  p.started_at = now;
  p.clock_ahead = clock_ahead;
  p.last_inbound = 0;
  p.crash_after = -1;
  p.crash_powers_off = false;
  p.restart_after = -1;
  p.failed_by_disk = false;
  p.stalled_until = 0;
  p.sessions_stalled_until = 0;
  p.held.clear();
  p.slow.clear();
  p.inbox.clear();
  p.paused = false;
  p.stopping = false;
  p.draining = false;
  p.powered = true;
  p.linked_at = -1;
  p.reports = {};
  p.alive = std::make_shared<bool>(true);
  p.config = std::make_unique<system_config>(true);
  p.system = std::make_unique<caf::actor_system>(*p.config);
  p.scheduler = &dynamic_cast<caf::scheduler::test_coordinator&>(p.system->scheduler());
  p.scheduler->clock().current_time += std::chrono::nanoseconds{now + clock_ahead};
  p.clock_ahead = p.scheduler->clock().current_time.time_since_epoch().count() - now;
  p.wire = p.system->spawn(wire_behavior, &world, p.index, p.alive);
  p.port = p.system->spawn(port_behavior, &world, p.index, p.alive, &p);
  p.up = true;
}

bool start_coordinator_in(process& p, outside& world, std::shared_ptr<memory_disk> disk, std::shared_ptr<disk_faults> faults,
                          prng& random, std::shared_ptr<sim_data> data) {
  const auto index = p.index;
  const auto alive = p.alive;
  sim_journal::hooks hooks;
  hooks.began = [&world, index] { world.actor_is_slow(index, true); };
  hooks.committed = [&world, index](const std::vector<journal_row>& rows) { world.committed(index, rows); };
  hooks.failed = [&world, index](append_outcome how) { world.disk_failed(index, how); };
  hooks.power_fails = [&world, index] { world.power_fails(index); };
  coordinator_config config;
  config.journal = std::make_shared<sim_journal>(std::move(disk), std::move(faults), random, alive, std::move(hooks));
  config.catalogue = make_catalogue(std::move(data), alive);
  config.tasks = p.tasks;
  config.settings = p.settings;
  config.sweep_round = std::chrono::seconds{2}; // often enough that a change which was not told is found within a seed
  config.on_fatal = [&world, index, alive](std::string text) {
    if (*alive)
      world.fatal(index, text);
  };
  auto started = start_coordinator(*p.system, config, p.wire);
  if (!started || !*alive)
    return false;
  p.coordinator_parts = *started;
  p.reader = p.system->spawn(reader_behavior, &world, p.index, p.alive);
  post(*p.system, p.coordinator_parts.scheduler, subscribe_atom::value, p.reader);
  return true;
}

void start_node_in(process& p, outside& world, const std::string& coordinator_address) {
  const auto index = p.index;
  p.engine = std::make_shared<sim_engine>(
    p.alive, p.store, [&world, index] { world.actor_is_slow(index, false); },
    [&world, index](segment_id segment) { world.released(index, segment); });
  node_config config;
  config.name = p.name;
  config.address = p.address;
  config.coordinator = coordinator_address;
  config.incarnation = p.incarnation;
  config.memory_mb = 64;
  config.cpus = p.cpus;
  config.engine = p.engine;
  config.on_drained = [&world, index, alive = p.alive] {
    if (*alive)
      world.drained(index);
  };
  p.node_parts = start_node(*p.system, config, p.wire);
}

void call_coordinator(process& p, std::uint64_t call, const std::string& bytes) {
  if (auto request = parse<schema::ClientRequest>(bytes))
    caf::anon_send(p.port, call, *request);
}

void call_node(process& p, std::uint64_t call, const std::string& bytes) {
  if (auto request = parse<schema::SearchRequest>(bytes))
    caf::anon_send(p.port, call, *request);
}

void watch_routes(process& p, outside& world) {
  if (p.watcher)
    caf::anon_send_exit(p.watcher, caf::exit_reason::kill);
  auto watcher = p.system->spawn(watcher_behavior, &world, p.index, p.alive);
  p.watcher = caf::actor_cast<caf::strong_actor_ptr>(watcher);
  post(*p.system, p.coordinator_parts.routes, build<schema::WatchShardLeadersRequest>([](auto) {}),
       route_subscriber_actor{watcher});
}

void acknowledge_routes(process& p) {
  if (p.watcher)
    caf::anon_send(caf::actor_cast<watcher_actor>(p.watcher), flush_atom::value);
}

void hear(process& p, bool peer, const msg<schema::LinkEvent>& event) {
  const auto& owner = p.coordinator() ? p.coordinator_parts.node_links
                      : peer          ? p.node_parts.peer_links
                                      : p.node_parts.coordinator_links;
  if (owner)
    post(*p.system, owner, event);
}

std::string end(process& p) {
  std::string wrong;
  for (const auto& report : p.config->probes->reports({}, 0)) {
    if (!report.last_failure.empty())
      wrong += "actor " + report.name + " failed: " + report.last_failure + "; ";
    for (const auto& [what, count] : report.counters)
      if (what == "defects" && count > 0)
        wrong += report.name + " found " + std::to_string(count) + " things to do that no change had told; ";
  }
  *p.alive = false;
  p.up = false;
  p.held.clear();
  p.coordinator_parts.stop();
  p.node_parts.stop();
  caf::anon_send_exit(p.port, caf::exit_reason::kill);
  caf::anon_send_exit(p.wire, caf::exit_reason::kill);
  if (p.watcher)
    caf::anon_send_exit(p.watcher, caf::exit_reason::kill);
  if (p.reader)
    caf::anon_send_exit(p.reader, caf::exit_reason::kill);
  p.coordinator_parts = {};
  p.node_parts = {};
  p.port = nullptr;
  p.wire = nullptr;
  p.watcher = nullptr;
  p.reader = nullptr;
  int budget = 200'000;
  drain(p, budget);
  for (int i = 0; i < 2'000 && p.system->registry().running() > 0 && p.scheduler->has_pending_timeout(); ++i) {
    p.scheduler->trigger_timeout();
    drain(p, budget);
  }
  if (p.system->registry().running() > 0 || budget <= 0) {
    wrong += "actors do not end when their process stops:";
    for (const auto& report : p.config->probes->reports({}, 0))
      if (report.state == "running")
        wrong += " " + report.name;
    wrong += "; ";
    p.system->await_actors_before_shutdown(false);
    p.scheduler->jobs.clear();
  }
  p.scheduler = nullptr;
  p.system.reset();
  p.config.reset();
  p.engine.reset();
  return wrong;
}

} // namespace muster::sim
