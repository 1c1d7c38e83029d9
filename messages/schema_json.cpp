// JSON by Cap'n Proto's library, arms by reflection.
#include "messages/schema_json.hpp"

#include "messages/status.hpp"

#include <capnp/compat/json.h>
#include <kj/exception.h>

#include <algorithm>
#include <cctype>
#include <numeric>

namespace muster {

namespace {

/// Depth of JSON that is read; deeper: parameter_invalid.
constexpr std::size_t json_nesting = 32;

/// How many letters have to change to make one word of the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto above = row[j];
      const std::size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + change});
      diagonal = above;
    }
  }
  return row[b.size()];
}

/// The message of a failed requirement in the JSON codec without the C++ in it.
std::string what_is_wrong(const kj::Exception& e) {
  std::string text = e.getDescription().cStr();
  if (auto line = text.find('\n'); line != std::string::npos)
    text.resize(line);
  const std::string field = "field.getName() = ";
  if (text.starts_with("expected "))
    if (const auto end = text.find("; "); end != std::string::npos)
      text.erase(0, end + 2);
  if (const auto at = text.find(field); at != std::string::npos)
    text.erase(at, field.size());
  return text;
}

bool has_method(std::string_view name) {
  const auto& all = method_names();
  return std::find(all.begin(), all.end(), name) != all.end();
}

} // namespace

const std::vector<std::string>& method_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> found;
    for (auto field : capnp::Schema::from<schema::ClientRequest>().getUnionFields())
      if (field.getType().isStruct())
        found.emplace_back(field.getProto().getName().cStr());
    return found;
  }();
  return names;
}

std::string find_method(std::string_view name) {
  std::string lower{name};
  if (!lower.empty())
    lower[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(lower[0])));
  return has_method(lower) ? lower : std::string{};
}

failure no_such_method(std::string_view name) {
  constexpr std::size_t longest = 64; // beyond it nothing is near, and nothing of it is repeated
  const auto word = name.substr(0, longest);
  auto names = method_names();
  std::stable_sort(names.begin(), names.end(),
                   [&](auto& a, auto& b) { return edit_distance(a, word) < edit_distance(b, word); });
  return {ec::parameter_invalid, "the coordinator has no method \"" + std::string{word} + "\"; the nearest are " + names[0] + ", "
                                   + names[1] + " and " + names[2]};
}

result<unit> read_json(std::string_view text, capnp::DynamicStruct::Builder to, const std::string& what) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    text = "{}";
  KJ_IF_MAYBE (e, kj::runCatchingExceptions([&] {
                 capnp::JsonCodec codec;
                 codec.setRejectUnknownFields(true);
                 codec.setMaxNestingDepth(json_nesting);
                 codec.decode(kj::arrayPtr(text.data(), text.size()), to);
               }))
    return failure{ec::parameter_invalid, what + " are no fitting JSON: " + what_is_wrong(*e)};
  return unit{};
}

std::string write_json(capnp::DynamicStruct::Reader from, bool pretty) {
  capnp::JsonCodec codec;
  codec.setPrettyPrint(pretty);
  const auto text = codec.encode(from);
  return {text.begin(), text.size()};
}

result<msg<schema::ClientRequest>> read_request(const std::string& method, std::string_view json) {
  if (!has_method(method))
    return no_such_method(method);
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<schema::ClientRequest>();
  auto arm = capnp::toDynamic(root).init(method).as<capnp::DynamicStruct>();
  if (auto read = read_json(json, arm, "the parameters of " + method); !read)
    return failure{read.error().code, read.error().text + "; see messages/schema/client.capnp"};
  return copy<schema::ClientRequest>(root.asReader());
}

result<capnp::DynamicStruct::Reader> read_reply(const std::string& method, schema::ClientReply::Reader reply) {
  // Refused before its handler: the status is that of the whole.
  if (reply.getStatus().getCode() != 0)
    return to_failure(reply.getStatus());
  capnp::DynamicStruct::Reader dynamic = capnp::toDynamic(reply);
  const auto field = dynamic.getSchema().getFieldByName(method);
  KJ_IF_MAYBE (set, dynamic.which())
    if (*set == field) {
      auto arm = dynamic.get(field).as<capnp::DynamicStruct>();
      if (auto why = to_failure(arm.get("status").as<schema::Status>()); why.code != ec::ok)
        return why;
      return arm;
    }
  return failure{ec::internal, "the answer to " + method + " was another's"};
}

} // namespace muster
