// The simulated nodes: links, orders, loads, reports and the faults that are asked for.
#include "actors/core/fleet_nodes.hpp"

#include "actors/core/order_shard.hpp"

#include <algorithm>
#include <utility>

namespace muster {

namespace {

constexpr std::int64_t nanoseconds(limits::milliseconds d) {
  return std::chrono::nanoseconds{d}.count();
}

/// What a simulated row weighs: 128 float32 and a little.
constexpr std::int64_t bytes_per_row = 520;

load_source to_source(schema::SegmentSource::Reader s, bool low_priority = false) {
  // Without the file's name: there is none, and a million of them would only be memory.
  return {segment_id{s.getSegment()}, collection_id{s.getCollection()}, partition_id{s.getPartition()}, s.getRows(), {}, low_priority};
}

node_id known(node_shard& shard, schema::Worker::Reader worker) {
  const node_id id{worker.getNode()};
  shard.name_worker(id, std::string{view(worker.getAddress())});
  return id;
}

std::vector<node_id> all_known(node_shard& shard, capnp::List<schema::Worker>::Reader workers) {
  std::vector<node_id> result;
  for (auto worker : workers)
    result.push_back(known(shard, worker));
  return result;
}

} // namespace

struct fleet_nodes::led_shard {
  led_shard(const shard_key& key, node_id self) : shard(key, self) {
    // nop
  }

  node_shard shard;
  std::int64_t progress_told = 0;
};

struct fleet_nodes::node {
  std::size_t index = 0;
  std::string name;
  node_id id;
  std::int64_t link = 0; ///< 0: none, and none is being dialled.
  std::int64_t dials = 0;
  bool welcomed = false;
  bool incomplete = false; ///< What it holds is still to be reported on this connection.
  std::uint64_t highest_epoch = 0;
  std::int64_t last_heard = 0;
  node_book book{limits::report_entries};
  node_segments segments{limits::loads_at_once, limits::loads_waiting};
  std::map<shard_key, led_shard> shards;
  std::uint64_t last_who = 0; ///< 0 is nobody.
  std::unordered_map<std::uint64_t, caller> callers;
  std::vector<result_row> results; ///< For the current link.
  std::map<std::int64_t, shard_actions::progress> progress; ///< By task, likewise.
  bool touched = false;
};

fleet_nodes::fleet_nodes(fleet_settings settings, std::int64_t now)
  : settings_(std::move(settings)), random_(settings_.seed), now_(now),
    next_silence_check_(now + nanoseconds(limits::silence_check)) {
  for (std::size_t i = 0; i < settings_.nodes; ++i) {
    auto n = std::make_unique<node>();
    n->index = i;
    n->name = settings_.name + "-" + std::to_string(i + 1);
    nodes_.push_back(std::move(n));
    dial_later(i, now);
  }
}

fleet_nodes::~fleet_nodes() = default;

// -- links ----------------------------------------------------------------------

fleet_nodes::node* fleet_nodes::by_link(std::int64_t link) {
  auto& n = *nodes_[static_cast<std::size_t>(link / 2) % nodes_.size()];
  return n.link == link ? &n : nullptr;
}

void fleet_nodes::dial_later(std::size_t i, std::int64_t at) {
  dials_.insert({at, i});
}

void fleet_nodes::opened(std::int64_t link, std::int64_t now) {
  now_ = now;
  auto* n = by_link(link);
  if (n == nullptr)
    return;
  n->last_heard = now;
  write(*n, [&](schema::NodeFrame::Builder b) {
    auto h = b.initHello();
    h.setName(n->name);
    h.setAddress(settings_.address);
    h.setIncarnation(settings_.incarnation);
    h.setHighestEpoch(n->highest_epoch);
    h.setMemoryMb(settings_.memory_mb);
    h.setCpus(settings_.cpus);
    auto label = h.initLabels(1)[0];
    label.setKey("simulated");
    label.setValue("true");
  });
}

void fleet_nodes::closed(std::int64_t link, const std::string& reason, std::int64_t now) {
  now_ = now;
  auto* n = by_link(link);
  if (n == nullptr)
    return;
  if (n->welcomed && n->index == 0)
    out_.notes.push_back("the connection of " + n->name + " to the coordinator was lost: " + reason);
  lost(*n, nanoseconds(limits::redial), now);
}

void fleet_nodes::lost(node& n, std::int64_t wait, std::int64_t now) {
  n.welcomed = false;
  n.link = 0;
  n.results.clear();
  n.progress.clear();
  if (!leaving_)
    dial_later(n.index, now + wait);
}

void fleet_nodes::hang_up(node& n, std::int64_t wait, std::int64_t now) {
  out_.closes.push_back(n.link);
  lost(n, wait, now);
}

void fleet_nodes::frame(std::int64_t link, kj::ArrayPtr<const kj::byte> bytes, std::int64_t now) {
  now_ = now;
  auto* n = by_link(link);
  if (n == nullptr)
    return;
  n->last_heard = now;
  auto parsed = parse<schema::CoordinatorFrame>(bytes);
  if (!parsed) {
    out_.notes.push_back("the coordinator sent what is no message of Muster: " + parsed.error().text);
    return hang_up(*n, nanoseconds(limits::redial_refused), now);
  }
  auto f = parsed->read();
  if (f.isPing()) {
    write(*n, [&](auto b) { b.setPong(f.getPing()); });
  } else if (f.isWelcome()) {
    welcome(*n, f.getWelcome());
  } else if (f.isRefused()) {
    if (!std::exchange(noted_refusal_, true))
      out_.notes.push_back("the coordinator refuses " + n->name + ": "
                           + std::string{view(f.getRefused().getReason())} + "; trying again");
    hang_up(*n, nanoseconds(limits::redial_refused), now);
  } else if (f.isOrders() && n->welcomed) {
    obey(*n, f.getOrders());
  }
}

void fleet_nodes::welcome(node& n, schema::CoordinatorFrame::Welcome::Reader w) {
  const node_id id{w.getNode()};
  if (n.id && n.id != id) {
    by_id_.erase(n.id.value);
    while (!n.shards.empty())
      forget(n, shard_key{n.shards.begin()->first});
  }
  n.id = id;
  by_id_[id.value] = n.index;
  n.welcomed = true;
  n.highest_epoch = std::max(n.highest_epoch, w.getEpoch());
  noted_refusal_ = false;
  // Who leads is what searches wait for, so all nodes say that before any says what it holds.
  write_pages(n, n.book.take_shards());
  if (!std::exchange(n.incomplete, true))
    incomplete_.push_back(n.index);
}

void fleet_nodes::complete_report(node& n) {
  if (!std::exchange(n.incomplete, false))
    return;
  std::erase(incomplete_, n.index);
  if (n.welcomed)
    write_pages(n, n.book.take_copies());
}

void fleet_nodes::on_time(std::int64_t now) {
  now_ = now;
  while (!dials_.empty() && dials_.begin()->first <= now) {
    auto& n = *nodes_[dials_.begin()->second];
    dials_.erase(dials_.begin());
    if (n.link != 0 || leaving_)
      continue;
    // Odd, unique, and its node can be told from it.
    n.link = static_cast<std::int64_t>(2 * (static_cast<std::size_t>(n.dials++) * nodes_.size() + n.index) + 1);
    n.last_heard = now;
    out_.dials.push_back(n.link);
  }
  while (!load_ends_.empty() && load_ends_.begin()->first <= now) {
    auto due = std::move(load_ends_.begin()->second);
    load_ends_.erase(load_ends_.begin());
    end_load(*nodes_[due.node], due.what);
  }
  if (now >= next_silence_check_) {
    next_silence_check_ = now + nanoseconds(limits::silence_check);
    for (auto& n : nodes_)
      if (n->link != 0 && now - n->last_heard >= nanoseconds(limits::coordinator_silence))
        hang_up(*n, nanoseconds(limits::redial), now);
  }
}

std::int64_t fleet_nodes::next_time() const {
  auto next = next_silence_check_;
  if (!dials_.empty())
    next = std::min(next, dials_.begin()->first);
  if (!load_ends_.empty())
    next = std::min(next, load_ends_.begin()->first);
  return next;
}

void fleet_nodes::leave() {
  leaving_ = true;
  for (auto& n : nodes_)
    if (n->welcomed)
      write(*n, [](auto b) { b.setLeaving(); });
}

// -- orders -----------------------------------------------------------------------

void fleet_nodes::obey(node& n, schema::Orders::Reader orders) {
  const auto epoch = orders.getHeader().getEpoch();
  std::optional<failure> why;
  if (epoch < n.highest_epoch)
    why = failure{ec::stale_epoch, "an order of epoch " + std::to_string(epoch) + "; this node obeys epoch "
                                     + std::to_string(n.highest_epoch)};
  else if (node_id{orders.getNode()} != n.id)
    why = failure{ec::node_not_match,
                  "this is node " + to_string(n.id) + ", not node " + std::to_string(orders.getNode())};
  else
    n.highest_epoch = epoch;
  for (auto order : orders.getOrders()) {
    ++counts_.orders;
    if (why) {
      answer(n, order.getTask(), *why, {});
    } else if (chance(settings_.refuse)) {
      ++counts_.refused;
      answer(n, order.getTask(), {ec::too_many_requests, "simulated node " + n.name + " refuses this order (--refuse)"}, {});
    } else {
      route(n, order);
    }
  }
}

void fleet_nodes::route(node& n, schema::Order::Reader o) {
  auto key = shard_of(o);
  if (!key)
    return own_order(n, o);
  // As at a real node: whoever routes a segment that no target names any more forgets it.
  if (o.isSyncView() && key->channel.empty()) {
    const auto removed = o.getSyncView().getRemoved();
    key = removed.size() == 1 ? n.book.router_of(key->collection, key->replica, segment_id{removed[0]}) : std::nullopt;
    if (!key)
      return answer(n, o.getTask(), {ec::ok, ""}, {});
  }
  auto i = n.shards.find(*key);
  if (i == n.shards.end() && o.isServeShard()) {
    const auto other = n.shards.lower_bound({key->collection, key->channel, replica_id{}});
    if (other != n.shards.end() && other->first.collection == key->collection && other->first.channel == key->channel)
      return answer(n, o.getTask(), {ec::channel_not_available, "channel " + key->channel + " is still led here for replica "
                                                                  + to_string(other->first.replica)
                                                                  + "; it has to be dropped first"}, {});
    i = n.shards.try_emplace(*key, *key, n.id).first;
  }
  if (i != n.shards.end()) {
    order(n, i->second.shard, o);
    unsettled_shards_.emplace_back(n.index, *key);
  } else if (o.isDropShard()) {
    answer(n, o.getTask(), {ec::ok, ""}, {});
  } else {
    answer(n, o.getTask(), {ec::channel_not_found, "channel " + key->channel + " has no leader here"}, {});
  }
}

/// An order to the node itself: no shard is concerned.
void fleet_nodes::own_order(node& n, schema::Order::Reader order) {
  using what = segment_update::what;
  const auto elsewhere = [&](schema::Worker::Reader worker) {
    const node_id at{worker.getNode()};
    if (at == n.id)
      return false;
    answer(n, order.getTask(), {ec::node_not_match, "this is node " + to_string(n.id) + ", not node " + to_string(at)}, {});
    return true;
  };
  if (order.isReleaseSegment()) {
    auto o = order.getReleaseSegment();
    if (o.hasWorker() && elsewhere(o.getWorker()))
      return;
    n.segments.release(own_caller(n, order.getTask()), segment_id{o.getSegment()});
  } else if (order.isLoadSegment()) {
    auto o = order.getLoadSegment();
    if (o.getScope() != schema::LoadScope::INDEX && o.getScope() != schema::LoadScope::STATS)
      return answer(n, order.getTask(), {ec::parameter_invalid, "a whole segment is loaded through the leader of its channel"}, {});
    if (elsewhere(o.getWorker()))
      return;
    n.segments.update(own_caller(n, order.getTask()), to_source(o.getSource(), true),
                      {o.getScope() == schema::LoadScope::INDEX ? what::load_indexes : what::load_stats, o.getIndexes()});
  } else if (order.isDropIndex()) {
    auto o = order.getDropIndex();
    load_source source;
    source.segment = segment_id{o.getSegment()};
    n.segments.update(own_caller(n, order.getTask()), source, {what::drop_indexes, o.getIndexes()});
  } else {
    return answer(n, order.getTask(), {ec::parameter_invalid, "an order of a kind this node does not know"}, {});
  }
  unsettled_segments_.push_back(n.index);
}

std::uint64_t fleet_nodes::own_caller(node& n, std::int64_t task) {
  caller who;
  who.leader = n.index;
  who.task = task;
  who.link = n.link;
  n.callers.emplace(++n.last_who, std::move(who));
  return n.last_who;
}

void fleet_nodes::order(node& n, node_shard& shard, schema::Order::Reader order) {
  const order_token token{task_id{order.getTask()}, link_id{n.link}};
  switch (order.which()) {
    case schema::Order::SERVE_SHARD: {
      auto o = order.getServeShard();
      const auto workers = all_known(shard, o.getWorkers());
      std::vector<placed_segment> placed;
      placed.reserve(o.getSegments().size());
      for (auto p : o.getSegments())
        if (p.getWorker() < workers.size())
          placed.push_back({to_source(p.getSource()), workers[p.getWorker()]});
      shard.serve(token, o.getVersion(), o.getTargetVersion(), std::move(placed));
      break;
    }
    case schema::Order::LOAD_SEGMENT: {
      auto o = order.getLoadSegment();
      shard.load(token, o.getVersion(), {to_source(o.getSource(), o.getPriority() == schema::LoadPriority::LOW),
                                         known(shard, o.getWorker())});
      break;
    }
    case schema::Order::RELEASE_SEGMENT: {
      auto o = order.getReleaseSegment();
      shard.release(token, segment_id{o.getSegment()}, known(shard, o.getWorker()));
      break;
    }
    case schema::Order::DROP_SHARD:
      shard.drop(token, order.getDropShard().getVersion());
      break;
    case schema::Order::SYNC_VIEW: {
      auto o = order.getSyncView();
      const auto workers = all_known(shard, o.getWorkers());
      std::vector<std::pair<segment_id, node_id>> set;
      for (auto p : o.getSet())
        if (p.getWorker() < workers.size())
          set.emplace_back(segment_id{p.getSource().getSegment()}, workers[p.getWorker()]);
      std::vector<segment_id> removed;
      for (auto segment : o.getRemoved())
        removed.push_back(segment_id{segment});
      std::vector<std::pair<std::int64_t, std::int64_t>> stats;
      for (auto v : o.getPartitionStats())
        stats.emplace_back(v.getPartition(), v.getVersion());
      shard.sync_stats(stats);
      shard.sync_view(token, set, removed);
      break;
    }
    case schema::Order::SYNC_TARGET: {
      auto o = order.getSyncTarget();
      std::vector<segment_id> segments;
      for (auto segment : o.getSegments())
        segments.push_back(segment_id{segment});
      shard.sync_target(token, o.getTargetVersion(), std::move(segments));
      break;
    }
    default:
      answer(n, order.getTask(), {ec::parameter_invalid, "an order of a kind this node does not know"}, {});
  }
}

// -- what follows -----------------------------------------------------------------

void fleet_nodes::settle_shard(node& n, const shard_key& key) {
  complete_report(n);
  auto i = n.shards.find(key);
  if (i == n.shards.end())
    return;
  auto& shard = i->second.shard;
  auto act = shard.take();
  if (act.peers_changed && !act.ended) {
    for (const auto& [peer, address] : shard.peers())
      shard.reachable(peer, by_id_.contains(peer.value));
    unsettled_shards_.emplace_back(n.index, key);
  }
  if (act.changed) {
    n.book.put_delegator(key, *act.changed);
    if (n.book.page_is_full())
      write_changes(n);
  }
  if (now_ - i->second.progress_told >= nanoseconds(limits::order_progress)) {
    i->second.progress_told = now_;
    for (const auto& further : shard.take_progress())
      n.progress[further.task.value] = further;
  }
  if (act.ended)
    forget(n, key);
  for (auto& a : act.answers)
    if (a.token.link.value == n.link)
      answer(n, a.token.task.value, a.why.value_or(failure{ec::ok, ""}), std::move(a.marks));
  for (const auto& load : act.loads)
    call_worker(n, key, load.worker, load.call, true, load.source, load.version);
  for (const auto& release : act.releases) {
    load_source what;
    what.segment = release.segment;
    call_worker(n, key, release.worker, release.call, false, what, 0);
  }
  if (!n.touched) {
    n.touched = true;
    touched_.push_back(n.index);
  }
}

void fleet_nodes::call_worker(node& leader, const shard_key& key, node_id worker, std::uint64_t call, bool load,
                              const load_source& source, std::int64_t version) {
  caller who;
  who.leader = leader.index;
  who.shard = key;
  who.call = call;
  who.load = load;
  const auto i = by_id_.find(worker.value);
  if (i == by_id_.end())
    return give(who, failure{ec::connection_lost, "node " + to_string(worker) + " is not of this simulated fleet"}, {});
  auto& w = *nodes_[i->second];
  w.callers.emplace(++w.last_who, std::move(who));
  if (load)
    w.segments.load(w.last_who, source, version);
  else
    w.segments.release(w.last_who, source.segment);
  unsettled_segments_.push_back(w.index);
}

void fleet_nodes::settle_segments(node& n, std::int64_t now) {
  complete_report(n);
  auto act = n.segments.take();
  if (!n.touched) {
    n.touched = true;
    touched_.push_back(n.index);
  }
  for (auto segment : act.removed)
    n.book.remove_copy(segment);
  for (const auto& copy : act.copies)
    n.book.put_copy(copy);
  // A full report goes out before the answers, so that their mark names the one that contains the change.
  if (n.book.page_is_full())
    write_changes(n);
  for (const auto& a : act.answers) {
    auto who = n.callers.extract(a.who);
    if (!who.empty())
      give(who.mapped(), a.why, own_mark(n));
  }
  for (auto& start : act.starts) {
    if (settings_.load_ns == 0)
      end_load(n, start);
    else
      load_ends_.emplace(now + settings_.load_ns, load_end{n.index, std::move(start)});
  }
}

void fleet_nodes::end_load(node& n, const node_segments::start& what) {
  const auto& source = what.source;
  unsettled_segments_.push_back(n.index);
  node_segments::loaded now;
  if (what.update) {
    if (const auto i = n.book.copies().find(source.segment); i != n.book.copies().end())
      now = {i->second.rows, i->second.bytes, i->second.index, i->second.indexes, i->second.stats};
    if (what.update->kind == segment_update::what::load_stats)
      now.stats |= what.update->ids;
    else if (what.update->kind == segment_update::what::load_indexes)
      now.indexes |= what.update->ids;
    else
      now.indexes &= ~what.update->ids;
    n.segments.done(source.segment, std::nullopt, now);
    return;
  }
  ++counts_.loads;
  // As the built-in engine: the id of an index is its kind, and searching every row (kind 1) needs none.
  const bool indexed = static_cast<std::size_t>(source.rows) >= limits::hnsw_rows;
  now = {source.rows, source.rows * bytes_per_row, static_cast<std::uint8_t>(indexed ? 2 : 1), indexed ? 1u << 2 : 0u, 0};
  n.segments.done(source.segment, std::nullopt, now);
  if (chance(settings_.lie))
    lie(n, source);
}

/// Both end in the table of segments too, so that the coordinator's answer to them finds what was reported.
void fleet_nodes::lie(node& n, const load_source& source) {
  ++counts_.lies;
  if (draw() % 2 == 0 || n.book.copies().empty()) {
    auto other = source;
    ++other.segment.value;
    n.segments.load(0, other, 0);
    return;
  }
  const auto& copies = n.book.copies();
  auto victim = copies.upper_bound(source.segment);
  n.segments.release(0, victim == copies.end() ? copies.begin()->first : victim->first);
}

/// The answer of a worker, or of a node to an order that concerns no shard.
void fleet_nodes::give(const caller& who, const std::optional<failure>& why, report_mark mark) {
  auto& n = *nodes_[who.leader];
  if (who.task != 0) {
    if (who.link == n.link)
      answer(n, who.task, why.value_or(failure{ec::ok, ""}), {});
    return;
  }
  auto i = n.shards.find(who.shard);
  if (i == n.shards.end())
    return;
  if (who.load)
    i->second.shard.load_done(who.call, why, mark);
  else
    i->second.shard.release_done(who.call, why, mark);
  if (unsettled_shards_.empty() || unsettled_shards_.back() != std::pair{who.leader, who.shard})
    unsettled_shards_.emplace_back(who.leader, who.shard);
}

void fleet_nodes::answer(node& n, std::int64_t task, const failure& why, std::vector<report_mark> marks) {
  std::erase_if(marks, [&](const report_mark& mark) { return mark.node == n.id; });
  marks.push_back(own_mark(n));
  n.results.push_back({task, why, std::move(marks)});
  if (!n.touched) {
    n.touched = true;
    touched_.push_back(n.index);
  }
}

void fleet_nodes::forget(node& n, const shard_key& key) {
  n.shards.erase(key);
  n.book.remove_delegator(key);
}

report_mark fleet_nodes::own_mark(const node& n) const {
  return {n.id, settings_.incarnation, n.book.mark()};
}

fleet_nodes::actions fleet_nodes::take(std::int64_t now) {
  now_ = now;
  while (!unsettled_shards_.empty() || !unsettled_segments_.empty()) {
    for (const auto& [i, key] : std::exchange(unsettled_shards_, {}))
      settle_shard(*nodes_[i], key);
    for (auto i : std::exchange(unsettled_segments_, {}))
      settle_segments(*nodes_[i], now);
  }
  // Reports first, then the answers that rest on them.
  for (auto i : touched_)
    write_changes(*nodes_[i]);
  for (auto i : std::exchange(touched_, {})) {
    nodes_[i]->touched = false;
    write_results(*nodes_[i]);
  }
  if (!incomplete_.empty())
    complete_report(*nodes_[incomplete_.front()]);
  out_.more = !incomplete_.empty();
  return std::exchange(out_, {});
}

void fleet_nodes::write_changes(node& n) {
  if (n.welcomed)
    write_pages(n, n.book.take_changes());
  else
    n.book.skip();
}

void fleet_nodes::write_pages(node& n, const std::vector<report_page>& pages) {
  for (const auto& page : pages)
    write(n, [&](schema::NodeFrame::Builder b) { page.write(b.initReport()); });
}

void fleet_nodes::write_results(node& n) {
  const auto all = std::exchange(n.results, {});
  for (std::size_t from = 0; from < all.size(); from += limits::results_per_frame) {
    const auto count = std::min(limits::results_per_frame, all.size() - from);
    write(n, [&](schema::NodeFrame::Builder b) {
      auto list = b.initResults().initResults(static_cast<unsigned>(count));
      for (unsigned i = 0; i < count; ++i) {
        const auto& row = all[from + i];
        list[i].setTask(row.task);
        auto status = list[i].initStatus();
        status.setCode(static_cast<std::uint16_t>(row.why.code));
        const auto name = to_string(row.why.code);
        status.setName(capnp::Text::Reader{name.data(), name.size()});
        status.setReason(row.why.text);
        status.setRetriable(row.why.code == ec::too_many_requests || row.why.code == ec::connection_lost);
        auto marks = list[i].initMarks(static_cast<unsigned>(row.marks.size()));
        for (unsigned k = 0; k < marks.size(); ++k) {
          marks[k].setNode(row.marks[k].node.value);
          marks[k].setIncarnation(row.marks[k].incarnation);
          marks[k].setSeq(row.marks[k].seq);
        }
      }
    });
  }
  const auto further = std::exchange(n.progress, {});
  if (further.empty() || !n.welcomed)
    return;
  write(n, [&](schema::NodeFrame::Builder b) {
    auto list = b.initResults().initProgress(static_cast<unsigned>(further.size()));
    unsigned i = 0;
    for (const auto& [task, p] : further) {
      list[i].setTask(task);
      list[i].setDone(p.done);
      list[i++].setTotal(p.total);
    }
  });
}

template <class Fill>
void fleet_nodes::write(node& n, Fill&& fill) {
  if (n.link == 0)
    return;
  out_.frames.emplace_back(n.link, build<schema::NodeFrame>([&](schema::NodeFrame::Builder b) {
                             auto header = b.initHeader();
                             header.setEpoch(n.highest_epoch);
                             header.setEnqueuedAt(now_);
                             fill(b);
                           }));
}

bool fleet_nodes::chance(double share) {
  return share > 0 && static_cast<double>(draw() >> 11) < share * 9007199254740992.0; // 2^53
}

/// splitmix64
std::uint64_t fleet_nodes::draw() {
  random_ += 0x9e3779b97f4a7c15ull;
  auto z = random_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

fleet_counts fleet_nodes::counts() const {
  auto c = counts_;
  for (const auto& n : nodes_) {
    c.welcomed += n->welcomed ? 1 : 0;
    c.segments += n->book.copies().size();
    c.shards += n->shards.size();
  }
  return c;
}

} // namespace muster
