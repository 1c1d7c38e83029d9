// The GoogleTest fixture for actors under CAF's test scheduler: no threads, virtual time, one message per step.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/runtime/shell.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace muster {

/// A stand-in that keeps every message of one type.
template <class T>
struct collector {
  caf::typed_actor<takes<T>> handle;
  std::shared_ptr<std::vector<m<T>>> messages;

  std::size_t size() const {
    return messages->size();
  }
  typename T::Reader operator[](std::size_t i) const {
    return messages->at(i).read();
  }
  typename T::Reader last() const {
    return messages->back().read();
  }
};

/// What became of a request: nothing yet, a reply or an error.
template <class T>
struct asked {
  std::optional<m<T>> reply;
  caf::error error;

  typename T::Reader operator*() const {
    return reply.value().read();
  }
};

/// One actor system a test. Hand every root that the test starts to `own`: it is killed at the end, so that the system
/// can end.
class actor_fixture : public ::testing::Test {
protected:
  actor_fixture() : system(config), sched(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())) {
    // nop
  }

  ~actor_fixture() override {
    for (const auto& root : roots)
      caf::anon_send_exit(root, caf::exit_reason::kill);
    roots.clear();
    run();
  }

  template <class Handle>
  Handle own(Handle actor) {
    roots.push_back(caf::actor_cast<caf::strong_actor_ptr>(actor));
    return actor;
  }

  /// Handles messages until none is left; time stands still. Fails the test when that does not end.
  void run(std::size_t most = 1'000'000) {
    while (sched.has_job() && most-- > 0)
      sched.run_once();
    EXPECT_FALSE(sched.has_job()) << "the actors send each other messages for ever";
  }

  /// Lets time pass in small steps, so that timers that set themselves again fire as often as they should.
  void advance(std::chrono::milliseconds time, std::chrono::milliseconds step = std::chrono::milliseconds{10}) {
    run();
    for (auto left = time; left.count() > 0; left -= step) {
      sched.advance_time(std::min(left, step));
      run();
    }
  }

  /// Sends from nobody and handles what follows.
  template <class Handle, class... Ts>
  void tell(const Handle& to, Ts&&... xs) {
    caf::anon_send(to, std::forward<Ts>(xs)...);
    run();
  }

  /// Asks from an actor of its own, without a deadline, and handles what follows. Look at the result any time later.
  template <class Reply, class Handle, class Request>
  std::shared_ptr<asked<Reply>> ask(const Handle& to, Request question) {
    auto result = std::make_shared<asked<Reply>>();
    own(system.spawn([=](caf::event_based_actor* self) {
      self->request(to, caf::infinite, question)
        .then([result](const m<Reply>& reply) { result->reply = reply; },
              [result](const caf::error& why) { result->error = why; });
    }));
    run();
    return result;
  }

  /// A stand-in for whoever takes `T`.
  template <class T>
  collector<T> collect() {
    auto messages = std::make_shared<std::vector<m<T>>>();
    using interface = caf::typed_actor<takes<T>>;
    auto handle = own(system.spawn([messages]() -> typename interface::behavior_type {
      return {[messages](const m<T>& x) { messages->push_back(x); }};
    }));
    return {handle, messages};
  }

  system_config config{true};
  caf::actor_system system;
  caf::scheduler::test_coordinator& sched;
  std::vector<caf::strong_actor_ptr> roots;
};

} // namespace muster
