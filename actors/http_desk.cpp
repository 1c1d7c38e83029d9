// Requests over HTTP: read, asked of the gateway, shown.
#include "actors/http_desk.hpp"

#include "actors/core/answers.hpp"
#include "actors/core/cluster_figures.hpp"
#include "actors/core/method_effects.hpp"
#include "actors/core/http_replies.hpp"
#include "actors/core/openapi.hpp"
#include "actors/core/situation.hpp"
#include "actors/metadata.hpp"
#include "actors/runtime/process_figures.hpp"
#include "actors/runtime/publisher.hpp"
#include "messages/schema_json.hpp"
#include "messages/version.hpp"

#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <utility>

namespace muster {

namespace {

std::string_view text_of(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

struct desk_shell : shell<http_desk_actor, desk_shell> {
  using reply_ptr = m<schema::HttpReply>;
  using promise = caf::typed_response_promise<reply_ptr>;
  using answered = std::function<http_answer(schema::ClientReply::Reader)>;

  explicit desk_shell(self_pointer ptr) : shell(ptr, "http_desk", "http_desk", "supervisor") {
    // nop
  }

  m<schema::Ack> hear(const publication& p) {
    figures.hear(view, view.apply(p));
    return acknowledge(*this, p);
  }

  caf::result<reply_ptr> handle(const m<schema::HttpRequest>& request) {
    try {
      const auto r = request.read();
      switch (r.which()) {
        case schema::HttpRequest::CALL:
          return call(r.getCall());
        case schema::HttpRequest::FOUND:
          return write(search_answer(r.getFound()));
        case schema::HttpRequest::MORE:
          return events(r.getMore().getAfter(), limits::http_keep_alive, {});
        default:
          break;
      }
    } catch (const std::exception& e) {
      error("a request over HTTP failed: ", e.what());
      return write(error_answer({ec::internal, "the request failed inside the coordinator; its log says more"}));
    }
    return write(error_answer({ec::parameter_invalid, "a request of no kind that this version knows"}));
  }

  http_desk_options options;
  http_desk_peers peers;

private:
  caf::result<reply_ptr> call(schema::HttpCall::Reader c) {
    const http_call asked{muster::view(c.getVerb()),        muster::view(c.getTarget()), muster::view(c.getHost()),
                          muster::view(c.getOrigin()),      muster::view(c.getSite()),   muster::view(c.getContentType()),
                          text_of(c.getBody()),             c.getPort()};
    auto plan = plan_of(asked, options.read_only, muster::view(c.getLastEventId()));
    switch (plan.need) {
      case http_need::answer:
        return write(plan.answer);
      case http_need::method:
        return ask(std::move(plan));
      case http_need::debug:
        return debug_of(std::move(plan));
      case http_need::search: {
        const auto query = read_search(plan.parameters);
        if (!query)
          return write(error_answer(query.error()));
        return make<schema::HttpReply>([&](schema::HttpReply::Builder b) { b.setSearch(query->read()); }, peers.epoch);
      }
      case http_need::page:
        return write(site_answer(options.site, plan.parameters));
      case http_need::health:
        return write(json_answer(json{json::object{{"state", "alive"},
                                                   {"epoch", json::text_of(static_cast<std::int64_t>(peers.epoch))},
                                                   {"version", std::string{program_version}},
                                                   {"readOnly", options.read_only}}}
                                   .text()));
      case http_need::readiness:
        return readiness();
      case http_need::openapi:
        if (description.empty())
          description = openapi_json(program_version);
        return write(json_answer(description));
      case http_need::metrics:
        return metrics();
      case http_need::events:
        return begin_events(plan.after);
    }
    return write(error_answer({ec::internal, "a path that leads nowhere"}));
  }

  /// Asks the gateway; the answer comes later.
  caf::result<reply_ptr> ask(http_plan plan) {
    return ask(plan, [plan](schema::ClientReply::Reader reply) { return reply_answer(plan, reply); });
  }

  caf::result<reply_ptr> ask(const http_plan& plan, answered then) {
    const auto read = read_request(plan.method, plan.parameters);
    if (!read)
      return write(error_answer(read.error()));
    auto answer = self->make_response_promise<reply_ptr>();
    request_of(plan.method, *read, [this, answer, plan, then](result<m<schema::ClientReply>> got) mutable {
      answer.deliver(write(got ? guarded([&] { return then(got->read()); }) : failed_answer(plan, got.error())));
    });
    return answer;
  }

  /// One question to the gateway, with what its header allows of time; `then` is called once.
  void request_of(const std::string& method, const m<schema::ClientRequest>& read, std::function<void(result<m<schema::ClientReply>>)> then) {
    const auto from = capnp::toDynamic(read.read()).get(method).as<capnp::DynamicStruct>();
    const auto header = from.get("header").as<schema::Header>();
    const auto left = time_left(header, only_reads(method) ? limits::http_read_timeout : limits::job_timeout);
    const auto question = build<schema::ClientRequest>(
      [&](schema::ClientRequest::Builder b) {
        stamp(b.initHeader(), header.getEpoch(), left, header.getTraceId());
        auto to = capnp::toDynamic(b);
        to.set(method, from);
        stamp(to.get(method).as<capnp::DynamicStruct>().init("header").as<schema::Header>(), header.getEpoch(), left, header.getTraceId());
      },
      read->totalSize().wordCount + 32);
    request<m<schema::ClientReply>>(
      peers.gateway, left + limits::reply_slack, question, [then](const m<schema::ClientReply>& reply) { then(reply); },
      [then](const failure& why) { then(why); });
  }

  caf::result<reply_ptr> debug_of(http_plan plan) {
    std::int64_t collection = 0;
    if (!plan.collection.empty()) {
      const auto id = find(plan.collection);
      if (!id)
        return write(error_answer({ec::collection_not_loaded, "nothing is known of a collection \"" + plan.collection.substr(0, 128)
                                                                + "\" here; give the name or id of one that is loaded"}));
      collection = *id;
    }
    plan.parameters = metrics_parameters(plan, collection);
    plan.method = "getMetrics";
    return ask(std::move(plan));
  }

  /// The id of what is called so; or the number itself.
  std::optional<std::int64_t> find(const std::string& text) const {
    if (const auto* c = find_loaded(view, text))
      return c->desired->id;
    std::int64_t id = 0;
    const auto [at, wrong] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (wrong == std::errc{} && at == text.data() + text.size() && id > 0)
      return id;
    return std::nullopt;
  }

  // -- readiness -------------------------------------------------------------------

  caf::result<reply_ptr> readiness() {
    http_plan plan;
    plan.method = "getComponentStates";
    return ask(plan, [this](schema::ClientReply::Reader reply) {
      const auto components = reply.getGetComponentStates().getComponents();
      const auto state = components.size() > 0 ? std::string{muster::view(components[0].getState())} : std::string{"Abnormal"};
      json::array reasons;
      if (state != "Healthy")
        reasons.push_back("the coordinator is " + state);
      if (const auto trouble = journal_trouble(probes_of(self->system())); !trouble.empty()) {
        reasons.push_back("the journal cannot be written: metadata waits for " + trouble);
        try_journal();
      }
      const bool ready = reasons.empty();
      auto out = json_answer(json{json::object{{"ready", ready}, {"state", state}, {"reasons", std::move(reasons)}}}.text());
      out.status = ready ? 200 : 503;
      return out;
    });
  }

  /// After a refused write nothing may be written for long; who asks whether it can be again makes it tried, now and then.
  void try_journal() {
    if (tried_at != 0 && now() < tried_at + std::chrono::nanoseconds{limits::retry_longest}.count())
      return;
    tried_at = now();
    if (const auto read = read_request("allocateIds", R"({"count":1})"))
      request_of("allocateIds", *read, [](auto) {});
  }

  // -- events ----------------------------------------------------------------------

  /// A stream begins with what is there. Who knows a number that there has not been was told it by an earlier start of the
  /// coordinator: his stream begins with the last events, as that of somebody new.
  caf::result<reply_ptr> begin_events(std::uint64_t after) {
    if (after == 0)
      return events(0, {}, opening);
    auto answer = self->make_response_promise<reply_ptr>();
    list_events(0, {}, [this, answer, after](result<schema::ListEventsReply::Reader> last) mutable {
      if (!last) {
        answer.deliver(write(error_answer(last.error())));
        return;
      }
      const auto known = last->getEvents();
      const auto newest = known.size() == 0 ? 0 : known[known.size() - 1].getNumber();
      tell_events(after > newest ? 0 : after, {}, opening, answer);
    });
    return answer;
  }

  caf::result<reply_ptr> events(std::uint64_t after, std::chrono::milliseconds wait, const char* head) {
    auto answer = self->make_response_promise<reply_ptr>();
    tell_events(after, wait, head, answer);
    return answer;
  }

  void tell_events(std::uint64_t after, std::chrono::milliseconds wait, const char* head, promise answer) {
    list_events(after, wait, [this, answer, after, begins = std::string{head == nullptr ? "" : head}](auto got) mutable {
      if (!got) {
        answer.deliver(write(error_answer(got.error())));
        return;
      }
      const auto text = begins + events_text(*got);
      const auto all = got->getEvents();
      answer.deliver(make<schema::HttpReply>(
        [&](schema::HttpReply::Builder b) {
          auto e = b.initEvents();
          e.setText({reinterpret_cast<const kj::byte*>(text.data()), text.size()});
          e.setLast(all.size() == 0 ? after : all[all.size() - 1].getNumber());
        },
        peers.epoch));
    });
  }

  void list_events(std::uint64_t after, std::chrono::milliseconds wait, std::function<void(result<schema::ListEventsReply::Reader>)> then) {
    const auto question = read_request("listEvents", events_parameters(after, wait.count()));
    request_of("listEvents", *question, [then](result<m<schema::ClientReply>> got) {
      if (!got)
        return then(got.error());
      if (const auto arm = read_reply("listEvents", got->read()); !arm)
        return then(arm.error());
      then(got->read().getListEvents());
    });
  }

  /// How a stream begins: who loses it comes back after a second.
  static constexpr const char* opening = "retry: 1000\n: events of this coordinator\n\n";

  // -- figures ---------------------------------------------------------------------

  /// Who was heard when is node_manager's to say; without its answer the other figures are shown all the same.
  caf::result<reply_ptr> metrics() {
    auto answer = self->make_response_promise<reply_ptr>();
    request_of("listQueryNode", *read_request("listQueryNode", {}), [this, answer](result<m<schema::ClientReply>> got) mutable {
      answer.deliver(write(guarded([&] {
        http_answer out;
        out.content_type = "text/plain; version=0.0.4; charset=utf-8";
        out.body = figures_text(got ? got->read().getListQueryNode() : schema::ListQueryNodeReply::Reader{});
        return out;
      })));
    });
    return answer;
  }

  std::string figures_text(schema::ListQueryNodeReply::Reader heard) {
    prometheus_text out;
    figures.write(view, options.collection_labels, out);
    out.gauge("milvus_querycoord_last_heartbeat_timestamp", "When a node was last heard, nanoseconds since 1970");
    for (auto n : heard.getNodes())
      if (n.getLastHeard() != 0)
        out.sample({{"node_id", std::to_string(n.getId())}}, static_cast<double>(n.getLastHeard()));
    if (peers.tally)
      write_tally(peers.tally->read(), out);
    out.gauge("muster_build_info", "1, with the version of the program");
    out.sample({{"version", std::string{program_version}}}, 1);
    out.gauge("muster_coordinator_epoch", "Number of starts of this coordinator");
    out.sample(static_cast<double>(peers.epoch));
    out.gauge("muster_journal_writable", "1, or 0 since the journal refused a write");
    out.sample(journal_trouble(probes_of(self->system())).empty() ? 1 : 0);
    out.counter("muster_http_answers_total", "Answers over HTTP, by the first digit of their status");
    for (std::size_t i = 2; i <= 5; ++i)
      out.sample({{"status", std::to_string(i) + "xx"}}, static_cast<double>(answers_of[i]));
    write_actor_figures(probes_of(self->system()).reports({}, now()), out);
    write_process_figures(out);
    return out.take();
  }

  // -- answers ---------------------------------------------------------------------

  template <class F>
  http_answer guarded(F&& f) {
    try {
      return f();
    } catch (const std::exception& e) {
      error("an answer over HTTP failed: ", e.what());
      return error_answer({ec::internal, "the answer failed inside the coordinator; its log says more"});
    }
  }

  reply_ptr write(const http_answer& a) {
    ++answers_of[std::min<std::size_t>(a.status / 100, answers_of.size() - 1)];
    return build<schema::HttpReply>(
      [&](schema::HttpReply::Builder b) {
        stamp(b.initHeader(), peers.epoch);
        auto out = b.initAnswer();
        out.setStatus(static_cast<std::uint16_t>(a.status));
        out.setContentType(a.content_type);
        auto headers = out.initHeaders(static_cast<unsigned>(a.headers.size()));
        for (unsigned i = 0; i < a.headers.size(); ++i) {
          headers[i].setKey(a.headers[i].first);
          headers[i].setValue(a.headers[i].second);
        }
        out.setBody({reinterpret_cast<const kj::byte*>(a.body.data()), a.body.size()});
      },
      a.body.size() / 8 + 64);
  }

  situation view;
  cluster_figures figures;
  std::array<std::uint64_t, 6> answers_of{}; ///< By the first digit of their status.
  std::string description; ///< OpenAPI; made when first asked for.
  std::int64_t tried_at = 0;
};

http_desk_actor::behavior_type desk_behavior(http_desk_actor::stateful_pointer<desk_shell> self, const http_desk_options& options,
                                             const http_desk_peers& peers) {
  auto& s = self->state;
  s.options = options;
  s.peers = peers;
  return {s.on(&desk_shell::hear), s.on(&desk_shell::handle)};
}

} // namespace

http_desk_actor spawn_http_desk(caf::actor_system& system, const http_desk_options& options, http_desk_peers peers) {
  return system.spawn(desk_behavior, options, std::move(peers));
}

} // namespace muster
