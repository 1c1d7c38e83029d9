// Rows that exist only as a formula: the k nearest are computed, not stored.
#include "persistence/memory_engine.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <shared_mutex>

namespace muster {

namespace {

constexpr float far_out = 1 << 21;

class memory_engine : public segment_engine {
public:
  result<loaded_segment> load(const segment_source& what) override {
    if (!what.id || what.rows < 0 || what.rows > memory_engine_id_stride)
      return failure{ec::parameter_invalid,
                     "loading segment " + to_string(what.id) + " in memory refused: " + std::to_string(what.rows)
                         + " rows; give it an id and 0 to " + std::to_string(memory_engine_id_stride) + " rows"};
    std::unique_lock lock(mutex_);
    return describe(*rows_.emplace(what.id, entry{what.rows, indexes_of(index_kind::hnsw), 0}).first);
  }

  result<loaded_segment> change_indexes(const segment_source& what, std::uint64_t indexes, bool drop) override {
    return change(what.id, [&](entry& e) { e.indexes = drop ? e.indexes & ~indexes : e.indexes | indexes; });
  }

  result<loaded_segment> load_stats(const segment_source& what, std::uint64_t fields) override {
    return change(what.id, [&](entry& e) { e.stats |= fields; });
  }

  void release(segment_id id) override {
    std::unique_lock lock(mutex_);
    rows_.erase(id);
  }

  result<std::vector<search_hit>> search(std::span<const segment_id> segments, std::span<const float> query,
                                         std::uint32_t k) override {
    auto wanted = pick(segments);
    if (!wanted)
      return wanted.error();
    if (query.size() != 1 || !std::isfinite(query[0]))
      return failure{ec::parameter_invalid, "search refused: the query has " + std::to_string(query.size())
                                                + " dimensions or no finite value; send one finite number"};
    std::vector<search_hit> hits;
    for (auto [id, rows] : *wanted) {
      // The k nearest lie within k rows of the row nearest to the query; far out, where float cannot tell neighbours
      // apart, any row may be among them.
      auto reach = std::abs(query[0]) < far_out ? static_cast<std::int64_t>(k) : rows;
      auto last = static_cast<double>(std::max<std::int64_t>(rows - 1, 0));
      auto centre = static_cast<std::int64_t>(std::clamp(std::round(static_cast<double>(query[0])), 0.0, last));
      auto from = std::max<std::int64_t>(0, centre - reach);
      auto to = std::min<std::int64_t>(rows, centre + reach + 1);
      for (auto row = from; row < to; ++row)
        hits.push_back({id.value * memory_engine_id_stride + row, std::abs(query[0] - static_cast<float>(row)), {}});
      std::sort(hits.begin(), hits.end());
      hits.resize(std::min<std::size_t>(hits.size(), k));
    }
    return hits;
  }

  result<std::vector<named_row>> find_by_name(std::span<const segment_id> segments, std::string_view) override {
    if (auto wanted = pick(segments); !wanted)
      return wanted.error();
    return std::vector<named_row>{};
  }

private:
  /// Indexes and statistics change no answer; they are only remembered.
  struct entry {
    std::int64_t rows = 0;
    std::uint64_t indexes = 0;
    std::uint64_t stats = 0;
  };
  using row_counts = std::map<segment_id, std::int64_t>;

  static loaded_segment describe(const std::pair<const segment_id, entry>& held) {
    loaded_segment result;
    result.id = held.first;
    result.rows = held.second.rows;
    result.bytes = held.second.rows * static_cast<std::int64_t>(sizeof(float));
    result.dimension = 1;
    result.indexes = held.second.indexes;
    result.stats = held.second.stats;
    return result;
  }

  template <class Change>
  result<loaded_segment> change(segment_id id, Change how) {
    std::unique_lock lock(mutex_);
    auto found = rows_.find(id);
    if (found == rows_.end())
      return failure{ec::segment_not_loaded, "segment " + to_string(id) + " is not loaded here; load it first"};
    how(found->second);
    return describe(*found);
  }

  result<row_counts> pick(std::span<const segment_id> segments) const {
    row_counts picked;
    std::shared_lock lock(mutex_);
    for (auto id : segments) {
      auto found = rows_.find(id);
      if (found == rows_.end())
        return failure{ec::segment_not_loaded, "segment " + to_string(id) + " is not loaded here; load it first"};
      picked.emplace(id, found->second.rows);
    }
    return picked;
  }

  mutable std::shared_mutex mutex_;
  std::map<segment_id, entry> rows_;
};

} // namespace

std::unique_ptr<segment_engine> make_memory_engine() {
  return std::make_unique<memory_engine>();
}

} // namespace muster
