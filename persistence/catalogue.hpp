// The built-in data catalogue: which collections, partitions, segments and files exist; what `muster import` fills.
#pragma once

#include "messages/ids.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace muster {

enum class metric_kind : std::uint8_t { l2 = 1, cosine = 2, ip = 3 };
enum class index_kind : std::uint8_t { brute_force = 1, hnsw = 2 };

std::string_view to_string(metric_kind kind);
std::string_view to_string(index_kind kind);
/// parameter_invalid naming the three metrics for anything else.
result<metric_kind> metric_from(std::string_view text);

struct catalogue_field {
  std::int64_t id = 0;
  std::string name;
  std::string type; ///< "int64", "text", "float_vector"
  std::uint32_t dimension = 0; ///< 0 for non-vectors.
};

struct catalogue_collection {
  collection_id id;
  std::string database = "default";
  std::string name;
  metric_kind metric = metric_kind::l2;
  std::uint32_t dimension = 0;
  bool has_names = false; ///< Rows have a text name (imported with --ids).
  std::vector<std::string> channels; ///< One a shard: "<name>-<collection id>-v<shard>".
  std::vector<catalogue_field> fields;
  std::map<std::string, std::string> properties;
  std::int64_t created_at_ms = 0; ///< Unix time.
};

struct catalogue_partition {
  partition_id id;
  collection_id collection;
  std::string name; ///< "_default" is made with the collection.
};

struct catalogue_segment {
  segment_id id;
  collection_id collection;
  partition_id partition;
  std::string channel;
  std::int64_t rows = 0;
  std::int64_t bytes = 0; ///< Of all its files.
  std::string file; ///< Path below the store; index files stand beside it, named in its header.
  index_kind index = index_kind::brute_force;
};

/// One import: the collection (created when new), a partition (created when new), the segments with their files. All or
/// nothing. An append takes the channels, fields and properties that are there; with names, `has_names` is set.
struct catalogue_import {
  catalogue_collection collection; ///< id allocated by the caller; for an append the existing one's id.
  bool append = false; ///< false: the name must be new. true: it must exist with equal metric and dimension.
  std::string partition_name = "_default";
  partition_id partition; ///< allocated by the caller; used only when the partition is new.
  partition_id default_partition; ///< allocated by the caller; used only when the collection is new.
  std::vector<catalogue_segment> segments; ///< `partition` and `collection` are filled in by the catalogue.
};

/// A page of a collection's segments, by id; `next_after` names the last one when there is more.
struct segment_page {
  std::vector<catalogue_segment> segments;
  segment_id next_after;
};

/// The catalogue. Used by one thread at a time; calls block on the disk. Every change is durable when it returns.
class catalogue {
public:
  virtual ~catalogue() = default;

  /// collection_already_exists, collection_not_found, parameter_invalid (metric, dimension, shards over the limit),
  /// io_failed: when its text says that the change may be on disk nevertheless, the files must be kept.
  virtual result<catalogue_collection> register_import(const catalogue_import& what) = 0;
  /// Several of them, all or nothing; the failure is that of the first that cannot be.
  virtual result<unit> register_imports(const std::vector<catalogue_import>& all) = 0;
  /// collection_not_found. The segments' files are the caller's to delete: they are returned.
  virtual result<std::vector<std::string>> drop_collection(collection_id id) = 0;
  /// An empty partition with this new id, or the one of that name that is there already. collection_not_found, parameter_missing.
  virtual result<catalogue_partition> create_partition(collection_id collection, const std::string& name, partition_id id) = 0;
  /// collection_not_found, partition_not_found, parameter_invalid for "_default". The segments' files are returned as above.
  virtual result<std::vector<std::string>> drop_partition(collection_id collection, std::string_view name) = 0;
  virtual result<catalogue_collection> find(std::string_view database, std::string_view name) = 0;
  virtual result<catalogue_collection> find(collection_id id) = 0;
  /// All, by name. Bounded by the number of collections: for `muster collections`, never on a hot path.
  virtual result<std::vector<catalogue_collection>> list() = 0;
  virtual result<std::vector<catalogue_partition>> partitions(collection_id id) = 0;
  /// Segments of a collection with id > `after`, at most limits::catalogue_page_segments.
  virtual result<segment_page> segments(collection_id id, segment_id after) = 0;
  /// Rows and segments of a collection without reading its segments.
  struct totals {
    std::int64_t rows = 0;
    std::int64_t segments = 0;
    std::int64_t bytes = 0;
  };
  virtual result<totals> totals_of(collection_id id) = 0;
};

/// Opens or creates `folder`/catalogue.db (newer_version, io_corrupt, io_failed). The journal's lock guards the folder.
result<std::unique_ptr<catalogue>> open_sqlite_catalogue(const std::string& folder);

/// In memory, the same code on an in-memory database; for tests and benchmarks.
result<std::unique_ptr<catalogue>> open_memory_catalogue();

} // namespace muster
