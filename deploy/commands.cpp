// The table, its arguments, and what its commands share.
#include "deploy/commands.hpp"

#include "deploy/progress.hpp"

#include <capnp/compat/json.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <csignal>
#include <ctime>
#include <iostream>

namespace muster::cli {

// -- arguments --------------------------------------------------------------------

bool arguments::flag(const std::string& name) {
  return std::erase(words_, name) > 0;
}

std::vector<std::string> arguments::values(const std::string& name) {
  std::vector<std::string> out;
  for (auto i = words_.begin(); i != words_.end();) {
    if (i->starts_with(name + "=")) {
      out.push_back(i->substr(name.size() + 1));
      i = words_.erase(i);
    } else if (*i == name) {
      if (i + 1 == words_.end())
        throw command_error{usage, name + " needs a value"};
      out.push_back(*(i + 1));
      i = words_.erase(i, i + 2);
    } else {
      ++i;
    }
  }
  return out;
}

std::optional<std::string> arguments::value(const std::string& name) {
  auto all = values(name);
  return all.empty() ? std::nullopt : std::optional{all.back()};
}

std::int64_t arguments::number(const std::string& name, std::int64_t otherwise, std::int64_t lowest, std::int64_t highest) {
  const auto text = value(name);
  if (!text)
    return otherwise;
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), n);
  if (error != std::errc{} || end != text->data() + text->size() || n < lowest || n > highest)
    throw command_error{usage, name + " is \"" + *text + "\"; a whole number from " + std::to_string(lowest) + " to "
                                 + std::to_string(highest) + " is expected"};
  return n;
}

double arguments::seconds(const std::string& name, double otherwise) {
  const auto text = value(name);
  if (!text)
    return otherwise;
  char* end = nullptr;
  const auto n = std::strtod(text->c_str(), &end);
  if (text->empty() || *end != '\0' || !(n >= 0 && n <= 86'400))
    throw command_error{usage, name + " is \"" + *text + "\"; seconds from 0 to 86400 are expected"};
  return n;
}

std::string arguments::word(const std::string& what) {
  if (words_.empty())
    throw command_error{usage, what + " is missing"};
  auto first = std::move(words_.front());
  words_.erase(words_.begin());
  if (first.size() > 1 && first.front() == '-')
    throw command_error{usage, "there is no option " + first};
  return first;
}

std::string arguments::word_or(const std::string& otherwise) {
  return words_.empty() ? otherwise : word("a word");
}

void arguments::end() const {
  if (words_.empty())
    return;
  const auto& first = words_.front();
  throw command_error{usage, first.size() > 1 && first.front() == '-' ? "there is no option " + first : "\"" + first + "\" is too much"};
}

// -- the table --------------------------------------------------------------------

const std::vector<inside_command>& inside_commands() {
  static const std::vector<inside_command> all = [] {
    std::vector<inside_command> table;
    add_actor_commands(table);
    add_cluster_commands(table);
    add_event_commands(table);
    add_overview_commands(table);
    add_tap_commands(table);
    add_control_commands(table);
    add_top_command(table);
    std::sort(table.begin(), table.end(), [](const auto& a, const auto& b) { return std::string_view{a.name} < b.name; });
    return table;
  }();
  return all;
}

const inside_command* find_inside_command(const std::string& name) {
  for (const auto& c : inside_commands())
    if (name == c.name)
      return &c;
  return nullptr;
}

const std::vector<std::string>& subjects() {
  static const std::vector<std::string> all{"segment", "channel", "replica", "collection", "node", "task"};
  return all;
}

// -- shared -----------------------------------------------------------------------

std::string known_names::node(std::int64_t id) const {
  const auto i = nodes.find(id);
  return i == nodes.end() ? "node " + std::to_string(id) : i->second;
}

std::string known_names::collection(std::int64_t id) const {
  const auto i = collections.find(id);
  return i == collections.end() ? "collection " + std::to_string(id) : i->second;
}

known_names names_of(session& s) {
  known_names out;
  const auto status = s.ask<schema::GetStatusRequest>();
  for (auto n : status->getNodes())
    out.nodes[n.getId()] = view(n.getName());
  for (auto c : status->getCollections())
    out.collections[c.getId()] = view(c.getName());
  return out;
}

std::int64_t node_id(session& s, const std::string& name) {
  for (const auto& [id, known] : names_of(s).nodes)
    if (known == name || std::to_string(id) == name)
      return id;
  throw command_error{failure{ec::node_not_found, "no node is named " + name + "; `muster nodes` lists them"}};
}

std::string reply_json(capnp::DynamicStruct::Reader reply) {
  capnp::JsonCodec codec;
  const auto text = codec.encode(reply);
  return {text.cStr(), text.size()};
}

std::string paragraph(const std::string& name, const std::string& value) {
  constexpr std::size_t left = 14;
  constexpr std::size_t right = 79;
  const auto indent = name.empty() ? 0 : left;
  auto line = name.empty() ? std::string{} : name + std::string(name.size() < left ? left - name.size() : 1, ' ');
  std::string out;
  bool begun = false;
  for (std::size_t at = 0; at < value.size();) {
    const auto end = std::min(value.find(' ', at), value.size());
    const auto word = value.substr(at, end - at);
    if (begun && line.size() + 1 + word.size() > right) {
      out += line + "\n";
      line = std::string(indent, ' ');
      begun = false;
    }
    line += (begun ? " " : "") + word;
    begun = true;
    at = end + 1;
  }
  return begun ? out + line + "\n" : out;
}

void print(const command_context& c, const std::string& text) {
  if (c.width == 0) {
    std::cout << text << std::flush;
    return;
  }
  std::string out;
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n')
      column = 0;
    else if ((byte & 0xc0) != 0x80 && ++column > c.width)
      continue;
    else if (column > c.width)
      continue;
    out += text[i];
  }
  std::cout << out << std::flush;
}

void hold_interrupts() {
  interrupted = false;
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = true; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void release_interrupts() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool was_interrupted() {
  return interrupted;
}

std::string duration_text(std::int64_t ms) {
  if (ms < 0)
    return "unknown";
  if (ms < 1'000)
    return std::to_string(ms) + " ms";
  if (ms < 120'000)
    return fixed(static_cast<double>(ms) / 1'000, 1) + " s";
  if (ms < 7'200'000)
    return std::to_string(ms / 60'000) + " min";
  return std::to_string(ms / 3'600'000) + " h";
}

std::string time_text(std::int64_t ns) {
  const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(ns / 1'000'000 % 1'000));
  return text;
}

} // namespace muster::cli
