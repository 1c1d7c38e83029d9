// One actor, stand-ins for all others, and a clock that the record sets.
#include "deploy/replay.hpp"

#include "actors/checkers.hpp"
#include "actors/core/json.hpp"
#include "actors/core/message_json.hpp"
#include "actors/core/publication_record.hpp"
#include "actors/observers.hpp"
#include "actors/route_publisher.hpp"
#include "actors/runtime/shell.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <charconv>
#include <deque>
#include <functional>
#include <optional>

namespace muster::cli {

namespace {

constexpr std::size_t told_differences = 20;

// -- messages of a record -----------------------------------------------------------

using make_message = result<caf::message> (*)(const recorded_message&);

template <class T>
result<caf::message> from_frame(const recorded_message& r) {
  if (r.frames.size() != 1)
    return failure{ec::parameter_invalid, "a message has one frame, not " + std::to_string(r.frames.size())};
  auto m = parse<T>(std::string_view{r.frames[0]});
  if (!m)
    return m.error();
  return caf::make_message(std::move(*m));
}

template <class T>
std::string stripped(const std::string& frame);

struct type_entry {
  make_message make;
  std::string (*compared)(const std::string& frame); ///< As JSON without times, empty when it cannot be read.
};

template <class T>
type_entry entry_of() {
  return {&from_frame<T>, &stripped<T>};
}

const std::map<std::string, type_entry>& types() {
  static const std::map<std::string, type_entry> all{
#define MUSTER_TYPE(Name) {#Name, entry_of<schema::Name>()},
    MUSTER_MESSAGES(MUSTER_TYPE)
#undef MUSTER_TYPE
  };
  return all;
}

/// Times of headers are those of the day of the replay.
template <class T>
std::string stripped(const std::string& frame) {
  auto m = parse<T>(std::string_view{frame});
  if (!m)
    return {};
  auto copied = build<T>([&](typename T::Builder) {});
  capnp::MallocMessageBuilder builder;
  builder.setRoot(m->read());
  auto root = builder.getRoot<T>();
  if constexpr (requires { root.getHeader().setEnqueuedAt(0); }) {
    root.getHeader().setEnqueuedAt(0);
    root.getHeader().setDeadline(0);
  }
  return json_of(capnp::toDynamic(root.asReader()));
}

const std::map<std::string, caf::message>& signals() {
  static const std::map<std::string, caf::message> all{{"flush", caf::make_message(flush_atom::value)},
                                                       {"tick", caf::make_message(tick_atom::value)},
                                                       {"start", caf::make_message(start_atom::value)},
                                                       {"stop", caf::make_message(stop_atom::value)}};
  return all;
}

// -- the stage ------------------------------------------------------------------------

/// Requests to one stand-in that are not answered yet, the oldest first.
using open_requests = std::deque<caf::response_promise>;

class stage {
public:
  stage() : config_(true), system_(config_), scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())) {
    config_.inspector->set(stand_in_as<inspector_actor>("inspector"));
  }

  ~stage() {
    for (auto& [name, open] : open_)
      for (auto& promise : open)
        promise.deliver(caf::make_error(caf::exit_reason::user_shutdown));
    for (const auto& each : actors_)
      caf::anon_send_exit(each, caf::exit_reason::kill);
    scheduler_.run();
  }

  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;

  /// Somebody whom the actor knows: it keeps questions until the record has the answer.
  caf::strong_actor_ptr stand_in(const std::string& name) {
    auto* open = &open_[name];
    auto actor = system_.spawn([open](caf::event_based_actor* self) -> caf::behavior {
      self->set_default_handler([open](caf::scheduled_actor* who, caf::message_view&) -> caf::result<caf::message> {
        auto promise = static_cast<caf::event_based_actor*>(who)->make_response_promise();
        if (!promise.async())
          open->push_back(promise);
        return promise;
      });
      return {[](const std::string&) {}};
    });
    if (name != "#")
      stand_ins_.push_back(probes_of(system_).enrol(actor->id(), name, "stand_in", "replay"));
    actors_.push_back(caf::actor_cast<caf::strong_actor_ptr>(actor));
    return actors_.back();
  }

  template <class Handle>
  Handle stand_in_as(const std::string& name) {
    return caf::actor_cast<Handle>(stand_in(name));
  }

  void put_on(const caf::strong_actor_ptr& subject) {
    subject_ = subject;
    actors_.push_back(subject);
    scheduler_.run();
  }

  void set_clock(std::int64_t ns) {
    auto& now = scheduler_.clock().current_time;
    now = std::max(now, std::remove_reference_t<decltype(now)>{std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                          std::chrono::nanoseconds{ns})});
  }

  void give(caf::message content) {
    subject_->enqueue(nullptr, caf::make_message_id(), std::move(content), nullptr);
    scheduler_.run();
  }

  /// False: the actor has not asked.
  template <class Answer>
  bool answer(const std::string& peer, Answer content) {
    auto& open = open_[peer];
    if (open.empty())
      return false;
    auto promise = std::move(open.front());
    open.pop_front();
    promise.deliver(std::move(content));
    scheduler_.run();
    return true;
  }

  caf::actor_system& system() {
    return system_;
  }

private:
  system_config config_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& scheduler_;
  std::map<std::string, open_requests> open_;
  std::vector<caf::strong_actor_ptr> actors_;
  std::vector<std::shared_ptr<probe>> stand_ins_;
  caf::strong_actor_ptr subject_;
};

using spawner = std::function<caf::strong_actor_ptr(stage&, const record&)>;

template <class Handle>
caf::strong_actor_ptr pointer(const Handle& h) {
  return caf::actor_cast<caf::strong_actor_ptr>(h);
}

std::chrono::milliseconds load_timeout_of(const record& r) {
  const auto i = r.settings.find("queryCoord.loadTimeoutSeconds");
  std::int64_t seconds = 0;
  if (i != r.settings.end())
    std::from_chars(i->second.data(), i->second.data() + i->second.size(), seconds);
  return seconds > 0 ? std::chrono::seconds{seconds} : limits::load_timeout;
}

const std::map<std::string, spawner>& spawners() {
  static const auto checker = [](auto spawn) -> spawner {
    return [spawn](stage& s, const record&) {
      return pointer(spawn(s.system(), s.stand_in_as<task_scheduler_actor>("task_scheduler"), checker_options{}));
    };
  };
  static const auto observer = [](auto spawn) -> spawner {
    return [spawn](stage& s, const record&) { return pointer(spawn(s.system(), s.stand_in_as<metadata_actor>("metadata"))); };
  };
  static const std::map<std::string, spawner> all{
    {"segment_checker", checker(spawn_segment_checker)},
    {"channel_checker", checker(spawn_channel_checker)},
    {"leader_checker", checker(spawn_leader_checker)},
    {"index_checker", checker(spawn_index_checker)},
    {"balance_checker", checker(spawn_balance_checker)},
    {"replica_observer", observer(spawn_replica_observer)},
    {"resource_observer", observer(spawn_resource_observer)},
    {"collection_observer",
     [](stage& s, const record& r) {
       return pointer(spawn_collection_observer(s.system(), s.stand_in_as<metadata_actor>("metadata"), load_timeout_of(r)));
     }},
    {"route_publisher", [](stage& s, const record&) { return pointer(spawn_route_publisher(s.system())); }},
  };
  return all;
}

// -- what differs -----------------------------------------------------------------------

/// The first place at which two values differ: "proposals[0].node: 3 was recorded, 4 is sent now".
std::optional<std::string> difference(const json& was, const json& is, const std::string& where) {
  if (was.as_object() != nullptr && is.as_object() != nullptr) {
    for (const auto& [name, value] : *was.as_object()) {
      if (name == "tookUs") // measured, so never the same twice
        continue;
      const auto here = where.empty() ? name : where + "." + name;
      const auto* other = is.find(name);
      if (other == nullptr)
        return here + ": " + value.text() + " was recorded, nothing is sent now";
      if (auto found = difference(value, *other, here))
        return found;
    }
    for (const auto& [name, value] : *is.as_object())
      if (was.find(name) == nullptr)
        return (where.empty() ? name : where + "." + name) + ": nothing was recorded, " + value.text() + " is sent now";
    return std::nullopt;
  }
  if (was.as_array() != nullptr && is.as_array() != nullptr) {
    const auto& a = *was.as_array();
    const auto& b = *is.as_array();
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
      if (auto found = difference(a[i], b[i], where + "[" + std::to_string(i) + "]"))
        return found;
    if (a.size() != b.size())
      return where + ": " + std::to_string(a.size()) + " were recorded, " + std::to_string(b.size()) + " are sent now";
    return std::nullopt;
  }
  const auto before = was.text();
  const auto now = is.text();
  if (before == now)
    return std::nullopt;
  return where + ": " + before + " was recorded, " + now + " is sent now";
}

std::string at_line(std::size_t line) {
  return "line " + std::to_string(line);
}

class comparison {
public:
  explicit comparison(replay_result& out) : out_(out) {
    // nop
  }

  /// What followed one message that was given.
  void compare(std::size_t after, std::span<const recorded_message> was, const std::vector<tapped_message>& is) {
    std::size_t a = 0;
    std::size_t b = 0;
    while (a < was.size() || b < is.size()) {
      ++out_.compared;
      const bool same_type = a < was.size() && b < is.size() && was[a].type == is[b].type;
      // Of one more or one less on either side only that one is named, not all that follow.
      if (b >= is.size() || (!same_type && a + 1 < was.size() && was[a + 1].type == is[b].type)) {
        tell(at_line(was[a].line) + ": " + was[a].type + " was recorded, nothing is sent now");
        ++a;
      } else if (a >= was.size() || (!same_type && b + 1 < is.size() && was[a].type == is[b + 1].type)) {
        tell("after " + at_line(after) + ": nothing was recorded, " + is[b].type + " is sent now" + content(is[b]));
        ++b;
      } else {
        if (!same_type)
          tell(at_line(was[a].line) + ": " + was[a].type + " was recorded, " + is[b].type + " is sent now");
        else if (was[a].peer != is[b].peer)
          tell(at_line(was[a].line) + ": " + was[a].type + " was sent to " + was[a].peer + ", now it is to " + is[b].peer);
        else
          compare(was[a], is[b]);
        ++a;
        ++b;
      }
    }
  }

private:
  void compare(const recorded_message& was, const tapped_message& is) {
    const auto type = types().find(was.type);
    if (type == types().end())
      return; // a publication or a signal: none of these kinds sends one
    const auto before = was.frames.empty() ? std::string{} : type->second.compared(was.frames[0]);
    if (before.empty())
      return tell(at_line(was.line) + ": the recorded " + was.type + " cannot be read");
    const auto now = type->second.compared(std::string{is.frame});
    if (before == now)
      return;
    const auto a = json::read_object(before);
    const auto b = json::read_object(now);
    const auto where = a && b ? difference(*a, *b, {}) : std::optional{std::string{"its content"}};
    if (where)
      tell(at_line(was.line) + ": " + was.type + " differs: " + *where);
  }

  static std::string content(const tapped_message& m) {
    const auto type = types().find(m.type);
    return type == types().end() ? std::string{} : ": " + type->second.compared(std::string{m.frame}).substr(0, 200);
  }

  void tell(std::string text) {
    ++out_.different;
    if (out_.differences.size() < told_differences)
      out_.differences.push_back(std::move(text));
  }

  replay_result& out_;
};

result<caf::message> message_of(const recorded_message& r) {
  if (r.type == "publication") {
    auto p = read_publication({r.frames.begin(), r.frames.end()}, r.about);
    if (!p)
      return p.error();
    return caf::make_message(std::move(*p));
  }
  if (auto i = signals().find(r.type); i != signals().end())
    return i->second;
  if (auto i = types().find(r.type); i != types().end())
    return i->second.make(r);
  return failure{ec::parameter_invalid, "this version knows no message " + r.type};
}

failure unreadable(const recorded_message& r, const std::string& why) {
  return {ec::parameter_invalid, "replaying: " + at_line(r.line) + ", " + r.type + ": " + why};
}

/// Gives the actor one message, or the answer that it waits for.
result<unit> feed(stage& s, const recorded_message& r, std::vector<std::string>& notes) {
  const auto unasked = [&] {
    notes.push_back(at_line(r.line) + ": the answer " + r.type + " of " + r.peer + " was left out, the actor has not asked for it");
    return unit{};
  };
  if (!r.peer.empty() && r.type == "Status") {
    const auto status = r.frames.empty() ? result<msg<schema::Status>>{failure{}} : parse<schema::Status>(std::string_view{r.frames[0]});
    if (!status)
      return unreadable(r, "it cannot be read");
    const auto late = static_cast<ec>(status->read().getCode()) == ec::deadline_exceeded;
    const auto why = late ? caf::make_error(caf::sec::request_timeout) : caf::make_error(caf::exit_reason::user_shutdown);
    return s.answer(r.peer, why) ? unit{} : unasked();
  }
  auto content = message_of(r);
  if (!content)
    return unreadable(r, content.error().text);
  if (!r.peer.empty())
    return s.answer(r.peer, std::move(*content)) ? unit{} : unasked();
  if (r.type == "WatchShardLeadersRequest")
    *content = *content + caf::make_message(s.stand_in_as<route_subscriber_actor>("#"));
  s.give(std::move(*content));
  return unit{};
}

} // namespace

std::vector<std::string> replayable_kinds() {
  std::vector<std::string> out;
  for (const auto& [kind, spawn] : spawners())
    out.push_back(kind);
  return out;
}

result<replay_result> replay(const record& what) {
  const auto spawn = spawners().find(what.kind);
  if (spawn == spawners().end()) {
    std::string list;
    for (const auto& kind : replayable_kinds())
      list += (list.empty() ? "" : ", ") + kind;
    return failure{ec::parameter_invalid, "records of a " + what.kind + " cannot be replayed; those of these can: " + list};
  }
  replay_result out;
  if (!what.whole)
    out.notes.push_back("the record was cut off: its last line is missing");
  if (!what.from_start)
    out.notes.push_back("the record does not begin with the actor: what it knew before is not in it, so it may send less now");
  if (what.left_out > 0)
    out.notes.push_back(std::to_string(what.left_out) + " messages were left out because too many came at once: what follows from them differs");
  stage s;
  auto heard = std::make_shared<tap>(std::set<std::string>{}, limits::tap_rate_most, nullptr, true);
  probes_of(s.system()).expect(what.kind, heard);
  if (!what.messages.empty())
    s.set_clock(what.messages.front().at - what.clock_offset);
  s.put_on(spawn->second(s, what));
  comparison compare{out};
  std::uint64_t read = 0;
  const auto take_sent = [&] {
    std::vector<tapped_message> sent;
    for (auto& m : heard->read(read, SIZE_MAX, SIZE_MAX)) {
      read = m.number;
      if (m.out)
        sent.push_back(std::move(m));
    }
    return sent;
  };
  const auto& all = what.messages;
  std::size_t i = 0;
  std::size_t after = 1;
  for (;;) {
    auto end = i;
    while (end < all.size() && all[end].out)
      ++end;
    compare.compare(after, std::span{all}.subspan(i, end - i), take_sent());
    if (end == all.size())
      break;
    s.set_clock(all[end].at - what.clock_offset);
    if (auto done = feed(s, all[end], out.notes); !done)
      return done.error();
    ++out.fed;
    after = all[end].line;
    i = end + 1;
  }
  return out;
}

} // namespace muster::cli
