// Progress of loads, who waits for a collection, and what is given up because nothing moves.
#include "actors/core/answers.hpp"
#include "actors/core/progress_rules.hpp"
#include "actors/observers.hpp"
#include "actors/runtime/publisher.hpp"

#include <caf/typed_response_promise.hpp>

namespace muster {

namespace {

struct collection_shell : shell<collection_observer_actor, collection_shell> {
  using promise = caf::typed_response_promise<m<schema::AwaitReply>>;

  struct wait {
    std::uint64_t id = 0;
    std::int64_t collection = 0;
    schema::AwaitRequest::Condition condition = schema::AwaitRequest::Condition::INVALID;
    std::vector<std::int64_t> partitions;
    bool seen = false; ///< The collection was desired since the wait began.
    bool begun = false; ///< Its partitions were desired since then: what is released again is not waited for.
    std::int64_t deadline = 0;
    promise answer;
  };

  explicit collection_shell(self_pointer ptr) : shell(ptr, "collection_observer", "collection_observer", "supervisor") {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    const auto& touched = view.apply(p);
    progress.check(view, touched, now());
    for (const auto& [id, ids] : touched) {
      look(id);
      if (const auto* c = view.collection(id); c == nullptr || !c->desired)
        given_up.erase(id);
    }
    meter().set("loading", progress.loading());
    arm();
    return acknowledge(*this, p);
  }

  caf::result<m<schema::AwaitReply>> await(const m<schema::AwaitRequest>& request) {
    const auto id = request->getCollection();
    if (count >= limits::awaits)
      return reply(failure{ec::too_many_requests, "more than " + std::to_string(limits::awaits)
                                                    + " loads and releases wait already; try again later"});
    auto answer = self->make_response_promise<m<schema::AwaitReply>>();
    const auto left = time_left(request->getHeader(), limits::job_timeout);
    wait w;
    w.id = ++last;
    w.collection = id;
    w.condition = request->getCondition();
    for (auto p : request->getPartitions())
      w.partitions.push_back(p);
    w.deadline = now() + std::chrono::nanoseconds{left}.count();
    w.answer = answer;
    deadlines.insert({w.deadline, id});
    waits[id].push_back(std::move(w));
    ++count;
    look(id);
    arm();
    return answer;
  }

  void tick(const tick_atom&) {
    if (armed_for > now())
      return; // a nearer one was set meanwhile, this is the older timer
    ticking = false;
    while (!deadlines.empty() && deadlines.begin()->first <= now()) {
      const auto id = deadlines.begin()->second;
      deadlines.erase(deadlines.begin());
      look(id);
    }
    for (const auto& a : progress.give_up(view, now(), timeout()))
      give_up(a);
    arm();
  }

private:
  void look(std::int64_t id) {
    auto i = waits.find(id);
    if (i == waits.end())
      return;
    const auto* c = view.collection(id);
    for (auto w = i->second.begin(); w != i->second.end();) {
      auto why = judge(c, *w);
      if (!why && w->deadline <= now())
        why = failure{ec::deadline_exceeded, "the deadline passed; it still waits: "
                                               + (c == nullptr ? std::string{"it is not known yet"} : waiting_for(*c, *w))};
      if (!why) {
        ++w;
        continue;
      }
      fulfil(w->answer, reply(*why));
      w = i->second.erase(w);
      --count;
    }
    if (i->second.empty())
      waits.erase(i);
  }

  /// The answer, or nothing while it is open.
  std::optional<failure> judge(const collection_view* c, wait& w) {
    const bool desired = c != nullptr && c->desired.has_value();
    if (w.condition == schema::AwaitRequest::Condition::RELEASED) {
      if (!desired && (c == nullptr || !c->held()))
        return failure{ec::ok, {}};
      return std::nullopt;
    }
    if (w.condition == schema::AwaitRequest::Condition::PARTITIONS_RELEASED) {
      if (c == nullptr || (desired ? partitions_gone(*c, w.partitions) : !c->held()))
        return failure{ec::ok, {}};
      return std::nullopt;
    }
    w.seen = w.seen || desired;
    if (!desired) {
      if (!w.seen)
        return std::nullopt;
      const auto why = given_up.find(w.collection);
      return failure{ec::collection_not_loaded,
                     why == given_up.end() ? "it was released while it was being loaded" : why->second};
    }
    // Of a collection that is loaded already, what was published last may be older than the commit that is waited for.
    w.begun = w.begun || std::all_of(w.partitions.begin(), w.partitions.end(), [&](std::int64_t p) { return c->desired->wants_partition(p); });
    if (!w.begun)
      return std::nullopt;
    if (c->desired->status == schema::LoadStatus::LOADED && c->desired->loading_partitions.empty() && searchable(view, *c))
      return failure{ec::ok, {}};
    return std::nullopt;
  }

  std::string waiting_for(const collection_view& c, const wait& w) const {
    if (w.condition != schema::AwaitRequest::Condition::LOADED)
      return "nodes still hold some of it";
    return waits_for(view, c);
  }

  m<schema::AwaitReply> reply(const failure& why) {
    return make<schema::AwaitReply>([&](auto b) { set_status(b.initStatus(), why); });
  }

  /// Takes back what a load without progress has not loaded; what is loaded stays.
  void give_up(const abandoned_load& a) {
    const auto* c = view.collection(a.collection);
    const auto text = "nothing moved for " + std::to_string(load_timeout.count() / 1000) + " s, so it was given up: "
                      + waits_for(view, *c);
    warn("the load of ", a.partitions.size(), " partitions of collection ", a.collection, ": ", text);
    given_up[a.collection] = text;
    notice(schema::EventKind::LOAD_GIVEN_UP, [&](schema::Event::Builder e) {
      e.setCollection(a.collection);
      e.setChannel(c->desired ? c->desired->name : ""); // its id is forgotten with it
      e.setText(text);
    });
    meter().count("given_up", a.partitions.size());
    auto commit = make<schema::Commit>(
      [&](schema::Commit::Builder b) {
        auto r = b.initReleasePartitions();
        r.setCollection(a.collection);
        r.setRevision(a.revision);
        auto list = r.initPartitions(static_cast<unsigned>(a.partitions.size()));
        for (unsigned i = 0; i < a.partitions.size(); ++i)
          list.set(i, a.partitions[i]);
      },
      view.epoch());
    request<m<schema::CommitReply>>(
      metadata, limits::commit_timeout, commit,
      [this, id = a.collection](const m<schema::CommitReply>& reply) {
        if (const auto why = to_failure(reply->getStatus()); why.code != ec::ok) {
          info("the load of collection ", id, " was not given up: ", why.text);
          given_up.erase(id);
        }
      },
      [this, id = a.collection](const failure& why) {
        given_up.erase(id);
        warn("giving up the load of collection ", id, " was not committed: ", why.text);
      });
  }

  std::int64_t timeout() const {
    return std::chrono::nanoseconds{load_timeout}.count();
  }

  /// One timer, for the nearest deadline or load without progress.
  void arm() {
    auto next = progress.next_time(timeout());
    if (count > 0 && !deadlines.empty() && (!next || deadlines.begin()->first < *next))
      next = deadlines.begin()->first;
    if (!next || (ticking && armed_for <= *next))
      return;
    ticking = true;
    armed_for = *next;
    const auto wait = std::chrono::nanoseconds{std::max<std::int64_t>(*next - now(), 0)};
    send_later(std::chrono::duration_cast<std::chrono::milliseconds>(wait) + std::chrono::milliseconds{1}, tick_atom::value);
  }

public:
  metadata_actor metadata;
  std::chrono::milliseconds load_timeout = limits::load_timeout;

private:
  situation view;
  progress_rules progress;
  std::map<std::int64_t, std::string> given_up; ///< Why; until the release is here.
  std::map<std::int64_t, std::vector<wait>> waits;
  std::multimap<std::int64_t, std::int64_t> deadlines; ///< time -> collection; stale entries are harmless
  std::size_t count = 0;
  std::uint64_t last = 0;
  bool ticking = false;
  std::int64_t armed_for = 0;
};

collection_observer_actor::behavior_type collection_behavior(
  collection_observer_actor::stateful_pointer<collection_shell> self, const metadata_actor& metadata,
  std::chrono::milliseconds load_timeout) {
  auto& s = self->state;
  s.metadata = metadata;
  s.load_timeout = load_timeout;
  return {s.on(&collection_shell::hear), s.on(&collection_shell::await), s.on(&collection_shell::tick)};
}

} // namespace

collection_observer_actor spawn_collection_observer(caf::actor_system& system, metadata_actor metadata,
                                                    std::chrono::milliseconds load_timeout) {
  return system.spawn(collection_behavior, std::move(metadata), load_timeout);
}

} // namespace muster
