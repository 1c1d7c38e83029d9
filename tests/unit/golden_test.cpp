// Golden files: bytes that a released version wrote are read to the same values for ever, and today's code still writes them so.
//
// tests/golden/v1/<Type>.bin holds one frame per arm of the type, one behind the other; <Type>.txt what they say. When a schema grows,
// keep v1 as it is, copy the list of types for v2 and write that with MUSTER_WRITE_GOLDEN=1; never write v1 again.
#include "messages/msg.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/node.capnp.h"
#include "messages/schema/state.capnp.h"
#include "tests/support/paths.hpp"

#include <capnp/dynamic.h>
#include <capnp/pretty-print.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace muster {
namespace {

const std::string folder = std::string{MUSTER_SOURCE_DIR} + "/tests/golden/v1/";

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

template <class T>
void check(const std::string& name) {
  const auto today = written_today<T>();
  std::string bytes;
  std::string text;
  for (const auto& m : today) {
    bytes += m.bytes();
    text += said_by(m);
  }
  if (std::getenv("MUSTER_WRITE_GOLDEN") != nullptr) {
    std::ofstream{folder + name + ".bin", std::ios::binary} << bytes;
    std::ofstream{folder + name + ".txt", std::ios::binary} << text;
  }
  const auto golden = content(folder + name + ".bin");
  ASSERT_FALSE(golden.empty()) << folder << name << ".bin is missing";
  EXPECT_TRUE(bytes == golden) << name << " is written to other bytes than those of " << folder;
  std::string said;
  std::size_t frames = 0;
  for (std::size_t at = 0; at < golden.size(); ++frames) {
    ASSERT_LE(at + 8, golden.size());
    std::uint32_t words = 0;
    std::memcpy(&words, golden.data() + at + 4, 4);
    const auto size = (words + std::size_t{1}) * 8;
    auto m = parse<T>(std::string_view{golden}.substr(at, size));
    ASSERT_TRUE(m) << name << " frame " << frames << ": " << m.error().text;
    said += said_by(*m);
    at += size;
  }
  EXPECT_EQ(frames, today.size());
  EXPECT_EQ(said, content(folder + name + ".txt"));
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
