// How much of which collections is on which node, for people who look at the whole cluster at once.
#pragma once

#include "actors/core/situation.hpp"
#include "messages/schema/inspect.capnp.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// Answers a request; its errors are those of PlacementMapRequest. Cost: the collections asked for and, of each, the nodes that have
/// something of it (or, of one node, the log of these); at most limits::map_cells bytes are written.
void write_placement_map(const situation& s, schema::PlacementMapRequest::Reader request, schema::PlacementMapReply::Builder out);

/// The byte of a cell of rows or bytes, whose node has something of it: 1 without any, 2 for `least`, 255 for `most`. In between equal
/// steps are equal factors, so that small and large are told apart.
std::uint8_t map_level(double value, double least, double most);

/// What such a byte stands for, near enough.
double map_value(std::uint8_t level, double least, double most);

/// Padded, as RFC 4648 says.
std::string base64(const std::vector<std::uint8_t>& bytes);

} // namespace muster
