// How CAF sees Muster's messages: as their bytes. The only inspect overloads of the project.
#pragma once

#include "actors/core/publication.hpp"

#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/sec.hpp>

#include <string>

namespace muster {

/// Bytes out, checked bytes in. CAF only needs this to compile; messages leave a process through `net`.
template <class Inspector, class T>
typename Inspector::result_type inspect(Inspector& f, msg<T>& x) {
  std::string bytes{x.bytes()};
  auto load = [&]() -> caf::error {
    if (bytes.empty()) {
      x = msg<T>{};
      return caf::none;
    }
    auto parsed = parse<T>(bytes);
    if (!parsed)
      return caf::sec::invalid_argument;
    x = std::move(*parsed);
    return caf::none;
  };
  return f(caf::meta::type_name("msg"), bytes, caf::meta::load_callback(load));
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, publication& x) {
  return f(caf::meta::type_name("publication"), x.header, x.chunks);
}

} // namespace muster
