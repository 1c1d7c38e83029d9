// Rules of resource groups: what a group lacks or has too many of, who gives a node to whom, in which order.
#include "actors/core/resource_groups.hpp"
#include "tests/unit/dice.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

namespace muster {
namespace {

using ids = std::vector<std::int64_t>;
using labels = std::vector<std::pair<std::string, std::string>>;

const std::string by_default{default_group};

labels label(const std::string& value) {
  return {{"zone", value}};
}

/// Groups and nodes as a test names them; `go` plans and applies.
struct cluster {
  group_map groups{{by_default, default_group_row()}};
  group_nodes nodes;

  cluster& group(const std::string& name, std::int64_t requests, std::int64_t limits, const labels& filter = {}) {
    auto& row = groups[name];
    row.name = name;
    row.config.requests = requests;
    row.config.limits = limits;
    row.config.labels = filter;
    return *this;
  }

  /// So many new nodes come up, in no group.
  ids up(int count, const labels& carried = {}) {
    ids result;
    for (int i = 0; i < count; ++i) {
      const auto id = nodes.empty() ? 1 : nodes.rbegin()->first + 1;
      nodes[id] = {true, false, 0, carried};
      result.push_back(id);
    }
    return result;
  }

  /// So many new nodes that are members already.
  ids member(const std::string& name, int count, const labels& carried = {}) {
    auto result = up(count, carried);
    auto& list = groups.at(name).nodes;
    list.insert(list.end(), result.begin(), result.end());
    return result;
  }

  group_plan plan(bool recover = true) const {
    return plan_groups(groups, nodes, recover);
  }

  group_plan go(bool recover = true) {
    auto p = plan(recover);
    apply(p.moves);
    return p;
  }

  void apply(const std::vector<group_move>& moves) {
    for (const auto& m : moves) {
      if (!m.from.empty()) {
        EXPECT_EQ(std::erase(groups.at(m.from).nodes, m.node), 1u) << "node " << m.node << " is in " << m.from;
      }
      if (!m.to.empty()) {
        auto& list = groups.at(m.to).nodes;
        list.insert(std::lower_bound(list.begin(), list.end(), m.node), m.node);
      }
    }
  }

  std::size_t size(const std::string& name) const {
    return groups.at(name).nodes.size();
  }

  std::size_t of(const std::string& name, const std::string& zone) const {
    const auto& list = groups.at(name).nodes;
    return static_cast<std::size_t>(
      std::count_if(list.begin(), list.end(), [&](auto id) { return nodes.at(id).labels == label(zone); }));
  }
};

// -- configs ---------------------------------------------------------------------

TEST(resource_group_config, needs_limits_over_requests_and_groups_that_exist) {
  // T-RG-01
  cluster c;
  c.group("rg1", 1, 1).group("rg2", 0, 0);
  const auto code = [&](const group_config& config) { return check_config("rg1", config, c.groups).code; };
  EXPECT_EQ(code({0, 0, {}, {}, {}}), ec::ok);
  EXPECT_EQ(code({2, 3, {"rg2"}, {by_default}, label("a")}), ec::ok);
  EXPECT_EQ(code({-1, 2, {}, {}, {}}), ec::resource_group_illegal_config);
  EXPECT_EQ(code({2, -1, {}, {}, {}}), ec::resource_group_illegal_config);
  EXPECT_EQ(code({3, 2, {}, {}, {}}), ec::resource_group_illegal_config);
  EXPECT_EQ(code({1, 1, {"rg1"}, {}, {}}), ec::resource_group_illegal_config);
  EXPECT_EQ(code({1, 1, {}, {"rg1"}, {}}), ec::resource_group_illegal_config);
  EXPECT_EQ(code({1, 1, {"rg9"}, {}, {}}), ec::resource_group_illegal_config);
  EXPECT_EQ(code({1, 1, {}, {"rg9"}, {}}), ec::resource_group_illegal_config);
}

TEST(resource_group_config, only_an_unwanted_group_that_nobody_names_can_be_dropped) {
  // T-RG-04 (first part); the default group never
  cluster c;
  c.group("rg1", 1, 1).group("rg2", 0, 0).group("rg3", 0, 0);
  EXPECT_EQ(check_drop(by_default, c.groups).code, ec::parameter_invalid);
  EXPECT_EQ(check_drop("rg1", c.groups).code, ec::parameter_invalid);
  c.group("rg1", 0, 0);
  EXPECT_EQ(check_drop("rg1", c.groups).code, ec::ok);
  EXPECT_EQ(check_drop("unknown", c.groups).code, ec::ok);
  c.groups.at("rg2").config.transfer_from = {"rg1"};
  EXPECT_EQ(check_drop("rg1", c.groups).code, ec::parameter_invalid);
  c.groups.at("rg2").config = {0, 0, {}, {"rg1"}, {}};
  EXPECT_EQ(check_drop("rg1", c.groups).code, ec::parameter_invalid);
}

TEST(resource_group_config, transfer_of_nodes_changes_both_configs) {
  cluster c;
  c.group("rg1", 20, 20).group("rg2", 0, 0).group("rg3", 1, 8);
  c.member("rg1", 20);
  c.member(by_default, 3);
  c.member("rg3", 3);
  auto out = transfer_configs(c.groups, "rg1", "rg2", 5);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->at("rg1").requests, 15);
  EXPECT_EQ(out->at("rg1").limits, 15);
  EXPECT_EQ(out->at("rg2").requests, 5);
  EXPECT_EQ(out->at("rg2").limits, 5);
  out = transfer_configs(c.groups, by_default, "rg3", 3);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->at(by_default).requests, 0);
  EXPECT_EQ(out->at(by_default).limits, default_group_limits) << "those of the default group stay";
  EXPECT_EQ(out->at("rg3").requests, 4);
  EXPECT_EQ(out->at("rg3").limits, 8);
  out = transfer_configs(c.groups, "rg3", "rg2", 3);
  ASSERT_TRUE(out);
  EXPECT_EQ(out->at("rg3").requests, 0) << "not below zero";
  EXPECT_EQ(out->at("rg3").limits, 5);
}

TEST(resource_group_config, transfer_of_nodes_is_refused_in_this_order) {
  // T-SVC-36
  cluster c;
  c.group("rg1", 1, 1);
  c.member("rg1", 1);
  const auto code = [&](const std::string& from, const std::string& to, std::int64_t n) {
    const auto out = transfer_configs(c.groups, from, to, n);
    return out ? ec::ok : out.error().code;
  };
  EXPECT_EQ(code("rg1", "rg1", 1), ec::parameter_invalid);
  EXPECT_EQ(code("unknown", "rg1", 0), ec::parameter_invalid) << "counts come before names";
  EXPECT_EQ(code("rg1", "unknown", 0), ec::parameter_invalid);
  EXPECT_EQ(code("rg1", "unknown", -1), ec::parameter_invalid);
  EXPECT_EQ(code("unknown", "rg1", 1), ec::resource_group_not_found);
  EXPECT_EQ(code("rg1", "unknown", 1), ec::resource_group_not_found);
  EXPECT_EQ(code("rg1", by_default, 2), ec::resource_group_node_not_enough);
  EXPECT_EQ(code("rg1", by_default, 1), ec::ok);
}

// -- quantities --------------------------------------------------------------------

TEST(resource_group_quantities, count_from_requests_and_limits) {
  // T-RG-26
  const std::vector<std::tuple<int, int, int, int, int>> rows{
    {0, 2, 3, 0, 0}, {1, 1, 2, 0, 0}, {2, 0, 1, 0, 0}, {4, 0, 0, 2, 1}, {3, 0, 0, 1, 0}};
  for (const auto& [members, missing, room, oversized, redundant] : rows) {
    cluster c;
    c.group("rg1", 2, 3);
    c.member("rg1", members);
    const auto q = quantities(c.groups.at("rg1"), c.nodes);
    EXPECT_EQ(q.missing, missing) << members;
    EXPECT_EQ(q.room, room) << members;
    EXPECT_EQ(q.oversized, oversized) << members;
    EXPECT_EQ(q.redundant, redundant) << members;
    EXPECT_EQ(q.meets_requirement(), missing == 0 && redundant == 0);
  }
  cluster c;
  c.member(by_default, 2);
  EXPECT_EQ(quantities(c.groups.at(by_default), c.nodes).room, default_group_limits - 2);
}

TEST(resource_group_quantities, only_members_that_the_filter_accepts_count) {
  // T-RG-28
  cluster c;
  c.group("dc1", 3, 3, label("dc1")).group("other1", 3, 3, label("dc1")).group("dc2", 1, 1, label("dc2"));
  c.member("dc1", 2, label("dc1"));
  const auto foreign = c.member("dc1", 1, label("dc2")).front();
  const auto q = quantities(c.groups.at("dc1"), c.nodes);
  EXPECT_EQ(q.count, 2);
  EXPECT_EQ(q.dirty, 1);
  EXPECT_FALSE(q.meets_requirement());
  EXPECT_EQ(offered(c.groups.at("dc1"), c.groups.at("dc2"), c.nodes), foreign);
  EXPECT_EQ(offered(c.groups.at("dc1"), c.groups.at("other1"), c.nodes), 0);
}

TEST(resource_group_quantities, all_labels_of_a_filter_must_be_carried) {
  group_row g{"rg1", {1, 1, {}, {}, {{"zone", "a"}, {"disk", "fast"}}}, {}};
  EXPECT_FALSE(accepts(g, {{"zone", "a"}}));
  EXPECT_FALSE(accepts(g, {{"zone", "a"}, {"disk", "slow"}}));
  EXPECT_TRUE(accepts(g, {{"disk", "fast"}, {"os", "x"}, {"zone", "a"}}));
  g.name = by_default;
  EXPECT_TRUE(accepts(g, {})) << "I-RG-03";
}

TEST(resource_group_quantities, a_silent_member_is_not_judged_by_labels_it_has_not_told) {
  // H-27: after a restart no node has said hello yet
  cluster c;
  c.group("rg1", 2, 2, label("a"));
  for (auto id : c.member("rg1", 2, label("a")))
    c.nodes.at(id) = {};
  EXPECT_TRUE(c.plan().moves.empty());
  EXPECT_EQ(quantities(c.groups.at("rg1"), c.nodes).count, 2);
  EXPECT_EQ(offered(c.groups.at("rg1"), c.groups.at(by_default), c.nodes), 0);
}

// -- incoming -------------------------------------------------------------------------

TEST(resource_group_assignment, a_new_node_goes_to_the_group_that_misses_most) {
  // T-RG-06, T-RG-07
  cluster c;
  c.group("rg1", 1, 1);
  const auto n = c.up(1).front();
  EXPECT_EQ(c.go().moves, (std::vector<group_move>{{n, {}, "rg1", reason::node_joins}}));
  EXPECT_TRUE(c.go().moves.empty()) << "up again: no change";
  c.nodes.at(n).leaving = true;
  c.nodes.at(n).here = false;
  EXPECT_EQ(c.go().moves, (std::vector<group_move>{{n, "rg1", {}, reason::node_leaves}}));
  EXPECT_TRUE(c.go().moves.empty()) << "down twice";
  EXPECT_EQ(c.size("rg1"), 0u);

  cluster d;
  d.group("rg1", 4, 4).group("rg2", 1, 1);
  d.member("rg1", 1);
  d.up(4);
  d.go(false);
  EXPECT_EQ(d.size("rg1"), 4u);
  EXPECT_EQ(d.size("rg2"), 1u);
  EXPECT_EQ(d.size(by_default), 0u);
}

TEST(resource_group_assignment, hundred_new_nodes_fill_requests_and_the_rest_is_default) {
  // T-RG-08
  cluster c;
  c.group("rg1", 20, 30).group("rg2", 30, 40);
  c.up(100);
  c.go(false);
  EXPECT_EQ(c.size("rg1"), 20u);
  EXPECT_EQ(c.size("rg2"), 30u);
  EXPECT_EQ(c.size(by_default), 50u);
}

TEST(resource_group_assignment, with_nothing_wanted_anywhere_the_default_group_takes_all) {
  // T-RG-09
  cluster c;
  c.group("rg1", 0, 0).group("rg2", 0, 0).group(by_default, 0, 0);
  c.up(10);
  c.go();
  EXPECT_EQ(c.size(by_default), 10u);
}

TEST(resource_group_assignment, without_missing_the_most_room_decides) {
  cluster c;
  c.group("rg1", 0, 5).group("rg2", 0, 7).group(by_default, 0, 0);
  c.up(1);
  c.go();
  EXPECT_EQ(c.size("rg2"), 1u);
}

TEST(resource_group_assignment, labels_decide_where_a_new_node_may_go) {
  // T-RG-22, T-RG-24
  cluster c;
  c.group("rg1", 10, 10, label("1")).group("rg2", 10, 10, label("2")).group("rg3", 10, 10, label("3"));
  c.up(30, label("1"));
  c.go();
  EXPECT_EQ(c.size("rg1"), 10u);
  EXPECT_EQ(c.size("rg2"), 0u);
  EXPECT_EQ(c.size("rg3"), 0u);
  EXPECT_EQ(c.size(by_default), 20u);
  c.up(10, label("2"));
  c.go();
  EXPECT_EQ(c.size("rg2"), 10u);
  c.up(10, label("3"));
  c.go();
  EXPECT_EQ(c.size("rg3"), 10u);
  EXPECT_EQ(c.size(by_default), 20u);

  cluster d;
  d.group("rg1", 10, 10, label("1"));
  const auto mine = d.member("rg1", 10, label("1"));
  d.nodes.erase(mine.front());
  d.nodes[mine.front()] = {false, true, 0, {}};
  d.up(1, label("2"));
  d.go();
  EXPECT_EQ(d.size("rg1"), 9u);
  EXPECT_EQ(d.size(by_default), 1u);
  d.up(1, label("1"));
  d.go();
  EXPECT_EQ(d.size("rg1"), 10u);
}

TEST(resource_group_assignment, members_that_are_gone_or_stopping_leave_and_loose_nodes_get_a_group) {
  // T-RG-25, I-RG-02, I-RG-04
  cluster c;
  c.group("rg1", 3, 3);
  const auto mine = c.member("rg1", 3);
  c.nodes.at(mine[0]).here = false;
  c.nodes.at(mine[0]).leaving = true; // gone
  c.nodes.at(mine[1]).here = false;
  c.nodes.at(mine[1]).leaving = true; // stopping
  const auto loose = c.up(1).front();
  c.go();
  EXPECT_EQ(c.groups.at("rg1").nodes, (ids{mine[2], loose}));
  EXPECT_EQ(c.size(by_default), 0u);
}

// -- recovery ---------------------------------------------------------------------------

TEST(resource_group_recovery, a_new_group_takes_what_it_requests) {
  // T-RG-10, I-RG-06
  cluster c;
  c.member(by_default, 100);
  c.group("rg1", 10, 30);
  EXPECT_EQ(c.size("rg1"), 0u);
  EXPECT_TRUE(c.plan(false).moves.empty()) << "without recovery nothing moves";
  c.go();
  EXPECT_EQ(c.size("rg1"), 10u);
  EXPECT_EQ(c.size(by_default), 90u);
}

TEST(resource_group_recovery, who_misses_nodes_is_served_before_redundant_ones_go_to_default) {
  // T-RG-12, T-RG-18
  cluster c;
  c.group("rg1", 10, 20).group("rg2", 5, 10);
  c.member("rg2", 20);
  c.member("rg1", 5);
  c.go();
  EXPECT_EQ(c.size("rg1"), 10u);
  EXPECT_EQ(c.size("rg2"), 10u);
  EXPECT_EQ(c.size(by_default), 5u);

  cluster d; // the redundant one comes first in the order of names
  d.group("a", 0, 0).group("b", 3, 3);
  d.member("a", 3);
  d.go();
  EXPECT_EQ(d.size("b"), 3u);
  EXPECT_EQ(d.size(by_default), 0u);
}

TEST(resource_group_recovery, default_over_its_limits_gives_what_others_can_take_and_keeps_the_rest) {
  // T-RG-13
  cluster c;
  c.group(by_default, 10, 20).group("rg1", 10, 20).group("rg2", 20, 30);
  c.member(by_default, 80);
  c.member("rg1", 10);
  c.member("rg2", 10);
  const auto p = c.go();
  EXPECT_EQ(c.size("rg1"), 20u);
  EXPECT_EQ(c.size("rg2"), 30u);
  EXPECT_EQ(c.size(by_default), 50u);
  EXPECT_TRUE(p.all_full);
}

TEST(resource_group_recovery, missing_nodes_come_from_redundant_groups_then_from_those_named) {
  // T-RG-14, T-RG-15
  cluster c;
  c.group("rg1", 15, 100).group("rg2", 15, 40).group("rg3", 15, 15).group(by_default, 30, 40);
  c.groups.at("rg3").config.transfer_from = {"rg1"};
  c.member(by_default, 50);
  c.member("rg1", 20);
  c.member("rg2", 30);
  c.go();
  EXPECT_EQ(c.size("rg3"), 15u);
  EXPECT_EQ(c.size(by_default), 40u) << "ten redundant ones first";
  EXPECT_EQ(c.size("rg1"), 15u) << "then five of the group named";
  EXPECT_EQ(c.size("rg2"), 30u);

  c.groups.at("rg3").config = {0, 0, {}, {"rg2"}, {}};
  c.go();
  EXPECT_EQ(c.size("rg3"), 0u);
  EXPECT_EQ(c.size("rg2"), 40u) << "ten to the group named until it is full";
  EXPECT_EQ(c.size("rg1"), 20u);
  EXPECT_EQ(c.size(by_default), 40u);
}

TEST(resource_group_recovery, a_named_group_wins_over_the_room_of_the_default_group) {
  // H-23: decided for what the name asks for
  cluster c;
  c.group("rg1", 0, 0).group("rg2", 0, 3);
  c.groups.at("rg1").config.transfer_to = {"rg2"};
  c.member("rg1", 5);
  c.go();
  EXPECT_EQ(c.size("rg2"), 3u);
  EXPECT_EQ(c.size(by_default), 2u);
}

TEST(resource_group_recovery, transferred_nodes_follow_their_configs) {
  // T-RG-16, T-SVC-35, T-SVC-37
  cluster c;
  c.group("rg1", 20, 20).group("rg3", 0, 0);
  c.member("rg1", 20);
  const auto transfer = [](cluster& on, const std::string& from, const std::string& to, int n) {
    const auto out = transfer_configs(on.groups, from, to, n);
    if (!out)
      return out.error().code;
    for (const auto& [name, config] : *out)
      on.groups.at(name).config = config;
    on.go();
    return ec::ok;
  };
  EXPECT_EQ(transfer(c, "rg1", "rg3", 5), ec::ok);
  EXPECT_EQ(c.size("rg1"), 15u);
  EXPECT_EQ(c.size("rg3"), 5u);

  cluster d;
  d.group("rg1", 0, 0);
  d.member(by_default, 1);
  EXPECT_EQ(transfer(d, by_default, "rg1", 1), ec::ok);
  EXPECT_EQ(d.size("rg1"), 1u);

  cluster e;
  e.group("rg3", 4, 4).group("rg4", 0, 0);
  e.member("rg3", 4);
  EXPECT_EQ(transfer(e, "rg3", "rg4", 3), ec::ok);
  EXPECT_EQ(e.size("rg3"), 1u);
  EXPECT_EQ(e.size("rg4"), 3u);
  EXPECT_EQ(transfer(e, "rg3", "rg4", 3), ec::resource_group_node_not_enough);
}

TEST(resource_group_recovery, with_nothing_wanted_anywhere_all_ends_in_default) {
  // T-RG-17
  cluster c;
  c.group("rg1", 0, 0).group("rg2", 0, 0).group(by_default, 1, 1);
  c.member("rg1", 3);
  c.member("rg2", 4);
  const auto p = c.go();
  EXPECT_EQ(c.size(by_default), 7u);
  EXPECT_TRUE(p.all_full);
}

TEST(resource_group_recovery, default_takes_back_what_it_misses) {
  // T-RG-19
  cluster c;
  c.group(by_default, 5, 10).group("rg1", 0, 0);
  c.member("rg1", 5);
  c.go();
  EXPECT_EQ(c.size(by_default), 5u);
  EXPECT_EQ(c.size("rg1"), 0u);
}

TEST(resource_group_recovery, swapped_filters_swap_the_nodes) {
  // T-RG-23
  cluster c;
  c.group("rg1", 10, 10, label("1")).group("rg2", 10, 10, label("2")).group("rg3", 10, 10, label("3"));
  c.member("rg1", 10, label("1"));
  c.member("rg2", 10, label("2"));
  c.member("rg3", 10, label("3"));
  c.member(by_default, 20, label("1"));
  c.groups.at("rg1").config.labels = label("2");
  c.groups.at("rg2").config.labels = label("3");
  c.groups.at("rg3").config.labels = label("1");
  c.go();
  EXPECT_EQ(c.of("rg1", "2"), 10u);
  EXPECT_EQ(c.of("rg2", "3"), 10u);
  EXPECT_EQ(c.of("rg3", "1"), 10u);
  for (auto* name : {"rg1", "rg2", "rg3"})
    EXPECT_EQ(c.size(name), 10u);
  EXPECT_EQ(c.size(by_default), 20u);
}

TEST(resource_group_recovery, requests_are_met_as_nodes_come_and_go) {
  // O15 (its failing store is a test of metadata), O16
  cluster c;
  c.up(10);
  c.go();
  c.group("rg1", 4, 4);
  EXPECT_TRUE(c.go().lacking.empty());
  c.group("rg2", 6, 6);
  EXPECT_TRUE(c.go().lacking.empty());
  c.group("rg3", 1, 1);
  EXPECT_EQ(c.go().lacking, std::vector<std::string>{"rg3"});
  const auto n = c.up(1).front();
  EXPECT_TRUE(c.go().lacking.empty());
  c.nodes.at(n) = {false, true, 0, {}};
  EXPECT_EQ(c.go().lacking, std::vector<std::string>{"rg3"});

  cluster d;
  d.up(10);
  for (int i = 1; i <= 4; ++i)
    d.group("rg" + std::to_string(i), i, i);
  EXPECT_TRUE(d.go().lacking.empty());
  for (int i = 1; i <= 4; ++i)
    d.group("rg" + std::to_string(i), 0, 0);
  EXPECT_TRUE(d.go().lacking.empty());
  EXPECT_EQ(d.size(by_default), 10u);
}

TEST(resource_group_recovery, the_lightest_node_moves_first) {
  cluster c;
  c.member(by_default, 4);
  c.nodes.at(1).rows = 50;
  c.nodes.at(2).rows = 10;
  c.nodes.at(3).rows = 10;
  c.nodes.at(4).rows = 70;
  c.group("rg1", 1, 1);
  c.go();
  EXPECT_EQ(c.groups.at("rg1").nodes, ids{3}) << "ties to the larger id";
}

TEST(resource_group_recovery, a_dropped_group_gives_its_nodes_to_who_misses_them) {
  // T-RG-04 (second part)
  cluster c;
  c.group("rg1", 0, 0).group("rg2", 1, 1);
  const auto mine = c.member("rg1", 3);
  c.nodes.at(mine[2]) = {}; // silent: nobody knows whom it would suit
  const auto moves = plan_drop(c.groups, c.nodes, "rg1");
  ASSERT_EQ(moves.size(), 3u);
  c.apply(moves);
  EXPECT_EQ(c.size("rg1"), 0u);
  EXPECT_EQ(c.size("rg2"), 1u);
  EXPECT_EQ(c.size(by_default), 2u);
}

TEST(resource_group_recovery, from_any_random_state_it_ends_keeps_all_nodes_and_takes_no_more_than_is_spare) {
  // I-RG-01, I-RG-04, I-RG-05
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    dice d{seed};
    cluster c;
    const auto zone = [&] { return d.one_in(3) ? labels{} : label(std::to_string(d.below(3))); };
    const auto count = d.from(0, 5);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto requests = d.from(0, 6);
      c.group("rg" + std::to_string(i), requests, requests + d.from(0, 4), zone());
    }
    if (d.one_in(3)) {
      const auto requests = d.from(0, 6);
      c.group(by_default, requests, requests + d.from(0, 4));
    }
    std::vector<std::string> names;
    for (const auto& [name, row] : c.groups)
      names.push_back(name);
    const auto some = [&] { return names[static_cast<std::size_t>(d.below(static_cast<std::int64_t>(names.size())))]; };
    for (auto& [name, row] : c.groups) {
      if (d.one_in(3))
        row.config.transfer_from = {some()};
      if (d.one_in(3))
        row.config.transfer_to = {some()};
    }
    std::set<std::int64_t> silent;
    for (std::int64_t i = d.from(0, 25); i > 0; --i) {
      const auto id = d.one_in(3) ? c.up(1, zone()).front() : c.member(some(), 1, zone()).front();
      c.nodes.at(id).rows = d.from(0, 3);
      if (d.one_in(6)) {
        c.nodes.at(id) = {false, d.one_in(2), 0, {}};
        silent.insert(id);
      }
    }
    const auto before = c.groups;
    const auto moves = c.plan().moves;
    EXPECT_EQ(moves, c.plan().moves) << "seed " << seed;
    ASSERT_LE(moves.size(), 4 * (c.nodes.size() + 1)) << "seed " << seed;
    for (const auto& m : moves) {
      if (m.why == reason::group_missing || m.why == reason::group_redundant) {
        const auto& giver = c.groups.at(m.from);
        const auto q = quantities(giver, c.nodes);
        if (accepts(giver, c.nodes.at(m.node).labels)) {
          EXPECT_GT(q.count, giver.config.requests) << "seed " << seed << " node " << m.node;
        }
        EXPECT_TRUE(c.nodes.at(m.node).here) << "seed " << seed;
      }
      if (!m.to.empty()) {
        EXPECT_TRUE(accepts(c.groups.at(m.to), c.nodes.at(m.node).labels)) << "seed " << seed;
      }
      c.apply({m});
    }
    EXPECT_TRUE(c.plan().moves.empty()) << "seed " << seed << ": a second look finds nothing to do";
    std::map<std::int64_t, int> seen;
    for (const auto& [name, row] : c.groups)
      for (auto id : row.nodes)
        ++seen[id];
    for (const auto& [id, n] : c.nodes) {
      if (n.here) {
        EXPECT_EQ(seen[id], 1) << "seed " << seed << " node " << id;
      } else if (n.leaving) {
        EXPECT_EQ(seen[id], 0) << "seed " << seed << " node " << id;
      }
    }
    // What is still missing nobody could have given.
    for (const auto& name : names) {
      if (quantities(c.groups.at(name), c.nodes).missing == 0)
        continue;
      for (const auto& other : names) {
        if (other != name) {
          EXPECT_EQ(offered(c.groups.at(other), c.groups.at(name), c.nodes), 0) << "seed " << seed;
        }
      }
    }
  }
}

} // namespace
} // namespace muster
