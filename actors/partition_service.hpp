// The part of the gateway for requests that name partitions: the data source says which there are.
#pragma once

#include "actors/core/reads.hpp"
#include "actors/interfaces.hpp"
#include "actors/runtime/shell.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace muster {

/// Belongs to the state of the gateway. Every continuation is called once.
template <class Shell>
class partition_service {
public:
  using done = std::function<void(msg<schema::ClientReply>)>;
  using Request = schema::ClientRequest;

  partition_service(Shell& shell, const situation& view) : shell_(shell), view_(view) {
    // nop
  }

  /// ShowLoadPartitions and GetPartitionStates.
  void show(const msg<Request>& r, done then) {
    const bool states = r->isGetPartitionStates();
    with_partitions(name_in(r), [this, r, then, states](const partition_names& all, std::int64_t id, failure why) {
      const auto asked = states ? r->getGetPartitionStates().getPartitions() : r->getShowLoadPartitions().getPartitions();
      const std::string collection{view(name_in(r))};
      const auto* c = view_.collection(id);
      std::vector<std::int64_t> chosen;
      if (why.code == ec::ok && (c == nullptr || !c->desired))
        why = {ec::collection_not_loaded, "collection " + collection + " is not loaded; load it first"};
      if (why.code == ec::ok) {
        auto found = find_partitions(all, asked, collection);
        if (found)
          chosen = std::move(*found);
        else
          why = found.error();
      }
      then(shell_.reply([&](schema::ClientReply::Builder b) {
        if (states) {
          auto out = b.initGetPartitionStates();
          why.code != ec::ok ? set_status(out.initStatus(), why) : write_partition_states(*c, all, chosen, out);
        } else {
          auto out = b.initShowLoadPartitions();
          why.code != ec::ok ? set_status(out.initStatus(), why) : write_partitions(*c, all, chosen, out);
        }
      }));
    });
  }

  /// With an id from the durable allocator.
  void create(const msg<Request>& r, done then) {
    auto commit = shell_.template make<schema::Commit>([&](auto b) { b.setAllocate(1); }, shell_.peers.epoch);
    const auto fail = [this, then](const failure& why) {
      then(shell_.reply([&](auto b) { set_status(b.initCreatePartition().initStatus(), why); }));
    };
    shell_.template request<msg<schema::CommitReply>>(
      shell_.peers.metadata, limits::commit_timeout, commit,
      [this, r, then, fail](const msg<schema::CommitReply>& given) {
        if (auto why = to_failure(given->getStatus()); why.code != ec::ok)
          return fail(why);
        auto with_id = shell_.template make<Request>([&](Request::Builder b) {
          b.setCreatePartition(r->getCreatePartition());
          b.getCreatePartition().setPartitionId(given->getValue());
        });
        pass_on(with_id, then);
      },
      fail);
  }

  /// Not while it is loaded.
  void drop(const msg<Request>& r, done then) {
    with_partitions(r->getDropPartition().getCollection(), [this, r, then](const partition_names& all, std::int64_t id, failure why) {
      const auto* c = view_.collection(id);
      for (const auto& [partition, name] : all)
        if (why.code == ec::ok && name == view(r->getDropPartition().getPartition()) && c != nullptr && c->desired
            && c->desired->wants_partition(partition))
          why = {ec::parameter_invalid, "partition " + name + " of collection " + c->desired->name
                                          + " is loaded and cannot be dropped; release it first"};
      if (why.code != ec::ok)
        then(shell_.reply([&](auto b) { set_status(b.initDropPartition().initStatus(), why); }));
      else
        pass_on(r, [this, id, then](const msg<schema::ClientReply>& done) {
          if (done->getDropPartition().getStatus().getCode() != 0)
            then(done);
          else
            refresh(id, [then, done] { then(done); });
        });
    });
  }

private:
  static capnp::Text::Reader name_in(const msg<Request>& r) {
    return r->isGetPartitionStates() ? r->getGetPartitionStates().getCollection() : r->getShowLoadPartitions().getCollection();
  }

  void with_partitions(capnp::Text::Reader collection,
                       std::function<void(const partition_names&, std::int64_t, const failure&)> then) {
    auto question = shell_.template make<schema::DataRequest>([&](auto b) { b.setDescribe(collection); }, shell_.peers.epoch);
    shell_.template request<msg<schema::DataReply>>(
      shell_.peers.data, limits::data_timeout, question,
      [then](const msg<schema::DataReply>& reply) {
        if (auto why = to_failure(reply->getStatus()); why.code != ec::ok)
          then({}, 0, why);
        else
          then(partitions_of(reply->getCollection()), reply->getCollection().getId(), why);
      },
      [then](const failure& why) { then({}, 0, why); });
  }

  /// What is loaded of a whole collection has segments of partitions that came later: the next target goes without them.
  void refresh(std::int64_t collection, std::function<void()> then) {
    shell_.template request<msg<schema::RefreshReply>>(
      shell_.peers.targets, limits::data_timeout,
      shell_.template make<schema::RefreshRequest>([&](auto b) { b.setCollection(collection); }, shell_.peers.epoch),
      [then](const msg<schema::RefreshReply>&) { then(); },
      [this, collection, then](const failure& why) {
        shell_.warn("collection ", collection, " has lost a partition but its next target is late: ", why.text);
        then();
      });
  }

  void pass_on(const msg<Request>& r, done then) {
    shell_.template request<msg<schema::ClientReply>>(
      shell_.peers.data, limits::data_timeout, r, [then](const msg<schema::ClientReply>& reply) { then(reply); },
      [this, then](const failure& why) { then(shell_.reply([&](auto b) { set_status(b.initStatus(), why); })); });
  }

  Shell& shell_;
  const situation& view_;
};

} // namespace muster
