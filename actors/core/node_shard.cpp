// The view logic of a shard delegator.
#include "actors/core/node_shard.hpp"

#include "actors/core/plant.hpp"
#include "messages/limits.hpp"

#include <algorithm>

namespace muster {

// -- orders ---------------------------------------------------------------------

void node_shard::name_worker(node_id worker, std::string address) {
  if (worker == self_)
    return;
  auto& w = workers_[worker];
  if (w.address == address)
    return;
  w.address = std::move(address);
  out_.peers_changed |= w.uses > 0;
}

bool node_shard::refused_as_dropping(order_token token) {
  if (dropping_.empty())
    return false;
  answer(token, failure{ec::channel_not_available,
                        "channel " + key_.channel + " is being dropped here; order it again later"});
  return true;
}

void node_shard::serve(order_token token, std::int64_t version, target_version target,
                       std::vector<placed_segment> placed) {
  if (refused_as_dropping(token))
    return;
  if (version <= version_ && served_.version > 0) {
    answer(token, std::nullopt);
    return;
  }
  version_ = std::max(version_, version);
  if (target > served_.version && target >= wanted_.version) {
    wanted_ = version_list{target, {}, 0};
    for (const auto& p : placed)
      wanted_.segments.push_back(p.source.segment);
    std::sort(wanted_.segments.begin(), wanted_.segments.end());
  }
  const auto number = next_++;
  auto& o = orders_[number];
  o.token = token;
  o.target = target;
  for (auto& p : placed)
    if (auto i = view_.find(p.source.segment); i == view_.end() || i->second.worker != p.worker)
      start_load(number, version, std::move(p));
  view_changed();
  if (o.open == 0)
    finish(number);
}

void node_shard::load(order_token token, std::int64_t version, placed_segment what) {
  if (refused_as_dropping(token))
    return;
  const auto number = next_++;
  orders_[number].token = token;
  start_load(number, version, std::move(what));
}

void node_shard::start_load(std::uint64_t order_number, std::int64_t version, placed_segment what) {
  auto& o = orders_[order_number];
  const auto where = std::pair{what.source.segment, what.worker};
  if (auto i = loading_.find(where); i != loading_.end()) {
    auto& joined = loads_[i->second].orders;
    if (joined.empty() || joined.back() != order_number) {
      joined.push_back(order_number);
      ++o.open;
      ++o.total;
    }
    return;
  }
  const auto call = next_++;
  loads_[call] = open_load{what.source.segment, what.worker, {order_number}};
  loading_[where] = call;
  use(what.worker);
  ++o.open;
  ++o.total;
  out_.loads.push_back({call, what.worker, std::move(what.source), version});
}

void node_shard::release(order_token token, segment_id segment, node_id worker) {
  if (refused_as_dropping(token))
    return;
  const auto routed = route(segment) == worker;
  const auto planted = plant::active == plant::bug::release_before_view;
  auto fence = [&](const std::string& why) {
    answer(token, failure{ec::fenced, "channel " + key_.channel + " keeps segment " + to_string(segment) + " at node "
                                        + to_string(worker) + ": " + why});
  };
  if (!planted) {
    if (routed && needs(served_, segment))
      return fence("version " + std::to_string(served_.version) + " is served from it");
    if (routed && wanted_.version > served_.version && needs(wanted_, segment))
      return fence("version " + std::to_string(wanted_.version) + " is about to be served from it");
    if (loading_.count({segment, worker}) > 0)
      return fence("it is being loaded there");
    if (routed)
      erase_route(segment);
  }
  const auto number = next_++;
  auto& o = orders_[number];
  o.token = token;
  o.open = 1;
  releases_[number] = open_release{number, segment, worker, false, planted && routed};
  use(worker);
  view_changed();
  tell_releases();
}

void node_shard::drop(order_token token, std::int64_t version) {
  if (version < version_) {
    answer(token, std::nullopt);
    return;
  }
  dropping_.push_back(token);
  end_if_quiet();
}

void node_shard::sync_view(order_token token, const std::vector<std::pair<segment_id, node_id>>& set,
                           const std::vector<segment_id>& removed) {
  if (refused_as_dropping(token))
    return;
  for (auto segment : removed)
    if (needs(served_, segment)) {
      answer(token, failure{ec::fenced, "channel " + key_.channel + " cannot forget segment " + to_string(segment)
                                          + ": it is in the served version " + std::to_string(served_.version)});
      return;
    }
  for (auto [segment, worker] : set)
    if (!is_loading(segment) && route(segment) != worker)
      set_route(segment, worker, next_++);
  for (auto segment : removed)
    erase_route(segment);
  view_changed();
  answer(token, std::nullopt);
}

void node_shard::sync_stats(const std::vector<std::pair<std::int64_t, std::int64_t>>& stats) {
  for (auto [partition, version] : stats) {
    auto& mine = stats_[partition];
    mine = std::max(mine, version);
  }
}

void node_shard::sync_target(order_token token, target_version target, std::vector<segment_id> segments) {
  if (refused_as_dropping(token))
    return;
  if (target < served_.version) {
    answer(token, std::nullopt);
    return;
  }
  version_list list{target, std::move(segments), 0};
  std::sort(list.segments.begin(), list.segments.end());
  if (auto lack = first_lack(list)) {
    answer(token, lack_of(target, *lack));
    return;
  }
  served_ = std::move(list);
  view_changed();
  answer(token, std::nullopt);
}

void node_shard::keep_mark(order& o, const std::optional<failure>& why, report_mark mark) {
  if (why) {
    if (!o.why)
      o.why = why;
    return;
  }
  auto& seq = o.marks[{mark.node, mark.incarnation}];
  seq = std::max(seq, mark.seq);
}

void node_shard::close_call(std::uint64_t order_number, const std::optional<failure>& why, report_mark mark) {
  auto i = orders_.find(order_number);
  if (i == orders_.end())
    return;
  keep_mark(i->second, why, mark);
  if (--i->second.open == 0)
    finish(order_number);
}

void node_shard::finish(std::uint64_t order_number) {
  auto node = orders_.extract(order_number);
  auto& o = node.mapped();
  if (!o.why && served_.version < o.target) {
    if (wanted_.version > o.target)
      o.why = failure{ec::stale_premise, "channel " + key_.channel + " was ordered to serve version "
                                           + std::to_string(wanted_.version) + " meanwhile"};
    else if (auto lack = first_lack(wanted_))
      o.why = lack_of(o.target, *lack);
  }
  std::vector<report_mark> marks;
  for (const auto& [key, seq] : o.marks)
    marks.push_back({key.first, key.second, seq});
  answer(o.token, std::move(o.why), std::move(marks));
}

void node_shard::answer(order_token token, std::optional<failure> why, std::vector<report_mark> marks) {
  out_.answers.push_back({token, std::move(why), std::move(marks)});
}

// -- workers --------------------------------------------------------------------

void node_shard::load_done(std::uint64_t call, const std::optional<failure>& why, report_mark mark) {
  auto node = loads_.extract(call);
  if (node.empty() || ended_)
    return;
  auto& done = node.mapped();
  loading_.erase({done.segment, done.worker});
  if (!why) {
    // A route that is newer than this load stays.
    if (auto i = view_.find(done.segment); i == view_.end() || i->second.stamp < call)
      set_route(done.segment, done.worker, call);
    view_changed();
  }
  unuse(done.worker);
  for (auto number : done.orders)
    close_call(number, why, mark);
}

void node_shard::release_done(std::uint64_t call, const std::optional<failure>& why, report_mark mark) {
  auto node = releases_.extract(call);
  if (node.empty() || ended_)
    return;
  auto& done = node.mapped();
  if (done.forget && route(done.segment) == done.worker) {
    erase_route(done.segment);
    view_changed();
  }
  unuse(done.worker);
  close_call(done.order, why, mark);
}

void node_shard::reachable(node_id worker, bool is) {
  auto i = workers_.find(worker);
  if (i == workers_.end() || i->second.reachable == is)
    return;
  i->second.reachable = is;
  view_changed();
}

void node_shard::restarted(node_id worker) {
  std::vector<segment_id> lost;
  for (const auto& [segment, e] : view_)
    if (e.worker == worker)
      lost.push_back(segment);
  for (auto segment : lost)
    erase_route(segment);
  view_changed();
}

std::vector<std::pair<node_id, std::string>> node_shard::peers() const {
  std::vector<std::pair<node_id, std::string>> result;
  for (const auto& [worker, w] : workers_)
    if (w.uses > 0)
      result.emplace_back(worker, w.address);
  return result;
}

void node_shard::use(node_id worker) {
  if (worker != self_ && workers_[worker].uses++ == 0)
    out_.peers_changed = true;
}

void node_shard::unuse(node_id worker) {
  if (worker != self_ && --workers_[worker].uses == 0)
    out_.peers_changed = true;
}

// -- searches -------------------------------------------------------------------

result<std::pair<std::uint64_t, std::shared_ptr<const scatter_plan>>> node_shard::begin_search() {
  if (!dropping_.empty())
    return failure{ec::channel_not_found, "channel " + key_.channel + " has no leader here any more"};
  if (served_.version == 0)
    return failure{ec::channel_not_available, "channel " + key_.channel + ": " + waits_for()};
  if (!serviceable()) {
    const auto lack = **served_lack_;
    return failure{route(lack) ? ec::channel_not_available : ec::segment_lack,
                   "channel " + key_.channel + ": " + waits_for()};
  }
  if (searches_.size() >= limits::searches_per_delegator)
    return failure{ec::too_many_requests, "channel " + key_.channel + " has " + std::to_string(searches_.size())
                                            + " searches in flight; try again"};
  if (!plan_) {
    std::map<node_id, std::vector<segment_id>> parts;
    for (auto segment : served_.segments)
      parts[view_.find(segment)->second.worker].push_back(segment);
    auto plan = std::make_shared<scatter_plan>();
    plan->version = served_.version;
    plan->parts.assign(parts.begin(), parts.end());
    plan_ = std::move(plan);
  }
  const auto number = next_++;
  searches_.insert(number);
  return std::pair{number, plan_};
}

void node_shard::end_search(std::uint64_t number) {
  if (searches_.erase(number) == 0)
    return;
  tell_releases();
  end_if_quiet();
}

void node_shard::worker_lacks(std::uint64_t number, node_id worker, const std::vector<segment_id>& part) {
  for (auto segment : part)
    if (auto i = view_.find(segment); i != view_.end() && i->second.worker == worker && i->second.stamp < number)
      erase_route(segment);
  view_changed();
}

// -- state ----------------------------------------------------------------------

std::optional<node_id> node_shard::route(segment_id segment) const {
  auto i = view_.find(segment);
  return i == view_.end() ? std::nullopt : std::optional{i->second.worker};
}

bool node_shard::usable(segment_id segment) const {
  auto i = view_.find(segment);
  if (i == view_.end())
    return false;
  if (i->second.worker == self_)
    return true;
  auto w = workers_.find(i->second.worker);
  return w != workers_.end() && w->second.reachable;
}

std::optional<segment_id> node_shard::first_lack(const version_list& list) const {
  // From the last lack on and round: while segments arrive, each is looked at about once.
  const auto n = list.segments.size();
  if (list.hint >= n)
    list.hint = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto at = (list.hint + i) % n;
    if (!usable(list.segments[at])) {
      list.hint = at;
      return list.segments[at];
    }
  }
  return std::nullopt;
}

bool node_shard::serviceable() const {
  if (served_.version == 0 || !dropping_.empty())
    return false;
  if (!served_lack_)
    served_lack_ = first_lack(served_);
  return !*served_lack_;
}

std::string node_shard::describe_lack(segment_id segment) const {
  if (auto worker = route(segment))
    return "node " + to_string(*worker) + ", which serves segment " + to_string(segment) + ", cannot be reached";
  return "segment " + to_string(segment)
         + (is_loading(segment) ? " is being loaded" : " is on no node that this leader knows");
}

failure node_shard::lack_of(target_version version, segment_id segment) const {
  return {ec::segment_lack, "channel " + key_.channel + " cannot serve version " + std::to_string(version) + ": "
                              + describe_lack(segment)};
}

std::string node_shard::waits_for() const {
  if (!dropping_.empty())
    return "it is being dropped";
  if (served_.version == 0) {
    if (wanted_.version == 0)
      return "it has no target yet";
    auto lack = first_lack(wanted_);
    return lack ? describe_lack(*lack) : "it is about to serve version " + std::to_string(wanted_.version);
  }
  return serviceable() ? std::string{} : describe_lack(**served_lack_);
}

bool node_shard::is_loading(segment_id segment) const {
  auto i = loading_.lower_bound({segment, node_id{}});
  return i != loading_.end() && i->first.first == segment;
}

bool node_shard::needs(const version_list& list, segment_id segment) const {
  return list.version > 0 && std::binary_search(list.segments.begin(), list.segments.end(), segment);
}

void node_shard::set_route(segment_id segment, node_id worker, std::uint64_t stamp) {
  auto [i, fresh] = view_.try_emplace(segment, entry{worker, stamp});
  if (!fresh && i->second.worker != worker)
    unuse(i->second.worker);
  if (fresh || i->second.worker != worker)
    use(worker);
  i->second = entry{worker, stamp};
  touched_.insert(segment);
}

void node_shard::erase_route(segment_id segment) {
  auto i = view_.find(segment);
  if (i == view_.end())
    return;
  unuse(i->second.worker);
  view_.erase(i);
  touched_.insert(segment);
}

void node_shard::view_changed() {
  plan_.reset();
  served_lack_.reset();
  if (wanted_.version > served_.version && !first_lack(wanted_))
    served_ = wanted_;
}

void node_shard::tell_releases() {
  for (auto& [call, r] : releases_) {
    if (!searches_.empty() && *searches_.begin() < call)
      break;
    if (!r.told)
      out_.releases.push_back({call, r.worker, r.segment});
    r.told = true;
  }
}

void node_shard::end_if_quiet() {
  if (dropping_.empty() || ended_ || !searches_.empty())
    return;
  ended_ = true;
  out_.ended = true;
  for (const auto& [number, o] : orders_)
    answer(o.token, failure{ec::cancelled, "channel " + key_.channel + " was dropped here"});
  orders_.clear();
  for (auto token : dropping_)
    answer(token, std::nullopt);
}

shard_actions::report node_shard::make_report() {
  shard_actions::report r;
  r.version = version_;
  r.served = served_.version;
  r.serviceable = serviceable();
  r.stats.assign(stats_.begin(), stats_.end());
  return r;
}

std::vector<shard_actions::progress> node_shard::take_progress() {
  std::vector<shard_actions::progress> result;
  for (auto& [number, o] : orders_) {
    const auto done = o.total - o.open;
    if (o.total < 2 || done == o.told)
      continue;
    o.told = done;
    result.push_back({o.token.task, static_cast<std::uint32_t>(done), static_cast<std::uint32_t>(o.total)});
  }
  return result;
}

shard_actions node_shard::take() {
  auto now = make_report();
  if (!reported_) {
    now.whole = true;
    for (const auto& [segment, e] : view_)
      now.set.emplace_back(segment, e.worker);
  } else {
    for (auto segment : touched_) {
      if (auto worker = route(segment))
        now.set.emplace_back(segment, *worker);
      else
        now.removed.push_back(segment);
    }
  }
  const auto differs = std::tie(now.version, now.served, now.serviceable, now.stats)
                       != std::tie(last_.version, last_.served, last_.serviceable, last_.stats);
  if (!ended_ && (!reported_ || differs || !touched_.empty())) {
    last_ = {false, now.version, now.served, now.serviceable, {}, {}, now.stats};
    out_.changed = std::move(now);
    reported_ = true;
  }
  touched_.clear();
  if (out_.peers_changed)
    std::erase_if(workers_, [](const auto& kv) { return kv.second.uses == 0; });
  return std::exchange(out_, {});
}

} // namespace muster
