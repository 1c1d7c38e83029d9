// Reads the command line and the table of commands that look inside into plain data.
#include "deploy/described.hpp"

#include "actors/core/settings.hpp"
#include "deploy/cli.hpp"
#include "deploy/completion.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <sstream>

namespace muster::cli {

namespace {

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  std::istringstream in{text};
  for (std::string part; std::getline(in, part, at);)
    if (!part.empty())
      out.push_back(part);
  return out;
}

/// "a|b|c" as choices; nothing when it is the name of a value, such as FILE.
std::vector<std::string> choices_of(const std::string& text) {
  const bool named = std::any_of(text.begin(), text.end(), [](unsigned char c) { return std::isupper(c) != 0 || c == ' ' || c == '('; });
  return named || text.find('|') == std::string::npos ? std::vector<std::string>{} : split(text, '|');
}

/// A field of a request may be given by its name or in its place: then there are two of one.
described_option option_of(const CLI::Option& o, bool in_place) {
  described_option out;
  out.meaning = o.get_description();
  out.required = o.get_required();
  out.variable = o.get_envname();
  if (in_place) {
    out.names.push_back(o.get_name(true, false));
  } else {
    for (const auto& name : o.get_snames())
      out.names.push_back("-" + name);
    for (const auto& name : o.get_lnames())
      out.names.push_back("--" + name);
  }
  if (o.get_items_expected_max() == 0)
    return out;
  out.many = o.get_expected_max() > 1;
  out.value = o.get_type_name();
  out.fallback = o.get_default_str();
  // "TEXT:text|json" is a type and its check, "HOST:PORT" is a type.
  out.choices = choices_of(out.value.substr(out.value.rfind(':') + 1));
  if (!out.choices.empty())
    out.value = out.value.substr(out.value.rfind(':') + 1);
  return out;
}

/// Options that the table has in its usage only: "--sort name|rate", "[--type TYPE]...", "-f".
void read_usage(const inside_command& c, described_command& into) {
  std::istringstream in{c.usage};
  described_option* open = nullptr;
  for (std::string word; in >> word;) {
    const auto many = word.ends_with("...");
    const bool closed = word.find(']') != std::string::npos;
    std::erase_if(word, [](char each) { return each == '[' || each == ']'; });
    if (many)
      word.resize(word.size() - 3);
    if (word.starts_with("-")) {
      const bool there = std::any_of(into.options.begin(), into.options.end(),
                                     [&](const auto& o) { return std::find(o.names.begin(), o.names.end(), word) != o.names.end(); });
      if (there) {
        open = nullptr;
        continue;
      }
      into.options.push_back({{word}, {}, {}, {}, {}, {}, false, many});
      open = closed ? nullptr : &into.options.back();
    } else if (open != nullptr) {
      open->value = word;
      open->choices = choices_of(word);
      open->many = many;
      open = nullptr;
    }
  }
  for (const auto what : c.words) {
    described_option place;
    place.choices = fixed_words(c.name, what);
    if (what == noun::setting)
      for (const auto& spec : setting_specs())
        place.choices.emplace_back(spec.key);
    place.value = what == noun::file ? "FILE" : "WORD";
    into.places.push_back(std::move(place));
  }
}

described_command command_of(const CLI::App& app, const std::string& name) {
  described_command out;
  out.name = name;
  out.meaning = app.get_description();
  out.notes = app.get_footer();
  for (const auto* o : app.get_options()) {
    if (o->get_positional())
      out.places.push_back(option_of(*o, true));
    if (!o->get_lnames().empty() || !o->get_snames().empty())
      out.options.push_back(option_of(*o, false));
  }
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    out.commands.push_back(command_of(*sub, name.empty() ? sub->get_name() : name + " " + sub->get_name()));
  std::sort(out.commands.begin(), out.commands.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  if (const auto* inside = find_inside_command(name)) {
    out.notes.clear(); // they are its usage and example
    out.usage = inside->usage;
    out.example = inside->example;
    read_usage(*inside, out);
  }
  return out;
}

} // namespace

described_command describe_command_line() {
  unsetenv("MUSTER_COORDINATOR"); // else the defaults would be those of whoever asks
  unsetenv("MUSTER_STORE");
  described_command out;
  with_command_line([&](const CLI::App& app) { out = command_of(app, {}); });
  return out;
}

} // namespace muster::cli
