// Every request of a client: checked, admitted, routed, answered once.
#include "actors/gateway.hpp"

#include "actors/catalogue_service.hpp"
#include "actors/core/answers.hpp"
#include "actors/core/method_effects.hpp"
#include "actors/core/reads.hpp"
#include "actors/group_service.hpp"
#include "actors/job_service.hpp"
#include "actors/metadata.hpp"
#include "actors/metrics_service.hpp"
#include "actors/partition_service.hpp"
#include "actors/runtime/publisher.hpp"
#include "actors/inspect_service.hpp"
#include "actors/switch_service.hpp"
#include "messages/version.hpp"

#include <caf/typed_response_promise.hpp>

#include <capnp/dynamic.h>

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace muster {

namespace {

using Request = schema::ClientRequest;

struct gateway_shell : shell<gateway_actor, gateway_shell> {
  using promise = caf::typed_response_promise<m<schema::ClientReply>>;

  explicit gateway_shell(self_pointer ptr) : shell(ptr, "gateway", "gateway", "supervisor") {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    const auto& touched = view.apply(p);
    heard = true;
    // There is always a resource group: once one is known, what metadata has recovered is too, and its targets with it.
    if (!recalled && !view.groups().empty()) {
      recalled = true;
      data.recall();
    }
    groups.hear();
    jobs.hear();
    data.hear(touched);
    follow_cluster_settings();
    return acknowledge(*this, p);
  }

  void stop(const stop_atom&) {
    stopping = true;
  }

  void attach(const attach_atom&, const supervisor_actor& who) {
    inside.restarts_with(who);
  }

  caf::result<m<schema::ClientReply>> handle(const m<Request>& request) {
    const auto which = request->which();
    if (which == Request::GET_COMPONENT_STATES)
      return reply([&](auto b) { write_states(view, state(), b.initGetComponentStates()); });
    if (stopping || !heard)
      return refuse(ec::service_not_ready, std::string{"the coordinator is "} + state()
                                             + (stopping ? "; ask the one that takes its place" : "; try again in a moment"));
    if (in_flight >= limits::client_requests)
      return refuse(ec::too_many_requests, "more than " + std::to_string(limits::client_requests)
                                             + " requests are in flight; try again later");
    switch (which) {
      case Request::GET_STATUS:
        return reply([&](auto b) {
          auto out = b.initGetStatus();
          out.setState(state());
          out.setEpoch(peers.epoch);
          out.setVersion(version);
          write_status(view, request->getGetStatus().getParts(), out);
        });
      case Request::SHOW_LOAD_COLLECTIONS:
        return show(request->getShowLoadCollections());
      case Request::GET_LOAD_SEGMENT_INFO:
        return of_loaded(request->getGetLoadSegmentInfo().getCollection(), [&](const collection_view* c, auto why) {
          return reply([&](auto b) {
            auto out = b.initGetLoadSegmentInfo();
            c != nullptr ? write_segments(*c, request->getGetLoadSegmentInfo().getSegments(), out) : set_status(out.initStatus(), why);
          });
        });
      case Request::GET_REPLICAS:
        return of_loaded(request->getGetReplicas().getCollection(), [&](const collection_view* c, auto why) {
          return reply([&](auto b) {
            auto out = b.initGetReplicas();
            if (c != nullptr)
              write_replicas(view, *c, out, request->getGetReplicas().getWithShardNodes());
            else
              set_status(out.initStatus(), why);
          });
        });
      case Request::LIST_RESOURCE_GROUPS:
        return reply([&](auto b) { write_group_names(view, b.initListResourceGroups()); });
      case Request::DESCRIBE_RESOURCE_GROUP:
        return reply([&](auto b) {
          write_group(view, muster::view(request->getDescribeResourceGroup().getName()), b.initDescribeResourceGroup());
        });
      case Request::SHOW_CONFIGURATIONS:
        return reply([&](auto b) {
          write_configurations(settings(), muster::view(request->getShowConfigurations().getPattern()),
                               b.initShowConfigurations());
        });
      case Request::LIST_QUERY_NODE:
        break;
      case Request::CHECK_HEALTH:
        return reply([&](auto b) { write_health(view, journal_trouble(probes_of(self->system())), b.initCheckHealth()); });
      case Request::INVALID:
        return refuse(ec::parameter_invalid, "a request of no kind that this version knows");
      default:
        if (is_read(which))
          return reply([&](auto b) { write_read(view, request.read(), b); });
        break;
    }
    // Who looks inside may wait for long, and must be able to look when everything else is full: inspector has limits of its own.
    switch (which) {
      case Request::LIST_ACTORS:
        return inspect<schema::ListActorsReply>(request->getListActors(), [](auto b, auto r) { b.setListActors(r); });
      case Request::LIST_EVENTS:
        return inspect<schema::ListEventsReply>(request->getListEvents(), [](auto b, auto r) { b.setListEvents(r); });
      case Request::EXPLAIN:
        return inspect<schema::ExplainReply>(request->getExplain(), [](auto b, auto r) { b.setExplain(r); });
      case Request::WHAT_IF:
        return inspect<schema::WhatIfReply>(request->getWhatIf(), [](auto b, auto r) { b.setWhatIf(r); });
      case Request::OVERVIEW:
        return inspect<schema::OverviewReply>(request->getOverview(), [](auto b, auto r) { b.setOverview(r); });
      case Request::PLACEMENT_MAP:
        return inspect<schema::PlacementMapReply>(request->getPlacementMap(), [](auto b, auto r) { b.setPlacementMap(r); });
      case Request::LIST_TASKS:
      case Request::TAP_ACTOR:
      case Request::RESTART_ACTOR:
      case Request::SET_LOG_LEVEL:
      case Request::READ_JOURNAL: {
        auto later = self->make_response_promise<m<schema::ClientReply>>();
        inside.handle(request, [this, later](m<schema::ClientReply> r) mutable { fulfil(later, std::move(r)); });
        return later;
      }
      default:
        break;
    }
    // What follows asks other actors; the answer comes later.
    meter().set("requests_in_flight", ++in_flight);
    auto answer = self->make_response_promise<m<schema::ClientReply>>();
    if (!only_reads(which))
      begin_change(request, answer);
    switch (which) {
      case Request::ALLOCATE_IDS:
        allocate(request, answer);
        break;
      case Request::DROP_COLLECTION:
        drop(request, answer);
        break;
      case Request::REGISTER_IMPORT:
      case Request::CREATE_INDEX:
      case Request::DROP_INDEX:
      case Request::COMPACT:
        data.change(request, reply_to(answer));
        break;
      case Request::LIST_SEGMENTS:
      case Request::CREATE_DATABASE:
      case Request::ALTER_DATABASE:
      case Request::DROP_DATABASE:
      case Request::DESCRIBE_DATABASE:
      case Request::LIST_DATABASES:
        data.pass_on(request, reply_to(answer));
        break;
      case Request::DESCRIBE_COLLECTION:
      case Request::LIST_COLLECTIONS:
        describe(request, answer);
        break;
      case Request::GET_SHARD_LEADERS:
        leaders(request->getGetShardLeaders(), answer);
        break;
      case Request::SHOW_LOAD_PARTITIONS:
      case Request::GET_PARTITION_STATES:
        partitions.show(request, reply_to(answer));
        break;
      case Request::CREATE_PARTITION:
        partitions.create(request, reply_to(answer));
        break;
      case Request::DROP_PARTITION:
        partitions.drop(request, reply_to(answer));
        break;
      case Request::LOAD_BALANCE:
        load_balance(request, answer);
        break;
      case Request::TRANSFER_SEGMENT:
        forward<schema::TransferSegmentReply>(peers.scheduler, request->getTransferSegment(), answer,
                                              [](auto b, auto r) { b.setTransferSegment(r); });
        break;
      case Request::TRANSFER_CHANNEL:
        forward<schema::TransferChannelReply>(peers.scheduler, request->getTransferChannel(), answer,
                                              [](auto b, auto r) { b.setTransferChannel(r); });
        break;
      case Request::GET_METRICS:
        metrics.metrics(request, reply_to(answer));
        break;
      case Request::LIST_QUERY_NODE:
        metrics.nodes(reply_to(answer));
        break;
      case Request::LIST_CHECKERS:
        forward<schema::ListCheckersReply>(peers.checkers, request->getListCheckers(), answer,
                                           [](auto b, auto r) { b.setListCheckers(r); });
        break;
      default:
        if (is_job(which))
          jobs.enqueue(request, [this, answer, which, counted = begin_counting(which)](const failure& why, std::int64_t id) mutable {
            counted(why);
            deliver(answer, reply([&](auto b) { write_job_reply(which, why, id, b); }));
          });
        else if (is_switch(which))
          switches.change(request, reply_to(answer));
        else if (changes_groups(which))
          groups.change(request, [this, answer, which](const failure& why) mutable {
            deliver(answer, group_reply(which, why));
          });
        else
          deliver(answer, refuse(ec::parameter_invalid, "a request of no kind that this version knows"));
        break;
    }
    return answer;
  }

  /// The settings in force: what was given for this start, and on top what was set at run time.
  setting_table settings() const {
    return with_switches(peers.settings, view.switches());
  }

  template <class Fill>
  m<schema::ClientReply> reply(Fill&& fill) {
    return make<schema::ClientReply>(fill, peers.epoch);
  }

  static constexpr const char* version = program_version.data();

  gateway_peers peers;

private:
  /// A request in flight that changes something.
  struct change {
    request_subject what;
    std::uint64_t trace = 0;
    std::int64_t at = 0;
  };
  using change_key = std::pair<caf::actor_id, std::uint64_t>; ///< Who asked, and the id of the message.

  /// Collections whose number of replicas nobody asked for follow the cluster's, at the start and when it changes.
  void follow_cluster_settings() {
    // Before metadata has told there are no groups, and no collections either.
    if (view.groups().empty() || (followed && *followed == view.switches().settings))
      return;
    followed = view.switches().settings;
    const auto now = settings().values();
    std::pair wanted{now.cluster_level_load_replica_number, now.cluster_level_load_resource_groups};
    if (wanted == cluster_load)
      return;
    cluster_load = std::move(wanted);
    if (auto update = cluster_load_config(view, now))
      groups.change(*update, [this](const failure& why) {
        if (why.code != ec::ok)
          warn("loaded collections do not follow the cluster's replicas: ", why.text);
      });
  }

  /// The model's name of what the coordinator can do now: nothing before the recovered tables are here.
  const char* state() const {
    return stopping ? "Stopping" : heard ? "Healthy" : "Initializing";
  }

  std::function<void(m<schema::ClientReply>)> reply_to(promise answer) {
    return [this, answer](m<schema::ClientReply> r) mutable { deliver(answer, std::move(r)); };
  }

  /// Asks inspector, whichever is there now: it restarts in place.
  template <class Reply, class Question, class Put>
  caf::result<m<schema::ClientReply>> inspect(Question question, Put put) {
    auto answer = self->make_response_promise<m<schema::ClientReply>>();
    const auto left = time_left(question.getHeader(), limits::inspect_timeout);
    // It must not answer from an older situation than this actor has answered from before.
    auto asked = build<typename Question::Reads>(
      [&](typename Question::Reads::Builder b) {
        const capnp::DynamicStruct::Reader from = question;
        capnp::DynamicStruct::Builder to = b;
        for (auto field : from.getSchema().getFields())
          if (from.has(field))
            to.set(field, from.get(field));
        b.getHeader().setSituation(view.number());
      },
      question.totalSize().wordCount + 8);
    request<m<Reply>>(
      inspector(), left, asked,
      [this, answer, put](const m<Reply>& r) mutable { fulfil(answer, reply([&](auto b) { put(b, r.read()); })); },
      [this, answer](const failure& why) mutable { fulfil(answer, refuse(why.code, why.text)); });
    return answer;
  }

  /// Loads and releases, for /metrics: what is returned is called when it has ended.
  std::function<void(const failure&)> begin_counting(Request::Which which) {
    const bool load = which == Request::LOAD_COLLECTION || which == Request::LOAD_PARTITIONS;
    if (!peers.tally || !(load || which == Request::RELEASE_COLLECTION || which == Request::RELEASE_PARTITIONS))
      return [](const failure&) {};
    const auto of = [load](coordinator_tally& t) -> request_tally& { return load ? t.loads : t.releases; };
    peers.tally->change([&](coordinator_tally& t) { ++of(t).total; });
    return [this, of, began = now()](const failure& why) {
      peers.tally->change([&](coordinator_tally& t) { of(t).end(why.code == ec::ok, now() - began); });
    };
  }

  /// Asks another actor and passes its reply on.
  template <class Reply, class Actor, class Question, class Put>
  void forward(const Actor& to, Question question, promise answer, Put put) {
    request<m<Reply>>(
      to, limits::read_timeout, copy<typename Question::Reads>(question),
      [this, answer, put](const m<Reply>& r) mutable { deliver(answer, reply([&](auto b) { put(b, r.read()); })); },
      failing(answer));
  }

  /// The routes must not be older than what this actor has answered before: who heard that a load has ended asks for its leaders.
  void leaders(schema::GetShardLeadersRequest::Reader asked, promise answer) {
    auto question = build<schema::GetShardLeadersRequest>([&](schema::GetShardLeadersRequest::Builder b) {
      b.setCollection(asked.getCollection());
      b.setCollections(asked.getCollections());
      b.setWithUnserviceableShards(asked.getWithUnserviceableShards());
      stamp(b.initHeader(), peers.epoch, limits::read_timeout, 0);
      b.getHeader().setSituation(view.number());
    });
    request<m<schema::GetShardLeadersReply>>(
      peers.routes, limits::read_timeout, question,
      [this, answer](const m<schema::GetShardLeadersReply>& r) mutable {
        deliver(answer, reply([&](auto b) { b.setGetShardLeaders(r.read()); }));
      },
      failing(answer));
  }

  m<schema::ClientReply> refuse(ec code, const std::string& text) {
    return reply([&](auto b) { set_status(b.initStatus(), code, text); });
  }

  /// Changes are events: when they came, how they ended.
  void begin_change(const m<Request>& request, const promise& answer) {
    change c{subject_of(request.read()), request->getHeader().getTraceId(), now()};
    notice(schema::EventKind::REQUEST_RECEIVED, [&](schema::Event::Builder e) { describe(e, c); });
    changes.emplace(key_of(answer), std::move(c));
  }

  void end_change(const promise& answer, const m<schema::ClientReply>& r) {
    auto found = changes.extract(key_of(answer));
    if (found.empty())
      return;
    const auto& c = found.mapped();
    const auto why = outcome_of(r.read());
    notice(schema::EventKind::REQUEST_ANSWERED, [&](schema::Event::Builder e) {
      describe(e, c);
      e.setChannel(c.what.collection);
      e.setTookUs((now() - c.at) / 1'000);
      e.setText(c.what.text + (why.code == ec::ok ? ": done" : " refused: " + std::string{to_string(why.code)} + ": " + why.text));
    });
  }

  static void describe(schema::Event::Builder e, const change& c) {
    e.setTraceId(c.trace);
    e.setText(c.what.text);
  }

  static change_key key_of(const promise& answer) {
    const caf::response_promise& p = const_cast<promise&>(answer); // the conversion of CAF 0.17 is not const
    return {p.source() ? p.source()->id() : 0, p.id().integer_value()};
  }

  void deliver(promise& answer, m<schema::ClientReply> r) {
    meter().set("requests_in_flight", --in_flight);
    end_change(answer, r);
    fulfil(answer, std::move(r));
  }

  std::function<void(const failure&)> failing(promise answer) {
    return [this, answer](const failure& why) mutable { deliver(answer, refuse(why.code, why.text)); };
  }

  /// By name or id; waits as long as the request may take.
  void load_balance(const m<Request>& r, promise answer) {
    const auto asked = r->getLoadBalance();
    const auto* c = asked.getCollection().size() > 0 ? find_loaded(view, muster::view(asked.getCollection())) : nullptr;
    if (c == nullptr && asked.getCollection().size() > 0)
      return deliver(answer, reply([&](auto b) {
                       set_status(b.initLoadBalance().initStatus(), ec::collection_not_loaded,
                                  "collection " + std::string{muster::view(asked.getCollection())} + " is not loaded; load it first");
                     }));
    const auto left = time_left(r->getHeader(), limits::job_timeout);
    auto question = make<schema::LoadBalanceRequest>(
      [&](schema::LoadBalanceRequest::Builder b) {
        b.setCollectionId(c != nullptr ? c->desired->id : asked.getCollectionId());
        b.setSources(asked.getSources());
        b.setDestinations(asked.getDestinations());
        b.setSegments(asked.getSegments());
      },
      peers.epoch, r->getHeader().getTraceId(), left);
    request<m<schema::LoadBalanceReply>>(
      peers.scheduler, left + std::chrono::milliseconds{500}, question,
      [this, answer](const m<schema::LoadBalanceReply>& done) mutable {
        deliver(answer, reply([&](auto b) { b.setLoadBalance(done.read()); }));
      },
      failing(answer));
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
    const std::string name{plain_name(muster::view(r->getDropCollection().getCollection()))};
    if (find_loaded(view, name) != nullptr || jobs.busy(name)) {
      deliver(answer, reply([&](auto b) {
                set_status(b.initDropCollection().initStatus(), ec::collection_loaded,
                           "collection " + name + " is loaded and cannot be dropped; release it first");
              }));
      return;
    }
    ask_data(r, answer, [this, answer](m<schema::ClientReply> done) mutable { deliver(answer, std::move(done)); });
  }

  situation view;
  bool heard = false;
  bool recalled = false;
  bool stopping = false;
  std::size_t in_flight = 0;
  std::map<change_key, change> changes; ///< Of those in flight.
  std::optional<std::map<std::string, std::string>> followed;
  std::pair<std::int64_t, std::vector<std::string>> cluster_load;
  group_service<gateway_shell> groups{*this, view};
  job_service<gateway_shell> jobs{*this, view, groups};
  partition_service<gateway_shell> partitions{*this, view};
  catalogue_service<gateway_shell> data{*this, view, [this](const std::string& name) { return jobs.busy(name); }};
  switch_service<gateway_shell> switches{*this};
  metrics_service<gateway_shell> metrics{*this, view};
  inspect_service<gateway_shell> inside{*this, view};
};

gateway_actor::behavior_type gateway_behavior(gateway_actor::stateful_pointer<gateway_shell> self,
                                              const gateway_peers& peers) {
  auto& s = self->state;
  s.peers = peers;
  return {s.on(&gateway_shell::hear), s.on(&gateway_shell::attach), s.on(&gateway_shell::handle), s.on(&gateway_shell::stop)};
}

} // namespace

gateway_actor spawn_gateway(caf::actor_system& system, gateway_peers peers) {
  return system.spawn(gateway_behavior, std::move(peers));
}

} // namespace muster
