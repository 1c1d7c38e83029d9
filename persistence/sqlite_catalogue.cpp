// The built-in data catalogue on SQLite: its tables and what is read from them.
#include "persistence/sqlite_catalogue.hpp"

#include "messages/limits.hpp"

#include <filesystem>

namespace muster {

namespace {

// Numbers and tables of a version are frozen; a change is a new version with an upgrade from the one before.
constexpr auto version_1 = R"(
  CREATE TABLE databases(name TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE collections(id INTEGER PRIMARY KEY, database TEXT NOT NULL REFERENCES databases, name TEXT NOT NULL,
                           metric INTEGER NOT NULL, dimension INTEGER NOT NULL, has_names INTEGER NOT NULL,
                           created_at_ms INTEGER NOT NULL, total_rows INTEGER NOT NULL DEFAULT 0,
                           total_segments INTEGER NOT NULL DEFAULT 0, total_bytes INTEGER NOT NULL DEFAULT 0,
                           UNIQUE(database, name));
  CREATE TABLE properties(collection INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
                          PRIMARY KEY(collection, name)) WITHOUT ROWID;
  CREATE TABLE fields(collection INTEGER NOT NULL, position INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL,
                      type TEXT NOT NULL, dimension INTEGER NOT NULL, PRIMARY KEY(collection, position)) WITHOUT ROWID;
  CREATE TABLE channels(collection INTEGER NOT NULL, shard INTEGER NOT NULL, name TEXT NOT NULL,
                        PRIMARY KEY(collection, shard)) WITHOUT ROWID;
  CREATE TABLE partitions(id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, name TEXT NOT NULL,
                          UNIQUE(collection, name));
  CREATE TABLE segments(id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, partition INTEGER NOT NULL,
                        shard INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, file TEXT NOT NULL,
                        index_kind INTEGER NOT NULL);
  CREATE INDEX segments_of_collection ON segments(collection, id);
)";

// Databases with properties, and segments that are gone but for their files.
constexpr auto version_2 = R"(
  CREATE TABLE database_properties(database TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
                                   PRIMARY KEY(database, name)) WITHOUT ROWID;
  CREATE TABLE dropped_segments(id INTEGER PRIMARY KEY, collection INTEGER NOT NULL, file TEXT NOT NULL);
  CREATE INDEX dropped_of_collection ON dropped_segments(collection);
  INSERT OR IGNORE INTO databases(name) VALUES('default');
)";

constexpr const char* upgrades[] = {version_2};

constexpr sqlite::file_format catalogue_format{"catalogue", 0x4d737443 /* "MstC" */, version_1, upgrades};

constexpr auto collection_columns
  = "SELECT id, database, name, metric, dimension, has_names, created_at_ms FROM collections ";

} // namespace

// -- reading --------------------------------------------------------------------

result<catalogue_collection> sqlite_catalogue::find(std::string_view database, std::string_view name) {
  auto row = db_.prepare(std::string{collection_columns} + "WHERE database = ? AND name = ?");
  row.text(database).text(name);
  if (row.next())
    return read_collection(row);
  if (!row.ok())
    return db_.error("reading a collection of");
  if (auto there = find_database(database); !there)
    return there.error();
  return failure{ec::collection_not_found, "looking up " + qualified_name(database, name)
                                             + ": there is no such collection; see `muster collections`"};
}

result<catalogue_collection> sqlite_catalogue::find(collection_id id) {
  auto row = db_.prepare(std::string{collection_columns} + "WHERE id = ?");
  row.integer(id.value);
  if (row.next())
    return read_collection(row);
  return row.ok() ? not_found(id) : db_.error("reading a collection of");
}

result<std::vector<catalogue_collection>> sqlite_catalogue::list() {
  std::vector<catalogue_collection> out;
  auto row = db_.prepare(std::string{collection_columns} + "ORDER BY name, database");
  while (row.next()) {
    auto collection = read_collection(row);
    if (!collection)
      return collection.error();
    out.push_back(std::move(*collection));
  }
  if (!row.ok())
    return db_.error("listing the collections of");
  return out;
}

result<std::vector<catalogue_partition>> sqlite_catalogue::partitions(collection_id id) {
  if (auto there = totals_of(id); !there)
    return there.error();
  std::vector<catalogue_partition> out;
  auto row = db_.prepare("SELECT id, name FROM partitions WHERE collection = ? ORDER BY id");
  row.integer(id.value);
  while (row.next())
    out.push_back({partition_id{row.integer_at(0)}, id, row.bytes_at(1)});
  if (!row.ok())
    return db_.error("reading the partitions of");
  return out;
}

result<segment_page> sqlite_catalogue::segments(collection_id id, segment_id after) {
  if (auto there = totals_of(id); !there)
    return there.error();
  auto channels = channels_of(id);
  if (!channels)
    return channels.error();
  segment_page out;
  auto row = db_.prepare("SELECT id, partition, shard, rows, bytes, file, index_kind FROM segments "
                         "WHERE collection = ? AND id > ? ORDER BY id LIMIT ?");
  row.integer(id.value).integer(after.value).integer(static_cast<std::int64_t>(limits::catalogue_page_segments) + 1);
  while (row.next()) {
    if (out.segments.size() == limits::catalogue_page_segments) {
      out.next_after = out.segments.back().id;
      return out;
    }
    auto shard = static_cast<std::size_t>(row.integer_at(2));
    auto index = static_cast<index_kind>(row.integer_at(6));
    if (shard >= channels->size() || to_string(index) == "unknown")
      return damaged("segment " + std::to_string(row.integer_at(0)));
    out.segments.push_back({segment_id{row.integer_at(0)}, id, partition_id{row.integer_at(1)}, (*channels)[shard],
                            row.integer_at(3), row.integer_at(4), row.bytes_at(5), index});
  }
  if (!row.ok())
    return db_.error("reading the segments of");
  return out;
}

result<catalogue::totals> sqlite_catalogue::totals_of(collection_id id) {
  auto row = db_.prepare("SELECT total_rows, total_segments, total_bytes FROM collections WHERE id = ?");
  row.integer(id.value);
  if (row.next())
    return totals{row.integer_at(0), row.integer_at(1), row.integer_at(2)};
  return row.ok() ? not_found(id) : db_.error("reading the totals of");
}

// -- parts of a read --------------------------------------------------------------

// A commit that may yet be found on disk must not make anybody delete files.
failure sqlite_catalogue::commit_error(std::string_view tried) const {
  auto out = db_.error(tried);
  if (!sqlite::is_refused_commit(db_.code()))
    out.text += "; the change may be on disk nevertheless, keep its files and look again after a restart";
  return out;
}

failure sqlite_catalogue::not_found(collection_id id) const {
  return {ec::collection_not_found,
          "looking up collection " + to_string(id) + ": there is no such collection; see `muster collections`"};
}

failure sqlite_catalogue::damaged(const std::string& what) const {
  return {ec::io_corrupt, "reading " + what + " of " + db_.path()
                            + ": its row has a value that cannot be; check the disk, restore the file from a backup"};
}

result<catalogue_collection> sqlite_catalogue::read_collection(const sqlite::statement& row) {
  catalogue_collection out;
  out.id = collection_id{row.integer_at(0)};
  out.database = row.bytes_at(1);
  out.name = row.bytes_at(2);
  out.metric = static_cast<metric_kind>(row.integer_at(3));
  out.dimension = static_cast<std::uint32_t>(row.integer_at(4));
  out.has_names = row.integer_at(5) != 0;
  out.created_at_ms = row.integer_at(6);
  if (to_string(out.metric) == "unknown")
    return damaged("collection " + to_string(out.id));
  auto channels = channels_of(out.id);
  if (!channels)
    return channels.error();
  out.channels = std::move(*channels);
  auto field = db_.prepare("SELECT id, name, type, dimension FROM fields WHERE collection = ? ORDER BY position");
  field.integer(out.id.value);
  while (field.next())
    out.fields.push_back({field.integer_at(0), field.bytes_at(1), field.bytes_at(2),
                          static_cast<std::uint32_t>(field.integer_at(3))});
  auto property = db_.prepare("SELECT name, value FROM properties WHERE collection = ?");
  property.integer(out.id.value);
  while (property.next())
    out.properties.emplace(property.bytes_at(0), property.bytes_at(1));
  if (!field.ok() || !property.ok())
    return db_.error("reading a collection of");
  return out;
}

result<std::vector<std::string>> sqlite_catalogue::channels_of(collection_id id) {
  std::vector<std::string> out;
  auto row = db_.prepare("SELECT name FROM channels WHERE collection = ? ORDER BY shard");
  row.integer(id.value);
  while (row.next())
    out.push_back(row.bytes_at(0));
  if (!row.ok())
    return db_.error("reading the channels of");
  return out;
}

// -- opening ------------------------------------------------------------------------

namespace {

result<std::unique_ptr<catalogue>> open_catalogue(const std::string& path) {
  auto db = sqlite::database::open(path, catalogue_format);
  if (!db)
    return db.error();
  return std::unique_ptr<catalogue>{std::make_unique<sqlite_catalogue>(std::move(*db))};
}

} // namespace

result<std::unique_ptr<catalogue>> open_sqlite_catalogue(const std::string& folder) {
  std::error_code wrong;
  std::filesystem::create_directories(folder, wrong);
  if (wrong)
    return failure{ec::io_failed, "creating the folder " + folder + ": " + wrong.message()
                                    + "; check the path and the permissions"};
  return open_catalogue(folder + "/catalogue.db");
}

result<std::unique_ptr<catalogue>> open_memory_catalogue() {
  return open_catalogue(":memory:");
}

} // namespace muster
