// The gateway as an actor: what it refuses in which state, and that jobs of one collection come one after the other.
#include "actors/gateway.hpp"
#include "messages/status.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/unit/situation_builder.hpp"

#include <capnp/dynamic.h>
#include <caf/typed_response_promise.hpp>
#include <gtest/gtest.h>

#include <deque>
#include <map>

namespace muster {
namespace {

using Request = schema::ClientRequest;
using Reply = schema::ClientReply;

struct questions {
  std::map<std::string, int> of; ///< Descriptions asked for, by collection.
  std::deque<caf::typed_response_promise<m<schema::DataReply>>> open;
};

/// A gateway whose data source answers when it is told to (by any request of the catalogue), with collection_not_found.
struct gateway_rules : actor_fixture {
  gateway_rules() : asked_for(std::make_shared<questions>()) {
    auto q = asked_for;
    data = own(system.spawn([q](data_source_actor::pointer self) -> data_source_actor::behavior_type {
      return {
        [q, self](const m<schema::DataRequest>& r) -> caf::result<m<schema::DataReply>> {
          ++q->of[std::string{view(r->getDescribe())}];
          q->open.push_back(self->make_response_promise<m<schema::DataReply>>());
          return q->open.back();
        },
        [q](const m<Request>&) {
          auto first = std::move(q->open.front());
          q->open.pop_front();
          first.deliver(build<schema::DataReply>([](auto b) { set_status(b.initStatus(), ec::collection_not_found, "not there"); }));
          return m<Reply>{};
        },
      };
    }));
    gateway_peers peers;
    peers.epoch = 3;
    peers.data = data;
    gateway = own(spawn_gateway(system, peers));
    w.usable({1, 2});
  }

  ~gateway_rules() override {
    asked_for->open.clear();
  }

  static unsigned arms() {
    return capnp::Schema::from<Request>().getUnionFields().size();
  }

  /// The request of an arm, with nothing filled in.
  static m<Request> empty(unsigned arm) {
    return build<Request>([&](Request::Builder b) {
      capnp::DynamicStruct::Builder d{b};
      d.init(d.getSchema().getUnionFields()[arm]);
    });
  }

  static std::string name_of(unsigned arm) {
    return capnp::Schema::from<Request>().getUnionFields()[arm].getProto().getName().cStr();
  }

  /// Every method but GetComponentStates is refused as not ready, which says that it is in this state.
  void expect_refused(const std::string& state, bool dropped) {
    ASSERT_GT(arms(), 45u);
    for (unsigned arm = 1; arm < arms(); ++arm) {
      const auto answer = ask<Reply>(gateway, empty(arm));
      ASSERT_TRUE(answer->reply) << name_of(arm) << (dropped ? " after the end" : "");
      if ((**answer).isGetComponentStates()) {
        EXPECT_EQ(view((**answer).getGetComponentStates().getComponents()[0].getState()), state);
        continue;
      }
      EXPECT_TRUE((**answer).isInvalid()) << name_of(arm);
      EXPECT_EQ((**answer).getStatus().getCode(), static_cast<int>(ec::service_not_ready)) << name_of(arm);
      EXPECT_TRUE((**answer).getStatus().getRetriable());
      EXPECT_NE(view((**answer).getStatus().getReason()).find(state), std::string_view::npos);
    }
  }

  auto load(const std::string& name) {
    return ask<Reply>(gateway, build<Request>([&](Request::Builder b) {
                        auto h = b.initHeader();
                        h.setEnqueuedAt(1);
                        h.setDeadline(1 + std::chrono::nanoseconds{std::chrono::seconds{60}}.count());
                        b.initLoadCollection().setCollection(name);
                      }));
  }

  std::shared_ptr<questions> asked_for;
  data_source_actor data;
  gateway_actor gateway;
  world w;
};

TEST_F(gateway_rules, before_the_recovered_tables_are_there_every_method_is_refused) {
  // T-SRV-17, I-SRV-01
  expect_refused("Initializing", false);
  tell(gateway, w.whole_publication());
  const auto status = ask<Reply>(gateway, build<Request>([](auto b) { b.initGetStatus(); }));
  ASSERT_TRUE(status->reply);
  EXPECT_EQ(view((**status).getGetStatus().getState()), "Healthy");
  const auto states = ask<Reply>(gateway, build<Request>([](auto b) { b.initGetComponentStates(); }));
  EXPECT_EQ(view((**states).getGetComponentStates().getComponents()[0].getState()), "Healthy");
  EXPECT_EQ((**states).getGetComponentStates().getComponents().size(), 3u);
}

TEST_F(gateway_rules, once_it_stops_every_method_is_refused) {
  // H-03: the model goes on accepting
  tell(gateway, w.whole_publication());
  tell(gateway, stop_atom::value);
  expect_refused("Stopping", true);
}

TEST_F(gateway_rules, jobs_of_one_collection_come_one_after_the_other_and_each_is_answered_once_also_when_it_fails) {
  // I-JOB-01, I-JOB-02
  tell(gateway, w.whole_publication());
  ASSERT_EQ(asked_for->open.size(), 1u) << "which files of replaced segments are left";
  tell(data, m<Request>{});
  const auto first = load("words");
  const auto second = load("words");
  const auto other = load("films");
  EXPECT_EQ(asked_for->of["words"], 1);
  EXPECT_EQ(asked_for->of["films"], 1) << "another collection does not wait";
  tell(data, m<Request>{});
  ASSERT_TRUE(first->reply);
  EXPECT_EQ((**first).getLoadCollection().getStatus().getCode(), static_cast<int>(ec::collection_not_found));
  EXPECT_FALSE(second->reply);
  EXPECT_EQ(asked_for->of["words"], 2) << "the next one begins when the one before has ended";
  tell(data, m<Request>{});
  ASSERT_TRUE(other->reply);
  EXPECT_FALSE(second->reply);
  tell(data, m<Request>{});
  ASSERT_TRUE(second->reply);
  EXPECT_EQ((**second).getLoadCollection().getStatus().getCode(), static_cast<int>(ec::collection_not_found));
  EXPECT_TRUE(asked_for->open.empty());
}

} // namespace
} // namespace muster
