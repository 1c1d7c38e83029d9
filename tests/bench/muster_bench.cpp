// Measures the journal and the loop in one process and prints "figure NAME VALUE UNIT target VALUE met|missed" lines.
#include "persistence/journal.hpp"
#include "tests/bench/figure.hpp"
#include "tests/bench/group_figures.hpp"
#include "tests/support/local_cluster.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {
namespace {

using namespace bench;
using clock = std::chrono::steady_clock;

double milliseconds_since(clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(clock::now() - begin).count();
}

double percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * p)];
}

struct temporary_folder {
  std::string path;

  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "muster-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("cannot make a folder " + name + "; check TMPDIR");
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
    throw std::runtime_error("cannot write to " + folder);
  std::vector<char> page(4096, 'x');
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    const auto begin = clock::now();
    if (pwrite(file, page.data(), page.size(), i * 4096) < 0 || fdatasync(file) != 0)
      break;
    times.push_back(milliseconds_since(begin));
  }
  close(file);
  if (times.empty())
    throw std::runtime_error("cannot sync a file in " + folder);
  for (auto [name, p] : {std::pair{"bare_sync_p50_ms", 0.5}, {"bare_sync_p99_ms", 0.99}})
    figure(name, percentile(times, p), "ms");
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

void must_append(journal& j, const std::vector<journal_row>& rows) {
  if (j.append(rows).outcome != append_outcome::durable)
    throw std::runtime_error("the journal refused rows; is the disk full?");
}

/// Rows a second when batched as group commit does under load; the commit time of small batches, as in quiet periods. Folding into
/// the snapshot runs between commits, as in the journal actor, and counts for both.
void journal_figures(const std::string& folder) {
  auto journal = open_sqlite_journal(folder + "/journal");
  if (!journal)
    throw std::runtime_error(journal.error().text);
  auto state = (*journal)->recover();
  std::uint64_t seq = state ? state->last_seq : 0;
  const auto begin = clock::now();
  std::size_t rows = 0;
  for (int i = 0; i < 150; ++i) {
    const auto r = batch(seq, 2'000);
    must_append(**journal, r);
    rows += r.size();
    (*journal)->fold();
  }
  const auto rate = static_cast<double>(rows) / (milliseconds_since(begin) / 1000);
  figure("journal_rows_per_s", rate, "rows/s", at_least(100'000));
  while ((*journal)->fold()) {
  }
  std::vector<double> commits;
  for (int i = 0; i < 2'000; ++i) {
    const auto r = batch(seq, 10);
    const auto start = clock::now();
    must_append(**journal, r);
    commits.push_back(milliseconds_since(start));
    (*journal)->fold();
  }
  figure("journal_commit_p50_ms", percentile(commits, 0.5), "ms");
  figure("journal_commit_p99_ms", percentile(commits, 0.99), "ms", at_most(10));
}

std::uint16_t code_of(const msg<schema::ClientReply>& reply) {
  if (reply->getStatus().getCode() != 0)
    return reply->getStatus().getCode();
  return reply->isLoadCollection() ? reply->getLoadCollection().getStatus().getCode() : 0;
}

void must_load(local_cluster& cluster, const std::string& name) {
  if (const auto code = code_of(cluster.load(name)); code != 0)
    throw std::runtime_error("loading " + name + " failed with error " + std::to_string(code));
}

/// 1,000 segments on four nodes that load at once: what is left is the loop itself, over a real journal.
void loop_figures(const std::string& folder) {
  auto opened = open_sqlite_journal(folder + "/loop");
  if (!opened)
    throw std::runtime_error(opened.error().text);
  local_cluster_options options;
  options.nodes = 4;
  options.journal = std::shared_ptr<journal>{std::move(*opened)};
  local_cluster cluster{std::move(options)};
  cluster.import("small", 4, 10, 2);
  std::vector<double> loads;
  for (int i = 0; i < 15; ++i) {
    const auto begin = clock::now();
    must_load(cluster, "small");
    loads.push_back(milliseconds_since(begin));
    cluster.release("small");
  }
  figure("load_to_serviceable_in_process_ms", percentile(loads, 0.5), "ms", at_most(50));
  cluster.import("large", 1'000, 10, 4);
  const auto begin = clock::now();
  must_load(cluster, "large");
  figure("load_1000_segments_s", milliseconds_since(begin) / 1000, "s", at_most(1));
  // Appending goes the other way: one load order a segment, then the switch.
  const auto append = clock::now();
  cluster.import("large", 1'000, 10, 4, true);
  cluster.await_status([](auto s) {
    for (auto c : s.getCollections())
      if (c.getName() == "large")
        return c.getSegments() == 2'000 && c.getWaitsFor().size() == 0;
    return false;
  });
  figure("append_1000_segments_s", milliseconds_since(append) / 1000, "s");
}

} // namespace
} // namespace muster

int main(int argc, char** argv) {
  const std::string_view part = argc > 1 ? argv[1] : "";
  if (argc > 2 || (!part.empty() && part != "journal" && part != "loop" && part != "groups")) {
    std::fprintf(stderr, "usage: muster_bench [journal|loop|groups]\n");
    return 2;
  }
  try {
    muster::temporary_folder folder;
    if (part.empty() || part == "journal") {
      muster::bare_sync(folder.path);
      muster::journal_figures(folder.path);
    }
    if (part.empty() || part == "loop")
      muster::loop_figures(folder.path);
    if (part.empty() || part == "groups")
      muster::bench::group_figures(folder.path);
  } catch (const std::exception& why) {
    std::fprintf(stderr, "muster_bench: %s\n", why.what());
    return 1;
  }
  return muster::bench::exit_code();
}
