// The SQLite wrappers: error handling, the checks at opening, durability settings.
#include "persistence/sqlite.hpp"

#include <sqlite3.h>

#include <utility>

namespace muster::sqlite {

namespace {

// How long a write waits for another process (an operator's sqlite3 shell) to finish its own.
constexpr int busy_milliseconds = 2000;

std::string_view advice_for(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "restore it from a backup, or move it away to start with an empty one";
    case SQLITE_FULL:
      return "free space on its disk";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "end the other process that has it open";
    default:
      return "check the disk and the permissions of the file and its folder";
  }
}

bool is_corrupt(int code) {
  return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

// The one integer that `sql` answers; false on failure.
bool read_integer(const database& db, std::string_view sql, std::int64_t& out) {
  auto row = db.prepare(sql);
  if (!row.next())
    return false;
  out = row.integer_at(0);
  return true;
}

} // namespace

// -- statement ----------------------------------------------------------------

statement::statement(sqlite3* handle, std::string_view sql) {
  note(sqlite3_prepare_v3(handle, sql.data(), static_cast<int>(sql.size()), 0, &handle_, nullptr));
}

statement::statement(statement&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), code_(other.code_), parameter_(other.parameter_) {
  // nop
}

statement& statement::operator=(statement&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(code_, other.code_);
  std::swap(parameter_, other.parameter_);
  return *this;
}

statement::~statement() {
  sqlite3_finalize(handle_);
}

void statement::note(int code) {
  if (code != SQLITE_OK && code_ == SQLITE_OK)
    code_ = code;
}

statement& statement::integer(std::int64_t value) {
  note(sqlite3_bind_int64(handle_, ++parameter_, value));
  return *this;
}

statement& statement::text(std::string_view value) {
  note(sqlite3_bind_text64(handle_, ++parameter_, value.empty() ? "" : value.data(), value.size(), SQLITE_TRANSIENT,
                           SQLITE_UTF8));
  return *this;
}

statement& statement::blob(std::string_view value) {
  note(sqlite3_bind_blob64(handle_, ++parameter_, value.empty() ? "" : value.data(), value.size(), SQLITE_TRANSIENT));
  return *this;
}

statement& statement::null() {
  note(sqlite3_bind_null(handle_, ++parameter_));
  return *this;
}

bool statement::next() {
  if (handle_ == nullptr || code_ != SQLITE_OK)
    return false;
  auto code = sqlite3_step(handle_);
  if (code == SQLITE_ROW)
    return true;
  if (code != SQLITE_DONE)
    note(code);
  return false;
}

bool statement::run() {
  while (next()) {
    // nop
  }
  auto code = code_;
  reset();
  code_ = code;
  return ok();
}

void statement::reset() {
  // Without a handle there is nothing to run again: the failure to prepare stays.
  if (handle_ == nullptr)
    return;
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  parameter_ = 0;
  code_ = SQLITE_OK;
}

bool statement::ok() const {
  return handle_ != nullptr && code_ == SQLITE_OK;
}

int statement::code() const {
  return code_ & 0xff;
}

std::int64_t statement::integer_at(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::string statement::bytes_at(int column) const {
  auto data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  auto size = sqlite3_column_bytes(handle_, column);
  return data == nullptr ? std::string{} : std::string{data, static_cast<std::size_t>(size)};
}

bool statement::null_at(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

// -- database -----------------------------------------------------------------

database::database(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {
  // nop
}

database::database(database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), path_(std::move(other.path_)) {
  // nop
}

database& database::operator=(database&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(path_, other.path_);
  return *this;
}

database::~database() {
  sqlite3_close(handle_);
}

result<database> database::open(const std::string& path, const file_format& format) {
  auto noun = std::string{format.noun};
  auto tried = "opening the " + noun;
  sqlite3* handle = nullptr;
  auto flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  auto opened = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  if (handle == nullptr)
    return failure{ec::io_failed, tried + " " + path + ": no memory; free some"};
  auto db = database{handle, path};
  if (opened != SQLITE_OK)
    return db.error(tried);
  sqlite3_busy_timeout(handle, busy_milliseconds);
  std::int64_t version = 0;
  std::int64_t application = 0;
  std::int64_t tables = 0;
  if (!read_integer(db, "PRAGMA user_version", version) || !read_integer(db, "PRAGMA application_id", application))
    return db.error(tried);
  if (application == format.application_id && version > format.version())
    return failure{ec::newer_version, tried + " " + path + ": it has version " + std::to_string(version)
                                        + ", this program reads up to " + std::to_string(format.version())
                                        + "; start the newer Muster that wrote it"};
  if (!read_integer(db, "SELECT count(*) FROM sqlite_schema", tables))
    return db.error(tried);
  auto fresh = application == 0 && version == 0 && tables == 0;
  if (!fresh && (application != format.application_id || version < 1))
    return failure{ec::io_corrupt, tried + " " + path + ": it is no Muster " + noun
                                     + "; name another folder, or move the file away to start with an empty one"};
  if (sqlite3_db_readonly(handle, "main") == 1)
    return failure{ec::io_failed, tried + " " + path + ": it is read only; allow this user to write it"};
  auto mode = db.prepare("PRAGMA journal_mode = WAL");
  if (!mode.next())
    return db.error(tried);
  if (auto got = mode.bytes_at(0); got != "wal" && path != ":memory:")
    return failure{ec::io_failed, tried + " " + path + ": its file system cannot keep a write-ahead log (mode " + got
                                    + "); put the folder on a local disk"};
  mode = statement{};
  if (!db.execute("PRAGMA synchronous = FULL"))
    return db.error(tried);
  if (version < format.version()) {
    auto change = transaction{db};
    auto done = change.begun() && (!fresh || db.execute(format.schema));
    for (auto i = static_cast<std::size_t>(fresh ? 0 : version - 1); done && i < format.upgrades.size(); ++i)
      done = db.execute(format.upgrades[i]);
    auto stamp = "PRAGMA application_id = " + std::to_string(format.application_id)
                 + "; PRAGMA user_version = " + std::to_string(format.version());
    if (!done || !db.execute(stamp.c_str()) || !change.commit())
      return db.error((fresh ? "creating the " : "upgrading the ") + noun);
  }
  return db;
}

statement database::prepare(std::string_view sql) const {
  return statement{handle_, sql};
}

bool database::execute(const char* sql) {
  return sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

std::int64_t database::changes() const {
  return sqlite3_changes64(handle_);
}

bool database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

int database::code() const {
  return sqlite3_errcode(handle_) & 0xff;
}

failure database::error(std::string_view tried) const {
  auto code = sqlite3_errcode(handle_);
  auto text = std::string{tried} + " " + path_ + ": " + sqlite3_errmsg(handle_) + "; ";
  return {is_corrupt(code) ? ec::io_corrupt : ec::io_failed, text.append(advice_for(code))};
}

const std::string& database::path() const {
  return path_;
}

bool is_refused_commit(int code) {
  return code == SQLITE_FULL || code == SQLITE_READONLY || code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

// -- transaction --------------------------------------------------------------

transaction::transaction(database& db) : db_(db), begun_(db.execute("BEGIN IMMEDIATE")) {
  // nop
}

transaction::~transaction() {
  if (begun_)
    rollback();
}

bool transaction::begun() const {
  return begun_;
}

bool transaction::commit() {
  if (!db_.execute("COMMIT"))
    return false;
  begun_ = false;
  return true;
}

bool transaction::rollback() {
  // After some errors SQLite has rolled back by itself; a second ROLLBACK would fail.
  if (db_.in_transaction())
    db_.execute("ROLLBACK");
  begun_ = db_.in_transaction();
  return !begun_;
}

} // namespace muster::sqlite
