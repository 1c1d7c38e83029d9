// What every actor shares: enrolment, the one helper for sends, requests and handlers, and its clock.
#pragma once

#include "actors/inspect.hpp"
#include "actors/runtime/inspector_link.hpp"
#include "actors/runtime/log.hpp"
#include "actors/runtime/system.hpp"
#include "actors/runtime/tap.hpp"
#include "messages/limits.hpp"
#include "messages/schema/common.capnp.h"
#include "messages/status.hpp"

#include <capnp/schema.h>

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <type_traits>
#include <utility>

namespace muster {

namespace detail {

template <class T>
struct message_name {
  static constexpr const char* value = "signal";
};

template <class T>
struct message_name<msg<T>> {
  static const char* get() {
    return capnp::Schema::from<T>().getShortDisplayName().cStr();
  }
};

inline std::int64_t nanoseconds(std::chrono::steady_clock::time_point t) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count();
}

} // namespace detail

/// The name under which a handled message is counted.
template <class T>
const char* message_name_of(const T&) {
  if constexpr (requires { typename T::schema_type; })
    return detail::message_name<T>::get();
  else if constexpr (requires(const T& x) { x.chunks; x.header; })
    return "publication";
  else
    return "signal";
}

/// The probes of the process that `system` runs.
inline probe_registry& probes_of(caf::actor_system& system) {
  return *static_cast<const system_config&>(system.config()).probes;
}

/// CAF's spawn option for actors that block: their own thread in a real process, none under the test scheduler.
inline bool detach_blocking(caf::actor_system& system) {
  return static_cast<const system_config&>(system.config()).detach_blocking;
}

/// Counts around one handler; ends with the handler's scope.
class handler_scope {
public:
  handler_scope(probe& p, const char* type, std::int64_t now_ns) : probe_(p), begin_(std::chrono::steady_clock::now()) {
    probe_.begin(type, now_ns);
  }

  ~handler_scope() {
    probe_.end(detail::nanoseconds(std::chrono::steady_clock::now()) - detail::nanoseconds(begin_));
  }

  handler_scope(const handler_scope&) = delete;
  handler_scope& operator=(const handler_scope&) = delete;

private:
  probe& probe_;
  std::chrono::steady_clock::time_point begin_;
};

namespace detail {

template <class T>
struct is_message : std::false_type {};

template <class T>
struct is_message<msg<T>> : std::true_type {};

template <caf::atom_value V>
std::string signal_name(const caf::atom_constant<V>&) {
  return caf::to_string(V);
}

/// What a tap keeps of a message: references.
template <class T>
void describe(tapped_message& out, const msg<T>& x) {
  out.type = message_name<msg<T>>::get();
  out.schema = capnp::Schema::from<T>();
  auto kept = std::make_shared<const msg<T>>(x);
  out.frame = kept->bytes();
  out.bytes = out.frame.size();
  out.keep = std::move(kept);
}

/// A number or the like, of an actor outside of interfaces.hpp.
template <class T>
void describe(tapped_message& out, const T&) {
  out.type = "signal";
}

inline void describe(tapped_message& out, const publication& x) {
  out.type = "publication";
  out.published = std::make_shared<const publication>(x);
  out.bytes = recorded_bytes(x);
}

template <caf::atom_value V>
void describe(tapped_message& out, const caf::atom_constant<V>& x) {
  out.type = signal_name(x);
}

/// The trace of a message, 0 when its schema has no header.
template <class T>
std::uint64_t trace_of(const T& x) {
  if constexpr (requires { x.read().getHeader().getTraceId(); })
    return x.read().getHeader().getTraceId();
  else
    return 0;
}

} // namespace detail

/// The base of every actor's state. `Actor` is the typed interface, `State` the derived state.
/// All sends, requests and handlers go through it, so that reports are complete.
template <class Actor, class State>
class shell {
public:
  using self_pointer = typename Actor::template stateful_pointer<State>;
  using behavior_type = typename Actor::behavior_type;

  /// Enrols the actor. A name with '#' marks a short-lived actor, forgotten when it ends.
  shell(self_pointer ptr, std::string name, std::string kind, std::string owner)
    : self(ptr), registry_(static_cast<const system_config&>(ptr->system().config()).probes) {
    enrol(std::move(name), std::move(kind), std::move(owner));
  }

  /// For actors whose name depends on their arguments: the behaviour calls `enrol` first.
  explicit shell(self_pointer ptr)
    : self(ptr), registry_(static_cast<const system_config&>(ptr->system().config()).probes) {
    // nop
  }

  void enrol(std::string name, std::string kind, std::string owner) {
    channel_ = kind;
    probe_ = registry_->enrol(self->id(), std::move(name), std::move(kind), std::move(owner));
    self->set_exception_handler([p = probe_, channel = channel_](std::exception_ptr& e) -> caf::error {
      std::string text = "unknown exception";
      try {
        std::rethrow_exception(e);
      } catch (const std::exception& x) {
        text = x.what();
      } catch (...) {
        // nop
      }
      p->failed(text);
      log::error(channel, p->name(), " failed: ", text);
      return caf::exit_reason::unhandled_exception;
    });
  }

  ~shell() {
    registry_->retire(id_);
  }

  shell(const shell&) = delete;
  shell& operator=(const shell&) = delete;

  /// Nanoseconds on the actor system's clock; virtual under the test scheduler.
  std::int64_t now() const {
    return detail::nanoseconds(self->clock().now());
  }

  /// A behaviour entry that counts, shows the message and a direct answer to who taps, and then calls a state method. Lines that the
  /// method logs carry the trace of the message.
  template <class R, class... Ts>
  auto on(R (State::*method)(const Ts&...)) {
    return [this, method](const Ts&... xs) -> R {
      handler_scope scope{*probe_, first_name(xs...), now()};
      log::trace_scope trace{detail::trace_of(first(xs...))};
      if (probe_->tapped()) [[unlikely]]
        show(false, {}, xs...);
      if constexpr (std::is_void_v<R>) {
        (static_cast<State*>(this)->*method)(xs...);
      } else {
        R answer = (static_cast<State*>(this)->*method)(xs...);
        if (probe_->tapped()) [[unlikely]]
          show_answer(answer);
        return answer;
      }
    };
  }

  /// Delivers an answer that was promised.
  template <class Promise, class T>
  void fulfil(Promise& promise, msg<T> x) {
    if (probe_->tapped()) [[unlikely]]
      show(true, {}, x);
    promise.deliver(std::move(x));
  }

  /// One-way send, counted at the receiver.
  template <class Handle, class... Ts>
  void send(const Handle& to, Ts&&... xs) {
    if (!to)
      return;
    if (probe_->tapped()) [[unlikely]] {
      if (to.id() == id_ && replayed())
        return;
      if (to.id() != id_)
        show(true, peer(to.id()), xs...);
    }
    registry_->sent(to.id(), now());
    self->send(to, std::forward<Ts>(xs)...);
  }

  /// A message to this actor itself, after `delay`.
  template <class Signal>
  void send_later(std::chrono::milliseconds delay, Signal signal) {
    if (probe_->tapped() && replayed())
      return;
    self->delayed_send(self, delay, signal);
  }

  /// Asks; exactly one of `ok(reply)` and `bad(failure)` is called, `bad` with deadline_exceeded after `timeout`, with
  /// too_many_requests at once when limits::outstanding_requests are open.
  template <class Reply, class Handle, class Request, class Ok, class Bad>
  void request(const Handle& to, std::chrono::milliseconds timeout, const Request& question, Ok ok, Bad bad) {
    if (outstanding_ >= limits::outstanding_requests) {
      bad(failure{ec::too_many_requests, "more than " + std::to_string(limits::outstanding_requests)
                                           + " requests of " + probe_->name() + " are open"});
      return;
    }
    if (!to) {
      bad(failure{ec::internal, probe_->name() + " has nobody to ask"});
      return;
    }
    ++outstanding_;
    if (probe_->tapped()) [[unlikely]]
      show(true, peer(to.id()), question);
    probe_->asked(to.id());
    registry_->sent(to.id(), now());
    self->request(to, timeout, question)
      .then(
        [this, ok, asked = to.id()](const Reply& reply) mutable {
          --outstanding_;
          probe_->answered();
          if (probe_->tapped()) [[unlikely]]
            show(false, peer(asked), reply);
          ok(reply);
        },
        [this, bad, asked = to.id()](const caf::error& e) mutable {
          --outstanding_;
          probe_->answered();
          auto why = translate(e);
          if (probe_->tapped()) [[unlikely]]
            show(false, peer(asked), build<schema::Status>([&](auto b) { set_status(b, why); }));
          bad(why);
        });
  }

  /// A header for a message that leaves now; `left` is what remains until its deadline (zero: none).
  void stamp(schema::Header::Builder header, std::uint64_t epoch = 0, std::chrono::nanoseconds left = {},
             std::uint64_t trace_id = 0) const {
    const auto t = now();
    header.setEpoch(epoch);
    header.setEnqueuedAt(t);
    header.setDeadline(left.count() > 0 ? t + left.count() : 0);
    header.setTraceId(trace_id);
  }

  /// Builds a message whose header (if its schema has one of its own) is stamped; `fill` sets the rest.
  template <class T, class Fill>
  msg<T> make(Fill&& fill, std::uint64_t epoch = 0, std::uint64_t trace_id = 0, std::chrono::nanoseconds left = {}) const {
    return build<T>([&](typename T::Builder b) {
      if constexpr (requires { b.initHeader(); })
        stamp(b.initHeader(), epoch, left, trace_id);
      fill(b);
    });
  }

  probe& meter() {
    return *probe_;
  }

  /// The inspector of this process, or null.
  inspector_actor inspector() const {
    return static_cast<const system_config&>(self->system().config()).inspector->get();
  }

  /// Tells the inspector what happened: `fill` gets the builder of the event, without number and time. When too many such wait there
  /// (limits::notices_waiting) it is dropped, and counted in this actor's report.
  template <class Fill>
  void notice(schema::EventKind kind, Fill&& fill) {
    const auto to = inspector();
    if (!to)
      return;
    if (registry_->queued(to.id()) >= limits::notices_waiting) {
      meter().count("notices_dropped", 1);
      return;
    }
    send(to, make<schema::Notices>([&](schema::Notices::Builder b) {
           auto e = b.initEvents(1)[0];
           e.setKind(kind);
           fill(e);
         }));
  }

  template <class... Ts>
  void debug(const Ts&... parts) const {
    log::debug(channel_, parts...);
  }

  template <class... Ts>
  void info(const Ts&... parts) const {
    log::info(channel_, parts...);
  }

  template <class... Ts>
  void warn(const Ts&... parts) const {
    log::warn(channel_, parts...);
  }

  template <class... Ts>
  void error(const Ts&... parts) const {
    log::error(channel_, parts...);
  }

  self_pointer self;

private:
  template <class T, class... Ts>
  static const char* first_name(const T& x, const Ts&...) {
    return message_name_of(x);
  }

  template <class T, class... Ts>
  static const T& first(const T& x, const Ts&...) {
    return x;
  }

  /// Shows who taps this actor one message; the arguments behind the first are handles.
  template <class T, class... Ts>
  void show(bool out, std::string peer, const T& x, const Ts&...) {
    tapped_message m;
    m.at = now();
    m.out = out;
    m.peer = std::move(peer);
    detail::describe(m, x);
    for (const auto& t : *probe_->taps())
      t->put(m);
  }

  /// Whose messages are shown; "#": an actor without a probe.
  std::string peer(std::uint64_t actor) const {
    auto name = registry_->name_of(actor);
    return name.empty() ? "#" : name;
  }

  template <class R>
  void show_answer(R& answer) {
    if constexpr (detail::is_message<R>::value)
      show(true, {}, answer);
    else if constexpr (requires { answer.flag; answer.value; })
      if (answer.flag == caf::rt_value)
        show_values(answer);
  }

  template <class T>
  void show_values(caf::result<T>& answer) {
    if (answer.value.template match_elements<T>())
      show(true, {}, answer.value.template get_as<T>(0));
  }

  template <class R>
  void show_values(R&) {
    // nop
  }

  /// True when a record is being played to this actor: what it once sent to itself is in the record.
  bool replayed() const {
    const auto taps = probe_->taps();
    return std::any_of(taps->begin(), taps->end(), [](const auto& t) { return t->replays(); });
  }

  static failure translate(const caf::error& e) {
    if (e == caf::sec::request_timeout)
      return failure{ec::deadline_exceeded, "no answer before the deadline"};
    return failure{ec::internal, "the actor asked has ended"};
  }

  std::shared_ptr<probe_registry> registry_;
  std::string channel_;
  std::shared_ptr<probe> probe_;
  std::uint64_t id_ = self->id();
  std::size_t outstanding_ = 0;
};

/// A counted send from outside any actor (main, the bridge).
template <class Handle, class... Ts>
void post(caf::actor_system& system, const Handle& to, Ts&&... xs) {
  probes_of(system).sent(to.id(), detail::nanoseconds(system.clock().now()));
  caf::anon_send(to, std::forward<Ts>(xs)...);
}

/// What is left of a request's deadline, at most `most`, at least 1 ms; `most` when it has none.
inline std::chrono::milliseconds time_left(schema::Header::Reader header, std::chrono::milliseconds most) {
  if (header.getDeadline() == 0)
    return most;
  auto left = std::chrono::nanoseconds{header.getDeadline() - header.getEnqueuedAt()};
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(left);
  return std::max(std::min(ms, most), std::chrono::milliseconds{1});
}

} // namespace muster
