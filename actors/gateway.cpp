// Every request of a client: checked, admitted, routed, answered once.
#include "actors/gateway.hpp"

#include "actors/core/answers.hpp"
#include "actors/runtime/publisher.hpp"

#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>

namespace muster {

namespace {

using Request = schema::ClientRequest;

struct gateway_shell : shell<gateway_actor, gateway_shell> {
  using promise = caf::typed_response_promise<m<schema::ClientReply>>;

  explicit gateway_shell(self_pointer ptr) : shell(ptr, "gateway", "gateway", "supervisor") {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    view.apply(p);
    heard = true;
    return acknowledge(*this, p);
  }

  void stop(const stop_atom&) {
    stopping = true;
  }

  caf::result<m<schema::ClientReply>> handle(const m<Request>& request) {
    const auto which = request->which();
    if (stopping || !heard)
      return refuse(stopping ? ec::stopping : ec::service_not_ready,
                    stopping ? "the coordinator is stopping" : "the coordinator is starting; try again in a moment");
    if (in_flight >= limits::client_requests)
      return refuse(ec::too_many_requests, "more than " + std::to_string(limits::client_requests)
                                             + " requests are in flight; try again later");
    switch (which) {
      case Request::GET_STATUS:
        return reply([&](auto b) {
          auto out = b.initGetStatus();
          out.setState("Healthy");
          out.setEpoch(peers.epoch);
          out.setVersion("0.1.0");
          write_status(view, out);
        });
      case Request::SHOW_LOAD_COLLECTIONS:
        return show(request->getShowLoadCollections());
      case Request::GET_LOAD_SEGMENT_INFO:
        return of_loaded(request->getGetLoadSegmentInfo().getCollection(), [&](const collection_view* c, auto why) {
          return reply([&](auto b) {
            auto out = b.initGetLoadSegmentInfo();
            c != nullptr ? write_segments(*c, out) : set_status(out.initStatus(), why);
          });
        });
      case Request::GET_REPLICAS:
        return of_loaded(request->getGetReplicas().getCollection(), [&](const collection_view* c, auto why) {
          return reply([&](auto b) {
            auto out = b.initGetReplicas();
            c != nullptr ? write_replicas(view, *c, out) : set_status(out.initStatus(), why);
          });
        });
      case Request::INVALID:
        return refuse(ec::parameter_invalid, "a request of no kind that this version knows");
      default:
        break;
    }
    // What follows asks other actors; the answer comes later.
    ++in_flight;
    auto answer = self->make_response_promise<m<schema::ClientReply>>();
    switch (which) {
      case Request::ALLOCATE_IDS:
        allocate(request, answer);
        break;
      case Request::LOAD_COLLECTION:
      case Request::RELEASE_COLLECTION:
        enqueue(request, answer);
        break;
      case Request::DROP_COLLECTION:
        drop(request, answer);
        break;
      case Request::REGISTER_IMPORT:
        register_import(request, answer);
        break;
      case Request::DESCRIBE_COLLECTION:
      case Request::LIST_COLLECTIONS:
        describe(request, answer);
        break;
      case Request::GET_SHARD_LEADERS:
        this->request<m<schema::GetShardLeadersReply>>(
          peers.routes, limits::read_timeout, copy<schema::GetShardLeadersRequest>(request->getGetShardLeaders()),
          [this, answer](const m<schema::GetShardLeadersReply>& r) mutable {
            deliver(answer, reply([&](auto b) { b.setGetShardLeaders(r.read()); }));
          },
          failing(answer));
        break;
      case Request::LIST_ACTORS:
        this->request<m<schema::ListActorsReply>>(
          peers.inspector, limits::read_timeout, copy<schema::ListActorsRequest>(request->getListActors()),
          [this, answer](const m<schema::ListActorsReply>& r) mutable {
            deliver(answer, reply([&](auto b) { b.setListActors(r.read()); }));
          },
          failing(answer));
        break;
      default:
        deliver(answer, refuse(ec::parameter_invalid, "a request of no kind that this version knows"));
        break;
    }
    return answer;
  }

  gateway_peers peers;

private:
  template <class Fill>
  m<schema::ClientReply> reply(Fill&& fill) {
    return make<schema::ClientReply>(fill, peers.epoch);
  }

  m<schema::ClientReply> refuse(ec code, const std::string& text) {
    return reply([&](auto b) { set_status(b.initStatus(), code, text); });
  }

  void deliver(promise& answer, m<schema::ClientReply> r) {
    --in_flight;
    answer.deliver(std::move(r));
  }

  std::function<void(const failure&)> failing(promise answer) {
    return [this, answer](const failure& why) mutable { deliver(answer, refuse(why.code, why.text)); };
  }

  // -- reads ----------------------------------------------------------------------

  template <class Then>
  m<schema::ClientReply> of_loaded(capnp::Text::Reader name, Then&& then) {
    const auto* c = find_loaded(view, muster::view(name));
    return then(c, failure{ec::collection_not_loaded,
                           "collection " + std::string{muster::view(name)} + " is not loaded; load it first"});
  }

  m<schema::ClientReply> show(schema::ShowLoadCollectionsRequest::Reader request) {
    std::vector<const collection_view*> chosen;
    failure why{ec::ok, {}};
    for (auto name : request.getCollections()) {
      const auto* c = find_loaded(view, muster::view(name));
      if (c == nullptr)
        why = failure{ec::collection_not_loaded, "collection " + std::string{muster::view(name)} + " is not loaded"};
      else
        chosen.push_back(c);
    }
    if (request.getCollections().size() == 0)
      for (const auto& [id, c] : view.collections())
        if (c.desired)
          chosen.push_back(&c);
    return reply([&](auto b) {
      auto out = b.initShowLoadCollections();
      if (why.code != ec::ok) {
        set_status(out.initStatus(), why);
        return;
      }
      auto list = out.initCollections(static_cast<unsigned>(chosen.size()));
      for (unsigned i = 0; i < chosen.size(); ++i)
        write_loaded(view, *chosen[i], list[i]);
    });
  }

  void allocate(const m<Request>& r, promise answer) {
    const auto count = r->getAllocateIds().getCount();
    auto commit = make<schema::Commit>([&](auto b) { b.setAllocate(count); }, peers.epoch);
    request<m<schema::CommitReply>>(
      peers.metadata, limits::commit_timeout, commit,
      [this, answer, count](const m<schema::CommitReply>& done) mutable {
        deliver(answer, reply([&](auto b) {
                  auto out = b.initAllocateIds();
                  out.setStatus(done->getStatus());
                  out.setFirst(done->getValue());
                  out.setCount(count);
                }));
      },
      failing(answer));
  }

  // -- the catalogue ----------------------------------------------------------------

  void ask_data(const m<Request>& r, promise answer, std::function<void(m<schema::ClientReply>)> then) {
    request<m<schema::ClientReply>>(
      peers.data, limits::data_timeout, r,
      [then](const m<schema::ClientReply>& done) { then(done); }, failing(answer));
  }

  std::string load_status(std::int64_t id) const {
    const auto* c = view.collection(id);
    if (c == nullptr || !c->desired)
      return "released";
    return c->desired->status == schema::LoadStatus::LOADED ? "loaded" : "loading";
  }

  void describe(const m<Request>& r, promise answer) {
    ask_data(r, answer, [this, answer](m<schema::ClientReply> done) mutable {
      deliver(answer, build<schema::ClientReply>([&](schema::ClientReply::Builder b) {
                auto from = done.read();
                b.setHeader(from.getHeader());
                b.setStatus(from.getStatus());
                if (from.isDescribeCollection()) {
                  b.setDescribeCollection(from.getDescribeCollection());
                  auto c = b.getDescribeCollection().getCollection();
                  c.setLoadStatus(load_status(c.getId()));
                } else if (from.isListCollections()) {
                  b.setListCollections(from.getListCollections());
                  for (auto c : b.getListCollections().getCollections())
                    c.setLoadStatus(load_status(c.getId()));
                }
              }));
    });
  }

  void drop(const m<Request>& r, promise answer) {
    const std::string name{muster::view(r->getDropCollection().getCollection())};
    if (find_loaded(view, name) != nullptr || jobs.contains(name)) {
      deliver(answer, reply([&](auto b) {
                set_status(b.initDropCollection().initStatus(), ec::collection_loaded,
                           "collection " + name + " is loaded and cannot be dropped; release it first");
              }));
      return;
    }
    ask_data(r, answer, [this, answer](m<schema::ClientReply> done) mutable { deliver(answer, std::move(done)); });
  }

  void register_import(const m<Request>& r, promise answer) {
    const bool several = r->getRegisterImport().getMore().size() > 0;
    ask_data(r, answer, [this, answer, several](m<schema::ClientReply> done) mutable {
      auto made = done->getRegisterImport();
      const auto id = made.getCollectionId();
      if (made.getStatus().getCode() != 0 || several) { // several: all are new, so nobody has loaded them
        deliver(answer, std::move(done));
        return;
      }
      // If it is loaded, the next target is built now, so that nobody has to poll for it; if it is about to be,
      // target_observer remembers that there is more data than its load has seen.
      request<m<schema::RefreshReply>>(
        peers.targets, limits::data_timeout, make<schema::RefreshRequest>([&](auto b) { b.setCollection(id); }, peers.epoch),
        [this, answer, id](const m<schema::RefreshReply>& next) mutable {
          deliver(answer, reply([&](auto b) {
                    auto out = b.initRegisterImport();
                    out.setCollectionId(id);
                    out.setTargetVersion(next->getVersion()); // 0: not loaded
                  }));
        },
        [this, answer, id](const failure& why) mutable {
          // The import is durable; the next target comes when target_observer gets to it.
          warn("collection ", id, " has new data but its next target is late: ", why.text);
          deliver(answer, reply([&](auto b) { b.initRegisterImport().setCollectionId(id); }));
        });
    });
  }

  // -- jobs ---------------------------------------------------------------------------

  struct queued_job {
    m<Request> request;
    promise answer;
    std::int64_t deadline = 0;
  };

  void enqueue(const m<Request>& r, promise answer) {
    const bool load = r->isLoadCollection();
    if (load)
      if (auto why = check_load(r->getLoadCollection()); why.code != ec::ok) {
        deliver(answer, job_reply(true, why, 0));
        return;
      }
    const std::string name{muster::view(load ? r->getLoadCollection().getCollection() : r->getReleaseCollection().getCollection())};
    auto& queue = jobs[name];
    if (queue.size() >= limits::jobs_per_collection) {
      deliver(answer, job_reply(load,
                                failure{ec::too_many_requests, "more than " + std::to_string(limits::jobs_per_collection)
                                                                 + " loads and releases of " + name + " wait already"},
                                0));
      return;
    }
    const auto left = std::chrono::nanoseconds{time_left(r->getHeader(), limits::job_timeout)};
    queue.push_back({r, answer, now() + left.count()});
    if (queue.size() == 1)
      run(name);
  }

  failure check_load(schema::LoadCollectionRequest::Reader r) const {
    if (r.getReplicaNumber() > limits::replicas)
      return {ec::parameter_invalid, "asked for " + std::to_string(r.getReplicaNumber()) + " replicas; at most "
                                       + std::to_string(limits::replicas) + " can be had"};
    for (auto group : r.getResourceGroups())
      if (muster::view(group) != "__default_resource_group")
        return {ec::resource_group_not_found, "resource group " + std::string{muster::view(group)}
                                                + " is unknown; this version has only __default_resource_group"};
    return {ec::ok, {}};
  }

  m<schema::ClientReply> job_reply(bool load, const failure& why, std::int64_t id) {
    return reply([&](auto b) {
      if (load) {
        auto out = b.initLoadCollection();
        set_status(out.initStatus(), why);
        out.setCollectionId(id);
      } else {
        set_status(b.initReleaseCollection().initStatus(), why);
      }
    });
  }

  /// Starts the job at the head of a collection's queue.
  void run(const std::string& name) {
    auto& head = jobs.at(name).front();
    const bool load = head.request->isLoadCollection();
    const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds{head.deadline - now()});
    if (left.count() <= 0) {
      // Whoever asked has given up, and may have asked for the opposite since.
      finish(name, job_reply(load,
                             failure{ec::deadline_exceeded, "the deadline passed while earlier requests for " + name
                                                              + " were at work; nothing was changed"},
                             0));
      return;
    }
    auto order = make<schema::RunJob>(
      [&](schema::RunJob::Builder b) {
        b.setCollection(name);
        if (!load)
          return;
        b.setReplicaNumber(std::max(head.request->getLoadCollection().getReplicaNumber(), 1u));
        std::vector<std::int64_t> usable;
        for (const auto& [id, n] : view.nodes())
          if (view.usable(id))
            usable.push_back(id);
        auto list = b.initNodes(static_cast<unsigned>(usable.size()));
        for (unsigned i = 0; i < usable.size(); ++i)
          list.set(i, usable[i]);
      },
      peers.epoch, head.request->getHeader().getTraceId(), left);
    const auto job = load ? spawn_load_job(self->system(), peers) : spawn_release_job(self->system(), peers);
    request<m<schema::JobReply>>(
      job, left + std::chrono::milliseconds{500}, order,
      [this, name, load](const m<schema::JobReply>& done) {
        finish(name, job_reply(load, to_failure(done->getStatus()), done->getCollectionId()));
      },
      [this, name, load, job](const failure& why) {
        self->send_exit(job, caf::exit_reason::user_shutdown);
        finish(name, job_reply(load, why, 0));
      });
  }

  void finish(const std::string& name, m<schema::ClientReply> r) {
    auto i = jobs.find(name);
    auto answer = std::move(i->second.front().answer);
    i->second.pop_front();
    deliver(answer, std::move(r));
    if (i->second.empty())
      jobs.erase(i);
    else
      run(name);
  }

  situation view;
  bool heard = false;
  bool stopping = false;
  std::size_t in_flight = 0;
  std::map<std::string, std::deque<queued_job>> jobs;
};

gateway_actor::behavior_type gateway_behavior(gateway_actor::stateful_pointer<gateway_shell> self,
                                              const gateway_peers& peers) {
  auto& s = self->state;
  s.peers = peers;
  return {s.on(&gateway_shell::hear), s.on(&gateway_shell::handle), s.on(&gateway_shell::stop)};
}

} // namespace

gateway_actor spawn_gateway(caf::actor_system& system, gateway_peers peers) {
  return system.spawn(gateway_behavior, std::move(peers));
}

} // namespace muster
