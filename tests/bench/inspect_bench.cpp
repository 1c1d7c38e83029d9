// What looking inside costs: explanations at a million segments, memory of the log, share of the processor at full load.
#include "tests/bench/figure.hpp"
#include "tests/bench/heap.hpp"
#include "tests/bench/scale_rig.hpp"

#include <caf/scoped_actor.hpp>

#include <cstdio>
#include <random>
#include <thread>

namespace muster {
namespace {

using namespace bench;

template <class Reply, class Fill>
msg<Reply> ask(rig& r, caf::scoped_actor& self, Fill fill) {
  msg<Reply> answer;
  self->request(r.cluster->coordinator().gateway, std::chrono::seconds{30}, build<schema::ClientRequest>(fill))
    .receive([&](const msg<schema::ClientReply>& reply) {
      if constexpr (std::is_same_v<Reply, schema::ExplainReply>)
        answer = copy<Reply>(reply->getExplain());
      else
        answer = copy<Reply>(reply->getListActors());
    },
             [](const caf::error&) { throw std::runtime_error("a question was not answered"); });
  return answer;
}

// -- explain --------------------------------------------------------------------------------

void explain_figures() {
  constexpr std::size_t collections = 10'000;
  rig r{100};
  r.import(0, collections, 100);
  r.load(0, collections);
  std::vector<std::string> segments;
  std::vector<std::string> channels;
  std::vector<std::string> replicas;
  {
    std::lock_guard guard{r.seen->mutex};
    for (const auto& [id, c] : r.seen->view.collections()) {
      c.each_target([&](const target_row& t) { segments.push_back(std::to_string(t.segment)); });
      channels.push_back(c.head->channels.front());
      replicas.push_back(std::to_string(c.desired->replicas.front().id));
    }
  }
  std::mt19937_64 dice{7};
  const auto one_of = [&](const std::vector<std::string>& list) { return list[dice() % list.size()]; };
  caf::scoped_actor self{r.cluster->system()};
  std::vector<double> all;
  std::vector<double> processor; // of all threads: what no other process of the machine can touch
  const auto measure = [&](const char* subject, std::size_t count, auto name) {
    std::vector<double> times;
    for (std::size_t i = 0; i < count; ++i) {
      const auto of = name();
      const auto begin = clock::now();
      const auto cpu = cpu_us();
      const auto reply = ask<schema::ExplainReply>(r, self, [&](schema::ClientRequest::Builder b) {
        auto e = b.initExplain();
        e.setSubject(subject);
        e.setName(of);
      });
      times.push_back(seconds_since(begin) * 1'000);
      processor.push_back((cpu_us() - cpu) / 1'000);
      if (reply->getStatus().getCode() != 0 || !reply->getExplanation().getServed())
        throw std::runtime_error(std::string{"the explanation of "} + subject + " " + of + " is wrong: "
                                 + std::string{view(reply->getStatus().getReason())} + std::string{view(reply->getExplanation().getCauseText())});
    }
    figure(std::string{"explain_"} + subject + "_p50_ms", percentile(times, 0.5), "ms");
    figure(std::string{"explain_"} + subject + "_p99_ms", percentile(times, 0.99), "ms");
    all.insert(all.end(), times.begin(), times.end());
  };
  measure("segment", 5'000, [&] { return one_of(segments); });
  measure("channel", 2'000, [&] { return one_of(channels); });
  measure("replica", 2'000, [&] { return one_of(replicas); });
  measure("collection", 2'000, [&] { return name_of(dice() % collections); });
  std::vector<double> nodes;
  for (int i = 0; i < 200; ++i) {
    const auto begin = clock::now();
    ask<schema::ExplainReply>(r, self, [&](schema::ClientRequest::Builder b) {
      auto e = b.initExplain();
      e.setSubject("node");
      e.setName(std::to_string(1 + dice() % 100));
    });
    nodes.push_back(seconds_since(begin) * 1'000);
  }
  figure("explain_node_p99_ms", percentile(nodes, 0.99), "ms");
  all.insert(all.end(), nodes.begin(), nodes.end());
  figure("explain_processor_p99_ms", percentile(processor, 0.99), "ms");
  figure("explain_p99_ms", percentile(all, 0.99), "ms", at_most(1));
}

// -- memory ---------------------------------------------------------------------------------

/// A million decisions and their ends, as task_scheduler tells them, and events that are none.
void memory_figures() {
  rig r{100};
  r.import(0, 100, 10);
  r.load(0, 100);
  std::vector<std::pair<std::int64_t, std::int64_t>> of; // collection, replica
  std::vector<std::string> channels;
  {
    std::lock_guard guard{r.seen->mutex};
    for (const auto& [id, c] : r.seen->view.collections()) {
      of.emplace_back(id, c.desired->replicas.front().id);
      channels.push_back(c.head->channels.front());
    }
  }
  const auto inspector = static_cast<const system_config&>(r.cluster->system().config()).inspector->get();
  caf::scoped_actor self{r.cluster->system()};
  const auto begin = heap_in_use();
  std::int64_t task = 1'000'000;
  constexpr std::int64_t decisions = 1'050'000;
  for (std::int64_t done = 0; done < decisions;) {
    constexpr unsigned batch = 1'000;
    const auto news = build<schema::TaskNews>([&](schema::TaskNews::Builder b) {
      auto list = b.initChanges(2 * batch);
      for (unsigned i = 0; i < batch; ++i, ++done) {
        const auto which = static_cast<std::size_t>(done / 100) % of.size();
        const auto at = done * 10'000;
        ++task;
        for (unsigned k = 0; k < 2; ++k) {
          auto change = list[2 * i + k];
          auto t = change.initTask();
          t.setId(task);
          t.setKind(schema::TaskKind::LOAD_SEGMENT);
          t.setProposer(schema::Proposer::SEGMENT_CHECKER);
          t.setCollection(of[which].first);
          t.setReplica(of[which].second);
          t.setChannel(channels[which]);
          t.setSegment(1'000'000 + done);
          t.setNode(1 + done * 7 % 100);
          t.setReason(6);
          change.setAt(at + (k == 0 ? 0 : 3'000'000));
          change.setKind(k == 0 ? schema::EventKind::TASK_ADMITTED : schema::EventKind::TASK_ENDED);
          if (k == 0) {
            auto choice = change.initChoice();
            choice.setScore(1.0 + static_cast<double>(done % 97) / 100);
            choice.setRunnerUp(1 + done * 3 % 100);
            choice.setRunnerUpScore(1.1 + static_cast<double>(done % 97) / 100);
            change.setSituation(static_cast<std::uint64_t>(done / 50));
            change.setTargetVersion(77);
          } else {
            t.setEnd(200);
            change.setTookUs(3'000);
            change.setWaitedUs(120);
            change.setWorkedUs(2'850);
          }
        }
      }
    });
    self->request(inspector, std::chrono::seconds{30}, news)
      .receive([](const msg<schema::Ack>&) {}, [](const caf::error&) { throw std::runtime_error("inspector does not take news"); });
  }
  const auto log = static_cast<double>(heap_in_use() - begin) / (1 << 20);
  const auto report = ask<schema::ListActorsReply>(r, self, [](schema::ClientRequest::Builder b) { b.initListActors().setName("inspector"); });
  std::uint64_t kept = 0;
  for (auto c : report->getActors()[0].getCounters())
    if (view(c.getType()) == "decisions_kept")
      kept = c.getCount();
  // What the probes of all actors take: they are there from the start, so they are counted by hand.
  const auto reports = probes_of(r.cluster->system()).reports({}, 0);
  double probes = 0;
  for (const auto& p : reports)
    probes += static_cast<double>(sizeof(probe) + 4'096 * sizeof(std::int64_t) + 64 * (p.handled_by_type.size() + p.counters.size()));
  figure("decisions_kept", static_cast<double>(kept), "decisions", at_least(1'000'000));
  figure("actors_reported", static_cast<double>(reports.size()), "actors");
  figure("introspection_mb", log + probes / (1 << 20), "MB", at_most(64));
}

// -- processor ------------------------------------------------------------------------------

/// What a probe costs for one message: sent, begun, ended.
double probe_ns() {
  probe_registry registry;
  const auto p = registry.enrol(1, "one", "one", "bench");
  constexpr int count = 2'000'000;
  const auto begin = cpu_us();
  for (int i = 0; i < count; ++i) {
    registry.sent(1, i);
    p->begin("message", i);
    p->end(1'000);
  }
  return (cpu_us() - begin) * 1'000 / count;
}

struct seen_work {
  double cpu_us = 0;
  std::uint64_t handled = 0;
  std::uint64_t inspector_us = 0;
  std::uint64_t telling_us = 0;
};

seen_work work_of(rig& r) {
  seen_work w;
  w.cpu_us = bench::cpu_us();
  for (const auto& p : probes_of(r.cluster->system()).reports({}, 0)) {
    w.handled += p.handled;
    if (p.name == "inspector")
      w.inspector_us = p.handler_total_us;
    for (const auto& [what, count] : p.counters)
      if (what == "telling_ns")
        w.telling_us += count / 1'000;
  }
  return w;
}

void report_cost(const char* name, const seen_work& a, const seen_work& b, double ns, target wanted) {
  const auto cpu = b.cpu_us - a.cpu_us;
  const auto messages = static_cast<double>(b.handled - a.handled);
  const auto inspector = static_cast<double>(b.inspector_us - a.inspector_us);
  const auto telling = static_cast<double>(b.telling_us - a.telling_us);
  const auto probes = messages * ns / 1'000;
  figure(std::string{name} + "_inspector_percent", 100 * (inspector + telling) / cpu, "%");
  figure(std::string{name} + "_probes_percent", 100 * probes / cpu, "%");
  figure(name, 100 * (inspector + telling + probes) / cpu, "%", wanted);
}

void cost_figures() {
  const auto ns = probe_ns();
  figure("probe_ns_per_message", ns, "ns");
  rig r{100};
  r.import(0, 1'000, 100);
  auto before = work_of(r);
  r.load(0, 1'000);
  report_cost("introspection_cost_percent_loading", before, work_of(r), ns, no_target);
  // Full load: all nodes report changes as fast as they are taken.
  std::uint64_t seq = 1'000'000;
  std::int64_t version = std::int64_t{1} << 60;
  std::vector<std::vector<msg<schema::NodeReport>>> rounds;
  for (int i = 0; i < 20; ++i)
    rounds.push_back(changed_copies(r, ++version, 100, seq));
  before = work_of(r);
  for (const auto& reports : rounds) {
    for (const auto& report : reports)
      post(r.cluster->system(), r.cluster->coordinator().distribution, report);
    r.quiet();
  }
  report_cost("introspection_cost_percent", before, work_of(r), ns, at_most(1));
}

} // namespace
} // namespace muster

int main(int argc, char** argv) {
  using namespace muster;
  const std::string_view part = argc > 1 ? argv[1] : "";
  if (argc > 2 || (!part.empty() && part != "explain" && part != "memory" && part != "cost")) {
    std::fprintf(stderr, "usage: inspect_bench [explain|memory|cost]\n");
    return 2;
  }
  try {
    if (part.empty() || part == "memory")
      memory_figures();
    if (part.empty() || part == "cost")
      cost_figures();
    if (part.empty() || part == "explain")
      explain_figures();
  } catch (const std::exception& why) {
    std::fprintf(stderr, "inspect_bench: %s\n", why.what());
    return 1;
  }
  return bench::exit_code();
}
