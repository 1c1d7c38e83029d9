// `muster fleet`: simulated query nodes in one process, to size and to try a coordinator without data.
#include "actors/node/fleet.hpp"
#include "actors/runtime/log.hpp"
#include "actors/runtime/system.hpp"
#include "deploy/cli.hpp"
#include "deploy/output.hpp"
#include "deploy/process.hpp"
#include "net/address.hpp"
#include "net/bridge.hpp"

#include <algorithm>
#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/send.hpp>
#include <iostream>
#include <mutex>
#include <sys/resource.h>
#include <unistd.h>

namespace muster::cli {

namespace {

struct options {
  std::size_t nodes = 1;
  std::string join;
  std::string name = "fleet";
  std::int64_t load_ms = 0;
  double refuse = 0;
  double lie = 0;
  double stop_after = 0;
  std::uint64_t seed = 1;
  std::uint32_t memory_mb = 0;
  std::uint32_t cpus = 0;
  bool json = false;
  bool debug = false;
};

bool usable_name(const std::string& name) {
  return !name.empty() && name.size() <= 240 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_'
           || c == '-';
  });
}

/// A connection a node, and some for everything else.
void allow_connections(std::size_t nodes) {
  rlimit limit{};
  const auto wanted = static_cast<rlim_t>(nodes + 64);
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
    return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
    throw command_error{failed, "this process may open " + std::to_string(limit.rlim_cur) + " files, and "
                                    + std::to_string(nodes) + " nodes need " + std::to_string(wanted)
                                    + "; raise it with ulimit -n, or ask for fewer --nodes"};
}

void print(const options& o, const fleet_counts& c) {
  if (o.json)
    std::cout << json_writer{}
                     .open('{')
                     .field("nodes", o.nodes)
                     .field("orders", c.orders)
                     .field("refused", c.refused)
                     .field("loads", c.loads)
                     .field("lies", c.lies)
                     .field("segments", c.segments)
                     .field("shards", c.shards)
                     .close('}')
                     .str()
              << std::endl;
  else
    std::cout << "fleet of " << counted(static_cast<std::int64_t>(o.nodes), "node") << " ended: "
              << with_commas(static_cast<std::int64_t>(c.orders)) << " orders ("
              << with_commas(static_cast<std::int64_t>(c.refused)) << " refused), "
              << with_commas(static_cast<std::int64_t>(c.loads)) << " loads, "
              << with_commas(static_cast<std::int64_t>(c.lies)) << " lies; held "
              << with_commas(static_cast<std::int64_t>(c.segments)) << " segments and led "
              << with_commas(static_cast<std::int64_t>(c.shards)) << " shards" << std::endl;
}

int run(const options& o) {
  hold_signals();
  if (!usable_name(o.name))
    throw command_error{usage, "--name \"" + o.name + "\" cannot begin nodes' names; use 1 to 240 of A-Z a-z 0-9 . _ -"};
  if (auto join = net::split_address(o.join); !join)
    throw command_error{usage, "--join: " + join.error().text};
  allow_connections(o.nodes);
  fleet_settings settings;
  settings.nodes = o.nodes;
  settings.name = o.name;
  settings.incarnation = new_incarnation();
  settings.memory_mb = o.memory_mb;
  settings.cpus = o.cpus;
  settings.load_ns = o.load_ms * 1'000'000;
  settings.refuse = o.refuse;
  settings.lie = o.lie;
  settings.seed = o.seed;
  log::open(o.debug ? log::severity::debug : log::severity::info, log::severity::debug, {});
  fleet_counts counts;
  {
    system_config system_settings;
    caf::actor_system system{system_settings};
    bridge edge{system};
    const end_notice notice;
    const auto door = spawn_fleet_door(system);
    auto listening = edge.listen_node("127.0.0.1:0", door);
    if (!listening) {
      log::close();
      throw command_error{listening.error()};
    }
    settings.address = *listening;
    std::mutex mutex;
    auto fleet = spawn_fleet(system, settings, o.join, edge.wire(), [&](const fleet_counts& c) {
      std::lock_guard guard{mutex};
      counts = c;
    });
    edge.own_links(fleet, {});
    say_ready("muster fleet: " + std::to_string(o.nodes) + " simulated nodes join " + o.join + ", process "
              + std::to_string(getpid()));
    notice.wait(std::chrono::milliseconds{static_cast<std::int64_t>(o.stop_after * 1000)});
    end_in_time(std::chrono::seconds{10});
    const std::vector<caf::strong_actor_ptr> ending{caf::actor_cast<caf::strong_actor_ptr>(fleet),
                                                    caf::actor_cast<caf::strong_actor_ptr>(door)};
    for (const auto& each : ending)
      caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
    if (!await_actors(system, ending, std::chrono::seconds{5}))
      log::warn("deploy", "some actors did not end in time");
  }
  log::close();
  print(o, counts);
  return done;
}

} // namespace

void add_fleet(CLI::App& app, command& chosen) {
  auto o = std::make_shared<options>();
  auto& sub = add_command(app, "fleet", "Run simulated query nodes, without data, until Ctrl-C");
  sub.add_option("--nodes", o->nodes, "How many")
      ->type_name("N")
      ->check(between(std::size_t{1}, limits::nodes))
      ->required();
  sub.add_option("--join", o->join, "Where the coordinator listens (it may come later)")
      ->type_name("HOST:PORT")
      ->envname("MUSTER_COORDINATOR")
      ->required();
  sub.add_option("--name", o->name, "The nodes are NAME-1, NAME-2 and so on")->type_name("NAME")->capture_default_str();
  sub.add_option("--load-ms", o->load_ms, "What one load takes; a node has two at a time, as a real one")
      ->type_name("MS")
      ->check(between(std::int64_t{0}, std::int64_t{3'600'000}))
      ->capture_default_str();
  sub.add_option("--refuse", o->refuse, "Share of the orders that are refused, 0 to 1")
      ->type_name("P")
      ->check(between(0.0, 1.0))
      ->capture_default_str();
  sub.add_option("--lie", o->lie, "Share of the loads after which a node reports what it was not given, or forgets "
                                  "what it had, 0 to 0.9")
      ->type_name("P")
      ->check(between(0.0, 0.9))
      ->capture_default_str();
  sub.add_option("--seed", o->seed, "Of the refusals and lies")->type_name("N")->capture_default_str();
  sub.add_option("--stop-after", o->stop_after, "End after so many seconds; 0: at Ctrl-C")
      ->type_name("S")
      ->check(between(0.0, 1e6))
      ->capture_default_str();
  sub.add_option("--memory-mb", o->memory_mb, "Memory that each node offers, in MiB; 0: not said")
      ->type_name("N")
      ->capture_default_str();
  sub.add_option("--cpus", o->cpus, "CPUs that each node offers, which bound the loads given to it at a time; 0: not said")
      ->type_name("N")
      ->capture_default_str();
  add_json_option(sub, o->json);
  sub.add_flag("--debug", o->debug, "Print each decision on stderr");
  sub.callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

} // namespace muster::cli
