// Decide, apply, journal; when durable: publish and answer.
#include "actors/metadata.hpp"

#include "actors/core/chunk_store.hpp"
#include "actors/core/plant.hpp"
#include "actors/runtime/publisher.hpp"

#include <caf/typed_response_promise.hpp>

#include <deque>

namespace muster {

namespace {

/// A counter in the report: 1 since the journal refused a write, 0 when it has accepted one since.
constexpr const char* journal_refuses = "journal_refuses";

struct metadata_shell : shell<metadata_actor, metadata_shell> {
  using promise = caf::typed_response_promise<m<schema::CommitReply>>;

  /// A commit that waits for its rows to be durable. Orders, answers and publications keep the order of commits.
  struct pending {
    std::uint64_t seq = 0;
    std::int64_t value = 0;
    change_set changes;
    promise answer;
  };

  metadata_shell(self_pointer ptr) : shell(ptr, "metadata", "metadata", "supervisor") {
    // nop
  }

  void start(metadata_start from, journal_actor to, std::function<void(std::string)> fatal) {
    tables = std::move(from.tables);
    journal = std::move(to);
    seq = from.last_seq;
    on_fatal = std::move(fatal);
    out = std::make_unique<publisher<metadata_shell>>(*this, tables.epoch(), [this] { return durable_whole(); });
    stood.apply(tables.whole().take(++number, tables.epoch(), now()));
    send(journal, attach_atom::value, journal_client_actor{self});
  }

  caf::result<m<schema::CommitReply>> commit(const m<schema::Commit>& request) {
    if (replaying)
      return reply(failure{ec::journal_failed, "the journal refused a write and its content is read anew: " + reason}, 0);
    auto outcome = tables.decide(request.read());
    if (outcome.why.code != ec::ok) {
      debug("refused a commit: ", outcome.why.text);
      return reply(outcome.why, 0);
    }
    if (outcome.rows.empty() && waiting.empty())
      return reply(outcome.why, outcome.value);
    if (!outcome.rows.empty())
      append(outcome.rows);
    auto answer = self->make_response_promise<m<schema::CommitReply>>();
    if (plant::active == plant::bug::answer_before_commit) {
      publish(std::move(outcome.changes));
      fulfil(answer, reply(outcome.why, outcome.value));
      return answer;
    }
    waiting.push_back({seq, outcome.value, std::move(outcome.changes), answer});
    return answer;
  }

  void durable(const m<schema::JournalDurable>& done) {
    if (look_again && waiting.empty()) {
      look_again = false;
      publish(tables.whole());
    }
    change_set changes;
    bool any = false;
    std::vector<std::pair<promise, std::int64_t>> answers;
    while (!waiting.empty() && waiting.front().seq <= done->getUpToSeq()) {
      auto& next = waiting.front();
      if (!next.changes.empty()) {
        changes.merge(next.changes.take(0, 0, 0));
        any = true;
      }
      answers.emplace_back(std::move(next.answer), next.value);
      waiting.pop_front();
    }
    if (!reason.empty() && done->getUpToSeq() > 0) {
      reason.clear();
      meter().set(journal_refuses, 0);
      meter().waits_for("");
      notice(schema::EventKind::JOURNAL_RECOVERED, [](schema::Event::Builder) {});
    }
    meter().set("durable_seq", done->getUpToSeq());
    meter().set("commits_waiting", waiting.size());
    // Published before answered: whoever was answered finds it in the situation soon, never after a later commit.
    if (any)
      publish(std::move(changes));
    for (auto& [answer, value] : answers)
      fulfil(answer, reply(failure{ec::ok, {}}, value));
  }

  void failed(const m<schema::JournalFailed>& why) {
    reason = std::string{view(why->getText())};
    notice(schema::EventKind::JOURNAL_FAILED, [&](schema::Event::Builder e) { e.setText(reason); });
    if (!why->getDefinite()) {
      error("the outcome of a write is unknown, ending so that replay tells: ", reason);
      on_fatal("muster coordinator: a write to the journal failed and nobody can say how far it got (" + reason
               + "); ending now, start it again to replay");
      return;
    }
    if (replaying)
      return; // of what was sent behind the write that failed first, and is forgotten with it
    warn("the journal refused a write, reading its content anew: ", reason);
    meter().set(journal_refuses, 1);
    meter().waits_for("a write that the journal accepts; the last was refused: " + reason);
    for (auto& w : waiting)
      fulfil(w.answer, reply(failure{ec::journal_failed, "the journal refused a write: " + reason}, 0));
    waiting.clear();
    // Memory ran ahead of the disk: forget it and replay what the disk has.
    replaying = true;
    entries.clear();
    replay_page(0);
  }

  void subscribe(const subscribe_atom&, const subscriber_actor& who) {
    out->subscribe(who);
  }

private:
  void append(const std::vector<journal_change>& changes) {
    std::size_t words = 16;
    for (const auto& c : changes)
      words += 12 + (c.payload ? c.payload->size() / 8 : 0);
    auto rows = build<schema::JournalAppend>(
      [&](schema::JournalAppend::Builder b) {
        stamp(b.initHeader(), tables.epoch());
        auto list = b.initRows(static_cast<unsigned>(changes.size()));
        for (unsigned i = 0; i < changes.size(); ++i) {
          list[i].setSeq(++seq);
          list[i].setKind(static_cast<std::uint16_t>(changes[i].kind));
          list[i].setKey(changes[i].key);
          list[i].setPut(changes[i].payload.has_value());
          if (changes[i].payload)
            list[i].setPayload(
              {reinterpret_cast<const kj::byte*>(changes[i].payload->data()), changes[i].payload->size()});
        }
      },
      words);
    send(journal, rows);
  }

  void publish(change_set changes) {
    if (changes.empty())
      return;
    auto p = changes.take(++number, tables.epoch(), now());
    stood.apply(p);
    out->publish(p);
  }

  /// What was published so far: only what is durable, also while later commits are on their way to the disk.
  change_set durable_whole() {
    return stood.whole(metadata_kinds());
  }

  void replay_page(std::uint32_t after) {
    auto request = make<schema::JournalReplayRequest>([&](auto b) { b.setAfter(after); });
    this->request<m<schema::JournalReplayReply>>(
      journal, limits::commit_timeout, request,
      [this](const m<schema::JournalReplayReply>& page) {
        for (auto e : page->getEntries())
          entries.push_back({static_cast<record_kind>(e.getKind()), std::string{view(e.getKey())},
                             std::string{reinterpret_cast<const char*>(e.getPayload().begin()), e.getPayload().size()}});
        if (!page->getDone()) {
          replay_page(static_cast<std::uint32_t>(entries.size()));
          return;
        }
        if (page->getLastSeq() == 0) {
          on_fatal("muster coordinator: the journal refused a write and cannot be read either: " + reason);
          return;
        }
        metadata_tables fresh;
        for (const auto& bad : fresh.restore(entries))
          warn("damaged record: ", bad);
        entries.clear();
        tables = std::move(fresh);
        seq = page->getLastSeq();
        replaying = false;
        // Whoever concluded what was refused must look again, but not in a tight loop while the disk stays full.
        look_again = true;
        self->delayed_send(self, limits::retry_longest, make<schema::JournalDurable>([](auto) {}));
        info("replayed the journal up to row ", seq, " after a refused write");
      },
      [this](const failure& why) { on_fatal("muster coordinator: the journal does not answer: " + why.text); });
  }

  m<schema::CommitReply> reply(const failure& why, std::int64_t value) {
    return make<schema::CommitReply>([&](auto b) {
      set_status(b.initStatus(), why);
      b.setValue(value);
    });
  }

  metadata_tables tables;
  journal_actor journal;
  std::function<void(std::string)> on_fatal;
  std::uint64_t seq = 0;
  std::uint64_t number = 0;
  std::deque<pending> waiting;
  std::unique_ptr<publisher<metadata_shell>> out;
  chunk_store stood;
  bool replaying = false;
  bool look_again = false;
  std::string reason;
  std::vector<journal_entry> entries;
};

metadata_actor::behavior_type metadata_behavior(metadata_actor::stateful_pointer<metadata_shell> self,
                                                std::shared_ptr<metadata_start> start, const journal_actor& journal,
                                                const std::function<void(std::string)>& on_fatal) {
  auto& s = self->state;
  s.start(std::move(*start), journal, on_fatal);
  return {
    s.on(&metadata_shell::commit),    s.on(&metadata_shell::durable), s.on(&metadata_shell::failed),
    s.on(&metadata_shell::subscribe),
  };
}

} // namespace

std::string journal_trouble(const probe_registry& probes) {
  for (const auto& metadata : probes.reports("metadata", 0))
    for (const auto& [name, value] : metadata.counters)
      if (name == journal_refuses && value != 0)
        return metadata.waiting_for;
  return {};
}

metadata_actor spawn_metadata(caf::actor_system& system, metadata_start start, journal_actor journal,
                              std::function<void(std::string)> on_fatal) {
  return system.spawn(metadata_behavior, std::make_shared<metadata_start>(std::move(start)), std::move(journal),
                      std::move(on_fatal));
}

} // namespace muster
