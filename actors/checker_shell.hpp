// The shell that all checkers share: situation in, proposals out; the switch, and the slow walk over everything.
#pragma once

#include "actors/checkers.hpp"
#include "actors/core/anti_entropy.hpp"
#include "actors/core/balance/configured.hpp"
#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"
#include "actors/runtime/publisher.hpp"

#include <string>
#include <utility>
#include <vector>

namespace muster {

/// `Rules` has check(situation, touched) -> proposals; if it has more(), what a limit cut off is asked for again; if it has open(),
/// that is counted; if it has sweep(...) (core/anti_entropy.hpp), everything is walked over slowly. What is touched is checked in turns
/// of limits::checked_entities, unless `Rules::at_once`: whose choice between collections needs all of them.
template <class Rules>
struct checker_shell : shell<checker_actor, checker_shell<Rules>> {
  using base = shell<checker_actor, checker_shell<Rules>>;

  explicit checker_shell(typename base::self_pointer ptr) : base(ptr, Rules::name, Rules::name, "supervisor") {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    const auto& touched = view.apply(p);
    if (!active)
      return acknowledge(*this, p);
    if (waiting.empty() && (at_once || cost_of(touched) <= limits::checked_entities)) {
      check(touched);
    } else {
      for (const auto& [id, ids] : touched)
        waiting[id].add(ids);
      next_turn();
    }
    return acknowledge(*this, p); // what waits is checked against this situation, or a newer one
  }

  std::size_t cost_of(std::int64_t id, const touched_ids& ids) const {
    const auto* c = view.collection(id);
    return 1 + (ids.whole && c != nullptr ? c->target_count() : ids.segments.size());
  }

  std::size_t cost_of(const touched_map& touched) const {
    std::size_t cost = 0;
    for (const auto& [id, ids] : touched)
      cost += cost_of(id, ids);
    return cost;
  }

  /// Checks a part of what waits, behind the part before it, so that collections that change all the time keep nobody waiting.
  void next_turn() {
    touched_map part;
    for (std::size_t cost = 0; !waiting.empty() && cost < limits::checked_entities;) {
      auto i = waiting.upper_bound(last_checked);
      if (i == waiting.end())
        i = waiting.begin();
      last_checked = i->first;
      cost += cost_of(i->first, i->second);
      part.insert(waiting.extract(i));
    }
    check(part);
    if (!waiting.empty() && !std::exchange(turning, true))
      this->send(checker_actor{this->self}, flush_atom::value);
  }

  m<schema::Ack> switch_to(const m<schema::CheckerState>& state) {
    balance = balance_settings_of(state->getSettings());
    configure();
    if (std::exchange(active, state->getActive()) != active) {
      rules = Rules{};
      configure();
      cursor = sweep_cursor{};
      waiting.clear();
      touched_map all;
      if (active) {
        for (const auto& [id, c] : view.collections())
          all[id].whole = true;
        check(all);
        arm();
      }
      this->info(active ? "active" : "inactive: it proposes nothing until it is activated again");
      this->meter().waits_for(active ? "" : "to be activated again");
    } else if (active) {
      check({}); // other settings may give it something to do
    }
    return this->template make<schema::Ack>([](auto) {});
  }

  /// For rules that choose nodes: how.
  void configure() {
    if constexpr (requires { rules.configure(balance, view); })
      rules.configure(balance, view);
  }

  void go_on(const flush_atom&) {
    going_on = false;
    turning = false;
    if (!active)
      return;
    if (waiting.empty())
      check({});
    else
      next_turn();
  }

  void slice(const tick_atom&) {
    ticking = false;
    if constexpr (requires { &Rules::sweep; }) {
      if (!active)
        return;
      if (!waiting.empty()) // what was told and not looked at yet is no defect
        return arm();
      auto found = cursor.slice(rules, view, limits::sweep_entities);
      this->meter().count("swept", found.looked);
      if (found.round_done)
        this->meter().count("rounds", 1);
      this->meter().count("defects", found.defects);
      if constexpr (requires { rules.open(); })
        this->meter().set("open", rules.open());
      if (found.defects > 0)
        this->warn("the slow walk found ", found.defects, " things to do that no change had told; this is a defect of Muster");
      propose(found.proposals);
      arm();
    }
  }

  void check(const touched_map& touched) {
    propose(rules.check(view, touched));
    if constexpr (requires { rules.open(); })
      this->meter().set("open", rules.open());
    if constexpr (requires { rules.more(); })
      if (rules.more() && !std::exchange(going_on, true))
        this->send_later(limits::retry_first, flush_atom::value); // mostly the next publication is here earlier
  }

  void propose(const std::vector<proposal>& proposals) {
    for (std::size_t first = 0; first < proposals.size(); first += limits::proposals_per_batch) {
      const auto n = std::min(proposals.size() - first, limits::proposals_per_batch);
      this->send(scheduler, this->template make<schema::Proposals>(
                              [&](schema::Proposals::Builder b) {
                                b.setProposer(Rules::proposer);
                                b.setSituation(view.number());
                                auto list = b.initProposals(static_cast<unsigned>(n));
                                for (unsigned i = 0; i < n; ++i)
                                  write(list[i], proposals[first + i]);
                              },
                              view.epoch()));
    }
    for (const auto& x : proposals)
      this->debug("propose ", to_string(x.why), " collection ", x.collection, " replica ", x.replica, " ", x.channel,
                  x.segment != 0 ? " segment " + std::to_string(x.segment) : std::string{}, " node ", x.node);
    this->meter().count("proposals", proposals.size());
  }

  /// One timer for the next slice.
  void arm() {
    if constexpr (requires { &Rules::sweep; })
      if (!std::exchange(ticking, true))
        this->send_later(sweep_interval(view.entities(), limits::sweep_entities, options.sweep_round), tick_atom::value);
  }

  static constexpr bool at_once = requires { Rules::at_once; };

  situation view;
  Rules rules;
  balance_settings balance;
  sweep_cursor cursor;
  checker_options options;
  task_scheduler_actor scheduler;
  bool active = false; ///< Until the controller says so: a restarted checker may be one that was switched off.
  touched_map waiting; ///< To be checked in further turns. Bounded by the collections.
  std::int64_t last_checked = 0;
  bool turning = false;  ///< The next turn is in the mailbox.
  bool going_on = false; ///< A check of what a limit cut off is due.
  bool ticking = false;
};

template <class Rules>
checker_actor::behavior_type checker_behavior(checker_actor::stateful_pointer<checker_shell<Rules>> self,
                                              const task_scheduler_actor& scheduler, const checker_options& options) {
  auto& s = self->state;
  s.scheduler = scheduler;
  s.options = options;
  return {
    s.on(&checker_shell<Rules>::hear),
    s.on(&checker_shell<Rules>::switch_to),
    s.on(&checker_shell<Rules>::slice),
    s.on(&checker_shell<Rules>::go_on),
  };
}

} // namespace muster
