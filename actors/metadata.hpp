// The metadata actor: the desired state and the targets, durable before anyone is told.
#pragma once

#include "actors/core/metadata_tables.hpp"
#include "actors/interfaces.hpp"
#include "actors/runtime/probe.hpp"

#include <caf/actor_system.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace muster {

/// What metadata waits for since the journal refused a write; empty: the last one was accepted. From its report: it need not answer.
std::string journal_trouble(const probe_registry& probes);

/// What metadata starts from: recovered tables whose epoch is already in the journal.
struct metadata_start {
  metadata_tables tables;
  std::uint64_t last_seq = 0;
};

/// Spawns metadata over `journal`. Only it appends. `on_fatal` is called when an append has an unknown outcome: the process must
/// end and replay. Its loss ends the process too.
metadata_actor spawn_metadata(caf::actor_system& system, metadata_start start, journal_actor journal,
                              std::function<void(std::string)> on_fatal);

} // namespace muster
