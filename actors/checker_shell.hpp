// The shell that all checkers share: situation in, proposals out.
#pragma once

#include "actors/checkers.hpp"
#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"
#include "actors/runtime/publisher.hpp"

#include <string>
#include <vector>

namespace muster {

/// `Rules` has check(situation, touched) -> proposals.
template <class Rules>
struct checker_shell : shell<subscriber_actor, checker_shell<Rules>> {
  using base = shell<subscriber_actor, checker_shell<Rules>>;

  explicit checker_shell(typename base::self_pointer ptr) : base(ptr, Rules::name, Rules::name, "supervisor") {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    const auto touched = view.apply(p);
    auto proposals = rules.check(view, touched);
    if (proposals.size() > limits::proposals_per_batch)
      proposals.resize(limits::proposals_per_batch); // the rest is still open and comes with the next change
    for (const auto& x : proposals)
      this->debug("propose ", to_string(x.why), " collection ", x.collection, " replica ", x.replica, " ", x.channel,
                  x.segment != 0 ? " segment " + std::to_string(x.segment) : std::string{}, " node ", x.node);
    if (!proposals.empty())
      this->send(scheduler, this->template make<schema::Proposals>(
                              [&](schema::Proposals::Builder b) {
                                b.setProposer(Rules::proposer);
                                b.setSituation(view.number());
                                auto list = b.initProposals(static_cast<unsigned>(proposals.size()));
                                for (unsigned i = 0; i < proposals.size(); ++i)
                                  write(list[i], proposals[i]);
                              },
                              view.epoch()));
    return acknowledge(*this, p);
  }

  situation view;
  Rules rules;
  task_scheduler_actor scheduler;
};

template <class Rules>
subscriber_actor::behavior_type checker_behavior(subscriber_actor::stateful_pointer<checker_shell<Rules>> self,
                                                 const task_scheduler_actor& scheduler) {
  self->state.scheduler = scheduler;
  return {self->state.on(&checker_shell<Rules>::hear)};
}

} // namespace muster
