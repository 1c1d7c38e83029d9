// What only the durable journal must stand: other processes, foreign and damaged files, failing disks, power cuts.
#include "messages/limits.hpp"
#include "persistence/journal.hpp"
#include "tests/unit/faulty_disk.hpp"
#include "tests/unit/temp_folder.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

namespace muster {

namespace {

namespace fs = std::filesystem;

class sqlite_journal_test : public ::testing::Test {
protected:
  std::unique_ptr<journal> open() {
    auto out = open_sqlite_journal(folder.path());
    if (!out)
      throw std::runtime_error(out.error().text);
    return std::move(*out);
  }

  failure open_failure() {
    auto out = open_sqlite_journal(folder.path());
    EXPECT_FALSE(out);
    return out ? failure{ec::ok, {}} : out.error();
  }

  static journal_state recovered(journal& from) {
    auto out = from.recover();
    EXPECT_TRUE(out) << out.error().text;
    return out ? std::move(*out) : journal_state{};
  }

  journal_state reopened() {
    return recovered(*open());
  }

  static journal_row put(std::uint64_t seq, std::string key, std::string payload) {
    return {seq, 1, record_kind::node, std::move(key), std::move(payload)};
  }

  static append_outcome append(journal& to, std::vector<journal_row> rows) {
    return to.append(rows).outcome;
  }

  /// Appends rows from `first` on to `last`, one key a row, in large batches.
  static void fill(journal& to, std::uint64_t first, std::uint64_t last, const std::string& prefix = "k") {
    std::vector<journal_row> rows;
    for (auto seq = first; seq <= last; ++seq) {
      rows.push_back(put(seq, prefix + std::to_string(seq), "value " + std::to_string(seq)));
      if (rows.size() == 5'000 || seq == last) {
        ASSERT_EQ(append(to, rows), append_outcome::durable);
        rows.clear();
      }
    }
  }

  static std::string live(const journal_state& state) {
    std::string out;
    for (const auto& entry : state.entries)
      out += entry.key + "=" + entry.payload + " ";
    return out;
  }

  std::string sql(const std::string& text) {
    return run_sql(path(), text);
  }

  std::string path() const {
    return folder.path() + "/journal.db";
  }

  temp_folder folder;
};

TEST_F(sqlite_journal_test, a_folder_in_use_is_refused_with_owner_folder_and_advice) {
  auto first = open();
  auto why = open_failure();
  EXPECT_EQ(why.code, ec::old_session_exists);
  EXPECT_NE(why.text.find(folder.path()), std::string::npos) << why.text;
  EXPECT_NE(why.text.find("process " + std::to_string(::getpid()) + " "), std::string::npos) << why.text;
  EXPECT_NE(why.text.find("stop that process"), std::string::npos) << why.text;
  first.reset();
  EXPECT_TRUE(open());
}

TEST_F(sqlite_journal_test, a_killed_process_leaves_its_durable_rows_and_no_lock) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto mine = open();
    auto outcome = append(*mine, {put(1, "a", "of the child")});
    auto byte = outcome == append_outcome::durable ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) == 1)
      ::pause();
    ::_exit(1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  auto why = open_failure();
  EXPECT_EQ(why.code, ec::old_session_exists);
  EXPECT_NE(why.text.find(std::to_string(child)), std::string::npos) << why.text;
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_EQ(live(reopened()), "a=of the child ");
}

TEST_F(sqlite_journal_test, a_newer_version_is_refused_and_left_as_it_was) {
  fill(*open(), 1, 3);
  sql("PRAGMA user_version = 2; DROP TABLE log");
  auto why = open_failure();
  EXPECT_EQ(why.code, ec::newer_version);
  EXPECT_NE(why.text.find("version 2"), std::string::npos) << why.text;
  EXPECT_EQ(sql("PRAGMA user_version; SELECT name FROM sqlite_schema WHERE name IN ('log', 'meta')"), "2 meta ");
}

TEST_F(sqlite_journal_test, garbage_is_reported_as_corrupt_with_advice_and_left_as_it_was) {
  auto garbage = std::string(10'000, '?');
  std::ofstream{path()} << garbage;
  auto why = open_failure();
  EXPECT_EQ(why.code, ec::io_corrupt);
  EXPECT_NE(why.text.find(path()), std::string::npos) << why.text;
  EXPECT_NE(why.text.find("backup"), std::string::npos) << why.text;
  std::ifstream in{path()};
  EXPECT_EQ((std::string{std::istreambuf_iterator<char>{in}, {}}), garbage);
}

TEST_F(sqlite_journal_test, a_foreign_database_is_no_journal_and_left_as_it_was) {
  sql("CREATE TABLE songs(name)");
  auto why = open_failure();
  EXPECT_EQ(why.code, ec::io_corrupt);
  EXPECT_NE(why.text.find("is no Muster journal"), std::string::npos) << why.text;
  EXPECT_EQ(sql("PRAGMA journal_mode; SELECT name FROM sqlite_schema"), "delete songs ");
}

TEST_F(sqlite_journal_test, a_folder_that_cannot_be_made_is_an_io_failure) {
  std::ofstream{folder.path() + "/file"} << "x";
  auto out = open_sqlite_journal(folder.path() + "/file/folder");
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, ec::io_failed);
}

// -- damaged records ------------------------------------------------------------

TEST_F(sqlite_journal_test, a_damaged_row_is_reported_by_key_and_leaves_its_neighbours_alone) {
  fill(*open(), 1, 3);
  for (auto damage : {"payload = CAST('valuE 2' AS BLOB)", "key = 'k9'", "epoch = 2", "kind = 70000", "checksum = 0",
                      "payload = NULL", "payload = CAST('' AS BLOB)"}) {
    sql("CREATE TABLE kept AS SELECT * FROM log; UPDATE log SET " + std::string{damage} + " WHERE seq = 2");
    auto state = reopened();
    EXPECT_EQ(state.last_seq, 3u) << damage;
    ASSERT_EQ(state.bad.size(), 1u) << damage;
    EXPECT_EQ(state.bad[0].seq, 2u) << damage;
    EXPECT_EQ(state.bad[0].key, std::string{damage} == "key = 'k9'" ? "k9" : "k2");
    EXPECT_FALSE(state.bad[0].text.empty());
    EXPECT_EQ(live(state), "k1=value 1 k3=value 3 ") << damage;
    sql("DELETE FROM log; INSERT INTO log SELECT * FROM kept; DROP TABLE kept");
  }
  EXPECT_EQ(live(reopened()), "k1=value 1 k2=value 2 k3=value 3 ");
}

TEST_F(sqlite_journal_test, a_damaged_newest_row_leaves_the_previous_value_and_the_seq_goes_on_behind_it) {
  ASSERT_EQ(append(*open(), {put(1, "a", "old"), put(2, "a", "new")}), append_outcome::durable);
  sql("UPDATE log SET payload = CAST('nEw' AS BLOB) WHERE seq = 2");
  auto subject = open();
  auto state = recovered(*subject);
  EXPECT_EQ(live(state), "a=old ");
  EXPECT_EQ(state.last_seq, 2u);
  EXPECT_EQ(append(*subject, {put(3, "a", "newer")}), append_outcome::durable);
  EXPECT_EQ(live(recovered(*subject)), "a=newer ");
}

TEST_F(sqlite_journal_test, missing_rows_are_reported_and_the_rest_is_used) {
  fill(*open(), 1, 6);
  sql("DELETE FROM log WHERE seq IN (1, 3, 4)");
  auto state = reopened();
  EXPECT_EQ(live(state), "k2=value 2 k5=value 5 k6=value 6 ");
  ASSERT_EQ(state.bad.size(), 2u);
  EXPECT_EQ(state.bad[1].seq, 3u);
  EXPECT_NE(state.bad[1].text.find("rows 3 to 4"), std::string::npos) << state.bad[1].text;
  EXPECT_EQ(state.last_seq, 6u);
}

TEST_F(sqlite_journal_test, a_row_with_a_damaged_seq_does_not_put_its_neighbours_out_of_order) {
  for (auto seq : {"-7", "1099511627776"}) {
    fs::remove(path());
    fill(*open(), 1, 4);
    sql("UPDATE log SET seq = " + std::string{seq} + " WHERE seq = 2");
    auto subject = open();
    auto state = recovered(*subject);
    EXPECT_EQ(live(state), "k1=value 1 k3=value 3 k4=value 4 ") << seq;
    EXPECT_EQ(state.bad.size(), 2u) << seq;
    EXPECT_EQ(append(*subject, {put(state.last_seq + 1, "k5", "5")}), append_outcome::durable) << seq;
    EXPECT_EQ(live(recovered(*subject)), "k1=value 1 k3=value 3 k4=value 4 k5=5 ") << seq;
  }
}

TEST_F(sqlite_journal_test, a_damaged_page_costs_only_the_rows_on_it) {
  fill(*open(), 1, 2'000);
  auto pages = std::stoi(sql("PRAGMA page_count"));
  ASSERT_GT(pages, 20);
  {
    std::fstream file{path(), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp((pages / 2) * 4096);
    file << std::string(4096, '\xee');
  }
  auto state = reopened();
  EXPECT_EQ(state.last_seq, 2'000u);
  EXPECT_GT(state.entries.size(), 1'800u);
  EXPECT_LT(state.entries.size(), 2'000u);
  EXPECT_EQ(state.bad.size(), 2u);
}

// -- folding --------------------------------------------------------------------

TEST_F(sqlite_journal_test, a_damaged_row_stays_reported_after_its_fold_until_its_key_is_written_anew) {
  constexpr auto limit = limits::journal_rows_before_snapshot;
  {
    auto subject = open();
    ASSERT_EQ(append(*subject, {put(1, "a", "old"), put(2, "a", "new")}), append_outcome::durable);
    fill(*subject, 3, limit + 1);
  }
  sql("UPDATE log SET checksum = 0 WHERE seq = 2; DELETE FROM log WHERE seq = 4");
  {
    auto subject = open();
    ASSERT_EQ(append(*subject, {put(limit + 2, "a", "newest"), put(limit + 3, "b", "b")}), append_outcome::durable);
    EXPECT_FALSE(subject->fold());
  }
  EXPECT_EQ(sql("SELECT min(seq) FROM log; SELECT payload FROM snapshot WHERE key = 'a'"),
            std::to_string(limits::journal_fold_rows + 2) + " old ") << "row 4 was gone, so one more was moved";
  auto state = reopened();
  ASSERT_EQ(state.bad.size(), 2u);
  EXPECT_EQ(state.bad[0].key, "a");
  EXPECT_EQ(state.bad[1].seq, 4u);
  EXPECT_EQ(state.entries.front().payload, "newest");
  {
    auto subject = open();
    for (auto seq = limit + 4; seq <= 2 * limit + 10; seq += 5'000)
      fill(*subject, seq, seq + 4'999);
    while (subject->fold()) {
      // nop
    }
  }
  state = reopened();
  ASSERT_EQ(state.bad.size(), 1u);
  EXPECT_EQ(state.bad[0].seq, 4u);
}

TEST_F(sqlite_journal_test, damage_in_the_snapshot_is_isolated_and_missing_rows_are_noticed) {
  {
    auto subject = open();
    fill(*subject, 1, limits::journal_rows_before_snapshot + 1);
    EXPECT_FALSE(subject->fold());
  }
  auto total = limits::journal_rows_before_snapshot + 1;
  sql("UPDATE snapshot SET payload = CAST('x' AS BLOB) WHERE key = 'k7'");
  auto state = reopened();
  ASSERT_EQ(state.bad.size(), 1u);
  EXPECT_EQ(state.bad[0].key, "k7");
  EXPECT_EQ(state.entries.size(), total - 1);
  sql("DELETE FROM snapshot WHERE key IN ('k8', 'k9')");
  state = reopened();
  ASSERT_EQ(state.bad.size(), 2u);
  EXPECT_NE(state.bad[1].text.find("2 rows are missing"), std::string::npos) << state.bad[1].text;
  EXPECT_EQ(state.entries.size(), total - 3);
}

TEST_F(sqlite_journal_test, a_damaged_or_lost_head_is_reported_and_costs_no_row) {
  auto total = limits::journal_rows_before_snapshot + 1;
  {
    auto subject = open();
    fill(*subject, 1, total);
    EXPECT_FALSE(subject->fold());
  }
  for (auto damage : {"UPDATE meta SET folded_seq = 17", "UPDATE meta SET folded_seq = 900000", "DELETE FROM meta"}) {
    sql(damage);
    auto state = reopened();
    EXPECT_EQ(state.last_seq, total) << damage;
    EXPECT_EQ(state.entries.size(), total) << damage;
    ASSERT_EQ(state.bad.size(), 1u) << damage;
    EXPECT_EQ(state.bad[0].key, "meta");
  }
}

TEST_F(sqlite_journal_test, the_seq_goes_on_when_the_log_was_wholly_folded) {
  {
    auto subject = open();
    fill(*subject, 1, limits::journal_rows_before_snapshot + 1);
    EXPECT_FALSE(subject->fold());
  }
  sql("DELETE FROM log");
  auto subject = open();
  auto state = recovered(*subject);
  EXPECT_EQ(state.last_seq, limits::journal_fold_rows);
  EXPECT_EQ(state.entries.size(), limits::journal_fold_rows);
  EXPECT_TRUE(state.bad.empty());
  EXPECT_EQ(append(*subject, {put(1, "a", "x")}), append_outcome::refused);
  EXPECT_EQ(append(*subject, {put(state.last_seq + 1, "a", "x")}), append_outcome::durable);
}

// -- failing disks ----------------------------------------------------------------

TEST_F(sqlite_journal_test, each_append_is_synced_before_it_returns) {
  faulty_disk disk;
  auto subject = open();
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    auto before = disk.syncs;
    ASSERT_EQ(append(*subject, {put(seq, "a", "x")}), append_outcome::durable);
    EXPECT_GT(disk.syncs, before);
  }
}

TEST_F(sqlite_journal_test, a_full_or_read_only_disk_refuses_and_harms_nothing_and_later_appends_work) {
  faulty_disk disk;
  for (auto code : {SQLITE_FULL, SQLITE_READONLY}) {
    for (auto good_writes : {0, 1, 2, 3, 7}) {
      temp_folder other;
      auto opened = open_sqlite_journal(other.path());
      ASSERT_TRUE(opened);
      auto subject = std::move(*opened);
      ASSERT_EQ(append(*subject, {put(1, "a", "1")}), append_outcome::durable);
      disk.good_writes = good_writes;
      disk.fail_writes = code;
      auto out = subject->append({put(2, "a", "2"), put(3, "b", std::string(100'000, 'x'))});
      EXPECT_EQ(out.outcome, append_outcome::refused) << out.text;
      EXPECT_NE(out.text.find(other.path()), std::string::npos) << out.text;
      EXPECT_EQ(live(recovered(*subject)), "a=1 ");
      disk.fail_writes = SQLITE_OK;
      EXPECT_EQ(append(*subject, {put(2, "c", "2")}), append_outcome::durable);
      subject.reset();
      auto again = open_sqlite_journal(other.path());
      ASSERT_TRUE(again);
      EXPECT_EQ(live(recovered(**again)), "a=1 c=2 ");
    }
  }
}

// Goal: a commit that failed in a way that may have reached the disk is never called refused. Method: fsync fails after
// the log's frames were written; the next process does find the rows.
TEST_F(sqlite_journal_test, a_failed_sync_is_an_unknown_outcome_and_nothing_is_appended_on_top) {
  {
    faulty_disk disk;
    auto subject = open();
    ASSERT_EQ(append(*subject, {put(1, "a", "1")}), append_outcome::durable);
    disk.fail_syncs = SQLITE_IOERR_FSYNC;
    EXPECT_EQ(append(*subject, {put(2, "b", "2")}), append_outcome::unknown);
    disk.fail_syncs = SQLITE_OK;
    EXPECT_EQ(append(*subject, {put(2, "c", "2")}), append_outcome::unknown);
    EXPECT_FALSE(subject->fold());
    temp_folder after_a_cut;
    fs::copy(folder.path(), after_a_cut.path(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    auto next = open_sqlite_journal(after_a_cut.path());
    ASSERT_TRUE(next);
    EXPECT_EQ(live(recovered(**next)), "a=1 b=2 ");
  }
}

TEST_F(sqlite_journal_test, a_failed_write_of_a_commit_is_an_unknown_outcome_and_replay_finds_all_or_nothing) {
  faulty_disk disk;
  auto subject = open();
  ASSERT_EQ(append(*subject, {put(1, "a", "1")}), append_outcome::durable);
  disk.fail_writes = SQLITE_IOERR_WRITE;
  EXPECT_EQ(append(*subject, {put(2, "b", "2")}), append_outcome::unknown);
  disk.fail_writes = SQLITE_OK;
  subject.reset();
  EXPECT_EQ(live(reopened()), "a=1 ");
}

TEST_F(sqlite_journal_test, a_power_cut_keeps_what_was_durable_and_loses_a_torn_commit_as_a_whole) {
  auto subject = open();
  fill(*subject, 1, 10);
  auto whole = fs::file_size(path() + "-wal");
  fill(*subject, 11, 300);
  auto torn = fs::file_size(path() + "-wal");
  ASSERT_GT(torn, whole + 8'192);
  for (auto size : {whole, whole + 100, torn - 4'096, torn - 1, torn}) {
    temp_folder after;
    fs::copy_file(path(), after.path() + "/journal.db");
    fs::copy_file(path() + "-wal", after.path() + "/journal.db-wal");
    fs::resize_file(after.path() + "/journal.db-wal", size);
    auto next = open_sqlite_journal(after.path());
    ASSERT_TRUE(next);
    auto state = recovered(**next);
    EXPECT_EQ(state.last_seq, size == torn ? 300u : 10u) << size;
    EXPECT_EQ(state.entries.size(), state.last_seq) << size;
    EXPECT_TRUE(state.bad.empty()) << size;
  }
}

TEST_F(sqlite_journal_test, a_failed_fold_moves_nothing_and_the_next_one_works) {
  faulty_disk disk;
  auto subject = open();
  auto total = limits::journal_rows_before_snapshot + 1;
  fill(*subject, 1, total);
  disk.fail_writes = SQLITE_FULL;
  EXPECT_FALSE(subject->fold());
  EXPECT_NE(subject->describe().find("folding"), std::string::npos) << subject->describe();
  disk.fail_writes = SQLITE_OK;
  EXPECT_EQ(recovered(*subject).entries.size(), total);
  EXPECT_FALSE(subject->fold());
  EXPECT_NE(subject->describe().find(std::to_string(limits::journal_fold_rows) + " in the snapshot"), std::string::npos)
      << subject->describe();
  EXPECT_EQ(recovered(*subject).entries.size(), total);
}

} // namespace

} // namespace muster
