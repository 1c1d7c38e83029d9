// Values that many copies of a table share: immutable behind a counted pointer, replaced as a whole.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace muster {

/// Reads like std::optional<const T>; a copy costs a reference.
template <class T>
class shared_value {
public:
  shared_value() = default;

  shared_value(T value) : value_(std::make_shared<const T>(std::move(value))) {
    // nop
  }

  shared_value(std::nullopt_t) {
    // nop
  }

  shared_value(std::optional<T> value) : value_(value ? std::make_shared<const T>(std::move(*value)) : nullptr) {
    // nop
  }

  bool has_value() const {
    return value_ != nullptr;
  }

  explicit operator bool() const {
    return value_ != nullptr;
  }

  const T& operator*() const {
    return *value_;
  }

  const T* operator->() const {
    return value_.get();
  }

  void reset() {
    value_ = nullptr;
  }

  /// True when both are the very same value, or none.
  bool same(const shared_value& other) const {
    return value_ == other.value_;
  }

private:
  std::shared_ptr<const T> value_;
};

/// Reads like const std::vector<T>; a copy costs a reference.
template <class T>
class shared_list {
public:
  using value_type = T;
  using const_iterator = typename std::vector<T>::const_iterator;

  shared_list() = default;

  shared_list(std::vector<T> rows)
    : rows_(rows.empty() ? nullptr : std::make_shared<const std::vector<T>>(std::move(rows))) {
    // nop
  }

  const std::vector<T>& rows() const {
    return rows_ ? *rows_ : none();
  }

  operator const std::vector<T>&() const {
    return rows();
  }

  const_iterator begin() const {
    return rows().begin();
  }

  const_iterator end() const {
    return rows().end();
  }

  std::size_t size() const {
    return rows().size();
  }

  bool empty() const {
    return rows_ == nullptr;
  }

  const T& operator[](std::size_t i) const {
    return rows()[i];
  }

  const T& at(std::size_t i) const {
    return rows().at(i);
  }

  const T& front() const {
    return rows().front();
  }

  const T& back() const {
    return rows().back();
  }

  bool same(const shared_list& other) const {
    return rows_ == other.rows_;
  }

  friend bool operator==(const shared_list& a, const shared_list& b) {
    return a.rows_ == b.rows_ || a.rows() == b.rows();
  }

private:
  static const std::vector<T>& none() {
    static const std::vector<T> empty;
    return empty;
  }

  std::shared_ptr<const std::vector<T>> rows_;
};

/// A table that copies share until one of them changes it: that one makes its own then. Only one thread changes copies; others may
/// read theirs and let go of them.
template <class T>
class copied_on_change {
public:
  const T& operator*() const {
    return value_ ? *value_ : none();
  }

  const T* operator->() const {
    return &**this;
  }

  /// To be changed; costs a copy when somebody else reads it.
  T& edit() {
    if (!value_)
      value_ = std::make_shared<T>();
    else if (value_.use_count() > 1)
      value_ = std::make_shared<T>(*value_);
    else
      std::atomic_thread_fence(std::memory_order_acquire); // after the last reads of who let go of it
    return *value_;
  }

  void clear() {
    value_ = nullptr;
  }

  /// True when both are the very same table.
  bool same(const copied_on_change& other) const {
    return value_ == other.value_;
  }

private:
  static const T& none() {
    static const T empty;
    return empty;
  }

  std::shared_ptr<T> value_;
};

} // namespace muster
