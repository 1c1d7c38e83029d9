// Measures the cores with Google Benchmark: placing, draining, one change; or does a fixed amount of it, for who counts instructions.
#include "tests/bench/delta_chain.hpp"
#include "tests/bench/figure.hpp"
#include "tests/bench/placing_cases.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace muster::bench {
namespace {

constexpr std::int64_t segments = 10;

/// What valgrind is told to count: everything below here, and nothing of what is made before.
[[gnu::noinline]] void counted_changes(delta_chain& chain, int count) {
  for (int i = 0; i < count; ++i)
    chain.change();
}

[[gnu::noinline]] void counted_placements(placing_case& all) {
  all.place();
}

void one_change(benchmark::State& state) {
  delta_chain chain{state.range(0), state.range(1), segments};
  for (auto _ : state)
    chain.change();
}

void placements(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    placing_case all{10'000, 100, 100};
    state.ResumeTiming();
    all.place();
    state.PauseTiming();
    all.verify();
    state.counters["placed"] = benchmark::Counter(static_cast<double>(all.placed()), benchmark::Counter::kIsRate);
    state.ResumeTiming();
  }
}

void drain_plan(benchmark::State& state) {
  drain_case all;
  for (auto _ : state)
    if (all.plan() != all.moves)
      state.SkipWithError("the plan does not empty the node");
}

/// Prints figures instead of a table.
class figures : public benchmark::BenchmarkReporter {
public:
  bool ReportContext(const Context&) override {
    return true;
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const auto& run : runs) {
      const auto name = run.run_name.function_name;
      if (run.error_occurred) {
        std::fprintf(stderr, "core_bench: %s: %s\n", name.c_str(), run.error_message.c_str());
        failed = true;
      } else if (name == "placements_per_s") {
        figure(name, run.counters.at("placed").value, "1/s", at_least(1'000'000));
      } else if (name == "drain_plan_ms") {
        figure(name, run.GetAdjustedCPUTime(), "ms", at_most(100));
      } else {
        figure(name, run.GetAdjustedCPUTime(), "us");
      }
    }
  }

  bool failed = false;
};

int measure() {
  // Processor time of one thread: the figures are for one core, whoever else uses the machine.
  benchmark::RegisterBenchmark("placements_per_s", placements)->Iterations(1);
  benchmark::RegisterBenchmark("drain_plan_ms", drain_plan)->Unit(benchmark::kMillisecond);
  for (const auto& [nodes, collections] : {std::pair{20, 100}, {20, 10'000}, {1'000, 100}})
    benchmark::RegisterBenchmark(
      ("change_core_us_" + std::to_string(nodes) + "_nodes_" + std::to_string(collections) + "_collections").c_str(), one_change)
      ->Args({nodes, collections})
      ->Unit(benchmark::kMicrosecond);
  figures report;
  benchmark::RunSpecifiedBenchmarks(&report);
  return report.failed ? 1 : exit_code();
}

/// A fixed amount of work, for `valgrind --tool=callgrind --toggle-collect=*counted_*`.
int work(std::string_view what, std::int64_t nodes, std::int64_t collections, int count) {
  if (what == "changes") {
    delta_chain chain{nodes, collections, segments};
    counted_changes(chain, count);
    return 0;
  }
  if (what == "placements") {
    placing_case all{collections, segments, nodes};
    counted_placements(all);
    all.verify();
    return 0;
  }
  return 2;
}

} // namespace
} // namespace muster::bench

int main(int argc, char** argv) {
  try {
    if (argc == 1)
      return muster::bench::measure();
    if (argc == 5)
      if (const auto code = muster::bench::work(argv[1], std::stoll(argv[2]), std::stoll(argv[3]), std::stoi(argv[4])); code != 2)
        return code;
  } catch (const std::exception& why) {
    std::fprintf(stderr, "core_bench: %s\n", why.what());
    return 1;
  }
  std::fprintf(stderr, "usage: core_bench [changes|placements NODES COLLECTIONS COUNT]\n");
  return 2;
}
