// Query vectors of commands: read from files, sent in pages, answered whole or with the reason.
#pragma once

#include "deploy/session.hpp"
#include "persistence/npy.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace muster::cli {

/// Searches for all rows, a page at a time; a failure ends the command.
std::vector<std::vector<search_hit>> search_all(session& s, const std::string& collection,
                                                const npy_matrix<float>& queries, std::uint32_t k,
                                                std::chrono::milliseconds deadline);

/// A failed search with what the coordinator knows about the collection, when that says more.
failure explained(session& s, const std::string& collection, failure why);

} // namespace muster::cli
