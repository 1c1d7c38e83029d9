// Which log lines only repeat what was just written: those are counted, and told of once a while.
#pragma once

#include "messages/limits.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace muster::log {

/// Used under a lock of its owner. Cost of a line: its hash, and what is due. Bounded by limits::log_remembered lines.
class repeats {
public:
  struct due {
    int severity = 0;
    std::string channel;
    std::string text; ///< With how often it came.
  };

  /// What is to be written now beside the line itself: earlier ones whose time is over. `write` is false when the line is a repetition.
  std::vector<due> note(int severity, std::string_view channel, std::string_view text, std::int64_t now_ns, bool& write) {
    std::vector<due> told;
    const auto window = std::chrono::nanoseconds{limits::log_repeat}.count();
    while (!order_.empty() && (order_.front().first + window <= now_ns || order_.size() >= limits::log_remembered))
      forget(told);
    std::string key{channel};
    key += '\n';
    key += std::to_string(severity);
    key += text;
    const auto [i, fresh] = lines_.try_emplace(key);
    write = fresh;
    if (!fresh) {
      ++i->second.times;
      return told;
    }
    i->second.line = {severity, std::string{channel}, std::string{text}};
    order_.emplace_back(now_ns, key);
    return told;
  }

  /// All that was not told yet; nothing is remembered afterwards.
  std::vector<due> finish() {
    std::vector<due> told;
    while (!order_.empty())
      forget(told);
    return told;
  }

private:
  struct seen {
    due line;
    std::uint64_t times = 0; ///< Beside the first.
  };

  void forget(std::vector<due>& told) {
    auto i = lines_.find(order_.front().second);
    if (i->second.times > 0) {
      i->second.line.text += " (repeated " + std::to_string(i->second.times) + (i->second.times == 1 ? " time)" : " times)");
      told.push_back(std::move(i->second.line));
    }
    lines_.erase(i);
    order_.pop_front();
  }

  std::unordered_map<std::string, seen> lines_;
  std::deque<std::pair<std::int64_t, std::string>> order_; ///< When each was written, the oldest first.
};

} // namespace muster::log
