// Guards the simulated nodes: they keep the protocol of the real one, and their faults are those that were asked for.
#include "actors/core/fleet_nodes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace muster {
namespace {

constexpr std::int64_t ms = 1'000'000;

/// The coordinator's end of all links.
struct fleet_desk {
  explicit fleet_desk(fleet_settings settings) : fleet(std::move(settings), 0) {
    // nop
  }

  /// Lets it dial, and welcomes each node with its number as id.
  void join(std::size_t count) {
    fleet.on_time(now);
    auto act = fleet.take(now);
    ASSERT_EQ(act.dials.size(), count);
    links = act.dials;
    for (auto link : links)
      fleet.opened(link, now);
    keep(fleet.take(now));
    for (std::size_t i = 0; i < links.size(); ++i)
      tell(i, [&](auto b) {
        auto w = b.initWelcome();
        w.setNode(static_cast<std::int64_t>(i) + 1);
        w.setEpoch(1);
      });
  }

  template <class Fill>
  void tell(std::size_t node, Fill&& fill) {
    const auto frame = build<schema::CoordinatorFrame>(fill);
    fleet.frame(links[node], as_data(frame), now);
    keep(fleet.take(now));
  }

  template <class Fill>
  void order(std::size_t node, std::uint64_t epoch, Fill&& fill) {
    tell(node, [&](auto b) {
      auto orders = b.initOrders();
      orders.initHeader().setEpoch(epoch);
      orders.setNode(static_cast<std::int64_t>(node) + 1);
      fill(orders.initOrders(1)[0]);
    });
  }

  /// Node 0 shall lead channel "c" of collection 7 with these segments at these nodes (from 0).
  void serve(std::int64_t task, const std::vector<std::pair<std::int64_t, std::size_t>>& placed) {
    order(0, 1, [&](schema::Order::Builder b) {
      b.setTask(task);
      auto s = b.initServeShard();
      s.setCollection(7);
      s.setReplica(1);
      s.setChannel("c");
      s.setVersion(task);
      s.setTargetVersion(1);
      auto workers = s.initWorkers(static_cast<unsigned>(links.size()));
      for (unsigned i = 0; i < workers.size(); ++i)
        workers[i].setNode(i + 1);
      auto list = s.initSegments(static_cast<unsigned>(placed.size()));
      for (unsigned i = 0; i < list.size(); ++i) {
        auto source = list[i].initSource();
        source.setSegment(placed[i].first);
        source.setCollection(7);
        source.setRows(1'000);
        list[i].setWorker(static_cast<std::uint16_t>(placed[i].second));
      }
    });
  }

  void keep(fleet_nodes::actions act) {
    for (auto& [link, frame] : act.frames) {
      auto f = frame.read();
      const auto node = static_cast<std::size_t>(std::find(links.begin(), links.end(), link) - links.begin());
      if (f.isHello()) {
        names.insert(std::string{view(f.getHello().getName())});
      } else if (f.isReport()) {
        auto r = f.getReport();
        if (r.getFull())
          full.insert(node);
        for (auto key : r.getRemovedCopies())
          held.erase({node, key.getSegment()});
        for (auto c : r.getCopies())
          held[{node, c.getSegment()}] = r.getSeq();
        for (auto d : r.getDelegators())
          served = d.getServedVersion();
        seq[node] = r.getSeq();
      } else if (f.isResults()) {
        for (auto r : f.getResults().getResults()) {
          answers[r.getTask()] = static_cast<ec>(r.getStatus().getCode());
          for (auto mark : r.getMarks())
            marks[{r.getTask(), mark.getNode()}] = mark.getSeq();
        }
      }
    }
  }

  std::int64_t now = 0;
  fleet_nodes fleet;
  std::vector<std::int64_t> links;
  std::set<std::string> names;
  std::set<std::size_t> full;
  std::map<std::pair<std::size_t, std::int64_t>, std::uint64_t> held; ///< (node, segment) -> the report that said so
  std::map<std::size_t, std::uint64_t> seq;
  std::map<std::int64_t, ec> answers;
  std::map<std::pair<std::int64_t, std::int64_t>, std::uint64_t> marks; ///< (task, node id) -> report
  std::int64_t served = 0;
};

fleet_settings of(std::size_t nodes) {
  fleet_settings s;
  s.nodes = nodes;
  s.incarnation = 5;
  return s;
}

TEST(fleet_nodes, each_says_hello_and_reports_in_full_once_welcomed) {
  fleet_desk d{of(3)};
  d.join(3);
  EXPECT_EQ(d.names, (std::set<std::string>{"fleet-1", "fleet-2", "fleet-3"}));
  EXPECT_EQ(d.full.size(), 3u);
  EXPECT_EQ(d.fleet.counts().welcomed, 3u);
}

TEST(fleet_nodes, a_shard_is_served_once_all_workers_hold_their_segments_and_marks_name_the_reports) {
  fleet_desk d{of(3)};
  d.join(3);
  d.serve(10, {{100, 0}, {101, 1}, {102, 2}});
  EXPECT_EQ(d.answers.at(10), ec::ok);
  EXPECT_EQ(d.served, 1);
  ASSERT_EQ(d.held.size(), 3u);
  for (std::size_t node = 0; node < 3; ++node)
    EXPECT_EQ(d.marks.at({10, static_cast<std::int64_t>(node) + 1}),
              (d.held.at({node, 100 + static_cast<std::int64_t>(node)})));
}

TEST(fleet_nodes, loads_take_their_time_two_at_a_time) {
  auto s = of(2);
  s.load_ns = 50 * ms;
  fleet_desk d{s};
  d.join(2);
  d.serve(10, {{100, 1}, {101, 1}, {102, 1}});
  EXPECT_TRUE(d.held.empty());
  EXPECT_EQ(d.fleet.next_time(), 50 * ms);
  d.now = 50 * ms;
  d.fleet.on_time(d.now);
  d.keep(d.fleet.take(d.now));
  EXPECT_EQ(d.held.size(), limits::loads_at_once);
  EXPECT_FALSE(d.answers.contains(10));
  d.now = 100 * ms;
  d.fleet.on_time(d.now);
  d.keep(d.fleet.take(d.now));
  EXPECT_EQ(d.held.size(), 3u);
  EXPECT_EQ(d.answers.at(10), ec::ok);
}

TEST(fleet_nodes, an_order_of_an_older_epoch_is_refused) {
  fleet_desk d{of(1)};
  d.join(1);
  const auto drop = [](schema::Order::Builder b) {
    b.setTask(b.getTask() + 1);
    auto o = b.initDropShard();
    o.setCollection(7);
    o.setChannel("c");
  };
  d.order(0, 3, drop);
  EXPECT_EQ(d.answers.at(1), ec::ok);
  d.answers.clear();
  d.order(0, 2, drop);
  EXPECT_EQ(d.answers.at(1), ec::stale_epoch);
}

TEST(fleet_nodes, refuses_the_share_of_orders_that_was_asked_for) {
  auto s = of(1);
  s.refuse = 0.25;
  fleet_desk d{s};
  d.join(1);
  int refused = 0;
  for (std::int64_t task = 1; task <= 2'000; ++task) {
    d.order(0, 1, [&](schema::Order::Builder b) {
      b.setTask(task);
      b.initDropShard().setChannel("c");
    });
    refused += d.answers.at(task) == ec::too_many_requests;
  }
  EXPECT_GT(refused, 400);
  EXPECT_LT(refused, 600);
  EXPECT_EQ(d.fleet.counts().refused, static_cast<std::uint64_t>(refused));
}

TEST(fleet_nodes, a_liar_reports_what_it_was_not_given_and_releases_it_when_told) {
  auto s = of(2);
  s.lie = 0.5;
  fleet_desk d{s};
  d.join(2);
  std::vector<std::pair<std::int64_t, std::size_t>> placed;
  for (std::int64_t i = 0; i < 40; ++i)
    placed.emplace_back(100 + 2 * i, 1); // even ones are given
  d.serve(10, placed);
  EXPECT_EQ(d.answers.at(10), ec::ok);
  EXPECT_GT(d.fleet.counts().lies, 0u);
  std::int64_t invented = 0;
  std::size_t kept = 0;
  for (const auto& [where, seq] : d.held) {
    kept += where.second % 2 == 0;
    if (where.second % 2 != 0)
      invented = where.second;
  }
  ASSERT_NE(invented, 0);
  EXPECT_LT(kept, 40u) << "and has forgotten some that it had";
  d.order(1, 1, [&](schema::Order::Builder b) {
    b.setTask(11);
    auto o = b.initReleaseSegment();
    o.setCollection(7);
    o.setSegment(invented);
  });
  EXPECT_EQ(d.answers.at(11), ec::ok);
  EXPECT_FALSE(d.held.contains({1, invented}));
  EXPECT_EQ(d.marks.at({11, 2}), d.seq.at(1));
}

TEST(fleet_nodes, a_lost_link_is_dialled_again_and_begins_with_all_that_is_held) {
  fleet_desk d{of(1)};
  d.join(1);
  d.serve(10, {{100, 0}});
  d.held.clear();
  d.fleet.closed(d.links[0], "cut", d.now);
  d.now = d.fleet.next_time();
  d.join(1);
  EXPECT_EQ(d.held.size(), 1u);
  EXPECT_EQ(d.served, 1);
}

TEST(fleet_nodes, a_silent_coordinator_is_dialled_anew) {
  fleet_desk d{of(1)};
  d.join(1);
  d.now = std::chrono::nanoseconds{limits::coordinator_silence}.count();
  d.fleet.on_time(d.now);
  EXPECT_EQ(d.fleet.take(d.now).closes, d.links);
}

TEST(fleet_nodes, all_say_that_they_leave) {
  fleet_desk d{of(2)};
  d.join(2);
  d.fleet.leave();
  const auto act = d.fleet.take(d.now);
  ASSERT_EQ(act.frames.size(), 2u);
  for (const auto& [link, frame] : act.frames)
    EXPECT_TRUE(frame->isLeaving());
}

} // namespace
} // namespace muster
