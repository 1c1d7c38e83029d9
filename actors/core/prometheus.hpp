// The text format of Prometheus.
#pragma once

#include "actors/core/figures.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

/// Writes families one after the other; the samples of a family follow its head.
class prometheus_text {
public:
  using labels = std::vector<std::pair<std::string_view, std::string>>;

  void gauge(std::string_view name, std::string_view help) {
    head(name, "gauge", help);
  }

  void counter(std::string_view name, std::string_view help) {
    head(name, "counter", help);
  }

  /// One sample of the family begun last.
  void sample(const labels& of, double value);
  void sample(double value) {
    sample({}, value);
  }

  /// A family of histograms: its head, then one for each set of labels.
  void histogram_family(std::string_view name, std::string_view help) {
    head(name, "histogram", help);
  }
  /// `scale`: what an observed value is multiplied with to be in the unit of the name.
  void buckets(const labels& of, const histogram& h, double scale = 1);

  std::string take() {
    return std::move(text_);
  }

private:
  void head(std::string_view name, std::string_view type, std::string_view help);
  void line(std::string_view suffix, const labels& of, double value);

  std::string text_;
  std::string name_;
};

} // namespace muster
