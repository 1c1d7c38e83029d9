// The short memory of ended tasks.
#include "actors/core/task_history.hpp"

#include "messages/limits.hpp"

namespace muster {

schema::TaskStatus status_of(reason end) {
  switch (end) {
    case reason::none:
      return schema::TaskStatus::STARTED;
    case reason::done:
      return schema::TaskStatus::SUCCEEDED;
    case reason::order_failed:
    case reason::order_unknown:
    case reason::order_refused:
    case reason::effect_missing:
    case reason::leader_changed:
    case reason::replica_unserved:
      return schema::TaskStatus::FAILED;
    default:
      return schema::TaskStatus::CANCELED;
  }
}

void write(schema::TaskRecord::Builder b, const task_record& r, std::int64_t now) {
  constexpr std::int64_t ms = 1'000'000;
  b.setId(r.id);
  b.setKind(r.kind);
  b.setPriority(r.priority);
  b.setProposer(r.proposer);
  b.setCollection(r.collection);
  b.setReplica(r.replica);
  b.setChannel(r.channel);
  b.setSegment(r.segment);
  b.setNode(r.node);
  b.setSource(r.source);
  b.setReason(static_cast<std::uint16_t>(r.why));
  b.setStatus(r.status);
  b.setStep(r.step);
  b.setEnd(static_cast<std::uint16_t>(r.end));
  b.setError(r.error);
  b.setAgeMs((now - r.admitted_at) / ms);
  b.setTookMs(r.ended_at == 0 ? 0 : (r.ended_at - r.admitted_at) / ms);
}

void task_history::add(task_record r) {
  records_.push_back(std::move(r));
  if (records_.size() > limits::recent_tasks)
    records_.pop_front();
}

void task_history::expire(std::int64_t now) {
  while (!records_.empty()
         && now - records_.front().ended_at >= std::chrono::nanoseconds{limits::recent_tasks_age}.count())
    records_.pop_front();
}

} // namespace muster
