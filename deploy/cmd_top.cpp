// `top`: what a coordinator does now, drawn again each second, with keys to sort, filter, pause and quit.
#include "deploy/commands.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace muster::cli {

namespace {

using clock = std::chrono::steady_clock;

std::string text(capnp::Text::Reader t) {
  return std::string{view(t)};
}

struct actor_line {
  std::string name;
  std::uint64_t queued = 0;
  std::uint64_t oldest_ms = 0;
  std::uint64_t handled = 0;
  double rate = 0; ///< Messages a second since the frame before.
  std::uint64_t p99_us = 0;
  std::uint32_t restarts = 0;
};

constexpr const char* sorts[] = {"rate", "queued", "p99", "handled", "name"};

struct frame {
  msg<schema::GetStatusReply> status;
  std::vector<actor_line> actors;
  clock::time_point at;
  double rate = 0; ///< Of all actors.
};

/// Asks for everything once; rates are those since `before`.
frame look(session& s, const frame* before) {
  frame f;
  f.status = s.ask<schema::GetStatusRequest>();
  const auto actors = s.ask<schema::ListActorsRequest>();
  f.at = clock::now();
  std::map<std::string, std::uint64_t> then;
  if (before != nullptr)
    for (const auto& a : before->actors)
      then[a.name] = a.handled;
  const auto seconds = before == nullptr ? 0 : std::chrono::duration<double>(f.at - before->at).count();
  for (auto a : actors->getActors()) {
    actor_line line{text(a.getName()), a.getQueued(), a.getOldestMs(), a.getHandled(), 0, a.getHandlerP99Us(), a.getRestarts()};
    if (const auto i = then.find(line.name); i != then.end() && seconds > 0 && line.handled >= i->second)
      line.rate = static_cast<double>(line.handled - i->second) / seconds;
    f.rate += line.rate;
    f.actors.push_back(std::move(line));
  }
  return f;
}

struct choice {
  std::size_t sort = 0;
  std::string filter;
  bool paused = false;
  bool typing = false; ///< The filter.
};

void sort_actors(std::vector<actor_line>& all, const choice& how) {
  const std::string_view by = sorts[how.sort];
  std::stable_sort(all.begin(), all.end(), [&](const actor_line& a, const actor_line& b) {
    if (by == "rate")
      return a.rate > b.rate;
    if (by == "queued")
      return a.queued > b.queued;
    if (by == "p99")
      return a.p99_us > b.p99_us;
    if (by == "handled")
      return a.handled > b.handled;
    return a.name < b.name;
  });
}

/// Lines of the screen, at most `rows`: two of head, then the actors, then nodes and tasks, each as far as there is room.
std::vector<std::string> draw(const command_context& c, frame& f, const choice& how, std::size_t rows) {
  std::size_t connected = 0;
  for (auto n : f.status->getNodes())
    connected += n.getState() == "connected" ? 1 : 0;
  std::vector<std::string> out;
  out.push_back("muster " + c.address + "  " + text(f.status->getState()) + "  epoch " + std::to_string(f.status->getEpoch()) + "  nodes "
                + std::to_string(connected) + "/" + std::to_string(f.status->getNodes().size()) + "  loaded "
                + std::to_string(f.status->getCollections().size()) + "  tasks " + std::to_string(f.status->getTasks().size()) + "  "
                + fixed(f.rate, 0) + " msg/s");
  out.push_back("q quit  s sort: " + std::string{sorts[how.sort]} + "  f filter: " + (how.filter.empty() && !how.typing ? "none" : how.filter) + (how.typing ? "_" : "")
                + "  p " + (how.paused ? "PAUSED" : "pause"));
  const auto nodes = f.status->getNodes();
  const auto tasks = f.status->getTasks();
  const std::size_t below = (nodes.size() > 0 ? std::min<std::size_t>(nodes.size(), 5) + 2 : 0) + (tasks.size() > 0 ? std::min<std::size_t>(tasks.size(), 3) + 2 : 0);
  const std::size_t room = rows > below + 5 ? rows - below - 4 : 1;
  sort_actors(f.actors, how);
  table t{{"ACTOR", "MSG/S", "QUEUED", "OLD MS", "HANDLED", "P99 US", "RESTARTS"}};
  std::size_t shown = 0;
  for (const auto& a : f.actors) {
    if (!how.filter.empty() && a.name.find(how.filter) == std::string::npos)
      continue;
    if (shown++ == room)
      break;
    t.row({a.name, fixed(a.rate, 0), std::to_string(a.queued), std::to_string(a.oldest_ms), with_commas(static_cast<std::int64_t>(a.handled)),
           std::to_string(a.p99_us), std::to_string(a.restarts)});
  }
  const auto add = [&](const std::string& lines) {
    for (std::size_t at = 0; at < lines.size();) {
      const auto end = lines.find('\n', at);
      out.push_back(lines.substr(at, end - at));
      at = end + 1;
    }
  };
  out.emplace_back();
  add(t.empty() ? "no actor has \"" + how.filter + "\" in its name\n" : t.str());
  if (nodes.size() > 0) {
    table n{{"NODE", "STATE", "SEGMENTS", "ROWS", "LEADS"}};
    for (unsigned i = 0; i < nodes.size() && i < 5; ++i)
      n.row({text(nodes[i].getName()), text(nodes[i].getState()), with_commas(nodes[i].getSegments()), with_commas(nodes[i].getRows()),
             std::to_string(nodes[i].getChannels())});
    out.emplace_back();
    add(n.str());
  }
  if (tasks.size() > 0) {
    table n{{"TASK", "KIND", "STATE", "OF", "REASON"}};
    for (unsigned i = 0; i < tasks.size() && i < 3; ++i)
      n.row({std::to_string(tasks[i].getId()), text(tasks[i].getKind()), text(tasks[i].getState()),
             tasks[i].getSegment() != 0 ? std::to_string(tasks[i].getSegment()) : text(tasks[i].getChannel()), text(tasks[i].getReason())});
    out.emplace_back();
    add(n.str());
  }
  if (out.size() > rows)
    out.resize(rows);
  return out;
}

/// Keys come one by one and are not shown, until it is destroyed.
class raw_terminal {
public:
  raw_terminal() {
    tcgetattr(STDIN_FILENO, &before_);
    auto raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    std::cout << "\033[?1049h\033[?25l" << std::flush; // a screen of its own, no cursor
  }

  ~raw_terminal() {
    std::cout << "\033[?25h\033[?1049l" << std::flush;
    tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }

  raw_terminal(const raw_terminal&) = delete;
  raw_terminal& operator=(const raw_terminal&) = delete;

private:
  termios before_{};
};

/// The next key, or 0 when none comes in time.
char key_within(int ms) {
  pollfd in{STDIN_FILENO, POLLIN, 0};
  char key = 0;
  if (poll(&in, 1, ms) <= 0)
    return 0;
  if (read(STDIN_FILENO, &key, 1) != 1)
    return 'q'; // the terminal is gone
  return key;
}

/// False: the end.
bool press(char key, choice& how) {
  if (how.typing) {
    if (key == '\r' || key == '\n' || key == 27)
      how.typing = false;
    else if ((key == 127 || key == 8) && !how.filter.empty())
      how.filter.pop_back();
    else if (key >= 32 && key < 127)
      how.filter += key;
    return true;
  }
  switch (key) {
    case 'q':
      return false;
    case 's':
      how.sort = (how.sort + 1) % std::size(sorts);
      return true;
    case 'f':
      how.filter.clear();
      how.typing = true;
      return true;
    case 'p':
    case ' ':
      how.paused = !how.paused;
      return true;
    default:
      return true;
  }
}

void paint(const std::vector<std::string>& lines, std::size_t width) {
  std::string out = "\033[H";
  for (std::size_t i = 0; i < lines.size(); ++i)
    out += lines[i].substr(0, width) + "\033[K" + (i + 1 < lines.size() ? "\r\n" : "");
  std::cout << out << "\033[J" << std::flush;
}

void watch(command_context& c, choice& how) {
  frame now = look(c.coordinator, nullptr);
  hold_interrupts();
  const raw_terminal screen;
  auto due = clock::now() + std::chrono::milliseconds{300}; // the first rates soon
  for (bool dirty = true; !was_interrupted();) {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 8 || size.ws_col < 20)
      size.ws_row = 24, size.ws_col = 80;
    if (dirty)
      paint(draw(c, now, how, size.ws_row), size.ws_col);
    dirty = false;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(due - clock::now()).count();
    if (const auto key = key_within(static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000)))) {
      if (!press(key, how))
        break;
      dirty = true;
      continue;
    }
    if (clock::now() < due)
      continue;
    due = clock::now() + std::chrono::seconds{1};
    if (how.paused)
      continue;
    now = look(c.coordinator, &now);
    dirty = true;
  }
}

int top(command_context& c, arguments& a) {
  choice how;
  const bool once = a.flag("--once") || !c.terminal || isatty(STDIN_FILENO) == 0;
  if (const auto by = a.value("--sort")) {
    const auto i = std::find_if(std::begin(sorts), std::end(sorts), [&](const char* s) { return *by == s; });
    if (i == std::end(sorts))
      throw command_error{usage, "--sort is \"" + *by + "\"; it can be rate, queued, p99, handled or name"};
    how.sort = static_cast<std::size_t>(i - std::begin(sorts));
  }
  how.filter = a.value("--filter").value_or("");
  a.end();
  if (!once && !c.json) {
    try {
      watch(c, how);
    } catch (...) {
      release_interrupts();
      throw;
    }
    release_interrupts();
    return done;
  }
  const auto first = look(c.coordinator, nullptr);
  c.coordinator.wait(c.coordinator.io().provider->getTimer().afterDelay(300 * kj::MILLISECONDS));
  auto now = look(c.coordinator, &first);
  if (!c.json) {
    for (const auto& line : draw(c, now, how, 1'000))
      print(c, line + "\n");
    return done;
  }
  json_writer w;
  w.open('{').field("state", view(now.status->getState())).field("epoch", now.status->getEpoch()).field("messages_per_second", now.rate);
  w.key("actors").open('[');
  sort_actors(now.actors, how);
  for (const auto& line : now.actors)
    if (how.filter.empty() || line.name.find(how.filter) != std::string::npos)
      w.open('{').field("name", line.name).field("per_second", line.rate).field("queued", line.queued).field("oldest_ms", line.oldest_ms)
          .field("handled", line.handled).field("p99_us", line.p99_us).field("restarts", line.restarts).close('}');
  w.close(']').key("nodes").open('[');
  for (auto n : now.status->getNodes())
    w.raw(reply_json(capnp::toDynamic(n)));
  w.close(']').key("tasks").open('[');
  for (auto n : now.status->getTasks())
    w.raw(reply_json(capnp::toDynamic(n)));
  std::cout << w.close(']').close('}').str() << '\n';
  return done;
}

} // namespace

void add_top_command(std::vector<inside_command>& to) {
  to.push_back({"top", "top [--sort rate|queued|p99|handled|name] [--filter TEXT] [--once]",
                "Show live what the coordinator does: actors, nodes, tasks, rates; keys: s sort, f filter, p pause, q quit", "top --sort queued", {}, &top});
}

} // namespace muster::cli
