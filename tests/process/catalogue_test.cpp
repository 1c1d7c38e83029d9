// Guards what changes under a loaded collection: indexes, compaction, and the defaults of its database; no search fails
// meanwhile.
#include "tests/process/processes.hpp"

#include <filesystem>
#include <gtest/gtest.h>

namespace muster::test {
namespace {

namespace fs = std::filesystem;

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++n;
  return n;
}

std::size_t files(cluster& c, const std::string& extension) {
  std::size_t n = 0;
  for (const auto& entry : fs::recursive_directory_iterator{c.store()})
    n += entry.path().extension() == extension ? 1 : 0;
  return n;
}

/// A command that works on files in the store.
outcome in_store(cluster& c, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--store", c.store()});
  return c.muster(arguments);
}

void must_in_store(cluster& c, const std::vector<std::string>& arguments) {
  const auto o = in_store(c, arguments);
  EXPECT_EQ(o.code, 0) << "muster " << arguments[0] << ": " << o.err;
}

/// Copies of the collection that have an index, as their nodes report.
std::size_t indexed_copies(cluster& c, const std::string& collection) {
  return count(c.must({"get-load-segment-info", collection, "--json"}), R"("index":"hnsw")");
}

std::vector<std::int64_t> answers(cluster& c, const std::string& collection) {
  return ids_in(c.must({"search", collection, "--vector-file", c.vectors(20, 9), "-k", "10", "--json"}));
}

TEST(catalogue, indexes_are_dropped_and_created_on_a_loaded_collection_while_it_is_searched) {
  cluster c{2};
  c.must(
    {"import", "words", "--vectors", c.vectors(4'000), "--metric", "l2", "--shards", "2", "--segment-rows", "1000"});
  c.must({"load", "words", "--replicas", "2"});
  ASSERT_EQ(indexed_copies(c, "words"), 4u);
  ASSERT_EQ(files(c, ".hnsw"), 4u);
  auto prober = c.start_probe("words");
  must_in_store(c, {"index", "drop", "words"});
  EXPECT_EQ(files(c, ".hnsw"), 0u);
  EXPECT_TRUE(eventually(seconds{30}, [&] { return indexed_copies(c, "words") == 0; }))
    << c.must({"get-load-segment-info", "words"});
  EXPECT_TRUE(says(in_store(c, {"drop-index", "words"}).err, "index_not_found"));
  must_in_store(c, {"create-index", "words"});
  EXPECT_EQ(files(c, ".hnsw"), 4u);
  EXPECT_TRUE(eventually(seconds{30}, [&] { return indexed_copies(c, "words") == 4; }))
    << c.must({"get-load-segment-info", "words"});
  must_in_store(c, {"index", "create", "words"}); // again: nothing to do
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
  EXPECT_GT(found.sent, 0);
  c.must({"release", "words"});
  c.must({"load", "words"});
  EXPECT_EQ(indexed_copies(c, "words"), 4u);
}

TEST(catalogue, a_loaded_collection_is_compacted_while_it_is_searched_and_answers_the_same) {
  cluster c{2};
  c.must({"import", "words", "--vectors", c.vectors(600), "--metric", "l2", "--shards", "2", "--segment-rows", "50"});
  c.must({"import", "words", "--vectors", c.vectors(100, 2), "--metric", "l2", "--append", "--partition", "old",
          "--segment-rows", "25"});
  c.must({"load", "words"});
  const auto before = answers(c, "words");
  ASSERT_EQ(before.size(), 200u);
  ASSERT_EQ(files(c, ".segment"), 16u);
  auto prober = c.start_probe("words");
  must_in_store(c, {"compact", "words", "--segment-rows", "300"});
  EXPECT_TRUE(says(c.must({"collections"}), "words"));
  // 300 rows of each channel in _default, 50 of each in old.
  EXPECT_EQ(count(c.must({"list-segments", "words", "--json"}), R"("rows":"300")"), 2u);
  EXPECT_EQ(count(c.must({"list-segments", "words", "--json"}), R"("rows":"50")"), 2u);
  // I-SVC-04: never old and new together; and the files go once ListLoadedSegments names them no more.
  EXPECT_TRUE(eventually(seconds{30}, [&] { return files(c, ".segment") == 4; })) << c.must({"status"});
  EXPECT_EQ(count(c.must({"get-load-segment-info", "words", "--json"}), R"("rows":)"), 4u);
  EXPECT_EQ(answers(c, "words"), before);
  const auto found = c.end_probe(*prober);
  EXPECT_EQ(found.failed, 0) << found.text;
  must_in_store(c, {"compact", "words", "--segment-rows", "300"}); // nothing is left to do
  EXPECT_EQ(files(c, ".segment"), 4u);
}

TEST(catalogue, files_of_replaced_segments_go_at_once_when_nobody_has_loaded_them_and_after_a_crash_at_the_next_start) {
  cluster c{1};
  c.import_small("small"); // 8 segments
  must_in_store(c, {"compact", "small"});
  EXPECT_TRUE(eventually(seconds{20}, [&] { return files(c, ".segment") == 2; }));
  c.must({"load", "small"});
  const auto before = answers(c, "small");
  c.must({"import", "small", "--vectors", c.vectors(100, 3), "--metric", "l2", "--append", "--segment-rows", "50"});
  must_in_store(c, {"compact", "small"});
  c.coordinator().kill();
  c.start_coordinator();
  EXPECT_TRUE(eventually(seconds{30}, [&] { return files(c, ".segment") == 2; })) << c.must({"list-loaded-segments"});
  EXPECT_EQ(answers(c, "small").size(), before.size());
}

TEST(catalogue, requests_about_segments_are_refused_with_the_reason) {
  cluster c{1};
  c.import_small("small");
  const auto refused = [&](const std::string& method, const std::string& json) {
    return c.muster({"call", method, json}).err;
  };
  EXPECT_TRUE(says(refused("listSegments", R"({"collection":"absent"})"), "collection_not_found"));
  EXPECT_TRUE(says(refused("listSegments", R"({"collection":"absent/small"})"), "database_not_found"));
  EXPECT_TRUE(says(refused("createIndex", R"({"collection":"absent"})"), "collection_not_found"));
  EXPECT_TRUE(says(refused("createIndex", R"({"collection":"small"})"), "parameter_missing"));
  EXPECT_TRUE(says(refused("createIndex", R"({"collection":"small","segments":[{"id":"1","indexKind":"ivf"}]})"),
                   "parameter_invalid"));
  EXPECT_TRUE(says(refused("createIndex", R"({"collection":"small","segments":[{"id":"1","indexKind":"hnsw"}]})"),
                   "segment_not_found"));
  EXPECT_TRUE(says(refused("dropIndex", R"({"collection":"absent"})"), "collection_not_found"));
  EXPECT_TRUE(says(refused("dropIndex", R"({"collection":"small"})"), "index_not_found"));
  EXPECT_TRUE(says(refused("dropIndex", R"({"collection":"small","segments":[{"id":"1"}]})"), "segment_not_found"));
  EXPECT_TRUE(says(refused("compact", R"({"collection":"absent"})"), "collection_not_found"));
  EXPECT_TRUE(says(refused("compact", R"({"collection":"small"})"), "parameter_missing"));
  EXPECT_TRUE(
    says(refused("compact", R"({"collection":"small","replaced":["1"],"segments":[{"id":"2","file":"2.segment"}]})"),
         "parameter_invalid"));
  const auto described = c.must({"collections", "--json"});
  const auto id = std::to_string(std::stoll(described.substr(described.find(R"("id":)") + 5)));
  EXPECT_TRUE(says(refused("compact", R"({"collection":"small","replaced":["1"],"segments":[{"id":"2","file":")" + id
                                        + R"(/2.segment","rows":"1"}]})"),
                   "segment_not_found"));
  // Files that are not where this command looks for them.
  EXPECT_TRUE(says(c.muster({"create-index", "small", "--rows-from", "1", "--store", c.path() + "/elsewhere"}).err,
                   "file_not_found"));
}

TEST(catalogue, a_database_says_how_its_collections_are_loaded_and_keeps_their_names_apart) {
  cluster c{2};
  c.must({"create-database", "shop", "database.replica.number=2", "note=a=b"});
  EXPECT_TRUE(says(c.must({"describe-database", "shop"}), "a=b"));
  c.import_small("books");
  c.must(
    {"import", "books", "--database", "shop", "--vectors", c.vectors(100), "--metric", "l2", "--segment-rows", "50"});
  EXPECT_TRUE(says(c.must({"collections"}), "shop/books"));
  c.must({"load", "shop/books"});
  EXPECT_EQ(count(c.must({"get-replicas", "shop/books", "--json"}), R"("resource_group")"), 2u)
    << c.must({"get-replicas", "shop/books", "--json"});
  EXPECT_EQ(answers(c, "shop/books").size(), 200u);
  EXPECT_TRUE(says(c.muster({"search", "books", "--vector-file", c.vectors(1, 9)}).err, "collection_not_loaded"));
  c.must({"load", "default/books"});
  EXPECT_EQ(count(c.must({"get-replicas", "books", "--json"}), R"("resource_group")"), 1u);
  // What is loaded stays as it is; the next load follows the database.
  c.must({"alter-database", "shop", "database.replica.number=1", "--deleted-keys", "note"});
  EXPECT_FALSE(says(c.must({"describe-database", "shop"}), "note"));
  c.must({"release", "shop/books"});
  c.must({"load", "shop/books"});
  EXPECT_EQ(count(c.must({"get-replicas", "shop/books", "--json"}), R"("resource_group")"), 1u);
  c.must({"release", "shop/books"});
  EXPECT_TRUE(says(c.muster({"drop-database", "shop"}).err, "drop them first"));
  c.must({"drop", "shop/books"});
  c.must({"drop-database", "shop"});
  EXPECT_FALSE(says(c.must({"list-databases"}), "shop"));
}

TEST(catalogue, requests_about_databases_are_refused_with_the_reason) {
  cluster c{1};
  EXPECT_TRUE(says(c.must({"list-databases"}), "default"));
  EXPECT_TRUE(says(c.muster({"create-database", "a/b"}).err, "database_invalid_name"));
  EXPECT_TRUE(says(c.muster({"create-database", "default"}).err, "parameter_invalid"));
  EXPECT_TRUE(says(c.muster({"create-database", "shop", "database.replica.number=many"}).err, "parameter_invalid"));
  EXPECT_TRUE(says(c.muster({"alter-database", "shop", "a=1"}).err, "database_not_found"));
  EXPECT_TRUE(says(c.muster({"alter-database", "default"}).err, "parameter_missing"));
  EXPECT_TRUE(says(c.muster({"alter-database", "default", "database.replica.number=-1"}).err, "parameter_invalid"));
  EXPECT_TRUE(says(c.muster({"drop-database", "default"}).err, "parameter_invalid"));
  EXPECT_TRUE(says(c.muster({"drop-database", "shop"}).err, "database_not_found"));
  EXPECT_TRUE(says(c.muster({"describe-database", "shop"}).err, "database_not_found"));
  EXPECT_TRUE(
    says(c.muster({"import", "books", "--database", "shop", "--vectors", c.vectors(10), "--metric", "l2"}).err,
         "database_not_found"));
  EXPECT_EQ(c.muster({"create-database", "shop", "nothing"}).code, 2) << "no KEY=VALUE";
  for (int i = 1; i < 64; ++i)
    c.must({"create-database", "db" + std::to_string(i)});
  EXPECT_TRUE(says(c.muster({"create-database", "more"}).err, "database_num_limit_exceeded"));
}

} // namespace
} // namespace muster::test
