// The collections that a check looks at: those that were touched and those that the limit cut off before, taking turns.
#pragma once

#include "actors/core/touched.hpp"

#include <cstdint>
#include <set>
#include <utility>

namespace muster {

/// Which collections a limit cut off, and where it did so first.
class cut_off_collections {
public:
  void add(std::int64_t collection) {
    if (ids_.empty())
      first_ = collection;
    ids_.insert(collection);
  }

  bool empty() const {
    return ids_.empty();
  }

  /// Calls `f(collection, touched ids)` for each of them and each touched one, once, by id, beginning behind the one that used up the
  /// last batch so that none is passed over for ever. `f` may add some again. Cost: both.
  template <class F>
  void each_due(const touched_map& touched, F&& f) {
    static const touched_ids nothing;
    const auto again = std::exchange(ids_, {});
    const auto start = first_;
    const auto merge = [&](auto a, auto a_end, auto b, auto b_end) {
      while (a != a_end || b != b_end)
        if (b == b_end || (a != a_end && a->first <= *b)) {
          if (b != b_end && a->first == *b)
            ++b;
          f(a->first, a->second);
          ++a;
        } else {
          f(*b++, nothing);
        }
    };
    const auto middle = touched.upper_bound(start);
    const auto again_middle = again.upper_bound(start);
    merge(middle, touched.end(), again_middle, again.end());
    merge(touched.begin(), middle, again.begin(), again_middle);
  }

private:
  std::set<std::int64_t> ids_;
  std::int64_t first_ = 0;
};

} // namespace muster
