// The real engine: segments from files, searched through their HNSW index or by brute force; alone in seeing hnswlib.
#include "messages/limits.hpp"
#include "persistence/segment_engine.hpp"
#include "persistence/segment_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

// hnswlib's own vector loops read a little past the links of upper levels and drag non-inline functions into this file;
// the distance below is as fast without either.
#define NO_MANUAL_VECTORIZATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#include <hnswlib/hnswlib.h>
#pragma GCC diagnostic pop

namespace muster {

namespace {

// -- distances ----------------------------------------------------------------

using float_lanes = float __attribute__((vector_size(16)));
constexpr std::size_t lane_count = 4;

float_lanes lanes_at(const float* at) {
  float_lanes lanes;
  std::memcpy(&lanes, at, sizeof lanes);
  return lanes;
}

float sum_of(float_lanes lanes) {
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

// The two distances that walk the graph; what they find is measured again by exact_distance.
float walk_l2(const void* left, const void* right, const void* dimension) {
  auto a = static_cast<const float*>(left);
  auto b = static_cast<const float*>(right);
  auto n = *static_cast<const std::size_t*>(dimension);
  float_lanes even{};
  float_lanes odd{};
  std::size_t i = 0;
  for (; i + 2 * lane_count <= n; i += 2 * lane_count) {
    auto d0 = lanes_at(a + i) - lanes_at(b + i);
    auto d1 = lanes_at(a + i + lane_count) - lanes_at(b + i + lane_count);
    even += d0 * d0;
    odd += d1 * d1;
  }
  auto sum = sum_of(even + odd);
  for (; i < n; ++i)
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

float walk_dot(const void* left, const void* right, const void* dimension) {
  auto a = static_cast<const float*>(left);
  auto b = static_cast<const float*>(right);
  auto n = *static_cast<const std::size_t*>(dimension);
  float_lanes even{};
  float_lanes odd{};
  std::size_t i = 0;
  for (; i + 2 * lane_count <= n; i += 2 * lane_count) {
    even += lanes_at(a + i) * lanes_at(b + i);
    odd += lanes_at(a + i + lane_count) * lanes_at(b + i + lane_count);
  }
  auto sum = sum_of(even + odd);
  for (; i < n; ++i)
    sum += a[i] * b[i];
  return -sum;
}

double dot(std::span<const float> a, std::span<const float> b) {
  double sums[lane_count] = {};
  std::size_t i = 0;
  for (; i + lane_count <= a.size(); i += lane_count)
    for (std::size_t j = 0; j < lane_count; ++j)
      sums[j] += static_cast<double>(a[i + j]) * b[i + j];
  for (; i < a.size(); ++i)
    sums[0] += static_cast<double>(a[i]) * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

double squared_l2(std::span<const float> a, std::span<const float> b) {
  double sums[lane_count] = {};
  auto add = [&](std::size_t i, double& sum) {
    auto difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  };
  std::size_t i = 0;
  for (; i + lane_count <= a.size(); i += lane_count)
    for (std::size_t j = 0; j < lane_count; ++j)
      add(i + j, sums[j]);
  for (; i < a.size(); ++i)
    add(i, sums[0]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

double norm(std::span<const float> vector) {
  return std::sqrt(dot(vector, vector));
}

// The distance that leaves the engine: computed in double in a fixed order from the vectors as imported, so that a row
// has the same distance to a query whatever segment or index found it. The norms matter under cosine only.
float exact_distance(metric_kind metric, std::span<const float> query, double query_norm, std::span<const float> row,
                     double row_norm) {
  double distance = 0;
  if (metric == metric_kind::l2)
    distance = squared_l2(query, row);
  else if (metric == metric_kind::ip)
    distance = -dot(query, row);
  else
    distance = std::max(0.0, 1 - dot(query, row) / (query_norm * row_norm));
  constexpr double largest = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(distance, -largest, largest));
}

void normalise(std::span<const float> from, float* to) {
  auto length = norm(from);
  for (std::size_t i = 0; i < from.size(); ++i)
    to[i] = static_cast<float>(from[i] / length);
}

// -- index --------------------------------------------------------------------

constexpr std::size_t hnsw_links = 16;
constexpr std::size_t hnsw_ef_construction = 200;
constexpr std::size_t hnsw_seed = 100;
// Candidates of a search: this many for each answer, and a floor that gives short answers their recall.
constexpr std::size_t ef_per_hit = 4;
constexpr std::size_t ef_min = 128;

class walk_space : public hnswlib::SpaceInterface<float> {
public:
  walk_space(metric_kind metric, std::uint32_t dimension) : metric_(metric), dimension_(dimension) {
    // nop
  }

  std::size_t get_data_size() override {
    return dimension_ * sizeof(float);
  }

  hnswlib::DISTFUNC<float> get_dist_func() override {
    return metric_ == metric_kind::l2 ? walk_l2 : walk_dot;
  }

  void* get_dist_func_param() override {
    return &dimension_;
  }

private:
  metric_kind metric_;
  std::size_t dimension_;
};

using hnsw_graph = hnswlib::HierarchicalNSW<float>;

// The size of the file that saveIndex writes; it does not tell itself whether the disk took all.
std::uint64_t saved_bytes(const hnsw_graph& graph) {
  constexpr std::uint64_t fixed = 11 * sizeof(std::uint64_t) + 2 * sizeof(std::uint32_t);
  auto bytes = fixed + graph.cur_element_count * (graph.size_data_per_element_ + sizeof(std::uint32_t));
  for (std::size_t i = 0; i < graph.cur_element_count; ++i)
    bytes += static_cast<std::uint64_t>(graph.element_levels_[i]) * graph.size_links_per_element_;
  return bytes;
}

// -- segment ------------------------------------------------------------------

// A loaded segment; never changes, so any number of searches may read it.
struct segment {
  explicit segment(segment_contents from) : contents(std::move(from)), space(contents.metric, contents.dimension) {
    if (contents.metric == metric_kind::cosine)
      for (std::size_t row = 0; row < contents.rows(); ++row)
        norms.push_back(norm(contents.vector(row)));
    if (contents.index == index_kind::hnsw) {
      graph = std::make_unique<hnsw_graph>(&space, contents.index_path);
      // Searching needs neither locks nor labels by number, and they weigh 2.6 MB a graph.
      std::vector<std::mutex>().swap(graph->link_list_update_locks_);
      std::vector<std::mutex>().swap(graph->link_list_locks_);
      decltype(graph->label_lookup_)().swap(graph->label_lookup_);
    }
  }

  float distance(std::span<const float> query, double query_norm, std::size_t row) const {
    return exact_distance(contents.metric, query, query_norm, contents.vector(row), norms.empty() ? 1 : norms[row]);
  }

  loaded_segment describe() const {
    loaded_segment result;
    result.id = contents.id;
    result.rows = static_cast<std::int64_t>(contents.rows());
    result.bytes =
        static_cast<std::int64_t>(contents.ids.size() * sizeof(std::int64_t) + contents.vectors.size() * sizeof(float)
                                  + contents.name_offsets.size() * sizeof(std::uint64_t) + contents.name_bytes.size()
                                  + norms.size() * sizeof(double))
        + contents.index_bytes;
    result.index = contents.index;
    result.dimension = contents.dimension;
    result.indexes = indexes_of(contents.index);
    return result;
  }

  segment_contents contents;
  walk_space space;
  std::vector<double> norms; ///< Under cosine, one a row.
  std::unique_ptr<hnsw_graph> graph;
};

using segment_ptr = std::shared_ptr<const segment>;

// A hit that has not been given its name yet.
struct candidate {
  float distance = 0;
  std::int64_t id = 0;
  const segment* where = nullptr;
  std::size_t row = 0;

  friend bool operator<(const candidate& a, const candidate& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.id < b.id;
  }
};

void keep_nearest(std::vector<candidate>& candidates, std::size_t k) {
  if (candidates.size() <= k)
    return;
  std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(k), candidates.end());
  candidates.resize(k);
}

// Rows of `from` that hold its k nearest; all rows where walking the graph would not be cheaper or found too few.
std::vector<std::size_t> rows_to_measure(const segment& from, std::span<const float> query, std::size_t k) {
  auto rows = from.contents.rows();
  std::vector<std::size_t> result;
  auto ef = std::max(k > rows ? rows : k * ef_per_hit, ef_min);
  if (from.graph && ef * 2 < rows) {
    std::vector<float> normalised;
    if (from.contents.metric == metric_kind::cosine) {
      normalised.resize(query.size());
      normalise(query, normalised.data());
      query = normalised;
    }
    // Asking for ef answers makes ef a property of this search; setEf would race with the other searches.
    for (auto found = from.graph->searchKnn(query.data(), ef); !found.empty(); found.pop())
      result.push_back(found.top().second);
  }
  if (result.size() < std::min(k, rows)) {
    result.resize(rows);
    for (std::size_t row = 0; row < rows; ++row)
      result[row] = row;
  }
  return result;
}

// -- engine -------------------------------------------------------------------

failure bad_query(const std::string& what) {
  return {ec::parameter_invalid, "search refused: " + what};
}

class file_engine : public segment_engine {
public:
  explicit file_engine(std::string store) : store_(std::move(store)) {
    // nop
  }

  result<loaded_segment> load(const segment_source& what) override {
    {
      std::shared_lock lock(mutex_);
      if (auto found = segments_.find(what.id); found != segments_.end())
        return found->second->describe();
    }
    auto contents = read_segment(store_, what.file);
    if (!contents)
      return contents.error();
    auto path = store_ + "/" + what.file;
    if (contents->id != what.id)
      return failure{ec::io_corrupt,
                     path + " holds segment " + to_string(contents->id) + ", not " + to_string(what.id)
                         + "; restore it from a copy of the store, or drop the collection and import it again"};
    if (static_cast<std::int64_t>(contents->rows()) != what.rows)
      return failure{ec::io_corrupt,
                     path + " holds " + std::to_string(contents->rows()) + " rows, the catalogue says "
                         + std::to_string(what.rows)
                         + "; restore it from a copy of the store, or drop the collection and import it again"};
    auto made = open_segment(std::move(*contents));
    if (!made)
      return made.error();
    std::unique_lock lock(mutex_);
    return segments_.emplace(what.id, std::move(*made)).first->second->describe();
  }

  result<loaded_segment> change_indexes(const segment_source& what, std::uint64_t indexes, bool drop) override {
    segment_ptr before;
    {
      std::shared_lock lock(mutex_);
      auto found = segments_.find(what.id);
      if (found == segments_.end())
        return failure{ec::segment_not_loaded, "segment " + to_string(what.id) + " is not loaded here; load it first"};
      before = found->second;
    }
    const auto has = indexes_of(before->contents.index);
    if (drop ? (has & indexes) == 0 : (indexes & ~has) == 0)
      return before->describe();
    // The segment is made anew beside the old one, which the searches that run keep.
    segment_contents contents;
    if (drop) {
      contents = before->contents;
      contents.index = index_kind::brute_force;
      contents.index_path.clear();
      contents.index_bytes = 0;
    } else {
      auto read = read_segment(store_, what.file);
      if (!read)
        return read.error();
      if ((indexes & ~indexes_of(read->index)) != 0)
        return failure{ec::parameter_invalid, store_ + "/" + what.file + " has no such index; it has "
                                                  + std::string{to_string(read->index)}};
      contents = std::move(*read);
    }
    auto made = open_segment(std::move(contents));
    if (!made)
      return made.error();
    std::unique_lock lock(mutex_);
    auto found = segments_.find(what.id);
    if (found == segments_.end())
      return failure{ec::segment_not_loaded, "segment " + to_string(what.id) + " was released meanwhile"};
    found->second = std::move(*made);
    return found->second->describe();
  }

  void release(segment_id id) override {
    segment_ptr last; // Destroyed after the lock.
    std::unique_lock lock(mutex_);
    if (auto found = segments_.find(id); found != segments_.end()) {
      last = std::move(found->second);
      segments_.erase(found);
    }
  }

  result<std::vector<search_hit>> search(std::span<const segment_id> ids, std::span<const float> query,
                                         std::uint32_t k) override {
    auto segments = pick(ids);
    if (!segments)
      return segments.error();
    auto query_norm = norm(query);
    std::vector<candidate> nearest;
    for (auto& each : *segments) {
      auto& contents = each->contents;
      if (query.size() != contents.dimension)
        return bad_query("the query has " + std::to_string(query.size()) + " dimensions, segment "
                         + to_string(contents.id) + " has " + std::to_string(contents.dimension)
                         + "; send a vector of that length");
      if (auto bad = find_unusable_row(contents.metric, contents.dimension, query))
        return bad_query("the query " + bad->why + "; send another vector");
      for (auto row : rows_to_measure(*each, query, k))
        nearest.push_back({each->distance(query, query_norm, row), contents.ids[row], each.get(), row});
      keep_nearest(nearest, k);
    }
    std::sort(nearest.begin(), nearest.end());
    std::vector<search_hit> hits;
    hits.reserve(nearest.size());
    for (auto& x : nearest)
      hits.push_back({x.id, x.distance, std::string(x.where->contents.name(x.row))});
    return hits;
  }

  result<std::vector<named_row>> find_by_name(std::span<const segment_id> ids, std::string_view name) override {
    auto segments = pick(ids);
    if (!segments)
      return segments.error();
    std::vector<named_row> found;
    for (auto& each : *segments) {
      auto& contents = each->contents;
      if (contents.name_offsets.empty())
        continue;
      for (std::size_t row = 0; row < contents.rows(); ++row) {
        if (contents.name(row) != name)
          continue;
        auto vector = contents.vector(row);
        found.push_back({std::string(name), contents.ids[row], {vector.begin(), vector.end()}});
      }
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return found;
  }

private:
  static result<segment_ptr> open_segment(segment_contents contents) {
    auto id = contents.id;
    auto path = contents.index_path;
    auto rows = contents.rows();
    try {
      auto made = std::make_shared<segment>(std::move(contents));
      if (made->graph
          && (made->graph->cur_element_count != rows || made->graph->data_size_ != made->space.get_data_size()))
        return failure{ec::io_corrupt, path + " is not the index of segment " + to_string(id)
                                           + "; drop the collection and import it again"};
      return segment_ptr(std::move(made));
    } catch (const std::bad_alloc&) {
      return failure{ec::memory_limit_exceeded, "loading segment " + to_string(id)
                                                    + " failed: out of memory; release something or "
                                                      "add nodes"};
    } catch (const std::exception& why) {
      return failure{ec::io_corrupt,
                     path + " cannot be used: " + why.what() + "; drop the collection and import it again"};
    }
  }

  // The named segments, each once; held so that a release does not disturb the caller.
  result<std::vector<segment_ptr>> pick(std::span<const segment_id> ids) const {
    std::vector<segment_id> wanted(ids.begin(), ids.end());
    std::sort(wanted.begin(), wanted.end());
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    std::vector<segment_ptr> picked;
    picked.reserve(wanted.size());
    std::shared_lock lock(mutex_);
    for (auto id : wanted) {
      auto found = segments_.find(id);
      if (found == segments_.end())
        return failure{ec::segment_not_loaded, "segment " + to_string(id) + " is not loaded here; load it first"};
      picked.push_back(found->second);
    }
    return picked;
  }

  std::string store_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<segment_id, segment_ptr> segments_;
};

} // namespace

std::optional<unusable_row> find_unusable_row(metric_kind metric, std::uint32_t dimension,
                                              std::span<const float> vectors) {
  for (std::size_t row = 0; row * dimension < vectors.size(); ++row) {
    bool all_zero = true;
    for (auto value : vectors.subspan(row * dimension, dimension)) {
      if (!std::isfinite(value))
        return unusable_row{row, "holds a NaN or infinite value"};
      all_zero = all_zero && value == 0;
    }
    if (all_zero && metric == metric_kind::cosine)
      return unusable_row{row, "is all zeros, which has no direction under cosine"};
  }
  return std::nullopt;
}

result<unit> write_hnsw_index(const std::string& path, metric_kind metric, std::uint32_t dimension,
                              std::span<const float> vectors) {
  try {
    auto rows = vectors.size() / dimension;
    walk_space space(metric, dimension);
    hnsw_graph graph(&space, rows, hnsw_links, hnsw_ef_construction, hnsw_seed);
    std::vector<float> normalised(dimension);
    for (std::size_t row = 0; row < rows; ++row) {
      auto vector = vectors.subspan(row * dimension, dimension);
      if (metric == metric_kind::cosine)
        normalise(vector, normalised.data());
      graph.addPoint(metric == metric_kind::cosine ? normalised.data() : vector.data(), row);
    }
    graph.saveIndex(path);
    std::error_code error;
    if (std::filesystem::file_size(path, error) != saved_bytes(graph) || error)
      return failure{ec::io_failed, "writing " + path + " failed: it is not whole; check the disk and import again"};
    return unit{};
  } catch (const std::exception& why) {
    return failure{ec::io_failed,
                   "building " + path + " failed: " + why.what() + "; check memory and disk and import again"};
  }
}

std::unique_ptr<segment_engine> make_file_engine(std::string store) {
  return std::make_unique<file_engine>(std::move(store));
}

} // namespace muster
