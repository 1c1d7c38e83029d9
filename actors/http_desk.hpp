// The actor behind the HTTP door.
#pragma once

#include "actors/core/http_site.hpp"
#include "actors/interfaces.hpp"
#include "actors/runtime/shared_tally.hpp"

#include <caf/actor_system.hpp>

#include <cstdint>
#include <span>

namespace muster {

struct http_desk_options {
  bool read_only = false;         ///< Requests that change something are refused.
  bool collection_labels = false; ///< Figures of each collection and channel too.
  std::span<const site_file> site = {}; ///< The console in the browser.
};

struct http_desk_peers {
  std::uint64_t epoch = 0;
  gateway_actor gateway;
  tally_ptr tally; ///< What the coordinator counts.
};

/// Spawns the desk: it reads paths and JSON, asks the gateway, and keeps the figures of /metrics as the situation changes. Whatever
/// fails in it is an answer with status 500, and no end of the actor.
http_desk_actor spawn_http_desk(caf::actor_system& system, const http_desk_options& options, http_desk_peers peers);

} // namespace muster
