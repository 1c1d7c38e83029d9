// Rules of the actual state: which reports count, and what they replace.
#include "actors/core/distribution_tables.hpp"
#include "messages/schema/node.capnp.h"
#include "tests/unit/dice.hpp"

#include "actors/core/situation.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using schema::NodeLiveness;

/// A report from short calls.
struct report_of {
  std::uint64_t seq = 1;
  bool full = false;
  bool complete = false;
  std::vector<std::pair<std::int64_t, std::int64_t>> copies;   ///< collection, segment
  std::vector<std::pair<std::int64_t, std::int64_t>> removed;
  struct shard {
    std::int64_t collection = 7;
    std::string channel = "a";
    bool whole = true;
    std::vector<std::pair<std::int64_t, std::int64_t>> view; ///< segment, worker
    std::vector<std::int64_t> forgotten;
    bool serviceable = true;
  };
  std::vector<shard> shards;
  std::vector<std::pair<std::int64_t, std::string>> ended;

  msg<schema::Report> message() const {
    return build<schema::Report>([&](schema::Report::Builder b) {
      b.setSeq(seq);
      b.setFull(full);
      b.setComplete(complete);
      auto c = b.initCopies(static_cast<unsigned>(copies.size()));
      for (unsigned i = 0; i < copies.size(); ++i) {
        c[i].setCollection(copies[i].first);
        c[i].setSegment(copies[i].second);
        c[i].setVersion(1);
        c[i].setRows(100);
      }
      auto r = b.initRemovedCopies(static_cast<unsigned>(removed.size()));
      for (unsigned i = 0; i < removed.size(); ++i) {
        r[i].setCollection(removed[i].first);
        r[i].setSegment(removed[i].second);
      }
      auto d = b.initDelegators(static_cast<unsigned>(shards.size()));
      for (unsigned i = 0; i < shards.size(); ++i) {
        d[i].setCollection(shards[i].collection);
        d[i].setChannel(shards[i].channel);
        d[i].setReplica(101);
        d[i].setVersion(1);
        d[i].setServedVersion(5);
        d[i].setServiceable(shards[i].serviceable);
        d[i].setWholeView(shards[i].whole);
        auto v = d[i].initView(static_cast<unsigned>(shards[i].view.size()));
        for (unsigned k = 0; k < shards[i].view.size(); ++k) {
          v[k].setSegment(shards[i].view[k].first);
          v[k].setWorker(shards[i].view[k].second);
        }
        auto f = d[i].initRemoved(static_cast<unsigned>(shards[i].forgotten.size()));
        for (unsigned k = 0; k < shards[i].forgotten.size(); ++k)
          f.set(k, shards[i].forgotten[k]);
      }
      auto e = b.initRemovedDelegators(static_cast<unsigned>(ended.size()));
      for (unsigned i = 0; i < ended.size(); ++i) {
        e[i].setCollection(ended[i].first);
        e[i].setChannel(ended[i].second);
      }
    });
  }
};

/// Distribution with a subscriber that follows its changes.
struct followed {
  distribution_tables tables;
  situation view;
  std::uint64_t number = 0;

  void node(std::int64_t id, NodeLiveness liveness, std::uint64_t incarnation = 1) {
    node_row n;
    n.id = id;
    n.name = "n" + std::to_string(id);
    n.liveness = liveness;
    n.incarnation = incarnation;
    n.known = true; // distribution's own business, must be ignored
    tables.set_node(n);
    flush();
  }

  void report(std::int64_t node, const report_of& r, std::uint64_t incarnation = 1) {
    tables.report(node, incarnation, r.message().read());
    flush();
  }

  touched_map flush() {
    auto changes = tables.take_changes();
    return changes.empty() ? touched_map{} : view.apply(changes.take(++number, 1, 0));
  }

  std::set<std::int64_t> held(std::int64_t node, std::int64_t collection = 7) const {
    std::set<std::int64_t> result;
    if (const auto* c = view.collection(collection))
      c->each_copy([&](const copy_row& x) {
        if (x.node == node)
          result.insert(x.segment);
      });
    return result;
  }

  std::map<std::int64_t, std::int64_t> routed(std::int64_t leader, std::int64_t collection = 7) const {
    std::map<std::int64_t, std::int64_t> result;
    if (const auto* c = view.collection(collection))
      c->each_view([&](const view_row& v) {
        if (v.leader == leader)
          result[v.segment] = v.worker;
      });
    return result;
  }

  bool known(std::int64_t node) const {
    return view.node(node) != nullptr && view.node(node)->known;
  }
};

using ids = std::set<std::int64_t>;
using routes = std::map<std::int64_t, std::int64_t>;

report_of full(std::vector<std::pair<std::int64_t, std::int64_t>> copies, std::uint64_t seq = 1) {
  report_of r;
  r.seq = seq;
  r.full = r.complete = true;
  r.copies = std::move(copies);
  return r;
}

TEST(distribution_rules, a_node_is_known_only_after_the_last_page_of_its_full_report) {
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  EXPECT_FALSE(f.known(1));
  auto first = full({{7, 1}});
  first.complete = false;
  f.report(1, first);
  EXPECT_FALSE(f.known(1));
  report_of last;
  last.seq = 2;
  last.complete = true;
  last.copies = {{7, 2}};
  f.report(1, last);
  EXPECT_TRUE(f.known(1));
  EXPECT_EQ(f.held(1), (ids{1, 2}));
  EXPECT_EQ(f.view.node(1)->report_seq, 2u);
}

TEST(distribution_rules, a_full_report_replaces_all_that_was_held) {
  // I-D1
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  auto r = full({{7, 1}, {7, 2}, {8, 3}});
  r.shards = {{7, "a", true, {{1, 1}, {2, 1}}, {}, true}, {8, "b", true, {{3, 1}}, {}, true}};
  f.report(1, r);
  EXPECT_EQ(f.held(1, 8), ids{3});
  auto again = full({{7, 2}, {7, 4}}, 5);
  again.shards = {{7, "a", true, {{2, 1}}, {}, true}};
  f.report(1, again);
  EXPECT_EQ(f.held(1), (ids{2, 4}));
  EXPECT_EQ(f.routed(1), (routes{{2, 1}}));
  EXPECT_EQ(f.view.collection(8), nullptr) << "nothing of 8 is left anywhere";
}

TEST(distribution_rules, a_full_report_of_one_node_leaves_the_copies_of_others) {
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  f.node(2, NodeLiveness::CONNECTED);
  f.report(1, full({{7, 1}}));
  f.report(2, full({{7, 1}}));
  f.report(1, full({}, 2));
  EXPECT_EQ(f.held(1), ids{});
  EXPECT_EQ(f.held(2), ids{1});
}

TEST(distribution_rules, an_incremental_report_before_the_full_one_is_ignored) {
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  report_of r;
  r.copies = {{7, 1}};
  f.report(1, r);
  EXPECT_EQ(f.held(1), ids{});
  EXPECT_EQ(f.view.node(1)->report_seq, 0u);
}

TEST(distribution_rules, incremental_reports_add_and_remove) {
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  auto r = full({{7, 1}, {7, 2}});
  r.shards = {{7, "a", true, {{1, 1}, {2, 1}}, {}, false}};
  f.report(1, r);
  report_of more;
  more.seq = 2;
  more.copies = {{7, 3}};
  more.removed = {{7, 1}, {7, 99}, {9, 1}};
  more.shards = {{7, "a", false, {{3, 1}, {2, 2}}, {1}, true}};
  f.report(1, more);
  EXPECT_EQ(f.held(1), (ids{2, 3}));
  EXPECT_EQ(f.routed(1), (routes{{2, 2}, {3, 1}}));
  EXPECT_TRUE(f.view.collection(7)->delegators.at(0).serviceable);
  report_of end;
  end.seq = 3;
  end.ended = {{7, "a"}, {7, "zz"}};
  f.report(1, end);
  EXPECT_TRUE(f.routed(1).empty());
  EXPECT_TRUE(f.view.collection(7)->delegators.empty());
}

TEST(distribution_rules, a_whole_view_forgets_the_routes_it_does_not_name) {
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  auto r = full({});
  r.shards = {{7, "a", true, {{1, 1}, {2, 1}}, {}, true}};
  f.report(1, r);
  report_of next;
  next.seq = 2;
  next.shards = {{7, "a", true, {{2, 2}}, {}, true}};
  f.report(1, next);
  EXPECT_EQ(f.routed(1), (routes{{2, 2}}));
}

TEST(distribution_rules, a_gone_node_loses_everything_and_its_reports_count_no_more) {
  // I-D3
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  auto r = full({{7, 1}, {8, 2}});
  r.shards = {{7, "a", true, {{1, 1}}, {}, true}};
  f.report(1, r);
  f.node(1, NodeLiveness::GONE);
  EXPECT_EQ(f.view.collection(7), nullptr);
  EXPECT_EQ(f.view.collection(8), nullptr);
  EXPECT_FALSE(f.known(1));
  f.report(1, full({{7, 1}}, 9));
  EXPECT_EQ(f.held(1), ids{});
  EXPECT_EQ(f.view.load(1).segments, 0);
}

TEST(distribution_rules, a_report_of_another_incarnation_is_ignored) {
  followed f;
  f.node(1, NodeLiveness::CONNECTED, 5);
  f.report(1, full({{7, 1}}), 4);
  f.report(1, full({{7, 1}}), 6);
  EXPECT_FALSE(f.known(1));
  EXPECT_EQ(f.held(1), ids{});
  f.report(2, full({{7, 1}}), 5);
  EXPECT_EQ(f.held(2), ids{}) << "a node nobody introduced";
}

TEST(distribution_rules, a_lost_link_makes_unknown_but_keeps_what_was_held_until_the_next_full_report) {
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  f.report(1, full({{7, 1}}));
  f.node(1, NodeLiveness::SUSPECT);
  EXPECT_FALSE(f.known(1));
  EXPECT_EQ(f.held(1), ids{1});
  f.node(1, NodeLiveness::CONNECTED);
  EXPECT_FALSE(f.known(1)) << "it may have changed unseen";
  report_of late;
  late.seq = 7;
  late.copies = {{7, 2}};
  f.report(1, late);
  EXPECT_EQ(f.held(1), ids{1});
  f.report(1, full({{7, 2}}, 8));
  EXPECT_TRUE(f.known(1));
  EXPECT_EQ(f.held(1), ids{2});
}

TEST(distribution_rules, a_full_report_that_a_lost_link_cut_off_counts_as_none) {
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  auto first = full({{7, 1}});
  first.complete = false;
  f.report(1, first);
  f.node(1, NodeLiveness::SUSPECT);
  f.node(1, NodeLiveness::CONNECTED);
  report_of last;
  last.seq = 2;
  last.complete = true;
  f.report(1, last);
  EXPECT_FALSE(f.known(1));
}

TEST(distribution_rules, a_full_report_touches_what_the_node_holds_also_when_it_says_nothing_new) {
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  f.report(1, full({{7, 1}, {8, 2}}));
  f.node(1, NodeLiveness::SUSPECT);
  f.node(1, NodeLiveness::CONNECTED);
  f.tables.report(1, 1, full({{7, 1}, {8, 2}}, 9).message().read());
  const auto touched = f.flush();
  EXPECT_TRUE(touched.contains(7)) << "what is to be released there waited for it";
  EXPECT_TRUE(touched.contains(8));
}

TEST(distribution_rules, another_incarnation_is_unknown_and_starts_counting_anew) {
  followed f;
  f.node(1, NodeLiveness::CONNECTED, 1);
  f.report(1, full({{7, 1}}, 50), 1);
  f.node(1, NodeLiveness::CONNECTED, 2);
  EXPECT_FALSE(f.known(1));
  EXPECT_EQ(f.view.node(1)->report_seq, 0u);
  f.report(1, full({{7, 3}}, 2), 2);
  EXPECT_TRUE(f.known(1));
  EXPECT_EQ(f.held(1), ids{3});
  EXPECT_EQ(f.view.node(1)->report_seq, 2u);
}

TEST(distribution_rules, only_what_changed_is_touched) {
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  f.report(1, full({{7, 1}, {7, 2}, {8, 3}}));
  report_of r;
  r.seq = 2;
  r.copies = {{7, 1}, {7, 4}};
  f.tables.report(1, 1, r.message().read());
  const auto touched = f.flush();
  ASSERT_TRUE(touched.contains(7));
  EXPECT_EQ(touched.at(7).segments, ids{4}) << "1 was there already";
  EXPECT_FALSE(touched.contains(8));
}

TEST(distribution_rules, a_delegator_that_becomes_serviceable_touches_its_collection_once_and_no_other) {
  // D04, D14
  followed f;
  f.node(1, NodeLiveness::CONNECTED);
  f.report(1, full({{7, 1}, {8, 3}}));
  report_of r;
  r.seq = 2;
  r.shards = {{7, "a", true, {{1, 1}}, {}, false}};
  f.report(1, r);
  const auto says = [&](bool serviceable) {
    ++r.seq;
    r.shards = {{7, "a", false, {}, {}, serviceable}};
    f.tables.report(1, 1, r.message().read());
    return f.flush();
  };
  EXPECT_TRUE(says(false).empty()) << "as before";
  const auto touched = says(true);
  ASSERT_EQ(touched.size(), 1u);
  EXPECT_TRUE(touched.contains(7));
  EXPECT_TRUE(f.view.collection(7)->delegators.at(0).serviceable);
  EXPECT_TRUE(says(true).empty()) << "said before";
}

TEST(distribution_rules, a_new_subscriber_gets_what_a_follower_has_after_random_reports) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    dice d{seed};
    followed f;
    std::map<std::int64_t, std::uint64_t> incarnation;
    std::uint64_t seq = 0;
    for (int i = 0; i < 150; ++i) {
      const auto n = d.from(1, 4);
      if (d.one_in(8)) {
        const auto liveness = static_cast<NodeLiveness>(d.from(1, 4));
        incarnation[n] += d.one_in(3) ? 1 : 0;
        f.node(n, liveness, incarnation[n]);
        continue;
      }
      report_of r;
      r.seq = ++seq;
      r.full = d.one_in(3);
      r.complete = d.one_in(2);
      for (auto k = d.below(6); k > 0; --k)
        r.copies.emplace_back(d.from(7, 8), d.from(1, 300));
      for (auto k = d.below(4); k > 0; --k)
        r.removed.emplace_back(d.from(7, 8), d.from(1, 300));
      if (d.one_in(2))
        r.shards.push_back({d.from(7, 8), d.one_in(2) ? "a" : "b", d.one_in(3), {{d.from(1, 300), n}}, {d.from(1, 300)}, true});
      if (d.one_in(6))
        r.ended.emplace_back(d.from(7, 8), "a");
      f.report(n, r, incarnation[n] + (d.one_in(10) ? 1 : 0));
    }
    situation fresh;
    fresh.apply(f.tables.whole().take(1, 1, 0));
    ASSERT_EQ(fresh.nodes(), f.view.nodes()) << "seed " << seed;
    const auto rows = [](const situation& s) {
      std::vector<copy_row> copies;
      std::vector<view_row> views;
      std::vector<delegator_row> delegators;
      for (const auto& [id, c] : s.collections()) {
        c.each_copy([&](const copy_row& x) { copies.push_back(x); });
        c.each_view([&](const view_row& x) { views.push_back(x); });
        delegators.insert(delegators.end(), c.delegators.begin(), c.delegators.end());
      }
      return std::make_tuple(s.collections().size(), copies, views, delegators);
    };
    ASSERT_EQ(rows(fresh), rows(f.view)) << "seed " << seed;
    for (std::int64_t n = 1; n <= 4; ++n)
      ASSERT_EQ(fresh.load(n).rows, f.view.load(n).rows);
  }
}

} // namespace
} // namespace muster
