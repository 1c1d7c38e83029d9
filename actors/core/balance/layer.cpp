// Loads, gains and the search for the next move.
#include "actors/core/balance/layer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace muster {

namespace {

/// Items looked at on each side of the wanted size when the fitting one may not go there.
constexpr int neighbours = 16;
/// Up to so many moves of a replica, pairs of them are tried against single ones.
constexpr std::size_t shortened_moves = 16;
/// Placements that the exact search looks at.
constexpr int tried_placements = 20'000;
/// Nodes of a replica up to which multi_target looks at every pair of them; above, at so many of the fullest and
/// emptiest.
constexpr std::size_t spread_nodes = 8;
/// Items of a node that multi_target looks at for one pair.
constexpr std::size_t spread_items = 64;

} // namespace

// -- shared loads -----------------------------------------------------------------

shared_loads::shared_loads(const balance_cluster& c, const balance_settings& s) {
  double known = 0;
  double sum = 0;
  for (const auto& n : c.nodes)
    if (n.memory_mb > 0) {
      sum += n.memory_mb;
      ++known;
    }
  const bool weighs = s.policy != balance_policy::round_robin && s.policy != balance_policy::row_count;
  for (const auto& n : c.nodes) {
    capacity.push_back(weighs && n.memory_mb > 0 ? n.memory_mb / (sum / known) : 1);
    rows.push_back(static_cast<double>(s.policy == balance_policy::round_robin ? n.segments : n.rows));
    counts.push_back(static_cast<double>(n.segments));
    channels.push_back(static_cast<double>(n.channels));
    bytes.push_back(static_cast<double>(n.bytes));
    bytes_limit.push_back(n.memory_mb * 1024 * 1024 * s.memory_limit);
    usable.push_back(n.usable);
  }
}

// -- multi_target -------------------------------------------------------------------

double spread_cost(const std::vector<double>& loads) {
  if (loads.empty())
    return 0;
  const auto n = static_cast<double>(loads.size());
  const auto total = std::accumulate(loads.begin(), loads.end(), 0.0);
  const auto mean = total / n;
  double now = 0;
  for (auto x : loads)
    now += std::abs(x - mean);
  const auto worst = (n - 1) * mean + total - mean;
  const auto rest = std::fmod(total, n);
  const auto best = rest * (std::ceil(mean) - mean) + (n - rest) * (mean - std::floor(mean));
  return worst - best <= 1e-9 * total ? 0 : (now - best) / (worst - best);
}

spread_metric::spread_metric(double weight, double total, std::size_t nodes) {
  if (nodes == 0)
    return;
  const auto n = static_cast<double>(nodes);
  mean = total / n;
  const auto rest = std::fmod(total, n);
  const auto range =
    (n - 1) * mean + total - mean - rest * (std::ceil(mean) - mean) - (n - rest) * (mean - std::floor(mean));
  scale = range > 1e-9 * total ? weight / range : 0;
}

double spread_metric::change(double from, double to, double v) const {
  return scale * (std::abs(from - v - mean) + std::abs(to + v - mean) - std::abs(from - mean) - std::abs(to - mean));
}

// -- a layer ------------------------------------------------------------------------

group_layer::group_layer(shared_loads& shared, const balance_group& group, const balance_settings& settings,
                         bool channels)
  : shared_(shared), settings_(settings), channels_(channels),
    spread_(!channels && settings.policy == balance_policy::multi_target),
    weight_(channels ? channel_weights(settings) : segment_weights(settings)) {
  for (auto w : group.writers)
    if (shared.usable[w]) {
      writers_.push_back(w);
      capacity_.push_back(shared.capacity[w]);
    }
  const auto n = writers_.size();
  const auto local = [&](std::uint32_t node) {
    const auto i = std::lower_bound(writers_.begin(), writers_.end(), node);
    return i != writers_.end() && *i == node ? static_cast<std::int32_t>(i - writers_.begin()) : -1;
  };
  own_.assign(n, 0);
  counts_.assign(n, 0);
  if (settings.policy == balance_policy::channel_level_score)
    for (const auto& nodes : group.exclusive) {
      auto& mine = exclusive_.emplace_back(n, false);
      for (auto node : nodes)
        if (const auto i = local(node); i >= 0)
          mine[static_cast<std::size_t>(i)] = true;
    }
  const auto add = [&](std::uint16_t channel, std::uint32_t node, std::int64_t value, std::int64_t bytes,
                       bool movable) {
    item x;
    x.value = value;
    x.bytes = bytes;
    x.cls = channel < exclusive_.size() ? channel : std::uint16_t{0};
    x.movable = movable;
    x.origin = node;
    x.start = x.at = local(node);
    if (x.at >= 0) {
      own_[static_cast<std::size_t>(x.at)] += static_cast<double>(value);
      counts_[static_cast<std::size_t>(x.at)] += 1;
    }
    items_.push_back(x);
  };
  if (channels) {
    for (const auto& c : group.channels)
      add(c.channel, c.node, 1, 0, c.movable);
    return;
  }
  const bool numbers = settings.policy == balance_policy::round_robin;
  for (const auto& x : group.segments)
    add(x.channel, x.node, numbers ? 1 : x.rows, x.bytes, x.movable);
  for (const auto& [node, rows] : group.other_rows)
    if (const auto i = local(node); i >= 0 && !numbers)
      own_[static_cast<std::size_t>(i)] += static_cast<double>(rows);
  measure();
  if (!spread_ && settings.policy != balance_policy::row_count && !numbers
      && settings.delegator_memory_overload_factor > 0) {
    // The overhead rests on the collection's own rows alone: a move of segments never changes it.
    double rows = 0;
    for (const auto& x : group.segments)
      rows += static_cast<double>(x.rows);
    for (const auto& [node, r] : group.other_rows)
      rows += static_cast<double>(r);
    const auto capacity = std::accumulate(capacity_.begin(), capacity_.end(), 0.0);
    for (const auto& c : group.channels)
      if (const auto i = local(c.node); i >= 0 && capacity > 0)
        own_[static_cast<std::size_t>(i)] += settings.delegator_memory_overload_factor * rows * weight_.both()
                                             * capacity_[static_cast<std::size_t>(i)] / capacity / weight_.own;
  }
}

void group_layer::measure() {
  if (!spread_)
    return;
  double rows = 0;
  double counts = 0;
  std::size_t nodes = 0;
  for (std::size_t i = 0; i < shared_.usable.size(); ++i)
    if (shared_.usable[i]) {
      rows += shared_.rows[i];
      counts += shared_.counts[i];
      ++nodes;
    }
  const auto n = writers_.size();
  own_rows_ = {settings_.row_count_factor, std::accumulate(own_.begin(), own_.end(), 0.0), n};
  own_counts_ = {settings_.segment_count_factor, std::accumulate(counts_.begin(), counts_.end(), 0.0), n};
  all_rows_ = {settings_.global_row_count_factor, rows, nodes};
  all_counts_ = {settings_.global_segment_count_factor, counts, nodes};
}

double group_layer::level(std::size_t i) const {
  return (weight_.own * own_[i] + weight_.all * all()[writers_[i]]) / capacity_[i];
}

bool group_layer::misplaced(std::uint32_t index) const {
  const auto& x = items_[index];
  return x.at < 0 || !allowed(x.cls, static_cast<std::size_t>(x.at));
}

balance_verdict group_layer::verdict(std::uint32_t index, std::uint32_t to) const {
  const auto& x = items_[index];
  if (!allowed(x.cls, to))
    return balance_verdict::outside_channel;
  if (x.at == static_cast<std::int32_t>(to))
    return balance_verdict::holds_copy;
  const auto limit = shared_.bytes_limit[writers_[to]];
  if (limit > 0 && x.bytes > 0 && shared_.bytes[writers_[to]] + static_cast<double>(x.bytes) > limit)
    return balance_verdict::memory_full;
  return balance_verdict::accepted;
}

std::optional<std::uint32_t> group_layer::cheapest(std::uint32_t index) const {
  const auto& x = items_[index];
  std::optional<std::uint32_t> best;
  std::optional<std::uint32_t> full; // rather a full node than one that is about to leave
  double least = 0;
  double least_full = 0;
  for (std::uint32_t i = 0; i < writers_.size(); ++i) {
    const auto v = verdict(index, i);
    if (v != balance_verdict::accepted && v != balance_verdict::memory_full)
      continue;
    const auto cost = level(i) + weight_.both() * static_cast<double>(x.value) / (2 * capacity_[i]);
    if (v == balance_verdict::accepted ? !best || cost < least : !full || cost < least_full) {
      (v == balance_verdict::accepted ? best : full) = i;
      (v == balance_verdict::accepted ? least : least_full) = cost;
    }
  }
  return best ? best : full;
}

std::vector<group_layer::step> group_layer::drain() {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < items_.size(); ++i)
    if (items_[i].movable && misplaced(i))
      order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return items_[a].value > items_[b].value; });
  std::vector<step> steps;
  for (auto i : order)
    if (auto to = cheapest(i)) {
      put(i, static_cast<std::int32_t>(*to));
      steps.push_back({i, *to, 0});
    }
  return steps;
}

group_layer::row group_layer::row_of(std::uint32_t index) const {
  const auto& x = items_[index];
  return {x.value, x.at == x.start, index};
}

void group_layer::list_items() {
  lists_.assign(writers_.size(), std::vector<std::vector<row>>(std::max<std::size_t>(1, exclusive_.size())));
  for (std::uint32_t i = 0; i < items_.size(); ++i)
    if (const auto& x = items_[i]; x.movable && x.at >= 0 && x.value > 0)
      lists_[static_cast<std::size_t>(x.at)][x.cls].push_back(row_of(i));
  listed_.assign(writers_.size(), 0);
  for (std::size_t i = 0; i < lists_.size(); ++i)
    for (auto& list : lists_[i]) {
      std::sort(list.begin(), list.end());
      for (const auto& r : list)
        listed_[i] += static_cast<double>(std::get<0>(r));
    }
}

void group_layer::listed(std::uint32_t index, std::int32_t at, bool there) {
  const auto& x = items_[index];
  if (lists_.empty() || at < 0 || x.value <= 0)
    return;
  auto& list = lists_[static_cast<std::size_t>(at)][x.cls];
  const auto r = row_of(index);
  const auto i = std::lower_bound(list.begin(), list.end(), r);
  listed_[static_cast<std::size_t>(at)] += (there ? 1 : -1) * static_cast<double>(x.value);
  if (there)
    list.insert(i, r);
  else
    list.erase(i);
}

void group_layer::put(std::uint32_t index, std::int32_t to) {
  auto& x = items_[index];
  const auto shift = [&](std::uint32_t node, std::int32_t at, double sign) {
    const auto v = sign * static_cast<double>(x.value);
    all()[node] += v;
    if (!channels_) {
      shared_.counts[node] += sign;
      shared_.bytes[node] += sign * static_cast<double>(x.bytes);
    }
    if (at >= 0) {
      own_[static_cast<std::size_t>(at)] += v;
      counts_[static_cast<std::size_t>(at)] += sign;
    }
  };
  listed(index, x.at, false);
  shift(x.at >= 0 ? writers_[static_cast<std::size_t>(x.at)] : x.origin, x.at, -1);
  x.at = to;
  x.turn = ++turns_;
  shift(to >= 0 ? writers_[static_cast<std::size_t>(to)] : x.origin, to, 1);
  listed(index, to, true);
}

// -- gains --------------------------------------------------------------------------

double group_layer::spread_gain(std::uint32_t index, std::uint32_t from, std::uint32_t to) const {
  const auto v = static_cast<double>(items_[index].value);
  const auto a = writers_[from];
  const auto b = writers_[to];
  return -(own_rows_.change(own_[from], own_[to], v) + own_counts_.change(counts_[from], counts_[to], 1)
           + all_rows_.change(shared_.rows[a], shared_.rows[b], v)
           + all_counts_.change(shared_.counts[a], shared_.counts[b], 1));
}

double group_layer::gain_of(std::uint32_t index, std::uint32_t to) const {
  const auto& x = items_[index];
  if (x.at < 0)
    return 0;
  const auto from = static_cast<std::uint32_t>(x.at);
  if (spread_)
    return spread_gain(index, from, to);
  const auto v = static_cast<double>(x.value);
  const auto half = (1 / capacity_[from] + 1 / capacity_[to]) / 2;
  return 2 * v * (level(from) - level(to) - weight_.both() * v * half);
}

bool group_layer::worth(std::uint32_t index, std::uint32_t to) const {
  const auto& x = items_[index];
  if (x.at < 0 || verdict(index, to) != balance_verdict::accepted)
    return false;
  const auto from = static_cast<std::uint32_t>(x.at);
  if (spread_)
    return spread_gain(index, from, to) >= settings_.balance_cost_threshold;
  double total = 0;
  double capacity = 0;
  for (std::size_t i = 0; i < writers_.size(); ++i) {
    total += level(i) * capacity_[i];
    capacity += capacity_[i];
  }
  const auto gap = level(from) - level(to);
  const auto half = (1 / capacity_[from] + 1 / capacity_[to]) / 2;
  const auto most = gap * (1 + 1 / settings_.reverse_unbalance_toleration_factor) / 2;
  return gap > settings_.unbalance_toleration_factor * total / capacity
         && weight_.both() * static_cast<double>(x.value) * half < most;
}

/// Offers the items of one node and class for another: the one nearest to the best size, below the largest that is
/// worth it.
void group_layer::offer(std::uint32_t from, std::uint32_t to, std::uint16_t cls, double gap, bool any,
                        step& best) const {
  const auto& list = lists_[from][cls];
  if (list.empty() || !allowed(cls, to))
    return;
  const auto half = (1 / capacity_[from] + 1 / capacity_[to]) / 2;
  const auto weight = weight_.both() * half; // of one row, in levels
  const auto most = any ? gap : gap * (1 + 1 / settings_.reverse_unbalance_toleration_factor) / 2;
  const auto wanted = gap / (2 * weight);
  const auto middle =
    std::lower_bound(list.begin(), list.end(), row{static_cast<std::int64_t>(std::ceil(wanted)), false, 0});
  const auto look = [&](const row& r) {
    const auto v = static_cast<double>(std::get<0>(r));
    const auto gain = 2 * v * (gap - weight * v);
    if (weight * v >= most || gain <= best.gain)
      return false; // nor will the ones beyond it
    if (verdict(std::get<2>(r), to) != balance_verdict::accepted)
      return true;
    best = {std::get<2>(r), to, gain};
    return false;
  };
  int tries = 0;
  for (auto i = middle; i != list.end() && tries < neighbours && look(*i); ++i)
    ++tries;
  tries = 0;
  // Below the wanted size the gain falls as the size does; what is too large for `most` can only lie above it or just
  // below.
  for (auto end = middle; end != list.begin() && tries < neighbours;) {
    const auto first = std::lower_bound(list.begin(), end, row{std::get<0>(*std::prev(end)), false, 0});
    bool on = true;
    for (auto i = first; i != end && tries < neighbours && on; ++i, ++tries)
      on = look(*i);
    if (!on)
      break;
    end = first;
  }
}

double group_layer::closable(std::uint32_t from, std::uint32_t to, double gap) const {
  const auto half = (1 / capacity_[from] + 1 / capacity_[to]) / 2;
  const auto weight = weight_.both() * half;
  const auto most = gap * (1 + 1 / settings_.reverse_unbalance_toleration_factor) / 2;
  auto sum = listed_[from];
  for (const auto& list : lists_[from])
    for (auto i = list.rbegin(); i != list.rend() && weight * static_cast<double>(std::get<0>(*i)) >= most; ++i)
      sum -= static_cast<double>(std::get<0>(*i));
  return weight * sum;
}

std::optional<group_layer::step> group_layer::best(bool any) {
  if (writers_.size() < 2 || items_.empty())
    return std::nullopt;
  return spread_ ? best_spread(any) : best_quadratic(any);
}

std::optional<group_layer::step> group_layer::best_quadratic(bool any) {
  const auto n = writers_.size();
  std::vector<std::pair<double, std::uint32_t>> order(n);
  double total = 0;
  double capacity = 0;
  double largest = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    order[i] = {level(i), i};
    total += order[i].first * capacity_[i];
    capacity += capacity_[i];
    largest = std::max(largest, capacity_[i]);
  }
  std::sort(order.begin(), order.end());
  const auto tolerance = any ? 0 : settings_.unbalance_toleration_factor * total / capacity;
  if (order.back().first - order.front().first <= std::max(tolerance, 0.0))
    return std::nullopt;
  if (lists_.empty())
    list_items();
  step best;
  const auto classes = lists_.front().size();
  const auto least = (1 - 1 / settings_.reverse_unbalance_toleration_factor) / 2;
  for (auto s = order.rbegin(); s != order.rend(); ++s) {
    for (auto d = order.begin(); d != order.end(); ++d) {
      const auto gap = s->first - d->first;
      // No item can gain more over this gap, nor over any smaller one.
      if (gap <= tolerance || gap <= 0 || gap * gap * largest / (2 * weight_.both()) <= best.gain)
        break;
      // Crumbs beside what cannot move: all of them together would hardly close the gap.
      if (!any && closable(s->second, d->second, gap) < least * gap)
        continue;
      for (std::size_t cls = 0; cls < classes; ++cls)
        offer(s->second, d->second, static_cast<std::uint16_t>(cls), gap, any, best);
    }
  }
  return best.gain > 0 ? std::optional{best} : std::nullopt;
}

std::optional<group_layer::step> group_layer::best_spread(bool any) {
  const auto n = static_cast<std::uint32_t>(writers_.size());
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  std::vector<bool> give(n, n <= spread_nodes);
  std::vector<bool> take(n, n <= spread_nodes);
  if (n > spread_nodes)
    for (int metric = 0; metric < 4; ++metric) {
      const auto key = [&](std::uint32_t i) {
        switch (metric) {
          case 0:
            return own_[i];
          case 1:
            return counts_[i];
          case 2:
            return shared_.rows[writers_[i]];
          default:
            return shared_.counts[writers_[i]];
        }
      };
      std::sort(order.begin(), order.end(), [&](auto a, auto b) {
        return std::pair{key(a), a} < std::pair{key(b), b};
      });
      for (std::size_t i = 0; i < spread_nodes / 2; ++i) {
        take[order[i]] = true;
        give[order[n - 1 - i]] = true;
      }
    }
  if (lists_.empty())
    list_items();
  step best;
  best.gain = any ? 0 : settings_.balance_cost_threshold;
  bool found = false;
  for (std::uint32_t from = 0; from < n; ++from) {
    if (!give[from])
      continue;
    for (const auto& list : lists_[from])
      for (std::uint32_t to = 0; to < n; ++to) {
        if (!take[to] || to == from)
          continue;
        const auto stride = std::max<std::size_t>(1, list.size() / spread_items);
        for (std::size_t i = 0; i < list.size(); i += stride) {
          const auto gain = spread_gain(std::get<2>(list[i]), from, to);
          if ((found || any ? gain > best.gain : gain >= best.gain)
              && verdict(std::get<2>(list[i]), to) == balance_verdict::accepted) {
            best = {std::get<2>(list[i]), to, gain};
            found = true;
          }
        }
      }
  }
  return found ? std::optional{best} : std::nullopt;
}

// -- fewer moves --------------------------------------------------------------------

bool group_layer::shorten() {
  bool changed = false;
  for (bool again = true; again;) {
    again = false;
    std::vector<std::uint32_t> moved; // and could have stayed
    std::vector<std::uint32_t> free;  // can be sent elsewhere at no cost
    for (std::uint32_t i = 0; i < items_.size(); ++i)
      if (const auto& x = items_[i]; x.at != x.start) {
        free.push_back(i);
        if (x.start >= 0 && allowed(x.cls, static_cast<std::size_t>(x.start)))
          moved.push_back(i);
      }
    if (moved.empty() || free.size() > shortened_moves)
      return changed;
    const auto back = [&](std::uint32_t i) {
      const auto lost = -gain_of(i, static_cast<std::uint32_t>(items_[i].start));
      put(i, items_[i].start);
      return lost;
    };
    for (std::size_t a = 0; a < moved.size() && !again; ++a) {
      const auto at_a = items_[moved[a]].at;
      const auto lost_a = back(moved[a]);
      // Without a: does sending another moved item elsewhere make up for it?
      for (auto y : free) {
        if (again || y == moved[a])
          continue;
        for (std::uint32_t to = 0; to < writers_.size() && !again; ++to)
          if (verdict(y, to) == balance_verdict::accepted && gain_of(y, to) >= lost_a) {
            put(y, static_cast<std::int32_t>(to));
            again = true;
          }
      }
      // Without a and b: does one move make up for both?
      for (std::size_t b = a + 1; b < moved.size() && !again; ++b) {
        const auto at_b = items_[moved[b]].at;
        const auto lost = lost_a + back(moved[b]);
        if (lost <= 0) {
          again = true;
        } else if (const auto one = best(true); one && one->gain >= lost) {
          put(one->item, static_cast<std::int32_t>(one->to));
          again = true;
        } else {
          put(moved[b], at_b);
        }
      }
      if (!again)
        put(moved[a], at_a);
    }
    changed = changed || again;
  }
  return changed;
}

struct group_layer::search {
  std::vector<std::uint32_t> items;
  double wanted = 0;
  int budget = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> chosen; ///< item, to
};

/// The chosen moves are all made; true: from where they started they can be made one by one, each worth it. Leaves them
/// made.
bool group_layer::orderly(const search& s) {
  for (auto i = s.chosen.rbegin(); i != s.chosen.rend(); ++i)
    put(i->first, items_[i->first].start);
  auto left = s.chosen;
  for (bool moved = true; moved && !left.empty();) {
    moved = false;
    std::erase_if(left, [&](const auto& m) {
      if (!worth(m.first, m.second))
        return false;
      put(m.first, static_cast<std::int32_t>(m.second));
      return moved = true;
    });
  }
  for (const auto& m : left)
    put(m.first, static_cast<std::int32_t>(m.second));
  return left.empty();
}

bool group_layer::try_moves(search& s, std::size_t from, std::size_t left, double gain) {
  if (left == 0)
    return gain >= s.wanted && orderly(s);
  for (auto i = from; i + left <= s.items.size(); ++i)
    for (std::uint32_t to = 0; to < writers_.size(); ++to) {
      const auto x = s.items[i];
      if (verdict(x, to) != balance_verdict::accepted)
        continue;
      if (--s.budget < 0)
        return false;
      const auto more = gain_of(x, to);
      if (left == 1 && gain + more < s.wanted)
        continue;
      put(x, static_cast<std::int32_t>(to));
      s.chosen.emplace_back(x, to);
      if (try_moves(s, i + 1, left - 1, gain + more))
        return true;
      s.chosen.pop_back();
      put(x, items_[x].start);
    }
  return false;
}

/// Every choice of places for the drained items from `free` on, with `left` moves of others.
bool group_layer::try_drains(search& s, const std::vector<std::uint32_t>& free, std::size_t next, std::size_t left,
                             double gain) {
  if (next == free.size())
    return try_moves(s, 0, left, gain);
  const auto x = free[next];
  const auto at = items_[x].at;
  if (try_drains(s, free, next + 1, left, gain))
    return true;
  for (std::uint32_t to = 0; to < writers_.size(); ++to) {
    if (verdict(x, to) != balance_verdict::accepted)
      continue;
    if (--s.budget < 0)
      return false;
    const auto more = gain_of(x, to);
    put(x, static_cast<std::int32_t>(to));
    if (try_drains(s, free, next + 1, left, gain + more))
      return true;
    put(x, at);
  }
  return false;
}

bool group_layer::shorten_exactly() {
  search s;
  std::vector<std::pair<std::uint32_t, std::int32_t>> moved;
  std::vector<std::uint32_t> free; // drained: they move in any case
  for (std::uint32_t i = 0; i < items_.size(); ++i) {
    const auto& x = items_[i];
    if (!x.movable || x.value <= 0)
      continue;
    if (x.start < 0 || !allowed(x.cls, static_cast<std::size_t>(x.start))) {
      if (x.at != x.start)
        free.push_back(i);
      continue;
    }
    s.items.push_back(i);
    if (x.at != x.start)
      moved.emplace_back(i, x.at);
  }
  // One best move, or two, cannot be beaten by fewer, unless what is drained goes elsewhere.
  const bool drains_too = !free.empty() && !moved.empty() && moved.size() + free.size() <= shortened_moves;
  if (moved.size() < 3 && !drains_too)
    return false;
  for (auto i = moved.rbegin(); i != moved.rend(); ++i) {
    s.wanted -= gain_of(i->first, static_cast<std::uint32_t>(items_[i->first].start));
    put(i->first, items_[i->first].start);
  }
  s.wanted *= 1 - 1e-12;
  s.budget = tried_placements;
  for (std::size_t k = 1; moved.size() >= 3 && k < moved.size() && s.budget > 0; ++k)
    if (try_moves(s, 0, k, 0))
      return true;
  s.budget = drains_too ? tried_placements : 0;
  for (std::size_t k = 0; k < moved.size() && s.budget > 0; ++k)
    if (try_drains(s, free, 0, k, 0))
      return true;
  for (const auto& [item, at] : moved)
    put(item, at);
  return false;
}

} // namespace muster
