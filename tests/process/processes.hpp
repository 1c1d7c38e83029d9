// Real muster processes for tests: started in folders of their own, watched, ended with the test whatever happens.
#pragma once

#include "tests/unit/temp_folder.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace muster::test {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// How a command ended.
struct outcome {
  int code = -1; ///< Its exit code; 128 + the signal that ended it; -1: it did not end in time and was killed.
  std::string out;
  std::string err;
};

/// A process with its output kept in memory. Killed when destroyed, and by the kernel when the test ends.
class process {
public:
  /// `program` by path.
  process(const std::string& program, const std::vector<std::string>& arguments,
          const std::map<std::string, std::string>& environment = {});
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  void signal(int number) const;
  bool running();
  /// Waits for its end; false when it still runs.
  bool await_end(milliseconds patience);
  /// SIGKILL, and waits.
  void kill();
  /// As outcome::code; only after its end.
  int code() const {
    return code_;
  }
  int pid() const {
    return pid_;
  }
  std::string out() const;
  std::string err() const;
  /// Waits until stdout holds the text; false when it does not come or the process ends first.
  bool await_output(const std::string& text, milliseconds patience);

private:
  void reap(int status);

  int pid_ = -1;
  int pid_fd_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  int code_ = -1;
  bool ended_ = false;
};

/// Looks every few milliseconds until the condition holds; false when it never did.
bool eventually(milliseconds patience, const std::function<bool()>& condition);

/// Runs `muster` with these arguments to its end.
outcome run_muster(const std::vector<std::string>& arguments, milliseconds patience = seconds{60});

/// What a prober wrote.
struct probe_report {
  std::int64_t sent = 0;
  std::int64_t failed = 0;
  std::int64_t retried = 0;
  double worst_ms = 0;
  std::string text;
};

/// One coordinator and its nodes on loopback, over one temporary folder.
class cluster {
public:
  /// A folder, but no process yet.
  cluster() = default;
  /// Also a coordinator and that many nodes, node-1 and so on, all connected.
  explicit cluster(int nodes);

  /// Starts the coordinator, at the same port as before if there was one. Fails the test when it does not listen.
  void start_coordinator(const std::vector<std::string>& more = {},
                         const std::map<std::string, std::string>& environment = {});
  /// One that waits for the place of the coordinator; it has to say so. `take_over` waits for it to have it.
  void start_standby();
  void take_over(milliseconds patience);
  process& standby() {
    return *standby_;
  }
  void start_node(const std::string& name, const std::vector<std::string>& more = {});
  process& coordinator() {
    return *coordinator_;
  }
  process& node(const std::string& name) {
    return *nodes_.at(name);
  }
  const std::string& address() const {
    return address_;
  }
  /// Where HTTP is answered; empty: nowhere.
  const std::string& http() const {
    return http_;
  }
  const std::string& path() const {
    return folder_.path();
  }
  std::string store() const {
    return path() + "/store";
  }

  /// `muster` with --coordinator (and for an import --store) added.
  outcome muster(std::vector<std::string> arguments, milliseconds patience = seconds{60});
  /// The same; a failure fails the test.
  std::string must(const std::vector<std::string>& arguments, milliseconds patience = seconds{60});
  /// Waits until what is loaded is whole, without that node if one is named.
  bool whole(const std::string& without = {}, seconds patience = seconds{20});

  /// Rows of 8 dimensions, the same for the same seed; returns the path.
  std::string vectors(std::size_t rows, unsigned seed = 1, std::size_t dimension = 8);
  /// Imports `rows` small rows as a collection of 2 shards with 50 rows a segment.
  void import_small(const std::string& name, std::size_t rows = 400);

  std::unique_ptr<process> start_probe(const std::string& collection);
  /// Ends a prober and reads what it found.
  probe_report end_probe(process& prober);

private:
  temp_folder folder_;
  std::string address_ = "127.0.0.1:0";
  std::string http_;
  std::map<std::string, std::unique_ptr<process>> nodes_;
  std::unique_ptr<process> standby_;
  std::unique_ptr<process> coordinator_; // Ends first.
  int probes_ = 0;
};

/// All ids in a search's JSON, in order.
std::vector<std::int64_t> ids_in(const std::string& json);

} // namespace muster::test
