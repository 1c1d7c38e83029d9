// Explanations: for each way in which something can be wrong, the cause that is named, since when, and what would unblock it.
#include "actors/core/inspection.hpp"

#include "actors/core/reads.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace muster {
namespace {

using schema::EventKind;

constexpr std::int64_t ms = 1'000'000;

/// A world that an inspection follows: collection 1 "c1" with the segments 11 to 14 on the nodes 1 to 3.
class explained : public testing::Test {
public:
  explained() {
    w.usable({1, 2, 3}).loaded(1, {{1, 2, 3}});
    for (std::int64_t s : {11, 12, 13, 14})
      w.segment(1, s);
    w.settle(1);
    pass();
  }

  /// What was changed in `w` is published, a moment later.
  void pass(std::int64_t millis = 10) {
    now += millis * ms;
    inspected.hear(w.view, w.whole(), now);
  }

  void switches(const std::function<void(switches_row&)>& edit) {
    edit(switched);
    change_set set;
    set.put({schema::ChunkKind::SWITCHES, 0, 0}, chunk_of(switched));
    now += 10 * ms;
    inspected.hear(w.view, w.publish({}, std::move(set)), now);
  }

  void notice(EventKind kind, const std::function<void(schema::Event::Builder)>& fill) {
    now += 10 * ms;
    inspected.notices(build<schema::Notices>([&](schema::Notices::Builder b) {
                        auto e = b.initEvents(1)[0];
                        e.setKind(kind);
                        fill(e);
                      }).read(),
                      w.view, now);
  }

  /// A task on segment `segment` (0: on channel a) began and ended like this.
  void task_ended(schema::TaskKind kind, std::int64_t segment, std::int64_t node, reason end, const std::string& error) {
    now += 10 * ms;
    ++task;
    inspected.news(build<schema::TaskNews>([&](schema::TaskNews::Builder b) {
                     auto all = b.initChanges(2);
                     for (auto c : {all[0], all[1]}) {
                       auto t = c.initTask();
                       t.setId(task);
                       t.setKind(kind);
                       t.setProposer(schema::Proposer::SEGMENT_CHECKER);
                       t.setCollection(1);
                       t.setReplica(101);
                       t.setSegment(segment);
                       t.setChannel("a");
                       t.setNode(node);
                       t.setReason(static_cast<std::uint16_t>(reason::segment_lacking));
                       c.setAt(now);
                     }
                     all[0].setKind(EventKind::TASK_ADMITTED);
                     auto choice = all[0].initChoice();
                     choice.setScore(0.5);
                     choice.setRunnerUp(node % 3 + 1);
                     choice.setRunnerUpScore(0.75);
                     all[0].setSituation(w.view.number());
                     all[1].setKind(EventKind::TASK_ENDED);
                     all[1].getTask().setEnd(static_cast<std::uint16_t>(end));
                     all[1].getTask().setError(error);
                     all[1].setTookUs(1'500);
                   }).read(),
                   w.view, {}, now);
  }

  explanation why(const std::string& subject, const std::string& name, const std::string& collection = {}) {
    auto request = build<schema::ExplainRequest>([&](schema::ExplainRequest::Builder b) {
      b.setSubject(subject);
      b.setName(name);
      b.setCollection(collection);
    });
    result<explanation> found = failure{ec::internal, {}};
    last = build<schema::ExplainReply>([&](schema::ExplainReply::Builder b) {
      found = inspected.explain(request.read(), w.view, with_switches(given, w.view.switches()), now, b);
    });
    return found ? *found : explanation{};
  }

  void expect(const explanation& e, cause c, unblocking u) {
    EXPECT_EQ(to_string(e.why), to_string(c)) << e.text;
    EXPECT_EQ(to_string(e.unblocked_by), to_string(u)) << e.unblock_text;
    EXPECT_EQ(e.served, c == cause::none);
    if (c != cause::none) {
      EXPECT_FALSE(e.text.empty());
      EXPECT_FALSE(e.unblock_text.empty());
      ASSERT_FALSE(e.conditions.empty());
      EXPECT_EQ(e.conditions.back().name, c);
      EXPECT_FALSE(e.conditions.back().met);
      for (std::size_t i = 0; i + 1 < e.conditions.size(); ++i)
        EXPECT_TRUE(e.conditions[i].met) << "two causes: " << to_string(e.conditions[i].name);
    }
  }

  /// Segment 11 is nowhere.
  void lose_segment() {
    for (std::int64_t n : {1, 2, 3})
      w.uncopy(1, 11, n);
    w.route(1, 11, 1, 0);
    w.lead(1, "a", 1, 101, 5, 1, false);
  }

  world w;
  inspection inspected{1'000};
  setting_table given;
  switches_row switched;
  std::int64_t now = 1'000'000 * ms;
  std::int64_t task = 70;
  msg<schema::ExplainReply> last;
};

TEST_F(explained, what_is_as_it_should_be_says_so_why_it_is_here_and_what_would_move_it) {
  task_ended(schema::TaskKind::LOAD_SEGMENT, 12, 2, reason::done, "");
  const auto e = why("segment", "12");
  expect(e, cause::none, unblocking::nothing);
  EXPECT_EQ(e.subject, "segment 12 of collection c1");
  EXPECT_EQ(e.actual, "on n2 (2)");
  EXPECT_NE(e.why_here.find("task 71"), std::string::npos) << e.why_here;
  EXPECT_NE(e.why_here.find("score 0.5 before n3 (3) with 0.75"), std::string::npos) << e.why_here;
  EXPECT_NE(e.would_move.find("evenness"), std::string::npos) << e.would_move;
  EXPECT_EQ(e.nodes.size(), 3u);
  for (const char* subject : {"collection", "replica", "channel", "node"})
    expect(why(subject, std::string_view{subject} == "collection" ? "c1" : std::string_view{subject} == "replica" ? "101"
                        : std::string_view{subject} == "channel" ? "a" : "n1"),
           cause::none, unblocking::nothing);
}

TEST_F(explained, nobody_asked_for_it) {
  expect(why("collection", "other"), cause::not_asked_for, unblocking::load_request);
}

TEST_F(explained, a_load_that_was_refused_is_told_with_its_refusal) {
  const auto refused = [&](const char* text) {
    notice(EventKind::REQUEST_ANSWERED, [&](auto e) {
      e.setChannel("other");
      e.setText(text);
    });
  };
  refused("loadCollection other refused: resource_group_node_not_enough: no nodes");
  expect(why("collection", "other"), cause::load_refused, unblocking::load_request);
  refused("loadCollection other refused: io_failed: the catalogue cannot be read");
  expect(why("collection", "other"), cause::data_source_down, unblocking::data_source_answers);
  refused("loadCollection other: done");
  expect(why("collection", "other"), cause::not_asked_for, unblocking::load_request);
}

TEST_F(explained, a_load_that_was_given_up_says_what_it_waited_for_until_it_is_loaded_again) {
  notice(EventKind::LOAD_GIVEN_UP, [](auto e) {
    e.setCollection(2);
    e.setChannel("c2");
    e.setText("nothing moved for 600 s, so it was given up: channel a has no leader");
  });
  now += 5'000 * ms;
  const auto e = why("collection", "c2");
  expect(e, cause::load_given_up, unblocking::load_request);
  EXPECT_NE(e.text.find("has no leader"), std::string::npos);
  EXPECT_EQ(last->getExplanation().getSinceMs(), 5'000);
  w.loaded(2, {{1}}).desired->name = "c2";
  w.settle(2);
  pass();
  expect(why("collection", "c2"), cause::none, unblocking::nothing);
}

TEST_F(explained, a_full_disk_is_the_cause_of_what_cannot_begin_until_a_write_succeeds) {
  notice(EventKind::JOURNAL_FAILED, [](auto e) { e.setText("database or disk is full"); });
  expect(why("collection", "c1"), cause::none, unblocking::nothing); // reads go on
  expect(why("collection", "other"), cause::journal_failed, unblocking::journal_writable);
  notice(EventKind::JOURNAL_RECOVERED, [](auto) {});
  expect(why("collection", "other"), cause::not_asked_for, unblocking::load_request);
}

TEST_F(explained, a_data_source_that_does_not_answer) {
  notice(EventKind::PULL_FAILED, [](auto e) {
    e.setCollection(1);
    e.setText("io_failed: the catalogue cannot be read");
  });
  expect(why("collection", "c1"), cause::data_source_down, unblocking::data_source_answers);
  w.collections[1].head->current = 0;
  pass();
  expect(why("segment", "11"), cause::not_in_target, unblocking::target_loaded);
  expect(why("replica", "101"), cause::data_source_down, unblocking::data_source_answers);
  notice(EventKind::PULL_RECOVERED, [](auto e) { e.setCollection(1); });
  expect(why("replica", "101"), cause::target_coming, unblocking::target_loaded);
}

TEST_F(explained, a_group_without_nodes) {
  for (std::int64_t n : {1, 2, 3})
    w.gone(n);
  w.collections[1].desired->replicas[0].nodes.clear();
  pass();
  now += 300 * ms;
  for (const auto& [subject, name] : {std::pair{"collection", "c1"}, {"replica", "101"}, {"channel", "a"}, {"segment", "11"}})
    expect(why(subject, name), cause::no_node_in_group, unblocking::node_joins_group);
  EXPECT_EQ(last->getExplanation().getSinceMs(), 300);
}

TEST_F(explained, a_group_whose_only_node_is_suspended) {
  w.gone(1).gone(2);
  w.collections[1].desired->replicas[0].nodes.clear();
  w.group("away", {3}).usable({3});
  w.collections[1].desired->replicas[0].resource_group = "near";
  w.group("near", {});
  pass();
  switches([](auto& s) { s.suspended_nodes.insert(3); });
  expect(why("collection", "c1"), cause::node_suspended, unblocking::node_resumed);
  expect(why("node", "n3"), cause::node_suspended, unblocking::node_resumed);
}

TEST_F(explained, other_replicas_have_the_nodes) {
  auto row = w.collections[1].desired->replicas[0];
  row.id = 102;
  row.nodes.clear();
  w.collections[1].desired->replicas.push_back(row);
  pass();
  const auto e = why("collection", "c1");
  expect(e, cause::replica_without_node, unblocking::node_joins_group);
  EXPECT_EQ(e.replica, 102);
}

TEST_F(explained, nodes_that_have_not_reported_or_are_silent_or_stop_or_are_gone) {
  w.unknown(2).unlead(1, "a", 1);
  pass();
  expect(why("channel", "a"), cause::node_not_reported, unblocking::node_reports);
  expect(why("node", "n2"), cause::node_not_reported, unblocking::node_reports);
  w.suspect(2);
  pass();
  now += 40 * ms;
  expect(why("channel", "a"), cause::node_suspect, unblocking::node_heard_again);
  EXPECT_EQ(last->getExplanation().getSinceMs(), 40);
  w.usable({2}).nodes.at(2).stopping = true;
  pass();
  expect(why("node", "n2"), cause::node_stopping, unblocking::node_emptied);
  w.gone(2);
  pass();
  expect(why("node", "n2"), cause::node_gone, unblocking::node_heard_again);
}

TEST_F(explained, a_leader_whose_worker_is_silent_cannot_be_searched) {
  w.nodes.at(2).liveness = schema::NodeLiveness::SUSPECT; // its tables are still there
  pass();
  const auto e = why("channel", "a");
  expect(e, cause::node_suspect, unblocking::node_heard_again);
  EXPECT_NE(e.text.find("n2"), std::string::npos);
}

TEST_F(explained, a_checker_that_is_switched_off) {
  lose_segment();
  pass();
  expect(why("segment", "11"), cause::segment_not_placed, unblocking::checker_looks);
  switches([](auto& s) { s.inactive_checkers.insert("segment_checker"); });
  expect(why("segment", "11"), cause::checker_off, unblocking::checker_activated);
  expect(why("collection", "c1"), cause::checker_off, unblocking::checker_activated);
  switches([](auto& s) { s.inactive_checkers = {"channel_checker"}; });
  w.unlead(1, "a", 1);
  pass();
  expect(why("channel", "a"), cause::checker_off, unblocking::checker_activated);
}

TEST_F(explained, failures_are_named_by_what_failed_until_one_succeeds) {
  lose_segment();
  pass();
  const auto first = now;
  for (int i = 0; i < 3; ++i)
    task_ended(schema::TaskKind::LOAD_SEGMENT, 11, 2, reason::order_failed, "file_not_found: segment 11: /store/1/11.segment is missing");
  const auto e = why("segment", "11");
  expect(e, cause::segment_file_missing, unblocking::file_restored);
  EXPECT_NE(e.text.find("3 attempts"), std::string::npos) << e.text;
  EXPECT_EQ(last->getExplanation().getSinceMs(), (now - first) / ms - 10);
  task_ended(schema::TaskKind::LOAD_SEGMENT, 11, 2, reason::order_failed, "io_corrupt: its vectors fail their checksum");
  expect(why("segment", "11"), cause::segment_file_damaged, unblocking::file_restored);
  task_ended(schema::TaskKind::LOAD_SEGMENT, 11, 2, reason::order_refused, "too_many_requests: busy");
  expect(why("segment", "11"), cause::node_refuses, unblocking::node_accepts);
  task_ended(schema::TaskKind::LOAD_SEGMENT, 11, 2, reason::order_unknown, "deadline_exceeded: no answer");
  expect(why("segment", "11"), cause::load_failed, unblocking::node_accepts);
  task_ended(schema::TaskKind::LOAD_SEGMENT, 11, 2, reason::done, "");
  expect(why("segment", "11"), cause::segment_not_placed, unblocking::checker_looks);
}

TEST_F(explained, tasks_in_flight_and_too_many_of_them) {
  lose_segment();
  auto t = a_task(schema::TaskKind::LOAD_SEGMENT, 101, 11);
  t.node = 3;
  t.admitted_at = now;
  w.collections[1].tasks = {t};
  pass();
  expect(why("segment", "11"), cause::task_waiting, unblocking::tasks_end);
  w.collections[1].tasks[0].running = true;
  pass();
  expect(why("segment", "11"), cause::task_running, unblocking::order_answered);
  // Of another collection, which is not wanted any more: they count all the same.
  w.collections[1].tasks.clear();
  for (std::int64_t i = 1; i <= 950; ++i)
    w.collections[9].tasks.push_back(a_task(schema::TaskKind::RELEASE_SEGMENT, 0, 10'000 + i));
  pass();
  expect(why("segment", "11"), cause::task_limit, unblocking::tasks_end);
  w.collections[9].tasks.resize(100);
  pass();
  expect(why("segment", "11"), cause::segment_not_placed, unblocking::checker_looks);
}

TEST_F(explained, a_leader_that_is_behind_and_who_would_tell_it) {
  w.route(1, 11, 1, 0).lead(1, "a", 1, 101, 5, 1, false);
  pass();
  expect(why("segment", "11"), cause::leader_behind, unblocking::order_answered);
  switches([](auto& s) { s.inactive_checkers.insert("leader_checker"); });
  expect(why("segment", "11"), cause::leader_behind, unblocking::checker_activated);
  w.route(1, 11, 1, 1).lead(1, "a", 1, 101, 4, 1, true);
  pass();
  expect(why("channel", "a"), cause::leader_behind, unblocking::checker_activated);
}

TEST_F(explained, a_leader_that_lacks_something_else_than_what_was_asked_for) {
  w.lead(1, "a", 1, 101, 5, 1, false);
  pass();
  expect(why("segment", "12"), cause::leader_incomplete, unblocking::target_loaded);
}

TEST_F(explained, a_newer_target_that_is_on_its_way) {
  w.collections[1].head->next = 6;
  w.segment(1, 15, 100, 0, 6);
  pass();
  expect(why("segment", "15"), cause::segment_not_placed, unblocking::checker_looks);
  expect(why("collection", "c1"), cause::segment_not_placed, unblocking::checker_looks);
  w.copy(1, 15, 2).route(1, 15, 1, 2);
  pass();
  expect(why("collection", "c1"), cause::target_coming, unblocking::target_loaded);
}

TEST_F(explained, two_nodes_of_one_name_as_long_as_the_other_still_tries) {
  notice(EventKind::NODE_REFUSED, [](auto e) {
    e.setChannel("n2");
    e.setText("a node named n2 is already connected from host2:1");
  });
  expect(why("node", "n2"), cause::name_taken, unblocking::other_node_stopped);
  now += 60'000 * ms;
  expect(why("node", "n2"), cause::none, unblocking::nothing);
}

TEST_F(explained, evenness_that_is_switched_off_while_a_node_is_empty) {
  for (std::int64_t s : {11, 12, 13, 14}) {
    for (std::int64_t n : {1, 2, 3})
      w.uncopy(1, s, n);
    w.copy(1, s, 1).route(1, s, 1, 1);
  }
  pass();
  switches([](auto& s) { s.settings["queryCoord.autoBalance"] = "false"; });
  expect(why("node", "n3"), cause::balance_off, unblocking::balance_resumed);
  switches([](auto& s) {
    s.settings.clear();
    s.inactive_checkers.insert("balance_checker");
  });
  expect(why("node", "n3"), cause::balance_off, unblocking::balance_resumed);
  switches([](auto& s) { s.inactive_checkers.clear(); });
  expect(why("node", "n3"), cause::none, unblocking::nothing);
}

TEST_F(explained, a_node_that_nothing_uses_and_one_that_a_full_group_keeps_out) {
  w.usable({4}).group("rg", {}, 1, 1);
  pass();
  expect(why("node", "n4"), cause::no_replica_in_group, unblocking::load_request);
  w.groups.at("rg").nodes = {1};
  w.collections[1].desired->replicas[0].resource_group = "rg";
  pass();
  expect(why("node", "n4"), cause::group_limits_full, unblocking::group_limits_raised);
}

TEST_F(explained, segments_channels_and_replicas_are_found_in_whatever_collection_they_are_until_it_is_released) {
  w.loaded(2, {{1, 2}}, 2).desired->replicas[0].id = 201;
  w.collections[2].head->channels = {"x", "y"};
  w.collections[2].desired->name = "c2";
  w.segment(2, 500).segment(2, 3, 100, 1).settle(2);
  pass();
  for (const auto& [subject, name] : {std::pair{"segment", "500"}, {"segment", "3"}, {"channel", "y"}, {"replica", "201"}})
    EXPECT_NE(why(subject, name).subject.find("of collection c2"), std::string::npos) << subject << " " << name;
  EXPECT_NE(why("segment", "12").subject.find("of collection c1"), std::string::npos);
  w.segment(1, 900, 100, 0, 5);
  w.copy(1, 900, 2).route(1, 900, 1, 2);
  w.publish_segments(1, {900});
  pass();
  EXPECT_NE(why("segment", "900").subject.find("of collection c1"), std::string::npos);
  EXPECT_NE(why("segment", "500").subject.find("of collection c2"), std::string::npos);
  w.collections[2].desired.reset();
  pass();
  expect(why("segment", "500"), cause::not_asked_for, unblocking::load_request); // nodes still hold it
  why("replica", "201");
  EXPECT_EQ(static_cast<ec>(last->getStatus().getCode()), ec::replica_not_found);
  why("channel", "y");
  EXPECT_EQ(static_cast<ec>(last->getStatus().getCode()), ec::channel_not_found);
}

TEST_F(explained, tasks_are_explained_by_their_decision_and_their_end) {
  task_ended(schema::TaskKind::MOVE_SEGMENT, 12, 3, reason::order_failed, "io_failed: no");
  const auto e = why("task", "71");
  EXPECT_TRUE(e.served);
  EXPECT_NE(e.desired.find("chose n3 (3)"), std::string::npos) << e.desired;
  EXPECT_NE(e.actual.find("order_failed: io_failed: no"), std::string::npos) << e.actual;
}

TEST_F(explained, what_is_not_there_is_told_apart_from_what_is_wrong) {
  const auto code = [&](const char* subject, const char* name, const char* collection = "") {
    why(subject, name, collection);
    return static_cast<ec>(last->getStatus().getCode());
  };
  EXPECT_EQ(code("segment", "99"), ec::segment_not_found);
  EXPECT_EQ(code("segment", "11", "no"), ec::collection_not_found);
  EXPECT_EQ(code("segment", "eleven"), ec::segment_not_found);
  EXPECT_EQ(code("channel", "z"), ec::channel_not_found);
  EXPECT_EQ(code("replica", "7"), ec::replica_not_found);
  EXPECT_EQ(code("node", "n9"), ec::node_not_found);
  EXPECT_EQ(code("task", "1"), ec::parameter_invalid);
  EXPECT_EQ(code("weather", "1"), ec::parameter_invalid);
  EXPECT_EQ(code("segment", ""), ec::parameter_missing);
}

TEST_F(explained, every_cause_and_unblocking_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(cause::leader_incomplete); ++i)
    EXPECT_TRUE(names.insert(to_string(static_cast<cause>(i))).second);
  names.clear();
  for (std::size_t i = 0; i <= static_cast<std::size_t>(unblocking::checker_looks); ++i)
    EXPECT_TRUE(names.insert(to_string(static_cast<unblocking>(i))).second);
}

// -- events -----------------------------------------------------------------------------

class timelines : public explained {
public:
  std::vector<log_event> events(const std::string& subject, const std::string& name, std::uint64_t after = 0, std::size_t limit = 100) {
    auto request = build<schema::ListEventsRequest>([&](schema::ListEventsRequest::Builder b) {
      b.setSubject(subject);
      b.setName(name);
    });
    const auto filter = inspected.filter_of(request.read(), w.view);
    EXPECT_TRUE(filter) << (filter ? "" : filter.error().text);
    next = after;
    return inspected.events(*filter, next, limit);
  }

  std::uint64_t next = 0;
};

TEST_F(timelines, a_segment_a_node_and_a_collection_have_theirs_in_order) {
  task_ended(schema::TaskKind::LOAD_SEGMENT, 12, 2, reason::done, "");
  task_ended(schema::TaskKind::MOVE_SEGMENT, 13, 3, reason::done, "");
  w.gone(2);
  pass();
  const auto of_segment = events("segment", "12");
  ASSERT_EQ(of_segment.size(), 2u);
  EXPECT_EQ(of_segment[0].kind, EventKind::TASK_ADMITTED);
  EXPECT_EQ(of_segment[1].kind, EventKind::TASK_ENDED);
  const auto of_node = events("node", "n2");
  ASSERT_EQ(of_node.size(), 3u);
  EXPECT_EQ(of_node.back().kind, EventKind::NODE_GONE);
  const auto of_collection = events("collection", "c1");
  EXPECT_EQ(of_collection.size(), 5u) << "four of tasks, and the leader that lost its worker";
  EXPECT_EQ(events("", "").size(), 6u);
}

TEST_F(timelines, pages_follow_each_other_without_gap_or_repetition) {
  for (int i = 0; i < 25; ++i)
    task_ended(schema::TaskKind::LOAD_SEGMENT, 11 + i % 4, 1 + i % 3, reason::done, "");
  for (const auto& [subject, name] : {std::pair{"", ""}, {"segment", "12"}, {"node", "n2"}}) {
    const auto all = events(subject, name, 0, 1'000);
    std::vector<std::uint64_t> paged;
    std::uint64_t after = all.front().number;
    for (int page = 0; page < 100; ++page) {
      const auto some = events(subject, name, after, 3);
      if (some.empty())
        break;
      for (const auto& e : some)
        paged.push_back(e.number);
      after = next;
    }
    ASSERT_EQ(paged.size() + 1, all.size()) << subject;
    for (std::size_t i = 0; i < paged.size(); ++i)
      EXPECT_EQ(paged[i], all[i + 1].number);
  }
}

TEST_F(timelines, who_knows_a_number_of_an_earlier_start_misses_nothing_of_this_one) {
  inspected = inspection{1'000, (2ull << 32) + 1};
  pass();
  w.gone(2);
  pass();
  const auto all = events("", "");
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.front().number, (2ull << 32) + 1);
  const auto since = events("", "", (1ull << 32) + 500'000); // of the start before, which had many more
  ASSERT_EQ(since.size(), all.size());
  EXPECT_EQ(since.front().number, all.front().number);
}

TEST_F(timelines, what_was_recovered_at_the_start_is_no_event) {
  EXPECT_TRUE(events("", "").empty());
}

TEST_F(timelines, the_same_problem_again_is_no_event) {
  for (int i = 0; i < 5; ++i) {
    notice(EventKind::JOURNAL_FAILED, [](auto e) { e.setText("full"); });
    notice(EventKind::NODE_REFUSED, [](auto e) {
      e.setChannel("n2");
      e.setText("taken");
    });
  }
  EXPECT_EQ(events("", "").size(), 2u);
}

TEST_F(timelines, decisions_remember_every_node_that_was_compared) {
  task_ended(schema::TaskKind::LOAD_SEGMENT, 12, 2, reason::done, "");
  const auto e = events("segment", "12").front();
  const auto written = build<schema::Event>([&](schema::Event::Builder b) { inspected.write(b, e, w.view, 0, true); });
  ASSERT_EQ(written->getDecision().getCandidates().size(), 3u);
  EXPECT_EQ(view(written->getDecision().getCandidates()[1].getVerdict()), "chosen");
  EXPECT_EQ(view(written->getDecision().getRule()), "segment_lacking");
  EXPECT_EQ(view(written->getTaskKind()), "load_segment");
  EXPECT_EQ(written->getDecision().getRunnerUp(), 3);
}

} // namespace
} // namespace muster
