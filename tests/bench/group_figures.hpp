// Figures of resource groups.
#pragma once

#include <string>

namespace muster::bench {

/// Half of 1,000 nodes change their group and come back, over a real journal below `folder`: from the request to the answers
/// that show every node where it belongs, moves durable.
void group_figures(const std::string& folder);

} // namespace muster::bench
