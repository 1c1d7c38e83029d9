// The part of the gateway for changes of the data itself: the catalogue makes them durable, then the next target is built at once; files
// of replaced segments go when nobody needs them any more.
#pragma once

#include "actors/core/answers.hpp"
#include "actors/interfaces.hpp"
#include "actors/runtime/shell.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// Belongs to the state of the gateway. Every continuation is called once.
template <class Shell>
class catalogue_service {
public:
  using done = std::function<void(msg<schema::ClientReply>)>;
  using Request = schema::ClientRequest;

  /// `busy`: whether something of a collection is at work, by its name.
  catalogue_service(Shell& shell, const situation& view, std::function<bool(const std::string&)> busy)
    : shell_(shell), view_(view), busy_(std::move(busy)) {
    // nop
  }

  /// RegisterImport, CreateIndex, DropIndex and Compact.
  void change(const msg<Request>& r, done then) {
    pass_on(r, [this, r, then](msg<schema::ClientReply> reply) { changed(r, std::move(reply), then); });
  }

  void pass_on(const msg<Request>& r, done then) {
    shell_.template request<msg<schema::ClientReply>>(
      shell_.peers.data, limits::data_timeout, r, [then](const msg<schema::ClientReply>& reply) { then(reply); },
      [this, then](const failure& why) { then(shell_.reply([&](auto b) { set_status(b.initStatus(), why); })); });
  }

  /// Replaced segments of earlier starts. Cost: those that have files yet.
  void recall(std::int64_t after = 0) {
    auto question = shell_.template make<schema::DataRequest>([&](auto b) { b.setDropped(after); }, shell_.peers.epoch);
    shell_.template request<msg<schema::DataReply>>(
      shell_.peers.data, limits::data_timeout, question,
      [this](const msg<schema::DataReply>& reply) {
        std::set<std::int64_t> collections;
        for (auto s : reply->getDropped().getSegments()) {
          remember(s.getCollection(), s.getId());
          collections.insert(s.getCollection());
        }
        for (auto id : collections)
          look(id);
        if (const auto more = reply->getDropped().getNextAfter(); more != 0)
          recall(more);
      },
      [this](const failure& why) { shell_.warn("replaced segments keep their files until the next start: ", why.text); });
  }

  /// A newer situation is there, and this is what it is newer in. Cost: what waits of that.
  void hear(const touched_map& touched) {
    if (dropped_.empty())
      return;
    for (auto id : std::exchange(held_back_, {}))
      look(id);
    for (const auto& [id, ids] : touched)
      look(id);
  }

private:
  struct waiting {
    std::string name; ///< Empty: not known.
    std::set<std::int64_t> segments;
  };

  void changed(const msg<Request>& r, msg<schema::ClientReply> reply, done then) {
    std::int64_t id = 0;
    switch (reply->which()) {
      case schema::ClientReply::REGISTER_IMPORT:
        // Of several all are new, so nobody has loaded them.
        if (r->getRegisterImport().getMore().size() == 0)
          id = changed_id(reply->getRegisterImport());
        break;
      case schema::ClientReply::CREATE_INDEX:
        id = changed_id(reply->getCreateIndex());
        break;
      case schema::ClientReply::DROP_INDEX:
        id = changed_id(reply->getDropIndex());
        break;
      case schema::ClientReply::COMPACT:
        id = changed_id(reply->getCompact());
        break;
      default:
        break;
    }
    if (id == 0) {
      then(std::move(reply));
      return;
    }
    if (reply->isCompact())
      for (auto segment : r->getCompact().getReplaced())
        remember(id, segment, std::string{plain_name(view(r->getCompact().getCollection()))});
    // If it is loaded, the next target is built now, so that nobody has to poll for it; if it is about to be,
    // target_observer remembers that there is other data than its load has seen.
    shell_.template request<msg<schema::RefreshReply>>(
      shell_.peers.targets, limits::data_timeout,
      shell_.template make<schema::RefreshRequest>([&](auto b) { b.setCollection(id); }, shell_.peers.epoch),
      [this, reply, then, id](const msg<schema::RefreshReply>& next) {
        look(id);
        then(with_version(reply, next->getVersion())); // 0: not loaded
      },
      [this, reply, then, id](const failure& why) {
        // The change is durable; the next target comes when target_observer gets to it.
        shell_.warn("collection ", id, " has other data but its next target is late: ", why.text);
        look(id);
        then(reply);
      });
  }

  template <class Reply>
  static std::int64_t changed_id(Reply r) {
    return r.getStatus().getCode() == 0 ? r.getCollectionId() : 0;
  }

  msg<schema::ClientReply> with_version(const msg<schema::ClientReply>& reply, std::int64_t version) {
    return shell_.reply([&](schema::ClientReply::Builder b) {
      if (reply->isRegisterImport()) {
        b.setRegisterImport(reply->getRegisterImport());
        b.getRegisterImport().setTargetVersion(version);
      } else if (reply->isCompact()) {
        b.setCompact(reply->getCompact());
        b.getCompact().setTargetVersion(version);
      } else if (reply->isCreateIndex()) {
        b.setCreateIndex(reply->getCreateIndex());
      } else {
        b.setDropIndex(reply->getDropIndex());
      }
    });
  }

  // -- files of replaced segments ---------------------------------------------------

  void remember(std::int64_t collection, std::int64_t segment, const std::string& name = {}) {
    if (count_ >= limits::dropped_segments)
      return;
    auto& w = dropped_[collection];
    if (!name.empty())
      w.name = name;
    count_ += w.segments.insert(segment).second ? 1 : 0;
  }

  /// What ListLoadedSegments names of it, its files must stay for.
  static bool needed(const collection_view* c, std::int64_t segment) {
    if (c == nullptr)
      return false;
    if (const auto t = c->target_of(segment); t && c->head && (t->in(c->head->current) || t->in(c->head->next)))
      return true;
    return !c->copies_of(segment).empty();
  }

  /// Has the files deleted of those segments of a collection that nobody needs any more.
  void look(std::int64_t id) {
    auto i = dropped_.find(id);
    if (i == dropped_.end())
      return;
    if (busy_(i->second.name)) { // a load that is under way may have seen them
      held_back_.insert(id);
      return;
    }
    const auto* c = view_.collection(id);
    std::vector<std::int64_t> due;
    for (auto segment : i->second.segments)
      if (!needed(c, segment))
        due.push_back(segment);
    if (due.empty())
      return;
    for (auto segment : due)
      i->second.segments.erase(segment);
    count_ -= due.size();
    if (i->second.segments.empty())
      dropped_.erase(i);
    auto question = shell_.template make<schema::DataRequest>(
      [&](auto b) {
        auto list = b.initDeleteFiles(static_cast<unsigned>(due.size()));
        for (unsigned k = 0; k < list.size(); ++k)
          list.set(k, due[k]);
      },
      shell_.peers.epoch);
    shell_.template request<msg<schema::DataReply>>(
      shell_.peers.data, limits::data_timeout, question, [](const msg<schema::DataReply>&) {},
      [this](const failure& why) { shell_.warn("replaced segments keep their files until the next start: ", why.text); });
  }

  Shell& shell_;
  const situation& view_;
  std::function<bool(const std::string&)> busy_;
  std::map<std::int64_t, waiting> dropped_; ///< By collection; at most limits::dropped_segments.
  std::size_t count_ = 0;
  std::set<std::int64_t> held_back_;
};

} // namespace muster
