// The built-in data catalogue on SQLite, as its parts share it: what is read, what imports do, what else changes.
#pragma once

#include "persistence/catalogue.hpp"
#include "persistence/sqlite.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// Relational tables, running totals in the collection's row.
class sqlite_catalogue : public catalogue {
public:
  explicit sqlite_catalogue(sqlite::database db) : db_(std::move(db)) {
    // nop
  }

  // Imports and what goes with a collection: sqlite_catalogue_import.cpp.
  result<catalogue_collection> register_import(const catalogue_import& what) override;
  result<unit> register_imports(const std::vector<catalogue_import>& all) override;
  result<catalogue_partition> create_partition(collection_id collection, const std::string& name, partition_id id) override;

  // What takes away, and what changes segments: sqlite_catalogue_changes.cpp.
  result<std::vector<std::string>> drop_collection(collection_id id) override;
  result<std::vector<std::string>> drop_partition(collection_id collection, std::string_view name) override;
  result<std::size_t> change_indexes(collection_id collection, const std::vector<indexed_segment>& segments) override;
  result<unit> compact(const catalogue_compaction& what) override;
  result<std::vector<dropped_segment>> dropped(segment_id after) override;
  result<std::vector<dropped_segment>> find_dropped(const std::vector<segment_id>& ids) override;
  result<unit> forget_dropped(const std::vector<segment_id>& ids) override;

  // Databases: sqlite_catalogue_databases.cpp.
  result<unit> create_database(const catalogue_database& what) override;
  result<unit> alter_database(std::string_view name, const std::map<std::string, std::string>& set,
                              const std::vector<std::string>& deleted) override;
  result<unit> drop_database(std::string_view name) override;
  result<catalogue_database> find_database(std::string_view name) override;
  result<std::vector<catalogue_database>> databases() override;

  // Reading: sqlite_catalogue.cpp.
  result<catalogue_collection> find(std::string_view database, std::string_view name) override;
  result<catalogue_collection> find(collection_id id) override;
  result<std::vector<catalogue_collection>> list() override;
  result<std::vector<catalogue_partition>> partitions(collection_id id) override;
  result<segment_page> segments(collection_id id, segment_id after) override;
  result<totals> totals_of(collection_id id) override;

private:
  // Parts of an import, inside its transaction.
  result<catalogue_collection> add_import(const catalogue_import& what);
  result<catalogue_collection> match_for_append(const catalogue_collection& what);
  result<catalogue_collection> create_collection(const catalogue_import& import);
  result<std::optional<partition_id>> find_partition(collection_id collection, std::string_view name);
  result<partition_id> find_or_create_partition(const catalogue_collection& collection, const catalogue_import& what);
  result<partition_id> make_partition(const catalogue_collection& collection, partition_id id, const std::string& name);
  /// Each has its partition filled in.
  result<unit> add_segments(const catalogue_collection& into, const std::string& tried,
                            const std::vector<catalogue_segment>& segments);

  // Parts of other changes, inside their transactions.
  result<catalogue_segment> find_segment(const catalogue_collection& of, segment_id id);
  result<unit> write_properties(std::string_view database, const std::map<std::string, std::string>& set);
  bool add_to_totals(collection_id id, std::int64_t rows, std::int64_t segments, std::int64_t bytes);

  // Parts of a read.
  failure commit_error(std::string_view tried) const;
  failure not_found(collection_id id) const;
  failure damaged(const std::string& what) const;
  result<catalogue_collection> read_collection(const sqlite::statement& row);
  result<catalogue_database> read_database(const sqlite::statement& row);
  result<std::vector<std::string>> channels_of(collection_id id);

  sqlite::database db_;
};

/// What is wrong with new segments that needs no look into the catalogue; empty when nothing is.
std::string flaw_of_segments(const std::vector<catalogue_segment>& segments);

} // namespace muster
