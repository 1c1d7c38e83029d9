// Loads segments into the engine, one at a time; the only place of a node that reads segment files.
#include "actors/node/parts.hpp"
#include "actors/runtime/shell.hpp"

namespace muster {

namespace {

struct loader_shell : shell<segment_loader_actor, loader_shell> {
  loader_shell(self_pointer ptr)
    : shell(ptr, "segment_loader/" + std::to_string(ptr->id()), "segment_loader", "segment_store") {
    // nop
  }

  void load(const m<schema::WorkerLoad>& order) {
    auto s = order->getSource();
    const segment_source source{segment_id{s.getSegment()}, collection_id{s.getCollection()},
                                std::string{view(s.getFile())}, s.getRows()};
    auto loaded = attempt(source, order.read());
    if (!loaded)
      warn("segment ", to_string(source.id), " cannot be loaded: ", loaded.error().text);
    else
      debug("segment ", to_string(source.id), " is loaded: ", loaded->rows, " rows, ", loaded->bytes, " bytes");
    send(store, make<schema::LoadDone>([&](auto b) {
           b.setSegment(source.id.value);
           if (!loaded) {
             set_status(b.initStatus(), loaded.error());
             return;
           }
           b.setRows(loaded->rows);
           b.setBytes(loaded->bytes);
           b.setIndex(static_cast<std::uint8_t>(loaded->index));
           b.setIndexes(loaded->indexes);
           b.setStats(loaded->stats);
         }));
  }

  /// A load that runs out of memory fails; the loader stays.
  result<loaded_segment> attempt(const segment_source& source, schema::WorkerLoad::Reader order) {
    try {
      switch (order.getScope()) {
        case schema::LoadScope::INDEX:
          return engine->change_indexes(source, order.getIndexes(), order.getDrop());
        case schema::LoadScope::STATS:
          return engine->load_stats(source, order.getIndexes());
        default:
          return engine->load(source);
      }
    } catch (const std::bad_alloc&) {
      return failure{ec::memory_limit_exceeded, "no memory for segment " + to_string(source.id)};
    } catch (const std::exception& e) {
      return failure{ec::internal, e.what()};
    }
  }

  std::shared_ptr<segment_engine> engine;
  segment_store_actor store;
};

segment_loader_actor::behavior_type loader_behavior(segment_loader_actor::stateful_pointer<loader_shell> self,
                                                    std::shared_ptr<segment_engine> engine, segment_store_actor store) {
  auto& s = self->state;
  s.engine = std::move(engine);
  s.store = std::move(store);
  return {s.on(&loader_shell::load)};
}

} // namespace

segment_loader_actor spawn_segment_loader(caf::actor_system& system, std::shared_ptr<segment_engine> engine,
                                          segment_store_actor store) {
  if (detach_blocking(system))
    return system.spawn<caf::detached>(loader_behavior, std::move(engine), std::move(store));
  return system.spawn(loader_behavior, std::move(engine), std::move(store));
}

} // namespace muster
