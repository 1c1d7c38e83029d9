// A library for LD_PRELOAD that makes syncs slow and remembers what was written since the last one, so that a test can
// undo it after SIGKILL as a power cut would. Files below MUSTER_SLOW_SYNC_FOLDER only; see undo_unsynced in
// tests/process/power_test.cpp.
//
// Before each write the bytes that it replaces go to FILE.undo as a record; a sync that succeeded empties FILE.undo. So
// at any moment FILE without the effects of FILE.undo, newest first, is what the last completed sync left.
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <vector>

namespace {

std::recursive_mutex lock;

template <class F>
F real(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

using pwrite_t = ssize_t (*)(int, const void*, size_t, off_t);
using sync_t = int (*)(int);
using truncate_t = int (*)(int, off_t);
using write_t = ssize_t (*)(int, const void*, size_t);

ssize_t real_pwrite(int fd, const void* data, size_t size, off_t at) {
  static const auto f = real<pwrite_t>("pwrite");
  return f(fd, data, size, at);
}

ssize_t real_write(int fd, const void* data, size_t size) {
  static const auto f = real<write_t>("write");
  return f(fd, data, size);
}

// Where to keep what a write to this descriptor replaces; empty when it is none of our files.
std::string undo_path(int fd) {
  const auto folder = getenv("MUSTER_SLOW_SYNC_FOLDER");
  if (folder == nullptr)
    return {};
  char path[PATH_MAX];
  const auto n = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), path, sizeof path - 1);
  if (n <= 0)
    return {};
  std::string file{path, static_cast<std::size_t>(n)};
  const auto is = [&](const char* end) {
    return file.size() > std::strlen(end) && file.compare(file.size() - std::strlen(end), std::string::npos, end) == 0;
  };
  if (file.rfind(folder, 0) != 0 || !(is(".db") || is("-wal")))
    return {};
  return file + ".undo";
}

// One record: size of the file before, offset and length of what was there, the bytes.
void remember(int fd, off_t at, size_t size) {
  const auto path = undo_path(fd);
  if (path.empty())
    return;
  struct stat before {};
  if (fstat(fd, &before) != 0)
    return;
  const auto end = static_cast<off_t>(static_cast<size_t>(at) + size);
  const std::uint64_t length =
      at >= before.st_size ? 0 : static_cast<std::uint64_t>((end < before.st_size ? end : before.st_size) - at);
  const std::uint64_t head[3] = {static_cast<std::uint64_t>(before.st_size), static_cast<std::uint64_t>(at), length};
  std::vector<char> record(sizeof head + length);
  std::memcpy(record.data(), head, sizeof head);
  // A read through a descriptor of our own: this one may be for writing only.
  const auto own = open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC);
  if (length > 0 && pread(own, record.data() + sizeof head, length, at) != static_cast<ssize_t>(length))
    abort();
  close(own);
  const auto log = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0 || real_write(log, record.data(), record.size()) != static_cast<ssize_t>(record.size()))
    abort();
  close(log);
}

int slow_sync(int fd, const char* name) {
  const auto path = undo_path(fd);
  if (!path.empty()) {
    const auto text = getenv("MUSTER_SLOW_SYNC_MS");
    const long ms = text == nullptr ? 0 : atol(text);
    timespec pause{ms / 1000, (ms % 1000) * 1'000'000};
    nanosleep(&pause, nullptr);
  }
  std::lock_guard guard{lock};
  const auto code = real<sync_t>(name)(fd);
  const auto wrong = errno;
  if (code == 0 && !path.empty() && unlink(path.c_str()) != 0 && errno != ENOENT)
    abort();
  errno = wrong;
  return code;
}

} // namespace

extern "C" {

ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  std::lock_guard guard{lock};
  remember(fd, at, size);
  return real_pwrite(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void* data, size_t size, off_t at) {
  return pwrite(fd, data, size, at);
}

ssize_t write(int fd, const void* data, size_t size) {
  std::lock_guard guard{lock};
  if (getenv("MUSTER_SLOW_SYNC_FOLDER") != nullptr && !undo_path(fd).empty())
    remember(fd, lseek(fd, 0, SEEK_CUR), size);
  return real_write(fd, data, size);
}

int ftruncate(int fd, off_t size) {
  std::lock_guard guard{lock};
  struct stat before {};
  if (fstat(fd, &before) == 0 && before.st_size > size)
    remember(fd, size, static_cast<size_t>(before.st_size - size));
  else
    remember(fd, before.st_size, 0);
  return real<truncate_t>("ftruncate")(fd, size);
}

int ftruncate64(int fd, off_t size) {
  return ftruncate(fd, size);
}

int fsync(int fd) {
  return slow_sync(fd, "fsync");
}

int fdatasync(int fd) {
  return slow_sync(fd, "fdatasync");
}

} // extern "C"
