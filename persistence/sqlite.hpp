// Owning wrappers around SQLite - a file, its statements, its transactions - shared by the journal and the catalogue.
#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace muster::sqlite {

/// A prepared statement. Errors stick: a statement that failed to prepare or bind fails when it runs.
/// Finalised by its destructor, so it must be destroyed before its database.
class statement {
public:
  statement() = default;
  statement(sqlite3* handle, std::string_view sql);
  statement(statement&& other) noexcept;
  statement& operator=(statement&& other) noexcept;
  ~statement();

  /// Binds the next parameter; a copy is taken.
  statement& integer(std::int64_t value);
  statement& text(std::string_view value);
  statement& blob(std::string_view value);
  statement& null();

  /// Moves to the next row; false at the end and on failure, which `ok` tells apart.
  bool next();
  /// Runs to the end and makes the statement ready for the next run; false on failure.
  bool run();
  /// Forgets position and parameters.
  void reset();

  /// False after a failure.
  bool ok() const;
  /// SQLite's primary result code of the last failure.
  int code() const;

  std::int64_t integer_at(int column) const;
  std::string bytes_at(int column) const;
  bool null_at(int column) const;

private:
  void note(int code);

  sqlite3_stmt* handle_ = nullptr;
  int code_ = 0;
  int parameter_ = 0;
};

/// What a file must be to be opened, and how a new one is made.
struct file_format {
  std::string_view noun; ///< "journal", "catalogue": for people.
  std::int32_t application_id = 0;
  const char* schema = nullptr; ///< SQL that creates the tables of version 1.
  std::span<const char* const> upgrades = {}; ///< Upgrade i makes version i + 2 of version i + 1.

  std::int32_t version() const {
    return static_cast<std::int32_t>(upgrades.size()) + 1;
  }
};

/// An open database in WAL mode with synchronous=FULL: what is committed is on disk. One thread at a time.
class database {
public:
  database(database&& other) noexcept;
  database& operator=(database&& other) noexcept;
  ~database();

  /// Opens or creates `path` (":memory:" too); a file of an older version is upgraded, all or nothing. Version and kind are
  /// checked before anything is read or changed:
  /// newer_version, io_corrupt (damaged, or no file of this format), io_failed.
  static result<database> open(const std::string& path, const file_format& format);

  statement prepare(std::string_view sql) const;
  bool execute(const char* sql);
  /// Rows changed by the last statement.
  std::int64_t changes() const;
  /// True while a transaction is open.
  bool in_transaction() const;
  /// SQLite's primary result code of the last call.
  int code() const;
  /// The last error in one line for people: what was tried, what is wrong, what to do.
  failure error(std::string_view tried) const;
  const std::string& path() const;

private:
  database(sqlite3* handle, std::string path);

  sqlite3* handle_ = nullptr;
  std::string path_;
};

/// True when a COMMIT that failed with this primary code is certainly not on disk: SQLITE_FULL is a short write, so the
/// commit's frame is not whole; the others end before the first write. After any other failure (write, fsync, memory)
/// the write-ahead log may hold the whole commit, and the next opening would find it although this process rolled back.
bool is_refused_commit(int code);

/// A write transaction: rolled back unless committed. All statements of it must be reset before it ends.
class transaction {
public:
  explicit transaction(database& db);
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction();

  /// False when the transaction could not begin; nothing was written then.
  bool begun() const;
  bool commit();
  /// True when it is certain that SQLite left the transaction.
  bool rollback();

private:
  database& db_;
  bool begun_ = false;
};

} // namespace muster::sqlite
