// Answers to reads.
#include "actors/core/answers.hpp"

#include "actors/core/names.hpp"
#include "actors/core/reason.hpp"

#include "messages/status.hpp"

#include <algorithm>

namespace muster {

namespace {

std::string name_of(const situation& s, std::int64_t node) {
  const auto* n = s.node(node);
  return n == nullptr ? std::to_string(node) : n->name;
}

} // namespace

const collection_view* find_loaded(const situation& s, std::string_view name) {
  return s.named(plain_name(name));
}

bool can_serve(const situation& s, const collection_view& view, const delegator_row& leader) {
  if (!leader.serviceable || leader.served <= 0 || !s.connected(leader.node))
    return false;
  return view.all_workers_of(leader.node, [&](std::int64_t worker) { return s.connected(worker); });
}

namespace {

std::string open_condition(const situation& s, const collection_view& view) {
  if (!view.desired || !view.head)
    return "it is not loaded";
  const auto& head = *view.head;
  for (const auto& replica : view.desired->replicas) {
    const auto r = "replica " + std::to_string(replica.id);
    if (std::none_of(replica.nodes.begin(), replica.nodes.end(), [&](auto n) { return s.usable(n); }))
      return r + " has no node that can be given work";
    for (auto id : replica.nodes)
      if (const auto* n = s.node(id); n == nullptr || !(n->known || n->gone()))
        return r + " waits for the report of node " + name_of(s, id);
    for (const auto& channel : head.channels) {
      const auto* leader = view.leader(replica, channel);
      if (leader == nullptr)
        return "channel " + channel + " has no leader in " + r;
      if (leader->served < head.current)
        return "channel " + channel + " in " + r + " serves target " + std::to_string(leader->served) + ", not "
               + std::to_string(head.current);
      if (!can_serve(s, view, *leader))
        return "channel " + channel + " in " + r + " has a leader on node " + name_of(s, leader->node)
               + " that lacks segments";
    }
  }
  if (head.next != 0)
    return "target " + std::to_string(head.next) + " is being loaded";
  if (!view.tasks.empty())
    return std::to_string(view.tasks.size()) + " tasks are in flight";
  return {};
}

} // namespace

std::string waits_for(const situation& s, const collection_view& view) {
  auto what = open_condition(s, view);
  if (what.empty() || view.failures.empty())
    return what;
  const auto latest = std::max_element(view.failures.begin(), view.failures.end(),
                                       [](const load_failure& a, const load_failure& b) { return a.at < b.at; });
  return what + "; what failed last: " + latest->text;
}

std::uint32_t serviceable_replicas(const situation& s, const collection_view& view) {
  std::uint32_t count = 0;
  if (!view.desired || !view.head || view.head->current == 0)
    return 0;
  for (const auto& replica : view.desired->replicas)
    count += std::all_of(view.head->channels.begin(), view.head->channels.end(), [&](const std::string& channel) {
      const auto* leader = view.leader(replica, channel);
      return leader != nullptr && can_serve(s, view, *leader);
    });
  return count;
}

bool searchable(const situation& s, const collection_view& view) {
  if (!view.desired || !view.head || view.head->current == 0)
    return false;
  return std::all_of(view.head->channels.begin(), view.head->channels.end(), [&](const std::string& channel) {
    return std::any_of(view.desired->replicas.begin(), view.desired->replicas.end(), [&](const replica_row& replica) {
      const auto* leader = view.leader(replica, channel);
      return leader != nullptr && can_serve(s, view, *leader);
    });
  });
}

bool partitions_gone(const collection_view& view, const std::vector<std::int64_t>& partitions) {
  const auto leaves = [&](std::int64_t p) { return std::find(partitions.begin(), partitions.end(), p) != partitions.end(); };
  if (std::any_of(view.desired->partitions.begin(), view.desired->partitions.end(), leaves))
    return false;
  bool gone = true;
  view.each_target([&](const target_row& t) {
    if (gone && leaves(t.partition))
      gone = (!view.head || !t.in(view.head->current)) && view.copies_of(t.segment).empty();
  });
  return gone;
}

void write_routes(const situation& s, std::int64_t collection, schema::CollectionRoutes::Builder out, bool all) {
  out.setCollectionId(collection);
  const auto* view = s.collection(collection);
  if (view == nullptr || !view->desired || !view->head || view->head->current == 0) {
    out.setRemoved(true);
    if (view != nullptr && view->desired)
      out.setName(view->desired->name);
    return;
  }
  const auto& desired = *view->desired;
  const auto& head = *view->head;
  out.setName(desired.name);
  out.setTargetVersion(head.current);
  out.setMetric(desired.metric);
  out.setDimension(desired.dimension);
  auto shards = out.initShards(static_cast<unsigned>(head.channels.size()));
  for (unsigned i = 0; i < head.channels.size(); ++i) {
    shards[i].setChannel(head.channels[i]);
    std::vector<std::pair<std::int64_t, const delegator_row*>> leaders;
    for (const auto& replica : desired.replicas)
      if (const auto* d = view->leader(replica, head.channels[i]); d != nullptr && s.node(d->node) != nullptr && (all || can_serve(s, *view, *d)))
        leaders.emplace_back(replica.id, d);
    auto list = shards[i].initLeaders(static_cast<unsigned>(leaders.size()));
    for (unsigned k = 0; k < leaders.size(); ++k) {
      const auto* d = leaders[k].second;
      list[k].setReplica(leaders[k].first);
      list[k].setNode(d->node);
      list[k].setAddress(s.node(d->node)->address);
      list[k].setServedVersion(d->served);
      list[k].setServiceable(!all || can_serve(s, *view, *d));
    }
  }
}

failure write_leaders(const situation& s, std::string_view name, bool all, schema::CollectionRoutes::Builder out) {
  const auto* c = find_loaded(s, name);
  const std::string collection = "collection " + std::string{name};
  if (c == nullptr)
    return {ec::collection_not_loaded, collection + " is not loaded; load it first"};
  if (c->desired->status != schema::LoadStatus::LOADED)
    return {ec::collection_not_fully_loaded, collection + " is still being loaded: " + waits_for(s, *c)};
  if (!c->head || c->head->current == 0 || c->head->channels.empty())
    return {ec::collection_on_recovering, collection + " has no current target yet"};
  write_routes(s, c->desired->id, out, all);
  for (auto shard : out.asReader().getShards())
    if (!all && shard.getLeaders().size() == 0)
      return {ec::channel_not_available, "channel " + std::string{view(shard.getChannel())} + " has no leader: " + waits_for(s, *c)};
  return {ec::ok, {}};
}

void write_loaded(const situation& s, const collection_view& view, schema::LoadedCollection::Builder out) {
  const auto& desired = *view.desired;
  out.setId(desired.id);
  out.setName(desired.name);
  out.setReplicaNumber(desired.replica_number);
  out.setServiceableReplicas(serviceable_replicas(s, view));
  out.setStatus(desired.status == schema::LoadStatus::LOADED ? "loaded" : "loading");
  out.setWaitsFor(waits_for(s, view));
  out.setLoadType(desired.whole_collection ? "collection" : "partition");
  out.setUserSpecifiedReplicas(desired.user_specified_replicas);
  out.setQueryable(searchable(s, view));
  auto fields = out.initLoadFields(static_cast<unsigned>(desired.load_fields.size()));
  for (unsigned i = 0; i < desired.load_fields.size(); ++i)
    fields.set(i, desired.load_fields[i]);
  if (!view.head)
    return;
  out.setRefreshProgress(view.head->current != 0 && view.head->next == 0 ? 100 : 0);
  const auto& head = *view.head;
  out.setCurrentVersion(head.current);
  out.setNextVersion(head.next);
  const bool has_current = head.current != 0;
  const auto segments = has_current ? head.current_segments : head.next_segments;
  out.setSegments(segments);
  out.setRows(has_current ? head.current_rows : head.next_rows);
  // The model's formula: channels and segments that some replica routes, over all that all replicas should; never 100 while
  // the collection cannot be searched.
  const auto wanted = (segments + head.channels.size()) * desired.replicas.size();
  const auto found = std::min<std::size_t>(view.view_count() + view.delegators.size(), wanted);
  auto percent = static_cast<std::uint32_t>(wanted == 0 ? 0 : found * 100 / wanted);
  if (desired.status == schema::LoadStatus::LOADED && searchable(s, view))
    percent = 100;
  else
    percent = std::min(percent, 99u);
  out.setPercentage(percent);
}

void write_replicas(const situation& s, const collection_view& view, schema::GetReplicasReply::Builder out,
                    bool all_nodes) {
  const auto& desired = *view.desired;
  auto list = out.initReplicas(static_cast<unsigned>(desired.replicas.size()));
  for (unsigned i = 0; i < desired.replicas.size(); ++i) {
    const auto& replica = desired.replicas[i];
    auto r = list[i];
    r.setId(replica.id);
    r.setCollectionId(desired.id);
    r.setResourceGroup(replica.resource_group);
    auto nodes = r.initNodes(static_cast<unsigned>(replica.nodes.size()));
    for (unsigned k = 0; k < replica.nodes.size(); ++k)
      nodes.set(k, replica.nodes[k]);
    auto read_only = r.initReadOnlyNodes(static_cast<unsigned>(replica.read_only_nodes.size()));
    for (unsigned k = 0; k < replica.read_only_nodes.size(); ++k)
      read_only.set(k, replica.read_only_nodes[k]);
    std::map<std::string, std::uint32_t> outbound;
    for (auto id : replica.read_only_nodes)
      if (const auto* g = s.group_of(id); g != nullptr && g->name != replica.group())
        ++outbound[g->name];
    auto elsewhere = r.initOutbound(static_cast<unsigned>(outbound.size()));
    unsigned at = 0;
    for (const auto& [name, count] : outbound) {
      elsewhere[at].setResourceGroup(name);
      elsewhere[at++].setNodes(count);
    }
    std::vector<std::int64_t> holders;
    for (const auto* list : {&replica.nodes, &replica.read_only_nodes})
      for (auto id : *list)
        if (view.on(id).any())
          holders.push_back(id);
    std::sort(holders.begin(), holders.end());
    if (!view.head)
      continue;
    auto shards = r.initShards(static_cast<unsigned>(view.head->channels.size()));
    for (unsigned k = 0; k < view.head->channels.size(); ++k) {
      shards[k].setChannel(view.head->channels[k]);
      const auto* leader = view.leader(replica, view.head->channels[k]);
      if (leader == nullptr)
        continue;
      shards[k].setLeader(leader->node);
      const auto named = all_nodes ? holders : std::vector<std::int64_t>{leader->node};
      auto holding = shards[k].initNodes(static_cast<unsigned>(named.size()));
      for (unsigned n = 0; n < named.size(); ++n)
        holding.set(n, named[n]);
      if (const auto* n = s.node(leader->node))
        shards[k].setLeaderAddress(n->address);
      shards[k].setServiceable(can_serve(s, view, *leader));
    }
  }
}

void write_segments(const collection_view& view, capnp::List<std::int64_t>::Reader asked,
                    schema::GetLoadSegmentInfoReply::Builder out) {
  if (!view.head)
    return;
  std::vector<target_row> rows;
  for (auto id : asked) {
    const auto copies = view.copies_of(id);
    if (copies.empty()) {
      set_status(out.initStatus(), ec::segment_not_loaded,
                 "segment " + std::to_string(id) + " of collection " + view.desired->name + " is held by no node");
      return;
    }
    target_row bare;
    bare.segment = id;
    bare.rows = copies.front().rows;
    bare.bytes = copies.front().bytes;
    rows.push_back(view.target_of(id).value_or(bare));
  }
  const auto version = view.head->readable();
  if (asked.size() == 0)
    view.each_target([&](const target_row& t) {
      if (t.in(version))
        rows.push_back(t);
    });
  auto list = out.initSegments(static_cast<unsigned>(rows.size()));
  for (unsigned i = 0; i < rows.size(); ++i) {
    list[i].setId(rows[i].segment);
    list[i].setPartitionId(rows[i].partition);
    list[i].setChannel(view.head->channels.at(rows[i].channel));
    list[i].setRows(rows[i].rows);
    list[i].setBytes(rows[i].bytes);
    const auto copies = view.copies_of(rows[i].segment);
    auto nodes = list[i].initNodes(static_cast<unsigned>(copies.size()));
    for (unsigned k = 0; k < copies.size(); ++k) {
      nodes.set(k, copies[k].node);
      list[i].setIndex(copies[k].index == 2 ? "hnsw" : "brute_force");
    }
  }
}

namespace {

void write_nodes(const situation& s, schema::GetStatusReply::Builder out) {
  auto nodes = out.initNodes(static_cast<unsigned>(s.nodes().size()));
  unsigned i = 0;
  for (const auto& [id, n] : s.nodes()) {
    auto b = nodes[i++];
    const auto load = s.load(id);
    b.setId(id);
    b.setName(n.name);
    b.setAddress(n.address);
    b.setState(liveness_name(n.liveness));
    b.setSegments(static_cast<std::uint32_t>(load.segments));
    b.setRows(load.rows);
    b.setChannels(static_cast<std::uint32_t>(load.channels));
    b.setMemoryMb(n.memory_mb);
    b.setIncarnation(n.incarnation);
    auto labels = b.initLabels(static_cast<unsigned>(n.labels.size()));
    for (unsigned k = 0; k < n.labels.size(); ++k) {
      labels[k].setKey(n.labels[k].first);
      labels[k].setValue(n.labels[k].second);
    }
  }
}

void write_collections(const situation& s, schema::GetStatusReply::Builder out) {
  std::vector<const collection_view*> loaded;
  for (const auto& [id, view] : s.collections())
    if (view.desired)
      loaded.push_back(&view);
  auto collections = out.initCollections(static_cast<unsigned>(loaded.size()));
  for (unsigned k = 0; k < loaded.size(); ++k)
    write_loaded(s, *loaded[k], collections[k]);
}

void write_tasks(const situation& s, schema::GetStatusReply::Builder out) {
  std::vector<std::pair<std::int64_t, const task_row*>> tasks;
  for (const auto& [id, view] : s.collections())
    for (const auto& t : view.tasks)
      if (tasks.size() < 1000)
        tasks.emplace_back(id, &t);
  auto list = out.initTasks(static_cast<unsigned>(tasks.size()));
  for (unsigned k = 0; k < tasks.size(); ++k) {
    const auto& t = *tasks[k].second;
    list[k].setId(t.id);
    list[k].setKind(schema_name(t.kind));
    list[k].setCollectionId(tasks[k].first);
    list[k].setReplica(t.replica);
    list[k].setChannel(t.channel);
    list[k].setSegment(t.segment);
    list[k].setNode(t.node);
    list[k].setSource(t.source);
    const auto why = to_string(static_cast<reason>(t.reason));
    list[k].setReason(capnp::Text::Reader{why.data(), why.size()});
    list[k].setState(t.running ? "running" : "waiting");
  }
}

} // namespace

void write_status(const situation& s, capnp::List<capnp::Text>::Reader parts, schema::GetStatusReply::Builder out) {
  bool nodes = parts.size() == 0;
  bool collections = nodes;
  bool tasks = nodes;
  for (auto part : parts) {
    if (part == "nodes")
      nodes = true;
    else if (part == "collections")
      collections = true;
    else if (part == "tasks")
      tasks = true;
    else
      return set_status(out.initStatus(), ec::parameter_invalid,
                        "there is no part \"" + std::string{view(part).substr(0, 64)} + "\" of the status; there are nodes, collections and tasks");
  }
  if (nodes)
    write_nodes(s, out);
  if (collections)
    write_collections(s, out);
  if (tasks)
    write_tasks(s, out);
}

} // namespace muster
