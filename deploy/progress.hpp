// What commands that write segment files show while they do, and how they are interrupted between two of them.
#pragma once

#include <atomic>
#include <csignal>
#include <cstddef>
#include <iostream>
#include <unistd.h>

namespace muster::cli {

/// Set by SIGINT and SIGTERM once `interruptible` was called.
inline std::atomic<bool> interrupted{false};

/// Thrown between two segments, so that what is built can be taken away.
struct interruption {};

inline void interruptible() {
  std::signal(SIGINT, [](int) { interrupted = true; });
  std::signal(SIGTERM, [](int) { interrupted = true; });
}

/// A line that renews itself on a terminal, a line a quarter of the way elsewhere.
class progress_line {
public:
  explicit progress_line(bool quiet, const char* doing = "building segments")
    : quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0), doing_(doing) {
    // nop
  }

  void operator()(std::size_t done_segments, std::size_t total) {
    if (interrupted)
      throw interruption{};
    const auto quarter = done_segments * 4 / total;
    if (quiet_ || (!terminal_ && quarter == last_quarter_))
      return;
    last_quarter_ = quarter;
    std::cerr << (terminal_ ? "\r" : "") << doing_ << ": " << done_segments << " of " << total
              << (!terminal_ || done_segments == total ? "\n" : "") << std::flush;
  }

private:
  bool quiet_;
  bool terminal_;
  const char* doing_;
  std::size_t last_quarter_ = 0;
};

} // namespace muster::cli
