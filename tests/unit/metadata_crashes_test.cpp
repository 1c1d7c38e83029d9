// Whatever is committed, and whenever metadata crashes, forgets and replays: its tables are those of one that never crashed.
#include "actors/core/metadata_tables.hpp"
#include "actors/core/situation.hpp"
#include "tests/unit/dice.hpp"
#include "tests/unit/nightly.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace muster {
namespace {

using disk = std::map<std::pair<record_kind, std::string>, std::string>;

void keep(disk& on, const commit_outcome& out) {
  for (const auto& row : out.rows)
    if (row.payload)
      on[{row.kind, row.key}] = *row.payload;
    else
      on.erase({row.kind, row.key});
}

/// Everything that a set of tables would tell a new subscriber, and what only it knows.
std::string picture(const metadata_tables& t) {
  auto p = t.whole().take(1, 1, 0);
  std::string all{p.header.bytes()};
  for (const auto& c : p.chunks)
    all += c.bytes();
  for (const auto& [id, n] : t.nodes())
    all += std::to_string(id) + n.name + n.address;
  return all + std::to_string(t.epoch());
}

/// Draws commits of all kinds, most of them such as fit what is there.
class author {
public:
  explicit author(dice& d) : d_(d) {
    // nop
  }

  msg<schema::Commit> next(const metadata_tables& tables) {
    view_ = situation{};
    view_.apply(tables.whole().take(1, 1, 0));
    const auto id = d_.from(1, 4);
    const auto* c = view_.collection(id);
    return build<schema::Commit>([&](schema::Commit::Builder b) { fill(b, id, c, tables); });
  }

private:
  using Kind = schema::Commit::Which;

  std::string group() {
    return d_.one_in(3) ? std::string{default_group} : "rg" + std::to_string(d_.below(3));
  }

  std::int64_t some_node(const metadata_tables& tables) {
    if (tables.nodes().empty() || d_.one_in(8))
      return d_.from(1, 400);
    return std::next(tables.nodes().begin(), d_.below(static_cast<std::int64_t>(tables.nodes().size())))->first;
  }

  template <class List>
  void put_segments(List list, std::int64_t id) {
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setId(100 * id + static_cast<std::int64_t>(i) * 3 + d_.below(3));
      list[i].setPartition(10 * id + d_.below(3));
      list[i].setRows(d_.below(100));
    }
  }

  void put_partitions(capnp::List<std::int64_t>::Builder list, std::int64_t id) {
    for (unsigned i = 0; i < list.size(); ++i)
      list.set(i, 10 * id + i);
  }

  void put_replicas(capnp::List<schema::ReplicaState>::Builder list, const metadata_tables& tables) {
    for (auto r : list) {
      r.setResourceGroup(d_.one_in(8) ? group() : std::next(tables.groups().begin(), d_.below(static_cast<std::int64_t>(tables.groups().size())))->first);
      auto nodes = r.initNodes(static_cast<unsigned>(d_.below(3)));
      for (unsigned i = 0; i < nodes.size(); ++i)
        nodes.set(i, some_node(tables));
    }
  }

  void fill(schema::Commit::Builder b, std::int64_t id, const collection_view* c, const metadata_tables& tables) {
    const bool there = c != nullptr && c->desired && c->head;
    const std::uint64_t revision = there && !d_.one_in(6) ? c->desired->revision : static_cast<std::uint64_t>(d_.below(3));
    switch (d_.below(18)) {
      case 0:
        break; // of no kind
      case 1:
      case 2: {
        auto l = b.initLoad();
        auto row = l.initCollection();
        row.setId(id);
        row.setName("c" + std::to_string(id));
        row.setReplicaNumber(there && !d_.one_in(4) ? c->desired->replica_number : static_cast<std::uint32_t>(d_.from(1, 2)));
        row.setWholeCollection(d_.one_in(2));
        row.setUserSpecifiedReplicas(d_.one_in(3));
        put_replicas(row.initReplicas(row.getReplicaNumber()), tables);
        put_partitions(row.initPartitions(static_cast<unsigned>(d_.from(1, 3))), id);
        auto head = l.initHead();
        head.initChannels(1).set(0, "a");
        head.setPartitions(row.asReader().getPartitions());
        put_segments(l.initSegments(static_cast<unsigned>(d_.one_in(6) ? 40 : d_.below(9))), id);
        break;
      }
      case 3:
        if (d_.one_in(2))
          b.initRelease().setCollection(id);
        else
          b.setAllocate(static_cast<std::uint32_t>(d_.below(5)));
        break;
      case 4:
      case 5: {
        auto n = b.initNext();
        n.setCollection(id);
        n.setCurrent(there && !d_.one_in(6) ? c->head->current : d_.below(3));
        put_segments(n.initAdded(static_cast<unsigned>(d_.below(9))), id);
        auto gone = n.initDropped(static_cast<unsigned>(d_.below(6)));
        for (unsigned i = 0; i < gone.size(); ++i)
          gone.set(i, 100 * id + d_.below(30));
        break;
      }
      case 6:
      case 7: {
        auto p = b.initPromotion();
        p.setCollection(id);
        p.setNext(there && !d_.one_in(6) ? c->head->next : d_.below(3));
        p.setRevision(d_.one_in(2) ? 0 : revision);
        break;
      }
      case 8: {
        auto e = b.initReplicas().initEntries(1)[0];
        e.setCollection(id);
        e.setRevision(revision);
        put_replicas(e.initReplicas(1), tables);
        if (there)
          e.getReplicas()[0].setId(c->desired->replicas.front().id);
        break;
      }
      case 9:
        b.initNode().setName("n" + std::to_string(d_.below(5)));
        b.getNode().setAddress("h:" + std::to_string(d_.below(3)));
        break;
      case 10: {
        auto r = b.initReleasePartitions();
        r.setCollection(id);
        r.setRevision(d_.one_in(2) ? 0 : revision);
        put_partitions(r.initPartitions(static_cast<unsigned>(d_.from(1, 2))), id);
        break;
      }
      case 11: {
        auto r = b.initReplicaGroups();
        r.setCollection(id);
        r.setRevision(revision);
        put_replicas(r.initReplicas(static_cast<unsigned>(d_.from(1, 3))), tables);
        if (there)
          r.getReplicas()[0].setId(c->desired->replicas.front().id);
        break;
      }
      case 12:
        fill_groups(b.initGroups(), tables);
        break;
      default:
        fill_switch(b.initChange(), tables);
        break;
    }
  }

  void fill_groups(schema::CommitGroups::Builder g, const metadata_tables& tables) {
    g.setRevision(d_.one_in(2) ? 0 : view_.groups_revision());
    g.setCreate(d_.one_in(2));
    if (d_.one_in(2)) {
      auto config = g.initConfigs(1)[0];
      config.setName(group());
      config.initConfig().setRequests(d_.below(3));
      config.getConfig().setLimits(config.getConfig().getRequests() + d_.below(3));
    }
    auto moves = g.initMoves(static_cast<unsigned>(d_.below(3)));
    for (auto m : moves) {
      const auto node = some_node(tables);
      m.setNode(node);
      if (const auto* home = view_.group_of(node))
        m.setFrom(home->name);
      m.setTo(d_.one_in(6) ? std::string{} : group());
    }
    if (d_.one_in(5))
      g.setDrop(group());
  }

  void fill_switch(schema::CommitSwitch::Builder s, const metadata_tables& tables) {
    const auto checker = d_.one_in(4) ? "segment_checker" : "balance_checker";
    const auto key = d_.one_in(4) ? "queryCoord.balancer" : "queryCoord.taskExecutionCap";
    switch (d_.below(7)) {
      case 0:
        break; // of no kind
      case 1:
        s.setCheckerOff(checker);
        break;
      case 2:
        s.setCheckerOn(checker);
        break;
      case 3:
        s.initSetting().setKey(key);
        s.getSetting().setValue(std::to_string(d_.below(3)));
        break;
      case 4:
        s.setResetSetting(key);
        break;
      case 5:
        s.setSuspendNode(some_node(tables));
        break;
      default:
        s.setResumeNode(tables.switches().suspended_nodes.empty() ? some_node(tables) : *tables.switches().suspended_nodes.begin());
    }
  }

  dice& d_;
  situation view_;
};

TEST(metadata_crashes, whatever_is_committed_and_whenever_it_crashes_the_tables_are_as_if_it_never_had) {
  // T-KV-05
  std::map<schema::Commit::Which, std::size_t> accepted;
  std::map<schema::CommitSwitch::Which, std::size_t> switched;
  std::size_t given_up = 0;
  const auto runs = seeds(300);
  for (std::uint64_t seed = 1; seed <= runs; ++seed) {
    dice d{seed};
    author writes{d};
    metadata_tables steady;
    metadata_tables crashing;
    disk journal;
    const auto replay = [&] {
      std::vector<journal_entry> entries;
      for (const auto& [key, payload] : journal)
        entries.push_back({key.first, key.second, payload});
      crashing = metadata_tables{};
      ASSERT_TRUE(crashing.restore(entries).empty()) << "seed " << seed;
    };
    const auto decide = [&](const msg<schema::Commit>& m) {
      const auto ours = steady.decide(m.read());
      const auto theirs = crashing.decide(m.read());
      ASSERT_EQ(ours.why.code, theirs.why.code) << "seed " << seed << ": " << ours.why.text << theirs.why.text;
      ASSERT_EQ(ours.value, theirs.value) << "seed " << seed;
      ASSERT_EQ(ours.rows.size(), theirs.rows.size()) << "seed " << seed;
      keep(journal, theirs);
      if (ours.why.code == ec::ok && !ours.rows.empty()) {
        ++accepted[m->which()];
        if (m->isChange())
          ++switched[m->getChange().which()];
      }
    };
    // Ids in use were given by the allocator: a replay raises it over any it finds in use.
    decide(build<schema::Commit>([](schema::Commit::Builder b) { b.setAllocate(600); }));
    for (int i = 0; i < 80; ++i) {
      decide(writes.next(steady));
      switch (d.below(16)) {
        case 0:
        case 3:
          replay();
          break;
        case 1:
        case 4:
          // The disk refuses a commit, or all goes down before it is there: it never was.
          static_cast<void>(crashing.decide(writes.next(steady).read()));
          replay();
          break;
        case 2: {
          // A start, which counts what was loading; the other one only counts.
          replay();
          const auto limit = static_cast<std::uint32_t>(d.below(5));
          const auto before = steady.collections();
          const auto ours = steady.start_epoch(limit);
          const auto theirs = crashing.start_epoch(limit);
          given_up += before - steady.collections();
          ASSERT_EQ(ours.value, theirs.value);
          keep(journal, theirs);
          break;
        }
        default:
          break;
      }
      ASSERT_EQ(picture(crashing), picture(steady)) << "seed " << seed << " step " << i;
      ASSERT_EQ(crashing.groups(), steady.groups()) << "seed " << seed << " step " << i;
      ASSERT_EQ(crashing.switches(), steady.switches()) << "seed " << seed << " step " << i;
    }
    if (HasFatalFailure())
      return;
  }
  // Each kind of commit was taken at least now and then.
  for (auto kind : {schema::Commit::LOAD, schema::Commit::RELEASE, schema::Commit::NEXT, schema::Commit::PROMOTION,
                    schema::Commit::REPLICAS, schema::Commit::NODE, schema::Commit::ALLOCATE, schema::Commit::RELEASE_PARTITIONS,
                    schema::Commit::REPLICA_GROUPS, schema::Commit::GROUPS, schema::Commit::CHANGE})
    EXPECT_GT(accepted[kind], runs / 30) << "commits of kind " << static_cast<int>(kind);
  for (auto kind : {schema::CommitSwitch::CHECKER_OFF, schema::CommitSwitch::CHECKER_ON, schema::CommitSwitch::SETTING,
                    schema::CommitSwitch::RESET_SETTING, schema::CommitSwitch::SUSPEND_NODE, schema::CommitSwitch::RESUME_NODE})
    EXPECT_GT(switched[kind], runs / 30) << "switches of kind " << static_cast<int>(kind);
  EXPECT_GT(given_up, runs / 20) << "loads given up at a start";
}

} // namespace
} // namespace muster
