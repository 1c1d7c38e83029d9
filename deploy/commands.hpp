// The one table of commands that look inside a running coordinator, for `muster COMMAND` and for `muster console` alike.
#pragma once

#include "actors/core/names.hpp"
#include "deploy/output.hpp"
#include "deploy/session.hpp"

#include <capnp/dynamic.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace muster::cli {

/// Where a command runs.
struct command_context {
  session& coordinator;
  std::string address;
  bool json = false;
  bool terminal = false;   ///< Somebody looks at stdout.
  std::size_t width = 0;   ///< Of the terminal; 0: lines are not cut.
  bool verbose = false;
  std::uint64_t trace = 0; ///< Of requests that change something; 0: a new one for each.
};

/// The words behind a command. What is not understood ends the command: usage.
class arguments {
public:
  explicit arguments(std::vector<std::string> words) : words_(std::move(words)) {
    // nop
  }

  /// True when it is there; it is taken.
  bool flag(const std::string& name);
  /// The value of `--name VALUE` or `--name=VALUE`, taken; the last one counts.
  std::optional<std::string> value(const std::string& name);
  std::vector<std::string> values(const std::string& name);
  /// A whole number in bounds.
  std::int64_t number(const std::string& name, std::int64_t otherwise, std::int64_t lowest, std::int64_t highest);
  double seconds(const std::string& name, double otherwise);
  /// The next word; without one the command ends: `what` is missing.
  std::string word(const std::string& what);
  std::string word_or(const std::string& otherwise);
  bool empty() const {
    return words_.empty();
  }
  /// What is left is too much.
  void end() const;

private:
  std::vector<std::string> words_;
};

/// What a word of a command names, for completion.
enum class noun { none, command, actor, restartable, collection, node, segment, channel, replica, task, subject, checker, setting, level, file, kind_of_switch, any_of_subject };

struct inside_command {
  const char* name;
  const char* usage;
  const char* help;    ///< What it does, for somebody who looks for it in a list.
  const char* example; ///< The words behind `muster`.
  std::vector<noun> words;
  int (*run)(command_context&, arguments&);
};

/// By name.
const std::vector<inside_command>& inside_commands();
const inside_command* find_inside_command(const std::string& name);

/// Kinds of things that have a timeline and an explanation.
const std::vector<std::string>& subjects();

// -- what several of them need ----------------------------------------------------

/// Names of nodes and collections, as far as they are known.
struct known_names {
  std::map<std::int64_t, std::string> nodes;
  std::map<std::int64_t, std::string> collections;

  std::string node(std::int64_t id) const;
  std::string collection(std::int64_t id) const;
};
known_names names_of(session& s);

/// A node by name or id; node_not_found ends the command.
std::int64_t node_id(session& s, const std::string& name);

/// A reply as JSON in one line.
std::string reply_json(capnp::DynamicStruct::Reader reply);

/// `value` behind `name`, broken at blanks so that it fits into 80 columns; nothing when it is empty.
std::string paragraph(const std::string& name, const std::string& value);

/// Prints lines, cut to the terminal.
void print(const command_context& c, const std::string& text);

/// Ctrl-C ends a command that goes on until then, not the process; true when it was pressed since `hold_interrupts`.
void hold_interrupts();
void release_interrupts();
bool was_interrupted();

/// "3.2 s", "140 ms", "2 min".
std::string duration_text(std::int64_t ms);
/// "10:15:02.123", of nanoseconds since 1970, UTC.
std::string time_text(std::int64_t ns);

// One function a group of commands; each puts them into the table.
void add_actor_commands(std::vector<inside_command>& to);
void add_cluster_commands(std::vector<inside_command>& to);
void add_event_commands(std::vector<inside_command>& to);
void add_overview_commands(std::vector<inside_command>& to);
void add_tap_commands(std::vector<inside_command>& to);
void add_control_commands(std::vector<inside_command>& to);
void add_top_command(std::vector<inside_command>& to);

} // namespace muster::cli
