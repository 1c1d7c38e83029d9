// `muster node`: one query node, until it is asked to end.
#include "actors/node/node.hpp"
#include "actors/runtime/log.hpp"
#include "actors/runtime/system.hpp"
#include "deploy/cli.hpp"
#include "deploy/process.hpp"
#include "net/address.hpp"
#include "net/bridge.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <thread>
#include <unistd.h>

namespace muster::cli {

namespace {

struct options {
  std::string name;
  std::string join;
  std::string listen;
  std::string data;
  std::string store = "store";
  std::vector<std::string> labels;
  std::uint32_t memory_mb = 0;
  std::uint32_t cpus = std::thread::hardware_concurrency();
  bool debug = false;
  std::string log_format = "text";
  std::uint32_t drain_s = 0;
};

bool usable_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_'
           || c == '-';
  });
}

std::vector<std::pair<std::string, std::string>> split_labels(const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto& text : texts) {
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw command_error{usage, "--label \"" + text + "\" is no label; write --label key=value"};
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

int run(const options& o) {
  hold_signals();
  if (!usable_name(o.name))
    throw command_error{usage, "--name \"" + o.name + "\" cannot be a node's name; use 1 to 255 of A-Z a-z 0-9 . _ -"};
  node_config config;
  config.labels = split_labels(o.labels);
  if (auto join = net::split_address(o.join); !join)
    throw command_error{usage, "--join: " + join.error().text};
  value_or_end(make_folder(o.data, "data folder"));
  if (access(o.store.c_str(), R_OK | X_OK) != 0)
    throw command_error{failed, "the store " + o.store
                                    + " cannot be read; name the folder that the coordinator has as its --store"};
  // The address is part of the node's hello: it must be known, and free, before there are actors.
  config.address = value_or_end(usable_listen_address(o.listen));
  log::open(o.debug ? log::severity::debug : log::severity::info, log::severity::debug,
            o.data + "/muster-" + o.name + ".log", o.log_format == "json" ? log::form::json : log::form::text);
  log::info("deploy", "node ", o.name, " starts, process ", getpid(), ", joins ", o.join, ", store ", o.store);
  {
    system_config system_settings;
    caf::actor_system system{system_settings};
    bridge edge{system};
    const end_notice notice;
    config.name = o.name;
    config.coordinator = o.join;
    config.incarnation = new_incarnation();
    config.memory_mb = o.memory_mb;
    config.cpus = o.cpus;
    config.engine = make_file_engine(o.store);
    config.on_drained = [notice] { notice.go(); };
    auto actors = start_node(system, config, edge.wire());
    edge.own_links(actors.coordinator_links, actors.peer_links);
    auto listening = edge.listen_node(config.address, actors.door);
    if (listening) {
      log::info("deploy", "node ", o.name, " listens on ", *listening);
      say_ready("muster node: " + o.name + " listening on " + *listening + ", joins " + o.join + ", process "
                + std::to_string(getpid()));
      notice.wait();
      log::info("deploy", "node ", o.name, " ends: it was asked to");
      if (o.drain_s > 0) {
        actors.drain();
        if (!notice.wait_for_go(std::chrono::seconds{o.drain_s}))
          log::warn("deploy", "node ", o.name, " is not empty after ", o.drain_s, " s; it ends all the same");
      }
    }
    end_in_time(std::chrono::seconds{10});
    const auto ending = actors.owned;
    actors.stop();
    if (!await_actors(system, ending, std::chrono::seconds{5}))
      log::warn("deploy", "some actors did not end in time");
    if (!listening) {
      log::close();
      throw command_error{listening.error()};
    }
  }
  log::info("deploy", "node ", o.name, " ended");
  log::close();
  return done;
}

} // namespace

void add_node(CLI::App& app, command& chosen) {
  auto o = std::make_shared<options>();
  auto& sub = add_command(app, "node", "Run a query node in the foreground until Ctrl-C");
  sub.add_option("--name", o->name, "Its name, unique in the cluster, kept over restarts: A-Z a-z 0-9 . _ -")
      ->required();
  sub.add_option("--join", o->join, "Where the coordinator listens (it may come later)")
      ->type_name("HOST:PORT")
      ->envname("MUSTER_COORDINATOR")
      ->required();
  sub.add_option("--listen", o->listen, "Where clients and other nodes connect; loopback only, port 0: any free one")
      ->type_name("HOST:PORT")
      ->required();
  sub.add_option("--data", o->data, "Its own folder, for its log")->type_name("DIR")->required();
  add_store_option(sub, o->store, "The folder of segment files that all processes see");
  sub.add_option("--label", o->labels, "A label, key=value; may be given several times")
      ->type_name("K=V")
      ->allow_extra_args(false);
  sub.add_option("--memory-mb", o->memory_mb, "Memory it offers, in MiB; 0: not said")
      ->type_name("N")
      ->capture_default_str();
  sub.add_option("--cpus", o->cpus, "CPUs it offers, which bound the loads given to it at a time; 0: not said");
  sub.add_option("--drain-s", o->drain_s,
                 "Asked to end, it first has everything moved to other nodes, for at most so long; a second signal ends it at once")
      ->type_name("S")
      ->check(CLI::Range(0u, 86'400u))
      ->capture_default_str();
  sub.add_option("--log-format", o->log_format, "How lines of the log look, on stderr and in the file")
      ->check(one_of({"text", "json"}))
      ->capture_default_str();
  sub.add_flag("--debug", o->debug, "Print each decision on stderr too (it is always in the log file)");
  sub.callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

} // namespace muster::cli
