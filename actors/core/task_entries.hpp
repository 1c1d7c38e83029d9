// Tasks as people read them: every kind, status and reason by its name.
#pragma once

#include "messages/msg.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/state.capnp.h"

#include <cstddef>

namespace muster {

/// At most `most` of the records, in their order.
void write_task_entries(capnp::List<schema::TaskRecord>::Reader records, std::size_t most, schema::ListTasksReply::Builder out);

} // namespace muster
