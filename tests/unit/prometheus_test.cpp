// Guards the text of /metrics: its escapes, numbers and buckets, and that sums follow changes.
#include "actors/core/cluster_figures.hpp"
#include "actors/core/prometheus.hpp"
#include "tests/unit/dice.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

namespace muster {
namespace {

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    out.push_back(line);
  return out;
}

bool has(const std::string& text, const std::string& line) {
  const auto all = lines(text);
  return std::find(all.begin(), all.end(), line) != all.end();
}

TEST(prometheus_text, labels_and_help_are_escaped) {
  prometheus_text out;
  out.gauge("x", "a \\ and\na line");
  out.sample({{"l", "a\"b\\c\nd"}, {"m", ""}}, 1);
  EXPECT_EQ(out.take(), "# HELP x a \\\\ and\\na line\n# TYPE x gauge\nx{l=\"a\\\"b\\\\c\\nd\",m=\"\"} 1\n");
}

TEST(prometheus_text, numbers_mean_what_they_were) {
  prometheus_text out;
  out.counter("x", "y");
  for (double v : {0.0, 1e6, 123456789012345.0, 0.25, -3.5, 1.795772269328e18})
    out.sample(v);
  const auto all = lines(out.take());
  const std::vector<std::string> wanted{"x 0", "x 1000000", "x 123456789012345", "x 0.25", "x -3.5", "x 1.795772269328e+18"};
  EXPECT_EQ(std::vector<std::string>(all.begin() + 2, all.end()), wanted);
}

TEST(prometheus_text, buckets_are_cumulated_and_end_with_all) {
  histogram h{release_bounds};
  for (double v : {3.0, 5.0, 7.0, 20'000.0})
    h.observe(v);
  prometheus_text out;
  out.histogram_family("x", "y");
  out.buckets({{"k", "v"}}, h);
  const auto text = out.take();
  for (const auto* line : {"x_bucket{k=\"v\",le=\"0\"} 0", "x_bucket{k=\"v\",le=\"5\"} 2", "x_bucket{k=\"v\",le=\"10\"} 3",
                           "x_bucket{k=\"v\",le=\"10000\"} 3", "x_bucket{k=\"v\",le=\"+Inf\"} 4", "x_sum{k=\"v\"} 20015",
                           "x_count{k=\"v\"} 4"})
    EXPECT_TRUE(has(text, line)) << line << "\n" << text;
}

TEST(prometheus_text, each_family_is_told_once_with_help_and_type) {
  prometheus_text out;
  cluster_figures{}.write(situation{}, true, out);
  write_tally({}, out);
  std::set<std::string> helped;
  std::string family;
  for (const auto& line : lines(out.take())) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(helped.insert(family).second) << family << " comes twice";
      EXPECT_GT(line.size(), 8 + family.size()) << family << " has no help";
    } else if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(line.starts_with("# TYPE " + family + " ")) << line;
    } else {
      EXPECT_TRUE(line.starts_with(family)) << line;
    }
  }
  EXPECT_GT(helped.size(), 30u);
}

TEST(task_tally, what_began_and_has_not_ended_is_in_flight) {
  task_tally t;
  for (int i = 0; i < 5; ++i)
    t.begin(schema::TaskKind::LOAD_SEGMENT);
  t.end(schema::TaskKind::LOAD_SEGMENT, schema::TaskStatus::SUCCEEDED, 2'000'000);
  t.end(schema::TaskKind::LOAD_SEGMENT, schema::TaskStatus::FAILED, 2'000'000);
  t.end(schema::TaskKind::LOAD_SEGMENT, schema::TaskStatus::CANCELED, 2'000'000);
  EXPECT_EQ(t.of(schema::TaskKind::LOAD_SEGMENT).in_flight(), 2u);
  coordinator_tally all;
  all.tasks = t;
  prometheus_text out;
  write_tally(all, out);
  const auto text = out.take();
  EXPECT_TRUE(has(text, "milvus_querycoord_task_num{querycoord_task_type=\"segment_grow\"} 2")) << text;
  EXPECT_TRUE(has(text, "milvus_querycoord_task_latency_count{task_type=\"segment_grow\"} 3"));
  EXPECT_TRUE(has(text, "muster_task_duration_seconds_sum{kind=\"loadSegment\"} 0.006"));
}

TEST(task_tally, each_kind_of_task_has_a_type_of_the_model) {
  const auto kinds = capnp::Schema::from<schema::TaskKind>().getEnumerants().size();
  EXPECT_LE(kinds, task_tally{}.kinds.size()) << "more kinds of tasks than places for them";
  for (unsigned i = 1; i < kinds; ++i)
    EXPECT_NE(model_task_type(static_cast<schema::TaskKind>(i)), "unknown") << i;
}

std::string figures_text(const cluster_figures& f, const situation& s) {
  prometheus_text out;
  f.write(s, true, out);
  return out.take();
}

/// As if all that is known had come at once.
std::string from_scratch(const situation& s) {
  touched_map all;
  for (const auto& [id, view] : s.collections())
    all[id].whole = true;
  cluster_figures f;
  f.hear(s, all);
  return figures_text(f, s);
}

TEST(cluster_figures, sums_that_followed_each_change_are_those_of_a_fresh_count) {
  dice random{7};
  const auto one_of = [&](std::int64_t n) { return random.below(n); };
  world w;
  w.usable({1, 2, 3, 4}).group("spare", {4});
  cluster_figures f;
  f.hear(w.view, w.whole());
  for (int step = 0; step < 400; ++step) {
    const auto id = 1 + one_of(8);
    touched_map touched;
    touched[id].whole = true;
    switch (one_of(7)) {
      case 0:
        w.collections.erase(id);
        break;
      case 1:
        w.loaded(id, {{1, 2}, {3}}, 2);
        break;
      case 2:
        w.loaded(id, {{1}}).desired->replicas[0].resource_group = "spare";
        break;
      case 3:
        if (w.collections.contains(id) && w.collections[id].desired) {
          w.collections[id].desired->status = schema::LoadStatus::LOADING;
          w.collections[id].desired->replicas[0].read_only_nodes = {4};
        }
        break;
      case 4:
        if (w.collections.contains(id) && w.collections[id].head) {
          w.collections[id].head->current_segments = static_cast<std::uint32_t>(one_of(9));
          w.collections[id].head->current_rows = one_of(1'000);
        }
        break;
      case 5:
        if (w.collections.contains(id))
          w.lead(id, "a", 1 + one_of(3), 101, 5, 1, one_of(2) == 0);
        break;
      default:
        if (w.collections.contains(id))
          w.collections[id].desired.reset();
        break;
    }
    f.hear(w.view, w.publish(touched));
    ASSERT_EQ(figures_text(f, w.view), from_scratch(w.view)) << "after step " << step;
  }
}

TEST(cluster_figures, collections_have_lines_of_their_own_only_when_asked_for) {
  world w;
  w.usable({1});
  w.loaded(5, {{1}});
  cluster_figures f;
  f.hear(w.view, w.whole());
  EXPECT_TRUE(has(figures_text(f, w.view), "muster_collection_loaded{collection_id=\"5\",collection=\"c5\"} 1"));
  prometheus_text out;
  f.write(w.view, false, out);
  const auto text = out.take();
  EXPECT_EQ(text.find("collection_id"), std::string::npos);
  EXPECT_TRUE(has(text, "milvus_querycoord_collection_num 1"));
  EXPECT_TRUE(has(text, "milvus_querycoord_querynode_num 1"));
  EXPECT_TRUE(has(text, "milvus_querycoord_resource_group_replica_total{rg=\"__default_resource_group\"} 1"));
}

} // namespace
} // namespace muster
