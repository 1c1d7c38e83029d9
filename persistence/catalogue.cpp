// Names of the metrics and index kinds.
#include "persistence/catalogue.hpp"

namespace muster {

std::string_view to_string(metric_kind kind) {
  switch (kind) {
    case metric_kind::l2:
      return "l2";
    case metric_kind::cosine:
      return "cosine";
    case metric_kind::ip:
      return "ip";
  }
  return "unknown";
}

std::string_view to_string(index_kind kind) {
  switch (kind) {
    case index_kind::brute_force:
      return "brute_force";
    case index_kind::hnsw:
      return "hnsw";
  }
  return "unknown";
}

result<metric_kind> metric_from(std::string_view text) {
  for (auto kind : {metric_kind::l2, metric_kind::cosine, metric_kind::ip}) {
    if (to_string(kind) == text)
      return kind;
  }
  return failure{ec::parameter_invalid,
                 "reading the metric '" + std::string{text} + "': there is no such metric; name l2, cosine or ip"};
}

} // namespace muster
