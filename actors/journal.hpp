// The journal actor: joins all queued appends into one durable commit.
#pragma once

#include "actors/interfaces.hpp"
#include "persistence/journal.hpp"

#include <caf/actor_system.hpp>

#include <memory>

namespace muster {

/// Spawns the journal actor, with a thread of its own in a real process (it blocks on disk). It alone uses `disk` from here on.
/// Its loss ends the process: what was queued was never answered, and replay rebuilds the truth.
journal_actor spawn_journal(caf::actor_system& system, std::shared_ptr<journal> disk);

} // namespace muster
