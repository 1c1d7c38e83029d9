// How commands print: JSON in one line for programs, aligned tables for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace muster::cli {

/// Writes JSON text; commas and escapes are its business, nesting is the caller's.
class json_writer {
public:
  json_writer& open(char bracket); ///< '{' or '['.
  json_writer& close(char bracket);
  json_writer& key(std::string_view name);
  json_writer& text(std::string_view value); ///< Bytes that are no UTF-8 become U+FFFD.
  json_writer& number(std::int64_t value);
  json_writer& number(float value); ///< Shortest form that reads back the same; null when not finite.
  json_writer& number(double value);
  json_writer& boolean(bool value);
  json_writer& raw(std::string_view json);

  json_writer& field(std::string_view name, std::string_view value) {
    return key(name).text(value);
  }

  json_writer& field(std::string_view name, const char* value) {
    return key(name).text(value);
  }

  template <class T>
  requires std::is_arithmetic_v<T> json_writer& field(std::string_view name, T value) {
    if constexpr (std::is_same_v<T, bool>)
      return key(name).boolean(value);
    else if constexpr (std::is_integral_v<T>)
      return key(name).number(static_cast<std::int64_t>(value));
    else
      return key(name).number(value);
  }

  const std::string& str() const {
    return out_;
  }

private:
  void separate();

  std::string out_;
  bool fresh_ = true; ///< Nothing before this place that needs a comma.
};

/// Rows of cells under headings, in columns as wide as needed; numbers stand to the right.
class table {
public:
  explicit table(std::vector<std::string> headings);
  void row(std::vector<std::string> cells);
  bool empty() const {
    return rows_.empty();
  }
  /// Each line starts with `indent` spaces.
  std::string str(std::size_t indent = 0) const;

private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

/// 12,345,678.
std::string with_commas(std::int64_t value);

/// 3.4 MiB.
std::string as_bytes_text(std::int64_t bytes);

/// With so many digits behind the point.
std::string fixed(double value, int digits);

/// "1 node", "2 nodes".
std::string counted(std::int64_t n, std::string_view noun);

} // namespace muster::cli
