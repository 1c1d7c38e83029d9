// The states of a segment on a node.
#include "actors/core/node_segments.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace muster {

void node_segments::load(std::uint64_t who, const load_source& source, std::int64_t version) {
  auto i = rows_.find(source.segment);
  if (i == rows_.end()) {
    if (queue_.size() >= waiting_limit_ && loading_ >= loaders_) {
      out_.answers.push_back({who, failure{ec::too_many_requests, std::to_string(queue_.size())
                                                                    + " loads wait at this node; try again later"}});
      return;
    }
    auto& r = rows_[source.segment];
    r.source = source;
    r.copy = {source.segment, source.collection, source.partition, version, 0, 0, 0};
    r.loads.push_back(who);
    queue_.push_back(source.segment);
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
  if (r.at != phase::loaded) {
    r.loads.push_back(who);
    return;
  }
  if (newer)
    out_.copies.push_back(r.copy);
  out_.answers.push_back({who, std::nullopt});
}

void node_segments::release(std::uint64_t who, segment_id segment) {
  auto i = rows_.find(segment);
  if (i == rows_.end()) {
    out_.answers.push_back({who, std::nullopt});
    return;
  }
  auto& r = i->second;
  if (r.at == phase::loading) {
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
    queue_.erase(std::find(queue_.begin(), queue_.end(), segment));
  } else {
    out_.releases.push_back(segment);
    out_.removed.push_back(segment);
  }
  rows_.erase(i);
  out_.answers.push_back({who, std::nullopt});
}

void node_segments::done(segment_id segment, const std::optional<failure>& why, std::int64_t rows, std::int64_t bytes,
                         std::uint8_t index) {
  auto i = rows_.find(segment);
  if (i == rows_.end() || i->second.at != phase::loading)
    return;
  --loading_;
  auto r = std::move(i->second);
  if (r.releases.empty() && !why) {
    r.at = phase::loaded;
    r.copy.rows = rows;
    r.copy.bytes = bytes;
    r.copy.index = index;
    out_.copies.push_back(r.copy);
    for (auto who : r.loads)
      out_.answers.push_back({who, std::nullopt});
    r.loads.clear();
    i->second = std::move(r);
    start_next();
    return;
  }
  rows_.erase(i);
  if (!why)
    out_.releases.push_back(segment);
  for (auto who : r.loads)
    out_.answers.push_back({who, why ? why : failure{ec::cancelled, "segment " + to_string(segment)
                                                                     + " was released while it was being loaded"}});
  for (auto who : r.releases)
    out_.answers.push_back({who, std::nullopt});
  for (const auto& again : r.again)
    load(again.who, again.source, again.version);
  start_next();
}

void node_segments::start_next() {
  while (loading_ < loaders_ && !queue_.empty()) {
    auto& r = rows_.at(queue_.front());
    queue_.pop_front();
    r.at = phase::loading;
    ++loading_;
    out_.starts.push_back({r.source});
  }
}

node_segments::actions node_segments::take() {
  return std::exchange(out_, {});
}

} // namespace muster
