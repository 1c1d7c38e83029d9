// Sums over probes, and what is in /proc/self.
#include "actors/runtime/process_figures.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace muster {

void write_actor_figures(const std::vector<probe_report>& reports, prometheus_text& out) {
  struct sums {
    double actors = 0, queued = 0, oldest_s = 0, handled = 0, p99_s = 0, max_s = 0, restarts = 0, defects = 0;
  };
  std::map<std::string, sums> kinds;
  for (const auto& r : reports) {
    auto& k = kinds[r.kind];
    k.actors += r.state == "running" ? 1 : 0;
    k.queued += static_cast<double>(r.queued);
    k.oldest_s = std::max(k.oldest_s, static_cast<double>(r.oldest_ms) / 1e3);
    k.handled += static_cast<double>(r.handled);
    k.p99_s = std::max(k.p99_s, static_cast<double>(r.handler_p99_us) / 1e6);
    k.max_s = std::max(k.max_s, static_cast<double>(r.handler_max_us) / 1e6);
    k.restarts += r.restarts;
    for (const auto& [name, count] : r.counters)
      if (name == "defects")
        k.defects += static_cast<double>(count);
  }
  const auto family = [&](double sums::*value) {
    for (const auto& [kind, k] : kinds)
      out.sample({{"kind", kind}}, k.*value);
  };
  out.gauge("muster_actors", "Actors of this process that run, by kind");
  family(&sums::actors);
  out.gauge("muster_actor_mailbox_messages", "Messages that wait in the mailboxes of a kind");
  family(&sums::queued);
  out.gauge("muster_actor_mailbox_oldest_seconds", "How long the oldest of them has waited");
  family(&sums::oldest_s);
  out.counter("muster_actor_messages_handled_total", "Messages that actors of a kind have handled");
  family(&sums::handled);
  out.gauge("muster_actor_handler_p99_seconds", "Time within which 99 of 100 messages were handled, by the slowest actor of a kind");
  family(&sums::p99_s);
  out.gauge("muster_actor_handler_max_seconds", "The longest that one message took");
  family(&sums::max_s);
  out.counter("muster_actor_restarts_total", "Restarts of actors of a kind");
  family(&sums::restarts);
  out.counter("muster_checker_defects_total", "What slow walks found that no change had told; anything but 0 is a bug of Muster");
  for (const auto& [kind, k] : kinds)
    if (kind.ends_with("_checker"))
      out.sample({{"kind", kind}}, k.defects);
}

void write_process_figures(prometheus_text& out) {
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0) {
    const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
    out.counter("muster_process_cpu_seconds_total", "Processor time of this process");
    out.sample(seconds(used.ru_utime) + seconds(used.ru_stime));
  }
  std::ifstream memory{"/proc/self/statm"};
  double pages = 0, resident = 0;
  if (memory >> pages >> resident) {
    out.gauge("muster_process_resident_memory_bytes", "Memory of this process");
    out.sample(resident * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  std::error_code wrong;
  const auto descriptors = std::distance(std::filesystem::directory_iterator{"/proc/self/fd", wrong}, std::filesystem::directory_iterator{});
  if (!wrong) {
    out.gauge("muster_process_open_descriptors", "Open files and sockets of this process");
    out.sample(static_cast<double>(descriptors));
  }
}

} // namespace muster
