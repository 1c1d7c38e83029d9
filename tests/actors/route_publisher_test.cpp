// Who leads the shards, as it is asked: never older than what the asker was told before.
#include "actors/route_publisher.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using std::chrono::milliseconds;

class route_publishing : public actor_fixture {
protected:
  route_publishing() : routes(own(spawn_route_publisher(system))) {
    w.usable({1}).loaded(7, {{1}});
    w.segment(7, 11).copy(7, 11, 1);
  }

  std::shared_ptr<asked<schema::GetShardLeadersReply>> leaders(std::uint64_t seen) {
    return ask<schema::GetShardLeadersReply>(routes, build<schema::GetShardLeadersRequest>([&](auto b) {
                                               b.setCollection("c7");
                                               b.initHeader().setSituation(seen);
                                             }));
  }

  world w;
  route_publisher_actor routes;
};

TEST_F(route_publishing, an_answer_waits_for_the_situation_that_its_asker_has_seen) {
  tell(routes, w.whole_publication());
  auto before = leaders(w.view.number());
  ASSERT_TRUE(before->reply);
  EXPECT_NE((**before).getStatus().getCode(), 0) << "nobody leads yet";
  auto after = leaders(w.view.number() + 1);
  EXPECT_FALSE(after->reply);
  w.lead(7, "a", 1).route(7, 11, 1, 1);
  tell(routes, w.whole_publication());
  ASSERT_TRUE(after->reply);
  EXPECT_EQ((**after).getStatus().getCode(), 0);
  ASSERT_EQ((**after).getRoutes().getShards().size(), 1u);
  EXPECT_EQ((**after).getRoutes().getShards()[0].getLeaders().size(), 1u);
}

TEST_F(route_publishing, what_never_comes_is_waited_for_a_moment_only) {
  w.lead(7, "a", 1).route(7, 11, 1, 1);
  tell(routes, w.whole_publication());
  auto early = leaders(w.view.number() + 1'000);
  EXPECT_FALSE(early->reply);
  advance(limits::route_wait + milliseconds{1});
  ASSERT_TRUE(early->reply);
  EXPECT_EQ((**early).getStatus().getCode(), 0);
}

} // namespace
} // namespace muster
