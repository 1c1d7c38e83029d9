// Hellos, beats, and the fate of links.
#include "actors/core/membership.hpp"
#include "actors/nodes.hpp"
#include "actors/runtime/shell.hpp"

#include <map>
#include <vector>

namespace muster {

namespace {

struct manager_shell : shell<node_manager_actor, manager_shell> {
  explicit manager_shell(self_pointer ptr) : shell(ptr, "node_manager", "node_manager", "supervisor") {
    // nop
  }

  void start(node_manager_start from) {
    peers = from.peers;
    metadata = from.metadata;
    for (const auto& row : from.known)
      tell(row);
    members = std::make_unique<membership>(std::move(from.known), from.node_gone, now());
    beat_due = now() + std::chrono::nanoseconds{limits::beat_interval}.count();
    send_later(limits::beat_interval, tick_atom::value);
    watch_suspects();
  }

  void event(const m<schema::LinkEvent>& event) {
    auto e = event.read();
    switch (e.which()) {
      case schema::LinkEvent::OPENED:
        strangers[e.getOpened().getLink()] = now();
        break;
      case schema::LinkEvent::FRAME:
        frame(e.getFrame().getLink(), e.getFrame().getBytes());
        break;
      case schema::LinkEvent::CLOSED:
        closed(e.getClosed().getLink(), std::string{view(e.getClosed().getReason())}, e.getClosed().getEnded());
        break;
      case schema::LinkEvent::INVALID:
        break;
    }
  }

  void tick(const tick_atom&) {
    const auto t = now();
    if (watching && t >= watched_for)
      watching = false;
    if (t >= beat_due - 1'000'000) {
      if (const auto late = t - beat_due; late >= std::chrono::nanoseconds{limits::beat_late}.count()) {
        info("was held up for ", late / 1'000'000, " ms; no node is called silent for it");
        members->stood_still(late);
      }
      beat_due = t + std::chrono::nanoseconds{limits::beat_interval}.count();
      send_later(limits::beat_interval, tick_atom::value);
      beat();
      meter().set("links", members->links().size());
      meter().set("strangers", strangers.size());
    }
    std::vector<std::int64_t> mute;
    for (auto [link, since] : strangers)
      if (since != 0 && t - since >= std::chrono::nanoseconds{limits::hello_timeout}.count())
        mute.push_back(link);
    for (auto link : mute) {
      info("closing a connection that has not said who it is in ", limits::hello_timeout.count(), " ms");
      strangers.erase(link);
      close(link);
    }
    // What nodes said meanwhile is in the mailbox: it is heard first.
    send(node_manager_actor{self}, flush_atom::value);
  }

  /// Who is silent, who is gone.
  void judge(const flush_atom&) {
    for (const auto& row : members->beat(now())) {
      if (row.gone()) {
        info("node ", row.name, " (", row.id, ") is gone");
      } else {
        info("node ", row.name, " (", row.id, ") is suspect: silent for ", limits::suspect_after.count(), " ms");
      }
      tell(row);
    }
    watch_suspects();
  }

  m<schema::NodesHeardReply> heard(const m<schema::NodesHeardRequest>&) {
    // Silence is measured on the steady clock; people and gauges read the wall's.
    const auto wall =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count() - now();
    return make<schema::NodesHeardReply>([&](schema::NodesHeardReply::Builder b) {
      const auto all = members->all_heard();
      auto list = b.initNodes(static_cast<unsigned>(all.size()));
      for (unsigned i = 0; i < all.size(); ++i) {
        list[i].setId(all[i].first);
        list[i].setAt(all[i].second + wall);
      }
    });
  }

private:
  void beat() {
    const auto links = members->links();
    if (links.empty())
      return;
    auto ping = make<schema::CoordinatorFrame>([&](auto b) { b.setPing(++beats); }, peers.epoch);
    send(peers.wire, make<schema::LinkCommand>([&](schema::LinkCommand::Builder b) {
           auto all = b.initBroadcast();
           auto list = all.initLinks(static_cast<unsigned>(links.size()));
           for (unsigned i = 0; i < links.size(); ++i)
             list.set(i, links[i]);
           all.setBytes(as_data(ping));
         }));
  }

  void frame(std::int64_t link, capnp::Data::Reader bytes) {
    auto parsed = parse<schema::NodeFrame>(bytes);
    if (!parsed) {
      warn("closing a link to a node: ", parsed.error().text);
      close(link);
      return;
    }
    auto f = parsed->read();
    if (f.isHello()) {
      hello(link, *parsed);
      return;
    }
    const auto node = members->node_of(link);
    if (node == 0)
      return;
    if (auto back = members->heard(link, now())) {
      // Its tables were given up as stale when it fell silent; a new link brings its full report.
      info("node ", back->name, " (", back->id, ") is heard again, asking it for a new link");
      close(link);
      return;
    }
    if (f.isPong())
      return;
    if (f.isDraining()) {
      if (auto row = members->draining(link)) {
        info("node ", row->name, " (", row->id, ") is to stop: what it holds moves to other nodes first");
        tell(*row);
      }
      return;
    }
    if (f.isLeaving()) {
      if (auto row = members->leaving(link, now())) {
        info("node ", row->name, " (", row->id, ") left");
        detach(node, link, "the node left");
        tell(*row);
        close(link); // nobody beats on it any more, so its break might never be heard
      }
      return;
    }
    if (auto i = sessions.find(node); i != sessions.end())
      send(i->second, *parsed);
  }

  void hello(std::int64_t link, const m<schema::NodeFrame>& frame) {
    auto hello = frame->getHello();
    if (auto i = strangers.find(link); i != strangers.end())
      i->second = 0;
    const std::string name{view(hello.getName())};
    if (auto why = members->may_join(name, hello.getIncarnation()); why.code != ec::ok) {
      refuse(link, name, why);
      return;
    }
    members->said_hello(name, now());
    auto commit = make<schema::Commit>([&](schema::Commit::Builder b) {
      auto record = b.initNode();
      record.setName(hello.getName());
      record.setAddress(hello.getAddress());
    }, peers.epoch);
    request<m<schema::CommitReply>>(
      metadata, limits::commit_timeout, commit,
      [this, link, name, frame](const m<schema::CommitReply>& reply) {
        if (auto why = to_failure(reply->getStatus()); why.code != ec::ok)
          refuse(link, name, why);
        else
          join(link, reply->getValue(), frame->getHello());
      },
      [this, link, name](const failure& why) { refuse(link, name, why); });
  }

  void join(std::int64_t link, std::int64_t id, schema::Hello::Reader hello) {
    if (strangers.erase(link) == 0)
      return; // closed meanwhile
    const std::string name{view(hello.getName())};
    if (auto why = members->may_join(name, hello.getIncarnation()); why.code != ec::ok) {
      refuse(link, name, why);
      return;
    }
    node_row row;
    row.id = id;
    row.name = name;
    row.address = std::string{view(hello.getAddress())};
    row.incarnation = hello.getIncarnation();
    row.memory_mb = hello.getMemoryMb();
    row.cpus = hello.getCpus();
    row.stopping = hello.getDraining();
    for (auto label : hello.getLabels())
      row.labels.emplace_back(std::string{view(label.getKey())}, std::string{view(label.getValue())});
    if (const auto* before = members->find(id); before != nullptr && before->connected()) {
      // The same process on a new link: until its full report it is as good as unknown.
      auto gap = *before;
      gap.liveness = schema::NodeLiveness::SUSPECT;
      tell(gap);
    }
    std::int64_t old_link = 0;
    const auto member = members->joined(row, link, now(), old_link);
    if (old_link != 0) {
      detach(id, old_link, "the node came back on another connection");
      close(old_link);
    }
    if (!sessions.contains(id)) {
      auto executor = spawn_task_executor(self->system(), id, peers);
      sessions[id] = spawn_node_session(self->system(), id, peers, executor);
      executors[id] = executor;
      // They hold each other's handles and end with their manager.
      self->link_to(executor);
      self->link_to(sessions[id]);
      send(peers.scheduler, attach_atom::value, id, executor);
    }
    info("node ", name, " (", id, ") joined from ", row.address, ", incarnation ", row.incarnation);
    tell(member);
    send(sessions[id], make<schema::SessionAttach>([&](auto b) {
           b.setNode(id);
           b.setLink(link);
           b.setIncarnation(row.incarnation);
         }));
  }

  void closed(std::int64_t link, const std::string& reason, bool ended) {
    strangers.erase(link);
    const auto node = members->node_of(link);
    if (node == 0)
      return;
    detach(node, link, reason);
    if (auto row = members->lost(link, ended, now())) {
      info("node ", row->name, " (", row->id, ") is ", row->gone() ? "gone" : "suspect", ": ", reason);
      tell(*row);
    }
    watch_suspects();
  }

  void refuse(std::int64_t link, const std::string& name, const failure& why) {
    warn("refused a node: ", why.text);
    notice(schema::EventKind::NODE_REFUSED, [&](schema::Event::Builder e) {
      e.setChannel(name); // it has no id
      e.setText(why.text);
    });
    auto frame = make<schema::CoordinatorFrame>([&](auto b) { set_status(b.initRefused(), why); }, peers.epoch);
    send(peers.wire, make<schema::LinkCommand>([&](schema::LinkCommand::Builder b) {
           auto out = b.initFrame();
           out.setLink(link);
           out.setBytes(as_data(frame));
         }));
    strangers.erase(link);
    close(link);
  }

  void close(std::int64_t link) {
    send(peers.wire, make<schema::LinkCommand>([&](auto b) { b.setClose(link); }));
  }

  void detach(std::int64_t node, std::int64_t link, const std::string& reason) {
    if (auto i = sessions.find(node); i != sessions.end())
      send(i->second, make<schema::SessionDetach>([&](auto b) {
             b.setNode(node);
             b.setLink(link);
             b.setReason(reason);
           }));
  }

  void tell(const node_row& row) {
    send(peers.distribution, make<schema::NodeChange>([&](auto b) { write(b.initNode(), row); }, peers.epoch));
  }

  /// A suspect is gone at its very time, not at the next beat.
  void watch_suspects() {
    const auto next = members->next_gone();
    if (!next || (watching && watched_for <= *next))
      return;
    watching = true;
    watched_for = *next;
    const auto wait = std::chrono::nanoseconds{std::max<std::int64_t>(*next - now(), 0)};
    send_later(std::chrono::duration_cast<std::chrono::milliseconds>(wait) + std::chrono::milliseconds{1}, tick_atom::value);
  }

  node_peers peers;
  metadata_actor metadata;
  std::unique_ptr<membership> members;
  std::map<std::int64_t, std::int64_t> strangers; ///< Links that have not joined -> since when; 0: its hello is at work.
  std::map<std::int64_t, node_session_actor> sessions;
  std::map<std::int64_t, task_executor_actor> executors;
  std::uint64_t beats = 0;
  std::int64_t beat_due = 0;
  bool watching = false;
  std::int64_t watched_for = 0;
};

node_manager_actor::behavior_type manager_behavior(node_manager_actor::stateful_pointer<manager_shell> self,
                                                   std::shared_ptr<node_manager_start> start) {
  auto& s = self->state;
  s.start(std::move(*start));
  return {s.on(&manager_shell::event), s.on(&manager_shell::tick), s.on(&manager_shell::judge), s.on(&manager_shell::heard)};
}

} // namespace

node_manager_actor spawn_node_manager(caf::actor_system& system, node_manager_start start) {
  // Beats must not wait behind what the cores have to think about.
  if (detach_blocking(system))
    return system.spawn<caf::detached>(manager_behavior, std::make_shared<node_manager_start>(std::move(start)));
  return system.spawn(manager_behavior, std::make_shared<node_manager_start>(std::move(start)));
}

} // namespace muster
