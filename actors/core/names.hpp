// Names for people and programs of what the schemas number.
#pragma once

#include "messages/schema/state.capnp.h"

#include <capnp/schema.h>

#include <string>
#include <string_view>

namespace muster {

/// "loadSegment" as "load_segment".
std::string snake_case(std::string_view camel);

/// The name of a value as the schema spells it; its number for one that the schema does not have.
template <class Enum>
std::string schema_name(Enum value) {
  const auto all = capnp::Schema::from<Enum>().getEnumerants();
  const auto i = static_cast<unsigned>(value);
  return i < all.size() ? std::string{all[i].getProto().getName().cStr()} : std::to_string(i);
}

/// The same as answers spell it: "load_segment".
template <class Enum>
std::string plain_name_of(Enum value) {
  return snake_case(schema_name(value));
}

/// "connected", "suspect", "gone", "unknown".
const char* liveness_name(schema::NodeLiveness liveness);

} // namespace muster
