// Guards the OpenAPI description: it names every method and path, and each reference leads somewhere.
#include "actors/core/http_routes.hpp"
#include "actors/core/json.hpp"
#include "actors/core/openapi.hpp"
#include "messages/schema_json.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <functional>
#include <set>

namespace muster {
namespace {

json description() {
  auto read = json::read_object(openapi_json("1.2.3"));
  EXPECT_TRUE(read) << (read ? "" : read.error().text);
  return read ? *read : json{};
}

const json& at(const json& from, std::initializer_list<const char*> path) {
  static const json none;
  const auto* x = &from;
  for (const auto* name : path)
    if ((x = x->find(name)) == nullptr)
      return none;
  return *x;
}

TEST(openapi, every_method_and_every_path_is_described) {
  const auto d = description();
  EXPECT_EQ(*at(d, {"info", "version"}).as_text(), "1.2.3");
  for (auto name : method_names()) {
    name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
    const auto path = "/v1/" + name;
    EXPECT_NE(at(d, {"paths", path.c_str(), "post", "requestBody"}).as_object(), nullptr) << path;
  }
  for (const auto& r : http_routes()) {
    const std::string path{r.path};
    EXPECT_NE(at(d, {"paths", path.c_str()}).as_object(), nullptr) << path;
    for (const auto* verb : {"get", "post"}) {
      std::string upper;
      for (const auto* c = verb; *c != 0; ++c)
        upper += static_cast<char>(std::toupper(static_cast<unsigned char>(*c)));
      EXPECT_EQ(at(d, {"paths", path.c_str(), verb}).as_object() != nullptr, r.verbs.find(upper) != std::string_view::npos) << path << verb;
    }
  }
}

TEST(openapi, each_reference_leads_to_a_component_and_each_component_is_referred_to) {
  const auto d = description();
  std::set<std::string> referred, there;
  std::function<void(const json&)> walk = [&](const json& x) {
    if (const auto* list = x.as_array())
      for (const auto& item : *list)
        walk(item);
    if (const auto* members = x.as_object())
      for (const auto& [key, value] : *members) {
        if (key == "$ref")
          referred.insert(*value.as_text());
        walk(value);
      }
  };
  walk(d);
  for (const auto& [name, schema] : *at(d, {"components", "schemas"}).as_object())
    there.insert("#/components/schemas/" + name);
  EXPECT_EQ(referred, there);
}

TEST(openapi, what_is_always_in_a_reply_is_required_and_nothing_is_in_a_request) {
  const auto d = description();
  const auto& reply = at(d, {"components", "schemas", "ShowLoadCollectionsReply", "required"});
  EXPECT_EQ(reply.as_array(), nullptr) << "lists and structs may be absent";
  const auto& loaded = at(d, {"components", "schemas", "LoadedCollection", "required"});
  ASSERT_NE(loaded.as_array(), nullptr);
  EXPECT_EQ(*loaded.as_array()->at(0).as_text(), "id");
  EXPECT_EQ(at(d, {"components", "schemas", "LoadCollectionRequest", "required"}).as_array(), nullptr);
  EXPECT_EQ(*at(d, {"components", "schemas", "LoadedCollection", "properties", "id", "type"}).as_text(), "string") << "64 bits";
  EXPECT_EQ(*at(d, {"components", "schemas", "LoadedCollection", "properties", "queryable", "type"}).as_text(), "boolean");
}

} // namespace
} // namespace muster
