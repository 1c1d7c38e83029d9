// What-if: plans on what the situation shows, and leaves it alone.
#include "actors/core/what_if.hpp"

#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace muster {
namespace {

class what_if : public testing::Test {
public:
  what_if() {
    w.usable({1, 2}).loaded(1, {{1, 2}});
    for (std::int64_t s = 11; s < 31; ++s)
      w.segment(1, s, 1'000);
    w.settle(1);
    w.whole();
  }

  msg<schema::WhatIfReply> ask(const std::function<void(schema::WhatIfRequest::Builder)>& fill) {
    const auto request = build<schema::WhatIfRequest>(fill);
    return build<schema::WhatIfReply>([&](schema::WhatIfReply::Builder b) { write_what_if(w.view, settings, request.read(), b); });
  }

  static std::int64_t rows_after(const msg<schema::WhatIfReply>& r, std::string_view node) {
    for (auto n : r->getNodes())
      if (view(n.getNode()) == node)
        return n.getRowsAfter();
    return -1;
  }

  world w;
  setting_table settings;
};

TEST_F(what_if, an_added_node_gets_its_share_and_the_potential_falls) {
  const auto r = ask([](auto b) { b.setAddNodes(2); });
  EXPECT_EQ(r->getStatus().getCode(), 0);
  EXPECT_LT(r->getAfter(), r->getBefore());
  EXPECT_NEAR(static_cast<double>(rows_after(r, "new 1")), 5'000, 1'001);
  EXPECT_NEAR(static_cast<double>(rows_after(r, "new 2")), 5'000, 1'001);
  EXPECT_EQ(r->getRows(), rows_after(r, "new 1") + rows_after(r, "new 2"));
  EXPECT_EQ(r->getMoves().size(), std::min<unsigned>(100, r->getTotal()));
}

TEST_F(what_if, a_removed_node_is_emptied_and_nothing_is_touched) {
  const auto before = w.view.collection(1)->on(1).rows;
  const auto r = ask([](auto b) { b.initRemoveNodes(1).set(0, "n1"); });
  EXPECT_EQ(rows_after(r, "n1"), 0);
  EXPECT_EQ(rows_after(r, "n2"), 20'000);
  EXPECT_EQ(r->getUnplaced(), 0u);
  EXPECT_EQ(w.view.collection(1)->on(1).rows, before);
  EXPECT_TRUE(w.view.collection(1)->tasks.empty());
}

TEST_F(what_if, without_any_node_left_what_would_be_unplaced_is_counted) {
  const auto r = ask([](auto b) {
    auto list = b.initRemoveNodes(2);
    list.set(0, "n1");
    list.set(1, "2");
  });
  EXPECT_EQ(r->getUnplaced(), 21u);
  EXPECT_EQ(r->getTotal(), 0u);
}

TEST_F(what_if, another_policy_is_used_for_the_plan_alone) {
  const auto r = ask([](auto b) {
    b.setAddNodes(1);
    auto p = b.initSettings(1)[0];
    p.setKey("queryCoord.balancer");
    p.setValue("RoundRobinBalancer");
  });
  EXPECT_EQ(r->getStatus().getCode(), 0);
  EXPECT_EQ(r->getTotal(), 0u) << "round robin never moves for evenness";
}

TEST_F(what_if, inputs_that_cannot_be_used_are_refused) {
  const auto code = [&](const std::function<void(schema::WhatIfRequest::Builder)>& fill) {
    return static_cast<ec>(ask(fill)->getStatus().getCode());
  };
  EXPECT_EQ(code([](auto b) { b.setCollection("no"); }), ec::collection_not_loaded);
  EXPECT_EQ(code([](auto b) { b.initRemoveNodes(1).set(0, "n9"); }), ec::node_not_found);
  EXPECT_EQ(code([](auto b) { b.setAddNodes(100'000); }), ec::parameter_invalid);
  EXPECT_EQ(code([](auto b) {
              auto p = b.initSettings(1)[0];
              p.setKey("queryCoord.balancr");
              p.setValue("x");
            }),
            ec::parameter_invalid);
}

} // namespace
} // namespace muster
