// One line for each measured figure: "figure NAME VALUE UNIT target VALUE met|missed", the same as deploy/cluster.sh prints.
#pragma once

#include <cstdio>
#include <string>

namespace muster::bench {

/// What a figure is held against.
struct target {
  enum class rule { none, at_least, at_most, is };

  rule how = rule::none;
  double value = 0;
};

constexpr target no_target{};

constexpr target at_least(double value) {
  return {target::rule::at_least, value};
}

constexpr target at_most(double value) {
  return {target::rule::at_most, value};
}

constexpr target exactly(double value) {
  return {target::rule::is, value};
}

/// Whether a figure was missed so far; the exit code of a benchmark follows it.
inline bool any_missed = false;

/// 0 when all figures were met, 3 when one was missed: deploy/bench tells them from a failure (1).
inline int exit_code() {
  return any_missed ? 3 : 0;
}

/// Prints the line at once. A figure without a target has a dash there and counts as met.
inline void figure(const std::string& name, double value, const char* unit, target wanted = no_target) {
  auto met = true;
  switch (wanted.how) {
    case target::rule::none: break;
    case target::rule::at_least: met = value >= wanted.value; break;
    case target::rule::at_most: met = value <= wanted.value; break;
    case target::rule::is: met = value == wanted.value; break;
  }
  any_missed = any_missed || !met;
  char limit[32] = "-";
  if (wanted.how != target::rule::none)
    std::snprintf(limit, sizeof limit, "%.15g", wanted.value);
  std::printf("figure %s %.*f %s target %s %s\n", name.c_str(), value < 100 ? 2 : 0, value, unit, limit,
              met ? "met" : "missed");
  std::fflush(stdout);
}

} // namespace muster::bench
