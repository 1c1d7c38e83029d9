// Measures what clients wait for: who leads the shards, asked and pushed, and a coordinator that starts again.
#include "messages/error.hpp"
#include "net/bridge.hpp"
#include "net/client.hpp"
#include "tests/bench/figure.hpp"
#include "tests/bench/scale_rig.hpp"
#include "tests/support/paths.hpp"

#include <caf/after.hpp>
#include <caf/scoped_actor.hpp>
#include <kj/async-io.h>

#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace muster::bench {
namespace {

// -- asked ------------------------------------------------------------------------------

/// 100 collections a call, in process, from the actor that answers; processor time of the whole process.
void lookups() {
  constexpr std::size_t calls = 20'000;
  rig r{10};
  r.import(0, 1'000, 2);
  r.load(0, 1'000);
  std::vector<m<schema::GetShardLeadersRequest>> asks;
  for (std::size_t i = 0; i < 10; ++i)
    asks.push_back(build<schema::GetShardLeadersRequest>([&](schema::GetShardLeadersRequest::Builder b) {
      auto names = b.initCollections(100);
      for (unsigned k = 0; k < 100; ++k)
        names.set(k, name_of(i * 100 + k));
    }));
  caf::scoped_actor self{r.cluster->system()};
  std::size_t leaders = 0;
  const auto begin = cpu_us();
  // Some calls are always on their way, so that nobody is measured going to sleep and waking up.
  constexpr std::size_t open = 32;
  for (std::size_t sent = 0, i = 0; i < calls; ++i) {
    for (; sent < calls && sent < i + open; ++sent)
      self->send(r.cluster->coordinator().routes, asks[sent % asks.size()]);
    self->receive(
      [&](const m<schema::GetShardLeadersReply>& reply) {
        for (auto each : reply->getAll())
          leaders += each.getShards().size() > 0 && each.getShards()[0].getLeaders().size() == 1 ? 1 : 0;
      },
      caf::after(std::chrono::seconds{10}) >> [] { throw std::runtime_error("the leaders were not told"); });
  }
  const auto took = (cpu_us() - begin) / 1e6;
  if (leaders != calls * 100)
    throw std::runtime_error("not every collection had its leader");
  figure("shard_leader_lookups_per_s", static_cast<double>(leaders) / took, "1/s", at_least(1'000'000));
}

// -- pushed -----------------------------------------------------------------------------

constexpr std::size_t subscribers = 100;

/// One client that watches, and when it last heard of a change.
struct route_subscriber {
  std::unique_ptr<client> api;
  clock::time_point heard;
  bool led = false;
};

/// From the report of a leader that it cannot answer, or can again, until each of 100 clients on loopback has the new route.
void routes() {
  rig r{10};
  r.import(0, 100, 1);
  r.load(0, 100);
  bridge edge{r.cluster->system()};
  auto address = edge.listen_coordinator("127.0.0.1:0", r.cluster->coordinator().gateway, r.cluster->coordinator().routes);
  if (!address)
    throw std::runtime_error(address.error().text);
  auto io = kj::setupAsyncIo();
  std::vector<route_subscriber> all(subscribers);
  const auto led = [](client& api) {
    auto known = api.routes("c7");
    return !known.empty() && known->getShards().size() == 1 && known->getShards()[0].getLeaders().size() == 1;
  };
  std::size_t missing = subscribers;
  bool wanted = true;
  for (auto& s : all) {
    s.api = std::make_unique<client>(io.provider->getNetwork(), io.provider->getTimer(), *address);
    s.api->on_routes([&, one = &s] {
      if (const auto now = led(*one->api); now != one->led) {
        one->led = now;
        one->heard = clock::now();
        missing -= now == wanted ? 1 : 0;
      }
    });
    s.api->start_watch();
  }
  const auto await = [&] {
    const auto end = clock::now() + std::chrono::seconds{10};
    while (missing > 0) {
      if (clock::now() > end)
        throw std::runtime_error("a subscriber did not hear of a change");
      io.provider->getTimer().afterDelay(200 * kj::MICROSECONDS).wait(io.waitScope);
    }
  };
  await();
  delegator_row leader;
  {
    std::lock_guard guard{r.seen->mutex};
    leader = r.seen->view.collection(r.ids[7])->delegators.front();
  }
  std::vector<double> times;
  for (std::uint64_t round = 0; round < 200; ++round) {
    wanted = !wanted;
    missing = subscribers;
    const auto report = build<schema::NodeReport>([&](schema::NodeReport::Builder b) {
      b.setNode(leader.node);
      b.setIncarnation(1);
      b.initReport().setSeq(1'000'000 + round);
      auto d = b.getReport().initDelegators(1)[0];
      d.setChannel(leader.channel);
      d.setCollection(r.ids[7]);
      d.setReplica(leader.replica);
      d.setVersion(leader.version);
      d.setServedVersion(leader.served);
      d.setServiceable(wanted);
    });
    const auto begin = clock::now();
    post(r.cluster->system(), r.cluster->coordinator().distribution, report);
    await();
    for (const auto& s : all)
      times.push_back(std::chrono::duration<double, std::milli>(s.heard - begin).count());
  }
  figure("route_push_p50_ms", percentile(times, 0.5), "ms");
  figure("route_push_p99_ms", percentile(times, 0.99), "ms", at_most(10));
}

// -- started again ----------------------------------------------------------------------

/// A muster process with its first line of output awaited; killed by the destructor.
class child {
public:
  child(std::vector<std::string> arguments, const std::string& output) : output_(output) {
    std::vector<char*> argv;
    arguments.insert(arguments.begin(), "muster");
    for (auto& a : arguments)
      argv.push_back(a.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      const int out = open(output.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
      dup2(out, 1);
      dup2(out, 2);
      execv(MUSTER_BINARY, argv.data());
      _exit(127);
    }
  }

  child(const child&) = delete;
  child& operator=(const child&) = delete;

  ~child() {
    signal(SIGKILL);
    end();
  }

  void signal(int number) const {
    if (pid_ > 0)
      kill(pid_, number);
  }

  /// Processor time that it has used so far.
  double processor_ms() const {
    std::ifstream in{"/proc/" + std::to_string(pid_) + "/stat"};
    std::string text;
    std::getline(in, text);
    std::istringstream fields{text.substr(text.rfind(')') + 2)};
    std::string skipped;
    for (int i = 0; i < 11; ++i)
      fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) * 1'000 / static_cast<double>(sysconf(_SC_CLK_TCK));
  }

  /// Waits for the end; its exit code.
  int end() {
    int status = 0;
    if (pid_ > 0)
      waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  /// Waits until a line of its output holds `text`; the line.
  std::string await_line(const std::string& text) const {
    const auto patience = clock::now() + std::chrono::seconds{30};
    while (clock::now() < patience) {
      std::ifstream in{output_};
      for (std::string line; std::getline(in, line);)
        if (line.find(text) != std::string::npos)
          return line;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    throw std::runtime_error("a process did not say \"" + text + "\"; see " + output_);
  }

private:
  pid_t pid_ = -1;
  std::string output_;
};

struct caller {
  kj::AsyncIoContext io = kj::setupAsyncIo();
  std::string address;

  /// The reply, or an empty message when there is none.
  template <class Fill>
  m<schema::ClientReply> call(client& to, Fill fill, std::chrono::milliseconds deadline) {
    io.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io.waitScope); // the loop's clock stands while nothing waits
    auto reply = to.call(build<schema::ClientRequest>([&](schema::ClientRequest::Builder b) {
                     b.getHeader().setDeadline(std::chrono::nanoseconds{deadline}.count());
                     fill(b);
                   })).wait(io.waitScope);
    return reply ? *reply : m<schema::ClientReply>{};
  }
};

/// True when the coordinator names a leader for every channel of these collections.
bool leaders_told(caller& c, client& to, const std::vector<std::string>& names) {
  const auto reply = c.call(
    to,
    [&](schema::ClientRequest::Builder b) {
      auto list = b.initGetShardLeaders().initCollections(static_cast<unsigned>(names.size()));
      for (unsigned i = 0; i < names.size(); ++i)
        list.set(i, names[i]);
    },
    std::chrono::milliseconds{500});
  if (reply.empty() || status_of(reply.read()).getCode() != 0 || !reply->isGetShardLeaders())
    return false;
  for (auto each : reply->getGetShardLeaders().getAll()) {
    if (each.getStatus().getCode() != 0 || each.getShards().size() == 0)
      return false;
    for (auto shard : each.getShards())
      if (shard.getLeaders().size() == 0)
        return false;
  }
  return true;
}

/// Batches of orders that the coordinator has sent to nodes since it started.
std::uint64_t orders_sent(caller& c, client& to) {
  const auto reply = c.call(to, [](schema::ClientRequest::Builder b) { b.initListActors(); }, std::chrono::seconds{5});
  if (reply.empty() || !reply->isListActors())
    throw std::runtime_error("the coordinator does not list its actors");
  std::uint64_t sum = 0;
  for (auto actor : reply->getListActors().getActors())
    for (auto type : actor.getHandledByType())
      if (view(type.getType()).find("StepBatch") != std::string_view::npos)
        sum += type.getCount();
  return sum;
}

std::vector<std::string> coordinator_arguments(const std::string& folder, const std::string& listen) {
  return {"coordinator", "--data", folder + "/data", "--store", folder + "/store", "--listen", listen, "--http", "off"};
}

/// SIGKILL of a coordinator whose nodes stay, and from the start of the next one to its first true answer about the first, the middle
/// and the last collection, whatever came before that.
void restart_with(const std::string& folder, std::size_t collections, std::size_t segments, const std::string& suffix, double most_ms) {
  std::filesystem::create_directories(folder + "/store");
  caller c;
  auto first = std::make_unique<child>(coordinator_arguments(folder, "127.0.0.1:0"), folder + "/first.out");
  const auto line = first->await_line("listening on ");
  const auto at = line.find("listening on ") + 13;
  c.address = line.substr(at, line.find(',', at) - at);
  child fleet{{"fleet", "--nodes", "100", "--join", c.address}, folder + "/fleet.out"};
  const auto must = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--coordinator", c.address});
    if (child{arguments, folder + "/command.out"}.end() != 0)
      throw std::runtime_error("muster " + arguments[0] + " failed; see " + folder);
  };
  must({"wait", "--nodes", "100", "--timeout-s", "60"});
  must({"import", "--synthetic", std::to_string(collections) + "x" + std::to_string(segments)});
  must({"load", "--all", "--timeout-s", "600"});
  // Evenness is looked at anew in every collection, as it will be after the restart, and comes to rest.
  must({"deactivate-checker", "--checker", "balance_checker"});
  must({"activate-checker", "--checker", "balance_checker"});
  const auto nth = [&](std::size_t i) {
    char name[32];
    std::snprintf(name, sizeof name, "synthetic-%05zu", i);
    return std::string{name};
  };
  const std::vector<std::string> names{nth(1), nth(collections / 2), nth(collections)};
  {
    client before{c.io.provider->getNetwork(), c.io.provider->getTimer(), c.address};
    std::uint64_t sent = 0;
    for (int rested = 0; rested < 5; ++rested) {
      c.io.provider->getTimer().afterDelay(1 * kj::SECONDS).wait(c.io.waitScope);
      if (const auto now = orders_sent(c, before); std::exchange(sent, now) != now)
        rested = 0;
    }
    if (!leaders_told(c, before, names))
      throw std::runtime_error("the collections were not led before the restart");
  }
  first->signal(SIGKILL);
  first->end();
  const auto begin = clock::now();
  child second{coordinator_arguments(folder, c.address), folder + "/second.out"};
  client after{c.io.provider->getNetwork(), c.io.provider->getTimer(), c.address};
  while (!leaders_told(c, after, names)) {
    if (seconds_since(begin) > 60)
      throw std::runtime_error("the leaders were not told after the restart; see " + folder);
  }
  figure("restart_ms" + suffix, seconds_since(begin) * 1'000, "ms", at_most(most_ms));
  figure("restart_processor_ms" + suffix, second.processor_ms(), "ms");
  // Long enough for every node to report and every checker to have looked.
  c.io.provider->getTimer().afterDelay(10 * kj::SECONDS).wait(c.io.waitScope);
  figure("needless_moves_after_restart" + suffix, static_cast<double>(orders_sent(c, after)), "orders", exactly(0));
}

void restarts() {
  auto folder = (std::filesystem::temp_directory_path() / "muster-restart-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr)
    throw std::runtime_error("cannot make a folder " + folder + "; check TMPDIR");
  restart_with(folder + "/a", 10'000, 1, "_10000x1", 300);
  restart_with(folder + "/b", 10'000, 100, "_10000x100", 1'000);
  std::filesystem::remove_all(folder);
}

} // namespace
} // namespace muster::bench

int main(int argc, char** argv) {
  using namespace muster::bench;
  const std::string_view part = argc > 1 ? argv[1] : "";
  try {
    if (part == "lookups")
      lookups();
    else if (part == "routes")
      routes();
    else if (part == "restart")
      restarts();
    else {
      std::fprintf(stderr, "usage: service_bench lookups|routes|restart\n");
      return 2;
    }
  } catch (const std::exception& why) {
    std::fprintf(stderr, "service_bench: %s\n", why.what());
    return 1;
  }
  return exit_code();
}
