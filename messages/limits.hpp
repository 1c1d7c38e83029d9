// Every named limit of Muster, and what happens when it is reached.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace muster::limits {

using std::chrono::milliseconds;

// -- messages -----------------------------------------------------------------

/// A frame on a wire or in the journal; a larger one is refused as malformed_frame and its connection is closed.
inline constexpr std::size_t frame_bytes = 64u << 20;
/// Words a parsed message may be read over its own size; more is an amplification attack: malformed_frame.
inline constexpr std::size_t parse_slack_words = 1024;
/// Depth of pointers in a parsed message; deeper: malformed_frame.
inline constexpr int parse_nesting = 32;

// -- persistence --------------------------------------------------------------

/// Rows in one journal commit; more wait for the next commit.
inline constexpr std::size_t journal_batch_rows = 20'000;
/// Log rows after which the journal folds them into its snapshot.
inline constexpr std::size_t journal_rows_before_snapshot = 50'000;
/// Rows that one fold moves; a fold goes on at the next commit.
inline constexpr std::size_t journal_fold_rows = 5'000;
/// Rows in one page of a replay.
inline constexpr std::size_t journal_page_rows = 2'000;
/// Bytes of one journal row's payload; a larger one is a programming error and refused.
inline constexpr std::size_t journal_payload_bytes = 16u << 20;
/// Segments in one answer of the catalogue; more come in further pages.
inline constexpr std::size_t catalogue_page_segments = 4'000;
/// Segments one import may register at once; a larger import is refused with the advice to append.
inline constexpr std::size_t import_segments = 100'000;
/// Shards of a collection; more are refused.
inline constexpr std::size_t shards = 64;
/// Dimensions of a vector; more are refused.
inline constexpr std::size_t dimensions = 32'768;
/// Rows of a segment; more are refused.
inline constexpr std::size_t segment_rows = 4'000'000;
/// Rows from which a segment gets an HNSW index; below it is searched by brute force.
inline constexpr std::size_t hnsw_rows = 1'000;

} // namespace muster::limits
