// Which segments are on a node and which loads run or wait: absent, waiting, loading, loaded; no CAF, no engine.
#pragma once

#include "actors/core/node_book.hpp"
#include "messages/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace muster {

/// The table behind segment_store. Who asks is a number of the caller's choice; every number is answered once.
class node_segments {
public:
  struct answer {
    std::uint64_t who = 0;
    std::optional<failure> why; ///< Nothing: ok, once what is in `changes` is noted.
  };
  struct start {
    load_source source;
  };
  struct actions {
    std::vector<start> starts;             ///< Loads to hand to idle loaders; never more than there are.
    std::vector<segment_id> releases;      ///< Segments the engine must drop, before any of `starts`.
    std::vector<reported_copy> copies;     ///< Came or changed.
    std::vector<segment_id> removed;       ///< Went.
    std::vector<answer> answers;           ///< To give after copies and removed are noted.
  };

  node_segments(std::size_t loaders, std::size_t waiting_limit) : loaders_(loaders), waiting_limit_(waiting_limit) {
    // nop
  }

  /// Loads a segment or joins its load; here already: ok at once, the higher version stays.
  void load(std::uint64_t who, const load_source& source, std::int64_t version);
  /// Drops a segment; a load that runs is let finish first, one that waits is cancelled; unknown: ok.
  void release(std::uint64_t who, segment_id segment);
  /// A started load ended. A failed one leaves nothing.
  void done(segment_id segment, const std::optional<failure>& why, std::int64_t rows, std::int64_t bytes,
            std::uint8_t index);

  actions take();

  std::size_t loading() const {
    return loading_;
  }
  std::size_t waiting() const {
    return queue_.size();
  }

private:
  enum class phase { waiting, loading, loaded };
  struct request {
    std::uint64_t who = 0;
    load_source source;
    std::int64_t version = 0;
  };
  struct row {
    phase at = phase::waiting;
    reported_copy copy;
    load_source source;
    std::vector<std::uint64_t> loads;    ///< Await the load.
    std::vector<std::uint64_t> releases; ///< Came while it was loading: drop it then.
    std::vector<request> again;          ///< Came behind the releases: load it anew then.
  };

  void start_next();

  std::size_t loaders_;
  std::size_t waiting_limit_;
  std::size_t loading_ = 0;
  std::map<segment_id, row> rows_;
  std::deque<segment_id> queue_;
  actions out_;
};

} // namespace muster
