// Reads settings with yaml-cpp; every refusal is one line that says what to do.
#include "deploy/settings.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <numeric>
#include <sstream>
#include <string_view>
#include <vector>
#include <yaml-cpp/yaml.h>

namespace muster::cli {

namespace {

struct setting {
  std::string_view key;
  std::int64_t lowest;
  std::int64_t highest;
  std::string_view meaning;
  void (*put)(settings&, std::int64_t);
};

constexpr setting known[] = {
    {"node_gone_ms", 100, 3'600'000, "milliseconds for which the segments of a silent node are kept for it",
     [](settings& to, std::int64_t value) { to.node_gone = std::chrono::milliseconds{value}; }},
};

// Levenshtein's distance: how many letters must change.
std::size_t letters_apart(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

const setting& nearest(std::string_view key) {
  return *std::min_element(std::begin(known), std::end(known),
                           [&](auto& a, auto& b) { return letters_apart(key, a.key) < letters_apart(key, b.key); });
}

} // namespace

result<settings> read_settings(const std::string& path) {
  auto refuse = [&](const YAML::Mark& at, const std::string& what) {
    const auto place = at.is_null() ? std::string{} : ":" + std::to_string(at.line + 1);
    return failure{ec::parameter_invalid, "configuration " + path + place + ": " + what};
  };
  std::ifstream file{path};
  if (!file)
    return failure{ec::file_not_found, "configuration " + path + ": it cannot be opened; check the path"};
  std::ostringstream content;
  content << file.rdbuf();
  if (file.bad())
    return failure{ec::io_failed, "configuration " + path + ": it cannot be read; is it a file?"};
  settings out;
  try {
    const auto root = YAML::Load(content.str());
    if (root.IsNull())
      return out;
    if (!root.IsMap())
      return refuse(root.Mark(), "it is no list of settings; write lines like \"node_gone_ms: 1500\"");
    std::vector<std::string> seen;
    for (const auto& entry : root) {
      const auto at = entry.first.Mark();
      if (!entry.first.IsScalar())
        return refuse(at, "a setting's name must be text");
      const auto key = entry.first.Scalar();
      const auto found = std::find_if(std::begin(known), std::end(known), [&](auto& x) { return x.key == key; });
      if (found == std::end(known))
        return refuse(at, "unknown setting \"" + key + "\"; did you mean \"" + std::string{nearest(key).key} + "\"?");
      if (std::find(seen.begin(), seen.end(), key) != seen.end())
        return refuse(at, key + " stands there twice; keep one");
      seen.push_back(key);
      const auto text = entry.second.IsScalar() ? entry.second.Scalar() : std::string{};
      std::int64_t value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < found->lowest
          || value > found->highest)
        return refuse(at, key + " is \"" + text + "\"; give whole " + std::string{found->meaning} + ", from "
                              + std::to_string(found->lowest) + " to " + std::to_string(found->highest));
      found->put(out, value);
    }
  } catch (const YAML::Exception& wrong) {
    return refuse(wrong.mark, "it is no YAML: " + wrong.msg);
  }
  return out;
}

} // namespace muster::cli
