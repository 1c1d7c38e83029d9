// Commits that add to what is loaded, the count of starts that a load has lived through, and what operators switched.
#include "actors/core/metadata_tables.hpp"

#include "actors/core/plant.hpp"

#include <algorithm>
#include <utility>

namespace muster {

// -- more of a loaded collection -------------------------------------------------

void metadata_tables::add_to_next(entry& e, std::int64_t version, target_row segment, change_set& changes) {
  auto& head = *e.head;
  segment.from = version;
  segment.to = 0;
  auto* there = e.segments.find(segment);
  if (there != nullptr && there->to == 0)
    return;
  if (there != nullptr) {
    // Wanted again before it was gone: what it was until now goes on. One dropped a generation ago starts anew.
    if (e.dropping.erase(segment.segment) > 0)
      segment.from = there->from;
    e.dropped.erase(segment.segment);
  }
  ++head.next_segments;
  head.next_rows += segment.rows;
  head.indexes |= segment.indexes;
  e.segments.put(segment);
  changes.touch(head.collection, segment.segment);
}

/// Partitions that are not desired yet come into next; what is loaded stays readable, and its status LOADED.
commit_outcome metadata_tables::load_more(entry& e, const collection_row& wanted, schema::CommitLoad::Reader commit) {
  auto& row = *e.desired;
  auto& head = *e.head;
  std::vector<std::int64_t> lacking;
  for (auto p : wanted.partitions)
    if (!row.wants_partition(p))
      lacking.push_back(p);
  const bool becomes_whole = wanted.whole_collection && !row.whole_collection;
  const bool becomes_specified = wanted.user_specified_replicas && !row.user_specified_replicas;
  commit_outcome out;
  out.value = head.readable();
  if (lacking.empty() && !becomes_whole && !becomes_specified)
    return out;
  row.whole_collection = row.whole_collection || wanted.whole_collection;
  row.user_specified_replicas = row.user_specified_replicas || wanted.user_specified_replicas;
  row.trace_id = wanted.trace_id;
  if (!lacking.empty()) {
    const auto version = take_ids(out, 1);
    if (head.next == 0) {
      head.next_segments = head.current_segments;
      head.next_rows = head.current_rows;
      head.next_channels = head.current_channels;
    }
    for (auto s : commit.getSegments())
      if (auto t = muster::read(s); std::find(lacking.begin(), lacking.end(), t.partition) != lacking.end())
        add_to_next(e, version, std::move(t), out.changes);
    head.next = version;
    for (auto p : lacking) {
      row.partitions.push_back(p);
      row.loading_partitions.push_back(p);
      if (std::find(head.partitions.begin(), head.partitions.end(), p) == head.partitions.end())
        head.partitions.push_back(p);
    }
    put_head(out, head);
    put_segments(out, row.id, e.segments);
    out.value = version;
  }
  ++row.revision;
  put_collection(out, row);
  out.changes.touch(row.id);
  return out;
}

// -- starts ------------------------------------------------------------------------

void metadata_tables::recount(commit_outcome& out, std::uint32_t limit) {
  std::vector<std::int64_t> loading;
  for (const auto& [id, e] : collections_)
    if (e.desired->status != schema::LoadStatus::LOADED || !e.desired->loading_partitions.empty())
      loading.push_back(id);
  for (auto id : loading) {
    auto& row = *collections_.at(id).desired;
    if (row.recover_times < limit) {
      ++row.recover_times;
      put_collection(out, row);
      continue;
    }
    commit_outcome gone;
    if (row.status == schema::LoadStatus::LOADED) {
      const auto leaving = row.loading_partitions;
      const auto order = build<schema::CommitReleasePartitions>([&](schema::CommitReleasePartitions::Builder b) {
        b.setCollection(id);
        auto list = b.initPartitions(static_cast<unsigned>(leaving.size()));
        for (unsigned i = 0; i < leaving.size(); ++i)
          list.set(i, leaving[i]);
      });
      gone = release_partitions(order.read());
    } else {
      gone = release(id);
      if (plant::active == plant::bug::undo_forgets_replica)
        std::erase_if(gone.rows, [](const journal_change& c) { return c.kind == record_kind::collection; });
    }
    std::move(gone.rows.begin(), gone.rows.end(), std::back_inserter(out.rows));
  }
}

// -- switches ----------------------------------------------------------------------

commit_outcome metadata_tables::change_switch(schema::CommitSwitch::Reader commit) {
  commit_outcome out;
  const auto put = [&](record_kind kind, capnp::Text::Reader key, std::optional<std::string> payload) {
    out.rows.push_back({kind, std::string{view(key)}, std::move(payload)});
  };
  switch (commit.which()) {
    case schema::CommitSwitch::CHECKER_OFF:
      if (switches_.inactive_checkers.insert(std::string{view(commit.getCheckerOff())}).second)
        put(record_kind::checker, commit.getCheckerOff(), "off");
      break;
    case schema::CommitSwitch::CHECKER_ON:
      if (switches_.inactive_checkers.erase(std::string{view(commit.getCheckerOn())}) > 0)
        put(record_kind::checker, commit.getCheckerOn(), std::nullopt);
      break;
    case schema::CommitSwitch::SETTING: {
      const auto key = commit.getSetting().getKey();
      const std::string value{view(commit.getSetting().getValue())};
      auto [i, fresh] = switches_.settings.try_emplace(std::string{view(key)}, value);
      if (fresh || std::exchange(i->second, value) != value)
        put(record_kind::setting, key, value);
      break;
    }
    case schema::CommitSwitch::RESET_SETTING:
      if (switches_.settings.erase(std::string{view(commit.getResetSetting())}) > 0)
        put(record_kind::setting, commit.getResetSetting(), std::nullopt);
      break;
    case schema::CommitSwitch::SUSPEND_NODE:
    case schema::CommitSwitch::RESUME_NODE: {
      const bool suspend = commit.isSuspendNode();
      const auto id = suspend ? commit.getSuspendNode() : commit.getResumeNode();
      if (!nodes_.contains(id)) {
        out.why = {ec::node_not_found, "node " + std::to_string(id) + " is not in the cluster; list-query-node shows those that are"};
        return out;
      }
      if (suspend ? switches_.suspended_nodes.insert(id).second : switches_.suspended_nodes.erase(id) > 0)
        out.rows.push_back({record_kind::suspended_node, std::to_string(id), suspend ? std::optional<std::string>{"suspended"} : std::nullopt});
      break;
    }
    case schema::CommitSwitch::INVALID:
      out.why = {ec::parameter_invalid, "a switch of no kind that this version knows"};
      return out;
  }
  if (!out.rows.empty())
    out.changes.put({schema::ChunkKind::SWITCHES, 0, 0}, chunk_of(switches_));
  return out;
}

} // namespace muster
