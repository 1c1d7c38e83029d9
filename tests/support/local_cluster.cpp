// The cluster in one process.
#include "tests/support/local_cluster.hpp"

#include "actors/runtime/shell.hpp"
#include "persistence/memory_engine.hpp"

#include <caf/scoped_actor.hpp>

#include <stdexcept>
#include <thread>

namespace muster {

namespace {

constexpr const char* coordinator_address = "coordinator";

template <class Reply, class Actor, class Request>
msg<Reply> ask_actor(caf::actor_system& system, const Actor& who, const Request& request, std::chrono::milliseconds timeout) {
  caf::scoped_actor self{system};
  msg<Reply> answer;
  probes_of(system).sent(who.id(), 0);
  self->request(who, timeout, request)
    .receive([&](const msg<Reply>& r) { answer = r; },
             [&](const caf::error& e) {
               answer = build<Reply>([&](auto b) {
                 set_status(b.initStatus(), ec::deadline_exceeded, system.render(e));
               });
             });
  return answer;
}

} // namespace

local_cluster::local_cluster(local_cluster_options options) : options_(std::move(options)) {
  if (!options_.journal)
    options_.journal = make_memory_journal(std::make_shared<memory_disk>());
  if (!options_.catalogue) {
    auto opened = open_memory_catalogue();
    if (!opened)
      throw std::runtime_error(opened.error().text);
    options_.catalogue = std::move(*opened);
  }
  system_ = std::make_unique<caf::actor_system>(config_);
  network_ = std::make_unique<memory_network>(*system_);
  start();
  for (std::size_t i = 0; i < options_.nodes; ++i)
    add_node();
  const auto wanted = options_.nodes;
  await_status([&](auto s) {
    std::size_t connected = 0;
    for (auto n : s.getNodes())
      connected += view(n.getState()) == "connected";
    if (connected != wanted)
      return false;
    // A moment later they are members of the default group; a load before that is refused.
    const auto group = ask(build<schema::ClientRequest>([](schema::ClientRequest::Builder b) { b.initDescribeResourceGroup().setName("__default_resource_group"); }));
    return group->isDescribeResourceGroup() && group->getDescribeResourceGroup().getGroup().getNodes().size() == wanted;
  });
}

local_cluster::~local_cluster() {
  if (fleet_)
    caf::anon_send_exit(fleet_, caf::exit_reason::user_shutdown);
  fleet_ = fleet_actor{};
  for (auto& [name, node] : nodes_)
    node.stop();
  coordinator_.stop();
  coordinator_ = {};
  nodes_.clear();
  network_->kill(coordinator_address);
  network_->kill("fleet");
  for (std::size_t i = 1; i <= last_node_; ++i)
    network_->kill("n" + std::to_string(i));
  // The wires have no owner of their own; they end with the system's last handles.
  system_.reset();
}

void local_cluster::start() {
  coordinator_config config;
  config.journal = options_.journal;
  config.catalogue = options_.catalogue;
  config.store = options_.store;
  config.node_gone = options_.node_gone;
  config.on_fatal = [](const std::string& why) { log::error("local_cluster", why); };
  auto started = start_coordinator(*system_, config, network_->wire(coordinator_address));
  if (!started)
    throw std::runtime_error(started.error().text);
  coordinator_ = std::move(*started);
  network_->own_links(coordinator_address, coordinator_.node_links, link_owner_actor{});
}

std::string local_cluster::add_node(std::shared_ptr<segment_engine> engine) {
  const auto name = "n" + std::to_string(++last_node_);
  node_config config;
  config.name = name;
  config.address = name;
  config.coordinator = coordinator_address;
  config.incarnation = last_node_;
  config.engine = engine ? std::move(engine) : std::shared_ptr<segment_engine>{make_memory_engine()};
  auto wire = network_->wire(name);
  auto node = start_node(*system_, config, wire);
  network_->own_links(name, node.coordinator_links, node.peer_links);
  nodes_[name] = std::move(node);
  return name;
}

void local_cluster::add_fleet(fleet_settings settings) {
  settings.address = "fleet";
  settings.incarnation = 1;
  const auto wanted = settings.nodes;
  fleet_ = spawn_fleet(*system_, std::move(settings), coordinator_address, network_->wire("fleet"),
                       [](const fleet_counts&) {});
  network_->own_links("fleet", fleet_, link_owner_actor{});
  await_status(
    [&](auto s) {
      std::size_t connected = 0;
      for (auto n : s.getNodes())
        connected += view(n.getState()) == "connected";
      return connected >= wanted;
    },
    std::chrono::seconds{60});
}

void local_cluster::kill_node(const std::string& name) {
  network_->kill(name);
  nodes_.at(name).stop();
  nodes_.erase(name);
}

void local_cluster::restart_coordinator() {
  network_->kill(coordinator_address);
  const auto supervisor = caf::actor_cast<caf::actor>(coordinator_.supervisor);
  const auto gateway = caf::actor_cast<caf::actor>(coordinator_.gateway);
  coordinator_.stop();
  coordinator_.stop(); // the second one is harmless
  caf::scoped_actor self{*system_};
  self->wait_for(supervisor, gateway);
  coordinator_ = {};
  start();
}

msg<schema::ClientReply> local_cluster::ask(msg<schema::ClientRequest> request, std::chrono::milliseconds timeout) {
  return ask_actor<schema::ClientReply>(*system_, coordinator_.gateway, request, timeout);
}

msg<schema::SearchReply> local_cluster::search(const std::string& node, msg<schema::SearchRequest> request,
                                               std::chrono::milliseconds timeout) {
  return ask_actor<schema::SearchReply>(*system_, nodes_.at(node).door, request, timeout);
}

std::int64_t local_cluster::import(const std::string& name, std::size_t segments, std::int64_t rows, std::size_t shards,
                                   bool append) {
  auto ids = ask(build<schema::ClientRequest>(
    [&](auto b) { b.initAllocateIds().setCount(static_cast<std::uint32_t>(segments + 3)); }));
  auto next = ids->getAllocateIds().getFirst();
  const auto collection = append ? collections_.at(name) : next++;
  const auto partition = next++;
  const auto default_partition = next++;
  std::vector<std::string> channels;
  for (std::size_t i = 0; i < shards; ++i)
    channels.push_back(name + "-" + std::to_string(collection) + "-v" + std::to_string(i));
  auto reply = ask(build<schema::ClientRequest>([&](auto b) {
    auto r = b.initRegisterImport();
    r.setName(name);
    r.setAppend(append);
    r.setCollectionId(collection);
    r.setMetric("l2");
    r.setDimension(1);
    auto list = r.initChannels(static_cast<unsigned>(shards));
    for (unsigned i = 0; i < shards; ++i)
      list.set(i, channels[i]);
    r.setPartitionId(partition);
    r.setDefaultPartitionId(default_partition);
    auto out = r.initSegments(static_cast<unsigned>(segments));
    for (unsigned i = 0; i < segments; ++i) {
      const auto id = next++;
      out[i].setId(id);
      out[i].setChannel(channels[i % shards]);
      out[i].setRows(rows);
      out[i].setBytes(rows * 4);
      out[i].setFile(std::to_string(collection) + "/" + std::to_string(id) + ".segment");
      out[i].setIndexKind("hnsw"); // as the memory engine says
    }
  }));
  if (reply->getRegisterImport().getStatus().getCode() != 0 || reply->getStatus().getCode() != 0)
    throw std::runtime_error(std::string{view(reply->getRegisterImport().getStatus().getReason())}
                             + std::string{view(reply->getStatus().getReason())});
  collections_[name] = collection;
  return collection;
}

msg<schema::ClientReply> local_cluster::load(const std::string& name, std::uint32_t replicas) {
  return ask(build<schema::ClientRequest>([&](auto b) {
    auto r = b.initLoadCollection();
    r.setCollection(name);
    r.setReplicaNumber(replicas);
  }));
}

msg<schema::ClientReply> local_cluster::release(const std::string& name) {
  return ask(build<schema::ClientRequest>([&](auto b) { b.initReleaseCollection().setCollection(name); }));
}

msg<schema::GetStatusReply> local_cluster::status() {
  return copy<schema::GetStatusReply>(ask(build<schema::ClientRequest>([](auto b) { b.initGetStatus(); }))->getGetStatus());
}

void local_cluster::pause() {
  caf::scoped_actor self{*system_};
  self->receive(caf::after(std::chrono::milliseconds{2}) >> [] {});
}

} // namespace muster
