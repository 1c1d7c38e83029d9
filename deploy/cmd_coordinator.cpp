// `muster coordinator`: one coordinator over its data folder, until it is asked to end.
#include "actors/coordinator.hpp"
#include "actors/runtime/log.hpp"
#include "actors/runtime/system.hpp"
#include "deploy/cli.hpp"
#include "deploy/process.hpp"
#include "deploy/settings.hpp"
#include "deploy/site.hpp"
#include "net/address.hpp"
#include "net/bridge.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace muster::cli {

namespace {

struct options {
  std::string data;
  std::string listen = "127.0.0.1:7700";
  std::string http = "127.0.0.1:7780";
  std::string config;
  std::string store = "store";
  std::vector<std::string> set;
  bool standby = false;
  bool read_only = false;
  bool collection_figures = false;
  bool debug = false;
  std::string log_format = "text";

  bool has_http() const {
    return http != "off";
  }
};

// What was given for this start; a change at run time, which the journal keeps, counts more.
setting_table given_settings(const options& o) {
  setting_table given;
  if (!o.config.empty())
    value_or_end(read_settings_file(o.config, given));
  value_or_end(read_settings_environment(given));
  value_or_end(read_settings_flags(o.set, given));
  return given;
}

// The journal takes the folder's lock: nothing in it is touched before. A standby waits for the lock, and does nothing else: null
// when it was asked to end meanwhile.
std::shared_ptr<journal> open_journal(const options& o) {
  for (bool told = false;; told = true) {
    auto opened = open_sqlite_journal(o.data);
    if (opened || !o.standby || opened.error().code != ec::old_session_exists)
      return value_or_end(std::move(opened));
    if (!told)
      say_ready("muster coordinator: standing by for " + o.listen + ", data " + o.data + ", process "
                + std::to_string(getpid()));
    if (asked_to_end_within(limits::standby_look))
      return nullptr;
  }
}

int run(const options& o) {
  hold_signals();
  const auto given = given_settings(o);
  value_or_end(net::loopback_address(o.listen));
  if (o.has_http())
    value_or_end(net::loopback_address(o.http));
  value_or_end(make_folder(o.data, "data folder"));
  value_or_end(make_folder(o.store, "store"));
  if (!o.standby) {
    // A port in use is told before the folder is touched.
    value_or_end(usable_listen_address(o.listen));
    if (o.has_http())
      value_or_end(usable_listen_address(o.http));
  }
  std::shared_ptr<journal> opened_journal = open_journal(o);
  if (!opened_journal)
    return done;
  const auto address = value_or_end(usable_listen_address(o.listen));
  std::shared_ptr<catalogue> opened_catalogue = value_or_end(open_sqlite_catalogue(o.data));
  log::open(o.debug ? log::severity::debug : log::severity::info, log::severity::debug, o.data + "/muster.log",
            o.log_format == "json" ? log::form::json : log::form::text);
  log::info("deploy", "coordinator starts, process ", getpid(), ", data ", o.data, ", store ", o.store,
            ", node_gone_ms ", given.values().node_gone.count());
  for (const auto* spec : given.ignored())
    log::warn("deploy", "setting ", spec->key, " is ", to_string(spec->use));
  const end_notice notice;
  end_of_process end;
  {
    system_config system_settings;
    caf::actor_system system{system_settings};
    bridge edge{system};
    coordinator_config config;
    config.journal = std::move(opened_journal);
    config.catalogue = std::move(opened_catalogue);
    config.store = o.store;
    config.node_gone = given.values().node_gone;
    config.settings = given;
    if (o.has_http())
      config.http = http_desk_options{o.read_only, o.collection_figures, site()};
    config.on_fatal = [notice](std::string text) { notice.fatal(std::move(text)); };
    auto started = start_coordinator(system, config, edge.wire());
    config = {};
    if (!started) {
      log::error("deploy", "coordinator cannot start: ", started.error().text);
      log::close();
      throw command_error{started.error()};
    }
    auto& actors = *started;
    edge.own_links(actors.node_links, {});
    auto listening = edge.listen_coordinator(address, actors.gateway, actors.routes);
    std::string http;
    if (listening && o.has_http()) {
      if (auto door = edge.listen_http(o.http, actors.http, *listening))
        http = *door;
      else
        listening = door.error();
    }
    if (listening) {
      const auto epoch = std::to_string(actors.epoch);
      log::info("deploy", "listening on ", *listening, ", http ", http.empty() ? "off" : http, o.read_only ? " (read-only)" : "",
                ", epoch ", epoch);
      say_ready("muster coordinator: listening on " + *listening + (http.empty() ? "" : ", http " + http) + ", data " + o.data + ", epoch " + epoch
                + ", process " + std::to_string(getpid()));
      end = notice.wait();
      log::info("deploy", "coordinator ends: ", end.fatal.empty() ? "it was asked to" : end.fatal);
    }
    if (!end.fatal.empty()) {
      // What failed may not be able to end either. Everything that was answered is on disk.
      const std::string prefix = "muster coordinator: ";
      const auto text = end.fatal.starts_with(prefix) ? end.fatal.substr(prefix.size()) : end.fatal;
      std::fprintf(stderr, "%sit cannot go on: %s (what was answered is kept)\n", prefix.c_str(), text.c_str());
      log::close();
      std::_Exit(fatal);
    }
    end_in_time(std::chrono::seconds{10});
    actors.stop();
    if (!await_actors(system, {caf::actor_cast<caf::strong_actor_ptr>(actors.supervisor)}, std::chrono::seconds{5}))
      log::warn("deploy", "some actors did not end in time");
    if (!listening) {
      log::close();
      throw command_error{listening.error()};
    }
  }
  log::info("deploy", "coordinator ended");
  log::close();
  return done;
}

} // namespace

void add_coordinator(CLI::App& app, command& chosen) {
  auto o = std::make_shared<options>();
  auto& sub = add_command(app, "coordinator", "Run a coordinator in the foreground until Ctrl-C");
  sub.add_option("--data", o->data, "Its own folder: journal, catalogue, log")->type_name("DIR")->required();
  sub.add_option("--listen", o->listen, "Where nodes and clients connect; loopback only, port 0: any free one")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  sub.add_option("--http", o->http, "Where HTTP is answered (/openapi.json says what); loopback only, port 0: any free one, off: nowhere")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  sub.add_flag("--read-only", o->read_only, "Refuse over HTTP whatever changes something");
  sub.add_flag("--collection-figures", o->collection_figures,
               "Show figures of each collection in /metrics too; there may be many");
  sub.add_option("--config", o->config, "Settings as YAML, such as node_gone_ms: 3000")->type_name("FILE");
  sub.add_option("--set", o->set, "One setting, counts more than the file and the environment; may be repeated")
      ->type_name("KEY=VALUE");
  add_store_option(sub, o->store, "The folder of segment files that all processes see");
  sub.add_flag("--standby", o->standby,
               "While another coordinator has the data folder, wait, and take its place (and port) when it ends");
  sub.add_option("--log-format", o->log_format, "How lines of the log look, on stderr and in the file")
      ->check(one_of({"text", "json"}))
      ->capture_default_str();
  sub.add_flag("--debug", o->debug, "Print each decision on stderr too (it is always in the log file)");
  sub.callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

} // namespace muster::cli
