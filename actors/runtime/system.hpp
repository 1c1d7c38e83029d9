// The actor system of one Muster process: message types, scheduler policy, probes, who may block.
#pragma once

#include "actors/runtime/probe.hpp"

#include <caf/actor_system_config.hpp>

#include <cstdint>
#include <memory>

namespace muster {

class inspector_link;

/// Configuration of an actor system; outlives it. One a (real or simulated) process.
class system_config : public caf::actor_system_config {
public:
  /// `testing`: CAF's deterministic test scheduler with virtual time; otherwise the `sharing` policy, which costs nothing idle.
  explicit system_config(bool testing = false, std::size_t threads = 2);

  std::shared_ptr<probe_registry> probes = std::make_shared<probe_registry>();
  std::shared_ptr<inspector_link> inspector; ///< Never null.

  /// True in real processes: actors that block on disk or CPU get a thread of their own. False under the test scheduler.
  bool detach_blocking = true;
};

} // namespace muster
