// A disk that fails on demand below SQLite: while it lives, databases opened anew write their logs through it.
#pragma once

#include <sqlite3.h>

#include <string>

namespace muster {

/// SQLite's default file system with faults in write-ahead logs. One at a time; outlives the databases opened under it.
class faulty_disk {
public:
  faulty_disk() {
    self() = this;
    real_ = sqlite3_vfs_find(nullptr);
    shim_ = *real_;
    shim_.zName = "muster-faulty-disk";
    shim_.pNext = nullptr;
    shim_.xOpen = &open;
    sqlite3_vfs_register(&shim_, 1);
  }

  faulty_disk(const faulty_disk&) = delete;
  faulty_disk& operator=(const faulty_disk&) = delete;

  ~faulty_disk() {
    sqlite3_vfs_unregister(&shim_);
    sqlite3_vfs_register(real_, 1);
    self() = nullptr;
  }

  int fail_writes = SQLITE_OK; ///< The result of writes, SQLITE_OK: they work.
  int good_writes = 0; ///< So many writes work before.
  int fail_syncs = SQLITE_OK;
  int syncs = 0; ///< Counted.

private:
  static faulty_disk*& self() {
    static faulty_disk* instance = nullptr;
    return instance;
  }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    auto& disk = *self();
    auto code = disk.real_->xOpen(disk.real_, name, file, flags, out_flags);
    if (code == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
      disk.real_methods_ = file->pMethods;
      disk.methods_ = *file->pMethods;
      disk.methods_.xWrite = &write;
      disk.methods_.xSync = &sync;
      file->pMethods = &disk.methods_;
    }
    return code;
  }

  static int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
    auto& disk = *self();
    if (disk.fail_writes != SQLITE_OK && disk.good_writes-- <= 0)
      return disk.fail_writes;
    return disk.real_methods_->xWrite(file, data, size, at);
  }

  static int sync(sqlite3_file* file, int flags) {
    auto& disk = *self();
    ++disk.syncs;
    return disk.fail_syncs != SQLITE_OK ? disk.fail_syncs : disk.real_methods_->xSync(file, flags);
  }

  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs shim_{};
  const sqlite3_io_methods* real_methods_ = nullptr;
  sqlite3_io_methods methods_{};
};

/// Runs SQL on a database file, as an operator or a defect would.
inline std::string run_sql(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  std::string out;
  auto collect = [](void* to, int count, char** values, char**) {
    for (int i = 0; i < count; ++i)
      static_cast<std::string*>(to)->append(values[i] == nullptr ? "NULL" : values[i]).append(" ");
    return 0;
  };
  char* error = nullptr;
  if (sqlite3_open(path.c_str(), &db) != SQLITE_OK || sqlite3_exec(db, sql.c_str(), collect, &out, &error) != SQLITE_OK)
    out = std::string{"failed: "} + (error == nullptr ? sqlite3_errmsg(db) : error);
  sqlite3_free(error);
  sqlite3_close(db);
  return out;
}

} // namespace muster
