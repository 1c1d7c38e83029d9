// The states of a segment on a node.
#include "actors/core/node_segments.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace muster {

void node_segments::load(std::uint64_t who, const load_source& source, std::int64_t version) {
  auto i = rows_.find(source.segment);
  if (i == rows_.end()) {
    if (waiting() >= waiting_limit_ && loading_ >= loaders_) {
      out_.answers.push_back(
        {who, failure{ec::too_many_requests, std::to_string(waiting()) + " loads wait at this node; try again later"}});
      return;
    }
    auto& r = rows_[source.segment];
    r.source = source;
    r.copy = {source.segment, source.collection, source.partition, version, 0, 0, 0, 0, 0};
    r.loads.push_back(who);
    (source.low_priority ? low_ : queue_).push_back(source.segment);
    start_next();
    return;
  }
  auto& r = i->second;
  if (!r.releases.empty()) {
    r.again.push_back({who, source, version});
    return;
  }
  const auto newer = version > r.copy.version;
  r.copy.version = std::max(r.copy.version, version);
  if (r.at == phase::waiting && r.source.low_priority && !source.low_priority) {
    leave_queue(source.segment);
    r.source.low_priority = false;
    queue_.push_back(source.segment);
  }
  if (r.at == phase::waiting || r.at == phase::loading) {
    r.loads.push_back(who);
    return;
  }
  if (newer)
    out_.copies.push_back(r.copy);
  out_.answers.push_back({who, std::nullopt});
}

void node_segments::update(std::uint64_t who, const load_source& source, const segment_update& what) {
  auto i = rows_.find(source.segment);
  if (i == rows_.end() || !i->second.releases.empty() || i->second.at == phase::waiting || i->second.at == phase::loading) {
    out_.answers.push_back({who, failure{ec::segment_not_loaded, "segment " + to_string(source.segment) + " is not loaded here"}});
    return;
  }
  if (waiting() >= waiting_limit_) {
    out_.answers.push_back(
      {who, failure{ec::too_many_requests, std::to_string(waiting()) + " loads wait at this node; try again later"}});
    return;
  }
  auto& r = i->second;
  r.updates.push_back({who, what});
  if (!source.file.empty()) // dropping an index names none
    r.source = source;
  if (r.at == phase::loaded && r.updates.size() == 1) {
    low_.push_back(source.segment);
    start_next();
  }
}

void node_segments::release(std::uint64_t who, segment_id segment) {
  auto i = rows_.find(segment);
  if (i == rows_.end()) {
    out_.answers.push_back({who, std::nullopt});
    return;
  }
  auto& r = i->second;
  if (r.at == phase::loading || r.at == phase::updating) {
    // Loads that came behind an earlier release end with this one.
    for (const auto& again : r.again)
      out_.answers.push_back({again.who, failure{ec::cancelled, "segment " + to_string(segment)
                                                                  + " was released before its load began"}});
    r.again.clear();
    r.releases.push_back(who);
    return;
  }
  if (r.at == phase::waiting) {
    for (auto load : r.loads)
      out_.answers.push_back({load, failure{ec::cancelled, "segment " + to_string(segment)
                                                             + " was released before its load began"}});
    leave_queue(segment);
  } else {
    if (!r.updates.empty())
      leave_queue(segment);
    cancel_updates(r, segment);
    out_.releases.push_back(segment);
    out_.removed.push_back(segment);
  }
  rows_.erase(i);
  out_.answers.push_back({who, std::nullopt});
}

void node_segments::done(segment_id segment, const std::optional<failure>& why, const loaded& now) {
  auto i = rows_.find(segment);
  if (i == rows_.end() || (i->second.at != phase::loading && i->second.at != phase::updating))
    return;
  --loading_;
  auto& r = i->second;
  if (r.at == phase::loading) {
    finish_load(segment, why, now);
    start_next();
    return;
  }
  const auto who = r.updates.front().who;
  r.updates.pop_front();
  r.at = phase::loaded;
  if (!why) {
    r.copy.bytes = now.bytes;
    r.copy.index = now.index;
    r.copy.indexes = now.indexes;
    r.copy.stats = now.stats;
    out_.copies.push_back(r.copy);
  }
  out_.answers.push_back({who, why});
  if (!r.releases.empty()) {
    cancel_updates(r, segment);
    std::erase_if(out_.copies, [&](const reported_copy& c) { return c.segment == segment; });
    out_.removed.push_back(segment);
    drop(segment, std::nullopt);
  } else if (!r.updates.empty()) {
    low_.push_back(segment);
  }
  start_next();
}

void node_segments::finish_load(segment_id segment, const std::optional<failure>& why, const loaded& now) {
  auto& r = rows_.at(segment);
  if (!r.releases.empty() || why) {
    drop(segment, why);
    return;
  }
  r.at = phase::loaded;
  r.copy.rows = now.rows;
  r.copy.bytes = now.bytes;
  r.copy.index = now.index;
  r.copy.indexes = now.indexes;
  r.copy.stats = now.stats;
  out_.copies.push_back(r.copy);
  for (auto who : std::exchange(r.loads, {}))
    out_.answers.push_back({who, std::nullopt});
}

/// What was loaded is to go, or was never loaded; who asked for it behind that starts anew.
void node_segments::drop(segment_id segment, const std::optional<failure>& why) {
  auto node = rows_.extract(segment);
  auto& r = node.mapped();
  if (!why)
    out_.releases.push_back(segment);
  for (auto who : r.loads)
    out_.answers.push_back({who, why ? why : failure{ec::cancelled, "segment " + to_string(segment)
                                                                     + " was released while it was being loaded"}});
  for (auto who : r.releases)
    out_.answers.push_back({who, std::nullopt});
  for (const auto& again : r.again)
    load(again.who, again.source, again.version);
}

void node_segments::cancel_updates(row& r, segment_id segment) {
  for (const auto& u : std::exchange(r.updates, {}))
    out_.answers.push_back({u.who, failure{ec::segment_not_loaded, "segment " + to_string(segment) + " was released"}});
}

void node_segments::leave_queue(segment_id segment) {
  for (auto* queue : {&queue_, &low_})
    if (auto i = std::find(queue->begin(), queue->end(), segment); i != queue->end()) {
      queue->erase(i);
      return;
    }
}

void node_segments::start_next() {
  while (loading_ < loaders_ && waiting() > 0) {
    auto& queue = queue_.empty() ? low_ : queue_;
    auto& r = rows_.at(queue.front());
    queue.pop_front();
    ++loading_;
    if (r.at == phase::waiting) {
      r.at = phase::loading;
      out_.starts.push_back({r.source, std::nullopt});
    } else {
      r.at = phase::updating;
      out_.starts.push_back({r.source, r.updates.front().what});
    }
  }
}

node_segments::actions node_segments::take() {
  return std::exchange(out_, {});
}

} // namespace muster
