// A small world for tests of the cores: truths from short calls, published to a situation as the scheduler would do it.
#pragma once

#include "actors/core/situation.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace muster {

/// The truths, as plain rows that a test may also edit by hand, and the situation that `whole` or `publish` made of them.
/// Replicas of a collection get the ids 101, 102, ...; a node is usable unless said otherwise.
class world {
public:
  struct truth {
    std::optional<collection_row> desired;
    std::optional<head_row> head;
    std::map<std::int64_t, target_row> target;
    std::vector<delegator_row> delegators;
    std::set<copy_row> copies;
    std::set<view_row> views;
    std::vector<task_row> tasks;
  };

  std::map<std::int64_t, node_row> nodes;
  std::map<std::int64_t, truth> collections;
  std::map<std::string, group_row> groups; ///< Besides the default group, which has all nodes that are in no other.
  std::uint64_t groups_revision = 1;
  situation view;

  /// A resource group with these members.
  world& group(const std::string& name, const std::vector<std::int64_t>& members, std::int64_t requests = 0,
               std::int64_t limits = 0) {
    auto& g = groups[name];
    g.id = static_cast<std::int64_t>(groups.size());
    g.name = name;
    g.config.requests = requests;
    g.config.limits = limits;
    g.nodes = members;
    return *this;
  }

  world& usable(const std::vector<std::int64_t>& ids) {
    for (auto id : ids) {
      node_row n;
      n.id = id;
      n.name = "n" + std::to_string(id);
      n.address = "host" + std::to_string(id) + ":1";
      n.liveness = schema::NodeLiveness::CONNECTED;
      n.incarnation = 1;
      n.report_seq = 1;
      n.known = true;
      nodes[id] = n;
    }
    return *this;
  }

  /// A loaded collection with one replica per list of nodes, channels "a", "b", ... and current target 5.
  truth& loaded(std::int64_t id, const std::vector<std::vector<std::int64_t>>& replicas, int channels = 1) {
    auto& c = collections[id];
    collection_row row;
    row.id = id;
    row.name = "c" + std::to_string(id);
    row.status = schema::LoadStatus::LOADED;
    row.replica_number = static_cast<std::uint32_t>(replicas.size());
    row.metric = "l2";
    row.dimension = 4;
    row.revision = 1;
    for (const auto& list : replicas) {
      replica_row r;
      r.id = 101 + static_cast<std::int64_t>(row.replicas.size());
      r.nodes = list;
      row.replicas.push_back(r);
    }
    c.desired = row;
    head_row head;
    head.collection = id;
    head.current = 5;
    head.folder = "f" + std::to_string(id);
    for (int i = 0; i < channels; ++i)
      head.channels.push_back(std::string(1, static_cast<char>('a' + i)));
    c.head = head;
    return c;
  }

  world& segment(std::int64_t collection, std::int64_t id, std::int64_t rows = 100, std::uint16_t channel = 0,
                 std::int64_t from = 5, std::int64_t to = 0) {
    collections[collection].target[id] = target_row{id, 1, from, to, rows, rows * 8, channel};
    return *this;
  }

  world& copy(std::int64_t collection, std::int64_t segment, std::int64_t node, std::int64_t version = 1) {
    auto& c = collections[collection];
    auto t = c.target.find(segment);
    const auto rows = t == c.target.end() ? 100 : t->second.rows;
    uncopy(collection, segment, node);
    c.copies.insert(copy_row{segment, node, version, rows, rows * 8, 1});
    return *this;
  }

  world& uncopy(std::int64_t collection, std::int64_t segment, std::int64_t node) {
    collections[collection].copies.erase(copy_row{segment, node, 0, 0, 0, 0});
    return *this;
  }

  /// `leader` routes the segment to `worker`; 0: no longer.
  world& route(std::int64_t collection, std::int64_t segment, std::int64_t leader, std::int64_t worker) {
    auto& views = collections[collection].views;
    views.erase(view_row{segment, leader, 0});
    if (worker != 0)
      views.insert(view_row{segment, leader, worker});
    return *this;
  }

  world& lead(std::int64_t collection, const std::string& channel, std::int64_t node, std::int64_t replica = 101,
              std::int64_t served = 5, std::int64_t version = 1, bool serviceable = true) {
    unlead(collection, channel, node);
    collections[collection].delegators.push_back({channel, node, replica, version, served, serviceable});
    return *this;
  }

  world& unlead(std::int64_t collection, const std::string& channel, std::int64_t node) {
    std::erase_if(collections[collection].delegators,
                  [&](const delegator_row& d) { return d.channel == channel && d.node == node; });
    return *this;
  }

  /// What `lead`, `copy` and `route` would say of a collection that is whole: leaders and segments go round the nodes.
  world& settle(std::int64_t collection) {
    auto& c = collections[collection];
    for (const auto& r : c.desired->replicas) {
      std::vector<std::int64_t> leaders;
      for (std::size_t i = 0; i < c.head->channels.size(); ++i) {
        leaders.push_back(r.nodes.at(i % r.nodes.size()));
        lead(collection, c.head->channels[i], leaders.back(), r.id, c.head->current);
      }
      std::size_t i = 0;
      for (const auto& [id, t] : c.target) {
        if (!t.in(c.head->readable()))
          continue;
        const auto worker = r.nodes.at(i++ % r.nodes.size());
        copy(collection, id, worker);
        route(collection, id, leaders.at(t.channel), worker);
      }
    }
    return *this;
  }

  world& gone(std::int64_t node) {
    nodes.at(node).liveness = schema::NodeLiveness::GONE;
    nodes.at(node).known = false;
    for (auto& [id, c] : collections) {
      std::erase_if(c.copies, [&](const copy_row& x) { return x.node == node; });
      std::erase_if(c.views, [&](const view_row& x) { return x.leader == node; });
      std::erase_if(c.delegators, [&](const delegator_row& x) { return x.node == node; });
    }
    return *this;
  }

  world& unknown(std::int64_t node) {
    nodes.at(node).known = false;
    return *this;
  }

  world& suspect(std::int64_t node) {
    nodes.at(node).liveness = schema::NodeLiveness::SUSPECT;
    nodes.at(node).known = false;
    return *this;
  }

  /// Publishes all truths with every collection wholly touched.
  touched_map whole() {
    touched_map t;
    for (const auto& [id, c] : collections)
      t[id].whole = true;
    return publish(t);
  }

  /// All truths as a publication, with every collection wholly touched; the own situation is not changed.
  publication publication_of_all() {
    touched_map t;
    for (const auto& [id, c] : collections)
      t[id].whole = true;
    return changes(t).take(view.number() + ++sent_, 1, 0);
  }

  /// Publishes all truths, naming this as touched, with what `extra` holds (tasks and deltas of a task_table).
  touched_map publish(const touched_map& touched, change_set extra = {}) {
    auto set = changes(touched);
    if (!extra.empty())
      set.merge(extra.take(0, 0, 0));
    return view.apply(set.take(view.number() + 1, 1, 0));
  }

  /// The same as a message for an actor, with what `extra` holds.
  publication publication_of(const touched_map& touched, change_set extra = {}) {
    auto set = changes(touched);
    if (!extra.empty())
      set.merge(extra.take(0, 0, 0));
    auto p = set.take(view.number() + 1, 1, 0);
    view.apply(p);
    return p;
  }

  /// The same for everything.
  publication whole_publication() {
    touched_map t;
    for (const auto& [id, c] : collections)
      t[id].whole = true;
    return publication_of(t);
  }

  /// Only these segments of a collection changed.
  touched_map publish_segments(std::int64_t collection, const std::set<std::int64_t>& segments) {
    touched_map t;
    t[collection].segments = segments;
    return publish(t);
  }

  /// Only the shards of a collection changed.
  touched_map publish_shards(std::int64_t collection) {
    touched_map t;
    t[collection];
    return publish(t);
  }

private:
  change_set changes(const touched_map& touched) {
    using schema::ChunkKind;
    change_set set;
    std::set<chunk_key> now;
    const auto put = [&](chunk_key key, msg<schema::Chunk> chunk) {
      now.insert(key);
      set.put(key, std::move(chunk));
    };
    std::vector<node_row> rows;
    for (const auto& [id, n] : nodes)
      rows.push_back(n);
    put({ChunkKind::NODES, 0, 0}, chunk_of(rows));
    group_row rest{std::string{default_group}, {0, default_group_limits, {}, {}, {}}, {}, 0, groups_revision};
    for (const auto& [id, n] : nodes)
      if (std::none_of(groups.begin(), groups.end(), [&](const auto& g) {
            return std::find(g.second.nodes.begin(), g.second.nodes.end(), id) != g.second.nodes.end();
          }))
        rest.nodes.push_back(id);
    put({ChunkKind::RESOURCE_GROUP, 0, 0}, chunk_of(rest));
    for (const auto& [name, g] : groups)
      put({ChunkKind::RESOURCE_GROUP, 0, g.id}, chunk_of(g));
    for (const auto& [id, c] : collections) {
      if (c.desired)
        put({ChunkKind::COLLECTION, id, 0}, chunk_of(*c.desired));
      if (c.head)
        put({ChunkKind::TARGET_HEAD, id, 0}, chunk_of(*c.head));
      if (!c.target.empty()) {
        std::vector<target_row> all;
        for (const auto& [s, t] : c.target)
          all.push_back(t);
        put({ChunkKind::TARGET_SEGMENTS, id, 0}, chunk_of(id, all));
      }
      if (!c.delegators.empty())
        put({ChunkKind::DELEGATORS, id, 0}, chunk_of(id, c.delegators));
      if (!c.copies.empty())
        put({ChunkKind::COPIES, id, 0}, chunk_of(id, std::vector<copy_row>(c.copies.begin(), c.copies.end())));
      if (!c.views.empty())
        put({ChunkKind::VIEWS, id, 0}, chunk_of(id, std::vector<view_row>(c.views.begin(), c.views.end())));
      if (!c.tasks.empty())
        put({ChunkKind::TASKS, id, 0}, chunk_of(id, c.tasks));
    }
    for (const auto& key : published_)
      if (!now.contains(key)) {
        set.remove(key);
        if (key.collection != 0)
          set.touch(key.collection);
      }
    published_ = std::move(now);
    for (const auto& [id, ids] : touched) {
      set.touch(id);
      if (ids.whole)
        set.touch_whole(id);
      for (auto s : ids.segments)
        set.touch(id, s);
    }
    for (const auto& [id, n] : nodes)
      set.touch_node(id);
    return set;
  }

  std::uint64_t sent_ = 0;
  std::set<chunk_key> published_;
};

/// A row of a task in flight, for rules that look at them.
inline task_row a_task(schema::TaskKind kind, std::int64_t replica, std::int64_t segment, const std::string& channel = "a") {
  task_row t;
  t.id = 900 + segment;
  t.kind = kind;
  t.replica = replica;
  t.segment = segment;
  t.channel = channel;
  return t;
}

} // namespace muster
