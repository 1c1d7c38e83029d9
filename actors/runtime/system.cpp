// Registration of all message types (the only file that needs them all) and the scheduler's settings.
#include "actors/runtime/system.hpp"

#include "actors/interfaces.hpp"
#include "actors/node/interfaces.hpp"
#include "actors/runtime/inspector_link.hpp"

namespace muster {

system_config::system_config(bool testing, std::size_t threads) : inspector(std::make_shared<inspector_link>()) {
  add_message_types<caf::id_block::muster>();
  add_message_types<caf::id_block::muster_handles>();
  add_message_types<caf::id_block::muster_node>();
  set("scheduler.policy", testing ? caf::atom("testing") : caf::atom("sharing"));
  set("scheduler.max-threads", threads);
  detach_blocking = !testing;
}

} // namespace muster
