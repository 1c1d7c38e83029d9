// Figures of the cluster for /metrics, kept as the situation changes: a scrape walks over nodes, groups and kinds only.
#pragma once

#include "actors/core/figures.hpp"
#include "actors/core/prometheus.hpp"
#include "actors/core/situation.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace muster {

/// What a collection adds to the sums.
struct collection_figures {
  std::string name;
  bool desired = false;
  bool loaded = false;
  std::int64_t partitions = 0; ///< That are loaded.
  std::int64_t replicas = 0;
  std::int64_t read_only_nodes = 0; ///< Of all replicas.
  std::int64_t segments = 0;        ///< Of the current target, else the next.
  std::int64_t rows = 0;
  std::int64_t channels = 0;
  std::int64_t leaders = 0; ///< That say they can be searched.
  std::int64_t tasks = 0;
  std::map<std::string, std::int64_t> replicas_in; ///< By resource group.
};

class cluster_figures {
public:
  /// The situation applied a publication that was about these collections. Cost: those, and of each its replicas and delegators.
  void hear(const situation& s, const touched_map& touched);

  /// Writes figures under the model's names, then Muster's own. `by_collection`: those of each collection too. Cost: what is written.
  void write(const situation& s, bool by_collection, prometheus_text& out) const;

private:
  void add(const collection_figures& f, std::int64_t sign);
  void put(const situation& s, std::int64_t collection);

  struct sums {
    std::int64_t collections = 0;
    std::int64_t loaded = 0;
    std::int64_t partitions = 0;
    std::int64_t replicas = 0;
    std::int64_t read_only_nodes = 0;
    std::int64_t segments = 0;
    std::int64_t rows = 0;
    std::int64_t channels = 0;
    std::int64_t leaders = 0;
    std::int64_t tasks = 0;
  };

  std::unordered_map<std::int64_t, collection_figures> by_id_;
  std::map<std::string, std::int64_t> replicas_in_;
  sums all_;
};

/// What was counted where it happened.
void write_tally(const coordinator_tally& t, prometheus_text& out);

/// The model's name for tasks of a kind: "segment_grow".
std::string_view model_task_type(schema::TaskKind kind);

} // namespace muster
