// Placing and draining at full size.
#include "tests/bench/placing_cases.hpp"

#include "actors/core/balance_rules.hpp"
#include "actors/core/balance_view.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace muster::bench {

namespace {

std::int64_t rows_of(std::int64_t collection, std::int64_t i) {
  return 1'000 + (collection * 7'919 + i * 104'729) % 1'000'000;
}

} // namespace

placing_case::placing_case(std::int64_t collections, std::int64_t segments, std::int64_t nodes)
  : collections_(collections), halves_(2), wanted_(2) {
  std::vector<std::int64_t> all;
  for (std::int64_t n = 1; n <= nodes; ++n) {
    all.push_back(n);
    halves_[static_cast<std::size_t>(n % 2)].push_back(n);
  }
  w_.usable(all);
  for (auto& [id, n] : w_.nodes)
    n.memory_mb = 1'048'576;
  for (std::int64_t c = 1; c <= collections; ++c)
    w_.loaded(c, halves_);
  w_.whole();
  for (auto& replica : wanted_)
    for (std::int64_t c = 1; c <= collections; ++c) {
      auto& list = replica.emplace_back();
      for (std::int64_t i = 0; i < segments; ++i)
        list.push_back({c * 1'000 + i, rows_of(c, i), rows_of(c, i) * 512, 0, 0});
    }
}

void placing_case::place() {
  placing places{w_.view};
  for (std::int64_t c = 1; c <= collections_; ++c) {
    const auto& view = *w_.view.collection(c);
    for (std::size_t r = 0; r < wanted_.size(); ++r)
      places.place_segments(view, view.desired->replicas[r], wanted_[r][static_cast<std::size_t>(c - 1)]);
  }
}

std::size_t placing_case::placed() const {
  std::size_t all = 0;
  for (const auto& replica : wanted_)
    for (const auto& list : replica)
      all += static_cast<std::size_t>(std::count_if(list.begin(), list.end(), [](const auto& x) { return x.node != 0; }));
  return all;
}

void placing_case::verify() const {
  const auto by_rows = [](const auto& a, const auto& b) { return a.second < b.second; };
  std::map<std::int64_t, std::int64_t> total;
  std::int64_t largest_of_all = 0;
  for (std::size_t r = 0; r < wanted_.size(); ++r)
    for (const auto& list : wanted_[r]) {
      std::map<std::int64_t, std::int64_t> own;
      std::int64_t largest = 0;
      for (auto n : halves_[r])
        own[n] = 0;
      for (const auto& x : list) {
        if (!own.contains(x.node))
          throw std::runtime_error("a segment is on a node that is not of its replica");
        own[x.node] += x.rows;
        total[x.node] += x.rows;
        largest = std::max(largest, x.rows);
      }
      const auto [least, most] = std::minmax_element(own.begin(), own.end(), by_rows);
      if (most->second - least->second > 2 * largest)
        throw std::runtime_error("a collection is uneven");
      largest_of_all = std::max(largest_of_all, largest);
    }
  const auto [least, most] = std::minmax_element(total.begin(), total.end(), by_rows);
  if (most->second > least->second + least->second / 100 + 2 * largest_of_all)
    throw std::runtime_error("the nodes are uneven");
}

drain_case::drain_case() {
  w_.usable({1, 2, 3, 4});
  for (std::int64_t c = 1; c <= 400; ++c) {
    w_.loaded(c, {{1, 2, 3, 4}});
    w_.lead(c, "a", 2);
    for (std::int64_t i = 0; i < 100; ++i) {
      const auto segment = c * 1'000 + i;
      const auto node = 1 + i % 4;
      w_.segment(c, segment, rows_of(c, i));
      w_.copy(c, segment, node).route(c, segment, 2, node);
    }
  }
  w_.nodes.at(1).stopping = true;
  touched_ = w_.whole();
}

std::size_t drain_case::plan() const {
  std::size_t count = 0;
  for (const auto& [id, ids] : touched_) {
    const auto& view = *w_.view.collection(id);
    const auto cluster = balance_view_of(w_.view, view, view.desired->replicas.front(), {});
    for (const auto& m : plan_balance(cluster, {}, limits::balance_planned_moves))
      count += m.drain ? 1 : 0;
  }
  return count;
}

} // namespace muster::bench
