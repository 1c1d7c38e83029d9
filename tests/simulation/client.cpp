// Clients: imports, loads, releases, reads, and searches along the routes that were pushed to them.
#include "tests/simulation/trace.hpp"
#include "tests/simulation/world.hpp"

#include <algorithm>

namespace muster::sim {

namespace {

/// Clients are one more place in the network.
constexpr int at_client = 1'000;

} // namespace

// -- calls --------------------------------------------------------------------------

std::string world::request(std::function<void(schema::ClientRequest::Builder)> fill, std::int64_t timeout) {
  auto m = build<schema::ClientRequest>([&](schema::ClientRequest::Builder b) {
    auto h = b.initHeader();
    h.setEnqueuedAt(now_ + 1);
    h.setDeadline(now_ + 1 + timeout);
    fill(b);
  });
  return std::string{m.bytes()};
}

void world::ask(int target, std::string bytes, std::int64_t timeout, bool twice, load_change change,
                std::function<void(const std::string&)> done) {
  const auto id = next_call_++;
  auto& c = calls_[id];
  c.target = target;
  c.bytes = std::move(bytes);
  c.change = std::move(change);
  c.done = std::move(done);
  for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
    ++c.copies;
    if (c.change)
      model_.sent(c.change);
    const auto arrive = [this, id, target] { travel(at_client, target, [this, id] { arrive_call(id); }); };
    if (copy == 0)
      arrive();
    else
      after(random_.between(0, 400 * ms), arrive);
  }
  after(timeout + 300 * ms, [this, id] {
    auto i = calls_.find(id);
    if (i == calls_.end() || i->second.answered)
      return;
    i->second.answered = true;
    auto tell = i->second.done;
    if (i->second.copies == 0)
      calls_.erase(i);
    tell({});
  });
}

void world::arrive_call(std::uint64_t id) {
  auto& c = calls_.at(id);
  auto& p = *processes_[static_cast<std::size_t>(c.target)];
  if (!p.up || p.stopping) {
    end_copy(id, {}, p.powered);
    return;
  }
  const auto port = next_call_++;
  call_of_port_[port] = id;
  c.ports.insert(port);
  c.generation = p.generation;
  inside(p, p.generation, [this, &p, port, bytes = c.bytes] {
    if (p.coordinator())
      call_coordinator(p, port, bytes);
    else
      call_node(p, port, bytes);
  });
}

/// An answer leaves a process.
void world::answer(int, std::uint64_t port, std::string bytes) {
  auto i = call_of_port_.find(port);
  if (i == call_of_port_.end())
    return;
  const auto id = i->second;
  call_of_port_.erase(i);
  calls_.at(id).ports.erase(port);
  end_copy(id, bytes, true);
}

/// One copy of a request has come to its end. `arrived`: the client hears of it.
void world::end_copy(std::uint64_t id, const std::string& reply, bool arrived) {
  auto& c = calls_.at(id);
  --c.copies;
  if (c.change) {
    const auto status = [&]() -> std::optional<schema::Status::Reader> {
      const auto r = parse<schema::ClientReply>(reply);
      if (!r || (*r)->getStatus().getCode() != 0)
        return std::nullopt;
      switch ((*r)->which()) {
        case schema::ClientReply::LOAD_COLLECTION:
          return (*r)->getLoadCollection().getStatus();
        case schema::ClientReply::RELEASE_COLLECTION:
          return (*r)->getReleaseCollection().getStatus();
        case schema::ClientReply::LOAD_PARTITIONS:
          return (*r)->getLoadPartitions().getStatus();
        case schema::ClientReply::RELEASE_PARTITIONS:
          return (*r)->getReleasePartitions().getStatus();
        case schema::ClientReply::SYNC_NEW_CREATED_PARTITION:
          return (*r)->getSyncNewCreatedPartition().getStatus();
        default:
          return std::nullopt;
      }
    }();
    const bool ok = status && status->getCode() == 0;
    if (ok) // names may have come to mean other partitions meanwhile
      std::erase_if(c.change.partitions, [&](std::int64_t id) {
        const auto i = model_.ids.find(c.change.collection);
        const auto all = i == model_.ids.end() ? data_->partitions.end() : data_->partitions.find(collection_id{i->second});
        return all == data_->partitions.end()
               || std::none_of(all->second.begin(), all->second.end(), [&](const auto& p) { return p.id.value == id; });
      });
    model_.ended(c.change, ok);
    if (ok) {
      trace("answered: change ", static_cast<int>(c.change.kind), " of ", c.change.collection);
      if (c.change.kind == load_change::load)
        ++sums_.loads;
      else if (c.change.kind != load_change::release)
        ++sums_.partition_changes;
      if (disturbed_ && options_.crash_on_answer && processes_[0]->up && random_.chance(1, 4))
        crash_soon(*processes_[0], random_.chance(1, 2), random_.between(1 * ms, 200 * ms));
    }
  } else if (auto r = parse<schema::ClientReply>(reply); r && (*r)->isAllocateIds() && (*r)->getStatus().getCode() == 0
                                                         && (*r)->getAllocateIds().getStatus().getCode() == 0) {
    model_.given_ids((*r)->getAllocateIds().getFirst(), (*r)->getAllocateIds().getCount());
    if (disturbed_ && options_.crash_on_answer && processes_[0]->up && random_.chance(1, 12))
      crash_soon(*processes_[0], random_.chance(1, 2), random_.between(1 * ms, 200 * ms));
  }
  if (c.answered || !arrived) {
    if (c.copies == 0 && c.answered)
      calls_.erase(id);
    return;
  }
  travel(c.target, at_client, [this, id, reply] {
    auto i = calls_.find(id);
    if (i == calls_.end() || i->second.answered)
      return;
    i->second.answered = true;
    auto tell = i->second.done;
    if (i->second.copies == 0)
      calls_.erase(i);
    tell(reply);
  });
}

void world::lose_calls(process& p, bool silent) {
  std::vector<std::uint64_t> ports;
  for (auto [port, id] : call_of_port_)
    if (calls_.at(id).target == p.index)
      ports.push_back(port);
  for (auto port : ports) {
    const auto id = call_of_port_.at(port);
    call_of_port_.erase(port);
    calls_.at(id).ports.erase(port);
    end_copy(id, {}, !silent);
  }
}

// -- routes -------------------------------------------------------------------------

void world::watch() {
  auto& p = *processes_[0];
  if (!p.up)
    return;
  travel(at_client, 0, [this, &p, g = p.generation] {
    inside(p, g, [this, &p] { watch_routes(p, *this); });
  });
}

void world::routes(int index, std::string bytes) {
  auto& p = *processes_[static_cast<std::size_t>(index)];
  travel(index, at_client, [this, &p, g = p.generation, bytes = std::move(bytes)] {
    if (p.generation != g)
      return; // what an ended coordinator pushed last
    if (auto update = parse<schema::RouteUpdate>(bytes)) {
      if ((*update)->getWhole())
        routes_.clear();
      for (auto c : (*update)->getCollections()) {
        const std::string name{view(c.getName())};
        if (c.getRemoved())
          routes_.erase(name);
        else
          routes_[name] = copy<schema::CollectionRoutes>(c);
      }
    }
    travel(at_client, p.index, [this, &p, g] { inside(p, g, [&p] { acknowledge_routes(p); }); });
  });
}

// -- workload ------------------------------------------------------------------------

void world::operate() {
  if (!disturbed_)
    return;
  after(random_.between(options_.operations_every / 2, options_.operations_every * 3 / 2), [this] { operate(); });
  if (known_.empty() || (named_ < options_.collections && random_.chance(1, 3))) {
    if (named_ < options_.collections || known_.empty())
      import("c" + std::to_string(++named_), false);
    return;
  }
  auto at = known_.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(random_.below(known_.size())));
  const auto name = *at;
  const auto& promise = model_.promises[name];
  const auto dice = random_.below(100);
  if (dice < 12)
    return read_something();
  if (dice < 35)
    return import(name, true);
  if (promise.open > 0 && !random_.chance(1, 8))
    return;
  const bool load = promise.certain && promise.loaded ? random_.chance(1, 4) : random_.chance(9, 10);
  change(name, load, static_cast<int>(random_.between(1, options_.replicas)), random_.between(100, 4'000) * ms, [](bool) {});
}

void world::import(const std::string& name, bool append) {
  const auto per_shard = random_.between(1, options_.segments);
  const auto into = append && options_.partitions && operating_.chance(1, 2) ? some_partition() : std::string{};
  const auto count = static_cast<std::uint32_t>(per_shard * options_.shards + 3);
  trace("client imports ", name, append ? ", appending" : "");
  ask(0, request([&](auto b) { b.initAllocateIds().setCount(count); }, 2 * s), 2 * s,
      options_.duplicates && random_.chance(1, 4), {}, [this, name, append, per_shard, into](const std::string& reply) {
        auto r = parse<schema::ClientReply>(reply);
        if (!r || !(*r)->isAllocateIds() || (*r)->getAllocateIds().getStatus().getCode() != 0)
          return;
        auto id = (*r)->getAllocateIds().getFirst();
        if (append && !model_.ids.contains(name))
          return;
        const auto collection = append ? model_.ids.at(name) : id++;
        const auto partition = id++;
        const auto other_partition = id++;
        std::vector<std::int64_t> segments;
        auto bytes = request(
          [&](schema::ClientRequest::Builder b) {
            auto i = b.initRegisterImport();
            i.setDatabase("default");
            i.setName(name);
            i.setAppend(append);
            i.setCollectionId(collection);
            i.setMetric("l2");
            i.setDimension(1);
            auto channels = i.initChannels(static_cast<unsigned>(options_.shards));
            const auto channel = [&](int shard) {
              return name + "-" + std::to_string(collection) + "-v" + std::to_string(shard);
            };
            for (int shard = 0; shard < options_.shards; ++shard)
              channels.set(static_cast<unsigned>(shard), channel(shard));
            i.setPartition(into);
            i.setPartitionId(partition);
            i.setDefaultPartitionId(other_partition);
            auto list = i.initSegments(static_cast<unsigned>(per_shard * options_.shards));
            for (unsigned n = 0; n < list.size(); ++n) {
              list[n].setId(id);
              list[n].setChannel(channel(static_cast<int>(n) % options_.shards));
              list[n].setRows(random_.between(1, options_.rows));
              list[n].setBytes(4 * list[n].getRows());
              list[n].setFile(std::to_string(collection) + "/" + std::to_string(id) + ".segment");
              list[n].setIndexKind("brute_force");
              segments.push_back(id++);
            }
          },
          3 * s);
        ask(0, std::move(bytes), 3 * s, options_.duplicates && random_.chance(1, 4), {},
            [this, name, append, collection](const std::string& done) {
              auto d = parse<schema::ClientReply>(done);
              if (!d || !(*d)->isRegisterImport() || (*d)->getRegisterImport().getStatus().getCode() != 0)
                return;
              trace("answered: import of ", name);
              if (!data_->collections.contains(collection_id{collection}))
                fail(verdict::safety, "the import of " + name + " was answered but is not in the catalogue");
              known_.insert(name);
              if (!append)
                model_.ids[name] = collection;
            });
      });
}

void world::change(const std::string& name, bool load, int replicas, std::int64_t timeout, std::function<void(bool)> done) {
  trace("client ", load ? "loads " : "releases ", name, load ? " with replicas: " + std::to_string(replicas) : "");
  auto bytes = request(
    [&](schema::ClientRequest::Builder b) {
      if (load) {
        auto r = b.initLoadCollection();
        r.setCollection(name);
        r.setReplicaNumber(static_cast<std::uint32_t>(replicas));
        if (disturbed_) {
          const auto groups = some_groups(replicas);
          auto list = r.initResourceGroups(static_cast<unsigned>(groups.size()));
          for (unsigned i = 0; i < list.size(); ++i)
            list.set(i, groups[i]);
        }
      } else {
        b.initReleaseCollection().setCollection(name);
      }
    },
    timeout);
  ask(0, std::move(bytes), timeout, options_.duplicates && disturbed_ && random_.chance(1, 4),
      {load ? load_change::load : load_change::release, name, {}},
      [this, load, done, name](const std::string& reply) {
        bool ok = false;
        if (auto r = parse<schema::ClientReply>(reply)) {
          auto status = (*r)->getStatus();
          if (status.getCode() == 0 && (*r)->isLoadCollection() && load)
            status = (*r)->getLoadCollection().getStatus();
          else if (status.getCode() == 0 && (*r)->isReleaseCollection() && !load)
            status = (*r)->getReleaseCollection().getStatus();
          ok = status.getCode() == 0 && ((*r)->isLoadCollection() || (*r)->isReleaseCollection());
          if (!ok)
            trace("client: ", load ? "load of " : "release of ", name, " failed: ", view(status.getReason()));
        }
        done(ok);
      });
}

void world::read_something() {
  const auto timeout = 1 * s;
  auto bytes = request(
    [&](schema::ClientRequest::Builder b) {
      switch (random_.below(5)) {
        case 0:
          b.initGetStatus();
          break;
        case 1:
          b.initListCollections();
          break;
        case 2:
          b.initShowLoadCollections();
          break;
        case 3:
          b.initGetReplicas().setCollection(*known_.begin());
          break;
        default:
          b.initGetShardLeaders().setCollection(*known_.begin());
          break;
      }
    },
    timeout);
  ask(0, std::move(bytes), timeout, false, {}, [](const std::string&) {});
}

void world::search_something() {
  if (!disturbed_)
    return;
  after(random_.between(options_.searches_every / 2, options_.searches_every * 3 / 2), [this] { search_something(); });
  if (routes_.empty())
    return;
  auto at = routes_.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(random_.below(routes_.size())));
  auto shards = at->second->getShards();
  if (shards.size() == 0)
    return;
  auto shard = shards[static_cast<unsigned>(random_.below(shards.size()))];
  if (shard.getLeaders().size() == 0)
    return;
  auto leader = shard.getLeaders()[static_cast<unsigned>(random_.below(shard.getLeaders().size()))];
  search(at->first, std::string{view(shard.getChannel())}, leader.getNode(), std::string{view(leader.getAddress())},
         [](bool, std::string) {});
}

void world::search(const std::string& name, const std::string& channel, std::int64_t, const std::string& address,
                   std::function<void(bool, std::string)> done) {
  int target = -1;
  for (const auto& p : processes_)
    if (p->address == address)
      target = p->index;
  if (target <= 0) {
    fail(verdict::safety, "a route of " + name + " names " + address + ", where no node ever was");
    return;
  }
  auto question = build<schema::SearchRequest>([&](schema::SearchRequest::Builder b) {
    auto h = b.initHeader();
    h.setEnqueuedAt(now_ + 1);
    h.setDeadline(now_ + 1 + 500 * ms);
    b.setCollection(routes_.at(name)->getCollectionId());
    b.setChannel(channel);
    b.initVectors(1).set(0, 0.0f);
    b.setDimension(1);
    b.setK(10'000);
  });
  ++sums_.searches;
  ask(target, std::string{question.bytes()}, 500 * ms, false, {}, [this, question, done](const std::string& reply) {
    auto r = parse<schema::SearchReply>(reply);
    if (!r)
      return done(false, "no answer");
    if ((*r)->getStatus().getCode() != 0) {
      trace("search of ", view(question->getChannel()), " failed: ", view((*r)->getStatus().getReason()));
      return done(false, std::string{view((*r)->getStatus().getReason())});
    }
    model_.answered(question.read(), r->read());
    done(true, {});
  });
}

} // namespace muster::sim
