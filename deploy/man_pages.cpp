// Manual pages in roff, written from the described command line.
#include "deploy/described.hpp"
#include "messages/version.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace muster::cli {

namespace {

/// Text that roff prints as it is.
std::string roff(const std::string& text) {
  std::string out;
  for (char c : text)
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '"':
        out += "\\(dq";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '^':
        out += "\\(ha";
        break;
      default:
        out += c;
    }
  return out.starts_with(".") ? "\\&" + out : out;
}

std::string bold(const std::string& text) {
  return "\\fB" + roff(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + roff(text) + "\\fR";
}

std::string value_of(const described_option& o) {
  return o.choices.empty() ? italic(o.value) : roff(o.value);
}

std::string option(const described_option& o) {
  std::string names;
  for (const auto& name : o.names)
    names += (names.empty() ? "" : ", ") + bold(name);
  std::string out = ".TP\n" + names + (o.value.empty() ? "" : " " + value_of(o)) + "\n";
  std::string text = o.meaning;
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (o.required)
    add("required");
  if (o.many && text.find("repeated") == std::string::npos && text.find("several times") == std::string::npos)
    add("may be repeated");
  if (!o.fallback.empty())
    add("default: " + o.fallback);
  if (!o.variable.empty())
    add("also from " + o.variable);
  return out + (text.empty() ? "\\&" : roff(text)) + "\n";
}

std::string options(const std::vector<described_option>& all) {
  std::string out;
  for (const auto& o : all)
    out += option(o);
  return out;
}

std::string places(const std::vector<described_option>& all) {
  std::string out;
  for (const auto& p : all)
    if (!p.names.empty() && !p.meaning.empty())
      out += ".TP\n" + italic(p.names.front()) + "\n" + roff(p.meaning + (p.fallback.empty() ? "" : "; default: " + p.fallback)) + "\n";
  return out;
}

std::string synopsis(const described_command& c) {
  if (!c.usage.empty()) {
    const auto blank = c.usage.find(' ');
    return ".B muster " + roff(c.usage.substr(0, blank)) + "\n" + (blank == std::string::npos ? "" : roff(c.usage.substr(blank + 1)) + "\n");
  }
  std::string out = ".B muster " + roff(c.name) + "\n";
  for (const auto& o : c.options)
    if (o.required)
      out += bold(o.names.back()) + (o.value.empty() ? "" : " " + value_of(o)) + "\n";
  out += "[" + italic("OPTION") + "]...\n";
  for (const auto& p : c.places)
    if (!p.names.empty())
      out += (p.required ? italic(p.names.front()) : "[" + italic(p.names.front()) + "]") + (p.many ? "..." : "") + "\n";
  if (!c.commands.empty())
    out += italic("COMMAND") + "\n";
  return out;
}

/// "Exit codes:" and below it "  0  done" become a section with its items; other lines are paragraphs.
std::string notes(const std::string& text) {
  std::string out;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) {
    if (line.empty())
      continue;
    const auto gap = line.find("  ", 2);
    if (line.ends_with(":") && line.find(' ') != 0) {
      std::string heading = line.substr(0, line.size() - 1);
      std::transform(heading.begin(), heading.end(), heading.begin(), [](unsigned char c) { return std::toupper(c); });
      out += ".SH " + roff(heading) + "\n";
    } else if (line.starts_with("  ") && gap != std::string::npos) {
      out += ".TP\n" + bold(line.substr(2, gap - 2)) + "\n" + roff(line.substr(line.find_first_not_of(' ', gap))) + "\n";
    } else {
      out += ".PP\n" + roff(line) + "\n";
    }
  }
  return out;
}

std::string sentence(std::string text) {
  if (!text.empty() && !text.ends_with("."))
    text += '.';
  return roff(text);
}

/// What stands behind "name -" in NAME: begins small, as others do.
std::string short_meaning(std::string text) {
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0)
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return roff(text);
}

std::string head(const std::string& page, const std::string& meaning) {
  std::string capitals = page;
  std::transform(capitals.begin(), capitals.end(), capitals.begin(), [](unsigned char c) { return std::toupper(c); });
  return ".\\\" Written by `muster man`; do not change it by hand.\n.TH " + roff(capitals) + " 1 \"\" \"muster "
         + std::string{program_version} + "\" \"Muster\"\n.nh\n.ad l\n.SH NAME\n" + roff(page) + " \\- " + short_meaning(meaning) + "\n";
}

std::string of_program(const described_command& program) {
  const auto colon = program.meaning.find(": ");
  std::string out = head("muster", colon == std::string::npos ? program.meaning : program.meaning.substr(colon + 2));
  out += ".SH SYNOPSIS\n.B muster\n" + italic("COMMAND") + "\n[" + italic("ARGUMENT") + "]...\n.br\n.B muster\n[" + bold("--help")
         + " | " + bold("--version") + "]\n";
  out += ".SH DESCRIPTION\nMuster is a query coordinator for vector databases: it decides which query node serves which segment and "
         "channel, makes it so, and keeps it so.\nEach command has a page of its own, such as " + bold("muster-load") + "(1).\n";
  out += ".SH COMMANDS\n";
  for (const auto& c : program.commands)
    out += ".TP\n" + bold(c.name) + "\n" + sentence(c.meaning) + "\n";
  out += ".SH OPTIONS\n" + options(program.options) + notes(program.notes);
  return out + ".SH SEE ALSO\n" + bold("muster-coordinator") + "(1), " + bold("muster-node") + "(1), " + bold("muster-console") + "(1)\n";
}

std::string body(const described_command& c) {
  std::string out = ".SH SYNOPSIS\n" + synopsis(c);
  for (const auto& sub : c.commands)
    out += ".br\n" + synopsis(sub);
  out += ".SH DESCRIPTION\n" + sentence(c.meaning) + "\n" + places(c.places) + ".SH OPTIONS\n" + options(c.options);
  if (!c.commands.empty()) {
    out += ".SH COMMANDS\n";
    for (const auto& sub : c.commands)
      out += ".SS " + roff(sub.name) + "\n" + sentence(sub.meaning) + "\n" + places(sub.places) + options(sub.options) + notes(sub.notes);
  }
  // Headings of its own come last: what follows would belong to them.
  if (const auto more = notes(c.notes); !more.empty())
    out += (more.starts_with(".SH") ? "" : ".SH NOTES\n") + more;
  if (!c.example.empty())
    out += ".SH EXAMPLES\n.nf\nmuster " + roff(c.example) + "\n.fi\n";
  return out;
}

} // namespace

std::string man_page_name(const std::string& command) {
  return command.empty() ? "muster" : "muster-" + command;
}

std::string man_page(const described_command& program, const std::string& name) {
  if (name.empty())
    return of_program(program);
  for (const auto& c : program.commands)
    if (c.name == name)
      return head(man_page_name(name), c.meaning) + body(c) + ".SH SEE ALSO\n" + bold("muster") + "(1) has the exit codes and the environment.\n";
  return {};
}

} // namespace muster::cli
