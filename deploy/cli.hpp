// What all subcommands share: exit codes, common options, and how a subcommand is added to the command line.
#pragma once

#include "messages/result.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

namespace muster::cli {

/// Exit codes that scripts may rely on; told by `muster --help`.
enum exit_code : int {
  done = 0,
  failed = 1, ///< The request was refused or failed, an input is bad, or a process could not start.
  usage = 2,  ///< The command line is wrong; nothing was done.
  unreachable =
      3,     ///< No coordinator answers at the address, or the connection was lost: what became of a change is unknown.
  fatal = 4, ///< A coordinator ended because it could not go on; start it again.
};

/// Ends the command: one line on stderr, then this exit code.
struct command_error : std::runtime_error {
  command_error(int code, const std::string& text) : std::runtime_error(text), exit(code) {
    // nop
  }

  explicit command_error(const failure& why);

  int exit;
};

/// The value, or the end of the command with the failure's line.
template <class T>
T value_or_end(result<T> x) {
  if (!x)
    throw command_error{x.error()};
  return std::move(x).value();
}

/// The command that the command line chose; returns the exit code.
using command = std::function<int()>;

/// Hands over the whole command line, with every command and option.
void with_command_line(const std::function<void(const CLI::App&)>& use);

/// Adds a subcommand with --help and --version.
CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description);

/// Adds --coordinator with its default and MUSTER_COORDINATOR.
void add_coordinator_option(CLI::App& sub, std::string& address);

/// Adds --store with its default and MUSTER_STORE.
void add_store_option(CLI::App& sub, std::string& store, const std::string& description);

/// Adds --json.
void add_json_option(CLI::App& sub, bool& json);

/// An option that takes one value of the list.
CLI::Validator one_of(std::vector<std::string> values);

/// A number from `lowest` to `highest`.
template <class T>
CLI::Validator between(T lowest, T highest) {
  return CLI::Range(lowest, highest).description("");
}

// One line a group of subcommands; each puts what was chosen into `chosen`.
void add_coordinator(CLI::App& app, command& chosen);
void add_node(CLI::App& app, command& chosen);
void add_fleet(CLI::App& app, command& chosen);
void add_import(CLI::App& app, command& chosen);
void add_collection_commands(CLI::App& app, command& chosen);
void add_group_commands(CLI::App& app, command& chosen);
void add_index_commands(CLI::App& app, command& chosen);
void add_method_commands(CLI::App& app, command& chosen);
void add_status_commands(CLI::App& app, command& chosen);
void add_search_commands(CLI::App& app, command& chosen);
void add_openapi(CLI::App& app, command& chosen);
void add_documents(CLI::App& app, command& chosen);
void add_probe(CLI::App& app, command& chosen);
void add_call(CLI::App& app, command& chosen);

} // namespace muster::cli
