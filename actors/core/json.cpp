// JSON by Cap'n Proto's library.
#include "actors/core/json.hpp"

#include <capnp/compat/json.h>
#include <capnp/message.h>
#include <kj/exception.h>

namespace muster {

namespace {

capnp::Text::Reader reader(const std::string& text) {
  return {text.c_str(), text.size()};
}

void write(capnp::JsonValue::Builder out, const json& from) {
  const auto& value = from.value();
  if (const auto* b = std::get_if<bool>(&value)) {
    out.setBoolean(*b);
  } else if (const auto* n = std::get_if<double>(&value)) {
    out.setNumber(*n);
  } else if (const auto* s = std::get_if<std::string>(&value)) {
    out.setString(reader(*s));
  } else if (const auto* a = std::get_if<json::array>(&value)) {
    auto list = out.initArray(static_cast<unsigned>(a->size()));
    for (unsigned i = 0; i < a->size(); ++i)
      write(list[i], (*a)[i]);
  } else if (const auto* o = std::get_if<json::object>(&value)) {
    auto list = out.initObject(static_cast<unsigned>(o->size()));
    for (unsigned i = 0; i < o->size(); ++i) {
      list[i].setName(reader((*o)[i].first));
      write(list[i].initValue(), (*o)[i].second);
    }
  } else {
    out.setNull();
  }
}

json read(capnp::JsonValue::Reader from) {
  switch (from.which()) {
    case capnp::JsonValue::BOOLEAN:
      return json{from.getBoolean()};
    case capnp::JsonValue::NUMBER:
      return json{from.getNumber()};
    case capnp::JsonValue::STRING:
      return json{std::string{from.getString().begin(), from.getString().size()}};
    case capnp::JsonValue::ARRAY: {
      json::array out;
      for (auto item : from.getArray())
        out.push_back(read(item));
      return json{std::move(out)};
    }
    case capnp::JsonValue::OBJECT: {
      json::object out;
      for (auto member : from.getObject())
        out.emplace_back(std::string{member.getName().begin(), member.getName().size()}, read(member.getValue()));
      return json{std::move(out)};
    }
    default:
      return {};
  }
}

} // namespace

std::string json::text() const {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<capnp::JsonValue>();
  write(root, *this);
  const auto text = capnp::JsonCodec{}.encodeRaw(root.asReader());
  return {text.begin(), text.size()};
}

result<json> json::read_object(std::string_view text) {
  json found;
  auto wrong = kj::runCatchingExceptions([&] {
    capnp::MallocMessageBuilder message;
    auto root = message.initRoot<capnp::JsonValue>();
    capnp::JsonCodec codec;
    codec.setMaxNestingDepth(32);
    codec.decodeRaw(kj::arrayPtr(text.data(), text.size()), root);
    found = read(root.asReader());
  });
  KJ_IF_MAYBE (why, wrong)
    return failure{ec::parameter_invalid,
                   "the request is no JSON: " + std::string{why->getDescription().cStr()} + "; give an object, {\"key\":value}"};
  if (found.as_object() == nullptr)
    return failure{ec::parameter_invalid, "the request is JSON but no object; give {\"key\":value}"};
  return found;
}

const json* json::find(std::string_view name) const {
  if (const auto* o = as_object())
    for (const auto& [key, value] : *o)
      if (key == name)
        return &value;
  return nullptr;
}

} // namespace muster
