// A query node as seen from its doors: the link to the coordinator, orders, reports, peers, searches, under virtual time.
#include "actors/node/call_window.hpp"
#include "actors/node/node.hpp"
#include "persistence/memory_engine.hpp"
#include "tests/support/actor_fixture.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace muster {
namespace {

using namespace std::chrono_literals;

/// Fails for the segments it is told to; otherwise the memory engine.
struct moody_engine : segment_engine {
  result<loaded_segment> load(const segment_source& what) override {
    ++loads;
    if (bad.count(what.id) > 0)
      return failure{ec::io_corrupt, "segment " + to_string(what.id) + " is damaged"};
    return inner->load(what);
  }
  void release(segment_id id) override {
    released.push_back(id);
    inner->release(id);
  }
  result<std::vector<search_hit>> search(std::span<const segment_id> segments, std::span<const float> query,
                                         std::uint32_t k) override {
    return inner->search(segments, query, k);
  }
  result<std::vector<named_row>> find_by_name(std::span<const segment_id> segments, std::string_view name) override {
    return inner->find_by_name(segments, name);
  }

  std::unique_ptr<segment_engine> inner = make_memory_engine();
  std::set<segment_id> bad;
  std::vector<segment_id> released;
  int loads = 0;
};

/// One simulated process: a node, its wire, and what the coordinator's end of its link saw.
struct box {
  std::string address;
  std::shared_ptr<moody_engine> engine;
  node_actors node;
  collector<schema::LinkCommand> wire;
  std::size_t handled = 0; ///< Commands of `wire` that were carried out.
  std::int64_t link = 0;   ///< To the coordinator; 0: none.
  int dials = 0;
  std::vector<m<schema::NodeFrame>> frames; ///< At the coordinator.
};

struct node_rules : actor_fixture {
  struct wire_end {
    box* at;
    std::int64_t link;
  };

  ~node_rules() override {
    for (auto& [address, b] : boxes)
      b.node.stop();
    run();
  }

  box& boot(const std::string& address, std::uint64_t incarnation = 1) {
    auto& b = boxes[address];
    b = box{};
    b.address = address;
    b.engine = std::make_shared<moody_engine>();
    b.wire = collect<schema::LinkCommand>();
    node_config config;
    config.name = "n-" + address;
    config.address = address;
    config.coordinator = "coordinator";
    config.incarnation = incarnation;
    config.engine = b.engine;
    b.node = start_node(system, config, b.wire.handle);
    settle();
    return b;
  }

  /// A node that has joined.
  box& join(const std::string& address, std::int64_t id, std::uint64_t incarnation = 1) {
    auto& b = boot(address, incarnation);
    welcome(b, id);
    return b;
  }

  // -- the network --------------------------------------------------------------

  void opened(const link_owner_actor& to, std::int64_t link, bool inbound) {
    caf::anon_send(to, build<schema::LinkEvent>([&](auto e) {
                     auto o = e.initOpened();
                     o.setLink(link);
                     o.setInbound(inbound);
                   }));
  }
  void closed(const link_owner_actor& to, std::int64_t link) {
    caf::anon_send(to, build<schema::LinkEvent>([&](auto e) {
                     auto c = e.initClosed();
                     c.setLink(link);
                     c.setReason("cut");
                   }));
  }
  void carried(const link_owner_actor& to, std::int64_t link, capnp::Data::Reader bytes) {
    caf::anon_send(to, build<schema::LinkEvent>([&](auto e) {
                     auto f = e.initFrame();
                     f.setLink(link);
                     f.setBytes(bytes);
                   }));
  }

  void carry_out(box& b, schema::LinkCommand::Reader c) {
    if (c.isOpen()) {
      const auto link = c.getOpen().getLink();
      EXPECT_EQ(link % 2, 1);
      if (!c.getOpen().getPeer()) {
        ++b.dials;
        b.link = coordinator_up ? link : 0;
        return coordinator_up ? opened(b.node.coordinator_links, link, false) : closed(b.node.coordinator_links, link);
      }
      auto i = boxes.find(std::string{view(c.getOpen().getAddress())});
      if (i == boxes.end() || down.count(i->first) > 0)
        return closed(b.node.peer_links, link);
      const auto far = next_inbound += 2;
      pairs[{&b, link}] = {&i->second, far};
      pairs[{&i->second, far}] = {&b, link};
      opened(i->second.node.peer_links, far, true);
      opened(b.node.peer_links, link, false);
    } else if (c.isFrame()) {
      const auto link = c.getFrame().getLink();
      if (link == b.link && link != 0) {
        b.frames.push_back(*parse<schema::NodeFrame>(c.getFrame().getBytes()));
      } else if (auto p = pairs.find({&b, link}); p != pairs.end()) {
        carried(p->second.at->node.peer_links, p->second.link, c.getFrame().getBytes());
      }
    } else if (c.isClose()) {
      if (c.getClose() == b.link)
        cut(b);
      else
        cut_peer(&b, c.getClose());
    }
  }

  void cut_peer(box* at, std::int64_t link) {
    auto p = pairs.extract({at, link});
    if (p.empty())
      return;
    pairs.erase({p.mapped().at, p.mapped().link});
    closed(at->node.peer_links, link);
    closed(p.mapped().at->node.peer_links, p.mapped().link);
  }

  /// All peer links of a node break.
  void cut_peers(box& b) {
    std::vector<std::int64_t> links;
    for (const auto& [end, far] : pairs)
      if (end.first == &b)
        links.push_back(end.second);
    for (auto link : links)
      cut_peer(&b, link);
  }

  void cut(box& b) {
    closed(b.node.coordinator_links, b.link);
    b.link = 0;
  }

  /// Actors and network until all is quiet.
  void settle() {
    bool busy = true;
    while (busy) {
      run();
      busy = false;
      for (auto& [address, b] : boxes)
        while (b.handled < b.wire.size()) {
          busy = true;
          auto command = b.wire.messages->at(b.handled++);
          carry_out(b, command.read());
        }
    }
  }

  void pass(std::chrono::milliseconds time) {
    for (auto left = time; left.count() > 0; left -= 10ms) {
      sched.advance_time(10ms);
      settle();
    }
  }

  // -- the coordinator ------------------------------------------------------------

  template <class Fill>
  void say(box& b, Fill fill) {
    auto frame = build<schema::CoordinatorFrame>(fill);
    carried(b.node.coordinator_links, b.link, as_data(frame));
    settle();
  }

  void welcome(box& b, std::int64_t id, std::uint64_t epoch = 5) {
    say(b, [&](auto f) {
      f.initWelcome().setNode(id);
      f.getWelcome().setEpoch(epoch);
    });
  }

  template <class Fill>
  std::int64_t order(box& b, std::int64_t node, Fill fill, std::uint64_t epoch = 5) {
    const auto task = ++tasks;
    say(b, [&](auto f) {
      auto orders = f.initOrders();
      orders.initHeader().setEpoch(epoch);
      orders.setNode(node);
      auto o = orders.initOrders(1)[0];
      o.setTask(task);
      fill(o);
    });
    return task;
  }

  struct place {
    std::int64_t segment;
    std::int64_t worker;
    std::string address;
  };

  std::int64_t serve(box& b, std::int64_t node, std::vector<place> places, std::int64_t target = 1, std::int64_t version = 100,
                     std::uint64_t epoch = 5) {
    return order(
      b, node,
      [&](auto o) {
        auto s = o.initServeShard();
        s.setCollection(7);
        s.setReplica(9);
        s.setChannel("c-v0");
        s.setVersion(version);
        s.setTargetVersion(target);
        auto workers = s.initWorkers(static_cast<unsigned>(places.size()));
        auto segments = s.initSegments(static_cast<unsigned>(places.size()));
        for (unsigned i = 0; i < places.size(); ++i) {
          workers[i].setNode(places[i].worker);
          workers[i].setAddress(places[i].address);
          segments[i].setWorker(static_cast<std::uint16_t>(i));
          segments[i].initSource().setSegment(places[i].segment);
          segments[i].getSource().setCollection(7);
          segments[i].getSource().setRows(3);
        }
      },
      epoch);
  }

  std::int64_t release(box& b, std::int64_t node, std::int64_t segment, std::int64_t worker, const char* channel) {
    return order(b, node, [&](auto o) {
      auto r = o.initReleaseSegment();
      r.setCollection(7);
      r.setReplica(9);
      r.setChannel(channel);
      r.setSegment(segment);
      r.initWorker().setNode(worker);
    });
  }

  std::int64_t drop(box& b, std::int64_t node, std::int64_t version) {
    return order(b, node, [&](auto o) {
      auto d = o.initDropShard();
      d.setCollection(7);
      d.setReplica(9);
      d.setChannel("c-v0");
      d.setVersion(version);
    });
  }

  std::int64_t target(box& b, std::int64_t node, std::int64_t version, std::vector<std::int64_t> segments) {
    return order(b, node, [&](auto o) {
      auto t = o.initSyncTarget();
      t.setCollection(7);
      t.setReplica(9);
      t.setChannel("c-v0");
      t.setTargetVersion(version);
      auto list = t.initSegments(static_cast<unsigned>(segments.size()));
      for (unsigned i = 0; i < list.size(); ++i)
        list.set(i, segments[i]);
    });
  }

  /// The result of a task; nothing while there is none. More than one fails the test.
  std::optional<schema::OrderResult::Reader> outcome(const box& b, std::int64_t task) {
    std::optional<schema::OrderResult::Reader> found;
    for (const auto& frame : b.frames)
      if (frame->isResults())
        for (auto r : frame->getResults().getResults())
          if (r.getTask() == task) {
            EXPECT_FALSE(found) << "answered twice";
            found = r;
          }
    return found;
  }

  ec code(const box& b, std::int64_t task) {
    auto r = outcome(b, task);
    EXPECT_TRUE(r) << "not answered";
    return r ? static_cast<ec>(r->getStatus().getCode()) : ec::internal;
  }

  std::vector<schema::Report::Reader> reports(const box& b) {
    std::vector<schema::Report::Reader> result;
    for (const auto& frame : b.frames)
      if (frame->isReport())
        result.push_back(frame->getReport());
    return result;
  }

  /// The newest thing said of the delegator.
  schema::DelegatorReport::Reader led(const box& b) {
    schema::DelegatorReport::Reader result;
    for (auto r : reports(b))
      for (auto d : r.getDelegators())
        result = d;
    return result;
  }

  std::shared_ptr<asked<schema::SearchReply>> search(box& b, float value, std::uint32_t k, const char* channel = "c-v0") {
    auto result = ask<schema::SearchReply>(b.node.door, build<schema::SearchRequest>([&](auto r) {
                                             r.setCollection(7);
                                             r.setChannel(channel);
                                             r.setDimension(1);
                                             r.initVectors(1).set(0, value);
                                             r.setK(k);
                                           }));
    settle();
    return result;
  }

  static std::set<std::int64_t> segments_of(const asked<schema::SearchReply>& found) {
    std::set<std::int64_t> result;
    if (found.reply)
      for (auto q : (*found.reply)->getQueries())
        for (auto hit : q.getHits())
          result.insert(hit.getId() / memory_engine_id_stride);
    return result;
  }

  static ec code(const asked<schema::SearchReply>& found) {
    return found.reply ? static_cast<ec>((*found.reply)->getStatus().getCode()) : ec::internal;
  }

  std::map<std::string, box> boxes;
  std::map<std::pair<box*, std::int64_t>, wire_end> pairs;
  std::set<std::string> down;
  std::int64_t next_inbound = 0;
  std::int64_t tasks = 0;
  bool coordinator_up = true;
};

// -- the link -------------------------------------------------------------------

TEST_F(node_rules, hello_is_the_first_frame_and_the_welcome_is_answered_by_a_full_report) {
  auto& a = boot("a", 42);
  ASSERT_EQ(a.frames.size(), 1u);
  ASSERT_TRUE(a.frames[0]->isHello());
  EXPECT_EQ(a.frames[0]->getHello().getIncarnation(), 42u);
  welcome(a, 1);
  ASSERT_EQ(a.frames.size(), 2u);
  auto report = a.frames[1]->getReport();
  EXPECT_TRUE(report.getFull() && report.getComplete());
  EXPECT_EQ(report.getSeq(), 1u);
}

TEST_F(node_rules, a_ping_is_answered_at_once) {
  auto& a = join("a", 1);
  say(a, [](auto f) { f.setPing(77); });
  ASSERT_TRUE(a.frames.back()->isPong());
  EXPECT_EQ(a.frames.back()->getPong(), 77u);
}

TEST_F(node_rules, a_lost_link_is_dialled_again_and_the_numbers_of_reports_go_on) {
  auto& a = join("a", 1);
  EXPECT_EQ(code(a, serve(a, 1, {{3, 1, "a"}})), ec::ok);
  const auto seq = reports(a).back().getSeq();
  cut(a);
  settle();
  EXPECT_EQ(segments_of(*search(a, 0, 10)), std::set<std::int64_t>{3});
  pass(limits::redial + 20ms);
  ASSERT_NE(a.link, 0);
  EXPECT_TRUE(a.frames.back()->isHello());
  EXPECT_EQ(a.frames.back()->getHello().getHighestEpoch(), 5u);
  welcome(a, 1, 6);
  auto full = reports(a).back();
  EXPECT_TRUE(full.getFull());
  EXPECT_GT(full.getSeq(), seq);
  ASSERT_EQ(full.getDelegators().size(), 1u);
  EXPECT_TRUE(full.getDelegators()[0].getWholeView());
  EXPECT_TRUE(full.getDelegators()[0].getServiceable());
  EXPECT_EQ(full.getCopies().size(), 1u);
}

TEST_F(node_rules, a_refused_node_waits_longer_before_it_dials_again) {
  auto& a = boot("a");
  say(a, [](auto f) { set_status(f.initRefused(), ec::old_session_exists, "another node has this name"); });
  const auto dials = a.dials;
  pass(limits::redial * 3);
  EXPECT_EQ(a.dials, dials);
  pass(limits::redial_refused);
  EXPECT_EQ(a.dials, dials + 1);
}

TEST_F(node_rules, a_coordinator_that_refuses_connections_is_dialled_until_it_is_there) {
  coordinator_up = false;
  auto& a = boot("a");
  pass(limits::redial * 5 + 50ms);
  EXPECT_GE(a.dials, 4);
  EXPECT_LE(a.dials, 7);
  coordinator_up = true;
  pass(limits::redial * 2);
  EXPECT_TRUE(a.frames.at(0)->isHello());
}

TEST_F(node_rules, a_silent_coordinator_is_dialled_anew) {
  auto& a = join("a", 1);
  const auto dials = a.dials;
  for (int i = 0; i < 10; ++i) {
    pass(1s);
    say(a, [](auto f) { f.setPing(1); });
  }
  EXPECT_EQ(a.dials, dials);
  pass(limits::coordinator_silence + limits::silence_check + limits::redial + 100ms);
  EXPECT_EQ(a.dials, dials + 1);
}

TEST_F(node_rules, an_orderly_stop_says_leaving) {
  auto& a = join("a", 1);
  a.node.stop();
  settle();
  EXPECT_TRUE(a.frames.back()->isLeaving());
}

// -- orders -----------------------------------------------------------------------

TEST_F(node_rules, serve_shard_loads_serves_and_answers_once_behind_the_report_it_names) {
  auto& a = join("a", 1, 42);
  const auto task = serve(a, 1, {{3, 1, "a"}, {4, 1, "a"}, {5, 1, "a"}});
  EXPECT_EQ(code(a, task), ec::ok);
  auto marks = outcome(a, task)->getMarks();
  ASSERT_EQ(marks.size(), 1u);
  EXPECT_EQ(marks[0].getNode(), 1);
  EXPECT_EQ(marks[0].getIncarnation(), 42u);
  // The report with that number comes first, and up to it everything is said.
  std::set<std::int64_t> copies;
  bool serviceable = false;
  std::uint64_t seen = 0;
  for (const auto& frame : a.frames) {
    if (frame->isResults())
      break;
    if (!frame->isReport())
      continue;
    EXPECT_EQ(frame->getReport().getSeq(), ++seen);
    for (auto c : frame->getReport().getCopies())
      copies.insert(c.getSegment());
    for (auto d : frame->getReport().getDelegators())
      serviceable = d.getServiceable();
  }
  EXPECT_EQ(seen, marks[0].getSeq());
  EXPECT_EQ(copies, (std::set<std::int64_t>{3, 4, 5}));
  EXPECT_TRUE(serviceable);
  auto found = search(a, 0, 2);
  ASSERT_TRUE(found->reply);
  EXPECT_EQ((**found).getServedVersion(), 1);
  EXPECT_EQ((**found).getReplica(), 9);
  ASSERT_EQ((**found).getQueries()[0].getHits().size(), 2u);
  EXPECT_EQ((**found).getQueries()[0].getHits()[0].getId(), 3 * memory_engine_id_stride);
  EXPECT_EQ(segments_of(*search(a, 0, 100)), (std::set<std::int64_t>{3, 4, 5}));
}

TEST_F(node_rules, orders_of_a_lower_epoch_are_refused_one_by_one) {
  auto& a = join("a", 1);
  EXPECT_EQ(code(a, serve(a, 1, {}, 1, 100, 6)), ec::ok);
  EXPECT_EQ(code(a, serve(a, 1, {}, 2, 101, 5)), ec::stale_epoch);
  EXPECT_EQ(led(a).getServedVersion(), 1);
}

TEST_F(node_rules, orders_for_another_node_are_refused) {
  auto& a = join("a", 1);
  EXPECT_EQ(code(a, serve(a, 2, {})), ec::node_not_match);
}

TEST_F(node_rules, orders_for_a_shard_that_is_not_led_here_are_refused_but_a_drop_is_ok) {
  auto& a = join("a", 1);
  EXPECT_EQ(code(a, release(a, 1, 3, 1, "c-v0")), ec::channel_not_found);
  EXPECT_EQ(code(a, target(a, 1, 2, {})), ec::channel_not_found);
  EXPECT_EQ(code(a, drop(a, 1, 100)), ec::ok);
}

TEST_F(node_rules, a_failed_load_fails_the_order_and_leaves_the_other_copies) {
  auto& a = join("a", 1);
  a.engine->bad = {segment_id{4}};
  const auto task = serve(a, 1, {{3, 1, "a"}, {4, 1, "a"}});
  EXPECT_EQ(code(a, task), ec::io_corrupt);
  EXPECT_FALSE(led(a).getServiceable());
  auto found = search(a, 0, 1);
  EXPECT_EQ(code(*found), ec::channel_not_available);
  a.engine->bad.clear();
  EXPECT_EQ(code(a, serve(a, 1, {{3, 1, "a"}, {4, 1, "a"}})), ec::ok);
  EXPECT_EQ(a.engine->loads, 3);
  EXPECT_EQ(segments_of(*search(a, 0, 100)), (std::set<std::int64_t>{3, 4}));
}

TEST_F(node_rules, a_served_copy_is_kept_and_one_that_is_not_is_released_after_the_view_forgot_it) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}, {4, 1, "a"}});
  EXPECT_EQ(code(a, release(a, 1, 4, 1, "c-v0")), ec::fenced);
  EXPECT_TRUE(a.engine->released.empty());
  EXPECT_EQ(code(a, target(a, 1, 2, {3})), ec::ok);
  EXPECT_EQ(code(a, release(a, 1, 4, 1, "c-v0")), ec::ok);
  EXPECT_EQ(a.engine->released, std::vector<segment_id>{segment_id{4}});
  bool removed = false;
  for (auto r : reports(a))
    removed |= r.getRemovedCopies().size() > 0;
  EXPECT_TRUE(removed);
  EXPECT_EQ(segments_of(*search(a, 0, 100)), std::set<std::int64_t>{3});
}

TEST_F(node_rules, a_release_without_a_channel_goes_to_the_copy_itself) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}});
  EXPECT_EQ(code(a, drop(a, 1, 100)), ec::ok);
  EXPECT_EQ(code(a, release(a, 1, 3, 1, "")), ec::ok);
  EXPECT_EQ(code(a, release(a, 1, 3, 1, "")), ec::ok);
  EXPECT_EQ(a.engine->released.size(), 1u);
}

TEST_F(node_rules, a_dropped_shard_is_gone_from_door_and_reports_and_can_be_led_again) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}});
  EXPECT_EQ(code(a, drop(a, 1, 99)), ec::ok);
  EXPECT_EQ(code(*search(a, 0, 1)), ec::ok);
  EXPECT_EQ(code(a, drop(a, 1, 100)), ec::ok);
  auto found = search(a, 0, 1);
  EXPECT_EQ(code(*found), ec::channel_not_found);
  EXPECT_EQ(std::string{view((**found).getStatus().getReason())}, "channel c-v0 has no leader here");
  bool removed = false;
  for (auto r : reports(a))
    removed |= r.getRemovedDelegators().size() > 0;
  EXPECT_TRUE(removed);
  EXPECT_EQ(code(a, serve(a, 1, {{3, 1, "a"}}, 2, 101)), ec::ok);
  EXPECT_EQ(a.engine->loads, 1);
  EXPECT_EQ(code(*search(a, 0, 1)), ec::ok);
}

TEST_F(node_rules, results_of_orders_of_an_older_link_are_not_sent) {
  auto& b = join("b", 2);
  auto& a = join("a", 1);
  down.insert("b");
  cut_peers(b);
  settle();
  // The load waits for a peer that is being dialled: it fails, but the link it came over is gone by then.
  const auto task = ++tasks;
  carried(a.node.coordinator_links, a.link, as_data(build<schema::CoordinatorFrame>([&](auto f) {
            auto orders = f.initOrders();
            orders.initHeader().setEpoch(5);
            orders.setNode(1);
            auto o = orders.initOrders(1)[0];
            o.setTask(task);
            auto s = o.initServeShard();
            s.setCollection(7);
            s.setChannel("c-v0");
            s.setReplica(9);
            s.setVersion(1);
            s.setTargetVersion(1);
            s.initWorkers(1)[0].setNode(2);
            s.getWorkers()[0].setAddress("b");
            s.initSegments(1)[0].initSource().setSegment(3);
          })));
  closed(a.node.coordinator_links, a.link);
  a.link = 0;
  settle();
  pass(1s);
  welcome(a, 1);
  EXPECT_FALSE(outcome(a, task));
  EXPECT_EQ(reports(a).back().getDelegators().size(), 1u);
}

// -- workers ------------------------------------------------------------------------

TEST_F(node_rules, a_shard_is_loaded_and_searched_through_workers_and_names_their_reports) {
  join("b", 2, 17);
  auto& a = join("a", 1);
  const auto task = serve(a, 1, {{3, 1, "a"}, {4, 2, "b"}, {5, 2, "b"}});
  EXPECT_EQ(code(a, task), ec::ok);
  auto marks = outcome(a, task)->getMarks();
  ASSERT_EQ(marks.size(), 2u);
  EXPECT_EQ(marks[1].getNode(), 2);
  EXPECT_EQ(marks[1].getIncarnation(), 17u);
  auto last = reports(boxes["b"]).back();
  EXPECT_EQ(marks[1].getSeq(), last.getSeq());
  EXPECT_EQ(boxes["b"].engine->loads, 2);
  auto found = search(a, 0, 100);
  EXPECT_EQ(segments_of(*found), (std::set<std::int64_t>{3, 4, 5}));
  EXPECT_EQ((**found).getQueries()[0].getHits().size(), 9u);
}

TEST_F(node_rules, a_lost_worker_makes_the_shard_unserviceable_at_once_and_the_same_one_heals_it) {
  auto& b = join("b", 2);
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}, {4, 2, "b"}});
  ASSERT_TRUE(led(a).getServiceable());
  down.insert("b");
  cut_peers(b);
  settle();
  EXPECT_FALSE(led(a).getServiceable());
  EXPECT_EQ(code(*search(a, 0, 1)), ec::channel_not_available);
  down.clear();
  pass(limits::peer_redial * 3);
  EXPECT_TRUE(led(a).getServiceable());
  EXPECT_EQ(segments_of(*search(a, 0, 100)), (std::set<std::int64_t>{3, 4}));
}

TEST_F(node_rules, a_worker_that_comes_back_as_another_incarnation_lost_its_segments) {
  auto& b = join("b", 2, 17);
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}, {4, 2, "b"}});
  b.node.stop();
  cut_peers(b);
  settle();
  join("b", 2, 18);
  pass(limits::peer_redial * 3);
  EXPECT_FALSE(led(a).getServiceable());
  ASSERT_EQ(led(a).getRemoved().size(), 1u);
  EXPECT_EQ(led(a).getRemoved()[0], 4);
  EXPECT_EQ(code(*search(a, 0, 1)), ec::segment_lack);
  // The coordinator repairs it.
  const auto task = order(a, 1, [&](auto o) {
    auto l = o.initLoadSegment();
    l.setCollection(7);
    l.setReplica(9);
    l.setChannel("c-v0");
    l.setVersion(200);
    l.initSource().setSegment(4);
    l.getSource().setRows(3);
    l.initWorker().setNode(2);
    l.getWorker().setAddress("b");
  });
  EXPECT_EQ(code(a, task), ec::ok);
  EXPECT_TRUE(led(a).getServiceable());
  EXPECT_EQ(segments_of(*search(a, 0, 100)), (std::set<std::int64_t>{3, 4}));
}

TEST_F(node_rules, a_worker_that_lacks_a_segment_fails_the_search_and_invalidates_the_route) {
  auto& b = join("b", 2);
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}, {4, 2, "b"}});
  b.engine->inner->release(segment_id{4});
  EXPECT_EQ(code(*search(a, 0, 100)), ec::segment_not_loaded);
  EXPECT_FALSE(led(a).getServiceable());
  ASSERT_EQ(led(a).getRemoved().size(), 1u);
  EXPECT_EQ(code(*search(a, 0, 100)), ec::segment_lack);
}

TEST_F(node_rules, a_call_for_another_node_id_is_refused_by_the_worker) {
  join("b", 2);
  auto& a = join("a", 1);
  const auto task = serve(a, 1, {{4, 3, "b"}});
  EXPECT_EQ(code(a, task), ec::node_not_match);
  EXPECT_EQ(boxes["b"].engine->loads, 0);
}

TEST_F(node_rules, a_worker_that_cannot_be_reached_fails_the_order_at_once) {
  auto& a = join("a", 1);
  const auto task = serve(a, 1, {{4, 2, "nowhere"}});
  EXPECT_EQ(code(a, task), ec::connection_lost);
}

TEST_F(node_rules, a_thousand_segments_of_one_order_pass_through_the_windows) {
  join("b", 2);
  auto& a = join("a", 1);
  std::vector<place> places;
  for (std::int64_t i = 1; i <= 1'000; ++i)
    places.push_back(i % 2 == 0 ? place{i, 1, "a"} : place{i, 2, "b"});
  EXPECT_EQ(code(a, serve(a, 1, places)), ec::ok);
  EXPECT_EQ(boxes["b"].engine->loads, 500);
  EXPECT_EQ(segments_of(*search(a, 0, 10'000)).size(), 1'000u);
}

TEST_F(node_rules, malformed_searches_are_refused_before_anyone_works) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}});
  EXPECT_EQ(code(*search(a, 0, 0)), ec::parameter_invalid);
}

TEST_F(node_rules, a_new_node_id_ends_all_delegators_of_the_old_one) {
  auto& a = join("a", 1);
  serve(a, 1, {{3, 1, "a"}});
  cut(a);
  pass(limits::redial * 2);
  welcome(a, 8, 9);
  EXPECT_EQ(reports(a).back().getDelegators().size(), 0u);
  EXPECT_EQ(reports(a).back().getCopies().size(), 1u);
  EXPECT_EQ(code(*search(a, 0, 1)), ec::channel_not_found);
}

// -- the window -----------------------------------------------------------------------

TEST(call_window_rules, calls_beyond_the_window_wait_in_order_and_beyond_that_are_refused) {
  call_window window{2, 1};
  std::vector<int> started;
  EXPECT_TRUE(window.submit([&] { started.push_back(1); }));
  EXPECT_TRUE(window.submit([&] { started.push_back(2); }));
  EXPECT_TRUE(window.submit([&] { started.push_back(3); }));
  EXPECT_FALSE(window.submit([&] { started.push_back(4); }));
  EXPECT_EQ(started, (std::vector<int>{1, 2}));
  window.done();
  EXPECT_EQ(started, (std::vector<int>{1, 2, 3}));
  window.done();
  window.done();
  EXPECT_EQ(window.in_flight(), 0u);
}

TEST(call_window_rules, calls_that_fail_while_they_are_started_do_not_nest) {
  call_window window{1, 100'000};
  int failed = 0;
  window.submit([] {});
  for (int i = 0; i < 100'000; ++i)
    window.submit([&] {
      ++failed;
      window.done();
    });
  window.done();
  EXPECT_EQ(failed, 100'000);
  EXPECT_EQ(window.in_flight(), 0u);
}

} // namespace
} // namespace muster
