// Rules of metadata about resource groups: what each commit changes, what it writes, and that replay gives the same groups.
#include "actors/core/metadata_tables.hpp"
#include "actors/core/situation.hpp"
#include "messages/limits.hpp"
#include "tests/unit/dice.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using moves = std::vector<group_move>;

const std::string by_default{default_group};

/// A change of groups, filled as its schema has it.
struct change {
  std::uint64_t revision = 0;
  bool create = false;
  std::map<std::string, group_config> configs;
  moves moved;
  std::string drop;
};

msg<schema::Commit> commit_of(const change& c) {
  return build<schema::Commit>([&](schema::Commit::Builder b) {
    auto g = b.initGroups();
    g.setRevision(c.revision);
    g.setCreate(c.create);
    auto list = g.initConfigs(static_cast<unsigned>(c.configs.size()));
    unsigned i = 0;
    for (const auto& [name, config] : c.configs) {
      list[i].setName(name);
      write(list[i++].initConfig(), config);
    }
    auto nodes = g.initMoves(static_cast<unsigned>(c.moved.size()));
    for (unsigned k = 0; k < c.moved.size(); ++k) {
      nodes[k].setNode(c.moved[k].node);
      nodes[k].setFrom(c.moved[k].from);
      nodes[k].setTo(c.moved[k].to);
    }
    g.setDrop(c.drop);
  });
}

/// Metadata with the journal that its commits wrote and a subscriber of its changes.
struct kept {
  metadata_tables tables;
  std::map<std::pair<record_kind, std::string>, std::string> journal;
  situation view;
  std::uint64_t number = 0;

  kept() {
    view.apply(tables.whole().take(++number, 1, 0));
  }

  commit_outcome commit(const msg<schema::Commit>& m) {
    auto out = tables.decide(m.read());
    for (const auto& r : out.rows)
      if (r.payload)
        journal[{r.kind, r.key}] = *r.payload;
      else
        journal.erase({r.kind, r.key});
    if (!out.changes.empty())
      view.apply(out.changes.take(++number, 1, 0));
    return out;
  }

  commit_outcome commit(const change& c) {
    return commit(commit_of(c));
  }

  std::int64_t join(const std::string& name) {
    return commit(build<schema::Commit>([&](schema::Commit::Builder b) {
             b.initNode().setName(name);
             b.getNode().setAddress("host:1");
           }))
      .value;
  }

  std::int64_t load(std::int64_t id, const std::vector<std::string>& groups) {
    return commit(build<schema::Commit>([&](schema::Commit::Builder b) {
             auto l = b.initLoad();
             auto c = l.initCollection();
             c.setId(id);
             c.setName("c" + std::to_string(id));
             c.setReplicaNumber(static_cast<std::uint32_t>(groups.size()));
             auto list = c.initReplicas(static_cast<unsigned>(groups.size()));
             for (unsigned i = 0; i < groups.size(); ++i)
               list[i].setResourceGroup(groups[i]);
             l.initHead().initChannels(1).set(0, "a");
           }))
      .value;
  }

  commit_outcome regroup(std::int64_t id, std::uint64_t revision, const std::vector<replica_row>& replicas) {
    return commit(build<schema::Commit>([&](schema::Commit::Builder b) {
      auto c = b.initReplicaGroups();
      c.setCollection(id);
      c.setRevision(revision);
      auto list = c.initReplicas(static_cast<unsigned>(replicas.size()));
      for (unsigned i = 0; i < replicas.size(); ++i)
        write(list[i], replicas[i]);
    }));
  }

  const collection_row& desired(std::int64_t id) const {
    return *view.collection(id)->desired;
  }

  std::vector<std::string> restart() {
    std::vector<journal_entry> entries;
    for (const auto& [key, payload] : journal)
      entries.push_back({key.first, key.second, payload});
    metadata_tables fresh;
    auto bad = fresh.restore(entries);
    tables = std::move(fresh);
    return bad;
  }
};

group_config sized(std::int64_t requests, std::int64_t limits) {
  return {requests, limits, {}, {}, {}};
}

/// A refused commit says so by this code and changes neither tables nor journal.
void expect_refused(kept& k, const change& c, ec code) {
  const auto groups = k.tables.groups();
  const auto journal = k.journal;
  const auto out = k.commit(c);
  EXPECT_EQ(out.why.code, code) << out.why.text;
  EXPECT_FALSE(out.why.text.empty());
  EXPECT_TRUE(out.changes.empty());
  EXPECT_EQ(k.tables.groups(), groups);
  EXPECT_EQ(k.journal, journal);
}

TEST(metadata_groups, the_default_group_is_always_there_and_idle_writes_nothing) {
  // I-RG-03
  kept k;
  ASSERT_EQ(k.view.groups().size(), 1u);
  EXPECT_TRUE(k.view.groups().at(by_default).is_default());
  EXPECT_EQ(k.view.groups().at(by_default).config.limits, default_group_limits);
  EXPECT_TRUE(k.journal.empty());
  EXPECT_GT(k.view.groups_revision(), 0u) << "0 means that metadata has not told yet: no node would ever get a group";
  EXPECT_TRUE(k.restart().empty());
  EXPECT_EQ(k.tables.groups().size(), 1u);
}

TEST(metadata_groups, the_same_group_twice_is_fine_another_config_is_not) {
  // T-RG-03, T-SVC-32
  kept k;
  EXPECT_EQ(k.commit(change{0, true, {{"rg1", sized(1, 2)}}, {}, {}}).why.code, ec::ok);
  const auto before = k.journal;
  EXPECT_EQ(k.commit(change{0, true, {{"rg1", sized(1, 2)}}, {}, {}}).why.code, ec::ok);
  EXPECT_EQ(k.journal, before);
  expect_refused(k, {0, true, {{"rg1", sized(1, 3)}}, {}, {}}, ec::resource_group_already_exist);
  expect_refused(k, {0, true, {{"", sized(0, 0)}}, {}, {}}, ec::parameter_missing);
  expect_refused(k, {0, true, {{"rg2", sized(3, 2)}}, {}, {}}, ec::resource_group_illegal_config);
  EXPECT_EQ(k.view.groups().size(), 2u);
  expect_refused(k, {0, false, {}, {}, by_default}, ec::parameter_invalid);
  expect_refused(k, {0, false, {}, {}, "rg1"}, ec::parameter_invalid);
  EXPECT_EQ(k.commit(change{0, false, {{"rg1", sized(0, 0)}}, {}, {}}).why.code, ec::ok);
  EXPECT_EQ(k.commit(change{0, false, {}, {}, "rg1"}).why.code, ec::ok);
  EXPECT_EQ(k.commit(change{0, false, {}, {}, "rg1"}).why.code, ec::ok) << "dropping twice";
  EXPECT_EQ(k.view.groups().size(), 1u);
}

TEST(metadata_groups, an_update_is_all_or_nothing_and_moves_no_node) {
  // I-RG-06
  kept k;
  const auto n = k.join("a");
  k.commit(change{0, true, {{"rg1", sized(1, 1)}, {"rg2", sized(0, 0)}}, {}, {}});
  k.commit(change{0, false, {}, {{n, {}, "rg1", {}}}, {}});
  expect_refused(k, {0, false, {{"rg1", sized(2, 2)}, {"rg9", sized(0, 0)}}, {}, {}}, ec::resource_group_not_found);
  expect_refused(k, {0, false, {{"rg1", sized(2, 2)}, {"rg2", sized(2, 1)}}, {}, {}}, ec::resource_group_illegal_config);
  expect_refused(k, {0, false, {{"rg1", {1, 1, {"rg9"}, {}, {}}}}, {}, {}}, ec::resource_group_illegal_config);
  const auto out = k.commit(change{0, false, {{"rg1", sized(0, 0)}, {by_default, sized(1, 5)}}, {}, {}});
  EXPECT_EQ(out.why.code, ec::ok);
  EXPECT_EQ(k.view.groups().at("rg1").nodes, std::vector<std::int64_t>{n});
  EXPECT_EQ(k.view.groups().at(by_default).config.limits, 5);
  EXPECT_EQ(k.commit(change{0, false, {{"rg1", sized(0, 0)}}, {}, {}}).rows.size(), 0u) << "the same again writes nothing";
}

TEST(metadata_groups, there_are_at_most_so_many) {
  kept k;
  std::map<std::string, group_config> all;
  for (std::size_t i = 1; i < limits::resource_groups; ++i)
    all["rg" + std::to_string(i)] = sized(0, 0);
  EXPECT_EQ(k.commit(change{0, true, all, {}, {}}).why.code, ec::ok);
  expect_refused(k, {0, true, {{"one more", sized(0, 0)}}, {}, {}}, ec::resource_group_reach_limit);
}

TEST(metadata_groups, a_node_is_in_one_group_and_a_move_that_came_too_late_is_left_out) {
  // I-RG-01, I-RG-07, I-RM-05
  kept k;
  const auto a = k.join("a");
  const auto b = k.join("b");
  k.commit(change{0, true, {{"rg1", sized(1, 1)}}, {}, {}});
  const auto out = k.commit(change{0, false, {}, {{a, {}, by_default, {}}, {b, {}, "rg1", {}}}, {}});
  EXPECT_EQ(out.why.code, ec::ok);
  EXPECT_EQ(k.view.changed_groups(), (std::set<std::string>{by_default, "rg1"})) << "listeners are told";
  EXPECT_EQ(k.view.group_of(a)->name, by_default);
  k.commit(change{0, false, {}, {{a, {}, "rg1", {}}, {b, "rg1", by_default, {}}, {99, {}, "rg1", {}}}, {}});
  EXPECT_EQ(k.view.group_of(a)->name, by_default) << "it was in no group when that was concluded, but is now";
  EXPECT_EQ(k.view.group_of(b)->name, by_default);
  EXPECT_EQ(k.view.groups().at(by_default).nodes, (std::vector<std::int64_t>{a, b}));
  EXPECT_TRUE(k.view.groups().at("rg1").nodes.empty());
  k.commit(change{0, false, {}, {{a, by_default, {}, {}}}, {}});
  EXPECT_EQ(k.view.group_of(a), nullptr);
  k.commit(change{0, false, {}, {{a, {}, "rg9", {}}}, {}});
  EXPECT_EQ(k.view.group_of(a), nullptr) << "there is no such group";
  const auto groups = k.tables.groups();
  EXPECT_TRUE(k.restart().empty());
  EXPECT_EQ(k.tables.groups(), groups);
}

TEST(metadata_groups, a_node_keeps_its_group_when_its_address_changes) {
  kept k;
  const auto a = k.join("a");
  k.commit(change{0, true, {{"rg1", sized(1, 1)}}, {}, {}});
  k.commit(change{0, false, {}, {{a, {}, "rg1", {}}}, {}});
  k.commit(build<schema::Commit>([&](schema::Commit::Builder b) {
    b.initNode().setName("a");
    b.getNode().setAddress("elsewhere:2");
  }));
  EXPECT_TRUE(k.restart().empty());
  EXPECT_EQ(k.tables.groups().at("rg1").nodes, std::vector<std::int64_t>{a});
}

TEST(metadata_groups, what_rests_on_an_older_state_of_the_groups_is_refused) {
  kept k;
  const auto a = k.join("a");
  k.commit(change{0, true, {{"rg1", sized(1, 1)}}, {}, {}});
  const auto revision = k.view.groups_revision();
  EXPECT_EQ(k.commit(change{revision, false, {}, {{a, {}, "rg1", {}}}, {}}).why.code, ec::ok);
  EXPECT_GT(k.view.groups_revision(), revision);
  expect_refused(k, {revision, false, {}, {{a, "rg1", by_default, {}}}, {}}, ec::stale_premise);
  const auto before = k.view.groups_revision();
  EXPECT_TRUE(k.restart().empty());
  EXPECT_EQ(k.tables.groups().at(by_default).revision, before) << "no number is given twice";
}

TEST(metadata_groups, a_group_goes_with_its_nodes_moved_out_and_never_with_replicas_in_it) {
  // T-RG-04
  kept k;
  const auto a = k.join("a");
  const auto b = k.join("b");
  k.commit(change{0, true, {{"rg1", sized(0, 0)}}, {}, {}});
  k.commit(change{0, false, {}, {{a, {}, "rg1", {}}, {b, {}, "rg1", {}}}, {}});
  k.load(7, {"rg1"});
  expect_refused(k, {0, false, {}, {{a, "rg1", by_default, {}}}, "rg1"}, ec::parameter_invalid);
  k.commit(build<schema::Commit>([&](schema::Commit::Builder c) { c.initRelease().setCollection(7); }));
  EXPECT_EQ(k.commit(change{0, false, {}, {{a, "rg1", by_default, {}}}, "rg1"}).why.code, ec::ok);
  EXPECT_EQ(k.view.group_of(a)->name, by_default);
  EXPECT_EQ(k.view.group_of(b), nullptr) << "nobody said where to";
  EXPECT_FALSE(k.view.groups().contains("rg1"));
  EXPECT_TRUE(k.restart().empty());
  EXPECT_FALSE(k.tables.groups().contains("rg1"));
}

TEST(metadata_groups, a_damaged_record_names_its_group_and_its_nodes_are_assigned_anew) {
  kept k;
  const auto a = k.join("a");
  k.commit(change{0, true, {{"rg1", sized(1, 1)}, {"rg2", sized(0, 0)}}, {}, {}});
  k.commit(change{0, false, {}, {{a, {}, "rg1", {}}}, {}});
  k.journal[{record_kind::resource_group, "rg1"}] = "garbage";
  const auto bad = k.restart();
  ASSERT_EQ(bad.size(), 1u);
  EXPECT_NE(bad[0].find("resource_group rg1"), std::string::npos) << bad[0];
  EXPECT_FALSE(k.tables.groups().contains("rg1"));
  EXPECT_TRUE(k.tables.groups().contains("rg2"));
  for (const auto& [name, row] : k.tables.groups())
    EXPECT_TRUE(row.nodes.empty());
  EXPECT_EQ(k.tables.nodes().size(), 1u);
}

TEST(metadata_groups, a_record_older_than_configs_means_its_capacity) {
  // T-RG-27
  const auto old_record = [](const std::string& name, std::int64_t capacity) {
    return read(build<schema::ResourceGroupState>([&](schema::ResourceGroupState::Builder b) {
                  b.setName(name);
                  b.setCapacity(capacity);
                  b.initNodes(2).set(0, 1);
                  b.getNodes().set(1, 2);
                }).read());
  };
  const auto rg = old_record("rg1", 1);
  EXPECT_EQ(rg.config, sized(1, 1));
  EXPECT_EQ(quantities(rg, {}).oversized, 1);
  EXPECT_EQ(quantities(rg, {}).redundant, 1);
  const auto rest = old_record(by_default, default_group_limits);
  EXPECT_EQ(quantities(rest, {}).room, default_group_limits - 2);
  auto configured = rest;
  configured.config = sized(2, 3);
  const auto written = build<schema::ResourceGroupState>([&](schema::ResourceGroupState::Builder b) { write(b, configured); });
  EXPECT_EQ(written->getCapacity(), default_group_limits);
}

TEST(metadata_groups, replicas_need_groups_that_exist) {
  kept k;
  k.load(7, {"rg9"});
  EXPECT_EQ(k.view.collection(7), nullptr);
  k.commit(change{0, true, {{"rg9", sized(0, 0)}}, {}, {}});
  k.load(7, {"rg9", ""});
  ASSERT_NE(k.view.collection(7), nullptr);
  EXPECT_EQ(k.view.collections_in("rg9"), std::set<std::int64_t>{7});
  EXPECT_EQ(k.view.collections_in(by_default), std::set<std::int64_t>{7});
}

TEST(metadata_groups, replicas_change_their_number_and_groups_in_one_step) {
  // I-JOB-06, H-18: nothing is left of a change that is refused
  kept k;
  k.commit(change{0, true, {{"rg1", sized(0, 0)}}, {}, {}});
  k.load(7, {by_default});
  const auto first = k.desired(7).replicas.at(0);
  const auto status = k.desired(7).status;
  const auto revision = k.desired(7).revision;
  const auto refused = [&](std::uint64_t on, const std::vector<replica_row>& replicas) {
    const auto journal = k.journal;
    const auto out = k.regroup(7, on, replicas);
    EXPECT_EQ(k.journal, journal);
    return out.why.code;
  };
  const auto named = [](std::int64_t id, const std::string& group) {
    replica_row r;
    r.id = id;
    r.resource_group = group;
    return r;
  };
  EXPECT_EQ(refused(revision, {first, named(0, "rg9")}), ec::resource_group_not_found);
  EXPECT_EQ(refused(revision, {first, named(first.id + 100, "rg1")}), ec::replica_not_found);
  EXPECT_EQ(refused(revision, {first, first}), ec::replica_not_found);
  EXPECT_EQ(refused(revision, {}), ec::parameter_invalid);
  EXPECT_EQ(refused(revision, std::vector<replica_row>(limits::replicas + 1)), ec::parameter_invalid);
  EXPECT_EQ(refused(revision + 1, {first}), ec::stale_premise);
  EXPECT_EQ(k.regroup(8, 1, {first}).why.code, ec::collection_not_loaded);

  auto moved = first;
  moved.resource_group = "rg1";
  EXPECT_EQ(k.regroup(7, revision, {moved, named(0, by_default), named(0, "rg1")}).why.code, ec::ok);
  EXPECT_EQ(k.desired(7).replica_number, 3u);
  EXPECT_EQ(k.desired(7).status, status) << "a collection that is served stays so";
  std::set<std::int64_t> ids;
  for (const auto& r : k.desired(7).replicas)
    ids.insert(r.id);
  EXPECT_EQ(ids.size(), 3u);
  EXPECT_TRUE(ids.contains(first.id));
  EXPECT_FALSE(ids.contains(0));
  EXPECT_TRUE(k.restart().empty());
  situation fresh;
  fresh.apply(k.tables.whole().take(1, 1, 0));
  EXPECT_EQ(fresh.collection(7)->desired->replicas, k.desired(7).replicas);
}

TEST(metadata_groups, replay_after_any_random_commits_gives_the_same_groups_and_the_same_decisions) {
  // I-KV-01 for groups, T-KV-05
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    dice d{seed};
    kept k;
    std::vector<std::int64_t> nodes;
    for (int i = 0; i < 4; ++i)
      nodes.push_back(k.join("n" + std::to_string(i)));
    const auto name = [&] { return d.one_in(5) ? by_default : "rg" + std::to_string(d.below(4)); };
    for (int i = 0; i < 60; ++i) {
      change c;
      c.revision = d.one_in(2) ? 0 : k.view.groups_revision();
      c.create = d.one_in(2);
      if (d.one_in(2))
        c.configs[name()] = sized(d.below(3), d.below(4));
      for (auto n = d.below(3); n > 0; --n) {
        const auto node = nodes[static_cast<std::size_t>(d.below(4))];
        const auto* home = k.view.group_of(node);
        c.moved.push_back({node, home == nullptr ? std::string{} : home->name, d.one_in(6) ? std::string{} : name(), {}});
      }
      if (d.one_in(6))
        c.drop = name();
      metadata_tables replayed;
      std::vector<journal_entry> entries;
      for (const auto& [key, payload] : k.journal)
        entries.push_back({key.first, key.second, payload});
      ASSERT_TRUE(replayed.restore(entries).empty());
      ASSERT_EQ(replayed.groups(), k.tables.groups()) << "seed " << seed << " step " << i;
      const auto theirs = replayed.decide(commit_of(c).read());
      const auto out = k.commit(c);
      ASSERT_EQ(out.why.code, theirs.why.code) << "seed " << seed << " step " << i;
      ASSERT_EQ(replayed.groups(), k.tables.groups()) << "seed " << seed << " step " << i;
      ASSERT_EQ(k.view.groups(), k.tables.groups()) << "seed " << seed << " step " << i;
      std::map<std::int64_t, int> homes;
      for (const auto& [group, row] : k.tables.groups())
        for (auto id : row.nodes)
          ASSERT_EQ(++homes[id], 1) << "seed " << seed;
    }
  }
}

} // namespace
} // namespace muster
