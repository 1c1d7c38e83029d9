// Measures the journal and the loop in one process and prints "figure NAME VALUE UNIT target VALUE met|missed" lines.
#include "persistence/journal.hpp"
#include "tests/support/local_cluster.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace muster {
namespace {

using clock = std::chrono::steady_clock;

double milliseconds_since(clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(clock::now() - begin).count();
}

bool all_met = true;

void figure(const char* name, double value, const char* unit, const char* target, bool met) {
  all_met = all_met && met;
  std::printf("figure %s %.2f %s target %s %s\n", name, value, unit, target, met ? "met" : "missed");
  std::fflush(stdout);
}

double percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * p)];
}

struct temporary_folder {
  std::string path;

  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "muster-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      std::fprintf(stderr, "muster_bench: cannot make a folder below %s\n", std::filesystem::temp_directory_path().c_str());
      std::exit(1);
    }
    path = name;
  }

  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

/// What the disk itself costs: one 4 KiB write made durable.
void bare_sync(const std::string& folder) {
  const int file = open((folder + "/bare").c_str(), O_CREAT | O_RDWR, 0600);
  if (file < 0)
    return;
  std::vector<char> page(4096, 'x');
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    const auto begin = clock::now();
    if (pwrite(file, page.data(), page.size(), i * 4096) < 0 || fdatasync(file) != 0)
      break;
    times.push_back(milliseconds_since(begin));
  }
  close(file);
  if (!times.empty())
    figure("bare_sync_p50_ms", percentile(times, 0.5), "ms", "-", true);
}

std::vector<journal_row> batch(std::uint64_t& seq, std::size_t rows) {
  std::vector<journal_row> result(rows);
  for (auto& row : result) {
    row.seq = ++seq;
    row.epoch = 1;
    row.kind = record_kind::target_segments;
    row.key = std::to_string(seq % 20'000);
    row.payload = std::string(100, 'p');
  }
  return result;
}

/// Rows a second when batched as group commit does under load; the commit time of small batches, as in quiet periods. Folding into
/// the snapshot runs between commits, as in the journal actor, and counts for both.
void journal_figures(const std::string& folder) {
  auto journal = open_sqlite_journal(folder + "/journal");
  if (!journal) {
    std::fprintf(stderr, "muster_bench: %s\n", journal.error().text.c_str());
    std::exit(1);
  }
  auto state = (*journal)->recover();
  std::uint64_t seq = state ? state->last_seq : 0;
  const auto begin = clock::now();
  std::size_t rows = 0;
  for (int i = 0; i < 150; ++i) {
    const auto r = batch(seq, 2'000);
    if ((*journal)->append(r).outcome != append_outcome::durable)
      std::exit(1);
    rows += r.size();
    (*journal)->fold();
  }
  const auto rate = static_cast<double>(rows) / (milliseconds_since(begin) / 1000);
  figure("journal_rows_per_s", rate, "rows/s", ">=100000", rate >= 100'000);
  while ((*journal)->fold()) {
  }
  std::vector<double> commits;
  for (int i = 0; i < 2'000; ++i) {
    const auto r = batch(seq, 10);
    const auto start = clock::now();
    if ((*journal)->append(r).outcome != append_outcome::durable)
      std::exit(1);
    commits.push_back(milliseconds_since(start));
    (*journal)->fold();
  }
  const auto p99 = percentile(commits, 0.99);
  figure("journal_commit_p99_ms", p99, "ms", "<=10", p99 <= 10);
}

std::uint16_t code_of(const msg<schema::ClientReply>& reply) {
  if (reply->getStatus().getCode() != 0)
    return reply->getStatus().getCode();
  return reply->isLoadCollection() ? reply->getLoadCollection().getStatus().getCode() : 0;
}

/// 1,000 segments on four nodes that load at once: what is left is the loop itself, over a real journal.
void loop_figures(const std::string& folder) {
  auto opened = open_sqlite_journal(folder + "/loop");
  if (!opened) {
    std::fprintf(stderr, "muster_bench: %s\n", opened.error().text.c_str());
    std::exit(1);
  }
  local_cluster_options options;
  options.nodes = 4;
  options.journal = std::shared_ptr<journal>{std::move(*opened)};
  local_cluster cluster{std::move(options)};
  cluster.import("small", 4, 10, 2);
  std::vector<double> loads;
  for (int i = 0; i < 15; ++i) {
    const auto begin = clock::now();
    if (code_of(cluster.load("small")) != 0)
      std::exit(1);
    loads.push_back(milliseconds_since(begin));
    cluster.release("small");
  }
  const auto p50 = percentile(loads, 0.5);
  figure("load_to_serviceable_in_process_ms", p50, "ms", "<=50", p50 <= 50);
  cluster.import("large", 1'000, 10, 4);
  const auto begin = clock::now();
  const auto code = code_of(cluster.load("large"));
  const auto seconds = milliseconds_since(begin) / 1000;
  figure("load_1000_segments_s", seconds, "s", "<=1", code == 0 && seconds <= 1);
  // Appending goes the other way: one load order a segment, then the switch.
  const auto append = clock::now();
  cluster.import("large", 1'000, 10, 4, true);
  auto s = cluster.await_status([](auto s) {
    for (auto c : s.getCollections())
      if (c.getName() == "large")
        return c.getSegments() == 2'000 && c.getWaitsFor().size() == 0;
    return false;
  });
  figure("append_1000_segments_s", milliseconds_since(append) / 1000, "s", "-", true);
}

} // namespace
} // namespace muster

int main() {
  muster::temporary_folder folder;
  muster::bare_sync(folder.path);
  muster::journal_figures(folder.path);
  muster::loop_figures(folder.path);
  return muster::all_met ? 0 : 1;
}
