// muster-sim: runs seeds, prints what failed and how to see it again.
#include "actors/core/plant.hpp"
#include "actors/runtime/log.hpp"
#include "tests/simulation/world.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <sys/time.h>
#include <unistd.h>

using namespace muster;
using namespace muster::sim;

namespace {

std::deque<std::string> lines;
bool print_lines = false;
std::size_t kept_lines = 200;
volatile std::uint64_t current_seed = 0;

void keep(std::string line) {
  if (print_lines) {
    std::printf("%s\n", line.c_str());
    return;
  }
  lines.push_back(std::move(line));
  if (lines.size() > kept_lines)
    lines.pop_front();
}

void keep_log(log::severity s, std::string_view channel, const std::string& text) {
  static const char* names[] = {"debug", "info", "warn", "error"};
  keep(std::string{"        "} + names[static_cast<int>(s)] + " " + std::string{channel} + ": " + text);
}

const std::pair<const char*, plant::bug> plants[] = {
  {"none", plant::bug::none},
  {"answer_before_commit", plant::bug::answer_before_commit},
  {"release_before_view", plant::bug::release_before_view},
  {"promote_one_behind", plant::bug::promote_one_behind},
  {"stale_incarnation_report", plant::bug::stale_incarnation_report},
  {"delta_leak", plant::bug::delta_leak},
  {"stale_premise_task", plant::bug::stale_premise_task},
  {"dedupe_cancels_move", plant::bug::dedupe_cancels_move},
  {"slot_deadlock", plant::bug::slot_deadlock},
  {"replica_change_resets_progress", plant::bug::replica_change_resets_progress},
  {"recovery_stops_at_bad_record", plant::bug::recovery_stops_at_bad_record},
  {"undo_forgets_replica", plant::bug::undo_forgets_replica},
};

void died(int signal) {
  char text[160];
  const auto n = std::snprintf(text, sizeof text, "\nseed %llu: %s\nmuster-sim --seeds 1 --from %llu --trace\n",
                               static_cast<unsigned long long>(current_seed),
                               signal == SIGPROF ? "hangs" : "ends the process with a signal",
                               static_cast<unsigned long long>(current_seed));
  [[maybe_unused]] auto done = ::write(2, text, static_cast<std::size_t>(n));
  ::_exit(static_cast<int>(verdict::crash));
}

/// Breaks one thing in each seed and has it explained; 0: at least 99 of 100 causes were the broken thing, and what was named as
/// unblocking did so in each of these.
int explain_seeds(std::uint64_t from, std::uint64_t seeds, bool trace) {
  totals sums;
  std::uint64_t wrong = 0;
  for (auto seed = from; seed < from + seeds; ++seed) {
    current_seed = seed;
    print_lines = trace;
    log::redirect(trace ? &keep_log : nullptr);
    world one{draw_explained(seed), sums, trace ? &keep : nullptr};
    const auto result = one.run_explained();
    log::redirect(nullptr);
    if (result.how == verdict::clean && one.wrong().empty())
      continue;
    std::printf("seed %llu: %s%s\nagain: muster-sim --explain --seeds 1 --from %llu --trace\n", static_cast<unsigned long long>(seed),
                one.wrong().c_str(), result.how == verdict::clean ? "" : (" FAILED: " + result.text).c_str(),
                static_cast<unsigned long long>(seed));
    if (result.how != verdict::clean)
      return static_cast<int>(result.how);
    ++wrong;
  }
  std::printf("explained %llu of %llu injected causes, unblocked %llu\n", static_cast<unsigned long long>(sums.explained),
              static_cast<unsigned long long>(sums.injected), static_cast<unsigned long long>(sums.unblocked));
  return seeds > 0 && sums.injected == seeds && sums.explained * 100 >= seeds * 99 && sums.unblocked == sums.explained ? 0 : 1;
}

int usage() {
  std::fprintf(stderr, "usage: muster-sim --seeds N [--from S] [--plant NAME] [--explain] [--verbose] [--trace]\nplants:");
  for (const auto& [name, bug] : plants)
    std::fprintf(stderr, " %s", name);
  std::fprintf(stderr, "\nexit: 0 clean, 1 something never occurred, 2 usage, 10 safety, 11 liveness, 12 determinism, 13 crash\n");
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  std::uint64_t seeds = 100;
  std::uint64_t from = 1;
  bool verbose = false;
  bool trace = false;
  bool explain = false;
  const char* plant_name = "none";
  for (int i = 1; i < argc; ++i) {
    const auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0; };
    if (is("--verbose"))
      verbose = true;
    else if (is("--explain"))
      explain = true;
    else if (is("--trace"))
      trace = true;
    else if (is("--seeds") && i + 1 < argc)
      seeds = std::strtoull(argv[++i], nullptr, 10);
    else if (is("--from") && i + 1 < argc)
      from = std::strtoull(argv[++i], nullptr, 10);
    else if (is("--plant") && i + 1 < argc)
      plant_name = argv[++i];
    else
      return usage();
  }
  bool known = false;
  for (const auto& [name, bug] : plants)
    if (std::strcmp(name, plant_name) == 0) {
      plant::active = bug;
      known = true;
    }
  if (!known)
    return usage();
  for (auto signal : {SIGSEGV, SIGABRT, SIGPROF, SIGFPE, SIGBUS})
    std::signal(signal, died);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  if (explain)
    return explain_seeds(from, seeds, trace);
  const auto begun = std::chrono::steady_clock::now();
  totals sums;
  for (auto seed = from; seed < from + seeds; ++seed) {
    current_seed = seed;
    const itimerval patience{{0, 0}, {120, 0}}; // of the processor: others may have it for long
    ::setitimer(ITIMER_PROF, &patience, nullptr);
    const auto options = draw(seed);
    const auto run = [&](totals& into, bool tracing) {
      lines.clear();
      log::redirect(tracing ? &keep_log : nullptr);
      auto result = world{options, into, tracing ? &keep : nullptr}.run();
      log::redirect(nullptr);
      return result;
    };
    print_lines = trace;
    if (trace)
      std::printf("%s\n", options.describe().c_str());
    const auto seed_begun = std::chrono::steady_clock::now();
    auto result = run(sums, trace);
    ++sums.seeds;
    if (verbose)
      std::printf("seed %llu %s virtual_ms %lld real_us %lld hash %016llx messages %llu\n", static_cast<unsigned long long>(seed),
                  to_string(result.how), static_cast<long long>(result.virtual_time / ms),
                  static_cast<long long>(
                    std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - seed_begun).count()),
                  static_cast<unsigned long long>(result.hash), static_cast<unsigned long long>(sums.messages));
    if (result.how == verdict::clean && seed % 50 == 7) {
      totals again;
      if (auto second = run(again, false); second.hash != result.hash)
        result = {verdict::determinism, "the same seed gave another history", second.hash, second.virtual_time, 0};
    }
    if (result.how == verdict::clean)
      continue;
    // Once more, now with all lines; the same seed gives the same run.
    totals again;
    print_lines = false;
    if (!trace)
      run(again, true);
    for (const auto& line : lines)
      std::printf("%s\n", line.c_str());
    std::printf("%s\nFAILED (%s): %s\nagain: muster-sim --seeds 1 --from %llu%s%s [--trace]\n", options.describe().c_str(),
                to_string(result.how), result.text.c_str(), static_cast<unsigned long long>(seed),
                std::strcmp(plant_name, "none") == 0 ? "" : " --plant ", std::strcmp(plant_name, "none") == 0 ? "" : plant_name);
    return static_cast<int>(result.how);
  }
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("%.1f seeds a second\n", static_cast<double>(sums.seeds) / std::max(seconds, 0.001));
  std::printf("seeds %llu messages %llu crashes %llu partitions %llu loads %llu moves %llu drained %llu searches %llu partition_changes %llu switched %llu bad_records %llu\n",
              static_cast<unsigned long long>(sums.seeds), static_cast<unsigned long long>(sums.messages),
              static_cast<unsigned long long>(sums.crashes), static_cast<unsigned long long>(sums.partitions),
              static_cast<unsigned long long>(sums.loads), static_cast<unsigned long long>(sums.moves),
              static_cast<unsigned long long>(sums.drained), static_cast<unsigned long long>(sums.searches),
              static_cast<unsigned long long>(sums.partition_changes), static_cast<unsigned long long>(sums.switched),
              static_cast<unsigned long long>(sums.bad_records));
  return sums.seeds == 0 || sums.messages == 0 || sums.crashes == 0 || sums.partitions == 0 || sums.loads == 0
             || sums.moves == 0 || sums.searches == 0 || sums.partition_changes == 0 || sums.switched == 0 || sums.bad_records == 0
           ? 1
           : 0;
}
