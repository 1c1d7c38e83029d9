// Lines of the trace; built only when somebody reads them.
#pragma once

#include "tests/simulation/world.hpp"

#include <cstring>
#include <limits>
#include <sstream>

namespace muster::sim {

template <class... Ts>
void world::trace(const Ts&... parts) {
  if (sink_ == nullptr)
    return;
  std::ostringstream out;
  out << now_ / 1000 << " us  ";
  (out << ... << parts);
  sink_(out.str());
}

} // namespace muster::sim
