// Pages of searches.
#include "deploy/queries.hpp"

#include <algorithm>

namespace muster::cli {

namespace {

// Queries in one request: few enough for a deadline, many enough that the way there does not count.
constexpr std::size_t page_queries = 50;

} // namespace

std::vector<std::vector<search_hit>> search_all(session& s, const std::string& collection,
                                                const npy_matrix<float>& queries, std::uint32_t k,
                                                std::chrono::milliseconds deadline) {
  std::vector<std::vector<search_hit>> out;
  for (std::size_t from = 0; from < queries.rows; from += page_queries) {
    const auto to = std::min(from + page_queries, queries.rows);
    search_query q;
    q.collection = collection;
    q.dimension = static_cast<std::uint32_t>(queries.columns);
    q.k = k;
    q.deadline = deadline;
    q.vectors.assign(queries.values.begin() + static_cast<std::ptrdiff_t>(from * queries.columns),
                     queries.values.begin() + static_cast<std::ptrdiff_t>(to * queries.columns));
    auto got = s.wait(s.api().search(std::move(q)));
    if (!got.ok())
      throw command_error{explained(s, collection, got.why)};
    std::move(got.queries.begin(), got.queries.end(), std::back_inserter(out));
  }
  return out;
}

failure explained(session& s, const std::string& collection, failure why) {
  if (why.code != ec::collection_not_loaded && why.code != ec::deadline_exceeded)
    return why;
  auto known = s.call<schema::DescribeCollectionRequest>([&](auto b) { b.setCollection(collection); },
                                                         std::chrono::milliseconds{1'000});
  if (!known)
    return known.error().code == ec::collection_not_found ? known.error() : why;
  const auto status = known->read().getCollection().getLoadStatus();
  if (status == "released")
    return {ec::collection_not_loaded,
            "collection " + collection + " is not loaded; load it with muster load " + collection};
  if (status == "loading")
    return {ec::collection_not_fully_loaded,
            "collection " + collection + " is still being loaded; muster status says what it waits for"};
  return why;
}

} // namespace muster::cli
