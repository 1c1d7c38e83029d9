// The bytes of a segment's files and what reads, writes and names them; for the code of segment files alone.
#pragma once

#include "messages/result.hpp"
#include "persistence/catalogue.hpp"
#include "persistence/checksum.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <type_traits>
#include <unistd.h>
#include <vector>

namespace muster::segment_format {

static_assert(std::endian::native == std::endian::little, "segment files are little-endian");

// -- format -------------------------------------------------------------------

constexpr std::array<char, 8> segment_magic{'M', 'S', 'T', 'R', 'S', 'E', 'G', '\0'};
constexpr std::uint32_t segment_version = 1;

// Frozen over all versions, so that a newer file is told from a damaged one.
struct segment_prologue {
  std::array<char, 8> magic = segment_magic;
  std::uint32_t version = segment_version;
  std::uint32_t header_bytes = 0;
  std::uint64_t checksum = 0; ///< Of what stands before it.
};
static_assert(sizeof(segment_prologue) == 24 && std::is_trivially_copyable_v<segment_prologue>);

// Version 1. Behind it stand ids, vectors and names without a gap.
struct segment_header {
  std::int64_t id = 0;
  std::uint64_t rows = 0;
  std::uint32_t dimension = 0;
  std::uint8_t metric = 0;
  std::uint8_t index = 0;
  std::uint8_t has_names = 0;
  std::uint8_t unused = 0;
  std::uint64_t ids_bytes = 0;
  std::uint64_t ids_checksum = 0;
  std::uint64_t vectors_bytes = 0;
  std::uint64_t vectors_checksum = 0;
  std::uint64_t names_bytes = 0; ///< (rows + 1) offsets of 64 bits, then the text; 0 without names.
  std::uint64_t names_checksum = 0;
  std::array<char, 32> index_file{}; ///< Name of the index file in the same folder, filled up with zeros.
  std::uint64_t index_bytes = 0;
  std::uint64_t index_checksum = 0; ///< Chained over blocks of index_block bytes.
  std::uint64_t checksum = 0;       ///< Of what stands before it.
};
static_assert(sizeof(segment_header) == 128 && std::is_trivially_copyable_v<segment_header>);

constexpr std::size_t index_block = 1u << 20;

template <class T>
std::uint64_t own_checksum(const T& x) {
  return checksum64(&x, sizeof x - sizeof x.checksum);
}

// -- files --------------------------------------------------------------------

// An owned file descriptor.
class descriptor {
public:
  descriptor(const std::string& path, int flags) : fd_(open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    // nop
  }

  descriptor(const descriptor&) = delete;

  ~descriptor() {
    if (fd_ >= 0)
      close(fd_);
  }

  explicit operator bool() const {
    return fd_ >= 0;
  }

  bool write_all(const void* data, std::size_t size) {
    auto at = static_cast<const char*>(data);
    while (size > 0) {
      auto n = write(fd_, at, size);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return false;
      at += n;
      size -= static_cast<std::size_t>(n);
    }
    return true;
  }

  // Fewer than `size` bytes only at the end of the file; -1 on failure.
  std::int64_t read_up_to(void* data, std::size_t size) {
    auto at = static_cast<char*>(data);
    std::size_t got = 0;
    while (got < size) {
      auto n = read(fd_, at + got, size - got);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return -1;
      if (n == 0)
        break;
      got += static_cast<std::size_t>(n);
    }
    return static_cast<std::int64_t>(got);
  }

  bool sync() {
    return fsync(fd_) == 0;
  }

  // -1 on failure.
  std::int64_t size() const {
    struct stat found = {};
    return fstat(fd_, &found) == 0 ? static_cast<std::int64_t>(found.st_size) : -1;
  }

private:
  int fd_;
};

// A file that is removed, under whatever name it has by then, unless it was kept.
class pending_file {
public:
  explicit pending_file(std::string path) : path_(std::move(path)) {
    // nop
  }

  pending_file(const pending_file&) = delete;

  ~pending_file() {
    if (!path_.empty())
      unlink(path_.c_str());
  }

  const std::string& path() const {
    return path_;
  }

  bool move_to(const std::string& path) {
    if (rename(path_.c_str(), path.c_str()) != 0)
      return false;
    path_ = path;
    return true;
  }

  void keep() {
    path_.clear();
  }

private:
  std::string path_;
};

struct file_sum {
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;
};

failure write_failure(const std::string& path);
failure read_failure(const std::string& path);
failure corrupt(const std::string& path, const std::string& what);
failure open_failure(const std::string& path);
failure leaves_store(const std::string& relative);
std::string errno_text();

bool stays_below(const std::string& relative);

// Syncs the folder `store`/`relative` and, because it may be new, those above it up to the store.
bool sync_folders(const std::string& store, const std::filesystem::path& relative);

result<file_sum> sum_file(const std::string& path);

/// Builds an index file and syncs it.
result<file_sum> write_index(const std::string& path, metric_kind metric, std::uint32_t dimension,
                             const std::vector<float>& vectors);

// Reads exactly `size` bytes; the size of the file was checked, so fewer mean that it changed meanwhile.
std::optional<failure> read_exactly(descriptor& file, const std::string& path, void* data, std::size_t size);

/// Reads the header and checks all that it says of itself; the file stands behind it then.
std::optional<failure> read_checked_header(descriptor& file, const std::string& path, segment_header& header);

} // namespace muster::segment_format
