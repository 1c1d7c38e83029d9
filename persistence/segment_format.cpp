// How a segment's files are opened, read and told apart from damaged ones.
#include "persistence/segment_format.hpp"

#include "messages/limits.hpp"
#include "persistence/segment_file.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace muster::segment_format {

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

result<file_sum> write_index(const std::string& path, metric_kind metric, std::uint32_t dimension,
                             const std::vector<float>& vectors) {
  if (auto built = write_hnsw_index(path, metric, dimension, vectors); !built)
    return built.error();
  descriptor file(path, O_RDONLY);
  if (!file || !file.sync())
    return write_failure(path);
  return sum_file(path);
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

static std::optional<failure> read_header(descriptor& file, const std::string& path, std::uint64_t file_bytes,
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
static std::optional<failure> check_header(const std::string& path, std::uint64_t file_bytes,
                                           const segment_header& header) {
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

std::optional<failure> read_checked_header(descriptor& file, const std::string& path, segment_header& header) {
  auto file_bytes = file.size();
  if (file_bytes < 0)
    return read_failure(path);
  if (auto why = read_header(file, path, static_cast<std::uint64_t>(file_bytes), header))
    return why;
  return check_header(path, static_cast<std::uint64_t>(file_bytes), header);
}

} // namespace muster::segment_format
