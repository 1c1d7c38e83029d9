// `muster completion`, `muster man`, `muster commented-configuration`: what the program can write about itself.
#include "deploy/cli.hpp"
#include "deploy/described.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

namespace muster::cli {

namespace {

struct options {
  std::string shell;
  std::string command;
  std::string to;
};

void write_page(const described_command& program, const std::string& name, const std::string& folder) {
  const auto path = folder + "/" + man_page_name(name) + ".1";
  std::ofstream file{path};
  file << man_page(program, name) << std::flush;
  if (!file)
    throw command_error{failed, path + " cannot be written: " + std::strerror(errno) + "; name a folder that is there"};
}

int man(const options& o) {
  const auto program = describe_command_line();
  if (!o.to.empty()) {
    write_page(program, {}, o.to);
    for (const auto& c : program.commands)
      write_page(program, c.name, o.to);
    return done;
  }
  const auto page = man_page(program, o.command);
  if (page.empty())
    throw command_error{usage, "there is no command " + o.command + "; muster --help lists them"};
  std::cout << page;
  return done;
}

} // namespace

void add_documents(CLI::App& app, command& chosen) {
  auto o = std::make_shared<options>();
  auto& completion = add_command(app, "completion", "Print the completion script of a shell");
  completion.add_option("shell", o->shell, "bash or zsh")->type_name("bash|zsh")->check(one_of({"bash", "zsh"}).description(""))->required();
  completion.footer("\nIn ~/.bashrc: source <(muster completion bash)\nFor zsh, once: muster completion zsh >FOLDER/_muster, with FOLDER in $fpath");
  completion.callback([o, &chosen] {
    chosen = [o] {
      const auto program = describe_command_line();
      std::cout << (o->shell == "bash" ? bash_completion(program) : zsh_completion(program));
      return done;
    };
  });

  auto& pages = add_command(app, "man", "Print a manual page in roff, of muster itself or of a command");
  auto* which = pages.add_option("command", o->command, "The command; without it: muster itself")->type_name("COMMAND");
  pages.add_option("--to", o->to, "Instead: write all pages into this folder, as muster.1, muster-load.1 and so on")
    ->type_name("DIR")
    ->excludes(which);
  pages.footer("\nTo read one: muster man load | man -l -");
  pages.callback([o, &chosen] { chosen = [o] { return man(*o); }; });

  auto& configuration = add_command(app, "commented-configuration", "Print a configuration file with every setting as a comment: meaning, bounds, default");
  configuration.callback([&chosen] {
    chosen = [] {
      std::cout << commented_configuration();
      return done;
    };
  });
}

} // namespace muster::cli
