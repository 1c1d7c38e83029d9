// A publication that is written out for a record is read back as what it was.
#include "actors/core/publication_record.hpp"
#include "actors/core/change_set.hpp"
#include "actors/core/message_json.hpp"
#include "tests/unit/situation_builder.hpp"

#include <gtest/gtest.h>

namespace muster {
namespace {

/// As the scheduler publishes it: views in place of chunks.
publication with_views(world& w) {
  situation s;
  s.remember_changes();
  touched_map t;
  for (const auto& [id, c] : w.collections)
    t[id].whole = true;
  s.apply(w.publication_of(t));
  change_set out;
  s.take_views(out);
  out.touch(7, 11);
  out.touch_whole(8);
  out.put_view(9, nullptr);
  return out.take(5, 3, 0);
}

result<publication> back(const publication_bytes& bytes) {
  std::vector<std::string_view> frames(bytes.frames.begin(), bytes.frames.end());
  return read_publication(frames, bytes.about);
}

struct publication_record : testing::Test {
  publication_record() {
    w.usable({1, 2});
    w.loaded(7, {{1, 2}});
    w.loaded(8, {{1}});
    w.segment(7, 11).settle(7);
    w.segment(7, 12);
    w.lead(8, "a", 1);
    original = with_views(w);
  }

  world w;
  publication original;
};

TEST_F(publication_record, what_was_shared_by_reference_comes_back_with_the_same_content) {
  const auto written = write(original);
  auto read = back(written);
  ASSERT_TRUE(read) << read.error().text;
  // Not the bytes: where empty lists point may be another place.
  EXPECT_EQ(json_of(capnp::toDynamic(read->header.read())), json_of(capnp::toDynamic(original.header.read())));
  EXPECT_EQ(*read->touched, *original.touched);
  ASSERT_EQ(read->views.size(), original.views.size());
  for (std::size_t i = 0; i < original.views.size(); ++i) {
    const auto& [id, before] = original.views[i];
    const auto& [same, after] = read->views[i];
    ASSERT_EQ(id, same);
    ASSERT_EQ(before == nullptr, after == nullptr) << id;
    if (!before)
      continue;
    EXPECT_EQ(before->target_count(), after->target_count());
    EXPECT_EQ(before->view_count(), after->view_count());
    EXPECT_EQ(before->copies_of(11), after->copies_of(11));
    EXPECT_EQ(before->delegators, after->delegators);
  }
  ASSERT_EQ(read->loads.size(), original.loads.size());
  for (std::size_t i = 0; i < original.loads.size(); ++i)
    EXPECT_EQ(read->loads[i].second.rows, original.loads[i].second.rows);
  EXPECT_EQ(read->target_segments, original.target_segments);
  // Written again it is the same bytes: nothing was lost on the way.
  const auto again = write(*read);
  EXPECT_EQ(again.about, written.about);
  ASSERT_EQ(again.frames.size(), written.frames.size());
  for (std::size_t i = 1; i < again.frames.size(); ++i)
    EXPECT_TRUE(again.frames[i] == written.frames[i]) << "chunk " << i;
}

TEST_F(publication_record, bytes_that_are_cut_off_are_refused) {
  const auto whole = write(original);
  for (auto cut = std::size_t{0}; cut < whole.about.size(); cut += 8) {
    auto part = whole;
    part.about.resize(cut);
    EXPECT_FALSE(back(part)) << cut;
  }
  for (std::size_t n = 0; n < whole.frames.size(); ++n) {
    auto part = whole;
    part.frames.resize(n);
    EXPECT_FALSE(back(part)) << n;
  }
  auto more = whole;
  more.frames.push_back(more.frames.back());
  EXPECT_FALSE(back(more));
}

TEST_F(publication_record, as_json_it_names_the_collections_it_is_about) {
  const auto text = json_of(original);
  EXPECT_NE(text.find(R"("collection":"7")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("gone":true)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("number":"5")"), std::string::npos) << text;
}

} // namespace
} // namespace muster
