// Blocks behind msg<T>: allocation, the scratch builder of a thread, and the check of foreign bytes.
#include "messages/msg.hpp"

#include "messages/limits.hpp"

#include <capnp/dynamic.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>
#include <new>
#include <vector>

namespace muster::detail {

namespace {

constexpr std::size_t scratch_words = 2048;

/// One zeroed scratch segment per thread; nested builds fall back to the heap.
struct thread_scratch {
  bool in_use = false;
  std::vector<std::uint64_t> words = std::vector<std::uint64_t>(scratch_words, 0);
};

thread_scratch& scratch() {
  thread_local thread_scratch instance;
  return instance;
}

bool acquire_scratch(std::size_t hint) {
  auto& s = scratch();
  if (s.in_use || hint > scratch_words)
    return false;
  s.in_use = true;
  return true;
}

msg_block* block_from(capnp::MessageBuilder& message) {
  auto segments = message.getSegmentsForOutput();
  if (segments.size() == 1) {
    auto* block = msg_block::create(static_cast<std::uint32_t>(segments[0].size()));
    std::memcpy(block->frame() + 1, segments[0].begin(), segments[0].size() * 8);
    return block;
  }
  // More than one segment: copying the root into a first segment that is large enough flattens it.
  auto root = message.getRoot<capnp::AnyPointer>().asReader();
  capnp::MallocMessageBuilder flat{static_cast<unsigned>(root.targetSize().wordCount + 1),
                                   capnp::AllocationStrategy::FIXED_SIZE};
  flat.getRoot<capnp::AnyPointer>().set(root);
  auto flat_segments = flat.getSegmentsForOutput();
  KJ_ASSERT(flat_segments.size() == 1);
  auto* block = msg_block::create(static_cast<std::uint32_t>(flat_segments[0].size()));
  std::memcpy(block->frame() + 1, flat_segments[0].begin(), flat_segments[0].size() * 8);
  return block;
}

bool is_pointer(capnp::Type type) {
  return type.isText() || type.isData() || type.isList() || type.isStruct();
}

void check(capnp::DynamicValue::Reader value);

/// Reads what a field points to, as its type says.
void check(capnp::DynamicStruct::Reader s, capnp::StructSchema::Field field) {
  if (field.getProto().isGroup() || (is_pointer(field.getType()) && s.has(field)))
    check(s.get(field));
}

/// The copy is in bounds, but a pointer may still be of another kind than its field, or a text not end. Reading that would throw
/// in an actor, so it is read here first. Lists of plain values cost nothing. Nesting was bounded by the copy.
void check(capnp::DynamicValue::Reader value) {
  if (value.getType() == capnp::DynamicValue::STRUCT) {
    auto s = value.as<capnp::DynamicStruct>();
    for (auto field : s.getSchema().getNonUnionFields())
      check(s, field);
    KJ_IF_MAYBE (field, s.which())
      check(s, *field);
  } else if (value.getType() == capnp::DynamicValue::LIST) {
    auto list = value.as<capnp::DynamicList>();
    const auto element = list.getSchema().getElementType();
    if (!is_pointer(element) || (element.isStruct() && element.asStruct().getProto().getStruct().getPointerCount() == 0))
      return;
    for (auto e : list)
      check(e);
  }
}

} // namespace

msg_block* msg_block::create(std::uint32_t words) {
  auto* memory = ::operator new(sizeof(msg_block) + (std::size_t{words} + 1) * 8);
  auto* block = new (memory) msg_block;
  block->words = words;
  // The segment table of a one-segment frame: count minus one, then the size in words, both little endian.
  const std::uint64_t table = std::uint64_t{words} << 32;
  std::memcpy(block->frame(), &table, 8);
  return block;
}

void msg_block::release(msg_block* block) noexcept {
  if (block != nullptr && block->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    block->~msg_block();
    ::operator delete(block);
  }
}

scratch_builder::scratch_builder(std::size_t size_hint_words)
  : owns_scratch_(acquire_scratch(size_hint_words)),
    builder_(owns_scratch_
               ? capnp::MallocMessageBuilder(kj::arrayPtr(reinterpret_cast<capnp::word*>(scratch().words.data()),
                                                          scratch_words))
               : capnp::MallocMessageBuilder(static_cast<unsigned>(std::max<std::size_t>(size_hint_words, 64)))) {
  // nop
}

scratch_builder::~scratch_builder() {
  if (owns_scratch_)
    scratch().in_use = false;
}

msg_block* scratch_builder::finish() {
  return block_from(builder_);
}

msg_block* parse_block(std::span<const std::byte> bytes, capnp::StructSchema schema, copy_root copy, std::string& why) {
  if (bytes.size() < 16 || bytes.size() % 8 != 0) {
    why = "a message of " + std::to_string(bytes.size()) + " bytes is no Cap'n Proto frame";
    return nullptr;
  }
  if (bytes.size() > limits::frame_bytes) {
    why = "a message of " + std::to_string(bytes.size()) + " bytes is over the limit of "
          + std::to_string(limits::frame_bytes);
    return nullptr;
  }
  msg_block* block = nullptr;
  std::vector<std::uint64_t> aligned;
  auto* begin = reinterpret_cast<const capnp::word*>(bytes.data());
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) {
    aligned.resize(bytes.size() / 8);
    std::memcpy(aligned.data(), bytes.data(), bytes.size());
    begin = reinterpret_cast<const capnp::word*>(aligned.data());
  }
  auto error = kj::runCatchingExceptions([&] {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = bytes.size() / 8 + limits::parse_slack_words;
    options.nestingLimit = limits::parse_nesting;
    capnp::FlatArrayMessageReader reader{kj::arrayPtr(begin, bytes.size() / 8), options};
    capnp::MallocMessageBuilder builder{static_cast<unsigned>(bytes.size() / 8 + 1)};
    copy(reader, builder);
    check(builder.getRoot<capnp::AnyPointer>().asReader().getAs<capnp::DynamicStruct>(schema));
    block = block_from(builder);
  });
  KJ_IF_MAYBE (e, error) {
    why = "bytes that are no valid message: ";
    why += e->getDescription().cStr();
    msg_block::release(block);
    return nullptr;
  }
  return block;
}

} // namespace muster::detail
