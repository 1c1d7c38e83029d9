// A segment engine without files, for the simulator and tests: from its hits one can tell exactly which segments were
// searched.
#pragma once

#include "persistence/segment_engine.hpp"

#include <cstdint>
#include <memory>

namespace muster {

/// Row i of segment s has the id s * memory_engine_id_stride + i.
inline constexpr std::int64_t memory_engine_id_stride = 1'000'000;

/// An engine that derives the rows of a segment from its source alone: `source.rows` rows (0 to
/// memory_engine_id_stride, else parameter_invalid), one dimension, row i at float(i), distance |query - i|, no names.
/// Every segment has one index (id 2) and any statistics, which change no answer. The file is not looked at; loads take no time; the same calls give the same answers. Otherwise keeps the contract of
/// segment_engine.
std::unique_ptr<segment_engine> make_memory_engine();

} // namespace muster
