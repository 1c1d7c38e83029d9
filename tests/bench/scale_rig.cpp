// The cluster of the figures at scale.
#include "tests/bench/scale_rig.hpp"


#include <caf/after.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <ctime>
#include <map>
#include <thread>

namespace muster::bench {

double seconds_since(clock::time_point begin) {
  return std::chrono::duration<double>(clock::now() - begin).count();
}

double cpu_us() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
}

double percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  return values.at(static_cast<std::size_t>(static_cast<double>(values.size() - 1) * p));
}

std::string name_of(std::size_t i) {
  return "c" + std::to_string(i);
}

namespace {

struct watcher_state {};

subscriber_actor::behavior_type watcher(subscriber_actor::stateful_pointer<watcher_state>, std::shared_ptr<watch> at) {
  return {[at](const publication& p) -> m<schema::Ack> {
    {
      std::lock_guard guard{at->mutex};
      at->view.apply(p);
    }
    at->changed.notify_all();
    return build<schema::Ack>([&](auto b) { b.setNumber(p.header->getNumber()); });
  }};
}

} // namespace

rig::rig(std::size_t nodes, std::shared_ptr<journal> disk) {
  local_cluster_options options;
  options.nodes = 0;
  options.journal = std::move(disk);
  cluster = std::make_unique<local_cluster>(std::move(options));
  fleet_settings settings;
  settings.nodes = nodes;
  cluster->add_fleet(settings);
  seen = std::make_shared<watch>();
  follower = cluster->system().spawn(watcher, seen);
  post(cluster->system(), cluster->coordinator().scheduler, subscribe_atom::value, follower);
}

rig::~rig() {
  caf::anon_send_exit(follower, caf::exit_reason::user_shutdown);
  follower = subscriber_actor{};
}

void rig::import(std::size_t first, std::size_t count, std::size_t segments) {
  for (std::size_t i = first; i < first + count; ++i)
    ids.push_back(cluster->import(name_of(i), segments, 1'000));
}

void rig::load(std::size_t first, std::size_t count) {
  caf::scoped_actor self{cluster->system()};
  std::size_t next = first;
  std::size_t open = 0;
  const auto gateway = cluster->coordinator().gateway;
  while (next < first + count || open > 0) {
    while (next < first + count && open < 64) {
      self->send(gateway, build<schema::ClientRequest>(
                            [&](auto b) { b.initLoadCollection().setCollection(name_of(next)); }));
      ++next;
      ++open;
    }
    bool late = false;
    self->receive(
      [&](const msg<schema::ClientReply>& r) {
        --open;
        if (r->getStatus().getCode() != 0 || r->getLoadCollection().getStatus().getCode() != 0)
          throw std::runtime_error("a load failed: "
                                   + std::string{view(r->getLoadCollection().getStatus().getReason())}
                                   + std::string{view(r->getStatus().getReason())});
      },
      caf::after(std::chrono::seconds{60}) >> [&] { late = true; });
    if (late)
      throw std::runtime_error("loads do not come to an end");
  }
  quiet();
}

std::vector<m<schema::NodeReport>> changed_copies(rig& r, std::int64_t version, std::size_t entries,
                                                  std::uint64_t& seq) {
  std::map<std::int64_t, std::vector<std::pair<std::int64_t, copy_row>>> by_node;
  {
    std::lock_guard guard{r.seen->mutex};
    for (auto id : r.ids)
      r.seen->view.collection(id)->each_copy([&](const copy_row& c) { by_node[c.node].emplace_back(id, c); });
  }
  std::vector<m<schema::NodeReport>> result;
  for (const auto& [node, copies] : by_node)
    for (std::size_t from = 0; from < copies.size(); from += entries)
      result.push_back(build<schema::NodeReport>([&, n = node, &all = copies](schema::NodeReport::Builder b) {
        b.setNode(n);
        b.setIncarnation(1);
        auto report = b.initReport();
        report.setSeq(++seq);
        auto list = report.initCopies(static_cast<unsigned>(std::min(entries, all.size() - from)));
        for (unsigned i = 0; i < list.size(); ++i) {
          const auto& [collection, c] = all[from + i];
          list[i].setSegment(c.segment);
          list[i].setCollection(collection);
          list[i].setVersion(version);
          list[i].setRows(c.rows);
          list[i].setBytes(c.bytes);
          list[i].setIndex(c.index);
          list[i].setIndexes(c.indexes);
          list[i].setStats(c.stats);
        }
      }));
  return result;
}

void rig::quiet() {
  std::uint64_t before = 0;
  int same = 0;
  for (int i = 0; i < 30'000 && same < 5; ++i) {
    std::uint64_t handled = 0;
    std::uint64_t queued = 0;
    for (const auto& r : probes_of(cluster->system()).reports({}, 0)) {
      if (r.name == "fleet" || r.name.starts_with("wire/") || r.name == "node_manager" || r.name == "gateway"
          || r.kind == "journal" || r.name == "inspector")
        continue;
      handled += r.handled;
      queued += r.queued;
    }
    same = queued == 0 && handled == before ? same + 1 : 0;
    before = handled;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
}

} // namespace muster::bench
