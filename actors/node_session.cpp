// One node's link: orders out, reports and results in; frames of older links are not heard.
#include "actors/nodes.hpp"
#include "actors/runtime/shell.hpp"

namespace muster {

namespace {

struct session_shell : shell<node_session_actor, session_shell> {
  explicit session_shell(self_pointer ptr) : shell(ptr) {
    // nop
  }

  void attach(const m<schema::SessionAttach>& hello) {
    link = hello->getLink();
    incarnation = hello->getIncarnation();
    known = false;
    write([&](schema::CoordinatorFrame::Builder f) {
      auto welcome = f.initWelcome();
      welcome.setNode(node);
      welcome.setEpoch(peers.epoch);
    });
  }

  void detach(const m<schema::SessionDetach>& why) {
    if (why->getLink() != link)
      return;
    link = 0;
    known = false;
    send(executor, why);
  }

  /// node_manager passes only frames of the link that it attached last.
  void frame(const m<schema::NodeFrame>& frame) {
    if (link == 0)
      return;
    auto f = frame.read();
    if (f.isReport()) {
      auto report = f.getReport();
      send(peers.distribution, make<schema::NodeReport>([&](schema::NodeReport::Builder b) {
             b.setNode(node);
             b.setIncarnation(incarnation);
             b.setReport(report);
           }));
      // Orders before the full report would be based on what was; the first complete page opens the door.
      if (report.getComplete() && !known) {
        known = true;
        send(executor, attach_atom::value, node_session_actor{self});
      }
    } else if (f.isResults()) {
      send(executor, copy<schema::OrderResults>(f.getResults()));
    }
  }

  void orders(const m<schema::Orders>& orders) {
    if (link == 0)
      return; // the executor hears of the lost link and fails what is outstanding
    write([&](schema::CoordinatorFrame::Builder f) { f.setOrders(orders.read()); });
  }

  template <class Fill>
  void write(Fill&& fill) {
    auto frame = make<schema::CoordinatorFrame>(fill, peers.epoch);
    send(peers.wire, make<schema::LinkCommand>([&](schema::LinkCommand::Builder b) {
           auto out = b.initFrame();
           out.setLink(link);
           out.setBytes(as_data(frame));
         }));
  }

  std::int64_t node = 0;
  node_peers peers;
  task_executor_actor executor;
  std::int64_t link = 0;
  std::uint64_t incarnation = 0;
  bool known = false;
};

node_session_actor::behavior_type session_behavior(node_session_actor::stateful_pointer<session_shell> self,
                                                   std::int64_t node, const node_peers& peers,
                                                   const task_executor_actor& executor) {
  auto& s = self->state;
  s.enrol("node_session/" + std::to_string(node), "node_session", "node_manager");
  s.node = node;
  s.peers = peers;
  s.executor = executor;
  return {
    s.on(&session_shell::attach),
    s.on(&session_shell::detach),
    s.on(&session_shell::frame),
    s.on(&session_shell::orders),
  };
}

} // namespace

node_session_actor spawn_node_session(caf::actor_system& system, std::int64_t node, const node_peers& peers,
                                      task_executor_actor executor) {
  return system.spawn(session_behavior, node, peers, std::move(executor));
}

} // namespace muster
