// Resource groups at the size of a large cluster: 1,000 nodes that join, and configs that send hundreds of them elsewhere.
#include "tests/bench/group_figures.hpp"

#include "actors/core/resource_groups.hpp"
#include "actors/distribution.hpp"
#include "actors/gateway.hpp"
#include "actors/journal.hpp"
#include "actors/metadata.hpp"
#include "actors/observers.hpp"
#include "actors/runtime/shell.hpp"
#include "actors/task_scheduler.hpp"
#include "persistence/journal.hpp"
#include "tests/bench/figure.hpp"

#include <caf/scoped_actor.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace muster::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::int64_t nodes = 1'000;

double milliseconds_since(clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(clock::now() - begin).count();
}

/// The actors that groups pass through, over a real journal; the nodes are told to distribution as node_manager would do it.
class rig {
public:
  explicit rig(const std::string& folder) : system_(config_), self_(system_) {
    auto opened = open_sqlite_journal(folder + "/groups");
    if (!opened)
      throw std::runtime_error(opened.error().text);
    const auto fatal = [](const std::string& why) { throw std::runtime_error(why); };
    journal_ = spawn_journal(system_, std::shared_ptr<journal>{std::move(*opened)});
    metadata_ = spawn_metadata(system_, {}, journal_, fatal);
    distribution_ = spawn_distribution(system_, 1);
    scheduler_ = spawn_task_scheduler(system_, 1);
    gateway_peers peers;
    peers.epoch = 1;
    peers.metadata = metadata_;
    gateway_ = spawn_gateway(system_, peers);
    observer_ = spawn_resource_observer(system_, metadata_);
    post(system_, metadata_, subscribe_atom::value, subscriber_actor{scheduler_});
    post(system_, distribution_, subscribe_atom::value, subscriber_actor{scheduler_});
    post(system_, scheduler_, subscribe_atom::value, subscriber_actor{gateway_});
    post(system_, scheduler_, subscribe_atom::value, subscriber_actor{observer_});
  }

  ~rig() {
    for (const auto& a : {caf::actor_cast<caf::actor>(observer_), caf::actor_cast<caf::actor>(gateway_),
                          caf::actor_cast<caf::actor>(scheduler_), caf::actor_cast<caf::actor>(distribution_),
                          caf::actor_cast<caf::actor>(metadata_), caf::actor_cast<caf::actor>(journal_)})
      caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  }

  void join(std::int64_t number) {
    const auto name = "n" + std::to_string(number);
    auto commit = build<schema::Commit>([&](schema::Commit::Builder b) {
      b.initNode().setName(name);
      b.getNode().setAddress("host:" + std::to_string(number));
    });
    node_row row;
    row.id = ask<schema::CommitReply>(metadata_, commit)->getValue();
    row.name = name;
    row.liveness = schema::NodeLiveness::CONNECTED;
    row.incarnation = 1;
    row.labels = {{"zone", number % 2 == 0 ? "a" : "b"}};
    post(system_, distribution_, build<schema::NodeChange>([&](schema::NodeChange::Builder b) { write(b.initNode(), row); }));
  }

  void create(const std::string& name) {
    must(build<schema::ClientRequest>([&](schema::ClientRequest::Builder b) { b.initCreateResourceGroup().setName(name); }));
  }

  /// From the request to the answers that show every node where it belongs.
  double update_ms(const group_configs& configs, const std::vector<std::pair<std::string, unsigned>>& sizes) {
    const auto begin = clock::now();
    must(build<schema::ClientRequest>([&](schema::ClientRequest::Builder b) {
      auto list = b.initUpdateResourceGroups().initGroups(static_cast<unsigned>(configs.size()));
      unsigned i = 0;
      for (const auto& [name, config] : configs) {
        list[i].setName(name);
        write(list[i++].initConfig(), config);
      }
    }));
    for (const auto& [name, size] : sizes)
      await(name, size);
    return milliseconds_since(begin);
  }

  void await(const std::string& name, unsigned size) {
    const auto question = build<schema::ClientRequest>(
      [&](schema::ClientRequest::Builder b) { b.initDescribeResourceGroup().setName(name); });
    const auto end = clock::now() + std::chrono::seconds{30};
    while (ask<schema::ClientReply>(gateway_, question)->getDescribeResourceGroup().getGroup().getNodes().size() != size)
      if (clock::now() > end)
        throw std::runtime_error("resource group " + name + " never got its " + std::to_string(size) + " nodes");
  }

private:
  template <class Reply, class Actor, class Request>
  msg<Reply> ask(const Actor& who, const Request& request) {
    msg<Reply> answer;
    self_->request(who, std::chrono::seconds{30}, request)
      .receive([&](const msg<Reply>& r) { answer = r; },
               [&](const caf::error& e) { throw std::runtime_error(system_.render(e)); });
    return answer;
  }

  void must(const msg<schema::ClientRequest>& request) {
    auto reply = ask<schema::ClientReply>(gateway_, request);
    // Until the first publication it refuses everything.
    for (const auto end = clock::now() + std::chrono::seconds{30};
         reply->getStatus().getCode() == static_cast<int>(ec::service_not_ready) && clock::now() < end;)
      reply = ask<schema::ClientReply>(gateway_, request);
    auto status = reply->getStatus();
    if (reply->isUpdateResourceGroups())
      status = reply->getUpdateResourceGroups().getStatus();
    else if (reply->isCreateResourceGroup())
      status = reply->getCreateResourceGroup().getStatus();
    if (status.getCode() != 0 || reply->isInvalid())
      throw std::runtime_error("a change of resource groups failed: " + std::string{view(status.getReason())});
  }

  system_config config_;
  caf::actor_system system_;
  caf::scoped_actor self_;
  journal_actor journal_;
  metadata_actor metadata_;
  distribution_actor distribution_;
  task_scheduler_actor scheduler_;
  gateway_actor gateway_;
  subscriber_actor observer_;
};

group_config sized(std::int64_t requests, std::int64_t limits, const std::string& zone = {}) {
  group_config c;
  c.requests = requests;
  c.limits = limits;
  if (!zone.empty())
    c.labels = {{"zone", zone}};
  return c;
}

} // namespace

void group_figures(const std::string& folder) {
  rig r{folder};
  r.create("rg1");
  r.create("rg2");
  const auto begin = clock::now();
  for (std::int64_t i = 0; i < nodes; ++i)
    r.join(i);
  const std::string rest{default_group};
  r.await(rest, nodes);
  figure("nodes_1000_join_groups_s", milliseconds_since(begin) / 1000, "s");
  std::vector<double> sized_ms;
  std::vector<double> labelled_ms;
  for (int i = 0; i < 11; ++i) {
    sized_ms.push_back(r.update_ms({{"rg1", sized(250, 250)}, {"rg2", sized(250, 250)}}, {{"rg1", 250}, {"rg2", 250}}));
    sized_ms.push_back(r.update_ms({{"rg1", sized(0, 0)}, {"rg2", sized(0, 0)}}, {{rest, nodes}}));
    labelled_ms.push_back(
      r.update_ms({{"rg1", sized(250, 250, "a")}, {"rg2", sized(250, 250, "b")}}, {{"rg1", 250}, {"rg2", 250}}));
    labelled_ms.push_back(r.update_ms({{"rg1", sized(0, 0)}, {"rg2", sized(0, 0)}}, {{rest, nodes}}));
  }
  const auto middle = [](std::vector<double> times) {
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  };
  figure("resource_group_update_ms", middle(sized_ms), "ms", at_most(10));
  figure("resource_group_update_by_label_ms", middle(labelled_ms), "ms");
}

} // namespace muster::bench
