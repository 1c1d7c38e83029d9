// JSON by Cap'n Proto's library, of whatever an actor hears or the journal keeps.
#include "actors/core/message_json.hpp"

#include "actors/core/collection_view.hpp"
#include "actors/core/json.hpp"

#include <capnp/compat/json.h>
#include <capnp/serialize.h>

#include <cstring>

namespace muster {

std::string json_of(capnp::DynamicStruct::Reader message) {
  capnp::JsonCodec codec;
  const auto text = codec.encode(message);
  return {text.cStr(), text.size()};
}

std::string json_of(capnp::StructSchema schema, std::string_view frame) {
  if (frame.size() < 16)
    return "{}";
  // One table word, then the words of the only segment; every frame of a msg lies on a word.
  const auto* words = reinterpret_cast<const capnp::word*>(frame.data()) + 1;
  capnp::ReaderOptions options;
  options.traversalLimitInWords = frame.size(); // each word once, and what is read twice
  const kj::ArrayPtr<const capnp::word> segments[] = {kj::arrayPtr(words, frame.size() / 8 - 1)};
  capnp::SegmentArrayMessageReader reader{kj::arrayPtr(segments, 1), options};
  return json_of(reader.getRoot<capnp::DynamicStruct>(schema));
}

namespace {

json view_of(std::int64_t id, const collection_view* v) {
  json::object o{{"collection", json::text_of(id)}};
  if (v == nullptr) {
    o.emplace_back("gone", json{true});
    return json{std::move(o)};
  }
  if (v->desired)
    o.emplace_back("name", json{v->desired->name});
  if (v->head) {
    o.emplace_back("current", json::text_of(v->head->current));
    o.emplace_back("next", json::text_of(v->head->next));
  }
  o.emplace_back("target_segments", json::small(static_cast<std::int64_t>(v->target_count())));
  o.emplace_back("routes", json::small(static_cast<std::int64_t>(v->view_count())));
  o.emplace_back("delegators", json::small(static_cast<std::int64_t>(v->delegators.size())));
  o.emplace_back("tasks", json::small(static_cast<std::int64_t>(v->tasks.size())));
  return json{std::move(o)};
}

} // namespace

std::string json_of(const publication& p) {
  std::string out = "{\"header\":" + json_of(capnp::toDynamic(p.header.read())) + ",\"chunks\":[";
  bool first = true;
  for (const auto& c : p.chunks) {
    out += std::exchange(first, false) ? "" : ",";
    out += json_of(capnp::toDynamic(c.read()));
  }
  json::array views;
  for (const auto& [id, view] : p.views)
    views.push_back(view_of(id, view.get()));
  json::array touched;
  if (p.touched)
    for (const auto& [id, ids] : *p.touched)
      touched.push_back(json{json::object{{"collection", json::text_of(id)},
                                          {"whole", json{ids.whole}},
                                          {"segments", json::small(static_cast<std::int64_t>(ids.segments.size()))}}});
  return out + "],\"views\":" + json{std::move(views)}.text() + ",\"touched\":" + json{std::move(touched)}.text() + "}";
}

std::string json_of(record_kind kind, std::string_view payload) {
  switch (kind) {
    case record_kind::node:
      if (auto record = parse<schema::NodeRecord>(payload))
        return json_of(capnp::toDynamic(record->read()));
      break;
    case record_kind::collection:
    case record_kind::target_head:
    case record_kind::target_segments:
    case record_kind::resource_group:
      if (auto chunk = parse<schema::Chunk>(payload))
        return json_of(capnp::toDynamic(chunk->read()));
      break;
    case record_kind::epoch:
    case record_kind::allocator:
      if (auto number = parse<schema::Ack>(payload))
        return "\"" + std::to_string(number->read().getNumber()) + "\"";
      break;
    case record_kind::setting:
    case record_kind::checker:
    case record_kind::suspended_node:
      return json{std::string{payload}}.text();
  }
  return json{json::object{{"unreadable", json{std::to_string(payload.size()) + " bytes"}}}}.text();
}

} // namespace muster
