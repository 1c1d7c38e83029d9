// One thing is broken in a quiet cluster. The explanation must name it; what it says would unblock must do so, and nothing else does.
#include "tests/simulation/trace.hpp"
#include "tests/simulation/world.hpp"

#include <algorithm>

namespace muster::sim {

namespace {

/// What may be broken.
enum class broken {
  nodes_lost,
  nodes_lost_of_one_replica,
  channel_checker_off,
  segment_checker_off,
  leader_checker_off,
  file_missing,
  file_damaged,
  nodes_refuse,
  loads_fail,
  journal_refuses,
  source_down,
  source_down_later,
  node_silent,
  balance_off,
  load_given_up,
  two_of_one_name,
  node_unused,
  count,
};

const char* to_string(broken b) {
  static const char* names[] = {"nodes_lost",       "nodes_lost_of_one_replica", "channel_checker_off", "segment_checker_off",
                                "leader_checker_off", "file_missing",            "file_damaged",        "nodes_refuse",
                                "loads_fail",       "journal_refuses",           "source_down",         "source_down_later",
                                "node_silent",      "balance_off",               "load_given_up",       "two_of_one_name",
                                "node_unused"};
  return names[static_cast<int>(b)];
}

constexpr const char* name = "c";

} // namespace

bool world::pass(std::int64_t time, const std::function<bool()>& until) {
  const auto end = now_ + time;
  after(time, [] {}); // so that time does not stop before
  while (running()) {
    drain();
    finish_stops();
    if (until())
      return true;
    if (now_ >= end || !advance())
      return false;
  }
  return false;
}

msg<schema::ClientReply> world::ask_and_wait(std::function<void(schema::ClientRequest::Builder)> fill, std::int64_t timeout) {
  msg<schema::ClientReply> answer;
  auto done = std::make_shared<bool>(false);
  auto into = std::make_shared<msg<schema::ClientReply>>();
  ask(0, request(std::move(fill), timeout), timeout, false, {}, [done, into](const std::string& reply) {
    *done = true;
    if (auto r = parse<schema::ClientReply>(reply))
      *into = *r;
  });
  pass(timeout + 1 * s, [done] { return *done; });
  return *into;
}

schema::Explanation::Reader world::explained(const std::string& subject, const std::string& about) {
  last_answer_ = ask_and_wait(
    [&](schema::ClientRequest::Builder b) {
      auto e = b.initExplain();
      e.setSubject(subject);
      e.setName(about);
    },
    2 * s);
  if (last_answer_.empty() || !last_answer_->isExplain() || last_answer_->getExplain().getStatus().getCode() != 0)
    return {};
  return last_answer_->getExplain().getExplanation();
}

bool world::import_and_wait(const std::string& collection, bool append) {
  import(collection, append);
  const auto before = known_.size();
  const auto rows = [this] {
    std::size_t n = 0;
    for (const auto& [id, all] : data_->segments)
      n += all.size();
    return n;
  };
  const auto had = rows();
  return pass(5 * s, [&, before] { return append ? rows() > had : known_.size() > before; });
}

void world::begin_load(const std::string& collection, int replicas, bool refresh) {
  ask(0,
      request(
        [&](schema::ClientRequest::Builder b) {
          auto r = b.initLoadCollection();
          r.setCollection(collection);
          r.setReplicaNumber(static_cast<std::uint32_t>(replicas));
          r.setRefresh(refresh);
        },
        60 * s),
      60 * s, false, {}, [](const std::string&) {});
}

void world::switch_checker(const std::string& checker, bool on) {
  ask_and_wait(
    [&](schema::ClientRequest::Builder b) {
      if (on)
        b.initActivateChecker().setChecker(checker);
      else
        b.initDeactivateChecker().setChecker(checker);
    },
    5 * s);
}

/// Breaks it. What is asked about and which causes name it is in `about_`, `asked_`, `accepted_`.
std::string world::inject() {
  const auto what = static_cast<broken>(options_.seed % static_cast<std::uint64_t>(broken::count));
  const auto replicas = what == broken::nodes_lost_of_one_replica ? 2 : 1;
  const auto one_segment = [this] {
    const auto& all = data_->segments.begin()->second;
    return std::next(all.begin(), static_cast<std::ptrdiff_t>(random_.below(all.size())))->first.value;
  };
  const auto loaded = [this] {
    begin_load(name, 1, false);
    return pass(30 * s, [this] { return seen_ != nullptr && explained_well("collection", name); });
  };
  const auto about = [this](const char* kind, std::string of) {
    about_ = kind;
    asked_ = std::move(of);
  };
  about("collection", name);
  if (!import_and_wait(name, false))
    return "no import";
  const auto channel = [this] { return data_->collections.begin()->second.channels.front(); };
  const auto any_part = [&] {
    switch (random_.below(3)) {
      case 0:
        about("segment", std::to_string(one_segment()));
        break;
      case 1:
        about("channel", channel());
        break;
      default:
        break;
    }
  };
  switch (what) {
    case broken::nodes_lost:
      if (!loaded())
        return "no load";
      for (auto& p : processes_)
        if (!p->coordinator() && p->up)
          stop(*p, false, "it is lost");
      any_part();
      accepted_ = {"no_node_in_group"};
      pass(4 * s);
      break;
    case broken::nodes_lost_of_one_replica:
      begin_load(name, replicas, false);
      if (!pass(30 * s, [this] { return explained_well("collection", name); }))
        return "no load";
      for (std::size_t i = 2; i < processes_.size(); ++i)
        if (processes_[i]->up)
          stop(*processes_[i], false, "it is lost");
      accepted_ = {"replica_without_node", "no_node_in_group"};
      pass(4 * s);
      break;
    case broken::channel_checker_off:
      switched_off_ = "channel_checker";
      switch_checker(switched_off_, false);
      begin_load(name, 1, false);
      pass(2 * s);
      any_part();
      accepted_ = {"checker_off"};
      break;
    case broken::segment_checker_off:
    case broken::leader_checker_off:
      if (!loaded())
        return "no load";
      switched_off_ = what == broken::segment_checker_off ? "segment_checker" : "leader_checker";
      switch_checker(switched_off_, false);
      // New data, or a worker that is lost and not replaced.
      if (what == broken::segment_checker_off && seen_ != nullptr && random_.chance(1, 2)) {
        const auto& view = *seen_->named(name);
        const auto worker = std::find_if(processes_.begin() + 1, processes_.end(), [&](const auto& p) {
          const auto here = view.on(p->node);
          return p->up && here.segments > 0 && here.channels == 0;
        });
        if (worker != processes_.end()) {
          stop(**worker, false, "it is lost");
          pass(4 * s);
          accepted_ = {"checker_off"};
          break;
        }
      }
      if (!import_and_wait(name, true))
        return "no append";
      pass(3 * s);
      accepted_ = {what == broken::segment_checker_off ? "checker_off" : "leader_behind"};
      break;
    case broken::file_missing:
    case broken::file_damaged: {
      const auto segment = one_segment();
      store_->some[segment] = what == broken::file_missing ? ec::file_not_found : ec::io_corrupt;
      begin_load(name, 1, false);
      pass(4 * s);
      if (random_.chance(1, 2))
        about("segment", std::to_string(segment));
      accepted_ = {what == broken::file_missing ? "segment_file_missing" : "segment_file_damaged"};
      break;
    }
    case broken::nodes_refuse:
    case broken::loads_fail:
      store_->all = what == broken::nodes_refuse ? ec::too_many_requests : ec::io_failed;
      begin_load(name, 1, false);
      pass(4 * s);
      any_part();
      accepted_ = {what == broken::nodes_refuse ? "node_refuses" : "load_failed"};
      break;
    case broken::journal_refuses: {
      // While it is being loaded: desired is durable, promotion is not.
      store_->all = ec::io_failed;
      begin_load(name, 1, false);
      if (!pass(10 * s, [this] { return seen_ != nullptr && seen_->named(name) != nullptr; }))
        return "no load";
      disk_faults_->refuse = 1'000'000;
      store_->all = ec::ok;
      pass(15 * s);
      accepted_ = {"journal_failed"};
      break;
    }
    case broken::source_down:
      data_->down = true;
      begin_load(name, 1, false);
      pass(2 * s);
      accepted_ = {"data_source_down"};
      break;
    case broken::source_down_later:
      if (!loaded())
        return "no load";
      data_->down = true;
      begin_load(name, 1, true);
      pass(2 * s);
      accepted_ = {"data_source_down"};
      break;
    case broken::node_silent: {
      if (!loaded())
        return "no load";
      const auto row = seen_->named(name);
      const auto holder = std::find_if(processes_.begin() + 1, processes_.end(),
                                       [&](const auto& p) { return p->up && row->on(p->node).any(); });
      if (holder == processes_.end())
        return "nobody holds it";
      pause(**holder, 3'600 * s);
      pass(3 * s);
      random_.chance(1, 2) ? about("node", (*holder)->name) : about("collection", name);
      accepted_ = {"node_suspect"};
      break;
    }
    case broken::balance_off: {
      while (data_->segments.begin()->second.size() < 4 * processes_.size()) // enough that a new node is worth moves
        if (!import_and_wait(name, true))
          return "no append";
      auto& late = *processes_.back();
      stop(late, false, "it comes later");
      pass(4 * s);
      if (!loaded())
        return "no load";
      ask_and_wait([](schema::ClientRequest::Builder b) { b.initSuspendBalance(); }, 5 * s);
      start(late);
      pass(3 * s);
      about("node", late.name);
      accepted_ = {"balance_off"};
      break;
    }
    case broken::load_given_up:
      store_->all = ec::io_failed;
      begin_load(name, 1, false);
      pass(20 * s);
      accepted_ = {"load_given_up"};
      break;
    case broken::two_of_one_name: {
      if (!loaded())
        return "no load";
      auto& second = *processes_.back();
      stop(second, false, "it takes another's name");
      pass(3 * s);
      second.name = processes_[1]->name;
      start(second);
      pass(4 * s);
      about("node", second.name);
      accepted_ = {"name_taken"};
      break;
    }
    case broken::node_unused:
      about("node", processes_[1]->name);
      accepted_ = {"no_replica_in_group"};
      pass(1 * s);
      break;
    case broken::count:
      break;
  }
  return to_string(what);
}

bool world::explained_well(const std::string& subject, const std::string& of) {
  if (now_ < asked_at_ + 200 * ms)
    return false; // asking takes time itself
  const auto e = explained(subject, of);
  asked_at_ = now_;
  return e.getServed();
}

/// Brings about the event that was named, and nothing else.
void world::unblock(const std::string& event) {
  trace("brings about ", event);
  if (event == "node_joins_group") {
    for (auto& p : processes_)
      if (!p->coordinator() && !p->up) {
        start(*p);
        if (about_ != "collection" || accepted_.size() == 1)
          break;
      }
  } else if (event == "checker_activated") {
    switch_checker(switched_off_, true);
  } else if (event == "file_restored") {
    store_->some.clear();
  } else if (event == "node_accepts") {
    store_->all = ec::ok;
  } else if (event == "journal_writable") {
    disk_faults_->refuse = 0;
  } else if (event == "data_source_answers") {
    data_->down = false;
    if (seen_ == nullptr || seen_->named(name) == nullptr)
      begin_load(name, 1, false); // as its text says
  } else if (event == "node_heard_again") {
    for (auto& p : processes_)
      resume(*p);
  } else if (event == "balance_resumed") {
    ask_and_wait([](schema::ClientRequest::Builder b) { b.initResumeBalance(); }, 5 * s);
  } else if (event == "load_request") {
    store_->all = ec::ok; // as its text says
    begin_load(name, 1, false);
  } else if (event == "other_node_stopped") {
    stop(*processes_.back(), false, "its name is another's");
  }
}

outcome world::run_explained() {
  for (auto& p : processes_)
    p->store = store_;
  const auto scene = static_cast<broken>(options_.seed % static_cast<std::uint64_t>(broken::count));
  const auto set = [this](const char* key, const char* value) {
    if (!processes_[0]->settings.set(key, value, setting_origin::file))
      fail(verdict::crash, std::string{"the table refuses "} + key);
  };
  if (scene == broken::node_silent)
    set("node_gone_ms", "600000"); // it stays suspect
  if (scene == broken::load_given_up)
    set("queryCoord.loadTimeoutSeconds", "5");
  start(*processes_[0]);
  for (std::size_t i = 1; i < processes_.size(); ++i)
    start(*processes_[i]);
  pass(1 * s);
  const auto what = inject();
  trace("broken: ", what);
  if (accepted_.empty()) {
    fail(verdict::liveness, "the scene could not be set: " + what);
    return end_all();
  }
  ++sums_.injected;
  const auto told = [this] {
    const auto e = explained(about_, asked_);
    trace("explained: ", view(e.getSubject()), ": ", view(e.getCause()), ": ", view(e.getCauseText()), "; unblocked by ",
          view(e.getUnblockedBy()));
    return std::tuple{std::string{view(e.getCause())}, std::string{view(e.getUnblockedBy())}, e.getServed()};
  };
  auto [cause, event, served] = told();
  const auto about = what + " at " + about_ + " " + asked_ + ": explained as " + cause + ", unblocked by " + event;
  if (served || !accepted_.contains(cause)) {
    wrong_ = about;
    return end_all();
  }
  ++sums_.explained;
  // Withheld: nothing comes right by itself.
  if (random_.chance(1, 2)) {
    pass(random_.between(1 * s, 8 * s));
    const auto [still, next, well] = told();
    if (well) {
      wrong_ = about + "; it came right without that";
      return end_all();
    }
  }
  unblock(event);
  if (pass(90 * s, [this] { return explained_well(about_, asked_); }))
    ++sums_.unblocked;
  else
    wrong_ = about + "; that happened, and it did not come right: " + std::get<0>(told());
  return end_all();
}

options draw_explained(std::uint64_t seed) {
  prng random{seed ^ 0x510e527f};
  options o;
  o.seed = seed;
  o.nodes = static_cast<int>(random.between(2, 4));
  o.shards = static_cast<int>(random.between(1, 2));
  o.segments = static_cast<int>(random.between(4, 8));
  o.rows = 100;
  o.load_time = random.chance(1, 2) ? 0 : 20 * ms;
  o.disk_time = random.chance(1, 2) ? 0 : 3 * ms;
  return o;
}

} // namespace muster::sim
