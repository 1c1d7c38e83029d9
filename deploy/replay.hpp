// Plays a record to an actor of the same kind, alone under the deterministic scheduler, and compares what it sends.
#pragma once

#include "deploy/record.hpp"

#include <string>
#include <vector>

namespace muster::cli {

struct replay_result {
  std::size_t fed = 0;      ///< Messages that the actor was given.
  std::size_t compared = 0; ///< Messages that it sent, or should have sent.
  std::size_t different = 0;
  std::vector<std::string> differences; ///< The first of them, for people.
  std::vector<std::string> notes;       ///< What the record lacks.
};

/// Kinds of actors whose records can be played.
std::vector<std::string> replayable_kinds();

/// parameter_invalid: another kind of actor, or a message that cannot be read.
result<replay_result> replay(const record& what);

} // namespace muster::cli
