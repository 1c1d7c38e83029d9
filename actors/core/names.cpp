// How names are spelled in answers.
#include "actors/core/names.hpp"

namespace muster {

std::string snake_case(std::string_view camel) {
  std::string out;
  for (char c : camel)
    if (c >= 'A' && c <= 'Z') {
      if (!out.empty())
        out += '_';
      out += static_cast<char>(c - 'A' + 'a');
    } else {
      out += c;
    }
  return out;
}

const char* liveness_name(schema::NodeLiveness liveness) {
  switch (liveness) {
    case schema::NodeLiveness::CONNECTED:
      return "connected";
    case schema::NodeLiveness::SUSPECT:
      return "suspect";
    case schema::NodeLiveness::GONE:
      return "gone";
    default:
      return "unknown";
  }
}

} // namespace muster
