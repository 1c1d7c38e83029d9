// Query nodes over a network in memory, with the test as their coordinator.
#pragma once

#include "actors/node/node.hpp"
#include "persistence/memory_engine.hpp"
#include "tests/support/actor_fixture.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster::node_rig {

using namespace std::chrono_literals;

/// Fails for the segments it is told to; otherwise the memory engine.
struct moody_engine : segment_engine {
  result<loaded_segment> load(const segment_source& what) override {
    ++loads;
    if (bad.count(what.id) > 0)
      return failure{ec::io_corrupt, "segment " + to_string(what.id) + " is damaged"};
    return inner->load(what);
  }
  result<loaded_segment> change_indexes(const segment_source& what, std::uint64_t indexes, bool drop) override {
    return inner->change_indexes(what, indexes, drop);
  }
  result<loaded_segment> load_stats(const segment_source& what, std::uint64_t fields) override {
    return inner->load_stats(what, fields);
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
  std::shared_ptr<int> drained = std::make_shared<int>(0); ///< How often it said that it is empty.
  std::vector<m<schema::NodeFrame>> frames; ///< At the coordinator.
};

struct rig : actor_fixture {
  struct wire_end {
    box* at;
    std::int64_t link;
  };

  ~rig() override {
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
    config.on_drained = [n = b.drained] { ++*n; };
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

  std::int64_t serve(box& b, std::int64_t node, std::vector<place> places, std::int64_t target = 1,
                     std::int64_t version = 100, std::uint64_t epoch = 5) {
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

  std::shared_ptr<asked<schema::SearchReply>> search(box& b, float value, std::uint32_t k,
                                                     const char* channel = "c-v0") {
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

} // namespace muster::node_rig
