// The durable journal: a log and a snapshot in one SQLite file, in a folder that one process at a time may use.
#include "messages/limits.hpp"
#include "persistence/journal.hpp"
#include "persistence/journal_rules.hpp"
#include "persistence/sqlite.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>

namespace muster {

namespace {

// "MstJ". Numbers and tables of a version are frozen; a change is a new version with a migration.
constexpr sqlite::file_format journal_format{"journal", 0x4d73744a, R"(
  CREATE TABLE log(seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL,
                   payload BLOB, checksum INTEGER NOT NULL);
  CREATE TABLE snapshot(kind INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL,
                        payload BLOB NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY(kind, key));
  CREATE TABLE damaged(seq INTEGER NOT NULL, kind INTEGER NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL);
  CREATE TABLE meta(id INTEGER PRIMARY KEY CHECK(id = 1), folded_seq INTEGER NOT NULL, snapshot_rows INTEGER NOT NULL,
                    checksum INTEGER NOT NULL);
)"};

// A fold ends early when it has moved this many payload bytes: rows may be large, and appends wait for it.
constexpr std::size_t fold_bytes = 32u << 20;

std::int64_t to_sql(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

record_kind kind_from_sql(std::int64_t value) {
  auto known = value >= 0 && value <= std::numeric_limits<std::uint16_t>::max();
  return static_cast<record_kind>(known ? value : 0);
}

stored_row read_row(const sqlite::statement& from) {
  stored_row out;
  out.row.seq = static_cast<std::uint64_t>(from.integer_at(0));
  out.row.epoch = static_cast<std::uint64_t>(from.integer_at(1));
  out.row.kind = kind_from_sql(from.integer_at(2));
  out.row.key = from.bytes_at(3);
  if (!from.null_at(4))
    out.row.payload = from.bytes_at(4);
  out.checksum = static_cast<std::uint64_t>(from.integer_at(5));
  return out;
}

std::uint64_t meta_checksum(std::int64_t folded_seq, std::int64_t snapshot_rows) {
  return row_checksum({static_cast<std::uint64_t>(folded_seq), static_cast<std::uint64_t>(snapshot_rows), record_kind{},
                       "meta", std::nullopt});
}

// Exclusive use of a folder for as long as this lives, also when the process ends in any way.
class folder_lock {
public:
  folder_lock() = default;

  explicit folder_lock(int file) : file_(file) {
    // nop
  }

  folder_lock(folder_lock&& other) noexcept : file_(std::exchange(other.file_, -1)) {
    // nop
  }

  folder_lock& operator=(folder_lock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }

  ~folder_lock() {
    // The file stays: a lock on a removed file would keep nobody out.
    if (file_ >= 0)
      ::close(file_);
  }

  static result<folder_lock> take(const std::string& folder) {
    auto path = folder + "/lock";
    auto tried = "locking the folder " + folder + ": ";
    auto file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0)
      return failure{ec::io_failed, tried + path + " cannot be opened, " + std::strerror(errno)
                                      + "; check the permissions of the folder"};
    auto out = folder_lock{file};
    auto locked = 0;
    do {
      locked = ::flock(file, LOCK_EX | LOCK_NB);
    } while (locked != 0 && errno == EINTR);
    if (locked != 0 && errno == EWOULDBLOCK)
      return failure{ec::old_session_exists, tried + "the process " + owner_of(file)
                                               + " uses it; stop that process first, or name another folder"};
    if (locked != 0)
      return failure{ec::io_failed, tried + std::strerror(errno) + "; put the folder on a local disk"};
    auto pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file, 0) != 0 || ::pwrite(file, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
      return failure{ec::io_failed, tried + path + " cannot be written, " + std::strerror(errno)
                                      + "; free space on its disk, check the permissions"};
    return out;
  }

private:
  static std::string owner_of(int file) {
    char text[32] = {};
    auto size = ::pread(file, text, sizeof(text) - 1, 0);
    auto pid = std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    pid.resize(std::min(pid.size(), pid.find_first_not_of("0123456789")));
    return pid.empty() ? "(unknown)" : pid;
  }

  int file_ = -1;
};

class sqlite_journal : public journal {
public:
  sqlite_journal(folder_lock lock, sqlite::database db) : lock_(std::move(lock)), db_(std::move(db)) {
    insert_ = db_.prepare("INSERT INTO log(seq, epoch, kind, key, payload, checksum) VALUES(?, ?, ?, ?, ?, ?)");
  }

  // -- recovery ---------------------------------------------------------------

  // Reads what later calls count with. Damage is tolerated here and reported by `recover`.
  result<unit> load_counters() {
    auto unreadable = [](const sqlite::statement& tried) {
      return !tried.ok() && tried.code() != SQLITE_CORRUPT;
    };
    auto newest = db_.prepare("SELECT max(seq) FROM log");
    last_seq_ = newest.next() ? static_cast<std::uint64_t>(std::max<std::int64_t>(0, newest.integer_at(0))) : 0;
    if (unreadable(newest))
      return db_.error("reading");
    auto count = db_.prepare("SELECT count(*) FROM log");
    log_rows_ = count.next() ? static_cast<std::size_t>(count.integer_at(0)) : 0;
    if (unreadable(count))
      return db_.error("reading");
    auto meta = db_.prepare("SELECT folded_seq, snapshot_rows, checksum FROM meta WHERE id = 1");
    folded_seq_ = 0;
    snapshot_rows_ = 0;
    if (meta.next()) {
      folded_seq_ = static_cast<std::uint64_t>(meta.integer_at(0));
      snapshot_rows_ = meta.integer_at(1);
      auto sum = static_cast<std::uint64_t>(meta.integer_at(2));
      meta_intact_ = sum == meta_checksum(meta.integer_at(0), snapshot_rows_);
    } else {
      // No row at all is right as long as nothing was folded.
      meta_intact_ = meta.ok() && !has_rows("snapshot");
    }
    if (unreadable(meta))
      return db_.error("reading");
    if (!meta_intact_)
      guess_meta();
    last_seq_ = std::max(last_seq_, folded_seq_);
    return unit{};
  }

  result<journal_state> recover() override {
    if (auto ready = load_counters(); !ready)
      return ready.error();
    auto state = replay{folded_seq_};
    if (!meta_intact_)
      state.add_damage({folded_seq_, record_kind{}, "meta",
                        "reading the head of " + db_.path() + ": damaged or lost, the snapshot is taken to end at row "
                          + std::to_string(folded_seq_) + "; check the disk"});
    auto damaged = db_.prepare("SELECT seq, kind, key, text FROM damaged ORDER BY seq");
    while (damaged.next())
      state.add_damage({static_cast<std::uint64_t>(damaged.integer_at(0)), kind_from_sql(damaged.integer_at(1)),
                        damaged.bytes_at(2), damaged.bytes_at(3)});
    std::int64_t snapshot_read = 0;
    auto on_snapshot = [&](stored_row row) {
      ++snapshot_read;
      state.add_snapshot(std::move(row));
    };
    auto on_log = [&](stored_row row) {
      state.add_log(std::move(row));
    };
    if (auto done = scan("snapshot", state, on_snapshot); !done)
      return done.error();
    if (snapshot_read < snapshot_rows_)
      state.add_damage({0, record_kind{}, {},
                        "reading the snapshot of " + db_.path() + ": " + std::to_string(snapshot_rows_ - snapshot_read)
                          + " rows are missing; check the disk"});
    if (auto done = scan("log", state, on_log); !done)
      return done.error();
    auto out = std::move(state).finish();
    last_seq_ = std::max(last_seq_, out.last_seq);
    out.last_seq = last_seq_;
    return out;
  }

  // -- appending --------------------------------------------------------------

  append_result append(const std::vector<journal_row>& rows) override {
    if (in_doubt_)
      return {append_outcome::unknown, "appending to " + db_.path()
                                         + ": the outcome of an earlier commit is unknown; end the process and replay"};
    if (auto reason = reason_to_refuse(rows, last_seq_); !reason.empty())
      return {append_outcome::refused, std::move(reason)};
    if (rows.empty())
      return {};
    // Taken before the write and compared right at it: memory damaged in between is not made durable.
    std::vector<std::uint64_t> checksums;
    checksums.reserve(rows.size());
    for (const auto& row : rows)
      checksums.push_back(row_checksum(row));
    auto change = sqlite::transaction{db_};
    if (!change.begun())
      return {append_outcome::refused, db_.error("appending to").text};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (row_checksum(rows[i]) != checksums[i])
        return give_up(change, "appending to " + db_.path() + ": row " + std::to_string(rows[i].seq)
                                 + " changed while it was written; check the memory of this machine");
      if (!insert(rows[i], checksums[i])) {
        auto text = db_.error("appending to").text;
        insert_.reset();
        return give_up(change, std::move(text));
      }
    }
    if (!change.commit()) {
      auto text = db_.error("committing to").text;
      in_doubt_ = !sqlite::is_refused_commit(db_.code());
      return give_up(change, std::move(text));
    }
    last_seq_ += rows.size();
    log_rows_ += rows.size();
    return {};
  }

  // -- folding ----------------------------------------------------------------

  bool fold() override {
    if (in_doubt_ || log_rows_ <= limits::journal_rows_before_snapshot)
      return false;
    fold_error_.clear();
    return fold_slice() && log_rows_ > limits::journal_rows_before_snapshot;
  }

  // -- reading ----------------------------------------------------------------

  // Log and snapshot are each in the order of an index: `most` rows of each are read at most, however many there are. The snapshot has
  // none by number, so it is walked; that is paid by who reads that far back.
  result<std::vector<journal_row>> read(std::uint64_t after, std::size_t most, std::size_t bytes) override {
    const std::string columns = "SELECT seq, epoch, kind, key, payload, checksum FROM ";
    const bool newest = after == 0;
    const std::string order = std::string{" WHERE seq > ? ORDER BY seq "} + (newest ? "DESC" : "ASC") + " LIMIT ?";
    std::vector<journal_row> out;
    const auto take = [&](const std::string& table) -> result<unit> {
      auto rows = db_.prepare(columns + table + order);
      rows.integer(to_sql(after)).integer(static_cast<std::int64_t>(most - std::min(most, newest ? out.size() : 0)));
      while (rows.next())
        if (auto stored = read_row(rows); stored.intact())
          out.push_back(std::move(stored.row));
      return rows.ok() ? result<unit>{unit{}} : result<unit>{db_.error("reading")};
    };
    if (auto done = take("log"); !done)
      return done.error();
    // Every number of the snapshot is below those of the log.
    if ((newest && out.size() < most) || (!newest && after < folded_seq_))
      if (auto done = take("snapshot"); !done)
        return done.error();
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.seq < b.seq; });
    std::size_t sum = 0;
    std::size_t n = 0;
    for (; n < out.size() && n < most; ++n) {
      sum += out[n].payload ? out[n].payload->size() : 0;
      if (n > 0 && sum > bytes)
        break;
    }
    out.resize(n);
    return out;
  }

  std::uint64_t last_seq() const override {
    return last_seq_;
  }

  std::string describe() const override {
    return "sqlite journal " + db_.path() + ": " + std::to_string(log_rows_) + " rows in the log, "
           + std::to_string(snapshot_rows_) + " in the snapshot" + (fold_error_.empty() ? "" : "; " + fold_error_);
  }

private:
  bool insert(const journal_row& row, std::uint64_t checksum) {
    insert_.integer(to_sql(row.seq)).integer(to_sql(row.epoch));
    insert_.integer(static_cast<std::int64_t>(row.kind)).text(row.key);
    if (row.payload)
      insert_.blob(*row.payload);
    else
      insert_.null();
    return insert_.integer(to_sql(checksum)).run();
  }

  append_result give_up(sqlite::transaction& change, std::string text) {
    if (!change.rollback())
      in_doubt_ = true;
    return {in_doubt_ ? append_outcome::unknown : append_outcome::refused, std::move(text)};
  }

  bool has_rows(const std::string& table) {
    auto any = db_.prepare("SELECT 1 FROM " + table + " LIMIT 1");
    return any.next() || !any.ok();
  }

  // Without a sound meta row: the snapshot ends where the log begins.
  void guess_meta() {
    folded_seq_ = 0;
    snapshot_rows_ = 0;
    auto first = db_.prepare("SELECT min(seq) FROM log WHERE seq > 0");
    auto newest = db_.prepare("SELECT max(seq), count(*) FROM snapshot");
    if (newest.next()) {
      folded_seq_ = static_cast<std::uint64_t>(std::max<std::int64_t>(0, newest.integer_at(0)));
      snapshot_rows_ = newest.integer_at(1);
    }
    if (first.next() && !first.null_at(0))
      folded_seq_ = static_cast<std::uint64_t>(first.integer_at(0) - 1);
  }

  // Visits all rows of a table in their order. When a damaged page ends the walk, the rows behind it are reached from
  // the end: damage in two places costs what is between them.
  result<unit> scan(const std::string& table, replay& state, const std::function<void(stored_row)>& visit) {
    auto columns = "SELECT seq, epoch, kind, key, payload, checksum, rowid FROM " + table + " ORDER BY rowid";
    auto last = std::numeric_limits<std::int64_t>::min();
    auto check_seq = [&](stored_row row) {
      if (to_sql(row.row.seq) > 0)
        visit(std::move(row));
      else
        state.add_damage(checksum_damage(row.row));
    };
    auto forward = db_.prepare(columns);
    while (forward.next()) {
      last = forward.integer_at(6);
      check_seq(read_row(forward));
    }
    if (forward.ok())
      return unit{};
    if (forward.code() != SQLITE_CORRUPT)
      return db_.error("reading");
    state.add_damage({0, record_kind{}, {}, db_.error("reading the table " + table + " of").text});
    std::vector<stored_row> tail;
    auto backward = db_.prepare(columns + " DESC");
    while (backward.next() && backward.integer_at(6) > last)
      tail.push_back(read_row(backward));
    for (auto row = tail.rbegin(); row != tail.rend(); ++row)
      check_seq(std::move(*row));
    return unit{};
  }

  // Moves the oldest rows of the log in one transaction; false, with `fold_error_`, when nothing was moved.
  bool fold_slice() {
    auto change = sqlite::transaction{db_};
    auto fail = [this] {
      fold_error_ = db_.error("folding").text;
      return false;
    };
    if (!change.begun())
      return fail();
    auto read = db_.prepare("SELECT seq, epoch, kind, key, payload, checksum FROM log ORDER BY seq LIMIT ?");
    auto erase = db_.prepare("DELETE FROM snapshot WHERE kind = ? AND key = ?");
    auto put = db_.prepare("INSERT INTO snapshot(kind, key, seq, epoch, payload, checksum) VALUES(?, ?, ?, ?, ?, ?)");
    auto report = db_.prepare("INSERT INTO damaged(seq, kind, key, text) VALUES(?, ?, ?, ?)");
    auto settle = db_.prepare("DELETE FROM damaged WHERE kind = ? AND key = ?");
    auto report_damage = [&](const bad_record& bad) {
      report.integer(to_sql(bad.seq)).integer(static_cast<std::int64_t>(bad.kind));
      return report.text(bad.key).text(bad.text).run();
    };
    auto damaged = has_rows("damaged");
    auto folded = to_sql(folded_seq_);
    auto rows = snapshot_rows_;
    std::size_t bytes = 0;
    read.integer(static_cast<std::int64_t>(limits::journal_fold_rows));
    while (bytes < fold_bytes && read.next()) {
      auto [row, checksum] = read_row(read);
      auto seq = to_sql(row.seq);
      if (seq > folded + 1) {
        damaged = true;
        if (!report_damage(gap_damage(static_cast<std::uint64_t>(folded) + 1, row.seq - 1)))
          return fail();
      }
      folded = std::max(folded, seq);
      if (row_checksum(row) != checksum) {
        damaged = true;
        if (!report_damage(checksum_damage(row)))
          return fail();
        continue;
      }
      auto kind = static_cast<std::int64_t>(row.kind);
      if (damaged && !settle.integer(kind).text(row.key).run())
        return fail();
      if (!erase.integer(kind).text(row.key).run())
        return fail();
      rows -= db_.changes();
      if (!row.payload)
        continue;
      bytes += row.payload->size();
      put.integer(kind).text(row.key).integer(seq).integer(to_sql(row.epoch)).blob(*row.payload);
      if (!put.integer(to_sql(checksum)).run())
        return fail();
      ++rows;
    }
    if (!read.ok())
      return fail();
    read.reset();
    auto trim = db_.prepare("DELETE FROM log WHERE seq <= ?");
    if (!trim.integer(folded).run())
      return fail();
    auto moved = static_cast<std::size_t>(db_.changes());
    auto meta = db_.prepare("INSERT OR REPLACE INTO meta(id, folded_seq, snapshot_rows, checksum) VALUES(1, ?, ?, ?)");
    if (!meta.integer(folded).integer(rows).integer(to_sql(meta_checksum(folded, rows))).run() || !change.commit())
      return fail();
    folded_seq_ = static_cast<std::uint64_t>(folded);
    snapshot_rows_ = rows;
    log_rows_ = moved == 0 ? 0 : log_rows_ - std::min(log_rows_, moved);
    return true;
  }

  folder_lock lock_;
  sqlite::database db_;
  sqlite::statement insert_;
  std::uint64_t last_seq_ = 0;
  std::uint64_t folded_seq_ = 0;
  std::int64_t snapshot_rows_ = 0;
  std::size_t log_rows_ = 0;
  bool meta_intact_ = false;
  bool in_doubt_ = false; ///< A commit's outcome is unknown: nothing may be appended on top of it.
  std::string fold_error_;
};

} // namespace

result<std::unique_ptr<journal>> open_sqlite_journal(const std::string& folder) {
  std::error_code wrong;
  std::filesystem::create_directories(folder, wrong);
  if (wrong)
    return failure{ec::io_failed, "creating the folder " + folder + ": " + wrong.message()
                                    + "; check the path and the permissions"};
  auto lock = folder_lock::take(folder);
  if (!lock)
    return lock.error();
  auto db = sqlite::database::open(folder + "/journal.db", journal_format);
  if (!db)
    return db.error();
  auto out = std::make_unique<sqlite_journal>(std::move(*lock), std::move(*db));
  if (auto ready = out->load_counters(); !ready)
    return ready.error();
  return std::unique_ptr<journal>{std::move(out)};
}

} // namespace muster
