// Next targets from the data source, promotions from the situation.
#include "actors/core/target_rules.hpp"
#include "actors/observers.hpp"
#include "actors/runtime/publisher.hpp"

#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <optional>

namespace muster {

namespace {

/// In the built-in catalogue the id of an index is its kind; searching every row (kind 1) needs none.
constexpr std::uint64_t hnsw_index = 1u << 2;

/// Pulls at a time; more wait in order.
constexpr std::size_t pulls_at_once = 4;

struct target_shell : shell<target_observer_actor, target_shell> {
  using refresh_promise = caf::typed_response_promise<m<schema::RefreshReply>>;
  using rows_or_failure = result<std::vector<target_row>>;

  struct waiter {
    refresh_promise answer;
    bool until_current = false;
    std::int64_t version = 0; ///< What the pull came to; 0: it has not ended.
    std::int64_t deadline = 0;
  };

  explicit target_shell(self_pointer ptr) : shell(ptr, "target_observer", "target_observer", "supervisor") {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    const auto& touched = view.apply(p);
    for (const auto& [id, version] : rules.check(view, touched))
      promote(id, version);
    for (const auto& [id, ids] : touched) {
      const auto* c = view.collection(id);
      look(id, c);
      if (c == nullptr || !c->desired) {
        pulled.erase(id);
        committed.erase(id);
        not_found.erase(id);
        partitions.erase(id);
      } else if (c->head) {
        // What a load pulled may be old by the time it is here, also that of further partitions: until then nobody wanted them.
        const bool more = std::exchange(partitions[id], c->desired->partitions) != c->desired->partitions;
        const bool fresh = (pulled.insert(id).second || more) && changed_since_first_pull(id);
        if (note_not_found(id, *c) || fresh)
          wish(id);
      }
      if (behind.erase(id) > 0)
        wish(id);
    }
    arm();
    return acknowledge(*this, p);
  }

  caf::result<m<schema::TargetReply>> first_target(const m<schema::TargetRequest>& request) {
    auto answer = self->make_response_promise<m<schema::TargetReply>>();
    std::vector<std::string> channels;
    for (auto c : request->getChannels())
      channels.emplace_back(view_text(c));
    if (first_pulls.size() >= limits::awaits)
      first_pulls.erase(first_pulls.begin());
    if (const auto* c = view.collection(request->getCollection()); c == nullptr || !c->desired)
      first_pulls[request->getCollection()] = false;
    else
      first_pulls.try_emplace(request->getCollection(), false); // that of a load before it may not be here yet
    pull(request->getCollection(), channels, [this, answer](rows_or_failure rows) mutable {
      fulfil(answer, make<schema::TargetReply>([&](schema::TargetReply::Builder b) {
        if (!rows) {
          set_status(b.initStatus(), rows.error());
          return;
        }
        auto list = b.initSegments(static_cast<unsigned>(rows->size()));
        for (unsigned i = 0; i < rows->size(); ++i)
          write(list[i], (*rows)[i]);
      }));
    });
    return answer;
  }

  caf::result<m<schema::RefreshReply>> refresh(const m<schema::RefreshRequest>& request) {
    if (waiters >= limits::refresh_waiters)
      return reply(failure{ec::too_many_requests, "more than " + std::to_string(limits::refresh_waiters)
                                                    + " refreshes wait already; try again later"},
                   0);
    const auto id = request->getCollection();
    waiter w;
    w.answer = self->make_response_promise<m<schema::RefreshReply>>();
    w.until_current = request->getUntilCurrent();
    w.deadline = now() + std::chrono::nanoseconds{time_left(request->getHeader(), limits::refresh_timeout)}.count();
    deadlines.insert({w.deadline, id});
    waiting[id].push_back(w);
    ++waiters;
    note_change(id);
    arm();
    return w.answer;
  }

  void tick(const tick_atom&) {
    if (armed_for > now())
      return; // a nearer one was set meanwhile, this is the older timer
    ticking = false;
    while (!deadlines.empty() && deadlines.begin()->first <= now()) {
      const auto id = deadlines.begin()->second;
      deadlines.erase(deadlines.begin());
      release(id, [this](const waiter& w) -> std::optional<failure> {
        if (w.deadline > now())
          return std::nullopt;
        return failure{ec::deadline_exceeded, w.version == 0 ? "the deadline passed; the data source has not answered yet"
                                                             : "the deadline passed; the next target is not current yet"};
      });
    }
    while (!due.empty() && due.begin()->first <= now()) {
      const auto id = due.begin()->second;
      unschedule(id);
      wish(id);
    }
    arm();
  }

  void data_changed(const m<schema::DataChanged>& change) {
    note_change(change->getCollection());
  }

private:
  /// New data of a collection; one whose load has pulled its data but is not yet here is looked at when it comes.
  void note_change(std::int64_t id) {
    if (auto i = first_pulls.find(id); i != first_pulls.end())
      i->second = true;
    wish(id);
  }

  /// For a collection that is seen for the first time. One that this start did not pull (loaded before it, or forgotten at
  /// the limit) counts as changed: that costs a pull and misses nothing.
  bool changed_since_first_pull(std::int64_t id) {
    auto first = first_pulls.extract(id);
    return first.empty() || first.mapped();
  }

  /// True when more loads than before failed because their segment is gone from the store.
  bool note_not_found(std::int64_t id, const collection_view& c) {
    const auto n = loads_that_found_nothing(c);
    if (n == 0) {
      not_found.erase(id);
      return false;
    }
    return std::exchange(not_found[id], n) < n;
  }

  static std::string_view view_text(capnp::Text::Reader t) {
    return muster::view(t);
  }

  // -- pulls ----------------------------------------------------------------------

  /// A collection whose data is to be pulled; one that comes while its pull runs is pulled once more.
  void wish(std::int64_t id) {
    if (wished.insert(id).second)
      queue.push_back(id);
    next_pull();
  }

  void next_pull() {
    while (!queue.empty() && pulling.size() < pulls_at_once) {
      std::size_t i = 0;
      while (i < queue.size() && pulling.contains(queue[i]))
        ++i;
      if (i == queue.size())
        return;
      const auto id = queue[i];
      queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(i));
      wished.erase(id);
      const auto* c = view.collection(id);
      if (c == nullptr || !c->desired || !c->head) {
        settle(id, failure{ec::collection_not_loaded, "collection " + std::to_string(id) + " is not loaded"}, 0);
        continue;
      }
      // The difference must be taken from the newest target, and what this actor committed may not be published yet.
      if (auto k = committed.find(id); k != committed.end()) {
        if (std::max(c->head->next, c->head->current) < k->second) {
          behind.insert(id);
          continue;
        }
        committed.erase(k);
      }
      pulling.insert(id);
      pull(id, c->head->channels, [this, id](rows_or_failure rows) { conclude(id, std::move(rows)); });
    }
  }

  void conclude(std::int64_t id, rows_or_failure rows) {
    const auto* c = view.collection(id);
    if (!rows || c == nullptr || !c->head) {
      const failure why = rows ? failure{ec::collection_not_loaded, "collection " + std::to_string(id) + " was released"}
                               : rows.error();
      if (!rows)
        warn("could not pull the data of collection ", id, ": ", why.text);
      done(id, why, 0);
      return;
    }
    const auto change = difference(*c, *rows);
    if (change.empty()) {
      done(id, failure{ec::ok, {}}, c->head->next != 0 ? c->head->next : c->head->current);
      return;
    }
    info("collection ", id, " has new data: ", change.added.size(), " segments more, ", change.dropped.size(), " fewer, ",
         change.indexed.size(), " with other indexes");
    const auto current = c->head->current;
    auto commit = make<schema::Commit>(
      [&](schema::Commit::Builder b) {
        auto next = b.initNext();
        next.setCollection(id);
        next.setCurrent(current);
        auto added = next.initAdded(static_cast<unsigned>(change.added.size()));
        for (unsigned i = 0; i < change.added.size(); ++i)
          write(added[i], change.added[i]);
        auto dropped = next.initDropped(static_cast<unsigned>(change.dropped.size()));
        for (unsigned i = 0; i < change.dropped.size(); ++i)
          dropped.set(i, change.dropped[i]);
        auto indexed = next.initIndexed(static_cast<unsigned>(change.indexed.size()));
        for (unsigned i = 0; i < change.indexed.size(); ++i) {
          indexed[i].setSegment(change.indexed[i].segment);
          indexed[i].setIndexes(change.indexed[i].indexes);
          indexed[i].setBytes(change.indexed[i].bytes);
        }
        next.setIndexes(change.indexes);
        next.setIndexesKnown(true);
      },
      view.epoch());
    request<m<schema::CommitReply>>(
      metadata, limits::commit_timeout, commit,
      [this, id, current](const m<schema::CommitReply>& reply) {
        const auto why = to_failure(reply->getStatus());
        if (why.code == ec::stale_premise) {
          // Metadata is ahead of this view, perhaps for as long as a commit takes: asking again before its publication is
          // here would only go round in a circle.
          pulling.erase(id);
          const auto* now = view.collection(id);
          if (now != nullptr && now->head && now->head->current == current)
            behind.insert(id);
          else
            wish(id);
          next_pull();
          return;
        }
        if (why.code == ec::ok)
          committed[id] = reply->getValue();
        done(id, why, reply->getValue());
      },
      [this, id](const failure& why) { done(id, why, 0); });
  }

  void done(std::int64_t id, const failure& why, std::int64_t version) {
    pulling.erase(id);
    const auto* c = view.collection(id);
    if (c != nullptr && c->desired && why.code != ec::ok) {
      // One that cannot be pulled is tried again later and later; its place is free for others meanwhile.
      auto& wait = retries[id];
      wait = wait.count() == 0 ? limits::pull_retry_first : std::min(2 * wait, limits::pull_retry_longest);
      schedule(id, now() + std::chrono::nanoseconds{wait}.count());
      if (why.code != ec::journal_failed && why.code != ec::stale_premise)
        notice(schema::EventKind::PULL_FAILED, [&](schema::Event::Builder e) {
          e.setCollection(id);
          e.setText(std::string{to_string(why.code)} + ": " + why.text);
        });
    } else {
      if (why.code == ec::ok && retries.contains(id))
        notice(schema::EventKind::PULL_RECOVERED, [&](schema::Event::Builder e) { e.setCollection(id); });
      if (why.code != ec::ok) {
        pulled.erase(id); // looked at when it is here
        first_pulls.erase(id);
      }
      retries.erase(id);
      unschedule(id);
      if (c != nullptr && c->head && c->head->next != 0)
        schedule(id, now() + std::chrono::nanoseconds{limits::next_target_survives}.count());
    }
    // Whoever asked while this pull ran may mean data that it did not see.
    if (!wished.contains(id))
      settle(id, why, version);
    next_pull();
    arm();
  }

  // -- who waits --------------------------------------------------------------------

  /// What a publication means for who waits, and for the pull of a next target that stays.
  void look(std::int64_t id, const collection_view* c) {
    if (c == nullptr || !c->desired || !c->head) {
      retries.erase(id);
      unschedule(id);
      settle(id, failure{ec::collection_not_loaded, "collection " + std::to_string(id) + " is not loaded"}, 0);
      return;
    }
    if (c->head->next != 0 && !due_of.contains(id))
      schedule(id, now() + std::chrono::nanoseconds{limits::next_target_survives}.count());
    else if (c->head->next == 0 && !retries.contains(id))
      unschedule(id);
    release(id, [c](const waiter& w) -> std::optional<failure> {
      if (w.version == 0 || w.version > c->head->current)
        return std::nullopt;
      return failure{ec::ok, {}};
    });
  }

  /// A pull ended: answers who waited for it, but for those who wait for the promotion.
  void settle(std::int64_t id, const failure& why, std::int64_t version) {
    const auto* c = view.collection(id);
    const auto current = c != nullptr && c->head ? c->head->current : 0;
    release(id, [&](waiter& w) -> std::optional<failure> {
      if (why.code == ec::ok) {
        w.version = std::max(w.version, version);
        if (w.until_current && w.version > current)
          return std::nullopt;
      }
      return why;
    });
  }

  /// Answers those waiters for whom `judge` has something to say.
  template <class Judge>
  void release(std::int64_t id, Judge judge) {
    auto i = waiting.find(id);
    if (i == waiting.end())
      return;
    for (auto w = i->second.begin(); w != i->second.end();) {
      const auto why = judge(*w);
      if (!why) {
        ++w;
        continue;
      }
      fulfil(w->answer, reply(*why, w->version));
      w = i->second.erase(w);
      --waiters;
    }
    if (i->second.empty())
      waiting.erase(i);
  }

  m<schema::RefreshReply> reply(const failure& why, std::int64_t version) {
    return make<schema::RefreshReply>([&](auto b) {
      set_status(b.initStatus(), why);
      b.setVersion(version);
    });
  }

  // -- times ------------------------------------------------------------------------

  void schedule(std::int64_t id, std::int64_t when) {
    unschedule(id);
    due.insert({when, id});
    due_of[id] = when;
  }

  void unschedule(std::int64_t id) {
    auto i = due_of.find(id);
    if (i == due_of.end())
      return;
    due.erase({i->second, id});
    due_of.erase(i);
  }

  /// One timer, for the nearest deadline or pull.
  void arm() {
    std::optional<std::int64_t> next;
    if (waiters > 0 && !deadlines.empty())
      next = deadlines.begin()->first;
    if (!due.empty() && (!next || due.begin()->first < *next))
      next = due.begin()->first;
    if (!next || (ticking && armed_for <= *next))
      return;
    ticking = true;
    armed_for = *next;
    const auto wait = std::chrono::nanoseconds{std::max<std::int64_t>(*next - now(), 0)};
    send_later(std::chrono::duration_cast<std::chrono::milliseconds>(wait) + std::chrono::milliseconds{1}, tick_atom::value);
  }

  // -- the data source ----------------------------------------------------------------

  void pull(std::int64_t id, std::vector<std::string> channels, std::function<void(rows_or_failure)> then) {
    auto rows = std::make_shared<std::vector<target_row>>();
    page(id, std::make_shared<std::vector<std::string>>(std::move(channels)), 0, rows, std::move(then));
  }

  void page(std::int64_t id, std::shared_ptr<std::vector<std::string>> channels, std::int64_t after,
            std::shared_ptr<std::vector<target_row>> rows, std::function<void(rows_or_failure)> then) {
    auto question = make<schema::DataRequest>([&](auto b) {
      auto s = b.initSegments();
      s.setCollection(id);
      s.setAfter(after);
    });
    request<m<schema::DataReply>>(
      data, limits::data_timeout, question,
      [this, id, channels, rows, then](const m<schema::DataReply>& reply) {
        if (auto why = to_failure(reply->getStatus()); why.code != ec::ok) {
          then(why);
          return;
        }
        for (auto s : reply->getSegments().getSegments()) {
          const auto channel = std::find(channels->begin(), channels->end(), view_text(s.getChannel()));
          if (channel == channels->end()) {
            then(failure{ec::internal, "segment " + std::to_string(s.getId()) + " is on a channel its collection has not"});
            return;
          }
          target_row row;
          row.segment = s.getId();
          row.partition = s.getPartitionId();
          row.rows = s.getRows();
          row.bytes = s.getBytes();
          row.indexes = view_text(s.getIndexKind()) == "hnsw" ? hnsw_index : 0;
          row.channel = static_cast<std::uint16_t>(channel - channels->begin());
          rows->push_back(row);
        }
        if (const auto more = reply->getSegments().getNextAfter(); more != 0)
          page(id, channels, more, rows, then);
        else
          then(std::move(*rows));
      },
      [then](const failure& why) { then(why); });
  }

  // -- promotions -------------------------------------------------------------------

  void promote(std::int64_t id, std::int64_t version) {
    if (promoting[id] == version)
      return;
    promoting[id] = version;
    const auto revision = view.collection(id)->desired->revision;
    auto commit = make<schema::Commit>(
      [&](auto b) {
        auto p = b.initPromotion();
        p.setCollection(id);
        p.setNext(version);
        p.setRevision(revision);
      },
      view.epoch());
    request<m<schema::CommitReply>>(
      metadata, limits::commit_timeout, commit,
      [this, id, version, revision](const m<schema::CommitReply>& reply) {
        promoting.erase(id);
        if (const auto why = to_failure(reply->getStatus()); why.code != ec::ok)
          info("target ", version, " of collection ", id, " was not promoted: ", why.text);
        else
          info("collection ", id, " now has target ", version);
        // What came first may be here already; otherwise it comes, and is looked at then.
        if (const auto* c = view.collection(id); c != nullptr && c->desired && c->desired->revision != revision)
          for (const auto& [other, next] : rules.check(view, {{id, {}}}))
            promote(other, next);
      },
      [this, id](const failure& why) {
        promoting.erase(id);
        warn("a promotion of collection ", id, " was not committed: ", why.text);
      });
  }

public:
  metadata_actor metadata;
  data_source_actor data;

private:
  situation view;
  promotion_rules rules;
  std::set<std::int64_t> pulled;   ///< Collections seen by this start.
  std::map<std::int64_t, std::vector<std::int64_t>> partitions; ///< Of those, the ones that were wanted when they were last seen.
  std::map<std::int64_t, std::uint32_t> not_found; ///< Of collections with such failures: how many were seen.
  std::deque<std::int64_t> queue;
  std::set<std::int64_t> wished;   ///< In the queue.
  std::set<std::int64_t> pulling;
  std::set<std::int64_t> behind;   ///< To be pulled again when the next publication about them is here.
  std::map<std::int64_t, std::vector<waiter>> waiting;
  std::size_t waiters = 0;
  std::multimap<std::int64_t, std::int64_t> deadlines; ///< Time -> collection; stale entries are harmless.
  std::set<std::pair<std::int64_t, std::int64_t>> due; ///< Time, collection: when it is pulled without being asked.
  std::map<std::int64_t, std::int64_t> due_of;
  std::map<std::int64_t, std::chrono::milliseconds> retries; ///< The last wait of collections whose pull failed.
  bool ticking = false;
  std::int64_t armed_for = 0;
  std::map<std::int64_t, std::int64_t> promoting;
  std::map<std::int64_t, std::int64_t> committed; ///< Next targets that the view does not show yet.
  std::map<std::int64_t, bool> first_pulls; ///< For loads under way -> its data changed since. At most limits::awaits.
};

target_observer_actor::behavior_type target_behavior(target_observer_actor::stateful_pointer<target_shell> self,
                                                     const metadata_actor& metadata, const data_source_actor& data) {
  auto& s = self->state;
  s.metadata = metadata;
  s.data = data;
  return {
    s.on(&target_shell::hear),
    s.on(&target_shell::first_target),
    s.on(&target_shell::refresh),
    s.on(&target_shell::data_changed),
    s.on(&target_shell::tick),
  };
}

} // namespace

target_observer_actor spawn_target_observer(caf::actor_system& system, metadata_actor metadata, data_source_actor data) {
  return system.spawn(target_behavior, std::move(metadata), std::move(data));
}

} // namespace muster
