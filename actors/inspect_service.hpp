// The part of the gateway for who looks inside: tasks, taps, restarts, levels of the log, records of the journal.
#pragma once

#include "actors/core/answers.hpp"
#include "actors/core/reads.hpp"
#include "actors/core/task_entries.hpp"
#include "actors/interfaces.hpp"
#include "actors/runtime/shell.hpp"
#include "messages/status.hpp"

#include <functional>
#include <string>
#include <utility>

namespace muster {

/// Belongs to the state of the gateway. Every continuation is called once.
template <class Shell>
class inspect_service {
public:
  using done = std::function<void(msg<schema::ClientReply>)>;
  using Request = schema::ClientRequest;

  inspect_service(Shell& shell, const situation& view) : shell_(shell), view_(view) {
    // nop
  }

  void restarts_with(supervisor_actor who) {
    supervisor_ = std::move(who);
  }

  void handle(const msg<Request>& r, done then) {
    switch (r->which()) {
      case Request::LIST_TASKS:
        return tasks(r->getListTasks(), std::move(then));
      case Request::TAP_ACTOR:
        return ask<schema::TapActorReply>(
          shell_.peers.taps, limits::inspect_timeout, r->getTapActor(), std::move(then), [](auto b) { return b.initTapActor(); },
          [](auto b, auto x) { b.setTapActor(x); });
      case Request::RESTART_ACTOR:
        return ask<schema::RestartActorReply>(
          supervisor_, limits::read_timeout, r->getRestartActor(), std::move(then), [](auto b) { return b.initRestartActor(); },
          [](auto b, auto x) { b.setRestartActor(x); });
      case Request::READ_JOURNAL:
        return ask<schema::ReadJournalReply>(
          shell_.peers.journal, limits::read_timeout, r->getReadJournal(), std::move(then), [](auto b) { return b.initReadJournal(); },
          [](auto b, auto x) { b.setReadJournal(x); });
      default:
        return then(levels(r->getSetLogLevel()));
    }
  }

private:
  /// Passes a question on, and the answer or why there is none.
  template <class Reply, class Actor, class Question, class Arm, class Put>
  void ask(const Actor& to, std::chrono::milliseconds timeout, Question question, done then, Arm arm, Put put) {
    shell_.template request<msg<Reply>>(
      to, timeout, copy<typename Question::Reads>(question),
      [this, then, put](const msg<Reply>& x) { then(shell_.reply([&](auto b) { put(b, x.read()); })); },
      [this, then, arm](const failure& why) {
        then(shell_.reply([&](auto b) { set_status(arm(b).initStatus(), why); }));
      });
  }

  void tasks(schema::ListTasksRequest::Reader asked, done then) {
    std::int64_t collection = 0;
    if (asked.getCollection().size() > 0) {
      const auto* c = find_loaded(view_, view(asked.getCollection()));
      if (c == nullptr)
        return then(shell_.reply([&](auto b) {
          set_status(b.initListTasks().initStatus(), ec::collection_not_loaded,
                     "collection " + std::string{view(asked.getCollection())} + " is not loaded; load it first");
        }));
      collection = c->desired->id;
    }
    const auto most = asked.getLimit() == 0 ? limits::listed_tasks : asked.getLimit();
    shell_.template request<msg<schema::TaskRecordsReply>>(
      shell_.peers.scheduler, limits::read_timeout,
      shell_.template make<schema::TaskRecordsRequest>([&](auto b) { b.setCollection(collection); }, shell_.peers.epoch),
      [this, then, most](const msg<schema::TaskRecordsReply>& records) {
        then(shell_.reply([&](auto b) { write_task_entries(records->getTasks(), most, b.initListTasks()); }));
      },
      [this, then](const failure& why) {
        then(shell_.reply([&](auto b) { set_status(b.initListTasks().initStatus(), why); }));
      });
  }

  /// The table of levels belongs to the process: nobody is asked.
  msg<schema::ClientReply> levels(schema::SetLogLevelRequest::Reader asked) {
    const auto level = view(asked.getLevel());
    const auto channel = view(asked.getChannel());
    log::severity lowest{};
    if (!level.empty() && level != "default" && !log::read_severity(level, lowest))
      return shell_.reply([&](auto b) {
        set_status(b.initSetLogLevel().initStatus(), ec::parameter_invalid,
                   "no level is named " + std::string{level} + "; there are debug, info, warn, error, off and default");
      });
    if (channel.size() > limits::property_bytes)
      return shell_.reply([&](auto b) {
        set_status(b.initSetLogLevel().initStatus(), ec::parameter_invalid, "the name of a channel is too long");
      });
    if (!channel.empty() && !level.empty() && !is_channel(channel))
      return shell_.reply([&](auto b) {
        set_status(b.initSetLogLevel().initStatus(), ec::parameter_invalid,
                   "no kind of actor is named " + std::string{channel} + "; `muster actors` lists them");
      });
    if (level == "default")
      log::reset_level(channel);
    else if (!level.empty())
      log::set_level(channel, lowest);
    return shell_.reply([&](schema::ClientReply::Builder b) {
      const auto all = log::levels();
      auto list = b.initSetLogLevel().initLevels(static_cast<unsigned>(all.size()));
      for (unsigned i = 0; i < all.size(); ++i) {
        list[i].setKey(all[i].first);
        list[i].setValue(log::to_string(all[i].second));
      }
    });
  }

  /// Only kinds of actors that there are, or are begun on request: so the table stays small.
  bool is_channel(std::string_view channel) const {
    for (const char* known : {"deploy", "net", "load_job", "release_job", "node_session", "task_executor", "http_door", "http_desk"})
      if (channel == known)
        return true;
    for (const auto& r : probes_of(shell_.self->system()).reports({}, shell_.now()))
      if (r.kind == channel)
        return true;
    return false;
  }

  Shell& shell_;
  const situation& view_;
  supervisor_actor supervisor_;
};

} // namespace muster
