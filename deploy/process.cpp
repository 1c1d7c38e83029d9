// Signals by sigwait, one wake-up of our own beside them.
#include "deploy/process.hpp"

#include "net/address.hpp"

#include <arpa/inet.h>
#include <caf/actor_cast.hpp>
#include <caf/after.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/system_messages.hpp>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <netinet/in.h>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace muster::cli {

namespace {

// Wakes `wait` from inside; held like the others.
constexpr int wake_signal = SIGUSR1;

sigset_t held_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (auto each : {SIGINT, SIGTERM, wake_signal})
    sigaddset(&set, each);
  return set;
}

} // namespace

struct end_notice::shared_state {
  std::mutex mutex;
  std::string fatal;
  bool go = false;
  std::condition_variable changed;
};

void hold_signals() {
  const auto set = held_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

bool asked_to_end_within(std::chrono::milliseconds patience) {
  sigset_t asked;
  sigemptyset(&asked);
  sigaddset(&asked, SIGINT);
  sigaddset(&asked, SIGTERM);
  timespec time{};
  time.tv_sec = patience.count() / 1'000;
  time.tv_nsec = patience.count() % 1'000 * 1'000'000;
  return sigtimedwait(&asked, nullptr, &time) > 0;
}

end_notice::end_notice() : state_(std::make_shared<shared_state>()) {
  // nop
}

void end_notice::fatal(std::string text) const {
  {
    std::lock_guard guard{state_->mutex};
    if (!state_->fatal.empty())
      return;
    state_->fatal = text.empty() ? "no reason given" : std::move(text);
  }
  state_->changed.notify_all();
  kill(getpid(), wake_signal);
}

void end_notice::go() const {
  {
    std::lock_guard guard{state_->mutex};
    state_->go = true;
  }
  state_->changed.notify_all();
}

bool end_notice::wait_for_go(std::chrono::milliseconds patience) const {
  std::unique_lock guard{state_->mutex};
  return state_->changed.wait_for(guard, patience, [&] { return state_->go || !state_->fatal.empty(); });
}

end_of_process end_notice::wait(std::chrono::milliseconds at_most) const {
  const auto set = held_signals();
  const auto until = std::chrono::steady_clock::now() + at_most;
  for (;;) {
    int got = 0;
    if (at_most.count() > 0) {
      const auto left = std::max(until - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration::zero());
      const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
      const timespec patience{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
      got = sigtimedwait(&set, nullptr, &patience);
      if (got < 0 && errno == EAGAIN)
        return {};
      if (got < 0)
        continue;
    } else if (sigwait(&set, &got) != 0) {
      continue;
    }
    std::lock_guard guard{state_->mutex};
    if (got == wake_signal && state_->fatal.empty())
      continue; // Somebody else's.
    // A shell gives its background processes SIGINT ignored; the second one shall count there too.
    std::signal(SIGINT, SIG_DFL);
    sigset_t asked;
    sigemptyset(&asked);
    sigaddset(&asked, SIGINT);
    sigaddset(&asked, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &asked, nullptr);
    return {state_->fatal};
  }
}

bool await_actors(caf::actor_system& system, const std::vector<caf::strong_actor_ptr>& actors,
                  std::chrono::milliseconds patience) {
  caf::scoped_actor self{system};
  std::size_t waiting = 0;
  for (auto& each : actors)
    if (each) {
      self->monitor(caf::actor_cast<caf::actor>(each));
      ++waiting;
    }
  const auto until = std::chrono::steady_clock::now() + patience;
  while (waiting > 0) {
    const auto left = std::max(until - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration::zero());
    bool late = false;
    self->receive([&](const caf::down_msg&) { --waiting; },
                  caf::after(std::chrono::duration_cast<std::chrono::milliseconds>(left)) >> [&] { late = true; });
    if (late)
      return false;
  }
  return true;
}

void end_in_time(std::chrono::seconds patience) {
  std::signal(SIGALRM, [](int) {
    constexpr std::string_view text =
        "muster: the orderly end took too long; ending at once, nothing answered is lost\n";
    static_cast<void>(!write(STDERR_FILENO, text.data(), text.size()));
    _exit(1);
  });
  alarm(static_cast<unsigned>(patience.count()));
}

result<unit> make_folder(const std::string& path, const std::string& what) {
  std::error_code wrong;
  std::filesystem::create_directories(path, wrong);
  if (wrong || !std::filesystem::is_directory(path))
    return failure{ec::io_failed, "the " + what + " " + path
                                      + " cannot be made: " + (wrong ? wrong.message() : "there is a file of that name")
                                      + "; name a folder that this user may write"};
  return unit{};
}

result<std::string> usable_listen_address(const std::string& address) {
  auto checked = net::loopback_address(address);
  if (!checked)
    return checked.error();
  sockaddr_storage where{};
  socklen_t size = 0;
  if (checked->host.front() == '[') {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(where);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(checked->port);
    inet_pton(AF_INET6, checked->host.substr(1, checked->host.size() - 2).c_str(), &v6.sin6_addr);
    size = sizeof v6;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(where);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(checked->port);
    inet_pton(AF_INET, checked->host.c_str(), &v4.sin_addr);
    size = sizeof v4;
  }
  const auto socket_fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const auto at = reinterpret_cast<sockaddr*>(&where);
  if (socket_fd < 0 || bind(socket_fd, at, size) != 0 || listen(socket_fd, 1) != 0
      || getsockname(socket_fd, at, &size) != 0) {
    const auto why = errno;
    close(socket_fd);
    return failure{ec::address_unusable,
                   "cannot listen on " + address + ": " + std::generic_category().message(why)
                       + (why == EADDRINUSE ? "; end the process that listens there (ss -ltnp), or choose another port"
                                            : "; choose another port")};
  }
  close(socket_fd);
  checked->port = ntohs(where.ss_family == AF_INET ? reinterpret_cast<sockaddr_in&>(where).sin_port
                                                   : reinterpret_cast<sockaddr_in6&>(where).sin6_port);
  return net::to_string(*checked);
}

std::uint64_t new_incarnation() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count());
}

void say_ready(const std::string& line) {
  std::cout << line << std::endl;
}

} // namespace muster::cli
