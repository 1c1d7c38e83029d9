// What happened, in order: one compressed log of decisions, ends of tasks and all other events, with a way back for each segment and channel.
#pragma once

#include "actors/core/balance/choice.hpp"
#include "actors/core/reason.hpp"
#include "messages/schema/state.capnp.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace muster {

/// One thing that happened. What it is not about is 0 or empty.
struct log_event {
  std::uint64_t number = 0; ///< Given by the log.
  std::int64_t at = 0;      ///< Nanoseconds of any one steady clock; kept to the microsecond.
  schema::EventKind kind = schema::EventKind::INVALID;
  std::int64_t collection = 0;
  std::int64_t replica = 0;
  std::int64_t segment = 0;
  std::string channel;
  std::int64_t node = 0;
  std::int64_t source = 0;
  std::int64_t task = 0;
  schema::TaskKind task_kind = schema::TaskKind::INVALID;
  schema::Proposer proposer = schema::Proposer::INVALID;
  reason rule = reason::none;    ///< Why a task was proposed.
  reason outcome = reason::none; ///< Why it ended.
  std::int64_t took_us = 0;
  std::int64_t waited_us = 0; ///< Of an ended task: until its first order left.
  std::int64_t worked_us = 0; ///< From then until its node answered last.
  std::uint64_t trace_id = 0;
  std::string text; ///< Cut to `event_log::text_bytes`.
  // Of an admitted task: what was decided. Scores are kept to five digits.
  balance_choice choice;
  std::uint64_t situation = 0;
  std::int64_t target_version = 0;
};

/// Bounded by a number of decisions and by bytes, whichever is reached first; then the oldest block goes. Events of one block are coded as
/// differences to the one before, so an admitted task and its end cost some 40 bytes together. Adding: some 100 ns. Reading one: its block
/// is decoded up to it, at most `block_events` of them.
class event_log {
public:
  static constexpr std::size_t block_events = 256;
  static constexpr std::size_t text_bytes = 240;

  /// Keeps at least `decisions` admitted tasks as long as all that came since fits into `bytes`.
  event_log(std::size_t decisions, std::size_t bytes, std::uint64_t first_number = 1);

  /// Returns its number: one more than that of the event before.
  std::uint64_t add(const log_event& e);

  /// The number of the oldest event that is still known, and of the next that will be added.
  std::uint64_t first() const {
    return blocks_.empty() ? next_ : blocks_.front().first;
  }
  std::uint64_t next() const {
    return next_;
  }
  /// Events that were forgotten.
  std::uint64_t forgotten() const {
    return first() - first_number_;
  }

  std::optional<log_event> at(std::uint64_t number) const;

  /// Calls `f` for events from `number` on, in order, until it says false. Cost: the events seen, and a block.
  void forward(std::uint64_t number, const std::function<bool(const log_event&)>& f) const;

  /// Calls `f` for events before `number`, the newest first, until it says false. Cost: as above.
  void backward(std::uint64_t number, const std::function<bool(const log_event&)>& f) const;

  /// The same for those of one segment, or of one channel. Cost: a block for each.
  void backward_of_segment(std::int64_t segment, const std::function<bool(const log_event&)>& f) const;
  void backward_of_channel(std::string_view channel, const std::function<bool(const log_event&)>& f) const;

  std::size_t decisions() const {
    return decisions_;
  }

  /// What it takes of memory, near enough.
  std::size_t bytes() const;

private:
  struct block {
    std::uint64_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t decisions = 0;
    std::string code;
    std::vector<std::string> words; ///< Channels and texts, once each.
    std::size_t word_bytes = 0;
  };

  /// What differences are to.
  struct base {
    std::int64_t at_us = 0;
    std::int64_t collection = 0;
    std::int64_t replica = 0;
    std::int64_t segment = 0;
    std::int64_t node = 0;
    std::int64_t source = 0;
    std::int64_t task = 0;
    std::int64_t target_version = 0;
    std::uint64_t situation = 0;
    std::uint64_t trace_id = 0;
  };

  struct reader;

  std::uint32_t word(block& b, std::string_view text);
  void begin_block();
  void trim();
  const block* block_of(std::uint64_t number) const;
  static std::vector<log_event> decode(const block& b, std::uint64_t up_to, std::vector<std::uint64_t>* before);
  void chain(std::size_t slot, const std::function<bool(const log_event&)>& mine, const std::function<bool(const log_event&)>& f) const;

  std::size_t most_decisions_;
  std::size_t most_bytes_;
  std::deque<block> blocks_;
  std::unordered_map<std::string, std::uint32_t> open_words_; ///< Of the last block.
  base base_;
  std::uint64_t first_number_;
  std::uint64_t next_;
  std::size_t decisions_ = 0;
  std::size_t code_bytes_ = 0; ///< Of all blocks but the last.
  std::vector<std::uint64_t> heads_; ///< By slot of a subject: number of its newest event.
};

} // namespace muster
