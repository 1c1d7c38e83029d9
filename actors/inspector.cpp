// Reports of actors read from their probes, so that an actor that is stuck is reported too; events, explanations and what-ifs.
#include "actors/inspector.hpp"

#include "actors/core/balance/configured.hpp"
#include "actors/core/inspection.hpp"
#include "actors/core/placement_map.hpp"
#include "actors/core/reads.hpp"
#include "actors/core/what_if.hpp"
#include "actors/runtime/publisher.hpp"

#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <functional>
#include <list>

namespace muster {

namespace {

/// How long events are gathered before those who wait for one are answered.
constexpr std::chrono::milliseconds gathering{20};

struct inspector_shell : shell<inspector_actor, inspector_shell> {
  using events_promise = caf::typed_response_promise<m<schema::ListEventsReply>>;

  struct waiter {
    events_promise answer;
    event_filter filter;
    std::uint64_t after = 0;
    std::size_t limit = 0;
    std::int64_t deadline = 0;
    bool candidates = false;
  };

  /// One that was asked by somebody who has seen a newer situation.
  struct question {
    std::uint64_t situation = 0;
    std::int64_t deadline = 0;
    std::function<void()> answer;
  };

  explicit inspector_shell(self_pointer ptr) : shell(ptr, "inspector", "inspector", "supervisor") {
    // nop
  }

  m<schema::ListActorsReply> list(const m<schema::ListActorsRequest>& request) {
    const auto reports = probes_of(self->system()).reports(view_of(request->getName()), now());
    return make<schema::ListActorsReply>([&](schema::ListActorsReply::Builder b) {
      if (reports.empty()) {
        set_status(b.initStatus(), ec::parameter_invalid,
                   "no actor is named " + std::string{view_of(request->getName())} + "; `muster actors` lists them all");
        return;
      }
      auto out = b.initActors(static_cast<unsigned>(reports.size()));
      for (unsigned i = 0; i < reports.size(); ++i)
        write(out[i], reports[i]);
    });
  }

  caf::result<m<schema::Ack>> hear(const publication& p) {
    const auto before = known.log().next();
    known.hear(view, view.apply(p), now());
    if (!follows || *follows != view.switches().settings) {
      follows = view.switches().settings;
      settings = with_switches(given, view.switches());
      balance = balance_settings_of(settings.values());
    }
    tell_waiters(before);
    answer_behind();
    // Under load the next publication is to carry the changes of a while: people do not see the difference.
    constexpr auto pause = std::chrono::nanoseconds{limits::inspector_pause}.count();
    const auto pauses = (now() - credited_at) / pause;
    credited_at += pauses * pause;
    credit = std::min(limits::inspector_burst, credit + static_cast<std::size_t>(pauses));
    if (credit > 0) {
      --credit;
      return acknowledge(*this, p);
    }
    const auto since = now() - credited_at;
    held = self->make_response_promise<m<schema::Ack>>();
    held_number = p.header->getNumber();
    send_later(std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds{pause - since}), start_atom::value);
    return held;
  }

  void take_next(const start_atom&) {
    if (held.pending())
      fulfil(held, make<schema::Ack>([&](schema::Ack::Builder b) { b.setNumber(held_number); }));
    answer_behind();
  }

  m<schema::Ack> news(const m<schema::TaskNews>& batch) {
    const auto before = known.log().next();
    known.news(batch.read(), view, balance, now());
    tell_waiters(before);
    return make<schema::Ack>([](auto) {});
  }

  void notices(const m<schema::Notices>& batch) {
    const auto before = known.log().next();
    known.notices(batch.read(), view, now());
    tell_waiters(before);
  }

  caf::result<m<schema::ListEventsReply>> events(const m<schema::ListEventsRequest>& request) {
    const auto filter = known.filter_of(request.read(), view);
    if (!filter) // perhaps a name that this actor does not know yet
      return when_seen<schema::ListEventsReply>(request, [this, request] { return events_of(request); });
    return events_or_wait(request, *filter);
  }

  /// Without waiting for one.
  m<schema::ListEventsReply> events_of(const m<schema::ListEventsRequest>& request) {
    const auto filter = known.filter_of(request.read(), view);
    if (!filter)
      return make<schema::ListEventsReply>([&](auto b) { set_status(b.initStatus(), filter.error()); });
    auto w = waiter_of(request, *filter);
    const auto found = known.events(w.filter, w.after, w.limit);
    return reply(w, found);
  }

  static waiter waiter_of(const m<schema::ListEventsRequest>& request, const event_filter& filter) {
    waiter w;
    w.filter = filter;
    w.after = request->getAfter();
    w.limit = request->getLimit() == 0 ? 100 : std::min<std::size_t>(request->getLimit(), limits::events_answered);
    w.candidates = request->getWithCandidates();
    return w;
  }

  caf::result<m<schema::ListEventsReply>> events_or_wait(const m<schema::ListEventsRequest>& request, const event_filter& filter) {
    auto w = waiter_of(request, filter);
    auto found = known.events(w.filter, w.after, w.limit);
    const auto wait = std::min(std::chrono::milliseconds{request->getWaitMs()}, limits::event_wait);
    if (!found.empty() || wait.count() == 0)
      return reply(w, found);
    if (waiters.size() >= limits::event_waiters)
      return make<schema::ListEventsReply>([&](auto b) {
        set_status(b.initStatus(), ec::too_many_requests, std::to_string(limits::event_waiters) + " others wait for events; ask without waiting");
      });
    w.deadline = now() + std::chrono::nanoseconds{wait}.count();
    w.answer = self->make_response_promise<m<schema::ListEventsReply>>();
    waiters.push_back(w);
    arm(wait);
    return w.answer;
  }

  caf::result<m<schema::ExplainReply>> explain(const m<schema::ExplainRequest>& request) {
    return when_seen<schema::ExplainReply>(request, [this, request] {
      return make<schema::ExplainReply>(
        [&](schema::ExplainReply::Builder b) { static_cast<void>(known.explain(request.read(), view, settings, now(), b)); });
    });
  }

  caf::result<m<schema::WhatIfReply>> what_if(const m<schema::WhatIfRequest>& request) {
    return when_seen<schema::WhatIfReply>(request, [this, request] {
      return make<schema::WhatIfReply>([&](schema::WhatIfReply::Builder b) { write_what_if(view, settings, request.read(), b); });
    });
  }

  caf::result<m<schema::OverviewReply>> overview(const m<schema::OverviewRequest>& request) {
    return when_seen<schema::OverviewReply>(request, [this] {
      return make<schema::OverviewReply>([this](schema::OverviewReply::Builder b) { known.overview(view, b); });
    });
  }

  caf::result<m<schema::PlacementMapReply>> placement_map(const m<schema::PlacementMapRequest>& request) {
    return when_seen<schema::PlacementMapReply>(request, [this, request] {
      return make<schema::PlacementMapReply>([&](schema::PlacementMapReply::Builder b) { write_placement_map(view, request.read(), b); });
    });
  }

  void tick(const tick_atom&) {
    ticking = false;
    answer_waiters();
    if (!waiters.empty()) {
      const auto next = std::min_element(waiters.begin(), waiters.end(),
                                         [](const waiter& a, const waiter& b) { return a.deadline < b.deadline; });
      arm(std::chrono::ceil<std::chrono::milliseconds>(std::chrono::nanoseconds{std::max<std::int64_t>(next->deadline - now(), 0)}));
    }
  }

  void flush(const flush_atom&) {
    flushing = false;
    answer_waiters();
  }

private:
  /// Answers at once, or when the situation that the asker has seen is here: it comes as soon as the one before is answered. Should it
  /// not come in time, from what is known.
  template <class Reply, class Request, class Answer>
  caf::result<m<Reply>> when_seen(const Request& request, Answer answer) {
    if (request->getHeader().getSituation() <= view.number())
      return answer();
    if (behind.size() >= limits::event_waiters)
      return make<Reply>([](auto b) {
        set_status(b.initStatus(), ec::too_many_requests, std::to_string(limits::event_waiters) + " questions wait for a newer situation; ask again");
      });
    auto promise = self->make_response_promise<m<Reply>>();
    behind.push_back({request->getHeader().getSituation(), now() + std::chrono::nanoseconds{limits::inspector_pause}.count(),
                      [this, promise, answer]() mutable { fulfil(promise, answer()); }});
    take_next({});
    send_later(limits::inspector_pause + std::chrono::milliseconds{1}, start_atom::value);
    return promise;
  }

  /// Questions whose situation is here, or that have waited long enough.
  void answer_behind() {
    std::erase_if(behind, [this, t = now()](auto& w) {
      if (w.situation > view.number() && t < w.deadline)
        return false;
      w.answer();
      return true;
    });
  }

  static std::string_view view_of(capnp::Text::Reader text) {
    return muster::view(text);
  }

  void write(schema::ActorReport::Builder out, const probe_report& r) {
    const auto counts = [](auto list, const auto& from) {
      for (unsigned k = 0; k < from.size(); ++k) {
        list[k].setType(from[k].first);
        list[k].setCount(from[k].second);
      }
    };
    out.setName(r.name);
    out.setKind(r.kind);
    out.setOwner(r.owner);
    out.setQueued(r.queued);
    out.setOldestMs(r.oldest_ms);
    out.setHandled(r.handled);
    counts(out.initHandledByType(static_cast<unsigned>(r.handled_by_type.size())), r.handled_by_type);
    out.setHandlerP50Us(r.handler_p50_us);
    out.setHandlerP99Us(r.handler_p99_us);
    out.setHandlerMaxUs(r.handler_max_us);
    out.setHandlerTotalUs(r.handler_total_us);
    out.setRestarts(r.restarts);
    out.setFailures(r.failures);
    out.setLastFailure(r.last_failure);
    out.setWaitingFor(r.waiting_for);
    out.setState(r.state);
    counts(out.initCounters(static_cast<unsigned>(r.counters.size())), r.counters);
  }

  inspector_link& link() const {
    return *static_cast<const system_config&>(self->system().config()).inspector;
  }

  /// What is to be added to this actor's clock for nanoseconds since 1970.
  std::int64_t wall() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count() - now();
  }

  m<schema::ListEventsReply> reply(const waiter& w, const std::vector<log_event>& found) {
    const auto offset = wall();
    return make<schema::ListEventsReply>([&](schema::ListEventsReply::Builder b) {
      auto list = b.initEvents(static_cast<unsigned>(found.size()));
      for (unsigned i = 0; i < found.size(); ++i)
        known.write(list[i], found[i], view, offset, w.candidates);
      b.setNext(w.after);
      b.setLost(known.lost());
    });
  }

  /// Something may have been added since the log had `before` as its next number.
  void tell_waiters(std::uint64_t before) {
    if (known.log().next() == before)
      return;
    link().told(known.log().next());
    meter().set("events_kept", known.log().next() - known.log().first());
    meter().set("decisions_kept", known.log().decisions());
    meter().set("bytes", known.bytes());
    if (!waiters.empty() && !std::exchange(flushing, true))
      send_later(gathering, flush_atom::value);
  }

  void answer_waiters() {
    const auto t = now();
    for (auto i = waiters.begin(); i != waiters.end();) {
      const auto found = known.events(i->filter, i->after, i->limit);
      if (found.empty() && i->deadline > t) {
        ++i;
        continue;
      }
      fulfil(i->answer, reply(*i, found));
      i = waiters.erase(i);
    }
  }

  void arm(std::chrono::milliseconds wait) {
    if (!std::exchange(ticking, true))
      send_later(std::max(wait, std::chrono::milliseconds{1}), tick_atom::value);
  }

public:
  inspection known;
  setting_table given;

private:
  situation view;
  setting_table settings;
  balance_settings balance;
  std::optional<std::map<std::string, std::string>> follows; ///< Settings of run time that `settings` has.
  std::list<waiter> waiters;
  std::vector<question> behind;
  caf::typed_response_promise<m<schema::Ack>> held; ///< Of a publication that came soon after the one before.
  std::uint64_t held_number = 0;
  std::size_t credit = limits::inspector_burst; ///< Publications that may come at once.
  std::int64_t credited_at = 0;
  bool flushing = false;
  bool ticking = false;
};

inspector_actor::behavior_type inspector_behavior(inspector_actor::stateful_pointer<inspector_shell> self, const inspector_start& start) {
  auto& s = self->state;
  auto& link = *static_cast<const system_config&>(self->system().config()).inspector;
  s.known = inspection{start.task_limit, std::max((start.epoch << 32) + 1, link.next())};
  s.given = start.settings;
  link.set(inspector_actor{self});
  return {s.on(&inspector_shell::hear),    s.on(&inspector_shell::list), s.on(&inspector_shell::news), s.on(&inspector_shell::notices),
          s.on(&inspector_shell::events),  s.on(&inspector_shell::explain), s.on(&inspector_shell::what_if), s.on(&inspector_shell::overview),
          s.on(&inspector_shell::placement_map), s.on(&inspector_shell::tick), s.on(&inspector_shell::flush), s.on(&inspector_shell::take_next)};
}

} // namespace

inspector_actor spawn_inspector(caf::actor_system& system, inspector_start start) {
  return system.spawn(inspector_behavior, std::move(start));
}

} // namespace muster
