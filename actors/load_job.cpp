// One load of a collection or of partitions, from the request to "it can be searched".
#include "actors/core/reads.hpp"
#include "actors/core/rows.hpp"
#include "actors/gateway.hpp"
#include "actors/runtime/shell.hpp"

#include <caf/typed_response_promise.hpp>

#include <algorithm>
#include <functional>
#include <vector>

namespace muster {

namespace {

struct load_shell : shell<job_actor, load_shell> {
  explicit load_shell(self_pointer ptr)
    : shell(ptr, "load_job#" + std::to_string(ptr->id()), "load_job", "gateway") {
    // nop
  }

  caf::result<m<schema::JobReply>> run(const m<schema::RunJob>& job) {
    answer = self->make_response_promise<m<schema::JobReply>>();
    order = job;
    deadline = now() + std::chrono::nanoseconds{time_left(job->getHeader(), limits::job_timeout)}.count();
    meter().waits_for("the description of the collection");
    auto question = make<schema::DataRequest>([&](auto b) { b.setDescribe(job->getCollection()); }, peers.epoch, trace());
    request<m<schema::DataReply>>(
      peers.data, left(), question, [this](const m<schema::DataReply>& reply) { described(reply); }, fail());
    return answer;
  }

  gateway_peers peers;

private:
  using kind = schema::RunJob::Kind;

  /// The partitions to load, by what the request names.
  failure choose() {
    const auto all = partitions_of(data->getCollection());
    if (order->getKind() == kind::LOAD_COLLECTION) {
      for (const auto& [id, name] : all)
        wanted.push_back(id);
      return {ec::ok, {}};
    }
    auto found = find_partitions(all, order->getPartitions(), view(data->getCollection().getName()));
    if (!found)
      return found.error();
    wanted = std::move(*found);
    return {ec::ok, {}};
  }

  bool wants(std::int64_t partition) const {
    return std::find(wanted.begin(), wanted.end(), partition) != wanted.end();
  }

  void described(const m<schema::DataReply>& reply) {
    if (auto why = to_failure(reply->getStatus()); why.code != ec::ok) {
      end(why);
      return;
    }
    data = reply;
    if (auto why = choose(); why.code != ec::ok || wanted.empty()) {
      end(why); // of no partition there is nothing to do
      return;
    }
    meter().waits_for("the segments of the collection");
    auto question = make<schema::TargetRequest>(
      [&](auto b) {
        b.setCollection(data->getCollection().getId());
        b.setChannels(data->getCollection().getChannels());
      },
      peers.epoch, trace());
    request<m<schema::TargetReply>>(
      peers.targets, left(), question, [this](const m<schema::TargetReply>& reply) { commit(reply); }, fail());
  }

  void commit(const m<schema::TargetReply>& target) {
    if (auto why = to_failure(target->getStatus()); why.code != ec::ok) {
      end(why);
      return;
    }
    auto c = data->getCollection();
    if (target->getSegments().size() == 0 && order->getKind() == kind::LOAD_COLLECTION) {
      end(failure{ec::parameter_invalid,
                  "collection " + std::string{view(c.getName())} + " has no segments; import something first"});
      return;
    }
    std::vector<replica_row> replicas;
    for (auto r : order->getReplicas())
      replicas.push_back(read(r)); // metadata gives the ids, in this order
    if (now() >= deadline) {
      end(failure{ec::deadline_exceeded, "the deadline passed before anything was changed"});
      return;
    }
    meter().waits_for("the journal");
    auto commit = make<schema::Commit>(
      [&](schema::Commit::Builder b) {
        auto load = b.initLoad();
        auto state = load.initCollection();
        state.setId(c.getId());
        state.setDatabase(c.getDatabase());
        state.setName(c.getName());
        state.setReplicaNumber(static_cast<std::uint32_t>(replicas.size()));
        auto partitions = state.initPartitions(static_cast<unsigned>(wanted.size()));
        for (unsigned i = 0; i < wanted.size(); ++i)
          partitions.set(i, wanted[i]);
        state.setMetric(c.getMetric());
        state.setDimension(c.getDimension());
        state.setWholeCollection(order->getKind() != kind::LOAD_PARTITIONS);
        state.setLoadFields(order->getLoadFields());
        state.setUserSpecifiedReplicas(order->getUserSpecifiedReplicas());
        state.setTraceId(trace());
        auto list = state.initReplicas(static_cast<unsigned>(replicas.size()));
        for (unsigned i = 0; i < replicas.size(); ++i)
          write(list[i], replicas[i]);
        auto head = load.initHead();
        head.setCollection(c.getId());
        head.setChannels(c.getChannels());
        head.setPartitions(state.asReader().getPartitions());
        head.setFolder(c.getFolder());
        unsigned n = 0;
        std::uint64_t indexes = 0;
        for (auto s : target->getSegments()) {
          n += wants(s.getPartition()) ? 1 : 0;
          indexes |= s.getIndexes();
        }
        head.setIndexes(indexes);
        head.setIndexesKnown(true);
        auto segments = load.initSegments(n);
        n = 0;
        for (auto s : target->getSegments())
          if (wants(s.getPartition()))
            segments.setWithCaveats(n++, s);
      },
      peers.epoch, trace());
    request<m<schema::CommitReply>>(
      peers.metadata, left(), commit, [this](const m<schema::CommitReply>& reply) { committed(reply); }, fail());
  }

  void committed(const m<schema::CommitReply>& reply) {
    if (auto why = to_failure(reply->getStatus()); why.code != ec::ok) {
      end(why);
      return;
    }
    meter().waits_for("the nodes to load it");
    auto question = make<schema::AwaitRequest>(
      [&](auto b) {
        b.setCollection(data->getCollection().getId());
        b.setCondition(schema::AwaitRequest::Condition::LOADED);
        auto list = b.initPartitions(static_cast<unsigned>(wanted.size()));
        for (unsigned i = 0; i < list.size(); ++i)
          list.set(i, wanted[i]);
      },
      peers.epoch, trace(), left());
    request<m<schema::AwaitReply>>(
      peers.collections, left() + std::chrono::milliseconds{100}, question,
      [this](const m<schema::AwaitReply>& reply) {
        auto why = to_failure(reply->getStatus());
        if (why.code == ec::deadline_exceeded)
          why.text = "collection " + std::string{view(order->getCollection())} + " is not loaded yet (it goes on loading): " + why.text;
        end(why);
      },
      fail());
  }

  std::uint64_t trace() const {
    return order->getHeader().getTraceId();
  }

  std::chrono::milliseconds left() const {
    const auto ns = std::chrono::nanoseconds{deadline - now()};
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(ns), std::chrono::milliseconds{1});
  }

  std::function<void(const failure&)> fail() {
    return [this](const failure& why) { end(why); };
  }

  void end(const failure& why) {
    answer.deliver(make<schema::JobReply>([&](schema::JobReply::Builder b) {
      set_status(b.initStatus(), why);
      if (!data.empty())
        b.setCollectionId(data->getCollection().getId());
    }));
    self->quit();
  }

  m<schema::RunJob> order;
  m<schema::DataReply> data;
  std::vector<std::int64_t> wanted; ///< Partitions.
  caf::typed_response_promise<m<schema::JobReply>> answer;
  std::int64_t deadline = 0;
};

job_actor::behavior_type load_behavior(job_actor::stateful_pointer<load_shell> self, const gateway_peers& peers) {
  self->state.peers = peers;
  return {self->state.on(&load_shell::run)};
}

} // namespace

job_actor spawn_load_job(caf::actor_system& system, const gateway_peers& peers) {
  return system.spawn(load_behavior, peers);
}

} // namespace muster
