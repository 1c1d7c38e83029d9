// Joins three kinds of answers and judges them.
#include "deploy/overview.hpp"

#include <algorithm>
#include <set>

namespace muster::cli {

namespace {

std::string first_lack(const overview& all, const collection_overview& c) {
  std::set<std::int64_t> connected;
  for (auto node : all.status->getNodes())
    if (node.getState() == "connected")
      connected.insert(node.getId());
  if (c.loaded.getStatus() != "loaded")
    return c.loaded.getWaitsFor().size() > 0 ? std::string{view(c.loaded.getWaitsFor())} : "it is being loaded";
  if (c.replicas->getReplicas().size() < c.loaded.getReplicaNumber())
    return "it has fewer replicas than wanted";
  for (auto replica : c.replicas->getReplicas()) {
    const auto which = " in replica " + std::to_string(replica.getId());
    if (replica.getShards().size() == 0)
      return "no shard is known" + which;
    for (auto shard : replica.getShards())
      if (!shard.getServiceable() || !connected.contains(shard.getLeader()))
        return "channel " + std::string{view(shard.getChannel())} + " has no serviceable leader" + which;
    std::set<std::int64_t> own;
    for (auto node : replica.getNodes())
      if (connected.contains(node))
        own.insert(node);
    for (auto segment : c.segments->getSegments())
      if (!any_of(segment.getNodes(), [&](auto node) { return own.contains(node); }))
        return "segment " + std::to_string(segment.getId()) + " is on no node" + which;
  }
  return {};
}

result<overview> look_at(session& s, const std::string* only) {
  overview out;
  auto status = s.call<schema::GetStatusRequest>([](auto) {});
  if (!status)
    return status.error();
  out.status = *status;
  for (auto node : out.status->getNodes())
    out.node_names.emplace(node.getId(), view(node.getName()));
  for (auto loaded : out.status->getCollections()) {
    if (only != nullptr && view(loaded.getName()) != *only)
      continue;
    collection_overview c;
    c.loaded = loaded;
    auto replicas = s.call<schema::GetReplicasRequest>([&](auto b) { b.setCollection(loaded.getName()); });
    auto segments = s.call<schema::GetLoadSegmentInfoRequest>([&](auto b) { b.setCollection(loaded.getName()); });
    for (auto* why : {replicas ? nullptr : &replicas.error(), segments ? nullptr : &segments.error()})
      if (why != nullptr && why->code != ec::collection_not_loaded && why->code != ec::collection_not_found)
        return *why;
    if (!replicas || !segments)
      continue;
    c.replicas = *replicas;
    c.segments = *segments;
    c.lacks = first_lack(out, c);
    out.collections.push_back(std::move(c));
  }
  if (only != nullptr && out.collections.empty())
    return failure{ec::collection_not_loaded,
                   "collection " + *only + " is not loaded; load it with muster load " + *only};
  std::sort(out.collections.begin(), out.collections.end(),
            [](auto& a, auto& b) { return view(a.loaded.getName()) < view(b.loaded.getName()); });
  return out;
}

} // namespace

std::string overview::node_name(std::int64_t id) const {
  const auto i = node_names.find(id);
  return i == node_names.end() ? std::to_string(id) : i->second;
}

bool overview::connected(const std::string& name) const {
  for (auto node : status->getNodes())
    if (view(node.getName()) == name && node.getState() == "connected")
      return true;
  return false;
}

result<overview> look(session& s) {
  return look_at(s, nullptr);
}

result<overview> look(session& s, const std::string& collection) {
  return look_at(s, &collection);
}

} // namespace muster::cli
