// Escapes, numbers, cumulated buckets.
#include "actors/core/prometheus.hpp"

#include <charconv>
#include <cmath>

namespace muster {

namespace {

std::string number(double x) {
  if (std::isnan(x))
    return "NaN";
  if (std::isinf(x))
    return x > 0 ? "+Inf" : "-Inf";
  char text[32];
  // Whole numbers as such, others in the fewest digits that mean the same.
  const auto whole = std::abs(x) < 9e15 && x == std::floor(x);
  const auto end = whole ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(x)).ptr
                         : std::to_chars(text, text + sizeof text, x).ptr;
  return {text, end};
}

void escape(std::string& to, std::string_view from, bool quote) {
  for (const char c : from) {
    if (c == '\n')
      to += "\\n";
    else if (c == '\\' || (c == '"' && quote))
      (to += '\\') += c;
    else
      to += c;
  }
}

} // namespace

void prometheus_text::head(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  ((text_ += "# HELP ") += name) += ' ';
  escape(text_, help, false);
  ((((text_ += "\n# TYPE ") += name) += ' ') += type) += '\n';
}

void prometheus_text::line(std::string_view suffix, const labels& of, double value) {
  (text_ += name_) += suffix;
  if (!of.empty()) {
    char before = '{';
    for (const auto& [key, word] : of) {
      ((text_ += before) += key) += "=\"";
      escape(text_, word, true);
      text_ += '"';
      before = ',';
    }
    text_ += '}';
  }
  ((text_ += ' ') += number(value)) += '\n';
}

void prometheus_text::sample(const labels& of, double value) {
  line("", of, value);
}

void prometheus_text::buckets(const labels& of, const histogram& h, double scale) {
  std::uint64_t sum = 0;
  auto with_bound = of;
  with_bound.emplace_back("le", "");
  const auto bounds = h.bounds();
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    sum += h.count(i);
    with_bound.back().second = i < bounds.size() ? number(bounds[i] * scale) : "+Inf";
    line("_bucket", with_bound, static_cast<double>(sum));
  }
  line("_sum", of, h.sum() * scale);
  line("_count", of, static_cast<double>(sum));
}

} // namespace muster
