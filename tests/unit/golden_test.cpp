// Golden files: bytes that a released version wrote are read to the same values for ever.
//
// tests/golden/<version>/<Type>.bin holds one frame per arm of the type, one behind the other; <Type>.txt what they say. With a
// release whose schemas grew, write a folder of its own (MUSTER_WRITE_GOLDEN=v2) and name it in `versions`; never write one again.
#include "messages/msg.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/node.capnp.h"
#include "messages/schema/state.capnp.h"
#include "tests/support/paths.hpp"

#include <capnp/dynamic.h>
#include <capnp/pretty-print.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace muster {
namespace {

const std::vector<std::string> versions{"v1"};

std::string folder_of(const std::string& version) {
  return std::string{MUSTER_SOURCE_DIR} + "/tests/golden/" + version + "/";
}

/// Gives every field a value of its own, so that no two can be exchanged unseen.
class filler {
public:
  explicit filler(unsigned arm) : arm_(arm) {
    // nop
  }

  void fill(capnp::DynamicStruct::Builder s) {
    for (auto f : s.getSchema().getNonUnionFields())
      set(s, f);
    auto arms = s.getSchema().getUnionFields();
    if (arms.size() == 0)
      return;
    const auto arm = first_ ? arm_ : 1u; // further in: the first that is valid
    first_ = false;
    set(s, arms[arm]);
  }

private:
  void set(capnp::DynamicStruct::Builder s, capnp::StructSchema::Field f) {
    const auto type = f.getType();
    if (f.getProto().isGroup())
      fill(s.init(f).as<capnp::DynamicStruct>());
    else if (type.isStruct())
      fill(s.init(f).as<capnp::DynamicStruct>());
    else if (type.isList())
      fill(s.init(f, 2).as<capnp::DynamicList>());
    else
      s.set(f, value(type));
  }

  void fill(capnp::DynamicList::Builder list) {
    const auto type = list.getSchema().getElementType();
    for (unsigned i = 0; i < list.size(); ++i)
      if (type.isStruct())
        fill(list[i].as<capnp::DynamicStruct>());
      else
        list.set(i, value(type));
  }

  capnp::DynamicValue::Reader value(capnp::Type type) {
    ++count_;
    if (type.isVoid())
      return capnp::VOID;
    if (type.isBool())
      return true;
    if (type.isText()) {
      text_ = "t" + std::to_string(count_);
      return capnp::Text::Reader{text_.data(), text_.size()};
    }
    if (type.isData()) {
      text_ = "d" + std::to_string(count_);
      return capnp::Data::Reader{reinterpret_cast<const kj::byte*>(text_.data()), text_.size()};
    }
    if (type.isEnum())
      return capnp::DynamicEnum{type.asEnum(), 1};
    if (type.isFloat32())
      return count_ + 0.5;
    if (type.isUInt8())
      return count_ % 200;
    return count_;
  }

  unsigned arm_;
  bool first_ = true;
  std::uint64_t count_ = 0;
  std::string text_;
};

std::string content(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

/// One message per valid arm; one if the type has none.
template <class T>
std::vector<msg<T>> written_today() {
  std::vector<msg<T>> result;
  const auto arms = capnp::Schema::from<T>().getUnionFields().size();
  for (unsigned arm = arms == 0 ? 0 : 1; arm < std::max(arms, 1u); ++arm)
    result.push_back(build<T>([&](typename T::Builder b) { filler{arm}.fill(capnp::DynamicStruct::Builder{b}); }));
  return result;
}

template <class T>
std::string said_by(const msg<T>& m) {
  return std::string{capnp::prettyPrint(capnp::DynamicStruct::Reader{m.read()}).flatten().cStr()} + "\n";
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> result;
  std::string word;
  for (char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-')
      word += c;
    else if (!word.empty())
      result.push_back(std::exchange(word, {}));
  return result;
}

/// Everything that a released version said is said today, in the same order; a schema that grew says more.
bool says_all_of(const std::string& today, const std::string& then) {
  const auto now = words_of(today);
  const auto old = words_of(then);
  std::size_t found = 0;
  for (std::size_t i = 0; i < now.size() && found < old.size(); ++i)
    found += now[i] == old[found] ? 1 : 0;
  return !old.empty() && found == old.size();
}

template <class T>
void check(const std::string& name) {
  if (const char* version = std::getenv("MUSTER_WRITE_GOLDEN")) {
    std::ofstream bytes{folder_of(version) + name + ".bin", std::ios::binary};
    std::ofstream text{folder_of(version) + name + ".txt", std::ios::binary};
    for (const auto& m : written_today<T>()) {
      bytes << m.bytes();
      text << said_by(m);
    }
  }
  for (const auto& version : versions) {
    const auto path = folder_of(version) + name;
    const auto golden = content(path + ".bin");
    ASSERT_FALSE(golden.empty()) << path << ".bin is missing";
    std::string said;
    for (std::size_t at = 0; at < golden.size();) {
      ASSERT_LE(at + 8, golden.size());
      std::uint32_t words = 0;
      std::memcpy(&words, golden.data() + at + 4, 4);
      const auto size = (words + std::size_t{1}) * 8;
      auto m = parse<T>(std::string_view{golden}.substr(at, size));
      ASSERT_TRUE(m) << path << ".bin at byte " << at << ": " << m.error().text;
      said += said_by(*m);
      at += size;
    }
    EXPECT_TRUE(says_all_of(said, content(path + ".txt"))) << path << ".bin is read as\n" << said;
  }
}

TEST(golden_files, the_comparison_sees_a_changed_value_a_lost_field_and_another_order) {
  EXPECT_TRUE(says_all_of("(a = 1, b = 2, c = 0)", "(a = 1, b = 2)"));
  EXPECT_FALSE(says_all_of("(a = 1, b = 3)", "(a = 1, b = 2)"));
  EXPECT_FALSE(says_all_of("(a = 1)", "(a = 1, b = 2)"));
  EXPECT_FALSE(says_all_of("(b = 2, a = 1)", "(a = 1, b = 2)"));
  EXPECT_FALSE(says_all_of("", ""));
}

TEST(golden_files, chunks) {
  check<schema::Chunk>("Chunk");
}

TEST(golden_files, journal_records_beside_chunks) {
  check<schema::NodeRecord>("NodeRecord");
  check<schema::Ack>("Ack");
}

TEST(golden_files, commits) {
  check<schema::Commit>("Commit");
}

TEST(golden_files, frames_between_coordinator_and_node) {
  check<schema::NodeFrame>("NodeFrame");
  check<schema::CoordinatorFrame>("CoordinatorFrame");
  check<schema::Order>("Order");
}

TEST(golden_files, frames_between_nodes) {
  check<schema::PeerFrame>("PeerFrame");
  check<schema::PeerRequest>("PeerRequest");
  check<schema::PeerReply>("PeerReply");
}

TEST(golden_files, requests_and_replies_of_clients) {
  check<schema::ClientRequest>("ClientRequest");
  check<schema::ClientReply>("ClientReply");
  check<schema::RouteUpdate>("RouteUpdate");
  check<schema::SearchRequest>("SearchRequest");
  check<schema::SearchReply>("SearchReply");
}

} // namespace
} // namespace muster
