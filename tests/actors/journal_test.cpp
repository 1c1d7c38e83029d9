// The journal and metadata as actors: what a refused write takes with it, and what it must not.
#include "actors/journal.hpp"
#include "actors/metadata.hpp"
#include "tests/support/actor_fixture.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <gtest/gtest.h>

#include <optional>

namespace muster {
namespace {

/// A journal in memory that refuses as many writes as it is told to.
struct full_disk : journal {
  result<journal_state> recover() override {
    return inner->recover();
  }
  append_result append(const std::vector<journal_row>& rows) override {
    if (refusals > 0) {
      --refusals;
      return {append_outcome::refused, "the disk is full"};
    }
    return inner->append(rows);
  }
  bool fold() override {
    return inner->fold();
  }
  result<std::vector<journal_row>> read(std::uint64_t after, std::size_t most, std::size_t bytes) override {
    return inner->read(after, most, bytes);
  }

  std::uint64_t last_seq() const override {
    return inner->last_seq();
  }

  std::string describe() const override {
    return inner->describe();
  }

  std::shared_ptr<memory_disk> disk = std::make_shared<memory_disk>();
  std::unique_ptr<journal> inner = make_memory_journal(disk);
  int refusals = 0;
};

struct journal_actors : actor_fixture {
  struct heard {
    std::vector<std::uint64_t> durable;
    int failed = 0;
  };

  journal_actors() : disk(std::make_shared<full_disk>()), told(std::make_shared<heard>()) {
    log = own(spawn_journal(system, disk));
    auto t = told;
    client = own(system.spawn([t]() -> journal_client_actor::behavior_type {
      return {
        [t](const m<schema::JournalDurable>& d) { t->durable.push_back(d->getUpToSeq()); },
        [t](const m<schema::JournalFailed>&) { ++t->failed; },
      };
    }));
    tell(log, attach_atom::value, client);
  }

  static m<schema::JournalAppend> rows(std::uint64_t seq, const char* key) {
    return build<schema::JournalAppend>([&](schema::JournalAppend::Builder b) {
      auto r = b.initRows(1)[0];
      r.setSeq(seq);
      r.setKind(static_cast<std::uint16_t>(record_kind::collection));
      r.setKey(key);
      r.setPut(true);
    });
  }

  std::shared_ptr<full_disk> disk;
  std::shared_ptr<heard> told;
  journal_actor log;
  journal_client_actor client;
};

// Found by the simulator (seed 1320): the failure of what was queued behind a refused write was taken for that of the next commit,
// which was durable by then; metadata went on from before it.
TEST_F(journal_actors, what_was_sent_behind_a_refused_write_is_forgotten_by_the_replay) {
  disk->refusals = 1;
  tell(log, rows(1, "refused"));
  EXPECT_EQ(told->failed, 1);
  auto last = std::make_shared<std::optional<std::uint64_t>>();
  own(system.spawn([last, to = log](caf::event_based_actor* self) {
    self->send(to, rows(2, "behind it"));
    self->request(to, caf::infinite, m<schema::JournalReplayRequest>{})
      .then([last](const m<schema::JournalReplayReply>& reply) { *last = reply->getLastSeq(); }, [](const caf::error&) {});
  }));
  run();
  EXPECT_EQ(*last, std::optional<std::uint64_t>{0});
  tell(log, rows(1, "after the replay"));
  EXPECT_EQ(told->failed, 1) << "of what is forgotten nobody is told";
  EXPECT_EQ(told->durable, std::vector<std::uint64_t>{1});
  ASSERT_EQ(disk->disk->rows.size(), 1u);
  EXPECT_EQ(disk->disk->rows[0].key, "after the replay");
}

struct metadata_actors : actor_fixture {
  metadata_actors() : replays(std::make_shared<std::vector<caf::typed_response_promise<m<schema::JournalReplayReply>>>>()) {
    auto r = replays;
    log = own(system.spawn([r](journal_actor::pointer self) -> journal_actor::behavior_type {
      return {
        [](attach_atom, const journal_client_actor&) {},
        [](const m<schema::JournalAppend>&) {},
        [r, self](const m<schema::JournalReplayRequest>&) -> caf::result<m<schema::JournalReplayReply>> {
          r->push_back(self->make_response_promise<m<schema::JournalReplayReply>>());
          return r->back();
        },
        [](const m<schema::ReadJournalRequest>&) { return m<schema::ReadJournalReply>{}; },
        [r](flush_atom) { // answers the first
          r->front().deliver(build<schema::JournalReplayReply>([](auto b) {
            b.setDone(true);
            b.setLastSeq(7);
          }));
        },
      };
    }));
    tables = own(spawn_metadata(system, {}, log, [](std::string) { FAIL() << "nothing is lost"; }));
    run();
  }

  ~metadata_actors() override {
    replays->clear();
  }

  std::shared_ptr<std::vector<caf::typed_response_promise<m<schema::JournalReplayReply>>>> replays;
  journal_actor log;
  metadata_actor tables;
};

TEST_F(metadata_actors, a_failure_told_while_the_journal_is_read_anew_starts_no_second_reading) {
  const auto refused = build<schema::JournalFailed>([](auto b) { b.setDefinite(true); });
  tell(tables, refused);
  tell(tables, refused);
  ASSERT_EQ(replays->size(), 1u);
  auto waits = ask<schema::CommitReply>(tables, build<schema::Commit>([](auto b) { b.setAllocate(1); }));
  ASSERT_TRUE(waits->reply);
  EXPECT_EQ((**waits).getStatus().getCode(), static_cast<int>(ec::journal_failed));
  tell(log, flush_atom::value);
  tell(tables, refused);
  EXPECT_EQ(replays->size(), 2u) << "one that comes later counts";
}

} // namespace
} // namespace muster
