// Rules of msg<T>: what is built comes back, an empty one reads as defaults, and no foreign bytes throw, when parsed or when read.
#include "messages/msg.hpp"
#include "messages/limits.hpp"
#include "messages/schema/client.capnp.h"
#include "messages/schema/node.capnp.h"
#include "messages/schema/state.capnp.h"
#include "tests/unit/dice.hpp"

#include <capnp/dynamic.h>
#include <capnp/serialize.h>
#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace muster {
namespace {

/// Reads every field of a message as actors do: only through the schema. Returns how many there were.
std::size_t read_all(capnp::DynamicValue::Reader value) {
  switch (value.getType()) {
    case capnp::DynamicValue::STRUCT: {
      auto s = value.as<capnp::DynamicStruct>();
      std::size_t n = 1;
      for (auto f : s.getSchema().getNonUnionFields())
        n += read_all(s.get(f));
      KJ_IF_MAYBE (f, s.which())
        n += read_all(s.get(*f));
      return n;
    }
    case capnp::DynamicValue::LIST: {
      std::size_t n = 1;
      for (auto e : value.as<capnp::DynamicList>())
        n += read_all(e);
      return n;
    }
    case capnp::DynamicValue::TEXT:
      return 1 + value.as<capnp::Text>().size();
    case capnp::DynamicValue::DATA:
      return 1 + value.as<capnp::Data>().size();
    default:
      return 1;
  }
}

msg<schema::NodeFrame> a_report(unsigned copies = 3) {
  return build<schema::NodeFrame>([&](schema::NodeFrame::Builder b) {
    b.initHeader().setEpoch(5);
    auto r = b.initReport();
    r.setSeq(9);
    r.setFull(true);
    auto list = r.initCopies(copies);
    for (unsigned i = 0; i < copies; ++i)
      list[i].setSegment(i + 1);
    auto d = r.initDelegators(2);
    d[0].setChannel("by-dev-rootcoord-dml_0");
    d[0].initView(2)[1].setWorker(7);
    d[1].setChannel("b");
    d[1].initRemoved(1).set(0, 5);
    r.initRemovedDelegators(1)[0].setChannel("gone");
  });
}

msg<schema::CoordinatorFrame> some_orders() {
  return build<schema::CoordinatorFrame>([](schema::CoordinatorFrame::Builder b) {
    auto o = b.initOrders().initOrders(2);
    auto s = o[0].initServeShard();
    s.setChannel("a");
    s.initWorkers(2)[0].setAddress("h:1");
    auto p = s.initSegments(2);
    p[0].initSource().setFile("f/1.segment");
    p[1].initSource().setFile("f/2.segment");
    o[1].initSyncView().initRemoved(3);
  });
}

TEST(message_rules, what_is_built_is_read_and_its_bytes_are_the_frame) {
  auto m = a_report();
  EXPECT_FALSE(m.empty());
  EXPECT_EQ(m->getReport().getSeq(), 9u);
  ASSERT_EQ(m.bytes().size() % 8, 0u);
  auto back = parse<schema::NodeFrame>(m.bytes());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->bytes(), m.bytes());
  EXPECT_EQ(view(back->read().getReport().getDelegators()[0].getChannel()), "by-dev-rootcoord-dml_0");
}

TEST(message_rules, an_empty_message_reads_as_defaults) {
  msg<schema::NodeFrame> m;
  EXPECT_TRUE(m.empty());
  EXPECT_TRUE(m.bytes().empty());
  EXPECT_TRUE(m->isInvalid());
  EXPECT_EQ(m->getHeader().getEpoch(), 0u);
  msg<schema::CollectionState> c;
  EXPECT_EQ(view(c->getName()), "");
  EXPECT_EQ(c->getReplicas().size(), 0u);
}

TEST(message_rules, a_copy_shares_the_block_and_outlives_the_original) {
  msg<schema::NodeFrame> kept;
  {
    auto m = a_report();
    auto other = m;
    EXPECT_TRUE(other.same_block(m));
    kept = std::move(other);
    EXPECT_TRUE(kept.same_block(m));
    kept = kept;
  }
  EXPECT_EQ(kept->getReport().getSeq(), 9u);
}

TEST(message_rules, references_are_counted_across_threads) {
  auto m = a_report();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([m] {
      for (int i = 0; i < 20'000; ++i) {
        auto copy = m;
        if (copy->getReport().getSeq() != 9)
          std::abort();
      }
    });
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(m->getReport().getSeq(), 9u);
}

TEST(message_rules, large_and_nested_builds_give_one_segment) {
  for (unsigned n : {0u, 1u, 100u, 100'000u}) {
    auto m = a_report(n);
    ASSERT_EQ(m->getReport().getCopies().size(), n);
    std::uint32_t table[2];
    std::memcpy(table, m.bytes().data(), 8);
    EXPECT_EQ(table[0], 0u) << "one segment";
    EXPECT_EQ((table[1] + std::size_t{1}) * 8, m.bytes().size());
  }
  auto outer = build<schema::LinkCommand>([&](schema::LinkCommand::Builder b) {
    auto inner = a_report();
    b.initFrame().setBytes(as_data(inner));
  });
  auto inner = parse<schema::NodeFrame>(outer->getFrame().getBytes());
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->read().getReport().getSeq(), 9u);
}

TEST(message_rules, a_part_cut_out_is_a_message_of_its_own) {
  auto m = a_report();
  auto part = copy<schema::Report>(m->getReport());
  m = {};
  EXPECT_EQ(part->getSeq(), 9u);
  EXPECT_EQ(part->getDelegators().size(), 2u);
}

TEST(message_rules, bytes_at_any_alignment_are_read) {
  const auto m = a_report();
  for (std::size_t shift = 0; shift < 8; ++shift) {
    std::string text(shift, 'x');
    text += m.bytes();
    auto back = parse<schema::NodeFrame>(std::string_view{text}.substr(shift));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->bytes(), m.bytes());
  }
}

TEST(message_rules, a_frame_of_several_segments_is_read_too) {
  capnp::MallocMessageBuilder builder{8, capnp::AllocationStrategy::FIXED_SIZE};
  auto list = builder.initRoot<schema::NodeFrame>().initReport().initCopies(50);
  list[49].setSegment(77);
  ASSERT_GT(builder.getSegmentsForOutput().size(), 1u);
  auto words = capnp::messageToFlatArray(builder);
  auto bytes = words.asBytes();
  auto m = parse<schema::NodeFrame>(kj::ArrayPtr<const kj::byte>{bytes.begin(), bytes.size()});
  ASSERT_TRUE(m);
  EXPECT_EQ(m->read().getReport().getCopies()[49].getSegment(), 77);
}

TEST(foreign_bytes, nothing_truncated_or_oversized_is_a_message_and_the_reason_names_the_size) {
  const auto whole = std::string{a_report().bytes()};
  for (std::size_t n = 0; n < whole.size(); ++n) {
    auto m = parse<schema::NodeFrame>(std::string_view{whole}.substr(0, n));
    ASSERT_FALSE(m) << n;
    EXPECT_EQ(m.error().code, ec::malformed_frame);
    EXPECT_FALSE(m.error().text.empty());
  }
  const std::string huge(limits::frame_bytes + 8, '\0');
  auto m = parse<schema::NodeFrame>(huge);
  ASSERT_FALSE(m);
  EXPECT_NE(m.error().text.find(std::to_string(limits::frame_bytes)), std::string::npos);
}

TEST(foreign_bytes, nesting_over_the_limit_is_refused) {
  // A chain of structs, each with a pointer to the next: one word of pointer each.
  std::vector<std::uint64_t> words;
  const std::uint64_t depth = static_cast<std::uint64_t>(limits::parse_nesting) + 20;
  words.push_back((depth + 1) << 32);
  for (std::uint64_t i = 0; i <= depth; ++i)
    words.push_back(i == depth ? 0 : std::uint64_t{1} << 48);
  auto m = parse<schema::NodeFrame>(
    std::string_view{reinterpret_cast<const char*>(words.data()), words.size() * 8});
  EXPECT_FALSE(m);
}

TEST(foreign_bytes, a_small_frame_that_reads_large_is_refused) {
  // Many pointers to one big list: the copy would be a thousand times the frame.
  capnp::MallocMessageBuilder builder{20'000};
  auto r = builder.initRoot<schema::NodeFrame>().initReport();
  auto d = r.initDelegators(200);
  d[0].initView(1'000);
  auto words = capnp::messageToFlatArray(builder);
  std::vector<std::uint64_t> raw(words.size());
  std::memcpy(raw.data(), words.begin(), raw.size() * 8);
  auto plain = parse<schema::NodeFrame>(std::string_view{reinterpret_cast<const char*>(raw.data()), raw.size() * 8});
  ASSERT_TRUE(plain);
  // Find the pointer to the view of the first delegator and let the same slot of all others point to it as well.
  std::size_t slot = 0;
  std::size_t target = 0;
  for (std::size_t i = 1; i < raw.size() && slot == 0; ++i)
    if ((raw[i] & 3) == 1 && ((raw[i] >> 32) & 7) == 7 && (raw[i] >> 35) == 2'000) {
      slot = i;
      target = i + 1 + static_cast<std::size_t>(static_cast<std::int32_t>(raw[i]) >> 2);
    }
  ASSERT_NE(slot, 0u);
  const std::size_t stride = 4 + 3; // data words and pointers of a DelegatorReport
  std::size_t aimed = 0;
  for (std::size_t i = 1; i < 200; ++i) {
    const auto at = slot + i * stride;
    if (at >= raw.size() || raw[at] != 0)
      continue;
    const auto offset = static_cast<std::int64_t>(target) - static_cast<std::int64_t>(at) - 1;
    raw[at] = (raw[slot] & ~std::uint64_t{0xfffffffc}) | (static_cast<std::uint32_t>(offset) << 2);
    ++aimed;
  }
  ASSERT_GT(aimed, 100u);
  auto m = parse<schema::NodeFrame>(std::string_view{reinterpret_cast<const char*>(raw.data()), raw.size() * 8});
  EXPECT_FALSE(m) << "200 times 1,000 entries out of one list";
}

/// Changes bytes, words or lengths of a frame.
std::string mutated(dice& d, std::string bytes) {
  for (auto n = d.from(1, 4); n > 0; --n) {
    const auto words = static_cast<std::int64_t>(bytes.size() / 8);
    switch (d.below(6)) {
      case 0:
        bytes[static_cast<std::size_t>(d.below(static_cast<std::int64_t>(bytes.size())))] = static_cast<char>(d.next());
        break;
      case 1:
        bytes[static_cast<std::size_t>(d.below(static_cast<std::int64_t>(bytes.size())))] ^= static_cast<char>(1 << d.below(8));
        break;
      case 2: { // one word over another: pointers of another kind
        std::uint64_t w = 0;
        std::memcpy(&w, bytes.data() + 8 * d.below(words), 8);
        std::memcpy(bytes.data() + 8 * d.below(words), &w, 8);
        break;
      }
      case 3: {
        const auto w = d.next();
        std::memcpy(bytes.data() + 8 * d.below(words), &w, 8);
        break;
      }
      case 4: { // a pointer's kind or element size
        auto at = static_cast<std::size_t>(8 * d.below(words));
        bytes[at + (d.one_in(2) ? 0 : 4)] ^= static_cast<char>(d.from(1, 7));
        break;
      }
      default:
        bytes.resize(static_cast<std::size_t>(8 * d.from(2, words)));
    }
  }
  return bytes;
}

template <class T>
void feed(const msg<T>& seed_message, std::uint64_t seed, std::size_t& accepted, std::size_t& refused) {
  dice d{seed};
  const std::string bytes{seed_message.bytes()};
  for (int i = 0; i < 6'000; ++i) {
    const auto damaged = mutated(d, bytes);
    result<msg<T>> m = failure{};
    ASSERT_NO_THROW(m = parse<T>(damaged)) << "seed " << seed << " frame " << i;
    if (!m) {
      ++refused;
      ASSERT_EQ(m.error().code, ec::malformed_frame);
      continue;
    }
    ++accepted;
    // An actor that reads it must not be thrown at: it would end.
    ASSERT_NO_THROW(read_all(capnp::DynamicStruct::Reader{m->read()})) << "seed " << seed << " frame " << i;
    auto again = parse<T>(m->bytes());
    ASSERT_TRUE(again) << "what was accepted once is a message";
    ASSERT_LE(m->bytes().size(), (damaged.size() / 8 + limits::parse_slack_words) * 8 + 8) << "amplified";
  }
}

TEST(foreign_bytes, thousands_of_mutated_frames_neither_throw_when_parsed_nor_when_read) {
  std::size_t accepted = 0;
  std::size_t refused = 0;
  feed(a_report(), 1, accepted, refused);
  feed(some_orders(), 2, accepted, refused);
  feed(build<schema::Chunk>([](schema::Chunk::Builder b) {
         auto c = b.initCollection();
         c.setName("words");
         c.initReplicas(2)[0].initNodes(3);
         c.initPartitions(2);
       }),
       3, accepted, refused);
  feed(build<schema::ClientRequest>([](schema::ClientRequest::Builder b) {
         auto r = b.initRegisterImport();
         r.setName("words");
         r.initChannels(2).set(1, "b");
         r.initSegments(2)[0].setFile("f");
       }),
       4, accepted, refused);
  EXPECT_GT(accepted, 1'000u);
  EXPECT_GT(refused, 1'000u);
}

TEST(foreign_bytes, pure_noise_is_refused_or_reads_harmlessly) {
  dice d{9};
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(static_cast<std::size_t>(d.below(40)) * 4, '\0');
    for (auto& c : bytes)
      c = static_cast<char>(d.one_in(3) ? d.next() : 0);
    result<msg<schema::PeerFrame>> m = failure{};
    ASSERT_NO_THROW(m = parse<schema::PeerFrame>(bytes));
    if (m) {
      ASSERT_NO_THROW(read_all(capnp::DynamicStruct::Reader{m->read()}));
    }
  }
}

} // namespace
} // namespace muster
