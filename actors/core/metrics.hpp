// What programs ask of a coordinator in JSON: system_info, tasks, distribution, targets, replicas, resource groups.
#pragma once

#include "actors/core/json.hpp"
#include "actors/core/situation.hpp"
#include "messages/schema/state.capnp.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace muster {

enum class metrics_type {
  system_info,
  tasks_all,
  dist,
  qc_target,
  replica,
  resource_group,
  segments,
  channels,
};

struct metrics_request {
  metrics_type type = metrics_type::system_info;
  std::int64_t collection = 0; ///< 0: all.
  bool current = true;         ///< Of targets; false: next.
  bool of_nodes = true;        ///< Of segments: as the nodes report them; false: with what the coordinator adds.
};

/// Reads a request: the type from `req_type`, else `metric_type`. parameter_invalid: no JSON object, too long, no or an unknown type,
/// a collection_id that is no number, `in` neither qc nor qn.
result<metrics_request> read_metrics_request(std::string_view text);

std::string_view to_string(metrics_type type);

/// What a situation does not say of the cluster.
struct cluster_facts {
  std::uint64_t epoch = 0;
  std::string version;
  std::map<std::int64_t, std::int64_t> last_heard; ///< Node -> nanoseconds since 1970.
};

/// The name under which a coordinator answers.
std::string component_name(std::uint64_t epoch);

// Each is the whole answer to its type, [] when there is nothing. Collection 0 means all. Cost: what it names.

/// Who is in the cluster, with what hardware, and when it was last heard.
json system_info_json(const situation& s, const cluster_facts& facts);
json tasks_json(schema::TaskRecordsReply::Reader tasks);
/// Segments, channels and leader views as nodes reported them.
json dist_json(const situation& s, std::int64_t collection);
json target_json(const situation& s, std::int64_t collection, bool current);
json replicas_json(const situation& s, std::int64_t collection);
json resource_groups_json(const situation& s);
/// Nodes report each change of their own accord, so both are what a question to each node would bring together.
json segments_json(const situation& s, std::int64_t collection, bool of_nodes);
json channels_json(const situation& s, std::int64_t collection);

/// The answer to a request; parameter_invalid when it would name more than limits::metrics_objects. `tasks` counts for tasks_all.
result<json> metrics_json(const situation& s, const metrics_request& what, const cluster_facts& facts,
                          schema::TaskRecordsReply::Reader tasks);

} // namespace muster
