// What an engine without indexes and statistics answers.
#include "persistence/segment_engine.hpp"

namespace muster {

result<loaded_segment> segment_engine::change_indexes(const segment_source& what, std::uint64_t, bool) {
  return failure{ec::parameter_invalid, "segment " + to_string(what.id) + " has no indexes that could be changed"};
}

result<loaded_segment> segment_engine::load_stats(const segment_source& what, std::uint64_t) {
  return failure{ec::parameter_invalid, "segment " + to_string(what.id) + " has no statistics of fields"};
}

} // namespace muster
