// `tap`, `record` and `replay`: the messages of one actor, as they pass, in a file, and played again.
#include "deploy/commands.hpp"
#include "deploy/record.hpp"
#include "deploy/replay.hpp"

#include <chrono>
#include <iostream>

namespace muster::cli {

namespace {

std::string text(capnp::Text::Reader t) {
  return std::string{view(t)};
}

struct tap_question {
  std::string actor;
  std::vector<std::string> types;
  std::uint64_t after = 0;
  std::int64_t rate = 0;
  bool frames = false;
  bool restart = false;
};

result<msg<schema::TapActorReply>> ask(session& s, const tap_question& q, std::uint32_t wait_ms) {
  return s.call<schema::TapActorRequest>([&](auto b) {
    b.setActor(q.actor);
    auto list = b.initTypes(static_cast<unsigned>(q.types.size()));
    for (unsigned i = 0; i < list.size(); ++i)
      list.set(i, q.types[i]);
    b.setAfter(q.after);
    b.setWaitMs(wait_ms);
    b.setPerSecond(static_cast<std::uint32_t>(q.rate));
    b.setFrames(q.frames);
    b.setRestart(q.restart);
  });
}

/// Until Ctrl-C, or for so many seconds; 0: until Ctrl-C.
class duration {
public:
  explicit duration(double seconds) : seconds_(seconds), begin_(std::chrono::steady_clock::now()) {
    // nop
  }

  bool over() const {
    return was_interrupted() || (seconds_ > 0 && left() <= 0);
  }

  /// For one question: short, so that Ctrl-C is heard.
  std::uint32_t wait_ms() const {
    constexpr double most = 250;
    return static_cast<std::uint32_t>(seconds_ > 0 ? std::clamp(left() * 1'000, 1.0, most) : most);
  }

private:
  double left() const {
    return seconds_ - std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

  double seconds_;
  std::chrono::steady_clock::time_point begin_;
};

int tap(command_context& c, arguments& a) {
  tap_question q;
  q.types = a.values("--type");
  q.rate = a.number("--rate", 0, 1, static_cast<std::int64_t>(limits::tap_rate_most));
  q.restart = a.flag("--restart");
  const duration time{a.seconds("--seconds", 0)};
  q.actor = a.word("the name of an actor");
  a.end();
  hold_interrupts();
  std::uint64_t left_out = 0;
  while (!time.over()) {
    const auto reply = value_or_end(ask(c.coordinator, q, time.wait_ms()));
    q.after = reply->getNext();
    q.restart = false;
    for (auto m : reply->getMessages())
      if (c.json)
        std::cout << reply_json(capnp::toDynamic(m)) << '\n' << std::flush;
      else
        print(c, time_text(m.getAt()) + (m.getOut() ? " > " : " < ") + text(m.getType())
                   + (m.getPeer().size() > 0 ? (m.getOut() ? " to " : " of ") + text(m.getPeer()) : "") + " " + text(m.getJson()) + "\n");
    if (reply->getLeftOut() > left_out && !c.json)
      print(c, std::to_string(reply->getLeftOut() - left_out) + " messages were left out: more than the limit of " + (q.rate == 0 ? std::to_string(limits::tap_rate) : std::to_string(q.rate))
                 + " a second; --rate raises it, --type chooses\n");
    left_out = reply->getLeftOut();
  }
  release_interrupts();
  return done;
}

int record_to(command_context& c, arguments& a) {
  tap_question q;
  q.rate = static_cast<std::int64_t>(limits::tap_rate_most);
  q.frames = true;
  q.restart = !a.flag("--no-restart");
  const duration time{a.seconds("--seconds", 0)};
  q.actor = a.word("the name of an actor");
  const auto path = a.word("a file");
  a.end();
  std::map<std::string, std::string> settings;
  const auto shown = c.coordinator.ask<schema::ShowConfigurationsRequest>();
  for (auto s : shown->getConfigurations())
    settings[text(s.getKey())] = text(s.getValue());
  const auto version = c.coordinator.ask<schema::GetStatusRequest>();
  auto reply = value_or_end(ask(c.coordinator, q, 0)); // before the file: a refusal leaves none
  auto file = value_or_end(record_writer::create(path));
  hold_interrupts();
  bool first = true;
  for (;;) {
    for (auto m : reply->getMessages()) {
      if (std::exchange(first, false))
        file.header(text(version->getVersion()), view(m.getJson()), q.restart, settings);
      else
        file.message(m);
    }
    q.after = reply->getNext();
    if (time.over() && reply->getMessages().size() == 0)
      break;
    reply = value_or_end(ask(c.coordinator, q, time.over() ? 0 : time.wait_ms()));
  }
  release_interrupts();
  value_or_end(file.finish(reply->getLeftOut()));
  if (c.json)
    std::cout << json_writer{}.open('{').field("file", path).field("messages", file.messages()).field("left_out", reply->getLeftOut()).close('}').str() << '\n';
  else
    std::cout << "recorded " << counted(static_cast<std::int64_t>(file.messages()), "message") << " of " << q.actor << " to " << path
              << (reply->getLeftOut() > 0 ? ", " + std::to_string(reply->getLeftOut()) + " were left out" : std::string{}) << '\n';
  return done;
}

int replay_from(command_context& c, arguments& a) {
  const auto path = a.word("a file");
  a.end();
  const auto what = value_or_end(read_record(path));
  const auto found = value_or_end(replay(what));
  if (c.json) {
    json_writer w;
    w.open('{').field("kind", what.kind).field("version", what.version).field("fed", found.fed).field("compared", found.compared).field("different", found.different);
    w.key("differences").open('[');
    for (const auto& d : found.differences)
      w.text(d);
    w.close(']').key("notes").open('[');
    for (const auto& n : found.notes)
      w.text(n);
    std::cout << w.close(']').close('}').str() << '\n';
  } else {
    for (const auto& n : found.notes)
      std::cout << "note: " << n << '\n';
    for (const auto& d : found.differences)
      std::cout << d << '\n';
    if (found.different > found.differences.size())
      std::cout << "and " << found.different - found.differences.size() << " more\n";
    std::cout << "replayed " << counted(static_cast<std::int64_t>(found.fed), "message") << " to " << what.kind << ": "
              << (found.different == 0 ? "it sends the same " : std::to_string(found.different) + " differ of ")
              << counted(static_cast<std::int64_t>(found.compared), "message") << '\n';
  }
  return found.different == 0 ? done : failed;
}

} // namespace

void add_tap_commands(std::vector<inside_command>& to) {
  to.push_back({"tap", "tap ACTOR [--type TYPE]... [--rate N] [--seconds S] [--restart]",
                "Show the messages into and out of an actor as JSON, until Ctrl-C; it is never held up", "tap segment_checker --type Proposals",
                {noun::actor}, &tap});
  to.push_back({"record", "record ACTOR FILE [--seconds S] [--no-restart]",
                "Write the messages of an actor into a file for `muster replay`; it is restarted first, so that the record is whole",
                "record segment_checker segment_checker.record --seconds 10", {noun::restartable, noun::file}, &record_to});
  to.push_back({"replay", "replay FILE", "Play a record to the same kind of actor, alone, and compare what it sends; needs no coordinator",
                "replay segment_checker.record", {noun::file}, &replay_from});
}

} // namespace muster::cli
