// The distribution actor: the actual state, from what nodes report.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/actor_system.hpp>

#include <cstdint>

namespace muster {

/// Spawns distribution. It holds no durable state; its loss ends the process, since only full reports could rebuild it.
distribution_actor spawn_distribution(caf::actor_system& system, std::uint64_t epoch);

} // namespace muster
