// tmux as a terminal: a server of its own for each, so that nothing is shared with who runs the test.
#include "tests/process/terminal.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>

namespace muster::test {

namespace {

constexpr const char* program = "/usr/bin/tmux";

} // namespace

terminal::terminal(const std::string& folder, const std::string& command) {
  static std::atomic<int> count{0};
  socket_ = folder + "/tmux-" + std::to_string(getpid()) + "-" + std::to_string(++count);
  const auto begun = tmux({"-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", "env", "HOME=" + folder, "LC_ALL=C.UTF-8",
                           "sh", "-c", command});
  EXPECT_EQ(begun.code, 0) << "tmux is needed (Debian package tmux): " << begun.err;
}

terminal::~terminal() {
  tmux({"kill-server"});
}

outcome terminal::tmux(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"-S", socket_});
  process p{program, arguments, {{"TERM", "xterm"}, {"LC_ALL", "C.UTF-8"}, {"TMUX", ""}}};
  outcome o;
  if (!p.await_end(seconds{10}))
    return {-1, p.out(), "tmux hangs"};
  return {p.code(), p.out(), p.err()};
}

void terminal::key(const std::string& name) {
  tmux({"send-keys", name});
}

void terminal::type(const std::string& text) {
  tmux({"send-keys", "-l", text});
}

std::string terminal::screen() {
  return tmux({"capture-pane", "-p"}).out;
}

bool terminal::shows(const std::string& text, milliseconds patience) {
  std::string last;
  const bool there = eventually(patience, [&] {
    last = screen();
    return last.find(text) != std::string::npos;
  });
  EXPECT_TRUE(there) << "the screen should show \"" << text << "\", but it shows:\n" << last;
  return there;
}

bool terminal::hides(const std::string& text, milliseconds patience) {
  std::string last;
  const bool gone = eventually(patience, [&] {
    last = screen();
    return last.find(text) == std::string::npos;
  });
  EXPECT_TRUE(gone) << "the screen should not show \"" << text << "\" any more, but it shows:\n" << last;
  return gone;
}

bool terminal::ended(milliseconds patience) {
  return eventually(patience, [&] { return tmux({"has-session"}).code != 0; });
}

} // namespace muster::test
