// Writes segments so that a crash leaves all or nothing, and reads them so that no damaged byte is ever searched.
#include "persistence/segment_file.hpp"

#include "messages/limits.hpp"
#include "persistence/segment_format.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace muster {

using namespace segment_format;

namespace {

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
                                        metric_kind metric, std::uint32_t dimension, const segment_rows& rows,
                                        std::optional<index_kind> index) {
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
  bool indexed = index ? *index == index_kind::hnsw : rows.ids.size() >= limits::hnsw_rows;

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
  segment_header header;
  if (auto why = read_checked_header(file, path, header))
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
