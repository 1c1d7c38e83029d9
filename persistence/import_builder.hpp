// What `muster import` does before it registers anything: checks all input, then cuts it into segments and writes their
// files.
#pragma once

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "persistence/catalogue.hpp"
#include "persistence/npy.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace muster {

/// Bytes of one row's name; a longer one is refused by prepare_import.
inline constexpr std::size_t import_name_bytes = 65'536;

/// What a user asks to import.
struct import_plan {
  std::string vectors_path; ///< A .npy matrix, one row a vector; see read_npy_floats.
  /// Text, one line a row, none empty; the last newline may be missing, "\r\n" is read too.
  std::optional<std::string> names_path;
  metric_kind metric = metric_kind::l2;
  std::size_t shards = 1;        ///< 1 to limits::shards.
  std::size_t segment_rows = 0;  ///< Rows of each segment but the last; 1 to limits::segment_rows.
  std::int64_t first_row_id = 0; ///< Row i gets the id first_row_id + i; not negative.
};

/// A checked import, all of it in memory.
struct prepared_import {
  import_plan plan;
  npy_matrix<float> vectors;
  std::vector<std::string> names; ///< Empty, or one a row.

  std::uint32_t dimension() const {
    return static_cast<std::uint32_t>(vectors.columns);
  }

  /// How many segment ids build_segments needs.
  std::size_t segment_count() const {
    return (vectors.rows + plan.segment_rows - 1) / plan.segment_rows;
  }
};

/// Called after each written segment with the segments done and their total.
using import_progress = std::function<void(std::size_t done, std::size_t total)>;

/// Reads and checks everything, so that build_segments can only fail on the disk. parameter_invalid with the file and
/// row, and what read_npy_floats fails with; at most limits::import_segments segments.
result<prepared_import> prepare_import(const import_plan& plan);

/// Writes segment i, rows [i * segment_rows, (i + 1) * segment_rows), below `store`/`folder` with the id `ids[i]` for
/// the channel `channels[i % shards]`. Needs one id a segment and one channel a shard (else parameter_invalid). Fills
/// all of a catalogue_segment but collection and partition. After a failure (see write_segment) no file of this import
/// is left.
result<std::vector<catalogue_segment>> build_segments(const prepared_import& what, const std::string& store,
                                                      const std::string& folder, std::span<const segment_id> ids,
                                                      std::span<const std::string> channels,
                                                      const import_progress& progress);

} // namespace muster
