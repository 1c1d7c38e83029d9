// Writes segments so that a crash leaves all or nothing, and reads them so that no damaged byte is ever searched.
#include "persistence/segment_file.hpp"

#include "messages/limits.hpp"
#include "persistence/checksum.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <type_traits>
#include <unistd.h>

namespace muster {

namespace {

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

std::string errno_text() {
  return std::generic_category().message(errno);
}

failure write_failure(const std::string& path) {
  return {ec::io_failed, "writing " + path + " failed: " + errno_text() + "; check the disk and import again"};
}

failure read_failure(const std::string& path) {
  return {ec::io_failed, "reading " + path + " failed: " + errno_text() + "; check the disk"};
}

failure corrupt(const std::string& path, const std::string& what) {
  return {ec::io_corrupt, path + " is damaged: " + what
                              + "; restore it from a copy of the store, or drop the collection and "
                                "import it again"};
}

failure open_failure(const std::string& path) {
  if (errno == ENOENT)
    return {ec::file_not_found,
            path
                + " is missing; restore it from a copy of the store, or drop the collection and import it "
                  "again (one of muster import --synthetic has no files, only muster fleet can load it)"};
  return {ec::io_failed, "opening " + path + " failed: " + errno_text() + "; check its permissions and the disk"};
}

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

bool stays_below(const std::string& relative) {
  std::filesystem::path path(relative);
  if (relative.empty() || path.is_absolute() || relative.find('\0') != std::string::npos)
    return false;
  return std::none_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; });
}

failure leaves_store(const std::string& relative) {
  return {ec::parameter_invalid,
          "'" + relative + "' is no path below the store; name it relative to the store and without '..'"};
}

// Syncs the folder `store`/`relative` and, because it may be new, those above it up to the store.
bool sync_folders(const std::string& store, const std::filesystem::path& relative) {
  descriptor folder((std::filesystem::path(store) / relative).string(), O_RDONLY | O_DIRECTORY);
  return folder && folder.sync() && (relative.empty() || sync_folders(store, relative.parent_path()));
}

struct file_sum {
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;
};

result<file_sum> sum_file(const std::string& path) {
  descriptor file(path, O_RDONLY);
  if (!file)
    return open_failure(path);
  file_sum sum;
  std::string block(index_block, '\0');
  for (;;) {
    auto got = file.read_up_to(block.data(), block.size());
    if (got < 0)
      return read_failure(path);
    if (got == 0)
      return sum;
    sum.checksum = checksum64(block.data(), static_cast<std::size_t>(got), sum.checksum);
    sum.bytes += static_cast<std::uint64_t>(got);
  }
}

// -- writing ------------------------------------------------------------------

std::optional<std::string> misfit(segment_id id, metric_kind metric, std::uint32_t dimension,
                                  const segment_rows& rows) {
  auto count = rows.ids.size();
  if (id.value <= 0)
    return "no id; give it a positive one";
  if (count == 0 || count > limits::segment_rows)
    return std::to_string(count) + " rows; give it 1 to " + std::to_string(limits::segment_rows);
  if (dimension == 0 || dimension > limits::dimensions)
    return std::to_string(dimension) + " dimensions; give it 1 to " + std::to_string(limits::dimensions);
  if (rows.vectors.size() != count * dimension)
    return std::to_string(rows.vectors.size()) + " values, which is not " + std::to_string(count) + " rows of "
           + std::to_string(dimension);
  if (!rows.names.empty() && rows.names.size() != count)
    return std::to_string(rows.names.size()) + " names for " + std::to_string(count) + " rows; give each row one";
  if (auto bad = find_unusable_row(metric, dimension, rows.vectors))
    return "an unusable row " + std::to_string(bad->row) + " (from 0): it " + bad->why;
  return std::nullopt;
}

std::string names_section(const std::vector<std::string>& names) {
  if (names.empty())
    return {};
  std::vector<std::uint64_t> offsets{0};
  offsets.reserve(names.size() + 1);
  for (auto& name : names)
    offsets.push_back(offsets.back() + name.size());
  std::string section(reinterpret_cast<const char*>(offsets.data()), offsets.size() * sizeof(std::uint64_t));
  section.reserve(section.size() + offsets.back());
  for (auto& name : names)
    section += name;
  return section;
}

result<file_sum> write_index(const std::string& path, metric_kind metric, std::uint32_t dimension,
                             const std::vector<float>& vectors) {
  if (auto built = write_hnsw_index(path, metric, dimension, vectors); !built)
    return built.error();
  descriptor file(path, O_RDONLY);
  if (!file || !file.sync())
    return write_failure(path);
  return sum_file(path);
}

bool write_sections(const std::string& path, const segment_header& header, const segment_rows& rows,
                    const std::string& names) {
  segment_prologue prologue;
  prologue.header_bytes = sizeof header;
  prologue.checksum = own_checksum(prologue);
  descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  return file && file.write_all(&prologue, sizeof prologue) && file.write_all(&header, sizeof header)
         && file.write_all(rows.ids.data(), header.ids_bytes)
         && file.write_all(rows.vectors.data(), header.vectors_bytes) && file.write_all(names.data(), names.size())
         && file.sync();
}

// -- reading ------------------------------------------------------------------

// Reads exactly `size` bytes; the size of the file was checked, so fewer mean that it changed meanwhile.
std::optional<failure> read_exactly(descriptor& file, const std::string& path, void* data, std::size_t size) {
  auto got = file.read_up_to(data, size);
  if (got < 0)
    return read_failure(path);
  if (static_cast<std::size_t>(got) != size)
    return corrupt(path, "it ends early");
  return std::nullopt;
}

std::optional<failure> read_header(descriptor& file, const std::string& path, std::uint64_t file_bytes,
                                   segment_header& header) {
  if (file_bytes < sizeof(segment_prologue))
    return corrupt(path, "it has " + std::to_string(file_bytes) + " bytes, too few for a segment");
  segment_prologue prologue;
  if (auto why = read_exactly(file, path, &prologue, sizeof prologue))
    return why;
  if (prologue.magic != segment_magic)
    return corrupt(path, "it does not start like a segment");
  if (prologue.checksum != own_checksum(prologue))
    return corrupt(path, "its first bytes fail their checksum");
  if (prologue.version > segment_version)
    return failure{ec::newer_version, path + " has segment format " + std::to_string(prologue.version)
                                          + ", this Muster reads up to " + std::to_string(segment_version)
                                          + "; use the newer Muster that wrote it"};
  if (prologue.version != segment_version || prologue.header_bytes != sizeof header)
    return corrupt(path, "its header has " + std::to_string(prologue.header_bytes) + " bytes");
  if (file_bytes < sizeof prologue + sizeof header)
    return corrupt(path, "it ends inside its header");
  if (auto why = read_exactly(file, path, &header, sizeof header))
    return why;
  if (header.checksum != own_checksum(header))
    return corrupt(path, "its header fails its checksum");
  return std::nullopt;
}

// A header with a right checksum may still come from a broken writer: nothing is allocated or opened before this.
std::optional<failure> check_header(const std::string& path, std::uint64_t file_bytes, const segment_header& header) {
  auto names_at_least = header.has_names ? (header.rows + 1) * sizeof(std::uint64_t) : 0;
  if (header.rows == 0 || header.rows > limits::segment_rows || header.dimension == 0
      || header.dimension > limits::dimensions || header.ids_bytes != header.rows * sizeof(std::int64_t)
      || header.vectors_bytes != header.rows * header.dimension * sizeof(float) || header.names_bytes < names_at_least
      || (!header.has_names && header.names_bytes > 0))
    return corrupt(path, "its header contradicts itself");
  if (header.metric < 1 || header.metric > 3 || header.index < 1 || header.index > 2)
    return corrupt(path, "its header names an unknown metric or index");
  auto fixed = sizeof(segment_prologue) + sizeof header + header.ids_bytes + header.vectors_bytes;
  if (file_bytes < fixed || file_bytes - fixed != header.names_bytes)
    return corrupt(path, "it has " + std::to_string(file_bytes) + " bytes, its header says "
                             + std::to_string(fixed + header.names_bytes));
  auto& name = header.index_file;
  bool terminated = name.back() == '\0';
  bool plain = std::find(name.begin(), name.end(), '/') == name.end();
  bool indexed = header.index == static_cast<std::uint8_t>(index_kind::hnsw);
  if (!terminated || !plain || indexed != (name.front() != '\0'))
    return corrupt(path, "its header has no usable name of an index file");
  return std::nullopt;
}

std::optional<failure> read_section(descriptor& file, const std::string& path, const char* what, void* data,
                                    std::size_t size, std::uint64_t checksum) {
  if (auto why = read_exactly(file, path, data, size))
    return why;
  if (checksum64(data, size) != checksum)
    return corrupt(path, std::string("its ") + what + " fail their checksum");
  return std::nullopt;
}

std::optional<failure> split_names(const std::string& path, const std::string& section, segment_contents& segment) {
  segment.name_offsets.resize(segment.rows() + 1);
  auto offset_bytes = segment.name_offsets.size() * sizeof(std::uint64_t);
  std::memcpy(segment.name_offsets.data(), section.data(), offset_bytes);
  segment.name_bytes = section.substr(offset_bytes);
  if (segment.name_offsets.front() != 0 || segment.name_offsets.back() != segment.name_bytes.size()
      || !std::is_sorted(segment.name_offsets.begin(), segment.name_offsets.end()))
    return corrupt(path, "its names contradict each other");
  return std::nullopt;
}

std::optional<failure> check_index(const std::string& path, const segment_header& header) {
  auto sum = sum_file(path);
  if (!sum)
    return sum.error();
  if (sum->bytes != header.index_bytes || sum->checksum != header.index_checksum)
    return corrupt(path, "its " + std::to_string(sum->bytes) + " bytes are not those its segment was written with");
  return std::nullopt;
}

} // namespace

// -- interface ----------------------------------------------------------------

result<catalogue_segment> write_segment(const std::string& store, const std::string& relative_folder, segment_id id,
                                        metric_kind metric, std::uint32_t dimension, const segment_rows& rows) {
  if (!stays_below(relative_folder))
    return leaves_store(relative_folder);
  if (auto what = misfit(id, metric, dimension, rows))
    return failure{ec::parameter_invalid, "segment " + to_string(id) + " cannot be written: it has " + *what};
  auto folder = store + "/" + relative_folder;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return failure{ec::io_failed,
                   "making the folder " + folder + " failed: " + error.message() + "; check its permissions"};
  auto path = folder + "/" + to_string(id) + ".segment";
  auto index_name = to_string(id) + ".hnsw";
  bool indexed = rows.ids.size() >= limits::hnsw_rows;

  auto names = names_section(rows.names);
  segment_header header;
  header.id = id.value;
  header.rows = rows.ids.size();
  header.dimension = dimension;
  header.metric = static_cast<std::uint8_t>(metric);
  header.index = static_cast<std::uint8_t>(indexed ? index_kind::hnsw : index_kind::brute_force);
  header.has_names = !rows.names.empty();
  header.ids_bytes = rows.ids.size() * sizeof(std::int64_t);
  header.ids_checksum = checksum64(rows.ids.data(), header.ids_bytes);
  header.vectors_bytes = rows.vectors.size() * sizeof(float);
  header.vectors_checksum = checksum64(rows.vectors.data(), header.vectors_bytes);
  header.names_bytes = names.size();
  header.names_checksum = checksum64(names.data(), names.size());

  pending_file index_file(indexed ? folder + "/" + index_name + ".tmp" : std::string{});
  if (indexed) {
    auto sum = write_index(index_file.path(), metric, dimension, rows.vectors);
    if (!sum)
      return sum.error();
    std::copy(index_name.begin(), index_name.end(), header.index_file.begin());
    header.index_bytes = sum->bytes;
    header.index_checksum = sum->checksum;
  }
  header.checksum = own_checksum(header);

  pending_file file(path + ".tmp");
  if (!write_sections(file.path(), header, rows, names))
    return write_failure(file.path());
  // The index is durable under its name before the segment that needs it gets one.
  if (indexed && (!index_file.move_to(folder + "/" + index_name) || !sync_folders(store, relative_folder)))
    return write_failure(folder + "/" + index_name);
  if (!file.move_to(path) || !sync_folders(store, relative_folder))
    return write_failure(path);
  index_file.keep();
  file.keep();

  catalogue_segment made;
  made.id = id;
  made.rows = static_cast<std::int64_t>(header.rows);
  made.bytes = static_cast<std::int64_t>(sizeof(segment_prologue) + sizeof header + header.ids_bytes
                                         + header.vectors_bytes + header.names_bytes + header.index_bytes);
  made.file = relative_folder + "/" + to_string(id) + ".segment";
  made.index = static_cast<index_kind>(header.index);
  return made;
}

result<segment_contents> read_segment(const std::string& store, const std::string& relative) {
  if (!stays_below(relative))
    return leaves_store(relative);
  auto path = store + "/" + relative;
  descriptor file(path, O_RDONLY);
  if (!file)
    return open_failure(path);
  auto file_bytes = file.size();
  if (file_bytes < 0)
    return read_failure(path);
  segment_header header;
  if (auto why = read_header(file, path, static_cast<std::uint64_t>(file_bytes), header))
    return *why;
  if (auto why = check_header(path, static_cast<std::uint64_t>(file_bytes), header))
    return *why;
  segment_contents segment;
  segment.id = segment_id{header.id};
  segment.metric = static_cast<metric_kind>(header.metric);
  segment.index = static_cast<index_kind>(header.index);
  segment.dimension = header.dimension;
  segment.ids.resize(header.rows);
  if (auto why = read_section(file, path, "ids", segment.ids.data(), header.ids_bytes, header.ids_checksum))
    return *why;
  segment.vectors.resize(header.rows * header.dimension);
  if (auto why =
          read_section(file, path, "vectors", segment.vectors.data(), header.vectors_bytes, header.vectors_checksum))
    return *why;
  std::string names(header.names_bytes, '\0');
  if (auto why = read_section(file, path, "names", names.data(), names.size(), header.names_checksum))
    return *why;
  if (header.has_names)
    if (auto why = split_names(path, names, segment))
      return *why;
  if (segment.index == index_kind::hnsw) {
    segment.index_path = (std::filesystem::path(path).parent_path() / header.index_file.data()).string();
    segment.index_bytes = static_cast<std::int64_t>(header.index_bytes);
    if (auto why = check_index(segment.index_path, header))
      return *why;
  }
  return segment;
}

result<unit> remove_segment(const std::string& store, const std::string& relative) {
  if (!stays_below(relative))
    return leaves_store(relative);
  auto path = std::filesystem::path(store + "/" + relative);
  for (auto extension : {".segment", ".hnsw"})
    if (unlink(path.replace_extension(extension).c_str()) != 0 && errno != ENOENT)
      return failure{ec::io_failed, "deleting " + path.string() + " failed: " + errno_text() + "; delete it by hand"};
  return unit{};
}

} // namespace muster
