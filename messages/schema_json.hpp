// Messages as JSON text and back, by their schemas: the requests and replies of clients above all.
#pragma once

#include "messages/msg.hpp"
#include "messages/result.hpp"
#include "messages/schema/client.capnp.h"

#include <capnp/dynamic.h>

#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// The methods of clients: names of the arms of ClientRequest, in their order.
const std::vector<std::string>& method_names();

/// The method that is meant by LoadCollection or loadCollection; empty when there is none.
std::string find_method(std::string_view name);

/// parameter_invalid, with the nearest names.
failure no_such_method(std::string_view name);

/// Reads a JSON object into a message of any schema; empty text is {}. parameter_invalid with the reason, beginning with `what`.
result<unit> read_json(std::string_view text, capnp::DynamicStruct::Builder to, const std::string& what);

std::string write_json(capnp::DynamicStruct::Reader from, bool pretty = false);

/// A request whose arm is filled from JSON; `method` must be one of method_names().
result<msg<schema::ClientRequest>> read_request(const std::string& method, std::string_view json);

/// The reply of that method out of the union; the failure that it, or whoever refused the request before, tells of.
result<capnp::DynamicStruct::Reader> read_reply(const std::string& method, schema::ClientReply::Reader reply);

} // namespace muster
