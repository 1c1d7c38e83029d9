// The slow walk over everything that finds what no change told: in slices, a whole round in a given time.
#pragma once

#include "actors/core/proposal.hpp"
#include "actors/core/situation.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace muster {

/// What one slice found. A defect is something to be done that the rules did not know of: a change that did not reach them.
struct sweep_findings {
  std::size_t looked = 0;  ///< Segments, and one for each collection.
  std::size_t defects = 0;
  bool round_done = false;
  std::vector<proposal> proposals;
};

/// Where the walk is: the next segment of the next collection.
class sweep_cursor {
public:
  /// One slice of at most `most` entities. `Rules` has
  ///   std::optional<std::int64_t> sweep(situation, collection, from, most, findings)
  /// which looks at up to `most` segments from that id on, counts them in findings.looked and returns where to go on, or nothing at
  /// the collection's end. Cost: the slice.
  template <class Rules>
  sweep_findings slice(Rules& rules, const situation& s, std::size_t most) {
    sweep_findings found;
    while (found.looked < most) {
      const auto i = s.collections().lower_bound(collection_);
      if (i == s.collections().end()) {
        collection_ = segment_ = 0;
        found.round_done = true;
        break;
      }
      if (i->first != collection_)
        segment_ = 0;
      collection_ = i->first;
      if (segment_ == 0)
        ++found.looked;
      const auto next = rules.sweep(s, collection_, segment_, most - std::min(most, found.looked), found);
      if (next) {
        segment_ = *next;
      } else {
        ++collection_;
        segment_ = 0;
      }
    }
    return found;
  }

private:
  std::int64_t collection_ = 0;
  std::int64_t segment_ = 0;
};

/// The wait between slices, so that a round over `entities` takes `round`.
inline std::chrono::milliseconds sweep_interval(std::size_t entities, std::size_t slice, std::chrono::milliseconds round) {
  const auto slices = static_cast<std::int64_t>(entities / slice + 1);
  return std::max(round / slices, std::chrono::milliseconds{1});
}

} // namespace muster
