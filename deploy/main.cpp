// The one binary `muster`: picks the subcommand and turns every outcome into one line and an exit code.
#include "deploy/cli.hpp"
#include "deploy/console.hpp"
#include "deploy/session.hpp"
#include "messages/version.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>

namespace muster::cli {

namespace {

const std::string version = "muster " + std::string{program_version};

constexpr const char* footer = R"(
Exit codes:
  0  done
  1  the request was refused or failed, an input is bad, or a process could not start (one line on stderr says why)
  2  the command line is wrong; nothing was done
  3  no coordinator answers, or the connection was lost: what became of a change is unknown
  4  a coordinator ended because it could not go on; start it again

Environment:
  MUSTER_COORDINATOR  HOST:PORT of the coordinator, instead of 127.0.0.1:7700
  MUSTER_STORE        the folder of segment files, instead of ./store

`muster COMMAND --help` tells the options of a command.)";

} // namespace

command_error::command_error(const failure& why)
    : std::runtime_error(std::string{to_string(why.code)} + " (" + std::to_string(static_cast<int>(why.code))
                         + "): " + why.text),
      exit(why.code == ec::connection_lost ? unreachable : failed) {
  // nop
}

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description) {
  auto& sub = *app.add_subcommand(name, description);
  sub.set_version_flag("--version", version, "Print the version and end");
  sub.get_formatter()->column_width(36);
  return sub;
}

namespace {

// As the default and not as CLI11's envname: that also fills in the options of commands that were not given, and where
// commands share a variable it would then override what was given.
void default_from(const char* variable, std::string& value) {
  if (const auto* given = std::getenv(variable); given != nullptr && *given != '\0')
    value = given;
}

} // namespace

void add_coordinator_option(CLI::App& sub, std::string& address) {
  default_from("MUSTER_COORDINATOR", address);
  sub.add_option("--coordinator", address, "Where the coordinator listens (default from MUSTER_COORDINATOR)")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  sub.add_option_function<std::uint64_t>(
         "--trace-id", [](std::uint64_t id) { traces().give(id); },
         "Of a request that changes something: joins its log lines, events and tasks (see muster trace); default: a new one")
      ->type_name("N");
  sub.add_flag_function("--verbose", [](std::int64_t) { traces().tell(); }, "Tell on stderr the trace id of such a request");
}

void add_store_option(CLI::App& sub, std::string& store, const std::string& description) {
  default_from("MUSTER_STORE", store);
  sub.add_option("--store", store, description + " (default from MUSTER_STORE)")
      ->type_name("DIR")
      ->capture_default_str();
}

void add_json_option(CLI::App& sub, bool& json) {
  sub.add_flag("--json", json, "Print JSON instead of text for people");
}

CLI::Validator one_of(std::vector<std::string> values) {
  std::string list;
  for (auto& value : values)
    list += (list.empty() ? "" : "|") + value;
  return CLI::Validator{[values = std::move(values), list](const std::string& given) -> std::string {
                          for (auto& value : values)
                            if (given == value)
                              return {};
                          return given + " is none of " + list;
                        },
                        list};
}

namespace {

void add_everything(CLI::App& app, command& chosen) {
  app.name("muster");
  app.set_version_flag("--version", version, "Print the version and end");
  app.require_subcommand(0, 1);
  add_coordinator(app, chosen);
  add_node(app, chosen);
  add_fleet(app, chosen);
  add_import(app, chosen);
  add_collection_commands(app, chosen);
  add_group_commands(app, chosen);
  add_index_commands(app, chosen);
  add_method_commands(app, chosen);
  add_search_commands(app, chosen);
  add_status_commands(app, chosen);
  add_probe(app, chosen);
  add_openapi(app, chosen);
  add_documents(app, chosen);
  add_call(app, chosen);
  add_inside_commands(app, chosen);
  add_console(app, chosen);
  app.footer(footer); // After the commands: they would inherit it.
}

constexpr const char* about = "muster: decides which query node of a vector database serves what, and keeps it so";

} // namespace

void with_command_line(const std::function<void(const CLI::App&)>& use) {
  CLI::App app{about};
  command chosen;
  add_everything(app, chosen);
  use(app);
}

std::vector<std::pair<std::string, std::string>> all_commands() {
  std::vector<std::pair<std::string, std::string>> out;
  with_command_line([&](const CLI::App& app) {
    for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; }))
      out.emplace_back(sub->get_name(), sub->get_description());
  });
  std::sort(out.begin(), out.end());
  return out;
}

int run_words(const std::vector<std::string>& words) {
  CLI::App app{about};
  command chosen;
  add_everything(app, chosen);
  auto name = [&] {
    auto subs = app.get_subcommands();
    return subs.empty() ? std::string{"muster"} : "muster " + subs.front()->get_name();
  };
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend())); // the library takes them from the end
    if (!chosen) {
      std::cerr << "muster: which command? See muster --help\n";
      return usage;
    }
  } catch (const CLI::Success& asked) { // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << name() << ": " << wrong.what() << "; see " << name() << " --help\n";
    return usage;
  }
  try {
    return chosen();
  } catch (const command_error& why) {
    std::cerr << name() << ": " << why.what() << '\n';
    return why.exit;
  } catch (const std::exception& why) {
    std::cerr << name() << ": " << why.what() << '\n';
    return failed;
  }
}

} // namespace muster::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN); // A reader that went away is a failed write, not the end of the process.
  const int code = muster::cli::run_words({argv + 1, argv + argc});
  std::cout.flush();
  return std::cout ? code : code == 0 ? muster::cli::failed : code;
}
