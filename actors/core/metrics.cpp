// Metrics in JSON, from a situation.
#include "actors/core/metrics.hpp"

#include "actors/core/names.hpp"
#include "actors/core/answers.hpp"
#include "actors/core/reason.hpp"
#include "messages/limits.hpp"

#include <capnp/schema.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

namespace muster {

namespace {

constexpr std::array<std::pair<std::string_view, metrics_type>, 8> types{{
  {"system_info", metrics_type::system_info},
  {"tasks_all", metrics_type::tasks_all},
  {"dist", metrics_type::dist},
  {"qc_target", metrics_type::qc_target},
  {"replica", metrics_type::replica},
  {"resource_group", metrics_type::resource_group},
  {"segments", metrics_type::segments},
  {"channels", metrics_type::channels},
}};

failure invalid(std::string text) {
  return {ec::parameter_invalid, "metrics: " + std::move(text)};
}

std::optional<std::int64_t> number_in(const json& value) {
  if (const auto* n = value.as_number(); n != nullptr && *n >= 0 && *n < 9e15 && *n == static_cast<double>(static_cast<std::int64_t>(*n)))
    return static_cast<std::int64_t>(*n);
  if (const auto* t = value.as_text()) {
    std::int64_t found = 0;
    const auto [end, error] = std::from_chars(t->data(), t->data() + t->size(), found);
    if (error == std::errc{} && end == t->data() + t->size() && found >= 0)
      return found;
  }
  return std::nullopt;
}

template <class F>
void each_collection(const situation& s, std::int64_t collection, F f) {
  if (collection != 0) {
    if (const auto* view = s.collection(collection))
      f(collection, *view);
    return;
  }
  for (const auto& [id, view] : s.collections())
    f(id, view);
}

/// Texts of ids.
json::array ids(const std::vector<std::int64_t>& list) {
  json::array out;
  for (auto id : list)
    out.push_back(json::text_of(id));
  return out;
}

json::array nodes(const std::vector<std::int64_t>& list) {
  json::array out;
  for (auto id : list)
    out.push_back(json::small(id));
  return out;
}

/// Empty values are left out.
class fields {
public:
  fields& put(const char* name, json value) {
    if (const auto* t = value.as_text(); t != nullptr && t->empty())
      return *this;
    if (const auto* a = value.as_array(); a != nullptr && a->empty())
      return *this;
    all_.emplace_back(name, std::move(value));
    return *this;
  }

  json take() {
    return json{std::move(all_)};
  }

private:
  json::object all_;
};

json segment_json(const situation& s, std::int64_t id, const collection_view& view, const copy_row& c, bool of_nodes) {
  const auto t = view.target_of(c.segment);
  fields out;
  out.put("segment_id", json::text_of(c.segment)).put("collection_id", json::text_of(id));
  if (t) {
    out.put("partition_id", json::text_of(t->partition));
    if (view.head && t->channel < view.head->channels.size())
      out.put("channel", view.head->channels[t->channel]);
  }
  out.put("num_of_rows", json::text_of(c.rows)).put("state", "Sealed").put("node_id", json::small(c.node));
  json::array indexes;
  for (unsigned i = 0; i < 64; ++i)
    if ((c.indexes >> i & 1u) != 0)
      indexes.push_back(fields{}.put("index_id", json::text_of(i)).put("is_loaded", true).take());
  out.put("index_fields", std::move(indexes)).put("mem_size", json::text_of(c.bytes));
  if (of_nodes)
    out.put("loaded_insert_row_count", json::text_of(c.rows));
  if (const auto* g = s.group_of(c.node))
    out.put("resource_group", g->name);
  return out.take();
}

json::array copies_json(const situation& s, std::int64_t collection, bool of_nodes) {
  json::array out;
  each_collection(s, collection, [&](std::int64_t id, const collection_view& view) {
    view.each_copy([&](const copy_row& c) { out.push_back(segment_json(s, id, view, c, of_nodes)); });
  });
  return out;
}

json::array leader_views_json(std::int64_t id, const collection_view& view, const situation& s) {
  json::array out;
  std::map<std::int64_t, json::array> routed; // by leader; a node may lead several channels
  std::map<std::pair<std::int64_t, std::string>, json::array> by_channel;
  view.each_view([&](const view_row& v) {
    const auto t = view.target_of(v.segment);
    auto entry = fields{}.put("segment_id", json::text_of(v.segment)).put("node_id", json::small(v.worker)).take();
    if (t && view.head && t->channel < view.head->channels.size())
      by_channel[{v.leader, view.head->channels[t->channel]}].push_back(std::move(entry));
    else
      routed[v.leader].push_back(std::move(entry));
  });
  for (const auto& d : view.delegators) {
    json::array sealed;
    if (auto i = by_channel.find({d.node, d.channel}); i != by_channel.end())
      sealed = std::move(i->second);
    if (auto i = routed.find(d.node); i != routed.end()) { // no target names them: the channel is not known, the node is
      for (auto& entry : i->second)
        sealed.push_back(std::move(entry));
      routed.erase(i);
    }
    json::array growing;
    std::int64_t rows = 0;
    for (const auto& g : d.growing) {
      growing.push_back(fields{}.put("segment_id", json::text_of(g.segment)).put("node_id", json::small(d.node)).take());
      rows += g.rows;
    }
    out.push_back(fields{}
                    .put("leader_id", json::text_of(d.node))
                    .put("collection_id", json::text_of(id))
                    .put("node_id", json::small(d.node))
                    .put("channel", d.channel)
                    .put("version", json::text_of(d.version))
                    .put("sealed_segments", std::move(sealed))
                    .put("growing_segments", std::move(growing))
                    .put("target_version", json::text_of(d.served))
                    .put("num_of_growing_rows", json::text_of(rows))
                    .put("unserviceable_error", can_serve(s, view, d) ? std::string{} : waits_for(s, view))
                    .take());
  }
  return out;
}

json self_json(const std::string& name, std::int64_t id, const char* type, json hardware, std::string error) {
  return fields{}
    .put("has_error", !error.empty())
    .put("error_reason", std::move(error))
    .put("name", name)
    .put("hardware_infos", std::move(hardware))
    .put("type", type)
    .put("id", json::small(id))
    .take();
}

std::string doing(schema::TaskRecord::Reader t) {
  auto text = schema_name(t.getKind());
  if (t.getSegment() != 0)
    text += " segment " + std::to_string(t.getSegment());
  if (t.getChannel().size() > 0)
    text += " channel " + std::string{view(t.getChannel())};
  text += " on node " + std::to_string(t.getNode());
  if (t.getSource() != 0)
    text += " from node " + std::to_string(t.getSource());
  return text;
}

/// How many objects the answer would name. Cost: the collections.
std::size_t objects(const situation& s, const metrics_request& what) {
  std::size_t sum = 0;
  each_collection(s, what.collection, [&](std::int64_t, const collection_view& view) {
    switch (what.type) {
      case metrics_type::dist:
        sum += view.view_count();
        [[fallthrough]];
      case metrics_type::segments: {
        std::set<std::int64_t> holders;
        if (view.desired)
          for (const auto& r : view.desired->replicas)
            for (const auto* list : {&r.nodes, &r.read_only_nodes})
              holders.insert(list->begin(), list->end());
        for (auto node : holders)
          sum += static_cast<std::size_t>(view.on(node).segments);
        break;
      }
      case metrics_type::qc_target:
        sum += view.target_count();
        break;
      case metrics_type::replica:
        sum += view.desired ? view.desired->replicas.size() : 0;
        break;
      case metrics_type::channels:
        sum += view.delegators.size();
        break;
      default:
        break;
    }
  });
  return sum;
}

} // namespace

std::string_view to_string(metrics_type type) {
  for (const auto& [name, t] : types)
    if (t == type)
      return name;
  return "unknown";
}

result<metrics_request> read_metrics_request(std::string_view text) {
  if (text.size() > limits::metrics_request_bytes)
    return invalid("the request has more than " + std::to_string(limits::metrics_request_bytes) + " bytes; it needs a few keys only");
  auto read = json::read_object(text);
  if (!read)
    return invalid(read.error().text);
  const auto* type = read->find("req_type");
  if (type == nullptr)
    type = read->find("metric_type");
  const auto* name = type == nullptr ? nullptr : type->as_text();
  if (name == nullptr)
    return invalid("the request names no type; give req_type or metric_type, for instance {\"metric_type\":\"system_info\"}");
  const auto known = std::find_if(types.begin(), types.end(), [&](const auto& t) { return t.first == *name; });
  if (known == types.end()) {
    std::string all;
    for (const auto& [there, t] : types)
      all += (all.empty() ? "" : ", ") + std::string{there};
    return invalid("there is no type " + *name + "; there are " + all);
  }
  metrics_request out;
  out.type = known->second;
  if (const auto* id = read->find("collection_id")) {
    const auto n = number_in(*id);
    if (!n)
      return invalid("collection_id is no whole number; give an id, or leave it out for all");
    out.collection = *n;
  }
  if (const auto* scope = read->find("target_scope"))
    out.current = number_in(*scope) == std::optional<std::int64_t>{1};
  if (const auto* in = read->find("in"); in != nullptr && out.type == metrics_type::segments) {
    const auto* t = in->as_text();
    if (t == nullptr || (*t != "qc" && *t != "qn"))
      return invalid("`in` is neither \"qc\" (the coordinator's own) nor \"qn\" (the nodes'); give one of them");
    out.of_nodes = *t == "qn";
  }
  return out;
}

std::string component_name(std::uint64_t epoch) {
  return "querycoord" + std::to_string(epoch);
}

json system_info_json(const situation& s, const cluster_facts& facts) {
  const auto name = component_name(facts.epoch);
  auto self = *self_json(name, static_cast<std::int64_t>(facts.epoch), "querycoord", json::object{}, {}).as_object();
  self.emplace_back("system_info", json::object{{"system_version", facts.version}, {"deploy_mode", "cluster"}});
  self.emplace_back("system_configurations",
                    json::object{{"search_channel_prefix", ""}, {"search_result_channel_prefix", ""}});
  json::array connected;
  for (const auto& [id, n] : s.nodes()) {
    if (n.gone() || n.liveness == schema::NodeLiveness::UNKNOWN)
      continue;
    const auto load = s.load(id);
    auto node = *self_json("querynode" + std::to_string(id), id, "querynode",
                           fields{}
                             .put("ip", n.address)
                             .put("cpu_core_count", json::small(n.cpus))
                             .put("memory", json::small(static_cast<std::int64_t>(n.memory_mb) << 20))
                             .take(),
                           n.connected() ? std::string{} : "node " + n.name + " is not connected")
                    .as_object();
    const auto heard = facts.last_heard.find(id);
    node.emplace_back("last_heartbeat_timestamp", json::text_of(heard == facts.last_heard.end() ? 0 : heard->second));
    node.emplace_back("quota_metrics", json::object{{"segments", json::small(load.segments)},
                                                    {"rows", json::text_of(load.rows)},
                                                    {"channels", json::small(load.channels)}});
    connected.push_back(std::move(node));
  }
  return json::object{
    {"cluster", json::object{{"self", std::move(self)}, {"connected_nodes", std::move(connected)}}},
    {"connections", json::object{{"name", name}, {"connected_components", json::array{}}}}};
}

json tasks_json(schema::TaskRecordsReply::Reader tasks) {
  json::array out;
  for (auto t : tasks.getTasks()) {
    auto why = to_string(static_cast<reason>(t.getReason()));
    auto failed = std::string{view(t.getError())};
    out.push_back(fields{}
                    .put("task_name", schema_name(t.getKind()) + "-" + std::to_string(t.getId()))
                    .put("collection_id", json::text_of(t.getCollection()))
                    .put("replica_id", json::text_of(t.getReplica()))
                    .put("task_type", schema_name(t.getKind()))
                    .put("task_status", schema_name(t.getStatus()))
                    .put("priority", schema_name(t.getPriority()))
                    .put("actions", json::array{doing(t)})
                    .put("step", json::small(t.getStep()))
                    .put("reason", failed.empty() ? std::string{why} : std::string{why} + ": " + failed)
                    .take());
  }
  return out;
}

json dist_json(const situation& s, std::int64_t collection) {
  json::array channels;
  json::array views;
  each_collection(s, collection, [&](std::int64_t id, const collection_view& view) {
    for (const auto& d : view.delegators)
      channels.push_back(fields{}
                           .put("node_id", json::small(d.node))
                           .put("version", json::text_of(d.version))
                           .put("collection_id", json::text_of(id))
                           .put("channel_name", d.channel)
                           .take());
    for (auto& v : leader_views_json(id, view, s))
      views.push_back(std::move(v));
  });
  return json::object{{"segments", copies_json(s, collection, false)},
                      {"dm_channels", std::move(channels)},
                      {"leader_views", std::move(views)}};
}

json target_json(const situation& s, std::int64_t collection, bool current) {
  json::array out;
  each_collection(s, collection, [&](std::int64_t id, const collection_view& view) {
    if (!view.head)
      return;
    const auto& head = *view.head;
    const auto version = current ? head.current : head.next;
    if (version == 0)
      return;
    json::array segments;
    std::vector<std::vector<std::int64_t>> flushed(head.channels.size());
    view.each_target([&](const target_row& t) {
      if (!t.in(version))
        return;
      if (t.channel < flushed.size())
        flushed[t.channel].push_back(t.segment);
      segments.push_back(fields{}
                           .put("segment_id", json::text_of(t.segment))
                           .put("collection_id", json::text_of(id))
                           .put("partition_id", json::text_of(t.partition))
                           .put("channel", t.channel < head.channels.size() ? head.channels[t.channel] : std::string{})
                           .put("num_of_rows", json::text_of(t.rows))
                           .put("mem_size", json::text_of(t.bytes))
                           .take());
    });
    json::array channels;
    const auto& more = current ? head.current_channels : head.next_channels;
    for (std::size_t i = 0; i < head.channels.size(); ++i) {
      fields c;
      c.put("collection_id", json::text_of(id)).put("channel_name", head.channels[i]);
      c.put("flushed_segment_ids", ids(flushed[i]));
      if (i < more.size())
        c.put("unflushed_segment_ids", ids(more[i].growing)).put("dropped_segment_ids", ids(more[i].dropped));
      channels.push_back(c.take());
    }
    out.push_back(fields{}
                    .put("collection_id", json::text_of(id))
                    .put("segments", std::move(segments))
                    .put("dm_channels", std::move(channels))
                    .take());
  });
  return out;
}

json replicas_json(const situation& s, std::int64_t collection) {
  json::array out;
  each_collection(s, collection, [&](std::int64_t id, const collection_view& view) {
    if (!view.desired)
      return;
    for (const auto& r : view.desired->replicas) {
      json::object channels;
      for (const auto& [channel, list] : r.channel_nodes)
        channels.emplace_back(channel, nodes(list));
      out.push_back(fields{}
                      .put("ID", json::text_of(r.id))
                      .put("collectionID", json::text_of(id))
                      .put("database", view.desired->database)
                      .put("rw_nodes", nodes(r.nodes))
                      .put("ro_nodes", nodes(r.read_only_nodes))
                      .put("resource_group", std::string{r.group()})
                      .put("channel_to_rw_nodes", std::move(channels))
                      .take());
    }
  });
  return out;
}

json resource_groups_json(const situation& s) {
  json::array out;
  const auto transfers = [](const std::vector<std::string>& names) {
    json::array list;
    for (const auto& n : names)
      list.push_back(json::object{{"resource_group", n}});
    return list;
  };
  for (const auto& [name, g] : s.groups()) {
    json::array labels;
    for (const auto& [key, value] : g.config.labels)
      labels.push_back(json::object{{"key", key}, {"value", value}});
    fields config;
    config.put("requests", json::object{{"node_num", json::small(g.config.requests)}})
      .put("limits", json::object{{"node_num", json::small(g.config.limits)}})
      .put("transfer_from", transfers(g.config.transfer_from))
      .put("transfer_to", transfers(g.config.transfer_to));
    if (!labels.empty())
      config.put("node_filter", json::object{{"node_labels", std::move(labels)}});
    out.push_back(fields{}.put("name", name).put("nodes", nodes(g.nodes)).put("cfg", config.take()).take());
  }
  return out;
}

json segments_json(const situation& s, std::int64_t collection, bool of_nodes) {
  return copies_json(s, collection, of_nodes);
}

json channels_json(const situation& s, std::int64_t collection) {
  json::array out;
  each_collection(s, collection, [&](std::int64_t id, const collection_view& view) {
    for (const auto& d : view.delegators)
      out.push_back(fields{}
                      .put("name", d.channel)
                      .put("watch_state", d.serviceable ? "Healthy" : "Unserviceable")
                      .put("node_id", json::text_of(d.node))
                      .put("collection_id", json::text_of(id))
                      .take());
  });
  return out;
}

result<json> metrics_json(const situation& s, const metrics_request& what, const cluster_facts& facts,
                          schema::TaskRecordsReply::Reader tasks) {
  if (const auto count = objects(s, what); count > limits::metrics_objects)
    return invalid("the answer would name " + std::to_string(count) + " objects, and " + std::to_string(limits::metrics_objects)
                   + " is the most; ask for one collection with collection_id");
  switch (what.type) {
    case metrics_type::system_info:
      return system_info_json(s, facts);
    case metrics_type::tasks_all:
      return tasks_json(tasks);
    case metrics_type::dist:
      return dist_json(s, what.collection);
    case metrics_type::qc_target:
      return target_json(s, what.collection, what.current);
    case metrics_type::replica:
      return replicas_json(s, what.collection);
    case metrics_type::resource_group:
      return resource_groups_json(s);
    case metrics_type::segments:
      return segments_json(s, what.collection, what.of_nodes);
    case metrics_type::channels:
      return channels_json(s, what.collection);
  }
  return invalid("a type that is none");
}

} // namespace muster
