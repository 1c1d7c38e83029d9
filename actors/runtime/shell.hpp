// What every actor shares: enrolment, the one helper for sends, requests and handlers, and its clock.
#pragma once

#include "actors/inspect.hpp"
#include "actors/runtime/inspector_link.hpp"
#include "actors/runtime/log.hpp"
#include "actors/runtime/system.hpp"
#include "messages/limits.hpp"
#include "messages/schema/common.capnp.h"
#include "messages/status.hpp"

#include <capnp/schema.h>

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

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

  /// A behaviour entry that counts and then calls a state method.
  template <class R, class... Ts>
  auto on(R (State::*method)(const Ts&...)) {
    return [this, method](const Ts&... xs) -> R {
      handler_scope scope{*probe_, first_name(xs...), now()};
      return (static_cast<State*>(this)->*method)(xs...);
    };
  }

  /// One-way send, counted at the receiver.
  template <class Handle, class... Ts>
  void send(const Handle& to, Ts&&... xs) {
    if (!to)
      return;
    registry_->sent(to.id(), now());
    self->send(to, std::forward<Ts>(xs)...);
  }

  /// A message to this actor itself, after `delay`.
  template <class Signal>
  void send_later(std::chrono::milliseconds delay, Signal signal) {
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
    registry_->sent(to.id(), now());
    self->request(to, timeout, question)
      .then(
        [this, ok](const Reply& reply) mutable {
          --outstanding_;
          ok(reply);
        },
        [this, bad](const caf::error& e) mutable {
          --outstanding_;
          bad(translate(e));
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
