// Puts the actors of a query node together.
#include "actors/node/node.hpp"

#include "actors/node/parts.hpp"
#include "actors/runtime/shell.hpp"

namespace muster {

void node_actors::stop() {
  for (const auto& actor : owned)
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  owned.clear();
  agent = nullptr;
}

void node_actors::drain() {
  if (agent)
    caf::anon_send(caf::actor_cast<caf::actor>(agent), stop_atom::value);
}

node_actors start_node(caf::actor_system& system, const node_config& config, const wire_actor& wire) {
  node_parts parts;
  parts.wire = wire;
  parts.store = spawn_segment_store(system, config.engine);
  for (std::size_t i = 0; i < limits::readers; ++i)
    parts.readers.push_back(spawn_segment_reader(system, config.engine));
  parts.exchange = spawn_peer_exchange(system, config.incarnation, parts);
  parts.door = spawn_search_door(system);
  auto agent = spawn_node_agent(system, config, parts);
  post(system, parts.store, attach_atom::value, agent);
  post(system, agent, start_atom::value);

  node_actors result;
  result.door = parts.door;
  result.coordinator_links = agent;
  result.agent = caf::actor_cast<caf::strong_actor_ptr>(agent);
  result.peer_links = parts.exchange;
  auto own = [&](const auto& actor) { result.owned.push_back(caf::actor_cast<caf::strong_actor_ptr>(actor)); };
  own(parts.door);
  own(agent);
  own(parts.exchange);
  own(parts.store);
  for (const auto& reader : parts.readers)
    own(reader);
  return result;
}

} // namespace muster
