// Checking and merging searches.
#include "actors/core/node_search.hpp"

#include "messages/limits.hpp"

#include <algorithm>
#include <string>

namespace muster {

result<std::size_t> check_search(schema::SearchRequest::Reader request) {
  if (request.getName().size() > 0)
    return std::size_t{0};
  const auto dimension = request.getDimension();
  const auto values = request.getVectors().size();
  if (dimension == 0 || dimension > limits::dimensions)
    return failure{ec::parameter_invalid, "dimension is " + std::to_string(dimension) + "; it must be 1 to "
                                            + std::to_string(limits::dimensions)};
  if (values == 0 || values % dimension != 0)
    return failure{ec::parameter_invalid, std::to_string(values) + " values are not whole vectors of dimension "
                                            + std::to_string(dimension)};
  if (values / dimension > limits::search_queries)
    return failure{ec::parameter_invalid, std::to_string(values / dimension) + " query vectors; at most "
                                            + std::to_string(limits::search_queries) + " go into one search"};
  if (request.getK() == 0 || request.getK() > limits::search_k)
    return failure{ec::parameter_invalid, "k is " + std::to_string(request.getK()) + "; it must be 1 to "
                                            + std::to_string(limits::search_k)};
  return std::size_t{values / dimension};
}

namespace {

result<unit> merge_rows(const std::vector<msg<schema::SearchReply>>& parts, schema::SearchReply::Builder to) {
  std::vector<schema::NamedRow::Reader> rows;
  for (const auto& part : parts)
    for (auto row : part->getRows())
      rows.push_back(row);
  if (rows.size() > limits::named_rows)
    return failure{ec::parameter_invalid, std::to_string(rows.size()) + " rows have this name; at most "
                                            + std::to_string(limits::named_rows) + " can be answered"};
  std::stable_sort(rows.begin(), rows.end(), [](auto a, auto b) { return a.getId() < b.getId(); });
  auto list = to.initRows(static_cast<unsigned>(rows.size()));
  for (unsigned i = 0; i < list.size(); ++i)
    list.setWithCaveats(i, rows[i]);
  return unit{};
}

} // namespace

result<unit> merge_search(schema::SearchRequest::Reader request, const std::vector<msg<schema::SearchReply>>& parts,
                          schema::SearchReply::Builder to) {
  auto queries = check_search(request);
  if (!queries)
    return queries.error();
  if (request.getName().size() > 0)
    return merge_rows(parts, to);
  for (const auto& part : parts)
    if (part->getQueries().size() != *queries)
      return failure{ec::internal, "a worker answered " + std::to_string(part->getQueries().size()) + " of "
                                     + std::to_string(*queries) + " queries"};
  auto list = to.initQueries(static_cast<unsigned>(*queries));
  std::vector<schema::Hit::Reader> hits;
  for (unsigned q = 0; q < list.size(); ++q) {
    hits.clear();
    for (const auto& part : parts)
      for (auto hit : part->getQueries()[q].getHits())
        hits.push_back(hit);
    const auto keep = std::min<std::size_t>(hits.size(), request.getK());
    std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(keep), hits.end(), [](auto a, auto b) {
      return a.getDistance() != b.getDistance() ? a.getDistance() < b.getDistance() : a.getId() < b.getId();
    });
    auto out = list[q].initHits(static_cast<unsigned>(keep));
    for (unsigned i = 0; i < keep; ++i)
      out.setWithCaveats(i, hits[i]);
  }
  return unit{};
}

} // namespace muster
