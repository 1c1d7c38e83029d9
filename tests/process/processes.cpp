// Starting, watching and ending of processes with fork, pidfd and poll.
#include "tests/process/processes.hpp"

#include "persistence/npy.hpp"
#include "tests/support/paths.hpp"

#include <cctype>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <random>
#include <sstream>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace muster::test {

namespace {

using clock = std::chrono::steady_clock;

std::string content_of(int fd) {
  std::string out;
  char buffer[8192];
  for (off_t at = 0;;) {
    const auto n = pread(fd, buffer, sizeof buffer, at);
    if (n <= 0)
      return out;
    out.append(buffer, static_cast<std::size_t>(n));
    at += n;
  }
}

int left_ms(clock::time_point until) {
  const auto left = std::chrono::duration_cast<milliseconds>(until - clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(left);
}

} // namespace

// -- process ------------------------------------------------------------------

process::process(const std::string& program, const std::vector<std::string>& arguments,
                 const std::map<std::string, std::string>& environment) {
  out_fd_ = memfd_create("stdout", MFD_CLOEXEC);
  err_fd_ = memfd_create("stderr", MFD_CLOEXEC);
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (auto& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const auto parent = getpid();
  pid_ = fork();
  if (pid_ < 0)
    throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
      _exit(127);
    dup2(out_fd_, STDOUT_FILENO);
    dup2(err_fd_, STDERR_FILENO);
    unsetenv("MUSTER_COORDINATOR");
    unsetenv("MUSTER_STORE");
    for (auto& [name, value] : environment)
      setenv(name.c_str(), value.c_str(), 1);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
}

process::~process() {
  kill();
  for (auto fd : {pid_fd_, out_fd_, err_fd_})
    close(fd);
}

void process::signal(int number) const {
  if (!ended_)
    ::kill(pid_, number);
}

bool process::running() {
  return !await_end(milliseconds{0});
}

bool process::await_end(milliseconds patience) {
  if (ended_)
    return true;
  pollfd ends{pid_fd_, POLLIN, 0};
  const auto until = clock::now() + patience;
  while (poll(&ends, 1, left_ms(until)) <= 0)
    if (clock::now() >= until)
      return false;
  int status = 0;
  waitpid(pid_, &status, 0);
  reap(status);
  return true;
}

void process::reap(int status) {
  ended_ = true;
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void process::kill() {
  if (ended_)
    return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  reap(status);
}

std::string process::out() const {
  return content_of(out_fd_);
}

std::string process::err() const {
  return content_of(err_fd_);
}

bool process::await_output(const std::string& text, milliseconds patience) {
  return eventually(patience, [&] { return out().find(text) != std::string::npos || !running(); })
         && out().find(text) != std::string::npos;
}

bool eventually(milliseconds patience, const std::function<bool()>& condition) {
  const auto until = clock::now() + patience;
  while (!condition()) {
    if (clock::now() >= until)
      return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

outcome run_muster(const std::vector<std::string>& arguments, milliseconds patience) {
  process p{MUSTER_BINARY, arguments};
  outcome o;
  if (p.await_end(patience))
    o.code = p.code();
  o.out = p.out();
  o.err = p.err();
  return o;
}

// -- cluster ------------------------------------------------------------------

cluster::cluster(int nodes) {
  start_coordinator();
  for (int i = 1; i <= nodes; ++i)
    start_node("node-" + std::to_string(i));
  must({"wait", "--nodes", std::to_string(nodes), "--timeout-s", "20"});
}

void cluster::start_coordinator(const std::vector<std::string>& more,
                                const std::map<std::string, std::string>& environment) {
  std::filesystem::create_directories(store());
  std::vector<std::string> arguments{"coordinator", "--data", path() + "/coordinator", "--listen", address_,
                                     "--store",     store(), "--http", "127.0.0.1:0"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  coordinator_.reset(); // Its port and its lock are free before the next one wants them.
  coordinator_ = std::make_unique<process>(MUSTER_BINARY, arguments, environment);
  ASSERT_TRUE(coordinator_->await_output(", epoch ", seconds{20})) << coordinator_->err();
  const auto line = coordinator_->out();
  const auto from = line.find("listening on ") + 13;
  address_ = line.substr(from, line.find(',', from) - from);
  const auto http = line.find(", http ");
  http_ = http == std::string::npos ? std::string{} : line.substr(http + 7, line.find(',', http + 7) - http - 7);
}

void cluster::start_standby() {
  standby_ = std::make_unique<process>(
      MUSTER_BINARY, std::vector<std::string>{"coordinator", "--standby", "--data", path() + "/coordinator", "--listen", address_,
                                              "--store", store(), "--http", "127.0.0.1:0"});
  ASSERT_TRUE(standby_->await_output("standing by", seconds{20})) << standby_->err();
}

void cluster::take_over(milliseconds patience) {
  ASSERT_TRUE(standby_->await_output(", epoch ", patience)) << standby_->err();
  coordinator_ = std::move(standby_);
}

void cluster::start_node(const std::string& name, const std::vector<std::string>& more) {
  nodes_.erase(name);
  std::vector<std::string> arguments{"node",        "--name", name,    "--join", address_, "--listen",
                                     "127.0.0.1:0", "--data", path() + "/" + name, "--store", store()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  auto node = std::make_unique<process>(MUSTER_BINARY, arguments);
  ASSERT_TRUE(node->await_output("listening on ", seconds{20})) << node->err();
  nodes_[name] = std::move(node);
}

outcome cluster::muster(std::vector<std::string> arguments, milliseconds patience) {
  arguments.insert(arguments.end(), {"--coordinator", address_});
  if (arguments[0] == "import")
    arguments.insert(arguments.end(), {"--store", store()});
  return run_muster(arguments, patience);
}

std::string cluster::must(const std::vector<std::string>& arguments, milliseconds patience) {
  auto o = muster(arguments, patience);
  EXPECT_EQ(o.code, 0) << "muster " << arguments[0] << ": " << o.err;
  return o.out;
}

bool cluster::whole(const std::string& without, seconds patience) {
  std::vector<std::string> arguments{"wait", "--timeout-s", std::to_string(patience.count())};
  if (!without.empty())
    arguments.insert(arguments.end(), {"--without", without});
  const auto o = muster(arguments, patience + seconds{10});
  EXPECT_EQ(o.code, 0) << o.err;
  return o.code == 0;
}

std::string cluster::vectors(std::size_t rows, unsigned seed, std::size_t dimension) {
  std::mt19937 random{seed};
  std::vector<float> values(rows * dimension);
  for (auto& value : values)
    value = static_cast<float>(random() % 20'001) / 10'000 - 1;
  const auto file = path() + "/vectors-" + std::to_string(rows) + "-" + std::to_string(seed) + "-"
                    + std::to_string(dimension) + ".npy";
  EXPECT_TRUE(write_npy(file, dimension, values));
  return file;
}

void cluster::import_small(const std::string& name, std::size_t rows) {
  must({"import", name, "--vectors", vectors(rows), "--metric", "l2", "--shards", "2", "--segment-rows", "50"});
}

std::unique_ptr<process> cluster::start_probe(const std::string& collection) {
  const auto report = path() + "/probe-" + std::to_string(++probes_);
  auto p = std::make_unique<process>(
      MUSTER_BINARY, std::vector<std::string>{"probe", collection, "--vector-file", vectors(50, 7), "--seconds", "100",
                                              "--report", report, "--coordinator", address_});
  EXPECT_TRUE(p->await_output("searching", seconds{20})) << p->err();
  return p;
}

probe_report cluster::end_probe(process& prober) {
  prober.signal(SIGTERM);
  EXPECT_TRUE(prober.await_end(seconds{10})) << prober.err();
  probe_report report;
  std::ifstream file{path() + "/probe-" + std::to_string(probes_)};
  for (std::string line; std::getline(file, line);) {
    report.text += line + '\n';
    std::istringstream words{line};
    std::string key;
    words >> key;
    if (key == "sent")
      words >> report.sent;
    else if (key == "failed")
      words >> report.failed;
    else if (key == "retried")
      words >> report.retried;
    else if (key == "worst_ms")
      words >> report.worst_ms;
  }
  return report;
}

std::vector<std::int64_t> ids_in(const std::string& json) {
  std::vector<std::int64_t> out;
  const std::string key = "\"id\":";
  for (auto at = json.find(key); at != std::string::npos; at = json.find(key, at + 1))
    out.push_back(std::strtoll(json.c_str() + at + key.size(), nullptr, 10));
  return out;
}

} // namespace muster::test
