// Collections, replicas, channels and segments, found by their ids or names and explained over all replicas.
#include "actors/core/explain_shard.hpp"

#include "actors/core/answers.hpp"
#include "actors/core/balance/configured.hpp"
#include "actors/core/balance/planner.hpp"
#include "actors/core/balance_view.hpp"
#include "actors/core/reason.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace muster {

namespace {

/// Lines about other replicas or entities in one answer.
constexpr std::size_t others_named = 20;

/// The collection that a name or id means, or null.
const collection_view* find_collection(const situation& s, std::string_view name) {
  if (const auto* c = find_loaded(s, name))
    return c;
  const auto id = id_of(name);
  return id ? s.collection(*id) : nullptr;
}

std::string name_of(const collection_view& c) {
  return c.desired ? c.desired->name : "a released collection";
}

std::string line_of(const explanation& e) {
  return e.subject + ": " + std::string{to_string(e.why)} + ": " + e.text;
}

/// What a collection needs before anything of it is looked at.
bool explain_wanted(ladder& l, const collection_view* view, const std::string& name) {
  const auto& f = l.facts();
  if (view != nullptr && view->desired)
    return l.check(cause::not_asked_for, true, "somebody asked for it");
  if (f.problems.journal) {
    l.check(cause::journal_failed, false, "it is not loaded, and no change can be made durable: " + f.problems.journal->text);
    return l.blocked(unblocking::journal_writable, "free space or make the data folder of the coordinator writable, then load it",
                     f.problems.journal->since);
  }
  if (const auto i = f.problems.given_up.find(name); i != f.problems.given_up.end()) {
    l.check(cause::load_given_up, false, "its load was given up: " + i->second.text);
    return l.blocked(unblocking::load_request, "mend what it waited for, then load it again", i->second.since);
  }
  if (const auto i = f.problems.refused_loads.find(name); i != f.problems.refused_loads.end()) {
    const auto& text = i->second.text;
    const bool source = text.starts_with("io_") || text.starts_with("deadline_exceeded") || text.starts_with("internal");
    l.check(source ? cause::data_source_down : cause::load_refused, false, "the last request to load it was refused: " + text);
    return source ? l.blocked(unblocking::data_source_answers, "make the data source answer, then load it again", i->second.since)
                  : l.blocked(unblocking::load_request, "mend what the refusal names, then load it again", i->second.since);
  }
  l.check(cause::not_asked_for, false, "it is not loaded: nobody asked for it, or it was released");
  return l.blocked(unblocking::load_request, "load it (muster load " + name + ")");
}

// -- replica and collection -------------------------------------------------------------

/// Channels first, then the first segment of the newest target that is not served. True: all of it is as it should be.
bool explain_replica(ladder& l, const collection_view& view, const replica_row& replica) {
  const auto& f = l.facts();
  l.out().replica = replica.id;
  if (!explain_ground(l, view, replica))
    return false;
  for (std::uint16_t i = 0; i < view.head->channels.size(); ++i) {
    const auto* leader = view.leader(replica, view.head->channels[i]);
    const bool fine = leader != nullptr && can_serve(f.view, view, *leader) && leader->served >= view.head->current;
    if (fine)
      continue;
    // A leader that lacks something: what it lacks is the cause, if a segment can be named.
    if (leader == nullptr || leader->serviceable || !f.view.connected(leader->node))
      return explain_channel(l, view, replica, i);
    break;
  }
  const auto newest = view.head->next != 0 ? view.head->next : view.head->current;
  std::optional<target_row> lacking;
  view.each_target([&](const target_row& t) {
    if (lacking || !(t.in(newest) || t.in(view.head->current)) || t.channel >= view.head->channels.size())
      return;
    const auto* leader = view.leader(replica, view.head->channels[t.channel]);
    if (leader == nullptr || view.worker_of(t.segment, leader->node) == 0)
      lacking = t;
  });
  if (lacking) {
    l.out().actual = "segment " + std::to_string(lacking->segment) + " is the first that it lacks";
    return explain_segment(l, view, replica, *lacking);
  }
  for (std::uint16_t i = 0; i < view.head->channels.size(); ++i)
    if (!explain_channel(l, view, replica, i))
      return false;
  if (view.head->next != 0) {
    if (f.problems.journal) {
      l.check(cause::journal_failed, false, "target " + std::to_string(view.head->next) + " is here, and cannot be made current: "
                                              + f.problems.journal->text);
      return l.blocked(unblocking::journal_writable, "free space or make the data folder of the coordinator writable", f.problems.journal->since);
    }
    l.check(cause::target_coming, false, "everything of target " + std::to_string(view.head->next)
                                           + " is here; it becomes current when that is so in every replica");
    return l.blocked(unblocking::target_loaded, "wait for the other replicas", f.watch.wanted_since(view.desired->id));
  }
  return l.check(cause::target_coming, true, "nothing newer is on its way");
}

void about_replica(explanation& e, const situation& s, const collection_view& view, const replica_row& replica) {
  e.subject = "replica " + std::to_string(replica.id) + " of collection " + name_of(view);
  const auto channels = view.head ? view.head->channels.size() : 0;
  std::size_t led = 0;
  for (std::size_t i = 0; i < channels; ++i) {
    const auto* leader = view.leader(replica, view.head->channels[i]);
    led += leader != nullptr && can_serve(s, view, *leader) ? 1 : 0;
  }
  e.desired = count_of(channels, "channel") + " served from resource group " + std::string{replica.group()};
  if (e.actual.empty())
    e.actual = std::to_string(led) + " of " + std::to_string(channels) + " can be searched, on " + count_of(replica.nodes.size(), "node");
}

/// All replicas of a collection; the first that is not as it should be gives the cause, the others a line each.
template <class Each>
void over_replicas(const explain_facts& f, const collection_view& view, explanation& e, Each&& each) {
  e.served = true;
  for (const auto& replica : view.desired->replicas) {
    explanation one;
    one.replica = replica.id;
    ladder l{f, one};
    if (each(l, replica)) {
      if (e.served)
        e.conditions = one.conditions;
      continue;
    }
    if (e.served) {
      e.served = false;
      e.why = one.why;
      e.text = one.text;
      e.replica = replica.id;
      e.since = one.since;
      e.unblocked_by = one.unblocked_by;
      e.unblock_text = one.unblock_text;
      e.conditions = one.conditions;
      if (!one.actual.empty())
        e.actual = one.actual;
    } else if (e.elsewhere.size() < others_named) {
      one.subject = "replica " + std::to_string(replica.id);
      e.elsewhere.push_back(line_of(one));
    }
  }
  if (e.served)
    e.unblock_text = "nothing: it is as it should be";
}

result<explanation> explain_collection(const explain_facts& f, std::string_view asked) {
  const auto* view = find_collection(f.view, asked);
  explanation e;
  const std::string name{view != nullptr && view->desired ? view->desired->name : plain_name(asked)};
  e.subject = "collection " + name;
  ladder l{f, e};
  e.desired = "nothing";
  e.actual = view != nullptr && view->held() ? "nodes still hold some of it" : "nothing is loaded";
  if (!explain_wanted(l, view, name))
    return e;
  const auto& d = *view->desired;
  e.desired = count_of(d.replica_number, "replica") + ", "
              + (view->head ? count_of(view->head->next != 0 ? view->head->next_segments : view->head->current_segments, "segment") : "no segments");
  e.actual = std::to_string(serviceable_replicas(f.view, *view)) + " of " + std::to_string(d.replicas.size()) + " replicas can be searched";
  const auto asked_for = std::exchange(e.conditions, {});
  over_replicas(f, *view, e, [&](ladder& one, const replica_row& r) { return explain_replica(one, *view, r); });
  e.conditions.insert(e.conditions.begin(), asked_for.begin(), asked_for.end());
  if (e.served && f.problems.pulls.contains(d.id)) {
    const auto& p = f.problems.pulls.at(d.id);
    e.served = false;
    e.conditions.push_back({cause::data_source_down, false, "what data there is could not be asked: " + p.text});
    e.why = cause::data_source_down;
    e.text = e.conditions.back().text + "; what was loaded before is served";
    e.since = p.since;
    e.unblocked_by = unblocking::data_source_answers;
    e.unblock_text = "make the data source answer; it is asked again by itself";
  }
  return e;
}

result<explanation> explain_replica(const explain_facts& f, std::string_view asked) {
  const auto id = id_of(asked);
  const auto* view = !id ? nullptr : f.view.collection(f.watch.collection_of_replica(*id));
  if (view == nullptr || !view->desired || view->desired->replica(*id) == nullptr)
    return failure{ec::replica_not_found, "no loaded collection has a replica " + std::string{asked} + "; muster replicas lists them"};
  const auto& replica = *view->desired->replica(*id);
  explanation e;
  ladder l{f, e};
  e.served = explain_replica(l, *view, replica);
  about_replica(e, f.view, *view, replica);
  if (e.served)
    e.unblock_text = "nothing: it is as it should be";
  return e;
}

// -- channel and segment ------------------------------------------------------------------

/// What is where, why there, and what would move it.
void about_place(explanation& e, const explain_facts& f, const collection_view& view, const replica_row& replica, std::uint16_t channel,
                 const target_row* segment, std::int64_t node) {
  const auto settings = balance_settings_of(f.settings.values());
  e.nodes = verdicts_of(f.view, view, replica, channel, segment, settings);
  if (node == 0)
    return;
  e.why_here = why_here(f, segment != nullptr ? segment->segment : 0, view.head->channels[channel], replica.id, node);
  if (e.why_here.empty())
    e.why_here = "the decision is not remembered; it was there when this coordinator started, or it is too long ago";
  explanation none;
  const ladder names{f, none};
  if (replica.drains(node) || !f.view.usable(node)) {
    e.would_move = names.node(node) + " is to be emptied, so it moves as soon as it can";
    return;
  }
  const auto here = std::find_if(e.nodes.begin(), e.nodes.end(), [&](const node_verdict& v) { return v.node == node; });
  const node_verdict* best = nullptr;
  for (const auto& v : e.nodes)
    if (v.verdict == "accepted" && (best == nullptr || v.score < best->score))
      best = &v;
  const auto always = std::string{"its node leaves the replica, is to end or is lost, or somebody moves it by hand"};
  if (best == nullptr || here == e.nodes.end()) {
    e.would_move = always + "; no other node of the replica could take it";
    return;
  }
  const bool off = !settings.auto_balance || (segment == nullptr && !settings.auto_balance_channel)
                   || f.view.switches().inactive_checkers.contains("balance_checker");
  const auto weight = segment == nullptr ? 1.0 : static_cast<double>(segment->rows);
  e.would_move = always + "; or evenness: it scores " + four_digits(here->score) + " here and " + four_digits(best->score) + " on "
                 + names.node(best->node) + ", the lowest of the others, and weighs " + four_digits(weight)
                 + ": a move is made when the gap is over " + four_digits(settings.unbalance_toleration_factor)
                 + " of the mean and the move does not turn it round" + (off ? "; that is switched off now" : "");
}

result<explanation> explain_channel(const explain_facts& f, std::string_view asked) {
  const auto index_in = [&](const collection_view& c) -> std::optional<std::uint16_t> {
    if (!c.desired || !c.head)
      return std::nullopt;
    const auto& all = c.head->channels;
    const auto i = std::find(all.begin(), all.end(), asked);
    return i == all.end() ? std::nullopt : std::optional{static_cast<std::uint16_t>(i - all.begin())};
  };
  const auto* view = f.view.collection(f.watch.collection_of_channel(asked));
  if (view == nullptr || !index_in(*view))
    return failure{ec::channel_not_found, "no loaded collection has a channel " + std::string{asked}
                                            + "; muster describe COLLECTION lists those of a collection"};
  const auto channel = *index_in(*view);
  explanation e;
  e.subject = "channel " + std::string{asked} + " of collection " + name_of(*view);
  e.desired = "a leader in each of " + std::to_string(view->desired->replicas.size()) + " replicas";
  for (const auto& r : view->desired->replicas) {
    const auto* leader = view->leader(r, view->head->channels[channel]);
    explanation none;
    e.actual += (e.actual.empty() ? "" : ", ") + (leader == nullptr ? "none" : ladder{f, none}.node(leader->node)) + " in replica "
                + std::to_string(r.id);
  }
  over_replicas(f, *view, e, [&](ladder& l, const replica_row& r) { return explain_channel(l, *view, r, channel); });
  const auto* replica = view->desired->replica(e.replica);
  if (replica == nullptr && !view->desired->replicas.empty())
    replica = &view->desired->replicas.front();
  if (replica != nullptr) {
    const auto* leader = view->leader(*replica, view->head->channels[channel]);
    about_place(e, f, *view, *replica, channel, nullptr, leader == nullptr ? 0 : leader->node);
  }
  return e;
}

result<explanation> explain_segment(const explain_facts& f, std::string_view asked, std::string_view collection) {
  const auto id = id_of(asked);
  const auto unknown = failure{ec::segment_not_found, "no target and no node has a segment " + std::string{asked}
                                                        + "; muster list-segments COLLECTION lists those of a collection"};
  if (!id)
    return unknown;
  const auto has = [&](const collection_view& c) { return c.target_of(*id) || !c.copies_of(*id).empty(); };
  const collection_view* view = nullptr;
  if (!collection.empty()) {
    view = find_collection(f.view, collection);
    if (view == nullptr)
      return failure{ec::collection_not_found, "collection " + std::string{collection} + " is not loaded"};
    if (!has(*view))
      return unknown;
  } else {
    for (auto around : f.watch.collections_around(*id))
      if (const auto* c = f.view.collection(around); c != nullptr && has(*c))
        view = c;
    for (const auto& [released, c] : f.view.collections()) // what nobody wants any more may still be held
      if (view == nullptr && !c.desired && !c.copies_of(*id).empty())
        view = &c;
    if (view == nullptr)
      return unknown;
  }
  explanation e;
  e.subject = "segment " + std::to_string(*id) + " of collection " + name_of(*view);
  const auto copies = view->copies_of(*id);
  explanation none;
  const ladder names{f, none};
  for (const auto& c : copies)
    e.actual += (e.actual.empty() ? "on " : ", ") + names.node(c.node);
  if (copies.empty())
    e.actual = "on no node";
  ladder l{f, e};
  const auto t = view->target_of(*id);
  if (!explain_wanted(l, view, name_of(*view))) {
    e.desired = "nothing";
    return e;
  }
  const bool wanted = t && view->head && (t->in(view->head->current) || t->in(view->head->next)) && t->channel < view->head->channels.size();
  if (!wanted) {
    e.desired = "nothing";
    l.check(cause::not_in_target, false, "neither the current nor the next target names it, so it is released where it is");
    l.blocked(unblocking::target_loaded, "it was compacted, dropped or its partition released; nothing is to be done");
    return e;
  }
  e.desired = "a copy that the leader of " + view->head->channels[t->channel] + " routes to, in each of "
              + std::to_string(view->desired->replicas.size()) + " replicas";
  const auto before = std::exchange(e.conditions, {});
  over_replicas(f, *view, e, [&](ladder& one, const replica_row& r) { return explain_segment(one, *view, r, *t); });
  e.conditions.insert(e.conditions.begin(), before.begin(), before.end());
  const auto* replica = view->desired->replica(e.replica);
  if (replica == nullptr && !view->desired->replicas.empty())
    replica = &view->desired->replicas.front();
  if (replica != nullptr) {
    const auto copy = std::find_if(copies.begin(), copies.end(), [&](const copy_row& c) { return replica->contains(c.node); });
    about_place(e, f, *view, *replica, t->channel, &*t, copy == copies.end() ? 0 : copy->node);
  }
  return e;
}

} // namespace

result<explanation> explain(const explain_facts& facts, std::string_view subject, std::string_view name, std::string_view collection) {
  if (name.empty())
    return failure{ec::parameter_missing, "explain what? Give the id or name of a segment, channel, replica, collection, node or task"};
  if (subject == "segment")
    return explain_segment(facts, name, collection);
  if (subject == "channel")
    return explain_channel(facts, name);
  if (subject == "replica")
    return explain_replica(facts, name);
  if (subject == "collection")
    return explain_collection(facts, name);
  if (subject == "node")
    return explain_node(facts, name);
  if (subject == "task")
    return explain_task(facts, name);
  return failure{ec::parameter_invalid, "subject is \"" + std::string{subject} + "\"; it is segment, channel, replica, collection, node or task"};
}

} // namespace muster
