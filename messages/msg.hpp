// msg<T>: one immutable, reference-counted Cap'n Proto message; the only form in which actors talk.
#pragma once

#include "messages/result.hpp"

#include <capnp/message.h>
#include <capnp/schema.h>
#include <kj/common.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace muster {

namespace detail {

/// Reference count and, right behind it, a single-segment Cap'n Proto frame: one table word, then the words.
struct alignas(8) msg_block {
  std::atomic<std::uint32_t> references{1};
  std::uint32_t words = 0;

  /// The frame, table word first.
  capnp::word* frame() {
    return reinterpret_cast<capnp::word*>(this + 1);
  }

  static msg_block* create(std::uint32_t words);
  static void release(msg_block* block) noexcept;
};

static_assert(sizeof(msg_block) == 8);

/// A builder over a scratch segment of this thread; `size_hint_words` beyond the scratch is allocated for the call.
class scratch_builder {
public:
  explicit scratch_builder(std::size_t size_hint_words);
  ~scratch_builder();
  scratch_builder(const scratch_builder&) = delete;
  scratch_builder& operator=(const scratch_builder&) = delete;

  capnp::MallocMessageBuilder& message() {
    return builder_;
  }

  /// Copies what was built into one block. Cost: one allocation and one copy of the words used.
  msg_block* finish();

private:
  bool owns_scratch_;
  capnp::MallocMessageBuilder builder_;
};

/// Validates foreign bytes, calls `copy` with the checked root and holds the copy against the schema; returns the copied block,
/// or null with `why` set.
using copy_root = void (*)(capnp::MessageReader&, capnp::MallocMessageBuilder&);
msg_block* parse_block(std::span<const std::byte> bytes, capnp::StructSchema schema, copy_root copy, std::string& why);

} // namespace detail

/// A shared, immutable message of schema type `T`. Copying it copies a pointer. An empty msg reads as defaults.
/// Only `build` and `parse` make non-empty ones, so readers need no limits and no checks.
template <class T>
class msg {
public:
  using schema_type = T;

  msg() = default;

  msg(const msg& other) noexcept : block_(other.block_) {
    if (block_ != nullptr)
      block_->references.fetch_add(1, std::memory_order_relaxed);
  }

  msg(msg&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {
    // nop
  }

  msg& operator=(msg other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }

  ~msg() {
    detail::msg_block::release(block_);
  }

  /// The root of the message. Valid as long as some msg refers to the block.
  typename T::Reader read() const {
    if (block_ == nullptr)
      return typename T::Reader{};
    return capnp::readMessageUnchecked<T>(block_->frame() + 1);
  }

  /// Shorthand for the fields: `m->getName()`.
  struct arrow {
    typename T::Reader reader;
    typename T::Reader* operator->() {
      return &reader;
    }
  };

  arrow operator->() const {
    return arrow{read()};
  }

  /// The frame as it goes to wire, journal and golden file; empty for an empty msg.
  std::string_view bytes() const {
    if (block_ == nullptr)
      return {};
    return {reinterpret_cast<const char*>(block_->frame()), (block_->words + std::size_t{1}) * 8};
  }

  bool empty() const {
    return block_ == nullptr;
  }

  /// True when both refer to the very same block.
  bool same_block(const msg& other) const {
    return block_ == other.block_;
  }

  /// Takes over a block that `build` or `parse` made.
  static msg adopt(detail::msg_block* block) {
    msg result;
    result.block_ = block;
    return result;
  }

private:
  detail::msg_block* block_ = nullptr;
};

/// Builds a message. `fill` gets `T::Builder`; `size_hint_words` avoids growth for large messages.
template <class T, class Fill>
msg<T> build(Fill&& fill, std::size_t size_hint_words = 0) {
  detail::scratch_builder scratch{size_hint_words};
  fill(scratch.message().template initRoot<T>());
  return msg<T>::adopt(scratch.finish());
}

/// A message with the content of a reader of the same type (used to cut one part out of a larger message).
template <class T>
msg<T> copy(typename T::Reader reader) {
  detail::scratch_builder scratch{reader.totalSize().wordCount + 1};
  scratch.message().setRoot(reader);
  return msg<T>::adopt(scratch.finish());
}

/// Reads foreign bytes: checks sizes, pointers and nesting against limits.hpp, then copies. Never throws.
template <class T>
result<msg<T>> parse(std::span<const std::byte> bytes) {
  std::string why;
  auto* block = detail::parse_block(
    bytes,
    capnp::Schema::from<T>(),
    [](capnp::MessageReader& in, capnp::MallocMessageBuilder& out) { out.setRoot(in.getRoot<T>()); },
    why);
  if (block == nullptr)
    return failure{ec::malformed_frame, std::move(why)};
  return msg<T>::adopt(block);
}

template <class T>
result<msg<T>> parse(std::string_view bytes) {
  return parse<T>(std::as_bytes(std::span{bytes.data(), bytes.size()}));
}

template <class T>
result<msg<T>> parse(kj::ArrayPtr<const kj::byte> bytes) {
  return parse<T>(std::as_bytes(std::span{bytes.begin(), bytes.size()}));
}

/// The bytes of a message as a Cap'n Proto Data field.
template <class T>
kj::ArrayPtr<const kj::byte> as_data(const msg<T>& m) {
  auto bytes = m.bytes();
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}

/// A text field as a string_view; valid as long as the message is.
inline std::string_view view(capnp::Text::Reader text) {
  return {text.begin(), text.size()};
}

} // namespace muster
