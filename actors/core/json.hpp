// A JSON value: what answers for programs are made of, and what requests in JSON are read to.
#pragma once

#include "messages/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace muster {

/// Written and read by Cap'n Proto's JSON library; members keep their order.
class json {
public:
  using array = std::vector<json>;
  using object = std::vector<std::pair<std::string, json>>;

  json() = default;
  json(bool x) : value_(x) {
    // nop
  }
  json(double x) : value_(x) {
    // nop
  }
  json(std::int64_t) = delete; // 64 bits do not fit into a JSON number: `text_of`, or `small` where it is known to be small
  json(std::string x) : value_(std::move(x)) {
    // nop
  }
  json(const char* x) : value_(std::string{x}) {
    // nop
  }
  json(array x) : value_(std::move(x)) {
    // nop
  }
  json(object x) : value_(std::move(x)) {
    // nop
  }

  /// A 64-bit number as it is written in JSON: as a string.
  static json text_of(std::int64_t x) {
    return json{std::to_string(x)};
  }

  /// A number that a double has exactly: counts and ids of nodes.
  static json small(std::int64_t x) {
    return json{static_cast<double>(x)};
  }

  /// One line without blanks.
  std::string text() const;

  /// Reads a JSON object; parameter_invalid with the reason for anything else.
  static result<json> read_object(std::string_view text);

  /// The member of an object, or null.
  const json* find(std::string_view name) const;

  const std::string* as_text() const {
    return std::get_if<std::string>(&value_);
  }

  const double* as_number() const {
    return std::get_if<double>(&value_);
  }

  const array* as_array() const {
    return std::get_if<array>(&value_);
  }

  const object* as_object() const {
    return std::get_if<object>(&value_);
  }

  const std::variant<std::monostate, bool, double, std::string, array, object>& value() const {
    return value_;
  }

private:
  std::variant<std::monostate, bool, double, std::string, array, object> value_;
};

} // namespace muster
