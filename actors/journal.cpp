// Group commit around a journal.
#include "actors/journal.hpp"

#include "actors/core/message_json.hpp"
#include "actors/runtime/shell.hpp"

#include <deque>

namespace muster {

namespace {

struct journal_shell : shell<journal_actor, journal_shell> {
  journal_shell(self_pointer ptr) : shell(ptr, "journal", "journal", "supervisor") {
    // nop
  }

  void attach(const attach_atom&, const journal_client_actor& who) {
    client = who;
  }

  void append(const m<schema::JournalAppend>& rows) {
    queue.push_back(rows);
    schedule();
  }

  /// All appends queued before the flush join its commit; so the slower the disk, the larger the batch.
  void flush(const flush_atom&) {
    flushing = false;
    std::vector<journal_row> rows;
    while (!queue.empty() && (rows.empty() || rows.size() + queue.front()->getRows().size() <= limits::journal_batch_rows)) {
      const auto next = queue.front().read();
      for (auto r : next.getRows()) {
        journal_row row;
        row.seq = r.getSeq();
        row.epoch = next.getHeader().getEpoch();
        row.kind = static_cast<record_kind>(r.getKind());
        row.key = std::string{view(r.getKey())};
        if (r.getPut())
          row.payload = std::string{reinterpret_cast<const char*>(r.getPayload().begin()), r.getPayload().size()};
        rows.push_back(std::move(row));
      }
      queue.pop_front();
    }
    if (!rows.empty()) {
      auto result = disk->append(rows);
      if (result.outcome == append_outcome::durable) {
        send(client, make<schema::JournalDurable>([&](auto b) { b.setUpToSeq(rows.back().seq); }));
      } else {
        queue.clear(); // what follows rests on what failed; metadata replays and says so to whoever waits
        warn("could not append ", rows.size(), " rows: ", result.text);
        send(client, make<schema::JournalFailed>([&](auto b) {
               b.setDefinite(result.outcome == append_outcome::refused);
               b.setText(result.text);
             }));
      }
    }
    if (!queue.empty() || disk->fold())
      schedule();
  }

  m<schema::JournalReplayReply> replay(const m<schema::JournalReplayRequest>& request) {
    if (request->getAfter() == 0) {
      // What was sent before this rests on what failed. Appended now, it would be answered as a failure of what comes after the replay.
      queue.clear();
    }
    if (request->getAfter() == 0 || !recovered) {
      auto state = disk->recover();
      if (!state)
        return make<schema::JournalReplayReply>([&](auto b) {
          b.setDone(true);
          b.initBad(1).set(0, state.error().text);
        });
      recovered = std::move(*state);
    }
    const auto first = std::min<std::size_t>(request->getAfter(), recovered->entries.size());
    const auto count = std::min(limits::journal_page_rows, recovered->entries.size() - first);
    auto reply = make<schema::JournalReplayReply>([&](auto b) {
      b.setLastSeq(recovered->last_seq);
      b.setDone(first + count == recovered->entries.size());
      auto list = b.initEntries(static_cast<unsigned>(count));
      for (unsigned i = 0; i < count; ++i) {
        const auto& e = recovered->entries[first + i];
        list[i].setKind(static_cast<std::uint16_t>(e.kind));
        list[i].setKey(e.key);
        list[i].setPut(true);
        list[i].setPayload({reinterpret_cast<const kj::byte*>(e.payload.data()), e.payload.size()});
      }
      auto bad = b.initBad(static_cast<unsigned>(recovered->bad.size()));
      for (unsigned i = 0; i < recovered->bad.size(); ++i)
        bad.set(i, recovered->bad[i].key + ": " + recovered->bad[i].text);
    });
    if (reply->getDone())
      recovered.reset();
    return reply;
  }

  m<schema::ReadJournalReply> read(const m<schema::ReadJournalRequest>& request) {
    const auto most = request->getLimit() == 0 ? limits::journal_records : request->getLimit();
    return make<schema::ReadJournalReply>([&](schema::ReadJournalReply::Builder b) {
      if (most > limits::journal_records_most)
        return set_status(b.initStatus(), ec::parameter_invalid,
                          "reading " + std::to_string(most) + " records at once: at most "
                            + std::to_string(limits::journal_records_most) + "; ask again from the last one");
      const auto rows = disk->read(request->getAfter(), most, limits::journal_records_bytes);
      if (!rows)
        return set_status(b.initStatus(), rows.error());
      b.setLast(disk->last_seq());
      auto list = b.initRecords(static_cast<unsigned>(rows.value().size()));
      for (unsigned i = 0; i < list.size(); ++i) {
        const auto& row = rows.value()[i];
        list[i].setSeq(row.seq);
        list[i].setEpoch(row.epoch);
        list[i].setKind(capnp::Text::Reader{std::string{to_string(row.kind)}.c_str()});
        list[i].setKey(row.key);
        if (row.payload)
          list[i].setJson(json_of(row.kind, *row.payload));
      }
    });
  }

  void schedule() {
    if (!flushing) {
      flushing = true;
      send(journal_actor{self}, flush_atom::value);
    }
  }

  std::shared_ptr<journal> disk;
  journal_client_actor client;
  std::deque<m<schema::JournalAppend>> queue;
  bool flushing = false;
  std::optional<journal_state> recovered;
};

journal_actor::behavior_type journal_behavior(journal_actor::stateful_pointer<journal_shell> self,
                                              std::shared_ptr<journal> disk) {
  auto& s = self->state;
  s.disk = std::move(disk);
  return {
    s.on(&journal_shell::attach),
    s.on(&journal_shell::append),
    s.on(&journal_shell::replay),
    s.on(&journal_shell::read),
    s.on(&journal_shell::flush),
  };
}

} // namespace

journal_actor spawn_journal(caf::actor_system& system, std::shared_ptr<journal> disk) {
  if (detach_blocking(system))
    return system.spawn<caf::detached>(journal_behavior, std::move(disk));
  return system.spawn(journal_behavior, std::move(disk));
}

} // namespace muster
