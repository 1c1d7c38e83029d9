// A coordinator and nodes in one process with in-memory links and any journal, for tests and benchmarks.
#pragma once

#include "actors/coordinator.hpp"
#include "actors/node/fleet.hpp"
#include "actors/node/node.hpp"
#include "actors/runtime/system.hpp"
#include "tests/support/memory_network.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace muster {

struct local_cluster_options {
  std::size_t nodes = 1;
  std::shared_ptr<muster::journal> journal; ///< Null: in memory.
  std::shared_ptr<muster::catalogue> catalogue; ///< Null: in memory.
  std::string store;
  std::chrono::milliseconds node_gone = limits::node_gone;
};

/// Real threads and real time; everything is ended by the destructor.
class local_cluster {
public:
  explicit local_cluster(local_cluster_options options);
  ~local_cluster();
  local_cluster(const local_cluster&) = delete;
  local_cluster& operator=(const local_cluster&) = delete;

  /// Starts one more node; `engine` null: a memory engine. The name is "n" and a number, from 1.
  std::string add_node(std::shared_ptr<segment_engine> engine = nullptr);
  void kill_node(const std::string& name);

  /// Starts simulated nodes, one fleet a cluster, and waits until all are connected. Their address is "fleet".
  void add_fleet(fleet_settings settings);

  /// Ends the coordinator and starts it again over the same journal and catalogue.
  void restart_coordinator();

  /// Asks the gateway and waits; a reply with a failure status after `timeout`.
  msg<schema::ClientReply> ask(msg<schema::ClientRequest> request,
                               std::chrono::milliseconds timeout = std::chrono::seconds{30});

  /// Asks the door of a node.
  msg<schema::SearchReply> search(const std::string& node, msg<schema::SearchRequest> request,
                                  std::chrono::milliseconds timeout = std::chrono::seconds{5});

  /// Registers a collection of `segments` segments without files (for memory engines); returns its id. Segment ids follow
  /// from the durable allocator.
  std::int64_t import(const std::string& name, std::size_t segments, std::int64_t rows, std::size_t shards = 1,
                      bool append = false);

  msg<schema::ClientReply> load(const std::string& name, std::uint32_t replicas = 1);
  msg<schema::ClientReply> release(const std::string& name);
  msg<schema::GetStatusReply> status();

  /// Asks for the status until `good` says so or `timeout` has passed; the last status.
  template <class Good>
  msg<schema::GetStatusReply> await_status(Good good, std::chrono::milliseconds timeout = std::chrono::seconds{10}) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    for (;;) {
      auto s = status();
      if (good(s.read()) || std::chrono::steady_clock::now() > end)
        return s;
      pause();
    }
  }

  caf::actor_system& system() {
    return *system_;
  }

  coordinator_actors& coordinator() {
    return coordinator_;
  }

  const node_actors& node(const std::string& name) const {
    return nodes_.at(name);
  }

private:
  /// Lets the actors run for a moment, bounded.
  void pause();
  void start();

  local_cluster_options options_;
  system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<memory_network> network_;
  coordinator_actors coordinator_;
  std::map<std::string, node_actors> nodes_;
  fleet_actor fleet_;
  std::size_t last_node_ = 0;
  std::map<std::string, std::int64_t> collections_;
};

} // namespace muster
