// Sums over collections, kept by what each adds.
#include "actors/core/cluster_figures.hpp"

#include "actors/core/names.hpp"

#include <capnp/schema.h>

namespace muster {

namespace {

collection_figures figures_of(const collection_view& view) {
  collection_figures f;
  f.tasks = static_cast<std::int64_t>(view.tasks.size());
  for (const auto& d : view.delegators)
    f.leaders += d.serviceable ? 1 : 0;
  if (!view.desired)
    return f;
  const auto& d = *view.desired;
  f.name = (d.database.empty() || d.database == "default" ? "" : d.database + "/") + d.name;
  f.desired = true;
  f.loaded = d.status == schema::LoadStatus::LOADED;
  if (f.loaded)
    f.partitions = static_cast<std::int64_t>(d.partitions.size()) - static_cast<std::int64_t>(d.loading_partitions.size());
  f.replicas = static_cast<std::int64_t>(d.replicas.size());
  for (const auto& r : d.replicas) {
    f.read_only_nodes += static_cast<std::int64_t>(r.read_only_nodes.size());
    ++f.replicas_in[std::string{r.group()}];
  }
  if (view.head) {
    const auto& h = *view.head;
    f.channels = static_cast<std::int64_t>(h.channels.size());
    f.segments = h.current > 0 ? h.current_segments : h.next_segments;
    f.rows = h.current > 0 ? h.current_rows : h.next_rows;
  }
  return f;
}

double of(std::int64_t x) {
  return static_cast<double>(x);
}

/// A gauge with one value.
void gauge(prometheus_text& out, std::string_view name, std::string_view help, std::int64_t value) {
  out.gauge(name, help);
  out.sample(of(value));
}

const char* state_of(const node_row& n) {
  return n.connected() && n.stopping ? "stopping" : liveness_name(n.liveness);
}

} // namespace

void cluster_figures::add(const collection_figures& f, std::int64_t sign) {
  all_.collections += f.desired ? sign : 0;
  all_.loaded += f.loaded ? sign : 0;
  all_.partitions += sign * f.partitions;
  all_.replicas += sign * f.replicas;
  all_.read_only_nodes += sign * f.read_only_nodes;
  all_.segments += sign * f.segments;
  all_.rows += sign * f.rows;
  all_.channels += sign * f.channels;
  all_.leaders += sign * f.leaders;
  all_.tasks += sign * f.tasks;
  for (const auto& [group, count] : f.replicas_in)
    if ((replicas_in_[group] += sign * count) == 0)
      replicas_in_.erase(group);
}

void cluster_figures::put(const situation& s, std::int64_t collection) {
  if (const auto i = by_id_.find(collection); i != by_id_.end()) {
    add(i->second, -1);
    by_id_.erase(i);
  }
  if (const auto* view = s.collection(collection)) {
    auto f = figures_of(*view);
    add(f, 1);
    by_id_.emplace(collection, std::move(f));
  }
}

void cluster_figures::hear(const situation& s, const touched_map& touched) {
  for (const auto& [id, ids] : touched)
    put(s, id);
}

void cluster_figures::write(const situation& s, bool by_collection, prometheus_text& out) const {
  // Under the model's names.
  gauge(out, "milvus_querycoord_collection_num", "Collections that are loaded", all_.loaded);
  gauge(out, "milvus_querycoord_partition_num", "Partitions that are loaded", all_.partitions);
  std::int64_t present = 0;
  for (const auto& [id, n] : s.nodes())
    present += n.connected() ? 1 : 0;
  gauge(out, "milvus_querycoord_querynode_num", "Query nodes that are connected", present);
  out.gauge("milvus_querycoord_resource_group_info", "1 for each node that is a member of a resource group");
  for (const auto& [name, g] : s.groups())
    for (auto node : g.nodes)
      out.sample({{"rg", name}, {"node_id", std::to_string(node)}}, 1);
  out.gauge("milvus_querycoord_resource_group_replica_total", "Replicas in each resource group");
  for (const auto& [name, g] : s.groups()) {
    const auto i = replicas_in_.find(name);
    out.sample({{"rg", name}}, i == replicas_in_.end() ? 0 : of(i->second));
  }
  gauge(out, "milvus_querycoord_replica_ro_node_total", "Read-only nodes of all replicas", all_.read_only_nodes);
  // Muster's own.
  out.gauge("muster_collections", "Collections that are to be served, by how far they are");
  out.sample({{"state", "loaded"}}, of(all_.loaded));
  out.sample({{"state", "loading"}}, of(all_.collections - all_.loaded));
  gauge(out, "muster_replicas", "Replicas that are to be served", all_.replicas);
  gauge(out, "muster_target_segments", "Segments of the targets that are served, or come first", all_.segments);
  gauge(out, "muster_target_rows", "Rows of those segments", all_.rows);
  gauge(out, "muster_target_channels", "Channels of those targets, each of which needs a leader in each replica", all_.channels);
  gauge(out, "muster_serviceable_leaders", "Leaders of channels that say they can be searched", all_.leaders);
  gauge(out, "muster_tasks_in_flight", "Tasks that wait, run or are about to be seen", all_.tasks);
  gauge(out, "muster_situation_number", "Number of the situation that these figures show", static_cast<std::int64_t>(s.number()));
  gauge(out, "muster_suspended_nodes", "Nodes that are kept out of resource groups by hand",
        static_cast<std::int64_t>(s.switches().suspended_nodes.size()));
  gauge(out, "muster_inactive_checkers", "Checkers that are switched off", static_cast<std::int64_t>(s.switches().inactive_checkers.size()));
  std::map<std::string, std::int64_t> states{{"connected", 0}, {"stopping", 0}, {"suspect", 0}, {"unknown", 0}, {"gone", 0}};
  for (const auto& [id, n] : s.nodes())
    ++states[state_of(n)];
  out.gauge("muster_nodes", "Query nodes by state");
  for (const auto& [state, count] : states)
    out.sample({{"state", state}}, of(count));
  const auto each_node = [&](std::string_view name, std::string_view help, auto value) {
    out.gauge(name, help);
    for (const auto& [id, n] : s.nodes())
      if (!n.gone())
        out.sample({{"node_id", std::to_string(id)}, {"node", n.name}}, of(value(s.load(id))));
  };
  each_node("muster_node_segments", "Segments that a node holds", [](const node_load& l) { return l.segments; });
  each_node("muster_node_rows", "Rows of them", [](const node_load& l) { return l.rows; });
  each_node("muster_node_bytes", "Bytes of them", [](const node_load& l) { return l.bytes; });
  each_node("muster_node_channels", "Channels that a node leads", [](const node_load& l) { return l.channels; });
  each_node("muster_node_segments_in_flight", "Segments on their way to a node, less those on their way off it",
            [](const node_load& l) { return l.segments_in_flight; });
  each_node("muster_node_failed_orders", "Orders that a node failed in a row",
            [](const node_load& l) { return static_cast<std::int64_t>(l.failing); });
  if (!by_collection)
    return;
  const auto each_collection = [&](std::string_view name, std::string_view help, auto value) {
    out.gauge(name, help);
    for (const auto& [id, view] : s.collections())
      if (const auto i = by_id_.find(id); i != by_id_.end() && i->second.desired)
        out.sample({{"collection_id", std::to_string(id)}, {"collection", i->second.name}}, of(value(i->second)));
  };
  each_collection("muster_collection_loaded", "1: the collection is loaded, 0: it is being loaded",
                  [](const collection_figures& f) { return f.loaded ? 1 : 0; });
  each_collection("muster_collection_replicas", "Replicas of the collection", [](const collection_figures& f) { return f.replicas; });
  each_collection("muster_collection_segments", "Segments of its target", [](const collection_figures& f) { return f.segments; });
  each_collection("muster_collection_rows", "Rows of its target", [](const collection_figures& f) { return f.rows; });
  each_collection("muster_collection_serviceable_leaders", "Leaders of its channels that say they can be searched",
                  [](const collection_figures& f) { return f.leaders; });
  each_collection("muster_collection_tasks_in_flight", "Tasks in flight on it", [](const collection_figures& f) { return f.tasks; });
}

std::string_view model_task_type(schema::TaskKind kind) {
  switch (kind) {
    case schema::TaskKind::LOAD_SEGMENT:
      return "segment_grow";
    case schema::TaskKind::RELEASE_SEGMENT:
    case schema::TaskKind::RELEASE_GROWING:
      return "segment_reduce";
    case schema::TaskKind::MOVE_SEGMENT:
      return "segment_move";
    case schema::TaskKind::UPDATE_INDEX:
    case schema::TaskKind::UPDATE_STATS:
    case schema::TaskKind::DROP_INDEX:
      return "segment_update";
    case schema::TaskKind::SERVE_SHARD:
      return "channel_grow";
    case schema::TaskKind::DROP_SHARD:
      return "channel_reduce";
    case schema::TaskKind::MOVE_SHARD:
      return "channel_move";
    case schema::TaskKind::SYNC_VIEW:
    case schema::TaskKind::SYNC_TARGET:
    case schema::TaskKind::SYNC_STATS:
      return "leader_update";
    default:
      return "unknown";
  }
}

void write_tally(const coordinator_tally& t, prometheus_text& out) {
  const auto requests = [&](std::string_view name, std::string_view help, const request_tally& r) {
    out.counter(name, help);
    out.sample({{"status", "total"}}, static_cast<double>(r.total));
    out.sample({{"status", "success"}}, static_cast<double>(r.succeeded));
    out.sample({{"status", "fail"}}, static_cast<double>(r.failed));
  };
  requests("milvus_querycoord_load_req_count", "Requests to load a collection or partitions", t.loads);
  requests("milvus_querycoord_release_req_count", "Requests to release a collection or partitions", t.releases);
  out.histogram_family("milvus_querycoord_load_latency", "Milliseconds that loads took which succeeded");
  out.buckets({}, t.loads.took_ms);
  out.histogram_family("milvus_querycoord_release_latency", "Milliseconds that releases took which succeeded");
  out.buckets({}, t.releases.took_ms);
  // Several kinds of Muster are one type of the model.
  std::map<std::string_view, std::pair<std::uint64_t, histogram>> types;
  for (const auto* type : {"segment_grow", "segment_reduce", "segment_move", "segment_update", "channel_grow", "channel_reduce",
                           "channel_move", "leader_update"})
    types.emplace(type, std::pair{0, histogram{task_bounds}});
  for (std::size_t i = 1; i < t.tasks.kinds.size(); ++i)
    if (const auto at = types.find(model_task_type(static_cast<schema::TaskKind>(i))); at != types.end()) {
      at->second.first += t.tasks.kinds[i].in_flight();
      at->second.second.add(t.tasks.kinds[i].took_ms);
    }
  out.gauge("milvus_querycoord_task_num", "Tasks in flight");
  for (const auto& [type, of_type] : types)
    out.sample({{"querycoord_task_type", std::string{type}}}, static_cast<double>(of_type.first));
  out.histogram_family("milvus_querycoord_task_latency", "Milliseconds from the begin of a task to its end, however it ended");
  for (const auto& [type, of_type] : types)
    out.buckets({{"task_type", std::string{type}}}, of_type.second);
  const auto kinds = capnp::Schema::from<schema::TaskKind>().getEnumerants().size();
  out.counter("muster_tasks_ended_total", "Tasks that ended, by kind and how");
  for (std::size_t i = 1; i < kinds; ++i) {
    const auto& k = t.tasks.kinds[i];
    const auto kind = schema_name(static_cast<schema::TaskKind>(i));
    out.sample({{"kind", kind}, {"outcome", "succeeded"}}, static_cast<double>(k.succeeded));
    out.sample({{"kind", kind}, {"outcome", "failed"}}, static_cast<double>(k.failed));
    out.sample({{"kind", kind}, {"outcome", "canceled"}}, static_cast<double>(k.canceled));
  }
  out.histogram_family("muster_task_duration_seconds", "From the begin of a task to its end, however it ended");
  for (std::size_t i = 1; i < kinds; ++i)
    out.buckets({{"kind", schema_name(static_cast<schema::TaskKind>(i))}}, t.tasks.kinds[i].took_ms, 0.001);
}

} // namespace muster
