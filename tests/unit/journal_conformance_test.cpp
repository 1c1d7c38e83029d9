// The contract of a journal, held by every implementation: one suite over the one in memory and the one on SQLite.
#include "messages/limits.hpp"
#include "persistence/journal.hpp"
#include "tests/unit/temp_folder.hpp"

#include <gtest/gtest.h>

#include <map>
#include <stdexcept>

namespace muster {

namespace {

struct memory_storage {
  std::shared_ptr<memory_disk> disk = std::make_shared<memory_disk>();

  std::unique_ptr<journal> open() {
    return make_memory_journal(disk);
  }
};

struct sqlite_storage {
  temp_folder folder;

  std::unique_ptr<journal> open() {
    auto out = open_sqlite_journal(folder.path() + "/made/on the way");
    if (!out)
      throw std::runtime_error(out.error().text);
    return std::move(*out);
  }
};

journal_row put(std::uint64_t seq, record_kind kind, std::string key, std::string payload) {
  return {seq, 1, kind, std::move(key), std::move(payload)};
}

journal_row erase(std::uint64_t seq, record_kind kind, std::string key) {
  return {seq, 1, kind, std::move(key), std::nullopt};
}

template <class Storage>
class journal_conformance : public ::testing::Test {
protected:
  void SetUp() override {
    reopen();
  }

  void reopen() {
    subject.reset();
    subject = storage.open();
    state = recovered();
  }

  journal_state recovered() {
    auto out = subject->recover();
    EXPECT_TRUE(out) << out.error().text;
    return out ? std::move(*out) : journal_state{};
  }

  append_outcome append(std::vector<journal_row> rows) {
    auto out = subject->append(rows);
    EXPECT_EQ(out.text.empty(), out.outcome == append_outcome::durable) << out.text;
    return out.outcome;
  }

  /// "kind/key=payload" of all entries.
  std::string live() const {
    std::string out;
    for (const auto& entry : state.entries)
      out += std::string{to_string(entry.kind)} + "/" + entry.key + "=" + entry.payload + " ";
    return out;
  }

  Storage storage;
  std::unique_ptr<journal> subject;
  journal_state state;
};

using storages = ::testing::Types<memory_storage, sqlite_storage>;
TYPED_TEST_SUITE(journal_conformance, storages);

} // namespace

TYPED_TEST(journal_conformance, a_new_journal_is_empty) {
  EXPECT_EQ(this->state.last_seq, 0u);
  EXPECT_TRUE(this->state.entries.empty());
  EXPECT_TRUE(this->state.bad.empty());
  EXPECT_FALSE(this->subject->describe().empty());
}

TYPED_TEST(journal_conformance, recovery_returns_the_newest_put_of_each_key_ordered_by_kind_and_key) {
  ASSERT_EQ(this->append({put(1, record_kind::setting, "b", "1"), put(2, record_kind::node, "z", "2")}),
            append_outcome::durable);
  ASSERT_EQ(this->append({put(3, record_kind::setting, "a", "3"), put(4, record_kind::setting, "b", "4")}),
            append_outcome::durable);
  this->reopen();
  EXPECT_EQ(this->state.last_seq, 4u);
  EXPECT_EQ(this->live(), "node/z=2 setting/a=3 setting/b=4 ");
  EXPECT_TRUE(this->state.bad.empty());
}

TYPED_TEST(journal_conformance, a_delete_removes_a_key_and_a_later_put_brings_it_back) {
  ASSERT_EQ(this->append({put(1, record_kind::node, "a", "1"), put(2, record_kind::node, "b", "2")}),
            append_outcome::durable);
  ASSERT_EQ(this->append({erase(3, record_kind::node, "a"), erase(4, record_kind::node, "never there")}),
            append_outcome::durable);
  this->reopen();
  EXPECT_EQ(this->live(), "node/b=2 ");
  EXPECT_EQ(this->state.last_seq, 4u);
  ASSERT_EQ(this->append({put(5, record_kind::node, "a", "5")}), append_outcome::durable);
  this->reopen();
  EXPECT_EQ(this->live(), "node/a=5 node/b=2 ");
}

TYPED_TEST(journal_conformance, the_same_key_of_two_kinds_is_two_entries) {
  ASSERT_EQ(this->append({put(1, record_kind::node, "a", "n"), put(2, record_kind::setting, "a", "s")}),
            append_outcome::durable);
  this->reopen();
  EXPECT_EQ(this->live(), "node/a=n setting/a=s ");
}

TYPED_TEST(journal_conformance, bytes_of_key_and_payload_come_back_as_they_were) {
  auto key = std::string("k\0\xff\xfe", 4);
  auto payload = std::string("\0\xff\0 payload", 11);
  ASSERT_EQ(this->append({put(1, record_kind::node, key, payload), put(2, record_kind::node, "empty", "")}),
            append_outcome::durable);
  this->reopen();
  ASSERT_EQ(this->state.entries.size(), 2u);
  EXPECT_EQ(this->state.entries[0].key, "empty");
  EXPECT_EQ(this->state.entries[0].payload, "");
  EXPECT_EQ(this->state.entries[1].key, key);
  EXPECT_EQ(this->state.entries[1].payload, payload);
}

TYPED_TEST(journal_conformance, rows_are_read_by_number_and_never_more_than_asked_for) {
  std::vector<journal_row> rows;
  for (std::uint64_t i = 1; i <= 10; ++i)
    rows.push_back(put(i, record_kind::setting, "key " + std::to_string(i), std::string(100, 'x')));
  rows[6].payload.reset();
  ASSERT_EQ(this->append(rows), append_outcome::durable);
  const auto read = [&](std::uint64_t after, std::size_t most, std::size_t bytes = 1'000'000) {
    std::string out;
    auto found = this->subject->read(after, most, bytes);
    EXPECT_TRUE(found) << found.error().text;
    for (const auto& row : *found)
      out += std::to_string(row.seq) + (row.payload ? " " : "- ");
    return out;
  };
  EXPECT_EQ(read(0, 3), "8 9 10 ") << "the last ones";
  EXPECT_EQ(read(4, 3), "5 6 7- ");
  EXPECT_EQ(read(8, 100), "9 10 ");
  EXPECT_EQ(read(10, 100), "");
  EXPECT_EQ(read(1, 100, 250), "2 3 ");
  EXPECT_EQ(read(1, 100, 1), "2 ") << "one in any case, so that who asks comes on";
  EXPECT_EQ(this->subject->last_seq(), 10u);
}

TYPED_TEST(journal_conformance, of_what_was_folded_the_newest_put_is_read) {
  std::uint64_t seq = 0;
  const auto fill = [&](std::size_t n) {
    std::vector<journal_row> rows;
    for (std::size_t i = 0; i < n; ++i, ++seq)
      rows.push_back(put(seq + 1, record_kind::setting, seq % 2 == 0 ? "a" : "b", "x"));
    ASSERT_EQ(this->append(std::move(rows)), append_outcome::durable);
  };
  for (std::size_t done = 0; done <= limits::journal_rows_before_snapshot; done += limits::journal_batch_rows)
    fill(limits::journal_batch_rows);
  while (this->subject->fold()) {
  }
  const auto all = this->subject->read(1, 1, 1'000'000);
  ASSERT_TRUE(all) << all.error().text;
  ASSERT_EQ(all->size(), 1u);
  EXPECT_GT((*all)[0].seq, 2u) << "those before it are gone";
  EXPECT_EQ(this->subject->last_seq(), seq);
  const auto last = this->subject->read(0, 2, 1'000'000);
  ASSERT_TRUE(last) << last.error().text;
  ASSERT_EQ(last->size(), 2u);
  EXPECT_EQ((*last)[1].seq, seq);
}

TYPED_TEST(journal_conformance, a_gap_or_a_repeated_seq_is_refused_and_nothing_of_the_batch_is_written) {
  ASSERT_EQ(this->append({put(1, record_kind::node, "a", "1")}), append_outcome::durable);
  EXPECT_EQ(this->append({put(3, record_kind::node, "b", "3")}), append_outcome::refused);
  EXPECT_EQ(this->append({put(1, record_kind::node, "b", "1")}), append_outcome::refused);
  EXPECT_EQ(this->append({put(2, record_kind::node, "b", "2"), put(4, record_kind::node, "c", "4")}),
            append_outcome::refused);
  ASSERT_EQ(this->append({put(2, record_kind::node, "d", "2")}), append_outcome::durable);
  this->reopen();
  EXPECT_EQ(this->live(), "node/a=1 node/d=2 ");
  EXPECT_EQ(this->append({put(1, record_kind::node, "e", "1")}), append_outcome::refused);
  EXPECT_EQ(this->append({put(3, record_kind::node, "e", "3")}), append_outcome::durable);
}

TYPED_TEST(journal_conformance, an_empty_batch_is_durable_and_changes_nothing) {
  EXPECT_EQ(this->append({}), append_outcome::durable);
  this->reopen();
  EXPECT_EQ(this->state.last_seq, 0u);
}

TYPED_TEST(journal_conformance, batches_and_payloads_over_their_limits_are_refused) {
  std::vector<journal_row> rows;
  for (std::uint64_t seq = 1; seq <= limits::journal_batch_rows + 1; ++seq)
    rows.push_back(put(seq, record_kind::node, "a", "x"));
  EXPECT_EQ(this->append(rows), append_outcome::refused);
  rows.pop_back();
  EXPECT_EQ(this->append(rows), append_outcome::durable);
  auto next = rows.back().seq + 1;
  auto large = std::string(limits::journal_payload_bytes, 'x');
  EXPECT_EQ(this->append({put(next, record_kind::node, "b", large + "x")}), append_outcome::refused);
  EXPECT_EQ(this->append({put(next, record_kind::node, "b", large)}), append_outcome::durable);
  this->reopen();
  EXPECT_EQ(this->state.last_seq, next);
  EXPECT_EQ(this->state.entries.size(), 2u);
}

TYPED_TEST(journal_conformance, a_log_within_its_limit_is_not_folded) {
  ASSERT_EQ(this->append({put(1, record_kind::node, "a", "1")}), append_outcome::durable);
  auto before = this->subject->describe();
  EXPECT_FALSE(this->subject->fold());
  EXPECT_EQ(this->subject->describe(), before);
}

// Goal: folding is invisible. Method: the same changes go to a map; after many batches with folds in between, and after
// a re-open at any time, recovery equals the map.
TYPED_TEST(journal_conformance, many_batches_with_folds_keep_the_state_and_the_seq) {
  constexpr std::size_t batch = 4'000;
  constexpr std::uint64_t keys = 977;
  std::map<std::string, std::string> expected;
  std::uint64_t seq = 0;
  auto check = [&] {
    this->reopen();
    EXPECT_EQ(this->state.last_seq, seq);
    EXPECT_TRUE(this->state.bad.empty()) << this->state.bad.front().text;
    std::map<std::string, std::string> found;
    for (const auto& entry : this->state.entries)
      found[entry.key] = entry.payload;
    EXPECT_EQ(found, expected);
    EXPECT_EQ(found.size(), this->state.entries.size());
  };
  auto folded = false;
  for (int round = 0; round < 18; ++round) {
    std::vector<journal_row> rows;
    for (std::size_t i = 0; i < batch; ++i) {
      ++seq;
      auto key = std::to_string(seq * 2'654'435'761u % keys);
      if (seq % 7 == 0) {
        expected.erase(key);
        rows.push_back(erase(seq, record_kind::target_segments, key));
      } else {
        expected[key] = std::to_string(seq);
        rows.push_back(put(seq, record_kind::target_segments, key, std::to_string(seq)));
      }
    }
    ASSERT_EQ(this->append(rows), append_outcome::durable);
    auto before = this->subject->describe();
    while (this->subject->fold()) {
      // nop
    }
    folded = folded || this->subject->describe() != before;
    if (round % 6 == 5)
      check();
  }
  EXPECT_TRUE(folded);
}

TYPED_TEST(journal_conformance, one_fold_moves_a_bounded_slice_and_says_whether_there_is_more) {
  std::uint64_t seq = 0;
  auto fill = limits::journal_rows_before_snapshot + 2 * limits::journal_fold_rows;
  while (seq < fill) {
    std::vector<journal_row> rows;
    for (std::size_t i = 0; i < limits::journal_fold_rows; ++i) {
      ++seq;
      rows.push_back(put(seq, record_kind::node, "only one key", std::to_string(seq)));
    }
    ASSERT_EQ(this->append(rows), append_outcome::durable);
  }
  auto log_rows = [this](std::size_t rows) {
    return this->subject->describe().find(": " + std::to_string(rows) + " rows in the log, ") != std::string::npos;
  };
  EXPECT_TRUE(log_rows(fill)) << this->subject->describe();
  EXPECT_TRUE(this->subject->fold());
  EXPECT_TRUE(log_rows(fill - limits::journal_fold_rows)) << this->subject->describe();
  EXPECT_FALSE(this->subject->fold());
  EXPECT_TRUE(log_rows(limits::journal_rows_before_snapshot)) << this->subject->describe();
  EXPECT_FALSE(this->subject->fold());
  EXPECT_TRUE(log_rows(limits::journal_rows_before_snapshot)) << this->subject->describe();
  this->reopen();
  EXPECT_EQ(this->live(), "node/only one key=" + std::to_string(fill) + " ");
  EXPECT_EQ(this->state.last_seq, fill);
}

// -- what is stored ------------------------------------------------------------

TEST(journal_row_checksum, is_frozen) {
  EXPECT_EQ(row_checksum({1, 2, record_kind::node, "key", "payload"}), 0xa4460c418e64cfb3u);
  EXPECT_EQ(row_checksum({1, 2, record_kind::node, "key", std::nullopt}), 0x8ec655a8609ad79au);
  auto long_payload = std::string(100, '\xa5');
  EXPECT_EQ(row_checksum({0x0102030405060708u, 9, record_kind::target_segments, "collection/445/7", long_payload}),
            0xf7fff14662daf18au);
}

TEST(journal_row_checksum, tells_apart_rows_that_differ_in_any_part) {
  auto base = journal_row{1, 2, record_kind::node, "key", "payload"};
  std::map<std::uint64_t, std::string> seen;
  auto add = [&](journal_row row, std::string what) {
    EXPECT_TRUE(seen.emplace(row_checksum(row), what).second) << what;
  };
  add(base, "base");
  add({2, 2, record_kind::node, "key", "payload"}, "seq");
  add({1, 3, record_kind::node, "key", "payload"}, "epoch");
  add({1, 2, record_kind::setting, "key", "payload"}, "kind");
  add({1, 2, record_kind::node, "keyp", "ayload"}, "border between key and payload");
  add({1, 2, record_kind::node, "key", std::string("payload\0", 8)}, "padding");
  add({1, 2, record_kind::node, "key", ""}, "empty payload");
  add({1, 2, record_kind::node, "key", std::nullopt}, "no payload");
  for (std::size_t byte = 0; byte < base.payload->size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      auto flipped = base;
      (*flipped.payload)[byte] = static_cast<char>((*flipped.payload)[byte] ^ (1 << bit));
      add(flipped, "bit " + std::to_string(bit) + " of byte " + std::to_string(byte));
    }
  }
}

TEST(record_kind_names, are_stable) {
  EXPECT_EQ(to_string(record_kind::epoch), "epoch");
  EXPECT_EQ(to_string(record_kind::target_segments), "target_segments");
  EXPECT_EQ(to_string(static_cast<record_kind>(99)), "unknown");
}

TEST(memory_journal, a_row_damaged_on_its_disk_is_reported_and_the_previous_value_stands) {
  auto disk = std::make_shared<memory_disk>();
  auto subject = make_memory_journal(disk);
  ASSERT_EQ(subject->append({put(1, record_kind::node, "a", "old"), put(2, record_kind::node, "a", "new")}).outcome,
            append_outcome::durable);
  disk->rows[1].payload = "nEw";
  auto state = make_memory_journal(disk)->recover();
  ASSERT_TRUE(state);
  ASSERT_EQ(state->bad.size(), 1u);
  EXPECT_EQ(state->bad[0].key, "a");
  EXPECT_EQ(state->last_seq, 2u);
  ASSERT_EQ(state->entries.size(), 1u);
  EXPECT_EQ(state->entries[0].payload, "old");
}

} // namespace muster
