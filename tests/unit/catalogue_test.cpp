// The contract of the built-in data catalogue, point by point, in memory and on disk.
#include "messages/limits.hpp"
#include "persistence/catalogue.hpp"
#include "tests/unit/faulty_disk.hpp"
#include "tests/unit/temp_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <stdexcept>

namespace muster {

namespace {

catalogue_import new_import(std::int64_t id, const std::string& name, std::size_t shards = 2) {
  catalogue_import out;
  out.collection.id = collection_id{id};
  out.collection.name = name;
  out.collection.metric = metric_kind::cosine;
  out.collection.dimension = 8;
  out.collection.has_names = true;
  out.collection.created_at_ms = 1'700'000'000'000;
  out.collection.fields = {{100, "id", "int64", 0}, {101, "vector", "float_vector", 8}, {102, "name", "text", 0}};
  out.collection.properties = {{"mmap", "off"}, {"owner", "Zoë"}};
  for (std::size_t shard = 0; shard < shards; ++shard)
    out.collection.channels.push_back(name + "-" + std::to_string(id) + "-v" + std::to_string(shard));
  out.default_partition = partition_id{id * 1'000};
  out.partition = partition_id{id * 1'000 + 1};
  return out;
}

catalogue_import append_to(const catalogue_collection& collection) {
  catalogue_import out;
  out.collection = collection;
  out.append = true;
  out.partition = partition_id{collection.id.value * 1'000 + 2};
  return out;
}

void add_segments(catalogue_import& to, std::int64_t first, std::int64_t count) {
  for (auto id = first; id < first + count; ++id) {
    catalogue_segment segment;
    segment.id = segment_id{id};
    segment.channel = to.collection.channels[static_cast<std::size_t>(id) % to.collection.channels.size()];
    segment.rows = id;
    segment.bytes = 10 * id;
    segment.file = "segments/" + std::to_string(id) + ".seg";
    segment.index = id % 2 == 0 ? index_kind::hnsw : index_kind::brute_force;
    to.segments.push_back(segment);
  }
}

std::unique_ptr<catalogue> must(result<std::unique_ptr<catalogue>> opened) {
  if (!opened)
    throw std::runtime_error(opened.error().text);
  return std::move(*opened);
}

// The parameter tells whether it is on disk; then it is opened anew before everything is looked at.
class catalogue_test : public ::testing::TestWithParam<bool> {
protected:
  void SetUp() override {
    subject = must(GetParam() ? open_sqlite_catalogue(folder.path() + "/made") : open_memory_catalogue());
  }

  void reopen() {
    if (!GetParam())
      return;
    subject.reset();
    SetUp();
  }

  catalogue_collection import(const catalogue_import& what) {
    auto out = subject->register_import(what);
    EXPECT_TRUE(out) << out.error().text;
    return out ? std::move(*out) : catalogue_collection{};
  }

  void expect_refused(const catalogue_import& what, ec code, const std::string& word) {
    auto out = subject->register_import(what);
    ASSERT_FALSE(out) << word;
    EXPECT_EQ(out.error().code, code) << out.error().text;
    EXPECT_NE(out.error().text.find(word), std::string::npos) << out.error().text;
    EXPECT_EQ(out.error().text.find('\n'), std::string::npos) << out.error().text;
  }

  /// Everything that can be seen, as text.
  std::string everything() {
    std::string out;
    auto collections = subject->list();
    EXPECT_TRUE(collections);
    for (const auto& collection : *collections) {
      out += collection.name + " " + to_string(collection.id) + (collection.has_names ? " named" : "") + ":";
      auto partitions = subject->partitions(collection.id);
      for (const auto& partition : *partitions)
        out += " " + partition.name + "=" + to_string(partition.id);
      auto page = subject->segments(collection.id, {});
      for (const auto& segment : page->segments)
        out += " " + to_string(segment.id) + "/" + to_string(segment.partition) + "/" + segment.channel;
      auto totals = subject->totals_of(collection.id);
      out += " " + std::to_string(totals->segments) + "," + std::to_string(totals->rows) + ","
             + std::to_string(totals->bytes) + "; ";
    }
    return out;
  }

  temp_folder folder;
  std::unique_ptr<catalogue> subject;
};

TEST_P(catalogue_test, an_empty_partition_is_made_once_and_the_same_name_again_is_that_one) {
  const auto c = import(new_import(1, "words"));
  const auto made = subject->create_partition(c.id, "old", partition_id{77});
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_EQ(made->id, partition_id{77});
  const auto again = subject->create_partition(c.id, "old", partition_id{78});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id, partition_id{77});
  reopen();
  EXPECT_EQ(subject->partitions(c.id)->size(), 2u);
  EXPECT_EQ(subject->create_partition(c.id, "", partition_id{79}).error().code, ec::parameter_missing);
  EXPECT_EQ(subject->create_partition(collection_id{99}, "x", partition_id{79}).error().code, ec::collection_not_found);
}

TEST_P(catalogue_test, a_dropped_partition_takes_its_segments_and_leaves_the_others) {
  auto first = new_import(1, "words");
  add_segments(first, 10, 2);
  const auto c = import(first);
  auto more = append_to(c);
  more.partition_name = "old";
  add_segments(more, 20, 3);
  import(more);
  const auto files = subject->drop_partition(c.id, "old");
  ASSERT_TRUE(files) << files.error().text;
  EXPECT_EQ(files->size(), 3u);
  reopen();
  EXPECT_EQ(subject->partitions(c.id)->size(), 1u);
  const auto left = subject->segments(c.id, {});
  ASSERT_TRUE(left);
  EXPECT_EQ(left->segments.size(), 2u);
  EXPECT_EQ(subject->totals_of(c.id)->rows, 10 + 11);
  EXPECT_EQ(subject->totals_of(c.id)->segments, 2);
  EXPECT_EQ(subject->drop_partition(c.id, "old").error().code, ec::partition_not_found);
  EXPECT_EQ(subject->drop_partition(c.id, "_default").error().code, ec::parameter_invalid);
  EXPECT_EQ(subject->drop_partition(collection_id{99}, "x").error().code, ec::collection_not_found);
}

INSTANTIATE_TEST_SUITE_P(storages, catalogue_test, ::testing::Bool(), [](const auto& info) {
  return std::string{info.param ? "on_disk" : "in_memory"};
});

void expect_equal(const catalogue_collection& a, const catalogue_collection& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.database, b.database);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.metric, b.metric);
  EXPECT_EQ(a.dimension, b.dimension);
  EXPECT_EQ(a.has_names, b.has_names);
  EXPECT_EQ(a.channels, b.channels);
  EXPECT_EQ(a.properties, b.properties);
  EXPECT_EQ(a.created_at_ms, b.created_at_ms);
  ASSERT_EQ(a.fields.size(), b.fields.size());
  for (std::size_t i = 0; i < a.fields.size(); ++i) {
    EXPECT_EQ(a.fields[i].id, b.fields[i].id);
    EXPECT_EQ(a.fields[i].name, b.fields[i].name);
    EXPECT_EQ(a.fields[i].type, b.fields[i].type);
    EXPECT_EQ(a.fields[i].dimension, b.fields[i].dimension);
  }
}

} // namespace

TEST_P(catalogue_test, a_new_collection_comes_back_whole_by_name_and_by_id) {
  auto what = new_import(5, "books", 12);
  expect_equal(import(what), what.collection);
  reopen();
  auto by_name = subject->find("default", "books");
  auto by_id = subject->find(collection_id{5});
  ASSERT_TRUE(by_name);
  ASSERT_TRUE(by_id);
  expect_equal(*by_name, what.collection);
  expect_equal(*by_id, what.collection);
}

TEST_P(catalogue_test, segments_come_back_whole_with_their_collection_and_partition_filled_in) {
  auto what = new_import(5, "books");
  what.partition_name = "2024";
  add_segments(what, 20, 3);
  import(what);
  reopen();
  auto page = subject->segments(collection_id{5}, {});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->segments.size(), 3u);
  EXPECT_FALSE(page->next_after);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& given = what.segments[i];
    const auto& found = page->segments[i];
    EXPECT_EQ(found.id, given.id);
    EXPECT_EQ(found.collection, collection_id{5});
    EXPECT_EQ(found.partition, partition_id{5'001});
    EXPECT_EQ(found.channel, given.channel);
    EXPECT_EQ(found.rows, given.rows);
    EXPECT_EQ(found.bytes, given.bytes);
    EXPECT_EQ(found.file, given.file);
    EXPECT_EQ(found.index, given.index);
  }
}

TEST_P(catalogue_test, a_new_collection_has_the_default_partition_and_the_named_one) {
  import(new_import(5, "books"));
  auto named = new_import(6, "songs");
  named.partition_name = "2024";
  import(named);
  reopen();
  EXPECT_EQ(everything(), "books 5 named: _default=5000 0,0,0; songs 6 named: _default=6000 2024=6001 0,0,0; ");
}

TEST_P(catalogue_test, an_append_uses_a_partition_that_is_there_and_creates_one_that_is_not) {
  auto books = import(new_import(5, "books"));
  auto first = append_to(books);
  first.partition = {};
  add_segments(first, 20, 1);
  import(first);
  auto second = append_to(books);
  second.partition_name = "2024";
  add_segments(second, 21, 1);
  import(second);
  auto third = second;
  third.partition = partition_id{999};
  third.segments.clear();
  add_segments(third, 22, 1);
  expect_equal(import(third), books);
  reopen();
  EXPECT_EQ(everything(), "books 5 named: _default=5000 2024=5002 "
                          "20/5000/books-5-v0 21/5002/books-5-v1 22/5002/books-5-v0 3,63,630; ");
}

TEST_P(catalogue_test, an_append_takes_the_channels_that_are_there) {
  auto what = append_to(import(new_import(5, "books")));
  what.collection.channels.clear();
  auto found = import(what);
  EXPECT_EQ(found.channels.size(), 2u);
}

TEST_P(catalogue_test, an_append_with_names_gives_names_to_the_collection_and_one_without_takes_none_away) {
  auto first = new_import(5, "books");
  first.collection.has_names = false;
  auto next = append_to(import(first));
  next.collection.has_names = true;
  EXPECT_TRUE(import(next).has_names);
  next.collection.has_names = false;
  EXPECT_TRUE(import(next).has_names);
  EXPECT_TRUE(subject->find(collection_id{5})->has_names);
}

TEST_P(catalogue_test, a_name_is_given_once_a_database) {
  import(new_import(5, "books"));
  expect_refused(new_import(6, "books"), ec::collection_already_exists, "default.books");
  auto elsewhere = new_import(6, "books");
  elsewhere.collection.database = "archive";
  expect_refused(elsewhere, ec::database_not_found, "archive");
  ASSERT_TRUE(subject->create_database({"archive", {}, 0}));
  import(elsewhere);
  EXPECT_EQ(subject->find("archive", "books")->id, collection_id{6});
  EXPECT_EQ(subject->find("default", "books")->id, collection_id{5});
}

TEST_P(catalogue_test, an_append_to_no_collection_is_refused) {
  expect_refused(append_to(new_import(5, "books").collection), ec::collection_not_found, "books");
  EXPECT_EQ(everything(), "");
}

TEST_P(catalogue_test, an_append_with_another_metric_dimension_or_id_is_refused) {
  auto books = import(new_import(5, "books"));
  auto what = append_to(books);
  what.collection.metric = metric_kind::ip;
  expect_refused(what, ec::parameter_invalid, "cosine");
  what = append_to(books);
  what.collection.dimension = 9;
  expect_refused(what, ec::parameter_invalid, "8 dimensions, not 9");
  what = append_to(books);
  what.collection.id = collection_id{6};
  expect_refused(what, ec::parameter_invalid, "id 5, not 6");
}

TEST_P(catalogue_test, values_that_cannot_be_used_are_refused_and_nothing_is_left_of_the_import) {
  import(new_import(5, "books"));
  auto used = new_import(8, "used");
  add_segments(used, 80, 1);
  import(used);
  auto before = everything();
  struct flaw {
    const char* word;
    std::function<void(catalogue_import&)> make;
  };
  const flaw flaws[] = {
    {"no id", [](auto& i) { i.collection.id = {}; }},
    {"belongs to books", [](auto& i) { i.collection.id = collection_id{5}; }},
    {"names", [](auto& i) { i.collection.name.clear(); }},
    {"names", [](auto& i) { i.collection.database.clear(); }},
    {"metric", [](auto& i) { i.collection.metric = metric_kind{9}; }},
    {"0 dimensions", [](auto& i) { i.collection.dimension = 0; }},
    {"32769 dimensions", [](auto& i) { i.collection.dimension = limits::dimensions + 1; }},
    {"0 shards", [](auto& i) { i.collection.channels.clear(); }},
    {"65 shards", [](auto& i) { i.collection.channels = new_import(7, "x", limits::shards + 1).collection.channels; }},
    {"named twice", [](auto& i) { i.collection.channels[0] = i.collection.channels[1]; }},
    {"no name", [](auto& i) { i.collection.channels[0].clear(); }},
    {"partition has no name", [](auto& i) { i.partition_name.clear(); }},
    {"_default is new and has no id", [](auto& i) { i.default_partition = {}; }},
    {"2024 is new and has no id", [](auto& i) { i.partition_name = "2024", i.partition = {}; }},
    {"5000", [](auto& i) { i.default_partition = partition_id{5'000}; }},
    {"another-v0", [](auto& i) { i.segments[2].channel = "another-v0"; }},
    {"id of its own", [](auto& i) { i.segments[2].id = i.segments[0].id; }},
    {"id of its own", [](auto& i) { i.segments[2].id = {}; }},
    {"segment 80 is already", [](auto& i) { i.segments[2].id = segment_id{80}; }},
    {"4000001 rows", [](auto& i) { i.segments[2].rows = limits::segment_rows + 1; }},
    {"-1 rows", [](auto& i) { i.segments[2].rows = -1; }},
    {"-1 bytes", [](auto& i) { i.segments[2].bytes = -1; }},
    {"no file", [](auto& i) { i.segments[2].file.clear(); }},
    {"kind of index", [](auto& i) { i.segments[2].index = index_kind{9}; }},
    {"append the rest", [](auto& i) { i.segments.resize(limits::import_segments + 1); }},
  };
  for (const auto& [word, make] : flaws) {
    auto what = new_import(7, "new");
    add_segments(what, 70, 3);
    make(what);
    expect_refused(what, ec::parameter_invalid, word);
    EXPECT_EQ(everything(), before) << word;
  }
  reopen();
  EXPECT_EQ(everything(), before);
  auto what = new_import(7, "new");
  add_segments(what, 70, 3);
  import(what);
}

TEST_P(catalogue_test, a_refused_append_leaves_no_partition_no_segment_and_the_totals) {
  auto first = new_import(5, "books");
  add_segments(first, 20, 2);
  auto books = import(first);
  auto before = everything();
  auto what = append_to(books);
  what.partition_name = "2024";
  add_segments(what, 30, 2);
  what.segments.push_back(first.segments[0]);
  expect_refused(what, ec::parameter_invalid, "segment 20 is already");
  what.segments[2].id = segment_id{32};
  what.segments[2].channel = "songs-6-v0";
  expect_refused(what, ec::parameter_invalid, "songs-6-v0");
  reopen();
  EXPECT_EQ(everything(), before);
}

TEST_P(catalogue_test, several_imports_become_durable_together_or_not_at_all) {
  auto first = new_import(5, "books");
  add_segments(first, 10, 3);
  auto second = new_import(6, "songs");
  add_segments(second, 20, 2);
  ASSERT_TRUE(subject->register_imports({first, second}));
  reopen();
  EXPECT_EQ(subject->list()->size(), 2u);
  EXPECT_EQ(subject->totals_of(collection_id{6})->segments, 2);
  const auto before = everything();
  auto third = new_import(7, "films");
  add_segments(third, 30, 1);
  const auto refused = subject->register_imports({third, new_import(8, "songs")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ec::collection_already_exists);
  reopen();
  EXPECT_EQ(everything(), before);
}

TEST_P(catalogue_test, segments_come_in_pages_by_id_without_loss_or_repetition) {
  constexpr auto page_size = static_cast<std::int64_t>(limits::catalogue_page_segments);
  auto what = new_import(5, "books");
  add_segments(what, 1, 2 * page_size + 1);
  std::swap(what.segments.front(), what.segments.back());
  import(what);
  auto other = new_import(6, "songs");
  add_segments(other, 3 * page_size, page_size);
  import(other);
  std::vector<std::size_t> sizes;
  std::int64_t expected = 0;
  segment_id after;
  do {
    auto page = subject->segments(collection_id{5}, after);
    ASSERT_TRUE(page);
    sizes.push_back(page->segments.size());
    for (const auto& segment : page->segments)
      ASSERT_EQ(segment.id.value, ++expected);
    after = page->next_after;
  } while (after);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{limits::catalogue_page_segments, limits::catalogue_page_segments, 1}));
  auto exact = subject->segments(collection_id{6}, {});
  EXPECT_EQ(exact->segments.size(), limits::catalogue_page_segments);
  EXPECT_FALSE(exact->next_after);
  EXPECT_TRUE(subject->segments(collection_id{6}, segment_id{4 * page_size})->segments.empty());
}

TEST_P(catalogue_test, totals_follow_imports_and_are_those_of_one_collection) {
  auto books = new_import(5, "books");
  add_segments(books, 10, 2);
  auto made = import(books);
  auto songs = new_import(6, "songs");
  add_segments(songs, 100, 1);
  import(songs);
  auto more = append_to(made);
  add_segments(more, 30, 1);
  import(more);
  reopen();
  auto totals = subject->totals_of(collection_id{5});
  ASSERT_TRUE(totals);
  EXPECT_EQ(totals->rows, 51);
  EXPECT_EQ(totals->segments, 3);
  EXPECT_EQ(totals->bytes, 510);
  EXPECT_EQ(subject->totals_of(collection_id{6})->rows, 100);
}

TEST_P(catalogue_test, a_drop_returns_the_files_and_leaves_nothing_of_the_collection_and_all_of_the_others) {
  auto songs = new_import(6, "songs");
  add_segments(songs, 10, 1);
  import(songs);
  auto before = everything();
  auto books = new_import(5, "books");
  add_segments(books, 20, 3);
  import(books);
  auto files = subject->drop_collection(collection_id{5});
  ASSERT_TRUE(files);
  EXPECT_EQ(*files, (std::vector<std::string>{"segments/20.seg", "segments/21.seg", "segments/22.seg"}));
  reopen();
  EXPECT_EQ(everything(), before);
  EXPECT_EQ(subject->drop_collection(collection_id{5}).error().code, ec::collection_not_found);
  import(books);
  EXPECT_EQ(subject->totals_of(collection_id{5})->segments, 3);
}

TEST_P(catalogue_test, what_is_not_there_is_collection_not_found) {
  auto id = collection_id{7};
  EXPECT_EQ(subject->find("default", "books").error().code, ec::collection_not_found);
  EXPECT_EQ(subject->find(id).error().code, ec::collection_not_found);
  EXPECT_EQ(subject->partitions(id).error().code, ec::collection_not_found);
  EXPECT_EQ(subject->segments(id, {}).error().code, ec::collection_not_found);
  EXPECT_EQ(subject->totals_of(id).error().code, ec::collection_not_found);
  EXPECT_EQ(subject->drop_collection(id).error().code, ec::collection_not_found);
  EXPECT_TRUE(subject->list()->empty());
}

TEST_P(catalogue_test, collections_are_listed_by_name) {
  for (auto [id, name] : {std::pair{1, "c"}, {2, "a"}, {3, "b"}})
    import(new_import(id, name));
  std::string names;
  auto listed = subject->list();
  for (const auto& collection : *listed)
    names += collection.name;
  EXPECT_EQ(names, "abc");
}

// -- the file -----------------------------------------------------------------------

TEST(sqlite_catalogue, foreign_newer_and_garbage_files_are_refused_with_what_to_do) {
  temp_folder folder;
  auto path = folder.path() + "/catalogue.db";
  must(open_sqlite_catalogue(folder.path()));
  run_sql(path, "PRAGMA user_version = 9");
  auto newer = open_sqlite_catalogue(folder.path());
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ec::newer_version);
  run_sql(path, "PRAGMA application_id = 1");
  auto foreign = open_sqlite_catalogue(folder.path());
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code, ec::io_corrupt);
  EXPECT_NE(foreign.error().text.find("no Muster catalogue"), std::string::npos) << foreign.error().text;
  std::ofstream{path} << std::string(9'000, '!');
  auto garbage = open_sqlite_catalogue(folder.path());
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, ec::io_corrupt);
}

TEST(sqlite_catalogue, an_import_is_synced_before_it_returns_and_a_full_disk_leaves_the_catalogue_as_it_was) {
  faulty_disk disk;
  temp_folder folder;
  auto subject = must(open_sqlite_catalogue(folder.path()));
  auto before = disk.syncs;
  ASSERT_TRUE(subject->register_import(new_import(5, "books")));
  EXPECT_GT(disk.syncs, before);
  auto more = new_import(6, "songs");
  add_segments(more, 10, 500);
  disk.fail_writes = SQLITE_FULL;
  auto full = subject->register_import(more);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ec::io_failed);
  EXPECT_NE(full.error().text.find("free space"), std::string::npos) << full.error().text;
  EXPECT_EQ(full.error().text.find("nevertheless"), std::string::npos) << full.error().text;
  disk.fail_writes = SQLITE_OK;
  EXPECT_EQ(subject->list()->size(), 1u);
  disk.fail_syncs = SQLITE_IOERR_FSYNC;
  auto unknown = subject->register_import(more);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().text.find("nevertheless"), std::string::npos) << unknown.error().text;
  disk.fail_syncs = SQLITE_OK;
  EXPECT_TRUE(subject->register_import(more));
}

TEST(metric_names, are_read_as_they_are_written_and_an_unknown_one_is_told_the_choice) {
  for (auto kind : {metric_kind::l2, metric_kind::cosine, metric_kind::ip})
    EXPECT_EQ(*metric_from(to_string(kind)), kind);
  auto unknown = metric_from("L2");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ec::parameter_invalid);
  EXPECT_NE(unknown.error().text.find("l2, cosine or ip"), std::string::npos);
  EXPECT_EQ(to_string(index_kind::hnsw), "hnsw");
  EXPECT_EQ(to_string(index_kind::brute_force), "brute_force");
}

} // namespace muster
