// Counters of actors and their registry.
#include "actors/runtime/probe.hpp"

#include "actors/runtime/tap.hpp"

#include <algorithm>
#include <bit>

namespace muster {

namespace {

constexpr std::size_t max_times = 4096;
constexpr std::size_t max_ended = 4096;

} // namespace

probe::probe(std::string name, std::string kind, std::string owner)
  : name_(std::move(name)), kind_(std::move(kind)), owner_(std::move(owner)) {
  // nop
}

void probe::sent(std::int64_t now_ns) {
  std::lock_guard guard{mutex_};
  if (queue_.size() < max_times)
    queue_.push_back(now_ns);
  else
    ++untimed_;
}

void probe::begin(const char* type, std::int64_t) {
  std::lock_guard guard{mutex_};
  ++handled_;
  ++by_type_[type];
  if (!queue_.empty())
    queue_.pop_front();
  else if (untimed_ > 0)
    --untimed_;
}

void probe::end(std::int64_t took_ns) {
  std::lock_guard guard{mutex_};
  const auto bucket = std::min<std::size_t>(std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(took_ns, 0))),
                                            times_.size() - 1);
  ++times_[bucket];
  max_ns_ = std::max(max_ns_, took_ns);
  total_ns_ += took_ns;
}

void probe::failed(std::string text) {
  std::lock_guard guard{mutex_};
  last_failure_ = std::move(text);
  ++failures_;
}

void probe::waits_for(std::string text) {
  std::lock_guard guard{mutex_};
  waiting_for_ = std::move(text);
}

void probe::count(const char* what, std::uint64_t more) {
  std::lock_guard guard{mutex_};
  counters_[what] += more;
}

void probe::set(const char* what, std::uint64_t value) {
  std::lock_guard guard{mutex_};
  counters_[what] = value;
}

void probe::ended() {
  std::lock_guard guard{mutex_};
  ended_ = true;
}

std::shared_ptr<const tap_list> probe::taps() const {
  static const auto none = std::make_shared<const tap_list>();
  std::lock_guard guard{mutex_};
  return taps_ ? taps_ : none;
}

void probe::add_tap(std::shared_ptr<tap> t) {
  std::lock_guard guard{mutex_};
  auto all = taps_ ? *taps_ : tap_list{};
  all.push_back(std::move(t));
  taps_ = std::make_shared<const tap_list>(std::move(all));
  tapped_ = true;
}

void probe::remove_tap(const tap* t) {
  std::lock_guard guard{mutex_};
  auto all = taps_ ? *taps_ : tap_list{};
  std::erase_if(all, [&](const auto& each) { return each.get() == t; });
  tapped_ = !all.empty();
  taps_ = all.empty() ? nullptr : std::make_shared<const tap_list>(std::move(all));
}

void probe::restarted(probe& predecessor) {
  std::scoped_lock guard{mutex_, predecessor.mutex_};
  taps_ = std::exchange(predecessor.taps_, nullptr);
  tapped_ = taps_ != nullptr;
  predecessor.tapped_ = false;
  if (taps_)
    for (const auto& t : *taps_)
      t->taken_over();
  restarts_ = predecessor.restarts_ + 1;
  last_failure_ = predecessor.last_failure_;
  failures_ = predecessor.failures_;
  counters_ = predecessor.counters_;
}

probe_report probe::report(std::int64_t now_ns) const {
  std::lock_guard guard{mutex_};
  probe_report r;
  r.name = name_;
  r.kind = kind_;
  r.owner = owner_;
  r.queued = queue_.size() + untimed_;
  if (!queue_.empty())
    r.oldest_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ns - queue_.front(), 0)) / 1'000'000;
  r.handled = handled_;
  for (const auto& [type, count] : by_type_)
    r.handled_by_type.emplace_back(type, count);
  std::sort(r.handled_by_type.begin(), r.handled_by_type.end());
  std::uint64_t total = 0;
  for (auto n : times_)
    total += n;
  // A percentile is the upper bound of its bucket, never more than the maximum seen.
  auto percentile = [&](std::uint64_t per_hundred) {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < times_.size(); ++i) {
      seen += times_[i];
      if (total > 0 && seen * 100 >= total * per_hundred)
        return static_cast<std::uint64_t>(std::min<std::int64_t>(std::int64_t{1} << i, max_ns_)) / 1000;
    }
    return std::uint64_t{0};
  };
  r.handler_p50_us = percentile(50);
  r.handler_p99_us = percentile(99);
  r.handler_max_us = static_cast<std::uint64_t>(max_ns_) / 1000;
  r.handler_total_us = static_cast<std::uint64_t>(total_ns_) / 1000;
  r.failures = failures_;
  r.counters.assign(counters_.begin(), counters_.end());
  r.restarts = restarts_;
  r.last_failure = last_failure_;
  r.waiting_for = waiting_for_;
  r.state = ended_ ? "ended" : "running";
  return r;
}

std::shared_ptr<probe> probe_registry::enrol(std::uint64_t actor, std::string name, std::string kind, std::string owner) {
  auto fresh = std::make_shared<probe>(name, std::move(kind), std::move(owner));
  std::lock_guard guard{mutex_};
  if (auto i = by_name_.find(name); i != by_name_.end())
    fresh->restarted(*i->second);
  if (auto i = expected_.find(name); i != expected_.end()) {
    fresh->add_tap(std::move(i->second));
    expected_.erase(i);
  }
  by_actor_[actor] = fresh;
  by_name_[std::move(name)] = fresh;
  return fresh;
}

void probe_registry::retire(std::uint64_t actor) {
  std::lock_guard guard{mutex_};
  auto i = by_actor_.find(actor);
  if (i == by_actor_.end())
    return;
  i->second->ended();
  auto named = by_name_.find(i->second->name());
  // Short-lived actors (jobs, watchers) must not pile up; the rest stays visible with its last failure.
  if (named != by_name_.end() && named->second == i->second
      && (by_name_.size() > max_ended || named->first.find('#') != std::string::npos))
    by_name_.erase(named);
  by_actor_.erase(i);
}

void probe_registry::sent(std::uint64_t actor, std::int64_t now_ns) {
  std::shared_ptr<probe> target;
  {
    std::lock_guard guard{mutex_};
    auto i = by_actor_.find(actor);
    if (i == by_actor_.end())
      return;
    target = i->second;
  }
  target->sent(now_ns);
}

std::vector<probe_report> probe_registry::reports(std::string_view name, std::int64_t now_ns) const {
  std::vector<std::shared_ptr<probe>> chosen;
  {
    std::lock_guard guard{mutex_};
    for (const auto& [key, value] : by_name_)
      if (name.empty() || key == name)
        chosen.push_back(value);
  }
  std::vector<probe_report> result;
  result.reserve(chosen.size());
  for (const auto& p : chosen) {
    result.push_back(p->report(now_ns));
    auto& r = result.back();
    if (const auto [open, whom] = p->open(); open > 0 && r.waiting_for.empty() && r.state == "running") {
      const auto asked = name_of(whom);
      r.waiting_for = (open == 1 ? "an answer of " : std::to_string(open) + " answers, the last asked is ")
                      + (asked.empty() ? "an actor that has ended" : asked);
    }
  }
  return result;
}

std::size_t probe::queued() const {
  std::lock_guard guard{mutex_};
  return queue_.size() + untimed_;
}

std::size_t probe_registry::queued(std::uint64_t actor) const {
  std::shared_ptr<probe> target;
  {
    std::lock_guard guard{mutex_};
    auto i = by_actor_.find(actor);
    if (i == by_actor_.end())
      return 0;
    target = i->second;
  }
  return target->queued();
}

std::shared_ptr<probe> probe_registry::named(std::string_view name) const {
  std::lock_guard guard{mutex_};
  auto i = by_name_.find(name);
  return i == by_name_.end() ? nullptr : i->second;
}

std::string probe_registry::name_of(std::uint64_t actor) const {
  std::lock_guard guard{mutex_};
  auto i = by_actor_.find(actor);
  return i == by_actor_.end() ? std::string{} : i->second->name();
}

void probe_registry::expect(const std::string& name, std::shared_ptr<tap> t) {
  std::lock_guard guard{mutex_};
  expected_[name] = std::move(t);
}

std::size_t probe_registry::size() const {
  std::lock_guard guard{mutex_};
  return by_actor_.size();
}

} // namespace muster
