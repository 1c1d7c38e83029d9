// Guards the segment engines: their answers against brute force, their order, their refusals, and use by several
// threads.
#include "messages/limits.hpp"
#include "persistence/memory_engine.hpp"
#include "persistence/npy.hpp"
#include "persistence/segment_engine.hpp"
#include "persistence/segment_file.hpp"
#include "tests/support/paths.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <set>
#include <thread>
#include <unistd.h>

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr auto all_metrics = {metric_kind::l2, metric_kind::cosine, metric_kind::ip};

npy_matrix<float> random_matrix(std::size_t rows, std::size_t columns, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> value;
  npy_matrix<float> matrix{rows, columns, std::vector<float>(rows * columns)};
  std::generate(matrix.values.begin(), matrix.values.end(), [&] { return value(random); });
  return matrix;
}

double reference_distance(metric_kind metric, std::span<const float> a, std::span<const float> b) {
  double dot = 0, aa = 0, bb = 0, l2 = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    double x = a[i], y = b[i];
    dot += x * y, aa += x * x, bb += y * y, l2 += (x - y) * (x - y);
  }
  return metric == metric_kind::l2 ? l2 : metric == metric_kind::ip ? -dot : 1 - dot / std::sqrt(aa * bb);
}

// The rows of `base` in the order of their distance to `query`, ties by number.
std::vector<std::int64_t> reference_order(metric_kind metric, std::span<const float> query,
                                          const npy_matrix<float>& base, std::size_t k) {
  std::vector<std::pair<double, std::int64_t>> all;
  for (std::size_t row = 0; row < base.rows; ++row)
    all.emplace_back(reference_distance(metric, query, base.row(row)), row);
  k = std::min(k, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(k), all.end());
  std::vector<std::int64_t> order;
  for (std::size_t i = 0; i < k; ++i)
    order.push_back(all[i].second);
  return order;
}

std::vector<std::int64_t> ids_of(const std::vector<search_hit>& hits) {
  std::vector<std::int64_t> ids;
  for (auto& hit : hits)
    ids.push_back(hit.id);
  return ids;
}

class engine : public testing::Test {
protected:
  void SetUp() override {
    auto pattern = (fs::temp_directory_path() / "muster-engine-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    store_ = pattern;
    engine_ = make_file_engine(store_);
  }

  void TearDown() override {
    engine_.reset();
    fs::remove_all(store_);
  }

  segment_source write(segment_id id, metric_kind metric, const npy_matrix<float>& base, std::size_t from,
                       std::size_t to, bool named = false) {
    segment_rows rows;
    for (auto row = from; row < to; ++row) {
      rows.ids.push_back(static_cast<std::int64_t>(row));
      auto vector = base.row(row);
      rows.vectors.insert(rows.vectors.end(), vector.begin(), vector.end());
      if (named)
        rows.names.push_back("n" + std::to_string(row % 7));
    }
    auto made = write_segment(store_, "c1", id, metric, static_cast<std::uint32_t>(base.columns), rows);
    EXPECT_TRUE(made) << made.error().text;
    return made ? segment_source{id, collection_id{1}, made->file, made->rows} : segment_source{};
  }

  void load(const segment_source& source) {
    auto got = engine_->load(source);
    ASSERT_TRUE(got) << got.error().text;
  }

  // Writes and loads `base` in segments of `rows` with ids from `first` on.
  std::vector<segment_id> serve(metric_kind metric, const npy_matrix<float>& base, std::size_t rows,
                                std::int64_t first = 1) {
    std::vector<segment_id> ids;
    for (std::size_t from = 0; from < base.rows; from += rows) {
      ids.emplace_back(first + static_cast<std::int64_t>(ids.size()));
      load(write(ids.back(), metric, base, from, std::min(from + rows, base.rows)));
    }
    return ids;
  }

  std::vector<search_hit> search(std::span<const segment_id> ids, std::span<const float> query, std::uint32_t k) {
    auto got = engine_->search(ids, query, k);
    EXPECT_TRUE(got) << got.error().text;
    return got ? *got : std::vector<search_hit>{};
  }

  double recall(metric_kind metric, const npy_matrix<float>& base, const npy_matrix<float>& queries,
                std::span<const segment_id> ids) {
    std::size_t good = 0;
    for (std::size_t i = 0; i < queries.rows; ++i) {
      auto truth = reference_order(metric, queries.row(i), base, 10);
      std::set<std::int64_t> wanted(truth.begin(), truth.end());
      for (auto& hit : search(ids, queries.row(i), 10))
        good += wanted.count(hit.id);
    }
    return static_cast<double>(good) / static_cast<double>(10 * queries.rows);
  }

  template <class Result>
  static void expect_failure(const Result& got, ec code, const std::string& part) {
    ASSERT_FALSE(got) << part;
    EXPECT_EQ(got.error().code, code) << got.error().text;
    EXPECT_NE(got.error().text.find(part), std::string::npos) << got.error().text;
  }

  std::string store_;
  std::unique_ptr<segment_engine> engine_;
};

TEST_F(engine, brute_force_answers_exactly_under_every_metric) {
  auto base = random_matrix(900, 13, 1);
  auto queries = random_matrix(20, 13, 2);
  for (auto metric : all_metrics) {
    auto ids = serve(metric, base, 400, 100 * static_cast<int>(metric));
    for (std::size_t i = 0; i < queries.rows; ++i) {
      auto hits = search(ids, queries.row(i), 25);
      EXPECT_EQ(ids_of(hits), reference_order(metric, queries.row(i), base, 25));
      for (auto& hit : hits) {
        auto expected = reference_distance(metric, queries.row(i), base.row(static_cast<std::size_t>(hit.id)));
        EXPECT_NEAR(hit.distance, expected, 1e-5);
      }
    }
  }
}

TEST_F(engine, the_index_finds_nearly_all_of_random_rows_under_every_metric) {
  auto base = random_matrix(2500, 24, 3);
  auto queries = random_matrix(40, 24, 4);
  for (auto metric : all_metrics) {
    auto ids = serve(metric, base, 1250, 100 * static_cast<int>(metric));
    EXPECT_GT(recall(metric, base, queries, ids), 0.99) << static_cast<int>(metric);
  }
}

TEST_F(engine, the_index_finds_nearly_all_of_real_rows_under_every_metric) {
  auto folder = std::string(MUSTER_SOURCE_DIR) + "/../shared/data/glove-40k-100d/";
  if (!fs::exists(folder + "base.npy"))
    GTEST_SKIP() << "no real data at " << folder;
  auto base = read_npy_floats(folder + "base.npy");
  auto queries = read_npy_floats(folder + "queries.npy");
  ASSERT_TRUE(base && queries);
  base->rows = 5000;
  base->values.resize(base->rows * base->columns);
  queries->rows = 50;
  for (auto metric : all_metrics) {
    auto ids = serve(metric, *base, 1250, 100 * static_cast<int>(metric));
    EXPECT_GT(recall(metric, *base, *queries, ids), 0.99) << static_cast<int>(metric);
  }
}

TEST_F(engine, a_row_has_the_same_distance_however_rows_are_grouped) {
  auto base = random_matrix(1200, 10, 5);
  auto query = random_matrix(1, 10, 6);
  for (auto metric : all_metrics) {
    auto first = 1000 * static_cast<int>(metric);
    auto together = serve(metric, base, 1200, first);
    auto apart = serve(metric, base, 170, first + 100);
    auto one = search(together, query.row(0), 20);
    auto many = search(apart, query.row(0), 20);
    ASSERT_EQ(ids_of(one), ids_of(many));
    for (std::size_t i = 0; i < one.size(); ++i)
      EXPECT_EQ(one[i].distance, many[i].distance);
  }
}

TEST_F(engine, ties_go_to_the_lower_id_across_segments) {
  npy_matrix<float> base{12, 2, {}};
  for (int i = 0; i < 12; ++i)
    base.values.insert(base.values.end(), {1, static_cast<float>(i % 2)});
  for (auto metric : all_metrics) {
    auto ids = serve(metric, base, 5, 100 * static_cast<int>(metric));
    std::reverse(ids.begin(), ids.end());
    auto hits = search(ids, std::vector<float>{1, 1}, 4);
    EXPECT_EQ(ids_of(hits), (std::vector<std::int64_t>{1, 3, 5, 7})) << static_cast<int>(metric);
  }
}

TEST_F(engine, cosine_ignores_length_and_gives_the_same_direction_distance_zero) {
  npy_matrix<float> base{2, 2, {10, 10, 0, 3}};
  auto ids = serve(metric_kind::cosine, base, 2);
  auto hits = search(ids, std::vector<float>{0.1f, 0.1f}, 2);
  ASSERT_EQ(ids_of(hits), (std::vector<std::int64_t>{0, 1}));
  EXPECT_NEAR(hits[0].distance, 0, 1e-7);
  EXPECT_NEAR(hits[1].distance, 1 - std::sqrt(0.5), 1e-6);
}

TEST_F(engine, k_above_the_rows_gives_all_rows_in_order) {
  auto base = random_matrix(1100, 6, 7);
  auto query = random_matrix(1, 6, 8);
  for (auto metric : all_metrics) {
    auto ids = serve(metric, base, 1100, 100 * static_cast<int>(metric));
    for (std::uint32_t k : {1100u, 5000u, std::numeric_limits<std::uint32_t>::max()})
      EXPECT_EQ(search(ids, query.row(0), k).size(), 1100u);
    EXPECT_EQ(ids_of(search(ids, query.row(0), 700)), reference_order(metric, query.row(0), base, 700));
  }
}

TEST_F(engine, every_k_is_answered_in_full_by_the_index) {
  auto base = random_matrix(3000, 6, 9);
  auto query = random_matrix(1, 6, 10);
  auto ids = serve(metric_kind::l2, base, 3000);
  for (std::uint32_t k : {0u, 1u, 31u, 33u, 127u, 129u, 300u, 374u, 375u, 376u}) {
    auto hits = search(ids, query.row(0), k);
    EXPECT_EQ(hits.size(), k);
    EXPECT_TRUE(std::is_sorted(hits.begin(), hits.end()));
  }
}

TEST_F(engine, rows_that_are_all_equal_are_answered_in_full) {
  npy_matrix<float> base{1500, 3, std::vector<float>(4500, 1)};
  for (auto metric : all_metrics) {
    auto ids = serve(metric, base, 1500, 100 * static_cast<int>(metric));
    EXPECT_EQ(search(ids, base.row(0), 100).size(), 100u);
  }
}

TEST_F(engine, a_segment_named_twice_is_searched_once) {
  auto ids = serve(metric_kind::l2, random_matrix(5, 2, 11), 5);
  ids.push_back(ids.front());
  EXPECT_EQ(search(ids, std::vector<float>{0, 0}, 100).size(), 5u);
}

TEST_F(engine, an_absent_segment_refuses_the_whole_search) {
  auto ids = serve(metric_kind::l2, random_matrix(5, 2, 12), 5);
  ids.emplace_back(99);
  expect_failure(engine_->search(ids, std::vector<float>{0, 0}, 1), ec::segment_not_loaded, "99");
  expect_failure(engine_->find_by_name(ids, "x"), ec::segment_not_loaded, "99");
}

TEST_F(engine, unusable_queries_are_refused) {
  auto base = random_matrix(5, 2, 13);
  auto l2 = serve(metric_kind::l2, base, 5);
  auto cosine = serve(metric_kind::cosine, base, 5, 2);
  expect_failure(engine_->search(l2, std::vector<float>{1}, 1), ec::parameter_invalid, "1 dimensions");
  expect_failure(engine_->search(l2, std::vector<float>{1, std::nanf("")}, 1), ec::parameter_invalid, "NaN");
  expect_failure(engine_->search(l2, std::vector<float>{1, INFINITY}, 1), ec::parameter_invalid, "infinite");
  expect_failure(engine_->search(cosine, std::vector<float>{0, 0}, 1), ec::parameter_invalid, "zeros");
  EXPECT_TRUE(engine_->search(l2, std::vector<float>{0, 0}, 1));
}

TEST_F(engine, a_distance_beyond_float_stays_finite) {
  npy_matrix<float> base{2, 1, {3e38f, -3e38f}};
  auto ids = serve(metric_kind::l2, base, 2);
  for (auto& hit : search(ids, std::vector<float>{-3e38f}, 2))
    EXPECT_TRUE(std::isfinite(hit.distance));
}

TEST_F(engine, names_come_with_hits_and_find_their_rows_as_imported) {
  auto base = random_matrix(20, 3, 14);
  load(write(segment_id{1}, metric_kind::cosine, base, 0, 10, true));
  load(write(segment_id{2}, metric_kind::cosine, base, 10, 20, true));
  std::vector<segment_id> ids{segment_id{2}, segment_id{1}};
  for (auto& hit : search(ids, base.row(3), 20))
    EXPECT_EQ(hit.name, "n" + std::to_string(hit.id % 7));
  auto found = engine_->find_by_name(ids, "n3");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    auto& row = (*found)[i];
    EXPECT_EQ(row.id, static_cast<std::int64_t>(3 + 7 * i));
    EXPECT_EQ(row.name, "n3");
    EXPECT_TRUE(std::ranges::equal(row.vector, base.row(static_cast<std::size_t>(row.id))));
  }
  auto none = engine_->find_by_name(ids, "n9");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST_F(engine, a_load_tells_what_it_found_and_repeats_it) {
  auto source = write(segment_id{1}, metric_kind::l2, random_matrix(limits::hnsw_rows, 4, 15), 0, limits::hnsw_rows);
  for (int i = 0; i < 2; ++i) {
    auto got = engine_->load(source);
    ASSERT_TRUE(got) << got.error().text;
    EXPECT_EQ(got->id, segment_id{1});
    EXPECT_EQ(got->rows, static_cast<std::int64_t>(limits::hnsw_rows));
    EXPECT_EQ(got->index, index_kind::hnsw);
    EXPECT_EQ(got->dimension, 4u);
    EXPECT_GT(got->bytes, static_cast<std::int64_t>(limits::hnsw_rows * 4 * sizeof(float)));
  }
}

TEST_F(engine, an_index_is_dropped_and_loaded_again_and_no_answer_gets_worse) {
  auto base = random_matrix(limits::hnsw_rows, 4, 15);
  auto source = write(segment_id{1}, metric_kind::l2, base, 0, limits::hnsw_rows);
  const auto hnsw = indexes_of(index_kind::hnsw);
  auto got = engine_->load(source);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->indexes, hnsw);
  const auto bytes = got->bytes;
  std::vector<segment_id> ids{source.id};
  auto dropped = engine_->change_indexes(source, hnsw, true);
  ASSERT_TRUE(dropped) << dropped.error().text;
  EXPECT_EQ(dropped->indexes, 0u);
  EXPECT_LT(dropped->bytes, bytes);
  EXPECT_EQ(ids_of(search(ids, base.row(7), 5)), reference_order(metric_kind::l2, base.row(7), base, 5));
  EXPECT_TRUE(engine_->change_indexes(source, hnsw, true)) << "again: nothing to do";
  auto loaded = engine_->change_indexes(source, hnsw, false);
  ASSERT_TRUE(loaded) << loaded.error().text;
  EXPECT_EQ(loaded->indexes, hnsw);
  EXPECT_EQ(loaded->bytes, bytes);
  EXPECT_EQ(search(ids, base.row(7), 5).size(), 5u);
  expect_failure(engine_->change_indexes(source, 1u << 9, false), ec::parameter_invalid, "no such index");
  expect_failure(engine_->load_stats(source, 2), ec::parameter_invalid, "statistics");
  engine_->release(source.id);
  expect_failure(engine_->change_indexes(source, hnsw, true), ec::segment_not_loaded, "1");
}

TEST_F(engine, a_file_that_contradicts_the_catalogue_is_refused) {
  auto source = write(segment_id{1}, metric_kind::l2, random_matrix(5, 2, 16), 0, 5);
  auto other = source;
  other.rows = 6;
  expect_failure(engine_->load(other), ec::io_corrupt, "5 rows");
  other = source;
  other.id = segment_id{2};
  expect_failure(engine_->load(other), ec::io_corrupt, "holds segment 1");
  other = source;
  other.file = "c1/3.segment";
  expect_failure(engine_->load(other), ec::file_not_found, "3.segment");
  other.file = "../" + source.file;
  expect_failure(engine_->load(other), ec::parameter_invalid, "..");
  EXPECT_TRUE(engine_->load(source));
}

TEST_F(engine, a_damaged_index_is_refused_at_load) {
  auto source = write(segment_id{1}, metric_kind::l2, random_matrix(limits::hnsw_rows, 4, 17), 0, limits::hnsw_rows);
  std::fstream(store_ + "/c1/1.hnsw", std::ios::in | std::ios::out | std::ios::binary).seekp(5000).put('\x7f');
  expect_failure(engine_->load(source), ec::io_corrupt, "1.hnsw");
}

TEST_F(engine, a_release_ends_searches_to_come_and_may_be_repeated) {
  auto base = random_matrix(5, 2, 18);
  auto source = write(segment_id{1}, metric_kind::l2, base, 0, 5);
  load(source);
  engine_->release(source.id);
  engine_->release(source.id);
  std::vector<segment_id> ids{source.id};
  expect_failure(engine_->search(ids, base.row(0), 1), ec::segment_not_loaded, "1");
  load(source);
  EXPECT_TRUE(engine_->search(ids, base.row(0), 1));
}

// Two threads search without end while two others load and release the same segments: each answer is either complete
// and right or says that a segment is not loaded.
TEST_F(engine, loads_releases_and_searches_at_once_disturb_no_answer) {
  auto base = random_matrix(2400, 8, 19);
  std::vector<segment_source> sources{write(segment_id{1}, metric_kind::cosine, base, 0, 1200),
                                      write(segment_id{2}, metric_kind::cosine, base, 1200, 2400)};
  std::vector<segment_id> ids{segment_id{1}, segment_id{2}};
  for (auto& source : sources)
    load(source);
  auto query = random_matrix(1, 8, 20);
  auto expected = ids_of(search(ids, query.row(0), 10));
  std::atomic<bool> done = false;
  std::atomic<int> answers = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> searchers;
  for (int i = 0; i < 2; ++i)
    searchers.emplace_back([&] {
      while (!done) {
        auto got = engine_->search(ids, query.row(0), 10);
        if (got)
          answers.fetch_add(1);
        if (got ? ids_of(*got) != expected : got.error().code != ec::segment_not_loaded)
          wrong.fetch_add(1);
      }
    });
  std::vector<std::thread> loaders;
  for (int i = 0; i < 2; ++i)
    loaders.emplace_back([&] {
      for (int round = 0; round < 40; ++round)
        for (auto& source : sources) {
          engine_->release(source.id);
          if (!engine_->load(source))
            wrong.fetch_add(1);
        }
    });
  for (auto& each : loaders)
    each.join();
  done = true;
  for (auto& each : searchers)
    each.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(answers, 0);
}

TEST_F(engine, concurrent_loads_of_one_segment_give_one_segment) {
  auto source = write(segment_id{1}, metric_kind::l2, random_matrix(1200, 8, 21), 0, 1200);
  std::atomic<int> loaded = 0;
  std::vector<std::thread> loaders;
  for (int i = 0; i < 4; ++i)
    loaders.emplace_back([&] {
      if (engine_->load(source))
        loaded.fetch_add(1);
    });
  for (auto& each : loaders)
    each.join();
  EXPECT_EQ(loaded, 4);
  engine_->release(source.id);
  std::vector<segment_id> ids{source.id};
  EXPECT_FALSE(engine_->find_by_name(ids, "x"));
}

TEST(memory_engine, hits_tell_which_segments_were_searched) {
  auto memory = make_memory_engine();
  for (std::int64_t id : {3, 4, 5})
    ASSERT_TRUE(memory->load({segment_id{id}, collection_id{1}, "", 10}));
  std::vector<segment_id> ids{segment_id{5}, segment_id{3}, segment_id{3}};
  auto hits = memory->search(ids, std::vector<float>{6.25f}, 5);
  ASSERT_TRUE(hits) << hits.error().text;
  EXPECT_EQ(ids_of(*hits), (std::vector<std::int64_t>{3'000'006, 5'000'006, 3'000'007, 5'000'007, 3'000'005}));
  EXPECT_EQ((*hits)[0].distance, 0.25f);
  EXPECT_EQ(memory->search(ids, std::vector<float>{-1e30f}, 100)->size(), 20u);
}

TEST(memory_engine, answers_as_brute_force_would) {
  auto memory = make_memory_engine();
  for (std::int64_t rows : {0, 1, 7}) {
    std::vector<segment_id> ids{segment_id{rows + 1}};
    ASSERT_TRUE(memory->load({ids[0], collection_id{1}, "", rows}));
    for (float query : {-5.f, 0.f, 0.5f, 2.75f, 6.f, 6.5f, 1e9f})
      for (std::uint32_t k : {0u, 1u, 3u, 7u, 20u}) {
        std::vector<search_hit> expected;
        for (std::int64_t row = 0; row < rows; ++row)
          expected.push_back(
              {ids[0].value * memory_engine_id_stride + row, std::abs(query - static_cast<float>(row)), {}});
        std::sort(expected.begin(), expected.end());
        expected.resize(std::min<std::size_t>(expected.size(), k));
        auto got = memory->search(ids, std::vector<float>{query}, k);
        ASSERT_TRUE(got);
        EXPECT_EQ(ids_of(*got), ids_of(expected)) << rows << " rows, query " << query << ", k " << k;
      }
  }
}

TEST(memory_engine, keeps_the_contract_of_refusals) {
  auto memory = make_memory_engine();
  EXPECT_FALSE(memory->load({segment_id{}, collection_id{1}, "", 10}));
  EXPECT_FALSE(memory->load({segment_id{1}, collection_id{1}, "", memory_engine_id_stride + 1}));
  EXPECT_FALSE(memory->load({segment_id{1}, collection_id{1}, "", -1}));
  std::vector<segment_id> ids{segment_id{1}};
  EXPECT_EQ(memory->search(ids, std::vector<float>{1}, 1).error().code, ec::segment_not_loaded);
  auto loaded = memory->load({segment_id{1}, collection_id{1}, "", 10});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->rows, 10);
  EXPECT_EQ(memory->search(ids, std::vector<float>{1, 2}, 1).error().code, ec::parameter_invalid);
  EXPECT_EQ(memory->search(ids, std::vector<float>{std::nanf("")}, 1).error().code, ec::parameter_invalid);
  EXPECT_TRUE(memory->find_by_name(ids, "x")->empty());
  memory->release(segment_id{1});
  EXPECT_EQ(memory->find_by_name(ids, "x").error().code, ec::segment_not_loaded);
}

} // namespace
} // namespace muster
