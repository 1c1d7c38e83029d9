// Which methods of clients change something: the one table of it.
#pragma once

#include "messages/schema/client.capnp.h"

#include <span>
#include <string_view>

namespace muster {

enum class method_effect { reads, changes };

struct method_entry {
  std::string_view name; ///< As the arm of ClientRequest.
  method_effect effect;
};

/// All methods of ClientRequest, in its order.
std::span<const method_entry> method_entries();

/// True for a method that changes nothing. Cost: none to speak of.
bool only_reads(schema::ClientRequest::Which method);

/// True for a method that changes nothing; a name that is not in the table may change something.
bool only_reads(std::string_view method);

} // namespace muster
