// Guards the answers on real vectors: near enough to exact ones, and the same from one node and from four.
#include "tests/process/processes.hpp"
#include "tests/support/paths.hpp"

#include <filesystem>
#include <gtest/gtest.h>

namespace muster::test {
namespace {

// The larger set lies beside the repository where the project is developed.
std::string data_file(const std::string& name) {
  return std::string{MUSTER_SOURCE_DIR} + "/../shared/data/glove-40k-100d/" + name;
}

struct answers {
  std::string recall;
  std::vector<std::int64_t> ids;
};

answers answers_of(cluster& c) {
  answers out;
  out.recall = c.must({"recall", "words", "--vector-file", data_file("queries.npy"), "--truth",
                       data_file("groundtruth-cosine-top10.npy"), "--deadline-ms", "30000"});
  out.ids = ids_in(c.must(
      {"search", "words", "--vector-file", data_file("queries.npy"), "-k", "10", "--json", "--deadline-ms", "30000"}));
  return out;
}

TEST(real_data, recall_is_high_and_one_node_answers_as_four_do) {
  if (!std::filesystem::exists(data_file("base.npy")))
    GTEST_SKIP() << "the set of 40,000 vectors is not at " << data_file("")
                 << "; deploy/run tries the sample of 10,000";
  cluster c{1};
  c.must({"import", "words", "--vectors", data_file("base.npy"), "--ids", data_file("words.txt"), "--metric", "cosine",
          "--shards", "2", "--segment-rows", "5000"},
         seconds{100});
  c.must({"load", "words"});
  const auto one = answers_of(c);
  EXPECT_GE(std::stod(one.recall.substr(one.recall.find(' '))), 0.95) << one.recall;
  c.must({"release", "words"});
  for (auto* name : {"node-2", "node-3", "node-4"})
    c.start_node(name);
  c.must({"wait", "--nodes", "4"});
  c.must({"load", "words"});
  const auto four = answers_of(c);
  EXPECT_EQ(one.ids, four.ids);
  EXPECT_EQ(one.ids.size(), 2'000u);
  EXPECT_GE(std::stod(four.recall.substr(four.recall.find(' '))), 0.95) << four.recall;
}

} // namespace
} // namespace muster::test
