// What a search request must look like, and how the answers of a shard's parts become one answer.
#pragma once

#include "messages/msg.hpp"
#include "messages/result.hpp"
#include "messages/schema/node.capnp.h"

#include <cstddef>
#include <vector>

namespace muster {

/// The number of query vectors of a well-formed request (0 for a search by name), or parameter_invalid saying why.
result<std::size_t> check_search(schema::SearchRequest::Reader request);

/// The k nearest hits of each query over all parts (nearest first, ties to the lower id), and the rows found by name by
/// id. Leaves header, status, version and replica alone. parameter_invalid when a name has more than limits::named_rows
/// rows; internal when a part answers another number of queries.
result<unit> merge_search(schema::SearchRequest::Reader request, const std::vector<msg<schema::SearchReply>>& parts,
                          schema::SearchReply::Builder to);

} // namespace muster
