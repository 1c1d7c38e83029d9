// The contract of the catalogue for what changes after an import: indexes, compaction, databases; and of its older
// files.
#include "messages/limits.hpp"
#include "persistence/catalogue.hpp"
#include "persistence/sqlite.hpp"
#include "tests/unit/faulty_disk.hpp"
#include "tests/unit/temp_folder.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace muster {
namespace {

using texts = std::vector<std::string>;
using properties = std::map<std::string, std::string>;

std::unique_ptr<catalogue> must(result<std::unique_ptr<catalogue>> opened) {
  if (!opened)
    throw std::runtime_error(opened.error().text);
  return std::move(*opened);
}

catalogue_segment segment(std::int64_t id, const std::string& channel, std::int64_t rows, std::int64_t partition = 1) {
  catalogue_segment out;
  out.id = segment_id{id};
  out.partition = partition_id{partition};
  out.channel = channel;
  out.rows = rows;
  out.bytes = 10 * rows;
  out.file = "5/" + std::to_string(id) + ".segment";
  return out;
}

class catalogue_changes : public ::testing::Test {
protected:
  /// Collection 5 "books" with channels a and b: 11 and 12 on a, 13 on b, all in partition 1.
  catalogue_changes() {
    catalogue_import what;
    what.collection.id = books;
    what.collection.name = "books";
    what.collection.dimension = 4;
    what.collection.channels = {"a", "b"};
    what.default_partition = partition_id{1};
    what.segments = {segment(11, "a", 3), segment(12, "a", 4), segment(13, "b", 5)};
    EXPECT_TRUE(subject->register_import(what));
  }

  std::string everything() {
    std::string out;
    const auto page = *subject->segments(books, {});
    for (const auto& s : page.segments)
      out += to_string(s.id) + "/" + s.channel + "/" + std::to_string(s.rows) + "/" + std::to_string(s.bytes) + "/"
             + std::string{to_string(s.index)} + " ";
    const auto sum = *subject->totals_of(books);
    out += std::to_string(sum.segments) + "," + std::to_string(sum.rows) + "," + std::to_string(sum.bytes);
    const auto dropped = *subject->dropped({});
    for (const auto& d : dropped)
      out += " -" + to_string(d.id) + " " + d.file;
    return out;
  }

  template <class T>
  void expect_refused(const result<T>& got, ec code, const std::string& word) {
    ASSERT_FALSE(got) << word;
    EXPECT_EQ(got.error().code, code) << got.error().text;
    EXPECT_NE(got.error().text.find(word), std::string::npos) << got.error().text;
  }

  static constexpr collection_id books{5};
  std::unique_ptr<catalogue> subject = must(open_memory_catalogue());
};

// -- indexes ----------------------------------------------------------------------

TEST_F(catalogue_changes, indexes_of_segments_change_with_their_sizes_and_how_many_did_is_told) {
  EXPECT_EQ(
    *subject->change_indexes(books, {{segment_id{11}, index_kind::hnsw, 100}, {segment_id{13}, index_kind::hnsw, 70}}),
    2u);
  EXPECT_EQ(everything(), "11/a/3/100/hnsw 12/a/4/40/brute_force 13/b/5/70/hnsw 3,12,210");
  EXPECT_EQ(*subject->change_indexes(books, {{segment_id{11}, index_kind::hnsw, 100}}), 0u);
  EXPECT_EQ(*subject->change_indexes(books, {{segment_id{11}, index_kind::brute_force, 30}}), 1u);
  EXPECT_EQ(everything(), "11/a/3/30/brute_force 12/a/4/40/brute_force 13/b/5/70/hnsw 3,12,140");
}

TEST_F(catalogue_changes, indexes_change_for_all_segments_named_or_for_none) {
  const auto before = everything();
  expect_refused(
    subject->change_indexes(books, {{segment_id{11}, index_kind::hnsw, 1}, {segment_id{99}, index_kind::hnsw, 1}}),
    ec::segment_not_found, "99");
  expect_refused(subject->change_indexes(books, {}), ec::parameter_missing, "no segment");
  expect_refused(subject->change_indexes(books, {{segment_id{11}, static_cast<index_kind>(9), 1}}),
                 ec::parameter_invalid, "11");
  expect_refused(subject->change_indexes(collection_id{6}, {{segment_id{11}, index_kind::hnsw, 1}}),
                 ec::collection_not_found, "6");
  EXPECT_EQ(everything(), before);
}

// -- compaction -------------------------------------------------------------------

TEST_F(catalogue_changes, new_segments_take_the_place_of_old_ones_whose_files_are_remembered_until_they_are_gone) {
  ASSERT_TRUE(subject->compact({books, {segment_id{11}, segment_id{12}}, {segment(20, "a", 7)}}));
  EXPECT_EQ(everything(), "13/b/5/50/brute_force 20/a/7/70/brute_force 2,12,120 -11 5/11.segment -12 5/12.segment");
  EXPECT_EQ(subject->find_dropped({segment_id{12}, segment_id{13}})->size(), 1u) << "13 is there";
  ASSERT_TRUE(subject->forget_dropped({segment_id{11}}));
  ASSERT_EQ(subject->dropped({})->size(), 1u);
  EXPECT_EQ(subject->dropped({})->front().collection, books);
  EXPECT_TRUE(subject->dropped(segment_id{12})->empty());
  EXPECT_EQ(*subject->drop_collection(books), (texts{"5/13.segment", "5/20.segment", "5/12.segment"}));
  EXPECT_TRUE(subject->dropped({})->empty());
}

TEST_F(catalogue_changes, a_compaction_keeps_the_rows_of_each_partition_and_channel_or_is_refused) {
  const auto before = everything();
  const std::vector<segment_id> both{segment_id{11}, segment_id{12}};
  expect_refused(subject->compact({books, both, {segment(20, "a", 6)}}), ec::parameter_invalid, "1 rows fewer");
  expect_refused(subject->compact({books, both, {segment(20, "b", 7)}}), ec::parameter_invalid, "rows");
  expect_refused(subject->compact({books, both, {segment(20, "a", 7, 2)}}), ec::parameter_invalid, "rows");
  expect_refused(subject->compact({books, both, {segment(13, "a", 7)}}), ec::parameter_invalid, "already");
  expect_refused(subject->compact({books, {segment_id{11}, segment_id{11}}, {segment(20, "a", 6)}}),
                 ec::parameter_invalid, "twice");
  expect_refused(subject->compact({books, {segment_id{11}, segment_id{99}}, {segment(20, "a", 7)}}),
                 ec::segment_not_found, "99");
  expect_refused(subject->compact({books, {}, {segment(20, "a", 7)}}), ec::parameter_missing, "no segment");
  expect_refused(subject->compact({books, both, {}}), ec::parameter_missing, "no segment");
  expect_refused(subject->compact({collection_id{6}, both, {segment(20, "a", 7)}}), ec::collection_not_found, "6");
  EXPECT_EQ(everything(), before);
}

// -- databases --------------------------------------------------------------------

TEST_F(catalogue_changes, the_default_database_is_there_and_stays) {
  ASSERT_EQ(subject->databases()->size(), 1u);
  EXPECT_EQ(subject->find_database("default")->collections, 1);
  expect_refused(subject->drop_database("default"), ec::parameter_invalid, "always there");
  expect_refused(subject->create_database({"default", {}, 0}), ec::parameter_invalid, "there already");
}

TEST_F(catalogue_changes, a_database_has_the_properties_that_it_was_given_last) {
  ASSERT_TRUE(subject->create_database({"shop", {{"a", "1"}, {"b", "2"}}, 0}));
  ASSERT_TRUE(subject->alter_database("shop", {{"b", "3"}, {"c", "rg1,rg2"}}, {"a", "never"}));
  EXPECT_EQ(subject->find_database("shop")->properties, (properties{{"b", "3"}, {"c", "rg1,rg2"}}));
  EXPECT_EQ(subject->databases()->back().name, "shop");
  ASSERT_TRUE(subject->drop_database("shop"));
  expect_refused(subject->find_database("shop"), ec::database_not_found, "shop");
  ASSERT_TRUE(subject->create_database({"shop", {}, 0}));
  EXPECT_TRUE(subject->find_database("shop")->properties.empty()) << "of the one that was dropped";
}

TEST_F(catalogue_changes, a_database_that_cannot_be_is_refused) {
  for (const std::string name : {"", "a/b", "a b"})
    expect_refused(subject->create_database({name, {}, 0}), ec::database_invalid_name, "cannot be its name");
  expect_refused(subject->create_database({std::string(256, 'x'), {}, 0}), ec::database_invalid_name,
                 "cannot be its name");
  expect_refused(subject->create_database({"shop", {{"", "1"}}, 0}), ec::parameter_invalid, "bytes");
  expect_refused(subject->create_database({"shop", {{"a", std::string(limits::property_bytes + 1, 'x')}}, 0}),
                 ec::parameter_invalid, "bytes");
  properties many;
  for (std::size_t i = 0; i <= limits::database_properties; ++i)
    many["key" + std::to_string(i)] = "x";
  expect_refused(subject->create_database({"shop", many, 0}), ec::parameter_invalid, "65 properties");
  expect_refused(subject->alter_database("shop", {{"a", "1"}}, {}), ec::database_not_found, "shop");
  expect_refused(subject->alter_database("default", {}, {}), ec::parameter_missing, "no property");
  expect_refused(subject->drop_database("shop"), ec::database_not_found, "shop");
  EXPECT_EQ(subject->databases()->size(), 1u);
}

TEST_F(catalogue_changes, there_are_as_many_databases_as_there_may_be) {
  for (std::size_t i = 1; i < limits::databases; ++i)
    ASSERT_TRUE(subject->create_database({"db" + std::to_string(i), {}, 0}));
  expect_refused(subject->create_database({"more", {}, 0}), ec::database_num_limit_exceeded, "64");
}

TEST_F(catalogue_changes, a_database_with_collections_cannot_be_dropped) {
  ASSERT_TRUE(subject->create_database({"shop", {}, 0}));
  catalogue_import what;
  what.collection.id = collection_id{6};
  what.collection.database = "shop";
  what.collection.name = "books";
  what.collection.dimension = 4;
  what.collection.channels = {"c"};
  what.default_partition = partition_id{2};
  ASSERT_TRUE(subject->register_import(what));
  expect_refused(subject->drop_database("shop"), ec::parameter_invalid, "drop them first");
  ASSERT_TRUE(subject->drop_collection(collection_id{6}));
  EXPECT_TRUE(subject->drop_database("shop"));
  expect_refused(subject->find("shop", "books"), ec::database_not_found, "shop");
}

TEST(names_of_collections, name_their_database_unless_it_is_the_default_one) {
  EXPECT_EQ(qualified_name("default", "books"), "books");
  EXPECT_EQ(qualified_name("shop", "books"), "shop/books");
  using parts = std::pair<std::string_view, std::string_view>;
  EXPECT_EQ(split_name("books"), (parts{"default", "books"}));
  EXPECT_EQ(split_name("shop/books"), (parts{"shop", "books"}));
  EXPECT_EQ(split_name("default/books"), (parts{"default", "books"}));
}

// -- older files --------------------------------------------------------------------

/// As the first version made it; frozen.
constexpr auto tables_of_version_1 = R"(
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

TEST(sqlite_catalogue, a_file_of_the_first_version_is_upgraded_and_keeps_what_it_has) {
  temp_folder folder;
  const auto path = folder.path() + "/catalogue.db";
  {
    auto old = sqlite::database::open(path, {"catalogue", 0x4d737443, tables_of_version_1});
    ASSERT_TRUE(old) << old.error().text;
    ASSERT_TRUE(old->execute("INSERT INTO databases VALUES('archive');"
                             "INSERT INTO collections VALUES(5, 'archive', 'books', 1, 4, 0, 0, 3, 1, 30);"
                             "INSERT INTO channels VALUES(5, 0, 'a'); INSERT INTO partitions VALUES(1, 5, '_default');"
                             "INSERT INTO segments VALUES(11, 5, 1, 0, 3, 30, '5/11.segment', 1)"));
  }
  EXPECT_EQ(run_sql(path, "PRAGMA user_version"), "1 ");
  for (int opened = 0; opened < 2; ++opened) {
    auto subject = must(open_sqlite_catalogue(folder.path()));
    ASSERT_EQ(subject->databases()->size(), 2u);
    EXPECT_EQ(subject->find_database("archive")->collections, 1);
    EXPECT_EQ(subject->find("archive", "books")->channels, texts{"a"});
    EXPECT_EQ(subject->segments(collection_id{5}, {})->segments.at(0).rows, 3);
    EXPECT_TRUE(subject->dropped({})->empty());
  }
  EXPECT_EQ(run_sql(path, "PRAGMA user_version"), "2 ");
  auto subject = must(open_sqlite_catalogue(folder.path()));
  EXPECT_TRUE(subject->compact({collection_id{5}, {segment_id{11}}, {segment(12, "a", 3)}}));
}

} // namespace
} // namespace muster
