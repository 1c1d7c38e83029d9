// Measures placing and draining plans at full size and checks their results independently.
#include "actors/core/balance_rules.hpp"
#include "actors/core/balance_view.hpp"
#include "actors/core/placing.hpp"
#include "messages/limits.hpp"
#include "tests/bench/figure.hpp"
#include "tests/unit/situation_builder.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <vector>

namespace muster {
namespace {

using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point begin) {
  return std::chrono::duration<double>(clock::now() - begin).count();
}

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "balance_bench: %s\n", what);
  std::exit(1);
}

std::int64_t rows_of(std::int64_t collection, std::int64_t i) {
  return 1'000 + (collection * 7'919 + i * 104'729) % 1'000'000;
}

/// 10,000 collections of 100 segments in 2 replicas over 100 nodes, through the entry of segment_checker, by score with every hard constraint.
void placements() {
  constexpr std::int64_t collections = 10'000;
  constexpr std::int64_t segments = 100;
  world w;
  std::vector<std::int64_t> all;
  for (std::int64_t n = 1; n <= 100; ++n)
    all.push_back(n);
  w.usable(all);
  for (auto& [id, n] : w.nodes)
    n.memory_mb = 1'048'576;
  std::vector<std::vector<std::int64_t>> halves(2);
  for (auto n : all)
    halves[static_cast<std::size_t>(n % 2)].push_back(n);
  for (std::int64_t c = 1; c <= collections; ++c)
    w.loaded(c, halves);
  w.whole();
  std::vector<std::vector<std::vector<wanted_segment>>> wanted(2);
  for (auto& replica : wanted)
    for (std::int64_t c = 1; c <= collections; ++c) {
      auto& list = replica.emplace_back();
      for (std::int64_t i = 0; i < segments; ++i)
        list.push_back({c * 1'000 + i, rows_of(c, i), rows_of(c, i) * 512, 0, 0});
    }
  const auto begin = std::clock(); // of this process: the figure is for one core, whoever else uses the machine
  placing places{w.view};
  for (std::int64_t c = 1; c <= collections; ++c) {
    const auto& view = *w.view.collection(c);
    for (std::size_t r = 0; r < 2; ++r)
      places.place_segments(view, view.desired->replicas[r], wanted[r][static_cast<std::size_t>(c - 1)]);
  }
  const auto took = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  // Each once in each replica, on a node of that replica, and as even as the largest segment allows: by collection and in all.
  std::map<std::int64_t, double> total;
  std::size_t placed = 0;
  for (std::size_t r = 0; r < 2; ++r)
    for (const auto& list : wanted[r]) {
      std::map<std::int64_t, std::int64_t> own;
      std::int64_t largest = 0;
      for (auto n : halves[r])
        own[n] = 0;
      for (const auto& x : list) {
        if (!own.contains(x.node))
          fail("a segment is on a node that is not of its replica");
        own[x.node] += x.rows;
        total[x.node] += static_cast<double>(x.rows);
        largest = std::max(largest, x.rows);
        ++placed;
      }
      const auto [least, most] = std::minmax_element(own.begin(), own.end(), [](auto a, auto b) { return a.second < b.second; });
      if (most->second - least->second > 2 * largest)
        fail("a collection is uneven");
    }
  if (placed != 2 * collections * segments)
    fail("not every segment was placed");
  const auto [least, most] = std::minmax_element(total.begin(), total.end(), [](auto a, auto b) { return a.second < b.second; });
  if (most->second > 1.01 * least->second)
    fail("the nodes are uneven");
  bench::figure("placements_per_s", static_cast<double>(placed) / took, "placements/s", bench::at_least(1'000'000));
}

/// A node that stops with 10,000 segments of 400 collections, every collection on four nodes.
void drain() {
  world w;
  w.usable({1, 2, 3, 4});
  for (std::int64_t c = 1; c <= 400; ++c) {
    w.loaded(c, {{1, 2, 3, 4}});
    w.lead(c, "a", 2);
    for (std::int64_t i = 0; i < 100; ++i) {
      const auto segment = c * 1'000 + i;
      const auto node = 1 + i % 4;
      w.segment(c, segment, rows_of(c, i));
      w.copy(c, segment, node).route(c, segment, 2, node);
    }
  }
  w.nodes.at(1).stopping = true;
  const auto touched = w.whole();
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto begin = clock::now();
    std::size_t moves = 0;
    for (const auto& [id, ids] : touched) {
      const auto& view = *w.view.collection(id);
      const auto cluster = balance_view_of(w.view, view, view.desired->replicas.front(), {});
      for (const auto& m : plan_balance(cluster, {}, limits::balance_planned_moves))
        moves += m.drain ? 1 : 0;
    }
    best = std::min(best, seconds_since(begin) * 1'000);
    if (moves != 10'000)
      fail("the plan does not empty the node");
  }
  bench::figure("drain_plan_ms", best, "ms", bench::at_most(100));
}

} // namespace
} // namespace muster

int main() {
  muster::placements();
  muster::drain();
  return muster::bench::exit_code();
}
