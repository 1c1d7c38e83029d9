// What a query node searches: loaded segments by id, behind one interface (hnswlib and brute force in production).
#pragma once

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "messages/search_hit.hpp"
#include "persistence/catalogue.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace muster {

/// What a load needs.
struct segment_source {
  segment_id id;
  collection_id collection;
  std::string file; ///< Path below the store.
  std::int64_t rows = 0; ///< As the catalogue says; a file that says otherwise is refused.
};

/// What a load found.
struct loaded_segment {
  segment_id id;
  std::int64_t rows = 0;
  std::int64_t bytes = 0; ///< Memory held.
  index_kind index = index_kind::brute_force;
  std::uint32_t dimension = 0;
  std::uint64_t indexes = 0; ///< Bit i: the index with id i is loaded; the ids of the built-in catalogue are index kinds.
  std::uint64_t stats = 0;   ///< Bit i: the statistics of field i are loaded.
};

/// The indexes of a segment that has this one in the built-in catalogue; searching every row needs none.
constexpr std::uint64_t indexes_of(index_kind kind) {
  return kind == index_kind::brute_force ? 0 : std::uint64_t{1} << static_cast<unsigned>(kind);
}

/// The segments of one node. Thread-safe: loads and releases by loaders, searches by several readers at once.
class segment_engine {
public:
  virtual ~segment_engine() = default;

  /// Blocks on disk and CPU. Already loaded: the same answer again. file_not_found, io_corrupt, parameter_invalid,
  /// newer_version, io_failed, memory_limit_exceeded.
  virtual result<loaded_segment> load(const segment_source& what) = 0;

  /// Drops a segment; searches that run keep it alive until they end. Unknown: no effect.
  virtual void release(segment_id id) = 0;

  /// Loads (or with `drop` unloads) these indexes of a loaded segment; searches go on meanwhile, without them when they are
  /// dropped. segment_not_loaded; parameter_invalid for an index that it does not have; as load.
  virtual result<loaded_segment> change_indexes(const segment_source& what, std::uint64_t indexes, bool drop);

  /// Loads the statistics of these fields of a loaded segment. segment_not_loaded; parameter_invalid when there are none.
  virtual result<loaded_segment> load_stats(const segment_source& what, std::uint64_t fields);

  /// The k nearest of `query` over all named segments, merged, nearest first. `query.size()` is one vector. segment_not_loaded
  /// when one is absent (never a partial answer), parameter_invalid for a wrong dimension, NaN or a zero vector under cosine.
  virtual result<std::vector<search_hit>> search(std::span<const segment_id> segments, std::span<const float> query,
                                                 std::uint32_t k) = 0;

  /// The rows with that name in the named segments.
  virtual result<std::vector<named_row>> find_by_name(std::span<const segment_id> segments, std::string_view name) = 0;
};

/// The real engine over the files below `store`.
std::unique_ptr<segment_engine> make_file_engine(std::string store);

} // namespace muster
