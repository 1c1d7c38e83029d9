// Explanations of one channel or segment in one replica: the ladder of conditions that everything else is made of, and its parts.
#pragma once

#include "actors/core/explanation.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

/// An explanation while its conditions are looked at, one after the other; the first that is not met is the cause.
class ladder {
public:
  ladder(const explain_facts& facts, explanation& out) : facts_(facts), out_(out) {
    // nop
  }

  /// Notes a condition. True: it is met, go on.
  bool check(cause name, bool met, const std::string& text);

  /// What the unmet condition just noted waits for. Always false, so that it can be returned.
  bool blocked(unblocking by, std::string what_to_do, std::int64_t since = 0);

  const explain_facts& facts() const {
    return facts_;
  }

  explanation& out() {
    return out_;
  }

  /// A node's name and id, for people.
  std::string node(std::int64_t id) const;

private:
  const explain_facts& facts_;
  explanation& out_;
};

/// "1 segment", "2 segments".
std::string count_of(std::size_t n, const char* what);

/// A positive number that is all of the text.
std::optional<std::int64_t> id_of(std::string_view text);

/// A score or weight for people.
std::string four_digits(double x);

/// True when the leader of the channel can be searched and serves the current target.
bool explain_channel(ladder& l, const collection_view& view, const replica_row& replica, std::uint16_t channel);

/// True when a leader that can be searched routes to the segment.
bool explain_segment(ladder& l, const collection_view& view, const replica_row& replica, const target_row& segment);

/// That what a replica needs before anything of it can be placed is there: a target, nodes that have reported.
bool explain_ground(ladder& l, const collection_view& view, const replica_row& replica);

/// The decision that put a segment (0: the channel) where it is, for people; empty: it is not remembered.
std::string why_here(const explain_facts& facts, std::int64_t segment, const std::string& channel, std::int64_t replica, std::int64_t node);

/// How a decision reads for people.
std::string text_of(const explain_facts& facts, const log_event& decision);

/// As `explain` (explanation.hpp): of a node, of a task.
result<explanation> explain_node(const explain_facts& f, std::string_view asked);
result<explanation> explain_task(const explain_facts& f, std::string_view asked);

} // namespace muster
