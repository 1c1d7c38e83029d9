// Measures the loop at scale with simulated nodes in one process: what one change costs, deltas a second, loads, memory.
#include "net/bridge.hpp"
#include "persistence/journal.hpp"
#include "tests/bench/figure.hpp"
#include "tests/bench/heap.hpp"
#include "tests/bench/scale_rig.hpp"
#include "tests/support/paths.hpp"

#include <csignal>
#ifdef MUSTER_JEMALLOC
#include <jemalloc/jemalloc.h>
#else
#include <malloc.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace muster {
namespace {

using namespace bench;

// -- reconciling one change -------------------------------------------------------------

struct holder {
  std::int64_t collection = 0;
  std::int64_t segment = 0;
  std::int64_t node = 0;
  std::int64_t version = 0;
};

std::vector<holder> some_copies(rig& r, std::size_t count) {
  std::vector<holder> result;
  std::lock_guard guard{r.seen->mutex};
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = r.ids[(i * 7919) % r.ids.size()];
    r.seen->view.collection(id)->each_copy([&, first = true](const copy_row& c) mutable {
      if (std::exchange(first, false))
        result.push_back({id, c.segment, c.node, c.version});
    });
  }
  return result;
}

m<schema::NodeReport> forgotten(const holder& h) {
  return build<schema::NodeReport>([&](schema::NodeReport::Builder b) {
    b.setNode(h.node);
    b.setIncarnation(1);
    auto key = b.initReport().initRemovedCopies(1)[0];
    key.setSegment(h.segment);
    key.setCollection(h.collection);
  });
}

/// Microseconds of processor time from "a node forgot a segment" to "it is loaded again and nothing is under way", for the
/// whole process: the smallest of several rounds.
double reconcile_us(rig& r) {
  constexpr std::size_t changes = 100;
  auto copies = some_copies(r, changes);
  double best = 1e18;
  for (int round = 0; round < 7; ++round) {
    const auto begin = cpu_us();
    for (auto& h : copies) {
      post(r.cluster->system(), r.cluster->coordinator().distribution, forgotten(h));
      // What is loaded anew has the version of the task that loaded it.
      r.seen->await([&](const situation& s) {
        const auto* c = s.collection(h.collection);
        const auto now = c->copies_of(h.segment);
        if (now.size() != 1 || now[0].version == h.version || !c->tasks.empty())
          return false;
        h.node = now[0].node;
        h.version = now[0].version;
        return true;
      });
    }
    best = std::min(best, (cpu_us() - begin) / static_cast<double>(copies.size()));
  }
  return best;
}

double reconcile_with(std::size_t nodes, std::size_t collections, std::size_t segments) {
  rig r{nodes};
  r.import(0, collections, segments);
  r.load(0, collections);
  return reconcile_us(r);
}

void reconcile_collections() {
  const auto few = reconcile_with(20, 100, 10);
  const auto many = reconcile_with(20, 10'000, 10);
  figure("reconcile_100_collections_us", few, "us");
  figure("reconcile_10000_collections_us", many, "us");
  figure("reconcile_ratio_collections", many / few, "times", at_most(2));
}

void reconcile_nodes() {
  const auto small = reconcile_with(10, 100, 20);
  const auto large = reconcile_with(1'000, 100, 20);
  figure("reconcile_10_nodes_us", small, "us");
  figure("reconcile_1000_nodes_us", large, "us");
  figure("reconcile_ratio_nodes", large / small, "times", at_most(2));
}

// -- deltas -------------------------------------------------------------------------------

std::size_t entries_of(const std::vector<m<schema::NodeReport>>& reports) {
  std::size_t n = 0;
  for (const auto& r : reports)
    n += r->getReport().getCopies().size();
  return n;
}

/// Milliseconds from each report to a subscriber's situation; every copy changes once, `entries` of them each millisecond.
std::vector<double> apply_times(rig& r, std::int64_t version, std::size_t entries, std::uint64_t& seq) {
  const auto paced = changed_copies(r, version, entries, seq);
  std::vector<double> times;
  auto due = clock::now();
  std::vector<clock::time_point> sent;
  std::size_t done = 0;
  const auto look = [&](const situation& s) {
    while (done < sent.size()) {
      auto report = paced[done].read();
      const auto* n = s.node(report.getNode());
      if (n == nullptr || n->report_seq < report.getReport().getSeq())
        return false;
      times.push_back(seconds_since(sent[done]) * 1'000);
      ++done;
    }
    return true;
  };
  for (const auto& report : paced) {
    sent.push_back(clock::now());
    post(r.cluster->system(), r.cluster->coordinator().distribution, report);
    due += std::chrono::milliseconds{1};
    std::unique_lock lock{r.seen->mutex};
    r.seen->changed.wait_until(lock, due, [&] {
      look(r.seen->view);
      return false;
    });
  }
  r.seen->await(look);
  return times;
}

void delta_figures() {
  rig r{100};
  r.import(0, 1'000, 100);
  r.load(0, 1'000);
  std::uint64_t seq = 1'000'000;
  std::int64_t version = std::int64_t{1} << 60;
  const auto distribution = r.cluster->coordinator().distribution;
  // As fast as they are taken: everything that all nodes hold changes, ten times.
  std::vector<std::vector<m<schema::NodeReport>>> rounds;
  for (int i = 0; i < 10; ++i)
    rounds.push_back(changed_copies(r, ++version, limits::report_entries, seq));
  std::size_t deltas = 0;
  const auto begin = clock::now();
  for (const auto& reports : rounds) {
    for (const auto& report : reports)
      post(r.cluster->system(), distribution, report);
    deltas += entries_of(reports);
    // All that the checkers have to do with it, too.
    r.quiet();
  }
  // The last looks of `quiet` find nothing; they are no part of the work.
  const auto seconds = seconds_since(begin) - 10 * 5 * 0.002;
  figure("deltas_per_s", static_cast<double>(deltas) / seconds, "1/s", at_least(500'000));
  // From a report of so many changes, one each millisecond, to its place in the situation of a subscriber.
  std::vector<double> calm;
  for (int i = 0; i < 5; ++i) {
    const auto more = apply_times(r, ++version, 100, seq);
    calm.insert(calm.end(), more.begin(), more.end());
  }
  figure("delta_apply_p50_ms", percentile(calm, 0.5), "ms");
  figure("delta_apply_p99_ms", percentile(calm, 0.99), "ms", at_most(10));
  const auto full = apply_times(r, ++version, 500, seq);
  figure("delta_apply_p99_ms_at_500000_per_s", percentile(full, 0.99), "ms");
}

// -- loads ----------------------------------------------------------------------------------

void load_100k() {
  rig r{100};
  r.ids.push_back(r.cluster->import("big", 99'990, 1'000));
  const auto begin = clock::now();
  const auto reply = r.cluster->load("big");
  const auto seconds = seconds_since(begin);
  if (reply->getLoadCollection().getStatus().getCode() != 0)
    throw std::runtime_error(std::string{view(reply->getLoadCollection().getStatus().getReason())});
  figure("load_100k_segments_s", seconds, "s", at_most(2));
}

std::vector<double> load_times(rig& r, std::size_t first, std::size_t count) {
  std::vector<double> times;
  r.import(first, count, 1);
  for (std::size_t i = first; i < first + count; ++i) {
    const auto begin = clock::now();
    const auto reply = r.cluster->load(name_of(i));
    times.push_back(seconds_since(begin) * 1'000);
    if (reply->getLoadCollection().getStatus().getCode() != 0)
      throw std::runtime_error(std::string{view(reply->getLoadCollection().getStatus().getReason())});
    r.cluster->release(name_of(i));
  }
  return times;
}

void latency_figures(const std::string& folder) {
  const auto open = [&](const std::string& name) -> std::shared_ptr<journal> {
    auto opened = open_sqlite_journal(folder + "/" + name);
    if (!opened)
      throw std::runtime_error(opened.error().text);
    return std::move(*opened);
  };
  double p50 = 0;
  for (const std::size_t loaded : {std::size_t{1}, std::size_t{10'000}}) {
    rig r{100, open("loads-" + std::to_string(loaded))};
    r.import(0, loaded, 1);
    r.load(0, loaded);
    const auto times = load_times(r, loaded, 300);
    const auto suffix = loaded == 1 ? "_1_loaded" : "_10000_loaded";
    figure(std::string{"load_p50_ms"} + suffix, percentile(times, 0.5), "ms", at_most(5));
    figure(std::string{"load_p99_ms"} + suffix, percentile(times, 0.99), "ms", at_most(20));
    if (loaded == 1)
      p50 = percentile(times, 0.5);
    else
      figure("load_p50_ratio", percentile(times, 0.5) / p50, "times", at_most(1.2));
  }
}

// -- memory -----------------------------------------------------------------------------------

/// A coordinator in this process, its fleet in another one, so that this heap is the coordinator's alone.
void memory_with(const std::string& folder, const std::string& name, std::size_t collections, std::size_t segments, target wanted) {
  system_config config;
  caf::actor_system system{config};
  bridge edge{system};
  coordinator_config to;
  auto disk = open_sqlite_journal(folder + "/" + name);
  auto catalogue = open_sqlite_catalogue(folder + "/" + name);
  if (!disk || !catalogue)
    throw std::runtime_error(disk ? catalogue.error().text : disk.error().text);
  to.journal = std::move(*disk);
  to.catalogue = std::move(*catalogue);
  to.on_fatal = [](const std::string& why) { std::fprintf(stderr, "scale_bench: %s\n", why.c_str()); };
  auto started = start_coordinator(system, to, edge.wire());
  if (!started)
    throw std::runtime_error(started.error().text);
  edge.own_links(started->node_links, {});
  auto address = edge.listen_coordinator("127.0.0.1:0", started->gateway, started->routes);
  if (!address)
    throw std::runtime_error(address.error().text);
  std::fflush(nullptr);
  const auto fleet = fork();
  if (fleet == 0) {
    execl(MUSTER_BINARY, "muster", "fleet", "--nodes", "100", "--join", address->c_str(), "--stop-after", "600",
          static_cast<char*>(nullptr));
    _exit(127);
  }
  const auto run = [&](std::vector<std::string> arguments) {
    const auto child = fork();
    if (child == 0) {
      std::vector<char*> argv;
      arguments.insert(arguments.begin(), "muster");
      arguments.insert(arguments.end(), {"--coordinator", *address});
      for (auto& a : arguments)
        argv.push_back(a.data());
      argv.push_back(nullptr);
      execv(MUSTER_BINARY, argv.data());
      _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (status != 0)
      throw std::runtime_error("muster " + arguments[1] + " failed");
  };
  run({"wait", "--nodes", "100", "--timeout-s", "60"});
  run({"import", "--synthetic", std::to_string(collections) + "x" + std::to_string(segments)});
  const auto empty = heap_in_use();
  run({"load", "--all", "--timeout-s", "600"});
  std::this_thread::sleep_for(std::chrono::seconds{3});
  const auto full = heap_in_use();
  kill(fleet, SIGTERM);
  int status = 0;
  waitpid(fleet, &status, 0);
  figure(name, static_cast<double>(full - empty) / static_cast<double>(collections * segments), "B", wanted);
  started->stop();
}

} // namespace
} // namespace muster

int main(int argc, char** argv) {
  using namespace muster;
  const std::string_view part = argc > 1 ? argv[1] : "";
  const std::vector<std::string_view> parts{"reconcile_collections", "reconcile_nodes", "deltas", "load", "latency", "memory"};
  if (argc > 2 || (!part.empty() && std::find(parts.begin(), parts.end(), part) == parts.end())) {
    std::fprintf(stderr, "usage: scale_bench [reconcile_collections|reconcile_nodes|deltas|load|latency|memory]\n");
    return 2;
  }
  try {
    const auto wanted = [&](std::string_view p) { return part.empty() || part == p; };
    if (wanted("reconcile_collections"))
      reconcile_collections();
    if (wanted("reconcile_nodes"))
      reconcile_nodes();
    if (wanted("deltas"))
      delta_figures();
    if (wanted("load"))
      load_100k();
    auto folder = (std::filesystem::temp_directory_path() / "muster-scale-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr)
      throw std::runtime_error("cannot make a folder " + folder + "; check TMPDIR");
    if (wanted("latency"))
      latency_figures(folder);
    if (wanted("memory")) {
#ifndef MUSTER_JEMALLOC
      // One arena, so that what the heap holds can be told.
      mallopt(M_ARENA_MAX, 1);
#endif
      memory_with(folder, "bytes_per_segment", 1, 99'990, at_most(300));
      memory_with(folder, "bytes_per_segment_10000_collections", 10'000, 100, no_target);
    }
    std::filesystem::remove_all(folder);
  } catch (const std::exception& why) {
    std::fprintf(stderr, "scale_bench: %s\n", why.what());
    return 1;
  }
  return bench::exit_code();
}
