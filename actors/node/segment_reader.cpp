// Searches segments of this node, one request at a time; a node has limits::readers of it.
#include "actors/core/node_search.hpp"
#include "actors/node/parts.hpp"
#include "actors/runtime/shell.hpp"

namespace muster {

namespace {

struct reader_shell : shell<segment_reader_actor, reader_shell> {
  reader_shell(self_pointer ptr)
    : shell(ptr, "segment_reader/" + std::to_string(ptr->id()), "segment_reader", "node") {
    // nop
  }

  caf::result<m<schema::SearchReply>> search(const m<schema::WorkerSearch>& work) {
    auto request = work->getRequest();
    auto queries = check_search(request);
    if (!queries)
      return refuse(queries.error());
    std::vector<segment_id> segments;
    for (auto segment : work->getSegments())
      segments.push_back(segment_id{segment});
    try {
      return request.getName().size() > 0 ? find(segments, request) : nearest(segments, request, *queries);
    } catch (const std::exception& e) {
      return refuse({ec::internal, e.what()});
    }
  }

  m<schema::SearchReply> nearest(const std::vector<segment_id>& segments, schema::SearchRequest::Reader request,
                                 std::size_t queries) {
    const auto dimension = request.getDimension();
    auto values = request.getVectors();
    std::vector<float> query(dimension);
    std::vector<std::vector<search_hit>> hits;
    for (std::size_t q = 0; q < queries; ++q) {
      for (std::uint32_t d = 0; d < dimension; ++d)
        query[d] = values[static_cast<unsigned>(q * dimension + d)];
      auto found = engine->search(segments, query, request.getK());
      if (!found)
        return refuse(found.error());
      hits.push_back(std::move(*found));
    }
    return make<schema::SearchReply>([&](auto b) {
      auto out = b.initQueries(static_cast<unsigned>(hits.size()));
      for (unsigned q = 0; q < out.size(); ++q) {
        auto list = out[q].initHits(static_cast<unsigned>(hits[q].size()));
        for (unsigned i = 0; i < list.size(); ++i) {
          list[i].setId(hits[q][i].id);
          list[i].setDistance(hits[q][i].distance);
          list[i].setName(hits[q][i].name);
        }
      }
    });
  }

  m<schema::SearchReply> find(const std::vector<segment_id>& segments, schema::SearchRequest::Reader request) {
    auto rows = engine->find_by_name(segments, view(request.getName()));
    if (!rows)
      return refuse(rows.error());
    if (rows->size() > limits::named_rows)
      return refuse({ec::parameter_invalid, std::to_string(rows->size()) + " rows have this name; at most "
                                              + std::to_string(limits::named_rows) + " can be answered"});
    return make<schema::SearchReply>([&](auto b) {
      auto out = b.initRows(static_cast<unsigned>(rows->size()));
      for (unsigned i = 0; i < out.size(); ++i) {
        const auto& row = (*rows)[i];
        out[i].setName(row.name);
        out[i].setId(row.id);
        out[i].setVector({row.vector.data(), row.vector.size()});
      }
    });
  }

  m<schema::SearchReply> refuse(const failure& why) const {
    return make<schema::SearchReply>([&](auto b) { set_status(b.initStatus(), why); });
  }

  std::shared_ptr<segment_engine> engine;
};

segment_reader_actor::behavior_type reader_behavior(segment_reader_actor::stateful_pointer<reader_shell> self,
                                                    std::shared_ptr<segment_engine> engine) {
  auto& s = self->state;
  s.engine = std::move(engine);
  return {s.on(&reader_shell::search)};
}

} // namespace

segment_reader_actor spawn_segment_reader(caf::actor_system& system, std::shared_ptr<segment_engine> engine) {
  if (detach_blocking(system))
    return system.spawn<caf::detached>(reader_behavior, std::move(engine));
  return system.spawn(reader_behavior, std::move(engine));
}

} // namespace muster
