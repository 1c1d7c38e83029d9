// Completion for bash and zsh, written from the described command line.
#include "deploy/described.hpp"

#include <algorithm>

namespace muster::cli {

namespace {

/// A text between single quotes of a shell.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text)
    out += c == '\'' ? std::string{"'\\''"} : std::string(1, c);
  return out + "'";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words)
    out += (out.empty() ? "" : " ") + word;
  return out;
}

bool has_value(const described_option& o) {
  return !o.value.empty();
}

// -- bash -------------------------------------------------------------------------

/// Words that a value can be, or what kind of file; empty: anything.
std::string values(const described_option& o) {
  if (!o.choices.empty())
    return joined(o.choices);
  if (o.value == "FILE")
    return ":file";
  return o.value == "DIR" ? ":folder" : "";
}

void bash_command(const described_command& c, std::string& table, std::string& known) {
  std::vector<std::string> options;
  std::vector<std::string> valued;
  for (const auto& o : c.options)
    for (const auto& name : o.names) {
      options.push_back(name);
      if (!has_value(o))
        continue;
      valued.push_back(name);
      if (const auto some = values(o); !some.empty())
        known += "    " + quoted(c.name + " " + name) + ") values=" + quoted(some) + " ;;\n";
    }
  table += "    " + quoted(c.name) + ") options=" + quoted(joined(options)) + " valued=" + quoted(joined(valued)) + " ;;\n";
  std::size_t place = 0;
  for (const auto& p : c.places) {
    const auto at = p.many ? std::string{"*"} : std::to_string(++place);
    if (const auto some = values(p); !some.empty())
      known += "    " + quoted(c.name + " ") + at + ") values=" + quoted(some) + " ;;\n";
  }
  if (!c.commands.empty()) {
    std::vector<std::string> names;
    for (const auto& sub : c.commands)
      names.push_back(sub.name.substr(sub.name.rfind(' ') + 1));
    known += "    " + quoted(c.name + " 1") + ") values=" + quoted(joined(names)) + " ;;\n";
  }
  for (const auto& sub : c.commands)
    bash_command(sub, table, known);
}

constexpr const char* bash_begin = R"(# Completion of muster for bash; written by `muster completion bash`.

# What a command has: _muster_options COMMAND sets `options`, and in `valued` those of them that take a value.
_muster_options() {
  options='' valued=''
  case $1 in
)";

constexpr const char* bash_values = R"(  esac
}

# What can stand behind an option of a command, or in a place of it: _muster_values COMMAND OPTION|PLACE sets `values`.
_muster_values() {
  values=''
  case "$1 $2" in
)";

constexpr const char* bash_end = R"(  esac
}

_muster() {
  local word=${COMP_WORDS[COMP_CWORD]} command='' place=0 pending='' options valued values i each
  COMPREPLY=()
  _muster_options ''
  for ((i = 1; i < COMP_CWORD; ++i)); do
    each=${COMP_WORDS[i]}
    if [[ $each == '=' ]]; then
      continue
    elif [[ -n $pending ]]; then
      pending=''
    elif [[ $each == -* ]]; then
      [[ " $valued " != *" $each "* ]] || pending=$each
    else
      # The name of a command, as long as that names one; then words in places.
      _muster_values "$command" 1
      if ((place == 0)) && { [[ -z $command ]] || { [[ $command == @(COMMANDS_WITH_COMMANDS) ]] && [[ " $values " == *" $each "* ]]; }; }; then
        command=${command:+$command }$each
        _muster_options "$command"
      else
        ((++place))
      fi
    fi
  done
  [[ $word != '=' ]] || word='' # behind --option=
  if [[ -n $pending ]]; then
    _muster_values "$command" "$pending"
  elif [[ $word == -* ]]; then
    values=$options
  else
    _muster_values "$command" $((place + 1))
    [[ -n $values || -n $word ]] || values=$options
  fi
  case $values in
    :file)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      ;;
    :folder)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$word")
      ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$values" -- "$word") ;;
  esac
}

complete -F _muster muster
)";

// -- zsh --------------------------------------------------------------------------

/// A text inside of a specification of _arguments, where [ ] and : have a meaning.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\')
      out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const described_option& o) {
  if (!o.choices.empty())
    return "(" + joined(o.choices) + ")";
  if (o.value == "FILE")
    return "_files";
  return o.value == "DIR" ? "_files -/" : " ";
}

std::string zsh_arguments(const described_command& c, const std::string& indent) {
  std::string out;
  const auto add = [&](const std::string& spec) { out += " \\\n" + indent + "  " + quoted(spec); };
  for (const auto& o : c.options)
    for (const auto& name : o.names) {
      // Between --name and a value may be a blank or =; -n takes a blank.
      const auto head = (o.many ? "*" : "") + name + (has_value(o) && name.starts_with("--") ? "=" : "");
      add(head + (o.meaning.empty() ? "" : "[" + zsh_text(o.meaning) + "]")
          + (has_value(o) ? ":" + zsh_text(o.choices.empty() ? o.value : "one of") + ":" + zsh_action(o) : ""));
    }
  for (const auto& p : c.places) {
    const auto name = p.names.empty() ? std::string{"word"} : p.names.front();
    // Where nothing is known of a word, a message would keep options from being inserted; {false} offers nothing and says nothing.
    const auto action = zsh_action(p);
    add((p.many ? "*:" : p.required ? ":" : "::") + zsh_text(name) + ":" + (action == " " ? "{false}" : action));
  }
  return out;
}

void zsh_command(const described_command& c, const std::string& indent, std::string& out) {
  const auto name = c.name.substr(c.name.rfind(' ') + 1);
  out += indent + quoted(name) + ")\n";
  const auto inner = indent + "  ";
  if (c.commands.empty()) {
    out += inner + "_arguments -s" + zsh_arguments(c, inner) + "\n" + inner + ";;\n";
    return;
  }
  std::string choices;
  for (const auto& sub : c.commands)
    choices += (choices.empty() ? "" : " ") + sub.name.substr(sub.name.rfind(' ') + 1);
  out += inner + "_arguments -s -C" + zsh_arguments(c, inner) + " \\\n" + inner + "  '1:command:(" + choices + ")' '*::argument:->inner'\n";
  out += inner + "if [[ $state == inner ]]; then\n" + inner + "  case $words[1] in\n";
  for (const auto& sub : c.commands)
    zsh_command(sub, inner + "    ", out);
  out += inner + "  esac\n" + inner + "fi\n" + inner + ";;\n";
}

} // namespace

std::string bash_completion(const described_command& program) {
  std::string table;
  std::string known;
  bash_command(program, table, known);
  std::string nested;
  for (const auto& c : program.commands)
    if (!c.commands.empty())
      nested += (nested.empty() ? "" : "|") + c.name;
  std::string end = bash_end;
  const std::string mark = "COMMANDS_WITH_COMMANDS";
  end.replace(end.find(mark), mark.size(), nested);
  return bash_begin + table + bash_values + known + end;
}

std::string zsh_completion(const described_command& program) {
  std::string out = "#compdef muster\n# Completion of muster for zsh; written by `muster completion zsh`.\n\n"
                    "_muster() {\n  local state line\n  typeset -A opt_args\n  local -a commands\n  commands=(\n";
  for (const auto& c : program.commands)
    out += "    " + quoted(zsh_text(c.name) + ":" + c.meaning) + "\n";
  out += "  )\n  _arguments -s -C" + zsh_arguments(program, "  ")
         + " \\\n    '1:command:->command' '*::argument:->argument'\n"
           "  case $state in\n    command) _describe -t commands command commands ;;\n    argument)\n      case $words[1] in\n";
  for (const auto& c : program.commands)
    zsh_command(c, "        ", out);
  return out + "      esac\n      ;;\n  esac\n}\n\n_muster \"$@\"\n";
}

} // namespace muster::cli
