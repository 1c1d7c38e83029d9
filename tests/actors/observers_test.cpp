// The observers as actors: targets pulled and promoted, who waits for them, loads that are given up.
#include "actors/core/failure_memory.hpp"
#include "actors/observers.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/unit/situation_builder.hpp"

#include <caf/typed_response_promise.hpp>

#include <gtest/gtest.h>

#include <map>

namespace muster {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// What the stand-ins share with the test.
struct outside {
  std::vector<m<schema::Commit>> commits;
  ec commit_code = ec::ok;
  std::int64_t commit_value = 0;
  std::map<std::int64_t, std::vector<std::int64_t>> data; ///< Segments of each collection; all in partition 1, channel "a".
  std::set<std::int64_t> broken;                          ///< Collections whose data cannot be read.
  std::set<std::int64_t> silent;                          ///< Those of whom no answer ever comes.
  std::map<std::int64_t, int> pulls;
  std::vector<caf::typed_response_promise<m<schema::DataReply>>> unanswered;
};

class observers : public actor_fixture {
protected:
  observers() : out(std::make_shared<outside>()) {
    auto o = out;
    metadata = own(system.spawn([o]() -> metadata_actor::behavior_type {
      return {
        [](const m<schema::JournalDurable>&) {},
        [](const m<schema::JournalFailed>&) {},
        [o](const m<schema::Commit>& c) {
          o->commits.push_back(c);
          return build<schema::CommitReply>([&](auto b) {
            set_status(b.initStatus(), o->commit_code, "");
            b.setValue(o->commit_value);
          });
        },
        [](subscribe_atom, const subscriber_actor&) {},
      };
    }));
    data = own(system.spawn([o](data_source_actor::pointer self) -> data_source_actor::behavior_type {
      return {
        [o, self](const m<schema::DataRequest>& r) -> caf::result<m<schema::DataReply>> {
          const auto id = r->getSegments().getCollection();
          ++o->pulls[id];
          if (o->silent.contains(id)) {
            o->unanswered.push_back(self->make_response_promise<m<schema::DataReply>>());
            return o->unanswered.back();
          }
          return build<schema::DataReply>([&](schema::DataReply::Builder b) {
            if (o->broken.contains(id)) {
              set_status(b.initStatus(), ec::io_failed, "the catalogue cannot be read");
              return;
            }
            const auto& ids = o->data[id];
            auto list = b.initSegments().initSegments(static_cast<unsigned>(ids.size()));
            for (unsigned i = 0; i < ids.size(); ++i) {
              list[i].setId(ids[i]);
              list[i].setPartitionId(1);
              list[i].setChannel("a");
              list[i].setRows(100);
            }
          });
        },
        [](const m<schema::ClientRequest>&) { return m<schema::ClientReply>{}; },
      };
    }));
    w.usable({1, 2});
  }

  ~observers() override {
    out->unanswered.clear();
  }

  /// A loaded collection with these segments, settled, the data source saying the same.
  void loaded(std::int64_t id, const std::vector<std::int64_t>& segments) {
    w.loaded(id, {{1, 2}});
    w.collections[id].desired->partitions = {1};
    for (auto s : segments)
      w.segment(id, s);
    w.settle(id);
    out->data[id] = segments;
  }

  template <class Actor>
  void publish(const Actor& to) {
    tell(to, w.whole_publication());
  }

  std::shared_ptr<asked<schema::RefreshReply>> refresh(std::int64_t id, bool until_current,
                                                       std::chrono::nanoseconds left = {}) {
    return ask<schema::RefreshReply>(targets, build<schema::RefreshRequest>([&](schema::RefreshRequest::Builder b) {
                                       auto h = b.initHeader();
                                       h.setEnqueuedAt(1);
                                       h.setDeadline(left.count() > 0 ? left.count() + 1 : 0);
                                       b.setCollection(id);
                                       b.setUntilCurrent(until_current);
                                     }));
  }

  std::size_t commits_of(schema::Commit::Which kind, std::int64_t collection) {
    std::size_t n = 0;
    for (const auto& c : out->commits) {
      if (c->which() != kind)
        continue;
      n += (kind == schema::Commit::NEXT ? c->getNext().getCollection() : c->getPromotion().getCollection()) == collection;
    }
    return n;
  }

  void start_targets() {
    targets = own(spawn_target_observer(system, metadata, data));
    publish(targets);
  }

  static int code(const std::shared_ptr<asked<schema::RefreshReply>>& r) {
    return r->reply ? (**r).getStatus().getCode() : -1;
  }

  world w;
  std::shared_ptr<outside> out;
  metadata_actor metadata;
  data_source_actor data;
  target_observer_actor targets;
};

TEST_F(observers, a_refresh_without_new_data_commits_nothing_and_is_answered_at_once) {
  loaded(7, {11, 12});
  start_targets();
  auto r = refresh(7, true);
  EXPECT_EQ(code(r), 0);
  EXPECT_EQ((**r).getVersion(), 5);
  EXPECT_TRUE(out->commits.empty());
}

TEST_F(observers, a_load_that_found_no_segment_has_the_data_pulled_again_once_a_failure) {
  // T23
  loaded(7, {11, 12});
  loaded(8, {21});
  start_targets();
  const auto before = out->pulls;
  failure_memory failures;
  const auto fail = [&](std::int64_t collection, ec code) {
    failures.remember(collection, {code, "said so"}, 1);
    change_set extra;
    failures.take_changes(extra);
    tell(targets, w.publication_of({}, std::move(extra)));
  };
  fail(8, ec::io_corrupt);
  EXPECT_EQ(out->pulls, before) << "its data is there, only damaged";
  out->data[7] = {11, 13}; // 12 was compacted away
  out->commit_value = 6;
  fail(7, ec::segment_not_found);
  EXPECT_EQ(out->pulls[7], (before.contains(7) ? before.at(7) : 0) + 1);
  EXPECT_EQ(commits_of(schema::Commit::NEXT, 7), 1u);
  publish(targets);
  EXPECT_EQ(out->pulls[7], (before.contains(7) ? before.at(7) : 0) + 1) << "the same failure is no news";
}

TEST_F(observers, a_refresh_until_current_is_answered_by_the_promotion) {
  // O10, I-O4
  loaded(7, {11, 12});
  start_targets();
  out->data[7] = {11, 12, 13};
  out->commit_value = 6;
  auto until_next = refresh(7, false);
  auto until_current = refresh(7, true);
  EXPECT_EQ(code(until_next), 0);
  EXPECT_EQ((**until_next).getVersion(), 6);
  EXPECT_EQ(code(until_current), -1);
  w.collections[7].head->next = 6;
  w.segment(7, 13, 100, 0, 6);
  publish(targets);
  EXPECT_EQ(code(until_current), -1);
  w.copy(7, 13, 2).route(7, 13, 1, 2);
  publish(targets);
  EXPECT_EQ(commits_of(schema::Commit::PROMOTION, 7), 1u);
  w.collections[7].head->current = std::exchange(w.collections[7].head->next, 0);
  publish(targets);
  EXPECT_EQ(code(until_current), 0);
  EXPECT_EQ((**until_current).getVersion(), 6);
}

TEST_F(observers, who_waits_for_a_refresh_is_released_by_release_error_and_deadline) {
  // O11, I-O4
  loaded(7, {11});
  loaded(8, {21});
  loaded(9, {31});
  start_targets();
  out->data[7] = {11, 12};
  out->commit_value = 6;
  auto released = refresh(7, true);
  out->broken = {8};
  EXPECT_EQ(code(refresh(8, true)), static_cast<int>(ec::io_failed));
  out->silent = {9};
  auto late = refresh(9, true, seconds{5});
  EXPECT_EQ(code(refresh(99, true)), static_cast<int>(ec::collection_not_loaded));
  EXPECT_EQ(code(released), -1);
  EXPECT_EQ(code(late), -1);
  w.collections.erase(7);
  publish(targets);
  EXPECT_EQ(code(released), static_cast<int>(ec::collection_not_loaded));
  advance(seconds{6}, milliseconds{100});
  EXPECT_EQ(code(late), static_cast<int>(ec::deadline_exceeded));
}

TEST_F(observers, more_waiters_than_the_limit_are_refused) {
  loaded(7, {11});
  start_targets();
  out->silent = {7};
  std::vector<std::shared_ptr<asked<schema::RefreshReply>>> all;
  for (std::size_t i = 0; i <= limits::refresh_waiters; ++i)
    all.push_back(refresh(7, true));
  EXPECT_EQ(code(all.front()), -1);
  EXPECT_EQ(code(all.back()), static_cast<int>(ec::too_many_requests));
}

TEST_F(observers, a_collection_that_cannot_be_pulled_stops_no_other_and_is_tried_again_later_and_later) {
  // Q34
  for (std::int64_t id = 1; id <= 9; ++id)
    loaded(id, {id * 10});
  out->broken = {1, 2, 3};
  out->silent = {4};
  start_targets();
  EXPECT_EQ(out->pulls[9], 1) << "pulled at the start, behind the bad ones";
  const auto before = out->pulls[1];
  advance(seconds{20}, milliseconds{100});
  EXPECT_GE(out->pulls[1], before + 3);
  EXPECT_LE(out->pulls[1], before + 6);
  EXPECT_EQ(out->pulls[9], 1);
  out->broken.clear();
  advance(seconds{60}, milliseconds{200});
  const auto healed = out->pulls[1];
  advance(seconds{120}, milliseconds{500});
  EXPECT_EQ(out->pulls[1], healed) << "once it could be pulled it is left alone";
}

TEST_F(observers, promotions_go_on_while_the_data_source_is_silent) {
  // Q34
  loaded(7, {11});
  loaded(8, {21});
  start_targets();
  out->silent = {7};
  refresh(7, false);
  w.collections[8].head->next = 6;
  publish(targets);
  EXPECT_EQ(commits_of(schema::Commit::PROMOTION, 8), 1u);
}

TEST_F(observers, a_collection_that_cannot_be_promoted_stops_no_other) {
  // Q32 in spirit
  loaded(7, {11});
  loaded(8, {21});
  w.collections[7].head->next = w.collections[8].head->next = 6;
  w.unlead(7, "a", 1);
  start_targets();
  EXPECT_EQ(commits_of(schema::Commit::PROMOTION, 7), 0u);
  EXPECT_EQ(commits_of(schema::Commit::PROMOTION, 8), 1u);
}

TEST_F(observers, one_promotion_of_a_version_is_under_way_at_a_time) {
  // I-O7
  loaded(7, {11});
  w.collections[7].head->next = 6;
  start_targets();
  EXPECT_EQ(commits_of(schema::Commit::PROMOTION, 7), 1u);
}

TEST_F(observers, pulls_of_one_collection_that_are_wished_together_are_one) {
  // O12, I-O7
  for (std::int64_t id = 1; id <= 6; ++id)
    loaded(id, {id * 10});
  start_targets();
  out->pulls.clear();
  const auto changed = [&](std::int64_t id) {
    caf::anon_send(targets, build<schema::DataChanged>([&](auto b) { b.setCollection(id); }));
  };
  for (std::int64_t id = 1; id <= 5; ++id)
    changed(id);
  for (std::int64_t id = 2; id <= 6; ++id)
    changed(id);
  run();
  for (std::int64_t id = 1; id <= 6; ++id) {
    EXPECT_GE(out->pulls[id], 1);
    EXPECT_LE(out->pulls[id], 2) << "a wish that comes while the pull runs may mean data that it did not see";
  }
}

TEST_F(observers, a_next_target_that_stays_is_compared_with_the_data_source_again) {
  // O21: with other data there is a larger version; without, nothing is written.
  loaded(7, {11});
  w.collections[7].head->next = 6;
  w.segment(7, 12, 100, 0, 6);
  out->data[7] = {11, 12};
  start_targets();
  const auto before = out->pulls[7];
  advance(seconds{301}, seconds{1});
  EXPECT_EQ(out->pulls[7], before + 1);
  EXPECT_EQ(commits_of(schema::Commit::NEXT, 7), 0u);
  out->data[7] = {11, 13};
  advance(seconds{301}, seconds{1});
  EXPECT_EQ(out->pulls[7], before + 2);
  ASSERT_EQ(commits_of(schema::Commit::NEXT, 7), 1u);
  const auto next = out->commits.back()->getNext();
  EXPECT_EQ(next.getAdded()[0].getId(), 13);
  EXPECT_EQ(next.getDropped()[0], 12);
}

TEST_F(observers, partitions_that_nobody_wants_do_not_come_back_with_the_data) {
  loaded(7, {11, 12});
  w.collections[7].desired->whole_collection = false;
  w.collections[7].desired->partitions = {2};
  for (auto& [id, t] : w.collections[7].target)
    t.partition = 2;
  start_targets();
  ASSERT_EQ(commits_of(schema::Commit::NEXT, 7), 1u) << "the data source has both in partition 1";
  EXPECT_EQ(out->commits.back()->getNext().getAdded().size(), 0u);
  EXPECT_EQ(out->commits.back()->getNext().getDropped().size(), 2u);
}

// -- collection_observer ----------------------------------------------------------

class load_observer : public observers {
protected:
  void start(milliseconds timeout) {
    collections = own(spawn_collection_observer(system, metadata, timeout));
    publish(collections);
  }

  std::shared_ptr<asked<schema::AwaitReply>> await(std::int64_t id, schema::AwaitRequest::Condition condition) {
    return ask<schema::AwaitReply>(collections, build<schema::AwaitRequest>([&](schema::AwaitRequest::Builder b) {
                                     b.setCollection(id);
                                     b.setCondition(condition);
                                   }));
  }

  /// Collection 7 in its first load; partition 1 (segment 11) is all routed, partition 2 (segment 12) is not.
  void half_loaded() {
    loaded(7, {11});
    auto& c = w.collections[7];
    c.desired->status = schema::LoadStatus::LOADING;
    c.desired->partitions = {1, 2};
    c.head->next = std::exchange(c.head->current, 0);
    w.segment(7, 12);
    c.target.at(12).partition = 2;
    w.lead(7, "a", 1, 101, 0);
  }

  collection_observer_actor collections;
};

TEST_F(load_observer, a_load_without_progress_is_given_up_and_who_waits_is_told_why) {
  // O02
  loaded(7, {});
  auto& c = w.collections[7];
  c.desired->status = schema::LoadStatus::LOADING;
  c.head->next = std::exchange(c.head->current, 0);
  c.delegators.clear();
  w.segment(7, 11);
  start(seconds{3});
  auto waiting = await(7, schema::AwaitRequest::Condition::LOADED);
  advance(milliseconds{2900}, milliseconds{100});
  EXPECT_TRUE(out->commits.empty());
  advance(milliseconds{300}, milliseconds{100});
  ASSERT_EQ(out->commits.size(), 1u);
  const auto r = out->commits[0]->getReleasePartitions();
  EXPECT_EQ(r.getCollection(), 7);
  EXPECT_EQ(r.getRevision(), 1u);
  ASSERT_EQ(r.getPartitions().size(), 1u);
  w.collections.erase(7);
  publish(collections);
  ASSERT_TRUE(waiting->reply);
  EXPECT_EQ((**waiting).getStatus().getCode(), static_cast<int>(ec::collection_not_loaded));
  const std::string why{view((**waiting).getStatus().getReason())};
  EXPECT_NE(why.find("nothing moved for 3 s"), std::string::npos) << why;
  EXPECT_NE(why.find("channel a has no leader"), std::string::npos) << why;
}

TEST_F(load_observer, only_what_is_not_loaded_is_taken_back) {
  // O05, Q21
  half_loaded();
  start(seconds{3});
  advance(milliseconds{3200}, milliseconds{100});
  ASSERT_EQ(out->commits.size(), 1u);
  const auto r = out->commits[0]->getReleasePartitions();
  ASSERT_EQ(r.getPartitions().size(), 1u);
  EXPECT_EQ(r.getPartitions()[0], 2);
}

TEST_F(load_observer, a_conclusion_that_could_not_be_committed_is_drawn_again) {
  half_loaded();
  out->commit_code = ec::journal_failed;
  start(seconds{3});
  advance(milliseconds{3200}, milliseconds{100});
  EXPECT_EQ(out->commits.size(), 1u);
  advance(milliseconds{3200}, milliseconds{100});
  EXPECT_EQ(out->commits.size(), 2u);
}

TEST_F(load_observer, what_is_loaded_is_never_given_up) {
  loaded(7, {11});
  w.unlead(7, "a", 1);
  start(seconds{3});
  advance(seconds{20}, milliseconds{200});
  EXPECT_TRUE(out->commits.empty());
}

TEST_F(load_observer, waits_end_when_the_condition_holds_and_at_their_deadline) {
  // O01, T-JOB in spirit
  half_loaded();
  start(limits::load_timeout);
  auto waiting = await(7, schema::AwaitRequest::Condition::LOADED);
  auto released = await(8, schema::AwaitRequest::Condition::RELEASED);
  EXPECT_TRUE(released->reply) << "nothing of 8 is anywhere";
  EXPECT_FALSE(waiting->reply);
  auto& c = w.collections[7];
  w.copy(7, 12, 2).route(7, 12, 1, 2);
  publish(collections);
  EXPECT_FALSE(waiting->reply) << "found, but not promoted";
  c.head->current = std::exchange(c.head->next, 0);
  c.desired->status = schema::LoadStatus::LOADED;
  w.lead(7, "a", 1, 101, 5);
  publish(collections);
  ASSERT_TRUE(waiting->reply);
  EXPECT_EQ((**waiting).getStatus().getCode(), 0);
}

} // namespace
} // namespace muster
