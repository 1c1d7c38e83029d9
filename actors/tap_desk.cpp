// Taps: begun, read, and ended when nobody asks.
#include "actors/tap_desk.hpp"

#include "actors/core/message_json.hpp"
#include "actors/runtime/shell.hpp"

#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster {

namespace {

using reply_type = schema::TapActorReply;

/// `next` of an answer names its tap as well, so that who asks late never reads another one's.
constexpr unsigned number_bits = 40;

/// Who asks on is there more often. Not asked for so long, a tap makes room for another one when there are too many.
constexpr auto abandoned = limits::tap_lease / 20;

struct desk_shell : shell<tap_desk_actor, desk_shell> {
  using promise = caf::typed_response_promise<m<reply_type>>;

  explicit desk_shell(self_pointer ptr) : shell(ptr, "tap_desk", "tap_desk", "supervisor") {
    // Of this process, and constant: differences of times in a record are those of the actor's own clock.
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    offset = std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count() - now();
  }

  ~desk_shell() {
    for (auto& [id, t] : taps)
      end(t);
  }

  void attach(const attach_atom&, const supervisor_actor& who) {
    supervisor = who;
  }

  caf::result<m<reply_type>> ask(const m<schema::TapActorRequest>& request) {
    if (request->getAfter() == 0)
      return begin(request);
    const auto i = taps.find(request->getAfter() >> number_bits);
    if (i == taps.end() || i->second.actor != view(request->getActor()))
      return refuse(ec::parameter_invalid, "this tap of " + std::string{view(request->getActor())}
                                             + " has ended, because nobody asked it for 10 s; begin another");
    return read(i->second, request);
  }

  void tick(const tick_atom&) {
    ticking = false;
    const auto t = now();
    for (auto i = waiting.begin(); i != waiting.end();) {
      auto found = taps.find(i->tap);
      if (found == taps.end()) {
        fulfil(i->answer, refuse(ec::parameter_invalid, "this tap has ended"));
        i = waiting.erase(i);
        continue;
      }
      auto messages = read_from(found->second, i->after);
      if (messages.empty() && t < i->until) {
        ++i;
        continue;
      }
      fulfil(i->answer, reply(found->second, messages, i->after));
      i = waiting.erase(i);
    }
    for (auto i = taps.begin(); i != taps.end();) {
      if (i->second.asked_at + std::chrono::nanoseconds{limits::tap_lease}.count() > t) {
        ++i;
        continue;
      }
      info("the tap of ", i->second.actor, " ends: nobody asked it for ", limits::tap_lease.count(), " ms");
      end(i->second);
      i = taps.erase(i);
    }
    arm();
  }

  tap_desk_actor me() {
    return self;
  }

  std::uint64_t epoch = 0;

private:
  struct open_tap {
    std::uint64_t id = 0;
    std::string actor;
    std::shared_ptr<tap> what;
    bool frames = false;
    std::int64_t asked_at = 0;
    std::string about; ///< What a record needs to know of the actor; told once.
  };

  /// What a tap itself makes the gateway handle is left out: each answer would contain the one before.
  static bool of_a_tap(const tapped_message& m) {
    if (m.type == "TapActorRequest" || m.type == "TapActorReply")
      return true;
    if (m.type == "ClientRequest")
      return static_cast<const msg<schema::ClientRequest>*>(m.keep.get())->read().isTapActor();
    return m.type == "ClientReply" && static_cast<const msg<schema::ClientReply>*>(m.keep.get())->read().isTapActor();
  }

  struct waiter {
    std::uint64_t tap = 0;
    std::uint64_t after = 0;
    std::int64_t until = 0;
    promise answer;
  };

  caf::result<m<reply_type>> begin(const m<schema::TapActorRequest>& request) {
    const std::string name{view(request->getActor())};
    const auto probe = probes_of(self->system()).named(name);
    if (!probe)
      return refuse(ec::parameter_invalid, name.empty() ? std::string{"name the actor to be tapped; `muster actors` lists them"}
                                                        : "no actor is named " + name + "; `muster actors` lists them all");
    if (name == "tap_desk")
      return refuse(ec::parameter_invalid, "tap_desk cannot be tapped: it would see itself");
    if (taps.size() >= limits::taps)
      end_abandoned();
    if (taps.size() >= limits::taps)
      return refuse(ec::too_many_requests, "there are " + std::to_string(taps.size())
                                             + " taps already; they end 10 s after their last question");
    std::set<std::string> types;
    for (auto t : request->getTypes())
      types.emplace(view(t));
    const auto rate = request->getPerSecond() == 0 ? limits::tap_rate : request->getPerSecond();
    open_tap t;
    t.id = ++last;
    t.actor = name;
    t.what = std::make_shared<tap>(std::move(types), std::min<std::size_t>(rate, limits::tap_rate_most), &of_a_tap);
    t.frames = request->getFrames();
    t.asked_at = now();
    t.about = "{\"actor\":\"" + name + "\",\"kind\":\"" + probe->kind() + "\",\"epoch\":\"" + std::to_string(epoch)
              + "\",\"clock_offset_ns\":\"" + std::to_string(offset) + "\"}";
    if (request->getRestart())
      t.what->await_restart();
    probe->add_tap(t.what);
    const auto id = t.id;
    auto& mine = taps.emplace(id, std::move(t)).first->second;
    arm();
    if (!request->getRestart())
      return reply(mine, {}, 0);
    // The one that takes its place enrols under the same name, and takes over the tap.
    auto answer = self->make_response_promise<m<reply_type>>();
    shell::request<m<schema::RestartActorReply>>(
      supervisor, limits::read_timeout,
      make<schema::RestartActorRequest>([&](auto b) { b.setName(name); }, epoch),
      [this, id, answer](const m<schema::RestartActorReply>& done) mutable { restarted(id, to_failure(done->getStatus()), answer); },
      [this, id, answer](const failure& why) mutable { restarted(id, why, answer); });
    return answer;
  }

  void restarted(std::uint64_t id, const failure& why, promise& answer) {
    const auto i = taps.find(id);
    if (i == taps.end())
      return fulfil(answer, refuse(ec::internal, "the tap has ended"));
    if (why.code == ec::ok)
      return fulfil(answer, reply(i->second, {}, 0));
    end(i->second);
    taps.erase(i);
    fulfil(answer, refuse(why.code, why.text));
  }

  void end_abandoned() {
    const auto oldest = std::min_element(taps.begin(), taps.end(),
                                         [](const auto& a, const auto& b) { return a.second.asked_at < b.second.asked_at; });
    if (oldest == taps.end() || oldest->second.asked_at + std::chrono::nanoseconds{abandoned}.count() > now())
      return;
    end(oldest->second);
    taps.erase(oldest);
  }

  void end(open_tap& t) {
    if (auto probe = probes_of(self->system()).named(t.actor))
      probe->remove_tap(t.what.get());
  }

  std::vector<tapped_message> read_from(open_tap& t, std::uint64_t after) {
    return t.what->read(after, limits::tap_reply_messages,
                        t.frames ? limits::tap_reply_bytes : limits::tap_bytes);
  }

  caf::result<m<reply_type>> read(open_tap& t, const m<schema::TapActorRequest>& request) {
    t.asked_at = now();
    // A number below the first: what the first answer gave to go on from.
    const auto after = request->getAfter();
    const auto messages = read_from(t, number_of(after));
    if (!messages.empty() || request->getWaitMs() == 0)
      return reply(t, messages, number_of(after));
    const auto wait = std::min<std::chrono::milliseconds>(std::chrono::milliseconds{request->getWaitMs()}, limits::tap_wait);
    t.asked_at += std::chrono::nanoseconds{wait}.count();
    waiting.push_back({t.id, number_of(after), now() + std::chrono::nanoseconds{wait}.count(),
                       self->make_response_promise<m<reply_type>>()});
    arm();
    return waiting.back().answer;
  }

  /// Numbers of messages are told one higher than they are: 0 would begin anew.
  static std::uint64_t number_of(std::uint64_t next) {
    const auto n = next & ((std::uint64_t{1} << number_bits) - 1);
    return n == 0 ? 0 : n - 1;
  }

  m<reply_type> reply(open_tap& t, const std::vector<tapped_message>& messages, std::uint64_t after) {
    const bool first = !t.about.empty() && t.frames;
    return make<reply_type>(
      [&](reply_type::Builder b) {
        const auto n = messages.empty() ? after : messages.back().number;
        b.setNext((t.id << number_bits) | (n + 1));
        b.setLeftOut(t.what->left_out());
        auto list = b.initMessages(static_cast<unsigned>(messages.size() + (first ? 1 : 0)));
        unsigned i = 0;
        if (first) {
          list[0].setAt(now() + offset);
          list[0].setType("tap");
          list[0].setJson(std::exchange(t.about, {}));
          i = 1;
        }
        for (const auto& one : messages)
          write(list[i++], one, t.frames);
      },
      epoch);
  }

  void write(schema::TappedMessage::Builder b, const tapped_message& one, bool frames) const {
    b.setAt(one.at + offset);
    b.setOut(one.out);
    b.setType(one.type);
    b.setPeer(one.peer);
    b.setBytes(one.bytes);
    if (one.published) {
      const auto small = one.published->header.bytes().size() <= limits::tap_json_bytes;
      std::size_t chunks = 0;
      for (const auto& c : one.published->chunks)
        chunks += c.bytes().size();
      b.setJson(small && chunks <= limits::tap_json_bytes ? json_of(*one.published) : too_large(one.bytes));
      if (!frames)
        return;
      const auto bytes = muster::write(*one.published);
      auto list = b.initFrames(static_cast<unsigned>(bytes.frames.size()));
      for (unsigned i = 0; i < list.size(); ++i)
        list.set(i, data(bytes.frames[i]));
      b.setTouched(data(bytes.about));
      return;
    }
    if (!one.keep)
      return; // a signal
    b.setJson(one.frame.size() <= limits::tap_json_bytes ? json_of(one.schema, one.frame) : too_large(one.bytes));
    if (frames)
      b.initFrames(1).set(0, data(one.frame));
  }

  static std::string too_large(std::size_t bytes) {
    return "{\"too_large\":" + std::to_string(bytes) + "}";
  }

  static capnp::Data::Reader data(std::string_view bytes) {
    return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
  }

  m<reply_type> refuse(ec code, const std::string& text) {
    return make<reply_type>([&](auto b) { set_status(b.initStatus(), code, text); });
  }

  /// Often while somebody waits, else only to end taps.
  void arm() {
    const bool soon = !waiting.empty();
    if (taps.empty() || (ticking && (!soon || ticking_soon)))
      return;
    ticking = true;
    ticking_soon = soon;
    send_later(soon ? limits::tap_look : limits::tap_lease, tick_atom::value);
  }

  std::int64_t offset = 0;
  std::uint64_t last = 0;
  std::map<std::uint64_t, open_tap> taps;
  std::list<waiter> waiting;
  supervisor_actor supervisor;
  bool ticking = false;
  bool ticking_soon = false;
};

tap_desk_actor::behavior_type desk_behavior(tap_desk_actor::stateful_pointer<desk_shell> self, std::uint64_t epoch) {
  auto& s = self->state;
  s.epoch = epoch;
  return {s.on(&desk_shell::ask), s.on(&desk_shell::attach), s.on(&desk_shell::tick)};
}

} // namespace

tap_desk_actor spawn_tap_desk(caf::actor_system& system, std::uint64_t epoch) {
  return system.spawn(desk_behavior, epoch);
}

} // namespace muster
