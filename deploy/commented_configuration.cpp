// deploy/coordinator.yaml: every setting of the table as a comment, with what it means, its bounds and its default.
#include "actors/core/settings.hpp"
#include "deploy/described.hpp"

#include <array>
#include <charconv>

namespace muster::cli {

namespace {

constexpr const char* begin = R"(# Settings of a coordinator; `muster coordinator --config FILE` reads them. Written by `muster commented-configuration`.
#
# Every setting stands here with its default as a comment that begins with "#" and no blank: take the "#" away and change the value.
# As it is this file changes nothing. An unknown key, a value out of bounds and a key that stands here twice are refused at the start,
# with the line. Keys may also be nested: "queryCoord:" and below it, indented, "balancer: ...".
#
# More binding than this file are, in this order: an environment variable (MUSTER_ and the key in capitals, a dot becomes "_", such as
# MUSTER_QUERYCOORD_BALANCER or MUSTER_NODE_GONE_MS), a flag (--set KEY=VALUE), and what was set at run time (muster set KEY VALUE), which
# is durable. `muster settings` shows each value in force and where it comes from.
#
# Where the coordinator listens and keeps its files is no setting but said by its flags, which this file cannot have: --listen, --http,
# --data, --store and others, all in `muster coordinator --help`. With the unit of systemd they are given in /etc/muster/coordinator.env:
# MUSTER_LISTEN, MUSTER_HTTP, and any others in MUSTER_COORDINATOR_FLAGS.
)";

constexpr const char* active = R"(
# -- settings that act ------------------------------------------------------------
# At once: a change at run time counts from the next decision on. At start: read when the coordinator starts.
)";

constexpr const char* ignored = R"(
# -- known, and without effect ----------------------------------------------------
# Settings of the model that have nothing to do here; each says why. Given, they are accepted, with a warning in the log at the start.
)";

std::string number(double value) {
  std::array<char, 64> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return {text.data(), end};
}

std::string kind(const setting_spec& s) {
  const auto unit = s.unit.empty() ? std::string{} : " " + std::string{s.unit};
  switch (s.type) {
    case setting_type::boolean:
      return "true or false";
    case setting_type::integer:
      return "whole number from " + number(s.lowest) + unit + " to " + number(s.highest) + unit;
    case setting_type::number:
      return "number from " + number(s.lowest) + unit + " to " + number(s.highest) + unit;
    case setting_type::choice: {
      std::string out = "one of ";
      for (char c : s.choices)
        out += c == ',' ? std::string{", "} : std::string(1, c);
      return out;
    }
    case setting_type::list:
      return "list of names: [a, b]";
    case setting_type::text:
      break;
  }
  return "text";
}

std::string value(const setting_spec& s) {
  if (s.type == setting_type::list)
    return s.fallback.empty() ? "[]" : "[" + std::string{s.fallback} + "]";
  return s.fallback.empty() ? "\"\"" : std::string{s.fallback};
}

std::string line(const setting_spec& s) {
  return "#" + std::string{s.key} + ": " + value(s) + "\n";
}

std::string text_of_default(const setting_spec& s) {
  if (s.fallback.empty())
    return s.type == setting_type::list ? "none" : "empty";
  return std::string{s.fallback} + (s.unit.empty() ? "" : " " + std::string{s.unit});
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

bool acts(const setting_spec& s) {
  return s.use == setting_use::at_once || s.use == setting_use::at_start;
}

/// Why it does nothing; the meaning of one that belongs to another part says what there is instead.
std::string excuse(const setting_spec& s) {
  switch (s.use) {
    case setting_use::driven_by_change:
      return "driven by change: there is no interval to set";
    case setting_use::unused_in_model:
      return "the model does not read it either";
    case setting_use::other_part:
      return "a part that Muster does not have; instead: " + std::string{s.meaning};
    default:
      return "not in this version: " + std::string{s.meaning};
  }
}

} // namespace

std::string commented_configuration() {
  std::string out = begin;
  out += active;
  for (const auto& s : setting_specs()) {
    if (!acts(s))
      continue;
    out += "\n# " + capital(std::string{s.meaning}) + ".\n# " + capital(kind(s)) + "; default " + text_of_default(s) + "; "
           + (s.use == setting_use::at_once ? "at once" : "at start") + ".\n" + line(s);
  }
  out += ignored;
  for (const auto& s : setting_specs())
    if (!acts(s))
      out += "\n# " + capital(excuse(s)) + (s.type == setting_type::text ? "" : "; " + kind(s)) + "; default " + text_of_default(s) + ".\n" + line(s);
  return out;
}

} // namespace muster::cli
