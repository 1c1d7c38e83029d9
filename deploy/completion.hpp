// What the word at the cursor of the console can become: commands, and names of what the coordinator has.
#pragma once

#include "deploy/commands.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace muster::cli {

/// Words of a line, in quotes where they have blanks.
std::vector<std::string> split_words(const std::string& line);

/// What can stand in a place of a command without asking a coordinator: "tail" behind `journal`, a level, a kind of subject. Else nothing.
std::vector<std::string> fixed_words(const std::string& command, noun what);

/// Asks the coordinator for names, and remembers them for a moment.
class completion {
public:
  explicit completion(session& s) : session_(s) {
    // nop
  }

  /// All words that can stand in place of the last one of `line` (which may be empty) and begin as it does. Never fails: without a
  /// coordinator there are fewer.
  std::vector<std::string> of(const std::string& line);

private:
  using names = std::vector<std::string>;

  const names& known(noun what);
  names asked(noun what);
  noun noun_of(const std::vector<std::string>& words) const;

  session& session_;
  std::map<noun, std::pair<std::chrono::steady_clock::time_point, names>> kept_;
};

} // namespace muster::cli
