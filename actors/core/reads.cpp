// Replies from a situation.
#include "actors/core/reads.hpp"

#include "actors/core/answers.hpp"
#include "messages/limits.hpp"
#include "messages/status.hpp"

#include <capnp/dynamic.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <set>

namespace muster {

namespace {

using Request = schema::ClientRequest;

constexpr auto balance = "balance_checker";

failure unknown_node(std::int64_t id) {
  return {ec::node_not_found, "node " + std::to_string(id) + " is not in the cluster; list-query-node shows those that are"};
}

/// A node that is in the cluster, or null.
const node_row* member(const situation& s, std::int64_t id) {
  const auto* n = s.node(id);
  return n == nullptr || n->gone() || n->liveness == schema::NodeLiveness::UNKNOWN ? nullptr : n;
}

/// What a node holds of one collection: segments, and channels that it leads.
struct holding {
  std::vector<std::int64_t> segments;
  std::vector<std::string> channels;
};

holding held_by(const collection_view& view, std::int64_t node) {
  holding h;
  if (view.on(node).any()) {
    view.each_copy([&](const copy_row& c) {
      if (c.node == node)
        h.segments.push_back(c.segment);
    });
    for (const auto& d : view.delegators)
      if (d.node == node)
        h.channels.push_back(d.channel);
  }
  return h;
}

template <class F>
void each_holding(const situation& s, std::int64_t node, F f) {
  for (const auto& [id, view] : s.collections())
    if (auto h = held_by(view, node); !h.segments.empty() || !h.channels.empty())
      f(view, h);
}

void write_loaded_segments(const situation& s, schema::ListLoadedSegmentsReply::Builder out) {
  std::set<std::int64_t> all;
  for (const auto& [id, view] : s.collections()) {
    view.each_target([&](const target_row& t) {
      if (view.head && (t.in(view.head->current) || t.in(view.head->next)))
        all.insert(t.segment);
    });
    view.each_copy([&](const copy_row& c) { all.insert(c.segment); });
  }
  auto list = out.initSegments(static_cast<unsigned>(all.size()));
  unsigned i = 0;
  for (auto id : all)
    list.set(i++, id);
}

void write_distribution(const situation& s, std::int64_t node, schema::GetQueryNodeDistributionReply::Builder out) {
  if (member(s, node) == nullptr) {
    set_status(out.initStatus(), unknown_node(node));
    return;
  }
  std::vector<std::string> channels;
  std::vector<std::int64_t> segments;
  each_holding(s, node, [&](const collection_view&, const holding& h) {
    channels.insert(channels.end(), h.channels.begin(), h.channels.end());
    segments.insert(segments.end(), h.segments.begin(), h.segments.end());
  });
  std::sort(segments.begin(), segments.end());
  out.setNode(node);
  auto c = out.initChannels(static_cast<unsigned>(channels.size()));
  for (unsigned i = 0; i < channels.size(); ++i)
    c.set(i, channels[i]);
  auto list = out.initSegments(static_cast<unsigned>(segments.size()));
  for (unsigned i = 0; i < segments.size(); ++i)
    list.set(i, segments[i]);
}

/// What of a target `source` has and `target` has not; channels first.
failure compare(const situation& s, std::int64_t source, std::int64_t target) {
  for (auto id : {source, target})
    if (member(s, id) == nullptr)
      return unknown_node(id);
  if (source == target)
    return {ec::ok, {}};
  failure why{ec::ok, {}};
  const auto lacks = [&](const std::string& what) {
    return "node " + std::to_string(target) + " lacks " + what + ", which node " + std::to_string(source) + " has";
  };
  each_holding(s, source, [&](const collection_view& view, const holding& h) {
    if (!view.head || why.code == ec::channel_not_found)
      return;
    const auto there = held_by(view, target);
    for (const auto& c : h.channels)
      if (std::find(there.channels.begin(), there.channels.end(), c) == there.channels.end()
          && std::find(view.head->channels.begin(), view.head->channels.end(), c) != view.head->channels.end()) {
        why = {ec::channel_not_found, lacks("channel " + c)};
        return;
      }
    if (why.code != ec::ok)
      return;
    for (auto id : h.segments)
      if (const auto t = view.target_of(id); t && (t->in(view.head->current) || t->in(view.head->next))
                                             && std::find(there.segments.begin(), there.segments.end(), id) == there.segments.end()) {
        why = {ec::segment_lack, lacks("segment " + std::to_string(id))};
        return;
      }
  });
  return why;
}

const char* state_of(const node_row& n) {
  if (n.connected())
    return n.stopping ? "Stopping" : "Healthy";
  return n.liveness == schema::NodeLiveness::SUSPECT ? "Abnormal" : "Initializing";
}

template <class Make>
void fill(const std::vector<std::string>& texts, Make make) {
  auto list = make(static_cast<unsigned>(texts.size()));
  for (unsigned i = 0; i < texts.size(); ++i)
    list.set(i, texts[i]);
}

} // namespace

void write_health(const situation& s, std::string_view journal_trouble, schema::CheckHealthReply::Builder out) {
  std::vector<std::string> reasons;
  if (!journal_trouble.empty())
    reasons.push_back("the journal cannot be written: metadata waits for " + std::string{journal_trouble});
  for (const auto& [id, n] : s.nodes())
    if (!n.gone() && !n.connected())
      reasons.push_back("node " + n.name + " (" + std::to_string(id) + ") is not connected");
  std::vector<std::string> dark;
  for (const auto& [id, view] : s.collections())
    if (view.desired && view.desired->status == schema::LoadStatus::LOADED && !searchable(s, view)
        && dark.size() < limits::unhealthy_named)
      dark.push_back("collection " + view.desired->name + ": " + waits_for(s, view));
  out.setHealthy(reasons.empty());
  fill(reasons, [&](unsigned n) { return out.initReasons(n); });
  fill(dark, [&](unsigned n) { return out.initNotQueryable(n); });
}

namespace {

std::string name_of(const partition_names& names, std::int64_t id) {
  for (const auto& [there, name] : names)
    if (there == id)
      return name;
  return {};
}

std::vector<std::int64_t> all_or(const collection_view& view, const std::vector<std::int64_t>& asked) {
  return asked.empty() ? view.desired->partitions : asked;
}

/// Why one of these is not loaded; ok: all are desired.
failure not_loaded(const collection_view& view, const partition_names& names, const std::vector<std::int64_t>& asked) {
  for (auto p : asked)
    if (!view.desired->wants_partition(p)) {
      auto text = "partition " + name_of(names, p) + " (" + std::to_string(p) + ") of collection " + view.desired->name
                  + " is not loaded; load it first";
      if (!view.failures.empty())
        text += " (the last load failed: " + view.failures.front().text + ")";
      return {ec::partition_not_loaded, std::move(text)};
    }
  return {ec::ok, {}};
}

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

} // namespace

partition_names partitions_of(schema::DataCollection::Reader collection) {
  partition_names all;
  const auto ids = collection.getPartitions();
  const auto names = collection.getPartitionNames();
  for (unsigned i = 0; i < ids.size(); ++i)
    all.emplace_back(ids[i], i < names.size() ? std::string{view(names[i])} : std::string{});
  return all;
}

result<std::vector<std::int64_t>> find_partitions(const partition_names& all, capnp::List<capnp::Text>::Reader asked,
                                                  std::string_view collection) {
  std::vector<std::int64_t> found;
  for (auto t : asked) {
    const auto text = view(t);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool numeric = error == std::errc{} && end == text.data() + text.size();
    auto i = std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.second == text; });
    if (i == all.end() && numeric)
      i = std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.first == number; });
    if (i == all.end())
      return failure{ec::partition_not_found, "collection " + std::string{collection} + " has no partition " + std::string{text}
                                                + "; describe-collection shows those it has"};
    if (std::find(found.begin(), found.end(), i->first) == found.end())
      found.push_back(i->first);
  }
  return found;
}

request_subject subject_of(schema::ClientRequest::Reader request) {
  request_subject s;
  capnp::DynamicStruct::Reader whole = capnp::toDynamic(request);
  const auto arm = whole.which();
  if (arm == nullptr)
    return s;
  KJ_IF_MAYBE(field, arm) {
    s.method = field->getProto().getName().cStr();
    s.text = s.method;
    if (!field->getType().isStruct())
      return s;
    const auto fields = whole.get(*field).as<capnp::DynamicStruct>();
    for (const char* name : {"collection", "name", "checker", "nodeName", "node", "key"})
      KJ_IF_MAYBE(x, fields.getSchema().findFieldByName(name)) {
        const auto value = fields.get(*x);
        std::string text;
        if (x->getType().isText())
          text = view(value.as<capnp::Text>());
        else if (value.getType() == capnp::DynamicValue::INT && value.as<std::int64_t>() != 0)
          text = std::to_string(value.as<std::int64_t>());
        if (text.empty())
          continue;
        if (std::string_view{name} == "collection")
          s.collection = plain_name(text);
        s.text += " " + text;
        break;
      }
  }
  return s;
}

failure outcome_of(schema::ClientReply::Reader reply) {
  if (const auto why = to_failure(reply.getStatus()); why.code != ec::ok)
    return why;
  capnp::DynamicStruct::Reader whole = capnp::toDynamic(reply);
  KJ_IF_MAYBE(field, whole.which())
    if (field->getType().isStruct())
      return to_failure(whole.get(*field).as<capnp::DynamicStruct>().get("status").as<schema::Status>());
  return {ec::ok, {}};
}

bool is_read(Request::Which which) {
  switch (which) {
    case Request::LIST_LOADED_SEGMENTS:
    case Request::GET_QUERY_NODE_DISTRIBUTION:
    case Request::CHECK_QUERY_NODE_DISTRIBUTION:
    case Request::CHECK_BALANCE_STATUS:
    case Request::CHECK_HEALTH:
      return true;
    default:
      return false;
  }
}

void write_read(const situation& s, Request::Reader request, schema::ClientReply::Builder out) {
  switch (request.which()) {
    case Request::LIST_LOADED_SEGMENTS:
      return write_loaded_segments(s, out.initListLoadedSegments());
    case Request::GET_QUERY_NODE_DISTRIBUTION:
      return write_distribution(s, request.getGetQueryNodeDistribution().getNode(), out.initGetQueryNodeDistribution());
    case Request::CHECK_QUERY_NODE_DISTRIBUTION: {
      const auto r = request.getCheckQueryNodeDistribution();
      return set_status(out.initCheckQueryNodeDistribution().initStatus(), compare(s, r.getSource(), r.getTarget()));
    }
    case Request::CHECK_BALANCE_STATUS:
      return out.initCheckBalanceStatus().setActive(!s.switches().inactive_checkers.contains(balance));
    case Request::CHECK_HEALTH:
      return write_health(s, {}, out.initCheckHealth());
    default:
      return set_status(out.initStatus(), ec::internal, "a read that is none");
  }
}

void write_nodes(const situation& s, schema::NodesHeardReply::Reader heard, schema::ListQueryNodeReply::Builder out) {
  std::vector<const node_row*> members;
  for (const auto& [id, n] : s.nodes())
    if (member(s, id) != nullptr)
      members.push_back(&n);
  std::map<std::int64_t, std::int64_t> when;
  for (auto n : heard.getNodes())
    when[n.getId()] = n.getAt();
  auto list = out.initNodes(static_cast<unsigned>(members.size()));
  for (unsigned i = 0; i < members.size(); ++i) {
    list[i].setId(members[i]->id);
    list[i].setAddress(members[i]->address);
    list[i].setName(members[i]->name);
    list[i].setState(members[i]->stopping ? "Stopping" : "Normal");
    list[i].setSuspended(s.switches().suspended_nodes.contains(members[i]->id));
    if (auto t = when.find(members[i]->id); t != when.end())
      list[i].setLastHeard(t->second);
  }
}

void write_states(const situation& s, std::string_view state, schema::GetComponentStatesReply::Builder out) {
  std::vector<const node_row*> nodes;
  for (const auto& [id, n] : s.nodes())
    if (!n.gone())
      nodes.push_back(&n);
  auto list = out.initComponents(static_cast<unsigned>(nodes.size()) + 1);
  list[0].setName("coordinator");
  list[0].setRole("querycoord");
  list[0].setState(std::string{state});
  for (unsigned i = 0; i < nodes.size(); ++i) {
    list[i + 1].setName(nodes[i]->name);
    list[i + 1].setRole("querynode");
    list[i + 1].setState(state_of(*nodes[i]));
    list[i + 1].setNode(nodes[i]->id);
  }
}

std::uint32_t partition_percentage(const collection_view& view, std::int64_t partition) {
  const auto& desired = *view.desired;
  if (desired.partition_loaded(partition))
    return 100;
  if (!view.head)
    return 0;
  const auto version = view.head->next != 0 ? view.head->next : view.head->current;
  std::size_t wanted = view.head->channels.size();
  std::size_t found = 0;
  for (const auto& channel : view.head->channels)
    for (const auto& r : desired.replicas)
      found += std::any_of(view.delegators.begin(), view.delegators.end(), [&](const delegator_row& d) {
        return d.channel == channel && d.replica == r.id && r.contains(d.node);
      });
  view.each_target([&](const target_row& t) {
    if (t.partition != partition || !t.in(version))
      return;
    ++wanted;
    std::set<std::int64_t> replicas;
    for (const auto& v : view.views_of(t.segment))
      if (const auto* r = desired.replica_of(v.leader))
        replicas.insert(r->id);
    found += replicas.size();
  });
  const auto all = wanted * desired.replicas.size();
  return all == 0 ? 0 : std::min(static_cast<std::uint32_t>(found * 100 / all), 99u);
}

std::uint32_t refresh_progress(const collection_view& view) {
  return view.head && view.head->current != 0 && view.head->next == 0 ? 100 : 0;
}

void write_partitions(const collection_view& view, const partition_names& names, const std::vector<std::int64_t>& asked,
                      schema::ShowLoadPartitionsReply::Builder out) {
  if (auto why = not_loaded(view, names, asked); why.code != ec::ok)
    return set_status(out.initStatus(), why);
  const auto chosen = all_or(view, asked);
  auto list = out.initPartitions(static_cast<unsigned>(chosen.size()));
  for (unsigned i = 0; i < chosen.size(); ++i) {
    list[i].setId(chosen[i]);
    list[i].setName(name_of(names, chosen[i]));
    list[i].setPercentage(partition_percentage(view, chosen[i]));
    list[i].setStatus(view.desired->partition_loaded(chosen[i]) ? "loaded" : "loading");
    list[i].setRefreshProgress(refresh_progress(view));
  }
}

void write_partition_states(const collection_view& view, const partition_names& names, const std::vector<std::int64_t>& asked,
                            schema::GetPartitionStatesReply::Builder out) {
  if (auto why = not_loaded(view, names, asked); why.code != ec::ok)
    return set_status(out.initStatus(), why);
  const auto chosen = all_or(view, asked);
  auto list = out.initStates(static_cast<unsigned>(chosen.size()));
  for (unsigned i = 0; i < chosen.size(); ++i) {
    list[i].setPartitionId(chosen[i]);
    list[i].setName(name_of(names, chosen[i]));
    list[i].setState(view.desired->partition_loaded(chosen[i]) ? "InMemory" : "PartialInMemory");
  }
}

void write_configuration(const setting_table& table, const setting_spec& spec, schema::ConfigurationInfo::Builder out) {
  out.setKey(std::string{spec.key});
  out.setValue(table.value(spec));
  out.setFallback(std::string{spec.fallback});
  out.setUnit(std::string{spec.unit});
  out.setOrigin(std::string{to_string(table.origin(spec))});
  out.setUse(std::string{to_string(spec.use)});
  out.setMeaning(std::string{spec.meaning});
}

void write_configurations(const setting_table& table, std::string_view pattern, schema::ShowConfigurationsReply::Builder out) {
  const auto wanted = lower(pattern);
  std::vector<const setting_spec*> chosen;
  for (const auto& spec : setting_specs())
    if (lower(spec.key).find(wanted) != std::string::npos)
      chosen.push_back(&spec);
  auto list = out.initConfigurations(static_cast<unsigned>(chosen.size()));
  for (unsigned i = 0; i < chosen.size(); ++i)
    write_configuration(table, *chosen[i], list[i]);
}

setting_table with_switches(setting_table given, const switches_row& switches) {
  for (const auto& [key, value] : switches.settings)
    static_cast<void>(given.set(key, value, setting_origin::runtime));
  return given;
}

} // namespace muster
