// What takes segments from the catalogue or changes them: drops, indexes, compaction.
#include "messages/limits.hpp"
#include "persistence/sqlite_catalogue.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <unordered_set>

namespace muster {

result<std::vector<std::string>> sqlite_catalogue::drop_collection(collection_id id) {
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
  {
    auto row = db_.prepare("SELECT file FROM dropped_segments WHERE collection = ? ORDER BY id");
    row.integer(id.value);
    while (row.next())
      files.push_back(row.bytes_at(0));
    if (!row.ok())
      return db_.error("dropping a collection from");
  }
  for (auto table : {"segments", "dropped_segments", "partitions", "channels", "fields", "properties"}) {
    if (!db_.prepare("DELETE FROM " + std::string{table} + " WHERE collection = ?").integer(id.value).run())
      return db_.error("dropping a collection from");
  }
  if (!db_.prepare("DELETE FROM collections WHERE id = ?").integer(id.value).run())
    return db_.error("dropping a collection from");
  if (!change.commit())
    return commit_error("dropping a collection from");
  return files;
}

result<std::vector<std::string>> sqlite_catalogue::drop_partition(collection_id collection, std::string_view name) {
  if (name == "_default")
    return failure{ec::parameter_invalid, "dropping the partition " + std::string{name}
                                            + ": every collection has it; drop the collection instead"};
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
  if (!add_to_totals(collection, -sum.rows, -static_cast<std::int64_t>(files.size()), -sum.bytes)
      || !db_.prepare("DELETE FROM segments WHERE collection = ? AND partition = ?")
            .integer(collection.value)
            .integer(id)
            .run()
      || !db_.prepare("DELETE FROM partitions WHERE id = ?").integer(id).run())
    return db_.error("dropping a partition from");
  if (!change.commit())
    return commit_error("dropping a partition from");
  return files;
}

// -- indexes and compaction -----------------------------------------------------

result<catalogue_segment> sqlite_catalogue::find_segment(const catalogue_collection& of, segment_id id) {
  auto row =
    db_.prepare("SELECT partition, shard, rows, bytes, file, index_kind FROM segments WHERE id = ? AND collection = ?");
  row.integer(id.value).integer(of.id.value);
  if (!row.next()) {
    if (!row.ok())
      return db_.error("reading the segments of");
    return failure{ec::segment_not_found, "changing " + qualified_name(of.database, of.name) + ": it has no segment "
                                            + to_string(id) + " (any more); look again with list-segments"};
  }
  const auto shard = static_cast<std::size_t>(row.integer_at(1));
  if (shard >= of.channels.size())
    return damaged("segment " + to_string(id));
  return catalogue_segment{id,
                           of.id,
                           partition_id{row.integer_at(0)},
                           of.channels[shard],
                           row.integer_at(2),
                           row.integer_at(3),
                           row.bytes_at(4),
                           static_cast<index_kind>(row.integer_at(5))};
}

bool sqlite_catalogue::add_to_totals(collection_id id, std::int64_t rows, std::int64_t segments, std::int64_t bytes) {
  auto add = db_.prepare("UPDATE collections SET total_rows = total_rows + ?, total_segments = total_segments + ?, "
                         "total_bytes = total_bytes + ? WHERE id = ?");
  return add.integer(rows).integer(segments).integer(bytes).integer(id.value).run();
}

result<std::size_t> sqlite_catalogue::change_indexes(collection_id collection,
                                                     const std::vector<indexed_segment>& segments) {
  constexpr auto tried = "changing indexes in";
  auto change = sqlite::transaction{db_};
  if (!change.begun())
    return db_.error(tried);
  auto of = find(collection);
  if (!of)
    return of.error();
  if (segments.empty())
    return failure{ec::parameter_missing, "changing indexes of " + qualified_name(of->database, of->name)
                                            + ": no segment is named; name those whose files changed"};
  std::size_t changed = 0;
  std::int64_t grown = 0;
  auto put = db_.prepare("UPDATE segments SET index_kind = ?, bytes = ? WHERE id = ?");
  for (const auto& segment : segments) {
    auto there = find_segment(*of, segment.id);
    if (!there)
      return there.error();
    if (to_string(segment.index) == "unknown" || segment.bytes < 0)
      return failure{ec::parameter_invalid, "changing indexes of " + qualified_name(of->database, of->name)
                                              + ": segment " + to_string(segment.id)
                                              + " has an unknown kind of index, or a size that cannot be"};
    changed += there->index != segment.index ? 1 : 0;
    grown += segment.bytes - there->bytes;
    if (!put.integer(static_cast<std::int64_t>(segment.index)).integer(segment.bytes).integer(segment.id.value).run())
      return db_.error(tried);
  }
  if (!add_to_totals(collection, 0, 0, grown))
    return db_.error(tried);
  if (!change.commit())
    return commit_error(tried);
  return changed;
}

result<unit> sqlite_catalogue::compact(const catalogue_compaction& what) {
  constexpr auto tried = "compacting a collection of";
  auto change = sqlite::transaction{db_};
  if (!change.begun())
    return db_.error(tried);
  auto of = find(what.collection);
  if (!of)
    return of.error();
  const auto name = "compacting " + qualified_name(of->database, of->name) + ": ";
  if (what.replaced.empty() || what.segments.empty())
    return failure{ec::parameter_missing, name + "no segment is named; name old ones and those that take their place"};
  if (what.replaced.size() > limits::import_segments)
    return failure{ec::parameter_invalid, name + std::to_string(what.replaced.size()) + " segments are more than the "
                                            + std::to_string(limits::import_segments)
                                            + " of one request; compact a part first"};
  if (auto flaw = flaw_of_segments(what.segments); !flaw.empty())
    return failure{ec::parameter_invalid, name + flaw};
  std::map<std::pair<std::int64_t, std::string>, std::int64_t>
    missing; // partition, channel -> rows that have no new segment
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::unordered_set<segment_id> seen;
  auto keep = db_.prepare("INSERT INTO dropped_segments(id, collection, file) VALUES(?, ?, ?)");
  auto take = db_.prepare("DELETE FROM segments WHERE id = ?");
  for (auto id : what.replaced) {
    if (!seen.insert(id).second)
      return failure{ec::parameter_invalid, name + "segment " + to_string(id) + " is named twice"};
    auto there = find_segment(*of, id);
    if (!there)
      return there.error();
    missing[{there->partition.value, there->channel}] += there->rows;
    rows += there->rows;
    bytes += there->bytes;
    if (!keep.integer(id.value).integer(of->id.value).text(there->file).run() || !take.integer(id.value).run())
      return db_.error(tried);
  }
  for (const auto& segment : what.segments)
    missing[{segment.partition.value, segment.channel}] -= segment.rows;
  for (const auto& [place, count] : missing)
    if (count != 0)
      return failure{ec::parameter_invalid,
                     name + "channel " + place.second + " of partition " + std::to_string(place.first) + " would have "
                       + std::to_string(std::abs(count)) + (count > 0 ? " rows fewer" : " rows more")
                       + "; new segments must have the rows of those that they replace"};
  if (!add_to_totals(of->id, -rows, -static_cast<std::int64_t>(what.replaced.size()), -bytes))
    return db_.error(tried);
  if (auto added = add_segments(*of, name, what.segments); !added)
    return added.error();
  if (!change.commit())
    return commit_error(tried);
  return unit{};
}

result<std::vector<dropped_segment>> sqlite_catalogue::dropped(segment_id after) {
  std::vector<dropped_segment> out;
  auto row = db_.prepare("SELECT id, collection, file FROM dropped_segments WHERE id > ? ORDER BY id LIMIT ?");
  row.integer(after.value).integer(static_cast<std::int64_t>(limits::catalogue_page_segments));
  while (row.next())
    out.push_back({segment_id{row.integer_at(0)}, collection_id{row.integer_at(1)}, row.bytes_at(2)});
  if (!row.ok())
    return db_.error("reading dropped segments of");
  return out;
}

result<std::vector<dropped_segment>> sqlite_catalogue::find_dropped(const std::vector<segment_id>& ids) {
  std::vector<dropped_segment> out;
  auto row = db_.prepare("SELECT id, collection, file FROM dropped_segments WHERE id = ?");
  for (auto id : ids) {
    row.reset();
    row.integer(id.value);
    if (row.next())
      out.push_back({id, collection_id{row.integer_at(1)}, row.bytes_at(2)});
    if (!row.ok())
      return db_.error("reading dropped segments of");
  }
  return out;
}

result<unit> sqlite_catalogue::forget_dropped(const std::vector<segment_id>& ids) {
  constexpr auto tried = "forgetting dropped segments in";
  auto change = sqlite::transaction{db_};
  if (!change.begun())
    return db_.error(tried);
  auto take = db_.prepare("DELETE FROM dropped_segments WHERE id = ?");
  for (auto id : ids)
    if (!take.integer(id.value).run())
      return db_.error(tried);
  if (!change.commit())
    return commit_error(tried);
  return unit{};
}

} // namespace muster
