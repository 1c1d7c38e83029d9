// The part of the gateway that changes resource groups and replicas: planned on its situation, committed, planned anew when
// another change came first.
#pragma once

#include "actors/core/group_requests.hpp"
#include "actors/interfaces.hpp"
#include "actors/runtime/shell.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace muster {

/// Belongs to the state of the gateway. What waits here waits for the next publication, which follows each commit (also after
/// a refused write), and at most limits::premise_retries times.
template <class Shell>
class group_service {
public:
  using done = std::function<void(const failure&)>;

  group_service(Shell& shell, const situation& view) : shell_(shell), view_(view) {
    // nop
  }

  /// Carries out a request of which changes_groups says so; `then` is called once.
  void change(const msg<schema::ClientRequest>& request, done then) {
    plan(std::make_shared<change_state>(change_state{request, std::move(then), {}, 0, 0, 0}));
  }

  /// A newer situation is there.
  void hear() {
    for (auto& waiting : std::exchange(waiting_, {}))
      plan(waiting);
  }

private:
  struct change_state {
    msg<schema::ClientRequest> request;
    done then;
    std::vector<msg<schema::Commit>> commits;
    std::size_t next;
    std::uint64_t number; ///< Of the situation that the commits rest on.
    std::size_t tries;
  };
  using change_ptr = std::shared_ptr<change_state>;

  void plan(const change_ptr& c) {
    auto commits = group_commits(view_, c->request.read());
    if (!commits) {
      c->then(commits.error());
      return;
    }
    c->commits = std::move(*commits);
    c->next = 0;
    c->number = view_.number();
    step(c);
  }

  void step(const change_ptr& c) {
    if (c->next == c->commits.size()) {
      c->then(failure{ec::ok, {}});
      return;
    }
    shell_.template request<msg<schema::CommitReply>>(
      shell_.peers.metadata, limits::commit_timeout, c->commits[c->next],
      [this, c](const msg<schema::CommitReply>& reply) {
        const auto why = to_failure(reply->getStatus());
        if (why.code == ec::ok) {
          ++c->next;
          step(c);
        } else if (why.code != ec::stale_premise || ++c->tries > limits::premise_retries) {
          c->then(why);
        } else if (view_.number() != c->number) {
          plan(c);
        } else {
          waiting_.push_back(c);
        }
      },
      [c](const failure& why) { c->then(why); });
  }

  Shell& shell_;
  const situation& view_;
  std::vector<change_ptr> waiting_;
};

} // namespace muster
