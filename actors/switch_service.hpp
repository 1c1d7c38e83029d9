// The part of the gateway for what operators switch: durable first; who it concerns hears of it with the next publication.
#pragma once

#include "actors/core/switches.hpp"
#include "actors/interfaces.hpp"
#include "actors/runtime/shell.hpp"

#include <functional>

namespace muster {

/// Belongs to the state of the gateway.
template <class Shell>
class switch_service {
public:
  using done = std::function<void(msg<schema::ClientReply>)>;

  explicit switch_service(Shell& shell) : shell_(shell) {
    // nop
  }

  /// Carries out a request of which is_switch says so; `then` is called once.
  void change(const msg<schema::ClientRequest>& r, done then) {
    const auto now = shell_.settings();
    const auto finish = [this, r, then, now](const failure& why) {
      then(shell_.reply([&](auto b) { write_switch_reply(r.read(), why, now, b); }));
    };
    auto change = switch_of(r.read(), now);
    if (!change)
      return finish(change.error());
    auto commit = shell_.template make<schema::Commit>([&](auto b) { b.setChange(change->read()); }, shell_.peers.epoch);
    shell_.template request<msg<schema::CommitReply>>(
      shell_.peers.metadata, limits::commit_timeout, commit,
      [finish](const msg<schema::CommitReply>& reply) { finish(to_failure(reply->getStatus())); }, finish);
  }

private:
  Shell& shell_;
};

} // namespace muster
