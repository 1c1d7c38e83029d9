// Which segments are on a node and which loads run or wait: absent, waiting, loading, loaded, changing; no CAF, no engine.
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

/// What an update changes of a segment that is here.
struct segment_update {
  enum class what { load_indexes, drop_indexes, load_stats };
  what kind = what::load_indexes;
  std::uint64_t ids = 0; ///< Bit i: index or field i.
};

/// The table behind segment_store. Who asks is a number of the caller's choice; every number is answered once.
class node_segments {
public:
  struct answer {
    std::uint64_t who = 0;
    std::optional<failure> why; ///< Nothing: ok, once what is in `changes` is noted.
  };
  struct start {
    load_source source;
    std::optional<segment_update> update; ///< Nothing: a load.
  };
  struct actions {
    std::vector<start> starts;             ///< Loads to hand to idle loaders; never more than there are.
    std::vector<segment_id> releases;      ///< Segments the engine must drop, before any of `starts`.
    std::vector<reported_copy> copies;     ///< Came or changed.
    std::vector<segment_id> removed;       ///< Went.
    std::vector<answer> answers;           ///< To give after copies and removed are noted.
  };
  /// How a started load or update ended well.
  struct loaded {
    std::int64_t rows = 0;
    std::int64_t bytes = 0;
    std::uint8_t index = 0;
    std::uint64_t indexes = 0;
    std::uint64_t stats = 0;
  };

  node_segments(std::size_t loaders, std::size_t waiting_limit) : loaders_(loaders), waiting_limit_(waiting_limit) {
    // nop
  }

  /// Loads a segment or joins its load; here already: ok at once, the higher version stays. Of low priority: behind all others.
  void load(std::uint64_t who, const load_source& source, std::int64_t version);
  /// Changes indexes or statistics of a segment that is here; segment_not_loaded when it is not. One change of a segment at a time.
  void update(std::uint64_t who, const load_source& source, const segment_update& what);
  /// Drops a segment; a load that runs is let finish first, one that waits is cancelled; unknown: ok.
  void release(std::uint64_t who, segment_id segment);
  /// A started load or update ended. A failed load leaves nothing, a failed update the copy as it was.
  void done(segment_id segment, const std::optional<failure>& why, const loaded& now);

  actions take();

  std::size_t loading() const {
    return loading_;
  }
  std::size_t waiting() const {
    return queue_.size() + low_.size();
  }

private:
  enum class phase { waiting, loading, loaded, updating };
  struct request {
    std::uint64_t who = 0;
    load_source source;
    std::int64_t version = 0;
  };
  struct pending_update {
    std::uint64_t who = 0;
    segment_update what;
  };
  struct row {
    phase at = phase::waiting;
    reported_copy copy;
    load_source source;
    std::vector<std::uint64_t> loads;    ///< Await the load.
    std::vector<std::uint64_t> releases; ///< Came while it was loading or updating: drop it then.
    std::vector<request> again;          ///< Came behind the releases: load it anew then.
    std::deque<pending_update> updates;  ///< The first one runs while it is updating.
  };

  void finish_load(segment_id segment, const std::optional<failure>& why, const loaded& now);
  void drop(segment_id segment, const std::optional<failure>& why);
  void cancel_updates(row& r, segment_id segment);
  void leave_queue(segment_id segment);
  void start_next();

  std::size_t loaders_;
  std::size_t waiting_limit_;
  std::size_t loading_ = 0;
  std::map<segment_id, row> rows_;
  std::deque<segment_id> queue_;
  std::deque<segment_id> low_; ///< Of low priority.
  actions out_;
};

} // namespace muster
