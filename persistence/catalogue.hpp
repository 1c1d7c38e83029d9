// The built-in data catalogue: which collections, partitions, segments and files exist; what `muster import` fills.
#pragma once

#include "messages/ids.hpp"
#include "messages/result.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

enum class metric_kind : std::uint8_t { l2 = 1, cosine = 2, ip = 3 };
enum class index_kind : std::uint8_t { brute_force = 1, hnsw = 2 };

std::string_view to_string(metric_kind kind);
std::string_view to_string(index_kind kind);
/// parameter_invalid naming the three metrics for anything else.
result<metric_kind> metric_from(std::string_view text);

/// The database of collections that name none; always there.
inline constexpr std::string_view default_database = "default";

/// What requests call a collection: DATABASE/NAME, or NAME in the default database.
std::string qualified_name(std::string_view database, std::string_view name);
/// Database and name of what requests call it.
std::pair<std::string_view, std::string_view> split_name(std::string_view qualified);
/// 1 to 255 of A-Z a-z 0-9 . _ -
bool is_database_name(std::string_view name);

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

/// Other index files of a segment.
struct indexed_segment {
  segment_id id;
  index_kind index = index_kind::brute_force; ///< brute_force: none.
  std::int64_t bytes = 0;                     ///< Of all its files.
};

/// New segments for old ones with the same rows of each partition and channel.
struct catalogue_compaction {
  collection_id collection;
  std::vector<segment_id> replaced;
  std::vector<catalogue_segment> segments; ///< With their partitions; `collection` is filled in.
};

/// A segment that was replaced, and whose files are still there.
struct dropped_segment {
  segment_id id;
  collection_id collection;
  std::string file;
};

struct catalogue_database {
  std::string name;
  std::map<std::string, std::string> properties;
  std::int64_t collections = 0; ///< How many it has.
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

  /// database_not_found, collection_already_exists, collection_not_found, parameter_invalid (metric, dimension, shards over the limit),
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
  /// These segments have other index files from now on, all or none; answers how many had others before. collection_not_found,
  /// parameter_missing (no segment named), segment_not_found.
  virtual result<std::size_t> change_indexes(collection_id collection, const std::vector<indexed_segment>& segments) = 0;
  /// All or nothing. What was replaced is `dropped` until it is forgotten. collection_not_found, parameter_missing (no segment named),
  /// segment_not_found (one to be replaced), parameter_invalid (other rows than before, or segments that cannot be used).
  virtual result<unit> compact(const catalogue_compaction& what) = 0;
  /// Replaced segments with id > `after`, at most limits::catalogue_page_segments; their files are still to be deleted.
  virtual result<std::vector<dropped_segment>> dropped(segment_id after) = 0;
  /// Those of these that are dropped.
  virtual result<std::vector<dropped_segment>> find_dropped(const std::vector<segment_id>& ids) = 0;
  /// Their files are gone.
  virtual result<unit> forget_dropped(const std::vector<segment_id>& ids) = 0;

  /// database_invalid_name, database_num_limit_exceeded, parameter_invalid (it is there already; a property that is too long, or too
  /// many).
  virtual result<unit> create_database(const catalogue_database& what) = 0;
  /// Sets and takes away properties. database_not_found, parameter_missing (nothing to change), parameter_invalid.
  virtual result<unit> alter_database(std::string_view name, const std::map<std::string, std::string>& set,
                                      const std::vector<std::string>& deleted) = 0;
  /// database_not_found, parameter_invalid (the default one, or it has collections).
  virtual result<unit> drop_database(std::string_view name) = 0;
  virtual result<catalogue_database> find_database(std::string_view name) = 0;
  /// All, by name.
  virtual result<std::vector<catalogue_database>> databases() = 0;

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
