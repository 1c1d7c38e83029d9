// Formatting of JSON and tables.
#include "deploy/output.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace muster::cli {

namespace {

// The length of the UTF-8 sequence at `at`, 0 when there is none.
std::size_t sequence_length(std::string_view s, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto first = byte(at);
  const std::size_t length = first < 0x80                    ? 1
                             : first >= 0xc2 && first < 0xe0 ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  if (length == 0 || at + length > s.size())
    return 0;
  for (auto i = at + 1; i < at + length; ++i)
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
  if (length > 2) { // Overlong forms, surrogates, beyond U+10FFFF.
    const auto second = byte(at + 1);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90)
        || (first == 0xf4 && second > 0x8f))
      return 0;
  }
  return length;
}

std::size_t width_of(std::string_view s) {
  return static_cast<std::size_t>(
      std::count_if(s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool is_number(std::string_view s) {
  return !s.empty() && s.find_first_not_of("0123456789.,-+%") == std::string_view::npos
         && s.find_first_of("0123456789") != std::string_view::npos;
}

} // namespace

void json_writer::separate() {
  if (!fresh_)
    out_ += ',';
  fresh_ = false;
}

json_writer& json_writer::open(char bracket) {
  separate();
  out_ += bracket;
  fresh_ = true;
  return *this;
}

json_writer& json_writer::close(char bracket) {
  out_ += bracket;
  fresh_ = false;
  return *this;
}

json_writer& json_writer::key(std::string_view name) {
  text(name);
  out_ += ':';
  fresh_ = true;
  return *this;
}

json_writer& json_writer::text(std::string_view value) {
  separate();
  out_ += '"';
  for (std::size_t i = 0; i < value.size();) {
    const auto c = static_cast<unsigned char>(value[i]);
    const auto length = sequence_length(value, i);
    if (length == 0) {
      out_ += "\uFFFD";
    } else if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += value[i];
    } else if (c < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
      out_ += escaped;
    } else {
      out_ += value.substr(i, length);
    }
    i += std::max<std::size_t>(length, 1);
  }
  out_ += '"';
  return *this;
}

json_writer& json_writer::number(std::int64_t value) {
  separate();
  out_ += std::to_string(value);
  return *this;
}

json_writer& json_writer::number(float value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return raw(std::isfinite(value) ? std::string_view{digits, static_cast<std::size_t>(end - digits)} : "null");
}

json_writer& json_writer::number(double value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return raw(std::isfinite(value) ? std::string_view{digits, static_cast<std::size_t>(end - digits)} : "null");
}

json_writer& json_writer::boolean(bool value) {
  return raw(value ? "true" : "false");
}

json_writer& json_writer::raw(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

table::table(std::vector<std::string> headings) : headings_(std::move(headings)) {
  // nop
}

void table::row(std::vector<std::string> cells) {
  cells.resize(headings_.size());
  rows_.push_back(std::move(cells));
}

std::string table::str(std::size_t indent) const {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (std::size_t c = 0; c < headings_.size(); ++c) {
    auto width = width_of(headings_[c]);
    bool numbers = !rows_.empty();
    for (auto& cells : rows_) {
      width = std::max(width, width_of(cells[c]));
      numbers = numbers && (cells[c].empty() || is_number(cells[c]));
    }
    widths.push_back(width);
    right.push_back(numbers);
  }
  std::string out;
  auto line = [&](const std::vector<std::string>& cells) {
    std::string text(indent, ' ');
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::string space(widths[c] - width_of(cells[c]), ' ');
      text += right[c] ? space + cells[c] : cells[c] + space;
      text += c + 1 < cells.size() ? "  " : "";
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + '\n';
  };
  line(headings_);
  for (auto& cells : rows_)
    line(cells);
  return out;
}

std::string with_commas(std::int64_t value) {
  auto digits = std::to_string(value);
  for (auto i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > (value < 0 ? 1 : 0); i -= 3)
    digits.insert(static_cast<std::size_t>(i), 1, ',');
  return digits;
}

std::string as_bytes_text(std::int64_t bytes) {
  if (bytes < 1024)
    return std::to_string(bytes) + " B";
  const char* units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  auto x = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; x >= 1024 && unit < 4; ++unit)
    x /= 1024;
  return fixed(x, 1) + " " + units[unit];
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string counted(std::int64_t n, std::string_view noun) {
  return with_commas(n) + " " + std::string{noun} + (n == 1 ? "" : "s");
}

} // namespace muster::cli
