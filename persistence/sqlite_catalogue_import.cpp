// What imports and new partitions change in the catalogue, all or nothing.
#include "messages/limits.hpp"
#include "persistence/sqlite_catalogue.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <set>
#include <unordered_set>

namespace muster {

namespace {

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

} // namespace

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

// -- changes ------------------------------------------------------------------

result<catalogue_collection> sqlite_catalogue::register_import(const catalogue_import& what) {
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

result<unit> sqlite_catalogue::register_imports(const std::vector<catalogue_import>& all) {
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

result<catalogue_partition> sqlite_catalogue::create_partition(collection_id collection, const std::string& name,
                                                               partition_id id) {
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
  if (auto made = make_partition(*into, id, name); !made)
    return made.error();
  if (!change.commit())
    return commit_error("creating a partition in");
  return catalogue_partition{id, collection, name};
}

// -- parts of an import, inside its transaction -----------------------------------

result<catalogue_collection> sqlite_catalogue::add_import(const catalogue_import& what) {
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
  auto segments = what.segments;
  for (auto& segment : segments)
    segment.partition = *partition;
  if (auto added = add_segments(*collection, tried, segments); !added)
    return added.error();
  return collection;
}

result<catalogue_collection> sqlite_catalogue::match_for_append(const catalogue_collection& what) {
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

result<catalogue_collection> sqlite_catalogue::create_collection(const catalogue_import& import) {
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
  auto failed = [this] { return db_.error("creating a collection in"); };
  auto id = what.id.value;
  if (auto database = find_database(what.database); !database)
    return failure{database.error().code, tried + database.error().text};
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
  if (auto made = make_partition(what, import.default_partition, default_partition_name); !made)
    return made.error();
  return what;
}

result<std::optional<partition_id>> sqlite_catalogue::find_partition(collection_id collection, std::string_view name) {
  auto row = db_.prepare("SELECT id FROM partitions WHERE collection = ? AND name = ?");
  row.integer(collection.value).text(name);
  if (row.next())
    return std::optional{partition_id{row.integer_at(0)}};
  if (!row.ok())
    return db_.error("reading the partitions of");
  return std::optional<partition_id>{};
}

result<partition_id> sqlite_catalogue::find_or_create_partition(const catalogue_collection& collection,
                                                                const catalogue_import& what) {
  auto there = find_partition(collection.id, what.partition_name);
  if (!there)
    return there.error();
  return *there ? result<partition_id>{**there} : make_partition(collection, what.partition, what.partition_name);
}

result<partition_id> sqlite_catalogue::make_partition(const catalogue_collection& collection, partition_id id,
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

result<unit> sqlite_catalogue::add_segments(const catalogue_collection& into, const std::string& tried_all,
                                            const std::vector<catalogue_segment>& segments) {
  totals sum;
  auto row = db_.prepare("INSERT INTO segments(id, collection, partition, shard, rows, bytes, file, index_kind) "
                         "VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  for (const auto& segment : segments) {
    auto tried = tried_all + "segment " + to_string(segment.id);
    auto channel = std::find(into.channels.begin(), into.channels.end(), segment.channel);
    if (channel == into.channels.end())
      return invalid(tried + " is of the channel '" + segment.channel
                     + "', which the collection does not have; use one of its " + std::to_string(into.channels.size()));
    row.integer(segment.id.value).integer(into.id.value).integer(segment.partition.value);
    row.integer(channel - into.channels.begin()).integer(segment.rows).integer(segment.bytes).text(segment.file);
    if (!row.integer(static_cast<std::int64_t>(segment.index)).run()) {
      if (row.code() == SQLITE_CONSTRAINT)
        return invalid(tried + " is already in the catalogue; allocate a new id");
      return db_.error("adding segments to");
    }
    sum.rows += segment.rows;
    sum.bytes += segment.bytes;
  }
  if (!add_to_totals(into.id, sum.rows, static_cast<std::int64_t>(segments.size()), sum.bytes))
    return db_.error("adding segments to");
  return unit{};
}

} // namespace muster
