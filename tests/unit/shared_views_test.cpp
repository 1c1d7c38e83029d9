// Guards what many situations share: whoever hears views sees what whoever merged the chunks sees, whatever was merged on the way.
#include "tests/unit/dice.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace muster {
namespace {

std::string text_of(const situation& s) {
  std::ostringstream out;
  for (const auto& [id, view] : s.collections()) {
    out << id << (view.desired ? view.desired->name : "") << (view.head ? view.head->current : 0) << '|';
    view.each_target([&](const target_row& t) { out << 't' << t.segment << ',' << t.rows; });
    view.each_copy([&](const copy_row& c) { out << 'c' << c.segment << '@' << c.node; });
    view.each_view([&](const view_row& v) { out << 'v' << v.segment << ':' << v.leader << '>' << v.worker; });
    for (const auto& d : view.delegators)
      out << 'd' << d.channel << d.node << d.served;
    for (const auto& t : view.tasks)
      out << 'k' << t.id << ',' << t.segment << (view.task_on(t.replica, t.segment) == &t);
    for (std::int64_t n = 1; n <= 4; ++n)
      out << 'h' << view.on(n).rows << ',' << view.on(n).segments << ',' << view.on(n).channels;
    out << 'w' << view.workers_of(1).size() << view.view_count() << view.target_count() << '\n';
  }
  for (std::int64_t n = 1; n <= 4; ++n) {
    const auto load = s.load(n);
    out << n << s.usable(n) << load.rows << ',' << load.segments << ',' << load.channels << '\n';
  }
  out << s.entities() << ' ' << s.number();
  return out.str();
}

/// What task_scheduler does: chunks in, views out.
struct merger {
  situation view;
  change_set pending;
  std::uint64_t number = 0;

  merger() {
    view.remember_changes();
  }

  void hear(const publication& p) {
    const auto touched = view.apply(p);
    pending.merge_nodes(p);
    pending.touch(touched);
  }

  publication publish() {
    view.take_views(pending);
    return pending.take(++number, 1, 0);
  }
};

TEST(shared_views, those_who_hear_views_see_what_the_one_who_merged_the_chunks_sees) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    dice d{seed};
    world w;
    w.usable({1, 2, 3, 4});
    merger m;
    situation prompt;
    situation slow;
    change_set kept_back;
    for (int step = 0; step < 30; ++step) {
      const auto id = 1 + d.below(3);
      switch (d.below(8)) {
        case 0:
          w.loaded(id, {{1, 2, 3}}, 2);
          for (std::int64_t s = 1; s <= 5; ++s)
            w.segment(id, 10 * id + s);
          w.settle(id);
          break;
        case 1:
          w.collections.erase(id);
          break;
        case 2:
          w.copy(id, 10 * id + d.below(6), 1 + d.below(4));
          break;
        case 3:
          w.uncopy(id, 10 * id + d.below(6), 1 + d.below(4));
          break;
        case 4:
          w.route(id, 10 * id + d.below(6), 1, d.below(4));
          break;
        case 5:
          w.collections[id].tasks = {a_task(schema::TaskKind::MOVE_SEGMENT, 101, 10 * id + 1)};
          break;
        case 6:
          w.collections[id].tasks.clear();
          break;
        default:
          w.nodes.at(1 + d.below(4)).stopping = d.below(2) == 0;
      }
      m.hear(w.publication_of_all());
      if (d.below(3) == 0)
        continue; // the next publication carries this too
      const auto p = m.publish();
      prompt.apply(p);
      ASSERT_EQ(text_of(prompt), text_of(m.view).substr(0, text_of(m.view).rfind(' ') + 1) + std::to_string(m.number))
        << "seed " << seed << " step " << step;
      kept_back.merge(p);
      if (d.below(4) == 0) {
        slow.apply(kept_back.take(m.number, 1, 0));
        ASSERT_EQ(text_of(slow), text_of(prompt)) << "seed " << seed << " step " << step;
      }
    }
  }
}

TEST(shared_views, a_view_that_was_published_never_changes) {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  w.segment(7, 11).segment(7, 12).settle(7);
  merger m;
  m.hear(w.publication_of_all());
  situation reader;
  reader.apply(m.publish());
  const auto before = text_of(reader);
  w.uncopy(7, 11, 1).copy(7, 11, 2);
  w.collections[7].tasks = {a_task(schema::TaskKind::MOVE_SEGMENT, 101, 12)};
  m.hear(w.publication_of_all());
  EXPECT_EQ(text_of(reader), before);
  reader.apply(m.publish());
  EXPECT_NE(text_of(reader), before);
}

TEST(shared_views, who_comes_late_or_anew_gets_everything) {
  world w;
  w.usable({1, 2}).loaded(7, {{1, 2}});
  w.segment(7, 11).settle(7);
  merger m;
  m.hear(w.publication_of_all());
  situation early;
  early.apply(m.publish());
  w.collections.erase(7);
  w.loaded(8, {{2}});
  w.segment(8, 21).settle(8);
  m.hear(w.publication_of_all());
  m.publish();
  change_set all;
  all.make_whole({schema::ChunkKind::NODES, schema::ChunkKind::COLLECTION, schema::ChunkKind::TARGET_HEAD,
                  schema::ChunkKind::TARGET_SEGMENTS, schema::ChunkKind::DELEGATORS, schema::ChunkKind::COPIES,
                  schema::ChunkKind::VIEWS, schema::ChunkKind::TASKS, schema::ChunkKind::DELTAS, schema::ChunkKind::FAILURES});
  m.view.all_views(all);
  const auto p = all.take(m.number, 1, 0);
  early.apply(p);
  situation late;
  late.apply(p);
  EXPECT_EQ(early.collection(7), nullptr);
  ASSERT_NE(late.collection(8), nullptr);
  EXPECT_EQ(early.load(2).segments, 1);
  EXPECT_EQ(late.load(2).segments, 1);
  EXPECT_EQ(early.named("c8"), early.collection(8));
  EXPECT_EQ(early.named("c7"), nullptr);
}

TEST(shared_views, a_node_that_a_replica_names_and_nobody_has_heard_of_is_not_known) {
  world w;
  w.usable({1}).loaded(7, {{1, 9}});
  merger m;
  m.hear(w.publication_of_all());
  situation reader;
  reader.apply(m.publish());
  EXPECT_FALSE(reader.all_known(reader.collection(7)->desired->replicas[0]));
  w.usable({9});
  m.hear(w.publication_of_all());
  reader.apply(m.publish());
  EXPECT_TRUE(reader.all_known(reader.collection(7)->desired->replicas[0]));
}

} // namespace
} // namespace muster
