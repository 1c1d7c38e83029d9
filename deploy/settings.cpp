// Reads settings with yaml-cpp, from the environment and from flags; every refusal is one line that says what to do.
#include "deploy/settings.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <yaml-cpp/yaml.h>

namespace muster::cli {

namespace {

class yaml_settings {
public:
  yaml_settings(const std::string& path, setting_table& into) : path_(path), into_(into) {
    // nop
  }

  failure refuse(const YAML::Mark& at, const std::string& what) const {
    const auto place = at.is_null() ? std::string{} : ":" + std::to_string(at.line + 1);
    return failure{ec::parameter_invalid, "configuration " + path_ + place + ": " + what};
  }

  /// Takes all settings below `node`, whose keys begin with `prefix`.
  result<unit> take(const YAML::Node& node, const std::string& prefix) {
    for (const auto& entry : node) {
      const auto at = entry.first.Mark();
      if (!entry.first.IsScalar())
        return refuse(at, "a setting's name must be text");
      const auto key = prefix + entry.first.Scalar();
      auto done = entry.second.IsMap() && find_setting(key) == nullptr ? take(entry.second, key + ".")
                                                                        : take_value(at, key, entry.second);
      if (!done)
        return done;
    }
    return unit{};
  }

private:
  result<unit> take_value(const YAML::Mark& at, const std::string& key, const YAML::Node& node) {
    std::string text;
    if (node.IsSequence())
      for (const auto& part : node)
        text += (text.empty() ? "" : ",") + (part.IsScalar() ? part.Scalar() : std::string{});
    else if (node.IsScalar())
      text = node.Scalar();
    const auto* spec = find_setting(key);
    if (spec != nullptr && std::find(seen_.begin(), seen_.end(), spec) != seen_.end())
      return refuse(at, std::string{spec->key} + " stands there twice; keep one");
    seen_.push_back(spec);
    if (auto kept = into_.set(key, text, setting_origin::file); !kept)
      return refuse(at, kept.error().text);
    return unit{};
  }

  const std::string& path_;
  setting_table& into_;
  std::vector<const setting_spec*> seen_;
};

} // namespace

result<unit> read_settings_file(const std::string& path, setting_table& into) {
  std::ifstream file{path};
  if (!file)
    return failure{ec::file_not_found, "configuration " + path + ": it cannot be opened; check the path"};
  std::ostringstream content;
  content << file.rdbuf();
  if (file.bad())
    return failure{ec::io_failed, "configuration " + path + ": it cannot be read; is it a file?"};
  yaml_settings reader{path, into};
  try {
    const auto root = YAML::Load(content.str());
    if (root.IsNull())
      return unit{};
    if (!root.IsMap())
      return reader.refuse(root.Mark(), "it is no list of settings; write lines like \"node_gone_ms: 1500\"");
    return reader.take(root, "");
  } catch (const YAML::Exception& wrong) {
    return reader.refuse(wrong.mark, "it is no YAML: " + wrong.msg);
  }
}

result<unit> read_settings_environment(setting_table& into) {
  for (const auto& spec : setting_specs()) {
    const auto variable = setting_variable(spec.key);
    const auto* text = std::getenv(variable.c_str());
    if (text == nullptr)
      continue;
    if (auto kept = into.set(spec.key, text, setting_origin::environment); !kept)
      return failure{kept.error().code, "environment variable " + variable + ": " + kept.error().text};
  }
  return unit{};
}

result<unit> read_settings_flags(const std::vector<std::string>& flags, setting_table& into) {
  for (const auto& flag : flags) {
    const auto equals = flag.find('=');
    if (equals == flag.npos || equals == 0)
      return failure{ec::parameter_invalid, "--set " + flag + ": write --set KEY=VALUE, such as --set node_gone_ms=3000"};
    if (auto kept = into.set(flag.substr(0, equals), flag.substr(equals + 1), setting_origin::flag); !kept)
      return failure{kept.error().code, "--set " + flag + ": " + kept.error().text};
  }
  return unit{};
}

} // namespace muster::cli
