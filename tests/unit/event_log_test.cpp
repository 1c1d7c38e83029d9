// The log of events: nothing is changed by its coding, it stays inside its bounds, and the newest are kept.
#include "actors/core/event_log.hpp"

#include "tests/unit/dice.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using schema::EventKind;

log_event random_event(dice& d, std::int64_t now) {
  log_event e;
  e.at = now;
  e.kind = static_cast<EventKind>(1 + d.below(29));
  const auto id = [&] { return d.below(4) == 0 ? static_cast<std::int64_t>(d.next()) : static_cast<std::int64_t>(d.below(50)); };
  e.collection = id();
  e.replica = id();
  e.segment = d.below(2) == 0 ? 0 : id();
  e.channel = d.below(3) == 0 ? "c" + std::to_string(d.below(9)) : "";
  e.node = id();
  e.source = id();
  e.task = id();
  if (e.task != 0) {
    e.task_kind = static_cast<schema::TaskKind>(1 + d.below(13));
    e.proposer = static_cast<schema::Proposer>(1 + d.below(6));
  }
  e.rule = d.below(2) == 0 ? reason::none : reason::segment_lacking;
  e.outcome = d.below(2) == 0 ? reason::none : reason::order_refused;
  e.took_us = id();
  e.waited_us = id();
  e.worked_us = id();
  e.trace_id = static_cast<std::uint64_t>(id());
  e.text = d.below(4) == 0 ? "text " + std::to_string(d.below(5)) : "";
  e.situation = static_cast<std::uint64_t>(id());
  e.target_version = id();
  e.choice.score = d.below(2) == 0 ? 0 : static_cast<double>(d.below(1000)) / 64;
  e.choice.runner_up = id();
  if (e.choice.runner_up != 0)
    e.choice.runner_up_score = static_cast<double>(d.below(1000)) / 64;
  e.choice.gain = d.below(2) == 0 ? 0 : static_cast<double>(d.below(1000)) / 64;
  return e;
}

void expect_same(const log_event& a, const log_event& b) {
  EXPECT_EQ(a.at, b.at);
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.collection, b.collection);
  EXPECT_EQ(a.replica, b.replica);
  EXPECT_EQ(a.segment, b.segment);
  EXPECT_EQ(a.channel, b.channel);
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.task, b.task);
  EXPECT_EQ(a.task_kind, b.task_kind);
  EXPECT_EQ(a.proposer, b.proposer);
  EXPECT_EQ(a.rule, b.rule);
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.took_us, b.took_us);
  EXPECT_EQ(a.waited_us, b.waited_us);
  EXPECT_EQ(a.worked_us, b.worked_us);
  EXPECT_EQ(a.trace_id, b.trace_id);
  EXPECT_EQ(a.text, b.text);
  EXPECT_EQ(a.situation, b.situation);
  EXPECT_EQ(a.target_version, b.target_version);
  EXPECT_EQ(a.choice, b.choice);
}

TEST(event_log, what_is_read_is_what_was_added_in_order_and_by_subject) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    dice d{seed};
    event_log log{1'000'000, 1u << 30};
    std::vector<log_event> all;
    std::int64_t now = static_cast<std::int64_t>(d.below(1'000'000)) * 1'000;
    for (int i = 0; i < 2'000; ++i) {
      now += static_cast<std::int64_t>(d.below(5'000)) * 1'000;
      all.push_back(random_event(d, now));
      ASSERT_EQ(log.add(all.back()), all.size());
    }
    std::size_t seen = 0;
    log.forward(1, [&](const log_event& e) {
      EXPECT_EQ(e.number, seen + 1);
      expect_same(e, all[seen++]);
      return !testing::Test::HasFailure();
    });
    ASSERT_EQ(seen, all.size());
    log.backward(log.next(), [&](const log_event& e) {
      expect_same(e, all[--seen]);
      return !testing::Test::HasFailure();
    });
    ASSERT_EQ(seen, 0u);
    const auto some = static_cast<std::size_t>(d.below(static_cast<std::int64_t>(all.size())));
    expect_same(*log.at(some + 1), all[some]);
    for (std::int64_t segment = 1; segment < 10; ++segment) {
      std::vector<std::uint64_t> expected;
      for (std::size_t i = all.size(); i-- > 0;)
        if (all[i].segment == segment)
          expected.push_back(i + 1);
      std::vector<std::uint64_t> found;
      log.backward_of_segment(segment, [&](const log_event& e) {
        found.push_back(e.number);
        return true;
      });
      EXPECT_EQ(found, expected);
    }
    std::vector<std::uint64_t> expected;
    for (std::size_t i = all.size(); i-- > 0;)
      if (all[i].segment == 0 && all[i].channel == "c3")
        expected.push_back(i + 1);
    std::vector<std::uint64_t> found;
    log.backward_of_channel("c3", [&](const log_event& e) {
      found.push_back(e.number);
      return true;
    });
    EXPECT_EQ(found, expected);
  }
}

TEST(event_log, keeps_the_decisions_asked_for_and_forgets_the_oldest_blocks) {
  event_log log{1'000, 1u << 30};
  for (int i = 1; i <= 10'000; ++i) {
    log_event e;
    e.kind = i % 2 == 0 ? EventKind::TASK_ADMITTED : EventKind::TASK_ENDED;
    e.segment = i % 7 + 1;
    log.add(e);
    EXPECT_LE(log.decisions(), 1'000 + event_log::block_events);
  }
  EXPECT_GE(log.decisions(), 1'000u);
  EXPECT_GT(log.first(), 7'000u);
  EXPECT_FALSE(log.at(log.first() - 1));
  std::size_t found = 0;
  log.backward_of_segment(3, [&](const log_event& e) {
    EXPECT_EQ(e.segment, 3);
    ++found;
    return true;
  });
  EXPECT_GE(found, (log.next() - log.first()) / 7 - 1);
}

TEST(event_log, a_million_decisions_and_their_ends_fit_into_fifty_megabytes) {
  event_log log{1'000'000, 50u << 20};
  std::int64_t task = 1'000;
  for (std::int64_t i = 0; i < 1'000'000; ++i) {
    log_event e;
    e.at = i * 10'000;
    e.kind = EventKind::TASK_ADMITTED;
    e.collection = 1 + i / 100 % 10'000;
    e.replica = 20'000 + e.collection;
    e.segment = 100'000 + i;
    e.channel = "collection-" + std::to_string(e.collection) + "-0";
    e.node = 1 + i * 7 % 100;
    e.task = ++task;
    e.task_kind = schema::TaskKind::LOAD_SEGMENT;
    e.proposer = schema::Proposer::SEGMENT_CHECKER;
    e.rule = reason::segment_lacking;
    e.choice = {0, 1.03 + static_cast<double>(i % 9), 1 + i * 3 % 100, 1.05 + static_cast<double>(i % 9), 0};
    e.situation = static_cast<std::uint64_t>(i / 50);
    e.target_version = 7 + e.collection;
    log.add(e);
    log_event end = e;
    end.kind = EventKind::TASK_ENDED;
    end.at += 3'000'000;
    end.choice = {};
    end.rule = reason::none;
    end.situation = 0;
    end.target_version = 0;
    end.outcome = reason::done;
    end.waited_us = 100 + i % 50;
    end.worked_us = 2'500 + i % 300;
    end.took_us = end.waited_us + end.worked_us + 40; // until the report was here
    log.add(end);
  }
  EXPECT_GE(log.decisions(), 1'000'000u) << log.bytes() << " bytes";
  EXPECT_LE(log.bytes(), 50u << 20);
  RecordProperty("bytes", std::to_string(log.bytes()));
}

TEST(event_log, numbers_go_on_from_where_they_are_told_to_begin) {
  event_log log{10, 1u << 20, (7ull << 32) + 1};
  log_event e;
  e.kind = EventKind::TASK_ADMITTED;
  e.segment = 3;
  for (int i = 0; i < 2'000; ++i)
    EXPECT_EQ(log.add(e), (7ull << 32) + 1 + static_cast<std::uint64_t>(i));
  EXPECT_EQ(log.forgotten(), log.first() - ((7ull << 32) + 1));
  EXPECT_GT(log.forgotten(), 0u);
  std::size_t found = 0;
  log.backward_of_segment(3, [&](const log_event& x) {
    EXPECT_EQ(x.number, log.next() - 1 - found++);
    return true;
  });
  EXPECT_EQ(found, log.next() - log.first());
}

TEST(event_log, long_texts_are_cut) {
  event_log log{10, 1u << 20};
  log_event e;
  e.kind = EventKind::NODE_REFUSED;
  e.text.assign(5'000, 'x');
  log.add(e);
  EXPECT_EQ(log.at(1)->text.size(), event_log::text_bytes);
}

} // namespace
} // namespace muster
