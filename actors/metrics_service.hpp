// The part of the gateway for metrics, and for when nodes were last heard, which node_manager alone knows.
#pragma once

#include "actors/core/metrics.hpp"
#include "actors/core/reads.hpp"
#include "actors/interfaces.hpp"
#include "actors/runtime/shell.hpp"
#include "messages/status.hpp"

#include <functional>
#include <string>
#include <utility>

namespace muster {

/// Belongs to the state of the gateway. Every continuation is called once.
template <class Shell>
class metrics_service {
public:
  using done = std::function<void(msg<schema::ClientReply>)>;
  using Request = schema::ClientRequest;

  metrics_service(Shell& shell, const situation& view) : shell_(shell), view_(view) {
    // nop
  }

  /// GetMetrics.
  void metrics(const msg<Request>& r, done then) {
    auto read = read_metrics_request(view(r->getGetMetrics().getRequest()));
    if (!read)
      return then(refused(read.error()));
    const auto what = *read;
    const auto fail = [this, then](const failure& why) { then(refused(why)); };
    if (what.type == metrics_type::tasks_all)
      shell_.template request<msg<schema::TaskRecordsReply>>(
        shell_.peers.scheduler, limits::read_timeout,
        shell_.template make<schema::TaskRecordsRequest>([&](auto b) { b.setCollection(what.collection); }, shell_.peers.epoch),
        [this, what, then](const msg<schema::TaskRecordsReply>& tasks) { then(answer(what, facts(), tasks.read())); }, fail);
    else if (what.type == metrics_type::system_info)
      with_heard(
        [this, what, then](schema::NodesHeardReply::Reader heard) {
          auto known = facts();
          for (auto n : heard.getNodes())
            known.last_heard[n.getId()] = n.getAt();
          then(answer(what, known, {}));
        },
        fail);
    else
      then(answer(what, facts(), {}));
  }

  /// ListQueryNode.
  void nodes(done then) {
    with_heard(
      [this, then](schema::NodesHeardReply::Reader heard) {
        then(shell_.reply([&](schema::ClientReply::Builder b) { write_nodes(view_, heard, b.initListQueryNode()); }));
      },
      [this, then](const failure& why) {
        then(shell_.reply([&](auto b) { set_status(b.initListQueryNode().initStatus(), why); }));
      });
  }

private:
  void with_heard(std::function<void(schema::NodesHeardReply::Reader)> then, std::function<void(const failure&)> fail) {
    shell_.template request<msg<schema::NodesHeardReply>>(
      shell_.peers.nodes, limits::read_timeout, shell_.template make<schema::NodesHeardRequest>([](auto) {}, shell_.peers.epoch),
      [then](const msg<schema::NodesHeardReply>& heard) { then(heard.read()); }, std::move(fail));
  }

  cluster_facts facts() const {
    cluster_facts f;
    f.epoch = shell_.peers.epoch;
    f.version = Shell::version;
    return f;
  }

  msg<schema::ClientReply> answer(const metrics_request& what, const cluster_facts& known, schema::TaskRecordsReply::Reader tasks) {
    const auto found = metrics_json(view_, what, known, tasks);
    if (!found)
      return refused(found.error());
    return shell_.reply([&](schema::ClientReply::Builder b) {
      auto out = b.initGetMetrics();
      out.setResponse(found->text());
      out.setComponentName(component_name(known.epoch));
    });
  }

  msg<schema::ClientReply> refused(const failure& why) {
    return shell_.reply([&](auto b) { set_status(b.initGetMetrics().initStatus(), why); });
  }

  Shell& shell_;
  const situation& view_;
};

} // namespace muster
