// Tasks that ended of late, for people and for who waits for them.
#pragma once

#include "actors/core/proposal.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace muster {

/// A task and how it stands.
struct task_record {
  std::int64_t id = 0;
  schema::Proposer proposer = schema::Proposer::INVALID;
  schema::TaskKind kind = schema::TaskKind::INVALID;
  schema::TaskPriority priority = schema::TaskPriority::LOW;
  std::int64_t collection = 0;
  std::int64_t replica = 0;
  std::string channel;
  std::int64_t segment = 0;
  std::int64_t node = 0;
  std::int64_t source = 0;
  reason why = reason::none;
  std::uint8_t step = 0;
  schema::TaskStatus status = schema::TaskStatus::STARTED;
  reason end = reason::none;
  std::string error;
  std::int64_t admitted_at = 0;
  std::int64_t ended_at = 0;
};

/// How a task that ended for this reason counts: succeeded, canceled (nothing went wrong), failed.
schema::TaskStatus status_of(reason end);

void write(schema::TaskRecord::Builder b, const task_record& r, std::int64_t now);

/// At most limits::recent_tasks, none older than limits::recent_tasks_age.
class task_history {
public:
  void add(task_record r);
  void expire(std::int64_t now);

  /// The newest last.
  const std::deque<task_record>& records() const {
    return records_;
  }

private:
  std::deque<task_record> records_;
};

} // namespace muster
