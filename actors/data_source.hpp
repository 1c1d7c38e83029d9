// The data_source actor: what data exists, over the built-in catalogue.
#pragma once

#include "actors/interfaces.hpp"
#include "persistence/catalogue.hpp"

#include <caf/actor_system.hpp>

#include <memory>
#include <string>

namespace muster {

/// Spawns data_source, with a thread of its own in a real process (it blocks on disk). It alone uses `data` from here on. Files of
/// dropped collections are removed below `store` (empty: there are none). Its loss ends the process.
data_source_actor spawn_data_source(caf::actor_system& system, std::shared_ptr<catalogue> data, std::string store);

} // namespace muster
