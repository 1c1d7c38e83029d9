// Line editing, history and help around the table of commands; one connection for as long as the console runs.
#include "deploy/console.hpp"

#include "deploy/commands.hpp"
#include "deploy/completion.hpp"
#include "deploy/progress.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <histedit.h>
#include <iostream>
#include <memory>
#include <thread>
#include <sys/ioctl.h>
#include <unistd.h>

namespace muster::cli {

namespace {

constexpr int kept_lines = 1'000; // of history

std::size_t terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) == 0)
    return 0;
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 80;
}

command_context context_of(session& s, const std::string& address, bool json) {
  return {s, address, json, isatty(STDOUT_FILENO) != 0, terminal_width()};
}

/// Runs one command of the table; a wrong use says how it is used.
int run_inside(const inside_command& c, command_context& context, std::vector<std::string> words) {
  arguments a{std::move(words)};
  try {
    return c.run(context, a);
  } catch (const command_error& why) {
    release_interrupts();
    if (why.exit != usage)
      throw;
    throw command_error{usage, std::string{why.what()} + "; usage: " + c.usage};
  }
}

// -- help -------------------------------------------------------------------------

std::string help_of(const inside_command& c) {
  return paragraph("", c.help) + paragraph("  usage:", c.usage) + paragraph("  example:", c.example);
}

void help(const command_context& context, const std::vector<std::string>& words) {
  if (words.size() > 1) {
    if (const auto* c = find_inside_command(words[1])) {
      print(context, help_of(*c));
      return;
    }
    const auto all = all_commands();
    const auto i = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.first == words[1]; });
    if (i == all.end())
      print(context, "there is no command " + words[1] + "; `help` lists them all\n");
    else
      run_words({words[1], "--help"});
    return;
  }
  table t{{"COMMAND", "WHAT IT DOES"}};
  for (const auto& c : inside_commands())
    t.row({c.name, c.help});
  table others{{"COMMAND", "WHAT IT DOES"}};
  for (const auto& [name, meaning] : all_commands())
    if (find_inside_command(name) == nullptr)
      others.row({name, meaning});
  print(context, t.str() + "\nand every other command of muster:\n" + others.str()
                     + "\n`help COMMAND` shows an example. Tab completes, the arrows walk through history, Ctrl-C ends what runs,\n"
                       "`quit` or Ctrl-D ends the console.\n");
}

// -- the console --------------------------------------------------------------------

struct options {
  std::string coordinator = "127.0.0.1:7700";
  bool json = false;
};

class console {
public:
  explicit console(const options& o) : options_(o), session_(std::make_unique<session>(o.coordinator)), completion_(*session_) {
    // nop
  }

  int run() {
    setenv("MUSTER_COORDINATOR", options_.coordinator.c_str(), 1); // for commands that are not of the table
    const bool typed = isatty(STDIN_FILENO) != 0;
    greet(typed);
    return typed ? run_typed() : run_script();
  }

private:
  void greet(bool typed) {
    const auto status = session_->ask<schema::GetStatusRequest>(); // without a coordinator there is nothing to look at
    epoch_ = status->getEpoch();
    if (typed)
      std::cout << "muster " << view(status->getVersion()) << " at " << options_.coordinator << ": " << view(status->getState()) << ", epoch " << epoch_
                << "; `help` lists the commands\n";
  }

  int run_script() {
    int code = done;
    for (std::string line; std::getline(std::cin, line) && !over_;)
      if (const auto one = execute(line); one != done)
        code = one;
    return code;
  }

  int run_typed() {
    editor_ = el_init("muster", stdin, stdout, stderr);
    history_ = history_init();
    if (editor_ == nullptr || history_ == nullptr)
      throw command_error{failed, "this terminal cannot be used; set TERM to what it is"};
    HistEvent event{};
    history(history_, &event, H_SETSIZE, kept_lines);
    history(history_, &event, H_SETUNIQUE, 1);
    const auto file = history_file();
    if (!file.empty())
      history(history_, &event, H_LOAD, file.c_str());
    el_set(editor_, EL_CLIENTDATA, this);
    el_set(editor_, EL_PROMPT, +[](EditLine*) -> char* { return const_cast<char*>("muster> "); });
    el_set(editor_, EL_EDITOR, "emacs");
    el_set(editor_, EL_HIST, history, history_);
    el_set(editor_, EL_ADDFN, "complete", "complete the word", +[](EditLine* e, int) -> unsigned char {
      console* self = nullptr;
      el_get(e, EL_CLIENTDATA, &self);
      return self->complete();
    });
    el_set(editor_, EL_BIND, "^I", "complete", nullptr);
    el_set(editor_, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    read_lines();
    if (!file.empty())
      history(history_, &event, H_SAVE, file.c_str());
    history_end(history_);
    el_end(editor_);
    return done;
  }

  void read_lines() {
    while (!over_) {
      hold_interrupts(); // Ctrl-C begins a new line
      int count = 0;
      errno = 0;
      const char* line = el_gets(editor_, &count);
      const bool pressed = was_interrupted();
      release_interrupts();
      if (pressed || (line == nullptr && errno == EINTR)) {
        std::cout << "^C\n" << std::flush;
        el_reset(editor_);
        continue;
      }
      if (line == nullptr || count <= 0) {
        std::cout << "\n" << std::flush;
        return;
      }
      HistEvent event{};
      const std::string text{line, static_cast<std::size_t>(count)};
      if (text.find_first_not_of(" \t\n") != std::string::npos)
        history(history_, &event, H_ENTER, text.c_str());
      execute(text);
    }
  }

  static std::string history_file() {
    if (const char* given = std::getenv("MUSTER_HISTORY"))
      return given;
    const char* home = std::getenv("HOME");
    return home == nullptr ? std::string{} : std::string{home} + "/.muster_history";
  }

  /// One line; what goes wrong is told, and the console goes on.
  int execute(const std::string& line) {
    auto words = split_words(line);
    if (words.empty() || words[0].starts_with("#"))
      return done;
    if (words[0] == "muster") // as it would be typed in a shell
      words.erase(words.begin());
    if (words.empty())
      return done;
    const auto name = words[0];
    try {
      if (name == "quit" || name == "exit")
        over_ = true;
      else if (name == "help" || name == "?")
        help(context(false), words);
      else if (name == "history")
        show_history();
      else
        return command(name, std::move(words));
      return done;
    } catch (const command_error& why) {
      std::cout << std::flush;
      const auto text = name + ": " + why.what();
      std::cerr << (isatty(STDERR_FILENO) != 0 ? paragraph("", text) : text + "\n");
      if (why.exit == unreachable)
        wait_for_coordinator();
      return why.exit;
    } catch (const std::exception& why) {
      std::cerr << name << ": " << why.what() << '\n';
      return failed;
    }
  }

  int command(const std::string& name, std::vector<std::string> words) {
    const auto* c = find_inside_command(name);
    if (c == nullptr) {
      if (name == "coordinator" || name == "node" || name == "fleet" || name == "console")
        throw command_error{usage, "that is a process of its own; start it from a shell"};
      const auto all = all_commands();
      if (std::none_of(all.begin(), all.end(), [&](const auto& each) { return each.first == name; }))
        throw command_error{usage, "there is no such command; `help` lists them"};
      int code = failed;
      // It has an event loop of its own, and a thread can have one only.
      std::thread{[&] { code = run_words(words); }}.join();
      if (code == unreachable)
        wait_for_coordinator();
      return code;
    }
    words.erase(words.begin());
    const bool json = std::erase(words, "--json") > 0 || options_.json;
    if (std::erase(words, "--help") > 0 || std::erase(words, "-h") > 0) {
      print(context(false), help_of(*c));
      return done;
    }
    auto here = context(json);
    here.verbose = std::erase(words, "--verbose") > 0;
    const auto code = run_inside(*c, here, std::move(words));
    if (was_interrupted() && here.terminal)
      std::cout << '\n'; // behind the ^C that the terminal shows
    tell_epoch();
    return code;
  }

  command_context context(bool json) {
    return context_of(*session_, options_.coordinator, json);
  }

  /// The connection was lost: it is tried again until the coordinator is there, or Ctrl-C.
  void wait_for_coordinator() {
    std::cerr << "the coordinator at " << options_.coordinator << " does not answer; waiting for it (Ctrl-C ends the wait)\n";
    hold_interrupts();
    for (;;) {
      const auto status = session_->call<schema::GetStatusRequest>([](auto) {}, std::chrono::seconds{2});
      if (status) {
        const auto now = status.value()->getEpoch();
        std::cerr << "connected again" << (now != epoch_ ? ": the coordinator started anew, epoch " + std::to_string(now) + " (it was " + std::to_string(epoch_) + ")" : std::string{})
                  << "; what became of a change is to be looked at\n";
        epoch_ = now;
        break;
      }
      for (int i = 0; i < 5 && !was_interrupted(); ++i)
        session_->wait(session_->io().provider->getTimer().afterDelay(50 * kj::MILLISECONDS));
      if (was_interrupted() || over_ || isatty(STDIN_FILENO) == 0)
        break;
    }
    release_interrupts();
  }

  /// A restart that no command noticed, because the connection was idle then.
  void tell_epoch() {
    const auto status = session_->call<schema::GetStatusRequest>([](auto) {});
    if (!status || status.value()->getEpoch() == epoch_)
      return;
    std::cerr << "the coordinator started anew: epoch " << status.value()->getEpoch() << " (it was " << epoch_ << ")\n";
    epoch_ = status.value()->getEpoch();
  }

  void show_history() {
    HistEvent event{};
    if (history_ == nullptr)
      return;
    for (auto more = history(history_, &event, H_LAST); more != -1; more = history(history_, &event, H_PREV))
      std::cout << event.str;
  }

  /// Inserts what all candidates have in common, or lists them.
  unsigned char complete() {
    const auto* info = el_line(editor_);
    const std::string line{info->buffer, static_cast<std::size_t>(info->cursor - info->buffer)};
    const auto candidates = completion_.of(line);
    if (candidates.empty())
      return CC_ERROR;
    const auto blank = line.find_last_of(" \t");
    const auto begun = blank == std::string::npos ? line.size() : line.size() - blank - 1;
    auto common = candidates[0];
    for (const auto& c : candidates)
      common.resize(static_cast<std::size_t>(std::mismatch(common.begin(), common.end(), c.begin(), c.end()).first - common.begin()));
    if (common.size() > begun || candidates.size() == 1) {
      auto insert = common.substr(begun);
      if (candidates.size() == 1 && !common.ends_with("/"))
        insert += ' ';
      if (!insert.empty())
        el_insertstr(editor_, insert.c_str());
      return CC_REFRESH;
    }
    list(candidates);
    return CC_REDISPLAY;
  }

  static void list(const std::vector<std::string>& candidates) {
    constexpr std::size_t most = 200;
    std::size_t widest = 0;
    for (const auto& c : candidates)
      widest = std::max(widest, c.size() + 2);
    const auto width = std::max<std::size_t>(terminal_width(), 20);
    const auto columns = std::max<std::size_t>(width / widest, 1);
    std::string out = "\n";
    for (std::size_t i = 0; i < candidates.size() && i < most; ++i)
      out += candidates[i] + (i % columns + 1 == columns || i + 1 == candidates.size() ? "\n" : std::string(widest - candidates[i].size(), ' '));
    if (candidates.size() > most)
      out += "\nand " + std::to_string(candidates.size() - most) + " more\n";
    std::cout << out << std::flush;
  }

  options options_;
  std::unique_ptr<session> session_;
  completion completion_;
  EditLine* editor_ = nullptr;
  History* history_ = nullptr;
  std::uint64_t epoch_ = 0;
  bool over_ = false;
};

} // namespace

void add_inside_commands(CLI::App& app, command& chosen) {
  for (const auto& c : inside_commands()) {
    auto o = std::make_shared<options>();
    auto& sub = add_command(app, c.name, c.help);
    sub.allow_extras();
    sub.add_flag("--json", o->json, "Print JSON instead of text for people");
    add_coordinator_option(sub, o->coordinator);
    sub.footer("\nUsage:   muster " + std::string{c.usage} + "\nExample: muster " + c.example);
    sub.callback([o, &c, &sub, &chosen] {
      chosen = [o, &c, words = sub.remaining(), verbose = sub.count("--verbose") > 0] {
        session s{o->coordinator};
        auto context = context_of(s, o->coordinator, o->json);
        context.verbose = verbose;
        return run_inside(c, context, words);
      };
    });
  }
}

void add_console(CLI::App& app, command& chosen) {
  auto o = std::make_shared<options>();
  auto& sub = add_command(app, "console", "Look inside a running coordinator, command by command, with completion and history");
  add_coordinator_option(sub, o->coordinator);
  add_json_option(sub, o->json);
  sub.footer("\nLines of a file are commands too: muster console < FILE. History is kept in ~/.muster_history, or in MUSTER_HISTORY.");
  sub.callback([o, &chosen] { chosen = [o] { return console{*o}.run(); }; });
}

} // namespace muster::cli
