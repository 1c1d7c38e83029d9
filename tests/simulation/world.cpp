// Time, order, processes, and the checks on what processes do.
#include "tests/simulation/world.hpp"

#include "tests/simulation/trace.hpp"

#include <algorithm>
#include <typeinfo>

namespace muster::sim {

namespace {

/// True for a node session of the coordinator, told by the name of its state.
bool is_session(const caf::resumable& job) {
  return std::strstr(typeid(job).name(), "session_shell") != nullptr;
}

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

} // namespace

world::world(const options& o, totals& sums, trace_sink sink)
  : options_(o), random_(o.seed), hands_(o.seed ^ 0x6a09e667), grouping_(o.seed ^ 0x3c6ef372), operating_(o.seed ^ 0xa54ff53a), sums_(sums), sink_(sink), model_([this](verdict how, std::string text) { fail(how, std::move(text)); }) {
  data_->drop_every = o.compaction ? 3 : 0;
  data_->random = prng{o.seed ^ 0x5bd1e995};
  processes_.push_back(std::make_unique<process>(0, "coordinator"));
  for (int i = 1; i <= o.nodes; ++i)
    processes_.push_back(std::make_unique<process>(i, "node" + std::to_string(i)));
  const auto set = [this](const char* key, const std::string& value) {
    if (!processes_[0]->settings.set(key, value, setting_origin::file))
      fail(verdict::crash, std::string{"the table refuses "} + key + " " + value);
  };
  set("queryCoord.balancer", o.balancer);
  set("queryCoord.channelExclusiveNodeFactor", std::to_string(o.exclusive_factor));
  set("queryCoord.collectionRecoverTimes", std::to_string(o.recover_times));
  if (o.tight) {
    processes_[0]->tasks.parallelism_factor = 0.01;
    processes_[0]->tasks.execution_cap = 1;
    for (auto& p : processes_)
      p->cpus = 1;
  }
}

world::~world() {
  for (auto& p : processes_)
    if (p->up)
      end(*p);
}

void world::fail(verdict how, std::string text) {
  if (!running())
    return;
  result_.how = how;
  result_.text = std::move(text);
  trace("FAILED: ", result_.text);
}

void world::mix(std::uint64_t value) {
  hash_ = (hash_ ^ value) * 0x100000001b3ull;
  hash_ ^= hash_ >> 29;
}

void world::mix(std::string_view bytes) {
  std::uint64_t sum = 0xcbf29ce484222325ull;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    sum = (sum ^ word) * 0x100000001b3ull;
    sum ^= sum >> 31;
  }
  mix(sum + bytes.size());
}

// -- time and order ---------------------------------------------------------------

void world::after(std::int64_t delay, std::function<void()> happens) {
  events_.push({now_ + delay, next_order_++, std::move(happens)});
}

/// Runs one job of some process; false: there is none that may run now.
bool world::run_job() {
  std::size_t all = 0;
  for (const auto& p : processes_)
    if (p->up && !p->paused)
      all += p->scheduler->jobs.size();
  if (all == 0)
    return false;
  auto start = random_.below(all);
  for (std::size_t tried = 0; tried < all; ++tried) {
    auto at = (start + tried) % all;
    process* p = nullptr;
    for (const auto& candidate : processes_) {
      if (!candidate->up || candidate->paused)
        continue;
      const auto n = candidate->scheduler->jobs.size();
      if (at < n) {
        p = candidate.get();
        break;
      }
      at -= n;
    }
    auto& jobs = p->scheduler->jobs;
    const auto* actor = dynamic_cast<caf::abstract_actor*>(jobs[at]);
    const auto id = actor == nullptr ? 0 : actor->id();
    if (auto h = p->held.find(id); h != p->held.end()) {
      if (h->second > now_)
        continue;
      p->held.erase(h);
    } else if (auto s = p->slow.find(id); s != p->slow.end()) {
      const auto most = s->second ? options_.disk_time : options_.load_time;
      if (most > 0) {
        p->held[id] = now_ + random_.between(most / 8, most);
        continue;
      }
    } else if (p->stalled_until > now_ && random_.chance(1, 8)) {
      p->held[id] = now_ + random_.between(50 * us, 25 * ms);
      continue;
    } else if (p->sessions_stalled_until > now_ && is_session(*jobs[at])) {
      p->held[id] = p->sessions_stalled_until;
      continue;
    }
    const auto begin = jobs.begin();
    const auto pos = static_cast<std::ptrdiff_t>(at);
    std::rotate(begin, begin + pos, begin + pos + 1);
    current_process_ = p->index;
    current_actor_ = id;
    mix(static_cast<std::uint64_t>(now_) * 31 + static_cast<std::uint64_t>(p->index) * 7 + id);
    ++sums_.messages;
    p->scheduler->run_once();
    current_process_ = -1;
    if (p->crash_after > 0 && --p->crash_after == 0)
      stop(*p, p->crash_powers_off, "a planned crash");
    return true;
  }
  return false;
}

void world::drain() {
  for (std::uint64_t jobs = 0; running() && run_job();)
    if (++jobs == 3'000'000)
      fail(verdict::liveness, "messages go on for ever without time passing");
}

/// To the next moment at which something happens; false: nothing ever does.
bool world::advance() {
  auto next = events_.empty() ? never : events_.top().at;
  for (const auto& p : processes_) {
    if (!p->up || p->paused)
      continue;
    const auto& timers = p->scheduler->clock().schedule();
    if (!timers.empty())
      next = std::min<std::int64_t>(next, timers.begin()->first.time_since_epoch().count() - p->clock_ahead);
    for (auto [actor, until] : p->held)
      if (until > now_)
        next = std::min(next, until);
  }
  if (next == never)
    return false;
  now_ = std::max(next, now_);
  for (const auto& p : processes_) {
    if (!p->up || p->paused)
      continue;
    auto& clock = p->scheduler->clock();
    const auto behind = now_ + p->clock_ahead - clock.current_time.time_since_epoch().count();
    clock.advance_time(caf::timespan{std::max<std::int64_t>(behind, 0)});
  }
  while (running() && !events_.empty() && events_.top().at <= now_) {
    auto happens = std::move(const_cast<event&>(events_.top()).happens);
    events_.pop();
    happens();
  }
  return true;
}

/// Processes that were asked to stop and have nothing left to do.
void world::finish_stops() {
  for (auto& p : processes_)
    if (p->up && p->stopping && !p->paused && !p->scheduler->has_job())
      stop(*p, false, "its orderly stop");
}

outcome world::run() {
  start(*processes_[0]);
  for (int i = 1; i <= options_.nodes; ++i) {
    auto& p = *processes_[static_cast<std::size_t>(i)];
    if (i > options_.nodes - options_.late_nodes)
      after(random_.between(50 * ms, options_.duration), [this, &p] {
        if (!p.up && disturbed_)
          start(p);
      });
    else
      after(random_.between(0, 5 * ms), [this, &p] { start(p); });
  }
  after(random_.between(5 * ms, 40 * ms), [this] { operate(); });
  if (!options_.second_balancer.empty())
    after(hands_.between(20 * ms, options_.duration), [this] { change_policy(); });
  if (options_.by_hand)
    after(hands_.between(20 * ms, 200 * ms), [this] { move_by_hand(); });
  if (options_.groups) {
    groups_stay_ = grouping_.chance(1, 2);
    after(grouping_.between(5 * ms, 200 * ms), [this] { change_groups(); });
  }
  if (options_.partitions)
    after(operating_.between(20 * ms, 200 * ms), [this] { change_partitions(); });
  if (options_.switches)
    after(operating_.between(20 * ms, 300 * ms), [this] { change_switches(); });
  after(random_.between(20 * ms, 60 * ms), [this] { search_something(); });
  if (options_.faults_every > 0)
    after(random_.between(options_.faults_every / 2, options_.faults_every * 2) + 30 * ms, [this] { disturb(); });
  after(options_.duration, [this] { heal(); });
  while (running() && settling_ != settling::done) {
    drain();
    finish_stops();
    check_releases();
    if (!running() || settling_ == settling::done)
      break;
    if (!disturbed_)
      settle();
    if (!advance())
      fail(verdict::liveness, "nothing will ever happen again");
  }
  return end_all();
}

outcome world::end_all() {
  for (auto& p : processes_)
    if (p->up)
      if (auto wrong = end(*p); !wrong.empty())
        fail(verdict::crash, p->name + ": " + wrong);
  mix(static_cast<std::uint64_t>(result_.how));
  result_.hash = hash_;
  result_.virtual_time = now_;
  return result_;
}

// -- processes ----------------------------------------------------------------------

void world::start(process& p) {
  begin(p, *this, now_, random_.between(1, 1'000'000) * s);
  trace("start ", p.name, " #", p.generation);
  if (p.coordinator()) {
    seen_ = nullptr;
    recovery_checked_ = false;
    if (options_.bad_records && disturbed_)
      spoil_disk();
    if (!start_coordinator_in(p, *this, disk_, disk_faults_, random_, data_)) {
      if (p.up)
        stop(p, false, "it could not start");
      restart_later(p, 20 * ms);
      return;
    }
    at_start_ = {};
    at_start_.collections = model_.disk.collections;
    at_start_.groups = model_.disk.groups;
    at_start_.inactive_checkers = model_.disk.inactive_checkers;
    at_start_.suspended_nodes = model_.disk.suspended_nodes;
    model_.check_promises("after a restart of the coordinator");
    watch();
  } else {
    p.incarnation = ++incarnations_;
    start_node_in(p, *this, processes_[0]->address);
  }
}

void world::stop(process& p, bool powers_off, const char* why) {
  if (!p.up)
    return;
  trace("stop ", p.name, " #", p.generation, ": ", why, powers_off ? ", its machine too" : "");
  if (!p.stopping)
    ++sums_.crashes;
  const bool restart = p.stopping;
  *p.alive = false;
  end_links(p, powers_off);
  lose_calls(p, powers_off);
  if (p.coordinator())
    seen_ = nullptr;
  if (p.engine)
    p.ever[p.incarnation] = p.engine->ever;
  if (auto wrong = end(p); !wrong.empty())
    fail(verdict::crash, p.name + ": " + wrong);
  p.powered = !powers_off;
  if (p.coordinator())
    model_.check_promises("after the coordinator ended");
  if (restart)
    restart_later(p, random_.between(1 * ms, 600 * ms));
  else if (p.restart_after >= 0)
    restart_later(p, p.restart_after);
}

void world::restart_later(process& p, std::int64_t delay) {
  after(delay, [this, &p] {
    if (!p.up)
      start(p);
  });
}

void world::pause(process& p, std::int64_t time) {
  if (!p.up || p.paused)
    return;
  trace("pause ", p.name, " for ", time / us, " us");
  p.paused = true;
  after(time, [this, &p, g = p.generation] {
    if (p.generation == g)
      resume(p);
  });
}

void world::resume(process& p) {
  if (!p.up || !p.paused)
    return;
  trace("resume ", p.name);
  p.paused = false;
  for (auto& what : std::exchange(p.inbox, {}))
    if (p.up)
      what();
}

void world::inside(process& p, std::uint64_t generation, std::function<void()> what) {
  if (!p.up || p.generation != generation)
    return;
  if (p.paused)
    p.inbox.push_back(std::move(what));
  else
    what();
}

process* world::node_with_id(std::int64_t id) {
  for (auto& p : processes_)
    if (!p->coordinator() && p->node == id)
      return p.get();
  return nullptr;
}

/// Up, and connected to the coordinator for a while: what is true of it is known there.
bool world::can_count_on(std::int64_t node) {
  const auto* p = node_with_id(node);
  const auto& coordinator = *processes_[0];
  if (p == nullptr || !p->up || p->paused || p->linked_at < 0 || !coordinator.up || coordinator.paused
      || blocked(p->index, 0) || blocked(0, p->index))
    return false;
  const auto stands = [&](const auto& entry) {
    const auto& c = entry.second;
    return !c.peer && c.accepted && !c.broken && c.ends[0].process == p->index && !c.ends[0].closed && !c.ends[1].closed
           && c.ends[1].generation == coordinator.generation;
  };
  if (std::none_of(connections_.begin(), connections_.end(), stands))
    return false;
  return now_ - p->linked_at > 3 * s || (options_.faults_every == 0 && now_ - p->started_at > 200 * ms);
}

// -- outside ------------------------------------------------------------------------

void world::actor_is_slow(int index, bool disk) {
  if (current_process_ == index)
    processes_[static_cast<std::size_t>(index)]->slow[current_actor_] = disk;
}

void world::fatal(int index, const std::string& text) {
  auto& p = *processes_[static_cast<std::size_t>(index)];
  trace(p.name, " ends itself: ", text);
  if (!p.failed_by_disk)
    fail(verdict::crash, p.name + " ended itself without a fault of its disk: " + text);
  p.crash_after = 1;
  p.restart_after = random_.between(1 * ms, 300 * ms);
}

void world::committed(int, const std::vector<journal_row>& rows) {
  std::vector<const reported_node*> nodes;
  for (const auto& p : processes_)
    if (p->up && !p->coordinator())
      nodes.push_back(&p->reports);
  for (const auto& row : rows)
    trace("commit ", row.seq, " ", muster::to_string(row.kind), " ", row.key, row.payload ? "" : " gone");
  model_.committed(rows, [this](std::int64_t node) { return can_count_on(node); }, nodes);
}

void world::disk_failed(int index, append_outcome how) {
  trace("the disk ", how == append_outcome::refused ? "refuses a commit" : "loses the outcome of a commit");
  if (how == append_outcome::unknown)
    processes_[static_cast<std::size_t>(index)]->failed_by_disk = true;
}

void world::power_fails(int index) {
  auto& p = *processes_[static_cast<std::size_t>(index)];
  trace("power fails during a commit");
  p.failed_by_disk = true;
  *p.alive = false; // nothing more gets out
  p.crash_after = 1;
  p.crash_powers_off = true;
  p.restart_after = random_.between(5 * ms, 300 * ms);
}

void world::drained(int index) {
  auto& p = *processes_[static_cast<std::size_t>(index)];
  trace(p.name, " is empty and leaves");
  ++sums_.drained;
  p.stopping = true;
  p.node_parts.stop();
}

void world::released(int index, segment_id segment) {
  auto& p = *processes_[static_cast<std::size_t>(index)];
  trace(p.name, " releases segment ", segment.value);
  releases_.push_back({index, p.generation, segment.value, now_});
}

/// Rule 2: no delegator that could be searched routes to what was just released.
void world::check_releases() {
  for (auto r : std::exchange(releases_, {})) {
    const auto& worker = *processes_[static_cast<std::size_t>(r.worker)];
    if (!worker.up || worker.generation != r.generation || worker.engine->here.contains(r.segment))
      continue;
    bool again = false;
    for (const auto& p : processes_) {
      if (p->coordinator() || !p->up || p->paused || !p->reports.told || !can_count_on(p->node))
        continue;
      for (const auto& [key, d] : p->reports.delegators) {
        auto route = d.view.find(r.segment);
        if (!d.serviceable || d.served == 0 || route == d.view.end() || route->second != worker.node)
          continue;
        auto desired = model_.disk.collections.find(d.collection);
        if (desired == model_.disk.collections.end() || desired->second.replica(d.replica) == nullptr)
          continue; // released meanwhile: nothing has to be served any more
        const auto* v = model_.disk.version(d.collection, d.served);
        auto channel = v == nullptr ? decltype(v->channels.end()){} : v->channels.find(d.channel);
        if (v == nullptr || channel == v->channels.end() || !channel->second.contains(r.segment))
          continue;
        if (std::any_of(p->held.begin(), p->held.end(), [&](const auto& h) { return h.second > now_; })) {
          again = true; // what it knows may not have left it yet
          continue;
        }
        fail(verdict::safety, worker.name + " released segment " + std::to_string(r.segment) + ", but the delegator of channel "
                                + d.channel + " on " + p->name + " serves target " + std::to_string(d.served) + " from it");
      }
    }
    if (again && now_ - r.at < 200 * ms)
      releases_.push_back(r);
  }
}

void world::published(int, const situation& now) {
  seen_ = &now;
  check_recovery(now);
  bool tasks = false;
  for (const auto& [id, c] : now.collections()) {
    tasks = tasks || !c.tasks.empty();
    for (const auto& t : c.tasks)
      if (t.kind == schema::TaskKind::MOVE_SEGMENT || t.kind == schema::TaskKind::MOVE_SHARD)
        if (moves_.insert(t.id).second)
          ++sums_.moves;
    c.each_copy([&, id = id](const copy_row& copy) {
      const auto* n = now.node(copy.node);
      if (n == nullptr || !n->connected() || !n->known)
        return;
      const auto* p = node_with_id(copy.node);
      if (p == nullptr)
        return;
      const auto& held = p->up && p->incarnation == n->incarnation ? p->engine->ever : p->ever.at(n->incarnation);
      if (!held.contains(copy.segment))
        fail(verdict::safety, "the situation shows segment " + std::to_string(copy.segment) + " of collection "
                                + std::to_string(id) + " on " + p->name + ", which never held it in incarnation "
                                + std::to_string(n->incarnation));
    });
  }
  if (tasks) {
    last_movement_ = now_;
    return;
  }
  for (const auto& [id, n] : now.nodes()) {
    const auto load = now.load(id);
    if (load.rows_in_flight != 0 || load.segments_in_flight != 0 || load.channels_in_flight != 0)
      fail(verdict::safety, "no task is in flight, but node " + std::to_string(id) + " is counted with "
                              + std::to_string(load.rows_in_flight) + " rows, " + std::to_string(load.segments_in_flight)
                              + " segments and " + std::to_string(load.channels_in_flight) + " channels in flight");
  }
}

} // namespace muster::sim
