// Who is in the cluster, as its manager hears it: links of nodes that left, and silence that is none.
#include "actors/nodes.hpp"
#include "tests/support/actor_fixture.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace muster {
namespace {

using std::chrono::milliseconds;

class managing : public actor_fixture {
protected:
  managing() {
    auto written = commands;
    auto told = liveness;
    node_peers peers;
    peers.epoch = 1;
    peers.wire = own(system.spawn([written]() -> wire_actor::behavior_type {
      return {[written](const m<schema::LinkCommand>& c) { written->push_back(c); }};
    }));
    peers.distribution = own(system.spawn([told]() -> distribution_actor::behavior_type {
      return {
        [told](const m<schema::NodeChange>& c) { told->push_back(c->getNode().getLiveness()); },
        [](const m<schema::NodeReport>&) {},
        [](subscribe_atom, const subscriber_actor&) {},
        [](flush_atom) {},
      };
    }));
    auto metadata = own(system.spawn([]() -> metadata_actor::behavior_type {
      return {
        [](const m<schema::JournalDurable>&) {},
        [](const m<schema::JournalFailed>&) {},
        [](const m<schema::Commit>&) { return build<schema::CommitReply>([](auto b) { b.setValue(7); }); },
        [](subscribe_atom, const subscriber_actor&) {},
      };
    }));
    manager = own(spawn_node_manager(system, {peers, metadata, {}, limits::node_gone}));
    run();
  }

  void event(const std::function<void(schema::LinkEvent::Builder)>& fill) {
    caf::anon_send(manager, build<schema::LinkEvent>(fill));
  }

  void frame(std::int64_t link, const std::function<void(schema::NodeFrame::Builder)>& fill) {
    const auto bytes = build<schema::NodeFrame>(fill);
    event([&](schema::LinkEvent::Builder b) {
      auto f = b.initFrame();
      f.setLink(link);
      f.setBytes(as_data(bytes));
    });
  }

  void join(std::int64_t link) {
    event([&](schema::LinkEvent::Builder b) { b.initOpened().setLink(link); });
    frame(link, [](schema::NodeFrame::Builder b) {
      auto hello = b.initHello();
      hello.setName("a");
      hello.setAddress("host:1");
      hello.setIncarnation(3);
    });
    run();
    ASSERT_FALSE(liveness->empty());
    ASSERT_EQ(liveness->back(), schema::NodeLiveness::CONNECTED);
  }

  bool closed(std::int64_t link) const {
    for (const auto& c : *commands)
      if (c->isClose() && c->getClose() == link)
        return true;
    return false;
  }

  std::shared_ptr<std::vector<m<schema::LinkCommand>>> commands = std::make_shared<std::vector<m<schema::LinkCommand>>>();
  std::shared_ptr<std::vector<schema::NodeLiveness>> liveness = std::make_shared<std::vector<schema::NodeLiveness>>();
  node_manager_actor manager;
};

TEST_F(managing, the_link_of_a_node_that_left_is_closed_from_here_too) {
  // Seed 3431: its other end broke unheard, nobody beat on it any more, and it stayed for ever.
  join(11);
  frame(11, [](schema::NodeFrame::Builder b) { b.setLeaving(); });
  run();
  EXPECT_EQ(liveness->back(), schema::NodeLiveness::GONE);
  EXPECT_TRUE(closed(11));
}

TEST_F(managing, what_waits_in_the_mailbox_is_heard_before_anybody_is_called_silent) {
  join(11);
  // Held up: a beat is due, and behind it waits what the node said meanwhile.
  sched.advance_time(limits::beat_interval * 3);
  frame(11, [](schema::NodeFrame::Builder b) { b.setPong(1); });
  run();
  EXPECT_EQ(liveness->back(), schema::NodeLiveness::CONNECTED);
  EXPECT_FALSE(closed(11));
}

TEST_F(managing, one_that_says_nothing_while_beats_go_out_is_suspect_and_then_gone) {
  join(11);
  advance(limits::suspect_after + limits::beat_interval);
  EXPECT_EQ(liveness->back(), schema::NodeLiveness::SUSPECT);
  advance(limits::node_gone + limits::beat_interval);
  EXPECT_EQ(liveness->back(), schema::NodeLiveness::GONE);
}

} // namespace
} // namespace muster
