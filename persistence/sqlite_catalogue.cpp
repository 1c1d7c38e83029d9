// The built-in data catalogue on SQLite: relational tables, running totals in the collection's row.
#include "messages/limits.hpp"
#include "persistence/catalogue.hpp"
#include "persistence/sqlite.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <unordered_set>

namespace muster {

namespace {

// "MstC". Numbers and tables of a version are frozen; a change is a new version with a migration.
constexpr sqlite::file_format catalogue_format{"catalogue", 0x4d737443, 1, R"(
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
)"};

constexpr auto collection_columns
  = "SELECT id, database, name, metric, dimension, has_names, created_at_ms FROM collections ";
constexpr auto default_partition_name = "_default";

failure invalid(std::string text) {
  return {ec::parameter_invalid, std::move(text)};
}

std::string tried_import(const catalogue_collection& into) {
  return "importing into " + into.database + "." + into.name + ": ";
}

// What is wrong with the parts of an import that need no look into the catalogue; empty when nothing is.
std::string flaw_of_collection(const catalogue_collection& what) {
  if (!what.id)
    return "the collection has no id; allocate one";
  if (what.database.empty() || what.name.empty())
    return "database and collection need names; name both";
  if (to_string(what.metric) == "unknown")
    return "there is no such metric; name l2, cosine or ip";
  if (what.dimension == 0 || what.dimension > limits::dimensions)
    return "vectors have " + std::to_string(what.dimension) + " dimensions; 1 to " + std::to_string(limits::dimensions)
           + " can be used";
  return {};
}

std::string flaw_of_channels(const std::vector<std::string>& channels) {
  if (channels.empty() || channels.size() > limits::shards)
    return std::to_string(channels.size()) + " shards; 1 to " + std::to_string(limits::shards) + " can be used";
  if (std::set<std::string_view>{channels.begin(), channels.end()}.size() != channels.size())
    return "a channel is named twice; give each shard its own";
  if (std::find(channels.begin(), channels.end(), "") != channels.end())
    return "a channel has no name; name each shard's";
  return {};
}

std::string flaw_of_segments(const std::vector<catalogue_segment>& segments) {
  if (segments.size() > limits::import_segments)
    return std::to_string(segments.size()) + " segments are more than the " + std::to_string(limits::import_segments)
           + " of one import; import a part first and append the rest";
  std::unordered_set<segment_id> seen;
  for (const auto& segment : segments) {
    auto name = "segment " + to_string(segment.id);
    if (!segment.id || !seen.insert(segment.id).second)
      return name + " has no id of its own; allocate one for each";
    if (segment.rows < 0 || segment.rows > static_cast<std::int64_t>(limits::segment_rows) || segment.bytes < 0)
      return name + " has " + std::to_string(segment.rows) + " rows in " + std::to_string(segment.bytes)
             + " bytes; at most " + std::to_string(limits::segment_rows) + " rows can be used, split it";
    if (segment.file.empty())
      return name + " has no file; write it first";
    if (to_string(segment.index) == "unknown")
      return name + " has an unknown kind of index; use brute_force or hnsw";
  }
  return {};
}

class sqlite_catalogue : public catalogue {
public:
  explicit sqlite_catalogue(sqlite::database db) : db_(std::move(db)) {
    // nop
  }

  // -- changes ------------------------------------------------------------------

  result<catalogue_collection> register_import(const catalogue_import& what) override {
    auto change = sqlite::transaction{db_};
    if (!change.begun())
      return db_.error("importing into");
    auto collection = add_import(what);
    if (!collection)
      return collection.error();
    if (!change.commit())
      return commit_error("importing into");
    return collection;
  }

  result<unit> register_imports(const std::vector<catalogue_import>& all) override {
    auto change = sqlite::transaction{db_};
    if (!change.begun())
      return db_.error("importing into");
    for (const auto& what : all)
      if (auto collection = add_import(what); !collection)
        return collection.error();
    if (!change.commit())
      return commit_error("importing into");
    return unit{};
  }

  result<std::vector<std::string>> drop_collection(collection_id id) override {
    auto change = sqlite::transaction{db_};
    if (!change.begun())
      return db_.error("dropping a collection from");
    if (auto there = find(id); !there)
      return there.error();
    std::vector<std::string> files;
    {
      auto row = db_.prepare("SELECT file FROM segments WHERE collection = ? ORDER BY id");
      row.integer(id.value);
      while (row.next())
        files.push_back(row.bytes_at(0));
      if (!row.ok())
        return db_.error("dropping a collection from");
    }
    for (auto table : {"segments", "partitions", "channels", "fields", "properties"}) {
      if (!db_.prepare("DELETE FROM " + std::string{table} + " WHERE collection = ?").integer(id.value).run())
        return db_.error("dropping a collection from");
    }
    if (!db_.prepare("DELETE FROM collections WHERE id = ?").integer(id.value).run())
      return db_.error("dropping a collection from");
    if (!change.commit())
      return commit_error("dropping a collection from");
    return files;
  }

  result<catalogue_partition> create_partition(collection_id collection, const std::string& name, partition_id id) override {
    if (name.empty())
      return failure{ec::parameter_missing, "creating a partition: it has no name; name it"};
    auto change = sqlite::transaction{db_};
    if (!change.begun())
      return db_.error("creating a partition in");
    auto into = find(collection);
    if (!into)
      return into.error();
    auto there = find_partition(collection, name);
    if (!there)
      return there.error();
    if (*there)
      return catalogue_partition{**there, collection, name};
    if (auto made = create_partition(*into, id, name); !made)
      return made.error();
    if (!change.commit())
      return commit_error("creating a partition in");
    return catalogue_partition{id, collection, name};
  }

  result<std::vector<std::string>> drop_partition(collection_id collection, std::string_view name) override {
    if (name == default_partition_name)
      return invalid("dropping the partition " + std::string{name} + ": every collection has it; drop the collection instead");
    auto change = sqlite::transaction{db_};
    if (!change.begun())
      return db_.error("dropping a partition from");
    auto from = find(collection);
    if (!from)
      return from.error();
    auto there = find_partition(collection, name);
    if (!there)
      return there.error();
    if (!*there)
      return failure{ec::partition_not_found, "dropping the partition " + std::string{name} + ": collection " + from->name
                                                + " has no such partition; see `muster collections`"};
    const auto id = (*there)->value;
    std::vector<std::string> files;
    totals sum;
    {
      auto row = db_.prepare("SELECT file, rows, bytes FROM segments WHERE collection = ? AND partition = ? ORDER BY id");
      row.integer(collection.value).integer(id);
      while (row.next()) {
        files.push_back(row.bytes_at(0));
        sum.rows += row.integer_at(1);
        sum.bytes += row.integer_at(2);
      }
      if (!row.ok())
        return db_.error("dropping a partition from");
    }
    auto take = db_.prepare("UPDATE collections SET total_rows = total_rows - ?, total_segments = total_segments - ?, "
                            "total_bytes = total_bytes - ? WHERE id = ?");
    take.integer(sum.rows).integer(static_cast<std::int64_t>(files.size())).integer(sum.bytes).integer(collection.value);
    if (!take.run()
        || !db_.prepare("DELETE FROM segments WHERE collection = ? AND partition = ?").integer(collection.value).integer(id).run()
        || !db_.prepare("DELETE FROM partitions WHERE id = ?").integer(id).run())
      return db_.error("dropping a partition from");
    if (!change.commit())
      return commit_error("dropping a partition from");
    return files;
  }

  // -- reading --------------------------------------------------------------------

  result<catalogue_collection> find(std::string_view database, std::string_view name) override {
    auto row = db_.prepare(std::string{collection_columns} + "WHERE database = ? AND name = ?");
    row.text(database).text(name);
    if (row.next())
      return read_collection(row);
    if (!row.ok())
      return db_.error("reading a collection of");
    return failure{ec::collection_not_found, "looking up " + std::string{database} + "." + std::string{name}
                                               + ": there is no such collection; see `muster collections`"};
  }

  result<catalogue_collection> find(collection_id id) override {
    auto row = db_.prepare(std::string{collection_columns} + "WHERE id = ?");
    row.integer(id.value);
    if (row.next())
      return read_collection(row);
    return row.ok() ? not_found(id) : db_.error("reading a collection of");
  }

  result<std::vector<catalogue_collection>> list() override {
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

  result<std::vector<catalogue_partition>> partitions(collection_id id) override {
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

  result<segment_page> segments(collection_id id, segment_id after) override {
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

  result<totals> totals_of(collection_id id) override {
    auto row = db_.prepare("SELECT total_rows, total_segments, total_bytes FROM collections WHERE id = ?");
    row.integer(id.value);
    if (row.next())
      return totals{row.integer_at(0), row.integer_at(1), row.integer_at(2)};
    return row.ok() ? not_found(id) : db_.error("reading the totals of");
  }

private:
  // -- parts of an import, inside its transaction -----------------------------------

  result<catalogue_collection> add_import(const catalogue_import& what) {
    auto tried = tried_import(what.collection);
    for (auto flaw : {flaw_of_collection(what.collection), flaw_of_segments(what.segments)}) {
      if (!flaw.empty())
        return invalid(tried + flaw);
    }
    if (what.partition_name.empty())
      return invalid(tried + "the partition has no name; name one, or leave it at _default");
    auto collection = what.append ? match_for_append(what.collection) : create_collection(what);
    if (!collection)
      return collection.error();
    auto partition = find_or_create_partition(*collection, what);
    if (!partition)
      return partition.error();
    if (auto added = add_segments(*collection, *partition, what.segments); !added)
      return added.error();
    return collection;
  }

  result<catalogue_collection> match_for_append(const catalogue_collection& what) {
    auto found = find(what.database, what.name);
    if (!found)
      return found;
    auto tried = tried_import(what);
    if (found->id != what.id)
      return invalid(tried + "the collection has id " + to_string(found->id) + ", not " + to_string(what.id)
                     + "; it was made anew meanwhile, look it up again");
    if (found->metric != what.metric)
      return invalid(tried + "its metric is " + std::string{to_string(found->metric)} + ", not "
                     + std::string{to_string(what.metric)} + "; append with the same metric");
    if (found->dimension != what.dimension)
      return invalid(tried + "its vectors have " + std::to_string(found->dimension) + " dimensions, not "
                     + std::to_string(what.dimension) + "; append vectors of the same dimension");
    if (what.has_names && !found->has_names) {
      if (!db_.prepare("UPDATE collections SET has_names = 1 WHERE id = ?").integer(what.id.value).run())
        return db_.error("importing into");
      found->has_names = true;
    }
    return found;
  }

  result<catalogue_collection> create_collection(const catalogue_import& import) {
    const auto& what = import.collection;
    auto tried = tried_import(what);
    if (auto flaw = flaw_of_channels(what.channels); !flaw.empty())
      return invalid(tried + flaw);
    if (auto there = find(what.database, what.name); there)
      return failure{ec::collection_already_exists, tried + "it is there already; append, or choose another name"};
    else if (there.error().code != ec::collection_not_found)
      return there;
    if (auto there = find(what.id); there)
      return invalid(tried + "the id " + to_string(what.id) + " belongs to " + there->name + "; allocate a new one");
    auto failed = [this] {
      return db_.error("creating a collection in");
    };
    auto id = what.id.value;
    if (!db_.prepare("INSERT OR IGNORE INTO databases(name) VALUES(?)").text(what.database).run())
      return failed();
    auto row = db_.prepare("INSERT INTO collections(id, database, name, metric, dimension, has_names, created_at_ms) "
                           "VALUES(?, ?, ?, ?, ?, ?, ?)");
    row.integer(id).text(what.database).text(what.name).integer(static_cast<std::int64_t>(what.metric));
    if (!row.integer(what.dimension).integer(what.has_names).integer(what.created_at_ms).run())
      return failed();
    auto property = db_.prepare("INSERT INTO properties(collection, name, value) VALUES(?, ?, ?)");
    for (const auto& [name, value] : what.properties) {
      if (!property.integer(id).text(name).text(value).run())
        return failed();
    }
    auto field = db_.prepare("INSERT INTO fields(collection, position, id, name, type, dimension) "
                             "VALUES(?, ?, ?, ?, ?, ?)");
    for (std::size_t i = 0; i < what.fields.size(); ++i) {
      const auto& [field_id, name, type, dimension] = what.fields[i];
      field.integer(id).integer(static_cast<std::int64_t>(i)).integer(field_id).text(name).text(type);
      if (!field.integer(dimension).run())
        return failed();
    }
    auto channel = db_.prepare("INSERT INTO channels(collection, shard, name) VALUES(?, ?, ?)");
    for (std::size_t i = 0; i < what.channels.size(); ++i) {
      if (!channel.integer(id).integer(static_cast<std::int64_t>(i)).text(what.channels[i]).run())
        return failed();
    }
    if (auto made = create_partition(what, import.default_partition, default_partition_name); !made)
      return made.error();
    return what;
  }

  result<std::optional<partition_id>> find_partition(collection_id collection, std::string_view name) {
    auto row = db_.prepare("SELECT id FROM partitions WHERE collection = ? AND name = ?");
    row.integer(collection.value).text(name);
    if (row.next())
      return std::optional{partition_id{row.integer_at(0)}};
    if (!row.ok())
      return db_.error("reading the partitions of");
    return std::optional<partition_id>{};
  }

  result<partition_id> find_or_create_partition(const catalogue_collection& collection, const catalogue_import& what) {
    auto there = find_partition(collection.id, what.partition_name);
    if (!there)
      return there.error();
    return *there ? result<partition_id>{**there} : create_partition(collection, what.partition, what.partition_name);
  }

  result<partition_id> create_partition(const catalogue_collection& collection, partition_id id,
                                        const std::string& name) {
    auto tried = tried_import(collection) + "the partition " + name;
    if (!id)
      return invalid(tried + " is new and has no id; allocate one");
    auto row = db_.prepare("INSERT INTO partitions(id, collection, name) VALUES(?, ?, ?)");
    row.integer(id.value).integer(collection.id.value).text(name);
    if (row.run())
      return id;
    if (row.code() == SQLITE_CONSTRAINT)
      return invalid(tried + " was given the id " + to_string(id) + " of another one; allocate a new one");
    return db_.error("creating a partition in");
  }

  result<unit> add_segments(const catalogue_collection& into, partition_id partition,
                            const std::vector<catalogue_segment>& segments) {
    totals sum;
    auto row = db_.prepare("INSERT INTO segments(id, collection, partition, shard, rows, bytes, file, index_kind) "
                           "VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    for (const auto& segment : segments) {
      auto tried = tried_import(into) + "segment " + to_string(segment.id);
      auto channel = std::find(into.channels.begin(), into.channels.end(), segment.channel);
      if (channel == into.channels.end())
        return invalid(tried + " is of the channel '" + segment.channel
                       + "', which the collection does not have; use one of its "
                       + std::to_string(into.channels.size()));
      row.integer(segment.id.value).integer(into.id.value).integer(partition.value);
      row.integer(channel - into.channels.begin()).integer(segment.rows).integer(segment.bytes).text(segment.file);
      if (!row.integer(static_cast<std::int64_t>(segment.index)).run()) {
        if (row.code() == SQLITE_CONSTRAINT)
          return invalid(tried + " is already in the catalogue; allocate a new id");
        return db_.error("adding segments to");
      }
      sum.rows += segment.rows;
      sum.bytes += segment.bytes;
    }
    auto add = db_.prepare("UPDATE collections SET total_rows = total_rows + ?, total_segments = total_segments + ?, "
                           "total_bytes = total_bytes + ? WHERE id = ?");
    add.integer(sum.rows).integer(static_cast<std::int64_t>(segments.size())).integer(sum.bytes).integer(into.id.value);
    if (!add.run())
      return db_.error("adding segments to");
    return unit{};
  }

  // A commit that may yet be found on disk must not make anybody delete files.
  failure commit_error(std::string_view tried) const {
    auto out = db_.error(tried);
    if (!sqlite::is_refused_commit(db_.code()))
      out.text += "; the change may be on disk nevertheless, keep its files and look again after a restart";
    return out;
  }

  // -- parts of a read --------------------------------------------------------------

  failure not_found(collection_id id) const {
    return {ec::collection_not_found,
            "looking up collection " + to_string(id) + ": there is no such collection; see `muster collections`"};
  }

  failure damaged(const std::string& what) const {
    return {ec::io_corrupt, "reading " + what + " of " + db_.path()
                              + ": its row has a value that cannot be; check the disk, restore the file from a backup"};
  }

  result<catalogue_collection> read_collection(const sqlite::statement& row) {
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

  result<std::vector<std::string>> channels_of(collection_id id) {
    std::vector<std::string> out;
    auto row = db_.prepare("SELECT name FROM channels WHERE collection = ? ORDER BY shard");
    row.integer(id.value);
    while (row.next())
      out.push_back(row.bytes_at(0));
    if (!row.ok())
      return db_.error("reading the channels of");
    return out;
  }

  sqlite::database db_;
};

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
