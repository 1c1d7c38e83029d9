// Who waits for a collection, answered by the situation.
#include "actors/core/answers.hpp"
#include "actors/observers.hpp"
#include "actors/runtime/publisher.hpp"

#include <caf/typed_response_promise.hpp>

namespace muster {

namespace {

struct collection_shell : shell<collection_observer_actor, collection_shell> {
  using promise = caf::typed_response_promise<m<schema::AwaitReply>>;

  struct wait {
    std::uint64_t id = 0;
    schema::AwaitRequest::Condition condition = schema::AwaitRequest::Condition::INVALID;
    bool seen = false; ///< The collection was desired since the wait began.
    std::int64_t deadline = 0;
    promise answer;
  };

  explicit collection_shell(self_pointer ptr) : shell(ptr, "collection_observer", "collection_observer", "supervisor") {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    for (const auto& [id, ids] : view.apply(p))
      look(id);
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
    w.condition = request->getCondition();
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
    ticking = false;
    while (!deadlines.empty() && deadlines.begin()->first <= now()) {
      const auto id = deadlines.begin()->second;
      deadlines.erase(deadlines.begin());
      look(id);
    }
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
      w->answer.deliver(reply(*why));
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
    w.seen = w.seen || desired;
    if (!desired)
      return w.seen ? std::optional{failure{ec::collection_not_loaded, "it was released while it was being loaded"}}
                    : std::nullopt;
    if (c->desired->status == schema::LoadStatus::LOADED && searchable(view, *c))
      return failure{ec::ok, {}};
    return std::nullopt;
  }

  std::string waiting_for(const collection_view& c, const wait& w) const {
    if (w.condition == schema::AwaitRequest::Condition::RELEASED)
      return "nodes still hold some of it";
    return waits_for(view, c);
  }

  m<schema::AwaitReply> reply(const failure& why) {
    return make<schema::AwaitReply>([&](auto b) { set_status(b.initStatus(), why); });
  }

  void arm() {
    if (deadlines.empty() || count == 0 || (ticking && armed_for <= deadlines.begin()->first))
      return;
    ticking = true;
    armed_for = deadlines.begin()->first;
    const auto wait = std::chrono::nanoseconds{std::max<std::int64_t>(armed_for - now(), 0)};
    send_later(std::chrono::duration_cast<std::chrono::milliseconds>(wait) + std::chrono::milliseconds{1}, tick_atom::value);
  }

  situation view;
  std::map<std::int64_t, std::vector<wait>> waits;
  std::multimap<std::int64_t, std::int64_t> deadlines; ///< time -> collection; stale entries are harmless
  std::size_t count = 0;
  std::uint64_t last = 0;
  bool ticking = false;
  std::int64_t armed_for = 0;
};

collection_observer_actor::behavior_type collection_behavior(
  collection_observer_actor::stateful_pointer<collection_shell> self) {
  auto& s = self->state;
  return {s.on(&collection_shell::hear), s.on(&collection_shell::await), s.on(&collection_shell::tick)};
}

} // namespace

collection_observer_actor spawn_collection_observer(caf::actor_system& system) {
  return system.spawn(collection_behavior);
}

} // namespace muster
