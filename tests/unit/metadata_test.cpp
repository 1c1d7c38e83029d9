// Rules of metadata: what each commit changes, what it writes to the journal, and that replay gives the same tables.
#include "actors/core/metadata_tables.hpp"
#include "messages/limits.hpp"
#include "tests/unit/dice.hpp"

#include "actors/core/situation.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

using segments = std::vector<std::pair<std::int64_t, std::int64_t>>; ///< id, rows

msg<schema::Commit> load_of(std::int64_t id, std::uint32_t replicas, const segments& data, int lists = -1) {
  return build<schema::Commit>([&](schema::Commit::Builder b) {
    auto l = b.initLoad();
    auto c = l.initCollection();
    c.setId(id);
    c.setName("c" + std::to_string(id));
    c.setReplicaNumber(replicas);
    c.initReplicas(lists < 0 ? replicas : static_cast<unsigned>(lists));
    l.initHead().initChannels(2).set(0, "a");
    auto list = l.initSegments(static_cast<unsigned>(data.size()));
    for (unsigned i = 0; i < data.size(); ++i) {
      list[i].setId(data[i].first);
      list[i].setRows(data[i].second);
    }
  });
}

msg<schema::Commit> release_of(std::int64_t id) {
  return build<schema::Commit>([&](schema::Commit::Builder b) { b.initRelease().setCollection(id); });
}

msg<schema::Commit> next_of(std::int64_t id, std::int64_t current, const segments& added,
                            const std::vector<std::int64_t>& dropped = {}) {
  return build<schema::Commit>([&](schema::Commit::Builder b) {
    auto n = b.initNext();
    n.setCollection(id);
    n.setCurrent(current);
    auto list = n.initAdded(static_cast<unsigned>(added.size()));
    for (unsigned i = 0; i < added.size(); ++i) {
      list[i].setId(added[i].first);
      list[i].setRows(added[i].second);
    }
    auto gone = n.initDropped(static_cast<unsigned>(dropped.size()));
    for (unsigned i = 0; i < dropped.size(); ++i)
      gone.set(i, dropped[i]);
  });
}

msg<schema::Commit> promotion_of(std::int64_t id, std::int64_t next) {
  return build<schema::Commit>([&](schema::Commit::Builder b) {
    b.initPromotion().setCollection(id);
    b.getPromotion().setNext(next);
  });
}

msg<schema::Commit> replicas_of(std::int64_t id, std::uint64_t revision, std::int64_t replica,
                                const std::vector<std::int64_t>& nodes) {
  return build<schema::Commit>([&](schema::Commit::Builder b) {
    auto e = b.initReplicas().initEntries(1)[0];
    e.setCollection(id);
    e.setRevision(revision);
    write(e.initReplicas(1)[0], replica_row{replica, "", nodes, {}, schema::LoadPriority::HIGH, {}});
  });
}

msg<schema::Commit> node_of(const std::string& name, const std::string& address) {
  return build<schema::Commit>([&](schema::Commit::Builder b) {
    b.initNode().setName(name);
    b.getNode().setAddress(address);
  });
}

msg<schema::Commit> ids_of(std::uint32_t count) {
  return build<schema::Commit>([&](schema::Commit::Builder b) { b.setAllocate(count); });
}

/// Metadata with the journal that its commits wrote and a subscriber of its changes.
struct kept {
  metadata_tables tables;
  std::map<std::pair<record_kind, std::string>, std::string> journal;
  situation view;
  std::uint64_t number = 0;

  commit_outcome commit(const msg<schema::Commit>& m) {
    auto out = tables.decide(m.read());
    take(out);
    return out;
  }

  void take(commit_outcome& out) {
    for (const auto& r : out.rows)
      if (r.payload)
        journal[{r.kind, r.key}] = *r.payload;
      else
        journal.erase({r.kind, r.key});
    if (!out.changes.empty())
      view.apply(out.changes.take(++number, 1, 0));
  }

  std::vector<journal_entry> entries() const {
    std::vector<journal_entry> result;
    for (const auto& [key, payload] : journal)
      result.push_back({key.first, key.second, payload});
    return result;
  }

  /// Forgets all and reads the journal; what was said to be damaged.
  std::vector<std::string> restart() {
    metadata_tables fresh;
    auto bad = fresh.restore(entries());
    tables = std::move(fresh);
    return bad;
  }

  const head_row& head(std::int64_t id) const {
    return *view.collection(id)->head;
  }

  const collection_row& desired(std::int64_t id) const {
    return *view.collection(id)->desired;
  }

  std::set<std::int64_t> in(std::int64_t id, std::int64_t version) const {
    std::set<std::int64_t> result;
    view.collection(id)->each_target([&](const target_row& t) {
      if (t.in(version))
        result.insert(t.segment);
    });
    return result;
  }
};

using ids = std::set<std::int64_t>;

/// Everything that a set of tables would tell a new subscriber, and which nodes it knows.
std::string picture(const metadata_tables& t) {
  auto p = t.whole().take(1, 1, 0);
  std::string all{p.header.bytes()};
  for (const auto& c : p.chunks)
    all += c.bytes();
  for (const auto& [id, n] : t.nodes())
    all += std::to_string(id) + n.name + n.address;
  return all + std::to_string(t.epoch());
}

/// A refused commit says so by this code and changes neither tables nor journal.
void expect_refused(kept& k, const msg<schema::Commit>& m, ec code) {
  const auto before = picture(k.tables);
  const auto out = k.commit(m);
  EXPECT_EQ(out.why.code, code) << out.why.text;
  EXPECT_FALSE(out.why.text.empty());
  EXPECT_TRUE(out.rows.empty());
  EXPECT_TRUE(out.changes.empty());
  EXPECT_EQ(picture(k.tables), before);
}

// -- load and release -------------------------------------------------------------

TEST(metadata_rules, a_load_is_one_batch_of_collection_replicas_and_target) {
  kept k;
  const auto out = k.commit(load_of(7, 2, {{11, 100}, {12, 50}}));
  EXPECT_EQ(out.why.code, ec::ok);
  std::set<record_kind> kinds;
  for (const auto& r : out.rows)
    kinds.insert(r.kind);
  EXPECT_EQ(kinds, (std::set{record_kind::allocator, record_kind::collection, record_kind::target_head,
                             record_kind::target_segments}));
  EXPECT_EQ(k.desired(7).status, schema::LoadStatus::LOADING);
  ASSERT_EQ(k.desired(7).replicas.size(), 2u);
  EXPECT_NE(k.desired(7).replicas[0].id, k.desired(7).replicas[1].id);
  EXPECT_EQ(k.head(7).current, 0);
  EXPECT_EQ(k.head(7).next, out.value);
  EXPECT_EQ(k.head(7).next_segments, 2u);
  EXPECT_EQ(k.head(7).next_rows, 150);
  EXPECT_EQ(k.in(7, out.value), (ids{11, 12}));
}

TEST(metadata_rules, a_repeated_load_succeeds_without_effect_and_another_replica_number_is_refused) {
  // I-SVC-01, T-JOB-02
  kept k;
  const auto version = k.commit(load_of(7, 2, {{11, 100}})).value;
  const auto before = picture(k.tables);
  auto again = k.commit(load_of(7, 2, {{11, 100}}));
  EXPECT_EQ(again.why.code, ec::ok);
  EXPECT_EQ(again.value, version);
  EXPECT_TRUE(again.rows.empty());
  EXPECT_EQ(picture(k.tables), before);
  expect_refused(k, load_of(7, 3, {{11, 100}}), ec::parameter_invalid);
}

TEST(metadata_rules, a_load_without_its_replicas_or_id_is_refused) {
  kept k;
  expect_refused(k, load_of(7, 0, {}), ec::parameter_invalid);
  expect_refused(k, load_of(7, 2, {}, 1), ec::parameter_invalid);
  expect_refused(k, load_of(0, 1, {}), ec::parameter_invalid);
  expect_refused(k, load_of(-3, 1, {}), ec::parameter_invalid);
  EXPECT_EQ(k.tables.collections(), 0u);
}

TEST(metadata_rules, a_commit_of_no_kind_is_refused) {
  kept k;
  expect_refused(k, build<schema::Commit>([](schema::Commit::Builder) {}), ec::parameter_invalid);
  expect_refused(k, msg<schema::Commit>{}, ec::parameter_invalid);
}

TEST(metadata_rules, a_release_takes_every_record_of_its_collection_and_no_other) {
  kept k;
  segments many;
  for (std::int64_t i = 1; i <= 300; ++i)
    many.emplace_back(i, 1);
  k.commit(load_of(8, 1, {{1, 1}}));
  const auto others = k.journal.size();
  k.commit(load_of(7, 1, many));
  EXPECT_GT(k.journal.size(), others + 3) << "several chunks of segments";
  k.commit(release_of(7));
  EXPECT_EQ(k.journal.size(), others);
  EXPECT_EQ(k.view.collection(7), nullptr);
  EXPECT_EQ(k.tables.collections(), 1u);
  // I-SVC-01: a release of what is not loaded is a success.
  const auto again = k.commit(release_of(7));
  EXPECT_EQ(again.why.code, ec::ok);
  EXPECT_TRUE(again.rows.empty());
}

// -- targets ------------------------------------------------------------------------

TEST(metadata_rules, the_first_promotion_makes_a_collection_loaded_in_the_same_batch) {
  // I-O2
  kept k;
  const auto v = k.commit(load_of(7, 1, {{11, 100}})).value;
  const auto out = k.commit(promotion_of(7, v));
  EXPECT_EQ(out.value, v);
  bool collection = false;
  bool head = false;
  for (const auto& r : out.rows) {
    collection = collection || r.kind == record_kind::collection;
    head = head || r.kind == record_kind::target_head;
  }
  EXPECT_TRUE(collection && head);
  EXPECT_EQ(k.desired(7).status, schema::LoadStatus::LOADED);
  EXPECT_EQ(k.head(7).current, v);
  EXPECT_EQ(k.head(7).next, 0);
  EXPECT_EQ(k.head(7).current_segments, 1u);
  EXPECT_EQ(k.head(7).current_rows, 100);
  EXPECT_EQ(k.head(7).next_segments, 0u);
}

TEST(metadata_rules, next_and_promotion_are_refused_on_another_premise) {
  kept k;
  expect_refused(k, next_of(7, 0, {{1, 1}}), ec::collection_not_loaded);
  expect_refused(k, promotion_of(7, 1), ec::collection_not_loaded);
  const auto v = k.commit(load_of(7, 1, {{11, 100}})).value;
  expect_refused(k, promotion_of(7, v + 1), ec::stale_premise);
  expect_refused(k, next_of(7, v, {{12, 1}}), ec::stale_premise);
  k.commit(promotion_of(7, v));
  expect_refused(k, promotion_of(7, v), ec::stale_premise);
  expect_refused(k, promotion_of(7, 0), ec::stale_premise);
  expect_refused(k, next_of(7, 0, {{12, 1}}), ec::stale_premise);
}

TEST(metadata_rules, a_next_target_leaves_current_untouched_until_promotion) {
  // I-TGT-02, I-TGT-03
  kept k;
  const auto v = k.commit(load_of(7, 1, {{11, 100}, {12, 50}})).value;
  k.commit(promotion_of(7, v));
  const auto n = k.commit(next_of(7, v, {{13, 7}}, {12})).value;
  EXPECT_GT(n, v);
  EXPECT_EQ(k.in(7, v), (ids{11, 12}));
  EXPECT_EQ(k.in(7, n), (ids{11, 13}));
  EXPECT_EQ(k.head(7).next_segments, 2u);
  EXPECT_EQ(k.head(7).next_rows, 107);
  EXPECT_EQ(k.head(7).current_rows, 150);
  k.commit(promotion_of(7, n));
  EXPECT_EQ(k.in(7, n), (ids{11, 13}));
  EXPECT_EQ(k.head(7).current_rows, 107);
}

TEST(metadata_rules, an_index_that_new_segments_bring_is_one_that_the_collection_has) {
  kept k;
  const auto v = k.commit(load_of(7, 1, {{11, 100}})).value;
  k.commit(promotion_of(7, v));
  EXPECT_EQ(k.head(7).indexes, 0u);
  k.commit(build<schema::Commit>([&](schema::Commit::Builder b) {
    auto n = b.initNext();
    n.setCollection(7);
    n.setCurrent(v);
    auto added = n.initAdded(1)[0];
    added.setId(12);
    added.setIndexes(4);
  }));
  EXPECT_EQ(k.head(7).indexes, 4u);
}

TEST(metadata_rules, indexes_change_for_segments_that_stay_and_for_the_collection) {
  kept k;
  const auto v = k.commit(load_of(7, 1, {{11, 100}, {12, 100}})).value;
  k.commit(promotion_of(7, v));
  const auto change = [&](std::int64_t segment, std::uint64_t indexes, bool known) {
    return k.commit(build<schema::Commit>([&](schema::Commit::Builder b) {
      auto n = b.initNext();
      n.setCollection(7);
      n.setCurrent(k.head(7).current);
      auto one = n.initIndexed(1)[0];
      one.setSegment(segment);
      one.setIndexes(indexes);
      one.setBytes(77);
      n.setIndexes(indexes);
      n.setIndexesKnown(known);
    })).value;
  };
  const auto n = change(12, 4, true);
  EXPECT_EQ(k.head(7).indexes, 4u);
  EXPECT_TRUE(k.head(7).indexes_known);
  EXPECT_EQ(k.view.collection(7)->target_of(12)->indexes, 4u);
  EXPECT_EQ(k.view.collection(7)->target_of(12)->bytes, 77);
  EXPECT_EQ(k.in(7, v), (ids{11, 12})) << "no segment came or went";
  EXPECT_EQ(k.in(7, n), (ids{11, 12}));
  k.commit(promotion_of(7, n));
  change(99, 0, false); // not there; and nobody says what the collection has
  EXPECT_EQ(k.head(7).indexes, 4u);
  change(12, 0, true);
  EXPECT_EQ(k.head(7).indexes, 0u);
  EXPECT_EQ(k.view.collection(7)->target_of(12)->indexes, 0u);
}

TEST(metadata_rules, a_dropped_segments_row_stays_one_generation_so_that_its_channel_is_known) {
  kept k;
  const auto v = k.commit(load_of(7, 1, {{11, 1}, {12, 1}})).value;
  k.commit(promotion_of(7, v));
  const auto n = k.commit(next_of(7, v, {}, {12})).value;
  k.commit(promotion_of(7, n));
  EXPECT_TRUE(k.view.collection(7)->target_of(12));
  const auto m = k.commit(next_of(7, n, {{13, 1}})).value;
  k.commit(promotion_of(7, m));
  EXPECT_FALSE(k.view.collection(7)->target_of(12));
}

TEST(metadata_rules, what_was_only_in_next_is_forgotten_when_a_later_next_drops_it) {
  kept k;
  const auto v = k.commit(load_of(7, 1, {{11, 1}})).value;
  k.commit(promotion_of(7, v));
  k.commit(next_of(7, v, {{12, 5}}));
  const auto n = k.commit(next_of(7, v, {{13, 6}}, {12})).value;
  EXPECT_FALSE(k.view.collection(7)->target_of(12));
  EXPECT_EQ(k.in(7, n), (ids{11, 13}));
  EXPECT_EQ(k.head(7).next_segments, 2u);
  EXPECT_EQ(k.head(7).next_rows, 7);
}

TEST(metadata_rules, a_segment_wanted_again_before_it_was_gone_goes_on_in_current) {
  kept k;
  const auto v = k.commit(load_of(7, 1, {{11, 1}, {12, 1}})).value;
  k.commit(promotion_of(7, v));
  k.commit(next_of(7, v, {}, {12}));
  const auto n = k.commit(next_of(7, v, {{12, 1}})).value;
  EXPECT_EQ(k.in(7, v), (ids{11, 12})) << "current must not lose it meanwhile";
  EXPECT_EQ(k.in(7, n), (ids{11, 12}));
  k.commit(promotion_of(7, n));
  EXPECT_EQ(k.in(7, n), (ids{11, 12}));
  // One dropped a generation ago starts anew.
  const auto m = k.commit(next_of(7, n, {}, {12})).value;
  k.commit(promotion_of(7, m));
  const auto o = k.commit(next_of(7, m, {{12, 1}})).value;
  EXPECT_EQ(k.in(7, m), ids{11});
  EXPECT_EQ(k.in(7, o), (ids{11, 12}));
}

TEST(metadata_rules, naming_what_is_there_or_dropping_what_is_not_changes_no_count) {
  kept k;
  const auto v = k.commit(load_of(7, 1, {{11, 10}})).value;
  k.commit(promotion_of(7, v));
  k.commit(next_of(7, v, {{11, 10}}, {99}));
  EXPECT_EQ(k.head(7).next_segments, 1u);
  EXPECT_EQ(k.head(7).next_rows, 10);
}

// -- replicas, nodes, ids -------------------------------------------------------------

TEST(metadata_rules, replicas_change_only_on_the_revision_they_were_concluded_from) {
  kept k;
  k.commit(load_of(7, 2, {{11, 1}}));
  const auto first = k.desired(7).replicas[0].id;
  auto out = k.commit(replicas_of(7, k.desired(7).revision, first, {1, 2}));
  EXPECT_EQ(out.value, 1);
  EXPECT_EQ(k.desired(7).replicas[0].nodes, (std::vector<std::int64_t>{1, 2}));
  EXPECT_TRUE(k.desired(7).replicas[1].nodes.empty());
  const auto before = picture(k.tables);
  out = k.commit(replicas_of(7, k.desired(7).revision - 1, first, {9}));
  EXPECT_EQ(out.value, 0);
  EXPECT_TRUE(out.rows.empty());
  out = k.commit(replicas_of(8, 1, first, {9}));
  EXPECT_TRUE(out.rows.empty());
  EXPECT_EQ(picture(k.tables), before);
}

TEST(metadata_rules, a_node_keeps_its_id_by_name_also_at_another_address) {
  // I-NODE-05
  kept k;
  const auto a = k.commit(node_of("a", "h:1")).value;
  const auto b = k.commit(node_of("b", "h:2")).value;
  EXPECT_NE(a, b);
  const auto same = k.commit(node_of("a", "h:1"));
  EXPECT_EQ(same.value, a);
  EXPECT_TRUE(same.rows.empty()) << "nothing new, nothing written";
  EXPECT_EQ(k.commit(node_of("a", "h:3")).value, a);
  EXPECT_EQ(k.tables.nodes().at(a).address, "h:3");
  EXPECT_TRUE(k.restart().empty());
  EXPECT_EQ(k.commit(node_of("a", "h:3")).value, a);
  EXPECT_EQ(k.tables.nodes().at(b).liveness, schema::NodeLiveness::UNKNOWN);
  expect_refused(k, node_of("", "h:4"), ec::parameter_missing);
}

TEST(metadata_rules, the_limit_of_nodes_is_kept_and_known_names_still_join) {
  kept k;
  for (std::size_t i = 0; i < limits::nodes; ++i)
    ASSERT_EQ(k.commit(node_of("n" + std::to_string(i), "h")).why.code, ec::ok);
  expect_refused(k, node_of("one more", "h"), ec::too_many_requests);
  EXPECT_EQ(k.commit(node_of("n0", "h")).why.code, ec::ok);
}

TEST(metadata_rules, ids_are_never_given_twice_and_their_number_is_bounded) {
  kept k;
  const auto first = k.commit(ids_of(10)).value;
  const auto second = k.commit(ids_of(1)).value;
  EXPECT_EQ(second, first + 10);
  EXPECT_TRUE(k.restart().empty());
  EXPECT_EQ(k.commit(ids_of(1)).value, second + 1);
  expect_refused(k, ids_of(0), ec::parameter_invalid);
  expect_refused(k, ids_of(limits::import_segments + 17), ec::parameter_invalid);
  EXPECT_EQ(k.commit(ids_of(limits::import_segments + 16)).why.code, ec::ok);
}

TEST(metadata_rules, ids_and_versions_grow_over_releases_and_restarts) {
  // I-TGT-01
  kept k;
  std::int64_t newest = 0;
  for (int i = 0; i < 5; ++i) {
    const auto v = k.commit(load_of(7, 2, {{11, 1}})).value;
    for (const auto& r : k.desired(7).replicas) {
      EXPECT_GT(r.id, newest);
    }
    EXPECT_GT(v, newest);
    newest = v;
    k.commit(promotion_of(7, v));
    const auto n = k.commit(next_of(7, v, {{12, 1}})).value;
    EXPECT_GT(n, newest);
    newest = n;
    k.commit(release_of(7));
    EXPECT_TRUE(k.restart().empty());
  }
}

TEST(metadata_rules, each_start_has_a_higher_epoch) {
  kept k;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    auto out = k.tables.start_epoch();
    EXPECT_EQ(static_cast<std::uint64_t>(out.value), i);
    EXPECT_EQ(k.tables.epoch(), i);
    k.take(out);
    EXPECT_TRUE(k.restart().empty());
    EXPECT_EQ(k.tables.epoch(), i);
  }
}

// -- recovery -----------------------------------------------------------------------

TEST(metadata_rules, a_damaged_record_is_named_and_takes_no_neighbour_down) {
  kept k;
  k.commit(node_of("a", "h:1"));
  k.commit(node_of("b", "h:2"));
  for (std::int64_t id : {7, 8, 9, 10})
    k.commit(load_of(id, 1, {{id * 10, 1}}));
  k.journal[{record_kind::collection, "7"}] = "rubbish";
  k.journal[{record_kind::target_head, "8"}].resize(24);
  k.journal[{record_kind::node, "a"}] = std::string(64, '\xff');
  k.journal[{record_kind::target_segments, "9/0"}] = k.journal[{record_kind::target_head, "9"}];
  k.journal[{record_kind::allocator, "ids"}] = "";
  const auto bad = k.restart();
  const auto named = [&](const std::string& what) {
    return std::any_of(bad.begin(), bad.end(), [&](const std::string& b) { return b.find(what) != std::string::npos; });
  };
  EXPECT_TRUE(named("collection 7"));
  EXPECT_TRUE(named("target_head 8"));
  EXPECT_TRUE(named("node a"));
  EXPECT_TRUE(named("target_segments 9/0"));
  EXPECT_TRUE(named("allocator ids"));
  EXPECT_EQ(k.tables.nodes().size(), 1u);
  situation fresh;
  fresh.apply(k.tables.whole().take(1, 1, 0));
  EXPECT_EQ(fresh.collection(7), nullptr);
  EXPECT_EQ(fresh.collection(8), nullptr);
  ASSERT_NE(fresh.collection(10), nullptr);
  EXPECT_TRUE(fresh.collection(10)->target_of(100));
}

TEST(metadata_rules, half_a_target_is_set_aside_and_loading_it_again_leaves_nothing_of_it) {
  kept k;
  segments many;
  for (std::int64_t i = 1; i <= 2'000; ++i)
    many.emplace_back(i, 1);
  k.commit(promotion_of(7, k.commit(load_of(7, 1, many)).value));
  k.commit(promotion_of(8, k.commit(load_of(8, 1, {{5'000, 1}})).value));
  std::vector<std::string> chunks;
  for (const auto& [key, payload] : k.journal)
    if (key.first == record_kind::target_segments && key.second.starts_with("7/"))
      chunks.push_back(key.second);
  ASSERT_GT(chunks.size(), 1u);
  k.journal[{record_kind::target_segments, chunks.back()}] = "rubbish";
  auto bad = k.restart();
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_NE(bad[1].find("collection 7: its target"), std::string::npos) << bad[1];
  EXPECT_NE(bad[1].find("load it again"), std::string::npos) << bad[1];
  situation fresh;
  fresh.apply(k.tables.whole().take(1, 1, 0));
  EXPECT_EQ(fresh.collection(7), nullptr) << "half of it would be searched as if it were all";
  EXPECT_NE(fresh.collection(8), nullptr);
  EXPECT_TRUE(k.journal.contains({record_kind::collection, "7"})) << "it stays to be looked at";
  k.commit(load_of(7, 1, {{1, 1}}));
  EXPECT_TRUE(k.restart().empty());
  EXPECT_EQ(std::count_if(k.journal.begin(), k.journal.end(), [](const auto& e) {
    return e.first.first == record_kind::target_segments && e.first.second.starts_with("7/");
  }), 1);
  k.journal[{record_kind::target_head, "8"}] = "rubbish";
  k.restart();
  k.commit(release_of(8));
  EXPECT_TRUE(k.restart().empty());
}

TEST(metadata_rules, without_the_allocators_record_no_id_in_use_is_given_again) {
  kept k;
  k.commit(node_of("a", "h:1"));
  const auto v = k.commit(load_of(70, 2, {{900, 1}})).value;
  k.commit(promotion_of(70, v));
  const auto n = k.commit(next_of(70, v, {{901, 1}})).value;
  k.journal.erase({record_kind::allocator, "ids"});
  k.restart();
  const auto id = k.commit(ids_of(1)).value;
  EXPECT_GT(id, n) << "a version or replica would be given twice";
  EXPECT_GT(id, 901);
  EXPECT_GT(id, 70);
}

TEST(metadata_rules, replay_after_any_random_commits_gives_the_same_tables_and_the_same_decisions) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    dice d{seed};
    kept k;
    k.commit(ids_of(400)); // Ids in use were given by the allocator: a replay raises it over any it finds in use.
    for (int i = 0; i < 120; ++i) {
      const auto id = d.from(1, 4);
      const auto* c = k.view.collection(id);
      const bool there = c != nullptr && c->desired.has_value();
      const auto some = [&] {
        segments s;
        std::set<std::int64_t> once;
        for (auto n = d.below(d.one_in(5) ? 300 : 12); n > 0; --n)
          once.insert(d.from(1, 400));
        for (auto x : once)
          s.emplace_back(x, x);
        return s;
      };
      // Both sides decide the same commit: one that never crashed, one that was just replayed.
      metadata_tables replayed;
      ASSERT_TRUE(replayed.restore(k.entries()).empty());
      ASSERT_EQ(picture(replayed), picture(k.tables)) << "seed " << seed << " step " << i;
      msg<schema::Commit> m;
      switch (d.below(9)) {
        case 0:
          m = load_of(id, static_cast<std::uint32_t>(d.from(1, 2)), some());
          break;
        case 1:
          m = d.one_in(3) ? release_of(id) : ids_of(static_cast<std::uint32_t>(d.from(1, 5)));
          break;
        case 2:
        case 3:
        case 4: {
          std::vector<std::int64_t> dropped;
          for (auto n = d.below(20); n > 0; --n)
            dropped.push_back(d.from(1, 400));
          m = next_of(id, there ? c->head->current : d.below(3), some(), dropped);
          break;
        }
        case 5:
        case 6:
          m = promotion_of(id, there ? c->head->next : d.below(3));
          break;
        case 7:
          m = there ? replicas_of(id, c->desired->revision, c->desired->replicas[0].id, {d.from(1, 9)}) : release_of(id);
          break;
        default:
          m = node_of("n" + std::to_string(d.below(5)), "h:" + std::to_string(d.below(3)));
      }
      const auto theirs = replayed.decide(m.read());
      const auto out = k.commit(m);
      ASSERT_EQ(out.why.code, theirs.why.code) << "seed " << seed << " step " << i;
      ASSERT_EQ(out.value, theirs.value);
      ASSERT_EQ(picture(replayed), picture(k.tables)) << "seed " << seed << " step " << i;
      // What subscribers were told is what a new one would be told, and the head counts what is there.
      for (const auto& [cid, view] : k.view.collections()) {
        if (!view.head)
          continue;
        for (auto [version, count, rows] :
             {std::make_tuple(view.head->current, view.head->current_segments, view.head->current_rows),
              std::make_tuple(view.head->next, view.head->next_segments, view.head->next_rows)}) {
          if (version == 0)
            continue;
          std::uint32_t found = 0;
          std::int64_t sum = 0;
          view.each_target([&, v = version](const target_row& t) {
            if (t.in(v)) {
              ++found;
              sum += t.rows;
            }
          });
          ASSERT_EQ(found, count) << "seed " << seed << " step " << i << " version " << version;
          ASSERT_EQ(sum, rows);
        }
      }
    }
  }
}

} // namespace
} // namespace muster
