// The command line as data: what completion and man pages are written from, so that neither repeats a list of options by hand.
#pragma once

#include <string>
#include <vector>

namespace muster::cli {

/// An option, or a word that stands in a place of its own.
struct described_option {
  std::vector<std::string> names;   ///< "-h", "--help"; of a place: its name.
  std::string value;                ///< What stands behind it ("FILE", "HOST:PORT"); empty: nothing.
  std::vector<std::string> choices; ///< All values that it can have; empty: any.
  std::string fallback;             ///< The value without it; empty: none, or none to tell.
  std::string variable;             ///< Of the environment, which counts without it.
  std::string meaning;
  bool required = false;
  bool many = false;                ///< May be given several times.
};

struct described_command {
  std::string name; ///< "load", "index create"; of the program itself empty.
  std::string meaning;
  std::string notes; ///< Behind the options in its help.
  std::string usage;   ///< Where the table of commands that look inside has it: "tasks [COLLECTION] [--limit N]".
  std::string example; ///< As above.
  std::vector<described_option> options;
  std::vector<described_option> places; ///< In order.
  std::vector<described_command> commands;
};

/// All of `muster`, with the defaults that count without any environment. Removes MUSTER_COORDINATOR and MUSTER_STORE from that of
/// this process.
described_command describe_command_line();

// -- what is written from it ------------------------------------------------------

/// A script for bash, in whose own words only: it needs no package of completions.
std::string bash_completion(const described_command& program);
std::string zsh_completion(const described_command& program);

/// A page of section 1 in roff. `name`: empty for that of the program, else one of its commands. Empty: there is no such command.
std::string man_page(const described_command& program, const std::string& name);

/// The page's name: "muster", "muster-load".
std::string man_page_name(const std::string& command);

/// Every setting as a comment of a configuration file, with what it means.
std::string commented_configuration();

} // namespace muster::cli
