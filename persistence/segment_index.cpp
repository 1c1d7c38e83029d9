// Gives segments that are there an index, or takes it away: the segment's file is written anew with another header, and
// takes the place of the old one at once, so that whoever opens it sees one or the other.
#include "persistence/segment_file.hpp"
#include "persistence/segment_format.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace muster {

using namespace segment_format;

namespace {

std::filesystem::path folder_of(const std::string& relative) {
  return std::filesystem::path{relative}.parent_path();
}

/// Copies what stands behind the header, behind a new one.
result<unit> rewrite(const std::string& store, const std::string& relative, segment_header header) {
  const auto path = store + "/" + relative;
  descriptor from(path, O_RDONLY);
  if (!from)
    return open_failure(path);
  segment_header old;
  if (auto why = read_checked_header(from, path, old))
    return *why;
  header.checksum = own_checksum(header);
  segment_prologue prologue;
  prologue.header_bytes = sizeof header;
  prologue.checksum = own_checksum(prologue);
  pending_file made(path + ".tmp");
  descriptor to(made.path(), O_WRONLY | O_CREAT | O_TRUNC);
  if (!to || !to.write_all(&prologue, sizeof prologue) || !to.write_all(&header, sizeof header))
    return write_failure(made.path());
  std::string block(index_block, '\0');
  for (;;) {
    const auto got = from.read_up_to(block.data(), block.size());
    if (got < 0)
      return read_failure(path);
    if (got == 0)
      break;
    if (!to.write_all(block.data(), static_cast<std::size_t>(got)))
      return write_failure(made.path());
  }
  if (!to.sync() || !made.move_to(path) || !sync_folders(store, folder_of(relative)))
    return write_failure(path);
  made.keep();
  return unit{};
}

result<segment_header> header_of(const std::string& store, const std::string& relative) {
  if (!stays_below(relative))
    return leaves_store(relative);
  const auto path = store + "/" + relative;
  descriptor file(path, O_RDONLY);
  if (!file)
    return open_failure(path);
  segment_header header;
  if (auto why = read_checked_header(file, path, header))
    return *why;
  return header;
}

segment_files files_of(const segment_header& header) {
  segment_files out;
  out.id = segment_id{header.id};
  out.rows = static_cast<std::int64_t>(header.rows);
  out.index = static_cast<index_kind>(header.index);
  out.bytes = static_cast<std::int64_t>(sizeof(segment_prologue) + sizeof header + header.ids_bytes
                                        + header.vectors_bytes + header.names_bytes);
  out.index_bytes = static_cast<std::int64_t>(header.index_bytes);
  return out;
}

} // namespace

result<segment_files> describe_segment(const std::string& store, const std::string& relative) {
  auto header = header_of(store, relative);
  if (!header)
    return header.error();
  return files_of(*header);
}

result<segment_files> add_index(const std::string& store, const std::string& relative) {
  auto header = header_of(store, relative);
  if (!header)
    return header.error();
  if (header->index == static_cast<std::uint8_t>(index_kind::hnsw))
    return files_of(*header);
  auto contents = read_segment(store, relative);
  if (!contents)
    return contents.error();
  const auto name = to_string(contents->id) + ".hnsw";
  const auto path = store + "/" + (folder_of(relative) / name).string();
  pending_file index(path + ".tmp");
  auto sum = write_index(index.path(), contents->metric, contents->dimension, contents->vectors);
  if (!sum)
    return sum.error();
  header->index = static_cast<std::uint8_t>(index_kind::hnsw);
  std::copy(name.begin(), name.end(), header->index_file.begin());
  header->index_bytes = sum->bytes;
  header->index_checksum = sum->checksum;
  // The index is durable under its name before the segment that names it takes its place.
  if (!index.move_to(path) || !sync_folders(store, folder_of(relative)))
    return write_failure(path);
  if (auto written = rewrite(store, relative, *header); !written)
    return written.error();
  index.keep();
  return files_of(*header);
}

result<segment_files> drop_index(const std::string& store, const std::string& relative) {
  auto header = header_of(store, relative);
  if (!header)
    return header.error();
  if (header->index != static_cast<std::uint8_t>(index_kind::brute_force)) {
    header->index = static_cast<std::uint8_t>(index_kind::brute_force);
    header->index_file = {};
    header->index_bytes = 0;
    header->index_checksum = 0;
    if (auto written = rewrite(store, relative, *header); !written)
      return written.error();
  }
  // Also one that an interrupted drop has left.
  const auto path = std::filesystem::path{store + "/" + relative}.replace_extension(".hnsw");
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return failure{ec::io_failed, "deleting " + path.string() + " failed: " + errno_text() + "; delete it by hand"};
  return files_of(*header);
}

} // namespace muster
