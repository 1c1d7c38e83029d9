// What goes into and out of one actor, kept by reference for who asks: bounded, rate-limited, never holding the actor up.
#pragma once

#include "actors/core/publication_record.hpp"

#include <capnp/schema.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// One message that an actor received or sent.
struct tapped_message {
  std::uint64_t number = 0;
  std::int64_t at = 0; ///< On the clock of the actor, nanoseconds.
  bool out = false;
  std::string type; ///< Of the schema; "publication"; the name of a signal.
  std::string peer; ///< Who it was sent to, or whose answer it is; empty: not known.
  capnp::StructSchema schema;
  std::string_view frame;           ///< Of a message; as long as `keep`.
  std::shared_ptr<const void> keep;
  std::shared_ptr<const publication> published;
  std::size_t bytes = 0;
};

/// Written by the tapped actor, read by another. Cost of a message: its references.
class tap {
public:
  /// Messages that are of no interest, told by their type and content.
  using ignored = bool (*)(const tapped_message&);

  /// `types` empty: all. `replays`: the actor is fed from a record, and what it sends to itself is dropped.
  tap(std::set<std::string> types, std::size_t per_second, ignored ignore = nullptr, bool replays = false);

  /// The actor is about to be restarted, and what comes before that is of no interest.
  void await_restart();
  /// Another took the place of the actor.
  void taken_over();

  void put(tapped_message m);

  /// Forgets all up to number `after`; then at most `most` messages and about `bytes` of them.
  std::vector<tapped_message> read(std::uint64_t after, std::size_t most, std::size_t bytes);

  std::uint64_t left_out() const;

  bool replays() const {
    return replays_;
  }

private:
  const std::set<std::string> types_;
  const double per_second_;
  const ignored ignore_;
  const bool replays_;
  mutable std::mutex mutex_;
  std::deque<tapped_message> held_;
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t left_out_ = 0;
  bool awaits_restart_ = false;
  double allowance_;
  std::int64_t counted_at_ = 0;
};

} // namespace muster
