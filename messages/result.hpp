// The way code below the actors reports failure: a value, or a failure with a code and one line for people.
#pragma once

#include "messages/error.hpp"

#include <string>
#include <utility>
#include <variant>

namespace muster {

/// What was tried, what is wrong and what to do, in one line, with the code that programs act on.
struct failure {
  ec code = ec::internal;
  std::string text;
};

/// Success without a value.
struct unit {};

/// Either a value or a failure. Never empty.
template <class T>
class [[nodiscard]] result {
public:
  result(T value) : data_(std::in_place_index<0>, std::move(value)) {
    // nop
  }

  result(failure why) : data_(std::in_place_index<1>, std::move(why)) {
    // nop
  }

  explicit operator bool() const {
    return data_.index() == 0;
  }

  T& value() & {
    return std::get<0>(data_);
  }

  const T& value() const& {
    return std::get<0>(data_);
  }

  T&& value() && {
    return std::get<0>(std::move(data_));
  }

  T* operator->() {
    return &std::get<0>(data_);
  }

  const T* operator->() const {
    return &std::get<0>(data_);
  }

  T& operator*() & {
    return std::get<0>(data_);
  }

  const T& operator*() const& {
    return std::get<0>(data_);
  }

  const failure& error() const {
    return std::get<1>(data_);
  }

private:
  std::variant<T, failure> data_;
};

} // namespace muster
