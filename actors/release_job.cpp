// One release of a collection or of partitions, from the request to "no node holds anything of it".
#include "actors/core/reads.hpp"
#include "actors/gateway.hpp"
#include "actors/runtime/shell.hpp"

#include <caf/typed_response_promise.hpp>

#include <functional>

namespace muster {

namespace {

struct release_shell : shell<job_actor, release_shell> {
  explicit release_shell(self_pointer ptr)
    : shell(ptr, "release_job#" + std::to_string(ptr->id()), "release_job", "gateway") {
    // nop
  }

  caf::result<m<schema::JobReply>> run(const m<schema::RunJob>& job) {
    answer = self->make_response_promise<m<schema::JobReply>>();
    order = job;
    deadline = now() + std::chrono::nanoseconds{time_left(job->getHeader(), limits::job_timeout)}.count();
    meter().waits_for("the description of the collection");
    auto question = make<schema::DataRequest>([&](auto b) { b.setDescribe(job->getCollection()); }, peers.epoch);
    request<m<schema::DataReply>>(
      peers.data, left(), question,
      [this](const m<schema::DataReply>& reply) {
        if (auto why = to_failure(reply->getStatus()); why.code != ec::ok)
          end(why);
        else
          described(reply->getCollection());
      },
      fail());
    return answer;
  }

  gateway_peers peers;

private:
  void described(schema::DataCollection::Reader c) {
    collection = c.getId();
    if (order->getKind() == schema::RunJob::Kind::RELEASE_PARTITIONS) {
      auto found = find_partitions(partitions_of(c), order->getPartitions(), view(c.getName()));
      if (!found) {
        end(found.error());
        return;
      }
      leaving = std::move(*found);
    }
    commit();
  }

  void commit() {
    if (now() >= deadline) {
      end(failure{ec::deadline_exceeded, "the deadline passed before anything was changed"});
      return;
    }
    meter().waits_for("the journal");
    auto commit = make<schema::Commit>(
      [&](schema::Commit::Builder b) {
        if (leaving.empty()) {
          b.initRelease().setCollection(collection);
          return;
        }
        auto r = b.initReleasePartitions();
        r.setCollection(collection);
        set_leaving(r.initPartitions(static_cast<unsigned>(leaving.size())));
      },
      peers.epoch);
    request<m<schema::CommitReply>>(
      peers.metadata, left(), commit,
      [this](const m<schema::CommitReply>& reply) {
        if (auto why = to_failure(reply->getStatus()); why.code != ec::ok)
          end(why);
        else
          await();
      },
      fail());
  }

  void await() {
    meter().waits_for("the nodes to let go");
    auto question = make<schema::AwaitRequest>(
      [&](schema::AwaitRequest::Builder b) {
        using condition = schema::AwaitRequest::Condition;
        b.setCollection(collection);
        b.setCondition(leaving.empty() ? condition::RELEASED : condition::PARTITIONS_RELEASED);
        set_leaving(b.initPartitions(static_cast<unsigned>(leaving.size())));
      },
      peers.epoch, 0, left());
    request<m<schema::AwaitReply>>(
      peers.collections, left() + std::chrono::milliseconds{100}, question,
      [this](const m<schema::AwaitReply>& reply) {
        auto why = to_failure(reply->getStatus());
        if (why.code == ec::deadline_exceeded)
          why.text = "collection " + std::string{view(order->getCollection())} + " is released, but " + why.text;
        end(why);
      },
      fail());
  }

  void set_leaving(capnp::List<std::int64_t>::Builder list) const {
    for (unsigned i = 0; i < list.size(); ++i)
      list.set(i, leaving[i]);
  }

  std::chrono::milliseconds left() const {
    const auto ns = std::chrono::nanoseconds{deadline - now()};
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(ns), std::chrono::milliseconds{1});
  }

  std::function<void(const failure&)> fail() {
    return [this](const failure& why) { end(why); };
  }

  void end(const failure& why) {
    answer.deliver(make<schema::JobReply>([&](auto b) {
      set_status(b.initStatus(), why);
      b.setCollectionId(collection);
    }));
    self->quit();
  }

  m<schema::RunJob> order;
  std::int64_t collection = 0;
  std::vector<std::int64_t> leaving; ///< Partitions; none: the whole collection.
  caf::typed_response_promise<m<schema::JobReply>> answer;
  std::int64_t deadline = 0;
};

job_actor::behavior_type release_behavior(job_actor::stateful_pointer<release_shell> self, const gateway_peers& peers) {
  self->state.peers = peers;
  return {self->state.on(&release_shell::run)};
}

} // namespace

job_actor spawn_release_job(caf::actor_system& system, const gateway_peers& peers) {
  return system.spawn(release_behavior, peers);
}

} // namespace muster
