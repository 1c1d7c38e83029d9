// What a long-running process needs around its actors: signals, an orderly end, one line when ready.
#pragma once

#include "messages/result.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/actor_system.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace muster::cli {

/// Makes SIGINT and SIGTERM something to wait for, in every thread started later. First thing in a process.
void hold_signals();

/// Why a process ends.
struct end_of_process {
  std::string fatal; ///< Empty: it was asked to.
};

/// Waits this long for SIGINT or SIGTERM; true when one came.
bool asked_to_end_within(std::chrono::milliseconds patience);

/// Where any thread can say that the process must end.
class end_notice {
public:
  end_notice();

  /// The first call counts; safe from any thread.
  void fatal(std::string text) const;

  /// Blocks until SIGINT, SIGTERM, `fatal`, or `at_most` has passed (0: without end). Afterwards a second signal ends the
  /// process at once.
  end_of_process wait(std::chrono::milliseconds at_most = {}) const;

  /// Says that what `wait_for_go` waits for is there; safe from any thread.
  void go() const;

  /// After `wait`: blocks until `go`, `fatal`, or the time is over; false: it is over.
  bool wait_for_go(std::chrono::milliseconds patience) const;

private:
  struct shared_state;
  std::shared_ptr<shared_state> state_;
};

/// Waits until all these actors have ended; false when some had not in time.
bool await_actors(caf::actor_system& system, const std::vector<caf::strong_actor_ptr>& actors,
                  std::chrono::milliseconds patience);

/// From now on the process ends after this time, whatever hangs: everything that was answered is on disk by then.
void end_in_time(std::chrono::seconds patience);

/// Makes a folder if need be. io_failed.
result<unit> make_folder(const std::string& path, const std::string& what);

/// Finds out whether an address can be listened on before anything is started that would have to be undone: the address
/// with "localhost" and port 0 resolved. Loopback only. address_unusable.
result<std::string> usable_listen_address(const std::string& address);

/// Of this start of a node; never used twice by a name: the wall clock, in nanoseconds.
std::uint64_t new_incarnation();

/// Prints a line to stdout at once: who waits for it may go on.
void say_ready(const std::string& line);

} // namespace muster::cli
