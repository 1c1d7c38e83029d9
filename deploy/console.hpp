// `muster console`, and the commands of the table as commands of their own.
#pragma once

#include "deploy/cli.hpp"

#include <string>
#include <vector>

namespace muster::cli {

/// One command of `muster`, as its words stand behind the name; prints what went wrong and returns the exit code.
int run_words(const std::vector<std::string>& words);

/// Names and meanings of all commands that `muster` has.
std::vector<std::pair<std::string, std::string>> all_commands();

void add_inside_commands(CLI::App& app, command& chosen);
void add_console(CLI::App& app, command& chosen);

} // namespace muster::cli
