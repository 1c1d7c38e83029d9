// The start order of a coordinator, and who restarts.
#include "actors/coordinator.hpp"

#include "actors/checkers.hpp"
#include "actors/core/reads.hpp"
#include "actors/data_source.hpp"
#include "actors/distribution.hpp"
#include "actors/gateway.hpp"
#include "actors/inspector.hpp"
#include "actors/journal.hpp"
#include "actors/metadata.hpp"
#include "actors/nodes.hpp"
#include "actors/observers.hpp"
#include "actors/route_publisher.hpp"
#include "actors/runtime/shell.hpp"
#include "actors/supervisor.hpp"
#include "actors/tap_desk.hpp"
#include "actors/task_scheduler.hpp"

namespace muster {

namespace {

/// What counts for this start: what was given, and on top what was set at run time before.
setting_table settings_of(const coordinator_config& config, const metadata_tables& tables) {
  return with_switches(config.settings, tables.switches());
}

/// The value of a setting that is read once at the start, or what the starter chose where nobody set it.
std::chrono::milliseconds chosen(const setting_table& table, std::string_view key, std::chrono::milliseconds set,
                                 std::chrono::milliseconds otherwise) {
  const auto* spec = find_setting(key);
  return spec != nullptr && table.origin(*spec) != setting_origin::fallback ? set : otherwise;
}

result<metadata_start> recover(journal& disk, const coordinator_config& config) {
  auto state = disk.recover();
  if (!state)
    return state.error();
  for (const auto& bad : state->bad)
    log::warn("journal", "a damaged record was left out, ", to_string(bad.kind), " ", bad.key, ": ", bad.text);
  metadata_start start;
  for (const auto& bad : start.tables.restore(state->entries))
    log::warn("metadata", "a record that cannot be used was left out: ", bad);
  start.last_seq = state->last_seq;
  std::vector<journal_row> rows;
  const auto limit = settings_of(config, start.tables).values().collection_recover_times;
  for (auto& change : start.tables.start_epoch(static_cast<std::uint32_t>(limit)).rows) {
    journal_row row;
    row.seq = ++start.last_seq;
    row.epoch = start.tables.epoch();
    row.kind = change.kind;
    row.key = std::move(change.key);
    row.payload = std::move(change.payload);
    rows.push_back(std::move(row));
  }
  if (auto done = disk.append(rows); done.outcome != append_outcome::durable)
    return failure{ec::journal_failed, "cannot write a new epoch to the journal: " + done.text
                                         + "; free space or make the data folder writable, then start again"};
  return start;
}

template <class Handle>
caf::strong_actor_ptr pointer(const Handle& h) {
  return caf::actor_cast<caf::strong_actor_ptr>(h);
}

} // namespace

void coordinator_actors::stop() {
  if (supervisor)
    caf::anon_send(supervisor, stop_atom::value);
}

result<coordinator_actors> start_coordinator(caf::actor_system& system, const coordinator_config& config,
                                             const wire_actor& wire) {
  auto start = recover(*config.journal, config);
  if (!start)
    return start.error();
  coordinator_actors out;
  out.epoch = start->tables.epoch();
  std::vector<node_row> nodes;
  for (const auto& [id, row] : start->tables.nodes())
    nodes.push_back(row);

  const auto table = settings_of(config, start->tables);
  const auto load_timeout
    = chosen(table, "queryCoord.loadTimeoutSeconds", table.values().load_timeout, config.load_timeout);
  const auto node_gone = chosen(table, "node_gone_ms", table.values().node_gone, config.node_gone);
  log::info("supervisor", "recovered ", start->tables.collections(), " collections and ", nodes.size(),
            " nodes; this is epoch ", out.epoch, ", node_gone_ms ", node_gone.count());

  // Truths first, then the merge point, then who reads it, the doors last.
  const auto journal = spawn_journal(system, config.journal);
  const auto metadata = spawn_metadata(system, std::move(*start), journal, config.on_fatal);
  const auto data = spawn_data_source(system, config.catalogue, config.store);
  const auto distribution = spawn_distribution(system, out.epoch);
  const auto tally = config.http ? std::make_shared<shared_tally>() : tally_ptr{};
  const auto scheduler = spawn_task_scheduler(system, out.epoch, config.tasks, tally);
  const auto hears = [&](const auto& publisher, const subscriber_actor& who) {
    post(system, publisher, subscribe_atom::value, who);
  };
  hears(metadata, scheduler);
  hears(distribution, scheduler);
  const auto routes = spawn_route_publisher(system);
  const auto collections = spawn_collection_observer(system, metadata, load_timeout);
  const auto targets = spawn_target_observer(system, metadata, data);
  const auto checkers = spawn_checker_controller(system, scheduler, config.settings);
  node_manager_start nodes_start;
  nodes_start.peers = {out.epoch, wire, distribution, scheduler};
  nodes_start.metadata = metadata;
  nodes_start.known = std::move(nodes);
  nodes_start.node_gone = node_gone;
  const auto manager = spawn_node_manager(system, std::move(nodes_start));
  const auto taps = spawn_tap_desk(system, out.epoch);
  const auto gateway = spawn_gateway(system, {out.epoch, metadata, data, targets, collections, routes, checkers,
                                              scheduler, manager, journal, taps, config.settings, tally});
  for (const subscriber_actor& who : {subscriber_actor{routes}, subscriber_actor{collections}, subscriber_actor{targets},
                                      subscriber_actor{gateway}, subscriber_actor{checkers}})
    hears(scheduler, who);

  if (config.http) {
    out.http = spawn_http_desk(system, *config.http, {out.epoch, gateway, tally});
    hears(scheduler, out.http);
  }

  // Those that propose or conclude from the situation alone lose nothing when they restart; nobody else holds their handle.
  std::vector<supervised> all{
    {"journal", pointer(journal), {}, "what it has not written yet was answered to nobody, and only a replay knows what is on disk"},
    {"metadata", pointer(metadata), {}, "it holds the desired state, which only a replay of the journal rebuilds"},
    {"data_source", pointer(data), {}, "requests to the catalogue that it works on would have no owner"},
    {"distribution", pointer(distribution), {}, "it holds what the nodes reported, which they send in full to a new process only"},
    {"task_scheduler", pointer(scheduler), {}, "it holds every task, and orders in flight are fenced by a new epoch only"},
    {"route_publisher", pointer(routes), {}, "whoever watches shard leaders would not be told of changes"},
    {"collection_observer", pointer(collections), {}, "whoever waits for a load would not be answered"},
    {"target_observer", pointer(targets), {}, "whoever waits for a refresh would not be answered"},
    {"tap_desk", pointer(taps), {}, "taps would end without being told"},
    {"checker_controller", pointer(checkers), {}, "it tells the checkers what they may do"},
    {"gateway", pointer(gateway), {}, "requests in flight would have no owner"},
    {"node_manager", pointer(manager), {}, "it holds the links of the nodes"}};
  if (out.http)
    all.push_back({"http_desk", pointer(out.http), {}, "requests in flight over HTTP would have no owner"});
  const auto restartable = [&](const char* name, std::function<subscriber_actor()> spawn) {
    auto begin = [&system, scheduler, spawn = std::move(spawn)] {
      auto actor = spawn();
      post(system, scheduler, subscribe_atom::value, actor);
      return pointer(actor);
    };
    all.push_back({name, begin(), begin, {}});
  };
  restartable("inspector", [&system, given = config.settings, most = config.tasks.in_flight, epoch = out.epoch] {
    return subscriber_actor{spawn_inspector(system, {given, most, epoch})};
  });
  restartable("resource_observer", [&system, metadata] { return spawn_resource_observer(system, metadata); });
  restartable("replica_observer", [&system, metadata] { return spawn_replica_observer(system, metadata); });
  const checker_options options{config.sweep_round};
  const auto checker = [&](const char* name, auto spawn) {
    auto begin = [&system, scheduler, checkers, options, name, spawn] {
      auto actor = spawn(system, scheduler, options);
      post(system, checkers, attach_atom::value, std::string{name}, actor);
      post(system, scheduler, subscribe_atom::value, subscriber_actor{actor});
      return pointer(actor);
    };
    all.push_back({name, begin(), begin, {}});
  };
  checker("segment_checker", spawn_segment_checker);
  checker("channel_checker", spawn_channel_checker);
  checker("leader_checker", spawn_leader_checker);
  checker("index_checker", spawn_index_checker);
  checker("balance_checker", spawn_balance_checker);

  out.supervisor = spawn_supervisor(system, std::move(all), config.on_fatal);
  post(system, gateway, attach_atom::value, out.supervisor);
  post(system, taps, attach_atom::value, out.supervisor);
  out.gateway = gateway;
  out.routes = routes;
  out.node_links = manager;
  out.scheduler = scheduler;
  out.checkers = checkers;
  out.distribution = distribution;
  return out;
}

} // namespace muster
