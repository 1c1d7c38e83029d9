// The checks that need no process: commits against promises, searches against versions, promotions against reports.
#include "tests/simulation/model.hpp"

#include "persistence/memory_engine.hpp"

#include <algorithm>
#include <utility>

namespace muster::sim {

const char* to_string(verdict v) {
  switch (v) {
    case verdict::clean:
      return "clean";
    case verdict::safety:
      return "safety";
    case verdict::liveness:
      return "liveness";
    case verdict::determinism:
      return "determinism";
    case verdict::crash:
      return "crash";
  }
  return "?";
}

// -- the disk -------------------------------------------------------------------

std::vector<std::int64_t> durable_truth::apply(const std::vector<journal_row>& rows) {
  std::set<std::int64_t> touched;
  std::map<std::int64_t, std::int64_t> before;
  for (const auto& [id, h] : heads)
    before[id] = h.current;
  for (const auto& row : rows) {
    const auto id = [&] { return std::strtoll(row.key.c_str(), nullptr, 10); };
    switch (row.kind) {
      case record_kind::collection:
      case record_kind::target_head:
      case record_kind::target_segments:
        break;
      case record_kind::resource_group:
        row.payload ? void(groups.insert(row.key)) : void(groups.erase(row.key));
        continue;
      case record_kind::checker:
        row.payload ? void(inactive_checkers.insert(row.key)) : void(inactive_checkers.erase(row.key));
        continue;
      case record_kind::suspended_node:
        row.payload ? void(suspended_nodes.insert(id())) : void(suspended_nodes.erase(id()));
        continue;
      default:
        continue;
    }
    touched.insert(id());
    if (!row.payload) {
      if (row.kind == record_kind::collection)
        collections.erase(id());
      else if (row.kind == record_kind::target_head)
        heads.erase(id());
      else
        segments_[id()].erase(row.key);
      continue;
    }
    auto parsed = parse<schema::Chunk>(*row.payload);
    if (!parsed)
      continue;
    auto chunk = parsed->read();
    if (chunk.isCollection()) {
      auto now = read(chunk.getCollection());
      const auto old = collections.find(id());
      if (old != collections.end() && old->second.status == schema::LoadStatus::LOADED
          && now.status != schema::LoadStatus::LOADED)
        fell_back.insert(id());
      collections[id()] = std::move(now);
    } else if (chunk.isTargetHead()) {
      heads[id()] = read(chunk.getTargetHead());
      if (auto c = collections.find(id()); c != collections.end())
        replicas_at_head[id()] = c->second.replicas;
    } else if (chunk.isTargetSegments()) {
      auto& mine = segments_[id()][row.key];
      mine.clear();
      for (auto t : chunk.getTargetSegments().getSegments())
        mine.push_back(read(t));
    }
  }
  std::vector<std::int64_t> promoted;
  for (auto id : touched) {
    auto h = heads.find(id);
    if (h == heads.end())
      continue;
    for (auto number : {h->second.current, h->second.next}) {
      if (number == 0 || versions_.contains({id, number}))
        continue;
      auto& v = versions_[{id, number}];
      for (const auto& channel : h->second.channels)
        v.channels[channel];
      for (const auto& [key, chunk] : segments_[id])
        for (const auto& t : chunk)
          if (t.in(number))
            v.channels[h->second.channels.at(t.channel)][t.segment] = t.rows;
    }
    if (h->second.current != 0 && before[id] != h->second.current)
      promoted.push_back(id);
  }
  return promoted;
}

void durable_truth::damaged(std::int64_t collection) {
  collections.erase(collection);
  heads.erase(collection);
  segments_.erase(collection);
}

const durable_truth::target* durable_truth::version(std::int64_t collection, std::int64_t number) const {
  auto i = versions_.find({collection, number});
  return i == versions_.end() ? nullptr : &i->second;
}

void model::committed(const std::vector<journal_row>& rows, const std::function<bool(std::int64_t)>& live,
                      const std::vector<const reported_node*>& nodes) {
  const auto promoted = disk.apply(rows);
  // I-COL-01: only a release ends it; what comes to it later is no reason to call it unreadable.
  for (auto id : std::exchange(disk.fell_back, {}))
    complain_(verdict::safety, "collection " + std::to_string(id) + " was loaded on the disk, and is loading again");
  for (const auto* n : nodes)
    for (const auto& [key, d] : n->delegators)
      note_cover(d);
  for (auto id : promoted) {
    const auto& head = disk.heads.at(id);
    const auto desired = disk.collections.find(id);
    if (desired == disk.collections.end()) {
      complain_(verdict::safety, "collection " + std::to_string(id) + " has a current target but is not desired");
      continue;
    }
    if (head.current < current_[id])
      complain_(verdict::safety, "collection " + std::to_string(id) + " went back from target "
                                   + std::to_string(current_[id]) + " to " + std::to_string(head.current));
    current_[id] = head.current;
    // As they were then: one that got its nodes in the same write, but after the promotion, was not asked.
    for (const auto& replica : disk.replicas_at_head[id]) {
      if (replica.id > head.current)
        continue; // ids and versions come from one allocator: it came while this target was being loaded
      if (std::none_of(replica.nodes.begin(), replica.nodes.end(), live))
        continue;
      for (const auto& channel : head.channels)
        if (!covered_.contains({id, head.current, channel, replica.id}))
          complain_(verdict::safety, "target " + std::to_string(head.current) + " of collection " + std::to_string(id)
                                       + " became current, but no delegator of channel " + channel + " in replica "
                                       + std::to_string(replica.id) + " ever reported a view that covers it");
    }
  }
  check_whole();
  for (const auto& row : rows)
    if (row.kind == record_kind::collection || row.kind == record_kind::node || row.kind == record_kind::resource_group)
      check_groups(row);
  check_promises("after a commit");
}

/// A collection comes, and goes, with its replicas and its target at once.
void model::check_whole() {
  for (const auto& [id, row] : disk.collections)
    if (!disk.heads.contains(id))
      complain_(verdict::safety, "collection " + std::to_string(id) + " has no target any more, but its record with "
                                   + std::to_string(row.replicas.size()) + " replicas is still on the disk");
  for (const auto& [id, head] : disk.heads)
    if (!disk.collections.contains(id))
      complain_(verdict::safety, "the target of collection " + std::to_string(id) + " is on the disk without the collection");
}

/// What a restart would find: no node in two replicas of a collection, and every group that a node or a replica names.
void model::check_groups(const journal_row& row) {
  if (row.kind == record_kind::resource_group || !row.payload)
    return;
  const auto known = [&](const std::string& group) { return group == default_group || disk.groups.contains(group); };
  if (row.kind == record_kind::node) {
    auto record = parse<schema::NodeRecord>(*row.payload);
    if (record && (*record)->getResourceGroup().size() > 0 && !known(std::string{view((*record)->getResourceGroup())}))
      complain_(verdict::safety, "node " + row.key + " is durable in a resource group that is not");
    return;
  }
  const auto c = disk.collections.find(std::strtoll(row.key.c_str(), nullptr, 10));
  if (c == disk.collections.end())
    return;
  std::set<std::int64_t> seen;
  for (const auto& replica : c->second.replicas) {
    if (!known(std::string{replica.group()}))
      complain_(verdict::safety, "replica " + std::to_string(replica.id) + " is durable in a resource group that is not");
    for (const auto* list : {&replica.nodes, &replica.read_only_nodes})
      for (auto node : *list)
        if (!seen.insert(node).second)
          complain_(verdict::safety, "node " + std::to_string(node) + " belongs twice to replicas of collection " + row.key);
  }
}

void model::check_promises(const char* when) {
  for (const auto& [name, p] : promises) {
    if (!p.certain)
      continue;
    auto id = ids.find(name);
    if (id == ids.end())
      continue;
    auto c = disk.collections.find(id->second);
    const bool there = c != disk.collections.end() && c->second.status == schema::LoadStatus::LOADED;
    if (p.loaded && !there)
      complain_(verdict::safety, std::string{when} + ": the load of " + name + " was answered but is not on the disk");
    if (!p.loaded && c != disk.collections.end())
      complain_(verdict::safety, std::string{when} + ": the release of " + name + " was answered but it is still on the disk");
    if (!there)
      continue;
    if (p.whole && !c->second.whole_collection)
      complain_(verdict::safety, std::string{when} + ": the whole of " + name + " was loaded, but on the disk only some partitions are");
    for (auto partition : p.in)
      if (!c->second.partition_loaded(partition))
        complain_(verdict::safety, std::string{when} + ": the load of partition " + std::to_string(partition) + " of " + name
                                     + " was answered but is not on the disk");
    for (auto partition : p.out)
      if (c->second.wants_partition(partition))
        complain_(verdict::safety, std::string{when} + ": the release of partition " + std::to_string(partition) + " of " + name
                                     + " was answered but it is still on the disk");
  }
}

// -- answers ----------------------------------------------------------------------

void model::given_ids(std::int64_t first, std::int64_t count) {
  auto next = given_.lower_bound(first);
  bool twice = next != given_.end() && next->first < first + count;
  if (next != given_.begin()) {
    auto before = std::prev(next);
    twice = twice || before->first + before->second > first;
  }
  if (twice)
    complain_(verdict::safety, "ids from " + std::to_string(first) + " on were given to a client twice");
  given_[first] = count;
}

void model::sent(const load_change& what) {
  auto& p = promises[what.collection];
  ++p.open;
  switch (what.kind) {
    case load_change::load:
      p.out.clear();
      break;
    case load_change::release:
      p.whole = false;
      p.in.clear();
      break;
    case load_change::release_partitions:
      p.whole = false;
      for (auto id : what.partitions)
        p.in.erase(id);
      break;
    default:
      for (auto id : what.partitions)
        p.out.erase(id);
  }
  if (what.kind != load_change::sync_partition)
    p.certain = false;
}

void model::ended(const load_change& what, bool ok) {
  auto& p = promises[what.collection];
  --p.open;
  if (!ok || p.open > 0)
    return;
  const auto id = ids.find(what.collection);
  const auto c = id == ids.end() ? disk.collections.end() : disk.collections.find(id->second);
  const bool there = c != disk.collections.end();
  switch (what.kind) {
    case load_change::load:
      p.certain = p.loaded = p.whole = true;
      p.in.clear();
      break;
    case load_change::release:
      p.certain = true;
      p.loaded = p.whole = false;
      p.out.clear();
      break;
    case load_change::load_partitions:
      p.certain = p.loaded = true;
      p.in.insert(what.partitions.begin(), what.partitions.end());
      break;
    case load_change::release_partitions:
      // Without any left the collection goes; what had never become whole is neither.
      p.certain = !there || c->second.status == schema::LoadStatus::LOADED;
      p.loaded = there;
      if (there)
        p.out.insert(what.partitions.begin(), what.partitions.end());
      else
        p.in.clear();
      break;
    default:
      break;
  }
}

void model::lost(const std::string& name) {
  auto& p = promises[name];
  p.certain = p.whole = false;
  p.in.clear();
  p.out.clear();
}

void model::answered(schema::SearchRequest::Reader request, schema::SearchReply::Reader reply) {
  ++searches_checked;
  const std::string channel{view(request.getChannel())};
  const auto where = "a search of channel " + channel + " for target " + std::to_string(reply.getServedVersion());
  const auto* v = disk.version(request.getCollection(), reply.getServedVersion());
  if (v == nullptr) {
    complain_(verdict::safety, where + " was answered, but no such target was ever durable");
    return;
  }
  auto c = v->channels.find(channel);
  if (c == v->channels.end()) {
    complain_(verdict::safety, where + " was answered, but that target has no such channel");
    return;
  }
  std::map<std::int64_t, std::int64_t> found;
  if (reply.getQueries().size() == 1)
    for (auto hit : reply.getQueries()[0].getHits())
      ++found[hit.getId() / memory_engine_id_stride];
  if (found == c->second)
    return;
  std::string text;
  for (auto [segment, rows] : c->second)
    if (auto f = found.find(segment); f == found.end() || f->second != rows)
      text += " segment " + std::to_string(segment) + ": " + std::to_string(f == found.end() ? 0 : f->second) + " of "
              + std::to_string(rows) + " rows;";
  for (auto [segment, rows] : found)
    if (!c->second.contains(segment))
      text += " segment " + std::to_string(segment) + " does not belong to it;";
  complain_(verdict::safety, where + " was answered as complete but is not:" + text);
}

// -- reports ----------------------------------------------------------------------

void model::note_cover(const reported_node::delegator& d) {
  auto h = disk.heads.find(d.collection);
  if (h == disk.heads.end())
    return;
  for (auto number : {h->second.current, h->second.next}) {
    const auto* v = number == 0 ? nullptr : disk.version(d.collection, number);
    if (v == nullptr)
      continue;
    auto c = v->channels.find(d.channel);
    if (c != v->channels.end()
        && std::all_of(c->second.begin(), c->second.end(), [&](const auto& s) { return d.view.contains(s.first); }))
      covered_.insert({d.collection, number, d.channel, d.replica});
  }
}

void model::reported(reported_node& node, schema::Report::Reader report) {
  if (report.getFull()) {
    node.delegators.clear();
    node.told = false;
  }
  for (auto key : report.getRemovedDelegators())
    node.delegators.erase({key.getCollection(), std::string{view(key.getChannel())}});
  for (auto r : report.getDelegators()) {
    auto& d = node.delegators[{r.getCollection(), std::string{view(r.getChannel())}}];
    d.collection = r.getCollection();
    d.channel = std::string{view(r.getChannel())};
    d.replica = r.getReplica();
    d.version = r.getVersion();
    d.served = r.getServedVersion();
    d.serviceable = r.getServiceable();
    if (r.getWholeView())
      d.view.clear();
    for (auto segment : r.getRemoved())
      d.view.erase(segment);
    for (auto v : r.getView())
      d.view[v.getSegment()] = v.getWorker();
    note_cover(d);
  }
  if (report.getComplete())
    node.told = true;
}

} // namespace muster::sim
