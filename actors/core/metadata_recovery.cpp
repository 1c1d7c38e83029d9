// What a start finds in the journal: all that is whole, and what is set aside.
#include "actors/core/metadata_tables.hpp"

#include "actors/core/plant.hpp"

#include <algorithm>
#include <charconv>

namespace muster {

namespace {

std::optional<std::int64_t> parse_id(std::string_view text) {
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

} // namespace

std::vector<std::string> metadata_tables::restore(const std::vector<journal_entry>& entries) {
  std::vector<std::string> bad;
  auto complain = [&](const journal_entry& e, const std::string& why) {
    bad.push_back(std::string{to_string(e.kind)} + " " + e.key + ": " + why);
    if (const auto slash = e.key.find('/'); e.kind == record_kind::target_segments && slash != std::string::npos)
      if (const auto id = parse_id(std::string_view{e.key}.substr(0, slash)))
        set_aside_[*id].push_back(e.key);
  };
  for (const auto& e : entries) {
    if (plant::active == plant::bug::recovery_stops_at_bad_record && !bad.empty())
      break;
    switch (e.kind) {
      case record_kind::epoch:
      case record_kind::allocator: {
        auto m = parse<schema::Ack>(e.payload);
        if (!m) {
          complain(e, m.error().text);
          break;
        }
        if (e.kind == record_kind::epoch)
          epoch_ = std::max<std::uint64_t>(epoch_, m->read().getNumber());
        else
          next_id_ = std::max<std::int64_t>(next_id_, static_cast<std::int64_t>(m->read().getNumber()));
        break;
      }
      case record_kind::node: {
        auto m = parse<schema::NodeRecord>(e.payload);
        if (!m || m->read().getId() <= 0) {
          complain(e, m ? "no id" : m.error().text);
          break;
        }
        node_row row;
        row.id = m->read().getId();
        row.name = std::string{view(m->read().getName())};
        row.address = std::string{view(m->read().getAddress())};
        row.liveness = schema::NodeLiveness::UNKNOWN;
        if (m->read().getResourceGroup().size() > 0)
          group_of_node_[row.id] = std::string{view(m->read().getResourceGroup())};
        node_by_name_[row.name] = row.id;
        next_id_ = std::max(next_id_, row.id + 1);
        nodes_[row.id] = std::move(row);
        break;
      }
      case record_kind::collection:
      case record_kind::target_head:
      case record_kind::target_segments: {
        auto m = parse<schema::Chunk>(e.payload);
        if (!m) {
          complain(e, m.error().text);
          break;
        }
        auto chunk = m->read();
        if (e.kind == record_kind::collection && chunk.isCollection()) {
          auto row = muster::read(chunk.getCollection());
          collections_[row.id].desired = std::move(row);
        } else if (e.kind == record_kind::target_head && chunk.isTargetHead()) {
          auto row = muster::read(chunk.getTargetHead());
          collections_[row.collection].head = std::move(row);
        } else if (e.kind == record_kind::target_segments && chunk.isTargetSegments()) {
          auto slash = e.key.find('/');
          auto key = slash == std::string::npos ? std::nullopt : parse_id(std::string_view{e.key}.substr(slash + 1));
          if (!key) {
            complain(e, "a key that names no chunk");
            break;
          }
          collections_[chunk.getTargetSegments().getCollection()].segments.restore(*key, *m);
        } else {
          complain(e, "a payload of another kind");
        }
        break;
      }
      case record_kind::setting:
        switches_.settings[e.key] = e.payload;
        break;
      case record_kind::checker:
        switches_.inactive_checkers.insert(e.key);
        break;
      case record_kind::suspended_node:
        if (auto id = parse_id(e.key))
          switches_.suspended_nodes.insert(*id);
        else
          complain(e, "a key that names no node");
        break;
      case record_kind::resource_group:
        if (auto why = restore_group(e); why.code != ec::ok)
          complain(e, why.text);
        break;
      default:
        break;
    }
  }
  join_groups();
  // Should the allocator's record be the damaged one, no id that is in use may be given again.
  const auto used = [&](std::int64_t id) { next_id_ = std::max(next_id_, id + 1); };
  for (auto i = collections_.begin(); i != collections_.end();) {
    auto& e = i->second;
    used(i->first);
    if (e.desired)
      for (const auto& r : e.desired->replicas)
        used(r.id);
    if (e.head)
      used(std::max(e.head->current, e.head->next));
    std::uint32_t in_current = 0;
    std::uint32_t in_next = 0;
    std::int64_t last = 0;
    e.segments.each([&](const target_row& t) {
      last = t.segment;
      if (!e.head)
        return;
      in_current += t.in(e.head->current) ? 1 : 0;
      in_next += t.in(e.head->next) ? 1 : 0;
      if (t.to != 0)
        (t.to > e.head->current ? e.dropping : e.dropped).insert(t.segment);
    });
    used(last);
    if (auto why = incomplete(e, in_current, in_next); !why.empty()) {
      bad.push_back("collection " + std::to_string(i->first) + ": " + why + "; load it again");
      auto& keys = set_aside_[i->first];
      e.segments.each_key([&](std::int64_t key) { keys.push_back(std::to_string(i->first) + "/" + std::to_string(key)); });
      i = collections_.erase(i);
    } else {
      ++i;
    }
  }
  return bad;
}

/// What a recovered collection lacks; empty: nothing.
std::string metadata_tables::incomplete(const entry& e, std::uint32_t in_current, std::uint32_t in_next) {
  if (!e.desired || !e.head)
    return std::string{"its "} + (e.desired ? "target" : "collection record") + " is missing";
  const auto& head = *e.head;
  const auto wrong = [](std::int64_t version, std::uint32_t should, std::uint32_t found) {
    return "its target " + std::to_string(version) + " should have " + std::to_string(should) + " segments and has "
           + std::to_string(found);
  };
  if (head.current != 0 && in_current != head.current_segments)
    return wrong(head.current, head.current_segments, in_current);
  if (head.next != 0 && in_next != head.next_segments)
    return wrong(head.next, head.next_segments, in_next);
  return {};
}

/// What is left of a collection in the journal goes before new records of it come.
void metadata_tables::clear_set_aside(commit_outcome& out, std::int64_t collection) {
  const auto i = set_aside_.find(collection);
  if (i == set_aside_.end())
    return;
  out.rows.push_back({record_kind::collection, std::to_string(collection), std::nullopt});
  out.rows.push_back({record_kind::target_head, std::to_string(collection), std::nullopt});
  for (const auto& key : i->second)
    out.rows.push_back({record_kind::target_segments, key, std::nullopt});
  set_aside_.erase(i);
}

} // namespace muster
