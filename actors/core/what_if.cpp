// One cluster of all replicas looked at, changed as asked for, planned until nothing moves.
#include "actors/core/what_if.hpp"

#include "actors/core/answers.hpp"
#include "actors/core/balance/configured.hpp"
#include "actors/core/balance/planner.hpp"
#include "actors/core/balance_view.hpp"
#include "actors/core/placing.hpp"
#include "messages/limits.hpp"
#include "messages/status.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace muster {

namespace {

/// Rounds of planning: channels and segments come in turns.
constexpr std::size_t rounds = 16;

struct change {
  std::set<std::int64_t> removed;
  std::size_t added = 0;
  setting_table settings;
};

struct planned_move {
  balance_move move;
  std::int64_t rows = 0;
};

result<change> read_change(const situation& s, const setting_table& settings, schema::WhatIfRequest::Reader request) {
  change c;
  c.settings = settings;
  for (auto p : request.getSettings())
    if (const auto set = c.settings.set(view(p.getKey()), view(p.getValue()), setting_origin::runtime); !set)
      return set.error();
  if (request.getAddNodes() > limits::what_if_nodes)
    return failure{ec::parameter_invalid, "addNodes is " + std::to_string(request.getAddNodes()) + "; at most "
                                            + std::to_string(limits::what_if_nodes) + " can be added"};
  c.added = request.getAddNodes();
  for (auto name : request.getRemoveNodes()) {
    const auto text = view(name);
    std::int64_t id = 0;
    std::from_chars(text.data(), text.data() + text.size(), id);
    const auto found = std::find_if(s.nodes().begin(), s.nodes().end(), [&](const auto& n) { return n.second.name == text || n.first == id; });
    if (found == s.nodes().end() || found->second.gone())
      return failure{ec::node_not_found, "no node " + std::string{text} + " can be removed; muster nodes lists them"};
    c.removed.insert(found->first);
  }
  return c;
}

std::vector<const collection_view*> collections_of(const situation& s, schema::WhatIfRequest::Reader request) {
  std::vector<const collection_view*> all;
  if (request.getCollection().size() > 0) {
    if (const auto* c = find_loaded(s, view(request.getCollection())); c != nullptr && c->head)
      all.push_back(c);
    return all;
  }
  for (const auto& [id, c] : s.collections())
    if (c.desired && c.head && c.head->readable() != 0)
      all.push_back(&c);
  std::stable_sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return a->head->current_rows > b->head->current_rows; });
  std::size_t items = 0;
  std::size_t most = 0;
  while (most < all.size() && most < limits::what_if_collections && items < limits::what_if_items)
    items += all[most++]->target_count();
  all.resize(most);
  return all;
}

/// All replicas in one cluster, so that a move of one counts for the others.
class merged {
public:
  merged(const situation& s, const change& c, const balance_settings& settings) : s_(s), change_(c), settings_(settings) {
    // nop
  }

  void add(const collection_view& view, const replica_row& replica) {
    const auto one = balance_view_of(s_, view, replica, settings_);
    std::vector<std::uint32_t> to;
    for (const auto& n : one.nodes)
      to.push_back(index_of(n));
    auto& g = cluster.groups.emplace_back(one.groups.front());
    for (auto& x : g.segments)
      x.node = to[x.node];
    for (auto& x : g.channels)
      x.node = to[x.node];
    for (auto& [node, rows] : g.other_rows)
      node = to[node];
    std::vector<std::uint32_t> writers;
    for (auto w : g.writers)
      if (!change_.removed.contains(one.nodes[w].id))
        writers.push_back(to[w]);
    views_.emplace_back(&view, &replica);
    g.writers = std::move(writers);
  }

  /// After all replicas: the nodes that are added, in every replica.
  void complete() {
    double memory = 0;
    std::size_t known = 0;
    for (const auto& n : cluster.nodes)
      if (n.memory_mb > 0) {
        memory += n.memory_mb;
        ++known;
      }
    std::vector<std::uint32_t> fresh;
    for (std::size_t i = 0; i < change_.added; ++i) {
      balance_node n;
      n.id = -static_cast<std::int64_t>(i) - 1;
      n.memory_mb = known == 0 ? 0 : memory / static_cast<double>(known);
      fresh.push_back(static_cast<std::uint32_t>(cluster.nodes.size()));
      cluster.nodes.push_back(n);
    }
    for (std::size_t i = 0; i < cluster.groups.size(); ++i) {
      auto& g = cluster.groups[i];
      g.writers.insert(g.writers.end(), fresh.begin(), fresh.end());
      std::sort(g.writers.begin(), g.writers.end());
      g.exclusive.clear();
      if (settings_.policy == balance_policy::channel_level_score)
        g.exclusive = exclusive_nodes(g.writers, views_[i].first->head->channels.size(), settings_.channel_exclusive_node_factor);
    }
  }

  const collection_view& view_of(std::uint32_t group) const {
    return *views_[group].first;
  }

  std::string name_of(std::uint32_t node) const {
    const auto id = cluster.nodes[node].id;
    if (id < 0)
      return "new " + std::to_string(-id);
    const auto* row = s_.node(id);
    return row == nullptr ? std::to_string(id) : row->name;
  }

  balance_cluster cluster;

private:
  std::uint32_t index_of(const balance_node& n) {
    const auto [i, fresh] = index_.try_emplace(n.id, static_cast<std::uint32_t>(cluster.nodes.size()));
    if (fresh) {
      cluster.nodes.push_back(n);
      if (change_.removed.contains(n.id))
        cluster.nodes.back().usable = false;
    }
    return i->second;
  }

  const situation& s_;
  const change& change_;
  const balance_settings& settings_;
  std::map<std::int64_t, std::uint32_t> index_;
  std::vector<std::pair<const collection_view*, const replica_row*>> views_;
};

struct holding {
  std::int64_t rows = 0;
  std::int64_t segments = 0;
  std::int64_t channels = 0;
};

std::vector<holding> holdings_of(const balance_cluster& c) {
  std::vector<holding> all(c.nodes.size());
  for (const auto& g : c.groups) {
    for (const auto& x : g.segments) {
      all[x.node].rows += x.rows;
      ++all[x.node].segments;
    }
    for (const auto& x : g.channels)
      ++all[x.node].channels;
  }
  return all;
}

} // namespace

void write_what_if(const situation& s, const setting_table& settings, schema::WhatIfRequest::Reader request, schema::WhatIfReply::Builder out) {
  const auto change = read_change(s, settings, request);
  if (!change)
    return set_status(out.initStatus(), change.error());
  const auto collections = collections_of(s, request);
  if (collections.empty() && request.getCollection().size() > 0)
    return set_status(out.initStatus(), ec::collection_not_loaded,
                      "collection " + std::string{view(request.getCollection())} + " is not loaded; load it first");
  const auto by = balance_settings_of(change->settings.values());
  merged all{s, *change, by};
  for (const auto* c : collections)
    for (const auto& r : c->desired->replicas)
      all.add(*c, r);
  all.complete();
  auto& cluster = all.cluster;
  const auto before = potential_of(cluster, by);
  const auto held = holdings_of(cluster);
  std::vector<planned_move> moves;
  std::int64_t rows = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto plan = plan_balance(cluster, by);
    if (plan.empty())
      break;
    for (const auto& m : plan) {
      const auto& g = cluster.groups[m.group];
      moves.push_back({m, m.channel ? 0 : g.segments[m.item].rows});
      rows += moves.back().rows;
      apply(cluster, m);
    }
  }
  const auto after = potential_of(cluster, by);
  const auto holds = holdings_of(cluster);
  out.setBefore(before.segments);
  out.setAfter(after.segments);
  out.setTotal(static_cast<std::uint32_t>(moves.size()));
  out.setRows(rows);
  out.setUnplaced(static_cast<std::uint32_t>(after.segments_misplaced + after.channels_misplaced));
  out.setCollections(static_cast<std::uint32_t>(collections.size()));
  const auto named = std::min<std::size_t>(moves.size(), request.getMoves() == 0 ? 100 : std::min<std::size_t>(request.getMoves(), limits::what_if_moves));
  auto list = out.initMoves(static_cast<unsigned>(named));
  for (unsigned i = 0; i < named; ++i) {
    const auto& m = moves[i].move;
    const auto& g = cluster.groups[m.group];
    const auto& c = all.view_of(m.group);
    list[i].setCollection(c.desired->name);
    list[i].setReplica(g.replica);
    if (m.channel)
      list[i].setChannel(c.head->channels[g.channels[m.item].channel]);
    else
      list[i].setSegment(g.segments[m.item].id);
    list[i].setSource(all.name_of(m.from));
    list[i].setNode(all.name_of(m.to));
    list[i].setRows(moves[i].rows);
    list[i].setGain(m.why.gain);
  }
  auto nodes = out.initNodes(static_cast<unsigned>(cluster.nodes.size()));
  for (std::uint32_t i = 0; i < cluster.nodes.size(); ++i) {
    nodes[i].setNode(all.name_of(i));
    nodes[i].setRowsBefore(held[i].rows);
    nodes[i].setRowsAfter(holds[i].rows);
    nodes[i].setSegmentsBefore(held[i].segments);
    nodes[i].setSegmentsAfter(holds[i].segments);
    nodes[i].setChannelsBefore(held[i].channels);
    nodes[i].setChannelsAfter(holds[i].channels);
  }
}

} // namespace muster
