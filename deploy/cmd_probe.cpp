// `muster probe`: searches without pause in a process of its own and reports every failure, retry and change of routes.
#include "deploy/cli.hpp"
#include "deploy/output.hpp"
#include "deploy/process.hpp"
#include "deploy/queries.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>
#include <kj/async-unix.h>
#include <set>

namespace muster::cli {

namespace {

struct options {
  std::string coordinator = "127.0.0.1:7700";
  std::string name;
  std::string vectors;
  std::string report;
  double seconds = 0;
  std::int64_t deadline_ms = limits::search_deadline.count();
  unsigned parallel = 2;
  std::int64_t at_least = 0;
  bool until_stdin_closes = false;
  bool json = false;
};

// Failure texts that are kept.
constexpr std::size_t kept_failures = 20;

double epoch_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// A state of the routes and when it came.
struct route_change {
  double at_ms = 0;
  std::int64_t target = 0;
  std::set<std::int64_t> nodes; // That lead a shard.
  bool every_shard = false;     // Has a leader.
};

struct findings {
  std::int64_t sent = 0;
  std::int64_t failed = 0;
  std::int64_t retried = 0;
  std::vector<double> answered_ms;
  std::vector<route_change> routes;
  std::vector<std::string> failures;

  double worst_ms() const {
    return answered_ms.empty() ? 0 : *std::max_element(answered_ms.begin(), answered_ms.end());
  }

  double percentile(double share) const {
    if (answered_ms.empty())
      return 0;
    auto sorted = answered_ms;
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
  }
};

class prober {
public:
  prober(session& s, const options& o, npy_matrix<float> queries) : s_(s), o_(o), queries_(std::move(queries)) {
    s_.api().on_routes([this] { note_routes(); });
    s_.api().start_watch();
  }

  findings run(kj::Promise<void> end) {
    auto stop = end.then([this] { stopping_ = true; }).eagerlyEvaluate(nullptr);
    kj::Vector<kj::Promise<void>> streams;
    for (unsigned i = 0; i < o_.parallel; ++i)
      streams.add(search_on());
    s_.wait(kj::joinPromises(streams.releaseAsArray()));
    return std::move(found_);
  }

private:
  kj::Promise<void> search_on() {
    if (stopping_ && found_.sent >= o_.at_least)
      return kj::READY_NOW;
    const auto row = queries_.row(next_++ % queries_.rows);
    search_query q;
    q.collection = o_.name;
    q.vectors.assign(row.begin(), row.end());
    q.dimension = static_cast<std::uint32_t>(queries_.columns);
    q.deadline = std::chrono::milliseconds{o_.deadline_ms};
    ++found_.sent;
    const auto start = std::chrono::steady_clock::now();
    return s_.api().search(std::move(q)).then([this, start](search_result&& got) {
      found_.answered_ms.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
      found_.retried += got.retries > 0;
      if (got.ok() && !ready_) {
        ready_ = true;
        if (!o_.json)
          say_ready("muster probe: searching " + o_.name);
      }
      if (got.ok())
        return search_on();
      ++found_.failed;
      if (found_.failures.size() < kept_failures)
        found_.failures.push_back(fixed(epoch_ms(), 3) + " " + std::string{to_string(got.why.code)} + ": "
                                  + got.why.text);
      // What fails at once would fill the report and heat the processor.
      return s_.io().provider->getTimer().afterDelay(5 * kj::MILLISECONDS).then([this] { return search_on(); });
    });
  }

  void note_routes() {
    const auto now = epoch_ms();
    const auto routes = s_.api().routes(o_.name);
    route_change change{now, routes->getTargetVersion(), {}, routes->getShards().size() > 0};
    for (auto shard : routes->getShards()) {
      change.every_shard = change.every_shard && shard.getLeaders().size() > 0;
      for (auto leader : shard.getLeaders())
        change.nodes.insert(leader.getNode());
    }
    found_.routes.push_back(std::move(change));
  }

  session& s_;
  const options& o_;
  npy_matrix<float> queries_;
  std::size_t next_ = 0;
  bool stopping_ = false;
  bool ready_ = false;
  findings found_;
};

// One "key value" a line: shells read it with awk.
void write_report(std::ostream& out, const findings& f) {
  out << "sent " << f.sent << "\nfailed " << f.failed << "\nretried " << f.retried << "\nworst_ms "
      << fixed(f.worst_ms(), 3) << "\np50_ms " << fixed(f.percentile(0.5), 3) << "\np99_ms "
      << fixed(f.percentile(0.99), 3) << '\n';
  for (auto& change : f.routes) {
    out << "routes " << fixed(change.at_ms, 3) << " target " << change.target << " whole "
        << (change.every_shard ? "yes" : "no") << " nodes ,";
    for (auto node : change.nodes)
      out << node << ',';
    out << '\n';
  }
  for (auto& text : f.failures)
    out << "failure " << text << '\n';
}

std::string as_json(const findings& f) {
  json_writer w;
  w.open('{')
      .field("sent", f.sent)
      .field("failed", f.failed)
      .field("retried", f.retried)
      .field("worst_ms", f.worst_ms())
      .field("p50_ms", f.percentile(0.5))
      .field("p99_ms", f.percentile(0.99));
  w.key("routes").open('[');
  for (auto& change : f.routes) {
    w.open('{').key("at_ms").raw(fixed(change.at_ms, 3)).field("target_version", change.target);
    w.field("whole", change.every_shard).key("nodes").open('[');
    for (auto node : change.nodes)
      w.number(node);
    w.close(']').close('}');
  }
  w.close(']').key("failures").open('[');
  for (auto& text : f.failures)
    w.text(text);
  return w.close(']').close('}').str();
}

kj::Promise<void> until_end_of(kj::AsyncInputStream& in, kj::ArrayPtr<kj::byte> buffer) {
  return in.tryRead(buffer.begin(), 1, buffer.size()).then([&in, buffer](std::size_t n) -> kj::Promise<void> {
    if (n == 0)
      return kj::READY_NOW;
    return until_end_of(in, buffer);
  });
}

int run(const options& o) {
  if (o.seconds <= 0 && !o.until_stdin_closes)
    throw command_error{usage, "give --seconds or --until-stdin-closes"};
  auto queries = value_or_end(read_npy_floats(o.vectors));
  std::ofstream file;
  if (!o.report.empty()) {
    file.open(o.report);
    if (!file)
      throw command_error{failure{ec::io_failed, o.report + ": the report cannot be written; check the path"}};
  }
  kj::UnixEventPort::captureSignal(SIGINT);
  kj::UnixEventPort::captureSignal(SIGTERM);
  session s{o.coordinator};
  auto asked = [&](int signal) { return s.io().unixEventPort.onSignal(signal).ignoreResult(); };
  auto end = asked(SIGINT).exclusiveJoin(asked(SIGTERM));
  if (o.seconds > 0)
    end = end.exclusiveJoin(
        s.io().provider->getTimer().afterDelay(static_cast<std::int64_t>(o.seconds * 1e6) * kj::MICROSECONDS));
  if (o.until_stdin_closes) {
    auto in = s.io().lowLevelProvider->wrapInputFd(0);
    auto buffer = kj::heapArray<kj::byte>(4096);
    auto closed = until_end_of(*in, buffer.asPtr());
    end = end.exclusiveJoin(closed.attach(kj::mv(in), kj::mv(buffer)));
  }
  const auto found = prober{s, o, std::move(queries)}.run(kj::mv(end));
  if (!o.report.empty()) {
    write_report(file, found);
    file.close();
    if (!file)
      throw command_error{failure{ec::io_failed, o.report + ": the report could not be written; is the disk full?"}};
  }
  if (o.json)
    std::cout << as_json(found) << '\n';
  else if (o.report.empty())
    write_report(std::cout, found);
  return found.failed == 0 ? done : failed;
}

} // namespace

void add_probe(CLI::App& app, command& chosen) {
  auto o = std::make_shared<options>();
  auto& sub = add_command(app, "probe", "Search without pause and report failures, retries and changes of routes");
  sub.add_option("name", o->name, "The collection")->type_name("NAME")->required();
  sub.add_option("--vector-file", o->vectors, "A .npy matrix; its rows are searched in turn")
      ->type_name("FILE")
      ->required();
  sub.add_option("--seconds", o->seconds, "How long")->type_name("S")->check(between(0.001, 86'400.0));
  sub.add_flag("--until-stdin-closes", o->until_stdin_closes, "Until whoever started it ends or closes its input");
  sub.add_option("--at-least", o->at_least, "Not before so many searches were sent")
      ->type_name("N")
      ->check(between(std::int64_t{0}, std::int64_t{1'000'000}))
      ->capture_default_str();
  sub.add_option("--report", o->report, "Where to write what was found, a \"key value\" a line")->type_name("FILE");
  sub.add_option("--parallel", o->parallel, "Searches at a time")
      ->type_name("N")
      ->check(between(1u, 64u))
      ->capture_default_str();
  sub.add_option("--deadline-ms", o->deadline_ms, "Deadline of each search")
      ->type_name("MS")
      ->check(between(std::int64_t{1}, std::int64_t{limits::search_timeout.count()}))
      ->capture_default_str();
  add_coordinator_option(sub, o->coordinator);
  add_json_option(sub, o->json);
  sub.footer(
      "\nExit code 1 when a search failed. A line of routes: routes AT_MS target VERSION whole yes|no nodes ,ID,ID,");
  sub.callback([o, &chosen] { chosen = [o] { return run(*o); }; });
}

} // namespace muster::cli
