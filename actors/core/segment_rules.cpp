// Rules for segments: lacking, repeated, not in target, foreign, released; growing ones that nobody needs.
#include "actors/core/segment_rules.hpp"

#include "actors/core/plant.hpp"
#include "messages/limits.hpp"

#include <algorithm>
#include <utility>

namespace muster {

namespace {

bool wanted(const collection_view& view, const std::optional<target_row>& target) {
  return target && view.head && (target->in(view.head->current) || target->in(view.head->next));
}

proposal release(std::int64_t collection, std::int64_t replica, std::string channel,
                 const copy_row& copy, reason why, schema::TaskPriority priority) {
  proposal p;
  p.kind = schema::TaskKind::RELEASE_SEGMENT;
  p.priority = priority;
  p.collection = collection;
  p.replica = replica;
  p.channel = std::move(channel);
  p.segment = copy.segment;
  p.node = copy.node;
  p.why = why;
  return p;
}

/// True when some leader (of this replica, if one is given) routes the segment to this node.
bool routed_to(const std::vector<view_row>& views, const replica_row* replica, std::int64_t node) {
  return std::any_of(views.begin(), views.end(), [&](const view_row& v) {
    return v.worker == node && (replica == nullptr || replica->contains(v.leader));
  });
}

std::optional<shard_context> context_of(const situation& s, const collection_view& view) {
  if (!view.desired)
    return std::nullopt;
  return std::optional<shard_context>{std::in_place, s, view};
}

bool names(const std::vector<std::int64_t>& ids, std::int64_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

/// What the targets say of a channel; null: nothing.
const channel_target* said_of(const std::vector<channel_target>& list, std::size_t channel) {
  return channel < list.size() ? &list[channel] : nullptr;
}

/// Growing segments whose rows are in sealed ones by now, or that were dropped. Only a delegator that serves exactly current has
/// taken over the sealed ones.
void check_growing(const situation& s, const collection_view& view, std::vector<proposal>& out) {
  const auto& head = *view.head;
  if (head.current == 0)
    return;
  for (const auto& d : view.delegators) {
    if (d.growing.empty() || d.served != head.current || !s.reachable(d.node))
      continue;
    const auto* replica = view.desired->replica_of(d.node);
    const auto channel = std::find(head.channels.begin(), head.channels.end(), d.channel) - head.channels.begin();
    const auto* current = said_of(head.current_channels, static_cast<std::size_t>(channel));
    if (replica == nullptr || replica->id != d.replica || current == nullptr)
      continue;
    const auto* next = head.next != 0 ? said_of(head.next_channels, static_cast<std::size_t>(channel)) : nullptr;
    for (const auto& g : d.growing) {
      if (names(current->growing, g.segment) || (next != nullptr && names(next->growing, g.segment)))
        continue;
      const bool dropped = names(current->dropped, g.segment);
      if (!dropped && g.start >= current->seek)
        continue;
      if (const auto* t = view.task_on(replica->id, g.segment); t != nullptr)
        continue;
      proposal p;
      p.kind = schema::TaskKind::RELEASE_GROWING;
      p.priority = schema::TaskPriority::NORMAL;
      p.collection = view.desired->id;
      p.replica = replica->id;
      p.channel = d.channel;
      p.segment = g.segment;
      p.node = d.node;
      p.why = dropped ? reason::growing_dropped : reason::growing_sealed;
      out.push_back(std::move(p));
    }
  }
}

} // namespace

std::string channel_of(const collection_view& view, std::int64_t segment, std::int64_t leader) {
  if (auto t = view.target_of(segment); t && view.head && t->channel < view.head->channels.size())
    return view.head->channels[t->channel];
  std::string only;
  for (const auto& d : view.delegators) {
    if (d.node != leader)
      continue;
    if (!only.empty())
      return {};
    only = d.channel;
  }
  return only;
}

bool may_serve_dropped(const collection_view& view, const replica_row& replica) {
  const auto current = view.head ? view.head->current : 0;
  bool serving = false;
  view.each_channel_task([&](const task_row& t) {
    serving = serving || (t.replica == replica.id && sets_up_shard(t.kind));
  });
  return serving || std::any_of(view.delegators.begin(), view.delegators.end(), [&](const delegator_row& d) {
           return d.replica == replica.id && d.served < current;
         });
}

bool in_use(const collection_view& view, const replica_row& replica, const std::string& channel) {
  if (channel.empty())
    return may_serve_dropped(view, replica);
  const auto current = view.head ? view.head->current : 0;
  bool led = false;
  for (const auto& d : view.delegators) {
    if (d.replica != replica.id || !replica.contains(d.node) || d.channel != channel)
      continue;
    led = true;
    if (d.served != 0 && d.served < current)
      return true;
  }
  const auto* t = view.task_on(replica.id, channel);
  return !led || (t != nullptr && sets_up_shard(t->kind));
}

std::vector<proposal> segment_rules::check(const situation& s, const touched_map& touched) {
  std::vector<proposal> out;
  placing places{s, settings_};
  cut_.each_due(touched, [&](std::int64_t id, const touched_ids& ids) { check_collection(s, id, ids, places, out); });
  return out;
}

/// Keeps the count of what is open in step.
void segment_rules::check_collection(const situation& s, std::int64_t id, const touched_ids& ids, placing& places,
                                     std::vector<proposal>& out) {
  const auto before = open_in(id);
  look_at(s, id, ids, places, out);
  open_count_ += open_in(id) - before;
}

std::size_t segment_rules::open_in(std::int64_t id) const {
  auto i = open_.find(id);
  return i == open_.end() ? 0 : i->second.segments.size();
}

void segment_rules::look_at(const situation& s, std::int64_t id, const touched_ids& ids, placing& places,
                            std::vector<proposal>& out) {
  const auto* view = s.collection(id);
  if (view == nullptr) {
    open_.erase(id);
    return;
  }
  if (view->desired && nothing_known(s, *view->desired))
    return;
  auto& mine = open_[id];
  std::vector<std::int64_t> due = std::exchange(mine.pending, {});
  due.insert(due.end(), ids.segments.begin(), ids.segments.end());
  if (ids.whole) {
    view->each_target([&](const target_row& t) { due.push_back(t.segment); });
    view->each_copy([&](const copy_row& c) { due.push_back(c.segment); });
    due.insert(due.end(), mine.segments.begin(), mine.segments.end());
  } else if (!mine.segments.empty()) {
    if (auto now = shard_state_of(s, *view); now != mine.shards) {
      due.insert(due.end(), mine.segments.begin(), mine.segments.end());
      mine.shards = std::move(now);
    }
  }
  std::sort(due.begin(), due.end());
  due.erase(std::unique(due.begin(), due.end()), due.end());
  const bool none_open = mine.segments.empty();
  const auto shards = due.empty() ? std::nullopt : context_of(s, *view);
  for (auto i = due.begin(); i != due.end(); ++i) {
    if (out.size() >= limits::proposals_per_batch) {
      mine.pending.assign(i, due.end());
      cut_.add(id);
      break;
    }
    if (check_segment(s, id, *view, shards ? &*shards : nullptr, *i, places, out))
      mine.segments.insert(*i);
    else
      mine.segments.erase(*i);
  }
  if (view->desired && view->head && out.size() < limits::proposals_per_batch)
    check_growing(s, *view, out);
  if (mine.segments.empty() && mine.pending.empty())
    open_.erase(id);
  else if (none_open || ids.whole)
    mine.shards = shard_state_of(s, *view);
}

bool segment_rules::check_segment(const situation& s, std::int64_t collection, const collection_view& view,
                                  const shard_context* shards, std::int64_t segment, placing& places,
                                  std::vector<proposal>& out) const {
  const auto copies = view.copies_of(segment);
  bool open = false;
  if (!view.desired) {
    for (const auto& c : copies) {
      open = true;
      if (s.reachable(c.node))
        out.push_back(release(collection, 0, {}, c, reason::segment_released, schema::TaskPriority::NORMAL));
    }
    return open;
  }
  const auto& desired = *view.desired;
  if (!view.head)
    return !copies.empty(); // unknown is not empty: without a target nothing is surplus
  const auto target = view.target_of(segment);
  // A leader may have had it loaded there and not yet said so: its order is still in flight then.
  const auto awaited = [&] {
    return shards->serving() || view.task_on(std::int64_t{0}, segment) != nullptr
           || std::any_of(desired.replicas.begin(), desired.replicas.end(),
                          [&](const replica_row& r) { return view.task_on(r.id, segment) != nullptr; });
  };
  for (const auto& c : copies) {
    if (desired.replica_of(c.node) != nullptr)
      continue;
    open = true;
    if (s.reachable(c.node) && !awaited() && !routed_to(view.views_of(segment), nullptr, c.node))
      out.push_back(release(desired.id, 0, {}, c, reason::segment_foreign, schema::TaskPriority::NORMAL));
  }
  const bool want = wanted(view, target);
  for (std::size_t r = 0; r < desired.replicas.size(); ++r) {
    const auto& replica = desired.replicas[r];
    std::vector<copy_row> here;
    std::copy_if(copies.begin(), copies.end(), std::back_inserter(here),
                 [&](const copy_row& c) { return replica.contains(c.node); });
    if (want ? here.size() == 1 : here.empty())
      continue;
    open = true;
    if (!shards->known(r) || view.task_on(replica.id, segment) != nullptr)
      continue;
    if (want) {
      const auto& shard = shards->at(r, target->channel);
      // While the shard is being set up, its own order brings the segments.
      if ((shard.serving && plant::active != plant::bug::slot_deadlock) || !shard.usable)
        continue;
      const auto& channel = view.head->channels.at(target->channel);
      if (here.empty()) {
        const auto node = places.place_segment(view, replica, target->rows, target->bytes, target->channel);
        if (node == 0)
          continue;
        proposal p;
        p.kind = schema::TaskKind::LOAD_SEGMENT;
        p.priority = schema::TaskPriority::NORMAL;
        p.collection = desired.id;
        p.replica = replica.id;
        p.channel = channel;
        p.segment = segment;
        p.node = node;
        p.why = reason::segment_lacking;
        p.choice = places.last();
        // What users could read before comes back first.
        p.load_priority = target->in(view.head->current) ? schema::LoadPriority::HIGH : replica.load_priority;
        out.push_back(std::move(p));
        continue;
      }
      const auto views = view.views_of(segment);
      const auto worker = view.worker_of(segment, shard.leader->node);
      const bool serving = std::any_of(here.begin(), here.end(), [&](const copy_row& c) { return c.node == worker; });
      if (!serving)
        continue; // leader_checker sees to the route first
      // A further leader that is being set up may come to route to either, one of another replica too: its order may be older than
      // the change of replicas that gave this one the node.
      bool coming = false;
      for (std::size_t other = 0; other < desired.replicas.size(); ++other)
        coming = coming || shards->at(other, target->channel).serving;
      if (coming)
        continue;
      for (const auto& c : here)
        if (c.node != worker && s.reachable(c.node) && !routed_to(views, nullptr, c.node)) {
          out.push_back(release(desired.id, replica.id, channel, c, reason::segment_repeated,
                                schema::TaskPriority::LOW));
          break; // one task a segment and replica at a time
        }
      continue;
    }
    // No target names it. Which shard it was of is in its old row, in the view of who routes it, or nobody knows.
    std::string channel;
    bool needed = false;
    for (const auto& v : view.views_of(segment))
      if (replica.contains(v.leader)) {
        channel = channel_of(view, segment, v.leader);
        for (const auto& d : view.delegators)
          if (d.node == v.leader && (channel.empty() || d.channel == channel) && d.served < view.head->current)
            needed = true; // also one that serves nothing yet: it routes it, so it was made with it
        needed = needed || channel.empty(); // leader_checker has the route forgotten first
      }
    if (channel.empty())
      channel = channel_of(view, segment, 0);
    if (needed || in_use(view, replica, channel))
      continue;
    if (!channel.empty()) {
      const auto* leader = view.leader(replica, channel);
      if (leader == nullptr || !s.reachable(leader->node))
        continue;
    }
    for (const auto& c : here)
      if (s.reachable(c.node)) {
        out.push_back(release(desired.id, replica.id, channel, c, reason::segment_not_in_target,
                              schema::TaskPriority::NORMAL));
        break;
      }
  }
  return open;
}

std::optional<std::int64_t> segment_rules::sweep(const situation& s, std::int64_t collection, std::int64_t from,
                                                 std::size_t most, sweep_findings& found) {
  const auto before = open_in(collection);
  const auto next = walk(s, collection, from, most, found);
  open_count_ += open_in(collection) - before;
  return next;
}

std::optional<std::int64_t> segment_rules::walk(const situation& s, std::int64_t collection, std::int64_t from,
                                                std::size_t most, sweep_findings& found) {
  const auto& view = *s.collection(collection);
  if (view.desired && nothing_known(s, *view.desired))
    return std::nullopt;
  const auto mine = open_.find(collection);
  const auto expected = [&](std::int64_t segment) {
    return mine != open_.end()
           && (mine->second.segments.contains(segment)
               || std::binary_search(mine->second.pending.begin(), mine->second.pending.end(), segment));
  };
  // Of which replica a node is, looked up once for the slice.
  std::vector<std::pair<std::int64_t, std::size_t>> homes;
  if (view.desired)
    for (std::size_t r = 0; r < view.desired->replicas.size(); ++r)
      for (const auto* list : {&view.desired->replicas[r].nodes, &view.desired->replicas[r].read_only_nodes})
        for (auto id : *list)
          homes.emplace_back(id, r);
  std::sort(homes.begin(), homes.end());
  std::vector<std::size_t> counts(view.desired ? view.desired->replicas.size() : 0);
  std::vector<std::int64_t> suspects;
  const auto next = view.walk(from, most, false, [&](const walked_segment& w) {
    ++found.looked;
    const bool want = view.desired && view.head && w.target != nullptr
                      && (w.target->in(view.head->current) || w.target->in(view.head->next));
    bool settled = true;
    std::fill(counts.begin(), counts.end(), 0);
    for (const auto& c : w.copies) {
      const auto home = std::lower_bound(homes.begin(), homes.end(), std::pair{c.node, std::size_t{0}});
      if (home == homes.end() || home->first != c.node)
        settled = false;
      else
        ++counts[home->second];
    }
    for (auto n : counts)
      settled = settled && n == (want ? 1 : 0);
    if (!settled)
      suspects.push_back(w.segment);
  });
  if (suspects.empty())
    return next;
  // What is open anyway is proposed once more, should a refusal have been lost; what nobody knew of is a defect.
  placing places{s, settings_};
  const auto shards = context_of(s, view);
  const bool fresh = mine == open_.end();
  for (auto segment : suspects)
    if (check_segment(s, collection, view, shards ? &*shards : nullptr, segment, places, found.proposals)
        && !expected(segment)) {
      ++found.defects;
      open_[collection].segments.insert(segment);
    }
  if (auto i = open_.find(collection); i != open_.end() && fresh)
    i->second.shards = shard_state_of(s, view);
  return next;
}

} // namespace muster
