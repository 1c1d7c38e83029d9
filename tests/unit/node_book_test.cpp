// Rules of the report book, the segment table and the search merge of a node.
#include "actors/core/node_book.hpp"
#include "actors/core/node_search.hpp"
#include "actors/core/node_segments.hpp"
#include "messages/limits.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

reported_copy a_copy(std::int64_t id, std::int64_t version = 1) {
  return {segment_id{id}, collection_id{7}, partition_id{1}, version, 10, 100, 1};
}

shard_key key_of(const std::string& channel) {
  return {collection_id{7}, channel, replica_id{9}};
}

shard_actions::report whole(std::int64_t segments) {
  shard_actions::report r{true, 100, 5, true, {}, {}};
  for (std::int64_t i = 1; i <= segments; ++i)
    r.set.emplace_back(segment_id{i}, node_id{1});
  return r;
}

// -- the book -------------------------------------------------------------------

TEST(node_book_rules, a_mark_names_the_report_that_contains_the_change) {
  node_book book{100};
  EXPECT_EQ(book.mark(), 0u);
  book.put_copy(a_copy(1));
  const auto mark = book.mark();
  book.put_copy(a_copy(2));
  EXPECT_EQ(book.mark(), mark);
  auto pages = book.take_changes();
  ASSERT_EQ(pages.size(), 1u);
  EXPECT_EQ(pages[0].seq, mark);
  EXPECT_EQ(pages[0].copies.size(), 2u);
  EXPECT_FALSE(pages[0].full);
  EXPECT_FALSE(pages[0].complete);
  // Nothing new: the newest report already has it.
  EXPECT_EQ(book.mark(), mark);
  EXPECT_TRUE(book.take_changes().empty());
}

TEST(node_book_rules, sequence_numbers_go_on_while_nobody_is_there_to_write_to) {
  node_book book{100};
  book.put_copy(a_copy(1));
  EXPECT_EQ(book.mark(), 1u);
  book.skip();
  book.put_copy(a_copy(2));
  EXPECT_EQ(book.mark(), 2u);
  book.skip();
  auto pages = book.take_all();
  ASSERT_EQ(pages.size(), 1u);
  EXPECT_EQ(pages[0].seq, 3u);
  EXPECT_TRUE(pages[0].full);
  EXPECT_TRUE(pages[0].complete);
  EXPECT_EQ(pages[0].copies.size(), 2u);
}

TEST(node_book_rules, an_empty_node_says_so_in_one_full_and_complete_page) {
  node_book book{100};
  auto pages = book.take_all();
  ASSERT_EQ(pages.size(), 1u);
  EXPECT_TRUE(pages[0].full && pages[0].complete);
}

TEST(node_book_rules, a_full_report_has_delegators_first_and_splits_large_views) {
  node_book book{4};
  book.put_delegator(key_of("a"), whole(6));
  for (int i = 1; i <= 3; ++i)
    book.put_copy(a_copy(i));
  auto pages = book.take_all();
  ASSERT_GE(pages.size(), 3u);
  std::size_t entries = 0;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    EXPECT_EQ(pages[i].seq, i + 1);
    EXPECT_EQ(pages[i].full, i == 0);
    EXPECT_EQ(pages[i].complete, i + 1 == pages.size());
    for (const auto& d : pages[i].delegators) {
      EXPECT_EQ(d.state.whole, i == 0);
      EXPECT_EQ(d.state.served, 5);
      entries += d.state.set.size();
    }
    if (i + 1 < pages.size()) {
      EXPECT_FALSE(pages[i].delegators.empty() && pages[i + 1].delegators.size() > 0);
    }
  }
  EXPECT_EQ(entries, 6u);
  EXPECT_EQ(pages.back().copies.size(), 3u);
}

TEST(node_book_rules, what_leads_can_be_said_before_what_is_held_and_nothing_in_between_is_lost) {
  node_book book{100};
  book.put_delegator(key_of("a"), whole(3));
  book.put_copy(a_copy(1));
  auto first = book.take_shards();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_TRUE(first[0].full);
  EXPECT_FALSE(first[0].complete);
  EXPECT_EQ(first[0].delegators.size(), 1u);
  EXPECT_TRUE(first[0].copies.empty());
  book.put_copy(a_copy(2));
  auto second = book.take_copies();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_FALSE(second[0].full);
  EXPECT_TRUE(second[0].complete);
  EXPECT_EQ(second[0].seq, first[0].seq + 1);
  EXPECT_EQ(second[0].copies.size(), 2u);
  EXPECT_EQ(book.take_changes().size(), 1u) << "said once more";
}

TEST(node_book_rules, changes_of_a_delegator_are_only_what_changed) {
  node_book book{100};
  book.put_delegator(key_of("a"), whole(3));
  book.take_changes();
  book.put_delegator(key_of("a"), {false, 100, 6, true, {{segment_id{4}, node_id{2}}}, {segment_id{1}}});
  auto pages = book.take_changes();
  ASSERT_EQ(pages.size(), 1u);
  ASSERT_EQ(pages[0].delegators.size(), 1u);
  const auto& d = pages[0].delegators[0].state;
  EXPECT_FALSE(d.whole);
  EXPECT_EQ(d.served, 6);
  EXPECT_EQ(d.set.size(), 1u);
  EXPECT_EQ(d.removed, std::vector<segment_id>{segment_id{1}});
}

TEST(node_book_rules, a_delegator_that_goes_and_comes_back_is_reported_whole) {
  node_book book{100};
  book.put_delegator(key_of("a"), whole(3));
  book.take_changes();
  book.remove_delegator(key_of("a"));
  book.put_delegator(key_of("a"), whole(1));
  auto pages = book.take_changes();
  ASSERT_EQ(pages.size(), 1u);
  EXPECT_TRUE(pages[0].removed_delegators.empty());
  ASSERT_EQ(pages[0].delegators.size(), 1u);
  EXPECT_TRUE(pages[0].delegators[0].state.whole);
  book.remove_delegator(key_of("a"));
  EXPECT_EQ(book.take_changes()[0].removed_delegators.size(), 1u);
}

TEST(node_book_rules, below_a_full_page_all_that_is_pending_fits_one_report) {
  node_book book{10};
  book.put_delegator(key_of("a"), whole(4));
  book.put_delegator(key_of("b"), whole(2));
  book.put_copy(a_copy(1));
  EXPECT_FALSE(book.page_is_full());
  EXPECT_EQ(book.take_changes().size(), 1u);
  book.put_delegator(key_of("c"), whole(9));
  EXPECT_TRUE(book.page_is_full());
}

TEST(node_book_rules, a_copy_that_went_is_reported_as_removed) {
  node_book book{10};
  book.put_copy(a_copy(1));
  book.take_changes();
  book.remove_copy(segment_id{1});
  book.remove_copy(segment_id{2});
  auto pages = book.take_changes();
  ASSERT_EQ(pages.size(), 1u);
  ASSERT_EQ(pages[0].removed_copies.size(), 1u);
  EXPECT_EQ(pages[0].removed_copies[0].second, collection_id{7});
}

TEST(node_book_rules, a_page_is_written_as_it_is) {
  node_book book{10};
  book.put_delegator(key_of("a"), whole(1));
  book.put_copy(a_copy(3, 8));
  auto page = book.take_all().at(0);
  auto message = build<schema::Report>([&](auto b) { page.write(b); });
  EXPECT_TRUE(message->getFull());
  EXPECT_EQ(message->getDelegators()[0].getView()[0].getWorker(), 1);
  EXPECT_EQ(message->getCopies()[0].getVersion(), 8);
}

// -- the segment table ------------------------------------------------------------

load_source source(std::int64_t id) {
  return {segment_id{id}, collection_id{7}, partition_id{1}, 10, "f"};
}

TEST(node_segments_rules, a_load_of_a_segment_that_is_being_loaded_joins_it) {
  node_segments table{1, 10};
  table.load(1, source(5), 100);
  table.load(2, source(5), 101);
  auto act = table.take();
  EXPECT_EQ(act.starts.size(), 1u);
  EXPECT_TRUE(act.answers.empty());
  table.done(segment_id{5}, std::nullopt, {10, 99, 2});
  act = table.take();
  EXPECT_EQ(act.answers.size(), 2u);
  ASSERT_EQ(act.copies.size(), 1u);
  EXPECT_EQ(act.copies[0].version, 101);
  EXPECT_EQ(act.copies[0].bytes, 99);
}

TEST(node_segments_rules, a_loaded_segment_is_answered_at_once_and_keeps_the_higher_version) {
  node_segments table{1, 10};
  table.load(1, source(5), 100);
  table.done(segment_id{5}, std::nullopt, {10, 99, 2});
  table.take();
  table.load(2, source(5), 90);
  auto act = table.take();
  EXPECT_TRUE(act.starts.empty());
  EXPECT_TRUE(act.copies.empty());
  EXPECT_EQ(act.answers.size(), 1u);
  table.load(3, source(5), 200);
  act = table.take();
  ASSERT_EQ(act.copies.size(), 1u);
  EXPECT_EQ(act.copies[0].version, 200);
}

TEST(node_segments_rules, loads_beyond_the_loaders_wait_and_beyond_the_limit_are_refused) {
  node_segments table{2, 1};
  for (std::uint64_t i = 1; i <= 4; ++i)
    table.load(i, source(static_cast<std::int64_t>(i)), 1);
  auto act = table.take();
  EXPECT_EQ(act.starts.size(), 2u);
  ASSERT_EQ(act.answers.size(), 1u);
  EXPECT_EQ(act.answers[0].who, 4u);
  EXPECT_EQ(act.answers[0].why->code, ec::too_many_requests);
  table.done(segment_id{1}, std::nullopt, {1, 1, 1});
  act = table.take();
  ASSERT_EQ(act.starts.size(), 1u);
  EXPECT_EQ(act.starts[0].source.segment, segment_id{3});
}

TEST(node_segments_rules, a_failed_load_leaves_nothing) {
  node_segments table{1, 10};
  table.load(1, source(5), 1);
  table.take();
  table.done(segment_id{5}, failure{ec::file_not_found, "no file"}, {0, 0, 0});
  auto act = table.take();
  EXPECT_TRUE(act.copies.empty());
  EXPECT_EQ(act.answers.at(0).why->code, ec::file_not_found);
  table.load(2, source(5), 1);
  EXPECT_EQ(table.take().starts.size(), 1u);
}

TEST(node_segments_rules, a_release_while_loading_lets_the_load_finish_and_then_drops_it) {
  node_segments table{1, 10};
  table.load(1, source(5), 1);
  table.take();
  table.release(2, segment_id{5});
  EXPECT_TRUE(table.take().answers.empty());
  table.done(segment_id{5}, std::nullopt, {1, 1, 1});
  auto act = table.take();
  EXPECT_EQ(act.releases.size(), 1u);
  EXPECT_TRUE(act.copies.empty());
  ASSERT_EQ(act.answers.size(), 2u);
  EXPECT_EQ(act.answers[0].why->code, ec::cancelled);
  EXPECT_FALSE(act.answers[1].why);
}

TEST(node_segments_rules, a_load_behind_a_release_loads_anew) {
  node_segments table{1, 10};
  table.load(1, source(5), 1);
  table.take();
  table.release(2, segment_id{5});
  table.load(3, source(5), 2);
  table.done(segment_id{5}, std::nullopt, {1, 1, 1});
  auto act = table.take();
  EXPECT_EQ(act.releases.size(), 1u);
  EXPECT_EQ(act.starts.size(), 1u);
  EXPECT_EQ(act.answers.size(), 2u);
  table.done(segment_id{5}, std::nullopt, {1, 1, 1});
  act = table.take();
  EXPECT_EQ(act.copies.size(), 1u);
  EXPECT_EQ(act.answers.at(0).who, 3u);
}

TEST(node_segments_rules, a_release_of_a_waiting_load_cancels_it_and_of_an_unknown_segment_is_ok) {
  node_segments table{1, 10};
  table.load(1, source(1), 1);
  table.load(2, source(2), 1);
  table.take();
  table.release(3, segment_id{2});
  auto act = table.take();
  ASSERT_EQ(act.answers.size(), 2u);
  EXPECT_EQ(act.answers[0].why->code, ec::cancelled);
  EXPECT_FALSE(act.answers[1].why);
  EXPECT_TRUE(act.releases.empty());
  table.release(4, segment_id{99});
  EXPECT_FALSE(table.take().answers.at(0).why);
}

TEST(node_segments_rules, a_release_of_a_loaded_segment_drops_it_from_engine_and_report) {
  node_segments table{1, 10};
  table.load(1, source(1), 1);
  table.done(segment_id{1}, std::nullopt, {1, 1, 1});
  table.take();
  table.release(2, segment_id{1});
  auto act = table.take();
  EXPECT_EQ(act.releases.size(), 1u);
  EXPECT_EQ(act.removed.size(), 1u);
  EXPECT_FALSE(act.answers.at(0).why);
}

// -- searches -----------------------------------------------------------------------

msg<schema::SearchRequest> a_search(unsigned values, std::uint32_t dimension, std::uint32_t k) {
  return build<schema::SearchRequest>([&](auto b) {
    b.initVectors(values);
    b.setDimension(dimension);
    b.setK(k);
  });
}

msg<schema::SearchReply> a_part(const std::vector<std::vector<std::pair<std::int64_t, float>>>& queries) {
  return build<schema::SearchReply>([&](auto b) {
    auto list = b.initQueries(static_cast<unsigned>(queries.size()));
    for (unsigned q = 0; q < queries.size(); ++q) {
      auto hits = list[q].initHits(static_cast<unsigned>(queries[q].size()));
      for (unsigned i = 0; i < hits.size(); ++i) {
        hits[i].setId(queries[q][i].first);
        hits[i].setDistance(queries[q][i].second);
      }
    }
  });
}

TEST(node_search_rules, vectors_must_be_whole_and_within_the_limits) {
  EXPECT_EQ(*check_search(a_search(6, 3, 1).read()), 2u);
  for (auto bad : {a_search(7, 3, 1), a_search(0, 3, 1), a_search(3, 0, 1), a_search(3, 3, 0),
                   a_search(3, 3, static_cast<std::uint32_t>(limits::search_k) + 1),
                   a_search(static_cast<unsigned>(limits::search_queries) + 1, 1, 1)}) {
    auto checked = check_search(bad.read());
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, ec::parameter_invalid);
  }
}

TEST(node_search_rules, the_merge_keeps_the_k_nearest_of_each_query_ties_to_the_lower_id) {
  auto request = a_search(2, 1, 2);
  auto merged = build<schema::SearchReply>([&](auto b) {
    EXPECT_TRUE(merge_search(request.read(),
                             {a_part({{{5, 1.0f}, {9, 2.0f}}, {{1, 0.5f}}}), a_part({{{4, 1.0f}, {8, 3.0f}}, {}})}, b));
  });
  ASSERT_EQ(merged->getQueries().size(), 2u);
  auto first = merged->getQueries()[0].getHits();
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].getId(), 4);
  EXPECT_EQ(first[1].getId(), 5);
  EXPECT_EQ(merged->getQueries()[1].getHits().size(), 1u);
}

TEST(node_search_rules, a_part_that_answers_other_queries_is_no_answer) {
  auto request = a_search(2, 1, 2);
  build<schema::SearchReply>([&](auto b) { EXPECT_FALSE(merge_search(request.read(), {a_part({{}})}, b)); });
}

TEST(node_search_rules, no_parts_answer_every_query_with_no_hits) {
  auto request = a_search(3, 1, 2);
  auto merged = build<schema::SearchReply>([&](auto b) { EXPECT_TRUE(merge_search(request.read(), {}, b)); });
  EXPECT_EQ(merged->getQueries().size(), 3u);
}

TEST(node_search_rules, rows_of_a_name_come_by_id) {
  auto request = build<schema::SearchRequest>([](auto b) { b.setName("x"); });
  auto row = [](std::int64_t id) {
    return build<schema::SearchReply>([&](auto b) { b.initRows(1)[0].setId(id); });
  };
  auto merged = build<schema::SearchReply>(
    [&](auto b) { EXPECT_TRUE(merge_search(request.read(), {row(9), row(2)}, b)); });
  ASSERT_EQ(merged->getRows().size(), 2u);
  EXPECT_EQ(merged->getRows()[0].getId(), 2);
}

TEST(node_segments_rules, indexes_and_statistics_of_a_copy_that_is_here_change_one_after_the_other) {
  node_segments table{1, 10};
  table.load(1, source(5), 1);
  table.done(segment_id{5}, std::nullopt, {10, 99, 2, 4, 0});
  EXPECT_EQ(table.take().copies.at(0).indexes, 4u);
  table.update(2, source(5), {segment_update::what::drop_indexes, 4});
  table.update(3, source(5), {segment_update::what::load_stats, 2});
  auto act = table.take();
  ASSERT_EQ(act.starts.size(), 1u);
  EXPECT_EQ(act.starts[0].update->ids, 4u);
  EXPECT_TRUE(act.answers.empty());
  table.load(4, source(5), 1);
  EXPECT_EQ(table.take().answers.at(0).who, 4u) << "the copy is here meanwhile";
  table.done(segment_id{5}, std::nullopt, {10, 50, 1, 0, 0});
  act = table.take();
  EXPECT_EQ(act.answers.at(0).who, 2u);
  EXPECT_EQ(act.copies.at(0).indexes, 0u);
  EXPECT_EQ(act.copies.at(0).bytes, 50);
  ASSERT_EQ(act.starts.size(), 1u);
  EXPECT_EQ(act.starts[0].update->kind, segment_update::what::load_stats);
  table.done(segment_id{5}, failure{ec::parameter_invalid, "none"}, {});
  act = table.take();
  EXPECT_EQ(act.answers.at(0).why->code, ec::parameter_invalid);
  EXPECT_TRUE(act.copies.empty()) << "a failed change leaves the copy as it was";
  table.update(5, source(6), {segment_update::what::load_stats, 2});
  EXPECT_EQ(table.take().answers.at(0).why->code, ec::segment_not_loaded);
}

TEST(node_segments_rules, a_release_waits_for_the_change_that_runs_and_cancels_those_that_wait) {
  node_segments table{1, 10};
  table.load(1, source(5), 1);
  table.done(segment_id{5}, std::nullopt, {10, 99, 2, 4, 0});
  table.take();
  table.update(2, source(5), {segment_update::what::drop_indexes, 4});
  table.update(3, source(5), {segment_update::what::load_stats, 2});
  table.take();
  table.release(4, segment_id{5});
  table.load(5, source(5), 2);
  auto act = table.take();
  EXPECT_TRUE(act.releases.empty());
  EXPECT_TRUE(act.answers.empty());
  table.done(segment_id{5}, std::nullopt, {10, 50, 1, 0, 0});
  act = table.take();
  ASSERT_EQ(act.answers.size(), 3u);
  EXPECT_EQ(act.releases.size(), 1u);
  EXPECT_EQ(act.removed.size(), 1u);
  EXPECT_TRUE(act.copies.empty());
  ASSERT_EQ(act.starts.size(), 1u) << "what came behind the release is loaded anew";
  EXPECT_FALSE(act.starts[0].update);
  EXPECT_EQ(table.waiting(), 0u);
}

TEST(node_segments_rules, a_release_before_a_change_began_takes_it_out_of_the_queue) {
  node_segments table{1, 10};
  table.load(1, source(5), 1);
  table.done(segment_id{5}, std::nullopt, {10, 99, 2, 4, 0});
  table.load(2, source(6), 1); // takes the loader
  table.update(3, source(5), {segment_update::what::drop_indexes, 4});
  EXPECT_EQ(table.waiting(), 1u);
  table.take();
  table.release(4, segment_id{5});
  EXPECT_EQ(table.waiting(), 0u);
  EXPECT_EQ(table.take().answers.size(), 2u);
  table.done(segment_id{6}, std::nullopt, {1, 1, 1});
  EXPECT_TRUE(table.take().starts.empty());
}

TEST(node_segments_rules, loads_of_low_priority_wait_behind_all_others_until_someone_wants_them_soon) {
  node_segments table{1, 10};
  auto low = source(2);
  low.low_priority = true;
  auto low3 = source(3);
  low3.low_priority = true;
  table.load(1, source(1), 1);
  table.load(2, low, 1);
  table.load(3, low3, 1);
  table.load(4, source(4), 1);
  table.load(5, source(3), 1); // the same segment, wanted soon
  table.take();
  std::vector<std::int64_t> order;
  for (std::int64_t done : {1, 4, 3}) {
    table.done(segment_id{done}, std::nullopt, {1, 1, 1});
    order.push_back(table.take().starts.at(0).source.segment.value);
  }
  EXPECT_EQ(order, (std::vector<std::int64_t>{4, 3, 2}));
}

} // namespace
} // namespace muster
