// The part of the gateway that carries out loads and releases: serial for one collection, side by side for several.
#pragma once

#include "actors/core/answers.hpp"
#include "actors/core/group_requests.hpp"
#include "actors/core/load_terms.hpp"
#include "actors/gateway.hpp"
#include "actors/group_service.hpp"
#include "actors/runtime/shell.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// Belongs to the state of the gateway. At most limits::jobs_per_collection wait for one collection; each has the deadline of its
/// request and is answered once.
template <class Shell>
class job_service {
public:
  /// Why it ended, and the id of the collection.
  using done = std::function<void(const failure&, std::int64_t)>;

  job_service(Shell& shell, const situation& view, group_service<Shell>& groups)
    : shell_(shell), view_(view), groups_(groups) {
    // nop
  }

  void enqueue(const msg<schema::ClientRequest>& r, done then) {
    auto terms = terms_of(r.read());
    if (!terms) {
      then(terms.error(), 0);
      return;
    }
    if (terms->refresh) {
      refresh(*terms, std::move(then));
      return;
    }
    const auto name = terms->collection;
    auto& queue = jobs_[name];
    if (queue.size() >= limits::jobs_per_collection) {
      then(failure{ec::too_many_requests, "more than " + std::to_string(limits::jobs_per_collection)
                                            + " loads and releases of " + name + " wait already"},
           0);
      return;
    }
    const auto left = std::chrono::nanoseconds{time_left(r->getHeader(), limits::job_timeout)};
    queue.push_back({std::move(*terms), std::move(then), shell_.now() + left.count(), r->getHeader().getTraceId(), 0});
    if (queue.size() == 1)
      run(name);
  }

  /// A newer situation is there.
  void hear() {
    for (const auto& name : std::exchange(awaiting_group_, {}))
      run(name);
    for (const auto& [name, id] : std::exchange(unseen_, {}))
      finish(name, failure{ec::ok, {}}, id);
  }

  /// True while something of the collection is at work or waits.
  bool busy(const std::string& collection) const {
    return jobs_.contains(collection);
  }

private:
  struct job {
    load_terms terms;
    done then;
    std::int64_t deadline = 0;
    std::uint64_t trace = 0;
    std::size_t tries = 0; ///< Waits for nodes to be in a group.
  };

  /// Looks for new data now; the answer does not wait for the promotion.
  void refresh(const load_terms& terms, done then) {
    const auto* c = find_loaded(view_, terms.collection);
    if (c == nullptr || c->desired->status != schema::LoadStatus::LOADED) {
      then(failure{ec::collection_not_loaded, "collection " + terms.collection
                                                + (c == nullptr ? " is not loaded; load it first"
                                                                : " is not fully loaded yet; refresh it when it is")},
           0);
      return;
    }
    const auto id = c->desired->id;
    shell_.template request<msg<schema::RefreshReply>>(
      shell_.peers.targets, limits::data_timeout,
      shell_.template make<schema::RefreshRequest>([&](auto b) { b.setCollection(id); }, shell_.peers.epoch),
      [then, id](const msg<schema::RefreshReply>& next) { then(to_failure(next->getStatus()), id); },
      [then, id](const failure& why) { then(why, id); });
  }

  /// Starts the job at the head of a collection's queue.
  void run(const std::string& name) {
    auto& head = jobs_.at(name).front();
    const auto* c = find_loaded(view_, name);
    if (head.terms.kind == job_kind::SYNC_NEW_CREATED_PARTITION) {
      // Of what is not loaded, or loaded partition by partition, later partitions are no part.
      if (c == nullptr || !c->desired->whole_collection)
        finish(name, failure{ec::ok, {}}, 0);
      else
        launch(name, c->desired->replicas);
      return;
    }
    if (!head.terms.loads()) {
      launch(name, {});
      return;
    }
    if (c == nullptr && head.terms.undecided() && head.tries == 0) {
      describe(name);
      return;
    }
    place(name);
  }

  /// How many replicas, and where, may be said by the collection.
  void describe(const std::string& name) {
    auto question = shell_.template make<schema::DataRequest>([&](auto b) { b.setDescribe(name); }, shell_.peers.epoch);
    shell_.template request<msg<schema::DataReply>>(
      shell_.peers.data, limits::data_timeout, question,
      [this, name](const msg<schema::DataReply>& reply) {
        if (auto why = to_failure(reply->getStatus()); why.code != ec::ok) {
          finish(name, why, 0);
          return;
        }
        decide(jobs_.at(name).front().terms, reply->getCollection(), shell_.settings().values());
        place(name);
      },
      [this, name](const failure& why) { finish(name, why, 0); });
  }

  void place(const std::string& name) {
    auto& head = jobs_.at(name).front();
    const auto& terms = head.terms;
    if (const auto* c = find_loaded(view_, name)) {
      if (!wants_other_replicas(*c->desired, terms.replica_number, terms.groups))
        launch(name, c->desired->replicas);
      else if (terms.kind == job_kind::LOAD_PARTITIONS)
        finish(name,
               failure{ec::parameter_invalid, "collection " + name + " is loaded with "
                                                + std::to_string(c->desired->replica_number)
                                                + " replicas, or in other groups than asked for; update-load-config changes that"},
               c->desired->id);
      else
        regroup(name);
      return;
    }
    auto replicas = first_replicas(view_, terms.groups, std::max(terms.replica_number, 1u));
    if (replicas)
      launch(name, *replicas);
    else if (replicas.error().code == ec::resource_group_node_not_enough && node_awaits_group(view_)
             && shell_.now() < head.deadline && ++head.tries <= limits::premise_retries)
      awaiting_group_.insert(name);
    else
      finish(name, replicas.error(), 0);
  }

  /// A load of what is loaded, with other replicas: they change while it is served.
  void regroup(const std::string& name) {
    const auto& terms = jobs_.at(name).front().terms;
    const auto* c = find_loaded(view_, name);
    const auto count = terms.replica_number != 0 ? terms.replica_number : c->desired->replicas.size();
    auto update = shell_.template make<schema::ClientRequest>([&](schema::ClientRequest::Builder b) {
      auto u = b.initUpdateLoadConfig();
      u.initCollections(1).set(0, name);
      u.setReplicaNumber(terms.replica_number);
      auto groups = u.initResourceGroups(static_cast<unsigned>(terms.groups.size()));
      for (unsigned i = 0; i < terms.groups.size(); ++i)
        groups.set(i, terms.groups[i]);
    });
    groups_.change(update, [this, name, count](const failure& why) {
      if (why.code == ec::ok)
        launch(name, std::vector<replica_row>(count));
      else
        finish(name, why, 0);
    });
  }

  void launch(const std::string& name, const std::vector<replica_row>& replicas) {
    auto& head = jobs_.at(name).front();
    const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds{head.deadline - shell_.now()});
    if (left.count() <= 0) {
      // Whoever asked has given up, and may have asked for the opposite since.
      finish(name,
             failure{ec::deadline_exceeded, "the deadline passed while earlier requests for " + name
                                              + " were at work; nothing was changed"},
             0);
      return;
    }
    const auto& terms = head.terms;
    auto order = shell_.template make<schema::RunJob>(
      [&](schema::RunJob::Builder b) {
        b.setCollection(name);
        b.setKind(terms.kind);
        b.setReplicaNumber(static_cast<std::uint32_t>(replicas.size()));
        auto list = b.initReplicas(static_cast<unsigned>(replicas.size()));
        for (unsigned i = 0; i < replicas.size(); ++i) {
          write(list[i], replicas[i]);
          if (terms.low_priority)
            list[i].setLoadPriority(schema::LoadPriority::LOW);
        }
        auto partitions = b.initPartitions(static_cast<unsigned>(terms.partitions.size()));
        for (unsigned i = 0; i < terms.partitions.size(); ++i)
          partitions.set(i, terms.partitions[i]);
        auto fields = b.initLoadFields(static_cast<unsigned>(terms.load_fields.size()));
        for (unsigned i = 0; i < terms.load_fields.size(); ++i)
          fields.set(i, terms.load_fields[i]);
        b.setUserSpecifiedReplicas(terms.user_specified);
      },
      shell_.peers.epoch, head.trace, left);
    const bool release = terms.kind == job_kind::RELEASE_COLLECTION || terms.kind == job_kind::RELEASE_PARTITIONS;
    const auto job = release ? spawn_release_job(shell_.self->system(), shell_.peers)
                             : spawn_load_job(shell_.self->system(), shell_.peers);
    shell_.template request<msg<schema::JobReply>>(
      job, left + std::chrono::milliseconds{500}, order,
      [this, name](const msg<schema::JobReply>& r) { finish(name, to_failure(r->getStatus()), r->getCollectionId()); },
      [this, name, job](const failure& why) {
        shell_.self->send_exit(job, caf::exit_reason::user_shutdown);
        finish(name, why, 0);
      });
  }

  /// True when the gateway's own situation shows what the job has done; whoever is answered may ask for it at once.
  bool seen(const load_terms& terms, std::int64_t id) const {
    const auto* c = view_.collection(id);
    if (terms.kind == job_kind::RELEASE_COLLECTION)
      return c == nullptr || (!c->desired && !c->held());
    if (!terms.loads() || (terms.kind == job_kind::LOAD_PARTITIONS && terms.partitions.empty()))
      return true;
    return c != nullptr && c->desired && c->desired->status == schema::LoadStatus::LOADED && c->desired->loading_partitions.empty();
  }

  void finish(const std::string& name, const failure& why, std::int64_t id) {
    auto i = jobs_.find(name);
    const auto& head = i->second.front();
    if (why.code == ec::ok && !seen(head.terms, id) && shell_.now() < head.deadline) {
      unseen_.emplace_back(name, id); // what collection_observer has seen is on its way here
      return;
    }
    auto then = std::move(i->second.front().then);
    i->second.pop_front();
    const bool more = !i->second.empty();
    if (!more)
      jobs_.erase(i);
    then(why, id);
    if (more)
      run(name);
  }

  Shell& shell_;
  const situation& view_;
  group_service<Shell>& groups_;
  std::map<std::string, std::deque<job>> jobs_;
  std::vector<std::pair<std::string, std::int64_t>> unseen_; ///< Jobs that are done, with the collection's id.
  std::set<std::string> awaiting_group_; ///< Collections whose load lacks nodes while some are about to be in a group.
};

} // namespace muster
