// The sending side of publications: one unanswered publication a subscriber, the next carries the union of what came since.
#pragma once

#include "actors/core/change_set.hpp"
#include "actors/interfaces.hpp"
#include "actors/runtime/shell.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <utility>

namespace muster {

/// Belongs to the state of a publishing actor. A subscriber that ends is forgotten; one that does not answer in
/// limits::publication_timeout gets everything anew. Bounded by subscribers times chunks (by reference).
template <class Shell>
class publisher {
public:
  publisher(Shell& shell, std::uint64_t epoch, std::function<change_set()> whole)
    : shell_(shell), epoch_(epoch), whole_(std::move(whole)) {
    // nop
  }

  /// Adds a subscriber; it gets everything first.
  void subscribe(const subscriber_actor& who) {
    const auto id = next_++;
    auto& s = subscribers_[id];
    s.handle = who;
    s.pending = whole_();
    pump(id);
  }

  /// Tells all subscribers; the publication's number is what they acknowledge.
  void publish(const publication& p) {
    number_ = p.header->getNumber();
    // Sending may find a subscriber dead and forget it, so walk over ids.
    for (auto i = subscribers_.begin(); i != subscribers_.end();) {
      const auto id = i->first;
      ++i;
      auto& s = subscribers_.at(id);
      if (!s.busy && s.pending.empty()) {
        deliver(id, p);
      } else {
        s.pending.merge(p);
        pump(id);
      }
    }
  }

  /// The publication that all subscribers have handled.
  std::uint64_t acknowledged() const {
    auto least = number_;
    for (const auto& [id, s] : subscribers_)
      least = std::min(least, s.acknowledged);
    return least;
  }

  std::size_t size() const {
    return subscribers_.size();
  }

private:
  struct subscriber {
    subscriber_actor handle;
    change_set pending;
    bool busy = false;
    std::uint64_t acknowledged = 0;
  };

  void pump(std::uint64_t id) {
    auto& s = subscribers_.at(id);
    if (!s.busy && !s.pending.empty())
      deliver(id, s.pending.take(number_, epoch_, shell_.now()));
  }

  void deliver(std::uint64_t id, const publication& p) {
    auto& s = subscribers_.at(id);
    s.busy = true;
    shell_.template request<msg<schema::Ack>>(
      s.handle, limits::publication_timeout, p,
      [this, id](const msg<schema::Ack>& ack) {
        auto i = subscribers_.find(id);
        if (i == subscribers_.end())
          return;
        i->second.busy = false;
        i->second.acknowledged = ack->getNumber();
        pump(id);
      },
      [this, id](const failure& why) {
        auto i = subscribers_.find(id);
        if (i == subscribers_.end())
          return;
        if (why.code != ec::deadline_exceeded) {
          subscribers_.erase(i);
          return;
        }
        i->second.busy = false;
        i->second.pending = whole_();
        pump(id);
      });
  }

  Shell& shell_;
  std::uint64_t epoch_;
  std::function<change_set()> whole_;
  std::map<std::uint64_t, subscriber> subscribers_;
  std::uint64_t next_ = 1;
  std::uint64_t number_ = 0;
};

/// The answer to a publication.
template <class Shell>
msg<schema::Ack> acknowledge(Shell& shell, const publication& p) {
  return shell.template make<schema::Ack>([&](schema::Ack::Builder b) { b.setNumber(p.header->getNumber()); });
}

} // namespace muster
