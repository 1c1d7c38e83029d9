// The files of one segment: `<id>.segment` with ids, vectors and names, and for larger ones `<id>.hnsw`, its index,
// beside it.
#pragma once

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "persistence/catalogue.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// The rows of a segment that is to be written.
struct segment_rows {
  std::vector<std::int64_t> ids;
  std::vector<float> vectors;     ///< As imported, row by row: ids.size() * dimension values.
  std::vector<std::string> names; ///< Empty, or one a row.
};

/// A segment as read from its files, every byte of them verified.
struct segment_contents {
  segment_id id;
  metric_kind metric = metric_kind::l2;
  index_kind index = index_kind::brute_force;
  std::uint32_t dimension = 0;
  std::vector<std::int64_t> ids;
  std::vector<float> vectors;              ///< As imported (not normalised), row by row.
  std::vector<std::uint64_t> name_offsets; ///< Empty without names, else rows + 1 positions in name_bytes.
  std::string name_bytes;
  std::string index_path; ///< For opening; empty under brute_force.
  std::int64_t index_bytes = 0;

  std::size_t rows() const {
    return ids.size();
  }

  std::span<const float> vector(std::size_t row) const {
    return std::span<const float>(vectors).subspan(row * dimension, dimension);
  }

  /// Empty when the segment has no names.
  std::string_view name(std::size_t row) const {
    if (name_offsets.empty())
      return {};
    return std::string_view(name_bytes).substr(name_offsets[row], name_offsets[row + 1] - name_offsets[row]);
  }
};

/// A row that cannot be stored under a metric.
struct unusable_row {
  std::size_t row = 0; ///< From 0.
  std::string why;
};

/// Writes the files of a segment below `store`/`relative_folder` (made when absent), the index first, each under a
/// temporary name (`.tmp` behind it), synced and then renamed: a reader sees both files whole or no `.segment`. From
/// limits::hnsw_rows rows on, or as `index` says, builds the index on the calling thread; equal rows give equal files. Fills id, rows,
/// bytes, file and index of the answer. An id is written once: a failure takes files of that id with it.
/// parameter_invalid (1 to limits::segment_rows rows, sizes that do not fit each other, unusable rows, a path that
/// leaves the store), io_failed; after a failure nothing is left.
result<catalogue_segment> write_segment(const std::string& store, const std::string& relative_folder, segment_id id,
                                        metric_kind metric, std::uint32_t dimension, const segment_rows& rows,
                                        std::optional<index_kind> index = std::nullopt);

/// Reads `store`/`file` and verifies it and its index file. file_not_found, io_corrupt, newer_version, io_failed,
/// parameter_invalid (a path that leaves the store); the text names the file and what to do.
result<segment_contents> read_segment(const std::string& store, const std::string& file);

/// What the header of a segment's file says.
struct segment_files {
  segment_id id;
  std::int64_t rows = 0;
  index_kind index = index_kind::brute_force;
  std::int64_t bytes = 0;       ///< Of the segment's own file.
  std::int64_t index_bytes = 0; ///< Of its index file; 0: none.
};

/// Reads the header of `store`/`file`. Fails as read_segment.
result<segment_files> describe_segment(const std::string& store, const std::string& file);

/// Builds the index of a segment that has none, on the calling thread, as write_segment would have; one that has it stays as it is.
/// Fails as read_segment and write_segment; then it is as it was.
result<segment_files> add_index(const std::string& store, const std::string& file);

/// The segment has no index any more, and its index file is deleted; also one that nobody names. Fails as read_segment, and io_failed.
result<segment_files> drop_index(const std::string& store, const std::string& file);

/// Deletes `store`/`file` and the index file beside it; absent ones are no failure. io_failed, parameter_invalid.
result<unit> remove_segment(const std::string& store, const std::string& file);

// -- implemented beside the engine, which knows the metrics and alone sees hnswlib ---

/// The first row with a NaN or infinite value, or under cosine with only zeros. `vectors` is whole rows.
std::optional<unusable_row> find_unusable_row(metric_kind metric, std::uint32_t dimension,
                                              std::span<const float> vectors);

/// Builds the index over `vectors` (normalised here under cosine) with one thread and a fixed seed, and writes it to
/// `path`, not synced. io_failed.
result<unit> write_hnsw_index(const std::string& path, metric_kind metric, std::uint32_t dimension,
                              std::span<const float> vectors);

} // namespace muster
