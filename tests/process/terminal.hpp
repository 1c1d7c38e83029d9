// A real terminal of 80 columns and 24 lines for tests: a program runs in tmux, keys are sent, the screen is read.
#pragma once

#include "tests/process/processes.hpp"

#include <string>
#include <vector>

namespace muster::test {

class terminal {
public:
  /// `command` as a shell would run it; `folder` is its HOME.
  terminal(const std::string& folder, const std::string& command);
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  /// Keys by their names in tmux ("Tab", "Up", "C-c", "Enter").
  void key(const std::string& name);
  /// Letters as they are, and Enter.
  void type(const std::string& text);
  void line(const std::string& text) {
    type(text);
    key("Enter");
  }

  /// What is on the screen now.
  std::string screen();
  /// Waits until the text is on the screen; fails the test with what is there instead.
  bool shows(const std::string& text, milliseconds patience = seconds{10});
  /// Waits until it is not there any more.
  bool hides(const std::string& text, milliseconds patience = seconds{10});
  /// Waits until the program has ended; false when it still runs.
  bool ended(milliseconds patience = seconds{10});

private:
  outcome tmux(std::vector<std::string> arguments);

  std::string socket_;
};

} // namespace muster::test
