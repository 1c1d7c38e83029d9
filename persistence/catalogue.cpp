// Names of the metrics and index kinds.
#include "persistence/catalogue.hpp"

#include <algorithm>

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

std::string qualified_name(std::string_view database, std::string_view name) {
  if (database.empty() || database == default_database)
    return std::string{name};
  return std::string{database} + "/" + std::string{name};
}

std::pair<std::string_view, std::string_view> split_name(std::string_view qualified) {
  // Only names of databases are known to have no slash in them.
  const auto slash = qualified.find('/');
  if (slash == std::string_view::npos)
    return {default_database, qualified};
  return {qualified.substr(0, slash), qualified.substr(slash + 1)};
}

bool is_database_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

} // namespace muster
