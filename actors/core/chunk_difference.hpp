// What differs between two versions of one chunk, row by row.
#pragma once

namespace muster {

/// Calls `f(row, -1)` for what is in `before` alone and `f(row, 1)` for what is in `after` alone, both in the order of `key`; a
/// row whose `same` says no counts as both. Most changes of a chunk leave nearly all its rows as they are.
template <class List, class Key, class Same, class F>
void each_difference(List before, List after, Key key, Same same, F f) {
  unsigned i = 0;
  unsigned k = 0;
  while (i < before.size() || k < after.size()) {
    if (k == after.size() || (i < before.size() && key(before[i]) < key(after[k]))) {
      f(before[i++], -1);
    } else if (i == before.size() || key(after[k]) < key(before[i])) {
      f(after[k++], 1);
    } else {
      if (!same(before[i], after[k])) {
        f(before[i], -1);
        f(after[k], 1);
      }
      ++i;
      ++k;
    }
  }
}

} // namespace muster
