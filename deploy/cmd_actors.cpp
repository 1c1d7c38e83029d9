// `actors`, `actor`, `restart`, `log-level`: the actors of a coordinator, one by one.
#include "deploy/commands.hpp"

#include <algorithm>
#include <functional>
#include <iostream>

namespace muster::cli {

namespace {

using report = schema::ActorReport::Reader;

std::string text(capnp::Text::Reader t) {
  return std::string{view(t)};
}

struct order {
  const char* name;
  std::function<bool(report, report)> before;
};

/// By what actors can be sorted; numbers fall.
const std::vector<order>& orders() {
  static const auto falling = [](auto get) {
    return [get](report a, report b) { return (a.*get)() > (b.*get)(); };
  };
  static const std::vector<order> all{
    {"name", [](report a, report b) { return view(a.getName()) < view(b.getName()); }},
    {"queued", falling(&report::getQueued)},
    {"oldest", falling(&report::getOldestMs)},
    {"handled", falling(&report::getHandled)},
    {"p50", falling(&report::getHandlerP50Us)},
    {"p99", falling(&report::getHandlerP99Us)},
    {"max", falling(&report::getHandlerMaxUs)},
    {"restarts", falling(&report::getRestarts)},
  };
  return all;
}

std::vector<std::string> cells_of(report a, const std::string& name) {
  return {name,
          text(a.getState()),
          std::to_string(a.getQueued()),
          std::to_string(a.getOldestMs()),
          with_commas(static_cast<std::int64_t>(a.getHandled())),
          std::to_string(a.getHandlerP50Us()),
          std::to_string(a.getHandlerP99Us()),
          std::to_string(a.getRestarts())};
}

table empty_table() {
  return table{{"ACTOR", "STATE", "QUEUED", "OLD MS", "HANDLED", "P50 US", "P99 US", "RESTARTS"}};
}

/// What does not fit into a column: a line for each actor that has something to say.
std::string remarks(const std::vector<report>& all) {
  std::string out;
  for (auto a : all) {
    if (a.getWaitingFor().size() > 0)
      out += text(a.getName()) + " waits for " + text(a.getWaitingFor()) + "\n";
    if (a.getLastFailure().size() > 0)
      out += text(a.getName()) + " failed: " + text(a.getLastFailure()) + "\n";
  }
  return out.empty() ? out : "\n" + out;
}

/// Who restarts whom, or ends with it; an actor whose owner is no actor stands at the left.
std::string as_tree(const std::vector<report>& all) {
  auto t = empty_table();
  std::vector<bool> shown(all.size(), false);
  const std::function<void(std::size_t, const std::string&, const std::string&)> show =
      [&](std::size_t i, const std::string& indent, const std::string& below) {
        shown[i] = true;
        t.row(cells_of(all[i], indent + text(all[i].getName())));
        std::vector<std::size_t> children;
        for (std::size_t k = 0; k < all.size(); ++k)
          if (!shown[k] && (view(all[k].getOwner()) == view(all[i].getName())
                            || (view(all[k].getOwner()) == view(all[i].getKind()) && view(all[i].getKind()) != view(all[i].getName()))))
            children.push_back(k);
        for (auto k : children)
          if (!shown[k])
            show(k, below + "- ", below + "  ");
      };
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool owned = std::any_of(all.begin(), all.end(), [&](report b) { return view(b.getName()) == view(all[i].getOwner()); });
    if (!shown[i] && !owned)
      show(i, "", "");
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    if (!shown[i])
      show(i, "", "");
  return t.str();
}

void write_json(json_writer& w, report a) {
  w.open('{')
      .field("name", view(a.getName()))
      .field("kind", view(a.getKind()))
      .field("owner", view(a.getOwner()))
      .field("state", view(a.getState()))
      .field("queued", a.getQueued())
      .field("oldest_ms", a.getOldestMs())
      .field("handled", a.getHandled())
      .field("handler_p50_us", a.getHandlerP50Us())
      .field("handler_p99_us", a.getHandlerP99Us())
      .field("handler_max_us", a.getHandlerMaxUs())
      .field("restarts", a.getRestarts())
      .field("waiting_for", view(a.getWaitingFor()))
      .field("last_failure", view(a.getLastFailure()));
  w.key("handled_by_type").open('{');
  for (auto count : a.getHandledByType())
    w.field(view(count.getType()), count.getCount());
  w.close('}').key("counters").open('{');
  for (auto count : a.getCounters())
    w.field(view(count.getType()), count.getCount());
  w.close('}').close('}');
}

void details(const command_context& c, report a) {
  std::string out = text(a.getName()) + ": " + text(a.getState()) + ", a " + text(a.getKind()) + " of " + text(a.getOwner()) + "\n";
  const auto line = [&](const std::string& name, const std::string& value) { out += "  " + name + std::string(14 - name.size(), ' ') + value + "\n"; };
  line("queued", std::to_string(a.getQueued()) + (a.getQueued() > 0 ? ", the oldest for " + std::to_string(a.getOldestMs()) + " ms" : ""));
  line("handled", with_commas(static_cast<std::int64_t>(a.getHandled())) + " messages");
  line("time", "half within " + std::to_string(a.getHandlerP50Us()) + " us, 99 of 100 within " + std::to_string(a.getHandlerP99Us())
                   + " us, the slowest " + std::to_string(a.getHandlerMaxUs()) + " us");
  line("restarts", std::to_string(a.getRestarts()));
  line("waits for", a.getWaitingFor().size() > 0 ? text(a.getWaitingFor()) : "nothing");
  line("last failure", a.getLastFailure().size() > 0 ? text(a.getLastFailure()) : "none");
  if (a.getCounters().size() > 0) {
    out += "  counts\n";
    for (auto n : a.getCounters())
      out += "    " + text(n.getType()) + " " + with_commas(static_cast<std::int64_t>(n.getCount())) + "\n";
  }
  table t{{"MESSAGE", "HANDLED"}};
  for (auto n : a.getHandledByType())
    t.row({text(n.getType()), with_commas(static_cast<std::int64_t>(n.getCount()))});
  if (!t.empty())
    out += t.str(2);
  print(c, out);
}

int actors(command_context& c, arguments& a) {
  const auto by = a.value("--sort");
  const bool flat = a.flag("--flat") || by.has_value();
  const auto only = a.word_or("");
  a.end();
  const auto reply = c.coordinator.ask<schema::ListActorsRequest>([&](auto b) { b.setName(only); });
  std::vector<report> all;
  for (auto each : reply->getActors())
    all.push_back(each);
  const auto sort = std::find_if(orders().begin(), orders().end(), [&](const auto& o) { return o.name == by.value_or("name"); });
  if (sort == orders().end()) {
    std::string list;
    for (const auto& o : orders())
      list += (list.empty() ? "" : ", ") + std::string{o.name};
    throw command_error{usage, "--sort is \"" + *by + "\"; it can be " + list};
  }
  std::stable_sort(all.begin(), all.end(), sort->before);
  if (c.json) {
    json_writer w;
    w.open('[');
    for (auto each : all)
      write_json(w, each);
    std::cout << w.close(']').str() << '\n';
  } else if (flat) {
    auto t = empty_table();
    for (auto each : all)
      t.row(cells_of(each, text(each.getName())));
    print(c, t.str() + remarks(all));
  } else {
    print(c, as_tree(all) + remarks(all));
  }
  return done;
}

int actor(command_context& c, arguments& a) {
  const auto name = a.word("the name of an actor");
  a.end();
  const auto reply = c.coordinator.ask<schema::ListActorsRequest>([&](auto b) { b.setName(name); });
  for (auto each : reply->getActors()) {
    if (c.json) {
      json_writer w;
      write_json(w, each);
      std::cout << w.str() << '\n';
    } else {
      details(c, each);
    }
  }
  return done;
}

int restart(command_context& c, arguments& a) {
  if (const auto what = a.word("what to restart"); what != "actor")
    throw command_error{usage, "only actors can be restarted: restart actor NAME"};
  const auto name = a.word("the name of an actor");
  a.end();
  const auto reply = c.coordinator.ask<schema::RestartActorRequest>([&](auto b) { b.setName(name); });
  std::cout << (c.json ? reply_json(capnp::toDynamic(reply.read())) : name + " was restarted") << '\n';
  return done;
}

int log_level(command_context& c, arguments& a) {
  std::vector<std::string> words;
  while (!a.empty())
    words.push_back(a.word("a word"));
  if (words.size() > 2)
    throw command_error{usage, "\"" + words[2] + "\" is too much"};
  const auto reply = c.coordinator.ask<schema::SetLogLevelRequest>([&](auto b) {
    if (words.size() == 2)
      b.setChannel(words[0]);
    if (!words.empty())
      b.setLevel(words.back());
  });
  if (c.json) {
    std::cout << reply_json(capnp::toDynamic(reply.read())) << '\n';
    return done;
  }
  table t{{"KIND OF ACTOR", "LEVEL"}};
  for (auto level : reply->getLevels())
    t.row({level.getKey().size() > 0 ? text(level.getKey()) : "all others", text(level.getValue())});
  print(c, t.str());
  return done;
}

} // namespace

void add_actor_commands(std::vector<inside_command>& to) {
  to.push_back({"actors", "actors [NAME] [--sort name|queued|oldest|handled|p50|p99|max|restarts] [--flat]",
                "Show every actor of the coordinator as a tree of who restarts whom, or sorted", "actors --sort queued", {noun::actor}, &actors});
  to.push_back({"actor", "actor NAME", "Show all that is known of one actor", "actor task_scheduler", {noun::actor}, &actor});
  to.push_back({"restart", "restart actor NAME", "Restart an actor that loses nothing by it; others are refused with the reason",
                "restart actor segment_checker", {noun::kind_of_switch, noun::restartable}, &restart});
  to.push_back({"log-level", "log-level [KIND] [debug|info|warn|error|off|default]",
                "Show or set from which level on a kind of actor logs, until the coordinator ends; without KIND: all others",
                "log-level segment_checker debug", {noun::actor, noun::level}, &log_level});
}

} // namespace muster::cli
