// The databases of the catalogue: their names and properties.
#include "messages/limits.hpp"
#include "persistence/sqlite_catalogue.hpp"

namespace muster {

namespace {

constexpr auto database_columns =
  "SELECT name, (SELECT count(*) FROM collections WHERE database = databases.name) FROM databases ";

failure refuse(std::string_view tried, std::string_view name, const std::string& why) {
  return {ec::parameter_invalid, std::string{tried} + " the database " + std::string{name} + ": " + why};
}

} // namespace

result<unit> sqlite_catalogue::create_database(const catalogue_database& what) {
  constexpr auto tried = "creating a database in";
  if (!is_database_name(what.name))
    return failure{ec::database_invalid_name,
                   "creating a database: \"" + what.name + "\" cannot be its name; use 1 to 255 of A-Z a-z 0-9 . _ -"};
  auto change = sqlite::transaction{db_};
  if (!change.begun())
    return db_.error(tried);
  auto all = databases();
  if (!all)
    return all.error();
  for (const auto& one : *all)
    if (one.name == what.name)
      return refuse("creating", what.name, "it is there already; alter-database changes its properties");
  if (all->size() >= limits::databases)
    return failure{ec::database_num_limit_exceeded, "creating the database " + what.name + ": there are "
                                                      + std::to_string(all->size())
                                                      + " already, as many as there may be; drop one first"};
  if (!db_.prepare("INSERT INTO databases(name) VALUES(?)").text(what.name).run())
    return db_.error(tried);
  if (auto written = write_properties(what.name, what.properties); !written)
    return written.error();
  if (!change.commit())
    return commit_error(tried);
  return unit{};
}

result<unit> sqlite_catalogue::alter_database(std::string_view name, const std::map<std::string, std::string>& set,
                                              const std::vector<std::string>& deleted) {
  constexpr auto tried = "altering a database in";
  auto change = sqlite::transaction{db_};
  if (!change.begun())
    return db_.error(tried);
  if (auto there = find_database(name); !there)
    return there.error();
  if (set.empty() && deleted.empty())
    return failure{ec::parameter_missing,
                   "altering the database " + std::string{name} + ": no property is named; name one"};
  auto take = db_.prepare("DELETE FROM database_properties WHERE database = ? AND name = ?");
  for (const auto& key : deleted)
    if (!take.text(name).text(key).run())
      return db_.error(tried);
  if (auto written = write_properties(name, set); !written)
    return written.error();
  if (!change.commit())
    return commit_error(tried);
  return unit{};
}

result<unit> sqlite_catalogue::drop_database(std::string_view name) {
  constexpr auto tried = "dropping a database from";
  auto change = sqlite::transaction{db_};
  if (!change.begun())
    return db_.error(tried);
  auto there = find_database(name);
  if (!there)
    return there.error();
  if (name == default_database)
    return refuse("dropping", name, "it is always there; drop another one");
  if (there->collections > 0)
    return refuse("dropping", name, "it has " + std::to_string(there->collections) + " collections; drop them first");
  if (!db_.prepare("DELETE FROM database_properties WHERE database = ?").text(name).run()
      || !db_.prepare("DELETE FROM databases WHERE name = ?").text(name).run())
    return db_.error(tried);
  if (!change.commit())
    return commit_error(tried);
  return unit{};
}

result<catalogue_database> sqlite_catalogue::find_database(std::string_view name) {
  auto row = db_.prepare(std::string{database_columns} + "WHERE name = ?");
  row.text(name);
  if (row.next())
    return read_database(row);
  if (!row.ok())
    return db_.error("reading a database of");
  return failure{ec::database_not_found, "looking up the database " + std::string{name}
                                           + ": there is no such database; list-databases shows those there are"};
}

result<std::vector<catalogue_database>> sqlite_catalogue::databases() {
  std::vector<catalogue_database> out;
  auto row = db_.prepare(std::string{database_columns} + "ORDER BY name");
  while (row.next()) {
    auto one = read_database(row);
    if (!one)
      return one.error();
    out.push_back(std::move(*one));
  }
  if (!row.ok())
    return db_.error("listing the databases of");
  return out;
}

result<catalogue_database> sqlite_catalogue::read_database(const sqlite::statement& row) {
  catalogue_database out;
  out.name = row.bytes_at(0);
  out.collections = row.integer_at(1);
  auto property = db_.prepare("SELECT name, value FROM database_properties WHERE database = ?");
  property.text(out.name);
  while (property.next())
    out.properties.emplace(property.bytes_at(0), property.bytes_at(1));
  if (!property.ok())
    return db_.error("reading a database of");
  return out;
}

result<unit> sqlite_catalogue::write_properties(std::string_view database,
                                                const std::map<std::string, std::string>& set) {
  auto put = db_.prepare("INSERT OR REPLACE INTO database_properties(database, name, value) VALUES(?, ?, ?)");
  for (const auto& [key, value] : set) {
    if (key.empty() || key.size() > limits::property_bytes || value.size() > limits::property_bytes)
      return refuse("changing", database,
                    "a property's key or value has " + std::to_string(std::max(key.size(), value.size()))
                      + " bytes; 1 to " + std::to_string(limits::property_bytes) + " can be used");
    if (!put.text(database).text(key).text(value).run())
      return db_.error("changing a database in");
  }
  auto count = db_.prepare("SELECT count(*) FROM database_properties WHERE database = ?");
  count.text(database);
  if (!count.next())
    return db_.error("changing a database in");
  if (count.integer_at(0) > static_cast<std::int64_t>(limits::database_properties))
    return refuse("changing", database,
                  "it would have " + std::to_string(count.integer_at(0)) + " properties; at most "
                    + std::to_string(limits::database_properties) + " can be had");
  return unit{};
}

} // namespace muster
