// Messages of actors and records of the journal as JSON, for people who look inside.
#pragma once

#include "actors/core/publication.hpp"
#include "messages/records.hpp"

#include <capnp/dynamic.h>

#include <string>
#include <string_view>

namespace muster {

/// As Cap'n Proto's library writes it, in one line.
std::string json_of(capnp::DynamicStruct::Reader message);

/// A frame that this process has checked before.
std::string json_of(capnp::StructSchema schema, std::string_view frame);

/// Header and chunks in full; what is shared as a view, summed up.
std::string json_of(const publication& p);

/// The payload of a journal record of this kind; a payload that cannot be read is told so.
std::string json_of(record_kind kind, std::string_view payload);

} // namespace muster
